//! Attribute templates: key material and policy as PKCS#11 attributes, and back.
//!
//! Owns [`Template`] (values wiped, `Debug` shows attribute names only), the mapping into it ([`put`]) and out of an object's
//! attributes ([`get`]), the shapes in which tokens want a template ([`shape`]), keys that live for one operation ([`temporary`]), and the token quirks that bear on all of it
//! ([`profile`]). Every flag of policy and usage is always stated: what a token assumes when one is
//! left out differs from token to token. Never calls a token.

pub(crate) mod attribute;
pub mod get;
pub mod mechanism;
pub mod profile;
pub mod put;
pub mod shape;
pub mod temporary;

use std::fmt;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_TRUE, CK_ULONG, CKA_ALLOWED_MECHANISMS, CKA_ALWAYS_AUTHENTICATE,
    CKA_CERTIFICATE_TYPE, CKA_CLASS, CKA_COEFFICIENT, CKA_COPYABLE, CKA_DECRYPT, CKA_DERIVE, CKA_DESTROYABLE,
    CKA_EC_PARAMS, CKA_EC_POINT, CKA_ENCRYPT, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_EXTRACTABLE, CKA_ID, CKA_ISSUER,
    CKA_KEY_TYPE, CKA_LABEL, CKA_MODIFIABLE, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE,
    CKA_PRIVATE_EXPONENT, CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO, CKA_SENSITIVE, CKA_SERIAL_NUMBER, CKA_SIGN,
    CKA_SIGN_RECOVER, CKA_SUBJECT, CKA_TOKEN, CKA_TRUSTED, CKA_UNWRAP, CKA_UNWRAP_TEMPLATE, CKA_VALUE, CKA_VALUE_LEN,
    CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKA_WRAP_TEMPLATE, CKA_WRAP_WITH_TRUSTED,
};

use crate::secret::SecretBytes;

/// The type of an attribute (`CK_ATTRIBUTE_TYPE`), named in messages.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct AttributeType(pub CK_ATTRIBUTE_TYPE);

macro_rules! attribute_names {
    ($($name:ident)+) => {
        const NAMES: &[(CK_ATTRIBUTE_TYPE, &str)] = &[$(($name, stringify!($name)),)+ (profile::CKA_NSS_DB, "CKA_NSS_DB")];
    };
}

attribute_names! {
    CKA_ALWAYS_AUTHENTICATE CKA_CERTIFICATE_TYPE CKA_CLASS CKA_COEFFICIENT CKA_DECRYPT CKA_DERIVE CKA_EC_PARAMS CKA_EC_POINT CKA_ENCRYPT
    CKA_EXPONENT_1 CKA_EXPONENT_2 CKA_EXTRACTABLE CKA_ID CKA_ISSUER CKA_KEY_TYPE CKA_LABEL CKA_MODULUS CKA_MODULUS_BITS CKA_PRIME_1
    CKA_PRIME_2 CKA_PRIVATE CKA_PRIVATE_EXPONENT CKA_PUBLIC_EXPONENT CKA_SENSITIVE CKA_SERIAL_NUMBER CKA_SIGN CKA_SIGN_RECOVER CKA_SUBJECT CKA_TOKEN
    CKA_UNWRAP CKA_VALUE CKA_VALUE_LEN CKA_VERIFY CKA_VERIFY_RECOVER CKA_WRAP CKA_ALLOWED_MECHANISMS CKA_TRUSTED CKA_UNWRAP_TEMPLATE CKA_WRAP_TEMPLATE
    CKA_WRAP_WITH_TRUSTED CKA_COPYABLE CKA_DESTROYABLE CKA_MODIFIABLE CKA_PUBLIC_KEY_INFO
}

impl AttributeType {
    /// Finds one by its name in the standard, or NSS's.
    pub fn by_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| Self(*kind))
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(known, _)| *known == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "0x{:X}", self.0),
        }
    }
}

/// The attributes of an object to be made, found or changed.
#[derive(Clone, Default)]
pub struct Template(Vec<(AttributeType, SecretBytes)>);

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
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, place)) => *place = value,
            None => self.0.push((kind, value)),
        }
        self
    }

    /// The same without some attributes.
    #[must_use]
    pub fn without(&self, kinds: &[CK_ATTRIBUTE_TYPE]) -> Self {
        Self(self.0.iter().filter(|(kind, _)| !kinds.contains(&kind.0)).cloned().collect())
    }

    /// The attributes in their order.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeType, &SecretBytes)> {
        self.0.iter().map(|(kind, value)| (*kind, value))
    }

    /// The value of an attribute.
    pub fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&SecretBytes> {
        self.0.iter().find(|(known, _)| *known == AttributeType(kind)).map(|(_, value)| value)
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(kind, _)| kind)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_attributes_and_shows_no_value() {
        let template = Template::new().bytes(CKA_VALUE, b"hunter2").flag(CKA_SIGN, true).bytes(0x8000_0001, b"x");
        assert_eq!(format!("{template:?}"), "[CKA_VALUE, CKA_SIGN, 0x80000001]");
    }

    #[test]
    fn an_attribute_set_twice_stands_once() {
        let template = Template::new().flag(CKA_TOKEN, false).flag(CKA_TOKEN, true);
        assert_eq!(template.len(), 1);
        assert_eq!(template.get(CKA_TOKEN).map(|value| value[0]), Some(CK_TRUE));
    }
}
