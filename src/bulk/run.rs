//! What the runs have in common: what they write to a journal, and how.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;
use super::journal::{Begun, Journal, Record};
use super::report::KeyDone;
use crate::provider::{StorageProvider, Strays, Verified};

/// What the threads of a run share.
pub(super) struct Shared<'j> {
    pub(super) journal: Option<&'j Mutex<Journal>>,
    pub(super) names: Names,
    /// What an earlier run that was killed may have left.
    pub(super) strays: Strays,
}

impl<'j> Shared<'j> {
    pub(super) fn new(journal: Option<&'j Mutex<Journal>>) -> Self {
        Self { journal, names: Names::default(), strays: Strays::default() }
    }

    /// Removes what an earlier run has left of a key that is complete now.
    pub(super) fn tidy(&self, provider: &StorageProvider, name: &str) -> Result<(), Error> {
        if self.strays.has(name) {
            provider.clear_strays(&self.strays, &provider.open_key(name)?)?;
        }
        Ok(())
    }

    /// What the journal has of an entry that was begun under this name.
    pub(super) fn begun(&self, entry: u32, name: &str) -> Option<Begun> {
        let begun = lock(self.journal?).begun(entry).cloned();
        begun.filter(|begun| begun.name == name)
    }

    /// Notes what a key is found again by that can show nothing of itself.
    pub(super) fn begin(&self, entry: u32, name: &str, identity: &[u8]) -> Result<(), Error> {
        let Some(journal) = self.journal else { return Ok(()) };
        lock(journal).append(&Record::Begin { entry, name, identity })
    }
}

pub(super) fn record_done(journal: Option<&Mutex<Journal>>, entry: u32, keys: &[KeyDone]) -> Result<(), Error> {
    let Some(journal) = journal else { return Ok(()) };
    // Of several the last one stands for the entry: it is done when all of them are.
    let Some(last) = keys.last() else { return Ok(()) };
    let verified = last.verified.map_or("", Verified::name);
    let (name, outcome, unique) = (last.name.as_str(), last.outcome, last.unique.as_str());
    lock(journal).append(&Record::Done { entry, name, outcome, unique, verified })
}

pub(super) fn record_failed(
    journal: Option<&Mutex<Journal>>,
    entry: u32,
    name: &str,
    error: &Error,
) -> Result<(), Error> {
    let Some(journal) = journal else { return Ok(()) };
    let message = error.to_string();
    lock(journal).append(&Record::Failed { entry, name, status: error.status(), message: &message })
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves nothing half done here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The names that some thread is busy with, from its look to its write: nobody else looks meanwhile.
#[derive(Default)]
pub(super) struct Names {
    busy: Mutex<HashSet<String>>,
    freed: Condvar,
}

/// A name that is one thread's until this is dropped.
pub(super) struct Held<'n> {
    names: &'n Names,
    name: String,
}

impl Names {
    /// Waits until the name is nobody's. Who has one already may wait for a longer one, and for no other.
    pub(super) fn hold(&self, name: &str) -> Held<'_> {
        let mut busy = lock(&self.busy);
        while busy.contains(name) {
            busy = self.freed.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        busy.insert(name.to_owned());
        Held { names: self, name: name.to_owned() }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        lock(&self.names.busy).remove(&self.name);
        self.names.freed.notify_all();
    }
}
