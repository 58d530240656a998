//! Mechanisms and lengths as C sees them.

use std::ffi::c_void;

use cryptoki_sys::{
    CK_BYTE, CK_CCM_PARAMS, CK_ECDH1_DERIVE_PARAMS, CK_GCM_PARAMS, CK_MECHANISM, CK_RSA_AES_KEY_WRAP_PARAMS,
    CK_RSA_PKCS_OAEP_PARAMS, CK_RSA_PKCS_PSS_PARAMS, CK_ULONG, CKD_NULL, CKZ_DATA_SPECIFIED,
};

use crate::key::rsa::Hash;
use crate::token::mechanism::{Mechanism, hash_numbers};

/// Runs `then` with a mechanism as C sees it; its parameter lives until `then` returns.
pub(super) fn with_mechanism<T>(mechanism: &Mechanism<'_>, then: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
    let number = mechanism.number();
    let run = |parameter: *mut c_void, len: usize| {
        let mut mechanism = CK_MECHANISM { mechanism: number, pParameter: parameter, ulParameterLen: ulong(len) };
        then(&raw mut mechanism)
    };
    match mechanism {
        Mechanism::Plain(_) => run(std::ptr::null_mut(), 0),
        Mechanism::Cbc { iv, .. } => run(in_pointer(iv).cast(), iv.len()),
        Mechanism::AesCcm { nonce, additional, tag_len, data_len } => {
            let mut parameter = CK_CCM_PARAMS {
                ulDataLen: ulong(*data_len),
                pNonce: in_pointer(nonce),
                ulNonceLen: ulong(nonce.len()),
                pAAD: in_pointer_or_null(additional),
                ulAADLen: ulong(additional.len()),
                ulMACLen: ulong(*tag_len),
            };
            run((&raw mut parameter).cast(), size_of::<CK_CCM_PARAMS>())
        }
        Mechanism::AesGcm { nonce, additional, tag_len } => {
            let mut parameter = CK_GCM_PARAMS {
                pIv: in_pointer(nonce),
                ulIvLen: ulong(nonce.len()),
                ulIvBits: ulong(nonce.len() * 8),
                pAAD: in_pointer_or_null(additional),
                ulAADLen: ulong(additional.len()),
                ulTagBits: ulong(8 * tag_len),
            };
            run((&raw mut parameter).cast(), size_of::<CK_GCM_PARAMS>())
        }
        Mechanism::Pss { hash, salt_len } => {
            let (hash_number, mgf) = hash_numbers(*hash);
            let mut parameter = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash_number, mgf, sLen: ulong(*salt_len) };
            run((&raw mut parameter).cast(), size_of::<CK_RSA_PKCS_PSS_PARAMS>())
        }
        Mechanism::Oaep { hash, label } => {
            let mut parameter = oaep(*hash, label);
            run((&raw mut parameter).cast(), size_of::<CK_RSA_PKCS_OAEP_PARAMS>())
        }
        Mechanism::RsaAes { hash, label, aes_len } => {
            let mut inner = oaep(*hash, label);
            let mut parameter =
                CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: ulong(8 * aes_len), pOAEPParams: &raw mut inner };
            run((&raw mut parameter).cast(), size_of::<CK_RSA_AES_KEY_WRAP_PARAMS>())
        }
        Mechanism::Ecdh1(point) => {
            let mut parameter = CK_ECDH1_DERIVE_PARAMS {
                kdf: CKD_NULL,
                ulSharedDataLen: 0,
                pSharedData: std::ptr::null_mut(),
                ulPublicDataLen: ulong(point.len()),
                pPublicData: in_pointer(point),
            };
            run((&raw mut parameter).cast(), size_of::<CK_ECDH1_DERIVE_PARAMS>())
        }
    }
}

fn oaep(hash: Hash, label: &[u8]) -> CK_RSA_PKCS_OAEP_PARAMS {
    let (number, mgf) = hash_numbers(hash);
    CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: number,
        mgf,
        source: CKZ_DATA_SPECIFIED,
        // SoftHSM takes no pointer to an empty label for an empty label.
        pSourceData: in_pointer_or_null(label).cast(),
        ulSourceDataLen: ulong(label.len()),
    }
}

/// A pointer to input, which PKCS#11 declares without `const`.
pub(super) fn in_pointer(bytes: &[u8]) -> *mut CK_BYTE {
    bytes.as_ptr().cast_mut()
}

/// The same of what may be empty, as which some modules take no pointer.
fn in_pointer_or_null(bytes: &[u8]) -> *mut CK_BYTE {
    if bytes.is_empty() { std::ptr::null_mut() } else { in_pointer(bytes) }
}

pub(super) fn ulong(len: usize) -> CK_ULONG {
    // On Windows CK_ULONG has 32 bits; nothing handled here is longer.
    CK_ULONG::try_from(len).unwrap_or(CK_ULONG::MAX)
}
