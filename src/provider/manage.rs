//! `NCryptDeleteKey`, and renaming, which CNG does not have.

use super::lookup::{self, Entry, Stage};
use super::persist::destroy_all;
use super::proof::{self, Verified};
use super::recovery;
use super::{Call, Error, Flags, Key, KeyName, State, StorageProvider};
use super::{added, custom};
use crate::key::PublicKey;
use crate::template::Template;
use crate::template::attribute::CKA_LABEL;
use crate::template::get::{Class, ObjectRecord};
use crate::token::{Handle, Uri};

impl StorageProvider {
    /// Deletes a key: its certificate and its public object first, so that what is left when this is cut short is still a key and can be
    /// deleted again. A URI that says `type=public` or `type=cert`, or names a torn or unfinished object, deletes that object alone;
    /// a certificate that belongs to no key here is none of ours and is not found.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key; what the token says.
    pub fn delete_key(&self, name: &str) -> Result<(), crate::Error> {
        self.token.check_changes()?;
        if Uri::is_uri(name) {
            let uri = lookup::key_uri(name)?;
            let alone = matches!(uri.class, Some(Class::Public | Class::Certificate));
            let objects = self.find_alone(&uri, alone)?;
            if !objects.is_empty() {
                objects.iter().for_each(|object| self.token.writes(&object.label));
                return Ok(destroy_all(&self.token, objects.iter().map(|object| Handle(object.handle)))?);
            }
            if alone {
                return Err(Error::NoSuchKey { name: uri.to_string() }.into());
            }
        }
        let (entry, data) = match self.settled_entry(name) {
            // What stands beside one of them stands beside the others.
            Err(ambiguous @ crate::Error::Provider(Error::Ambiguous { .. })) => {
                (self.one_of_equals(name)?.ok_or(ambiguous)?, Vec::new())
            }
            outcome => outcome?,
        };
        let properties = custom::ours(&self.token, &data, Some(&entry.id))?;
        self.token.writes(&entry.record().label);
        let objects = entry.objects().map(|object| Handle(object.handle));
        // The properties first: as long as the key is there, a deletion that was cut short can be repeated.
        Ok(destroy_all(&self.token, properties.into_iter().chain(objects))?)
    }

