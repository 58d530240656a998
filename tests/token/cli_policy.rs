//! What may leave, what a key may do, and what the files are like in which it leaves.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{TestToken, vector, vector_text};

/// A token with a key that wraps.
fn token_with_kek() -> TestToken {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token
}

/// Usage and access of each object under a label, as pkcs11-tool reads them from the token.
fn seen_by_pkcs11_tool(token: &TestToken, class: &str) -> BTreeMap<String, (String, String)> {
    let text = token.pkcs11_tool(&["--list-objects", "--type", class]).ok().text();
    let mut seen = BTreeMap::new();
    let (mut label, mut usage) = (String::new(), String::new());
    for line in text.lines() {
        match line.trim().split_once(':').map(|(name, value)| (name, value.trim().to_owned())) {
            Some(("label", value)) => label = value,
            Some(("Usage", value)) => usage = value,
            Some(("Access", access)) => {
                seen.insert(label.clone(), (usage.clone(), access));
            }
            _ => {}
        }
    }
    seen
}

#[test]
fn each_policy_lets_a_key_leave_as_it_says_and_no_further() {
    let token = token_with_kek();
    for (vector, key, plain, wrapped) in [
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", "rsa", "RSAFULLPRIVATEBLOB", "PKCS8_PRIVATEKEY"),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", "ECCPRIVATEBLOB", "PKCS8_PRIVATEKEY"),
        ("aes256.KeyDataBlob.bin", "aes", "KeyDataBlob", "Rfc3565KeyWrapBlob"),
    ] {
        // Export policy; exit codes of an export under a key and of one in the clear.
        for (policy, words, under_key, in_clear) in [
            ("none", json!([]), 3, 3),
            ("encrypted", json!(["encrypted"]), 0, 3),
            ("plaintext", json!(["encrypted", "plaintext"]), 0, 0),
        ] {
            let name = format!("{key} {policy}");
            let made = token.import(vector, &name, &["--export-policy", policy]);
            assert_eq!(made["export_policy"], words, "{name}");

            let refused = |arguments: &[&str], code: i32| {
                if code == 0 {
                    token.cng11(arguments).ok();
                    return;
                }
                let error = token.json_error(arguments, code);
                assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{arguments:?}: {error}");
                assert_eq!(error["status_code"], "0x80090029", "{arguments:?}: {error}");
                let by_token = policy == "encrypted" && arguments.contains(&"--password-source");
                assert_eq!(error["layer"], if by_token { "wrap" } else { "provider" }, "{arguments:?}: {error}");
                assert_eq!(error.get("ckr").is_some(), by_token, "{arguments:?}: {error}");
                assert!(error["hint"].is_string(), "{arguments:?}: {error}");
            };
            refused(&["export", &name, "--type", wrapped, "--wrap-key", "kek"], under_key);
            refused(&["export", &name, "--type", plain, "--allow-plaintext"], in_clear);
            if key != "aes" {
                // What cannot be read is encrypted under a password by the token, and SoftHSM has no wrapping with CKM_AES_CBC_PAD.
                let password = ["--password-source", "env:CNG11_PIN"];
                refused(&[&["export", &name, "--type", "pkcs8"], &password[..]].concat(), in_clear);
                token.cng11(&["export", &name, "--type", "spki"]).ok();
            }
            // Without the word it is the command line that is wrong, whatever the policy.
            let error = token.json_error(&["export", &name, "--type", plain], 2);
            assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--allow-plaintext")), "{error}");
            if key != "aes" {
                token.cng11(&["export", &name, "--type", "pkcs8"]).code(2).says("hint: ");
                // A password that would protect nothing is not taken.
                for unprotected in ["spki", plain] {
                    let export = ["export", &name, "--type", unprotected, "--password-source", "env:CNG11_PIN"];
                    token.cng11(&export).code(2).says("not encrypted under a password");
                }
            }
        }
    }
}

#[test]
fn policies_are_sensitive_and_extractable_on_the_token() {
    let token = TestToken::new();
    for (policy, _) in [("none", ""), ("encrypted", ""), ("plaintext", "")] {
        token.import("rsa2048-e65537.RSAPRIVATEBLOB.bin", &format!("rsa {policy}"), &["--export-policy", policy]);
        token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", &format!("ec {policy}"), &["--export-policy", policy]);
        token.import("aes256.KeyDataBlob.bin", &format!("aes {policy}"), &["--export-policy", policy]);
    }
    let mut seen = seen_by_pkcs11_tool(&token, "privkey");
    seen.extend(seen_by_pkcs11_tool(&token, "secrkey"));
    for key in ["rsa", "ec", "aes"] {
        for (policy, access) in
            [("none", "sensitive"), ("encrypted", "sensitive, extractable"), ("plaintext", "extractable")]
        {
            assert_eq!(seen[&format!("{key} {policy}")].1, access, "{key} {policy}");
        }
    }
    // A key of policy none is what nothing was said about.
    token.import("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin", "default", &[]);
    assert_eq!(seen_by_pkcs11_tool(&token, "privkey")["default"].1, "sensitive");
}

