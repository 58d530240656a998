//! What one key costs, beside what it would cost without this project: `scripts/bench` sets the stage and runs this.
//!
//! Only ratios count, and only from runs that alternate: absolute times differ twofold and more between two runs of the same thing. Each row
//! is the median over rounds in which both sides ran right after one another, taking turns at going first. Work on a token is done by two
//! kinds of processes that answer the same questions (`JOB COUNT` in, nanoseconds out): this program with `--worker`, through the
//! provider, and `raw_pkcs11.c`, bare PKCS#11 calls in a loop. Each has a token of its own, copied from the blank one of the environment.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is what this program is for")]

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cng_pkcs11::blob::ecc::EccBlob;
use cng_pkcs11::blob::key_data::KeyDataBlob;
use cng_pkcs11::blob::rsa::RsaBlob;
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::Format;
use cng_pkcs11::key::rsa::{Hash, PrivateKey as RsaKey};
use cng_pkcs11::key::{Algorithm, ExportPolicy, Family, KeyMaterial, KeyUsage, PrivateKey, Validation};
use cng_pkcs11::provider::{ExportParameters, Flags, ImportParameters, Key, KeyName, Padding, StorageProvider};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::template::put::{self, Attributes};
use cng_pkcs11::template::{Additions, Template, get};
use cng_pkcs11::token::{Access, Module, Pin, Token, Uri};
use cryptoki_sys::CKA_TOKEN;

type Fallible<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "\
usage: single [--only codec|use] [--pairs N] [--rounds N] [--full] [--place NAME=DIR]...

  --only codec       only the rows that need no token: blobs and arithmetic
  --only use         only the rows about keys in use: wrapping, signing, the C library
  --pairs N          key pairs an import round (default 60)
  --rounds N         rounds (default 9, which is also the least that counts)
  --full             500 pairs and 11 rounds
  --place NAME=DIR   where copies of the token are made; the first is where all token rows are measured, the others are for
                     imports only

A token is taken from SOFTHSM2_CONF, CNG11_MODULE, CNG11_TOKEN and CNG11_PIN; scripts/bench sets all of this up.";

/// The key of the rows about RSA, by its name in `tests/vectors`.
const RSA: &str = "rsa2048-e65537";

/// How long one side of a round should take where the count is free.
const ROUND: Duration = Duration::from_millis(4);

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options { only: Only::All, pairs: 60, rounds: 9, places: Vec::new() };
    let mut asked_for = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value\n{USAGE}"));
        match argument.as_str() {
            "--worker" => return worker(),
            // Cargo's word for `cargo bench`; without it this is `cargo test --benches`, which wants no measurements.
            "--bench" => asked_for = true,
            "--full" => (options.pairs, options.rounds) = (500, 11),
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            "--only" => match value()?.as_str() {
                "codec" => options.only = Only::Codec,
                "use" => options.only = Only::Use,
                other => return Err(format!("--only knows codec and use, not {other}\n{USAGE}").into()),
            },
            "--pairs" => options.pairs = value()?.parse()?,
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
        println!("nothing is measured without --bench: cargo bench --bench single, or scripts/bench");
        return Ok(());
    }
    let mut table = Table::new(options.rounds);
    let stage = Stage::new()?;
    if options.only != Only::Use {
        codec_rows(&mut table)?;
        arithmetic_rows(&mut table, &stage)?;
    }
    match options.places.split_first() {
        _ if options.only == Only::Codec => {}
        None => println!("LEFT OUT: everything on a token, because no --place is given. scripts/bench gives one."),
        Some((first, _)) if options.only == Only::Use => use_rows(&mut table, &stage, first)?,
        Some((first, others)) => {
            import_rows(&mut table, &stage, first, options.pairs)?;
            for place in others {
                import_rows(&mut table, &stage, place, options.pairs)?;
            }
            use_rows(&mut table, &stage, first)?;
            process_rows(&mut table, &stage, first)?;
        }
    }
    table.finish();
    Ok(())
}

/// Which rows.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Only {
    All,
    Codec,
    Use,
}

struct Options {
    only: Only,
    pairs: u32,
    rounds: usize,
    places: Vec<(String, PathBuf)>,
}

// ---- rows -------------------------------------------------------------------------------------------------------------------------

