//! BIND's private key files, `K<name>+<algorithm>+<tag>.private`, version 1.2 and 1.3 (RFC 8624 for the algorithms; the text itself is
//! `lib/dns/dst_parse.c` of BIND 9).
//!
//! A line is `Name: value`; every number is base64 of its big-endian bytes. The lines that tell when a DNS key is published and used, and the
//! number of bits of an HMAC key, are not part of a key: they are named as what a conversion drops, and never written.
//!
//! | number | mnemonic | lines |
//! |---|---|---|
//! | 1, 5, 7, 8, 10 | RSAMD5, RSASHA1, NSEC3RSASHA1, RSASHA256, RSASHA512 | Modulus, PublicExponent, PrivateExponent, Prime1, Prime2, Exponent1, Exponent2, Coefficient |
//! | 2 | DH | Prime(p), Generator(g), Private_value(x), Public_value(y) |
//! | 3, 6 | DSA, NSEC3DSA | Prime(p), Subprime(q), Base(g), Private_value(x), Public_value(y) |
//! | 13, 14, 15, 16 | ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448 | PrivateKey |
//! | 157, 161 … 165 | HMAC_MD5, HMAC_SHA1, 224, 256, 384, 512 | Key |
//!
//! Written are version 1.3 and, where a kind of key has several numbers and none is asked for, RSASHA256, DSA and HMAC_SHA256: a CNG key does
//! not name a hash. The number that a file has stands beside its key.

use base64ct::{Base64, Encoding};

use super::entry::printable;
use super::{Entry, Error, Format, pem};
use crate::blob::{Decoded, Hints, pkcs8};
use crate::key::rsa::{self, PrivateNumbers};
use crate::key::{
    Algorithm, Curve, Family, KeyMaterial, PrivateKey, SymmetricAlgorithm, SymmetricKey, Validation, dh, dsa, ec,
};
use crate::secret::SecretBytes;

const FORMAT: Format = Format::Bind;
const FIRST: &str = "Private-key-format";

/// Files with more lines than this are refused.
const MAX_LINES: usize = 100;

/// How a kind of key is written in such a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Curve(&'static str),
    Dh,
    Dsa,
    Hmac,
    Rsa,
}

/// Numbers, BIND's names and kinds; of several numbers of a kind the first is written.
const ALGORITHMS: &[(u16, &str, Kind)] = &[
    (8, "RSASHA256", Kind::Rsa),
    (1, "RSA", Kind::Rsa),
    (5, "RSASHA1", Kind::Rsa),
    (7, "NSEC3RSASHA1", Kind::Rsa),
    (10, "RSASHA512", Kind::Rsa),
    (2, "DH", Kind::Dh),
    (3, "DSA", Kind::Dsa),
    (6, "NSEC3DSA", Kind::Dsa),
    (13, "ECDSAP256SHA256", Kind::Curve("nistP256")),
    (14, "ECDSAP384SHA384", Kind::Curve("nistP384")),
    (15, "ED25519", Kind::Curve("Ed25519")),
    (16, "ED448", Kind::Curve("Ed448")),
    (163, "HMAC_SHA256", Kind::Hmac),
    (157, "HMAC_MD5", Kind::Hmac),
    (161, "HMAC_SHA1", Kind::Hmac),
    (162, "HMAC_SHA224", Kind::Hmac),
    (164, "HMAC_SHA384", Kind::Hmac),
    (165, "HMAC_SHA512", Kind::Hmac),
];

/// Recognises the first line.
pub(super) fn sniff(bytes: &[u8]) -> Option<Format> {
    bytes.starts_with(FIRST.as_bytes()).then_some(FORMAT)
}

/// A line of the file.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Where the value begins.
    pub(super) offset: usize,
}

impl Line<'_> {
    /// Whether its value may be shown.
    pub(super) fn is_public(&self) -> bool {
        const PUBLIC: &[&str] = &[
            FIRST,
            "Algorithm",
            "Modulus",
            "PublicExponent",
            "Prime(p)",
            "Subprime(q)",
            "Base(g)",
            "Generator(g)",
            "Public_value(y)",
            "Bits",
            "Created",
            "Publish",
            "Activate",
            "Revoke",
            "Inactive",
            "Delete",
            "DSPublish",
            "SyncPublish",
            "SyncDelete",
            "Predecessor",
            "Successor",
            "MaxTTL",
            "RollPeriod",
            "Lifetime",
        ];
        PUBLIC.contains(&self.name)
    }
}

/// The lines of a file.
pub(super) fn lines(bytes: &[u8]) -> Result<Vec<Line<'_>>, Error> {
    let wrong = |offset, problem| Error::text(FORMAT, "the line", offset, problem);
    let text = str::from_utf8(bytes).map_err(|error| wrong(error.valid_up_to(), "it is not UTF-8"))?;
    let (mut lines, mut offset) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        if line.trim().is_empty() {
            continue;
        }
        if lines.len() == MAX_LINES {
            return Err(wrong(start, "there are more than 100, which no key has"));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| wrong(start, "it has no name and colon"))?;
        let at = start + name.len() + 1 + (value.len() - value.trim_start().len());
        let line = Line { name: name.trim(), value: value.trim(), offset: at };
        if lines.iter().any(|other: &Line<'_>| other.name == line.name) {
            return Err(Error::text(FORMAT, printable(line.name), at, "it stands there twice"));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The lines, taken one by one.
struct Lines<'a> {
    left: Vec<Line<'a>>,
    end: usize,
}

