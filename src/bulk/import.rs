//! `bulk import`: key files onto a token.
//!
//! An entry is a file, with one key or several. Each key goes onto the token as a single import puts it there, all or nothing, and is proven; before that its name is looked for, so that a
//! run that is repeated, with a journal or without, makes no key twice. The token is listed once ([`StorageProvider::index`]): a name that is free costs no call.

mod items;
mod wrapped;

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use self::items::Item;
pub use self::items::recognise;
use super::Error;
use super::collision::{Collision, Free, Look, Room};
use super::journal::{Journal, Outcome};
use super::manifest::{Entry, Manifest};
use super::promises::Promises;
use super::report::{Event, KeyDone, Summary};
use super::run::{Ended, Names, Shared};
use super::work::{self, Crew};
use crate::asn1::Limits;
use crate::key::{ExportPolicy, KeyUsage, Validation};
use crate::provider::{Asked, Flags, ImportParameters, Key, KeyName, Rehearsal, Routing, StorageProvider};
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

impl Plan {
    fn of(free: &Free<'_>, key: &Key) -> Result<Self, Error> {
        let rehearsal = Box::new(key.rehearse()?);
        Ok(Self::Import { name: free.name.to_string(), outcome: free.outcome, rehearsal })
    }
}

/// An entry to be worked on, or looked at where a journal has it as done.
struct Job {
    entry: Entry,
    done: Option<Outcome>,
}

