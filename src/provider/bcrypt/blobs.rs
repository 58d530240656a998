//! Which blob types go with which algorithm, in which direction: Microsoft's primitive provider, and the containers of wrapped keys under a key of the token.

use super::algorithm::{Kind, Row};
use super::{invalid, refused, unsupported};
use crate::blob::BlobType;
use crate::key::Family;
use crate::status::Status;

/// Whether a blob is read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    Import,
    Export,
}

/// The blob type of a name, if keys of the algorithm come or go in it.
pub(super) fn blob_type(
    row: &Row,
    name: &str,
    direction: Direction,
    is_wrapped: bool,
) -> Result<BlobType, crate::Error> {
    let unknown = || unsupported(format!("there is no blob type `{name}`"));
    let blob_type = BlobType::by_name(name).ok_or_else(unknown)?;
    let (plain, wrapped) = (holds(row, blob_type, direction), carries(row, blob_type));
    match (is_wrapped, plain, wrapped) {
        (false, true, _) | (true, _, true) => Ok(blob_type),
        (false, false, true) => Err(invalid(format!("a {name} needs the key that wraps it"))),
        (true, true, false) => Err(invalid(format!("a {name} is not wrapped under a key"))),
        (_, false, false) => Err(unsupported(format!("keys of {} do not {} as {name}", row.id, direction.verb()))),
    }
}

impl Direction {
    fn verb(self) -> &'static str {
        match self {
            Self::Import => "come",
            Self::Export => "go",
        }
    }
}

/// In the clear. CryptoAPI's blobs of public keys are written and not read, as on Windows.
fn holds(row: &Row, blob_type: BlobType, direction: Direction) -> bool {
    let exports = direction == Direction::Export;
    match (row.kind, blob_type) {
        (Kind::Pair(_) | Kind::PairOn(..), BlobType::Public | BlobType::Private) => true,
        (Kind::Pair(Family::Rsa), BlobType::CapiPublic) => exports,
        (Kind::Pair(Family::Dh), BlobType::CapiDhPublic) => exports,
        (Kind::Pair(Family::Dsa), BlobType::CapiDsaPublic | BlobType::CapiDsaV2Public) => exports,
        (kind, blob_type) => matches!(
            (kind, blob_type),
            (
                Kind::Pair(Family::Rsa),
                BlobType::RsaPublic | BlobType::RsaPrivate | BlobType::RsaFullPrivate | BlobType::CapiPrivate
            ) | (
                Kind::Pair(Family::Ecdsa | Family::Ecdh) | Kind::PairOn(..),
                BlobType::EccPublic | BlobType::EccPrivate | BlobType::EccFullPublic | BlobType::EccFullPrivate
            ) | (Kind::Pair(Family::Dh), BlobType::DhPublic | BlobType::DhPrivate | BlobType::CapiDhPrivate)
                | (
                    Kind::Pair(Family::Dsa),
                    BlobType::DsaPublic | BlobType::DsaPrivate | BlobType::CapiDsaPrivate | BlobType::CapiDsaV2Private
                )
                | (
                    Kind::Pair(Family::MlDsa),
                    BlobType::PqDsaPublic | BlobType::PqDsaPrivate | BlobType::PqDsaPrivateSeed
                )
                | (
                    Kind::Pair(Family::MlKem),
                    BlobType::MlKemPublic | BlobType::MlKemPrivate | BlobType::MlKemPrivateSeed
                )
                | (Kind::Cipher(_), BlobType::KeyData | BlobType::OpaqueKey)
        ),
    }
}

/// Wrapped under a key of the token.
fn carries(row: &Row, blob_type: BlobType) -> bool {
    match row.kind {
        Kind::Cipher(_) => {
            matches!(blob_type, BlobType::AesWrap | BlobType::RsaAesWrap | BlobType::OpaqueTransport)
        }
        Kind::Pair(Family::Rsa | Family::Ecdsa | Family::Ecdh) | Kind::PairOn(..) => matches!(
            blob_type,
            BlobType::Pkcs8 | BlobType::RsaAesWrap | BlobType::Pkcs7Envelope | BlobType::OpaqueTransport
        ),
        _ => false,
    }
}

/// An error of a blob as BCrypt says it: `NTE_BAD_DATA` comes of RSA blobs alone, which Windows hands on to another component.
pub(super) fn as_bcrypt(row: &Row, error: crate::Error) -> crate::Error {
    if error.status() == Status::NTE_BAD_DATA && row.family() != Some(Family::Rsa) {
        return refused(Status::STATUS_INVALID_PARAMETER, error.to_string());
    }
    error
}
