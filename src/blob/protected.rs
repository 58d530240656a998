//! `ProtectedKeyBlob`: the header of [`cipher`](super::cipher) with the magic `PRTK`, around a key in a provider's own protection.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | cbSize | 16, the size of this header |
//! | 4 | 4 LE | dwMagic | `PRTK` |
//! | 8 | 4 LE | cbAlgName | bytes of the name, its NUL counted |
//! | 12 | 4 LE | cbKeyData | bytes of what follows it |
//! | 16 | cbAlgName | algorithm name | UTF-16LE with NUL |
//! | … | cbKeyData | key data | the provider's own |
//!
//! Only the provider that wrote it can open it. The header is shown, the key is refused.

use super::{BlobType, Error, NamedBlob, Reader, magic};

pub(super) const WHY: &str = "only the provider that wrote it can open it; export the key there as another type";

/// Decodes the header.
///
/// # Errors
/// [`Error`] with field and offset.
pub fn decode(bytes: &[u8]) -> Result<NamedBlob<'_>, Error> {
    read(&mut Reader::new(bytes))
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<NamedBlob<'a>, Error> {
    NamedBlob::read(reader, magic::PRTK, BlobType::Protected)
}
