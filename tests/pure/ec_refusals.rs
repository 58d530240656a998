//! Elliptic-curve keys whose layout is right and whose numbers are not: what is refused, and what `Validation::Skip`
//! lets through.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::blobs;
use crate::orders;
use crate::vectors;
use cng_pkcs11::blob::{self, BlobType, Decoded, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::curve::Form;
use cng_pkcs11::key::{self, Consistency, Curve, Validation};
use cng_pkcs11::status::Status;

use crate::integers::shifted;
use crate::vectors::{Vector, hex, named};

#[test]
fn an_ec_key_with_one_number_altered_is_refused_and_taken_without_validation() {
    for (vector, letters) in private_ec_keys() {
        let numbers = ["x", "y", "d"].map(|field| vector.number(field));
        for (i, field) in ["x", "y", "d"].iter().enumerate() {
            let mut wrong = numbers.clone();
            // Curve25519 numbers are little-endian, their low three bits of d do not count, and they have no y.
            let little = vector.curve == "curve25519";
            let at = if little { 1 } else { wrong[i].len() - 1 };
            wrong[i][at] ^= 1;
            let blob = blobs::ecc(letters, &wrong.each_ref().map(Vec::as_slice));
            let context = format!("{} {field}", vector.key);
            let error = decode_ec(&blob, &vector, Validation::Full).unwrap_err();
            if !(little && *field == "y") {
                assert_eq!(error.status(), Status::NTE_INVALID_PARAMETER, "{context}: {error}");
                let taken = decode_ec(&blob, &vector, Validation::Skip).unwrap();
                assert_eq!(taken.key.consistency(), Consistency::Unchecked, "{context}");
                let again = blob::encode(&taken.key, taken.algorithm, BlobType::EccPrivate).unwrap();
                // Behind the magic, which is the specific one where there is one.
                assert_eq!(hex(&again[4..]), hex(&blob[4..]), "{context}");
            }
        }
    }
}

#[test]
fn a_private_blob_without_its_point_gets_it_computed() {
    for (vector, letters) in private_ec_keys() {
        let zero = vec![0; vector.number("x").len()];
        for validation in [Validation::Full, Validation::Skip] {
            let blob = blobs::ecc(letters, &[&zero, &zero, &vector.number("d")]);
            let decoded = decode_ec(&blob, &vector, validation).unwrap();
            assert_eq!(decoded.key.consistency(), Consistency::Checked);
            let whole = blob::encode(&decoded.key, decoded.algorithm, BlobType::EccPrivate).unwrap();
            let expected =
                blobs::ecc(letters, &["x", "y", "d"].map(|field| vector.number(field)).each_ref().map(Vec::as_slice));
            // Behind the magic, which is the specific one where there is one.
            assert_eq!(hex(&whole[4..]), hex(&expected[4..]), "{}", vector.key);
        }
        // Half a point is no missing point.
        if vector.curve != "curve25519" {
            for fields in [[vector.number("x"), zero.clone()], [zero.clone(), vector.number("y")]] {
                let blob = blobs::ecc(letters, &[&fields[0], &fields[1], &vector.number("d")]);
                assert!(decode_ec(&blob, &vector, Validation::Full).is_err(), "{}", vector.key);
            }
        }
    }
}

#[test]
fn a_scalar_must_be_from_one_to_the_order_less_one() {
    for name in orders::curves() {
        let curve = Curve::by_name(name).unwrap();
        let order = orders::order(name);
        let width = curve.width();
        let (zero, ones) = (vec![0; width], vec![0xFF; width]);
        let hints = Hints { curve: Some(curve), ..Hints::default() };
        let decode = |x: &[u8], y: &[u8], d: &[u8], validation| {
            blob::decode(&blobs::ecc("ECDV", &[x, y, d]), BlobType::EccPrivate, &Hints { validation, ..hints })
        };
        for d in [&zero, &order, &shifted(&order, 1), &ones] {
            let error = decode(&zero, &zero, d, Validation::Full).unwrap_err();
            assert!(matches!(error, blob::Error::Key(key::Error::OutOfRange { field: "d", .. })), "{name}: {error}");
            assert_eq!(error.status(), Status::NTE_INVALID_PARAMETER, "{name}");
            // There is no point to compute either.
            assert!(decode(&zero, &zero, d, Validation::Skip).is_err(), "{name}");
        }

        let mut one = zero.clone();
        one[width - 1] = 1;
        let point = |d: &[u8]| match decode(&zero, &zero, d, Validation::Full).unwrap().key.public() {
            Some(key::PublicKey::Ec(public)) => (public.x().to_vec(), public.y().to_vec()),
            other => panic!("{other:?}"),
        };
        // (n − 1)·G = −G: the same x, the other y.
        let last = shifted(&order, -1);
        let ((x, y), (x_one, y_one)) = (point(&last), point(&one));
        assert!(x == x_one && y != y_one, "{name}");
        assert!(decode(&x, &y, &last, Validation::Full).is_ok(), "{name}");
        let error = decode(&x, &y, &one, Validation::Full).unwrap_err();
        assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what: "the public point is not d·G" }), "{name}");
        // An enormous scalar beside a good point is believed without validation; zero never is.
        assert!(decode(&x, &y, &order, Validation::Skip).is_ok(), "{name}");
        assert!(decode(&x, &y, &zero, Validation::Skip).is_err(), "{name}");
    }
}

