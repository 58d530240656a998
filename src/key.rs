//! Key material, independent of any encoding and of any token.
//!
//! Owns what a key *is*: its numbers ([`KeyMaterial`]), whether they belong together ([`Validation`]), what may be done
//! with it ([`policy`]), what CNG calls it ([`algorithm`]) and how it is recognised ([`identity`]). Private numbers are
//! kept in [`SecretBytes`](crate::secret::SecretBytes) and wiped. Refuses a key whose numbers contradict each other.
//!
//! Numbers are big-endian. RSA symbols are RFC 8017's, elliptic-curve ones SEC 1's.

pub(crate) mod aes_kwp;
pub mod algorithm;
pub mod curve;
pub mod dh;
pub mod discrete;
pub mod dsa;
pub mod ec;
mod error;
pub mod identity;
pub mod policy;
pub mod pq;
#[cfg(feature = "pqc")]
mod pq_arithmetic;
pub mod rsa;
mod rsa_arithmetic;
mod rsa_oaep;
pub mod symmetric;

pub use self::algorithm::{Algorithm, Family};
pub use self::curve::Curve;
pub use self::error::Error;
pub use self::policy::{ExportPolicy, KeyUsage};
pub use self::pq::ParameterSet;
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

/// What kind of key it is, whatever form it has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Finite-field Diffie–Hellman, with the bits of the modulus.
    Dh(u32),
    /// DSA, with the bits of the modulus.
    Dsa(u32),
    /// An elliptic curve.
    Ec(&'static Curve),
    /// A lattice or hash-based algorithm.
    Pq(ParameterSet),
    /// RSA, with the bits of the modulus.
    Rsa(u32),
    /// A symmetric algorithm, with the bits of the key.
    Secret(SymmetricAlgorithm, u32),
}

impl Kind {
    /// Size in bits as CNG's `Length` property counts it: of the modulus, of the curve's field, of the public key's encoding, of the key.
    pub fn bits(self) -> u32 {
        match self {
            Self::Dh(bits) | Self::Dsa(bits) | Self::Rsa(bits) | Self::Secret(_, bits) => bits,
            Self::Ec(curve) => curve.field_bits,
            Self::Pq(set) => set.bits(),
        }
    }

    /// The curve of an elliptic-curve key.
    pub fn curve(self) -> Option<&'static Curve> {
        match self {
            Self::Ec(curve) => Some(curve),
            _ => None,
        }
    }

    /// The parameter set of a lattice or hash-based key.
    pub fn parameter_set(self) -> Option<ParameterSet> {
        match self {
            Self::Pq(set) => Some(set),
            _ => None,
        }
    }

    /// The family; of an elliptic-curve key, which may belong to several, none.
    pub fn family(self) -> Option<Family> {
        match self {
            Self::Dh(_) => Some(Family::Dh),
            Self::Dsa(_) => Some(Family::Dsa),
            Self::Ec(_) => None,
            Self::Pq(set) => Some(set.family()),
            Self::Rsa(_) => Some(Family::Rsa),
            Self::Secret(algorithm, _) => Some(Family::Symmetric(algorithm)),
        }
    }
}

/// A public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PublicKey {
    /// A finite-field Diffie–Hellman public value.
    Dh(dh::PublicKey),
    /// A DSA public value.
    Dsa(dsa::PublicKey),
    /// An elliptic-curve point.
    Ec(ec::PublicKey),
    /// A lattice or hash-based public key.
    Pq(pq::PublicKey),
    /// An RSA modulus and exponent.
    Rsa(rsa::PublicKey),
}

impl PublicKey {
    /// The kind of key.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Dh(key) => Kind::Dh(key.parameters().bits()),
            Self::Dsa(key) => Kind::Dsa(key.parameters().bits()),
            Self::Ec(key) => Kind::Ec(key.curve()),
            Self::Pq(key) => Kind::Pq(key.set()),
            Self::Rsa(key) => Kind::Rsa(key.bits()),
        }
    }

    /// Size in bits ([`Kind::bits`]).
    pub fn bits(&self) -> u32 {
        self.kind().bits()
    }

    /// The curve of an elliptic-curve key.
    pub fn curve(&self) -> Option<&'static Curve> {
        self.kind().curve()
    }

    /// Whether two public keys are the same, whatever else is known of their domain parameters.
    pub fn is_same_key(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dh(one), Self::Dh(other)) => {
                let (these, those) = (one.parameters(), other.parameters());
                one.y() == other.y() && these.p() == those.p() && these.g() == those.g()
            }
            (Self::Dsa(one), Self::Dsa(other)) => {
                let (these, those) = (one.parameters(), other.parameters());
                one.y() == other.y() && these.p() == those.p() && these.q() == those.q() && these.g() == those.g()
            }
            (one, other) => one == other,
        }
    }

    /// What is known about the numbers; those of an RSA key have nothing more to check.
    pub fn consistency(&self) -> Consistency {
        match self {
            Self::Dh(key) => key.consistency(),
            Self::Dsa(key) => key.consistency(),
            Self::Ec(key) => key.consistency(),
            Self::Pq(key) => key.consistency(),
            Self::Rsa(_) => Consistency::Checked,
        }
    }
}

