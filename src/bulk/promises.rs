//! The names that a plan gives away. Nothing stands under them yet, but the next key that wants one meets the key that a run would have put there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;

use sha2::{Digest, Sha256};

use super::journal::Outcome;

/// What a plan has promised so far, from the first key of a run to the last.
#[derive(Debug, Default)]
pub struct Promises(RefCell<HashMap<String, Promise>>);

/// A key that is not there yet.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    /// Where it comes from.
    pub(super) source: String,
    what: Option<What>,
}

/// What a key is and is to be, where that is known before it is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct What([u8; 32]);

impl What {
    /// `key`: what tells it from every other; `asked`: all that it is to be besides.
    pub(super) fn new(key: &[u8], asked: &impl Debug) -> Self {
        let asked = format!("{asked:?}");
        Self(Sha256::new().chain_update(Sha256::digest(key)).chain_update(asked).finalize().into())
    }
}

impl Promise {
    pub(super) fn is(&self, what: Option<What>) -> bool {
        what.is_some() && self.what == what
    }
}

impl Promises {
    pub(super) fn of(&self, name: &str) -> Option<Promise> {
        self.0.borrow().get(name).cloned()
    }

    /// A key of this run has the name from now on, or has it already.
    pub(super) fn promise(&self, name: &str, outcome: Outcome, source: &str, what: Option<What>) {
        // What the token has is looked at there.
        if outcome == Outcome::Skipped || (outcome == Outcome::Identical && what.is_none()) {
            return;
        }
        let promise = || Promise { source: source.to_owned(), what };
        self.0.borrow_mut().entry(name.to_owned()).or_insert_with(promise);
    }
}