    /// Deletes the key of a handle (`NCryptDeleteKey`), with what stands beside it; of a key without a name, its session objects. The handle is of no more use then.
    ///
    /// # Errors
    /// As [`StorageProvider::delete_key`]; `NTE_BAD_FLAGS`; `NTE_BAD_KEY_STATE` for a key that is not finalized. The key stays usable then.
    pub fn delete(&self, key: &mut Key, flags: Flags) -> Result<(), crate::Error> {
        flags.check(Call::Delete)?;
        let State::Ready(ready) = &key.state else { return Err(Error::NotFinalized.into()) };
        if ready.ephemeral {
            let objects = [ready.certificate_object, ready.public_object, ready.private_object, ready.secret_object];
            destroy_all(&key.token, objects.into_iter().flatten())?;
        } else {
            self.delete_key(&key.uri().to_string())?;
        }
        key.forget();
        Ok(())
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is no such key, `NTE_EXISTS` when the new name is taken.
    pub fn rename_key(&self, name: &str, new: &KeyName) -> Result<(), crate::Error> {
        self.token.check_changes()?;
        let (entry, data) = self.settled_entry(name)?;
        let (taken, others) = lookup::under_label(&self.token, new.as_str())?;
        let taken = recovery::recover(&self.token, new.as_str(), taken)?;
        if let Some(held) = lookup::resolve(&self.token, new.as_str(), &taken)? {
            return Err(held.name_taken(&self.token).into());
        }
        // The public object first: until the private one follows, the key is found under its old name and this can be repeated.
        let label = Template::new().bytes(CKA_LABEL, new.as_str().as_bytes());
        let properties = custom::ours(&self.token, &data, Some(&entry.id))?;
        let objects = entry.objects().map(|object| Handle(object.handle));
        [entry.record().label.as_str(), new.as_str()].into_iter().for_each(|name| self.token.writes(name));
        for object in properties.into_iter().chain(objects) {
            self.token.set(object, &label)?;
        }
        // What is left under the new name of a key that another program deleted is nobody's.
        let own = custom::ours(&self.token, &others, Some(&entry.id))?;
        let mut stale = custom::ours(&self.token, &others, None)?;
        stale.retain(|object| !own.contains(object));
        Ok(destroy_all(&self.token, stale)?)
    }

    /// A key, after what a killed import left under its name was dealt with, and the data objects under it.
    fn settled_entry(&self, name: &str) -> Result<(Entry, Vec<Handle>), crate::Error> {
        let label = match Uri::is_uri(name) {
            true => self.find_entry(name)?.record().label.clone(),
            false => KeyName::new(name)?.as_str().to_owned(),
        };
        let (entries, data) = lookup::under_label(&self.token, &label)?;
        recovery::recover(&self.token, &label, entries)?;
        Ok((self.find_entry(name)?, data))
    }

    /// One of several keys under one name and CKA_ID that are known to be the same, so that they can be deleted one by one. Two runs that import
    /// one key at the same moment leave such.
    fn one_of_equals(&self, name: &str) -> Result<Option<Entry>, crate::Error> {
        let uri = if Uri::is_uri(name) { lookup::key_uri(name)? } else { Uri::default() };
        let mut entries = match (&uri.object, Uri::is_uri(name)) {
            (Some(label), _) => lookup::by_label(&self.token, label)?,
            (None, true) => self.all_entries()?,
            (None, false) => lookup::by_label(&self.token, name)?,
        };
        entries.retain(|entry| entry.is_key() && entry.objects().any(|object| uri.matches_object(object)));
        let place = |entry: &Entry| (entry.record().label.clone(), entry.id.clone());
        let public = |entry: &Entry| {
            let own = entry.record().public.clone();
            own.or_else(|| entry.public.as_ref().and_then(|object| object.public.clone()))
        };
        let (Some(first), Some(known)) = (entries.first().map(place), entries.iter().find_map(public)) else {
            return Ok(None);
        };
        for entry in &entries {
            let equal = place(entry) == first
                && match (public(entry), &entry.private) {
                    (Some(public), _) => public == known,
                    // A deletion that was cut short may have taken its public object: the key itself can tell.
                    (None, Some(private)) => self.works_like(private, &known)?,
                    (None, None) => false,
                };
            if !equal {
                return Ok(None);
            }
        }
        // The one that has lost its public object goes first: while there is one, what is left can be told apart.
        let at = entries.iter().position(|entry| public(entry).is_none()).unwrap_or_default();
        Ok(entries.into_iter().nth(at))
    }

    fn works_like(&self, private: &ObjectRecord, public: &PublicKey) -> Result<bool, crate::Error> {
        let (private, usage) = (Handle(private.handle), private.usage);
        let additions = added::standing_on(&self.token, private);
        match proof::prove_pair(&self.token, private, None, public, (usage, &additions)) {
            Ok(verified) => Ok(verified != Verified::Attributes),
            Err(crate::Error::Provider(Error::ProofFailed { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a URI names by itself: any one public object or certificate if `companion`, else what is torn, or one that belongs to no key.
    fn find_alone(&self, uri: &Uri, companion: bool) -> Result<Vec<ObjectRecord>, crate::Error> {
        if !uri.matches_token(self.token.info()) {
            return Ok(Vec::new());
        }
        let entries = match &uri.object {
            Some(label) => lookup::by_label(&self.token, label)?,
            None => self.all_entries()?,
        };
        let alone = |entry: &Entry| companion || entry.record().torn || !entry.is_key() || entry.stage == Stage::Staged;
        let named = |objects: &mut dyn Iterator<Item = &Entry>| -> Vec<ObjectRecord> {
            objects.flat_map(Entry::objects).filter(|object| uri.matches_object(object)).cloned().collect()
        };
        let mut fitting = named(&mut entries.iter().filter(|entry| alone(entry)));
        // Torn objects have little to tell them apart, from each other or from a whole key beside them: the URI under which one is listed
        // means it, and not that key.
        let listed = |object: &ObjectRecord| same_object(uri, &lookup::uri_of(&self.token, object));
        let torn: Vec<_> = fitting.iter().filter(|object| object.torn && listed(object)).cloned().collect();
        if !torn.is_empty() {
            return Ok(torn);
        }
        // A key that fits is what is meant, not what happens to stand beside it.
        if !named(&mut entries.iter().filter(|entry| !alone(entry))).is_empty() {
            fitting.clear();
        }
        if fitting.len() > 1 {
            let uris = fitting.iter().map(|object| lookup::uri_of(&self.token, object).to_string()).collect();
            return Err(Error::Ambiguous { name: uri.to_string(), uris }.into());
        }
        Ok(fitting)
    }
}

/// Whether two URIs name the same object of a token, whatever they say about the token.
fn same_object(one: &Uri, other: &Uri) -> bool {
    let object = |uri: &Uri| {
        Uri { object: uri.object.clone(), id: uri.id.clone(), class: uri.class, ..Uri::default() }.to_string()
    };
    object(one) == object(other)
}
