//! Private keys of ML-DSA (RFC 9881 §6), ML-KEM (RFC 9935 §6) and SLH-DSA (RFC 9909 §6) inside PKCS#8.
//!
//! Of ML-DSA and ML-KEM a CHOICE: the seed under `[0]`, the expanded key as an OCTET STRING, or a SEQUENCE of both. Of SLH-DSA the bare bytes.
//! Read besides: what was written before those RFCs were done, which is the seed, the expanded key, or the expanded key and the public key
//! behind it, bare or in an OCTET STRING. Written: the seed where there is one, as the RFCs recommend, else the expanded key. (OpenSSL 3.5
//! writes both; the expanded key follows from the seed.)

use der::asn1::{ContextSpecific, OctetStringRef};
use der::{Sequence, Tag, TagMode, TagNumber};

use super::{Error, encode_secret};
use crate::key::pq::{Parts, PrivateKey};
use crate::key::{ParameterSet, Validation};
use crate::secret::SecretBytes;

const WHAT: &str = "the private key of a post-quantum algorithm";

#[derive(Sequence)]
struct Both<'a> {
    seed: &'a OctetStringRef,
    expanded: &'a OctetStringRef,
}

/// Reads what PKCS#8 holds, with the public key beside it if there is one.
pub(super) fn read_private(
    set: ParameterSet,
    bytes: &[u8],
    public: Option<&[u8]>,
    validation: Validation,
) -> Result<PrivateKey, Error> {
    let parts = parts(set, bytes)?;
    if let (Some(inner), Some(outer)) = (parts.public, public)
        && inner != outer
    {
        let problem = "the public key behind it is not the one of the structure around it";
        return Err(Error::Invalid { what: WHAT, problem });
    }
    Ok(PrivateKey::new(set, Parts { public: parts.public.or(public), ..parts }, validation)?)
}

/// The form is told by its length where it is bare, by its tag where it is not: no form has the length of another.
fn parts(set: ParameterSet, bytes: &[u8]) -> Result<Parts<'_>, Error> {
    if let Some(parts) = bare(set, bytes) {
        return Ok(parts);
    }
    let problem = "it has the form of no such key of its parameter set";
    let unknown = Error::Invalid { what: WHAT, problem };
    match der::SliceReader::new(bytes).and_then(|reader| Tag::peek(&reader)).ok() {
        Some(Tag::OctetString) => {
            let inner: &OctetStringRef = super::decode(WHAT, bytes)?;
            bare(set, inner.as_bytes()).ok_or(unknown)
        }
        Some(Tag::Sequence) if set.seed_len().is_some() => {
            let both: Both<'_> = super::decode(WHAT, bytes)?;
            Ok(Parts { seed: Some(both.seed.as_bytes()), expanded: Some(both.expanded.as_bytes()), public: None })
        }
        Some(Tag::ContextSpecific { number: TagNumber(0), constructed: false }) if set.seed_len().is_some() => {
            let seed: Seed<'_> = super::decode(WHAT, bytes)?;
            Ok(Parts { seed: Some(seed.0), ..Parts::default() })
        }
        _ => Err(unknown),
    }
}

fn bare(set: ParameterSet, bytes: &[u8]) -> Option<Parts<'_>> {
    let len = bytes.len();
    if Some(len) == set.seed_len() {
        return Some(Parts { seed: Some(bytes), ..Parts::default() });
    }
    if len == set.expanded_len() {
        return Some(Parts { expanded: Some(bytes), ..Parts::default() });
    }
    let (expanded, public) = bytes.split_at_checked(set.expanded_len())?;
    (public.len() == set.public_len()).then_some(Parts { seed: None, expanded: Some(expanded), public: Some(public) })
}

/// `[0] IMPLICIT OCTET STRING`.
struct Seed<'a>(&'a [u8]);

impl<'a> der::Decode<'a> for Seed<'a> {
    type Error = der::Error;

    fn decode<R: der::Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let seed = ContextSpecific::<&OctetStringRef>::decode_implicit(reader, TagNumber(0))?;
        let seed = seed.ok_or_else(|| reader.error(Tag::OctetString.value_error()))?;
        Ok(Self(seed.value.as_bytes()))
    }
}

pub(super) fn write_private(key: &PrivateKey) -> Result<SecretBytes, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    if let Some(seed) = key.seed() {
        let value = OctetStringRef::new(seed).map_err(wrong)?;
        return encode_secret(&ContextSpecific { tag_number: TagNumber(0), tag_mode: TagMode::Implicit, value });
    }
    let missing = Error::Invalid { what: WHAT, problem: "there is neither a seed nor an expanded key" };
    let expanded = key.expanded().ok_or(missing)?;
    if key.set().seed_len().is_none() {
        return Ok(expanded.clone());
    }
    encode_secret(&OctetStringRef::new(expanded).map_err(wrong)?)
}
