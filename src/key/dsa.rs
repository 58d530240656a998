//! DSA keys by FIPS 186-4 §4: p, q, g; y; x.
//!
//! Owns which keys are taken: a modulus of 512 to 3072 bits, as CNG documents, a subgroup of 160 to 512 bits. Refuses, unless
//! validation is skipped, a q that does not divide p − 1, a g or y that is not of order q, an x outside 1 … q − 1 and a y that is
//! not g^x. That p and q are prime is not tested.

use super::discrete::{self, Evidence, Group};
use super::rsa::bit_length;
use super::{Consistency, Error, Validation};
use crate::secret::{SecretBytes, trim_leading_zeros};

/// Domain parameters. Numbers are minimal: no leading zero byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameters {
    p: Vec<u8>,
    q: Vec<u8>,
    g: Vec<u8>,
    evidence: Option<Evidence>,
}

impl Parameters {
    /// Domain parameters from big-endian numbers.
    ///
    /// # Errors
    /// [`Error::Size`], or under [`Validation::Full`] what of FIPS 186-4 §4.1 does not hold.
    pub fn new(
        p: &[u8],
        q: &[u8],
        g: &[u8],
        evidence: Option<Evidence>,
        validation: Validation,
    ) -> Result<Self, Error> {
        let p = discrete::sized("a DSA modulus", p, 512..=3072, "512 to 3072")?;
        let q = discrete::sized("a DSA subgroup order", q, 160..=512, "160 to 512")?;
        let g = discrete::sized("a DSA generator", g, 0..=bit_length(&p), "at most that of the modulus")?;
        let parameters = Self { p, q, g, evidence };
        if validation == Validation::Full {
            if !discrete::divides_predecessor(&parameters.q, &parameters.p) {
                return Err(Error::Inconsistent { what: "q does not divide p − 1" });
            }
            if !parameters.has_order_q(&parameters.g)? {
                return Err(Error::Inconsistent { what: "g is not a generator of the subgroup of order q" });
            }
        }
        Ok(parameters)
    }

    /// The modulus.
    pub fn p(&self) -> &[u8] {
        &self.p
    }

    /// The order of the subgroup.
    pub fn q(&self) -> &[u8] {
        &self.q
    }

    /// The generator.
    pub fn g(&self) -> &[u8] {
        &self.g
    }

    /// How p and q were made, if that is known. It is carried, not checked.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> u32 {
        u32::try_from(bit_length(&self.p)).unwrap_or(u32::MAX)
    }

    fn has_order_q(&self, element: &[u8]) -> Result<bool, Error> {
        let power = Group::new(&self.p, "the modulus p")?.power(element, &self.q, self.q.len());
        Ok(discrete::is_between(element, &self.p) && power.as_deref() == Some(&[1]))
    }
}

/// A public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    parameters: Parameters,
    y: Vec<u8>,
}

impl PublicKey {
    /// A public key from its parameters and y.
    ///
    /// # Errors
    /// [`Error`] when y is longer than p or, under [`Validation::Full`], not of order q.
    pub fn new(parameters: Parameters, y: &[u8], validation: Validation) -> Result<Self, Error> {
        let range = "at most that of the modulus";
        let y = discrete::sized("a DSA public value", y, 0..=bit_length(&parameters.p), range)?;
        if validation == Validation::Full && !parameters.has_order_q(&y)? {
            return Err(Error::Inconsistent { what: "y is not in the subgroup of order q" });
        }
        Ok(Self { parameters, y })
    }

    /// The domain parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// y, minimal big-endian.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// Verifies r ‖ s, each as wide as q, over a digest, whose leftmost bits count (FIPS 186-4 §4.7). `None` where q is not a whole number of bytes.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Option<bool> {
        let q = &self.parameters.q;
        let width = q.len();
        if bit_length(q) != 8 * width as u64 {
            return None;
        }
        let Some((r, s)) = signature.split_at_checked(width).filter(|(_, s)| s.len() == width) else {
            return Some(false);
        };
        let is_possible = discrete::is_in_order(r, q) && discrete::is_in_order(s, q);
        let z = digest.get(..width).unwrap_or(digest);
        Some(is_possible && self.recovered(z, r, s).is_some_and(|v| v == trim_leading_zeros(r)))
    }

    /// v of FIPS 186-4 §4.7, which is r if the signature is one. What is no inverse, where q is no prime, makes it another number.
    fn recovered(&self, z: &[u8], r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
        let Parameters { p, q, g, .. } = &self.parameters;
        let (field, order) = (Group::new(p, "the modulus p").ok()?, Group::new(q, "the order q").ok()?);
        let w = order.power(trim_leading_zeros(s), &discrete::inverting_power(q)?, q.len())?;
        let powers = [(g, order.product(z, &w)?), (&self.y, order.product(r, &w)?)];
        let [one, other] = powers.map(|(base, exponent)| field.power(base, &exponent, q.len()));
        discrete::remainder(&field.product(&one?, &other?)?, q)
    }

    /// Whether y is known to be what a public value must be; one that was taken without validation may not be.
    pub fn consistency(&self) -> Consistency {
        match Self::new(self.parameters.clone(), &self.y, Validation::Full) {
            Ok(_) => Consistency::Checked,
            Err(_) => Consistency::Unchecked,
        }
    }
}

/// A private key.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    public: PublicKey,
    x: SecretBytes,
    consistency: Consistency,
}

impl PrivateKey {
    /// A key from its parameters, x and, where it is known, y, which is computed where it is not.
    ///
    /// # Errors
    /// [`Error`] when x is not in 1 … q − 1 or y is not g^x; under [`Validation::Skip`] only when x is longer than q.
    pub fn new(parameters: Parameters, x: &[u8], y: Option<&[u8]>, validation: Validation) -> Result<Self, Error> {
        let out_of_range = Error::OutOfRange { field: "x", what: "it must be in 1 … q − 1" };
        let x = SecretBytes::left_padded(x, parameters.q.len()).ok_or_else(|| out_of_range.clone())?;
        if let (Validation::Skip, Some(y)) = (validation, y) {
            let public = PublicKey::new(parameters, y, validation)?;
            return Ok(Self { public, x, consistency: Consistency::Unchecked });
        }
        if !discrete::is_in_order(&x, &parameters.q) {
            return Err(out_of_range);
        }
        let group = Group::new(&parameters.p, "the modulus p")?;
        let computed = group.power(&parameters.g, &x, parameters.q.len());
        let computed = computed.ok_or(Error::Inconsistent { what: "y cannot be computed" })?;
        if y.is_some_and(|y| crate::secret::trim_leading_zeros(y) != computed) {
            return Err(Error::Inconsistent { what: "y is not g^x mod p" });
        }
        // A power of g is in its subgroup, so that needs no look.
        let public = PublicKey::new(parameters, &computed, Validation::Skip)?;
        let consistency = match validation {
            Validation::Full => Consistency::Checked,
            Validation::Skip => Consistency::Unchecked,
        };
        Ok(Self { public, x, consistency })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// x, as wide as q.
    pub fn x(&self) -> &SecretBytes {
        &self.x
    }

    /// Whether the numbers were checked against each other.
    pub fn consistency(&self) -> Consistency {
        self.consistency
    }
}
