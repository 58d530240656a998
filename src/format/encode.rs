//! From a key to a file.

use std::sync::Arc;

use super::{Error, Format, bind, container, jwk, pem};
use crate::asn1;
use crate::blob;
use crate::key::curve::Form;
use crate::key::{Algorithm, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey};
use crate::secret::SecretBytes;

/// How a file is written. The default: no password, no usage beyond the algorithm's, nothing beside the key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writing<'a> {
    /// What the key may be used for, where the format can say it.
    pub usage: Option<KeyUsage>,
    /// Encrypts PKCS#8 and PKCS#12, the latter of which needs one. Other formats have no encryption.
    pub password: Option<&'a SecretBytes>,
    /// How it is encrypted.
    pub encryption: asn1::Encryption,
    /// The key's certificate and those above it, in DER: for PKCS#12, JWK and certificates.
    pub certificates: &'a [Arc<[u8]>],
    /// The key's name: for PKCS#12 and JWK.
    pub name: Option<&'a str>,
    /// The number of the key's algorithm in DNSSEC, for BIND [default: the first of its kind]. One that is not of the key's kind is refused.
    pub dnssec_algorithm: Option<u16>,
    /// Curves by their parameters instead of their names, where DER allows it.
    pub explicit_parameters: bool,
}

impl Writing<'_> {
    fn domain(&self) -> asn1::Domain {
        if self.explicit_parameters { asn1::Domain::Explicit } else { asn1::Domain::Named }
    }

    /// The usage that stands in a `keyUsage` attribute: the one that is asked for, else the one without which a reader would come to another
    /// algorithm.
    fn attribute(&self, key: &KeyMaterial, algorithm: Algorithm) -> Option<KeyUsage> {
        let default = algorithm.family.default_usage();
        match self.usage {
            Some(usage) if usage.is_all() => None,
            Some(usage) => Some(usage),
            None => (algorithm.family == Family::Ecdh
                && key.curve().is_some_and(|curve| curve.form == Form::Weierstrass))
            .then_some(default),
        }
    }
}

/// Writes a key as a file, with nothing beside it and in the clear.
///
/// # Errors
/// [`Error`] when the format cannot hold the key.
pub fn encode(key: &KeyMaterial, algorithm: Algorithm, format: Format) -> Result<SecretBytes, Error> {
    encode_with(key, algorithm, format, &Writing::default())
}

/// Writes a key as a file.
///
/// # Errors
/// [`Error`] when the format cannot hold the key, or not as it is asked for: a password with a format that has no encryption,
/// PKCS#12 without one, a curve's parameters where there are none.
pub fn encode_with(
    key: &KeyMaterial,
    algorithm: Algorithm,
    format: Format,
    writing: &Writing<'_>,
) -> Result<SecretBytes, Error> {
    if writing.password.is_some() && !format.holds_pkcs8() {
        return Err(Error::not_representable(format, "a password: only pkcs8, pkcs8-pem and pkcs12 are encrypted"));
    }
    let says_parameters =
        format.holds_pkcs8() || matches!(format, Format::Sec1 | Format::Sec1Pem | Format::Spki | Format::SpkiPem);
    if writing.explicit_parameters && !(says_parameters && key.curve().is_some_and(|curve| curve.form.is_affine())) {
        let what =
            "a curve's parameters in DER: only pkcs8, sec1, spki and pkcs12 of a key on a Weierstrass curve have them";
        return Err(Error::not_representable(format, what));
    }
    let beside = jwk::Beside { usage: writing.usage, name: writing.name, certificates: writing.certificates };
    match format {
        Format::Bind => bind::encode(key, writing.dnssec_algorithm),
        Format::Cert => container::certificate(key, writing.certificates),
        Format::Jwk => jwk::encode(key, algorithm, &beside),
        Format::JwkSet => jwk::encode_set(key, algorithm, &beside),
        Format::Pkcs12 => container::encode(key, &pkcs8(key, algorithm, format, writing)?, writing),
        Format::PKCS8 => {
            let der = pkcs8(key, algorithm, format, writing)?;
            match writing.password {
                Some(password) => Ok(asn1::encrypt(&der, password, writing.encryption)?),
                None => Ok(der),
            }
        }
        Format::Blob(blob_type) => Ok(blob::encode(key, algorithm, blob_type)?),
        Format::CertPem => container::certificates_pem(key, writing.certificates),
        Format::Raw => match key {
            KeyMaterial::Secret(key) => Ok(key.key().clone()),
            other => Err(Error::not_representable(format, other.describe())),
        },
        format => match format.der() {
            Some(der_format) => {
                let der = encode_with(key, algorithm, der_format, writing)?;
                match format {
                    Format::Pkcs8Pem => Ok(asn1::pkcs8::to_pem(&der)?),
                    format => Ok(asn1::pem::to_pem(pem::label(format), &der)?),
                }
            }
            None => structure(key, format, writing),
        },
    }
}

/// `PrivateKeyInfo`, in the clear.
fn pkcs8(key: &KeyMaterial, algorithm: Algorithm, format: Format, writing: &Writing<'_>) -> Result<SecretBytes, Error> {
    let KeyMaterial::Private(private) = key else {
        return Err(Error::not_representable(format, key.describe()));
    };
    Ok(asn1::pkcs8::encode_as(private, writing.attribute(key, algorithm), writing.domain())?)
}

/// The DER structures that hold one kind of key.
fn structure(key: &KeyMaterial, format: Format, writing: &Writing<'_>) -> Result<SecretBytes, Error> {
    match (format, key) {
        (Format::Pkcs1, KeyMaterial::Private(PrivateKey::Rsa(key))) => Ok(asn1::pkcs1::encode_private(key)?),
        (Format::Sec1, KeyMaterial::Private(PrivateKey::Ec(key))) => {
            Ok(asn1::sec1::encode_with(key, Some(writing.domain()))?)
        }
        (Format::Dsa, KeyMaterial::Private(PrivateKey::Dsa(key))) => Ok(asn1::dsa::encode_traditional(key)?),
        (Format::Pkcs1Public, key) => match key.public() {
            Some(PublicKey::Rsa(key)) => Ok(SecretBytes::from(asn1::pkcs1::encode_public(&key)?)),
            _ => Err(Error::not_representable(format, key.describe())),
        },
        (Format::Spki, key) => match key.public() {
            Some(key) => Ok(SecretBytes::from(asn1::spki::encode_with(&key, writing.domain())?)),
            None => Err(Error::not_representable(format, without_public(key))),
        },
        (format, key) => Err(Error::not_representable(format, key.describe())),
    }
}

fn without_public(key: &KeyMaterial) -> String {
    match key {
        KeyMaterial::Secret(_) => key.describe().to_owned(),
        key => format!("{} whose public half is not known", key.describe()),
    }
}
