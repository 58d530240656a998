//! Big-endian arithmetic for checking the numbers of keys: a few operations on byte strings.

#![allow(dead_code, reason = "no test binary uses all of it")]

use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero};

fn int(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

fn bytes(value: &BoxedUint) -> Vec<u8> {
    value.to_be_bytes_trimmed_vartime().into_vec()
}

fn non_zero(bytes: &[u8]) -> NonZero<BoxedUint> {
    NonZero::new(int(bytes)).unwrap()
}

pub(crate) fn mul(a: &[u8], b: &[u8]) -> Vec<u8> {
    bytes(&int(a).concatenating_mul(&int(b)))
}

pub(crate) fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    bytes(&int(a).concatenating_add(int(b)))
}

/// a − 1 for an odd a.
pub(crate) fn minus_one(a: &[u8]) -> Vec<u8> {
    let mut out = a.to_vec();
    *out.last_mut().unwrap() -= 1;
    out
}

/// a mod m.
pub(crate) fn rem(a: &[u8], m: &[u8]) -> Vec<u8> {
    bytes(&int(a).rem_vartime(&non_zero(m)))
}

/// Whether a·b ≡ 1 (mod m).
pub(crate) fn are_inverse(a: &[u8], b: &[u8], m: &[u8]) -> bool {
    rem(&mul(a, b), m) == [1]
}

/// λ(n) = lcm(p − 1, q − 1).
pub(crate) fn lambda(p: &[u8], q: &[u8]) -> Vec<u8> {
    let (p, q) = (minus_one(p), minus_one(q));
    let gcd = int(&p).gcd_vartime(&int(&q));
    let (reduced, _) = int(&p).div_rem_vartime(&NonZero::new(gcd).unwrap());
    mul(&bytes(&reduced), &q)
}

/// A number plus a small one, in the same width.
pub(crate) fn shifted(number: &[u8], delta: i16) -> Vec<u8> {
    let mut out = number.to_vec();
    let mut carry = delta;
    for byte in out.iter_mut().rev() {
        let sum = i16::from(*byte) + carry;
        *byte = u8::try_from(sum.rem_euclid(256)).unwrap();
        carry = sum.div_euclid(256);
    }
    out
}

/// a − b for numbers of the same width, in that width.
pub(crate) fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = a.to_vec();
    let mut borrow = 0;
    for (place, byte) in out.iter_mut().zip(b).rev() {
        let value = i16::from(*place) - i16::from(*byte) - borrow;
        *place = u8::try_from(value.rem_euclid(256)).unwrap();
        borrow = i16::from(value < 0);
    }
    out
}
