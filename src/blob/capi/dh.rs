//! `CAPIDHPUBLICBLOB`, `CAPIDHPRIVATEBLOB`: `BLOBHEADER`, a header, then little-endian numbers. The letters of the magics follow a zero byte.
//!
//! | offset | size | field, version 3 | `DH3` | `DH4` |
//! |---|---|---|---|---|
//! | 0 | 8 | [`BLOBHEADER`](super), version 3; aiKeyAlg `CALG_DH_SF` or `CALG_DH_EPHEM` | ✓ | ✓ |
//! | 8 | 4 LE | magic | ✓ | ✓ |
//! | 12 | 4 LE | bitlenP | ✓ | ✓ |
//! | 16 | 4 LE | bitlenQ, 0 where q is unknown | ✓ | ✓ |
//! | 20 | 4 LE | bitlenJ, 0 where j is unknown | ✓ | ✓ |
//! | 24 | 4 LE | bitlenX | | ✓ |
//! | … | 24 | `DSSSEED`: counter (4 LE), seed (20) | ✓ | ✓ |
//! | … | | p, q, g, j, y, each of its bit length (g and y of p's) | ✓ | ✓ |
//! | … | of bitlenX | x | | ✓ |
//!
//! | offset | size | field, version 2 | `DH1` | `DH2` |
//! |---|---|---|---|---|
//! | 0 | 8 | [`BLOBHEADER`](super), version 2 | ✓ | ✓ |
//! | 8 | 4 LE | magic | ✓ | ✓ |
//! | 12 | 4 LE | bitlen, of p | ✓ | ✓ |
//! | 16 | bitlen/8 | p | | ✓ |
//! | … | bitlen/8 | g | | ✓ |
//! | … | bitlen/8 | x | | ✓ |
//! | 16 | bitlen/8 | y | ✓ | |
//!
//! CNG documents the version 3 forms, which are written with `CALG_DH_EPHEM`. Those of version 2 are read as far as they hold a key: a
//! private blob without its y, which is computed; a public one has y without p and g, and is refused.

use super::version3::{SEED, Version3};
use super::{BitLength, Form, VERSION_2, VERSION_3, byte_bits, expected, form, reversed};
use crate::blob::dh::decoded;
use crate::blob::dsa::{SHORT_SEED, evidence, evidence_fields};
use crate::blob::writer::Writer;
use crate::blob::{BlobType, Decoded, Error, Hints, Reader, magic};
use crate::key;
use crate::key::dh::{Parameters, PrivateKey, PublicKey};
use crate::secret::SecretBytes;

/// `CALG_DH_SF`
const CALG_DH_SF: u32 = 0xAA01;
/// `CALG_DH_EPHEM`
pub(super) const CALG_DH_EPHEM: u32 = 0xAA02;

const PUBLIC: Form = form(magic::DH3, VERSION_3, false);
const PRIVATE: Form = form(magic::DH4, VERSION_3, true);
static FORMS: &[Form] = &[PUBLIC, PRIVATE, form(magic::DH1, VERSION_2, false), form(magic::DH2, VERSION_2, true)];

/// A decoded blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct DhBlob<'a>(Numbers<'a>);

#[derive(Clone, Copy)]
enum Numbers<'a> {
    /// Version 3.
    All(Version3<'a>),
    /// Version 2, private: p, g, x.
    WithoutPublic([&'a [u8]; 3]),
    /// Version 2, public: y.
    PublicAlone,
}

impl<'a> DhBlob<'a> {
    /// Decodes a public or private blob of either version.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), None)
    }

    pub(in crate::blob) fn read(reader: &mut Reader<'a>, private: Option<bool>) -> Result<Self, Error> {
        let expected = expected(private, [BlobType::CapiDhPublic, BlobType::CapiDhPrivate], "a CryptoAPI DH blob");
        let (form, _) = Form::read(reader, FORMS, private, &[CALG_DH_EPHEM, CALG_DH_SF], expected)?;
        if form.version == VERSION_3 {
            return Ok(Self(Numbers::All(Version3::read(reader, form.private)?)));
        }
        let bitlen = BitLength::read(reader, "bitlen")?;
        let len = bitlen.bytes();
        reader.expect_rest("the payload", u64::from(len) * if form.private { 3 } else { 1 })?;
        let numbers = if form.private {
            let p = reader.public("p", len)?;
            bitlen.check_exact(p)?;
            Numbers::WithoutPublic([p, reader.public("g", len)?, reader.private("x", len)?])
        } else {
            reader.public("y", len)?;
            Numbers::PublicAlone
        };
        reader.expect_end()?;
        Ok(Self(numbers))
    }

    pub(in crate::blob) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        match self.0 {
            Numbers::All(blob) => {
                let [p, q, g, j, y] = [blob.p, blob.q, blob.g, blob.j, blob.y].map(reversed);
                let mut parameters = Parameters::new(&p, &g, hints.validation)?;
                if !q.is_empty() {
                    parameters = parameters.with_order(&q, hints.validation)?;
                }
                if !j.is_empty() {
                    parameters = parameters.with_cofactor(&j, hints.validation)?;
                }
                if let Some(evidence) = evidence(blob.counter, blob.seed) {
                    parameters = parameters.with_evidence(evidence);
                }
                decoded(parameters, Some(&y), blob.x.map(reversed).as_deref(), hints)
            }
            Numbers::WithoutPublic(numbers) => {
                let [p, g, x]: [SecretBytes; 3] = numbers.map(reversed);
                decoded(Parameters::new(&p, &g, hints.validation)?, None, Some(&x), hints)
            }
            Numbers::PublicAlone => {
                let why = "a version 2 blob holds y without p and g";
                Err(key::Error::Missing { field: "the modulus p", why }.into())
            }
        }
    }
}

impl std::fmt::Debug for DhBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = match self.0 {
            Numbers::All(blob) => blob.p.len(),
            Numbers::WithoutPublic([p, ..]) => p.len(),
            Numbers::PublicAlone => 0,
        };
        f.debug_struct("DhBlob").field("p_bytes", &bytes).finish_non_exhaustive()
    }
}

pub(in crate::blob) fn write_public(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    write(writer, &PUBLIC, key, None)
}

pub(in crate::blob) fn write_private(writer: &mut Writer<impl AsMut<[u8]>>, key: &PrivateKey) -> Result<(), Error> {
    write(writer, &PRIVATE, key.public(), Some(key.x()))
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    form: &Form,
    key: &PublicKey,
    x: Option<&SecretBytes>,
) -> Result<(), Error> {
    let parameters = key.parameters();
    let (p, q, j) = (parameters.p(), parameters.q().unwrap_or_default(), parameters.j().unwrap_or_default());
    let (counter, seed) = evidence_fields(parameters.evidence(), &SHORT_SEED, SEED as usize);
    form.write(writer, CALG_DH_EPHEM)?;
    writer.u32("bitlenP", parameters.bits() as usize)?;
    writer.u32("bitlenQ", byte_bits(q))?;
    writer.u32("bitlenJ", byte_bits(j))?;
    if let Some(x) = x {
        writer.u32("bitlenX", byte_bits(x))?;
    }
    writer.bytes("counter", &counter.to_le_bytes())?;
    writer.bytes("seed", &seed)?;
    writer.number_le("p", p, p.len())?;
    writer.number_le("q", q, q.len())?;
    writer.number_le("g", parameters.g(), p.len())?;
    writer.number_le("j", j, j.len())?;
    writer.number_le("y", key.y(), p.len())?;
    x.map_or(Ok(()), |x| writer.number_le("x", x, byte_bits(x) / 8))
}
