//! `--attribute`: what is added to the private or secret key stands on the token and is acted on, on every route; what is not kept, not known or not the
//! user's to say leaves nothing behind.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use serde_json::{Value, json};

use crate::support::{TestToken, vector, vector_text};

const RSA: &str = "rsa2048-e65537.RSAPRIVATEBLOB.bin";
const EC: &str = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
const ECDH: &str = "ec-nistP256.ECDH.ECCPRIVATEBLOB.bin";
const AES: &str = "aes256.KeyDataBlob.bin";
/// The vendor's attribute that no SoftHSM knows.
const VENDOR: &str = "0x80001234=hex:00ff";

/// `import` or `generate` with attributes, in the clear by a route.
fn import<'a>(file: &'a str, name: &'a str, attributes: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let added = attributes.iter().flat_map(|attribute| ["--attribute", attribute]);
    ["import", file, "--name", name].into_iter().chain(added).chain(more.iter().copied()).collect()
}

fn generate<'a>(algorithm: &'a str, name: &'a str, attributes: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let added = attributes.iter().flat_map(|attribute| ["--attribute", attribute]);
    ["generate", name, "--algorithm", algorithm].into_iter().chain(added).chain(more.iter().copied()).collect()
}

fn attributes(token: &TestToken, name: &str) -> Value {
    token.json(&["show", name])["attributes"].clone()
}

/// Signs a file with `pkcs11-tool`: a second program that uses the key by a mechanism of its choice.
fn signs(token: &TestToken, name: &str, mechanism: &str) -> Result<(), String> {
    let data = token.file("to-be-signed", vec![7; 32]);
    let out = token.path_text("signature");
    // It finds a key by its CKA_ID alone.
    let id = token.json(&["show", name])["id"].as_str().expect("a CKA_ID").to_owned();
    let run = token.pkcs11_tool(&[
        "--sign",
        "--mechanism",
        mechanism,
        "--id",
        &id,
        "--input-file",
        &data,
        "--output-file",
        &out,
    ]);
    if run.code == 0 { Ok(()) } else { Err(run.stderr) }
}

#[test]
fn a_key_is_held_to_the_mechanisms_that_it_is_allowed_on_every_route() {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    let (rsa, ec, data) = (vector_text(RSA), vector_text(EC), token.file("data", "a message"));
    for (at, (route, made)) in [("create", "copy"), ("unwrap", "unwrap")].into_iter().enumerate() {
        let more = ["--route", route, "--usage", "sign"];
        let name = |what: &str| format!("{what} {at}");
        let id = |number: u8| format!("{at:02x}{number:02x}");

        // The proof goes by what is allowed.
        let (one, other, none) = (name("one"), name("other"), name("none"));
        let made_one = token.json(&import(
            &rsa,
            &one,
            &["ALLOWED_MECHANISMS=CKM_SHA256_RSA_PKCS"],
            &[&more[..], &["--id", &id(1)]].concat(),
        ));
        assert_eq!((&made_one["route"], &made_one["verified"]), (&json!(made), &json!("signature")));
        assert_eq!(attributes(&token, &one), json!({ "CKA_ALLOWED_MECHANISMS": ["CKM_SHA256_RSA_PKCS"] }));
        signs(&token, &one, "SHA256-RSA-PKCS").expect("the mechanism is allowed");
        let refused = signs(&token, &one, "RSA-PKCS").expect_err("the mechanism is not allowed");
        assert!(refused.contains("CKR_MECHANISM_INVALID"), "{refused}");
        let error = token.json_error(&["sign", &one, &data], 3);
        assert_eq!(error["ckr"], "CKR_MECHANISM_INVALID", "{error}");

        token.json(&import(
            &rsa,
            &other,
            &["cka_allowed_mechanisms=0x1, CKM_RSA_PKCS_PSS"],
            &[&more[..], &["--id", &id(2)]].concat(),
        ));
        token.cng11(&["sign", &other, &data]).ok();
        let refused = signs(&token, &other, "SHA256-RSA-PKCS").expect_err("the mechanism is not allowed");
        assert!(refused.contains("CKR_MECHANISM_INVALID"), "{refused}");

        // Nothing that is allowed proves anything here.
        let made_none = token.json(&import(&rsa, &none, &["ALLOWED_MECHANISMS=CKM_RSA_X_509"], &more));
        assert_eq!(made_none["verified"], "attributes");

        for (mechanism, verified) in [("CKM_ECDSA", "signature"), ("CKM_ECDSA_SHA256", "attributes")] {
            let name = name(mechanism);
            let attribute = format!("ALLOWED_MECHANISMS={mechanism}");
            let document = token.json(&import(&ec, &name, &[&attribute], &more));
            assert_eq!((&document["route"], &document["verified"]), (&json!(made), &json!(verified)), "{mechanism}");
            assert_eq!(attributes(&token, &name), json!({ "CKA_ALLOWED_MECHANISMS": [mechanism] }));
            token.cng11(&["sign", &name, &data]).code(if mechanism == "CKM_ECDSA" { 0 } else { 3 });
        }
    }
}

