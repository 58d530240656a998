//! What can be wrong with a run over many keys.

use std::path::{Path, PathBuf};

use crate::status::{Ckr, Status};

/// Why a manifest, a journal or a run is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// One key.
    #[error(transparent)]
    Library(crate::Error),
    /// A manifest or a folder of keys that cannot be read.
    #[error("{}: {problem}", path.display())]
    Manifest {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// One entry of a manifest.
    #[error("{}, line {line}{}: {problem}", path.display(), member_text(.member.as_deref()))]
    Entry {
        /// The manifest.
        path: PathBuf,
        /// Where it stands, from 1.
        line: u64,
        /// The member or column, if it is about one.
        member: Option<String>,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// Two entries of a manifest name the same key.
    #[error("{}, line {line}, `name`: line {first} has the name `{name}` already", path.display())]
    DuplicateName {
        /// The manifest.
        path: PathBuf,
        /// Where the second stands.
        line: u64,
        /// Where the first stands.
        first: u64,
        /// The name.
        name: String,
    },
    /// Two files of a folder would give their key the same name.
    #[error("{}: the files `{first}` and `{second}` would both be imported as `{stem}`", folder.display())]
    SameStem {
        /// The folder.
        folder: PathBuf,
        /// The name.
        stem: String,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// A journal that cannot be opened, or read.
    #[error("the journal {}: {problem}", path.display())]
    Journal {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// A journal that could not be written to: a full disk, for instance. What is in it stays.
    #[error("the journal {} cannot be written: {problem}", path.display())]
    JournalWrite {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// There is a journal already, where a new one was to be.
    #[error("there is a journal already: {}", path.display())]
    JournalExists {
        /// Which one.
        path: PathBuf,
    },
    /// Another run writes to the journal.
    #[error("the journal {} is in use: another run writes to it", path.display())]
    JournalInUse {
        /// Which one.
        path: PathBuf,
    },
    /// The file is no journal.
    #[error("{} is no journal", path.display())]
    NoJournal {
        /// Which one.
        path: PathBuf,
    },
    /// A journal that was changed or damaged.
    #[error("the journal {} is damaged at line {line}: {problem}", path.display())]
    JournalDamaged {
        /// Which one.
        path: PathBuf,
        /// Where, from 1.
        line: u64,
        /// What is wrong there.
        problem: &'static str,
    },
    /// A journal of another version of its form.
    #[error("the journal {} is of version {version}, which is not read here", path.display())]
    JournalVersion {
        /// Which one.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// A journal of another run.
    #[error("the journal {} is of another run: {}", path.display(), .differences.join("; "))]
    JournalOfAnother {
        /// Which one.
        path: PathBuf,
        /// What differs, each in words.
        differences: Vec<String>,
    },
}

/// Everything that the library can say of one key.
impl<E> From<E> for Error
where
    crate::Error: From<E>,
{
    fn from(error: E) -> Self {
        Self::Library(crate::Error::from(error))
    }
}

impl Error {
    /// The layer at fault, as one word.
    pub fn layer(&self) -> &'static str {
        match self {
            Self::Library(error) => error.layer(),
            _ => "bulk",
        }
    }

    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Library(error) => error.status(),
            Self::Manifest { .. } | Self::Journal { .. } | Self::JournalWrite { .. } => Status::NTE_SYS_ERR,
            Self::Entry { .. } | Self::JournalOfAnother { .. } => Status::NTE_INVALID_PARAMETER,
            Self::DuplicateName { .. } | Self::SameStem { .. } | Self::JournalExists { .. } => Status::NTE_EXISTS,
            Self::JournalInUse { .. } => Status::NTE_DEVICE_NOT_READY,
            Self::NoJournal { .. } | Self::JournalDamaged { .. } => Status::NTE_BAD_DATA,
            Self::JournalVersion { .. } => Status::NTE_NOT_SUPPORTED,
        }
    }

    /// What the token said, if it said anything.
    pub fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::Library(error) => error.ckr(),
            _ => None,
        }
    }

    /// The next thing to do, where there is one.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Library(error) => return error.hint(),
            Self::Manifest { hint, .. } | Self::Entry { hint, .. } | Self::Journal { hint, .. } => hint,
            Self::DuplicateName { .. } => "give one of them another name; one key, one name",
            Self::SameStem { .. } => {
                "rename one of them, or write a manifest: it can give a key any name, and say which file is its certificate"
            }
            Self::JournalWrite { .. } => {
                "make room, or mend what is wrong with the file system, and go on with --resume and the same journal"
            }
            Self::JournalExists { .. } => "go on with it by --resume, or name another file",
            Self::JournalInUse { .. } => "wait until the other run has ended, or give this one a journal of its own",
            Self::NoJournal { .. } => "name another file; nothing was written to this one",
            Self::JournalDamaged { .. } => {
                "do not mend it: start with a new journal; what is on the token already is found there and not imported again"
            }
            Self::JournalVersion { .. } => "finish the run with the version of this program that began it",
            Self::JournalOfAnother { .. } => {
                "start this run with a journal of its own, or give it what the first one was given"
            }
        };
        Some(hint.to_owned())
    }

    pub(super) fn manifest(path: &Path, problem: impl Into<String>, hint: &'static str) -> Self {
        Self::Manifest { path: path.to_owned(), problem: problem.into(), hint }
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::manifest(path, error.to_string(), "check the path and the permissions")
    }
}

fn member_text(member: Option<&str>) -> String {
    member.map(|member| format!(", `{member}`")).unwrap_or_default()
}
