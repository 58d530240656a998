//! An attribute that the caller adds to the private or the secret object of a new key.
//!
//! Owns [`Addition`] and [`Additions`], their values as PKCS#11 has them and back, and how they read in messages. Refuses what something else says
//! already, and one attribute given twice: two sources of one attribute would leave it to the order of a template which of them counts. How they are
//! written is in [`parse`](super::parse).

use std::fmt::{self, Display, Formatter};

use cryptoki_sys::CK_ULONG;

use super::mechanism::MECHANISMS;
use super::table::{self, Form};
use super::{Error, parse};
use crate::hex;
use crate::template::{AttributeType, Template};

/// How many attributes, mechanisms of a list, or attributes inside another one there may be.
pub(super) const MOST: usize = 64;

/// What an attribute is set to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Bytes.
    Bytes(Vec<u8>),
    /// A day: year, month and day, in eight digits.
    Date([u8; 8]),
    /// True or false.
    Flag(bool),
    /// Mechanisms, in no order.
    Mechanisms(Vec<u64>),
    /// Attributes, in no order: what must hold of keys that this one wraps, unwraps or derives.
    Nested(Vec<Addition>),
    /// A number.
    Number(u64),
}

/// An attribute and its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addition {
    pub(super) kind: AttributeType,
    pub(super) value: Value,
}

impl Addition {
    /// Reads `NAME=VALUE`. A name goes with or without `CKA_`, in any case; a number is written `0x…`.
    ///
    /// # Errors
    /// [`Error`]: what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::addition(text)
    }

    /// Which attribute it is.
    pub fn kind(&self) -> AttributeType {
        self.kind
    }

    /// What it is set to.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value as an object has it; `None` of what is no run of bytes.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        Some(match &self.value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Date(digits) => digits.to_vec(),
            Value::Flag(flag) => vec![u8::from(*flag)],
            Value::Mechanisms(numbers) => numbers.iter().flat_map(|number| ulong(*number)).collect(),
            Value::Nested(_) => return None,
            Value::Number(number) => ulong(*number).to_vec(),
        })
    }

    /// The attribute with this value, as far as it is one of the same form: else its bytes.
    pub(crate) fn with_bytes(&self, bytes: &[u8]) -> Self {
        let value = match &self.value {
            Value::Date(_) => bytes.try_into().ok().map(Value::Date),
            Value::Flag(_) => <[u8; 1]>::try_from(bytes).ok().map(|[byte]| Value::Flag(byte != 0)),
            Value::Mechanisms(_) => numbers(bytes).map(Value::Mechanisms),
            Value::Number(_) => numbers(bytes).and_then(|numbers| match numbers[..] {
                [number] => Some(Value::Number(number)),
                _ => None,
            }),
            Value::Bytes(_) | Value::Nested(_) => None,
        };
        Self { kind: self.kind, value: value.unwrap_or_else(|| Value::Bytes(bytes.to_vec())) }
    }

    /// The attribute of an object with this value, in the form that its row has, else as bytes.
    pub(crate) fn of_object(kind: AttributeType, bytes: &[u8]) -> Self {
        let value = match table::by_number(kind.0).map(|row| row.form) {
            Some(Form::Date) => Value::Date([0; 8]),
            Some(Form::Flag) => Value::Flag(false),
            Some(Form::Mechanisms) => Value::Mechanisms(Vec::new()),
            Some(Form::Number(_)) => Value::Number(0),
            Some(Form::Bytes | Form::Nested) | None => Value::Bytes(Vec::new()),
        };
        Self { kind, value }.with_bytes(bytes)
    }

    /// The same attribute with these inside.
    pub(crate) fn nesting(kind: AttributeType, inside: Vec<Self>) -> Self {
        Self { kind, value: Value::Nested(inside) }
    }

    /// Whether another one says the same: lists have no order.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.kind == other.kind
            && match (&self.value, &other.value) {
                (Value::Mechanisms(ours), Value::Mechanisms(theirs)) => {
                    ours.iter().all(|number| theirs.contains(number))
                        && theirs.iter().all(|number| ours.contains(number))
                }
                (Value::Nested(ours), Value::Nested(theirs)) => {
                    ours.len() == theirs.len()
                        && ours.iter().all(|ours| theirs.iter().any(|theirs| ours.equals(theirs)))
                }
                (ours, theirs) => ours == theirs,
            }
    }

    /// Whether it says something that does not hold of every object, of the attributes that are shown.
    pub(crate) fn is_unusual(&self) -> bool {
        match (&self.value, table::by_number(self.kind.0).and_then(|row| row.usual)) {
            (Value::Flag(flag), Some(usual)) => *flag != usual,
            (Value::Bytes(bytes), _) => !bytes.is_empty(),
            // Some tokens make zeros of a date that is none.
            (Value::Date(digits), _) => {
                digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|digit| *digit != b'0')
            }
            (Value::Mechanisms(numbers), _) => !numbers.is_empty(),
            (Value::Nested(inside), _) => !inside.is_empty(),
            (Value::Flag(_) | Value::Number(_), _) => false,
        }
    }

    /// The value in words.
    pub fn text(&self) -> String {
        match &self.value {
            Value::Bytes(bytes) => {
                format!("hex:{}", hex::encode(bytes))
            }
            Value::Date(digits) => {
                let text = String::from_utf8_lossy(digits);
                let part = |range| text.get(range).unwrap_or("?");
                format!("{}-{}-{}", part(0..4), part(4..6), part(6..8))
            }
            Value::Flag(flag) => flag.to_string(),
            Value::Mechanisms(numbers) => {
                numbers.iter().map(|number| MECHANISMS.name(*number)).collect::<Vec<_>>().join(",")
            }
            Value::Nested(inside) => {
                format!("{{{}}}", inside.iter().map(Self::to_string).collect::<Vec<_>>().join(";"))
            }
            Value::Number(number) => match table::by_number(self.kind.0).map(|row| row.form) {
                Some(Form::Number(names)) if !names.is_empty() => names.name(*number),
                _ => number.to_string(),
            },
        }
    }
}

