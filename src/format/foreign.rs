//! Files that everybody has and that are not read here: what they are, and what makes of them something that is.
//!
//! Recognised by as little as tells them from keys. Nothing of their contents is read.

use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber};

use super::{Error, pem};
use crate::asn1;
use crate::asn1::pem::Label;

/// What it is, and what to do with it.
type Known = (&'static str, &'static str);

const SSH_PUBLIC: Known =
    ("an SSH public key", "make it SubjectPublicKeyInfo: ssh-keygen -e -m PKCS8 -f FILE > public.pem");
const REQUEST: Known =
    ("a certificate request (PKCS#10)", "take its public key out: openssl req -in FILE -noout -pubkey -out public.pem");
const PKCS7: Known = (
    "PKCS#7 or CMS, which holds certificates and no keys",
    "take the certificates out: openssl pkcs7 -in FILE -print_certs -out certificates.pem (-inform DER if it is binary)",
);
const CRL: Known = ("a certificate revocation list, which holds no key", "the key is in another file");
const DH: Known = ("parameters of Diffie–Hellman, without a key", "make a key: openssl genpkey -paramfile FILE (PEM)");
const DSA: Known = ("parameters of DSA, without a key", "make a key: openssl genpkey -paramfile FILE (PEM)");
const EC: Known = (
    "parameters of an elliptic curve, without a key",
    "show the curve: openssl ecparam -in FILE -text -noout (-inform DER if it is binary); the key is in another file",
);
const PEM_PKCS12: Known = ("PKCS#12 in PEM", "take the lines off: sed '/-----/d' FILE | base64 -d > key.pfx");
const KEYTOOL: &str =
    "make it PKCS#12: keytool -importkeystore -srckeystore FILE -destkeystore key.p12 -deststoretype PKCS12";

/// Files that begin so.
const PREFIXES: &[(&[u8], Known)] = &[
    (b"ssh-", SSH_PUBLIC),
    (b"ecdsa-sha2-", SSH_PUBLIC),
    (b"sk-ssh-", SSH_PUBLIC),
    (b"sk-ecdsa-", SSH_PUBLIC),
    (
        b"---- BEGIN SSH2 PUBLIC KEY",
        ("an SSH public key (RFC 4716)", "make it PEM: ssh-keygen -i -f FILE, then ssh-keygen -e -m PKCS8"),
    ),
    (
        b"PuTTY-User-Key-File-",
        (
            "a key of PuTTY",
            "make it an OpenSSH key and that PKCS#8: puttygen FILE -O private-openssh -o key, then ssh-keygen -p -m PKCS8 -f key",
        ),
    ),
    (b"AGE-SECRET-KEY-", AGE),
    (b"# created: ", AGE),
    (&[0xFE, 0xED, 0xFE, 0xED], ("a Java key store (JKS)", KEYTOOL)),
    (&[0xCE, 0xCE, 0xCE, 0xCE], ("a Java key store (JCEKS)", KEYTOOL)),
    // 0xB0B5F11E, little-endian.
    (
        &[0x1E, 0xF1, 0xB5, 0xB0],
        ("a PVK file of Microsoft", "make it PEM: openssl rsa -inform PVK -in FILE -out key.pem"),
    ),
];
const AGE: Known = ("an identity of age", "it is an X25519 key for age alone: no other program has a use for it");

const XML: Known = (
    "an RSA key in the XML of .NET (RSAKeyValue)",
    "export it from .NET as PKCS#8: rsa.FromXmlString(xml), then rsa.ExportPkcs8PrivateKeyPem()",
);
const UTF_16: Known = ("text in UTF-16", "make it UTF-8: iconv -f UTF-16 -t UTF-8 FILE > key.pem");
const HEX: Known = ("hexadecimal text", "make it binary: xxd -r -p FILE > key.bin");
const BASE64: Known = ("base64 text without the lines of PEM", "make it binary: base64 -d FILE > key.bin");

/// Base64 and hexadecimal shorter than this may be a bare key, or anything.
const SHORTEST_TEXT: usize = 41;

/// What a DER structure is that looks like a key or a certificate at first sight.
pub(super) fn der(bytes: &[u8]) -> Option<Error> {
    if asn1::outer_length(bytes) != Some(bytes.len()) {
        return None;
    }
    let outer = tags(bytes);
    let known = match outer.as_slice() {
        // An object identifier alone names a curve.
        _ if bytes.first() == Some(&0x06) => EC,
        [(Tag::Sequence, first), (Tag::Sequence, _), (Tag::BitString, _)] => signed(first)?,
        // No RSA exponent is even, and the usual generator is 2.
        [(Tag::Integer, _), (Tag::Integer, second)] if second.last().is_some_and(|last| last & 1 == 0) => DH,
        // p, g and the length of private values; p, q and g.
        [(Tag::Integer, _), (Tag::Integer, _), (Tag::Integer, third)] => {
            if third.len() <= 4 {
                DH
            } else {
                DSA
            }
        }
        [(Tag::ObjectIdentifier, oid), ..] if oid.starts_with(&PKCS7_ARC) => PKCS7,
        _ => return None,
    };
    Some(error(known))
}

