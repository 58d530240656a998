//! What CryptoAPI's blobs say of lengths, and what the groups in them must be.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use cng_pkcs11::asn1;
use cng_pkcs11::blob::{self, BlobType, Decoded, Error, Hints};
use cng_pkcs11::format::{Entry, Format, Loss, Writing, losses};
use cng_pkcs11::key::discrete::Evidence;
use cng_pkcs11::key::{self, Algorithm, Curve, KeyMaterial, KeyUsage, PrivateKey, PublicKey, Validation, dh, dsa};

use crate::more::{BLOBS, Vector};

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
        assert!([q, j, x].iter().all(|bits| bits.is_multiple_of(8)), "{}", vector.file);
        assert_eq!(u32::try_from(written.len()).unwrap(), 52 + (3 * p + q + j + x) / 8, "{}", vector.file);
        assert_eq!(*written, *bytes, "{}", vector.file);
        // The exact number of bits is read as well, a smaller one is not.
        let exact = bits(&vector.number("x").unwrap());
        if !exact.is_multiple_of(8) {
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

/// `DSSPUBKEY_VER3`, `DHPUBKEY_VER3`: a counter of 0xFFFFFFFF alone says it; the CNG forms are read the same way.
#[test]
fn a_counter_of_all_ones_says_that_the_seed_is_unknown_whatever_it_is() {
    for (file, counter_at) in [
        ("dsa1024.CAPIDSAPUBLICBLOB.bin", None),
        ("dsa1024.v3.CAPIDSAPRIVATEBLOB.bin", Some(28)),
        ("dsa1024.DSAPUBLICBLOB.bin", Some(8)),
        ("dsa1536-160.DSAPRIVATEBLOB.bin", Some(24)),
    ] {
        let vector = vector(file);
        let bytes = vector.bytes();
        let counter_at = counter_at.unwrap_or(bytes.len() - 24);
        assert!(evidence(&bytes, vector).is_some(), "{file}");
        assert_eq!(evidence(&with_word(&bytes, counter_at, u32::MAX), vector), None, "{file}");
    }
    // In version 2 of DSAPUBLICBLOB an unknown seed has the length of q.
    let vector = vector("dsa1536-160.noseed.DSAPUBLICBLOB.bin");
    let mut longer = with_word(&vector.bytes(), 16, 21);
    longer.insert(28, 0xFF);
    let outcome = blob::decode(&longer, vector.blob_type, &vector.hints());
    assert!(matches!(outcome, Err(Error::Value { field: "cbSeedLength", offset: 16, .. })), "{outcome:?}");
    for length in [0, 513] {
        let outcome = blob::decode(&with_word(&vector.bytes(), 16, length), vector.blob_type, &vector.hints());
        assert!(matches!(outcome, Err(Error::Value { field: "cbSeedLength", offset: 16, .. })), "{outcome:?}");
    }
}

fn evidence(bytes: &[u8], vector: &Vector) -> Option<Evidence> {
    let decoded = blob::decode(bytes, vector.blob_type, &vector.hints()).unwrap();
    match decoded.key.public() {
        Some(PublicKey::Dsa(key)) => key.parameters().evidence().cloned(),
        Some(PublicKey::Dh(key)) => key.parameters().evidence().cloned(),
        other => panic!("{other:?}"),
    }
}

/// What has no room is written as unknown, and named as a loss.
#[test]
fn a_seed_that_does_not_fit_is_left_out_and_named() {
    let lost = |key: &KeyMaterial, algorithm, to| {
        let entry = Entry::from(Decoded { algorithm, key: key.clone(), usage: None });
        losses(&entry, Format::Blob(to), &Writing::default())
    };
    let short = Evidence { seed: vec![7; 20], counter: 5 };
    let long = Evidence { seed: vec![7; 32], counter: 5 };
    let uncounted = Evidence { seed: vec![7; 20], counter: u32::MAX };

    let source = vector("dh2048-x942.qj.CAPIDHPRIVATEBLOB.bin");
    let key = dh_key(&source.bytes(), &source.hints()).unwrap();
    for (evidence, fits) in [(&short, true), (&long, false), (&uncounted, false)] {
        let parameters = key.public().parameters().clone().with_evidence(evidence.clone());
        let key = dh::PrivateKey::new(parameters, key.x(), Some(key.public().y()), Validation::Full).unwrap();
        let key = KeyMaterial::Private(PrivateKey::Dh(key));
        let written = blob::encode(&key, Algorithm::DH, BlobType::CapiDhPrivate).unwrap();
        let read = self::evidence(&written, source);
        assert_eq!(read.as_ref(), fits.then_some(evidence));
        let expected: &[Loss] = if fits { &[] } else { &[Loss::DomainSeed] };
        assert_eq!(lost(&key, Algorithm::DH, BlobType::CapiDhPrivate), expected);
        let all = [Loss::SubgroupOrder, Loss::Cofactor, Loss::DomainSeed];
        assert_eq!(lost(&key, Algorithm::DH, BlobType::DhPrivate), all);
        let entry = Entry::from(Decoded { algorithm: Algorithm::DH, key: key.clone(), usage: None });
        assert_eq!(losses(&entry, Format::Bind, &Writing::default()), all);
        assert_eq!(losses(&entry, Format::PKCS8, &Writing::default()), []);
    }

    for (file, types, room) in [
        ("dsa1024.DSAPUBLICBLOB.bin", &[BlobType::DsaPublic, BlobType::CapiDsaPublic, BlobType::Public][..], 20),
        ("dsa1536-160.DSAPUBLICBLOB.bin", &[BlobType::DsaPublic, BlobType::Public][..], 512),
    ] {
        let source = vector(file);
        let decoded = blob::decode(&source.bytes(), source.blob_type, &source.hints()).unwrap();
        let KeyMaterial::Public(PublicKey::Dsa(key)) = decoded.key else { panic!("{file}") };
        let (old, y) = (key.parameters(), key.y());
        for evidence in [&short, &long, &uncounted, &Evidence { seed: vec![7; 513], counter: 5 }] {
            let parameters =
                dsa::Parameters::new(old.p(), old.q(), old.g(), Some(evidence.clone()), Validation::Full).unwrap();
            let key = dsa::PublicKey::new(parameters, y, Validation::Full).unwrap();
            let key = KeyMaterial::Public(PublicKey::Dsa(key));
            let fits = evidence.seed.len() <= room && evidence.counter != u32::MAX;
            for to in types {
                let written = blob::encode(&key, Algorithm::DSA, *to).unwrap();
                let read = blob::decode(&written, *to, &Hints::default()).unwrap();
                let Some(PublicKey::Dsa(read)) = read.key.public() else { panic!("{file}") };
                assert_eq!(read.parameters().evidence(), fits.then_some(evidence), "{file} as {}", to.name());
                let expected: &[Loss] = if fits { &[] } else { &[Loss::DomainSeed] };
                assert_eq!(lost(&key, Algorithm::DSA, *to), expected, "{file} as {}", to.name());
            }
        }
    }
}

#[test]
fn a_key_for_signing_alone_says_so_and_loses_it_in_a_blob() {
    for (file, usage) in [
        ("rsa2048.sign.CAPIPRIVATEBLOB.bin", Some(KeyUsage::SIGN)),
        ("rsa2048.sign.CAPIPUBLICBLOB.bin", Some(KeyUsage::SIGN)),
        ("rsa2048.CAPIPRIVATEBLOB.bin", None),
    ] {
        let vector = vector(file);
        let decoded = blob::decode(&vector.bytes(), vector.blob_type, &vector.hints()).unwrap();
        assert_eq!(decoded.usage, usage, "{file}");
        let (from, entry) = (Format::Blob(vector.blob_type), Entry::from(decoded));
        let lost = losses(&entry, from, &Writing::default());
        assert_eq!(lost, usage.map(Loss::Usage).into_iter().collect::<Vec<_>>(), "{file}");
        let kept = losses(&entry, Format::PKCS8, &Writing::default());
        assert!(vector.blob_type.is_public() || kept.is_empty(), "{file}: {kept:?}");
    }
}

/// A curve beside a key that has none is a mistake of somebody.
#[test]
fn a_curve_beside_a_key_without_one_is_refused() {
    let curve = Curve::by_name("nistP256").unwrap();
    let mut types = Vec::new();
    for vector in BLOBS.iter() {
        let bytes = vector.bytes();
        let Ok(decoded) = blob::decode(&bytes, vector.blob_type, &vector.skipping()) else { continue };
        if decoded.key.curve().is_some() || types.contains(&vector.blob_type) {
            continue;
        }
        types.push(vector.blob_type);
        let hints = Hints { curve: Some(curve), ..vector.skipping() };
        let outcome = blob::decode(&bytes, vector.blob_type, &hints).map(|_| ());
        assert!(matches!(outcome, Err(Error::Algorithm { .. })), "{}: {outcome:?}", vector.file);
        if let KeyMaterial::Private(key) = &decoded.key {
            let der = asn1::pkcs8::encode(key).unwrap();
            let outcome = blob::decode(&der, BlobType::Pkcs8, &hints).map(|_| ());
            assert!(matches!(outcome, Err(Error::Algorithm { .. })), "{}: {outcome:?}", vector.file);
        }
    }
    assert!(types.len() > 15, "{types:?}");
}
