//! A PKCS#11 module that stands in front of another one and is as particular as an HSM. It is for tests: a token that nobody has at hand is simulated by
//! SoftHSM2 behind it.
//!
//! | variable | meaning |
//! |---|---|
//! | `STRICT_HSM_MODULE` | the module that does the work |
//! | `STRICT_HSM` | the personality: `plain` (default) changes nothing; the others are in `strict_hsm/personalities.rs` |
//! | `STRICT_HSM_TOKEN` | `MANUFACTURER/MODEL`: what C_GetTokenInfo says instead of what the personality does |
//! | `STRICT_HSM_FAIL` | `FUNCTION:N:CKR`, with commas between several: the N-th call of this function (of any, for `*`) is answered with this return value, in hexadecimal, and not carried out; with `:after` behind, it is carried out all the same |
//! | `STRICT_HSM_LATENCY_MS` | how long each call takes at least |
//! | `STRICT_HSM_PAD` | `PIN/SO-PIN/NEW-PIN`: the token has a pad of its own (CKF_PROTECTED_AUTHENTICATION_PATH), on which these are typed; it takes no PIN from a program |
//! | `STRICT_HSM_LOG` | a file to which the name of each call is appended |
//!
//! What a personality refuses is what documents, sources and issue threads say of the device; none of it was seen on one. Whatever is particular to the module behind
//! (SoftHSM2 takes no CKA_VALUE_LEN with C_UnwrapKey) is taken away before it gets there.

#![allow(unsafe_code, reason = "a PKCS#11 module is a table of C functions")]
#![allow(non_snake_case, reason = "the functions have the names of the standard")]
#![allow(clippy::expect_used, clippy::panic, reason = "a module for tests that is not set up rightly ends the test")]

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cryptoki_sys::*;

/// Calls a function of the module behind.
macro_rules! real_call {
    ($name:ident, $($argument:expr),+) => {
        match real().$name {
            // SAFETY: the caller's arguments, and templates and mechanisms that live here.
            Some(function) => unsafe { function($($argument),+) },
            None => CKR_FUNCTION_NOT_SUPPORTED,
        }
    };
}

#[path = "strict_hsm/pad.rs"]
mod pad;
#[path = "strict_hsm/padded.rs"]
mod padded;
#[path = "strict_hsm/personalities.rs"]
mod personalities;
#[path = "strict_hsm/publics.rs"]
mod publics;

use personalities::{Call, PERSONALITIES, Personality, Rule};

// ---- the module behind -------------------------------------------------------------------------------------

struct Real {
    _library: Pkcs11,
    functions: *const CK_FUNCTION_LIST,
}

// SAFETY: the function list is constant after loading, and the library is never unloaded.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

fn real() -> &'static CK_FUNCTION_LIST {
    static REAL: OnceLock<Real> = OnceLock::new();
    let real = REAL.get_or_init(|| {
        let path =
            std::env::var_os("STRICT_HSM_MODULE").expect("STRICT_HSM_MODULE names the module that does the work");
        // SAFETY: loading a library runs its initialisers; it is the tester's choice.
        let library = unsafe { Pkcs11::new(&path) }.expect("the module of STRICT_HSM_MODULE can be loaded");
        let mut functions = std::ptr::null_mut();
        // SAFETY: the argument points to a live pointer.
        let rv = unsafe { library.C_GetFunctionList(&raw mut functions) };
        assert!(rv == CKR_OK && !functions.is_null(), "C_GetFunctionList answered {rv:#x}");
        Real { _library: library, functions }
    });
    // SAFETY: it was checked to be non-null, and lives as long as the library, which is never unloaded.
    unsafe { &*real.functions }
}

fn personality() -> &'static Personality {
    static NAME: OnceLock<String> = OnceLock::new();
    let name = NAME.get_or_init(|| std::env::var("STRICT_HSM").unwrap_or_else(|_| "plain".to_owned()));
    PERSONALITIES.iter().find(|known| known.name == name).unwrap_or_else(|| panic!("STRICT_HSM={name} is not known"))
}

