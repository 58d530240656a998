//! Whatever the key, in whatever format can hold it: what is written is read back as the same key, and written again it is the same bytes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use crate::vectors;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use cng_pkcs11::asn1::Encryption;
use cng_pkcs11::blob::{Decoded, Hints};
use cng_pkcs11::format::{self, Entry, Format, Loss, Writing};
use cng_pkcs11::key::curve::CURVES;
use cng_pkcs11::key::{
    Algorithm, Family, KeyMaterial, KeyUsage, Kind, ParameterSet, PrivateKey, SymmetricAlgorithm, SymmetricKey,
    Validation, ec, pq,
};
use cng_pkcs11::secret::SecretBytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Keys whose making takes too long: RSA, DSA, DH, the curves without arithmetic, SLH-DSA; one of each kind that is
/// among the vectors, private and public.
static POOL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut pool = BTreeMap::new();
    for folder in ["", "more"] {
        let mut files: Vec<_> =
            std::fs::read_dir(vectors::folder().join(folder)).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|path| path.is_file()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(format) = name.rsplit('.').nth(1).and_then(Format::by_name) else { continue };
            let Ok(bytes) = std::fs::read(path) else { continue };
            if let Ok(decoded) = format::decode(&bytes, format, &Hints::default())
                && decoded.key.bits() <= 2048 * 8
            {
                let half = matches!(decoded.key, KeyMaterial::Public(_));
                let kind = format!("{:?} {half} {}", decoded.key.kind(), decoded.algorithm);
                pool.entry(kind).or_insert_with(|| Entry::from(decoded));
            }
        }
    }
    let kinds = |test: fn(Kind) -> bool| pool.values().filter(|entry| test(entry.decoded.key.kind())).count();
    assert!(kinds(|kind| matches!(kind, Kind::Rsa(_))) >= 4, "{:?}", pool.keys());
    assert!(kinds(|kind| matches!(kind, Kind::Dsa(_))) >= 4, "{:?}", pool.keys());
    assert!(kinds(|kind| matches!(kind, Kind::Dh(_))) >= 2, "{:?}", pool.keys());
    assert!(kinds(|kind| matches!(kind, Kind::Pq(_))) >= 12, "{:?}", pool.keys());
    pool.into_values().collect()
});

