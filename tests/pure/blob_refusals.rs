//! What a decoder must refuse for its layout alone: lengths, magics, versions, names.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::blobs;
use crate::vectors;
use cng_pkcs11::asn1;
use cng_pkcs11::blob::aes_wrap::AesWrapBlob;
use cng_pkcs11::blob::cipher::CipherKeyBlob;
use cng_pkcs11::blob::ecc::EccBlob;
use cng_pkcs11::blob::key_data::KeyDataBlob;
use cng_pkcs11::blob::rsa::RsaBlob;
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::{self, Algorithm, Validation};
use cng_pkcs11::status::Status;
use cng_pkcs11::wide;

use crate::blobs::magic;
use crate::vectors::{Vector, named, report};

/// Lengths of fields at which 32-bit sums wrap, or at which an allocation would be noticed.
const ENORMOUS: [u32; 4] = [0xFFFF_FFFF, 0xFFFF_FFF0, 0x8000_0000, 0x7FFF_FFFF];

#[test]
fn every_truncation_of_every_vector_is_refused_with_an_offset_inside_it() {
    let mut problems = Vec::new();
    for vector in with_a_shape() {
        let bytes = vector.bytes();
        // The line break at the end of a PEM file is no part of it.
        let end = if bytes.ends_with(b"\n") { bytes.len() - 1 } else { bytes.len() };
        for length in 0..end {
            let problem = match format::decode(&bytes[..length], vector.known_format(), &vector.hints()) {
                Ok(_) => "is taken".to_owned(),
                Err(error) if error.status() != Status::NTE_BAD_DATA => format!("gives {}", error.status()),
                Err(error) if offset(&error).is_some_and(|offset| offset > length as u64) => format!("gives `{error}`"),
                Err(_) => continue,
            };
            problems.push(format!("{}: cut to {length} bytes it {problem}", vector.file));
        }
    }
    report(&problems);
}

/// The length of the whole payload is compared with what there is before its first field is taken.
#[test]
fn a_short_payload_is_told_at_the_end_of_the_header() {
    for vector in with_a_shape().filter(|vector| !is_asn1(vector)) {
        let bytes = vector.bytes();
        let header = if vector.blob_type() == Some(BlobType::Cipher) { 16 } else { header(&vector) };
        for length in header..bytes.len() {
            let error = blob::decode(&bytes[..length], vector.blob_type().unwrap(), &vector.hints()).unwrap_err();
            let blob::Error::Truncated { offset, needed, left, .. } = error else { panic!("{}: {error}", vector.file) };
            let expected = (header, (bytes.len() - header) as u64, length - header);
            assert_eq!((offset, needed, left), expected, "{}", vector.file);
        }
    }
}

/// The blob types are public by themselves too.
#[test]
fn the_borrowed_blobs_refuse_every_other_length() {
    for vector in with_a_shape().filter(|vector| !is_asn1(vector)) {
        let decode = |bytes: &[u8]| match vector.blob_type().unwrap() {
            BlobType::Cipher => CipherKeyBlob::decode(bytes).map(|_| ()),
            BlobType::EccPrivate | BlobType::EccPublic => EccBlob::decode(bytes).map(|_| ()),
            BlobType::KeyData => KeyDataBlob::decode(bytes).map(|_| ()),
            _ => RsaBlob::decode(bytes).map(|_| ()),
        };
        let bytes = vector.bytes();
        assert_eq!(decode(&bytes), Ok(()), "{}", vector.file);
        for wrong in (0..bytes.len()).map(|length| bytes[..length].to_vec()).chain([[bytes.as_slice(), &[0]].concat()])
        {
            let status = decode(&wrong).map_err(|error| error.status());
            assert_eq!(status, Err(Status::NTE_BAD_DATA), "{}, {} bytes", vector.file, wrong.len());
        }
    }
}

#[test]
fn a_specific_ecc_magic_with_the_width_of_another_curve_is_refused() {
    for (letters, own) in [("ECS1", 32), ("ECS4", 48), ("ECK5", 66), ("ECK2", 32)] {
        for width in [0, 1, 31, 32, 33, 48, 65, 66, 67].into_iter().filter(|width| *width != own) {
            let field = vec![7; width];
            let private = "246".contains(&letters[3..]);
            let blob = blobs::ecc(letters, &vec![field.as_slice(); if private { 3 } else { 2 }]);
            let expected = "it is not the byte length of the curve's field";
            let error = blob::Error::Value { field: "cbKey", offset: 4, found: width as u64, expected };
            assert_eq!(EccBlob::decode(&blob).map(|_| ()), Err(error.clone()), "{letters}");
            let blob_type = if private { BlobType::EccPrivate } else { BlobType::EccPublic };
            refused(&blob, blob_type, Hints::default(), error, Status::NTE_BAD_DATA);
        }
    }
}