/// Blobs into structures and back, beside a copy of the same bytes.
fn codec_rows(table: &mut Table) -> Fallible<()> {
    let rsa = format!("{RSA}.RSAFULLPRIVATEBLOB.bin");
    let goals = [Goal::AtMost(2.0), Goal::AtMost(4.0)];
    blob_rows(table, "a full RSA-2048 blob", &rsa, BlobType::RsaFullPrivate, goals, |bytes| {
        black_box(&RsaBlob::decode(bytes));
    })?;
    // Copies of a few ten bytes take a nanosecond or two: these ratios are for comparing runs.
    let ec = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
    blob_rows(table, "an ECCPRIVATEBLOB on P-256", ec, BlobType::EccPrivate, [Goal::None; 2], |bytes| {
        black_box(&EccBlob::decode(bytes));
    })?;
    let aes = "aes256.KeyDataBlob.bin";
    blob_rows(table, "a KeyDataBlob of AES-256", aes, BlobType::KeyData, [Goal::None; 2], |bytes| {
        black_box(&KeyDataBlob::decode(bytes));
    })
}

fn blob_rows(
    table: &mut Table,
    words: &str,
    file: &str,
    blob_type: BlobType,
    [decode_goal, encode_goal]: [Goal; 2],
    decode: impl Fn(&[u8]),
) -> Fallible<()> {
    let bytes = vector(file)?;
    let decoded = blob::decode(&bytes, blob_type, &Hints::default())?;
    let (mut copy, mut buffer) = (vec![0; bytes.len()], vec![0; bytes.len()]);
    // All of this stays in the nearest cache, on both sides. Neither side knows its lengths when it is compiled.
    let mut memcpy = free(|| {
        copy.copy_from_slice(black_box(&bytes));
        black_box(&mut copy);
    });
    table.row(
        &format!("decode {words} / memcpy"),
        decode_goal,
        &mut free(|| decode(black_box(&bytes))),
        &mut memcpy,
    )?;
    let mut encode = free(|| {
        black_box(&blob::encode_into(black_box(&decoded.key), decoded.algorithm, blob_type, &mut buffer));
        black_box(&mut buffer);
    });
    table.row(
        &format!("encode {words} into a buffer that is there / memcpy"),
        encode_goal,
        &mut encode,
        &mut memcpy,
    )?;
    table.row(
        &format!("encode {words} into a new wiped one / memcpy into a new wiped one"),
        encode_goal,
        &mut free(|| black_box(blob::encode(black_box(&decoded.key), decoded.algorithm, blob_type)).is_ok()),
        &mut free(|| black_box(SecretBytes::from(black_box(bytes.as_slice()))).len()),
    )
}

/// What a key's numbers cost, beside OpenSSL's.
fn arithmetic_rows(table: &mut Table, stage: &Stage) -> Fallible<()> {
    let bytes = vector(&format!("{RSA}.RSAFULLPRIVATEBLOB.bin"))?;
    let decoded = blob::decode(&bytes, BlobType::RsaFullPrivate, &Hints::default())?;
    let KeyMaterial::Private(PrivateKey::Rsa(key)) = &decoded.key else { return Err("no RSA key".into()) };
    let (public, numbers) = (key.public(), key.numbers());

    let values = [
        ("n", public.n()),
        ("e", public.e()),
        ("d", &*numbers.d),
        ("p", &*numbers.p),
        ("q", &*numbers.q),
        ("dp", &*numbers.dp),
        ("dq", &*numbers.dq),
        ("qinv", &*numbers.qinv),
    ];
    let file = stage.path("numbers");
    fs::write(&file, values.map(|(name, value)| format!("{name} {}\n", hex(value))).concat())?;
    let openssl = match stage.compile("openssl_bn", ["-lcrypto"]) {
        Ok(program) => program,
        Err(problem) => {
            println!(
                "LEFT OUT: check and completion against OpenSSL's BIGNUM, because openssl_bn.c does not compile: {problem}"
            );
            return Ok(());
        }
    };
    let openssl = &mut Asked::start(Command::new(openssl).arg(&file))?;
    let mut check = in_batches(
        || (public.clone(), numbers.clone()),
        |(public, numbers)| RsaKey::from_numbers(public, numbers, Validation::Full),
    );
    table.row(
        "check a full RSA-2048 key / OpenSSL BN, constant time",
        Goal::AtMost(3.0),
        &mut check,
        &mut |count| openssl.time("check", count),
    )?;
    let mut complete =
        in_batches(|| public.clone(), |public| RsaKey::from_primes(public, &numbers.p, &numbers.q, Validation::Full));
    table.row(
        "complete p, q, e of RSA-2048 / OpenSSL BN, constant time, d mod (p-1)(q-1)",
        Goal::AtMost(2.0),
        &mut complete,
        &mut |count| openssl.time("complete", count),
    )?;
    table.row(
        "complete p, q, e of RSA-2048 / OpenSSL BN, constant time, d mod lcm, as ours",
        Goal::None,
        &mut complete,
        &mut |count| openssl.time("complete-lcm", count),
    )
}

