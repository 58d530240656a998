//! `PKCS8_PRIVATEKEY`: DER `PrivateKeyInfo` (RFC 5958) or `EncryptedPrivateKeyInfo`, without a header of CNG's own.
//!
//! The one blob that is ASN.1: everything is delegated to [`asn1`]. Encrypted is tried first, as Windows' own sample
//! provider does; the password comes beside the blob.

use super::{Decoded, Error, Hints, Reader};
use crate::asn1;
use crate::key::{Algorithm, KeyMaterial, KeyUsage, PrivateKey};
use crate::secret::SecretBytes;

pub(super) fn read(reader: &mut Reader<'_>, hints: &Hints<'_>) -> Result<Decoded, Error> {
    let der = reader.rest("PrivateKeyInfo");
    let (private, usage) = asn1::pkcs8::decode(der, hints.opening(), hints.validation)?;
    private_to_decoded(private, usage, hints)
}

/// A private key from DER, with the algorithm that it turns out to have.
pub(crate) fn private_to_decoded(
    private: PrivateKey,
    usage: Option<KeyUsage>,
    hints: &Hints<'_>,
) -> Result<Decoded, Error> {
    let key = KeyMaterial::Private(private);
    Ok(Decoded { algorithm: algorithm(&key, usage, hints)?, key, usage })
}

/// The algorithm of a key from DER, which does not name one: what stands beside it, if it fits, else what its attribute
/// allows, else signing.
pub(crate) fn algorithm(key: &KeyMaterial, usage: Option<KeyUsage>, hints: &Hints<'_>) -> Result<Algorithm, Error> {
    let fits = |curve| hints.curve_beside().is_none_or(|beside| beside == curve);
    if let Some(family) = key.kind().family()
        && hints.algorithm.is_none_or(|given| given.family == family)
        && hints.curve.is_none()
    {
        return Ok(Algorithm::of(family));
    }
    match (key.curve(), hints.algorithm) {
        (Some(curve), None) if fits(curve) => Ok(Algorithm::elliptic_by_usage(curve, usage.unwrap_or(KeyUsage::SIGN))),
        // ECDSA on a curve that can only agree falls through.
        (Some(curve), Some(given))
            if given.family.is_elliptic()
                && fits(curve)
                && Algorithm::elliptic(given.family, curve).family == given.family =>
        {
            Ok(Algorithm::elliptic(given.family, curve))
        }
        (curve, _) => {
            let found = match curve {
                None => key.describe().to_owned(),
                Some(curve) => format!("an elliptic-curve key on {}", curve.name),
            };
            Err(Error::Algorithm { given: hints.describe(), found })
        }
    }
}

pub(super) fn encode(private: &PrivateKey) -> Result<SecretBytes, Error> {
    Ok(asn1::pkcs8::encode(private)?)
}
