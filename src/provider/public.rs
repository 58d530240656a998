//! Public keys, which need no token: they are never persisted.

use super::import::check_algorithm;
use super::{Error, Key, Ready, State, StorageProvider};
use crate::format;
use crate::key::{Algorithm, ExportPolicy, KeyMaterial, PublicKey};

impl StorageProvider {
    /// A public key out of a file, with its certificate if it came in one. It needs no token and is never persisted; it wraps, and verifies.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a key that is not public, or of a kind that no token has.
    pub fn import_public(&self, entry: format::Entry) -> Result<Key, crate::Error> {
        check_algorithm(entry.decoded.algorithm)?;
        let KeyMaterial::Public(public) = entry.decoded.key else {
            let what = "the file holds a private or secret key, not a public one".to_owned();
            return Err(Error::Unsupported { what, ckr: None }.into());
        };
        let mut key = self.public_key(entry.decoded.algorithm, public);
        if let State::Ready(ready) = &mut key.state {
            ready.certificate = entry.certificates.into_iter().next();
            ready.label = entry.name.unwrap_or_default();
        }
        Ok(key)
    }

    /// A public key, which needs no token: it is never persisted.
    pub(super) fn public_key(&self, algorithm: Algorithm, public: PublicKey) -> Key {
        Key::ready(
            self.shared_token(),
            Ready {
                name: None,
                label: String::new(),
                id: Vec::new(),
                algorithm: Some(algorithm),
                policy: ExportPolicy::NONE,
                usage: algorithm.family.default_usage(),
                bits: Some(public.bits()),
                public: Some(public),
                private_object: None,
                public_object: None,
                secret_object: None,
                certificate_object: None,
                certificate: None,
                ephemeral: true,
                hidden: false,
                stands_on: None,
                outcome: None,
                always_authenticates: false,
            },
        )
    }
}
