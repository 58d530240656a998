//! `BCryptCreateHash` and its kin: MD5, SHA-1, SHA-2 and HMAC with them, here and not on the token.
//!
//! A secret of HMAC is the caller's, in the caller's memory; the state that holds it is wiped. A hash that is finished takes no more (`STATUS_INVALID_HANDLE`) unless it was
//! made reusable, by its own flag or by that of its algorithm: then it begins anew, with the same secret.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

use super::algorithm::{flags, hash_property};
use super::property::{Value, names};
use super::{AlgorithmProvider, invalid, only, refused, unsupported};
use crate::key::rsa::Hash;
use crate::secret::SecretBytes;
use crate::status::Status;

/// A hash function. MD5 is had for what it still names; nothing is signed with it here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Function {
    Md5,
    Sha(Hash),
}

impl Function {
    /// Bytes of the digest.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha(hash) => hash.length(),
        }
    }

    /// Bytes of a block.
    pub(super) fn block(self) -> u32 {
        match self {
            Self::Md5 | Self::Sha(Hash::Sha1 | Hash::Sha256) => 64,
            Self::Sha(Hash::Sha384 | Hash::Sha512) => 128,
        }
    }
}

/// One computation, of whichever kind.
#[derive(Clone)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    HmacMd5(Hmac<md5::Md5>),
    HmacSha1(Hmac<sha1::Sha1>),
    HmacSha256(Hmac<sha2::Sha256>),
    HmacSha384(Hmac<sha2::Sha384>),
    HmacSha512(Hmac<sha2::Sha512>),
}

impl State {
    fn new(function: Function, secret: Option<&[u8]>) -> Result<Self, crate::Error> {
        fn keyed<M: KeyInit>(secret: &[u8]) -> Result<M, crate::Error> {
            // HMAC takes keys of any length.
            M::new_from_slice(secret).map_err(|_| invalid("the secret has a length that HMAC does not take"))
        }
        Ok(match (function, secret) {
            (Function::Md5, None) => Self::Md5(Digest::new()),
            (Function::Sha(Hash::Sha1), None) => Self::Sha1(Digest::new()),
            (Function::Sha(Hash::Sha256), None) => Self::Sha256(Digest::new()),
            (Function::Sha(Hash::Sha384), None) => Self::Sha384(Digest::new()),
            (Function::Sha(Hash::Sha512), None) => Self::Sha512(Digest::new()),
            (Function::Md5, Some(secret)) => Self::HmacMd5(keyed(secret)?),
            (Function::Sha(Hash::Sha1), Some(secret)) => Self::HmacSha1(keyed(secret)?),
            (Function::Sha(Hash::Sha256), Some(secret)) => Self::HmacSha256(keyed(secret)?),
            (Function::Sha(Hash::Sha384), Some(secret)) => Self::HmacSha384(keyed(secret)?),
            (Function::Sha(Hash::Sha512), Some(secret)) => Self::HmacSha512(keyed(secret)?),
        })
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Self::Md5(state) => Digest::update(state, data),
            Self::Sha1(state) => Digest::update(state, data),
            Self::Sha256(state) => Digest::update(state, data),
            Self::Sha384(state) => Digest::update(state, data),
            Self::Sha512(state) => Digest::update(state, data),
            Self::HmacMd5(state) => Mac::update(state, data),
            Self::HmacSha1(state) => Mac::update(state, data),
            Self::HmacSha256(state) => Mac::update(state, data),
            Self::HmacSha384(state) => Mac::update(state, data),
            Self::HmacSha512(state) => Mac::update(state, data),
        }
    }

    fn finish(self) -> SecretBytes {
        match self {
            Self::Md5(state) => SecretBytes::from(&Digest::finalize(state)[..]),
            Self::Sha1(state) => SecretBytes::from(&Digest::finalize(state)[..]),
            Self::Sha256(state) => SecretBytes::from(&Digest::finalize(state)[..]),
            Self::Sha384(state) => SecretBytes::from(&Digest::finalize(state)[..]),
            Self::Sha512(state) => SecretBytes::from(&Digest::finalize(state)[..]),
            Self::HmacMd5(state) => SecretBytes::from(&Mac::finalize(state).into_bytes()[..]),
            Self::HmacSha1(state) => SecretBytes::from(&Mac::finalize(state).into_bytes()[..]),
            Self::HmacSha256(state) => SecretBytes::from(&Mac::finalize(state).into_bytes()[..]),
            Self::HmacSha384(state) => SecretBytes::from(&Mac::finalize(state).into_bytes()[..]),
            Self::HmacSha512(state) => SecretBytes::from(&Mac::finalize(state).into_bytes()[..]),
        }
    }
}

