//! Which objects stand under which name: one listing of the token in place of a search for each name.
//!
//! Owns the table of CKA_LABEL, and on a token that keeps one object of each CKA_ID, of those. It is made once (`StorageProvider::index`) and shared by all providers that
//! were made of one another. From then on
//!
//! - a name that the table does not have is free, without a call;
//! - a name that it has is read through its handles, a call each. A handle that is gone, or another name's by now, is not believed: the name is searched for, then and later;
//! - a name that this process writes under is *unknown* from before the first write (imports, deletions, new names, properties, certificates, leftovers that are dealt with),
//!   and searched for as if there were no table. An import of a name that was free ends with the handles of what it has proven; every other writing leaves it unknown.
//!
//! What another program writes after the listing under a name that was free then is not seen, and what it deletes or renames is seen: as without a table, one importer of one
//! name at a time is the rule. Handles are of one start of the module: when that is started anew the table is nobody's.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::StorageProvider;
use super::connection::Connection;
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::{CKA_ID, CKA_LABEL, CKA_TOKEN};
use crate::template::get::ObjectRecord;
use crate::token::{self, Handle, Token};

/// Labels and CKA_IDs are seldom longer; one that is takes a second call.
const LABEL: (u64, usize) = (CKA_LABEL, 512);
const ID: (u64, usize) = (CKA_ID, 128);

/// So many objects are worth a session of their own, where calls are waited for.
const SHARE: usize = 256;

/// The table, if there is one.
#[derive(Default)]
pub(super) struct Index {
    table: Mutex<Option<Table>>,
    /// Held by whoever makes it.
    making: Mutex<()>,
}

struct Table {
    /// Of which start of the module its handles are.
    start: u64,
    /// Until it is, only what was written meanwhile is known: that it is not.
    is_whole: bool,
    names: HashMap<Box<[u8]>, Name>,
    /// CKA_IDs that stand on the token or have stood there, where they matter.
    ids: HashSet<Box<[u8]>>,
    /// How often a name was written under.
    writings: u64,
}

/// What stands on the token under which name, and its CKA_IDs, where they matter.
#[derive(Default)]
struct Listed {
    names: HashMap<Box<[u8]>, Vec<Handle>>,
    ids: HashSet<Box<[u8]>>,
}

enum Name {
    At(Box<[Handle]>),
    /// Written under, by this writing last.
    Unknown(u64),
}

/// What the table says of a name.
#[derive(Debug, Eq, PartialEq)]
enum Answer {
    Free,
    At(Vec<Handle>),
    Unknown,
}

/// A name that is being written under.
pub(super) struct Writing {
    number: u64,
    was_free: bool,
}

impl Index {
    fn table(&self) -> MutexGuard<'_, Option<Table>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the table, if it is of this start of the module.
    fn with<T>(&self, start: u64, run: impl FnOnce(&mut Table) -> T) -> Option<T> {
        self.table().as_mut().filter(|table| table.start == start).map(run)
    }

    fn answer(&self, start: u64, label: &[u8]) -> Answer {
        let answer = self.with(start, |table| match table.names.get(label) {
            Some(Name::At(handles)) if table.is_whole => Answer::At(handles.to_vec()),
            None if table.is_whole => Answer::Free,
            _ => Answer::Unknown,
        });
        answer.unwrap_or(Answer::Unknown)
    }

    fn write(&self, start: u64, label: &[u8], id: Option<&[u8]>) -> Option<Writing> {
        self.with(start, |table| {
            table.writings += 1;
            let number = table.writings;
            let before = table.names.insert(label.into(), Name::Unknown(number));
            if let Some(id) = id {
                table.ids.insert(id.into());
            }
            Writing { number, was_free: table.is_whole && before.is_none() }
        })
    }

    fn written(&self, start: u64, label: &[u8], writing: &Writing, handles: &[Handle]) {
        self.with(start, |table| match table.names.get_mut(label) {
            Some(name @ Name::Unknown(_)) if writing.was_free => {
                // Whoever wrote there meanwhile may have written anything.
                if matches!(name, Name::Unknown(last) if *last == writing.number) {
                    *name = Name::At(handles.into());
                }
            }
            _ => {}
        });
    }