/// A private key, with its public half where that is known.
#[derive(Clone, Debug)]
pub enum PrivateKey {
    /// A finite-field Diffie–Hellman private value.
    Dh(dh::PrivateKey),
    /// A DSA private value.
    Dsa(dsa::PrivateKey),
    /// An elliptic-curve scalar.
    Ec(ec::PrivateKey),
    /// A lattice or hash-based private key.
    Pq(pq::PrivateKey),
    /// RSA primes, exponents and coefficient.
    Rsa(rsa::PrivateKey),
}

impl PrivateKey {
    /// The kind of key.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Dh(key) => Kind::Dh(key.public().parameters().bits()),
            Self::Dsa(key) => Kind::Dsa(key.public().parameters().bits()),
            Self::Ec(key) => Kind::Ec(key.curve()),
            Self::Pq(key) => Kind::Pq(key.set()),
            Self::Rsa(key) => Kind::Rsa(key.public().bits()),
        }
    }

    /// The public half, where it is known.
    pub fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Dh(key) => Some(PublicKey::Dh(key.public().clone())),
            Self::Dsa(key) => Some(PublicKey::Dsa(key.public().clone())),
            Self::Ec(key) => key.public().cloned().map(PublicKey::Ec),
            Self::Pq(key) => key.public().cloned().map(PublicKey::Pq),
            Self::Rsa(key) => Some(PublicKey::Rsa(key.public().clone())),
        }
    }

    /// What is known about the numbers.
    pub fn consistency(&self) -> Consistency {
        match self {
            Self::Dh(key) => key.consistency(),
            Self::Dsa(key) => key.consistency(),
            Self::Ec(key) => key.consistency(),
            Self::Pq(key) => key.consistency(),
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
    /// The kind of key.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Private(key) => key.kind(),
            Self::Public(key) => key.kind(),
            Self::Secret(key) => Kind::Secret(key.algorithm(), key.bits()),
        }
    }

    /// Size in bits ([`Kind::bits`]).
    pub fn bits(&self) -> u32 {
        self.kind().bits()
    }

    /// The curve of an elliptic-curve key.
    pub fn curve(&self) -> Option<&'static Curve> {
        self.kind().curve()
    }

    /// What is known about the numbers; a symmetric key has none to check.
    pub fn consistency(&self) -> Consistency {
        match self {
            Self::Private(key) => key.consistency(),
            Self::Public(key) => key.consistency(),
            Self::Secret(_) => Consistency::Unchecked,
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

    /// Whether two keys are the same, one of which may be the public half of the other. `None` where that cannot be told: one has no public
    /// half here and the other no private one.
    pub fn is_same_key(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Secret(one), Self::Secret(other)) => Some(one.key() == other.key()),
            (Self::Secret(_), _) | (_, Self::Secret(_)) => Some(false),
            (one, other) => match (one.public(), other.public()) {
                (Some(one), Some(other)) => Some(one.is_same_key(&other)),
                _ => match (one, other) {
                    (one, other) if one.kind() != other.kind() => Some(false),
                    (Self::Private(PrivateKey::Ec(one)), Self::Private(PrivateKey::Ec(other))) => {
                        Some(one.d() == other.d())
                    }
                    (Self::Private(PrivateKey::Pq(one)), Self::Private(PrivateKey::Pq(other))) => {
                        one.is_same_key(other)
                    }
                    _ => None,
                },
            },
        }
    }

    /// The kind of key in words, for messages: `an RSA private key`.
    pub fn describe(&self) -> &'static str {
        macro_rules! words {
            ($what:literal, $kind:expr) => {
                match $kind {
                    Kind::Dh(_) => concat!("a DH ", $what),
                    Kind::Dsa(_) => concat!("a DSA ", $what),
                    Kind::Ec(_) => concat!("an elliptic-curve ", $what),
                    Kind::Pq(set) => match set.family() {
                        Family::MlDsa => concat!("an ML-DSA ", $what),
                        Family::MlKem => concat!("an ML-KEM ", $what),
                        _ => concat!("an SLH-DSA ", $what),
                    },
                    Kind::Rsa(_) => concat!("an RSA ", $what),
                    Kind::Secret(..) => "a symmetric key",
                }
            };
        }
        match self {
            Self::Private(key) => words!("private key", key.kind()),
            Self::Public(key) => words!("public key", key.kind()),
            Self::Secret(_) => "a symmetric key",
        }
    }
}
