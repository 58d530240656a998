//! Blobs encoded into a buffer of the caller: of every length, with anything in it.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::vectors;
use cng_pkcs11::blob::{self, BlobType, Error};
use cng_pkcs11::key::{Algorithm, KeyMaterial};
use cng_pkcs11::status::Status;

/// Every blob that can be made of the keys among the vectors, and a name for it.
fn each(mut test: impl FnMut(&str, &KeyMaterial, Algorithm, BlobType, &[u8])) {
    let mut tested = Vec::new();
    for vector in vectors::keys() {
        let decoded = vector.decode().unwrap();
        for &blob_type in BlobType::ALL {
            let name = format!("{} as {}", vector.file, blob_type.name());
            if let Ok(blob) = blob::encode(&decoded.key, decoded.algorithm, blob_type) {
                test(&name, &decoded.key, decoded.algorithm, blob_type, &blob);
                tested.push(blob_type);
            }
        }
    }
    assert!(tested.contains(&BlobType::RsaFullPrivate) && tested.contains(&BlobType::Cipher), "{tested:?}");
}

#[test]
fn a_buffer_gets_the_blob_and_nothing_behind_it() {
    each(|name, key, algorithm, blob_type, blob| {
        assert_eq!(blob::encoded_len(key, algorithm, blob_type), Ok(blob.len()), "{name}");
        for more in [0, 1, 100] {
            let mut buffer = vec![0xA5; blob.len() + more];
            assert_eq!(blob::encode_into(key, algorithm, blob_type, &mut buffer), Ok(blob.len()), "{name}");
            let (written, behind) = buffer.split_at(blob.len());
            assert!(written == blob, "{name} in a buffer with {more} bytes more");
            assert!(behind.iter().all(|byte| *byte == 0xA5), "{name} with {more} bytes more");
        }
    });
}

#[test]
fn a_buffer_that_is_too_small_is_wiped_and_the_error_names_both_lengths() {
    each(|name, key, algorithm, blob_type, blob| {
        let needed = blob.len();
        for left in (0..needed).step_by(needed.div_ceil(60)).chain([needed - 1]) {
            let mut buffer = vec![0xA5; left];
            let error = blob::encode_into(key, algorithm, blob_type, &mut buffer).unwrap_err();
            assert_eq!(error, Error::BufferTooSmall { needed, left }, "{name}");
            assert_eq!(error.status(), Status::NTE_BUFFER_TOO_SMALL);
            assert!(buffer.iter().all(|byte| *byte == 0), "{name} in {left} bytes");
        }
    });
}

#[test]
fn a_key_that_the_type_cannot_hold_leaves_nothing_in_the_buffer_either() {
    for vector in vectors::keys() {
        let decoded = vector.decode().unwrap();
        for &blob_type in BlobType::ALL {
            let Err(error) = blob::encode(&decoded.key, decoded.algorithm, blob_type) else { continue };
            let mut buffer = vec![0xA5; 4096];
            let outcome = blob::encode_into(&decoded.key, decoded.algorithm, blob_type, &mut buffer);
            assert_eq!(outcome, Err(error.clone()), "{} as {}", vector.file, blob_type.name());
            assert_eq!(blob::encoded_len(&decoded.key, decoded.algorithm, blob_type), Err(error));
            assert!(buffer.iter().all(|byte| *byte == 0), "{} as {}", vector.file, blob_type.name());
        }
    }
}
