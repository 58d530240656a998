//! `PQDSAPUBLICBLOB`, `PQDSAPRIVATEBLOB`, `PQDSAPRIVATESEEDBLOB`, `MLKEMPUBLICBLOB`, `MLKEMPRIVATEBLOB`, `MLKEMPRIVATESEEDBLOB`:
//! `BCRYPT_PQDSA_KEY_BLOB` and `BCRYPT_MLKEM_KEY_BLOB`, which are one layout, 12 bytes, then a name and the key in the standard's own
//! encoding (FIPS 203, 204, 205).
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | dwMagic | below |
//! | 4 | 4 LE | cbParameterSet | bytes of the name, its NUL counted |
//! | 8 | 4 LE | cbKey | bytes of the key: one length for each set and form |
//! | 12 | cbParameterSet | parameterSet | UTF-16LE with NUL: `65`, `768`, `SHA2-128s` |
//! | … | cbKey | key | |
//!
//! | algorithm | public | private, expanded | private, seed |
//! |---|---|---|---|
//! | ML-DSA | `DSPK` | `DSSK` | `DSSS`, ξ, 32 bytes |
//! | SLH-DSA | `SHPK` | `SHSK` | |
//! | ML-KEM | `MLKP` | `MLKR` | `MLKS`, d ‖ z, 64 bytes |
//!
//! An expanded key cannot be written as a seed. Windows' own providers have no SLH-DSA; its blobs are as the headers define them. The
//! magics of LMS, XMSS and the composite algorithms are known, their keys are refused.

use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader, fits, magic};
use crate::key::pq::{Parts, PrivateKey, PublicKey};
use crate::key::{self, Algorithm, Family, KeyMaterial, ParameterSet};
use crate::wide;

/// What a blob holds of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// The public key.
    Public,
    /// The expanded private key.
    Expanded,
    /// The seed of the private key.
    Seed,
}

/// The magic of a family and a form, and the blob type.
struct Row {
    magic: u32,
    family: Family,
    form: Form,
    blob_type: BlobType,
}

const fn row(magic: u32, family: Family, form: Form, blob_type: BlobType) -> Row {
    Row { magic, family, form, blob_type }
}

static ROWS: &[Row] = &[
    row(magic::DSPK, Family::MlDsa, Form::Public, BlobType::PqDsaPublic),
    row(magic::DSSK, Family::MlDsa, Form::Expanded, BlobType::PqDsaPrivate),
    row(magic::DSSS, Family::MlDsa, Form::Seed, BlobType::PqDsaPrivateSeed),
    row(magic::SHPK, Family::SlhDsa, Form::Public, BlobType::PqDsaPublic),
    row(magic::SHSK, Family::SlhDsa, Form::Expanded, BlobType::PqDsaPrivate),
    row(magic::MLKP, Family::MlKem, Form::Public, BlobType::MlKemPublic),
    row(magic::MLKR, Family::MlKem, Form::Expanded, BlobType::MlKemPrivate),
    row(magic::MLKS, Family::MlKem, Form::Seed, BlobType::MlKemPrivateSeed),
];

/// The blob type for a form of a family's keys.
pub(super) fn blob_type(family: Family, form: Form) -> Option<BlobType> {
    ROWS.iter().find(|row| row.family == family && row.form == form).map(|row| row.blob_type)
}

/// A decoded blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct PqBlob<'a> {
    /// The parameter set.
    pub set: ParameterSet,
    /// What the blob holds.
    pub form: Form,
    key: &'a [u8],
}

