//! The provider as a library, with CNG's calls and CNG's answers.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::format::{self, Format, Writing};
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, Curve, ExportPolicy, KeyUsage};
use cng_pkcs11::provider::{
    ExportParameters, Flags, ImportParameters, Key, KeyName, Padding, PropertyValue, Route, StorageProvider, Verified,
    names,
};
use cng_pkcs11::{Error, Status, wide};

use crate::support::{Run, TestToken, example, on_a_token, vector};

fn name(text: &str) -> KeyName {
    KeyName::new(text).expect("the name is valid")
}

fn algorithm(text: &str) -> Algorithm {
    Algorithm::by_name(text).expect("the algorithm is known")
}

fn named(text: &str) -> ImportParameters {
    ImportParameters { name: Some(name(text)), ..ImportParameters::default() }
}

#[track_caller]
fn status<T: std::fmt::Debug>(outcome: Result<T, Error>, expected: Status) {
    match outcome {
        Ok(value) => panic!("{value:?} instead of {}", expected.name()),
        Err(error) => assert_eq!(error.status().name(), expected.name(), "{error}"),
    }
}

/// The names of all keys; and nothing else may be on the token.
#[track_caller]
fn key_names(provider: &StorageProvider) -> Vec<String> {
    let listing = provider.list().expect("keys can be listed");
    assert!(listing.public_only.is_empty() && listing.unfinished.is_empty() && listing.torn.is_empty(), "{listing:?}");
    let mut names: Vec<_> = listing.keys.iter().map(|key| key.label().to_owned()).collect();
    names.sort();
    names
}

#[track_caller]
fn sign_and_verify(key: &Key) {
    let digest = Hash::Sha256.digest(b"what is signed");
    let rsa = key.algorithm() == Some(Algorithm::RSA);
    let padding = if rsa { Padding::Pkcs1(Some(Hash::Sha256)) } else { Padding::None };
    let mut signature = key.sign_hash(padding, &digest).expect("the key signs");
    key.verify_signature(padding, &digest, &signature).expect("the signature verifies");
    signature[5] ^= 1;
    status(key.verify_signature(padding, &digest, &signature), Status::NTE_BAD_SIGNATURE);
}

const PRIVATE_VECTORS: &[(&str, &str, &str)] = &[
    ("RSA", "RSAPRIVATEBLOB", "rsa2048-e65537.RSAPRIVATEBLOB.bin"),
    ("RSA", "RSAFULLPRIVATEBLOB", "rsa2048-unequal-primes.RSAFULLPRIVATEBLOB.bin"),
    ("RSA", "PKCS8_PRIVATEKEY", "rsa3072-e3.PKCS8_PRIVATEKEY.bin"),
    ("RSA", "PRIVATEBLOB", "rsa1024-e17.RSAPRIVATEBLOB.bin"),
    ("ECDSA_P256", "ECCPRIVATEBLOB", "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin"),
    ("ECDSA_P384", "PKCS8_PRIVATEKEY", "ec-nistP384.PKCS8_PRIVATEKEY.bin"),
    ("ECDSA_P521", "PRIVATEBLOB", "ec-nistP521-shortd.ECDSA.ECCPRIVATEBLOB.bin"),
];

/// A PKCS#8 with the attribute that says what its key may do, which a narrowed usage leaves with.
fn with_usage(pkcs8: &[u8], usage: KeyUsage) -> Vec<u8> {
    let decoded = format::decode(pkcs8, Format::PKCS8, &Hints::default()).expect("a PKCS#8");
    let writing = Writing { usage: Some(usage), ..Writing::default() };
    let written = format::encode_with(&decoded.key, decoded.algorithm, Format::PKCS8, &writing).expect("a PKCS#8");
    assert_ne!(*written, *pkcs8);
    written.to_vec()
}

