//! The way of a key that is in the clear here onto the token: created there, or wrapped here and unwrapped there.
//!
//! Owns which route is tried first, and what goes on to the next: what the caller asks for, what the profile says of the token, and what the token has shown itself in this
//! session. A refusal that concerns the shape of a template or the call as such goes on; every other error ends the import. What was tried and did not go stands in the outcome.

use super::finalize::Finalizer;
use super::generate::pair_mechanism;
use super::pending::Pending;
use super::persist::Route;
use super::proof::Verified;
use super::source::{Remake, Source};
use crate::asn1::pkcs8;
use crate::key::{Algorithm, KeyUsage, PrivateKey, SymmetricKey};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::Template;
use crate::template::put::{self, Attributes, PrivateKind};
use crate::template::shape::{self, Making};
use crate::template::temporary::Rights;
use crate::token::mechanism::{CKM_ECDSA, CKM_RSA_PKCS};
use crate::token::{Token, refusal};
use crate::wrap::{self, Brought, ImportKek, Scheme, Tried, in_shape, no_route};

/// What is tried last, in messages.
const ON_TOKEN: &str = "create on the token";

/// Which routes a key that is in the clear may take onto the token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Routing {
    /// Whichever the token takes: created, or else wrapped here and unwrapped there.
    #[default]
    Any,
    /// C_CreateObject and nothing else.
    Create,
    /// Wrapped here and unwrapped there, and nothing else.
    Unwrap,
}

/// A key that is in the clear here.
#[derive(Clone, Copy)]
pub(super) enum Clear<'k> {
    Private(&'k PrivateKey),
    Secret(&'k SymmetricKey),
}

impl Clear<'_> {
    pub(super) fn key_type(self) -> Result<u64, crate::Error> {
        Ok(match self {
            Self::Private(key) => PrivateKind::of(key.kind().curve())?.key_type(),
            Self::Secret(key) => put::secret_key_type(key.algorithm()),
        })
    }

    fn is_taken(self, token: &Token) -> bool {
        match self {
            Self::Private(_) => token.profile().plain_private,
            Self::Secret(_) => token.profile().plain_secret,
        }
    }

    /// Whether the token lists a mechanism of such keys.
    pub(super) fn has_a_use(self, token: &Token) -> Result<bool, crate::Error> {
        let Self::Private(key) = self else { return Ok(true) };
        let kind = PrivateKind::of(key.kind().curve())?;
        let used = match kind {
            PrivateKind::Ec => CKM_ECDSA,
            PrivateKind::Montgomery => pair_mechanism(kind),
            PrivateKind::Rsa => CKM_RSA_PKCS,
        };
        Ok(token.lists_mechanism(pair_mechanism(kind))? || token.lists_mechanism(used)?)
    }

    /// The templates that are tried, in this order.
    pub(super) fn shapes(
        self,
        token: &Token,
        making: Making,
        attributes: &Attributes<'_>,
    ) -> Result<Vec<Template>, crate::Error> {
        let (base, extras) = match (self, making) {
            (Self::Private(key), Making::Create) => {
                (put::private(key, attributes)?, shape::extras_of_private(key, token.profile(), making)?)
            }
            (Self::Private(key), Making::Unwrap) => {
                let kind = PrivateKind::of(key.kind().curve())?;
                (put::private_shell(kind, attributes), shape::extras_of_private(key, token.profile(), making)?)
            }
            (Self::Secret(key), Making::Create) => {
                (put::secret(key, attributes), shape::extras_of_secret(key.key().len()))
            }
            (Self::Secret(key), Making::Unwrap) => {
                (put::secret_shell(key.algorithm(), attributes), shape::extras_of_secret(key.key().len()))
            }
        };
        Ok(shape::shapes(&base, &extras, token.profile(), making))
    }

    /// What is wrapped: a PKCS#8, or the bare key.
    pub(super) fn bytes(self) -> Result<SecretBytes, crate::Error> {
        match self {
            Self::Private(key) => Ok(pkcs8::encode(key)?),
            Self::Secret(key) => Ok(key.key().clone()),
        }
    }
}

/// A key that has come into the session, and how.
pub(super) struct Arrival<'a> {
    pub(super) source: Source<'a>,
    pub(super) way: Way,
}

/// How a key came.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) route: Route,
    pub(super) scheme: Option<Scheme>,
    pub(super) tried: Vec<Tried>,
    /// What proved the key before attributes were added that may leave nothing to prove it with.
    pub(super) shown: Option<Verified>,
}

impl Way {
    pub(super) fn of(route: Route) -> Self {
        Self { route, scheme: None, tried: Vec::new(), shown: None }
    }
}

