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
//! | `ECCFULLPUBLICBLOB`, `ECCFULLPRIVATEBLOB` | [`ecc_full`] | `BCRYPT_ECCFULLKEY_BLOB` |
//! | `SSLECCPUBLICBLOB` | [`ssl_ecc`] | `SSL_ECCKEY_BLOB` |
//! | `DSAPUBLICBLOB`, `DSAPRIVATEBLOB` | [`dsa`] | `BCRYPT_DSA_KEY_BLOB`, `BCRYPT_DSA_KEY_BLOB_V2` |
//! | `DHPUBLICBLOB`, `DHPRIVATEBLOB` | [`dh`] | `BCRYPT_DH_KEY_BLOB` |
//! | `PQDSA…BLOB`, `MLKEM…BLOB` | [`pq`] | `BCRYPT_PQDSA_KEY_BLOB`, `BCRYPT_MLKEM_KEY_BLOB` |
//! | `PQPrivateKeyBlob` | [`pq_private`] | `NCRYPT_PQ_BLOB` around one of those |
//! | `CAPI…BLOB`, `V2CAPI…BLOB` | [`capi`] | `BLOBHEADER`, then the algorithm's own |
//! | `KeyDataBlob` | [`key_data`] | `BCRYPT_KEY_DATA_BLOB_HEADER` |
//! | `CipherKeyBlob` | [`cipher`] | `NCRYPT_KEY_BLOB_HEADER` around a `KeyDataBlob` |
//! | `Rfc3565KeyWrapBlob` | [`aes_wrap`] | RFC 3394, no header |
//! | `PKCS11RsaAesWrapBlob` | [`rsa_aes`] | container of a wrapped key |
//! | `PKCS8_PRIVATEKEY` | [`pkcs8`] | RFC 5958, plain or encrypted |
//! | `PUBLICBLOB`, `PRIVATEBLOB` | by magic | one of the asymmetric ones |
//! | `DHParameters`, `DSAParameters`, `ECCParameters` | [`dh_parameters`], [`dsa_parameters`], [`ecc_parameters`] | domain parameters, no key |
//! | `KDFKeyBlob`, `ProtectedKeyBlob` | [`kdf`], [`protected`] | header shown, key refused |
//! | `PcpTpmProtectedKeyBlob`, `PcpTpmPersistentKeyBlob`, `ISOLATED_KEY_ENVELOPE` | [`tpm`], [`isolated`] | shown, refused |
//! | `PKCS7_ENVELOPE`, `OpaqueTransport` | `asn1` | DER containers of a wrapped key |
//! | `OpaqueKeyBlob` | [`opaque`] | refused by name |
//!
//! The numbers of all magics are in [`magic`].

pub mod aes_wrap;
mod blob_type;
pub mod capi;
pub mod cipher;
pub mod dh;
pub mod dh_parameters;
pub mod dsa;
pub mod dsa_parameters;
pub mod ecc;
pub mod ecc_full;
pub mod ecc_parameters;
mod encode;
mod error;
pub mod isolated;
pub mod kdf;
pub mod key_data;
pub mod magic;
pub mod opaque;
pub mod pkcs8;
pub mod pq;
pub mod pq_private;
pub mod protected;
mod reader;
pub mod rsa;
pub mod rsa_aes;
mod sniff;
pub mod ssl_ecc;
pub mod tpm;
mod writer;

use crate::asn1::{self, Limits, Opening};
use crate::key::{self, Algorithm, Curve, Family, KeyMaterial, SymmetricAlgorithm, Validation};
use crate::secret::SecretBytes;

pub use self::blob_type::BlobType;
pub use self::cipher::NamedBlob;
use self::encode::build;
pub use self::encode::{encode, encode_into, encoded_len};
pub use self::error::Error;
pub(crate) use self::reader::Reader;
pub use self::reader::{Field, Value};
pub use self::sniff::{candidates, sniff};

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

/// What a blob turns out to hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Contents {
    /// A key.
    Key(Decoded),
    /// Domain parameters.
    Parameters(Parameters),
    /// Something that only its provider or its machine can open.
    Sealed {
        /// The blob type.
        blob_type: BlobType,
        /// Who can open it, and what can be done.
        why: &'static str,
    },
    /// A key that is wrapped under another.
    Wrapped(BlobType),
}

/// Domain parameters without a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Parameters {
    /// `DHParameters`
    Dh(key::dh::Parameters),
    /// `DSAParameters`
    Dsa(key::dsa::Parameters),
    /// `ECCParameters`
    Ec(&'static Curve),
}

impl Contents {
    /// The key.
    ///
    /// # Errors
    /// [`Error::NotAKey`], [`Error::Sealed`], [`Error::Wrapped`] when it is something else.
    pub fn into_key(self, blob_type: BlobType) -> Result<Decoded, Error> {
        match self {
            Self::Key(decoded) => Ok(decoded),
            Self::Parameters(_) => Err(Error::NotAKey { blob_type: blob_type.name() }),
            Self::Sealed { blob_type, why } => Err(Error::Sealed { blob_type: blob_type.name(), why }),
            Self::Wrapped(blob_type) => Err(Error::Wrapped { blob_type: blob_type.name() }),
        }
    }
}

