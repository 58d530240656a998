//! Several certificates in one file: PEM with more than one section, DER one behind the other, and the degenerate SignedData of RFC 5652 §5.1 that holds nothing but certificates
//! (`PKCS #7`, `.p7b`).
//!
//! Nothing is verified, and no order is made: see [`certificate`] for what is read of each. Refuses more than [`MAX`].

use der::asn1::AnyRef;
use der::{Reader, SliceReader, Tag, TagNumber};

use super::certificate::{self, CertificateParts};
use super::pem::{self, Label};
use super::{Error, cms, outer_length};

/// The most certificates in one value.
pub const MAX: usize = 64;

const WHAT: &str = "SignedData";
const SIGNED_DATA: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// Every certificate of a value, in its order; at least one.
///
/// # Errors
/// [`Error`] when it is not what it should be, for a key of a kind that is not handled here, and for too many.
pub fn decode(bytes: &[u8]) -> Result<Vec<CertificateParts>, Error> {
    let mut found = Vec::new();
    if pem::is_pem(bytes) {
        for section in pem::sections(bytes) {
            let section = section?;
            match section.kind() {
                Some(Label::Certificate | Label::TrustedCertificate) => {
                    let der = section.decode()?;
                    add(&mut found, certificate::certificate_in(section.kind(), &der))?;
                }
                Some(Label::Pkcs7 | Label::Cms) => in_der(&mut found, &section.decode()?)?,
                _ => {}
            }
        }
    } else {
        in_der(&mut found, bytes)?;
    }
    if found.is_empty() {
        return Err(Error::Invalid { what: "Certificate", problem: "there is none in it" });
    }
    Ok(found)
}

fn add(found: &mut Vec<CertificateParts>, der: &[u8]) -> Result<(), Error> {
    if found.len() == MAX {
        return Err(Error::Invalid { what: "Certificate", problem: "there are more than 64" });
    }
    found.push(certificate::decode(der)?);
    Ok(())
}

fn in_der(found: &mut Vec<CertificateParts>, bytes: &[u8]) -> Result<(), Error> {
    // Windows writes BER.
    let converted = cms::to_der(bytes);
    let mut rest: &[u8] = converted.as_deref().unwrap_or(bytes);
    if cms::has_content_info(rest) {
        return signed(found, rest);
    }
    loop {
        match outer_length(rest).and_then(|len| rest.split_at_checked(len)) {
            Some((one, more)) if !one.is_empty() && !more.is_empty() => {
                add(found, one)?;
                rest = more;
            }
            // The last one, or what is none: its error says where.
            _ => return add(found, rest),
        }
    }
}

/// The certificates of a SignedData.
fn signed(found: &mut Vec<CertificateParts>, der: &[u8]) -> Result<(), Error> {
    const CERTIFICATES: Tag = Tag::ContextSpecific { number: TagNumber(0), constructed: true };
    let read = || -> der::Result<Option<&[u8]>> {
        let info = <cms::ContentInfo<'_> as der::Decode>::from_der(der)?;
        if info.kind != SIGNED_DATA {
            return Ok(None);
        }
        let mut reader = SliceReader::new(info.content.value())?;
        // version, digestAlgorithms, encapContentInfo.
        for _ in 0..3 {
            reader.tlv_bytes()?;
        }
        match reader.is_finished() || Tag::peek(&reader)? != CERTIFICATES {
            true => Ok(Some(&[])),
            false => Ok(Some(<AnyRef<'_> as der::Decode>::decode(&mut reader)?.value())),
        }
    };
    let certificates = read().map_err(|error| Error::from((WHAT, error)))?;
    let mut rest = certificates.ok_or(Error::Invalid { what: WHAT, problem: "it is another kind of CMS" })?;
    while !rest.is_empty() {
        let len = outer_length(rest).filter(|len| *len > 0);
        let split = len.and_then(|len| rest.split_at_checked(len));
        let (one, more) = split.ok_or(Error::Invalid { what: WHAT, problem: "its certificates do not end with it" })?;
        add(found, one)?;
        rest = more;
    }
    Ok(())
}
