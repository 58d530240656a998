//! No private byte stands in anything that is printed: keys, fields, borrowed blobs, errors.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fmt::Debug;

use cng_pkcs11::asn1;
use cng_pkcs11::blob::ecc::EccBlob;
use cng_pkcs11::blob::key_data::KeyDataBlob;
use cng_pkcs11::blob::rsa::RsaBlob;
use cng_pkcs11::blob::{self, BlobType, Contents, Hints, cipher::CipherKeyBlob};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::Validation;
use cng_pkcs11::secret::SecretBytes;

#[path = "common/vectors.rs"]
mod vectors;

use vectors::{Vector, hex, report};

const PRIVATE: [&str; 9] = ["d", "d-raw", "p", "q", "dp", "dq", "qinv", "k", "password"];

#[test]
fn keys_and_fields_are_printed_without_a_private_byte() {
    let mut problems = Vec::new();
    for vector in private_vectors() {
        let (bytes, password) = (vector.bytes(), vector.password());
        let hints = Hints { password: Some(&password), ..vector.hints() };
        let (fields, outcome) = format::inspect(&bytes, vector.known_format(), &hints);
        let decoded = format::only(outcome.unwrap()).unwrap().decoded;
        let mut texts = vec![debug(&decoded), debug(&decoded.key), debug(&fields), debug(&hints)];
        texts.push(debug(&format::encode(&decoded.key, decoded.algorithm, Format::Blob(BlobType::Cipher))));
        match vector.blob_type() {
            Some(BlobType::Cipher) => texts.push(debug(&CipherKeyBlob::decode(&bytes))),
            Some(BlobType::EccPrivate) => texts.push(debug(&EccBlob::decode(&bytes))),
            Some(BlobType::KeyData) => texts.push(debug(&KeyDataBlob::decode(&bytes))),
            Some(BlobType::RsaPrivate | BlobType::RsaFullPrivate) => texts.push(debug(&RsaBlob::decode(&bytes))),
            _ => {}
        }
        check(&vector, &texts, &mut problems);
    }
    report(&problems);
}

/// Errors of every kind: bytes changed all over, read as every type with a structure, the password missing or wrong.
#[test]
fn errors_are_printed_without_a_private_byte() {
    let mut problems = Vec::new();
    let formats: Vec<_> = Format::names().filter_map(Format::by_name).collect();
    let wrong = SecretBytes::from(&b"another password"[..]);
    let keys = ["rsa1024-e3", "ec-nistP256", "ec-brainpoolP512r1", "ec-curve25519-unclamped", "aes128", "aes256"];
    for vector in private_vectors().filter(|vector| keys.contains(&vector.key.as_str())) {
        let bytes = vector.bytes();
        let mut texts = BTreeSet::new();
        let mut note = |outcome: Result<_, format::Error>| {
            if let Err(error) = outcome {
                texts.insert(format!("{error} {}", debug(&error)));
            }
        };
        // A bare key read as a blob is left out: the magic number that the message shows is then the key's first word.
        for format in formats.iter().filter(|_| vector.known_format() != Format::Raw) {
            note(format::decode(&bytes, *format, &vector.hints()));
            note(format::decode(&bytes, *format, &Hints { password: Some(&wrong), ..vector.hints() }));
        }
        for at in (0..bytes.len()).step_by(7) {
            for change in [0x01, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                note(format::decode(&changed, vector.known_format(), &vector.hints()));
                let skip = Hints { validation: Validation::Skip, ..vector.hints() };
                note(format::decode(&changed, vector.known_format(), &skip));
            }
            note(format::decode(&bytes[..at], vector.known_format(), &vector.hints()));
        }
        assert!(!texts.is_empty() || vector.known_format() == Format::Raw, "{}", vector.file);
        check(&vector, &texts.into_iter().collect::<Vec<_>>(), &mut problems);
    }
    report(&problems);
}

/// A bare key that is taken for a blob by mistake: whatever the type is that somebody gave, the message has no byte of it, and says by its
/// kind that the fields before the mistake are not to be shown either.
#[test]
fn a_bare_key_read_as_any_blob_type_is_not_printed() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    for round in 0..400 {
        let mut key: Vec<u8> = (0..16 + round % 49).map(|_| random() | 1).collect();
        // The first byte is a CryptoAPI blob's often enough, and so are more of them.
        let fields: [&[u8]; 5] = [&[], &[7], &[6, 2], &[7, 3, 0, 0], &[1, 0, 0, 0]];
        let front = fields[round % fields.len()];
        key[..front.len()].copy_from_slice(front);
        for blob_type in BlobType::ALL {
            let (_, outcome) = blob::contents(&key, *blob_type, &Hints::default());
            let error = match outcome {
                Ok(Contents::Sealed { .. } | Contents::Wrapped(_)) => continue,
                Ok(other) => panic!("{}: {other:?}", blob_type.name()),
                Err(error) => error,
            };
            let suppressed = matches!(error, blob::Error::Magic { .. } | blob::Error::Foreign { .. });
            let is_der = [BlobType::Pkcs8, BlobType::OpaqueTransport, BlobType::Pkcs7Envelope].contains(blob_type);
            assert!(suppressed || is_der, "{}: {error:?}", blob_type.name());
            let text = error.to_string().to_lowercase();
            for (at, window) in key.windows(4).enumerate().filter(|(at, _)| *at >= front.len()) {
                let [a, b, c, d] = [0, 1, 2, 3].map(|index| window[index]);
                let (word, half) = (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([a, b]));
                let leaks = [word.to_string(), hex(window), format!("{word:x}"), format!(" {half}:"), format!(" {a}:")];
                assert!(!leaks.iter().any(|leak| text.contains(leak)), "{}: byte {at}: {text}", blob_type.name());
            }
        }
    }
}

