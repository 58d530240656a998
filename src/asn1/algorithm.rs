//! `AlgorithmIdentifier` (RFC 5280 §4.1.1.2) of keys: the one place where an OID and its parameters become a kind of key, and back.
//!
//! SubjectPublicKeyInfo and PKCS#8 share it. Each algorithm's parameters are its own module's. Refuses parameters that must be absent
//! and are there, and those that are inherited from an issuer's certificate, which no file with one key can tell.

use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, ObjectIdentifier};

use super::{Error, Loss, dh, dsa, ec_parameters};
use crate::key::curve::Form;
use crate::key::{Curve, ParameterSet, PublicKey, Validation};

/// RFC 8017 appendix C: `rsaEncryption`.
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 8017 appendix C: `id-RSAES-OAEP`.
pub(super) const RSA_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
/// RFC 8017 appendix C: `id-RSASSA-PSS`.
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// RFC 5480 §2.1.1: `id-ecPublicKey`.
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 3279 §2.3.2: `id-dsa`.
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
/// The OIW's `dsa` (Stable Implementation Agreements, part 12), of before the standard's own.
const DSA_OIW: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.12");
/// PKCS #3 §10: `dhKeyAgreement`.
const DH_PKCS3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.3.1");
/// RFC 3279 §2.3.3: `dhpublicnumber`.
const DH_X942: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10046.2.1");

/// The parameters of a key: what of it stands in the `AlgorithmIdentifier`.
#[derive(Clone, Debug)]
pub(super) enum Scheme {
    Dh(crate::key::dh::Parameters),
    Dsa(crate::key::dsa::Parameters),
    /// A Weierstrass curve.
    Ec(&'static Curve),
    /// A curve that is an algorithm of its own (RFC 8410 §3).
    OwnCurve(&'static Curve),
    Pq(ParameterSet),
    Rsa,
}

/// How the curve of a key is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Domain {
    /// By its OID, which is what RFC 5480 §2.1.1 wants.
    #[default]
    Named,
    /// By its numbers (X9.62 `ECParameters`), for readers that do not know its name.
    Explicit,
}

impl Scheme {
    /// Reads an algorithm; what it says beyond the kind of key goes to `losses`.
    pub(super) fn read(
        algorithm: &AlgorithmIdentifierRef<'_>,
        validation: Validation,
        losses: &mut Vec<Loss>,
    ) -> Result<Self, Error> {
        let parameters = algorithm.parameters;
        match algorithm.oid {
            RSA_ENCRYPTION => Ok(Self::Rsa),
            RSA_PSS => {
                losses.push(Loss::PssOnly);
                Ok(Self::Rsa)
            }
            RSA_OAEP => {
                losses.push(Loss::OaepOnly);
                Ok(Self::Rsa)
            }
            EC_PUBLIC_KEY => {
                let (curve, domain) = ec_parameters::read(own(parameters, "the elliptic-curve parameters")?)?;
                losses.extend((domain == Domain::Explicit).then_some(Loss::ExplicitCurve));
                Ok(Self::Ec(curve))
            }
            DSA | DSA_OIW => Ok(Self::Dsa(dsa::read_parameters(own(parameters, "the DSA parameters")?, validation)?)),
            DH_PKCS3 => Ok(Self::Dh(dh::read_pkcs3_parameters(own(parameters, "the DH parameters")?, validation)?)),
            DH_X942 => Ok(Self::Dh(dh::read_x942_parameters(own(parameters, "the DH parameters")?, validation)?)),
            oid => {
                let oid = oid.to_string();
                let curve = Curve::by_oid(&oid).ok().filter(|curve| !curve.form.is_affine());
                let scheme = curve.map(Self::OwnCurve).or_else(|| ParameterSet::by_oid(&oid).map(Self::Pq));
                let scheme = scheme.ok_or(Error::Algorithm { oid })?;
                if parameters.is_some() {
                    let problem = "it has parameters, and this algorithm has none";
                    return Err(Error::Invalid { what: "AlgorithmIdentifier", problem });
                }
                Ok(scheme)
            }
        }
    }

    /// The scheme of a public key.
    pub(super) fn of(key: &PublicKey) -> Self {
        match key {
            PublicKey::Dh(key) => Self::Dh(key.parameters().clone()),
            PublicKey::Dsa(key) => Self::Dsa(key.parameters().clone()),
            PublicKey::Ec(key) => Self::of_curve(key.curve()),
            PublicKey::Pq(key) => Self::Pq(key.set()),
            PublicKey::Rsa(_) => Self::Rsa,
        }
    }

    /// The scheme of a key on a curve.
    pub(super) fn of_curve(curve: &'static Curve) -> Self {
        match curve.form {
            Form::Edwards | Form::Montgomery => Self::OwnCurve(curve),
            Form::TwistedEdwards | Form::Weierstrass => Self::Ec(curve),
        }
    }

    /// Runs `then` with the `AlgorithmIdentifier`.
    pub(super) fn write<T>(
        &self,
        domain: Domain,
        then: impl FnOnce(AlgorithmIdentifierRef<'_>) -> T,
    ) -> Result<T, Error> {
        let wrong = |error| Error::encoding("AlgorithmIdentifier", error);
        let (oid, parameters) = match self {
            Self::Dh(parameters) if parameters.q().is_some() => (DH_X942, dh::encode_parameters(parameters)?),
            Self::Dh(parameters) => (DH_PKCS3, dh::encode_parameters(parameters)?),
            Self::Dsa(parameters) => (DSA, dsa::encode_parameters(parameters)?),
            Self::Ec(curve) => (EC_PUBLIC_KEY, ec_parameters::encode(curve, domain)?),
            Self::OwnCurve(curve) => (ec_parameters::oid(curve)?, Vec::new()),
            Self::Pq(set) => {
                let oid = ObjectIdentifier::new(set.oid());
                (oid.map_err(|_| Error::Algorithm { oid: set.oid().to_owned() })?, Vec::new())
            }
            Self::Rsa => {
                return Ok(then(AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) }));
            }
        };
        let parameters =
            if parameters.is_empty() { None } else { Some(AnyRef::try_from(parameters.as_slice()).map_err(wrong)?) };
        Ok(then(AlgorithmIdentifierRef { oid, parameters }))
    }
}

/// Parameters that must be there.
fn own<'a>(parameters: Option<AnyRef<'a>>, what: &'static str) -> Result<AnyRef<'a>, Error> {
    match parameters {
        Some(parameters) if !parameters.is_null() => Ok(parameters),
        _ => {
            let problem = "they are not there: inherited from an issuer (implicitCurve, RFC 3279 §2.3.2), or left out";
            Err(Error::Invalid { what, problem })
        }
    }
}
