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
    let (private, usage) = asn1::pkcs8::decode(der, hints.password, hints.validation)?;
    private_to_decoded(private, usage, hints)
}

/// Gives a bare private key its algorithm: what stands beside it, else what its attribute allows, else signing.
pub(crate) fn private_to_decoded(
    private: PrivateKey,
    usage: Option<KeyUsage>,
    hints: &Hints<'_>,
) -> Result<Decoded, Error> {
    let given = hints.algorithm;
    let beside = hints.curve_beside();
    let algorithm = match (&private, given) {
        (PrivateKey::Rsa(_), None | Some(Algorithm::RSA)) => Algorithm::RSA,
        (PrivateKey::Ec(key), None) if beside.is_none_or(|curve| curve == key.curve()) => {
            Algorithm::elliptic_by_usage(key.curve(), usage.unwrap_or(KeyUsage::SIGN))
        }
        (PrivateKey::Ec(key), Some(given))
            if given.family.is_elliptic() && beside.is_none_or(|curve| curve == key.curve()) =>
        {
            Algorithm::elliptic(given.family, key.curve())
        }
        _ => {
            let found = match &private {
                PrivateKey::Rsa(_) => "an RSA key".to_owned(),
                PrivateKey::Ec(key) => format!("an elliptic-curve key on {}", key.curve().name),
            };
            return Err(Error::Algorithm { given: hints.describe(), found });
        }
    };
    Ok(Decoded { algorithm, key: KeyMaterial::Private(private), usage })
}

pub(super) fn encode(private: &PrivateKey) -> Result<SecretBytes, Error> {
    Ok(asn1::pkcs8::encode(private)?)
}
