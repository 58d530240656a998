//! Finite-field Diffie–Hellman keys: p, g; y; x (PKCS #3, X9.42, RFC 7919).
//!
//! Owns which keys are taken: a modulus of 512 to 16384 bits, the widest of the ranges that CNG's documents give. Refuses, unless
//! validation is skipped, g and y outside 2 … p − 2, y that is not g^x, a q whose subgroup does not hold them, and a j that is not
//! (p − 1) / q; always a j without a q. Beyond 8192
//! bits the powers are not computed: such a key goes on unchecked and must bring its y. That p is prime is not tested.

use super::discrete::{self, Evidence, Group, MAX_CHECKED_BITS};
use super::rsa::bit_length;
use super::{Consistency, Error, Validation};
use crate::secret::{SecretBytes, trim_leading_zeros};

/// Domain parameters. Numbers are minimal: no leading zero byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameters {
    p: Vec<u8>,
    g: Vec<u8>,
    /// The order of the subgroup, where it is known (X9.42).
    q: Option<Vec<u8>>,
    /// The cofactor (p − 1) / q, where it is known (X9.42).
    j: Option<Vec<u8>>,
    /// How p and q were made, where it is known (X9.42).
    evidence: Option<Evidence>,
    /// Bits that a private value shall have, where the parameters say so (PKCS #3 `privateValueLength`).
    private_bits: Option<u32>,
}

impl Parameters {
    /// Domain parameters from p and g; what else is known is added with the `with_…` functions.
    ///
    /// # Errors
    /// [`Error::Size`], or under [`Validation::Full`] an even p or a g outside 2 … p − 2.
    pub fn new(p: &[u8], g: &[u8], validation: Validation) -> Result<Self, Error> {
        let p = discrete::sized("a DH modulus", p, 512..=16384, "512 to 16384")?;
        let g = discrete::sized("a DH generator", g, 0..=bit_length(&p), "at most that of the modulus")?;
        let parameters = Self { p, g, q: None, j: None, evidence: None, private_bits: None };
        if validation == Validation::Full {
            parameters.check_generator()?;
        }
        Ok(parameters)
    }

    /// Adds the order of the subgroup.
    ///
    /// # Errors
    /// [`Error::Size`], or under [`Validation::Full`] when q does not divide p − 1 or is not the order of g's subgroup.
    pub fn with_order(mut self, q: &[u8], validation: Validation) -> Result<Self, Error> {
        let range = "at most that of the modulus";
        self.q = Some(discrete::sized("a DH subgroup order", q, 1..=bit_length(&self.p), range)?);
        if validation == Validation::Full {
            self.check_order()?;
        }
        Ok(self)
    }

    /// Adds the cofactor of the subgroup whose order is there already.
    ///
    /// # Errors
    /// [`Error::Missing`] without that order, [`Error::Size`], or under [`Validation::Full`] when it is not (p − 1) / q.
    pub fn with_cofactor(mut self, j: &[u8], validation: Validation) -> Result<Self, Error> {
        if self.q.is_none() {
            return Err(Error::Missing { field: "the order q", why: "a cofactor belongs to one" });
        }
        let range = "at most that of the modulus";
        self.j = Some(discrete::sized("a DH cofactor", j, 1..=bit_length(&self.p), range)?);
        if validation == Validation::Full {
            self.check_cofactor()?;
        }
        Ok(self)
    }

    /// Adds how p and q were made.
    #[must_use]
    pub fn with_evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Adds the bits that a private value shall have.
    #[must_use]
    pub fn with_private_bits(mut self, bits: u32) -> Self {
        self.private_bits = Some(bits);
        self
    }

    /// The modulus.
    pub fn p(&self) -> &[u8] {
        &self.p
    }

    /// The generator.
    pub fn g(&self) -> &[u8] {
        &self.g
    }

    /// The order of the subgroup, where it is known.
    pub fn q(&self) -> Option<&[u8]> {
        self.q.as_deref()
    }

    /// The cofactor, where it is known.
    pub fn j(&self) -> Option<&[u8]> {
        self.j.as_deref()
    }