    /// Takes in what was listed. A name that was written under meanwhile stays unknown.
    fn fill(&self, start: u64, listed: Listed) {
        self.with(start, |table| {
            table.names.reserve(listed.names.len());
            for (label, handles) in listed.names {
                table.names.entry(label).or_insert_with(|| Name::At(handles.into()));
            }
            table.ids.extend(listed.ids);
            table.is_whole = true;
        });
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.table().as_ref().map(|table| table.names.len());
        f.debug_struct("Index").field("names", &names).finish_non_exhaustive()
    }
}

impl Connection {
    /// The objects under a name, read; `None` where they must be searched for.
    pub(super) fn indexed(&self, label: &str) -> Result<Option<Vec<ObjectRecord>>, token::Error> {
        // What a token of before knew of a name is no answer.
        self.check_current()?;
        let handles = match self.index().answer(self.start(), label.as_bytes()) {
            Answer::Free => return Ok(Some(Vec::new())),
            Answer::At(handles) => handles,
            Answer::Unknown => return Ok(None),
        };
        let mut records = Vec::with_capacity(handles.len());
        for handle in handles {
            match self.read(handle) {
                Ok(record) if record.label == label && record.token => records.push(record),
                // As in a search: what the token itself can make nothing of.
                Err(error) if error.is(Ckr::ATTRIBUTE_VALUE_INVALID) => {}
                Ok(_) => return Ok(self.distrust(label)),
                Err(error) if error.is(Ckr::OBJECT_HANDLE_INVALID) => return Ok(self.distrust(label)),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(records))
    }

    fn distrust(&self, label: &str) -> Option<Vec<ObjectRecord>> {
        self.writes(label);
        None
    }

    /// From now on a name is searched for.
    pub(super) fn writes(&self, label: &str) {
        self.index().write(self.start(), label.as_bytes(), None);
    }

    /// The same of a key that is about to be written; [`Connection::has_written`] says what came of it.
    pub(super) fn writes_key(&self, label: &str, id: &[u8]) -> Option<Writing> {
        let id = self.profile().unique_ids.then_some(id);
        self.index().write(self.start(), label.as_bytes(), id)
    }

    /// What stands under a name that was free before, proven.
    pub(super) fn has_written(&self, label: &str, writing: Option<&Writing>, handles: &[Handle]) {
        if let Some(writing) = writing {
            self.index().written(self.start(), label.as_bytes(), writing, handles);
        }
    }

    /// Whether an object of a CKA_ID may stand on a token that keeps one of each.
    pub(super) fn may_hold_id(&self, id: &[u8]) -> bool {
        let known = self.index().with(self.start(), |table| !table.is_whole || table.ids.contains(id));
        known.unwrap_or(true)
    }

    /// Lists the token, unless its table is there.
    fn make_index(&self) -> Result<(), token::Error> {
        self.check_current()?;
        let (index, start) = (self.index(), self.start());
        let _making = index.making.lock().unwrap_or_else(PoisonError::into_inner);
        if index.with(start, |table| table.is_whole) == Some(true) {
            return Ok(());
        }
        *index.table() =
            Some(Table { start, is_whole: false, names: HashMap::new(), ids: HashSet::new(), writings: 0 });
        match self.list_names() {
            Ok(listed) => {
                index.fill(start, listed);
                Ok(())
            }
            Err(error) => {
                *index.table() = None;
                Err(error)
            }
        }
    }

    /// One search, and a call for each object: in several sessions, where they are many and the token is waited for.
    fn list_names(&self) -> Result<Listed, token::Error> {
        let objects = self.find(&Template::new().flag(CKA_TOKEN, true))?;
        let most = if self.profile().in_software { 1 } else { self.jobs_default() };
        let wanted = objects.len() / SHARE;
        // Fewer do where there are no more.
        let others: Vec<Token> = (1..wanted.min(most)).map_while(|_| Token::another(self).ok()).collect();
        let mut shares = objects.chunks(objects.len().div_ceil(others.len() + 1).max(1));
        let own = shares.next().unwrap_or_default();
        std::thread::scope(|scope| {
            let shares = others.iter().zip(shares);
            let threads: Vec<_> = shares.map(|(token, share)| scope.spawn(|| names_of(token, share))).collect();
            let mut listed = names_of(self, own)?;
            for thread in threads {
                let more = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                for (label, handles) in more.names {
                    listed.names.entry(label).or_default().extend(handles);
                }
                listed.ids.extend(more.ids);
            }
            Ok(listed)
        })
    }
}

fn names_of(token: &Token, objects: &[Handle]) -> Result<Listed, token::Error> {
    let wanted: &[_] = if token.profile().unique_ids { &[LABEL, ID] } else { &[LABEL] };
    let mut listed = Listed::default();
    for object in objects {
        let values = match token.attributes(*object, wanted) {
            Ok(values) => values,
            // As in a search.
            Err(error) if error.is(Ckr::OBJECT_HANDLE_INVALID) || error.is(Ckr::ATTRIBUTE_VALUE_INVALID) => continue,
            Err(error) => return Err(error),
        };
        let mut values = values.into_iter().map(|value| value.map(|bytes| Box::<[u8]>::from(&*bytes)));
        listed.names.entry(values.next().flatten().unwrap_or_default()).or_default().push(*object);
        listed.ids.extend(values.next().flatten());
    }
    Ok(listed)
}

impl StorageProvider {
    /// Makes a table of what stands under which name, by one listing: from then on no name is searched for that nobody here writes under. Shared with the providers that were made
    /// of this one, before and after; made once, until the token is opened anew. To be called by whoever is logged in: what the token does not show is not in it.
    ///
    /// # Errors
    /// What the token says; there is no table then.
    pub fn index(&self) -> Result<(), crate::Error> {
        Ok(self.token.make_index()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(names: &[(&str, &[u64])]) -> Index {
        let index = Index::default();
        *index.table() =
            Some(Table { start: 1, is_whole: false, names: HashMap::new(), ids: HashSet::new(), writings: 0 });
        let handles = |list: &[u64]| list.iter().copied().map(Handle).collect();
        let names = names.iter().map(|(name, list)| (name.as_bytes().into(), handles(list))).collect();
        index.fill(1, Listed { names, ..Listed::default() });
        index
    }

    #[test]
    fn a_name_is_unknown_from_its_first_writing_to_the_proof_of_its_only_one() {
        let index = whole(&[("old", &[1, 2])]);
        assert_eq!(index.answer(1, b"old"), Answer::At(vec![Handle(1), Handle(2)]));
        assert_eq!(index.answer(1, b"new"), Answer::Free);
        let writing = index.write(1, b"new", None).unwrap();
        assert_eq!(index.answer(1, b"new"), Answer::Unknown);
        index.written(1, b"new", &writing, &[Handle(3)]);
        assert_eq!(index.answer(1, b"new"), Answer::At(vec![Handle(3)]));
        // What stood there before may stand there still.
        let over = index.write(1, b"old", None).unwrap();
        index.written(1, b"old", &over, &[Handle(4)]);
        assert_eq!(index.answer(1, b"old"), Answer::Unknown);
        // Another one wrote there before the first was done.
        let first = index.write(1, b"both", None).unwrap();
        index.write(1, b"both", None).unwrap();
        index.written(1, b"both", &first, &[Handle(5)]);
        assert_eq!(index.answer(1, b"both"), Answer::Unknown);
        // Another start of the module has other handles.
        assert_eq!(index.answer(2, b"old"), Answer::Unknown);
        assert_eq!(index.answer(2, b"new"), Answer::Unknown);
        assert!(index.write(2, b"new", None).is_none());
    }

    #[test]
    fn what_is_written_while_the_token_is_listed_is_not_taken_from_the_list() {
        let index = Index::default();
        assert_eq!(index.answer(1, b"any"), Answer::Unknown);
        *index.table() =
            Some(Table { start: 1, is_whole: false, names: HashMap::new(), ids: HashSet::new(), writings: 0 });
        assert_eq!(index.answer(1, b"any"), Answer::Unknown);
        let writing = index.write(1, b"written", None).unwrap();
        let names = HashMap::from([(b"written".as_slice().into(), vec![Handle(1)])]);
        index.fill(1, Listed { names, ..Listed::default() });
        assert_eq!(index.answer(1, b"written"), Answer::Unknown);
        index.written(1, b"written", &writing, &[Handle(1), Handle(2)]);
        assert_eq!(index.answer(1, b"written"), Answer::Unknown);
        assert_eq!(index.answer(1, b"any"), Answer::Free);
    }
}
