//! `export --byok`: what the key imports of the clouds take, opened by openssl as they would.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use serde_json::Value;

use crate::support::wrapping::{RSA_KEK, assert_is_the_key, key_file, openssl_unwraps};
use crate::support::{TestToken, vector_text};

const KID: &str = "https://example.vault.azure.net/keys/kek/00112233445566778899aabbccddeeff";
/// A key whose PKCS#8 has a whole number of blocks, so that SoftHSM puts nothing behind it.
const EXACT: &str = "ec-nistP384";

fn token() -> TestToken {
    let token = TestToken::new();
    for key in ["rsa1024-e65537", "rsa2048-e65537", EXACT, "ec-nistP256"] {
        token.import(&key_file(key), key, &["--export-policy", "encrypted"]);
    }
    for (name, bits) in [("hmac256", "256"), ("hmac320", "320")] {
        let usage = ["--usage", "sign", "--export-policy", "encrypted"];
        token.cng11(&[&["generate", name, "--algorithm", "HMAC", "--bits", bits][..], &usage].concat()).ok();
    }
    for key in ["aes128", "aes192", "aes256"] {
        token.import(&key_file(key), key, &["--algorithm", "AES", "--export-policy", "encrypted"]);
    }
    token
}

fn wrapping_key(form: &str) -> String {
    vector_text(&format!("{RSA_KEK}.{form}"))
}

fn byok<'a>(key: &'a str, cloud: &'a str, to: &'a str, path: &'a str) -> Vec<&'a str> {
    vec!["export", key, "--byok", cloud, "--wrap-to", to, "-o", path, "--force"]
}

#[test]
fn each_cloud_gets_what_it_opens_from_a_wrapping_key_in_any_form() {
    let token = token();
    let path = token.path_text("file");
    for (form, key, cloud, scheme, variant) in [
        ("spki-pem.pem", EXACT, "aws", "rsa-aes", "RSA_AES_KEY_WRAP_SHA_1"),
        ("spki.bin", "aes256", "aws", "rsa-oaep", "RSAES_OAEP_SHA_1"),
        ("cert-pem.pem", EXACT, "gcp", "rsa-aes", "rsa-oaep-2048-sha1-aes-256"),
        ("public.jwk.json", "aes256", "gcp", "rsa-aes", "rsa-oaep-2048-sha1-aes-256"),
    ] {
        let why = format!("{key} for {cloud}");
        let to = wrapping_key(form);
        let document = token.json(&[&byok(key, cloud, &to, &path)[..], &["--oaep-hash", "sha1"]].concat());
        assert_eq!(document["byok"], cloud, "{why}");
        assert_eq!(document["variant"], variant, "{why}");
        assert_eq!(document["scheme"], scheme, "{why}");
        assert!(document.get("zero_padded").is_none(), "{why}");
        let file = token.read("file");
        assert_eq!(document["length"], file.len(), "{why}");
        let plain = openssl_unwraps(scheme, &file);
        assert_is_the_key(key, &plain, &why);
        if key == EXACT {
            assert_eq!(usize::from(plain[1]) + 2, plain.len(), "{why}: nothing stands behind the PKCS#8");
        }
    }
}

#[test]
fn azure_gets_its_json_with_the_identifier_of_its_key() {
    let token = token();
    let path = token.path_text("key.byok");
    let to = wrapping_key("spki-pem.pem");
    for key in [EXACT, "aes256"] {
        token.cng11(&[&byok(key, "azure", &to, &path)[..], &["--kid", KID]].concat()).ok();
        let file: Value = serde_json::from_slice(&token.read("key.byok")).expect("JSON");
        assert_eq!(file["schema_version"], "1.0.0");
        assert_eq!(file["header"], serde_json::json!({"kid": KID, "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}));
        assert!(file["generator"].as_str().expect("text").starts_with("cng11 "), "{file}");
        assert_eq!(file.as_object().expect("an object").len(), 4, "{file}");
        let text = file["ciphertext"].as_str().expect("text");
        assert_is_the_key(key, &openssl_unwraps("rsa-aes", &base64url(text)), key);
    }
    // The identifier may come with the key, as a JWK's kid.
    let jwk: Value = serde_json::from_slice(&support::vector(&format!("{RSA_KEK}.public.jwk.json"))).expect("JSON");
    let mut jwk = jwk;
    jwk["kid"] = KID.into();
    let with_kid = token.file("kek.jwk", jwk.to_string());
    token.cng11(&byok("aes256", "azure", &with_kid, &path)).ok();
    let file: Value = serde_json::from_slice(&token.read("key.byok")).expect("JSON");
    assert_eq!(file["header"]["kid"], KID);

    token.json_error(&byok("aes256", "azure", &to, &path), 2);
    token.json_error(&[&byok("aes256", "azure", &to, &path)[..], &["--kid", "a \" quote"]].concat(), 2);
    token.json_error(&[&byok("aes256", "azure", &to, &path)[..], &["--kid", KID, "--oaep-hash", "sha256"]].concat(), 2);
    token.json_error(&[&byok("aes256", "aws", &to, &path)[..], &["--kid", KID]].concat(), 2);
}

/// Base64 for URLs without padding (RFC 4648 §5), by hand.
fn base64url(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).expect("a letter of base64url");
        bits = bits << 6 | u32::try_from(value).expect("six bits");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xFF) as u8);
        }
    }
    bytes
}

