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
    decode_beside(der, curve, None, validation)
}

/// As [`decode`], with the public point that the surrounding structure has, if any (RFC 5958 §2).
pub(super) fn decode_beside(
    der: &[u8],
    curve: Option<&'static Curve>,
    outer: Option<&[u8]>,
    validation: Validation,
) -> Result<PrivateKey, Error> {
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
    check_form(curve)?;
    if let (Some(outer), Some(inner)) = (outer, key.public_key)
        && outer != inner
    {
        return Err(Error::Invalid { what: WHAT, problem: "it has another public key than the structure around it" });
    }
    let public = key.public_key.or(outer).map(|point| PublicKey::from_point(curve, point, validation)).transpose()?;
    Ok(PrivateKey::new(curve, key.private_key, public, validation)?)
}

/// Writes `ECPrivateKey` with its public key, and with the curve's OID if it stands alone.
///
/// # Errors
/// [`Error`] for a key on a curve that is not a Weierstrass one, which has no such structure.
pub fn encode(key: &PrivateKey, with_curve: bool) -> Result<SecretBytes, Error> {
    check_form(key.curve())?;
    // The scalar is as wide as the order (RFC 5915 §3), which on some curves is wider than the field.
    let d = SecretBytes::left_padded(key.d(), key.curve().order_width());
    let d = d.ok_or(Error::Invalid { what: WHAT, problem: "the scalar is wider than the order of the curve" })?;
    let point = key.public().map(PublicKey::to_point);
    let parameters = if with_curve { Some(::sec1::EcParameters::NamedCurve(curve_oid(key.curve())?)) } else { None };
    encode_secret(&::sec1::EcPrivateKey { private_key: &d, parameters, public_key: point.as_deref() })
}

fn check_form(curve: &Curve) -> Result<(), Error> {
    let problem = match curve.form {
        Form::Weierstrass => return Ok(()),
        Form::Edwards | Form::Montgomery => "keys of RFC 7748 and RFC 8032 have no such structure (RFC 8410)",
        Form::TwistedEdwards => "a twisted Edwards curve has no such structure",
    };
    Err(Error::Invalid { what: WHAT, problem })
}

/// The OID of a curve, without which DER cannot name it.
pub(crate) fn curve_oid(curve: &Curve) -> Result<ObjectIdentifier, Error> {
    let oid = curve.oid.and_then(|oid| ObjectIdentifier::new(oid).ok());
    oid.ok_or(Error::Invalid { what: "the curve", problem: "it has no OID to name it by in DER" })
}
