//! The lines of a text that nobody vouches for, one at a time and each within bounds.

use std::io::{BufRead, ErrorKind, Result};

/// Bytes of the longest line, and of the longest record of several lines.
pub(super) const MAX_LINE: usize = 64 << 10;

/// What was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// Nothing: the text is over.
    End,
    /// A line with its line feed.
    Whole,
    /// What stands behind the last line feed.
    Unended,
    /// More than there was room for. What was left of it is passed over.
    TooLong,
}

/// A text, read line by line.
pub(super) struct Lines<R> {
    reader: R,
    /// The number of the line that was read last, from 1.
    pub(super) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// Appends the next line to `out`, with its end, if it is not longer than `room`.
    pub(super) fn next(&mut self, out: &mut Vec<u8>, room: usize) -> Result<Line> {
        let start = out.len();
        let mut is_too_long = false;
        loop {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = available.get(..end.map_or(available.len(), |end| end + 1)).unwrap_or_default();
            is_too_long |= taken.len() > room - (out.len() - start);
            if !is_too_long {
                out.extend_from_slice(taken);
            }
            let is_over = taken.is_empty();
            let taken = taken.len();
            self.reader.consume(taken);
            if end.is_none() && !is_over {
                continue;
            }
            let is_nothing = is_over && out.len() == start && !is_too_long;
            self.number += u64::from(!is_nothing);
            return Ok(match end {
                _ if is_too_long => Line::TooLong,
                Some(_) => Line::Whole,
                None if is_nothing => Line::End,
                None => Line::Unended,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_cut_where_they_end_and_not_where_the_buffer_does() {
        let text = b"one\r\n\nthree is too long\nfour\nfive";
        for capacity in 1..40 {
            let mut lines = Lines::new(BufReader::with_capacity(capacity, &text[..]));
            let mut seen = Vec::new();
            loop {
                let mut line = Vec::new();
                let kind = lines.next(&mut line, 6).unwrap();
                if kind == Line::End {
                    break;
                }
                let line = if kind == Line::TooLong { String::new() } else { String::from_utf8(line).unwrap() };
                seen.push((kind, line, lines.number));
            }
            let whole = |text: &str, number| (Line::Whole, text.to_owned(), number);
            let expected = [
                whole("one\r\n", 1),
                whole("\n", 2),
                (Line::TooLong, String::new(), 3),
                whole("four\n", 4),
                (Line::Unended, "five".to_owned(), 5),
            ];
            assert_eq!(seen, expected, "{capacity}");
        }
    }
}
