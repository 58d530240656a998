//! `BCryptSignHash` and `BCryptVerifySignature`.
//!
//! The token signs. A signature is verified here where there is arithmetic for the key, so that a public key needs no token; where there is none, by the token, if one is had.

use super::key::Material;
use super::{BcryptKey, invalid, unsupported};
use crate::key::PublicKey;
use crate::key::rsa::Hash;
use crate::provider::crypto::{check_digest, verdict};
use crate::provider::{Error, Padding};
use crate::status::Status;

/// How `dwFlags` says a digest is padded. The structure that belongs to it is the caller's to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SignaturePadding {
    /// No flag: none, as elliptic-curve keys have it.
    None,
    /// `BCRYPT_PAD_PKCS1`, with `BCRYPT_PKCS1_PADDING_INFO`.
    Pkcs1 {
        /// `BCRYPT_PAD_PKCS1_OPTIONAL_HASH_OID`: the identifier of the hash may be absent from the signature.
        hash_optional: bool,
    },
    /// `BCRYPT_PAD_PSS`, with `BCRYPT_PSS_PADDING_INFO`.
    Pss,
}

impl SignaturePadding {
    /// What the flags of a call say.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for flags that are none, or that do not go together.
    pub fn of_flags(flags: u32, verifies: bool) -> Result<Self, crate::Error> {
        const PKCS1: u32 = 0x2;
        const PSS: u32 = 0x8;
        const OPTIONAL_HASH_OID: u32 = 0x10;
        const WITH_OPTIONAL_OID: u32 = PKCS1 | OPTIONAL_HASH_OID;
        match flags {
            0 => Ok(Self::None),
            PKCS1 => Ok(Self::Pkcs1 { hash_optional: false }),
            WITH_OPTIONAL_OID if verifies => Ok(Self::Pkcs1 { hash_optional: true }),
            PSS => Ok(Self::Pss),
            other => Err(invalid(format!("the flags 0x{other:X} name no padding of a signature"))),
        }
    }
}

/// The hash that a padding structure names (`pszAlgId`).
///
/// # Errors
/// `STATUS_NOT_SUPPORTED` for a name that is no hash of a signature.
pub fn hash_by_name(name: &str) -> Result<Hash, crate::Error> {
    let found = Hash::ALL.into_iter().find(|hash| hash.name() == name);
    found.ok_or_else(|| unsupported(format!("`{name}` is no hash that signatures are made with here")))
}

impl BcryptKey {
    /// Signs a digest. ECDSA gives r ‖ s, each as wide as the order of the curve.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a public key and for a padding that does not fit the key, `STATUS_NOT_SUPPORTED` for a key that is not for signing, what the token says.
    pub fn sign_hash(&self, padding: Padding, digest: &[u8]) -> Result<Vec<u8>, crate::Error> {
        let material = self.signing_material()?;
        match &*material {
            Material::Token(key) => key.sign_hash(padding, digest),
            Material::Public(_) => Err(invalid("a public key does not sign")),
        }
    }

    /// Bytes of a signature, which is also the answer where no buffer is given.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` before the key is finalized, `STATUS_NOT_SUPPORTED` for a key that is not for signing.
    pub fn signature_length(&self) -> Result<usize, crate::Error> {
        let material = self.signing_material()?;
        let length = match &*material {
            Material::Token(key) => key.signature_length(),
            Material::Public(PublicKey::Rsa(key)) => Some(key.n().len()),
            Material::Public(PublicKey::Ec(key)) => Some(2 * key.curve().order_width()),
            Material::Public(PublicKey::Dsa(key)) => Some(2 * key.parameters().q().len()),
            Material::Public(_) => None,
        };
        length.ok_or_else(|| unsupported(format!("the length of signatures by {} is not known", self.id())))
    }

    /// Verifies a signature over a digest.
    ///
    /// # Errors
    /// `STATUS_INVALID_SIGNATURE` when it is wrong in any way; `STATUS_INVALID_PARAMETER` for a padding that does not fit the key; `STATUS_NOT_SUPPORTED` where nothing here can
    /// verify.
    pub fn verify_signature(&self, padding: Padding, digest: &[u8], signature: &[u8]) -> Result<(), crate::Error> {
        let material = self.signing_material()?;
        let public = match &*material {
            Material::Token(key) => return key.verify_signature(padding, digest, signature),
            Material::Public(public) => public,
        };
        match (public, padding) {
            (PublicKey::Rsa(_), Padding::Pkcs1(hash)) => check_digest(hash, digest)?,
            (PublicKey::Rsa(_), Padding::Pss { hash, .. }) => check_digest(Some(hash), digest)?,
            (PublicKey::Ec(_) | PublicKey::Dsa(_), Padding::None) | (PublicKey::Dh(_) | PublicKey::Pq(_), _) => {}
            (PublicKey::Rsa(_) | PublicKey::Ec(_) | PublicKey::Dsa(_), _) => {
                return Err(invalid(format!("this padding does not fit a key of {}", self.id())));
            }
        }
        let verdict = verdict(public, padding, digest, signature);
        match (verdict, self.verifier()) {
            (Some(true), _) => Ok(()),
            (Some(false), _) => Err(Error::BadSignature.into()),
            (None, Some(verifier)) => verifier.verify_signature(padding, digest, signature),
            (None, None) => {
                Err(unsupported(format!("there is no arithmetic here to verify with this key of {}", self.id())))
            }
        }
    }

    /// The same of PKCS#1 v1.5 where the signature need not name its hash (`BCRYPT_PAD_PKCS1_OPTIONAL_HASH_OID`).
    ///
    /// # Errors
    /// As [`Self::verify_signature`].
    pub fn verify_with_optional_hash(
        &self,
        padding: Padding,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), crate::Error> {
        let named = self.verify_signature(padding, digest, signature);
        match (&named, padding) {
            (Err(error), Padding::Pkcs1(Some(_))) if error.status() == Status::NTE_BAD_SIGNATURE => {
                self.verify_signature(Padding::Pkcs1(None), digest, signature)
            }
            _ => named,
        }
    }
}
