//! What became of each key, and of a run.

use std::time::Duration;

use super::Error;
use super::journal::Outcome;
use super::run::Ended;
use crate::key::Algorithm;
use crate::provider::{Key, KeyName, Route, Verified};

/// What became of one key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyDone {
    /// Its name on the token.
    pub name: String,
    /// Its `pkcs11:` URI, or the file that it was written to.
    pub unique: String,
    /// What it is.
    pub algorithm: Option<Algorithm>,
    /// What was done with it.
    pub outcome: Outcome,
    /// Which way it went onto the token, if it did.
    pub route: Option<Route>,
    /// What proved it; `None` where nothing was to.
    pub verified: Option<Verified>,
    /// How long that took.
    pub proof_time: Duration,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl KeyDone {
    pub(super) fn of_key(key: &Key, outcome: Outcome) -> Self {
        let made = key.outcome();
        Self {
            name: key.label().to_owned(),
            unique: key.uri().to_string(),
            algorithm: key.algorithm(),
            outcome,
            route: made.map(|made| made.route),
            verified: made.map(|made| made.verified),
            proof_time: made.map_or(Duration::ZERO, |made| made.proof_time),
            warnings: made.map(|made| made.warnings.clone()).unwrap_or_default(),
        }
    }

    /// Of a plan: what another key of it would have done already.
    pub(super) fn planned(name: &KeyName, by: &str, outcome: Outcome) -> Self {
        Self {
            name: name.to_string(),
            unique: String::new(),
            algorithm: None,
            outcome,
            route: None,
            verified: None,
            proof_time: Duration::ZERO,
            warnings: vec![format!("{by} would be there before it")],
        }
    }
}

/// What a run tells as it goes on: an entry of it has come to an end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// All keys of the entry are where they should be.
    Done {
        /// Which entry, from 0.
        entry: u32,
        /// What it is called: its file, or its key.
        source: &'a str,
        /// Its keys.
        keys: &'a [KeyDone],
    },
    /// One of them is not.
    Failed {
        /// Which entry, from 0.
        entry: u32,
        /// What it is called.
        source: &'a str,
        /// Those of its keys that are.
        keys: &'a [KeyDone],
        /// Why.
        error: &'a Error,
    },
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Entries of which the journal says that they were done before.
    pub done_before: u32,
    /// Entries that failed.
    pub failed: u32,
    /// Keys that are done, by what was done with them, in the order of [`Outcome::ALL`].
    pub counts: [u32; Outcome::ALL.len()],
    /// How long the proofs took, all threads together.
    pub proof_time: Duration,
    /// Who worked.
    pub effort: super::work::Effort,
    /// Whether the caller stopped it before its end.
    pub was_stopped: bool,
}

impl Summary {
    /// How many keys have this outcome.
    pub fn count(&self, outcome: Outcome) -> u32 {
        self.counts.get(outcome as usize).copied().unwrap_or(0)
    }

    /// How many keys are where they should be.
    pub fn keys(&self) -> u32 {
        self.counts.iter().sum()
    }

    pub(super) fn take(&mut self, ended: &Ended) {
        self.failed += u32::from(ended.error.is_some());
        for key in &ended.keys {
            if let Some(count) = self.counts.get_mut(key.outcome as usize) {
                *count += 1;
            }
            self.proof_time += key.proof_time;
        }
    }
}
