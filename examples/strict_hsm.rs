//! A PKCS#11 module that stands in front of another one and is as particular as an HSM. It is for tests: a token that nobody has at hand is simulated by
//! SoftHSM2 behind it.
//!
//! | variable | meaning |
//! |---|---|
//! | `STRICT_HSM_MODULE` | the module that does the work |
//! | `STRICT_HSM` | the personality: `plain` (default) changes nothing; the others are in [`PERSONALITIES`] |
//! | `STRICT_HSM_FAIL` | `FUNCTION:N:CKR`, with commas between several: the N-th call of this function (of any, for `*`) is answered with this return value, in hexadecimal, and not carried out; with `:after` behind, it is carried out all the same |
//! | `STRICT_HSM_LATENCY_MS` | how long each call takes at least |
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

// ---- personalities -----------------------------------------------------------------------------------------

/// A device that is simulated.
struct Personality {
    name: &'static str,
    /// What C_GetTokenInfo says; `None` leaves it as it is.
    token: Option<(&'static str, &'static str)>,
    rules: &'static [Rule],
}

/// What it does otherwise than the module behind it.
enum Rule {
    /// C_CreateObject of a private key is answered so.
    NoPlainPrivate(CK_RV),
    /// C_CreateObject of a secret key is answered so.
    NoPlainSecret(CK_RV),
    /// This call, for keys of this type, needs this attribute, which the module behind does not get.
    Wants(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE, CK_RV),
    /// This call, for keys of this type, may have this attribute, which the module behind does not get.
    Takes(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE),
    /// This call, for keys of this type, must not have this attribute.
    Forbids(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE, CK_RV),
    /// This call grants this to keys of this type, whatever their template says.
    Grants(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE),
    /// This call must not have this flag with this value.
    ForbidsFlag(Call, CK_ATTRIBUTE_TYPE, bool, CK_RV),
    /// RFC 5649 has this number here, and no other.
    Kwp(CK_MECHANISM_TYPE),
    /// This mechanism is not there.
    Lacks(CK_MECHANISM_TYPE),
    /// C_CopyObject is answered so.
    NoCopy(CK_RV),
    /// C_GenerateKeyPair of objects of the session is answered so.
    PairsOnToken(CK_RV),
}

/// A call with a template.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Call {
    Create,
    Unwrap,
}

/// CKM_VENDOR_DEFINED + 0x171: CKM_AES_KWP of Thales' `cryptoki_v2.h`.
const CKM_LUNA_AES_KWP: CK_MECHANISM_TYPE = 0x8000_0171;

/// The public point beside an elliptic private key (`pkcs11n.h` of NSS).
const CKA_NSS_DB: CK_ATTRIBUTE_TYPE = 0xD5A0_DB00;

