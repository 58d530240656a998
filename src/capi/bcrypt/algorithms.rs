//! Algorithm providers, and properties of whatever has some.

use std::ffi::c_void;
use std::sync::Arc;

use crate::capi::bcrypt::algorithm_of;
use crate::capi::buffer::{needed, optional_text, property_name, text};
use crate::capi::guard::{self, Fault, exports};
use crate::capi::handles::{self, Handle, Object};
use crate::capi::output::{self, Output, Rows, Variable};
use crate::capi::structures::{AlgorithmIdentifierRaw, EccCurveNames, WideString};
use crate::provider::bcrypt::{AlgorithmProvider, Value};
use crate::provider::property::MAX_PROPERTY_NAME;
use crate::status::Status;
use crate::wide;

exports! { bcrypt:
    /// Opens an algorithm. No token is asked.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `phAlgorithm` | gets the handle, which the caller closes with `BCryptCloseAlgorithmProvider` |
    /// | `pszAlgId` | the algorithm |
    /// | `pszImplementation` | optional: `Microsoft Primitive Provider` |
    /// | `dwFlags` | `BCRYPT_ALG_HANDLE_HMAC_FLAG`, `BCRYPT_HASH_REUSABLE_FLAG`, `BCRYPT_PROV_DISPATCH` |
    fn BCryptOpenAlgorithmProvider(phAlgorithm: *mut Handle, pszAlgId: WideString, pszImplementation: WideString, dwFlags: u32) {
        let out = Variable::new(phAlgorithm, "phAlgorithm is NULL")?;
        let (id, implementation) = (text(pszAlgId)?, optional_text(pszImplementation)?);
        out.set(handles::insert(Arc::new(AlgorithmProvider::open(&id, implementation.as_deref(), dwFlags)?))?);
        Ok(())
    }

    /// Closes an algorithm. Keys and hashes that were made with it stay. A pseudo-handle is not closed.
    fn BCryptCloseAlgorithmProvider(hAlgorithm: Handle, dwFlags: u32) {
        no_flags(dwFlags)?;
        handles::remove_kind::<AlgorithmProvider>(hAlgorithm).map(drop)
    }

    /// Names the algorithms, of all operations (0) or of some.
    ///
    /// `*pAlgCount` gets their number, `*ppAlgList` the list, which the caller frees with `BCryptFreeBuffer`; NULL where there is none.
    fn BCryptEnumAlgorithms(dwAlgOperations: u32, pAlgCount: *mut u32, ppAlgList: *mut *mut AlgorithmIdentifierRaw, dwFlags: u32) {
        let count = Variable::new(pAlgCount, "pAlgCount is NULL")?;
        let list = Variable::new(ppAlgList, "ppAlgList is NULL")?;
        no_flags(dwFlags)?;
        let algorithms = AlgorithmProvider::enumerate(dwAlgOperations)?;
        let strings = algorithms.iter().map(|algorithm| wide::units(algorithm.name));
        let mut rows = Rows::new(size_of::<AlgorithmIdentifierRaw>(), algorithms.len(), strings);
        for algorithm in &algorithms {
            let name = rows.string(algorithm.name);
            rows.push(AlgorithmIdentifierRaw { name, class: algorithm.class, flags: 0 });
        }
        list.set(if algorithms.is_empty() { std::ptr::null_mut() } else { rows.give() });
        count.set(u32::try_from(algorithms.len()).unwrap_or(0));
        Ok(())
    }

    /// Reads a property of an algorithm, a key or a hash.
    ///
    /// `pszProperty` is its name, compared exactly; `pbOutput`, `cbOutput`, `pcbResult` are the buffer of the caller, by the rule of sizes. The list of curves points into the same buffer.
    fn BCryptGetProperty(hObject: Handle, pszProperty: WideString, pbOutput: *mut u8, cbOutput: u32, pcbResult: *mut u32, dwFlags: u32) {
        let object = object_of(hObject)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        no_flags(dwFlags)?;
        let mut room = [0; MAX_PROPERTY_NAME];
        let name = property_name(pszProperty, &mut room)?;
        let value = match object {
            Object::Algorithm(algorithm) => algorithm.property(&name)?,
            Object::BcryptKey(key) if name == PROVIDER_HANDLE => {
                if output.only_wants(size_of::<Handle>())? {
                    return Ok(());
                }
                // A handle of its own, as of NCrypt: the caller closes it.
                let algorithm = AlgorithmProvider::open(key.id(), None, 0)?;
                return output.give(&handles::insert(Arc::new(algorithm))?.to_le_bytes());
            }
            Object::BcryptKey(key) => key.property(&name)?,
            Object::Hash(hash) => hash.property(&name)?,
            _ => return Err(Fault::handle()),
        };
        match value {
            Value::Number(number) => output.give(&number.to_le_bytes()),
            Value::Names(curves) => give_curves(&curves, &output),
            value => output.give(&value.to_bytes()),
        }
    }

    /// Sets a property of an algorithm or a key. `pbInput` is read during the call.
    fn BCryptSetProperty(hObject: Handle, pszProperty: WideString, pbInput: *const u8, cbInput: u32, dwFlags: u32) {
        let object = object_of(hObject)?;
        no_flags(dwFlags)?;
        let value = needed(pbInput, cbInput, "pbInput is NULL")?;
        let mut room = [0; MAX_PROPERTY_NAME];
        let name = property_name(pszProperty, &mut room)?;
        match object {
            Object::Algorithm(algorithm) => Ok(algorithm.set_property(&name, value)?),
            Object::BcryptKey(key) => Ok(key.set_property(&name, value)?),
            Object::Hash(_) => Err(Fault::Call(Status::STATUS_NOT_SUPPORTED, "a hash has no property that can be set")),
            _ => Err(Fault::handle()),
        }
    }
}

/// Frees what `BCryptEnumAlgorithms` has allocated. NULL, and any pointer that is not the library's, is passed over.
///
/// # Safety
/// None: the pointer is looked up, not followed.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the names are Microsoft's")]
pub extern "C" fn BCryptFreeBuffer(pvBuffer: *mut c_void) {
    if !pvBuffer.is_null() {
        let _ = guard::bcrypt(|| output::free(pvBuffer));
    }
}

/// `BCRYPT_PROVIDER_HANDLE`
const PROVIDER_HANDLE: &str = "ProviderHandle";

/// BCrypt has no status of its own for a flag that is not known.
pub(super) fn no_flags(flags: u32) -> Result<(), Fault> {
    if flags == 0 { Ok(()) } else { Err(Fault::Call(Status::STATUS_INVALID_PARAMETER, "dwFlags is not 0")) }
}

/// Whatever has properties.
fn object_of(handle: Handle) -> Result<Object, Fault> {
    match handles::any(handle) {
        Ok(object) => Ok(object),
        Err(_) => algorithm_of(handle).map(Object::Algorithm),
    }
}

/// `BCRYPT_ECC_CURVE_NAMES`: how many, and where the list of pointers is, which points to the names behind it.
pub(in crate::capi) fn give_curves(curves: &[&str], output: &Output) -> Result<(), Fault> {
    let head = size_of::<EccCurveNames>();
    let mut at = head + curves.len() * size_of::<usize>();
    let place = |offset: usize| output.address().wrapping_add(offset).to_le_bytes();
    let mut bytes = [(curves.len() as u64).to_le_bytes(), place(head)].concat();
    let mut names = Vec::new();
    for curve in curves {
        bytes.extend(place(at));
        let name = wide::encode_nul(curve);
        at += name.len();
        names.extend(name);
    }
    bytes.extend(names);
    output.give(&bytes)
}
