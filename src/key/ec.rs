//! Elliptic-curve keys: points, scalars, and the few computations an import needs.
//!
//! Owns the checks of SEC 1 §3.2 (scalar in range, point on the curve, Q = d·G) and what proves a key on a token:
//! ECDSA verification, recovery of Q from a signature (SEC 1 §4.1.6) and the ECDH shared x-coordinate. A point is checked
//! on every curve; Q = d·G and all that follows only where [`Curve::has_arithmetic`] holds. Elsewhere a private key goes
//! through unchecked, and says so.

use elliptic_curve::bigint::{BitOps, Encoding};
use elliptic_curve::group::{Curve as _, Group};
use elliptic_curve::ops::{Invert, MulByGeneratorVartime, Reduce};
use elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, NonZeroScalar, ProjectivePoint, Scalar};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::curve::{Arithmetic, Form};
use super::{Consistency, Curve, Error, Validation};
use crate::secret::SecretBytes;

/// A public point: big-endian coordinates of the width of the field, or on a curve of RFC 7748 or RFC 8032 the one string that the RFC
/// encodes it as, which then stands in x.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    curve: &'static Curve,
    x: Vec<u8>,
    y: Vec<u8>,
}

impl PublicKey {
    /// A point from its coordinates, each as wide as the field; `y` is not looked at where a point is one string.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when the widths are wrong or, under [`Validation::Full`], the point is not on the curve or of small order.
    pub fn new(curve: &'static Curve, x: &[u8], y: &[u8], validation: Validation) -> Result<Self, Error> {
        let affine = curve.form.is_affine();
        if x.len() != curve.width() || (affine && y.len() != curve.width()) {
            return Err(Error::Inconsistent { what: "a coordinate does not have the width of the curve's field" });
        }
        let y = if affine { y.to_vec() } else { Vec::new() };
        let point = Self { curve, x: x.to_vec(), y };
        if validation == Validation::Full && !point.is_on_curve() {
            return Err(Error::Inconsistent { what: "the public point is not on the curve" });
        }
        if validation == Validation::Full && point.has_small_order() {
            return Err(Error::Inconsistent { what: "the public point is one of those of small order" });
        }
        Ok(point)
    }

    /// A point from its uncompressed SEC 1 encoding `04 ‖ X ‖ Y`, or from the string of RFC 7748 or RFC 8032.
    ///
    /// # Errors
    /// As [`PublicKey::new`]; compressed and infinite points are refused.
    pub fn from_point(curve: &'static Curve, point: &[u8], validation: Validation) -> Result<Self, Error> {
        if !curve.form.is_affine() {
            return Self::new(curve, point, &[], validation);
        }
        match point.split_first() {
            Some((4, coordinates)) if coordinates.len() == 2 * curve.width() => {
                let (x, y) = coordinates.split_at(curve.width());
                Self::new(curve, x, y, validation)
            }
            _ => Err(Error::Inconsistent { what: "the public point is not an uncompressed point of this curve" }),
        }
    }

    /// As [`PublicKey::from_point`], with compressed points (`02` or `03 ‖ X`) computed to whole ones on Weierstrass curves.
    ///
    /// # Errors
    /// As [`PublicKey::new`]; hybrid and infinite points are refused.
    pub fn from_any_point(curve: &'static Curve, point: &[u8], validation: Validation) -> Result<Self, Error> {
        match point {
            [form @ (0x02 | 0x03), x @ ..] if curve.form == Form::Weierstrass && x.len() == curve.width() => {
                let y = curve.ordinate(x, *form == 0x03);
                let y = y.ok_or(Error::Inconsistent { what: "there is no point with this x on the curve" })?;
                Self::new(curve, x, &y, validation)
            }
            _ => Self::from_point(curve, point, validation),
        }
    }

