//! `NCryptFinalizeKey`: a pending key becomes objects on the token.

use super::generate::pair_mechanism;
use super::import::check_algorithm;
use super::lookup::{self, Entry, Stage};
use super::pending::{Material, Pending, Target};
use super::persist::{
    Draft, Outcome, Persisted, Route, Source, Written, check_key, check_rights, destroy_all, persist,
};
use super::proof::{self, Verified};
use super::{Error, Flags, Key, Ready, State, StorageProvider, recovery, rights};
use crate::asn1::{self, certificate::CertificateParts};
use crate::blob::{self, Decoded};
use crate::format;
use crate::key::{
    Algorithm, Consistency, ExportPolicy, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricAlgorithm,
    SymmetricKey, Validation, identity,
};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::{CKA_ID, CKA_VALUE};
use crate::template::get::ObjectRecord;
use crate::template::put::{self, Attributes, PrivateKind};
use crate::token::{self, Handle, Token};
use crate::wrap::Temporary;

impl Key {
    /// Puts a pending key on the token (`NCryptFinalizeKey`): imports its material, or generates it if there is none.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` when it is finalized already; `NTE_EXISTS`; what a blob or the token says. Nothing new is left on the token then, and
    /// a key that was to be overwritten is still there; [`Error::NotRemoved`] and [`Error::NotTidied`] say where that is not so.
    pub fn finalize(&mut self, flags: Flags) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        flags.only(Flags::NO_KEY_VALIDATION | Flags::SILENT)?;
        if flags.contains(Flags::NO_KEY_VALIDATION) {
            pending.validation = Validation::Skip;
        }
        let finalizer = Finalizer { token: &self.token, pending };
        let mut ready = finalizer.run()?;
        pending.warnings.iter().for_each(|warning| ready.warn(warning));
        self.state = State::Ready(Box::new(ready));
        Ok(())
    }

    /// Everything that finalizing would check before it writes, and nothing written. Tells what is known of the key to be.
    ///
    /// # Errors
    /// What [`Key::finalize`] would answer, as far as it can be known without writing.
    pub fn rehearse(&self) -> Result<Rehearsal, crate::Error> {
        let State::Pending(pending) = &self.state else { return Err(Error::Finalized.into()) };
        let finalizer = Finalizer { token: &self.token, pending };
        let blob = finalizer.decode()?;
        // What is wrapped is opened, into session objects that nobody keeps: what is wrong with it shows, and what it is.
        let opened = finalizer.rehearse_wrapped()?;
        let decoded = match &pending.material {
            Material::Key(decoded) => Some(decoded),
            _ => blob.as_deref(),
        };
        let public = decoded.and_then(|decoded| decoded.key.public());
        let (unwrapped, shown) = opened.unzip();
        let public = public.or_else(|| shown.flatten());
        let (algorithm, usage) = match decoded {
            Some(decoded) => {
                pending.check_said(decoded.algorithm, decoded.key.bits())?;
                finalizer.certified(public.as_ref())?;
                let usage = pending.usage_for(decoded.algorithm, decoded.usage)?;
                finalizer.check_came_wrapped(&decoded.key, usage)?;
                (Some(decoded.algorithm), usage)
            }
            None => match unwrapped.or_else(|| pending.algorithm()) {
                Some(algorithm) => {
                    finalizer.certified(public.as_ref())?;
                    (Some(algorithm), pending.usage_for(algorithm, None)?)
                }
                None => (None, pending.asked_usage()),
            },
        };
        if let Some(name) = &pending.name {
            let mut entries = lookup::by_label(&self.token, name.as_str())?;
            let interrupted = identities_of_interrupted(&entries);
            // What is only left over would be removed first.
            entries.retain(|entry| entry.stage != Stage::Staged);
            if let Some((held, false)) =
                finalizer.holder(name.as_str(), &entries, &interrupted, public.as_ref(), usage)?
            {
                held.check_replaceable()?;
            }
        }
        let route = match (&pending.material, decoded) {
            (Material::Wrapped { .. }, _) => Route::Unwrap,
            (_, Some(_)) => Route::Copy,
            (_, None) => Route::Generate,
        };
        Ok(Rehearsal { algorithm, usage, route, warnings: pending.warnings.clone() })
    }
}

