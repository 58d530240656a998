//! `NCryptFinalizeKey`: a pending key becomes objects on the token.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::generate::pair_mechanism;
use super::import::check_algorithm;
use super::lookup::Entry;
use super::pending::{Material, Pending, Target};
use super::persist::{Draft, Outcome, Persisted, Route, Written, persist};
use super::proof::{self, Verified};
use super::property::Held;
use super::readback::check_key;
use super::room::Room;
use super::source::{Source, no_copy};
use super::way::{Arrival, Clear, Way};
use super::{Call, Error, Explanation, Flags, Key, Ready, State, added, explain, rights};
use crate::asn1::{self, certificate::CertificateParts};
use crate::blob::{self, Decoded};
use crate::key::{
    Algorithm, Consistency, ExportPolicy, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricAlgorithm,
    SymmetricKey, Validation, identity,
};
use crate::status::Ckr;
use crate::template::Additions;
use crate::template::attribute::CKA_ALWAYS_AUTHENTICATE;
use crate::template::get::ObjectRecord;
use crate::template::put::{self, Attributes, PrivateKind};
use crate::token::{self, Handle, Pin};
use crate::wrap::Temporary;

impl Key {
    /// From now on, where the token refuses a template, find the attribute at fault by further tries on session objects.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` when it is finalized already.
    pub fn explain_refusals(&mut self) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.explanations.get_or_insert_default();
        Ok(())
    }

    /// From now on the pending key has no name: it will be a key of the session.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` when it is finalized already.
    pub fn take_name_away(&mut self) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.name = None;
        Ok(())
    }

    /// From now on, no use of the key is tried before it counts: it is read back, and that is all. A key that takes the place of another one is proven all the same, and so is what
    /// came wrapped and shows nothing of itself.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` when it is finalized already.
    pub fn leave_unproven(&mut self) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.is_proven = false;
        Ok(())
    }

    /// What was found out, whether the key came onto the token in the end or not.
    pub fn explanations(&self) -> Vec<Explanation> {
        match &self.state {
            State::Pending(pending) => explain::found(&pending.explanations),
            State::Ready(ready) => {
                ready.outcome.as_ref().map(|outcome| outcome.explanations.clone()).unwrap_or_default()
            }
        }
    }

    /// Puts a pending key on the token (`NCryptFinalizeKey`): imports its material, or generates it if there is none.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` when it is finalized already; `NTE_EXISTS`; what a blob or the token says. Nothing new is left on the token then, and
    /// a key that was to be overwritten is still there; [`Error::NotRemoved`] and [`Error::NotTidied`] say where that is not so.
    pub fn finalize(&mut self, flags: Flags) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        flags.check(Call::Finalize)?;
        if flags.contains(Flags::NO_KEY_VALIDATION) {
            pending.validation = Validation::Skip;
        }
        let finalizer = Finalizer::new(&self.token, pending, &self.held);
        let (mut ready, archived) = finalizer.make()?;
        let proof_time = finalizer.proof_time.get();
        pending.warnings.iter().for_each(|warning| ready.warn(warning));
        if let Some(outcome) = &mut ready.outcome {
            outcome.explanations = explain::found(&pending.explanations);
            outcome.proof_time = proof_time;
        }
        if let Some(token) = ready.stands_on.take() {
            self.token = token;
        }
        if let State::Pending(pending) = std::mem::replace(&mut self.state, State::Ready(Box::new(ready))) {
            self.settle_handle(pending, archived);
        }
        Ok(())
    }
}

/// One run of finalize. [`unwrap`](super::unwrap) and [`generate`](super::generate) add the other two sources of material.
pub(super) struct Finalizer<'a> {
    pub(super) token: &'a Connection,
    pub(super) pending: &'a Pending,
    /// What was said to the key's handle.
    pub(super) held: &'a Held,
    /// Whether nothing may be written.
    pub(super) is_rehearsal: bool,
    /// How long the proofs took.
    pub(super) proof_time: Cell<Duration>,
    /// The object of the session that stays with the handle, where there is archiving.
    pub(super) archived: Cell<Option<Handle>>,
    /// What stood beside a key that had the name, and is nobody's once the new one has it.
    pub(super) stale: RefCell<Vec<Handle>>,
}

