//! What can be wrong around a program.

use std::path::PathBuf;

use crate::status::Status;

/// Why a configuration or a source of a secret is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration file.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong in it.
        problem: String,
        /// What it may say.
        hint: &'static str,
    },
    /// A setting, in the environment or in the configuration, with a value that is none. What it is may be secret.
    #[error("{setting} is not {expected}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// The source of a secret is none that is known. It may be the secret itself.
    #[error("the source of the {what} is not valid")]
    Source {
        /// What was to be read.
        what: String,
    },
    /// A secret that could not be read.
    #[error("the {what} cannot be read{from}: {problem}")]
    Unavailable {
        /// What was to be read.
        what: String,
        /// ` from ` and where, if it was a file.
        from: String,
        /// Why not.
        problem: String,
    },
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::File { .. } => Status::NTE_SYS_ERR,
            Self::Setting { .. } | Self::Source { .. } => Status::NTE_INVALID_PARAMETER,
            Self::Unavailable { .. } => Status::NTE_SILENT_CONTEXT,
        }
    }

    /// The next thing to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File { hint, .. } => hint,
            Self::Setting { .. } => "unset it, or give it such a value",
            Self::Source { .. } => "a source is prompt, env:NAME, file:PATH or fd:N",
            Self::Unavailable { from, .. } if from.is_empty() => "a source is prompt, env:NAME, file:PATH or fd:N",
            Self::Unavailable { .. } => "the first line of the file is taken",
        }
    }
}
