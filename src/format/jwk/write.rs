//! From a key to the text of a JWK, in one buffer of the exact length.

use std::sync::Arc;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

use super::algorithms::{self, Words};
use super::built_in;
use crate::format::{Error, Format};
use crate::key::{Algorithm, KeyMaterial, KeyUsage, PrivateKey, PublicKey, rsa};
use crate::secret::SecretBytes;

/// A piece of the text.
enum Part<'a> {
    Text(&'a str),
    /// A JSON string of this text.
    Quoted(String),
    /// A JSON string of these bytes in base64url.
    Url(&'a [u8]),
    /// A JSON string of these bytes in base64.
    Padded(&'a [u8]),
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Quoted(text) => text.len(),
            Self::Url(bytes) => Base64UrlUnpadded::encoded_len(bytes) + 2,
            Self::Padded(bytes) => Base64::encoded_len(bytes) + 2,
        }
    }

    /// Writes into a place that has exactly this length.
    fn write(&self, place: &mut [u8]) -> Option<()> {
        fn base64<E: Encoding>(bytes: &[u8], place: &mut [u8]) -> Option<()> {
            let (first, rest) = place.split_first_mut()?;
            let (last, inner) = rest.split_last_mut()?;
            (*first, *last) = (b'"', b'"');
            E::encode(bytes, inner).ok().map(|_| ())
        }
        match self {
            Self::Text(text) => place.copy_from_slice(text.as_bytes()),
            Self::Quoted(text) => place.copy_from_slice(text.as_bytes()),
            Self::Url(bytes) => base64::<Base64UrlUnpadded>(bytes, place)?,
            Self::Padded(bytes) => base64::<Base64>(bytes, place)?,
        }
        Some(())
    }
}

/// What stands in a JWK beside the key.
pub(in crate::format) struct Beside<'a> {
    pub(in crate::format) usage: Option<KeyUsage>,
    pub(in crate::format) name: Option<&'a str>,
    pub(in crate::format) certificates: &'a [Arc<[u8]>],
}

/// Writes a JWK.
pub(in crate::format) fn encode(
    key: &KeyMaterial,
    algorithm: Algorithm,
    beside: &Beside<'_>,
) -> Result<SecretBytes, Error> {
    built_in(Format::Jwk)?;
    text(key, algorithm, beside, Format::Jwk)
}

/// Writes a JWK set of one key.
pub(in crate::format) fn encode_set(
    key: &KeyMaterial,
    algorithm: Algorithm,
    beside: &Beside<'_>,
) -> Result<SecretBytes, Error> {
    built_in(Format::JwkSet)?;
    text(key, algorithm, beside, Format::JwkSet)
}

fn text(key: &KeyMaterial, algorithm: Algorithm, beside: &Beside<'_>, format: Format) -> Result<SecretBytes, Error> {
    let mut parts = Vec::new();
    let set = format == Format::JwkSet;
    parts.push(Part::Text(if set { "{\"keys\":[{" } else { "{" }));
    members(&mut parts, key, format)?;
    let words = algorithms::words(key, algorithm, beside.usage);
    if let Some(alg) = algorithms::needed_alg(key, &words) {
        member(&mut parts, ",\"alg\":", Part::Quoted(quoted(alg)));
    }
    match words {
        Words::Nothing => {}
        Words::Use(word) => member(&mut parts, ",\"use\":", Part::Quoted(quoted(word))),
        Words::Operations(words, _) => {
            parts.push(Part::Text(",\"key_ops\":["));
            list(&mut parts, words.into_iter().map(|word| Part::Quoted(quoted(word))));
        }
    }
    if let Some(name) = beside.name {
        member(&mut parts, ",\"kid\":", Part::Quoted(quoted(name)));
    }
    if !beside.certificates.is_empty() {
        parts.push(Part::Text(",\"x5c\":["));
        list(&mut parts, beside.certificates.iter().map(|certificate| Part::Padded(certificate)));
    }
    parts.push(Part::Text(if set { "}]}\n" } else { "}\n" }));

    let mut out = SecretBytes::zeroed(parts.iter().map(Part::len).sum());
    let mut rest = out.as_mut_slice();
    for part in &parts {
        let written = rest.split_at_mut_checked(part.len()).and_then(|(place, left)| {
            part.write(place)?;
            Some(left)
        });
        rest = written.ok_or_else(|| Error::not_representable(format, "a number that long"))?;
    }
    Ok(out)
}

