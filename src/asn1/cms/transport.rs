//! The key transport algorithms: how the content key is encrypted under an RSA key (RFC 3370 §4.2.1, RFC 3560, RFC 8017 appendix A.2.1).
//!
//! Of the parameters of OAEP the defaults are left out on writing, and those of a hash function are NULL there, as RFC 4055 §2.1 wants it; on reading
//! both are taken either way.

use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence, Tag};

use super::oid;
use crate::asn1::Error;
use crate::asn1::algorithm::{RSA_ENCRYPTION, RSA_OAEP};
use crate::asn1::pbe::{Hash as Digest, name_of, no_parameters, parameters};
use crate::key::rsa::{Hash, PrivateKey, PublicKey};
use crate::secret::SecretBytes;

const WHAT: &str = "the parameters of id-RSAES-OAEP";

/// RFC 8017 appendix A.2.1.
const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
const P_SPECIFIED: ObjectIdentifier = oid("1.2.840.113549.1.1.9");

/// The hash functions of keys, and the same among those of passwords, which know their OIDs.
const HASHES: [(Hash, Digest); 4] = [
    (Hash::Sha1, Digest::Sha1),
    (Hash::Sha256, Digest::Sha256),
    (Hash::Sha384, Digest::Sha384),
    (Hash::Sha512, Digest::Sha512),
];

/// How the content key is encrypted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transport {
    /// `rsaEncryption`: RSAES-PKCS1-v1_5.
    Pkcs1,
    /// `id-RSAES-OAEP`.
    Oaep {
        /// The hash function of the label.
        hash: Hash,
        /// The one in MGF1. Most programs take the same; Java's default is SHA-1 whatever the other is.
        mgf1: Hash,
        /// The label, in RFC 8017's older words the encoding parameters P; as good as always empty.
        label: Vec<u8>,
    },
    /// Something that is not read here, by its name.
    Unknown(String),
}

#[derive(Sequence)]
struct RsaesOaepParams<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask_generation: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    source: Option<AlgorithmIdentifierRef<'a>>,
}

impl Transport {
    /// OAEP with one hash function and no label.
    pub fn oaep(hash: Hash) -> Self {
        Self::Oaep { hash, mgf1: hash, label: Vec::new() }
    }

    pub(super) fn read(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, Error> {
        match algorithm.oid {
            RSA_ENCRYPTION => {
                no_parameters("rsaEncryption", algorithm)?;
                Ok(Self::Pkcs1)
            }
            RSA_OAEP => read_oaep(algorithm),
            other => Ok(Self::Unknown(name_of(other))),
        }
    }

    /// The `AlgorithmIdentifier`, in DER.
    pub(super) fn to_der(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Pkcs1 => AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) }
                .to_der()
                .map_err(|error| Error::encoding("rsaEncryption", error)),
            Self::Oaep { hash, mgf1, label } => {
                oaep_parameters(*hash, *mgf1, label).map_err(|error| Error::encoding(WHAT, error))
            }
            Self::Unknown(what) => Err(Error::Encryption { what: what.clone() }),
        }
    }

    /// Encrypts a content key.
    pub(super) fn encrypt(&self, key: &PublicKey, content_key: &[u8]) -> Result<Vec<u8>, Error> {
        let encrypted = match self {
            Self::Pkcs1 => key.encrypt_pkcs1(content_key),
            Self::Oaep { hash, mgf1, label } if hash == mgf1 => key.encrypt_oaep(*hash, label, content_key),
            Self::Oaep { .. } => return Err(two_hashes()),
            Self::Unknown(what) => return Err(Error::Encryption { what: what.clone() }),
        };
        let problem = "it is too short for the padding around a content key, or its exponent too long";
        encrypted.ok_or(Error::Invalid { what: "the key of a recipient", problem })
    }

    /// Decrypts a content key.
    pub(super) fn decrypt(&self, key: &PrivateKey, encrypted: &[u8]) -> Result<SecretBytes, Error> {
        match self {
            Self::Pkcs1 => Err(Error::Unsupported {
                what: "a content key under RSAES-PKCS1-v1_5",
                hint: "in software it would show by its timing whether the padding is right: decrypt it with the key on a token, or have it encrypted with OAEP",
            }),
            Self::Oaep { hash, mgf1, label } if hash == mgf1 => {
                key.decrypt_oaep(*hash, label, encrypted).ok_or(Error::Envelope)
            }
            Self::Oaep { .. } => Err(two_hashes()),
            Self::Unknown(what) => Err(Error::Encryption { what: what.clone() }),
        }
    }
}

