//! `--explain`: the attribute at fault, and what the answer means on this token.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use serde_json::{Value, json};

use crate::support::TestToken;
use crate::support::wrapping::{key_file, openssl_wraps};

/// The explanations, each as its call, return value and attributes.
fn explained(document: &Value) -> Vec<(&str, &str, Vec<&str>)> {
    let all = document["explanations"].as_array().unwrap_or_else(|| panic!("no explanations: {document}"));
    all.iter()
        .map(|one| {
            assert!(one["tries"].as_u64().is_some_and(|tries| (1..=64).contains(&tries)), "{one}");
            for words in ["means", "cure"] {
                assert!(one[words].as_str().is_some_and(|text| !text.is_empty()), "{one}");
            }
            let attributes = one["attributes"].as_array().expect("attributes");
            let names = attributes.iter().map(|name| name.as_str().expect("a name")).collect();
            (one["call"].as_str().expect("a call"), one["ckr"].as_str().expect("a return value"), names)
        })
        .collect()
}

#[test]
fn a_vendors_attribute_is_found_and_nothing_is_left() {
    let token = TestToken::new();
    let before = token.contents();
    for key in ["ec-nistP256", "rsa2048-e65537"] {
        let file = support::vector_text(&key_file(key));
        let import = ["import", &file, "--name", "key", "--attribute", "0x80001234=hex:00", "--explain"];
        let error = token.json_error(&import, 3);
        let found = explained(&error);
        assert_eq!(found[0], ("C_CreateObject", "CKR_ATTRIBUTE_TYPE_INVALID", vec!["0x80001234"]), "{error}");
        // By the other route as well.
        assert!(found.iter().any(|(call, ..)| *call == "C_UnwrapKey"), "{error}");
        let means = error["explanations"][0]["means"].as_str().expect("words");
        assert!(means.contains("SoftHSM refuses every attribute that it does not know"), "{means}");
        assert_eq!(token.contents(), before);
        // In words.
        let import = &import[..];
        token
            .cng11(import)
            .code(3)
            .says("why: C_CreateObject answers CKR_ATTRIBUTE_TYPE_INVALID (0x12): at fault is 0x80001234");
        // Not asked for, not tried.
        let error = token.json_error(&import[..import.len() - 1], 3);
        assert_eq!(error["explanations"], Value::Null);
    }
}

#[test]
fn one_attribute_among_several_is_the_one() {
    let token = TestToken::new();
    let file = support::vector_text(&key_file("ec-nistP256"));
    let import = [
        "import",
        &file,
        "--name",
        "key",
        "--attribute",
        "CKA_WRAP_WITH_TRUSTED=true",
        "--attribute",
        "CKA_TRUSTED=true",
    ];
    let error = token.json_error(&[&import[..], &["--explain"]].concat(), 3);
    assert_eq!(explained(&error)[0].2, ["CKA_TRUSTED"], "{error}");
    let generate = ["generate", "key", "--algorithm", "AES", "--attribute", "CKA_TRUSTED=true", "--explain"];
    let error = token.json_error(&generate, 3);
    assert_eq!(explained(&error)[0], ("C_GenerateKey", "CKR_ATTRIBUTE_READ_ONLY", vec!["CKA_TRUSTED"]), "{error}");
    assert!(error["explanations"][0]["cure"].as_str().is_some_and(|cure| cure.contains("security officer")), "{error}");
    assert!(token.names().is_empty());
}

#[test]
fn a_key_that_came_another_way_says_why_not_the_first() {
    let token = TestToken::strict("no-plain-private");
    let file = support::vector_text(&key_file("ec-nistP256"));
    for more in [&["--dry-run"][..], &[]] {
        let document = token.json(&[&["import", &file, "--name", "key", "--explain"][..], more].concat());
        assert_eq!(document["route"], "unwrap");
        // It is the key as such, and no attribute of it.
        assert_eq!(explained(&document), [("C_CreateObject", "CKR_TEMPLATE_INCONSISTENT", vec![])], "{document}");
    }
    assert_eq!(token.names(), ["key"]);
}

#[test]
fn a_flag_that_a_token_wants_the_other_way_round_is_found() {
    // What is unwrapped there is sensitive.
    let token = TestToken::strict("nss-fips");
    token.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    let before = token.contents();
    let file = support::vector_text(&key_file("ec-nistP256"));
    let import = ["import", &file, "--name", "key", "--export-policy", "plaintext", "--route", "unwrap", "--explain"];
    let error = token.json_error(&import, 3);
    assert_eq!(explained(&error), [("C_UnwrapKey", "CKR_ATTRIBUTE_VALUE_INVALID", vec!["CKA_SENSITIVE"])], "{error}");
    let explanation = &error["explanations"][0];
    assert!(explanation["means"].as_str().is_some_and(|means| means.contains("in FIPS mode NSS")), "{error}");
    assert!(explanation["cure"].as_str().is_some_and(|cure| cure.contains("--export-policy")), "{error}");
    assert_eq!(token.contents(), before);
}

#[test]
fn a_wrapped_file_is_explained_as_well_and_an_envelope_tells_nothing_more() {
    let token = support::wrapping::token_with_keks();
    let before = token.contents();
    let wrapped = token.file("wrapped", openssl_wraps("kwp", &support::vector(&key_file("ec-nistP256"))));
    let import = ["import", &wrapped, "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek", "--name", "key"];
    let more = ["--attribute", "0x80001234=hex:00", "--explain"];
    let error = token.json_error(&[&import[..], &more].concat(), 3);
    assert_eq!(explained(&error)[0], ("C_UnwrapKey", "CKR_ATTRIBUTE_TYPE_INVALID", vec!["0x80001234"]), "{error}");
    assert_eq!(token.contents(), before);
}

#[test]
fn what_a_users_profile_says_is_said() {
    let token = TestToken::new();
    let profile = "[[profile]]\nname = \"mine\"\nmanufacturer = \"SoftHSM\"\nlike = \"SoftHSM 2.6\"\n[[profile.says]]\nckr = \"CKR_ATTRIBUTE_READ_ONLY\"\n\
                   attribute = \"CKA_TRUSTED\"\nmeans = \"the officer sits in room 12\"\ncure = \"ask there\"\n";
    let configuration = token.file("config.toml", profile);
    let generate =
        ["--config", &configuration, "generate", "key", "--algorithm", "AES", "--attribute", "CKA_TRUSTED=true"];
    let error = token.json_error(&[&generate[..], &["--explain"]].concat(), 3);
    assert_eq!(error["explanations"][0]["means"], json!("the officer sits in room 12"));
    assert_eq!(error["explanations"][0]["cure"], json!("ask there"));
}
