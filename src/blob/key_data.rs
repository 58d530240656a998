//! `KeyDataBlob`: `BCRYPT_KEY_DATA_BLOB_HEADER`, 12 bytes, then the bare symmetric key. It does not name its algorithm.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | dwMagic | `KDBM` |
//! | 4 | 4 LE | dwVersion | 1 |
//! | 8 | 4 LE | cbKeyData | bytes of the key |
//! | 12 | cbKeyData | the key | |
//!
//! Windows ignores bytes behind the key and truncates an AES key above 32 bytes; both are refused here.

use super::magic;
use super::writer::Writer;
use super::{Decoded, Error, Reader};
use crate::key::{Algorithm, KeyMaterial, SymmetricAlgorithm, SymmetricKey};
use crate::secret::SecretBytes;

pub(crate) const HEADER: usize = 12;

/// A decoded key data blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct KeyDataBlob<'a> {
    key: &'a [u8],
}

impl<'a> KeyDataBlob<'a> {
    /// Decodes a blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes))
    }

    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let magic_at = reader.offset();
        let found = reader.u32("dwMagic")?;
        if found != magic::KDBM {
            return Err(Error::Magic { field: "dwMagic", offset: magic_at, found, expected: "KeyDataBlob" });
        }
        let version_at = reader.offset();
        let version = reader.u32("dwVersion")?;
        if version != 1 {
            let (field, offset, expected) = ("dwVersion", version_at, "only version 1 exists");
            return Err(Error::Value { field, offset, found: u64::from(version), expected });
        }
        let len = reader.u32("cbKeyData")?;
        reader.expect_rest("the key", u64::from(len))?;
        let key = reader.private("key", len)?;
        reader.expect_end()?;
        Ok(Self { key })
    }

    /// The bare key.
    pub fn key(&self) -> &'a [u8] {
        self.key
    }
}

impl std::fmt::Debug for KeyDataBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyDataBlob({} bytes)", self.key.len())
    }
}

pub(super) fn to_decoded(key: &[u8], algorithm: SymmetricAlgorithm) -> Result<Decoded, Error> {
    let key = SymmetricKey::new(algorithm, SecretBytes::from(key))?;
    Ok(Decoded::new(Algorithm::symmetric(algorithm), KeyMaterial::Secret(key)))
}

/// Encodes a bare key.
#[cfg(feature = "token")]
pub(crate) fn encode(key: &SecretBytes) -> Result<SecretBytes, Error> {
    super::build(|writer, _| write_bytes(writer, key))
}

pub(super) fn write(writer: &mut Writer<impl AsMut<[u8]>>, key: &SymmetricKey) -> Result<(), Error> {
    write_bytes(writer, key.key())
}

fn write_bytes(writer: &mut Writer<impl AsMut<[u8]>>, key: &SecretBytes) -> Result<(), Error> {
    writer.magic(magic::KDBM)?;
    writer.u32("dwVersion", 1)?;
    writer.u32("cbKeyData", key.len())?;
    writer.bytes("key", key)
}
