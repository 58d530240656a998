//! A writer into one exact, wiped allocation. Numbers are written at the width the layout states, never at their own.

use super::Error;
use crate::secret::{SecretBytes, trim_leading_zeros};

pub(crate) struct Writer {
    bytes: SecretBytes,
    position: usize,
}

impl Writer {
    /// A writer of exactly `len` bytes.
    pub(crate) fn new(len: usize) -> Self {
        Self { bytes: SecretBytes::zeroed(len), position: 0 }
    }

    pub(crate) fn u32(&mut self, field: &'static str, value: usize) -> Result<(), Error> {
        let value = u32::try_from(value).map_err(|_| self.misfit(field, value))?;
        self.bytes(field, &value.to_le_bytes())
    }

    pub(crate) fn magic(&mut self, value: u32) -> Result<(), Error> {
        self.bytes("Magic", &value.to_le_bytes())
    }

    pub(crate) fn bytes(&mut self, field: &'static str, value: &[u8]) -> Result<(), Error> {
        let end = self.position + value.len();
        let misfit = self.misfit(field, value.len());
        self.bytes.as_mut_slice().get_mut(self.position..end).ok_or(misfit)?.copy_from_slice(value);
        self.position = end;
        Ok(())
    }

    /// A big-endian number, left-padded to `width`.
    pub(crate) fn number(&mut self, field: &'static str, value: &[u8], width: usize) -> Result<(), Error> {
        let value = trim_leading_zeros(value);
        let pad = width.checked_sub(value.len()).ok_or_else(|| self.misfit(field, value.len()))?;
        self.position += pad;
        self.bytes(field, value)
    }

    /// The blob, once all of it is written.
    pub(crate) fn finish(self) -> Result<SecretBytes, Error> {
        if self.position == self.bytes.len() {
            return Ok(self.bytes);
        }
        Err(self.misfit("the end", self.position))
    }

    fn misfit(&self, field: &'static str, found: usize) -> Error {
        let offset = self.position;
        Error::Value { field, offset, found: found as u64, expected: "it does not fit the width of its field" }
    }
}
