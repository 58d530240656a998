//! Imported keys sign as openssl and pkcs11-tool expect it, and signatures of openssl are accepted.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support::{TestToken, openssl, vector_text};

const HASHES: &[&str] = &["SHA1", "SHA256", "SHA384", "SHA512"];

/// openssl verifies a signature over `data`; the key comes from the vectors, not from the token.
#[track_caller]
fn openssl_verifies(token: &TestToken, key: &str, hash: &str, options: &[&str], signature: &str) {
    let public = vector_text(&format!("{key}.spki.bin"));
    let digest = format!("-{}", hash.to_lowercase());
    let mut arguments = vec!["dgst", &digest, "-keyform", "DER", "-verify", &public];
    arguments.extend_from_slice(options);
    let data = token.path_text("data");
    arguments.extend(["-signature", signature, &data]);
    openssl(&arguments, None);
}

fn openssl_signs(token: &TestToken, key: &str, hash: &str, options: &[&str], signature: &str) {
    let private = vector_text(&format!("{key}.PKCS8_PRIVATEKEY.bin"));
    let digest = format!("-{}", hash.to_lowercase());
    let mut arguments = vec!["dgst", &digest, "-keyform", "DER", "-sign", &private];
    arguments.extend_from_slice(options);
    let data = token.path_text("data");
    arguments.extend(["-out", signature, &data]);
    openssl(&arguments, None);
}

/// The options of openssl that make a PSS signature as CNG makes it.
const PSS: &[&str] = &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];

/// Signs and verifies both ways with one key, one hash and one padding or format.
fn both_ways(token: &TestToken, key: &str, hash: &str, options: &[&str], openssl_options: &[&str]) {
    let context = format!("{key} {hash} {options:?}");
    let data = token.path_text("data");
    let ours = token.path_text("ours.sig");
    let theirs = token.path_text("theirs.sig");
    let common = [&[key, "--hash", hash], options].concat();

    token.cng11(&[&["sign"], &common[..], &[&data, "-o", &ours]].concat()).ok();
    openssl_verifies(token, key, hash, openssl_options, &ours);
    openssl_signs(token, key, hash, openssl_options, &theirs);
    for signature in [&ours, &theirs] {
        let document = token.json(&[&["verify"], &common[..], &[&data, signature]].concat());
        assert_eq!(document["verified"], true, "{context}");
    }

    let good = token.read("theirs.sig");
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    };
    let altered = [flipped(0), flipped(good.len() / 2), flipped(good.len() - 1), good[1..].to_vec(), Vec::new()];
    for (number, bad) in altered.iter().enumerate() {
        let bad = token.file("bad.sig", bad);
        let error = token.json_error(&[&["verify"], &common[..], &[&data, &bad]].concat(), 1);
        assert_eq!(error["status"], "NTE_BAD_SIGNATURE", "{context}, change {number}: {error}");
    }
    let other = token.file("other", "other data");
    token.cng11(&[&["verify"], &common[..], &[&other, &theirs]].concat()).code(1).says("does not verify");
}

#[test]
fn rsa_signatures_pass_between_the_token_and_openssl() {
    let token = TestToken::new();
    token.file("data", "what is signed");
    for key in ["rsa2048-e65537", "rsa2047-e3", "rsa2048-bige", "rsa2048-unequal-primes"] {
        token.import(&format!("{key}.RSAPRIVATEBLOB.bin"), key, &[]);
        let hashes = if key == "rsa2048-e65537" { HASHES } else { &["SHA256"] };
        for hash in hashes {
            both_ways(&token, key, hash, &[], &[]);
            both_ways(&token, key, hash, &["--padding", "pkcs1"], &[]);
            both_ways(&token, key, hash, &["--padding", "pss"], PSS);
        }
    }
}

#[test]
fn elliptic_curve_signatures_pass_between_the_token_and_openssl() {
    let token = TestToken::new();
    token.file("data", "what is signed");
    for (key, kind) in [
        ("ec-nistP256", "ECDSA.ECCPRIVATEBLOB"),
        ("ec-nistP384", "ECDSA.ECCPRIVATEBLOB"),
        ("ec-nistP521", "ECDSA.ECCPRIVATEBLOB"),
        ("ec-nistP521-shortd", "sec1"),
        ("ec-secP256k1", "PKCS8_PRIVATEKEY"),
        ("ec-brainpoolP256r1", "PKCS8_PRIVATEKEY"),
        ("ec-brainpoolP384r1", "PKCS8_PRIVATEKEY"),
        ("ec-brainpoolP512r1", "PKCS8_PRIVATEKEY"),
    ] {
        token.import(&format!("{key}.{kind}.bin"), key, &[]);
        let hashes = if key.starts_with("ec-nistP256") { HASHES } else { &["SHA1", "SHA512"] };
        for hash in hashes {
            both_ways(&token, key, hash, &["--format", "der"], &[]);
        }
    }
}

