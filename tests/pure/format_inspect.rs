//! `format::inspect`: what of a file may be seen, however the file is damaged, nested or mislabelled.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::{self, Field, Format, Value};
use serde_json::json;

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more").join(name);
    read_file(&path)
}

/// A vector of another folder.
fn beside(name: &str) -> Vec<u8> {
    read_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name))
}

fn read_file(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything that is shown of a file without being asked for private values, in hexadecimal and as text.
fn shown(bytes: &[u8], format: Format) -> String {
    let (fields, _) = format::inspect(bytes, format, &Hints::default());
    let value = |value: &Value| match value {
        Value::Public(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    fields.iter().map(|field| format!("{}={}\n", field.name, value(&field.value))).collect()
}

#[test]
fn private_members_are_not_shown_wherever_they_stand() {
    for name in ["rfc7517-a.2.json", "rfc8037-a.1.json"] {
        let key: serde_json::Value = serde_json::from_slice(&read(&format!("published/{name}"))).unwrap();
        let key = key["keys"].as_array().unwrap().last().unwrap().clone();
        let d = key["d"].as_str().unwrap();
        let with = |member: &str, value: serde_json::Value| {
            let mut changed = key.clone();
            changed[member] = value;
            changed
        };
        for changed in [
            key.clone(),
            json!({"kty": "RSA", "keys": [key]}),
            json!({"keys": [{"keys": [key]}]}),
            json!({"keys": [{"kty": "unknown", "d": d, "x": d, "n": d}]}),
            json!({"keys": [], "d": d}),
            json!({"kty": "oct", "n": d, "x": d, "pub": d}),
            with("meta", json!({"d": d})),
            with("D", json!(d)),
            with("kid", json!([d])),
            with("key_ops", json!([{"d": d}])),
            with("x5c", json!([[d]])),
            with("n", json!({"d": d})),
        ] {
            let text = changed.to_string();
            for format in [Format::Jwk, Format::JwkSet] {
                let shown = shown(text.as_bytes(), format);
                assert!(!shown.contains(d), "{changed}: {shown}");
            }
        }
        let public = with("key_ops", json!(["sign"]));
        let shown = shown(public.to_string().as_bytes(), Format::Jwk);
        let number = key.get("n").or_else(|| key.get("x")).unwrap().as_str().unwrap();
        assert!(shown.contains(number) && shown.contains("sign"), "{shown}");
    }
}

#[test]
fn a_structure_that_is_not_what_it_is_said_to_be_has_no_public_values() {
    let rsa = read("rsa2048.pkcs1.bin");
    let (fields, outcome) = format::inspect(&rsa, Format::Pkcs1, &Hints::default());
    assert!(outcome.is_ok());
    let is_private = |value: &Value| matches!(value, Value::Private(_));
    let secrets: Vec<String> = fields
        .iter()
        .filter_map(|field| match &field.value {
            Value::Private(bytes) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            _ => None,
        })
        .collect();
    assert_eq!(secrets.len(), 6);
    assert!(fields.iter().any(|field| field.name == "modulus" && !is_private(&field.value)));
    let pem = String::from_utf8(read("rsa2048.pkcs1-pem.pem")).unwrap();
    let labels = ["DSA PRIVATE KEY", "EC PRIVATE KEY", "RSA PUBLIC KEY", "PUBLIC KEY", "PRIVATE KEY", "CERTIFICATE"];
    let mut files: Vec<(Vec<u8>, Format)> =
        labels.iter().map(|label| (pem.replace("RSA PRIVATE KEY", label).into_bytes(), Format::Pkcs8Pem)).collect();
    files.extend(Format::all().filter(|format| !matches!(format, Format::Blob(_))).map(|format| (rsa.clone(), format)));
    let pkcs8 = read("rsa2048.PKCS8_PRIVATEKEY.bin");
    files.extend(
        Format::all().filter(|format| !matches!(format, Format::Blob(_))).map(|format| (pkcs8.clone(), format)),
    );
    // The same numbers, one octet changed or missing: what follows the version could be anything.
    files.push((rsa[..900].to_vec(), Format::Pkcs1));
    files.push((rsa[..900].to_vec(), Format::Dsa));
    for (bytes, format) in files {
        let shown = shown(&bytes, format);
        for secret in &secrets {
            // In DER a number may have a zero octet in front.
            assert!(!shown.contains(secret.trim_start_matches("00")), "{format:?}: {shown}");
        }
    }
}

#[test]
fn a_member_longer_than_any_of_a_key_is_not_shown() {
    let text = json!({"kty": "RSA", "n": "A".repeat(1 << 20), "e": "AQAB"}).to_string();
    assert!(shown(text.as_bytes(), Format::Jwk).len() < 100);
}

const TRANSPORT: Format = Format::Blob(BlobType::OpaqueTransport);
const ENVELOPE: Format = Format::Blob(BlobType::Pkcs7Envelope);

/// The fields of a container, which is recognised, and in which nothing is private.
fn fields_of(bytes: &[u8], format: Format) -> Vec<Field> {
    assert_eq!(format::sniff(bytes).unwrap(), format);
    let (fields, outcome) = format::inspect(bytes, format, &Hints::default());
    let error = outcome.unwrap_err();
    assert!(matches!(error, format::Error::Blob(blob::Error::Wrapped { .. })), "{error}");
    let article = if format == TRANSPORT { "an OpaqueTransport is" } else { "a PKCS7_ENVELOPE is" };
    assert!(error.to_string().starts_with(article), "{error}");
    assert!(!fields.iter().any(|field| matches!(field.value, Value::Private(_))), "{fields:?}");
    fields
}

/// The value of the field of a name, of which there is one, and what stands in the file there.
fn value<'a>(fields: &'a [Field], bytes: &'a [u8], name: &str) -> (&'a Value, &'a [u8]) {
    let found: Vec<&Field> = fields.iter().filter(|field| field.name == name).collect();
    let [field] = found.as_slice() else { panic!("{name}: {}", found.len()) };
    (&field.value, &bytes[field.offset..field.offset + field.length])
}

fn names(fields: &[Field], depth: usize) -> Vec<&str> {
    fields.iter().filter(|field| field.depth == depth).map(|field| &*field.name).collect()
}

#[test]
fn an_opaque_transport_is_told_field_by_field() {
    let bytes = beside("transport/p256-certificate.two.OpaqueTransport.bin");
    let fields = fields_of(&bytes, TRANSPORT);
    assert_eq!(names(&fields, 0), ["OpaqueTransport"]);
    assert_eq!(names(&fields, 1), ["info", "mac"]);
    let info = [
        "magic",
        "version",
        "name",
        "exportPolicy",
        "keyUsage",
        "id",
        "subject (private)",
        "certificates",
        "recipients",
        "macKey",
        "key",
    ];
    assert_eq!(names(&fields, 2), info);
    assert_eq!(value(&fields, &bytes, "name").0, &Value::Text("two recipients".to_owned()));
    assert_eq!(value(&fields, &bytes, "exportPolicy"), (&Value::Number(3), &[3][..]));
    assert_eq!(value(&fields, &bytes, "oaepHash").0, &Value::Text("SHA1".to_owned()));
    for (name, length) in [("mac", 32), ("macKey", 40), ("aes", 40), ("keyId", 20)] {
        let (shown, found) = value(&fields, &bytes, name);
        assert_eq!((shown, found.len()), (&Value::Public(found.to_vec()), length), "{name}");
    }
    assert_eq!(value(&fields, &bytes, "certificate").1, beside("transport/p256.cert.bin"));
    let spki = beside("transport/p256.spki.bin");
    let told: Vec<&Field> = fields.iter().filter(|field| field.name == "subjectPublicKeyInfo").collect();
    // In the subject and in the certificate.
    assert_eq!(told.len(), 2);
    for field in told {
        assert_eq!(bytes[field.offset..field.offset + field.length], spki);
    }
    let bytes = beside("transport/aes256.aes.OpaqueTransport.bin");
    let fields = fields_of(&bytes, TRANSPORT);
    assert_eq!(value(&fields, &bytes, "bits").0, &Value::Number(256));
    assert_eq!(value(&fields, &bytes, "algorithm").0, &Value::Text("AES".to_owned()));
    assert_eq!(value(&fields, &bytes, "subject (secret)").0, &Value::Structure);
}

#[test]
fn an_enveloped_data_is_told_field_by_field() {
    let bytes = beside("cms/oaep-two.cms.bin");
    let fields = fields_of(&bytes, ENVELOPE);
    assert_eq!(names(&fields, 0), ["ContentInfo"]);
    assert_eq!(names(&fields, 2), ["EnvelopedData"]);
    assert_eq!(names(&fields, 3), ["version", "recipientInfos", "encryptedContentInfo"]);
    assert_eq!(fields.iter().filter(|field| field.name == "ktri").count(), 2);
    assert_eq!(fields.iter().filter(|field| field.name == "issuerAndSerialNumber").count(), 2);
    let (content, found) = value(&fields, &bytes, "encryptedContent");
    assert_eq!((content, found.len()), (&Value::Public(found.to_vec()), 64));
    let text = shown(&bytes, ENVELOPE);
    for word in ["id-RSAES-OAEP", "id-envelopedData", "alice@example.com", "aes256-CBC"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // By key identifier, without a ContentInfo, with recipients of other kinds, with attributes.
    let bytes = beside("cms/keyid.cms.bin");
    let fields = fields_of(&bytes, ENVELOPE);
    assert_eq!(fields.iter().filter(|field| field.name == "subjectKeyIdentifier").count(), 2);
    assert_eq!(names(&fields_of(&beside("cms/bare.cms.bin"), ENVELOPE), 0), ["EnvelopedData"]);
    let bytes = beside("cms/others.cms.bin");
    let fields = fields_of(&bytes, ENVELOPE);
    assert_eq!(
        names(&fields, 4),
        ["ktri", "kari", "kekri", "pwri", "contentType", "contentEncryptionAlgorithm", "encryptedContent"]
    );
    let fields = fields_of(&beside("cms/attributes.cms.bin"), ENVELOPE);
    let top = ["version", "originatorInfo", "recipientInfos", "encryptedContentInfo", "unprotectedAttrs"];
    assert_eq!(names(&fields, 3), top);
    // What is BER is told as the DER that it becomes.
    let fields = fields_of(&beside("cms/nss.cms.bin"), ENVELOPE);
    assert!(matches!(&fields[0].value, Value::Text(remark) if remark.contains("offsets below")));
    assert_eq!(names(&fields, 1), ["ContentInfo"]);
    assert_eq!(fields.iter().filter(|field| field.name == "encryptedContent").count(), 1);
}

#[test]
fn what_is_no_container_shows_nothing_as_one() {
    let key = beside("transport/p256.PKCS8_PRIVATEKEY.bin");
    let scalar: String = (1..=32).map(|byte| format!("{byte:02x}")).collect();
    for format in [TRANSPORT, ENVELOPE] {
        let (fields, outcome) = format::inspect(&key, format, &Hints::default());
        assert!(outcome.is_err() && !fields.is_empty());
        assert!(!shown(&key, format).contains(&scalar));
        // The same inside what begins like a container.
        for file in ["transport/aes256.aes.OpaqueTransport.bin", "cms/oaep-two.cms.bin"] {
            let whole = beside(file);
            for length in 0..whole.len() {
                let cut = &whole[..length];
                let (fields, outcome) = format::inspect(cut, format, &Hints::default());
                assert!(outcome.is_err());
                assert!(
                    !fields.iter().any(|field| matches!(field.value, Value::Public(ref bytes) if !bytes.is_empty())),
                    "{file}: {length}"
                );
                assert!(fields.iter().all(|field| field.offset + field.length <= length), "{file}: {length}");
            }
        }
    }
}