    /// The curve.
    pub fn curve(&self) -> &'static Curve {
        self.curve
    }

    /// The x-coordinate, or the string of RFC 7748 or RFC 8032.
    pub fn x(&self) -> &[u8] {
        &self.x
    }

    /// The y-coordinate; empty where a point is one string.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// `04 ‖ X ‖ Y`, or the string of RFC 7748 or RFC 8032.
    pub fn to_point(&self) -> Vec<u8> {
        if self.curve.form.is_affine() { [&[4][..], &self.x, &self.y].concat() } else { self.x.clone() }
    }

    /// Whether the point is known to be a key on its curve; one that was taken without validation may not be.
    pub fn consistency(&self) -> Consistency {
        if self.is_on_curve() && !self.has_small_order() { Consistency::Checked } else { Consistency::Unchecked }
    }

    /// Whether agreement with the point would give the same secret to everybody.
    fn has_small_order(&self) -> bool {
        self.curve.has_small_order(&self.x, &self.y)
    }

    /// Whether the point is on its curve. A string of RFC 7748 must be reduced: CNG takes no other.
    pub fn is_on_curve(&self) -> bool {
        match self.curve.arithmetic {
            _ if !self.curve.form.is_affine() => self.curve.has_encoded_point(&self.x),
            None => self.curve.has_affine_point(&self.x, &self.y),
            Some(arithmetic) => {
                let point = self.to_point();
                with_curve!(arithmetic, C => elliptic_curve::PublicKey::<C>::from_sec1_bytes(&point).is_ok())
            }
        }
    }

    /// Verifies an ECDSA signature `r ‖ s` over `digest` (SEC 1 §4.1.4); `None` where the curve has no ECDSA here.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Option<bool> {
        let digest = widened(digest, self.curve.width());
        match self.curve.arithmetic? {
            Arithmetic::Ed25519 | Arithmetic::X25519 => None,
            arithmetic => Some(with_curve!(arithmetic, C => {
                verify::<C>(&self.to_point(), &digest, signature).is_some()
            })),
        }
    }

    /// The points whose signature over `digest` this could be (SEC 1 §4.1.6): at most four, one of them the signer's.
    pub fn recover(curve: &'static Curve, digest: &[u8], signature: &[u8]) -> Vec<Self> {
        let digest = widened(digest, curve.width());
        let points = match curve.arithmetic {
            None | Some(Arithmetic::Ed25519 | Arithmetic::X25519) => Vec::new(),
            Some(arithmetic) => with_curve!(arithmetic, C => recover::<C>(&digest, signature)),
        };
        points.iter().filter_map(|point| Self::from_point(curve, point, Validation::Full).ok()).collect()
    }
}

const TOO_LARGE: Error = Error::OutOfRange { field: "d", what: "it must be in 1 … n−1, n the order of the curve" };

/// A private scalar, or the seed of RFC 8032, with its public point.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    curve: &'static Curve,
    d: SecretBytes,
    public: Option<PublicKey>,
    consistency: Consistency,
}

impl PrivateKey {
    /// A key from its scalar (the width of the field; the string of RFC 7748 or RFC 8032 as it is) and, if known, its point.
    ///
    /// Without a point, or under [`Validation::Full`], Q = d·G is computed where the curve has arithmetic here.
    ///
    /// # Errors
    /// [`Error`] when d is not in 1 … n−1, when the point is not d·G, or when it is missing and cannot be computed.
    pub fn new(
        curve: &'static Curve,
        d: &[u8],
        public: Option<PublicKey>,
        validation: Validation,
    ) -> Result<Self, Error> {
        let d = Self::scalar(curve, d)?;
        if let (Validation::Skip, Some(public)) = (validation, &public) {
            return Ok(Self { curve, d, public: Some(public.clone()), consistency: Consistency::Unchecked });
        }
        let Some(arithmetic) = curve.arithmetic else {
            Self::check_range(curve, &d)?;
            let public = public.ok_or(Error::Missing {
                field: "the public point",
                why: "there is no arithmetic for this curve here",
            })?;
            return Ok(Self { curve, d, public: Some(public), consistency: Consistency::Unchecked });
        };
        let computed = public_point(arithmetic, &d).ok_or(TOO_LARGE)?;
        let computed = PublicKey::from_point(curve, &computed, Validation::Skip)?;
        if public.is_some_and(|given| given != computed) {
            return Err(Error::Inconsistent { what: "the public point is not d·G" });
        }
        Ok(Self { curve, d, public: Some(computed), consistency: Consistency::Checked })
    }

    /// A key from its scalar alone. Its point is computed where the curve has arithmetic here; elsewhere it stays unknown, and whoever needs it
    /// is told so.
    ///
    /// # Errors
    /// As [`PrivateKey::new`], but for the missing point.
    pub fn from_scalar(curve: &'static Curve, d: &[u8], validation: Validation) -> Result<Self, Error> {
        if curve.arithmetic.is_some() {
            return Self::new(curve, d, None, validation);
        }
        let d = Self::scalar(curve, d)?;
        Self::check_range(curve, &d)?;
        Ok(Self { curve, d, public: None, consistency: Consistency::Unchecked })
    }

    /// The scalar as wide as the field.
    fn scalar(curve: &Curve, d: &[u8]) -> Result<SecretBytes, Error> {
        let d = if curve.form.is_affine() {
            SecretBytes::left_padded(d, curve.width())
        } else {
            (d.len() == curve.width()).then(|| SecretBytes::from(d))
        }
        .ok_or(Error::OutOfRange { field: "d", what: "it does not have the width of the curve's field" })?;
        // A seed is hashed: none of them is special.
        if curve.form != Form::Edwards && bool::from(d.ct_eq(&SecretBytes::zeroed(d.len()))) {
            return Err(Error::OutOfRange { field: "d", what: "it is zero" });
        }
        Ok(d)
    }

