//! PEM (RFC 7468): sections in a text, what each is, and the bytes in it.
//!
//! Reading is lenient where writers differ: text before, between and behind the sections, any line ends and line widths, spaces, a missing last line
//! end. It is strict where bytes could be lost: the closing label, the alphabet, the padding. One pass over the text, however many
//! sections it has; contents go into one exact, wiped allocation each. Refuses by name what a label says and nothing here reads, and the
//! encryption of RFC 1421 headers, whose key derivation is MD5.

mod base64;
mod label;

use super::Error;
use crate::secret::SecretBytes;

pub use self::label::Label;

const DASHES: &[u8] = b"-----";
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// Bytes behind [`BEGIN`] within which the dashes that end the label must come.
const LABEL_LINE: usize = 100;

/// One section of a text.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Section<'a> {
    /// The label, as it stands there.
    pub label: &'a str,
    /// Where the section begins, in bytes from the start of the text.
    pub offset: usize,
    /// Where what follows it begins.
    pub end: usize,
    /// The headers of RFC 1421, if there are any, as they stand there.
    headers: &'a [u8],
    body: &'a [u8],
    body_offset: usize,
}

impl<'a> Section<'a> {
    /// What the label says; `None` for one that is not known.
    pub fn kind(&self) -> Option<Label> {
        Label::of(self.label)
    }

    /// Whether the contents are encrypted as RFC 1421 has it (`Proc-Type: 4,ENCRYPTED`).
    pub fn is_encrypted(&self) -> bool {
        let mut lines = self.headers.split(|byte| *byte == b'\n');
        lines.any(|line| line.starts_with(b"Proc-Type:") && line.trim_ascii_end().ends_with(b"ENCRYPTED"))
    }

    /// The headers of RFC 1421 with the empty line behind them, as they stand there, and where they begin in the text.
    pub fn headers(&self) -> (&'a [u8], usize) {
        (self.headers, self.body_offset.saturating_sub(self.headers.len()))
    }

    /// The bytes in it, wiped on drop.
    ///
    /// # Errors
    /// [`Error::Pem`] when the base64 is not what it should be, [`Error::Unsupported`] for encryption by headers and for what is not DER.
    pub fn decode(&self) -> Result<SecretBytes, Error> {
        if let Some((what, hint)) = self.kind().and_then(Label::refusal) {
            return Err(Error::Unsupported { what, hint });
        }
        if self.is_encrypted() {
            return Err(Error::Unsupported {
                what: "PEM that is encrypted the old way (Proc-Type, DEK-Info), with a key made by MD5,",
                hint: "encrypt it as PKCS#8: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem",
            });
        }
        base64::decode(self.body).map_err(|(at, problem)| pem_error(self.body_offset + at, problem))
    }
}

impl std::fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { label, offset, end, .. } = self;
        f.debug_struct("Section")
            .field("label", label)
            .field("offset", offset)
            .field("end", end)
            .finish_non_exhaustive()
    }
}

/// The sections of a text, in their order. What is broken is told and passed over.
#[derive(Clone)]
pub struct Sections<'a> {
    text: &'a [u8],
    at: usize,
}

impl std::fmt::Debug for Sections<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sections(at {} of {} bytes)", self.at, self.text.len())
    }
}

/// Goes through the sections of a text.
pub fn sections(text: &[u8]) -> Sections<'_> {
    Sections { text, at: 0 }
}

/// Whether there is the beginning of a section anywhere, in what is not DER.
pub fn is_pem(text: &[u8]) -> bool {
    // Text may begin with the character 0, which is the tag of a SEQUENCE, but then that does not reach to its end.
    let is_der = text.first() == Some(&0x30) && super::outer_length(text) == Some(text.len());
    !is_der && find_bytes(text, 0, BEGIN).is_some()
}

/// What the first section of a text says that it is, also one that is cut short.
pub fn first_label(text: &[u8]) -> Option<Label> {
    let start = find_bytes(text, 0, BEGIN)? + BEGIN.len();
    let line = text.get(start..text.len().min(start + LABEL_LINE))?;
    let label = line.get(..find_bytes(line, 0, DASHES)?)?;
    Label::of(str::from_utf8(label).ok()?)
}

impl<'a> Iterator for Sections<'a> {
    type Item = Result<Section<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(offset) = find_bytes(self.text, self.at, BEGIN) else {
            self.at = self.text.len();
            return None;
        };
        Some(self.section(offset).map_err(|problem| pem_error(offset, problem)))
    }
}

impl<'a> Sections<'a> {
    /// The section that begins at `offset`. On an error `at` has moved all the same, so that every byte is looked at a fixed number of times.
    fn section(&mut self, offset: usize) -> Result<Section<'a>, &'static str> {
        let after = offset + BEGIN.len();
        self.at = after;
        let (label, body_offset) = self.label(after).ok_or("the first line of a section is not well-formed")?;
        self.at = body_offset;
        let end = find_bytes(self.text, body_offset, DASHES).ok_or("a section has no end")?;
        self.at = end;
        let closing = self.text.get(end..).and_then(|rest| rest.strip_prefix(END));
        let closing = closing.ok_or("a section has no end before the next one begins")?;
        let closing = closing.strip_prefix(label.as_bytes()).and_then(|rest| rest.strip_prefix(DASHES));
        closing.ok_or("a section ends with another label than it began with")?;
        self.at = end + END.len() + label.len() + DASHES.len();
        let body = self.text.get(body_offset..end).unwrap_or_default();
        let headers = headers(body);
        let (headers, body) = body.split_at(headers);
        Ok(Section { label, offset, end: self.at, headers, body, body_offset: body_offset + headers.len() })
    }

