//! The blobs of CryptoAPI, which CNG calls legacy: `BLOBHEADER`, 8 bytes, then a header and numbers of the algorithm's own. Every number
//! is little-endian.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 1 | bType | 6 `PUBLICKEYBLOB`, 7 `PRIVATEKEYBLOB` |
//! | 1 | 1 | bVersion | 2, or 3 for the longer DSS and DH forms |
//! | 2 | 2 LE | reserved | 0 |
//! | 4 | 4 LE | aiKeyAlg | `ALG_ID` of the algorithm |
//! | 8 | 4 LE | magic | of the algorithm and the half |
//!
//! | blob type | module |
//! |---|---|
//! | `CAPIPUBLICBLOB`, `CAPIPRIVATEBLOB` | [`rsa`] |
//! | `CAPIDSAPUBLICBLOB`, `CAPIDSAPRIVATEBLOB`, `V2CAPIDSAPUBLICBLOB`, `V2CAPIDSAPRIVATEBLOB` | [`dsa`] |
//! | `CAPIDHPUBLICBLOB`, `CAPIDHPRIVATEBLOB` | [`dh`] |
//!
//! The bit length of a modulus is exact: one that is not the length of its number is refused. The lengths of q, j and x in the version 3
//! forms count the bits of the bytes that stand there (`BYTE x[bitlenX/8]` in Microsoft's documents), so they are written as multiples of
//! 8; one that is read may be exact too, its bytes being those of the next multiple of 8.

pub mod dh;
pub mod dsa;
pub mod rsa;
mod version3;

use super::writer::Writer;
use super::{BlobType, Error, Reader};
use crate::secret::{SecretBytes, trim_leading_zeros};

/// `bVersion` of the first forms and of the longer ones.
const VERSION_2: u8 = 2;
const VERSION_3: u8 = 3;

/// A form: its magic, `bVersion`, and which half of a key it holds.
struct Form {
    magic: u32,
    version: u8,
    private: bool,
}

const fn form(magic: u32, version: u8, private: bool) -> Form {
    Form { magic, version, private }
}

impl Form {
    /// `bType`: `PUBLICKEYBLOB`, `PRIVATEKEYBLOB`.
    fn blob_type(&self) -> u8 {
        if self.private { 7 } else { 6 }
    }

    /// Reads `BLOBHEADER` and the magic, and finds the form among those that are allowed. Gives aiKeyAlg too.
    fn read(
        reader: &mut Reader<'_>,
        forms: &'static [Self],
        private: Option<bool>,
        algorithms: &[u32],
        expected: &'static str,
    ) -> Result<(&'static Self, u32), Error> {
        let allowed = |form: &&Self| private.is_none_or(|private| private == form.private);
        // The magic comes last: what stands before it may be the first bytes of a bare key.
        let foreign = |field, offset| Err(Error::Foreign { field, offset, expected });
        let start = reader.offset();
        let blob_type = reader.u8("bType")?;
        if !forms.iter().filter(allowed).any(|form| form.blob_type() == blob_type) {
            return foreign("bType", start);
        }
        let version = reader.u8("bVersion")?;
        if !forms.iter().any(|form| form.version == version) {
            return foreign("bVersion", start + 1);
        }
        if reader.u16("reserved")? != 0 {
            return foreign("reserved", start + 2);
        }
        let algorithm = reader.u32("aiKeyAlg")?;
        if !algorithms.contains(&algorithm) {
            return foreign("aiKeyAlg", start + 4);
        }
        let of_header = |form: &&Self| form.blob_type() == blob_type && form.version == version;
        let magics: Vec<u32> = forms.iter().filter(of_header).map(|form| form.magic).collect();
        let magic_at = reader.offset();
        let found = reader.magic("magic", &magics, expected)?;
        let known = forms.iter().filter(of_header).find(|form| form.magic == found);
        known.map(|form| (form, algorithm)).ok_or(Error::Magic { field: "magic", offset: magic_at, found, expected })
    }

    fn write(&self, writer: &mut Writer<impl AsMut<[u8]>>, algorithm: u32) -> Result<(), Error> {
        writer.bytes("bType", &[self.blob_type(), self.version, 0, 0])?;
        writer.bytes("aiKeyAlg", &algorithm.to_le_bytes())?;
        writer.magic(self.magic)
    }
}

/// The name of the private or the public one of two blob types, or what stands for both.
fn expected(private: Option<bool>, types: [BlobType; 2], both: &'static str) -> &'static str {
    let [public_type, private_type] = types;
    match private {
        None => both,
        Some(false) => public_type.name(),
        Some(true) => private_type.name(),
    }
}

/// A header field with the number of bits of a number that follows.
#[derive(Clone, Copy)]
struct BitLength {
    field: &'static str,
    offset: usize,
    bits: u32,
}

impl BitLength {
    fn read(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, Error> {
        let offset = reader.offset();
        Ok(Self { field, offset, bits: reader.u32(field)? })
    }

    /// Bytes of the number.
    fn bytes(self) -> u32 {
        self.bits.div_ceil(8)
    }

    /// Refuses a number that has not this length.
    fn check_exact(self, little_endian: &[u8]) -> Result<(), Error> {
        let whole = little_endian.last().is_none_or(|top| *top != 0);
        if whole && last_bit(little_endian) == u64::from(self.bits) {
            return Ok(());
        }
        self.refuse("it is not the length of the number")
    }

    /// Refuses a number with more bits than this.
    fn check_room(self, little_endian: &[u8]) -> Result<(), Error> {
        if last_bit(little_endian) <= u64::from(self.bits) {
            return Ok(());
        }
        self.refuse("the number has more bits")
    }

    fn refuse<T>(self, expected: &'static str) -> Result<T, Error> {
        let Self { field, offset, bits } = self;
        Err(Error::Value { field, offset, found: u64::from(bits), expected })
    }
}

/// Bits up to the highest that the last byte of a little-endian number has.
fn last_bit(little_endian: &[u8]) -> u64 {
    let top = little_endian.last().map_or(0, |top| u64::from(u8::BITS - top.leading_zeros()));
    (little_endian.len() as u64).saturating_sub(1) * 8 + top
}

/// Bits of the bytes of a big-endian number, as a header says those of q, j and x.
fn byte_bits(number: &[u8]) -> usize {
    trim_leading_zeros(number).len() * 8
}

/// A little-endian number the other way round, where it is wiped.
fn reversed(little_endian: &[u8]) -> SecretBytes {
    let mut bytes = SecretBytes::from(little_endian);
    bytes.as_mut_slice().reverse();
    bytes
}
