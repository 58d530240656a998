//! `SafeContents`: the bags, and the attributes that name what is in them (RFC 7292 §4.2).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};

use super::{Ignored, oid};
use crate::asn1::Error;
use crate::asn1::pbe::{self, Budget, Parameters};

const WHAT: &str = "SafeContents";

/// Bags in bags in bags: more than anyone writes.
const MAX_DEPTH: usize = 8;

/// RFC 7292 §4.2.
pub(super) const KEY: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
pub(super) const SHROUDED_KEY: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
pub(super) const CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
const CRL: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.4");
const SECRET: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.5");
const SAFE_CONTENTS: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.6");

/// RFC 7292 §4.2.3: x509Certificate.
pub(super) const X509: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");

/// RFC 2985 §5.5.1, §5.5.2.
const FRIENDLY_NAME: ObjectIdentifier = oid("1.2.840.113549.1.9.20");
const LOCAL_KEY_ID: ObjectIdentifier = oid("1.2.840.113549.1.9.21");

#[derive(Sequence)]
pub(super) struct SafeBag<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
    pub(super) attributes: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub(super) struct CertBag<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
}

#[derive(Sequence)]
struct Attribute<'a> {
    id: ObjectIdentifier,
    values: AnyRef<'a>,
}

/// What is in a bag.
pub(super) enum Content<'a> {
    Key(AnyRef<'a>),
    ShroudedKey(Parameters<'a>, &'a [u8]),
    Certificate(&'a [u8]),
}

/// A bag that holds a key or a certificate.
pub(super) struct Bag<'a> {
    pub(super) content: Content<'a>,
    pub(super) names: Names,
}

/// The attributes of a bag.
#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) friendly_name: Option<String>,
    pub(super) local_key_id: Option<Vec<u8>>,
}

/// Reads bags, and pays for those that are encrypted.
pub(super) struct Collector<'c> {
    pub(super) budget: &'c mut Budget,
    pub(super) ignored: &'c mut Ignored,
}

impl Collector<'_> {
    /// The bags of one `SafeContents`, nested ones among them.
    pub(super) fn collect<'a>(&mut self, der: &'a [u8]) -> Result<Vec<Bag<'a>>, Error> {
        let mut bags = Vec::new();
        self.collect_into(&mut bags, sequence_of(WHAT, der)?, MAX_DEPTH)?;
        Ok(bags)
    }

    fn collect_into<'a>(&mut self, bags: &mut Vec<Bag<'a>>, all: &'a [u8], depth: usize) -> Result<(), Error> {
        let wrong = |error| Error::from((WHAT, error));
        let mut reader = SliceReader::new(all).map_err(wrong)?;
        while !reader.is_finished() {
            let bag = SafeBag::decode(&mut reader).map_err(wrong)?;
            let content = match bag.id {
                KEY => Content::Key(bag.value),
                SHROUDED_KEY => {
                    let (parameters, data) = pbe::encrypted_parts(bag.value, self.budget)?;
                    Content::ShroudedKey(parameters, data)
                }
                CERTIFICATE => {
                    let bag: CertBag<'a> = bag.value.decode_as().map_err(|error| Error::from(("CertBag", error)))?;
                    if bag.id != X509 {
                        self.ignored.other_certificates += 1;
                        continue;
                    }
                    Content::Certificate(octets("CertBag", bag.value)?)
                }
                SAFE_CONTENTS => {
                    let Some(inner) = depth.checked_sub(1).filter(|_| bag.value.tag() == Tag::Sequence) else {
                        return Err(Error::Invalid { what: WHAT, problem: "a nested bag is malformed or too deep" });
                    };
                    self.collect_into(bags, bag.value.value(), inner)?;
                    continue;
                }
                CRL => {
                    self.ignored.crls += 1;
                    continue;
                }
                SECRET => {
                    self.ignored.secrets += 1;
                    continue;
                }
                _ => {
                    self.ignored.unknown += 1;
                    continue;
                }
            };
            bags.push(Bag { content, names: Names::read(bag.attributes)? });
        }
        Ok(())
    }
}

