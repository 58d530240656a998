//! What a conversion loses.
//!
//! Said before or after the fact, from what is read and what is to be written. What a format cannot hold at all is no loss but an error
//! of [`encode_with`](super::encode_with).

use std::fmt;

use super::{Entry, Format, Writing, bind};
use crate::blob::{self, BlobType};
use crate::key::curve::Form;
use crate::key::{
    Algorithm, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricAlgorithm, Validation, dh, dsa, rsa,
};

/// One thing that is not in the file that is written.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// The private half: the format holds public keys.
    PrivateHalf,
    /// The password that protected the file.
    Encryption,
    /// The public half of a key: a reader must compute it.
    PublicHalf,
    /// d of an RSA key that is not the least one: a reader computes it modulo λ(n).
    PrivateExponent,
    /// Seed and counter of DSA or DH parameters, from which others could check how p and q were made.
    DomainSeed,
    /// The subgroup order q of DH parameters.
    SubgroupOrder,
    /// The cofactor (p − 1) / q of DH parameters.
    Cofactor,
    /// How long a DH private value shall be.
    PrivateLength,
    /// The seed of a lattice key, which cannot be got back.
    Seed,
    /// The bits of an X25519 scalar that clamping sets and clears.
    ScalarBits,
    /// What the key may be used for.
    Usage(KeyUsage),
    /// That the key is one of this algorithm: a reader takes it for another, or must be told.
    Algorithm(Family),
    /// The name of the curve: a reader must be told.
    CurveName(&'static str),
    /// The certificates.
    Certificates(usize),
    /// The key's name.
    Name,
    /// The key's identifier.
    Identifier,
    /// Something else that the file says.
    Extra(String),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrivateHalf => f.write_str("the private half"),
            Self::Encryption => f.write_str("the encryption: the key is written in the clear"),
            Self::PublicHalf => f.write_str("the public half, which a reader computes"),
            Self::PrivateExponent => f.write_str(
                "the private exponent, which is not the one that a reader computes (modulo lcm(p − 1, q − 1)); both do the same",
            ),
            Self::DomainSeed => f.write_str("seed and counter of the domain parameters, which cannot be got back"),
            Self::SubgroupOrder => f.write_str("the subgroup order q"),
            Self::Cofactor => f.write_str("the cofactor j"),
            Self::PrivateLength => f.write_str("the length that the parameters ask for in private values"),
            Self::Seed => f.write_str("the seed, which cannot be got back from the expanded key"),
            Self::ScalarBits => {
                f.write_str("the bits of the scalar that have no meaning: it is written clamped (RFC 7748 §5)")
            }
            Self::Usage(usage) => {
                let words: Vec<_> = usage.words().collect();
                write!(f, "the usage ({})", words.join(", "))
            }
            Self::Algorithm(family) => {
                write!(f, "the algorithm, {}: give it with --algorithm", family.identifier())
            }
            Self::CurveName(name) => write!(
                f,
                "the curve's name, {name}: give it with --curve, or choose ECCFULLPRIVATEBLOB or ECCFULLPUBLICBLOB"
            ),
            Self::Certificates(1) => f.write_str("the certificate"),
            Self::Certificates(count) => write!(f, "{count} certificates"),
            Self::Name => f.write_str("the key's name"),
            Self::Identifier => f.write_str("the key's identifier"),
            Self::Extra(what) => f.write_str(what),
        }
    }
}

/// What is lost of a key that was read from a file when it is written as another.
pub fn losses(entry: &Entry, to: Format, writing: &Writing<'_>) -> Vec<Loss> {
    let mut losses = Vec::new();
    let key = &entry.decoded.key;
    let private = matches!(key, KeyMaterial::Private(_));
    if to.is_public() && private {
        losses.push(Loss::PrivateHalf);
    }
    match key {
        KeyMaterial::Private(key) if !to.is_public() => private_losses(&mut losses, key, to),
        KeyMaterial::Public(key) => public_losses(&mut losses, key, to),
        KeyMaterial::Private(key) => {
            if let Some(key) = key.public() {
                public_losses(&mut losses, &key, to);
            }
        }
        KeyMaterial::Secret(_) => {}
    }
    said_of_key(&mut losses, entry, to, writing);
    beside(&mut losses, entry, to, writing);
    losses
}

