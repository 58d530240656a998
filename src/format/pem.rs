//! PEM (RFC 7468): the blocks of a text, in linear time.
//!
//! What stands before, between and after them is passed over, as §2 and §5.2 have it. Lines may have any length and end anyhow; the base64
//! must be canonical. Headers (RFC 1421) are passed over. The encryption that they can announce, OpenSSL's traditional one, is refused: its
//! key derivation is one round of MD5.

use base64ct::{Base64, Encoding};
use der::pem::LineEnding;

use super::{Error, Format};
use crate::secret::SecretBytes;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    /// Where `-----BEGIN` stands.
    pub(super) offset: usize,
    /// How long it is, with both its lines.
    pub(super) length: usize,
    body: &'a [u8],
    body_offset: usize,
}

/// Labels of RFC 7468 and of OpenSSL, and the format of what is inside; the labels that are written come first.
const LABELS: &[(&str, Format)] = &[
    ("PRIVATE KEY", Format::Pkcs8Pem),
    ("ENCRYPTED PRIVATE KEY", Format::Pkcs8Pem),
    ("PUBLIC KEY", Format::SpkiPem),
    ("RSA PRIVATE KEY", Format::Pkcs1Pem),
    ("RSA PUBLIC KEY", Format::Pkcs1PublicPem),
    ("EC PRIVATE KEY", Format::Sec1Pem),
    ("DSA PRIVATE KEY", Format::DsaPem),
    ("CERTIFICATE", Format::CertPem),
    ("X509 CERTIFICATE", Format::CertPem),
];

/// The first label of a PEM format.
pub(super) fn label(format: Format) -> &'static str {
    LABELS.iter().find(|(_, known)| *known == format).map_or("", |(label, _)| label)
}

impl<'a> Block<'a> {
    /// The format that the label tells, if it tells one that is handled here.
    pub(super) fn format(&self) -> Option<Format> {
        LABELS.iter().find(|(label, _)| *label == self.label).map(|(_, format)| *format)
    }

    /// The bytes inside.
    pub(super) fn decode(&self) -> Result<SecretBytes, Error> {
        let wrong =
            |problem| Error::text(self.format().unwrap_or(Format::Pkcs8Pem), self.label, self.body_offset, problem);
        let mut body = self.body;
        if body.contains(&b':') {
            if find(body, b"ENCRYPTED").is_some() {
                return Err(wrong(
                    "it is encrypted in OpenSSL's traditional way; `openssl pkcs8 -topk8` encrypts it anew",
                ));
            }
            // An empty line ends the headers.
            let headers = find(body, b"\n\n").map(|at| at + 2).or_else(|| find(body, b"\r\n\r\n").map(|at| at + 4));
            body = body.get(headers.unwrap_or(body.len())..).unwrap_or_default();
        }
        let mut packed = SecretBytes::zeroed(body.iter().filter(|byte| !byte.is_ascii_whitespace()).count());
        let bytes = body.iter().filter(|byte| !byte.is_ascii_whitespace());
        for (place, byte) in packed.as_mut_slice().iter_mut().zip(bytes) {
            *place = *byte;
        }
        base64::<Base64>(&packed).ok_or_else(|| wrong("it is not base64"))
    }
}

/// Decodes base64 of one alphabet, strictly: no white space, canonical, padded or not as the alphabet has it.
pub(super) fn base64<E: Encoding>(text: &[u8]) -> Option<SecretBytes> {
    let mut bytes = SecretBytes::zeroed(text.len().div_ceil(4) * 3);
    let decoded = E::decode(text, bytes.as_mut_slice()).ok()?;
    Some(SecretBytes::from(decoded))
}

/// The blocks of a text, one after the other. The first that is not well-formed is the last that is given out.
pub(super) fn blocks(text: &[u8]) -> impl Iterator<Item = Result<Block<'_>, Error>> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let from = at?;
        let offset = from + find(text.get(from..)?, BEGIN)?;
        let block = block(text, offset);
        at = block.as_ref().ok().map(|block| offset + block.length);
        Some(block)
    })
}

fn block(text: &[u8], offset: usize) -> Result<Block<'_>, Error> {
    let wrong = |problem| Error::text(Format::Pkcs8Pem, "the PEM block", offset, problem);
    let rest = text.get(offset + BEGIN.len()..).unwrap_or_default();
    let label_len = find(rest.get(..rest.len().min(80)).unwrap_or_default(), DASHES);
    let label = label_len.and_then(|len| rest.get(..len)).and_then(|label| str::from_utf8(label).ok());
    let label = label.filter(|label| label.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let label = label.ok_or_else(|| wrong("its first line has no label"))?;
    let body_at = BEGIN.len() + label.len() + DASHES.len();
    let body_offset = offset + body_at;
    let behind = text.get(body_offset..).unwrap_or_default();
    let body_len = find(behind, END).ok_or_else(|| wrong("it has no last line"))?;
    let (body, end) = behind.split_at(body_len);
    let end = end.get(END.len()..).and_then(|end| end.strip_prefix(label.as_bytes()));
    if end.and_then(|end| end.strip_prefix(DASHES)).is_none() {
        return Err(wrong("its last line has another label than its first"));
    }
    let length = body_at + body_len + END.len() + label.len() + DASHES.len();
    Ok(Block { label, offset, length, body, body_offset })
}

/// Whether a text has something that looks like the beginning of a block. DER does not come here: it begins with a SEQUENCE.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    find(bytes, BEGIN).is_some()
}

/// Writes DER as PEM.
pub(super) fn encode(format: Format, label: &str, der: &[u8]) -> Result<SecretBytes, Error> {
    let wrong = || Error::not_representable(format, "something that long");
    let len = der::pem::encoded_len(label, LineEnding::LF, der).map_err(|_| wrong())?;
    let mut text = SecretBytes::zeroed(len);
    let written = der::pem::encode(label, LineEnding::LF, der, text.as_mut_slice()).map_err(|_| wrong())?.len();
    if written == len { Ok(text) } else { Err(wrong()) }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}
