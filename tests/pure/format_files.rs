//! Files of the rest of the world, written by other programs: recognised, read, and written again.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use cng_pkcs11::asn1::{self, Encryption};
use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Entry, Error, Format, Loss, Writing};
use cng_pkcs11::key::{Algorithm, Curve, Family, KeyMaterial, KeyUsage, Validation};
use cng_pkcs11::secret::SecretBytes;

use crate::more::number;
use crate::numbers::{numbers, trimmed};

const PASSWORD: &[u8] = b"correct horse";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

struct Row {
    file: String,
    key: String,
    kind: String,
    curve: String,
}

/// The vectors that are in a format that is no blob with a header.
fn rows() -> Vec<(Row, Format)> {
    let manifest = String::from_utf8(read("manifest.tsv")).unwrap();
    let rows = manifest.lines().skip(1).filter_map(|line| {
        let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let [file, key, kind, _, _, curve, ..] = <[String; 8]>::try_from(columns).unwrap();
        let last = kind.rsplit('.').next().unwrap();
        let name = last.strip_prefix("encrypted-").unwrap_or(last);
        let name = if kind.ends_with("set.jwk") { "jwks" } else { name };
        let format =
            Format::by_name(name).filter(|format| *format == Format::PKCS8 || !matches!(format, Format::Blob(_)))?;
        Some((Row { file, key, kind, curve }, format))
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 250, "only {} vectors", rows.len());
    rows
}

fn decode_all(row: &Row, format: Format) -> Result<Vec<Entry>, Error> {
    let password = SecretBytes::from(if row.kind.contains("-empty") { b"" } else { PASSWORD });
    // What names no curve needs it beside it, and 24 bytes are 3DES only if someone says so.
    let curve = row.kind.starts_with("noparameters").then(|| Curve::by_name(&row.curve).unwrap());
    let algorithm = row.key.starts_with("3des").then(|| Algorithm::by_name("3DES").unwrap());
    format::decode_all(
        &read(&row.file),
        format,
        &Hints { password: Some(&password), curve, algorithm, ..Hints::default() },
    )
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// Vectors that are refused, and a word of why.
const REFUSED: &[(&str, &str)] =
    &[("rsa2048.nocrt.jwk.json", "`p`"), ("3des-112.jwk.json", "3DES"), ("3des-112.raw.bin", "3DES")];

/// Whether there is no arithmetic for the curve, and the file keeps no public half.
fn lacks_its_point(row: &Row) -> bool {
    let public = ["jwk", "v2.PKCS8_PRIVATEKEY", "spki", "spki-pem", "cert", "cert-pem"];
    matches!(row.key.as_str(), "x448" | "ed448" | "bind-ed448") && !public.iter().any(|kind| row.kind.ends_with(kind))
}

#[test]
fn every_file_is_recognised() {
    let mut problems = Vec::new();
    for (row, format) in rows() {
        let found = format::sniff(&read(&row.file));
        let matches = match &found {
            Ok(found) => *found == format,
            Err(Error::Unrecognised { candidates, .. }) => {
                format == Format::Raw && (candidates.contains(&"raw") || row.key.starts_with("hmac"))
            }
            Err(_) => false,
        };
        if !matches {
            problems.push(format!("{}: {found:?}", row.file));
        }
    }
    report(&problems);
}

#[test]
fn every_file_gives_the_key_that_openssl_has() {
    let (mut problems, mut compared) = (Vec::new(), 0);
    for (row, format) in rows() {
        let refused = REFUSED.iter().find(|(file, _)| *file == row.file);
        // Hybrid points, which nobody writes any more.
        let refused =
            refused.map(|(_, word)| *word).or_else(|| row.kind.starts_with("hybrid").then_some("uncompressed point"));
        // BIND's public half stands in another file, and is needed; PKCS#8 goes without.
        let lacks_its_point = lacks_its_point(&row);
        let refused = refused.or_else(|| (lacks_its_point && format == Format::Bind).then_some("the public point"));
        let entries = match (decode_all(&row, format), refused) {
            (Ok(entries), None) => entries,
            (Err(error), Some(word)) if error.to_string().contains(word) => continue,
            (outcome, _) => {
                problems.push(format!("{}: {:?}", row.file, outcome.map(|entries| entries.len())));
                continue;
            }
        };
        if lacks_its_point {
            assert!(entries.iter().all(|entry| entry.decoded.key.public().is_none()), "{}", row.file);
            continue;
        }
        for entry in &entries {
            // In a set every key is called by its name here.
            let key = if entries.len() > 1 { entry.name.clone().unwrap() } else { row.key.clone() };
            // A PSS key is written as an RSA key.
            let expected = folder().join(format!("{key}.spki.bin"));
            if key.ends_with("-pss") {
                continue;
            }
            if !expected.exists() {
                // What OpenSSL did not make is held against the numbers that stand in it.
                for (field, found) in numbers(&entry.decoded.key) {
                    if number(&key, field).as_deref().map(trimmed) != Some(trimmed(&found)) {
                        problems.push(format!("{}: {field} of {key}", row.file));
                    }
                }
                compared += 1;
                continue;
            }
            let spki = entry.decoded.key.public().map(|public| asn1::spki::encode(&public).unwrap());
            if spki.as_deref() != Some(std::fs::read(expected).unwrap().as_slice()) {
                problems.push(format!("{}: another public key than {key}", row.file));
            }
            let pkcs8 = folder().join(format!("{key}.PKCS8_PRIVATEKEY.bin"));
            if let (KeyMaterial::Private(_), true) =
                (&entry.decoded.key, pkcs8.exists() && !row.kind.contains("expanded"))
            {
                let written = format::encode(&entry.decoded.key, entry.decoded.algorithm, Format::PKCS8).unwrap();
                let usage = entry.decoded.usage.is_some() || entry.decoded.algorithm.family == Family::Ecdh;
                if !usage && *written != *std::fs::read(pkcs8).unwrap() {
                    problems.push(format!("{}: not OpenSSL's PKCS#8 of {key}", row.file));
                }
                compared += 1;
            }
        }
    }
    report(&problems);
    assert!(compared > 150, "only {compared} compared");
}

/// Through every format that can hold the key and back: the first PKCS#8 again, in the clear and encrypted.
#[test]
fn a_private_key_survives_every_format() {
    let password = SecretBytes::from(PASSWORD);
    let encryption = Encryption { iterations: 1000, ..Encryption::default() };
    let (mut problems, mut counted) = (Vec::new(), 0);
    for key in [
        "rsa2048",
        "nistP256",
        "nistP521",
        "secP256k1",
        "x25519",
        "ed25519",
        "dsa2048",
        "dh2048-ffdhe",
        "mldsa65-kat",
        "brainpoolP256r1",
    ] {
        let bytes = read(&format!("{key}.PKCS8_PRIVATEKEY.bin"));
        let decoded = format::decode(&bytes, Format::PKCS8, &Hints::default()).unwrap();
        for format in Format::all().filter(|format| !matches!(format, Format::Blob(_)) || *format == Format::PKCS8) {
            for with in [None, Some(&password)] {
                let writing = Writing { password: with, encryption, name: Some("é \"\\\u{1}"), ..Writing::default() };
                let Ok(written) = format::encode_with(&decoded.key, decoded.algorithm, format, &writing) else {
                    continue;
                };
                let hints = Hints { password: with, ..Hints::default() };
                let what = format!("{key} as {} {}", format.name(), with.is_some());
                let entry = match format::decode_all(&written, format, &hints) {
                    Ok(mut entries) if entries.len() == 1 => entries.remove(0),
                    other => {
                        problems.push(format!("{what}: {other:?}"));
                        continue;
                    }
                };
                if format::sniff(&written) != Ok(format) {
                    problems.push(format!("{what}: not recognised"));
                }
                counted += 1;
                let again = format::encode(&entry.decoded.key, entry.decoded.algorithm, Format::PKCS8);
                let same = again.is_ok_and(|again| *again == *bytes);
                if !same && !format.is_public() {
                    problems.push(format!("{what}: another key"));
                }
                // Written twice in the same way, unless salts differ.
                let twice = format::encode_with(&entry.decoded.key, entry.decoded.algorithm, format, &writing).ok();
                if with.is_none() && twice.as_deref() != Some(&*written) {
                    problems.push(format!("{what}: not the same again"));
                }
                if matches!(format, Format::Jwk | Format::JwkSet | Format::Pkcs12)
                    && entry.name.as_deref() != writing.name
                {
                    problems.push(format!("{what}: called {:?}", entry.name));
                }
            }
        }
    }
    report(&problems);
    assert!(counted > 80, "only {counted}");
}

#[test]
fn der_is_taken_for_pem_and_pem_for_der() {
    for (der, pem) in [("pkcs8", "pkcs8-pem"), ("spki", "spki-pem"), ("sec1", "sec1-pem")] {
        let decoded = format::decode(&read("nistP256.PKCS8_PRIVATEKEY.bin"), Format::PKCS8, &Hints::default()).unwrap();
        let [der, pem] = [der, pem].map(|name| Format::by_name(name).unwrap());
        for (written, asked) in [(der, pem), (pem, der)] {
            let bytes = format::encode(&decoded.key, decoded.algorithm, written).unwrap();
            assert!(format::decode(&bytes, asked, &Hints::default()).is_ok(), "{written:?} {asked:?}");
        }
    }
}

#[test]
fn several_keys_are_told_apart_by_name_number_and_identifier() {
    let bytes = read("two-keys.two-keys.pkcs12.p12");
    let password = SecretBytes::from(PASSWORD);
    let hints = Hints { password: Some(&password), ..Hints::default() };
    let error = format::decode(&bytes, Format::Pkcs12, &hints).unwrap_err();
    let Error::SeveralKeys { keys } = &error else { panic!("{error}") };
    assert_eq!(keys.len(), 2);
    assert!(error.to_string().contains("rsa2048") && error.to_string().contains("nistP256"), "{error}");
    let entries = || format::decode_all(&bytes, Format::Pkcs12, &hints).unwrap();
    let spki = |entry: &Entry| asn1::spki::encode(&entry.decoded.key.public().unwrap()).unwrap();
    let by_name = format::select(entries(), "nistP256").unwrap();
    assert_eq!(spki(&by_name), read("nistP256.spki.bin"));
    let number = entries().iter().position(|entry| entry.name.as_deref() == Some("nistP256")).unwrap() + 1;
    assert_eq!(spki(&format::select(entries(), &number.to_string()).unwrap()), spki(&by_name));
    let id = asn1::spki::key_id(&by_name.decoded.key.public().unwrap()).unwrap();
    let hex: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(spki(&format::select(entries(), &hex).unwrap()), spki(&by_name));
    for wanted in ["3", "0", "", "rsa", "00"] {
        assert!(matches!(format::select(entries(), wanted), Err(Error::NoSuchKey { found: 0, .. })), "{wanted}");
    }
}

#[test]
fn a_pem_bundle_gives_its_key_with_the_certificate_of_it() {
    let mut text = b"some text\n".to_vec();
    for file in ["rsa2048.cert-pem.pem", "nistP256.cert-pem.pem", "nistP256.sec1-pem.pem", "nistP256.spki-pem.pem"] {
        text.extend(read(file));
    }
    assert_eq!(format::sniff(&text), Ok(Format::Sec1Pem));
    let entries = format::decode_all(&text, Format::Sec1Pem, &Hints::default()).unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0].certificates, [read("nistP256.cert.bin").into()]);
    let writing = Writing { certificates: &entries[0].certificates, ..Writing::default() };
    let decoded = &entries[0].decoded;
    let cert = format::encode_with(&decoded.key, decoded.algorithm, Format::CertPem, &writing).unwrap();
    assert_eq!(*cert, *read("nistP256.cert-pem.pem"));
    let other = [read("rsa2048.cert.bin").into()];
    let writing = Writing { certificates: &other, ..Writing::default() };
    for format in [Format::Cert, Format::CertPem] {
        let error = format::encode_with(&decoded.key, decoded.algorithm, format, &writing).unwrap_err();
        assert!(error.to_string().contains("the certificate of another"), "{error}");
        assert!(format::encode(&decoded.key, decoded.algorithm, format).is_err());
    }
}

