//! `ECCPUBLICBLOB`, `ECCPRIVATEBLOB`: `BCRYPT_ECCKEY_BLOB`, 8 bytes, then big-endian coordinates of cbKey bytes each.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 LE | dwMagic |
//! | 4 | 4 LE | cbKey, bytes of one coordinate |
//! | 8 | cbKey | X |
//! | 8 + cbKey | cbKey | Y |
//! | 8 + 2·cbKey | cbKey | d (private blob only) |
//!
//! The specific magics (`ECK1` … `ECS6`) name curve and family, the generic ones (`ECKP`, `ECKV`, `ECDP`, `ECDV`) the family only: their
//! curve is given beside the blob; the twisted Edwards curves of CNG have x and y like the others. A private blob with X = Y = 0 asks for Q to be computed. curve25519 (generic ECDH magics): X is the
//! little-endian u-coordinate of RFC 7748, Y is zero, d the little-endian clamped scalar. A d that is not clamped is read as the scalar that it
//! is when clamped, which X must then belong to; whether Windows clamps it, refuses it or computes with it as it is, is unconfirmed.

use super::magic::{self, Elliptic};
use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader};
use crate::key::curve::Form;
use crate::key::ec::{PrivateKey, PublicKey};
use crate::key::{self, Algorithm, Curve, Family, KeyMaterial, Validation};
use crate::secret::SecretBytes;

/// Bytes before X.
const HEADER: usize = 8;

/// Whether this is the magic number of an ECC blob, and then whether of a private one.
pub fn is_private_magic(magic: u32) -> Option<bool> {
    Elliptic::by_magic(magic).map(|(_, private)| private)
}

/// A decoded ECC blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct EccBlob<'a> {
    magic: &'static Elliptic,
    /// X
    pub x: &'a [u8],
    /// Y
    pub y: &'a [u8],
    d: Option<&'a [u8]>,
}

impl<'a> EccBlob<'a> {
    /// Decodes a public or private blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), None)
    }

    pub(crate) fn read(reader: &mut Reader<'a>, private: Option<bool>) -> Result<Self, Error> {
        let found = reader.u32("dwMagic")?;
        let row = Elliptic::by_magic(found);
        let Some((magic, is_private)) = row.filter(|(_, is)| private.is_none_or(|wanted| wanted == *is)) else {
            let expected = match private {
                None => "an ECC blob",
                Some(false) => "ECCPUBLICBLOB",
                Some(true) => "ECCPRIVATEBLOB",
            };
            return Err(Error::Magic { field: "dwMagic", offset: 0, found, expected });
        };
        let len_at = reader.offset();
        let len = reader.u32("cbKey")?;
        if let Some(curve) = magic.nist_bits.and_then(Curve::nist)
            && len as usize != curve.width()
        {
            let expected = "it is not the byte length of the curve's field";
            return Err(Error::Value { field: "cbKey", offset: len_at, found: u64::from(len), expected });
        }
        reader.expect_rest("the payload", u64::from(len) * if is_private { 3 } else { 2 })?;
        let x = reader.public("X", len)?;
        let y = reader.public("Y", len)?;
        let d = if is_private { Some(reader.private("d", len)?) } else { None };
        reader.expect_end()?;
        Ok(Self { magic, x, y, d })
    }

    /// The family that the magic names.
    pub fn family(&self) -> Family {
        self.magic.family
    }

    fn letters(&self) -> &'static str {
        magic::letters(self.magic.magic(self.d.is_some()))
    }

    pub(crate) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let curve = self.curve(hints)?;
        let point = Point { x: self.x, y: self.y, y_at: HEADER + self.x.len(), d: self.d };
        point.to_decoded(Algorithm::elliptic(self.magic.family, curve), curve, hints.validation)
    }

    /// The curve: from the magic, else from beside the blob; what is given must agree with what is there.
    fn curve(&self, hints: &Hints<'_>) -> Result<&'static Curve, Error> {
        let named = self.magic.nist_bits.and_then(Curve::nist);
        let beside = hints.curve_beside();
        let contradiction = || Error::Algorithm {
            given: hints.describe(),
            found: match named {
                Some(curve) => format!("an {} key", Algorithm::elliptic(self.magic.family, curve).name()),
                None => format!("an {} key of {} bytes", self.magic.family.group(), self.x.len()),
            },
        };
        if hints.algorithm.is_some_and(|given| given.family != self.magic.family) {
            return Err(contradiction());
        }
        let curve = match (named, beside) {
            (Some(named), Some(beside)) if named != beside => return Err(contradiction()),
            (Some(curve), _) | (None, Some(curve)) => curve,
            (None, None) => return Err(Error::CurveMissing { magic: self.letters() }),
        };
        if !curve.is_cng() {
            return Err(contradiction()); // CNG has no blob of such a key
        }
        if Algorithm::elliptic(self.magic.family, curve).family != self.magic.family {
            return Err(contradiction()); // ECDSA on a curve that can only agree
        }
        if self.x.len() != curve.width() {
            let expected = "it is not the byte length of the curve's field";
            return Err(Error::Value { field: "cbKey", offset: 4, found: self.x.len() as u64, expected });
        }
        Ok(curve)
    }
}

impl std::fmt::Debug for EccBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EccBlob").field("magic", &self.letters()).field("cbKey", &self.x.len()).finish()
    }
}

