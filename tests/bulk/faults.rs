//! The token answers one call with an error, whichever.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bench::{Bench, Fault, Finding, ensure, kill_module, softhsm};
use crate::pool::{Pool, all_done_once, blank, bounded, ended, run};

/// What tokens say of themselves, of the connection and of the session.
const ERRORS: [(&str, u32); 12] = [
    ("CKR_HOST_MEMORY", 0x02),
    ("CKR_GENERAL_ERROR", 0x05),
    ("CKR_FUNCTION_FAILED", 0x06),
    ("CKR_DEVICE_ERROR", 0x30),
    ("CKR_DEVICE_MEMORY", 0x31),
    ("CKR_DEVICE_REMOVED", 0x32),
    ("CKR_SESSION_CLOSED", 0xB0),
    ("CKR_SESSION_COUNT", 0xB1),
    ("CKR_SESSION_HANDLE_INVALID", 0xB3),
    ("CKR_TOKEN_NOT_PRESENT", 0xE0),
    ("CKR_USER_NOT_LOGGED_IN", 0x101),
    ("CKR_CRYPTOKI_NOT_INITIALIZED", 0x190),
];

/// From C_Initialize on.
const CALLS: usize = 60;

/// Most of the time is waited for a token that comes back: there may be more of these than processors.
const THREADS: usize = 8;

/// One run with a fault, and one without that puts it right. The exit code of the first.
fn one(base: &Bench, pool: &Pool, fault: Fault, jobs: &str) -> Result<i32, String> {
    let bench = base.copy();
    let import = pool.journaled(&bench, &["--jobs", jobs]);
    let mut command = bounded(&bench.command(kill_module(), &import));
    command.env("CNG11_TEST_REAL_MODULE", softhsm());
    let (variable, call, ckr) = match fault {
        Fault::Fail(call, ckr) => ("CNG11_TEST_FAIL_AT", call, ckr),
        Fault::FailAfter(call, ckr) => ("CNG11_TEST_FAIL_AFTER", call, ckr),
        Fault::Gone(call, ckr) => ("CNG11_TEST_FAIL_FROM", call, ckr),
        other => panic!("{other:?} is not used here"),
    };
    command.env(variable, call.to_string()).env("CNG11_TEST_FAIL_CKR", ckr.to_string());
    let (code, said) = ended(&command.output().map_err(|error| error.to_string())?)?;
    ensure([0, 1, 2, 3, 4, 5].contains(&code), || format!("exit code {code}: {said}"))?;
    ensure(code == 0 || code == 5 || said.contains("\"error\""), || {
        format!("exit code {code} without a word: {said}")
    })?;
    if code == 0 {
        pool.is_whole(&bench).map_err(|problem| format!("after exit code 0: {problem}"))?;
    }
    let (again, output) = run(&bench, &import)?;
    ensure(again == 0, || {
        format!(
            "resumed after exit code {code}: {again}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    pool.is_whole(&bench).map_err(|problem| format!("resumed after exit code {code} ({said}): {problem}"))?;
    all_done_once(&bench.path("journal"), pool.keys.len())?;
    // What was cut short in the middle is put to use.
    if code != 0 && call.is_multiple_of(10) { pool.is_proven(&bench).map(|()| code) } else { Ok(code) }
}

/// All of these, beside each other.
fn all(what: &str, base: &Bench, pool: &Pool, faults: &[(String, Fault, &str)]) {
    let (next, findings, codes) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((name, fault, jobs)) = faults.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match one(base, pool, *fault, jobs) {
                        Ok(code) => *codes.lock().expect("a table").entry(code).or_insert(0) += 1,
                        Err(finding) => findings.lock().expect("a list").push(format!("{name}: {finding}")),
                    }
                }
            });
        }
    });
    let (mut findings, codes) = (findings.into_inner().expect("a list"), codes.into_inner().expect("a table"));
    findings.sort();
    eprintln!("{what}: {} faults; exit codes, and how often: {codes:?}", faults.len());
    assert!(findings.is_empty(), "{what}, {} of {}:\n{}", findings.len(), faults.len(), findings.join("\n"));
    // A fault that nothing takes notice of would show nothing.
    assert!(codes.keys().any(|code| *code != 0), "{what}: nothing failed");
}

