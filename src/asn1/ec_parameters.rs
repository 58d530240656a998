//! Elliptic-curve domain parameters: `ECParameters` (X9.62 §L.3, RFC 3279 §2.3.5; SEC 1 §C.2 calls it `SpecifiedECDomain`) or the OID of a
//! named curve (RFC 5480 §2.1.1).
//!
//! Described parameters are recognised as a curve of the table, or refused: nothing here computes on an unknown curve. Every number
//! counts but the seed, which is often left out. Refuses implicitCurve (NULL), and fields of characteristic two, by name.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Encode, Sequence, Tag, Tagged};

use super::algorithm::Domain;
use super::{Error, uint};
use crate::key::curve::{ExplicitParameters, Form, Ordinate};
use crate::key::{self, Curve};

const WHAT: &str = "ECParameters";
/// X9.62 §6.1: `prime-field`.
const PRIME_FIELD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.1.1");
/// X9.62 §6.1: `characteristic-two-field`.
const CHARACTERISTIC_TWO_FIELD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.1.2");

#[derive(Sequence)]
struct FieldId<'a> {
    kind: ObjectIdentifier,
    parameters: AnyRef<'a>,
}

#[derive(Sequence)]
struct Coefficients<'a> {
    a: &'a OctetStringRef,
    b: &'a OctetStringRef,
    #[asn1(optional = "true")]
    seed: Option<BitStringRef<'a>>,
}

#[derive(Sequence)]
struct EcParameters<'a> {
    version: u8,
    field: FieldId<'a>,
    curve: Coefficients<'a>,
    base: &'a OctetStringRef,
    order: UintRef<'a>,
    #[asn1(optional = "true")]
    cofactor: Option<UintRef<'a>>,
    /// SEC 1 §C.2: the hash that the seed went through, from version 2.
    #[asn1(optional = "true")]
    hash: Option<AnyRef<'a>>,
}

/// Reads parameters, the content of PEM `EC PARAMETERS`, and says whether they name the curve or describe it.
///
/// # Errors
/// [`Error`]; [`key::Error::UnknownCurve`] for one that the table does not have.
pub fn decode(der: &[u8]) -> Result<(&'static Curve, Domain), Error> {
    read(super::decode(WHAT, der)?)
}

/// Writes parameters: the OID, or version 1 with the cofactor, and the seed where the standard states one.
///
/// # Errors
/// [`Error`] for a curve that has no OID, or that is not a Weierstrass one.
pub fn encode(curve: &Curve, domain: Domain) -> Result<Vec<u8>, Error> {
    match domain {
        Domain::Named => oid(curve)?.to_der().map_err(|error| Error::encoding(WHAT, error)),
        Domain::Explicit => describe(curve),
    }
}

/// The OID of a curve, without which DER cannot name it.
pub(crate) fn oid(curve: &Curve) -> Result<ObjectIdentifier, Error> {
    let oid = curve.oid.and_then(|oid| ObjectIdentifier::new(oid).ok());
    oid.ok_or(Error::Invalid { what: "the curve", problem: "it has no OID to name it by in DER" })
}

pub(super) fn read(parameters: AnyRef<'_>) -> Result<(&'static Curve, Domain), Error> {
    let wrong = |error| Error::from((WHAT, error));
    let (curve, domain) = match parameters.tag() {
        Tag::ObjectIdentifier => {
            let oid: ObjectIdentifier = parameters.decode_as().map_err(wrong)?;
            (Curve::by_oid(&oid.to_string())?, Domain::Named)
        }
        Tag::Sequence => (recognise(&parameters.decode_as().map_err(wrong)?)?, Domain::Explicit),
        Tag::Null => {
            let problem = "they say that the curve is the issuer's (implicitCurve), which is not in this file";
            return Err(Error::Invalid { what: WHAT, problem });
        }
        _ => return Err(Error::Invalid { what: WHAT, problem: "they neither name a curve nor describe one" }),
    };
    if curve.form != Form::Weierstrass {
        let problem = "the curve that they name is an algorithm of its own (RFC 8410)";
        return Err(Error::Invalid { what: WHAT, problem });
    }
    Ok((curve, domain))
}

fn recognise(parameters: &EcParameters<'_>) -> Result<&'static Curve, Error> {
    let invalid = |problem| Error::Invalid { what: WHAT, problem };
    if !(1..=3).contains(&parameters.version) {
        return Err(invalid("the version is none of 1, 2 and 3"));
    }
    match parameters.field.kind {
        PRIME_FIELD => {}
        CHARACTERISTIC_TWO_FIELD => {
            return Err(invalid("the curve is over a field of characteristic two, which CNG does not have"));
        }
        _ => return Err(invalid("the kind of field is unknown")),
    }
    let p: UintRef<'_> = parameters.field.parameters.decode_as().map_err(|error| Error::from((WHAT, error)))?;
    let (gx, gy) = match parameters.base.as_bytes() {
        [0x04, coordinates @ ..] if coordinates.len().is_multiple_of(2) => {
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            (x, Ordinate::Value(y))
        }
        [form @ (0x02 | 0x03), x @ ..] => (x, Ordinate::Odd(*form == 0x03)),
        _ => return Err(invalid("the base point is neither compressed nor uncompressed")),
    };
    let described = ExplicitParameters {
        form: Form::Weierstrass,
        p: p.as_bytes(),
        a: parameters.curve.a.as_bytes(),
        b: parameters.curve.b.as_bytes(),
        gx,
        gy,
        order: parameters.order.as_bytes(),
        cofactor: parameters.cofactor.as_ref().map(UintRef::as_bytes),
    };
    Curve::by_parameters(&described).ok_or_else(|| {
        let bits = key::rsa::bit_length(p.as_bytes());
        Error::Key(key::Error::UnknownCurve { name: format!("described by numbers, over a field of {bits} bits") })
    })
}

fn describe(curve: &Curve) -> Result<Vec<u8>, Error> {
    if curve.form != Form::Weierstrass {
        return Err(Error::Invalid { what: WHAT, problem: "they describe Weierstrass curves only" });
    }
    let wrong = |error| Error::encoding(WHAT, error);
    let octets = |bytes| OctetStringRef::new(bytes).map_err(wrong);
    let numbers = curve.parameters;
    let p = uint(numbers.p)?.to_der().map_err(wrong)?;
    let base = [&[0x04], numbers.gx, numbers.gy].concat();
    let seed = (!numbers.seed.is_empty()).then(|| BitStringRef::from_bytes(numbers.seed));
    let parameters = EcParameters {
        version: 1,
        field: FieldId { kind: PRIME_FIELD, parameters: AnyRef::try_from(p.as_slice()).map_err(wrong)? },
        curve: Coefficients { a: octets(numbers.a)?, b: octets(numbers.b)?, seed: seed.transpose().map_err(wrong)? },
        base: octets(&base)?,
        order: uint(numbers.n)?,
        cofactor: Some(uint(numbers.h)?),
        hash: None,
    };
    parameters.to_der().map_err(wrong)
}
