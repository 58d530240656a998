//! Keys in use by the command: `decrypt`, keys that want their PIN at every use, dates; and `token pin`.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::process::Command;

use crate::support::{Run, TestToken, openssl, vector_text};

const RSA: &str = "rsa2048-e65537.RSAPRIVATEBLOB.bin";
const NEW_PIN: &str = "npin-1234-thud";
const NEW_SO_PIN: &str = "nsopin-5678-waldo";

/// A file of the token's directory, encrypted by openssl to the key of the vectors.
fn encrypted(token: &TestToken, name: &str, plain: &[u8], options: &[&str]) -> String {
    let spki = vector_text("rsa2048-e65537.spki.bin");
    let mut arguments = vec!["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", &spki];
    options.iter().for_each(|option| arguments.extend(["-pkeyopt", option]));
    token.file(name, openssl(&arguments, Some(plain)))
}

#[test]
fn what_openssl_encrypted_is_decrypted() {
    let token = TestToken::new();
    token.import(RSA, "web", &["--usage", "sign,decrypt"]);
    token.keep_secret(b"not for the log");
    let plain = b"not for the log";
    let oaep = encrypted(&token, "oaep", plain, &["rsa_padding_mode:oaep"]);
    let pkcs1 = encrypted(&token, "pkcs1", plain, &["rsa_padding_mode:pkcs1"]);
    // SoftHSM has OAEP with SHA-1 alone, which its profile says, so that is the default there.
    for (file, options) in
        [(&oaep, &[][..]), (&oaep, &["--padding", "oaep", "--oaep-hash", "sha1"]), (&pkcs1, &["--padding", "pkcs1"])]
    {
        let out = token.path_text("out");
        token.file("out", b"what stood here before, and was longer than what comes");
        let document = token.json(&[&["decrypt", "web", file, "-o", &out], options].concat());
        assert_eq!((&document["name"], &document["length"]), (&"web".into(), &15.into()));
        assert_eq!(token.read("out"), plain, "{options:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&out).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "the plaintext is for nobody else");
        }
    }
    // To stdout, under its names, and from stdin; what is looked at by the run's own guard is not the log.
    let mut command = token.cng11_command();
    command.args(["decrypt", "web", "-"]);
    let run = Run::of(command, Some(&token.read("oaep"))).ok();
    assert_eq!((run.stdout.as_slice(), run.stderr.as_str()), (&plain[..], ""));
    let mut command = token.cng11_command();
    command.args(["--json", "decrypt", "web", &oaep, "-o", "-"]);
    let hex: String = plain.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(Run::of(command, None).ok().json()["plaintext"], hex);

    let sha256 = encrypted(&token, "sha256", plain, &["rsa_padding_mode:oaep", "rsa_oaep_md:sha256"]);
    let error = token.json_error(&["decrypt", "web", &sha256, "--oaep-hash", "sha256"], 3);
    assert_eq!(error["status"], "NTE_NOT_SUPPORTED");
    assert!(error["message"].as_str().expect("text").contains("SHA1"), "{error}");
    let error = token.json_error(&["decrypt", "web", &sha256], 1);
    assert_eq!(error["status"], "NTE_DECRYPTION_FAILURE");
    token.cng11(&["decrypt", "web", &oaep, "--padding", "pkcs1", "--oaep-hash", "sha1"]).code(2);
    let short = token.file("short", b"too short");
    token.cng11(&["decrypt", "web", &short]).code(2).says("9 bytes");
    token.cng11(&["decrypt", "nobody", &oaep]).code(1);
    token.cng11(&["decrypt", "web", &token.path_text("missing")]).code(1);
    token.import("ec-nistP256.PKCS8_PRIVATEKEY.bin", "ec", &[]);
    token.cng11(&["decrypt", "ec", &oaep]).code(2);
    token.import("rsa3072-e3.PKCS8_PRIVATEKEY.bin", "signer", &["--usage", "sign"]);
    let error = token.json_error(&["decrypt", "signer", &oaep], 3);
    assert_eq!(error["status"], "NTE_PERM");
}

