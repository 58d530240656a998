//! What the decoders of the second set of vectors must refuse for their layouts alone.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::blobs;
use cng_pkcs11::blob::{
    self, BlobType, Contents, Error, Hints, Parameters, dh_parameters, dsa_parameters, ecc_parameters,
};
use cng_pkcs11::key::{Algorithm, Curve};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::status::Status;

use crate::more::{BLOBS, Vector, report};

/// Lengths of fields at which 32-bit sums wrap, or at which an allocation would be noticed.
const ENORMOUS: [u32; 4] = [0xFFFF_FFFF, 0xFFFF_FFF0, 0x8000_0000, 0x7FFF_FFFF];

/// What the blob types of the first set do not have tests for elsewhere.
fn vectors() -> impl Iterator<Item = &'static Vector> {
    BLOBS.iter().filter(|vector| !matches!(vector.blob_type, BlobType::KeyData | BlobType::Cipher))
}

/// Whether the bytes are taken for what they are said to be, key or not.
fn taken(vector: &Vector, bytes: &[u8]) -> Result<(), Error> {
    blob::contents(bytes, vector.blob_type, &vector.skipping()).1.map(|_| ())
}

/// What is written for the bytes, if they are a key or parameters.
fn reencoded(vector: &Vector, bytes: &[u8]) -> Result<SecretBytes, Error> {
    if vector.blob_type.is_parameters() {
        return match blob::contents(bytes, vector.blob_type, &vector.skipping()).1? {
            Contents::Parameters(Parameters::Dh(parameters)) => dh_parameters::encode(&parameters),
            Contents::Parameters(Parameters::Dsa(parameters)) => dsa_parameters::encode(&parameters),
            Contents::Parameters(Parameters::Ec(curve)) => ecc_parameters::encode(curve),
            other => panic!("{}: {other:?}", vector.file),
        };
    }
    let decoded = blob::decode(bytes, vector.blob_type, &vector.skipping())?;
    blob::encode(&decoded.key, decoded.algorithm, vector.blob_type)
}

/// Bytes before the first number or string that has no form of its own.
fn header(vector: &Vector, bytes: &[u8]) -> usize {
    let name = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    match vector.blob_type {
        BlobType::CapiPrivate | BlobType::CapiPublic => 20,
        BlobType::CapiDhPublic if vector.variant == "v1" => 16,
        BlobType::CapiDhPrivate if vector.variant == "v1" => 16,
        BlobType::CapiDhPublic => 48,
        BlobType::CapiDhPrivate => 52,
        BlobType::CapiDsaPrivate | BlobType::CapiDsaPublic if vector.variant.contains("v3") => 24,
        BlobType::CapiDsaPrivate | BlobType::CapiDsaPublic | BlobType::CapiDsaV2Private | BlobType::CapiDsaV2Public => {
            16
        }
        BlobType::DsaParameters if &bytes[4..8] == b"DSPM" => 36,
        BlobType::DsaParameters => 32,
        BlobType::DsaPrivate | BlobType::DsaPublic if bytes[3] == b'2' => 28,
        BlobType::DsaPrivate | BlobType::DsaPublic => 32,
        BlobType::EccFullPrivate | BlobType::EccFullPublic | BlobType::IsolatedKey => 32,
        BlobType::EccParameters => 28,
        BlobType::MlKemPrivate
        | BlobType::MlKemPrivateSeed
        | BlobType::MlKemPublic
        | BlobType::PqDsaPrivate
        | BlobType::PqDsaPrivateSeed
        | BlobType::PqDsaPublic => 12 + name(4),
        BlobType::PqPrivate => 24 + name(4) + name(12 + name(4) + 4),
        BlobType::DhParameters | BlobType::TpmPersistent => 12,
        BlobType::Kdf | BlobType::Protected | BlobType::RsaAesWrap => 16,
        BlobType::TpmProtected => 20,
        _ => 8,
    }
}

#[test]
fn every_truncation_is_refused_with_a_field_and_an_offset_inside_it() {
    let mut problems = Vec::new();
    for vector in vectors() {
        let bytes = vector.bytes();
        for length in 0..bytes.len() {
            match taken(vector, &bytes[..length]) {
                Err(Error::Truncated { field, offset, .. }) if offset <= length && !field.is_empty() => {}
                outcome => problems.push(format!("{}: cut to {length} bytes: {outcome:?}", vector.file)),
            }
        }
    }
    report(&problems);
}

