//! The structures of `ncrypt.h` and `bcrypt.h` that calls pass by pointer, as C lays them out.

use std::ffi::c_void;

/// `LPCWSTR`
pub type WideString = *const u16;

/// `NCryptBuffer`, `BCryptBuffer`
#[repr(C)]
#[derive(Debug)]
pub struct BufferRaw {
    /// cbBuffer
    pub len: u32,
    /// BufferType
    pub kind: u32,
    /// pvBuffer
    pub data: *mut c_void,
}

/// `NCryptBufferDesc`, `BCryptBufferDesc`
#[repr(C)]
#[derive(Debug)]
pub struct BufferDescRaw {
    /// ulVersion
    pub version: u32,
    /// cBuffers
    pub count: u32,
    /// pBuffers
    pub buffers: *mut BufferRaw,
}

/// `BCRYPT_PKCS1_PADDING_INFO`
#[repr(C)]
#[derive(Debug)]
pub struct Pkcs1PaddingInfo {
    /// pszAlgId
    pub hash: WideString,
}

/// `BCRYPT_PSS_PADDING_INFO`
#[repr(C)]
#[derive(Debug)]
pub struct PssPaddingInfo {
    /// pszAlgId
    pub hash: WideString,
    /// cbSalt
    pub salt: u32,
}

/// `BCRYPT_OAEP_PADDING_INFO`
#[repr(C)]
#[derive(Debug)]
pub struct OaepPaddingInfo {
    /// pszAlgId
    pub hash: WideString,
    /// pbLabel
    pub label: *mut u8,
    /// cbLabel
    pub label_len: u32,
}

/// `NCRYPT_CIPHER_PADDING_INFO`
#[repr(C)]
#[derive(Debug)]
pub struct CipherPaddingInfo {
    /// cbSize
    pub size: u32,
    /// dwFlags
    pub flags: u32,
    /// pbIV
    pub iv: *mut u8,
    /// cbIV
    pub iv_len: u32,
    /// pbOtherInfo
    pub other: *mut u8,
    /// cbOtherInfo
    pub other_len: u32,
}

/// `BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO`
#[repr(C)]
#[derive(Debug)]
pub struct AuthenticatedCipherModeInfo {
    /// cbSize
    pub size: u32,
    /// dwInfoVersion
    pub version: u32,
    /// pbNonce
    pub nonce: *mut u8,
    /// cbNonce
    pub nonce_len: u32,
    /// pbAuthData
    pub additional: *mut u8,
    /// cbAuthData
    pub additional_len: u32,
    /// pbTag
    pub tag: *mut u8,
    /// cbTag
    pub tag_len: u32,
    /// pbMacContext
    pub mac_context: *mut u8,
    /// cbMacContext
    pub mac_context_len: u32,
    /// cbAAD
    pub total_additional: u32,
    /// cbData
    pub total_data: u64,
    /// dwFlags
    pub flags: u32,
}

/// `NCRYPT_UI_POLICY`
#[repr(C)]
#[derive(Debug)]
pub struct UiPolicy {
    /// dwVersion
    pub version: u32,
    /// dwFlags
    pub flags: u32,
    /// pszCreationTitle
    pub creation_title: WideString,
    /// pszFriendlyName
    pub friendly_name: WideString,
    /// pszDescription
    pub description: WideString,
}

/// `NCryptKeyName`
#[repr(C)]
#[derive(Debug)]
pub struct KeyNameRaw {
    /// pszName
    pub name: *mut u16,
    /// pszAlgid
    pub algorithm: *mut u16,
    /// dwLegacyKeySpec
    pub legacy_key_spec: u32,
    /// dwFlags
    pub flags: u32,
}

/// `NCryptAlgorithmName`
#[repr(C)]
#[derive(Debug)]
pub struct AlgorithmNameRaw {
    /// pszName
    pub name: *mut u16,
    /// dwClass
    pub class: u32,
    /// dwAlgOperations
    pub operations: u32,
    /// dwFlags
    pub flags: u32,
}

/// `NCryptProviderName`
#[repr(C)]
#[derive(Debug)]
pub struct ProviderNameRaw {
    /// pszName
    pub name: *mut u16,
    /// pszComment
    pub comment: *mut u16,
}

/// `BCRYPT_ALGORITHM_IDENTIFIER`
#[repr(C)]
#[derive(Debug)]
pub struct AlgorithmIdentifierRaw {
    /// pszName
    pub name: *mut u16,
    /// dwClass
    pub class: u32,
    /// dwFlags
    pub flags: u32,
}

/// `BCRYPT_ECC_CURVE_NAMES`
#[repr(C)]
#[derive(Debug)]
pub struct EccCurveNames {
    /// dwEccCurveNames
    pub count: u32,
    /// pEccCurveNames
    pub names: *mut *mut u16,
}
