//! Whatever the bytes, a decoder answers; whatever the key, what is written is read back.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::blobs;
use crate::vectors;
use std::sync::LazyLock;

use cng_pkcs11::asn1;
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::{self, Entry, Format};
use cng_pkcs11::key::curve::CURVES;
use cng_pkcs11::key::ec::PrivateKey;
use cng_pkcs11::key::{self, Algorithm, Curve, Family, KeyMaterial, SymmetricAlgorithm, SymmetricKey, Validation};
use cng_pkcs11::secret::SecretBytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::der::tlv;
use crate::vectors::Vector;

/// Small vectors of every format, to be damaged.
static SMALL: LazyLock<Vec<(Vector, Vec<u8>)>> = LazyLock::new(|| {
    let small = vectors::all().into_iter().filter(|vector| vector.format().is_some() && vector.bits <= 1024);
    small.map(|vector| (vector.clone(), vector.bytes())).collect()
});

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), hints in hints()) {
        read_as_everything(&bytes, &hints);
    }

    #[test]
    fn random_bytes_behind_a_magic_never_panic(
        magic in select(blob::magic::TABLE.iter().map(|magic| magic.value).collect::<Vec<_>>()),
        words in vec(prop_oneof![0..70_u32, any::<u32>()], 0..6),
        rest in vec(any::<u8>(), 0..300),
        hints in hints(),
    ) {
        let header: Vec<u32> = std::iter::once(magic).chain(words).collect();
        let bytes = blobs::blob(&header, &[&rest]);
        read_as_everything(&bytes, &hints);
        // In a CipherKeyBlob and in parameters the magic is the second word, in CryptoAPI's blobs the third.
        read_as_everything(&[&16_u32.to_le_bytes(), bytes.as_slice()].concat(), &hints);
        for (version, algorithm) in [(2_u8, 0xA400_u32), (2, 0x2200), (3, 0x2200), (2, 0xAA02), (3, 0xAA01)] {
            for half in [6, 7] {
                let header = [&[half, version, 0, 0][..], &algorithm.to_le_bytes()].concat();
                read_as_everything(&[&header, bytes.as_slice()].concat(), &hints);
            }
        }
    }

    #[test]
    fn random_bytes_in_a_der_shape_never_panic(
        tags in vec(select(vec![0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31, 0xA0, 0xA1]), 1..5),
        contents in vec(vec(any::<u8>(), 0..100), 5),
        hints in hints(),
    ) {
        let inner: Vec<u8> = tags.iter().zip(&contents).flat_map(|(tag, content)| tlv(*tag, content)).collect();
        let bytes = tlv(0x30, &inner);
        read_as_everything(&bytes, &hints);
        prop_assert_eq!(asn1::outer_length(&[bytes.as_slice(), &[0; 9]].concat()), Some(bytes.len()));
    }

    /// The right lengths around random numbers: past the layout, into the arithmetic.
    #[test]
    fn random_numbers_in_a_well_formed_rsa_blob_never_panic(
        e in vec(any::<u8>(), 0..10),
        (n, d) in (vec(any::<u8>(), 64), vec(any::<u8>(), 64)),
        numbers in vec(vec(any::<u8>(), 0..40), 5),
        odd in any::<bool>(),
    ) {
        let mut rsa = blobs::Rsa::new(|field| match field {
            "e" => e.clone(),
            "n" => n.clone(),
            "d" => d.clone(),
            field => numbers[["p", "q", "dp", "dq", "qinv"].iter().position(|name| *name == field).unwrap()].clone(),
        });
        if odd {
            for field in ["e", "n", "p", "q"] {
                let mut number = rsa.get(field).to_vec();
                number.iter_mut().next_back().into_iter().for_each(|low| *low |= 1);
                rsa = rsa.with(field, number);
            }
        }
        for validation in [Validation::Full, Validation::Skip] {
            let hints = Hints { validation, ..Hints::default() };
            read_as_everything(&rsa.public_blob(), &hints);
            read_as_everything(&rsa.private_blob(), &hints);
            read_as_everything(&rsa.full_blob(), &hints);
        }
    }

    #[test]
    fn random_numbers_in_a_well_formed_ecc_blob_never_panic(
        curve in select(CURVES.iter().collect::<Vec<_>>()),
        letters in select(vec!["ECDV", "ECKV", "ECDP", "ECKP"]),
        bytes in vec(any::<u8>(), 3 * 66),
        validation in validation(),
    ) {
        let fields: Vec<&[u8]> = bytes.chunks(66).map(|field| &field[..curve.width()]).collect();
        let count = if letters.ends_with('V') { 3 } else { 2 };
        let blob = blobs::ecc(letters, &fields[..count]);
        read_as_everything(&blob, &Hints { curve: Some(curve), validation, ..Hints::default() });
    }

    #[test]
    fn a_damaged_vector_never_panics(
        index in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
        insert in vec(any::<u8>(), 0..3),
        validation in validation(),
    ) {
        let (vector, bytes) = index.get(&SMALL);
        let hints = Hints { validation, ..vector.hints() };
        let mut damaged = bytes.clone();
        for (at, byte) in &changes {
            damaged[at.index(bytes.len())] = *byte;
        }
        read_as_everything(&damaged, &hints);
        let at = cut.index(bytes.len());
        damaged.splice(at..at, insert);
        read_as_everything(&damaged, &hints);
    }

    #[test]
    fn a_symmetric_key_survives_every_form(
        (algorithm, bytes) in prop_oneof![
            select(vec![16, 24, 32]).prop_flat_map(|length| (Just(SymmetricAlgorithm::Aes), vec(any::<u8>(), length))),
            (Just(SymmetricAlgorithm::TripleDes), vec(any::<u8>(), 24)),
            (Just(SymmetricAlgorithm::Hmac), vec(any::<u8>(), 1..=512)),
        ],
    ) {
        let secret = SecretBytes::from(bytes);
        let key = KeyMaterial::Secret(SymmetricKey::new(algorithm, secret.clone()).unwrap());
        let algorithm = Algorithm::symmetric(algorithm);
        for format in [Format::Blob(BlobType::KeyData), Format::Blob(BlobType::Cipher), Format::Raw] {
            let encoded = format::encode(&key, algorithm, format).unwrap();
            let hints = Hints { algorithm: Some(algorithm), ..Hints::default() };
            let decoded = format::decode(&encoded, format, &hints).unwrap();
            prop_assert_eq!(decoded.algorithm, algorithm);
            match decoded.key {
                KeyMaterial::Secret(key) => prop_assert_eq!(key.key(), &secret),
                other => panic!("{other:?}"),
            }
        }
        prop_assert!(format::encode(&key, algorithm, Format::Spki).is_err());
        prop_assert!(blob::encode(&key, algorithm, BlobType::Private).is_err());
    }
}

