//! RSA keys whose layout is right and whose numbers are not: what is refused, and what `Validation::Skip` lets through.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::integers;
use cng_pkcs11::asn1::Limits;
use cng_pkcs11::blob::{self, BlobType, Decoded, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::{PrivateKey, PrivateNumbers, PublicKey};
use cng_pkcs11::key::{self, Algorithm, Consistency, KeyMaterial, Validation};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::status::Status;

use crate::blobs::Rsa;
use crate::integers::shifted;
use crate::vectors::{hex, named, unhex};

const SKIP: Hints<'_> =
    Hints { algorithm: None, curve: None, limits: Limits::DEFAULT, password: None, validation: Validation::Skip };

#[test]
fn an_rsa_key_with_one_number_altered_is_refused_in_every_form_and_taken_without_validation() {
    let right = rsa("rsa1024-e65537");
    for field in Rsa::FIELDS {
        for delta in [-2, -1, 1, 2] {
            let altered = shifted(right.get(field), delta);
            // 65535 is a byte shorter than 65537.
            let wrong = right.with(field, altered.strip_prefix(&[0]).unwrap_or(&altered));
            let bytes = wrong.full_blob();
            let context = format!("{field} {delta:+}");
            rsa_forms(&wrong).iter().for_each(|(bytes, format)| refused(bytes, *format, &context));
            refused(&bytes, Format::Blob(BlobType::RsaFullPrivate), &context);

            let taken = blob::decode(&bytes, BlobType::RsaFullPrivate, &SKIP).unwrap();
            assert_eq!(taken.key.consistency(), Consistency::Unchecked, "{context}");
            let again = blob::encode(&taken.key, taken.algorithm, BlobType::RsaFullPrivate).unwrap();
            assert_eq!(hex(&again), hex(&bytes), "{context}");
        }
    }
}

#[test]
fn primes_whose_product_is_not_n_are_refused() {
    let right = rsa("rsa1024-e65537");
    for field in ["n", "p", "q"] {
        for delta in [-2, -1, 1, 2] {
            let wrong = right.with(field, shifted(right.get(field), delta)).private_blob();
            refused(&wrong, Format::Blob(BlobType::RsaPrivate), &format!("{field} {delta:+}"));
        }
    }
    // Without validation n is believed; the rest is computed from the primes all the same.
    let wrong = right.with("n", shifted(right.get("n"), 2)).private_blob();
    let taken = blob::decode(&wrong, BlobType::RsaPrivate, &SKIP).unwrap();
    assert_eq!(taken.key.consistency(), Consistency::Unchecked);
}

#[test]
fn primes_that_are_one_or_even_are_refused() {
    let right = rsa("rsa1024-e65537");
    let (n, one) = (right.get("n").to_vec(), vec![1]);
    let is_one = "p or q is 1";
    for (p, q, n, what) in [
        (one.clone(), n.clone(), n.clone(), is_one),
        (n.clone(), one, n.clone(), is_one),
        (vec![], n.clone(), n, "p or q is even"),
    ] {
        let wrong = right.with("n", n).with("p", p).with("q", q);
        let error = blob::decode(&wrong.private_blob(), BlobType::RsaPrivate, &Hints::default()).unwrap_err();
        assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what }));
        refused(&wrong.full_blob(), Format::Blob(BlobType::RsaFullPrivate), what);
    }
}

#[test]
fn swapped_primes_are_another_key_only_if_the_rest_is_swapped_with_them() {
    let right = rsa("rsa1024-e65537");
    let swapped = right.swapped("p", "q");
    let completed = blob::decode(&swapped.private_blob(), BlobType::RsaPrivate, &Hints::default()).unwrap();
    refused(&swapped.full_blob(), Format::Blob(BlobType::RsaFullPrivate), "p and q swapped alone");
    let without_qinv = swapped.swapped("dp", "dq");
    let error = blob::decode(&without_qinv.full_blob(), BlobType::RsaFullPrivate, &Hints::default()).unwrap_err();
    assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what: "qInv is not q⁻¹ mod p" }));
    let whole = without_qinv.with("qinv", &*numbers(&completed).qinv);
    let decoded = blob::decode(&whole.full_blob(), BlobType::RsaFullPrivate, &Hints::default()).unwrap();
    assert_eq!(decoded.key.consistency(), Consistency::Checked);
}

