//! What is wrong is refused with the reason and the next thing to do, and leaves the token as it was.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use serde_json::Value;

use crate::support::{Run, TestToken, vector, vector_text};

/// Runs a command that is to fail, as text and as JSON. Both parts of the message are there, stdout is empty, and the
/// token is untouched.
#[track_caller]
fn refused(token: &TestToken, arguments: &[&str], code: i32) -> Value {
    refused_with(token, arguments, code, None, &[])
}

#[track_caller]
fn refused_with(
    token: &TestToken,
    arguments: &[&str],
    code: i32,
    input: Option<&[u8]>,
    environment: &[(&str, &str)],
) -> Value {
    let before = token.contents();
    let run = |arguments: &[&str]| -> Run {
        let run = token.cng11_with(arguments, input, |command| {
            command.envs(environment.iter().copied());
        });
        run.code(code)
    };
    let text = run(arguments);
    assert!(text.stdout.is_empty(), "{arguments:?}: {}", text.text());
    let error = run(&[arguments, &["--json"]].concat()).json_error();
    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{arguments:?}: {error}");
    assert!(error["status_code"].as_str().is_some_and(|number| number.starts_with("0x")), "{arguments:?}: {error}");
    assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{arguments:?}: no hint in {error}");
    // clap words its own errors over several lines.
    if error["layer"] != "cli" {
        assert!(text.stderr.contains(message), "{arguments:?}: {}", text.stderr);
        assert!(text.stderr.contains("\nhint: "), "{arguments:?}: {}", text.stderr);
    }
    assert!(text.stderr.starts_with("error: "), "{arguments:?}: {}", text.stderr);
    assert_eq!(token.contents(), before, "{arguments:?}: the token has changed");
    error
}

#[test]
fn a_wrong_pin_is_tried_once_and_the_token_is_quoted_on_the_tries_that_remain() {
    let token = TestToken::new();
    let wrong = [("CNG11_PIN", "not the pin")];
    token.keep_secret(b"not the pin");
    let file = vector_text("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    for arguments in [&["list"][..], &["import", &file, "--name", "x"], &["delete", "x", "--yes"]] {
        let error = refused_with(&token, arguments, 4, None, &wrong);
        assert_eq!(error["status"], "SCARD_W_WRONG_CHV", "{error}");
        assert_eq!(error["status_code"], "0x8010006B", "{error}");
        assert_eq!(error["ckr"], "CKR_PIN_INCORRECT", "{error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(TestToken::LABEL) && message.contains("0xA0"), "{message}");
        // SoftHSM tells that a wrong PIN was tried (CKF_USER_PIN_COUNT_LOW), and no number.
        assert!(message.contains("a wrong PIN was entered"), "{message}");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("not tried again")), "{error}");
    }
    for (pin, code) in [("", 4), ("x", 4), (&"9".repeat(300)[..], 4)] {
        refused_with(&token, &["list"], code, None, &[("CNG11_PIN", pin)]);
    }
}

