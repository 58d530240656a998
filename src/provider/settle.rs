//! The end of a finalize: what was unwrapped is held against what was asked, a key without a name stays in its session, and what stands beside a key stays or goes with it.

use std::cell::RefCell;

use super::added;
use super::archive::no_archiving;
use super::finalize::Finalizer;
use super::persist::{Persisted, Route, destroy_all, not_removed};
use super::proof::Verified;
use super::readback::{check_rights, narrowed};
use super::source::SessionObject;
use super::way::Way;
use super::{Error, Ready};
use crate::key::KeyUsage;
use crate::template::Template;
use crate::template::attribute::{CKA_ID, CKA_TOKEN};
use crate::template::get::ObjectRecord;
use crate::token::{Handle, refusal};

impl Finalizer<'_> {
    /// Of what was unwrapped: takes uses away that were not asked for, and refuses what the token made readable or free to leave unasked, before the object goes
    /// onto the token.
    pub(super) fn settle(
        &self,
        session: Handle,
        key_type: u64,
        usage: KeyUsage,
        way: &Way,
    ) -> Result<(), crate::Error> {
        if way.route == Route::Unwrap && self.token.profile().adds_uses {
            let record = narrowed(self.token, self.token.read(session)?, usage)?;
            check_rights(&record, key_type, self.session_policy(), usage)?;
        }
        Ok(())
    }

    /// A key that was written, or was not: what stands beside it stays or goes with it, and of one that may leave once the object of the session is kept.
    pub(super) fn settled(
        &self,
        outcome: Result<Persisted, crate::Error>,
        session: &SessionObject,
        beside: &RefCell<Vec<Handle>>,
    ) -> Result<Persisted, crate::Error> {
        let persisted = outcome.map_err(|error| match error {
            // The new key has the name: what stands beside it is its own.
            crate::Error::Provider(Error::NotTidied { .. }) => error,
            error => self.take_back(beside, error),
        })?;
        self.clear_stale()?;
        if self.is_archived() {
            self.archived.set(session.take());
        }
        Ok(persisted)
    }

    /// Removes what stood beside whatever had the name before.
    pub(super) fn clear_stale(&self) -> Result<(), Error> {
        destroy_all(self.token, self.stale.take()).map_err(|error| Error::NotTidied {
            name: self.label(),
            cause: error.to_string(),
            ckr: error.ckr(),
        })
    }

    /// A key without a name stays in its session. Its objects get their CKA_ID there. One that was unwrapped is held against what was asked, since nothing else of
    /// it was seen.
    pub(super) fn ephemeral(
        &self,
        id: &[u8],
        (public, certificate): (Option<Handle>, Option<Handle>),
        main: Handle,
        way: Way,
        (key_type, usage): (u64, KeyUsage),
        check: impl FnOnce(&ObjectRecord) -> Result<Verified, crate::Error>,
    ) -> Result<Ready, crate::Error> {
        let kept = main;
        let main = match self.strict() {
            Some(strict) => match self.token.copy(kept, &strict.flag(CKA_TOKEN, false)) {
                Ok(copy) => {
                    self.archived.set(Some(kept));
                    copy
                }
                Err(error) => {
                    let made = [Some(kept), public, certificate].into_iter().flatten();
                    let is_refusal = error.ckr().is_some_and(refusal::is_refusal);
                    let error: crate::Error = match is_refusal {
                        true => no_archiving("a key that this token does not copy").into(),
                        false => error.into(),
                    };
                    return Err(match destroy_all(self.token, made) {
                        Ok(()) => error,
                        Err(left) => not_removed(&error, &left),
                    });
                }
            },
            None => kept,
        };
        let settle = |object: Handle| -> Result<ObjectRecord, crate::Error> {
            self.token.set(object, &Template::new().bytes(CKA_ID, id))?;
            Ok(self.token.read(object)?)
        };
        let settled = || -> Result<Persisted, crate::Error> {
            let record = settle(main)?;
            added::check(self.token, main, &self.pending.additions)?;
            // What a template does not say a token may grant.
            check_rights(&record, key_type, self.policy(), usage)?;
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
                let made = [Some(main), self.archived.take(), public, certificate].into_iter().flatten();
                Err(match destroy_all(self.token, made) {
                    Ok(()) => error,
                    Err(left) => not_removed(&error, &left),
                })
            }
        }
    }
}
