//! DER and PEM of every kind of key, against files that OpenSSL and others wrote, and against what OpenSSL makes of ours.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::path::PathBuf;

use cng_pkcs11::asn1::pem::{self, Label};
use cng_pkcs11::asn1::{Domain, Error, Loss, Opening, certificate, dsa, pkcs1, pkcs8, sec1, spki};
use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Entry};
use cng_pkcs11::key::{self, KeyMaterial, KeyUsage, PrivateKey, PublicKey, Validation};
use cng_pkcs11::secret::SecretBytes;
use sha2::Digest;

use crate::support::der::tlv;
use crate::support::openssl;
use crate::vectors as common;
use crate::vectors::{hex, report};

const FULL: Validation = Validation::Full;

fn folder() -> PathBuf {
    common::folder().join("more")
}

fn table(path: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder().join(path)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The files of the manifest whose type, without its variant, is this one: name, variant, bytes.
fn files(kind: &str) -> Vec<(String, String, Vec<u8>)> {
    let rows = table("manifest.tsv").into_iter().filter_map(|row| {
        let (variant, last) = row[2].rsplit_once('.').unwrap_or(("", &row[2]));
        (last == kind).then(|| (row[0].clone(), variant.to_owned(), read(&row[0])))
    });
    let found: Vec<_> = rows.collect();
    assert!(!found.is_empty(), "no vectors of {kind}");
    found
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn private(der: &[u8]) -> Result<(PrivateKey, Option<KeyUsage>), Error> {
    pkcs8::decode(der, Opening::default(), FULL)
}

/// The first difference, as a line for [`report`]. That an RSA key is for PSS only is a loss that is stated elsewhere.
fn same(
    failures: &mut Vec<String>,
    file: &str,
    found: Result<impl AsRef<[u8]>, impl std::fmt::Display>,
    expected: &[u8],
) {
    match found {
        // What follows the AlgorithmIdentifier is the key.
        Ok(found)
            if file.starts_with("rsa2048-pss")
                && found.as_ref().get(22..).is_some_and(|key| key.len() > 256 && expected.ends_with(key)) => {}
        Ok(found) if found.as_ref() == expected => {}
        Ok(found) => failures.push(format!("{file}: {} instead of {}", hex(found.as_ref()), hex(expected))),
        Err(error) => failures.push(format!("{file}: {error}")),
    }
}

#[test]
fn what_openssl_and_the_rfcs_write_is_written_again_byte_for_byte() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, variant, bytes) in files("PKCS8_PRIVATEKEY") {
        let written = private(&bytes).and_then(|(key, usage)| match variant.as_str() {
            // Those say less, or more, than what is written.
            "nopublic" | "explicit-nopublic" | "v2" | "both" => Ok(bytes.clone()),
            "expanded" => Ok(pkcs8::encode(&key)?.to_vec()),
            "explicit" => Ok(pkcs8::encode_as(&key, usage, Domain::Explicit)?.to_vec()),
            _ => Ok(pkcs8::encode_with(&key, usage)?.to_vec()),
        });
        same(&mut failures, &file, written, &bytes);
        count += 1;
    }
    for (file, variant, bytes) in files("spki") {
        if variant == "hybrid" {
            assert!(spki::decode(&bytes, FULL).is_err(), "{file}");
            continue;
        }
        let written = spki::decode(&bytes, FULL).and_then(|key| match variant.as_str() {
            "explicit" => spki::encode_with(&key, Domain::Explicit),
            "compressed" => Ok(bytes.clone()),
            _ => spki::encode(&key),
        });
        same(&mut failures, &file, written, &bytes);
        count += 1;
    }
    for (file, variant, bytes) in files("sec1") {
        if variant == "noparameters" {
            let problem = "it names no curve";
            assert_eq!(sec1::decode(&bytes, None, FULL).unwrap_err(), Error::Invalid { what: "ECPrivateKey", problem });
            continue;
        }
        let written = sec1::decode(&bytes, None, FULL).and_then(|key| match variant.as_str() {
            "explicit" => Ok(sec1::encode_with(&key, Some(Domain::Explicit))?.to_vec()),
            "" => Ok(sec1::encode(&key, true)?.to_vec()),
            _ => Ok(bytes.clone()),
        });
        same(&mut failures, &file, written, &bytes);
        count += 1;
    }
    for (file, _, bytes) in files("dsa") {
        let written = dsa::decode_traditional(&bytes, FULL).and_then(|key| dsa::encode_traditional(&key));
        same(&mut failures, &file, written.map(|der| der.to_vec()), &bytes);
        count += 1;
    }
    for (file, _, bytes) in files("pkcs1") {
        let written = pkcs1::decode_private(&bytes, FULL).and_then(|key| pkcs1::encode_private(&key));
        same(&mut failures, &file, written.map(|der| der.to_vec()), &bytes);
        count += 1;
    }
    for (file, _, bytes) in files("pkcs1-public") {
        same(
            &mut failures,
            &file,
            pkcs1::decode_public(&bytes, FULL).and_then(|key| pkcs1::encode_public(&key)),
            &bytes,
        );
        count += 1;
    }
    report(&failures);
    assert!(count > 150, "only {count} files");
}