/// Imports in one process and one session.
fn import_rows(table: &mut Table, stage: &Stage, place: &(String, PathBuf), pairs: u32) -> Fallible<()> {
    let name = &place.0;
    let (our_token, raw_token) = (stage.token(place, "import")?, stage.token(place, "raw")?);
    let (ours, raw) = (&mut our_token.worker()?, &mut stage.raw(&raw_token)?);
    for (kind, words) in [("rsa", "RSA-2048"), ("ec", "P-256")] {
        let mut references = ["create", "copy", "proven"].map(|way| format!("{way}-{kind}"));
        let (job, mut raws) = (format!("import-{kind}"), Vec::new());
        let mut ours_times = Vec::new();
        for round in 0..=table.rounds {
            let mut measured = [Duration::ZERO; 4];
            // Each goes first in its turn.
            for at in 0..4 {
                let at = (at + round) % 4;
                let (worker, job): (&mut Asked, &str) = match at.checked_sub(1).and_then(|at| references.get_mut(at)) {
                    None => (ours, &job),
                    Some(reference) => (raw, reference),
                };
                let elapsed = worker.time(job, pairs)?;
                if let Some(place) = measured.get_mut(at) {
                    *place = elapsed / pairs;
                }
            }
            // The first round warms caches and the disk's journal.
            if round > 0 {
                let [ours, others @ ..] = measured;
                ours_times.push(ours);
                raws.push(others);
            }
        }
        let goals = [
            ("C_CreateObject in a loop", Goal::AtLeast(3.5)),
            ("session object + C_CopyObject in a loop, unproven", Goal::AtLeast(0.92)),
            ("the same calls in a loop: search, copy, read back, sign", Goal::AtLeast(0.92)),
        ];
        for (at, (reference, goal)) in goals.into_iter().enumerate() {
            let reference_times: Vec<_> = raws.iter().filter_map(|times| times.get(at).copied()).collect();
            let row = format!("import {words} pairs, {name}, a pair / {reference}");
            table.add(&row, goal, &ours_times, &reference_times);
        }
    }
    Ok(())
}

/// Signing and wrapping with keys that are on the token.
fn use_rows(table: &mut Table, stage: &Stage, place: &(String, PathBuf)) -> Fallible<()> {
    let token = stage.token(place, "use")?;
    let ours = &mut token.worker()?;
    ours.time("prepare-all", 1)?;
    // Only now: a process reads the token when it starts.
    let raw = &mut stage.raw(&token)?;
    for (job, words, goal) in [
        ("wrap-rsa", "export RSA-2048 wrapped (kwp) / C_WrapKey in a loop", 0.92),
        ("wrap-ec", "export P-256 wrapped (kwp) / C_WrapKey in a loop", 0.92),
        ("sign-rsa", "sign with RSA-2048, 1 thread / C_SignInit + C_Sign in a loop", 0.95),
        ("sign-ec", "sign with P-256, 1 thread / C_SignInit + C_Sign in a loop", 0.95),
    ] {
        table.row_of(
            words,
            Goal::AtLeast(goal),
            Duration::from_millis(80),
            2 * table.rounds,
            &mut |count| ours.time(job, count),
            &mut |count| raw.time(job, count),
        )?;
    }
    c_rows(table, stage, &token, raw)
}

/// The C library with the same keys.
fn c_rows(table: &mut Table, stage: &Stage, token: &Copied, raw: &mut Asked) -> Fallible<()> {
    let Some(c) = &mut stage.c_library(token)? else {
        println!("LEFT OUT: the rows of the C library, because CNG11_CAPI names no folder where it is installed");
        return Ok(());
    };
    for (job, words) in [
        ("sign-rsa", "NCryptSignHash with RSA-2048, 1 thread / C_SignInit + C_Sign in a loop"),
        ("sign-ec", "NCryptSignHash with P-256, 1 thread / C_SignInit + C_Sign in a loop"),
        ("signtwo-rsa", "NCryptSignHash with RSA-2048, 2 threads, one handle / C_Sign in two sessions"),
        ("signtwo-ec", "NCryptSignHash with P-256, 2 threads, one handle / C_Sign in two sessions"),
    ] {
        table.row_of(
            words,
            Goal::AtLeast(0.95),
            Duration::from_millis(80),
            2 * table.rounds,
            &mut |count| c.time(job, count),
            &mut |count| raw.time(job, count),
        )?;
    }
    let other = &mut stage.c_library(token)?.ok_or("the C library is gone")?;
    for (job, words) in [
        ("call-property", "NCryptGetProperty of a length / a call that does nothing"),
        ("call-size", "NCryptSignHash asked for its size / a call that does nothing"),
        ("call-handle", "NCryptIsKeyHandle / a call that does nothing"),
    ] {
        table.row(words, Goal::AtMost(20.0), &mut |count| c.time(job, count), &mut |count| {
            other.time("call-empty", count)
        })?;
    }
    Ok(())
}

