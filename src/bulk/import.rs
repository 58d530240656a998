//! `bulk import`: key files onto a token.
//!
//! An entry is a file, with one key or several. Each key goes onto the token as a single import puts it there, all or nothing, and is proven; before that its name is looked for, so that a
//! run that is repeated, with a journal or without, makes no key twice. The token is listed once ([`StorageProvider::index`]): a name that is free costs no call.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use secrecy::ExposeSecret;

use super::collision::{self, Collision, Room, Wanted};
use super::journal::{Journal, Outcome, Record, State};
use super::manifest::{Entry, Manifest};
use super::report::{Event, KeyDone, Summary};
use super::run::{lock, record_done, record_failed};
use super::work::Crew;
use super::{Error, file};
use crate::asn1::{Limits, certificates};
use crate::blob::{Decoded, Hints};
use crate::format::{self, Format, wrapped_file};
use crate::key::{ExportPolicy, Family, KeyMaterial, KeyUsage, Validation};
use crate::provider::{
    self, Asked, Flags, ImportParameters, Key, KeyName, Rehearsal, Routing, StorageProvider, check_algorithm,
};
use crate::secret::SecretBytes;

/// How a bulk import goes about it.
#[derive(Clone)]
pub struct Import {
    /// How many threads, each with a session of its own.
    pub jobs: usize,
    /// What is done where another key has the name.
    pub collision: Collision,
    /// What may leave, where an entry does not say it.
    pub policy: ExportPolicy,
    /// What a key may do, where an entry does not say it; `None`: what it is for.
    pub usage: Option<KeyUsage>,
    /// The password of encrypted files, where an entry names no source.
    pub password: Option<SecretBytes>,
    /// Which routes a key may take.
    pub routing: Routing,
    /// How much of a key's mathematics is checked.
    pub validation: Validation,
    /// Whether each key is proven by a use of it.
    pub is_proven: bool,
    /// How much work an encrypted file may ask for.
    pub limits: Limits,
}

impl Default for Import {
    fn default() -> Self {
        Self {
            jobs: 1,
            collision: Collision::Refuse,
            policy: ExportPolicy::NONE,
            usage: None,
            password: None,
            routing: Routing::Any,
            validation: Validation::Full,
            is_proven: true,
            limits: Limits::default(),
        }
    }
}

/// What would become of one key.
#[derive(Debug)]
#[non_exhaustive]
pub enum Plan {
    /// It would be imported.
    Import {
        /// Under this name.
        name: String,
        /// What it would come to.
        outcome: Outcome,
        /// By which way, and what it would be.
        rehearsal: Box<Rehearsal>,
    },
    /// Nothing would be done.
    Done(Box<KeyDone>),
}

/// One key of a file.
struct Item {
    name: KeyName,
    decoded: Decoded,
    /// The certificate of the file, or of the entry.
    certificate: Option<Vec<u8>>,
    warnings: Vec<String>,
}

