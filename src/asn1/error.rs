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
    #[error("it is encrypted and no password was given")]
    PasswordMissing,
    /// The password does not open it. A file that was changed on the way looks the same.
    #[error("the password does not open it, or the file was changed")]
    PasswordWrong,
    /// The operating system has no random bytes for salt and IV.
    #[error("the operating system has no random bytes")]
    Random,
    /// An encryption scheme that is not handled here.
    #[error("the password-based encryption is not supported: {what}")]
    Scheme {
        /// The scheme or the parameter at fault.
        what: String,
    },
    /// Opening the file would take more work than the limits allow. What goes beyond them was not done.
    #[error("the file asks for {found} {what}, and the limit is {limit}")]
    Work {
        /// The kind of work.
        what: &'static str,
        /// How much the file asks for.
        found: u64,
        /// How much it may ask for.
        limit: u64,
    },
    /// An encryption under a public key that is not handled here.
    #[error("the encryption is not supported: {what}")]
    Encryption {
        /// The algorithm or the parameter at fault.
        what: String,
    },
    /// An EnvelopedData that the key does not open. One that was changed on the way looks the same.
    #[error("the key does not open it, or the file was changed")]
    Envelope,
    /// An EnvelopedData for others.
    #[error("{}", recipient_text(*.read, *.others))]
    Recipient {
        /// How many recipients it has of the kind that is read.
        read: usize,
        /// How many of other kinds.
        others: usize,
    },
    /// The numbers inside do not make a key.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// PEM that is not well-formed (RFC 7468), or that has no section of the kind looked for.
    #[error("PEM: {problem} at offset {offset}")]
    Pem {
        /// Where, in bytes from the start of the text.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// Something that is recognised and not handled here.
    #[error("{what} cannot be read here")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// What to do with it.
        hint: &'static str,
    },
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Malformed { .. }
            | Self::Invalid { .. }
            | Self::Pem { .. }
            | Self::Envelope
            | Self::Recipient { .. } => Status::NTE_BAD_DATA,
            Self::Algorithm { .. }
            | Self::Encryption { .. }
            | Self::Scheme { .. }
            | Self::Unsupported { .. }
            | Self::Work { .. } => Status::NTE_NOT_SUPPORTED,
            Self::PasswordMissing | Self::PasswordWrong => Status::NTE_INCORRECT_PASSWORD,
            Self::Random => Status::NTE_FAIL,
            Self::Key(error) => error.status(),
        }
    }

    /// The error of reading `inner`, which is a part of `outer`, as one of reading `outer`: its offset counts from there.
    pub(super) fn within(mut self, outer: &[u8], inner: &[u8]) -> Self {
        if let Self::Malformed { offset, .. } = &mut self
            && let Some(start) = inner.as_ptr().addr().checked_sub(outer.as_ptr().addr())
            && start <= outer.len()
        {
            *offset += start as u64;
        }
        self
    }

    pub(super) fn encoding(what: &'static str, error: der::Error) -> Self {
        Self::from((what, error))
    }
}

fn recipient_text(read: usize, others: usize) -> String {
    match (read, others) {
        (0, 0) => "it has no recipient".to_owned(),
        (0, others) => format!("no recipient is of a kind that is read; {others} of other kinds"),
        (read, 0) => format!("it is for others: {read} with RSA keys"),
        (read, others) => format!("it is for others: {read} with RSA keys, {others} of kinds that are not read"),
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

impl From<(&'static str, ::spki::Error)> for Error {
    fn from((what, error): (&'static str, ::spki::Error)) -> Self {
        match error {
            ::spki::Error::Asn1(error) => Self::from((what, error)),
            other => Self::Malformed { what, offset: 0, kind: other.to_string() },
        }
    }
}
