//! What can be wrong with a file.

use crate::status::Status;
use crate::{asn1, blob, key};

/// Why a file cannot be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing that is known begins like this, or several things do.
    #[error("the type of the input ({len} bytes) cannot be told from its bytes{}", candidates_text(.candidates))]
    Unrecognised {
        /// Its length.
        len: usize,
        /// What it could be.
        candidates: Vec<&'static str>,
    },
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// A file that is known for what it is, and is not read here.
    #[error("this is {what}, which is not read here")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// What to do with it.
        hint: &'static str,
    },
    /// The format cannot hold this key.
    #[error("{format} cannot hold {what}")]
    NotRepresentable {
        /// The format.
        format: &'static str,
        /// What it cannot hold: a kind of key, or a key without something that the format needs.
        what: String,
    },
    /// The text of a PEM, JSON or BIND file is not what it should be.
    #[error("{format}: {field} at offset {offset}: {problem}")]
    Text {
        /// The format.
        format: &'static str,
        /// The member, line or part.
        field: String,
        /// Where it stands, in bytes from the start of the file.
        offset: usize,
        /// What is wrong with it, without any of its content.
        problem: &'static str,
    },
    /// A serialized certificate store is not what it should be.
    #[error("certificate store: {field} at offset {offset}: {problem}")]
    CertStore {
        /// The part.
        field: &'static str,
        /// Where it stands, in bytes from the start.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file holds no key of this format.
    #[error("{format}: {problem}")]
    NoKey {
        /// The format.
        format: &'static str,
        /// What was looked for, or what stands there instead.
        problem: String,
    },
    /// One key was wanted and there are several.
    #[error("the file holds {} keys: {}", .keys.len(), list(.keys))]
    SeveralKeys {
        /// Each by its number, its name and its kind.
        keys: Vec<String>,
    },
    /// The key that was asked for is not in the file, or its name stands for several.
    #[error("{found} keys of the file are called `{wanted}`; it holds {}", list(.keys))]
    NoSuchKey {
        /// What was asked for.
        wanted: String,
        /// How many answer to it.
        found: usize,
        /// Each by its number, its name and its kind.
        keys: Vec<String>,
    },
    /// One of several keys in a file cannot be read.
    #[error("{key}: {source}")]
    Entry {
        /// Which one: its number and, where it has one, its name.
        key: String,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// This build of the library does without the format.
    #[error("{format} is not built in (feature `{feature}`)")]
    NotBuiltIn {
        /// The format.
        format: &'static str,
        /// The feature that it needs.
        feature: &'static str,
    },
    /// As a blob.
    #[error(transparent)]
    Blob(#[from] blob::Error),
    /// As a DER structure.
    #[error(transparent)]
    Asn1(#[from] asn1::Error),
    /// As a key.
    #[error(transparent)]
    Key(#[from] key::Error),
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Unrecognised { .. } => Status::NTE_INVALID_PARAMETER,
            Self::Empty => Status::NTE_BAD_DATA,
            Self::NotRepresentable { .. } => Status::NTE_BAD_TYPE,
            Self::CertStore { .. } | Self::Text { .. } => Status::NTE_BAD_DATA,
            Self::NoKey { .. } => Status::NTE_BAD_DATA,
            Self::SeveralKeys { .. } => Status::NTE_INVALID_PARAMETER,
            Self::NoSuchKey { .. } => Status::NTE_NOT_FOUND,
            Self::Foreign { .. } | Self::NotBuiltIn { .. } => Status::NTE_NOT_SUPPORTED,
            Self::Entry { source, .. } => source.status(),
            Self::Blob(error) => error.status(),
            Self::Asn1(error) => error.status(),
            Self::Key(error) => error.status(),
        }
    }

    /// What is wrong, without the number of the key that it is wrong with.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Entry { source, .. } => source.innermost(),
            other => other,
        }
    }

    pub(super) fn text(format: super::Format, field: impl Into<String>, offset: usize, problem: &'static str) -> Self {
        Self::Text { format: format.name(), field: field.into(), offset, problem }
    }

    pub(super) fn not_representable(format: super::Format, what: impl Into<String>) -> Self {
        Self::NotRepresentable { format: format.name(), what: what.into() }
    }

    /// Says which key of several it is.
    pub(super) fn of_key(self, key: String) -> Self {
        Self::Entry { key, source: Box::new(self) }
    }
}

fn candidates_text(candidates: &[&'static str]) -> String {
    if candidates.is_empty() { String::new() } else { format!("; it could be {}", candidates.join(" or ")) }
}

/// The first few of a list.
fn list(keys: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = keys.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if keys.len() > SHOWN { format!("{shown}, …") } else { shown }
}
