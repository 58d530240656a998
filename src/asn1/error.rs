//! What can be wrong with a DER structure.

use crate::key;
use crate::status::Status;

/// Why DER is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not well-formed DER, or not the structure it should be.
    #[error("{what}: malformed DER at offset {offset} ({kind})")]
    Malformed {
        /// The structure.
        what: &'static str,
        /// Where it stops making sense, in bytes from the start of the structure that was read.
        offset: u64,
        /// What the DER reader says, without any of the content.
        kind: String,
    },
    /// A field has a value that is not allowed.
    #[error("{what}: {problem}")]
    Invalid {
        /// The structure.
        what: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A key algorithm that is not handled here.
    #[error("the key algorithm with OID {oid} is not supported")]
    Algorithm {
        /// The OID.
        oid: String,
    },
    /// Encrypted, and no password was given.
    #[error("the PKCS#8 is encrypted and no password was given")]
    PasswordMissing,
    /// The password does not open it (or what is inside is not a key, which looks the same).
    #[error("the password does not open the encrypted PKCS#8")]
    PasswordWrong,
    /// An encryption scheme that is not handled here.
    #[error("the password-based encryption is not supported: {what}")]
    Scheme {
        /// The scheme or the parameter at fault.
        what: String,
    },
    /// The numbers inside do not make a key.
    #[error(transparent)]
    Key(#[from] key::Error),
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Malformed { .. } | Self::Invalid { .. } => Status::NTE_BAD_DATA,
            Self::Algorithm { .. } | Self::Scheme { .. } => Status::NTE_NOT_SUPPORTED,
            Self::PasswordMissing | Self::PasswordWrong => Status::NTE_INCORRECT_PASSWORD,
            Self::Key(error) => error.status(),
        }
    }

    pub(super) fn encoding(what: &'static str, error: der::Error) -> Self {
        Self::from((what, error))
    }
}

impl From<(&'static str, der::Error)> for Error {
    fn from((what, error): (&'static str, der::Error)) -> Self {
        let offset = error.position().map_or(0, |position| u32::from(position).into());
        Self::Malformed { what, offset, kind: error.kind().to_string() }
    }
}

impl From<(&'static str, ::pkcs1::Error)> for Error {
    fn from((what, error): (&'static str, ::pkcs1::Error)) -> Self {
        match error {
            ::pkcs1::Error::Asn1(error) => Self::from((what, error)),
            other => Self::Malformed { what, offset: 0, kind: other.to_string() },
        }
    }
}

impl From<(&'static str, ::sec1::Error)> for Error {
    fn from((what, error): (&'static str, ::sec1::Error)) -> Self {
        match error {
            ::sec1::Error::Asn1(error) => Self::from((what, error)),
            other => Self::Malformed { what, offset: 0, kind: other.to_string() },
        }
    }
}

impl From<(&'static str, ::spki::Error)> for Error {
    fn from((what, error): (&'static str, ::spki::Error)) -> Self {
        match error {
            ::spki::Error::Asn1(error) => Self::from((what, error)),
            other => Self::Malformed { what, offset: 0, kind: other.to_string() },
        }
    }
}