    fn check_range(curve: &Curve, d: &[u8]) -> Result<(), Error> {
        if curve.form.is_affine() && !is_below(d, curve.parameters.n) {
            return Err(TOO_LARGE);
        }
        Ok(())
    }

    /// The curve.
    pub fn curve(&self) -> &'static Curve {
        self.curve
    }

    /// The scalar or seed, [`Curve::width`] bytes.
    pub fn d(&self) -> &SecretBytes {
        &self.d
    }

    /// The public point.
    pub fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// Whether d and Q were found to belong together.
    pub fn consistency(&self) -> Consistency {
        self.consistency
    }

    /// What [`PublicKey::verify`] says of the same signature, at a third of the cost or less: u1·G + u2·Q is (u1 + u2·d)·G, with no multiplication of a point that has no table.
    ///
    /// `None` also where d and Q were not found to belong together.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Option<bool> {
        if self.consistency != Consistency::Checked {
            return None;
        }
        let digest = widened(digest, self.curve.width());
        match self.curve.arithmetic? {
            Arithmetic::Ed25519 | Arithmetic::X25519 => None,
            arithmetic => Some(with_curve!(arithmetic, C => verify_own::<C>(&self.d, &digest, signature).is_some())),
        }
    }

    /// A fresh key, for proofs that need a counterpart.
    ///
    /// `None` where the curve has no arithmetic here.
    pub fn generate(curve: &'static Curve) -> Option<Self> {
        curve.arithmetic?;
        // A scalar of field width is out of range with a probability of at most one half on the curves at hand (P-521
        // needs its top bits masked); a hundred tries cannot all fail unless the random source is broken.
        for _ in 0..100 {
            let mut d = SecretBytes::zeroed(curve.width());
            getrandom::fill(d.as_mut_slice()).ok()?;
            if let (Some(top), Some(spare @ 1..)) = (d.as_mut_slice().first_mut(), spare_bits(curve)) {
                *top &= 0xFF >> spare;
            }
            if let Ok(key) = Self::new(curve, &d, None, Validation::Full) {
                return Some(key);
            }
        }
        None
    }

    /// The x-coordinate of d·Q′ (SEC 1 §3.3.1), or the X25519 shared secret; `None` without arithmetic or across curves.
    pub fn agree(&self, peer: &PublicKey) -> Option<SecretBytes> {
        if peer.curve != self.curve {
            return None;
        }
        match self.curve.arithmetic? {
            Arithmetic::Ed25519 => None,
            Arithmetic::X25519 => {
                let secret = x25519_dalek::StaticSecret::from(<[u8; 32]>::try_from(&*self.d).ok()?);
                let peer = x25519_dalek::PublicKey::from(<[u8; 32]>::try_from(peer.x.as_slice()).ok()?);
                Some(SecretBytes::from(secret.diffie_hellman(&peer).as_bytes().as_slice()))
            }
            arithmetic => with_curve!(arithmetic, C => agree::<C>(&self.d, &peer.to_point())),
        }
    }
}

/// The bits at the top of a big-endian scalar that are above the field.
fn spare_bits(curve: &Curve) -> Option<u32> {
    u32::try_from(curve.width()).ok().filter(|_| curve.form.is_affine()).map(|width| width * 8 - curve.field_bits)
}

/// Whether a secret number is below a public one, both big-endian; in constant time.
fn is_below(secret: &[u8], limit: &[u8]) -> bool {
    let low_first = |number| <[u8]>::iter(number).rev().chain(std::iter::repeat(&0));
    let digits = low_first(secret).zip(low_first(limit)).take(secret.len().max(limit.len()));
    digits.fold(0, |borrow, (a, b)| u16::from(*a).wrapping_sub(u16::from(*b)).wrapping_sub(borrow) >> 15) == 1
}

/// Runs `$body` with `$C` standing for the curve's type.
macro_rules! with_curve {
    ($arithmetic:expr, $C:ident => $body:expr) => {
        match $arithmetic {
            Arithmetic::BrainpoolP256r1 => {
                type $C = bp256::BrainpoolP256r1;
                $body
            }
            Arithmetic::BrainpoolP384r1 => {
                type $C = bp384::BrainpoolP384r1;
                $body
            }
            Arithmetic::P256 => {
                type $C = p256::NistP256;
                $body
            }
            Arithmetic::P384 => {
                type $C = p384::NistP384;
                $body
            }
            Arithmetic::P521 => {
                type $C = p521::NistP521;
                $body
            }
            // Ed25519 and X25519 have no SEC 1 points; every caller has dealt with them.
            Arithmetic::Secp256k1 | Arithmetic::Ed25519 | Arithmetic::X25519 => {
                type $C = k256::Secp256k1;
                $body
            }
        }
    };
}
use with_curve;

