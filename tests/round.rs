//! A key that goes round: from SoftHSM2 to Kryoptic, to NSS and back to SoftHSM2, as `OpaqueTransport`, wrapped all the way.
//!
//! Not part of `cargo test`: `scripts/tokens round` sets both others up and runs this, with their modules in `CNG11_TEST_KRYOPTIC` and `CNG11_TEST_NSS`.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

mod support;

use serde_json::json;

use self::support::wrapping::{algorithm_of, assert_is_the_key, assert_signs, key_file};
use self::support::{TestToken, set_up};

/// A token behind the module that a variable names, with an RSA key under which others come in, and that key's public half in a file.
fn token(variable: &str, set_up: fn(&mut TestToken)) -> (TestToken, String) {
    let module =
        std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} names the module; run `scripts/tokens round`"));
    let mut token = TestToken::blank().with_module(module);
    set_up(&mut token);
    with_door(token)
}

fn with_door(token: TestToken) -> (TestToken, String) {
    token.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    let door = token.file("door", token.export("door", "spki", &[]));
    (token, door)
}

#[test]
fn a_key_goes_round_and_is_what_it_was() {
    let (softhsm, softhsm_door) = with_door(TestToken::new());
    let (kryoptic, kryoptic_door) = token("CNG11_TEST_KRYOPTIC", set_up::kryoptic);
    let (nss, nss_door) = token("CNG11_TEST_NSS", set_up::nss);
    for (key, usage) in [
        ("rsa2048-e65537", "sign"),
        ("rsa3072-e17", "sign,decrypt"),
        ("ec-nistP256", "sign"),
        ("ec-nistP384", "sign"),
        ("ec-nistP521", "sign"),
        ("aes128", "decrypt"),
        ("aes256", "decrypt"),
    ] {
        let more = [algorithm_of(key), &["--export-policy", "encrypted", "--usage", usage]].concat();
        let made = softhsm.import(&key_file(key), key, &more);
        let sent = softhsm.path_text("sent");
        for (from, to, door) in
            [(&softhsm, &kryoptic, &kryoptic_door), (&kryoptic, &nss, &nss_door), (&nss, &softhsm, &softhsm_door)]
        {
            // The last of them has OAEP with SHA-1 only.
            let export = ["export", key, "--type", "OpaqueTransport", "--wrap-to", door, "--oaep-hash", "sha1"];
            from.cng11(&[&export[..], &["-o", &sent, "--force"]].concat()).ok();
            from.cng11(&["delete", key, "--yes"]).ok();
            let moved = to.json(&["import", &sent, "--unwrap-key", "door"]);
            for field in ["name", "algorithm", "bits", "usage", "export_policy", "id", "curve", "fingerprint_sha256"] {
                assert_eq!(moved[field], made[field], "{key}: {field}");
            }
            assert_eq!(moved["route"], "unwrap", "{key}");
            if key.starts_with("aes") {
                // Wrapped for a key that is known outside, it is the same.
                let to_known = ["export", key, "--type", "raw", "--scheme", "rsa-oaep", "--oaep-hash", "sha1"];
                let public = support::vector_text(&format!("{}.spki.bin", support::wrapping::RSA_KEK));
                let out = to.path_text("out");
                to.cng11(&[&to_known[..], &["--wrap-to", &public, "-o", &out, "--force"]].concat()).ok();
                assert_is_the_key(key, &support::wrapping::openssl_unwraps("rsa-oaep", &to.read("out")), key);
            } else {
                assert_eq!(moved["verified"], json!("signature"), "{key}");
                assert_signs(to, key, key);
            }
        }
        softhsm.cng11(&["delete", key, "--yes"]).ok();
    }
    for token in [&softhsm, &kryoptic, &nss] {
        assert_eq!(token.names(), ["door"]);
    }
}
