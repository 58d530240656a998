//! A little-endian cursor over a blob that knows where it is.

use super::Error;

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

    pub(crate) fn u32(&mut self, name: &'static str) -> Result<u32, Error> {
        let value = self.peek_u32(name)?;
        let offset = self.offset;
        self.advance(name, 4)?;
        self.note(Field { name, offset, length: 4, value: Value::Number(value) });
        Ok(value)
    }

    pub(crate) fn peek_u32(&self, name: &'static str) -> Result<u32, Error> {
        match self.rest.first_chunk::<4>() {
            Some(bytes) => Ok(u32::from_le_bytes(*bytes)),
            None => Err(self.truncated(name, 4)),
        }
    }

    pub(crate) fn public(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        let offset = self.offset;
        let bytes = self.advance(name, len)?;
        self.note(Field { name, offset, length: bytes.len(), value: Value::Public(bytes) });
        Ok(bytes)
    }

    pub(crate) fn private(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        let offset = self.offset;
        let bytes = self.advance(name, len)?;
        self.note(Field { name, offset, length: bytes.len(), value: Value::Private(PrivateValue(bytes)) });
        Ok(bytes)
    }

    /// Everything that is left, as one private field.
    pub(crate) fn rest(&mut self, name: &'static str) -> &'a [u8] {
        let (offset, bytes) = (self.offset, self.rest);
        self.offset += bytes.len();
        self.rest = &[];
        self.note(Field { name, offset, length: bytes.len(), value: Value::Private(PrivateValue(bytes)) });
        bytes
    }

    /// Checks a total known from the header before any of the payload is read.
    pub(crate) fn expect_rest(&self, name: &'static str, needed: u64) -> Result<(), Error> {
        let left = self.rest.len() as u64;
        if needed > left {
            return Err(self.truncated(name, needed));
        }
        match usize::try_from(needed) {
            Ok(needed) if needed < self.rest.len() => {
                Err(Error::Trailing { offset: self.offset + needed, extra: self.rest.len() - needed })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn expect_end(&self) -> Result<(), Error> {
        self.expect_rest("the end", 0)
    }

    fn advance(&mut self, name: &'static str, len: u32) -> Result<&'a [u8], Error> {
        let taken = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let Some((taken, rest)) = taken else {
            return Err(self.truncated(name, u64::from(len)));
        };
        self.rest = rest;
        self.offset += taken.len();
        Ok(taken)
    }

    fn truncated(&self, field: &'static str, needed: u64) -> Error {
        Error::Truncated { field, offset: self.offset, needed, left: self.rest.len() }
    }

    fn note(&mut self, field: Field<'a>) {
        if let Some(fields) = &mut self.fields {
            fields.push(field);
        }
    }
}