proptest! {
    // Every case makes a key on a curve and computes its point eight times.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_generated_ec_key_survives_every_form(
        curve in select(CURVES.iter().filter(|curve| curve.has_arithmetic()).collect::<Vec<_>>()),
        family in select(vec![Family::Ecdh, Family::Ecdsa]),
    ) {
        let generated = PrivateKey::generate(curve).unwrap();
        let algorithm = Algorithm::elliptic(family, curve);
        let key = KeyMaterial::Private(key::PrivateKey::Ec(generated.clone()));
        for format in [
            Format::Blob(BlobType::EccPrivate),
            Format::Blob(BlobType::Private),
            Format::Blob(BlobType::Pkcs8),
            Format::Pkcs8Pem,
            Format::Sec1,
        ] {
            let impossible = match format {
                Format::Sec1 => !curve.form.is_affine(),
                Format::Blob(BlobType::EccPrivate | BlobType::Private) => !curve.is_cng(),
                _ => false,
            };
            if impossible {
                prop_assert!(format::encode(&key, algorithm, format).is_err());
                continue;
            }
            let encoded = format::encode(&key, algorithm, format).unwrap();
            let decoded = format::decode(&encoded, format, &beside(curve, algorithm)).unwrap();
            prop_assert_eq!(decoded.algorithm, algorithm);
            let KeyMaterial::Private(key::PrivateKey::Ec(read)) = decoded.key else { panic!("no EC key") };
            prop_assert_eq!(read.public(), generated.public());
            // A blob holds the clamped scalar of curve25519, which is the same key.
            if curve.name != "curve25519" || !matches!(format, Format::Blob(BlobType::EccPrivate | BlobType::Private)) {
                prop_assert_eq!(read.d(), generated.d());
            }
        }
        let blobs = [BlobType::EccPublic, BlobType::Public].map(Format::Blob);
        for format in blobs.into_iter().chain([Format::Spki, Format::SpkiPem]) {
            if matches!(format, Format::Blob(_)) && !curve.is_cng() {
                prop_assert!(format::encode(&key, algorithm, format).is_err());
                continue;
            }
            let encoded = format::encode(&key, algorithm, format).unwrap();
            let decoded = format::decode(&encoded, format, &beside(curve, algorithm)).unwrap();
            prop_assert_eq!(decoded.algorithm, algorithm);
            prop_assert_eq!(decoded.key.public(), key.public());
        }
    }
}