#[test]
fn a_key_that_wants_its_pin_at_every_use_is_proven_and_used() {
    let token = TestToken::new();
    let wants = ["--attribute", "CKA_ALWAYS_AUTHENTICATE=true"];
    let document = token.import(RSA, "careful", &[&wants[..], &["--usage", "sign,decrypt"]].concat());
    assert_eq!((&document["verified"], &document["warnings"]), (&"signature".into(), &serde_json::json!([])));
    let id = document["id"].as_str().expect("text").to_owned();
    let document = token.json(&[&["generate", "made", "--algorithm", "ECDSA_P256"], &wants[..]].concat());
    assert_eq!(document["verified"], "signature");
    assert_eq!(token.json(&["show", "careful"])["attributes"]["CKA_ALWAYS_AUTHENTICATE"], true);
    let data = token.file("data", b"what is signed");
    for name in ["careful", "made"] {
        let signature = token.path_text("signature");
        token.cng11(&["sign", name, &data, "-o", &signature]).ok();
        token.cng11(&["verify", name, &data, &signature]).ok();
    }
    let secret = encrypted(&token, "secret", b"twice", &["rsa_padding_mode:oaep"]);
    assert_eq!(token.cng11(&["decrypt", "careful", &secret]).ok().stdout, b"twice");
    // A second opinion by another program, which logs in for the use as well.
    let theirs = token.path_text("theirs");
    let arguments = ["--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", &id, "--input-file", &data];
    token.pkcs11_tool(&[&arguments[..], &["--output-file", &theirs]].concat()).ok();
    token.cng11(&["verify", "careful", &data, &theirs]).ok();
    // A descriptor can be read once, and its PIN is there for both logins.
    let pin = token.file("pin", TestToken::PIN);
    let script = "exec 3<\"$PIN_FILE\"; cat <&3 | \"$@\"";
    let run = {
        let mut command: Command = token.command("sh");
        command.env("PIN_FILE", &pin).env("CNG11_MODULE", token.module());
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_cng11")]);
        command.args(["--pin-source", "fd:0", "sign", "careful", &data, "-o", &token.path_text("piped")]);
        Run::of(command, None)
    };
    run.ok();
    token.cng11(&["verify", "careful", &data, &token.path_text("piped")]).ok();
}

