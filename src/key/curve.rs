//! The one curve table.
//!
//! Owns the names that CNG gives its curves ("CNG Named Elliptic Curves"), their OIDs, field sizes and which of them can
//! be computed with here. Several names stand for one OID: the first one listed is the one that is written, all are read.

use super::Error;

/// The shape of a curve, which decides how its keys are encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Montgomery form (RFC 7748): little-endian u-coordinate, no y.
    Montgomery,
    /// Short Weierstrass over a prime field: big-endian x and y.
    Weierstrass,
}

/// Which implementation computes on a curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arithmetic {
    BrainpoolP256r1,
    BrainpoolP384r1,
    P256,
    P384,
    P521,
    Secp256k1,
    X25519,
}

/// One curve.
#[derive(Debug)]
#[non_exhaustive]
pub struct Curve {
    /// CNG's name, spelled as CNG spells it.
    pub name: &'static str,
    /// Other names that are read: CNG's aliases, and what other tools say.
    pub aliases: &'static [&'static str],
    /// The OID in dotted form: ANSI X9.62 / SEC 2 / RFC 5639, and RFC 8410 for curve25519.
    pub oid: &'static str,
    /// Bits of the field.
    pub field_bits: u32,
    /// Bits of the order of the base point, which is what signatures are made of.
    pub order_bits: u32,
    /// The form.
    pub form: Form,
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
        CURVES.iter().find(|curve| curve.oid == oid).ok_or_else(|| Error::UnknownCurve { name: oid.to_owned() })
    }

    /// The NIST curve that CNG has an algorithm of its own for, by its size in bits.
    pub fn nist(bits: u32) -> Option<&'static Self> {
        CURVES.iter().take(3).find(|curve| curve.field_bits == bits)
    }

    /// The size that stands in CNG's specific algorithm names (`ECDSA_P256`), for the three curves that have one.
    pub fn nist_bits(&self) -> Option<u32> {
        Self::nist(self.field_bits).filter(|nist| nist.name == self.name).map(|nist| nist.field_bits)
    }

    /// Bytes of one coordinate, which is also the width of the private scalar in a CNG blob.
    pub fn width(&self) -> usize {
        self.field_bits.div_ceil(8) as usize
    }

    /// Bytes of a number below the order, which is the width of r and of s.
    pub fn order_width(&self) -> usize {
        self.order_bits.div_ceil(8) as usize
    }

    /// Whether keys of this curve can be checked and completed here.
    pub fn has_arithmetic(&self) -> bool {
        self.arithmetic.is_some()
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

impl Eq for Curve {}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn weierstrass(
    name: &'static str,
    aliases: &'static [&'static str],
    oid: &'static str,
    field_bits: u32,
    arithmetic: Option<Arithmetic>,
) -> Curve {
    Curve { name, aliases, oid, field_bits, order_bits: field_bits, form: Form::Weierstrass, arithmetic }
}

/// A curve whose order has one bit more than its field (SEC 2 §2.4, §2.6; WAP WTLS).
const fn with_longer_order(curve: Curve) -> Curve {
    Curve { order_bits: curve.field_bits + 1, ..curve }
}

