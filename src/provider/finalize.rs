//! `NCryptFinalizeKey`: a pending key becomes objects on the token.

use cryptoki_sys::{CKA_EC_PARAMS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_VALUE_LEN};

use super::lookup::{self, Entry, Stage};
use super::persist::{Draft, Outcome, Persisted, Route, Source, Written, persist};
use super::proof::{self, Verified};
use super::{Error, Flags, Key, KeyName, Ready, State, StorageProvider, recovery};
use crate::asn1;
use crate::blob::{self, BlobType, Decoded, Hints};
use crate::key::{
    Algorithm, Consistency, Curve, ExportPolicy, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey,
    SymmetricAlgorithm, SymmetricKey, Validation, identity,
};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::Template;
use crate::template::put::{self, Attributes, PrivateKind};
use crate::token::mechanism::{
    CKM_AES_KEY_GEN, CKM_DES3_KEY_GEN, CKM_EC_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_GENERIC_SECRET_KEY_GEN,
    CKM_RSA_PKCS_KEY_PAIR_GEN, Mechanism,
};
use crate::token::{self, Handle, Token};
use crate::wrap::{self, Scheme};

/// A key that is not on the token yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) name: Option<KeyName>,
    pub(super) overwrite: bool,
    pub(super) validation: Validation,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) curve: Option<&'static Curve>,
    pub(super) policy: ExportPolicy,
    pub(super) usage: Option<KeyUsage>,
    pub(super) length: Option<u32>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) material: Material,
}

/// Where a pending key's material comes from.
#[derive(Debug)]
pub(super) enum Material {
    /// A blob set as a property; decoded when everything that may stand beside it is known.
    Blob { blob_type: BlobType, bytes: SecretBytes },
    /// A decoded key.
    Key(Decoded),
    /// Nothing: the token generates it.
    None,
    /// A wrapped key, to be opened on the token.
    Wrapped { kek: Handle, scheme: Scheme, bytes: Vec<u8>, target: Target },
}

/// What is inside a wrap.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Private,
    Secret { algorithm: SymmetricAlgorithm, bits: Option<u32> },
}

impl Pending {
    pub(super) fn new(material: Material, name: Option<KeyName>, overwrite: bool) -> Self {
        Self {
            name,
            overwrite,
            validation: Validation::Full,
            algorithm: None,
            curve: None,
            policy: ExportPolicy::NONE,
            usage: None,
            length: None,
            id: None,
            material,
        }
    }

    pub(super) fn hints(&self) -> Hints<'static> {
        Hints { algorithm: self.algorithm, curve: self.curve, password: None, validation: self.validation }
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match &self.material {
            Material::Key(decoded) => Some(decoded.algorithm),
            _ => match (self.algorithm, self.curve) {
                (Some(algorithm), Some(curve)) if algorithm.family.is_elliptic() => {
                    Some(Algorithm::elliptic(algorithm.family, curve))
                }
                (algorithm, _) => algorithm,
            },
        }
    }

    pub(super) fn bits(&self) -> Option<u32> {
        match &self.material {
            Material::Key(decoded) => Some(decoded.key.bits()),
            _ => self.length.or_else(|| self.algorithm()?.curve.map(|curve| curve.field_bits)),
        }
    }

    pub(super) fn asked_usage(&self) -> KeyUsage {
        let default = || self.algorithm().map(|algorithm| algorithm.family.default_usage()).unwrap_or_default();
        self.usage.unwrap_or_else(default)
    }

    /// The usage of a key of this algorithm: what was asked, else what its PKCS#8 attribute allows, else what it is for.
    fn usage_for(&self, algorithm: Algorithm, attribute: Option<KeyUsage>) -> Result<KeyUsage, crate::Error> {
        let asked = self.usage.or_else(|| attribute.map(|usage| usage & algorithm.family.possible_usage()));
        Ok(algorithm
            .usage(asked.filter(|usage| !usage.is_empty()).unwrap_or_else(|| algorithm.family.default_usage()))?)
    }

    /// What was said of the key's size and curve must be true of it.
    fn check_said(&self, algorithm: Algorithm, bits: u32) -> Result<(), Error> {
        if let Some(length) = self.length.filter(|length| *length != bits) {
            return Err(Error::Contradiction { what: format!("the key has {bits} bits, but Length says {length}") });
        }
        if let (Some(said), Some(found)) = (self.curve, algorithm.curve)
            && said != found
        {
            let what = format!("the key is on {}, but the curve said is {}", found.name, said.name);
            return Err(Error::Contradiction { what });
        }
        Ok(())
    }
}