// ---- every call: logged, delayed, failed -------------------------------------------------------------------

struct Failure {
    function: String,
    number: usize,
    answer: CK_RV,
    after: bool,
}

fn failures() -> &'static [Failure] {
    static FAILURES: OnceLock<Vec<Failure>> = OnceLock::new();
    FAILURES.get_or_init(|| {
        let text = std::env::var("STRICT_HSM_FAIL").unwrap_or_default();
        text.split(',').filter(|failure| !failure.is_empty()).map(failure).collect()
    })
}

fn failure(text: &str) -> Failure {
    let mut parts = text.split(':');
    let mut part = || parts.next().unwrap_or_default();
    let (function, number, answer, after) = (part(), part(), part(), part());
    let answer = CK_RV::from_str_radix(answer.trim_start_matches("0x"), 16).ok();
    let (Ok(number), Some(answer)) = (number.parse(), answer) else { panic!("STRICT_HSM_FAIL: {text}") };
    Failure { function: function.to_owned(), number, answer, after: after == "after" }
}

/// One call, as `run` carries it out.
fn call(function: &'static str, run: impl FnOnce() -> CK_RV) -> CK_RV {
    static COUNTS: Mutex<Option<HashMap<&str, usize>>> = Mutex::new(None);
    if let Some(path) = std::env::var_os("STRICT_HSM_LOG") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        // One write each, or lines of several threads run into one another.
        let _ = file.and_then(|mut file| file.write_all(format!("{function}\n").as_bytes()));
    }
    if let Some(wait) = std::env::var("STRICT_HSM_LATENCY_MS").ok().and_then(|wait| wait.parse().ok()) {
        std::thread::sleep(Duration::from_millis(wait));
    }
    let (own, all) = {
        let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.get_or_insert_default();
        let mut count = |name| {
            let count = counts.entry(name).or_insert(0);
            *count += 1;
            *count
        };
        (count(function), count("*"))
    };
    let due = |failure: &&Failure| {
        (failure.function == function && failure.number == own) || (failure.function == "*" && failure.number == all)
    };
    match failures().iter().find(due) {
        Some(failure) => {
            if failure.after {
                run();
            }
            failure.answer
        }
        None => run(),
    }
}

/// Functions that are carried out by the module behind.
macro_rules! forwarded {
    ($($name:ident($($argument:ident: $type:ty),*);)+) => {
        $(unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV {
            call(stringify!($name), || match real().$name {
                // SAFETY: the caller's arguments, unchanged.
                Some(function) => unsafe { function($($argument),*) },
                None => CKR_FUNCTION_NOT_SUPPORTED,
            })
        })+

        fn forward(list: &mut CK_FUNCTION_LIST) {
            $(list.$name = Some($name);)+
        }
    };
}

forwarded! {
    C_Initialize(arguments: CK_VOID_PTR);
    C_Finalize(reserved: CK_VOID_PTR);
    C_GetInfo(info: *mut CK_INFO);
    C_GetSlotList(present: CK_BBOOL, list: *mut CK_SLOT_ID, count: *mut CK_ULONG);
    C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO);
    C_InitToken(slot: CK_SLOT_ID, pin: *mut CK_UTF8CHAR, len: CK_ULONG, label: *mut CK_UTF8CHAR);
    C_OpenSession(slot: CK_SLOT_ID, flags: CK_FLAGS, application: CK_VOID_PTR, notify: CK_NOTIFY, session: *mut CK_SESSION_HANDLE);
    C_CloseSession(session: CK_SESSION_HANDLE);
    C_CloseAllSessions(slot: CK_SLOT_ID);
    C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO);
    C_Logout(session: CK_SESSION_HANDLE);
    C_GetObjectSize(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG);
    C_GetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG);
    C_FindObjectsInit(session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG);
    C_FindObjects(session: CK_SESSION_HANDLE, objects: *mut CK_OBJECT_HANDLE, most: CK_ULONG, count: *mut CK_ULONG);
    C_FindObjectsFinal(session: CK_SESSION_HANDLE);
    C_EncryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    C_Encrypt(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, len: CK_ULONG, out: *mut CK_BYTE, out_len: *mut CK_ULONG);
    C_DecryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    C_Decrypt(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, len: CK_ULONG, out: *mut CK_BYTE, out_len: *mut CK_ULONG);
    C_SignInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    C_Sign(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, len: CK_ULONG, out: *mut CK_BYTE, out_len: *mut CK_ULONG);
    C_VerifyInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    C_Verify(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, len: CK_ULONG, signature: *mut CK_BYTE, signature_len: CK_ULONG);
    C_DeriveKey(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, base: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG, key: *mut CK_OBJECT_HANDLE);
    C_GenerateRandom(session: CK_SESSION_HANDLE, out: *mut CK_BYTE, len: CK_ULONG);
}

