//! `BCryptGenRandom` and `BCryptDeriveKeyPBKDF2`, here and not on the token.

use super::algorithm::Kind;
use super::hash::Function;
use super::{AlgorithmProvider, invalid, only, refused};
use crate::key::rsa::Hash;
use crate::status::Status;

/// `BCRYPT_RNG_USE_ENTROPY_IN_BUFFER`: Windows takes no notice of it since Windows 8.
const USE_ENTROPY_IN_BUFFER: u32 = 0x1;
/// `BCRYPT_USE_SYSTEM_PREFERRED_RNG`: no algorithm is named.
const USE_SYSTEM_PREFERRED_RNG: u32 = 0x2;

/// Fills a buffer from the operating system's random source.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` without an algorithm or the flag that replaces it, `STATUS_INVALID_PARAMETER` for both, for other flags and for an algorithm of another kind.
pub fn gen_random(algorithm: Option<&AlgorithmProvider>, buffer: &mut [u8], flags: u32) -> Result<(), crate::Error> {
    only(flags, USE_ENTROPY_IN_BUFFER | USE_SYSTEM_PREFERRED_RNG)?;
    match (algorithm, flags & USE_SYSTEM_PREFERRED_RNG != 0) {
        (None, false) => return Err(refused(Status::STATUS_INVALID_HANDLE, "no algorithm is named")),
        (Some(_), true) => return Err(invalid("an algorithm is named, and the system's is asked for")),
        (Some(other), false) if other.row().kind != Kind::Random => {
            return Err(invalid(format!("{} makes no random numbers", other.id())));
        }
        _ => {}
    }
    let failed = |_| refused(Status::STATUS_UNSUCCESSFUL, "the operating system's random source failed");
    getrandom::fill(buffer).map_err(failed)
}

/// PBKDF2 (RFC 8018 §5.2) with HMAC, into the whole of a buffer.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for an algorithm that was not opened for HMAC, for no iterations or more than 2³² − 1, for flags, and for an empty buffer.
pub fn derive_key_pbkdf2(
    algorithm: &AlgorithmProvider,
    password: &[u8],
    salt: &[u8],
    iterations: u64,
    output: &mut [u8],
    flags: u32,
) -> Result<(), crate::Error> {
    only(flags, 0)?;
    let hash = algorithm.hash()?;
    if !algorithm.is_hmac() {
        return Err(invalid(format!("{} was not opened for HMAC", algorithm.id())));
    }
    let rounds = u32::try_from(iterations).ok().filter(|rounds| *rounds > 0);
    let rounds = rounds.ok_or_else(|| invalid(format!("{iterations} iterations cannot be made")))?;
    if output.is_empty() {
        return Err(invalid("a key without a byte cannot be derived"));
    }
    match hash {
        Function::Md5 => pbkdf2::pbkdf2_hmac::<md5::Md5>(password, salt, rounds, output),
        Function::Sha(Hash::Sha1) => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, salt, rounds, output),
        Function::Sha(Hash::Sha256) => pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, rounds, output),
        Function::Sha(Hash::Sha384) => pbkdf2::pbkdf2_hmac::<sha2::Sha384>(password, salt, rounds, output),
        Function::Sha(Hash::Sha512) => pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, rounds, output),
    }
    Ok(())
}
