//! CSV as RFC 4180 has it: commas, fields in quotation marks with doubled ones inside, which may hold commas and line breaks, a first record with the names of
//! the columns, every record with as many fields. Lines end with or without a carriage return. A record without any text is passed over.
//!
//! Refused where the RFC has no rule: a quotation mark within a field that does not begin with one, text behind a closing one, a lone carriage return.

use std::io::BufRead;

use super::super::lines::{Line, Lines, MAX_LINE};
use super::entry::COLUMNS;
use super::{Cell, Column, Fault, NOT_UTF_8, NOT_UTF_8_HINT, Raw, TOO_LONG, TOO_LONG_HINT, column, repeated};

pub(super) struct Reader<R> {
    lines: Lines<R>,
    line: Vec<u8>,
    header: Option<Vec<&'static Column>>,
}

/// A field, and the line in which it begins.
struct Field {
    text: String,
    line: u64,
}

/// Where in a field the next character stands.
#[derive(Clone, Copy, Eq, PartialEq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// Behind a quotation mark that ends the field, unless another one follows.
    Closed,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(text: R) -> Self {
        Self { lines: Lines::new(text), line: Vec::new(), header: None }
    }

    pub(super) fn next(&mut self) -> Result<Option<Raw>, Fault> {
        if self.header.is_none() {
            let record = self.record()?.ok_or_else(|| {
                Fault::new(1, "there is no header", "the first line of a CSV names its columns: file,type,name,…")
                    .last()
            })?;
            self.header = Some(header(record).map_err(Fault::last)?);
        }
        let Some(record) = self.record()? else { return Ok(None) };
        let header = self.header.as_deref().unwrap_or_default();
        let line = record.first().map_or(0, |field| field.line);
        if record.len() != header.len() {
            let problem = format!("it has {} fields, and the header has {}", record.len(), header.len());
            return Err(Fault::new(line, problem, "a field with a comma in it stands in quotation marks"));
        }
        let cells = header.iter().zip(record).filter(|(_, field)| !field.text.is_empty());
        let cells = cells.map(|(column, field)| Cell { column, text: field.text, line: field.line }).collect();
        Ok(Some(Raw { line, cells }))
    }

    /// The next record that has any text.
    fn record(&mut self) -> Result<Option<Vec<Field>>, Fault> {
        loop {
            match self.any_record()? {
                Some(record) if record.iter().all(|field| field.text.is_empty()) => {}
                record => return Ok(record),
            }
        }
    }

    fn any_record(&mut self) -> Result<Option<Vec<Field>>, Fault> {
        let mut record = Vec::new();
        let mut field = Field { text: String::new(), line: self.lines.number + 1 };
        let (mut at, mut room) = (At::Start, MAX_LINE + 1);
        loop {
            self.line.clear();
            let kind = self.lines.next(&mut self.line, room).map_err(Fault::Text)?;
            let number = self.lines.number;
            match kind {
                Line::End if at == At::Quoted => {
                    let problem = "a field in quotation marks does not end";
                    return Err(
                        Fault::new(field.line, problem, "close it; a quotation mark inside is written twice").last()
                    );
                }
                Line::End => return Ok(None),
                Line::TooLong => return Err(Fault::new(field.line, TOO_LONG, TOO_LONG_HINT).last()),
                Line::Whole | Line::Unended => room = room.saturating_sub(self.line.len()),
            }
            let line = str::from_utf8(&self.line).map_err(|_| Fault::new(number, NOT_UTF_8, NOT_UTF_8_HINT).last())?;
            let line = if number == 1 { line.strip_prefix('\u{FEFF}').unwrap_or(line) } else { line };
            let text = line.strip_suffix('\n').map_or(line, |text| text.strip_suffix('\r').unwrap_or(text));
            let wrong = |problem: &str, hint| Fault::new(number, problem, hint).last();
            for c in text.chars() {
                at = match (at, c) {
                    (At::Start, '"') => At::Quoted,
                    (At::Start | At::Plain | At::Closed, ',') => {
                        let next = Field { text: String::new(), line: number };
                        record.push(std::mem::replace(&mut field, next));
                        At::Start
                    }
                    (At::Plain, '"') => {
                        let hint = "put the whole field in quotation marks, and write one inside twice";
                        return Err(wrong("a quotation mark stands in a field that does not begin with one", hint));
                    }
                    (At::Start | At::Plain, '\r') => {
                        return Err(wrong(
                            "a carriage return stands without a line feed",
                            "end lines with a line feed",
                        ));
                    }
                    (At::Quoted, '"') => At::Closed,
                    (At::Closed, '"') => {
                        field.text.push(c);
                        At::Quoted
                    }
                    (At::Closed, _) => {
                        let hint = "a quotation mark inside a field is written twice";
                        return Err(wrong("text stands behind a closing quotation mark", hint));
                    }
                    (At::Start | At::Plain | At::Quoted, c) => {
                        field.text.push(c);
                        if at == At::Quoted { At::Quoted } else { At::Plain }
                    }
                };
            }
            if at != At::Quoted {
                record.push(field);
                return Ok(Some(record));
            }
            field.text.push_str(line.get(text.len()..).unwrap_or_default());
        }
    }
}

fn header(record: Vec<Field>) -> Result<Vec<&'static Column>, Fault> {
    let mut columns: Vec<&'static Column> = Vec::with_capacity(record.len());
    let line = record.first().map_or(1, |field| field.line);
    let is_known = |word: &str| COLUMNS.iter().any(|column| word.trim().eq_ignore_ascii_case(column.name));
    if !record.iter().any(|field| field.text.split([';', '\t']).any(is_known)) {
        // It may be a key or a password: nothing of it is said.
        let hint = "a CSV begins with file,type,name,…; of a key file name its folder, or use `import`";
        return Err(Fault::new(line, "the first line names no column of a manifest", hint));
    }
    for field in &record {
        let column = column(&field.text, "column").map_err(|problem| {
            let is_other = field.text.contains([';', '\t']);
            let hint =
                if is_other { "columns are separated by commas" } else { "a manifest says nothing else of a key" };
            Fault::new(field.line, problem, hint).about(&repeated(&field.text))
        })?;
        if columns.iter().any(|known| known.name == column.name) {
            return Err(Fault::new(field.line, "the column stands there twice", "leave one out").about(column.name));
        }
        columns.push(column);
    }
    if columns.iter().any(|column| column.name == "file") {
        return Ok(columns);
    }
    Err(Fault::new(line, "the column is missing", "every entry names its key file").about("file"))
}
