//! What stands under the name of a key to be: a key to be replaced, this very key from an import that was cut short, or somebody else's.

use super::finalize::Finalizer;
use super::lookup::{self, Entry, Stage};
use super::persist::{Outcome, Route};
use super::{Error, Ready, added, custom, proof, recovery};
use crate::hex;
use crate::key::{KeyUsage, PublicKey};
use crate::template::Template;
use crate::template::attribute::{
    CKA_CLASS, CKA_ID, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_TOKEN, CKA_VALUE, CKO_CERTIFICATE,
};
use crate::template::get::{Class, ObjectRecord};
use crate::token::{Handle, Token};

pub(super) enum Room {
    /// The key is there already, complete and proven.
    Taken(Box<Ready>),
    /// The name is free, or its key is to be replaced.
    Free(Option<Box<Entry>>),
}

impl Entry {
    /// The error of a taken name.
    pub(super) fn name_taken(&self, token: &Token) -> Error {
        let record = self.record();
        let algorithm = record.algorithm().map_or_else(|| "a key".to_owned(), |algorithm| algorithm.name());
        let held = format!("{algorithm}, {}", lookup::uri_of(token, record));
        Error::NameTaken { name: record.label.clone(), held }
    }

    /// Refuses what `--overwrite` could not finish.
    pub(super) fn check_replaceable(&self) -> Result<(), crate::Error> {
        match self.objects().find(|object| !object.destroyable) {
            Some(stuck) => {
                let class = stuck.class;
                let what = format!("the old key cannot be replaced: its {class:?} object has CKA_DESTROYABLE false");
                Err(Error::Unsupported { what, ckr: None }.into())
            }
            None => Ok(()),
        }
    }

    /// Whether an import of this key was cut short after its private object was written.
    pub(super) fn is_interrupted(&self) -> bool {
        let companions = [&self.public, &self.certificate].into_iter().flatten();
        self.stage == Stage::Final && companions.into_iter().any(|object| Stage::of(&object.id).0 == Stage::Staged)
    }
}

