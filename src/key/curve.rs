//! The one curve table.
//!
//! Owns the names that CNG gives its curves ("CNG Named Elliptic Curves"), their OIDs and domain parameters, the test whether a point is
//! on a curve, and which of them can be computed with here. Several names stand for one OID: the first one listed is the one that is
//! written, all are read. The curves of RFC 7748 and RFC 8032 that CNG does not have stand here too, for the formats that do.

mod brainpool;
mod equation;
mod other;
mod parameters;
mod sec2;
mod table;
mod x962;

use std::fmt;

use super::Error;

pub use self::parameters::{ExplicitParameters, Ordinate, Parameters};
pub use self::table::CURVES;

/// The shape of a curve, which decides how its keys are encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Edwards form as RFC 8032 encodes it: one little-endian string of y and the sign of x; the private key is a seed.
    Edwards,
    /// Montgomery form (RFC 7748): little-endian u-coordinate, no y.
    Montgomery,
    /// Twisted Edwards form as CNG has it: big-endian x and y.
    TwistedEdwards,
    /// Short Weierstrass over a prime field: big-endian x and y.
    Weierstrass,
}

impl Form {
    /// Whether a public key is a pair of coordinates; else it is one string.
    pub fn is_affine(self) -> bool {
        matches!(self, Self::TwistedEdwards | Self::Weierstrass)
    }
}

/// Which implementation computes on a curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arithmetic {
    BrainpoolP256r1,
    BrainpoolP384r1,
    Ed25519,
    P256,
    P384,
    P521,
    Secp256k1,
    X25519,
}

/// One curve.
#[non_exhaustive]
pub struct Curve {
    /// CNG's name, spelled as CNG spells it.
    pub name: &'static str,
    /// Other names that are read: CNG's aliases, and what other tools say.
    pub aliases: &'static [&'static str],
    /// The OID in dotted form: ANSI X9.62 / SEC 2 / RFC 5639, and RFC 8410 for the curves of RFC 7748 and RFC 8032, where it names the
    /// algorithm with the curve. The NUMS curves have none.
    pub oid: Option<&'static str>,
    /// Bits of the field.
    pub field_bits: u32,
    /// Bits of the order of the base point, which is what signatures are made of.
    pub order_bits: u32,
    /// The form.
    pub form: Form,
    /// The domain parameters.
    pub parameters: &'static Parameters,
    cng: bool,
    pub(crate) arithmetic: Option<Arithmetic>,
}

impl Curve {
    /// Finds a curve by its CNG name or a common alias, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownCurve`].
    pub fn by_name(name: &str) -> Result<&'static Self, Error> {
        CURVES
            .iter()
            .find(|curve| curve.names().any(|known| known.eq_ignore_ascii_case(name)))
            .ok_or_else(|| Error::UnknownCurve { name: name.to_owned() })
    }

    /// Finds a curve by its dotted OID.
    ///
    /// # Errors
    /// [`Error::UnknownCurve`].
    pub fn by_oid(oid: &str) -> Result<&'static Self, Error> {
        CURVES.iter().find(|curve| curve.oid == Some(oid)).ok_or_else(|| Error::UnknownCurve { name: oid.to_owned() })
    }

    /// The NIST curve that CNG has an algorithm of its own for, by its size in bits.
    pub fn nist(bits: u32) -> Option<&'static Self> {
        CURVES.iter().take(3).find(|curve| curve.field_bits == bits)
    }

    /// The size that stands in CNG's specific algorithm names (`ECDSA_P256`), for the three curves that have one.
    pub fn nist_bits(&self) -> Option<u32> {
        Self::nist(self.field_bits).filter(|nist| nist.name == self.name).map(|nist| nist.field_bits)
    }

    /// Bytes of one coordinate, which is also the width of the private scalar in a CNG blob. On an [`Form::Edwards`] curve, of the
    /// encoded point and of the seed, which have a bit more than the field (RFC 8032 §5.1.2, §5.2.2).
    pub fn width(&self) -> usize {
        let bits = if self.form == Form::Edwards { self.field_bits + 1 } else { self.field_bits };
        bits.div_ceil(8) as usize
    }

    /// Bytes of a number below the order, which is the width of r and of s.
    pub fn order_width(&self) -> usize {
        self.order_bits.div_ceil(8) as usize
    }

    /// Whether CNG has the curve: its blobs hold keys on it. The others live in PKCS#8, certificates and JWK only.
    pub fn is_cng(&self) -> bool {
        self.cng
    }

    /// Whether the public point of a key can be computed here, and d and Q be checked against each other.
    pub fn has_arithmetic(&self) -> bool {
        self.arithmetic.is_some()
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

impl fmt::Debug for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a table that is known, the name says all.
        f.debug_tuple("Curve").field(&self.name).finish()
    }
}