#[test]
fn every_form_of_one_key_gives_the_same_public_key() {
    let (mut failures, mut count) = (Vec::new(), 0);
    let whole: std::collections::HashMap<_, _> = files("spki")
        .into_iter()
        .filter(|(_, variant, _)| variant.is_empty())
        .map(|(file, _, bytes)| (file.split('.').next().unwrap().to_owned(), bytes))
        .collect();
    for (file, _, bytes) in files("PKCS8_PRIVATEKEY").into_iter().chain(files("sec1")) {
        let Some(expected) = whole.get(file.split('.').next().unwrap()) else { continue };
        let key = match file.contains("sec1") {
            true if file.contains("noparameters") => continue,
            true => sec1::decode(&bytes, None, FULL).map(PrivateKey::Ec),
            false => private(&bytes).map(|(key, _)| key),
        };
        // The public keys of 448 bits cannot be computed here, and PKCS#8 does not have them.
        let Some(public) = key.map(|key| key.public()).transpose() else {
            assert!(file.contains("448") && !file.contains("v2"), "{file}");
            continue;
        };
        same(&mut failures, &file, public.and_then(|public| spki::encode(&public)), expected);
        count += 1;
    }
    for (file, _, bytes) in files("cert").into_iter().chain(files("cert-pem")) {
        let Some(expected) = whole.get(file.split('.').next().unwrap()) else { continue };
        same(&mut failures, &file, certificate::decode(&bytes).and_then(|parts| spki::encode(&parts.public)), expected);
        count += 1;
    }
    report(&failures);
    assert!(count > 170, "only {count}");
}

/// Of private keys on curves of 448 bits: it cannot be computed here, and PKCS#8 does not have it.
const NO_PUBLIC: &str = "the public half is not known";

/// What may differ from what others say, and why.
fn is_refused(file: &str) -> Option<&'static str> {
    Some(match file {
        // A negative modulus.
        "badasn1time.pem" => "RSAPublicKey: malformed DER at offset 430",
        "dsa-wrong-version.pem" => "DSAPrivateKey: its version is not 0",
        "ec_public_key_rsa_delimiter.pem" => "RSAPublicKey: malformed DER",
        "dsa_4096.pem" => "a DSA modulus of 4096 bits is not supported",
        "dsa.pub.pem" => "a DSA public key in OpenSSL's old form, which is not read here",
        "dsa_private_key.pem" | "key1.pem" | "rsa_private_key.pem" | "testrsa-encrypted.pem" => "encrypted the old way",
        "dsa_public_key_invalid_bit_string.der" => "malformed DER",
        "ec-inconsistent-curve2.pem" => "it names another curve than the structure around it",
        "ec-invalid-private-scalar.pem" => "d is out of range",
        "ec-invalid-version.pem" => "its version is not 1",
        "enc-ec-sha1-128-rc4.pem" => "not supported",
        "explicit_parameters_wap_wsg_idm_ecid_wtls11_private_key.pem" => "characteristic two",
        "ed448-pkcs8.pem" | "ed448-pkcs8-enc.der" | "x448-pkcs8.pem" | "x448-pkcs8-enc.der" => NO_PUBLIC,
        "ec_oid_not_in_reg_private_2.pkcs8.pem" | "nodompar_private.pkcs8.pem" | "secp128r1_private_key.pem" => {
            "unknown curve"
        }
        "nilpotent.pem" => "a DSA modulus of 161 bits is not supported",
        "rsa-bad-1025-q-is-2.pem" => "",
        "rsa-wrong-version.pem" => "malformed DER",
        "sect163k1-spki.pem" | "sect233r1-spki.pem" => "unknown curve",
        "wrong-pem-delimiter-rsa.pem" => "malformed DER",
        _ => return None,
    })
}

