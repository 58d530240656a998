//! What finalizing would come to: every check of it, and nothing written.

use super::finalize::Finalizer;
use super::lookup::{self, Stage};
use super::pending::{Material, Target};
use super::persist::Route;
use super::room::identities_of_interrupted;
use super::way::{Arrival, Clear, Routing, Way};
use super::{Error, Key, State, added};
use crate::blob::Decoded;
use crate::key::{Algorithm, KeyMaterial, KeyUsage, PublicKey, identity};
use crate::template::Template;
use crate::template::attribute::CKA_TOKEN;
use crate::token::{self, refusal};
use crate::wrap::{Scheme, Temporary, Tried};

impl Key {
    /// Everything that finalizing would check before it writes, and nothing written. Tells what is known of the key to be.
    ///
    /// # Errors
    /// What [`Key::finalize`] would answer, as far as it can be known without writing.
    pub fn rehearse(&self) -> Result<Rehearsal, crate::Error> {
        let State::Pending(pending) = &self.state else { return Err(Error::Finalized.into()) };
        let finalizer = Finalizer { is_rehearsal: true, ..Finalizer::new(&self.token, pending, &self.held) };
        finalizer.check_source()?;
        finalizer.check_archiving()?;
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
        finalizer.rehearse_id(public.as_ref())?;
        let Way { route, scheme, tried, .. } = match (&pending.material, decoded) {
            (Material::Wrapped { .. }, _) => Way::of(Route::Unwrap),
            (_, Some(decoded)) => finalizer.rehearse_way(decoded, usage)?,
            (_, None) => Way::of(Route::Generate),
        };
        Ok(Rehearsal { algorithm, usage, route, scheme, tried, warnings: pending.warnings.clone() })
    }
}

impl Key {
    /// The CKA_ID that a pending symmetric key will have: the one that was set, or a new one, which is set by this. What is wrapped is opened for its size, where that is not known. `None` for
    /// what is no symmetric key that comes from elsewhere.
    pub(crate) fn choose_id(&mut self) -> Result<Option<Vec<u8>>, crate::Error> {
        let State::Pending(pending) = &self.state else { return Err(Error::Finalized.into()) };
        let (algorithm, bits) = match &pending.material {
            Material::Key(Decoded { key: KeyMaterial::Secret(secret), .. }) => {
                (secret.algorithm(), Some(secret.bits()))
            }
            Material::Wrapped { target: Target::Secret { algorithm, bits }, .. } => (*algorithm, *bits),
            _ => return Ok(None),
        };
        if pending.id.is_some() {
            return Ok(pending.id.clone());
        }
        let bits = match (bits, &pending.material) {
            (None, Material::Wrapped { sealed, .. }) => {
                let finalizer = Finalizer::new(&self.token, pending, &self.held);
                finalizer.open_secret(&sealed.open(&self.token)?, algorithm, None)?.0
            }
            (bits, _) => bits,
        };
        let id = identity::symmetric_id(algorithm, bits.unwrap_or_default()).map_err(token::Error::from)?;
        self.set_id(&id)?;
        Ok(Some(id.to_vec()))
    }
}

impl Finalizer<'_> {
    /// The CKA_ID, as far as it is known before: a symmetric key's is random.
    fn rehearse_id(&self, public: Option<&PublicKey>) -> Result<(), crate::Error> {
        let id = match (&self.pending.id, public) {
            (Some(id), _) => id.clone(),
            (None, Some(public)) => self.pair_id(public)?,
            (None, None) => return Ok(()),
        };
        let old = match self.pending.name.as_ref().filter(|_| self.pending.overwrite) {
            Some(name) => {
                let entries = lookup::by_label(self.token, name.as_str())?;
                lookup::resolve(self.token, name.as_str(), &entries)?.cloned()
            }
            None => None,
        };
        self.check_id(&id, old.as_ref())
    }

    /// The way of a key that is in the clear here. Where the token is not known to take it, it is tried, in the session.
    fn rehearse_way(&self, decoded: &Decoded, usage: KeyUsage) -> Result<Way, crate::Error> {
        if self.has_places() {
            self.check_place(decoded)?;
            return Ok(Way::of(Route::Create));
        }
        let created = || Way::of(if self.token.profile().copies { Route::Copy } else { Route::Create });
        let clear = match &decoded.key {
            KeyMaterial::Private(key) => Clear::Private(key),
            KeyMaterial::Secret(key) => Clear::Secret(key),
            KeyMaterial::Public(_) => return Err(Error::PublicNotPersisted.into()),
        };
        let additions = &self.pending.additions;
        let is_free = self.pending.routing != Routing::Unwrap && self.pending.kek.is_none() && additions.is_empty();
        if self.token.profile().plain_always && is_free {
            return Ok(created());
        }
        let Arrival { source, way } = self.bring(clear, decoded.algorithm, &Stage::staged(b""), usage)?;
        // On a token without session objects there is nothing to be tried.
        let Some(session) = source.session.take() else { return Ok(way) };
        let session = Temporary::new(self.token, session);
        added::check(self.token, session.handle, additions)?;
        if way.route != Route::Create || !self.token.profile().copies {
            return Ok(way);
        }
        let copied = self.token.copy(session.handle, &Template::new().flag(CKA_TOKEN, false));
        let copies = match copied {
            Ok(copy) => {
                drop(Temporary::new(self.token, copy));
                true
            }
            Err(error) if error.ckr().is_some_and(refusal::is_refusal) => false,
            Err(error) => return Err(error.into()),
        };
        Ok(Way { route: if copies { Route::Copy } else { Route::Create }, ..way })
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
    /// The way onto the token, tried where it is not known.
    pub route: Route,
    /// By which scheme the key is wrapped here, if it has to be.
    pub scheme: Option<Scheme>,
    /// What was tried, and why it does not go.
    pub tried: Vec<Tried>,
    /// What the user should know.
    pub warnings: Vec<String>,
}
