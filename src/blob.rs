//! CNG key blobs: bytes to typed structures and back (`bcrypt.h`, `ncrypt.h`).
//!
//! Owns the layouts. Decoding borrows from the input, checks every length before it is used and trusts nothing else;
//! encoding takes each number at its stated width. Never sees a token, never guesses beyond a magic number. Totals are exact, as
//! Windows has them: one byte too many is as wrong as one too few. `BitLength` of an RSA blob is ignored, as on Windows.
//!
//! | blob type | module | layout |
//! |---|---|---|
//! | `RSAPUBLICBLOB`, `RSAPRIVATEBLOB`, `RSAFULLPRIVATEBLOB` | [`rsa`] | `BCRYPT_RSAKEY_BLOB` |
//! | `ECCPUBLICBLOB`, `ECCPRIVATEBLOB` | [`ecc`] | `BCRYPT_ECCKEY_BLOB` |
//! | `KeyDataBlob` | [`key_data`] | `BCRYPT_KEY_DATA_BLOB_HEADER` |
//! | `CipherKeyBlob` | [`cipher`] | `NCRYPT_KEY_BLOB_HEADER` around a `KeyDataBlob` |
//! | `Rfc3565KeyWrapBlob` | [`aes_wrap`] | RFC 3394, no header |
//! | `PKCS8_PRIVATEKEY` | [`pkcs8`] | RFC 5958, plain or encrypted |
//! | `PUBLICBLOB`, `PRIVATEBLOB` | by magic | one of the RSA or ECC ones |

pub mod aes_wrap;
pub mod cipher;
pub mod ecc;
mod error;
pub mod key_data;
pub mod pkcs8;
mod reader;
pub mod rsa;
mod writer;

use zeroize::Zeroize;

use crate::asn1::{Limits, Opening};
use crate::key::{Algorithm, Curve, Family, KeyMaterial, PrivateKey, PublicKey, SymmetricAlgorithm, Validation};
use crate::secret::SecretBytes;

pub use self::error::Error;
pub(crate) use self::reader::Reader;
pub use self::reader::{Field, Value};
use self::writer::Writer;

macro_rules! blob_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// A CNG blob type, by its exact string.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum BlobType {
            $($(#[$doc])* $variant,)+
        }

        impl BlobType {
            /// Every blob type handled here.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The identifier, exactly as CNG spells it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

blob_types! {
    /// `BCRYPT_AES_WRAP_KEY_BLOB`
    AesWrap = "Rfc3565KeyWrapBlob";
    /// `NCRYPT_CIPHER_KEY_BLOB`
    Cipher = "CipherKeyBlob";
    /// `BCRYPT_ECCPRIVATE_BLOB`
    EccPrivate = "ECCPRIVATEBLOB";
    /// `BCRYPT_ECCPUBLIC_BLOB`
    EccPublic = "ECCPUBLICBLOB";
    /// `BCRYPT_KEY_DATA_BLOB`
    KeyData = "KeyDataBlob";
    /// `NCRYPT_PKCS8_PRIVATE_KEY_BLOB`
    Pkcs8 = "PKCS8_PRIVATEKEY";
    /// `BCRYPT_PRIVATE_KEY_BLOB`
    Private = "PRIVATEBLOB";
    /// `BCRYPT_PUBLIC_KEY_BLOB`
    Public = "PUBLICBLOB";
    /// `BCRYPT_RSAFULLPRIVATE_BLOB`
    RsaFullPrivate = "RSAFULLPRIVATEBLOB";
    /// `BCRYPT_RSAPRIVATE_BLOB`
    RsaPrivate = "RSAPRIVATEBLOB";
    /// `BCRYPT_RSAPUBLIC_BLOB`
    RsaPublic = "RSAPUBLICBLOB";
}

impl BlobType {
    /// The blob type with exactly this identifier.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|blob_type| blob_type.name() == name)
    }

    /// The blob type with this identifier in any case, as the command line takes it.
    pub fn by_name_ignore_case(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|blob_type| blob_type.name().eq_ignore_ascii_case(name))
    }

    /// Whether blobs of this type hold a public key and nothing else.
    pub fn is_public(self) -> bool {
        matches!(self, Self::EccPublic | Self::Public | Self::RsaPublic)
    }
}

/// What stands beside a blob and is needed to read it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// The algorithm of the handle or property: decides the cipher of a `KeyDataBlob` and must fit what the blob says itself.
    pub algorithm: Option<Algorithm>,
    /// The curve of a generic magic (`ECCCurveName`, `NCRYPTBUFFER_ECC_CURVE_NAME`).
    pub curve: Option<&'static Curve>,
    /// The work that an encrypted `PKCS8_PRIVATEKEY` may demand.
    pub limits: Limits,
    /// The password of an encrypted `PKCS8_PRIVATEKEY` (`NCRYPTBUFFER_PKCS_SECRET`).
    pub password: Option<&'a SecretBytes>,
    /// Whether the key's mathematics is checked.
    pub validation: Validation,
}

