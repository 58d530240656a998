//! Finite-field Diffie–Hellman: `DHParameter` (PKCS #3 §9) and `DomainParameters` (X9.42, RFC 3279 §2.3.3), and the INTEGERs x and y that
//! PKCS#8 and SubjectPublicKeyInfo hold beside them.
//!
//! Parameters with a q are written as X9.42, the others as PKCS #3: each has no room for what only the other says, which is q, j
//! and the evidence there, `privateValueLength` here.

use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Encode, Sequence};

use super::{Error, uint};
use crate::key::Validation;
use crate::key::dh::Parameters;
use crate::key::discrete::Evidence;

const PKCS3: &str = "DHParameter";
const X942: &str = "DomainParameters";

#[derive(Sequence)]
struct DhParameter<'a> {
    p: UintRef<'a>,
    g: UintRef<'a>,
    #[asn1(optional = "true")]
    private_value_length: Option<u32>,
}

#[derive(Sequence)]
struct DomainParameters<'a> {
    p: UintRef<'a>,
    g: UintRef<'a>,
    q: UintRef<'a>,
    #[asn1(optional = "true")]
    j: Option<UintRef<'a>>,
    #[asn1(optional = "true")]
    validation: Option<ValidationParms<'a>>,
}

#[derive(Sequence)]
struct ValidationParms<'a> {
    seed: BitStringRef<'a>,
    counter: u32,
}

impl DhParameter<'_> {
    fn check(&self, validation: Validation) -> Result<Parameters, Error> {
        let parameters = Parameters::new(self.p.as_bytes(), self.g.as_bytes(), validation)?;
        Ok(match self.private_value_length {
            Some(bits) => parameters.with_private_bits(bits),
            None => parameters,
        })
    }
}

impl DomainParameters<'_> {
    fn check(&self, validation: Validation) -> Result<Parameters, Error> {
        let parameters = Parameters::new(self.p.as_bytes(), self.g.as_bytes(), validation)?;
        let mut parameters = parameters.with_order(self.q.as_bytes(), validation)?;
        if let Some(j) = &self.j {
            parameters = parameters.with_cofactor(j.as_bytes(), validation)?;
        }
        if let Some(ValidationParms { seed, counter }) = &self.validation {
            let problem = "the seed has unused bits";
            let seed = seed.as_bytes().ok_or(Error::Invalid { what: X942, problem })?.to_vec();
            parameters = parameters.with_evidence(Evidence { seed, counter: *counter });
        }
        Ok(parameters)
    }
}

/// Reads `DHParameter`, the content of PEM `DH PARAMETERS`.
///
/// # Errors
/// [`Error`].
pub fn decode_pkcs3_parameters(der: &[u8], validation: Validation) -> Result<Parameters, Error> {
    super::decode::<DhParameter<'_>>(PKCS3, der)?.check(validation)
}

/// Reads `DomainParameters`, the content of PEM `X9.42 DH PARAMETERS`.
///
/// # Errors
/// [`Error`].
pub fn decode_x942_parameters(der: &[u8], validation: Validation) -> Result<Parameters, Error> {
    super::decode::<DomainParameters<'_>>(X942, der)?.check(validation)
}

/// Writes `DomainParameters` where q is known, else `DHParameter`.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode_parameters(parameters: &Parameters) -> Result<Vec<u8>, Error> {
    let wrong = |error| Error::encoding(X942, error);
    let (p, g) = (uint(parameters.p())?, uint(parameters.g())?);
    let Some(q) = parameters.q() else {
        let parameters = DhParameter { p, g, private_value_length: parameters.private_bits() };
        return parameters.to_der().map_err(|error| Error::encoding(PKCS3, error));
    };
    let evidence = parameters.evidence().map(|evidence| {
        Ok(ValidationParms { seed: BitStringRef::from_bytes(&evidence.seed)?, counter: evidence.counter })
    });
    let domain = DomainParameters {
        p,
        g,
        q: uint(q)?,
        j: parameters.j().map(uint).transpose()?,
        validation: evidence.transpose().map_err(wrong)?,
    };
    domain.to_der().map_err(wrong)
}

pub(super) fn read_pkcs3_parameters(parameters: AnyRef<'_>, validation: Validation) -> Result<Parameters, Error> {
    let parameters: DhParameter<'_> = parameters.decode_as().map_err(|error| Error::from((PKCS3, error)))?;
    parameters.check(validation)
}

pub(super) fn read_x942_parameters(parameters: AnyRef<'_>, validation: Validation) -> Result<Parameters, Error> {
    let parameters: DomainParameters<'_> = parameters.decode_as().map_err(|error| Error::from((X942, error)))?;
    parameters.check(validation)
}