const PERSONALITIES: &[Personality] = &[
    Personality { name: "plain", token: None, rules: &[] },
    // Keys come in wrapped; AES keys with their length said, DES keys without; RFC 5649 is a vendor's mechanism. pycryptoki issues 23 and 28, OpenSC issue 1570,
    // opencryptoki issue 897.
    Personality {
        name: "luna",
        token: Some(("Thales", "Luna simulated")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoPlainSecret(CKR_TEMPLATE_INCONSISTENT),
            Rule::Wants(Call::Unwrap, CKK_AES, CKA_VALUE_LEN, CKR_ATTRIBUTE_TYPE_INVALID),
            Rule::Takes(Call::Unwrap, CKK_GENERIC_SECRET, CKA_VALUE_LEN),
            Rule::Forbids(Call::Unwrap, CKK_DES3, CKA_VALUE_LEN, CKR_ATTRIBUTE_TYPE_INVALID),
            Rule::Kwp(CKM_LUNA_AES_KWP),
        ],
    },
    // In FIPS mode no key is made of raw material, and what is unwrapped is sensitive. fipstokn.c of NSS.
    Personality {
        name: "nss-fips",
        token: Some(("Mozilla Foundation", "NSS 3 simulated")),
        rules: &[
            Rule::NoPlainPrivate(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::NoPlainSecret(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::ForbidsFlag(Call::Unwrap, CKA_SENSITIVE, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Wants(Call::Unwrap, CKK_EC, CKA_NSS_DB, CKR_TEMPLATE_INCOMPLETE),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that takes secret keys in the clear and private ones not; it copies nothing.
    Personality {
        name: "no-plain-private",
        token: Some(("simulated", "no plain private")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that makes no RSA keys and takes none in the clear: a key comes in under an AES key that it made and gave out.
    Personality {
        name: "no-own-rsa",
        token: Some(("simulated", "no own RSA")),
        rules: &[
            Rule::NoPlainPrivate(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::NoPlainSecret(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Lacks(CKM_RSA_PKCS_KEY_PAIR_GEN),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that answers CKR_OK and keeps something else: an AES key leaves that must not, an RSA key that is unwrapped unwraps others, as on NSS.
    Personality {
        name: "generous",
        token: Some(("simulated", "generous")),
        rules: &[
            Rule::Grants(Call::Create, CKK_AES, CKA_EXTRACTABLE),
            Rule::Grants(Call::Unwrap, CKK_RSA, CKA_UNWRAP),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that makes pairs to keep them, as a TPM and many smart cards do, and copies nothing.
    Personality {
        name: "pairs-on-token",
        token: Some(("simulated", "pairs on token")),
        rules: &[
            Rule::PairsOnToken(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that takes nothing: no key in the clear, and no unwrapping.
    Personality {
        name: "takes-nothing",
        token: Some(("simulated", "takes nothing")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoPlainSecret(CKR_TEMPLATE_INCONSISTENT),
            Rule::Lacks(CKM_RSA_PKCS_OAEP),
            Rule::Lacks(CKM_AES_KEY_WRAP),
            Rule::Lacks(CKM_AES_KEY_WRAP_PAD),
        ],
    },
];

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
        let _ = file.and_then(|mut file| writeln!(file, "{function}"));
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
    C_InitPIN(session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, len: CK_ULONG);
    C_SetPIN(session: CK_SESSION_HANDLE, old: *mut CK_UTF8CHAR, old_len: CK_ULONG, new: *mut CK_UTF8CHAR, new_len: CK_ULONG);
    C_OpenSession(slot: CK_SLOT_ID, flags: CK_FLAGS, application: CK_VOID_PTR, notify: CK_NOTIFY, session: *mut CK_SESSION_HANDLE);
    C_CloseSession(session: CK_SESSION_HANDLE);
    C_CloseAllSessions(slot: CK_SLOT_ID);
    C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO);
    C_Login(session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, len: CK_ULONG);
    C_Logout(session: CK_SESSION_HANDLE);
    C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE);
    C_GetObjectSize(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG);
    C_GetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG);
    C_SetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG);
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
            _ => {}
        }
    }
    Ok(kept)
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

fn length(template: &[CK_ATTRIBUTE]) -> CK_ULONG {
    CK_ULONG::try_from(template.len()).unwrap_or(0)
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
        let kept = judge(Call::Create, attributes(template, count));
        answer(kept.map(|mut kept| real_call!(C_CreateObject, session, kept.as_mut_ptr(), length(&kept), object)))
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
        answer(translated(session, mechanism).and_then(|mut mechanism| {
            let mut kept = judge(Call::Unwrap, attributes(template, count))?;
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
        let mechanism = translated(session, mechanism);
        answer(
            mechanism
                .map(|mut mechanism| real_call!(C_GenerateKey, session, &raw mut mechanism, template, count, object)),
        )
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
        answer(translated(session, mechanism).map(|mut mechanism| {
            let mechanism = &raw mut mechanism;
            real_call!(
                C_GenerateKeyPair,
                session,
                mechanism,
                public,
                public_count,
                private,
                private_count,
                public_key,
                private_key
            )
        }))
    })
}

unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    call("C_GetTokenInfo", || {
        let rv = real_call!(C_GetTokenInfo, slot, info);
        if let (CKR_OK, Some((manufacturer, model))) = (rv, personality().token) {
            // SAFETY: the module behind has just filled it.
            let info = unsafe { &mut *info };
            blank_padded(&mut info.manufacturerID, manufacturer);
            blank_padded(&mut info.model, model);
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
            if let Rule::Kwp(own) = rule
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
    call("C_GetMechanismInfo", || match behind(slot, kind) {
        Some(kind) => real_call!(C_GetMechanismInfo, slot, kind, info),
        None => CKR_MECHANISM_INVALID,
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
        made.C_UnwrapKey = Some(C_UnwrapKey);
        made.C_WrapKey = Some(C_WrapKey);
        made.C_GenerateKey = Some(C_GenerateKey);
        made.C_GenerateKeyPair = Some(C_GenerateKeyPair);
        made.C_GetTokenInfo = Some(C_GetTokenInfo);
        made.C_GetMechanismList = Some(C_GetMechanismList);
        made.C_GetMechanismInfo = Some(C_GetMechanismInfo);
        List(made)
    });
    // SAFETY: it is not null, and the caller's; the list is never changed through the pointer.
    unsafe { *list = (&raw const made.0).cast_mut() };
    CKR_OK
}
