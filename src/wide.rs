//! UTF-16LE strings, as CNG carries names: in blob headers, in properties, in parameter buffers.
//!
//! Refuses unpaired surrogates, odd lengths and embedded NULs; never replaces a character silently.

/// What is wrong with a wide string.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A NUL stands before the end of the string.
    #[error("a NUL character stands inside the string")]
    EmbeddedNul,
    /// The byte length is odd.
    #[error("the string has an odd number of bytes")]
    OddLength,
    /// An unpaired surrogate.
    #[error("the string is not valid UTF-16")]
    Unpaired,
}

/// `text` as UTF-16LE bytes with a terminating NUL.
pub fn encode_nul(text: &str) -> Vec<u8> {
    // All of it at once: a password goes this way, and an outgrown buffer would keep it.
    let mut bytes = Vec::with_capacity(2 * (text.len() + 1));
    text.encode_utf16().chain([0]).for_each(|unit| bytes.extend(unit.to_le_bytes()));
    bytes
}

/// `text` as UTF-16LE bytes without a terminator.
pub fn encode(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Reads UTF-16LE bytes; one terminating NUL is accepted and dropped, since callers of CNG differ on counting it.
///
/// # Errors
/// [`Error`] when the bytes are not one well-formed string.
pub fn decode(bytes: &[u8]) -> Result<String, Error> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::OddLength);
    }
    // Passwords come this way too.
    let mut units: zeroize::Zeroizing<Vec<u16>> =
        units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>().into();
    if units.last() == Some(&0) {
        units.pop();
    }
    if units.contains(&0) {
        return Err(Error::EmbeddedNul);
    }
    // Three bytes at most for a unit, all of it at once, and wiped if it comes to nothing.
    let mut text = zeroize::Zeroizing::new(String::with_capacity(3 * units.len()));
    for character in char::decode_utf16(units.iter().copied()) {
        text.push(character.map_err(|_| Error::Unpaired)?);
    }
    Ok(std::mem::take(&mut *text))
}

/// The length of `text` in UTF-16 code units, which is how CNG counts names.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_survives_with_and_without_its_nul() {
        for text in ["AES", "ключ", "🔑", ""] {
            assert_eq!(decode(&encode(text)).as_deref(), Ok(text));
            assert_eq!(decode(&encode_nul(text)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn odd_lengths_embedded_nuls_and_lone_surrogates_are_refused() {
        assert_eq!(decode(&[0x41]), Err(Error::OddLength));
        assert_eq!(decode(&[0x41, 0, 0, 0, 0x42, 0]), Err(Error::EmbeddedNul));
        assert_eq!(decode(&[0x00, 0xD8]), Err(Error::Unpaired));
    }
}
