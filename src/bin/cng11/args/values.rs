//! The values that options take, for the long help and for whoever has mistyped one.

use cng_pkcs11::asn1::Scheme;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::Algorithm;
use cng_pkcs11::key::curve::CURVES;

pub(super) fn input() -> String {
    format!("What the file is; auto: it is recognised from its bytes.\n\nOne of: {}", list(Format::names()))
}

pub(super) fn output() -> String {
    format!("What the output shall be; a few of the types are only read.\n\nOne of: {}", list(Format::names()))
}

pub(super) fn encryption() -> String {
    format!(
        "How the output is encrypted; aes256 is short for aes256-sha256, which is the default, and so on.\n\nOne of: {}",
        list(Scheme::names())
    )
}

pub(super) fn algorithm() -> String {
    format!("CNG algorithm, where nothing else says it.\n\nOne of: {}", list(Algorithm::names()))
}

pub(super) fn curve() -> String {
    let names = CURVES.iter().map(|curve| curve.name);
    format!("CNG curve name, where nothing else says it.\n\nOne of: {}", list(names))
}

pub(super) fn attribute() -> String {
    "Another attribute of the private or secret key. The token must keep it as it is given. Repeat it for several.\n\n\
     A name of PKCS#11, with or without CKA_, or a number 0x…; then the value: true or false; a number; a date 2026-12-31; mechanisms with commas between, by name or number; \
     attributes that must hold of other keys, in braces. Of an attribute that is not known by name the value says what it is: hex:…, text:…, ulong:… or bool:….\n\n\
     For instance WRAP_WITH_TRUSTED=true, ALLOWED_MECHANISMS=CKM_ECDSA,0x1043, 'UNWRAP_TEMPLATE={SENSITIVE=true;EXTRACTABLE=false}', 0x80001234=hex:00ff"
        .to_owned()
}

fn list(names: impl Iterator<Item = impl Into<String>>) -> String {
    names.map(Into::into).collect::<Vec<String>>().join(", ")
}

/// Which of the known names was meant, if one is near: with its first letters, or with few of them changed.
pub(super) fn meant(text: &str, names: impl Iterator<Item = impl AsRef<str>>) -> String {
    const LONGEST: usize = 64;
    let text = text.to_lowercase();
    if text.is_empty() || text.len() > LONGEST {
        return String::new();
    }
    let distances = names.map(|name| (distance(&text, &name.as_ref().to_lowercase()), name));
    let nearest =
        distances.filter(|(distance, name)| *distance <= name.as_ref().len() / 3).min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, name)| format!("; did you mean {}?", name.as_ref())).unwrap_or_default()
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
}