fn member<'a>(parts: &mut Vec<Part<'a>>, name: &'a str, value: Part<'a>) {
    parts.push(Part::Text(name));
    parts.push(value);
}

fn list<'a>(parts: &mut Vec<Part<'a>>, values: impl Iterator<Item = Part<'a>>) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            parts.push(Part::Text(","));
        }
        parts.push(value);
    }
    parts.push(Part::Text("]"));
}

fn members<'a>(parts: &mut Vec<Part<'a>>, key: &'a KeyMaterial, format: Format) -> Result<(), Error> {
    let refused = |what: String| Err(Error::not_representable(format, what));
    match key {
        KeyMaterial::Secret(key) => {
            member(parts, "\"kty\":\"oct\",\"k\":", Part::Url(key.key()));
            Ok(())
        }
        KeyMaterial::Public(PublicKey::Rsa(key)) => {
            rsa_members(parts, key);
            Ok(())
        }
        KeyMaterial::Private(PrivateKey::Rsa(key)) => {
            rsa_members(parts, key.public());
            let numbers = key.numbers();
            member(parts, ",\"d\":", Part::Url(&numbers.d));
            member(parts, ",\"p\":", Part::Url(&numbers.p));
            member(parts, ",\"q\":", Part::Url(&numbers.q));
            member(parts, ",\"dp\":", Part::Url(&numbers.dp));
            member(parts, ",\"dq\":", Part::Url(&numbers.dq));
            member(parts, ",\"qi\":", Part::Url(&numbers.qinv));
            Ok(())
        }
        KeyMaterial::Public(PublicKey::Ec(key)) => point_members(parts, key, format),
        KeyMaterial::Private(PrivateKey::Ec(key)) => match key.public() {
            Some(public) => {
                point_members(parts, public, format)?;
                member(parts, ",\"d\":", Part::Url(key.d()));
                Ok(())
            }
            None => refused("a key without its public point".to_owned()),
        },
        KeyMaterial::Public(PublicKey::Pq(key)) => lattice_members(parts, key, format),
        KeyMaterial::Private(PrivateKey::Pq(key)) => match (key.public(), key.seed()) {
            (Some(public), Some(seed)) => {
                lattice_members(parts, public, format)?;
                member(parts, ",\"priv\":", Part::Url(seed));
                Ok(())
            }
            _ => refused("a key without its seed and its public key".to_owned()),
        },
        KeyMaterial::Public(PublicKey::Dh(_) | PublicKey::Dsa(_))
        | KeyMaterial::Private(PrivateKey::Dh(_) | PrivateKey::Dsa(_)) => refused(key.describe().to_owned()),
    }
}

fn rsa_members<'a>(parts: &mut Vec<Part<'a>>, key: &'a rsa::PublicKey) {
    member(parts, "\"kty\":\"RSA\",\"n\":", Part::Url(key.n()));
    member(parts, ",\"e\":", Part::Url(key.e()));
}

fn point_members<'a>(
    parts: &mut Vec<Part<'a>>,
    key: &'a crate::key::ec::PublicKey,
    format: Format,
) -> Result<(), Error> {
    let curve = key.curve();
    let Some((kty, crv)) = algorithms::of_curve(curve) else {
        return Err(Error::not_representable(format, format!("a key on {}: no name of it is registered", curve.name)));
    };
    member(parts, "\"kty\":", Part::Quoted(quoted(kty)));
    member(parts, ",\"crv\":", Part::Quoted(quoted(crv)));
    member(parts, ",\"x\":", Part::Url(key.x()));
    if kty == "EC" {
        member(parts, ",\"y\":", Part::Url(key.y()));
    }
    Ok(())
}

fn lattice_members<'a>(
    parts: &mut Vec<Part<'a>>,
    key: &'a crate::key::pq::PublicKey,
    format: Format,
) -> Result<(), Error> {
    let set = key.set();
    if set.family() != crate::key::Family::MlDsa {
        return Err(Error::not_representable(format, format!("a key of {}", set.full_name())));
    }
    member(parts, "\"kty\":\"AKP\",\"alg\":", Part::Quoted(quoted(&set.full_name())));
    member(parts, ",\"pub\":", Part::Url(key.as_bytes()));
    Ok(())
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1F' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
