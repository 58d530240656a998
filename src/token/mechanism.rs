//! Mechanisms by their standard numbers and parameters.
//!
//! `cryptoki` cannot say some standard numbers (CKM_AES_KEY_WRAP_KWP, CKM_RSA_AES_KEY_WRAP); here they are plain numbers.

pub use cryptoki_sys::{
    CK_MECHANISM_TYPE, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CCM, CKM_AES_CFB8, CKM_AES_ECB, CKM_AES_GCM,
    CKM_AES_KEY_GEN, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PKCS7,
    CKM_DES3_CBC, CKM_DES3_CBC_PAD, CKM_DES3_ECB, CKM_DES3_KEY_GEN, CKM_EC_KEY_PAIR_GEN,
    CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_ECDH1_DERIVE, CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384,
    CKM_ECDSA_SHA512, CKM_GENERIC_SECRET_KEY_GEN, CKM_RSA_AES_KEY_WRAP, CKM_RSA_PKCS, CKM_RSA_PKCS_KEY_PAIR_GEN,
    CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_RSA_X_509, CKM_SHA_1_HMAC, CKM_SHA1_RSA_PKCS, CKM_SHA256_HMAC,
    CKM_SHA256_RSA_PKCS, CKM_SHA384_HMAC, CKM_SHA384_RSA_PKCS, CKM_SHA512_HMAC, CKM_SHA512_RSA_PKCS,
};
use cryptoki_sys::{
    CKG_MGF1_SHA1, CKG_MGF1_SHA256, CKG_MGF1_SHA384, CKG_MGF1_SHA512, CKM_SHA_1, CKM_SHA256, CKM_SHA384, CKM_SHA512,
};

use crate::key::rsa::Hash;

/// A mechanism with its parameter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Mechanism<'a> {
    /// CKM_AES_CCM.
    AesCcm {
        /// The nonce.
        nonce: &'a [u8],
        /// Data that is authenticated and not encrypted.
        additional: &'a [u8],
        /// Bytes of the tag.
        tag_len: usize,
        /// Bytes of what is encrypted, without the tag.
        data_len: usize,
    },
    /// CKM_AES_GCM.
    AesGcm {
        /// The nonce.
        nonce: &'a [u8],
        /// Data that is authenticated and not encrypted.
        additional: &'a [u8],
        /// Bytes of the tag.
        tag_len: usize,
    },
    /// A mechanism of a block cipher whose parameter is an initialisation vector.
    Cbc {
        /// CKM_AES_CBC_PAD, CKM_DES3_CBC, CKM_AES_CFB8 …
        number: CK_MECHANISM_TYPE,
        /// The initialisation vector: one block.
        iv: &'a [u8],
    },
    /// CKM_ECDH1_DERIVE without a key derivation function; the peer's point, uncompressed.
    Ecdh1(&'a [u8]),
    /// CKM_RSA_PKCS_OAEP with MGF1 over the same hash.
    Oaep {
        /// The hash.
        hash: Hash,
        /// The label, usually empty.
        label: &'a [u8],
    },
    /// A mechanism without a parameter.
    Plain(CK_MECHANISM_TYPE),
    /// CKM_RSA_PKCS_PSS with MGF1 over the same hash.
    Pss {
        /// The hash that made the digest.
        hash: Hash,
        /// Salt length in bytes.
        salt_len: usize,
    },
    /// CKM_RSA_AES_KEY_WRAP.
    RsaAes {
        /// The hash of OAEP and of its MGF1.
        hash: Hash,
        /// The OAEP label.
        label: &'a [u8],
        /// Bytes of the AES key that the token makes for it.
        aes_len: usize,
    },
}

impl Mechanism<'_> {
    /// The number.
    pub fn number(&self) -> CK_MECHANISM_TYPE {
        match self {
            Self::AesCcm { .. } => CKM_AES_CCM,
            Self::AesGcm { .. } => CKM_AES_GCM,
            Self::Cbc { number, .. } | Self::Plain(number) => *number,
            Self::Ecdh1(_) => CKM_ECDH1_DERIVE,
            Self::Oaep { .. } => CKM_RSA_PKCS_OAEP,
            Self::Pss { .. } => CKM_RSA_PKCS_PSS,
            Self::RsaAes { .. } => CKM_RSA_AES_KEY_WRAP,
        }
    }
}

/// The name of a mechanism that keys are wrapped with, as the standard spells it.
pub fn wrapping_name(number: CK_MECHANISM_TYPE) -> &'static str {
    crate::template::standard_mechanism(number).unwrap_or("a vendor's mechanism")
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
