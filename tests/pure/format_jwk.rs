//! JSON Web Keys: the examples of RFC 7517 and RFC 8037, the text that is written, and what is refused.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Error, Format, Loss, Writing};
use cng_pkcs11::key::{Algorithm, KeyUsage};
use serde_json::Value;

fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more/published").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read(text: &str) -> Result<format::Entry, Error> {
    let format = format::sniff(text.as_bytes()).unwrap_or(Format::Jwk);
    format::decode_all(text.as_bytes(), format, &Hints::default()).map(|mut entries| entries.remove(0))
}

#[test]
fn the_examples_of_the_standards_are_read() {
    for (name, count) in [
        ("rfc7517-a.1.json", 2),
        ("rfc7517-a.2.json", 2),
        ("rfc7517-a.3.json", 2),
        ("rfc7517-b.json", 1),
        ("rfc7517-c.1.json", 1),
        ("rfc8037-a.1.json", 1),
        ("rfc8037-a.2.json", 1),
    ] {
        let text = published(name);
        let format = format::sniff(text.as_bytes()).unwrap();
        let entries = format::decode_all(text.as_bytes(), format, &Hints::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(entries.len(), count, "{name}");
        for entry in entries {
            let key = &entry.decoded;
            let written = format::encode(&key.key, key.algorithm, Format::Jwk).unwrap();
            let again = read(str::from_utf8(&written).unwrap()).unwrap();
            assert_eq!(again.decoded.algorithm, key.algorithm, "{name}");
            let twice = format::encode(&again.decoded.key, again.decoded.algorithm, Format::Jwk).unwrap();
            assert_eq!(*twice, *written, "{name}");
        }
    }
    let set = published("rfc7517-a.1.json");
    let entries = format::decode_all(set.as_bytes(), Format::JwkSet, &Hints::default()).unwrap();
    assert_eq!(entries[0].name.as_deref(), Some("1"));
    assert_eq!(entries[0].decoded.usage, Some(KeyUsage::AGREE));
    assert_eq!(entries[0].decoded.algorithm.name(), "ECDH_P256");
    let symmetric = published("rfc7517-a.3.json");
    let entries = format::decode_all(symmetric.as_bytes(), Format::JwkSet, &Hints::default()).unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry.decoded.algorithm.name()).collect();
    assert_eq!(names, ["AES", "HMAC"]);
    assert_eq!(read(&published("rfc7517-b.json")).unwrap().certificates.len(), 1);
}

/// The numbers of the text are those of the RFC, member by member.
#[test]
fn what_is_written_has_the_members_of_the_example() {
    for name in ["rfc7517-a.2.json", "rfc7517-c.1.json", "rfc8037-a.1.json"] {
        let example: Value = serde_json::from_str(&published(name)).unwrap();
        let examples = example["keys"].as_array().cloned().unwrap_or_else(|| vec![example.clone()]);
        let text = published(name);
        let format = format::sniff(text.as_bytes()).unwrap();
        let entries = format::decode_all(text.as_bytes(), format, &Hints::default()).unwrap();
        for (example, entry) in examples.iter().zip(entries) {
            let written = format::encode(&entry.decoded.key, entry.decoded.algorithm, Format::Jwk).unwrap();
            let written: Value = serde_json::from_slice(&written).unwrap();
            for (member, value) in written.as_object().unwrap() {
                assert_eq!(value, &example[member], "{name} {member}");
            }
            assert_eq!(written.get("d").is_some(), example.get("d").is_some());
        }
    }
}

const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

