//! What keys do: sign, verify, encrypt, decrypt, agree, derive.

use std::ffi::c_void;
use std::sync::Arc;

use crate::capi::bcrypt::algorithms::no_flags;
use crate::capi::bcrypt::hashes::NO_DERIVATION_KEYS;
use crate::capi::buffer::{buffers, bytes, needed, sized, text};
use crate::capi::guard::{Fault, exports};
use crate::capi::handles::{self, Handle};
use crate::capi::output::{Filled, Output, Variable};
use crate::capi::padding;
use crate::capi::structures::{AuthenticatedCipherModeInfo, BufferDescRaw, WideString};
use crate::provider::bcrypt::{BcryptKey, EncryptionPadding, SignaturePadding};
use crate::provider::{Agreement, Authenticated, CipherPadding, Direction, Flags};
use crate::status::Status;

const NO_POST_QUANTUM: Fault =
    Fault::Call(Status::STATUS_NOT_SUPPORTED, "keys of ML-KEM are not put on tokens here, so that none encapsulates");

exports! { bcrypt:
    /// Signs a digest. ECDSA gives r and s side by side, each as wide as the order; RSA wants a padding.
    ///
    /// `pPaddingInfo` is the structure that `BCRYPT_PAD_PKCS1` or `BCRYPT_PAD_PSS` names; `pbOutput`, `cbOutput`, `pcbResult` are the buffer of the caller, by the rule of sizes.
    fn BCryptSignHash(
        hKey: Handle,
        pPaddingInfo: *const c_void,
        pbInput: *const u8,
        cbInput: u32,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let key = handles::get::<BcryptKey>(hKey)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        let form = SignaturePadding::of_flags(dwFlags, false)?;
        if output.only_wants(key.signature_length()?)? {
            return Ok(());
        }
        let digest = needed(pbInput, cbInput, "pbInput is NULL")?;
        output.give(&key.sign_hash(padding::of_bcrypt(form, pPaddingInfo)?, digest)?)
    }

    /// Verifies a signature over a digest: success, or `STATUS_INVALID_SIGNATURE` for one that is wrong in any way.
    fn BCryptVerifySignature(
        hKey: Handle,
        pPaddingInfo: *const c_void,
        pbHash: *const u8,
        cbHash: u32,
        pbSignature: *const u8,
        cbSignature: u32,
        dwFlags: u32,
    ) {
        let key = handles::get::<BcryptKey>(hKey)?;
        let form = SignaturePadding::of_flags(dwFlags, true)?;
        let digest = needed(pbHash, cbHash, "pbHash is NULL")?;
        let signature = needed(pbSignature, cbSignature, "pbSignature is NULL")?;
        let padding = padding::of_bcrypt(form, pPaddingInfo)?;
        match form {
            SignaturePadding::Pkcs1 { hash_optional: true } => Ok(key.verify_with_optional_hash(padding, digest, signature)?),
            _ => Ok(key.verify_signature(padding, digest, signature)?),
        }
    }

    /// Encrypts: RSA by the padding that a flag names; a symmetric key in its mode, whole blocks or with `BCRYPT_BLOCK_PADDING`.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `pbInput`, `cbInput` | what is encrypted; it may be the same buffer as the output |
    /// | `pPaddingInfo` | the structure of `BCRYPT_PAD_OAEP`, or a `BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO`, whose tag is written; else unused |
    /// | `pbIV`, `cbIV` | optional: a block of the caller, which is the last block of the ciphertext afterwards |
    /// | `pbOutput`, `cbOutput`, `pcbResult` | the buffer of the caller, by the rule of sizes |
    fn BCryptEncrypt(
        hKey: Handle,
        pbInput: *const u8,
        cbInput: u32,
        pPaddingInfo: *const c_void,
        pbIV: *mut u8,
        cbIV: u32,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let key = handles::get::<BcryptKey>(hKey)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        let vector = Filled::new(pbIV, cbIV, "pbIV is NULL")?;
        let input = output.input(pbInput, cbInput)?;
        cipher(&key, Direction::Encrypt, input.bytes(), pPaddingInfo, &vector, &output, dwFlags)
    }

    /// Decrypts, as `BCryptEncrypt` encrypts. The size that is asked for is the most that can come out; what is handed out says how long it is.
    fn BCryptDecrypt(
        hKey: Handle,
        pbInput: *const u8,
        cbInput: u32,
        pPaddingInfo: *const c_void,
        pbIV: *mut u8,
        cbIV: u32,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let key = handles::get::<BcryptKey>(hKey)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        let vector = Filled::new(pbIV, cbIV, "pbIV is NULL")?;
        let input = output.input(pbInput, cbInput)?;
        cipher(&key, Direction::Decrypt, input.bytes(), pPaddingInfo, &vector, &output, dwFlags)
    }

    /// Agrees on a secret with the public key of somebody else. `phAgreedSecret` gets the handle, which the caller destroys with `BCryptDestroySecret`; it outlives the keys.
    fn BCryptSecretAgreement(hPrivKey: Handle, hPubKey: Handle, phAgreedSecret: *mut Handle, dwFlags: u32) {
        let private = handles::get::<BcryptKey>(hPrivKey)?;
        let public = handles::get::<BcryptKey>(hPubKey)?;
        let out = Variable::new(phAgreedSecret, "phAgreedSecret is NULL")?;
        no_flags(dwFlags)?;
        out.set(handles::insert(Arc::new(private.secret_agreement(&public)?))?);
        Ok(())
    }

    /// Derives a key from an agreed secret, by the function and the buffers that `NCryptDeriveKey` knows.
    fn BCryptDeriveKey(
        hSharedSecret: Handle,
        pwszKDF: WideString,
        pParameterList: *const BufferDescRaw,
        pbDerivedKey: *mut u8,
        cbDerivedKey: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let secret = handles::get::<Agreement>(hSharedSecret)?;
        let output = Output::new(pbDerivedKey, cbDerivedKey, pcbResult)?;
        output.derive(&secret, &text(pwszKDF)?, &buffers(pParameterList)?, dwFlags)
    }

    /// Destroys a secret.
    fn BCryptDestroySecret(hSecret: Handle) {
        handles::remove_kind::<Agreement>(hSecret).map(drop)
    }

    /// Keys of derivation algorithms are not handled: `STATUS_NOT_SUPPORTED`.
    fn BCryptKeyDerivation(
        hKey: Handle,
        pParameterList: *const BufferDescRaw,
        pbDerivedKey: *mut u8,
        cbDerivedKey: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<BcryptKey>(hKey)?;
        let _ = (Output::new(pbDerivedKey, cbDerivedKey, pcbResult)?, pParameterList, dwFlags);
        Err(NO_DERIVATION_KEYS)
    }

    /// Keys of ML-KEM are not put on tokens here: `STATUS_NOT_SUPPORTED`.
    fn BCryptEncapsulate(
        hKey: Handle,
        pbSecretKey: *mut u8,
        cbSecretKey: u32,
        pcbSecretKey: *mut u32,
        pbCipherText: *mut u8,
        cbCipherText: u32,
        pcbCipherText: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<BcryptKey>(hKey)?;
        let _ = Output::new(pbSecretKey, cbSecretKey, pcbSecretKey)?;
        let _ = Output::new(pbCipherText, cbCipherText, pcbCipherText)?;
        no_flags(dwFlags)?;
        Err(NO_POST_QUANTUM)
    }

    /// Keys of ML-KEM are not put on tokens here: `STATUS_NOT_SUPPORTED`.
    fn BCryptDecapsulate(
        hKey: Handle,
        pbCipherText: *const u8,
        cbCipherText: u32,
        pbSecretKey: *mut u8,
        cbSecretKey: u32,
        pcbSecretKey: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<BcryptKey>(hKey)?;
        let _ = needed(pbCipherText, cbCipherText, "pbCipherText is NULL")?;
        let _ = Output::new(pbSecretKey, cbSecretKey, pcbSecretKey)?;
        no_flags(dwFlags)?;
        Err(NO_POST_QUANTUM)
    }
}

