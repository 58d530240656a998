//! `CAPIDSAPUBLICBLOB`, `CAPIDSAPRIVATEBLOB`, `V2CAPIDSAPUBLICBLOB`, `V2CAPIDSAPRIVATEBLOB`: `BLOBHEADER`, `DSSPUBKEY`, then
//! little-endian numbers.
//!
//! | offset | size | field, version 2 | `DSS1` | `DSS2` |
//! |---|---|---|---|---|
//! | 0 | 8 | [`BLOBHEADER`](super), version 2; aiKeyAlg `CALG_DSS_SIGN` | ✓ | ✓ |
//! | 8 | 4 LE | magic | ✓ | ✓ |
//! | 12 | 4 LE | bitlen, of p | ✓ | ✓ |
//! | 16 | bitlen/8 | p | ✓ | ✓ |
//! | … | 20 | q | ✓ | ✓ |
//! | … | bitlen/8 | g | ✓ | ✓ |
//! | … | bitlen/8 | y | ✓ | |
//! | … | 20 | x | | ✓ |
//! | … | 24 | `DSSSEED`: counter (4 LE), seed (20) | ✓ | ✓ |
//!
//! A private blob has no y: it is computed. A counter of 0xFFFFFFFF says that counter and seed are unknown, whatever
//! stands in the seed; a known seed that has not 20 bytes is written so. The version 3 forms (`DSS3`,
//! `DSS4`) are those of [DH](super::dh); of a q, a seed and a j their j is read and dropped.
//!
//! Unconfirmed: the letters of version 3, so that it is read as a `CAPIDSA*` blob and never written; how `V2CAPIDSA*`, which CNG
//! documents as what CryptoAPI can import, differs from `CAPIDSA*`: both are read and written as version 2. Version 2 was made for
//! moduli of up to 1024 bits, beyond which nothing is written.

use super::version3::{SEED, Version3};
use super::{BitLength, Form, VERSION_2, VERSION_3, expected, form, reversed};
use crate::blob::dsa::{SHORT_SEED, decoded, evidence, evidence_fields};
use crate::blob::writer::Writer;
use crate::blob::{BlobType, Decoded, Error, Hints, Reader, magic};
use crate::key::dsa::{Parameters, PrivateKey, PublicKey};

/// `CALG_DSS_SIGN`
pub(super) const CALG_DSS_SIGN: u32 = 0x2200;
/// Bytes of q and of x.
const GROUP: u32 = 20;
/// Bits of the longest modulus that is written.
const LONGEST: u32 = 1024;

const PUBLIC: Form = form(magic::DSS1, VERSION_2, false);
const PRIVATE: Form = form(magic::DSS2, VERSION_2, true);
static FORMS: &[Form] = &[PUBLIC, PRIVATE, form(magic::DSS3, VERSION_3, false), form(magic::DSS4, VERSION_3, true)];
static V2_FORMS: &[Form] = &[PUBLIC, PRIVATE];

/// A decoded blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct DsaBlob<'a> {
    p: &'a [u8],
    q: &'a [u8],
    g: &'a [u8],
    y: Option<&'a [u8]>,
    x: Option<&'a [u8]>,
    counter: u32,
    seed: &'a [u8],
}

impl<'a> DsaBlob<'a> {
    /// Decodes a public or private blob of either version.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read_form(&mut Reader::new(bytes), FORMS, None, "a CryptoAPI DSA blob")
    }

    pub(in crate::blob) fn read(reader: &mut Reader<'a>, private: bool) -> Result<Self, Error> {
        let expected = expected(Some(private), [BlobType::CapiDsaPublic, BlobType::CapiDsaPrivate], "");
        Self::read_form(reader, FORMS, Some(private), expected)
    }

    /// Reads a `V2CAPIDSA*` blob.
    pub(in crate::blob) fn read_v2(reader: &mut Reader<'a>, private: bool) -> Result<Self, Error> {
        let expected = expected(Some(private), [BlobType::CapiDsaV2Public, BlobType::CapiDsaV2Private], "");
        Self::read_form(reader, V2_FORMS, Some(private), expected)
    }

    fn read_form(
        reader: &mut Reader<'a>,
        forms: &'static [Form],
        private: Option<bool>,
        expected: &'static str,
    ) -> Result<Self, Error> {
        let (form, _) = Form::read(reader, forms, private, &[CALG_DSS_SIGN], expected)?;
        if form.version == VERSION_3 {
            let Version3 { p, q, g, y, x, counter, seed, .. } = Version3::read(reader, form.private)?;
            return Ok(Self { p, q, g, y: Some(y), x, counter, seed });
        }
        let bitlen = BitLength::read(reader, "bitlen")?;
        let len = bitlen.bytes();
        let last = if form.private { GROUP } else { len };
        let numbers = 2 * u64::from(len) + u64::from(GROUP) + u64::from(last);
        reader.expect_rest("the payload", numbers + 4 + u64::from(SEED))?;
        let p = reader.public("p", len)?;
        bitlen.check_exact(p)?;
        let q = reader.public("q", GROUP)?;
        let g = reader.public("g", len)?;
        let (y, x) = if form.private {
            (None, Some(reader.private("x", GROUP)?))
        } else {
            (Some(reader.public("y", len)?), None)
        };
        let counter = reader.u32("counter")?;
        let seed = reader.public("seed", SEED)?;
        reader.expect_end()?;
        Ok(Self { p, q, g, y, x, counter, seed })
    }

    pub(in crate::blob) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let [p, q, g] = [self.p, self.q, self.g].map(reversed);
        let parameters = Parameters::new(&p, &q, &g, evidence(self.counter, self.seed), hints.validation)?;
        let [y, x] = [self.y, self.x].map(|number| number.map(reversed));
        decoded(parameters, y.as_deref(), x.as_deref(), hints)
    }
}

impl std::fmt::Debug for DsaBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DsaBlob").field("p_bytes", &self.p.len()).field("private", &self.x.is_some()).finish()
    }
}

pub(in crate::blob) fn write_public(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PublicKey,
    blob_type: BlobType,
) -> Result<(), Error> {
    let parameters = key.parameters();
    write(writer, &PUBLIC, parameters, blob_type, |writer| writer.number_le("y", key.y(), parameters.p().len()))
}

pub(in crate::blob) fn write_private(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PrivateKey,
    blob_type: BlobType,
) -> Result<(), Error> {
    write(writer, &PRIVATE, key.public().parameters(), blob_type, |writer| {
        writer.number_le("x", key.x(), GROUP as usize)
    })
}

fn write<B: AsMut<[u8]>>(
    writer: &mut Writer<B>,
    form: &Form,
    parameters: &Parameters,
    blob_type: BlobType,
    last: impl FnOnce(&mut Writer<B>) -> Result<(), Error>,
) -> Result<(), Error> {
    let limit = |why| Err(Error::Limit { blob_type: blob_type.name(), why });
    let (p, q) = (parameters.p(), parameters.q());
    if parameters.bits() > LONGEST {
        return limit("its modulus must not have more than 1024 bits");
    }
    if q.len() != GROUP as usize {
        return limit("its q must have 160 bits");
    }
    let (counter, seed) = evidence_fields(parameters.evidence(), &SHORT_SEED, SEED as usize);
    form.write(writer, CALG_DSS_SIGN)?;
    writer.u32("bitlen", parameters.bits() as usize)?;
    writer.number_le("p", p, p.len())?;
    writer.number_le("q", q, q.len())?;
    writer.number_le("g", parameters.g(), p.len())?;
    last(writer)?;
    writer.bytes("counter", &counter.to_le_bytes())?;
    writer.bytes("seed", &seed)
}