#[test]
fn one_byte_too_many_is_refused() {
    let mut problems = Vec::new();
    // Text around PEM is no part of it (RFC 7468 §2).
    for vector in with_a_shape().filter(|vector| !vector.file.ends_with(".pem")) {
        let bytes = vector.bytes();
        for extra in [0, b'A', 0xFF] {
            let longer = [bytes.as_slice(), &[extra]].concat();
            let outcome = format::decode(&longer, vector.known_format(), &vector.hints());
            match outcome.map_err(|error| (error.status(), error)) {
                Err((Status::NTE_BAD_DATA, format::Error::Blob(blob::Error::Trailing { offset, extra: 1 })))
                    if offset == bytes.len() => {}
                // DER readers do not say how much there is.
                Err((Status::NTE_BAD_DATA, _)) if is_asn1(&vector) => {}
                other => problems.push(format!("{}: with {extra:02X} behind it: {other:?}", vector.file)),
            }
        }
    }
    report(&problems);
}

/// `BitLength` is ignored, as on Windows; the name of an algorithm is read in any case.
#[test]
fn a_flipped_bit_in_a_header_is_refused_or_leaves_the_key_as_it_was() {
    let mut problems = Vec::new();
    for vector in with_a_shape().filter(|vector| vector.bits <= 1024 && !is_asn1(vector)) {
        let bytes = vector.bytes();
        let original = reencoded(&vector, &bytes).unwrap();
        let harmless: Vec<usize> = match vector.blob_type().unwrap() {
            BlobType::Cipher => vec![16 * 8 + 5, 18 * 8 + 5, 20 * 8 + 5],
            BlobType::RsaFullPrivate | BlobType::RsaPrivate | BlobType::RsaPublic => (32..64).collect(),
            _ => vec![],
        };
        for bit in 0..header(&vector) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let problem = match (reencoded(&vector, &flipped), harmless.contains(&bit)) {
                (Ok(same), true) if same == original => continue,
                (Err(_), false) => continue,
                (Ok(_), _) => "is taken",
                (Err(_), true) => "is refused",
            };
            problems.push(format!("{}: with bit {bit} flipped it {problem}", vector.file));
        }
    }
    report(&problems);
}

/// DER has more room for harmless bits than a fixed header; what comes out must still be a whole key.
#[test]
fn a_flipped_bit_in_der_never_panics_and_never_gives_half_a_key() {
    let mut problems = Vec::new();
    let keys = ["ec-nistP256", "ec-curve25519-unclamped", "rsa1024-e3"];
    let vectors = with_a_shape().filter(|vector| is_asn1(vector) && keys.contains(&vector.key.as_str()));
    for vector in vectors.filter(|vector| !vector.is_encrypted()) {
        let bytes = vector.bytes();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(again) = reencoded(&vector, &flipped)
                && again != reencoded(&vector, &again).unwrap()
            {
                problems.push(format!("{}: with bit {bit} flipped it changes by itself", vector.file));
            }
        }
    }
    report(&problems);
}

#[test]
fn every_other_magic_is_refused() {
    let ecc = ["ECK1", "ECK2", "ECK3", "ECK4", "ECK5", "ECK6", "ECKP", "ECKV"];
    let ecdsa = ["ECS1", "ECS2", "ECS3", "ECS4", "ECS5", "ECS6", "ECDP", "ECDV"];
    let others =
        ["RSA1", "RSA2", "RSA3", "KDBM", "CPHR", "DHPB", "DHPV", "DSPB", "DPV2", "ECCP", "PQPR", "RAWP", "\0\0\0\0"];
    // The last two are the first four bytes of a CAPI blob, which has the letters RSA1 and RSA2 further behind.
    let magics = ecc.iter().chain(&ecdsa).chain(&others).map(|letters| magic(letters)).chain([0x0206, 0x0207, !0]);
    let mut problems = Vec::new();
    for vector in with_a_shape().filter(|vector| vector.bits <= 1024 && !is_asn1(vector)) {
        let bytes = vector.bytes();
        let at = if vector.blob_type() == Some(BlobType::Cipher) { 4 } else { 0 };
        let own = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let private = |magic| blob::ecc::is_private_magic(magic);
        // Another ECC magic for the same half of a key is a blob of the same type: tests/blob_hints.rs has those.
        for other in
            magics.clone().filter(|other| *other != own && (private(own).is_none() || private(*other) != private(own)))
        {
            let mut changed = bytes.clone();
            changed[at..at + 4].copy_from_slice(&other.to_le_bytes());
            let outcome = blob::decode(&changed, vector.blob_type().unwrap(), &vector.hints());
            match outcome.map_err(|error| (error.status(), error)) {
                Err((Status::NTE_INVALID_PARAMETER, blob::Error::Magic { offset, found, .. }))
                    if (offset, found) == (at, other) => {}
                outcome => problems.push(format!("{}: with magic 0x{other:08X}: {outcome:?}", vector.file)),
            }
        }
    }
    report(&problems);
}

