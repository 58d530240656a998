//! What may leave later than its policy says: keys without a name, whose policy may widen until they are used; and archiving, which lets a key leave once.
//!
//! A token only ever narrows a policy. So what a key without a name was imported from is kept here, in wiped memory, until the first call that uses the key or exports it: a wider
//! policy set before that makes its session object anew. This is for callers that import first and set `Export Policy` at once, as .NET does. Of a key that may then leave encrypted and
//! not in the clear it is kept as long as the handle: not every token wraps a key under a password. A key that came wrapped, or that the token made, has nothing to be made of again.
//!
//! Archiving (`NCRYPT_ALLOW_ARCHIVING_FLAG` wrapped, `NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG` in the clear or wrapped) is one export, by the handle that made the key, and is lost with
//! it. The key on the token gets its policy without it. Beside it a session object with the right to leave stays with the handle until that export or the end: the one that the key
//! was copied from. Where a token makes keys in no session, or does not copy one that it generated, and for a key that came wrapped, there is no archiving. An `OpaqueTransport` is none: it
//! would carry rights on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::export::Exported;
use super::finalize::Finalizer;
use super::pending::{Material, Pending};
use super::property::{Held, names, property};
use super::source::Source;
use super::{Error, Key, Ready, State};
use crate::blob::BlobType;
use crate::format::Format;
use crate::key::{ExportPolicy, KeyMaterial};
use crate::status::Status;
use crate::template::Template;
use crate::template::attribute::{CKA_EXTRACTABLE, CKA_SENSITIVE};
use crate::token::Handle;

/// What a key without a name was made of.
#[derive(Debug)]
pub(super) struct Origin {
    pending: Box<Pending>,
    /// Whether the key was used: its policy is not widened any more.
    is_used: bool,
}

impl Origin {
    /// What is kept of a key that was finalized, if it can be made again.
    pub(super) fn of(mut pending: Box<Pending>) -> Option<Self> {
        let is_clear = matches!(pending.material, Material::Key(_) | Material::Blob { .. }) && !pending.came_wrapped;
        pending.explanations = None;
        (pending.name.is_none() && is_clear).then_some(Self { pending, is_used: false })
    }
}

/// A session object that may leave, once.
#[derive(Debug)]
pub(super) struct Archive {
    key: Box<Key>,
    rights: ExportPolicy,
}

/// The archiving rights of a policy.
pub(super) fn archiving(policy: ExportPolicy) -> ExportPolicy {
    policy & (ExportPolicy::ARCHIVING | ExportPolicy::PLAINTEXT_ARCHIVING)
}

/// The policy of an object that may leave as archiving says, and as the key itself may.
fn widest(policy: ExportPolicy) -> ExportPolicy {
    let plain = policy.allows_plaintext() || policy.contains(ExportPolicy::PLAINTEXT_ARCHIVING);
    let any = policy.allows_export() || !archiving(policy).is_empty();
    ExportPolicy::from_attributes(!plain, any || plain)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Finalizer<'_> {
    /// Whether an object that may leave once is to stay with the handle.
    pub(super) fn is_archived(&self) -> bool {
        !archiving(self.pending.policy).is_empty()
    }

    /// What the key may not do that the object of the session may, where there is archiving. What is so already SoftHSM does not let be said again.
    pub(super) fn strict(&self) -> Option<Template> {
        let (policy, wide) = (self.policy(), self.session_policy());
        let mut changes = Template::new();
        if wide.allows_plaintext() && !policy.allows_plaintext() {
            changes = changes.flag(CKA_SENSITIVE, true);
        }
        if wide.allows_export() && !policy.allows_export() {
            changes = changes.flag(CKA_EXTRACTABLE, false);
        }
        self.is_archived().then_some(changes)
    }

    /// The policy of an object of the session: the one that stays with the handle, if there is archiving.
    pub(super) fn session_policy(&self) -> ExportPolicy {
        if self.is_archived() { widest(self.pending.policy) } else { self.policy() }
    }

    /// Refuses archiving of a key that was in no session.
    pub(super) fn check_archivable(&self, main: &Source<'_>) -> Result<(), Error> {
        match main.session.get().is_none() || main.placed {
            true if self.is_archived() => Err(no_archiving("a key that this token makes in no session")),
            _ => Ok(()),
        }
    }

    /// Refuses archiving where no session object can stay with the handle.
    pub(super) fn check_archiving(&self) -> Result<(), Error> {
        let came_wrapped = matches!(self.pending.material, Material::Wrapped { .. }) || self.pending.came_wrapped;
        match self.is_archived() {
            true if came_wrapped => Err(no_archiving("a key that came wrapped")),
            true if self.has_places() => Err(no_archiving("a key on this card")),
            _ => Ok(()),
        }
    }
}

pub(super) fn no_archiving(of: &str) -> Error {
    Error::Unsupported { what: format!("{of} cannot leave once for archiving"), ckr: None }
}

impl Key {
    /// What is kept of a pending key that was finalized.
    pub(super) fn settle_handle(&mut self, pending: Box<Pending>, archived: Option<Handle>) {
        let policy = pending.policy;
        if pending.name.is_some() {
            self.held.forget_properties();
        } else {
            self.held.chain = pending.issuers.iter().map(|parts| Arc::from(parts.der.as_slice())).collect();
        }
        *lock(&self.held.origin) = Origin::of(pending);
        if let Some(object) = archived {
            self.keep_archive(object, policy);
        }
    }

