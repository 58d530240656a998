//! X.509 certificates (RFC 5280) as far as a certificate object on a token needs them: names, serial number, public key.

use der::{Decode, Encode};
use x509_cert::Certificate;

use super::{Error, spki};
use crate::key::{PublicKey, Validation};

const WHAT: &str = "Certificate";

/// The parts of a certificate that stand beside it on a token, each in DER.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CertificateParts {
    /// The whole certificate.
    pub der: Vec<u8>,
    /// `issuer`
    pub issuer: Vec<u8>,
    /// The key it is for.
    pub public: PublicKey,
    /// `serialNumber`
    pub serial: Vec<u8>,
    /// `subject`
    pub subject: Vec<u8>,
}

/// Reads a certificate, DER or PEM.
///
/// # Errors
/// [`Error`] when it is no certificate, or for a key of a kind that is not handled here.
pub fn decode(bytes: &[u8]) -> Result<CertificateParts, Error> {
    // DER begins with the tag of a SEQUENCE; anything else is text.
    let der = if bytes.first() == Some(&0x30) {
        bytes.to_vec()
    } else {
        let (label, der) = super::decode_pem(bytes)?;
        if label != "CERTIFICATE" {
            return Err(Error::Invalid { what: WHAT, problem: "the PEM label is not `CERTIFICATE`" });
        }
        der.to_vec()
    };
    let certificate = Certificate::from_der(&der).map_err(|error| Error::from((WHAT, error)))?;
    let tbs = certificate.tbs_certificate();
    let part = |value: der::Result<Vec<u8>>| value.map_err(|error| Error::from((WHAT, error)));
    Ok(CertificateParts {
        issuer: part(tbs.issuer().to_der())?,
        public: spki::decode(&part(tbs.subject_public_key_info().to_der())?, Validation::Full)?,
        serial: part(tbs.serial_number().to_der())?,
        subject: part(tbs.subject().to_der())?,
        der,
    })
}
