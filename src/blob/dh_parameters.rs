//! `DHParameters`: domain parameters without a key, which CNG takes as a property of a key that is to be generated.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | cbLength | of the whole blob |
//! | 4 | 4 LE | dwMagic | `DHPM` |
//! | 8 | 4 LE | cbKeyLength | bytes of p |
//! | 12 | cbKeyLength | Prime p | big-endian |
//! | … | cbKeyLength | Generator g | big-endian |
//!
//! There is no place for the order of the subgroup and its cofactor.

use super::writer::Writer;
use super::{BlobType, Error, Reader, build, magic};
use crate::key::Validation;
use crate::key::dh::Parameters;
use crate::secret::SecretBytes;

const BLOB_TYPE: BlobType = BlobType::DhParameters;

/// The three words that `DHParameters` and `DSAParameters` begin with.
pub(super) struct Header {
    pub(super) magic: u32,
    pub(super) key_len: u32,
    pub(super) key_len_at: usize,
    len: u32,
}

impl Header {
    pub(super) fn read(reader: &mut Reader<'_>, magics: &[u32], blob_type: BlobType) -> Result<Self, Error> {
        let len = reader.u32("cbLength")?;
        let magic = reader.magic("dwMagic", magics, blob_type.name())?;
        let key_len_at = reader.offset();
        Ok(Self { magic, key_len: reader.u32("cbKeyLength")?, key_len_at, len })
    }

    /// Compares cbLength with where the other fields end.
    pub(super) fn check_end(&self, reader: &Reader<'_>) -> Result<(), Error> {
        reader.expect_end()?;
        if self.len as usize == reader.offset() {
            return Ok(());
        }
        let expected = "it is not the length of the blob";
        Err(Error::Value { field: "cbLength", offset: 0, found: u64::from(self.len), expected })
    }
}

/// Decodes a blob.
///
/// # Errors
/// [`Error`] with field and offset, or because the numbers are no domain parameters.
pub fn decode(bytes: &[u8], validation: Validation) -> Result<Parameters, Error> {
    read(&mut Reader::new(bytes), validation)
}

pub(super) fn read(reader: &mut Reader<'_>, validation: Validation) -> Result<Parameters, Error> {
    let header = Header::read(reader, &[magic::DHPM], BLOB_TYPE)?;
    reader.expect_rest("the payload", 2 * u64::from(header.key_len))?;
    let p = reader.full_width("Prime", header.key_len)?;
    let g = reader.public("Generator", header.key_len)?;
    header.check_end(reader)?;
    Ok(Parameters::new(p, g, validation)?)
}

/// Encodes parameters.
///
/// # Errors
/// None that valid parameters can have.
pub fn encode(parameters: &Parameters) -> Result<SecretBytes, Error> {
    build(|writer, len| write(writer, parameters, len))
}

fn write(writer: &mut Writer<impl AsMut<[u8]>>, parameters: &Parameters, len: usize) -> Result<(), Error> {
    let width = parameters.p().len();
    writer.u32("cbLength", len)?;
    writer.magic(magic::DHPM)?;
    writer.u32("cbKeyLength", width)?;
    writer.bytes("Prime", parameters.p())?;
    writer.number("Generator", parameters.g(), width)
}
