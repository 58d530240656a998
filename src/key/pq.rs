//! Keys of the lattice and hash-based algorithms: ML-KEM (FIPS 203), ML-DSA (FIPS 204), SLH-DSA (FIPS 205).
//!
//! Owns the one table of parameter sets, and what a private key can consist of: the seed, the expanded key, the public key, each in
//! the standard's byte encoding. With the feature `pqc` whatever follows from something else is computed and compared; a seed cannot be
//! got back from an expanded key. Without it lengths alone are checked, and a public key comes from the places where the
//! standards themselves put it into the private one (ML-KEM, SLH-DSA).

use super::algorithm::Family;
#[cfg(feature = "pqc")]
use super::pq_arithmetic as arithmetic;
use super::{Consistency, Error, Validation};
use crate::secret::SecretBytes;

macro_rules! parameter_sets {
    ($($variant:ident $family:ident $name:literal $oid:literal $public:literal $expanded:literal $seed:expr;)+) => {
        /// A parameter set.
        #[allow(missing_docs, reason = "the names of FIPS 203, 204 and 205")]
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum ParameterSet {
            $($variant,)+
        }

        impl ParameterSet {
            /// Every parameter set.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The table's row: family, CNG's name, OID; bytes of public and expanded private key, of the seed.
            const fn row(self) -> (Family, &'static str, &'static str, usize, usize, Option<usize>) {
                match self {
                    $(Self::$variant => (Family::$family, $name, $oid, $public, $expanded, $seed),)+
                }
            }
        }
    };
}

parameter_sets! {
    MlDsa44 MlDsa "44" "2.16.840.1.101.3.4.3.17" 1312 2560 Some(32);
    MlDsa65 MlDsa "65" "2.16.840.1.101.3.4.3.18" 1952 4032 Some(32);
    MlDsa87 MlDsa "87" "2.16.840.1.101.3.4.3.19" 2592 4896 Some(32);
    MlKem512 MlKem "512" "2.16.840.1.101.3.4.4.1" 800 1632 Some(64);
    MlKem768 MlKem "768" "2.16.840.1.101.3.4.4.2" 1184 2400 Some(64);
    MlKem1024 MlKem "1024" "2.16.840.1.101.3.4.4.3" 1568 3168 Some(64);
    SlhDsaSha2_128s SlhDsa "SHA2-128s" "2.16.840.1.101.3.4.3.20" 32 64 None;
    SlhDsaSha2_128f SlhDsa "SHA2-128f" "2.16.840.1.101.3.4.3.21" 32 64 None;
    SlhDsaSha2_192s SlhDsa "SHA2-192s" "2.16.840.1.101.3.4.3.22" 48 96 None;
    SlhDsaSha2_192f SlhDsa "SHA2-192f" "2.16.840.1.101.3.4.3.23" 48 96 None;
    SlhDsaSha2_256s SlhDsa "SHA2-256s" "2.16.840.1.101.3.4.3.24" 64 128 None;
    SlhDsaSha2_256f SlhDsa "SHA2-256f" "2.16.840.1.101.3.4.3.25" 64 128 None;
    SlhDsaShake128s SlhDsa "SHAKE-128s" "2.16.840.1.101.3.4.3.26" 32 64 None;
    SlhDsaShake128f SlhDsa "SHAKE-128f" "2.16.840.1.101.3.4.3.27" 32 64 None;
    SlhDsaShake192s SlhDsa "SHAKE-192s" "2.16.840.1.101.3.4.3.28" 48 96 None;
    SlhDsaShake192f SlhDsa "SHAKE-192f" "2.16.840.1.101.3.4.3.29" 48 96 None;
    SlhDsaShake256s SlhDsa "SHAKE-256s" "2.16.840.1.101.3.4.3.30" 64 128 None;
    SlhDsaShake256f SlhDsa "SHAKE-256f" "2.16.840.1.101.3.4.3.31" 64 128 None;
}

