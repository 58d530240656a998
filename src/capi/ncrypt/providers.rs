//! Providers, handles and enumerations.

use std::ffi::c_void;
use std::sync::Arc;

use secrecy::zeroize::Zeroizing;

use crate::capi::buffer::{optional_text, text};
use crate::capi::guard::{Fault, exports, yes_or_no};
use crate::capi::handles::{self, Handle};
use crate::capi::ncrypt::{KeyObject, storage_of};
use crate::capi::output::{self, Rows, Variable};
use crate::capi::provider::{NAMES, Provider};
use crate::capi::structures::{AlgorithmNameRaw, KeyNameRaw, ProviderNameRaw, WideString};
use crate::provider::{Call, Flags};
use crate::status::Status;
use crate::wide;

/// `HRESULT_FROM_WIN32(RPC_X_NULL_REF_POINTER)`: what the router of Windows answers to an algorithm that is NULL.
pub(super) const NO_ALGORITHM: Fault = Fault::Call(Status::RPC_X_NULL_REF_POINTER, "the algorithm is NULL");

/// What `NCryptEnumKeys` has still to tell.
struct Enumeration {
    keys: std::vec::IntoIter<(String, String)>,
    machine: bool,
}

exports! {
    /// Opens a provider: its token must be there. Nobody logs in yet.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `phProvider` | gets the handle, which the caller frees with `NCryptFreeObject` |
    /// | `pszProviderName` | optional: a `pkcs11:` URI, or a name that means the configured token; it is read during the call |
    /// | `dwFlags` | 0 or `NCRYPT_SILENT_FLAG` |
    fn NCryptOpenStorageProvider(phProvider: *mut Handle, pszProviderName: WideString, dwFlags: u32) {
        let out = Variable::new(phProvider, "phProvider is NULL")?;
        Flags::from_bits(dwFlags).check(Call::OpenProvider)?;
        // A URI may hold a PIN.
        let name = optional_text(pszProviderName)?.map(Zeroizing::new);
        out.set(handles::insert(Arc::new(Provider::open(name.as_ref().map(|name| name.as_str()))?))?);
        Ok(())
    }

    /// Names the providers: those that mean the configured token.
    ///
    /// `*pdwProviderCount` gets their number, `*ppProviderList` the list, which the caller frees with `NCryptFreeBuffer`.
    fn NCryptEnumStorageProviders(pdwProviderCount: *mut u32, ppProviderList: *mut *mut ProviderNameRaw, dwFlags: u32) {
        let count = Variable::new(pdwProviderCount, "pdwProviderCount is NULL")?;
        let list = Variable::new(ppProviderList, "ppProviderList is NULL")?;
        Flags::from_bits(dwFlags).check(Call::OpenProvider)?;
        let strings = NAMES.iter().flat_map(|(name, comment)| [wide::units(name), wide::units(comment)]);
        let mut rows = Rows::new(size_of::<ProviderNameRaw>(), NAMES.len(), strings);
        for (name, comment) in NAMES {
            let row = ProviderNameRaw { name: rows.string(name), comment: rows.string(comment) };
            rows.push(row);
        }
        list.set(rows.give());
        count.set(u32::try_from(NAMES.len()).unwrap_or(0));
        Ok(())
    }

    /// Whether the token has keys of an algorithm: success, or `NTE_NOT_SUPPORTED`.
    fn NCryptIsAlgSupported(hProvider: Handle, pszAlgId: WideString, dwFlags: u32) {
        let provider = handles::get::<Provider>(hProvider)?;
        if pszAlgId.is_null() {
            return Err(NO_ALGORITHM);
        }
        Flags::from_bits(dwFlags).check(Call::IsAlgorithmSupported)?;
        let algorithm = text(pszAlgId)?;
        Ok(provider.scope(false).storage()?.is_algorithm_supported(&algorithm)?)
    }

    /// Names the algorithms of the token's keys, of all operations (`dwAlgOperations` 0) or of some.
    ///
    /// `*pdwAlgCount` gets their number, `*ppAlgList` the list, which the caller frees with `NCryptFreeBuffer`; NULL where there is none.
    fn NCryptEnumAlgorithms(
        hProvider: Handle,
        dwAlgOperations: u32,
        pdwAlgCount: *mut u32,
        ppAlgList: *mut *mut AlgorithmNameRaw,
        dwFlags: u32,
    ) {
        let provider = handles::get::<Provider>(hProvider)?;
        let count = Variable::new(pdwAlgCount, "pdwAlgCount is NULL")?;
        let list = Variable::new(ppAlgList, "ppAlgList is NULL")?;
        Flags::from_bits(dwFlags).check(Call::EnumerateAlgorithms)?;
        let algorithms = provider.scope(false).storage()?.algorithms(dwAlgOperations)?;
        let strings = algorithms.iter().map(|algorithm| wide::units(&algorithm.name));
        let mut rows = Rows::new(size_of::<AlgorithmNameRaw>(), algorithms.len(), strings);
        for algorithm in &algorithms {
            let name = rows.string(&algorithm.name);
            let (class, operations) = (algorithm.class, algorithm.operations);
            rows.push(AlgorithmNameRaw { name, class, operations, flags: algorithm.flags });
        }
        list.set(if algorithms.is_empty() { std::ptr::null_mut() } else { rows.give() });
        count.set(u32::try_from(algorithms.len()).unwrap_or(0));
        Ok(())
    }

    /// Tells one key after another, `NTE_NO_MORE_ITEMS` at the end. What is there is listed at the first call.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `pszScope` | NULL |
    /// | `ppKeyName` | gets one key's name, which the caller frees with `NCryptFreeBuffer` |
    /// | `ppEnumState` | leads to NULL at the first call; gets a state, which the caller frees with `NCryptFreeBuffer` at the end |
    /// | `dwFlags` | `NCRYPT_MACHINE_KEY_FLAG` lists the token of the machine |
    fn NCryptEnumKeys(
        hProvider: Handle,
        pszScope: WideString,
        ppKeyName: *mut *mut KeyNameRaw,
        ppEnumState: *mut *mut c_void,
        dwFlags: u32,
    ) {
        let provider = handles::get::<Provider>(hProvider)?;
        if !pszScope.is_null() {
            return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, "pszScope is not NULL"));
        }
        let name = Variable::new(ppKeyName, "ppKeyName is NULL")?;
        let state = Variable::new(ppEnumState, "ppEnumState is NULL")?;
        let flags = Flags::from_bits(dwFlags);
        flags.check(Call::EnumerateKeys)?;
        let mut at = ppEnumState.read_unaligned();
        if at.is_null() {
            let listed = storage_of(&provider, flags)?.list()?;
            // What has no name that could be opened is no key to CNG; neither is one whose algorithm CNG does not have.
            let named = listed.keys.iter().filter_map(|key| Some((key.name()?.as_str().to_owned(), key.algorithm()?.name())));
            let keys: Vec<_> = named.collect();
            at = output::keep(Enumeration { keys: keys.into_iter(), machine: flags.contains(Flags::MACHINE_KEY) });
            state.set(at);
        }
        let next = output::with_kept(at, |enumeration: &mut Enumeration| Some((enumeration.keys.next()?, enumeration.machine)))?;
        let ((key, algorithm), machine) = next.ok_or(Fault::Call(Status::NTE_NO_MORE_ITEMS, "there are no more keys"))?;
        let mut rows = Rows::new(size_of::<KeyNameRaw>(), 1, [wide::units(&key), wide::units(&algorithm)].into_iter());
        let flags = if machine { Flags::MACHINE_KEY.bits() } else { 0 };
        let row = KeyNameRaw { name: rows.string(&key), algorithm: rows.string(&algorithm), legacy_key_spec: 0, flags };
        rows.push(row);
        name.set(rows.give());
        Ok(())
    }

    /// Frees what `NCryptEnumKeys`, `NCryptEnumAlgorithms` or `NCryptEnumStorageProviders` has allocated, a state among it. Any other pointer, or one that was freed, is
    /// `NTE_INVALID_PARAMETER`.
    fn NCryptFreeBuffer(pvInput: *mut c_void) {
        output::free(pvInput)
    }

    /// Frees a handle of a provider, a key or a secret. An ephemeral key goes with its last use. Keys outlive their provider's handle.
    fn NCryptFreeObject(hObject: Handle) {
        drop(handles::remove(hObject, handles::Object::is_ncrypt)?);
        Ok(())
    }

    /// There are no handles of CryptoAPI here: `NTE_NOT_SUPPORTED`.
    fn NCryptTranslateHandle(
        phProvider: *mut Handle,
        phKey: *mut Handle,
        hLegacyProv: usize,
        hLegacyKey: usize,
        dwLegacyKeySpec: u32,
        dwFlags: u32,
    ) {
        let _ = (phProvider, phKey, hLegacyProv, hLegacyKey, dwLegacyKeySpec, dwFlags);
        Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "there are no handles of CryptoAPI here"))
    }

    /// PKCS#11 tells nobody that a key has changed: `NTE_NOT_SUPPORTED`.
    fn NCryptNotifyChangeKey(hProvider: Handle, phEvent: *mut *mut c_void, dwFlags: u32) {
        handles::get::<Provider>(hProvider)?;
        let _ = Variable::new(phEvent, "phEvent is NULL")?;
        Flags::from_bits(dwFlags).check(Call::Notify)?;
        Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "PKCS#11 tells nobody that a key has changed"))
    }
}

/// Whether a handle is one of a key.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the names are Microsoft's")]
pub extern "C" fn NCryptIsKeyHandle(hKey: Handle) -> i32 {
    yes_or_no(|| handles::is::<KeyObject>(hKey))
}
