//! Hashes, random numbers, PBKDF2: in software, without a token.

use std::sync::Arc;

use crate::capi::bcrypt::algorithm_of;
use crate::capi::bcrypt::algorithms::no_flags;
use crate::capi::buffer::bytes;
use crate::capi::guard::{Fault, exports};
use crate::capi::handles::{self, Handle};
use crate::capi::output::{Filled, Variable};
use crate::provider::bcrypt::{self, Hashing};

exports! { bcrypt:
    /// Begins a hash, or with an algorithm that was opened for it an HMAC.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `phHash` | gets the handle, which the caller destroys with `BCryptDestroyHash` |
    /// | `pbHashObject`, `cbHashObject` | optional, not used |
    /// | `pbSecret`, `cbSecret` | optional: the key of an HMAC, which is copied |
    /// | `dwFlags` | `BCRYPT_HASH_REUSABLE_FLAG` |
    fn BCryptCreateHash(
        hAlgorithm: Handle,
        phHash: *mut Handle,
        pbHashObject: *mut u8,
        cbHashObject: u32,
        pbSecret: *const u8,
        cbSecret: u32,
        dwFlags: u32,
    ) {
        let algorithm = algorithm_of(hAlgorithm)?;
        let out = Variable::new(phHash, "phHash is NULL")?;
        let _ = (pbHashObject, cbHashObject);
        out.set(handles::insert(Arc::new(Hashing::create(&algorithm, bytes(pbSecret, cbSecret)?, dwFlags)?))?);
        Ok(())
    }

    /// Hashes more data.
    fn BCryptHashData(hHash: Handle, pbInput: *const u8, cbInput: u32, dwFlags: u32) {
        let hash = handles::get::<Hashing>(hHash)?;
        no_flags(dwFlags)?;
        Ok(hash.update(bytes(pbInput, cbInput)?)?)
    }

    /// Gives the digest, into a buffer of exactly its length.
    fn BCryptFinishHash(hHash: Handle, pbOutput: *mut u8, cbOutput: u32, dwFlags: u32) {
        let hash = handles::get::<Hashing>(hHash)?;
        no_flags(dwFlags)?;
        Filled::new(pbOutput, cbOutput, "pbOutput is NULL")?.with(|output| Ok(hash.finish(output)?))
    }

    /// Copies a hash as far as it has come.
    ///
    /// `phNewHash` gets the handle, which the caller destroys with `BCryptDestroyHash`; `pbHashObject` is optional and not used.
    fn BCryptDuplicateHash(hHash: Handle, phNewHash: *mut Handle, pbHashObject: *mut u8, cbHashObject: u32, dwFlags: u32) {
        let hash = handles::get::<Hashing>(hHash)?;
        let out = Variable::new(phNewHash, "phNewHash is NULL")?;
        let _ = (pbHashObject, cbHashObject);
        no_flags(dwFlags)?;
        out.set(handles::insert(Arc::new(hash.duplicate()?))?);
        Ok(())
    }

    /// Destroys a hash.
    fn BCryptDestroyHash(hHash: Handle) {
        handles::remove_kind::<Hashing>(hHash).map(drop)
    }

    /// Hashes in one call. `pbSecret` as for `BCryptCreateHash`, `pbOutput` as for `BCryptFinishHash`.
    fn BCryptHash(
        hAlgorithm: Handle,
        pbSecret: *const u8,
        cbSecret: u32,
        pbInput: *const u8,
        cbInput: u32,
        pbOutput: *mut u8,
        cbOutput: u32,
    ) {
        let algorithm = algorithm_of(hAlgorithm)?;
        let (secret, input) = (bytes(pbSecret, cbSecret)?, bytes(pbInput, cbInput)?);
        Filled::new(pbOutput, cbOutput, "pbOutput is NULL")?
            .with(|output| Ok(Hashing::digest(&algorithm, secret, input, output)?))
    }

    /// Fills a buffer with random bytes of the system. `hAlgorithm` is NULL with `BCRYPT_USE_SYSTEM_PREFERRED_RNG`.
    fn BCryptGenRandom(hAlgorithm: Handle, pbBuffer: *mut u8, cbBuffer: u32, dwFlags: u32) {
        let algorithm = if hAlgorithm == 0 { None } else { Some(algorithm_of(hAlgorithm)?) };
        Filled::new(pbBuffer, cbBuffer, "pbBuffer is NULL")?
            .in_pieces(|buffer| Ok(bcrypt::gen_random(algorithm.as_deref(), buffer, dwFlags)?))
    }

    /// PBKDF2 with an HMAC. Everything that is given is read during the call; `pbDerivedKey` is filled.
    fn BCryptDeriveKeyPBKDF2(
        hPrf: Handle,
        pbPassword: *const u8,
        cbPassword: u32,
        pbSalt: *const u8,
        cbSalt: u32,
        cIterations: u64,
        pbDerivedKey: *mut u8,
        cbDerivedKey: u32,
        dwFlags: u32,
    ) {
        let algorithm = algorithm_of(hPrf)?;
        let (password, salt) = (bytes(pbPassword, cbPassword)?, bytes(pbSalt, cbSalt)?);
        Filled::new(pbDerivedKey, cbDerivedKey, "pbDerivedKey is NULL")?
            .with(|output| Ok(bcrypt::derive_key_pbkdf2(&algorithm, password, salt, cIterations, output, dwFlags)?))
    }
}

/// An algorithm of derivation has no keys here.
pub(super) const NO_DERIVATION_KEYS: Fault = Fault::Call(
    crate::Status::STATUS_NOT_SUPPORTED,
    "keys of CNG's derivation algorithms are not handled: BCryptDeriveKeyPBKDF2 is",
);
