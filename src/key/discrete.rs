//! What DSA and finite-field Diffie–Hellman have in common: exponentiation modulo a public prime, and the evidence of how the
//! prime was made.
//!
//! Constant-time in the exponent; base, modulus and result are public. Primality is not tested.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use zeroize::Zeroizing;

use super::Error;
use super::rsa::bit_length;
use crate::secret::{SecretBytes, trim_leading_zeros};

/// Up to here a key's public value is compared with g^x: an exponentiation takes a quarter of a second at this size and eight times
/// that at the next.
pub(super) const MAX_CHECKED_BITS: u64 = 8192;

/// The seed and the counter from which domain parameters were generated (FIPS 186-4 appendix A.1, X9.42 `ValidationParms`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// `domain_parameter_seed`
    pub seed: Vec<u8>,
    /// `counter`
    pub counter: u32,
}

/// A modulus with what is needed to compute with it.
pub(super) struct Group {
    parameters: BoxedMontyParams,
    precision: u32,
}

impl Group {
    /// A group modulo an odd p; `field` names it in the error.
    pub(super) fn new(p: &[u8], field: &'static str) -> Result<Self, Error> {
        let precision = precision(p);
        let parameters = integer(p, precision)
            .and_then(|p| Odd::new(p).into_option())
            .map(BoxedMontyParams::new)
            .ok_or(Error::OutOfRange { field, what: "it must be odd" })?;
        Ok(Self { parameters, precision })
    }

    /// base^exponent mod p, minimal big-endian. Takes as long as an exponent of `width` bytes takes.
    pub(super) fn power(&self, base: &[u8], exponent: &[u8], width: usize) -> Option<Vec<u8>> {
        let padded = SecretBytes::left_padded(exponent, width.max(1))?;
        let exponent_bits = u32::try_from(padded.len()).ok()?.checked_mul(8)?;
        let exponent = Zeroizing::new(integer(&padded, exponent_bits.next_multiple_of(64))?);
        let base = BoxedMontyForm::new(integer(base, self.precision)?, &self.parameters);
        let power = base.pow_bounded_exp(&exponent, exponent_bits).retrieve();
        Some(trim_leading_zeros(&power.to_be_bytes()).to_vec())
    }
}

impl Group {
    /// a · b mod p, minimal big-endian; both are public, and no longer than p.
    pub(super) fn product(&self, a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
        let form = |number: &[u8]| {
            integer(trim_leading_zeros(number), self.precision)
                .map(|number| BoxedMontyForm::new(number, &self.parameters))
        };
        let product = (&form(a)? * &form(b)?).retrieve();
        Some(trim_leading_zeros(&product.to_be_bytes()).to_vec())
    }
}

/// b − 2, which is the power that makes the inverse modulo a prime b.
pub(super) fn inverting_power(b: &[u8]) -> Option<Vec<u8>> {
    let power = integer(b, precision(b))?.wrapping_sub(BoxedUint::from(2_u8));
    Some(trim_leading_zeros(&power.to_be_bytes()).to_vec())
}

/// a mod b, minimal big-endian; both are public, and b is the shorter one.
pub(super) fn remainder(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let precision = precision(a).max(precision(b));
    let divisor = crypto_bigint::NonZero::new(integer(b, precision)?).into_option()?;
    Some(trim_leading_zeros(&integer(a, precision)?.rem_vartime(&divisor).to_be_bytes()).to_vec())
}

/// Whether a divides b − 1; both are public.
pub(super) fn divides_predecessor(a: &[u8], b: &[u8]) -> bool {
    let precision = precision(b);
    let (Some(a), Some(b)) = (integer(a, precision), integer(b, precision)) else { return false };
    let Some(a) = crypto_bigint::NonZero::new(a).into_option() else { return false };
    b.wrapping_sub(BoxedUint::one()).rem_vartime(&a).is_zero().into()
}

/// Whether j · q + 1 = p; all are public.
pub(super) fn is_cofactor(j: &[u8], q: &[u8], p: &[u8]) -> bool {
    let precision = precision(p);
    let (Some(j), Some(q), Some(p)) = (integer(j, precision), integer(q, precision), integer(p, precision)) else {
        return false;
    };
    let Some(q) = crypto_bigint::NonZero::new(q).into_option() else { return false };
    let (quotient, remainder) = p.wrapping_sub(BoxedUint::one()).div_rem_vartime(&q);
    bool::from(remainder.is_zero()) && quotient == j
}