#[test]
fn cng_signatures_are_r_and_s_side_by_side_in_the_width_of_the_curve() {
    let token = TestToken::new();
    let data = token.file("data", "what is signed");
    for (key, width) in [("ec-nistP256", 32), ("ec-nistP384", 48), ("ec-nistP521", 66)] {
        token.import(&format!("{key}.ECDSA.ECCPRIVATEBLOB.bin"), key, &[]);
        let signature = token.cng11(&["sign", key, &data]).ok().stdout;
        assert_eq!(signature.len(), 2 * width, "{key}");
        // The same r and s as openssl writes them: one DER SEQUENCE of two INTEGERs.
        let (r, s) = signature.split_at(width);
        let integer = |bytes: &[u8]| {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("INTEGER:0x{digits}")
        };
        let spec = format!("asn1=SEQUENCE:sig\n[sig]\nr={}\ns={}\n", integer(r), integer(s));
        let spec = token.file("spec", spec);
        let der = token.path_text("der.sig");
        openssl(&["asn1parse", "-genconf", &spec, "-noout", "-out", &der], None);
        openssl_verifies(&token, key, "SHA256", &[], &der);
        let cng = token.file("cng.sig", &signature);
        token.cng11(&["verify", key, "--format", "cng", &data, &cng]).ok();
        token.cng11(&["verify", key, "--format", "der", &data, &der]).ok();
        // One form is not taken for the other.
        token.cng11(&["verify", key, "--format", "cng", &data, &der]).code(1);
        token.cng11(&["verify", key, "--format", "der", &data, &cng]).code(1);
    }
}

#[test]
fn pkcs11_tool_signs_with_imported_keys_by_their_id() {
    let token = TestToken::new();
    let data = token.file("data", "what is signed");
    for (key, kind, mechanism, hash, format) in [
        ("rsa2048-e65537", "RSAFULLPRIVATEBLOB", "SHA256-RSA-PKCS", "SHA256", &[][..]),
        ("rsa3072-e17", "RSAPRIVATEBLOB", "SHA512-RSA-PKCS", "SHA512", &[]),
        ("ec-nistP256", "ECDSA.ECCPRIVATEBLOB", "ECDSA-SHA256", "SHA256", &["--signature-format", "openssl"]),
        ("ec-nistP521", "ECDSA.ECCPRIVATEBLOB", "ECDSA-SHA512", "SHA512", &["--signature-format", "openssl"]),
    ] {
        let document = token.import(&format!("{key}.{kind}.bin"), key, &[]);
        let id = document["id"].as_str().expect("an id is text");
        let signature = token.path_text("tool.sig");
        if mechanism.starts_with("ECDSA") {
            // SoftHSM has plain ECDSA only: the digest is made here.
            let digest = openssl(&["dgst", &format!("-{}", hash.to_lowercase()), "-binary", &data], None);
            let digest = token.file("digest", digest);
            let sign = ["--sign", "--id", id, "-m", "ECDSA", "-i", &digest, "-o", &signature];
            token.pkcs11_tool(&[&sign[..], format].concat()).ok();
        } else {
            token.pkcs11_tool(&["--sign", "--id", id, "-m", mechanism, "-i", &data, "-o", &signature]).ok();
        }
        openssl_verifies(&token, key, hash, &[], &signature);
        let verify = ["verify", key, "--hash", hash, "--format", "der", &data, &signature];
        token.cng11(&verify).ok();
    }
}

#[test]
fn a_signature_goes_to_stdout_or_into_json_or_over_an_existing_file() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "key", &[]);
    let data = token.file("data", "what is signed");
    let signed = token.cng11_with(&["sign", "key", "-"], Some(b"what is signed"), |_| {}).ok().stdout;
    let signature = token.file("signature", &signed);
    token.cng11(&["verify", "key", &data, &signature]).ok();
    let document = token.json(&["sign", "key", &data]);
    assert_eq!(document["signature"].as_str().map(str::len), Some(128), "{document}");
    // `-o` overwrites.
    let run = token.cng11(&["sign", "key", &data, "-o", &signature]).ok();
    assert!(run.stdout.is_empty(), "{}", run.text());
    assert_ne!(token.read("signature"), signed);
    token.cng11(&["verify", "key", &data, &signature]).ok();
}

#[test]
fn a_key_does_not_sign_beyond_its_usage_or_with_what_does_not_fit() {
    let token = TestToken::new();
    let data = token.file("data", "what is signed");
    token.import("ec-nistP256.ECDH.ECCPRIVATEBLOB.bin", "agree", &[]);
    token.import("rsa2048-e65537.RSAPRIVATEBLOB.bin", "decrypt", &["--usage", "decrypt"]);
    token.import("aes256.KeyDataBlob.bin", "aes", &[]);
    for name in ["agree", "decrypt"] {
        let error = token.json_error(&["sign", name, &data], 3);
        assert_eq!(error["status"], "NTE_PERM", "{error}");
    }
    token.cng11(&["sign", "aes", &data]).code(2).says("hint: ");
    token.cng11(&["sign", "agree", "--padding", "pss", &data]).code(2).says("hint: ");
    token.cng11(&["sign", "agree", "--hash", "MD5", &data]).code(2);
}