/// Decodes a blob of a stated type.
///
/// # Errors
/// [`Error`], with field and offset, when the bytes are not such a blob or the key in them is refused.
pub fn decode(bytes: &[u8], blob_type: BlobType, hints: &Hints<'_>) -> Result<Decoded, Error> {
    decode_from(&mut Reader::new(bytes), blob_type, hints)
}

/// Decodes a blob and tells every field that was read, up to the one where it went wrong.
pub fn inspect<'a>(
    bytes: &'a [u8],
    blob_type: BlobType,
    hints: &Hints<'_>,
) -> (Vec<Field<'a>>, Result<Decoded, Error>) {
    let (fields, outcome) = contents(bytes, blob_type, hints);
    (fields, outcome.and_then(|contents| contents.into_key(blob_type)))
}

/// Decodes a blob that need not hold a key, and tells every field that was read.
pub fn contents<'a>(
    bytes: &'a [u8],
    blob_type: BlobType,
    hints: &Hints<'_>,
) -> (Vec<Field<'a>>, Result<Contents, Error>) {
    let mut reader = Reader::tracing(bytes);
    let outcome = match keyless_from(&mut reader, blob_type, hints) {
        None => decode_from(&mut reader, blob_type, hints).map(Contents::Key),
        Some(outcome) => outcome,
    };
    (reader.into_fields(), outcome)
}

/// Reads a blob of a type that holds no key, or none that can be read; `None` for every other type.
fn keyless_from(reader: &mut Reader<'_>, blob_type: BlobType, hints: &Hints<'_>) -> Option<Result<Contents, Error>> {
    let sealed = |why| Contents::Sealed { blob_type, why };
    Some(match blob_type {
        BlobType::AesWrap => Ok(Contents::Wrapped(blob_type)),
        BlobType::DhParameters => dh_parameters::read(reader, hints.validation)
            .map(|parameters| Contents::Parameters(Parameters::Dh(parameters))),
        BlobType::DsaParameters => dsa_parameters::read(reader, hints.validation)
            .map(|parameters| Contents::Parameters(Parameters::Dsa(parameters))),
        BlobType::EccParameters => {
            ecc_parameters::read(reader).map(|curve| Contents::Parameters(Parameters::Ec(curve)))
        }
        BlobType::IsolatedKey => isolated::read(reader).map(|()| sealed(isolated::WHY)),
        BlobType::Kdf => kdf::read(reader).map(|_| sealed(kdf::WHY)),
        BlobType::OpaqueKey => {
            reader.rest("opaque");
            Ok(sealed(opaque::WHY))
        }
        // DER, which `asn1` takes apart.
        BlobType::OpaqueTransport => {
            let whole = asn1::transport::decode(reader.rest("OpaqueTransport"));
            whole.map(|_| Contents::Wrapped(blob_type)).map_err(Error::from)
        }
        BlobType::Pkcs7Envelope => {
            let whole = asn1::cms::decode(reader.rest("ContentInfo"));
            whole.map(|_| Contents::Wrapped(blob_type)).map_err(Error::from)
        }
        BlobType::Protected => protected::read(reader).map(|_| sealed(protected::WHY)),
        BlobType::RsaAesWrap => rsa_aes::RsaAesWrapBlob::read(reader).map(|_| Contents::Wrapped(blob_type)),
        BlobType::TpmPersistent | BlobType::TpmProtected => tpm::read(reader, blob_type).map(|()| sealed(tpm::WHY)),
        _ => return None,
    })
}