/// Whole processes, one a key.
fn process_rows(table: &mut Table, stage: &Stage, place: &(String, PathBuf)) -> Fallible<()> {
    let blank = stage.token(place, "process")?;
    let folder = manifest_dir().join("tests/vectors");
    let file = |name: &str| folder.join(format!("{RSA}.{name}")).into_os_string();
    let environment = &stage.environment;
    let ours = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
        command
            .args(["--quiet", "import", "--name", "bench", "--type", "RSAFULLPRIVATEBLOB"])
            .arg(file("RSAFULLPRIVATEBLOB.bin"));
        vec![command]
    };
    let pkcs11_tool = |arguments: &[&str]| {
        let mut command = Command::new("pkcs11-tool");
        command.args([
            "--module",
            &environment.module,
            "--token-label",
            &environment.token,
            "--login",
            "--pin",
            "env:CNG11_PIN",
        ]);
        command.args(arguments);
        command
    };
    let url = format!("pkcs11:token={}", environment.token);
    let p11tool = |load: &str, path| {
        let mut command = Command::new("p11tool");
        command.env("GNUTLS_PIN", &environment.pin).args([
            "--provider",
            &environment.module,
            "--batch",
            "--login",
            "--write",
            "--inder",
        ]);
        command.args(["--label", "bench", "--id", "01", load]).arg(path).arg(&url);
        command
    };
    type Commands<'a> = Box<dyn Fn() -> Vec<Command> + 'a>;
    let others: [(&str, &str, Commands<'_>); 3] = [
        (
            "pkcs11-tool",
            "pkcs11-tool --write-object, twice",
            Box::new(|| {
                let mut commands = Vec::new();
                for (kind, name) in [("privkey", "PKCS8_PRIVATEKEY.bin"), ("pubkey", "spki.bin")] {
                    let mut command = pkcs11_tool(&[
                        "--type",
                        kind,
                        "--id",
                        "01",
                        "--label",
                        "bench",
                        "--usage-sign",
                        "--write-object",
                    ]);
                    command.arg(file(name));
                    commands.push(command);
                }
                commands
            }),
        ),
        (
            "p11tool",
            "p11tool --write, twice",
            Box::new(|| {
                vec![
                    p11tool("--load-privkey", file("PKCS8_PRIVATEKEY.bin")),
                    p11tool("--load-pubkey", file("spki.bin")),
                ]
            }),
        ),
        (
            "softhsm2-util",
            "softhsm2-util --import",
            Box::new(|| {
                let mut command = Command::new("softhsm2-util");
                command.args([
                    "--module",
                    &environment.module,
                    "--token",
                    &environment.token,
                    "--pin",
                    &environment.pin,
                ]);
                command.args(["--label", "bench", "--id", "01", "--import"]).arg(file("pkcs8-pem.pem"));
                vec![command]
            }),
        ),
    ];
    for (program, words, commands) in &others {
        if !installed(program) {
            println!("LEFT OUT: cng11 import against {program}, because that is not installed");
            continue;
        }
        let row = format!("cng11 import, one process a pair, empty token / {words}");
        let run = |commands: Vec<Command>| -> Fallible<Duration> {
            blank.restore()?;
            let elapsed = blank.run(commands)?;
            match blank.objects()? {
                2 => Ok(elapsed),
                found => Err(format!("{row}: it left {found} objects on the token, not 2").into()),
            }
        };
        table.row_of(&row, Goal::None, Duration::ZERO, table.rounds, &mut |_| run(ours()), &mut |_| run(commands()))?;
    }

    if installed("pkcs11-tool") {
        let full = stage.token(place, "list")?;
        full.worker()?.time("fill-rsa", 100)?;
        let list = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
            command.arg("list");
            vec![command]
        };
        table.row_of(
            "cng11 list, 200 objects, one process / pkcs11-tool -O",
            Goal::AtLeast(4.0),
            Duration::ZERO,
            table.rounds,
            &mut |_| full.run(list()),
            &mut |_| full.run(vec![pkcs11_tool(&["-O"])]),
        )?;
    } else {
        println!("LEFT OUT: cng11 list against pkcs11-tool -O, because that is not installed");
    }
    Ok(())
}

