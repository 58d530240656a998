//! `pPaddingInfo`: the structures that say how data is padded, by the flag that says which one it is.

use std::ffi::c_void;

use super::buffer::{bytes, structure, text};
use super::guard::Fault;
use super::structures::{OaepPaddingInfo, Pkcs1PaddingInfo, PssPaddingInfo, WideString};
use crate::key::rsa::Hash;
use crate::provider::bcrypt::{SignaturePadding, hash_by_name};
use crate::provider::{CipherPadding, Flags, Padding};
use crate::status::Status;

const MISSING: Fault = Fault::null("the padding needs pPaddingInfo, which is NULL");

/// How a digest is padded for signing.
///
/// # Safety
/// `info` is NULL or leads to the structure that the flag names.
pub(super) unsafe fn of_signature(flag: Flags, info: *const c_void) -> Result<Padding, Fault> {
    // SAFETY: the caller's promise, here and below.
    unsafe {
        match flag {
            Flags::PAD_PKCS1 => {
                let info: Pkcs1PaddingInfo = structure(info).ok_or(MISSING)?;
                Ok(Padding::Pkcs1(if info.hash.is_null() { None } else { Some(hash(info.hash)?) }))
            }
            Flags::PAD_PSS => {
                let info: PssPaddingInfo = structure(info).ok_or(MISSING)?;
                Ok(Padding::Pss { hash: hash(info.hash)?, salt_len: info.salt as usize })
            }
            _ => Ok(Padding::None),
        }
    }
}

/// The same as BCrypt's flags say it.
///
/// # Safety
/// As [`of_signature`].
pub(super) unsafe fn of_bcrypt(form: SignaturePadding, info: *const c_void) -> Result<Padding, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        match form {
            SignaturePadding::None => Ok(Padding::None),
            SignaturePadding::Pkcs1 { .. } => of_signature(Flags::PAD_PKCS1, info),
            SignaturePadding::Pss => of_signature(Flags::PAD_PSS, info),
        }
    }
}

/// How data is padded for encryption with an asymmetric key.
///
/// # Safety
/// As [`of_signature`]; the label lives as long as the result.
pub(super) unsafe fn of_encryption<'a>(flag: Flags, info: *const c_void) -> Result<CipherPadding<'a>, Fault> {
    match flag {
        Flags::PAD_PKCS1 => Ok(CipherPadding::Pkcs1),
        Flags::PAD_OAEP => {
            // SAFETY: the caller's promise.
            unsafe {
                let info: OaepPaddingInfo = structure(info).ok_or(MISSING)?;
                Ok(CipherPadding::Oaep { hash: hash(info.hash)?, label: bytes(info.label, info.label_len)? })
            }
        }
        Flags::PAD_CIPHER => Ok(CipherPadding::Block),
        _ => Ok(CipherPadding::None),
    }
}

/// # Safety
/// As [`text`].
unsafe fn hash(name: WideString) -> Result<Hash, Fault> {
    // SAFETY: the caller's promise.
    let name = unsafe { text(name)? };
    hash_by_name(&name).map_err(|_| {
        let what = "the padding names a hash that is not handled: SHA1, SHA256, SHA384 and SHA512 are";
        Fault::Call(Status::NTE_NOT_SUPPORTED, what)
    })
}
