//! Everything a key file can be: a CNG blob, or one of the formats of the rest of the world.
//!
//! Owns the names by which `--type` calls them, the recognition of a file from its bytes, and the one way from bytes to
//! [`Decoded`](crate::blob::Decoded) and back: [`decode`], [`encode`]; for files with more than one key [`decode_all`] and [`decode_one`]; what a
//! conversion loses ([`losses`]); what a file looks like that cannot be read ([`inspect`], [`diagnose`]); and the certificates that Windows
//! hands over in a [`cert_store`], which is no key file.
//! [`asn1`](crate::asn1) does not know [`blob`](crate::blob), which hands to it what is DER: PKCS#8, `PKCS7_ENVELOPE`, `OpaqueTransport`; here they meet.
//!
//! | formats | structure | where |
//! |---|---|---|
//! | the blob types | CNG's | [`blob`](crate::blob) |
//! | `pkcs8`, `pkcs1`, `pkcs1-public`, `sec1`, `dsa`, `spki`, `cert` | DER, and each with `-pem` the same in PEM (RFC 7468) | [`asn1`](crate::asn1), `pem` |
//! | `pkcs12` | PFX (RFC 7292) | [`asn1`](crate::asn1), `container` |
//! | `jwk`, `jwks` | JSON Web Key and key set (RFC 7517) | `jwk` |
//! | `bind` | BIND's `K*.private` | `bind` |
//! | `raw` | a bare symmetric key | |
//!
//! # When PKCS#8 gets a `keyUsage` attribute
//!
//! PKCS#8 does not name ECDSA or ECDH; a `keyUsage` attribute, as Windows writes it, is what tells them apart. Where no usage is asked for it
//! is written exactly when a reader without it would come to another algorithm, so that what OpenSSL wrote comes out as it was:
//!
//! | [`Writing::usage`] | algorithm | attribute |
//! |---|---|---|
//! | `None` | ECDH on a curve that can also sign | keyAgreement |
//! | `None` | any other | none: it is byte for byte what OpenSSL writes |
//! | all usages | | none, as Windows has it |
//! | anything else | | digitalSignature, dataEncipherment, keyAgreement, keyEncipherment, as it says |

mod bind;
pub mod cert_store;
mod container;
mod decode;
mod diagnose;
mod encode;
mod entry;
mod error;
mod foreign;
mod inspect;
pub(crate) mod json;
mod jwk;
mod loss;
mod pem;
mod sniff;
pub mod wrapped_file;

use crate::blob::BlobType;

pub use self::decode::{MAX_KEYS, decode, decode_all, decode_each, decode_one};
pub use self::diagnose::{Guess, diagnose, diagnose_as};
pub use self::encode::{Writing, encode, encode_with};
pub use self::entry::{Entry, only, select, select_each};
pub use self::error::Error;
pub use self::inspect::{Field, Value, inspect};
pub use self::loss::{Loss, losses};
pub use self::sniff::sniff;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// BIND's private key file, `K*.private`.
    Bind,
    /// A CNG blob. `PKCS8_PRIVATEKEY` is PKCS#8 in DER, plain or encrypted.
    Blob(BlobType),
    /// An X.509 certificate, DER.
    Cert,
    /// An X.509 certificate, PEM.
    CertPem,
    /// OpenSSL's `DSAPrivateKey`, DER.
    Dsa,
    /// OpenSSL's `DSAPrivateKey`, PEM.
    DsaPem,
    /// A JSON Web Key.
    Jwk,
    /// A JSON Web Key set.
    JwkSet,
    /// PKCS#1 `RSAPrivateKey`, DER.
    Pkcs1,
    /// PKCS#1 `RSAPrivateKey`, PEM.
    Pkcs1Pem,
    /// PKCS#1 `RSAPublicKey`, DER.
    Pkcs1Public,
    /// PKCS#1 `RSAPublicKey`, PEM.
    Pkcs1PublicPem,
    /// PKCS#12, also called PFX.
    Pkcs12,
    /// PKCS#8, PEM.
    Pkcs8Pem,
    /// A bare symmetric key.
    Raw,
    /// SEC 1 `ECPrivateKey`, DER.
    Sec1,
    /// SEC 1 `ECPrivateKey`, PEM.
    Sec1Pem,
    /// `SubjectPublicKeyInfo`, DER.
    Spki,
    /// `SubjectPublicKeyInfo`, PEM.
    SpkiPem,
}

impl Format {
    /// PKCS#8, DER.
    pub const PKCS8: Self = Self::Blob(BlobType::Pkcs8);

