//! `NCryptDeleteKey`, and renaming, which CNG does not have.

use super::lookup::{self, Entry, Stage};
use super::persist::destroy_all;
use super::recovery;
use super::{Error, KeyName, StorageProvider};
use crate::template::Template;
use crate::template::attribute::CKA_LABEL;
use crate::template::get::Class;
use crate::token::{Handle, Uri};

impl StorageProvider {
    /// Deletes a key: its certificate and its public object first, so that what is left when this is cut short is still a key and can be
    /// deleted again. A URI that says `type=public` or `type=cert`, or names a torn or unfinished object, deletes that object alone.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key; what the token says.
    pub fn delete_key(&self, name: &str) -> Result<(), crate::Error> {
        if Uri::is_uri(name) {
            let uri = lookup::key_uri(name)?;
            let alone = matches!(uri.class, Some(Class::Public | Class::Certificate));
            if let Some(object) = self.find_alone(&uri, alone)? {
                return Ok(self.token.destroy(object)?);
            }
            if alone {
                return Err(Error::NoSuchKey { name: uri.to_string() }.into());
            }
        }
        let entry = self.settled_entry(name)?;
        Ok(destroy_all(&self.token, entry.objects().map(|object| Handle(object.handle)))?)
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key, `NTE_EXISTS` when the new name is taken.
    pub fn rename_key(&self, name: &str, new: &KeyName) -> Result<(), crate::Error> {
        let entry = self.settled_entry(name)?;
        let taken = lookup::by_label(&self.token, new.as_str())?;
        let taken = recovery::recover(&self.token, new.as_str(), taken)?;
        if let Some(held) = lookup::resolve(&self.token, new.as_str(), &taken)? {
            return Err(held.name_taken(&self.token).into());
        }
        // The public object first: until the private one follows, the key is found under its old name and this can be repeated.
        let label = Template::new().bytes(CKA_LABEL, new.as_str().as_bytes());
        for object in entry.objects() {
            self.token.set(Handle(object.handle), &label)?;
        }
        Ok(())
    }

    /// A key, after what a killed import left under its name was dealt with.
    fn settled_entry(&self, name: &str) -> Result<Entry, crate::Error> {
        let label = match Uri::is_uri(name) {
            true => self.find_entry(name)?.record().label.clone(),
            false => KeyName::new(name)?.as_str().to_owned(),
        };
        let entries = lookup::by_label(&self.token, &label)?;
        recovery::recover(&self.token, &label, entries)?;
        self.find_entry(name)
    }

    /// The one object that a URI names by itself: any public object or certificate if `companion`, else one that is torn or belongs to no
    /// key.
    fn find_alone(&self, uri: &Uri, companion: bool) -> Result<Option<Handle>, crate::Error> {
        if !uri.matches_token(self.token.info()) {
            return Ok(None);
        }
        let entries = match &uri.object {
            Some(label) => lookup::by_label(&self.token, label)?,
            None => self.all_entries()?,
        };
        let alone = |entry: &Entry| companion || entry.record().torn || !entry.is_key() || entry.stage == Stage::Staged;
        let mut fitting = entries
            .iter()
            .filter(|entry| alone(entry))
            .flat_map(Entry::objects)
            .filter(|object| uri.matches_object(object));
        match (fitting.next(), fitting.next()) {
            (None, _) => Ok(None),
            (Some(one), None) => Ok(Some(Handle(one.handle))),
            (Some(first), Some(second)) => {
                let uris = [first, second].map(|object| lookup::uri_of(&self.token, object).to_string()).to_vec();
                Err(Error::Ambiguous { name: uri.to_string(), uris }.into())
            }
        }
        let mut records = self.token.find_and_read(&Template::new().flag(cryptoki_sys::CKA_TOKEN, true))?;
        records.retain(|record| uri.matches_object(record));
        Ok(records)
    }
}