fn private_losses(losses: &mut Vec<Loss>, key: &PrivateKey, to: Format) {
    match key {
        PrivateKey::Rsa(key) => {
            let drops_d = matches!(to, Format::Blob(BlobType::RsaPrivate | BlobType::Private));
            if drops_d && !has_least_d(key) {
                losses.push(Loss::PrivateExponent);
            }
        }
        PrivateKey::Ec(key) => {
            let clamped =
                key.curve().form == Form::Montgomery && matches!(to, Format::Blob(blob) if blob != BlobType::Pkcs8);
            if clamped && !is_clamped(key.d()) {
                losses.push(Loss::ScalarBits);
            }
            // RFC 8410 leaves it out, and OpenSSL 3.0 does not read what has it all the same.
            let own_curve = matches!(key.curve().form, Form::Edwards | Form::Montgomery);
            let uncomputed = own_curve && key.curve().arithmetic.is_none() && key.public().is_some();
            if to == Format::Bind || (uncomputed && to.holds_pkcs8()) {
                losses.push(Loss::PublicHalf);
            }
        }
        PrivateKey::Dsa(key) => domain_losses(losses, key.public().parameters(), to),
        PrivateKey::Dh(key) => dh_losses(losses, key.public(), to),
        PrivateKey::Pq(key) => {
            let expanded = matches!(to, Format::Blob(BlobType::PqDsaPrivate | BlobType::MlKemPrivate));
            if key.seed().is_some() && expanded {
                losses.push(Loss::Seed);
            }
        }
    }
}

fn public_losses(losses: &mut Vec<Loss>, key: &PublicKey, to: Format) {
    match key {
        PublicKey::Dsa(key) => domain_losses(losses, key.parameters(), to),
        PublicKey::Dh(key) => dh_losses(losses, key, to),
        PublicKey::Ec(_) | PublicKey::Pq(_) | PublicKey::Rsa(_) => {}
    }
}

/// Whether d is the one that is computed from the primes.
fn has_least_d(key: &rsa::PrivateKey) -> bool {
    let numbers = key.numbers();
    let computed = rsa::PrivateKey::from_primes(key.public().clone(), &numbers.p, &numbers.q, Validation::Skip);
    computed.is_ok_and(|computed| computed.numbers().d == numbers.d)
}

/// Whether a little-endian scalar has the bits that RFC 7748 §5 sets and clears, of X25519 as of X448.
fn is_clamped(d: &[u8]) -> bool {
    let (low, high) = if d.len() == 56 { (0b11, (0x80, 0x80)) } else { (0b111, (0xC0, 0x40)) };
    d.first().is_some_and(|first| first & low == 0) && d.last().is_some_and(|last| last & high.0 == high.1)
}

/// No format but CNG's own DSA blobs and CAPI's holds how p and q were made, and only if the seed has a length for which they have room.
fn domain_losses(losses: &mut Vec<Loss>, parameters: &dsa::Parameters, to: Format) {
    let Some(evidence) = parameters.evidence() else { return };
    let seeds = match to {
        Format::Blob(BlobType::DsaPrivate | BlobType::DsaPublic | BlobType::Private | BlobType::Public) => {
            blob::dsa::seeds(parameters.p().len())
        }
        Format::Blob(blob) if blob != BlobType::Pkcs8 => blob::dsa::SHORT_SEED,
        _ => return losses.push(Loss::DomainSeed),
    };
    if !blob::dsa::holds(evidence, &seeds) {
        losses.push(Loss::DomainSeed);
    }
}

/// X9.42 in DER, which is written where there is a q, has all but the length; so has version 3 of CAPI's blobs, with seeds of 20 bytes.
/// PKCS #3, which is written where there is none, has the length alone; CNG's blobs and BIND have nothing.
fn dh_losses(losses: &mut Vec<Loss>, key: &dh::PublicKey, to: Format) {
    let parameters = key.parameters();
    let is_der = to.holds_pkcs8() || matches!(to, Format::Spki | Format::SpkiPem);
    let is_capi = matches!(to, Format::Blob(BlobType::CapiDhPrivate | BlobType::CapiDhPublic));
    let has_q = parameters.q().is_some();
    if has_q && !is_der && !is_capi {
        losses.push(Loss::SubgroupOrder);
    }
    if parameters.j().is_some() && !is_der && !is_capi {
        losses.push(Loss::Cofactor);
    }
    if let Some(evidence) = parameters.evidence() {
        let held = (is_der && has_q) || (is_capi && blob::dsa::holds(evidence, &blob::dsa::SHORT_SEED));
        if !held {
            losses.push(Loss::DomainSeed);
        }
    }
    if parameters.private_bits().is_some() && (!is_der || has_q) {
        losses.push(Loss::PrivateLength);
    }
}

