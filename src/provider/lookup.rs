//! From the objects of a token to the keys of CNG.
//!
//! A key is a private object with its public one, or a secret object. Objects pair by CKA_ID *and* CKA_LABEL, so that the same key may be there
//! under two names. While an import is under way its objects carry a mark behind their CKA_ID ([`Stage`]); that mark is what makes a
//! leftover provably ours, and what `ARCHITECTURE.md` explains under "All or nothing".

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::connection::Connection;
use super::{Call, Error, Flags, Key, KeyName, Ready, StorageProvider};
use crate::key::PublicKey;
use crate::template::Template;
use crate::template::attribute::{CKA_LABEL, CKA_TOKEN};
use crate::template::get::{Class, ObjectRecord};
use crate::token::{Handle, Token, Uri};

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

/// What tells an old key from any other that may come to stand under the same name: see [`Entry::identity`].
pub(super) type Identity = [u8; 20];

impl Stage {
    const STAGED: &[u8] = b"\0cng11:staged";
    const READY: &[u8] = b"\0cng11:ready";

    /// The CKA_ID of an object that is not proven yet.
    pub(super) fn staged(id: &[u8]) -> Vec<u8> {
        [id, Self::STAGED].concat()
    }

    /// The CKA_ID with which a private or secret object is first written.
    pub(super) fn written(self, id: &[u8]) -> Vec<u8> {
        if self == Self::Final { id.to_vec() } else { Self::staged(id) }
    }

    /// The CKA_ID of a proven key that takes the place of the one with this identity, and of no other.
    pub(super) fn ready(id: &[u8], replaces: &Identity) -> Vec<u8> {
        [id, Self::READY, replaces].concat()
    }

    /// Whether a CKA_ID could be taken for a marked one.
    pub(super) fn is_like_a_mark(id: &[u8]) -> bool {
        id.windows(7).any(|part| part == b"\0cng11:")
    }

    /// Takes a CKA_ID apart.
    pub(super) fn of(id: &[u8]) -> (Self, &[u8]) {
        let (stage, id, _) = Self::parts(id);
        (stage, id)
    }

    fn parts(id: &[u8]) -> (Self, &[u8], Option<Identity>) {
        if let Some(id) = id.strip_suffix(Self::STAGED) {
            return (Self::Staged, id, None);
        }
        if let Some((rest, replaces)) = id.split_last_chunk()
            && let Some(id) = rest.strip_suffix(Self::READY)
        {
            return (Self::Ready, id, Some(*replaces));
        }
        (Self::Final, id, None)
    }
}

/// One key as the objects of a token make it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stage: Stage,
    /// Of a [`Stage::Ready`] key: which one it replaces.
    replaces: Option<Identity>,
    /// CKA_ID without its mark.
    pub(super) id: Vec<u8>,
    pub(super) private: Option<ObjectRecord>,
    pub(super) public: Option<ObjectRecord>,
    pub(super) secret: Option<ObjectRecord>,
    pub(super) certificate: Option<ObjectRecord>,
    /// The object that says what the key is: the private or secret one, else the public one.
    main: ObjectRecord,
}

impl Entry {
    /// The key that a private or secret object and its public one make.
    pub(super) fn of_objects(
        main: ObjectRecord,
        public: Option<ObjectRecord>,
        certificate: Option<ObjectRecord>,
    ) -> Self {
        let (stage, id, replaces) = Stage::parts(&main.id);
        let (private, secret) = match main.class {
            Class::Private => (Some(main.clone()), None),
            Class::Secret => (None, Some(main.clone())),
            _ => (None, None),
        };
        Self { stage, replaces, id: id.to_vec(), private, public, secret, certificate, main }
    }

    pub(super) fn record(&self) -> &ObjectRecord {
        &self.main
    }

