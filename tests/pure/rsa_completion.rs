//! Completion of an RSA key from p, q and e, against the numbers that OpenSSL gave.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::integers::{are_inverse, lambda, minus_one, mul, rem};
use crate::vectors;
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::key::rsa::{PrivateKey, PublicKey};
use cng_pkcs11::key::{self, Algorithm, Consistency, KeyMaterial, Validation};

use crate::blobs::Rsa;
use crate::vectors::hex;

#[test]
fn every_rsa_vector_is_completed_to_the_numbers_of_openssl() {
    let mut problems = Vec::new();
    for (name, rsa) in rsa_keys() {
        let numbers = completed(&rsa);
        // d is the smallest there is; OpenSSL's may be larger by a multiple of λ(n).
        let d = rem(rsa.get("d"), &lambda(rsa.get("p"), rsa.get("q")));
        for field in Rsa::FIELDS {
            let expected = if field == "d" { &d } else { rsa.get(field) };
            if numbers.get(field) != expected {
                problems.push(format!("{name}: {field} is {}", hex(numbers.get(field))));
            }
        }
    }
    vectors::report(&problems);
}

#[test]
fn the_order_of_the_primes_does_not_matter() {
    for (name, rsa) in rsa_keys() {
        let (right, swapped) = (completed(&rsa), completed(&rsa.swapped("p", "q")));
        for (field, other) in [("p", "q"), ("q", "p"), ("dp", "dq"), ("dq", "dp"), ("d", "d")] {
            assert_eq!(hex(swapped.get(field)), hex(right.get(other)), "{name}: {field}");
        }
        assert!(are_inverse(swapped.get("qinv"), swapped.get("q"), swapped.get("p")), "{name}");
        assert!(swapped.get("qinv") != right.get("qinv"), "{name}");
    }
}

#[test]
fn leading_zeros_of_the_primes_do_not_matter() {
    let (_, rsa) = rsa_keys().into_iter().find(|(name, _)| name == "rsa2047-e65537").unwrap();
    let padded = ["n", "e", "p", "q"].iter().fold(rsa.clone(), |rsa, field| {
        let padded = [&[0; 3], rsa.get(field)].concat();
        rsa.with(field, padded)
    });
    assert_eq!(completed(&padded).0, completed(&rsa).0);
}

/// A modulus of 16384 bits, the largest there is, and one whose primes have 8192 and 512 bits.
#[test]
fn large_and_very_unequal_primes_are_completed() {
    let published = |name: &str| vectors::number(&format!("published/{name}"), "p");
    let (modp, ffdhe) = (published("rfc3526-modp8192"), published("rfc7919-ffdhe8192"));
    let small = vectors::number("rsa1024-e3", "p");
    for (p, q, bits, widths) in [
        (&modp, &ffdhe, 16384, (1024, 1024)),
        (&ffdhe, &modp, 16384, (1024, 1024)),
        (&modp, &small, 8704, (1024, 64)),
        (&small, &modp, 8704, (64, 1024)),
    ] {
        let n = mul(p, q);
        // 65537 and the largest prime of 64 bits.
        for e in [vec![1, 0, 1], 0xFFFF_FFFF_FFFF_FFC5_u64.to_be_bytes().to_vec()] {
            let public = PublicKey::new(&n, &e, Validation::Full).unwrap();
            let private = PrivateKey::from_primes(public, p, q, Validation::Full).unwrap();
            assert_eq!((private.public().bits(), private.prime_widths()), (bits, widths));
            let numbers = private.numbers();
            let (p_order, q_order) = (minus_one(p), minus_one(q));
            assert!(are_inverse(&numbers.dp, &e, &p_order) && numbers.dp.len() <= p.len());
            assert!(are_inverse(&numbers.dq, &e, &q_order) && numbers.dq.len() <= q.len());
            assert!(are_inverse(&numbers.d, &e, &lambda(p, q)) && rem(&numbers.d, &lambda(p, q)) == *numbers.d);
            assert!(are_inverse(&numbers.qinv, q, p) && rem(&numbers.qinv, p) == *numbers.qinv);

            let key = KeyMaterial::Private(key::PrivateKey::Rsa(private));
            for blob_type in [BlobType::RsaFullPrivate, BlobType::RsaPrivate, BlobType::Pkcs8] {
                let encoded = blob::encode(&key, Algorithm::RSA, blob_type).unwrap();
                let decoded = blob::decode(&encoded, blob_type, &Hints::default()).unwrap();
                let again = blob::encode(&decoded.key, Algorithm::RSA, blob_type).unwrap();
                assert_eq!((again, decoded.key.consistency()), (encoded, Consistency::Checked));
            }
        }
    }
}

/// Every RSA key of the vectors with all its numbers.
fn rsa_keys() -> Vec<(String, Rsa)> {
    let private = vectors::all().into_iter().filter(|vector| vector.kind == "RSAPRIVATEBLOB");
    let keys: Vec<_> = private.map(|vector| (vector.key.clone(), Rsa::new(|field| vector.number(field)))).collect();
    for special in ["rsa2048-unequal-primes", "rsa2048-bige", "rsa2047-e3", "rsa4096-e3", "wine/gen-rsa3072"] {
        assert!(keys.iter().any(|(name, _)| name == special), "{special}");
    }
    keys
}

fn completed(rsa: &Rsa) -> Rsa {
    let public = PublicKey::new(rsa.get("n"), rsa.get("e"), Validation::Full).unwrap();
    let key = PrivateKey::from_primes(public, rsa.get("p"), rsa.get("q"), Validation::Full).unwrap();
    assert_eq!(key.consistency(), Consistency::Checked);
    let (public, numbers) = (key.public(), key.numbers());
    Rsa::new(|field| match field {
        "n" => public.n().to_vec(),
        "e" => public.e().to_vec(),
        "p" => numbers.p.to_vec(),
        "q" => numbers.q.to_vec(),
        "dp" => numbers.dp.to_vec(),
        "dq" => numbers.dq.to_vec(),
        "qinv" => numbers.qinv.to_vec(),
        _ => numbers.d.to_vec(),
    })
}