impl Display for Addition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.text())
    }
}

/// The attributes that are added to a key, each once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Additions(Vec<Addition>);

impl Additions {
    /// None.
    pub const NONE: &'static Self = &Self(Vec::new());

    /// Takes attributes together.
    ///
    /// # Errors
    /// [`Error::Owned`] for one that something else says, [`Error::Twice`], [`Error::TooMany`].
    pub fn new(additions: Vec<Addition>) -> Result<Self, Error> {
        each_once(&additions)?;
        for Addition { kind, .. } in &additions {
            let owner = match table::by_number(kind.0) {
                Some(row) => row.owner,
                None => (kind.0 == super::CKA_NSS_DB).then_some(table::NSS_DB_OWNER),
            };
            if let Some(owner) = owner {
                return Err(Error::Owned { attribute: *kind, owner });
            }
        }
        Ok(Self(additions))
    }

    /// Reads each `NAME=VALUE`.
    ///
    /// # Errors
    /// As [`Addition::parse`] and [`Additions::new`].
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, Error> {
        if texts.len() > MOST {
            return Err(Error::TooMany { most: MOST });
        }
        Self::new(texts.iter().map(|text| Addition::parse(text.as_ref())).collect::<Result<_, _>>()?)
    }

    /// What stands on an object, whoever said it.
    pub(crate) fn standing(found: Vec<Addition>) -> Self {
        Self(found)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Addition> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names, for messages.
    pub fn names(&self) -> String {
        self.0.iter().map(|addition| addition.kind.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// The mechanisms to which the key is held, if it is.
    pub(crate) fn mechanisms(&self) -> Option<&[u64]> {
        self.0.iter().find_map(|addition| match &addition.value {
            Value::Mechanisms(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }

    /// Whether this attribute is among them and says more than nothing.
    pub(crate) fn demands(&self, kind: u64) -> bool {
        self.0.iter().any(|addition| addition.kind.0 == kind && addition.value != Value::Flag(false))
    }

    /// A template with all of them.
    pub(crate) fn added_to(&self, template: Template) -> Template {
        self.0.iter().fold(template, |template, addition| match (&addition.value, addition.bytes()) {
            (Value::Nested(inside), _) => {
                template.nested(addition.kind.0, Self(inside.clone()).added_to(Template::new()))
            }
            (_, Some(bytes)) => template.bytes(addition.kind.0, &bytes),
            // Only what is nested has no bytes.
            (_, None) => template,
        })
    }
}

/// Refuses an attribute that stands twice, and too many.
pub(super) fn each_once(additions: &[Addition]) -> Result<(), Error> {
    if additions.len() > MOST {
        return Err(Error::TooMany { most: MOST });
    }
    for (at, addition) in additions.iter().enumerate() {
        if additions.iter().skip(at + 1).any(|other| other.kind == addition.kind) {
            return Err(Error::Twice { attribute: addition.kind });
        }
    }
    Ok(())
}

fn ulong(number: u64) -> [u8; size_of::<CK_ULONG>()] {
    // On Windows CK_ULONG has 32 bits; what is parsed was held against that.
    CK_ULONG::to_ne_bytes(CK_ULONG::try_from(number).unwrap_or(CK_ULONG::MAX))
}

/// A row of `CK_ULONG`.
fn numbers(bytes: &[u8]) -> Option<Vec<u64>> {
    let (whole, rest) = bytes.as_chunks::<{ size_of::<CK_ULONG>() }>();
    rest.is_empty().then(|| whole.iter().map(|bytes| CK_ULONG::from_ne_bytes(*bytes)).collect())
}