impl Finalizer<'_> {
    /// Makes a session object of a key, by the first route that the token takes.
    pub(super) fn bring<'a>(
        &'a self,
        key: Clear<'a>,
        algorithm: Algorithm,
        id: &[u8],
        usage: KeyUsage,
    ) -> Result<Arrival<'a>, crate::Error> {
        self.find_way(key, algorithm, id, usage).map_err(|error| self.blame(error))
    }

    fn find_way<'a>(
        &'a self,
        key: Clear<'a>,
        algorithm: Algorithm,
        id: &[u8],
        usage: KeyUsage,
    ) -> Result<Arrival<'a>, crate::Error> {
        let mut tried = Vec::new();
        let Pending { routing, kek, .. } = self.pending;
        let mut on_token = None;
        if *routing != Routing::Unwrap && kek.is_none() {
            if self.token.has_session_objects() == Some(false) {
                return Ok(self.create_on_token(key, algorithm, usage, (tried.clone(), tried)));
            }
            match self.create(key, algorithm, id, usage, &mut tried)? {
                Some(source) => return Ok(Arrival { source, way: Way { tried, ..Way::of(Route::Create) } }),
                None if self.may_lack_session_objects(&tried) => on_token = Some(tried.clone()),
                None => {}
            }
            if *routing == Routing::Create {
                return match on_token {
                    Some(refused) if !self.makes_session_keys()? => {
                        self.last_resort(key, algorithm, usage, (refused, tried))
                    }
                    _ => Err(no_route(self.token, tried).into()),
                };
            }
        }
        match self.wrap_here(key, id, usage) {
            Ok((source, scheme, more)) => {
                // Another key of this type would be refused as well, now that this one was good; unless it was for what is added to this one.
                let key_type = key.key_type()?;
                let mut learned = self.token.learned();
                let is_noted = learned.refused.iter().any(|(of, _)| *of == key_type);
                if let (Some(refused), false, true) = (tried.first(), is_noted, self.pending.additions.is_empty()) {
                    learned.refused.push((key_type, refused.clone()));
                }
                drop(learned);
                tried.extend(more);
                Ok(Arrival { source, way: Way { scheme: Some(scheme), tried, ..Way::of(Route::Unwrap) } })
            }
            Err(crate::Error::Wrap(wrap::Error::NoRoute { tried: more, .. })) => {
                tried.extend(more);
                match on_token {
                    // A key to unwrap with is one: where it could be made, it is not because of the session that the other is refused.
                    Some(refused) if self.token.kek().is_none() => {
                        self.last_resort(key, algorithm, usage, (refused, tried))
                    }
                    _ => Err(no_route(self.token, tried).into()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether what C_CreateObject answered to a session object may be about that it is one.
    fn may_lack_session_objects(&self, tried: &[Tried]) -> bool {
        let is_about_value = tried
            .iter()
            .filter_map(|tried| tried.ckr)
            .any(|ckr| matches!(ckr, Ckr::ATTRIBUTE_VALUE_INVALID | Ckr::TEMPLATE_INCONSISTENT));
        self.token.has_session_objects().is_none() && self.pending.name.is_some() && is_about_value
    }

    /// Whether any key can be made in the session: a write that fails on the token leaves half an object on some tokens, and is not tried for nothing.
    fn makes_session_keys(&self) -> Result<bool, crate::Error> {
        let mut kek = self.token.kek();
        if kek.is_none() {
            match ImportKek::make(self.token, Rights::UNWRAP) {
                Ok(made) => *kek = Some(made),
                Err(wrap::Error::NoRoute { .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// After every route through the session: the token itself, where it may be that it has no session objects.
    fn last_resort<'a>(
        &'a self,
        key: Clear<'a>,
        algorithm: Algorithm,
        usage: KeyUsage,
        (refused, mut tried): (Vec<Tried>, Vec<Tried>),
    ) -> Result<Arrival<'a>, crate::Error> {
        if self.is_rehearsal {
            let why = "whether the token takes it there shows only when it is written";
            tried.push(Tried::lacking(ON_TOKEN, why));
            return Err(no_route(self.token, tried).into());
        }
        Ok(self.create_on_token(key, algorithm, usage, (refused, tried)))
    }

    /// C_CreateObject on the token, and nothing in the session. What was tried before, for the outcome and for the error.
    fn create_on_token<'a>(
        &'a self,
        key: Clear<'a>,
        algorithm: Algorithm,
        usage: KeyUsage,
        (refused, tried): (Vec<Tried>, Vec<Tried>),
    ) -> Arrival<'a> {
        let remake: Remake<'a> = Box::new(move |id| {
            let token: &Token = self.token;
            let shapes = key.shapes(token, Making::Create, &self.attributes(id, true, usage))?;
            match in_shape(&shapes, |shape| Ok(token.create(shape)?)) {
                Ok((object, _)) => {
                    self.token.learned().has_no_session_objects = true;
                    Ok(object)
                }
                Err(wrap::Error::Token(error)) => Err(match self.explain(error, algorithm) {
                    crate::Error::Token(error) if error.ckr().is_some_and(refusal::is_refusal) => {
                        let last = Tried::new(ON_TOKEN, &error.into());
                        no_route(token, tried.iter().cloned().chain([last]).collect()).into()
                    }
                    other => other,
                }),
                Err(error) => Err(error.into()),
            }
        });
        Arrival { source: Source::on_token(remake), way: Way { tried: refused, ..Way::of(Route::Create) } }
    }

    /// C_CreateObject; `None` where the token refuses it as such, which is then noted.
    fn create<'a>(
        &'a self,
        key: Clear<'a>,
        algorithm: Algorithm,
        id: &[u8],
        usage: KeyUsage,
        tried: &mut Vec<Tried>,
    ) -> Result<Option<Source<'a>>, crate::Error> {
        const WHAT: &str = "create";
        let token: &Token = self.token;
        let only = self.pending.routing == Routing::Create;
        let key_type = key.key_type()?;
        let refused =
            self.token.learned().refused.iter().find(|(of, _)| *of == key_type).map(|(_, tried)| tried.clone());
        if let Some(refused) = refused.filter(|_| !only) {
            tried.push(refused);
            return Ok(None);
        }
        if !key.is_taken(token) && !only {
            tried.push(Tried::lacking(WHAT, &format!("{} takes no such key in the clear", token.profile().name)));
            return Ok(None);
        }
        let shapes = key.shapes(token, Making::Create, &self.attributes(id, false, usage))?;
        let error = match in_shape(&shapes, |shape| Ok(token.create(shape)?)) {
            Ok((session, place)) => {
                let remake: Remake<'a> = Box::new(move |id| {
                    let shapes = key.shapes(token, Making::Create, &self.attributes(id, true, usage))?;
                    // The shape that the session object had: on the token a failed try may leave something behind.
                    let shape = shapes.into_iter().nth(place).unwrap_or_default();
                    token.create(&shape).map_err(|error| self.explain(error, algorithm))
                });
                return Ok(Some(Source::new(session, remake)));
            }
            Err(wrap::Error::Token(error)) => error,
            Err(error) => return Err(error.into()),
        };
        if let Some(shape) = shapes.first() {
            self.find_fault("C_CreateObject", shape, error.ckr(), |shape| Ok(token.create(shape)?));
        }
        let is_refusal = error.ckr().is_some_and(refusal::is_refusal);
        if !is_refusal || !key.has_a_use(token)? {
            return Err(self.explain(error, algorithm));
        }
        tried.push(Tried::new(WHAT, &error.into()));
        Ok(None)
    }

    /// Wraps the key here and unwraps it there.
    fn wrap_here<'a>(
        &'a self,
        key: Clear<'a>,
        id: &[u8],
        usage: KeyUsage,
    ) -> Result<(Source<'a>, Scheme, Vec<Tried>), crate::Error> {
        let token: &Token = self.token;
        let bytes = key.bytes()?;
        let shapes = key.shapes(token, Making::Unwrap, &self.attributes(id, false, usage))?;
        let mut own = self.token.kek();
        let kek = match (&self.pending.kek, &mut *own) {
            (Some(kek), _) => kek,
            (None, Some(kek)) => &*kek,
            (None, empty) => empty.insert(ImportKek::make(token, Rights::UNWRAP)?),
        };
        let brought = kek.bring(token, &bytes, &shapes);
        if let (Err(error), Some(shape)) = (&brought, shapes.first()) {
            let again = |shape: &Template| Ok(kek.bring(token, &bytes, std::slice::from_ref(shape))?.object);
            self.find_fault("C_UnwrapKey", shape, error.ckr(), again);
        }
        let Brought { object, scheme, sealed, shape: place, tried } = brought?;
        drop(own);
        let remake: Remake<'a> = Box::new(move |id| {
            let shapes = key.shapes(token, Making::Unwrap, &self.attributes(id, true, usage))?;
            let shape = shapes.into_iter().nth(place).unwrap_or_default();
            Ok(sealed.open(token)?.unwrap(&shape)?)
        });
        Ok((Source::new(object, remake), scheme, tried))
    }
}
