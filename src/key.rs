//! Key material, independent of any encoding and of any token.
//!
//! Owns what a key *is*: its numbers ([`KeyMaterial`]), whether they belong together ([`Validation`]), what may be done
//! with it ([`policy`]), what CNG calls it ([`algorithm`]) and how it is recognised ([`identity`]). Private numbers are
//! kept in [`SecretBytes`](crate::secret::SecretBytes) and wiped. Refuses a key whose numbers contradict each other.
//!
//! Numbers are big-endian. RSA symbols are RFC 8017's, elliptic-curve ones SEC 1's.

pub mod algorithm;
pub mod curve;
pub mod ec;
mod error;
pub mod identity;
pub mod policy;
pub mod rsa;
mod rsa_arithmetic;
pub mod symmetric;

pub use self::algorithm::{Algorithm, Family};
pub use self::curve::Curve;
pub use self::error::Error;
pub use self::policy::{ExportPolicy, KeyUsage};
pub use self::symmetric::{SymmetricAlgorithm, SymmetricKey};

/// Whether the mathematics of a key is checked when it is read.
///
/// Lengths are always checked: [`Validation::Skip`] is `NCRYPT_NO_KEY_VALIDATION`, which skips the arithmetic only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Validation {
    /// Check, and refuse an inconsistent key.
    #[default]
    Full,
    /// Take the numbers as they are; compute only what is missing.
    Skip,
}

/// The verdict on a key's numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Consistency {
    /// The numbers were checked and belong together.
    Checked,
    /// Nothing here can check them: a curve without arithmetic, a symmetric key, a skipped validation.
    Unchecked,
}

/// A public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PublicKey {
    /// An elliptic-curve point.
    Ec(ec::PublicKey),
    /// An RSA modulus and exponent.
    Rsa(rsa::PublicKey),
}

impl PublicKey {
    /// Size in bits: of the modulus, or of the curve's field.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Ec(key) => key.curve().field_bits,
            Self::Rsa(key) => key.bits(),
        }
    }

    /// The curve of an elliptic-curve key.
    pub fn curve(&self) -> Option<&'static Curve> {
        match self {
            Self::Ec(key) => Some(key.curve()),
            Self::Rsa(_) => None,
        }
    }
}

/// A private key, with its public half where that is known.
#[derive(Clone, Debug)]
pub enum PrivateKey {
    /// An elliptic-curve scalar.
    Ec(ec::PrivateKey),
    /// RSA primes, exponents and coefficient.
    Rsa(rsa::PrivateKey),
}

impl PrivateKey {
    /// The public half, where it is known.
    pub fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Ec(key) => key.public().cloned().map(PublicKey::Ec),
            Self::Rsa(key) => Some(PublicKey::Rsa(key.public().clone())),
        }
    }

    /// What is known about the numbers.
    pub fn consistency(&self) -> Consistency {
        match self {
            Self::Ec(key) => key.consistency(),
            Self::Rsa(key) => key.consistency(),
        }
    }
}

/// Any key that a blob or a file can hold.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// A private key.
    Private(PrivateKey),
    /// A public key alone.
    Public(PublicKey),
    /// A symmetric key.
    Secret(SymmetricKey),
}

impl KeyMaterial {
    /// Size in bits, as CNG's `Length` property counts it.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Private(PrivateKey::Ec(key)) => key.curve().field_bits,
            Self::Private(PrivateKey::Rsa(key)) => key.public().bits(),
            Self::Public(key) => key.bits(),
            Self::Secret(key) => key.bits(),
        }
    }

    /// What is known about the numbers; a public RSA key and a symmetric key have nothing to check.
    pub fn consistency(&self) -> Consistency {
        match self {
            Self::Private(key) => key.consistency(),
            Self::Public(PublicKey::Ec(key)) => key.consistency(),
            Self::Public(PublicKey::Rsa(_)) => Consistency::Checked,
            Self::Secret(_) => Consistency::Unchecked,
        }
    }

    /// The curve of an elliptic-curve key.
    pub fn curve(&self) -> Option<&'static Curve> {
        match self {
            Self::Private(PrivateKey::Ec(key)) => Some(key.curve()),
            Self::Public(key) => key.curve(),
            _ => None,
        }
    }

    /// The public half, where there is one and it is known.
    pub fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Private(key) => key.public(),
            Self::Public(key) => Some(key.clone()),
            Self::Secret(_) => None,
        }
    }
}
