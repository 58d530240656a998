//! A key onto a card that keeps keys in places: one key in each, under a name and with a use of the place's own, put there by the security officer.
//!
//! Nothing that is done here can be taken back: the card's module removes no key. So everything is checked before, and C_CreateObject is called once, on the token at once.
//! The security officer may not use a key, and the module shows an object that it made itself as it was told: it is started anew then, and the public half is read
//! from the card. More is not said to be verified.

use std::sync::Arc;

use super::connection::Connection;
use super::finalize::Finalizer;
use super::lookup::{self, Entry};
use super::pending::Material;
use super::persist::{Outcome, Route};
use super::proof::Verified;
use super::way::Routing;
use super::{Error, Ready};
use crate::blob::Decoded;
use crate::key::{ExportPolicy, KeyMaterial, KeyUsage};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::{CKA_ID, CKA_TOKEN};
use crate::template::get::{Class, ObjectRecord};
use crate::template::profile::Place;
use crate::template::put;
use crate::token::{Token, refusal};

impl Finalizer<'_> {
    /// Whether the token is such a card.
    pub(super) fn has_places(&self) -> bool {
        !self.token.profile().places.is_empty()
    }

    fn refused<T>(&self, what: &str) -> Result<T, crate::Error> {
        let what = format!("token `{}` {what}", self.token.info().label);
        Err(Error::Unsupported { what, ckr: None }.into())
    }

    /// Such a card takes keys in the clear and no others.
    pub(super) fn check_source(&self) -> Result<(), crate::Error> {
        match &self.pending.material {
            _ if !self.has_places() => Ok(()),
            Material::Key(_) | Material::Blob { .. }
                if self.pending.routing != Routing::Unwrap
                    && !self.pending.came_wrapped
                    && self.pending.kek.is_none() =>
            {
                Ok(())
            }
            Material::None => {
                self.refused("makes no key that this program could ask for: let the card's own program make it")
            }
            _ => self.refused("unwraps nothing: it takes keys in the clear"),
        }
    }

    /// Everything that would be wrong with a key in the place that was asked for, which is free.
    pub(super) fn check_place(&self, decoded: &Decoded) -> Result<Place, crate::Error> {
        let (pending, places) = (self.pending, self.token.profile().places);
        let words = |usage: KeyUsage| usage.words().collect::<Vec<_>>().join(", ");
        let known = places.iter().map(|place| format!("{:02x} ({})", place.id, words(place.usage)));
        let known = known.collect::<Vec<_>>().join("; ");
        let place = match pending.id.as_deref() {
            Some([id]) => places.iter().find(|place| place.id == *id),
            _ => None,
        };
        let Some(place) = place else {
            let what =
                format!("the keys of this card stand in places of their own; the CKA_ID says which: --id {known}");
            return Err(Error::Contradiction { what }.into());
        };
        if pending.name.is_none() {
            return self.refused("keeps no key in a session");
        }
        if pending.overwrite {
            return self.refused("replaces no key: its module removes none");
        }
        if pending.certificate.is_some() {
            return self.refused("takes no certificate this way");
        }
        if self.held.has_properties() {
            return self.refused("takes no property of a key besides");
        }
        if !pending.additions.is_empty() {
            return self.refused("takes no attribute besides, and what it keeps could not be taken back");
        }
        if self.policy() != ExportPolicy::NONE {
            return self.refused("lets no key leave again: its export policy is none");
        }
        let asked = pending.usage.filter(|usage| !usage.is_empty());
        if asked.is_some_and(|usage| usage != place.usage)
            || decoded.usage.is_some_and(|usage| (usage & place.usage).is_empty())
        {
            return self.refused(&format!("has a use for each place, and the key is for another one: {known}"));
        }
        if let Some((token, held)) = self.in_place(*place)?.into_iter().next() {
            let held = lookup::uri_of(token.as_ref().unwrap_or(self.token), &held).to_string();
            return Err(Error::IdTaken { id: format!("{:02x}", place.id), held }.into());
        }
        Ok(*place)
    }

    /// What stands in a place, on this token (`None`) or on another one of the card; a private object shows itself to the user alone, and its public one to everybody.
    fn in_place(&self, place: Place) -> Result<Vec<(Option<Token>, ObjectRecord)>, crate::Error> {
        let template = Template::new().flag(CKA_TOKEN, true).bytes(CKA_ID, &[place.id]);
        let is_key = |record: &ObjectRecord| !matches!(record.class, Class::Certificate | Class::Data | Class::Other);
        let own = self.token.find_and_read(&template)?;
        let mut found: Vec<_> = own.into_iter().filter(is_key).map(|record| (None, record)).collect();
        for token in self.token.others_of_device()? {
            if let Some(record) = token.find_and_read(&template)?.into_iter().find(is_key) {
                found.push((Some(token), record));
            }
        }
        Ok(found)
    }

    pub(super) fn import_into_place(&self, decoded: &Decoded) -> Result<Ready, crate::Error> {
        let place = self.check_place(decoded)?;
        let id = [place.id];
        let attributes = self.attributes(&id, true, place.usage);
        let (template, public) = match &decoded.key {
            KeyMaterial::Private(key) => (put::private(key, &attributes)?, key.public()),
            KeyMaterial::Secret(key) => (put::secret(key, &attributes), None),
            KeyMaterial::Public(_) => return Err(Error::PublicNotPersisted.into()),
        };
        let created = self.token.create(&template);
        if let Err(error) = &created
            && error.ckr() == Some(Ckr::USER_NOT_LOGGED_IN)
        {
            return Err(error.clone().into());
        }
        // Whatever it answered, the card says what is there.
        let seen = self.token.restart().map_err(Into::into).and_then(|()| self.in_place(place));
        match (created, seen.map(|seen| seen.into_iter().next())) {
            (Err(error), Ok(None)) => Err(self.explain_place(error, decoded)),
            (Err(error), Err(unseen)) => Err(Error::NotRemoved {
                cause: error.to_string(),
                leftover: format!("whether it stands in the place {:02x} could not be asked: {unseen}", place.id),
                ckr: error.ckr(),
            }
            .into()),
            (Err(error), Ok(Some(_))) => Err(Error::NotRemoved {
                cause: error.to_string(),
                leftover: format!("it stands in the place {:02x}, and the card's module removes no key", place.id),
                ckr: error.ckr(),
            }
            .into()),
            (Ok(_), Ok(Some((token, record)))) if public.is_some() && record.public == public => {
                Ok(self.placed(token, record))
            }
            (Ok(_), Ok(seen)) => {
                let problem = if seen.is_some() { "shows another one" } else { "shows none" }.to_owned();
                Err(Error::NotSeen { problem }.into())
            }
            (Ok(_), Err(error)) => Err(Error::NotSeen { problem: format!("cannot be asked for it: {error}") }.into()),
        }
    }

    /// A refusal of this kind of key; these are the codes with which OpenSC refuses one.
    fn explain_place(&self, error: crate::token::Error, decoded: &Decoded) -> crate::Error {
        let refuses = |ckr| refusal::is_refusal(ckr) || matches!(ckr, Ckr::ARGUMENTS_BAD | Ckr::GENERAL_ERROR);
        if !error.ckr().is_some_and(refuses) {
            return error.into();
        }
        let (label, algorithm, bits) = (&self.token.info().label, decoded.algorithm, decoded.key.bits());
        let what = format!("token `{label}` does not take this key ({algorithm}, {bits} bits): {error}");
        Error::Unsupported { what, ckr: error.ckr() }.into()
    }

    /// The key as the card shows it to whoever put it there.
    fn placed(&self, token: Option<Token>, record: ObjectRecord) -> Ready {
        let on = token.as_ref().unwrap_or(self.token).info().label.clone();
        let mut warnings = Vec::new();
        let asked = self.label();
        if record.label != asked {
            warnings.push(format!("the card names its keys itself: this one is `{}`, and not `{asked}`", record.label));
        }
        warnings.push(format!(
            "its public half was read from the card and is right; what it does was not seen: only the user may use it, on token `{on}`"
        ));
        let mut ready = Ready::of_entry(&Entry::of_objects(record.clone(), Some(record), None));
        // The public object has a policy of its own.
        ready.policy = ExportPolicy::NONE;
        ready.hidden = true;
        ready.stands_on = token.map(|token| Arc::new(Connection::new(token)));
        let (route, verified) = (Route::Create, Verified::Attributes);
        ready.outcome = Some(Outcome { warnings, ..Outcome::of(route, verified) });
        ready
    }
}

impl Connection {
    /// Such a card says CKR_OK to a change of a key, and has forgotten it at the next start.
    pub(super) fn check_changes(&self) -> Result<(), crate::Error> {
        if self.profile().places.is_empty() {
            return Ok(());
        }
        let what =
            format!("token `{}` neither changes nor removes a key, nor keeps anything beside it", self.info().label);
        Err(Error::Unsupported { what, ckr: None }.into())
    }
}
