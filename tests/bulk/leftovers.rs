//! What runs that were killed have left on the token or beside it, and what somebody has taken away since.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::pool::{Pool, blank, expect};

/// Numbers of attributes, as SoftHSM2 writes them (`tests/torn.rs` has the form of its files).
const CKA_TOKEN: u64 = 0x1;
const CKA_ID: u64 = 0x102;
/// Where the last byte of the class is, the value of the first attribute.
const CLASS: usize = 31;

/// Where the value of an attribute begins in the file of an object: a flag, or the first byte behind the length.
fn value_of(object: &[u8], wanted: u64) -> usize {
    let number = |at: usize| u64::from_be_bytes(object[at..at + 8].try_into().expect("8 bytes"));
    let size = |at: usize| usize::try_from(number(at)).expect("a size");
    let mut at = 8;
    while at < object.len() {
        let (value, next) = match number(at + 8) {
            1 => (at + 16, at + 17),
            2 => (at + 16, at + 24),
            3 | 4 => (at + 24, at + 24 + size(at + 16)),
            5 => (at + 24, at + 24 + 8 * size(at + 16)),
            kind => panic!("an attribute of kind {kind} at {at}"),
        };
        if number(at) == wanted {
            return value;
        }
        at = next;
    }
    panic!("no attribute {wanted:#x}");
}

/// A copy of an object as C_CopyObject first writes it: it says that it is none of the token.
fn stray(object: &Path, number: usize, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(object).expect("an object");
    let token = value_of(&bytes, CKA_TOKEN);
    assert_eq!(bytes[token], 0xff, "an object of the token");
    bytes[token] = 0;
    change(&mut bytes);
    let path = object.with_file_name(format!("00000000-0000-4000-8000-{number:012}.object"));
    fs::write(&path, bytes).expect("an object");
    path
}

#[test]
fn what_a_killed_copy_has_left_of_a_key_goes_once_the_key_is_there_and_nothing_else_does() {
    let bench = blank();
    let before = bench.object_files();
    let pool = Pool::six();
    expect(&bench, &pool.import(&[]), 0);
    let mut files = bench.object_files();
    files.retain(|file| !before.contains(file));
    let left: Vec<_> = files.iter().enumerate().map(|(number, file)| stray(file, number, |_| ())).collect();
    assert_eq!(left.len(), pool.objects());
    // Of another key of the same name, by its CKA_ID; that of a private object is encrypted.
    let public = files.iter().find(|file| fs::read(file).expect("an object")[CLASS] == 2).expect("a public object");
    let another = stray(public, 100, |bytes| {
        let id = value_of(bytes, CKA_ID);
        bytes[id] ^= 1;
    });
    // Of a key that is not among those of the run.
    let foreign = stray(&before[0], 200, |_| ());
    let document = expect(&bench, &pool.import(&[]), 0);
    assert_eq!(document["identical"], 6, "{document}");
    for file in &left {
        assert!(!file.exists(), "{} has stayed", file.display());
    }
    assert!(files.iter().chain(&before).all(|file| file.exists()), "an object of a key is gone");
    assert!(another.exists() && foreign.exists(), "what may be somebody else's is gone");
    fs::remove_file(another).and_then(|()| fs::remove_file(foreign)).expect("the files");
    pool.is_whole(&bench).expect("the keys");
    pool.is_proven(&bench).expect("the keys");
}

#[test]
fn the_public_object_of_a_pair_that_has_lost_it_is_written_again() {
    let (bench, pool) = (blank(), Pool::six());
    expect(&bench, &pool.import(&[]), 0);
    let files = bench.object_files().len();
    let pair = pool.pairs().next().expect("a pair");
    bench.must(&["delete", &format!("pkcs11:object={};type=public", pair.name), "--yes"]);
    assert_eq!(bench.object_files().len(), files - 1);
    // A plan writes nothing.
    expect(&bench, &pool.import(&["--dry-run"]), 0);
    assert_eq!(bench.object_files().len(), files - 1);
    let report = bench.path("report");
    let document = expect(&bench, &pool.import(&["--report", report.to_str().expect("UTF-8")]), 0);
    assert_eq!(document["identical"], 6, "{document}");
    let text = fs::read_to_string(&report).expect("a report");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines {
        let warned = line["warnings"].to_string().contains("its public object was not there");
        assert_eq!(warned, line["name"] == json!(pair.name), "{line}");
    }
    assert_eq!(lines.len(), 6);
    pool.is_whole(&bench).expect("the keys");
}