#[test]
fn each_use_is_proven_by_what_is_allowed() {
    let token = TestToken::new();
    let (rsa, ecdh, aes) = (vector_text(RSA), vector_text(ECDH), vector_text(AES));
    let rows: &[(&str, &str, &str, &str)] = &[
        (&rsa, "sign", "CKM_RSA_PKCS_PSS", "signature"),
        (&rsa, "sign", "CKM_SHA512_RSA_PKCS", "signature"),
        (&rsa, "decrypt", "CKM_RSA_PKCS_OAEP", "decryption"),
        (&rsa, "decrypt", "CKM_RSA_PKCS", "decryption"),
        (&rsa, "wrap", "CKM_RSA_PKCS_OAEP", "decryption"),
        // The first use cannot be tried, the second can.
        (&rsa, "sign,decrypt", "CKM_RSA_PKCS_OAEP", "decryption"),
        (&ecdh, "agree", "CKM_ECDH1_DERIVE", "agreement"),
        (&ecdh, "agree", "CKM_ECDH1_COFACTOR_DERIVE", "attributes"),
        (&aes, "decrypt", "CKM_AES_ECB", "kcv"),
        (&aes, "decrypt", "CKM_AES_CBC,CKM_AES_GCM", "kcv"),
        (&aes, "decrypt", "CKM_AES_GCM", "attributes"),
        (&aes, "wrap", "CKM_AES_KEY_WRAP", "kcv"),
        (&aes, "wrap", "CKM_AES_KEY_WRAP_PAD", "attributes"),
    ];
    for (at, (file, usage, mechanisms, verified)) in rows.iter().enumerate() {
        let (name, attribute) = (format!("key {at}"), format!("ALLOWED_MECHANISMS={mechanisms}"));
        let document = token.json(&import(file, &name, &[&attribute], &["--usage", usage]));
        assert_eq!(document["verified"], *verified, "{usage} by {mechanisms}");
        let allowed: Vec<_> = mechanisms.split(',').collect();
        assert_eq!(attributes(&token, &name)["CKA_ALLOWED_MECHANISMS"], json!(allowed), "{usage} by {mechanisms}");
    }
    // Each use asks for the PIN again, and gets it.
    let document = token.json(&import(&rsa, "asks", &["ALWAYS_AUTHENTICATE=true"], &[]));
    assert_eq!(document["verified"], "signature");
    assert_eq!(attributes(&token, "asks"), json!({ "CKA_ALWAYS_AUTHENTICATE": true }));
}