#[test]
fn one_byte_too_many_is_refused() {
    let mut problems = Vec::new();
    for vector in vectors() {
        let longer = [vector.bytes().as_slice(), &[0]].concat();
        match taken(vector, &longer) {
            Err(Error::Trailing { offset, extra: 1 }) if offset == longer.len() - 1 => {}
            outcome => problems.push(format!("{}: {outcome:?}", vector.file)),
        }
    }
    report(&problems);
}

/// A bit that is taken changes what is written, and in itself only: nothing in a header is passed over.
#[test]
fn a_flipped_bit_in_a_header_is_refused_or_gives_another_blob() {
    let mut problems = Vec::new();
    for vector in vectors() {
        let bytes = vector.bytes();
        let written = reencoded(vector, &bytes);
        for bit in 0..header(vector, &bytes) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let problem = match (taken(vector, &flipped), reencoded(vector, &flipped)) {
                (Err(_), Err(_)) => continue,
                // What others must open is shown as it is: the field with the bit, and no other, is another one.
                (Ok(()), Err(Error::Sealed { .. } | Error::Wrapped { .. })) => {
                    let (before, after) = (shown(vector, &bytes), shown(vector, &flipped));
                    let other: Vec<_> = before.iter().zip(&after).filter(|(one, other)| one != other).collect();
                    let covers =
                        |(offset, length, _): &(usize, usize, String)| (*offset..offset + length).contains(&(bit / 8));
                    match other.as_slice() {
                        [(one, _)] if before.len() == after.len() && covers(one) => continue,
                        _ => "does not show where it is",
                    }
                }
                (Ok(()), Ok(again)) if *again == *flipped => continue,
                (Ok(()), Ok(again)) if written.as_ref().is_ok_and(|written| **written != *bytes) => {
                    // Read in a form that is not written: what comes out must not be the same key.
                    if Ok(&again) != written.as_ref() {
                        continue;
                    }
                    "is passed over"
                }
                (Ok(()), Err(Error::Limit { .. })) => continue,
                (Ok(()), Ok(_)) if is_harmless(vector, &bytes, bit) => continue,
                (Ok(()), Ok(_)) => "is passed over",
                (Ok(()), Err(_)) => "makes a key that cannot be written",
                (Err(_), Ok(_)) => "is taken by one of two",
            };
            if !is_harmless(vector, &bytes, bit) {
                problems.push(format!("{}: bit {bit} {problem}", vector.file));
            }
        }
    }
    report(&problems);
}

/// Offset, length and value of every field.
fn shown(vector: &Vector, bytes: &[u8]) -> Vec<(usize, usize, String)> {
    let (fields, _) = blob::contents(bytes, vector.blob_type, &vector.skipping());
    fields.iter().map(|field| (field.offset, field.length, format!("{:?}", field.value))).collect()
}

/// What several values of are read, and one is written.
fn is_harmless(vector: &Vector, bytes: &[u8], bit: usize) -> bool {
    // A seed whose counter says that it is unknown.
    let unknown =
        |counter: usize| bytes[counter..counter + 4] == [0xFF; 4] && (counter + 4..counter + 24).contains(&(bit / 8));
    // FIPS 186-2 and 186-3 with SHA-1.
    let standard = |at: usize| bit == at * 8 && bytes[at - 4..at] == [0; 4];
    match vector.blob_type {
        // CALG_RSA_KEYX and CALG_RSA_SIGN.
        BlobType::CapiPrivate | BlobType::CapiPublic => bit == 4 * 8 + 15,
        BlobType::CapiDhPrivate if vector.variant != "v1" => unknown(28),
        BlobType::CapiDhPublic if vector.variant != "v1" => unknown(24),
        BlobType::DsaPrivate | BlobType::DsaPublic if bytes[3] == b'2' => standard(12),
        BlobType::DsaPrivate | BlobType::DsaPublic => unknown(8),
        BlobType::DsaParameters if &bytes[4..8] == b"DPM2" => standard(16),
        BlobType::DsaParameters => unknown(12),
        _ => false,
    }
}

