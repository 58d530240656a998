//! What CryptoAPI's blobs say of lengths, and what the groups in them must be.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use cng_pkcs11::asn1;
use cng_pkcs11::blob::{self, BlobType, Error, Hints};
use cng_pkcs11::key::{self, KeyMaterial, PrivateKey, Validation, dh};

#[path = "common/more.rs"]
mod more;

use more::{BLOBS, Vector};

fn vector(file: &str) -> &'static Vector {
    BLOBS.iter().find(|vector| vector.file == file).unwrap()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn with_word(bytes: &[u8], at: usize, value: u32) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
    changed
}

fn bits(number: &[u8]) -> u32 {
    let number: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    u32::try_from(number.len() * 8).unwrap() - number.first().map_or(0, |top| top.leading_zeros())
}

fn dh_key(bytes: &[u8], hints: &Hints<'_>) -> Result<dh::PrivateKey, Error> {
    let decoded = blob::decode(bytes, BlobType::CapiDhPrivate, hints)?;
    let KeyMaterial::Private(PrivateKey::Dh(key)) = decoded.key else { panic!("{:?}", decoded.key) };
    Ok(key)
}

/// Microsoft's documents have `BYTE x[bitlenX/8]`: who divides by 8 must come out at the bytes that stand there.
#[test]
fn the_lengths_of_version_3_count_the_bits_of_whole_bytes() {
    let mut seen = 0;
    for vector in BLOBS.iter().filter(|vector| vector.blob_type == BlobType::CapiDhPrivate && vector.variant != "v1") {
        let bytes = vector.bytes();
        let decoded = blob::decode(&bytes, vector.blob_type, &vector.hints()).unwrap();
        let written = blob::encode(&decoded.key, decoded.algorithm, vector.blob_type).unwrap();
        let [p, q, j, x] = [12, 16, 20, 24].map(|at| word(&written, at));
        assert!([q, j, x].iter().all(|bits| bits % 8 == 0), "{}", vector.file);
        assert_eq!(written.len() as u32, 52 + (3 * p + q + j + x) / 8, "{}", vector.file);
        assert_eq!(*written, *bytes, "{}", vector.file);
        // The exact number of bits is read as well, a smaller one is not.
        let exact = bits(&vector.number("x").unwrap());
        if exact % 8 != 0 {
            seen += 1;
            let key = dh_key(&with_word(&bytes, 24, exact), &vector.hints()).unwrap();
            assert_eq!(bits(key.x()), exact, "{}", vector.file);
            if exact % 8 != 1 {
                let outcome = dh_key(&with_word(&bytes, 24, exact - 1), &vector.hints());
                assert!(matches!(outcome, Err(Error::Value { field: "bitlenX", offset: 24, .. })), "{}", vector.file);
            }
        }
        let outcome = dh_key(&with_word(&bytes, 12, p - 1), &vector.hints());
        assert!(matches!(outcome, Err(Error::Value { field: "bitlenP", offset: 12, .. })), "{}", vector.file);
    }
    assert!(seen > 3, "only {seen} with an odd length");
}

#[test]
fn an_order_that_is_not_that_of_the_generator_is_refused() {
    let vector = vector("dh2048-x942.qj.CAPIDHPRIVATEBLOB.bin");
    let [p, q, g, j] = ["p", "q", "g", "j"].map(|field| vector.number(field).unwrap());
    let parameters = |g: &[u8], validation| dh::Parameters::new(&p, g, validation).unwrap();
    assert!(parameters(&g, Validation::Full).with_order(&q, Validation::Full).is_ok());
    // 2 divides p − 1 as well.
    let wrong = parameters(&g, Validation::Full).with_order(&[2], Validation::Full);
    assert_eq!(wrong, Err(key::Error::Inconsistent { what: "g is not in the subgroup of order q" }));
    let outside = parameters(&[3], Validation::Full).with_order(&q, Validation::Full);
    assert!(matches!(outside, Err(key::Error::Inconsistent { .. })), "{outside:?}");
    let skipped = parameters(&[3], Validation::Skip).with_order(&q, Validation::Skip).unwrap();
    let y = vector.number("y").unwrap();
    let public = dh::PublicKey::new(skipped, &y, Validation::Skip).unwrap();
    assert_eq!(public.consistency(), key::Consistency::Unchecked);

    let ordered = || parameters(&g, Validation::Full).with_order(&q, Validation::Full).unwrap();
    assert!(ordered().with_cofactor(&j, Validation::Full).is_ok());
    let outcome = ordered().with_cofactor(&[2], Validation::Full);
    assert_eq!(outcome, Err(key::Error::Inconsistent { what: "j is not (p − 1) / q" }));
    assert!(ordered().with_cofactor(&[2], Validation::Skip).is_ok());
    for validation in [Validation::Full, Validation::Skip] {
        let outcome = parameters(&g, validation).with_cofactor(&j, validation);
        assert!(matches!(outcome, Err(key::Error::Missing { .. })), "{outcome:?}");
    }
    // The same in blobs and in DER.
    let mut bytes = vector.bytes();
    let j_at = 52 + 2 * p.len() + q.len();
    bytes[j_at] ^= 4;
    let outcome = dh_key(&bytes, &vector.hints());
    assert!(matches!(outcome, Err(Error::Key(key::Error::Inconsistent { .. }))), "{outcome:?}");
    let der = asn1::dh::encode_parameters(&ordered().with_cofactor(&[2], Validation::Skip).unwrap()).unwrap();
    assert!(asn1::dh::decode_x942_parameters(&der, Validation::Full).is_err());
    assert!(asn1::dh::decode_x942_parameters(&der, Validation::Skip).is_ok());
}

#[test]
fn a_dh_private_value_is_at_most_p_minus_2() {
    let vector = vector("dh512.DHPRIVATEBLOB.bin");
    let [mut p, g] = ["p", "g"].map(|field| vector.number(field).unwrap());
    let parameters = dh::Parameters::new(&p, &g, Validation::Full).unwrap();
    let last = p.len() - 1;
    // p is odd, so neither borrows.
    p[last] -= 1;
    let outcome = dh::PrivateKey::new(parameters.clone(), &p, None, Validation::Full);
    assert!(matches!(outcome, Err(key::Error::OutOfRange { field: "x", .. })), "{outcome:?}");
}
