//! `migrate` between two tokens of one module: what goes along with a key.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::fs;
use std::path::PathBuf;

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::key::{Algorithm, ExportPolicy};
use cng_pkcs11::provider::{Flags, ImportParameters, KeyName, StorageProvider, names};
use cng_pkcs11::wide;
use serde_json::{Value, json};

use crate::support::{TestToken, on_a_token, vector};

const KEYS: [(&str, &str, BlobType); 3] = [
    ("pair", "rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", BlobType::RsaFullPrivate),
    ("plain", "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", BlobType::EccPrivate),
    ("secret", "aes256.KeyDataBlob.bin", BlobType::KeyData),
];

/// An NCRYPT_UI_POLICY_BLOB that protects the key, with a title and no other text.
fn ui_policy() -> Vec<u8> {
    let title = wide::encode_nul("what asks");
    let length = u32::try_from(title.len()).expect("it is short").to_le_bytes();
    [&1_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &length, &[0; 8], &title].concat()
}

fn furnish(provider: &StorageProvider) {
    for (name, file, blob) in KEYS {
        let algorithm = (name == "secret").then_some(Algorithm::AES);
        let named = Some(KeyName::new(name).expect("a name"));
        let parameters = ImportParameters { name: named, algorithm, ..ImportParameters::default() };
        let mut key =
            provider.import_key(None, blob, &parameters, &vector(file), Flags::DO_NOT_FINALIZE).expect("a key");
        key.set_export_policy(ExportPolicy::ENCRYPTED).expect("a policy");
        if name != "plain" {
            key.set_property_with("note", name.as_bytes(), Flags::PERSIST_ONLY).expect("a property");
        }
        if name == "pair" {
            key.set_property(names::UI_POLICY, &ui_policy()).expect("a UI policy");
        }
        key.finalize(Flags::NONE).expect("a key");
    }
}

#[test]
fn a_key_takes_its_properties_along() {
    let name = "a_key_takes_its_properties_along";
    let Some(token) = on_a_token(name, |provider| furnish(&provider)) else { return };
    let folders = || -> Vec<PathBuf> {
        let found = fs::read_dir(token.path("tokens")).expect("the tokens");
        found.map(|folder| folder.expect("a token").path()).collect()
    };
    let before = folders();
    token.cng11(&["token", "init", "--label", "second"]).ok();
    let second = folders().into_iter().find(|folder| !before.contains(folder)).expect("the second token");
    let migrate = ["migrate", "--from", TestToken::LABEL, "--to", "second"];
    let moved = token.json(&migrate);
    assert_eq!((&moved["imported"], &moved["failed"]), (&json!(3), &json!(0)), "{moved}");
    let of = |label: &str, name: &str, what: &str| -> Value {
        let run = token.cng11(&["--token", label, "--json", "get", name, what]);
        if run.text().is_empty() { Value::Null } else { run.json()["value"].clone() }
    };
    let all_are_there = || {
        for (name, ..) in KEYS {
            for what in ["note", "UI Policy", "Export Policy", "Key Usage"] {
                let (here, there) = (of(TestToken::LABEL, name, what), of("second", name, what));
                let is_set = match what {
                    "note" => name != "plain",
                    "UI Policy" => name == "pair",
                    _ => true,
                };
                assert_eq!(!here.is_null(), is_set, "{name} {what}");
                assert_eq!(here, there, "{name} {what}");
            }
        }
    };
    all_are_there();
    let again = token.json(&migrate);
    assert_eq!((&again["identical"], &again["imported"]), (&json!(3), &json!(0)), "{again}");
    // As a run leaves them that is killed before it writes a property.
    let mut removed = 0;
    for file in fs::read_dir(&second).expect("the second token") {
        let path = file.expect("a file").path();
        // The value of the first attribute, which is the class, in the form that tests/torn.rs describes.
        let is_data = |bytes: &[u8]| bytes.get(8..16) == Some(&[0; 8]) && bytes.get(24..32) == Some(&[0; 8]);
        if path.extension().is_some_and(|end| end == "object") && is_data(&fs::read(&path).expect("an object")) {
            fs::remove_file(&path).expect("an object");
            removed += 1;
        }
    }
    assert_eq!(removed, 3, "two notes and a policy");
    assert!(of("second", "pair", "UI Policy").is_null());
    let again = token.json(&migrate);
    assert_eq!((&again["identical"], &again["failed"]), (&json!(3), &json!(0)), "{again}");
    all_are_there();
    // Another value is a difference.
    token.cng11(&["--token", "second", "set", "--custom", "secret", "note", "another"]).ok();
    let run = token.cng11(&[&["--json"], &migrate[..]].concat());
    let again = run.json();
    assert_eq!((&again["identical"], &again["failed"]), (&json!(2), &json!(1)), "{again}");
    assert!(again["failures"].to_string().contains("another value of a property"), "{again}");
}

/// What cannot move for what is known of it beforehand is told by the plan as by the run.
#[test]
fn a_plan_tells_what_will_not_move() {
    let token = TestToken::new();
    token.cng11(&["token", "init", "--label", "second"]).ok();
    for (name, more) in [
        ("kept", &["--algorithm", "RSA"][..]),
        ("free", &["--algorithm", "RSA", "--export-policy", "encrypted"]),
        ("short", &["--algorithm", "HMAC", "--bits", "160", "--export-policy", "encrypted"]),
    ] {
        let generate = ["--token", TestToken::LABEL, "generate", name];
        token.cng11(&[&generate[..], more].concat()).ok();
    }
    let report = token.path("report");
    let migrate = ["--json", "migrate", "--from", TestToken::LABEL, "--to", "second"];
    let plan = token.cng11(&[&migrate[..], &["--dry-run"]].concat()).json();
    token.cng11(&[&migrate[..], &["--jobs", "1", "--report", report.to_str().expect("UTF-8")]].concat());
    let told =
        |value: &Value| ["entry", "source", "outcome", "name", "status", "message"].map(|member| value[member].clone());
    let planned: Vec<_> = plan["plan"].as_array().expect("a plan").iter().map(told).collect();
    let text = fs::read_to_string(&report).expect("a report");
    let done: Vec<_> = text.lines().map(|line| told(&serde_json::from_str(line).expect("JSON"))).collect();
    assert_eq!(planned, done);
    let outcomes: Vec<_> = planned.iter().map(|one| (one[1].as_str(), one[2].as_str())).collect();
    assert_eq!(
        outcomes,
        [("free", "imported"), ("kept", "failed"), ("short", "failed")]
            .map(|(name, outcome)| (Some(name), Some(outcome)))
    );
    // A pattern that fits nothing is told.
    let run = token.cng11(&["migrate", "--from", TestToken::LABEL, "--to", "second", "--name", "nobody*"]);
    assert!(run.stderr.contains("warning: no key of pkcs11:"), "{}", run.stderr);
}
