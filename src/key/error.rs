//! What can be wrong with a key's numbers.

use crate::status::Status;

/// Why key material is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A curve name or OID that the curve table does not have.
    #[error("unknown curve `{name}`")]
    UnknownCurve {
        /// The name or OID as it was given.
        name: String,
    },
    /// An algorithm identifier that is not one of CNG's, or not one handled here.
    #[error("unknown or unsupported algorithm `{name}`")]
    UnknownAlgorithm {
        /// The identifier as it was given.
        name: String,
    },
    /// The numbers contradict each other.
    #[error("the key is inconsistent: {what}")]
    Inconsistent {
        /// Which relation does not hold.
        what: &'static str,
    },
    /// A number is outside its range.
    #[error("{field} is out of range: {what}")]
    OutOfRange {
        /// Which number.
        field: &'static str,
        /// The range.
        what: &'static str,
    },
    /// A size that is not supported.
    #[error("{what} of {bits} bits is not supported ({range})")]
    Size {
        /// What has the size.
        what: &'static str,
        /// The size found.
        bits: u64,
        /// What is supported.
        range: &'static str,
    },
    /// Something is missing that cannot be computed here.
    #[error("{field} is missing and cannot be computed: {why}")]
    Missing {
        /// What is missing.
        field: &'static str,
        /// Why it cannot be computed.
        why: &'static str,
    },
    /// A key of this algorithm or on this curve is only read and written, never put on a token.
    #[error("{what} keys cannot be on a token here: only files and blobs hold them")]
    NotOnToken {
        /// The name of the curve or, where it is not for the curve, of the algorithm.
        what: &'static str,
    },
    /// A use that this kind of key does not have.
    #[error("a key of this kind ({kind}) cannot be used to {usage}")]
    Usage {
        /// The kind of key.
        kind: &'static str,
        /// The use asked for.
        usage: String,
    },
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::NotOnToken { .. } | Self::UnknownAlgorithm { .. } => Status::NTE_NOT_SUPPORTED,
            Self::Missing { .. } => Status::NTE_BAD_KEY,
            Self::Inconsistent { .. }
            | Self::OutOfRange { .. }
            | Self::Size { .. }
            | Self::UnknownCurve { .. }
            | Self::Usage { .. } => Status::NTE_INVALID_PARAMETER,
        }
    }
}