#[test]
fn ecdh_and_a_narrowed_usage_survive_pkcs8_and_jwk() {
    let bytes = read("nistP256.PKCS8_PRIVATEKEY.bin");
    let decoded = format::decode(&bytes, Format::PKCS8, &Hints::default()).unwrap();
    let ecdh = Algorithm::elliptic(Family::Ecdh, decoded.key.curve().unwrap());
    for format in [Format::PKCS8, Format::Pkcs8Pem, Format::Jwk] {
        let written = format::encode(&decoded.key, ecdh, format).unwrap();
        let again = format::decode(&written, format, &Hints::default()).unwrap();
        assert_eq!((again.algorithm, again.usage), (ecdh, Some(KeyUsage::AGREE)), "{format:?}");
    }
    // Without an attribute a reader comes to the same algorithm; one that is asked for is written all the same.
    for usage in [None, Some(KeyUsage::ALL)] {
        let writing = Writing { usage, ..Writing::default() };
        let written = format::encode_with(&decoded.key, decoded.algorithm, Format::PKCS8, &writing).unwrap();
        assert_eq!(*written, *bytes, "{usage:?}");
    }
    let signing = Writing { usage: Some(KeyUsage::SIGN), ..Writing::default() };
    let written = format::encode_with(&decoded.key, decoded.algorithm, Format::PKCS8, &signing).unwrap();
    assert_eq!(*written, *read("nistP256.usage-digitalSignature.PKCS8_PRIVATEKEY.bin"));
    let rsa = format::decode(&read("rsa2048.PKCS8_PRIVATEKEY.bin"), Format::PKCS8, &Hints::default()).unwrap();
    for usage in [KeyUsage::SIGN, KeyUsage::DECRYPT] {
        for format in [Format::PKCS8, Format::Jwk] {
            let writing = Writing { usage: Some(usage), ..Writing::default() };
            let written = format::encode_with(&rsa.key, rsa.algorithm, format, &writing).unwrap();
            assert_eq!(format::decode(&written, format, &Hints::default()).unwrap().usage, Some(usage), "{format:?}");
        }
    }
}

