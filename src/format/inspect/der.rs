//! DER, element by element, with the names of RFC 5958, 8017, 5915, 5280, 7292.
//!
//! Written for files that may be damaged: it tells what it saw before the place where the encoding stops making sense, and which place that is. A
//! structure without a name here is shown by its ASN.1 type. Names go by places, so they hold of what is the structure that it is said to be: of
//! anything else, damaged or mislabelled, no value is shown but versions and object identifiers, as it could be a private one.

use der::asn1::ObjectIdentifier;

use super::{Field, Value};
use crate::asn1;
use crate::asn1::cms::ContentCipher;
use crate::blob::Hints;
use crate::format::decode::decode_each;
use crate::format::{Error, Format};
use crate::key::{Curve, ParameterSet, Validation};
use crate::secret::SecretBytes;

/// More fields than this are not told.
pub(in crate::format) const MAX_FIELDS: usize = 10_000;
const MAX_DEPTH: usize = 24;

/// Where DER stops making sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) struct Stop {
    pub(in crate::format) offset: usize,
    pub(in crate::format) problem: &'static str,
}

/// Whether the names of places can be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) enum Trust {
    /// The structure is what it is said to be.
    Structure,
    /// It is not: any value could be private.
    Nothing,
}

impl Trust {
    /// Reads a structure as what it is said to be. No password is tried, and no arithmetic done.
    pub(in crate::format) fn of(bytes: &[u8], format: Format) -> Self {
        let hints = Hints { validation: Validation::Skip, ..Hints::default() };
        let outcomes = decode_each(bytes, format, &hints);
        let error = match &outcomes {
            Err(error) => Some(error),
            Ok(outcomes) => outcomes.iter().find_map(|outcome| outcome.as_ref().err()),
        };
        let is_structure = match error.map(Error::innermost) {
            // The structure was read, and the numbers in it were not taken.
            None | Some(Error::Key(_) | Error::Asn1(asn1::Error::Key(_))) => true,
            // It was read up to what is encrypted.
            Some(Error::Asn1(
                asn1::Error::PasswordMissing
                | asn1::Error::PasswordWrong
                | asn1::Error::Scheme { .. }
                | asn1::Error::Work { .. },
            )) => true,
            // What has no private part was read whole before it was asked of which algorithm it is.
            Some(Error::Asn1(asn1::Error::Algorithm { .. })) => matches!(format, Format::Cert | Format::Spki),
            Some(_) => false,
        };
        if is_structure { Self::Structure } else { Self::Nothing }
    }
}

/// What an element is called and consists of.
pub(super) struct Element {
    name: &'static str,
    tag: u8,
    inside: Inside,
}

