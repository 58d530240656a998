//! Keys that travel wrapped: which scheme, and the calls on the token that do it.
//!
//! Owns the mapping from a [`Scheme`] to this token's mechanism, the capacity a wrapped key needs, and the finding-out of what kind of
//! private key is inside a wrapped PKCS#8. The key in the clear never reaches the host on these paths; [`kw`] is the same in software, for
//! proofs, and for callers who hold the wrapping key themselves.

pub mod kw;

use crate::key::PublicKey;
use crate::status::{Ckr, Status};
use crate::template::Template;
use crate::template::put::PrivateKind;
use crate::token::mechanism::{CK_MECHANISM_TYPE, CKM_AES_KEY_WRAP, Mechanism};
use crate::token::{self, Handle, Token};

/// How a key is wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scheme {
    /// AES key wrap (RFC 3394), the bare key: what `Rfc3565KeyWrapBlob` is.
    Kw,
    /// AES key wrap with padding (RFC 5649).
    Kwp,
}

impl Scheme {
    const ALL: [Self; 2] = [Self::Kw, Self::Kwp];

    /// Finds a scheme by its word on the command line.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kw => "kw",
            Self::Kwp => "kwp",
        }
    }

    /// The mechanism that is this scheme on this token.
    fn mechanism(self, token: &Token) -> CK_MECHANISM_TYPE {
        match self {
            Self::Kw => CKM_AES_KEY_WRAP,
            Self::Kwp => token.profile().kwp,
        }
    }
}

/// Why a key cannot be wrapped or unwrapped.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token does not have the scheme's mechanism.
    #[error("token `{token}` has no mechanism for the scheme {scheme} (0x{mechanism:X})")]
    Mechanism {
        /// The scheme.
        scheme: &'static str,
        /// The mechanism that was looked for.
        mechanism: u64,
        /// The token's label.
        token: String,
    },
    /// The scheme cannot carry this kind of key.
    #[error("the scheme {scheme} does not carry {key}")]
    Unsuitable {
        /// The scheme.
        scheme: &'static str,
        /// The kind of key.
        key: &'static str,
    },
    /// The token could not unwrap.
    #[error("the wrapped key cannot be unwrapped ({tried}): {source}")]
    Unwrap {
        /// As what it was tried.
        tried: String,
        /// What the token said to the first try.
        source: token::Error,
    },
    /// Not wrapped under this key, or damaged.
    #[error("the integrity check of the wrapped key fails: it was wrapped under another key, or it is damaged")]
    Integrity,
    /// The length is impossible.
    #[error("{len} bytes are not the output of {scheme}: {expected}")]
    Length {
        /// The scheme.
        scheme: &'static str,
        /// The length.
        len: usize,
        /// What it may be.
        expected: &'static str,
    },
    /// As the token answers.
    #[error(transparent)]
    Token(#[from] token::Error),
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Mechanism { .. } => Status::NTE_NOT_SUPPORTED,
            Self::Unsuitable { .. } => Status::NTE_BAD_TYPE,
            Self::Unwrap { source, .. } if source.ckr().is_some_and(is_about_the_data) => Status::NTE_BAD_DATA,
            Self::Unwrap { source, .. } | Self::Token(source) => source.status(),
            Self::Integrity | Self::Length { .. } => Status::NTE_BAD_DATA,
        }
    }

    /// What the token said.
    pub fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::Unwrap { source, .. } | Self::Token(source) => source.ckr(),
            _ => None,
        }
    }
}

/// Return values by which tokens say that the wrapped data is wrong; SoftHSM answers CKR_GENERAL_ERROR to a failed integrity check and
/// CKR_FUNCTION_FAILED to a PKCS#8 of another kind.
fn is_about_the_data(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::GENERAL_ERROR
            | Ckr::FUNCTION_FAILED
            | Ckr::DEVICE_ERROR
            | Ckr::WRAPPED_KEY_INVALID
            | Ckr::WRAPPED_KEY_LEN_RANGE
            | Ckr::ENCRYPTED_DATA_INVALID
    )
}

/// Wraps `key` under `kek`: one call.
///
/// # Errors
/// [`Error`] as the token answers; a mechanism that it does not have is named.
pub fn wrap(token: &Token, scheme: Scheme, kek: Handle, key: Handle, capacity: usize) -> Result<Vec<u8>, Error> {
    let mechanism = scheme.mechanism(token);
    token.wrap(&Mechanism::Plain(mechanism), kek, key, capacity).map_err(|error| named(token, scheme, error))
}

/// Unwraps into an object.
///
/// # Errors
/// [`Error`] as the token answers; a mechanism that it does not have is named.
pub fn unwrap(
    token: &Token,
    scheme: Scheme,
    kek: Handle,
    wrapped: &[u8],
    template: &Template,
) -> Result<Handle, Error> {
    let mechanism = scheme.mechanism(token);
    token.unwrap_key(&Mechanism::Plain(mechanism), kek, wrapped, template).map_err(|error| named(token, scheme, error))
}

/// Unwraps a PKCS#8 whose kind is not known: `shell` makes the template for each kind in turn. Only session objects are ever tried.
///
/// # Errors
/// [`Error::Unwrap`] with what the token said to the first try.
pub fn unwrap_private(
    token: &Token,
    scheme: Scheme,
    kek: Handle,
    wrapped: &[u8],
    kinds: &[PrivateKind],
    shell: impl Fn(PrivateKind) -> Template,
) -> Result<(PrivateKind, Handle), Error> {
    let mut first = None;
    for kind in kinds {
        match unwrap(token, scheme, kek, wrapped, &shell(*kind)) {
            Ok(object) => return Ok((*kind, object)),
            Err(Error::Token(error)) if error.ckr().is_some_and(may_be_another_kind) => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let tried = kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(", ");
    match first {
        Some(source) => Err(Error::Unwrap { tried: format!("tried as {tried}"), source }),
        None => Err(Error::Unsuitable { scheme: scheme.name(), key: "a key of no kind" }),
    }
}

/// Return values after which another kind of key is worth a try. Wrong PIN, full, or removed are not among them.
fn may_be_another_kind(ckr: Ckr) -> bool {
    is_about_the_data(ckr)
        || matches!(
            ckr,
            Ckr::TEMPLATE_INCOMPLETE
                | Ckr::TEMPLATE_INCONSISTENT
                | Ckr::ATTRIBUTE_VALUE_INVALID
                | Ckr::KEY_TYPE_INCONSISTENT
        )
}

/// Bytes that hold any wrapped PKCS#8 of a key: twice the numbers of an RSA key and a half, or three field widths, and the DER around them.
pub fn private_capacity(public: Option<&PublicKey>, bits: u32) -> usize {
    let width = bits.div_ceil(8) as usize;
    match public {
        Some(PublicKey::Rsa(_)) => width * 9 / 2 + 512,
        Some(_) | None => width * 3 + 256,
    }
}

fn named(token: &Token, scheme: Scheme, error: token::Error) -> Error {
    match error.ckr() {
        Some(Ckr::MECHANISM_INVALID) => Error::Mechanism {
            scheme: scheme.name(),
            mechanism: scheme.mechanism(token),
            token: token.info().label.clone(),
        },
        _ => Error::Token(error),
    }
}