#[test]
fn encryption_prints_neither_the_password_nor_what_it_protects() {
    let vector = vectors::named("ec-nistP256.PKCS8_PRIVATEKEY.bin");
    let kept = vectors::all().into_iter().find(Vector::is_encrypted).unwrap();
    let password = kept.password();
    let hints = cng_pkcs11::blob::Hints { password: Some(&password), ..Default::default() };
    let wrong = SecretBytes::from(&b"another one"[..]);
    let hints_of_another = cng_pkcs11::blob::Hints { password: Some(&wrong), ..Default::default() };
    let outcome = cng_pkcs11::format::decode(&kept.bytes(), kept.known_format(), &hints_of_another);
    let error = outcome.map(|_| ()).unwrap_err();
    let refused = format!("{error} {error:?}");
    let mut problems = Vec::new();
    check(&kept, &[debug(&password), debug(&hints), refused, debug(&kept.decode())], &mut problems);
    report(&problems);
    let encrypted = asn1::encrypt(
        &vector.bytes(),
        &vector.password(),
        asn1::Encryption { iterations: 1000, ..asn1::Encryption::default() },
    )
    .unwrap();
    let mut problems = Vec::new();
    check(&vector, &[debug(&encrypted), debug(&SecretBytes::from(vector.bytes()))], &mut problems);
    report(&problems);
}

/// The search itself finds a leak in either notation.
#[test]
fn a_leak_would_be_found() {
    let vector = vectors::named("ec-nistP256.sec1.bin");
    let d = vector.number("d");
    for leak in [debug(&d), debug(&&d[4..20]), hex(&d), hex(&d).to_uppercase(), format!("{:#x?}", &d[8..24])] {
        let mut problems = Vec::new();
        check(&vector, &[leak], &mut problems);
        assert_eq!(problems.len(), 1);
    }
    let encrypted = vectors::all().into_iter().find(Vector::is_encrypted).unwrap();
    let mut problems = Vec::new();
    let password = String::from_utf8(encrypted.password().to_vec()).unwrap();
    check(&encrypted, &[format!("the password {password:?} is wrong")], &mut problems);
    assert_eq!(problems.len(), 1);
}

fn private_vectors() -> impl Iterator<Item = Vector> {
    vectors::keys().into_iter().filter(|vector| !vector.is_public())
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?} {value:#x?}")
}

/// Looks for any eight bytes in a row of any private number: as one hexadecimal string, as a list of decimal numbers,
/// as a list of hexadecimal ones.
fn check(vector: &Vector, texts: &[String], problems: &mut Vec<String>) {
    let plain = |text: &String| text.to_lowercase().replace("0x", "").split_whitespace().collect::<String>();
    let text = texts.iter().map(plain).collect::<Vec<_>>().join("\n");
    for field in PRIVATE {
        let Some(number) = private_number(vector, field) else { continue };
        for window in number.windows(8) {
            let list = |byte: fn(&u8) -> String| window.iter().map(byte).collect::<Vec<_>>().join(",");
            let mut notations = vec![hex(window), list(|byte| byte.to_string()), list(|byte| format!("{byte:x}"))];
            if field == "password" {
                notations.extend(String::from_utf8(number.clone()).map(|text| plain(&text)));
            }
            if notations.iter().any(|notation| text.contains(notation)) {
                return problems.push(format!("{}: {field} is printed", vector.file));
            }
        }
    }
}

fn private_number(vector: &Vector, field: &str) -> Option<Vec<u8>> {
    let fields: &[&str] = match vector.algorithm.as_str() {
        "RSA" => &["d", "p", "q", "dp", "dq", "qinv"],
        "AES" => &["k"],
        _ if vector.curve == "curve25519" => &["d", "d-raw"],
        _ => &["d"],
    };
    match field {
        "password" => vector.is_encrypted().then(|| vector.password().to_vec()),
        field => fields.contains(&field).then(|| vector.number(field)),
    }
}

#[test]
fn pem_is_printed_without_what_is_in_it() {
    let text = "-----BEGIN PRIVATE KEY-----\nU2VjcmV0\n-----END PRIVATE KEY-----\n";
    let mut sections = cng_pkcs11::asn1::pem::sections(text.as_bytes());
    let before = debug(&sections);
    let section = sections.next().unwrap().unwrap();
    assert_eq!(section.label, "PRIVATE KEY");
    let inside = format!("{:?}", &text.as_bytes()[28..36]);
    let inside = inside.trim_matches(['[', ']']);
    for printed in [before, debug(&section)] {
        assert!(!printed.contains("U2VjcmV0") && !printed.contains(inside), "{printed}");
    }
}
