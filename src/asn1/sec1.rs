//! SEC 1 `ECPrivateKey` (RFC 5915) over named curves.

use der::asn1::ObjectIdentifier;

use super::{Error, encode_secret};
use crate::key::curve::Form;
use crate::key::ec::{PrivateKey, PublicKey};
use crate::key::{Curve, Validation};
use crate::secret::SecretBytes;

const WHAT: &str = "ECPrivateKey";

/// Reads `ECPrivateKey`; `curve` is the one that the surrounding structure names, if any.
///
/// # Errors
/// [`Error`]; a missing public point is computed, a missing curve is an error.
pub fn decode(der: &[u8], curve: Option<&'static Curve>, validation: Validation) -> Result<PrivateKey, Error> {
    let key: ::sec1::EcPrivateKey<'_> = super::decode(WHAT, der)?;
    let inner = key.parameters.and_then(|parameters| parameters.named_curve());
    let inner = inner.map(|oid| Curve::by_oid(&oid.to_string())).transpose()?;
    let curve = match (curve, inner) {
        (Some(outer), Some(inner)) if outer != inner => {
            return Err(Error::Invalid { what: WHAT, problem: "it names another curve than the structure around it" });
        }
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => return Err(Error::Invalid { what: WHAT, problem: "it names no curve" }),
    };
    if curve.form == Form::Montgomery {
        return Err(Error::Invalid { what: WHAT, problem: "a Montgomery curve has no such structure (RFC 8410)" });
    }
    let public = key.public_key.map(|point| PublicKey::from_point(curve, point, validation)).transpose()?;
    Ok(PrivateKey::new(curve, key.private_key, public, validation)?)
}

/// Writes `ECPrivateKey` with its public key, and with the curve's OID if it stands alone.
///
/// # Errors
/// [`Error`] for a Montgomery key, which has no such structure.
pub fn encode(key: &PrivateKey, with_curve: bool) -> Result<SecretBytes, Error> {
    if key.curve().form == Form::Montgomery {
        return Err(Error::Invalid { what: WHAT, problem: "a Montgomery curve has no such structure (RFC 8410)" });
    }
    let point = key.public().map(PublicKey::to_point);
    let parameters = if with_curve { Some(::sec1::EcParameters::NamedCurve(curve_oid(key.curve())?)) } else { None };
    encode_secret(&::sec1::EcPrivateKey { private_key: key.d(), parameters, public_key: point.as_deref() })
}

pub(crate) fn curve_oid(curve: &Curve) -> Result<ObjectIdentifier, Error> {
    ObjectIdentifier::new(curve.oid).map_err(|_| Error::Algorithm { oid: curve.oid.to_owned() })
}