#[test]
fn a_persisted_import_takes_its_four_steps_in_any_order() {
    let token = on_a_token("a_persisted_import_takes_its_four_steps_in_any_order", |provider| {
        for (number, (algorithm_name, blob_type, file)) in PRIVATE_VECTORS.iter().enumerate() {
            for blob_first in [false, true] {
                let label = format!("key {number} {blob_first}");
                let mut key = provider
                    .create_persisted_key(algorithm(algorithm_name), Some(&name(&label)), Flags::NONE)
                    .expect("a key can be created");
                assert!(!key.is_finalized());
                let mut steps: [(&str, Vec<u8>); 3] = [
                    (blob_type, vector(file)),
                    (names::EXPORT_POLICY, 3_u32.to_le_bytes().to_vec()),
                    (names::KEY_USAGE, 2_u32.to_le_bytes().to_vec()),
                ];
                if !blob_first {
                    steps.rotate_left(1);
                }
                for (property, value) in steps {
                    key.set_property(property, &value).unwrap_or_else(|error| panic!("{label} {property}: {error}"));
                }
                // Nothing is stored until it is finalized.
                assert!(!key_names(&provider).contains(&label), "{label}");
                status(provider.open_key(&label), Status::NTE_BAD_KEYSET);
                key.finalize(Flags::NONE).unwrap_or_else(|error| panic!("{label}: {error}"));

                let outcome = key.outcome().expect("an outcome");
                assert_eq!((outcome.route, outcome.verified), (Route::Copy, Verified::Signature), "{label}");
                let opened = provider.open_key(&label).expect("the key is there");
                for key in [&key, &opened] {
                    assert_eq!(key.algorithm(), Some(algorithm(algorithm_name)), "{label}");
                    assert_eq!(key.export_policy(), ExportPolicy::ANY, "{label}");
                    assert_eq!(key.usage(), KeyUsage::SIGN, "{label}");
                    sign_and_verify(key);
                }
                let format = Format::Blob(BlobType::by_name(blob_type).expect("a blob type"));
                let exported = opened.danger_export_plaintext(format).expect("the policy allows it");
                // From PRIVATEBLOB nothing is missing, from RSAPRIVATEBLOB d may be another one but is not in the blob.
                let expected = match (*algorithm_name, format) {
                    ("RSA", Format::PKCS8) => with_usage(&vector(file), KeyUsage::SIGN),
                    _ => vector(file),
                };
                assert!(*exported.bytes == expected, "{label}");
            }
        }
        assert_eq!(key_names(&provider).len(), 2 * PRIVATE_VECTORS.len());
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 4 * PRIVATE_VECTORS.len());
    }
}

#[test]
fn a_symmetric_key_is_imported_as_a_property_too() {
    on_a_token("a_symmetric_key_is_imported_as_a_property_too", |provider| {
        for (property, file) in
            [("KeyDataBlob", "aes192.KeyDataBlob.bin"), ("CipherKeyBlob", "aes256.CipherKeyBlob.bin")]
        {
            let mut key =
                provider.create_persisted_key(Algorithm::AES, Some(&name(property)), Flags::NONE).expect("created");
            key.set_property(property, &vector(file)).expect("a blob is taken");
            key.set_property(names::EXPORT_POLICY, &[3, 0, 0, 0]).expect("a policy is taken");
            key.finalize(Flags::NONE).expect("finalized");
            assert_eq!(key.outcome().map(|outcome| outcome.verified), Some(Verified::Kcv));
            let format = Format::by_name(property).expect("a format");
            assert!(*key.danger_export_plaintext(format).expect("exported").bytes == vector(file), "{property}");
        }
        // A wrapped blob needs its key and has no place here.
        let mut key = provider.create_persisted_key(Algorithm::AES, Some(&name("x")), Flags::NONE).expect("created");
        let blob = vector("aes256.kek256.Rfc3565KeyWrapBlob.bin");
        status(key.set_property("Rfc3565KeyWrapBlob", &blob), Status::NTE_INVALID_PARAMETER);
        assert_eq!(key_names(&provider), ["CipherKeyBlob", "KeyDataBlob"]);
    });
}

#[test]
fn finalizing_without_a_blob_generates() {
    on_a_token("finalizing_without_a_blob_generates", |provider| {
        for (algorithm_name, length, bits) in [
            ("RSA", None, 2048),
            ("RSA", Some(1024), 1024),
            ("ECDSA_P384", None, 384),
            ("ECDH_P256", Some(256), 256),
            ("AES", Some(128), 128),
        ] {
            let label = format!("{algorithm_name} {length:?}");
            let mut key = provider
                .create_persisted_key(algorithm(algorithm_name), Some(&name(&label)), Flags::NONE)
                .expect("created");
            if let Some(length) = length {
                key.set_property(names::LENGTH, &u32::to_le_bytes(length)).expect("a length is taken");
            }
            key.finalize(Flags::SILENT).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert_eq!(key.outcome().map(|outcome| outcome.route), Some(Route::Generate), "{label}");
            assert_eq!(key.bits(), Some(bits), "{label}");
            assert_eq!(
                provider.open_key(&label).expect("there").algorithm(),
                Some(algorithm(algorithm_name)),
                "{label}"
            );
        }
        // A generic algorithm takes its curve as a property.
        let mut key =
            provider.create_persisted_key(algorithm("ECDSA"), Some(&name("k1")), Flags::NONE).expect("created");
        key.set_property(names::ECC_CURVE_NAME, &wide::encode_nul("secP256k1")).expect("a curve is taken");
        key.finalize(Flags::NONE).expect("finalized");
        assert_eq!(key.property(names::ECC_CURVE_NAME).expect("a curve"), PropertyValue::Text("secP256k1".to_owned()));
        sign_and_verify(&key);
        // Without one, and with lengths that cannot be, nothing is made.
        let before = key_names(&provider);
        let mut key =
            provider.create_persisted_key(algorithm("ECDSA"), Some(&name("x")), Flags::NONE).expect("created");
        status(key.finalize(Flags::NONE), Status::NTE_INVALID_PARAMETER);
        for (algorithm_name, length) in [("ECDSA_P256", 384_u32), ("AES", 100), ("AES", 127)] {
            let mut key = provider
                .create_persisted_key(algorithm(algorithm_name), Some(&name("x")), Flags::NONE)
                .expect("created");
            key.set_property(names::LENGTH, &length.to_le_bytes()).expect("a length is taken");
            status(key.finalize(Flags::NONE), Status::NTE_INVALID_PARAMETER);
        }
        assert_eq!(key_names(&provider), before);
    });
}

