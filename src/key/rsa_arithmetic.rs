//! The arithmetic behind RSA checks and completion, on `crypto-bigint`, constant-time in the secret numbers.
//!
//! Given values are checked by multiplying and dividing exactly, never by inverting, which costs ten times as much.
//! Completion uses that e fits one word: e⁻¹ mod m = (1 + k·m) / e with k = −m⁻¹ mod e, one exact division. Only qInv and
//! gcd(p − 1, q − 1) take more: divsteps in constant time, a tenth of what the exponentiation q^(p−2) would cost.

use crypto_bigint::{BoxedUint, ConcatenatingMul, CtEq, CtLt, Gcd, Limb, NonZero, Odd, Resize, U64, Word};
use zeroize::Zeroizing;

use super::rsa::{PrivateNumbers, PublicKey, bit_length};
use super::{Error, Validation};
use crate::secret::SecretBytes;

pub(super) type Integer = BoxedUint;
type Secret = Zeroizing<BoxedUint>;

const fn inconsistent(what: &'static str) -> Error {
    Error::Inconsistent { what }
}

/// Checks the relations of RFC 8017 §3.2: n = p·q, e·d ≡ 1 modulo p−1 and q−1, e·dP ≡ 1, e·dQ ≡ 1, q·qInv ≡ 1.
pub(super) fn check(public: &PublicKey, numbers: &PrivateNumbers) -> Result<(), Error> {
    let e = exponent(public)?;
    let (p, q) = (prime(&numbers.p)?, prime(&numbers.q)?);
    let n = integer(public.n())?;
    check_modulus(&n, &p, &q)?;

    let d = secret(&numbers.d)?;
    if numbers.d.len() > public.n().len() || bool::from(!d.ct_lt(&n)) {
        return Err(inconsistent("the private exponent d is not below n"));
    }
    let e = Integer::from_words([e.0]);
    let e_times_d: Secret = Zeroizing::new(d.concatenating_mul(&e));
    for (prime, exponent, error) in [
        (&p, &numbers.dp, inconsistent("dP is not e⁻¹ mod (p − 1)")),
        (&q, &numbers.dq, inconsistent("dQ is not e⁻¹ mod (q − 1)")),
    ] {
        let order = minus_one(prime);
        let modulus = Modulus::new(&order).ok_or_else(|| inconsistent("p or q is 1"))?;
        let exponent = secret(exponent)?;
        let product: Secret = Zeroizing::new(exponent.concatenating_mul(&e));
        if !bool::from(exponent.ct_lt(&order)) || !modulus.leaves_one(&product) {
            return Err(error);
        }
        if !modulus.leaves_one(&e_times_d) {
            return Err(inconsistent("e·d is not 1 modulo p − 1 and q − 1"));
        }
    }
    let qinv = secret(&numbers.qinv)?;
    let product: Secret = Zeroizing::new(qinv.concatenating_mul(&*q));
    let modulus = Modulus::new(&p).ok_or_else(|| inconsistent("p is zero"))?;
    if !bool::from(qinv.ct_lt(&p)) || !modulus.leaves_one(&product) {
        return Err(inconsistent("qInv is not q⁻¹ mod p"));
    }
    Ok(())
}

/// Computes d (modulo λ(n), as FIPS 186-5 and OpenSSL have it), dP, dQ and qInv from p, q, e.
pub(super) fn complete(
    public: &PublicKey,
    p: SecretBytes,
    q: SecretBytes,
    validation: Validation,
) -> Result<PrivateNumbers, Error> {
    let e = exponent(public)?;
    if e.0 == 1 {
        return Err(Error::OutOfRange { field: "the public exponent", what: "it must be odd and greater than 1" });
    }
    let (p_int, q_int) = (prime(&p)?, prime(&q)?);
    if validation == Validation::Full {
        check_modulus(&integer(public.n())?, &p_int, &q_int)?;
    }
    let (p_order, q_order) = (minus_one(&p_int), minus_one(&q_int));

    let dp = inverse_of_word(e, &p_order)?;
    let dq = inverse_of_word(e, &q_order)?;
    let d = inverse_of_word(e, &*lcm(&p_order, &q_order)?)?;
    let qinv = inverse_mod_prime(&q_int, &p_int)?;
    Ok(PrivateNumbers { dp: bytes(&dp), dq: bytes(&dq), qinv: bytes(&qinv), d: bytes(&d), p, q })
}