// ---- measuring --------------------------------------------------------------------------------------------------------------------

/// Runs something so many times and tells how long that took.
type Sample<'a> = &'a mut dyn FnMut(u32) -> Fallible<Duration>;

fn timed<T>(count: u32, mut run: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        black_box(run());
    }
    start.elapsed()
}

/// A sample of something that needs nothing made ready.
fn free<T>(mut run: impl FnMut() -> T) -> impl FnMut(u32) -> Fallible<Duration> {
    move |count| Ok(timed(count, &mut run))
}

/// A sample of something that takes over its input. The inputs are made a few at a time, off the clock, so that they are still in the
/// cache when they are used, as OpenSSL's are, which uses the same ones again and again; results are dropped off the clock.
fn in_batches<I, T, E: Into<Box<dyn Error>>>(
    input: impl Fn() -> I,
    run: impl Fn(I) -> Result<T, E>,
) -> impl FnMut(u32) -> Fallible<Duration> {
    const BATCH: u32 = 8;
    move |count| {
        let (mut elapsed, mut left) = (Duration::ZERO, count);
        while left > 0 {
            let batch = left.min(BATCH);
            let inputs: Vec<_> = (0..batch).map(|_| input()).collect();
            let mut results = Vec::with_capacity(inputs.len());
            let start = Instant::now();
            for input in inputs {
                results.push(run(black_box(input)).map_err(Into::into)?);
            }
            elapsed += start.elapsed();
            black_box(results);
            left -= batch;
        }
        Ok(elapsed)
    }
}

/// What the ratio should be.
#[derive(Clone, Copy)]
enum Goal {
    /// Ours may take so many times as long.
    AtMost(f64),
    /// Ours should do so many times as much in the same time.
    AtLeast(f64),
    /// For the reader's eye.
    None,
}

struct Table {
    rounds: usize,
    rows: Vec<String>,
}

impl Table {
    fn new(rounds: usize) -> Self {
        let table = Self { rounds, rows: Vec::new() };
        println!("{:<94} {:>10} {:>10} {:>8} {:>8}", "row: ours / reference", "ours", "reference", "ratio", "goal");
        table
    }

    /// A row of two samples that take a few milliseconds, so more rounds cost nothing and steady the median.
    fn row(&mut self, row: &str, goal: Goal, ours: Sample<'_>, reference: Sample<'_>) -> Fallible<()> {
        self.row_of(row, goal, ROUND, 5 * self.rounds, ours, reference)
    }

    /// A row of two samples that take about `length`, or one run each.
    fn row_of(
        &mut self,
        row: &str,
        goal: Goal,
        length: Duration,
        rounds: usize,
        ours: Sample<'_>,
        reference: Sample<'_>,
    ) -> Fallible<()> {
        let (ours_count, reference_count) = (count_for(length, ours)?, count_for(length, reference)?);
        let (mut ours_times, mut reference_times) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let (one, other) = if round % 2 == 0 {
                let one = ours(ours_count)?;
                (one, reference(reference_count)?)
            } else {
                let other = reference(reference_count)?;
                (ours(ours_count)?, other)
            };
            // In tenths of nanoseconds, which a Duration cannot hold: what is measured in nanoseconds ran very often.
            ours_times.push(scaled(one, ours_count));
            reference_times.push(scaled(other, reference_count));
        }
        self.add_seconds(row, goal, &ours_times, &reference_times);
        Ok(())
    }

    fn add(&mut self, row: &str, goal: Goal, ours: &[Duration], reference: &[Duration]) {
        let seconds = |times: &[Duration]| times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
        self.add_seconds(row, goal, &seconds(ours), &seconds(reference));
    }

    fn add_seconds(&mut self, row: &str, goal: Goal, ours: &[f64], reference: &[f64]) {
        let ratio = median(ours.iter().zip(reference).map(|(ours, reference)| match goal {
            Goal::AtMost(_) => ours / reference,
            Goal::AtLeast(_) | Goal::None => reference / ours,
        }));
        let (goal, verdict) = match goal {
            Goal::AtMost(most) => (format!("<= {most}"), if ratio <= most { "ok" } else { "short" }),
            Goal::AtLeast(least) => (format!(">= {least}"), if ratio >= least { "ok" } else { "short" }),
            Goal::None => ("-".to_owned(), "-"),
        };
        let (ours, reference) = (median(ours.iter().copied()), median(reference.iter().copied()));
        println!("{row:<94} {:>10} {:>10} {ratio:>7.2}x {goal:>8} {verdict}", time(ours), time(reference));
        self.rows.push(verdict.to_owned());
    }

    fn finish(&self) {
        let of = |verdict| self.rows.iter().filter(|row| *row == verdict).count();
        println!(
            "{} ok, {} short, {} without a goal; each the median of {} rounds",
            of("ok"),
            of("short"),
            of("-"),
            self.rounds
        );
        println!("ratio: times as long where the goal is <=, else how many times as fast");
    }
}

