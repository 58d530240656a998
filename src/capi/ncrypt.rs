//! The functions of `ncrypt.h`.
//!
//! Owns what a handle of NCrypt stands for, and the mapping of each function to the safe layer. Keys are behind a lock: uses go side by side, changes wait.

mod keys;
mod operations;
mod properties;
mod providers;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use self::keys::*;
pub use self::operations::*;
pub use self::properties::*;
pub(super) use self::properties::{UiPolicyForm, property_of, set_property_of};
pub use self::providers::*;
use super::guard::Fault;
use super::handles::{self, Handle};
use super::provider::Provider;
use crate::provider::{Agreement, Flags, Key, StorageProvider};
use crate::status::Status;

/// What a key handle stands for.
pub(super) struct KeyObject {
    key: RwLock<Key>,
    provider: Arc<Provider>,
    /// The token of the key.
    storage: StorageProvider,
}

impl KeyObject {
    fn read(&self) -> RwLockReadGuard<'_, Key> {
        // A change that a panic cut short leaves a key that its next use reports on.
        self.key.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with two keys, which may be one. Both locks are taken in the order of their addresses: were it the order of the call, two calls might wait for each other.
    fn with_both<R>(one: &Self, other: &Self, work: impl FnOnce(&Key, &Key) -> R) -> R {
        if std::ptr::eq(one, other) {
            let key = one.read();
            return work(&key, &key);
        }
        let is_first = std::ptr::from_ref(one) < std::ptr::from_ref(other);
        let (low, high) = if is_first { (one, other) } else { (other, one) };
        let (low, high) = (low.read(), high.read());
        if is_first { work(&low, &high) } else { work(&high, &low) }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Key> {
        self.key.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a secret handle stands for.
pub(super) struct SecretObject {
    agreement: Agreement,
}

/// A handle for a key.
fn handle_of(key: Key, provider: Arc<Provider>, storage: StorageProvider) -> Result<Handle, Fault> {
    handles::insert(Arc::new(KeyObject { key: RwLock::new(key), provider, storage }))
}

/// The token that a call means, logged in.
fn storage_of(provider: &Provider, flags: Flags) -> Result<StorageProvider, Fault> {
    provider.scope(flags.contains(Flags::MACHINE_KEY)).ready()
}

/// `dwLegacyKeySpec`: none, or one of the two that CryptoAPI had. It means nothing here.
fn check_legacy_key_spec(spec: u32) -> Result<(), Fault> {
    // AT_KEYEXCHANGE, AT_SIGNATURE
    if matches!(spec, 0..=2) {
        Ok(())
    } else {
        Err(Fault::Call(
            Status::NTE_INVALID_PARAMETER,
            "dwLegacyKeySpec is neither 0 nor AT_KEYEXCHANGE nor AT_SIGNATURE",
        ))
    }
}
