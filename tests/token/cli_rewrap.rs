//! `rewrap`, and the wrapped-key files of other tools on a token.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::asn1::transport::{self, TransportInfo};
use cng_pkcs11::key::{ExportPolicy, KeyUsage};

use crate::support::wrapping::{
    RSA_KEK, assert_is_the_key, assert_signs, bare_type, key_file, openssl_unwraps, openssl_wraps, token_with_keks,
};
use crate::support::{TestToken, vector, vector_path, vector_text};

const KEYS: &[&str] = &["rsa2048-e65537", "ec-nistP256", "ec-nistP521", "aes256"];

/// Two more wrapping keys, which nobody outside knows.
fn token_with_more_keks() -> TestToken {
    let token = token_with_keks();
    token.cng11(&["generate", "inner", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]).ok();
    token.cng11(&["generate", "inner rsa", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    token
}

#[test]
fn a_wrapped_key_goes_from_one_wrapping_key_to_another_and_is_the_same_key() {
    let token = token_with_more_keks();
    let before = token.contents();
    for key in KEYS {
        let plain = vector(&key_file(key));
        for (scheme, inner) in [("kwp", "inner"), ("rsa-aes", "inner rsa")] {
            let outer = if scheme == "kwp" { "kek" } else { "rsa kek" };
            let from = token.file("from", openssl_wraps(scheme, &plain));
            let (middle, to) = (token.path_text("middle"), token.path_text("to"));
            let kind = ["--type", bare_type(key), "--scheme", scheme, "--to-scheme", scheme, "--force"];
            let there = ["rewrap", &from, "--unwrap-key", outer, "--wrap-key", inner, "-o", &middle];
            token.cng11(&[&there[..], &kind].concat()).ok();
            let back = ["rewrap", &middle, "--unwrap-key", inner, "--wrap-key", outer, "-o", &to];
            let document = token.json(&[&back[..], &kind].concat());
            assert_eq!(document["scheme"], scheme, "{key}");
            assert_eq!(document.get("zero_padded").is_some(), !key.starts_with("aes"), "{key}");
            assert_is_the_key(key, &openssl_unwraps(scheme, &token.read("to")), &format!("{key} by {scheme}"));
        }
    }
    assert_eq!(token.contents(), before, "nothing is left on the token");
}

#[test]
fn a_bare_file_needs_no_type_and_a_container_shows_itself() {
    let token = token_with_more_keks();
    let to = token.path_text("to");
    for key in ["ec-nistP256", "aes256"] {
        let from = token.file("from", openssl_wraps("kwp", &vector(&key_file(key))));
        let public = vector_text(&format!("{RSA_KEK}.spki-pem.pem"));
        let document =
            token.json(&["rewrap", &from, "--unwrap-key", "kek", "--wrap-to", &public, "-o", &to, "--force"]);
        assert_eq!(document["type"], bare_type(key), "{key}");
        let scheme = document["scheme"].as_str().expect("a scheme");
        assert_eq!(scheme, if key == "aes256" { "rsa-oaep" } else { "rsa-aes" });
        assert_is_the_key(key, &openssl_unwraps(scheme, &token.read("to")), key);
    }
    // From a container to another, and to none.
    token.import(&key_file("ec-nistP384"), "p384", &["--export-policy", "encrypted"]);
    let (blob, envelope) = (token.path_text("blob"), token.path_text("envelope"));
    token.cng11(&["export", "p384", "--type", "PKCS11RsaAesWrapBlob", "--wrap-key", "rsa kek", "-o", &blob]).ok();
    let there = ["rewrap", &blob, "--unwrap-key", "rsa kek", "--to", "PKCS7_ENVELOPE"];
    let recipients = ["--wrap-key", "inner rsa", "--wrap-key", "rsa kek", "-o", &envelope];
    token.cng11(&[&there[..], &recipients].concat()).ok();
    let back = ["rewrap", &envelope, "--unwrap-key", "inner rsa", "--to", "pkcs8", "--wrap-key", "kek"];
    token.cng11(&[&back[..], &["-o", &to, "--force"]].concat()).ok();
    assert_is_the_key("ec-nistP384", &openssl_unwraps("kwp", &token.read("to")), "through two containers");
}

#[test]
fn an_opaque_transport_goes_on_with_everything_that_it_says() {
    let token = token_with_more_keks();
    token.import(&key_file("ec-nistP256"), "web", &["--export-policy", "encrypted", "--id", "0102"]);
    let (sent, on) = (token.path_text("sent"), token.path_text("on"));
    token.cng11(&["export", "web", "--type", "OpaqueTransport", "--wrap-key", "kek", "-o", &sent]).ok();
    let two = ["--wrap-key", "inner", "--wrap-key", "inner rsa", "-o", &on];
    token.cng11(&[&["rewrap", &sent, "--unwrap-key", "kek"], &two[..]].concat()).ok();
    token.cng11(&["delete", "web", "--yes"]).ok();
    for recipient in ["inner", "inner rsa"] {
        token.cng11(&["import", &on, "--unwrap-key", recipient]).ok();
        let shown = token.json(&["show", "web"]);
        assert_eq!(shown["id"], "0102");
        assert_eq!(shown["export_policy"], serde_json::json!(["encrypted"]));
        assert_signs(&token, "web", "ec-nistP256");
        token.cng11(&["delete", "web", "--yes"]).ok();
    }
    // Who opened it once does not any more, and rights are not lost into a format that has none.
    token.json_error(&["import", &on, "--unwrap-key", "kek"], 1);
    token.json_error(&["rewrap", &on, "--unwrap-key", "inner", "--wrap-key", "kek", "--to", "pkcs8"], 2);
    let kwp = token.file("kwp", openssl_wraps("kwp", &vector(&key_file("ec-nistP256"))));
    let gain = ["rewrap", &kwp, "--type", "pkcs8", "--unwrap-key", "kek", "--wrap-key", "inner"];
    token.json_error(&[&gain[..], &["--to", "OpaqueTransport"]].concat(), 2);
}

#[test]
fn an_opaque_transport_that_was_changed_goes_on_to_nobody() {
    let token = token_with_more_keks();
    token.import(&key_file("ec-nistP256"), "web", &["--export-policy", "encrypted", "--usage", "sign"]);
    let (sent, on) = (token.path_text("sent"), token.path_text("on"));
    token.cng11(&["export", "web", "--type", "OpaqueTransport", "--wrap-key", "kek", "-o", &sent]).ok();
    token.cng11(&["delete", "web", "--yes"]).ok();
    let before = token.contents();
    let whole = transport::decode(&token.read("sent")).expect("a container");
    let with = |change: &dyn Fn(&mut TransportInfo)| {
        let mut info = whole.info.clone();
        change(&mut info);
        transport::encode(&info.to_der().expect("its DER"), &whole.mac).expect("a container")
    };
    let mut mac = whole.mac;
    mac[31] ^= 1;
    // Passed on, it would get a code that is right.
    for (what, changed) in [
        ("policy", with(&|info| info.policy = ExportPolicy::ANY)),
        ("usage", with(&|info| info.usage = KeyUsage::SIGN | KeyUsage::AGREE)),
        ("name", with(&|info| info.name = "mail".to_owned())),
        ("identifier", with(&|info| info.id = vec![7])),
        ("code", transport::encode(&whole.signed, &mac).expect("a container")),
    ] {
        let file = token.file("changed", &changed);
        let error = token.json_error(&["rewrap", &file, "--unwrap-key", "kek", "--wrap-key", "inner", "-o", &on], 1);
        assert_eq!(error["status"], "NTE_BAD_DATA", "{what}: {error}");
        assert!(error["message"].as_str().is_some_and(|said| said.contains("integrity")), "{what}: {error}");
        assert!(!token.path("on").exists(), "{what}");
    }
    assert_eq!(token.contents(), before);
    token.cng11(&["rewrap", &sent, "--unwrap-key", "kek", "--wrap-key", "inner", "-o", &on]).ok();
}

#[test]
fn what_is_damaged_or_for_another_key_is_not_wrapped_anew() {
    let token = token_with_more_keks();
    token.cng11(&["generate", "both", "--algorithm", "AES", "--bits", "256", "--usage", "wrap,decrypt"]).ok();
    let before = token.contents();
    let mut wrapped = openssl_wraps("kwp", &vector(&key_file("ec-nistP256")));
    let whole = token.file("whole", &wrapped);
    wrapped[20] ^= 1;
    let damaged = token.file("damaged", &wrapped);
    let to = token.path_text("to");
    let rewrap = |file: &str, from: &str, under: &str, code: i32| {
        token.json_error(&["rewrap", file, "--unwrap-key", from, "--wrap-key", under, "-o", &to], code);
        assert!(!token.path("to").exists());
    };
    rewrap(&damaged, "kek", "inner", 1);
    rewrap(&whole, "inner", "kek", 1);
    rewrap(&whole, "kek", "both", 3);
    rewrap(&whole, "kek", "nobody", 1);
    token.json_error(&["rewrap", &whole, "--unwrap-key", "kek"], 2);
    assert_eq!(token.contents(), before);
}

/// What of each file SoftHSM2 opens; the bytes are known to be right from `tests/wrapped_files.rs`.
#[test]
fn wrapped_key_files_of_other_tools_come_onto_the_token() {
    let token = TestToken::new();
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token.import("rsa2048-e3.PKCS8_PRIVATEKEY.bin", "rsa kek", &["--usage", "wrap"]);
    let before = token.contents();
    let mut seen = 0;
    for entry in std::fs::read_dir(vector_path("wrapped-files")).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if !name.ends_with(".p11wrap") && !name.ends_with(".p11sak") {
            continue;
        }
        seen += 1;
        let file = vector_text(&format!("wrapped-files/{name}"));
        let rsa = ["envelope", "oaep", "pkcs1", "rsa-", "inner-first"].iter().any(|part| name.contains(part));
        let kek = if rsa { "rsa kek" } else { "kek" };
        let import = ["import", &file, "--unwrap-key", kek, "--name", "key"];
        let missing = ["cbc-pad", "cbcpad", "aeskw-pkcs7", "sha256", "source", "envelope-default"];
        let code = match name.as_str() {
            "hand-made.two-keys.p11sak" | "aes256.rsa-aeskw-128.p11sak" => 1,
            "aes256.rsa-oaep.p11sak" | "rsa2048.rsa-aeskw.p11sak" => 3,
            name if missing.iter().any(|part| name.contains(part)) => 3,
            _ => 0,
        };
        if code != 0 {
            token.json_error(&import, code);
            assert_eq!(token.contents(), before, "{name}");
            continue;
        }
        let document = token.json(&import);
        assert_eq!(document["route"], "unwrap", "{name}");
        assert_eq!(document["export_policy"], serde_json::json!([]), "{name}");
        match &name[..3] {
            "rsa" => assert_signs(&token, "key", "rsa2048-e65537"),
            "ec2" => assert_signs(&token, "key", "ec-nistP256"),
            _ => {}
        }
        token.cng11(&["delete", "key", "--yes"]).ok();
    }
    assert_eq!(seen, 29);
    // A file that names its key needs no name, and says itself how it is wrapped.
    let named = vector_text("wrapped-files/ec256.rfc5649.p11wrap");
    let made = token.json(&["import", &named, "--unwrap-key", "kek"]);
    assert_eq!(made["id"], "0104");
    token.json_error(&["import", &named, "--unwrap-key", "kek", "--scheme", "kwp", "--name", "y"], 2);
    // It would lose both on the way to another wrapping key.
    let rewrap = ["rewrap", &named, "--unwrap-key", "kek", "--wrap-key", "kek"];
    token.cng11(&rewrap).code(2).says("name and rights").says("import it first");
}
