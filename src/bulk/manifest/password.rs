//! Where the password of a file in a manifest comes from.

use std::fmt;
use std::path::{Path, PathBuf};

/// The source of a password: of what `--password-source` takes, that which is the same for every run.
///
/// A prompt would have to be answered for each of thousands of keys, and a descriptor can be read once.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PasswordSource {
    /// `env:NAME`.
    Variable(String),
    /// `file:PATH`, relative to the folder of the manifest.
    File(String),
}

impl PasswordSource {
    /// Reads `env:NAME` or `file:PATH`. What is neither may be the password itself, and stands in no message.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() && !name.contains('=') => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            Some(("fd", _)) => Err("a descriptor can be read once, and not for each of many keys".to_owned()),
            None if matches!(text, "prompt" | "-") => {
                Err("a manifest is worked through without anybody being asked".to_owned())
            }
            _ => Err("it is no source of a password".to_owned()),
        }
    }

    /// The file that is meant by [`Self::File`], for an entry whose paths are relative to `folder`.
    pub fn path(&self, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(folder.join(path)),
            Self::Variable(_) => None,
        }
    }

    /// Reads the password. `folder` is what a relative path is relative to; `what` names it in messages.
    ///
    /// # Errors
    /// [`config::Error::Unavailable`](crate::config::Error::Unavailable) where nothing can be read.
    #[cfg(feature = "config")]
    pub fn read(&self, folder: &Path, what: &str) -> Result<secrecy::SecretString, crate::config::Error> {
        match self {
            Self::Variable(name) => crate::config::source::read_variable(name, what),
            Self::File(path) => crate::config::source::read_file(&folder.join(path), what),
        }
    }
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}
