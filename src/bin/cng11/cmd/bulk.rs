//! `bulk import` and `bulk export`

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cng_pkcs11::bulk::export::Export;
use cng_pkcs11::bulk::import::{Import, Plan};
use cng_pkcs11::bulk::journal::{Binding, Job, Journal, Outcome};
use cng_pkcs11::bulk::manifest::Manifest;
use cng_pkcs11::bulk::select::Selection;
use cng_pkcs11::bulk::{self, Event, KeyDone, Summary};
use cng_pkcs11::key::{ExportPolicy, Validation};
use cng_pkcs11::provider::{ExportParameters, StorageProvider};
use cng_pkcs11::token::Access;
use serde_json::{Map, Value, json};

use crate::args::many::{BulkExportArgs, BulkImportArgs, RunArgs};
use crate::cmd::export::Asked;
use crate::cmd::recipients;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, ckr_name, printable};
use crate::progress::{self, Progress, STOP};

pub(crate) fn import(context: &Context, args: &BulkImportArgs) -> Result<u8, Failure> {
    let (entries, digest) = read_whole(context, &args.source)?;
    let password = context.password(args.password_source.as_deref(), "--password-source")?;
    let provider = context.provider_for_many(Access::ReadWrite)?;
    let import = Import {
        jobs: jobs(&provider, &args.run),
        collision: args.collision.on_collision,
        policy: args.export_policy.unwrap_or(ExportPolicy::NONE),
        usage: args.usage,
        password,
        routing: args.route.routing(),
        validation: if args.no_validate { Validation::Skip } else { Validation::Full },
        is_proven: args.collision.is_proven(),
        limits: args.limits.limits(),
    };
    let manifest = Manifest::open(&args.source).map_err(Failure::bulk)?;
    if args.run.dry_run {
        return plan_import(context, &provider, &import, manifest);
    }
    let mut options = BTreeMap::new();
    options.insert("on_collision".to_owned(), args.collision.on_collision.word().to_owned());
    options.insert("export_policy".to_owned(), import.policy.words().join(","));
    if let Some(usage) = args.usage {
        options.insert("usage".to_owned(), usage.words().collect::<Vec<_>>().join(","));
    }
    let binding = Binding { job: Job::Import, tokens: vec![provider.token().info().into()], plan: digest, options };
    let journal = open_journal(context, &args.run, &args.source, &binding)?;
    let mut watch = Watch::new(context.output, &args.run, entries)?;
    progress::stop_on_signal();
    let outcome = import.run(&provider, manifest, journal.as_ref(), &STOP, |event| watch.see(event));
    watch.end("import", outcome, journal, &args.run)
}

/// Every entry of a manifest, read once before anything is done: how many there are, and their digest. What is wrong with it is told at once.
fn read_whole(context: &Context, source: &Path) -> Result<(u32, [u8; 32]), Failure> {
    const MOST: usize = 20;
    let mut manifest = Manifest::open(source).map_err(Failure::bulk)?;
    let mut wrong = Vec::new();
    for entry in &mut manifest {
        if let Err(error) = entry {
            wrong.push(error);
            if wrong.len() == MOST {
                break;
            }
        }
    }
    if manifest.folders_passed_over() > 0 {
        context.output.note(&format!("{} folders in it are passed over", manifest.folders_passed_over()));
    }
    let mut wrong = wrong.into_iter();
    if let Some(first) = wrong.next() {
        wrong.for_each(|error| context.output.warning(&printable(&error.to_string())));
        return Err(Failure::bulk(first));
    }
    let entries = manifest.entries();
    if entries == 0 {
        return Err(Failure::usage(
            format!("{}: there is no key in it", source.display()),
            "name a manifest, or a folder of key files",
        ));
    }
    let digest = manifest
        .digest()
        .ok_or_else(|| Failure::Other { message: "the manifest was not read to its end".to_owned(), hint: None })?;
    Ok((entries, digest))
}

pub(crate) fn jobs(provider: &StorageProvider, run: &RunArgs) -> usize {
    run.jobs.map_or_else(|| provider.token().jobs_default(), usize::from)
}