    /// The label at an offset and the offset behind its line's dashes: printable ASCII without dashes of its own at the end, not over one line.
    fn label(&self, offset: usize) -> Option<(&'a str, usize)> {
        // No label is longer than a line, and a text without line ends must not be searched to its end from every beginning.
        let rest = self.text.get(offset..)?;
        let rest = rest.get(..LABEL_LINE).unwrap_or(rest);
        let len = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let line = rest.get(..len)?;
        let len = find_bytes(line, 0, DASHES)?;
        let label = str::from_utf8(line.get(..len)?).ok()?;
        let is_label = !label.is_empty() && label.bytes().all(|byte| matches!(byte, 0x20..=0x7E));
        is_label.then_some((label, offset + len + DASHES.len()))
    }
}

/// The first section of one of these kinds; others are passed over.
///
/// # Errors
/// [`Error::Pem`] when there is none, or what comes before it is broken.
pub fn find<'a>(text: &'a [u8], kinds: &[Label]) -> Result<Section<'a>, Error> {
    let mut first = None;
    for section in sections(text) {
        let section = section?;
        if section.kind().is_some_and(|kind| kinds.contains(&kind)) {
            return Ok(section);
        }
        first.get_or_insert(section);
    }
    match first {
        None => Err(pem_error(0, "there is no section")),
        Some(first) => match first.kind().and_then(Label::refusal) {
            Some((what, hint)) => Err(Error::Unsupported { what, hint }),
            None => Err(pem_error(first.offset, "there is no section with the label looked for; the first one is")),
        },
    }
}

/// Writes a section: lines of 64 characters, as RFC 7468 §2 has it.
///
/// # Errors
/// [`Error::Pem`] if it cannot be written, which does not happen.
pub fn to_pem(label: Label, der: &[u8]) -> Result<SecretBytes, Error> {
    let text = der::pem::encode_string(label.name(), der::pem::LineEnding::LF, der);
    text.map(|text| SecretBytes::from(text.into_bytes())).map_err(|_| pem_error(0, "it cannot be written"))
}

fn pem_error(offset: usize, problem: &'static str) -> Error {
    Error::Pem { offset: offset as u64, problem }
}

/// How many bytes of a body are headers: lines with a colon, which base64 does not have, and those that continue them, up to the empty line.
fn headers(body: &[u8]) -> usize {
    let (mut len, mut found) = (0, false);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let blank = line.trim_ascii().is_empty();
        let continues = found && line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        match (blank, found) {
            (true, true) => return len + line.len(),
            (true, false) => {}
            _ if continues || line.contains(&b':') => found = true,
            _ => break,
        }
        len += line.len();
    }
    if found { len } else { 0 }
}

/// Where `wanted` begins next. Passes over as much as the last byte of a place allows (Horspool), which is what keeps ten megabytes of dashes from
/// taking their time.
fn find_bytes(text: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let (last, others) = wanted.split_last()?;
    let mut at = from;
    loop {
        let end = at.checked_add(others.len())?;
        let found = text.get(end)?;
        if found == last && text.get(at..end)? == others {
            return Some(at);
        }
        at += others.iter().rev().position(|byte| byte == found).map_or(wanted.len(), |back| back + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Result<(&str, Vec<u8>), Error>> {
        let read = |section: Result<Section<'_>, Error>| {
            let section = section?;
            Ok((Label::of(section.label).map_or("?", Label::name), section.decode()?.to_vec()))
        };
        sections(text.as_bytes()).map(read).collect()
    }

    #[test]
    fn writers_differ_and_all_are_read() {
        let expected = vec![Ok(("PUBLIC KEY", b"hello".to_vec()))];
        for text in [
            "-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\r\naGVsbG8=\r\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----aGVsbG8=-----END PUBLIC KEY-----",
            "----------BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY----------\n",
            "\u{FEFF}text - with -- dashes\n-----BEGIN PUBLIC KEY-----  \n a G V\t\n\n\nsbG8 =\n-----END PUBLIC KEY----- \nmore",
            "-----BEGIN PUBLIC KEY-----\nComment: a key\n of mine\n\naGVsbG8=\n-----END PUBLIC KEY-----\n",
        ] {
            assert_eq!(all(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_broken_is_told_with_its_place_and_passed_over() {
        let good = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, offset, problem) in [
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n", 0, "a section has no end"),
            (
                "-----BEGIN PUBLIC KEY\nAAAA\n-----END PUBLIC KEY-----\n",
                0,
                "the first line of a section is not well-formed",
            ),
            (
                "x-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                1,
                "a section ends with another label than it began with",
            ),
            ("-----BEGIN PUBLIC KEY-----\nAA*A\n-----END PUBLIC KEY-----\n", 29, "a character is not of base64"),
        ] {
            let error = Error::Pem { offset, problem };
            assert_eq!(all(text).first(), Some(&Err(error.clone())), "{text:?}");
            let both = [text, good].concat();
            assert_eq!(all(&both).last(), Some(&Ok(("CERTIFICATE", vec![0, 0, 0]))), "{both:?}");
        }
    }

    #[test]
    fn ten_thousand_sections_and_a_million_beginnings_take_one_pass() {
        let one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(sections(one.repeat(10_000).as_bytes()).filter(Result::is_ok).count(), 10_000);
        let text = "-----BEGIN ".repeat(1_000_000);
        assert_eq!(sections(text.as_bytes()).filter(Result::is_err).count(), 1_000_000);
        let text = "-----BEGIN A-----".repeat(1_000_000);
        assert_eq!(sections(text.as_bytes()).filter(Result::is_err).count(), 1_000_000);
        let dashes = "-".repeat(10_000_000);
        let start = std::time::Instant::now();
        for _ in 0..10 {
            assert!(!is_pem(dashes.as_bytes()));
        }
        // A second for a hundred million dashes would be slow even for a debug build that goes over each once.
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
    }
}