/// What is in an element.
#[derive(Clone, Copy)]
pub(super) enum Inside {
    /// It is one of these, by its tag.
    Choice(&'static [Element]),
    /// Any number of elements, each of which is one of these by its tag.
    Each(&'static [Element]),
    /// Elements in this order, some of which may be missing.
    Elements(&'static [Element]),
    /// One of these numbers.
    Version(&'static [u8]),
    /// Whatever its tags say, all of it public.
    Public,
    /// A private value.
    Private,
    /// The bytes of a private key: a structure of its own, or the key itself.
    PrivateKey,
    /// The bits of a public key: a structure of its own, or the key itself.
    PublicKey,
}

pub(super) const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const ANY: u8 = 0x00;

pub(super) const fn element(name: &'static str, tag: u8, inside: Inside) -> Element {
    Element { name, tag, inside }
}

/// The version of a structure: one of these.
pub(super) const fn version(known: &'static [u8]) -> Element {
    element("version", INTEGER, Inside::Version(known))
}

pub(super) const ALGORITHM: &[Element] =
    &[element("algorithm", OID, Inside::Public), element("parameters", ANY, Inside::Public)];

/// RFC 5958 §2.
const PRIVATE_KEY_INFO: &[Element] = &[
    version(&[0, 1]),
    element("privateKeyAlgorithm", SEQUENCE, Inside::Elements(ALGORITHM)),
    element("privateKey", OCTET_STRING, Inside::PrivateKey),
    element("attributes", 0xA0, Inside::Public),
    element("publicKey", 0x81, Inside::PublicKey),
];
/// RFC 5958 §3.
const ENCRYPTED: &[Element] = &[
    element("encryptionAlgorithm", SEQUENCE, Inside::Elements(ALGORITHM)),
    element("encryptedData", OCTET_STRING, Inside::Private),
];
/// RFC 8017 appendix A.1.
const RSA_PUBLIC: &[Element] =
    &[element("modulus", INTEGER, Inside::Public), element("publicExponent", INTEGER, Inside::Public)];
const RSA_PRIVATE: &[Element] = &[
    version(&[0, 1]),
    element("modulus", INTEGER, Inside::Public),
    element("publicExponent", INTEGER, Inside::Public),
    element("privateExponent", INTEGER, Inside::Private),
    element("prime1", INTEGER, Inside::Private),
    element("prime2", INTEGER, Inside::Private),
    element("exponent1", INTEGER, Inside::Private),
    element("exponent2", INTEGER, Inside::Private),
    element("coefficient", INTEGER, Inside::Private),
    element("otherPrimeInfos", SEQUENCE, Inside::Private),
];
/// RFC 5915 §3.
const EC_PRIVATE: &[Element] = &[
    version(&[1]),
    element("privateKey", OCTET_STRING, Inside::Private),
    element("parameters", 0xA0, Inside::Public),
    element("publicKey", 0xA1, Inside::Public),
];
/// OpenSSL's.
const DSA_PRIVATE: &[Element] = &[
    version(&[0]),
    element("p", INTEGER, Inside::Public),
    element("q", INTEGER, Inside::Public),
    element("g", INTEGER, Inside::Public),
    element("y", INTEGER, Inside::Public),
    element("x", INTEGER, Inside::Private),
];
/// RFC 5280 §4.1.
pub(super) const SPKI: &[Element] = &[
    element("algorithm", SEQUENCE, Inside::Elements(ALGORITHM)),
    element("subjectPublicKey", BIT_STRING, Inside::PublicKey),
];
pub(super) const CERTIFICATE: &[Element] = &[
    element(
        "tbsCertificate",
        SEQUENCE,
        Inside::Elements(&[
            element("version", 0xA0, Inside::Public),
            element("serialNumber", INTEGER, Inside::Public),
            element("signature", SEQUENCE, Inside::Elements(ALGORITHM)),
            element("issuer", SEQUENCE, Inside::Public),
            element("validity", SEQUENCE, Inside::Public),
            element("subject", SEQUENCE, Inside::Public),
            element("subjectPublicKeyInfo", SEQUENCE, Inside::Elements(SPKI)),
            element("issuerUniqueID", 0x81, Inside::Public),
            element("subjectUniqueID", 0x82, Inside::Public),
            element("extensions", 0xA3, Inside::Public),
        ]),
    ),
    element("signatureAlgorithm", SEQUENCE, Inside::Elements(ALGORITHM)),
    element("signatureValue", BIT_STRING, Inside::Public),
];
/// RFC 7292 §4. What is inside the OCTET STRINGs is told once the file has been opened.
const PFX: &[Element] = &[
    version(&[3]),
    element(
        "authSafe",
        SEQUENCE,
        Inside::Elements(&[element("contentType", OID, Inside::Public), element("content", 0xA0, Inside::Private)]),
    ),
    element("macData", SEQUENCE, Inside::Public),
];

/// The structure of a format and its name.
fn structure(format: Format, bytes: &[u8]) -> (&'static str, &'static [Element]) {
    match format {
        Format::Cert => ("Certificate", CERTIFICATE),
        Format::Dsa => ("DSAPrivateKey", DSA_PRIVATE),
        Format::Pkcs1 => ("RSAPrivateKey", RSA_PRIVATE),
        Format::Pkcs1Public => ("RSAPublicKey", RSA_PUBLIC),
        Format::Pkcs12 => ("PFX", PFX),
        Format::Sec1 => ("ECPrivateKey", EC_PRIVATE),
        Format::Spki => ("SubjectPublicKeyInfo", SPKI),
        _ if crate::asn1::pkcs8::is_encrypted(bytes) => ("EncryptedPrivateKeyInfo", ENCRYPTED),
        _ => ("PrivateKeyInfo", PRIVATE_KEY_INFO),
    }
}

/// Tells the elements of a structure, up to where it stops making sense.
pub(in crate::format) fn walk(
    fields: &mut Vec<Field>,
    bytes: &[u8],
    format: Format,
    depth: usize,
    trust: Trust,
) -> Result<(), Stop> {
    walk_as(fields, bytes, structure(format, bytes), depth, trust)
}

/// The same of a structure that is no format of its own.
pub(super) fn walk_as(
    fields: &mut Vec<Field>,
    bytes: &[u8],
    (name, elements): (&'static str, &'static [Element]),
    depth: usize,
    trust: Trust,
) -> Result<(), Stop> {
    let mut walker = Walker { fields, bytes, trust };
    let outer = walker.header(0, bytes.len())?;
    if outer.tag != SEQUENCE {
        return Err(Stop { offset: 0, problem: "it is no SEQUENCE" });
    }
    walker.field(name, outer.start, outer.end - outer.start, depth, Value::Structure)?;
    walker.elements(&outer, elements, depth + 1)?;
    if let Some(stop) = outer.cut_off() {
        return Err(stop);
    }
    if outer.end == bytes.len() {
        Ok(())
    } else {
        Err(Stop { offset: outer.end, problem: "something follows the structure" })
    }
}

/// An element's place.
#[derive(Clone, Copy)]
struct Place {
    tag: u8,
    start: usize,
    content: usize,
    /// Where it ends, at the latest where what holds it does.
    end: usize,
    /// Whether it is said to be longer.
    is_cut: bool,
}

impl Place {
    fn cut_off(&self) -> Option<Stop> {
        self.is_cut.then_some(Stop { offset: self.end, problem: "it ends inside an element" })
    }
}

struct Walker<'f, 'a> {
    fields: &'f mut Vec<Field>,
    bytes: &'a [u8],
    trust: Trust,
}

impl Walker<'_, '_> {
    /// Reads a tag and a length. What reaches beyond `limit` is cut off there.
    fn header(&self, start: usize, limit: usize) -> Result<Place, Stop> {
        let stop = |problem| Stop { offset: start, problem };
        let mut rest = self.bytes.get(start..limit).unwrap_or_default().iter();
        let tag = *rest.next().ok_or_else(|| stop("an element is missing"))?;
        if tag & 0x1F == 0x1F {
            return Err(stop("a tag has a number that no structure here has"));
        }
        let first = *rest.next().ok_or_else(|| stop("an element has no length"))?;
        let mut len = usize::from(first);
        let mut content = start + 2;
        if first >= 0x80 {
            let octets = usize::from(first & 0x7F);
            if !(1..=4).contains(&octets) {
                return Err(stop("an element has a length that DER does not have"));
            }
            len = 0;
            for _ in 0..octets {
                len = len << 8 | usize::from(*rest.next().ok_or_else(|| stop("a length is cut off"))?);
            }
            content += octets;
        }
        let end = content.saturating_add(len);
        Ok(Place { tag, start, content: content.min(limit), end: end.min(limit), is_cut: end > limit })
    }

    fn field(
        &mut self,
        name: impl Into<std::borrow::Cow<'static, str>>,
        offset: usize,
        length: usize,
        depth: usize,
        value: Value,
    ) -> Result<(), Stop> {
        if self.fields.len() >= MAX_FIELDS || depth > MAX_DEPTH {
            return Err(Stop { offset, problem: "there are more elements than are told" });
        }
        self.fields.push(Field::new(name, offset, length, depth, value));
        Ok(())
    }

    fn content(&self, place: &Place) -> &[u8] {
        self.bytes.get(place.content..place.end).unwrap_or_default()
    }

    /// The elements of a structure that is known.
    fn elements(&mut self, outer: &Place, known: &'static [Element], depth: usize) -> Result<(), Stop> {
        let (mut at, mut left) = (outer.content, known.iter());
        // What may be missing has a context-specific tag, or stands last.
        let optional = |element: &Element| {
            element.tag >= 0x80 || matches!(element.name, "parameters" | "otherPrimeInfos" | "macData")
        };
        while at < outer.end {
            let place = self.header(at, outer.end)?;
            let element = left.find(|element| !optional(element) || element.tag == ANY || element.tag == place.tag);
            let element = element.filter(|element| element.tag == ANY || element.tag == place.tag);
            let element = element
                .ok_or(Stop { offset: at, problem: "there is an element that the structure does not have there" })?;
            self.element(&place, element.name, element.inside, depth)?;
            at = place.end;
        }
        if let Some(stop) = outer.cut_off() {
            return Err(stop);
        }
        match left.find(|element| !optional(element)) {
            Some(_) => Err(Stop { offset: outer.end, problem: "an element is missing" }),
            None => Ok(()),
        }
    }

    fn element(&mut self, place: &Place, name: &'static str, inside: Inside, depth: usize) -> Result<(), Stop> {
        let (content, length) = (place.content, place.end - place.content);
        if let (true, Some(stop)) = (place.tag & 0x20 == 0, place.cut_off()) {
            return Err(stop);
        }
        let private = |walker: &Self| Value::Private(SecretBytes::from(walker.content(place)));
        match inside {
            Inside::Choice(known) => {
                let problem = "there is an element that the structure does not have there";
                let chosen = known.iter().find(|element| element.tag == place.tag);
                let chosen = chosen.ok_or(Stop { offset: place.start, problem })?;
                self.element(place, chosen.name, chosen.inside, depth)
            }
            Inside::Each(known) => {
                self.field(name, place.start, place.end - place.start, depth, Value::Structure)?;
                let mut at = place.content;
                while at < place.end {
                    let inner = self.header(at, place.end)?;
                    self.element(&inner, name, Inside::Choice(known), depth + 1)?;
                    at = inner.end;
                }
                place.cut_off().map_or(Ok(()), Err)
            }
            Inside::Elements(known) => {
                self.field(name, place.start, place.end - place.start, depth, Value::Structure)?;
                self.elements(place, known, depth + 1)
            }
            Inside::Version(known) => {
                let is_known = matches!(self.content(place), [version] if known.contains(version));
                self.any(place, name, depth)?;
                let problem = "the structure has no such version";
                if is_known { Ok(()) } else { Err(Stop { offset: place.start, problem }) }
            }
            Inside::Public => self.any(place, name, depth),
            Inside::Private => self.field(name, content, length, depth, private(self)),
            Inside::PrivateKey => match self.inner(content, place.end) {
                Some((inner, known)) => {
                    self.field(name, place.start, place.end - place.start, depth, Value::Structure)?;
                    self.elements(&inner, known, depth + 1)
                }
                None => self.field(name, content, length, depth, private(self)),
            },
            Inside::PublicKey => {
                // A BIT STRING begins with the number of its unused bits.
                match self.inner(content + 1, place.end) {
                    Some((inner, known)) => {
                        self.field(name, place.start, place.end - place.start, depth, Value::Structure)?;
                        self.elements(&inner, known, depth + 1)
                    }
                    None => self.any(place, name, depth),
                }
            }
        }
    }

    /// The structure that fills a string, if it is one of those that keys are made of.
    fn inner(&self, from: usize, to: usize) -> Option<(Place, &'static [Element])> {
        let place =
            self.header(from, to).ok().filter(|place| place.tag == SEQUENCE && place.end == to && !place.is_cut)?;
        match crate::format::sniff::sniff_der(self.bytes.get(from..to)?)? {
            Format::Pkcs1 => Some((place, RSA_PRIVATE)),
            Format::Pkcs1Public => Some((place, RSA_PUBLIC)),
            Format::Sec1 => Some((place, EC_PRIVATE)),
            _ => None,
        }
    }

    /// An element of which only the tag is known; all of it is public.
    fn any(&mut self, place: &Place, name: &'static str, depth: usize) -> Result<(), Stop> {
        if let (true, Some(stop)) = (place.tag & 0x20 == 0, place.cut_off()) {
            return Err(stop);
        }
        if place.tag & 0x20 != 0 {
            self.field(name, place.start, place.end - place.start, depth, Value::Structure)?;
            let mut at = place.content;
            while at < place.end {
                let inner = self.header(at, place.end)?;
                self.any(&inner, type_name(inner.tag), depth + 1)?;
                at = inner.end;
            }
            return place.cut_off().map_or(Ok(()), Err);
        }
        let content = self.content(place);
        // A version has one octet, and no object identifier that matters here as many as a key.
        let is_harmless = match place.tag {
            INTEGER => name == "version" && content.len() == 1,
            OID => content.len() <= 12,
            _ => content.is_empty(),
        };
        let value = match place.tag {
            _ if self.trust == Trust::Nothing && !is_harmless => Value::Private(SecretBytes::from(content)),
            OID => ObjectIdentifier::from_bytes(content)
                .map_or_else(|_| Value::Public(content.to_vec()), |oid| Value::Text(oid_text(&oid))),
            INTEGER => match content {
                [first, ..] if *first < 0x80 && content.len() <= 8 => {
                    Value::Number(content.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
                }
                _ => Value::Public(content.to_vec()),
            },
            // UTF8String, PrintableString, T61String, IA5String, UTCTime, GeneralizedTime.
            0x0C | 0x13 | 0x14 | 0x16 | 0x17 | 0x18 => match str::from_utf8(content) {
                Ok(text) => Value::Text(crate::format::entry::printable(text)),
                Err(_) => Value::Public(content.to_vec()),
            },
            _ => Value::Public(content.to_vec()),
        };
        self.field(name, place.content, place.end - place.content, depth, value)
    }
}

fn type_name(tag: u8) -> &'static str {
    match tag {
        0x01 => "BOOLEAN",
        INTEGER => "INTEGER",
        BIT_STRING => "BIT STRING",
        OCTET_STRING => "OCTET STRING",
        0x05 => "NULL",
        OID => "OBJECT IDENTIFIER",
        0x0C | 0x13 | 0x14 | 0x16 | 0x1E => "string",
        0x17 | 0x18 => "time",
        SEQUENCE => "SEQUENCE",
        0x31 => "SET",
        tag if tag & 0xC0 == 0x80 => "[tagged]",
        _ => "element",
    }
}

/// An OID with the name that goes with it.
fn oid_text(oid: &ObjectIdentifier) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("1.2.840.113549.1.1.1", "rsaEncryption"),
        ("1.2.840.113549.1.1.7", "id-RSAES-OAEP"),
        ("1.2.840.113549.1.1.8", "id-mgf1"),
        ("1.2.840.113549.1.1.9", "id-pSpecified"),
        ("1.2.840.113549.1.1.10", "id-RSASSA-PSS"),
        ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
        ("1.2.840.10045.2.1", "id-ecPublicKey"),
        ("1.2.840.10045.1.1", "prime-field"),
        ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
        ("1.2.840.10040.4.1", "id-dsa"),
        ("1.2.840.113549.1.3.1", "dhKeyAgreement"),
        ("1.2.840.10046.2.1", "dhpublicnumber"),
        ("1.2.840.113549.1.5.12", "id-PBKDF2"),
        ("1.2.840.113549.1.5.13", "id-PBES2"),
        ("1.3.6.1.4.1.11591.4.11", "id-scrypt"),
        ("1.2.840.113549.1.12.1.3", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
        ("1.2.840.113549.1.7.1", "id-data"),
        ("1.2.840.113549.1.7.3", "id-envelopedData"),
        ("1.2.840.113549.2.7", "hmacWithSHA1"),
        ("1.2.840.113549.2.9", "hmacWithSHA256"),
        ("1.2.840.113549.2.10", "hmacWithSHA384"),
        ("1.2.840.113549.2.11", "hmacWithSHA512"),
        ("1.2.840.113549.3.7", "des-ede3-cbc"),
        ("2.16.840.1.101.3.4.1.2", "aes128-CBC"),
        ("2.16.840.1.101.3.4.1.22", "aes192-CBC"),
        ("2.16.840.1.101.3.4.1.42", "aes256-CBC"),
        ("2.16.840.1.101.3.4.2.1", "id-sha256"),
        ("2.16.840.1.101.3.4.2.2", "id-sha384"),
        ("2.16.840.1.101.3.4.2.3", "id-sha512"),
        ("1.3.14.3.2.26", "id-sha1"),
        ("2.5.29.15", "id-ce-keyUsage"),
        ("2.5.4.3", "id-at-commonName"),
    ];
    let text = oid.to_string();
    let known = NAMES.iter().find(|(known, _)| *known == text).map(|(_, name)| (*name).to_owned());
    let known = known.or_else(|| Curve::by_oid(&text).ok().map(|curve| curve.name.to_owned()));
    let known = known.or_else(|| ParameterSet::by_oid(&text).map(ParameterSet::full_name));
    match known.or_else(|| ContentCipher::by_oid(&text).map(|cipher| cipher.name().to_owned())) {
        Some(name) => format!("{text} ({name})"),
        None => text,
    }
}