impl Key {
    /// Puts a pending key on the token (`NCryptFinalizeKey`): imports its material, or generates it if there is none.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` when it is finalized already; `NTE_EXISTS`; what a blob or the token says. Nothing new is left on the token then, and
    /// a key that was to be overwritten is still there.
    pub fn finalize(&mut self, flags: Flags) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        flags.only(Flags::NO_KEY_VALIDATION | Flags::SILENT)?;
        if flags.contains(Flags::NO_KEY_VALIDATION) {
            pending.validation = Validation::Skip;
        }
        let finalizer = Finalizer { token: &self.token, pending };
        let ready = finalizer.run()?;
        self.state = State::Ready(Box::new(ready));
        Ok(())
    }

    /// Everything that finalizing would check before it writes, and nothing written. Tells the algorithm and usage of the key to be.
    ///
    /// # Errors
    /// What [`Key::finalize`] would answer, as far as it can be known without writing.
    pub fn rehearse(&self) -> Result<(Option<Algorithm>, KeyUsage), crate::Error> {
        let State::Pending(pending) = &self.state else { return Err(Error::Finalized.into()) };
        let finalizer = Finalizer { token: &self.token, pending };
        let decoded = finalizer.decode()?;
        let (algorithm, usage) = match decoded.as_deref().or(match &pending.material {
            Material::Key(decoded) => Some(decoded),
            _ => None,
        }) {
            Some(decoded) => {
                pending.check_said(decoded.algorithm, decoded.key.bits())?;
                (Some(decoded.algorithm), pending.usage_for(decoded.algorithm, decoded.usage)?)
            }
            None => match pending.algorithm() {
                Some(algorithm) => (Some(algorithm), pending.usage_for(algorithm, None)?),
                None => (None, pending.asked_usage()),
            },
        };
        if let Some(name) = &pending.name {
            let entries = lookup::by_label(&self.token, name.as_str())?;
            if let (Some(entry), false) = (lookup::resolve(&self.token, name.as_str(), &entries)?, pending.overwrite) {
                return Err(entry.name_taken(&self.token).into());
            }
        }
        Ok((algorithm, usage))
    }
}

impl Entry {
    /// The error of a taken name.
    pub(super) fn name_taken(&self, token: &Token) -> Error {
        let record = self.record();
        let algorithm = record.algorithm().map_or_else(|| "a key".to_owned(), |algorithm| algorithm.name());
        let held = format!("{algorithm}, {}", lookup::uri_of(token, record));
        Error::NameTaken { name: record.label.clone(), held }
    }

    /// Whether an import of this key was cut short after its private object was written.
    pub(super) fn is_interrupted(&self) -> bool {
        self.stage == Stage::Final
            && self.public.as_ref().is_some_and(|public| Stage::of(&public.id).0 == Stage::Staged)
    }
}

struct Finalizer<'a> {
    token: &'a std::sync::Arc<Token>,
    pending: &'a Pending,
}

