//! Whose journal it is, and what is left of it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::bench::{Bench, softhsm};
use crate::pool::{Pool, all_done_once, blank, ended, expect, import_of};

/// `examples/strict_hsm.rs`, which cargo builds beside the tests.
fn slow_module() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its program");
    let folder = own.parent().and_then(Path::parent).expect("it is in target/*/deps").join("examples");
    let made = folder.join("libstrict_hsm.so");
    assert!(made.is_file(), "{} is not built: cargo build --all-features --examples", made.display());
    made
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(status.success(), "kill {name}");
}

#[test]
fn a_second_run_on_a_journal_is_refused_while_the_first_one_runs() {
    let (bench, pool) = (blank(), Pool::six());
    let import = pool.journaled(&bench, &["--jobs", "1"]);
    let mut slow = bench.command(&slow_module(), &import);
    slow.env("STRICT_HSM_MODULE", softhsm()).env("STRICT_HSM_LATENCY_MS", "30");
    let mut first = slow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cng11");
    // It waits in front of a call as soon as its journal is there, however slow the machine.
    while fs::metadata(bench.path("journal")).map_or(0, |found| found.len()) == 0 {
        assert!(first.try_wait().expect("a child").is_none(), "it ended before it had a journal");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    signal(&first, "-STOP");
    let before = fs::read(bench.path("journal")).expect("a journal");
    let document = expect(&bench, &import, 1);
    assert_eq!(document["error"]["status"], "NTE_DEVICE_NOT_READY", "{document}");
    assert!(document["error"]["message"].as_str().unwrap_or_default().contains("is in use"), "{document}");
    assert!(document["error"]["hint"].is_string(), "{document}");
    assert!(fs::read(bench.path("journal")).expect("a journal") == before, "the second has written to it");
    assert_eq!(bench.list().expect("a list")["keys"].as_array().map(Vec::len), Some(1), "the second has made keys");
    signal(&first, "-CONT");
    let (mut stdout, mut stderr) = (String::new(), String::new());
    first.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("text");
    first.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert!(first.wait().expect("an end").success(), "{stdout}{stderr}");
    pool.is_whole(&bench).expect("the first run");
    all_done_once(&bench.path("journal"), pool.keys.len()).expect("the journal");
}

/// A run that is refused for what differs, and the journal and the token are as they were.
#[track_caller]
fn refused(bench: &Bench, arguments: &[String], journal: &Path, words: &[&str]) {
    let (text, objects) = (fs::read(journal).expect("a journal"), bench.object_files().len());
    // What is said wrongly, and what is damaged.
    let is_damaged = words.contains(&"is damaged at line");
    let document = expect(bench, arguments, if is_damaged { 1 } else { 2 });
    let message = document["error"]["message"].as_str().unwrap_or_default();
    assert!(words.iter().all(|word| message.contains(word)), "{words:?}: {document}");
    assert!(document["error"]["hint"].is_string(), "{document}");
    assert!(fs::read(journal).expect("a journal") == text, "the journal was changed");
    assert_eq!(bench.object_files().len(), objects, "something was written");
}

#[test]
fn a_journal_of_another_run_is_refused_and_what_differs_is_said() {
    let (bench, pool) = (blank(), Pool::six());
    let import = pool.journaled(&bench, &[]);
    expect(&bench, &import, 0);
    let journal = bench.path("journal");

    let other_token = blank();
    refused(&other_token, &import, &journal, &["of another run", "token"]);

    let fewer = pool.write_manifest("fewer.jsonl", pool.entries().skip(1));
    let with_journal = ["--journal", journal.to_str().expect("UTF-8"), "--resume"];
    refused(&bench, &import_of(&fewer, &with_journal), &journal, &["of another run", "manifest"]);

    let other_way = pool.journaled(&bench, &["--on-collision", "skip"]);
    refused(&bench, &other_way, &journal, &["of another run", "on_collision", "skip", "refuse"]);

    let folder = bench.path("exported");
    let export: Vec<String> = ["bulk", "export", folder.to_str().expect("UTF-8"), "--type", "spki", "--json"]
        .into_iter()
        .chain(with_journal)
        .map(str::to_owned)
        .collect();
    refused(&bench, &export, &journal, &["of another run", "import", "export"]);

    // Without --resume a journal that is there is not gone on with.
    let anew = import_of(&pool.manifest(), &["--journal", journal.to_str().expect("UTF-8")]);
    refused(&bench, &anew, &journal, &["there is a journal already"]);
}

/// The bytes of a journal after a run, changed by `change`, and a run that goes on with it.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> (Bench, Pool, Vec<String>) {
    let (bench, pool) = (blank(), Pool::six());
    let import = pool.journaled(&bench, &["--jobs", "1"]);
    expect(&bench, &import, 0);
    let mut text = fs::read(bench.path("journal")).expect("a journal");
    change(&mut text);
    File::create(bench.path("journal")).and_then(|mut file| file.write_all(&text)).expect("a journal");
    (bench, pool, import)
}