/// The calls that the run makes undisturbed.
fn calls(base: &Bench, pool: &Pool) -> Vec<String> {
    let bench = base.copy();
    let (run, calls) = bench.disturbed(&pool.journaled(&bench, &["--jobs", "1"]), Fault::Nothing);
    assert!(run.succeeded(), "{}", run.stderr());
    assert_eq!(calls[0], "C_Initialize");
    calls
}

#[test]
fn six_keys_are_complete_and_there_once_after_any_error_at_any_call() {
    let (base, pool) = (blank(), Pool::six());
    let calls = calls(&base, &pool);
    assert!(calls.len() >= CALLS, "there are only {} calls: {calls:?}", calls.len());
    let mut faults = Vec::new();
    for (name, ckr) in ERRORS {
        for (call, function) in (1..).zip(&calls).take(CALLS) {
            faults.push((format!("{name} at call {call}, {function}"), Fault::Fail(call, ckr), "1"));
        }
    }
    assert_eq!(faults.len(), 12 * CALLS);
    all("not carried out", &base, &pool, &faults);
}

#[test]
fn six_keys_are_complete_and_there_once_after_calls_that_work_and_report_an_error() {
    let (base, pool) = (blank(), Pool::six());
    let mut faults = Vec::new();
    for (call, function) in (1..).zip(&calls(&base, &pool)) {
        if ["C_CreateObject", "C_CopyObject"].contains(&function.as_str()) {
            faults.extend(ERRORS.map(|(name, ckr)| {
                (format!("{name} after call {call}, {function}"), Fault::FailAfter(call, ckr), "1")
            }));
        }
    }
    assert!(faults.len() >= 12 * 5, "{}", faults.len());
    all("carried out", &base, &pool, &faults);
}

#[test]
fn six_keys_are_complete_and_there_once_after_any_error_with_several_threads() {
    let (base, pool) = (blank(), Pool::six());
    let mut faults = Vec::new();
    for (name, ckr) in ERRORS {
        faults.extend(
            (10..CALLS)
                .step_by(5)
                .map(|call| (format!("{name} at call {call}, 3 threads"), Fault::Fail(call, ckr), "3")),
        );
    }
    all("three threads", &base, &pool, &faults);
}

/// From some call on nothing is answered any more: the run ends, and says so.
#[test]
fn six_keys_are_complete_and_there_once_after_a_token_that_stayed_away() {
    let (base, pool) = (blank(), Pool::six());
    let names = [0x30, 0x32, 0xB3, 0x190];
    let mut faults = Vec::new();
    for ckr in names {
        faults.extend(
            (15..CALLS).step_by(9).map(|call| (format!("0x{ckr:X} from call {call} on"), Fault::Gone(call, ckr), "1")),
        );
    }
    all("gone for good", &base, &pool, &faults);
}

/// The journal of a run with a fault holds nothing that it should not.
#[test]
fn a_journal_of_failures_names_no_key_material() -> Result<(), String> {
    let (base, pool) = (blank(), Pool::six());
    let journal = |bench: &Bench| fs::read(bench.path("journal")).unwrap_or_default();
    let bench = base.copy();
    let import = pool.journaled(&bench, &["--jobs", "1"]);
    let (_, _) = bench.disturbed(&import, Fault::Fail(30, 0x05));
    let text = journal(&bench);
    ensure(!text.is_empty(), || "no journal".to_owned())?;
    for key in pool.keys.iter().filter(|key| key.public.is_none()) {
        let bytes = fs::read(&key.file).expect("a key");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = String::from_utf8_lossy(&text).to_lowercase();
        let finding: Finding = ensure(!shown.contains(&hex[..16]), || format!("`{}` stands in the journal", key.name));
        finding?;
    }
    Ok(())
}