impl<'a> Finalizer<'a> {
    pub(super) fn new(token: &'a Connection, pending: &'a Pending, held: &'a Held) -> Self {
        let (archived, stale) = (Cell::new(None), RefCell::default());
        Self { token, pending, held, is_rehearsal: false, proof_time: Cell::default(), archived, stale }
    }
}

impl Finalizer<'_> {
    /// The key, and what may leave once of it.
    pub(super) fn make(&self) -> Result<(Ready, Option<Handle>), crate::Error> {
        Ok((self.run()?, self.archived.take()))
    }

    fn run(&self) -> Result<Ready, crate::Error> {
        self.check_source()?;
        self.check_archiving()?;
        if let Some(decoded) = self.decode()? {
            return self.import(&decoded);
        }
        match &self.pending.material {
            Material::Key(decoded) => self.import(decoded),
            Material::Wrapped { sealed, target: Target::Private(public) } => {
                self.unwrap_private(sealed, public.as_ref())
            }
            Material::Wrapped { sealed, target: Target::Secret { algorithm, bits } } => {
                self.unwrap_secret(sealed, *algorithm, *bits)
            }
            Material::None | Material::Blob { .. } => self.generate(),
        }
    }

    /// The key of a blob that was set as a property.
    pub(super) fn decode(&self) -> Result<Option<Box<Decoded>>, crate::Error> {
        let Material::Blob { blob_type, bytes } = &self.pending.material else { return Ok(None) };
        Ok(Some(Box::new(blob::decode(bytes, *blob_type, &self.pending.hints())?)))
    }

    pub(super) fn attributes<'b>(&'b self, id: &'b [u8], token: bool, usage: KeyUsage) -> Attributes<'b> {
        let label = self.pending.name.as_ref().map_or("", |name| name.as_str());
        let policy = if token { self.pending.policy } else { self.session_policy() };
        Attributes { label, id, token, policy, usage, more: &self.pending.additions }
    }

    /// Of a refusal of an object with the attributes that were added.
    pub(super) fn blame(&self, error: impl Into<crate::Error>) -> crate::Error {
        added::blame(&self.pending.additions, error.into())
    }

    fn import(&self, decoded: &Decoded) -> Result<Ready, crate::Error> {
        let algorithm = decoded.algorithm;
        check_algorithm(algorithm)?;
        self.pending.check_said(algorithm, decoded.key.bits())?;
        let usage = self.pending.usage_for(algorithm, decoded.usage)?;
        if self.has_places() {
            return self.import_into_place(decoded);
        }
        self.check_came_wrapped(&decoded.key, usage)?;
        match &decoded.key {
            KeyMaterial::Public(_) => Err(Error::PublicNotPersisted.into()),
            KeyMaterial::Private(private) => self.import_private(private, algorithm, usage),
            KeyMaterial::Secret(secret) => self.import_secret(secret, usage),
        }
    }

    /// A key that came wrapped gains no right, though it is in the clear here.
    pub(super) fn check_came_wrapped(&self, key: &KeyMaterial, usage: KeyUsage) -> Result<(), crate::Error> {
        if !self.pending.came_wrapped {
            return Ok(());
        }
        let (policy, none) = (ExportPolicy::ENCRYPTED, KeyUsage::default());
        let attributes = Attributes { policy, more: Additions::NONE, ..self.attributes(b"", false, none) };
        let create = |template| Ok(Temporary::new(self.token, self.token.create(&template)?));
        let rights = (self.policy(), usage);
        match key {
            KeyMaterial::Private(private) => {
                let public = private.public().ok_or_else(|| Error::NoPublic { name: self.label() })?;
                let passenger = || create(put::private(private, &attributes)?);
                rights::check_private(self.token, &public, rights, passenger)
            }
            KeyMaterial::Secret(secret) => {
                rights::check_secret(self.token, rights, || create(put::secret(secret, &attributes)))
            }
            KeyMaterial::Public(_) => Ok(()),
        }
    }

    fn import_private(
        &self,
        private: &PrivateKey,
        algorithm: Algorithm,
        usage: KeyUsage,
    ) -> Result<Ready, crate::Error> {
        let public = private.public().ok_or_else(|| Error::NoPublic { name: self.label() })?;
        let id = self.pair_id(&public)?;
        self.certified(Some(&public))?;
        let old = match self.make_room(&public, usage)? {
            Room::Taken(finished) => return self.completed(*finished, &id, &public),
            Room::Free(old) => old,
        };
        self.check_id(&id, old.as_deref())?;
        let Arrival { source, way } = self.bring(Clear::Private(private), algorithm, &id, usage)?;
        let mut ready = self.finish_pair((source, None), (public, Some(private)), &id, usage, old.as_deref(), way)?;
        let untested = ready.outcome.as_ref().is_some_and(|outcome| outcome.verified == Verified::Attributes);
        if untested && self.pending.additions.demands(CKA_ALWAYS_AUTHENTICATE) {
            ready.warn("the key wants its PIN at every use, and none was given: nothing could be tested");
        } else if untested && !Clear::Private(private).has_a_use(self.token)? {
            ready.warn("the token lists no mechanism for such a key: it keeps it, and cannot use it");
        }
        if private.consistency() == Consistency::Unchecked && self.pending.validation == Validation::Full {
            let warning = "the public point was not checked against the private scalar: no arithmetic for this curve";
            ready.warn(warning);
        }
        Ok(ready)
    }

    /// The key of an import that was cut short, with what was to stand beside it.
    pub(super) fn completed(&self, ready: Ready, id: &[u8], public: &PublicKey) -> Result<Ready, crate::Error> {
        let written = RefCell::default();
        let beside = self.write_beside(id, Some(public), &written);
        beside.map_err(|error| self.take_back(&written, error))?;
        // What it had of these is written anew.
        self.clear_stale()?;
        Ok(ready)
    }

    fn import_secret(&self, secret: &SymmetricKey, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let algorithm = secret.algorithm();
        let id = self.secret_id(algorithm, secret.bits())?;
        let old = self.room_for_secret()?;
        self.check_id(&id, old.as_deref())?;
        let name = Algorithm::symmetric(algorithm);
        let Arrival { source, way } = self.bring(Clear::Secret(secret), name, &id, usage)?;
        self.finish_secret(source, &id, usage, old.as_deref(), way, (algorithm, Some(secret)))
    }

    /// Makes the public object, where it does not stand on the token beside the private one, puts both on the token, and proves the pair.
    pub(super) fn finish_pair(
        &self,
        (main, beside): (Source<'_>, Option<Handle>),
        (public, private): (PublicKey, Option<&PrivateKey>),
        id: &[u8],
        usage: KeyUsage,
        old: Option<&Entry>,
        way: Way,
    ) -> Result<Ready, crate::Error> {
        // A failure does not leave it in the session; what else is made there may wait for the session's end.
        let session = main.session.clone();
        let guard = session.guarded(self.token);
        let key_type = PrivateKind::of(public.curve())?.key_type();
        self.check_archivable(&main)?;
        if let Some(object) = session.get() {
            self.settle(object, key_type, usage, &way)?;
        }
        let public_source = match beside {
            // It stands on the token already, and is not made again.
            Some(object) => Source::placed(object, Box::new(no_copy)),
            None => self.public_source(&public, id, usage, main.is_seen)?,
        };
        let beside = beside.map(|_| public_source.session.guarded(self.token));
        let certificate = self.certificate(&public, id, main.is_seen)?;
        // What came wrapped may be said to be anything.
        let foreign = matches!(self.pending.material, Material::Wrapped { .. });
        let additions = &self.pending.additions;
        let pin = self.pin_for_use()?;
        let terms = proof::Terms { usage, additions, pin: pin.as_ref(), private };
        let prove = |private, public_object| {
            let outcome = self.timed(old, || proof::prove_pair(self.token, private, public_object, &public, terms));
            outcome.inspect_err(|error| self.note_refusal(error))
        };
        let was_shown = way.shown.is_some_and(|shown| shown != Verified::Attributes);
        let prove_pair = |private, public_object| match prove(private, public_object)? {
            // A container may say anything of the public half, and an elliptic private object shows nothing of it.
            Verified::Attributes if foreign && !was_shown && public.curve().is_some() => {
                Err(Error::ProofFailed { how: "no use of the key could be tested", ckr: None }.into())
            }
            verified => Ok(verified),
        };
        if self.pending.name.is_none() {
            let private_session = session.take().ok_or_else(no_session_objects)?;
            let public_session = public_source.session.get();
            let certificate = certificate.and_then(|source| source.session.get());
            let check = |record: &ObjectRecord| {
                check_key(record, Some(&public), true)?;
                prove_pair(private_session, public_session)
            };
            return self.ephemeral(id, (public_session, certificate), private_session, way, (key_type, usage), check);
        }
        let label = self.label();
        let draft = Draft {
            label: &label,
            id,
            public: Some((public_source, public.clone())),
            certificate,
            main,
            key_type,
            policy: self.policy(),
            usage,
            additions,
            strict: self.strict(),
        };
        let beside_it = RefCell::default();
        // Without validation an inconsistent key is wanted as it is; but it never takes the place of one that works, and of one that was unwrapped nothing else was seen.
        let lenient = self.pending.validation == Validation::Skip && old.is_none() && !foreign;
        let failed = Cell::new(None);
        let prove = |written: &Written| {
            let verified = match prove_pair(written.main, written.public) {
                Err(crate::Error::Provider(Error::ProofFailed { how, .. })) if lenient => {
                    failed.set(Some(how));
                    Verified::Attributes
                }
                other => other?,
            };
            self.write_beside(id, Some(&public), &beside_it)?;
            Ok(verified)
        };
        // What stands on the token already is from here on what was written: kept, or removed with the rest.
        let guard = match beside {
            Some(object) => {
                object.keep();
                guard.keep();
                None
            }
            None => Some(guard),
        };
        let outcome = persist(self.token, &draft, old, prove);
        let outcome = self.settled(outcome, &session, &beside_it);
        drop(guard);
        let mut ready = Ready::of_outcome(outcome?, way);
        if let Some(how) = failed.get() {
            ready.warn(&format!("the key does not work like its public half ({how}); it was not validated, as asked"));
        }
        Ok(ready)
    }

    pub(super) fn finish_secret(
        &self,
        main: Source<'_>,
        id: &[u8],
        usage: KeyUsage,
        old: Option<&Entry>,
        way: Way,
        (algorithm, secret): (SymmetricAlgorithm, Option<&SymmetricKey>),
    ) -> Result<Ready, crate::Error> {
        let session = main.session.clone();
        let guard = session.guarded(self.token);
        self.check_archivable(&main)?;
        if let Some(object) = session.get() {
            self.settle(object, put::secret_key_type(algorithm), usage, &way)?;
        }
        let additions = &self.pending.additions;
        let prove_secret =
            |object| self.timed(old, || proof::prove_secret(self.token, object, algorithm, secret, (usage, additions)));
        if self.pending.name.is_none() {
            let session = session.take().ok_or_else(no_session_objects)?;
            let check = |_: &ObjectRecord| prove_secret(session);
            let key_type = put::secret_key_type(algorithm);
            return self.ephemeral(id, (None, None), session, way, (key_type, usage), check);
        }
        let label = self.label();
        let key_type = put::secret_key_type(algorithm);
        let policy = self.policy();
        let (public, certificate) = (None, None);
        let strict = self.strict();
        let draft = Draft { label: &label, id, public, certificate, main, key_type, policy, usage, additions, strict };
        let beside = RefCell::default();
        let prove = |written: &Written| {
            let verified = prove_secret(written.main)?;
            self.write_beside(id, None, &beside)?;
            Ok(verified)
        };
        let outcome = persist(self.token, &draft, old, prove);
        let outcome = self.settled(outcome, &session, &beside);
        drop(guard);
        Ok(Ready::of_outcome(outcome?, way))
    }

    /// The certificate that goes beside the key, if one was given; it must be for this key.
    pub(super) fn certified(&self, public: Option<&PublicKey>) -> Result<Option<&CertificateParts>, Error> {
        let Some(parts) = &self.pending.certificate else { return Ok(None) };
        match public {
            Some(public) if *public == parts.public => Ok(Some(parts)),
            Some(_) => Err(Error::Contradiction { what: "the certificate is for another key".to_owned() }),
            None => Err(Error::Contradiction { what: "a symmetric key has no certificate".to_owned() }),
        }
    }

    pub(super) fn pair_id(&self, public: &PublicKey) -> Result<Vec<u8>, crate::Error> {
        match &self.pending.id {
            Some(id) => Ok(id.clone()),
            None => Ok(asn1::spki::key_id(public)?.to_vec()),
        }
    }

    pub(super) fn secret_id(&self, algorithm: SymmetricAlgorithm, bits: u32) -> Result<Vec<u8>, crate::Error> {
        if let Some(id) = &self.pending.id {
            return Ok(id.clone());
        }
        Ok(identity::symmetric_id(algorithm, bits).map_err(token::Error::from)?.to_vec())
    }

    /// A proof, and how long it takes; none where none was wanted, unless another key is to go for this one.
    fn timed(
        &self,
        old: Option<&Entry>,
        proof: impl FnOnce() -> Result<Verified, crate::Error>,
    ) -> Result<Verified, crate::Error> {
        let came_wrapped = matches!(self.pending.material, Material::Wrapped { .. });
        if !self.pending.is_proven && old.is_none() && !came_wrapped {
            return Ok(Verified::Attributes);
        }
        let start = Instant::now();
        let outcome = proof();
        self.proof_time.set(self.proof_time.get() + start.elapsed());
        outcome
    }

    /// What the new key is proven with, if it is to want a PIN at every use.
    pub(super) fn pin_for_use(&self) -> Result<Option<Pin>, crate::Error> {
        match self.pending.additions.demands(CKA_ALWAYS_AUTHENTICATE) {
            true => Ok(self.held.pin_for_use(self.token)?),
            false => Ok(None),
        }
    }

    /// A PIN that the token refused in a proof is not told again when the key is finalized once more.
    pub(super) fn note_refusal(&self, error: &crate::Error) {
        if let crate::Error::Token(error) = error {
            self.held.note_refusal(error);
        }
    }

    pub(super) fn policy(&self) -> ExportPolicy {
        self.pending.policy.effective()
    }

    pub(super) fn label(&self) -> String {
        self.pending.name.as_ref().map_or_else(|| "the key".to_owned(), |name| name.as_str().to_owned())
    }

    /// A refusal that means "no such key type here" says so; tokens answer it with the codes for a wrong value.
    pub(super) fn explain(&self, error: token::Error, algorithm: Algorithm) -> crate::Error {
        let about_shape = error.ckr().is_some_and(|ckr| {
            matches!(
                ckr,
                Ckr::ATTRIBUTE_VALUE_INVALID
                    | Ckr::TEMPLATE_INCONSISTENT
                    | Ckr::MECHANISM_INVALID
                    | Ckr::CURVE_NOT_SUPPORTED
                    | Ckr::DOMAIN_PARAMS_INVALID
                    | Ckr::FUNCTION_FAILED
                    | Ckr::GENERAL_ERROR
                    | Ckr::FUNCTION_NOT_SUPPORTED
            )
        });
        let needed = match algorithm.family {
            Family::Symmetric(_) => return error.into(),
            _ => match PrivateKind::of(algorithm.curve) {
                Ok(kind) => pair_mechanism(kind),
                Err(_) => return error.into(),
            },
        };
        if about_shape && self.token.lists_mechanism(needed).is_ok_and(|listed| !listed) {
            let key =
                algorithm.curve.map_or_else(|| algorithm.name(), |curve| format!("{algorithm} on {}", curve.name));
            let what = format!("token `{}` has no keys of this kind ({key}): {error}", self.token.info().label);
            return Error::Unsupported { what, ckr: error.ckr() }.into();
        }
        error.into()
    }
}

/// The refusal of a key without a name on a token that keeps keys with one only.
fn no_session_objects() -> crate::Error {
    let what = "this token has no session objects: a key needs a name there".to_owned();
    Error::Unsupported { what, ckr: None }.into()
}

impl Ready {
    pub(super) fn of_outcome(persisted: Persisted, way: Way) -> Self {
        let Persisted { main, public, certificate, copied, verified } = persisted;
        let mut ready = Self::of_entry(&Entry::of_objects(main, public, certificate));
        let Way { route, scheme, tried, .. } = way;
        let route = if route == Route::Create && copied { Route::Copy } else { route };
        ready.outcome = Some(Outcome { scheme, tried, ..Outcome::of(route, verified) });
        ready
    }

    pub(super) fn warn(&mut self, warning: &str) {
        if let Some(outcome) = &mut self.outcome {
            outcome.warnings.push(warning.to_owned());
        }
    }
}