/// Every named curve of CNG that has an OID, and curve25519. The three NIST curves with algorithms of their own come first.
pub static CURVES: &[Curve] = &[
    weierstrass(
        "nistP256",
        &["secP256r1", "x962P256v1", "P-256", "prime256v1"],
        "1.2.840.10045.3.1.7",
        256,
        Some(Arithmetic::P256),
    ),
    weierstrass("nistP384", &["secP384r1", "P-384"], "1.3.132.0.34", 384, Some(Arithmetic::P384)),
    weierstrass("nistP521", &["secP521r1", "P-521"], "1.3.132.0.35", 521, Some(Arithmetic::P521)),
    Curve {
        name: "curve25519",
        aliases: &["X25519"],
        oid: "1.3.101.110",
        field_bits: 255,
        order_bits: 253,
        form: Form::Montgomery,
        arithmetic: Some(Arithmetic::X25519),
    },
    weierstrass("secP256k1", &[], "1.3.132.0.10", 256, Some(Arithmetic::Secp256k1)),
    weierstrass("brainpoolP256r1", &[], "1.3.36.3.3.2.8.1.1.7", 256, Some(Arithmetic::BrainpoolP256r1)),
    weierstrass("brainpoolP384r1", &[], "1.3.36.3.3.2.8.1.1.11", 384, Some(Arithmetic::BrainpoolP384r1)),
    weierstrass("brainpoolP512r1", &[], "1.3.36.3.3.2.8.1.1.13", 512, None),
    weierstrass("brainpoolP160r1", &[], "1.3.36.3.3.2.8.1.1.1", 160, None),
    weierstrass("brainpoolP160t1", &[], "1.3.36.3.3.2.8.1.1.2", 160, None),
    weierstrass("brainpoolP192r1", &[], "1.3.36.3.3.2.8.1.1.3", 192, None),
    weierstrass("brainpoolP192t1", &[], "1.3.36.3.3.2.8.1.1.4", 192, None),
    weierstrass("brainpoolP224r1", &[], "1.3.36.3.3.2.8.1.1.5", 224, None),
    weierstrass("brainpoolP224t1", &[], "1.3.36.3.3.2.8.1.1.6", 224, None),
    weierstrass("brainpoolP256t1", &[], "1.3.36.3.3.2.8.1.1.8", 256, None),
    weierstrass("brainpoolP320r1", &[], "1.3.36.3.3.2.8.1.1.9", 320, None),
    weierstrass("brainpoolP320t1", &[], "1.3.36.3.3.2.8.1.1.10", 320, None),
    weierstrass("brainpoolP384t1", &[], "1.3.36.3.3.2.8.1.1.12", 384, None),
    weierstrass("brainpoolP512t1", &[], "1.3.36.3.3.2.8.1.1.14", 512, None),
    weierstrass("ec192wapi", &[], "1.2.156.11235.1.1.2.1", 192, None),
    weierstrass("nistP192", &["secP192r1", "x962P192v1", "prime192v1"], "1.2.840.10045.3.1.1", 192, None),
    weierstrass("nistP224", &["secP224r1", "wtls12"], "1.3.132.0.33", 224, None),
    with_longer_order(weierstrass("secP160k1", &[], "1.3.132.0.9", 160, None)),
    with_longer_order(weierstrass("secP160r1", &[], "1.3.132.0.8", 160, None)),
    with_longer_order(weierstrass("secP160r2", &["wtls7"], "1.3.132.0.30", 160, None)),
    weierstrass("secP192k1", &[], "1.3.132.0.31", 192, None),
    with_longer_order(weierstrass("secP224k1", &[], "1.3.132.0.32", 224, None)),
    with_longer_order(weierstrass("wtls9", &[], "2.23.43.1.4.9", 160, None)),
    weierstrass("x962P192v2", &[], "1.2.840.10045.3.1.2", 192, None),
    weierstrass("x962P192v3", &[], "1.2.840.10045.3.1.3", 192, None),
    weierstrass("x962P239v1", &[], "1.2.840.10045.3.1.4", 239, None),
    weierstrass("x962P239v2", &[], "1.2.840.10045.3.1.5", 239, None),
    weierstrass("x962P239v3", &[], "1.2.840.10045.3.1.6", 239, None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_oid_stands_for_one_curve() {
        for curve in CURVES {
            assert_eq!(Curve::by_oid(curve.oid).unwrap(), curve);
            for name in curve.names() {
                assert_eq!(Curve::by_name(name).unwrap(), curve);
                assert_eq!(Curve::by_name(&name.to_uppercase()).unwrap(), curve);
            }
        }
        let mut oids: Vec<_> = CURVES.iter().map(|curve| curve.oid).collect();
        oids.sort_unstable();
        oids.dedup();
        assert_eq!(oids.len(), CURVES.len());
    }

    #[test]
    fn only_the_three_nist_curves_have_algorithms_of_their_own() {
        let specific: Vec<_> = CURVES.iter().filter_map(Curve::nist_bits).collect();
        assert_eq!(specific, [256, 384, 521]);
        assert_eq!(Curve::by_name("brainpoolP256r1").unwrap().nist_bits(), None);
        assert_eq!(Curve::nist(521).unwrap().width(), 66);
    }
}
