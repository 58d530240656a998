//! `ECCParameters`: the domain parameters of a curve without a key, `BCRYPT_ECC_PARAMETER_HEADER`, 28 bytes, then big-endian numbers.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | dwVersion | 1 |
//! | 4 | 4 LE | dwCurveType | 1 prime short Weierstrass, 2 prime twisted Edwards, 3 prime Montgomery |
//! | 8 | 4 LE | dwCurveGenerationAlgId | 0, or with a seed the `ALG_ID` of its hash |
//! | 12 | 4 LE | cbFieldLength | bytes of p |
//! | 16 | 4 LE | cbSubgroupOrder | bytes of n |
//! | 20 | 4 LE | cbCofactor | bytes of h |
//! | 24 | 4 LE | cbSeed | bytes of S |
//! | 28 | cbFieldLength | p, prime | |
//! | … | cbFieldLength | a | |
//! | … | cbFieldLength | b | |
//! | … | cbFieldLength | Gx | |
//! | … | cbFieldLength | Gy | |
//! | … | cbSubgroupOrder | n, order | |
//! | … | cbCofactor | h, cofactor | |
//! | … | cbSeed | S, seed | |
//!
//! There is no magic: the `ECCP` that the headers define stands in no documented layout. A curve that is not in the curve table is refused,
//! for nothing could be done with it. A seed is read, and must be the one that the table has for the curve; none is written, so that a curve
//! has one encoding, and nothing is lost, since the curve has its seed. Unconfirmed: for twisted Edwards and Montgomery curves that a and b are
//! the a and d, the A and B of their equations; among them that B of curve25519 is 1, so that 0 is read as well.

use super::writer::Writer;
use super::{BlobType, Error, Reader, build};
use crate::key::Curve;
use crate::key::curve::{ExplicitParameters, Form, Ordinate};
use crate::secret::SecretBytes;

/// `BCRYPT_ECC_FULLKEY_BLOB_V1`
const VERSION: u32 = 1;
/// `CALG_SHA1`: the hash of every seed of the standards that the curve table follows.
const CALG_SHA1: u32 = 0x8004;

/// `dwCurveType`
const TYPES: &[(u32, Form)] = &[(1, Form::Weierstrass), (2, Form::TwistedEdwards), (3, Form::Montgomery)];

/// The fields from dwVersion to the seed, recognised.
pub(super) struct Description {
    pub(super) curve: &'static Curve,
    pub(super) field_len: u32,
    pub(super) order_len: u32,
}

impl Description {
    /// Reads a description. `rest` is the length of what follows it, from those of a field element and of the order.
    pub(super) fn read(reader: &mut Reader<'_>, rest: impl FnOnce(u32, u32) -> u64) -> Result<Self, Error> {
        let start = reader.offset();
        let value = |field, at: usize, found, expected| {
            Err(Error::Value { field, offset: start + at, found: u64::from(found), expected })
        };
        // Behind a magic number these are the blob's; in front of everything they may be a bare key's.
        let first = |field, at: usize, found, expected| match start {
            0 => Err(Error::Foreign { field, offset: at, expected: BlobType::EccParameters.name() }),
            _ => value(field, at, found, expected),
        };
        let version = reader.u32("dwVersion")?;
        if version != VERSION {
            return first("dwVersion", 0, version, "only version 1 exists");
        }
        let kind = reader.u32("dwCurveType")?;
        let Some((_, form)) = TYPES.iter().find(|(number, _)| *number == kind) else {
            return first("dwCurveType", 4, kind, "1 is Weierstrass, 2 twisted Edwards, 3 Montgomery");
        };
        let hash = reader.u32("dwCurveGenerationAlgId")?;
        let field_len = reader.u32("cbFieldLength")?;
        let order_len = reader.u32("cbSubgroupOrder")?;
        let cofactor_len = reader.u32("cbCofactor")?;
        let seed_len = reader.u32("cbSeed")?;
        if hash != 0 && (hash != CALG_SHA1 || seed_len == 0) {
            return value("dwCurveGenerationAlgId", 8, hash, "it is 0, or 0x8004 (SHA-1) with a seed");
        }
        let numbers = 5 * u64::from(field_len) + [order_len, cofactor_len, seed_len].map(u64::from).iter().sum::<u64>();
        reader.expect_rest("the payload", numbers + rest(field_len, order_len))?;
        let numbers_at = reader.offset();
        let given = ExplicitParameters {
            form: *form,
            p: reader.public("p", field_len)?,
            a: reader.public("a", field_len)?,
            b: reader.public("b", field_len)?,
            gx: reader.public("Gx", field_len)?,
            gy: Ordinate::Value(reader.public("Gy", field_len)?),
            order: reader.public("n", order_len)?,
            cofactor: Some(reader.public("h", cofactor_len)?),
        };
        let seed = reader.public("S", seed_len)?;
        let curve = Curve::by_parameters(&given).filter(|curve| curve.is_cng());
        let curve = curve.ok_or(Error::CurveUnknown { offset: numbers_at })?;
        if field_len as usize != curve.width() {
            return value("cbFieldLength", 12, field_len, "it is not the byte length of the curve's field");
        }
        if order_len as usize != curve.order_width() {
            return value("cbSubgroupOrder", 16, order_len, "it is not the byte length of the curve's order");
        }
        if cofactor_len as usize != curve.parameters.h.len() {
            return value("cbCofactor", 20, cofactor_len, "it is not the byte length of the curve's cofactor");
        }
        let known = curve.parameters.seed;
        if !seed.is_empty() && seed != known {
            return value("cbSeed", 24, seed_len, "the seed is not that of the curve");
        }
        Ok(Self { curve, field_len, order_len })
    }
}

/// Decodes a blob: the curve that it describes.
///
/// # Errors
/// [`Error`] with field and offset; [`Error::CurveUnknown`] for a curve that is not in the table.
pub fn decode(bytes: &[u8]) -> Result<&'static Curve, Error> {
    read(&mut Reader::new(bytes))
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<&'static Curve, Error> {
    let description = Description::read(reader, |_, _| 0)?;
    reader.expect_end()?;
    Ok(description.curve)
}

/// Encodes the parameters of a curve.
///
/// # Errors
/// [`Error::Limit`] for a curve that CNG does not have.
pub fn encode(curve: &Curve) -> Result<SecretBytes, Error> {
    build(|writer, _| write(writer, curve, BlobType::EccParameters))
}

pub(super) fn write(writer: &mut Writer<impl AsMut<[u8]>>, curve: &Curve, blob_type: BlobType) -> Result<(), Error> {
    let kind = TYPES.iter().find(|(_, form)| *form == curve.form && curve.is_cng()).map(|(number, _)| *number);
    let kind = kind.ok_or_else(|| Error::Limit { blob_type: blob_type.name(), why: "CNG does not have its curve" })?;
    let parameters = curve.parameters;
    writer.u32("dwVersion", VERSION as usize)?;
    writer.u32("dwCurveType", kind as usize)?;
    writer.u32("dwCurveGenerationAlgId", 0)?;
    writer.u32("cbFieldLength", curve.width())?;
    writer.u32("cbSubgroupOrder", curve.order_width())?;
    writer.u32("cbCofactor", parameters.h.len())?;
    writer.u32("cbSeed", 0)?;
    for (field, number) in [
        ("p", parameters.p),
        ("a", parameters.a),
        ("b", parameters.b),
        ("Gx", parameters.gx),
        ("Gy", parameters.gy),
        ("n", parameters.n),
        ("h", parameters.h),
    ] {
        writer.bytes(field, number)?;
    }
    Ok(())
}
