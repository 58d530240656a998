//! What bytes are, from their magic number and their lengths.
//!
//! A magic may stand for several blob types: the generic elliptic-curve ones, those of TPM blobs, the DSS ones of CryptoAPI. Their lengths
//! decide, where they can. Three blob types without a magic have a header that only they can have. `Rfc3565KeyWrapBlob`,
//! `PKCS8_PRIVATEKEY` and what providers write for themselves are not recognised here.

use super::{BlobType, isolated, magic, ssl_ecc, tpm};

/// Recognises a blob: the first of its [`candidates`].
pub fn sniff(bytes: &[u8]) -> Option<BlobType> {
    candidates(bytes).first().copied()
}

/// Every blob type that the bytes can be one of, the most usual first.
///
/// A magic number is enough for a blob type that it alone stands for, so that a damaged blob is still called by its name.
pub fn candidates(bytes: &[u8]) -> Vec<BlobType> {
    let word = |at: usize| word(bytes, at);
    let mut found = Vec::new();
    for magic in magic::TABLE {
        for (at, types) in magic.places {
            if word(*at) == Some(magic.value) && (*at != CAPI || is_capi(bytes)) {
                found.extend_from_slice(types);
            }
        }
    }
    if found.len() > 1 {
        let fitting: Vec<_> = found.iter().copied().filter(|blob_type| fits(bytes, *blob_type)).collect();
        if !fitting.is_empty() {
            return fitting;
        }
    }
    if found.is_empty() {
        let without_magic = [BlobType::EccParameters, BlobType::SslEccPublic, BlobType::IsolatedKey];
        found.extend(without_magic.into_iter().filter(|blob_type| fits(bytes, *blob_type)));
    }
    found
}

/// Where the magic of CryptoAPI's blobs stands.
const CAPI: usize = 8;

/// Whether the bytes begin with CryptoAPI's `BLOBHEADER`.
fn is_capi(bytes: &[u8]) -> bool {
    matches!(bytes, [6 | 7, 2 | 3, 0, 0, ..])
}

/// Whether the header of a blob type without a magic of its own says what such a blob says, and its length is right.
fn fits(bytes: &[u8], blob_type: BlobType) -> bool {
    let word = |at: usize| word(bytes, at);
    let length = |at: usize| word(at).map(u64::from);
    let total = bytes.len() as u64;
    let expected = match blob_type {
        BlobType::EccPublic => length(4).map(|len| 8 + 2 * len),
        BlobType::EccPrivate => length(4).map(|len| 8 + 3 * len),
        BlobType::EccFullPublic => described_curve(bytes, 4).map(|(field, _, end)| end + 2 * field),
        BlobType::EccFullPrivate => described_curve(bytes, 4).map(|(field, order, end)| end + 2 * field + order),
        BlobType::EccParameters => described_curve(bytes, 0).map(|(_, _, end)| end),
        BlobType::SslEccPublic => {
            let curve =
                word(0).and_then(ssl_ecc::by_group).filter(|curve| word(4) == u32::try_from(curve.width()).ok());
            curve.map(|curve| 8 + 2 * curve.width() as u64)
        }
        BlobType::IsolatedKey => return isolated::read(&mut super::Reader::new(bytes)).is_ok(),
        BlobType::TpmProtected | BlobType::TpmPersistent => {
            return word(4).is_some_and(|size| tpm::HEADERS.contains(&(blob_type, size)));
        }
        _ => Some(total),
    };
    expected == Some(total)
}

/// The lengths of a field element and of the order, and where the parameters end that begin at an offset with dwVersion.
fn described_curve(bytes: &[u8], at: usize) -> Option<(u64, u64, u64)> {
    let length = |index: usize| word(bytes, at + 4 * index).map(u64::from);
    let (version, kind) = (length(0)?, length(1)?);
    let (field, order, cofactor, seed) = (length(3)?, length(4)?, length(5)?, length(6)?);
    let end = at as u64 + 28 + 5 * field + order + cofactor + seed;
    (version == 1 && matches!(kind, 1..=3)).then_some((field, order, end))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
