//! CNG algorithm identifiers (`bcrypt.h`) and what follows from them: family, curve, group, default usage.

use std::fmt;

use super::curve::{CURVES, Form};
use super::{Curve, Error, KeyUsage, SymmetricAlgorithm};

/// What kind of algorithm an identifier names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Family {
    /// Finite-field Diffie–Hellman.
    Dh,
    /// DSA.
    Dsa,
    /// Elliptic-curve Diffie–Hellman.
    Ecdh,
    /// Elliptic-curve signatures.
    Ecdsa,
    /// Edwards-curve signatures (RFC 8032). CNG has no such identifier: keys of this family are in files only.
    Eddsa,
    /// ML-DSA (FIPS 204).
    MlDsa,
    /// ML-KEM (FIPS 203).
    MlKem,
    /// RSA.
    Rsa,
    /// SLH-DSA (FIPS 205).
    SlhDsa,
    /// A symmetric algorithm.
    Symmetric(SymmetricAlgorithm),
}

impl Family {
    /// The families of asymmetric keys.
    const ASYMMETRIC: &[Self] =
        &[Self::Rsa, Self::Ecdsa, Self::Ecdh, Self::Eddsa, Self::Dsa, Self::Dh, Self::MlDsa, Self::MlKem, Self::SlhDsa];

    /// The CNG algorithm identifier; of an elliptic-curve algorithm the generic one.
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::Dh => "DH",
            Self::Dsa => "DSA",
            Self::Ecdh => "ECDH",
            Self::Ecdsa => "ECDSA",
            Self::Eddsa => "EDDSA",
            Self::MlDsa => "ML-DSA",
            Self::MlKem => "ML-KEM",
            Self::Rsa => "RSA",
            Self::SlhDsa => "SLH-DSA",
            Self::Symmetric(algorithm) => algorithm.name(),
        }
    }

    /// The CNG algorithm group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::MlDsa => "MLDSA",
            Self::MlKem => "MLKEM",
            Self::SlhDsa => "SLHDSA",
            Self::Symmetric(algorithm) => algorithm.group(),
            other => other.identifier(),
        }
    }

    /// The usage of a new key of this family when nothing is said: what its algorithm is for, and no more.
    pub fn default_usage(self) -> KeyUsage {
        match self {
            // Decapsulating is how an ML-KEM key agrees.
            Self::Dh | Self::Ecdh | Self::MlKem => KeyUsage::AGREE,
            Self::Dsa
            | Self::Ecdsa
            | Self::Eddsa
            | Self::MlDsa
            | Self::SlhDsa
            | Self::Symmetric(SymmetricAlgorithm::Hmac) => KeyUsage::SIGN,
            Self::Rsa => KeyUsage::SIGN | KeyUsage::DECRYPT,
            Self::Symmetric(_) => KeyUsage::DECRYPT,
        }
    }

    /// Every usage that a key of this family can have.
    pub fn possible_usage(self) -> KeyUsage {
        match self {
            // CNG lets an ECDH key sign; PKCS#11 has one key type for both.
            Self::Ecdh | Self::Ecdsa => KeyUsage::SIGN | KeyUsage::AGREE,
            Self::Rsa => KeyUsage::SIGN | KeyUsage::DECRYPT | KeyUsage::WRAP,
            Self::Symmetric(algorithm) => algorithm.possible_usage(),
            other => other.default_usage(),
        }
    }

    /// Whether keys of this family live on a curve.
    pub fn is_elliptic(self) -> bool {
        matches!(self, Self::Ecdh | Self::Ecdsa | Self::Eddsa)
    }

    /// The algorithm of symmetric keys, if it is one.
    pub fn as_symmetric(self) -> Option<SymmetricAlgorithm> {
        match self {
            Self::Symmetric(algorithm) => Some(algorithm),
            _ => None,
        }
    }
}

/// A CNG algorithm identifier: a family and, for elliptic curves, the curve once it is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Algorithm {
    /// The family.
    pub family: Family,
    /// The curve: always known for the specific identifiers, to be given beside the generic ones.
    pub curve: Option<&'static Curve>,
}

impl Algorithm {
    /// RSA.
    pub const RSA: Self = Self::of(Family::Rsa);
    /// DSA.
    pub const DSA: Self = Self::of(Family::Dsa);
    /// Finite-field Diffie–Hellman.
    pub const DH: Self = Self::of(Family::Dh);
    /// AES.
    pub const AES: Self = Self { family: Family::Symmetric(SymmetricAlgorithm::Aes), curve: None };

    /// The algorithm of a family that has no curves, or whose curve is not known yet.
    pub const fn of(family: Family) -> Self {
        Self { family, curve: None }
    }

    /// An elliptic-curve algorithm on a curve. A Montgomery curve can only agree, one of RFC 8032 only sign, and no other has EdDSA.
    pub fn elliptic(family: Family, curve: &'static Curve) -> Self {
        let family = match (curve.form, family) {
            (Form::Edwards, _) => Family::Eddsa,
            (Form::Montgomery, _) => Family::Ecdh,
            (Form::TwistedEdwards | Form::Weierstrass, Family::Eddsa) => Family::Ecdsa,
            (Form::TwistedEdwards | Form::Weierstrass, family) => family,
        };
        Self { family, curve: Some(curve) }
    }

