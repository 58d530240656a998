//! `PQPrivateKeyBlob`: `NCRYPT_PQ_BLOB`, 12 bytes, around one of the private blobs of [`pq`] and the name of its type.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | dwMagic | `PQPR` |
//! | 4 | 4 LE | cbBCryptType | bytes of the name, its NUL counted |
//! | 8 | 4 LE | cbBCryptBlob | bytes of the inner blob |
//! | 12 | cbBCryptType | the inner blob's type | UTF-16LE with NUL: `PQDSAPRIVATESEEDBLOB` |
//! | … | cbBCryptBlob | the inner blob | |
//!
//! Every private type is read. The seed's is written if the seed is known, because it is all of the key; else that of the expanded key.

use super::pq::{self, PqBlob};
use super::writer::Writer;
use super::{BlobType, Error, Reader, magic};
use crate::key::pq::PrivateKey;
use crate::wide;

const INNER: &[BlobType] =
    &[BlobType::PqDsaPrivate, BlobType::PqDsaPrivateSeed, BlobType::MlKemPrivate, BlobType::MlKemPrivateSeed];

/// Reads the container and the blob in it.
///
/// # Errors
/// [`Error`] with field and offset, counted from the start of the outer blob.
pub fn decode(bytes: &[u8]) -> Result<PqBlob<'_>, Error> {
    read(&mut Reader::new(bytes))
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<PqBlob<'a>, Error> {
    reader.magic("dwMagic", &[magic::PQPR], BlobType::PqPrivate.name())?;
    let name_len = reader.u32("cbBCryptType")?;
    let len_at = reader.offset();
    let len = reader.u32("cbBCryptBlob")?;
    reader.expect_rest("the payload", u64::from(name_len) + u64::from(len))?;
    let name_at = reader.offset();
    let found = reader.name("BCryptType", name_len)?;
    let Some(inner) = INNER.iter().copied().find(|inner| inner.name() == found) else {
        let expected = "it is not the type of a post-quantum private blob";
        return Err(Error::Name { field: "BCryptType", offset: name_at, found, expected });
    };
    let inner_at = reader.offset();
    let blob = PqBlob::read(reader, |blob_type| blob_type == inner, inner.name())?;
    if reader.offset() - inner_at != len as usize {
        let expected = "the inner blob has another length";
        return Err(Error::Value { field: "cbBCryptBlob", offset: len_at, found: u64::from(len), expected });
    }
    Ok(blob)
}

pub(super) fn write(writer: &mut Writer<impl AsMut<[u8]>>, key: &PrivateKey) -> Result<(), Error> {
    let form = pq::usual_form(key);
    let outer = BlobType::PqPrivate;
    let inner = pq::blob_type(key.set().family(), form)
        .ok_or_else(|| Error::Limit { blob_type: outer.name(), why: "its algorithm has no private blob" })?;
    let name = wide::encode_nul(inner.name());
    let mut measure = Writer::over([]);
    pq::write_private(&mut measure, key, form, inner)?;
    writer.magic(magic::PQPR)?;
    writer.u32("cbBCryptType", name.len())?;
    writer.u32("cbBCryptBlob", measure.position())?;
    writer.bytes("BCryptType", &name)?;
    pq::write_private(writer, key, form, inner)
}
