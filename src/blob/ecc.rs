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
//! little-endian u-coordinate of RFC 7748, Y is zero, d the little-endian clamped scalar.

use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader};
use crate::key::curve::Form;
use crate::key::ec::{PrivateKey, PublicKey};
use crate::key::{self, Algorithm, Curve, Family, KeyMaterial};
use crate::secret::SecretBytes;

/// One row of the magic table.
struct Magic {
    public: u32,
    private: u32,
    family: Family,
    /// Size of the NIST curve; `None` for the generic magics.
    nist_bits: Option<u32>,
    /// ASCII of the two, for messages.
    ascii: &'static str,
}

const fn row(public: u32, private: u32, family: Family, nist_bits: Option<u32>, ascii: &'static str) -> Magic {
    Magic { public, private, family, nist_bits, ascii }
}

const MAGICS: &[Magic] = &[
    row(0x314B_4345, 0x324B_4345, Family::Ecdh, Some(256), "ECK1/ECK2"),
    row(0x334B_4345, 0x344B_4345, Family::Ecdh, Some(384), "ECK3/ECK4"),
    row(0x354B_4345, 0x364B_4345, Family::Ecdh, Some(521), "ECK5/ECK6"),
    row(0x504B_4345, 0x564B_4345, Family::Ecdh, None, "ECKP/ECKV"),
    row(0x3153_4345, 0x3253_4345, Family::Ecdsa, Some(256), "ECS1/ECS2"),
    row(0x3353_4345, 0x3453_4345, Family::Ecdsa, Some(384), "ECS3/ECS4"),
    row(0x3553_4345, 0x3653_4345, Family::Ecdsa, Some(521), "ECS5/ECS6"),
    row(0x5044_4345, 0x5644_4345, Family::Ecdsa, None, "ECDP/ECDV"),
];

/// Whether this is the magic number of an ECC blob, and then whether of a private one.
pub fn is_private_magic(magic: u32) -> Option<bool> {
    MAGICS.iter().find(|row| row.public == magic || row.private == magic).map(|row| row.private == magic)
}

pub(super) fn is_magic(magic: u32) -> bool {
    is_private_magic(magic).is_some()
}

/// A decoded ECC blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct EccBlob<'a> {
    magic: &'static Magic,
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
        let row = MAGICS.iter().find(|row| row.public == found || row.private == found);
        let row = row.map(|row| (row, row.private == found));
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

    pub(crate) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let curve = self.curve(hints)?;
        let (x, y) = match curve.form {
            Form::TwistedEdwards | Form::Weierstrass => (self.x, self.y),
            // CNG carries no y for curve25519; what stands there must be nothing.
            Form::Edwards | Form::Montgomery if self.y.iter().any(|byte| *byte != 0) => {
                let expected = "Y of a curve25519 key must be zero";
                return Err(Error::Value { field: "Y", offset: 8 + self.x.len(), found: 1, expected });
            }
            Form::Edwards | Form::Montgomery => (self.x, &[][..]),
        };
        let absent = self.x.iter().chain(self.y).all(|byte| *byte == 0);
        let algorithm = Algorithm::elliptic(self.magic.family, curve);
        let key = match self.d {
            None => KeyMaterial::Public(key::PublicKey::Ec(PublicKey::new(curve, x, y, hints.validation)?)),
            Some(d) => {
                let public = if absent { None } else { Some(PublicKey::new(curve, x, y, hints.validation)?) };
                let private = PrivateKey::new(curve, d, public, hints.validation)?;
                KeyMaterial::Private(key::PrivateKey::Ec(private))
            }
        };
        Ok(Decoded::new(algorithm, key))
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
            (None, None) => return Err(Error::CurveMissing { magic: self.magic.ascii }),
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
        f.debug_struct("EccBlob").field("magic", &self.magic.ascii).field("cbKey", &self.x.len()).finish()
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
    let public =
        key.public().ok_or(key::Error::Missing { field: "the public point", why: "the blob has a place for it" })?;
    write(writer, public, Some(key.d()), algorithm)
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
    let family = Algorithm::elliptic(algorithm.family, curve).family;
    let wanted = |row: &&Magic| row.family == family && row.nist_bits == curve.nist_bits();
    let magic = MAGICS
        .iter()
        .find(wanted)
        .ok_or_else(|| Error::Algorithm { given: algorithm.name(), found: "an elliptic-curve key".to_owned() })?;
    let width = curve.width();
    writer.magic(if d.is_some() { magic.private } else { magic.public })?;
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

/// The scalar with the bits that RFC 7748 §5 sets and clears: CNG uses it as it is and does not clamp.
fn clamped(scalar: &SecretBytes) -> SecretBytes {
    let mut scalar = scalar.clone();
    if let Some(low) = scalar.as_mut_slice().first_mut() {
        *low &= 0xF8;
    }
    if let Some(high) = scalar.as_mut_slice().last_mut() {
        *high = (*high & 0x7F) | 0x40;
    }
    scalar
}
