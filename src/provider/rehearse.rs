//! What finalizing would come to: every check of it, and nothing written.

use super::finalize::Finalizer;
use super::lookup::{self, Stage};
use super::pending::Material;
use super::persist::Route;
use super::room::identities_of_interrupted;
use super::{Error, Key, State};
use crate::key::{Algorithm, KeyUsage};

impl Key {
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