#[test]
fn every_type_read_as_every_other_is_refused() {
    let mut problems = Vec::new();
    let vectors = vectors::all().into_iter().filter(|vector| vector.format().is_some() && vector.bits <= 1024);
    for vector in vectors {
        let bytes = vector.bytes();
        for format in Format::names().filter_map(Format::by_name) {
            let allowed = match (vector.known_format(), format) {
                (own, asked) if own == asked => !vector.is_wrapped() && !vector.is_encrypted(),
                (Format::Blob(BlobType::EccPublic | BlobType::RsaPublic), Format::Blob(BlobType::Public)) => true,
                (
                    Format::Blob(BlobType::EccPrivate | BlobType::RsaPrivate | BlobType::RsaFullPrivate),
                    Format::Blob(BlobType::Private),
                ) => true,
                // DER is read where PEM is asked for, and PEM where DER is.
                (own, asked) if own.name().strip_suffix("-pem") == Some(asked.name()) => true,
                (own, asked) if asked.name().strip_suffix("-pem") == Some(own.name()) => true,
                (Format::Blob(BlobType::Pkcs8), Format::Pkcs8Pem) => !vector.is_encrypted(),
                (Format::Pkcs8Pem, Format::Blob(BlobType::Pkcs8)) => true,
                // Any bytes of the right number can be an AES key.
                (_, Format::Raw) => matches!(bytes.len(), 16 | 24 | 32),
                _ => false,
            };
            let expected = match format {
                _ if allowed => None,
                Format::Blob(BlobType::Pkcs8) | Format::Pkcs8Pem if vector.is_encrypted() => {
                    Some(Status::NTE_INCORRECT_PASSWORD)
                }
                // They have no layout: nobody but their provider can say what they are not.
                Format::Blob(BlobType::OpaqueKey) => Some(Status::NTE_NOT_SUPPORTED),
                _ => Some(Status::NTE_BAD_DATA),
            };
            let outcome = format::decode(&bytes, format, &vector.hints());
            let status = outcome.as_ref().err().map(format::Error::status);
            // Which of the two it is depends on whether a length or a magic is the first thing wrong.
            if status != expected
                && (expected, status) != (Some(Status::NTE_BAD_DATA), Some(Status::NTE_INVALID_PARAMETER))
            {
                problems.push(format!("{}: as {}: {outcome:?}", vector.file, format.name()));
            }
        }
    }
    report(&problems);
}

#[test]
fn an_enormous_length_in_a_header_is_refused_before_anything_is_read() {
    let mut problems = Vec::new();
    for (vector, fields) in length_fields() {
        let bytes = vector.bytes();
        for length in ENORMOUS {
            for chosen in fields.iter().map(|field| vec![*field]).chain([fields.clone()]) {
                let mut changed = bytes.clone();
                chosen.iter().for_each(|at| changed[*at..at + 4].copy_from_slice(&length.to_le_bytes()));
                check_refused_length(&vector, &changed, &mut problems);
            }
        }
    }
    report(&problems);
}

