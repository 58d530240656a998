//! Whether a point is on its curve, from the curve's parameters alone.
//!
//! Public points only: nothing here runs in constant time.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

use super::parameters::trimmed;
use super::{Curve, Form};

impl Curve {
    /// Whether (x, y), big-endian, is a point of the curve; the neutral element, which a key cannot be, does not count.
    pub(crate) fn has_affine_point(&self, x: &[u8], y: &[u8]) -> bool {
        self.on_curve(x, y).unwrap_or(false)
    }

    fn on_curve(&self, x: &[u8], y: &[u8]) -> Option<bool> {
        let field = Field::new(self.parameters.p)?;
        let (a, b) = (field.element(self.parameters.a)?, field.element(self.parameters.b)?);
        let (x, y) = (field.element(x)?, field.element(y)?);
        let (xx, yy) = (x.square(), y.square());
        Some(match self.form {
            // y² = x³ + a·x + b
            Form::Weierstrass => yy == (&(&(&xx + &a) * &x) + &b),
            // a·x² + y² = 1 + d·x²·y²; (0, 1) is neutral.
            Form::Edwards | Form::TwistedEdwards => {
                let neutral = bool::from(x.is_zero()) && y == field.one();
                !neutral && (&(&a * &xx) + &yy) == (&field.one() + &(&(&b * &xx) * &yy))
            }
            // b·v² = u³ + a·u² + u
            Form::Montgomery => (&b * &yy) == (&(&(&xx + &(&a * &x)) + &field.one()) * &x),
        })
    }

    /// Whether a point is one of the few that a multiplication by the cofactor takes to the neutral element: what is agreed with one does not
    /// depend on the other side's private value (RFC 7748 §6.1). On Weierstrass curves here the cofactor is 1; of RFC 8032's strings, which
    /// only verify, none is refused.
    pub(crate) fn has_small_order(&self, x: &[u8], y: &[u8]) -> bool {
        match self.form {
            Form::Montgomery => self.is_small_abscissa(x).unwrap_or(false),
            Form::TwistedEdwards => self.is_small_point(x, y).unwrap_or(false),
            Form::Edwards | Form::Weierstrass => false,
        }
    }

    /// Whether the cofactor, a power of two, takes a little-endian u to infinity: on the curve or its twist, whose cofactor is no greater.
    fn is_small_abscissa(&self, string: &[u8]) -> Option<bool> {
        let field = Field::new(self.parameters.p)?;
        let a = field.element(self.parameters.a)?;
        let mut number = string.to_vec();
        number.reverse();
        let (mut x, mut z) = (field.element(&number)?, field.one());
        for _ in 0..self.parameters.h.last()?.ilog2() {
            let (xx, zz, xz) = (x.square(), z.square(), &x * &z);
            let four_xz = &(&xz + &xz) + &(&xz + &xz);
            x = (&xx - &zz).square();
            z = &four_xz * &(&(&xx + &(&a * &xz)) + &zz);
        }
        Some(bool::from(z.is_zero()))
    }

    /// Whether 4·P is neutral, where the cofactor is 4: 2·P has x = 0, which 2xy = 0 says, or is a point at infinity of order 2, which a zero
    /// in the denominators a·x² + y² and 2 − a·x² − y² of the doubling says.
    fn is_small_point(&self, x: &[u8], y: &[u8]) -> Option<bool> {
        let field = Field::new(self.parameters.p)?;
        let a = field.element(self.parameters.a)?;
        let (x, y) = (field.element(x)?, field.element(y)?);
        let sum = &(&a * &x.square()) + &y.square();
        let rest = &(&field.one() + &field.one()) - &sum;
        Some(bool::from((&x * &y).is_zero() | sum.is_zero() | rest.is_zero()))
    }

    /// The y-coordinate, as wide as the field, of the point with this x and a y that is odd or even (SEC 1 §2.3.4); `None` where the curve
    /// has no such point, and on other curves than Weierstrass ones.
    pub(crate) fn ordinate(&self, x: &[u8], odd: bool) -> Option<Vec<u8>> {
        if self.form != Form::Weierstrass {
            return None;
        }
        let field = Field::new(self.parameters.p)?;
        let (a, b) = (field.element(self.parameters.a)?, field.element(self.parameters.b)?);
        let x = field.element(x)?;
        let root = field.root(&(&(&(&x.square() + &a) * &x) + &b))?;
        // Zero is its own negative, and even.
        let [root, negative] = [root.retrieve(), (-root).retrieve()].map(|y| y.to_be_bytes().to_vec());
        let y = [root, negative].into_iter().find(|y| y.last().is_some_and(|low| (low & 1 == 1) == odd))?;
        let y = trimmed(&y);
        let pad = self.width().checked_sub(y.len())?;
        Some([vec![0; pad].as_slice(), y].concat())
    }

