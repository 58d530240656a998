//! Every kind of key goes onto a token and comes off again in every form, equal byte for byte to the vectors.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use crate::support::{Row, TestToken, manifest, openssl, vector, vector_text};

/// Inputs that are tried for a key, and the exports that are compared for each.
const RSA_INPUTS: &[&str] = &["RSAFULLPRIVATEBLOB", "RSAPRIVATEBLOB", "PKCS8_PRIVATEKEY", "pkcs1"];
const RSA_EXACT: &[&str] =
    &["RSAPUBLICBLOB", "RSAPRIVATEBLOB", "RSAFULLPRIVATEBLOB", "PKCS8_PRIVATEKEY", "pkcs1", "spki"];

/// The keys of the manifest that fit, in its order, each once.
fn keys(fits: impl Fn(&Row) -> bool) -> Vec<String> {
    let mut keys = Vec::new();
    for row in manifest().into_iter().filter(fits) {
        if !keys.contains(&row.key) {
            keys.push(row.key);
        }
    }
    keys
}

fn rsa_keys_round_trip(prefix: &str) {
    let token = TestToken::new();
    let keys = keys(|row| row.key.starts_with(prefix));
    assert!(!keys.is_empty(), "{prefix}");
    for key in keys {
        for input in RSA_INPUTS {
            let name = format!("{key} from {input}");
            let document =
                token.import(&format!("{key}.{input}.bin"), &name, &["--type", input, "--export-policy", "plaintext"]);
            assert_eq!(document["algorithm"], "RSA", "{name}");
            assert_eq!(document["verified"], "signature", "{name}");
            for kind in RSA_EXACT {
                let exported = token.export(&name, kind, &["--allow-plaintext"]);
                let expected = vector(&format!("{key}.{kind}.bin"));
                if *input == "RSAPRIVATEBLOB" && ["RSAFULLPRIVATEBLOB", "PKCS8_PRIVATEKEY", "pkcs1"].contains(kind) {
                    same_key_with_another_d(&token, &exported, &expected, kind, &name);
                } else {
                    assert!(exported == expected, "{name}: {kind} differs");
                }
            }
            same_in_pem(&token, &name, "pkcs8-pem", "PKCS8_PRIVATEKEY");
            same_in_pem(&token, &name, "spki-pem", "spki");
        }
    }
}

/// `RSAPRIVATEBLOB` has no d; computed anew it may be the one modulo lcm(p-1, q-1), which is as good.
#[track_caller]
fn same_key_with_another_d(token: &TestToken, exported: &[u8], expected: &[u8], kind: &str, name: &str) {
    if exported == expected {
        return;
    }
    if kind == "RSAFULLPRIVATEBLOB" {
        assert_eq!(exported.len(), expected.len(), "{name}");
        // d is the last field, as long as the modulus.
        let modulus = u32::from_le_bytes(expected[12..16].try_into().expect("four bytes")) as usize;
        let before_d = expected.len() - modulus;
        assert!(exported[..before_d] == expected[..before_d], "{name}: more than d differs");
        let file = token.file("another-d", exported);
        assert_eq!(token.json(&["inspect", &file, "--type", kind])["consistent"], true, "{name}");
        return;
    }
    let said = openssl(&["pkey", "-inform", "DER", "-check", "-noout"], Some(exported));
    assert!(String::from_utf8_lossy(&said).contains("valid"), "{name}: openssl finds the {kind} invalid");
    let public = |bytes: &[u8]| openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], Some(bytes));
    assert_eq!(public(exported), public(expected), "{name}");
}

/// A PEM export holds what the DER export is; where there is a PEM vector, it is the same text.
#[track_caller]
fn same_in_pem(token: &TestToken, name: &str, pem_kind: &str, der_kind: &str) {
    let pem = token.export(name, pem_kind, &["--allow-plaintext"]);
    let (_, bytes) = der::pem::decode_vec(&pem).unwrap_or_else(|error| panic!("{name}: {pem_kind}: {error}"));
    assert!(bytes == token.export(name, der_kind, &["--allow-plaintext"]), "{name}: {pem_kind} differs");
    let key = name.split(' ').next().unwrap_or_default();
    let vector_name = format!("{key}.{pem_kind}.pem");
    let known_d = !name.ends_with("RSAPRIVATEBLOB") || pem_kind == "spki-pem";
    if known_d && support::vector_path(&vector_name).exists() {
        assert!(pem == vector(&vector_name), "{name}: {pem_kind} differs from the vector");
    }
}

#[test]
fn rsa_keys_of_1024_bits_come_off_as_they_went_on() {
    rsa_keys_round_trip("rsa1024");
}

#[test]
fn rsa_keys_of_2047_bits_come_off_as_they_went_on() {
    rsa_keys_round_trip("rsa2047");
}

#[test]
fn rsa_keys_of_2048_bits_with_unequal_primes_and_long_exponents_too_come_off_as_they_went_on() {
    rsa_keys_round_trip("rsa2048");
}

#[test]
fn rsa_keys_of_3072_bits_come_off_as_they_went_on() {
    rsa_keys_round_trip("rsa3072");
}

#[test]
fn rsa_keys_of_4096_bits_come_off_as_they_went_on() {
    rsa_keys_round_trip("rsa4096");
}