#[test]
fn the_hash_of_a_dnssec_key_is_kept_or_named() {
    let entry =
        format::decode_all(&read("bind-rsasha512.bind.private"), Format::Bind, &Hints::default()).unwrap().remove(0);
    assert_eq!(entry.dnssec_algorithm, Some(10));
    let writing = Writing { dnssec_algorithm: Some(10), ..Writing::default() };
    let decoded = &entry.decoded;
    let again = format::encode_with(&decoded.key, decoded.algorithm, Format::Bind, &writing).unwrap();
    assert!(str::from_utf8(&again).unwrap().contains("Algorithm: 10 (RSASHA512)\n"));
    let is_named = |to, writing: &Writing<'_>| {
        format::losses(&entry, to, writing).iter().any(|loss| loss.to_string().contains("RSASHA512"))
    };
    assert!(!is_named(Format::Bind, &writing) && is_named(Format::Bind, &Writing::default()));
    assert!(is_named(Format::PKCS8, &writing));
    let writing = Writing { dnssec_algorithm: Some(13), ..Writing::default() };
    assert!(format::encode_with(&decoded.key, decoded.algorithm, Format::Bind, &writing).is_err());
}

#[test]
fn what_is_lost_is_said() {
    let entry = |file: &str, format| format::decode_all(&read(file), format, &Hints::default()).unwrap().remove(0);
    let lost = |entry: &Entry, to| format::losses(entry, to, &Writing::default());
    let rsa = entry("rsa2048.PKCS8_PRIVATEKEY.bin", Format::PKCS8);
    assert_eq!(lost(&rsa, Format::Pkcs1), []);
    assert_eq!(lost(&rsa, Format::Spki), [Loss::PrivateHalf]);
    let bind = entry("bind-rsasha256.bind.private", Format::Bind);
    let lost_of_bind = lost(&bind, Format::PKCS8);
    assert_eq!(lost_of_bind.iter().map(ToString::to_string).collect::<Vec<_>>().len(), 3, "{lost_of_bind:?}");
    assert!(lost_of_bind.contains(&Loss::Extra("Created".to_owned())));
    let k1 = entry("secP256k1.PKCS8_PRIVATEKEY.bin", Format::PKCS8);
    let blob = Format::by_name("ECCPRIVATEBLOB").unwrap();
    assert_eq!(lost(&k1, blob), [Loss::CurveName("secP256k1")]);
    let aes = entry("aes128-more.jwk.json", Format::Jwk);
    assert_eq!(lost(&aes, Format::Raw).len(), 1);
    // Each is a thing that is lost, and no sentence.
    for loss in lost_of_bind {
        assert!(!loss.to_string().contains(" is left out"), "{loss}");
    }
}

