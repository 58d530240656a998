//! From the objects of a token to the keys of CNG.
//!
//! A key is a private object with its public one, or a secret object. Objects pair by CKA_ID *and* CKA_LABEL, so that the same key may be there
//! under two names. While an import is under way its objects carry a mark behind their CKA_ID ([`Stage`]); that mark is what makes a
//! leftover provably ours, and what `ARCHITECTURE.md` explains under "All or nothing".

use std::sync::Arc;

use cryptoki_sys::{CKA_LABEL, CKA_TOKEN};

use super::{Error, Key, KeyName, Ready, StorageProvider};
use crate::template::Template;
use crate::template::get::{Class, ObjectRecord};
use crate::token::{Token, Uri};

/// How far an object's import has come, told by a suffix of its CKA_ID.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Stage {
    /// Written, not yet proven: whoever finds it may remove it.
    Staged,
    /// Nothing marks it: a whole key.
    Final,
    /// Complete and proven: it replaces the key of the same name, which may be half removed.
    Ready,
}

impl Stage {
    const STAGED: &[u8] = b"\0cng11:staged";
    const READY: &[u8] = b"\0cng11:ready";

    /// The CKA_ID of an object in this stage.
    pub(super) fn mark(self, id: &[u8]) -> Vec<u8> {
        let suffix = match self {
            Self::Staged => Self::STAGED,
            Self::Final => b"",
            Self::Ready => Self::READY,
        };
        [id, suffix].concat()
    }

    /// Takes a CKA_ID apart.
    pub(super) fn of(id: &[u8]) -> (Self, &[u8]) {
        for (stage, suffix) in [(Self::Staged, Self::STAGED), (Self::Ready, Self::READY)] {
            if let Some(id) = id.strip_suffix(suffix) {
                return (stage, id);
            }
        }
        (Self::Final, id)
    }
}

/// One key as the objects of a token make it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stage: Stage,
    /// CKA_ID without its mark.
    pub(super) id: Vec<u8>,
    pub(super) private: Option<ObjectRecord>,
    pub(super) public: Option<ObjectRecord>,
    pub(super) secret: Option<ObjectRecord>,
    /// The object that says what the key is: the private or secret one, else the public one.
    main: ObjectRecord,
}

impl Entry {
    /// The key that a private or secret object and its public one make.
    pub(super) fn of_objects(main: ObjectRecord, public: Option<ObjectRecord>) -> Self {
        let (stage, id) = Stage::of(&main.id);
        let (private, secret) = match main.class {
            Class::Private => (Some(main.clone()), None),
            Class::Secret => (None, Some(main.clone())),
            _ => (None, None),
        };
        Self { stage, id: id.to_vec(), private, public, secret, main }
    }

    pub(super) fn record(&self) -> &ObjectRecord {
        &self.main
    }

    /// Whether there is more than a public object.
    pub(super) fn is_key(&self) -> bool {
        self.private.is_some() || self.secret.is_some()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &ObjectRecord> {
        // The public one first: what is left when a removal is cut short is still a key, and the removal can be repeated.
        [&self.public, &self.private, &self.secret].into_iter().flatten()
    }
}

/// Groups objects into keys, in the order in which the token lists them. Public objects without a private one come last.
pub(super) fn group(records: Vec<ObjectRecord>) -> Vec<Entry> {
    let (mut publics, others): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.class == Class::Public);
    let mut entries: Vec<Entry> = Vec::new();
    for record in others.into_iter().filter(|record| matches!(record.class, Class::Private | Class::Secret)) {
        entries.push(Entry::of_objects(record, None));
    }
    // A public object goes to the private one with the very same CKA_ID first; then, of a key that is being replaced by itself, a marked one to
    // the marked successor and not to the old key, which may have lost its own.
    for fit in [Fit::Exact, Fit::Marked, Fit::Unmarked] {
        for entry in entries.iter_mut().filter(|entry| entry.private.is_some() && entry.public.is_none()) {
            // A torn one stands alone: it must neither make its key unusable nor take it along when it is removed.
            let at = publics.iter().position(|public| !public.is_torn() && belongs(public, &entry.main, fit));
            entry.public = at.map(|at| publics.remove(at));
        }
    }
    entries.extend(publics.into_iter().map(|public| Entry::of_objects(public.clone(), Some(public))));
    entries
}