fn public_point(arithmetic: Arithmetic, d: &[u8]) -> Option<Vec<u8>> {
    match arithmetic {
        Arithmetic::Ed25519 => {
            let seed = Zeroizing::new(<[u8; 32]>::try_from(d).ok()?);
            Some(ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes().to_vec())
        }
        Arithmetic::X25519 => {
            let secret = x25519_dalek::StaticSecret::from(<[u8; 32]>::try_from(d).ok()?);
            Some(x25519_dalek::PublicKey::from(&secret).as_bytes().to_vec())
        }
        arithmetic => with_curve!(arithmetic, C => {
            let secret = elliptic_curve::SecretKey::<C>::from_slice(d).ok()?;
            Some(secret.public_key().to_sec1_point(false).as_bytes().to_vec())
        }),
    }
}

fn verify<C>(point: &[u8], digest: &[u8], signature: &[u8]) -> Option<()>
where
    C: CurveArithmetic + ecdsa::EcdsaCurve,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    use ecdsa::signature::hazmat::PrehashVerifier;

    let key = ecdsa::VerifyingKey::<C>::from_sec1_bytes(point).ok()?;
    // Some curves' verifiers insist on a low s; tokens do not, and both are signatures (SEC 1 §4.1.4).
    let signature = ecdsa::Signature::<C>::from_slice(signature).ok()?.normalize_s();
    key.verify_prehash(digest, &signature).ok()
}

/// u1 + u2·d is the number that the signer drew, and tells d to whoever knows it: secret, and not worked with in variable time. The rest is in the signature.
fn verify_own<C>(d: &[u8], digest: &[u8], signature: &[u8]) -> Option<()>
where
    C: CurveArithmetic + ecdsa::EcdsaCurve,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let secret = elliptic_curve::SecretKey::<C>::from_slice(d).ok()?;
    let (r, s) = ecdsa::Signature::<C>::from_slice(signature).ok()?.split_scalars();
    let d = Zeroizing::new(secret.to_nonzero_scalar());
    // r is no secret, so that the product is one as d is.
    let product = Zeroizing::new(*r * **d);
    let sum = Zeroizing::new(scalar_of::<C>(digest) + *product);
    let drawn = Zeroizing::new(*sum * *s.invert_vartime());
    let point = ProjectivePoint::<C>::mul_by_generator(&drawn).to_affine();
    (scalar_of::<C>(&point.x()) == *r).then_some(())
}

/// A digest or a coordinate as a number modulo n, as `ecdsa` has it: of what is longer than n, the bytes on the left (SEC 1 §4.1.4 has bits, which is the same for every digest there is).
fn scalar_of<C: CurveArithmetic>(bytes: &[u8]) -> Scalar<C> {
    let order_bits = C::ORDER.bits();
    let width = order_bits.div_ceil(8) as usize;
    let bytes = bytes.get(..width).unwrap_or(bytes);
    Scalar::<C>::reduce(&C::Uint::from_be_slice_truncated(bytes, order_bits))
}

fn recover<C>(digest: &[u8], signature: &[u8]) -> Vec<Vec<u8>>
where
    C: CurveArithmetic + ecdsa::EcdsaCurve,
    AffinePoint<C>: DecompressPoint<C> + FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
    ProjectivePoint<C>: MulByGeneratorVartime,
{
    let Ok(signature) = ecdsa::Signature::<C>::from_slice(signature) else {
        return Vec::new();
    };
    (0..=ecdsa::RecoveryId::MAX)
        .filter_map(ecdsa::RecoveryId::from_byte)
        .filter_map(|id| ecdsa::VerifyingKey::<C>::recover_from_prehash(digest, &signature, id).ok())
        .map(|key| key.to_sec1_point(false).as_bytes().to_vec())
        .collect()
}

fn agree<C>(d: &[u8], peer: &[u8]) -> Option<SecretBytes>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let d: NonZeroScalar<C> = elliptic_curve::SecretKey::<C>::from_slice(d).ok()?.to_nonzero_scalar();
    let peer = elliptic_curve::PublicKey::<C>::from_sec1_bytes(peer).ok()?;
    let shared = (peer.to_projective() * *d).to_affine();
    Some(SecretBytes::from(AffineCoordinates::x(&shared).as_slice()))
}

/// A digest shorter than the field, left-padded to its width: the same integer (SEC 1 §4.1.3), which the verifiers demand.
fn widened(digest: &[u8], width: usize) -> Vec<u8> {
    let pad = width.saturating_sub(digest.len());
    [vec![0; pad].as_slice(), digest].concat()
}

#[cfg(test)]
mod tests;