#[test]
fn what_is_not_strictly_a_key_is_refused_with_member_and_place() {
    assert!(read(P256).is_ok());
    for (change, with, problem) in [
        ("\"x\":\"MKBC", "\"x\":\"MKB+", "`x` at offset 30: it is not base64url"),
        ("7D4\"", "7D4=\"", "`x` at offset 30: it is not base64url"),
        // The last character has two bits that stand for nothing and must be zero.
        ("7D4\"", "7D5\"", "`x` at offset 30: it is not base64url"),
        ("\"MKBCTNIc", "\"BCTNIc", "`x` at offset 30"),
        ("\"x\":\"M", "\"x\":\"AAAAM", "`x` at offset 30"),
        ("\"kty\":\"EC\"", "\"kty\":\"ec\"", "`kty` at offset 7"),
        ("\"P-256\"", "\"BP-256\"", "`crv` at offset 18"),
        ("\"crv\":\"P-256\",", "", "`crv` at offset 0: it is missing"),
        ("\"kty\":\"EC\"", "\"kty\":\"OKP\"", "`crv`"),
        ("\"d\":\"870M", "\"d\":\"\\u0038\\u0037\\u0030M", "`d` at offset 130: it has escaped characters"),
        ("\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"", "\"d\":7", "`d` at offset 130: it is not a string"),
        ("\"y\":\"4E", "\"x\":\"4E", "twice"),
        ("eAE\"}", "eAE\"}}", "something follows the value"),
    ] {
        let text = P256.replacen(change, with, 1);
        assert_ne!(text, P256, "{change}");
        let error = format::decode(text.as_bytes(), Format::Jwk, &Hints::default()).unwrap_err().to_string();
        assert!(error.contains(problem), "{with}: {error}");
        assert!(!error.contains("870MB6"), "{error}");
    }
    let other = P256.replacen("870MB6", "870MC6", 1);
    let error = format::decode(other.as_bytes(), Format::Jwk, &Hints::default()).unwrap_err();
    assert!(error.to_string().contains("d·G"), "{error}");
}

#[test]
fn rsa_keys_of_more_primes_or_none_are_refused() {
    let text = published("rfc7517-a.2.json");
    let set: Value = serde_json::from_str(&text).unwrap();
    let rsa = set["keys"][1].as_object().unwrap().clone();
    for (change, problem) in [("oth", "more than two primes"), ("p", "`p`"), ("qi", "`qi`"), ("d", "`d` is not")] {
        let mut key = rsa.clone();
        if key.remove(change).is_none() {
            key.insert(change.to_owned(), serde_json::json!([]));
        }
        let text = Value::Object(key).to_string();
        let error = format::decode(text.as_bytes(), Format::Jwk, &Hints::default()).unwrap_err().to_string();
        assert!(error.contains(problem), "{change}: {error}");
    }
}

#[test]
fn an_oct_key_is_of_the_algorithm_that_is_said_or_fits() {
    let name = |rest: &str| {
        let text = format!("{{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"{rest}}}");
        format::decode(text.as_bytes(), Format::Jwk, &Hints::default()).map(|decoded| decoded.algorithm.name())
    };
    assert_eq!(name("").unwrap(), "AES");
    assert_eq!(name(",\"alg\":\"A128KW\"").unwrap(), "AES");
    assert_eq!(name(",\"alg\":\"HS256\"").unwrap(), "HMAC");
    assert_eq!(name(",\"use\":\"sig\"").unwrap(), "HMAC");
    assert_eq!(name(",\"key_ops\":[\"sign\",\"verify\"]").unwrap(), "HMAC");
    assert!(name(",\"alg\":\"A256KW\"").is_err());
    let hints = Hints { algorithm: Some(Algorithm::by_name("HMAC").unwrap()), ..Hints::default() };
    let text = "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"}";
    let hmac = format::decode(text.as_bytes(), Format::Jwk, &hints).unwrap();
    let written = format::encode(&hmac.key, hmac.algorithm, Format::Jwk).unwrap();
    assert_eq!(
        str::from_utf8(&written).unwrap(),
        "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\",\"use\":\"sig\"}\n"
    );
}

