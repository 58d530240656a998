//! What the last failed call of a thread failed for, in words.

use std::cell::RefCell;
use std::ffi::{CString, c_char};

thread_local! {
    static LAST: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Keeps the text for the thread. A NUL in it ends it.
pub(super) fn set(text: &str) {
    let text = text.split('\0').next().unwrap_or_default();
    let kept = CString::new(text).ok();
    // Not while the thread is being torn down.
    let _ = LAST.try_with(|last| *last.borrow_mut() = kept);
}

/// What the last failed call of this thread failed for: UTF-8, what happened and then what to do about it; NULL where none has failed. No secret stands in it.
///
/// The text is the library's; it stays as it is until another call of this thread fails, or the thread ends.
#[unsafe(no_mangle)]
pub extern "C" fn cng11_last_error() -> *const c_char {
    let text = LAST.try_with(|last| last.borrow().as_ref().map_or(std::ptr::null(), |text| text.as_ptr()));
    text.unwrap_or(std::ptr::null())
}