// ---- what a personality changes ----------------------------------------------------------------------------

fn rules() -> &'static [Rule] {
    personality().rules
}

/// A template as it came.
fn attributes<'a>(template: *mut CK_ATTRIBUTE, count: CK_ULONG) -> &'a [CK_ATTRIBUTE] {
    match usize::try_from(count) {
        // SAFETY: the caller says that so many attributes are there.
        Ok(count) if count > 0 && !template.is_null() => unsafe { std::slice::from_raw_parts(template, count) },
        _ => &[],
    }
}

fn value(template: &[CK_ATTRIBUTE], kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
    let attribute = template.iter().find(|attribute| attribute.type_ == kind)?;
    let len = usize::try_from(attribute.ulValueLen).ok().filter(|_| !attribute.pValue.is_null())?;
    // SAFETY: the caller says that the value has so many bytes.
    Some(unsafe { std::slice::from_raw_parts(attribute.pValue.cast(), len) })
}

fn number(template: &[CK_ATTRIBUTE], kind: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
    value(template, kind).and_then(|value| value.try_into().ok()).map(CK_ULONG::from_ne_bytes)
}

/// What the module behind gets of a template, or how it is refused.
fn judge(call: Call, template: &[CK_ATTRIBUTE]) -> Result<Vec<CK_ATTRIBUTE>, CK_RV> {
    let (class, key_type) = (number(template, CKA_CLASS), number(template, CKA_KEY_TYPE));
    let has = |kind: CK_ATTRIBUTE_TYPE| template.iter().any(|attribute| attribute.type_ == kind);
    let mut kept = template.to_vec();
    for rule in rules() {
        match rule {
            Rule::NoPlainPrivate(answer) if call == Call::Create && class == Some(CKO_PRIVATE_KEY) => {
                return Err(*answer);
            }
            Rule::NoPlainSecret(answer) if call == Call::Create && class == Some(CKO_SECRET_KEY) => {
                return Err(*answer);
            }
            Rule::Wants(of, kind, attribute, answer) if *of == call && key_type == Some(*kind) => {
                if !has(*attribute) {
                    return Err(*answer);
                }
                kept.retain(|kept| kept.type_ != *attribute);
            }
            Rule::Takes(of, kind, attribute) if *of == call && key_type == Some(*kind) => {
                kept.retain(|kept| kept.type_ != *attribute);
            }
            Rule::Forbids(of, kind, attribute, answer) if *of == call && key_type == Some(*kind) && has(*attribute) => {
                return Err(*answer);
            }
            Rule::Grants(of, kind, attribute) if *of == call && key_type == Some(*kind) => {
                static GRANTED: CK_BBOOL = CK_TRUE;
                kept.retain(|kept| kept.type_ != *attribute);
                let value = (&raw const GRANTED).cast_mut().cast();
                kept.push(CK_ATTRIBUTE { type_: *attribute, pValue: value, ulValueLen: 1 });
            }
            Rule::ForbidsFlag(of, attribute, forbidden, answer)
                if *of == call && value(template, *attribute).is_some_and(|value| (value != [0]) == *forbidden) =>
            {
                return Err(*answer);
            }
            Rule::Only(of, kind, attributes, answer)
                if class == Some(*of) && kind.is_none_or(|kind| key_type == Some(kind)) =>
            {
                let is_known = |kind: CK_ATTRIBUTE_TYPE| {
                    attributes.contains(&kind)
                        || STORAGE.contains(&kind)
                        || material(call, *of, key_type).contains(&kind)
                };
                if !template.iter().all(|attribute| is_known(attribute.type_)) {
                    return Err(*answer);
                }
            }
            Rule::Must(of, attribute, wanted, answer)
                if class == Some(*of) && value(template, *attribute).is_some_and(|value| (value != [0]) != *wanted) =>
            {
                return Err(*answer);
            }
            Rule::No(of, answer) if class == Some(*of) => return Err(*answer),
            Rule::Types(of, kinds, answer)
                if class == Some(*of) && key_type.is_some_and(|kind| !kinds.contains(&kind)) =>
            {
                return Err(*answer);
            }
            Rule::Rsa(exponent, primes, answer) if class == Some(CKO_PRIVATE_KEY) && key_type == Some(CKK_RSA) => {
                let is_wrong =
                    |kind, fits: &dyn Fn(&[u8]) -> bool| value(template, kind).is_some_and(|value| !fits(value));
                if is_wrong(CKA_PUBLIC_EXPONENT, &|value| value == *exponent)
                    || is_wrong(CKA_PRIME_1, &|value| primes.contains(&value.len()))
                    || is_wrong(CKA_PRIME_2, &|value| primes.contains(&value.len()))
                {
                    return Err(*answer);
                }
            }
            Rule::AssuresWrapping(answer) => {
                let is = |kind| value(template, kind).is_some_and(|value| value != [0]);
                let wraps = is(CKA_WRAP) || is(CKA_UNWRAP);
                if wraps && class != Some(CKO_PUBLIC_KEY) && (is(CKA_EXTRACTABLE) || is(CKA_DECRYPT)) {
                    return Err(*answer);
                }
            }
            Rule::OwnPublics(answer) if call == Call::Create && class == Some(CKO_PUBLIC_KEY) => return Err(*answer),
            Rule::SilenceIsFalse => {
                static REFUSED: CK_BBOOL = CK_FALSE;
                let uses: &[_] = match class {
                    Some(CKO_PRIVATE_KEY) => &[CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE],
                    Some(CKO_PUBLIC_KEY) => &[CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_ENCRYPT, CKA_WRAP, CKA_DERIVE],
                    Some(CKO_SECRET_KEY) => {
                        &[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE]
                    }
                    _ => &[],
                };
                for silent in uses.iter().filter(|kind| !has(**kind)) {
                    let value = (&raw const REFUSED).cast_mut().cast();
                    kept.push(CK_ATTRIBUTE { type_: *silent, pValue: value, ulValueLen: 1 });
                }
            }
            _ => {}
        }
    }
    Ok(kept)
}

