//! `NCryptFinalizeKey`: a pending key becomes objects on the token.

use super::generate::pair_mechanism;
use super::import::check_algorithm;
use super::lookup::{Entry, Stage};
use super::pending::{Material, Pending, Target};
use super::persist::{
    Draft, Outcome, Persisted, Route, Source, Written, check_key, check_rights, destroy_all, narrowed, persist,
};
use super::proof::{self, Verified};
use super::room::Room;
use super::way::{Arrival, Clear, Connection, Way};
use super::{Error, Flags, Key, Ready, State, StorageProvider, rights};
use crate::asn1::{self, certificate::CertificateParts};
use crate::blob::{self, Decoded};
use crate::format;
use crate::key::{
    Algorithm, Consistency, ExportPolicy, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricAlgorithm,
    SymmetricKey, Validation, identity,
};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::CKA_ID;
use crate::template::get::ObjectRecord;
use crate::template::put::{self, Attributes, PrivateKind};
use crate::token::{self, Handle};
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
        if let Some(token) = ready.stands_on.take() {
            self.token = token;
        }
        self.state = State::Ready(Box::new(ready));
        Ok(())
    }
}

/// One run of finalize. [`unwrap`](super::unwrap) and [`generate`](super::generate) add the other two sources of material.
pub(super) struct Finalizer<'a> {
    pub(super) token: &'a Connection,
    pub(super) pending: &'a Pending,
}

impl Finalizer<'_> {
    fn run(&self) -> Result<Ready, crate::Error> {
        self.check_source()?;
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
        Attributes { label, id, token, policy: self.pending.policy, usage }
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
        self.check_id(&id, old.as_deref())?;
        let Arrival { source, way } = self.bring(Clear::Private(private), algorithm, &id, usage)?;
        let mut ready = self.finish_pair(source, public, &id, usage, old.as_deref(), way)?;
        if private.consistency() == Consistency::Unchecked && self.pending.validation == Validation::Full {
            let warning = "the public point was not checked against the private scalar: no arithmetic for this curve";
            ready.warn(warning);
        }
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

    /// Makes the public object, puts both on the token, and proves the pair.
    pub(super) fn finish_pair(
        &self,
        main: Source<'_>,
        public: PublicKey,
        id: &[u8],
        usage: KeyUsage,
        old: Option<&Entry>,
        way: Way,
    ) -> Result<Ready, crate::Error> {
        let make_public = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            Ok(self.token.create(&put::public(&public, &self.attributes(id, token, usage))?)?)
        };
        // A failure does not leave it in the session; what else is made there may wait for the session's end.
        let guard = Temporary::new(self.token, main.session);
        self.narrow(main.session, usage, &way)?;
        let public_session = make_public(&Stage::staged(id), false)?;
        let certificate = self.certificate(&public, id)?;
        // What came wrapped may be said to be anything.
        let foreign = matches!(self.pending.material, Material::Wrapped { .. });
        let prove_pair =
            |private, public_object| match proof::prove_pair(self.token, private, public_object, &public, usage)? {
                // A container may say anything of the public half, and an elliptic private object shows nothing of it.
                Verified::Attributes if foreign && public.curve().is_some() => {
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
            return self.ephemeral(id, Some(public_session), certificate, private_session, way, check);
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
        let lenient = self.pending.validation == Validation::Skip && old.is_none() && !foreign;
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
        let mut ready = Ready::of_outcome(outcome?, way);
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
        way: Way,
        (algorithm, secret): (SymmetricAlgorithm, Option<&SymmetricKey>),
    ) -> Result<Ready, crate::Error> {
        let session = main.session;
        let guard = Temporary::new(self.token, session);
        self.narrow(session, usage, &way)?;
        if self.pending.name.is_none() {
            guard.keep();
            let check = |record: &ObjectRecord| {
                check_rights(record, put::secret_key_type(algorithm), self.policy(), usage)?;
                proof::prove_secret(self.token, session, algorithm, secret, usage)
            };
            return self.ephemeral(id, None, None, session, way, check);
        }
        let label = self.label();
        let key_type = put::secret_key_type(algorithm);
        let policy = self.policy();
        let draft = Draft { label: &label, id, public: None, certificate: None, main, key_type, policy, usage };
        let prove = |written: &Written| proof::prove_secret(self.token, written.main, algorithm, secret, usage);
        let outcome = persist(self.token, &draft, old, prove);
        drop(guard);
        Ok(Ready::of_outcome(outcome?, way))
    }

    /// Takes uses away that were not asked for, before the object goes onto the token.
    fn narrow(&self, session: Handle, usage: KeyUsage, way: &Way) -> Result<(), crate::Error> {
        if way.route == Route::Unwrap && self.token.profile().adds_uses {
            narrowed(self.token, self.token.read(session)?, usage)?;
        }
        Ok(())
    }

    /// A key without a name stays in its session. Its objects get their CKA_ID there. One that was unwrapped is held against what was asked, since nothing else of
    /// it was seen.
    fn ephemeral(
        &self,
        id: &[u8],
        public: Option<Handle>,
        certificate: Option<Handle>,
        main: Handle,
        way: Way,
        check: impl FnOnce(&ObjectRecord) -> Result<Verified, crate::Error>,
    ) -> Result<Ready, crate::Error> {
        let settle = |object: Handle| -> Result<ObjectRecord, crate::Error> {
            self.token.set(object, &Template::new().bytes(CKA_ID, id))?;
            Ok(self.token.read(object)?)
        };
        let settled = || -> Result<Persisted, crate::Error> {
            let record = settle(main)?;
            let verified = if way.route == Route::Unwrap { check(&record)? } else { Verified::Attributes };
            Ok(Persisted {
                main: record,
                public: public.map(settle).transpose()?,
                certificate: certificate.map(settle).transpose()?,
                copied: false,
                verified,
            })
        };
        match settled() {
            Ok(persisted) => Ok(Ready::of_outcome(persisted, way)),
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

impl Ready {
    fn of_outcome(persisted: Persisted, way: Way) -> Self {
        let Persisted { main, public, certificate, copied, verified } = persisted;
        let mut ready = Self::of_entry(&Entry::of_objects(main, public, certificate));
        let Way { route, scheme, tried } = way;
        let route = if route == Route::Create && copied { Route::Copy } else { route };
        ready.outcome = Some(Outcome { route, scheme, tried, verified, warnings: Vec::new() });
        ready
    }

    pub(super) fn warn(&mut self, warning: &str) {
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
                hidden: false,
                stands_on: None,
                outcome: None,
            },
        )
    }
}
