//! `cng11 convert` and `cng11 inspect`, as they are called: options, passwords, several keys, and what other programs say of the files.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Run, contains, openssl, tool};
use serde_json::Value;

/// A folder for what is written, and the command in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn cng11(&self, arguments: &[&str]) -> Run {
        self.cng11_with(arguments, None)
    }

    fn cng11_with(&self, arguments: &[&str], input: Option<&[u8]>) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
        command.args(arguments).current_dir(self.0.path());
        for name in ["CNG11_MODULE", "CNG11_TOKEN", "CNG11_PIN", "CNG11_PIN_SOURCE", "CNG11_CONFIG"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.0.path()).env("PASSWORD", "correct horse").env("EMPTY", "");
        Run::of(command, input)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.cng11(&arguments).ok().json()
    }

    fn error(&self, arguments: &[&str], code: i32) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.cng11(&arguments).code(code).json_error()
    }

    /// Converts a vector, and tells where it is.
    fn convert(&self, file: &str, to: &str, more: &[&str]) -> String {
        let out = self.path(&format!("{}.{to}", file.replace('/', "-")));
        let file = vector(file);
        self.cng11(&[&["convert", &file, "--to", to, "-o", &out], more].concat()).ok();
        out
    }
}

fn vector(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    path.to_str().unwrap().to_owned()
}

fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const KEYS: &[&str] = &[
    "rsa2048-e65537.RSAPRIVATEBLOB.bin",
    "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
    "ec-nistP521.ECDH.ECCPRIVATEBLOB.bin",
    "more/dsa2048.DSAPRIVATEBLOB.bin",
    "more/dh2048-ffdhe.DHPRIVATEBLOB.bin",
];

#[test]
fn openssl_reads_every_der_and_pem_form_and_finds_the_same_public_key() {
    let desk = Desk::new();
    for key in KEYS {
        let public = desk.convert(key, "spki", &[]);
        let forms: &[&str] = match *key {
            key if key.starts_with("rsa") => &["pkcs8", "pkcs8-pem", "pkcs1", "pkcs1-pem"],
            key if key.starts_with("ec") => &["pkcs8", "pkcs8-pem", "sec1", "sec1-pem"],
            key if key.contains("dsa") => &["pkcs8", "pkcs8-pem", "dsa", "dsa-pem"],
            _ => &["pkcs8", "pkcs8-pem"],
        };
        for form in forms {
            let file = desk.convert(key, form, &[]);
            let encoding = if form.ends_with("pem") { "PEM" } else { "DER" };
            let found = openssl(&["pkey", "-in", &file, "-inform", encoding, "-pubout", "-outform", "DER"], None);
            assert_eq!(found, bytes(&public), "{key} as {form}");
            if encoding == "DER" {
                openssl(&["asn1parse", "-inform", "DER", "-in", &file], None);
            }
        }
        let found = openssl(&["pkey", "-pubin", "-in", &public, "-inform", "DER", "-pubout", "-outform", "DER"], None);
        assert_eq!(found, bytes(&public), "{key}");
    }
}

#[test]
fn certtool_reads_what_is_written() {
    let desk = Desk::new();
    for key in &KEYS[..4] {
        let file = desk.convert(key, "pkcs8-pem", &[]);
        let mut command = tool("certtool");
        command.args(["--key-info", "--infile", &file]);
        let text = Run::of(command, None).ok().text();
        let expected = match *key {
            key if key.starts_with("rsa") => "RSA",
            key if key.starts_with("ec") => "EC/ECDSA",
            _ => "DSA",
        };
        assert!(text.contains(expected), "{key}: {text}");
    }
}

#[test]
fn python_cryptography_reads_what_is_written() {
    const SCRIPT: &str = "
import sys, json, base64
from cryptography.hazmat.primitives.serialization import *
private = load_der_private_key(open(sys.argv[1], 'rb').read(), None)
encrypted = load_pem_private_key(open(sys.argv[2], 'rb').read(), b'correct horse')
form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
public = private.public_key().public_bytes(*form)
assert public == encrypted.public_key().public_bytes(*form)
sys.stdout.buffer.write(public)
";
    let desk = Desk::new();
    for key in &KEYS[..4] {
        let plain = desk.convert(key, "pkcs8", &[]);
        let encrypted =
            desk.convert(key, "pkcs8-pem", &["--out-password-source", "env:PASSWORD", "--iterations", "2000"]);
        let mut command = tool("python3");
        command.args(["-c", SCRIPT, &plain, &encrypted]);
        assert_eq!(Run::of(command, None).ok().stdout, bytes(&desk.convert(key, "spki", &[])), "{key}");
    }
}

