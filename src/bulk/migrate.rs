//! `migrate`: the keys of one token to another, wrapped the whole way.
//!
//! Each thread has a key pair of the destination, a session object that may do nothing but wrap and unwrap; the source wraps each key to its public half, in an `OpaqueTransport`, which carries name,
//! CKA_ID, usage, policy and certificate. Nothing of a key is in the clear here. What arrives is read back and proven as an import is, and then held against the key that was left behind:
//! of a pair the public half, of a symmetric key what it makes of the same data.
//!
//! Refused, with the reason: keys that may not leave (CKA_EXTRACTABLE false), which no program can move; kinds of key that one of the two does not have; what the destination makes
//! readable or free unasked.

use std::cell::OnceCell;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::Error;
use super::collision::{self, Collision, Look, Room};
use super::journal::{Journal, Outcome};
use super::promises::{Promises, What};
use super::report::{Event, KeyDone, Summary};
use super::run::{Ended, Names, Shared};
use super::select::Selection;
use super::work::Crew;
use crate::asn1::spki;
use crate::blob::BlobType;
use crate::format::{self, Format};
use crate::key::rsa::Hash;
use crate::key::{Algorithm, KeyMaterial, KeyUsage};
use crate::provider::{Described, ExportParameters, Flags, ImportParameters, Key, KeyName, StorageProvider, Verified};
use crate::wrap;

/// How a migration goes about it.
#[derive(Clone, Debug)]
pub struct Migrate {
    /// How many threads.
    pub jobs: usize,
    /// What is done where another key has the name.
    pub collision: Collision,
    /// Whether each key is held against the one that was left behind.
    pub is_proven: bool,
}

/// What would become of a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum Move {
    /// It would go, under this name.
    Goes {
        /// The name there.
        name: String,
        /// What it would come to.
        outcome: Outcome,
    },
    /// Nothing would be done.
    Done(Box<KeyDone>),
}

const TRANSPORT: Format = Format::Blob(BlobType::OpaqueTransport);
/// Bits of the pair to which keys are wrapped: as strong as AES-128, which wraps them inside.
const TRANSPORT_BITS: u32 = 3072;

/// The pair of the destination, and its public half for the source.
struct Gate {
    opens: Key,
    wraps: Key,
    /// A hash of RSA-OAEP that both have, as far as is known of them.
    hash: Option<Hash>,
}

