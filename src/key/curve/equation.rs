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
        (&number < self.params.modulus().as_ref()).then(|| BoxedMontyForm::new(number, &self.params))
    }

    fn one(&self) -> BoxedMontyForm {
        BoxedMontyForm::one(&self.params)
    }

    /// Euler's criterion; zero does not come here.
    fn is_square(&self, element: &BoxedMontyForm) -> bool {
        element.pow(&(self.params.modulus().as_ref() >> 1_u32)) == self.one()
    }
}