#[test]
fn usage_is_by_kind_unless_it_is_said_and_stands_on_the_token() {
    let token = TestToken::new();
    let rsa = "rsa2048-e65537.RSAPRIVATEBLOB.bin";
    let ecdsa = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
    let ecdh = "ec-nistP256.ECDH.ECCPRIVATEBLOB.bin";
    let aes = "aes128.KeyDataBlob.bin";
    // Vector, --usage, usage in JSON, usage of the private or secret object, usage of the public one.
    let rows = [
        (rsa, None, &["sign", "decrypt"][..], "decrypt, sign", "encrypt, verify"),
        (ecdsa, None, &["sign"], "sign", "verify"),
        (ecdh, None, &["agree"], "derive", "none"),
        (aes, None, &["decrypt"], "encrypt, decrypt", ""),
        (rsa, Some("sign"), &["sign"], "sign", "verify"),
        (rsa, Some("decrypt"), &["decrypt"], "decrypt", "encrypt"),
        (rsa, Some("wrap"), &["wrap"], "unwrap", "wrap"),
        (rsa, Some("all"), &["sign", "decrypt", "wrap"], "decrypt, sign, unwrap", "encrypt, verify, wrap"),
        (ecdsa, Some("sign,agree"), &["sign", "agree"], "sign, derive", "verify"),
        (ecdsa, Some("agree"), &["agree"], "derive", "none"),
        (ecdh, Some("all"), &["sign", "agree"], "sign, derive", "verify"),
        (aes, Some("wrap"), &["wrap"], "wrap, unwrap", ""),
        (aes, Some("decrypt,wrap"), &["decrypt", "wrap"], "encrypt, decrypt, wrap, unwrap", ""),
    ];
    for (number, (vector, usage, words, ..)) in rows.iter().enumerate() {
        let more = usage.map_or_else(Vec::new, |usage| vec!["--usage", usage]);
        let made = token.import(vector, &format!("key {number}"), &more);
        assert_eq!(made["usage"], json!(words), "{vector} {usage:?}");
    }
    let mut private = seen_by_pkcs11_tool(&token, "privkey");
    private.extend(seen_by_pkcs11_tool(&token, "secrkey"));
    let public = seen_by_pkcs11_tool(&token, "pubkey");
    for (number, (vector, usage, _, on_private, on_public)) in rows.iter().enumerate() {
        let name = format!("key {number}");
        assert_eq!(private[&name].0, *on_private, "{vector} {usage:?}");
        let found = public.get(&name).map_or("", |(usage, _)| usage);
        assert_eq!(found, *on_public, "{vector} {usage:?}: public object");
    }
    // What a kind of key cannot do is the command line's error.
    let before = token.contents();
    for (vector, usage) in [(rsa, "agree"), (ecdsa, "decrypt"), (ecdh, "wrap"), (aes, "agree"), (rsa, "fly"), (rsa, "")]
    {
        let file = vector_text(vector);
        token.cng11(&["import", &file, "--name", "x", "--usage", usage]).code(2);
    }
    assert_eq!(token.contents(), before);
}

#[test]
fn a_key_without_the_usage_wrap_neither_wraps_nor_unwraps() {
    let token = token_with_kek();
    token.import("kek256.raw.bin", "not a kek", &["--algorithm", "AES", "--usage", "decrypt"]);
    token.import("aes256.KeyDataBlob.bin", "key", &["--export-policy", "encrypted"]);
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &["--export-policy", "encrypted"]);
    let before = token.contents();
    let blob = vector_text("aes256.kek256.Rfc3565KeyWrapBlob.bin");
    let kwp = vector_text("ec-nistP256.kek256.kwp.bin");
    for arguments in [
        &["export", "key", "--type", "Rfc3565KeyWrapBlob", "--wrap-key", "not a kek"][..],
        &["export", "ec", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "not a kek"],
        &["import", &blob, "--name", "x", "--type", "Rfc3565KeyWrapBlob", "--unwrap-key", "not a kek"],
        &["import", &kwp, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "not a kek"],
    ] {
        let error = token.json_error(arguments, 3);
        assert_eq!(error["status"], "NTE_PERM", "{arguments:?}: {error}");
        assert!(error["hint"].is_string(), "{arguments:?}: {error}");
    }
    for (kek, code) in [("ec", 3), ("nobody", 1)] {
        token.cng11(&["export", "key", "--type", "Rfc3565KeyWrapBlob", "--wrap-key", kek]).code(code);
        token.cng11(&["import", &blob, "--name", "x", "--type", "Rfc3565KeyWrapBlob", "--unwrap-key", kek]).code(code);
    }
    assert_eq!(token.contents(), before);
}

