//! Everything a key file can be: a CNG blob, or one of the formats of the rest of the world.
//!
//! Owns the names by which `--type` calls them, the recognition of a file from its bytes, and the one way from bytes to
//! [`Decoded`] and back. [`blob`] and [`asn1`] do not know each other; here they meet.

use der::{Decode, Header, Reader, SliceReader, Tag};

use crate::blob::{self, BlobType, Decoded, Field, Hints, pkcs8};
use crate::key::{Algorithm, Family, KeyMaterial, PrivateKey, PublicKey, SymmetricAlgorithm, SymmetricKey};
use crate::secret::SecretBytes;
use crate::status::Status;
use crate::{asn1, key};

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// A CNG blob.
    Blob(BlobType),
    /// PKCS#1 `RSAPrivateKey`, DER.
    Pkcs1,
    /// PKCS#8, PEM.
    Pkcs8Pem,
    /// A bare symmetric key.
    Raw,
    /// SEC 1 `ECPrivateKey`, DER.
    Sec1,
    /// `SubjectPublicKeyInfo`, DER.
    Spki,
    /// `SubjectPublicKeyInfo`, PEM.
    SpkiPem,
}

impl Format {
    const FILES: &[(Self, &str)] = &[
        (Self::Blob(BlobType::Pkcs8), "pkcs8"),
        (Self::Pkcs1, "pkcs1"),
        (Self::Pkcs8Pem, "pkcs8-pem"),
        (Self::Raw, "raw"),
        (Self::Sec1, "sec1"),
        (Self::Spki, "spki"),
        (Self::SpkiPem, "spki-pem"),
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

    /// The name: a blob type's own identifier, else the word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blob(blob_type) => blob_type.name(),
            other => Self::FILES.iter().find(|(format, _)| *format == other).map_or("", |(_, name)| name),
        }
    }

    /// Whether files of this format hold a public key and nothing else.
    pub fn is_public(self) -> bool {
        match self {
            Self::Blob(blob_type) => blob_type.is_public(),
            Self::Spki | Self::SpkiPem => true,
            _ => false,
        }
    }
}

/// Why a file cannot be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing that is known begins like this, or several things do.
    #[error("the type of the input ({len} bytes) cannot be told from its bytes{}", candidates_text(.candidates))]
    Unrecognised {
        /// Its length.
        len: usize,
        /// What it could be.
        candidates: Vec<&'static str>,
    },
    /// The format cannot hold this kind of key.
    #[error("{format} cannot hold this kind of key")]
    NotRepresentable {
        /// The format.
        format: &'static str,
    },
    /// As a blob.
    #[error(transparent)]
    Blob(#[from] blob::Error),
    /// As a DER structure.
    #[error(transparent)]
    Asn1(#[from] asn1::Error),
    /// As a key.
    #[error(transparent)]
    Key(#[from] key::Error),
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Unrecognised { .. } => Status::NTE_INVALID_PARAMETER,
            Self::NotRepresentable { .. } => Status::NTE_BAD_TYPE,
            Self::Blob(error) => error.status(),
            Self::Asn1(error) => error.status(),
            Self::Key(error) => error.status(),
        }
    }
}