#[test]
fn a_key_that_only_trusted_keys_wrap_is_not_wrapped_by_another() {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    for (file, kind, exported) in
        [(RSA, "rsa", "PKCS8_PRIVATEKEY"), (EC, "ec", "PKCS8_PRIVATEKEY"), (AES, "aes", "Rfc3565KeyWrapBlob")]
    {
        let file = vector_text(file);
        for route in ["create", "unwrap"] {
            let name = format!("{kind} {route}");
            let more = ["--export-policy", "encrypted", "--route", route];
            let document = token.json(&import(&file, &name, &["WRAP_WITH_TRUSTED=true"], &more));
            assert_ne!(document["verified"], "attributes", "{name}");
            assert_eq!(attributes(&token, &name), json!({ "CKA_WRAP_WITH_TRUSTED": true }), "{name}");
            let export = ["export", &name, "--type", exported, "--wrap-key", "kek", "-o", &token.path_text("out")];
            let error = token.json_error(&export, 3);
            assert_eq!(error["ckr"], "CKR_KEY_NOT_WRAPPABLE", "{name}: {error}");
        }
        // The same key without it leaves.
        let name = format!("{kind} free");
        token.json(&import(&file, &name, &["WRAP_WITH_TRUSTED=false"], &["--export-policy", "encrypted"]));
        assert_eq!(attributes(&token, &name), json!({}), "{name}");
        token.cng11(&["export", &name, "--type", exported, "--wrap-key", "kek", "-o", &token.path_text("out")]).ok();
        std::fs::remove_file(token.path("out")).expect("the wrapped key was written");
    }
    // A wrapped key beside them is compared with those that can be, and comes in.
    let (wrapped, ec) = (token.path_text("wrapped"), vector_text("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin"));
    token.json(&import(&ec, "guest", &[], &["--export-policy", "encrypted"]));
    token.cng11(&["export", "guest", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "-o", &wrapped]).ok();
    token.cng11(&["delete", "guest", "--yes"]).ok();
    let more = ["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"];
    token.json(&import(&wrapped, "guest", &["WRAP_WITH_TRUSTED=true"], &more));
    assert_eq!(attributes(&token, "guest"), json!({ "CKA_WRAP_WITH_TRUSTED": true }));
}

#[test]
fn a_wrapping_key_is_held_to_its_templates() {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    let (kek, rsa) = (vector_text("kek256.raw.bin"), vector_text(RSA));
    let bounds = ["CKA_UNWRAP_TEMPLATE={CKA_SENSITIVE=true; DERIVE=false}", "WRAP_TEMPLATE={DECRYPT=false}"];
    for route in ["create", "unwrap"] {
        let name = format!("kek {route}");
        let more = ["--algorithm", "AES", "--usage", "wrap", "--route", route];
        let document = token.json(&import(&kek, &name, &bounds, &more));
        assert_eq!(document["verified"], "attributes", "{name}");
        let expected = json!({
            "CKA_UNWRAP_TEMPLATE": { "CKA_SENSITIVE": true, "CKA_DERIVE": false },
            "CKA_WRAP_TEMPLATE": { "CKA_DECRYPT": false },
        });
        assert_eq!(attributes(&token, &name), expected, "{name}");
        let text = token.cng11(&["show", &name]).ok().text();
        assert!(text.contains("CKA_WRAP_TEMPLATE:") && text.contains("{CKA_DECRYPT=false}"), "{text}");

        // Out: a key that signs, and none that decrypts.
        token.import(EC, "signs", &["--export-policy", "encrypted", "--overwrite"]);
        token.import(RSA, "decrypts", &["--export-policy", "encrypted", "--usage", "decrypt", "--overwrite"]);
        let wrapped = token.path_text("wrapped");
        let export = |from: &str| {
            ["export", from, "--type", "PKCS8_PRIVATEKEY", "--wrap-key", &name, "--force", "-o", &wrapped]
                .map(str::to_owned)
        };
        let error = token.json_error(&export("decrypts"), 3);
        assert_eq!(error["ckr"], "CKR_KEY_NOT_WRAPPABLE", "{name}: {error}");
        token.cng11(&export("signs")).ok();

        // In: what is sensitive, and nothing else.
        token.cng11(&["delete", "signs", "--yes"]).ok();
        let before = token.contents();
        let come = |policy| {
            [
                "import",
                &wrapped,
                "--name",
                "back",
                "--type",
                "PKCS8_PRIVATEKEY",
                "--unwrap-key",
                &name,
                "--export-policy",
                policy,
            ]
            .map(str::to_owned)
        };
        let error = token.json_error(&come("plaintext"), 1);
        assert_eq!(error["ckr"], "CKR_TEMPLATE_INCONSISTENT", "{name}: {error}");
        assert_eq!(token.contents(), before, "{name}");
        token.cng11(&come("none")).ok();
        token.cng11(&["delete", "back", "--yes"]).ok();
    }
    // An RSA key of that kind, private.
    let document = token.json(&import(&rsa, "rsa kek", &["UNWRAP_TEMPLATE={SENSITIVE=true}"], &["--usage", "wrap"]));
    assert_eq!(document["verified"], "attributes");
    assert_eq!(attributes(&token, "rsa kek"), json!({ "CKA_UNWRAP_TEMPLATE": { "CKA_SENSITIVE": true } }));
}

