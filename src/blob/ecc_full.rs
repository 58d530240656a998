//! `ECCFULLPUBLICBLOB`, `ECCFULLPRIVATEBLOB`: `BCRYPT_ECCFULLKEY_BLOB`, 32 bytes, which describes the curve instead of naming it, then
//! big-endian numbers.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 LE | dwMagic, one of the generic ones: `ECKP`, `ECKV`, `ECDP`, `ECDV` |
//! | 4 | 28 | dwVersion … cbSeed, as in [`ECCParameters`](super::ecc_parameters) |
//! | 32 | | p, a, b, Gx, Gy, n, h, S, as there |
//! | … | cbFieldLength | Qx |
//! | … | cbFieldLength | Qy |
//! | … | cbSubgroupOrder | d (private blob only) |
//!
//! The curve is recognised by its numbers; what [`ecc_parameters`] says of seeds holds here. A private blob with
//! Qx = Qy = 0 asks for Q to be computed. Unconfirmed: curve25519, whose key is taken to be as in [`ecc`], u and d little-endian
//! and Qy zero, under big-endian parameters.

use super::ecc_parameters::{self, Description};
use super::magic::{self, Elliptic};
use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader, ecc};
use crate::key::curve::Form;
use crate::key::ec::{PrivateKey, PublicKey};
use crate::key::{Algorithm, Curve, Family};
use crate::secret::SecretBytes;

/// A decoded full ECC blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct EccFullBlob<'a> {
    /// The family that the magic names.
    pub family: Family,
    /// The curve that the numbers describe.
    pub curve: &'static Curve,
    point: ecc::Point<'a>,
}

impl<'a> EccFullBlob<'a> {
    /// Decodes a public or private blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), None)
    }

    pub(super) fn read(reader: &mut Reader<'a>, private: Option<bool>) -> Result<Self, Error> {
        let (allowed, expected): (&[u32], _) = match private {
            None => (&[magic::ECDP, magic::ECDV, magic::ECKP, magic::ECKV], "a full ECC blob"),
            Some(false) => (&[magic::ECDP, magic::ECKP], BlobType::EccFullPublic.name()),
            Some(true) => (&[magic::ECDV, magic::ECKV], BlobType::EccFullPrivate.name()),
        };
        let found = reader.magic("dwMagic", allowed, expected)?;
        let row = Elliptic::by_magic(found).ok_or(Error::Magic { field: "dwMagic", offset: 0, found, expected })?;
        let (Elliptic { family, .. }, is_private) = row;
        let Description { curve, field_len, order_len } = Description::read(reader, |field, order| {
            2 * u64::from(field) + if is_private { u64::from(order) } else { 0 }
        })?;
        let x = reader.public("Qx", field_len)?;
        let y_at = reader.offset();
        let y = reader.public("Qy", field_len)?;
        let d = if is_private { Some(reader.private("d", order_len)?) } else { None };
        reader.expect_end()?;
        Ok(Self { family: *family, curve, point: ecc::Point { x, y, y_at, d } })
    }

    pub(super) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let algorithm = Algorithm::elliptic(self.family, self.curve);
        let fits = hints.curve_beside().is_none_or(|beside| beside == self.curve)
            && hints.algorithm.is_none_or(|given| given.family == self.family)
            && algorithm.family == self.family;
        if !fits {
            let found = format!("an {} key on {}", self.family.identifier(), self.curve.name);
            return Err(Error::Algorithm { given: hints.describe(), found });
        }
        self.point.to_decoded(algorithm, self.curve, hints.validation)
    }
}

impl std::fmt::Debug for EccFullBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let private = self.point.d.is_some();
        f.debug_struct("EccFullBlob").field("curve", &self.curve.name).field("private", &private).finish()
    }
}

pub(super) fn write_public(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PublicKey,
    algorithm: Algorithm,
) -> Result<(), Error> {
    write(writer, key, None, algorithm, BlobType::EccFullPublic)
}

pub(super) fn write_private(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PrivateKey,
    algorithm: Algorithm,
) -> Result<(), Error> {
    write(writer, ecc::public_half(key)?, Some(key.d()), algorithm, BlobType::EccFullPrivate)
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    public: &PublicKey,
    d: Option<&SecretBytes>,
    algorithm: Algorithm,
    blob_type: BlobType,
) -> Result<(), Error> {
    let curve = public.curve();
    writer.magic(ecc::row(algorithm, curve, None)?.magic(d.is_some()))?;
    ecc_parameters::write(writer, curve, blob_type)?;
    writer.bytes("Qx", public.x())?;
    writer.number("Qy", public.y(), curve.width())?;
    match d {
        None => Ok(()),
        Some(d) if curve.form == Form::Montgomery => writer.bytes("d", &ecc::clamped(d)),
        Some(d) => writer.number("d", d, curve.order_width()),
    }
}