#[test]
fn a_torn_last_line_is_cut_off_and_its_key_is_looked_up() {
    // Within `end`, and within what came before it.
    for lines in [1, 2] {
        let (bench, pool, import) = changed(|text| {
            let ends: Vec<_> = (0..text.len()).filter(|at| text[*at] == b'\n').collect();
            text.truncate(ends[ends.len() - lines] - 5);
        });
        let (code, output) = crate::pool::run(&bench, &import).expect("a run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("torn last line"), "{said}");
        let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
        let (identical, before) = (document["identical"].as_u64(), document["done_before"].as_u64());
        assert_eq!((identical, before), (Some(lines as u64 - 1), Some(7 - lines as u64)), "{document}");
        pool.is_whole(&bench).expect("the run");
        all_done_once(&bench.path("journal"), pool.keys.len()).expect("the journal");
    }
}

#[test]
fn a_journal_that_lost_its_last_lines_costs_a_look_and_no_key() {
    // All but the first line, some of them, all but some bytes of the first line, and everything.
    for kept in [1, 3, 0] {
        let (bench, pool, import) = changed(|text| {
            let end = text.split_inclusive(|byte| *byte == b'\n').take(kept).map(<[u8]>::len).sum::<usize>();
            text.truncate(if kept == 0 { 0 } else { end });
        });
        let document = expect(&bench, &import, 0);
        assert_eq!(document["imported"], 0, "{document}");
        pool.is_whole(&bench).expect("the run");
        all_done_once(&bench.path("journal"), pool.keys.len()).expect("the journal");
    }
    let (bench, pool, import) = changed(|text| text.truncate(40));
    assert_eq!(expect(&bench, &import, 0)["identical"], json!(pool.keys.len()));
    pool.is_whole(&bench).expect("the run");
}

#[test]
fn a_journal_that_was_changed_in_the_middle_is_refused() {
    let (bench, _pool, import) = changed(|text| {
        let at = text.len() / 2;
        text[at] ^= 1;
    });
    refused(&bench, &import, &bench.path("journal"), &["is damaged at line"]);
    // So is a file that is none.
    let (bench, _pool, import) = changed(|text| *text = b"somebody's notes\n".to_vec());
    refused(&bench, &import, &bench.path("journal"), &["is no journal"]);
}

/// A run that is stopped by SIGINT says that it goes on with --resume, and does.
#[test]
fn a_run_that_is_interrupted_goes_on() {
    let (bench, pool) = (blank(), Pool::six());
    let import = pool.journaled(&bench, &["--jobs", "1"]);
    let mut slow = bench.command(&slow_module(), &import);
    slow.env("STRICT_HSM_MODULE", softhsm()).env("STRICT_HSM_LATENCY_MS", "30");
    let first = slow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cng11");
    while fs::read_to_string(bench.path("journal")).map_or(0, |text| text.lines().count()) < 2 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    signal(&first, "-INT");
    let output = first.wait_with_output().expect("an end");
    let (code, said) = ended(&output).expect("it ends by itself");
    // Before the last key was begun, or behind it.
    assert!(code == 0 || code == 1 && said.contains("go on with --resume"), "{code}: {said}");
    expect(&bench, &import, 0);
    pool.is_whole(&bench).expect("the next run");
    all_done_once(&bench.path("journal"), pool.keys.len()).expect("the journal");
}