#[test]
fn files_by_others_give_the_public_key_that_others_find() {
    let mut failures = Vec::new();
    let mut count = 0;
    for row in table("published/manifest.tsv") {
        let [file, _, _, password, digest, note] = row.as_slice() else { panic!("{row:?}") };
        let known = ["pem", "der", "priv", "pub"].iter().any(|end| file.ends_with(&format!(".{end}")));
        if digest == "-" || !known {
            continue;
        }
        count += 1;
        let bytes = read(&format!("published/{file}"));
        let password = SecretBytes::from(password.as_bytes());
        let opening = Opening { password: Some(&password), ..Opening::default() };
        let key = if note == "certificates" {
            certificate::decode(&bytes).map(|parts| KeyMaterial::Public(parts.public)).map_err(format::Error::from)
        } else {
            any(&bytes, opening)
        };
        let unknown = Error::Invalid { what: "the key", problem: NO_PUBLIC };
        let found = key.and_then(|key| key.public().ok_or_else(|| unknown.into())).map(|public| {
            let bits = spki::subject_public_key(&public).unwrap();
            // A subject public key of DSA or DH is an INTEGER; what is hashed is the content of the BIT STRING, which it is.
            hex(&sha2::Sha256::digest(&bits))
        });
        match (is_refused(file), found) {
            (Some(why), Err(error)) if error.to_string().contains(why) => {}
            (None, Ok(found)) if found == *digest => {}
            (_, Err(error)) => failures.push(format!("{file}: {error}")),
            (_, Ok(found)) => failures.push(format!("{file}: {found} instead of {digest}")),
        }
    }
    report(&failures);
    assert!(count > 90, "only {count} files");
}

/// A key in PEM, or in any kind of DER.
fn any(bytes: &[u8], opening: Opening<'_>) -> Result<KeyMaterial, format::Error> {
    if pem::is_pem(bytes) {
        return from_pem(bytes, opening).map(|entry| entry.decoded.key);
    }
    let private = |key| Ok(KeyMaterial::Private(key));
    let first = pkcs8::decode(bytes, opening, FULL);
    if let Ok((key, _)) = first {
        return private(key);
    }
    if let Ok(key) = spki::decode(bytes, FULL) {
        return Ok(KeyMaterial::Public(key));
    }
    if let Ok(key) = pkcs1::decode_private(bytes, FULL) {
        return private(PrivateKey::Rsa(key));
    }
    if let Ok(key) = pkcs1::decode_public(bytes, FULL) {
        return Ok(KeyMaterial::Public(PublicKey::Rsa(key)));
    }
    if let Ok(key) = sec1::decode(bytes, None, FULL) {
        return private(PrivateKey::Ec(key));
    }
    if let Ok(key) = dsa::decode_traditional(bytes, FULL) {
        return private(PrivateKey::Dsa(key));
    }
    Ok(first.map(|(key, _)| KeyMaterial::Private(key))?)
}

/// The first key of a text.
fn from_pem(text: &[u8], opening: Opening<'_>) -> Result<Entry, format::Error> {
    let hints = Hints { password: opening.password, limits: opening.limits, ..Hints::default() };
    let mut entries = format::decode_all(text, format::sniff(text)?, &hints)?;
    Ok(entries.swap_remove(0))
}