/// A hash that is being computed (`BCRYPT_HASH_HANDLE`).
pub struct Hashing {
    id: &'static str,
    hash: Function,
    /// Where a reusable one begins anew.
    fresh: Option<State>,
    /// `None` once it is finished.
    state: Mutex<Option<State>>,
}

impl Hashing {
    /// Begins (`BCryptCreateHash`). An algorithm that was opened for HMAC takes a secret, which may be empty; no other does.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a secret where none is taken, for an algorithm that is no hash, and for flags other than `BCRYPT_HASH_REUSABLE_FLAG`.
    pub fn create(algorithm: &AlgorithmProvider, secret: &[u8], flags: u32) -> Result<Self, crate::Error> {
        only(flags, flags::HASH_REUSABLE)?;
        let hash = algorithm.hash()?;
        if !secret.is_empty() && !algorithm.is_hmac() {
            return Err(invalid(format!("{} takes a secret only if it was opened for HMAC", algorithm.id())));
        }
        let state = State::new(hash, algorithm.is_hmac().then_some(secret))?;
        let fresh = (algorithm.is_reusable() || flags != 0).then(|| state.clone());
        Ok(Self { id: algorithm.id(), hash, fresh, state: Mutex::new(Some(state)) })
    }

    /// All of it at once (`BCryptHash`).
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::finish`].
    pub fn digest(
        algorithm: &AlgorithmProvider,
        secret: &[u8],
        data: &[u8],
        output: &mut [u8],
    ) -> Result<(), crate::Error> {
        let hashing = Self::create(algorithm, secret, 0)?;
        hashing.update(data)?;
        hashing.finish(output)
    }

    /// More data (`BCryptHashData`).
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` when it is finished.
    pub fn update(&self, data: &[u8]) -> Result<(), crate::Error> {
        self.state().as_mut().ok_or_else(finished)?.update(data);
        Ok(())
    }

    /// The digest (`BCryptFinishHash`), into a buffer of exactly its length.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` when it is finished, `STATUS_INVALID_PARAMETER` for a buffer of another length: then it goes on.
    pub fn finish(&self, output: &mut [u8]) -> Result<(), crate::Error> {
        let mut state = self.state();
        if state.is_none() {
            return Err(finished());
        }
        if output.len() != self.hash.length() {
            let (id, length, given) = (self.id, self.hash.length(), output.len());
            return Err(invalid(format!("a digest of {id} has {length} bytes, the buffer {given}")));
        }
        let done = std::mem::replace(&mut *state, self.fresh.clone()).ok_or_else(finished)?;
        output.copy_from_slice(&done.finish());
        Ok(())
    }

    /// The same computation, to go on by itself (`BCryptDuplicateHash`).
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` when it is finished.
    pub fn duplicate(&self) -> Result<Self, crate::Error> {
        let state = self.state().clone().ok_or_else(finished)?;
        Ok(Self { id: self.id, hash: self.hash, fresh: self.fresh.clone(), state: Mutex::new(Some(state)) })
    }

    /// Bytes of the digest.
    pub fn length(&self) -> usize {
        self.hash.length()
    }

    /// Reads a property (`BCryptGetProperty`).
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for one that a hash does not have.
    pub fn property(&self, name: &str) -> Result<Value, crate::Error> {
        if name == names::ALGORITHM_NAME {
            return Ok(Value::Text(self.id.to_owned()));
        }
        hash_property(self.hash, name).ok_or_else(|| unsupported(format!("a hash has no property `{name}`")))
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Hashing {
    /// The state may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashing").field("id", &self.id).finish_non_exhaustive()
    }
}

fn finished() -> crate::Error {
    refused(Status::STATUS_INVALID_HANDLE, "the hash is finished")
}
