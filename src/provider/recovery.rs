//! What an import that was killed left behind: recognised by its marks, completed or removed by the next write under the same name.
//!
//! Only marked objects are ever removed here, and unmarked ones only where a proven successor stands beside them. See `ARCHITECTURE.md`.

use super::lookup::{self, Entry, Stage};
use super::persist::destroy_all;
use crate::Error;
use crate::template::Template;
use crate::template::attribute::CKA_ID;
use crate::token::{Handle, Token};

/// Brings the entries under one label into order and returns what is there afterwards.
pub(super) fn recover(token: &Token, label: &str, entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
    if entries.iter().all(is_settled) {
        return Ok(entries);
    }
    // A successor was proven before the kill: finish the replacement.
    let replaced = entries.iter().any(|entry| entry.is_key() && entry.stage == Stage::Ready);
    if replaced {
        for new in entries.iter().filter(|entry| entry.is_key() && entry.stage == Stage::Ready) {
            for old in entries.iter().filter(|entry| entry.is_key() && entry.stage == Stage::Final) {
                let replaced = old.replaced_by(&new.id, new.certificate.is_some());
                destroy_all(token, replaced.map(|object| Handle(object.handle)))?;
            }
            unmark(token, new)?;
        }
    }
    for entry in &entries {
        match (entry.is_key(), entry.stage) {
            // Written and never proven, or a public object whose private one was never written.
            (_, Stage::Staged) | (false, Stage::Ready) => {
                destroy_all(token, entry.objects().map(|object| Handle(object.handle)))?;
            }
            // The private object came to the token, the mark on the public one was not taken off any more: the key is whole.
            (true, Stage::Final) if !replaced => unmark(token, entry)?,
            (true, Stage::Final | Stage::Ready) | (false, Stage::Final) => {}
        }
    }
    lookup::by_label(token, label)
}

/// Takes the marks off an entry's objects, the private or secret one last: until then it says that the key is its name's.
pub(super) fn unmark(token: &Token, entry: &Entry) -> Result<(), Error> {
    for object in entry.objects() {
        if Stage::of(&object.id).0 != Stage::Final {
            token.set(Handle(object.handle), &Template::new().bytes(CKA_ID, &entry.id))?;
        }
    }
    Ok(())
}

fn is_settled(entry: &Entry) -> bool {
    entry.objects().all(|object| Stage::of(&object.id).0 == Stage::Final)
}