/// # Safety
/// `info` is NULL or leads to the structure that the flags or the key's mode name.
unsafe fn cipher(
    key: &BcryptKey,
    way: Direction,
    input: &[u8],
    info: *const c_void,
    vector: &Filled,
    output: &Output,
    flags: u32,
) -> Result<(), Fault> {
    let form = key.encryption_padding(flags)?;
    if key.is_authenticated() {
        // SAFETY: the caller's promise.
        return unsafe { authenticated(key, way, input, info, output) };
    }
    let padding = match form {
        EncryptionPadding::None => CipherPadding::None,
        EncryptionPadding::Block => CipherPadding::Block,
        EncryptionPadding::Pkcs1 => CipherPadding::Pkcs1,
        // The size is told without the structure.
        _ if output.is_query() => CipherPadding::Pkcs1,
        // SAFETY: the caller's promise.
        _ => unsafe { padding::of_encryption(Flags::PAD_OAEP, info)? },
    };
    let most = key.output_length(way, &padding, input.len())?;
    // What is decrypted may be shorter than it could be.
    let knows_length = way == Direction::Encrypt || padding == CipherPadding::None;
    if (output.is_query() || knows_length) && output.only_wants(most)? {
        return Ok(());
    }
    // What is written into the vector is written once the output is: a call that fails has changed nothing.
    let mut iv = vector.copy();
    let given = iv.as_deref_mut();
    match way {
        Direction::Encrypt => output.give(&key.encrypt(&padding, given, input)?)?,
        // What does not fit has not moved the key's own vector on.
        Direction::Decrypt => key.decrypt_to(&padding, given, input, |plain| output.give(plain)).map(drop)?,
    }
    match iv {
        Some(iv) => vector.with(|out| {
            out.copy_from_slice(&iv);
            Ok(())
        }),
        None => Ok(()),
    }
}

