//! `NAME=VALUE`, as attributes to be added are written.
//!
//! ```text
//! NAME                 a name of PKCS#11, with or without CKA_, in any case; or a number: 0x80001234
//! true, false          a CK_BBOOL
//! 4711, 0x1F           a CK_ULONG; a class or a key type also by its name: CKO_SECRET_KEY, aes
//! 2026-12-31           a CK_DATE
//! CKM_ECDSA,0x1043     a list of mechanisms, by name or number
//! hex:00ff, text:abc   bytes
//! {A=true;B=4711}      attributes inside: what must hold of other keys. None of them has any inside
//! ```
//!
//! An attribute without a name in [`table`] has no form, so its value says it: `hex:`, `text:`, `ulong:` or `bool:`. Everything is bounded: the length of
//! the text, and how many there are of anything.

use cryptoki_sys::{CK_ULONG, CKA_VENDOR_DEFINED, CKF_ARRAY_ATTRIBUTE};

use super::Error;
use super::addition::{Addition, MOST, Value, each_once};
use super::mechanism::{MECHANISMS, Names};
use super::table::{self, Form, addable, by_name};
use crate::template::AttributeType;

/// Bytes of one argument. An attribute of a key is not longer.
const LONGEST: usize = 16 * 1024;

/// A part of an argument, and where it starts.
#[derive(Clone, Copy)]
struct Part<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Part<'t> {
    /// Without the blanks in front of it.
    fn without_lead(self) -> Self {
        let text = self.text.trim_start();
        Self { text, at: self.at + (self.text.len() - text.len()) }
    }

    /// Without the blanks around it.
    fn trimmed(self) -> Self {
        let part = self.without_lead();
        Self { text: part.text.trim_end(), ..part }
    }

    /// What stands before and behind the first of a sign.
    fn halves(self, sign: char) -> Option<(Self, Self)> {
        let (head, tail) = self.text.split_once(sign)?;
        Some((Self { text: head, at: self.at }, Self { text: tail, at: self.at + head.len() + sign.len_utf8() }))
    }

    /// The parts between a sign; one more than is allowed, if there are more.
    fn split(self, sign: char) -> impl Iterator<Item = Self> {
        let mut at = self.at;
        self.text.split(sign).take(MOST + 1).map(move |text| {
            let part = Self { text, at };
            at += text.len() + sign.len_utf8();
            part
        })
    }

    /// What follows a prefix, which may be in any case.
    fn after(self, prefix: &str) -> Option<Self> {
        let (head, text) = self.text.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(Self { text, at: self.at + prefix.len() })
    }
}

pub(super) fn addition(text: &str) -> Result<Addition, Error> {
    if text.len() > LONGEST {
        return Err(Error::TooLong { most: LONGEST });
    }
    one(Part { text, at: 0 }, false)
}

fn one(part: Part<'_>, is_inside: bool) -> Result<Addition, Error> {
    let Some((name, value)) = part.halves('=') else { return Err(Error::NoValue { text: shortened(part.text) }) };
    let (kind, form) = attribute(name.trimmed())?;
    // The blanks of a text are its own.
    let value = if value.trimmed().after("text:").is_some() { value.without_lead() } else { value.trimmed() };
    let wrong = |at: usize, problem: String| Error::Value { attribute: AttributeType(kind), at, problem };
    let value = match form {
        Some(Form::Nested) if is_inside => {
            return Err(wrong(value.at, "attributes inside an attribute have none inside themselves".to_owned()));
        }
        Some(Form::Nested) => nested(value, &wrong)?,
        Some(form) => formed(value, form).map_err(|(at, problem)| wrong(at, problem))?,
        None => explicit(kind, value).map_err(|(at, problem)| wrong(at, problem))?,
    };
    Ok(Addition { kind: AttributeType(kind), value })
}

/// The number of a name, and the form of its value, if it has a row.
fn attribute(name: Part<'_>) -> Result<(CK_ULONG, Option<Form>), Error> {
    if let Some(row) = by_name(name.text) {
        return Ok((row.kind, Some(row.form)));
    }
    match name.after("0x").and_then(|digits| CK_ULONG::from_str_radix(digits.text, 16).ok()) {
        Some(number) => Ok((number, table::by_number(number).map(|row| row.form))),
        None => Err(Error::Unknown { name: shortened(name.text), known: addable() }),
    }
}

/// What is wrong, and where.
type Wrong = (usize, String);

fn formed(value: Part<'_>, form: Form) -> Result<Value, Wrong> {
    match form {
        Form::Bytes => bytes(value)
            .unwrap_or_else(|| Err((value.at, "bytes are written hex:… or text:…".to_owned())))
            .map(Value::Bytes),
        Form::Date => date(value).map(Value::Date),
        Form::Flag => flag(value.after("bool:").unwrap_or(value)).map(Value::Flag),
        Form::Mechanisms => mechanisms(value).map(Value::Mechanisms),
        Form::Number(names) => number(value.after("ulong:").unwrap_or(value), names).map(Value::Number),
        Form::Nested => Err((value.at, "it stands in braces".to_owned())),
    }
}