#[test]
fn the_rest_of_the_table_stands_on_the_key() {
    let token = TestToken::new();
    let rsa = vector_text(RSA);
    let added = ["SUBJECT=hex:3000", "COPYABLE=false", "MODIFIABLE=false"];
    let expected = json!({ "CKA_COPYABLE": false, "CKA_MODIFIABLE": false, "CKA_SUBJECT": "3000" });
    for route in ["create", "unwrap"] {
        let document = token.json(&import(&rsa, route, &added, &["--route", route]));
        assert_eq!(document["verified"], "signature");
        // What is not to be copied is made there.
        assert_eq!(document["route"], route);
        assert_eq!(attributes(&token, route), expected);
    }
    let text = token.cng11(&["show", "create"]).ok().text();
    assert!(text.lines().any(|line| line.starts_with("CKA_SUBJECT:") && line.ends_with("hex:3000")), "{text}");
    // A key to which nothing was added shows nothing.
    token.import(EC, "plain", &[]);
    assert_eq!(attributes(&token, "plain"), json!({}));
    assert!(!token.cng11(&["show", "plain"]).ok().text().contains("CKA_SUBJECT"));
}

#[test]
fn a_date_that_softhsm_takes_and_cannot_read_again_fails_the_import() {
    // SoftHSM 2.6 keeps the dates of a private object as they are, and decrypts them when they are read.
    let token = TestToken::new();
    let before = token.contents();
    for file in [RSA, EC, AES].map(vector_text) {
        for route in ["create", "unwrap"] {
            for (attribute, day) in [("START_DATE", "2026-01-31"), ("END_DATE", "2028-02-29")] {
                let added = format!("{attribute}={day}");
                let error = token.json_error(&import(&file, "new", &[&added], &["--route", route]), 3);
                let said =
                    format!("CKA_{attribute} cannot be read back (CKR_GENERAL_ERROR (0x5)), and was to be {day};");
                assert!(error["message"].as_str().is_some_and(|message| message.contains(&said)), "{error}");
                assert_eq!(error["ckr"], "CKR_GENERAL_ERROR", "{error}");
                assert_eq!(token.contents(), before, "{file} {route} {attribute}");
            }
        }
    }
}

