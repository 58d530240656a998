//! `format::inspect`: what of a file may be seen, however the file is damaged, nested or mislabelled.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Format, Value};
use serde_json::json;

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
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