/// Whether the public number is greater than 1 and below b − 1, both minimal.
pub(super) fn is_between(number: &[u8], b: &[u8]) -> bool {
    let precision = precision(b);
    let (Some(number), Some(b)) = (integer(number, precision), integer(b, precision)) else { return false };
    number > BoxedUint::one() && number < b.wrapping_sub(BoxedUint::one())
}

/// Whether the secret number is from 1 to b − 1; constant-time for equal lengths.
pub(super) fn is_in_order(secret: &[u8], b: &[u8]) -> bool {
    integer(b, precision(b)).is_some_and(|bound| is_positive_below(secret, &bound))
}

/// Whether the secret number is from 1 to b − 2; constant-time for equal lengths.
pub(super) fn is_below_predecessor(secret: &[u8], b: &[u8]) -> bool {
    let bound = integer(b, precision(b)).map(|b| b.wrapping_sub(BoxedUint::one()));
    bound.is_some_and(|bound| is_positive_below(secret, &bound))
}

fn is_positive_below(secret: &[u8], bound: &BoxedUint) -> bool {
    use crypto_bigint::CtLt;
    let Some(secret) = integer(secret, bound.bits_precision()).map(Zeroizing::new) else { return false };
    bool::from(secret.ct_lt(bound)) && bool::from(secret.is_nonzero())
}

/// A copy without leading zero bytes whose size is within `range`.
pub(super) fn sized(
    what: &'static str,
    bytes: &[u8],
    bits: std::ops::RangeInclusive<u64>,
    range: &'static str,
) -> Result<Vec<u8>, Error> {
    let found = bit_length(bytes);
    if bits.contains(&found) {
        return Ok(trim_leading_zeros(bytes).to_vec());
    }
    Err(Error::Size { what, bits: found, range })
}

fn precision(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len().max(8) * 8).unwrap_or(u32::MAX).next_multiple_of(64)
}

fn integer(bytes: &[u8], precision: u32) -> Option<BoxedUint> {
    BoxedUint::from_be_slice(bytes, precision).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_small_numbers() {
        let group = Group::new(&[23], "p").unwrap();
        for (base, exponent, power) in [(5_u8, 6_u8, 8_u8), (5, 15, 19), (2, 0, 1), (22, 2, 1)] {
            assert_eq!(group.power(&[base], &[exponent], 1), Some(vec![power]));
            assert_eq!(group.power(&[base], &[0, 0, exponent], 8), Some(vec![power]));
        }
        assert!(Group::new(&[22], "p").is_err());
        assert_eq!(group.power(&[5], &[1, 0], 1), None);
    }

    #[test]
    fn products_inverses_and_remainders_are_those_of_small_numbers() {
        let group = Group::new(&[23], "p").unwrap();
        assert_eq!(group.product(&[0, 5], &[7]), Some(vec![12]));
        assert_eq!(group.product(&[23], &[7]), Some(vec![]));
        // More than p, as the bits of a digest may be.
        assert_eq!(group.product(&[30], &[1]), Some(vec![7]));
        let inverse = group.power(&[5], &inverting_power(&[23]).unwrap(), 1).unwrap();
        assert_eq!(group.product(&[5], &inverse), Some(vec![1]));
        assert_eq!(remainder(&[1, 0], &[23]), Some(vec![3]));
        assert_eq!((remainder(&[22], &[11]), remainder(&[1], &[0])), (Some(vec![]), None));
    }

    #[test]
    fn ranges_and_divisors_are_told() {
        assert!(
            divides_predecessor(&[11], &[23]) && !divides_predecessor(&[7], &[23]) && !divides_predecessor(&[], &[23])
        );
        assert!(
            is_between(&[2], &[23])
                && is_between(&[21], &[23])
                && !is_between(&[22], &[23])
                && !is_between(&[1], &[23])
        );
        assert!(
            is_in_order(&[1], &[11])
                && is_in_order(&[10], &[11])
                && !is_in_order(&[11], &[11])
                && !is_in_order(&[], &[11])
        );
        assert!(!is_in_order(&[0; 9], &[11]));
        assert!(is_below_predecessor(&[1], &[23]) && is_below_predecessor(&[21], &[23]));
        assert!(!is_below_predecessor(&[22], &[23]) && !is_below_predecessor(&[0], &[23]));
        assert!(is_cofactor(&[2], &[11], &[23]) && !is_cofactor(&[3], &[11], &[23]) && !is_cofactor(&[3], &[7], &[23]));
        assert!(!is_cofactor(&[2], &[0], &[23]));
    }
}
