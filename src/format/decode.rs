//! From a file to its keys.

use super::{Entry, Error, Format, bind, container, jwk, only, pem};
use crate::asn1::{self, Limits};
use crate::blob::{self, BlobType, Decoded, Hints, pkcs8};
use crate::key::{Algorithm, Family, KeyMaterial, PrivateKey, PublicKey, SymmetricAlgorithm, SymmetricKey};
use crate::secret::SecretBytes;

/// A file with more keys than this is refused: each is checked, which takes its time.
pub const MAX_KEYS: usize = 1000;

/// Reads the one key of a file of a known format. DER is taken where PEM is asked for, and PEM where DER is.
///
/// # Errors
/// [`Error`]; [`Error::SeveralKeys`] when there are more, which [`decode_all`] reads.
pub fn decode(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Decoded, Error> {
    if let Format::Blob(blob_type) = format
        && (blob_type != BlobType::Pkcs8 || !is_text(bytes))
    {
        return Ok(blob::decode(bytes, blob_type, hints)?);
    }
    Ok(only(decode_all(bytes, format, hints)?)?.decoded)
}

/// Reads all keys of a file, with what it says of them.
///
/// # Errors
/// [`Error`]; of one key among several [`Error::Entry`], which tells which.
pub fn decode_all(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Vec<Entry>, Error> {
    decode_each(bytes, format, hints)?.into_iter().collect()
}

/// Reads the keys of a file, the bad ones among them with what is wrong with them.
///
/// # Errors
/// [`Error`] when the file as a whole cannot be read, or has no key.
pub fn decode_each(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
    let text = is_text(bytes);
    let outcomes = match format {
        Format::Bind => vec![bind::decode(bytes, hints)],
        Format::Jwk => vec![jwk::decode(bytes, hints)],
        Format::JwkSet => jwk::decode_set(bytes, hints)?,
        Format::Pkcs12 => container::decode(bytes, hints)?,
        Format::Raw => vec![raw(bytes, hints)],
        format if text && (format.der().is_some() || format.is_der()) => decode_pem(bytes, format, hints)?,
        format => {
            let der = decode_der(bytes, format.der().unwrap_or(format), hints);
            vec![der]
        }
    };
    match outcomes.len() {
        0 => Err(Error::NoKey { format: format.name(), problem: "there is no key in it".to_owned() }),
        // What is wrong with the only key is wrong with the file.
        1 => outcomes.into_iter().map(|outcome| outcome.map(Ok)).collect(),
        _ => Ok(outcomes.into_iter().zip(1..).map(|(outcome, number)| named(outcome, number)).collect()),
    }
}

fn named(outcome: Result<Entry, Error>, number: usize) -> Result<Entry, Error> {
    outcome.map_err(|error| match error {
        named @ Error::Entry { .. } => named,
        error => error.of_key(format!("key {number}")),
    })
}

/// Whether the file is PEM. DER begins with a SEQUENCE that reaches to its end.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    asn1::outer_length(bytes) != Some(bytes.len()) && pem::is_pem(bytes)
}

/// Reads one DER structure.
fn decode_der(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Entry, Error> {
    let private = |key| pkcs8::private_to_decoded(key, None, hints).map_err(Error::from);
    let decoded = match format {
        Format::Blob(blob_type) => blob::decode(bytes, blob_type, hints)?,
        Format::Cert => return container::from_certificate(bytes, hints),
        Format::Pkcs1 => private(PrivateKey::Rsa(asn1::pkcs1::decode_private(bytes, hints.validation)?))?,
        Format::Pkcs1Public => {
            public_to_decoded(PublicKey::Rsa(asn1::pkcs1::decode_public(bytes, hints.validation)?), hints)?
        }
        Format::Sec1 => private(PrivateKey::Ec(asn1::sec1::decode(bytes, hints.curve, hints.validation)?))?,
        Format::Spki => public_to_decoded(asn1::spki::decode(bytes, hints.validation)?, hints)?,
        other => return Err(Error::NoKey { format: other.name(), problem: "it is no DER structure".to_owned() }),
    };
    Ok(decoded.into())
}

/// Reads the blocks of a PEM file. Asked for private keys, it gives all of them, whatever their labels, and the public keys that
/// belong to none of them; certificates go to the keys that they are for.
fn decode_pem(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
    let wanted = |label: Format| label == format || label.der() == Some(format);
    let blocks = pem::blocks(bytes).collect_bounded()?;
    let keys = || blocks.iter().filter_map(|block| Some((block, block.format()?)));
    if !keys().any(|(_, label)| wanted(label)) {
        let labels: Vec<_> = blocks.iter().take(5).map(|block| format!("`{}`", block.label)).collect();
        let problem = match labels.as_slice() {
            [] => "there is no PEM block in it".to_owned(),
            labels => format!("the labels of its PEM blocks are {}", labels.join(", ")),
        };
        return Err(Error::NoKey { format: format.name(), problem });
    }
    let certificates = keys().filter(|(_, label)| *label == Format::CertPem);
    let certificates = certificates.map(|(block, _)| block.decode()).collect::<Result<Vec<_>, _>>()?;
    if wanted(Format::CertPem) {
        let certificates: Vec<&[u8]> = certificates.iter().map(|certificate| &**certificate).collect();
        return Ok(container::leaves(&certificates, hints));
    }
    let encrypted = keys().filter(|(block, _)| block.label.starts_with("ENCRYPTED")).count();
    // Each may ask for its share of the work that one file may ask for.
    let hints = &Hints { limits: share(hints.limits, encrypted), ..*hints };
    let mut private = Vec::new();
    let mut public = Vec::new();
    for (block, label) in keys() {
        let Some(der) = label.der() else { continue };
        match (label.is_public(), format.is_public()) {
            (false, false) => private.push(block.decode().and_then(|bytes| decode_der(&bytes, der, hints))),
            (true, false) if label != Format::CertPem => {
                public.push(block.decode().and_then(|bytes| decode_der(&bytes, der, hints)));
            }
            (true, true) if wanted(label) => {
                public.push(block.decode().and_then(|bytes| decode_der(&bytes, der, hints)));
            }
            _ => {}
        }
    }
    let halves: Vec<_> = private.iter().flatten().filter_map(|entry| entry.decoded.key.public()).collect();
    public.retain(|outcome| match outcome {
        Ok(entry) => entry.decoded.key.public().is_none_or(|public| !halves.contains(&public)),
        Err(_) => true,
    });
    private.extend(public);
    let certificates: Vec<&[u8]> = certificates.iter().map(|certificate| &**certificate).collect();
    container::attach(&mut private, &certificates);
    Ok(private)
}

/// Collects blocks, but no more than a file may have.
trait CollectBounded<T> {
    fn collect_bounded(self) -> Result<Vec<T>, Error>;
}

impl<'a, I: Iterator<Item = Result<pem::Block<'a>, Error>>> CollectBounded<pem::Block<'a>> for I {
    fn collect_bounded(self) -> Result<Vec<pem::Block<'a>>, Error> {
        let mut blocks = Vec::new();
        for block in self {
            let block = block?;
            if blocks.len() == MAX_KEYS {
                return Err(too_many(Format::Pkcs8Pem, block.offset));
            }
            blocks.push(block);
        }
        Ok(blocks)
    }
}

