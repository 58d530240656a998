//! The sizes that keys of an algorithm can have, and what follows from a size.

use super::{SupportedLengths, TagLengths};
use crate::key::{Algorithm, Family, ParameterSet, SymmetricAlgorithm};
use crate::provider::ChainingMode;

/// The value of `Lengths`.
pub(in crate::provider) fn lengths(algorithm: Algorithm) -> SupportedLengths {
    let fixed = |bits| SupportedLengths { min: bits, max: bits, increment: 0, default: bits };
    match (algorithm.family, algorithm.curve) {
        (Family::Rsa, _) => SupportedLengths { min: 512, max: 16384, increment: 64, default: 2048 },
        (Family::Symmetric(SymmetricAlgorithm::Aes), _) => {
            SupportedLengths { min: 128, max: 256, increment: 64, default: 256 }
        }
        (Family::Dsa, _) => SupportedLengths { min: 512, max: 3072, increment: 64, default: 2048 },
        (Family::Dh, _) => SupportedLengths { min: 512, max: 16384, increment: 64, default: 2048 },
        (Family::MlDsa | Family::MlKem | Family::SlhDsa, _) => {
            let lengths =
                || ParameterSet::ALL.iter().filter(|set| set.family() == algorithm.family).map(|set| set.bits());
            let (min, max) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
            SupportedLengths { min, max, increment: 0, default: min }
        }
        (Family::Symmetric(SymmetricAlgorithm::TripleDes), _) => fixed(192),
        (Family::Symmetric(SymmetricAlgorithm::Hmac), _) => {
            SupportedLengths { min: 8, max: 4096, increment: 8, default: 256 }
        }
        (Family::Ecdh | Family::Ecdsa | Family::Eddsa, Some(curve)) => fixed(curve.field_bits),
        (Family::Ecdh | Family::Ecdsa, None) => SupportedLengths { min: 160, max: 521, increment: 1, default: 256 },
        (Family::Eddsa, None) => SupportedLengths { min: 255, max: 448, increment: 193, default: 255 },
    }
}

/// The mode of a new handle, as with Windows.
pub(super) const DEFAULT_MODE: ChainingMode = ChainingMode::Cbc;

/// A mode that the algorithm has, by its name.
pub(super) fn mode(algorithm: SymmetricAlgorithm, name: &str) -> Option<ChainingMode> {
    let is_aes = algorithm == SymmetricAlgorithm::Aes;
    // No token has CFB with 3DES.
    ChainingMode::by_name(name).filter(|mode| is_aes || matches!(mode, ChainingMode::Ecb | ChainingMode::Cbc))
}

/// The tags of a mode that authenticates.
pub(in crate::provider) fn tags(mode: ChainingMode) -> Option<TagLengths> {
    let (min, max, increment) = mode.tag_lengths()?;
    let number = |bytes: usize| u32::try_from(bytes).ok();
    Some(TagLengths { min: number(min)?, max: number(max)?, increment: number(increment)? })
}

/// Bytes of what an ML-KEM key agrees on (FIPS 203 §8).
pub(super) const KEM_SHARED_SECRET: u32 = 32;

/// Bytes of a ciphertext of ML-KEM (FIPS 203, table 3).
pub(super) fn kem_ciphertext(set: ParameterSet) -> Option<u32> {
    match set {
        ParameterSet::MlKem512 => Some(768),
        ParameterSet::MlKem768 => Some(1088),
        ParameterSet::MlKem1024 => Some(1568),
        _ => None,
    }
}