#[test]
fn d_may_be_any_inverse_of_e_below_n_but_not_above() {
    for key in ["rsa2047-e65537", "rsa1024-e3"] {
        let right = rsa(key);
        let lambda = integers::lambda(right.get("p"), right.get("q"));
        let mut d = integers::rem(right.get("d"), &lambda);
        let mut taken = 0;
        while d.len() < right.get("n").len() || (d.len() == right.get("n").len() && d.as_slice() < right.get("n")) {
            let blob = right.with("d", d.clone()).full_blob();
            assert!(blob::decode(&blob, BlobType::RsaFullPrivate, &Hints::default()).is_ok(), "{key}, number {taken}");
            d = integers::add(&d, &lambda);
            taken += 1;
        }
        assert!(taken >= 2, "{key}");
        let error =
            blob::decode(&right.with("d", d).full_blob(), BlobType::RsaFullPrivate, &Hints::default()).unwrap_err();
        let what = "the private exponent d is not below n";
        assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what }), "{key}");
    }
}

#[test]
fn unreduced_crt_numbers_are_refused() {
    let right = rsa("rsa1024-e65537");
    for (field, modulus) in [
        ("dp", integers::minus_one(right.get("p"))),
        ("dq", integers::minus_one(right.get("q"))),
        ("qinv", right.get("p").to_vec()),
    ] {
        let wrong = right.with(field, integers::add(right.get(field), &modulus));
        refused(&wrong.full_blob(), Format::Blob(BlobType::RsaFullPrivate), field);
    }
}

#[test]
fn leading_zeros_in_a_wider_field_change_nothing() {
    let right = rsa("rsa1024-e65537");
    let (n, p, q) = right.widths();
    for widths in [(n + 1, p, q), (n, p + 1, q), (n, p, q + 3), (n + 8, p + 8, q + 8)] {
        let e = [&[0; 5], right.get("e")].concat();
        let wide = right.with("e", e).full_blob_of_widths(widths);
        let decoded = blob::decode(&wide, BlobType::RsaFullPrivate, &Hints::default()).unwrap();
        let again = blob::encode(&decoded.key, decoded.algorithm, BlobType::RsaFullPrivate).unwrap();
        assert_eq!(hex(&again), hex(&right.full_blob()), "{widths:?}");
    }
}

#[test]
fn a_public_exponent_must_be_odd_above_one_and_within_64_bits() {
    let right = rsa("rsa1024-e65537");
    let above = unhex("01 0000000000000001");
    for (e, taken, taken_without_validation) in [
        (vec![], false, true),
        (vec![0], false, true),
        (vec![1], false, true),
        (vec![2], false, true),
        (unhex("010000"), false, true),
        (unhex("fffffffffffffffe"), false, true),
        (above.clone(), false, false),
        (unhex("ff 0000000000000001"), false, false),
        (vec![3], true, true),
        (unhex("ffffffffffffffff"), true, true),
        (unhex("00 00 ffffffffffffffff"), true, true),
    ] {
        let blob = right.with("e", e.clone()).public_blob();
        let outcome = blob::decode(&blob, BlobType::RsaPublic, &Hints::default());
        assert_eq!(outcome.map_err(|error| error.status()).err(), expected(taken), "e = {e:02x?}");
        let outcome = blob::decode(&blob, BlobType::RsaPublic, &SKIP);
        assert_eq!(outcome.map_err(|error| error.status()).err(), expected(taken_without_validation), "e = {e:02x?}");
    }
    // Nothing can be computed from an even exponent, or from 1, so here skipping the checks does not help.
    for e in [vec![], vec![1], vec![2], above] {
        let blob = right.with("e", e.clone()).private_blob();
        for hints in [Hints::default(), SKIP] {
            let outcome = blob::decode(&blob, BlobType::RsaPrivate, &hints).map_err(|error| error.status());
            assert_eq!(outcome.err(), expected(false), "e = {e:02x?}");
        }
    }
}