pub(super) fn too_many(format: Format, offset: usize) -> Error {
    Error::text(format, "the next key", offset, "there are more than 1000, which no key file has")
}

fn share(limits: Limits, parts: usize) -> Limits {
    let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
    Limits { iterations: limits.iterations / parts, scrypt_work: limits.scrypt_work / u64::from(parts), ..limits }
}

fn raw(bytes: &[u8], hints: &Hints<'_>) -> Result<Entry, Error> {
    let algorithm = match hints.algorithm.map(|algorithm| algorithm.family) {
        None => SymmetricAlgorithm::Aes,
        Some(Family::Symmetric(algorithm)) => algorithm,
        Some(other) => {
            return Err(Error::not_representable(Format::Raw, format!("a key of {}", other.identifier())));
        }
    };
    let key = SymmetricKey::new(algorithm, SecretBytes::from(bytes))?;
    let algorithm = Algorithm::symmetric(algorithm);
    Ok(Decoded { algorithm, key: KeyMaterial::Secret(key), usage: None }.into())
}

pub(super) fn public_to_decoded(key: PublicKey, hints: &Hints<'_>) -> Result<Decoded, Error> {
    let key = KeyMaterial::Public(key);
    Ok(Decoded { algorithm: pkcs8::algorithm(&key, None, hints)?, key, usage: None })
}
