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
use super::magic;
use super::writer::Writer;
use super::{BlobType, Error, Reader};
use crate::key::{Algorithm, Family, SymmetricAlgorithm, SymmetricKey};
use crate::{key, wide};

const HEADER: usize = 16;

/// `NCRYPT_KEY_BLOB_HEADER` and the name behind it, which three blob types have in common.
pub(super) struct Header<'a> {
    name: &'a [u8],
    data_len: u32,
    data_at: usize,
}

impl<'a> Header<'a> {
    fn read(reader: &mut Reader<'a>, magic: u32, blob_type: BlobType) -> Result<Self, Error> {
        let size = reader.u32("cbSize")?;
        let found = reader.u32("dwMagic")?;
        // The magic decides first: without it the size may be anything, a part of a bare key among it.
        if found != magic {
            return Err(Error::Magic { field: "dwMagic", offset: 4, found, expected: blob_type.name() });
        }
        if size as usize != HEADER {
            let expected = "the header has 16 bytes";
            return Err(Error::Value { field: "cbSize", offset: 0, found: u64::from(size), expected });
        }
        let name_len = reader.u32("cbAlgName")?;
        let data_at = reader.offset();
        let data_len = reader.u32("cbKeyData")?;
        reader.expect_rest("the payload", u64::from(name_len) + u64::from(data_len))?;
        Ok(Self { name: reader.name_bytes("AlgName", name_len)?, data_len, data_at })
    }
}

/// A blob with that header whose key data is not taken apart, borrowed from its bytes.
#[derive(Clone)]
pub struct NamedBlob<'a> {
    /// The algorithm that the blob names.
    pub algorithm: String,
    key_data: &'a [u8],
}

impl<'a> NamedBlob<'a> {
    pub(super) fn read(reader: &mut Reader<'a>, magic: u32, blob_type: BlobType) -> Result<Self, Error> {
        let header = Header::read(reader, magic, blob_type)?;
        let name = wide::decode(header.name);
        let algorithm = name.map_err(|source| Error::Wide { field: "AlgName", offset: HEADER, source })?;
        let key_data = reader.private("KeyData", header.data_len)?;
        reader.expect_end()?;
        Ok(Self { algorithm, key_data })
    }

    /// The key data as it stands there.
    pub fn key_data(&self) -> &'a [u8] {
        self.key_data
    }
}

impl std::fmt::Debug for NamedBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamedBlob({}, {} bytes)", self.algorithm, self.key_data.len())
    }
}

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
        let Header { name, data_len, data_at } = Header::read(reader, magic::CPHR, BlobType::Cipher)?;
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
    writer.magic(magic::CPHR)?;
    writer.u32("cbAlgName", name.len())?;
    writer.u32("cbKeyData", data_len)?;
    writer.bytes("AlgName", &name)?;
    key_data::write(writer, key)
}
