//! Which keys of a token are meant.

use sha2::{Digest, Sha256};

use crate::hex;
use crate::key::{Algorithm, KeyUsage};
use crate::provider::{Key, StorageProvider};

/// What a key must have to be meant. What is not said lets every key through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A pattern of names: `*` stands for any characters, `?` for one.
    pub name: Option<String>,
    /// An algorithm; without its curve one of any.
    pub algorithm: Option<Algorithm>,
    /// Uses, all of which the key must have.
    pub usage: Option<KeyUsage>,
    /// Names of keys that are not meant.
    pub without: Vec<String>,
}

impl Filter {
    /// Whether a key is meant.
    pub fn lets(&self, key: &Key) -> bool {
        let algorithm = self.algorithm.is_none_or(|wanted| {
            key.algorithm().is_some_and(|found| {
                found.family == wanted.family && (wanted.curve.is_none() || found.curve == wanted.curve)
            })
        });
        self.name.as_deref().is_none_or(|pattern| fits(pattern, key.label()))
            && algorithm
            && !self.without.iter().any(|name| name == key.label())
            && self.usage.is_none_or(|wanted| key.usage().contains(wanted))
    }
}

/// The keys of a token that are meant, in an order that does not change from one start of the token to the next.
#[derive(Debug)]
#[non_exhaustive]
pub struct Selection {
    /// By name and CKA_ID.
    pub keys: Vec<Key>,
    /// What the list of them is known by.
    pub digest: [u8; 32],
}

impl Selection {
    /// Lists the token.
    ///
    /// # Errors
    /// What the token says.
    pub fn of(provider: &StorageProvider, filter: &Filter) -> Result<Self, crate::Error> {
        let mut keys = provider.list()?.keys;
        keys.retain(|key| filter.lets(key));
        keys.sort_by(|a, b| a.label().cmp(b.label()).then_with(|| a.id().cmp(b.id())));
        let mut digest = Sha256::new();
        for key in &keys {
            let known = key.known_public_key().and_then(|public| crate::asn1::spki::fingerprint(public).ok());
            let known = known.map(hex::encode).unwrap_or_default();
            let name = key.label();
            digest.update(format!("{} {name} {} {known}\n", name.len(), hex::encode(key.id())));
        }
        Ok(Self { keys, digest: digest.finalize().into() })
    }
}

/// Whether a text fits a pattern. Linear in both but for what a `*` takes back.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Behind the last star, and where its share of the text ends.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, in_text));
            }
            Some(wanted) if *wanted == '?' || text.get(in_text) == Some(wanted) => {
                at += 1;
                in_text += 1;
            }
            _ => match &mut star {
                Some((behind, taken)) => {
                    *taken += 1;
                    (at, in_text) = (*behind, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_has_stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("web-*", "web-1", true),
            ("web-*", "web-", true),
            ("web-*", "awe-1", false),
            ("*-?", "a-b-c", true),
            ("*-?", "a-b-", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "ä", true),
            ("**", "x", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
