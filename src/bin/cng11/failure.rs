//! What goes wrong on the command line, and the exit code that says so.

use std::path::{Path, PathBuf};

use cng_pkcs11::format::{Format, Guess};
use cng_pkcs11::key::Error as KeyError;
use cng_pkcs11::provider::{Error as ProviderError, Explanation};
use cng_pkcs11::status::Ckr;
use cng_pkcs11::{Error, Status, asn1, blob, bulk, config, format, token, wrap};

/// A failure: what happened, and what to do next.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A run over many keys.
    Bulk(bulk::Error),
    /// No PIN or password can be had.
    Authentication { message: String, hint: String },
    /// A file cannot be read or written.
    File { path: PathBuf, problem: String, hint: Option<String> },
    /// The library, and why the token refused.
    Explained { error: Error, explanations: Vec<Explanation> },
    /// The library.
    Library(Error),
    /// Anything else that failed.
    Other { message: String, hint: Option<String> },
    /// A file that cannot be read, and what it could be.
    Unreadable { error: Error, tried: Option<Format>, guesses: Vec<Guess>, inspects: bool },
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
            Self::Bulk(error) => error.to_string(),
            Self::Library(error) | Self::Explained { error, .. } => error.to_string(),
            Self::Unreadable { error, tried, guesses, .. } => match guesses.first() {
                // That it looks like what it was read as says nothing more, if the reading came to the same.
                Some(guess) if *tried == Some(guess.format) && says_no_more(guess, error) => error.to_string(),
                Some(guess) => format!("{error}; it looks most like {}", guess_text(guess, error)),
                None => error.to_string(),
            },
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Bulk(error) => error.hint(),
            Self::Authentication { hint, .. } => Some(hint.clone()),
            Self::File { hint, .. } | Self::Other { hint, .. } | Self::Usage { hint, .. } => hint.clone(),
            Self::Unreadable { error, inspects: true, .. } => error.hint().and_then(|hint| without_inspect(&hint)),
            Self::Library(error) | Self::Explained { error, .. } | Self::Unreadable { error, .. } => error.hint(),
        }
    }

    /// What an unreadable file could be, the likeliest first.
    pub(crate) fn guesses(&self) -> &[Guess] {
        match self {
            Self::Unreadable { guesses, .. } => guesses,
            _ => &[],
        }
    }

    /// Why the token refused, where that was found out.
    pub(crate) fn explanations(&self) -> &[Explanation] {
        match self {
            Self::Explained { explanations, .. } => explanations,
            _ => &[],
        }
    }

    pub(crate) fn layer(&self) -> &'static str {
        match self {
            // What stands around the command is the command's own.
            Self::Library(Error::Config(_)) => "cli",
            Self::Bulk(error) => error.layer(),
            Self::Library(error) | Self::Explained { error, .. } | Self::Unreadable { error, .. } => error.layer(),
            _ => "cli",
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Bulk(error) => error.status(),
            Self::Authentication { .. } => Status::NTE_SILENT_CONTEXT,
            Self::File { .. } => Status::NTE_SYS_ERR,
            Self::Library(error) | Self::Explained { error, .. } | Self::Unreadable { error, .. } => error.status(),
            Self::Other { .. } => Status::NTE_FAIL,
            Self::Usage { .. } => Status::NTE_INVALID_PARAMETER,
        }
    }

    pub(crate) fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::Bulk(error) => error.ckr(),
            Self::Library(error) | Self::Explained { error, .. } | Self::Unreadable { error, .. } => error.ckr(),
            _ => None,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Bulk(bulk::Error::Library(error) | bulk::Error::Lost { cause: error }) => library_code(error),
            Self::Bulk(
                bulk::Error::Entry { .. }
                | bulk::Error::DuplicateName { .. }
                | bulk::Error::SameStem { .. }
                | bulk::Error::JournalExists { .. }
                | bulk::Error::JournalOfAnother { .. }
                | bulk::Error::NoJournal { .. },
            ) => 2,
            Self::Bulk(_) => 1,
            Self::Authentication { .. } => 4,
            Self::File { .. } | Self::Other { .. } => 1,
            Self::Library(error) | Self::Explained { error, .. } | Self::Unreadable { error, .. } => {
                library_code(error)
            }
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

impl Failure {
    /// What ended a run over many keys, or kept it from beginning.
    pub(crate) fn bulk(error: bulk::Error) -> Self {
        match error {
            bulk::Error::Library(error) => Self::Library(error),
            other => Self::Bulk(other),
        }
    }
}

/// Whether a guess says what is known already; it was made without the password.
fn says_no_more(guess: &Guess, known: &Error) -> bool {
    let missing = |error: &format::Error| error.status() == Status::NTE_INCORRECT_PASSWORD;
    guess.error.as_ref().is_none_or(|error| missing(error) || error.to_string() == known.to_string())
}

/// A hint without those of its parts that send to `inspect`.
fn without_inspect(hint: &str) -> Option<String> {
    let parts: Vec<&str> = hint.split("; ").filter(|part| !part.starts_with("`cng11 inspect`")).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
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
            | ProviderError::DangerousKek { .. }
            | ProviderError::GainsRights { .. }
            | ProviderError::ContainerForbids { .. }
            | ProviderError::PublicNotPersisted
            | ProviderError::NotHonoured { .. }
            | ProviderError::AttributeNotKept { .. }
            | ProviderError::AttributesRefused { .. }
            | ProviderError::Unsupported { .. }
            | ProviderError::NoPublic { .. } => 3,
            ProviderError::PinNeeded { .. } => 4,
            ProviderError::Property { status, .. } if *status == Status::NTE_NOT_SUPPORTED => 3,
            _ => 1,
        },
        Error::Config(config::Error::Unavailable { .. }) => 4,
        Error::Config(config::Error::Source { .. } | config::Error::Setting { .. }) => 2,
        Error::Key(KeyError::Usage { .. } | KeyError::UnknownCurve { .. } | KeyError::UnknownAlgorithm { .. }) => 2,
        Error::Key(KeyError::NotOnToken { .. }) => 3,
        Error::Token(error) | Error::Wrap(wrap::Error::Token(error) | wrap::Error::Unwrap { source: error, .. }) => {
            token_code(error)
        }
        Error::Wrap(
            wrap::Error::Mechanism { .. }
            | wrap::Error::NoRoute { .. }
            | wrap::Error::Oaep { .. }
            | wrap::Error::DoesNotFit { .. },
        ) => 3,
        Error::Template(_) | Error::Wrap(wrap::Error::Unsuitable { .. } | wrap::Error::Kek { .. }) => 2,
        _ if is_password(error) => 4,
        _ => 1,
    }
}

fn token_code(error: &token::Error) -> u8 {
    match error {
        token::Error::Pin { .. } | token::Error::NewPin { .. } => 4,
        token::Error::Uri { .. } | token::Error::SeveralTokens { .. } => 2,
        token::Error::Pkcs11 { ckr, .. } => match *ckr {
            Ckr::USER_NOT_LOGGED_IN | Ckr::PIN_EXPIRED | Ckr::USER_PIN_NOT_INITIALIZED => 4,
            ckr if matches!(ckr.status(), Status::NTE_NOT_SUPPORTED | Status::NTE_PERM) => 3,
            _ => 1,
        },
        _ => 1,
    }
}

pub(crate) fn is_password(error: &Error) -> bool {
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
