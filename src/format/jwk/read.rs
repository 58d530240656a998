//! From the members of a JWK to a key.

use std::sync::Arc;

use super::algorithms;
use super::members::{Members, peek};
use crate::blob::{Decoded, Hints, pkcs8};
use crate::format::json::Node;
use crate::format::{Entry, Error, Format, container, entry};
use crate::key::rsa::{self, PrivateNumbers};
use crate::key::{Algorithm, Family, KeyMaterial, KeyUsage, ParameterSet, PrivateKey, PublicKey, SymmetricKey, ec, pq};

/// The `kid` of a key, for a message.
pub(super) fn name(key: Node<'_>) -> Option<String> {
    peek(key, "kid").map(|name| entry::printable(&name))
}

/// Reads one key.
pub(super) fn key(value: Node<'_>, format: Format, hints: &Hints<'_>) -> Result<Entry, Error> {
    let mut members = Members::new(value, format)?;
    let (kty, kty_at) = members.required_text("kty")?;
    let mut extras = Vec::new();
    let usage = usage(&mut members, &kty, &mut extras)?;
    let decoded = match kty.as_str() {
        "RSA" => asymmetric(rsa_key(&mut members, hints)?, usage, hints)?,
        "EC" | "OKP" => asymmetric(curve_key(&mut members, &kty, hints)?, usage, hints)?,
        "AKP" => asymmetric(lattice_key(&mut members, hints)?, usage, hints)?,
        "oct" => symmetric(&mut members, usage, hints, &mut extras)?,
        _ => return Err(members.wrong("kty", kty_at, "RSA, EC, OKP, oct and AKP are handled")),
    };
    let name = members.text("kid")?.map(|(name, _)| name);
    let certificates = certificates(&mut members, &decoded)?;
    extras.extend(members.into_names());
    extras.sort_unstable();
    Ok(Entry { name, certificates, extras, ..decoded.into() })
}

/// What `use` and `key_ops` allow. What neither of them says a usage of is allowed everything.
/// Words that are not known are named among what the file says beyond the key.
fn usage(members: &mut Members<'_>, kty: &str, extras: &mut Vec<String>) -> Result<Option<KeyUsage>, Error> {
    let of_use = members.text("use")?.and_then(|(word, _)| {
        let usage = algorithms::usage_of_use(&word, matches!(kty, "EC" | "OKP"));
        if usage.is_none() {
            extras.push(format!("use {}", entry::printable(&word)));
        }
        usage
    });
    let mut of_operations = None;
    let mut seen: Vec<String> = Vec::new();
    for (word, offset) in members.texts("key_ops")? {
        if seen.contains(&word) {
            return Err(members.wrong("key_ops", offset, "an operation stands there twice (RFC 7517 §4.3)"));
        }
        match algorithms::usage_of_operation(&word) {
            // `sig` is to sign and to verify, `enc` is everything else.
            Some(usage) if of_use.is_some_and(|of_use| (of_use == KeyUsage::SIGN) != (usage == KeyUsage::SIGN)) => {
                return Err(members.wrong("key_ops", offset, "the operation contradicts `use` (RFC 7517 §4.3)"));
            }
            Some(usage) => *of_operations.get_or_insert_with(KeyUsage::default) |= usage,
            None => extras.push(format!("key_ops {}", entry::printable(&word))),
        }
        seen.push(word);
    }
    Ok(of_operations.or(of_use))
}

/// `x5c`: the first certificate is the key's own (RFC 7517 §4.7).
fn certificates(members: &mut Members<'_>, decoded: &Decoded) -> Result<Vec<Arc<[u8]>>, Error> {
    let certificates = members.certificates()?;
    for (at, (der, offset)) in certificates.iter().enumerate() {
        if !container::is_certificate(der) {
            return Err(members.wrong("x5c", *offset, "it is not an X.509 certificate"));
        }
        if at == 0 && !container::is_of_key(der, &decoded.key) {
            return Err(members.wrong("x5c", *offset, "the first certificate is not for this key (RFC 7517 §4.7)"));
        }
    }
    Ok(certificates.into_iter().map(|(der, _)| der).collect())
}

fn asymmetric(key: KeyMaterial, usage: Option<KeyUsage>, hints: &Hints<'_>) -> Result<Decoded, Error> {
    Ok(Decoded { algorithm: pkcs8::algorithm(&key, usage, hints)?, key, usage })
}