#[test]
fn a_point_off_the_curve_is_refused_in_every_public_form() {
    for (vector, _) in private_ec_keys().into_iter().filter(|(vector, _)| vector.curve != "curve25519") {
        let (x, y) = (vector.number("x"), vector.number("y"));
        let zero = vec![0; x.len()];
        for (x, y) in [
            (shifted(&x, 1), y.clone()),
            (x.clone(), shifted(&y, 1)),
            (y.clone(), x.clone()),
            (zero.clone(), zero.clone()),
            (vec![0xFF; x.len()], y.clone()),
        ] {
            let blob = blobs::ecc("ECKP", &[&x, &y]);
            let hints = Hints { curve: vector.curve(), ..Hints::default() };
            let error = blob::decode(&blob, BlobType::EccPublic, &hints).unwrap_err();
            let what = "the public point is not on the curve";
            assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what }), "{}", vector.key);
            let mut spki = named(&format!("{}.spki.bin", vector.key)).bytes();
            let at = spki.len() - 2 * x.len();
            spki[at..].copy_from_slice(&[x, y].concat());
            refused(&spki, Format::Spki, &vector.key);

            let taken =
                blob::decode(&blob, BlobType::EccPublic, &Hints { validation: Validation::Skip, ..hints }).unwrap();
            assert_eq!(taken.key.consistency(), Consistency::Unchecked, "{}", vector.key);
        }
    }
}

#[test]
fn compressed_hybrid_and_infinite_points_are_refused() {
    let curve = Curve::by_name("nistP256").unwrap();
    let x = named("ec-nistP256.spki.bin").number("x");
    for point in [
        vec![],
        vec![0],
        vec![4],
        [&[2], x.as_slice()].concat(),
        [&[3], x.as_slice()].concat(),
        [&[4], x.as_slice()].concat(),
    ] {
        for validation in [Validation::Full, Validation::Skip] {
            assert!(key::ec::PublicKey::from_point(curve, &point, validation).is_err(), "{}", hex(&point));
        }
    }
    let spki = named("ec-nistP256.spki.bin").bytes();
    let at = spki.len() - 65;
    for form in [0, 2, 3, 5, 6, 7] {
        let mut wrong = spki.clone();
        wrong[at] = form;
        refused(&wrong, Format::Spki, &format!("form {form}"));
    }
}