    /// Whether there is more than a public object.
    pub(super) fn is_key(&self) -> bool {
        self.private.is_some() || self.secret.is_some()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &ObjectRecord> {
        // The private one last: what is left when a removal is cut short is still a key, and the removal can be repeated.
        [&self.certificate, &self.public, &self.private, &self.secret].into_iter().flatten()
    }

    /// What this key is, so that a mark can name it: class, type, CKA_ID as it stands, and an RSA key's numbers.
    pub(super) fn identity(&self) -> Identity {
        use sha1::Digest;
        let public = match &self.main.public {
            Some(PublicKey::Rsa(key)) => [key.n(), key.e()].concat(),
            _ => Vec::new(),
        };
        let class = self.main.class.uri_word().unwrap_or_default();
        let key_type = self.main.key_type.unwrap_or(u64::MAX).to_le_bytes();
        sha1::Sha1::new()
            .chain_update(class)
            .chain_update(key_type)
            .chain_update((self.main.id.len() as u64).to_le_bytes())
            .chain_update(&self.main.id)
            .chain_update(public)
            .finalize()
            .into()
    }

    /// Whether `old` is the key that this one, complete and proven, takes the place of.
    pub(super) fn supersedes(&self, old: &Self) -> bool {
        // Few keys take another one's place; an identity is not made for each pair of the others.
        self.successor_of().is_some_and(|replaced| old.is_replaceable() && replaced == old.identity())
    }

    /// Whether it is a key that another one may take the place of.
    pub(super) fn is_replaceable(&self) -> bool {
        self.is_key() && self.stage == Stage::Final
    }

    /// Of a key that is complete and proven: the one that it takes the place of.
    pub(super) fn successor_of(&self) -> Option<Identity> {
        self.replaces.filter(|_| self.is_key())
    }

    /// The objects that go when a key with this CKA_ID takes the place of this one. A certificate of the same key stays, unless the new one
    /// brings its own.
    pub(super) fn replaced_by(&self, id: &[u8], with_certificate: bool) -> impl Iterator<Item = &ObjectRecord> {
        let keep = self.id == id && !with_certificate;
        self.objects().filter(move |object| !(keep && object.class == Class::Certificate))
    }
}

/// Groups objects into keys, in the order in which the token lists them. Public objects without a private one come last, and what marked
/// objects are left over.
pub(super) fn group(records: Vec<ObjectRecord>) -> Vec<Entry> {
    let mut publics = Companions::default();
    let mut certificates = Companions::default();
    let mut entries: Vec<Entry> = Vec::new();
    for record in records {
        match record.class {
            Class::Certificate => certificates.add(record),
            Class::Private | Class::Secret => entries.push(Entry::of_objects(record, None, None)),
            Class::Public => publics.add(record),
            // Properties stand beside a key; they are found when they are asked for.
            Class::Data | Class::Other => {}
        }
    }
    // An object goes to the private one with the very same CKA_ID first; then, of a key that is being replaced by itself, a marked one to
    // the marked successor and not to the old key, which may have lost its own.
    for fit in [Fit::Exact, Fit::Marked, Fit::Unmarked] {
        for entry in entries.iter_mut().filter(|entry| entry.private.is_some()) {
            if entry.public.is_none() {
                let at = {
                    let mut fitting = publics.near(&entry.main).filter(|(_, public)| belongs(public, &entry.main, fit));
                    let first = fitting.next();
                    // Several that differ: nothing here tells which one is the key's, so none is.
                    let clear = fitting.all(|(_, other)| first.is_some_and(|(_, first)| first.public == other.public));
                    first.filter(|_| clear).map(|(at, _)| at)
                };
                entry.public = at.and_then(|at| publics.take(at));
            }
            if entry.certificate.is_none() {
                let at =
                    certificates.near(&entry.main).find(|(_, one)| beside(one, &entry.main, fit)).map(|(at, _)| at);
                entry.certificate = at.and_then(|at| certificates.take(at));
            }
        }
    }
    entries.extend(publics.rest().map(|public| Entry::of_objects(public.clone(), Some(public), None)));
    // A certificate alone is no key; one with our mark is the leftover of an import.
    let leftover = certificates.rest().filter(|certificate| Stage::of(&certificate.id).0 != Stage::Final);
    entries.extend(leftover.map(|certificate| Entry::of_objects(certificate.clone(), None, Some(certificate))));
    entries
}

/// What may stand beside private objects, found by label and CKA_ID: there may be thousands of it.
#[derive(Default)]
struct Companions {
    objects: Vec<Option<ObjectRecord>>,
    hasher: RandomState,
    /// By a hash of the label and of the CKA_ID without its mark; what has the same is compared in full.
    places: HashMap<u64, Vec<usize>>,
}

impl Companions {
    fn hash(&self, object: &ObjectRecord) -> u64 {
        self.hasher.hash_one((&object.label, Stage::of(&object.id).1))
    }

