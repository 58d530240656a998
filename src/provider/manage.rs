//! `NCryptDeleteKey`, and renaming, which CNG does not have.

use cryptoki_sys::CKA_LABEL;

use super::lookup;
use super::persist::destroy_all;
use super::recovery;
use super::{Error, KeyName, StorageProvider};
use crate::template::Template;
use crate::template::get::ObjectRecord;
use crate::token::{Handle, Uri};

impl StorageProvider {
    /// Deletes a key: its public object first, so that what is left when this is cut short is still a key and can be deleted again. A
    /// URI may also name torn objects, which are then removed and nothing with them, or one that belongs to no key.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key; what the token says.
    pub fn delete_key(&self, name: &str) -> Result<(), crate::Error> {
        self.settle(name)?;
        let named = self.objects_of_uri(name)?;
        // Torn objects have little to tell them apart, from each other or from those of a whole key beside them: these are not meant.
        let torn: Vec<_> = named.iter().filter(|object| object.is_torn()).collect();
        if !torn.is_empty() {
            return Ok(destroy_all(&self.token, torn.iter().map(|object| Handle(object.handle)))?);
        }
        match (self.find_entry(name), named.as_slice()) {
            (Ok(entry), _) => Ok(destroy_all(&self.token, entry.objects().map(|object| Handle(object.handle)))?),
            (Err(_), [one]) => Ok(self.token.destroy(Handle(one.handle))?),
            (Err(_), [_, _, ..]) => {
                let uris = named.iter().map(|object| lookup::uri_of(&self.token, object).to_string()).collect();
                Err(Error::Ambiguous { name: name.to_owned(), uris }.into())
            }
            (Err(error), []) => Err(error),
        }
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key, `NTE_EXISTS` when the new name is taken.
    pub fn rename_key(&self, name: &str, new: &KeyName) -> Result<(), crate::Error> {
        self.settle(name)?;
        let entry = self.find_entry(name)?;
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

    /// Deals with what a killed import left under a name before the name is changed.
    fn settle(&self, name: &str) -> Result<(), crate::Error> {
        if Uri::is_uri(name) {
            return Ok(());
        }
        KeyName::new(name)?;
        let entries = lookup::by_label(&self.token, name)?;
        recovery::recover(&self.token, name, entries)?;
        Ok(())
    }

    /// The objects that fit a URI; none for a name, or for a URI that says neither label nor CKA_ID.
    fn objects_of_uri(&self, text: &str) -> Result<Vec<ObjectRecord>, crate::Error> {
        if !Uri::is_uri(text) {
            return Ok(Vec::new());
        }
        let uri: Uri = text.parse()?;
        if !uri.matches_token(self.token.info()) || (uri.object.is_none() && uri.id.is_none()) {
            return Ok(Vec::new());
        }
        let mut records = self.token.find_and_read(&Template::new().flag(cryptoki_sys::CKA_TOKEN, true))?;
        records.retain(|record| uri.matches_object(record));
        Ok(records)
    }
}
