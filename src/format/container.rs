//! Certificates and PKCS#12: keys with what vouches for them.
//!
//! A certificate is a source of a public key. It cannot be made here, only handed on from a file that has it.

use std::collections::HashMap;
use std::sync::Arc;

use super::decode::entry as key_entry;
use super::{Entry, Error, Format, Writing, pem};
use crate::asn1;
use crate::blob::Hints;
use crate::key::{KeyMaterial, Validation};
use crate::secret::SecretBytes;

/// No chain is longer: each key has one, and a thousand keys must not make a thousand thousand of a thousand certificates.
const MAX_CHAIN: usize = 32;

/// What binds certificates to keys and to each other.
struct Names {
    subject: Vec<u8>,
    issuer: Vec<u8>,
    /// `SubjectPublicKeyInfo`.
    public: Vec<u8>,
}

impl Names {
    fn of(der: &[u8]) -> Option<Self> {
        let [subject, issuer, public] = asn1::certificate::names(der)?.map(<[u8]>::to_vec);
        Some(Self { subject, issuer, public })
    }

    fn is_root(&self) -> bool {
        self.subject == self.issuer
    }
}

/// Certificates, by what is found in them.
struct Store {
    all: Vec<(Arc<[u8]>, Option<Names>)>,
    by_subject: HashMap<Vec<u8>, usize>,
    by_key: HashMap<Vec<u8>, usize>,
}

impl Store {
    fn new<'a, T: AsRef<[u8]> + ?Sized + 'a>(certificates: impl Iterator<Item = &'a T>) -> Self {
        let all: Vec<_> = certificates.map(|der| (Arc::from(der.as_ref()), Names::of(der.as_ref()))).collect();
        let (mut by_subject, mut by_key) = (HashMap::new(), HashMap::new());
        // Of several the first stands.
        for (at, names) in all.iter().enumerate().rev().filter_map(|(at, (_, names))| Some((at, names.as_ref()?))) {
            by_subject.insert(names.subject.clone(), at);
            by_key.insert(names.public.clone(), at);
        }
        Self { all, by_subject, by_key }
    }

    /// A certificate and those above it, as far as they are there.
    fn chain(&self, leaf: usize) -> Vec<Arc<[u8]>> {
        let (mut chain, mut next) = (Vec::new(), Some(leaf));
        while let Some((der, names)) = next.and_then(|at| self.all.get(at)).filter(|_| chain.len() < MAX_CHAIN) {
            // Two that have issued each other.
            if chain.iter().any(|seen| Arc::ptr_eq(seen, der)) {
                break;
            }
            chain.push(Arc::clone(der));
            let above = names.as_ref().filter(|names| !names.is_root());
            next = above.and_then(|names| self.by_subject.get(&names.issuer).copied());
        }
        chain
    }

    /// Which certificates have issued none of the others.
    fn leaves(&self) -> Vec<usize> {
        let mut issues = vec![false; self.all.len()];
        for names in self.all.iter().filter_map(|(_, names)| names.as_ref()).filter(|names| !names.is_root()) {
            if let Some(issuer) = self.by_subject.get(&names.issuer).and_then(|at| issues.get_mut(*at)) {
                *issuer = true;
            }
        }
        (0..self.all.len()).filter(|at| issues.get(*at) == Some(&false)).collect()
    }
}

/// Reads certificates: the key of each that has issued none of the others, with its chain.
pub(super) fn leaves(certificates: &[&[u8]], hints: &Hints<'_>) -> Vec<Result<Entry, Error>> {
    let store = Store::new(certificates.iter().copied());
    let mut leaves = store.leaves();
    // Two that have issued each other.
    if leaves.is_empty() {
        leaves.extend((0..certificates.len()).take(1));
    }
    leaves.into_iter().map(|leaf| certificate_entry(store.chain(leaf), hints)).collect()
}

/// Reads one certificate.
pub(super) fn from_certificate(der: &[u8], hints: &Hints<'_>) -> Result<Entry, Error> {
    certificate_entry(vec![Arc::from(der)], hints)
}