#[test]
fn every_encryption_that_is_offered_opens_in_openssl_and_here() {
    let desk = Desk::new();
    let key = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
    for scheme in ["aes128-sha1", "aes192-sha256", "aes256-sha384", "aes256-sha512", "3des-sha256", "pkcs12-3des"] {
        let options = ["--out-password-source", "env:PASSWORD", "--encryption", scheme, "--iterations", "1234"];
        let file = desk.convert(key, "pkcs8", &options);
        let opened = openssl(
            &[
                "pkcs8",
                "-in",
                &file,
                "-inform",
                "DER",
                "-passin",
                "pass:correct horse",
                "-outform",
                "DER",
                "-topk8",
                "-nocrypt",
            ],
            None,
        );
        assert_eq!(opened, bytes(&vector(key)), "{scheme}");
        let back = desk.path("back");
        desk.cng11(&["convert", &file, "--to", "pkcs8", "--password-source", "env:PASSWORD", "-o", &back]).ok();
        assert_eq!(bytes(&back), bytes(&vector(key)), "{scheme}");
    }
}

#[test]
fn a_password_that_the_input_does_not_need_encrypts_the_output() {
    let desk = Desk::new();
    let out = desk.convert("rsa2048-e65537.RSAPRIVATEBLOB.bin", "pkcs8", &["--password-source", "env:PASSWORD"]);
    assert_eq!(desk.error(&["inspect", &out], 4)["status"], "NTE_INCORRECT_PASSWORD");
    let inspected = desk.json(&["inspect", &out, "--password-source", "env:PASSWORD"]);
    assert_eq!(inspected["consistent"], true);
    // And one that it needs does not.
    let plain = desk.path("plain");
    desk.cng11(&["convert", &out, "--to", "pkcs8", "--password-source", "env:PASSWORD", "-o", &plain]).ok();
    assert_eq!(desk.json(&["inspect", &plain])["consistent"], true);
}

#[test]
fn private_output_is_for_its_owner_alone_and_replaces_what_was_there() {
    let desk = Desk::new();
    for (to, mode) in [("pkcs8-pem", 0o600), ("jwk", 0o600), ("spki-pem", 0o644), ("ECCPUBLICBLOB", 0o644)] {
        let out = desk.path(to);
        std::fs::write(&out, "something else").unwrap();
        desk.cng11(&["convert", &vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), "--to", to, "-o", &out]).ok();
        assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, mode, "{to}");
    }
    assert_eq!(std::fs::read_dir(desk.0.path()).unwrap().count(), 4, "no temporary file is left");
}

