//! BER (X.690 §8) made DER, as far as PKCS#12 and CMS files need it: NSS, OpenSSL where it streams, and older Java and Windows programs write
//! indefinite lengths and OCTET STRINGs in pieces.
//!
//! Lengths become definite and minimal, constructed OCTET STRINGs one piece. What is inside an OCTET STRING is not looked at. Two passes over
//! the input, the first one to measure; nesting is bounded, and so is memory: four bytes for each constructed element, of which there is a limit, and the output.

use std::borrow::Cow;

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::Error;
use crate::secret::SecretBytes;

/// A PKCS#12 file nests some fifteen deep, an EnvelopedData some ten.
const MAX_DEPTH: usize = 32;
/// Constructed elements of a file: some twenty for each of a thousand keys with their certificates, and as many again. An empty one has two bytes and
/// takes four to remember.
const MAX_ELEMENTS: usize = 1 << 16;

const CONSTRUCTED: u8 = 0x20;
const HIGH_TAG_NUMBER: u8 = 0x1F;
const OCTET_STRING: u8 = 0x04;

/// Bytes in DER: as they came if they were, else converted.
pub(super) enum Normalised<'a> {
    Borrowed(&'a [u8]),
    Converted(SecretBytes),
}

impl Normalised<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Converted(bytes) => bytes,
        }
    }
}

/// Converts one element, which must be the whole input.
pub(super) fn normalise<'a>(what: &'static str, bytes: &'a [u8]) -> Result<Normalised<'a>, Error> {
    let mut source = Source { what, bytes, at: 0, is_der: true };
    let mut measured = Measure { total: 0, lengths: Vec::new() };
    walk(&mut source, &mut measured, MAX_DEPTH)?;
    if source.at != bytes.len() {
        return Err(source.wrong("data behind its end"));
    }
    if source.is_der {
        return Ok(Normalised::Borrowed(bytes));
    }
    let mut writer = Write { out: SecretBytes::zeroed(measured.total), at: 0, lengths: measured.lengths.into_iter() };
    walk(&mut Source { what, bytes, at: 0, is_der: true }, &mut writer, MAX_DEPTH)?;
    Ok(Normalised::Converted(writer.out))
}

/// A `[0] IMPLICIT OCTET STRING`; BER allows it in pieces, which [`normalise`] cannot know without the structure that it stands in.
pub(super) fn implicit_octets<'a>(what: &'static str, element: AnyRef<'a>) -> Result<Cow<'a, [u8]>, Error> {
    match element.tag() {
        Tag::ContextSpecific { constructed: false, number: TagNumber(0) } => Ok(Cow::Borrowed(element.value())),
        Tag::ContextSpecific { constructed: true, number: TagNumber(0) } => {
            let wrong = |error| Error::from((what, error));
            let mut pieces = SliceReader::new(element.value()).map_err(wrong)?;
            let mut joined = Vec::with_capacity(element.value().len());
            while !pieces.is_finished() {
                let piece = AnyRef::decode(&mut pieces).map_err(wrong)?;
                piece.tag().assert_eq(Tag::OctetString).map_err(wrong)?;
                joined.extend_from_slice(piece.value());
            }
            Ok(Cow::Owned(joined))
        }
        _ => Err(Error::Invalid { what, problem: "it is no [0]" }),
    }
}

struct Source<'a> {
    what: &'static str,
    bytes: &'a [u8],
    at: usize,
    is_der: bool,
}

