//! A writer over a buffer: a new, wiped one or the caller's. Numbers are written at the width the layout states, never at
//! their own.
//!
//! What has no room is counted and not written, so that a writer over an empty buffer finds the length of a blob: the
//! layout that writes it is the only one there is.

use super::Error;
use crate::secret::{SecretBytes, trim_leading_zeros};

pub(crate) struct Writer<B = SecretBytes> {
    buffer: B,
    position: usize,
}

impl Writer {
    /// A writer of exactly `len` bytes, into an allocation of their own.
    pub(crate) fn new(len: usize) -> Self {
        Self::over(SecretBytes::zeroed(len))
    }

    /// The blob, once all of it is written.
    pub(crate) fn finish(self) -> Result<SecretBytes, Error> {
        if self.position == self.buffer.len() {
            return Ok(self.buffer);
        }
        Err(misfit("the end", self.position, self.position))
    }
}

impl<B: AsMut<[u8]>> Writer<B> {
    /// A writer to the front of a buffer, which may hold anything.
    pub(crate) fn over(buffer: B) -> Self {
        Self { buffer, position: 0 }
    }

    #[inline]
    pub(crate) fn u32(&mut self, field: &'static str, value: usize) -> Result<(), Error> {
        let number = u32::try_from(value).map_err(|_| misfit(field, self.position, value))?;
        self.bytes(field, &number.to_le_bytes())
    }

    #[inline]
    pub(crate) fn magic(&mut self, value: u32) -> Result<(), Error> {
        self.bytes("Magic", &value.to_le_bytes())
    }

    #[inline]
    pub(crate) fn bytes(&mut self, field: &'static str, value: &[u8]) -> Result<(), Error> {
        if let Some(place) = self.advance(field, value.len())? {
            place.copy_from_slice(value);
        }
        Ok(())
    }

    /// A big-endian number, left-padded to `width`.
    #[inline]
    pub(crate) fn number(&mut self, field: &'static str, value: &[u8], width: usize) -> Result<(), Error> {
        let value = trim_leading_zeros(value);
        let pad = width.checked_sub(value.len()).ok_or_else(|| misfit(field, self.position, value.len()))?;
        // Rarely: a prime or an exponent that happens to be short.
        if pad != 0
            && let Some(place) = self.advance(field, pad)?
        {
            place.fill(0);
        }
        self.bytes(field, value)
    }

    /// A little-endian number, given big-endian, right-padded to `width`.
    pub(crate) fn number_le(&mut self, field: &'static str, value: &[u8], width: usize) -> Result<(), Error> {
        let value = trim_leading_zeros(value);
        let pad = width.checked_sub(value.len()).ok_or_else(|| misfit(field, self.position, value.len()))?;
        if let Some(place) = self.advance(field, value.len())? {
            place.copy_from_slice(value);
            place.reverse();
        }
        if let Some(place) = self.advance(field, pad)? {
            place.fill(0);
        }
        Ok(())
    }

    /// How long the blob is so far, with what had no room.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The place of the next `len` bytes, if there is room for them.
    #[inline]
    fn advance(&mut self, field: &'static str, len: usize) -> Result<Option<&mut [u8]>, Error> {
        let start = self.position;
        self.position = start.checked_add(len).ok_or_else(|| misfit(field, start, len))?;
        Ok(self.buffer.as_mut().get_mut(start..self.position))
    }
}

#[cold]
fn misfit(field: &'static str, offset: usize, found: usize) -> Error {
    Error::Value { field, offset, found: found as u64, expected: "it does not fit the width of its field" }
}