#[test]
fn on_a_curve_without_arithmetic_a_point_is_checked_and_its_scalar_is_not() {
    for vector in vectors::keys().into_iter().filter(|vector| vector.curve == "brainpoolP512r1") {
        let decoded = vector.decode().unwrap();
        let expected = if vector.is_public() { Consistency::Checked } else { Consistency::Unchecked };
        assert_eq!(decoded.key.consistency(), expected, "{}", vector.file);
    }
    let vector = named("ec-brainpoolP512r1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin");
    let (x, y, d) = (vector.number("x"), vector.number("y"), vector.number("d"));
    for letters in ["ECDV", "ECDP"] {
        let wrong = [x.as_slice(), &shifted(&y, 1), &d];
        let wrong = blobs::ecc(letters, &wrong[..if letters == "ECDV" { 3 } else { 2 }]);
        let error = decode_ec(&wrong, &vector, Validation::Full).unwrap_err();
        let what = "the public point is not on the curve";
        assert_eq!(error, blob::Error::Key(key::Error::Inconsistent { what }));
        assert_eq!(error.status(), Status::NTE_INVALID_PARAMETER);
        let taken = decode_ec(&wrong, &vector, Validation::Skip).unwrap();
        assert_eq!(taken.key.consistency(), Consistency::Unchecked);
    }
    // The point of another scalar: nothing here can tell.
    let decoded = decode_ec(&blobs::ecc("ECDV", &[&x, &y, &shifted(&d, 1)]), &vector, Validation::Full).unwrap();
    assert_eq!(decoded.key.consistency(), Consistency::Unchecked);
    // The scalar must be below the order.
    let error = decode_ec(&blobs::ecc("ECDV", &[&x, &y, &[0xFF; 64]]), &vector, Validation::Full).unwrap_err();
    assert!(matches!(error, blob::Error::Key(key::Error::OutOfRange { field: "d", .. })), "{error}");
    // What can be seen without arithmetic is seen.
    let zero = vec![0; 64];
    let error = decode_ec(&blobs::ecc("ECDV", &[&x, &y, &zero]), &vector, Validation::Full).unwrap_err();
    assert_eq!(error.status(), Status::NTE_INVALID_PARAMETER);
    let error = decode_ec(&blobs::ecc("ECDV", &[&zero, &zero, &d]), &vector, Validation::Full).unwrap_err();
    assert!(matches!(error, blob::Error::Key(key::Error::Missing { field: "the public point", .. })), "{error}");
    assert_eq!(error.status(), Status::NTE_BAD_KEY);
}

#[test]
fn a_twisted_edwards_key_has_both_coordinates_in_its_blob() {
    for name in ["numsP256t1", "numsP384t1", "numsP512t1"] {
        let curve = Curve::by_name(name).unwrap();
        let (x, y) = (curve.parameters.gx, curve.parameters.gy);
        let mut one = vec![0; curve.width()];
        *one.last_mut().unwrap() = 1;
        let hints = Hints { curve: Some(curve), ..Hints::default() };
        for (letters, blob_type, fields) in [
            ("ECDP", BlobType::EccPublic, &[x, y][..]),
            ("ECKP", BlobType::EccPublic, &[x, y]),
            ("ECDV", BlobType::EccPrivate, &[x, y, &one]),
            ("ECKV", BlobType::EccPrivate, &[x, y, &one]),
        ] {
            let blob = blobs::ecc(letters, fields);
            let decoded = blob::decode(&blob, blob_type, &hints).unwrap();
            let expected = if blob_type == BlobType::EccPublic { Consistency::Checked } else { Consistency::Unchecked };
            assert_eq!(decoded.key.consistency(), expected, "{name}");
            let again = blob::encode(&decoded.key, decoded.algorithm, blob_type).unwrap();
            assert_eq!(hex(&again), hex(&blob), "{name} {letters}");
            // DER has no name for the curve.
            assert!(format::encode(&decoded.key, decoded.algorithm, Format::Spki).is_err(), "{name}");
        }
        let swapped = blobs::ecc("ECDP", &[y, x]);
        assert!(blob::decode(&swapped, BlobType::EccPublic, &hints).is_err(), "{name}");
        // The neutral element is no key.
        let zero = vec![0; curve.width()];
        assert!(blob::decode(&blobs::ecc("ECDP", &[&zero, &one]), BlobType::EccPublic, &hints).is_err(), "{name}");
    }
}

