//! CNG semantics on a token: a key storage provider.
//!
//! Owns [`StorageProvider`] and [`Key`], the NCrypt objects: names and their uniqueness, the persisted import (create → properties → blob as a
//! property → finalize), export under the key's policy, properties, signatures. Everything it remembers is on the token: a key's CNG algorithm
//! name follows from its type, curve and usage.
//!
//! Rules from Microsoft's documentation: no name → an ephemeral key (session objects); a public key is never persisted; a name that is taken →
//! `NTE_EXISTS`; a missing one → `NTE_BAD_KEYSET`; an export that the policy forbids → `NTE_NOT_SUPPORTED`.

mod added;
mod agreement;
mod algorithms;
mod archive;
pub mod bcrypt;
mod beside;
mod byok;
mod certificate;
mod cipher;
mod connection;
mod crypto;
mod custom;
mod date;
mod encrypted;
mod enumerate;
mod envelope;
mod error;
mod explain;
mod export;
mod finalize;
mod flags;
mod foreign_wrap;
mod generate;
mod import;
mod index;
pub mod kdf;
mod kek;
mod lookup;
mod manage;
mod name;
mod parameters;
mod pending;
mod persist;
mod place;
pub mod probe;
mod proof;
pub mod property;
mod public;
mod readback;
mod recovery;
mod rehearse;
mod rehearse_export;
mod rewrap;
mod rights;
mod room;
mod same;
mod sealed;
mod settle;
mod source;
mod strays;
mod transport;
mod unwrap;
mod way;
mod wrapped;

use std::sync::Arc;

pub use self::agreement::Agreement;
pub use self::algorithms::{AlgorithmName, operations};
pub use self::byok::{Cloud, CloudFile};
pub use self::cipher::{Authenticated, ChainingMode, CipherPadding, Direction};
pub use self::crypto::Padding;
pub(crate) use self::custom::Described;
pub use self::date::KeyDate;
pub use self::enumerate::Listing;
pub use self::error::{Error, Fault};
pub use self::explain::Explanation;
pub use self::export::{ExportParameters, Exported};
pub use self::flags::{Call, Flags, Treatment};
pub use self::import::{ImportParameters, check_algorithm};
pub use self::name::KeyName;
pub use self::parameters::{Buffer, buffer};
pub use self::persist::{Outcome, Route};
pub use self::proof::Verified;
pub use self::property::{PropertyValue, SupportedLengths, TagLengths, names};
pub use self::rehearse::Rehearsal;
pub use self::rewrap::Incoming;
pub use self::same::{Asked, Sameness};
pub(crate) use self::strays::Strays;
pub use self::way::Routing;

use self::connection::Connection;
use self::lookup::Entry;
use self::pending::Pending;
use crate::key::{Algorithm, ExportPolicy, KeyUsage, PublicKey};
use crate::token::{self, Handle, Token, Uri};

/// A token as a CNG key storage provider.
#[derive(Clone, Debug)]
pub struct StorageProvider {
    token: Arc<Connection>,
    /// What was said to this handle, and to those that are clones of it.
    held: Arc<property::ProviderHeld>,
}

impl StorageProvider {
    /// A provider on an open token.
    pub fn new(token: Token) -> Self {
        Self::on(Arc::new(Connection::new(token)))
    }

    fn on(token: Arc<Connection>) -> Self {
        Self { token, held: Arc::default() }
    }

    /// The same token and login for another thread, with a session of its own. What was said to this handle is not said to the other one; what the token has shown of itself both
    /// know.
    ///
    /// # Errors
    /// As [`Token::another`]: [`Token::refuses_sessions`] where fewer must do.
    pub fn another(&self) -> Result<Self, crate::Error> {
        Ok(Self::on(Arc::new(self.token.another()?)))
    }

    /// The provider that takes the place of this one on a token that was lost: [`Token::reopen`]. This one, those that were made of it, and their keys are void then, and make no
    /// call any more; each of them is opened anew by itself, and the module is started once for all. There is no index until somebody makes it.
    ///
    /// # Errors
    /// As [`Token::reopen`].
    pub fn reopen(&self) -> Result<Self, crate::Error> {
        Ok(Self { token: Arc::new(self.token.reopen()?), held: Arc::clone(&self.held) })
    }

