//! What the last failed call of a thread failed for, in words: kept as it is, and put into words when somebody asks.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::guard::Fault;
use crate::status::Status;

enum Last {
    Nothing,
    Fault(Fault, Status),
    Text(CString),
}

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(Last::Nothing) };
}

/// Keeps a failure for the thread, and the status that the call has answered.
pub(super) fn set(fault: Fault, answered: Status) {
    // Not while the thread is being torn down.
    let _ = LAST.try_with(|last| *last.borrow_mut() = Last::Fault(fault, answered));
}

/// What the last failed call of this thread failed for: UTF-8, what happened and then what to do about it; empty where none has failed. No secret stands in it.
///
/// The text is the library's; it stays as it is until another call of this thread fails, or the thread ends.
#[unsafe(no_mangle)]
pub extern "C" fn cng11_last_error() -> *const c_char {
    let text = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        if let Last::Fault(fault, answered) = &*last {
            // A NUL ends it.
            let words = || fault.text(*answered).split('\0').next().unwrap_or_default().to_owned();
            let text = catch_unwind(AssertUnwindSafe(words)).unwrap_or_default();
            *last = Last::Text(CString::new(text).unwrap_or_default());
        }
        match &*last {
            Last::Text(text) => text.as_ptr(),
            _ => c"".as_ptr(),
        }
    });
    text.unwrap_or(c"".as_ptr())
}