    fn add(&mut self, object: ObjectRecord) {
        let hash = self.hash(&object);
        self.places.entry(hash).or_default().push(self.objects.len());
        self.objects.push(Some(object));
    }

    /// What may stand beside an object, in the order in which it was added.
    fn near(&self, object: &ObjectRecord) -> impl Iterator<Item = (usize, &ObjectRecord)> {
        let places = self.places.get(&self.hash(object)).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|at| Some((*at, self.objects.get(*at)?.as_ref()?)))
    }

    fn take(&mut self, at: usize) -> Option<ObjectRecord> {
        self.objects.get_mut(at)?.take()
    }

    fn rest(self) -> impl Iterator<Item = ObjectRecord> {
        self.objects.into_iter().flatten()
    }
}

/// How the CKA_IDs of two objects compare.
#[derive(Clone, Copy)]
enum Fit {
    /// Equal to the byte.
    Exact,
    /// Equal but for their marks, which both have.
    Marked,
    /// Equal without their marks.
    Unmarked,
}

/// Whether an object stands beside a private one: the same CKA_ID and label.
fn beside(object: &ObjectRecord, private: &ObjectRecord, fit: Fit) -> bool {
    let ((object_stage, object_id), (private_stage, private_id)) = (Stage::of(&object.id), Stage::of(&private.id));
    let same_id = object_id == private_id
        && match fit {
            Fit::Exact => object_stage == private_stage,
            Fit::Marked => object_stage != Stage::Final && private_stage != Stage::Final,
            Fit::Unmarked => true,
        };
    same_id && object.label == private.label && object.token == private.token
}

fn belongs(public: &ObjectRecord, private: &ObjectRecord, fit: Fit) -> bool {
    let same_key = match (&public.public, &private.public) {
        (Some(public), Some(private)) => public == private,
        _ => public.key_type == private.key_type && public.curve == private.curve,
    };
    same_key && !public.torn && beside(public, private, fit)
}

/// All entries under a label: one search, or what the index has. Session objects, which belong to ephemeral keys, are left out.
pub(super) fn by_label(token: &Connection, label: &str) -> Result<Vec<Entry>, crate::Error> {
    Ok(under_label(token, label)?.0)
}

/// The same with the data objects under the label, whoever wrote them.
pub(super) fn under_label(token: &Connection, label: &str) -> Result<(Vec<Entry>, Vec<Handle>), crate::Error> {
    let records = match token.indexed(label)? {
        Some(records) => records,
        None => token.find_and_read(&Template::new().flag(CKA_TOKEN, true).bytes(CKA_LABEL, label.as_bytes()))?,
    };
    let data = records.iter().filter(|record| record.class == Class::Data);
    let data = data.map(|record| Handle(record.handle)).collect();
    Ok((group(records), data))
}

/// The key among the entries of one name. One that a proven successor replaces does not count any more.
pub(super) fn resolve<'a>(token: &Token, name: &str, entries: &'a [Entry]) -> Result<Option<&'a Entry>, Error> {
    let superseded = |entry: &Entry| entries.iter().any(|other| other.supersedes(entry));
    let live = |entry: &&Entry| entry.is_key() && entry.stage != Stage::Staged && !superseded(entry);
    let keys: Vec<&Entry> = entries.iter().filter(live).collect();
    match keys.as_slice() {
        [] => Ok(None),
        [key] => Ok(Some(key)),
        several => {
            let uris = several.iter().map(|entry| uri_of(token, entry.record()).to_string()).collect();
            Err(Error::Ambiguous { name: name.to_owned(), uris })
        }
    }
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