    /// Whether it can be used: [`Token::is_current`].
    pub fn is_current(&self) -> bool {
        self.token.is_current()
    }

    /// Whether an error means that the token is gone: one call at most, where that is not clear from the error ([`Token::is_gone`]).
    pub fn has_lost(&self, error: &crate::Error) -> bool {
        let lost = |ckr| self.token.is_gone(&token::Error::Pkcs11 { function: "a call", ckr });
        error.ckr().is_some_and(lost)
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }
}

/// A CNG key: pending until it is finalized, then on the token. Dropping an ephemeral key destroys it.
#[derive(Debug)]
pub struct Key {
    token: Arc<Connection>,
    state: State,
    /// What was said to this handle, and to no other of the same key.
    held: property::Held,
}

#[derive(Debug)]
enum State {
    /// Created or imported with `NCRYPT_DO_NOT_FINALIZE_FLAG`: nothing is on the token yet.
    Pending(Box<Pending>),
    /// On the token, or a public key that needs none.
    Ready(Box<Ready>),
}

/// A key that can be used.
#[derive(Clone, Debug)]
struct Ready {
    name: Option<KeyName>,
    /// As it is shown: the name, or what the objects are labelled.
    label: String,
    id: Vec<u8>,
    algorithm: Option<Algorithm>,
    policy: ExportPolicy,
    usage: KeyUsage,
    bits: Option<u32>,
    public: Option<PublicKey>,
    private_object: Option<Handle>,
    public_object: Option<Handle>,
    secret_object: Option<Handle>,
    certificate_object: Option<Handle>,
    /// The certificate that a public key came in, in DER.
    certificate: Option<Arc<[u8]>>,
    ephemeral: bool,
    /// Whether there is a private object that the token does not show to whoever put it there.
    hidden: bool,
    /// The token on which it stands, if another one put it there.
    stands_on: Option<Arc<Connection>>,
    outcome: Option<Outcome>,
    /// Whether each use of the private object wants a login of its own.
    always_authenticates: bool,
}

impl Ready {
    fn of_entry(entry: &Entry) -> Self {
        let record = entry.record();
        let public = entry.public.as_ref().and_then(|public| public.public.clone());
        Self {
            name: KeyName::new(&record.label).ok(),
            label: record.label.clone(),
            id: entry.id.clone(),
            algorithm: record.algorithm(),
            policy: record.policy,
            usage: record.usage,
            bits: record.bits(),
            // A private RSA object is its own public half; of an EC key it is the public object.
            public: record.public.clone().or(public),
            private_object: entry.private.as_ref().map(|private| Handle(private.handle)),
            public_object: entry.public.as_ref().map(|public| Handle(public.handle)),
            secret_object: entry.secret.as_ref().map(|secret| Handle(secret.handle)),
            certificate_object: entry.certificate.as_ref().map(|certificate| Handle(certificate.handle)),
            certificate: None,
            ephemeral: !record.token,
            hidden: false,
            stands_on: None,
            outcome: None,
            always_authenticates: record.always_authenticates,
        }
    }

    /// The object that holds what must not be public.
    fn secret_part(&self) -> Option<Handle> {
        self.private_object.or(self.secret_object)
    }
}

impl Key {
    fn ready(token: &Arc<Connection>, ready: Ready) -> Self {
        Self { token: Arc::clone(token), state: State::Ready(Box::new(ready)), held: property::Held::default() }
    }

    /// The finalized key.
    fn finalized(&self) -> Result<&Ready, Error> {
        match &self.state {
            State::Ready(ready) => Ok(ready),
            State::Pending(_) => Err(Error::NotFinalized),
        }
    }

    /// The finalized key, to be used: what it was made of is not needed any more.
    fn used(&self) -> Result<&Ready, Error> {
        let ready = self.finalized()?;
        self.forget_origin();
        Ok(ready)
    }

