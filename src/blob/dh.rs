//! `DHPUBLICBLOB`, `DHPRIVATEBLOB`: `BCRYPT_DH_KEY_BLOB`, 8 bytes, then big-endian numbers of cbKey bytes each.
//!
//! | offset | size | field | `DHPB` | `DHPV` |
//! |---|---|---|---|---|
//! | 0 | 4 LE | dwMagic | ✓ | ✓ |
//! | 4 | 4 LE | cbKey, bytes of p | ✓ | ✓ |
//! | 8 | cbKey | Modulus p | ✓ | ✓ |
//! | … | cbKey | Generator g | ✓ | ✓ |
//! | … | cbKey | Public y | ✓ | ✓ |
//! | … | cbKey | PrivateExponent x | | ✓ |
//!
//! There is no place for the order of the subgroup, its cofactor and how they were made: a key that has them loses them here.

use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader, fits, magic};
use crate::key::dh::{Parameters, PrivateKey, PublicKey};
use crate::key::{self, Algorithm, Family, KeyMaterial};

/// A decoded DH blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct DhBlob<'a> {
    /// p
    pub modulus: &'a [u8],
    /// g
    pub generator: &'a [u8],
    /// y
    pub public: &'a [u8],
    x: Option<&'a [u8]>,
}

impl<'a> DhBlob<'a> {
    /// Decodes a public or private blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), None)
    }

    pub(super) fn read(reader: &mut Reader<'a>, private: Option<bool>) -> Result<Self, Error> {
        let (allowed, expected): (&[u32], _) = match private {
            None => (&[magic::DHPB, magic::DHPV], "a DH blob"),
            Some(false) => (&[magic::DHPB], BlobType::DhPublic.name()),
            Some(true) => (&[magic::DHPV], BlobType::DhPrivate.name()),
        };
        let is_private = reader.magic("dwMagic", allowed, expected)? == magic::DHPV;
        let len = reader.u32("cbKey")?;
        reader.expect_rest("the payload", u64::from(len) * if is_private { 4 } else { 3 })?;
        let modulus = reader.full_width("Modulus", len)?;
        let generator = reader.public("Generator", len)?;
        let public = reader.public("Public", len)?;
        let x = if is_private { Some(reader.private("PrivateExponent", len)?) } else { None };
        reader.expect_end()?;
        Ok(Self { modulus, generator, public, x })
    }

    pub(super) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let parameters = Parameters::new(self.modulus, self.generator, hints.validation)?;
        decoded(parameters, Some(self.public), self.x, hints)
    }
}

/// A key from its parts: a private one if there is an x, and then without a y it is computed.
pub(super) fn decoded(
    parameters: Parameters,
    y: Option<&[u8]>,
    x: Option<&[u8]>,
    hints: &Hints<'_>,
) -> Result<Decoded, Error> {
    fits(hints, |given| given.family == Family::Dh, || "a DH key".to_owned())?;
    let key = match (x, y) {
        (Some(x), y) => KeyMaterial::Private(key::PrivateKey::Dh(PrivateKey::new(parameters, x, y, hints.validation)?)),
        (None, y) => {
            let key = PublicKey::new(parameters, y.unwrap_or_default(), hints.validation)?;
            KeyMaterial::Public(key::PublicKey::Dh(key))
        }
    };
    Ok(Decoded::new(Algorithm::DH, key))
}

impl std::fmt::Debug for DhBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DhBlob").field("cbKey", &self.modulus.len()).field("private", &self.x.is_some()).finish()
    }
}

pub(super) fn write_public(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    write(writer, magic::DHPB, key)
}

pub(super) fn write_private(writer: &mut Writer<impl AsMut<[u8]>>, key: &PrivateKey) -> Result<(), Error> {
    write(writer, magic::DHPV, key.public())?;
    writer.number("PrivateExponent", key.x(), key.public().parameters().p().len())
}

fn write(writer: &mut Writer<impl AsMut<[u8]>>, magic: u32, key: &PublicKey) -> Result<(), Error> {
    let parameters = key.parameters();
    let width = parameters.p().len();
    writer.magic(magic)?;
    writer.u32("cbKey", width)?;
    writer.bytes("Modulus", parameters.p())?;
    writer.number("Generator", parameters.g(), width)?;
    writer.number("Public", key.y(), width)
}