/// What every key may have in its template.
const STORAGE: &[CK_ATTRIBUTE_TYPE] =
    &[CKA_CLASS, CKA_DERIVE, CKA_DESTROYABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODIFIABLE, CKA_PRIVATE, CKA_TOKEN];

/// What makes the key.
fn material(call: Call, class: CK_OBJECT_CLASS, key_type: Option<CK_KEY_TYPE>) -> &'static [CK_ATTRIBUTE_TYPE] {
    match (call, class, key_type) {
        (Call::Unwrap, ..) => &[],
        (Call::Create, CKO_PRIVATE_KEY, Some(CKK_RSA)) => &[
            CKA_COEFFICIENT,
            CKA_EXPONENT_1,
            CKA_EXPONENT_2,
            CKA_MODULUS,
            CKA_PRIME_1,
            CKA_PRIME_2,
            CKA_PRIVATE_EXPONENT,
            CKA_PUBLIC_EXPONENT,
        ],
        (Call::Create, CKO_PRIVATE_KEY, _) => &[CKA_EC_PARAMS, CKA_VALUE],
        (Call::Create, CKO_PUBLIC_KEY, _) => &[CKA_EC_PARAMS, CKA_EC_POINT, CKA_MODULUS, CKA_PUBLIC_EXPONENT],
        (Call::Create, ..) => &[CKA_VALUE],
        (Call::Generate, ..) => &[CKA_EC_PARAMS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_VALUE_LEN],
    }
}