#[test]
fn files_that_nobody_reads_are_refused_or_are_newer_than_openssl() {
    let mut failures = Vec::new();
    for row in table("published/manifest.tsv") {
        let [file, _, _, _, digest, ..] = row.as_slice() else { panic!("{row:?}") };
        if digest != "-" || !["pem", "der", "priv", "pub"].iter().any(|end| file.ends_with(&format!(".{end}"))) {
            continue;
        }
        let bytes = read(&format!("published/{file}"));
        let password = SecretBytes::from(&b"password"[..]);
        let opening = Opening { password: Some(&password), ..Opening::default() };
        let key = any(&bytes, opening);
        let taken = matches!(
            file.as_str(),
            "ML-KEM-512-seed.priv" | "ML-KEM-512.pub" | "ed25519-priv-pkcs8v2.der" | "mldsa65_noseed_priv.der"
        );
        match key {
            Ok(_) if taken => {}
            Err(_) if !taken => {}
            outcome => failures.push(format!("{file}: {:?}", outcome.err())),
        }
    }
    report(&failures);
}

#[test]
fn domain_parameters_alone_are_read_and_written_again() {
    use cng_pkcs11::asn1::{dh, ec_parameters};
    let section = |file: &str, label| {
        let text = read(file);
        let found = pem::find(&text, &[label]).unwrap().decode().unwrap();
        found.to_vec()
    };
    let der = section("published/dhp.pem", Label::DhParameters);
    assert_eq!(dh::encode_parameters(&dh::decode_pkcs3_parameters(&der, FULL).unwrap()).unwrap(), der);
    let der = section("published/dhp_rfc5114_2.pem", Label::X942DhParameters);
    assert_eq!(dh::encode_parameters(&dh::decode_x942_parameters(&der, FULL).unwrap()).unwrap(), der);
    let der = section("published/dsaparam.pem", Label::DsaParameters);
    assert_eq!(dsa::encode_parameters(&dsa::decode_parameters(&der, FULL).unwrap()).unwrap(), der);
    let mut seen = 0;
    for (file, _, bytes) in files("sec1-pem") {
        let Ok(section) = pem::find(&bytes, &[Label::EcParameters]) else { continue };
        seen += 1;
        let der = section.decode().unwrap();
        let (curve, domain) = ec_parameters::decode(&der).unwrap();
        assert_eq!(ec_parameters::encode(curve, domain).unwrap(), der.to_vec(), "{file}");
    }
    assert_eq!(seen, 5);
}

#[test]
fn every_curve_that_openssl_has_is_described_as_openssl_describes_it() {
    use cng_pkcs11::asn1::ec_parameters;
    let list = String::from_utf8(openssl(&["ecparam", "-list_curves"], None)).unwrap();
    let mut count = 0;
    for name in list.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()) {
        let named = openssl(&["ecparam", "-name", name, "-outform", "DER"], None);
        let explicit = ["ecparam", "-name", name, "-param_enc", "explicit", "-outform", "DER"];
        let explicit = openssl(&explicit, None);
        let Ok((curve, Domain::Named)) = ec_parameters::decode(&named) else {
            // Without an OID, with one that CNG has not, or over a field of characteristic two: the description is refused as well,
            // or it is that of a curve that has another name.
            match ec_parameters::decode(&explicit) {
                Ok((curve, _)) => assert!(name.starts_with("wap-wsg-idm-ecid-wtls"), "{name}: {}", curve.name),
                Err(error) => assert!(
                    matches!(&error, Error::Key(_)) || error.to_string().contains("characteristic two"),
                    "{name}: {error}"
                ),
            }
            continue;
        };
        assert_eq!(ec_parameters::encode(curve, Domain::Named).unwrap(), named, "{name}");
        let (described, domain) = ec_parameters::decode(&explicit).unwrap();
        assert_eq!((described.parameters.p, domain), (curve.parameters.p, Domain::Explicit), "{name}");
        assert_eq!(hex(&ec_parameters::encode(curve, Domain::Explicit).unwrap()), hex(&explicit), "{name}");
        // With the base point compressed, and without the seed and the cofactor.
        let compressed = [
            &["ecparam", "-name", name, "-conv_form", "compressed", "-no_seed"][..],
            &["-param_enc", "explicit", "-outform", "DER"],
        ];
        let (described, _) = ec_parameters::decode(&openssl(&compressed.concat(), None)).unwrap();
        assert_eq!(described.parameters.gy, curve.parameters.gy, "{name}");
        count += 1;
    }
    assert!(count >= 25, "only {count} curves");
}