impl ParameterSet {
    /// The set of a family with this CNG name (the property `ParameterSetName`), exactly as CNG spells it.
    pub fn by_name(family: Family, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|set| set.family() == family && set.name() == name)
    }

    /// The set with this dotted OID (RFC 9881, RFC 9909, RFC 9935).
    pub fn by_oid(oid: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|set| set.oid() == oid)
    }

    /// The set with this full name in any case: `ML-DSA-65`, `SLH-DSA-SHAKE-128f`.
    pub fn by_full_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|set| set.full_name().eq_ignore_ascii_case(name))
    }

    /// The algorithm family.
    pub const fn family(self) -> Family {
        self.row().0
    }

    /// CNG's name of the set: `65`, `SHA2-128s`.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// The standard's name of the set: `ML-DSA-65`.
    pub fn full_name(self) -> String {
        format!("{}-{}", self.family().identifier(), self.name())
    }

    /// The OID in dotted form.
    pub const fn oid(self) -> &'static str {
        self.row().2
    }

    /// Bytes of a public key.
    pub const fn public_len(self) -> usize {
        self.row().3
    }

    /// Bytes of an expanded private key (of SLH-DSA: of the private key, which has no other form).
    pub const fn expanded_len(self) -> usize {
        self.row().4
    }

    /// Bytes of the seed, for the algorithms that have one.
    pub const fn seed_len(self) -> Option<usize> {
        self.row().5
    }

    /// The size as CNG's `Length` counts it: bits of the public key.
    pub fn bits(self) -> u32 {
        u32::try_from(self.public_len() * 8).unwrap_or(u32::MAX)
    }

    /// Where an expanded private key holds the public one, for the algorithms where it does: ML-KEM dk = dkPKE ‖ ek ‖ H(ek) ‖ z
    /// (FIPS 203 algorithm 16), SLH-DSA SK = seed ‖ prf ‖ PK (FIPS 205 §9.1).
    fn public_inside(self, expanded: &[u8]) -> Option<&[u8]> {
        let end = match self.family() {
            Family::MlKem => self.expanded_len() - 64,
            Family::SlhDsa => self.expanded_len(),
            _ => return None,
        };
        expanded.get(end - self.public_len()..end)
    }
}

/// A public key in the standard's encoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    set: ParameterSet,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// A public key from its encoding.
    ///
    /// # Errors
    /// [`Error::Size`] for another length than the set's; under [`Validation::Full`] [`Error::OutOfRange`] for an ML-KEM key with a coefficient
    /// that is not reduced (FIPS 203 §7.2).
    pub fn new(set: ParameterSet, bytes: &[u8], validation: Validation) -> Result<Self, Error> {
        let bytes = exact("a public key of this parameter set", bytes, set.public_len())?.to_vec();
        let key = Self { set, bytes };
        if validation == Validation::Full && key.is_valid() == Some(false) {
            return Err(Error::OutOfRange {
                field: "the encapsulation key",
                what: "its coefficients must be below 3329",
            });
        }
        Ok(key)
    }

    /// The parameter set.
    pub fn set(&self) -> ParameterSet {
        self.set
    }

    /// The encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is known to be an encoding of a public key: of ML-KEM not every string is one.
    pub fn consistency(&self) -> Consistency {
        if self.is_valid() == Some(true) { Consistency::Checked } else { Consistency::Unchecked }
    }

    /// `None` where nothing here can tell.
    fn is_valid(&self) -> Option<bool> {
        #[cfg(feature = "pqc")]
        return Some(arithmetic::is_public_key(self.set, &self.bytes));
        #[cfg(not(feature = "pqc"))]
        return (self.set.family() != Family::MlKem).then_some(true);
    }
}

/// What is given of a private key; at least one of seed and expanded key.
#[derive(Clone, Copy, Default)]
pub struct Parts<'a> {
    /// The seed: ξ of ML-DSA, d ‖ z of ML-KEM.
    pub seed: Option<&'a [u8]>,
    /// The expanded private key.
    pub expanded: Option<&'a [u8]>,
    /// The public key.
    pub public: Option<&'a [u8]>,
}

/// A private key: a seed, an expanded key, or both.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    set: ParameterSet,
    seed: Option<SecretBytes>,
    expanded: Option<SecretBytes>,
    public: Option<PublicKey>,
    consistency: Consistency,
}

impl PrivateKey {
    /// A key from what is given of it. What follows from the rest is computed where that can be done here, and compared with what
    /// is given under [`Validation::Full`].
    ///
    /// # Errors
    /// [`Error::Size`], [`Error::Missing`] when neither seed nor expanded key is given, [`Error::Inconsistent`] when they do not belong together.
    pub fn new(set: ParameterSet, parts: Parts<'_>, validation: Validation) -> Result<Self, Error> {
        if let Some(seed) = parts.seed {
            let Some(len) = set.seed_len() else {
                return Err(Error::Size { what: "a seed of SLH-DSA", bits: bits(seed), range: "it has none" });
            };
            exact("a seed of this algorithm", seed, len)?;
        }
        if let Some(expanded) = parts.expanded {
            exact("an expanded key of this parameter set", expanded, set.expanded_len())?;
        }
        if parts.seed.is_none() && parts.expanded.is_none() {
            return Err(Error::Missing {
                field: "the private key",
                why: "there is neither a seed nor an expanded key",
            });
        }
        let mut key = Self {
            set,
            seed: parts.seed.map(SecretBytes::from),
            expanded: parts.expanded.map(SecretBytes::from),
            public: parts.public.map(|bytes| PublicKey::new(set, bytes, validation)).transpose()?,
            consistency: Consistency::Unchecked,
        };
        key.complete(validation)?;
        Ok(key)
    }

