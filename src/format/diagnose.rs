//! What a file that cannot be read most looks like.
//!
//! It is read as everything that is known. The further a reading comes, the likelier it is: a guess is ranked by the place where it stops making
//! sense. Nothing is decrypted and no arithmetic is done on the way.

use std::cmp::Reverse;

use super::decode::{decode_each, is_text};
use super::inspect::der;
use super::{Error, Format};
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
    let hints = Hints { password: None, validation: Validation::Skip, ..*hints };
    let text = is_text(bytes);
    // Each structure once: of DER and PEM the one that the file is.
    let fits = |format: &Format| match format {
        Format::Raw | Format::Blob(BlobType::AesWrap | BlobType::Private | BlobType::Public) => false,
        Format::Blob(BlobType::Pkcs8) => !text,
        Format::Blob(_) => true,
        Format::Bind => bytes.starts_with(b"Private-key-format"),
        Format::Jwk | Format::JwkSet => bytes.trim_ascii_start().starts_with(b"{"),
        format => format.der().is_some() == text,
    };
    let mut guesses: Vec<_> = Format::all().filter(fits).filter_map(|format| guess(bytes, format, &hints)).collect();
    guesses.sort_by_key(|guess| (guess.error.is_some(), Reverse(guess.offset)));
    guesses.truncate(MAX_GUESSES);
    guesses
}

fn guess(bytes: &[u8], format: Format, hints: &Hints<'_>) -> Option<Guess> {
    let outcome =
        decode_each(bytes, format, hints).and_then(|outcomes| outcomes.into_iter().collect::<Result<Vec<_>, _>>());
    let Err(error) = outcome else {
        return Some(Guess { format, offset: bytes.len(), problem: None, error: None });
    };
    let is_der = format == Format::PKCS8 || format == Format::Pkcs12 || format.is_der();
    if is_der && !is_text(bytes) {
        // The walk sees further than the decoder, which reads a structure whole, and it sees where a length is wrong.
        let stop = der::walk(&mut Vec::new(), bytes, format, 0, der::Trust::Nothing).err();
        let offset = stop.map_or(bytes.len(), |stop| stop.offset);
        let problem = stop.map_or_else(|| error.to_string(), |stop| stop.problem.to_owned());
        return (offset > 0).then_some(Guess { format, offset, problem: Some(problem), error: Some(error) });
    }
    let offset = reached(&error, bytes.len());
    (offset > 0).then(|| Guess { format, offset, problem: Some(error.to_string()), error: Some(error) })
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
            blob::Error::CurveMissing { .. } | blob::Error::Algorithm { .. } | blob::Error::Wrapped { .. } => {
                4.min(len)
            }
            // Whatever stands before it says little.
            blob::Error::Magic { .. } => 0,
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
        asn1::Error::Malformed { offset, .. } => usize::try_from(*offset).unwrap_or(len),
        asn1::Error::Invalid { .. } => 1.min(len),
        _ => len,
    }
}
