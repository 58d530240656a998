//! What a copy that was killed leaves: C_CopyObject of SoftHSM2 writes the object as it was in the session, CKA_TOKEN false included, and then once more as it is to be. Killed in between, a
//! whole object stands on the token that says it is none of it: no search for token objects finds it, and other programs show it.
//!
//! In a process that has made no session object yet, whatever says CKA_TOKEN false is such a one. It is removed once the key that it was to become is complete under its name, and was
//! compared with it; all others stay, since nobody knows what they are to their owners.

use super::lookup::Stage;
use super::persist::destroy_all;
use super::{Key, StorageProvider};
use crate::template::Template;
use crate::template::attribute::CKA_TOKEN;
use crate::template::get::{Class, ObjectRecord};
use crate::token::Handle;

/// Objects on the token that say they are of a session.
#[derive(Debug, Default)]
pub(crate) struct Strays(Vec<ObjectRecord>);

impl Strays {
    /// Whether there are any under a name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|record| record.label == name)
    }
}

impl StorageProvider {
    /// Finds what copies that were killed have left: one search. To be called before this process makes any session object.
    pub(crate) fn strays(&self) -> Result<Strays, crate::Error> {
        let profile = self.token.profile();
        if !(profile.copies && profile.in_software) {
            return Ok(Strays::default());
        }
        let found = self.token.find_and_read(&Template::new().flag(CKA_TOKEN, false))?;
        Ok(Strays(found.into_iter().filter(|record| !record.label.is_empty()).collect()))
    }

    /// Removes what was to become this key, which is complete now.
    pub(crate) fn clear_strays(&self, strays: &Strays, key: &Key) -> Result<(), crate::Error> {
        let ready = key.finalized()?;
        let is_of_key = |record: &&ObjectRecord| {
            let same_id = Stage::of(&record.id).1 == ready.id;
            let fits = match record.class {
                Class::Private | Class::Public => ready.secret_object.is_none(),
                Class::Secret => ready.secret_object.is_some(),
                Class::Certificate => ready.certificate_object.is_some(),
                Class::Data | Class::Other => false,
            };
            // What shows another key is not this one, whatever it is called.
            let is_another = record.public.is_some() && ready.public.is_some() && record.public != ready.public;
            record.label == ready.label && same_id && fits && !is_another
        };
        for record in strays.0.iter().filter(is_of_key) {
            let handle = Handle(record.handle);
            // Its handle is of the start of the module at which it was found.
            let is_there = self.token.read(handle).is_ok_and(|now| {
                !now.token && now.label == record.label && now.id == record.id && now.class == record.class
            });
            if is_there {
                destroy_all(&self.token, [handle])?;
            }
        }
        Ok(())
    }
}
