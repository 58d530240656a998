//! A file field by field: what stands where.
//!
//! Owned values, unlike those of [`blob::Field`]: what is inside PEM or PKCS#12 stands nowhere in the file as it is. A field of nested structures comes
//! before those that it consists of, one level deeper. Offsets count from the start of the file; inside a PEM block or a decrypted part
//! from the start of what is decoded, which a field in front of it says.

pub(super) mod der;
#[cfg(feature = "pfx")]
mod pfx;
mod text;
pub(super) mod wrapped;

use std::borrow::Cow;

#[cfg(feature = "pfx")]
use super::container;
#[cfg(feature = "pfx")]
use super::decode::numbered;
use super::decode::{decode_each, is_text};
use super::{Entry, Error, Format};
#[cfg(feature = "pfx")]
use crate::asn1;
use crate::blob::{self, BlobType, Hints};
use crate::secret::SecretBytes;

/// One field of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Field {
    /// Its name in the standard that defines the structure.
    pub name: Cow<'static, str>,
    /// Where it begins.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
    /// How many fields it is inside.
    pub depth: usize,
    /// Its value.
    pub value: Value,
}

/// The value of a field.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// It consists of the fields that follow, one level deeper.
    Structure,
    /// A number.
    Number(u64),
    /// Private bytes: never shown unless asked for. `Debug` shows their number.
    Private(SecretBytes),
    /// Public bytes.
    Public(Vec<u8>),
    /// A name or another text, a remark on what follows.
    Text(String),
}

impl Field {
    fn new(name: impl Into<Cow<'static, str>>, offset: usize, length: usize, depth: usize, value: Value) -> Self {
        Self { name: name.into(), offset, length, depth, value }
    }

    fn of_blob(field: &blob::Field<'_>) -> Self {
        let value = match field.value {
            blob::Value::Number(number) => Value::Number(number.into()),
            blob::Value::Private(bytes) => Value::Private(SecretBytes::from(bytes.0)),
            blob::Value::Public(bytes) => Value::Public(bytes.to_vec()),
        };
        Self::new(field.name, field.offset, field.length, 0, value)
    }
}

/// Reads a file and tells its fields, of a damaged one those up to where it stops making sense.
pub fn inspect(bytes: &[u8], format: Format, hints: &Hints<'_>) -> (Vec<Field>, Result<Vec<Entry>, Error>) {
    if let Format::Blob(blob_type) = format
        && blob_type != BlobType::Pkcs8
    {
        let (read, outcome) = blob::inspect(bytes, blob_type, hints);
        let mut fields = Vec::new();
        if wrapped::is_container(blob_type) {
            let is_one = matches!(outcome, Err(blob::Error::Wrapped { .. }));
            let trust = if is_one { der::Trust::Structure } else { der::Trust::Nothing };
            // Where it stops, the outcome tells.
            let _ = wrapped::walk(&mut fields, bytes, blob_type, trust);
        }
        if fields.is_empty() {
            fields.extend(read.iter().map(Field::of_blob));
        }
        return (fields, outcome.map(|decoded| vec![decoded.into()]).map_err(Error::from));
    }
    let mut fields = Vec::new();
    #[cfg(feature = "pfx")]
    if format == Format::Pkcs12 {
        // Opened once: what its password costs is the file's to say.
        let _ = der::walk(&mut fields, bytes, format, 0, der::Trust::of(bytes, format));
        let outcome = match asn1::pfx::decode(bytes, hints.opening()) {
            Ok(pfx) => {
                pfx::bags(&mut fields, &pfx);
                container::entries(&pfx, hints).and_then(|outcomes| numbered(outcomes, format))
            }
            Err(error) => Err(error.into()),
        };
        if fields.is_empty() {
            fields.push(whole("the file", bytes));
        }
        return (fields, outcome.and_then(|outcomes| outcomes.into_iter().collect()));
    }
    let outcome = decode_each(bytes, format, hints).and_then(|outcomes| outcomes.into_iter().collect());
    match format {
        Format::Jwk | Format::JwkSet => text::jwk(&mut fields, bytes),
        Format::Bind => text::bind(&mut fields, bytes),
        Format::Raw => fields.push(whole("key", bytes)),
        _ if is_text(bytes) => text::pem(&mut fields, bytes),
        format => {
            let format = format.der().unwrap_or(format);
            // Where it stops, the outcome tells.
            let _ = der::walk(&mut fields, bytes, format, 0, der::Trust::of(bytes, format));
        }
    }
    if fields.is_empty() {
        fields.push(whole("the file", bytes));
    }
    (fields, outcome)
}

/// All of a file as one field that is not shown.
fn whole(name: &'static str, bytes: &[u8]) -> Field {
    Field::new(name, 0, bytes.len(), 0, Value::Private(SecretBytes::from(bytes)))
}