    /// The key is used: from now on its policy can only be narrowed.
    pub(super) fn forget_origin(&self) {
        let mut origin = lock(&self.held.origin);
        match &mut *origin {
            // It may leave encrypted, which not every token does by itself.
            Some(kept) if kept.pending.policy.effective() == ExportPolicy::ENCRYPTED => kept.is_used = true,
            _ => *origin = None,
        }
    }

    /// What is set of a key without a name holds for what it may be made of again.
    pub(super) fn note_in_origin(&self, note: impl FnOnce(&mut Pending)) {
        if let Some(origin) = &mut *lock(&self.held.origin) {
            note(&mut origin.pending);
        }
    }

    /// What a key without a name that may leave encrypted was made of.
    pub(super) fn original(&self) -> Result<Option<KeyMaterial>, crate::Error> {
        let origin = lock(&self.held.origin);
        let Some(Origin { pending, .. }) = &*origin else { return Ok(None) };
        let decoded = Finalizer::new(&self.token, pending, &self.held).decode()?;
        Ok(match (&pending.material, decoded) {
            (_, Some(decoded)) => Some(decoded.key),
            (Material::Key(decoded), None) => Some(decoded.key.clone()),
            _ => None,
        })
    }

    /// Keeps the object that may leave once.
    pub(super) fn keep_archive(&mut self, object: Handle, policy: ExportPolicy) {
        let State::Ready(ready) = &self.state else { return };
        let is_secret = ready.secret_object.is_some();
        let (private_object, secret_object) = if is_secret { (None, Some(object)) } else { (Some(object), None) };
        let archived = Ready {
            name: None,
            policy: widest(policy),
            private_object,
            secret_object,
            public_object: None,
            certificate_object: None,
            ephemeral: true,
            outcome: None,
            ..(**ready).clone()
        };
        let key = Box::new(Self::ready(&self.token, archived));
        *lock(&self.held.archive) = Some(Archive { key, rights: archiving(policy) });
    }

    /// The archiving rights that the handle still has.
    pub(super) fn archiving_left(&self) -> ExportPolicy {
        lock(&self.held.archive).as_ref().map_or(ExportPolicy::NONE, |archive| archive.rights)
    }

    /// Whether an export of the private or secret part may use up what archiving allows: it is made when there is room for it.
    pub fn exports_once(&self) -> bool {
        !self.archiving_left().is_empty()
    }

    /// Gives archiving rights up that are not among these.
    pub(super) fn narrow_archiving(&self, policy: ExportPolicy) {
        let mut slot = lock(&self.held.archive);
        let left = slot.as_ref().map_or(ExportPolicy::NONE, |archive| archive.rights & policy);
        match &mut *slot {
            _ if left.is_empty() => *slot = None,
            Some(archive) => {
                archive.rights = left;
                if let State::Ready(ready) = &mut archive.key.state {
                    // The object may do more; nobody else has its handle.
                    ready.policy =
                        ExportPolicy::from_attributes(!left.contains(ExportPolicy::PLAINTEXT_ARCHIVING), true);
                }
            }
            None => {}
        }
    }

    /// What the policy forbids, once, where there is archiving. What was asked for the sake of its length does not count.
    pub(super) fn or_archived(
        &self,
        own: Result<Exported, crate::Error>,
        (format, is_for_length): (Format, bool),
        again: impl FnOnce(&Self) -> Result<Exported, crate::Error>,
    ) -> Result<Exported, crate::Error> {
        let is_forbidden =
            |outcome: &Result<_, _>| matches!(outcome, Err(crate::Error::Provider(Error::PolicyForbids { .. })));
        if !is_forbidden(&own) || format == Format::Blob(BlobType::OpaqueTransport) {
            return own;
        }
        let mut slot = lock(&self.held.archive);
        let Some(archive) = &*slot else { return own };
        match again(&archive.key) {
            outcome if is_forbidden(&outcome) => own,
            Ok(exported) => {
                if !is_for_length {
                    *slot = None;
                }
                Ok(exported)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a key without a name a wider policy, as long as it was not used: makes it again.
    pub(super) fn widen(&mut self, policy: ExportPolicy) -> Result<(), crate::Error> {
        let fixed = || {
            let problem = "fixed once the key is finalized and, without a name, used: it can only be narrowed";
            property(names::EXPORT_POLICY, problem, Status::NTE_NOT_SUPPORTED)
        };
        let State::Ready(ready) = &self.state else { return Err(Error::NotFinalized.into()) };
        let mut origin = lock(&self.held.origin);
        let may_widen = |origin: &mut Origin| !origin.is_used && !ready.usage.is_empty();
        let Some(Origin { mut pending, .. }) = origin.take_if(may_widen) else { return Err(fixed().into()) };
        drop(origin);
        let had = std::mem::replace(&mut pending.policy, policy);
        (pending.usage, pending.id) = (Some(ready.usage), Some(ready.id.clone()));
        let made = Finalizer::new(&self.token, &pending, &self.held).make();
        if made.is_err() {
            pending.policy = had;
        }
        *lock(&self.held.origin) = Some(Origin { pending, is_used: false });
        let (ready, archive) = made?;
        let old = std::mem::replace(&mut self.state, State::Ready(Box::new(ready)));
        // Its objects go with it.
        drop(Self { token: Arc::clone(&self.token), state: old, held: Held::default() });
        *lock(&self.held.archive) = None;
        if let Some(object) = archive {
            self.keep_archive(object, policy);
        }
        Ok(())
    }
}
