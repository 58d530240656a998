//! RSA-OAEP of a bare key, in software: RSAES-OAEP (RFC 8017 §7.1) with MGF1 over the same hash.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | k, the modulus in bytes | ciphertext | the key, encoded with a random seed and the hash of the label, then to the power of e |
//!
//! | k − 2·hLen − 2: the longest key | SHA1 | SHA256 | SHA384 | SHA512 |
//! |---|---|---|---|---|
//! | under RSA-1024 | 86 | 62 | 30 | none |
//! | under RSA-2048 | 214 | 190 | 158 | 126 |
//! | under RSA-3072 | 342 | 318 | 286 | 254 |
//! | under RSA-4096 | 470 | 446 | 414 | 382 |
//!
//! So it carries secrets, and of private keys those on elliptic curves; an RSA key does not fit and goes by [`rsa_aes`](super::rsa_aes). Who has the public key can make one: that it unwraps
//! says nothing of who wrapped it. The label is not in the wrapped key and must be known.
//!
//! PKCS#11's CKM_RSA_PKCS_OAEP (0x0009) has hash, MGF and label as its parameter and returns the same bytes. SoftHSM 2.6 has SHA-1 and no label only, and so has what p11-kit forwards
//! to it; Kryoptic and NSS have every hash here. Private keys on elliptic curves are wrapped so by Kryoptic and NSS; SoftHSM refuses to wrap them, and unwraps them.

use super::{Error, Scheme};
use crate::key::rsa::{Hash, PrivateKey, PublicKey};
use crate::secret::SecretBytes;

const SCHEME: &str = Scheme::RsaOaep.name();

/// Wraps a key.
///
/// # Errors
/// [`Error::TooLong`] with the longest key that fits, [`Error::Length`] for an empty one, [`Error::WrappingKey`].
pub fn wrap(public: &PublicKey, hash: Hash, label: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    wrap_for(SCHEME, public, hash, label, key)
}

/// As [`wrap`], and says it for another scheme.
pub(super) fn wrap_for(
    scheme: &'static str,
    public: &PublicKey,
    hash: Hash,
    label: &[u8],
    key: &[u8],
) -> Result<Vec<u8>, Error> {
    let Some(max) = public.oaep_capacity(hash).filter(|max| *max > 0) else {
        return Err(Error::WrappingKey { scheme, problem: "its modulus is too short for the hash" });
    };
    if key.is_empty() {
        return Err(Error::Length { scheme, len: 0, expected: "a key of at least one byte" });
    }
    if key.len() > max {
        return Err(Error::TooLong { scheme, len: key.len(), max });
    }
    let problem = "its modulus must be odd, its public exponent odd, at least 3 and below 2³³";
    public.encrypt_oaep(hash, label, key).ok_or(Error::WrappingKey { scheme, problem })
}

/// Unwraps a key.
///
/// # Errors
/// [`Error::Length`], or [`Error::Integrity`] when it was not wrapped under this key, with this hash and this label.
pub fn unwrap(private: &PrivateKey, hash: Hash, label: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    if wrapped.len() != private.public().n().len() {
        let expected = "as many bytes as the wrapping key's modulus";
        return Err(Error::Length { scheme: SCHEME, len: wrapped.len(), expected });
    }
    // No key is empty.
    private.decrypt_oaep(hash, label, wrapped).filter(|key| !key.is_empty()).ok_or(Error::Integrity)
}