#[test]
fn an_exponent_without_inverse_is_refused() {
    // Small odd factors of p − 1 or q − 1: 3 for the keys with e = 65537 or 17, where nothing forbids it.
    let mut tried = 0;
    for key in ["rsa1024-e65537", "rsa1024-e17", "rsa2048-e65537", "rsa2048-e17"] {
        let right = rsa(key);
        let orders = ["p", "q"].map(|field| integers::minus_one(right.get(field)));
        for e in (3..255_u8).step_by(2).filter(|e| orders.iter().any(|order| integers::rem(order, &[*e]).is_empty())) {
            let blob = right.with("e", [e]).private_blob();
            let error = blob::decode(&blob, BlobType::RsaPrivate, &Hints::default()).unwrap_err();
            let what = "e has no inverse modulo p − 1 or q − 1";
            assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what }), "{key}, e = {e}");
            tried += 1;
        }
    }
    assert!(tried > 0);
}

#[test]
fn a_modulus_must_be_odd_and_of_512_to_16384_bits() {
    let modulus = |bits: usize| {
        let mut n = vec![0xFF; bits.div_ceil(8)];
        n[0] >>= n.len() * 8 - bits;
        n
    };
    for (n, taken, taken_without_validation) in [
        (vec![], false, false),
        (vec![0; 128], false, false),
        (modulus(511), false, false),
        (modulus(512), true, true),
        (modulus(2047), true, true),
        (modulus(16384), true, true),
        (modulus(16385), false, false),
        (modulus(65536), false, false),
        (shifted(&modulus(1024), -1), false, true),
    ] {
        let blob = rsa("rsa1024-e3").with("n", n.clone()).with("d", []).public_blob();
        for (validation, taken) in [(Validation::Full, taken), (Validation::Skip, taken_without_validation)] {
            let outcome = blob::decode(&blob, BlobType::RsaPublic, &Hints { validation, ..Hints::default() });
            assert_eq!(outcome.map_err(|error| error.status()).err(), expected(taken), "{} bytes", n.len());
        }
    }
}

fn expected(taken: bool) -> Option<Status> {
    (!taken).then_some(Status::NTE_INVALID_PARAMETER)
}

/// Refused as a key, not for its layout.
#[track_caller]
fn refused(bytes: &[u8], format: Format, context: &str) {
    match format::decode(bytes, format, &Hints::default()) {
        Err(error) => assert_eq!(error.status(), Status::NTE_INVALID_PARAMETER, "{context}: {error}"),
        Ok(_) => panic!("{context}: taken as {}", format.name()),
    }
}

fn rsa(key: &str) -> Rsa {
    let vector = named(&format!("{key}.RSAFULLPRIVATEBLOB.bin"));
    Rsa::new(|field| vector.number(field))
}

/// The same numbers, right or wrong, in DER.
fn rsa_forms(rsa: &Rsa) -> [(Vec<u8>, Format); 2] {
    let secret = |field| SecretBytes::from(rsa.get(field));
    let numbers = PrivateNumbers {
        p: secret("p"),
        q: secret("q"),
        dp: secret("dp"),
        dq: secret("dq"),
        qinv: secret("qinv"),
        d: secret("d"),
    };
    let public = PublicKey::new(rsa.get("n"), rsa.get("e"), Validation::Skip).unwrap();
    let private = PrivateKey::from_numbers(public, numbers, Validation::Skip).unwrap();
    let key = KeyMaterial::Private(key::PrivateKey::Rsa(private));
    [Format::Pkcs1, Format::Blob(BlobType::Pkcs8)]
        .map(|format| (format::encode(&key, Algorithm::RSA, format).unwrap().to_vec(), format))
}

fn numbers(decoded: &Decoded) -> PrivateNumbers {
    match &decoded.key {
        KeyMaterial::Private(key::PrivateKey::Rsa(key)) => key.numbers().clone(),
        other => panic!("{other:?}"),
    }
}
