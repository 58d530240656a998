//! A wrapped key on the way in: unwrapped into objects, as often as need be, and what can be told of it then.

use super::Scheme;
use super::error::Error;
use super::open::concealed;
use super::seal::{Ephemeral, not_had};
use super::temporary::Temporary;
use crate::key::rsa::Hash;
use crate::key::{ExportPolicy, SymmetricAlgorithm};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::put::PrivateKind;
use crate::template::shape;
use crate::template::temporary::{self, Rights, foreign_private, secret};
use crate::token::mechanism::Mechanism;
use crate::token::{self, Handle, Token, refusal};

/// A wrapped key that can be unwrapped, several times if need be.
pub(crate) struct Opening<'t> {
    token: &'t Token,
    scheme: Scheme,
    kek: Handle,
    /// Each in turn, until one opens it.
    mechanisms: Vec<Mechanism<'t>>,
    bytes: &'t [u8],
    /// The key that `kek` is, where it lives for this opening only.
    held: Option<Temporary<'t>>,
    /// Whether all that can be wrong is one error.
    conceals: bool,
}

impl<'t> Opening<'t> {
    pub(super) fn new(
        token: &'t Token,
        scheme: Scheme,
        kek: Handle,
        mechanisms: Vec<Mechanism<'t>>,
        bytes: &'t [u8],
    ) -> Self {
        Self { token, scheme, kek, mechanisms, bytes, held: None, conceals: false }
    }

    /// Whether all that can be wrong is one error.
    pub(super) fn concealing(self, conceals: bool) -> Self {
        Self { conceals, ..self }
    }

    /// With the key that opens it, which nobody else keeps.
    pub(super) fn holding(self, key: Temporary<'t>) -> Self {
        Self { held: Some(key), ..self }
    }
}