    /// The key is deleted: nothing of it is left to use.
    fn forget(&mut self) {
        if let State::Ready(ready) = &mut self.state {
            (ready.private_object, ready.public_object) = (None, None);
            (ready.secret_object, ready.certificate_object) = (None, None);
        }
        self.held = property::Held::default();
    }

    /// Refuses a key that is pending.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE`.
    pub fn check_finalized(&self) -> Result<(), Error> {
        if self.is_finalized() { Ok(()) } else { Err(Error::NotFinalized) }
    }

    /// Whether it is a key of a symmetric algorithm.
    pub fn is_symmetric(&self) -> bool {
        self.algorithm().is_some_and(|algorithm| algorithm.family.as_symmetric().is_some())
    }

    /// Whether the key is on the token and can be used.
    pub fn is_finalized(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// CNG's algorithm; `None` for a key type that CNG does not have.
    pub fn algorithm(&self) -> Option<Algorithm> {
        match &self.state {
            State::Pending(pending) => pending.algorithm(),
            State::Ready(ready) => ready.algorithm,
        }
    }

    /// The name; `None` for an ephemeral key.
    pub fn name(&self) -> Option<&KeyName> {
        match &self.state {
            State::Pending(pending) => pending.name.as_ref(),
            State::Ready(ready) => ready.name.as_ref().filter(|_| !ready.ephemeral),
        }
    }

    /// CKA_LABEL, which is the name of a key that has one.
    pub fn label(&self) -> &str {
        match &self.state {
            State::Pending(pending) => pending.name.as_ref().map_or("", |name| name.as_str()),
            State::Ready(ready) => &ready.label,
        }
    }

    /// CKA_ID.
    pub fn id(&self) -> &[u8] {
        match &self.state {
            State::Pending(_) => &[],
            State::Ready(ready) => &ready.id,
        }
    }

    /// Size in bits, where the token tells it.
    pub fn bits(&self) -> Option<u32> {
        match &self.state {
            State::Pending(pending) => pending.bits(),
            State::Ready(ready) => ready.bits,
        }
    }

    /// What may leave: by the token, and once by this handle.
    pub fn export_policy(&self) -> ExportPolicy {
        match &self.state {
            State::Pending(pending) => pending.policy,
            State::Ready(ready) => ready.policy | self.archiving_left(),
        }
    }

    /// What the key may do.
    pub fn usage(&self) -> KeyUsage {
        match &self.state {
            State::Pending(pending) => pending.asked_usage(),
            State::Ready(ready) => ready.usage,
        }
    }

    /// Whether a private or secret object is there.
    pub fn has_private(&self) -> bool {
        matches!(&self.state, State::Ready(ready) if ready.secret_part().is_some() || ready.hidden)
    }

    /// Whether a public object is there.
    pub fn has_public_object(&self) -> bool {
        matches!(&self.state, State::Ready(ready) if ready.public_object.is_some())
    }

    /// Whether a certificate stands beside the key, under the same CKA_ID and label.
    pub fn has_certificate(&self) -> bool {
        matches!(&self.state, State::Ready(ready) if ready.certificate_object.is_some())
    }

    /// What an import or generation came to; `None` for a key that was opened.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Pending(_) => None,
            State::Ready(ready) => ready.outcome.as_ref(),
        }
    }

    /// The `pkcs11:` URI of the key on its token, which is its unique name.
    pub fn uri(&self) -> Uri {
        let class = match &self.state {
            State::Ready(ready) if ready.secret_object.is_some() => crate::template::get::Class::Secret,
            _ => crate::template::get::Class::Private,
        };
        lookup::object_uri(&self.token, self.label(), self.id(), class)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        if let State::Ready(ready) = &self.state
            && ready.ephemeral
        {
            for object in [ready.private_object, ready.public_object, ready.secret_object, ready.certificate_object]
                .into_iter()
                .flatten()
            {
                // The session's end destroys it in any case.
                let _ = self.token.destroy(object);
            }
        }
    }
}
