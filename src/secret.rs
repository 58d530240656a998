//! Bytes that must not outlive their use.
//!
//! Owns [`SecretBytes`], the one container in which private key components, wrapped-key plaintext and passwords in
//! flight are kept. It allocates once, exactly, so that no reallocation can leave a copy behind, and is wiped when it
//! is dropped. Its `Debug` prints a length and nothing else.

use std::fmt;
use std::ops::Deref;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A wiped-on-drop byte string in one exact allocation.
#[derive(Clone, Default)]
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// `len` zero bytes, to be filled in place.
    pub fn zeroed(len: usize) -> Self {
        Self(vec![0; len].into_boxed_slice())
    }

    /// A copy of `bytes`, left-padded with zero bytes to `width`; `None` if the value does not fit.
    ///
    /// Every CNG big number has a stated width: this is how one is written.
    pub fn left_padded(bytes: &[u8], width: usize) -> Option<Self> {
        let value = trim_leading_zeros(bytes);
        let pad = width.checked_sub(value.len())?;
        let mut out = Self::zeroed(width);
        out.0.get_mut(pad..)?.copy_from_slice(value);
        Some(out)
    }

    /// The bytes, for filling a buffer in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Bytes from the operating system's random source.
    ///
    /// # Errors
    /// When it has none.
    pub fn random(len: usize) -> Result<Self, getrandom::Error> {
        let mut bytes = Self::zeroed(len);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(bytes)
    }

    /// A copy without its leading zero bytes.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        Self::from(trim_leading_zeros(&self.0))
    }
}

impl AsMut<[u8]> for SecretBytes {
    fn as_mut(&mut self) -> &mut [u8] {
        self.as_mut_slice()
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl ConstantTimeEq for SecretBytes {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Eq for SecretBytes {}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for SecretBytes {
    /// Takes over `bytes`; when its allocation is larger than its contents the contents move and the old place is wiped.
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let exact = Self::from(bytes.as_slice());
        bytes.zeroize();
        exact
    }
}

impl PartialEq for SecretBytes {
    /// Constant-time for equal lengths.
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// `bytes` without its leading zero bytes (the empty string for zero).
pub(crate) fn trim_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_the_length_only() {
        assert_eq!(format!("{:?}", SecretBytes::from(&b"hunter2"[..])), "SecretBytes(7 bytes)");
    }

    #[test]
    fn left_padding_keeps_the_value_and_refuses_what_does_not_fit() {
        assert_eq!(&*SecretBytes::left_padded(&[0, 0, 5], 2).unwrap(), &[0, 5]);
        assert_eq!(&*SecretBytes::left_padded(&[], 3).unwrap(), &[0, 0, 0]);
        assert!(SecretBytes::left_padded(&[1, 2, 3], 2).is_none());
    }
}