impl<'a> Hints<'a> {
    /// What opens an encrypted `PKCS8_PRIVATEKEY`.
    pub(crate) fn opening(&self) -> Opening<'a> {
        Opening { password: self.password, limits: self.limits }
    }

    /// The curve that is given beside the blob, as such or with the algorithm.
    fn curve_beside(&self) -> Option<&'static Curve> {
        self.curve.or_else(|| self.algorithm.and_then(|algorithm| algorithm.curve))
    }

    /// What was given beside the blob, for the message of a contradiction.
    fn describe(&self) -> String {
        match (self.algorithm, self.curve_beside()) {
            (Some(algorithm), Some(curve)) if algorithm.curve.is_none() => format!("{algorithm} on {}", curve.name),
            (Some(algorithm), _) => algorithm.name(),
            (None, Some(curve)) => format!("curve {}", curve.name),
            (None, None) => "none".to_owned(),
        }
    }
}

/// A decoded key and the algorithm that its blob names or implies.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The algorithm: for elliptic curves with the family of the magic.
    pub algorithm: Algorithm,
    /// The key.
    pub key: KeyMaterial,
    /// The usage that a PKCS#8 `keyUsage` attribute allows, if it has one.
    pub usage: Option<crate::key::KeyUsage>,
}

impl Decoded {
    fn new(algorithm: Algorithm, key: KeyMaterial) -> Self {
        Self { algorithm, key, usage: None }
    }
}

/// Decodes a blob of a stated type.
///
/// # Errors
/// [`Error`], with field and offset, when the bytes are not such a blob or the key in them is refused.
pub fn decode(bytes: &[u8], blob_type: BlobType, hints: &Hints<'_>) -> Result<Decoded, Error> {
    let mut reader = Reader::new(bytes);
    decode_from(&mut reader, blob_type, hints)
}

/// Decodes a blob and tells every field that was read, up to the one where it went wrong.
pub fn inspect<'a>(
    bytes: &'a [u8],
    blob_type: BlobType,
    hints: &Hints<'_>,
) -> (Vec<Field<'a>>, Result<Decoded, Error>) {
    let mut reader = Reader::tracing(bytes);
    let outcome = decode_from(&mut reader, blob_type, hints);
    (reader.into_fields(), outcome)
}

fn decode_from(reader: &mut Reader<'_>, blob_type: BlobType, hints: &Hints<'_>) -> Result<Decoded, Error> {
    match blob_type {
        BlobType::AesWrap => Err(Error::Wrapped { blob_type: blob_type.name() }),
        BlobType::Cipher => {
            let blob = cipher::CipherKeyBlob::read(reader)?;
            let algorithm = blob.algorithm()?;
            fits(hints, |given| given.family == Family::Symmetric(algorithm), || algorithm.name().to_owned())?;
            key_data::to_decoded(blob.key(), algorithm)
        }
        BlobType::EccPrivate | BlobType::EccPublic => {
            ecc::EccBlob::read(reader, Some(blob_type == BlobType::EccPrivate))?.to_decoded(hints)
        }
        BlobType::KeyData => {
            let blob = key_data::KeyDataBlob::read(reader)?;
            let algorithm = match hints.algorithm {
                None => SymmetricAlgorithm::Aes,
                Some(Algorithm { family: Family::Symmetric(algorithm), .. }) => algorithm,
                Some(other) => return Err(Error::Algorithm { given: other.name(), found: "a symmetric key".into() }),
            };
            key_data::to_decoded(blob.key(), algorithm)
        }
        BlobType::Pkcs8 => pkcs8::read(reader, hints),
        BlobType::Private | BlobType::Public => {
            let private = blob_type == BlobType::Private;
            let magic = reader.peek_u32("Magic")?;
            if ecc::is_magic(magic) {
                ecc::EccBlob::read(reader, Some(private))?.to_decoded(hints)
            } else if private {
                rsa::RsaBlob::read(reader, &[rsa::Kind::Private, rsa::Kind::FullPrivate])?.to_decoded(hints)
            } else {
                rsa::RsaBlob::read(reader, &[rsa::Kind::Public])?.to_decoded(hints)
            }
        }
        BlobType::RsaFullPrivate => rsa::RsaBlob::read(reader, &[rsa::Kind::FullPrivate])?.to_decoded(hints),
        BlobType::RsaPrivate => rsa::RsaBlob::read(reader, &[rsa::Kind::Private])?.to_decoded(hints),
        BlobType::RsaPublic => rsa::RsaBlob::read(reader, &[rsa::Kind::Public])?.to_decoded(hints),
    }
}

