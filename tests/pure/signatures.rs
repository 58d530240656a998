//! Verification of signatures that OpenSSL made: the proof that a key on a token is the key that it should be.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::vectors;
use cng_pkcs11::asn1::ecdsa;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{self, Curve, PublicKey, Validation, ec};

use crate::integers::difference;
use crate::orders::order;
use crate::vectors::{Vector, named};

/// What was signed (`tests/vectors/README.md`).
const SIGNED: &[u8] = b"What the openssl program signed for tests/vectors/signatures.\n";

#[test]
fn rsa_signatures_verify_and_nothing_near_them_does() {
    let mut count = 0;
    for vector in signatures("RSA") {
        let (file, signature) = (&vector.file, vector.bytes());
        let PublicKey::Rsa(key) = public(&vector.key) else { panic!("{file}") };
        let PublicKey::Rsa(other) = public("rsa2048-e17") else { panic!("{file}") };
        let scheme: Vec<_> = vector.kind.trim_end_matches(".signature").split('-').collect();
        let hash = Hash::by_name(scheme[1]);
        let digest = hash.unwrap_or(Hash::Sha256).digest(SIGNED);
        let salt: Option<usize> = scheme.get(2).map(|salt| salt.parse().unwrap());
        let verify = |key: &key::rsa::PublicKey, hash: Option<Hash>, digest: &[u8], signature: &[u8]| match salt {
            Some(salt) => key.verify_pss(hash.unwrap(), salt, digest, signature),
            None => key.verify_pkcs1(hash, digest, signature),
        };
        assert!(verify(&key, hash, &digest, &signature), "{file}");
        assert!(!verify(&other, hash, &digest, &signature), "{file}: another key");
        for bit in [0, 9, signature.len() * 4, signature.len() * 8 - 1] {
            assert!(!verify(&key, hash, &digest, &flipped(&signature, bit)), "{file}: signature bit {bit}");
        }
        for bit in [0, digest.len() * 8 - 1] {
            assert!(!verify(&key, hash, &flipped(&digest, bit), &signature), "{file}: digest bit {bit}");
        }
        for wrong in [&[][..], &signature[1..], &signature[..signature.len() - 1], &[&signature[..], &[0]].concat()] {
            assert!(!verify(&key, hash, &digest, wrong), "{file}: {} bytes", wrong.len());
        }
        for wrong in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512].map(Some).into_iter().filter(|h| *h != hash)
        {
            assert!(!verify(&key, wrong, &digest, &signature), "{file}: as {wrong:?}");
        }
        match salt {
            Some(salt) => {
                let hash = hash.unwrap();
                assert!(!key.verify_pss(hash, salt + 1, &digest, &signature), "{file}: a longer salt");
                assert!(salt == 0 || !key.verify_pss(hash, salt - 1, &digest, &signature), "{file}: a shorter salt");
                assert!(!key.verify_pkcs1(Some(hash), &digest, &signature), "{file}: as PKCS#1 v1.5");
            }
            None => {
                assert!(hash.is_none() || !key.verify_pkcs1(None, &digest, &signature), "{file}: without DigestInfo");
                let hash = hash.unwrap_or(Hash::Sha256);
                assert!(!key.verify_pss(hash, hash.length(), &digest, &signature), "{file}: as PSS");
            }
        }
        count += 1;
    }
    assert_eq!(count, 18);
}