fn candidates_text(candidates: &[&'static str]) -> String {
    if candidates.is_empty() { String::new() } else { format!("; it could be {}", candidates.join(" or ")) }
}

/// Recognises a file.
///
/// # Errors
/// [`Error::Unrecognised`] with the candidates.
pub fn sniff(bytes: &[u8]) -> Result<Format, Error> {
    if let Some(blob_type) = blob::sniff(bytes) {
        return Ok(Format::Blob(blob_type));
    }
    if let Some(label) = pem_label(bytes) {
        match label {
            "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => return Ok(Format::Pkcs8Pem),
            "PUBLIC KEY" => return Ok(Format::SpkiPem),
            _ => {}
        }
    }
    if let Some(format) = sniff_der(bytes) {
        return Ok(format);
    }
    let candidates = match bytes.len() {
        16 => vec!["raw"],
        24 | 32 => vec!["raw", BlobType::AesWrap.name()],
        40 => vec![BlobType::AesWrap.name()],
        _ => vec![],
    };
    Err(Error::Unrecognised { len: bytes.len(), candidates })
}

/// Reads a file of a known format.
///
/// # Errors
/// [`Error`].
pub fn decode(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Decoded, Error> {
    match format {
        Format::Blob(blob_type) => Ok(blob::decode(bytes, blob_type, hints)?),
        Format::Pkcs1 => {
            let key = PrivateKey::Rsa(asn1::pkcs1::decode_private(bytes, hints.validation)?);
            Ok(pkcs8::private_to_decoded(key, None, hints)?)
        }
        Format::Pkcs8Pem => {
            let (key, usage) = asn1::pkcs8::decode_pem(bytes, hints.opening(), hints.validation)?;
            Ok(pkcs8::private_to_decoded(key, usage, hints)?)
        }
        Format::Raw => {
            let algorithm = match hints.algorithm.map(|algorithm| algorithm.family) {
                None => SymmetricAlgorithm::Aes,
                Some(Family::Symmetric(algorithm)) => algorithm,
                Some(_) => return Err(Error::NotRepresentable { format: format.name() }),
            };
            let key = SymmetricKey::new(algorithm, SecretBytes::from(bytes))?;
            Ok(Decoded { algorithm: Algorithm::symmetric(algorithm), key: KeyMaterial::Secret(key), usage: None })
        }
        Format::Sec1 => {
            let key = PrivateKey::Ec(asn1::sec1::decode(bytes, hints.curve, hints.validation)?);
            Ok(pkcs8::private_to_decoded(key, None, hints)?)
        }
        Format::Spki => public_to_decoded(asn1::spki::decode(bytes, hints.validation)?, hints),
        Format::SpkiPem => public_to_decoded(asn1::spki::decode_pem(bytes, hints.validation)?, hints),
    }
}

/// Reads a file and tells its fields: of a blob every one, of the other formats the whole.
pub fn inspect<'a>(bytes: &'a [u8], format: Format, hints: &Hints<'_>) -> (Vec<Field<'a>>, Result<Decoded, Error>) {
    match format {
        Format::Blob(blob_type) => {
            let (fields, outcome) = blob::inspect(bytes, blob_type, hints);
            (fields, outcome.map_err(Error::from))
        }
        other => {
            let field = blob::whole_field(other.name(), bytes, other.is_public());
            (vec![field], decode(bytes, other, hints))
        }
    }
}

/// Writes a key as a file.
///
/// # Errors
/// [`Error`] when the format cannot hold the key.
pub fn encode(key: &KeyMaterial, algorithm: Algorithm, format: Format) -> Result<SecretBytes, Error> {
    match (format, key) {
        (Format::Blob(blob_type), _) => Ok(blob::encode(key, algorithm, blob_type)?),
        (Format::Pkcs1, KeyMaterial::Private(PrivateKey::Rsa(key))) => Ok(asn1::pkcs1::encode_private(key)?),
        (Format::Pkcs8Pem, KeyMaterial::Private(key)) => Ok(asn1::pkcs8::to_pem(&asn1::pkcs8::encode(key)?)?),
        (Format::Raw, KeyMaterial::Secret(key)) => Ok(key.key().clone()),
        (Format::Sec1, KeyMaterial::Private(PrivateKey::Ec(key))) => Ok(asn1::sec1::encode(key, true)?),
        (Format::Spki | Format::SpkiPem, key) => {
            let public = key.public().ok_or_else(|| Error::NotRepresentable { format: format.name() })?;
            let bytes = match format {
                Format::Spki => asn1::spki::encode(&public)?,
                _ => asn1::spki::encode_pem(&public)?,
            };
            Ok(SecretBytes::from(bytes))
        }
        _ => Err(Error::NotRepresentable { format: format.name() }),
    }
}

fn public_to_decoded(key: PublicKey, hints: &Hints<'_>) -> Result<Decoded, Error> {
    let key = KeyMaterial::Public(key);
    Ok(Decoded { algorithm: pkcs8::algorithm(&key, None, hints)?, key, usage: None })
}

fn pem_label(bytes: &[u8]) -> Option<&str> {
    // Headers and comments may come first; the label line must come within the first kilobytes.
    let head = bytes.get(..bytes.len().min(8192))?;
    let text =
        str::from_utf8(head).or_else(|error| str::from_utf8(head.get(..error.valid_up_to()).unwrap_or(&[]))).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    rest.split_once("-----").map(|(label, _)| label)
}

fn sniff_der(bytes: &[u8]) -> Option<Format> {
    let mut reader = SliceReader::new(bytes).ok()?;
    if Header::decode(&mut reader).ok()?.tag() != Tag::Sequence {
        return None;
    }
    let first = Header::decode(&mut reader).ok()?;
    reader.read_slice(first.length()).ok()?;
    let second = Tag::peek(&reader).ok()?;
    match (first.tag(), second) {
        (Tag::Integer, Tag::Sequence) | (Tag::Sequence, Tag::OctetString) => Some(Format::Blob(BlobType::Pkcs8)),
        (Tag::Integer, Tag::Integer) => Some(Format::Pkcs1),
        (Tag::Integer, Tag::OctetString) => Some(Format::Sec1),
        (Tag::Sequence, Tag::BitString) => Some(Format::Spki),
        _ => None,
    }
}
