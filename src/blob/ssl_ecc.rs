//! `SSLECCPUBLICBLOB`: `SSL_ECCKEY_BLOB`, 8 bytes, then the coordinates of a public key, as the TLS provider of Windows passes them.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | dwCurveType | the curve by its number in TLS (IANA "TLS Supported Groups") |
//! | 4 | 4 LE | cbKey | bytes of one coordinate |
//! | 8 | cbKey | X | big-endian |
//! | 8 + cbKey | cbKey | Y | big-endian |
//!
//! `sslprovider.h` says of the field dwCurveType of its list of curves that it is IANA's number. Unconfirmed: that it is the same here, and
//! that the rest is as in [`ecc`], curve25519 included. There is no magic, and no private form. Such keys are for agreement,
//! so that is what they are taken for unless an algorithm beside the blob says ECDSA.

use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader, ecc};
use crate::key::ec::PublicKey;
use crate::key::{Algorithm, Curve, Family};

/// Numbers of RFC 8422 §5.1.1 (and of RFC 4492 §5.1.1, which it replaces) and RFC 7027 §2, with CNG's names of the curves.
pub(super) static GROUPS: &[(u32, &str)] = &[
    (15, "secP160k1"),
    (16, "secP160r1"),
    (17, "secP160r2"),
    (18, "secP192k1"),
    (19, "nistP192"),
    (20, "secP224k1"),
    (21, "nistP224"),
    (22, "secP256k1"),
    (23, "nistP256"),
    (24, "nistP384"),
    (25, "nistP521"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (29, "curve25519"),
];

/// The curve with a number.
pub(super) fn by_group(group: u32) -> Option<&'static Curve> {
    let (_, name) = GROUPS.iter().find(|(number, _)| *number == group)?;
    Curve::by_name(name).ok()
}

/// A decoded blob, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct SslEccBlob<'a> {
    /// The curve.
    pub curve: &'static Curve,
    /// X
    pub x: &'a [u8],
    /// Y
    pub y: &'a [u8],
}

impl<'a> SslEccBlob<'a> {
    /// Decodes a blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes))
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let expected = BlobType::SslEccPublic.name();
        let foreign = |field, offset| Err(Error::Foreign { field, offset, expected });
        let group_at = reader.offset();
        let group = reader.u32("dwCurveType")?;
        let Some(curve) = by_group(group) else {
            return foreign("dwCurveType", group_at);
        };
        let len_at = reader.offset();
        let len = reader.u32("cbKey")?;
        if len as usize != curve.width() {
            return foreign("cbKey", len_at);
        }
        reader.expect_rest("the payload", 2 * u64::from(len))?;
        let (x, y) = (reader.public("X", len)?, reader.public("Y", len)?);
        reader.expect_end()?;
        Ok(Self { curve, x, y })
    }

    pub(super) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        let family = hints.algorithm.map_or(Family::Ecdh, |given| given.family);
        let algorithm = Algorithm::elliptic(family, self.curve);
        let fits = hints.curve_beside().is_none_or(|beside| beside == self.curve);
        if !fits || !family.is_elliptic() || algorithm.family != family {
            let found = format!("an elliptic-curve key on {}", self.curve.name);
            return Err(Error::Algorithm { given: hints.describe(), found });
        }
        let y_at = 8 + self.x.len();
        let point = ecc::Point { x: self.x, y: self.y, y_at, d: None };
        point.to_decoded(algorithm, self.curve, hints.validation)
    }
}

pub(super) fn write(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    let curve = key.curve();
    let group = GROUPS.iter().find(|(_, name)| *name == curve.name).map(|(group, _)| *group);
    let why = "TLS has no number for its curve that CNG knows";
    let group = group.ok_or_else(|| Error::Limit { blob_type: BlobType::SslEccPublic.name(), why })?;
    writer.u32("dwCurveType", group as usize)?;
    writer.u32("cbKey", curve.width())?;
    writer.bytes("X", key.x())?;
    writer.number("Y", key.y(), curve.width())
}