/// What finalizing a key would come to, as far as it is known without writing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rehearsal {
    /// The algorithm, where it shows.
    pub algorithm: Option<Algorithm>,
    /// What the key may be used for.
    pub usage: KeyUsage,
    /// The way onto the token that is tried first.
    pub route: Route,
    /// What the user should know.
    pub warnings: Vec<String>,
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
        self.stage == Stage::Final
            && self.public.as_ref().is_some_and(|public| Stage::of(&public.id).0 == Stage::Staged)
    }
}

/// One run of finalize. [`unwrap`](super::unwrap) and [`generate`](super::generate) add the other two sources of material.
pub(super) struct Finalizer<'a> {
    pub(super) token: &'a std::sync::Arc<Token>,
    pub(super) pending: &'a Pending,
}

impl Finalizer<'_> {
    fn run(&self) -> Result<Ready, crate::Error> {
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
    fn decode(&self) -> Result<Option<Box<Decoded>>, crate::Error> {
        let Material::Blob { blob_type, bytes } = &self.pending.material else { return Ok(None) };
        Ok(Some(Box::new(blob::decode(bytes, *blob_type, &self.pending.hints())?)))
    }

    pub(super) fn attributes<'b>(&'b self, id: &'b [u8], token: bool, usage: KeyUsage) -> Attributes<'b> {
        let label = self.pending.name.as_ref().map_or("", |name| name.as_str());
        Attributes { label, id, token, policy: self.pending.policy, usage }
    }

    fn import(&self, decoded: &Decoded) -> Result<Ready, crate::Error> {
        let algorithm = decoded.algorithm;
        check_algorithm(algorithm)?;
        self.pending.check_said(algorithm, decoded.key.bits())?;
        let usage = self.pending.usage_for(algorithm, decoded.usage)?;
        self.check_came_wrapped(&decoded.key, usage)?;
        match &decoded.key {
            KeyMaterial::Public(_) => Err(Error::PublicNotPersisted.into()),
            KeyMaterial::Private(private) => self.import_private(private, algorithm, usage),
            KeyMaterial::Secret(secret) => self.import_secret(secret, usage),
        }
    }

    /// A key that came wrapped gains no right, though it is in the clear here.
    fn check_came_wrapped(&self, key: &KeyMaterial, usage: KeyUsage) -> Result<(), crate::Error> {
        if !self.pending.came_wrapped {
            return Ok(());
        }
        let (policy, none) = (ExportPolicy::ENCRYPTED, KeyUsage::default());
        let attributes = Attributes { policy, ..self.attributes(b"", false, none) };
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
            Room::Taken(finished) => return Ok(*finished),
            Room::Free(old) => old,
        };
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let template = put::private(private, &self.attributes(id, token, usage))?;
            self.token.create(&template).map_err(|error| self.explain(error, algorithm))
        };
        let main = Source { session: make(&id, false)?, remake: Box::new(move |id| make(id, true)) };
        let mut ready = self.finish_pair(main, public, &id, usage, old.as_deref(), Route::Create)?;
        if private.consistency() == Consistency::Unchecked && self.pending.validation == Validation::Full {
            let warning = "the public point was not checked against the private scalar: no arithmetic for this curve";
            ready.warn(warning);
        }
        Ok(ready)
    }

    fn import_secret(&self, secret: &SymmetricKey, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let algorithm = secret.algorithm();
        let id = self.secret_id(algorithm, secret.bits())?;
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let template = put::secret(secret, &self.attributes(id, token, usage));
            self.token.create(&template).map_err(|error| self.explain(error, Algorithm::symmetric(algorithm)))
        };
        let old = self.room_for_secret()?;
        let main = Source { session: make(&id, false)?, remake: Box::new(move |id| make(id, true)) };
        self.finish_secret(main, &id, usage, old.as_deref(), Route::Create, (algorithm, Some(secret)))
    }

    /// Makes the public object, puts both on the token, and proves the pair.
    pub(super) fn finish_pair(
        &self,
        main: Source<'_>,
        public: PublicKey,
        id: &[u8],
        usage: KeyUsage,
        old: Option<&Entry>,
        route: Route,
    ) -> Result<Ready, crate::Error> {
        let make_public = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            Ok(self.token.create(&put::public(&public, &self.attributes(id, token, usage))?)?)
        };
        // A failure does not leave it in the session; what else is made there may wait for the session's end.
        let guard = Temporary::new(self.token, main.session);
        let public_session = make_public(&Stage::staged(id), false)?;
        let certificate = self.certificate(&public, id)?;
        let prove_pair =
            |private, public_object| match proof::prove_pair(self.token, private, public_object, &public, usage)? {
                // A container may say anything of the public half, and an elliptic private object shows nothing of it.
                Verified::Attributes if route == Route::Unwrap && public.curve().is_some() => {
                    Err(Error::ProofFailed { how: "no use of the key could be tested", ckr: None }.into())
                }
                verified => Ok(verified),
            };
        let key_type = PrivateKind::of(public.curve())?.key_type();
        if self.pending.name.is_none() {
            let private_session = guard.keep();
            let certificate = certificate.map(|source| source.session);
            let check = |record: &ObjectRecord| {
                check_rights(record, key_type, self.policy(), usage)?;
                check_key(record, Some(&public), true)?;
                prove_pair(private_session, Some(public_session))
            };
            return self.ephemeral(id, Some(public_session), certificate, private_session, route, check);
        }
        let label = self.label();
        let draft = Draft {
            label: &label,
            id,
            public: Some((
                Source { session: public_session, remake: Box::new(|id| make_public(id, true)) },
                public.clone(),
            )),
            certificate,
            main,
            key_type,
            policy: self.policy(),
            usage,
        };
        // Without validation an inconsistent key is wanted as it is; but it never takes the place of one that works, and of one that was unwrapped nothing else was seen.
        let lenient = self.pending.validation == Validation::Skip && old.is_none() && route != Route::Unwrap;
        let mut failed = None;
        let prove = |written: &Written| match prove_pair(written.main, written.public) {
            Err(crate::Error::Provider(Error::ProofFailed { how, .. })) if lenient => {
                failed = Some(how);
                Ok(Verified::Attributes)
            }
            other => other,
        };
        let outcome = persist(self.token, &draft, old, prove);
        drop(guard);
        let mut ready = Ready::of_outcome(outcome?, route);
        if let Some(how) = failed {
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
        route: Route,
        (algorithm, secret): (SymmetricAlgorithm, Option<&SymmetricKey>),
    ) -> Result<Ready, crate::Error> {
        let session = main.session;
        if self.pending.name.is_none() {
            let check = |record: &ObjectRecord| {
                check_rights(record, put::secret_key_type(algorithm), self.policy(), usage)?;
                proof::prove_secret(self.token, session, algorithm, secret, usage)
            };
            return self.ephemeral(id, None, None, session, route, check);
        }
        let label = self.label();
        let key_type = put::secret_key_type(algorithm);
        let policy = self.policy();
        let draft = Draft { label: &label, id, public: None, certificate: None, main, key_type, policy, usage };
        let prove = |written: &Written| proof::prove_secret(self.token, written.main, algorithm, secret, usage);
        let outcome = persist(self.token, &draft, old, prove);
        let _ = destroy_all(self.token, [session]);
        Ok(Ready::of_outcome(outcome?, route))
    }

    /// A key without a name stays in its session. Its objects get their CKA_ID there. One that was unwrapped is held against what was asked, since nothing else of
    /// it was seen.
    fn ephemeral(
        &self,
        id: &[u8],
        public: Option<Handle>,
        certificate: Option<Handle>,
        main: Handle,
        route: Route,
        check: impl FnOnce(&ObjectRecord) -> Result<Verified, crate::Error>,
    ) -> Result<Ready, crate::Error> {
        let settle = |object: Handle| -> Result<ObjectRecord, crate::Error> {
            self.token.set(object, &Template::new().bytes(CKA_ID, id))?;
            Ok(self.token.read(object)?)
        };
        let settled = || -> Result<Persisted, crate::Error> {
            let record = settle(main)?;
            let verified = if route == Route::Unwrap { check(&record)? } else { Verified::Attributes };
            Ok(Persisted {
                main: record,
                public: public.map(settle).transpose()?,
                certificate: certificate.map(settle).transpose()?,
                copied: false,
                verified,
            })
        };
        match settled() {
            Ok(persisted) => Ok(Ready::of_outcome(persisted, route)),
            Err(error) => {
                let made = [Some(main), public, certificate].into_iter().flatten();
                Err(destroy_all(self.token, made).err().map_or(error, Into::into))
            }
        }
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

    fn certificate(&self, public: &PublicKey, id: &[u8]) -> Result<Option<Source<'_>>, crate::Error> {
        let Some(parts) = self.certified(Some(public))? else { return Ok(None) };
        let make = move |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let attributes = self.attributes(id, token, KeyUsage::default());
            Ok(self.token.create(&put::certificate(parts, &attributes))?)
        };
        let session = make(&Stage::staged(id), false)?;
        Ok(Some(Source { session, remake: Box::new(move |id| make(id, true)) }))
    }

    /// The key of the new one's name, after leftovers of a killed import were dealt with.
    pub(super) fn make_room(&self, public: &PublicKey, usage: KeyUsage) -> Result<Room, crate::Error> {
        let Some(name) = &self.pending.name else { return Ok(Room::Free(None)) };
        let found = lookup::by_label(self.token, name.as_str())?;
        let interrupted = identities_of_interrupted(&found);
        let entries = recovery::recover(self.token, name.as_str(), found)?;
        match self.holder(name.as_str(), &entries, &interrupted, Some(public), usage)? {
            None => Ok(Room::Free(None)),
            Some((held, false)) => Ok(Room::Free(Some(Box::new(held.clone())))),
            Some((held, true)) => self.complete(Ready::of_entry(held)).map(|ready| Room::Taken(Box::new(ready))),
        }
    }

    /// The key of the name, and whether it is this very one, whose import was cut short; otherwise it is to be replaced.
    fn holder<'e>(
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
        Ok(same && placed && certified && ready.policy == self.policy() && ready.usage == usage)
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

    /// The same import was cut short when all but the last mark was done: prove what is there.
    fn complete(&self, mut ready: Ready) -> Result<Ready, crate::Error> {
        let (Some(public), Some(private)) = (&ready.public, ready.private_object) else {
            return Err(Error::NoPublic { name: self.label() }.into());
        };
        let verified = proof::prove_pair(self.token, private, ready.public_object, public, ready.usage)?;
        ready.outcome = Some(Outcome { route: Route::Copy, verified, warnings: Vec::new() });
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
        let entries = lookup::by_label(self.token, name.as_str())?;
        let entries = recovery::recover(self.token, name.as_str(), entries)?;
        let held = self.holder(name.as_str(), &entries, &[], None, KeyUsage::default())?;
        Ok(held.map(|(held, _)| Box::new(held.clone())))
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

fn identities_of_interrupted(entries: &[Entry]) -> Vec<lookup::Identity> {
    entries.iter().filter(|entry| entry.is_interrupted()).map(Entry::identity).collect()
}

pub(super) enum Room {
    /// The key is there already, complete and proven.
    Taken(Box<Ready>),
    /// The name is free, or its key is to be replaced.
    Free(Option<Box<Entry>>),
}

impl Ready {
    fn of_outcome(persisted: Persisted, route: Route) -> Self {
        let Persisted { main, public, certificate, copied, verified } = persisted;
        let mut ready = Self::of_entry(&Entry::of_objects(main, public, certificate));
        let route = if route == Route::Create && copied { Route::Copy } else { route };
        ready.outcome = Some(Outcome { route, verified, warnings: Vec::new() });
        ready
    }

    fn warn(&mut self, warning: &str) {
        if let Some(outcome) = &mut self.outcome {
            outcome.warnings.push(warning.to_owned());
        }
    }
}

impl StorageProvider {
    /// A public key out of a file, with its certificate if it came in one. It needs no token and is never persisted; it wraps, and verifies.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a key that is not public, or of a kind that no token has.
    pub fn import_public(&self, entry: format::Entry) -> Result<Key, crate::Error> {
        check_algorithm(entry.decoded.algorithm)?;
        let KeyMaterial::Public(public) = entry.decoded.key else {
            let what = "the file holds a private or secret key, not a public one".to_owned();
            return Err(Error::Unsupported { what, ckr: None }.into());
        };
        let mut key = self.public_key(entry.decoded.algorithm, public);
        if let State::Ready(ready) = &mut key.state {
            ready.certificate = entry.certificates.into_iter().next();
            ready.label = entry.name.unwrap_or_default();
        }
        Ok(key)
    }

    /// A public key, which needs no token: it is never persisted.
    pub(super) fn public_key(&self, algorithm: Algorithm, public: PublicKey) -> Key {
        Key::ready(
            self.shared_token(),
            Ready {
                name: None,
                label: String::new(),
                id: Vec::new(),
                algorithm: Some(algorithm),
                policy: ExportPolicy::NONE,
                usage: algorithm.family.default_usage(),
                bits: Some(public.bits()),
                public: Some(public),
                private_object: None,
                public_object: None,
                secret_object: None,
                certificate_object: None,
                certificate: None,
                ephemeral: true,
                outcome: None,
            },
        )
    }
}