/// Encodes a key as a blob of a stated type. `algorithm` decides the magic of an elliptic-curve blob.
///
/// # Errors
/// [`Error::NotRepresentable`] when the type cannot hold this key.
pub fn encode(key: &KeyMaterial, algorithm: Algorithm, blob_type: BlobType) -> Result<SecretBytes, Error> {
    let mut writer = Writer::new(encoded_len(key, algorithm, blob_type)?);
    write(&mut writer, key, algorithm, blob_type)?;
    writer.finish()
}

/// Encodes a key into the front of the caller's buffer, as [`encode`] does into a new one, and tells how long the blob is. What
/// follows the blob in the buffer is left as it was.
///
/// # Errors
/// What [`encode`] says, and [`Error::BufferTooSmall`]. On any error the whole buffer is wiped.
pub fn encode_into(
    key: &KeyMaterial,
    algorithm: Algorithm,
    blob_type: BlobType,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let left = buffer.len();
    let mut writer = Writer::over(&mut *buffer);
    let outcome = match write(&mut writer, key, algorithm, blob_type).map(|()| writer.position()) {
        Ok(needed) if needed > left => Err(Error::BufferTooSmall { needed, left }),
        outcome => outcome,
    };
    if outcome.is_err() {
        buffer.zeroize();
    }
    outcome
}

/// How long the blob will be that [`encode`] makes.
///
/// # Errors
/// What [`encode`] says.
pub fn encoded_len(key: &KeyMaterial, algorithm: Algorithm, blob_type: BlobType) -> Result<usize, Error> {
    let mut writer = Writer::over([]);
    write(&mut writer, key, algorithm, blob_type)?;
    Ok(writer.position())
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &KeyMaterial,
    algorithm: Algorithm,
    blob_type: BlobType,
) -> Result<(), Error> {
    let not_representable = || Error::NotRepresentable { blob_type: blob_type.name(), key: key.describe() };
    match (blob_type, key) {
        (
            BlobType::Public | BlobType::EccPublic | BlobType::RsaPublic,
            KeyMaterial::Private(_) | KeyMaterial::Public(_),
        ) => match (key.public(), blob_type) {
            (Some(PublicKey::Rsa(public)), BlobType::Public | BlobType::RsaPublic) => {
                rsa::write_public(writer, &public)
            }
            (Some(PublicKey::Ec(public)), BlobType::Public | BlobType::EccPublic) => {
                ecc::write_public(writer, &public, algorithm)
            }
            _ => Err(not_representable()),
        },
        (BlobType::Private | BlobType::RsaPrivate, KeyMaterial::Private(PrivateKey::Rsa(private))) => {
            rsa::write_private(writer, private, rsa::Kind::Private)
        }
        (BlobType::RsaFullPrivate, KeyMaterial::Private(PrivateKey::Rsa(private))) => {
            rsa::write_private(writer, private, rsa::Kind::FullPrivate)
        }
        (BlobType::Private | BlobType::EccPrivate, KeyMaterial::Private(PrivateKey::Ec(private))) => {
            ecc::write_private(writer, private, algorithm)
        }
        (BlobType::Pkcs8, KeyMaterial::Private(private)) => writer.bytes("PrivateKeyInfo", &pkcs8::encode(private)?),
        (BlobType::KeyData, KeyMaterial::Secret(secret)) => key_data::write(writer, secret),
        (BlobType::Cipher, KeyMaterial::Secret(secret)) => cipher::write(writer, secret),
        _ => Err(not_representable()),
    }
}

/// Recognises a blob by its magic number and total length. `None` when no blob type with a magic fits.
///
/// The blob types without a magic (`Rfc3565KeyWrapBlob`, `PKCS8_PRIVATEKEY`) are not recognised here.
pub fn sniff(bytes: &[u8]) -> Option<BlobType> {
    let word =
        |at: usize| bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()).map(u32::from_le_bytes);
    let magic = word(0)?;
    if let Some(kind) = rsa::Kind::by_magic(magic) {
        return Some(kind.blob_type());
    }
    if let Some(private) = ecc::is_private_magic(magic) {
        return Some(if private { BlobType::EccPrivate } else { BlobType::EccPublic });
    }
    if magic == key_data::MAGIC {
        return Some(BlobType::KeyData);
    }
    (word(4) == Some(cipher::MAGIC)).then_some(BlobType::Cipher)
}

/// Whether a number is the magic of any blob type handled here.
fn is_known_magic(magic: u32) -> bool {
    rsa::Kind::by_magic(magic).is_some() || ecc::is_magic(magic) || magic == key_data::MAGIC || magic == cipher::MAGIC
}

/// Refuses an algorithm given beside the blob that contradicts it.
fn fits(hints: &Hints<'_>, test: impl Fn(Algorithm) -> bool, found: impl Fn() -> String) -> Result<(), Error> {
    match hints.algorithm {
        Some(given) if !test(given) => Err(Error::Algorithm { given: given.name(), found: found() }),
        _ => Ok(()),
    }
}