#[test]
fn openssl_reads_what_is_written_and_writes_it_again() {
    for (file, variant, bytes) in files("PKCS8_PRIVATEKEY") {
        let newer = ["mldsa", "mlkem", "slhdsa"].iter().any(|name| file.starts_with(name));
        let (key, _) = private(&bytes).unwrap();
        let ours = pkcs8::to_pem(&pkcs8::encode(&key).unwrap()).unwrap();
        openssl(&["asn1parse"], Some(&ours));
        if newer || !variant.is_empty() {
            continue;
        }
        assert_eq!(openssl(&["pkey"], Some(&ours)), ours.to_vec(), "{file}");
        // What openssl says about the key itself is in order too.
        let public = openssl(&["pkey", "-pubout"], Some(&ours));
        match key.public() {
            Some(known) => assert_eq!(public, spki::encode_pem(&known).unwrap(), "{file}"),
            None => assert!(file.contains("448"), "{file}"),
        }
        if let PrivateKey::Ec(ec) = &key
            && ec.curve().form.is_affine()
        {
            let der = sec1::encode(ec, true).unwrap();
            let ours = pem::to_pem(Label::EcPrivateKey, &der).unwrap();
            assert_eq!(openssl(&["pkey", "-traditional"], Some(&ours)), ours.to_vec(), "{file}");
            let explicit = pkcs8::encode_as(&key, None, Domain::Explicit).unwrap();
            let public = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], Some(&explicit));
            assert_eq!(spki::decode(&public, FULL).unwrap(), key.public().unwrap(), "{file}");
        }
        if let PrivateKey::Dsa(dsa) = &key {
            let ours = pem::to_pem(Label::DsaPrivateKey, &dsa::encode_traditional(dsa).unwrap()).unwrap();
            assert_eq!(openssl(&["pkey", "-traditional"], Some(&ours)), ours.to_vec(), "{file}");
        }
    }
}

#[test]
fn a_usage_is_written_as_windows_writes_it() {
    let mut seen = 0;
    for (file, variant, bytes) in files("PKCS8_PRIVATEKEY") {
        let Some(word) = variant.strip_prefix("usage-") else { continue };
        seen += 1;
        let usage = match word {
            "digitalSignature" => KeyUsage::SIGN,
            "keyAgreement" => KeyUsage::AGREE,
            "dataEncipherment" => KeyUsage::DECRYPT,
            other => panic!("{other}"),
        };
        let (key, found) = private(&bytes).unwrap();
        assert_eq!(found, Some(usage), "{file}");
        let written = pkcs8::encode_with(&key, Some(usage)).unwrap();
        assert_eq!(hex(&written), hex(&bytes), "{file}");
        // Openssl passes over the attribute.
        openssl(&["pkey", "-inform", "DER", "-noout", "-check"], Some(&written));
    }
    assert_eq!(seen, 12);
}

#[test]
fn what_a_structure_says_beyond_its_key_is_told() {
    let losses = |file: &str| from_pem(&read(file), Opening::default()).unwrap().extras;
    assert_eq!(losses("published/rsa_pss_2048_hash_mask_salt.pem"), [Loss::PssOnly.to_string()]);
    assert_eq!(losses("published/rsa_pss_cert.pem"), [Loss::PssOnly.to_string()]);
    assert_eq!(losses("published/secp256r1-explicit-seed.pem"), [Loss::ExplicitCurve.to_string()]);
    assert!(losses("published/ed25519-pkcs8.pem").is_empty());
}

