//! `migrate` between two tokens of one module: what goes along with a key.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

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
    token.cng11(&["token", "init", "--label", "second"]).ok();
    let migrate = ["migrate", "--from", TestToken::LABEL, "--to", "second"];
    let moved = token.json(&migrate);
    assert_eq!((&moved["imported"], &moved["failed"]), (&json!(3), &json!(0)), "{moved}");
    let of = |label: &str, name: &str, what: &str| -> Value {
        let run = token.cng11(&["--token", label, "--json", "get", name, what]);
        if run.text().is_empty() { Value::Null } else { run.json()["value"].clone() }
    };
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
    let again = token.json(&migrate);
    assert_eq!((&again["identical"], &again["imported"]), (&json!(3), &json!(0)), "{again}");
}