fn decode_from(reader: &mut Reader<'_>, blob_type: BlobType, hints: &Hints<'_>) -> Result<Decoded, Error> {
    match blob_type {
        BlobType::CapiDhPrivate => capi::dh::DhBlob::read(reader, Some(true))?.to_decoded(hints),
        BlobType::CapiDhPublic => capi::dh::DhBlob::read(reader, Some(false))?.to_decoded(hints),
        BlobType::CapiDsaPrivate => capi::dsa::DsaBlob::read(reader, true)?.to_decoded(hints),
        BlobType::CapiDsaPublic => capi::dsa::DsaBlob::read(reader, false)?.to_decoded(hints),
        BlobType::CapiDsaV2Private => capi::dsa::DsaBlob::read_v2(reader, true)?.to_decoded(hints),
        BlobType::CapiDsaV2Public => capi::dsa::DsaBlob::read_v2(reader, false)?.to_decoded(hints),
        BlobType::CapiPrivate => capi::rsa::RsaBlob::read(reader, Some(true))?.to_decoded(hints),
        BlobType::CapiPublic => capi::rsa::RsaBlob::read(reader, Some(false))?.to_decoded(hints),
        BlobType::Cipher => {
            let blob = cipher::CipherKeyBlob::read(reader)?;
            let algorithm = blob.algorithm()?;
            fits(hints, |given| given.family == Family::Symmetric(algorithm), || algorithm.name().to_owned())?;
            key_data::to_decoded(blob.key(), algorithm)
        }
        BlobType::DhPrivate => dh::DhBlob::read(reader, Some(true))?.to_decoded(hints),
        BlobType::DhPublic => dh::DhBlob::read(reader, Some(false))?.to_decoded(hints),
        BlobType::DsaPrivate => dsa::DsaBlob::read(reader, Some(true))?.to_decoded(hints),
        BlobType::DsaPublic => dsa::DsaBlob::read(reader, Some(false))?.to_decoded(hints),
        BlobType::EccFullPrivate => ecc_full::EccFullBlob::read(reader, Some(true))?.to_decoded(hints),
        BlobType::EccFullPublic => ecc_full::EccFullBlob::read(reader, Some(false))?.to_decoded(hints),
        BlobType::EccPrivate => ecc::EccBlob::read(reader, Some(true))?.to_decoded(hints),
        BlobType::EccPublic => ecc::EccBlob::read(reader, Some(false))?.to_decoded(hints),
        BlobType::KeyData => {
            let blob = key_data::KeyDataBlob::read(reader)?;
            let symmetric = |given: Algorithm| given.family.as_symmetric();
            fits(hints, |given| symmetric(given).is_some(), || "a symmetric key".to_owned())?;
            let algorithm = hints.algorithm.and_then(symmetric).unwrap_or(SymmetricAlgorithm::Aes);
            key_data::to_decoded(blob.key(), algorithm)
        }
        BlobType::MlKemPrivate
        | BlobType::MlKemPrivateSeed
        | BlobType::MlKemPublic
        | BlobType::PqDsaPrivate
        | BlobType::PqDsaPrivateSeed
        | BlobType::PqDsaPublic => {
            pq::PqBlob::read(reader, |held| held == blob_type, blob_type.name())?.to_decoded(hints)
        }
        BlobType::Pkcs8 => pkcs8::read(reader, hints),
        BlobType::PqPrivate => pq_private::read(reader)?.to_decoded(hints),
        BlobType::Private | BlobType::Public => by_magic(reader, blob_type, hints),
        BlobType::RsaFullPrivate => rsa::RsaBlob::read(reader, &[rsa::Kind::FullPrivate])?.to_decoded(hints),
        BlobType::RsaPrivate => rsa::RsaBlob::read(reader, &[rsa::Kind::Private])?.to_decoded(hints),
        BlobType::RsaPublic => rsa::RsaBlob::read(reader, &[rsa::Kind::Public])?.to_decoded(hints),
        BlobType::SslEccPublic => ssl_ecc::SslEccBlob::read(reader)?.to_decoded(hints),
        BlobType::AesWrap
        | BlobType::DhParameters
        | BlobType::DsaParameters
        | BlobType::EccParameters
        | BlobType::IsolatedKey
        | BlobType::Kdf
        | BlobType::OpaqueKey
        | BlobType::OpaqueTransport
        | BlobType::Pkcs7Envelope
        | BlobType::Protected
        | BlobType::RsaAesWrap
        | BlobType::TpmPersistent
        | BlobType::TpmProtected => match keyless_from(reader, blob_type, hints) {
            Some(outcome) => outcome?.into_key(blob_type),
            None => Err(Error::NotAKey { blob_type: blob_type.name() }),
        },
    }
}

/// `PUBLICBLOB`, `PRIVATEBLOB`: the blob of whatever algorithm the magic is of. CryptoAPI's blobs, whose magic is not in front, are not
/// among them.
fn by_magic(reader: &mut Reader<'_>, blob_type: BlobType, hints: &Hints<'_>) -> Result<Decoded, Error> {
    let private = blob_type == BlobType::Private;
    let found = reader.peek_u32("Magic")?;
    let places = magic::of(found).map_or(&[][..], |magic| magic.places);
    let types = places.iter().find(|(at, _)| *at == 0).map_or(&[][..], |(_, types)| types);
    let one = match types {
        // A generic elliptic-curve magic stands for two layouts, which their lengths tell apart.
        [_, _] => candidates(reader.unread()).into_iter().find(|one| types.contains(one)),
        _ => types.first().copied(),
    };
    match one.filter(|one| if private { one.is_private() } else { one.is_public() }) {
        Some(one) => decode_from(reader, one, hints),
        None => {
            let expected = if private { "an asymmetric private key" } else { "an asymmetric public key" };
            reader.magic("Magic", &[], expected)?;
            Err(Error::Magic { field: "Magic", offset: 0, found, expected })
        }
    }
}

/// Refuses an algorithm given beside a blob of no elliptic-curve key that contradicts it, and any curve.
fn fits(hints: &Hints<'_>, test: impl Fn(Algorithm) -> bool, found: impl Fn() -> String) -> Result<(), Error> {
    if hints.curve.is_none() && hints.algorithm.is_none_or(test) {
        return Ok(());
    }
    Err(Error::Algorithm { given: hints.describe(), found: found() })
}
