//! `NCryptSecretAgreement` and `NCryptDeriveKey`: what two keys on one curve share, and what is made of it.
//!
//! The token agrees (CKM_ECDH1_DERIVE without a function of its own) and shows the secret in a session object that lives for that call alone; the functions of CNG then run here
//! ([`kdf`](super::kdf)), since no token has them as CNG has them. So a secret can outlive both keys and the provider. Refused: a private key whose usage is no agreement, keys of two
//! kinds or on two curves, and a public key that is no point of its curve or shares the same secret with everybody.

use subtle::ConstantTimeEq;

use super::{Buffer, Error, Key, StorageProvider, kdf, proof};
use crate::key::{Consistency, Curve, KeyUsage, PublicKey, ec};
use crate::secret::SecretBytes;
use crate::template::attribute::{CKA_VALUE_LEN, CKK_GENERIC_SECRET};
use crate::token::mechanism::Mechanism;

/// A secret that two keys share (`NCRYPT_SECRET_HANDLE`).
#[derive(Clone, Debug)]
pub struct Agreement {
    /// As wide as the field, as PKCS#11 and the standards of the curves write it.
    secret: SecretBytes,
    curve: &'static Curve,
}

impl StorageProvider {
    /// Agrees on a secret with the owner of a public key. The two keys may be the two halves of any two pairs on one curve.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` before finalize, `NTE_PERM` when the usage forbids it, `NTE_INVALID_PARAMETER` for keys that do not go together, `NTE_NOT_SUPPORTED` where the token does not
    /// agree or does not show the secret.
    pub fn secret_agreement(&self, private: &Key, public: &Key) -> Result<Agreement, crate::Error> {
        let peer = peer(public)?;
        let ready = private.used()?;
        let curve = private.algorithm().and_then(|algorithm| algorithm.curve).ok_or_else(|| no_agreement(private))?;
        if curve != peer.curve() {
            let what = format!("the keys are on two curves: {} and {}", curve.name, peer.curve().name);
            return Err(Error::Contradiction { what }.into());
        }
        if !ready.usage.contains(KeyUsage::AGREE) {
            return Err(Error::UsageForbids { name: ready.label.clone(), operation: "agree" }.into());
        }
        if peer.consistency() != Consistency::Checked {
            let what = format!("the public key is no point on {} that can be agreed with", curve.name);
            return Err(Error::Contradiction { what }.into());
        }
        let object = ready.private_object.ok_or_else(|| private.cannot("agree"))?;
        let width = curve.width();
        let template = proof::readable_secret(CKK_GENERIC_SECRET).ulong(CKA_VALUE_LEN, width as u64);
        // Few tokens ask at a derivation, so a missing PIN is the token's to complain of.
        let pin = private.authorization(ready).unwrap_or_default();
        let point = peer.to_point();
        let mechanism = Mechanism::Ecdh1(&point);
        let shown = private.told(private.token.derive_value_as(pin.as_ref(), &mechanism, object, &template, width))?;
        let unseen = || {
            let what = format!("token `{}` does not show what it agreed on", private.token.info().label);
            Error::Unsupported { what, ckr: None }
        };
        // Some tokens leave zero bytes in front away.
        let affine = curve.form.is_affine();
        let secret = shown.ok_or_else(unseen)?;
        let secret = if affine { SecretBytes::left_padded(&secret, width) } else { Some(secret) };
        let secret = secret.filter(|secret| secret.len() == width).ok_or_else(unseen)?;
        // Of other curves zero is an x-coordinate like any other.
        if !affine && bool::from(secret.ct_eq(&SecretBytes::zeroed(width))) {
            let what = "the public key shares the same secret with everybody".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        Ok(Agreement { secret, curve })
    }
}

impl Agreement {
    /// Makes a key of the secret (`NCryptDeriveKey`), by one of [`kdf::NAMES`]. `length` is what there is room for; without one it is what the function gives.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a function or a hash that is not known, `NTE_INVALID_PARAMETER` for buffers that it does not have or a missing one, `NTE_BAD_FLAGS`.
    pub fn derive(
        &self,
        kdf: &str,
        buffers: &[Buffer<'_>],
        flags: u32,
        length: Option<usize>,
    ) -> Result<SecretBytes, crate::Error> {
        kdf::derive(&self.secret, kdf, buffers, flags, length)
    }

    /// The curve of both keys.
    pub fn curve(&self) -> &'static Curve {
        self.curve
    }
}

/// The point of a key that can be agreed with.
fn peer(key: &Key) -> Result<ec::PublicKey, crate::Error> {
    key.finalized()?;
    let agrees = key.usage().contains(KeyUsage::AGREE);
    match key.public_key()? {
        PublicKey::Ec(public) if agrees => Ok(public),
        _ => Err(no_agreement(key).into()),
    }
}

fn no_agreement(key: &Key) -> Error {
    Error::Contradiction { what: format!("the key `{}` is none to agree with", key.label()) }
}