#[test]
fn stdin_and_stdout_are_a_file_each() {
    let desk = Desk::new();
    let key = bytes(&vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"));
    let pem = desk.cng11_with(&["convert", "-", "--to", "pkcs8-pem"], Some(&key)).ok().stdout;
    assert!(pem.starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
    let back = desk.cng11_with(&["convert", "-", "--to", "PKCS8_PRIVATEKEY", "-o", "-"], Some(&pem)).ok().stdout;
    assert_eq!(back, key);
    let document = desk.json(&["convert", &vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), "--to", "sec1"]);
    assert_eq!((&document["from"], &document["type"]), (&"PKCS8_PRIVATEKEY".into(), &"sec1".into()));
    assert_eq!(document["length"], document["data"].as_str().unwrap().len() / 2);
}

#[test]
fn the_curve_is_given_where_it_is_missing_and_must_fit_where_it_is_not() {
    let desk = Desk::new();
    let blob = vector("ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin");
    let error = desk.error(&["convert", &blob, "--to", "pkcs8"], 1);
    assert!(error["hint"].as_str().unwrap().contains("--curve"), "{error}");
    let out = desk.convert("ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", "pkcs8", &["--curve", "secP256k1"]);
    assert_eq!(bytes(&out), bytes(&vector("ec-secP256k1.PKCS8_PRIVATEKEY.bin")));
    // The same curve beside a file that names it is fine, another one is not.
    desk.convert("ec-secP256k1.PKCS8_PRIVATEKEY.bin", "jwk", &["--curve", "secP256k1"]);
    desk.error(&["convert", &vector("ec-secP256k1.PKCS8_PRIVATEKEY.bin"), "--to", "jwk", "--curve", "nistP256"], 1);
}

#[test]
fn an_elliptic_curve_key_changes_its_family_when_asked() {
    let desk = Desk::new();
    let out = desk.convert("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ECCPRIVATEBLOB", &["--algorithm", "ECDH_P256"]);
    assert_eq!(bytes(&out), bytes(&vector("ec-nistP256.ECDH.ECCPRIVATEBLOB.bin")));
    let blob = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    desk.error(&["convert", &blob, "--to", "ECCPRIVATEBLOB", "--algorithm", "ECDH_P384"], 1);
    desk.error(&["convert", &blob, "--to", "ECCPRIVATEBLOB", "--algorithm", "RSA"], 1);
}

#[test]
fn a_loss_is_a_warning_and_stands_in_the_document() {
    let desk = Desk::new();
    let file = vector("more/dsa2048.usage-digitalSignature.PKCS8_PRIVATEKEY.bin");
    let out = desk.path("out");
    desk.cng11(&["convert", &file, "--to", "dsa", "-o", &out]).ok().says("warning: lost: the usage (sign)");
    let document = desk.json(&["convert", &file, "--to", "dsa", "-o", &out]);
    assert_eq!(document["losses"].as_array().unwrap().len(), 1, "{document}");
    let spki = desk.json(&["convert", &file, "--to", "spki", "-o", &out]);
    assert!(spki["losses"].to_string().contains("private half"), "{spki}");
}

#[test]
fn what_a_target_cannot_hold_is_refused_by_name() {
    let desk = Desk::new();
    for (file, to, words) in [
        ("rsa2048-e65537.PKCS8_PRIVATEKEY.bin", "ECCPRIVATEBLOB", "an RSA private key"),
        ("rsa2048-e65537.spki.bin", "pkcs8", "an RSA public key"),
        ("ec-nistP256.PKCS8_PRIVATEKEY.bin", "raw", "an elliptic-curve private key"),
        ("ec-brainpoolP256r1.PKCS8_PRIVATEKEY.bin", "jwk", "brainpoolP256r1"),
        ("more/mldsa65-kat.expanded.PKCS8_PRIVATEKEY.bin", "PQDSAPRIVATESEEDBLOB", "seed"),
        ("more/ed25519.PKCS8_PRIVATEKEY.bin", "ECCPRIVATEBLOB", "ECCPRIVATEBLOB cannot hold"),
        ("rsa2048-bige.PKCS8_PRIVATEKEY.bin", "CAPIPRIVATEBLOB", "32 bits"),
    ] {
        let error = desk.error(&["convert", &vector(file), "--to", to], 1);
        assert!(error["message"].as_str().unwrap().contains(words), "{file} to {to}: {error}");
        assert!(!error["hint"].is_null(), "{error}");
    }
}

#[test]
fn an_option_without_effect_is_refused() {
    let desk = Desk::new();
    let (ec, rsa) = ("ec-nistP256.PKCS8_PRIVATEKEY.bin", "rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    for (file, to) in
        [(ec, "jwk"), (ec, "ECCPRIVATEBLOB"), (rsa, "pkcs8"), ("more/ed25519.PKCS8_PRIVATEKEY.bin", "spki")]
    {
        let error = desk.error(&["convert", &vector(file), "--to", to, "--explicit-parameters"], 1);
        assert!(error["message"].as_str().unwrap().contains("parameters"), "{file} to {to}: {error}");
    }
    for to in ["pkcs8", "sec1", "spki"] {
        let out = desk.convert(ec, to, &["--explicit-parameters"]);
        let parsed = openssl(&["asn1parse", "-in", &out, "-inform", "DER"], None);
        let parsed = String::from_utf8(parsed).unwrap();
        assert!(parsed.contains("prime-field") && !parsed.contains("prime256v1"), "{to}: {parsed}");
    }
    for (file, usage) in [(rsa, "agree"), (ec, "decrypt"), ("more/ed25519.PKCS8_PRIVATEKEY.bin", "agree")] {
        let error = desk.error(&["convert", &vector(file), "--to", "pkcs8", "--usage", usage], 2);
        assert!(error["message"].as_str().unwrap().contains(usage), "{file}: {error}");
    }
}

#[test]
fn a_file_with_several_keys_asks_which() {
    let desk = Desk::new();
    let one = openssl(&["pkey", "-in", &vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), "-inform", "DER"], None);
    let two = openssl(&["pkey", "-in", &vector("rsa2048-e65537.PKCS8_PRIVATEKEY.bin"), "-inform", "DER"], None);
    let both = desk.path("both.pem");
    std::fs::write(&both, [one, two].concat()).unwrap();
    let error = desk.error(&["convert", &both, "--to", "pkcs8"], 1);
    assert!(error["message"].as_str().unwrap().contains("2 keys"), "{error}");
    let out = desk.path("out");
    desk.cng11(&["convert", &both, "--to", "pkcs8", "--key", "2", "-o", &out]).ok();
    assert_eq!(bytes(&out), bytes(&vector("rsa2048-e65537.PKCS8_PRIVATEKEY.bin")));
    let keys = desk.json(&["inspect", &both])["keys"].clone();
    assert_eq!((&keys[0]["algorithm"], &keys[1]["algorithm"]), (&"ECDSA_P256".into(), &"RSA".into()));
    let id = keys[0]["ids"]["cng11"].as_str().unwrap();
    desk.cng11(&["convert", &both, "--to", "pkcs8", "--key", id, "-o", &out]).ok();
    assert_eq!(bytes(&out), bytes(&vector("ec-nistP256.PKCS8_PRIVATEKEY.bin")));
    desk.error(&["convert", &both, "--to", "pkcs8", "--key", "3"], 1);
}

#[test]
fn a_pfx_carries_key_name_and_certificate_there_and_back() {
    let desk = Desk::new();
    let (key, certificate, pfx) = (desk.path("key.pem"), desk.path("cert.pem"), desk.path("x.pfx"));
    desk.cng11(&["convert", &vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), "--to", "pkcs8-pem", "-o", &key]).ok();
    openssl(&["req", "-x509", "-new", "-key", &key, "-subj", "/CN=test", "-days", "7", "-out", &certificate], None);
    let options = ["--out-password-source", "env:PASSWORD", "--name", "my key", "--cert", &certificate];
    desk.cng11(&[&["convert", &key, "--to", "pkcs12", "-o", &pfx], &options[..]].concat()).ok();
    let listed = openssl(&["pkcs12", "-in", &pfx, "-passin", "pass:correct horse", "-nodes"], None);
    assert!(contains(&listed, b"friendlyName: my key") && contains(&listed, b"-----BEGIN CERTIFICATE-----"));
    let inspected = desk.json(&["inspect", &pfx, "--password-source", "env:PASSWORD"]);
    assert_eq!((&inspected["name"], &inspected["certificates"]), (&"my key".into(), &1.into()));
    assert_eq!(inspected["ids"]["keytool"], "6d79206b6579");
    desk.error(&["inspect", &pfx, "--password-source", "env:EMPTY"], 4);
    // The certificate is a source of a public key, and the two files hold the same.
    let compared = desk.json(&["inspect", &pfx, &certificate, "--password-source", "env:PASSWORD"]);
    assert_eq!(compared["same_key"], true);
    // Without a password there is no PFX.
    assert_eq!(desk.error(&["convert", &key, "--to", "pkcs12", "-o", &pfx], 2)["layer"], "cli");
    // Another key's certificate is of no use.
    let other = vector("ec-nistP384.PKCS8_PRIVATEKEY.bin");
    desk.error(&[&["convert", &other, "--to", "pkcs12", "-o", &pfx], &options[..]].concat(), 2);
}