/// Whether there is an object of this class with this CKA_ID already, where there is to be one.
fn is_taken(session: CK_SESSION_HANDLE, template: &[CK_ATTRIBUTE]) -> Result<(), CK_RV> {
    let answer = rules().iter().find_map(|rule| match rule {
        Rule::UniqueIds(answer) => Some(*answer),
        _ => None,
    });
    match (answer, value(template, CKA_CLASS), value(template, CKA_ID)) {
        (Some(answer), Some(class), Some(id))
            if !id.is_empty() && !publics::find(session, &[(CKA_CLASS, class), (CKA_ID, id)]).is_empty() =>
        {
            Err(answer)
        }
        _ => Ok(()),
    }
}

/// The number that RFC 5649 has in the module behind.
fn kwp_behind(slot: CK_SLOT_ID) -> CK_MECHANISM_TYPE {
    let has = |kind: &CK_MECHANISM_TYPE| {
        let mut info = CK_MECHANISM_INFO::default();
        // SAFETY: the last argument points to a live structure.
        real().C_GetMechanismInfo.is_some_and(|ask| unsafe { ask(slot, *kind, &raw mut info) } == CKR_OK)
    };
    [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD].into_iter().find(has).unwrap_or(CKM_AES_KEY_WRAP_KWP)
}

/// What the module behind calls a mechanism of this personality; `None` for one that is not there.
fn behind(slot: CK_SLOT_ID, kind: CK_MECHANISM_TYPE) -> Option<CK_MECHANISM_TYPE> {
    for rule in rules() {
        match rule {
            Rule::Also(own, CKM_AES_KEY_WRAP_PAD) if kind == *own => return Some(kwp_behind(slot)),
            Rule::Also(own, behind) if kind == *own => return Some(*behind),
            Rule::Padded(own) if kind == *own => return Some(CKM_AES_KEY_WRAP),
            _ => {}
        }
    }
    let mut kind = Some(kind);
    for rule in rules() {
        match rule {
            Rule::Kwp(own) if kind == Some(*own) => return Some(kwp_behind(slot)),
            Rule::Kwp(_) if matches!(kind, Some(CKM_AES_KEY_WRAP_KWP | CKM_AES_KEY_WRAP_PAD)) => kind = None,
            Rule::Lacks(lacking) if kind == Some(*lacking) => kind = None,
            _ => {}
        }
    }
    kind
}

fn slot_of(session: CK_SESSION_HANDLE) -> CK_SLOT_ID {
    let mut info = CK_SESSION_INFO::default();
    // SAFETY: the last argument points to a live structure.
    let rv = real().C_GetSessionInfo.map_or(CKR_FUNCTION_NOT_SUPPORTED, |ask| unsafe { ask(session, &raw mut info) });
    if rv == CKR_OK { info.slotID } else { 0 }
}

/// The mechanism as the module behind knows it.
fn translated(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) -> Result<CK_MECHANISM, CK_RV> {
    if mechanism.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    // SAFETY: it is not null, and the caller's.
    let mut mechanism = unsafe { *mechanism };
    mechanism.mechanism = behind(slot_of(session), mechanism.mechanism).ok_or(CKR_MECHANISM_INVALID)?;
    Ok(mechanism)
}

fn length(template: &[CK_ATTRIBUTE]) -> CK_ULONG {
    CK_ULONG::try_from(template.len()).unwrap_or(0)
}

