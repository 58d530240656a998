//! What keys do: sign, verify, encrypt, decrypt, agree, derive.

use std::ffi::c_void;
use std::sync::Arc;

use crate::capi::buffer::{buffers, bytes, needed, sized, text};
use crate::capi::guard::{Fault, exports};
use crate::capi::handles::{self, Handle};
use crate::capi::ncrypt::{KeyObject, SecretObject};
use crate::capi::output::{Output, Variable};
use crate::capi::padding;
use crate::capi::structures::{AuthenticatedCipherModeInfo, BufferDescRaw, CipherPaddingInfo, WideString};
use crate::provider::{Authenticated, Call, ChainingMode, CipherPadding, Direction, Flags, Key};
use crate::status::Status;

const NO_POST_QUANTUM: Fault =
    Fault::Call(Status::NTE_NOT_SUPPORTED, "keys of ML-KEM are not put on tokens here, so that none encapsulates");

exports! {
    /// Signs a digest. ECDSA gives r and s side by side, each as wide as the order; RSA wants a padding.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `pPaddingInfo` | the structure that `NCRYPT_PAD_PKCS1_FLAG` or `NCRYPT_PAD_PSS_FLAG` names; else unused |
    /// | `pbHashValue`, `cbHashValue` | the digest |
    /// | `pbSignature`, `cbSignature`, `pcbResult` | the buffer of the caller, by the rule of sizes |
    fn NCryptSignHash(
        hKey: Handle,
        pPaddingInfo: *const c_void,
        pbHashValue: *const u8,
        cbHashValue: u32,
        pbSignature: *mut u8,
        cbSignature: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let object = handles::get::<KeyObject>(hKey)?;
        let output = Output::new(pbSignature, cbSignature, pcbResult)?;
        let flag = Flags::from_bits(dwFlags).padding(Call::Sign)?;
        let key = object.read();
        key.check_finalized()?;
        if output.only_wants(key.signature_length().ok_or(CANNOT_SIGN)?)? {
            return Ok(());
        }
        let digest = needed(pbHashValue, cbHashValue, "pbHashValue is NULL")?;
        let padding = padding::of_signature(flag, pPaddingInfo)?;
        output.give(&key.sign_hash(padding, digest)?)
    }

    /// Verifies a signature over a digest: success, or `NTE_BAD_SIGNATURE` for one that is wrong in any way.
    ///
    /// `pPaddingInfo` as for `NCryptSignHash`; `pbHashValue` and `pbSignature` are read.
    fn NCryptVerifySignature(
        hKey: Handle,
        pPaddingInfo: *const c_void,
        pbHashValue: *const u8,
        cbHashValue: u32,
        pbSignature: *const u8,
        cbSignature: u32,
        dwFlags: u32,
    ) {
        let object = handles::get::<KeyObject>(hKey)?;
        let flag = Flags::from_bits(dwFlags).padding(Call::Verify)?;
        let key = object.read();
        key.check_finalized()?;
        let digest = needed(pbHashValue, cbHashValue, "pbHashValue is NULL")?;
        let signature = needed(pbSignature, cbSignature, "pbSignature is NULL")?;
        let padding = padding::of_signature(flag, pPaddingInfo)?;
        Ok(key.verify_signature(padding, digest, signature)?)
    }

    /// Encrypts, with an RSA key by the padding that a flag names, or with a symmetric key in the mode of its property `Chaining Mode`.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `pbInput`, `cbInput` | what is encrypted; it may be the same buffer as the output |
    /// | `pPaddingInfo` | the structure of `NCRYPT_PAD_OAEP_FLAG`, or with `NCRYPT_PAD_CIPHER_FLAG` an `NCRYPT_CIPHER_PADDING_INFO`; else unused |
    /// | `pbOutput`, `cbOutput`, `pcbResult` | the buffer of the caller, by the rule of sizes |
    fn NCryptEncrypt(
        hKey: Handle,
        pbInput: *const u8,
        cbInput: u32,
        pPaddingInfo: *const c_void,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let object = handles::get::<KeyObject>(hKey)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        let input = output.input(pbInput, cbInput)?;
        cipher(&object, Direction::Encrypt, input.bytes(), pPaddingInfo, &output, dwFlags)
    }

    /// Decrypts, as `NCryptEncrypt` encrypts. The size that is asked for is the most that can come out; what is handed out says how long it is.
    fn NCryptDecrypt(
        hKey: Handle,
        pbInput: *const u8,
        cbInput: u32,
        pPaddingInfo: *const c_void,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let object = handles::get::<KeyObject>(hKey)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        let input = output.input(pbInput, cbInput)?;
        cipher(&object, Direction::Decrypt, input.bytes(), pPaddingInfo, &output, dwFlags)
    }

    /// Agrees on a secret with the public key of somebody else, which was imported into the same provider.
    ///
    /// `phAgreedSecret` gets the handle of the secret, which the caller frees with `NCryptFreeObject`. It outlives the keys.
    fn NCryptSecretAgreement(hPrivKey: Handle, hPubKey: Handle, phAgreedSecret: *mut Handle, dwFlags: u32) {
        let private = handles::get::<KeyObject>(hPrivKey)?;
        let public = handles::get::<KeyObject>(hPubKey)?;
        let out = Variable::new(phAgreedSecret, "phAgreedSecret is NULL")?;
        Flags::from_bits(dwFlags).check(Call::SecretAgreement)?;
        let agreement = KeyObject::with_both(&private, &public, |own, other| private.storage.secret_agreement(own, other))?;
        out.set(handles::insert(Arc::new(SecretObject { agreement }))?);
        Ok(())
    }

    /// Derives a key from an agreed secret.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `pwszKDF` | `HASH`, `HMAC`, `TLS_PRF`, `SP800_56A_CONCAT`, `TRUNCATE` (little-endian) or `HKDF` |
    /// | `pParameterList` | optional, by the function |
    /// | `pbDerivedKey`, `cbDerivedKey`, `pcbResult` | the buffer of the caller; functions of any length fill it |
    /// | `dwFlags` | `KDF_USE_SECRET_AS_HMAC_KEY_FLAG` |
    fn NCryptDeriveKey(
        hSharedSecret: Handle,
        pwszKDF: WideString,
        pParameterList: *const BufferDescRaw,
        pbDerivedKey: *mut u8,
        cbDerivedKey: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let secret = handles::get::<SecretObject>(hSharedSecret)?;
        let output = Output::new(pbDerivedKey, cbDerivedKey, pcbResult)?;
        let flags = Flags::from_bits(dwFlags);
        flags.check(Call::Derive)?;
        let flags = (flags & Flags::USE_SECRET_AS_HMAC_KEY).bits();
        output.derive(&secret.agreement, &text(pwszKDF)?, &buffers(pParameterList)?, flags)
    }

    /// Derives a key from a key of a derivation algorithm, of which a token has none: `NTE_NOT_SUPPORTED`.
    fn NCryptKeyDerivation(
        hKey: Handle,
        pParameterList: *const BufferDescRaw,
        pbDerivedKey: *mut u8,
        cbDerivedKey: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<KeyObject>(hKey)?;
        let _ = (Output::new(pbDerivedKey, cbDerivedKey, pcbResult)?, pParameterList);
        Flags::from_bits(dwFlags).check(Call::KeyDerivation)?;
        Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "no key of a token is one of CNG's derivation algorithms"))
    }

    /// Keys of ML-KEM are not put on tokens here: `NTE_NOT_SUPPORTED`.
    fn NCryptEncapsulate(
        hKey: Handle,
        pbSecretKey: *mut u8,
        cbSecretKey: u32,
        pcbSecretKey: *mut u32,
        pbCipherText: *mut u8,
        cbCipherText: u32,
        pcbCipherText: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<KeyObject>(hKey)?;
        let _ = Output::new(pbSecretKey, cbSecretKey, pcbSecretKey)?;
        let _ = Output::new(pbCipherText, cbCipherText, pcbCipherText)?;
        Flags::from_bits(dwFlags).check(Call::KeyDerivation)?;
        Err(NO_POST_QUANTUM)
    }

    /// Keys of ML-KEM are not put on tokens here: `NTE_NOT_SUPPORTED`.
    fn NCryptDecapsulate(
        hKey: Handle,
        pbCipherText: *const u8,
        cbCipherText: u32,
        pbSecretKey: *mut u8,
        cbSecretKey: u32,
        pcbSecretKey: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<KeyObject>(hKey)?;
        let _ = (bytes(pbCipherText, cbCipherText)?, Output::new(pbSecretKey, cbSecretKey, pcbSecretKey)?);
        Flags::from_bits(dwFlags).check(Call::KeyDerivation)?;
        Err(NO_POST_QUANTUM)
    }

    /// No key here attests others: `NTE_NOT_SUPPORTED`.
    fn NCryptCreateClaim(
        hSubjectKey: Handle,
        hAuthorityKey: Handle,
        dwClaimType: u32,
        pParameterList: *const BufferDescRaw,
        pbClaimBlob: *mut u8,
        cbClaimBlob: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        handles::get::<KeyObject>(hSubjectKey)?;
        let _ = (hAuthorityKey, dwClaimType, pParameterList, Output::new(pbClaimBlob, cbClaimBlob, pcbResult)?, dwFlags);
        Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "no key here attests others"))
    }

    /// No key here attests others: `NTE_NOT_SUPPORTED`.
    fn NCryptVerifyClaim(
        hSubjectKey: Handle,
        hAuthorityKey: Handle,
        dwClaimType: u32,
        pParameterList: *const BufferDescRaw,
        pbClaimBlob: *const u8,
        cbClaimBlob: u32,
        pOutput: *mut BufferDescRaw,
        dwFlags: u32,
    ) {
        handles::get::<KeyObject>(hSubjectKey)?;
        let _ = (hAuthorityKey, dwClaimType, pParameterList, pbClaimBlob, cbClaimBlob, pOutput, dwFlags);
        Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "no key here attests others"))
    }
}