fn two_hashes() -> Error {
    Error::Encryption { what: "RSAES-OAEP with another hash function in MGF1, in software".to_owned() }
}

fn read_oaep(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Transport, Error> {
    let invalid = |problem| Error::Invalid { what: WHAT, problem };
    let parameters: RsaesOaepParams<'_> = parameters(WHAT, algorithm)?;
    let unknown = |what: String| Ok(Transport::Unknown(format!("RSAES-OAEP with {what}")));

    let hash = match &parameters.hash {
        None => Hash::Sha1,
        Some(algorithm) => match hash_function(algorithm)? {
            Ok(hash) => hash,
            Err(name) => return unknown(name),
        },
    };
    let mgf1 = match &parameters.mask_generation {
        None => Hash::Sha1,
        Some(function) if function.oid != MGF1 => {
            return unknown(format!("the mask generation function of {}", name_of(function.oid)));
        }
        Some(function) => {
            let inner = function.parameters.ok_or_else(|| invalid("those of MGF1 are missing"))?;
            match hash_function(&inner.decode_as().map_err(|error| Error::from((WHAT, error)))?)? {
                Ok(hash) => hash,
                Err(name) => return unknown(format!("MGF1 with {name}")),
            }
        }
    };
    let label = match &parameters.source {
        None => Vec::new(),
        Some(source) if source.oid != P_SPECIFIED => {
            return unknown(format!("a label from the source of {}", name_of(source.oid)));
        }
        Some(source) => {
            let inner = source.parameters.ok_or_else(|| invalid("the label is missing"))?;
            let label: &OctetStringRef = inner.decode_as().map_err(|error| Error::from((WHAT, error)))?;
            label.as_bytes().to_vec()
        }
    };
    Ok(Transport::Oaep { hash, mgf1, label })
}

/// A hash function, or the name of one that is not taken.
fn hash_function(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Result<Hash, String>, Error> {
    no_parameters("the hash function of id-RSAES-OAEP", algorithm)?;
    let Some(digest) = Digest::by_digest(algorithm.oid) else { return Ok(Err(name_of(algorithm.oid))) };
    let found = HASHES.iter().find(|(_, known)| *known == digest).map(|(hash, _)| *hash);
    Ok(found.ok_or_else(|| digest.name().to_owned()))
}

/// The `AlgorithmIdentifier` of a hash function.
fn hash_algorithm(hash: Hash) -> AlgorithmIdentifierRef<'static> {
    let digest = HASHES.iter().find(|(known, _)| *known == hash).map_or(Digest::Sha1, |(_, digest)| *digest);
    AlgorithmIdentifierRef { oid: digest.digest_oid(), parameters: Some(AnyRef::NULL) }
}

fn oaep_parameters(hash: Hash, mgf1: Hash, label: &[u8]) -> der::Result<Vec<u8>> {
    // SHA-1 and the empty label are the defaults, which DER leaves out (X.690 §11.5).
    let mgf1_hash = hash_algorithm(mgf1).to_der()?;
    let mask_generation = AlgorithmIdentifierRef { oid: MGF1, parameters: Some(AnyRef::from_der(&mgf1_hash)?) };
    let source = AlgorithmIdentifierRef { oid: P_SPECIFIED, parameters: Some(AnyRef::new(Tag::OctetString, label)?) };
    let parameters = RsaesOaepParams {
        hash: (hash != Hash::Sha1).then(|| hash_algorithm(hash)),
        mask_generation: (mgf1 != Hash::Sha1).then_some(mask_generation),
        source: (!label.is_empty()).then_some(source),
    };
    let parameters = parameters.to_der()?;
    let algorithm = AlgorithmIdentifierRef { oid: RSA_OAEP, parameters: Some(AnyRef::from_der(&parameters)?) };
    algorithm.to_der()
}