    /// Every format that is no blob, by its name on the command line. Of several names of one format the first is its own.
    const FILES: &[(Self, &str)] = &[
        (Self::PKCS8, "pkcs8"),
        (Self::Pkcs8Pem, "pkcs8-pem"),
        (Self::Pkcs1, "pkcs1"),
        (Self::Pkcs1Pem, "pkcs1-pem"),
        (Self::Pkcs1Public, "pkcs1-public"),
        (Self::Pkcs1PublicPem, "pkcs1-public-pem"),
        (Self::Sec1, "sec1"),
        (Self::Sec1Pem, "sec1-pem"),
        (Self::Dsa, "dsa"),
        (Self::DsaPem, "dsa-pem"),
        (Self::Spki, "spki"),
        (Self::SpkiPem, "spki-pem"),
        (Self::Cert, "cert"),
        (Self::CertPem, "cert-pem"),
        (Self::Pkcs12, "pkcs12"),
        (Self::Pkcs12, "pfx"),
        (Self::Jwk, "jwk"),
        (Self::JwkSet, "jwks"),
        (Self::Bind, "bind"),
        (Self::Raw, "raw"),
    ];

    /// Finds a format by its name on the command line: a blob type or a file format, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        let file = Self::FILES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(format, _)| *format);
        file.or_else(|| BlobType::by_name_ignore_case(name).map(Self::Blob))
    }

    /// Every name that [`Format::by_name`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BlobType::ALL.iter().map(|blob_type| blob_type.name()).chain(Self::FILES.iter().map(|(_, name)| *name))
    }

    /// Every format once.
    pub fn all() -> impl Iterator<Item = Self> {
        let files = Self::FILES.iter().filter(|(format, name)| format.name() == *name).map(|(format, _)| *format);
        BlobType::ALL.iter().map(|blob_type| Self::Blob(*blob_type)).chain(files)
    }

    /// The name: a blob type's own identifier, else the word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blob(blob_type) => blob_type.name(),
            other => Self::FILES.iter().find(|(format, _)| *format == other).map_or("", |(_, name)| name),
        }
    }

    /// Whether files of this format hold public keys and nothing else.
    pub fn is_public(self) -> bool {
        match self {
            Self::Blob(blob_type) => blob_type.is_public(),
            Self::Cert | Self::CertPem | Self::Pkcs1Public | Self::Pkcs1PublicPem | Self::Spki | Self::SpkiPem => true,
            _ => false,
        }
    }

    /// Whether the key inside is wrapped under another key, always.
    pub fn is_wrapped(self) -> bool {
        matches!(
            self,
            Self::Blob(BlobType::AesWrap | BlobType::OpaqueTransport | BlobType::Pkcs7Envelope | BlobType::RsaAesWrap)
        )
    }

    /// Whether it is text, which a terminal can show: PEM, JSON, BIND.
    pub fn is_text(self) -> bool {
        self.der().is_some() || matches!(self, Self::Bind | Self::Jwk | Self::JwkSet)
    }

    /// Whether the key inside is a PKCS#8: bare, as PEM or in a PKCS#12. These alone are encrypted under a password.
    pub fn holds_pkcs8(self) -> bool {
        matches!(self, Self::PKCS8 | Self::Pkcs8Pem | Self::Pkcs12)
    }

    /// Of a PEM format, the DER format inside.
    pub(crate) fn der(self) -> Option<Self> {
        Some(match self {
            Self::CertPem => Self::Cert,
            Self::DsaPem => Self::Dsa,
            Self::Pkcs1Pem => Self::Pkcs1,
            Self::Pkcs1PublicPem => Self::Pkcs1Public,
            Self::Pkcs8Pem => Self::PKCS8,
            Self::Sec1Pem => Self::Sec1,
            Self::SpkiPem => Self::Spki,
            _ => return None,
        })
    }

    /// Whether it is one DER structure.
    fn is_der(self) -> bool {
        Self::FILES.iter().any(|(format, _)| format.der() == Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_that_leads_back_to_it() {
        for name in Format::names() {
            let format = Format::by_name(&name.to_uppercase()).unwrap();
            assert_eq!(Format::by_name(format.name()), Some(format), "{name}");
            assert_eq!(Format::all().filter(|one| *one == format).count(), 1, "{name}");
        }
        assert_eq!(Format::by_name("pfx"), Format::by_name("PKCS12"));
        assert_eq!(Format::by_name("pkcs8"), Some(Format::PKCS8));
        assert_eq!(Format::by_name("pem"), None);
    }
}