/// Algorithm, curve and usage.
fn said_of_key(losses: &mut Vec<Loss>, entry: &Entry, to: Format, writing: &Writing<'_>) {
    let (key, family) = (&entry.decoded.key, entry.decoded.algorithm.family);
    let is_jwk = matches!(to, Format::Jwk | Format::JwkSet);
    let has_usage = is_jwk || to.holds_pkcs8();
    match (key, family) {
        (KeyMaterial::Secret(_), Family::Symmetric(algorithm)) => {
            let told = match to {
                Format::Blob(BlobType::Cipher) | Format::Bind => true,
                _ if is_jwk => algorithm != SymmetricAlgorithm::TripleDes,
                _ => false,
            };
            if !told {
                losses.push(Loss::Algorithm(family));
            }
        }
        // It is for agreement, and has no room to say anything else.
        (_, Family::Ecdsa) if to == Format::Blob(BlobType::SslEccPublic) => losses.push(Loss::Algorithm(family)),
        (key, Family::Ecdh | Family::Ecdsa) if has_usage || !matches!(to, Format::Blob(_)) => {
            // Nothing but the usage tells the two apart, and where none is written it is a key to sign.
            let reads = key.curve().filter(|curve| curve.form == Form::Weierstrass).map(|curve| {
                let usage = writing.usage.unwrap_or_else(|| family.default_usage());
                let written = Some(usage).filter(|usage| has_usage && !usage.is_all());
                Algorithm::elliptic_by_usage(curve, written.unwrap_or(KeyUsage::SIGN)).family
            });
            if reads.is_some_and(|reads| reads != family) {
                losses.push(Loss::Algorithm(family));
            }
        }
        _ => {}
    }
    if let (Some(curve), Format::Blob(blob)) = (key.curve(), to)
        && matches!(blob, BlobType::EccPrivate | BlobType::EccPublic | BlobType::Private | BlobType::Public)
        && curve.nist_bits().is_none()
    {
        losses.push(Loss::CurveName(curve.name));
    }
    let usage = writing.usage.or(entry.decoded.usage);
    if let Some(usage) = usage.filter(|usage| !usage.is_all())
        && !has_usage
    {
        losses.push(Loss::Usage(usage));
    }
}

/// What stands beside the key.
fn beside(losses: &mut Vec<Loss>, entry: &Entry, to: Format, writing: &Writing<'_>) {
    let is_jwk = matches!(to, Format::Jwk | Format::JwkSet);
    let holds_names = is_jwk || to == Format::Pkcs12;
    let kept = match to {
        Format::Cert => entry.certificates.len().min(1),
        Format::CertPem => entry.certificates.len(),
        _ if holds_names => writing.certificates.len(),
        _ => 0,
    };
    if let Some(count) = entry.certificates.len().checked_sub(kept).filter(|count| *count > 0) {
        losses.push(Loss::Certificates(count));
    }
    if entry.name.is_some() && !(holds_names && writing.name.is_some()) {
        losses.push(Loss::Name);
    }
    if entry.id.is_some() && to != Format::Pkcs12 {
        losses.push(Loss::Identifier);
    }
    let has_secret = !matches!(entry.decoded.key, KeyMaterial::Public(_));
    if entry.encrypted && has_secret && writing.password.is_none() && !to.is_public() {
        losses.push(Loss::Encryption);
    }
    if let Some(number) =
        entry.dnssec_algorithm.filter(|number| writing.dnssec_algorithm != Some(*number) || to != Format::Bind)
    {
        losses.push(Loss::Extra(format!("the DNSSEC algorithm {number} ({})", bind::mnemonic(number))));
    }
    losses.extend(entry.extras.iter().cloned().map(Loss::Extra));
}