#[test]
fn every_other_magic_is_refused() {
    let mut problems = Vec::new();
    for vector in vectors() {
        let bytes = vector.bytes();
        let place = |magic: &blob::magic::Magic| {
            magic.places.iter().find(|(_, types)| types.contains(&vector.blob_type)).map(|(at, _)| *at)
        };
        let Some(at) = blob::magic::TABLE.iter().find_map(place) else { continue };
        for magic in blob::magic::TABLE.iter().filter(|magic| place(magic).is_none()) {
            let mut changed = bytes.clone();
            changed[at..at + 4].copy_from_slice(&magic.value.to_le_bytes());
            match taken(vector, &changed) {
                Err(Error::Magic { offset, found, .. }) if (offset, found) == (at, magic.value) => {}
                Err(Error::Unsupported { offset, .. }) if offset == at && magic.foreign.is_some() => {}
                outcome => problems.push(format!("{} with {}: {outcome:?}", vector.file, magic.letters)),
            }
        }
    }
    report(&problems);
}

#[test]
fn enormous_lengths_are_refused_in_every_header_field() {
    let mut problems = Vec::new();
    for vector in vectors() {
        let bytes = vector.bytes();
        for at in (0..header(vector, &bytes).saturating_sub(3)).step_by(4) {
            for length in ENORMOUS {
                let mut changed = bytes.clone();
                changed[at..at + 4].copy_from_slice(&length.to_le_bytes());
                match taken(vector, &changed) {
                    Err(_) => {}
                    Ok(()) if matches!(reencoded(vector, &changed), Ok(again) if *again == *changed) => {}
                    Ok(()) if is_number(vector, at) => {}
                    Ok(()) => problems.push(format!("{}: 0x{length:X} at {at} is taken", vector.file)),
                }
            }
        }
    }
    report(&problems);
}

/// Header words that are no lengths.
fn is_number(vector: &Vector, at: usize) -> bool {
    let version2 = |at: usize| vector.bytes()[at] == b'2';
    match vector.blob_type {
        BlobType::IsolatedKey => at == 4,
        BlobType::TpmPersistent => at == 8,
        // Count, and in version 1 Seed.
        BlobType::DsaParameters if version2(6) => at == 28,
        BlobType::DsaParameters => (12..36).contains(&at),
        BlobType::DsaPrivate | BlobType::DsaPublic if version2(3) => at == 24,
        BlobType::DsaPrivate | BlobType::DsaPublic => (8..32).contains(&at),
        BlobType::CapiDhPrivate => (28..52).contains(&at),
        BlobType::CapiDhPublic => (24..48).contains(&at),
        BlobType::CapiPrivate | BlobType::CapiPublic => at == 16,
        _ => false,
    }
}

#[test]
fn every_type_read_as_every_other_is_refused_without_a_panic() {
    let mut problems = Vec::new();
    for vector in vectors() {
        let bytes = vector.bytes();
        for other in BlobType::ALL.iter().copied().filter(|other| *other != vector.blob_type) {
            let same = matches!(
                (vector.blob_type, other),
                (_, BlobType::Public | BlobType::Private | BlobType::AesWrap | BlobType::OpaqueKey)
                    | (BlobType::CapiDsaPrivate, BlobType::CapiDsaV2Private)
                    | (BlobType::CapiDsaPublic, BlobType::CapiDsaV2Public)
                    | (BlobType::CapiDsaV2Private, BlobType::CapiDsaPrivate)
                    | (BlobType::CapiDsaV2Public, BlobType::CapiDsaPublic)
            );
            if !same && blob::contents(&bytes, other, &vector.skipping()).1.is_ok() {
                problems.push(format!("{} is a {} too", vector.file, other.name()));
            }
        }
    }
    report(&problems);
}

#[test]
fn an_algorithm_beside_the_blob_must_fit() {
    for vector in vectors().filter(|vector| !vector.blob_type.is_parameters()) {
        let bytes = vector.bytes();
        let Ok(decoded) = blob::decode(&bytes, vector.blob_type, &vector.skipping()) else { continue };
        for name in ["RSA", "DSA", "DH", "ML-DSA", "ML-KEM", "SLH-DSA", "ECDSA", "ECDH", "AES"] {
            let algorithm = Algorithm::by_name(name).unwrap();
            let hints = Hints { algorithm: Some(algorithm), ..vector.skipping() };
            let fits = algorithm.family == decoded.algorithm.family
                || (vector.blob_type == BlobType::SslEccPublic && algorithm.family.is_elliptic());
            let outcome = blob::decode(&bytes, vector.blob_type, &hints);
            assert_eq!(outcome.is_ok(), fits, "{} as {name}: {outcome:?}", vector.file);
        }
    }
}

