//! `GetKeyStorageInterface`: the table of functions by which Windows drives a key storage provider (`ncrypt_provider.h`), version 1.0 with its 26 slots.
//!
//! The slots do what the functions of `ncrypt.h` do, with the provider's handle in front. It must be a handle of a provider, except where something is freed: a key or a secret may be
//! freed after its provider. A UI policy is an `NCRYPT_UI_POLICY_BLOB` here.

use std::ffi::c_void;

use super::buffer::{needed, property_name};
use super::guard::{self, Fault};
use super::handles::{self, Handle, Object};
use super::ncrypt::{self, KeyObject, SecretObject, UiPolicyForm, property_of, set_property_of};
use super::output::{Output, Variable};
use super::provider::Provider;
use super::structures::{AlgorithmNameRaw, BufferDescRaw, KeyNameRaw, WideString};
use crate::provider::property::MAX_PROPERTY_NAME;
use crate::status::Status;

/// Declares the table and a function for each slot.
macro_rules! slots {
    ($($(#[$doc:meta])* $slot:ident($($argument:ident: $type:ty),*) $body:block)+) => {
        /// `NCRYPT_KEY_STORAGE_FUNCTION_TABLE`
        #[repr(C)]
        #[allow(non_snake_case, reason = "the names are Microsoft's")]
        #[derive(Debug)]
        pub struct FunctionTable {
            /// BCRYPT_INTERFACE_VERSION: major, minor
            pub Version: [u16; 2],
            $($(#[$doc])* pub $slot: unsafe extern "C" fn($($type),*) -> i32,)+
        }

        static TABLE: FunctionTable = FunctionTable { Version: [1, 0], $($slot: slot::$slot,)+ };

        #[allow(non_snake_case, reason = "the names are Microsoft's")]
        mod slot {
            use super::*;
            $(
                /// # Safety
                /// As of the function of `ncrypt.h` that it stands for.
                pub(super) unsafe extern "C" fn $slot($($argument: $type),*) -> i32 {
                    #[allow(unused_unsafe, reason = "some slots follow no pointer")]
                    // SAFETY: what the caller has promised of the pointers is what the functions ask for.
                    unsafe {
                        $body
                    }
                }
            )+
        }
    };
}

/// A call with a provider's handle in front: it must be one.
fn with_provider(provider: Handle, call: impl FnOnce() -> i32) -> i32 {
    if handles::is::<Provider>(provider) { call() } else { guard::ncrypt(|| Err(Fault::handle())) }
}

slots! {
    /// Opens a provider.
    OpenProvider(provider: *mut Handle, name: WideString, flags: u32) {
        ncrypt::NCryptOpenStorageProvider(provider, name, flags)
    }
    /// Opens a key.
    OpenKey(provider: Handle, key: *mut Handle, name: WideString, spec: u32, flags: u32) {
        ncrypt::NCryptOpenKey(provider, key, name, spec, flags)
    }
    /// Makes a pending key.
    CreatePersistedKey(provider: Handle, key: *mut Handle, algorithm: WideString, name: WideString, spec: u32, flags: u32) {
        // The router of Windows has an answer of its own to an algorithm that is NULL.
        if algorithm.is_null() {
            return guard::ncrypt(|| Err(Fault::null("the algorithm is NULL")));
        }
        ncrypt::NCryptCreatePersistedKey(provider, key, algorithm, name, spec, flags)
    }
    /// Reads a property of a provider.
    GetProviderProperty(provider: Handle, name: WideString, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        guard::ncrypt(|| {
            let object = Object::Provider(handles::get::<Provider>(provider)?);
            let mut room = [0; MAX_PROPERTY_NAME];
            // SAFETY: as of the whole slot.
            let (name, output) = unsafe { (property_name(name, &mut room)?, Output::new(out, cb, pcb)?) };
            property_of(&object, &name, &output, flags, UiPolicyForm::Blob)
        })
    }
    /// Reads a property of a key.
    GetKeyProperty(provider: Handle, key: Handle, name: WideString, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        with_provider(provider, || guard::ncrypt(|| {
            let object = Object::Key(handles::get::<KeyObject>(key)?);
            let mut room = [0; MAX_PROPERTY_NAME];
            // SAFETY: as of the whole slot.
            let (name, output) = unsafe { (property_name(name, &mut room)?, Output::new(out, cb, pcb)?) };
            property_of(&object, &name, &output, flags, UiPolicyForm::Blob)
        }))
    }
    /// Sets a property of a provider.
    SetProviderProperty(provider: Handle, name: WideString, value: *const u8, cb: u32, flags: u32) {
        guard::ncrypt(|| {
            let object = Object::Provider(handles::get::<Provider>(provider)?);
            // SAFETY: as of the whole slot.
            unsafe { set_property_of(&object, name, needed(value, cb, "pbInput is NULL")?, flags, UiPolicyForm::Blob) }
        })
    }
    /// Sets a property of a key.
    SetKeyProperty(provider: Handle, key: Handle, name: WideString, value: *const u8, cb: u32, flags: u32) {
        with_provider(provider, || guard::ncrypt(|| {
            let object = Object::Key(handles::get::<KeyObject>(key)?);
            // SAFETY: as of the whole slot.
            unsafe { set_property_of(&object, name, needed(value, cb, "pbInput is NULL")?, flags, UiPolicyForm::Blob) }
        }))
    }
    /// Finalizes a key.
    FinalizeKey(provider: Handle, key: Handle, flags: u32) {
        with_provider(provider, || ncrypt::NCryptFinalizeKey(key, flags))
    }
    /// Deletes a key and frees its handle.
    DeleteKey(provider: Handle, key: Handle, flags: u32) {
        with_provider(provider, || ncrypt::NCryptDeleteKey(key, flags))
    }
    /// Frees a provider.
    FreeProvider(provider: Handle) {
        guard::ncrypt(|| handles::remove_kind::<Provider>(provider).map(drop))
    }
    /// Frees a key, whatever has become of its provider.
    FreeKey(provider: Handle, key: Handle) {
        let _ = provider;
        guard::ncrypt(|| handles::remove_kind::<KeyObject>(key).map(drop))
    }
    /// Frees what an enumeration allocated.
    FreeBuffer(buffer: *mut c_void) {
        ncrypt::NCryptFreeBuffer(buffer)
    }
    /// Encrypts.
    Encrypt(provider: Handle, key: Handle, input: *const u8, len: u32, padding: *const c_void, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        with_provider(provider, || ncrypt::NCryptEncrypt(key, input, len, padding, out, cb, pcb, flags))
    }
    /// Decrypts.
    Decrypt(provider: Handle, key: Handle, input: *const u8, len: u32, padding: *const c_void, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        with_provider(provider, || ncrypt::NCryptDecrypt(key, input, len, padding, out, cb, pcb, flags))
    }
    /// Whether there are keys of an algorithm.
    IsAlgSupported(provider: Handle, algorithm: WideString, flags: u32) {
        if algorithm.is_null() {
            return guard::ncrypt(|| Err(Fault::null("the algorithm is NULL")));
        }
        ncrypt::NCryptIsAlgSupported(provider, algorithm, flags)
    }
    /// Lists algorithms.
    EnumAlgorithms(provider: Handle, operations: u32, count: *mut u32, list: *mut *mut AlgorithmNameRaw, flags: u32) {
        ncrypt::NCryptEnumAlgorithms(provider, operations, count, list, flags)
    }
    /// Lists keys.
    EnumKeys(provider: Handle, scope: WideString, name: *mut *mut KeyNameRaw, state: *mut *mut c_void, flags: u32) {
        ncrypt::NCryptEnumKeys(provider, scope, name, state, flags)
    }
    /// Imports a key.
    ImportKey(provider: Handle, import_key: Handle, blob_type: WideString, parameters: *const BufferDescRaw, key: *mut Handle, data: *const u8, len: u32, flags: u32) {
        ncrypt::NCryptImportKey(provider, import_key, blob_type, parameters, key, data, len, flags)
    }
    /// Exports a key.
    ExportKey(provider: Handle, key: Handle, export_key: Handle, blob_type: WideString, parameters: *const BufferDescRaw, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        with_provider(provider, || ncrypt::NCryptExportKey(key, export_key, blob_type, parameters, out, cb, pcb, flags))
    }
    /// Signs.
    SignHash(provider: Handle, key: Handle, padding: *const c_void, hash: *const u8, len: u32, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        with_provider(provider, || ncrypt::NCryptSignHash(key, padding, hash, len, out, cb, pcb, flags))
    }
    /// Verifies.
    VerifySignature(provider: Handle, key: Handle, padding: *const c_void, hash: *const u8, len: u32, signature: *const u8, signature_len: u32, flags: u32) {
        with_provider(provider, || ncrypt::NCryptVerifySignature(key, padding, hash, len, signature, signature_len, flags))
    }
    /// Nobody is asked here.
    PromptUser(provider: Handle, key: Handle, operation: WideString, flags: u32) {
        let _ = (key, operation, flags);
        with_provider(provider, || guard::ncrypt(|| Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "nobody is asked here"))))
    }
    /// PKCS#11 tells nobody that a key has changed.
    NotifyChangeKey(provider: Handle, event: *mut *mut c_void, flags: u32) {
        ncrypt::NCryptNotifyChangeKey(provider, event, flags)
    }
    /// Agrees on a secret.
    SecretAgreement(provider: Handle, private: Handle, public: Handle, secret: *mut Handle, flags: u32) {
        with_provider(provider, || ncrypt::NCryptSecretAgreement(private, public, secret, flags))
    }
    /// Derives a key from a secret.
    DeriveKey(provider: Handle, secret: Handle, kdf: WideString, parameters: *const BufferDescRaw, out: *mut u8, cb: u32, pcb: *mut u32, flags: u32) {
        with_provider(provider, || ncrypt::NCryptDeriveKey(secret, kdf, parameters, out, cb, pcb, flags))
    }
    /// Frees a secret, whatever has become of its provider.
    FreeSecret(provider: Handle, secret: Handle) {
        let _ = provider;
        guard::ncrypt(|| handles::remove_kind::<SecretObject>(secret).map(drop))
    }
}

/// Gives the table of functions, which is the library's and never changes.
///
/// `pszProviderName` is optional and not looked at: a provider is named when it is opened. `ppFunctionTable` gets the address of the table.
///
/// # Safety
/// `ppFunctionTable` is NULL or leads to a pointer.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the names are Microsoft's")]
pub unsafe extern "C" fn GetKeyStorageInterface(
    pszProviderName: WideString,
    ppFunctionTable: *mut *const FunctionTable,
    dwFlags: u32,
) -> i32 {
    let _ = pszProviderName;
    guard::ncrypt(|| {
        // SAFETY: the caller's promise.
        let table = unsafe { Variable::new(ppFunctionTable, "ppFunctionTable is NULL")? };
        if dwFlags != 0 {
            return Err(Fault::Call(Status::NTE_BAD_FLAGS, "dwFlags is not 0"));
        }
        table.set(&raw const TABLE);
        Ok(())
    })
}