/// The journal of a run, if it keeps one.
pub(crate) fn open_journal(
    context: &Context,
    run: &RunArgs,
    source: &Path,
    binding: &Binding,
) -> Result<Option<Mutex<Journal>>, Failure> {
    let usual = || {
        let mut name = source.file_name().unwrap_or(std::ffi::OsStr::new("cng11")).to_owned();
        name.push(".journal");
        source.with_file_name(name)
    };
    let path: PathBuf = match (&run.journal, run.resume) {
        (Some(path), _) => path.clone(),
        (None, true) => usual(),
        (None, false) => return Ok(None),
    };
    // It would be one of the key files of the next run.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if source.is_dir() && source.canonicalize().ok() == folder.canonicalize().ok() {
        return Err(Failure::usage(
            format!("the journal {} would stand among the key files", path.display()),
            "name a file in another folder with --journal",
        ));
    }
    let journal = if run.resume { Journal::resume(&path, binding) } else { Journal::create(&path, binding) };
    let journal = journal.map_err(Failure::bulk)?;
    let found = journal.found();
    if found.torn > 0 {
        context.output.warning(&format!("{}: {} bytes of a torn last line were cut off", path.display(), found.torn));
    }
    if !found.is_new {
        context.output.detail(1, || {
            let counts = journal.counts();
            format!("journal: {} done, {} failed, {} begun", counts.done, counts.failed, counts.begun)
        });
    }
    Ok(Some(Mutex::new(journal)))
}

