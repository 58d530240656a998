//! Devices that are simulated by what documents and sources say of them (`examples/strict_hsm.rs`, in front of SoftHSM2): nShield, AWS CloudHSM, YubiHSM 2. Each by its
//! profile, and under a name that is in no profile, where what it wants must be found out.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use serde_json::Value;

use crate::support::wrapping::{
    KEK, algorithm_of, assert_is_the_key, assert_signs, bare_type, key_file, openssl_unwraps, openssl_wraps,
    python_unwraps,
};
use crate::support::{TestToken, openssl, vector, vector_text};

const PRIVATE: &[&str] =
    &["rsa2048-e65537", "rsa3072-e65537", "rsa4096-e65537", "ec-nistP256", "ec-nistP384", "ec-nistP521"];
const SECRET: &[&str] = &["aes128", "aes256"];

/// A personality, under its own name or one that nobody knows.
fn token(personality: &str, is_known: bool) -> TestToken {
    if is_known { TestToken::strict(personality) } else { TestToken::strict_and_unknown(personality) }
}

fn import(token: &TestToken, key: &str, more: &[&str]) -> Value {
    token.import(&key_file(key), key, &[algorithm_of(key), more].concat())
}

/// An import that is refused for a reason of the token's, which leaves nothing.
#[track_caller]
fn refused(token: &TestToken, key: &str, more: &[&str], ckr: &str) -> Value {
    let before = token.contents();
    let file = vector_text(&key_file(key));
    let error = token.json_error(&[&["import", &file, "--name", "refused"][..], algorithm_of(key), more].concat(), 3);
    assert_eq!(error["ckr"], ckr, "{key}: {error}");
    assert_eq!(token.contents(), before, "{key}");
    error
}

#[test]
fn every_key_lands_and_works() {
    // The personality, whether its profile is known, the route, and what C_CreateObject answered to a session object.
    for (personality, is_known, route, answer) in [
        ("nshield", true, "unwrap", Some("CKR_TEMPLATE_INCONSISTENT")),
        ("nshield", false, "unwrap", Some("CKR_TEMPLATE_INCONSISTENT")),
        ("cloudhsm", true, "create", None),
        ("cloudhsm", false, "create", None),
        ("yubihsm", true, "create", None),
        ("yubihsm", false, "create", Some("CKR_ATTRIBUTE_VALUE_INVALID")),
    ] {
        let token = token(personality, is_known);
        let empty = token.contents();
        for key in PRIVATE.iter().chain(SECRET) {
            let why = format!("{key} on {personality}, known: {is_known}");
            let before = token.contents();
            let file = vector_text(&key_file(key));
            let is_sample = ["ec-nistP256", "aes256"].contains(key);
            if is_known && is_sample {
                let dry = [&["import", &file, "--name", key, "--dry-run"][..], algorithm_of(key)].concat();
                assert_eq!(token.json(&dry)["route"], route, "{why}");
                assert_eq!(token.contents(), before, "{why}");
            }
            let document = import(&token, key, &[]);
            assert_eq!(document["route"], route, "{why}: {document}");
            let tried = document["tried"].as_array().and_then(|tried| tried.first()).cloned().unwrap_or_default();
            assert_eq!(tried["ckr"].as_str(), answer, "{why}: {document}");
            assert_eq!(document["export_policy"], serde_json::json!([]), "{why}");
            let shown = token.json(&["show", key]);
            if key.starts_with("aes") {
                assert_eq!(document["verified"], "kcv", "{why}");
            } else {
                assert_eq!(document["verified"], "signature", "{why}");
                assert_signs(&token, key, key);
                let exported = token.export(key, "spki", &[]);
                assert!(exported == vector(&format!("{key}.spki.bin")), "{why}");
            }
            assert_eq!(shown["name"], **key, "{why}: {shown}");
            if is_sample {
                // What is there is not written over, and the name stands for one key.
                let again = [&["import", &file, "--name", key][..], algorithm_of(key)].concat();
                assert_eq!(token.json_error(&again, 1)["status"], "NTE_EXISTS", "{why}");
            }
        }
        assert_eq!(token.names().len(), PRIVATE.len() + SECRET.len(), "{personality}");
        let listed = token.json(&["list", "--all"]).to_string();
        assert!(!listed.contains("cng11:"), "{personality}: a mark is left: {listed}");
        for key in PRIVATE.iter().chain(SECRET) {
            token.cng11(&["delete", key, "--yes"]).ok();
        }
        assert_eq!(token.contents(), empty, "{personality}: a key goes with all that came with it");
    }
}

