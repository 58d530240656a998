//! Domain parameters: the numbers that a curve is made of, and recognition of a curve by them.
//!
//! Owns the fixed widths: p, a, b and the generator are as wide as the field, n as wide as itself. Recognition compares numbers, so
//! that leading zeros do not count; the seed does not either, for no arithmetic depends on it and many encoders leave it out.

use super::{CURVES, Curve, Form};

/// The domain parameters of a curve (SEC 1 §3.1.1), big-endian.
///
/// The equation is the [`Form`]'s: y² = x³ + a·x + b, a·x² + y² = 1 + b·x²·y² or b·y² = x³ + a·x² + x.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parameters {
    /// The prime of the field.
    pub p: &'static [u8],
    /// The coefficient a, as wide as p.
    pub a: &'static [u8],
    /// The coefficient b (d of an Edwards curve), as wide as p.
    pub b: &'static [u8],
    /// The x-coordinate of the generator, as wide as p.
    pub gx: &'static [u8],
    /// The y-coordinate of the generator, as wide as p.
    pub gy: &'static [u8],
    /// The order of the generator.
    pub n: &'static [u8],
    /// The cofactor.
    pub h: &'static [u8],
    /// The seed that a and b were made from (ANSI X9.62 appendix A.3.3), where the standard states one; else empty.
    pub seed: &'static [u8],
}

/// The y-coordinate of a generator, which a compressed point has the lowest bit of only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ordinate<'a> {
    /// The whole number.
    Value(&'a [u8]),
    /// Whether it is odd.
    Odd(bool),
}

/// A curve that is described and not named: what X9.62 `SpecifiedECDomain` and the blobs of CNG that carry parameters hold. Numbers are
/// big-endian, of any width.
#[derive(Clone, Copy, Debug)]
pub struct ExplicitParameters<'a> {
    /// The form of the equation.
    pub form: Form,
    /// The prime of the field.
    pub p: &'a [u8],
    /// The coefficient a.
    pub a: &'a [u8],
    /// The coefficient b (d of an Edwards curve).
    pub b: &'a [u8],
    /// The x-coordinate of the generator.
    pub gx: &'a [u8],
    /// The y-coordinate of the generator.
    pub gy: Ordinate<'a>,
    /// The order of the generator.
    pub order: &'a [u8],
    /// The cofactor, where it is stated.
    pub cofactor: Option<&'a [u8]>,
}

impl Curve {
    /// The curve that these parameters describe: every number that is stated must be the curve's.
    pub fn by_parameters(given: &ExplicitParameters<'_>) -> Option<&'static Self> {
        CURVES.iter().find(|curve| curve.form == given.form && curve.parameters.are(given))
    }
}

impl Parameters {
    fn are(&self, given: &ExplicitParameters<'_>) -> bool {
        let same_y = match given.gy {
            Ordinate::Value(y) => same(y, self.gy),
            Ordinate::Odd(odd) => self.gy.last().is_some_and(|low| (low & 1 == 1) == odd),
        };
        // b only scales v on a Montgomery curve; Windows states 0 for the 1 of RFC 7748.
        let same_b = same(given.b, self.b) || (given.form == Form::Montgomery && same(given.b, &[]));
        same(given.p, self.p)
            && same(given.a, self.a)
            && same_b
            && same(given.gx, self.gx)
            && same_y
            && same(given.order, self.n)
            && given.cofactor.is_none_or(|h| same(h, self.h))
    }
}

/// Whether two big-endian numbers are one.
fn same(a: &[u8], b: &[u8]) -> bool {
    trimmed(a) == trimmed(b)
}

pub(super) fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Bits of a big-endian number.
pub(super) const fn bit_length(number: &[u8]) -> u32 {
    let mut rest = number;
    let mut bits = 0;
    while let [first, tail @ ..] = rest {
        bits = if bits == 0 { 8 - first.leading_zeros() } else { bits + 8 };
        rest = tail;
    }
    bits
}

/// The bytes of a hexadecimal constant. What is none does not compile.
#[allow(clippy::panic, clippy::indexing_slicing, reason = "runs when the constants are compiled")]
pub(super) const fn unhex<const N: usize>(text: &str) -> [u8; N] {
    const fn digit(character: u8) -> u8 {
        match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let text = text.as_bytes();
    assert!(text.len() == 2 * N, "not a whole number of bytes");
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
        at += 1;
    }
    bytes
}

/// One set of domain parameters from hexadecimal numbers.
macro_rules! parameters {
    (p: $p:literal, a: $a:literal, b: $b:literal, gx: $gx:literal, gy: $gy:literal, n: $n:literal, h: $h:literal,
     seed: $seed:literal,) => {
        Parameters {
            p: parameters!($p),
            a: parameters!($a),
            b: parameters!($b),
            gx: parameters!($gx),
            gy: parameters!($gy),
            n: parameters!($n),
            h: &[$h],
            seed: parameters!($seed),
        }
    };
    ($hex:literal) => {
        &const { super::parameters::unhex::<{ $hex.len() / 2 }>($hex) }
    };
}
pub(super) use parameters;
