//! What a file that cannot be read most looks like.
//!
//! It is read as everything that is known. The further a reading comes, the likelier it is: a guess is ranked by the place where it stops making
//! sense. Nothing is decrypted and no arithmetic is done on the way.

use std::cmp::Reverse;

use super::decode::{decode_text_or_not, is_text};
use super::inspect::der::{self, Trust};
use super::inspect::wrapped;
use super::sniff::{sniff, sniff_damaged, sniff_der};
use super::{Error, Format, bind, jwk, pem};
use crate::asn1;
use crate::blob::{self, BlobType, Hints};
use crate::key::Validation;

/// More guesses than this help nobody.
const MAX_GUESSES: usize = 5;

/// One guess.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Guess {
    /// What the file could be.
    pub format: Format,
    /// Up to where it makes sense as that, in bytes from its start (inside PEM from the start of the DER).
    pub offset: usize,
    /// What does not make sense there; `None` if everything does.
    pub problem: Option<String>,
    /// What reading it as that says; `None` if it can be read.
    pub error: Option<Error>,
}

/// What a file could be, the likeliest first; nothing if it is like nothing that is known. A bare key is like nothing: only its length can fit.
pub fn diagnose(bytes: &[u8], hints: &Hints<'_>) -> Vec<Guess> {
    diagnose_as(bytes, None, hints)
}

/// The same of a file that was said to be of a format: of what is as likely, that comes first.
pub fn diagnose_as(bytes: &[u8], said: Option<Format>, hints: &Hints<'_>) -> Vec<Guess> {
    let text = is_text(bytes);
    let look = Look {
        bytes,
        text,
        likely: match sniff(bytes) {
            Ok(format) => Some(format),
            Err(_) if text => None,
            Err(_) => sniff_damaged(bytes),
        },
        said,
        hints: Hints { password: None, validation: Validation::Skip, ..*hints },
    };
    let labels = if text { labels(bytes) } else { Vec::new() };
    // Each structure once: of DER and PEM the one that the file is.
    let fits = |format: &Format| match format {
        Format::Raw | Format::Blob(BlobType::AesWrap | BlobType::Private | BlobType::Public) => false,
        Format::Bind => bind::sniff(bytes).is_some(),
        Format::Jwk | Format::JwkSet => jwk::looks_like(bytes),
        format if format.der().is_some() => labels.contains(format),
        format if is_der(*format) || container(*format).is_some() => !text && bytes.first() == Some(&SEQUENCE),
        _ => !text,
    };
    let mut guesses: Vec<_> = Format::all().filter(fits).filter_map(|format| look.guess(format)).collect();
    guesses.extend(look.mislabelled());
    // What is read, or read but for its label; then what comes furthest; of those what the file begins like, and what it was said to be.
    guesses.sort_by_key(|guess| {
        let place = if guess.is_mislabelled { 1 } else { 2 };
        let rank = if guess.guess.error.is_none() { 0 } else { place };
        let format = Some(guess.guess.format);
        (rank, Reverse(guess.guess.offset), format != look.likely, format != look.said)
    });
    guesses.truncate(MAX_GUESSES);
    guesses.into_iter().map(|guess| guess.guess).collect()
}

/// The tag that DER structures begin with.
const SEQUENCE: u8 = 0x30;

/// The containers of wrapped keys that are DER.
fn container(format: Format) -> Option<BlobType> {
    match format {
        Format::Blob(blob_type) if wrapped::is_container(blob_type) => Some(blob_type),
        _ => None,
    }
}

fn is_der(format: Format) -> bool {
    format == Format::PKCS8 || format == Format::Pkcs12 || format.is_der()
}

/// The formats that the labels of a PEM file tell, each once, also that of a first section that is cut short.
fn labels(bytes: &[u8]) -> Vec<Format> {
    let mut labels = Vec::new();
    let whole = asn1::pem::sections(bytes).filter_map(|section| pem::format(&section.ok()?));
    for format in whole.chain(asn1::pem::first_label(bytes).and_then(pem::of_label)) {
        if !labels.contains(&format) {
            labels.push(format);
        }
    }
    labels
}

