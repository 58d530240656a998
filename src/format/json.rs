//! JSON (RFC 8259) as far as key files and manifests need it: places of values in a text, and no copies of them.
//!
//! A general reader makes strings, maps and error messages out of what it reads, none of which is wiped; here a value is a piece of the
//! input. Strict: UTF-8, no duplicate members, no lone surrogates, nothing behind the value. Nesting and the numbers of
//! members and of values are bounded. A byte order mark in front is passed over. Reading takes linear time: every value is walked over once for each level above it that is opened.

use std::borrow::Cow;

/// What may stand in front of a text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Values nested deeper than this are refused.
const MAX_DEPTH: usize = 32;

/// Objects with more members than this are refused.
const MAX_MEMBERS: usize = 256;

/// Texts with more values than this are refused: a thousand keys with a hundred members each.
const MAX_VALUES: usize = 100_000;

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
}

/// The kind of a value, which its first character tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Array,
    Literal,
    Number,
    Object,
    String,
}

/// A well-formed value: a piece of the text, from its first character to its last.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    text: &'a str,
    offset: usize,
}

/// A member of an object.
#[derive(Clone)]
pub(crate) struct Member<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Node<'a>,
}

/// Reads a text that is one value.
pub(crate) fn read(bytes: &[u8]) -> Result<Node<'_>, Problem> {
    let text =
        str::from_utf8(bytes).map_err(|error| Problem { offset: error.valid_up_to(), what: "it is not UTF-8" })?;
    // Programs of Windows begin a text with a byte order mark, which RFC 8259 §8.1 lets a reader pass over.
    let start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    let mut cursor = Cursor { text, base: 0, at: start, values: 0 };
    cursor.white();
    let value = cursor.value(0)?;
    cursor.white();
    if cursor.at == text.len() { Ok(value) } else { Err(cursor.problem("something follows the value")) }
}

impl<'a> Node<'a> {
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The value as it stands in the text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.text.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f' | b'n') => Kind::Literal,
            _ => Kind::Number,
        }
    }

    /// The members of an object.
    pub(crate) fn members(&self) -> Result<Vec<Member<'a>>, Problem> {
        let mut members = Vec::new();
        let mut cursor = self.inside(Kind::Object, "it is not an object")?;
        while let Some(name) = cursor.next_element(b'}')? {
            if members.len() == MAX_MEMBERS {
                return Err(Problem { offset: name.offset, what: "the object has more than 256 members" });
            }
            let value = cursor.member_value()?;
            let name = Member { name: name.string()?, value };
            if members.iter().any(|other: &Member<'_>| other.name == name.name) {
                return Err(Problem { offset: value.offset, what: "its name stands there twice" });
            }
            members.push(name);
        }
        Ok(members)
    }

    /// The elements of an array, at most `limit`.
    pub(crate) fn elements(&self, limit: usize, too_many: &'static str) -> Result<Vec<Self>, Problem> {
        let mut elements = Vec::new();
        let mut cursor = self.inside(Kind::Array, "it is not an array")?;
        while let Some(element) = cursor.next_element(b']')? {
            if elements.len() == limit {
                return Err(Problem { offset: element.offset, what: too_many });
            }
            elements.push(element);
        }
        Ok(elements)
    }

    /// The characters of a string that has no escapes, which no base64 needs.
    pub(crate) fn plain(&self) -> Result<&'a str, Problem> {
        let inner = self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let inner = inner.ok_or(Problem { offset: self.offset, what: "it is not a string" })?;
        if inner.contains('\\') {
            return Err(Problem { offset: self.offset, what: "it has escaped characters" });
        }
        Ok(inner)
    }

    /// The characters of a string.
    pub(crate) fn string(&self) -> Result<Cow<'a, str>, Problem> {
        let wrong = |what| Problem { offset: self.offset, what };
        let inner = self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let inner = inner.ok_or_else(|| wrong("it is not a string"))?;
        if !inner.contains('\\') {
            return Ok(Cow::Borrowed(inner));
        }
        let mut out = String::with_capacity(inner.len());
        let mut units = Vec::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                flush(&mut units, &mut out).ok_or_else(|| wrong("it has half a surrogate pair"))?;
                out.push(c);
                continue;
            }
            let escape = chars.next().ok_or_else(|| wrong("it ends in an escape"))?;
            if escape == 'u' {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit =
                        chars.next().and_then(|digit| digit.to_digit(16)).and_then(|digit| u16::try_from(digit).ok());
                    unit = unit << 4 | digit.ok_or_else(|| wrong("it has a \\u without four digits"))?;
                }
                units.push(unit);
                continue;
            }
            flush(&mut units, &mut out).ok_or_else(|| wrong("it has half a surrogate pair"))?;
            out.push(match escape {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            });
        }
        flush(&mut units, &mut out).ok_or_else(|| wrong("it has half a surrogate pair"))?;
        Ok(Cow::Owned(out))
    }

    fn inside(&self, kind: Kind, what: &'static str) -> Result<Cursor<'a>, Problem> {
        if self.kind() != kind {
            return Err(Problem { offset: self.offset, what });
        }
        Ok(Cursor { text: self.text, base: self.offset, at: 1, values: 0 })
    }
}

/// Takes the UTF-16 units that were escaped one after the other as characters.
fn flush(units: &mut Vec<u16>, out: &mut String) -> Option<()> {
    for c in char::decode_utf16(units.drain(..)) {
        out.push(c.ok()?);
    }
    Some(())
}