fn certificate_entry(chain: Vec<Arc<[u8]>>, hints: &Hints<'_>) -> Result<Entry, Error> {
    let leaf = chain.first().map(|leaf| &**leaf).unwrap_or_default();
    let contents = asn1::certificate::read_key(leaf, hints.validation)?.map(KeyMaterial::Public);
    if asn1::outer_length(leaf) != Some(leaf.len()) {
        return Err(asn1::Error::Invalid { what: "Certificate", problem: "something follows it" }.into());
    }
    Ok(Entry { certificates: chain, ..key_entry(contents, hints)? })
}

/// Whether it is an X.509 certificate.
pub(super) fn is_certificate(der: &[u8]) -> bool {
    asn1::certificate::names(der).is_some()
}

/// Whether a certificate is for this key, in whatever words: it may have a curve by its parameters.
pub(super) fn is_of_key(der: &[u8], key: &KeyMaterial) -> bool {
    let public = asn1::certificate::read_key(der, Validation::Skip).map(|contents| KeyMaterial::Public(contents.key));
    public.is_ok_and(|public| key.is_same_key(&public) == Some(true))
}

/// Gives each key the certificate that is for it, and those above that one.
pub(super) fn attach<T: AsRef<[u8]>>(entries: &mut [Result<Entry, Error>], certificates: &[T]) {
    if certificates.is_empty() {
        return;
    }
    let store = Store::new(certificates.iter());
    for entry in entries.iter_mut().flatten() {
        let spki = entry.decoded.key.public().and_then(|public| asn1::spki::encode(&public).ok());
        if let Some(leaf) = spki.and_then(|spki| store.by_key.get(&spki)) {
            entry.certificates = store.chain(*leaf);
        }
    }
}

/// The certificate of a key, of those that came with it.
pub(super) fn certificate(key: &KeyMaterial, certificates: &[Arc<[u8]>]) -> Result<SecretBytes, Error> {
    let missing = |what| Err(Error::not_representable(Format::Cert, what));
    let Some(leaf) = certificates.first() else {
        return missing("a key without its certificate, which is not made here");
    };
    if !is_of_key(leaf, key) {
        return missing("a key beside the certificate of another");
    }
    Ok(SecretBytes::from(&**leaf))
}

/// The certificate of a key and those above it, in PEM.
pub(super) fn certificates_pem(key: &KeyMaterial, certificates: &[Arc<[u8]>]) -> Result<SecretBytes, Error> {
    certificate(key, certificates)?;
    let blocks = certificates.iter().map(|der| asn1::pem::to_pem(pem::label(Format::CertPem), der));
    let text: Vec<u8> = blocks.collect::<Result<Vec<_>, _>>()?.iter().flat_map(|block| block.iter().copied()).collect();
    Ok(SecretBytes::from(text))
}

#[cfg(feature = "pfx")]
mod pfx {
    use super::*;
    use crate::asn1::pfx::{Pfx, PfxCertificate, PfxKey, Protection};
    use crate::format::MAX_KEYS;
    use crate::format::decode::too_many;

    /// Reads a PKCS#12 file: its keys, or if it has none the keys of its certificates.
    pub(in crate::format) fn decode(bytes: &[u8], hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
        entries(&asn1::pfx::decode(bytes, hints.opening())?, hints)
    }

    /// The keys of a file that is open.
    pub(in crate::format) fn entries(pfx: &Pfx, hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
        if pfx.keys.len().max(pfx.certificates.len()) > MAX_KEYS {
            return Err(too_many(Format::Pkcs12, 0));
        }
        let ignored = ignored(pfx);
        if pfx.keys.is_empty() {
            let certificates: Vec<&[u8]> =
                pfx.certificates.iter().map(|certificate| certificate.der.as_slice()).collect();
            return Ok(leaves(&certificates, hints));
        }
        let store = Store::new(pfx.certificates.iter().map(|certificate| &certificate.der));
        let entries = pfx.keys.iter().zip(1..).map(|(key, number)| {
            let with = |mut entry: Entry| {
                entry.extras.extend(ignored.iter().cloned());
                entry
            };
            entry(key, pfx, &store, hints).map(with).map_err(|error| {
                let name =
                    key.friendly_name.as_ref().map(|name| format!(" (`{}`)", crate::format::entry::printable(name)));
                error.of_key(format!("key {number}{}", name.unwrap_or_default()))
            })
        });
        Ok(entries.collect())
    }