/// What wraps and unwraps here alone, and how many bytes it says it needs.
fn wraps_only_by() -> Option<(CK_MECHANISM_TYPE, CK_ULONG)> {
    rules().iter().find_map(|rule| match rule {
        Rule::WrapsOnlyBy(own, len) => Some((*own, *len)),
        _ => None,
    })
}

/// Whether a mechanism pads what RFC 3394 does not.
fn is_padded(mechanism: *mut CK_MECHANISM) -> bool {
    rules().iter().any(|rule| matches!(rule, Rule::Padded(own) if is_number(mechanism, *own)))
}

fn is_number(mechanism: *mut CK_MECHANISM, own: CK_MECHANISM_TYPE) -> bool {
    // SAFETY: it is not null, and the caller's.
    !mechanism.is_null() && unsafe { (*mechanism).mechanism } == own
}

fn answer(outcome: Result<CK_RV, CK_RV>) -> CK_RV {
    outcome.unwrap_or_else(|refused| refused)
}

unsafe extern "C" fn C_CreateObject(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_CreateObject", || {
        let template = attributes(template, count);
        answer(judge(Call::Create, template).and_then(|mut kept| {
            is_taken(session, template)?;
            let follows = rules().iter().any(|rule| matches!(rule, Rule::OwnPublics(_)))
                && number(template, CKA_CLASS) == Some(CKO_PRIVATE_KEY);
            let link = publics::link();
            if follows {
                let (pValue, ulValueLen) =
                    (link.as_ptr().cast_mut().cast(), CK_ULONG::try_from(link.len()).unwrap_or(0));
                kept.push(CK_ATTRIBUTE { type_: CKA_SUBJECT, pValue, ulValueLen });
            }
            let rv = real_call!(C_CreateObject, session, kept.as_mut_ptr(), length(&kept), object);
            if follows && rv == CKR_OK {
                publics::follow(session, template, &link)?;
            }
            Ok(rv)
        }))
    })
}

unsafe extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    call("C_DestroyObject", || {
        if rules().iter().any(|rule| matches!(rule, Rule::OwnPublics(_))) && publics::leave(session, object) {
            return CKR_OK;
        }
        real_call!(C_DestroyObject, session, object)
    })
}

unsafe extern "C" fn C_SetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    call("C_SetAttributeValue", || {
        let changes = attributes(template, count);
        for rule in rules() {
            if let Rule::Sets(kinds, answer) = rule
                && !changes.iter().all(|change| kinds.contains(&change.type_))
            {
                return *answer;
            }
        }
        real_call!(C_SetAttributeValue, session, object, template, count)
    })
}

unsafe extern "C" fn C_CopyObject(
    session: CK_SESSION_HANDLE,
    from: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_CopyObject", || {
        let refused = rules().iter().find_map(|rule| match rule {
            Rule::NoCopy(answer) => Some(*answer),
            _ => None,
        });
        refused.unwrap_or_else(|| real_call!(C_CopyObject, session, from, template, count, object))
    })
}

unsafe extern "C" fn C_UnwrapKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    kek: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    len: CK_ULONG,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_UnwrapKey", || {
        if let Some((own, _)) = wraps_only_by() {
            return if is_number(mechanism, own) {
                CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT
            } else {
                CKR_MECHANISM_INVALID
            };
        }
        let is_padded = is_padded(mechanism);
        answer(translated(session, mechanism).and_then(|mut mechanism| {
            let mut kept = judge(Call::Unwrap, attributes(template, count))?;
            is_taken(session, &kept)?;
            if is_padded && !wrapped.is_null() && !object.is_null() {
                let len = usize::try_from(len).unwrap_or(0);
                // SAFETY: the caller says that so many bytes are there, and a place for the object.
                unsafe {
                    *object = padded::unwrap(session, kek, std::slice::from_raw_parts(wrapped, len), &kept)?;
                }
                return Ok(CKR_OK);
            }
            let (attributes, count) = (kept.as_mut_ptr(), length(&kept));
            Ok(real_call!(C_UnwrapKey, session, &raw mut mechanism, kek, wrapped, len, attributes, count, object))
        }))
    })
}