    /// How p and q were made, where it is known. It is carried, not checked.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// Bits that a private value shall have, where the parameters say so.
    pub fn private_bits(&self) -> Option<u32> {
        self.private_bits
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> u32 {
        u32::try_from(bit_length(&self.p)).unwrap_or(u32::MAX)
    }

    fn is_computable(&self) -> bool {
        bit_length(&self.p) <= MAX_CHECKED_BITS
    }

    /// What [`Validation::Full`] asks of the parameters.
    fn check(&self) -> Result<(), Error> {
        self.check_generator()?;
        self.check_order()?;
        self.check_cofactor()
    }

    fn check_generator(&self) -> Result<(), Error> {
        if self.p.last().is_none_or(|low| low % 2 == 0) {
            return Err(Error::OutOfRange { field: "the modulus p", what: "it must be odd" });
        }
        if !discrete::is_between(&self.g, &self.p) {
            return Err(Error::OutOfRange { field: "the generator g", what: "it must be in 2 … p − 2" });
        }
        Ok(())
    }

    fn check_order(&self) -> Result<(), Error> {
        if self.q.as_ref().is_some_and(|q| !discrete::divides_predecessor(q, &self.p)) {
            return Err(Error::Inconsistent { what: "q does not divide p − 1" });
        }
        self.check_member(&self.g, Error::Inconsistent { what: "g is not in the subgroup of order q" })
    }

    fn check_cofactor(&self) -> Result<(), Error> {
        match (&self.q, &self.j) {
            (Some(q), Some(j)) if !discrete::is_cofactor(j, q, &self.p) => {
                Err(Error::Inconsistent { what: "j is not (p − 1) / q" })
            }
            _ => Ok(()),
        }
    }

    /// Whether `element` is in the subgroup, as far as its order is known and it can be computed.
    fn check_member(&self, element: &[u8], problem: Error) -> Result<(), Error> {
        let Some(q) = self.q.as_ref().filter(|_| self.is_computable()) else { return Ok(()) };
        let power = Group::new(&self.p, "the modulus p")?.power(element, q, q.len());
        if power.as_deref() == Some(&[1]) { Ok(()) } else { Err(problem) }
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
    /// [`Error`] when y is longer than p or, under [`Validation::Full`], outside 2 … p − 2 or not in the subgroup.
    pub fn new(parameters: Parameters, y: &[u8], validation: Validation) -> Result<Self, Error> {
        let range = "at most that of the modulus";
        let y = discrete::sized("a DH public value", y, 0..=bit_length(&parameters.p), range)?;
        if validation == Validation::Full {
            if !discrete::is_between(&y, &parameters.p) {
                return Err(Error::OutOfRange { field: "the public value y", what: "it must be in 2 … p − 2" });
            }
            parameters.check_member(&y, Error::Inconsistent { what: "y is not in the subgroup of order q" })?;
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

    /// Whether y is known to be what a public value must be; one that was taken without validation may not be.
    pub fn consistency(&self) -> Consistency {
        // Without the order of the subgroup its range is all that can be looked at.
        let checked = self.parameters.check();
        match checked.and_then(|()| Self::new(self.parameters.clone(), &self.y, Validation::Full)) {
            Ok(_) if self.parameters.is_computable() => Consistency::Checked,
            _ => Consistency::Unchecked,
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
    /// [`Error`] when x is not in 1 … p − 2 or y is not g^x; under [`Validation::Skip`] only when x is longer than p.
    pub fn new(parameters: Parameters, x: &[u8], y: Option<&[u8]>, validation: Validation) -> Result<Self, Error> {
        let out_of_range = Error::OutOfRange { field: "x", what: "it must be in 1 … p − 2, and below q" };
        let width = parameters.p.len();
        let padded = SecretBytes::left_padded(x, width).ok_or_else(|| out_of_range.clone())?;
        let x = padded.trimmed();
        let unchecked = validation == Validation::Skip || !parameters.is_computable();
        if let (true, Some(y)) = (unchecked, y) {
            let public = PublicKey::new(parameters, y, validation)?;
            return Ok(Self { public, x, consistency: Consistency::Unchecked });
        }
        if !parameters.is_computable() {
            let why = "powers are computed up to 8192 bits";
            return Err(Error::Missing { field: "the public value y", why });
        }
        let in_range = match &parameters.q {
            Some(q) => discrete::is_in_order(&x, q),
            None => discrete::is_below_predecessor(&x, &parameters.p),
        };
        if !in_range {
            return Err(out_of_range);
        }
        let computed = Group::new(&parameters.p, "the modulus p")?.power(&parameters.g, &x, width);
        let computed = computed.ok_or(Error::Inconsistent { what: "y cannot be computed" })?;
        if y.is_some_and(|y| trim_leading_zeros(y) != computed) {
            return Err(Error::Inconsistent { what: "y is not g^x mod p" });
        }
        let public = PublicKey::new(parameters, &computed, validation)?;
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

    /// x, minimal big-endian.
    pub fn x(&self) -> &SecretBytes {
        &self.x
    }

    /// Whether the numbers were checked against each other.
    pub fn consistency(&self) -> Consistency {
        self.consistency
    }
}
