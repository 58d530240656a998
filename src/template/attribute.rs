//! Attributes by their numbers and names, for the layers above: they do without `cryptoki_sys`.
//!
//! Owns the standard's numbers, classes and key types; the names of attributes ([`table`]); and the attributes that a caller adds to a new key
//! ([`Additions`]).

mod addition;
mod mechanism;
mod parse;
mod table;
#[cfg(test)]
mod tests;

pub use self::addition::{Addition, Additions, Value};
pub use self::mechanism::{mechanism_by_name, mechanism_name, standard_mechanism};

pub(crate) use cryptoki_sys::{
    CKA_ALLOWED_MECHANISMS, CKA_ALWAYS_AUTHENTICATE, CKA_APPLICATION, CKA_CLASS, CKA_COEFFICIENT, CKA_DECRYPT,
    CKA_DERIVE, CKA_DERIVE_TEMPLATE, CKA_EC_PARAMS, CKA_ENCRYPT, CKA_END_DATE, CKA_EXPONENT_1, CKA_EXPONENT_2,
    CKA_EXTRACTABLE, CKA_ID, CKA_ISSUER, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PRIME_1,
    CKA_PRIME_2, CKA_PRIVATE, CKA_PRIVATE_EXPONENT, CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SERIAL_NUMBER, CKA_SIGN,
    CKA_START_DATE, CKA_SUBJECT, CKA_TOKEN, CKA_TRUSTED, CKA_UNWRAP, CKA_UNWRAP_TEMPLATE, CKA_VALUE, CKA_VALUE_LEN,
    CKA_VERIFY, CKA_WRAP, CKA_WRAP_TEMPLATE, CKA_WRAP_WITH_TRUSTED, CKK_AES, CKK_GENERIC_SECRET, CKO_CERTIFICATE,
    CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};

use super::AttributeType;
use super::profile::CKA_NSS_DB;
use crate::key::KeyUsage;
use crate::status::Status;

/// What of the attributes to be added is not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something else says it.
    #[error("{attribute} is not added like this: {owner}")]
    Owned {
        /// The attribute.
        attribute: AttributeType,
        /// What does.
        owner: &'static str,
    },
    /// It stands there twice.
    #[error("{attribute} is given twice")]
    Twice {
        /// The attribute.
        attribute: AttributeType,
    },
    /// There are too many.
    #[error("more than {most} attributes are given")]
    TooMany {
        /// How many are taken.
        most: usize,
    },
    /// It is too long.
    #[error("an attribute is longer than {most} bytes")]
    TooLong {
        /// How many bytes are taken.
        most: usize,
    },
    /// It has no value.
    #[error("`{text}` has no `=` with a value behind it")]
    NoValue {
        /// What was given.
        text: String,
    },
    /// The name is not known.
    #[error("`{name}` is no attribute of keys that is known here")]
    Unknown {
        /// The name.
        name: String,
        /// Those that are.
        known: String,
    },
    /// The value is not one of this attribute.
    #[error("the value of {attribute} is not valid at offset {at}: {problem}")]
    Value {
        /// The attribute.
        attribute: AttributeType,
        /// Where, in bytes from the start of what was given.
        at: usize,
        /// What is wrong.
        problem: String,
    },
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        Status::NTE_INVALID_PARAMETER
    }

    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Owned { .. } => "leave it out, or say it there".to_owned(),
            Self::Twice { .. } => "give it once".to_owned(),
            Self::TooMany { .. } | Self::TooLong { .. } => "no key has such attributes".to_owned(),
            Self::NoValue { .. } => "write NAME=VALUE, as in CKA_WRAP_WITH_TRUSTED=true".to_owned(),
            Self::Unknown { known, .. } => {
                format!("by name there are {known}; any other by its number: 0x80001234=hex:00ff")
            }
            Self::Value { .. } => {
                "for instance CKA_WRAP_WITH_TRUSTED=true, CKA_END_DATE=2026-12-31, CKA_ALLOWED_MECHANISMS=CKM_ECDSA,0x1043, \
                 'CKA_UNWRAP_TEMPLATE={CKA_SENSITIVE=true;CKA_EXTRACTABLE=false}', 0x80001234=hex:00ff"
                    .to_owned()
            }
        }
    }
}

/// What NSS's headers call it.
const NSS_DB: &str = "CKA_NSS_DB";

/// The name of an attribute, of those that have one here.
pub(super) fn name(kind: cryptoki_sys::CK_ATTRIBUTE_TYPE) -> Option<&'static str> {
    table::by_number(kind).map(|row| row.name).or_else(|| (kind == CKA_NSS_DB).then_some(NSS_DB))
}

/// The attribute of a name.
pub(super) fn by_name(name: &str) -> Option<cryptoki_sys::CK_ATTRIBUTE_TYPE> {
    table::by_name(name).map(|row| row.kind).or_else(|| (name == NSS_DB).then_some(CKA_NSS_DB))
}

/// What says an attribute, where it is not the caller's to add: an option, the key, or the token; a sentence without its end.
pub(crate) fn owner(kind: cryptoki_sys::CK_ATTRIBUTE_TYPE) -> Option<&'static str> {
    table::by_number(kind).and_then(|row| row.owner)
}

/// What a usage is on a token: the private or secret object's attribute, and the counterpart's, which a symmetric key has as well.
pub(crate) const USAGES: [(KeyUsage, cryptoki_sys::CK_ATTRIBUTE_TYPE, Option<cryptoki_sys::CK_ATTRIBUTE_TYPE>); 4] = [
    (KeyUsage::SIGN, CKA_SIGN, Some(CKA_VERIFY)),
    (KeyUsage::DECRYPT, CKA_DECRYPT, Some(CKA_ENCRYPT)),
    (KeyUsage::WRAP, CKA_UNWRAP, Some(CKA_WRAP)),
    (KeyUsage::AGREE, CKA_DERIVE, None),
];

/// The attributes that [`shown`](Addition::is_unusual) keys may have: those whose value is a run of bytes, with room for it; and those that are lists of
/// attributes.
pub(crate) fn shown() -> (Vec<(cryptoki_sys::CK_ATTRIBUTE_TYPE, usize)>, Vec<cryptoki_sys::CK_ATTRIBUTE_TYPE>) {
    let rows = || table::ROWS.iter().filter(|row| row.owner.is_none() || row.usual.is_some());
    let is_nested = |row: &&table::Row| matches!(row.form, table::Form::Nested);
    let plain = rows().filter(|row| !is_nested(row)).map(|row| match row.form {
        table::Form::Flag => (row.kind, 1),
        table::Form::Date => (row.kind, 8),
        _ => (row.kind, 256),
    });
    (plain.collect(), rows().filter(is_nested).map(|row| row.kind).collect())
}
