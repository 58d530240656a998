//! What can be wrong with a blob.

use crate::status::Status;
use crate::{asn1, key};

/// Why bytes are not the blob they are said to be, or a key cannot be written as one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input ends inside a field.
    #[error("{field} at offset {offset} needs {needed} bytes, {left} are left")]
    Truncated {
        /// The field.
        field: &'static str,
        /// Where it begins.
        offset: usize,
        /// How long it is said to be.
        needed: u64,
        /// How many bytes there are.
        left: usize,
    },
    /// Bytes follow the last field.
    #[error("{extra} bytes follow the end of the blob at offset {offset}")]
    Trailing {
        /// Where the blob ends.
        offset: usize,
        /// How many bytes follow.
        extra: usize,
    },
    /// The magic number is not one of this blob type.
    #[error("{field} at offset {offset} {}, not that of {expected}", magic_text(*.found))]
    Magic {
        /// The field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// What stands there.
        found: u32,
        /// What was expected.
        expected: &'static str,
    },
    /// What the first fields say, where there is no magic number, is not of this blob type. It may be anything, the first bytes of a bare key
    /// among it, so it does not stand here.
    #[error("{field} at offset {offset} is not that of {expected}")]
    Foreign {
        /// The field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// The blob type.
        expected: &'static str,
    },
    /// A field has a value that the layout does not allow.
    #[error("{field} at offset {offset} is {found}: {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// What stands there.
        found: u64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A wide string in the blob is malformed.
    #[error("{field} at offset {offset}: {source}")]
    Wide {
        /// The field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// What is wrong with it.
        source: crate::wide::Error,
    },
    /// A name in the blob is not one that is known here.
    #[error("{field} at offset {offset} is `{found}`: {expected}")]
    Name {
        /// The field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// What stands there.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The magic number is that of a kind of key that is known by name only.
    #[error("{field} at offset {offset} is the magic number of {what}, which is not handled")]
    Unsupported {
        /// The field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// The kind of key.
        what: &'static str,
    },
    /// The domain parameters in the blob are not those of a named curve.
    #[error("the domain parameters at offset {offset} are those of no curve that CNG has a name for")]
    CurveUnknown {
        /// Where they begin.
        offset: usize,
    },
    /// The blob is one without a key in it.
    #[error("{} {blob_type} holds domain parameters and no key", article(blob_type))]
    NotAKey {
        /// The blob type.
        blob_type: &'static str,
    },
    /// The blob is for somebody else to open.
    #[error("{} {blob_type} cannot be opened here: {why}", article(blob_type))]
    Sealed {
        /// The blob type.
        blob_type: &'static str,
        /// Who can, and what can be done.
        why: &'static str,
    },
    /// The blob says nothing of its curve and none was given beside it.
    #[error("{magic} at offset 0 names no curve, and none was given beside the blob")]
    CurveMissing {
        /// The generic magic.
        magic: &'static str,
    },
    /// The algorithm or curve given beside the blob contradicts it.
    #[error("the blob holds {found}, which does not fit {given}, given beside it")]
    Algorithm {
        /// What was given.
        given: String,
        /// What the blob holds.
        found: String,
    },
    /// The blob is wrapped: only a token, or the wrapping key, can open it.
    #[error("{} {blob_type} is wrapped: it needs the key that wrapped it", article(blob_type))]
    Wrapped {
        /// The blob type.
        blob_type: &'static str,
    },
    /// The caller's buffer is too small for the blob.
    #[error("the blob needs {needed} bytes, the buffer has {left}")]
    BufferTooSmall {
        /// How long the blob is.
        needed: usize,
        /// How long the buffer is.
        left: usize,
    },
    /// The blob type cannot hold this kind of key.
    #[error("{blob_type} cannot hold {key}")]
    NotRepresentable {
        /// The blob type.
        blob_type: &'static str,
        /// The kind of key.
        key: &'static str,
    },
    /// The blob type holds keys of this kind, but not this one.
    #[error("{blob_type} cannot hold this key: {why}")]
    Limit {
        /// The blob type.
        blob_type: &'static str,
        /// The limit of the layout.
        why: &'static str,
    },
    /// The DER inside is wrong.
    #[error(transparent)]
    Asn1(#[from] asn1::Error),
    /// The numbers in the blob do not make a key.
    #[error(transparent)]
    Key(#[from] key::Error),
}

/// The article before the name of a blob type.
fn article(blob_type: &str) -> &'static str {
    if blob_type.starts_with(['E', 'I', 'O']) { "an" } else { "a" }
}

impl Error {
    /// What a CNG caller gets (Windows answers `NTE_BAD_DATA` to a wrong length and `NTE_INVALID_PARAMETER` to a wrong magic).
    pub fn status(&self) -> Status {
        match self {
            Self::Truncated { .. }
            | Self::Trailing { .. }
            | Self::Value { .. }
            | Self::Wide { .. }
            | Self::Name { .. } => Status::NTE_BAD_DATA,
            Self::Magic { .. }
            | Self::Foreign { .. }
            | Self::CurveMissing { .. }
            | Self::CurveUnknown { .. }
            | Self::Algorithm { .. }
            | Self::Wrapped { .. } => Status::NTE_INVALID_PARAMETER,
            Self::Unsupported { .. } | Self::Sealed { .. } => Status::NTE_NOT_SUPPORTED,
            Self::BufferTooSmall { .. } => Status::NTE_BUFFER_TOO_SMALL,
            Self::Limit { .. } | Self::NotAKey { .. } | Self::NotRepresentable { .. } => Status::NTE_BAD_TYPE,
            Self::Asn1(error) => error.status(),
            Self::Key(error) => error.status(),
        }
    }
}

/// A magic number that is none may be the first bytes of a bare key: those do not stand in an error.
fn magic_text(found: u32) -> String {
    if super::magic::of(found).is_some() {
        format!("is the magic number 0x{found:08X}")
    } else {
        "is no known magic number".to_owned()
    }
}
