//! AES in CBC mode with the padding of PKCS#7, in software.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 16 | IV | fresh from the system's random source for each wrapped key; a caller cannot choose it |
//! | 16 | 16, 32, … | ciphertext | AES-CBC (SP 800-38A §6.2) of the key and its padding: 1 to 16 bytes that each say how many they are (RFC 5652 §6.3) |
//!
//! The key is one byte or more, so the whole is 32 bytes or more, and a multiple of 16. The IV in front is this project's own container: PKCS#11's
//! CKM_AES_CBC_PAD (0x1085) has it as its parameter and returns the ciphertext alone. [`split`] and [`join`] lead from one to the other.
//!
//! **Nothing here is authenticated.** Who can change a wrapped key changes the key, and one in 256 random strings has a good padding. What unwraps
//! must be checked as a key: DER and arithmetic of a private key, a check value of a secret. KW, KWP and GCM need no such check.
//! Whether a padding was good is nothing to tell to whom may send many guesses, which is why all that is wrong behind the length is one error.
//!
//! On tokens: Kryoptic and NSS wrap every key by it, openCryptoki's soft token RSA keys and secrets. SoftHSM 2.6 and tpm2-pkcs11 only encrypt by it. By its source, not tried: SoftHSM
//! wraps by it from 2.7 on.

use super::kek::check_kek;
use super::seal::fresh;
use super::{Error, Scheme};
use crate::asn1::Cipher;
use crate::secret::SecretBytes;

/// Bytes of the IV, which stands in front.
pub const IV_LEN: usize = 16;

const BLOCK: usize = 16;
const SCHEME: &str = Scheme::CbcPad.name();

/// Wraps a key under a fresh IV.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Token`] when the system has no random numbers.
pub fn wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length { scheme: SCHEME, len: key.len(), expected: "a key of at least one byte" };
    if key.is_empty() {
        return Err(wrong);
    }
    let iv = fresh::<IV_LEN>()?;
    let ciphertext = cipher(kek)?.encrypt(kek, &iv, key).map_err(|_| wrong)?;
    Ok(join(&iv, &ciphertext))
}

/// Unwraps a key.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Integrity`] when the padding shows that it was not wrapped under `kek`. That it does not show it proves nothing.
pub fn unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    let (iv, ciphertext) = split(wrapped)?;
    let key = cipher(kek)?.decrypt(kek, iv, ciphertext).map_err(|_| Error::Integrity)?;
    // No key is empty.
    if key.is_empty() { Err(Error::Integrity) } else { Ok(key) }
}

/// The AES of a wrapping key.
fn cipher(kek: &[u8]) -> Result<Cipher, Error> {
    check_kek(kek)?;
    Ok(match kek.len() {
        16 => Cipher::Aes128,
        24 => Cipher::Aes192,
        _ => Cipher::Aes256,
    })
}

/// The IV, and what CKM_AES_CBC_PAD takes for the wrapped key.
///
/// # Errors
/// [`Error::Length`].
pub fn split(wrapped: &[u8]) -> Result<(&[u8; IV_LEN], &[u8]), Error> {
    let expected = "an IV of 16 bytes, then a multiple of 16 bytes, at least 16";
    wrapped
        .split_first_chunk()
        .filter(|(_, ciphertext)| !ciphertext.is_empty() && ciphertext.len().is_multiple_of(BLOCK))
        .ok_or(Error::Length { scheme: SCHEME, len: wrapped.len(), expected })
}

/// The container around what CKM_AES_CBC_PAD returns.
pub fn join(iv: &[u8; IV_LEN], ciphertext: &[u8]) -> Vec<u8> {
    [iv, ciphertext].concat()
}