    /// Whether a string is the encoding of a point: a reduced u-coordinate (RFC 7748 §5), or y with the sign of x (RFC 8032 §5.1.3,
    /// §5.2.3). Every u is on the curve or on its twist, which RFC 7748 takes alike; one that is not reduced is not taken, as CNG does.
    pub(crate) fn has_encoded_point(&self, string: &[u8]) -> bool {
        let mut number = string.to_vec();
        number.reverse();
        match self.form {
            Form::Montgomery => number.as_slice() < self.parameters.p,
            Form::Edwards => self.decompresses(number).unwrap_or(false),
            Form::TwistedEdwards | Form::Weierstrass => false,
        }
    }

    /// Whether there is an x to this sign and y: x² = (y² − 1) / (d·y² − a).
    fn decompresses(&self, mut number: Vec<u8>) -> Option<bool> {
        let top = number.first_mut()?;
        let odd = *top & 0x80 != 0;
        *top &= 0x7F;
        let field = Field::new(self.parameters.p)?;
        let (a, d) = (field.element(self.parameters.a)?, field.element(self.parameters.b)?);
        let yy = field.element(&number)?.square();
        let (numerator, denominator) = (&yy - &field.one(), &(&d * &yy) - &a);
        if bool::from(numerator.is_zero()) {
            // x is zero, which has no sign.
            return Some(!odd);
        }
        Some(field.is_square(&(&numerator * &denominator)))
    }
}

/// Numbers modulo p.
struct Field {
    params: BoxedMontyParams,
    bits: u32,
}

impl Field {
    fn new(p: &[u8]) -> Option<Self> {
        let bits = u32::try_from(p.len()).ok()?.checked_mul(8)?.next_multiple_of(64);
        let modulus = Odd::new(BoxedUint::from_be_slice(p, bits).ok()?).into_option()?;
        Some(Self { params: BoxedMontyParams::new_vartime(modulus), bits })
    }

    /// A number below p; `None` for any other.
    fn element(&self, number: &[u8]) -> Option<BoxedMontyForm> {
        let number = BoxedUint::from_be_slice(trimmed(number), self.bits).ok()?;
        (number < *self.params.modulus().as_ref()).then(|| BoxedMontyForm::new(number, &self.params))
    }

    fn one(&self) -> BoxedMontyForm {
        BoxedMontyForm::one(&self.params)
    }

    /// A square root (Tonelli and Shanks; where p is 3 modulo 4 it is one power).
    fn root(&self, element: &BoxedMontyForm) -> Option<BoxedMontyForm> {
        let one = self.one();
        if bool::from(element.is_zero()) {
            return Some(element.clone());
        }
        if !self.is_square(element) {
            return None;
        }
        // p − 1 = q · 2^s
        let predecessor = self.params.modulus().as_ref() >> 1_u32;
        let s = predecessor.trailing_zeros() + 1;
        let q = predecessor >> (s - 1);
        let mut root = element.pow(&(&q >> 1_u32)) * element;
        let mut rest = &root.square() * &element.invert().into_option()?;
        let mut generator = self.nonresidue()?.pow(&q);
        let mut order = s;
        // root² = element · rest, and the order of rest is a power of two below 2^order.
        while rest != one {
            let mut power = rest.clone();
            let mut steps = 0;
            while power != one {
                power = power.square();
                steps += 1;
                if steps >= order {
                    return None;
                }
            }
            for _ in 0..order - steps - 1 {
                generator = generator.square();
            }
            root = &root * &generator;
            generator = generator.square();
            rest = &rest * &generator;
            order = steps;
        }
        Some(root)
    }

    /// The smallest number that has no square root.
    fn nonresidue(&self) -> Option<BoxedMontyForm> {
        let one = self.one();
        let numbers = std::iter::successors(Some(&one + &one), |number| Some(number + &one));
        numbers.take(1000).find(|number| !self.is_square(number))
    }

    /// Euler's criterion; zero does not come here.
    fn is_square(&self, element: &BoxedMontyForm) -> bool {
        element.pow(&(self.params.modulus().as_ref() >> 1_u32)) == self.one()
    }
}
