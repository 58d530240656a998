//! X.509 certificates (RFC 5280) as a source of public keys, and as far as a certificate object on a token needs them: names, serial number.
//!
//! Only the fields up to the public key are looked into, and only for where they end: dates, extensions, signatures and what is odd about them are no
//! business of this program's. The one exception is the extension subjectKeyIdentifier, by which CMS names a recipient. Nothing is verified.
//! Takes OpenSSL's `TRUSTED CERTIFICATE`, leaving off what follows the certificate.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Header, Reader, Sequence, SliceReader, Tag, TagNumber};

use super::pem::{self, Label};
use super::{Contents, Error, spki};
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

/// Reads a certificate, DER or PEM; of several in PEM the first.
///
/// # Errors
/// [`Error`] when it is no certificate, or for a key of a kind that is not handled here.
pub fn decode(bytes: &[u8]) -> Result<CertificateParts, Error> {
    if !pem::is_pem(bytes) {
        return parts(bytes);
    }
    let section = pem::find(bytes, &[Label::Certificate, Label::TrustedCertificate])?;
    let der = section.decode()?;
    parts(certificate_in(section.kind(), &der))
}

/// Reads the public key of a certificate in DER; bytes behind it, as in a `TRUSTED CERTIFICATE`, are not looked at.
///
/// # Errors
/// As [`decode`].
pub fn read_key(der: &[u8], validation: Validation) -> Result<Contents<PublicKey>, Error> {
    key(der, take_apart(der)?.public, validation)
}

/// Subject, issuer and SubjectPublicKeyInfo of a certificate, each in DER.
pub(crate) fn names(der: &[u8]) -> Option<[&[u8]; 3]> {
    take_apart(der).ok().map(|raw| [raw.subject, raw.issuer, raw.public])
}

/// The extension subjectKeyIdentifier (RFC 5280 §4.2.1.2) of a certificate in DER. `None` also if the extensions make no sense.
pub fn subject_key_identifier(der: &[u8]) -> Option<Vec<u8>> {
    const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
    const EXTENSIONS: Tag = Tag::ContextSpecific { number: TagNumber(3), constructed: true };
    let mut behind = SliceReader::new(take_apart(der).ok()?.behind).ok()?;
    // issuerUniqueID and subjectUniqueID may come first.
    let extensions = loop {
        match Tag::peek(&behind).ok()? {
            EXTENSIONS => break AnyRef::decode(&mut behind).ok()?.value(),
            Tag::ContextSpecific { .. } => behind.tlv_bytes().ok().map(|_| ())?,
            _ => return None,
        }
    };
    let mut reader = SliceReader::new(AnyRef::from_der(extensions).ok()?.value()).ok()?;
    while !reader.is_finished() {
        let extension = Extension::decode(&mut reader).ok()?;
        if extension.id == SUBJECT_KEY_IDENTIFIER {
            let id = <&OctetStringRef>::from_der(extension.value.as_bytes()).ok()?;
            return Some(id.as_bytes().to_vec());
        }
    }
    None
}

#[derive(Sequence)]
struct Extension<'a> {
    id: ObjectIdentifier,
    critical: Option<bool>,
    value: &'a OctetStringRef,
}

/// The certificate in a PEM section, without what OpenSSL puts behind it under the label `TRUSTED CERTIFICATE`.
pub(super) fn certificate_in(label: Option<Label>, der: &[u8]) -> &[u8] {
    let len = if label == Some(Label::TrustedCertificate) { super::outer_length(der) } else { None };
    len.and_then(|len| der.get(..len)).unwrap_or(der)
}

fn parts(der: &[u8]) -> Result<CertificateParts, Error> {
    let raw = take_apart(der)?;
    if super::outer_length(der) != Some(der.len()) {
        return Err(Error::Invalid { what: WHAT, problem: "there are bytes behind it" });
    }
    Ok(CertificateParts {
        der: der.to_vec(),
        issuer: raw.issuer.to_vec(),
        public: key(der, raw.public, Validation::Full)?.key,
        serial: raw.serial.to_vec(),
        subject: raw.subject.to_vec(),
    })
}

fn key(der: &[u8], public: &[u8], validation: Validation) -> Result<Contents<PublicKey>, Error> {
    spki::read(public, validation).map_err(|error| error.within(der, public))
}

/// Whole TLVs of a `TBSCertificate`.
struct Raw<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    public: &'a [u8],
    /// Everything from behind the public key on.
    behind: &'a [u8],
}

fn take_apart(der: &[u8]) -> Result<Raw<'_>, Error> {
    const VERSION: Tag = Tag::ContextSpecific { number: TagNumber(0), constructed: true };
    let read = || -> der::Result<Raw<'_>> {
        let mut reader = SliceReader::new(der)?;
        // The header of the certificate, then that of what is signed: the rest of both is not read.
        for _ in 0..2 {
            let header = Header::decode(&mut reader)?;
            header.tag().assert_eq(Tag::Sequence).map_err(|error| reader.error(error.kind()))?;
            if header.length() > reader.remaining_len() {
                let expected_len = (reader.position() + header.length())?;
                let actual_len = reader.input_len();
                return Err(reader.error(der::ErrorKind::Incomplete { expected_len, actual_len }));
            }
        }
        if Tag::peek(&reader)? == VERSION {
            reader.tlv_bytes()?;
        }
        let serial = field(&mut reader, Tag::Integer)?;
        field(&mut reader, Tag::Sequence)?; // signature
        let issuer = field(&mut reader, Tag::Sequence)?;
        field(&mut reader, Tag::Sequence)?; // validity
        let subject = field(&mut reader, Tag::Sequence)?;
        let public = field(&mut reader, Tag::Sequence)?;
        let behind = reader.read_slice(reader.remaining_len())?;
        Ok(Raw { serial, issuer, subject, public, behind })
    };
    read().map_err(|error| Error::from((WHAT, error)))
}

fn field<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    if Tag::peek(reader)? != tag {
        return Err(reader.error(tag.value_error()));
    }
    reader.tlv_bytes()
}
