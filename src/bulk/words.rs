//! The words that say what a file is and what a key will be: the same on the command line and in a manifest.
//!
//! Each function reads one value, and says of what it refuses which values it knows and which of them may have been meant. What the words
//! mean is the business of the types that they become.

use crate::format::Format;
use crate::hex;
use crate::key::curve::CURVES;
use crate::key::rsa::Hash;
use crate::key::{Algorithm, Curve, ExportPolicy, KeyUsage};
use crate::wrap::Scheme;

/// A longer text is none of the words, and not repeated.
const LONGEST: usize = 64;

/// What a file is; `None` for `auto`: it is to be recognised from its bytes.
///
/// # Errors
/// What is wrong with the word.
pub fn input_type(text: &str) -> Result<Option<Format>, String> {
    if text.eq_ignore_ascii_case("auto") { Ok(None) } else { format(text).map(Some) }
}

/// A type of files.
///
/// # Errors
/// What is wrong with the word.
pub fn format(text: &str) -> Result<Format, String> {
    Format::by_name(text).ok_or_else(|| match text.to_ascii_lowercase().as_str() {
        "pem" => {
            "PEM is an encoding and no type: for a private key it is pkcs8-pem, for a public one spki-pem".to_owned()
        }
        "der" => "DER is an encoding and no type: for a private key it is pkcs8, for a public one spki".to_owned(),
        _ => unknown("type", text, Format::names),
    })
}

/// A CNG algorithm.
///
/// # Errors
/// What is wrong with the word.
pub fn algorithm(text: &str) -> Result<Algorithm, String> {
    short(text, "an algorithm")?;
    Algorithm::by_name(text).map_err(|error| format!("{error}{}", meant(text, Algorithm::names())))
}

/// A curve, by its CNG name.
///
/// # Errors
/// What is wrong with the word.
pub fn curve(text: &str) -> Result<&'static Curve, String> {
    short(text, "a curve")?;
    Curve::by_name(text).map_err(|error| format!("{error}{}", meant(text, CURVES.iter().map(|curve| curve.name))))
}

/// A wrapping scheme.
///
/// # Errors
/// What is wrong with the word.
pub fn scheme(text: &str) -> Result<Scheme, String> {
    Scheme::by_name(text).ok_or_else(|| unknown("scheme", text, || Scheme::ALL.into_iter().map(Scheme::name)))
}

/// A hash of RSA-OAEP.
///
/// # Errors
/// What is wrong with the word.
pub fn hash(text: &str) -> Result<Hash, String> {
    Hash::by_name(text).ok_or_else(|| unknown("hash", text, || Hash::ALL.into_iter().map(Hash::name)))
}

/// An export policy.
///
/// # Errors
/// What is wrong with the word.
pub fn export_policy(text: &str) -> Result<ExportPolicy, String> {
    ExportPolicy::by_word(text).ok_or_else(|| "it is one of none, encrypted, plaintext".to_owned())
}

/// What a key may do, with commas between.
///
/// # Errors
/// What is wrong with the word.
pub fn key_usage(text: &str) -> Result<KeyUsage, String> {
    let mut usage = KeyUsage::default();
    for word in text.split(',') {
        short(word, "a usage")?;
        usage |= KeyUsage::by_word(word.trim())
            .ok_or_else(|| format!("`{word}` is none of sign, decrypt, agree, wrap, all"))?;
    }
    Ok(usage)
}

/// Bytes in hexadecimal, at least one; colons may stand in it.
///
/// # Errors
/// That it is none.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text).filter(|bytes| !bytes.is_empty()).ok_or_else(|| "it is not hexadecimal".to_owned())
}

/// That a word is none of those that are known, and which they are.
pub fn unknown<N: AsRef<str>, I: Iterator<Item = N>>(what: &str, text: &str, names: impl Fn() -> I) -> String {
    let known: Vec<N> = names().collect();
    let known = known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    format!("unknown {what}{}; known are {known}", meant(text, names()))
}

/// Which of the known names was meant, if one is near: with its first letters, or with few of them changed.
pub fn meant(text: &str, names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let text = text.to_lowercase();
    if text.is_empty() || text.len() > LONGEST {
        return String::new();
    }
    let distances = names.map(|name| (distance(&text, &name.as_ref().to_lowercase()), name));
    let nearest =
        distances.filter(|(distance, name)| *distance <= name.as_ref().len() / 3).min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, name)| format!("; did you mean {}?", name.as_ref())).unwrap_or_default()
}

fn short(text: &str, what: &str) -> Result<(), String> {
    if text.len() > LONGEST { Err(format!("it is too long for {what}")) } else { Ok(()) }
}

/// How many letters must be put in, taken out or changed to make one word of another (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut left = at + 1;
        let mut next = vec![left];
        for (pair, character) in row.windows(2).zip(other.chars()) {
            let [above_left, above] = pair else { continue };
            left = (above_left + usize::from(letter != character)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mistyped_finds_the_name_that_was_meant() {
        assert_eq!(meant("pkcs8pem", Format::names()), "; did you mean pkcs8-pem?");
        assert_eq!(meant("RSAPRIVATBLOB", Format::names()), "; did you mean RSAPRIVATEBLOB?");
        assert_eq!(meant("nonsense", Format::names()), "");
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn what_is_too_long_to_be_a_word_is_not_repeated() {
        let long = "x".repeat(10_000);
        for text in [format(&long).unwrap_err(), algorithm(&long).unwrap_err(), key_usage(&long).unwrap_err()] {
            assert!(text.len() < 2000, "{text}");
        }
        assert!(curve(&long).unwrap_err().len() < 100);
    }
}