#[test]
fn a_pin_source_that_gives_nothing_is_an_authentication_failure() {
    let token = TestToken::new();
    let file = vector_text("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    let empty = token.file("empty", "\n");
    for (source, code) in [
        ("prompt", 4),
        ("env:NOT_SET", 4),
        ("file:/nonexistent/pin", 4),
        (&format!("file:{empty}"), 4),
        (&format!("file:{}", token.path_text("tokens")), 4),
        ("fd:99", 4),
        ("4711", 2),
        ("pin:4711", 2),
        ("fd:-1", 2),
    ] {
        let error = refused(&token, &["import", &file, "--name", "x", "--pin-source", source], code);
        assert_eq!(error["layer"], "cli", "{source}: {error}");
    }
    // No source at all, and no terminal to ask on.
    let run = token.cng11_with(&["list", "--json"], None, |command| {
        command.env_remove("CNG11_PIN");
    });
    assert_eq!(run.code(4).json_error()["status"], "NTE_SILENT_CONTEXT");
}

#[test]
fn a_token_that_is_not_there_or_not_the_only_one_is_told_with_what_is_there() {
    let token = TestToken::new();
    for selection in
        ["nobody", "pkcs11:token=nobody", "pkcs11:serial=0", "pkcs11:slot-id=77", "pkcs11:token=test%20token;model=x"]
    {
        let error = refused(&token, &["list", "--token", selection], 1);
        assert_eq!(error["status"], "NTE_DEVICE_NOT_FOUND", "{selection}: {error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(TestToken::LABEL)), "{selection}: {error}");
    }
    for uri in [
        "pkcs11:token",
        "pkcs11:token=%zz",
        "pkcs11:token=a;token=b",
        "pkcs11:nothing=1",
        "pkcs11:slot-id=x",
        "pkcs11:token=a;;",
    ] {
        refused(&token, &["list", "--token", uri], 2);
    }
    token.cng11(&["token", "init", "--label", "second"]).ok();
    for arguments in [&["list", "--json"][..], &["generate", "x", "--algorithm", "AES", "--json"]] {
        let error = token.cng11(arguments).code(2).json_error();
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("token=second") && message.contains("token=test%20token"), "{message}");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--token")), "{error}");
    }
    for selection in ["second", "pkcs11:token=second", TestToken::LABEL] {
        token.cng11(&["list", "--token", selection]).ok();
    }

    let blank = TestToken::blank();
    let error = blank.json_error(&["list"], 1);
    assert_eq!(error["status"], "NTE_DEVICE_NOT_FOUND", "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("token init")), "{error}");
}

#[test]
fn a_module_that_is_missing_or_none_is_told_apart() {
    let token = TestToken::new();
    let text = token.file("text", "no library");
    let directory = token.path_text("tokens");
    for (path, status) in [
        ("/nonexistent/module.so", "NTE_PROV_DLL_NOT_FOUND"),
        (&text, "NTE_PROVIDER_DLL_FAIL"),
        (&directory, "NTE_PROVIDER_DLL_FAIL"),
        // A library, but not of this kind.
        (env!("CARGO_BIN_EXE_cng11"), "NTE_PROVIDER_DLL_FAIL"),
    ] {
        let error = refused(&token, &["list", "--module", path], 1);
        assert_eq!(error["status"], status, "{path}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(path)), "{path}: {error}");
    }
    let error =
        refused_with(&token, &["list", "--token", "pkcs11:?module-name=nosuch"], 1, None, &[("CNG11_MODULE", "")]);
    assert_eq!(error["status"], "NTE_PROV_DLL_NOT_FOUND", "{error}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("libnosuch.so")), "{error}");
}

#[test]
fn names_that_cannot_be_are_refused_everywhere() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "key", &[]);
    let file = vector_text("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin");
    let long = "x".repeat(513);
    let long_pairs = format!("{}y", "\u{1F511}".repeat(256));
    for name in ["", &long, &long_pairs] {
        for arguments in [
            &["import", &file, "--name", name][..],
            &["generate", name, "--algorithm", "AES"],
            &["show", name],
            &["export", name, "--type", "spki"],
            &["rename", "key", name],
            &["rename", name, "other"],
            &["delete", name, "--yes"],
            &["set", "key", "Name", name],
            &["get", name, "Name"],
        ] {
            let error = refused(&token, arguments, 2);
            assert_eq!(error["status"], "NTE_INVALID_PARAMETER", "{arguments:?}: {error}");
        }
    }
    for uri in ["pkcs11:object=a%00b", "pkcs11:object=%00"] {
        for arguments in [&["show", uri][..], &["delete", uri, "--yes"], &["export", uri, "--type", "spki"]] {
            refused(&token, arguments, 2);
        }
    }
}

#[test]
fn any_other_name_works_in_every_command() {
    let token = TestToken::new();
    let longest = "x".repeat(512);
    let longest_pairs = "\u{1F511}".repeat(256);
    for name in [
        "a;b",
        "a?b",
        "a/b",
        "a&b=c%41",
        "pkcs11",
        "ключ",
        "clé \u{1F511}",
        " leading and trailing ",
        "-",
        "..",
        "a\"b'c`$(d)",
        "tab\there",
        "line\nbreak",
        &longest,
        &longest_pairs,
    ] {
        let document = token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", name, &["--export-policy", "plaintext"]);
        assert_eq!(document["name"], *name);
        assert_eq!(token.names(), [name]);
        let uri = document["unique_name"].as_str().expect("a URI").to_owned();
        for opened in [name, &uri] {
            assert_eq!(token.json(&["show", "--", opened])["name"], *name, "{opened}");
            let exported = token.cng11(&["export", "--type", "ECCPRIVATEBLOB", "--allow-plaintext", "--", opened]).ok();
            assert!(exported.stdout == vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin"), "{opened}");
        }
        // In text a control character is shown, not obeyed.
        let text = token.cng11(&["list"]).ok().text();
        assert_eq!(text.lines().count(), 2, "{text}");
        token.cng11(&["rename", "--", name, "plain"]).ok();
        assert_eq!(token.names(), ["plain"]);
        token.cng11(&["rename", "--", "plain", name]).ok();
        assert_eq!(token.json(&["get", "--", name, "Name"])["value"], *name);
        token.cng11(&["delete", "--yes", "--", name]).ok();
        assert_eq!(token.object_files(), 0, "{name}");
    }
}

#[test]
fn a_name_that_is_taken_stays_with_its_key() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "key", &["--export-policy", "plaintext"]);
    token.import("aes256.KeyDataBlob.bin", "aes", &["--export-policy", "plaintext"]);
    let same = vector_text("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    let other = vector_text("rsa2048-e65537.RSAPRIVATEBLOB.bin");
    let aes = vector_text("aes128.KeyDataBlob.bin");
    for arguments in [
        &["import", &same, "--name", "key"][..],
        &["import", &other, "--name", "key"],
        &["import", &aes, "--name", "key"],
        &["import", &other, "--name", "key", "--dry-run"],
        &["import", &other, "--name", "aes"],
        &["generate", "key", "--algorithm", "ECDSA_P256"],
        &["generate", "aes", "--algorithm", "AES"],
        &["rename", "aes", "key"],
        &["rename", "key", "key"],
        &["set", "aes", "Name", "key"],
    ] {
        let error = refused(&token, arguments, 1);
        assert_eq!(error["status"], "NTE_EXISTS", "{arguments:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains("pkcs11:")), "{arguments:?}: {error}");
    }
    assert!(
        token.export("key", "ECCPRIVATEBLOB", &["--allow-plaintext"]) == vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin")
    );
    for arguments in [
        &["show", "nobody"][..],
        &["delete", "nobody", "--yes"],
        &["rename", "nobody", "x"],
        &["show", "pkcs11:id=%77"],
    ] {
        let error = refused(&token, arguments, 1);
        assert_eq!(error["status"], "NTE_BAD_KEYSET", "{arguments:?}: {error}");
    }
}

#[test]
fn keys_whose_numbers_contradict_each_other_are_refused() {
    let token = TestToken::new();
    let flipped = |name: &str, from_end: usize| {
        let mut bytes = vector(name);
        let at = bytes.len() - 1 - from_end;
        bytes[at] ^= 1;
        bytes
    };
    // A bit of d (rsa full, sec1, ec), of a coefficient, of a prime, of the point.
    for (what, bytes, more) in [
        ("d of an RSA key", flipped("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", 3), &[][..]),
        ("qinv", flipped("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", 256 + 5), &[]),
        ("dp", flipped("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", 256 + 3 * 128 - 1), &[]),
        ("prime 2", flipped("rsa2048-e65537.RSAPRIVATEBLOB.bin", 2), &[]),
        ("d of an EC key", flipped("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", 0), &[]),
        ("y of an EC key", flipped("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin", 48), &[]),
        (
            "x of a generic EC key",
            flipped("ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", 64),
            &["--curve", "secP256k1"],
        ),
    ] {
        let file = token.file("bad", &bytes);
        token.keep_secret(&bytes[bytes.len() - 32..]);
        let error = refused(&token, &[&["import", &file, "--name", "x"], more].concat(), 1);
        assert_eq!(error["layer"], "key", "{what}: {error}");
        assert_eq!(error["status"], "NTE_INVALID_PARAMETER", "{what}: {error}");
        refused(&token, &[&["import", &file, "--name", "x", "--dry-run"], more].concat(), 1);
    }
    // Not looked at, it goes on, and its use still tells; but it never takes the place of a key that works.
    let file = token.file("bad", flipped("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", 0));
    let run = token.cng11(&["import", &file, "--name", "x", "--no-validate"]).code(0);
    assert!(run.stderr.contains("does not work like its public half"), "{}", run.text());
    token.cng11(&["generate", "good", "--algorithm", "ECDSA_P256"]).ok();
    let error = refused(&token, &["import", &file, "--name", "good", "--no-validate", "--overwrite"], 1);
    assert_eq!(error["status"], "NTE_VALIDATION_FAILED", "{error}");
}

#[test]
fn files_that_are_cut_short_or_of_another_kind_are_refused_with_the_place() {
    let token = TestToken::new();
    for (name, kind, more) in [
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", "RSAPRIVATEBLOB", &[][..]),
        ("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", "RSAFULLPRIVATEBLOB", &[]),
        ("rsa2048-e65537.pkcs1.bin", "pkcs1", &[]),
        ("rsa2048-e65537.PKCS8_PRIVATEKEY.bin", "PKCS8_PRIVATEKEY", &[]),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ECCPRIVATEBLOB", &[]),
        ("ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", "ECCPRIVATEBLOB", &["--curve", "secP256k1"]),
        ("ec-nistP256.sec1.bin", "sec1", &[]),
        ("ec-nistP256.pkcs8-pem.pem", "pkcs8-pem", &[]),
        ("aes256.KeyDataBlob.bin", "KeyDataBlob", &[]),
        ("aes256.CipherKeyBlob.bin", "CipherKeyBlob", &[]),
    ] {
        let whole = vector(name);
        for bytes in [&whole[..0], &whole[..3], &whole[..20], &whole[..whole.len() / 2], &whole[..whole.len() - 2]] {
            let file = token.file("cut", bytes);
            let arguments = [&["import", &file, "--name", "x", "--type", kind], more].concat();
            let error = refused(&token, &arguments, 1);
            assert_eq!(error["status"], "NTE_BAD_DATA", "{name} of {} bytes: {error}", bytes.len());
        }
        let longer = token.file("longer", [&whole[..], b"\0"].concat());
        if !kind.ends_with("pem") {
            let error = refused(&token, &[&["import", &longer, "--name", "x", "--type", kind], more].concat(), 1);
            assert_eq!(error["status"], "NTE_BAD_DATA", "{name}: {error}");
        }
    }
    // Another type than was said; no type at all.
    let rsa = vector_text("rsa2048-e65537.RSAPRIVATEBLOB.bin");
    for kind in
        ["ECCPRIVATEBLOB", "PKCS8_PRIVATEKEY", "pkcs1", "sec1", "KeyDataBlob", "CipherKeyBlob", "RSAFULLPRIVATEBLOB"]
    {
        refused(&token, &["import", &rsa, "--name", "x", "--type", kind], 1);
    }
    refused(&token, &["import", &rsa, "--name", "x", "--type", "NOSUCHBLOB"], 2);
    let generic = vector_text("ec-nistP256.GENERIC-ECDSA.ECCPRIVATEBLOB.bin");
    let error = refused(&token, &["import", &generic, "--name", "x"], 1);
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--curve")), "{error}");
    refused(&token, &["import", &generic, "--name", "x", "--curve", "nistP384"], 1);
    refused(&token, &["import", &generic, "--name", "x", "--curve", "nosuch"], 2);
    refused(&token, &["import", &rsa, "--name", "x", "--algorithm", "ECDSA_P256"], 1);
    refused(&token, &["import", &rsa, "--name", "x", "--algorithm", "NOSUCH"], 2);
    let raw = vector_text("aes256.raw.bin");
    let error = refused(&token, &["import", &raw, "--name", "x"], 1);
    assert!(error["message"].as_str().is_some_and(|message| message.contains("raw")), "candidates are named: {error}");
    let odd = token.file("odd", [0x55; 33]);
    refused(&token, &["import", &odd, "--name", "x", "--type", "raw", "--algorithm", "AES"], 1);
}

#[test]
fn a_public_key_alone_is_not_persisted() {
    let token = TestToken::new();
    for name in [
        "rsa2048-e65537.RSAPUBLICBLOB.bin",
        "ec-nistP256.ECDSA.ECCPUBLICBLOB.bin",
        "rsa2048-e65537.spki.bin",
        "ec-nistP256.spki-pem.pem",
    ] {
        let error = refused(&token, &["import", &vector_text(name), "--name", "x"], 3);
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{name}: {error}");
    }
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "key", &[]);
    let missing = token.path_text("missing");
    let directory = token.path_text("tokens");
    for path in [&missing, &directory] {
        for arguments in [
            &["import", path, "--name", "x"][..],
            &["inspect", path],
            &["sign", "key", path],
            &["verify", "key", path, path],
        ] {
            let error = refused(&token, arguments, 1);
            assert!(error["message"].as_str().is_some_and(|message| message.contains(path)), "{arguments:?}: {error}");
        }
    }
    let nowhere = token.path_text("missing/file");
    refused(&token, &["export", "key", "--type", "spki", "-o", &nowhere], 1);
    refused(&token, &["export", "key", "--type", "spki", "-o", &directory], 1);
    refused(&token, &["export", "key", "--type", "spki", "-o", &directory, "--force"], 1);
    let large = token.path_text("large");
    std::fs::File::create(&large).and_then(|file| file.set_len(17 << 20)).expect("a sparse file can be made");
    refused(&token, &["import", &large, "--name", "x"], 1);
}

#[test]
fn a_key_is_read_from_stdin() {
    let token = TestToken::new();
    let blob = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    token.cng11_with(&["import", "-", "--name", "key"], Some(&blob), |_| {}).ok();
    assert_eq!(token.names(), ["key"]);
    let inspected = token.cng11_with(&["inspect", "-", "--json"], Some(&blob), |_| {}).ok().json();
    assert_eq!(inspected["consistent"], true);
    let nothing: &[u8] = b"";
    refused_with(&token, &["import", "-", "--name", "x"], 1, Some(nothing), &[]);
    refused_with(&token, &["import", "-", "--name", "x"], 1, Some(&blob[..50]), &[]);
}

#[test]
fn arguments_that_make_no_sense_are_usage_errors() {
    let token = TestToken::new();
    let file = vector_text("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    for arguments in [
        &["nosuch"][..],
        &["import", &file],
        &["import", "--name", "x"],
        &["import", &file, "--name", "x", "--nosuch"],
        &["import", &file, "--name", "x", "--export-policy", "some"],
        &["import", &file, "--name", "x", "--id", "xyz"],
        &["import", &file, "--name", "x", "--id", "abc"],
        &["import", &file, "--name", "x", "--id", ""],
        &["import", &file, "--name", "x", "--route", "sideways"],
        &["generate", "x"],
        &["generate", "x", "--algorithm", "ECDSA"],
        &["generate", "x", "--algorithm", "ECDSA_P256", "--curve", "nistP384"],
        &["generate", "x", "--algorithm", "RSA", "--curve", "nistP384"],
        &["generate", "x", "--algorithm", "RSA", "--bits", "100"],
        &["generate", "x", "--algorithm", "AES", "--bits", "255"],
        &["generate", "x", "--algorithm", "ECDSA_P256", "--bits", "384"],
        &["delete", "x"],
        &["list", "--quiet", "-v"],
        &["token", "init", "--label", ""],
        &["token", "init", "--label", "a label that is longer than thirty-two bytes"],
    ] {
        refused(&token, arguments, 2);
    }
    // A CKA_ID may not be longer than what a mark still fits behind, nor end like one: it would be taken for a
    // leftover and removed.
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for id in ["00".repeat(201), hex("\0cng11:staged"), hex("id\0cng11:staged"), hex("id\0cng11:ready")] {
        refused(&token, &["import", &file, "--name", "x", "--id", &id], 2);
        refused(&token, &["generate", "x", "--algorithm", "AES", "--id", &id], 2);
    }
}

#[test]
fn an_error_in_json_stands_alone_on_stderr_whatever_else_is_to_be_said() {
    let token = TestToken::new();
    let uri = "pkcs11:token=test%20token?pin-value=wrong-pin-value";
    token.keep_secret(b"wrong-pin-value");
    let run = token.cng11_with(&["list", "--json", "--token", uri], None, |command| {
        command.env_remove("CNG11_PIN");
    });
    assert_eq!(run.code(4).json_error()["status"], "SCARD_W_WRONG_CHV");
    let run = token.cng11(&["show", "nobody", "--json", "-vv"]).code(1);
    assert_eq!(run.json_error()["status"], "NTE_BAD_KEYSET");
}