impl Import {
    /// Imports what a manifest names, and tells `observe` of each entry as it ends. With a journal, what that has as done is passed over, and what becomes of the others is written there.
    /// `stop` ends it after the keys that are under way.
    ///
    /// # Errors
    /// What ends the run: a manifest that reads wrong, a journal that cannot be written, a token that stays lost. What is wrong with one key is told, and counted.
    pub fn run(
        &self,
        provider: &StorageProvider,
        mut manifest: Manifest,
        journal: Option<&Mutex<Journal>>,
        stop: &AtomicBool,
        mut observe: impl FnMut(&Event<'_>),
    ) -> Result<Summary, Error> {
        provider.index()?;
        let summary = Mutex::new(Summary::default());
        let mut unreadable = None;
        let next = || loop {
            let entry = match manifest.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    unreadable = Some(error);
                    return None;
                }
            };
            let state = journal.and_then(|journal| lock(journal).state_of(entry.number));
            match state {
                Some(State::Done(_)) => lock(&summary).done_before += 1,
                _ => return Some(entry),
            }
        };
        let work = |provider: &StorageProvider, _: &(), entry: &Entry| self.entry(provider, entry, journal);
        let take = |entry: Entry, outcome: Result<Vec<KeyDone>, Error>| {
            let (number, source) = (entry.number, entry.file.as_str());
            match outcome {
                Ok(keys) => {
                    lock(&summary).take(&keys);
                    record_done(journal, number, &keys)?;
                    observe(&Event::Done { entry: number, source, keys: &keys });
                }
                Err(error) => {
                    lock(&summary).failed += 1;
                    record_failed(journal, number, entry.name.as_ref().map_or(source, KeyName::as_str), &error)?;
                    observe(&Event::Failed { entry: number, source, error: &error });
                }
            }
            Ok(())
        };
        let effort = Crew::new(provider, self.jobs, stop).run(next, |_| Ok(()), work, take);
        if let Some(journal) = journal {
            lock(journal).sync()?;
        }
        let effort = effort?;
        if let Some(error) = unreadable {
            return Err(error);
        }
        let was_stopped = stop.load(std::sync::atomic::Ordering::SeqCst);
        let summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Summary { effort, was_stopped, ..summary })
    }

    /// What would become of each key of an entry. Nothing is written to the token.
    ///
    /// # Errors
    /// What would be refused, and why.
    pub fn plan(&self, provider: &StorageProvider, entry: &Entry) -> Result<Vec<Plan>, Error> {
        if entry.unwrap_key.is_some() {
            let key = self.wrapped(provider, entry, None)?;
            let name = key.label().to_owned();
            let rehearsal = Box::new(key.rehearse()?);
            return Ok(vec![Plan::Import { name, outcome: Outcome::Imported, rehearsal }]);
        }
        let mut plans = Vec::new();
        for item in self.items(entry)? {
            plans.push(match self.room(provider, entry, &item, None, false)? {
                Room::Done(done) => Plan::Done(done),
                Room::Free(name, outcome) => {
                    let key = self.pending(provider, entry, item, name, outcome)?;
                    let rehearsal = Box::new(key.rehearse()?);
                    Plan::Import { name: key.label().to_owned(), outcome, rehearsal }
                }
            });
        }
        Ok(plans)
    }

    fn entry(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        journal: Option<&Mutex<Journal>>,
    ) -> Result<Vec<KeyDone>, Error> {
        if entry.unwrap_key.is_some() {
            return self.import_wrapped(provider, entry).map(|done| vec![done]);
        }
        let mut done = Vec::new();
        for item in self.items(entry)? {
            done.push(self.import(provider, entry, item, journal)?);
        }
        Ok(done)
    }

    fn import(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        item: Item,
        journal: Option<&Mutex<Journal>>,
    ) -> Result<KeyDone, Error> {
        let begun = journal.and_then(|journal| lock(journal).begun(entry.number).cloned());
        let begun = begun.filter(|begun| begun.name == item.name.as_str());
        let (name, outcome) =
            match self.room(provider, entry, &item, begun.as_ref().map(|begun| &*begun.identity), true)? {
                Room::Done(done) => return Ok(*done),
                Room::Free(name, outcome) => (name, outcome),
            };
        let is_secret = matches!(item.decoded.key, KeyMaterial::Secret(_));
        let (wanted, warnings) = (item.name.clone(), item.warnings.clone());
        let mut key = self.pending(provider, entry, item, name, outcome)?;
        // A pair is found again by its public half; this is what a symmetric key is found by that can show nothing.
        if let Some(journal) = journal.filter(|_| is_secret) {
            let id = match (&entry.id, begun) {
                (Some(id), _) => id.clone(),
                (None, Some(begun)) => begun.identity,
                (None, None) => SecretBytes::random(20).map_err(crate::token::Error::from)?.to_vec(),
            };
            key.set_id(&id)?;
            lock(journal).append(&Record::Begin { entry: entry.number, name: wanted.as_str(), identity: &id })?;
        }
        key.finalize(Flags::NONE)?;
        let mut done = KeyDone::of_key(&key, outcome);
        done.warnings.extend(warnings);
        Ok(done)
    }

    fn room(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        item: &Item,
        begun: Option<&[u8]>,
        is_run: bool,
    ) -> Result<Room, Error> {
        let certificate = match (&item.certificate, &item.decoded.key) {
            (Some(certificate), KeyMaterial::Private(_)) => own_certificate(certificate, &item.decoded)?,
            _ => None,
        };
        let asked = Asked {
            policy: entry.export_policy.unwrap_or(self.policy),
            usage: entry.usage.or(self.usage),
            id: entry.id.as_deref(),
            certificate: certificate.as_deref(),
        };
        // A plan writes nothing, and uses no key.
        let (is_proven, restores) = (is_run && self.is_proven, is_run);
        let wanted = Wanted { decoded: &item.decoded, asked, begun, is_proven, restores };
        collision::room(provider, &item.name, self.collision, &wanted)
    }

    /// A key of a file in the clear, ready to be put onto the token.
    fn pending(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        item: Item,
        name: KeyName,
        outcome: Outcome,
    ) -> Result<Key, Error> {
        let parameters = ImportParameters {
            name: Some(name),
            algorithm: entry.algorithm,
            curve: entry.curve,
            routing: self.routing,
            ..ImportParameters::default()
        };
        let mut flags = self.flags();
        if outcome == Outcome::Overwritten {
            flags |= Flags::OVERWRITE_KEY;
        }
        let mut key = provider.import_decoded(item.decoded, &parameters, flags)?;
        self.furnish(&mut key, entry)?;
        if let Some(certificate) = &item.certificate {
            key.set_certificate(certificate)?;
        }
        Ok(key)
    }

    fn flags(&self) -> Flags {
        let flags = Flags::DO_NOT_FINALIZE | Flags::SILENT;
        if self.validation == Validation::Skip { flags | Flags::NO_KEY_VALIDATION } else { flags }
    }

    fn furnish(&self, key: &mut Key, entry: &Entry) -> Result<(), Error> {
        key.set_export_policy(entry.export_policy.unwrap_or(self.policy))?;
        if let Some(usage) = entry.usage.or(self.usage) {
            key.set_usage(usage)?;
        }
        if let Some(id) = &entry.id {
            key.set_id(id)?;
        }
        if !self.is_proven {
            key.leave_unproven()?;
        }
        Ok(())
    }

    /// The keys of a file in the clear, or under a password.
    fn items(&self, entry: &Entry) -> Result<Vec<Item>, Error> {
        let bytes = read(&entry.file_path())?;
        let format = match entry.format {
            Some(format) => format,
            None => recognise(&bytes, entry)?,
        };
        let own_password = match &entry.password_source {
            Some(source) => {
                let secret = source.read(&entry.folder, &format!("password of {}", entry.file))?;
                Some(SecretBytes::from(secret.expose_secret().as_bytes()))
            }
            None => None,
        };
        let hints = Hints {
            algorithm: entry.algorithm,
            curve: entry.curve.or_else(|| entry.algorithm.and_then(|algorithm| algorithm.curve)),
            password: own_password.as_ref().or(self.password.as_ref()),
            validation: self.validation,
            limits: self.limits,
        };
        let found = match &entry.key {
            Some(key) => vec![format::decode_one(&bytes, format, &hints, Some(key))?],
            None => format::decode_all(&bytes, format, &hints)?,
        };
        // Certificates and public keys that stand beside private ones in one file are none of its keys.
        let mut found: Vec<_> = match found.iter().any(|entry| !matches!(entry.decoded.key, KeyMaterial::Public(_))) {
            true => found.into_iter().filter(|entry| !matches!(entry.decoded.key, KeyMaterial::Public(_))).collect(),
            false => found,
        };
        let is_one = found.len() == 1;
        let given = entry.name.as_ref().filter(|_| !entry.is_named_by_file);
        if !is_one && (given.is_some() || entry.id.is_some() || entry.certificate.is_some()) {
            let names = found.iter().map(|entry| entry.name.clone().unwrap_or_default()).collect();
            return Err(Error::SeveralKeys { path: entry.file_path(), names });
        }
        let certificate = entry.certificate_path().map(|path| read(&path)).transpose()?;
        found
            .drain(..)
            .enumerate()
            .map(|(number, one)| {
                check_algorithm(one.decoded.algorithm)?;
                if matches!(one.decoded.key, KeyMaterial::Public(_)) {
                    return Err(provider::Error::PublicNotPersisted.into());
                }
                let name = match (given, one.name, &entry.name) {
                    (Some(name), ..) => name.clone(),
                    // The file is one of a folder: its own name says more than what may stand in it.
                    (None, _, Some(name)) if is_one => name.clone(),
                    (None, Some(own), _) => KeyName::new(&own)?,
                    (None, None, Some(name)) => KeyName::new(&format!("{name}-{}", number + 1))?,
                    (None, None, None) => return Err(Error::Nameless { path: entry.file_path() }),
                };
                let mut warnings = Vec::new();
                let certificate = match &certificate {
                    Some(named) => Some(named.to_vec()),
                    None => {
                        let (own, above) = match one.certificates.split_first() {
                            Some((own, above)) => (Some(own.to_vec()), above.len()),
                            None => (None, 0),
                        };
                        if above > 0 {
                            warnings.push(format!("{above} more certificates of the file are not put on the token"));
                        }
                        own
                    }
                };
                Ok(Item { name, decoded: one.decoded, certificate, warnings })
            })
            .collect()
    }

    /// A wrapped file, opened by a key of the token: what is inside shows there alone.
    fn wrapped(&self, provider: &StorageProvider, entry: &Entry, other: Option<&KeyName>) -> Result<Key, Error> {
        let bytes = read(&entry.file_path())?;
        let kek = provider.open_key(entry.unwrap_key.as_deref().unwrap_or_default())?;
        let mut parameters = ImportParameters {
            name: other.or(entry.name.as_ref().filter(|_| !entry.is_named_by_file)).cloned(),
            algorithm: entry.algorithm,
            curve: entry.curve,
            scheme: entry.scheme,
            hash: entry.oaep_hash,
            ..ImportParameters::default()
        };
        let mut flags = self.flags();
        if self.collision == Collision::Overwrite {
            flags |= Flags::OVERWRITE_KEY;
        }
        let mut key = if entry.format.is_none() && wrapped_file::is_wrapped_file(&bytes) {
            let file = wrapped_file::decode(&bytes)?;
            parameters.name = parameters.name.or_else(|| entry.name.clone().filter(|_| file.label.is_none()));
            provider.import_wrapped_file(&kek, &file, &parameters, flags)?
        } else {
            let format = match entry.format {
                Some(format) => format,
                None => format::sniff(&bytes)
                    .ok()
                    .filter(|format| format.is_wrapped())
                    .ok_or_else(|| Error::UnknownWrapped { path: entry.file_path() })?,
            };
            // An OpaqueTransport brings its own name.
            if format != Format::Blob(crate::blob::BlobType::OpaqueTransport) {
                parameters.name = parameters.name.or_else(|| entry.name.clone());
                if parameters.name.is_none() {
                    return Err(Error::Nameless { path: entry.file_path() });
                }
            }
            provider.import_wrapped(&kek, format, &parameters, &bytes, flags)?
        };
        // What it may do and whether it may leave stands in an OpaqueTransport.
        if let Some(policy) = entry.export_policy.or(Some(self.policy).filter(|policy| *policy != ExportPolicy::NONE)) {
            key.set_export_policy(policy)?;
        }
        if let Some(usage) = entry.usage.or(self.usage) {
            key.set_usage(usage)?;
        }
        if let Some(id) = &entry.id {
            key.set_id(id)?;
        }
        if let Some(path) = entry.certificate_path() {
            key.set_certificate(&read(&path)?)?;
        }
        Ok(key)
    }

    fn import_wrapped(&self, provider: &StorageProvider, entry: &Entry) -> Result<KeyDone, Error> {
        let mut key = self.wrapped(provider, entry, None)?;
        let Some(name) = key.name().cloned() else { return Err(Error::Nameless { path: entry.file_path() }) };
        let is_same = |held: &Key| {
            let mut probe = self.wrapped(provider, entry, None)?;
            collision::is_unwrapped(held, &mut probe)
        };
        match collision::room_for_wrapped(provider, &name, self.collision, self.is_proven, is_same)? {
            Room::Done(done) => Ok(*done),
            Room::Free(other, outcome) => {
                if other != name {
                    key = self.wrapped(provider, entry, Some(&other))?;
                }
                key.finalize(Flags::NONE)?;
                Ok(KeyDone::of_key(&key, outcome))
            }
        }
    }
}

/// The certificate of the key among those that were given, in DER.
fn own_certificate(given: &[u8], decoded: &Decoded) -> Result<Option<Vec<u8>>, Error> {
    let public = decoded.key.public();
    let found = certificates::decode(given)?.into_iter().find(|parts| Some(&parts.public) == public.as_ref());
    Ok(found.map(|parts| parts.der))
}

fn read(path: &Path) -> Result<SecretBytes, Error> {
    file::read(path).map_err(|error| Error::unreadable(path, &error))
}

fn recognise(bytes: &[u8], entry: &Entry) -> Result<Format, Error> {
    match format::sniff(bytes) {
        Ok(format) => Ok(format),
        // With a symmetric algorithm named, bytes of a key's length are that key.
        Err(error) => match entry.algorithm.map(|algorithm| algorithm.family) {
            Some(Family::Symmetric(symmetric)) if symmetric.accepts(bytes.len()) => Ok(Format::Raw),
            _ => Err(error.into()),
        },
    }
}