#[test]
fn what_a_run_that_did_not_end_has_reported_is_looked_at_again() {
    for has_ended in [false, true] {
        let (bench, pool) = (blank(), Pool::six());
        let import = pool.journaled(&bench, &[]);
        expect(&bench, &import, 0);
        if !has_ended {
            let text = fs::read_to_string(bench.path("journal")).expect("a journal");
            let end = text.rfind("{\"end\"").expect("a last line");
            File::create(bench.path("journal"))
                .and_then(|mut file| file.write_all(&text.as_bytes()[..end]))
                .expect("a journal");
        }
        let lost = pool.pairs().next().expect("a pair");
        bench.must(&["delete", &lost.name, "--yes"]);
        let document = expect(&bench, &import, 0);
        // What a whole run has as done was removed by somebody who wanted it gone.
        let expected = if has_ended { (json!(0), json!(6)) } else { (json!(1), json!(5)) };
        assert_eq!((document["imported"].clone(), document["done_before"].clone()), expected, "{document}");
        let names = bench.listed(&lost.name).expect("a list");
        assert_eq!(names.len(), usize::from(!has_ended));
    }
}

#[test]
fn files_that_a_killed_export_was_writing_go_with_the_run_that_goes_on() {
    let (bench, pool) = (blank(), Pool::six());
    let entries = pool.entries().map(|mut entry| {
        entry["export_policy"] = json!("plaintext");
        entry
    });
    let manifest = pool.write_manifest("free.jsonl", entries);
    expect(&bench, &crate::pool::import_of(&manifest, &[]), 0);
    let (folder, journal) = (bench.path("out"), bench.path("journal"));
    let export: Vec<&str> = [
        "bulk export --type PKCS8_PRIVATEKEY --allow-plaintext --name rsa-* --json --resume".split(' ').collect(),
        vec!["--journal", journal.to_str().expect("UTF-8"), folder.to_str().expect("UTF-8")],
    ]
    .concat();
    expect(&bench, &export, 0);
    let written = fs::read_dir(&folder).expect("a folder").count();
    let name = &pool.pairs().find(|key| key.name.starts_with("rsa-")).expect("a pair").name;
    // As `bulk::file` names what it has not finished; and files that only look like it.
    let left = folder.join(format!(".{name}.PKCS8_PRIVATEKEY.4711.tmp"));
    let others = [format!(".{name}.PKCS8_PRIVATEKEY.tmp"), ".mine.4711.tmp".to_owned()].map(|name| folder.join(name));
    for path in others.iter().chain([&left]) {
        fs::write(path, "half a key").expect("a file");
    }
    assert_eq!(expect(&bench, &export, 0)["failed"], 0);
    assert!(!left.exists() && others.iter().all(|path| path.exists()));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), written + 2);
}

/// `threads` of a run with so many jobs, and so many sessions at most.
fn threads(bench: &Bench, pool: &Pool, jobs: &str, sessions: Option<&str>) -> Value {
    let folder = bench.path("cng11");
    fs::create_dir_all(&folder).expect("a folder");
    let text = sessions.map(|most| format!("sessions = {most}\n")).unwrap_or_default();
    fs::write(folder.join("config.toml"), text).expect("a file");
    expect(bench, &pool.import(&["--jobs", jobs]), 0)["threads"].clone()
}

#[test]
fn no_more_sessions_are_opened_than_the_configuration_has() {
    let (bench, pool) = (blank(), Pool::six());
    assert_eq!(threads(&bench, &pool, "3", None), 3);
    assert_eq!(threads(&bench, &pool, "3", Some("4")), 3);
    // The command's own is one of them, and does a thread's work where there is none besides.
    assert_eq!(threads(&bench, &pool, "3", Some("3")), 3);
    assert_eq!(threads(&bench, &pool, "8", Some("2")), 2);
    assert_eq!(threads(&bench, &pool, "8", Some("1")), 1);
    fs::write(bench.path("cng11").join("config.toml"), "sessions = 0\n").expect("a file");
    let document = expect(&bench, &pool.import(&[]), 1);
    let message = document["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("sessions is not a number above 0"), "{document}");
}