impl Opening<'_> {
    /// Unwraps into an object.
    ///
    /// # Errors
    /// [`Error`] as the token answers; a mechanism or a parameter that it does not have is named.
    pub(crate) fn unwrap(&self, template: &Template) -> Result<Handle, Error> {
        self.try_unwrap(template).map_err(|error| self.say(error))
    }

    fn say(&self, error: Error) -> Error {
        match error {
            error if !self.conceals => error,
            // Refused with the key that an RSA decryption has opened: that it did is told by nothing.
            Error::Mechanism { .. } if self.held.is_some() => Error::Integrity,
            error => concealed(error),
        }
    }

    fn try_unwrap(&self, template: &Template) -> Result<Handle, Error> {
        let fitted = shape::with_any_point(template, self.token.profile());
        let template = fitted.as_ref().unwrap_or(template);
        let shapes = shape::shapes_of_wrapped(template, self.token.profile());
        let mut first = None;
        for mechanism in &self.mechanisms {
            match self.unwrap_in_shape(mechanism, &shapes) {
                Ok(object) => return Ok(object),
                Err(error) => {
                    let goes_on =
                        error.ckr().is_some_and(|ckr| refusal::is_about_kind(ckr) || refusal::is_about_parameters(ckr));
                    let error = not_had(self.token, self.scheme, mechanism, error);
                    if !goes_on {
                        return Err(error);
                    }
                    // That a hash is not to be had says less than that the data is wrong.
                    if first.as_ref().is_none_or(|first| matches!(first, Error::Oaep { .. })) {
                        first = Some(error);
                    }
                }
            }
        }
        Err(first.unwrap_or_else(|| Error::Unsuitable { scheme: self.scheme.name(), key: "a key without a mechanism" }))
    }

    /// Unwraps into the first of the templates that is not refused for its shape; of several refusals the first.
    fn unwrap_in_shape(&self, mechanism: &Mechanism<'_>, shapes: &[Template]) -> Result<Handle, token::Error> {
        let unwrap = |shape: &Template| self.token.unwrap_key(mechanism, self.kek, self.bytes, shape);
        let mut first = None;
        for shape in shapes {
            match unwrap(shape) {
                Err(error) if error.ckr().is_some_and(refusal::is_about_shape) => {
                    first.get_or_insert(error);
                }
                outcome => return outcome,
            }
        }
        match first {
            Some(error) => Err(error),
            None => unwrap(&Template::new()),
        }
    }

    /// Unwraps a PKCS#8 whose kind is not known: `shell` makes the template for each kind in turn. Only session objects are ever tried.
    ///
    /// # Errors
    /// [`Error::Unwrap`] with what the token said to the first try.
    pub(crate) fn unwrap_private(
        &self,
        kinds: &[PrivateKind],
        shell: impl Fn(PrivateKind) -> Template,
    ) -> Result<(PrivateKind, Handle), Error> {
        self.try_private(kinds, shell).map_err(|error| self.say(error))
    }

    fn try_private(
        &self,
        kinds: &[PrivateKind],
        shell: impl Fn(PrivateKind) -> Template,
    ) -> Result<(PrivateKind, Handle), Error> {
        let mut first: Option<token::Error> = None;
        for kind in kinds {
            match self.try_unwrap(&shell(*kind)) {
                Ok(object) => return Ok((*kind, object)),
                Err(Error::Token(error)) if error.ckr().is_some_and(refusal::is_about_kind) => {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let tried = kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(", ");
        match first {
            Some(source) => Err(Error::Unwrap { tried: format!("tried as {tried}"), source }),
            None => Err(Error::Unsuitable { scheme: self.scheme.name(), key: "a key of no kind" }),
        }
    }

    /// Whether the token takes what is wrapped for a private key.
    ///
    /// # Errors
    /// As the token answers, if not about what is wrapped.
    pub(crate) fn holds_private(&self) -> Result<bool, Error> {
        let shell = |kind| temporary::private(kind, ExportPolicy::NONE);
        match self.try_private(&PrivateKind::ALL, shell) {
            Ok((_, object)) => return self.token.destroy(object).map(|()| true).map_err(Error::from),
            Err(Error::Unwrap { .. }) => {}
            Err(error) => return Err(self.say(error)),
        }
        // Of kinds that a token may not have, the error says nothing.
        for template in foreign_private() {
            match self.try_unwrap(&template) {
                Ok(object) => {
                    drop(Temporary::new(self.token, object));
                    return Ok(true);
                }
                Err(error) if error.ckr().is_some_and(refusal::is_about_session) => return Err(self.say(error)),
                Err(_) => {}
            }
        }
        Ok(false)
    }

    /// The wrapped private key as an object that leaves wrapped, and does nothing else; and its kind.
    ///
    /// # Errors
    /// As [`Opening::unwrap_private`].
    pub(crate) fn private_passenger(&self, kinds: &[PrivateKind]) -> Result<(PrivateKind, Temporary<'_>), Error> {
        let template = |kind| temporary::private(kind, ExportPolicy::ENCRYPTED);
        let (kind, object) = self.unwrap_private(kinds, template)?;
        Ok((kind, Temporary::new(self.token, object)))
    }

    /// The scheme and, of RSA-OAEP, the hashes that are tried, for messages.
    pub(crate) fn describe(&self) -> String {
        let hash = |mechanism: &Mechanism<'_>| match mechanism {
            Mechanism::Oaep { hash, .. } | Mechanism::RsaAes { hash, .. } => Some(*hash),
            _ => None,
        };
        let hashes: Vec<Hash> = self.mechanisms.iter().filter_map(hash).collect();
        if hashes.is_empty() {
            self.scheme.name().to_owned()
        } else {
            format!("{} with {}", self.scheme.name(), names(&hashes))
        }
    }

    /// Bits of the wrapped symmetric key, where its size can be known: some tokens forget how long a key is that they unwrapped, and what wrapping it once more
    /// shows may be up to seven bytes too many. A size that the algorithm does not have is refused: some tokens unwrap bytes of any number as an AES key.
    ///
    /// # Errors
    /// [`Error::Length`], and as the token answers.
    pub(crate) fn secret_bits(&self, algorithm: SymmetricAlgorithm, told: Option<u32>) -> Result<Option<u32>, Error> {
        let key = self.passenger(algorithm, told)?;
        let measured = secret_len(self.token, key.handle, algorithm).map_err(|error| self.say(error))?;
        let Some((len, is_exact)) = measured else { return Ok(None) };
        let shortest = if is_exact { len } else { len.saturating_sub(7) };
        if !(shortest..=len).any(|len| algorithm.accepts(len)) {
            let expected = "the key inside has a size that the algorithm does not have";
            return Err(self.say(Error::Length { scheme: self.scheme.name(), len, expected }));
        }
        Ok(u32::try_from(len * 8).ok().filter(|_| is_exact))
    }

    /// The wrapped symmetric key as an object that leaves wrapped, and does nothing else. `told` is its size, as far as it is known before.
    pub(crate) fn passenger(&self, algorithm: SymmetricAlgorithm, told: Option<u32>) -> Result<Temporary<'_>, Error> {
        let bare = secret(algorithm, Rights { extractable: true, ..Rights::default() });
        let handle = self.unwrap(&shape::with_length(bare, told, self.token.profile()))?;
        Ok(Temporary::new(self.token, handle))
    }
}