/// How the CKA_IDs of a pair compare.
#[derive(Clone, Copy)]
enum Fit {
    /// Equal to the byte.
    Exact,
    /// Equal but for their marks, which both have.
    Marked,
    /// Equal without their marks.
    Unmarked,
}

fn belongs(public: &ObjectRecord, private: &ObjectRecord, fit: Fit) -> bool {
    let ((public_stage, public_id), (private_stage, private_id)) = (Stage::of(&public.id), Stage::of(&private.id));
    let same_id = public_id == private_id
        && match fit {
            Fit::Exact => public_stage == private_stage,
            Fit::Marked => public_stage != Stage::Final && private_stage != Stage::Final,
            Fit::Unmarked => true,
        };
    let same_key = match (&public.public, &private.public) {
        (Some(public), Some(private)) => public == private,
        _ => public.key_type == private.key_type && public.curve == private.curve,
    };
    same_id && same_key && public.label == private.label && public.token == private.token
}

/// All entries under a label, one search. Session objects, which belong to ephemeral keys, are left out.
pub(super) fn by_label(token: &Token, label: &str) -> Result<Vec<Entry>, crate::Error> {
    Ok(group(token.find_and_read(&Template::new().flag(CKA_TOKEN, true).bytes(CKA_LABEL, label.as_bytes()))?))
}

/// The key among the entries of one name: a proven successor before the key it replaces.
pub(super) fn resolve<'a>(token: &Token, name: &str, entries: &'a [Entry]) -> Result<Option<&'a Entry>, Error> {
    for stage in [Stage::Ready, Stage::Final] {
        let mut keys = entries.iter().filter(|entry| entry.is_key() && entry.stage == stage);
        match (keys.next(), keys.next()) {
            (None, _) => {}
            (Some(key), None) => return Ok(Some(key)),
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(keys);
                let uris = all.map(|entry| uri_of(token, entry.record()).to_string()).collect();
                return Err(Error::Ambiguous { name: name.to_owned(), uris });
            }
        }
    }
    Ok(None)
}

/// The `pkcs11:` URI of an object on a token.
pub(super) fn object_uri(token: &Token, label: &str, id: &[u8], class: Class) -> Uri {
    let mut uri = Uri::of_token(&token.info().label);
    uri.object = Some(label.to_owned());
    uri.id = Some(id.to_vec());
    uri.class = Some(class);
    uri
}

pub(super) fn uri_of(token: &Token, record: &ObjectRecord) -> Uri {
    object_uri(token, &record.label, &record.id, record.class)
}

impl StorageProvider {
    /// Opens a key by its name or by a `pkcs11:` URI (`NCryptOpenKey`).
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is none, or several; then the error lists their URIs.
    pub fn open_key(&self, name: &str) -> Result<Key, crate::Error> {
        let entry = self.find_entry(name)?;
        if let Some(torn) = entry.objects().find(|object| object.is_torn()) {
            return Err(Error::Torn { uri: uri_of(&self.token, torn).to_string() }.into());
        }
        Ok(Key::ready(&self.token, Ready::of_entry(&entry)))
    }

    /// The entry behind a name or URI.
    pub(super) fn find_entry(&self, name: &str) -> Result<Entry, crate::Error> {
        let missing = || Error::NoSuchKey { name: name.to_owned() };
        if Uri::is_uri(name) {
            let uri: Uri = name.parse()?;
            return self.find_by_uri(name, &uri);
        }
        KeyName::new(name)?;
        let entries = by_label(&self.token, name)?;
        Ok(resolve(&self.token, name, &entries)?.cloned().ok_or_else(missing)?)
    }

