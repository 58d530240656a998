//! What goes wrong on the command line, and the exit code that says so.

use std::path::{Path, PathBuf};

use cng_pkcs11::format::Guess;
use cng_pkcs11::key::Error as KeyError;
use cng_pkcs11::provider::Error as ProviderError;
use cng_pkcs11::status::Ckr;
use cng_pkcs11::{Error, Status, asn1, blob, format, token, wrap};

/// A failure: what happened, and what to do next.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No PIN or password can be had.
    Authentication { message: String, hint: String },
    /// A file cannot be read or written.
    File { path: PathBuf, problem: String, hint: Option<String> },
    /// The library.
    Library(Error),
    /// Anything else that failed.
    Other { message: String, hint: Option<String> },
    /// A file that cannot be read, and what it could be.
    Unreadable { error: Error, guesses: Vec<Guess> },
    /// The arguments make no sense.
    Usage { message: String, hint: Option<String> },
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            problem: error.to_string(),
            hint: Some("check the path and the permissions".to_owned()),
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Authentication { message, .. } | Self::Other { message, .. } | Self::Usage { message, .. } => {
                message.clone()
            }
            Self::File { path, problem, .. } => format!("{}: {problem}", path.display()),
            Self::Library(error) => error.to_string(),
            Self::Unreadable { error, guesses } => match guesses.first() {
                Some(guess) => format!("{error}; it looks most like {}", guess_text(guess, error)),
                None => error.to_string(),
            },
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Authentication { hint, .. } => Some(hint.clone()),
            Self::File { hint, .. } | Self::Other { hint, .. } | Self::Usage { hint, .. } => hint.clone(),
            Self::Library(error) | Self::Unreadable { error, .. } => error.hint(),
        }
    }

    /// What an unreadable file could be, the likeliest first.
    pub(crate) fn guesses(&self) -> &[Guess] {
        match self {
            Self::Unreadable { guesses, .. } => guesses,
            _ => &[],
        }
    }

    pub(crate) fn layer(&self) -> &'static str {
        match self {
            Self::Library(error) | Self::Unreadable { error, .. } => error.layer(),
            _ => "cli",
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Authentication { .. } => Status::NTE_SILENT_CONTEXT,
            Self::File { .. } => Status::NTE_SYS_ERR,
            Self::Library(error) | Self::Unreadable { error, .. } => error.status(),
            Self::Other { .. } => Status::NTE_FAIL,
            Self::Usage { .. } => Status::NTE_INVALID_PARAMETER,
        }
    }

    pub(crate) fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::Library(error) | Self::Unreadable { error, .. } => error.ckr(),
            _ => None,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Authentication { .. } => 4,
            Self::File { .. } | Self::Other { .. } => 1,
            Self::Library(error) | Self::Unreadable { error, .. } => library_code(error),
            Self::Usage { .. } => 2,
        }
    }
}

impl<E> From<E> for Failure
where
    Error: From<E>,
{
    fn from(error: E) -> Self {
        Self::Library(Error::from(error))
    }
}

/// A guess in words: what the file looks like, and where that stops making sense.
fn guess_text(guess: &Guess, known: &Error) -> String {
    let name = guess.format.name();
    match guess.error.as_ref().map(ToString::to_string) {
        Some(error) if error != known.to_string() => {
            format!("{name}, and makes sense as that up to offset {}: {error}", guess.offset)
        }
        _ => name.to_owned(),
    }
}

/// 2 for arguments, 3 for a refusal by policy or token, 4 for PINs and passwords, 1 for the rest.
fn library_code(error: &Error) -> u8 {
    match error {
        Error::Provider(error) => match error {
            ProviderError::Name { .. } | ProviderError::Contradiction { .. } | ProviderError::BadFlags { .. } => 2,
            ProviderError::PolicyForbids { .. }
            | ProviderError::UsageForbids { .. }
            | ProviderError::PublicNotPersisted
            | ProviderError::NotHonoured { .. }
            | ProviderError::Unsupported { .. }
            | ProviderError::NoPublic { .. } => 3,
            ProviderError::Property { status, .. } if *status == Status::NTE_NOT_SUPPORTED => 3,
            _ => 1,
        },
        Error::Key(KeyError::Usage { .. } | KeyError::UnknownCurve { .. } | KeyError::UnknownAlgorithm { .. }) => 2,
        Error::Key(KeyError::NotOnToken { .. }) => 3,
        Error::Token(error) | Error::Wrap(wrap::Error::Token(error) | wrap::Error::Unwrap { source: error, .. }) => {
            token_code(error)
        }
        Error::Wrap(wrap::Error::Mechanism { .. }) => 3,
        Error::Wrap(wrap::Error::Unsuitable { .. }) => 2,
        _ if is_password(error) => 4,
        _ => 1,
    }
}

fn token_code(error: &token::Error) -> u8 {
    match error {
        token::Error::Pin { .. } => 4,
        token::Error::Uri { .. } | token::Error::SeveralTokens { .. } => 2,
        token::Error::Pkcs11 { ckr, .. } => match *ckr {
            Ckr::USER_NOT_LOGGED_IN | Ckr::PIN_EXPIRED | Ckr::USER_PIN_NOT_INITIALIZED => 4,
            ckr if matches!(ckr.status(), Status::NTE_NOT_SUPPORTED | Status::NTE_PERM) => 3,
            _ => 1,
        },
        _ => 1,
    }
}

fn is_password(error: &Error) -> bool {
    let asn1 = match error {
        Error::Asn1(error) | Error::Blob(blob::Error::Asn1(error)) => error,
        Error::Format(error) => match error.innermost() {
            format::Error::Asn1(error) | format::Error::Blob(blob::Error::Asn1(error)) => error,
            _ => return false,
        },
        _ => return false,
    };
    matches!(asn1, asn1::Error::PasswordMissing | asn1::Error::PasswordWrong)
}
