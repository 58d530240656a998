//! What C gets: bytes into its own buffers by the rule of sizes, numbers and handles into its own variables, and what is allocated for it.

use std::any::Any;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::buffer;
use super::guard::Fault;
use crate::provider::{Agreement, Buffer};
use crate::secret::SecretBytes;
use crate::status::Status;

/// A variable of the caller that a result goes to.
pub(super) struct Variable<T>(*mut T);

impl<T> Variable<T> {
    /// # Safety
    /// `pointer` is NULL or leads to a `T` that may be written until the result is dropped.
    pub(super) unsafe fn new(pointer: *mut T, what: &'static str) -> Result<Self, Fault> {
        if pointer.is_null() { Err(Fault::null(what)) } else { Ok(Self(pointer)) }
    }

    pub(super) fn set(&self, value: T) {
        // SAFETY: the promise made at `new`.
        unsafe { self.0.write_unaligned(value) }
    }
}

/// An output buffer of the caller, and where the length goes.
pub(super) struct Output {
    data: *mut u8,
    capacity: u32,
    written: Variable<u32>,
}

impl Output {
    /// # Safety
    /// `data` is NULL or leads to `capacity` bytes, `written` is NULL or leads to a number; both may be written until the result is dropped.
    pub(super) unsafe fn new(data: *mut u8, capacity: u32, written: *mut u32) -> Result<Self, Fault> {
        // SAFETY: the caller's promise.
        let written = unsafe { Variable::new(written, "pcbResult is NULL")? };
        Ok(Self { data, capacity, written })
    }

    /// Whether the size alone is asked for.
    pub(super) fn is_query(&self) -> bool {
        self.data.is_null()
    }

    /// Says how much is needed: true if it is asked for and the call is over.
    pub(super) fn only_wants(&self, needed: usize) -> Result<bool, Fault> {
        let needed = u32::try_from(needed).map_err(|_| too_large())?;
        if self.is_query() {
            self.written.set(needed);
            return Ok(true);
        }
        if needed > self.capacity {
            self.written.set(needed);
            return Err(Fault::Call(Status::NTE_BUFFER_TOO_SMALL, "the output buffer is too small"));
        }
        Ok(false)
    }

    /// Hands out a result whose size was not known before: the size if that is asked for, else the bytes.
    pub(super) fn give(&self, bytes: &[u8]) -> Result<(), Fault> {
        if self.only_wants(bytes.len())? {
            return Ok(());
        }
        // SAFETY: the buffer is as long, which was just checked. It may be the one that the input came in.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.data, bytes.len()) };
        self.written.set(u32::try_from(bytes.len()).map_err(|_| too_large())?);
        Ok(())
    }

    /// Hands out a key that is derived from a secret: as much of it as there is room for, which is what the caller asked for.
    pub(super) fn derive(
        &self,
        secret: &Agreement,
        kdf: &str,
        buffers: &[Buffer<'_>],
        flags: u32,
    ) -> Result<(), Fault> {
        let room = (!self.is_query()).then_some(self.capacity as usize);
        self.give(&secret.derive(kdf, buffers, flags, room)?)
    }

    /// The input of a call, apart from the buffer of its output: the same one may be given for both, and then the input is copied.
    ///
    /// # Safety
    /// `data` is NULL or leads to `len` bytes.
    pub(super) unsafe fn input(&self, data: *const u8, len: u32) -> Result<Input, Fault> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { buffer::bytes(data, len)? };
        let (from, to) = (data.addr(), self.data.addr());
        let is_apart = self.is_query()
            || from.saturating_add(bytes.len()) <= to
            || to.saturating_add(self.capacity as usize) <= from;
        Ok(if is_apart { Input::Theirs(data, bytes.len()) } else { Input::Ours(SecretBytes::from(bytes)) })
    }

    /// Where the buffer stands, for pointers into it.
    pub(super) fn address(&self) -> usize {
        self.data.addr()
    }
}

/// What a call that may write over its input works on.
pub(super) enum Input {
    Theirs(*const u8, usize),
    Ours(SecretBytes),
}

impl Input {
    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Theirs(_, 0) => &[],
            // SAFETY: the promise made at `Output::input`, which holds for the length of the call.
            Self::Theirs(data, len) => unsafe { std::slice::from_raw_parts(*data, *len) },
            Self::Ours(bytes) => bytes,
        }
    }
}

/// A buffer of the caller that is filled as a whole.
pub(super) struct Filled {
    data: *mut u8,
    len: usize,
}

/// What is made in one piece before it is handed out is no longer.
const MAX_FILLED: usize = 1 << 24;

impl Filled {
    /// # Safety
    /// `data` is NULL or leads to `len` bytes that may be written until the result is dropped.
    pub(super) unsafe fn new(data: *mut u8, len: u32, what: &'static str) -> Result<Self, Fault> {
        if data.is_null() && len != 0 { Err(Fault::null(what)) } else { Ok(Self { data, len: len as usize }) }
    }

