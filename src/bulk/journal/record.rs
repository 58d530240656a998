//! The lines of a journal behind its first.

use serde_json::Value;

use super::super::MAX_ENTRIES;
use super::super::lines::MAX_LINE;
use super::entries::Begun;
use crate::hex;
use crate::status::Status;

/// Bytes of the longest record: a line is read within a bound, with its check digits.
pub(super) const MAX: usize = MAX_LINE - 64;

/// Characters of a message that are kept.
const MESSAGE: usize = 1000;

/// What has become of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The key was put onto the token.
    Imported,
    /// The same key was there already.
    Identical,
    /// Another key was there, and was left.
    Skipped,
    /// The key was put there under another name.
    Renamed,
    /// The key has taken the place of another one.
    Overwritten,
    /// The key was written to a file.
    Exported,
}

impl Outcome {
    /// All of them, in the order in which a summary counts them.
    pub const ALL: [Self; 6] =
        [Self::Imported, Self::Identical, Self::Skipped, Self::Renamed, Self::Overwritten, Self::Exported];

    /// The word in a journal and in a report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Identical => "identical",
            Self::Skipped => "skipped",
            Self::Renamed => "renamed",
            Self::Overwritten => "overwritten",
            Self::Exported => "exported",
        }
    }

    fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What is recorded. Nothing of it may be secret.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// An entry is about to be worked on.
    Begin {
        /// Its number, from 0.
        entry: u32,
        /// The key's name.
        name: &'a str,
        /// What the key will be recognised by: the CKA_ID or a fingerprint of the public half; of a symmetric key the CKA_ID that was chosen.
        identity: &'a [u8],
    },
    /// An entry is done.
    Done {
        /// Its number.
        entry: u32,
        /// The key's name on the token.
        name: &'a str,
        /// What became of it.
        outcome: Outcome,
        /// The key's unique name, or the file that it was written to.
        unique: &'a str,
        /// How it was verified, in a word.
        verified: &'a str,
    },
    /// An entry failed.
    Failed {
        /// Its number.
        entry: u32,
        /// The key's name.
        name: &'a str,
        /// Of the error.
        status: Status,
        /// What went wrong; of a long one the beginning is kept.
        message: &'a str,
    },
    /// The run came to its end.
    End {
        /// How many entries there were.
        entries: u32,
    },
}

impl Record<'_> {
    pub(super) fn entry(&self) -> Option<u32> {
        match self {
            Self::Begin { entry, .. } | Self::Done { entry, .. } | Self::Failed { entry, .. } => Some(*entry),
            Self::End { .. } => None,
        }
    }

    pub(super) fn to_json(self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        match self {
            Self::Begin { entry, name, identity } => {
                format!("{{\"begin\":{entry},\"name\":{},\"identity\":\"{}\"}}", text(name), hex::encode(identity))
            }
            Self::Done { entry, name, outcome, unique, verified } => format!(
                "{{\"done\":{entry},\"name\":{},\"outcome\":\"{}\",\"unique\":{},\"verified\":{}}}",
                text(name),
                outcome.word(),
                text(unique),
                text(verified)
            ),
            Self::Failed { entry, name, status, message } => {
                let message: String = message.chars().take(MESSAGE).collect();
                let (name, status, message) = (text(name), text(&status.to_string()), text(&message));
                format!("{{\"failed\":{entry},\"name\":{name},\"status\":{status},\"message\":{message}}}")
            }
            Self::End { entries } => format!("{{\"end\":{entries}}}"),
        }
    }
}

/// What is kept of a record.
pub(super) enum Read {
    Begin { entry: u32, begun: Begun },
    Done { entry: u32, outcome: Outcome, name: String },
    Failed { entry: u32 },
    End,
}

impl From<&Record<'_>> for Read {
    fn from(record: &Record<'_>) -> Self {
        match *record {
            Record::Begin { entry, name, identity } => {
                Self::Begin { entry, begun: Begun { name: name.to_owned(), identity: identity.to_owned() } }
            }
            Record::Done { entry, outcome, name, .. } => Self::Done { entry, outcome, name: name.to_owned() },
            Record::Failed { entry, .. } => Self::Failed { entry },
            Record::End { .. } => Self::End,
        }
    }
}

/// Reads a record.
pub(super) fn read(json: &[u8]) -> Option<Read> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let number = |name| {
        let entry = value.get(name)?.as_u64()?;
        u32::try_from(entry).ok().filter(|entry| *entry < MAX_ENTRIES)
    };
    let text = |name| value.get(name)?.as_str();
    if let Some(entry) = number("begin") {
        let identity = hex::decode(text("identity")?)?;
        return Some(Read::Begin { entry, begun: Begun { name: text("name")?.to_owned(), identity } });
    }
    if let Some(entry) = number("done") {
        let name = text("name")?.to_owned();
        return Some(Read::Done { entry, outcome: Outcome::by_word(text("outcome")?)?, name });
    }
    if let Some(entry) = number("failed") {
        return Some(Read::Failed { entry });
    }
    value.get("end")?.as_u64().map(|_| Read::End)
}