#[test]
fn a_private_key_of_a_type_that_is_known_by_name_only_is_named() {
    for (letters, what) in
        [("LMPK", "LMS"), ("XMPK", "XMSS"), ("CMPK", "composite ML-DSA"), ("CMKR", "composite ML-KEM")]
    {
        let blob = blobs::blob(&[blobs::magic(letters), 6, 4], &[b"6\x005\0\0\0", &[1; 4]]);
        for blob_type in [BlobType::PqDsaPublic, BlobType::PqDsaPrivate, BlobType::Public, BlobType::Private] {
            let error = blob::decode(&blob, blob_type, &Hints::default()).unwrap_err();
            assert!(matches!(error, Error::Unsupported { offset: 0, .. }), "{error}");
            assert!(error.to_string().contains(what), "{error}");
            assert_eq!(error.status(), Status::NTE_NOT_SUPPORTED);
        }
    }
}

#[test]
fn names_are_exact_and_end_with_a_nul() {
    let pq =
        |name: &[u8]| blobs::blob(&[blobs::magic("DSPK"), name.len().try_into().unwrap(), 1312], &[name, &[0; 1312]]);
    let decode = |name: &[u8]| blob::decode(&pq(name), BlobType::PqDsaPublic, &Hints::default()).map(|_| ());
    assert_eq!(decode(b"4\x004\0\0\0"), Ok(()));
    for name in
        [&b"4\x004\0"[..], b"", b"\0\0", b"4\x004\0\0\0\0\0", b"4\x004\0\0", b"6\x005\0\0\0", b"5\x001\x002\0\0\0"]
    {
        assert!(decode(name).is_err(), "{name:?}");
    }
    let cipher = |name: &[u8]| {
        let header = [16, blobs::magic("CPHR"), name.len().try_into().unwrap(), 28];
        let inner = blobs::blob(&[blobs::magic("KDBM"), 1, 16], &[&[7; 16]]);
        blob::decode(&blobs::blob(&header, &[name, &inner]), BlobType::Cipher, &Hints::default()).map(|_| ())
    };
    assert_eq!(cipher(b"A\0E\0S\0\0\0"), Ok(()));
    let refused = cipher(b"A\0E\0S\0");
    assert!(matches!(refused, Err(Error::Value { field: "AlgName", offset: 16, .. })), "{refused:?}");
    let wrapped = |name: &[u8]| {
        let bytes = blobs::blob(&[blobs::magic("RAPW"), 8, name.len().try_into().unwrap(), 0], &[&[7; 8], name]);
        blob::rsa_aes::RsaAesWrapBlob::decode(&bytes).map(|_| ())
    };
    assert_eq!(wrapped(b"S\0H\0A\x001\0\0\0"), Ok(()));
    assert!(wrapped(b"s\0h\0a\x001\0\0\0").is_err() && wrapped(b"M\0D\x005\0\0\0").is_err());
}

#[test]
fn an_inner_blob_must_be_of_the_type_and_the_length_that_the_outer_one_says() {
    let vector = BLOBS.iter().find(|vector| vector.file.starts_with("mldsa44-kat.PQDSAPRIVATESEEDBLOB.PQ")).unwrap();
    let bytes = vector.bytes();
    let name = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    // The offsets of the inner blob's errors count from the start of the outer one.
    let mut wrong = bytes.clone();
    wrong[12 + name] ^= 0xFF;
    let outcome = blob::decode(&wrong, vector.blob_type, &Hints::default()).map(|_| ());
    assert!(matches!(outcome, Err(Error::Magic { offset, .. }) if offset == 12 + name), "{outcome:?}");
    // A blob of another type than is said.
    let expanded = BLOBS.iter().find(|vector| vector.file.starts_with("mldsa44-kat.PQDSAPRIVATEBLOB.PQ")).unwrap();
    let inner = &expanded.bytes()[12 + "PQDSAPRIVATEBLOB\0".len() * 2..];
    let mixed = blobs::blob(
        &[blobs::magic("PQPR"), u32::try_from(name).unwrap(), u32::try_from(inner.len()).unwrap()],
        &[&bytes[12..12 + name], inner],
    );
    assert!(matches!(blob::decode(&mixed, vector.blob_type, &Hints::default()), Err(Error::Magic { .. })));
}