#[test]
fn an_rsa_key_that_decrypts_does_so_there() {
    for (personality, is_known) in
        [("nshield", true), ("cloudhsm", true), ("cloudhsm", false), ("yubihsm", true), ("yubihsm", false)]
    {
        let token = token(personality, is_known);
        let document = import(&token, "rsa2048-e65537", &["--usage", "decrypt"]);
        assert_eq!(document["verified"], "decryption", "{personality}: {document}");
        let public = vector_text("rsa2048-e65537.spki.bin");
        let arguments = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", &public];
        let encrypted = token.file("encrypted", openssl(&arguments, Some(b"what is encrypted")));
        let decrypted = token.path_text("decrypted");
        let decrypt = ["--decrypt", "--mechanism", "RSA-PKCS", "--label", "rsa2048-e65537"];
        token.pkcs11_tool(&[&decrypt[..], &["--input-file", &encrypted, "--output-file", &decrypted]].concat()).ok();
        assert_eq!(token.read("decrypted"), b"what is encrypted", "{personality}");
    }
}

#[test]
fn a_key_leaves_wrapped_by_the_numbers_that_the_device_has() {
    let schemes = |personality: &str| match personality {
        "cloudhsm" => &["kwp", "kw", "kw-pkcs7"][..],
        _ => &["kwp", "kw"],
    };
    for (personality, is_known) in [("nshield", true), ("nshield", false), ("cloudhsm", true)] {
        let token = token(personality, is_known);
        token.keep_secret(&vector(KEK));
        token.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
        for key in ["rsa2048-e65537", "ec-nistP256", "aes256"] {
            import(&token, key, &["--export-policy", "encrypted"]);
            for scheme in schemes(personality) {
                // RFC 3394 carries whole blocks.
                if *scheme == "kw" && key != "aes256" {
                    continue;
                }
                let why = format!("{key} by {scheme} on {personality}");
                let wrapped = token.export(key, bare_type(key), &["--wrap-key", "kek", "--scheme", scheme]);
                let plain = match *scheme {
                    "kw-pkcs7" => python_unwraps(scheme, &wrapped),
                    _ => openssl_unwraps(scheme, &wrapped),
                };
                assert_is_the_key(key, &plain, &why);
            }
            // And back, by what others wrapped.
            token.cng11(&["delete", key, "--yes"]).ok();
            let wrapped = token.file("wrapped", openssl_wraps("kwp", &vector(&key_file(key))));
            let back = ["import", &wrapped, "--name", key, "--type", bare_type(key), "--unwrap-key", "kek"];
            assert_eq!(token.json(&back)["route"], "unwrap", "{key} on {personality}");
            if !key.starts_with("aes") {
                assert_signs(&token, key, key);
            }
        }
    }
}

#[test]
fn what_a_device_does_not_wrap_by_is_said() {
    // Without its profile the numbers of CloudHSM are not known; and what CKM_AES_KEY_WRAP makes there is not taken for RFC 3394.
    let unknown = token("cloudhsm", false);
    unknown.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    import(&unknown, "aes256", &["--export-policy", "encrypted"]);
    let before = unknown.contents();
    let export = |scheme| ["export", "aes256", "--type", "raw", "--wrap-key", "kek", "--scheme", scheme];
    assert_eq!(unknown.json_error(&export("kwp"), 3)["ckr"], "CKR_MECHANISM_INVALID");
    let error = unknown.json_error(&export("kw"), 3);
    assert!(error["message"].as_str().is_some_and(|said| said.contains("RFC 3394")), "{error}");
    assert_eq!(unknown.contents(), before);
    // A key that was marked to leave leaves YubiHSM by a format of its own alone.
    for is_known in [true, false] {
        let own = token("yubihsm", is_known);
        import(&own, "ec-nistP256", &["--export-policy", "encrypted"]);
        let before = own.contents();
        let recipient = vector_text("more/rsa2048.spki.bin");
        let export = ["export", "ec-nistP256", "--type", "PKCS8_PRIVATEKEY", "--wrap-to", &recipient];
        assert_eq!(own.json_error(&export, 3)["ckr"], "CKR_ATTRIBUTE_VALUE_INVALID");
        assert_eq!(own.contents(), before);
    }
    // A key between that wraps and leaves is what nShield's library assures that nobody has.
    let assured = token("nshield", true);
    import(&assured, "ec-nistP256", &["--export-policy", "encrypted"]);
    assured.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    let before = assured.contents();
    let export = ["export", "ec-nistP256", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "door", "--scheme", "rsa-aes"];
    assert_eq!(assured.json_error(&export, 3)["ckr"], "CKR_TEMPLATE_INCONSISTENT");
    assert_eq!(assured.contents(), before);
}

#[test]
fn what_a_device_refuses_is_said_as_it_said_it() {
    for is_known in [true, false] {
        let own = token("yubihsm", is_known);
        for (key, more) in [
            ("rsa2048-e3", &[][..]),
            ("rsa3072-e17", &[]),
            ("rsa2048-unequal-primes", &[]),
            ("rsa1024-e65537", &[]),
            ("ec-nistP256", &["--export-policy", "plaintext"]),
            ("aes256", &["--usage", "wrap"]),
            ("aes256", &["--usage", "sign"]),
            ("rsa2048-e3", &["--route", "create"]),
        ] {
            refused(&own, key, more, "CKR_ATTRIBUTE_VALUE_INVALID");
        }
        let assured = token("nshield", is_known);
        for more in [&["--usage", "wrap", "--export-policy", "encrypted"][..], &["--usage", "wrap,decrypt"]] {
            refused(&assured, "aes256", more, "CKR_TEMPLATE_INCONSISTENT");
        }
    }
}

