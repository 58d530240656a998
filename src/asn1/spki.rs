//! X.509 `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7; RFC 3279, RFC 5480, RFC 8410, RFC 9881, RFC 9909 and RFC 9935 for the algorithms).

use ::spki::SubjectPublicKeyInfoRef;
use der::Encode;
use der::asn1::BitStringRef;

use super::algorithm::{Domain, Scheme};
use super::{Contents, Error, decode_uint, encode_uint, pem, pkcs1};
use crate::key::{PublicKey, Validation, dh, dsa, ec, identity, pq};

const WHAT: &str = "SubjectPublicKeyInfo";

/// Reads a `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`Error`].
pub fn decode(der: &[u8], validation: Validation) -> Result<PublicKey, Error> {
    read(der, validation).map(|contents| contents.key)
}

/// Reads a `SubjectPublicKeyInfo`, with what it says beyond the key.
///
/// # Errors
/// [`Error`].
pub fn read(der: &[u8], validation: Validation) -> Result<Contents<PublicKey>, Error> {
    let spki: SubjectPublicKeyInfoRef<'_> = super::decode(WHAT, der)?;
    let bits =
        spki.subject_public_key.as_bytes().ok_or(Error::Invalid { what: WHAT, problem: "it has unused bits" })?;
    let mut losses = Vec::new();
    let parameters = spki.algorithm.parameters.map_or(der, |parameters| parameters.value());
    let scheme =
        Scheme::read(&spki.algorithm, validation, &mut losses).map_err(|error| error.within(der, parameters))?;
    let key = public_key(scheme, bits, validation).map_err(|error| error.within(der, bits))?;
    Ok(Contents { key, usage: None, losses })
}

/// The key in the bits of a `subjectPublicKey`.
pub(super) fn public_key(scheme: Scheme, bits: &[u8], validation: Validation) -> Result<PublicKey, Error> {
    Ok(match scheme {
        Scheme::Dh(parameters) => {
            PublicKey::Dh(dh::PublicKey::new(parameters, decode_uint("DHPublicKey", bits)?, validation)?)
        }
        Scheme::Dsa(parameters) => {
            PublicKey::Dsa(dsa::PublicKey::new(parameters, decode_uint("DSAPublicKey", bits)?, validation)?)
        }
        Scheme::Ec(curve) | Scheme::OwnCurve(curve) => {
            PublicKey::Ec(ec::PublicKey::from_any_point(curve, bits, validation)?)
        }
        Scheme::Pq(set) => PublicKey::Pq(pq::PublicKey::new(set, bits, validation)?),
        Scheme::Rsa => PublicKey::Rsa(pkcs1::decode_public(bits, validation)?),
    })
}

/// Writes a `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`Error`] for a curve without an OID, and for numbers too long for DER, which no key has.
pub fn encode(key: &PublicKey) -> Result<Vec<u8>, Error> {
    encode_with(key, Domain::Named)
}

/// As [`encode`], with the curve of an elliptic-curve key named or described.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(key: &PublicKey, domain: Domain) -> Result<Vec<u8>, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let bits = subject_public_key(key)?;
    let subject_public_key = BitStringRef::from_bytes(&bits).map_err(wrong)?;
    Scheme::of(key)
        .write(domain, |algorithm| SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().map_err(wrong))?
}

/// Reads PEM with the label `PUBLIC KEY`: the first such section.
///
/// # Errors
/// [`Error`].
pub fn decode_pem(text: &[u8], validation: Validation) -> Result<PublicKey, Error> {
    decode(&pem::find(text, &[pem::Label::PublicKey])?.decode()?, validation)
}

/// Writes PEM with the label `PUBLIC KEY`.
///
/// # Errors
/// As [`encode`].
pub fn encode_pem(key: &PublicKey) -> Result<Vec<u8>, Error> {
    Ok(pem::to_pem(pem::Label::PublicKey, &encode(key)?)?.to_vec())
}

/// The value of `subjectPublicKey`: `RSAPublicKey`, the uncompressed point, the string of RFC 7748 or RFC 8032, the INTEGER y, or the encoding of
/// FIPS 203, 204 or 205.
///
/// # Errors
/// As [`encode`].
pub fn subject_public_key(key: &PublicKey) -> Result<Vec<u8>, Error> {
    match key {
        PublicKey::Dh(key) => Ok(encode_uint(key.y())?.to_vec()),
        PublicKey::Dsa(key) => Ok(encode_uint(key.y())?.to_vec()),
        PublicKey::Ec(key) => Ok(key.to_point()),
        PublicKey::Pq(key) => Ok(key.as_bytes().to_vec()),
        PublicKey::Rsa(key) => pkcs1::encode_public(key),
    }
}

/// The key's CKA_ID: the RFC 5280 key identifier, method 1.
///
/// # Errors
/// As [`encode`].
pub fn key_id(key: &PublicKey) -> Result<[u8; identity::ID_LENGTH], Error> {
    Ok(identity::key_id(&subject_public_key(key)?))
}

/// The key's fingerprint: SHA-256 over its `SubjectPublicKeyInfo`.
///
/// # Errors
/// As [`encode`].
pub fn fingerprint(key: &PublicKey) -> Result<[u8; 32], Error> {
    Ok(identity::fingerprint(&encode(key)?))
}
