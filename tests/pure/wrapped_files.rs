//! Wrapped-key files by pkcs11-tools and openCryptoki's p11sak: what they say is read, and what they wrap comes out with the right key.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aes_kw::{AesKw, AesKwp, KeyInit};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use cng_pkcs11::asn1::{Opening, pkcs8};
use cng_pkcs11::format::wrapped_file::{self, Class, Oaep, Part, Scheme, WrappedFile, Wrapping};
use cng_pkcs11::format::{self, Error};
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, Family, KeyUsage, PrivateKey, Validation};
use rsa::pkcs8::DecodePrivateKey;

const IV: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(name: &str) -> Vec<u8> {
    let path = vectors().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file(name: &str) -> Vec<u8> {
    read(&format!("wrapped-files/{name}"))
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap()
}

struct Row {
    file: String,
    key: String,
    kek: String,
}

fn rows() -> Vec<Row> {
    let manifest = text("manifest.tsv");
    let rows = manifest.lines().skip(1).map(|line| {
        let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let [file, _, key, kek, _, _] = <[String; 6]>::try_from(columns).unwrap();
        Row { file, key, kek }
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 25, "only {} files", rows.len());
    rows
}

// ---- unwrapping in software, with nothing of the library ------------------------------------------------

enum Kek {
    Aes(Vec<u8>),
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl Kek {
    fn named(name: &str) -> Self {
        match name {
            "kek256" => Self::Aes(read("kek256.raw.bin")),
            "rsakek" => {
                let der = read("rsa2048-e3.PKCS8_PRIVATEKEY.bin");
                Self::Rsa(Box::new(rsa::RsaPrivateKey::from_pkcs8_der(&der).unwrap()))
            }
            other => panic!("{other}"),
        }
    }

    fn unwrap(&self, part: &Part) -> Vec<u8> {
        match (self, &part.scheme) {
            (Self::Aes(kek), Scheme::AesKw) => kw(kek, &part.bytes),
            (Self::Aes(kek), Scheme::AesKwp) => kwp(kek, &part.bytes),
            (Self::Aes(kek), Scheme::AesKwPkcs7) => {
                let mut padded = kw(kek, &part.bytes);
                let padding = *padded.last().unwrap();
                assert!((1..=8).contains(&padding));
                padded.truncate(padded.len() - usize::from(padding));
                padded
            }
            (Self::Aes(kek), Scheme::AesCbcPad { iv }) => {
                let cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(kek, iv).unwrap();
                cipher.decrypt_padded::<Pkcs7>(&mut part.bytes.clone()).unwrap().to_vec()
            }
            (Self::Rsa(kek), Scheme::RsaPkcs1) => kek.decrypt(rsa::Pkcs1v15Encrypt, &part.bytes).unwrap(),
            (Self::Rsa(kek), Scheme::RsaOaep(parameters)) => oaep(kek, parameters, &part.bytes),
            (Self::Rsa(kek), Scheme::RsaAesKeyWrap { aes_bits, oaep: parameters }) => {
                let (outer, inner) = part.bytes.split_at(256);
                let aes = oaep(kek, parameters, outer);
                assert_eq!(aes.len() * 8, usize::try_from(*aes_bits).unwrap());
                kwp(&aes, inner)
            }
            (_, other) => panic!("{other:?}"),
        }
    }
}

fn kw(kek: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let mut out = vec![0; wrapped.len()];
    AesKw::<aes::Aes256>::new_from_slice(kek).unwrap().unwrap_key(wrapped, &mut out).unwrap().to_vec()
}

fn kwp(kek: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let mut out = vec![0; wrapped.len()];
    match kek.len() {
        16 => AesKwp::<aes::Aes128>::new_from_slice(kek).unwrap().unwrap_key(wrapped, &mut out).unwrap().to_vec(),
        _ => AesKwp::<aes::Aes256>::new_from_slice(kek).unwrap().unwrap_key(wrapped, &mut out).unwrap().to_vec(),
    }
}

fn oaep(kek: &rsa::RsaPrivateKey, parameters: &Oaep, wrapped: &[u8]) -> Vec<u8> {
    let label = parameters.label.clone();
    match (parameters.hash, parameters.mgf_hash) {
        (Hash::Sha1, Hash::Sha1) => kek.decrypt(rsa::Oaep::<sha1::Sha1>::new_with_label(label), wrapped),
        (Hash::Sha256, Hash::Sha256) => kek.decrypt(rsa::Oaep::<sha2::Sha256>::new_with_label(label), wrapped),
        (Hash::Sha384, Hash::Sha1) => {
            kek.decrypt(rsa::Oaep::<sha2::Sha384, sha1::Sha1>::new_with_mgf_hash_and_label(label), wrapped)
        }
        other => panic!("{other:?}"),
    }
    .unwrap()
}

/// Holds what comes out against the vector of the key's name.
fn check_key(name: &str, key: &str, plain: &[u8]) {
    let vector = match key {
        "aes256" | "hmac256" => return assert_eq!(plain, read("aes256.raw.bin"), "{name}"),
        "rsa2048" => "rsa2048-e65537.PKCS8_PRIVATEKEY.bin",
        "ec256" => "ec-nistP256.PKCS8_PRIVATEKEY.bin",
        other => panic!("{other}"),
    };
    let decode = |der: &[u8]| pkcs8::decode(der, Opening::default(), Validation::Full).unwrap().0;
    let length = cng_pkcs11::asn1::outer_length(plain).unwrap();
    assert!(plain.len() - length <= 7 && plain[length..].iter().all(|byte| *byte == 0), "{name}");
    match (decode(&plain[..length]), decode(&read(vector))) {
        (PrivateKey::Rsa(one), PrivateKey::Rsa(other)) => assert_eq!(*one.numbers().p, *other.numbers().p, "{name}"),
        (PrivateKey::Ec(one), PrivateKey::Ec(other)) => assert_eq!(one.d(), other.d(), "{name}"),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_file_is_read_and_its_key_comes_out() {
    for row in rows() {
        let bytes = file(&row.file);
        assert!(wrapped_file::is_wrapped_file(&bytes), "{}", row.file);
        let all = wrapped_file::decode_all(&bytes).unwrap_or_else(|error| panic!("{}: {error}", row.file));
        let keys: Vec<_> = row.key.split(", ").collect();
        assert_eq!(all.len(), keys.len(), "{}", row.file);
        for (read, key) in all.iter().zip(keys) {
            check_meaning(&row, read, key);
            let kek = Kek::named(&row.kek);
            let plain = match &read.wrapping {
                Wrapping::Direct(part) => kek.unwrap(part),
                Wrapping::Envelope { outer, inner } => Kek::Aes(kek.unwrap(outer)).unwrap(inner),
                other => panic!("{}: {other:?}", row.file),
            };
            check_key(&row.file, key, &plain);
        }
    }
}

fn check_meaning(row: &Row, found: &WrappedFile, key: &str) {
    let name = &row.file;
    let (class, algorithm) = match key {
        "aes256" => (Class::Secret, Algorithm::AES),
        "hmac256" => (Class::Secret, Algorithm::by_name("HMAC").unwrap()),
        "rsa2048" => (Class::Private, Algorithm::RSA),
        _ if name.ends_with(".p11sak") => (Class::Private, Algorithm::of(Family::Ecdsa)),
        _ => (Class::Private, Algorithm::by_name("ECDSA_P256").unwrap()),
    };
    assert_eq!((found.class, found.algorithm), (class, Some(algorithm)), "{name}");
    if name.ends_with(".p11sak") {
        assert_eq!(found.tool, "p11sak");
        assert!(found.label.is_none() && found.kek_label.is_none() && found.usage.is_none() && found.public.is_none());
        return;
    }
    assert_eq!(found.tool, "pkcs11-tools");
    if name.starts_with("hand-made") {
        return;
    }
    assert_eq!(found.label.as_deref(), Some(key), "{name}");
    assert_eq!(found.kek_label.as_deref(), Some(row.kek.as_str()), "{name}");
    let id: &[u8] = match key {
        "aes256" => &[1, 2],
        "rsa2048" => &[1, 3],
        "ec256" => &[1, 4],
        _ => &[1, 5],
    };
    assert_eq!(found.id.as_deref(), Some(id), "{name}");
    assert_eq!((found.sensitive, found.extractable), (Some(false), Some(false)), "{name}");
    // SoftHSM sets every usage that it is not told to leave out.
    assert!(found.usage.unwrap().contains(KeyUsage::SIGN), "{name}");
    let vector = match key {
        "rsa2048" => Some("rsa2048-e65537.spki.bin"),
        "ec256" => Some("ec-nistP256.spki.bin"),
        _ => None,
    };
    let public = vector.map(|vector| cng_pkcs11::asn1::spki::decode(&read(vector), Validation::Full).unwrap());
    assert_eq!(found.public, public, "{name}");
}

#[test]
fn the_wrapping_is_what_the_file_says() {
    let oaep = |hash, mgf_hash, label: &str| Oaep { hash, mgf_hash, label: label.as_bytes().to_vec() };
    let sha1 = oaep(Hash::Sha1, Hash::Sha1, "");
    for (name, scheme) in [
        ("aes256.rfc3394.p11wrap", Scheme::AesKw),
        ("aes256.rfc5649.p11wrap", Scheme::AesKwp),
        ("aes256.cbcpad.p11wrap", Scheme::AesCbcPad { iv: IV }),
        ("aes256.pkcs1.p11wrap", Scheme::RsaPkcs1),
        ("aes256.oaep-sha1.p11wrap", Scheme::RsaOaep(sha1.clone())),
        ("aes256.oaep-sha256-label.p11wrap", Scheme::RsaOaep(oaep(Hash::Sha256, Hash::Sha256, "a label"))),
        ("aes256.aeskw-kwp.p11sak", Scheme::AesKwp),
        ("aes256.aeskw-pkcs7.p11sak", Scheme::AesKwPkcs7),
        ("aes256.aes-cbc-pad.p11sak", Scheme::AesCbcPad { iv: [0; 16] }),
        ("rsa2048.aes-cbc-pad.p11sak", Scheme::AesCbcPad { iv: IV }),
        ("aes256.rsa-pkcs.p11sak", Scheme::RsaPkcs1),
        ("aes256.rsa-oaep.p11sak", Scheme::RsaOaep(oaep(Hash::Sha256, Hash::Sha256, ""))),
        ("aes256.rsa-oaep-sha1-source.p11sak", Scheme::RsaOaep(oaep(Hash::Sha1, Hash::Sha1, "a label"))),
        (
            "rsa2048.rsa-aeskw.p11sak",
            Scheme::RsaAesKeyWrap { aes_bits: 256, oaep: oaep(Hash::Sha256, Hash::Sha256, "") },
        ),
        (
            "aes256.rsa-aeskw-128.p11sak",
            Scheme::RsaAesKeyWrap { aes_bits: 128, oaep: oaep(Hash::Sha384, Hash::Sha1, "") },
        ),
    ] {
        match wrapped_file::decode(&file(name)).unwrap().wrapping {
            Wrapping::Direct(part) => assert_eq!(part.scheme, scheme, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    for (name, schemes) in [
        ("aes256.envelope.p11wrap", (Scheme::RsaOaep(sha1.clone()), Scheme::AesKwp)),
        ("rsa2048.envelope.p11wrap", (Scheme::RsaPkcs1, Scheme::AesKwp)),
        ("hand-made.inner-first.p11wrap", (Scheme::RsaOaep(sha1), Scheme::AesKwp)),
    ] {
        match wrapped_file::decode(&file(name)).unwrap().wrapping {
            Wrapping::Envelope { outer, inner } => assert_eq!((outer.scheme, inner.scheme), schemes, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn every_way_to_write_a_value_is_read() {
    let read = wrapped_file::decode(&file("hand-made.every-value.p11wrap")).unwrap();
    assert_eq!(read.label.as_deref(), Some("schön"));
    assert_eq!(read.id.as_deref(), Some(&b"text id"[..]));
    assert_eq!(read.kek_label.as_deref(), Some("kek256"));
    assert_eq!((read.sensitive, read.extractable), (Some(true), Some(true)));
    assert_eq!(read.usage, Some(KeyUsage::DECRYPT));
    assert_eq!(read.extras, ["CKA_START_DATE", "CKA_END_DATE", "CKA_UNWRAP_TEMPLATE", "CKA_ALLOWED_MECHANISMS"]);
}

#[test]
fn of_several_keys_none_is_chosen() {
    let error = wrapped_file::decode(&file("hand-made.two-keys.p11sak")).unwrap_err();
    assert_eq!(error.to_string(), "the file holds 2 keys: 1 (AES, wrapped), 2 (RSA, wrapped)");
}

#[test]
fn other_files_are_no_wrapped_ones() {
    for name in [
        "aes256.raw.bin",
        "rsa2048-e65537.pkcs8-pem.pem",
        "more/bind-ed25519.bind.private",
        "more/aes128-more.jwk.json",
    ] {
        let bytes = read(name);
        assert!(!wrapped_file::is_wrapped_file(&bytes), "{name}");
        assert!(matches!(wrapped_file::decode(&bytes), Err(Error::Unrecognised { .. })), "{name}");
    }
    assert!(matches!(wrapped_file::decode(b""), Err(Error::Empty)));
    // The comments of p11wrap quote PEM: nothing else may take such a file for its own.
    assert!(format::sniff(&file("aes256.rfc5649.p11wrap")).is_err());
}

/// A file with one thing changed, and what is said about it.
fn refused(name: &str, from: &str, to: &str) -> String {
    let whole = text(name);
    assert!(whole.contains(from), "{name}: {from}");
    let changed = whole.replacen(from, to, 1);
    match wrapped_file::decode(changed.as_bytes()) {
        Ok(_) => panic!("{name}: {from} -> {to}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_pkcs11_tools_cannot_mean_is_refused_with_its_line() {
    const ENVELOPE: &str = "aes256.envelope.p11wrap";
    const KEY: &str = "aes256.rfc5649.p11wrap";
    const OAEP: &str = "aes256.oaep-sha256-label.p11wrap";
    const PRIVATE: &str = "ec256.rfc5649.p11wrap";
    for (name, from, to, said) in [
        (KEY, "\nGrammar-Version: 2.3", "\nGrammar-Version: 2.4", "grammars up to version 2.3 are read"),
        (KEY, "\nGrammar-Version: 2.3", "\nGrammar-Version: new", "it is no version"),
        (KEY, "\nCKA_LABEL:", "\nCKA_NAME:", "line 59: CKA_NAME at offset 1707: this name is not known"),
        (KEY, "\nCKA_LABEL:", "\nCKA_ID:", "CKA_ID at offset 1724: it stands there twice"),
        (KEY, "\nCKA_LABEL:", "\nCKA_LABEL", "a colon is missing"),
        (KEY, "\nCKA_LABEL: \"aes256\"", "\nCKA_LABEL: 0x123", "neither a string"),
        (KEY, "\nCKA_LABEL: \"aes256\"", "\nCKA_LABEL: 0xff", "it is not UTF-8"),
        (KEY, "\nCKA_LABEL: \"aes256\"", "\nCKA_LABEL: \"aes256", "the string at offset 1718: it has no end"),
        (KEY, "CKO_SECRET_KEY", "CKO_DATA", "only private and secret keys are wrapped"),
        (KEY, "CKO_SECRET_KEY", "CKO_PRIVATE_KEY", "keys of this type have another class"),
        (KEY, "CKA_CLASS: CKO_SECRET_KEY", "", "CKA_CLASS at offset"),
        (KEY, "CKK_AES", "CKK_DES2", "keys of this type are no CNG keys"),
        (KEY, "CKK_AES", "unsupported", "this key type is not known"),
        (KEY, "\nCKA_SIGN: true", "\nCKA_SIGN: maybe", "it is neither true nor false"),
        (KEY, "\nCKA_SIGN: true", "\nCKA_END_DATE: 2036", "it is no date of eight digits"),
        (KEY, "\nCKA_SIGN: true", "\nCKA_WRAP_TEMPLATE: true", "a { is missing"),
        (
            KEY,
            "\nCKA_SIGN: true",
            "\nCKA_WRAP_TEMPLATE: { CKA_UNWRAP_TEMPLATE: { } }",
            "a template has no place in another",
        ),
        (KEY, "\nCKA_SIGN: true", "\nCKA_ALLOWED_MECHANISMS: { AES }", "it is no mechanism"),
        (KEY, "\nCKA_SIGN: true", "\n  # no comment", "this character has no meaning there"),
        (KEY, "rfc5649/1.0", "rfc5649/2.0", "version 1 of the algorithm is handled"),
        (KEY, "rfc5649/1.0", "rfc5649/1.0(flavour=nss)", "what NSS wraps so is not as RFC 5649 has it"),
        (KEY, "rfc5649/1.0", "rfc5649/1.0(flavour=CKM_AES_CBC)", "this flavour of RFC 5649 is not known"),
        (KEY, "rfc5649/1.0", "rfc5649(iv=0x00)", "this parameter is not known"),
        (KEY, "rfc5649/1.0", "rfc5649(flavour=kwp", "its parameters have no end"),
        (KEY, "rfc5649/1.0", "aes-gcm", "this algorithm is not known"),
        (KEY, "rfc5649/1.0", "cbcpad", "it says no IV"),
        (KEY, "rfc5649/1.0", "cbcpad(iv=0x0001020304050607)", "eight bytes are for a DES key"),
        (KEY, "rfc5649/1.0", "cbcpad(iv=0x00)", "it is not 16 bytes"),
        (KEY, "rfc5649/1.0", "pkcs1", "RSA makes more bytes than these"),
        (KEY, "rfc5649/1.0", "envelope(inner=rfc5649)", "the outer block of the envelope"),
        (KEY, "\nWrapping-Algorithm:", "\n#", "Wrapping-Algorithm at offset"),
        (KEY, "\nWrapping-Key:", "\nWrapping-Key: \"a\" Wrapping-Key:", "it stands there twice"),
        (KEY, "\n-----BEGIN WRAPPED KEY-----", "\n-----BEGIN PRIVATE KEY-----", "no whole first and last line"),
        (KEY, "\n-----END WRAPPED KEY-----", "\nCKA_ID: 0x00", "no whole first and last line"),
        (KEY, "\n-----BEGIN WRAPPED KEY-----\n", "\n-----BEGIN WRAPPED KEY-----\n!", "its base64 is not right"),
        (KEY, "\n-----BEGIN WRAPPED KEY-----\n", "\n-----BEGIN WRAPPED KEY-----\nAAAA", "a multiple of 8 bytes"),
        (OAEP, "CKM_SHA256", "CKM_SHA224", "SHA-224 is not handled"),
        (OAEP, "CKM_SHA256", "CKM_MD5", "this hash is not known"),
        (OAEP, "mgf=CKG_MGF1_SHA256", "hash=CKM_SHA256", "it stands there twice"),
        (ENVELOPE, "envelope/1.0(inner=rfc5649/1.0,", "envelope/1.0(inner=envelope,", "no place in another"),
        (ENVELOPE, "envelope/1.0(inner=rfc5649/1.0,", "envelope/1.0(inner=pkcs1,", "outside is an RSA algorithm"),
        (ENVELOPE, "envelope/1.0(inner=rfc5649/1.0,", "envelope/1.0(", "no inner algorithm"),
        (PRIVATE, "CKK_EC\n", "CKK_RSA\n", "it does not belong to a key of this type"),
        (PRIVATE, "CKO_PUBLIC_KEY", "CKO_SECRET_KEY", "behind the wrapped key there is its public half"),
        (PRIVATE, "-----END PUBLIC KEY-----", "-----END PUBLIC KEY-----\nCKA_ID: 0x00", "nothing comes behind"),
    ] {
        let error = refused(name, from, to);
        assert!(
            error.starts_with("pkcs11-tools wrapped key: line ") && error.contains(said),
            "{from} -> {to}: {error}"
        );
    }
}

#[test]
fn what_p11sak_cannot_mean_is_refused_with_its_line() {
    const CBC: &str = "aes256.aes-cbc-pad.p11sak";
    const KWP: &str = "aes256.aeskw-kwp.p11sak";
    const OAEP: &str = "aes256.rsa-oaep.p11sak";
    const RSA_AES: &str = "rsa2048.rsa-aeskw.p11sak";
    for (name, from, to, said) in [
        (KWP, "KEY-TYPE: AES\n", "", "KEY-TYPE at offset 0: it is missing"),
        (KWP, "KEY-TYPE: AES", "KEY-TYPE: AES-XTS", "line 2: AES-XTS at offset 35: keys of this type are no CNG keys"),
        (KWP, "KEY-TYPE: AES", "KEY-TYPE: ROT13", "this key type is not known"),
        (
            KWP,
            "KEY-TYPE: AES",
            "KEY-TYPE: AES\nkey-type: AES",
            "line 3: key-type at offset 49: this header is not known",
        ),
        (KWP, "KEY-TYPE: AES", "KEY-TYPE: AES\nKEY-TYPE: AES", "it stands there twice"),
        (KWP, "WRAP-ALG: AESKW-KWP\n", "", "WRAP-ALG at offset 0: it is missing"),
        (KWP, "AESKW-KWP", "ECDH-AESKW", "keys wrapped by ECDH are not read here"),
        (KWP, "AESKW-KWP", "AES-GCM", "this wrapping algorithm is not known"),
        (KWP, "AESKW-KWP", "RSA-PKCS", "this header does not belong to the algorithm"),
        (KWP, "[default]", "00000000", "only the standard's initial value is handled"),
        (KWP, "[default]", "000", "it is not hexadecimal"),
        (KWP, "IV: [default]", "IV: [default]\n more", "it has no name and colon"),
        (KWP, "IV: [default]", "IV [default]", "its base64 is not right"),
        (CBC, "IV: 00", "IV: ", "it is not 16 bytes"),
        (CBC, "IV: 00000000000000000000000000000000", "IV: [default]", "this algorithm has no default"),
        (OAEP, "HASH-ALG: SHA256", "HASH-ALG: SHA3-256", "SHA-224 and SHA-3 are not handled"),
        (OAEP, "HASH-ALG: SHA256", "HASH-ALG: MD5", "this hash is not known"),
        (OAEP, "[none]", "none", "it is not hexadecimal"),
        (RSA_AES, "AES-KEY-SIZE: 256", "AES-KEY-SIZE: 512", "an AES key has 128, 192 or 256 bits"),
    ] {
        let error = refused(name, from, to);
        assert!(error.starts_with("p11sak wrapped key: line ") && error.contains(said), "{from} -> {to}: {error}");
    }
    // The standard's own value may stand there, and defaults need no header.
    for (from, to) in [("[default]", "a65959a6"), ("IV: [default]\n", "")] {
        let changed = text(KWP).replacen(from, to, 1);
        assert!(wrapped_file::decode(changed.as_bytes()).is_ok(), "{to}");
    }
}

#[test]
fn no_prefix_of_a_file_is_read_and_no_changed_byte_panics() {
    for name in ["ec256.envelope-default.p11wrap", "aes256.rsa-oaep-sha1-source.p11sak"] {
        let whole = file(name);
        let end = whole.len() - 1;
        // All but the public half, which need not be there.
        let key_end = text(name).find("-----END INNER WRAPPED KEY-----").map(|at| at + 32);
        for len in 0..end {
            let outcome = wrapped_file::decode(&whole[..len]);
            let without_public = key_end == Some(len) || key_end == Some(len + 1);
            // Comments between the key and the attributes of its public half end it just as well.
            assert!(outcome.is_err() || without_public || key_end.is_some_and(|end| len > end), "{name}: {len}");
        }
        for at in 0..end {
            for byte in [0, b'"', b'#', b'\n', 0xFF] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Err(error) = wrapped_file::decode(&changed) {
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}

#[test]
fn ten_megabytes_of_anything_take_one_pass() {
    let head = "Content-Type: application/pkcs11-tools\n";
    let start = Instant::now();
    for filling in [
        "#\n",
        " ",
        "CKA_ID: 0x00\n",
        "CKA_WRAP_TEMPLATE: {",
        "-----BEGIN ",
        "-----BEGIN WRAPPED KEY-----\n",
        "((",
        "\"",
    ] {
        let text = [head, &filling.repeat(10_000_000 / filling.len())].concat();
        assert!(wrapped_file::decode(text.as_bytes()).is_err());
    }
    let mechanisms = [head, "CKA_ALLOWED_MECHANISMS: {", &"CKM_A ".repeat(1_600_000)].concat();
    assert!(wrapped_file::decode(mechanisms.as_bytes()).is_err());
    let sak = text("aes256.aeskw-kwp.p11sak");
    let header = sak.replacen("IV: [default]", &"IV: [default]\n".repeat(700_000), 1);
    assert!(wrapped_file::decode(header.as_bytes()).is_err());
    assert!(wrapped_file::decode(sak.repeat(2000).as_bytes()).is_err());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