#[test]
fn iterations_beyond_the_limit_are_refused_with_the_option_that_raises_it() {
    let desk = Desk::new();
    let options = ["--out-password-source", "env:PASSWORD", "--iterations", "5000"];
    let file = desk.convert("ec-nistP256.PKCS8_PRIVATEKEY.bin", "pkcs8", &options);
    let arguments = ["inspect", &file, "--password-source", "env:PASSWORD", "--max-iterations"];
    let error = desk.error(&[&arguments[..], &["4999"]].concat(), 1);
    assert!(error["message"].as_str().unwrap().contains("5000"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--max-iterations"), "{error}");
    desk.json(&[&arguments[..], &["5000"]].concat());
}

#[test]
fn memory_for_scrypt_is_bounded_by_an_option() {
    let desk = Desk::new();
    let (key, file) = (vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), desk.path("scrypt.der"));
    let options = ["-scrypt", "-scrypt_N", "16384", "-scrypt_r", "8", "-passout", "pass:correct horse"];
    let files = ["pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-in", &key, "-out", &file];
    openssl(&[&files[..], &options[..]].concat(), None);
    let arguments = ["inspect", &file, "--password-source", "env:PASSWORD", "--max-scrypt-memory"];
    let error = desk.error(&[&arguments[..], &["15"]].concat(), 1);
    assert!(error["hint"].as_str().unwrap().contains("--max-scrypt-memory"), "{error}");
    desk.json(&[&arguments[..], &["16"]].concat());
}

#[test]
fn of_several_keys_the_good_ones_are_read_and_a_wrong_password_is_one() {
    let desk = Desk::new();
    let good = std::fs::read_to_string(desk.convert("ec-nistP256.PKCS8_PRIVATEKEY.bin", "pkcs8-pem", &[])).unwrap();
    let bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let file = desk.path("both.pem");
    std::fs::write(&file, format!("{bad}{good}")).unwrap();
    let out = desk.path("out.der");
    desk.cng11(&["convert", &file, "--to", "pkcs8", "-o", &out, "--key", "2"]).ok();
    assert_eq!(bytes(&out), bytes(&vector("ec-nistP256.PKCS8_PRIVATEKEY.bin")));
    // Without a choice nothing is chosen.
    assert!(desk.error(&["convert", &file, "--to", "pkcs8", "-o", &out], 1).to_string().contains("key 1"));
    desk.error(&["convert", &file, "--to", "pkcs8", "-o", &out, "--key", "1"], 1);
    assert_eq!(desk.json(&["inspect", &file, "--key", "2"])["consistent"], true);
    let options = ["--out-password-source", "env:PASSWORD", "--iterations", "2000"];
    let locked = desk.convert("ec-nistP256.PKCS8_PRIVATEKEY.bin", "pkcs8-pem", &options);
    std::fs::write(&file, std::fs::read_to_string(locked).unwrap().repeat(2)).unwrap();
    desk.error(&["convert", &file, "--to", "pkcs8", "-o", &out, "--password-source", "env:EMPTY"], 4);
}

#[test]
fn inspect_shows_private_values_only_when_asked() {
    let desk = Desk::new();
    let file = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    let d: String = bytes(&file)[72..].iter().map(|byte| format!("{byte:02x}")).collect();
    for arguments in [&["inspect", &file][..], &["inspect", &file, "--json"]] {
        assert!(!desk.cng11(arguments).ok().text().contains(&d));
        assert!(desk.cng11(&[arguments, &["--show-private"]].concat()).ok().text().contains(&d));
    }
}

#[test]
fn inspect_names_the_identifiers_of_five_tools() {
    let desk = Desk::new();
    // As p11tool, certutil and pkcs15-init compute them; `openssl x509 -ext subjectKeyIdentifier` is the first one.
    let spki = bytes(&vector("rsa2048-e65537.spki.bin"));
    let inspected = desk.json(&["inspect", &vector("rsa2048-e65537.RSAPUBLICBLOB.bin")]);
    let sha1 = |data: &[u8]| -> String {
        let digest = openssl(&["dgst", "-sha1", "-binary"], Some(data));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let modulus = &bytes(&vector("rsa2048-e65537.RSAPUBLICBLOB.bin"))[27..283];
    assert_eq!(inspected["ids"]["p11tool"], sha1(&spki));
    assert_eq!(inspected["ids"]["certutil"], sha1(modulus));
    assert_eq!(inspected["ids"]["pkcs15-init"], sha1(modulus));
    // The BIT STRING's contents follow the 24 bytes of its surroundings in a 2048-bit key.
    assert_eq!(inspected["ids"]["cng11"], sha1(&spki[24..]));
    let digest = openssl(&["dgst", "-sha256", "-binary"], Some(&spki));
    let fingerprint: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(inspected["fingerprint_sha256"], fingerprint);
}

#[test]
fn two_files_hold_the_same_key_or_not() {
    let desk = Desk::new();
    let same = [
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", "rsa2048-e65537.spki.bin"),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec-nistP256.ECDH.ECCPUBLICBLOB.bin"),
        ("aes128.KeyDataBlob.bin", "aes128.CipherKeyBlob.bin"),
        ("more/mldsa65-kat.PQDSAPRIVATEBLOB.bin", "more/mldsa65-kat.PQDSAPRIVATESEEDBLOB.bin"),
    ];
    for (one, other) in same {
        let document = desk.json(&["inspect", &vector(one), &vector(other)]);
        assert_eq!(document["same_key"], true, "{one} {other}");
        assert_eq!(document["files"].as_array().unwrap().len(), 2);
    }
    for (one, other) in [
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", "rsa2048-e3.spki.bin"),
        ("ec-nistP256.spki.bin", "ec-nistP384.spki.bin"),
        ("aes128.KeyDataBlob.bin", "aes256.KeyDataBlob.bin"),
        ("aes128.KeyDataBlob.bin", "ec-nistP256.spki.bin"),
    ] {
        let run = desk.cng11(&["inspect", &vector(one), &vector(other), "--json"]).code(1);
        assert_eq!(run.json()["same_key"], false, "{one} {other}");
    }
}

#[test]
fn a_broken_file_is_told_for_what_it_most_looks_like_and_where_it_stops() {
    let desk = Desk::new();
    for (file, kind) in [
        ("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", "RSAFULLPRIVATEBLOB"),
        ("rsa2048-e65537.PKCS8_PRIVATEKEY.bin", "PKCS8_PRIVATEKEY"),
        ("ec-nistP256.spki.bin", "spki"),
        ("more/dsa2048.DSAPRIVATEBLOB.bin", "DSAPRIVATEBLOB"),
    ] {
        let whole = bytes(&vector(file));
        let broken = desk.path("broken");
        std::fs::write(&broken, &whole[..whole.len() * 2 / 3]).unwrap();
        let error = desk.error(&["inspect", &broken], 1);
        let guess = &error["guesses"][0];
        assert_eq!(guess["type"], kind, "{error}");
        assert!(guess["offset"].is_u64() && guess["problem"].is_string(), "{error}");
    }
}

#[test]
fn domain_parameters_and_sealed_blobs_are_shown_and_not_converted() {
    let desk = Desk::new();
    for file in [
        "more/curve-nistP256.ECCParameters.bin",
        "more/dsa2048.DSAParameters.bin",
        "more/dh2048-ffdhe.DHParameters.bin",
    ] {
        let inspected = desk.json(&["inspect", &vector(file)]);
        assert!(inspected["holds"].as_str().unwrap().contains("parameters"), "{file}: {inspected}");
        assert!(inspected["fields"].as_array().unwrap().len() > 4, "{file}");
        assert!(inspected["consistent"].is_null());
        let error = desk.error(&["convert", &vector(file), "--to", "pkcs8"], 1);
        assert!(error["message"].as_str().unwrap().contains("no key"), "{file}: {error}");
    }
    for file in [
        "more/opaque-kdf0.KDFKeyBlob.bin",
        "more/opaque-tpm0.PcpTpmProtectedKeyBlob.bin",
        "more/opaque-protected0.ProtectedKeyBlob.bin",
    ] {
        let kind = ["--type", file.split('.').nth(1).unwrap()];
        let inspected = desk.json(&[&["inspect", &vector(file)], &kind[..]].concat());
        assert!(!inspected["holds"].as_str().unwrap().is_empty(), "{file}: {inspected}");
        let error = desk.error(&[&["convert", &vector(file), "--to", "pkcs8"], &kind[..]].concat(), 1);
        assert!(error["message"].as_str().unwrap().contains(inspected["holds"].as_str().unwrap()), "{file}: {error}");
    }
}

#[test]
fn usage_errors_are_told_before_anything_is_read() {
    let desk = Desk::new();
    // There is no such file: another error would say so.
    let key = desk.path("missing");
    for arguments in [
        &["convert", &key][..],
        &["convert", &key, "--to", "nonsense"],
        &["convert", &key, "--to", "pkcs8", "--encryption", "aes256-sha256"],
        &["convert", &key, "--to", "spki", "--out-password-source", "env:PASSWORD"],
        &["convert", &key, "--to", "pkcs8", "--iterations", "0"],
        &["inspect", &key, "--other-type", "spki"],
        &["inspect", &key, "--max-iterations", "0"],
    ] {
        desk.error(arguments, 2);
    }
}

#[test]
fn a_private_key_of_448_bits_without_its_public_half_goes_through_and_is_missed_where_that_is_needed() {
    let desk = Desk::new();
    for algorithm in ["X448", "ED448"] {
        let (pem, der, back) = (desk.path("key.pem"), desk.path("key.der"), desk.path("back.pem"));
        openssl(&["genpkey", "-algorithm", algorithm, "-out", &pem], None);
        let document = desk.json(&["convert", &pem, "--to", "pkcs8", "-o", &der]);
        assert_eq!(document["losses"].as_array().unwrap().len(), 0, "{document}");
        desk.cng11(&["convert", &der, "--to", "pkcs8-pem", "-o", &back]).ok();
        assert_eq!(bytes(&back), bytes(&pem), "{algorithm}");
        let compared = desk.json(&["inspect", &der, &back]);
        assert_eq!(compared["same_key"], true);
        let inspected = desk.json(&["inspect", &pem]);
        assert_eq!((&inspected["consistent"], &inspected["private"]), (&Value::Null, &true.into()));
        for to in ["spki", "jwk"] {
            let error = desk.error(&["convert", &pem, "--to", to], 1);
            assert!(error["message"].as_str().unwrap().contains("public"), "{to}: {error}");
        }
    }
}

#[test]
fn whatever_was_encrypted_and_comes_out_in_the_clear_is_a_loss() {
    let desk = Desk::new();
    let options = ["--out-password-source", "env:PASSWORD", "--iterations", "1000"];
    let key = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
    for form in ["pkcs8", "pkcs8-pem", "pkcs12"] {
        let file = desk.convert(key, form, &options);
        let out = desk.path("out");
        let arguments = ["convert", &file, "--password-source", "env:PASSWORD", "-o", &out, "--to"];
        desk.cng11(&[&arguments[..], &["sec1"]].concat()).ok().says("warning: lost: the encryption");
        let spki = desk.json(&[&arguments[..], &["spki"]].concat());
        assert!(!spki["losses"].to_string().contains("encryption"), "{spki}");
        let again = desk.json(&[&arguments[..], &["pkcs8"], &options].concat());
        assert!(!again["losses"].to_string().contains("encryption"), "{again}");
    }
    let plain = desk.json(&["convert", &vector(key), "--to", "sec1"]);
    assert_eq!(plain["losses"].as_array().unwrap().len(), 0);
}

#[test]
fn a_new_password_is_asked_for_twice() {
    // A terminal of its own, on which the answers are typed when the questions have come.
    const SCRIPT: &str = "
import os, pty, sys
answers = sys.argv[1].split(',')
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, asked = b'', 0
try:
    while True:
        part = os.read(terminal, 1000)
        if not part:
            break
        seen += part
        if asked < len(answers) and seen.count(b': ') > asked:
            os.write(terminal, answers[asked].encode() + b'\\n')
            asked += 1
except OSError:
    pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";
    let desk = Desk::new();
    let (key, out) = (vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), desk.path("out"));
    let arguments =
        ["convert", &key, "--to", "pkcs8", "--out-password-source", "prompt", "--iterations", "1000", "-o", &out];
    let typed = |answers: &str| {
        let mut command = tool("python3");
        command.args(["-c", SCRIPT, answers, env!("CARGO_BIN_EXE_cng11")]).args(arguments);
        Run::of(command, None)
    };
    let text = typed("one,two").code(4).text();
    assert!(text.contains("new password for the output: ") && text.contains("not the same"), "{text}");
    assert!(!std::path::Path::new(&out).exists());
    typed("correct horse,correct horse").ok();
    desk.json(&["inspect", &out, "--password-source", "env:PASSWORD"]);
    // Where there is no terminal, the hint names the option that was used.
    for (option, arguments) in [
        ("--out-password-source", &arguments[..]),
        ("--password-source", &["inspect", &out, "--password-source", "prompt"]),
    ] {
        let error = desk.error(arguments, 4);
        assert!(error["hint"].as_str().unwrap().starts_with(&format!("give it with {option} ")), "{error}");
        assert!(!error["hint"].as_str().unwrap().contains("PIN"), "{error}");
    }
}

