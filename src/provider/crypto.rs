//! `NCryptSignHash` and `NCryptVerifySignature`.

use std::sync::PoisonError;

use super::{Error, Key, Ready, State};
use crate::key::rsa::Hash;
use crate::key::{Family, KeyUsage, PublicKey};
use crate::template::attribute::CKA_ALWAYS_AUTHENTICATE;
use crate::token::mechanism::{CKM_ECDSA, CKM_RSA_PKCS, Mechanism};
use crate::token::{self, Pin, SecretString};

/// How a digest is made ready for signing: `BCRYPT_PKCS1_PADDING_INFO`, `BCRYPT_PSS_PADDING_INFO`, or none for ECDSA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Padding {
    /// ECDSA: no padding.
    None,
    /// RSASSA-PKCS1-v1_5; without a hash no `DigestInfo` is put around the digest.
    Pkcs1(Option<Hash>),
    /// RSASSA-PSS with MGF1 over the same hash.
    Pss {
        /// The hash that made the digest.
        hash: Hash,
        /// Salt length in bytes.
        salt_len: usize,
    },
}

impl Key {
    /// Signs a digest: two PKCS#11 calls. ECDSA gives r ‖ s, each as wide as the order.
    ///
    /// # Errors
    /// `NTE_PERM` when the usage forbids it, `NTE_INVALID_PARAMETER` when the padding does not fit the key, what the token says.
    pub fn sign_hash(&self, padding: Padding, digest: &[u8]) -> Result<Vec<u8>, crate::Error> {
        let ready = self.used()?;
        let object = ready.private_object.ok_or_else(|| self.cannot("sign"))?;
        if !ready.usage.contains(KeyUsage::SIGN) {
            return Err(Error::UsageForbids { name: ready.label.clone(), operation: "sign" }.into());
        }
        let (mechanism, data) = self.signing(padding, digest)?;
        let (pin, capacity) = (self.authorization(ready)?, self.signature_length().unwrap_or(0));
        self.told(self.token.sign_as(pin.as_ref(), &mechanism, object, &data, capacity)).map_err(Into::into)
    }

    /// Verifies a signature over a digest, here where there is arithmetic for the key, else on the token.
    ///
    /// # Errors
    /// `NTE_BAD_SIGNATURE` when it is wrong in any way; `NTE_NOT_SUPPORTED` when the key cannot verify.
    pub fn verify_signature(&self, padding: Padding, digest: &[u8], signature: &[u8]) -> Result<(), crate::Error> {
        let ready = self.finalized()?;
        let public = self.public_key()?;
        let (mechanism, data) = self.signing(padding, digest)?;
        let verdict = match (verdict(&public, padding, digest, signature), ready.public_object) {
            (Some(verdict), _) => verdict,
            (None, Some(object)) => self.token.verify(&mechanism, object, &data, signature)?,
            (None, None) => return Err(self.cannot("verify").into()),
        };
        if verdict { Ok(()) } else { Err(Error::BadSignature.into()) }
    }

    /// Bytes of a signature: as long as the modulus, or twice the order of the curve.
    pub fn signature_length(&self) -> Option<usize> {
        match self.algorithm()?.family {
            Family::Rsa => Some(self.bits()?.div_ceil(8) as usize),
            _ => Some(2 * self.order_width()?),
        }
    }