    fn entry(key: &PfxKey, pfx: &Pfx, store: &Store, hints: &Hints<'_>) -> Result<Entry, Error> {
        let contents = asn1::pkcs8::read(&key.pkcs8, asn1::Opening::default(), hints.validation)?;
        let entry = key_entry(contents.map(KeyMaterial::Private), hints)?;
        let spki = entry.decoded.key.public().and_then(|public| asn1::spki::encode(&public).ok()).unwrap_or_default();
        // Its certificate is one for its public key. That of the same localKeyId may describe the key in other words, or be of another key.
        let same_id = |certificate: &PfxCertificate| certificate.local_key_id == key.local_key_id;
        let by_id = key.local_key_id.as_ref().and_then(|_| pfx.certificates.iter().position(same_id));
        let own = |at: &usize| store.all.get(*at).is_some_and(|(der, _)| is_of_key(der, &entry.decoded.key));
        let at = store.by_key.get(&spki).copied().or_else(|| by_id.filter(own));
        let foreign = at.is_none() && by_id.is_some();
        let named = || at.and_then(|at| pfx.certificates.get(at)?.friendly_name.clone());
        let name = key.friendly_name.clone().or_else(named);
        let certificates = at.map(|at| store.chain(at)).unwrap_or_default();
        let mut extras = entry.extras;
        extras.extend(foreign.then(|| "a certificate of its localKeyId that is for another key".to_owned()));
        Ok(Entry { name, id: key.local_key_id.clone(), certificates, encrypted: key.encrypted, extras, ..entry })
    }

    fn ignored(pfx: &Pfx) -> Vec<String> {
        let ignored = &pfx.ignored;
        [
            (ignored.crls, "revocation lists"),
            (ignored.secrets, "secrets"),
            (ignored.other_certificates, "certificates that are not X.509"),
            (ignored.unknown, "bags of unknown types"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect()
    }

    /// Writes a PKCS#12 file with one key.
    pub(in crate::format) fn encode(
        key: &KeyMaterial,
        pkcs8: &SecretBytes,
        writing: &Writing<'_>,
    ) -> Result<SecretBytes, Error> {
        let password = writing.password.ok_or(asn1::Error::PasswordMissing)?;
        // What ties a key to its certificate is, as with OpenSSL, a SHA-1: there over the certificate, here over the public key.
        let id = key.public().and_then(|public| asn1::spki::key_id(&public).ok()).map(|id| id.to_vec());
        let name = writing.name.map(str::to_owned);
        let keys =
            [PfxKey { pkcs8: pkcs8.clone(), encrypted: true, friendly_name: name.clone(), local_key_id: id.clone() }];
        if !writing.certificates.is_empty() {
            certificate(key, writing.certificates)?;
        }
        let certificates: Vec<_> = writing
            .certificates
            .iter()
            .enumerate()
            .map(|(at, der)| PfxCertificate {
                der: der.to_vec(),
                friendly_name: name.clone().filter(|_| at == 0),
                local_key_id: id.clone().filter(|_| at == 0),
            })
            .collect();
        let protection = Protection::with(writing.encryption);
        Ok(SecretBytes::from(asn1::pfx::encode(&keys, &certificates, password, &protection)?))
    }
}

#[cfg(feature = "pfx")]
pub(super) use pfx::{decode, encode, entries};

#[cfg(not(feature = "pfx"))]
const NOT_BUILT_IN: Error = Error::NotBuiltIn { format: "pkcs12", feature: "pfx" };

#[cfg(not(feature = "pfx"))]
pub(super) fn decode(_: &[u8], _: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
    Err(NOT_BUILT_IN)
}

#[cfg(not(feature = "pfx"))]
pub(super) fn encode(_: &KeyMaterial, _: &SecretBytes, _: &Writing<'_>) -> Result<SecretBytes, Error> {
    Err(NOT_BUILT_IN)
}
