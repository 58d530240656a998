//! What is told of a run over many keys: as it goes on, at its end, and before it is begun.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use cng_pkcs11::bulk::journal::{Journal, Outcome};
use cng_pkcs11::bulk::{self, Event, KeyDone, Summary};
use serde_json::{Map, Value, json};

use crate::args::many::RunArgs;
use crate::failure::Failure;
use crate::output::{Output, ckr_name, printable};
use crate::progress::Progress;

/// Looks on, and reports.
pub(super) struct Watch {
    output: Output,
    progress: Progress,
    report: Option<(PathBuf, BufWriter<File>)>,
    lost: Option<std::io::Error>,
    failures: Vec<Value>,
    left_out: u32,
    /// Each that was told, and how often it was said again.
    warnings: Vec<(String, u32)>,
    untold: u32,
    total: u32,
}

/// So many failures stand in the document; all of them are in the report.
const MOST_FAILURES: usize = 1000;
/// So many different warnings are told.
const MOST_WARNINGS: usize = 50;

impl Watch {
    pub(super) fn new(output: Output, run: &RunArgs, total: u32) -> Result<Self, Failure> {
        let report = match &run.report {
            None => None,
            Some(path) => {
                let mut options = OpenOptions::new();
                options.append(true);
                if run.resume {
                    options.create(true)
                } else {
                    options.create_new(true)
                };
                let file = options.open(path).map_err(|error| Failure::file(path, &error))?;
                Some((path.clone(), BufWriter::new(file)))
            }
        };
        let progress = Progress::new(total, output.is_quiet() || output.is_json());
        let (failures, left_out, warnings, untold) = (Vec::new(), 0, Vec::new(), 0);
        Ok(Self { output, progress, report, lost: None, failures, left_out, warnings, untold, total })
    }

    /// What the journal has as done is not done again.
    pub(super) fn begin(&mut self, journal: Option<&Mutex<Journal>>) {
        let done = journal
            .map_or(0, |journal| journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner).counts().done);
        self.progress.expect(self.total.saturating_sub(done));
    }

    fn done(&mut self, entry: u32, source: &str, keys: &[KeyDone]) {
        for key in keys {
            self.write(|| done_json(entry, source, key));
            for warning in &key.warnings {
                self.warn(&key.name, warning);
            }
        }
    }

    pub(super) fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Done { entry, source, keys } => {
                self.done(*entry, source, keys);
                self.progress.step(false);
            }
            Event::Failed { entry, source, keys, error } => {
                self.done(*entry, source, keys);
                let value = failed_json(*entry, source, error);
                self.write(|| value.clone());
                if self.failures.len() < MOST_FAILURES {
                    self.progress.clear();
                    self.output.failed(&format!("{}: {}", printable(source), printable(&error.to_string())));
                    self.failures.push(value);
                } else {
                    self.left_out += 1;
                }
                self.progress.step(true);
            }
            _ => {}
        }
    }

    /// What is said of one key may be said of thousands: it is told once, and how often at the end.
    fn warn(&mut self, name: &str, warning: &str) {
        if let Some((_, more)) = self.warnings.iter_mut().find(|(text, _)| text == warning) {
            *more += 1;
        } else if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push((warning.to_owned(), 0));
            self.progress.clear();
            self.output.warning(&format!("{}: {}", printable(name), printable(warning)));
        } else {
            self.untold += 1;
        }
    }

    fn write(&mut self, value: impl FnOnce() -> Value) {
        if let Some((_, report)) = &mut self.report
            && let Err(error) = writeln!(report, "{}", value())
        {
            self.lost.get_or_insert(error);
        }
    }

    /// The end of a run: the document or the table, and the exit code.
    pub(super) fn end(
        mut self,
        what: &str,
        outcome: Result<Summary, bulk::Error>,
        journal: Option<Mutex<Journal>>,
        run: &RunArgs,
    ) -> Result<u8, Failure> {
        self.progress.clear();
        let mut unreported = None;
        if let Some((path, mut report)) = self.report.take() {
            let flushed = report.flush().and_then(|()| report.get_ref().sync_all());
            unreported = self.lost.take().or_else(|| flushed.err()).map(|error| Failure::file(&path, &error));
        }
        let summary = outcome.map_err(Failure::bulk)?;
        if let Some(failure) = unreported {
            return Err(failure);
        }
        for (text, more) in self.warnings.iter().filter(|(_, more)| *more > 0) {
            self.output.warning(&format!("of {more} more keys: {}", printable(text)));
        }
        if self.untold > 0 {
            self.output.warning(&format!("{} more warnings stand in the --report alone", self.untold));
        }
        if let Some(journal) = journal {
            let journal = journal.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !summary.was_stopped && !journal.has_ended() {
                journal.finish().map_err(Failure::bulk)?;
            }
        }
        let seconds = self.progress.seconds();
        let mut document = Map::new();
        document.insert("bulk".to_owned(), json!(what));
        document.insert("entries".to_owned(), json!(self.total));
        document.insert("keys".to_owned(), json!(summary.keys()));
        for outcome in Outcome::ALL {
            document.insert(outcome.word().to_owned(), json!(summary.count(outcome)));
        }
        document.insert("done_before".to_owned(), json!(summary.done_before));
        document.insert("failed".to_owned(), json!(summary.failed));
        document.insert("stopped".to_owned(), json!(summary.was_stopped));
        document.insert("seconds".to_owned(), json!(rounded(seconds)));
        document.insert("proof_seconds".to_owned(), json!(rounded(summary.proof_time.as_secs_f64())));
        document.insert("threads".to_owned(), json!(summary.effort.threads));
        document.insert("reopened".to_owned(), json!(summary.effort.reopened));
        document.insert("failures".to_owned(), json!(self.failures));
        document.insert("failures_left_out".to_owned(), json!(self.left_out));
        self.output.result(Value::Object(document), || table(&summary, seconds));
        if summary.was_stopped {
            let hint = if run.journal.is_some() || run.resume {
                "go on with --resume"
            } else {
                "what is done is found again by the same run"
            };
            return Err(Failure::Other {
                message: "the run was stopped before its end".to_owned(),
                hint: Some(hint.to_owned()),
            });
        }
        Ok(if summary.failed > 0 { 5 } else { 0 })
    }
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn table(summary: &Summary, seconds: f64) -> String {
    let mut rows: Vec<(String, String)> = Outcome::ALL
        .into_iter()
        .filter(|outcome| summary.count(*outcome) > 0)
        .map(|outcome| (outcome.word().to_owned(), summary.count(outcome).to_string()))
        .collect();
    if summary.done_before > 0 {
        rows.push(("done before".to_owned(), summary.done_before.to_string()));
    }
    rows.push(("failed".to_owned(), summary.failed.to_string()));
    let rate = f64::from(summary.keys()) / seconds.max(0.001);
    let proof = summary.proof_time.as_secs_f64();
    let proofs = if proof > 0.0 { format!("; the proofs took {proof:.1} s of it") } else { String::new() };
    let threads = summary.effort.threads;
    let each = if threads > 1 { format!(", in {threads} sessions") } else { String::new() };
    rows.push(("time".to_owned(), format!("{seconds:.1} s, {rate:.1} keys a second{each}{proofs}")));
    if summary.effort.reopened > 0 {
        rows.push(("token lost".to_owned(), format!("{} sessions opened again", summary.effort.reopened)));
    }
    rows.iter().map(|(what, how)| format!("{what:<12}{how}\n")).collect()
}

