//! The names of BCrypt's properties (`bcrypt.h`) and the shapes of their values.

use crate::provider::ChainingMode;
use crate::provider::property::{SupportedLengths, TagLengths};
use crate::wide;

/// Property names of `bcrypt.h`.
pub mod names {
    /// `BCRYPT_ALGORITHM_NAME`
    pub const ALGORITHM_NAME: &str = "AlgorithmName";
    /// `BCRYPT_AUTH_TAG_LENGTH`
    pub const AUTH_TAG_LENGTH: &str = "AuthTagLength";
    /// `BCRYPT_BLOCK_LENGTH`
    pub const BLOCK_LENGTH: &str = "BlockLength";
    /// `BCRYPT_CHAINING_MODE`
    pub const CHAINING_MODE: &str = "ChainingMode";
    /// `BCRYPT_ECC_CURVE_NAME`
    pub const ECC_CURVE_NAME: &str = "ECCCurveName";
    /// `BCRYPT_ECC_CURVE_NAME_LIST`
    pub const ECC_CURVE_NAME_LIST: &str = "ECCCurveNameList";
    /// `BCRYPT_ECC_PARAMETERS`
    pub const ECC_PARAMETERS: &str = "ECCParameters";
    /// `BCRYPT_HASH_BLOCK_LENGTH`
    pub const HASH_BLOCK_LENGTH: &str = "HashBlockLength";
    /// `BCRYPT_HASH_LENGTH`
    pub const HASH_LENGTH: &str = "HashDigestLength";
    /// `BCRYPT_INITIALIZATION_VECTOR`
    pub const INITIALIZATION_VECTOR: &str = "IV";
    /// `BCRYPT_KEY_LENGTH`
    pub const KEY_LENGTH: &str = "KeyLength";
    /// `BCRYPT_KEY_LENGTHS`
    pub const KEY_LENGTHS: &str = "KeyLengths";
    /// `BCRYPT_KEY_STRENGTH`
    pub const KEY_STRENGTH: &str = "KeyStrength";
    /// `BCRYPT_MESSAGE_BLOCK_LENGTH`
    pub const MESSAGE_BLOCK_LENGTH: &str = "MessageBlockLength";
    /// `BCRYPT_OBJECT_LENGTH`
    pub const OBJECT_LENGTH: &str = "ObjectLength";
    /// `BCRYPT_PADDING_SCHEMES`
    pub const PADDING_SCHEMES: &str = "PaddingSchemes";
    /// `BCRYPT_PARAMETER_SET_NAME`
    pub const PARAMETER_SET_NAME: &str = "ParameterSetName";
    /// `BCRYPT_PUBLIC_KEY_LENGTH`
    pub const PUBLIC_KEY_LENGTH: &str = "PublicKeyLength";
    /// `BCRYPT_SIGNATURE_LENGTH`
    pub const SIGNATURE_LENGTH: &str = "SignatureLength";
}

/// The value of a property.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// `BCRYPT_KEY_LENGTHS_STRUCT`, `BCRYPT_AUTH_TAG_LENGTHS_STRUCT`
    Lengths(KeyLengths),
    /// Names of curves, for `BCRYPT_ECC_CURVE_NAMES`.
    Names(Vec<&'static str>),
    /// A ULONG.
    Number(u32),
    /// A wide string.
    Text(String),
}

/// `BCRYPT_KEY_LENGTHS_STRUCT`: bits of keys; in `BCRYPT_AUTH_TAG_LENGTHS_STRUCT` bytes of tags.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyLengths {
    /// dwMinLength
    pub min: u32,
    /// dwMaxLength
    pub max: u32,
    /// dwIncrement
    pub increment: u32,
}

impl KeyLengths {
    /// Whether a length is one of them.
    pub fn contains(self, length: u32) -> bool {
        let is_step = match self.increment {
            0 => length == self.min,
            increment => length.checked_sub(self.min).is_some_and(|above| above.is_multiple_of(increment)),
        };
        is_step && (self.min..=self.max).contains(&length)
    }
}

impl From<TagLengths> for KeyLengths {
    fn from(lengths: TagLengths) -> Self {
        Self { min: lengths.min, max: lengths.max, increment: lengths.increment }
    }
}

impl From<SupportedLengths> for KeyLengths {
    fn from(lengths: SupportedLengths) -> Self {
        Self { min: lengths.min, max: lengths.max, increment: lengths.increment }
    }
}

impl Value {
    /// Bytes of the `ChainingMode` property: Windows has room for 32 characters, whatever the mode.
    const CHAINING_MODE_LEN: usize = 64;

    /// A chaining mode in its fixed width.
    pub(super) fn chaining_mode(mode: ChainingMode) -> Self {
        let mut bytes = wide::encode_nul(mode.name());
        bytes.resize(Self::CHAINING_MODE_LEN, 0);
        Self::Bytes(bytes)
    }

    /// The value as BCrypt hands it out: little-endian numbers, UTF-16LE with NUL. The names of a list are here one after the other; the structure in C points to them.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Lengths(lengths) => {
                [lengths.min, lengths.max, lengths.increment].into_iter().flat_map(u32::to_le_bytes).collect()
            }
            Self::Names(names) => names.iter().flat_map(|name| wide::encode_nul(name)).collect(),
            Self::Number(number) => number.to_le_bytes().to_vec(),
            Self::Text(text) => wide::encode_nul(text),
        }
    }
}

/// The number of a ULONG property that is set.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    <[u8; 4]>::try_from(value).ok().map(u32::from_le_bytes)
}

/// The text of a wide string that is set, up to its NUL: callers hand the whole of a buffer in.
pub(super) fn text(value: &[u8]) -> Option<String> {
    let (units, rest) = value.as_chunks::<2>();
    let end = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let text = value.get(..2 * end).filter(|_| rest.is_empty())?;
    wide::decode(text).ok()
}