unsafe extern "C" fn C_WrapKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    kek: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> CK_RV {
    call("C_WrapKey", || {
        if let Some((own, needed)) = wraps_only_by() {
            return match (is_number(mechanism, own), wrapped.is_null() && !len.is_null()) {
                (false, _) => CKR_MECHANISM_INVALID,
                (true, false) => CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                (true, true) => {
                    // SAFETY: it is not null, and the caller's.
                    unsafe { *len = needed };
                    CKR_OK
                }
            };
        }
        if is_padded(mechanism) {
            return answer(padded::wrap(session, kek, key).map(|bytes| {
                // SAFETY: the caller's arguments: a place for the length, and none or so many places for the bytes.
                unsafe {
                    let room = std::mem::replace(&mut *len, CK_ULONG::try_from(bytes.len()).unwrap_or(0));
                    if wrapped.is_null() {
                        return CKR_OK;
                    }
                    if room < *len {
                        return CKR_BUFFER_TOO_SMALL;
                    }
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), wrapped, bytes.len());
                }
                CKR_OK
            }));
        }
        let mechanism = translated(session, mechanism);
        answer(
            mechanism.map(|mut mechanism| real_call!(C_WrapKey, session, &raw mut mechanism, kek, key, wrapped, len)),
        )
    })
}

unsafe extern "C" fn C_GenerateKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_GenerateKey", || {
        answer(translated(session, mechanism).and_then(|mut mechanism| {
            let mut kept = judge(Call::Generate, attributes(template, count))?;
            is_taken(session, &kept)?;
            Ok(real_call!(C_GenerateKey, session, &raw mut mechanism, kept.as_mut_ptr(), length(&kept), object))
        }))
    })
}

unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_GenerateKeyPair", || {
        let is_kept = |template, count| value(attributes(template, count), CKA_TOKEN).is_some_and(|value| value != [0]);
        for rule in rules() {
            if let Rule::PairsOnToken(rv) = rule
                && !(is_kept(public, public_count) && is_kept(private, private_count))
            {
                return *rv;
            }
        }
        answer(translated(session, mechanism).and_then(|mut mechanism| {
            let mechanism = &raw mut mechanism;
            let mut public = judge(Call::Generate, attributes(public, public_count))?;
            let mut private = judge(Call::Generate, attributes(private, private_count))?;
            is_taken(session, &public)?;
            is_taken(session, &private)?;
            Ok(real_call!(
                C_GenerateKeyPair,
                session,
                mechanism,
                public.as_mut_ptr(),
                length(&public),
                private.as_mut_ptr(),
                length(&private),
                public_key,
                private_key
            ))
        }))
    })
}

unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    call("C_GetTokenInfo", || {
        let rv = real_call!(C_GetTokenInfo, slot, info);
        let said = std::env::var("STRICT_HSM_TOKEN").ok();
        let said = said.as_deref().and_then(|said| said.split_once('/')).or_else(|| personality().token);
        if let (CKR_OK, Some((manufacturer, model))) = (rv, said) {
            // SAFETY: the module behind has just filled it.
            let info = unsafe { &mut *info };
            blank_padded(&mut info.manufacturerID, manufacturer);
            blank_padded(&mut info.model, model);
        }
        if rv == CKR_OK && pad::is_there() {
            // SAFETY: as above.
            unsafe { (*info).flags |= CKF_PROTECTED_AUTHENTICATION_PATH };
        }
        rv
    })
}

fn blank_padded(field: &mut [CK_UTF8CHAR], text: &str) {
    for (place, byte) in field.iter_mut().zip(text.bytes().chain(std::iter::repeat(b' '))) {
        *place = byte;
    }
}

