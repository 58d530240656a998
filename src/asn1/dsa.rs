//! DSA: `Dss-Parms` (RFC 3279 §2.3.2), the INTEGERs x and y that PKCS#8 and SubjectPublicKeyInfo hold beside them, and the `DSAPrivateKey`
//! of OpenSSL's traditional format, which no standard has: `SEQUENCE { 0, p, q, g, y, x }`.
//!
//! None of them has room for the seed and counter that p and q were made from.

use der::asn1::{AnyRef, UintRef};
use der::{Encode, Sequence};

use super::{Error, encode_secret, uint};
use crate::key::Validation;
use crate::key::dsa::{Parameters, PrivateKey};
use crate::secret::SecretBytes;

const PARAMETERS: &str = "Dss-Parms";
const PRIVATE: &str = "DSAPrivateKey";

#[derive(Sequence)]
struct DssParms<'a> {
    p: UintRef<'a>,
    q: UintRef<'a>,
    g: UintRef<'a>,
}

#[derive(Sequence)]
struct Traditional<'a> {
    version: u8,
    p: UintRef<'a>,
    q: UintRef<'a>,
    g: UintRef<'a>,
    y: UintRef<'a>,
    x: UintRef<'a>,
}

impl DssParms<'_> {
    fn check(&self, validation: Validation) -> Result<Parameters, Error> {
        Ok(Parameters::new(self.p.as_bytes(), self.q.as_bytes(), self.g.as_bytes(), None, validation)?)
    }
}

/// Reads `Dss-Parms`, the content of PEM `DSA PARAMETERS`.
///
/// # Errors
/// [`Error`].
pub fn decode_parameters(der: &[u8], validation: Validation) -> Result<Parameters, Error> {
    super::decode::<DssParms<'_>>(PARAMETERS, der)?.check(validation)
}

/// Writes `Dss-Parms`.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode_parameters(parameters: &Parameters) -> Result<Vec<u8>, Error> {
    let (p, q, g) = (uint(parameters.p())?, uint(parameters.q())?, uint(parameters.g())?);
    DssParms { p, q, g }.to_der().map_err(|error| Error::encoding(PARAMETERS, error))
}

/// Reads OpenSSL's traditional form, the content of PEM `DSA PRIVATE KEY`.
///
/// # Errors
/// [`Error`].
pub fn decode_traditional(der: &[u8], validation: Validation) -> Result<PrivateKey, Error> {
    let Traditional { version, p, q, g, y, x } = super::decode(PRIVATE, der)?;
    if version != 0 {
        return Err(Error::Invalid { what: PRIVATE, problem: "its version is not 0" });
    }
    let parameters = DssParms { p, q, g }.check(validation)?;
    Ok(PrivateKey::new(parameters, x.as_bytes(), Some(y.as_bytes()), validation)?)
}

/// Writes OpenSSL's traditional form.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode_traditional(key: &PrivateKey) -> Result<SecretBytes, Error> {
    let parameters = key.public().parameters();
    encode_secret(&Traditional {
        version: 0,
        p: uint(parameters.p())?,
        q: uint(parameters.q())?,
        g: uint(parameters.g())?,
        y: uint(key.public().y())?,
        x: uint(key.x())?,
    })
}

pub(super) fn read_parameters(parameters: AnyRef<'_>, validation: Validation) -> Result<Parameters, Error> {
    let parameters: DssParms<'_> = parameters.decode_as().map_err(|error| Error::from((PARAMETERS, error)))?;
    parameters.check(validation)
}
