//! `probe [--refresh] [--profile]`: what a token really can do.

use std::time::SystemTime;

use cng_pkcs11::config::{self, cache};
use cng_pkcs11::provider::probe::{Answer, Report, Row, SECTIONS};
use cng_pkcs11::token::{Access, TokenInfo};
use serde_json::{Map, Value, json};

use crate::args::ProbeArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::{Output, ckr_name, columns, printable};

pub(crate) fn run(context: &Context, args: &ProbeArgs) -> Result<u8, Failure> {
    let module = context.module()?;
    let info = context.token_info(&module)?;
    let kept = if args.refresh { None } else { cache::read(&info) };
    let (mut document, is_kept) = match kept {
        Some(document) => (document, true),
        None => {
            let provider = context.provider_untaught(&module, &info, Access::ReadWrite)?;
            let report = provider.probe()?;
            let document = document(provider.token().profile().name, &report, &info);
            if let Err(problem) = keep(context.output, &info, &document) {
                context
                    .output
                    .warning(&format!("what was found out is not kept for the next time: {}", problem.message()));
            }
            (document, false)
        }
    };
    document.insert("cached".to_owned(), json!(is_kept));
    for warning in list(&document, "warnings").iter().filter_map(Value::as_str) {
        context.output.warning(warning);
    }
    if args.profile {
        let text = document.get("profile_text").and_then(Value::as_str).unwrap_or_default().to_owned();
        context.output.result(json!({ "profile_text": text }), || text.clone());
        return Ok(0);
    }
    context.output.result(Value::Object(document.clone()), || text(&document));
    Ok(0)
}

/// Keeps what was found out for the next run.
fn keep(output: Output, info: &TokenInfo, document: &Map<String, Value>) -> Result<(), Failure> {
    let hint = "set XDG_CACHE_HOME to an absolute path";
    let path = cache::path(info).ok_or_else(|| Failure::usage("neither XDG_CACHE_HOME nor HOME says where", hint))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    file::write(output, Some(&path), format!("{:#}\n", cache::kept(document)).as_bytes(), true, true)
}

fn document(profile: &str, report: &Report, info: &TokenInfo) -> Map<String, Value> {
    let mut document = Map::new();
    let (major, minor) = info.firmware;
    document.insert(
        "token".to_owned(),
        json!({
            "label": info.label, "manufacturer": info.manufacturer, "model": info.model,
            "firmware": format!("{major}.{minor}"), "serial": info.serial,
        }),
    );
    let now = der::DateTime::from_system_time(SystemTime::now());
    document.insert("probed".to_owned(), json!(now.map(|now| now.to_string()).unwrap_or_default()));
    document.insert("profile".to_owned(), json!(profile));
    for section in &report.sections {
        let rows: Vec<_> = section.rows.iter().map(row_json).collect();
        document.insert(section.name.to_owned(), json!(rows));
    }
    document.insert("warnings".to_owned(), json!(report.warnings));
    document.insert("profile_text".to_owned(), json!(config::profile::write(&report.profile)));
    document
}

fn row_json(row: &Row) -> Value {
    let mut object = Map::from_iter([("subject".to_owned(), json!(row.subject))]);
    for (question, Answer { verdict, note, ckr }) in &row.answers {
        let mut answer = Map::from_iter([("answer".to_owned(), json!(verdict.word()))]);
        if !note.is_empty() {
            answer.insert("note".to_owned(), json!(note));
        }
        if let Some(ckr) = ckr {
            answer.insert("ckr".to_owned(), json!(ckr_name(*ckr)));
        }
        object.insert((*question).to_owned(), Value::Object(answer));
    }
    Value::Object(object)
}

fn list<'d>(document: &'d Map<String, Value>, name: &str) -> &'d [Value] {
    document.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(document: &Map<String, Value>) -> String {
    let of = |path: &[&str]| {
        let first = path.first().and_then(|name| document.get(*name));
        let found = path.iter().skip(1).try_fold(first?, |value, name| value.get(*name));
        found.and_then(Value::as_str).map(printable)
    };
    let word = |path: &[&str]| of(path).unwrap_or_default();
    let mut text = format!(
        "{}: {} {}, firmware {}, profile: {}; {} {}\n",
        word(&["token", "label"]),
        word(&["token", "manufacturer"]),
        word(&["token", "model"]),
        word(&["token", "firmware"]),
        word(&["profile"]),
        if document.get("cached") == Some(&json!(true)) { "as probed" } else { "probed" },
        word(&["probed"]),
    );
    for (name, questions) in SECTIONS {
        let rows = list(document, name);
        if rows.is_empty() {
            continue;
        }
        let mut table: Vec<Vec<_>> = vec![[name].iter().chain(questions).map(ToString::to_string).collect()];
        for row in rows {
            let subject = row.get("subject").and_then(Value::as_str).map(printable).unwrap_or_default();
            let cells = questions.iter().map(|question| row.get(*question).map(cell).unwrap_or_default());
            table.push([subject].into_iter().chain(cells).collect::<Vec<_>>());
        }
        text.push('\n');
        text.push_str(&columns(&table));
    }
    text
}

fn cell(answer: &Value) -> String {
    let of = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    // A return value says enough by its name.
    let note = if of("ckr").is_empty() { of("note") } else { of("ckr") };
    match (of("answer"), note) {
        ("unknown", "") => "-".to_owned(),
        (answer, "") => answer.to_owned(),
        (answer, note) => format!("{answer}: {}", printable(note)),
    }
}
