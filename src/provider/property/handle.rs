//! What is kept for one handle of a key, and for no other: not on the token, and gone with the handle.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::ChainingMode;
use super::super::Flags;
use super::super::archive::{Archive, Origin};
use super::super::custom::Custom;
use crate::key::ParameterSet;
use crate::token::{self, Pin, Token};

/// The state of a handle besides what is on the token.
#[derive(Debug, Default)]
pub(in crate::provider) struct Held {
    /// Whether it was opened, created or imported with `NCRYPT_MACHINE_KEY_FLAG`.
    pub(in crate::provider) is_machine: bool,
    /// Whether a NIST curve is one among others (`NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG`).
    pub(in crate::provider) is_generic: bool,
    pub(super) window: Option<Vec<u8>>,
    pub(super) use_context: Option<String>,
    pub(super) chaining_mode: Option<ChainingMode>,
    pub(super) iv: Option<Vec<u8>>,
    pub(super) parameter_set: Option<ParameterSet>,
    /// A checked NCRYPT_UI_POLICY_BLOB, of a key that is pending or has no name.
    pub(in crate::provider) ui_policy: Option<Vec<u8>>,
    /// Properties of the caller's own, of a key that is pending or has no name.
    pub(in crate::provider) custom: Custom,
    /// The certificates above that of a key that is not on the token, in DER.
    pub(in crate::provider) chain: Vec<Arc<[u8]>>,
    /// What is said with each use of a key that wants it (`SmartCardPin`).
    pub(in crate::provider) pin: Option<Pin>,
    /// What the token said when it refused it, which it is not told again.
    pub(in crate::provider) pin_refused: Mutex<Option<token::Error>>,
    /// What a key without a name was made of, until it is used.
    pub(in crate::provider) origin: Mutex<Option<Origin>>,
    /// What may leave once.
    pub(in crate::provider) archive: Mutex<Option<Archive>>,
}

impl Held {
    /// What the flags of a call say of the handle that it makes.
    pub(in crate::provider) fn note(&mut self, flags: Flags) {
        self.is_machine |= flags.contains(Flags::MACHINE_KEY);
        self.is_generic |= flags.contains(Flags::TREAT_NIST_AS_GENERIC_ECC);
    }

    /// What the next use of a key is to be told that wants a PIN at every use: the key's, else what the token has for such keys.
    ///
    /// # Errors
    /// What the token said when it refused it.
    pub(in crate::provider) fn pin_for_use(&self, token: &Token) -> Result<Option<Pin>, token::Error> {
        if let Some(refused) = &*self.pin_refused.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(refused.clone());
        }
        Ok(self.pin.clone().or_else(|| token.pin_for_uses()))
    }

    /// Remembers that the token has refused the PIN: three wrong tries lock a card.
    pub(in crate::provider) fn note_refusal(&self, error: &token::Error) {
        if matches!(error, token::Error::Pin { .. }) {
            *self.pin_refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
    }
}