impl Eq for Curve {}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_oid_stands_for_one_curve() {
        for curve in CURVES {
            if let Some(oid) = curve.oid {
                assert_eq!(Curve::by_oid(oid).unwrap(), curve);
            }
            for name in curve.names() {
                assert_eq!(Curve::by_name(name).unwrap(), curve);
                assert_eq!(Curve::by_name(&name.to_uppercase()).unwrap(), curve);
            }
        }
        let mut oids: Vec<_> = CURVES.iter().filter_map(|curve| curve.oid).collect();
        oids.sort_unstable();
        oids.dedup();
        assert_eq!((CURVES.len(), oids.len()), (39, 36));
    }

    #[test]
    fn only_the_three_nist_curves_have_algorithms_of_their_own() {
        let specific: Vec<_> = CURVES.iter().filter_map(Curve::nist_bits).collect();
        assert_eq!(specific, [256, 384, 521]);
        assert_eq!(Curve::by_name("brainpoolP256r1").unwrap().nist_bits(), None);
        assert_eq!(Curve::nist(521).unwrap().width(), 66);
    }

    #[test]
    fn every_generator_is_on_its_curve_and_no_other_point_beside_it_is() {
        for curve in CURVES {
            let Parameters { p, gx, gy, .. } = *curve.parameters;
            assert!(curve.has_affine_point(gx, gy), "{}", curve.name);
            for i in [0, gx.len() / 2, gx.len() - 1] {
                for bit in 0..8 {
                    let flipped = |number: &[u8]| {
                        let mut number = number.to_vec();
                        number[i] ^= 1 << bit;
                        number
                    };
                    assert!(!curve.has_affine_point(&flipped(gx), gy), "{} {i} {bit}", curve.name);
                    assert!(!curve.has_affine_point(gx, &flipped(gy)), "{} {i} {bit}", curve.name);
                }
            }
            // Coordinates are below p, and there is no point at infinity.
            assert!(!curve.has_affine_point(p, gy) && !curve.has_affine_point(gx, p), "{}", curve.name);
            assert!(!curve.has_affine_point(&[0xFF; 600], gy), "{}", curve.name);
            let zero = vec![0; p.len()];
            assert!(curve.form == Form::Montgomery || !curve.has_affine_point(&zero, &zero), "{}", curve.name);
        }
    }

    #[test]
    fn parameters_have_the_widths_of_field_and_order() {
        for curve in CURVES {
            let Parameters { p, a, b, gx, gy, n, h, seed } = *curve.parameters;
            let field = curve.field_bits.div_ceil(8) as usize;
            for number in [p, a, b, gx, gy] {
                assert_eq!(number.len(), field, "{}", curve.name);
                assert!(number <= p, "{}", curve.name);
            }
            assert!(p[0] != 0 && n[0] != 0, "{}", curve.name);
            assert_eq!(n.len(), curve.order_width(), "{}", curve.name);
            assert_eq!(h.len(), 1, "{}", curve.name);
            assert!(seed.is_empty() || seed.len() == 20, "{}", curve.name);
            let wide = if curve.name == "Ed448" { 57 } else { field };
            assert_eq!(curve.width(), wide, "{}", curve.name);
        }
    }

    fn explicit(curve: &Curve) -> ExplicitParameters<'static> {
        let Parameters { p, a, b, gx, gy, n, h, .. } = *curve.parameters;
        let gy = Ordinate::Value(gy);
        ExplicitParameters { form: curve.form, p, a, b, gx, gy, order: n, cofactor: Some(h) }
    }

    #[test]
    fn a_curve_is_recognised_by_its_numbers_however_they_are_written() {
        for curve in CURVES {
            let given = explicit(curve);
            assert_eq!(Curve::by_parameters(&given), Some(curve));
            assert_eq!(Curve::by_parameters(&ExplicitParameters { cofactor: None, ..given }), Some(curve));
            let odd = curve.parameters.gy.last().unwrap() & 1 == 1;
            assert_eq!(Curve::by_parameters(&ExplicitParameters { gy: Ordinate::Odd(odd), ..given }), Some(curve));
            assert_eq!(Curve::by_parameters(&ExplicitParameters { gy: Ordinate::Odd(!odd), ..given }), None);
            let padded = [&[0; 3], given.p].concat();
            assert_eq!(Curve::by_parameters(&ExplicitParameters { p: &padded, ..given }), Some(curve));
        }
    }

    #[test]
    fn a_curve_with_another_number_is_not_recognised() {
        for curve in CURVES {
            let given = explicit(curve);
            let y = curve.parameters.gy;
            for wrong in [
                ExplicitParameters { p: given.order, ..given },
                ExplicitParameters { a: y, ..given },
                ExplicitParameters { b: y, ..given },
                ExplicitParameters { gx: y, ..given },
                ExplicitParameters { gy: Ordinate::Value(given.gx), ..given },
                ExplicitParameters { gy: Ordinate::Value(&[]), ..given },
                ExplicitParameters { order: given.p, ..given },
                ExplicitParameters { cofactor: Some(&[2]), ..given },
                ExplicitParameters { cofactor: Some(&[]), ..given },
            ] {
                assert_eq!(Curve::by_parameters(&wrong), None, "{wrong:?}");
            }
        }
        let wrong = ExplicitParameters { form: Form::TwistedEdwards, ..explicit(Curve::nist(256).unwrap()) };
        assert_eq!(Curve::by_parameters(&wrong), None);
    }

    #[test]
    fn the_generators_of_rfc_7748_and_rfc_8032_are_read_in_their_encodings() {
        for name in ["curve25519", "X448", "Ed25519", "Ed448"] {
            let curve = Curve::by_name(name).unwrap();
            let Parameters { p, gx, gy, .. } = *curve.parameters;
            let mut string: Vec<u8> = if curve.form == Form::Edwards { gy } else { gx }.iter().rev().copied().collect();
            string.resize(curve.width(), 0);
            assert!(curve.has_encoded_point(&string), "{name}");
            // Not below p.
            let mut wide: Vec<u8> = p.iter().rev().copied().collect();
            wide.resize(curve.width(), 0);
            assert!(!curve.has_encoded_point(&wide), "{name}");
            assert!(!curve.has_encoded_point(&vec![0xFF; curve.width()]), "{name}");
            // The sign of x, and y = 1, whose x is zero and has none. X448 has no bit to spare.
            let mut signed = string.clone();
            *signed.last_mut().unwrap() |= 0x80;
            assert_eq!(curve.has_encoded_point(&signed), name != "curve25519", "{name}");
            let mut one = vec![0; curve.width()];
            one[0] = 1;
            assert!(curve.has_encoded_point(&one), "{name}");
            *one.last_mut().unwrap() |= 0x80;
            assert_eq!(curve.has_encoded_point(&one), name == "X448", "{name}");
        }
    }

    #[test]
    fn half_of_all_strings_are_points_of_an_edwards_curve() {
        // Counted by an independent program.
        for (name, count) in [("Ed25519", 57), ("Ed448", 53)] {
            let curve = Curve::by_name(name).unwrap();
            let points = (2..=101).filter(|low| {
                let mut string = vec![0; curve.width()];
                string[0] = *low;
                curve.has_encoded_point(&string)
            });
            assert_eq!(points.count(), count, "{name}");
        }
    }
}
