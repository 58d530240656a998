//! Values of properties, and how NCrypt hands them out.

use crate::wide;

/// The value of a property.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PropertyValue {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// `NCRYPT_SUPPORTED_LENGTHS`
    Lengths(SupportedLengths),
    /// A DWORD.
    Number(u32),
    /// `BCRYPT_AUTH_TAG_LENGTHS_STRUCT`
    TagLengths(TagLengths),
    /// A wide string.
    Text(String),
    /// Several wide strings. NCrypt hands them out in a structure with pointers.
    Texts(Vec<String>),
}

/// `NCRYPT_SUPPORTED_LENGTHS`, in bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SupportedLengths {
    /// dwMinLength
    pub min: u32,
    /// dwMaxLength
    pub max: u32,
    /// dwIncrement
    pub increment: u32,
    /// dwDefaultLength
    pub default: u32,
}

/// `BCRYPT_AUTH_TAG_LENGTHS_STRUCT`, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TagLengths {
    /// dwMinLength
    pub min: u32,
    /// dwMaxLength
    pub max: u32,
    /// dwIncrement
    pub increment: u32,
}

impl PropertyValue {
    /// The value as NCrypt hands it out: little-endian numbers, UTF-16LE with NUL; several strings one behind the other, and a NUL behind the last.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = |numbers: &[u32]| numbers.iter().copied().flat_map(u32::to_le_bytes).collect();
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Lengths(lengths) => numbers(&[lengths.min, lengths.max, lengths.increment, lengths.default]),
            Self::Number(number) => number.to_le_bytes().to_vec(),
            Self::TagLengths(lengths) => numbers(&[lengths.min, lengths.max, lengths.increment]),
            Self::Text(text) => wide::encode_nul(text),
            Self::Texts(texts) => texts.iter().flat_map(|text| wide::encode_nul(text)).chain([0, 0]).collect(),
        }
    }
}