impl Finalizer<'_> {
    /// The key of the new one's name, after leftovers of a killed import were dealt with.
    pub(super) fn make_room(&self, public: &PublicKey, usage: KeyUsage) -> Result<Room, crate::Error> {
        let Some(name) = &self.pending.name else { return Ok(Room::Free(None)) };
        let (found, data) = lookup::under_label(self.token, name.as_str())?;
        self.note_stale(&data)?;
        let interrupted = identities_of_interrupted(&found);
        let entries = recovery::recover(self.token, name.as_str(), found)?;
        match self.holder(name.as_str(), &entries, &interrupted, Some(public), usage)? {
            None => Ok(Room::Free(None)),
            Some((held, false)) => Ok(Room::Free(Some(Box::new(held.clone())))),
            Some((held, true)) => self.complete(Ready::of_entry(held)).map(|ready| Room::Taken(Box::new(ready))),
        }
    }

    /// Properties of a key that had the name: replaced now, or deleted by another program. Where there are none, no call is made.
    fn note_stale(&self, data: &[Handle]) -> Result<(), crate::Error> {
        *self.stale.borrow_mut() = custom::ours(self.token, data, None)?;
        Ok(())
    }

    /// The key of the name, and whether it is this very one, whose import was cut short; otherwise it is to be replaced.
    pub(super) fn holder<'e>(
        &self,
        name: &str,
        entries: &'e [Entry],
        interrupted: &[lookup::Identity],
        public: Option<&PublicKey>,
        usage: KeyUsage,
    ) -> Result<Option<(&'e Entry, bool)>, crate::Error> {
        self.check_strangers(entries, public)?;
        let Some(held) = lookup::resolve(self.token, name, entries)? else { return Ok(None) };
        if self.pending.overwrite {
            return Ok(Some((held, false)));
        }
        if interrupted.contains(&held.identity()) && self.is_held(held, public, usage)? {
            return Ok(Some((held, true)));
        }
        if held.record().torn {
            return Err(Error::Torn { uri: lookup::uri_of(self.token, held.record()).to_string() }.into());
        }
        Err(held.name_taken(self.token).into())
    }

    /// Whether the key that is there is all that this import asks for.
    fn is_held(&self, held: &Entry, public: Option<&PublicKey>, usage: KeyUsage) -> Result<bool, crate::Error> {
        let ready = Ready::of_entry(held);
        let same = public.is_some() && ready.public.as_ref() == public;
        let placed = self.pending.id.as_ref().is_none_or(|id| *id == held.id);
        let certified = match (&self.pending.certificate, &held.certificate) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(parts), Some(object)) => {
                let value = self.token.attributes(Handle(object.handle), &[(CKA_VALUE, parts.der.len())])?;
                value.into_iter().flatten().next().is_some_and(|der| *der == *parts.der)
            }
        };
        let additions = &self.pending.additions;
        let added = ready.secret_part().is_some_and(|object| added::check(self.token, object, additions).is_ok());
        Ok(same
            && placed
            && certified
            && added
            && !self.is_archived()
            && ready.policy == self.policy()
            && ready.usage == usage)
    }

    /// A lone public object under the same label and CKA_ID would be taken for the new key's public half.
    fn check_strangers(&self, entries: &[Entry], public: Option<&PublicKey>) -> Result<(), crate::Error> {
        let id = match (&self.pending.id, public) {
            (Some(id), _) => id.clone(),
            (None, Some(public)) => self.pair_id(public)?,
            (None, None) => return Ok(()),
        };
        let stranger = entries.iter().find(|entry| {
            let key = entry.public.as_ref().and_then(|object| object.public.as_ref());
            !entry.is_key() && entry.id == id && (public.is_none() || key != public)
        });
        match stranger {
            Some(stranger) => {
                let uri = lookup::uri_of(self.token, stranger.record());
                let what = format!("another public key stands under this name and CKA_ID: {uri}");
                Err(Error::Contradiction { what }.into())
            }
            None => Ok(()),
        }
    }

    /// On a token that keeps one object of a CKA_ID no other key's is taken away, nor a certificate that is there already taken over.
    pub(super) fn check_id(&self, id: &[u8], old: Option<&Entry>) -> Result<(), crate::Error> {
        if !self.token.profile().unique_ids || self.pending.name.is_none() {
            return Ok(());
        }
        let is_old =
            |record: &ObjectRecord| old.is_some_and(|old| old.objects().any(|object| object.handle == record.handle));
        let found = match self.token.may_hold_id(id) {
            true => self.token.find_and_read(&Template::new().flag(CKA_TOKEN, true).bytes(CKA_ID, id))?,
            false => Vec::new(),
        };
        if let Some(held) = found.iter().find(|record| record.class != Class::Certificate && !is_old(record)) {
            let id = hex::encode(id);
            return Err(Error::IdTaken { id, held: lookup::uri_of(self.token, held).to_string() }.into());
        }
        let Some(parts) = &self.pending.certificate else { return Ok(()) };
        let template = Template::new()
            .flag(CKA_TOKEN, true)
            .ulong(CKA_CLASS, CKO_CERTIFICATE)
            .bytes(CKA_ISSUER, &parts.issuer)
            .bytes(CKA_SERIAL_NUMBER, &parts.serial);
        match self.token.find_and_read(&template)?.iter().find(|record| !is_old(record)) {
            Some(held) => {
                let held = lookup::uri_of(self.token, held);
                let what =
                    format!("the certificate is on the token already, as {held}, which this token would take over");
                Err(Error::Contradiction { what }.into())
            }
            None => Ok(()),
        }
    }

    /// The same import was cut short when all but the last mark was done: prove what is there.
    fn complete(&self, mut ready: Ready) -> Result<Ready, crate::Error> {
        let (Some(public), Some(private)) = (&ready.public, ready.private_object) else {
            return Err(Error::NoPublic { name: self.label() }.into());
        };
        let pin = self.pin_for_use()?;
        let terms =
            proof::Terms { usage: ready.usage, additions: &self.pending.additions, pin: pin.as_ref(), private: None };
        let verified = proof::prove_pair(self.token, private, ready.public_object, public, terms);
        let verified = verified.inspect_err(|error| self.note_refusal(error))?;
        ready.outcome = Some(Outcome::of(Route::Copy, verified));
        ready.warn("an interrupted import of the same key was completed");
        Ok(ready)
    }

    pub(super) fn room_for_secret(&self) -> Result<Option<Box<Entry>>, crate::Error> {
        self.certified(None)?;
        self.room_for_new()
    }

    /// Room for a key that cannot be there already, half written: a symmetric one, or one that is about to be generated.
    pub(super) fn room_for_new(&self) -> Result<Option<Box<Entry>>, crate::Error> {
        let Some(name) = &self.pending.name else { return Ok(None) };
        let (entries, data) = lookup::under_label(self.token, name.as_str())?;
        self.note_stale(&data)?;
        let entries = recovery::recover(self.token, name.as_str(), entries)?;
        let held = self.holder(name.as_str(), &entries, &[], None, KeyUsage::default())?;
        Ok(held.map(|(held, _)| Box::new(held.clone())))
    }
}

pub(super) fn identities_of_interrupted(entries: &[Entry]) -> Vec<lookup::Identity> {
    entries.iter().filter(|entry| entry.is_interrupted()).map(Entry::identity).collect()
}
