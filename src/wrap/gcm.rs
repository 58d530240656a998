//! AES in Galois/Counter mode (SP 800-38D), in software, by the `aes-gcm` crate.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 12 | nonce | fresh from the system's random source for each wrapped key; a caller cannot choose it |
//! | 12 | the key's | ciphertext | the key, encrypted |
//! | … | 16 | tag | over the ciphertext; there is no additional data |
//!
//! The key is one byte or more, so the whole is 29 bytes or more; it is 28 longer than the key. Two keys under one KEK and one nonce would give away both and the power to
//! forge, and nonces are random: after 2³² wrapped keys a KEK is used up (SP 800-38D §8.3).
//!
//! PKCS#11's CKM_AES_GCM (0x1087) has nonce, additional data and the tag's length (128 bits) as its parameter, and returns ciphertext ‖ tag; the nonce in front is
//! this project's own container. [`split`] and [`join`] lead from one to the other. Of the tokens known here only Kryoptic wraps by it; NSS has it for encryption alone.

use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInOut, AesGcm, KeyInit, Nonce, Tag};

use super::kek::with_aes;
use super::seal::fresh;
use super::{Error, Scheme};
use crate::secret::SecretBytes;

/// Bytes of the nonce, which stands in front.
pub const NONCE_LEN: usize = 12;

/// Bytes of the tag, which stands at the end.
pub const TAG_LEN: usize = 16;

const SCHEME: &str = Scheme::Gcm.name();

/// Wraps a key under a fresh nonce.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Token`] when the system has no random numbers.
pub fn wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length { scheme: SCHEME, len: key.len(), expected: "a key of 1 byte to 2³⁶ − 32 bytes" };
    if key.is_empty() {
        return Err(wrong);
    }
    let nonce = fresh::<NONCE_LEN>()?;
    // The buffer holds the key until it is overwritten.
    let mut buffer = SecretBytes::from(key);
    let tag = with_aes!(kek, Aes => {
        let mode = AesGcm::<Aes, U12>::new_from_slice(kek).map_err(|_| wrong.clone())?;
        mode.encrypt_inout_detached(&Nonce::from(nonce), &[], buffer.as_mut_slice().into()).map_err(|_| wrong)?
    });
    Ok(join(&nonce, &[&*buffer, &tag].concat()))
}

/// Unwraps a key.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Integrity`] when it was not wrapped under `kek`.
pub fn unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    let (nonce, rest) = split(wrapped)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(Error::Integrity)?;
    let mut buffer = SecretBytes::from(ciphertext);
    with_aes!(kek, Aes => {
        let mode = AesGcm::<Aes, U12>::new_from_slice(kek).map_err(|_| Error::Integrity)?;
        mode.decrypt_inout_detached(&Nonce::from(*nonce), &[], buffer.as_mut_slice().into(), &Tag::from(*tag))
            .map_err(|_| Error::Integrity)?;
    });
    Ok(buffer)
}

/// The nonce, and what CKM_AES_GCM takes for the wrapped key: ciphertext ‖ tag.
///
/// # Errors
/// [`Error::Length`].
pub fn split(wrapped: &[u8]) -> Result<(&[u8; NONCE_LEN], &[u8]), Error> {
    let expected = "a nonce of 12 bytes, at least one byte, and a tag of 16 bytes";
    wrapped.split_first_chunk().filter(|(_, rest)| rest.len() > TAG_LEN).ok_or(Error::Length {
        scheme: SCHEME,
        len: wrapped.len(),
        expected,
    })
}

/// The container around what CKM_AES_GCM returns.
pub fn join(nonce: &[u8; NONCE_LEN], rest: &[u8]) -> Vec<u8> {
    [nonce, rest].concat()
}