#[test]
fn generated_keys_have_them_too() {
    let token = TestToken::new();
    for (algorithm, more, mechanism, verified) in [
        ("RSA", &["--usage", "sign"][..], "CKM_SHA256_RSA_PKCS", "signature"),
        ("ECDSA_P256", &[], "CKM_ECDSA", "signature"),
        ("AES", &[], "CKM_AES_CBC", "attributes"),
    ] {
        let allowed = format!("ALLOWED_MECHANISMS={mechanism}");
        let added = [allowed.as_str(), "WRAP_WITH_TRUSTED=true"];
        let document = token.json(&generate(algorithm, algorithm, &added, more));
        assert_eq!((&document["route"], &document["verified"]), (&json!("generate"), &json!(verified)), "{algorithm}");
        let expected = json!({ "CKA_ALLOWED_MECHANISMS": [mechanism], "CKA_WRAP_WITH_TRUSTED": true });
        assert_eq!(attributes(&token, algorithm), expected, "{algorithm}");
    }
    let refused = signs(&token, "RSA", "RSA-PKCS").expect_err("the mechanism is not allowed");
    assert!(refused.contains("CKR_MECHANISM_INVALID"), "{refused}");
    signs(&token, "RSA", "SHA256-RSA-PKCS").expect("the mechanism is allowed");

    let before = token.contents();
    for algorithm in ["RSA", "ECDSA_P256", "AES"] {
        let error = token.json_error(&generate(algorithm, "new", &["COPYABLE=true", VENDOR], &[]), 3);
        assert_blamed(&error, "CKA_COPYABLE, 0x80001234");
        assert_eq!(error["ckr"], "CKR_ATTRIBUTE_TYPE_INVALID", "{error}");
        assert_eq!(token.contents(), before, "{algorithm}");
    }
    // A pair is made in the session and copied.
    let error = token.json_error(&generate("ECDSA_P256", "new", &["COPYABLE=false"], &[]), 3);
    assert_blamed(&error, "CKA_COPYABLE");
    assert_eq!(token.contents(), before);
}

/// The error says that the added attributes may be why, and which they are.
#[track_caller]
fn assert_blamed(error: &Value, names: &str) {
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&format!("the added attributes may be why ({names})")), "{error}");
    assert_eq!((&error["layer"], &error["status"]), (&json!("provider"), &json!("NTE_NOT_SUPPORTED")), "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("one at a time")), "{error}");
}

#[test]
fn an_attribute_that_the_token_does_not_know_is_named_and_nothing_is_left() {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    let wrapped = token.path_text("wrapped");
    token.import(RSA, "leaves", &["--export-policy", "encrypted"]);
    token.cng11(&["export", "leaves", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "-o", &wrapped]).ok();
    token.cng11(&["delete", "leaves", "--yes"]).ok();
    let wrapped_aes = token.path_text("wrapped-aes");
    token.import(AES, "aes leaves", &["--export-policy", "encrypted"]);
    token
        .cng11(&["export", "aes leaves", "--type", "Rfc3565KeyWrapBlob", "--wrap-key", "kek", "-o", &wrapped_aes])
        .ok();
    token.cng11(&["delete", "aes leaves", "--yes"]).ok();
    token.import(EC, "old", &[]);
    let before = token.contents();
    let files = [vector_text(RSA), vector_text(EC), vector_text(AES)];
    let mut cases = Vec::new();
    for file in &files {
        for route in ["auto", "create", "unwrap"] {
            cases.push((file.as_str(), vec!["--route", route]));
        }
        cases.push((file.as_str(), vec!["--overwrite"]));
    }
    cases.push((wrapped.as_str(), vec!["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"]));
    cases.push((wrapped_aes.as_str(), vec!["--type", "Rfc3565KeyWrapBlob", "--unwrap-key", "kek"]));
    for (file, more) in &cases {
        let name = if more.contains(&"--overwrite") { "old" } else { "new" };
        for dry in [&[][..], &["--dry-run"]] {
            let more = [&more[..], dry].concat();
            let error = token.json_error(&import(file, name, &["WRAP_WITH_TRUSTED=true", VENDOR], &more), 3);
            assert_blamed(&error, "CKA_WRAP_WITH_TRUSTED, 0x80001234");
            assert_eq!(error["ckr"], "CKR_ATTRIBUTE_TYPE_INVALID", "{file} {more:?}: {error}");
            assert_eq!(token.contents(), before, "{file} {more:?}");
        }
    }
    // Only the security officer trusts: the token says so.
    let error = token.json_error(&import(&files[2], "new", &["TRUSTED=true"], &[]), 3);
    assert_blamed(&error, "CKA_TRUSTED");
    assert_eq!(token.contents(), before);
}

