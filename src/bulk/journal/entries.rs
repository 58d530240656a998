//! What a journal knows of its entries, in little memory.

use std::collections::HashMap;

use super::record::{Outcome, Read};

/// What is known of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It was begun, and nothing says what became of it: the token must be looked at.
    Begun,
    /// It is done.
    Done(Outcome),
    /// It failed.
    Failed,
}

/// An entry that was begun.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Begun {
    /// The key's name.
    pub name: String,
    /// What it is recognised by: a key identifier or a fingerprint.
    pub identity: Vec<u8>,
}

/// How many entries are in which state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Begun, and not known what became of them.
    pub begun: u32,
    /// Done.
    pub done: u32,
    /// Failed.
    pub failed: u32,
}

/// What is known of the entries: a byte for each, and more of those that were only begun.
#[derive(Debug, Default)]
pub(super) struct Entries {
    states: Vec<u8>,
    begun: HashMap<u32, Vec<Begun>>,
    /// Whether that stays once they are done. A run that goes on may look again at what was reported as done; of symmetric keys alone something is begun.
    pub(super) keeps_begun: bool,
    /// The names of what is done, and whether they are kept: a run that overwrites must not put another of its keys there.
    pub(super) names: HashMap<String, u32>,
    pub(super) keeps_names: bool,
    pub(super) has_ended: bool,
}

const UNKNOWN: u8 = 0;
const BEGUN: u8 = 1;
const FAILED: u8 = 2;
/// And the outcome's number.
const DONE: u8 = 3;

fn state(code: u8) -> Option<State> {
    match code {
        UNKNOWN => None,
        BEGUN => Some(State::Begun),
        FAILED => Some(State::Failed),
        done => Outcome::ALL.get(usize::from(done - DONE)).copied().map(State::Done),
    }
}

impl Entries {
    pub(super) fn state(&self, entry: u32) -> Option<State> {
        state(*self.states.get(usize::try_from(entry).ok()?)?)
    }

    /// What was begun of entries of which nothing says what became of them.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (u32, &Begun)> {
        let unfinished = self.begun.iter().filter(|(entry, _)| self.state(**entry) == Some(State::Begun));
        unfinished.flat_map(|(entry, begun)| begun.iter().map(|begun| (*entry, begun)))
    }

    pub(super) fn begun(&self, entry: u32, name: &str) -> Option<&Begun> {
        self.begun.get(&entry)?.iter().find(|begun| begun.name == name)
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for code in &self.states {
            match state(*code) {
                None => {}
                Some(State::Begun) => counts.begun += 1,
                Some(State::Done(_)) => counts.done += 1,
                Some(State::Failed) => counts.failed += 1,
            }
        }
        counts
    }

    pub(super) fn take(&mut self, record: &Read) {
        self.has_ended = matches!(record, Read::End);
        let (entry, code) = match record {
            Read::Begin { entry, begun } => {
                let known = self.begun.entry(*entry).or_default();
                known.retain(|other| other.name != begun.name);
                known.push(begun.clone());
                (*entry, BEGUN)
            }
            Read::Done { entry, outcome, name } => {
                if self.keeps_names {
                    self.names.insert(name.clone(), *entry);
                }
                (*entry, DONE + *outcome as u8)
            }
            Read::Failed { entry } => (*entry, FAILED),
            Read::End => return,
        };
        if code == FAILED || (code >= DONE && !self.keeps_begun) {
            self.begun.remove(&entry);
        }
        // Bounded by MAX_ENTRIES on both ways in.
        let at = entry as usize;
        if self.states.len() <= at {
            self.states.resize(at + 1, UNKNOWN);
        }
        if let Some(place) = self.states.get_mut(at) {
            *place = code;
        }
    }
}
