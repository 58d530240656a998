//! From a file to its keys.

use super::entry::position;
use super::{Entry, Error, Format, bind, container, jwk, only, pem};
use crate::asn1::pem::{Label, Section};
use crate::asn1::{self, Contents, Limits};
use crate::blob::{self, BlobType, Decoded, Hints, pkcs8};
use crate::key::{
    Algorithm, Curve, Family, KeyMaterial, PrivateKey, PublicKey, SymmetricAlgorithm, SymmetricKey, Validation,
};
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

/// Reads one key of a file: the only one, or the one that is called `wanted`. The algorithm and the curve that are given beside the file are for this key:
/// another one that they do not fit is not asked.
///
/// # Errors
/// [`Error`]; [`Error::SeveralKeys`] and [`Error::NoSuchKey`] when it is not told which one, or not well.
pub fn decode_one(bytes: &[u8], format: Format, hints: &Hints<'_>, wanted: Option<&str>) -> Result<Entry, Error> {
    let bare = Hints { algorithm: None, curve: None, ..*hints };
    let Some(wanted) = wanted else {
        return match decode_all(bytes, format, hints) {
            Ok(entries) => only(entries),
            Err(error) if !is_contradicted(&error) => Err(error),
            Err(error) => Err(match decode_all(bytes, format, &bare).map(only) {
                Ok(Err(several)) => several,
                _ => error,
            }),
        };
    };
    let mut outcomes = decode_each(bytes, format, hints)?;
    // A name may be known only of a key that what is given beside the file does not fit.
    let at = match position(&outcomes, wanted) {
        Ok(at) => at,
        Err(error) if !outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).any(is_contradicted) => {
            return Err(error);
        }
        Err(error) => decode_each(bytes, format, &bare).and_then(|bare| position(&bare, wanted)).map_err(|_| error)?,
    };
    if at < outcomes.len() { outcomes.swap_remove(at) } else { only(Vec::new()) }
}

/// Reads the keys of a file, the bad ones among them with what is wrong with them.
///
/// # Errors
/// [`Error`] when the file as a whole cannot be read, or has no key.
pub fn decode_each(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
    let is_of_der = format.der().is_some() || format.is_der();
    decode_text_or_not(bytes, is_of_der && is_text(bytes), format, hints)
}

/// Reads the keys of a file of which it is known whether it is PEM: that takes a pass over it.
pub(super) fn decode_text_or_not(
    bytes: &[u8],
    text: bool,
    format: Format,
    hints: &Hints<'_>,
) -> Result<Vec<Result<Entry, Error>>, Error> {
    let outcomes = match format {
        Format::Bind => vec![bind::decode(bytes, hints)],
        Format::Jwk => vec![jwk::decode(bytes, hints)],
        Format::JwkSet => jwk::decode_set(bytes, hints)?,
        Format::Pkcs12 => container::decode(bytes, hints)?,
        Format::Raw => vec![raw(bytes, hints)],
        format if text && (format.der().is_some() || format.is_der()) => decode_pem(bytes, format, hints)?,
        format => {
            let der = decode_der(bytes, format.der().unwrap_or(format), None, hints);
            vec![der]
        }
    };
    numbered(outcomes, format)
}

/// The keys of a file, the bad ones by their numbers.
pub(super) fn numbered(
    outcomes: Vec<Result<Entry, Error>>,
    format: Format,
) -> Result<Vec<Result<Entry, Error>>, Error> {
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

/// Whether the file is PEM.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    asn1::pem::is_pem(bytes)
}

/// Whether a key could be read but for what is said beside the file.
fn is_contradicted(error: &Error) -> bool {
    matches!(error.innermost(), Error::Blob(blob::Error::Algorithm { .. }))
}

/// Reads one DER structure.
///
/// `parameters` is the curve that stands in front of a SEC 1 key, which must be its own.
fn decode_der(
    bytes: &[u8],
    format: Format,
    parameters: Option<&'static Curve>,
    hints: &Hints<'_>,
) -> Result<Entry, Error> {
    let validation = hints.validation;
    let contents = match format {
        Format::PKCS8 => asn1::pkcs8::read(bytes, hints.opening(), validation)?.map(KeyMaterial::Private),
        Format::Blob(blob_type) => return Ok(blob::decode(bytes, blob_type, hints)?.into()),
        Format::Cert => return container::from_certificate(bytes, hints),
        Format::Dsa => private(PrivateKey::Dsa(asn1::dsa::decode_traditional(bytes, validation)?)),
        Format::Pkcs1 => private(PrivateKey::Rsa(asn1::pkcs1::decode_private(bytes, validation)?)),
        Format::Pkcs1Public => {
            Contents::plain(KeyMaterial::Public(PublicKey::Rsa(asn1::pkcs1::decode_public(bytes, validation)?)))
        }
        Format::Sec1 => sec1(bytes, parameters, hints)?,
        Format::Spki => asn1::spki::read(bytes, validation)?.map(KeyMaterial::Public),
        other => return Err(Error::NoKey { format: other.name(), problem: "it is no DER structure".to_owned() }),
    };
    let encrypted = format == Format::PKCS8 && asn1::pkcs8::is_encrypted(bytes);
    Ok(Entry { encrypted, ..entry(contents, hints)? })
}