impl Finalizer<'_> {
    fn run(&self) -> Result<Ready, crate::Error> {
        if let Some(decoded) = self.decode()? {
            return self.import(&decoded);
        }
        match &self.pending.material {
            Material::Key(decoded) => self.import(decoded),
            Material::Wrapped { kek, scheme, bytes, target: Target::Private } => {
                self.unwrap_private(*kek, *scheme, bytes)
            }
            Material::Wrapped { kek, scheme, bytes, target: Target::Secret { algorithm, bits } } => {
                self.unwrap_secret(*kek, *scheme, bytes, *algorithm, *bits)
            }
            Material::None | Material::Blob { .. } => self.generate(),
        }
    }

    /// The key of a blob that was set as a property.
    fn decode(&self) -> Result<Option<Box<Decoded>>, crate::Error> {
        let Material::Blob { blob_type, bytes } = &self.pending.material else { return Ok(None) };
        Ok(Some(Box::new(blob::decode(bytes, *blob_type, &self.pending.hints())?)))
    }

    fn attributes<'b>(&'b self, id: &'b [u8], token: bool, usage: KeyUsage) -> Attributes<'b> {
        let label = self.pending.name.as_ref().map_or("", |name| name.as_str());
        Attributes { label, id, token, policy: self.pending.policy, usage }
    }

    fn import(&self, decoded: &Decoded) -> Result<Ready, crate::Error> {
        let algorithm = decoded.algorithm;
        self.pending.check_said(algorithm, decoded.key.bits())?;
        let usage = self.pending.usage_for(algorithm, decoded.usage)?;
        match &decoded.key {
            KeyMaterial::Public(_) => Err(Error::PublicNotPersisted.into()),
            KeyMaterial::Private(private) => self.import_private(private, algorithm, usage),
            KeyMaterial::Secret(secret) => self.import_secret(secret, usage),
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
        let old = match self.make_room(Some(&public), usage)? {
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
        self.finish_secret(main, &id, usage, old.as_deref(), Route::Create, Some(secret))
    }

    fn unwrap_private(&self, kek: Handle, scheme: Scheme, bytes: &[u8]) -> Result<Ready, crate::Error> {
        let pending = self.pending;
        let kinds: &[PrivateKind] = match pending.algorithm.map(|algorithm| (algorithm.family, algorithm.curve)) {
            Some((Family::Rsa, _)) => &[PrivateKind::Rsa],
            Some((Family::Symmetric(_), _)) => {
                let what = "a wrapped PKCS#8 holds a private key, not a symmetric one".to_owned();
                return Err(Error::Contradiction { what }.into());
            }
            Some(_) => &[PrivateKind::Ec],
            None => &[PrivateKind::Rsa, PrivateKind::Ec],
        };
        let algorithm_of = |kind: PrivateKind| match (kind, pending.algorithm) {
            (PrivateKind::Rsa, _) => Algorithm::RSA,
            (_, Some(algorithm)) => algorithm,
            (_, None) => Algorithm { family: Family::Ecdsa, curve: None },
        };
        let mut usages = Vec::new();
        for kind in kinds {
            match pending.usage_for(algorithm_of(*kind), None) {
                Ok(usage) => usages.push((*kind, usage)),
                // A usage that only one kind has decides the kind.
                Err(error) if *kind == *kinds.last().unwrap_or(kind) && usages.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let kinds: Vec<_> = usages.iter().map(|(kind, _)| *kind).collect();
        let usage_of = |wanted: PrivateKind| {
            usages.iter().find(|(kind, _)| *kind == wanted).map(|(_, usage)| *usage).unwrap_or_default()
        };
        let placeholder = Stage::Staged.mark(b"");
        let shell = |kind, id: &[u8], token, usage| put::private_shell(kind, &self.attributes(id, token, usage));
        // A key that may only agree gives its public point away by a signature, on a session object before its final usage is set.
        let probing = |kind| match kind {
            PrivateKind::Rsa => usage_of(kind),
            _ => usage_of(kind) | KeyUsage::SIGN,
        };
        let (kind, mut session) = wrap::unwrap_private(self.token, scheme, kek, bytes, &kinds, |kind| {
            shell(kind, &placeholder, false, probing(kind))
        })?;
        let usage = usage_of(kind);
        let record = self.token.read(session)?;
        let public = match (record.public, record.curve) {
            (Some(public), _) => public,
            (None, Some(curve)) => {
                let point = proof::recover_point(self.token, session, curve)?;
                PublicKey::Ec(point.ok_or_else(|| Error::NoPublic { name: self.label() })?)
            }
            (None, None) => {
                let what = "the wrapped key is on a curve that is not known here".to_owned();
                return Err(Error::Unsupported { what, ckr: None }.into());
            }
        };
        let found = match public.curve() {
            None => Algorithm::RSA,
            Some(curve) => Algorithm::elliptic(algorithm_of(kind).family, curve),
        };
        pending.check_said(found, public.bits())?;
        let named = pending.algorithm.and_then(|algorithm| algorithm.curve);
        if named.is_some_and(|curve| Some(curve) != public.curve()) {
            let what = format!("the wrapped key is an {found} key, not an {} key", algorithm_of(kind));
            return Err(Error::Contradiction { what }.into());
        }
        if probing(kind) != usage {
            self.token.destroy(session)?;
            session = wrap::unwrap(self.token, scheme, kek, bytes, &shell(kind, &placeholder, false, usage))?;
        }
        let id = self.pair_id(&public)?;
        let old = match self.make_room(Some(&public), usage)? {
            Room::Taken(finished) => return Ok(*finished),
            Room::Free(old) => old,
        };
        let remake = move |id: &[u8]| -> Result<Handle, crate::Error> {
            Ok(wrap::unwrap(self.token, scheme, kek, bytes, &shell(kind, id, true, usage))?)
        };
        self.finish_pair(
            Source { session, remake: Box::new(remake) },
            public,
            &id,
            usage,
            old.as_deref(),
            Route::Unwrap,
        )
    }

    fn unwrap_secret(
        &self,
        kek: Handle,
        scheme: Scheme,
        bytes: &[u8],
        algorithm: SymmetricAlgorithm,
        bits: Option<u32>,
    ) -> Result<Ready, crate::Error> {
        if let Some(bits) = bits {
            self.pending.check_said(Algorithm::symmetric(algorithm), bits)?;
        }
        let usage = self.pending.usage_for(Algorithm::symmetric(algorithm), None)?;
        let id = self.secret_id(algorithm, bits.unwrap_or(0))?;
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let template = put::secret_shell(algorithm, &self.attributes(id, token, usage));
            wrap::unwrap(self.token, scheme, kek, bytes, &template).map_err(|error| match error {
                wrap::Error::Token(source) => {
                    wrap::Error::Unwrap { tried: format!("tried as {}", algorithm.name()), source }.into()
                }
                other => other.into(),
            })
        };
        let old = self.room_for_secret()?;
        let main = Source { session: make(&id, false)?, remake: Box::new(move |id| make(id, true)) };
        self.finish_secret(main, &id, usage, old.as_deref(), Route::Unwrap, None)
    }

    fn generate(&self) -> Result<Ready, crate::Error> {
        let algorithm = self.pending.algorithm().ok_or_else(|| Error::Contradiction {
            what: "no algorithm was said for the key to be generated".to_owned(),
        })?;
        let usage = self.pending.usage_for(algorithm, None)?;
        match algorithm.family {
            Family::Symmetric(symmetric) => self.generate_secret(symmetric, usage),
            _ => self.generate_pair(algorithm, usage),
        }
    }

    fn generate_secret(&self, algorithm: SymmetricAlgorithm, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let bits = self.pending.length.unwrap_or(if algorithm == SymmetricAlgorithm::TripleDes { 192 } else { 256 });
        if !bits.is_multiple_of(8) || !algorithm.accepts(bits as usize / 8) {
            let what = format!("an {} key cannot have {bits} bits", algorithm.name());
            return Err(Error::Contradiction { what }.into());
        }
        let mechanism = Mechanism::Plain(match algorithm {
            SymmetricAlgorithm::Aes => CKM_AES_KEY_GEN,
            SymmetricAlgorithm::Hmac => CKM_GENERIC_SECRET_KEY_GEN,
            SymmetricAlgorithm::TripleDes => CKM_DES3_KEY_GEN,
        });
        let id = self.secret_id(algorithm, bits)?;
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let template = put::secret_shell(algorithm, &self.attributes(id, token, usage));
            let template = match algorithm {
                SymmetricAlgorithm::TripleDes => template,
                _ => template.ulong(CKA_VALUE_LEN, u64::from(bits) / 8),
            };
            let made = self.token.generate(&mechanism, &template);
            made.map_err(|error| self.explain(error, Algorithm::symmetric(algorithm)))
        };
        let old = self.room_for_secret()?;
        let main = Source { session: make(&id, false)?, remake: Box::new(move |id| make(id, true)) };
        self.finish_secret(main, &id, usage, old.as_deref(), Route::Generate, None)
    }

    fn generate_pair(&self, algorithm: Algorithm, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let kind = PrivateKind::of(algorithm.curve);
        let placeholder = Stage::Staged.mark(b"");
        let attributes = self.attributes(&placeholder, false, usage);
        let public = put::public_shell(kind, &attributes);
        let (mechanism, public) = match (algorithm.family, algorithm.curve) {
            (Family::Rsa, _) => {
                let bits = self.pending.length.unwrap_or(2048);
                let public = public.ulong(CKA_MODULUS_BITS, bits.into()).bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
                (CKM_RSA_PKCS_KEY_PAIR_GEN, public)
            }
            (_, Some(curve)) => {
                self.pending.check_said(algorithm, curve.field_bits)?;
                let mechanism = match kind {
                    PrivateKind::Montgomery => CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
                    _ => CKM_EC_KEY_PAIR_GEN,
                };
                (mechanism, public.bytes(CKA_EC_PARAMS, &put::ec_params(curve)?))
            }
            (_, None) => {
                let what = format!("{algorithm} needs a curve (ECCCurveName)");
                return Err(Error::Contradiction { what }.into());
            }
        };
        let old = match self.make_room(None, usage)? {
            Room::Taken(finished) => return Ok(*finished),
            Room::Free(old) => old,
        };
        let private = put::private_shell(kind, &attributes);
        let made = self.token.generate_pair(&Mechanism::Plain(mechanism), &public, &private);
        let (public_session, session) = made.map_err(|error| self.explain(error, algorithm))?;
        let public = self.token.read(public_session)?.public;
        let public = public.ok_or_else(|| Error::NoPublic { name: self.label() })?;
        self.token.destroy(public_session)?;
        let id = self.pair_id(&public)?;
        let no_copy = |_: &[u8]| -> Result<Handle, crate::Error> {
            let what = "the token does not copy a key that it generated in a session".to_owned();
            Err(Error::Unsupported { what, ckr: None }.into())
        };
        self.finish_pair(
            Source { session, remake: Box::new(no_copy) },
            public,
            &id,
            usage,
            old.as_deref(),
            Route::Generate,
        )
    }

    /// Makes the public object, puts both on the token, and proves the pair.
    fn finish_pair(
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
        let public_session = make_public(&Stage::Staged.mark(id), false)?;
        let private_session = main.session;
        if self.pending.name.is_none() {
            return self.ephemeral(id, Some(public_session), private_session, route);
        }
        let label = self.label();
        let draft = Draft {
            label: &label,
            id,
            public: Some((
                Source { session: public_session, remake: Box::new(|id| make_public(id, true)) },
                public.clone(),
            )),
            main,
            policy: self.policy(),
            usage,
        };
        let prove = |written: &Written| proof::prove_pair(self.token, written.main, written.public, &public, usage);
        let outcome = persist(self.token, &draft, old, prove);
        // The private session object has done its work; the public one may wait for the session's end, which takes both in any case.
        let _ = self.token.destroy(private_session);
        Ok(Ready::of_outcome(outcome?, route))
    }

    fn finish_secret(
        &self,
        main: Source<'_>,
        id: &[u8],
        usage: KeyUsage,
        old: Option<&Entry>,
        route: Route,
        secret: Option<&SymmetricKey>,
    ) -> Result<Ready, crate::Error> {
        let session = main.session;
        if self.pending.name.is_none() {
            return self.ephemeral(id, None, session, route);
        }
        let label = self.label();
        let draft = Draft { label: &label, id, public: None, main, policy: self.policy(), usage };
        let prove = |written: &Written| proof::prove_secret(self.token, written.main, secret, usage);
        let outcome = persist(self.token, &draft, old, prove);
        let _ = self.token.destroy(session);
        Ok(Ready::of_outcome(outcome?, route))
    }

    /// A key without a name stays in its session. Its objects get their CKA_ID there.
    fn ephemeral(&self, id: &[u8], public: Option<Handle>, main: Handle, route: Route) -> Result<Ready, crate::Error> {
        for object in public.into_iter().chain([main]) {
            self.token.set(object, &Template::new().bytes(cryptoki_sys::CKA_ID, id))?;
        }
        let public = public.map(|public| self.token.read(public)).transpose()?;
        let persisted =
            Persisted { main: self.token.read(main)?, public, copied: false, verified: Verified::Attributes };
        Ok(Ready::of_outcome(persisted, route))
    }

    /// The key of the new one's name, after leftovers of a killed import were dealt with.
    fn make_room(&self, public: Option<&PublicKey>, usage: KeyUsage) -> Result<Room, crate::Error> {
        let Some(name) = &self.pending.name else { return Ok(Room::Free(None)) };
        let entries = lookup::by_label(self.token, name.as_str())?;
        let interrupted = entries.iter().any(Entry::is_interrupted);
        let entries = recovery::recover(self.token, name.as_str(), entries)?;
        let Some(held) = lookup::resolve(self.token, name.as_str(), &entries)? else { return Ok(Room::Free(None)) };
        if self.pending.overwrite {
            return Ok(Room::Free(Some(Box::new(held.clone()))));
        }
        let ready = Ready::of_entry(held);
        let same = public.is_some() && ready.public.as_ref() == public;
        if interrupted && same && ready.policy == self.policy() && ready.usage == usage {
            return self.complete(ready).map(|ready| Room::Taken(Box::new(ready)));
        }
        if let Some(torn) = held.objects().find(|object| object.is_torn()) {
            return Err(Error::Torn { uri: lookup::uri_of(self.token, torn).to_string() }.into());
        }
        Err(held.name_taken(self.token).into())
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

    fn room_for_secret(&self) -> Result<Option<Box<Entry>>, crate::Error> {
        match self.make_room(None, KeyUsage::default())? {
            Room::Free(old) => Ok(old),
            // Only a key pair can be found half written.
            Room::Taken(_) => Ok(None),
        }
    }

    fn pair_id(&self, public: &PublicKey) -> Result<Vec<u8>, crate::Error> {
        match &self.pending.id {
            Some(id) => Ok(id.clone()),
            None => Ok(asn1::spki::key_id(public)?.to_vec()),
        }
    }

    fn secret_id(&self, algorithm: SymmetricAlgorithm, bits: u32) -> Result<Vec<u8>, crate::Error> {
        if let Some(id) = &self.pending.id {
            return Ok(id.clone());
        }
        let no_random = |error: getrandom::Error| token::Error::Module {
            function: "the operating system's random source",
            problem: error.to_string(),
        };
        Ok(identity::symmetric_id(algorithm, bits).map_err(no_random)?.to_vec())
    }

    /// The policy as the two attributes of a token can hold it.
    fn policy(&self) -> ExportPolicy {
        let asked = self.pending.policy;
        ExportPolicy::from_attributes(!asked.allows_plaintext(), asked.allows_export())
    }

    fn label(&self) -> String {
        self.pending.name.as_ref().map_or_else(|| "the key".to_owned(), |name| name.as_str().to_owned())
    }

    /// A refusal that means "no such key type here" says so; tokens answer it with the codes for a wrong value.
    fn explain(&self, error: token::Error, algorithm: Algorithm) -> crate::Error {
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
            Family::Rsa => CKM_RSA_PKCS_KEY_PAIR_GEN,
            Family::Ecdh | Family::Ecdsa => match PrivateKind::of(algorithm.curve) {
                PrivateKind::Montgomery => CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
                _ => CKM_EC_KEY_PAIR_GEN,
            },
            Family::Symmetric(_) => return error.into(),
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

enum Room {
    /// The key is there already, complete and proven.
    Taken(Box<Ready>),
    /// The name is free, or its key is to be replaced.
    Free(Option<Box<Entry>>),
}

impl Ready {
    fn of_outcome(persisted: Persisted, route: Route) -> Self {
        let Persisted { main, public, copied, verified } = persisted;
        let mut ready = Self::of_entry(&Entry::of_objects(main, public));
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
                ephemeral: true,
                outcome: None,
            },
        )
    }
}

impl Pending {
    /// Sets a blob as a property. What is wrong with it by itself is said now; what depends on later properties, at finalize.
    pub(super) fn set_blob(&mut self, blob_type: BlobType, bytes: &[u8]) -> Result<(), crate::Error> {
        if blob_type.is_public() {
            return Err(Error::PublicNotPersisted.into());
        }
        let hints = Hints { validation: Validation::Skip, ..self.hints() };
        match blob::decode(bytes, blob_type, &hints) {
            // The curve may be set after the blob.
            Ok(_) | Err(blob::Error::CurveMissing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.material = Material::Blob { blob_type, bytes: SecretBytes::from(bytes) };
        Ok(())
    }
}
