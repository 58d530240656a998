//! `KDFKeyBlob`: the header of [`cipher`](super::cipher) with the magic `KDF1`, for the keys of key derivation functions.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | cbSize | 16, the size of this header |
//! | 4 | 4 LE | dwMagic | `KDF1` |
//! | 8 | 4 LE | cbAlgName | bytes of the name, its NUL counted |
//! | 12 | 4 LE | cbKeyData | bytes of what follows it |
//! | 16 | cbAlgName | algorithm name | UTF-16LE with NUL |
//! | … | cbKeyData | key data | not documented |
//!
//! Unconfirmed: the encoding of the key data. The header is shown, the key is refused.

use super::{BlobType, Error, NamedBlob, Reader, magic};

pub(super) const WHY: &str = "the encoding of its key data is not documented; export the key as another type";

/// Decodes the header.
///
/// # Errors
/// [`Error`] with field and offset.
pub fn decode(bytes: &[u8]) -> Result<NamedBlob<'_>, Error> {
    read(&mut Reader::new(bytes))
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<NamedBlob<'a>, Error> {
    NamedBlob::read(reader, magic::KDF1, BlobType::Kdf)
}