/// A guess, and whether nothing is wrong but the label of a PEM section.
struct Ranked {
    guess: Guess,
    is_mislabelled: bool,
}

/// A file that is looked at, and what is known of it.
struct Look<'a> {
    bytes: &'a [u8],
    text: bool,
    likely: Option<Format>,
    said: Option<Format>,
    hints: Hints<'a>,
}

impl Look<'_> {
    fn read(&self, format: Format) -> Option<Error> {
        let outcome = decode_text_or_not(self.bytes, self.text, format, &self.hints);
        outcome.and_then(|outcomes| outcomes.into_iter().collect::<Result<Vec<_>, _>>()).err()
    }

    fn guess(&self, format: Format) -> Option<Ranked> {
        let ranked = |offset, problem, error| {
            // What the file begins like is worth telling, however soon it stops.
            let is_worth_telling = offset > 0 || Some(format) == self.likely;
            let guess = Guess { format, offset, problem, error };
            is_worth_telling.then_some(Ranked { guess, is_mislabelled: false })
        };
        let Some(error) = self.read(format) else { return ranked(self.bytes.len(), None, None) };
        // The walk sees further than the decoder, which reads a structure whole, and it sees where a length is wrong.
        let walked = match container(format) {
            Some(blob_type) => Some(wrapped::walk(&mut Vec::new(), self.bytes, blob_type, Trust::Nothing)),
            None if is_der(format) => Some(der::walk(&mut Vec::new(), self.bytes, format, 0, Trust::Nothing)),
            None => None,
        };
        if let Some(walked) = walked {
            let stop = walked.err();
            // Offsets in what BER became may lie behind its end.
            let offset = stop.map_or(self.bytes.len(), |stop| stop.offset.min(self.bytes.len()));
            let problem = stop.map_or_else(|| error.to_string(), |stop| stop.problem.to_owned());
            return ranked(offset, Some(problem), Some(error));
        }
        ranked(reached(&error, self.bytes.len()), Some(error.to_string()), Some(error))
    }

    /// What is in the first section of a PEM file, if that is well-formed and something else than the label says.
    fn mislabelled(&self) -> Option<Ranked> {
        let section = if self.text { asn1::pem::sections(self.bytes).next()?.ok()? } else { return None };
        let label = pem::format(&section)?;
        let contents = pem::contents(&section).ok()?;
        let found = sniff_der(&contents)?;
        let format = Format::all().find(|format| format.der() == Some(found)).filter(|format| *format != label)?;
        if Trust::of(&contents, found) == Trust::Nothing {
            return None;
        }
        let problem = Some(format!("its label is `{}`", crate::format::entry::printable(section.label)));
        let guess = Guess { format, offset: contents.len(), problem, error: self.read(format) };
        guess.error.is_some().then_some(Ranked { guess, is_mislabelled: true })
    }
}

/// How far a reading came before its error.
fn reached(error: &Error, len: usize) -> usize {
    match error.innermost() {
        Error::Text { offset, .. } => *offset,
        Error::Blob(error) => match error {
            blob::Error::Truncated { offset, .. }
            | blob::Error::Trailing { offset, .. }
            | blob::Error::Value { offset, .. }
            | blob::Error::Wide { offset, .. } => *offset,
            // The magic made sense, and no more was looked at.
            blob::Error::Algorithm { .. } | blob::Error::Wrapped { .. } => 4.min(len),
            // Its lengths fit, and nothing is missing but what it does not say.
            blob::Error::CurveMissing { .. } => len,
            // Whatever stands before it says little.
            blob::Error::Foreign { .. } | blob::Error::Magic { .. } => 0,
            blob::Error::Key(_) => len,
            blob::Error::Asn1(error) => reached_in_der(error, len),
            _ => 0,
        },
        Error::Asn1(error) => reached_in_der(error, len),
        Error::Key(_) => len,
        _ => 0,
    }
}

fn reached_in_der(error: &asn1::Error, len: usize) -> usize {
    match error {
        asn1::Error::Malformed { offset, .. } | asn1::Error::Pem { offset, .. } => {
            usize::try_from(*offset).unwrap_or(len)
        }
        asn1::Error::Invalid { .. } => 1.min(len),
        _ => len,
    }
}