#[cfg(unix)]
#[test]
fn files_that_hold_a_key_are_for_their_owner_alone_and_are_not_overwritten_unasked() {
    use std::os::unix::fs::PermissionsExt;

    let token = token_with_kek();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &["--export-policy", "plaintext"]);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(token.path(name)).expect("the file is there");
        metadata.permissions().mode() & 0o777
    };
    for (number, (options, private)) in [
        (&["--type", "ECCPRIVATEBLOB", "--allow-plaintext"][..], true),
        (&["--type", "pkcs8-pem", "--allow-plaintext"], true),
        (&["--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek"], true),
        (&["--type", "PKCS8_PRIVATEKEY", "--password-source", "env:CNG11_PIN"], true),
        (&["--type", "ECCPUBLICBLOB"], false),
        (&["--type", "spki-pem"], false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("out{number}");
        let path = token.path_text(&name);
        let export = [&["export", "ec", "-o", &path], options].concat();
        token.cng11(&export).ok();
        if private {
            assert_eq!(mode(&name), 0o600, "{options:?}");
        } else {
            assert_ne!(mode(&name) & 0o400, 0, "{options:?}");
        }
        let written = token.read(&name);
        assert!(!written.is_empty());

        token.file(&name, "something else");
        token.cng11(&export).code(1).says("--force");
        assert_eq!(token.read(&name), b"something else", "{options:?}");
        token.cng11(&[&export[..], &["--force"]].concat()).ok();
        assert_eq!(token.read(&name).len() / 8, written.len() / 8, "{options:?}");
        if private {
            assert_eq!(mode(&name), 0o600, "{options:?}: overwritten");
        }
    }
    // Nothing temporary is left beside them.
    let names =
        std::fs::read_dir(token.path(".")).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_a_link_is_not_followed_unasked() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &[]);
    token.cng11(&["export", "ec", "--type", "spki", "-o", "/dev/null"]).ok();
    let written = token.cng11(&["export", "ec", "--type", "spki-pem", "-o", "/dev/stdout", "--quiet"]).ok();
    assert!(written.text().contains("-----BEGIN PUBLIC KEY-----"), "{}", written.text());
    let link = token.path_text("link");
    std::os::unix::fs::symlink(token.path("nowhere"), &link).expect("a link can be made");
    token.cng11(&["export", "ec", "--type", "spki", "-o", &link]).code(1).says("--force");
    assert!(!token.path("nowhere").exists());
}

#[test]
fn an_export_that_is_refused_leaves_no_file() {
    let token = token_with_kek();
    token.import("rsa2048-e65537.RSAPRIVATEBLOB.bin", "rsa", &[]);
    let path = token.path_text("out");
    for (options, code) in [
        (&["--type", "RSAPRIVATEBLOB", "--allow-plaintext"][..], 3),
        (&["--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek"], 3),
        (&["--type", "RSAPRIVATEBLOB"], 2),
        (&["--type", "ECCPUBLICBLOB"], 1),
        (&["--type", "ECCPRIVATEBLOB", "--allow-plaintext"], 3),
        (&["--type", "RSAPUBLICBLOB", "--wrap-key", "kek"], 2),
    ] {
        token.cng11(&[&["export", "rsa", "-o", &path], options].concat()).code(code);
        assert!(!token.path("out").exists(), "{options:?}");
    }
}

#[test]
fn rights_can_be_taken_away_and_not_given_back() {
    let token = token_with_kek();
    for (vector, usage, narrower) in [
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", "sign,decrypt", "sign"),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "sign,agree", "agree"),
        ("aes256.KeyDataBlob.bin", "decrypt,wrap", "wrap"),
    ] {
        token.import(vector, "key", &["--export-policy", "plaintext", "--usage", usage, "--overwrite"]);
        // Policy after policy, each narrower; each wider one is refused.
        for (policy, words, wider) in [
            ("plaintext", json!(["encrypted", "plaintext"]), &[][..]),
            ("encrypted", json!(["encrypted"]), &["plaintext"]),
            ("none", json!([]), &["plaintext", "encrypted"]),
        ] {
            token.cng11(&["set", "key", "Export Policy", policy]).ok();
            assert_eq!(token.json(&["show", "key"])["export_policy"], words, "{vector} {policy}");
            for wider in wider {
                let error = token.json_error(&["set", "key", "Export Policy", wider], 3);
                assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{vector} {policy} to {wider}: {error}");
            }
            assert_eq!(token.json(&["show", "key"])["export_policy"], words, "{vector} {policy}");
        }
        token.cng11(&["set", "key", "Key Usage", narrower]).ok();
        assert_eq!(token.json(&["show", "key"])["usage"], json!([narrower]), "{vector}");
        for wider in [usage, "all"] {
            let error = token.json_error(&["set", "key", "Key Usage", wider], 3);
            assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{vector} to {wider}: {error}");
        }
        assert_eq!(token.json(&["show", "key"])["usage"], json!([narrower]), "{vector}");
    }
    // Numbers are taken as well as words.
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &["--export-policy", "plaintext"]);
    token.cng11(&["set", "ec", "Export Policy", "0x1"]).ok();
    assert_eq!(token.json(&["get", "ec", "Export Policy"])["value"], 1);
    token.cng11(&["set", "ec", "export policy", "0"]).ok();
    assert_eq!(token.json(&["get", "ec", "Export Policy"])["value"], 0);
    for value in ["16", "0x80000000"] {
        let error = token.json_error(&["set", "ec", "Export Policy", value], 3);
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{value}: {error}");
    }
    token.cng11(&["set", "ec", "Export Policy", "some"]).code(2);
}
