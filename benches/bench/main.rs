//! What keys cost, beside what they would cost without this project: `scripts/bench` sets the stage and runs this.
//!
//! Only ratios count, and only from runs that alternate: absolute times differ twofold and more between two runs of the same thing. Each row
//! is the median over rounds in which both sides ran right after one another, taking turns at going first. Work on a token is done by
//! processes that answer the same questions (`JOB COUNT` in, nanoseconds out): this program with `--worker`, through the
//! provider, and `raw_pkcs11.c`, bare PKCS#11 calls in a loop; the rows about many keys run whole processes of both kinds. Each has a token of
//! its own, copied from the blank one of the environment.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is what this program is for")]

mod many;
mod measure;
mod single;
mod stage;
mod worker;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use measure::Table;
use stage::Stage;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// A folder for tokens, and what it is called.
type Place = (String, PathBuf);

const USAGE: &str = "\
usage: bench [--only GROUP] [--pairs N] [--many N] [--rounds N] [--full] [--place NAME=DIR]...

  --only GROUP       codec (blobs and arithmetic, no token), one (imports of one key, a process a key), use (wrapping, signing, the C library);
                     of many keys: import, tools, growth, list, export, latency, memory
  --pairs N          key pairs a round of imports one by one (default 60)
  --many N           key pairs of a bulk import in memory (default 500; on other places a fifth, with --full as many)
  --rounds N         rounds (default 9, which is also the least that counts)
  --full             500 pairs and 11 rounds
  --place NAME=DIR   where copies of the token are made; the first is where all token rows are measured, the others are for
                     imports and exports only

A token is taken from SOFTHSM2_CONF, CNG11_MODULE, CNG11_TOKEN and CNG11_PIN; scripts/bench sets all of this up.";

/// The key of the rows about RSA, by its name in `tests/vectors`.
const RSA: &str = "rsa2048-e65537";

/// How long one side of a round should take where the count is free.
const ROUND: Duration = Duration::from_millis(4);

const GROUPS: &[&str] = &["codec", "one", "use", "import", "tools", "growth", "list", "export", "latency", "memory"];

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options { only: None, pairs: 60, many: 500, rounds: 9, is_full: false, places: Vec::new() };
    let mut asked_for = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value\n{USAGE}"));
        match argument.as_str() {
            "--worker" => return worker::worker(),
            // Cargo's word for `cargo bench`; without it this is `cargo test --benches`, which wants no measurements.
            "--bench" => asked_for = true,
            "--full" => (options.pairs, options.rounds, options.is_full) = (500, 11, true),
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            "--only" => {
                let value = value()?;
                if !GROUPS.contains(&value.as_str()) {
                    return Err(format!("--only knows {}, not {value}\n{USAGE}", GROUPS.join(", ")).into());
                }
                options.only = Some(value);
            }
            "--pairs" => options.pairs = value()?.parse()?,
            "--many" => options.many = value()?.parse()?,
            "--place" => {
                let value = value()?;
                let (name, dir) = value.split_once('=').ok_or(USAGE)?;
                options.places.push((name.to_owned(), PathBuf::from(dir)));
            }
            "--rounds" => options.rounds = value()?.parse()?,
            _ => return Err(format!("unknown option: {argument}\n{USAGE}").into()),
        }
    }
    if !asked_for {
        println!("nothing is measured without --bench: cargo bench --bench bench, or scripts/bench");
        return Ok(());
    }
    let mut table = Table::new(options.rounds);
    let stage = Stage::new()?;
    let wants = |group: &str| options.only.as_deref().is_none_or(|only| only == group);
    if wants("codec") {
        single::codec_rows(&mut table)?;
        single::arithmetic_rows(&mut table, &stage)?;
    }
    let Some(first) = options.places.first() else {
        if options.only.as_deref() != Some("codec") {
            println!("LEFT OUT: everything on a token, because no --place is given. scripts/bench gives one.");
        }
        table.finish();
        return Ok(());
    };
    for (number, place) in options.places.iter().enumerate() {
        if wants("one") {
            single::import_rows(&mut table, &stage, place, options.pairs)?;
        }
        if wants("import") {
            // What creates objects takes minutes for a few hundred of them on a disk.
            let count = if number > 0 && !options.is_full { options.many.div_ceil(5) } else { options.many };
            many::import_rows(&mut table, &stage, place, count)?;
        }
        if wants("export") {
            many::export_rows(&mut table, &stage, place)?;
        }
    }
    if wants("one") {
        single::process_rows(&mut table, &stage, first)?;
    }
    if wants("use") {
        single::use_rows(&mut table, &stage, first)?;
    }
    type Rows = fn(&mut Table, &Stage, &Place) -> Fallible<()>;
    let groups: [(&str, Rows); 5] = [
        ("tools", many::tool_rows),
        ("growth", many::growth_rows),
        ("list", many::list_rows),
        ("latency", many::latency_rows),
        ("memory", many::memory_rows),
    ];
    for (group, rows) in groups {
        if wants(group) {
            rows(&mut table, &stage, first)?;
        }
    }
    table.finish();
    Ok(())
}

struct Options {
    /// The group of rows, if not all.
    only: Option<String>,
    pairs: u32,
    many: u32,
    rounds: usize,
    is_full: bool,
    places: Vec<Place>,
}