impl Migrate {
    /// Moves the keys of a selection of `from` to `to`. They stay where they are, too. As with an import what one key fails of is told, and counted.
    ///
    /// # Errors
    /// What ends the run: a token that is lost, a journal that cannot be written.
    pub fn run(
        &self,
        from: &StorageProvider,
        to: &StorageProvider,
        selection: &Selection,
        journal: Option<&Mutex<Journal>>,
        stop: &AtomicBool,
        mut observe: impl FnMut(&Event<'_>),
    ) -> Result<Summary, Error> {
        to.index()?;
        let described = from.described()?;
        let shared = Shared::new(journal).with_strays(to.strays()?);
        let mut jobs = (0..).zip(&selection.keys);
        let next = || loop {
            let (number, key) = jobs.next()?;
            let done = shared.done_before(number);
            if done.is_none() || shared.was_cut {
                return Some((number, key, done));
            }
            shared.pass_over();
        };
        // Made by who first sends a key through it.
        let work =
            |to: &StorageProvider, opened: &OnceCell<Gate>, &(entry, key, done): &(u32, &Key, Option<Outcome>)| {
                if let Some(outcome) = done
                    && self.stands(to, key, outcome, &described)?
                {
                    return Ok(Ended::default());
                }
                let made = || match opened.get() {
                    Some(gate) => Ok(gate),
                    None => gate(from, to).map(|made| opened.get_or_init(|| made)),
                };
                let done = self.one(to, made, (entry, key), &described, &shared);
                let done = done.and_then(|done| shared.tidy(to, &done.name).map(|()| done));
                done.map(Ended::from).map_err(|error| match error {
                    Error::Library(cause) if from.has_lost(&cause) => Error::Lost { cause },
                    error => error,
                })
            };
        let take = |(entry, key, done): (u32, &Key, Option<Outcome>), outcome: Result<Ended, Error>| {
            let ended = outcome.unwrap_or_else(Ended::from);
            if done.is_some() && ended.is_as_before() {
                shared.pass_over();
                return Ok(());
            }
            shared.settle(entry, key.label(), key.label(), &ended, &mut observe)
        };
        let effort = Crew::new(to, self.jobs, stop).bound().run(next, work, take);
        shared.close(effort, stop)
    }

    /// Whether what is done is still at the destination. What has another name there, or properties, is looked at in any case.
    fn stands(&self, to: &StorageProvider, key: &Key, outcome: Outcome, described: &Described) -> Result<bool, Error> {
        if outcome == Outcome::Renamed || described.has(key.label()) {
            return Ok(false);
        }
        Ok(to.has_whole_pair(&KeyName::new(key.label())?, key.has_certificate(), self.is_proven)?)
    }

    /// What would become of a key, after those that were planned before it. Nothing is written, and nothing wrapped.
    ///
    /// # Errors
    /// What would be refused, and why.
    pub fn plan(&self, to: &StorageProvider, key: &Key, promises: &Promises) -> Result<Move, Error> {
        check_movable(key)?;
        let name = KeyName::new(key.label())?;
        let names = Names::default();
        let asked = (key.export_policy(), key.usage(), key.id());
        let spki = key.known_public_key().and_then(|public| spki::encode(public).ok());
        let what = spki.map(|spki| What::new(&spki, &asked, None));
        let (collision, plan) = (self.collision, Some((promises, what.as_ref())));
        let look = Look { provider: to, collision, is_proven: false, plan, names: &names, entry: 0 };
        let plan = match room(&look, &name, key, &Described::any(), None)? {
            Room::Done(done) => Move::Done(done),
            Room::Free(free) => {
                key.rehearse_sending()?;
                Move::Goes { name: free.name.to_string(), outcome: free.outcome }
            }
        };
        let (given, outcome) = match &plan {
            Move::Goes { name, outcome } => (name, *outcome),
            Move::Done(done) => (&done.name, done.outcome),
        };
        promises.promise(given, outcome, &key.uri().to_string(), what);
        Ok(plan)
    }

    fn one<'g>(
        &self,
        to: &StorageProvider,
        gate: impl FnOnce() -> Result<&'g Gate, Error>,
        (entry, key): (u32, &Key),
        described: &Described,
        shared: &Shared<'_>,
    ) -> Result<KeyDone, Error> {
        check_movable(key)?;
        let name = KeyName::new(key.label())?;
        let _held = shared.names.hold(name.as_str());
        let begun = shared.begun(entry, name.as_str());
        let (collision, is_proven) = (self.collision, self.is_proven);
        let look = Look { provider: to, collision, is_proven, plan: None, names: &shared.names, entry };
        let free = match room(&look, &name, key, described, begun.as_deref())? {
            Room::Done(mut done) => {
                shared.names.give(&done.name);
                if done.outcome == Outcome::Identical {
                    done.warnings.extend(complete(&mut to.open_key(&done.name)?, key, described)?);
                }
                return Ok(*done);
            }
            Room::Free(free) => free,
        };
        let is_overwritten = free.outcome == Outcome::Overwritten;
        let gate = gate()?;
        let parameters = ExportParameters { hash: gate.hash, ..ExportParameters::default() };
        let sent = key.export_to(&[&gate.wraps], TRANSPORT, &parameters)?;
        let mut flags = Flags::DO_NOT_FINALIZE | Flags::SILENT;
        if is_overwritten {
            flags |= Flags::OVERWRITE_KEY;
        }
        let parameters = ImportParameters { name: Some(free.name.clone()), ..ImportParameters::default() };
        let arrives = || to.import_wrapped(&gate.opens, TRANSPORT, &parameters, &sent.bytes, flags);
        // Of a pair its proof shows that it is the one that was sent; a symmetric key shows it as a session object, before it takes anybody's place.
        let mut unseen = false;
        let start = Instant::now();
        if key.is_symmetric() && (self.is_proven || is_overwritten) {
            let mut probe = arrives()?;
            probe.take_name_away()?;
            probe.finalize(Flags::NONE)?;
            match probe.is_the_same(key)? {
                Some(true) => {}
                Some(false) => return Err(Error::NotTheSame { name: key.label().to_owned() }),
                None => unseen = true,
            }
        }
        let proof_time = start.elapsed();
        let mut moved = arrives()?;
        if key.has_certificate() {
            moved.set_certificate(&key.certificate_chain()?.concat())?;
        }
        if described.has(key.label()) {
            for (slot, value) in key.beside()? {
                moved.give(&slot, &value)?;
            }
        }
        shared.begin_key((entry, name.as_str()), begun.as_deref(), &mut moved, &free)?;
        moved.finalize(Flags::NONE)?;
        let mut done = KeyDone::of_key(&moved, free.outcome);
        shared.names.give(&done.name);
        if key.is_symmetric() {
            done.proof_time += proof_time;
            match unseen {
                true => done.warnings.push("nothing that it may do shows that it is the same key".to_owned()),
                false if self.is_proven => done.verified = Some(Verified::Kcv),
                false => {}
            }
        }
        Ok(done)
    }
}