const CANNOT_SIGN: Fault = Fault::Call(Status::NTE_BAD_ALGID, "the key is none that signs");
const WRONG_INFO: Fault = Fault::Call(
    Status::NTE_INVALID_PARAMETER,
    "pPaddingInfo is no NCRYPT_CIPHER_PADDING_INFO of this size and these flags",
);

/// # Safety
/// `info` is NULL or leads to the structure that the flags name.
unsafe fn cipher(
    object: &KeyObject,
    way: Direction,
    input: &[u8],
    info: *const c_void,
    output: &Output,
    flags: u32,
) -> Result<(), Fault> {
    let call = if way == Direction::Encrypt { Call::Encrypt } else { Call::Decrypt };
    let flag = Flags::from_bits(flags).padding(call)?;
    let key = object.read();
    key.check_finalized()?;
    if key.is_symmetric() {
        // SAFETY: the caller's promise.
        return unsafe { symmetric(&key, way, input, info, output, flag) };
    }
    let known = match flag {
        // The size is told without the structure.
        Flags::PAD_OAEP if output.is_query() => CipherPadding::Pkcs1,
        // SAFETY: the caller's promise.
        flag => unsafe { padding::of_encryption(flag, info)? },
    };
    let most = key.output_length(way, &known, input.len())?;
    match way {
        Direction::Encrypt if output.only_wants(most)? => Ok(()),
        Direction::Encrypt => output.give(&key.encrypt(&known, input)?),
        Direction::Decrypt if output.is_query() => output.only_wants(most).map(|_| ()),
        Direction::Decrypt => output.give(&key.decrypt(&known, input)?),
    }
}