impl<'a> Lines<'a> {
    fn take(&mut self, name: &'static str) -> Result<Line<'a>, Error> {
        let at = self.left.iter().position(|line| line.name == name);
        at.map(|at| self.left.remove(at)).ok_or_else(|| Error::text(FORMAT, name, self.end, "it is missing"))
    }

    fn number(&mut self, name: &'static str) -> Result<SecretBytes, Error> {
        let line = self.take(name)?;
        let bytes = pem::base64::<Base64>(line.value.as_bytes()).filter(|bytes| !bytes.is_empty());
        bytes.ok_or_else(|| Error::text(FORMAT, name, line.offset, "it is not base64"))
    }
}

/// Reads a private key file.
pub(super) fn decode(bytes: &[u8], hints: &Hints<'_>) -> Result<Entry, Error> {
    let mut lines = Lines { left: lines(bytes)?, end: bytes.len() };
    let version = lines.take(FIRST)?;
    // A higher minor version may have more lines, and these are passed over.
    if !version.value.starts_with("v1.") {
        return Err(Error::text(FORMAT, FIRST, version.offset, "versions 1.2 and 1.3 are handled"));
    }
    let line = lines.take("Algorithm")?;
    let number = line.value.split(' ').next().and_then(|number| number.parse::<u16>().ok());
    let row = ALGORITHMS.iter().find(|(known, ..)| Some(*known) == number);
    let (number, _, kind) =
        row.ok_or_else(|| Error::text(FORMAT, "Algorithm", line.offset, "it is none that is handled"))?;
    let written = ALGORITHMS.iter().find(|(.., other)| other == kind).map(|(number, ..)| *number);
    let dnssec_algorithm = Some(*number).filter(|number| Some(*number) != written);
    let key = match kind {
        Kind::Hmac => {
            let key = SymmetricKey::new(SymmetricAlgorithm::Hmac, lines.number("Key")?)?;
            if hints.algorithm.is_some_and(|given| given.family != Family::Symmetric(SymmetricAlgorithm::Hmac)) {
                return Err(Error::not_representable(FORMAT, "a key of the algorithm that was given beside it"));
            }
            let algorithm = Algorithm::symmetric(SymmetricAlgorithm::Hmac);
            let decoded = Decoded { algorithm, key: KeyMaterial::Secret(key), usage: None };
            return Ok(Entry { dnssec_algorithm, extras: extras(&lines), ..decoded.into() });
        }
        kind => private(*kind, &mut lines, hints.validation)?,
    };
    let decoded = pkcs8::private_to_decoded(key, None, hints)?;
    Ok(Entry { dnssec_algorithm, extras: extras(&lines), ..decoded.into() })
}

/// The mnemonic of a number.
pub(super) fn mnemonic(number: u16) -> &'static str {
    ALGORITHMS.iter().find(|(known, ..)| *known == number).map_or("", |(_, mnemonic, _)| mnemonic)
}

fn extras(lines: &Lines<'_>) -> Vec<String> {
    lines.left.iter().map(|line| printable(line.name)).collect()
}

fn private(kind: Kind, lines: &mut Lines<'_>, validation: Validation) -> Result<PrivateKey, Error> {
    Ok(match kind {
        Kind::Rsa => {
            let public = rsa::PublicKey::new(&lines.number("Modulus")?, &lines.number("PublicExponent")?, validation)?;
            let numbers = PrivateNumbers {
                d: lines.number("PrivateExponent")?.trimmed(),
                p: lines.number("Prime1")?.trimmed(),
                q: lines.number("Prime2")?.trimmed(),
                dp: lines.number("Exponent1")?.trimmed(),
                dq: lines.number("Exponent2")?.trimmed(),
                qinv: lines.number("Coefficient")?.trimmed(),
            };
            PrivateKey::Rsa(rsa::PrivateKey::from_numbers(public, numbers, validation)?)
        }
        Kind::Dsa => {
            let (p, q, g) = (lines.number("Prime(p)")?, lines.number("Subprime(q)")?, lines.number("Base(g)")?);
            let parameters = dsa::Parameters::new(&p, &q, &g, None, validation)?;
            let (x, y) = (lines.number("Private_value(x)")?, lines.number("Public_value(y)")?);
            PrivateKey::Dsa(dsa::PrivateKey::new(parameters, &x, Some(&y), validation)?)
        }
        Kind::Dh => {
            let parameters =
                dh::Parameters::new(&lines.number("Prime(p)")?, &lines.number("Generator(g)")?, validation)?;
            let (x, y) = (lines.number("Private_value(x)")?, lines.number("Public_value(y)")?);
            PrivateKey::Dh(dh::PrivateKey::new(parameters, &x, Some(&y), validation)?)
        }
        Kind::Curve(name) => {
            let curve = Curve::by_name(name)?;
            PrivateKey::Ec(ec::PrivateKey::new(curve, &lines.number("PrivateKey")?, None, validation)?)
        }
        // It is no private key; the caller has dealt with it.
        Kind::Hmac => return Err(Error::not_representable(FORMAT, "an HMAC key as a private one")),
    })
}