#[test]
fn pem_of_every_writer_gives_the_key_of_its_der() {
    let mut failures = Vec::new();
    for (kind, der_kind) in [
        ("pkcs8-pem", "PKCS8_PRIVATEKEY"),
        ("sec1-pem", "PKCS8_PRIVATEKEY"),
        ("dsa-pem", "PKCS8_PRIVATEKEY"),
        ("pkcs1-pem", "PKCS8_PRIVATEKEY"),
        ("spki-pem", "spki"),
        ("pkcs1-public-pem", "spki"),
        ("cert-pem", "spki"),
    ] {
        for (file, _, text) in files(kind) {
            let expected = read(&format!("{}.{der_kind}.bin", file.split('.').next().unwrap()));
            let written = from_pem(&text, Opening::default()).and_then(|entry| match entry.decoded.key {
                KeyMaterial::Private(key) => Ok(pkcs8::encode(&key)?.to_vec()),
                KeyMaterial::Public(key) => Ok(spki::encode(&key)?),
                KeyMaterial::Secret(_) => Ok(Vec::new()),
            });
            same(&mut failures, &file, written, &expected);
        }
    }
    report(&failures);
}

#[test]
fn sections_of_a_text_are_found_in_their_order_with_their_places() {
    let text = [
        b"Bag Attributes\n    friendlyName: x\n".as_slice(),
        &read("nistP256.parameters.sec1-pem.pem"),
        b"text\r\n",
        &read("rsa2048.spki-pem.pem"),
        &read("nistP256.cert-pem.pem"),
    ]
    .concat();
    let found: Vec<_> = pem::sections(&text).map(|section| section.unwrap()).collect();
    let labels: Vec<_> = found.iter().map(|section| section.kind().unwrap()).collect();
    assert_eq!(labels, [Label::EcParameters, Label::EcPrivateKey, Label::PublicKey, Label::Certificate]);
    for section in &found {
        assert!(text[section.offset..].starts_with(b"-----BEGIN "));
        assert!(text[..section.end].ends_with(b"-----"));
    }
}

#[test]
fn parameters_of_another_curve_before_a_key_are_refused() {
    let text = String::from_utf8(read("nistP256.parameters.sec1-pem.pem")).unwrap();
    let other = String::from_utf8(read("nistP384.parameters.sec1-pem.pem")).unwrap();
    let key = text.split_once("-----BEGIN EC PRIVATE KEY").unwrap().1;
    let parameters = other.split_once("-----BEGIN EC PRIVATE KEY").unwrap().0;
    let mixed = format!("{parameters}-----BEGIN EC PRIVATE KEY{key}");
    let error = from_pem(mixed.as_bytes(), Opening::default()).unwrap_err();
    assert!(error.to_string().contains("it names another curve"), "{error}");
}

#[test]
fn ten_thousand_blocks_are_gone_through_in_a_moment() {
    let block = read("rsa2048.spki-pem.pem");
    let mut text = block.repeat(10_000);
    text.extend_from_slice(&read("ed25519.pkcs8-pem.pem"));
    let start = std::time::Instant::now();
    let (key, _) = pkcs8::decode_pem(&text, Opening::default(), FULL).unwrap();
    assert!(matches!(key, PrivateKey::Ec(_)));
    assert_eq!(pem::sections(&text).count(), 10_001);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn a_cut_or_changed_file_never_panics_and_every_error_is_within_it() {
    let mut failures = Vec::new();
    for file in [
        "dsa1024.PKCS8_PRIVATEKEY.bin",
        "dh1024.PKCS8_PRIVATEKEY.bin",
        "dh2048-x942.spki.bin",
        "nistP256.explicit.PKCS8_PRIVATEKEY.bin",
        "nistP256.explicit.spki.bin",
        "nistP256.usage-digitalSignature.PKCS8_PRIVATEKEY.bin",
        "ed25519.v2.PKCS8_PRIVATEKEY.bin",
        "nistP256.cert.bin",
        "slhdsa-shake-128f.PKCS8_PRIVATEKEY.bin",
    ] {
        let bytes = read(file);
        let mut try_all = |bytes: &[u8], cut: bool| {
            let skip = Validation::Skip;
            let outcomes = [
                pkcs8::decode(bytes, Opening::default(), skip).map(drop),
                spki::decode(bytes, skip).map(drop),
                certificate::read_key(bytes, skip).map(drop),
            ];
            for outcome in outcomes {
                match outcome {
                    Ok(()) if cut && !file.contains("cert") => {
                        failures.push(format!("{file}: taken when cut to {}", bytes.len()))
                    }
                    Err(Error::Malformed { offset, kind, .. }) if offset > bytes.len() as u64 => {
                        failures.push(format!("{file}: offset {offset} of {}: {kind}", bytes.len()));
                    }
                    _ => {}
                }
            }
        };
        for len in 0..bytes.len() {
            try_all(&bytes[..len], true);
        }
        for at in 0..bytes.len().min(400) {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                try_all(&changed, false);
            }
        }
    }
    report(&failures);
}