impl Import {
    /// Imports what a manifest names, and tells `observe` of each entry as it ends. With a journal, what that has as done is passed over, and what becomes of the others is written there.
    /// `stop` ends it after the keys that are under way. `expected` is the digest of the manifest that is meant. To be called before this process makes session objects: what a run that was
    /// killed has left on the token cannot be told from them.
    ///
    /// # Errors
    /// What ends the run: a manifest that reads wrong, a journal that cannot be written, a token that stays lost. What is wrong with one key is told, and counted.
    pub fn run(
        &self,
        provider: &StorageProvider,
        mut manifest: Manifest,
        expected: Option<[u8; 32]>,
        journal: Option<&Mutex<Journal>>,
        stop: &AtomicBool,
        mut observe: impl FnMut(&Event<'_>),
    ) -> Result<Summary, Error> {
        provider.index()?;
        let shared = Shared::new(journal).with_strays(provider.strays()?);
        let mut unreadable = None;
        let next = || loop {
            let entry = match manifest.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    unreadable = Some(error);
                    return None;
                }
            };
            let done = shared.done_before(entry.number);
            if done.is_none() || shared.was_cut {
                return Some(Job { entry, done });
            }
            shared.pass_over();
        };
        let work = |provider: &StorageProvider, (): &(), Job { entry, done }: &Job| {
            if let (Some(name), Some(outcome)) = (&entry.name, done)
                && *outcome != Outcome::Renamed
                && provider.has_whole_pair(name, entry.certificate.is_some(), self.is_proven)?
            {
                return Ok(Ended::default());
            }
            self.entry(provider, entry, &shared)
        };
        let take = |Job { entry, done }: Job, outcome: Result<Ended, Error>| {
            let ended = outcome.unwrap_or_else(Ended::from);
            if done.is_some() && ended.is_as_before() {
                shared.pass_over();
                return Ok(());
            }
            let name = entry.name.as_ref().map_or(&*entry.file, KeyName::as_str);
            shared.settle(entry.number, name, &entry.file, &ended, &mut observe)
        };
        let effort = Crew::new(provider, self.jobs, stop).run(next, work, take);
        let summary = shared.close(effort, stop)?;
        if let Some(error) = unreadable {
            return Err(error);
        }
        if manifest.digest().zip(expected).is_some_and(|(found, expected)| found != expected) {
            let hint = "what was done stands in the report; run it again with a journal of its own";
            return Err(Error::manifest(manifest.path(), "it was changed while it was worked through", hint));
        }
        Ok(summary)
    }

    /// What would become of each key of an entry, after those that were planned before it. Nothing is written to the token.
    ///
    /// # Errors
    /// What would be refused, and why.
    pub fn plan(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        promises: &Promises,
    ) -> Result<Vec<Result<Plan, Error>>, Error> {
        let names = Names::default();
        let promised = |plan: Plan, what| {
            let (name, outcome) = match &plan {
                Plan::Import { name, outcome, .. } => (name, *outcome),
                Plan::Done(done) => (&done.name, done.outcome),
            };
            promises.promise(name, outcome, &entry.file, what);
            plan
        };
        let (collision, names, number) = (self.collision, &names, entry.number);
        if entry.unwrap_key.is_some() {
            let wrapped = self.wrapped(provider, entry)?;
            let what = Some(wrapped.what());
            let look = Look {
                provider,
                collision,
                is_proven: false,
                plan: Some((promises, what.as_ref())),
                names,
                entry: number,
            };
            let plan = match wrapped.room(&look, &wrapped.name()?, None)? {
                Room::Done(done) => Plan::Done(done),
                Room::Free(free) => Plan::of(&free, &wrapped.key(Some(&free.name))?)?,
            };
            return Ok(vec![Ok(promised(plan, what))]);
        }
        let one = |item: Item| {
            let certificate = item.own_certificate()?;
            let asked = self.asked(entry, certificate.as_deref());
            let what = item.what(&asked);
            let look = Look {
                provider,
                collision,
                is_proven: false,
                plan: Some((promises, what.as_ref())),
                names,
                entry: number,
            };
            let plan = match item.room(&look, asked, None)? {
                Room::Done(done) => Plan::Done(done),
                Room::Free(free) => Plan::of(&free, &self.pending(provider, entry, item, &free)?)?,
            };
            Ok(promised(plan, what))
        };
        Ok(self.items(entry)?.into_iter().map(one).collect())
    }

    fn entry(&self, provider: &StorageProvider, entry: &Entry, shared: &Shared<'_>) -> Result<Ended, Error> {
        if entry.unwrap_key.is_some() {
            let done = self.import_wrapped(provider, entry, shared)?;
            shared.tidy(provider, &done.name)?;
            return Ok(done.into());
        }
        let mut ended = Ended::default();
        let items = self.items(entry)?;
        for item in items {
            let done = self.import(provider, entry, item, shared);
            match done.and_then(|done| shared.tidy(provider, &done.name).map(|()| done)) {
                Ok(done) => ended.keys.push(done),
                Err(error) if work::ends_more(provider, &error) => return Err(error),
                // The others of the file are keys of their own.
                Err(error) => {
                    ended.error.get_or_insert(error);
                }
            }
        }
        Ok(ended)
    }

    fn import(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        item: Item,
        shared: &Shared<'_>,
    ) -> Result<KeyDone, Error> {
        let _held = shared.names.hold(item.name.as_str());
        let begun = shared.begun(entry.number, item.name.as_str());
        let certificate = item.own_certificate()?;
        let asked = self.asked(entry, certificate.as_deref());
        let done = match item.room(&self.look(provider, shared, entry.number), asked, begun.as_deref())? {
            Room::Done(done) => *done,
            Room::Free(free) => {
                let (wanted, warnings) = (item.name.clone(), item.warnings.clone());
                let mut key = self.pending(provider, entry, item, &free)?;
                shared.begin_key((entry.number, wanted.as_str()), begun.as_deref(), &mut key, &free)?;
                key.finalize(Flags::NONE)?;
                let mut done = KeyDone::of_key(&key, free.outcome);
                done.warnings.extend(warnings);
                done
            }
        };
        shared.names.give(&done.name);
        Ok(done)
    }

    fn look<'n>(&self, provider: &'n StorageProvider, shared: &'n Shared<'_>, entry: u32) -> Look<'n> {
        let (collision, is_proven) = (self.collision, self.is_proven);
        Look { provider, collision, is_proven, plan: None, names: &shared.names, entry }
    }

    fn asked<'a>(&self, entry: &'a Entry, certificate: Option<&'a [u8]>) -> Asked<'a> {
        Asked {
            policy: entry.export_policy.unwrap_or(self.policy),
            usage: entry.usage.or(self.usage),
            id: entry.id.as_deref(),
            certificate,
        }
    }

    /// A key of a file in the clear, ready to be put onto the token.
    fn pending(&self, provider: &StorageProvider, entry: &Entry, item: Item, free: &Free<'_>) -> Result<Key, Error> {
        let parameters = ImportParameters {
            name: Some(free.name.clone()),
            algorithm: entry.algorithm,
            curve: entry.curve,
            routing: self.routing,
            ..ImportParameters::default()
        };
        let mut flags = self.flags();
        if free.outcome == Outcome::Overwritten {
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
}