#[test]
fn what_the_token_cannot_make_exactly_is_refused_with_what_it_could_make() {
    let token = token();
    let path = token.path_text("file");
    let to = wrapping_key("spki.bin");
    for (key, cloud, more, says) in [
        // SoftHSM's RSA-OAEP has SHA-1 and nothing else.
        (EXACT, "aws", &[][..], "RSA_AES_KEY_WRAP_SHA_1 (--oaep-hash sha1)"),
        (EXACT, "gcp", &[], "rsa-oaep-2048-sha1-aes-256 (--oaep-hash sha1)"),
        ("aes256", "aws", &[], "RSAES_OAEP_SHA_1 (--oaep-hash sha1)"),
        ("aes256", "gcp", &["--scheme", "rsa-oaep"], "nothing that the cloud takes"),
        // And it puts zero bytes behind what is no whole number of blocks.
        ("rsa2048-e65537", "aws", &["--oaep-hash", "sha1"], "RSA_AES_KEY_WRAP_SHA_1 with up to seven zero bytes"),
        ("ec-nistP256", "gcp", &["--oaep-hash", "sha1"], "rsa-oaep-2048-sha1-aes-256 with up to seven zero bytes"),
        ("rsa2048-e65537", "azure", &["--kid", KID], "CKM_RSA_AES_KEY_WRAP with up to seven zero bytes"),
        // What a cloud does not import at all.
        ("aes128", "aws", &["--oaep-hash", "sha1"], "aws does not import AES keys of 128 bits"),
        ("aes192", "gcp", &["--oaep-hash", "sha1"], "gcp does not import AES keys of 192 bits"),
        ("hmac320", "aws", &["--oaep-hash", "sha1"], "aws does not import HMAC keys of 320 bits"),
        ("hmac320", "gcp", &["--oaep-hash", "sha1"], "gcp does not import HMAC keys of 320 bits"),
        ("hmac256", "azure", &["--kid", KID], "azure does not import HMAC keys"),
        ("rsa1024-e65537", "azure", &["--kid", KID], "azure does not import RSA keys of 1024 bits"),
    ] {
        let error = token.json_error(&[&byok(key, cloud, &to, &path)[..], more].concat(), 3);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{key} for {cloud}: {message}");
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{key} for {cloud}");
        assert!(!token.path("file").exists(), "{key} for {cloud}: a file");
    }
    token.cng11(&[&byok("hmac256", "aws", &to, &path)[..], &["--oaep-hash", "sha1"]].concat()).ok();
    token.cng11(&["delete", "hmac256", "--yes"]).ok();
    // Schemes and hashes that no cloud has, and more than one wrapping key.
    token.json_error(&[&byok("aes256", "aws", &to, &path)[..], &["--oaep-hash", "sha512"]].concat(), 2);
    token.json_error(&[&byok("aes256", "azure", &to, &path)[..], &["--kid", KID, "--scheme", "rsa-oaep"]].concat(), 2);
    token.json_error(&[&byok("aes256", "aws", &to, &path)[..], &["--wrap-to", &to]].concat(), 2);
    token.json_error(&["export", "aes256", "--byok", "aws", "-o", &path], 2);
    token.cng11(&["export", "aes256", "--byok", "aws", "--type", "raw", "--wrap-to", &to]).code(2);
    // Another size than the cloud's wrapping keys have is told.
    let gcp = [&byok("aes256", "gcp", &to, &path)[..], &["--oaep-hash", "sha1"]].concat();
    token.cng11(&gcp).ok().says("warning: gcp gives out no wrapping keys of 2048 bits");
}