/// What every kind of key must at least have been written as, so that a format that refuses everything is seen.
fn least(key: &KeyMaterial) -> usize {
    match key {
        KeyMaterial::Private(_) => 4,
        KeyMaterial::Public(_) => 2,
        KeyMaterial::Secret(_) => 3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_key_of_the_vectors_survives_every_format(index in any::<Index>(), name in name()) {
        survives(index.get(POOL.as_slice()), name.as_deref());
    }

    #[test]
    fn a_random_elliptic_curve_key_survives_every_format(
        curve in select(CURVES.iter().filter(|curve| curve.has_arithmetic()).collect::<Vec<_>>()),
        family in select(vec![Family::Ecdh, Family::Ecdsa]),
        usage in proptest::option::of(select(vec![KeyUsage::SIGN, KeyUsage::AGREE])),
        name in name(),
    ) {
        let key = ec::PrivateKey::generate(curve).unwrap();
        let algorithm = Algorithm::elliptic(family, curve);
        let key = KeyMaterial::Private(PrivateKey::Ec(key));
        let usage = usage.filter(|_| curve.form == cng_pkcs11::key::curve::Form::Weierstrass);
        let mut decoded = decoded(algorithm, key);
        decoded.usage = usage.filter(|usage| *usage == algorithm.family.default_usage());
        survives(&Entry::from(decoded), name.as_deref());
    }

    #[test]
    fn a_random_seed_of_a_lattice_key_survives_every_format(
        set in select(ParameterSet::ALL.iter().copied().filter(|set| set.seed_len().is_some()).collect::<Vec<_>>()),
        bytes in vec(any::<u8>(), 64),
        name in name(),
    ) {
        let seed = &bytes[..set.seed_len().unwrap()];
        let key = pq::PrivateKey::new(set, pq::Parts { seed: Some(seed), ..pq::Parts::default() }, Validation::Full).unwrap();
        let algorithm = Algorithm::by_name(set.family().identifier()).unwrap();
        survives(&Entry::from(decoded(algorithm, KeyMaterial::Private(PrivateKey::Pq(key)))), name.as_deref());
    }

    #[test]
    fn a_random_symmetric_key_survives_every_format(
        (algorithm, bytes) in prop_oneof![
            select(vec![16, 24, 32]).prop_flat_map(|length| (Just(SymmetricAlgorithm::Aes), vec(any::<u8>(), length))),
            (Just(SymmetricAlgorithm::TripleDes), vec(any::<u8>(), 24)),
            (Just(SymmetricAlgorithm::Hmac), vec(any::<u8>(), 1..=512)),
        ],
        name in name(),
    ) {
        let key = SymmetricKey::new(algorithm, SecretBytes::from(bytes)).unwrap();
        survives(&Entry::from(decoded(Algorithm::symmetric(algorithm), KeyMaterial::Secret(key))), name.as_deref());
    }
}

/// Writes a key in every format that takes it, reads it, compares; what is lost must have been told.
fn survives(entry: &Entry, name: Option<&str>) {
    let password = SecretBytes::from("pässwörd".as_bytes());
    let decoded = &entry.decoded;
    let mut written = 0;
    for to in Format::all() {
        let writing = Writing {
            usage: decoded.usage,
            password: (to == Format::Pkcs12).then_some(&password),
            encryption: Encryption { iterations: 1, ..Encryption::default() },
            name,
            ..Writing::default()
        };
        let what = || format!("{:?} {:?} as {}", decoded.algorithm, decoded.key.kind(), to.name());
        let Ok(bytes) = format::encode_with(&decoded.key, decoded.algorithm, to, &writing) else { continue };
        written += 1;
        let losses = format::losses(entry, to, &writing);
        let lost = |which: fn(&Loss) -> bool| losses.iter().any(which);
        let hints = Hints {
            curve: decoded.key.curve().filter(|_| lost(|loss| matches!(loss, Loss::CurveName(_)))),
            algorithm: lost(|loss| matches!(loss, Loss::Algorithm(_))).then_some(decoded.algorithm),
            password: writing.password,
            ..Hints::default()
        };
        let mut read = match format::decode_all(&bytes, to, &hints) {
            Ok(read) => read,
            // Nobody here can compute it.
            Err(_) if lost(|loss| matches!(loss, Loss::PublicHalf)) => continue,
            Err(error) => panic!("{}: {error}", what()),
        };
        assert_eq!(read.len(), 1, "{}", what());
        let read = read.remove(0);
        assert_eq!(read.decoded.algorithm, decoded.algorithm, "{}", what());
        if to == Format::Pkcs12 || to == Format::Jwk || to == Format::JwkSet {
            assert_eq!(read.name.as_deref(), name, "{}", what());
        }
        let domain = lost(|loss| matches!(loss, Loss::DomainSeed | Loss::SubgroupOrder | Loss::PrivateLength));
        if !domain {
            assert_eq!(read.decoded.key.public(), decoded.key.public(), "{}", what());
        }
        let numbers =
            lost(|loss| matches!(loss, Loss::PrivateExponent | Loss::ScalarBits | Loss::Seed | Loss::PrivateHalf));
        if !domain && !numbers {
            same(&read.decoded.key, &decoded.key, &what());
        }
        if to != Format::Pkcs12 {
            let again = format::encode_with(&read.decoded.key, read.decoded.algorithm, to, &writing).unwrap();
            assert!(again == bytes, "{}: other bytes the second time", what());
        }
    }
    // Of a curve without arithmetic, what came without its public half is held by few: PKCS#8, its PEM, PKCS#12.
    let least = if decoded.key.public().is_some() || matches!(decoded.key, KeyMaterial::Secret(_)) {
        least(&decoded.key)
    } else {
        3
    };
    assert!(written >= least, "{:?}: only {written} formats", decoded.key.kind());
}

#[track_caller]
fn same(left: &KeyMaterial, right: &KeyMaterial, what: &str) {
    match (left, right) {
        (KeyMaterial::Secret(left), KeyMaterial::Secret(right)) => assert!(left.key() == right.key(), "{what}"),
        (KeyMaterial::Private(_), KeyMaterial::Private(_)) => {
            // It has every number of a private key.
            let numbers = |key| format::encode(key, Algorithm::symmetric(SymmetricAlgorithm::Aes), Format::PKCS8);
            match (numbers(left), numbers(right)) {
                (Ok(left), Ok(right)) => assert!(left == right, "{what}"),
                // Its curve has no OID.
                _ => assert!(left.curve().is_some_and(|curve| curve.oid.is_none()), "{what}"),
            }
        }
        (KeyMaterial::Public(_), KeyMaterial::Public(_)) => {}
        _ => panic!("{what}: {} became {}", right.describe(), left.describe()),
    }
}

fn decoded(algorithm: Algorithm, key: KeyMaterial) -> Decoded {
    Decoded { algorithm, key, usage: None }
}

fn name() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-zA-Zäß€ \"\\\\/-]{1,30}")
}