#[test]
fn a_device_that_changes_no_attribute_keeps_one_key_of_a_name_and_of_a_cka_id() {
    for is_known in [true, false] {
        let token = token("cloudhsm", is_known);
        import(&token, "ec-nistP256", &["--id", "0102"]);
        let before = token.contents();
        let file = vector_text("ec-nistP384.PKCS8_PRIVATEKEY.bin");
        // One CKA_ID.
        let other = ["import", &file, "--name", "other", "--id", "0102"];
        let run = token.cng11(&[&["--json"][..], &other].concat());
        let error = run.json_error();
        if is_known {
            assert_eq!((run.code, &error["status"]), (1, &"NTE_EXISTS".into()), "{error}");
        } else {
            assert_eq!(error["ckr"], "CKR_ATTRIBUTE_VALUE_INVALID", "{error}");
        }
        assert_eq!(token.contents(), before);
        // One key in the place of another takes a CKA_ID that changes.
        token.json_error(&["import", &file, "--name", "ec-nistP256", "--overwrite"], 3);
        assert_eq!(token.contents(), before);
        token.json_error(&["rename", "ec-nistP256", "renamed"], 3);
        assert_eq!(token.contents(), before);
        assert_signs(&token, "ec-nistP256", "ec-nistP256");
    }
}

#[test]
fn a_key_takes_the_place_of_another_without_session_objects() {
    for is_known in [true, false] {
        let token = token("yubihsm", is_known);
        let empty = token.contents();
        import(&token, "ec-nistP256", &[]);
        let file = vector_text("ec-nistP384.PKCS8_PRIVATEKEY.bin");
        token.json(&["import", &file, "--name", "ec-nistP256", "--overwrite"]);
        assert_signs(&token, "ec-nistP256", "ec-nistP384");
        token.json(&["rename", "ec-nistP256", "renamed"]);
        assert_signs(&token, "renamed", "ec-nistP384");
        token.cng11(&["delete", "renamed", "--yes"]).ok();
        assert_eq!(token.contents(), empty);
    }
}

#[test]
fn a_call_that_fails_leaves_nothing_behind_whichever_it_is() {
    for (personality, is_known, key) in
        [("yubihsm", true, "ec-nistP256"), ("yubihsm", false, "rsa2048-e65537"), ("cloudhsm", true, "ec-nistP256")]
    {
        let mut token = token(personality, is_known);
        let before = token.contents();
        let file = vector_text(&key_file(key));
        let import = ["import", &file, "--name", key];
        token.set("STRICT_HSM_LOG", token.path("log"));
        token.cng11(&import).ok();
        let calls = String::from_utf8(token.read("log")).expect("UTF-8").lines().count();
        token.cng11(&["delete", key, "--yes"]).ok();
        assert_eq!(token.contents(), before, "{personality}");
        let mut failed = 0;
        // Not carried out, or carried out and said to have failed all the same.
        let ways: &[&str] = if (personality, is_known) == ("yubihsm", true) { &["", ":after"] } else { &[""] };
        for (number, after) in (1..=calls).flat_map(|number| ways.iter().map(move |after| (number, after))) {
            token.set("STRICT_HSM_FAIL", format!("*:{number}:0x30{after}"));
            std::fs::write(token.path("log"), "").expect("a file can be written");
            let run = token.cng11(&import);
            token.set("STRICT_HSM_FAIL", "");
            if run.code == 0 {
                // What is destroyed in vain goes with the session.
                token.cng11(&["delete", key, "--yes"]).ok();
            } else {
                failed += 1;
            }
            let log = String::from_utf8(token.read("log")).expect("UTF-8");
            let failing = log.lines().nth(number - 1).unwrap_or_default();
            let why = format!("{personality}, call {number}{after} of {calls}, {failing}: {}", run.stderr);
            assert_eq!(token.contents(), before, "{why}");
        }
        assert!(failed > calls / 2, "{personality}: {failed} of {calls}");
    }
}

#[test]
fn one_key_under_two_names_keeps_both_its_public_halves() {
    for is_known in [true, false] {
        let token = token("yubihsm", is_known);
        let file = vector_text(&key_file("ec-nistP256"));
        token.json(&["import", &file, "--name", "first", "--id", "0101"]);
        let first = token.json(&["show", "first"]);
        token.json(&["import", &file, "--name", "second", "--id", "0202"]);
        assert_eq!(token.json(&["show", "first"]), first, "known: {is_known}");
        assert_signs(&token, "first", "ec-nistP256");
        assert_signs(&token, "second", "ec-nistP256");
        token.cng11(&["delete", "second", "--yes"]).ok();
        assert_eq!(token.json(&["show", "first"]), first, "known: {is_known}");
    }
}
