//! `DSAParameters`: domain parameters without a key, which CNG takes as a property of a key that is to be generated.
//!
//! | offset | size | field, version 1 (`DSPM`) | field, version 2 (`DPM2`) |
//! |---|---|---|---|
//! | 0 | 4 LE | cbLength, of the whole blob | the same |
//! | 4 | 4 LE | dwMagic | the same |
//! | 8 | 4 LE | cbKeyLength, bytes of p, at most 128 | more than 128 |
//! | 12 | | Count (4 BE), Seed (20), q (20) | hashAlgorithm, standardVersion, cbSeedLength, cbGroupSize (4 LE each), Count (4 BE), Seed, q |
//! | … | cbKeyLength | Prime p | the same |
//! | … | cbKeyLength | Generator g | the same |
//!
//! What the fields may hold is what [`dsa`](super::dsa) says of them. Unconfirmed: that version 2 has Seed, q, p, g in this order. It is
//! that of the key blob, which has the same header fields.

use super::dh_parameters::Header;
use super::dsa::{Domain, Version, write_domain};
use super::writer::Writer;
use super::{BlobType, Error, Reader, build, magic};
use crate::key::Validation;
use crate::key::dsa::Parameters;
use crate::secret::SecretBytes;

const BLOB_TYPE: BlobType = BlobType::DsaParameters;

/// Decodes a blob of either version.
///
/// # Errors
/// [`Error`] with field and offset, or because the numbers are no domain parameters.
pub fn decode(bytes: &[u8], validation: Validation) -> Result<Parameters, Error> {
    read(&mut Reader::new(bytes), validation)
}

pub(super) fn read(reader: &mut Reader<'_>, validation: Validation) -> Result<Parameters, Error> {
    let header = Header::read(reader, &[magic::DSPM, magic::DPM2], BLOB_TYPE)?;
    let version = if header.magic == magic::DSPM { Version::V1 } else { Version::V2 };
    version.check(header.key_len, header.key_len_at)?;
    let domain = Domain::read(reader, version, header.key_len, |_| 0)?;
    header.check_end(reader)?;
    domain.to_parameters(validation)
}

/// Encodes parameters: version 1 up to 1024 bits, version 2 above.
///
/// # Errors
/// [`Error::Limit`] when no version can hold them.
pub fn encode(parameters: &Parameters) -> Result<SecretBytes, Error> {
    let version = Version::of(parameters, BLOB_TYPE)?;
    build(|writer, len| write(writer, parameters, version, len))
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    parameters: &Parameters,
    version: Version,
    len: usize,
) -> Result<(), Error> {
    writer.u32("cbLength", len)?;
    writer.magic(if version == Version::V1 { magic::DSPM } else { magic::DPM2 })?;
    writer.u32("cbKeyLength", parameters.p().len())?;
    write_domain(writer, parameters, version)
}
