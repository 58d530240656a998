//! The arithmetic behind RSA checks and completion, on `crypto-bigint`, constant-time in the secret numbers.
//!
//! Given values are checked by multiplying, never by inverting: an inverse costs milliseconds, a product microseconds.
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
    for (prime, exponent, error) in [
        (&p, &numbers.dp, inconsistent("dP is not e⁻¹ mod (p − 1)")),
        (&q, &numbers.dq, inconsistent("dQ is not e⁻¹ mod (q − 1)")),
    ] {
        let order = minus_one(prime);
        let exponent = secret(exponent)?;
        if !bool::from(exponent.ct_lt(&order)) || !is_inverse(&exponent, e, &order) {
            return Err(error);
        }
        if !is_inverse(&d, e, &order) {
            return Err(inconsistent("e·d is not 1 modulo p − 1 and q − 1"));
        }
    }
    let qinv = secret(&numbers.qinv)?;
    let product: Secret = Zeroizing::new(qinv.concatenating_mul(&*q));
    let modulus = non_zero(&p).ok_or_else(|| inconsistent("p is zero"))?;
    if !bool::from(qinv.ct_lt(&p)) || !bool::from(Zeroizing::new(product.rem(&*modulus)).is_one()) {
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

/// Whether value·e ≡ 1 modulo `order`.
fn is_inverse(value: &Integer, e: NonZero<Limb>, order: &Integer) -> bool {
    let product: Secret = Zeroizing::new(value.concatenating_mul(&BoxedUint::from_words([e.0])));
    let Some(order) = non_zero(order) else { return false };
    Zeroizing::new(product.rem(&*order)).is_one().into()
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
    let (wide_a, wide_b): (Secret, Secret) =
        (Zeroizing::new(a.clone().resize(precision)), Zeroizing::new(b.clone().resize(precision)));
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