/// A place in a text that begins `base` bytes into the file.
struct Cursor<'a> {
    text: &'a str,
    base: usize,
    at: usize,
    values: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn problem(&self, what: &'static str) -> Problem {
        Problem { offset: self.base + self.at, what }
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8, what: &'static str) -> Result<(), Problem> {
        if self.peek() != Some(wanted) {
            return Err(self.problem(what));
        }
        self.at += 1;
        Ok(())
    }

    /// The next element of an array, or the next name of an object, that a value before it has left the cursor behind.
    fn next_element(&mut self, end: u8) -> Result<Option<Node<'a>>, Problem> {
        let first = self.at == 1;
        self.white();
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                return Ok(None);
            }
            Some(b',') if !first => {
                self.at += 1;
                self.white();
            }
            _ if first => {}
            _ => return Err(self.problem("a comma or the end is missing")),
        }
        self.value(1).map(Some)
    }

    fn member_value(&mut self) -> Result<Node<'a>, Problem> {
        self.white();
        self.take(b':', "a colon is missing")?;
        self.white();
        self.value(1)
    }

    /// Walks over one value.
    fn value(&mut self, depth: usize) -> Result<Node<'a>, Problem> {
        if depth == MAX_DEPTH {
            return Err(self.problem("it is nested too deep"));
        }
        if self.values == MAX_VALUES {
            return Err(self.problem("there are more than 100000 values, which no key file has"));
        }
        self.values += 1;
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.container(b'}', depth)?,
            Some(b'[') => self.container(b']', depth)?,
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.literal()?,
        }
        let text = self.text.get(start..self.at).ok_or_else(|| self.problem("it is not UTF-8"))?;
        Ok(Node { text, offset: self.base + start })
    }

    fn container(&mut self, end: u8, depth: usize) -> Result<(), Problem> {
        self.at += 1;
        self.white();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.white();
            if end == b'}' {
                if self.peek() != Some(b'"') {
                    return Err(self.problem("a member has no name"));
                }
                self.string()?;
                self.white();
                self.take(b':', "a colon is missing")?;
                self.white();
            }
            self.value(depth + 1)?;
            self.white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.problem("a comma or the end is missing")),
            }
        }
    }

    fn string(&mut self) -> Result<(), Problem> {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1F)).count();
            match self.peek() {
                None => return Err(self.problem("a string does not end")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
                            if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                                return Err(self.problem("a \\u has no four digits"));
                            }
                            self.at += 5;
                        }
                        _ => return Err(self.problem("an escape is none of JSON's")),
                    }
                }
                Some(0..=0x1F) => return Err(self.problem("a control character stands in a string")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn digits(&mut self) -> Result<(), Problem> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.problem("a number has no digit where one must stand"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Problem> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn literal(&mut self) -> Result<(), Problem> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()));
        self.at += word.ok_or_else(|| self.problem("it is no JSON value"))?.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What this reader and `serde_json` think of a text: the same, but for what is said to be refused here alone.
    fn accepts(text: &str) -> bool {
        fn walk(node: Node<'_>) -> Result<(), Problem> {
            match node.kind() {
                Kind::Array => node.elements(usize::MAX, "")?.into_iter().try_for_each(walk),
                Kind::Object => node.members()?.into_iter().try_for_each(|member| walk(member.value)),
                Kind::String => node.string().map(|_| ()),
                Kind::Literal | Kind::Number => Ok(()),
            }
        }
        let outcome = read(text.as_bytes()).and_then(walk);
        assert_eq!(outcome.is_ok(), serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}: {outcome:?}");
        outcome.is_ok()
    }

    #[test]
    fn what_is_json_is_read_and_what_is_not_is_refused() {
        for text in [
            "{}",
            "[]",
            " [ ] ",
            "{\"a\":1}",
            "[1,2,{\"b\":[null,true,false]}]",
            "-0",
            "0.5e+3",
            "1E9",
            "\"\\u00e9\\n\"",
            "\"\\ud83d\\ude00\"",
            "\"\"",
            "\t\r\n{ \"a\" : \"b\" , \"c\" : [ ] }\n",
        ] {
            assert!(accepts(text), "{text}");
        }
        for text in [
            "",
            "{",
            "}",
            "[1,]",
            "{\"a\":1,}",
            "{,}",
            "[,1]",
            "{\"a\"}",
            "{a:1}",
            "01",
            "-",
            "1.",
            "1e",
            "+1",
            ".5",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "1 2",
            "[1]]",
            "'a'",
            "\"\\ud83d\"",
            "\"\\ude00\\ud83d\"",
            "\"\\ud83dx\"",
            "NaN",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn escapes_are_the_characters_that_they_stand_for() {
        let text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00é\"";
        let expected: String = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap().string().unwrap(), expected);
    }

    #[test]
    fn depth_members_and_duplicates_are_bounded() {
        let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(read(deep(MAX_DEPTH + 1).as_bytes()).err().unwrap().offset, MAX_DEPTH);
        let twice = read(b"{\"a\":1,\"\\u0061\":2}").unwrap();
        assert_eq!(twice.members().err().unwrap(), Problem { offset: 16, what: "its name stands there twice" });
        let members: Vec<_> = (0..=MAX_MEMBERS).map(|i| format!("\"{i}\":0")).collect();
        assert!(read(format!("{{{}}}", members.join(",")).as_bytes()).unwrap().members().is_err());
        assert!(read(b"[1,2,3]").unwrap().elements(2, "three").is_err());
        let values = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert!(read(values(MAX_VALUES).as_bytes()).is_ok());
        assert!(read(values(MAX_VALUES + 1).as_bytes()).is_err());
        assert_eq!(read("\u{FEFF} {}".as_bytes()).unwrap().offset(), 4);
    }
}
