//! The routes of a key in the clear onto tokens that are as particular as HSMs: `examples/strict_hsm.rs` in front of SoftHSM2.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use cng_pkcs11::blob::BlobType;
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage};
use cng_pkcs11::provider::{Flags, ImportParameters, KeyName, Route, Routing, StorageProvider};
use serde_json::Value;

use crate::support::wrapping::{KEK, algorithm_of, assert_signs, key_file, openssl_wraps};
use crate::support::{TestToken, on_this_token, vector};

const PRIVATE: &[&str] =
    &["rsa2048-e65537", "rsa3072-e17", "rsa4096-e65537", "ec-nistP256", "ec-nistP384", "ec-nistP521"];
const SECRET: &[&str] = &["aes128", "aes256"];

/// Imports a key of the vectors.
fn import(token: &TestToken, key: &str, more: &[&str]) -> Value {
    let algorithm = algorithm_of(key);
    token.import(&key_file(key), key, &[algorithm, more].concat())
}

/// What was tried before, in the words of the document.
fn tried(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = document["tried"].as_array().cloned().unwrap_or_default();
    all.iter().map(|tried| (text(&tried["what"]), text(&tried["ckr"]))).collect()
}

/// How a personality takes private and secret keys: the route, the scheme, and what C_CreateObject answered.
struct Expected {
    personality: &'static str,
    private: (&'static str, Option<&'static str>, Option<&'static str>),
    secret: (&'static str, Option<&'static str>, Option<&'static str>),
}

const EXPECTED: &[Expected] = &[
    Expected { personality: "plain", private: ("copy", None, None), secret: ("copy", None, None) },
    Expected {
        // Its profile says that keys do not come in the clear: C_CreateObject is not asked.
        personality: "luna",
        private: ("unwrap", Some("kwp"), Some("")),
        secret: ("unwrap", Some("kwp"), Some("")),
    },
    Expected {
        personality: "nss-fips",
        private: ("unwrap", Some("kwp"), Some("CKR_ATTRIBUTE_VALUE_INVALID")),
        secret: ("unwrap", Some("kwp"), Some("CKR_ATTRIBUTE_VALUE_INVALID")),
    },
    Expected {
        personality: "no-plain-private",
        private: ("unwrap", Some("kwp"), Some("CKR_TEMPLATE_INCONSISTENT")),
        secret: ("create", None, None),
    },
    Expected {
        personality: "no-own-rsa",
        private: ("unwrap", Some("kwp"), Some("CKR_FUNCTION_NOT_SUPPORTED")),
        secret: ("unwrap", Some("kwp"), Some("CKR_FUNCTION_NOT_SUPPORTED")),
    },
];

#[test]
fn every_key_lands_on_every_token_that_takes_it_by_any_route() {
    for Expected { personality, private, secret } in EXPECTED {
        let token = TestToken::strict(personality);
        for key in PRIVATE.iter().chain(SECRET) {
            let why = format!("{key} on {personality}");
            let (route, scheme, refused) = if key.starts_with("aes") { secret } else { private };
            // What it would come to is said before, and nothing is there then.
            let before = token.contents();
            let foretold = import(&token, key, &["--dry-run"]);
            assert_eq!(token.contents(), before, "{why}");
            let document = import(&token, key, &[]);
            for document in [&foretold, &document] {
                assert_eq!(document["route"], *route, "{why}: {document}");
                assert_eq!(document["scheme"].as_str(), *scheme, "{why}: {document}");
                let expected: Vec<_> = refused.iter().map(|ckr| ("create".to_owned(), (*ckr).to_owned())).collect();
                assert_eq!(tried(document), expected, "{why}: {document}");
            }
            if key.starts_with("aes") {
                assert_eq!(document["verified"], "kcv", "{why}");
            } else {
                assert_eq!(document["verified"], "signature", "{why}");
                assert_signs(&token, key, key);
            }
            assert_eq!(document["export_policy"], serde_json::json!([]), "{why}");
        }
        assert_eq!(token.names().len(), PRIVATE.len() + SECRET.len(), "{personality}");
    }
}

#[test]
fn a_token_that_takes_nothing_says_why_and_nothing_is_left() {
    let token = TestToken::strict("takes-nothing");
    let before = token.contents();
    for key in ["rsa2048-e65537", "ec-nistP256", "aes256"] {
        let algorithm = algorithm_of(key);
        let path = support::vector_text(&key_file(key));
        for more in [&[][..], &["--dry-run"]] {
            let import = [&["import", &path, "--name", key][..], algorithm, more].concat();
            let error = token.json_error(&import, 3);
            let message = error["message"].as_str().expect("a message");
            for reason in ["create: ", "CKR_TEMPLATE_INCONSISTENT", "C_UnwrapKey: ", "lists no mechanism that unwraps"]
            {
                assert!(message.contains(reason), "{key}: `{reason}` is not in: {message}");
            }
            assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{key}: {error}");
            assert_eq!(error["ckr"], "CKR_TEMPLATE_INCONSISTENT", "{key}: {error}");
            assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--unwrap-key")), "{key}: {error}");
            assert_eq!(token.contents(), before, "{key}");
        }
    }
}

#[test]
fn a_route_that_is_asked_for_is_the_one_that_is_taken() {
    let token = TestToken::new();
    token.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    token.cng11(&["generate", "aes door", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]).ok();
    token.cng11(&["generate", "closed", "--algorithm", "RSA", "--bits", "2048", "--usage", "sign"]).ok();
    for key in ["ec-nistP256", "rsa2048-e65537", "aes256"] {
        let document = import(&token, key, &["--route", "unwrap"]);
        assert_eq!((&document["route"], &document["scheme"]), (&"unwrap".into(), &"kwp".into()), "{key}: {document}");
        token.cng11(&["delete", key, "--yes"]).ok();
        let document = import(&token, key, &["--route", "create"]);
        assert_eq!(document["route"], "copy", "{key}: {document}");
        token.cng11(&["delete", key, "--yes"]).ok();
    }
    // By the token's RSA key, in every form of file that says itself what it is.
    for (file, key) in [
        ("ec-nistP256.PKCS8_PRIVATEKEY.bin", "ec-nistP256"),
        ("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin", "ec-nistP384"),
        ("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", "rsa2048-e65537"),
        ("aes256.KeyDataBlob.bin", "aes256"),
    ] {
        let by_door = ["--route", "unwrap", "--unwrap-key", "door"];
        let document = token.import(file, "x", &by_door);
        assert_eq!((&document["route"], &document["scheme"]), (&"unwrap".into(), &"rsa-aes".into()), "{file}");
        if key == "aes256" {
            assert_eq!(document["verified"], "kcv", "{document}");
        } else {
            assert_signs(&token, "x", key);
        }
        token.cng11(&["delete", "x", "--yes"]).ok();
    }
    let before = token.contents();
    let file = support::vector_text("ec-nistP256.PKCS8_PRIVATEKEY.bin");
    let by = |more: &[&str], code: i32| {
        token.json_error(&[&["import", &file, "--name", "x"][..], more].concat(), code);
    };
    by(&["--route", "unwrap", "--unwrap-key", "aes door"], 2);
    by(&["--route", "unwrap", "--unwrap-key", "closed"], 3);
    by(&["--route", "unwrap", "--unwrap-key", "nobody"], 1);
    by(&["--route", "unwrap", "--unwrap-key", "door", "--scheme", "kwp"], 2);
    by(&["--route", "create", "--unwrap-key", "door"], 2);
    // Without the route the file is taken for a wrapped one, as ever.
    by(&["--unwrap-key", "door"], 2);
    assert_eq!(token.contents(), before);
    // Keys that wrap are made and imported where no key comes in the clear for their proof.
    for personality in ["luna", "nss-fips"] {
        let strict = TestToken::strict(personality);
        strict.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
        strict.cng11(&["generate", "kek", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]).ok();
        strict.import(KEK, "given", &["--algorithm", "AES", "--usage", "wrap"]);
        // By that RSA key, whose AES key in between is unwrapped with its length said where the token wants it; and an AES key that came wrapped.
        let document =
            strict.import(&key_file("ec-nistP384"), "by door", &["--route", "unwrap", "--unwrap-key", "door"]);
        assert_eq!(document["scheme"], "rsa-aes", "{personality}: {document}");
        assert_signs(&strict, "by door", "ec-nistP384");
        let wrapped = strict.file("wrapped", openssl_wraps("kwp", &vector(&key_file("aes128"))));
        let import = ["import", &wrapped, "--name", "secret", "--type", "raw", "--unwrap-key", "given"];
        assert_eq!(strict.json(&import)["route"], "unwrap", "{personality}");
        // What it sends itself comes back: each key in between is unwrapped with its length.
        let sent = strict.path_text("sent");
        for (key, algorithm) in [("ec-nistP256", &[][..]), ("aes256", &["--algorithm", "AES"])] {
            strict.import(&key_file(key), key, &[algorithm, &["--export-policy", "encrypted"]].concat());
            let export = ["export", key, "--type", "OpaqueTransport", "--wrap-key", "door", "--oaep-hash", "sha1"];
            strict.cng11(&[&export[..], &["-o", &sent, "--force"]].concat()).ok();
            strict.cng11(&["delete", key, "--yes"]).ok();
            let back = strict.json(&["import", &sent, "--unwrap-key", "door"]);
            assert_eq!(back["name"], key, "{personality}: {back}");
        }
    }
    let strict = TestToken::strict("nss-fips");
    let error = strict.json_error(&["import", &file, "--name", "x", "--route", "create"], 3);
    assert_eq!(error["ckr"], "CKR_ATTRIBUTE_VALUE_INVALID", "{error}");
}

#[test]
fn what_is_no_refusal_is_not_answered_with_another_route() {
    let mut token = TestToken::strict("nss-fips");
    let file = support::vector_text("ec-nistP256.PKCS8_PRIVATEKEY.bin");
    let before = token.contents();
    for (ckr, name) in [
        ("0x30", "CKR_DEVICE_ERROR"),
        ("0x31", "CKR_DEVICE_MEMORY"),
        ("0x32", "CKR_DEVICE_REMOVED"),
        ("0xE0", "CKR_TOKEN_NOT_PRESENT"),
        ("0xA0", "CKR_PIN_INCORRECT"),
        ("0x101", "CKR_USER_NOT_LOGGED_IN"),
        ("0xB3", "CKR_SESSION_HANDLE_INVALID"),
    ] {
        for call in ["C_CreateObject:1", "C_UnwrapKey:1", "C_UnwrapKey:2", "C_GenerateKeyPair:1"] {
            token.set("STRICT_HSM_FAIL", format!("{call}:{ckr}"));
            token.set("STRICT_HSM_LOG", token.path("log"));
            let _ = std::fs::remove_file(token.path("log"));
            let run = token.cng11(&["--json", "import", &file, "--name", "x"]);
            assert_ne!(run.code, 0, "{call}:{ckr}");
            assert_eq!(run.json_error()["ckr"], name, "{call}:{ckr}");
            let log = String::from_utf8(token.read("log")).expect("UTF-8");
            let (function, number) = call.split_once(':').expect("a number");
            let made = log.lines().filter(|line| *line == function).count();
            assert_eq!(made.to_string(), number, "{call}:{ckr}: nothing more of it is tried");
        }
    }
    token.set("STRICT_HSM_FAIL", "");
    assert_eq!(token.contents(), before);
}

#[test]
fn a_call_that_fails_leaves_nothing_behind_whichever_it_is() {
    for (personality, key) in [("luna", "ec-nistP256"), ("no-plain-private", "rsa2048-e65537")] {
        let mut token = TestToken::strict(personality);
        let before = token.contents();
        let file = support::vector_text(&key_file(key));
        let import = ["import", &file, "--name", key];
        token.set("STRICT_HSM_LOG", token.path("log"));
        token.cng11(&import).ok();
        let calls = String::from_utf8(token.read("log")).expect("UTF-8").lines().count();
        token.cng11(&["delete", key, "--yes"]).ok();
        let mut failed = 0;
        for number in 1..=calls {
            token.set("STRICT_HSM_FAIL", format!("*:{number}:0x30"));
            std::fs::write(token.path("log"), "").expect("a file can be written");
            let run = token.cng11(&import);
            token.set("STRICT_HSM_FAIL", "");
            if run.code == 0 {
                // What is destroyed in vain goes with the session.
                token.cng11(&["delete", key, "--yes"]).ok();
            } else {
                failed += 1;
            }
            // The call that takes something away again may be the one: the next import does it then.
            let log = String::from_utf8(token.read("log")).expect("UTF-8");
            let failing = log.lines().nth(number - 1).unwrap_or_default();
            if token.contents() != before {
                assert_eq!(failing, "C_DestroyObject", "{personality}, call {number}: {}", run.stderr);
                token.cng11(&import).ok();
                token.cng11(&["delete", key, "--yes"]).ok();
            }
            assert_eq!(token.contents(), before, "{personality}, call {number} of {calls}");
        }
        assert!(failed > calls / 2, "{personality}: {failed} of {calls}");
    }
}

#[test]
fn a_pair_that_is_made_at_once_on_the_token_is_whole_or_not_there() {
    let mut token = TestToken::strict("pairs-on-token");
    let old = ["generate", "made", "--algorithm", "ECDSA_P384"];
    let anew = ["generate", "made", "--algorithm", "ECDSA_P256", "--overwrite"];
    for replaces in [false, true] {
        let new = if replaces { &anew[..] } else { &anew[..4] };
        let prepare = |token: &TestToken| {
            let _ = token.cng11(&["delete", "made", "--yes"]);
            if replaces {
                token.cng11(&old).ok();
            }
            token.contents()
        };
        prepare(&token);
        std::fs::write(token.path("log"), "").expect("a file can be written");
        token.set("STRICT_HSM_LOG", token.path("log"));
        let document = token.json(new);
        assert_eq!(document["route"], "generate", "{document}");
        let log = String::from_utf8(token.read("log")).expect("UTF-8");
        let calls: Vec<_> = log.lines().collect();
        token.set("STRICT_HSM_LOG", "");
        let asked = calls.iter().filter(|call| **call == "C_GenerateKeyPair").count();
        // Of the session first, in each shape that a token of no profile may want; then it is made on the token at once.
        assert_eq!(asked, 8 + 1, "{log}");
        let login = calls.iter().position(|call| *call == "C_Login").expect("a login");
        for number in login + 1..=calls.len() {
            for after in ["", ":after"] {
                let why =
                    format!("replaces: {replaces}, call {number} of {}: {}{after}", calls.len(), calls[number - 1]);
                let before = prepare(&token);
                token.set("STRICT_HSM_FAIL", format!("*:{number}:0x30{after}"));
                let run = token.cng11(new);
                token.set("STRICT_HSM_FAIL", "");
                let is_as_before = token.contents() == before;
                if run.code != 0 && !replaces {
                    assert!(is_as_before, "{why}: {}", run.stderr);
                    continue;
                }
                // The name has one key all along; where its successor is proven, what is left of the old one goes with the next attempt.
                assert_eq!(token.names(), ["made"], "{why}: {}", run.stderr);
                let is_new = token.json(&["show", "made"])["algorithm"] == "ECDSA_P256";
                assert_eq!(is_new, !is_as_before, "{why}: {}", run.stderr);
                token.json(&anew);
                assert_eq!(token.json(&["list", "--all"])["keys"].as_array().map(Vec::len), Some(1), "{why}");
            }
        }
    }
}

#[test]
fn what_a_token_grants_unasked_is_taken_away_or_the_key_does_not_stay() {
    let mut token = TestToken::strict("generous");
    token.set("STRICT_HSM_LOG", token.path("log"));
    let asked = serde_json::json!(["sign"]);
    let document = import(&token, "rsa2048-e65537", &["--route", "unwrap", "--usage", "sign"]);
    let log = String::from_utf8(token.read("log")).expect("UTF-8");
    let first = |name: &str| log.lines().position(|line| line == name).unwrap_or_else(|| panic!("{name}: {log}"));
    // In the session already: on the token it is never there with more than it takes to take it away.
    assert!(first("C_SetAttributeValue") < first("C_CopyObject"), "{log}");
    assert_eq!((&document["route"], &document["usage"]), (&"unwrap".into(), &asked), "{document}");
    assert_eq!(token.json(&["show", "rsa2048-e65537"])["usage"], asked);
    assert_signs(&token, "rsa2048-e65537", "rsa2048-e65537");
    let before = token.contents();
    let file = support::vector_text(&key_file("aes256"));
    let error = token.json_error(&["import", &file, "--name", "x", "--algorithm", "AES"], 3);
    assert_eq!(error["status"], "NTE_VALIDATION_FAILED", "{error}");
    assert!(error["message"].as_str().is_some_and(|said| said.contains("export policy")), "{error}");
    assert_eq!(token.contents(), before);
}

#[test]
fn an_elliptic_key_that_lost_its_public_object_is_still_known_where_its_point_travels() {
    for (usage, wider) in [("sign", "sign,agree"), ("agree", "sign")] {
        let token = TestToken::strict("nss-fips");
        token.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
        import(&token, "ec-nistP256", &["--export-policy", "encrypted", "--usage", usage]);
        let path = token.path_text("wrapped");
        let export = ["export", "ec-nistP256", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "-o", &path];
        token.cng11(&export).ok();
        token.cng11(&["delete", "pkcs11:object=ec-nistP256;type=public", "--yes"]).ok();
        let before = token.contents();
        let back = |file: &str, usage: &str| -> Vec<String> {
            let import = ["import", file, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"];
            [&import[..], &["--id", "c0ffee", "--usage", usage]].concat().into_iter().map(str::to_owned).collect()
        };
        let error = token.json_error(&back(&path, wider), 3);
        assert_eq!(error["status"], "NTE_PERM", "{usage}: {error}");
        assert_eq!(token.contents(), before, "{usage}");
        token.json(&back(&path, usage));
        token.cng11(&["delete", "x", "--yes"]).ok();
        if usage == "sign" {
            // One that signs shows its point: another key on the curve is another key.
            let other = openssl_wraps("kwp", &vector(&key_file("ec-nistP256-shortd")));
            token.json(&back(&token.file("other", other), wider));
        }
    }
}

#[test]
fn a_cka_id_that_is_taken_is_refused_to_what_comes_wrapped_and_to_what_is_made() {
    let token = TestToken::strict("nss-fips");
    token.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    import(&token, "ec-nistP256", &["--id", "0102"]);
    let before = token.contents();
    let private = token.file("private", openssl_wraps("kwp", &vector(&key_file("ec-nistP384"))));
    let secret = token.file("secret", openssl_wraps("kwp", &vector(&key_file("aes128"))));
    for arguments in [
        &["import", &private, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"][..],
        &["import", &secret, "--name", "x", "--type", "raw", "--unwrap-key", "kek"],
        &["generate", "x", "--algorithm", "AES"],
        &["generate", "x", "--algorithm", "RSA", "--bits", "2048"],
    ] {
        let error = token.json_error(&[arguments, &["--id", "0102"]].concat(), 1);
        assert_eq!(error["status"], "NTE_EXISTS", "{arguments:?}: {error}");
        assert_eq!(token.contents(), before, "{arguments:?}");
    }
}

#[test]
fn every_return_value_that_is_a_refusal_is_answered_with_another_route() {
    let mut token = TestToken::strict("plain");
    for (ckr, name) in [
        ("0x10", "CKR_ATTRIBUTE_READ_ONLY"),
        ("0x12", "CKR_ATTRIBUTE_TYPE_INVALID"),
        ("0x13", "CKR_ATTRIBUTE_VALUE_INVALID"),
        ("0x1B", "CKR_ACTION_PROHIBITED"),
        ("0x54", "CKR_FUNCTION_NOT_SUPPORTED"),
        ("0x63", "CKR_KEY_TYPE_INCONSISTENT"),
        ("0x68", "CKR_KEY_FUNCTION_NOT_PERMITTED"),
        ("0x69", "CKR_KEY_NOT_WRAPPABLE"),
        ("0x6A", "CKR_KEY_UNEXTRACTABLE"),
        ("0x70", "CKR_MECHANISM_INVALID"),
        ("0x71", "CKR_MECHANISM_PARAM_INVALID"),
        ("0xD0", "CKR_TEMPLATE_INCOMPLETE"),
        ("0xD1", "CKR_TEMPLATE_INCONSISTENT"),
        ("0x200", "CKR_FUNCTION_REJECTED"),
    ] {
        // The key in both of its shapes, or the key and the one that would open it.
        token.set("STRICT_HSM_FAIL", format!("C_CreateObject:1:{ckr},C_CreateObject:2:{ckr}"));
        let document = import(&token, "aes256", &[]);
        assert_eq!(document["route"], "unwrap", "{name}: {document}");
        assert_eq!(tried(&document), [("create".to_owned(), name.to_owned())], "{document}");
        token.set("STRICT_HSM_FAIL", "");
        token.cng11(&["delete", "aes256", "--yes"]).ok();
    }
}

/// Calls of one import, in a run of several.
fn calls(provider: &StorageProvider, log: &std::path::Path, name: &str, routing: Routing) -> (Route, usize) {
    std::fs::write(log, "").expect("a file can be written");
    let parameters =
        ImportParameters { name: Some(KeyName::new(name).expect("a name")), routing, ..ImportParameters::default() };
    let data = vector("ec-nistP256.PKCS8_PRIVATEKEY.bin");
    let key = provider.import_key(None, BlobType::Pkcs8, &parameters, &data, Flags::NONE).expect("an import");
    let made = std::fs::read_to_string(log).expect("a log").lines().count();
    (key.outcome().expect("an outcome").route, made)
}

#[test]
fn unwrapping_costs_at_most_three_calls_more_once_its_key_is_made() {
    let name = "unwrapping_costs_at_most_three_calls_more_once_its_key_is_made";
    let strict = || {
        let mut token = TestToken::strict("plain");
        let log = token.path("log");
        token.set("STRICT_HSM_LOG", log);
        token
    };
    on_this_token(strict, name, |provider| {
        let log = std::path::PathBuf::from(std::env::var_os("STRICT_HSM_LOG").expect("the log"));
        let (route, created) = calls(&provider, &log, "a", Routing::Any);
        assert_eq!(route, Route::Copy);
        calls(&provider, &log, "b", Routing::Unwrap);
        for name in ["c", "d"] {
            let (route, unwrapped) = calls(&provider, &log, name, Routing::Unwrap);
            assert_eq!(route, Route::Unwrap);
            assert!(unwrapped <= created + 3, "{unwrapped} calls, and {created} by C_CreateObject");
        }
    });
}

#[test]
fn what_is_refused_once_is_not_asked_again() {
    let name = "what_is_refused_once_is_not_asked_again";
    let strict = || {
        let mut token = TestToken::strict("no-own-rsa");
        let log = token.path("log");
        token.set("STRICT_HSM_LOG", log);
        token
    };
    on_this_token(strict, name, |provider| {
        let log = std::path::PathBuf::from(std::env::var_os("STRICT_HSM_LOG").expect("the log"));
        let (_, first) = calls(&provider, &log, "a", Routing::Any);
        let (route, second) = calls(&provider, &log, "b", Routing::Any);
        assert_eq!(route, Route::Unwrap);
        assert!(second < first, "{second} calls after {first}");
        // A policy and a usage hold there as anywhere.
        let parameters = ImportParameters {
            name: Some(KeyName::new("secret").expect("a name")),
            algorithm: Some(Algorithm::AES),
            ..ImportParameters::default()
        };
        let data = vector("aes256.KeyDataBlob.bin");
        let mut key =
            provider.import_key(None, BlobType::KeyData, &parameters, &data, Flags::DO_NOT_FINALIZE).expect("a key");
        key.set_export_policy(ExportPolicy::ENCRYPTED).expect("a policy");
        key.set_usage(KeyUsage::WRAP).expect("a usage");
        key.finalize(Flags::NONE).expect("an import");
        let opened = provider.open_key("secret").expect("the key");
        assert_eq!((opened.export_policy(), opened.usage()), (ExportPolicy::ENCRYPTED, KeyUsage::WRAP));
        assert_eq!(key.outcome().expect("an outcome").route, Route::Unwrap);
    });
}
