//! What a file is, from its first bytes and its outermost structure.

use der::{Decode, Header, Reader, SliceReader, Tag};

use super::{Error, Format, bind, foreign, jwk, pem, wrapped_file};
use crate::asn1::{self, cms};
use crate::blob::{self, BlobType};

/// Recognises a file.
///
/// Of a PEM file with several blocks the first private key decides, without one the first public key, else the first certificate.
///
/// # Errors
/// [`Error::Unrecognised`] with the candidates; [`Error::Foreign`] for what is known and not read.
pub fn sniff(bytes: &[u8]) -> Result<Format, Error> {
    if let Some(blob_type) = blob::sniff(bytes) {
        return Ok(Format::Blob(blob_type));
    }
    if asn1::transport::is_transport(bytes) {
        return Ok(Format::Blob(BlobType::OpaqueTransport));
    }
    if cms::is_enveloped(bytes) || cms::in_pem(bytes).is_some_and(|inside| cms::is_enveloped(&inside)) {
        return Ok(Format::Blob(BlobType::Pkcs7Envelope));
    }
    if wrapped_file::is_wrapped_file(bytes) {
        return Err(foreign::wrapped_file());
    }
    if let Some(error) = foreign::der(bytes) {
        return Err(error);
    }
    let known =
        sniff_der(bytes).or_else(|| jwk::sniff(bytes)).or_else(|| bind::sniff(bytes)).or_else(|| sniff_pem(bytes));
    if let Some(format) = known {
        return Ok(format);
    }
    if let Some(error) = foreign::other(bytes) {
        return Err(error);
    }
    let candidates = match bytes.len() {
        16 => vec!["raw"],
        24 | 32 => vec!["raw", BlobType::AesWrap.name()],
        40 => vec![BlobType::AesWrap.name()],
        _ => vec![],
    };
    Err(Error::Unrecognised { len: bytes.len(), candidates })
}

/// The format of a PEM file.
pub(super) fn sniff_pem(bytes: &[u8]) -> Option<Format> {
    let rank = |format: Format| match format {
        Format::CertPem => 2,
        format if format.is_public() => 1,
        _ => 0,
    };
    // The lowest rank, and of those the first; of a text without a whole section what it begins with.
    let sections = asn1::pem::sections(bytes).filter_map(|section| pem::format(&section.ok()?));
    sections.min_by_key(|format| rank(*format)).or_else(|| pem::of_label(asn1::pem::first_label(bytes)?))
}

/// The DER structures, told apart by the tags of their first elements.
pub(super) fn sniff_der(bytes: &[u8]) -> Option<Format> {
    // Version 3 in a SEQUENCE of unknown length, as BER allows: a PFX of Windows or Java.
    if bytes.starts_with(&[0x30, 0x80, 0x02, 0x01, 0x03]) {
        return Some(Format::Pkcs12);
    }
    let mut reader = SliceReader::new(bytes).ok()?;
    if Header::decode(&mut reader).ok()?.tag() != Tag::Sequence {
        return None;
    }
    let first = Header::decode(&mut reader).ok()?;
    let first_value = reader.read_slice(first.length()).ok()?;
    let second = Header::decode(&mut reader).ok()?;
    match (first.tag(), second.tag()) {
        (Tag::Integer, Tag::Sequence) if first_value == [3] => Some(Format::Pkcs12),
        (Tag::Integer, Tag::Sequence) | (Tag::Sequence, Tag::OctetString) => Some(Format::PKCS8),
        (Tag::Integer, Tag::OctetString) => Some(Format::Sec1),
        (Tag::Integer, Tag::Set) => Some(Format::Blob(BlobType::Pkcs7Envelope)),
        (Tag::Sequence, Tag::BitString) => Some(Format::Spki),
        (Tag::Sequence, Tag::Sequence) => Some(Format::Cert),
        (Tag::Integer, Tag::Integer) => {
            // RSAPublicKey has two numbers, DSAPrivateKey six, RSAPrivateKey nine.
            reader.read_slice(second.length()).ok()?;
            let mut more = 0;
            while let Ok(header) = Header::decode(&mut reader) {
                reader.read_slice(header.length()).ok()?;
                more += 1;
            }
            Some(match more {
                0 => Format::Pkcs1Public,
                4 => Format::Dsa,
                _ => Format::Pkcs1,
            })
        }
        _ => None,
    }
}

/// What a file that [`sniff`] does not recognise was made as, to judge by how it begins: DER that is cut short, a CAPI blob of a wrong algorithm.
pub(super) fn sniff_damaged(bytes: &[u8]) -> Option<Format> {
    // BLOBHEADER: bType, then at 8 the magic of the key behind it.
    match (bytes.first(), bytes.get(8..12)) {
        (Some(6), Some(b"RSA1")) => return Some(Format::Blob(BlobType::CapiPublic)),
        (Some(7), Some(b"RSA2")) => return Some(Format::Blob(BlobType::CapiPrivate)),
        _ => {}
    }
    // e of an RSA key is short, q of a DSA key in its place is not.
    const LONGEST_E: u32 = 8;
    let mut reader = SliceReader::new(bytes).ok()?;
    Header::decode(&mut reader).ok().filter(|outer| outer.tag() == Tag::Sequence)?;
    let number = |reader: &mut SliceReader<'_>| {
        let header = Header::decode(reader).ok().filter(|header| header.tag() == Tag::Integer)?;
        Some((u32::from(header.length()), reader.read_slice(header.length()).is_ok()))
    };
    match (number(&mut reader)?, number(&mut reader)?) {
        ((1, true), (_, false)) => Some(Format::Pkcs1),
        ((1, true), (_, true)) => Some(if number(&mut reader)?.0 > LONGEST_E { Format::Dsa } else { Format::Pkcs1 }),
        _ => Some(Format::Pkcs1Public),
    }
}
