//! What the runs have in common: what they write to a journal, and how.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Error;
use super::journal::{Journal, Record};
use super::report::KeyDone;
use crate::provider::Verified;

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