impl<'a> Source<'a> {
    fn wrong(&self, kind: &str) -> Error {
        Error::Malformed { what: self.what, offset: u64::try_from(self.at).unwrap_or(u64::MAX), kind: kind.to_owned() }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let taken = end.and_then(|end| self.bytes.get(self.at..end)).ok_or_else(|| self.wrong("truncated"))?;
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    /// A tag, and a length unless it is indefinite.
    fn header(&mut self) -> Result<(u8, Option<usize>), Error> {
        let tag = self.byte()?;
        if tag & HIGH_TAG_NUMBER == HIGH_TAG_NUMBER {
            return Err(self.wrong("a tag number above 30"));
        }
        let first = self.byte()?;
        let length = match first {
            0..=0x7F => usize::from(first),
            0x80 if tag & CONSTRUCTED != 0 => {
                self.is_der = false;
                return Ok((tag, None));
            }
            0x81..=0x84 => {
                let digits = self.take(usize::from(first & 0x7F))?;
                digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit))
            }
            _ => return Err(self.wrong("a length that cannot be")),
        };
        self.is_der &= length_octets(length) == 1 + usize::from(first.saturating_sub(0x80));
        Ok((tag, Some(length)))
    }

    /// Where contents of this length end.
    fn end(&self, length: Option<usize>) -> Result<Option<usize>, Error> {
        let end = |length| self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        length.map(|length| end(length).ok_or_else(|| self.wrong("truncated"))).transpose()
    }

    /// Whether contents end here; the end-of-contents octets of an indefinite length are passed over.
    fn has_ended(&mut self, end: Option<usize>) -> Result<bool, Error> {
        match end {
            Some(end) if self.at > end => Err(self.wrong("an element longer than what it stands in")),
            Some(end) => Ok(self.at == end),
            None if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(&[0, 0])) => {
                self.at += 2;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// What a walk over the elements leads to.
trait Sink {
    /// Begins an element whose contents follow. `None` when there are too many.
    fn open(&mut self, tag: u8) -> Option<Mark>;
    fn close(&mut self, mark: Mark);
    fn contents(&mut self, bytes: &[u8]);
    fn header(&mut self, tag: u8, length: usize);
}

/// The place of an open element among the lengths, and what was measured before it.
struct Mark {
    index: usize,
    outer: usize,
}

fn walk(source: &mut Source<'_>, sink: &mut impl Sink, depth: usize) -> Result<(), Error> {
    let Some(inner) = depth.checked_sub(1) else { return Err(source.wrong("nested too deep")) };
    let (tag, length) = source.header()?;
    if tag & CONSTRUCTED == 0 {
        let contents = source.take(length.unwrap_or(0))?;
        sink.header(tag, contents.len());
        sink.contents(contents);
        return Ok(());
    }
    let end = source.end(length)?;
    let in_pieces = tag == OCTET_STRING | CONSTRUCTED;
    let mark = sink.open(if in_pieces { OCTET_STRING } else { tag });
    let mark = mark.ok_or_else(|| source.wrong("more elements than such a file has"))?;
    while !source.has_ended(end)? {
        if in_pieces {
            source.is_der = false;
            join(source, sink, inner)?;
        } else {
            walk(source, sink, inner)?;
        }
    }
    source.is_der &= !in_pieces;
    sink.close(mark);
    Ok(())
}

/// One piece of an OCTET STRING, which may be in pieces itself.
fn join(source: &mut Source<'_>, sink: &mut impl Sink, depth: usize) -> Result<(), Error> {
    let Some(inner) = depth.checked_sub(1) else { return Err(source.wrong("nested too deep")) };
    let (tag, length) = source.header()?;
    if tag == OCTET_STRING {
        sink.contents(source.take(length.unwrap_or(0))?);
        return Ok(());
    }
    if tag != OCTET_STRING | CONSTRUCTED {
        return Err(source.wrong("a piece of an OCTET STRING that is none"));
    }
    let end = source.end(length)?;
    while !source.has_ended(end)? {
        join(source, sink, inner)?;
    }
    Ok(())
}

/// How many octets a definite, minimal length takes.
fn length_octets(length: usize) -> usize {
    match length {
        0..=0x7F => 1,
        _ => 1 + significant(length),
    }
}

fn significant(length: usize) -> usize {
    length.to_be_bytes().iter().skip_while(|byte| **byte == 0).count()
}

struct Measure {
    /// The length of what is open now, so far.
    total: usize,
    /// The contents' length of each constructed element, in the order in which they begin.
    lengths: Vec<u32>,
}

impl Sink for Measure {
    fn open(&mut self, _: u8) -> Option<Mark> {
        if self.lengths.len() == MAX_ELEMENTS {
            return None;
        }
        self.lengths.push(0);
        Some(Mark { index: self.lengths.len() - 1, outer: std::mem::take(&mut self.total) })
    }

    fn close(&mut self, mark: Mark) {
        if let Some(length) = self.lengths.get_mut(mark.index) {
            *length = u32::try_from(self.total).unwrap_or(u32::MAX);
        }
        self.total += mark.outer + 1 + length_octets(self.total);
    }

    fn contents(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
    }

    fn header(&mut self, _: u8, length: usize) {
        self.total += 1 + length_octets(length);
    }
}

struct Write {
    out: SecretBytes,
    at: usize,
    lengths: std::vec::IntoIter<u32>,
}

impl Sink for Write {
    fn open(&mut self, tag: u8) -> Option<Mark> {
        let length = self.lengths.next().and_then(|length| usize::try_from(length).ok());
        self.header(tag, length.unwrap_or(usize::MAX));
        Some(Mark { index: 0, outer: 0 })
    }

    fn close(&mut self, _: Mark) {}

    fn contents(&mut self, bytes: &[u8]) {
        // The measure was taken of the same input: there is room.
        if let Some(place) = self.out.as_mut_slice().get_mut(self.at..self.at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }

    fn header(&mut self, tag: u8, length: usize) {
        let digits = significant(length);
        let bytes = length.to_be_bytes();
        self.contents(&[tag]);
        match (length, u8::try_from(digits)) {
            (0..=0x7F, _) | (_, Err(_)) => self.contents(&[bytes.last().copied().unwrap_or(0)]),
            (_, Ok(count)) => {
                self.contents(&[0x80 | count]);
                self.contents(bytes.get(bytes.len() - digits..).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(bytes: &[u8]) -> Option<Vec<u8>> {
        match normalise("test", bytes) {
            Ok(Normalised::Converted(bytes)) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    #[test]
    fn indefinite_and_long_lengths_become_definite_and_strings_one_piece() {
        assert_eq!(converted(&[0x30, 0x80, 2, 1, 5, 0, 0]).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(converted(&[0x30, 0x82, 0, 3, 2, 1, 5]).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(converted(&[0x30, 4, 2, 0x81, 1, 5]).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(converted(&[0x24, 0x80, 4, 1, 7, 0x24, 4, 4, 2, 8, 9, 4, 0, 0, 0]).unwrap(), [4, 3, 7, 8, 9]);
        assert_eq!(converted(&[0xA0, 0x80, 0x30, 0x80, 0, 0, 5, 0, 0, 0]).unwrap(), [0xA0, 4, 0x30, 0, 5, 0]);
        // A string that gets longer than a short length says.
        let mut long = vec![0x30, 0x80, 0x24, 0x80];
        (0..3).for_each(|_| long.extend([&[4, 100][..], &[0x55; 100]].concat()));
        long.extend([0, 0, 0, 0]);
        assert_eq!(converted(&long).unwrap(), [&[0x30, 0x82, 1, 0x30, 4, 0x82, 1, 0x2C][..], &[0x55; 300]].concat());
    }

    #[test]
    fn der_is_left_as_it_is() {
        let der = [0x30, 8, 4, 3, 1, 2, 3, 0x31, 1, 0];
        assert!(normalise("test", &der).is_err());
        let der = [0x30, 7, 4, 3, 1, 2, 3, 0x31, 0];
        assert!(matches!(normalise("test", &der), Ok(Normalised::Borrowed(same)) if same == der));
    }

    #[test]
    fn what_is_cut_short_overlong_or_too_deep_is_refused() {
        let whole = [0x30, 0x80, 0x24, 0x80, 4, 1, 7, 0, 0, 2, 0x81, 1, 9, 0, 0];
        assert!(converted(&whole).is_some());
        for length in 0..whole.len() {
            assert!(normalise("test", &whole[..length]).is_err(), "{length}");
        }
        for wrong in [
            &[0x30, 0x80, 0, 0, 0][..],
            &[0x30, 2, 2, 1, 5],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[4, 0x80, 0, 0],
            &[0x24, 0x80, 2, 1, 5, 0, 0],
            &[0x3F, 0x81, 1, 0],
            &[0x30, 3, 0x30, 0x80, 0, 0],
        ] {
            assert!(normalise("test", wrong).is_err(), "{wrong:x?}");
        }
        let deep = [0x30, 0x80].repeat(1_000_000);
        assert!(normalise("test", &deep).is_err());
    }
}
