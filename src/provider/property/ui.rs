//! `UI Policy`: how a key would ask before it is used (NCRYPT_UI_POLICY_BLOB).
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 LE | dwVersion, 1 |
//! | 4 | 4 LE | dwFlags |
//! | 8 | 4 LE | cbCreationTitle |
//! | 12 | 4 LE | cbFriendlyName |
//! | 16 | 4 LE | cbDescription |
//! | 20 | | the three strings, UTF-16LE with NUL; one of no bytes stands for the default |
//!
//! It is kept with the key and read back, for whoever shows something to the user. Nobody is asked here: what makes a token ask before each use is CKA_ALWAYS_AUTHENTICATE.

use super::{Error, invalid, names};
use crate::wide;

const VERSION: u32 = 1;
/// Protect, force high protection, fingerprint, app container.
const KNOWN_FLAGS: u32 = 0xF;

/// Checks a blob.
pub(super) fn check(value: &[u8]) -> Result<(), Error> {
    parse(value).ok_or_else(|| invalid(names::UI_POLICY))
}

fn parse(value: &[u8]) -> Option<()> {
    let (header, mut strings) = value.split_at_checked(20)?;
    let (numbers, _) = header.as_chunks::<4>();
    let [version, flags, lengths @ ..] = numbers else { return None };
    if u32::from_le_bytes(*version) != VERSION || u32::from_le_bytes(*flags) & !KNOWN_FLAGS != 0 {
        return None;
    }
    for length in lengths {
        let (text, rest) = strings.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        strings = rest;
        if !text.is_empty() && (!text.ends_with(&[0, 0]) || wide::decode(text).is_err()) {
            return None;
        }
    }
    strings.is_empty().then_some(())
}
