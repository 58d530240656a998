//! What somebody would try who may use wrapping keys and wants more than that: each is refused, and nothing is created.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::asn1::cms::{self, EnvelopedData, Recipient, Transport};
use cng_pkcs11::key::rsa::Hash;

use base64ct::{Base64, Encoding};
use serde_json::json;

use crate::support::wrapping::{RSA_KEK, bare_type, key_file, openssl_unwraps, openssl_wraps, token_with_keks};
use crate::support::{Run, TestToken, openssl, vector, vector_text};

/// Wraps a key of the token to `kek` and says where.
fn wrapped(token: &TestToken, key: &str) -> String {
    let path = token.path_text(&format!("{key}.wrapped"));
    token.cng11(&["export", key, "--type", bare_type(key), "--wrap-key", "kek", "-o", &path]).ok();
    path
}

#[test]
fn an_original_whose_policy_was_narrowed_after_it_was_wrapped_is_still_known() {
    for key in ["rsa2048-e65537", "ec-nistP256"] {
        let token = token_with_keks();
        token.import(&key_file(key), key, &["--export-policy", "encrypted", "--usage", "sign"]);
        let path = wrapped(&token, key);
        token.cng11(&["delete", key, "--yes"]).ok();
        token.import(&key_file(key), key, &["--export-policy", "none", "--usage", "sign"]);
        let before = token.contents();
        let import = ["import", &path, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"];
        for (more, gained) in [
            (&["--export-policy", "plaintext", "--usage", "sign"][..], "leave in the clear"),
            (&["--export-policy", "encrypted", "--usage", "sign"], "leave wrapped"),
        ] {
            for dry_run in [&[][..], &["--dry-run"]] {
                let error = token.json_error(&[&import[..], more, dry_run].concat(), 3);
                assert_eq!(error["status"], "NTE_PERM", "{key} {more:?}: {error}");
                assert!(error["message"].as_str().is_some_and(|said| said.contains(gained)), "{key}: {error}");
                assert_eq!(token.contents(), before, "{key} {more:?}");
            }
        }
        token.json(&[&import[..], &["--usage", "sign"]].concat());
    }
}

#[test]
fn a_copy_with_fewer_rights_takes_none_from_the_next() {
    let token = token_with_keks();
    for (key, usage) in [("rsa2048-e65537", "sign,decrypt"), ("ec-nistP256", "sign"), ("aes256", "decrypt")] {
        let algorithm: &[&str] = if key == "aes256" { &["--algorithm", "AES"] } else { &[] };
        let original = ["--export-policy", "encrypted", "--usage", usage];
        token.import(&key_file(key), key, &[algorithm, &original].concat());
        let path = wrapped(&token, key);
        let import = |name: &str, policy: &str| {
            let kind = bare_type(key);
            let import = ["import", &path, "--name", name, "--type", kind, "--unwrap-key", "kek"].map(str::to_owned);
            [&import[..], &["--export-policy".to_owned(), policy.to_owned()]].concat()
        };
        token.json(&import(&format!("{key} less"), "none"));
        token.json(&import(&format!("{key} same"), "encrypted"));
        let error = token.json_error(&import(&format!("{key} more"), "plaintext"), 3);
        assert_eq!(error["status"], "NTE_PERM", "{key}: {error}");
    }
}

#[test]
fn an_original_that_lost_its_public_object_is_still_known() {
    let token = token_with_keks();
    token.import(&key_file("ec-nistP256"), "ec-nistP256", &["--export-policy", "encrypted", "--usage", "sign"]);
    let path = wrapped(&token, "ec-nistP256");
    token.pkcs11_tool(&["--delete-object", "--type", "pubkey", "--label", "ec-nistP256"]).ok();
    let before = token.contents();
    let import = ["import", &path, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"];
    let error = token.json_error(&[&import[..], &["--export-policy", "plaintext"]].concat(), 3);
    assert_eq!(error["status"], "NTE_PERM", "{error}");
    assert_eq!(token.contents(), before);
    token.json(&[&import[..], &["--usage", "sign"]].concat());
}

#[test]
fn a_file_that_lies_about_the_public_half_is_refused_even_unvalidated() {
    let token = TestToken::new();
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    let true_file = String::from_utf8(vector("wrapped-files/ec256.rfc5649.p11wrap")).expect("UTF-8");
    let other = Base64::encode_string(&vector("ec-nistP256-shortx.spki.bin"));
    let (before_key, rest) = true_file.split_once("-----BEGIN PUBLIC KEY-----").expect("a public key");
    let (_, after_key) = rest.split_once("-----END PUBLIC KEY-----").expect("its end");
    let forged = format!("{before_key}-----BEGIN PUBLIC KEY-----\n{other}\n-----END PUBLIC KEY-----{after_key}");
    let (true_path, forged) = (token.file("true", &true_file), token.file("forged", &forged));
    let before = token.contents();
    for more in [&[][..], &["--no-validate"], &["--no-validate", "--usage", "agree"], &["--export-policy", "plaintext"]]
    {
        let import = [&["import", &forged, "--unwrap-key", "kek"], more].concat();
        let error = token.json_error(&import, 1);
        assert_eq!(error["status"], "NTE_VALIDATION_FAILED", "{more:?}: {error}");
        assert_eq!(token.contents(), before, "{more:?}");
    }
    let error = token.json_error(&["import", &true_path, "--unwrap-key", "kek", "--algorithm", "RSA"], 2);
    assert_eq!(error["status"], "NTE_INVALID_PARAMETER", "{error}");
    token.json(&["import", &true_path, "--unwrap-key", "kek"]);
}

/// An envelope by openssl for the RSA key of the token: its content key by RSAES-PKCS1-v1_5, its content in AES-CBC.
fn enveloped(token: &TestToken, content: &str) -> Vec<u8> {
    let (key, certificate) = (vector_text(&key_file(RSA_KEK)), token.path_text("certificate"));
    openssl(&["req", "-x509", "-keyform", "DER", "-key", &key, "-subj", "/CN=x", "-out", &certificate], None);
    let encrypt = ["cms", "-encrypt", "-binary", "-aes256", "-outform", "DER", "-in", content, "-recip", &certificate];
    openssl(&encrypt, None)
}

#[test]
fn a_forged_envelope_does_not_tell_which_of_its_steps_failed() {
    let token = token_with_keks();
    token.import(&key_file("ec-nistP256"), "ec-nistP256", &["--export-policy", "encrypted", "--usage", "sign"]);
    let path = token.path_text("envelope");
    token.cng11(&["export", "ec-nistP256", "--type", "PKCS7_ENVELOPE", "--wrap-key", "rsa kek", "-o", &path]).ok();
    token.cng11(&["delete", "ec-nistP256", "--yes"]).ok();
    // One that the token unwraps, and one whose content it only decrypts.
    for (good, without) in [
        (token.read("envelope"), "NTE_BAD_DATA"),
        (enveloped(&token, &vector_text(&key_file("ec-nistP256"))), "NTE_NOT_SUPPORTED"),
    ] {
        let before = token.contents();
        let wrapped_at = good.windows(4).position(|window| window == [0x04, 0x82, 0x01, 0x00]).expect("256 bytes");
        let forged = [wrapped_at + 20, wrapped_at + 200, good.len() - 1, good.len() - 40].map(|at| {
            let mut bad = good.clone();
            bad[at] ^= 1;
            token.file(&format!("forged{at}"), &bad)
        });
        let errors = forged
            .each_ref()
            .map(|file| token.json_error(&["import", file, "--name", "x", "--unwrap-key", "rsa kek"], 1));
        for error in &errors {
            assert_eq!(error, &errors[0]);
            assert_eq!(error["status"], "NTE_BAD_DATA", "{error}");
        }
        // What the token does not have for the content is said before the content key is decrypted, not after it went well.
        let rewrapped = forged.each_ref().map(|file| {
            let rewrap = ["rewrap", file, "--unwrap-key", "rsa kek", "--wrap-key", "rsa kek", "--json"];
            token.cng11(&rewrap).stderr
        });
        for error in &rewrapped {
            assert!(error.contains(without), "{error}");
            assert_eq!(error, &rewrapped[0]);
        }
        assert_eq!(token.contents(), before);
        let good = token.file("good", &good);
        token.json(&["import", &good, "--name", "x", "--unwrap-key", "rsa kek"]);
        token.cng11(&["delete", "x", "--yes"]).ok();
    }
}

/// The answers to forged envelopes, with what stands behind them on the token.
fn answers(token: &TestToken, forged: &[EnvelopedData]) -> Vec<(i32, String)> {
    let before = token.contents();
    let mut answers = Vec::new();
    for data in forged {
        let file = token.file("forged", data.to_der().expect("an envelope"));
        for words in [&["import", &file, "--name", "x"][..], &["rewrap", &file, "--wrap-key", "rsa kek"]] {
            let run = token.cng11(&[words, &["--unwrap-key", "rsa kek", "--json"]].concat());
            assert_ne!(run.code, 0, "{}", run.text());
            answers.push((run.code, run.stderr));
        }
    }
    assert_eq!(token.contents(), before);
    answers
}

#[test]
fn a_second_recipient_does_not_tell_whether_the_first_was_opened() {
    let token = token_with_keks();
    let good = cms::decode(&enveloped(&token, &vector_text(&key_file("ec-nistP256")))).expect("an envelope");
    let damaged = |data: &EnvelopedData, rsa: bool| {
        let mut data = data.clone();
        let bytes = if rsa { &mut data.recipients[0].encrypted_key } else { &mut data.content.encrypted };
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        data
    };
    let label = Vec::new();
    for transport in [
        // SoftHSM2 has no such hash; MGF1 with another one is not read; and nobody knows the third.
        Transport::Oaep { hash: Hash::Sha256, mgf1: Hash::Sha256, label: label.clone() },
        Transport::Oaep { hash: Hash::Sha1, mgf1: Hash::Sha256, label },
    ] {
        for is_first in [false, true] {
            let mut two = good.clone();
            let second = Recipient { transport: transport.clone(), ..good.recipients[0].clone() };
            two.recipients.push(second);
            let (rsa, content) = (damaged(&two, true), damaged(&two, false));
            let turned = |mut data: EnvelopedData| {
                if is_first {
                    data.recipients.reverse();
                }
                data
            };
            let answers = answers(&token, &[turned(rsa), turned(content)]);
            assert_eq!(answers[..2], answers[2..], "{transport:?}, first: {is_first}");
        }
    }
}

#[test]
fn a_content_key_of_a_wrong_length_is_answered_as_one_that_is_not_opened() {
    let token = token_with_keks();
    let good = cms::decode(&enveloped(&token, &vector_text(&key_file("ec-nistP256")))).expect("an envelope");
    let key = vector_text(&format!("{RSA_KEK}.spki.bin"));
    let encrypted = |len: usize| {
        let encrypt = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", &key];
        let mut data = good.clone();
        data.recipients[0].encrypted_key = openssl(&encrypt, Some(&vec![7; len]));
        data
    };
    let mut broken = good.clone();
    broken.recipients[0].encrypted_key[100] ^= 1;
    let forged: Vec<_> = [1, 16, 17, 24, 31, 32, 64].map(encrypted).into_iter().chain([broken]).collect();
    let answers = answers(&token, &forged);
    for pair in answers.chunks(2) {
        assert_eq!(pair, &answers[..2]);
    }
}

/// A wrapped-key file with other bytes in one of its blocks; the comments quote such lines too, behind other words.
fn with_block(file: &str, label: &str, bytes: &[u8]) -> String {
    let (begin, end) = (format!("\n-----BEGIN {label}-----\n"), format!("\n-----END {label}-----\n"));
    let (before, rest) = file.split_once(&begin).expect("the block");
    let (_, after) = rest.split_once(&end).expect("its end");
    format!("{before}{begin}{}{end}{after}", Base64::encode_string(bytes))
}

#[test]
fn a_forged_file_of_another_tool_does_not_tell_which_of_its_steps_failed() {
    let token = TestToken::new();
    token.import("rsa2048-e3.PKCS8_PRIVATEKEY.bin", "rsa kek", &["--usage", "wrap"]);
    let before = token.contents();
    let public = vector_text("rsa2048-e3.spki.bin");
    // RSAES-PKCS1-v1_5 of bytes of one's own: the padding is right. And a number that is no encryption of anything.
    let padded =
        |plain: &[u8]| openssl(&["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", &public], Some(plain));
    let noise = [&[0][..], &[0x5A; 255]].concat();
    let text = |name: &str| String::from_utf8(vector(&format!("wrapped-files/{name}"))).expect("UTF-8");
    let (nested, direct) = (text("rsa2048.envelope.p11wrap"), text("aes256.pkcs1.p11wrap"));
    let of_nested = vec![
        with_block(&nested, "OUTER WRAPPED KEY", &noise),
        with_block(&nested, "OUTER WRAPPED KEY", &padded(&[7; 32])),
        with_block(&nested, "OUTER WRAPPED KEY", &padded(&[7; 40])),
        with_block(&nested, "INNER WRAPPED KEY", &[7; 1224]),
    ];
    // The second opens to bytes that are no AES key.
    let of_direct =
        vec![with_block(&direct, "WRAPPED KEY", &noise), with_block(&direct, "WRAPPED KEY", &padded(&[7; 40]))];
    for (good, forged) in [(&nested, of_nested), (&direct, of_direct)] {
        let errors: Vec<_> = forged
            .iter()
            .map(|text| {
                let file = token.file("forged", text);
                token.json_error(&["import", &file, "--name", "x", "--unwrap-key", "rsa kek"], 1)
            })
            .collect();
        for error in &errors {
            assert_eq!(error, &errors[0]);
            assert_eq!(error["status"], "NTE_BAD_DATA", "{error}");
        }
        assert_eq!(token.contents(), before);
        let file = token.file("good", good);
        token.json(&["import", &file, "--name", "x", "--unwrap-key", "rsa kek"]);
        token.cng11(&["delete", "x", "--yes"]).ok();
    }
}

#[test]
fn a_token_that_refuses_the_second_step_after_all_tells_nothing_of_the_first() {
    let mut token = TestToken::strict("plain");
    token.import(&key_file(RSA_KEK), "rsa kek", &["--usage", "wrap"]);
    token.import(&key_file("ec-nistP256"), "web", &["--export-policy", "encrypted", "--usage", "sign"]);
    let path = token.path_text("envelope");
    token.cng11(&["export", "web", "--type", "PKCS7_ENVELOPE", "--wrap-key", "rsa kek", "-o", &path]).ok();
    token.cng11(&["delete", "web", "--yes"]).ok();
    let before = token.contents();
    let mut forged = token.read("envelope");
    let at = forged.windows(4).position(|window| window == [0x04, 0x82, 0x01, 0x00]).expect("256 bytes");
    forged[at + 20] ^= 1;
    let forged = token.file("forged", &forged);
    let import = |file: &str| ["import", file, "--name", "x", "--unwrap-key", "rsa kek"].map(str::to_owned);
    let expected = token.json_error(&import(&forged), 1);
    assert_eq!(expected["status"], "NTE_BAD_DATA", "{expected}");
    // The first opens the content key; the second is answered with CKR_MECHANISM_INVALID, whatever the token has claimed.
    token.set("STRICT_HSM_FAIL", "C_UnwrapKey:2:0x70");
    assert_eq!(token.json_error(&import(&path), 1), expected);
    token.set("STRICT_HSM_FAIL", "");
    assert_eq!(token.contents(), before);
}

#[test]
fn an_envelope_that_is_opened_on_the_host_gives_no_right_either() {
    let token = token_with_keks();
    token.import("rsa2048-e17.PKCS8_PRIVATEKEY.bin", "both", &["--usage", "wrap,decrypt"]);
    for (key, content) in [
        ("ec-nistP256", key_file("ec-nistP256")),
        ("aes256", key_file("aes256")),
        ("aes256", "aes256.KeyDataBlob.bin".to_owned()),
    ] {
        let usage = if key == "aes256" { "decrypt" } else { "sign" };
        let algorithm: &[&str] = if key == "aes256" { &["--algorithm", "AES"] } else { &[] };
        token.import(&key_file(key), key, &[algorithm, &["--export-policy", "encrypted", "--usage", usage]].concat());
        let before = token.contents();
        let public = vector_text("rsa2048-e17.PKCS8_PRIVATEKEY.bin");
        let certificate = token.path_text("certificate");
        openssl(&["req", "-x509", "-keyform", "DER", "-key", &public, "-subj", "/CN=x", "-out", &certificate], None);
        let (content, out) = (vector_text(&content), token.path_text("enveloped"));
        let encrypt = ["cms", "-encrypt", "-binary", "-aes256", "-outform", "DER", "-in", &content, "-out", &out];
        openssl(&[&encrypt[..], &["-recip", &certificate]].concat(), None);
        let import = ["import", &out, "--name", "x", "--unwrap-key", "both", "--usage", usage];
        let import = [&import[..], algorithm].concat();
        let error = token.json_error(&[&import[..], &["--export-policy", "plaintext"]].concat(), 3);
        assert_eq!(error["status"], "NTE_PERM", "{content}: {error}");
        assert_eq!(token.contents(), before, "{content}");
        let rehearsed = token.json(&[&import[..], &["--dry-run"]].concat());
        assert_eq!(rehearsed["route"], "copy", "{rehearsed}");
        assert_eq!(rehearsed["warnings"].as_array().map(Vec::len), Some(1), "{rehearsed}");
        token.json(&[&import[..], &["--export-policy", "encrypted"]].concat());
        token.cng11(&["delete", "x", "--yes"]).ok();
        token.cng11(&["delete", key, "--yes"]).ok();
    }
    // Under a key that only unwraps, a private key alone comes out.
    let blob = enveloped(&token, &vector_text("aes256.KeyDataBlob.bin"));
    let file = token.file("blob", &blob);
    let error = token.json_error(&["import", &file, "--name", "x", "--unwrap-key", "rsa kek"], 1);
    assert_eq!(error["status"], "NTE_BAD_DATA", "{error}");
}

#[test]
fn a_private_key_of_a_kind_that_is_not_handled_does_not_come_in_as_an_hmac_key() {
    let token = token_with_keks();
    let before = token.contents();
    let file = token.file("dsa", openssl_wraps("kwp", &vector("more/dsa1024.PKCS8_PRIVATEKEY.bin")));
    let import = ["import", &file, "--name", "x", "--type", "raw", "--unwrap-key", "kek", "--algorithm", "HMAC"];
    token.json_error(&import, 2);
    assert_eq!(token.contents(), before);
}

#[test]
fn a_key_of_unknown_length_is_not_wrapped_where_it_could_come_back_longer() {
    let token = token_with_keks();
    let file = token.file("hmac", openssl_wraps("kwp", &[7; 70]));
    let from = ["--type", "raw", "--unwrap-key", "kek", "--algorithm", "HMAC"];
    let import = ["import", &file, "--name", "mac", "--export-policy", "encrypted"];
    token.json(&[&import[..], &from].concat());
    let out = token.path_text("out");
    let error = token.json_error(&["export", "mac", "--type", "raw", "--wrap-key", "kek", "-o", &out], 3);
    assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{error}");
    token.json_error(&[&["rewrap", &file, "--wrap-key", "kek", "-o", &out], &from[..]].concat(), 3);
    assert!(!token.path("out").exists());
    // Of an AES key the size is one of three; what it is need not be said twice.
    let file = token.file("aes", openssl_wraps("kwp", &[7; 24]));
    let rewrap = ["rewrap", &file, "--unwrap-key", "kek", "--wrap-key", "kek", "--algorithm", "AES", "-o", &out];
    token.json(&rewrap);
    assert_eq!(openssl_unwraps("kwp", &token.read("out")), [7; 24]);
}

#[test]
fn a_container_is_held_to_the_algorithm_that_is_said() {
    let token = token_with_keks();
    token.import(&key_file("ec-nistP256"), "ec-nistP256", &["--export-policy", "encrypted", "--usage", "sign"]);
    let out = token.path_text("out");
    token.cng11(&["export", "ec-nistP256", "--type", "OpaqueTransport", "--wrap-key", "kek", "-o", &out]).ok();
    token.cng11(&["delete", "ec-nistP256", "--yes"]).ok();
    let import = ["import", &out, "--unwrap-key", "kek", "--algorithm"];
    for other in ["ECDSA_P384", "ECDH_P256", "RSA", "AES"] {
        token.json_error(&[&import[..], &[other]].concat(), 2);
    }
    token.json(&[&import[..], &["ECDSA_P256"]].concat());
}

#[test]
fn a_dry_run_opens_what_is_wrapped() {
    let token = token_with_keks();
    let before = token.contents();
    let good = openssl_wraps("kwp", &vector(&key_file("ec-nistP384")));
    let mut bad = good.clone();
    bad[30] ^= 1;
    let (good, bad) = (token.file("good", &good), token.file("bad", &bad));
    let import = |file: &str| {
        let import = ["import", file, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek", "--dry-run"];
        import.map(str::to_owned)
    };
    assert_eq!(token.json(&import(&good))["algorithm"], "ECDSA_P384");
    assert_eq!(token.json_error(&import(&bad), 1)["status"], "NTE_BAD_DATA");
    assert_eq!(token.contents(), before);
}

#[test]
fn a_pin_that_can_be_read_only_once_is_read_once() {
    let token = TestToken::new();
    let password = token.file("password", b"correct horse");
    token.keep_secret(b"correct horse");
    let encrypted = token.path_text("encrypted");
    let plain = vector_text(&key_file("ec-nistP256"));
    let convert = ["convert", &plain, "--to", "PKCS8_PRIVATEKEY", "-o", &encrypted];
    let source = format!("file:{password}");
    token.cng11(&[&convert[..], &["--out-password-source", &source]].concat()).ok();
    let mut command = token.cng11_command();
    command.args(["--json", "--pin-source", "fd:0", "import", &encrypted, "--name", "x", "--password-source", &source]);
    let made = Run::of(command, Some(TestToken::PIN.as_bytes())).ok().json();
    assert_eq!((&made["name"], &made["verified"]), (&json!("x"), &json!("signature")));
    // This token unwraps nothing in CBC mode.
    for (more, code) in [(&[][..], 3), (&["--no-validate"], 2), (&["--key", "1"], 2)] {
        let import = ["import", &encrypted, "--name", "y", "--route", "unwrap", "--password-source", &source];
        token.json_error(&[&import[..], more].concat(), code);
    }
}
