//! `NCryptGetProperty` and `NCryptSetProperty`, of providers and keys.
//!
//! Owns what is a matter of C alone: the provider's handle as a property, PINs as wide strings, and the UI policy, which programs see as a structure with pointers and providers as
//! one block of bytes.

use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use crate::capi::bcrypt::give_curves;
use crate::capi::buffer::{needed, optional_text, property_name};
use crate::capi::guard::{Fault, exports};
use crate::capi::handles::{self, Handle, Object};
use crate::capi::ncrypt::KeyObject;
use crate::capi::output::Output;
use crate::capi::provider::Provider;
use crate::capi::structures::{UiPolicy, WideString};
use crate::provider::property::MAX_PROPERTY_NAME;
use crate::provider::{Call, Flags, PropertyValue, names};
use crate::status::Status;
use crate::token::SecretString;
use crate::wide;

/// How a UI policy is handed over.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(in crate::capi) enum UiPolicyForm {
    /// `NCRYPT_UI_POLICY_BLOB`, as providers see it.
    Blob,
    /// `NCRYPT_UI_POLICY`, as programs see it.
    Structure,
}

exports! {
    /// Reads a property of a provider or a key.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `pszProperty` | its name, compared exactly |
    /// | `pbOutput`, `cbOutput`, `pcbResult` | the buffer of the caller, by the rule of sizes; pointers in a UI policy lead into the same buffer |
    /// | `dwFlags` | `NCRYPT_SILENT_FLAG`, `NCRYPT_PERSIST_ONLY_FLAG` |
    ///
    /// The handle that `Provider Handle` gives is the caller's, to be freed with `NCryptFreeObject`.
    fn NCryptGetProperty(
        hObject: Handle,
        pszProperty: WideString,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let output = Output::new(pbOutput, cbOutput, pcbResult);
        let mut room = [0; MAX_PROPERTY_NAME];
        let name = property_name(pszProperty, &mut room);
        // What programs ask for all the time goes the shortest way.
        if let (Ok(output), Ok(name), 0) = (&output, &name, dwFlags)
            && let Some(number) = handles::peek(hObject, |object: &KeyObject| object.key.try_read().ok()?.number(name))
        {
            return output.give(&number.to_le_bytes());
        }
        property_of(&handles::any(hObject)?, &name?, &output?, dwFlags, UiPolicyForm::Structure)
    }

    /// Sets a property of a provider or a key; a blob type as the name sets the blob of a pending key.
    ///
    /// `pbInput` is read during the call, and what is secret in it (PINs, blobs) is kept in memory that is wiped.
    fn NCryptSetProperty(hObject: Handle, pszProperty: WideString, pbInput: *const u8, cbInput: u32, dwFlags: u32) {
        let object = handles::any(hObject)?;
        let value = needed(pbInput, cbInput, "pbInput is NULL")?;
        set_property_of(&object, pszProperty, value, dwFlags, UiPolicyForm::Structure)
    }
}

pub(in crate::capi) fn property_of(
    object: &Object,
    name: &str,
    output: &Output,
    flags: u32,
    form: UiPolicyForm,
) -> Result<(), Fault> {
    let flags = Flags::from_bits(flags);
    let value = match object {
        Object::Key(object) => {
            if name == names::PROVIDER_HANDLE {
                flags.check(Call::GetProperty)?;
                return give_handle(object, output);
            }
            object.read().property_with(name, flags)?
        }
        Object::Provider(provider) => {
            check(name, flags, Call::GetProperty)?;
            if flags.contains(Flags::PERSIST_ONLY) {
                return Err(Fault::Call(
                    Status::NTE_NOT_SUPPORTED,
                    "nothing keeps a property of one's own with a provider",
                ));
            }
            if name == names::NAME {
                PropertyValue::Text(provider.name().to_owned())
            } else {
                provider.scope(false).storage()?.property(name)?
            }
        }
        _ => return Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "a secret has no properties")),
    };
    match value {
        PropertyValue::Number(number) => output.give(&number.to_le_bytes()),
        PropertyValue::Texts(curves) => give_curves(&curves.iter().map(String::as_str).collect::<Vec<_>>(), output),
        value if name == names::UI_POLICY && form == UiPolicyForm::Structure => give_policy(&value.to_bytes(), output),
        value => output.give(&value.to_bytes()),
    }
}