unsafe extern "C" fn C_GetMechanismList(slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG) -> CK_RV {
    call("C_GetMechanismList", || {
        let mut found = 0;
        let rv = real_call!(C_GetMechanismList, slot, std::ptr::null_mut(), &raw mut found);
        if rv != CKR_OK {
            return rv;
        }
        let mut known = vec![0; usize::try_from(found).unwrap_or(0)];
        let rv = real_call!(C_GetMechanismList, slot, known.as_mut_ptr(), &raw mut found);
        if rv != CKR_OK {
            return rv;
        }
        known.truncate(usize::try_from(found).unwrap_or(0));
        known.retain(|kind| behind(slot, *kind).is_some());
        for rule in rules() {
            if let Rule::Kwp(own) | Rule::Also(own, _) | Rule::Padded(own) | Rule::WrapsOnlyBy(own, _) = rule
                && !known.contains(own)
            {
                known.push(*own);
            }
        }
        // SAFETY: the caller's arguments: a place for the number, and none or so many places for the mechanisms.
        unsafe {
            let room = std::mem::replace(&mut *count, CK_ULONG::try_from(known.len()).unwrap_or(0));
            if list.is_null() {
                return CKR_OK;
            }
            if room < *count {
                return CKR_BUFFER_TOO_SMALL;
            }
            std::ptr::copy_nonoverlapping(known.as_ptr(), list, known.len());
        }
        CKR_OK
    })
}

unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    call("C_GetMechanismInfo", || {
        let only = wraps_only_by();
        if only.is_some_and(|(own, _)| own == kind) {
            let made = CK_MECHANISM_INFO { flags: CKF_WRAP | CKF_UNWRAP, ..CK_MECHANISM_INFO::default() };
            // SAFETY: the caller's place for it.
            unsafe { *info = made };
            return CKR_OK;
        }
        let Some(kind) = behind(slot, kind) else { return CKR_MECHANISM_INVALID };
        let rv = real_call!(C_GetMechanismInfo, slot, kind, info);
        if rv == CKR_OK && only.is_some() {
            // SAFETY: the module behind has just filled it.
            unsafe { (*info).flags &= !(CKF_WRAP | CKF_UNWRAP) };
        }
        rv
    })
}

// ---- the list ----------------------------------------------------------------------------------------------

struct List(CK_FUNCTION_LIST);

// SAFETY: it is constant once it is made.
unsafe impl Send for List {}
// SAFETY: as above.
unsafe impl Sync for List {}

/// The one symbol of the module.
///
/// # Safety
/// As PKCS#11 has it: `list` points to a place for the pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    static LIST: OnceLock<List> = OnceLock::new();
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    let made = LIST.get_or_init(|| {
        // What is not named here is the other module's own.
        let mut made = *real();
        forward(&mut made);
        made.C_GetFunctionList = Some(C_GetFunctionList);
        made.C_CreateObject = Some(C_CreateObject);
        made.C_CopyObject = Some(C_CopyObject);
        made.C_DestroyObject = Some(C_DestroyObject);
        made.C_SetAttributeValue = Some(C_SetAttributeValue);
        made.C_UnwrapKey = Some(C_UnwrapKey);
        made.C_WrapKey = Some(C_WrapKey);
        made.C_GenerateKey = Some(C_GenerateKey);
        made.C_GenerateKeyPair = Some(C_GenerateKeyPair);
        made.C_GetTokenInfo = Some(C_GetTokenInfo);
        made.C_Login = Some(pad::C_Login);
        made.C_SetPIN = Some(pad::C_SetPIN);
        made.C_InitPIN = Some(pad::C_InitPIN);
        made.C_GetMechanismList = Some(C_GetMechanismList);
        made.C_GetMechanismInfo = Some(C_GetMechanismInfo);
        List(made)
    });
    // SAFETY: it is not null, and the caller's; the list is never changed through the pointer.
    unsafe { *list = (&raw const made.0).cast_mut() };
    CKR_OK
}
