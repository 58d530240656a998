//! BCrypt on a token: cryptography with keys that nothing outlives.
//!
//! Owns what an application reaches through `bcrypt.h`: algorithm providers ([`AlgorithmProvider`]) with their properties, and the pseudo-handles that stand for some of them;
//! keys ([`BcryptKey`]), which are session objects of the token of a [`StorageProvider`], or public keys that need no token at all; hashes ([`Hashing`]), random numbers and
//! PBKDF2, which never touch one. Opening an algorithm asks for no token either: whoever needs one calls [`Tokens`] then.
//!
//! Errors are the crate's, with [`Status::ntstatus`](crate::Status::ntstatus) as what BCrypt answers; where Windows answers BCrypt callers otherwise than NCrypt callers, the
//! error is [`Error::Primitive`] and holds that status itself. The rules are those of Microsoft's pages of each function, and where they are silent what Wine's conformance
//! tests saw of Windows.
//!
//! Differences that are meant: a secret that is longer than the longest key is refused and not cut; `hImportKey` and `hExportKey` work for everything that the storage
//! provider wraps, not for `Rfc3565KeyWrapBlob` alone; private keys whose numbers contradict each other are refused. Keys may leave in the clear, as they may on Windows,
//! unless the token makes none that may.

mod agreement;
mod algorithm;
mod blobs;
mod cipher;
mod export;
mod hash;
mod import;
mod key;
mod property;
mod pseudo;
mod random;
mod signature;

pub use self::algorithm::{AlgorithmIdentifier, AlgorithmProvider, flags};
pub use self::cipher::EncryptionPadding;
pub use self::hash::Hashing;
pub use self::key::BcryptKey;
pub use self::property::{KeyLengths, Value, names};
pub use self::random::{derive_key_pbkdf2, gen_random};
pub use self::signature::{SignaturePadding, hash_by_name};

use super::{Error, StorageProvider};
use crate::status::Status;

/// Where the token comes from, once one is needed.
pub type Tokens<'a> = dyn Fn() -> Result<StorageProvider, crate::Error> + 'a;

fn refused(status: Status, what: impl Into<String>) -> crate::Error {
    Error::Primitive { what: what.into(), status }.into()
}

fn invalid(what: impl Into<String>) -> crate::Error {
    refused(Status::STATUS_INVALID_PARAMETER, what)
}

fn unsupported(what: impl Into<String>) -> crate::Error {
    refused(Status::STATUS_NOT_SUPPORTED, what)
}

/// Refuses flags that a call does not know: BCrypt has no status of its own for them.
fn only(flags: u32, allowed: u32) -> Result<(), crate::Error> {
    match flags & !allowed {
        0 => Ok(()),
        unknown => Err(invalid(format!("the flags 0x{unknown:X} are not known to this call"))),
    }
}