#[test]
fn a_curve_that_no_one_named_is_refused_with_the_place_of_its_numbers() {
    for vector in BLOBS.iter().filter(|vector| {
        matches!(vector.blob_type, BlobType::EccFullPublic | BlobType::EccFullPrivate | BlobType::EccParameters)
    }) {
        let bytes = vector.bytes();
        let start = if vector.blob_type == BlobType::EccParameters { 28 } else { 32 };
        let width = vector.curve.unwrap().width();
        // p, a, b, Gx, Gy: one bit of each.
        for index in 0..5 {
            let mut changed = bytes.clone();
            changed[start + index * width + width - 1] ^= 1;
            if index == 2 && vector.curve == Curve::by_name("curve25519").ok() {
                continue; // 1 in RFC 7748, and 0 is read as well
            }
            assert_eq!(taken(vector, &changed), Err(Error::CurveUnknown { offset: start }), "{}", vector.file);
        }
        let other = Curve::by_name("x962P239v3").unwrap();
        if vector.blob_type != BlobType::EccParameters && vector.curve != Some(other) {
            let hints = Hints { curve: Some(other), ..vector.skipping() };
            let outcome = blob::decode(&bytes, vector.blob_type, &hints);
            assert!(matches!(outcome, Err(Error::Algorithm { .. })), "{}", vector.file);
        }
    }
}

#[test]
fn a_seed_that_the_curve_does_not_have_is_refused() {
    let mut seen = 0;
    for vector in BLOBS.iter().filter(|vector| vector.blob_type == BlobType::EccParameters) {
        let mut bytes = vector.bytes();
        let refused = |bytes: &[u8]| {
            let outcome = taken(vector, bytes);
            assert!(matches!(outcome, Err(Error::Value { field: "cbSeed", offset: 24, .. })), "{outcome:?}");
        };
        if vector.variant == "seed" {
            seen += 1;
            assert_eq!(taken(vector, &bytes), Ok(()), "{}", vector.file);
            *bytes.last_mut().unwrap() ^= 1;
        } else {
            bytes[24] = 20;
            bytes.extend([7; 20]);
        }
        refused(&bytes);
    }
    assert!(seen > 5, "only {seen}");
}

#[test]
fn a_coordinate_that_curve25519_does_not_have_is_named_where_it_stands() {
    let vector = BLOBS.iter().find(|vector| vector.file == "curve25519-00-5f.GENERIC-ECDH.ECCPUBLICBLOB.bin").unwrap();
    let mut bytes = vector.bytes();
    bytes[8 + 32 + 5] = 9;
    assert!(matches!(
        blob::decode(&bytes, vector.blob_type, &vector.hints()),
        Err(Error::Value { field: "Y", offset: 45, found: 9, .. })
    ));
}

/// ML-KEM: what one reader reduces another refuses, and both open what is encapsulated to the key.
#[cfg(feature = "pqc")]
#[test]
fn an_expanded_key_with_a_coefficient_that_is_not_reduced_is_refused() {
    let mut seen = 0;
    for vector in BLOBS.iter().filter(|vector| vector.blob_type == BlobType::MlKemPrivate) {
        let mut bytes = vector.bytes();
        let start = header(vector, &bytes);
        assert!(blob::decode(&bytes, vector.blob_type, &vector.hints()).is_ok(), "{}", vector.file);
        // A coefficient below 767 is still 12 bits long with q = 3329 added to it.
        let Some(at) = (start..start + 768).step_by(3).find(|at| first(&bytes[*at..]) < 0x1000 - 3329) else {
            continue;
        };
        let raised = first(&bytes[at..]) + 3329;
        let [low, high] = raised.to_le_bytes();
        (bytes[at], bytes[at + 1]) = (low, (bytes[at + 1] & 0xF0) | high);
        seen += 1;
        assert!(blob::decode(&bytes, vector.blob_type, &vector.hints()).is_err(), "{}", vector.file);
        assert!(blob::decode(&bytes, vector.blob_type, &vector.skipping()).is_ok(), "{}", vector.file);
    }
    assert!(seen > 2, "only {seen}");
}

/// The first of two numbers of 12 bits in three bytes.
#[cfg(feature = "pqc")]
fn first(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]]) & 0x0FFF
}