/// Looks on, and reports.
pub(crate) struct Watch {
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
    pub(crate) fn new(output: Output, run: &RunArgs, total: u32) -> Result<Self, Failure> {
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

    pub(crate) fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Done { entry, source, keys } => {
                for key in *keys {
                    self.write(|| done_json(*entry, source, key));
                    for warning in &key.warnings {
                        self.warn(&key.name, warning);
                    }
                }
                self.progress.step(false);
            }
            Event::Failed { entry, source, error } => {
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
    pub(crate) fn end(
        mut self,
        what: &str,
        outcome: Result<Summary, bulk::Error>,
        journal: Option<Mutex<Journal>>,
        run: &RunArgs,
    ) -> Result<u8, Failure> {
        self.progress.clear();
        let summary = outcome.map_err(Failure::bulk)?;
        if let Some((path, mut report)) = self.report.take() {
            let flushed = report.flush().and_then(|()| report.get_ref().sync_all());
            if let Some(error) = self.lost.take().or(flushed.err()) {
                return Err(Failure::file(&path, &error));
            }
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
        rows.push(("token lost".to_owned(), format!("{} times, and opened again", summary.effort.reopened)));
    }
    rows.iter().map(|(what, how)| format!("{what:<12}{how}\n")).collect()
}

fn done_json(entry: u32, source: &str, key: &KeyDone) -> Value {
    json!({
        "entry": entry, "source": source, "name": key.name, "outcome": key.outcome.word(), "unique_name": key.unique,
        "algorithm": key.algorithm.map(|algorithm| algorithm.name()), "route": key.route.map(|route| route.name()),
        "verified": key.verified.map(|verified| verified.name()), "warnings": key.warnings,
    })
}

/// What an entry failed of.
pub(crate) fn failed_json(entry: u32, source: &str, error: &bulk::Error) -> Value {
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

/// A plan, told line by line: with JSON one document at the end.
pub(crate) struct Planned {
    output: Output,
    plans: Vec<Value>,
    lines: String,
    refused: u32,
}

impl Planned {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, plans: Vec::new(), lines: String::new(), refused: 0 }
    }

    pub(crate) fn add(&mut self, value: Value, line: impl FnOnce() -> String) {
        if self.output.is_json() {
            self.plans.push(value);
        } else {
            self.lines.push_str(&line());
            self.lines.push('\n');
        }
    }

    pub(crate) fn refuse(&mut self, entry: u32, source: &str, error: &bulk::Error) {
        self.refused += 1;
        let line = || {
            let hint = error.hint().map(|hint| format!(" ({})", printable(&hint))).unwrap_or_default();
            format!("would fail     {}: {}{hint}", printable(source), printable(&error.to_string()))
        };
        self.add(failed_json(entry, source, error), line);
    }

    /// The plan as the result; nothing was written.
    pub(crate) fn end(self, what: &str) -> Result<u8, Failure> {
        let (plans, lines, refused) = (self.plans, self.lines, self.refused);
        let document = json!({ "bulk": what, "dry_run": true, "refused": refused, "plan": plans });
        self.output.result(document, || format!("{lines}{refused} would fail; nothing was written\n"));
        Ok(if refused > 0 { 5 } else { 0 })
    }
}

fn plan_import(
    context: &Context,
    provider: &StorageProvider,
    import: &Import,
    manifest: Manifest,
) -> Result<u8, Failure> {
    provider.index()?;
    let mut planned = Planned::new(context.output);
    for entry in manifest {
        let entry = entry.map_err(Failure::bulk)?;
        match import.plan(provider, &entry) {
            Err(error) => planned.refuse(entry.number, &entry.file, &error),
            Ok(plans) => {
                for plan in plans {
                    let (number, file) = (entry.number, entry.file.as_str());
                    match plan {
                        Plan::Done(done) => planned.add(done_json(number, file, &done), || {
                            format!("{:<15}{}: as {}", done.outcome.word(), printable(file), printable(&done.name))
                        }),
                        Plan::Import { name, outcome, rehearsal } => {
                            let algorithm = rehearsal.algorithm.map(|algorithm| algorithm.name());
                            let route = rehearsal.route.name();
                            let words: Vec<_> = rehearsal.usage.words().collect();
                            let value = json!({
                                "entry": number, "source": file, "name": name, "outcome": outcome.word(),
                                "algorithm": algorithm, "usage": words, "route": route, "warnings": rehearsal.warnings,
                            });
                            planned.add(value, || {
                                let algorithm = algorithm.unwrap_or_else(|| "a wrapped key".to_owned());
                                let verb = format!("would be {}", outcome.word());
                                format!(
                                    "{verb:<15} {}: {algorithm} as {} (usage: {}, route: {route})",
                                    printable(file),
                                    printable(&name),
                                    words.join(",")
                                )
                            });
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    planned.end("import")
}

pub(crate) fn export(context: &Context, args: &BulkExportArgs) -> Result<u8, Failure> {
    // clap asks for one of the two.
    let Some(folder) = args.target() else { return Err(Failure::usage("no folder is given", "name it with -o")) };
    Asked {
        kind: args.kind,
        is_wrapped: !args.wrapping.is_empty(),
        says_how: args.scheme.is_some() || !args.oaep.is_empty(),
        has_password: args.password_source.is_some(),
        allows_plaintext: args.allow_plaintext,
    }
    .check()?;
    let parameters = ExportParameters {
        scheme: args.scheme,
        hash: args.oaep.oaep_hash,
        label: args.oaep.label(),
        password: context.new_password(args.password_source.as_deref(), "--password-source")?,
        ..ExportParameters::default()
    };
    let provider = context.provider_for_many(Access::ReadOnly)?;
    let recipients = recipients::open(&provider, &args.wrapping)?;
    let mut selection = Selection::of(&provider, &args.filter.filter())?;
    // What wraps does not wrap itself.
    selection.leave_out(&args.wrapping.wrap_key);
    let export = Export {
        jobs: jobs(&provider, &args.run),
        format: args.kind,
        parameters,
        recipients: &recipients,
        unwrap_key: args.wrapping.wrap_key.first().cloned(),
        overwrites: args.force,
    };
    let total = u32::try_from(selection.keys.len()).unwrap_or(u32::MAX);
    if args.run.dry_run {
        let mut planned = Planned::new(context.output);
        let files = export.files(&selection);
        for ((key, file), number) in selection.keys.iter().zip(&files).zip(0..) {
            match export.check(key, &folder.join(file)) {
                Err(error) => planned.refuse(number, key.label(), &error),
                Ok(()) => planned.add(
                    json!({ "entry": number, "source": key.label(), "outcome": "exported", "file": file }),
                    || format!("would be exported {}: {}", printable(key.label()), printable(file)),
                ),
            }
        }
        return planned.end("export");
    }
    let mut options = BTreeMap::new();
    options.insert("type".to_owned(), args.kind.name().to_owned());
    options.insert("folder".to_owned(), folder.display().to_string());
    let binding =
        Binding { job: Job::Export, tokens: vec![provider.token().info().into()], plan: selection.digest, options };
    let journal = open_journal(context, &args.run, folder, &binding)?;
    let mut watch = Watch::new(context.output, &args.run, total)?;
    progress::stop_on_signal();
    let outcome = export.run(&provider, &selection, folder, journal.as_ref(), &STOP, |event| watch.see(event));
    watch.end("export", outcome, journal, &args.run)
}