#[test]
fn inspect_tells_the_fields_of_every_format() {
    let password = SecretBytes::from(PASSWORD);
    let mut problems = Vec::new();
    for (row, format) in rows() {
        let bytes = read(&row.file);
        let hints = Hints { password: Some(&password), validation: Validation::Skip, ..Hints::default() };
        let (fields, _) = format::inspect(&bytes, format, &hints);
        let structured = format != Format::Raw;
        if fields.len() < 2 && structured {
            problems.push(format!("{}: {} fields", row.file, fields.len()));
        }
        if fields.iter().any(|field| field.offset + field.length > bytes.len()) {
            problems.push(format!("{}: a field beyond the end", row.file));
        }
    }
    report(&problems);
    let (fields, _) = format::inspect(&read("rsa2048.PKCS8_PRIVATEKEY.bin"), Format::PKCS8, &Hints::default());
    let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
    assert_eq!(
        names,
        [
            "PrivateKeyInfo",
            "version",
            "privateKeyAlgorithm",
            "algorithm",
            "parameters",
            "privateKey",
            "version",
            "modulus",
            "publicExponent",
            "privateExponent",
            "prime1",
            "prime2",
            "exponent1",
            "exponent2",
            "coefficient"
        ]
    );
    let private = fields.iter().filter(|field| matches!(field.value, format::Value::Private(_))).count();
    assert_eq!(private, 6);
}