#[test]
fn the_second_file_has_a_key_and_a_password_of_its_own() {
    let desk = Desk::new();
    let key = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
    let one = desk.convert(key, "pkcs8", &["--out-password-source", "env:PASSWORD", "--iterations", "1000"]);
    let other = desk.path("other.p12");
    std::fs::write(desk.path("word"), "another\n").unwrap();
    let source = format!("file:{}", desk.path("word"));
    let options = ["--out-password-source", &source, "--iterations", "1000", "-o", &other];
    desk.cng11(&[&["convert", &vector(key), "--to", "pkcs12"], &options[..]].concat()).ok();
    let arguments = ["inspect", &one, &other, "--password-source", "env:PASSWORD"];
    desk.error(&arguments, 4);
    let compared = desk.json(&[&arguments[..], &["--other-password-source", &source]].concat());
    assert_eq!(compared["same_key"], true);
    let set = desk.path("set.jwks");
    std::fs::write(&set, r#"{"keys":[{"kty":"oct","kid":"o","k":"AAECAwQFBgcICQoLDA0ODw"},{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#).unwrap();
    let compared =
        desk.cng11(&["inspect", &one, &set, "--password-source", "env:PASSWORD", "--other-key", "e", "--json"]);
    assert_eq!(compared.code(1).json()["same_key"], false);
    // What is said of the algorithm is said of the key that is chosen.
    let document = desk.json(&["convert", &set, "--key", "o", "--algorithm", "HMAC", "--to", "CipherKeyBlob"]);
    assert_eq!(document["algorithm"], "HMAC");
    let error = desk.error(&["convert", &set, "--algorithm", "HMAC", "--to", "raw"], 1);
    assert!(error["message"].as_str().unwrap().contains("2 keys"), "{error}");
}

#[test]
fn parameters_without_a_key_are_called_by_their_name() {
    let desk = Desk::new();
    let (der, pem) = (desk.path("dh.der"), desk.path("dh.pem"));
    let group = ["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:modp_2048", "-out"];
    openssl(&[&group[..], &[&pem]].concat(), None);
    openssl(&["dhparam", "-in", &pem, "-outform", "DER", "-out", &der], None);
    let curve = desk.path("curve");
    openssl(&["ecparam", "-name", "prime256v1", "-out", &curve], None);
    for (file, words) in [(&der, "Diffie–Hellman"), (&pem, "Diffie–Hellman"), (&curve, "elliptic curve")] {
        for command in [&["inspect", file][..], &["convert", file, "--to", "spki"]] {
            let error = desk.error(command, 1);
            assert!(error["message"].as_str().unwrap().contains(words), "{error}");
            assert!(error["message"].as_str().unwrap().contains("parameters"), "{error}");
        }
    }
}

#[test]
fn files_of_other_programs_are_called_by_their_name_with_what_helps() {
    let desk = Desk::new();
    let key = desk.path("key.pem");
    openssl(&["pkey", "-in", &vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"), "-inform", "DER", "-out", &key], None);
    let request = openssl(&["req", "-new", "-key", &key, "-subj", "/CN=x"], None);
    let request_der = openssl(&["req", "-new", "-key", &key, "-subj", "/CN=x", "-outform", "DER"], None);
    let certificate = vector("pfx/ec.crt.bin");
    let pem = openssl(&["x509", "-in", &certificate, "-inform", "DER"], None);
    std::fs::write(desk.path("cert.pem"), &pem).unwrap();
    let pkcs7 =
        |form: &str| openssl(&["crl2pkcs7", "-nocrl", "-certfile", &desk.path("cert.pem"), "-outform", form], None);
    let body: Vec<u8> = {
        let text = String::from_utf8(bytes(&key)).unwrap();
        text.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n").into_bytes()
    };
    let hex: String = bytes(&vector("aes256.raw.bin")).iter().map(|byte| format!("{byte:02x}")).collect();
    let wide: Vec<u8> = bytes(&key).iter().flat_map(|byte| [*byte, 0]).collect();
    let marked = [&[0xFF, 0xFE][..], &wide].concat();
    let files: &[(&[u8], &str, &str)] = &[
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "OpenSSH", "ssh-keygen -p"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== a@b\n", "SSH public key", "ssh-keygen -e"),
        (b"ecdsa-sha2-nistp256 AAAA a@b\n", "SSH public key", "ssh-keygen -e"),
        (&request, "certificate request", "openssl req"),
        (&request_der, "certificate request", "openssl req"),
        (&pkcs7("PEM"), "PKCS#7", "openssl pkcs7"),
        (&pkcs7("DER"), "PKCS#7", "openssl pkcs7"),
        (b"<RSAKeyValue><Modulus>AQAB</Modulus></RSAKeyValue>", ".NET", "ExportPkcs8"),
        (b"\x1e\xf1\xb5\xb0\0\0\0\0\x02\0\0\0", "PVK", "openssl rsa"),
        (b"AGE-SECRET-KEY-1QQQQ\n", "age", "X25519"),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n", "OpenPGP", "gpg"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY", "puttygen"),
        (b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01", "JKS", "keytool"),
        (b"\xce\xce\xce\xce\0\0\0\x02\0\0\0\x01", "JCEKS", "keytool"),
        (&body, "base64", "base64 -d"),
        (hex.as_bytes(), "hexadecimal", "xxd"),
        (&wide, "UTF-16", "iconv"),
        (&marked, "UTF-16", "iconv"),
        (b"", "the file is empty", "check"),
    ];
    for (contents, words, hint) in files {
        let file = desk.path("foreign");
        std::fs::write(&file, contents).unwrap();
        for command in [&["inspect", &file][..], &["convert", &file, "--to", "pkcs8"]] {
            let error = desk.error(command, 1);
            assert!(error["message"].as_str().unwrap().contains(words), "{words}: {error}");
            assert!(error["hint"].as_str().unwrap().contains(hint), "{words}: {error}");
            assert!(error["guesses"].is_null(), "{words}: {error}");
        }
    }
}

#[test]
fn a_message_says_nothing_twice_and_blames_what_is_wrong() {
    let desk = Desk::new();
    let key = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
    let locked = desk.convert(key, "pkcs8", &["--out-password-source", "env:PASSWORD", "--iterations", "1000"]);
    for arguments in [&["inspect", &locked][..], &["inspect", &locked, "--password-source", "env:EMPTY"]] {
        let error = desk.error(arguments, 4);
        assert!(!error["message"].as_str().unwrap().contains("looks"), "{error}");
        assert!(!error["hint"].as_str().unwrap().contains("imported"), "{error}");
    }
    let blob = desk.path("cut");
    std::fs::write(&blob, &bytes(&vector("rsa2048-e65537.RSAPRIVATEBLOB.bin"))[..100]).unwrap();
    let error = desk.error(&["inspect", &blob], 1);
    assert!(!error["message"].as_str().unwrap().contains("looks most like"), "{error}");
    assert!(!error["hint"].as_str().unwrap().contains("cng11 inspect"), "{error}");
    for to in ["pkcs8", "sec1"] {
        let file = desk.convert(key, to, &[]);
        for option in [["--curve", "nistP384"], ["--algorithm", "ECDH_P384"]] {
            let error = desk.error(&[&["convert", &file, "--to", "spki"], &option[..]].concat(), 1);
            assert!(error["hint"].as_str().unwrap().contains("--curve"), "{error}");
            assert!(error["guesses"].is_null(), "{error}");
        }
    }
}

#[test]
fn the_help_lists_every_value_and_a_mistyped_one_finds_its_name() {
    let desk = Desk::new();
    let help = desk.cng11(&["help", "convert"]).ok().text();
    for value in ["ECCFULLPRIVATEBLOB", "pkcs8-pem", "aes256-sha256", "pkcs12-3des", "ECDH_P384", "brainpoolP384r1"] {
        assert!(help.contains(value), "{value}");
    }
    assert!(!help.contains("[default: recognised"), "{help}");
    let key = vector("ec-nistP256.PKCS8_PRIVATEKEY.bin");
    for (arguments, words) in [
        (["--to", "pem"], "pkcs8-pem"),
        (["--to", "pkcs8pem"], "did you mean pkcs8-pem?"),
        (["--encryption", "aes257-sha256"], "did you mean"),
        (["--curve", "nistp255"], "did you mean nistP256?"),
        (["--algorithm", "ECDSA_P25"], "did you mean ECDSA_P256?"),
    ] {
        let error = desk.error(&[&["convert", &key], &arguments[..]].concat(), 2);
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    desk.convert(
        "ec-nistP256.PKCS8_PRIVATEKEY.bin",
        "pkcs8",
        &["--encryption", "aes-256-cbc", "--out-password-source", "env:PASSWORD", "--iterations", "1000"],
    );
}
