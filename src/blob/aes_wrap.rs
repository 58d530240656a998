//! `Rfc3565KeyWrapBlob`: the bare output of RFC 3394 AES key wrap, without any header.
//!
//! It holds the wrapped *bare* key (not a `KeyDataBlob`), so it is 8 bytes longer than the key and says neither its algorithm nor
//! its length. Only lengths can be checked here; opening it is [`wrap`](crate::wrap)'s business.

use super::Error;

/// A wrapped blob of a possible length, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct AesWrapBlob<'a> {
    wrapped: &'a [u8],
}

impl<'a> AesWrapBlob<'a> {
    /// Checks the length: a multiple of 8, and at least 24 (RFC 3394 §2.2.1 wraps two blocks or more).
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() < 24 || !bytes.len().is_multiple_of(8) {
            let expected = "AES key wrap gives a multiple of 8 bytes, at least 24";
            return Err(Error::Value { field: "the total length", offset: 0, found: bytes.len() as u64, expected });
        }
        Ok(Self { wrapped: bytes })
    }

    /// The wrapped bytes.
    pub fn wrapped(&self) -> &'a [u8] {
        self.wrapped
    }

    /// Bytes of the key inside.
    pub fn key_len(&self) -> usize {
        self.wrapped.len() - 8
    }
}
