//! SEC 1 `ECPrivateKey` (RFC 5915): a scalar, with the curve and the public point where they are known.
//!
//! The scalar may have any width that its value fits; it is written as wide as the order of the curve.

use der::Sequence;
use der::asn1::{AnyRef, BitStringRef, OctetStringRef};

use super::algorithm::Domain;
use super::{Error, ec_parameters, encode_secret};
use crate::key::curve::Form;
use crate::key::ec::{PrivateKey, PublicKey};
use crate::key::{self, Curve, Validation};
use crate::secret::SecretBytes;

const WHAT: &str = "ECPrivateKey";
/// Neither the structure nor what is around it says on which curve the key is.
pub(crate) const NO_CURVE: Error = Error::Invalid { what: WHAT, problem: "it names no curve" };

#[derive(Sequence)]
struct EcPrivateKey<'a> {
    version: u8,
    private_key: &'a OctetStringRef,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    parameters: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    public_key: Option<BitStringRef<'a>>,
}

/// Reads `ECPrivateKey`; `curve` is the one that the surrounding structure names, if any.
///
/// # Errors
/// [`Error`]; a missing public point is computed where that is possible, a missing curve is an error.
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
    let invalid = |problem| Error::Invalid { what: WHAT, problem };
    let key: EcPrivateKey<'_> = super::decode(WHAT, der)?;
    if key.version != 1 {
        return Err(invalid("its version is not 1"));
    }
    let inner = key
        .parameters
        .map(|parameters| ec_parameters::read(parameters).map_err(|error| error.within(der, parameters.value())));
    let curve = match (curve, inner.transpose()?) {
        (Some(outer), Some((inner, _))) if outer != inner => {
            return Err(invalid("it names another curve than the structure around it"));
        }
        (Some(curve), _) | (None, Some((curve, _))) => curve,
        (None, None) => return Err(NO_CURVE),
    };
    check_form(curve)?;
    let point = |bytes| PublicKey::from_any_point(curve, bytes, validation);
    let inner = match key.public_key {
        Some(bits) => Some(point(bits.as_bytes().ok_or_else(|| invalid("its public key has unused bits"))?)?),
        None => None,
    };
    let outer = outer.map(point).transpose()?;
    if let (Some(outer), Some(inner)) = (&outer, &inner)
        && outer != inner
    {
        return Err(invalid("it has another public key than the structure around it"));
    }
    Ok(private_key(curve, key.private_key.as_bytes(), inner.or(outer), validation)?)
}

/// A key whose public point may be missing: it is computed, or stays unknown where the curve has no arithmetic here.
pub(super) fn private_key(
    curve: &'static Curve,
    d: &[u8],
    public: Option<PublicKey>,
    validation: Validation,
) -> Result<PrivateKey, key::Error> {
    match public {
        None => PrivateKey::from_scalar(curve, d, validation),
        public => PrivateKey::new(curve, d, public, validation),
    }
}

/// Writes `ECPrivateKey` with its public key, and with the curve's OID if it stands alone.
///
/// # Errors
/// [`Error`] for a key on a curve that is not a Weierstrass one, which has no such structure.
pub fn encode(key: &PrivateKey, with_curve: bool) -> Result<SecretBytes, Error> {
    encode_with(key, with_curve.then_some(Domain::Named))
}

/// As [`encode`], with the curve named, described, or left out.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(key: &PrivateKey, domain: Option<Domain>) -> Result<SecretBytes, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    check_form(key.curve())?;
    // The scalar is as wide as the order (RFC 5915 §3), which on some curves is wider than the field.
    let d = SecretBytes::left_padded(key.d(), key.curve().order_width());
    let d = d.ok_or(Error::Invalid { what: WHAT, problem: "the scalar is wider than the order of the curve" })?;
    let point = key.public().map(PublicKey::to_point);
    let parameters = domain.map(|domain| ec_parameters::encode(key.curve(), domain)).transpose()?;
    encode_secret(&EcPrivateKey {
        version: 1,
        private_key: OctetStringRef::new(&d).map_err(wrong)?,
        parameters: parameters.as_deref().map(AnyRef::try_from).transpose().map_err(wrong)?,
        public_key: point.as_deref().map(BitStringRef::from_bytes).transpose().map_err(wrong)?,
    })
}

fn check_form(curve: &Curve) -> Result<(), Error> {
    let problem = match curve.form {
        Form::Weierstrass => return Ok(()),
        Form::Edwards | Form::Montgomery => "keys of RFC 7748 and RFC 8032 have no such structure (RFC 8410)",
        Form::TwistedEdwards => "a twisted Edwards curve has no such structure",
    };
    Err(Error::Invalid { what: WHAT, problem })
}