/// Reads a URI that stands for a key. It must say which: one that fits any key is a slip, and a PIN does not belong in it.
pub(super) fn key_uri(text: &str) -> Result<Uri, crate::Error> {
    let uri: Uri = text.parse()?;
    let refused = |what: &str| Err(Error::Contradiction { what: what.to_owned() }.into());
    if uri.pin_value.is_some() {
        return refused("a URI that names a key does not carry a PIN");
    }
    if uri.object.is_none() && uri.id.is_none() {
        return refused("the URI has neither `object` nor `id`, so it names no key");
    }
    if uri.object.as_deref().is_some_and(|label| label.contains('\0')) {
        return Err(Error::Name { problem: "it contains a NUL character".to_owned() }.into());
    }
    Ok(uri)
}

impl StorageProvider {
    /// Opens a key by its name or by a `pkcs11:` URI (`NCryptOpenKey`).
    ///
    /// # Errors
    /// `NTE_BAD_KEYSET` when there is none, or several; then the error lists their URIs.
    pub fn open_key(&self, name: &str) -> Result<Key, crate::Error> {
        self.open_key_with(name, Flags::NONE)
    }

    /// The same with flags.
    ///
    /// # Errors
    /// As [`StorageProvider::open_key`]; `NTE_BAD_FLAGS`.
    pub fn open_key_with(&self, name: &str, flags: Flags) -> Result<Key, crate::Error> {
        flags.check(Call::Open)?;
        let entry = self.find_entry(name)?;
        if entry.record().torn {
            return Err(Error::Torn { uri: uri_of(&self.token, entry.record()).to_string() }.into());
        }
        let mut key = Key::ready(&self.token, Ready::of_entry(&entry));
        key.held.note(flags);
        Ok(key)
    }

    /// The entry behind a name or URI.
    pub(super) fn find_entry(&self, name: &str) -> Result<Entry, crate::Error> {
        let missing = || Error::NoSuchKey { name: name.to_owned() };
        if Uri::is_uri(name) {
            let uri = key_uri(name)?;
            return self.find_by_uri(&uri.to_string(), &uri);
        }
        KeyName::new(name)?;
        let entries = by_label(&self.token, name)?;
        Ok(resolve(&self.token, name, &entries)?.cloned().ok_or_else(missing)?)
    }

    fn find_by_uri(&self, text: &str, uri: &Uri) -> Result<Entry, crate::Error> {
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

    pub(super) fn shared_token(&self) -> &Arc<Connection> {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::put::PrivateKind;

    #[test]
    fn marks_come_off_as_they_went_on() {
        let id = b"some id";
        assert_eq!(Stage::of(id), (Stage::Final, &id[..]));
        assert_eq!(Stage::of(&Stage::staged(id)), (Stage::Staged, &id[..]));
        assert_eq!(Stage::parts(&Stage::ready(id, &[7; 20])), (Stage::Ready, &id[..], Some([7; 20])));
    }

    fn record(class: Class, stage: Stage) -> ObjectRecord {
        ObjectRecord {
            always_authenticates: false,
            handle: 0,
            class,
            key_type: Some(PrivateKind::Ec.key_type()),
            label: "web".to_owned(),
            id: match stage {
                Stage::Staged => Stage::staged(b"some id"),
                Stage::Final => b"some id".to_vec(),
                Stage::Ready => Stage::ready(b"some id", &[0; 20]),
            },
            token: true,
            private: None,
            destroyable: true,
            policy: crate::key::ExportPolicy::NONE,
            usage: crate::key::KeyUsage::SIGN,
            public: None,
            curve: None,
            secret_bits: None,
            torn: false,
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
