//! What a token really can do, found out by doing it.
//!
//! Owns the questions, the answers ([`Report`]), the warnings that follow, and what the answers teach ([`Report::profile`]). Everything is done on session objects that are
//! made for it and destroyed: RSA keys that stand in this source and protect nothing, and fresh ones of the other kinds. No key of the user's is used or changed. One thing
//! needs objects on the token for a moment: whether they are written faster by C_CopyObject. They are labelled [`LABEL`], and what a killed probe left is removed by the next.
//!
//! A mechanism list is a claim. Here a key that is made must work, a wrapped key must be the one that software finds in the bytes, and a right that was not given must not be
//! there. Whether several threads may use a token is not tried: it comes from its profile. A token that is gone, or a session that ends, ends the probe.

mod keys;
mod policy;
mod schemes;
mod writing;

use super::connection::Connection;
use super::{Error, StorageProvider};
use crate::key::{ExportPolicy, KeyUsage};
use crate::status::Ckr;
use crate::template::Additions;
use crate::template::profile::Profile;
use crate::template::put::Attributes;
use crate::template::temporary::Rights;
use crate::token::{Handle, refusal};
use crate::wrap::{ImportKek, Temporary};

/// CKA_LABEL and CKA_ID of what a probe puts onto a token.
pub const LABEL: &str = "cng11 probe";

/// The sections of a report, each with its questions in the order in which they are shown.
pub const SECTIONS: [(&str, &[&str]); 5] = [
    ("keys", &["create", "unwrap", "works", "plaintext out", "wrapped out"]),
    ("schemes", &["wraps a secret key", "wraps a private key", "unwraps a secret key", "unwraps a private key"]),
    ("formats", &["RFC 5649", "RFC 3394 over PKCS#7 padding"]),
    ("policy", &["honoured"]),
    ("objects", &["answer"]),
];

/// An answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It can; it does.
    Yes,
    /// It cannot; it does not.
    No,
    /// It cannot be told.
    Unknown,
}

impl Verdict {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// An answer, and what belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The answer.
    pub verdict: Verdict,
    /// How, or why not; may be empty.
    pub note: String,
    /// What the token returned.
    pub ckr: Option<Ckr>,
}

impl Answer {
    fn yes(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Yes, note: note.into(), ckr: None }
    }

    fn no(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::No, note: note.into(), ckr: None }
    }

    fn unknown(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, note: note.into(), ckr: None }
    }

    fn of(error: &crate::Error) -> Self {
        let note = match error.ckr() {
            Some(ckr) => ckr.to_string(),
            None => error.to_string(),
        };
        Self { verdict: Verdict::No, note, ckr: error.ckr() }
    }

    fn is_yes(&self) -> bool {
        self.verdict == Verdict::Yes
    }
}

/// The answers about one thing, each with the name of its question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The thing.
    pub subject: String,
    /// The answers.
    pub answers: Vec<(&'static str, Answer)>,
}

/// Rows with the same questions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// What it is about.
    pub name: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
}

/// What was found out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The answers: `keys`, `schemes`, `formats`, `policy`, `objects`.
    pub sections: Vec<Section>,
    /// What makes the token unsafe for this job, or is to be minded.
    pub warnings: Vec<String>,
    /// The token's profile with what was learned.
    pub profile: Profile,
}

impl StorageProvider {
    /// Asks the token what it can do. It takes some hundred calls.
    ///
    /// # Errors
    /// As the token answers where it cannot be used at all; `NTE_NOT_SUPPORTED` for a card that keeps what it is given in its places for good. What it refuses is an answer.
    pub fn probe(&self) -> Result<Report, crate::Error> {
        if !self.token.profile().places.is_empty() {
            let label = &self.token.info().label;
            let what = format!("token `{label}` keeps every key in a place, for good: nothing can be tried on it");
            return Err(Error::Unsupported { what, ckr: None }.into());
        }
        Prober::new(&self.token)?.run()
    }
}

/// A probe under way.
struct Prober<'t> {
    token: &'t Connection,
    /// An AES key of which the value is known here, that wraps and unwraps; or why there is none.
    kek: Result<ImportKek, Answer>,
    warnings: Vec<String>,
    learned: Profile,
}

impl Drop for Prober<'_> {
    fn drop(&mut self) {
        if let Ok(kek) = &self.kek {
            kek.destroy(self.token);
        }
    }
}

impl<'t> Prober<'t> {
    fn new(token: &'t Connection) -> Result<Self, crate::Error> {
        let rights = Rights { wrap: true, ..Rights::UNWRAP };
        let kek = match judge(ImportKek::make(token, rights))? {
            Ok(kek) => Ok(kek),
            // Some tokens have no key with both rights.
            Err(_) => judge(ImportKek::make(token, Rights::UNWRAP))?,
        };
        let (info, known) = (token.info(), token.profile());
        let learned = if known.name == Profile::UNKNOWN.name {
            let name = format!("{} {}", info.manufacturer, info.model).trim().to_owned();
            let name = if name.is_empty() { format!("token {}", info.label) } else { name };
            known.renamed(&name, &info.manufacturer, &info.model, Some(info.firmware))
        } else {
            *known
        };
        Ok(Self { token, kek, warnings: Vec::new(), learned })
    }

    fn run(mut self) -> Result<Report, crate::Error> {
        let sections = vec![
            Section { name: "keys", rows: self.keys()? },
            Section { name: "schemes", rows: self.schemes()? },
            Section { name: "formats", rows: self.formats()? },
            Section { name: "policy", rows: self.policy()? },
            Section { name: "objects", rows: self.objects()? },
        ];
        Ok(Report { sections, warnings: std::mem::take(&mut self.warnings), profile: self.learned })
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// The session object's, destroyed with it.
    fn temporary(&self, handle: Handle) -> Temporary<'t> {
        Temporary::new(self.token, handle)
    }
}

/// The attributes of a session object with these uses.
fn attributes(policy: ExportPolicy, usage: KeyUsage) -> Attributes<'static> {
    Attributes { label: LABEL, id: LABEL.as_bytes(), token: false, policy, usage, more: Additions::NONE }
}

/// What a refusal answers; an error that is about the token or the session ends the probe.
fn judge<T>(outcome: Result<T, impl Into<crate::Error>>) -> Result<Result<T, Answer>, crate::Error> {
    match outcome.map_err(Into::into) {
        Ok(value) => Ok(Ok(value)),
        Err(error) => {
            // That a key may not do something, and that a session may not write, are answers.
            let is_one = |ckr| matches!(ckr, Ckr::KEY_FUNCTION_NOT_PERMITTED | Ckr::SESSION_READ_ONLY);
            let ends = error.ckr().is_some_and(|ckr| refusal::is_about_session(ckr) && !is_one(ckr));
            if ends { Err(error) } else { Ok(Err(Answer::of(&error))) }
        }
    }
}