/// # Safety
/// `name` is NULL or leads to a string that ends with a NUL; a UI policy leads to such strings.
pub(in crate::capi) unsafe fn set_property_of(
    object: &Object,
    name: WideString,
    value: &[u8],
    flags: u32,
    form: UiPolicyForm,
) -> Result<(), Fault> {
    let mut room = [0; MAX_PROPERTY_NAME];
    // SAFETY: the caller's promise.
    let name = unsafe { property_name(name, &mut room)? };
    let (name, flags) = (&*name, Flags::from_bits(flags));
    let pin = if name == names::PIN { Some(pin(value)?) } else { None };
    match object {
        Object::Key(object) => {
            check(name, flags, Call::SetProperty)?;
            if let Some(pin) = pin {
                // An empty one says that there is none.
                object.write().set_pin((!pin.expose_secret().is_empty()).then_some(pin));
                return Ok(());
            }
            if name == names::UI_POLICY && form == UiPolicyForm::Structure {
                // SAFETY: the caller's promise.
                let blob = unsafe { policy_blob(value)? };
                return Ok(object.write().set_property_with(name, &blob, flags)?);
            }
            Ok(object.write().set_property_with(name, value, flags)?)
        }
        Object::Provider(provider) => {
            check(name, flags, Call::SetProperty)?;
            match pin {
                Some(pin) => provider.set_pin(&pin),
                None => Ok(provider.scope(false).storage()?.set_property(name, value, flags)?),
            }
        }
        _ => Err(Fault::Call(Status::NTE_NOT_SUPPORTED, "a secret has no properties")),
    }
}

/// Refuses flags that the call does not know. Those of a security descriptor are its own.
fn check(name: &str, flags: Flags, call: Call) -> Result<(), Fault> {
    if name == names::SECURITY_DESCR { Ok(()) } else { Ok(flags.check(call)?) }
}

/// A new handle of the key's provider.
fn give_handle(object: &KeyObject, output: &Output) -> Result<(), Fault> {
    if output.only_wants(size_of::<Handle>())? {
        return Ok(());
    }
    let provider: std::sync::Arc<Provider> = object.provider.clone();
    output.give(&handles::insert(provider)?.to_le_bytes())
}

/// A PIN as a wide string, its NUL counted or not.
fn pin(value: &[u8]) -> Result<SecretString, Fault> {
    let text = wide::decode(value).map(Zeroizing::new);
    let text = text.map_err(|_| Fault::Call(Status::NTE_INVALID_PARAMETER, "the PIN is not UTF-16"))?;
    Ok(SecretString::from(text.as_str()))
}

/// Bytes of the head of `NCRYPT_UI_POLICY_BLOB`: the version, the flags, and the lengths of three strings with their NULs.
const BLOB_HEAD: usize = 20;

const WRONG_POLICY: Fault = Fault::Call(Status::NTE_INVALID_PARAMETER, "the value is no NCRYPT_UI_POLICY");

/// # Safety
/// The strings of the policy end with a NUL.
unsafe fn policy_blob(value: &[u8]) -> Result<Vec<u8>, Fault> {
    if value.len() != size_of::<UiPolicy>() {
        return Err(WRONG_POLICY);
    }
    // SAFETY: it is as long; the caller's promise for the strings.
    let (policy, texts) = unsafe {
        let policy: UiPolicy = value.as_ptr().cast::<UiPolicy>().read_unaligned();
        let texts = [policy.creation_title, policy.friendly_name, policy.description].map(|text| optional_text(text));
        (policy, texts)
    };
    let mut blob = [policy.version, policy.flags].map(u32::to_le_bytes).concat();
    let mut strings = Vec::new();
    for text in texts {
        let bytes = text?.map(|text| wide::encode_nul(&text)).unwrap_or_default();
        blob.extend(u32::try_from(bytes.len()).map_err(|_| WRONG_POLICY)?.to_le_bytes());
        strings.extend(bytes);
    }
    blob.extend(strings);
    Ok(blob)
}

/// The structure, and behind it its strings, to which it points.
fn give_policy(blob: &[u8], output: &Output) -> Result<(), Fault> {
    let broken = || Fault::Call(Status::NTE_BAD_DATA, "the UI policy that is kept with the key is none");
    let (head, mut rest) = blob.split_at_checked(BLOB_HEAD).ok_or_else(broken)?;
    let (numbers, _) = head.as_chunks::<4>();
    let numbers: Vec<u32> = numbers.iter().map(|number| u32::from_le_bytes(*number)).collect();
    let [version, flags, lengths @ ..] = numbers.as_slice() else { return Err(broken()) };
    let mut at = size_of::<UiPolicy>();
    let mut structure = [version.to_le_bytes(), flags.to_le_bytes()].concat();
    let mut strings: Vec<u8> = Vec::new();
    for len in lengths {
        let (text, behind) = rest.split_at_checked(*len as usize).ok_or_else(broken)?;
        let place = if text.is_empty() { 0 } else { output.address().wrapping_add(at) };
        structure.extend(place.to_le_bytes());
        strings.extend(text);
        (at, rest) = (at + text.len(), behind);
    }
    structure.extend(strings);
    output.give(&structure)
}
