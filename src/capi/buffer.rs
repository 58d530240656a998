//! What C hands over: bytes, strings, structures, arrays of buffers. Read only, and only during the call.
//!
//! Refuses NULL with a length, strings without an end within bounds, and UTF-16 that is none.

use std::borrow::Cow;
use std::ffi::c_void;

use secrecy::zeroize::Zeroizing;

use super::guard::Fault;
use super::structures::{BufferDescRaw, WideString};
use crate::provider::Buffer;
use crate::provider::property::MAX_PROPERTY_NAME;
use crate::status::Status;
use crate::wide;

/// No string that is handed over is longer: a URI as the name of a provider is the longest.
const MAX_TEXT: usize = 0x8000;

/// No description names more buffers than there are kinds of them, by far.
const MAX_BUFFERS: u32 = 256;

/// The bytes behind a pointer. NULL is no bytes, if none are said to be there.
///
/// # Safety
/// `data` is NULL or leads to `len` bytes that stay as they are while the result lives.
pub(super) unsafe fn bytes<'a>(data: *const u8, len: u32) -> Result<&'a [u8], Fault> {
    if data.is_null() {
        return if len == 0 { Ok(&[]) } else { Err(Fault::null("a buffer is NULL, and its length is not 0")) };
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if isize::try_from(len).is_err() {
        return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, "a length is beyond all memory"));
    }
    // SAFETY: the caller's promise; the length fits.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// The same of a buffer that must be there.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn needed<'a>(data: *const u8, len: u32, what: &'static str) -> Result<&'a [u8], Fault> {
    if data.is_null() {
        return Err(Fault::null(what));
    }
    // SAFETY: the caller's promise.
    unsafe { bytes(data, len) }
}

/// A structure that may be left out. It is copied, since C does not align as Rust wants it.
///
/// # Safety
/// `pointer` is NULL or leads to a `T`, which is made of numbers and pointers only.
pub(super) unsafe fn structure<T>(pointer: *const c_void) -> Option<T> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { pointer.cast::<T>().read_unaligned() })
}

/// A structure that begins with its own size, of which no more is read than it says that there is: `None` if that is not all of a `T`.
///
/// # Safety
/// `pointer` is NULL or leads to as many bytes as the first four of them say; a `T` is made of numbers and pointers only.
pub(super) unsafe fn sized<T>(pointer: *const c_void) -> Option<T> {
    // SAFETY: the caller's promise.
    let size = unsafe { structure::<u32>(pointer)? };
    // SAFETY: as above, and it is as long.
    if (size as usize) < size_of::<T>() { None } else { unsafe { structure(pointer) } }
}

/// The length of a string in code units, without its NUL.
///
/// # Safety
/// `text` is NULL or leads to a string that ends with a NUL.
unsafe fn length(text: WideString) -> Result<usize, Fault> {
    if text.is_null() {
        return Err(Fault::null("a string is NULL"));
    }
    // SAFETY: no NUL came before the unit that is read.
    let end = (0..=MAX_TEXT).find(|at| unsafe { text.add(*at).read_unaligned() } == 0);
    end.ok_or(Fault::Call(Status::NTE_INVALID_PARAMETER, "a string is too long"))
}

/// A string that must be there.
///
/// # Safety
/// `text` is NULL or leads to a string that ends with a NUL.
pub(super) unsafe fn text(text: WideString) -> Result<String, Fault> {
    // SAFETY: the caller's promise.
    let len = unsafe { length(text)? };
    // A PIN may stand in it, as in a URI: nothing outgrown is left behind.
    let mut units = Zeroizing::new(Vec::with_capacity(len));
    // SAFETY: no NUL came before the end.
    units.extend((0..len).map(|at| unsafe { text.add(at).read_unaligned() }));
    let mut read = Zeroizing::new(String::with_capacity(3 * len));
    for character in char::decode_utf16(units.iter().copied()) {
        read.push(character.map_err(|_| Fault::Call(Status::NTE_INVALID_PARAMETER, "a string is not UTF-16"))?);
    }
    Ok(std::mem::take(&mut *read))
}

/// A string that may be left out.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn optional_text(pointer: WideString) -> Result<Option<String>, Fault> {
    // SAFETY: the caller's promise.
    if pointer.is_null() { Ok(None) } else { unsafe { text(pointer) }.map(Some) }
}

/// The name of a property. Programs ask for properties all the time: what is ASCII is put into the caller's room, without an allocation.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn property_name(
    name: WideString,
    room: &mut [u8; MAX_PROPERTY_NAME],
) -> Result<Cow<'_, str>, Fault> {
    if name.is_null() {
        return Err(Fault::null("the name of the property is NULL"));
    }
    let mut len = None;
    for (at, byte) in room.iter_mut().enumerate() {
        // SAFETY: no NUL came before this unit.
        match u8::try_from(unsafe { name.add(at).read_unaligned() }) {
            Ok(0) => {
                len = Some(at);
                break;
            }
            Ok(unit) if unit.is_ascii() => *byte = unit,
            _ => break,
        }
    }
    if let Some(ascii) = len.and_then(|len| room.get(..len)) {
        // SAFETY: each of its bytes is ASCII.
        return Ok(Cow::Borrowed(unsafe { str::from_utf8_unchecked(ascii) }));
    }
    // SAFETY: the caller's promise.
    let name = unsafe { text(name)? };
    if wide::units(&name) > MAX_PROPERTY_NAME {
        return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, "the name of the property is too long"));
    }
    Ok(Cow::Owned(name))
}

/// The buffers of a description, in its order; none where there is no description.
///
/// # Safety
/// `description` is NULL or leads to a description whose buffers are what they say, while the result lives.
pub(super) unsafe fn buffers<'a>(description: *const BufferDescRaw) -> Result<Vec<Buffer<'a>>, Fault> {
    // SAFETY: the caller's promise.
    let Some(description) = (unsafe { structure::<BufferDescRaw>(description.cast()) }) else { return Ok(Vec::new()) };
    if description.version != 0 {
        return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, "ulVersion of the buffer description is not 0"));
    }
    if description.count > MAX_BUFFERS || (description.count != 0 && description.buffers.is_null()) {
        return Err(Fault::Call(
            Status::NTE_INVALID_PARAMETER,
            "the buffer description has no array of so many buffers",
        ));
    }
    let mut read = Vec::new();
    for at in 0..description.count as usize {
        // SAFETY: the description says that there are so many.
        let raw = unsafe { description.buffers.add(at).read_unaligned() };
        // SAFETY: the buffer says how long it is.
        read.push(Buffer { kind: raw.kind, data: unsafe { bytes(raw.data.cast_const().cast(), raw.len)? } });
    }
    Ok(read)
}