/// The value of an attribute that is not known here: it says itself what it is.
fn explicit(kind: u64, value: Part<'_>) -> Result<Value, Wrong> {
    // A module takes the value of such a number for an array of attributes, with pointers in it. A vendor's numbers have that bit by chance.
    if kind & (CKF_ARRAY_ATTRIBUTE | CKA_VENDOR_DEFINED) == CKF_ARRAY_ATTRIBUTE {
        return Err((value.at, "an attribute of this number is a list of attributes, and not known here".to_owned()));
    }
    if let Some(bytes) = bytes(value) {
        return bytes.map(Value::Bytes);
    }
    match (value.after("ulong:"), value.after("bool:")) {
        (Some(value), _) => number(value, &Names::NONE).map(Value::Number),
        (_, Some(value)) => flag(value).map(Value::Flag),
        _ => Err((
            value.at,
            "the attribute is not known here, so its value says what it is: hex:…, text:…, ulong:… or bool:…"
                .to_owned(),
        )),
    }
}

fn bytes(value: Part<'_>) -> Option<Result<Vec<u8>, Wrong>> {
    if let Some(text) = value.after("text:") {
        return Some(Ok(text.text.as_bytes().to_vec()));
    }
    value.after("hex:").map(hex)
}

fn hex(digits: Part<'_>) -> Result<Vec<u8>, Wrong> {
    let mut nibbles = Vec::with_capacity(digits.text.len());
    for (at, sign) in digits.text.char_indices() {
        match sign.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            Some(digit) => nibbles.push(digit),
            None if sign == ':' => {}
            None => return Err((digits.at + at, format!("`{}` is no hexadecimal digit", sign.escape_default()))),
        }
    }
    let (pairs, rest) = nibbles.as_chunks::<2>();
    match rest {
        [] => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err((digits.at + digits.text.len(), "an odd number of hexadecimal digits".to_owned())),
    }
}

fn flag(value: Part<'_>) -> Result<bool, Wrong> {
    match value.text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err((value.at, format!("`{}` is neither true nor false", shortened(value.text)))),
    }
}

fn number(value: Part<'_>, names: &Names) -> Result<u64, Wrong> {
    let plain = match value.after("0x") {
        Some(digits) => CK_ULONG::from_str_radix(digits.text, 16).ok(),
        None => value.text.parse::<CK_ULONG>().ok(),
    };
    // Signs are no digits.
    let plain = plain.filter(|_| !value.text.contains('+'));
    plain.or_else(|| names.number(value.text)).ok_or_else(|| {
        let bits = CK_ULONG::BITS;
        let or_a_name = names.example().map(|name| format!(", and no name such as {name}")).unwrap_or_default();
        let what = shortened(value.text);
        (value.at, format!("`{what}` is no number of {bits} bits, decimal or 0x…{or_a_name}"))
    })
}

fn mechanisms(value: Part<'_>) -> Result<Vec<u64>, Wrong> {
    let mut found = Vec::new();
    for part in value.split(',') {
        let part = part.trimmed();
        if found.len() == MOST {
            return Err((part.at, format!("more than {MOST} mechanisms")));
        }
        let mechanism = number(part, &MECHANISMS)?;
        if found.contains(&mechanism) {
            return Err((part.at, format!("{} stands there twice", MECHANISMS.name(mechanism))));
        }
        found.push(mechanism);
    }
    Ok(found)
}

fn date(value: Part<'_>) -> Result<[u8; 8], Wrong> {
    let wrong = || (value.at, format!("`{}` is no day, as in 2026-12-31", shortened(value.text)));
    let digits: Vec<u8> = match value.text.as_bytes() {
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => vec![*y1, *y2, *y3, *y4, *m1, *m2, *d1, *d2],
        _ => return Err(wrong()),
    };
    let digits: [u8; 8] = digits.try_into().map_err(|_| wrong())?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    let value_of = |digits: &[u8]| digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, rest) = digits.split_at(4);
    let (month, day) = rest.split_at(2);
    let (year, month, day) = (value_of(year), value_of(month), value_of(day));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=days).contains(&day) { Ok(digits) } else { Err(wrong()) }
}

fn nested(value: Part<'_>, wrong: &dyn Fn(usize, String) -> Error) -> Result<Value, Error> {
    let inside = value.after("{").and_then(|part| {
        let text = part.text.strip_suffix('}')?;
        Some(Part { text, ..part })
    });
    let Some(inside) = inside else {
        return Err(wrong(value.at, "attributes inside stand in braces: {NAME=VALUE;NAME=VALUE}".to_owned()));
    };
    if inside.trimmed().text.is_empty() {
        return Err(wrong(inside.at, "the braces name no attribute".to_owned()));
    }
    let mut additions = Vec::new();
    for part in inside.split(';') {
        additions.push(one(part.trimmed(), true)?);
    }
    each_once(&additions)?;
    Ok(Value::Nested(additions))
}

/// Enough of a text to know it again.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}