fn check_modulus(n: &Integer, p: &Integer, q: &Integer) -> Result<(), Error> {
    if bool::from(p.is_one()) || bool::from(q.is_one()) {
        return Err(inconsistent("p or q is 1"));
    }
    // The precisions may differ; what one has more of must be zero.
    let product: Secret = Zeroizing::new(p.concatenating_mul(q));
    if !bool::from(product.ct_eq(n)) {
        return Err(inconsistent("n is not p·q"));
    }
    Ok(())
}

/// e as one non-zero, odd word.
fn exponent(public: &PublicKey) -> Result<NonZero<Limb>, Error> {
    let mut value = 0;
    for byte in public.e() {
        value = (value << 8) | Word::from(*byte);
    }
    let odd = value % 2 == 1;
    NonZero::new(Limb(value))
        .into_option()
        .filter(|_| odd)
        .ok_or(Error::OutOfRange { field: "the public exponent", what: "it must be odd and greater than 1" })
}

fn integer(bytes: &[u8]) -> Result<Integer, Error> {
    let too_long = || Error::Size { what: "an RSA number", bits: bit_length(bytes), range: "at most 16384" };
    let bits = u32::try_from(bytes.len().max(8) * 8).ok().filter(|bits| *bits <= 16384).ok_or_else(too_long)?;
    Integer::from_be_slice(bytes, bits.next_multiple_of(64)).map_err(|_| too_long())
}

fn secret(bytes: &[u8]) -> Result<Secret, Error> {
    integer(bytes).map(Zeroizing::new)
}

fn prime(bytes: &[u8]) -> Result<Secret, Error> {
    let prime = secret(bytes)?;
    // All that completion needs of a prime; whether it really is one is not tested (it costs tens of milliseconds).
    if bool::from(prime.bit(0)) { Ok(prime) } else { Err(inconsistent("p or q is even")) }
}

/// A wiped copy as a divisor.
fn non_zero(value: &Integer) -> Option<Zeroizing<NonZero<Integer>>> {
    NonZero::new(value.clone()).into_option().map(Zeroizing::new)
}

fn minus_one(odd: &Integer) -> Secret {
    Zeroizing::new(odd.wrapping_sub(BoxedUint::one()))
}

/// A modulus as an odd number times a power of two, for divisions from the low end.
struct Modulus {
    odd: Secret,
    zeros: u32,
}

impl Modulus {
    /// `None` for zero.
    fn new(value: &Integer) -> Option<Self> {
        let zeros = value.trailing_zeros();
        (zeros < value.bits_precision()).then(|| Self { odd: Zeroizing::new(value.shr(zeros)), zeros })
    }

    /// Whether a product is 1 modulo this one, above 1: whether what is one less is a multiple.
    fn leaves_one(&self, product: &Integer) -> bool {
        let wide: Secret = Zeroizing::new(product.resize(product.bits_precision().max(self.odd.bits_precision())));
        let less: Secret = minus_one(&wide);
        let even = (less.trailing_zeros() >= self.zeros) | bool::from(less.is_zero());
        let shifted: Secret = Zeroizing::new(less.shr(self.zeros));
        !bool::from(wide.is_zero()) & even & is_multiple(shifted, &self.odd)
    }
}

