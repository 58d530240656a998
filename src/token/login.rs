//! PINs: where they come from and what their refusal means.
//!
//! A PIN is a `secrecy::SecretString` from the moment it is read; it never stands in a log or an error. A refused PIN is never
//! tried again by itself: three tries lock a card.

use secrecy::{ExposeSecret, SecretString};

use crate::status::Ckr;

/// Who logs in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum User {
    /// The one who uses keys, and on nearly every token puts them there.
    #[default]
    User,
    /// The security officer: on a card under an administrator the one who puts keys there, and may use none.
    SecurityOfficer,
}

impl User {
    /// As C_Login takes it.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::User => cryptoki_sys::CKU_USER,
            Self::SecurityOfficer => cryptoki_sys::CKU_SO,
        }
    }
}

/// What a login uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Pin {
    /// The token asks on a pad of its own (CKF_PROTECTED_AUTHENTICATION_PATH).
    ProtectedPath,
    /// A PIN.
    Secret(SecretString),
}

impl Pin {
    /// As C_Login takes it: nothing where the token asks.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Secret(secret) => Some(secret.expose_secret()),
            Self::ProtectedPath => None,
        }
    }
}

impl From<SecretString> for Pin {
    fn from(pin: SecretString) -> Self {
        Self::Secret(pin)
    }
}

/// Whether a return value of C_Login is about the PIN.
pub(super) fn is_pin_failure(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::PIN_INCORRECT
            | Ckr::PIN_LOCKED
            | Ckr::PIN_LEN_RANGE
            | Ckr::PIN_INVALID
            | Ckr::PIN_EXPIRED
            | Ckr::USER_PIN_NOT_INITIALIZED
    )
}