pub(super) fn done_json(entry: u32, source: &str, key: &KeyDone) -> Value {
    json!({
        "entry": entry, "source": source, "name": key.name, "outcome": key.outcome.word(), "unique_name": key.unique,
        "algorithm": key.algorithm.map(|algorithm| algorithm.name()), "route": key.route.map(|route| route.name()),
        "verified": key.verified.map(|verified| verified.name()), "warnings": key.warnings,
    })
}

/// What an entry failed of.
fn failed_json(entry: u32, source: &str, error: &bulk::Error) -> Value {
    let status = error.status();
    let mut object = Map::new();
    object.insert("entry".to_owned(), json!(entry));
    object.insert("source".to_owned(), json!(source));
    object.insert("outcome".to_owned(), json!("failed"));
    object.insert("status".to_owned(), json!(status.name()));
    object.insert("status_code".to_owned(), json!(format!("0x{:08X}", status.0)));
    if let Some(ckr) = error.ckr() {
        object.insert("ckr".to_owned(), json!(ckr_name(ckr)));
    }
    object.insert("message".to_owned(), json!(error.to_string()));
    if let Some(hint) = error.hint() {
        object.insert("hint".to_owned(), json!(hint));
    }
    Value::Object(object)
}

/// A plan, told line by line; with JSON one document at the end.
pub(super) struct Planned {
    output: Output,
    plans: Vec<Value>,
    refused: u32,
}

impl Planned {
    pub(super) fn new(output: Output) -> Self {
        Self { output, plans: Vec::new(), refused: 0 }
    }

    pub(super) fn add(&mut self, value: Value, line: impl FnOnce() -> String) {
        if self.output.is_json() {
            self.plans.push(value);
        } else {
            self.output.data(format!("{}\n", line()).as_bytes());
        }
    }

    pub(super) fn refuse(&mut self, entry: u32, source: &str, error: &bulk::Error) {
        self.refused += 1;
        let line = || {
            let hint = error.hint().map(|hint| format!(" ({})", printable(&hint))).unwrap_or_default();
            format!("would fail     {}: {}{hint}", printable(source), printable(&error.to_string()))
        };
        self.add(failed_json(entry, source, error), line);
    }

    /// The plan as the result; nothing was written.
    pub(super) fn end(self, what: &str) -> Result<u8, Failure> {
        let (plans, refused) = (self.plans, self.refused);
        let document = json!({ "bulk": what, "dry_run": true, "refused": refused, "plan": plans });
        self.output.result(document, || format!("{refused} would fail; nothing was written\n"));
        Ok(if refused > 0 { 5 } else { 0 })
    }
}