/// What there is under the name at the destination.
fn room<'n>(
    look: &Look<'n>,
    name: &KeyName,
    key: &Key,
    described: &Described,
    begun: Option<&[u8]>,
) -> Result<Room<'n>, Error> {
    collision::room_by(look, name, |held| {
        Ok(match held.is_the_same(key)? {
            Some(true) => difference(held, key, described)?,
            Some(false) => Some("it is another key".to_owned()),
            None if begun == Some(held.id()) => None,
            None => Some("whether it is the same key cannot be told".to_owned()),
        })
    })
}

/// Why a key cannot move, as far as it shows before it is tried.
fn check_movable(key: &Key) -> Result<(), Error> {
    if !key.has_private() || key.export_policy().allows_export() {
        return Ok(());
    }
    Err(Error::Unmovable { name: key.label().to_owned() })
}

/// Gives the same key at the destination what a run that was killed has left out. What that was is told.
fn complete(held: &mut Key, key: &Key, described: &Described) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    if let Some(public) = key.known_public_key()
        && held.restore_public(public)?
    {
        told.push("its public object was not there, and was written again".to_owned());
    }
    if described.has(key.label()) {
        let there = held.beside()?;
        for (slot, value) in key.beside()? {
            if !there.iter().any(|(own, _)| *own == slot) {
                held.give(&slot, &value)?;
                told.push(format!("its property {} was not there, and was set", slot.name()));
            }
        }
    }
    Ok(told)
}

/// What of a key at the destination is not as it is at the source. A property that is not there is none: it is carried after it.
fn difference(held: &Key, key: &Key, described: &Described) -> Result<Option<String>, Error> {
    let mut found = Vec::new();
    if held.export_policy().allows_plaintext() != key.export_policy().allows_plaintext()
        || !held.export_policy().allows_export()
    {
        found.push("another policy");
    }
    if held.usage() != key.usage() {
        found.push("another usage");
    }
    if held.id() != key.id() {
        found.push("another CKA_ID");
    }
    if key.has_certificate() {
        let own = |key: &Key| Ok::<_, crate::Error>(key.certificate_chain()?.into_iter().next());
        if own(held)? != own(key)? {
            found.push("another certificate, or none");
        }
    }
    if described.has(key.label()) {
        let there = held.beside()?;
        if key.beside()?.iter().any(|(slot, value)| there.iter().any(|(own, other)| own == slot && other != value)) {
            found.push("another value of a property");
        }
    }
    Ok((!found.is_empty()).then(|| format!("it is the same key with {}", found.join(" and "))))
}

fn gate(from: &StorageProvider, to: &StorageProvider) -> Result<Gate, Error> {
    let mut opens = to.create_persisted_key(Algorithm::RSA, None, Flags::SILENT)?;
    opens.set_length(TRANSPORT_BITS)?;
    opens.set_usage(KeyUsage::WRAP)?;
    opens.finalize(Flags::NONE)?;
    let public = KeyMaterial::Public(opens.public_key()?);
    let spki = Format::Spki;
    let bytes = format::encode_with(&public, Algorithm::RSA, spki, &format::Writing::default())?;
    let entry = format::decode_one(&bytes, spki, &crate::blob::Hints::default(), None)?;
    let (source, target) = (from.token().profile(), to.token().profile());
    let has = |hash: &Hash| wrap::possible_hashes(source).contains(hash);
    let usual = Some(wrap::usual_hash(target)).filter(has);
    let hash = usual.or_else(|| wrap::possible_hashes(target).iter().copied().find(has));
    Ok(Gate { wraps: from.import_public(entry)?, opens, hash })
}