    /// The elliptic-curve algorithm that a key's usage amounts to: signing makes it ECDSA.
    pub fn elliptic_by_usage(curve: &'static Curve, usage: KeyUsage) -> Self {
        let agrees = usage.contains(KeyUsage::AGREE) && !usage.contains(KeyUsage::SIGN);
        Self::elliptic(if agrees { Family::Ecdh } else { Family::Ecdsa }, curve)
    }

    /// A symmetric algorithm.
    pub fn symmetric(algorithm: SymmetricAlgorithm) -> Self {
        Self { family: Family::Symmetric(algorithm), curve: None }
    }

    /// Reads an identifier, in any case: `RSA`, `ECDSA_P256`, `ECDH`, `DSA`, `ML-DSA`, `AES`, `3DES`, `HMAC` …
    ///
    /// # Errors
    /// [`Error::UnknownAlgorithm`].
    pub fn by_name(name: &str) -> Result<Self, Error> {
        let upper = name.to_ascii_uppercase();
        let symmetric = || SymmetricAlgorithm::ALL.iter().map(|algorithm| Family::Symmetric(*algorithm));
        let family = |name: &str| {
            Family::ASYMMETRIC.iter().copied().chain(symmetric()).find(|family| family.identifier() == name)
        };
        let known = match upper.split_once("_P") {
            None => family(&upper).map(|family| Self { family, curve: None }),
            Some((group, bits)) => family(group)
                .filter(|family| matches!(family, Family::Ecdh | Family::Ecdsa))
                .zip(bits.parse().ok().and_then(Curve::nist))
                .map(|(family, curve)| Self { family, curve: Some(curve) }),
        };
        known.ok_or_else(|| Error::UnknownAlgorithm { name: name.to_owned() })
    }

    /// Every identifier that [`Self::by_name`] reads.
    pub fn names() -> impl Iterator<Item = String> {
        let symmetric = SymmetricAlgorithm::ALL.iter().map(|algorithm| Family::Symmetric(*algorithm));
        Family::ASYMMETRIC.iter().copied().chain(symmetric).flat_map(|family| {
            let is_specific = matches!(family, Family::Ecdh | Family::Ecdsa);
            let curves = CURVES.iter().filter(move |curve| is_specific && curve.nist_bits().is_some());
            std::iter::once(Self::of(family))
                .chain(curves.map(move |curve| Self { family, curve: Some(curve) }))
                .map(Self::name)
        })
    }

    /// The CNG identifier.
    pub fn name(self) -> String {
        match (self.family, self.curve.and_then(Curve::nist_bits)) {
            (family, Some(bits)) if family.is_elliptic() => format!("{}_P{bits}", family.identifier()),
            (family, _) => family.identifier().to_owned(),
        }
    }

    /// Turns an asked usage into one that a key of this algorithm can have: "all" becomes all that is possible.
    ///
    /// # Errors
    /// [`Error::Usage`] when a usage is named that the algorithm does not have.
    pub fn usage(self, asked: KeyUsage) -> Result<KeyUsage, Error> {
        let possible = match self.curve {
            Some(curve) if curve.form == Form::Montgomery => KeyUsage::AGREE,
            _ => self.family.possible_usage(),
        };
        if asked.is_all() {
            return Ok(possible);
        }
        if possible.contains(asked) {
            return Ok(asked);
        }
        let excess = KeyUsage::from_bits(asked.bits() & !possible.bits());
        let words: Vec<_> = excess.words().collect();
        let usage = if words.is_empty() { format!("use flags 0x{:X}", excess.bits()) } else { words.join(", ") };
        Err(Error::Usage { kind: self.family.identifier(), usage })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_survive_reading_and_writing() {
        for name in Algorithm::names() {
            assert_eq!(Algorithm::by_name(&name.to_lowercase()).unwrap().name(), name);
        }
        let names: Vec<_> = Algorithm::names().collect();
        for name in ["RSA", "ECDSA", "ECDSA_P256", "ECDH_P521", "EDDSA", "DH", "ML-KEM", "AES", "3DES", "HMAC"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        assert_eq!(names.len(), 18);
        for name in ["RSA_P256", "ECDSA_P255", "AES_P256", "ECDSA_P", "", "ECDSA_Pxyz", "EDDSA_P256"] {
            assert!(Algorithm::by_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn usage_beyond_the_algorithm_is_refused_and_all_means_what_is_possible() {
        let ecdh = Algorithm::by_name("ECDH_P256").unwrap();
        assert_eq!(ecdh.usage(KeyUsage::ALL).unwrap(), KeyUsage::SIGN | KeyUsage::AGREE);
        assert!(ecdh.usage(KeyUsage::DECRYPT).is_err());
        let x25519 = Algorithm::elliptic(Family::Ecdsa, Curve::by_name("curve25519").unwrap());
        assert_eq!(x25519.usage(KeyUsage::ALL).unwrap(), KeyUsage::AGREE);
        assert!(Algorithm::RSA.usage(KeyUsage::AGREE).is_err());
        let ed448 = Algorithm::elliptic(Family::Ecdh, Curve::by_name("Ed448").unwrap());
        assert_eq!((ed448.family, ed448.usage(KeyUsage::ALL).unwrap()), (Family::Eddsa, KeyUsage::SIGN));
    }
}
