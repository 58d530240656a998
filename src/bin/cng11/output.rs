//! What is said, and where: results on stdout, talk on stderr, one JSON document when asked.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use cng_pkcs11::provider::Explanation;
use cng_pkcs11::status::Ckr;

use crate::failure::Failure;

const SCHEMA: &str = "cng11/1";

/// What is to be said beside a JSON result. It waits for the end: an error stands alone on stderr.
static HELD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Why a result did not reach stdout. It makes the command fail in the end.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// How to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: u8,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool, verbose: u8) -> Self {
        Self { json, quiet, verbose }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// The result: the document when JSON is wanted, else the text.
    pub(crate) fn result(self, document: Value, text: impl FnOnce() -> String) {
        self.result_of(|| document, text);
    }

    /// The same where making the document takes as long as making the text.
    pub(crate) fn result_of(self, document: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        if self.json {
            let mut whole = Map::new();
            whole.insert("schema".to_owned(), json!(SCHEMA));
            match document() {
                Value::Object(fields) => whole.extend(fields),
                other => {
                    whole.insert("result".to_owned(), other);
                }
            }
            write_stdout(format!("{:#}\n", Value::Object(whole)).as_bytes());
        } else {
            write_stdout(text().as_bytes());
        }
    }

    /// Binary or PEM data that is the result itself.
    pub(crate) fn data(self, bytes: &[u8]) {
        write_stdout(bytes);
    }

    /// A remark, unless it should be quiet.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet && !self.json {
            write_stderr(&format!("{text}\n"));
        }
    }

    /// Something that the user should know.
    pub(crate) fn warning(self, text: &str) {
        if !self.quiet {
            self.talk(format!("warning: {text}\n"));
        }
    }

    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// One of many that failed. It waits with JSON, which has it in the document.
    pub(crate) fn failed(self, text: &str) {
        if !self.json {
            write_stderr(&format!("failed: {text}\n"));
        }
    }

    /// A detail for `-v` (1) or `-vv` (2).
    pub(crate) fn detail(self, level: u8, text: impl FnOnce() -> String) {
        if self.verbose >= level {
            self.talk(format!("{}\n", text()));
        }
    }

    fn talk(self, line: String) {
        if self.json {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        } else {
            write_stderr(&line);
        }
    }

    /// Says what waited, when all went well.
    ///
    /// # Errors
    /// When the result could not be written.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if let Some(problem) = LOST.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(Failure::File {
                path: "stdout".into(),
                problem,
                hint: Some("the result was not written; name a file with -o".to_owned()),
            });
        }
        for line in HELD.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            write_stderr(&line);
        }
        Ok(())
    }

    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            let status = failure.status();
            let mut error = Map::new();
            error.insert("layer".to_owned(), json!(failure.layer()));
            error.insert("status".to_owned(), json!(status.name()));
            error.insert("status_code".to_owned(), json!(format!("0x{:08X}", status.0)));
            if let Some(ckr) = failure.ckr() {
                error.insert("ckr".to_owned(), json!(ckr_name(ckr)));
            }
            error.insert("message".to_owned(), json!(failure.message()));
            if let Some(hint) = failure.hint() {
                error.insert("hint".to_owned(), json!(hint));
            }
            if !failure.guesses().is_empty() {
                let guesses = failure.guesses().iter().map(|guess| {
                    let problem = guess.error.as_ref().map(ToString::to_string);
                    json!({ "type": guess.format.name(), "offset": guess.offset, "problem": problem })
                });
                error.insert("guesses".to_owned(), Value::Array(guesses.collect()));
            }
            if !failure.explanations().is_empty() {
                let explanations = failure.explanations().iter().map(explanation_json);
                error.insert("explanations".to_owned(), Value::Array(explanations.collect()));
            }
            write_stderr(&format!("{:#}\n", json!({ "schema": SCHEMA, "error": error })));
            return;
        }
        let hint = failure.hint().map(|hint| format!("hint: {}\n", printable(&hint))).unwrap_or_default();
        let explained = failure.explanations().iter().map(|why| format!("why: {}\n", printable(&why.text())));
        let explained: String = explained.collect();
        let message = printable(&failure.message());
        write_stderr(&format!("error: {message} [{}]\n{explained}{hint}", failure.status().name()));
    }
}

/// What clap says of wrong arguments, `--help` and `--version`; as JSON if that was among the arguments.
pub(crate) fn usage_error(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        write_stdout(error.render().to_string().as_bytes());
        return 0;
    }
    if std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json") {
        let text = error.render().to_string();
        // The first paragraph: what is missing, or what is possible, stands in its second line.
        let paragraph: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let message = paragraph.join(" ").trim_start_matches("error: ").to_owned();
        let failure = Failure::usage(message, "`cng11 help` and `cng11 help COMMAND` list the options");
        Output::new(true, false, 0).failure(&failure);
    } else if std::io::stderr().is_terminal() {
        write_stderr(&error.render().ansi().to_string());
    } else {
        write_stderr(&error.render().to_string());
    }
    2
}

/// Why the token refused, as JSON carries it.
pub(crate) fn explanation_json(explanation: &Explanation) -> Value {
    let attributes: Vec<_> = explanation.attributes.iter().map(ToString::to_string).collect();
    json!({
        "call": explanation.call, "ckr": ckr_name(explanation.ckr), "attributes": attributes,
        "means": explanation.means, "cure": explanation.cure, "tries": explanation.tries,
    })
}

/// A return value by its name, as JSON carries it.
pub(crate) fn ckr_name(ckr: Ckr) -> String {
    ckr.name().map_or_else(|| format!("0x{:X}", ckr.0), str::to_owned)
}

/// Rows in aligned columns, two spaces between; no trailing spaces.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let pad = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(pad))
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Text from outside, fit for a terminal: control characters are shown, not obeyed.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn write_stdout(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) is no error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            *LOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        _ => {}
    }
}

fn write_stderr(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
