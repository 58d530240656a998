//! Attribute templates: key material and policy as PKCS#11 attributes, and back.
//!
//! Owns [`Template`] (values wiped, `Debug` shows attribute names only), the mapping into it ([`put`]) and out of an object's
//! attributes ([`get`]), the shapes in which tokens want a template ([`shape`]), keys that live for one operation ([`temporary`]), and the token quirks that bear on all of it
//! ([`profile`]). Every flag of policy and usage is always stated: what a token assumes when one is
//! left out differs from token to token. Never calls a token.

pub(crate) mod attribute;
pub mod get;
pub mod profile;
pub mod put;
pub mod shape;
pub mod temporary;

use std::fmt;

use cryptoki_sys::{CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_TRUE, CK_ULONG};

pub use self::attribute::{Addition, Additions, Error, Value, mechanism_by_name, mechanism_name, standard_mechanism};
use crate::secret::SecretBytes;

/// The type of an attribute (`CK_ATTRIBUTE_TYPE`), named in messages.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct AttributeType(pub CK_ATTRIBUTE_TYPE);

impl AttributeType {
    /// Finds one by its name, with or without `CKA_`, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        attribute::by_name(name).map(Self)
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match attribute::name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:X}", self.0),
        }
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The attributes of an object to be made, found or changed.
#[derive(Clone, Default)]
pub struct Template {
    values: Vec<(AttributeType, SecretBytes)>,
    /// The attributes whose value is a template itself; none of these has any inside.
    nested: Vec<(AttributeType, Self)>,
}

impl Template {
    /// No attributes: every object, or no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a byte-string attribute, or replaces it.
    #[must_use]
    pub fn bytes(self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.secret(kind, SecretBytes::from(value))
    }

    /// Adds a boolean attribute, or replaces it.
    #[must_use]
    pub fn flag(self, kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        let value: CK_BBOOL = if value { CK_TRUE } else { CK_FALSE };
        self.bytes(kind, &[value])
    }

    /// Adds a number attribute, or replaces it.
    #[must_use]
    pub fn ulong(self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// Adds an attribute whose value is taken over.
    #[must_use]
    pub fn secret(mut self, kind: CK_ATTRIBUTE_TYPE, value: SecretBytes) -> Self {
        let kind = AttributeType(kind);
        match self.values.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, place)) => *place = value,
            None => self.values.push((kind, value)),
        }
        self
    }

    /// Adds an attribute that is a template itself, or replaces it.
    #[must_use]
    pub fn nested(mut self, kind: CK_ATTRIBUTE_TYPE, inside: Self) -> Self {
        self.nested.retain(|(known, _)| known.0 != kind);
        self.nested.push((AttributeType(kind), inside));
        self
    }

    /// The same without some attributes.
    #[must_use]
    pub fn without(&self, kinds: &[CK_ATTRIBUTE_TYPE]) -> Self {
        let mut template = self.clone();
        template.values.retain(|(kind, _)| !kinds.contains(&kind.0));
        template.nested.retain(|(kind, _)| !kinds.contains(&kind.0));
        template
    }

    /// The attributes in their order, but for those that are templates themselves.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeType, &SecretBytes)> {
        self.values.iter().map(|(kind, value)| (*kind, value))
    }

    /// The attributes that are templates themselves.
    pub fn iter_nested(&self) -> impl Iterator<Item = (AttributeType, &Self)> {
        self.nested.iter().map(|(kind, inside)| (*kind, inside))
    }

    /// The value of an attribute.
    pub fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&SecretBytes> {
        self.values.iter().find(|(known, _)| *known == AttributeType(kind)).map(|(_, value)| value)
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.values.len() + self.nested.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.nested.is_empty()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nested = self.nested.iter().map(|(kind, _)| kind);
        f.debug_list().entries(self.values.iter().map(|(kind, _)| kind).chain(nested)).finish()
    }
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::{CKA_SIGN, CKA_TOKEN, CKA_UNWRAP_TEMPLATE, CKA_VALUE};

    use super::*;

    #[test]
    fn debug_names_attributes_and_shows_no_value() {
        let template = Template::new().bytes(CKA_VALUE, b"hunter2").flag(CKA_SIGN, true).bytes(0x8000_0001, b"x");
        assert_eq!(format!("{template:?}"), "[CKA_VALUE, CKA_SIGN, 0x80000001]");
        let template = Template::new().nested(CKA_UNWRAP_TEMPLATE, template);
        assert_eq!(format!("{template:?}"), "[CKA_UNWRAP_TEMPLATE]");
    }

    #[test]
    fn an_attribute_set_twice_stands_once() {
        let template = Template::new().flag(CKA_TOKEN, false).flag(CKA_TOKEN, true);
        assert_eq!(template.len(), 1);
        assert_eq!(template.get(CKA_TOKEN).map(|value| value[0]), Some(CK_TRUE));
    }
}