#[test]
fn ecdsa_signatures_verify_with_a_low_and_a_high_s_and_lead_back_to_their_key() {
    let mut count = 0;
    for vector in signatures("EC") {
        let (file, curve) = (&vector.file, vector.curve().unwrap());
        let PublicKey::Ec(key) = public(&vector.key) else { panic!("{file}") };
        let hash = Hash::by_name(vector.kind.trim_end_matches(".signature").trim_start_matches("ecdsa-")).unwrap();
        let digest = hash.digest(SIGNED);
        let signature = vector.bytes();
        let (r, s) = signature.split_at(curve.width());
        let order = order(curve.name);
        // (r, n − s) is a signature by the same key.
        let mirrored = [r, &difference(&order, s)].concat();
        for signature in [&signature, &mirrored] {
            assert_eq!(key.verify(&digest, signature), Some(true), "{file}");
            let candidates = ec::PublicKey::recover(curve, &digest, signature);
            assert!(candidates.contains(&key) && candidates.len() <= 4, "{file}: {} candidates", candidates.len());
            for candidate in &candidates {
                assert_eq!(candidate.verify(&digest, signature), Some(true), "{file}");
            }
        }

        let zero = vec![0; curve.width()];
        let mut wrong: Vec<Vec<u8>> = [0, r.len() * 8 - 1, r.len() * 8, signature.len() * 8 - 1]
            .iter()
            .map(|bit| flipped(&signature, *bit))
            .collect();
        wrong.extend([
            vec![],
            signature[1..].to_vec(),
            [signature.as_slice(), &[0]].concat(),
            [&zero, s].concat(),
            [r, &zero].concat(),
            [&order, s].concat(),
            [r, &order].concat(),
            [s, r].concat(),
        ]);
        for wrong in wrong {
            assert_eq!(key.verify(&digest, &wrong), Some(false), "{file}: {wrong:02x?}");
            assert!(!ec::PublicKey::recover(curve, &digest, &wrong).contains(&key), "{file}: {wrong:02x?}");
        }
        // The first bit counts even where the digest is longer than the field.
        assert_eq!(key.verify(&flipped(&digest, 7), &signature), Some(false), "{file}");
        assert!(!ec::PublicKey::recover(curve, &flipped(&digest, 7), &signature).contains(&key), "{file}");
        count += 1;
    }
    assert_eq!(count, 15);
}

/// r and s are integers in DER: with a zero byte before a high bit, without any other leading zero.
#[test]
fn an_ecdsa_signature_survives_der_and_another_width_is_refused() {
    for vector in signatures("EC") {
        let (signature, width) = (vector.bytes(), vector.curve().unwrap().width());
        let der = ecdsa::to_der(&signature).unwrap();
        assert_eq!(ecdsa::from_der(&der, width).unwrap(), signature, "{}", vector.file);
        assert!(ecdsa::from_der(&der, width + 1).unwrap().len() == 2 * width + 2, "{}", vector.file);
        for wrong in (0..der.len()).map(|length| der[..length].to_vec()).chain([[der.as_slice(), &[0]].concat()]) {
            assert!(ecdsa::from_der(&wrong, width).is_err(), "{}: {} bytes", vector.file, wrong.len());
        }
        assert!(ecdsa::from_der(&der, width / 2).is_err() && ecdsa::to_der(&signature[1..]).is_err());
    }
    assert_eq!(ecdsa::to_der(&[0x80, 0x01]).unwrap(), [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]);
    assert_eq!(ecdsa::from_der(&[0x30, 7, 2, 2, 0, 0x80, 2, 1, 1], 2).unwrap(), [0, 0x80, 0, 1]);
}

#[test]
fn a_curve_that_cannot_sign_or_compute_here_says_so() {
    for name in ["curve25519", "brainpoolP512r1"] {
        let PublicKey::Ec(key) = public(&format!("ec-{name}")) else { panic!("{name}") };
        assert_eq!(key.verify(&[7; 32], &[7; 64]), None, "{name}");
        assert!(ec::PublicKey::recover(Curve::by_name(name).unwrap(), &[7; 32], &[7; 64]).is_empty(), "{name}");
    }
}

#[test]
fn a_key_taken_without_validation_verifies_nothing_and_never_panics() {
    let signature = named("signatures/rsa1024-e3.pkcs1-sha256.signature.bin");
    let digest = Hash::Sha256.digest(SIGNED);
    let n = signature.number("n");
    let even = [&n[..127], &[0]].concat();
    for (n, e) in [(&even, vec![3]), (&n, vec![]), (&n, vec![2]), (&even, vec![]), (&n, vec![1])] {
        let key = key::rsa::PublicKey::new(n, &e, Validation::Skip).unwrap();
        assert!(!key.verify_pkcs1(Some(Hash::Sha256), &digest, &signature.bytes()), "{e:?}");
        assert!(!key.verify_pss(Hash::Sha256, 32, &digest, &signature.bytes()), "{e:?}");
        let _ = key.encrypt_pkcs1(&digest);
    }
}

fn signatures(algorithm: &str) -> impl Iterator<Item = Vector> {
    vectors::all()
        .into_iter()
        .filter(move |vector| vector.kind.ends_with(".signature") && vector.algorithm == algorithm)
}

fn public(key: &str) -> PublicKey {
    cng_pkcs11::asn1::spki::decode(&named(&format!("{key}.spki.bin")).bytes(), Validation::Full).unwrap()
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out[bit / 8] ^= 1 << (bit % 8);
    out
}
