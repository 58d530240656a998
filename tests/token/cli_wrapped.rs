//! Wrapped and encrypted keys, both ways, against openssl and against vectors that nobody here wrapped.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use serde_json::json;

use crate::support::{TestToken, manifest, openssl, vector, vector_text};

const KWP_KEYS: &[&str] = &["rsa2048-e65537", "ec-nistP256", "ec-nistP384", "ec-nistP521"];

fn token_with_kek() -> TestToken {
    let token = TestToken::new();
    token.keep_secret(&vector("kek256.raw.bin"));
    token.import("kek256.raw.bin", "kek256", &["--algorithm", "AES", "--usage", "wrap"]);
    token
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 5649 unwrapping by openssl, outside the token.
fn openssl_unwraps(wrapped: &str) -> Vec<u8> {
    let kek = hex(&vector("kek256.raw.bin"));
    openssl(&["enc", "-d", "-id-aes256-wrap-pad", "-K", &kek, "-iv", "A65959A6", "-in", wrapped], None)
}

fn openssl_wraps(plain: &[u8]) -> Vec<u8> {
    let kek = hex(&vector("kek256.raw.bin"));
    openssl(&["enc", "-e", "-id-aes256-wrap-pad", "-K", &kek, "-iv", "A65959A6"], Some(plain))
}

/// A private key as openssl writes it, from whatever openssl reads.
fn openssl_normal(der: &[u8]) -> Vec<u8> {
    openssl(&["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], Some(der))
}

#[test]
fn rfc3565_blobs_under_a_kek_on_the_token_equal_the_vectors_both_ways() {
    let token = token_with_kek();
    token.keep_secret(&vector("kek128.raw.bin"));
    token.import("kek128.raw.bin", "kek128", &["--algorithm", "AES", "--usage", "wrap"]);
    for key in ["aes128", "aes192", "aes256"] {
        token.import(&format!("{key}.raw.bin"), key, &["--algorithm", "AES", "--export-policy", "encrypted"]);
        for kek in ["kek128", "kek256"] {
            let file = format!("{key}.{kek}.Rfc3565KeyWrapBlob.bin");
            let wrap = ["--wrap-key", kek];
            let exported = token.export(key, "Rfc3565KeyWrapBlob", &wrap);
            assert!(exported == vector(&file), "{file}");
            // A bare key by the scheme kw is the same.
            let raw = token.export(key, "raw", &[&wrap[..], &["--scheme", "kw"]].concat());
            assert!(raw == exported, "{file}");

            token.cng11(&["delete", key, "--yes"]).ok();
            let name = format!("{key} under {kek}");
            let more = ["--type", "Rfc3565KeyWrapBlob", "--unwrap-key", kek, "--export-policy", "plaintext"];
            let document = token.import(&file, &name, &more);
            assert_eq!(document["route"], "unwrap", "{name}");
            assert_eq!(document["algorithm"], "AES", "{name}");
            assert_eq!(document["bits"], key[3..].parse::<u64>().expect("bits"), "{name}");
            let exported = token.export(&name, "raw", &["--allow-plaintext"]);
            assert!(exported == vector(&format!("{key}.raw.bin")), "{name}");
            token.import(&format!("{key}.raw.bin"), key, &["--algorithm", "AES", "--export-policy", "encrypted"]);
        }
    }
}

#[test]
fn an_unwrapped_aes_key_works() {
    let token = token_with_kek();
    let more = ["--type", "Rfc3565KeyWrapBlob", "--unwrap-key", "kek256"];
    token.import("aes256.kek256.Rfc3565KeyWrapBlob.bin", "cipher", &more);
    token.import("aes256.kek256.Rfc3565KeyWrapBlob.bin", "wrapper", &[&more[..], &["--usage", "wrap"]].concat());
    assert_eq!(token.json(&["show", "cipher"])["usage"], json!(["decrypt"]));
    assert_eq!(token.json(&["show", "cipher"])["export_policy"], json!([]));

    let id = token.json(&["show", "cipher"])["id"].as_str().expect("an id").to_owned();
    let plain = token.file("plain", [7; 32]);
    let cipher = token.path_text("cipher");
    token.pkcs11_tool(&["--encrypt", "--id", &id, "-m", "AES-ECB", "-i", &plain, "-o", &cipher]).ok();
    let key = hex(&vector("aes256.raw.bin"));
    let expected = openssl(&["enc", "-aes-256-ecb", "-nopad", "-K", &key, "-in", &plain], None);
    assert!(token.read("cipher") == expected);

    // And as a KEK it wraps what openssl unwraps.
    token.import("aes128.raw.bin", "passenger", &["--algorithm", "AES", "--export-policy", "encrypted"]);
    let wrapped = token.export("passenger", "Rfc3565KeyWrapBlob", &["--wrap-key", "wrapper"]);
    let iv = "A6A6A6A6A6A6A6A6";
    let plain = openssl(&["enc", "-d", "-id-aes256-wrap", "-K", &key, "-iv", iv], Some(&wrapped));
    assert!(plain == vector("aes128.raw.bin"));
}

#[test]
fn an_aes_key_travels_by_kwp_too() {
    let token = token_with_kek();
    token.import("aes192.raw.bin", "key", &["--algorithm", "AES", "--export-policy", "encrypted"]);
    let path = token.path_text("wrapped");
    token.cng11(&["export", "key", "--type", "raw", "--wrap-key", "kek256", "-o", &path]).ok();
    assert!(openssl_unwraps(&path) == vector("aes192.raw.bin"));
    token.cng11(&["delete", "key", "--yes"]).ok();
    let import = ["import", &path, "--name", "back", "--type", "raw", "--algorithm", "AES", "--unwrap-key", "kek256"];
    let document = token.json(&[&import[..], &["--export-policy", "plaintext"]].concat());
    assert_eq!(document["bits"], 192);
    assert!(token.export("back", "raw", &["--allow-plaintext"]) == vector("aes192.raw.bin"));
}

#[test]
fn a_private_key_wrapped_by_the_token_is_the_same_key_to_openssl() {
    let token = token_with_kek();
    for key in [
        "rsa1024-e3",
        "rsa2047-e17",
        "rsa2048-bige",
        "rsa2048-unequal-primes",
        "rsa2048-e65537",
        "rsa3072-e3",
        "rsa4096-e65537",
        "ec-nistP256",
        "ec-nistP256-shortd",
        "ec-nistP384",
        "ec-nistP521",
        "ec-nistP521-shortd",
        "ec-secP256k1",
        "ec-brainpoolP256r1",
        "ec-brainpoolP384r1",
        "ec-brainpoolP512r1",
    ] {
        token.import(&format!("{key}.PKCS8_PRIVATEKEY.bin"), key, &["--export-policy", "encrypted"]);
        let path = token.path_text("wrapped");
        let export = ["export", key, "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek256", "--force", "-o", &path];
        let document = token.json(&export);
        assert_eq!(document["zero_padded"], true, "{key}: SoftHSM 2.6 puts zeros behind a PKCS#8");
        token.cng11(&export).ok().says("warning: ").says("zero");
        let plain = openssl_unwraps(&path);
        openssl(&["pkey", "-inform", "DER", "-noout", "-check"], Some(&plain));
        // SoftHSM leaves the point of an EC key out; openssl computes it from the scalar.
        let public = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], Some(&plain));
        assert!(public == vector(&format!("{key}.spki.bin")), "{key}");
        if key.starts_with("rsa") {
            assert!(openssl_normal(&plain) == vector(&format!("{key}.PKCS8_PRIVATEKEY.bin")), "{key}");
        }

        // And back again, zeros and all: beside the original only with what that may do, without it as one likes.
        let beside = ["import", &path, "--name", "gains", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek256"];
        if key != "ec-brainpoolP512r1" {
            let error = token.json_error(&[&beside[..], &["--export-policy", "plaintext"]].concat(), 3);
            assert_eq!(error["status"], "NTE_PERM", "{key}");
        }
        token.cng11(&["delete", key, "--yes"]).ok();
        let import = [
            "import",
            &path,
            "--name",
            "back",
            "--overwrite",
            "--unwrap-key",
            "kek256",
            "--export-policy",
            "plaintext",
        ];
        if key == "ec-brainpoolP512r1" {
            // There is no arithmetic here to find its public half by.
            token.cng11(&[&import[..], &["--type", "PKCS8_PRIVATEKEY"]].concat()).code(3).says("hint: ");
            continue;
        }
        token.json(&[&import[..], &["--type", "PKCS8_PRIVATEKEY"]].concat());
        let back = token.export("back", "PKCS8_PRIVATEKEY", &["--allow-plaintext"]);
        assert!(back == vector(&format!("{key}.PKCS8_PRIVATEKEY.bin")), "{key}: back again");
    }
}

#[test]
fn wrapped_private_keys_of_others_are_imported_without_naming_their_algorithm() {
    let token = token_with_kek();
    let data = token.file("data", "what is signed");
    let signature = token.path_text("signature");
    for key in KWP_KEYS {
        let theirs = token.file("openssl.kwp", openssl_wraps(&vector(&format!("{key}.PKCS8_PRIVATEKEY.bin"))));
        for (maker, file) in [("vector", vector_text(&format!("{key}.kek256.kwp.bin"))), ("openssl", theirs)] {
            let name = format!("{key} by {maker}");
            let import = ["import", &file, "--name", &name, "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek256"];
            let document = token.json(&import);
            assert_eq!(document["route"], "unwrap", "{name}");
            assert_eq!(document["verified"], "signature", "{name}");
            assert_eq!(document["private"], true, "{name}");
            assert_eq!(document["public"], true, "{name}");
            assert_eq!(document["export_policy"], json!([]), "{name}");
            let usage = if key.starts_with("rsa") { json!(["sign", "decrypt"]) } else { json!(["sign"]) };
            assert_eq!(document["usage"], usage, "{name}");
            assert!(token.export(&name, "spki", &[]) == vector(&format!("{key}.spki.bin")), "{name}");
            token.cng11(&["sign", &name, "--format", "der", &data, "-o", &signature]).ok();
            let public = vector_text(&format!("{key}.spki.bin"));
            openssl(&["dgst", "-sha256", "-keyform", "DER", "-verify", &public, "-signature", &signature, &data], None);
        }
    }
}

#[test]
fn a_wrapped_key_may_only_do_what_was_asked() {
    let token = token_with_kek();
    for (key, options, usage, proof, algorithm) in [
        ("ec-nistP256", &["--usage", "agree"][..], json!(["agree"]), "agreement", "ECDH_P256"),
        ("ec-nistP384", &["--usage", "agree", "--algorithm", "ECDH"], json!(["agree"]), "agreement", "ECDH_P384"),
        ("ec-nistP384", &["--algorithm", "ECDH_P384"], json!(["agree"]), "agreement", "ECDH_P384"),
        ("ec-nistP521", &["--usage", "sign,agree"], json!(["sign", "agree"]), "signature", "ECDSA_P521"),
        ("ec-nistP256", &["--algorithm", "ECDSA_P256"], json!(["sign"]), "signature", "ECDSA_P256"),
        ("rsa2048-e65537", &["--usage", "decrypt"], json!(["decrypt"]), "decryption", "RSA"),
        ("rsa2048-e65537", &["--algorithm", "RSA"], json!(["sign", "decrypt"]), "signature", "RSA"),
    ] {
        let more = [&["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek256"], options].concat();
        let document = token.import(&format!("{key}.kek256.kwp.bin"), "key", &more);
        assert_eq!(document["usage"], usage, "{key} {options:?}");
        assert_eq!(document["verified"], proof, "{key} {options:?}");
        assert_eq!(document["algorithm"], algorithm, "{key} {options:?}");
        assert!(token.export("key", "spki", &[]) == vector(&format!("{key}.spki.bin")), "{key} {options:?}");
        assert_eq!(token.object_files(), 3, "{key} {options:?}: the KEK and the two objects of the key");
        token.cng11(&["delete", "key", "--yes"]).ok();
    }
}

#[test]
fn what_was_tampered_with_or_wrapped_under_another_key_leaves_nothing() {
    let token = token_with_kek();
    token.import("aes256.raw.bin", "other kek", &["--algorithm", "AES", "--usage", "wrap"]);
    let before = token.contents();
    for (file, kind) in [
        ("aes256.kek256.Rfc3565KeyWrapBlob.bin", "Rfc3565KeyWrapBlob"),
        ("rsa2048-e65537.kek256.kwp.bin", "PKCS8_PRIVATEKEY"),
        ("ec-nistP256.kek256.kwp.bin", "PKCS8_PRIVATEKEY"),
    ] {
        let good = vector(file);
        let mut cases = vec![("other kek", good.clone()), ("kek256", Vec::new()), ("kek256", good[..7].to_vec())];
        for at in [0, 8, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            cases.push(("kek256", bad));
        }
        cases.push(("kek256", good[..good.len() - 8].to_vec()));
        cases.push(("kek256", good[..good.len() - 1].to_vec()));
        cases.push(("kek256", [&good[..], &[0; 8]].concat()));
        for (number, (kek, bytes)) in cases.iter().enumerate() {
            let path = token.file("tampered", bytes);
            let error = token.json_error(&["import", &path, "--name", "x", "--type", kind, "--unwrap-key", kek], 1);
            assert_eq!(error["status"], "NTE_BAD_DATA", "{file} {number}: {error}");
            assert!(error["hint"].is_string(), "{file} {number}: {error}");
            assert_eq!(token.contents(), before, "{file} {number}");
        }
    }
}

#[test]
fn a_wrapped_file_needs_its_key_and_its_type() {
    let token = token_with_kek();
    let before = token.contents();
    let blob = vector_text("aes256.kek256.Rfc3565KeyWrapBlob.bin");
    let kwp = vector_text("ec-nistP256.kek256.kwp.bin");
    for (arguments, code) in [
        (&["import", &blob, "--name", "x", "--unwrap-key", "kek256"][..], 2),
        (&["import", &blob, "--name", "x", "--type", "Rfc3565KeyWrapBlob"], 1),
        (
            &[
                "import",
                &blob,
                "--name",
                "x",
                "--type",
                "Rfc3565KeyWrapBlob",
                "--unwrap-key",
                "kek256",
                "--scheme",
                "kwp",
            ],
            2,
        ),
        (&["import", &kwp, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek256", "--scheme", "kw"], 1),
        (&["import", &kwp, "--name", "x", "--type", "ECCPRIVATEBLOB", "--unwrap-key", "kek256"], 2),
        (
            &[
                "import",
                &kwp,
                "--name",
                "x",
                "--type",
                "PKCS8_PRIVATEKEY",
                "--unwrap-key",
                "kek256",
                "--route",
                "create",
            ],
            2,
        ),
        (&["import", &kwp, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--route", "unwrap"], 2),
        (&["import", &kwp, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--scheme", "kwp"], 2),
        (
            &[
                "import",
                &kwp,
                "--name",
                "x",
                "--type",
                "PKCS8_PRIVATEKEY",
                "--unwrap-key",
                "kek256",
                "--algorithm",
                "RSA",
            ],
            1,
        ),
        (
            &[
                "import",
                &kwp,
                "--name",
                "x",
                "--type",
                "PKCS8_PRIVATEKEY",
                "--unwrap-key",
                "kek256",
                "--algorithm",
                "ECDSA_P384",
            ],
            2,
        ),
        (
            &[
                "import",
                &kwp,
                "--name",
                "x",
                "--type",
                "PKCS8_PRIVATEKEY",
                "--unwrap-key",
                "kek256",
                "--algorithm",
                "AES",
            ],
            2,
        ),
        (&["export", "kek256", "--type", "Rfc3565KeyWrapBlob"], 2),
        (&["export", "kek256", "--type", "raw", "--scheme", "kw"], 2),
    ] {
        token.cng11(arguments).code(code);
        token.json_error(arguments, code);
        assert_eq!(token.contents(), before, "{arguments:?}");
    }
}

/// The password of an encrypted vector (README of the vectors).
fn password(kind: &str) -> &'static str {
    if kind.contains("utf8") { "pässwörd-€" } else { "correct horse" }
}

#[test]
fn encrypted_pkcs8_files_open_with_a_password_from_every_source() {
    let token = TestToken::new();
    let rows: Vec<_> = manifest().into_iter().filter(|row| row.kind.ends_with("encrypted-pkcs8")).collect();
    assert_eq!(rows.len(), 14);
    for row in &rows {
        let password = password(&row.kind);
        token.keep_secret(password.as_bytes());
        let password_file = token.file("password", format!("{password}\nsecond line\n"));
        let expected = vector(&format!("{}.PKCS8_PRIVATEKEY.bin", row.key));
        let file = vector_text(&row.file);
        for source in ["env:KEY_PASSWORD", &format!("file:{password_file}"), "fd:7"] {
            let import = ["import", &file, "--name", "key", "--overwrite", "--export-policy", "plaintext"];
            let import = [&import[..], &["--password-source", source]].concat();
            let run = if source == "fd:7" {
                // Descriptors are inherited from the shell.
                let mut command = token.command("sh");
                command.args(["-c", "exec \"$0\" \"$@\" 7<\"$PASSWORD_FILE\"", env!("CARGO_BIN_EXE_cng11")]);
                command.env("PASSWORD_FILE", &password_file).env("CNG11_PIN", TestToken::PIN);
                command.env("CNG11_MODULE", token.module()).args(import);
                support::Run::of(command, None)
            } else {
                token.cng11_with(&import, None, |command| {
                    command.env("KEY_PASSWORD", password);
                })
            };
            run.ok();
            let exported = token.export("key", "PKCS8_PRIVATEKEY", &["--allow-plaintext"]);
            assert!(exported == expected, "{} by {source}", row.file);
        }
    }
}

#[test]
fn a_wrong_or_missing_password_is_an_authentication_failure_that_leaves_nothing() {
    let token = TestToken::new();
    let before = token.contents();
    for row in manifest().into_iter().filter(|row| row.kind.ends_with("encrypted-pkcs8")) {
        let file = vector_text(&row.file);
        let import = ["import", &file, "--name", "key"];
        let error = token.json_error(&import, 4);
        assert_eq!(error["status"], "NTE_INCORRECT_PASSWORD", "{}: {error}", row.file);
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--password-source")), "{error}");
        for wrong in ["wrong", "correct horse ", "Correct horse", "passwörd-€"] {
            let import = [&import[..], &["--password-source", "env:KEY_PASSWORD", "--json"]].concat();
            let run = token.cng11_with(&import, None, |command| {
                command.env("KEY_PASSWORD", wrong);
            });
            let error = run.code(4).json_error();
            assert_eq!(error["status"], "NTE_INCORRECT_PASSWORD", "{}: {error}", row.file);
        }
    }
    let file = vector_text("ec-nistP256.pbes2-aes256-sha256.encrypted-pkcs8.bin");
    let empty = token.file("empty", "");
    for (source, code) in [
        ("env:NOT_SET", 4),
        ("file:/nonexistent/password", 4),
        (&format!("file:{empty}"), 4),
        ("fd:99", 4),
        ("prompt", 4),
        ("correct horse", 2),
        ("env", 2),
        ("fd:x", 2),
    ] {
        let run = token.cng11(&["import", &file, "--name", "key", "--password-source", source]).code(code);
        assert!(run.stderr.contains("hint: "), "{source}: {}", run.stderr);
        assert!(
            code == 4 || !run.stderr.contains("correct horse"),
            "{source}: a password given by mistake is not said"
        );
    }
    assert_eq!(token.contents(), before);
}

#[test]
fn many_wrong_passwords_are_all_told_from_damage() {
    let token = TestToken::new();
    // With one of 256 wrong keys the padding is right by chance: still a wrong password to whoever gave it.
    for kind in ["pbe-sha1-3des", "pbes2-aes128-sha1"] {
        let file = vector_text(&format!("ec-nistP256.{kind}.encrypted-pkcs8.bin"));
        for number in 0..400 {
            let run = token.cng11_with(&["inspect", &file, "--password-source", "env:P"], None, |command| {
                command.env("P", format!("wrong {number}"));
            });
            assert_eq!(run.code, 4, "{kind} {number}: {}", run.stderr);
        }
    }
}

#[test]
fn a_key_exported_under_a_password_opens_with_openssl_and_here() {
    let token = TestToken::new();
    for (key, password) in [("ec-nistP256", "correct horse"), ("rsa2048-e65537", "pässwörd-€")] {
        token.keep_secret(password.as_bytes());
        token.import(&format!("{key}.PKCS8_PRIVATEKEY.bin"), key, &["--export-policy", "plaintext"]);
        let password_file = token.file("password", password);
        let pass = format!("file:{password_file}");
        for (kind, form) in [("PKCS8_PRIVATEKEY", "DER"), ("pkcs8-pem", "PEM")] {
            let out = token.path_text("out");
            let export = ["export", key, "--type", kind, "--password-source", &pass, "--force", "-o", &out];
            token.cng11(&export).ok();
            let plain = token.path_text("plain");
            openssl(&["pkcs8", "-inform", form, "-in", &out, "-passin", &pass, "-out", &plain], None);
            let plain = openssl_normal(&openssl(&["pkey", "-in", &plain, "-outform", "DER"], None));
            assert!(plain == vector(&format!("{key}.PKCS8_PRIVATEKEY.bin")), "{key} {kind}");
            let structure = openssl(&["asn1parse", "-inform", form, "-in", &out], None);
            let structure = String::from_utf8_lossy(&structure).into_owned();
            assert!(
                ["PBES2", "hmacWithSHA256", "aes-256-cbc"].iter().all(|word| structure.contains(word)),
                "{structure}"
            );

            let import = ["import", &out, "--name", "back", "--overwrite", "--export-policy", "plaintext"];
            token.json(&[&import[..], &["--password-source", &pass]].concat());
            let back = token.export("back", "PKCS8_PRIVATEKEY", &["--allow-plaintext"]);
            assert!(back == vector(&format!("{key}.PKCS8_PRIVATEKEY.bin")), "{key} {kind}");
            // The same key twice under the same password is not the same file.
            let first = token.read("out");
            token.cng11(&export).ok();
            assert_ne!(token.read("out"), first, "{key} {kind}");
        }
        for kind in ["ECCPRIVATEBLOB", "RSAPRIVATEBLOB", "pkcs1", "sec1"] {
            token.cng11(&["export", key, "--type", kind, "--password-source", &pass]).code(2);
        }
    }
}