fn rsa_key(members: &mut Members<'_>, hints: &Hints<'_>) -> Result<KeyMaterial, Error> {
    let (n, e) = (members.required("n")?, members.required("e")?);
    let public = rsa::PublicKey::new(&n, &e, hints.validation)?;
    if let Some(others) = members.take("oth") {
        return Err(members.wrong("oth", others.offset(), "it has more than two primes, which no CNG blob can hold"));
    }
    let Some(d) = members.bytes("d")? else {
        if let Some(name) = ["p", "q", "dp", "dq", "qi"].into_iter().find(|name| members.has(name)) {
            return Err(members.wrong_key(name, "it is there and `d` is not"));
        }
        return Ok(KeyMaterial::Public(PublicKey::Rsa(public)));
    };
    if !members.has("p") {
        return Err(
            members.wrong_key("p", "it is missing: a key of `d` alone is allowed by RFC 7518 and is no CNG key")
        );
    }
    let numbers = PrivateNumbers {
        p: members.required("p")?.trimmed(),
        q: members.required("q")?.trimmed(),
        dp: members.required("dp")?.trimmed(),
        dq: members.required("dq")?.trimmed(),
        qinv: members.required("qi")?.trimmed(),
        d: d.trimmed(),
    };
    Ok(KeyMaterial::Private(PrivateKey::Rsa(rsa::PrivateKey::from_numbers(public, numbers, hints.validation)?)))
}

fn curve_key(members: &mut Members<'_>, kty: &str, hints: &Hints<'_>) -> Result<KeyMaterial, Error> {
    let (crv, crv_at) = members.required_text("crv")?;
    let curve = algorithms::curve(kty, &crv);
    let curve = curve.ok_or_else(|| members.wrong("crv", crv_at, "it is no curve of this `kty` that is registered"))?;
    let x = members.exact("x", curve.width())?;
    let public = if kty == "EC" {
        let y = members.exact("y", curve.width())?;
        ec::PublicKey::new(curve, &x, &y, hints.validation)?
    } else {
        ec::PublicKey::from_point(curve, &x, hints.validation)?
    };
    if !members.has("d") {
        return Ok(KeyMaterial::Public(PublicKey::Ec(public)));
    }
    let width = if kty == "EC" { curve.order_width() } else { curve.width() };
    let d = members.exact("d", width)?;
    Ok(KeyMaterial::Private(PrivateKey::Ec(ec::PrivateKey::new(curve, &d, Some(public), hints.validation)?)))
}

fn lattice_key(members: &mut Members<'_>, hints: &Hints<'_>) -> Result<KeyMaterial, Error> {
    let (alg, alg_at) = members.required_text("alg")?;
    let set = ParameterSet::ALL.iter().copied().find(|set| set.family() == Family::MlDsa && set.full_name() == alg);
    let set = set.ok_or_else(|| members.wrong("alg", alg_at, "ML-DSA-44, ML-DSA-65 and ML-DSA-87 are handled"))?;
    let public = members.exact("pub", set.public_len())?;
    if !members.has("priv") {
        return Ok(KeyMaterial::Public(PublicKey::Pq(pq::PublicKey::new(set, &public, hints.validation)?)));
    }
    let seed = members.exact("priv", set.seed_len().unwrap_or(0))?;
    let parts = pq::Parts { seed: Some(&seed), public: Some(&public), expanded: None };
    Ok(KeyMaterial::Private(PrivateKey::Pq(pq::PrivateKey::new(set, parts, hints.validation)?)))
}

fn symmetric(
    members: &mut Members<'_>,
    usage: Option<KeyUsage>,
    hints: &Hints<'_>,
    extras: &mut Vec<String>,
) -> Result<Decoded, Error> {
    let k = members.required("k")?;
    let alg = members.text("alg")?;
    let named = alg.as_ref().and_then(|(alg, _)| algorithms::symmetric(alg));
    if let (None, Some((_, offset)), None) = (named, &alg, hints.algorithm) {
        let problem = "it names no algorithm that is handled for such a key; one can be given beside the file";
        return Err(members.wrong("alg", *offset, problem));
    }
    if let (Some((_, Some(len))), Some((_, offset))) = (named, &alg)
        && k.len() != len
    {
        return Err(members.wrong("alg", *offset, "`k` does not have the length that goes with it"));
    }
    let given = match hints.algorithm.map(|algorithm| algorithm.family) {
        None => None,
        Some(Family::Symmetric(given)) if named.is_none_or(|(named, _)| named == given) => Some(given),
        Some(other) => {
            let what = format!("a key of {}, which was given beside it", other.identifier());
            return Err(Error::not_representable(Format::Jwk, what));
        }
    };
    let algorithm = given.or_else(|| named.map(|(named, _)| named)).unwrap_or_else(|| algorithms::untold(&k, usage));
    // Of the many names of an algorithm one is written, and only where it is needed.
    extras.extend(alg.map(|(alg, _)| format!("alg {}", entry::printable(&alg))));
    let key = SymmetricKey::new(algorithm, k)?;
    Ok(Decoded { algorithm: Algorithm::symmetric(algorithm), key: KeyMaterial::Secret(key), usage })
}