#[test]
fn pins_are_changed_and_unblocked() {
    let token = TestToken::new();
    token.import(RSA, "web", &[]);
    for secret in [NEW_PIN, NEW_SO_PIN] {
        token.keep_secret(secret.as_bytes());
    }
    let with = |arguments: &[&str], pins: &[(&'static str, &str)]| {
        token.cng11_with(arguments, None, |command| {
            command.envs(pins.iter().copied());
        })
    };
    let list = |pin: &str| with(&["list"], &[("CNG11_PIN", pin)]).code;
    // A wrong old PIN is tried once, and nothing has changed.
    let wrong = [("CNG11_PIN", "0000-wrong"), ("CNG11_NEW_PIN", NEW_PIN)];
    let run = with(&["--json", "token", "pin"], &wrong).code(4);
    let error = run.json_error();
    assert_eq!((&error["status"], &error["ckr"]), (&"SCARD_W_WRONG_CHV".into(), &"CKR_PIN_INCORRECT".into()));
    assert!(error["message"].as_str().expect("text").contains("wrong PIN was entered"), "{error}");
    assert_eq!((list(TestToken::PIN), list(NEW_PIN)), (0, 4));
    // The new one from the environment, then from a file.
    let run = with(&["--json", "token", "pin"], &[("CNG11_NEW_PIN", NEW_PIN)]).ok();
    assert_eq!(run.json()["changed"], "user");
    assert_eq!((list(TestToken::PIN), list(NEW_PIN)), (4, 0));
    let file = token.file("old", TestToken::PIN);
    with(&["token", "pin", "--new-pin-source", &format!("file:{file}")], &[("CNG11_PIN", NEW_PIN)]).ok();
    assert_eq!(list(TestToken::PIN), 0);
    // What the token does not take says so, and what is not there is asked for.
    let run = with(&["token", "pin"], &[("CNG11_NEW_PIN", "1")]).code(4);
    assert!(run.stderr.contains("does not take the new PIN"), "{}", run.stderr);
    token.cng11(&["token", "pin"]).code(4).says("--new-pin-source");
    token.cng11(&["token", "pin", "--so-pin-source", "env:X"]).code(2);
    token.cng11(&["token", "pin", "--so", "--unblock"]).code(2);

    // The security officer gives a new PIN whatever the old one was.
    let unblock = ["token", "pin", "--unblock"];
    let wrong = [("CNG11_SO_PIN", "0000-wrong"), ("CNG11_NEW_PIN", NEW_PIN)];
    with(&unblock, &wrong).code(4).says("CKR_PIN_INCORRECT");
    assert_eq!(list(TestToken::PIN), 0);
    with(&unblock, &[("CNG11_PIN", "forgotten"), ("CNG11_NEW_PIN", NEW_PIN)]).ok();
    assert_eq!((list(TestToken::PIN), list(NEW_PIN)), (4, 0));
    // And changes the own one.
    let file = token.file("so", TestToken::SO_PIN);
    let arguments = ["--json", "token", "pin", "--so", "--so-pin-source", &format!("file:{file}")];
    let run = with(&arguments, &[("CNG11_SO_PIN", "0000-wrong"), ("CNG11_NEW_PIN", NEW_SO_PIN)]).ok();
    assert_eq!(run.json()["changed"], "so");
    with(&unblock, &[("CNG11_NEW_PIN", TestToken::PIN)]).code(4);
    with(&unblock, &[("CNG11_SO_PIN", NEW_SO_PIN), ("CNG11_NEW_PIN", TestToken::PIN)]).ok();
    assert_eq!(list(TestToken::PIN), 0);
    assert_eq!(token.names(), ["web"]);
}

#[test]
fn a_token_with_a_pad_of_its_own_is_given_no_pin() {
    let mut token = TestToken::strict("plain");
    let pad = |pin: &str| format!("{pin}/{}/{NEW_PIN}", TestToken::SO_PIN);
    token.set("STRICT_HSM_PAD", pad(TestToken::PIN));
    // There is no PIN to be had from anywhere else, and nobody asks for one.
    let run = |token: &TestToken, arguments: &[&str]| {
        token.cng11_with(arguments, None, |command| {
            command.env_remove("CNG11_PIN").env_remove("CNG11_SO_PIN");
        })
    };
    let document = run(&token, &["--json", "token", "list"]).ok().json();
    assert_eq!(document["tokens"][0]["protected_authentication_path"], true);
    let key = vector_text(RSA);
    let wants = "CKA_ALWAYS_AUTHENTICATE=true";
    let document = run(&token, &["--json", "import", &key, "--name", "typed", "--attribute", wants]).ok().json();
    assert_eq!(document["verified"], "signature");
    let data = token.file("data", b"what is signed");
    let signature = token.path_text("signature");
    run(&token, &["sign", "typed", &data, "-o", &signature]).ok();
    run(&token, &["verify", "typed", &data, &signature]).ok();

    run(&token, &["token", "pin", "--new-pin-source", "env:X"]).code(2).says("pad of its own");
    run(&token, &["token", "pin"]).ok();
    run(&token, &["list"]).code(4);
    token.set("STRICT_HSM_PAD", pad(NEW_PIN));
    run(&token, &["list"]).ok();
    run(&token, &["token", "pin", "--so"]).ok();
    // What is typed for the officer is the old PIN still.
    run(&token, &["token", "pin", "--unblock"]).code(4);
    token.set("STRICT_HSM_PAD", format!("{NEW_PIN}/{NEW_PIN}/{}", TestToken::PIN));
    run(&token, &["token", "pin", "--unblock"]).ok();
    run(&token, &["list"]).code(4);
    token.set("STRICT_HSM_PAD", pad(TestToken::PIN));
    run(&token, &["list"]).ok();
}

#[test]
fn a_date_that_the_token_does_not_tell_is_taken_back() {
    let token = TestToken::new();
    token.import(RSA, "web", &[]);
    let before = token.json(&["show", "web"]);
    // SoftHSM takes a date, and cannot read it any more.
    let error = token.json_error(&["set", "web", "Start Date", "2026-01-31"], 1);
    assert_eq!(error["status"], "NTE_VALIDATION_FAILED");
    token.cng11(&["set", "web", "end date", "2026-02-30x"]).code(2);
    token.cng11(&["get", "web", "End Date"]).code(1).says("absent");
    assert_eq!(token.json(&["show", "web"]), before);
    let data = token.file("data", b"what is signed");
    token.cng11(&["sign", "web", &data, "-o", &token.path_text("signature")]).ok();
}
