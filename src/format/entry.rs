//! One key of a file with what stands beside it, and the choice among several.

use std::sync::Arc;

use crate::asn1;
use crate::blob::Decoded;
use crate::key::KeyMaterial;

use super::Error;

/// A key of a file, and what the file says of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub decoded: Decoded,
    /// Its name: `friendlyName` of PKCS#12, `kid` of a JWK.
    pub name: Option<String>,
    /// Its identifier: `localKeyId` of PKCS#12.
    pub id: Option<Vec<u8>>,
    /// Its certificate and those above it, each in DER. Shared, since many keys may stand below one certificate.
    pub certificates: Vec<Arc<[u8]>>,
    /// Whether it was encrypted in the file.
    pub encrypted: bool,
    /// The number of its algorithm in DNSSEC, which tells a hash that is no part of a key: of BIND's files, if it is not the one that is written anyway.
    pub dnssec_algorithm: Option<u16>,
    /// What else the file says that is no part of a key, by its name there.
    pub extras: Vec<String>,
}

impl From<Decoded> for Entry {
    fn from(decoded: Decoded) -> Self {
        Self {
            decoded,
            name: None,
            id: None,
            certificates: Vec::new(),
            encrypted: false,
            dnssec_algorithm: None,
            extras: Vec::new(),
        }
    }
}

impl Entry {
    /// How messages call it: its number among several, from 1, its name and its kind.
    pub fn describe(&self, number: usize) -> String {
        let curve = self.decoded.key.curve().map(|curve| format!(" on {}", curve.name)).unwrap_or_default();
        let kind = self.decoded.key.describe();
        match &self.name {
            Some(name) => format!("{number} (`{}`, {kind}{curve})", printable(name)),
            None => format!("{number} ({kind}{curve})"),
        }
    }

    fn is_called(&self, id: &[u8]) -> bool {
        let public = self.decoded.key.public();
        let key_id = public.as_ref().and_then(|public| asn1::spki::key_id(public).ok());
        let fingerprint = public.as_ref().and_then(|public| asn1::spki::fingerprint(public).ok());
        self.id.as_deref() == Some(id)
            || key_id.is_some_and(|key_id| key_id == id)
            || fingerprint.is_some_and(|fingerprint| fingerprint == id)
    }
}

/// A name out of a file as it can stand in a message: no control characters, not too long.
pub(super) fn printable(name: &str) -> String {
    const LONGEST: usize = 64;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

/// Every entry as messages call it.
fn describe_all(entries: &[Entry]) -> Vec<String> {
    entries.iter().zip(1..).map(|(entry, number)| entry.describe(number)).collect()
}

/// The one key of a file. A key that stands there several times, or beside its own public half, is one key.
///
/// # Errors
/// [`Error::SeveralKeys`] when there are more.
pub fn only(mut entries: Vec<Entry>) -> Result<Entry, Error> {
    let is_public = |entry: &Entry| matches!(entry.decoded.key, KeyMaterial::Public(_));
    let best = entries.iter().position(|entry| !is_public(entry)).unwrap_or(0);
    let is_one_key = entries
        .get(best)
        .is_some_and(|one| entries.iter().all(|entry| one.decoded.key.is_same_key(&entry.decoded.key) == Some(true)));
    if is_one_key || entries.len() == 1 {
        return Ok(entries.swap_remove(best));
    }
    Err(Error::SeveralKeys { keys: describe_all(&entries) })
}

/// Chooses one key of several: by its name; by its identifier in hexadecimal (`localKeyId`, CKA_ID, SHA-256 fingerprint); by its number, from 1. What fits
/// as a name is a name, whatever else it may be.
///
/// # Errors
/// [`Error::NoSuchKey`] when none or more than one answers.
pub fn select(entries: Vec<Entry>, wanted: &str) -> Result<Entry, Error> {
    select_each(entries.into_iter().map(Ok).collect(), wanted)
}

/// Chooses one key of several, some of which cannot be read: these have a number, and what is wrong with others stands in nobody's way.
///
/// # Errors
/// [`Error::NoSuchKey`] when none or more than one answers; what is wrong with the one that does.
pub fn select_each(mut outcomes: Vec<Result<Entry, Error>>, wanted: &str) -> Result<Entry, Error> {
    let index = position(&outcomes, wanted)?;
    outcomes.swap_remove(index)
}

/// Where the key stands that [`select_each`] chooses.
pub(super) fn position(outcomes: &[Result<Entry, Error>], wanted: &str) -> Result<usize, Error> {
    let mut found: Vec<usize> = positions(outcomes, |entry| entry.name.as_deref() == Some(wanted));
    let id = unhex(wanted).filter(|id| id.len() >= 4);
    if let (true, Some(id)) = (found.is_empty(), id) {
        found = positions(outcomes, |entry| entry.is_called(&id));
    }
    if let (true, Ok(number)) = (found.is_empty(), wanted.parse::<usize>()) {
        found.extend(number.checked_sub(1).filter(|index| *index < outcomes.len()));
    }
    if let [index] = found.as_slice() {
        return Ok(*index);
    }
    let keys = outcomes.iter().zip(1..).map(|(outcome, number)| match outcome {
        Ok(entry) => entry.describe(number),
        Err(error) => format!("{number} (cannot be read: {})", error.innermost()),
    });
    Err(Error::NoSuchKey { wanted: printable(wanted), found: found.len(), keys: keys.collect() })
}

fn positions(outcomes: &[Result<Entry, Error>], wanted: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let fits = |outcome: &Result<Entry, Error>| outcome.as_ref().is_ok_and(&wanted);
    outcomes.iter().enumerate().filter(|(_, outcome)| fits(outcome)).map(|(index, _)| index).collect()
}

/// Hexadecimal digits, two a byte.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}
