//! Who a recipient is: `RecipientIdentifier` (RFC 5652 §6.2.1), and what someone knows of themselves to find it.

use crate::asn1::certificate::{CertificateParts, subject_key_identifier};
use crate::asn1::{Error, spki};
use crate::key::PublicKey;

/// By what an EnvelopedData names a recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecipientId {
    /// By its certificate's issuer and serial number.
    IssuerAndSerial {
        /// The issuer's `Name`, in DER.
        issuer: Vec<u8>,
        /// The `CertificateSerialNumber`, an INTEGER in DER.
        serial: Vec<u8>,
    },
    /// By its key identifier.
    KeyId(Vec<u8>),
}

impl RecipientId {
    /// Issuer and serial number of a certificate, as most programs name a recipient.
    pub fn issuer_and_serial(certificate: &CertificateParts) -> Self {
        Self::IssuerAndSerial { issuer: certificate.issuer.clone(), serial: certificate.serial.clone() }
    }

    /// The subjectKeyIdentifier of a certificate; if it has none, that of its key by method 1 of RFC 5280 §4.2.1.2.
    ///
    /// # Errors
    /// [`Error`] for a key that DER cannot hold, which no certificate has.
    pub fn key_id(certificate: &CertificateParts) -> Result<Self, Error> {
        let id = subject_key_identifier(&certificate.der);
        Ok(Self::KeyId(match id {
            Some(id) => id,
            None => spki::key_id(&certificate.public)?.to_vec(),
        }))
    }
}

/// What someone knows of themselves: a certificate, or a key alone.
///
/// A name is compared byte for byte, as it stands in the certificate: whoever writes an EnvelopedData has copied it from there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    ids: Vec<RecipientId>,
}

impl Identity {
    /// The holder of a certificate.
    ///
    /// # Errors
    /// [`Error`] for a key that DER cannot hold, which no certificate has.
    pub fn of_certificate(certificate: &CertificateParts) -> Result<Self, Error> {
        let mut identity = Self::of_key(&certificate.public)?;
        // Windows computes a key identifier of its own where the certificate has none, and some programs always do.
        let said = RecipientId::key_id(certificate)?;
        if !identity.is(&said) {
            identity.ids.push(said);
        }
        identity.ids.push(RecipientId::issuer_and_serial(certificate));
        Ok(identity)
    }

    /// The holder of a key, by its identifier of method 1 (RFC 5280 §4.2.1.2), which is its CKA_ID here.
    ///
    /// # Errors
    /// [`Error`] for a key that DER cannot hold.
    pub fn of_key(key: &PublicKey) -> Result<Self, Error> {
        Ok(Self::of_key_id(&spki::key_id(key)?))
    }

    /// The holder of the key with this identifier.
    pub fn of_key_id(id: &[u8]) -> Self {
        Self { ids: vec![RecipientId::KeyId(id.to_vec())] }
    }

    /// Whether this is who is meant.
    pub fn is(&self, id: &RecipientId) -> bool {
        self.ids.contains(id)
    }
}
