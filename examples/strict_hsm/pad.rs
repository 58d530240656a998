//! A pad on which PINs are typed: `STRICT_HSM_PAD`.

use cryptoki_sys::*;

use super::{call, real};

/// Whether there is one.
pub(super) fn is_there() -> bool {
    std::env::var_os("STRICT_HSM_PAD").is_some()
}

/// What is typed: the user's PIN, the security officer's, or a new one.
fn typed(which: usize) -> Vec<u8> {
    let pins = std::env::var("STRICT_HSM_PAD").unwrap_or_default();
    pins.split('/').nth(which).unwrap_or_default().as_bytes().to_vec()
}

/// Runs with the PIN that is typed where there is a pad, and with the program's own where there is none.
fn with_pin(
    pin: *mut CK_UTF8CHAR,
    len: CK_ULONG,
    which: usize,
    run: impl FnOnce(*mut CK_UTF8CHAR, CK_ULONG) -> CK_RV,
) -> CK_RV {
    if !is_there() {
        return run(pin, len);
    }
    if !pin.is_null() || len != 0 {
        return CKR_ARGUMENTS_BAD;
    }
    let mut typed = typed(which);
    let len = CK_ULONG::try_from(typed.len()).unwrap_or(0);
    run(typed.as_mut_ptr(), len)
}

pub(super) unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    len: CK_ULONG,
) -> CK_RV {
    let which = usize::from(user == CKU_SO);
    call("C_Login", || with_pin(pin, len, which, |pin, len| real_call!(C_Login, session, user, pin, len)))
}

pub(super) unsafe extern "C" fn C_InitPIN(session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, len: CK_ULONG) -> CK_RV {
    call("C_InitPIN", || with_pin(pin, len, 2, |pin, len| real_call!(C_InitPIN, session, pin, len)))
}

pub(super) unsafe extern "C" fn C_SetPIN(
    session: CK_SESSION_HANDLE,
    old: *mut CK_UTF8CHAR,
    old_len: CK_ULONG,
    new: *mut CK_UTF8CHAR,
    new_len: CK_ULONG,
) -> CK_RV {
    call("C_SetPIN", || {
        let mut info = CK_SESSION_INFO::default();
        let rv = real_call!(C_GetSessionInfo, session, &raw mut info);
        if rv != CKR_OK {
            return rv;
        }
        let which = usize::from(info.state == CKS_RW_SO_FUNCTIONS);
        with_pin(old, old_len, which, |old, old_len| {
            with_pin(new, new_len, 2, |new, new_len| real_call!(C_SetPIN, session, old, old_len, new, new_len))
        })
    })
}
