//! What an import that was killed left behind: recognised by its marks, completed or removed by the next write under the same name.
//!
//! Only marked objects are ever removed here, and unmarked ones only where a proven successor stands beside them. See `ARCHITECTURE.md`.

use super::added;
use super::connection::Connection;
use super::lookup::{self, Entry, Stage};
use super::persist::destroy_all;
use super::proof;
use crate::Error;
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::CKA_ID;
use crate::token::{Handle, Token};

/// Brings the entries under one label into order and returns what is there afterwards.
pub(super) fn recover(token: &Connection, label: &str, entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
    if entries.iter().all(is_settled) {
        return Ok(entries);
    }
    token.writes(label);
    let mut entries = entries;
    if entries.iter().any(|entry| entry.is_key() && entry.stage == Stage::Ready) {
        finish_replacement(token, &entries)?;
        // What is there now differs from what was read.
        entries = lookup::by_label(token, label)?;
    }
    for entry in &entries {
        match (entry.is_key(), entry.stage) {
            // Written and never proven, or a public object whose private one was never written.
            (_, Stage::Staged) | (false, Stage::Ready) => destroy_all(token, ours(entry))?,
            // The private object came to the token, the mark on what stands beside it was not taken off any more.
            (true, Stage::Final) if !is_settled(entry) => adopt(token, entry)?,
            (true, Stage::Final | Stage::Ready) | (false, Stage::Final) => {}
        }
    }
    lookup::by_label(token, label)
}

/// A successor was proven before the kill: removes the key that its mark names, and no other, and takes the mark off.
fn finish_replacement(token: &Token, entries: &[Entry]) -> Result<(), Error> {
    for new in entries.iter().filter(|entry| entry.is_key() && entry.stage == Stage::Ready) {
        for old in entries.iter().filter(|old| new.supersedes(old)) {
            let replaced = old.replaced_by(&new.id, new.certificate.is_some());
            match destroy_all(token, replaced.map(|object| Handle(object.handle))) {
                // The old key cannot go; the name then stands for two keys, which opening it reports.
                Err(error) if error.ckr() == Some(Ckr::ACTION_PROHIBITED) => {}
                outcome => outcome?,
            }
        }
        unmark(token, new)?;
    }
    Ok(())
}

/// Takes the marks off what stands beside a private object, if it really is that key's: somebody else's private object may have come to stand
/// beside our leftover. Then the leftover goes, which the mark proves to be ours.
fn adopt(token: &Token, entry: &Entry) -> Result<(), Error> {
    let (Some(private), Some(public)) = (&entry.private, &entry.public) else { return unmark(token, entry) };
    let marked = Stage::of(&public.id).0 == Stage::Staged;
    if let (true, Some(key)) = (marked, &public.public) {
        let (private, usage) = (Handle(private.handle), private.usage);
        // What was added to it may leave little to prove it with.
        let additions = added::standing_on(token, private);
        let proof = proof::prove_pair(token, private, Some(Handle(public.handle)), key, (usage, &additions));
        match proof {
            Ok(_) => {}
            Err(Error::Provider(super::Error::ProofFailed { .. })) => {
                return Ok(destroy_all(token, ours(entry))?);
            }
            Err(error) => return Err(error),
        }
    }
    unmark(token, entry)
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

/// What an import of ours wrote of an entry: a certificate or a public key without a mark may stand beside a leftover and is somebody's.
fn ours(entry: &Entry) -> impl Iterator<Item = Handle> {
    let marked = entry.objects().filter(|object| Stage::of(&object.id).0 != Stage::Final);
    marked.map(|object| Handle(object.handle))
}

fn is_settled(entry: &Entry) -> bool {
    entry.objects().all(|object| Stage::of(&object.id).0 == Stage::Final)
}
