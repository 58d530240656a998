//! `NCryptEnumKeys`: the keys of a token, whoever wrote them.

use super::lookup::{self, Entry, Stage};
use super::{Key, Ready, StorageProvider};
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
        for entry in &entries {
            let uris =
                |entry: &Entry| entry.objects().map(|object| lookup::uri_of(&self.token, object)).collect::<Vec<_>>();
            let mut torn = entry.objects().filter(|object| object.is_torn()).peekable();
            if torn.peek().is_some() {
                listing.torn.extend(torn.map(|object| lookup::uri_of(&self.token, object)));
            } else if entry.stage == Stage::Staged || superseded(entry, &entries) {
                listing.unfinished.extend(uris(entry));
            } else {
                let key = Key::ready(&self.token, Ready::of_entry(entry));
                if entry.is_key() { &mut listing.keys } else { &mut listing.public_only }.push(key);
            }
        }
        Ok(listing)
    }
}

/// Whether a proven successor of the same name stands beside this key.
fn superseded(entry: &Entry, all: &[Entry]) -> bool {
    entry.stage == Stage::Final
        && entry.is_key()
        && all
            .iter()
            .any(|other| other.stage == Stage::Ready && other.is_key() && other.record().label == entry.record().label)
}