/// Whether a number is a multiple of an odd one, which has at most as many limbs. The quotient must fit one limb more than the
/// two differ by; it does if the divisor's top limb is not zero, or if both were shifted right alike since it was not.
///
/// This is Hensel's division. Each step clears one limb from the low end for good, so there is no estimate to take back, as there is
/// in Knuth's; the steps depend on lengths alone, and neither quotient nor remainder, which would give the divisor away, is kept.
fn is_multiple(mut value: Secret, odd: &Integer) -> bool {
    let divisor = odd.as_limbs();
    let (Some(lowest), Some(last)) = (divisor.first(), value.as_limbs().len().checked_sub(divisor.len())) else {
        return false;
    };
    let inverse = inverse_of_limb(*lowest);
    let mut pending = Limb::ZERO;
    for step in 0..=last {
        let (low, high) = value.as_mut_limbs().split_at_mut(step + divisor.len());
        let low = low.get_mut(step..).unwrap_or_default();
        let digit = low.first().map_or(Limb::ZERO, |limb| limb.wrapping_mul(inverse));
        let (mut carry, mut borrow) = (Limb::ZERO, Limb::ZERO);
        for (limb, factor) in low.iter_mut().zip(divisor) {
            let product;
            (product, carry) = digit.carrying_mul_add(*factor, Limb::ZERO, carry);
            (*limb, borrow) = limb.borrowing_sub(product, borrow);
        }
        // Above the top limb there is only zero: taking anything from it leaves more than zero, and so no multiple.
        let mut above_all = Limb::ZERO;
        let next = high.first_mut().unwrap_or(&mut above_all);
        let run_over;
        (*next, run_over) = next.borrowing_sub(carry, borrow);
        (*next, borrow) = next.borrowing_sub(Limb::ZERO, pending);
        pending = run_over | borrow;
    }
    value.as_limbs().iter().fold(pending, |any, limb| any | *limb).is_zero().into()
}

