//! X.509 `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7; RFC 3279, RFC 5480 and RFC 8410 for the algorithms).

use ::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use der::asn1::{AnyRef, BitStringRef, Null, ObjectIdentifier};
use der::{Encode, pem};

use super::{EC_PUBLIC_KEY, Error, RSA_ENCRYPTION, pkcs1, sec1};
use crate::key::curve::Form;
use crate::key::{Curve, PublicKey, Validation, ec, identity};

const WHAT: &str = "SubjectPublicKeyInfo";
const PEM_LABEL: &str = "PUBLIC KEY";

/// Reads a `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`Error`].
pub fn decode(der: &[u8], validation: Validation) -> Result<PublicKey, Error> {
    let spki: SubjectPublicKeyInfoRef<'_> = super::decode(WHAT, der)?;
    let bits =
        spki.subject_public_key.as_bytes().ok_or(Error::Invalid { what: WHAT, problem: "it has unused bits" })?;
    match spki.algorithm.oid {
        RSA_ENCRYPTION => Ok(PublicKey::Rsa(pkcs1::decode_public(bits, validation)?)),
        EC_PUBLIC_KEY => {
            let curve = named_curve(&spki.algorithm)?;
            Ok(PublicKey::Ec(ec::PublicKey::from_point(curve, bits, validation)?))
        }
        oid => {
            let curve = own_algorithm(oid)?;
            Ok(PublicKey::Ec(ec::PublicKey::from_point(curve, bits, validation)?))
        }
    }
}

/// Writes a `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode(key: &PublicKey) -> Result<Vec<u8>, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let bits = subject_public_key(key)?;
    let subject_public_key = BitStringRef::from_bytes(&bits).map_err(wrong)?;
    with_algorithm(key.curve(), |algorithm| {
        SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().map_err(wrong)
    })?
}

/// Reads PEM with the label `PUBLIC KEY`.
///
/// # Errors
/// [`Error`].
pub fn decode_pem(text: &[u8], validation: Validation) -> Result<PublicKey, Error> {
    let malformed = |problem| Error::Invalid { what: "PEM", problem };
    let (label, der) = super::decode_pem(text)?;
    if label != PEM_LABEL {
        return Err(malformed("its label is not `PUBLIC KEY`"));
    }
    decode(&der, validation)
}

/// Writes PEM with the label `PUBLIC KEY`.
///
/// # Errors
/// As [`encode`].
pub fn encode_pem(key: &PublicKey) -> Result<Vec<u8>, Error> {
    let text = pem::encode_string(PEM_LABEL, pem::LineEnding::LF, &encode(key)?);
    text.map(String::into_bytes).map_err(|_| Error::Invalid { what: "PEM", problem: "it cannot be written" })
}

/// The value of `subjectPublicKey`: `RSAPublicKey`, the uncompressed point, or the string of RFC 7748 or RFC 8032.
///
/// # Errors
/// As [`encode`].
pub fn subject_public_key(key: &PublicKey) -> Result<Vec<u8>, Error> {
    match key {
        PublicKey::Ec(key) => Ok(key.to_point()),
        PublicKey::Rsa(key) => pkcs1::encode_public(key),
        PublicKey::Dh(_) | PublicKey::Dsa(_) | PublicKey::Pq(_) => {
            Err(Error::Invalid { what: WHAT, problem: "it cannot hold this kind of key" })
        }
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

/// Runs `then` with the `AlgorithmIdentifier` of a key on `curve`, or of an RSA key.
pub(super) fn with_algorithm<T>(
    curve: Option<&Curve>,
    then: impl FnOnce(AlgorithmIdentifierRef<'_>) -> T,
) -> Result<T, Error> {
    Ok(match curve {
        None => then(AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::from(Null)) }),
        Some(curve) if !curve.form.is_affine() => {
            then(AlgorithmIdentifierRef { oid: sec1::curve_oid(curve)?, parameters: None })
        }
        Some(curve) => {
            let oid = sec1::curve_oid(curve)?;
            then(AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters: Some(AnyRef::from(&oid)) })
        }
    })
}

/// The named curve of an `id-ecPublicKey` algorithm.
pub(super) fn named_curve(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<&'static Curve, Error> {
    let oid = algorithm.parameters_oid().map_err(|_| Error::Invalid {
        what: "the elliptic-curve parameters",
        problem: "they do not name a curve by OID",
    })?;
    let curve = Curve::by_oid(&oid.to_string())?;
    if curve.form != Form::Weierstrass {
        let problem = "the curve that they name is an algorithm of its own (RFC 8410)";
        return Err(Error::Invalid { what: "the elliptic-curve parameters", problem });
    }
    Ok(curve)
}

/// The curve of an algorithm that is one with its curve (RFC 8410 §3): X25519, X448, Ed25519, Ed448.
pub(super) fn own_algorithm(oid: ObjectIdentifier) -> Result<&'static Curve, Error> {
    let oid = oid.to_string();
    let curve = Curve::by_oid(&oid).ok().filter(|curve| !curve.form.is_affine());
    curve.ok_or(Error::Algorithm { oid })
}
