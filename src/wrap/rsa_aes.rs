//! RSA-AES key wrap, in software: what PKCS#11 calls RSA AES KEY WRAP (current mechanisms §2.1.21, since 2.40), and what is inside a `PKCS11RsaAesWrapBlob`.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | k, the modulus in bytes | the wrapped AES key | [RSA-OAEP](super::oaep), with MGF1 over the same hash, of a fresh AES-256 key |
//! | k | 16, 24, 32, … | the wrapped key | [KWP](super::kw::kwp_wrap) (RFC 5649) of the key under that AES key |
//!
//! It says neither where its first part ends nor with what hash and label it was made: the end follows from the modulus, and [`split`] looks at the lengths; hash and label
//! must be known. It is k + 8 bytes longer than the key with its padding to 8. A private key is wrapped as PKCS#8, a secret as its bytes, one byte or more.
//! Wrapping takes AES-256; unwrapping takes every AES key, for the mechanism lets the caller choose. The AES key lives as long as the call and is wiped. The modulus must have
//! room for it: 32 bytes and the overhead of [OAEP](super::oaep), which RSA-1024 has with SHA1 and SHA256 only. As with OAEP, that it unwraps says nothing of who wrapped it.
//!
//! PKCS#11's CKM_RSA_AES_KEY_WRAP (0x1054) has the AES key's bits and hash, MGF and label in its parameter, and returns the same bytes. None of SoftHSM 2.6, Kryoptic and NSS
//! has it; by its source, not tried, SoftHSM has it from 2.7 on, with its CKM_AES_KEY_WRAP_PAD inside, so that up to seven zero bytes may stand behind the key ([`trim_zeros`](super::kw::trim_zeros)).
//! Import jobs of Google's KMS take the layout too. Where the mechanism is missing its parts do: the token unwraps the AES key by CKM_RSA_PKCS_OAEP, and
//! with that the key by KWP.

use super::{Error, Scheme, kw, oaep};
use crate::key::rsa::{Hash, PrivateKey, PublicKey};
use crate::secret::SecretBytes;
use crate::token;

const SCHEME: &str = Scheme::RsaAes.name();

/// Bytes of the AES key that is made here.
const AES_KEY: usize = 32;

/// Wraps a key under a fresh AES-256 key, and that under `public`.
///
/// # Errors
/// [`Error::Length`] for an empty key, [`Error::TooLong`] or [`Error::WrappingKey`] when an AES key does not fit the modulus, [`Error::Token`] when the system has
/// no random numbers.
pub fn wrap(public: &PublicKey, hash: Hash, label: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let aes_key = SecretBytes::random(AES_KEY).map_err(token::Error::from)?;
    let wrapped_key = kw::kwp_wrap(&aes_key, key)?;
    let wrapped_aes_key = oaep::wrap_for(SCHEME, public, hash, label, &aes_key)?;
    Ok([wrapped_aes_key, wrapped_key].concat())
}

/// Unwraps a key.
///
/// # Errors
/// [`Error::Length`], or [`Error::Integrity`] when either part was not wrapped so.
pub fn unwrap(private: &PrivateKey, hash: Hash, label: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    let (wrapped_aes_key, wrapped_key) = split(wrapped, private.public().n().len())?;
    let aes_key = oaep::unwrap(private, hash, label, wrapped_aes_key)?;
    // Something else than an AES key inside is the wrapper's fault, not the length of what was given.
    if ![16, 24, 32].contains(&aes_key.len()) {
        return Err(Error::Integrity);
    }
    kw::kwp_unwrap(&aes_key, wrapped_key)
}

/// The wrapped AES key and the key that is wrapped under it, for a modulus of so many bytes.
///
/// # Errors
/// [`Error::Length`].
pub fn split(wrapped: &[u8], modulus_len: usize) -> Result<(&[u8], &[u8]), Error> {
    let expected = "as many bytes as the wrapping key's modulus, then a multiple of 8 bytes, at least 16";
    wrapped
        .split_at_checked(modulus_len)
        .filter(|(first, second)| !first.is_empty() && second.len() >= 16 && second.len().is_multiple_of(8))
        .ok_or(Error::Length { scheme: SCHEME, len: wrapped.len(), expected })
}
