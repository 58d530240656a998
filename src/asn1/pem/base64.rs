//! Base64 (RFC 4648 §4) with white space in it, without a branch or a table on the characters' values.

use crate::secret::SecretBytes;

/// Reads it into one exact allocation. The error is an offset and what is wrong there.
pub(super) fn decode(text: &[u8]) -> Result<SecretBytes, (usize, &'static str)> {
    let mut characters = 0_usize;
    let mut padding = 0_usize;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            byte if is_white(*byte) => {}
            b'=' => padding += 1,
            _ if padding > 0 => return Err((at, "there is something behind the padding")),
            _ => characters += 1,
        }
    }
    if !matches!((characters % 4, padding), (0, 0) | (2, 2) | (3, 1)) {
        return Err((text.len(), "the base64 is cut short"));
    }
    let mut out = SecretBytes::zeroed(characters / 4 * 3 + (characters % 4).saturating_sub(1));
    let mut places = out.as_mut_slice().iter_mut();
    let (mut bits, mut count) = (0_u16, 0);
    for (at, byte) in text.iter().enumerate().filter(|(_, byte)| !is_white(**byte) && **byte != b'=') {
        let value = value(*byte);
        if value > 0x3F {
            return Err((at, "a character is not of base64"));
        }
        bits = (bits << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            let [_, octet] = (bits >> count).to_be_bytes();
            bits &= (1 << count) - 1;
            if let Some(place) = places.next() {
                *place = octet;
            }
        }
    }
    if bits != 0 {
        return Err((text.len(), "the last character of the base64 has bits too many"));
    }
    Ok(out)
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The value of a character; more than 63 for one that is not of the alphabet.
fn value(character: u8) -> u16 {
    let character = u16::from(character);
    // All ones where low <= character <= high.
    let within = |low: u16, high: u16| {
        let outside = (character.wrapping_sub(low) | high.wrapping_sub(character)) >> 15;
        outside.wrapping_sub(1)
    };
    let mut value = 0x40;
    for (low, high, first) in [(b'A', b'Z', 0), (b'a', b'z', 26), (b'0', b'9', 52), (b'+', b'+', 62), (b'/', b'/', 63)]
    {
        let (low, high) = (u16::from(low), u16::from(high));
        let mask = within(low, high);
        value = (value & !mask) | (character.wrapping_sub(low).wrapping_add(first) & mask);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_its_value() {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for byte in 0..=u8::MAX {
            let expected = ALPHABET.iter().position(|letter| *letter == byte);
            assert_eq!(expected.map_or(0x40, |at| u16::try_from(at).unwrap()), value(byte), "{byte}");
        }
    }

    #[test]
    fn the_examples_of_rfc_4648_are_read_and_everything_shorter_is_not() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(&*decode(text.as_bytes()).unwrap(), bytes.as_bytes());
            for len in (1..text.len()).filter(|len| len % 4 != 0) {
                assert!(decode(&text.as_bytes()[..len]).is_err(), "{text} {len}");
            }
        }
        for text in [
            "Zh==",
            "Zm9=",
            "Zg=",
            "Zg===",
            "Z",
            "=",
            "Zg==Zg==",
            "Zm9v====",
            "Zm9v\0",
            "Zm9v\x0C\x0C\x0C\x0C",
            "Zm-_",
            "Zm9vé",
        ] {
            assert!(decode(text.as_bytes()).is_err(), "{text}");
        }
    }
}