#[test]
fn a_curve_that_cng_does_not_have_has_no_blob() {
    for name in ["X448", "Ed25519", "Ed448"] {
        let curve = Curve::by_name(name).unwrap();
        let mut one = vec![0; curve.width()];
        one[0] = 1;
        let public = key::ec::PublicKey::new(curve, &one, &[], Validation::Skip).unwrap();
        let private = key::ec::PrivateKey::new(curve, &one, Some(public.clone()), Validation::Skip).unwrap();
        let algorithm = key::Algorithm::elliptic(key::Family::Ecdsa, curve);
        for (material, blob_type) in [
            (key::KeyMaterial::Public(key::PublicKey::Ec(public)), BlobType::EccPublic),
            (key::KeyMaterial::Private(key::PrivateKey::Ec(private)), BlobType::EccPrivate),
        ] {
            let error = blob::encode(&material, algorithm, blob_type).unwrap_err();
            assert!(matches!(error, blob::Error::NotRepresentable { .. }), "{name}: {error}");
        }
        let zero = vec![0; curve.width()];
        for letters in ["ECKP", "ECDP"] {
            let hints = Hints { curve: Some(curve), ..Hints::default() };
            let error = blob::decode(&blobs::ecc(letters, &[&one, &zero]), BlobType::EccPublic, &hints).unwrap_err();
            assert!(matches!(error, blob::Error::Algorithm { .. }), "{name}: {error}");
        }
    }
}

#[test]
fn a_curve25519_coordinate_must_be_reduced() {
    let vector = named("ec-curve25519.GENERIC-ECDH.ECCPUBLICBLOB.bin");
    let zero = [0; 32];
    let mut limit = [0xFF; 32];
    (limit[0], limit[31]) = (0xED, 0x7F);
    let mut below = limit;
    below[0] -= 2; // p − 1 is reduced, and of small order
    let mut top_bit = <[u8; 32]>::try_from(vector.number("x")).unwrap();
    top_bit[31] |= 0x80;
    for (u, taken) in [(limit, false), (top_bit, false), ([0xFF; 32], false), (below, true)] {
        let outcome = decode_ec(&blobs::ecc("ECKP", &[&u, &zero]), &vector, Validation::Full);
        assert_eq!(outcome.map_err(|error| error.status()).err(), expected(taken), "{}", hex(&u));
    }
}

#[test]
fn an_unclamped_curve25519_scalar_in_a_blob_is_taken_and_written_clamped() {
    let vector = named("ec-curve25519-unclamped.GENERIC-ECDH.ECCPRIVATEBLOB.bin");
    let blob = blobs::ecc("ECKV", &[&vector.number("x"), &[0; 32], &vector.number("d-raw")]);
    let decoded = decode_ec(&blob, &vector, Validation::Full).unwrap();
    let again = blob::encode(&decoded.key, decoded.algorithm, BlobType::EccPrivate).unwrap();
    assert_eq!(hex(&again), hex(&vector.bytes()));
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

/// One private key a curve with arithmetic, and the letters of a generic magic for it.
fn private_ec_keys() -> Vec<(Vector, &'static str)> {
    let curves = cng_pkcs11::key::curve::CURVES.iter();
    let keys: Vec<_> = curves
        .filter(|curve| curve.has_arithmetic() && curve.is_cng())
        .map(|curve| {
            let letters = if curve.form == Form::Montgomery { "ECKV" } else { "ECDV" };
            (named(&format!("ec-{}.GENERIC-ECDH.ECCPRIVATEBLOB.bin", curve.name)), letters)
        })
        .collect();
    assert_eq!(keys.len(), 7);
    keys
}

fn decode_ec(blob: &[u8], vector: &Vector, validation: Validation) -> Result<Decoded, blob::Error> {
    let is_private = blob::ecc::is_private_magic(u32::from_le_bytes(blob[..4].try_into().unwrap())).unwrap();
    let blob_type = if is_private { BlobType::EccPrivate } else { BlobType::EccPublic };
    blob::decode(blob, blob_type, &Hints { curve: vector.curve(), validation, ..Hints::default() })
}
