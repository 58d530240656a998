//! `BCryptSecretAgreement`. What it gives outlives the keys; `BCryptDeriveKey` is [`Agreement::derive`].

use super::key::Material;
use super::{BcryptKey, invalid, unsupported};
use crate::key::{Algorithm, Family, PublicKey};
use crate::provider::{Agreement, StorageProvider};

impl BcryptKey {
    /// Agrees on a secret with the owner of another key, on the token.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` before either is finalized; `STATUS_INVALID_PARAMETER` for a private key that is none, and for keys on two curves; `STATUS_NOT_SUPPORTED` for keys
    /// that are for something else, and where the token does not agree; what it says.
    pub fn secret_agreement(&self, public: &Self) -> Result<Agreement, crate::Error> {
        let (own, other) = (self.material()?, public.material()?);
        for key in [self, public] {
            if key.row().family() != Some(Family::Ecdh) {
                return Err(unsupported(format!("keys of {} agree on nothing here", key.id())));
            }
        }
        let Material::Token(own) = &*own else { return Err(invalid("a public key agrees on nothing")) };
        let provider = StorageProvider::on(own.token.clone());
        match &*other {
            Material::Token(other) => provider.secret_agreement(own, other),
            Material::Public(key @ PublicKey::Ec(point)) => {
                let algorithm = Algorithm::elliptic(Family::Ecdh, point.curve());
                provider.secret_agreement(own, &provider.public_key(algorithm, key.clone()))
            }
            Material::Public(_) => Err(invalid("the public key is on no curve")),
        }
    }
}