    fn find_by_uri(&self, text: &str, uri: &Uri) -> Result<Entry, crate::Error> {
        if uri.object.as_deref().is_some_and(|label| label.contains('\0')) {
            return Err(Error::Name { problem: "it contains a NUL character".to_owned() }.into());
        }
        if !uri.matches_token(self.token.info()) {
            return Err(Error::NoSuchKey { name: text.to_owned() }.into());
        }
        let entries = match &uri.object {
            Some(label) => by_label(&self.token, label)?,
            None => self.all_entries()?,
        };
        // A URI may name any object of the key, with its CKA_ID as it stands on the token or without its mark.
        let fits = |record: &ObjectRecord| {
            let unmarked = ObjectRecord { id: Stage::of(&record.id).1.to_vec(), ..record.clone() };
            uri.matches_object(record) || uri.matches_object(&unmarked)
        };
        let fitting: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| entry.is_key() && entry.stage != Stage::Staged && entry.objects().any(fits))
            .collect();
        match fitting.as_slice() {
            [] => Err(Error::NoSuchKey { name: text.to_owned() }.into()),
            [one] => Ok(one.clone()),
            // Several objects with one label and one CKA_ID: a successor among them is the key.
            several => match resolve(&self.token, text, several)? {
                Some(entry) => Ok(entry.clone()),
                None => Err(Error::NoSuchKey { name: text.to_owned() }.into()),
            },
        }
    }

    pub(super) fn all_entries(&self) -> Result<Vec<Entry>, crate::Error> {
        let records = self.token.find_and_read(&Template::new().flag(CKA_TOKEN, true))?;
        Ok(group(records))
    }

    pub(super) fn shared_token(&self) -> &Arc<Token> {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_off_as_they_went_on() {
        for stage in [Stage::Staged, Stage::Final, Stage::Ready] {
            assert_eq!(Stage::of(&stage.mark(b"some id")), (stage, &b"some id"[..]));
        }
    }

    fn record(class: Class, stage: Stage) -> ObjectRecord {
        ObjectRecord {
            handle: 0,
            class,
            key_type: Some(cryptoki_sys::CKK_EC),
            label: "web".to_owned(),
            id: stage.mark(b"some id"),
            token: true,
            policy: crate::key::ExportPolicy::NONE,
            usage: crate::key::KeyUsage::SIGN,
            public: None,
            curve: None,
            secret_bits: None,
        }
    }

    /// Calls `check` with every order of `records`; tokens list in whatever order they like.
    fn in_every_order(records: &[ObjectRecord], check: &dyn Fn(Vec<ObjectRecord>)) {
        fn rest(taken: &mut Vec<ObjectRecord>, left: &[ObjectRecord], check: &dyn Fn(Vec<ObjectRecord>)) {
            if left.is_empty() {
                check(taken.clone());
            }
            for at in 0..left.len() {
                let mut left = left.to_vec();
                taken.push(left.remove(at));
                rest(taken, &left, check);
                taken.pop();
            }
        }
        rest(&mut Vec::new(), records, check);
    }

    #[test]
    fn a_key_that_replaces_itself_keeps_its_public_object_at_every_step() {
        use Class::{Private, Public};
        use Stage::{Final, Ready, Staged};
        // What is on the token step by step, and for each key its stage and the one of its public object.
        type Steps<'a> = &'a [(&'a [(Class, Stage)], &'a [(Stage, Option<Stage>)])];
        let steps: Steps<'_> = &[
            (&[(Private, Final), (Public, Final), (Public, Staged)], &[(Final, Some(Final))]),
            (
                &[(Private, Final), (Public, Final), (Public, Staged), (Private, Staged)],
                &[(Staged, Some(Staged)), (Final, Some(Final))],
            ),
            (
                &[(Private, Final), (Public, Final), (Public, Staged), (Private, Ready)],
                &[(Final, Some(Final)), (Ready, Some(Staged))],
            ),
            (&[(Private, Final), (Public, Staged), (Private, Ready)], &[(Final, None), (Ready, Some(Staged))]),
            (&[(Public, Staged), (Private, Ready)], &[(Ready, Some(Staged))]),
            (&[(Public, Final), (Private, Ready)], &[(Ready, Some(Final))]),
            (&[(Public, Final), (Private, Final)], &[(Final, Some(Final))]),
            // A new key alone, its import cut short.
            (&[(Public, Staged), (Private, Final)], &[(Final, Some(Staged))]),
        ];
        for (objects, keys) in steps {
            let records: Vec<_> = objects.iter().map(|(class, stage)| record(*class, *stage)).collect();
            in_every_order(&records, &|order| {
                let mut found: Vec<_> = group(order)
                    .iter()
                    .filter(|entry| entry.is_key())
                    .map(|entry| (entry.stage, entry.public.as_ref().map(|public| Stage::of(&public.id).0)))
                    .collect();
                found.sort_unstable();
                assert_eq!(found, *keys, "{objects:?}");
            });
        }
    }
}