/// Each pair of lengths is changed so that a 32-bit sum of the parts is what it was.
#[test]
fn lengths_whose_sum_wraps_to_the_right_total_are_refused() {
    let mut problems = Vec::new();
    for (vector, fields) in length_fields() {
        let bytes = vector.bytes();
        let add = |bytes: &mut Vec<u8>, at: usize, value: u32| {
            let old = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            bytes[at..at + 4].copy_from_slice(&old.wrapping_add(value).to_le_bytes());
        };
        for first in &fields {
            // A field that counts twice or four times.
            for value in [0x8000_0000, 0x4000_0000, 0xC000_0000] {
                let mut changed = bytes.clone();
                add(&mut changed, *first, value);
                check_refused_length(&vector, &changed, &mut problems);
            }
            // Between the two fields of a public RSA blob a byte may move: that is another key, and nothing tells.
            let alone = vector.blob_type() == Some(BlobType::RsaPublic);
            for second in fields.iter().filter(|second| *second != first && !alone) {
                for value in [1, 8, 0x8000_0000] {
                    let mut changed = bytes.clone();
                    add(&mut changed, *first, value);
                    add(&mut changed, *second, value.wrapping_neg());
                    // Some bytes only move from one field to another: then the numbers are wrong, not the lengths.
                    let outcome = blob::decode(&changed, vector.blob_type().unwrap(), &vector.hints());
                    if outcome.is_ok() {
                        problems.push(format!("{}: +{value} at {first}, −{value} at {second}", vector.file));
                    }
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn a_public_rsa_blob_with_prime_lengths_is_refused_with_and_without_the_primes() {
    let public = named("rsa1024-e3.RSAPUBLICBLOB.bin").bytes();
    let primes = &named("rsa1024-e3.RSAPRIVATEBLOB.bin").bytes()[public.len()..];
    for (at, field) in [(16, "cbPrime1"), (20, "cbPrime2")] {
        for length in [1, 64, 128, 0xFFFF_FFFF] {
            for tail in [&[][..], primes] {
                let mut blob = [public.as_slice(), tail].concat();
                blob[at..at + 4].copy_from_slice(&u32::to_le_bytes(length));
                let expected = "a public blob has no primes, it must be 0";
                refused(
                    &blob,
                    BlobType::RsaPublic,
                    Hints::default(),
                    blob::Error::Value { field, offset: at, found: length.into(), expected },
                    Status::NTE_BAD_DATA,
                );
            }
        }
    }
}

#[test]
fn another_version_of_a_key_data_blob_is_refused_alone_and_inside() {
    let key = [7; 16];
    for version in [0, 2, 0x0100_0000, u32::MAX] {
        let inner = blobs::blob(&[magic("KDBM"), version, 16], &[&key]);
        let error = |offset| blob::Error::Value {
            field: "dwVersion",
            offset,
            found: version.into(),
            expected: "only version 1 exists",
        };
        refused(&inner, BlobType::KeyData, Hints::default(), error(4), Status::NTE_BAD_DATA);
        let cipher = blobs::cipher(&wide::encode_nul("AES"), &inner);
        refused(&cipher, BlobType::Cipher, Hints::default(), error(28), Status::NTE_BAD_DATA);
    }
}

#[test]
fn an_aes_key_of_another_length_is_refused_in_every_form() {
    for length in [0, 1, 8, 15, 17, 23, 25, 31, 33, 40, 64, 512] {
        let key = vec![7; length];
        let cipher = blobs::cipher(&wide::encode_nul("AES"), &blobs::key_data(&key));
        for (bytes, format) in [
            (blobs::key_data(&key), Format::Blob(BlobType::KeyData)),
            (cipher, Format::Blob(BlobType::Cipher)),
            (key, Format::Raw),
        ] {
            let error = format::decode(&bytes, format, &Hints::default()).unwrap_err();
            assert_eq!(error.status(), Status::NTE_INVALID_PARAMETER, "{length} bytes as {}", format.name());
            assert!(error.to_string().contains(&format!("{} bits", length * 8)), "{error}");
        }
    }
}

#[test]
fn other_ciphers_have_their_own_lengths() {
    for (name, taken, refused) in
        [("3DES", vec![24], vec![8, 16, 23, 25, 32]), ("HMAC", vec![1, 20, 64, 512], vec![0, 513])]
    {
        let hints = Hints { algorithm: Some(Algorithm::by_name(name).unwrap()), ..Hints::default() };
        for (length, is_taken) in taken.iter().map(|len| (*len, true)).chain(refused.iter().map(|len| (*len, false))) {
            let key_data = blobs::key_data(&vec![7; length]);
            let cipher = blobs::cipher(&wide::encode_nul(name), &key_data);
            assert_eq!(blob::decode(&key_data, BlobType::KeyData, &hints).is_ok(), is_taken, "{name} {length}");
            assert_eq!(blob::decode(&cipher, BlobType::Cipher, &Hints::default()).is_ok(), is_taken, "{name} {length}");
        }
    }
}

#[test]
fn a_cipher_key_blob_with_a_malformed_or_foreign_name_is_refused() {
    let wide = |source| blob::Error::Wide { field: "AlgName", offset: 16, source };
    let unknown = |name: &str| blob::Error::Key(key::Error::UnknownAlgorithm { name: name.to_owned() });
    let without_nul = |found| {
        let expected = "its length must count a NUL at its end";
        blob::Error::Value { field: "AlgName", offset: 16, found, expected }
    };
    for (name, error, status) in [
        (vec![], without_nul(0), Status::NTE_BAD_DATA),
        (vec![0, 0], unknown(""), Status::NTE_NOT_SUPPORTED),
        (b"A\0E\0S".to_vec(), without_nul(5), Status::NTE_BAD_DATA),
        (b"A\0E\0S\0\0".to_vec(), wide(wide::Error::OddLength), Status::NTE_BAD_DATA),
        (b"A\0\0\0E\0S\0\0\0".to_vec(), wide(wide::Error::EmbeddedNul), Status::NTE_BAD_DATA),
        (b"A\0E\0S\0\0\0\0\0".to_vec(), wide(wide::Error::EmbeddedNul), Status::NTE_BAD_DATA),
        (wide::encode("AES"), without_nul(6), Status::NTE_BAD_DATA),
        (b"A\0E\0S\0\x00\xD8\0\0".to_vec(), wide(wide::Error::Unpaired), Status::NTE_BAD_DATA),
        (wide::encode_nul("RSA"), unknown("RSA"), Status::NTE_NOT_SUPPORTED),
        (wide::encode_nul("ECDSA_P256"), unknown("ECDSA_P256"), Status::NTE_NOT_SUPPORTED),
        (wide::encode_nul("RC4"), unknown("RC4"), Status::NTE_NOT_SUPPORTED),
        (wide::encode_nul("AES "), unknown("AES "), Status::NTE_NOT_SUPPORTED),
    ] {
        let cipher = blobs::cipher(&name, &blobs::key_data(&[7; 16]));
        refused(&cipher, BlobType::Cipher, Hints::default(), error, status);
    }
}

#[test]
fn a_cipher_key_blob_whose_inner_blob_has_another_length_is_refused() {
    let name = wide::encode_nul("AES");
    let (short, long) =
        (blobs::blob(&[magic("KDBM"), 1, 17], &[&[7; 16]]), blobs::blob(&[magic("KDBM"), 1, 15], &[&[7; 16]]));
    let truncated = blob::Error::Truncated { field: "the key", offset: 36, needed: 17, left: 16 };
    for (inner, error) in [(short, truncated), (long, blob::Error::Trailing { offset: 51, extra: 1 })] {
        refused(&blobs::cipher(&name, &inner), BlobType::Cipher, Hints::default(), error, Status::NTE_BAD_DATA);
    }
    // The header's two lengths, shifted against each other: the name grows into the inner blob, or shrinks.
    for (name_len, inner_len) in [(10, 26), (6, 30), (36, 0), (0, 36)] {
        let mut blob = blobs::cipher(&name, &blobs::key_data(&[7; 16]));
        blob[8..12].copy_from_slice(&u32::to_le_bytes(name_len));
        blob[12..16].copy_from_slice(&u32::to_le_bytes(inner_len));
        assert!(blob::decode(&blob, BlobType::Cipher, &Hints::default()).is_err(), "{name_len} + {inner_len}");
    }
    for size in [0, 15, 17, 24, u32::MAX] {
        let mut blob = blobs::cipher(&name, &blobs::key_data(&[7; 16]));
        blob[..4].copy_from_slice(&size.to_le_bytes());
        let expected = "the header has 16 bytes";
        let error = blob::Error::Value { field: "cbSize", offset: 0, found: size.into(), expected };
        refused(&blob, BlobType::Cipher, Hints::default(), error, Status::NTE_BAD_DATA);
    }
}

#[test]
fn a_wrapped_blob_of_an_impossible_length_is_refused() {
    for length in 0..64 {
        let possible = length >= 24 && length % 8 == 0;
        let outcome = AesWrapBlob::decode(&[7; 64][..length]).map_err(|error| error.status());
        assert_eq!(outcome.err(), (!possible).then_some(Status::NTE_BAD_DATA), "{length} bytes");
    }
}

#[test]
fn skipping_validation_skips_no_length() {
    for file in [
        "rsa1024-e65537.RSAFULLPRIVATEBLOB.bin",
        "rsa1024-e65537.RSAPRIVATEBLOB.bin",
        "rsa1024-e65537.PKCS8_PRIVATEKEY.bin",
        "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
        "ec-nistP256.sec1.bin",
        "ec-nistP256.spki.bin",
        "aes256.KeyDataBlob.bin",
        "aes256.CipherKeyBlob.bin",
    ] {
        let vector = named(file);
        let bytes = vector.bytes();
        let hints = Hints { validation: Validation::Skip, ..Hints::default() };
        let decode =
            |bytes: &[u8]| format::decode(bytes, vector.known_format(), &hints).map_err(|error| error.status());
        assert!(decode(&bytes).is_ok(), "{file}");
        for wrong in (0..bytes.len()).map(|length| bytes[..length].to_vec()).chain([[bytes.as_slice(), &[0]].concat()])
        {
            assert_eq!(decode(&wrong).err(), Some(Status::NTE_BAD_DATA), "{file}, {} bytes", wrong.len());
        }
    }
}

/// Every vector whose bytes have a structure: not a bare key, not a wrapped one.
fn with_a_shape() -> impl Iterator<Item = Vector> {
    vectors::keys().into_iter().filter(|vector| vector.known_format() != Format::Raw)
}

fn is_asn1(vector: &Vector) -> bool {
    !matches!(vector.blob_type(), Some(blob_type) if blob_type != BlobType::Pkcs8)
}

/// Decodes as the vector's type and writes what came out as that type.
fn reencoded(vector: &Vector, bytes: &[u8]) -> Result<Vec<u8>, format::Error> {
    let decoded = format::decode(bytes, vector.known_format(), &vector.hints())?;
    Ok(format::encode(&decoded.key, decoded.algorithm, vector.known_format())?.to_vec())
}

/// Where the length fields of small blobs of every layout stand.
fn length_fields() -> Vec<(Vector, Vec<usize>)> {
    let fields = |vector: &Vector| match vector.blob_type()? {
        BlobType::RsaPublic => Some(vec![8, 12]),
        BlobType::RsaPrivate | BlobType::RsaFullPrivate => Some(vec![8, 12, 16, 20]),
        BlobType::EccPublic | BlobType::EccPrivate => Some(vec![4]),
        BlobType::KeyData => Some(vec![8]),
        // The last one is the inner blob's.
        BlobType::Cipher => Some(vec![8, 12, 32]),
        _ => None,
    };
    let small = vectors::keys().into_iter().filter(|vector| vector.bits <= 1024);
    small.filter_map(|vector| fields(&vector).map(|fields| (vector, fields))).collect()
}

/// How many bytes stand before the numbers of a key. A `CipherKeyBlob` has two headers and a name there.
fn header(vector: &Vector) -> usize {
    match vector.blob_type().unwrap() {
        BlobType::Cipher => 36,
        BlobType::EccPrivate | BlobType::EccPublic => 8,
        BlobType::KeyData => 12,
        _ => 24,
    }
}

/// Refused for a length, and before any of the numbers is read.
fn check_refused_length(vector: &Vector, bytes: &[u8], problems: &mut Vec<String>) {
    match blob::decode(bytes, vector.blob_type().unwrap(), &vector.hints()) {
        Err(blob::Error::Truncated { offset, .. } | blob::Error::Value { offset, .. }) if offset <= header(vector) => {}
        outcome => problems.push(format!("{}: {:02X?}: {outcome:?}", vector.file, &bytes[..24])),
    }
}

#[track_caller]
fn refused(bytes: &[u8], blob_type: BlobType, hints: Hints<'_>, expected: blob::Error, status: Status) {
    let error = blob::decode(bytes, blob_type, &hints).unwrap_err();
    assert_eq!((error.status(), error), (status, expected));
}

/// Where the input stops making sense, if the error says so.
fn offset(error: &format::Error) -> Option<u64> {
    match error {
        format::Error::Blob(
            blob::Error::Truncated { offset, .. }
            | blob::Error::Trailing { offset, .. }
            | blob::Error::Magic { offset, .. }
            | blob::Error::Value { offset, .. }
            | blob::Error::Wide { offset, .. },
        ) => Some(*offset as u64),
        format::Error::Blob(blob::Error::Asn1(asn1::Error::Malformed { offset, .. }))
        | format::Error::Asn1(asn1::Error::Malformed { offset, .. }) => Some(*offset),
        _ => None,
    }
}
