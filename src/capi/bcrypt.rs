//! The functions of `bcrypt.h`.
//!
//! Owns what a handle of BCrypt stands for, the pseudo-handles, which are numbers and not handles, and the token behind keys: the configured one, opened when a key first needs it and
//! kept until the program ends. Hashes and random numbers need none.

mod algorithms;
mod hashes;
mod keys;
mod operations;

use std::sync::{Arc, Mutex, PoisonError};

pub use self::algorithms::*;
pub use self::hashes::*;
pub use self::keys::*;
pub use self::operations::*;
use super::guard::Fault;
use super::handles::{self, Handle};
use super::provider::Provider;
use crate::provider::StorageProvider;
use crate::provider::bcrypt::AlgorithmProvider;

/// The algorithm behind a handle or a pseudo-handle.
fn algorithm_of(handle: Handle) -> Result<Arc<AlgorithmProvider>, Fault> {
    match AlgorithmProvider::pseudo_handle(handle) {
        Some(algorithm) => Ok(Arc::new(algorithm?)),
        None => handles::get(handle),
    }
}

/// The token of keys, logged in.
fn tokens() -> Result<StorageProvider, crate::Error> {
    static PROVIDER: Mutex<Option<Arc<Provider>>> = Mutex::new(None);
    let mut provider = PROVIDER.lock().unwrap_or_else(PoisonError::into_inner);
    let open = match &*provider {
        Some(open) => Arc::clone(open),
        None => Arc::clone(provider.insert(Arc::new(Provider::open(None).map_err(Fault::into_error)?))),
    };
    drop(provider);
    open.scope(false).ready().map_err(Fault::into_error)
}
