//! A little-endian cursor over a blob that knows where it is.

use super::{Error, magic};
use crate::wide;

/// One field of a blob, as `inspect` shows it.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// The field's name in the CNG structure.
    pub name: &'static str,
    /// Where it begins, in bytes from the start of the blob.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
    /// Its value, unless that is private.
    pub value: Value<'a>,
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A header number.
    Number(u32),
    /// Private bytes: never shown unless asked for.
    Private(PrivateValue<'a>),
    /// Public bytes.
    Public(&'a [u8]),
}

/// Private bytes whose `Debug` is blank.
#[derive(Clone, Copy)]
pub struct PrivateValue<'a>(pub(crate) &'a [u8]);

impl std::fmt::Debug for PrivateValue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateValue({} bytes)", self.0.len())
    }
}

/// The cursor. Every method names the field it reads, for the error and for the trace.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    fields: Option<Vec<Field<'a>>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0, fields: None }
    }

    /// A reader that remembers every field it reads.
    pub(crate) fn tracing(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0, fields: Some(Vec::new()) }
    }

    pub(crate) fn into_fields(self) -> Vec<Field<'a>> {
        self.fields.unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    #[inline]
    pub(crate) fn u32(&mut self, name: &'static str) -> Result<u32, Error> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(truncated(name, self.offset, 4, self.rest.len()));
        };
        let (offset, value) = (self.offset, u32::from_le_bytes(*bytes));
        self.rest = rest;
        self.offset += bytes.len();
        self.note(name, offset, bytes.len(), Value::Number(value));
        Ok(value)
    }

    /// A number of one byte.
    pub(crate) fn u8(&mut self, name: &'static str) -> Result<u8, Error> {
        self.number(name, |[byte]: [u8; 1]| byte)
    }

    /// A number of two bytes.
    pub(crate) fn u16(&mut self, name: &'static str) -> Result<u16, Error> {
        self.number(name, u16::from_le_bytes)
    }

    /// A big-endian number, which the counters of DSA are.
    pub(crate) fn u32_be(&mut self, name: &'static str) -> Result<u32, Error> {
        self.number(name, u32::from_be_bytes)
    }

    fn number<const N: usize, T: Copy + Into<u32>>(
        &mut self,
        name: &'static str,
        value: impl FnOnce([u8; N]) -> T,
    ) -> Result<T, Error> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(truncated(name, self.offset, N as u64, self.rest.len()));
        };
        let (offset, value) = (self.offset, value(*bytes));
        self.rest = rest;
        self.offset += N;
        self.note(name, offset, N, Value::Number(value.into()));
        Ok(value)
    }

    /// A magic number, one of those that are allowed.
    pub(crate) fn magic(&mut self, name: &'static str, allowed: &[u32], expected: &'static str) -> Result<u32, Error> {
        let offset = self.offset;
        let found = self.u32(name)?;
        if allowed.contains(&found) {
            return Ok(found);
        }
        Err(match magic::of(found).and_then(|magic| magic.foreign) {
            Some(what) => Error::Unsupported { field: name, offset, what },
            None => Error::Magic { field: name, offset, found, expected },
        })
    }

    /// A UTF-16LE name, whose NUL is counted in its length.
    pub(crate) fn name(&mut self, name: &'static str, len: u32) -> Result<String, Error> {
        let offset = self.offset;
        let bytes = self.name_bytes(name, len)?;
        wide::decode(bytes).map_err(|source| Error::Wide { field: name, offset, source })
    }

    /// The bytes of such a name.
    pub(crate) fn name_bytes(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        let offset = self.offset;
        let bytes = self.public(name, len)?;
        if bytes.ends_with(&[0, 0]) {
            return Ok(bytes);
        }
        let expected = "its length must count a NUL at its end";
        Err(Error::Value { field: name, offset, found: u64::from(len), expected })
    }

    /// A big-endian public number without a zero byte in front.
    pub(crate) fn full_width(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        let offset = self.offset;
        let number = self.public(name, len)?;
        if number.first() != Some(&0) {
            return Ok(number);
        }
        let expected = "its first byte must not be zero, it is what the other lengths go by";
        Err(Error::Value { field: name, offset, found: 0, expected })
    }

    pub(crate) fn peek_u32(&self, name: &'static str) -> Result<u32, Error> {
        match self.rest.first_chunk() {
            Some(bytes) => Ok(u32::from_le_bytes(*bytes)),
            None => Err(truncated(name, self.offset, 4, self.rest.len())),
        }
    }

    #[inline]
    pub(crate) fn public(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        self.bytes(name, len, Value::Public)
    }

    #[inline]
    pub(crate) fn private(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        self.bytes(name, len, |bytes| Value::Private(PrivateValue(bytes)))
    }

    /// What has not been read.
    pub(crate) fn unread(&self) -> &'a [u8] {
        self.rest
    }

    /// Everything that is left, as one private field.
    pub(crate) fn rest(&mut self, name: &'static str) -> &'a [u8] {
        let (offset, bytes) = (self.offset, self.rest);
        self.offset += bytes.len();
        self.rest = &[];
        self.note(name, offset, bytes.len(), Value::Private(PrivateValue(bytes)));
        bytes
    }

    /// Checks a total known from the header before any of the payload is read.
    #[inline]
    pub(crate) fn expect_rest(&self, name: &'static str, needed: u64) -> Result<(), Error> {
        let left = self.rest.len();
        match usize::try_from(needed) {
            Ok(needed) if needed == left => Ok(()),
            Ok(needed) if needed < left => Err(trailing(self.offset + needed, left - needed)),
            _ => Err(truncated(name, self.offset, needed, left)),
        }
    }

    #[inline]
    pub(crate) fn expect_end(&self) -> Result<(), Error> {
        self.expect_rest("the end", 0)
    }

    #[inline]
    fn bytes(
        &mut self,
        name: &'static str,
        len: u32,
        value: impl FnOnce(&'a [u8]) -> Value<'a>,
    ) -> Result<&'a [u8], Error> {
        let taken = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let Some((bytes, rest)) = taken else {
            return Err(truncated(name, self.offset, u64::from(len), self.rest.len()));
        };
        let offset = self.offset;
        self.rest = rest;
        self.offset += bytes.len();
        self.note(name, offset, bytes.len(), value(bytes));
        Ok(bytes)
    }

    #[inline]
    fn note(&mut self, name: &'static str, offset: usize, length: usize, value: Value<'a>) {
        if let Some(fields) = &mut self.fields {
            fields.push(Field { name, offset, length, value });
        }
    }
}

// Apart from the cursor, which so can stay in registers: a decoder that fails is in no hurry.

#[cold]
fn truncated(field: &'static str, offset: usize, needed: u64, left: usize) -> Error {
    Error::Truncated { field, offset, needed, left }
}

#[cold]
fn trailing(offset: usize, extra: usize) -> Error {
    Error::Trailing { offset, extra }
}