/// `NCRYPT_CIPHER_BLOCK_PADDING_FLAG` and `NCRYPT_CIPHER_OTHER_PADDING_FLAG`
const BLOCK_PADDING: u32 = 1;
const OTHER_PADDING: u32 = 2;

/// # Safety
/// As [`cipher`].
unsafe fn symmetric(
    key: &Key,
    way: Direction,
    input: &[u8],
    info: *const c_void,
    output: &Output,
    flag: Flags,
) -> Result<(), Fault> {
    let mode = key.chaining_mode().ok_or(Fault::Call(Status::NTE_NOT_SUPPORTED, "the key is none that encrypts"))?;
    let info: Option<CipherPaddingInfo> = match flag {
        // SAFETY: the caller's promise, here and below.
        Flags::PAD_CIPHER => Some(unsafe { sized(info) }.ok_or(WRONG_INFO)?),
        Flags::NONE | Flags::NO_PADDING => None,
        _ => return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, "this padding is for asymmetric keys")),
    };
    if mode.is_authenticated() {
        let info = info.filter(|info| info.flags == OTHER_PADDING).ok_or(WRONG_INFO)?;
        // SAFETY: as above.
        return unsafe { authenticated(key, mode, way, input, &info, output) };
    }
    let padded = match info.as_ref().map_or(0, |info| info.flags) {
        0 => false,
        BLOCK_PADDING => true,
        _ => return Err(WRONG_INFO),
    };
    let padding = if padded { CipherPadding::Block } else { CipherPadding::None };
    let most = key.output_length(way, &padding, input.len())?;
    if (output.is_query() || way == Direction::Encrypt) && output.only_wants(most)? {
        return Ok(());
    }
    // SAFETY: as above.
    let given = info.as_ref().map_or(Ok(&[][..]), |info| unsafe { bytes(info.iv, info.iv_len) })?;
    let own = if given.is_empty() && mode != ChainingMode::Ecb {
        key.initialization_vector().unwrap_or_default()
    } else {
        given
    };
    match way {
        Direction::Encrypt => output.give(&key.encrypt_symmetric(mode, own, padded, input)?),
        Direction::Decrypt => output.give(&key.decrypt_symmetric(mode, own, padded, input)?),
    }
}

