//! `bulk import` and `bulk export`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cng_pkcs11::bulk::export::Export;
use cng_pkcs11::bulk::import::{Import, Plan};
use cng_pkcs11::bulk::journal::{Binding, Job, Journal};
use cng_pkcs11::bulk::manifest::Manifest;
use cng_pkcs11::bulk::select::{Filter, Selection};
use cng_pkcs11::bulk::{self, Promises};
use cng_pkcs11::hex;
use cng_pkcs11::key::{ExportPolicy, Validation};
use cng_pkcs11::provider::{ExportParameters, StorageProvider};
use cng_pkcs11::token::Access;
use serde_json::json;

use crate::args::many::{BulkExportArgs, BulkImportArgs, RunArgs};
use crate::cmd::export::Asked;
use crate::cmd::recipients;
use crate::cmd::watch::{Planned, Watch, done_json};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::printable;
use crate::progress::{self, STOP};

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
    options.insert(Binding::ON_COLLISION.to_owned(), args.collision.on_collision.word().to_owned());
    options.insert("export_policy".to_owned(), import.policy.words().join(","));
    options.insert("verify".to_owned(), import.is_proven.to_string());
    options.insert("validate".to_owned(), (!args.no_validate).to_string());
    options.insert("route".to_owned(), format!("{:?}", args.route).to_lowercase());
    if let Some(usage) = args.usage {
        options.insert("usage".to_owned(), usage.words().collect::<Vec<_>>().join(","));
    }
    let binding = Binding { job: Job::Import, tokens: vec![provider.token().info().into()], plan: digest, options };
    let mut watch = Watch::new(context.output, &args.run, entries)?;
    let journal = open_journal(context, &args.run, &args.source, &binding)?;
    watch.begin(journal.as_ref());
    progress::stop_on_signal();
    let outcome = import.run(&provider, manifest, Some(digest), journal.as_ref(), &STOP, |event| watch.see(event));
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

/// The keys that are meant. That there are none is told: a pattern may be mistyped.
pub(crate) fn select(context: &Context, provider: &StorageProvider, filter: &Filter) -> Result<Selection, Failure> {
    let selection = Selection::of(provider, filter)?;
    if selection.keys.is_empty() {
        context
            .output
            .warning(&format!("no key of {} is meant", printable(&provider.token().info().uri().to_string())));
    }
    Ok(selection)
}

/// The journal of a run, if it keeps one.
pub(crate) fn open_journal(
    context: &Context,
    run: &RunArgs,
    source: &Path,
    binding: &Binding,
) -> Result<Option<Mutex<Journal>>, Failure> {
    let usual = || {
        let mut name = source.file_name().unwrap_or_default().to_owned();
        name.push(".journal");
        source.with_file_name(name)
    };
    let path: PathBuf = match (&run.journal, run.resume) {
        (Some(path), _) => path.clone(),
        (None, true) => usual(),
        (None, false) => return Ok(None),
    };
    // It would be one of the key files of the next run.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
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

fn plan_import(
    context: &Context,
    provider: &StorageProvider,
    import: &Import,
    manifest: Manifest,
) -> Result<u8, Failure> {
    provider.index()?;
    let mut planned = Planned::new(context.output);
    let promises = Promises::default();
    for entry in manifest {
        let entry = entry.map_err(Failure::bulk)?;
        let plans = import.plan(provider, &entry, &promises).unwrap_or_else(|error| vec![Err(error)]);
        for plan in plans {
            tell(&mut planned, (entry.number, &entry.file), plan);
        }
    }
    planned.end("import")
}

/// What would become of one key of a file.
fn tell(planned: &mut Planned, (number, file): (u32, &str), plan: Result<Plan, bulk::Error>) {
    match plan {
        Err(error) => planned.refuse(number, file, &error),
        Ok(Plan::Done(done)) => planned.add(done_json(number, file, &done), || {
            format!("{:<15}{}: as {}", done.outcome.word(), printable(file), printable(&done.name))
        }),
        Ok(Plan::Import { name, outcome, rehearsal }) => {
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
        Ok(_) => {}
    }
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
    // What wraps does not wrap itself.
    let filter = Filter { without: args.wrapping.wrap_key.clone(), ..args.filter.filter() };
    let selection = select(context, &provider, &filter)?;
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
            match export.plan(key, &folder.join(file)) {
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
    let texts = |list: &[PathBuf]| list.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    for (name, value) in [
        ("type", args.kind.name().to_owned()),
        ("folder", folder.display().to_string()),
        ("wrap_key", args.wrapping.wrap_key.join(" ")),
        ("wrap_to", texts(&args.wrapping.wrap_to)),
        ("scheme", args.scheme.map(|scheme| scheme.name().to_owned()).unwrap_or_default()),
        ("oaep_hash", args.oaep.oaep_hash.map(|hash| hash.name().to_owned()).unwrap_or_default()),
        ("oaep_label", hex::encode(args.oaep.label())),
        ("password", args.password_source.is_some().to_string()),
    ] {
        options.insert(name.to_owned(), value);
    }
    let binding =
        Binding { job: Job::Export, tokens: vec![provider.token().info().into()], plan: selection.digest, options };
    let mut watch = Watch::new(context.output, &args.run, total)?;
    let journal = open_journal(context, &args.run, folder, &binding)?;
    watch.begin(journal.as_ref());
    progress::stop_on_signal();
    let outcome = export.run(&provider, &selection, folder, journal.as_ref(), &STOP, |event| watch.see(event));
    watch.end("export", outcome, journal, &args.run)
}