#[test]
fn a_trusted_certificate_is_read_without_what_openssl_trusts_it_for() {
    let text = read("nistP256.cert-pem.pem");
    let trusted = openssl(&["x509", "-trustout", "-addtrust", "serverAuth", "-setalias", "name"], Some(&text));
    assert!(trusted.starts_with(b"-----BEGIN TRUSTED CERTIFICATE-----"));
    assert_eq!(certificate::decode(&trusted).unwrap(), certificate::decode(&text).unwrap());
    let public = |text: &[u8]| from_pem(text, Opening::default()).unwrap().decoded.key.public();
    assert_eq!(public(&trusted), public(&text));
    // Under the usual label nothing may follow.
    let odd = String::from_utf8(trusted).unwrap().replace("TRUSTED ", "");
    let problem = "there are bytes behind it";
    assert_eq!(certificate::decode(odd.as_bytes()), Err(Error::Invalid { what: "Certificate", problem }));
}

#[test]
fn what_is_known_and_not_read_is_refused_with_what_to_do() {
    let refused = |text: &[u8]| match pem::sections(text).next().unwrap().unwrap().decode() {
        Err(Error::Unsupported { what, hint }) => (what, hint),
        other => panic!("{other:?}"),
    };
    let (what, hint) = refused(&read("published/key1.pem"));
    assert!(what.contains("Proc-Type") && hint.contains("openssl pkcs8 -topk8"));
    let section = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert!(refused(section("OPENSSH PRIVATE KEY").as_bytes()).1.contains("ssh-keygen"));
    assert!(refused(section("PGP PRIVATE KEY BLOCK").as_bytes()).0.contains("OpenPGP"));
}

#[test]
fn a_public_key_beside_the_private_one_must_be_its_own() {
    let with_public = |file: &str, bits: &[u8]| {
        // RFC 5958: version 1 and the public key under [1], put together with the lengths counted here.
        let (key, _) = private(&read(file)).unwrap();
        let der = pkcs8::encode(&key).unwrap();
        let header = if der[1] < 0x80 { 2 } else { 2 + usize::from(der[1] & 0x7F) };
        let bit_string = [&[0], bits].concat();
        let mut body = der[header..].to_vec();
        body[2] = 1;
        let implicit = tlv(0x30, &[body.as_slice(), &tlv(0x81, &bit_string)].concat());
        let explicit = tlv(0x30, &[body.as_slice(), &tlv(0xA1, &tlv(0x03, &bit_string))].concat());
        [private(&implicit).map(|(key, _)| key.public()), private(&explicit).map(|(key, _)| key.public())]
    };
    for (key, other) in [
        ("rsa2048", "rsa4096"),
        ("nistP256", "generator"),
        ("dsa1024", "generator"),
        ("dh1024", "dh512"),
        ("x25519", "ed25519"),
        ("mldsa44-kat", ""),
        ("mlkem512-kat", ""),
        ("slhdsa-sha2-128s", "slhdsa-shake-128f"),
    ] {
        let public = |key: &str| spki::decode(&read(&format!("{key}.spki.bin")), FULL).unwrap();
        let bits = |key: &str| spki::subject_public_key(&public(key)).unwrap();
        let file = format!("{key}.PKCS8_PRIVATEKEY.bin");
        for outcome in with_public(&file, &bits(key)) {
            assert_eq!(outcome.unwrap(), Some(public(key)), "{key}");
        }
        // Another key's, or else its own with one bit changed.
        let mut wrong = match (other, public(key)) {
            // What is a public key all the same: that of the private key 1.
            ("generator", PublicKey::Ec(key)) => {
                let parameters = key.curve().parameters;
                [&[4], parameters.gx, parameters.gy].concat()
            }
            ("generator", PublicKey::Dsa(key)) => {
                let parameters = key.parameters().clone();
                let g = parameters.g().to_vec();
                spki::subject_public_key(&PublicKey::Dsa(key::dsa::PublicKey::new(parameters, &g, FULL).unwrap()))
                    .unwrap()
            }
            ("", _) => bits(key),
            _ => bits(other),
        };
        *wrong.last_mut().unwrap() ^= u8::from(other.is_empty());
        for outcome in with_public(&file, &wrong) {
            assert!(outcome.is_err(), "{key}");
        }
    }
}