impl Names {
    fn read(attributes: Option<AnyRef<'_>>) -> Result<Self, Error> {
        const WHAT: &str = "the attributes of a bag";
        let wrong = |error| Error::from((WHAT, error));
        let mut names = Self::default();
        let Some(attributes) = attributes else { return Ok(names) };
        if attributes.tag() != Tag::Set {
            return Err(Error::Invalid { what: WHAT, problem: "they are no SET" });
        }
        let mut reader = SliceReader::new(attributes.value()).map_err(wrong)?;
        while !reader.is_finished() {
            let attribute = Attribute::decode(&mut reader).map_err(wrong)?;
            if attribute.values.tag() != Tag::Set {
                return Err(Error::Invalid { what: WHAT, problem: "the values of one are no SET" });
            }
            let mut values = SliceReader::new(attribute.values.value()).map_err(wrong)?;
            match attribute.id {
                FRIENDLY_NAME if !values.is_finished() => {
                    names.friendly_name = friendly_name(AnyRef::decode(&mut values).map_err(wrong)?)?;
                }
                LOCAL_KEY_ID if !values.is_finished() => {
                    let id = AnyRef::decode(&mut values).map_err(wrong)?;
                    names.local_key_id = Some(octets("localKeyId", id)?.to_vec());
                }
                _ => {}
            }
        }
        Ok(names)
    }

    /// The attributes in DER, the SET around them; nothing if there are none.
    pub(super) fn to_der(&self) -> der::Result<Option<Vec<u8>>> {
        let mut attributes = Vec::new();
        if let Some(name) = &self.friendly_name {
            let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
            attributes.push(attribute(FRIENDLY_NAME, AnyRef::new(Tag::BmpString, &units)?)?);
        }
        if let Some(id) = &self.local_key_id {
            attributes.push(attribute(LOCAL_KEY_ID, AnyRef::new(Tag::OctetString, id)?)?);
        }
        if attributes.is_empty() {
            return Ok(None);
        }
        // X.690 §11.6: a SET OF in ascending order.
        attributes.sort();
        AnyRef::new(Tag::Set, &attributes.concat())?.to_der().map(Some)
    }
}

fn attribute(id: ObjectIdentifier, value: AnyRef<'_>) -> der::Result<Vec<u8>> {
    let value = value.to_der()?;
    Attribute { id, values: AnyRef::new(Tag::Set, &value)? }.to_der()
}

/// A BMPString, in practice UTF-16 (RFC 2985 §5.5.1). Some programs end it with a NUL.
fn friendly_name(value: AnyRef<'_>) -> Result<Option<String>, Error> {
    let invalid = |problem| Error::Invalid { what: "friendlyName", problem };
    let (units, rest) = value.value().as_chunks::<2>();
    if value.tag() != Tag::BmpString || !rest.is_empty() {
        return Err(invalid("it is no BMPString"));
    }
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    let name = String::from_utf16(&units).map_err(|_| invalid("it is not valid UTF-16"))?;
    Ok(Some(name.trim_end_matches('\0').to_owned()).filter(|name| !name.is_empty()))
}

/// The contents of a SEQUENCE OF that is the whole of its input.
pub(super) fn sequence_of<'a>(what: &'static str, der: &'a [u8]) -> Result<&'a [u8], Error> {
    let all: AnyRef<'a> = crate::asn1::decode(what, der)?;
    match all.tag() {
        Tag::Sequence => Ok(all.value()),
        _ => Err(Error::Invalid { what, problem: "it is no SEQUENCE" }),
    }
}

pub(super) fn octets<'a>(what: &'static str, value: AnyRef<'a>) -> Result<&'a [u8], Error> {
    let octets: &'a OctetStringRef = value.decode_as().map_err(|error| Error::from((what, error)))?;
    Ok(octets.as_bytes())
}
