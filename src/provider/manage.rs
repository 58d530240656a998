//! `NCryptDeleteKey`, and renaming, which CNG does not have.

use cryptoki_sys::CKA_LABEL;

use super::lookup;
use super::persist::destroy_all;
use super::recovery;
use super::{Error, KeyName, StorageProvider};
use crate::template::Template;
use crate::token::{Handle, Uri};

impl StorageProvider {
    /// Deletes a key: its public object first, so that what is left when this is cut short is still a key and can be deleted again. A
    /// URI may also name a torn or unfinished object, which is then removed alone.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key; what the token says.
    pub fn delete_key(&self, name: &str) -> Result<(), crate::Error> {
        self.settle(name)?;
        match self.find_entry(name) {
            Ok(entry) => Ok(destroy_all(&self.token, entry.objects().map(|object| Handle(object.handle)))?),
            Err(error) => match self.find_debris(name)? {
                Some(object) => Ok(self.token.destroy(object)?),
                None => Err(error),
            },
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

    /// The one torn, unfinished or lone object that a URI names.
    fn find_debris(&self, text: &str) -> Result<Option<Handle>, crate::Error> {
        if !Uri::is_uri(text) {
            return Ok(None);
        }
        let uri: Uri = text.parse()?;
        if !uri.matches_token(self.token.info()) || (uri.object.is_none() && uri.id.is_none()) {
            return Ok(None);
        }
        let records = self.token.find_and_read(&Template::new().flag(cryptoki_sys::CKA_TOKEN, true))?;
        let fitting: Vec<_> = records.iter().filter(|record| uri.matches_object(record)).collect();
        match fitting.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(Handle(one.handle))),
            several => {
                let uris = several.iter().map(|record| lookup::uri_of(&self.token, record).to_string()).collect();
                Err(Error::Ambiguous { name: text.to_owned(), uris }.into())
            }
        }
    }
}