/// Writes a private key file.
pub(super) fn encode(key: &KeyMaterial, asked: Option<u16>) -> Result<SecretBytes, Error> {
    let kind = kind(key).ok_or_else(|| Error::not_representable(FORMAT, refused(key)))?;
    let mut rows = ALGORITHMS.iter().filter(|row| row.2 == kind);
    let (number, mnemonic, _) =
        rows.find(|row| asked.is_none_or(|asked| row.0 == asked)).ok_or_else(|| match asked {
            Some(number) => {
                Error::not_representable(FORMAT, format!("{} as a key of algorithm {number}", refused(key)))
            }
            None => Error::not_representable(FORMAT, refused(key)),
        })?;
    let head = format!("{FIRST}: v1.3\nAlgorithm: {number} ({mnemonic})\n");
    let numbers = numbers(key);
    let line_len = |name: &str, value: &[u8]| name.len() + 2 + Base64::encoded_len(value) + 1;
    let len = head.len() + numbers.iter().map(|(name, value)| line_len(name, value)).sum::<usize>();
    let mut out = SecretBytes::zeroed(len);
    let (place, mut rest) = out.as_mut_slice().split_at_mut(head.len());
    place.copy_from_slice(head.as_bytes());
    for (name, value) in numbers {
        let (place, left) = rest.split_at_mut(line_len(name, value));
        let (start, value_place) = place.split_at_mut(name.len() + 2);
        start.copy_from_slice(format!("{name}: ").as_bytes());
        if let Some((end, digits)) = value_place.split_last_mut() {
            *end = b'\n';
            Base64::encode(value, digits).map_err(|_| Error::not_representable(FORMAT, "a number that long"))?;
        }
        rest = left;
    }
    Ok(out)
}

fn kind(key: &KeyMaterial) -> Option<Kind> {
    match key {
        KeyMaterial::Private(PrivateKey::Rsa(_)) => Some(Kind::Rsa),
        KeyMaterial::Private(PrivateKey::Dsa(_)) => Some(Kind::Dsa),
        KeyMaterial::Private(PrivateKey::Dh(_)) => Some(Kind::Dh),
        KeyMaterial::Private(PrivateKey::Ec(key)) => Some(Kind::Curve(key.curve().name)),
        KeyMaterial::Secret(key) if key.algorithm() == SymmetricAlgorithm::Hmac => Some(Kind::Hmac),
        KeyMaterial::Private(PrivateKey::Pq(_)) | KeyMaterial::Public(_) | KeyMaterial::Secret(_) => None,
    }
}

fn refused(key: &KeyMaterial) -> String {
    match key {
        KeyMaterial::Private(PrivateKey::Ec(key)) => {
            format!("a key on {}, which DNSSEC does not have", key.curve().name)
        }
        other => other.describe().to_owned(),
    }
}

/// The lines of a key, in BIND's order.
fn numbers(key: &KeyMaterial) -> Vec<(&'static str, &[u8])> {
    match key {
        KeyMaterial::Private(PrivateKey::Rsa(key)) => {
            let numbers = key.numbers();
            vec![
                ("Modulus", key.public().n()),
                ("PublicExponent", key.public().e()),
                ("PrivateExponent", &numbers.d),
                ("Prime1", &numbers.p),
                ("Prime2", &numbers.q),
                ("Exponent1", &numbers.dp),
                ("Exponent2", &numbers.dq),
                ("Coefficient", &numbers.qinv),
            ]
        }
        KeyMaterial::Private(PrivateKey::Dsa(key)) => {
            let parameters = key.public().parameters();
            vec![
                ("Prime(p)", parameters.p()),
                ("Subprime(q)", parameters.q()),
                ("Base(g)", parameters.g()),
                ("Private_value(x)", key.x()),
                ("Public_value(y)", key.public().y()),
            ]
        }
        KeyMaterial::Private(PrivateKey::Dh(key)) => {
            let parameters = key.public().parameters();
            vec![
                ("Prime(p)", parameters.p()),
                ("Generator(g)", parameters.g()),
                ("Private_value(x)", key.x()),
                ("Public_value(y)", key.public().y()),
            ]
        }
        KeyMaterial::Private(PrivateKey::Ec(key)) => vec![("PrivateKey", key.d())],
        KeyMaterial::Secret(key) => vec![("Key", key.key())],
        KeyMaterial::Private(PrivateKey::Pq(_)) | KeyMaterial::Public(_) => Vec::new(),
    }
}
