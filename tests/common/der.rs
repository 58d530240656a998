//! DER that no encoder of the library writes.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "each test file uses its part of this, and what is not as expected fails the test"
)]

use std::ops::Range;

/// A header with a length in as many bytes as it takes.
pub(crate) fn header(tag: u8, length: usize) -> Vec<u8> {
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let count = u8::try_from(significant.len()).expect("at most eight");
    if length < 0x80 { vec![tag, bytes[bytes.len() - 1]] } else { [&[tag, 0x80 | count], significant].concat() }
}

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [header(tag, content.len()).as_slice(), content].concat()
}

/// DER with one more copy of the element at this path of positions behind it, and the lengths around it made right.
pub(crate) fn repeated(der: &[u8], path: &[usize]) -> Vec<u8> {
    let (position, rest) = path.split_first().expect("a position");
    let mut elements = Vec::new();
    let mut left = &der[content(der)];
    while !left.is_empty() {
        let (element, behind) = left.split_at(content(left).end);
        elements.push(element.to_vec());
        left = behind;
    }
    let element = elements[*position].clone();
    if rest.is_empty() {
        elements.insert(*position, element);
    } else {
        elements[*position] = repeated(&element, rest);
    }
    tlv(der[0], &elements.concat())
}

/// Where the content of the first element is.
fn content(der: &[u8]) -> Range<usize> {
    let (start, length) = match usize::from(der[1]) {
        length @ 0..0x80 => (2, length),
        digits => {
            let end = 2 + digits - 0x80;
            (end, der[2..end].iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
        }
    };
    start..start + length
}
