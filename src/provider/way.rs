//! The way of a key that is in the clear here onto the token: created there, or wrapped here and unwrapped there.
//!
//! Owns which route is tried first, and what goes on to the next: what the caller asks for, what the profile says of the token, and what the token has shown itself in this
//! session. A refusal that concerns the shape of a template or the call as such goes on; every other error ends the import. What was tried and did not go stands in the outcome.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use super::finalize::Finalizer;
use super::generate::pair_mechanism;
use super::pending::Pending;
use super::persist::{Remake, Route, Source};
use crate::asn1::pkcs8;
use crate::key::{Algorithm, KeyUsage, PrivateKey, SymmetricKey};
use crate::secret::SecretBytes;
use crate::template::Template;
use crate::template::put::{self, Attributes, PrivateKind};
use crate::template::shape::{self, Making};
use crate::token::mechanism::{CKM_ECDSA, CKM_RSA_PKCS};
use crate::token::{Token, refusal};
use crate::wrap::{self, Brought, ImportKek, Scheme, Tried, in_shape, no_route};

/// A token, and what it has shown of itself since it was opened.
#[derive(Debug)]
pub(super) struct Connection {
    token: Token,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The key under which keys are wrapped here, once one was needed.
    kek: Option<ImportKek>,
    /// What C_CreateObject answered to keys of these types, which is not asked again.
    refused: Vec<(u64, Tried)>,
}

impl Connection {
    pub(super) fn new(token: Token) -> Self {
        Self { token, known: Mutex::new(Known::default()) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Connection {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let kek = self.known.get_mut().unwrap_or_else(PoisonError::into_inner).kek.take();
        if let Some(kek) = kek {
            kek.destroy(&self.token);
        }
    }
}

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
    fn key_type(self) -> Result<u64, crate::Error> {
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
    fn shapes(self, token: &Token, making: Making, attributes: &Attributes<'_>) -> Result<Vec<Template>, crate::Error> {
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
    fn bytes(self) -> Result<SecretBytes, crate::Error> {
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
}

impl Way {
    pub(super) fn of(route: Route) -> Self {
        Self { route, scheme: None, tried: Vec::new() }
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
        let mut tried = Vec::new();
        let Pending { routing, kek, .. } = self.pending;
        if *routing != Routing::Unwrap && kek.is_none() {
            match self.create(key, algorithm, id, usage, &mut tried)? {
                Some(source) => return Ok(Arrival { source, way: Way { tried, ..Way::of(Route::Create) } }),
                None if *routing == Routing::Create => return Err(no_route(self.token, tried).into()),
                None => {}
            }
        }
        match self.wrap_here(key, id, usage) {
            Ok((source, scheme, more)) => {
                // Another key of this type would be refused as well, now that this one was good.
                let key_type = key.key_type()?;
                let mut known = self.token.known();
                let is_noted = known.refused.iter().any(|(of, _)| *of == key_type);
                if let (Some(refused), false) = (tried.first(), is_noted) {
                    known.refused.push((key_type, refused.clone()));
                }
                drop(known);
                tried.extend(more);
                Ok(Arrival { source, way: Way { route: Route::Unwrap, scheme: Some(scheme), tried } })
            }
            Err(crate::Error::Wrap(wrap::Error::NoRoute { tried: more, .. })) => {
                tried.extend(more);
                Err(no_route(self.token, tried).into())
            }
            Err(error) => Err(error),
        }
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
        let refused = self.token.known().refused.iter().find(|(of, _)| *of == key_type).map(|(_, tried)| tried.clone());
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
        let Brought { object, scheme, sealed, shape: place, tried } = match &self.pending.kek {
            Some(kek) => kek.bring(token, &bytes, &shapes)?,
            None => {
                let mut known = self.token.known();
                let kek = match known.kek.take() {
                    Some(kek) => kek,
                    None => ImportKek::make(token)?,
                };
                known.kek.insert(kek).bring(token, &bytes, &shapes)?
            }
        };
        let remake: Remake<'a> = Box::new(move |id| {
            let shapes = key.shapes(token, Making::Unwrap, &self.attributes(id, true, usage))?;
            let shape = shapes.into_iter().nth(place).unwrap_or_default();
            Ok(sealed.open(token)?.unwrap(&shape)?)
        });
        Ok((Source::new(object, remake), scheme, tried))
    }
}
