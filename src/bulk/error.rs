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
    /// A file that is to be written is there already.
    #[error("{}: the file exists", path.display())]
    FileExists {
        /// Which one.
        path: PathBuf,
    },
    /// The token was lost, and could not be opened again.
    #[error("the token was lost, and could not be opened again: {cause}")]
    Lost {
        /// What became of that.
        cause: crate::Error,
    },
    /// Another key has the name.
    #[error("the name `{name}` is taken, by {held}: {difference}")]
    NameTaken {
        /// The name.
        name: String,
        /// What has it.
        held: String,
        /// What is not the same.
        difference: String,
    },
    /// Nothing says what the key is to be called.
    #[error("{}: the file does not name the key, and nothing else does", path.display())]
    Nameless {
        /// Which file.
        path: PathBuf,
    },
    /// What arrived is another key.
    #[error("what arrived as `{name}` is not the key that was sent; it was not put there")]
    NotTheSame {
        /// The name.
        name: String,
    },
    /// A file holds several keys, and what was said is about one.
    #[error("{}: it holds {} keys ({}), and what was said of it is about one", path.display(), .names.len(), .names.join(", "))]
    SeveralKeys {
        /// Which file.
        path: PathBuf,
        /// What they are called there.
        names: Vec<String>,
    },
    /// A wrapped file that does not show what is inside.
    #[error("{}: a wrapped file does not tell what is inside", path.display())]
    UnknownWrapped {
        /// Which file.
        path: PathBuf,
    },
    /// A key that may not leave its token.
    #[error("`{name}` may not leave its token (CKA_EXTRACTABLE false)")]
    Unmovable {
        /// The key.
        name: String,
    },
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
            Self::Library(error) | Self::Lost { cause: error } => error.status(),
            Self::FileExists { .. } | Self::NameTaken { .. } => Status::NTE_EXISTS,
            Self::Nameless { .. } | Self::SeveralKeys { .. } | Self::UnknownWrapped { .. } => {
                Status::NTE_INVALID_PARAMETER
            }
            Self::NotTheSame { .. } => Status::NTE_VALIDATION_FAILED,
            Self::Unmovable { .. } => Status::NTE_NOT_SUPPORTED,
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
            Self::Library(error) | Self::Lost { cause: error } => error.ckr(),
            _ => None,
        }
    }

    /// The next thing to do, where there is one.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Library(error) => return error.hint(),
            Self::Manifest { hint, .. } | Self::Entry { hint, .. } | Self::Journal { hint, .. } => hint,
            Self::FileExists { .. } => "export to another folder, or overwrite with --force",
            Self::Lost { .. } => "see to the token, and go on with --resume and the same journal",
            Self::NameTaken { .. } => "--on-collision says what is to be done: skip, rename or overwrite",
            Self::Nameless { .. } => "say it as `name` in a manifest",
            Self::NotTheSame { .. } => {
                "one of the two tokens does not do what it says: try one key by itself, with `export` and `import`"
            }
            Self::SeveralKeys { .. } => {
                "choose one with `key`, or leave `name`, `id` and `certificate` out: each key has the name in the file"
            }
            Self::UnknownWrapped { .. } => "say it as `type`: PKCS8_PRIVATEKEY, or raw with `algorithm`",
            Self::Unmovable { .. } => "no program can move it: import it again from where it came from",
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
