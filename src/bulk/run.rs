//! What the runs have in common: how each entry is counted, written to the journal and told, and that a name is one thread's at a time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;
use super::collision::Free;
use super::journal::{Journal, Outcome, Record, State};
use super::report::{Event, KeyDone, Summary};
use super::work::Effort;
use crate::provider::{Key, StorageProvider, Strays, Verified};

/// What came of an entry.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) keys: Vec<KeyDone>,
    /// What another one of its keys failed of, or the only one.
    pub(super) error: Option<Error>,
}

impl Ended {
    /// Of an entry that was done already: whether nothing had to be done about it.
    pub(super) fn is_as_before(&self) -> bool {
        let is_as_before = |key: &KeyDone| key.outcome == Outcome::Identical && key.warnings.is_empty();
        self.error.is_none() && self.keys.iter().all(is_as_before)
    }
}

impl From<KeyDone> for Ended {
    fn from(done: KeyDone) -> Self {
        Self { keys: vec![done], error: None }
    }
}

impl From<Result<KeyDone, Error>> for Ended {
    fn from(outcome: Result<KeyDone, Error>) -> Self {
        outcome.map_or_else(Self::from, Self::from)
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self { keys: Vec::new(), error: Some(error) }
    }
}

/// What the threads of a run share.
pub(super) struct Shared<'j> {
    pub(super) journal: Option<&'j Mutex<Journal>>,
    pub(super) names: Names,
    strays: Strays,
    /// Whether the journal is of a run that did not come to its end, or had failures. What that has reported may be lost all the same, or a part of it: SoftHSM2 does not say so of a disk that is full.
    pub(super) was_cut: bool,
    summary: Mutex<Summary>,
}

impl<'j> Shared<'j> {
    pub(super) fn new(journal: Option<&'j Mutex<Journal>>) -> Self {
        let (was_cut, before) = match journal.map(lock) {
            Some(mut journal) => {
                let was_whole = journal.has_ended() && journal.counts().failed == 0;
                (!journal.found().is_new && !was_whole, journal.take_names())
            }
            None => (false, HashMap::new()),
        };
        let names = Names { before, ..Names::default() };
        Self { journal, names, strays: Strays::default(), was_cut, summary: Mutex::default() }
    }

    /// Tidies up what an earlier run that was killed may have left: see [`Shared::tidy`].
    pub(super) fn with_strays(self, strays: Strays) -> Self {
        Self { strays, ..self }
    }

    /// What the journal has an entry as done by.
    pub(super) fn done_before(&self, entry: u32) -> Option<Outcome> {
        match lock(self.journal?).state_of(entry)? {
            State::Done(outcome) => Some(outcome),
            State::Begun | State::Failed => None,
        }
    }

    /// Counts an entry that is done, and nothing was to be done about.
    pub(super) fn pass_over(&self) {
        lock(&self.summary).done_before += 1;
    }

    /// Counts what came of an entry, writes it to the journal, which knows it as `name`, and tells it, as of `source`.
    pub(super) fn settle(
        &self,
        entry: u32,
        name: &str,
        source: &str,
        ended: &Ended,
        observe: &mut impl FnMut(&Event<'_>),
    ) -> Result<(), Error> {
        let keys = &*ended.keys;
        lock(&self.summary).take(ended);
        let message = ended.error.as_ref().map(ToString::to_string);
        // Of several keys the last one stands for the entry: it is done when all of them are.
        let record = match (&ended.error, keys.last()) {
            (Some(error), _) => {
                let message = message.as_deref().unwrap_or_default();
                Some(Record::Failed { entry, name, status: error.status(), message })
            }
            (None, Some(last)) => {
                let verified = last.verified.map_or("", Verified::name);
                Some(Record::Done { entry, name: &last.name, outcome: last.outcome, unique: &last.unique, verified })
            }
            (None, None) => None,
        };
        if let (Some(journal), Some(record)) = (self.journal, record) {
            lock(journal).append(&record)?;
        }
        observe(&match &ended.error {
            None => Event::Done { entry, source, keys },
            Some(error) => Event::Failed { entry, source, keys, error },
        });
        Ok(())
    }

    /// Makes the journal durable, however the work has ended, and says what the run came to.
    pub(super) fn close(self, effort: Result<Effort, Error>, stop: &AtomicBool) -> Result<Summary, Error> {
        if let Some(journal) = self.journal {
            lock(journal).sync()?;
        }
        let summary = self.summary.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Summary { effort: effort?, was_stopped: stop.load(Ordering::SeqCst), ..summary })
    }

    /// Removes what an earlier run has left of a key that is complete now.
    pub(super) fn tidy(&self, provider: &StorageProvider, name: &str) -> Result<(), Error> {
        if self.strays.has(name) {
            provider.clear_strays(&self.strays, &provider.open_key(name)?)?;
        }
        Ok(())
    }

    /// The CKA_ID that the journal has of a key of an entry that was begun under this name.
    pub(super) fn begun(&self, entry: u32, name: &str) -> Option<Vec<u8>> {
        lock(self.journal?).begun(entry, name).map(|begun| begun.identity.clone())
    }

    /// Notes what a symmetric key that is about to be written is found again by, since it may be able to show nothing of itself. A pair is found by its public half. `name` is the one that was
    /// wanted; `begun` is what an earlier run has noted.
    pub(super) fn begin_key(
        &self,
        (entry, name): (u32, &str),
        begun: Option<&[u8]>,
        key: &mut Key,
        free: &Free<'_>,
    ) -> Result<(), Error> {
        if self.journal.is_none() || !key.is_symmetric() {
            return Ok(());
        }
        if let Some(begun) = begun {
            key.set_id(begun)?;
        }
        match key.choose_id()? {
            Some(identity) if free.is_told_by(&identity) => self.begin(entry, name, &identity),
            _ => Ok(()),
        }
    }

    /// Notes that what an entry comes to is about to be written.
    pub(super) fn begin(&self, entry: u32, name: &str, identity: &[u8]) -> Result<(), Error> {
        let Some(journal) = self.journal else { return Ok(()) };
        lock(journal).append(&Record::Begin { entry, name, identity })
    }
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
    /// Those that this run has put a key under, or found it there: files bring names that no manifest can be held against.
    given: Mutex<HashSet<String>>,
    /// Those that an earlier run has put a key of an entry under, of a run that overwrites.
    before: HashMap<String, u32>,
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

    /// From now on the name is that of a key of this run.
    pub(super) fn give(&self, name: &str) {
        lock(&self.given).insert(name.to_owned());
    }

    /// Whether another key of this run has the name. What an earlier run has made of the same entry is no other.
    pub(super) fn was_given(&self, name: &str, entry: u32) -> bool {
        lock(&self.given).contains(name) || self.before.get(name).is_some_and(|by| *by != entry)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        lock(&self.names.busy).remove(&self.name);
        self.names.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::Names;

    #[test]
    fn a_name_is_one_threads_at_a_time() {
        let names = Names::default();
        let inside = [const { AtomicU32::new(0) }; 2];
        thread::scope(|scope| {
            for number in 0..8 {
                let (names, inside) = (&names, &inside);
                scope.spawn(move || {
                    for turn in 0..200 {
                        let which = (number + turn) % 2;
                        let _held = names.hold(["one", "other"][which]);
                        assert_eq!(inside[which].fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside[which].fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(super::lock(&names.busy).is_empty());
    }
}