/// Reads SEC 1. A curve that is given beside it is for a file that names none; whether it fits is asked like with every other format.
fn sec1(
    bytes: &[u8],
    parameters: Option<&'static Curve>,
    hints: &Hints<'_>,
) -> Result<Contents<KeyMaterial>, asn1::Error> {
    let key = match asn1::sec1::decode(bytes, parameters, hints.validation) {
        Err(asn1::sec1::NO_CURVE) if hints.curve.is_some() => asn1::sec1::decode(bytes, hints.curve, hints.validation),
        outcome => outcome,
    };
    Ok(private(PrivateKey::Ec(key?)))
}

fn private(key: PrivateKey) -> Contents<KeyMaterial> {
    Contents::plain(KeyMaterial::Private(key))
}

/// A key from DER, with what its structure says beyond it.
pub(super) fn entry(contents: Contents<KeyMaterial>, hints: &Hints<'_>) -> Result<Entry, Error> {
    let algorithm = pkcs8::algorithm(&contents.key, contents.usage, hints)?;
    let extras = contents.losses.iter().map(ToString::to_string).collect();
    let decoded = Decoded { algorithm, key: contents.key, usage: contents.usage };
    Ok(Entry { extras, ..decoded.into() })
}

/// Reads the blocks of a PEM file. Asked for private keys, it gives all of them, whatever their labels, and the public keys that
/// belong to none of them; certificates go to the keys that they are for.
fn decode_pem(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
    let wanted = |label: Format| label == format || label.der() == Some(format);
    let blocks = sections(bytes)?;
    let keys = || blocks.iter().filter_map(|section| Some((section, pem::format(section)?)));
    if !keys().any(|(_, label)| wanted(label)) {
        let labels: Vec<_> = blocks.iter().take(5).map(|block| format!("`{}`", block.label)).collect();
        let problem = match labels.as_slice() {
            [] => "there is no PEM block in it".to_owned(),
            labels => format!("the labels of its PEM blocks are {}", labels.join(", ")),
        };
        return Err(Error::NoKey { format: format.name(), problem });
    }
    let certificates = keys().filter(|(_, label)| *label == Format::CertPem);
    let certificates = certificates.map(|(section, _)| pem::contents(section)).collect::<Result<Vec<_>, _>>()?;
    if wanted(Format::CertPem) {
        let certificates: Vec<&[u8]> = certificates.iter().map(|certificate| &**certificate).collect();
        return Ok(container::leaves(&certificates, hints));
    }
    // A label need not say that what stands under it is encrypted.
    let is_encrypted = |block: &Section<'_>| pem::contents(block).is_ok_and(|der| asn1::pkcs8::is_encrypted(&der));
    let encrypted = keys().filter(|(block, label)| *label == Format::Pkcs8Pem && is_encrypted(block)).count();
    // Each may ask for its share of the work that one file may ask for.
    let hints = &Hints { limits: share(hints.limits, encrypted), ..*hints };
    let mut private = Vec::new();
    let mut public = Vec::new();
    let mut parameters = None;
    for block in &blocks {
        if block.kind() == Some(Label::EcParameters) {
            // Of a curve that is not known they do not matter until a key says that it is on it.
            parameters = block.decode().ok().and_then(|der| asn1::ec_parameters::decode(&der).ok());
            continue;
        }
        let before = parameters.take().map(|(curve, _)| curve);
        let Some((label, der)) = pem::format(block).and_then(|label| Some((label, label.der()?))) else { continue };
        let read = || {
            let bytes = pem::contents(block)?;
            // Some writers put SubjectPublicKeyInfo under the label of PKCS#1.
            let is_spki = der == Format::Pkcs1Public
                && matches!(asn1::spki::decode(&bytes, Validation::Skip), Ok(PublicKey::Rsa(_)));
            decode_der(&bytes, if is_spki { Format::Spki } else { der }, before, hints)
        };
        match (label.is_public(), format.is_public()) {
            (false, false) => private.push(read()),
            (true, false) if label != Format::CertPem => public.push(read()),
            (true, true) if wanted(label) => public.push(read()),
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

/// The sections of a PEM file, of which one that is broken is an error.
fn sections(bytes: &[u8]) -> Result<Vec<Section<'_>>, Error> {
    let mut sections = Vec::new();
    for section in asn1::pem::sections(bytes) {
        let section = section?;
        if sections.len() == MAX_KEYS {
            return Err(too_many(Format::Pkcs8Pem, section.offset));
        }
        sections.push(section);
    }
    Ok(sections)
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
