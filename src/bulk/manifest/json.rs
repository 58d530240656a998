//! JSON lines: an object in each line, white lines between them passed over.

use std::io::BufRead;

use super::super::lines::{Line, Lines, MAX_LINE};
use super::{Cell, Fault, NOT_UTF_8, NOT_UTF_8_HINT, Raw, TOO_LONG, TOO_LONG_HINT, column, repeated};
use crate::format::json::{self, Kind, Problem};

pub(super) struct Reader<R> {
    lines: Lines<R>,
    line: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(text: R) -> Self {
        Self { lines: Lines::new(text), line: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Option<Raw>, Fault> {
        loop {
            self.line.clear();
            // The line feed is no part of the entry.
            match self.lines.next(&mut self.line, MAX_LINE + 1).map_err(Fault::Text)? {
                Line::End => return Ok(None),
                Line::TooLong => return Err(Fault::new(self.lines.number, TOO_LONG, TOO_LONG_HINT)),
                Line::Whole | Line::Unended => {}
            }
            let line = self.line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&self.line);
            if !line.trim_ascii().is_empty() {
                return read(line.trim_ascii_end(), self.lines.number).map(Some);
            }
        }
    }
}

fn read(line: &[u8], number: u64) -> Result<Raw, Fault> {
    if str::from_utf8(line).is_err() {
        return Err(Fault::new(number, NOT_UTF_8, NOT_UTF_8_HINT));
    }
    let wrong = |problem: Problem| {
        let hint = "an entry is one JSON object in one line: `jq -c .` writes it so, of an array `jq -c '.[]'`";
        Fault::new(number, format!("{}, at byte {} of the line", problem.what, problem.offset + 1), hint)
    };
    let members = json::read(line).map_err(wrong)?.members().map_err(wrong)?;
    let mut cells = Vec::with_capacity(members.len());
    for member in members {
        let column = column(&member.name, "member").map_err(|problem| {
            Fault::new(number, problem, "a manifest says nothing else of a key").about(&repeated(&member.name))
        })?;
        match member.value.kind() {
            Kind::String => {
                let text = member.value.string().map_err(|problem| wrong(problem).about(column.name))?;
                cells.push(Cell { column, text: text.into_owned(), line: number });
            }
            Kind::Literal if member.value.text() == "null" => {}
            _ => {
                return Err(
                    Fault::new(number, "it is not a string", "write the value in quotation marks").about(column.name)
                );
            }
        }
    }
    Ok(Raw { line: number, cells })
}