#[test]
fn what_the_token_does_not_keep_fails_the_import() {
    let token = TestToken::strict("forgetful");
    token.import(EC, "old", &[]);
    let before = token.contents();
    let (rsa, ec, aes) = (vector_text(RSA), vector_text(EC), vector_text(AES));
    for (file, attribute, more, said) in [
        (
            &ec,
            "ALLOWED_MECHANISMS=CKM_ECDSA",
            &["--route", "create"][..],
            "CKA_ALLOWED_MECHANISMS is empty instead of CKM_ECDSA;",
        ),
        (
            &ec,
            "ALLOWED_MECHANISMS=CKM_ECDSA",
            &["--route", "unwrap"],
            "CKA_ALLOWED_MECHANISMS is empty instead of CKM_ECDSA;",
        ),
        (
            &ec,
            "ALLOWED_MECHANISMS=CKM_ECDSA",
            &["--overwrite"],
            "CKA_ALLOWED_MECHANISMS is empty instead of CKM_ECDSA;",
        ),
        (&rsa, VENDOR, &[], "0x80001234 cannot be read back, and was to be hex:00ff;"),
        (&aes, "UNWRAP_TEMPLATE={SIGN=true}", &[], "CKA_UNWRAP_TEMPLATE is {} instead of {CKA_SIGN=true};"),
        (&aes, "WRAP_WITH_TRUSTED=false", &[], "CKA_WRAP_WITH_TRUSTED is true instead of false;"),
    ] {
        let name = if more.contains(&"--overwrite") { "old" } else { "new" };
        for dry in [&[][..], &["--dry-run"]] {
            let error = token.json_error(&import(file, name, &[attribute], &[more, dry].concat()), 3);
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(said), "{attribute} {more:?}: {message}");
            assert_eq!(error["status"], "NTE_VALIDATION_FAILED", "{error}");
            assert_eq!(token.contents(), before, "{attribute} {more:?} {dry:?}");
        }
    }
    // What it keeps goes.
    token.json(&import(&rsa, "new", &["SUBJECT=hex:3000"], &[]));
    assert_eq!(attributes(&token, "new"), json!({ "CKA_SUBJECT": "3000" }));
}

#[test]
fn a_dry_run_tries_them_and_writes_nothing() {
    let token = TestToken::new();
    let before = token.contents();
    for file in [RSA, EC, AES].map(vector_text) {
        for route in ["create", "unwrap"] {
            let added = ["WRAP_WITH_TRUSTED=true", "ALLOWED_MECHANISMS=CKM_RSA_PKCS,CKM_ECDSA,CKM_AES_ECB"];
            let document = token.json(&import(&file, "new", &added, &["--route", route, "--dry-run"]));
            assert_eq!(document["route"], if route == "create" { "copy" } else { route }, "{file}");
            assert_eq!(token.contents(), before, "{file}");
        }
    }
}

#[test]
fn a_replacement_has_them_and_its_predecessor_stays_until_it_does() {
    let token = TestToken::new();
    for file in [RSA, EC, AES] {
        token.import(file, "key", &["--overwrite"]);
        token.import(file, "key", &["--overwrite", "--attribute", "WRAP_WITH_TRUSTED=true"]);
        assert_eq!(attributes(&token, "key"), json!({ "CKA_WRAP_WITH_TRUSTED": true }), "{file}");
        assert_eq!(token.names(), ["key"], "{file}");
        // A key that cannot be changed cannot carry the mark of a replacement.
        let before = token.contents();
        let path = vector_text(file);
        let error = token.json_error(&import(&path, "key", &["MODIFIABLE=false"], &["--overwrite"]), 3);
        assert_blamed(&error, "CKA_MODIFIABLE");
        assert_eq!(token.contents(), before, "{file}");
    }
}

