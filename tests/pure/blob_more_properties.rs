//! Whatever the key, what is written as one of the remaining blob types is read back as the same.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::key::curve::CURVES;
use cng_pkcs11::key::discrete::Evidence;
use cng_pkcs11::key::pq::Parts;
use cng_pkcs11::key::{self, Algorithm, Family, KeyMaterial, ParameterSet, PrivateKey, Validation, dh, dsa, ec, pq};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::more::BLOBS;

/// Encodes as each type, decodes, and encodes again.
fn survives(key: &KeyMaterial, algorithm: Algorithm, types: &[BlobType]) -> Vec<KeyMaterial> {
    let again = types.iter().map(|blob_type| {
        let encoded = blob::encode(key, algorithm, *blob_type).unwrap_or_else(|error| panic!("{error}"));
        let decoded = blob::decode(&encoded, *blob_type, &Hints::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(decoded.algorithm, algorithm);
        assert_eq!(blob::encode(&decoded.key, algorithm, *blob_type).unwrap(), encoded, "{}", blob_type.name());
        let group = matches!(blob_type, BlobType::Private | BlobType::Public);
        assert!(group || blob::candidates(&encoded).contains(blob_type), "{}", blob_type.name());
        decoded.key
    });
    again.collect()
}

proptest! {
    // Every case computes powers modulo numbers of a thousand bits.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_dsa_key_survives(
        x in vec(any::<u8>(), 19),
        evidence in proptest::option::of((vec(any::<u8>(), 20), any::<u32>())),
    ) {
        let vector = BLOBS.iter().find(|vector| vector.file == "dsa512.DSAPRIVATEBLOB.bin").unwrap();
        let [p, q, g] = ["p", "q", "g"].map(|field| vector.number(field).unwrap());
        let evidence = evidence.map(|(seed, counter)| Evidence { seed, counter });
        let parameters = dsa::Parameters::new(&p, &q, &g, evidence, Validation::Full).unwrap();
        let Ok(private) = dsa::PrivateKey::new(parameters, &x, None, Validation::Full) else { return Ok(()) };
        let key = KeyMaterial::Private(PrivateKey::Dsa(private.clone()));
        let types = [BlobType::DsaPrivate, BlobType::CapiDsaPrivate, BlobType::CapiDsaV2Private, BlobType::Private];
        for again in survives(&key, Algorithm::DSA, &types) {
            let KeyMaterial::Private(PrivateKey::Dsa(again)) = again else { panic!("{again:?}") };
            prop_assert_eq!((again.public(), again.x()), (private.public(), private.x()));
        }
        let types = [BlobType::DsaPublic, BlobType::CapiDsaPublic, BlobType::CapiDsaV2Public, BlobType::Public];
        for again in survives(&key, Algorithm::DSA, &types) {
            prop_assert_eq!(again.public(), key.public());
        }
    }

    #[test]
    fn a_dh_key_survives(x in vec(any::<u8>(), 1..63), with_order in any::<bool>()) {
        let file = if with_order { "dh2048-x942.DHPRIVATEBLOB.bin" } else { "dh512.DHPRIVATEBLOB.bin" };
        let vector = BLOBS.iter().find(|vector| vector.file == file).unwrap();
        let [p, g] = ["p", "g"].map(|field| vector.number(field).unwrap());
        let mut parameters = dh::Parameters::new(&p, &g, Validation::Full).unwrap();
        if let (true, Some(q), Some(j)) = (with_order, vector.number("q"), vector.number("j")) {
            parameters = parameters.with_order(&q, Validation::Full).unwrap();
            parameters = parameters.with_cofactor(&j, Validation::Full).unwrap();
        }
        let x = &x[..x.len().min(31)];
        let Ok(private) = dh::PrivateKey::new(parameters, x, None, Validation::Full) else { return Ok(()) };
        let key = KeyMaterial::Private(PrivateKey::Dh(private.clone()));
        for again in survives(&key, Algorithm::DH, &[BlobType::DhPrivate, BlobType::Private, BlobType::CapiDhPrivate]) {
            let KeyMaterial::Private(PrivateKey::Dh(again)) = again else { panic!("{again:?}") };
            prop_assert_eq!((again.public().y(), again.x()), (private.public().y(), private.x()));
        }
        let whole = survives(&key, Algorithm::DH, &[BlobType::CapiDhPublic]);
        prop_assert_eq!(whole[0].public(), key.public());
        survives(&key, Algorithm::DH, &[BlobType::DhPublic, BlobType::Public]);
    }

    #[cfg(feature = "pqc")]
    #[test]
    fn a_post_quantum_key_survives(
        set in select(ParameterSet::ALL.iter().filter(|set| set.seed_len().is_some()).collect::<Vec<_>>()),
        bytes in vec(any::<u8>(), 64),
    ) {
        let seed = &bytes[..set.seed_len().unwrap()];
        let private = pq::PrivateKey::new(*set, Parts { seed: Some(seed), ..Parts::default() }, Validation::Full).unwrap();
        let key = KeyMaterial::Private(PrivateKey::Pq(private.clone()));
        let algorithm = Algorithm::of(set.family());
        let [public, expanded, with_seed] = match set.family() {
            Family::MlKem => [BlobType::MlKemPublic, BlobType::MlKemPrivate, BlobType::MlKemPrivateSeed],
            _ => [BlobType::PqDsaPublic, BlobType::PqDsaPrivate, BlobType::PqDsaPrivateSeed],
        };
        for again in survives(&key, algorithm, &[with_seed, BlobType::Private, BlobType::PqPrivate, expanded]) {
            let KeyMaterial::Private(PrivateKey::Pq(again)) = again else { panic!("{again:?}") };
            prop_assert_eq!((again.public(), again.expanded()), (private.public(), private.expanded()));
        }
        for again in survives(&key, algorithm, &[public, BlobType::Public]) {
            prop_assert_eq!(again.public(), key.public());
        }
    }

    #[test]
    fn an_slh_dsa_key_survives(
        set in select(ParameterSet::ALL.iter().filter(|set| set.seed_len().is_none()).collect::<Vec<_>>()),
        bytes in vec(any::<u8>(), 128),
    ) {
        let expanded = &bytes[..set.expanded_len()];
        let parts = Parts { expanded: Some(expanded), ..Parts::default() };
        let key = KeyMaterial::Private(PrivateKey::Pq(pq::PrivateKey::new(*set, parts, Validation::Full).unwrap()));
        let algorithm = Algorithm::of(Family::SlhDsa);
        let private = [BlobType::PqDsaPrivate, BlobType::Private, BlobType::PqPrivate];
        for again in survives(&key, algorithm, &private).into_iter().chain(survives(&key, algorithm, &[BlobType::PqDsaPublic])) {
            prop_assert_eq!(again.public(), key.public());
        }
    }

    #[test]
    fn an_elliptic_curve_key_survives_with_its_curve_described(
        curve in select(CURVES.iter().filter(|curve| curve.has_arithmetic() && curve.is_cng()).collect::<Vec<_>>()),
        family in select(vec![Family::Ecdh, Family::Ecdsa]),
    ) {
        let algorithm = Algorithm::elliptic(family, curve);
        let generated = ec::PrivateKey::generate(curve).unwrap();
        let key = KeyMaterial::Private(key::PrivateKey::Ec(generated));
        for again in survives(&key, algorithm, &[BlobType::EccFullPrivate, BlobType::EccFullPublic]) {
            prop_assert_eq!(again.public(), key.public());
        }
    }
}

proptest! {
    /// Vectors with a few bytes changed, cut, lengthened: whatever is taken is written back as something that is taken.
    #[test]
    fn a_damaged_blob_never_panics(
        index in any::<Index>(),
        changes in vec((0..64_usize, any::<u8>()), 1..4),
        cut in any::<Index>(),
        insert in vec(any::<u8>(), 0..3),
    ) {
        let vector = index.get(&BLOBS);
        let bytes = vector.bytes();
        let mut damaged = bytes.clone();
        for (at, byte) in &changes {
            if let Some(place) = damaged.get_mut(*at) {
                *place = *byte;
            }
        }
        let _ = (blob::candidates(&damaged), blob::contents(&damaged, vector.blob_type, &vector.skipping()));
        let at = cut.index(bytes.len());
        damaged.splice(at..at, insert);
        let (fields, outcome) = blob::contents(&damaged, vector.blob_type, &vector.skipping());
        prop_assert!(fields.iter().all(|field| field.offset + field.length <= damaged.len()));
        let decoded = blob::decode(&damaged, vector.blob_type, &vector.skipping());
        prop_assert!(outcome.is_ok() || decoded.is_err());
    }
}
