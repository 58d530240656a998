//! What stands around every exported function: a failure becomes a status and a text, a panic becomes `NTE_INTERNAL_ERROR`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::last_error;
use crate::status::Status;

/// Why a call fails.
pub(super) enum Fault {
    /// What C handed over, or a rule of the call itself.
    Call(Status, &'static str),
    /// The safe layer.
    Error(Box<crate::Error>),
}

impl Fault {
    pub(super) const fn handle() -> Self {
        Self::Call(Status::NTE_INVALID_HANDLE, "the handle is none of this library, is of another kind, or was freed")
    }

    pub(super) const fn null(what: &'static str) -> Self {
        Self::Call(Status::NTE_INVALID_PARAMETER, what)
    }

    /// The same as an error of the safe layer, for what that calls back.
    pub(super) fn into_error(self) -> crate::Error {
        match self {
            Self::Call(status, what) => crate::provider::Error::Primitive { what: what.to_owned(), status }.into(),
            Self::Error(error) => *error,
        }
    }

    pub(super) fn status(&self) -> Status {
        match self {
            Self::Call(status, _) => *status,
            Self::Error(error) => error.status(),
        }
    }

    /// In words, with the status that the call has answered.
    pub(super) fn text(&self, answered: Status) -> String {
        let name = answered.name();
        match self {
            Self::Call(_, text) => format!("{text} ({name})"),
            Self::Error(error) => {
                let ckr = error.ckr().map(|ckr| format!(", {ckr}")).unwrap_or_default();
                let hint = error.hint().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
                format!("{error} ({name}{ckr}){hint}")
            }
        }
    }
}

impl<E> From<E> for Fault
where
    crate::Error: From<E>,
{
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

/// What an NCrypt function returns.
pub(super) fn ncrypt(call: impl FnOnce() -> Result<(), Fault>) -> i32 {
    guarded(call, |status| status)
}

/// What a BCrypt function returns.
pub(super) fn bcrypt(call: impl FnOnce() -> Result<(), Fault>) -> i32 {
    guarded(call, Status::ntstatus)
}

fn guarded(call: impl FnOnce() -> Result<(), Fault>, status_of: impl Fn(Status) -> Status) -> i32 {
    let fault = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => return 0,
        Ok(Err(fault)) => fault,
        Err(_) => Fault::Call(Status::NTE_INTERNAL_ERROR, "a defect of this library: please report it"),
    };
    let status = status_of(fault.status());
    last_error::set(fault, status);
    status.0.cast_signed()
}

/// What a function returns that answers yes or no: a panic is no.
pub(super) fn yes_or_no(call: impl FnOnce() -> bool) -> i32 {
    i32::from(catch_unwind(AssertUnwindSafe(call)).unwrap_or(false))
}

/// Exports functions of NCrypt, or with `bcrypt:` in front of BCrypt. What the headers in `include/cng11/` say of their pointers is what the caller has promised.
macro_rules! exports {
    (bcrypt: $($functions:tt)+) => { $crate::capi::guard::exports! { @ bcrypt $($functions)+ } };
    (@ $guard:ident $($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)+) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Every pointer is NULL or leads to as many bytes as the parameter beside it says, for the length of the call; a string ends with a NUL.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the names are Microsoft's")]
        #[allow(clippy::too_many_arguments, reason = "their number is Microsoft's as well")]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> i32 {
            #[allow(unused_unsafe, reason = "some functions follow no pointer")]
            // SAFETY: what the caller has promised of the pointers is what the functions of `buffer` and `output` ask for.
            $crate::capi::guard::$guard(|| unsafe { $body })
        }
    )+};
    ($($functions:tt)+) => { $crate::capi::guard::exports! { @ ncrypt $($functions)+ } };
}

pub(super) use exports;