    /// Fills it with what `make` makes. That is done beside it, since it may be the one that the input came in.
    pub(super) fn with(&self, make: impl FnOnce(&mut [u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.len > MAX_FILLED {
            return Err(Fault::Call(
                Status::NTE_INVALID_PARAMETER,
                "the output is longer than anything that is made here",
            ));
        }
        let mut made = SecretBytes::zeroed(self.len);
        make(made.as_mut_slice())?;
        if self.len != 0 {
            // SAFETY: the promise made at `new`; what was made is as long.
            unsafe { std::ptr::copy_nonoverlapping(made.as_ptr(), self.data, self.len) };
        }
        Ok(())
    }

    /// What stands in it now; `None` if there is no buffer.
    pub(super) fn copy(&self) -> Option<Vec<u8>> {
        // SAFETY: the promise made at `new`.
        (!self.data.is_null()).then(|| unsafe { std::slice::from_raw_parts(self.data, self.len) }.to_vec())
    }

    /// Fills it piece by piece with what has no input.
    pub(super) fn in_pieces(&self, mut make: impl FnMut(&mut [u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut piece = secrecy::zeroize::Zeroizing::new([0; 4096]);
        let mut at = 0;
        while at < self.len {
            let len = piece.len().min(self.len - at);
            let part = piece.get_mut(..len).unwrap_or_default();
            make(part)?;
            // SAFETY: the promise made at `new`; the piece ends where the buffer does.
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), self.data.add(at), len) };
            at += len;
        }
        if self.len == 0 { make(&mut []) } else { Ok(()) }
    }
}

fn too_large() -> Fault {
    Fault::Call(Status::NTE_INTERNAL_ERROR, "a result is longer than a length can say")
}

/// What was allocated for callers and is theirs to free.
static ALLOCATED: LazyLock<Mutex<HashMap<usize, Box<dyn Any + Send>>>> = LazyLock::new(Mutex::default);

fn allocated() -> MutexGuard<'static, HashMap<usize, Box<dyn Any + Send>>> {
    ALLOCATED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows of a structure with pointers to strings, in one allocation for the caller.
///
/// The memory is made of 8-byte words, so that it is aligned for pointers: the rows first, then the strings.
pub(super) struct Rows {
    words: Vec<u64>,
    row: usize,
    /// In bytes.
    filled: usize,
    strings_at: usize,
}

impl Rows {
    /// Room for `count` rows of `row` bytes, and for these strings with their NULs.
    pub(super) fn new(row: usize, count: usize, strings: impl Iterator<Item = usize>) -> Self {
        let strings_at = row * count;
        let bytes = strings.fold(strings_at, |bytes, units| bytes + 2 * (units + 1));
        Self { words: vec![0; bytes.div_ceil(8).max(1)], row, filled: 0, strings_at }
    }

    /// Puts a string behind the rows, and says where it will stand.
    pub(super) fn string(&mut self, text: &str) -> *mut u16 {
        let base = self.words.as_mut_ptr().cast::<u8>();
        let room = 8 * self.words.len();
        let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
        if self.strings_at + 2 * units.len() > room {
            return std::ptr::null_mut();
        }
        // SAFETY: it fits, as was just checked; offsets of strings are even, so that they are aligned.
        unsafe {
            let place = base.add(self.strings_at).cast::<u16>();
            std::ptr::copy_nonoverlapping(units.as_ptr(), place, units.len());
            self.strings_at += 2 * units.len();
            place
        }
    }

    /// Puts down the next row.
    pub(super) fn push<T>(&mut self, row: T) {
        if size_of::<T>() == self.row && self.filled + self.row <= 8 * self.words.len() {
            // SAFETY: it fits, as was just checked.
            unsafe { self.words.as_mut_ptr().cast::<u8>().add(self.filled).cast::<T>().write_unaligned(row) };
            self.filled += self.row;
        }
    }

    /// Hands it to the caller, who frees it with [`free`].
    pub(super) fn give<T>(mut self) -> *mut T {
        let pointer = self.words.as_mut_ptr();
        // The memory of a vector does not move with it.
        allocated().insert(pointer.addr(), Box::new(self.words));
        pointer.cast()
    }
}

/// Keeps a value for the caller, who sees no more of it than a pointer.
pub(super) fn keep<T: Any + Send>(value: T) -> *mut c_void {
    // A mark of its own, since a value may be of no size.
    let boxed: Box<(u64, T)> = Box::new((0, value));
    let pointer = (&raw const *boxed).cast_mut().cast::<c_void>();
    allocated().insert(pointer.addr(), boxed);
    pointer
}

/// Does something with a value that is kept for the caller.
pub(super) fn with_kept<T: Any + Send, R>(pointer: *mut c_void, work: impl FnOnce(&mut T) -> R) -> Result<R, Fault> {
    let mut allocated = allocated();
    let kept = allocated.get_mut(&pointer.addr()).and_then(|kept| kept.downcast_mut::<(u64, T)>());
    let (_, value) = kept.ok_or(Fault::Call(Status::NTE_INVALID_PARAMETER, "the state is none of this library"))?;
    Ok(work(value))
}

/// Frees what was allocated for the caller.
pub(super) fn free(pointer: *mut c_void) -> Result<(), Fault> {
    let freed = allocated().remove(&pointer.addr());
    drop(freed.ok_or(Fault::Call(Status::NTE_INVALID_PARAMETER, "the pointer is none that this library allocated"))?);
    Ok(())
}