    /// The PIN for the uses of a key that wants one at every use (`SmartCardPin` on a key); with none, the token's own way is taken: what
    /// [`Token::keep_pin_for_uses`](crate::token::Token::keep_pin_for_uses) keeps, or its pad. Before an import is finalized it is what the new key is proven with.
    pub fn set_pin(&mut self, pin: Option<SecretString>) {
        self.held.pin = pin.map(Pin::Secret);
        *self.held.pin_refused.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether each use of the key wants a login of its own (CKA_ALWAYS_AUTHENTICATE).
    pub fn always_authenticates(&self) -> bool {
        match &self.state {
            State::Pending(pending) => pending.additions.demands(CKA_ALWAYS_AUTHENTICATE),
            State::Ready(ready) => ready.always_authenticates,
        }
    }

    /// Whether it wants a PIN at every use, and there is none yet: none on the key, none that the token keeps for such keys, and no pad.
    pub fn lacks_pin(&self) -> bool {
        self.always_authenticates() && self.held.pin.is_none() && self.token.pin_for_uses().is_none()
    }

    /// What the next use of the private key is to be told.
    pub(super) fn authorization(&self, ready: &Ready) -> Result<Option<Pin>, crate::Error> {
        if !ready.always_authenticates {
            return Ok(None);
        }
        self.held
            .pin_for_use(&self.token)?
            .map(Some)
            .ok_or_else(|| Error::PinNeeded { name: ready.label.clone() }.into())
    }

    /// Remembers that the token has refused the key's PIN.
    pub(super) fn told<T>(&self, outcome: Result<T, token::Error>) -> Result<T, token::Error> {
        outcome.inspect_err(|error| self.held.note_refusal(error))
    }

    fn order_width(&self) -> Option<usize> {
        Some(self.algorithm()?.curve?.order_width())
    }

    /// The mechanism and the bytes that it signs.
    fn signing(&self, padding: Padding, digest: &[u8]) -> Result<(Mechanism<'static>, Vec<u8>), crate::Error> {
        let family = self.algorithm().map(|algorithm| algorithm.family);
        match (family, padding) {
            (Some(Family::Rsa), Padding::Pkcs1(hash)) => {
                check_digest(hash, digest)?;
                let prefix = hash.map_or(&[][..], Hash::digest_info_prefix);
                Ok((Mechanism::Plain(CKM_RSA_PKCS), [prefix, digest].concat()))
            }
            (Some(Family::Rsa), Padding::Pss { hash, salt_len }) => {
                check_digest(Some(hash), digest)?;
                Ok((Mechanism::Pss { hash, salt_len }, digest.to_vec()))
            }
            (Some(Family::Ecdsa | Family::Ecdh), Padding::None) => {
                // The leftmost bits that fit the order (SEC 1 §4.1.3); not every token cuts a longer digest itself.
                let width = self.order_width().unwrap_or(0);
                Ok((Mechanism::Plain(CKM_ECDSA), digest.get(..width).unwrap_or(digest).to_vec()))
            }
            _ => Err(self.misfit().into()),
        }
    }

    pub(super) fn misfit(&self) -> Error {
        Error::Contradiction { what: format!("this padding does not fit the key `{}`", self.label()) }
    }

    pub(super) fn cannot(&self, operation: &'static str) -> Error {
        Error::Unsupported {
            what: format!("`{}` cannot {operation}: it has no such key object", self.label()),
            ckr: None,
        }
    }
}

/// Refuses a digest that is none of the hash's.
pub(super) fn check_digest(hash: Option<Hash>, digest: &[u8]) -> Result<(), Error> {
    match hash {
        Some(hash) if hash.length() != digest.len() => {
            let what = format!("a {} digest has {} bytes, not {}", hash.name(), hash.length(), digest.len());
            Err(Error::Contradiction { what })
        }
        _ => Ok(()),
    }
}

/// Whether a signature is right, where there is arithmetic for the key here and the padding is one of its own.
pub(super) fn verdict(public: &PublicKey, padding: Padding, digest: &[u8], signature: &[u8]) -> Option<bool> {
    match (public, padding) {
        (PublicKey::Rsa(key), Padding::Pkcs1(hash)) => Some(key.verify_pkcs1(hash, digest, signature)),
        (PublicKey::Rsa(key), Padding::Pss { hash, salt_len }) => {
            Some(key.verify_pss(hash, salt_len, digest, signature))
        }
        (PublicKey::Ec(key), Padding::None) => key.verify(digest, signature),
        (PublicKey::Dsa(key), Padding::None) => key.verify(digest, signature),
        _ => None,
    }
}
