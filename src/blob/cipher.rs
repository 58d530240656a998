//! `CipherKeyBlob`: `NCRYPT_KEY_BLOB_HEADER`, 16 bytes, the algorithm's name, and a [`KeyDataBlob`](super::key_data).
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | cbSize | 16, the size of this header |
//! | 4 | 4 LE | dwMagic | `CPHR` |
//! | 8 | 4 LE | cbAlgName | bytes of the name, its NUL counted |
//! | 12 | 4 LE | cbKeyData | bytes of the inner blob |
//! | 16 | cbAlgName | algorithm name | UTF-16LE with NUL |
//! | … | cbKeyData | `KeyDataBlob` | |

use super::key_data::{self, KeyDataBlob};
use super::writer::Writer;
use super::{Error, Reader};
use crate::key::{Algorithm, Family, SymmetricAlgorithm, SymmetricKey};
use crate::{key, wide};

pub(super) const MAGIC: u32 = 0x5248_5043; // CPHR
const HEADER: usize = 16;

/// A decoded cipher key blob, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct CipherKeyBlob<'a> {
    name: &'a [u8],
    inner: KeyDataBlob<'a>,
}

impl<'a> CipherKeyBlob<'a> {
    /// Decodes a blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes))
    }

    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let size = reader.u32("cbSize")?;
        let found = reader.u32("dwMagic")?;
        // The magic decides first: without it the size may be anything, a part of a bare key among it.
        if found != MAGIC {
            return Err(Error::Magic { field: "dwMagic", offset: 4, found, expected: "CipherKeyBlob" });
        }
        if size as usize != HEADER {
            let expected = "the header has 16 bytes";
            return Err(Error::Value { field: "cbSize", offset: 0, found: u64::from(size), expected });
        }
        let name_len = reader.u32("cbAlgName")?;
        let data_at = reader.offset();
        let data_len = reader.u32("cbKeyData")?;
        reader.expect_rest("the payload", u64::from(name_len) + u64::from(data_len))?;
        let name = reader.public("AlgName", name_len)?;
        let inner_at = reader.offset();
        let inner = KeyDataBlob::read(reader)?;
        if reader.offset() - inner_at != data_len as usize {
            let expected = "the inner KeyDataBlob has another length";
            return Err(Error::Value { field: "cbKeyData", offset: data_at, found: u64::from(data_len), expected });
        }
        Ok(Self { name, inner })
    }

    /// The bare key.
    pub fn key(&self) -> &'a [u8] {
        self.inner.key()
    }

    /// The algorithm that the blob names.
    ///
    /// # Errors
    /// [`Error`] when the name is malformed or not that of a symmetric algorithm.
    pub fn algorithm(&self) -> Result<SymmetricAlgorithm, Error> {
        let name =
            wide::decode(self.name).map_err(|source| Error::Wide { field: "AlgName", offset: HEADER, source })?;
        match Algorithm::by_name(&name)? {
            Algorithm { family: Family::Symmetric(algorithm), .. } => Ok(algorithm),
            _ => Err(key::Error::UnknownAlgorithm { name }.into()),
        }
    }
}

pub(super) fn write(writer: &mut Writer<impl AsMut<[u8]>>, key: &SymmetricKey) -> Result<(), Error> {
    let name = wide::encode_nul(key.algorithm().name());
    let data_len = key_data::HEADER + key.key().len();
    writer.u32("cbSize", HEADER)?;
    writer.magic(MAGIC)?;
    writer.u32("cbAlgName", name.len())?;
    writer.u32("cbKeyData", data_len)?;
    writer.bytes("AlgName", &name)?;
    key_data::write(writer, key)
}