/// # Safety
/// As [`cipher`].
unsafe fn authenticated(
    key: &Key,
    mode: ChainingMode,
    way: Direction,
    input: &[u8],
    info: &CipherPaddingInfo,
    output: &Output,
) -> Result<(), Fault> {
    if (info.other_len as usize) < size_of::<AuthenticatedCipherModeInfo>() {
        return Err(WRONG_INFO);
    }
    if output.only_wants(input.len())? {
        return Ok(());
    }
    // SAFETY: the caller's promise, here and below.
    let info: AuthenticatedCipherModeInfo = unsafe { sized(info.other.cast_const().cast()) }.ok_or(WRONG_INFO)?;
    if info.size as usize != size_of::<AuthenticatedCipherModeInfo>() || info.version != 1 || info.flags != 0 {
        return Err(Fault::Call(
            Status::NTE_INVALID_PARAMETER,
            "the BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO is not of version 1, or chains calls",
        ));
    }
    // SAFETY: as above.
    let (nonce, additional) =
        unsafe { (bytes(info.nonce, info.nonce_len)?, bytes(info.additional, info.additional_len)?) };
    let beside = Authenticated { nonce, additional };
    match way {
        Direction::Encrypt => {
            if info.tag.is_null() {
                return Err(Fault::null("pbTag is NULL"));
            }
            let mut len = 0;
            // SAFETY: as above.
            let tag_out = unsafe { Output::new(info.tag, info.tag_len, &raw mut len)? };
            let (sealed, tag) = key.seal(mode, &beside, info.tag_len as usize, input)?;
            tag_out.give(&tag)?;
            output.give(&sealed)
        }
        Direction::Decrypt => {
            // SAFETY: as above.
            let tag = unsafe { needed(info.tag, info.tag_len, "pbTag is NULL")? };
            output.give(&key.open(mode, &beside, tag, input)?)
        }
    }
}
