//! Key names: CKA_LABEL in UTF-8, counted as CNG counts.

use std::fmt;

use super::Error;
use crate::key::identity::MAX_NAME;
use crate::token::Uri;
use crate::wide;

/// A valid key name: 1 to 512 UTF-16 code units, no NUL. Any other character may stand in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyName(String);

impl KeyName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::Name`] saying what is wrong.
    pub fn new(name: &str) -> Result<Self, Error> {
        if name.is_empty() {
            return Err(Error::Name { problem: "it is empty".to_owned() });
        }
        if name.contains('\0') {
            return Err(Error::Name { problem: "it contains a NUL character".to_owned() });
        }
        if Uri::is_uri(name) {
            return Err(Error::Name { problem: "it begins with `pkcs11:`, which makes it a URI".to_owned() });
        }
        let units = wide::units(name);
        if units > MAX_NAME {
            let problem = format!("it has {units} UTF-16 code units, at most {MAX_NAME} are allowed");
            return Err(Error::Name { problem });
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_in_utf_16_units() {
        for good in ["a", "a;b?c/d", "ключ é 🔑", &"x".repeat(512), &"🔑".repeat(256)] {
            assert_eq!(KeyName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\0b", "\0", "pkcs11:object=a", &"x".repeat(513), &"🔑".repeat(257)] {
            assert!(KeyName::new(bad).is_err());
        }
    }
}
