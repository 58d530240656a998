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
#[derive(Clone, Copy, Debug)]
pub(super) struct What {
    key: [u8; 32],
    certificate: Option<[u8; 32]>,
}

impl What {
    /// `key`: what tells it from every other; `asked`: all that it is to be besides.
    pub(super) fn new(key: &[u8], asked: &impl Debug, certificate: Option<&[u8]>) -> Self {
        let asked = format!("{asked:?}");
        Self {
            key: Sha256::new().chain_update(Sha256::digest(key)).chain_update(asked).finalize().into(),
            certificate: certificate.map(|certificate| Sha256::digest(certificate).into()),
        }
    }
}

impl Promise {
    /// Whether it is all that is wanted. Who has no certificate leaves the one that is there.
    pub(super) fn is(&self, wanted: Option<What>) -> bool {
        let (Some(own), Some(wanted)) = (self.what, wanted) else { return false };
        own.key == wanted.key && (wanted.certificate.is_none() || own.certificate == wanted.certificate)
    }
}

impl Promises {
    pub(super) fn of(&self, name: &str) -> Option<Promise> {
        self.0.borrow().get(name).cloned()
    }

    /// A key of this run has the name from now on, or has it already.
    pub(super) fn promise(&self, name: &str, outcome: Outcome, source: &str, what: Option<What>) {
        // The key that stays is another one, and looked at on the token.
        if outcome == Outcome::Skipped {
            return;
        }
        let promise = || Promise { source: source.to_owned(), what };
        self.0.borrow_mut().entry(name.to_owned()).or_insert_with(promise);
    }
}