/// How often a sample has to run to take about `length`.
fn count_for(length: Duration, sample: Sample<'_>) -> Fallible<u32> {
    let mut count = 1;
    loop {
        let elapsed = sample(count)?;
        if elapsed >= length || count >= 1 << 20 {
            return Ok(count);
        }
        count *= 2;
    }
}

fn scaled(elapsed: Duration, count: u32) -> f64 {
    elapsed.as_secs_f64() / f64::from(count)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn time(seconds: f64) -> String {
    match seconds {
        0.0..1e-6 => format!("{:.1} ns", seconds * 1e9),
        1e-6..1e-3 => format!("{:.1} us", seconds * 1e6),
        _ => format!("{:.2} ms", seconds * 1e3),
    }
}

// ---- the stage --------------------------------------------------------------------------------------------------------------------

/// What the token is called and opened with.
struct Environment {
    module: String,
    token: String,
    pin: String,
    softhsm_conf: PathBuf,
}

/// A folder for what is compiled and copied, gone at the end.
struct Stage {
    folder: tempfile::TempDir,
    environment: Environment,
}

impl Stage {
    fn new() -> Fallible<Self> {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        let environment = Environment {
            module: text("CNG11_MODULE"),
            token: text("CNG11_TOKEN"),
            pin: text("CNG11_PIN"),
            softhsm_conf: text("SOFTHSM2_CONF").into(),
        };
        Ok(Self { folder: tempfile::tempdir()?, environment })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles `benches/NAME.c`.
    fn compile<I: AsRef<std::ffi::OsStr>>(&self, name: &str, flags: impl IntoIterator<Item = I>) -> Fallible<PathBuf> {
        let program = self.path(name);
        if program.exists() {
            return Ok(program);
        }
        let source = manifest_dir().join("benches").join(name).with_extension("c");
        let output =
            Command::new("cc").args(["-O2", "-pthread", "-o"]).arg(&program).arg(source).args(flags).output()?;
        if output.status.success() {
            return Ok(program);
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(said.lines().find(|line| line.contains("error")).unwrap_or(&said).to_owned().into())
    }

    /// A copy of the blank token of the environment.
    fn token(&self, (_, dir): &(String, PathBuf), name: &str) -> Fallible<Copied> {
        let folder = tempfile::Builder::new().prefix(&format!("cng11-bench-{name}-")).tempdir_in(dir)?;
        let configuration = fs::read_to_string(&self.environment.softhsm_conf)
            .map_err(|error| format!("SOFTHSM2_CONF names no readable file: {error}"))?;
        let mut copied = String::new();
        let mut blank = None;
        for line in configuration.lines() {
            match line.split_once('=').filter(|(key, _)| key.trim() == "directories.tokendir") {
                Some((key, value)) => {
                    blank = Some(PathBuf::from(value.trim()));
                    writeln!(copied, "{key}= {}", folder.path().join("tokens").display())?;
                }
                None => writeln!(copied, "{line}")?,
            }
        }
        fs::write(folder.path().join("softhsm2.conf"), copied)?;
        let blank = blank.ok_or("the file that SOFTHSM2_CONF names has no directories.tokendir")?;
        let token = Copied { folder, blank };
        token.restore()?;
        Ok(token)
    }

    /// A program over the C library, where CNG11_CAPI says that it is installed.
    fn c_library(&self, token: &Copied) -> Fallible<Option<Asked>> {
        let Some(prefix) = std::env::var_os("CNG11_CAPI").filter(|prefix| !prefix.is_empty()) else { return Ok(None) };
        let prefix = prefix.to_str().ok_or("CNG11_CAPI is not UTF-8")?;
        let flags = [
            format!("-I{prefix}/include/cng11"),
            format!("-L{prefix}/lib"),
            "-lcng11".to_owned(),
            format!("-Wl,-rpath,{prefix}/lib"),
        ];
        let program = self.compile("capi", flags).map_err(|error| format!("capi.c does not compile: {error}"))?;
        Ok(Some(Asked::start(Command::new(program).env("SOFTHSM2_CONF", token.configuration()))?))
    }

    /// The bare loops on a token.
    fn raw(&self, token: &Copied) -> Fallible<Asked> {
        let program =
            self.compile("raw_pkcs11", ["-ldl"]).map_err(|error| format!("raw_pkcs11.c does not compile: {error}"))?;
        let objects = self.path("objects");
        fs::write(&objects, raw_objects()?)?;
        let mut command = Command::new(program);
        command
            .args([&self.environment.module, &self.environment.token])
            .arg(objects)
            .env("SOFTHSM2_CONF", token.configuration());
        Asked::start(&mut command)
    }
}

/// A token in a folder of its own, which goes when this is dropped.
struct Copied {
    folder: tempfile::TempDir,
    blank: PathBuf,
}

impl Copied {
    fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// Makes the token blank again.
    fn restore(&self) -> Fallible<()> {
        let tokens = self.folder.path().join("tokens");
        if tokens.exists() {
            fs::remove_dir_all(&tokens)?;
        }
        Ok(copy_folder(&self.blank, &tokens)?)
    }

    /// This program on it.
    fn worker(&self) -> Fallible<Asked> {
        Asked::start(Command::new(std::env::current_exe()?).arg("--worker").env("SOFTHSM2_CONF", self.configuration()))
    }

    /// Runs commands one after another; all must succeed.
    fn run(&self, commands: Vec<Command>) -> Fallible<Duration> {
        let mut elapsed = Duration::ZERO;
        for mut command in commands {
            command
                .env("SOFTHSM2_CONF", self.configuration())
                .env("XDG_CONFIG_HOME", self.folder.path())
                .stdin(Stdio::null());
            let start = Instant::now();
            let output = command.output()?;
            elapsed += start.elapsed();
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(format!("{} failed: {said}", command.get_program().display()).into());
            }
        }
        Ok(elapsed)
    }

    /// How many object files the token has.
    fn objects(&self) -> Fallible<usize> {
        let mut count = 0;
        for token in fs::read_dir(self.folder.path().join("tokens"))? {
            for entry in fs::read_dir(token?.path())? {
                let name = entry?.file_name();
                let name = name.to_string_lossy();
                count += usize::from(name.ends_with(".object") && name != "token.object");
            }
        }
        Ok(count)
    }
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A process that times jobs.
struct Asked {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Asked {
    fn start(command: &mut Command) -> Fallible<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (process.stdin.take().ok_or("no stdin")?, process.stdout.take().ok_or("no stdout")?);
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    fn time(&mut self, job: &str, count: u32) -> Fallible<Duration> {
        writeln!(self.input, "{job} {count}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        let nanoseconds = answer.trim().parse().map_err(|_| format!("{job}: {}", answer.trim()))?;
        Ok(Duration::from_nanos(nanoseconds))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // It has no state that anybody wants.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The templates that the library would use, for the bare loops.
fn raw_objects() -> Fallible<String> {
    let mut text = String::new();
    let mut object = |name: &str, template: &Template| -> Fallible<()> {
        writeln!(text, "object {name}")?;
        for (kind, value) in template.iter() {
            writeln!(text, "{:x} {}", kind.0, hex(value))?;
        }
        Ok(())
    };
    for (kind, (blob_type, file)) in BLOBS {
        let decoded = blob::decode(&vector(file)?, *blob_type, &Hints::default())?;
        let (KeyMaterial::Private(private), Some(public)) = (&decoded.key, decoded.key.public()) else {
            return Err("no private key".into());
        };
        // A marked CKA_ID while a key is unproven, as the provider has it.
        let id = cng_pkcs11::asn1::spki::key_id(&public)?;
        let marked = [&id[..], b"\0cng11:staged"].concat();
        let usage = decoded.algorithm.family.default_usage();
        let attributes = Attributes {
            label: "bench-00000000",
            id: &id,
            token: false,
            policy: ExportPolicy::NONE,
            usage,
            more: Additions::NONE,
        };
        object(&format!("{kind}-private"), &put::private(private, &attributes)?)?;
        object(&format!("{kind}-public"), &put::public(&public, &Attributes { id: &marked, ..attributes })?)?;
    }
    let empty = |template: Template, (kind, len): &(u64, usize)| template.bytes(*kind, &vec![0; *len]);
    object("any-record", &get::RECORD.iter().fold(Template::new(), empty))?;
    Ok(text)
}

const BLOBS: &[(&str, (BlobType, &str))] = &[
    ("rsa", (BlobType::RsaFullPrivate, "rsa2048-e65537.RSAFULLPRIVATEBLOB.bin")),
    ("ec", (BlobType::EccPrivate, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin")),
];

fn vector(name: &str) -> Fallible<Vec<u8>> {
    let path = manifest_dir().join("tests/vectors").join(name);
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn manifest_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(program).is_file())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// ---- the worker -------------------------------------------------------------------------------------------------------------------

/// Does jobs through the provider, as they are asked for on stdin.
fn worker() -> Fallible<()> {
    let module = Module::load(&Module::locate(Some(std::env::var("CNG11_MODULE")?.as_ref()), None)?)?;
    let open = || -> Fallible<StorageProvider> {
        let info = module.select(Some(&Uri::of_token(&std::env::var("CNG11_TOKEN")?)))?;
        let token = Token::open(module.clone(), info, Access::ReadWrite)?;
        token.login(&Pin::Secret(std::env::var("CNG11_PIN")?.into()))?;
        Ok(StorageProvider::new(token))
    };
    // Stays open, so that sessions which come and go need not log in.
    let anchor = open()?;
    let mut keys: HashMap<String, Key> = HashMap::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let (job, count) = line.split_once(' ').ok_or("no count")?;
        let count: u32 = count.parse()?;
        let (what, kind) = job.split_once('-').ok_or("no kind")?;
        let outcome = match what {
            "fill" | "import" => import(&open()?, &anchor, kind, count, what == "fill"),
            "prepare" => prepare(&anchor, &mut keys),
            _ => use_key(&keys, what, kind, count),
        };
        match outcome {
            Ok(elapsed) => println!("{}", elapsed.as_nanos()),
            Err(error) => println!("! {error}"),
        }
    }
    Ok(())
}

/// Imports so many pairs in a session of its own, and removes them unless they are to stay.
fn import(
    provider: &StorageProvider,
    anchor: &StorageProvider,
    kind: &str,
    count: u32,
    stay: bool,
) -> Fallible<Duration> {
    let (blob_type, file) = blob_of(kind)?;
    let bytes = vector(file)?;
    let mut keys = Vec::new();
    let start = Instant::now();
    for number in 0..count {
        let name = Some(KeyName::new(&format!("bench-{number:08}"))?);
        let parameters = ImportParameters { name, ..ImportParameters::default() };
        keys.push(provider.import_key(None, blob_type, &parameters, &bytes, Flags::SILENT)?);
    }
    let elapsed = start.elapsed();
    if !stay {
        for object in anchor.token().find(&Template::new().flag(CKA_TOKEN, true))? {
            anchor.token().destroy(object)?;
        }
    }
    Ok(elapsed)
}

/// The keys that are used: `rsa`, `ec`, and `kek`, which wraps them.
fn prepare(provider: &StorageProvider, keys: &mut HashMap<String, Key>) -> Fallible<Duration> {
    for (kind, (blob_type, file)) in BLOBS {
        let parameters = ImportParameters { name: Some(KeyName::new(kind)?), ..ImportParameters::default() };
        let flags = Flags::SILENT | Flags::DO_NOT_FINALIZE;
        let mut key = provider.import_key(None, *blob_type, &parameters, &vector(file)?, flags)?;
        key.set_export_policy(ExportPolicy::ENCRYPTED)?;
        key.finalize(Flags::NONE)?;
        keys.insert((*kind).to_owned(), key);
    }
    let mut kek = provider.create_persisted_key(Algorithm::AES, Some(&KeyName::new("kek")?), Flags::NONE)?;
    kek.set_usage(KeyUsage::WRAP)?;
    kek.set_length(256)?;
    kek.finalize(Flags::NONE)?;
    keys.insert("kek".to_owned(), kek);
    Ok(Duration::ZERO)
}

fn use_key(keys: &HashMap<String, Key>, what: &str, kind: &str, count: u32) -> Fallible<Duration> {
    let key = keys.get(kind).ok_or("no such key")?;
    let digest = [0; 32];
    let padding = match key.algorithm().map(|algorithm| algorithm.family) {
        Some(Family::Rsa) => Padding::Pkcs1(Some(Hash::Sha256)),
        _ => Padding::None,
    };
    let parameters = ExportParameters::default();
    let start = Instant::now();
    for _ in 0..count {
        if what == "sign" {
            black_box(key.sign_hash(padding, &digest)?);
        } else {
            black_box(key.export(keys.get("kek"), Format::Blob(BlobType::Pkcs8), &parameters)?);
        }
    }
    Ok(start.elapsed())
}

fn blob_of(kind: &str) -> Fallible<(BlobType, &'static str)> {
    let found = BLOBS.iter().find(|(known, _)| *known == kind);
    Ok(found.ok_or("no such kind of key")?.1)
}