/// The numbers of a key as the ECC blobs have them.
#[derive(Clone, Copy)]
pub(super) struct Point<'a> {
    pub(super) x: &'a [u8],
    pub(super) y: &'a [u8],
    /// Where y stands.
    pub(super) y_at: usize,
    pub(super) d: Option<&'a [u8]>,
}

impl Point<'_> {
    pub(super) fn to_decoded(
        self,
        algorithm: Algorithm,
        curve: &'static Curve,
        validation: Validation,
    ) -> Result<Decoded, Error> {
        let (x, y) = match curve.form {
            Form::TwistedEdwards | Form::Weierstrass => (self.x, self.y),
            // CNG carries no y for curve25519; what stands there must be nothing.
            Form::Edwards | Form::Montgomery => {
                if let Some((at, byte)) = self.y.iter().enumerate().find(|(_, byte)| **byte != 0) {
                    let expected = "every byte of Y must be zero in a curve25519 key";
                    let (offset, found) = (self.y_at + at, u64::from(*byte));
                    return Err(Error::Value { field: "Y", offset, found, expected });
                }
                (self.x, &[][..])
            }
        };
        let absent = self.x.iter().chain(self.y).all(|byte| *byte == 0);
        let key = match self.d {
            None => KeyMaterial::Public(key::PublicKey::Ec(PublicKey::new(curve, x, y, validation)?)),
            Some(d) => {
                let public = if absent { None } else { Some(PublicKey::new(curve, x, y, validation)?) };
                let private = PrivateKey::new(curve, d, public, validation)?;
                KeyMaterial::Private(key::PrivateKey::Ec(private))
            }
        };
        Ok(Decoded::new(algorithm, key))
    }
}

pub(super) fn write_public(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PublicKey,
    algorithm: Algorithm,
) -> Result<(), Error> {
    write(writer, key, None, algorithm)
}

pub(super) fn write_private(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PrivateKey,
    algorithm: Algorithm,
) -> Result<(), Error> {
    write(writer, public_half(key)?, Some(key.d()), algorithm)
}

/// The point of a private key, which a private blob has a place for.
pub(super) fn public_half(key: &PrivateKey) -> Result<&PublicKey, Error> {
    let missing = key::Error::Missing { field: "the public point", why: "the blob has a place for it" };
    Ok(key.public().ok_or(missing)?)
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    public: &PublicKey,
    d: Option<&SecretBytes>,
    algorithm: Algorithm,
) -> Result<(), Error> {
    let curve = public.curve();
    if !curve.is_cng() {
        let blob_type = if d.is_some() { BlobType::EccPrivate } else { BlobType::EccPublic };
        return Err(Error::NotRepresentable {
            blob_type: blob_type.name(),
            key: "a key on a curve that CNG does not have",
        });
    }
    let magic = row(algorithm, curve, curve.nist_bits())?;
    let width = curve.width();
    writer.magic(magic.magic(d.is_some()))?;
    writer.u32("cbKey", width)?;
    writer.bytes("X", public.x())?;
    writer.number("Y", public.y(), width)?;
    if let Some(d) = d {
        match curve.form {
            Form::Montgomery => writer.bytes("d", &clamped(d))?,
            Form::Edwards | Form::TwistedEdwards | Form::Weierstrass => writer.bytes("d", d)?,
        }
    }
    Ok(())
}

/// Whether a blob begins with one of the magics that name no curve.
#[cfg(feature = "token")]
pub(crate) fn is_generic(blob: &[u8]) -> bool {
    row_of(blob).is_some_and(|(row, _)| row.nist_bits.is_none())
}

/// Gives a blob on a NIST curve the magic that names no curve, as keys of the generic algorithms have it. Any other blob stays as it is.
#[cfg(feature = "token")]
pub(crate) fn make_generic(blob: &mut [u8]) {
    let Some((row, is_private)) = row_of(blob) else { return };
    let generic = magic::ELLIPTIC.iter().find(|other| other.family == row.family && other.nist_bits.is_none());
    if let (Some(generic), Some(start)) = (generic, blob.first_chunk_mut()) {
        *start = generic.magic(is_private).to_le_bytes();
    }
}

#[cfg(feature = "token")]
fn row_of(blob: &[u8]) -> Option<(&'static Elliptic, bool)> {
    Elliptic::by_magic(u32::from_le_bytes(*blob.first_chunk()?))
}

/// The magics of an algorithm on a curve: those of a NIST curve's own algorithm, or the generic ones.
pub(super) fn row(
    algorithm: Algorithm,
    curve: &'static Curve,
    nist_bits: Option<u32>,
) -> Result<&'static Elliptic, Error> {
    let family = Algorithm::elliptic(algorithm.family, curve).family;
    let wanted = |row: &&Elliptic| row.family == family && row.nist_bits == nist_bits;
    let contradiction = || Error::Algorithm { given: algorithm.name(), found: "an elliptic-curve key".to_owned() };
    magic::ELLIPTIC.iter().find(wanted).ok_or_else(contradiction)
}

/// The scalar with the bits that RFC 7748 §5 sets and clears: CNG uses it as it is and does not clamp.
pub(super) fn clamped(scalar: &SecretBytes) -> SecretBytes {
    let mut scalar = scalar.clone();
    if let Some(low) = scalar.as_mut_slice().first_mut() {
        *low &= 0xF8;
    }
    if let Some(high) = scalar.as_mut_slice().last_mut() {
        *high = (*high & 0x7F) | 0x40;
    }
    scalar
}