/// # Safety
/// As [`cipher`].
unsafe fn authenticated(
    key: &BcryptKey,
    way: Direction,
    input: &[u8],
    info: *const c_void,
    output: &Output,
) -> Result<(), Fault> {
    const WRONG_INFO: Fault = Fault::Call(
        Status::STATUS_INVALID_PARAMETER,
        "pPaddingInfo is no BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO of version 1, or chains calls",
    );
    // What is authenticated stays as long as it is.
    if output.only_wants(input.len())? {
        return Ok(());
    }
    // SAFETY: the caller's promise, here and below.
    let info: AuthenticatedCipherModeInfo = unsafe { sized(info) }.ok_or(WRONG_INFO)?;
    if info.size as usize != size_of::<AuthenticatedCipherModeInfo>() || info.version != 1 || info.flags != 0 {
        return Err(WRONG_INFO);
    }
    // SAFETY: as above.
    let (nonce, additional) =
        unsafe { (bytes(info.nonce, info.nonce_len)?, bytes(info.additional, info.additional_len)?) };
    let beside = Authenticated { nonce, additional };
    match way {
        Direction::Encrypt => {
            // SAFETY: as above.
            let tag = unsafe { Filled::new(info.tag, info.tag_len, "pbTag is NULL")? };
            let mut sealed = Vec::new();
            tag.with(|tag| {
                sealed = key.seal(&beside, tag, input)?;
                Ok(())
            })?;
            output.give(&sealed)
        }
        Direction::Decrypt => {
            // SAFETY: as above.
            let tag = unsafe { needed(info.tag, info.tag_len, "pbTag is NULL")? };
            output.give(&key.open(&beside, tag, input)?)
        }
    }
}
