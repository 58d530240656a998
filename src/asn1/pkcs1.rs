//! PKCS#1 `RSAPublicKey` and `RSAPrivateKey` (RFC 8017 appendix A.1), two primes.

use super::{Error, encode_secret, uint};
use crate::key::Validation;
use crate::key::rsa::{PrivateKey, PrivateNumbers, PublicKey};
use crate::secret::SecretBytes;

const PUBLIC: &str = "RSAPublicKey";
const PRIVATE: &str = "RSAPrivateKey";

/// Reads `RSAPublicKey`.
///
/// # Errors
/// [`Error`].
pub fn decode_public(der: &[u8], validation: Validation) -> Result<PublicKey, Error> {
    let key: ::pkcs1::RsaPublicKeyRef<'_> = super::decode(PUBLIC, der)?;
    Ok(PublicKey::new(key.modulus.as_bytes(), key.public_exponent.as_bytes(), validation)?)
}

/// Writes `RSAPublicKey`.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode_public(key: &PublicKey) -> Result<Vec<u8>, Error> {
    let key = ::pkcs1::RsaPublicKey { modulus: uint(key.n())?, public_exponent: uint(key.e())? };
    Ok(encode_secret(&key)?.to_vec())
}

/// Reads `RSAPrivateKey` and checks its numbers.
///
/// # Errors
/// [`Error`].
pub fn decode_private(der: &[u8], validation: Validation) -> Result<PrivateKey, Error> {
    let key: ::pkcs1::RsaPrivateKeyRef<'_> = super::decode(PRIVATE, der)?;
    if key.other_prime_infos.is_some() {
        return Err(Error::Invalid {
            what: PRIVATE,
            problem: "it has more than two primes, which no CNG blob can hold",
        });
    }
    let public = PublicKey::new(key.modulus.as_bytes(), key.public_exponent.as_bytes(), validation)?;
    let numbers = PrivateNumbers {
        p: key.prime1.as_bytes().into(),
        q: key.prime2.as_bytes().into(),
        dp: key.exponent1.as_bytes().into(),
        dq: key.exponent2.as_bytes().into(),
        qinv: key.coefficient.as_bytes().into(),
        d: key.private_exponent.as_bytes().into(),
    };
    Ok(PrivateKey::from_numbers(public, numbers, validation)?)
}

/// Writes `RSAPrivateKey`.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode_private(key: &PrivateKey) -> Result<SecretBytes, Error> {
    let (public, numbers) = (key.public(), key.numbers());
    encode_secret(&::pkcs1::RsaPrivateKey {
        modulus: uint(public.n())?,
        public_exponent: uint(public.e())?,
        private_exponent: uint(&numbers.d)?,
        prime1: uint(&numbers.p)?,
        prime2: uint(&numbers.q)?,
        exponent1: uint(&numbers.dp)?,
        exponent2: uint(&numbers.dq)?,
        coefficient: uint(&numbers.qinv)?,
        other_prime_infos: None,
    })
}
