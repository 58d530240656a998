//! Bytes in hexadecimal: two digits each, small letters where it is written here.

/// The digits of bytes.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of digits, of either case; colons may stand anywhere between them. `None` of anything else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().filter(|byte| *byte != b':');
    let values: Option<Vec<u8>> =
        digits.map(|digit| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let values = values?;
    let (pairs, rest) = values.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn digits_come_in_pairs() {
        assert_eq!(encode([0x00, 0x0A, 0xFF]), "000aff");
        assert_eq!(decode("000aFf"), Some(vec![0x00, 0x0A, 0xFF]));
        assert_eq!(decode("00:0a:ff"), Some(vec![0x00, 0x0A, 0xFF]));
        assert_eq!(decode(""), Some(Vec::new()));
        for wrong in ["0", "000", "0g", "+1", " 00", "0x00", "é0"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