/// Bytes of a symmetric key that may leave wrapped, as the token tells, or by wrapping it under a key that nobody keeps; and whether that is exact. `None` where
/// the token does neither: p11-kit 0.24 carries no mechanism that wraps under an AES key.
pub(crate) fn secret_len(
    token: &Token,
    key: Handle,
    algorithm: SymmetricAlgorithm,
) -> Result<Option<(usize, bool)>, Error> {
    if let Some(bits) = token.read(key)?.secret_bits {
        return Ok(Some((bits as usize / 8, true)));
    }
    let ephemeral = Ephemeral::resident(token)?;
    match ephemeral.wrap(Scheme::Kw, key, MAX_COMPARED) {
        Ok(wrapped) => {
            let is_exact = !token.profile().zero_pads || algorithm != SymmetricAlgorithm::Hmac;
            Ok(Some((wrapped.len().saturating_sub(8), is_exact)))
        }
        Err(Error::Mechanism { .. }) => Ok(None),
        // Too short for RFC 3394, or no whole number of blocks.
        Err(Error::DoesNotFit { .. }) => match ephemeral.wrap(Scheme::Kwp, key, MAX_COMPARED) {
            Ok(wrapped) => Ok(Some((wrapped.len().saturating_sub(8), false))),
            Err(Error::Mechanism { .. }) => Ok(None),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Which of the keys on the token are the one that was unwrapped, by their places: each is wrapped under a key that nobody keeps, so that the same becomes
/// the same. One that may not be wrapped is none of them, as far as can be told.
pub(crate) fn same_keys(token: &Token, unwrapped: Handle, held: &[Handle]) -> Result<Vec<usize>, Error> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let ephemeral = Ephemeral::resident(token)?;
    let image = ephemeral.image(unwrapped, MAX_COMPARED)?;
    let mut same = Vec::new();
    for (at, handle) in held.iter().enumerate() {
        match ephemeral.image(*handle, MAX_COMPARED) {
            Ok(other) if other == image => same.push(at),
            Ok(_) => {}
            Err(error) if error.ckr().is_some_and(stays) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(same)
}

/// Return values of a key that may not be wrapped so, or that another program has deleted.
fn stays(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::KEY_UNEXTRACTABLE
            | Ckr::KEY_NOT_WRAPPABLE
            | Ckr::KEY_HANDLE_INVALID
            | Ckr::OBJECT_HANDLE_INVALID
            // Kryoptic's answer to a key that only trusted keys wrap: the wrapping key has just wrapped another one.
            | Ckr::WRAPPING_KEY_HANDLE_INVALID
    )
}

/// Room for a symmetric key, or an elliptic private key, under KWP; what is longer takes one more call.
const MAX_COMPARED: usize = 512;

pub(super) fn names(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| hash.name()).collect::<Vec<_>>().join(", ")
}