    /// Fills in what follows from the rest.
    fn complete(&mut self, validation: Validation) -> Result<(), Error> {
        #[cfg(feature = "pqc")]
        let full = validation == Validation::Full;
        #[cfg(feature = "pqc")]
        if let Some(seed) = &self.seed {
            let (expanded, public) = arithmetic::expand(self.set, seed)
                .ok_or(Error::Missing { field: "the expanded key", why: "the seed cannot be expanded" })?;
            if full && self.expanded.as_ref().is_some_and(|given| *given != expanded) {
                return Err(Error::Inconsistent { what: "the expanded key is not that of the seed" });
            }
            self.take_public(&public, validation)?;
            self.expanded.get_or_insert(expanded);
            self.consistency = if full { Consistency::Checked } else { Consistency::Unchecked };
            return Ok(());
        }
        let Some(expanded) = self.expanded.clone() else { return Ok(()) };
        #[cfg(feature = "pqc")]
        if full || self.public.is_none() {
            match arithmetic::public_of(self.set, &expanded) {
                Ok(Some(public)) => {
                    self.take_public(&public, validation)?;
                    self.consistency = if full { Consistency::Checked } else { Consistency::Unchecked };
                    return Ok(());
                }
                Err(what) if full => return Err(Error::Inconsistent { what }),
                Ok(None) | Err(_) => {}
            }
        }
        match self.set.public_inside(&expanded) {
            Some(public) => self.take_public(public, validation),
            None => Ok(()),
        }
    }

    /// The public key that follows from the private one, compared with the one that was given.
    fn take_public(&mut self, computed: &[u8], validation: Validation) -> Result<(), Error> {
        match &self.public {
            None => self.public = Some(PublicKey::new(self.set, computed, validation)?),
            Some(given) if validation == Validation::Full && given.as_bytes() != computed => {
                return Err(Error::Inconsistent { what: "the public key is not that of the private one" });
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Whether two keys are the same, as far as they have a part in common.
    pub fn is_same_key(&self, other: &Self) -> Option<bool> {
        let same = |one: &Option<SecretBytes>, other: &Option<SecretBytes>| Some(one.as_ref()? == other.as_ref()?);
        (self.set == other.set)
            .then(|| same(&self.seed, &other.seed).or_else(|| same(&self.expanded, &other.expanded)))?
    }

    /// The parameter set.
    pub fn set(&self) -> ParameterSet {
        self.set
    }

    /// The seed, if the key came with it.
    pub fn seed(&self) -> Option<&SecretBytes> {
        self.seed.as_ref()
    }

    /// The expanded key, where it is known.
    pub fn expanded(&self) -> Option<&SecretBytes> {
        self.expanded.as_ref()
    }

    /// The public key, where it is known.
    pub fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// Whether what the key consists of was found to belong together.
    pub fn consistency(&self) -> Consistency {
        self.consistency
    }
}

fn exact<'a>(what: &'static str, bytes: &'a [u8], len: usize) -> Result<&'a [u8], Error> {
    if bytes.len() == len {
        return Ok(bytes);
    }
    Err(Error::Size { what, bits: bits(bytes), range: "its length is fixed by the parameter set" })
}

fn bits(bytes: &[u8]) -> u64 {
    bytes.len() as u64 * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_oids_find_their_set() {
        for set in ParameterSet::ALL {
            assert_eq!(ParameterSet::by_name(set.family(), set.name()), Some(*set));
            assert_eq!(ParameterSet::by_oid(set.oid()), Some(*set));
            assert_eq!(ParameterSet::by_full_name(&set.full_name().to_lowercase()), Some(*set));
        }
        assert_eq!(ParameterSet::by_name(Family::MlKem, "65"), None);
        assert_eq!(ParameterSet::MlDsa65.full_name(), "ML-DSA-65");
    }

    #[test]
    fn wrong_lengths_and_nothing_at_all_are_refused() {
        fn parts<'a>(seed: Option<&'a [u8]>, expanded: Option<&'a [u8]>) -> Parts<'a> {
            Parts { seed, expanded, public: None }
        }
        for set in ParameterSet::ALL {
            let short = vec![0; set.expanded_len() - 1];
            assert!(PrivateKey::new(*set, parts(None, Some(&short)), Validation::Skip).is_err());
            assert!(PrivateKey::new(*set, parts(Some(&short), None), Validation::Skip).is_err());
            assert!(PrivateKey::new(*set, Parts::default(), Validation::Skip).is_err());
            assert!(PublicKey::new(*set, &short, Validation::Skip).is_err());
        }
    }

    #[test]
    fn a_hash_based_key_holds_its_public_key() {
        let bytes: Vec<u8> = (0..64).collect();
        let parts = Parts { expanded: Some(&bytes), ..Parts::default() };
        let key = PrivateKey::new(ParameterSet::SlhDsaSha2_128s, parts, Validation::Full).unwrap();
        assert_eq!(key.public().unwrap().as_bytes(), &bytes[32..]);
        let wrong = Parts { public: Some(&bytes[..32]), ..parts };
        assert!(PrivateKey::new(ParameterSet::SlhDsaSha2_128s, wrong, Validation::Full).is_err());
    }
}