#[test]
fn an_oct_key_comes_back_as_the_algorithm_that_it_is() {
    let key = |rest: &str| format!("{{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"{rest}}}");
    for alg in ["A128CBC-HS256", "dir", "RS256", "PBES2-HS256+A128KW"] {
        let text = key(&format!(",\"alg\":\"{alg}\""));
        assert!(read(&text).unwrap_err().to_string().contains("`alg` at offset"), "{alg}");
        let hints = Hints { algorithm: Some(Algorithm::by_name("AES").unwrap()), ..Hints::default() };
        let entries = format::decode_all(text.as_bytes(), Format::Jwk, &hints).unwrap();
        assert_eq!(entries[0].extras, [format!("alg {alg}")]);
    }
    let everything = KeyUsage::ALL;
    for (alg, rest) in [("HMAC", ",\"alg\":\"HS512\""), ("AES", ",\"alg\":\"A128GCM\"")] {
        let entry = read(&key(rest)).unwrap();
        assert_eq!(entry.extras, [rest[1..].replace(['"'], "").replace(':', " ")]);
        for usage in [None, Some(everything), Some(KeyUsage::SIGN), Some(KeyUsage::DECRYPT), Some(KeyUsage::WRAP)] {
            let writing = Writing { usage, ..Writing::default() };
            let decoded = &entry.decoded;
            let written = format::encode_with(&decoded.key, decoded.algorithm, Format::Jwk, &writing).unwrap();
            let again = read(str::from_utf8(&written).unwrap()).unwrap();
            assert_eq!(again.decoded.algorithm.name(), alg, "{usage:?}");
        }
    }
}

#[test]
fn contradictions_and_repetitions_are_refused_and_unknown_words_named() {
    let with = |rest: &str| read(&P256.replace("{\"kty\"", &format!("{{{rest},\"kty\"")));
    for (rest, problem) in [
        ("\"use\":\"sig\",\"key_ops\":[\"deriveKey\"]", "contradicts"),
        ("\"use\":\"enc\",\"key_ops\":[\"sign\"]", "contradicts"),
        ("\"key_ops\":[\"sign\",\"sign\"]", "twice"),
        ("\"x5c\":[\"AAAA\"]", "not an X.509 certificate"),
    ] {
        assert!(with(rest).unwrap_err().to_string().contains(problem), "{rest}");
    }
    let entry = with("\"use\":\"tls\",\"key_ops\":[\"sign\",\"dance\"]").unwrap();
    assert_eq!(
        (entry.extras, entry.decoded.usage),
        (vec!["key_ops dance".into(), "use tls".into()], Some(KeyUsage::SIGN))
    );
    // Another key's certificate.
    let certified: Value = serde_json::from_str(&published("rfc7517-b.json")).unwrap();
    let certificate = certified["x5c"][0].as_str().unwrap();
    let error = with(&format!("\"x5c\":[\"{certificate}\"]")).unwrap_err();
    assert!(error.to_string().contains("not for this key"), "{error}");
    assert!(read(&format!("\u{FEFF}{P256}")).is_ok());
    let usage = Some(KeyUsage::ALL);
    let entry = with("\"use\":\"enc\"").unwrap();
    let all = format::losses(&entry, Format::Jwk, &Writing { usage, ..Writing::default() });
    assert!(all.iter().any(|loss| matches!(loss, Loss::Algorithm(_))), "{all:?}");
    assert_eq!(format::losses(&entry, Format::Jwk, &Writing::default()), []);
}

#[test]
fn a_key_of_a_kind_that_is_not_known_does_not_stand_in_the_way() {
    let text = format!("{{\"keys\":[{{\"kty\":\"new\"}},{P256}]}}");
    let each = format::decode_each(text.as_bytes(), Format::JwkSet, &Hints::default()).unwrap();
    assert!(each[0].is_err() && format::select_each(each, "2").is_ok());
}

#[test]
fn a_curve_without_a_registered_name_is_named_in_the_refusal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more/brainpoolP256r1.PKCS8_PRIVATEKEY.bin");
    let decoded = format::decode(&std::fs::read(path).unwrap(), Format::PKCS8, &Hints::default()).unwrap();
    let error = format::encode(&decoded.key, decoded.algorithm, Format::Jwk).unwrap_err();
    assert!(error.to_string().contains("brainpoolP256r1"), "{error}");
}