/// Decodes as every format, takes it apart, guesses; writes back what was read, and reads that again.
fn read_as_everything(bytes: &[u8], hints: &Hints<'_>) {
    if let Ok(format) = format::sniff(bytes) {
        let _ = format::decode(bytes, format, hints);
    }
    let _ = (asn1::outer_length(bytes), asn1::certificate::decode(bytes), asn1::ecdsa::from_der(bytes, 32));
    for format in Format::names().filter_map(Format::by_name) {
        let (fields, outcome) = format::inspect(bytes, format, hints);
        assert!(fields.iter().all(|field| field.offset + field.length <= bytes.len()), "{}", format.name());
        assert_eq!(format::decode(bytes, format, hints).is_ok(), outcome.is_ok(), "{}", format.name());
        let Ok(mut entries) = outcome else { continue };
        let Some(Entry { decoded, .. }) = entries.pop().filter(|_| entries.is_empty()) else { continue };
        // A certificate is a source of a key and not made here.
        if matches!(format, Format::Cert | Format::CertPem) {
            continue;
        }
        let again = format::encode(&decoded.key, decoded.algorithm, format).and_then(|encoded| {
            let hints = Hints { curve: decoded.key.curve(), algorithm: Some(decoded.algorithm), ..*hints };
            format::decode(&encoded, format, &hints)
        });
        // Numbers that nobody checked need not fit one another's widths, nor a blob that leaves some to be computed.
        assert!(again.is_ok() || hints.validation == Validation::Skip, "{}: {again:?}", format.name());
    }
}

fn beside(curve: &'static Curve, algorithm: Algorithm) -> Hints<'static> {
    Hints { curve: Some(curve), algorithm: Some(algorithm), ..Hints::default() }
}

fn validation() -> impl Strategy<Value = Validation> {
    select(vec![Validation::Full, Validation::Skip])
}

/// No password: the iteration count of a damaged file could ask for seconds of work.
fn hints() -> impl Strategy<Value = Hints<'static>> {
    let algorithms =
        ["RSA", "AES", "3DES", "HMAC", "ECDSA", "ECDH", "ECDSA_P256", "ECDH_P521", "DSA", "DH", "ML-DSA", "ML-KEM"];
    let algorithms: Vec<_> = algorithms.iter().map(|name| Algorithm::by_name(name).unwrap()).collect();
    let curves: Vec<&'static Curve> = CURVES.iter().collect();
    (proptest::option::of(select(algorithms)), proptest::option::of(select(curves)), validation())
        .prop_map(|(algorithm, curve, validation)| Hints { algorithm, curve, validation, ..Hints::default() })
}
