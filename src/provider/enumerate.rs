//! `NCryptEnumKeys`: the keys of a token, whoever wrote them.

use std::collections::HashSet;

use super::lookup::{self, Entry, Identity, Stage};
use super::{Key, Ready, StorageProvider};
use crate::template::get::ObjectRecord;
use crate::token::Uri;

/// What a token holds.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listing {
    /// The keys, in the order in which the token lists them.
    pub keys: Vec<Key>,
    /// Public key objects without a private one, which CNG does not count as keys.
    pub public_only: Vec<Key>,
    /// Objects left behind by an import that was cut short; the next import of the same name deals with them.
    pub unfinished: Vec<Uri>,
    /// Objects that lack what every object of their kind has: a write to the token was cut short.
    pub torn: Vec<Uri>,
}

impl StorageProvider {
    /// Lists everything: one search, and one call for each object.
    ///
    /// # Errors
    /// What the token says.
    pub fn list(&self) -> Result<Listing, crate::Error> {
        let mut listing =
            Listing { keys: Vec::new(), public_only: Vec::new(), unfinished: Vec::new(), torn: Vec::new() };
        let entries = self.all_entries()?;
        let replaced: HashSet<(String, Identity)> =
            entries.iter().filter_map(|entry| Some((entry.record().label.clone(), entry.successor_of()?))).collect();
        // One key may be there under two names.
        let is_superseded = |entry: &Entry| {
            !replaced.is_empty()
                && entry.is_replaceable()
                && replaced.contains(&(entry.record().label.clone(), entry.identity()))
        };
        // Each goes as it becomes a key: thousands of them are not held twice.
        for entry in entries {
            let entry = &entry;
            listing
                .torn
                .extend(entry.objects().filter(|object| object.torn).map(|object| lookup::uri_of(&self.token, object)));
            if entry.record().torn {
                continue;
            }
            if entry.stage == Stage::Staged || is_superseded(entry) {
                // Beside a leftover may stand what is somebody's own.
                let ours =
                    |object: &&ObjectRecord| entry.stage != Stage::Staged || Stage::of(&object.id).0 != Stage::Final;
                let objects = entry.objects().filter(ours);
                listing.unfinished.extend(objects.map(|object| lookup::uri_of(&self.token, object)));
            } else {
                let key = Key::ready(&self.token, Ready::of_entry(entry));
                if entry.is_key() { &mut listing.keys } else { &mut listing.public_only }.push(key);
            }
        }
        Ok(listing)
    }
}