#[test]
fn the_older_forms_of_post_quantum_keys_are_read() {
    for (name, seed_len) in [("mldsa44-kat", 32), ("mldsa65-kat", 32), ("mlkem768-kat", 64)] {
        let public = spki::decode(&read(&format!("{name}.spki.bin")), FULL).unwrap();
        let (key, _) = private(&read(&format!("{name}.both.PKCS8_PRIVATEKEY.bin"))).unwrap();
        let PrivateKey::Pq(pq) = &key else { panic!("{name}") };
        assert_eq!(pq.seed().unwrap().len(), seed_len);
        let seed = pq.seed().unwrap().to_vec();
        let expanded = pq.expanded().unwrap().to_vec();
        let both = [expanded.clone(), spki::subject_public_key(&public).unwrap()].concat();
        let seed_form = pkcs8::encode(&key).unwrap();
        let octets = |content: &[u8]| tlv(0x04, content);
        // The prefix up to the privateKey, from the seed form: version and algorithm.
        let algorithm = &seed_form[2..2 + 3 + 13];
        let build = |inner: &[u8]| tlv(0x30, &[algorithm, &octets(inner)].concat());
        for inner in [seed.clone(), expanded.clone(), both.clone(), octets(&seed), octets(&expanded), octets(&both)] {
            let (read, _) = private(&build(&inner)).unwrap_or_else(|error| panic!("{name} {}: {error}", inner.len()));
            assert_eq!(read.public(), Some(public.clone()));
            let PrivateKey::Pq(read) = &read else { panic!("{name}") };
            assert_eq!(read.seed().is_some(), inner.len() < 100);
        }
        for inner in [&seed[1..], &both[1..], &[0x30, 0], &[0x80, 0], &[]] {
            assert!(private(&build(inner)).is_err(), "{name} {}", inner.len());
        }
    }
}

#[test]
fn points_are_decompressed_on_every_curve_of_openssl() {
    // Of 224 bits p is 1 modulo 4, of secp224k1 5 modulo 8.
    for curve in [
        "prime256v1",
        "secp224r1",
        "secp224k1",
        "secp160k1",
        "secp521r1",
        "brainpoolP512t1",
        "prime239v3",
        "wap-wsg-idm-ecid-wtls9",
    ] {
        for _ in 0..4 {
            let arguments = ["genpkey", "-algorithm", "EC", "-pkeyopt"];
            let group = format!("ec_paramgen_curve:{curve}");
            let key = openssl(&[&arguments[..], &[group.as_str(), "-outform", "DER"]].concat(), None);
            let compressed = ["pkey", "-inform", "DER", "-pubout", "-outform", "DER", "-ec_conv_form", "compressed"];
            let compressed = openssl(&compressed, Some(&key));
            let key = sec1::decode(&key, None, FULL).unwrap_or_else(|error| panic!("{curve}: {error}"));
            let public = PublicKey::Ec(key.public().unwrap().clone());
            assert_eq!(spki::decode(&compressed, FULL).unwrap(), public, "{curve}");
        }
    }
    // Half of all x belong to no point.
    let mut spki = read("nistP256.compressed.spki.bin");
    let refused = (0..64).filter(|_| {
        let last = spki.len() - 1;
        spki[last] = spki[last].wrapping_add(1);
        spki::decode(&spki, FULL).is_err()
    });
    assert!((10..54).contains(&refused.count()));
}