#[test]
fn a_generic_blob_gets_its_curve_before_or_after_it() {
    on_a_token("a_generic_blob_gets_its_curve_before_or_after_it", |provider| {
        for (family, curve, file) in [
            ("ECDSA", "secP256k1", "ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin"),
            ("ECDSA", "nistP256", "ec-nistP256.GENERIC-ECDSA.ECCPRIVATEBLOB.bin"),
            ("ECDH", "brainpoolP384r1", "ec-brainpoolP384r1.GENERIC-ECDH.ECCPRIVATEBLOB.bin"),
        ] {
            for blob_first in [false, true] {
                let label = format!("{family} {curve} {blob_first}");
                let mut key = provider
                    .create_persisted_key(algorithm(family), Some(&name(&label)), Flags::NONE)
                    .expect("created");
                let mut steps = [("ECCPRIVATEBLOB", vector(file)), (names::ECC_CURVE_NAME, wide::encode_nul(curve))];
                if !blob_first {
                    steps.reverse();
                }
                for (property, value) in steps {
                    key.set_property(property, &value).unwrap_or_else(|error| panic!("{label} {property}: {error}"));
                }
                key.finalize(Flags::NONE).unwrap_or_else(|error| panic!("{label}: {error}"));
                assert_eq!(key.algorithm().and_then(|algorithm| algorithm.curve).map(|curve| curve.name), Some(curve));
            }
        }
        // The specific algorithm names the curve of a generic blob; as a parameter of an import it does too.
        let generic = vector("ec-nistP256.GENERIC-ECDSA.ECCPRIVATEBLOB.bin");
        let mut key = provider
            .create_persisted_key(algorithm("ECDSA_P256"), Some(&name("specific")), Flags::NONE)
            .expect("created");
        key.set_property("ECCPRIVATEBLOB", &generic).expect("the blob fits");
        key.finalize(Flags::NONE).expect("finalized");
        let curve = Curve::by_name("nistP256").ok();
        let parameters = ImportParameters { curve, ..named("imported") };
        provider.import_key(None, BlobType::EccPrivate, &parameters, &generic, Flags::NONE).expect("imported");

        // No curve at all, another one, and one that is none.
        let before = key_names(&provider);
        let create =
            || provider.create_persisted_key(algorithm("ECDSA"), Some(&name("x")), Flags::NONE).expect("created");
        let mut key = create();
        key.set_property("ECCPRIVATEBLOB", &generic).expect("the curve may come later");
        status(key.finalize(Flags::NONE), Status::NTE_INVALID_PARAMETER);
        let mut key = create();
        key.set_property("ECCPRIVATEBLOB", &vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin")).expect("a specific blob");
        key.set_property(names::ECC_CURVE_NAME, &wide::encode_nul("nistP384")).expect("a curve");
        status(key.finalize(Flags::NONE), Status::NTE_INVALID_PARAMETER);
        let mut key = create();
        status(key.set_property(names::ECC_CURVE_NAME, &wide::encode_nul("nosuch")), Status::NTE_INVALID_PARAMETER);
        status(key.set_property(names::ECC_CURVE_NAME, &[0x41]), Status::NTE_INVALID_PARAMETER);
        status(
            provider.import_key(None, BlobType::EccPrivate, &named("x"), &generic, Flags::NONE),
            Status::NTE_INVALID_PARAMETER,
        );
        assert_eq!(key_names(&provider), before);
    });
}

#[test]
fn what_contradicts_the_blob_is_refused() {
    on_a_token("what_contradicts_the_blob_is_refused", |provider| {
        let rsa = vector("rsa2048-e65537.RSAPRIVATEBLOB.bin");
        let p256 = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        for (length, blob_first) in [(1024_u32, false), (1024, true), (2047, false), (4096, true)] {
            let mut key =
                provider.create_persisted_key(Algorithm::RSA, Some(&name("x")), Flags::NONE).expect("created");
            if blob_first {
                key.set_property("RSAPRIVATEBLOB", &rsa).expect("a blob");
            }
            let said = key.set_property(names::LENGTH, &length.to_le_bytes());
            let said = said.and_then(|()| if blob_first { Ok(()) } else { key.set_property("RSAPRIVATEBLOB", &rsa) });
            status(said.and_then(|()| key.finalize(Flags::NONE)), Status::NTE_INVALID_PARAMETER);
        }
        let mut key =
            provider.create_persisted_key(Algorithm::RSA, Some(&name("right")), Flags::NONE).expect("created");
        key.set_property(names::LENGTH, &2048_u32.to_le_bytes()).expect("a length");
        key.set_property("RSAPRIVATEBLOB", &rsa).expect("a blob");
        key.finalize(Flags::NONE).expect("what is right is taken");

        for (algorithm_name, property, blob) in [
            ("RSA", "ECCPRIVATEBLOB", &p256),
            ("ECDSA_P256", "RSAPRIVATEBLOB", &rsa),
            ("ECDSA_P384", "ECCPRIVATEBLOB", &p256),
            ("ECDH_P384", "ECCPRIVATEBLOB", &p256),
            ("AES", "RSAPRIVATEBLOB", &rsa),
            ("RSA", "RSAPRIVATEBLOB", &p256),
        ] {
            let mut key = provider
                .create_persisted_key(algorithm(algorithm_name), Some(&name("x")), Flags::NONE)
                .expect("created");
            status(key.set_property(property, blob), Status::NTE_INVALID_PARAMETER);
            let parameters = ImportParameters { algorithm: Some(algorithm(algorithm_name)), ..named("x") };
            let blob_type = BlobType::by_name(property).expect("a blob type");
            status(provider.import_key(None, blob_type, &parameters, blob, Flags::NONE), Status::NTE_INVALID_PARAMETER);
        }
        assert_eq!(key_names(&provider), ["right"]);
    });
}

#[test]
fn malformed_and_inconsistent_blobs_have_their_codes() {
    on_a_token("malformed_and_inconsistent_blobs_have_their_codes", |provider| {
        let rsa = vector("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin");
        let mut inconsistent = rsa.clone();
        *inconsistent.last_mut().expect("bytes") ^= 1;
        for (blob, code) in [
            (&rsa[..rsa.len() - 1], Status::NTE_BAD_DATA),
            (&rsa[..10], Status::NTE_BAD_DATA),
            (&[][..], Status::NTE_BAD_DATA),
            (&[&rsa[..], &[0]].concat()[..], Status::NTE_BAD_DATA),
        ] {
            let mut key =
                provider.create_persisted_key(Algorithm::RSA, Some(&name("x")), Flags::NONE).expect("created");
            status(key.set_property("RSAFULLPRIVATEBLOB", blob), code);
            status(provider.import_key(None, BlobType::RsaFullPrivate, &named("x"), blob, Flags::NONE), code);
        }
        // Its mathematics is looked at when it is finalized.
        let mut key = provider.create_persisted_key(Algorithm::RSA, Some(&name("x")), Flags::NONE).expect("created");
        key.set_property("RSAFULLPRIVATEBLOB", &inconsistent).expect("the layout is right");
        status(key.finalize(Flags::NONE), Status::NTE_INVALID_PARAMETER);
        let import = |flags| provider.import_key(None, BlobType::RsaFullPrivate, &named("x"), &inconsistent, flags);
        status(import(Flags::NONE), Status::NTE_INVALID_PARAMETER);
        assert!(key_names(&provider).is_empty());
    });
}

#[test]
fn names_states_and_flags_have_their_codes() {
    on_a_token("names_states_and_flags_have_their_codes", |provider| {
        let blob = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        let import = |label: &str, flags| provider.import_key(None, BlobType::EccPrivate, &named(label), &blob, flags);
        let mut key = import("key", Flags::NONE).expect("imported");
        let p256 = algorithm("ECDSA_P256");

        status(import("key", Flags::NONE), Status::NTE_EXISTS);
        status(provider.create_persisted_key(p256, Some(&name("key")), Flags::NONE), Status::NTE_EXISTS);
        status(provider.rename_key("key", &name("key")), Status::NTE_EXISTS);
        status(provider.open_key("nobody"), Status::NTE_BAD_KEYSET);
        status(provider.delete_key("nobody"), Status::NTE_BAD_KEYSET);
        status(provider.rename_key("nobody", &name("x")), Status::NTE_BAD_KEYSET);
        for bad in ["", "a\0b", &"x".repeat(513)] {
            assert_eq!(KeyName::new(bad).expect_err("no name").status(), Status::NTE_INVALID_PARAMETER);
            status(provider.open_key(bad), Status::NTE_INVALID_PARAMETER);
        }
        // The name was taken between the first step and the last.
        let mut late = provider.create_persisted_key(p256, Some(&name("late")), Flags::NONE).expect("created");
        import("late", Flags::NONE).expect("imported meanwhile");
        status(late.finalize(Flags::NONE), Status::NTE_EXISTS);

        // Bits that a call does not know, among ones that it does.
        for bits in [0x1, 0x2, 0x4, 0x10, 49, 0x49, 0x800, 0x4000_0000, 0x8000_0000, u32::MAX] {
            let flags = Flags::from_bits(bits);
            status(provider.create_persisted_key(p256, Some(&name("x")), flags), Status::NTE_BAD_FLAGS);
            status(import("x", flags), Status::NTE_BAD_FLAGS);
            let mut pending = provider.create_persisted_key(p256, Some(&name("x")), Flags::NONE).expect("created");
            status(pending.finalize(flags), Status::NTE_BAD_FLAGS);
        }
        for flags in [Flags::NO_KEY_VALIDATION, Flags::DO_NOT_FINALIZE] {
            status(provider.create_persisted_key(p256, Some(&name("x")), flags), Status::NTE_BAD_FLAGS);
        }
        for flags in [Flags::MACHINE_KEY, Flags::OVERWRITE_KEY, Flags::DO_NOT_FINALIZE] {
            let mut pending = provider.create_persisted_key(p256, Some(&name("x")), Flags::NONE).expect("created");
            status(pending.finalize(flags), Status::NTE_BAD_FLAGS);
        }

        // A pending key cannot be used, a finalized one not be made again.
        let digest = Hash::Sha256.digest(b"x");
        let pending = provider.create_persisted_key(p256, Some(&name("x")), Flags::NONE).expect("created");
        status(pending.sign_hash(Padding::None, &digest), Status::NTE_BAD_KEY_STATE);
        status(pending.verify_signature(Padding::None, &digest, &[0; 64]), Status::NTE_BAD_KEY_STATE);
        status(pending.public_key(), Status::NTE_BAD_KEY_STATE);
        status(pending.export(None, Format::Spki, &ExportParameters::default()), Status::NTE_BAD_KEY_STATE);
        status(pending.danger_export_plaintext(Format::Sec1), Status::NTE_BAD_KEY_STATE);
        status(
            key.export(Some(&pending), Format::by_name("pkcs8").expect("a format"), &ExportParameters::default()),
            Status::NTE_BAD_KEY_STATE,
        );
        status(key.finalize(Flags::NONE), Status::NTE_BAD_KEY_STATE);
        status(key.set_property("ECCPRIVATEBLOB", &blob), Status::NTE_BAD_KEY_STATE);
        status(key.set_property(names::LENGTH, &256_u32.to_le_bytes()), Status::NTE_BAD_KEY_STATE);
        status(key.rehearse(), Status::NTE_BAD_KEY_STATE);

        status(key.danger_export_plaintext(Format::Sec1), Status::NTE_NOT_SUPPORTED);
        let rsa_public = Format::Blob(BlobType::RsaPublic);
        status(key.export(None, rsa_public, &ExportParameters::default()), Status::NTE_BAD_TYPE);
        status(key.sign_hash(Padding::Pkcs1(None), &digest), Status::NTE_INVALID_PARAMETER);
        assert_eq!(key_names(&provider), ["key", "late"]);
    });
}

#[test]
fn a_key_without_a_name_works_and_leaves_nothing_on_the_token() {
    let token = on_a_token("a_key_without_a_name_works_and_leaves_nothing_on_the_token", |provider| {
        let none = ImportParameters::default();
        for (_, blob_type, file) in PRIVATE_VECTORS {
            let blob_type = BlobType::by_name(blob_type).expect("a blob type");
            let key = provider.import_key(None, blob_type, &none, &vector(file), Flags::NONE).expect("imported");
            assert!(key.is_finalized() && key.name().is_none(), "{file}");
            sign_and_verify(&key);
            status(key.property(names::NAME), Status::NTE_NOT_FOUND);
            status(key.property(names::UNIQUE_NAME), Status::NTE_NOT_FOUND);
            key.export(None, Format::Spki, &ExportParameters::default()).expect("its public half leaves");
            // Not listed, not found by name, not in the way of another.
            assert!(key_names(&provider).is_empty(), "{file}");
            drop(
                provider
                    .import_key(None, blob_type, &none, &vector(file), Flags::NONE)
                    .expect("a second one beside it"),
            );
            sign_and_verify(&key);
        }
        // Created without a name, generated.
        let mut key = provider.create_persisted_key(algorithm("ECDSA_P256"), None, Flags::NONE).expect("created");
        key.finalize(Flags::NONE).expect("generated");
        sign_and_verify(&key);
        // With its policy, and wrapped.
        let mut key = provider
            .import_key(
                None,
                BlobType::EccPrivate,
                &none,
                &vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin"),
                Flags::DO_NOT_FINALIZE,
            )
            .expect("imported");
        key.set_export_policy(ExportPolicy::ANY).expect("a policy");
        key.finalize(Flags::NONE).expect("finalized");
        let exported = key.danger_export_plaintext(Format::Blob(BlobType::EccPrivate)).expect("exported");
        assert!(*exported.bytes == vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin"));
        let aes = provider.import_key(None, BlobType::KeyData, &none, &vector("aes256.KeyDataBlob.bin"), Flags::NONE);
        assert_eq!(aes.expect("imported").bits(), Some(256));
        assert!(key_names(&provider).is_empty());
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 0);
    }
}

#[test]
fn a_public_key_verifies_and_cannot_be_named() {
    let token = on_a_token("a_public_key_verifies_and_cannot_be_named", |provider| {
        let none = ImportParameters::default();
        let digest = Hash::Sha384.digest(b"what is signed");
        for (key, private_type, public_type, padding) in [
            ("rsa2048-e65537", "RSAPRIVATEBLOB", "RSAPUBLICBLOB", Padding::Pkcs1(Some(Hash::Sha384))),
            ("rsa2047-e3", "RSAPRIVATEBLOB", "RSAPUBLICBLOB", Padding::Pss { hash: Hash::Sha384, salt_len: 48 }),
            ("ec-nistP384.ECDSA", "ECCPRIVATEBLOB", "ECCPUBLICBLOB", Padding::None),
            ("ec-nistP521.ECDSA", "ECCPRIVATEBLOB", "PUBLICBLOB", Padding::None),
        ] {
            let blob = |kind: &str| {
                vector(&format!("{key}.{}.bin", if kind == "PUBLICBLOB" { "ECCPUBLICBLOB" } else { kind }))
            };
            let of = |kind: &str| BlobType::by_name(kind).expect("a blob type");
            let private =
                provider.import_key(None, of(private_type), &none, &blob(private_type), Flags::NONE).expect("imported");
            let public =
                provider.import_key(None, of(public_type), &none, &blob(public_type), Flags::NONE).expect("imported");
            let mut signature = private.sign_hash(padding, &digest).expect("signed");
            public.verify_signature(padding, &digest, &signature).expect("verified");
            let mut other = digest.clone();
            other[0] ^= 1;
            status(public.verify_signature(padding, &other, &signature), Status::NTE_BAD_SIGNATURE);
            signature.pop();
            status(public.verify_signature(padding, &digest, &signature), Status::NTE_BAD_SIGNATURE);
            assert!(public.sign_hash(padding, &digest).is_err(), "{key}");
            assert!(public.danger_export_plaintext(Format::Pkcs1).is_err(), "{key}");
            let exported = public.export(None, Format::Spki, &ExportParameters::default()).expect("exported");
            assert!(*exported.bytes == vector(&format!("{}.spki.bin", key.trim_end_matches(".ECDSA"))), "{key}");

            status(
                provider.import_key(None, of(public_type), &named("x"), &blob(public_type), Flags::NONE),
                Status::NTE_NOT_SUPPORTED,
            );
            let not_final = Flags::DO_NOT_FINALIZE;
            status(
                provider.import_key(None, of(public_type), &none, &blob(public_type), not_final),
                Status::NTE_NOT_SUPPORTED,
            );
            let mut pending =
                provider.create_persisted_key(Algorithm::RSA, Some(&name("x")), Flags::NONE).expect("created");
            status(pending.set_property(public_type, &blob(public_type)), Status::NTE_NOT_SUPPORTED);
        }
        assert!(key_names(&provider).is_empty());
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 0);
    }
}

#[test]
fn overwriting_happens_at_the_end_and_not_finalizing_leaves_room_for_properties() {
    on_a_token("overwriting_happens_at_the_end_and_not_finalizing_leaves_room_for_properties", |provider| {
        let p256 = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        let p384 = vector("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin");
        let bits = || provider.open_key("key").expect("there").bits();
        provider.import_key(None, BlobType::EccPrivate, &named("key"), &p256, Flags::NONE).expect("imported");

        let mut key = provider
            .create_persisted_key(algorithm("ECDSA_P384"), Some(&name("key")), Flags::OVERWRITE_KEY | Flags::SILENT)
            .expect("the name may be taken");
        key.set_property("ECCPRIVATEBLOB", &p384).expect("a blob");
        assert_eq!(bits(), Some(256), "the old key is there until the new one is");
        key.finalize(Flags::NONE).expect("finalized");
        assert_eq!(bits(), Some(384));

        let flags = Flags::OVERWRITE_KEY | Flags::DO_NOT_FINALIZE | Flags::MACHINE_KEY | Flags::SILENT;
        let mut key = provider.import_key(None, BlobType::EccPrivate, &named("key"), &p256, flags).expect("imported");
        assert!(!key.is_finalized());
        key.set_property(names::EXPORT_POLICY, &1_u32.to_le_bytes()).expect("a policy");
        key.set_property(names::KEY_USAGE, &0x00FF_FFFF_u32.to_le_bytes()).expect("a usage");
        assert_eq!(bits(), Some(384));
        key.finalize(Flags::NONE).expect("finalized");
        assert_eq!(bits(), Some(256));
        let opened = provider.open_key("key").expect("there");
        assert_eq!(
            (opened.export_policy(), opened.usage()),
            (ExportPolicy::ENCRYPTED, KeyUsage::SIGN | KeyUsage::AGREE)
        );

        // Given up half way, the old key stays; refused at the end, it stays too.
        let dropped =
            provider.create_persisted_key(Algorithm::RSA, Some(&name("key")), Flags::OVERWRITE_KEY).expect("created");
        drop(dropped);
        let mut bad = p384.clone();
        *bad.last_mut().expect("bytes") ^= 1;
        for flags in [Flags::OVERWRITE_KEY, Flags::OVERWRITE_KEY | Flags::NO_KEY_VALIDATION] {
            assert!(provider.import_key(None, BlobType::EccPrivate, &named("key"), &bad, flags).is_err());
            assert_eq!(bits(), Some(256));
        }
        sign_and_verify(&provider.open_key("key").expect("there"));
        assert_eq!(key_names(&provider), ["key"]);
        provider.delete_key("key").expect("deleted");
        assert!(key_names(&provider).is_empty());
    });
}

#[test]
fn keys_travel_under_a_key_of_the_token() {
    on_a_token("keys_travel_under_a_key_of_the_token", |provider| {
        let kek = |label: &str, usage| {
            let flags = Flags::DO_NOT_FINALIZE;
            // A KeyDataBlob around the bytes of the vector: header, then the key.
            let bytes = vector("kek256.raw.bin");
            let header = [0x4d42_444b_u32, 1, 32].map(u32::to_le_bytes).concat();
            let blob = [header, bytes].concat();
            let mut key = provider.import_key(None, BlobType::KeyData, &named(label), &blob, flags).expect("imported");
            key.set_usage(usage).expect("a usage");
            key.finalize(Flags::NONE).expect("finalized");
            key
        };
        let wrapper = kek("kek", KeyUsage::WRAP);
        let other = kek("not a kek", KeyUsage::DECRYPT);
        let none = ExportParameters::default();

        let blob = vector("aes256.kek256.Rfc3565KeyWrapBlob.bin");
        let aes = provider.import_key(Some(&wrapper), BlobType::AesWrap, &named("aes"), &blob, Flags::DO_NOT_FINALIZE);
        let mut aes = aes.expect("imported");
        aes.set_export_policy(ExportPolicy::ENCRYPTED).expect("a policy");
        aes.finalize(Flags::NONE).expect("finalized");
        assert_eq!(aes.outcome().map(|outcome| outcome.route), Some(Route::Unwrap));
        let wrap = Format::Blob(BlobType::AesWrap);
        assert!(*aes.export(Some(&wrapper), wrap, &none).expect("exported").bytes == blob);
        status(aes.export(Some(&other), wrap, &none), Status::NTE_PERM);
        status(aes.export(None, wrap, &none), Status::NTE_INVALID_PARAMETER);
        status(aes.export(Some(&wrapper), Format::Blob(BlobType::KeyData), &none), Status::NTE_INVALID_PARAMETER);
        status(aes.danger_export_plaintext(Format::Raw), Status::NTE_NOT_SUPPORTED);
        let import =
            |kek: &Key, data: &[u8]| provider.import_key(Some(kek), BlobType::AesWrap, &named("x"), data, Flags::NONE);
        status(import(&other, &blob), Status::NTE_PERM);
        let mut damaged = blob.clone();
        damaged[9] ^= 1;
        status(import(&wrapper, &damaged), Status::NTE_BAD_DATA);

        let kwp = vector("ec-nistP256.kek256.kwp.bin");
        let ec =
            provider.import_key(Some(&wrapper), BlobType::Pkcs8, &named("ec"), &kwp, Flags::NONE).expect("imported");
        sign_and_verify(&ec);
        let pkcs8 = Format::Blob(BlobType::Pkcs8);
        status(ec.export(Some(&wrapper), pkcs8, &none), Status::NTE_NOT_SUPPORTED);
        // Unnamed it is ephemeral, as any other.
        let parameters = ImportParameters::default();
        let ephemeral =
            provider.import_key(Some(&wrapper), BlobType::Pkcs8, &parameters, &kwp, Flags::NONE).expect("imported");
        sign_and_verify(&ephemeral);
        for blob_type in [BlobType::EccPrivate, BlobType::KeyData] {
            status(
                provider.import_key(Some(&wrapper), blob_type, &named("x"), &kwp, Flags::NONE),
                Status::NTE_INVALID_PARAMETER,
            );
        }
        assert_eq!(key_names(&provider), ["aes", "ec", "kek", "not a kek"]);
    });
}

#[test]
fn properties_tell_what_a_key_is_and_can_be_narrowed_only() {
    on_a_token("properties_tell_what_a_key_is_and_can_be_narrowed_only", |provider| {
        let blob = vector("ec-nistP521.ECDSA.ECCPRIVATEBLOB.bin");
        let mut key = provider
            .import_key(None, BlobType::EccPrivate, &named("key"), &blob, Flags::DO_NOT_FINALIZE)
            .expect("imported");
        key.set_export_policy(ExportPolicy::ANY).expect("a policy");
        key.set_usage(KeyUsage::ALL).expect("a usage");
        key.finalize(Flags::NONE).expect("finalized");
        let text = |text: &str| PropertyValue::Text(text.to_owned());
        let number = PropertyValue::Number;
        for (property, value) in [
            (names::NAME, text("key")),
            (names::ALGORITHM, text("ECDSA_P521")),
            (names::ALGORITHM_GROUP, text("ECDSA")),
            (names::LENGTH, number(521)),
            (names::PUBLIC_KEY_LENGTH, number(521)),
            (names::SIGNATURE_LENGTH, number(132)),
            (names::ECC_CURVE_NAME, text("nistP521")),
            (names::EXPORT_POLICY, number(3)),
            (names::KEY_USAGE, number(6)),
            (names::KEY_TYPE, number(0)),
        ] {
            assert_eq!(key.property(property).expect("a value"), value, "{property}");
        }
        assert_eq!(key.property(names::LENGTH).expect("a value").to_bytes(), [9, 2, 0, 0]);
        assert_eq!(key.property(names::NAME).expect("a value").to_bytes(), b"k\0e\0y\0\0\0");
        assert_eq!(key.property(names::LENGTHS).expect("a value").to_bytes().len(), 16);
        let Ok(PropertyValue::Text(unique)) = key.property(names::UNIQUE_NAME) else { panic!("a unique name is text") };
        assert_eq!(provider.open_key(&unique).expect("a unique name opens the key").id(), key.id());

        // Names are exact, values have their sizes.
        status(key.property("length"), Status::NTE_NOT_SUPPORTED);
        status(key.property("ECCPRIVATEBLOB"), Status::NTE_NOT_SUPPORTED);
        for value in [&[][..], &[1], &[1, 0], &[1, 0, 0, 0, 0]] {
            status(key.set_property(names::EXPORT_POLICY, value), Status::NTE_INVALID_PARAMETER);
            status(key.set_property(names::KEY_USAGE, value), Status::NTE_INVALID_PARAMETER);
        }
        status(key.set_property(names::NAME, &wide::encode_nul("x")), Status::NTE_NOT_SUPPORTED);
        status(key.set_property(names::EXPORT_POLICY, &0x10_u32.to_le_bytes()), Status::NTE_NOT_SUPPORTED);

        key.set_property(names::EXPORT_POLICY, &1_u32.to_le_bytes()).expect("narrower");
        status(key.set_property(names::EXPORT_POLICY, &3_u32.to_le_bytes()), Status::NTE_NOT_SUPPORTED);
        key.set_property(names::KEY_USAGE, &4_u32.to_le_bytes()).expect("narrower");
        status(key.set_property(names::KEY_USAGE, &6_u32.to_le_bytes()), Status::NTE_NOT_SUPPORTED);
        let opened = provider.open_key("key").expect("there");
        for key in [&key, &opened] {
            assert_eq!((key.export_policy(), key.usage()), (ExportPolicy::ENCRYPTED, KeyUsage::AGREE));
            // What a key is for makes its algorithm.
            assert_eq!(key.property(names::ALGORITHM).expect("a value"), text("ECDH_P521"));
            status(key.sign_hash(Padding::None, &[0; 64]), Status::NTE_PERM);
            status(key.danger_export_plaintext(Format::Sec1), Status::NTE_NOT_SUPPORTED);
        }
    });
}

#[test]
fn the_example_of_a_persisted_import_does_what_it_says() {
    let token = TestToken::new();
    let mut command = token.command(example(&format!("persisted_import{}", std::env::consts::EXE_SUFFIX)));
    command.env("CNG11_MODULE", token.module()).env("CNG11_TOKEN", TestToken::LABEL);
    command.env("CNG11_PIN", token.pin());
    let run = Run::of(command, None).ok();
    assert!(run.text().contains("10. and verified") && run.text().contains("13. deleted"), "{}", run.text());
    // The key is gone again.
    assert_eq!(token.object_files(), 0);
}