/// An elliptic-curve key from each of its forms. Which algorithm's blobs come off follows from its usage.
fn elliptic_keys_round_trip(fits: impl Fn(&str) -> bool) {
    let token = TestToken::new();
    let rows = manifest();
    let keys = keys(|row| row.key.starts_with("ec-") && !row.key.contains("25519") && fits(&row.key));
    assert!(!keys.is_empty());
    for key in keys {
        let rows: Vec<_> = rows.iter().filter(|row| row.key == key).collect();
        let has = |kind: &str| rows.iter().any(|row| row.kind == kind);
        let curve = rows[0].curve.clone().expect("an elliptic-curve key has a curve");
        for input in rows
            .iter()
            .filter(|row| row.format() == "ECCPRIVATEBLOB" || ["PKCS8_PRIVATEKEY", "sec1"].contains(&row.kind.as_str()))
        {
            let name = format!("{key} from {}", input.kind);
            let mut more = vec!["--type", input.format(), "--export-policy", "plaintext"];
            if input.kind.starts_with("GENERIC-") {
                more.extend(["--curve", &curve]);
            }
            let document = token.import(&input.file, &name, &more);
            let family = if input.kind.contains("ECDH") { "ECDH" } else { "ECDSA" };
            let proof = match (curve.as_str(), family) {
                ("brainpoolP512r1", "ECDH") => document["verified"].clone(),
                (_, "ECDH") => "agreement".into(),
                _ => "signature".into(),
            };
            assert_eq!(document["verified"], proof, "{name}");
            assert_eq!(document["curve"], curve, "{name}");

            let magic =
                if has(&format!("{family}.ECCPUBLICBLOB")) { family.to_owned() } else { format!("GENERIC-{family}") };
            for (kind, expected) in [
                ("ECCPUBLICBLOB", format!("{key}.{magic}.ECCPUBLICBLOB.bin")),
                ("ECCPRIVATEBLOB", format!("{key}.{magic}.ECCPRIVATEBLOB.bin")),
                ("PKCS8_PRIVATEKEY", format!("{key}.PKCS8_PRIVATEKEY.bin")),
                ("sec1", format!("{key}.sec1.bin")),
                ("spki", format!("{key}.spki.bin")),
            ] {
                let exported = token.export(&name, kind, &["--allow-plaintext"]);
                assert!(exported == vector(&expected), "{name}: {kind} differs from {expected}");
            }
            same_in_pem(&token, &name, "pkcs8-pem", "PKCS8_PRIVATEKEY");
            same_in_pem(&token, &name, "spki-pem", "spki");
        }
    }
}

#[test]
fn keys_on_nist_curves_come_off_as_they_went_on() {
    elliptic_keys_round_trip(|key| key.starts_with("ec-nistP") && !key.contains("short"));
}

#[test]
fn keys_with_a_short_scalar_or_coordinate_keep_their_zeros() {
    elliptic_keys_round_trip(|key| key.contains("short"));
}

#[test]
fn keys_on_other_curves_come_off_as_they_went_on() {
    elliptic_keys_round_trip(|key| !key.starts_with("ec-nist"));
}

#[test]
fn aes_keys_come_off_as_they_went_on() {
    let token = TestToken::new();
    for (key, bits) in [("aes128", 128), ("aes192", 192), ("aes256", 256)] {
        for input in ["KeyDataBlob", "CipherKeyBlob", "raw"] {
            let name = format!("{key} from {input}");
            let mut more = vec!["--export-policy", "plaintext"];
            match input {
                // A bare key says nothing of itself, but its algorithm does.
                "raw" => more.extend(["--algorithm", "AES"]),
                _ => more.extend(["--type", input]),
            }
            let document = token.import(&format!("{key}.{input}.bin"), &name, &more);
            assert_eq!(document["bits"], bits, "{name}");
            assert_eq!(document["verified"], "kcv", "{name}");
            for kind in ["KeyDataBlob", "CipherKeyBlob", "raw"] {
                let exported = token.export(&name, kind, &["--allow-plaintext"]);
                assert!(exported == vector(&format!("{key}.{kind}.bin")), "{name}: {kind} differs");
            }
        }
    }
}

#[test]
fn a_key_on_curve25519_is_refused_by_softhsm_and_leaves_nothing() {
    let token = TestToken::new();
    let before = token.contents();
    for (key, input, more) in [
        ("ec-curve25519", "GENERIC-ECDH.ECCPRIVATEBLOB", &["--curve", "curve25519"][..]),
        ("ec-curve25519", "PKCS8_PRIVATEKEY", &[]),
        ("ec-curve25519-unclamped", "PKCS8_PRIVATEKEY", &[]),
    ] {
        let file = vector_text(&format!("{key}.{input}.bin"));
        let arguments = [&["import", &file, "--name", "x"], more].concat();
        let error = token.json_error(&arguments, 3);
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{key} {input}: {error}");
        assert_eq!(token.contents(), before, "{key} {input}");
    }
}

#[test]
fn a_key_on_brainpool_p512r1_works_with_a_warning_that_it_was_not_checked() {
    let token = TestToken::new();
    let file = vector_text("ec-brainpoolP512r1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin");
    let run = token
        .cng11(&["import", &file, "--name", "bp512", "--curve", "brainpoolP512r1", "--export-policy", "plaintext"])
        .ok()
        .says("warning: ");
    assert!(run.text().contains("imported `bp512`"), "{}", run.text());
    let inspected = token.json(&["inspect", &file, "--curve", "brainpoolP512r1"]);
    assert!(inspected["consistent"].is_null(), "{inspected}");
    assert_eq!(inspected["bits"], 512);

    let data = token.file("data", "signed");
    let signature = token.path_text("signature");
    token.cng11(&["sign", "bp512", "--hash", "SHA512", "--format", "der", &data, "-o", &signature]).ok();
    token.cng11(&["verify", "bp512", "--hash", "SHA512", "--format", "der", &data, &signature]).ok();
    let public = vector_text("ec-brainpoolP512r1.spki.bin");
    openssl(&["dgst", "-sha512", "-verify", &public, "-keyform", "DER", "-signature", &signature, &data], None);
}
