//! `NCryptIsAlgSupported` and `NCryptEnumAlgorithms`: which of CNG's algorithms the token has, by the mechanisms that it lists.
//!
//! An algorithm counts as there if the token lists one mechanism of those that use its keys. That is a claim of the token, not a proof, and says nothing of curves and sizes: a curve that
//! the token does not have is refused when a key is made. Names are those of [`Algorithm`].

use super::import::check_algorithm;
use super::{Error, StorageProvider};
use crate::key::{Algorithm, Family, SymmetricAlgorithm};
use crate::token::mechanism::{
    CK_MECHANISM_TYPE, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_ECB, CKM_AES_GCM, CKM_DES3_CBC, CKM_DES3_CBC_PAD,
    CKM_DES3_ECB, CKM_ECDH1_DERIVE, CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512,
    CKM_RSA_PKCS, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_SHA_1_HMAC, CKM_SHA256_HMAC, CKM_SHA384_HMAC,
    CKM_SHA512_HMAC,
};

/// Kinds of operation (`NCRYPT_*_OPERATION`), the mask of `NCryptEnumAlgorithms`.
pub mod operations {
    /// `NCRYPT_CIPHER_OPERATION`
    pub const CIPHER: u32 = 0x1;
    /// `NCRYPT_HASH_OPERATION`
    pub const HASH: u32 = 0x2;
    /// `NCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION`
    pub const ASYMMETRIC_ENCRYPTION: u32 = 0x4;
    /// `NCRYPT_SECRET_AGREEMENT_OPERATION`
    pub const SECRET_AGREEMENT: u32 = 0x8;
    /// `NCRYPT_SIGNATURE_OPERATION`
    pub const SIGNATURE: u32 = 0x10;
    /// `NCRYPT_RNG_OPERATION`
    pub const RNG: u32 = 0x20;
    /// `NCRYPT_KEY_DERIVATION_OPERATION`
    pub const KEY_DERIVATION: u32 = 0x40;
    /// All that there are.
    pub const ALL: u32 = 0x7F;
}

/// An algorithm as `NCryptEnumAlgorithms` lists it (NCryptAlgorithmName).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AlgorithmName {
    /// pszName
    pub name: String,
    /// dwClass: the number of its interface.
    pub class: u32,
    /// dwAlgOperations
    pub operations: u32,
    /// dwFlags: none is defined.
    pub flags: u32,
}

/// Interface (`NCRYPT_*_INTERFACE`), operations, and the mechanisms of which one is enough.
fn row(family: Family) -> Option<(u32, u32, &'static [CK_MECHANISM_TYPE])> {
    const CIPHER: u32 = 1;
    const HASH: u32 = 2;
    const ASYMMETRIC_ENCRYPTION: u32 = 3;
    const SECRET_AGREEMENT: u32 = 4;
    const SIGNATURE: u32 = 5;
    Some(match family {
        Family::Rsa => (
            ASYMMETRIC_ENCRYPTION,
            operations::ASYMMETRIC_ENCRYPTION | operations::SIGNATURE,
            &[CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_RSA_PKCS_OAEP],
        ),
        Family::Ecdsa => (
            SIGNATURE,
            operations::SIGNATURE,
            &[CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512],
        ),
        Family::Ecdh => (SECRET_AGREEMENT, operations::SECRET_AGREEMENT, &[CKM_ECDH1_DERIVE]),
        Family::Symmetric(SymmetricAlgorithm::Aes) => {
            (CIPHER, operations::CIPHER, &[CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_ECB, CKM_AES_GCM])
        }
        Family::Symmetric(SymmetricAlgorithm::TripleDes) => {
            (CIPHER, operations::CIPHER, &[CKM_DES3_CBC, CKM_DES3_CBC_PAD, CKM_DES3_ECB])
        }
        Family::Symmetric(SymmetricAlgorithm::Hmac) => {
            (HASH, operations::HASH, &[CKM_SHA_1_HMAC, CKM_SHA256_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC])
        }
        // CNG has no such identifier, or no token takes such keys from here.
        Family::Eddsa | Family::Dh | Family::Dsa | Family::MlDsa | Family::MlKem | Family::SlhDsa => return None,
    })
}

impl StorageProvider {
    /// Whether keys of this algorithm can be made (`NCryptIsAlgSupported`).
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when the name is not known, or the token lists no mechanism for it.
    pub fn is_algorithm_supported(&self, name: &str) -> Result<(), crate::Error> {
        let unsupported = |what: String| crate::Error::from(Error::Unsupported { what, ckr: None });
        let algorithm = Algorithm::by_name(name);
        let algorithm = algorithm.map_err(|error| unsupported(error.to_string()))?;
        check_algorithm(algorithm)?;
        match row(algorithm.family) {
            Some((_, _, mechanisms)) if self.lists_one(mechanisms)? => Ok(()),
            _ => {
                let token = &self.token.info().label;
                Err(unsupported(format!("token `{token}` lists no mechanism for {} keys", algorithm.name())))
            }
        }
    }

    /// The algorithms of the token that have one of these operations (`NCryptEnumAlgorithms`); of none that are named, all. One call, or two.
    ///
    /// # Errors
    /// `NTE_INVALID_PARAMETER` for an operation that is none; what the token says.
    pub fn algorithms(&self, operations: u32) -> Result<Vec<AlgorithmName>, crate::Error> {
        let unknown = operations & !operations::ALL;
        if unknown != 0 {
            return Err(Error::Contradiction { what: format!("0x{unknown:X} is no kind of operation") }.into());
        }
        let mut found = Vec::new();
        for name in Algorithm::names() {
            let Ok(algorithm) = Algorithm::by_name(&name) else { continue };
            let Some((class, own, mechanisms)) = row(algorithm.family) else { continue };
            let is_asked = operations == 0 || own & operations != 0;
            if is_asked && check_algorithm(algorithm).is_ok() && self.lists_one(mechanisms)? {
                found.push(AlgorithmName { name, class, operations: own, flags: 0 });
            }
        }
        Ok(found)
    }

    fn lists_one(&self, mechanisms: &[CK_MECHANISM_TYPE]) -> Result<bool, crate::Error> {
        for mechanism in mechanisms {
            if self.token.lists_mechanism(*mechanism)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