#[test]
fn a_wrapped_key_gets_them_where_they_leave_nothing_to_prove_it_with() {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    let wrapped = token.path_text("wrapped");
    token.import(EC, "leaves", &["--export-policy", "encrypted"]);
    token.cng11(&["export", "leaves", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "-o", &wrapped]).ok();
    token.cng11(&["delete", "leaves", "--yes"]).ok();
    // SoftHSM has no such mechanism, and the public half is found out by signatures before the key is held to it.
    let more = ["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"];
    let document = token.json(&import(&wrapped, "back", &["ALLOWED_MECHANISMS=CKM_ECDSA_SHA256"], &more));
    assert_eq!((&document["route"], &document["verified"]), (&json!("unwrap"), &json!("attributes")));
    assert_eq!(attributes(&token, "back"), json!({ "CKA_ALLOWED_MECHANISMS": ["CKM_ECDSA_SHA256"] }));
    token.cng11(&["sign", "back", &token.file("data", "x")]).code(3);
}

#[test]
fn what_is_not_the_users_to_say_is_refused_before_the_token_is_touched() {
    let token = TestToken::new();
    let before = token.contents();
    let file = vector_text(RSA);
    for (attributes, said) in [
        (&["LABEL=text:x"][..], "--name says it"),
        (&["CKA_ID=hex:01"], "--id says it"),
        (&["0x102=hex:01"], "--id says it"),
        (&["SENSITIVE=false"], "--export-policy says it"),
        (&["EXTRACTABLE=true"], "--export-policy says it"),
        (&["SIGN=true"], "--usage says it"),
        (&["UNWRAP=true"], "--usage says it"),
        (&["CLASS=CKO_PUBLIC_KEY"], "--algorithm"),
        (&["KEY_TYPE=rsa"], "--algorithm"),
        (&["TOKEN=false"], "always"),
        (&["PRIVATE=false"], "always"),
        (&["VALUE=hex:00"], "the key itself"),
        (&["MODULUS=hex:00"], "the key itself"),
        (&["EC_PARAMS=hex:00"], "the key itself"),
        (&["PRIME_1=hex:00"], "the key itself"),
        (&["VALUE_LEN=16"], "the key itself"),
        (&["LOCAL=true"], "the token says it"),
        (&["ALWAYS_SENSITIVE=true"], "the token says it"),
        (&["NEVER_EXTRACTABLE=true"], "the token says it"),
        (&["KEY_GEN_MECHANISM=1"], "the token says it"),
        (&["DESTROYABLE=false"], "taken back"),
        (&["COPYABLE=true", "cka_copyable=false"], "CKA_COPYABLE is given twice"),
        (&["0x171=true", "COPYABLE=true"], "twice"),
        (&["COPYABLE"], "no `=`"),
        (&["NO_SUCH=1"], "`NO_SUCH` is no attribute"),
        (&["COPYABLE=1"], "at offset 9"),
        (&["END_DATE=tomorrow"], "no day"),
        (&["ALLOWED_MECHANISMS="], "no number"),
        (&["0x80001234=00ff"], "hex:"),
        (&["UNWRAP_TEMPLATE={SIGN=true;DERIVE_TEMPLATE={SIGN=true}}"], "none inside"),
    ] {
        for arguments in [import(&file, "new", attributes, &[]), generate("RSA", "new", attributes, &[])] {
            // There is no such module: nothing looks for it.
            let arguments = [&["--module", "/nowhere/no-module.so"][..], &arguments].concat();
            let error = token.json_error(&arguments, 2);
            let all = format!("{} {}", error["message"], error["hint"]);
            assert!(all.contains(said), "{attributes:?}: {error}");
            assert_eq!(
                (&error["layer"], &error["status"]),
                (&json!("template"), &json!("NTE_INVALID_PARAMETER")),
                "{error}"
            );
            assert!(error["hint"].is_string(), "{error}");
        }
    }
    assert_eq!(token.contents(), before);
}
