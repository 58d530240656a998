//! What can be computed of ML-DSA and ML-KEM keys, by the `ml-dsa` and `ml-kem` crates.
//!
//! An expanded key is tried, since nothing else shows that all of its parts belong together: an ML-DSA key signs and what it
//! signed must verify under the public key computed from it; an ML-KEM key opens what was encapsulated to the public key inside it. Nothing
//! follows from z of an ML-KEM key and K of an ML-DSA key, which are random: that they are the right ones cannot be checked. The crates panic
//! on, or reduce, coefficients that the standards do not allow, so those are looked for first.

#![allow(
    deprecated,
    reason = "CNG's private blobs and PKCS#8 hold expanded keys, which the crates would rather not see"
)]

use ml_dsa::{ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, SigningKey};
use ml_kem::kem::{Decapsulate, KeyExport, KeyInit};
use ml_kem::{DecapsulationKey, EncapsulationKey, ExpandedKeyEncoding, MlKem512, MlKem768, MlKem1024};
use zeroize::Zeroizing;

use super::pq::ParameterSet;
use crate::secret::SecretBytes;

/// Runs `$body` with `$P` standing for the set's type in `ml-dsa` or `ml-kem`; `$other` for SLH-DSA.
macro_rules! with_set {
    ($set:expr, dsa $P:ident => $dsa:expr, kem $K:ident => $kem:expr, $other:expr) => {
        match $set {
            ParameterSet::MlDsa44 => {
                type $P = MlDsa44;
                $dsa
            }
            ParameterSet::MlDsa65 => {
                type $P = MlDsa65;
                $dsa
            }
            ParameterSet::MlDsa87 => {
                type $P = MlDsa87;
                $dsa
            }
            ParameterSet::MlKem512 => {
                type $K = MlKem512;
                $kem
            }
            ParameterSet::MlKem768 => {
                type $K = MlKem768;
                $kem
            }
            ParameterSet::MlKem1024 => {
                type $K = MlKem1024;
                $kem
            }
            _ => $other,
        }
    };
}

/// The expanded private key and the public key of a seed; `None` for another length.
pub(super) fn expand(set: ParameterSet, seed: &[u8]) -> Option<(SecretBytes, Vec<u8>)> {
    with_set!(
        set,
        dsa P => {
            let key = SigningKey::<P>::from_seed(seed.try_into().ok()?);
            let expanded = Zeroizing::new(key.expanded_key().to_expanded());
            Some((SecretBytes::from(expanded.as_slice()), key.expanded_key().verifying_key().encode().to_vec()))
        },
        kem K => {
            let key = <DecapsulationKey<K> as KeyInit>::new(<&ml_kem::Seed>::try_from(seed).ok()?);
            let expanded = Zeroizing::new(key.to_expanded_bytes());
            Some((SecretBytes::from(expanded.as_slice()), key.encapsulation_key().to_bytes().to_vec()))
        },
        None
    )
}

/// The public key of an expanded private one, which is tried; `None` where there is no arithmetic.
pub(super) fn public_of(set: ParameterSet, expanded: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    const LENGTH: &str = "the expanded key has another length";
    with_set!(
        set,
        dsa P => dsa_public::<P>(set, expanded).map(Some),
        kem K => {
            if !has_reduced_secrets(set, expanded) {
                return Err("a coefficient of the secret vector is not below 3329");
            }
            let key = DecapsulationKey::<K>::from_expanded_bytes(expanded.try_into().map_err(|_| LENGTH)?)
                .map_err(|_| "the encapsulation key inside the expanded one, or its hash, is wrong")?;
            let (ciphertext, sent) = key.encapsulation_key().encapsulate_deterministic(&[0x5A; 32].into());
            if key.decapsulate(&ciphertext) != sent {
                return Err("the expanded key does not open what is encapsulated to its own public key");
            }
            Ok(Some(key.encapsulation_key().to_bytes().to_vec()))
        },
        Ok(None)
    )
}

/// Whether the encoding is one of a public key.
pub(super) fn is_public_key(set: ParameterSet, public: &[u8]) -> bool {
    with_set!(
        set,
        dsa P => public.len() == ml_dsa::EncodedVerifyingKey::<P>::default().len(),
        kem K => public.try_into().is_ok_and(|public| EncapsulationKey::<K>::new(public).is_ok()),
        true
    )
}

fn dsa_public<P: MlDsaParams>(set: ParameterSet, expanded: &[u8]) -> Result<Vec<u8>, &'static str> {
    if !has_short_secrets(set, expanded) {
        return Err("a coefficient of s1 or s2 is greater than η");
    }
    let bytes = expanded.try_into().map_err(|_| "the expanded key has another length")?;
    let key = ExpandedSigningKey::<P>::from_expanded(bytes);
    let public = key.verifying_key();
    const MESSAGE: &[u8] = b"cng-pkcs11";
    let signature = key.sign_deterministic(MESSAGE, &[]).map_err(|_| "the expanded key cannot sign")?;
    if !public.verify_with_context(MESSAGE, &[], &signature) {
        return Err("what the expanded key signs does not verify under the public key computed from it");
    }
    Ok(public.encode().to_vec())
}

/// Whether every coefficient of s1 and s2 is in −η … η, which FIPS 204 algorithm 25 leaves to the caller: packed in 3 bits (η = 2) or 4
/// (η = 4) they could say more. The time depends on the verdict alone.
fn has_short_secrets(set: ParameterSet, expanded: &[u8]) -> bool {
    // k + ℓ polynomials of 256 coefficients, behind rho, K and tr.
    let (polynomials, width, greatest) = match set {
        ParameterSet::MlDsa44 => (4 + 4, 3, 4),
        ParameterSet::MlDsa65 => (6 + 5, 4, 8),
        ParameterSet::MlDsa87 => (8 + 7, 3, 4),
        _ => return true,
    };
    let packed = expanded.get(128..128 + polynomials * 32 * width).unwrap_or_default();
    let mut short = true;
    for group in packed.chunks_exact(width) {
        // 8 coefficients lie in `width` bytes, the first one in the lowest bits.
        let bits = group.iter().rev().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        for index in 0..8 {
            short &= (bits >> (index * width)) & ((1 << width) - 1) <= greatest;
        }
    }
    short && !packed.is_empty()
}

/// Whether every coefficient of ŝ is below q = 3329: packed in 12 bits they could say more, and what one reader reduces another refuses. The
/// time depends on the verdict alone.
fn has_reduced_secrets(set: ParameterSet, expanded: &[u8]) -> bool {
    const Q: u32 = 3329;
    // k polynomials of 256 coefficients, in front of the encapsulation key.
    let polynomials = match set {
        ParameterSet::MlKem512 => 2,
        ParameterSet::MlKem768 => 3,
        ParameterSet::MlKem1024 => 4,
        _ => return true,
    };
    let packed = expanded.get(..polynomials * 384).unwrap_or_default();
    let mut reduced = true;
    for group in packed.chunks_exact(3) {
        let bits = group.iter().rev().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        reduced &= (bits & 0xFFF < Q) & (bits >> 12 < Q);
    }
    reduced && !packed.is_empty()
}