/// 1.2.840.113549.1.7
const PKCS7_ARC: [u8; 8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07];

/// What is signed, if it is no certificate: in what is inside of it a request has no validity, and a revocation list has a time where a
/// certificate has a structure.
fn signed(inner: &[u8]) -> Option<Known> {
    const ATTRIBUTES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let inner: Vec<Tag> = elements(inner).into_iter().map(|(tag, _)| tag).collect();
    match inner.as_slice() {
        [Tag::Integer, Tag::Sequence, Tag::Sequence] | [Tag::Integer, Tag::Sequence, Tag::Sequence, ATTRIBUTES] => {
            Some(REQUEST)
        }
        [Tag::Integer, Tag::Sequence, Tag::Sequence, Tag::UtcTime | Tag::GeneralizedTime, ..]
        | [Tag::Sequence, Tag::Sequence, Tag::UtcTime | Tag::GeneralizedTime, ..] => Some(CRL),
        _ => None,
    }
}

/// A key that another tool wrapped.
pub(super) fn wrapped_file() -> Error {
    error((
        "a wrapped-key file of another PKCS#11 tool",
        "it takes the key that wrapped it: cng11 import FILE --unwrap-key NAME",
    ))
}

/// What any other file is, that nothing here knows.
pub(super) fn other(bytes: &[u8]) -> Option<Error> {
    if bytes.is_empty() {
        return Some(Error::Empty);
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let prefix = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, known)| *known);
    prefix.or_else(|| labelled(text)).or_else(|| encoded(bytes, text)).map(error)
}

/// What a PEM label says.
fn labelled(text: &[u8]) -> Option<Known> {
    let label = asn1::pem::first_label(text).filter(|label| pem::of_label(*label).is_none())?;
    Some(match label {
        Label::CertificateRequest => REQUEST,
        Label::Pkcs7 | Label::Cms => PKCS7,
        Label::Pkcs12 => PEM_PKCS12,
        Label::Crl => CRL,
        Label::DhParameters | Label::X942DhParameters => DH,
        Label::DsaParameters => DSA,
        Label::EcParameters => EC,
        other => other.refusal()?,
    })
}

/// Text in another encoding, and other things in text.
fn encoded(bytes: &[u8], text: &[u8]) -> Option<Known> {
    let is_wide = |pair: &[u8]| matches!(pair, [0, 0x09..=0x7E] | [0x09..=0x7E, 0]);
    let has_mark = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    if bytes.len() >= 8
        && bytes.len().is_multiple_of(2)
        && bytes.chunks(2).skip(usize::from(has_mark)).take(32).all(is_wide)
    {
        return Some(UTF_16);
    }
    if text.get(..text.len().min(512)).is_some_and(|head| head.windows(13).any(|part| part == b"<RSAKeyValue>")) {
        return Some(XML);
    }
    let visible = || text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let count = visible().count();
    if text.len() < SHORTEST_TEXT {
        // A bare key in hexadecimal, with an end of line or without.
        let is_hex = matches!(count, 32 | 48 | 64) && visible().all(u8::is_ascii_hexdigit);
        return is_hex.then_some(HEX);
    }
    if count.is_multiple_of(2) && visible().all(|byte| byte.is_ascii_hexdigit() || *byte == b':') {
        return Some(HEX);
    }
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    (count.is_multiple_of(4) && visible().all(is_base64)).then_some(BASE64)
}

fn error((what, hint): Known) -> Error {
    Error::Foreign { what, hint }
}

/// The elements of a SEQUENCE.
fn tags(bytes: &[u8]) -> Vec<(Tag, &[u8])> {
    let contents = || {
        let mut reader = SliceReader::new(bytes).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        (header.tag() == Tag::Sequence).then(|| reader.read_slice(header.length()).ok())?
    };
    contents().map(elements).unwrap_or_default()
}

/// The first few elements of what is in a SEQUENCE; more than any structure that is told by them.
fn elements(contents: &[u8]) -> Vec<(Tag, &[u8])> {
    const MOST: usize = 10;
    let Ok(mut reader) = SliceReader::new(contents) else { return Vec::new() };
    let mut elements = Vec::new();
    while elements.len() < MOST
        && let Ok(header) = Header::decode(&mut reader)
        && let Ok(value) = reader.read_slice(header.length())
    {
        elements.push((header.tag(), value));
    }
    elements
}
