//! Mechanisms by their standard numbers and parameters.
//!
//! `cryptoki` cannot say some standard numbers (CKM_AES_KEY_WRAP_KWP); here they are plain numbers.

pub use cryptoki_sys::{
    CK_MECHANISM_TYPE, CKM_AES_ECB, CKM_AES_KEY_GEN, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD,
    CKM_DES3_ECB, CKM_DES3_KEY_GEN, CKM_EC_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_ECDSA,
    CKM_GENERIC_SECRET_KEY_GEN, CKM_RSA_PKCS, CKM_RSA_PKCS_KEY_PAIR_GEN,
};
use cryptoki_sys::{
    CKG_MGF1_SHA1, CKG_MGF1_SHA256, CKG_MGF1_SHA384, CKG_MGF1_SHA512, CKM_ECDH1_DERIVE, CKM_RSA_PKCS_PSS, CKM_SHA_1,
    CKM_SHA256, CKM_SHA384, CKM_SHA512,
};

use crate::key::rsa::Hash;

/// A mechanism with its parameter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Mechanism<'a> {
    /// CKM_ECDH1_DERIVE without a key derivation function; the peer's point, uncompressed.
    Ecdh1(&'a [u8]),
    /// A mechanism without a parameter.
    Plain(CK_MECHANISM_TYPE),
    /// CKM_RSA_PKCS_PSS with MGF1 over the same hash.
    Pss {
        /// The hash that made the digest.
        hash: Hash,
        /// Salt length in bytes.
        salt_len: usize,
    },
}

impl Mechanism<'_> {
    /// The number.
    pub fn number(&self) -> CK_MECHANISM_TYPE {
        match self {
            Self::Ecdh1(_) => CKM_ECDH1_DERIVE,
            Self::Plain(number) => *number,
            Self::Pss { .. } => CKM_RSA_PKCS_PSS,
        }
    }
}

/// The mechanism and MGF1 numbers of a hash.
pub(super) fn hash_numbers(hash: Hash) -> (CK_MECHANISM_TYPE, cryptoki_sys::CK_RSA_PKCS_MGF_TYPE) {
    match hash {
        Hash::Sha1 => (CKM_SHA_1, CKG_MGF1_SHA1),
        Hash::Sha256 => (CKM_SHA256, CKG_MGF1_SHA256),
        Hash::Sha384 => (CKM_SHA384, CKG_MGF1_SHA384),
        Hash::Sha512 => (CKM_SHA512, CKG_MGF1_SHA512),
    }
}