/// The inverse of an odd limb modulo 2 to its width, by Newton's iteration, from 5 bits that are right.
fn inverse_of_limb(odd: Limb) -> Limb {
    let mut inverse = Limb(odd.0.wrapping_mul(3) ^ 2);
    let mut bits = 5;
    while bits < Limb::BITS {
        inverse = inverse.wrapping_mul(Limb(2).wrapping_sub(odd.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse
}

/// e⁻¹ mod m for a one-word odd e: (1 + k·m) / e, where k = −m⁻¹ mod e.
fn inverse_of_word(e: NonZero<Limb>, m: &Integer) -> Result<Secret, Error> {
    let no_inverse = || inconsistent("e has no inverse modulo p − 1 or q − 1");
    let modulus = Odd::new(U64::from(e.0)).into_option().ok_or_else(no_inverse)?;
    let residue = U64::from(m.rem_limb(e).0);
    let inverse = residue.invert_odd_mod(&modulus).into_option().ok_or_else(no_inverse)?;
    let k = inverse.neg_mod(modulus.as_nz_ref());
    let k: Secret = Zeroizing::new(Integer::from_words([k.as_words()[0]]));
    // 1 + k·m < e·m + 1, one word more than m.
    let product: Secret = Zeroizing::new(m.concatenating_mul(&*k));
    let numerator: Secret = Zeroizing::new(product.wrapping_add(BoxedUint::one()));
    let (quotient, remainder) = numerator.div_rem_limb(e);
    let quotient = Zeroizing::new(quotient);
    if bool::from(remainder.is_zero()) { Ok(quotient) } else { Err(no_inverse()) }
}

/// lcm(a, b) = a / gcd(a, b) · b, the λ(n) of RFC 8017 §3.1.
fn lcm(a: &Integer, b: &Integer) -> Result<Secret, Error> {
    let precision = a.bits_precision().max(b.bits_precision());
    let (wide_a, wide_b): (Secret, Secret) = (Zeroizing::new(a.resize(precision)), Zeroizing::new(b.resize(precision)));
    let gcd: Secret = Zeroizing::new(wide_a.gcd(&wide_b));
    let gcd = non_zero(&gcd).ok_or_else(|| inconsistent("p or q is 1"))?;
    let (reduced, _) = wide_a.div_rem(&*gcd);
    Ok(Zeroizing::new(Zeroizing::new(reduced).concatenating_mul(&*wide_b)))
}

/// q⁻¹ mod p, by Bernstein and Yang's divsteps, whose steps depend on neither number.
fn inverse_mod_prime(q: &Integer, p: &Integer) -> Result<Secret, Error> {
    let no_inverse = || inconsistent("q has no inverse modulo p");
    let modulus = Zeroizing::new(Odd::new(p.clone()).into_option().ok_or_else(no_inverse)?);
    let reduced: Secret = Zeroizing::new(q.rem(modulus.as_nz_ref()));
    reduced.invert_odd_mod(&modulus).into_option().map(Zeroizing::new).ok_or_else(no_inverse)
}

fn bytes(value: &Integer) -> SecretBytes {
    SecretBytes::from(value.to_be_bytes().into_vec()).trimmed()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn number(bytes: &[u8]) -> Integer {
        integer(bytes).unwrap()
    }

    fn remainder_is_one(product: &Integer, modulus: &Integer) -> bool {
        let modulus = NonZero::new(modulus.clone()).unwrap();
        product.div_rem(&modulus).1.is_one().into()
    }

    proptest! {
        #[test]
        fn one_more_than_a_multiple_is_told_from_everything_else(
            modulus in vec(any::<u8>(), 1..70),
            zeros in 0_usize..20,
            factor in vec(any::<u8>(), 1..70),
            delta in 0_u8..3,
        ) {
            // Low zero bytes, so that whole limbs of the modulus are zero.
            let modulus = number(&[&[1], &*modulus, &vec![0; zeros]].concat());
            for product in [number(&factor), factor_times(&factor, &modulus, delta)] {
                let found = Modulus::new(&modulus).unwrap().leaves_one(&product);
                prop_assert_eq!(found, remainder_is_one(&product, &modulus), "{} mod {}", product, modulus);
            }
        }

        #[test]
        fn limbs_have_their_inverses(odd in any::<Word>()) {
            let odd = Limb(odd | 1);
            prop_assert_eq!(odd.wrapping_mul(inverse_of_limb(odd)), Limb::ONE);
        }
    }

    fn factor_times(factor: &[u8], modulus: &Integer, delta: u8) -> Integer {
        number(factor).concatenating_mul(modulus).concatenating_add(number(&[delta]))
    }

    #[test]
    fn products_at_the_edges_are_judged_as_division_judges_them() {
        let ends: Vec<_> = [&[0][..], &[1], &[2], &[3], &[0xFF; 8], &[0xFF; 9], &[0xFF; 16], &[0xFF; 64]]
            .into_iter()
            .map(number)
            .chain((0..200).step_by(7).map(|shift| number(&[1; 32]).shr(0).wrapping_shl(shift)))
            .collect();
        for modulus in ends.iter().filter(|modulus| **modulus > Integer::one()) {
            for product in &ends {
                let found = Modulus::new(modulus).unwrap().leaves_one(product);
                assert_eq!(found, remainder_is_one(product, modulus), "{product} mod {modulus}");
            }
        }
        assert!(Modulus::new(&number(&[0])).is_none());
    }

    #[test]
    fn any_one_bit_of_any_number_breaks_the_relation_that_is_named() {
        let blob = include_bytes!("../../tests/vectors/rsa1024-e65537.RSAPRIVATEBLOB.bin");
        let (_, rest) = blob.split_at(24);
        let (e, rest) = rest.split_at(3);
        let (n, rest) = rest.split_at(128);
        let (p, q) = rest.split_at(64);
        let public = PublicKey::new(n, e, Validation::Full).unwrap();
        let right = complete(&public, p.into(), q.into(), Validation::Full).unwrap();
        check(&public, &right).unwrap();
        type Field = fn(&mut PrivateNumbers) -> &mut SecretBytes;
        let fields: [(Field, &str); 6] = [
            (|numbers| &mut numbers.p, "n is not p·q"),
            (|numbers| &mut numbers.q, "n is not p·q"),
            (|numbers| &mut numbers.dp, "dP is not e⁻¹ mod (p − 1)"),
            (|numbers| &mut numbers.dq, "dQ is not e⁻¹ mod (q − 1)"),
            (|numbers| &mut numbers.qinv, "qInv is not q⁻¹ mod p"),
            (|numbers| &mut numbers.d, "e·d is not 1 modulo p − 1 and q − 1"),
        ];
        for (field, what) in fields {
            let bytes = field(&mut right.clone()).len();
            // The lowest bit of p and q says even or odd, which is another complaint; the highest of d may take it above n.
            for bit in 1..bytes * 8 - 8 {
                let mut wrong = right.clone();
                let byte = field(&mut wrong).as_mut_slice().get_mut(bytes - 1 - bit / 8).unwrap();
                *byte ^= 1 << (bit % 8);
                assert_eq!(check(&public, &wrong), Err(inconsistent(what)), "bit {bit}");
            }
        }
    }
}