impl<'a> PqBlob<'a> {
    /// Decodes a blob of any of the six types.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), |_| true, "a post-quantum key blob")
    }

    /// Reads a blob of one of the types that are allowed.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        allowed: impl Fn(BlobType) -> bool,
        expected: &'static str,
    ) -> Result<Self, Error> {
        let rows: Vec<u32> = ROWS.iter().filter(|row| allowed(row.blob_type)).map(|row| row.magic).collect();
        let magic_at = reader.offset();
        let found = reader.magic("dwMagic", &rows, expected)?;
        let Some(row) = ROWS.iter().find(|row| row.magic == found) else {
            return Err(Error::Magic { field: "dwMagic", offset: magic_at, found, expected });
        };
        let name_len = reader.u32("cbParameterSet")?;
        let len_at = reader.offset();
        let len = reader.u32("cbKey")?;
        reader.expect_rest("the payload", u64::from(name_len) + u64::from(len))?;
        let name_at = reader.offset();
        let found = reader.name("parameterSet", name_len)?;
        let Some(set) = ParameterSet::by_name(row.family, &found) else {
            let expected = "it is not the name of a parameter set of this algorithm";
            return Err(Error::Name { field: "parameterSet", offset: name_at, found, expected });
        };
        let right = match row.form {
            Form::Public => Some(set.public_len()),
            Form::Expanded => Some(set.expanded_len()),
            Form::Seed => set.seed_len(),
        };
        if right != Some(len as usize) {
            let expected = "it is not the length that keys of this parameter set have";
            return Err(Error::Value { field: "cbKey", offset: len_at, found: u64::from(len), expected });
        }
        let key = match row.form {
            Form::Public => reader.public("key", len)?,
            Form::Expanded | Form::Seed => reader.private("key", len)?,
        };
        reader.expect_end()?;
        Ok(Self { set, form: row.form, key })
    }

    pub(super) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let family = self.set.family();
        fits(hints, |given| given.family == family, || format!("an {} key", family.identifier()))?;
        let parts = match self.form {
            Form::Public => {
                let key = PublicKey::new(self.set, self.key, hints.validation)?;
                return Ok(Decoded::new(Algorithm::of(family), KeyMaterial::Public(key::PublicKey::Pq(key))));
            }
            Form::Expanded => Parts { expanded: Some(self.key), ..Parts::default() },
            Form::Seed => Parts { seed: Some(self.key), ..Parts::default() },
        };
        let key = PrivateKey::new(self.set, parts, hints.validation)?;
        Ok(Decoded::new(Algorithm::of(family), KeyMaterial::Private(key::PrivateKey::Pq(key))))
    }
}

impl std::fmt::Debug for PqBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PqBlob").field("set", &self.set).field("form", &self.form).finish()
    }
}

pub(super) fn write_public(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    write(writer, key.set(), Form::Public, BlobType::PqDsaPublic, key.as_bytes())
}

/// Writes the form that is asked for.
pub(super) fn write_private(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PrivateKey,
    form: Form,
    blob_type: BlobType,
) -> Result<(), Error> {
    let (bytes, why) = match form {
        Form::Seed => (key.seed(), "its seed is not known, and an expanded key does not give it"),
        _ => (key.expanded(), "its seed is not expanded here"),
    };
    let bytes = bytes.ok_or_else(|| Error::Limit { blob_type: blob_type.name(), why })?;
    write(writer, key.set(), form, blob_type, bytes)
}

/// The form that a private key is written in when none is asked for: the seed, which is all of it, if it is known.
pub(super) fn usual_form(key: &PrivateKey) -> Form {
    if key.seed().is_some() { Form::Seed } else { Form::Expanded }
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    set: ParameterSet,
    form: Form,
    blob_type: BlobType,
    key: &[u8],
) -> Result<(), Error> {
    let row = ROWS.iter().find(|row| row.family == set.family() && row.form == form);
    let row = row.ok_or_else(|| Error::Limit { blob_type: blob_type.name(), why: "its algorithm has no such form" })?;
    let name = wide::encode_nul(set.name());
    writer.magic(row.magic)?;
    writer.u32("cbParameterSet", name.len())?;
    writer.u32("cbKey", key.len())?;
    writer.bytes("parameterSet", &name)?;
    writer.bytes("key", key)
}
