//! What runs that were killed have left on the token or beside it, and what somebody has taken away since.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bench::{Bench, Fault, TOKEN, softhsm};
use crate::pool::{Mix, Pool, blank, expect, openssl};

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

/// As if the run had been killed before it wrote its last line.
fn forget_end(bench: &Bench) {
    let journal = bench.path("journal");
    let text = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, &text[..text.rfind("{\"end\"").expect("a last line")]).expect("a journal");
}

/// Cuts the one object of a class among these off before an attribute, as a full disk does.
fn cut(files: &[PathBuf], class: u8, attribute: u64) {
    let objects = files.iter().map(|file| (file, fs::read(file).expect("an object")));
    let found: Vec<_> = objects.filter(|(_, object)| object[CLASS] == class).collect();
    let [(file, object)] = found.as_slice() else { panic!("one object of class {class}") };
    // In front of its value stand its number, its kind and its length.
    fs::write(file, &object[..value_of(object, attribute) - 24]).expect("an object");
}

/// SoftHSM2 reports as written what a full disk has kept the beginning of, and a search still finds it.
#[test]
fn what_a_full_disk_has_kept_the_beginning_of_is_looked_at_again() {
    const CKA_EC_POINT: u64 = 0x181;
    const CKA_PRIVATE_EXPONENT: u64 = 0x123;
    for (mix, class, attribute) in [
        (Mix { p256: 1, ..Mix::default() }, 2, CKA_EC_POINT),
        (Mix { rsa: 1, ..Mix::default() }, 3, CKA_PRIVATE_EXPONENT),
    ] {
        let (bench, pool) = (blank(), Pool::new(mix));
        let before = bench.object_files();
        let import = pool.journaled(&bench, &[]);
        expect(&bench, &import, 0);
        forget_end(&bench);
        let mut files = bench.object_files();
        files.retain(|file| !before.contains(file));
        cut(&files, class, attribute);
        if class == 2 {
            // It was made good, and so is told of.
            let document = expect(&bench, &import, 0);
            assert_eq!((&document["identical"], &document["done_before"]), (&json!(1), &json!(0)), "{document}");
            pool.is_whole(&bench).expect("the key");
            pool.is_proven(&bench).expect("the key");
        } else {
            let (single, key) = (bench.copy(), &pool.keys[0]);
            single.must(&["import", key.file.to_str().expect("UTF-8"), "--name", &key.name, "--overwrite"]);
            pool.is_whole(&single).expect("the key");
            pool.is_proven(&single).expect("the key");
            // Another one takes its place where somebody asks for that.
            let document = expect(&bench, &import, 5);
            assert_eq!((&document["failed"], &document["done_before"]), (&json!(1), &json!(0)), "{document}");
            let told = &document["failures"][0];
            assert!(told["message"].to_string().contains("it was left as it is"), "{told}");
            assert!(told["hint"].to_string().contains("--on-collision overwrite"), "{told}");
            let document = expect(&bench, &pool.import(&["--on-collision", "overwrite"]), 0);
            assert_eq!(document["overwritten"], 1, "{document}");
            pool.is_whole(&bench).expect("the key");
            pool.is_proven(&bench).expect("the key");
        }
    }
}

#[test]
fn what_a_run_that_did_not_end_has_reported_is_looked_at_again() {
    for has_ended in [false, true] {
        let (bench, pool) = (blank(), Pool::six());
        let import = pool.journaled(&bench, &[]);
        expect(&bench, &import, 0);
        if !has_ended {
            forget_end(&bench);
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

/// So is what a run reported of which other entries failed.
#[test]
fn what_a_run_with_failures_has_reported_is_looked_at_again() {
    let (bench, pool) = (blank(), Pool::six());
    let entries: Vec<_> = pool.entries().chain([json!({ "file": "nowhere.der", "name": "nobody" })]).collect();
    let manifest = pool.write_manifest("missing.jsonl", entries.into_iter());
    let journal = bench.path("journal");
    let import = crate::pool::import_of(&manifest, &["--journal", journal.to_str().expect("UTF-8"), "--resume"]);
    assert_eq!(expect(&bench, &import, 5)["imported"], 6);
    bench.must(&["delete", &pool.pairs().next().expect("a pair").name, "--yes"]);
    let document = expect(&bench, &import, 5);
    assert_eq!((&document["imported"], &document["done_before"]), (&json!(1), &json!(5)), "{document}");
    pool.is_whole(&bench).expect("the keys");
}

/// And the certificate that the manifest names for a key.
#[test]
fn a_certificate_that_was_lost_is_written_again() {
    let (bench, pool) = (blank(), Pool::new(Mix { p256: 1, ..Mix::default() }));
    let key = &pool.keys[0];
    certified(&key.file);
    let entry = json!({ "file": key.file, "name": "web", "certificate": key.file.with_extension("crt") });
    let manifest = pool.write_manifest("certified.jsonl", [entry].into_iter());
    let journal = bench.path("journal");
    let more = ["--journal", journal.to_str().expect("UTF-8"), "--resume", "--on-collision", "overwrite"];
    let import = crate::pool::import_of(&manifest, &more);
    expect(&bench, &import, 0);
    forget_end(&bench);
    bench.must(&["delete", "pkcs11:object=web;type=cert", "--yes"]);
    assert_eq!(bench.listed("web").expect("a list")[0]["certificate"], false);
    expect(&bench, &import, 0);
    assert_eq!(bench.listed("web").expect("a list")[0]["certificate"], true);
}

/// A migration looks again, too: at both halves, and at what stands beside a key.
#[test]
fn what_a_migration_has_reported_is_looked_at_again() {
    let (bench, pool) = (blank(), Pool::new(Mix { p256: 2, ..Mix::default() }));
    for key in &pool.keys {
        let file = key.file.to_str().expect("UTF-8");
        bench.must(&["import", file, "--name", &key.name, "--export-policy", "encrypted"]);
    }
    let [described, plain] = pool.keys.as_slice() else { panic!("two keys") };
    bench.must(&["set", "--custom", &described.name, "Owner", "bob"]);
    let folder = bench.token_folder();
    bench.add_token("second");
    // There and away from here: what is looked at below is what comes back.
    bench.must(&["migrate", "--from", TOKEN, "--to", "second", "--name", "p256-*"]);
    pool.keys.iter().for_each(|key| drop(bench.must(&["delete", &key.name, "--yes"])));
    let journal = bench.path("journal");
    let more = ["--name", "p256-*", "--journal", journal.to_str().expect("UTF-8"), "--resume"];
    let run = [&["migrate", "--json", "--from", "second", "--to", TOKEN], &more[..]].concat();
    assert_eq!(expect(&bench, &run, 0)["imported"], 2);
    let objects = || -> Vec<PathBuf> {
        let files = fs::read_dir(&folder).expect("the token").map(|file| file.expect("a file").path());
        files.filter(|file| file.extension().is_some_and(|end| end == "object")).collect()
    };
    let before = objects();
    let has_public = |key: &str| bench.listed(key).expect("a list")[0]["public"] == true;
    let has_owner = || {
        let run = bench.command(softhsm(), &["get", &described.name, "Owner"]).output().expect("cng11");
        String::from_utf8_lossy(&run.stdout).contains("bob")
    };
    assert!(has_public(&plain.name) && has_owner());
    bench.must(&["delete", &format!("pkcs11:object={};type=public", plain.name), "--yes"]);
    let mut data = objects();
    data.retain(|file| fs::read(file).expect("an object")[CLASS] == 0);
    let [data] = data.as_slice() else { panic!("one property: {data:?}") };
    fs::remove_file(data).expect("the property");
    // A run that came to its end is not looked at.
    assert_eq!(expect(&bench, &run, 0)["done_before"], 2);
    assert!(!has_public(&plain.name) && !has_owner());
    forget_end(&bench);
    // Both were made good, and are told of.
    assert_eq!(expect(&bench, &run, 0)["identical"], 2);
    assert!(has_public(&plain.name) && has_owner());
    assert_eq!(objects().len(), before.len());
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
    let ended = {
        let mut process = std::process::Command::new("true").spawn().expect("a process");
        process.wait().expect("its end");
        process.id()
    };
    let left = folder.join(format!(".{name}.PKCS8_PRIVATEKEY.{ended}.tmp"));
    let others = [
        format!(".{name}.PKCS8_PRIVATEKEY.tmp"),
        format!(".mine.{ended}.tmp"),
        format!(".{name}.PKCS8_PRIVATEKEY.{}.tmp", std::process::id()),
    ];
    let others = others.map(|name| folder.join(name));
    for path in others.iter().chain([&left]) {
        fs::write(path, "half a key").expect("a file");
    }
    assert_eq!(expect(&bench, &export, 0)["failed"], 0);
    assert!(!left.exists() && others.iter().all(|path| path.exists()));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), written + others.len());
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

/// Puts a certificate of its own beside a key file.
fn certified(file: &Path) {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (key, certificate) = (text(file), text(&file.with_extension("crt")));
    let subject = ["-subj", "/CN=web", "-days", "9", "-out", &certificate];
    openssl(&[&["req", "-x509", "-new", "-keyform", "DER", "-key", &key], &subject[..]].concat());
}

/// Killed at any call of an import that takes the place of another key, the next run finishes it: one key, and no mark.
#[test]
fn a_replacement_that_was_cut_short_is_finished_by_the_next_run() {
    let (base, pool) = (blank(), Pool::new(Mix { p256: 2, ..Mix::default() }));
    let [old, new] = pool.keys.as_slice() else { panic!("two keys") };
    pool.pairs().for_each(|key| certified(&key.file));
    let import = |bench: &Bench, file: &Path| {
        let entry = json!({ "file": file, "name": "web", "certificate": file.with_extension("crt") });
        let name = file.file_stem().and_then(|name| name.to_str()).expect("UTF-8");
        let manifest = pool.write_manifest(&format!("{name}.jsonl"), [entry].into_iter());
        let journal = bench.path(name);
        // Of several threads the others would be killed in the middle of a call.
        let journal = journal.to_str().expect("UTF-8");
        let journal = ["--jobs", "1", "--journal", journal, "--resume", "--on-collision", "overwrite"];
        crate::pool::import_of(&manifest, &journal)
    };
    expect(&base, &import(&base, &old.file), 0);
    // The same key under another name, which nothing replaces.
    base.must(&["import", old.file.to_str().expect("UTF-8"), "--name", "twin"]);
    let objects = base.object_files().len();
    let (mut kills, mut outcomes) = (0, [0, 0]);
    for call in 1.. {
        let bench = base.copy();
        let run = import(&bench, &new.file);
        let (killed, _) = bench.disturbed(&run, Fault::Kill(call));
        if !killed.killed() {
            assert!(killed.succeeded(), "{}", killed.stderr());
            break;
        }
        kills += 1;
        assert_eq!(bench.listed("twin").expect("a list").len(), 1, "killed at call {call}");
        let document = expect(&bench, &run, 0);
        for (outcome, count) in ["overwritten", "identical"].iter().zip(&mut outcomes) {
            *count += i32::from(document[outcome] == 1);
        }
        pool.is_key(&bench, new, "web").unwrap_or_else(|problem| panic!("killed at call {call}: {problem}"));
        let list = bench.list().expect("a list");
        assert_eq!(
            (&list["unfinished"], list["keys"].as_array().map(Vec::len)),
            (&json!([]), Some(3)),
            "{call}: {list}"
        );
        assert_eq!(bench.object_files().len(), objects, "killed at call {call}: {:?}", bench.objects());
        for object in bench.objects() {
            assert!(!object.id.contains("6e6731313a"), "killed at call {call}: a mark has stayed: {object:?}");
        }
    }
    assert!(kills > 20 && outcomes[0] > 0 && outcomes[1] > 0, "{kills} kills: {outcomes:?}");
}

#[test]
fn a_key_that_got_another_name_and_is_lost_is_noticed() {
    let (bench, pool) = (blank(), Pool::new(Mix { p256: 2, ..Mix::default() }));
    let [other, key] = pool.keys.as_slice() else { panic!("two keys") };
    bench.must(&["import", other.file.to_str().expect("UTF-8"), "--name", &key.name]);
    let manifest = pool.write_manifest("one.jsonl", pool.entries().filter(|entry| entry["name"] == json!(key.name)));
    let journal = bench.path("journal");
    let journal = journal.to_str().expect("UTF-8");
    let import = crate::pool::import_of(&manifest, &["--journal", journal, "--resume", "--on-collision", "rename"]);
    assert_eq!(expect(&bench, &import, 0)["renamed"], 1);
    forget_end(&bench);
    let renamed = format!("{}-2", key.name);
    bench.must(&["delete", &renamed, "--yes"]);
    assert_eq!(expect(&bench, &import, 0)["renamed"], 1);
    pool.is_key(&bench, key, &renamed).expect("the key");
}

/// Killed at any call of an import of a key with a certificate, the next run finishes it.
#[test]
fn a_key_with_a_certificate_that_was_cut_short_is_finished_by_the_next_run() {
    let (base, pool) = (blank(), Pool::new(Mix { p256: 1, ..Mix::default() }));
    let key = &pool.keys[0];
    certified(&key.file);
    let entry = json!({ "file": key.file, "name": key.name, "certificate": key.file.with_extension("crt") });
    let manifest = pool.write_manifest("one.jsonl", [entry].into_iter());
    let (mut kills, before) = (0, base.object_files().len());
    for call in 1.. {
        let bench = base.copy();
        let journal = bench.path("journal");
        let journal = ["--jobs", "1", "--journal", journal.to_str().expect("UTF-8"), "--resume"];
        let run = crate::pool::import_of(&manifest, &journal);
        let (killed, _) = bench.disturbed(&run, Fault::Kill(call));
        if !killed.killed() {
            break;
        }
        kills += 1;
        expect(&bench, &run, 0);
        pool.is_key(&bench, key, &key.name).unwrap_or_else(|problem| panic!("killed at call {call}: {problem}"));
        let listed = bench.listed(&key.name).expect("a list");
        assert_eq!((listed.len(), &listed[0]["certificate"]), (1, &json!(true)), "killed at call {call}");
        assert_eq!(bench.object_files().len(), before + 3, "killed at call {call}: {:?}", bench.objects());
    }
    assert!(kills > 20, "{kills} kills");
}

/// Killed at any call of a migration, the next run leaves nothing out of what belongs to a key.
#[test]
fn a_migration_that_was_cut_short_carries_everything_with_the_next_run() {
    let (base, pool) = (blank(), Pool::new(Mix { p256: 1, ..Mix::default() }));
    let key = &pool.keys[0];
    certified(&key.file);
    let (file, certificate) = (key.file.to_str().expect("UTF-8"), key.file.with_extension("crt"));
    let policy = ["--export-policy", "encrypted", "--cert", certificate.to_str().expect("UTF-8")];
    base.must(&[&["import", file, "--name", "web"], &policy[..]].concat());
    base.must(&["set", "--custom", "web", "Owner", "bob"]);
    let before = base.token_folder();
    base.add_token("second");
    // There and away from here: what is looked at below is what comes back.
    base.must(&["migrate", "--from", TOKEN, "--to", "second", "--name", "web"]);
    base.must(&["delete", "web", "--yes"]);
    let objects = |bench: &Bench| fs::read_dir(bench.path("tokens").join(before.file_name().expect("a name")));
    let count = |bench: &Bench| {
        let files = objects(bench).expect("a token").map(|file| file.expect("a file").path());
        files.filter(|file| file.extension().is_some_and(|end| end == "object")).count()
    };
    // Each takes a second, for the pairs to which keys are wrapped: CNG11_TEST_KILLS asks for all.
    let step = if std::env::var_os("CNG11_TEST_KILLS").is_some() { 1 } else { 15 };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let first = usize::try_from(now.as_secs()).expect("a number") % step + 1;
    let (mut kills, at_first) = (0, count(&base));
    for call in (first..).step_by(step) {
        let bench = base.copy();
        let journal = bench.path("journal");
        let arguments = ["--name", "web", "--jobs", "1", "--journal", journal.to_str().expect("UTF-8"), "--resume"];
        let run = [&["migrate", "--json", "--from", "second", "--to", TOKEN], &arguments[..]].concat();
        let (killed, _) = bench.disturbed(&run, Fault::Kill(call));
        if !killed.killed() {
            assert!(killed.succeeded(), "{}", killed.stderr());
            break;
        }
        kills += 1;
        let document = expect(&bench, &run, 0);
        assert_eq!(document["failed"], 0, "killed at call {call}: {document}");
        let listed = bench.listed("web").expect("a list");
        for member in ["private", "public", "certificate"] {
            assert_eq!(listed[0][member], true, "killed at call {call}: {}", listed[0]);
        }
        let owner = bench.must(&["get", "web", "Owner"]);
        assert!(String::from_utf8_lossy(owner.stdout()).contains("bob"), "killed at call {call}");
        assert_eq!(count(&bench), at_first + 4, "killed at call {call}");
    }
    assert!(kills > 40 / step, "{kills} kills");
}

/// A property that cannot be read is a matter of its own key.
#[test]
fn a_property_that_is_damaged_holds_up_no_other_key() {
    const CKA_APPLICATION: u64 = 0x10;
    let (bench, pool) = (blank(), Pool::new(Mix { p256: 2, ..Mix::default() }));
    for key in &pool.keys {
        let file = key.file.to_str().expect("UTF-8");
        bench.must(&["import", file, "--name", &key.name, "--export-policy", "encrypted"]);
    }
    let [whole, damaged] = pool.keys.as_slice() else { panic!("two keys") };
    let before = bench.object_files();
    bench.must(&["set", "--custom", &damaged.name, "Owner", "bob"]);
    let mut files = bench.object_files();
    files.retain(|file| !before.contains(file));
    let [file] = files.as_slice() else { panic!("one property") };
    let mut bytes = fs::read(file).expect("an object");
    let at = value_of(&bytes, CKA_APPLICATION);
    // Encrypted, and the last byte of its padding is not what it was.
    let length = u64::from_be_bytes(bytes[at - 8..at].try_into().expect("8 bytes"));
    bytes[at + usize::try_from(length).expect("a length") - 17] ^= 1;
    fs::write(file, bytes).expect("an object");
    bench.add_token("second");
    let migrate = ["migrate", "--json", "--from", TOKEN, "--to", "second", "--name"];
    let document = expect(&bench, &[&migrate[..], &[&whole.name]].concat(), 0);
    assert_eq!(document["imported"], 1, "{document}");
    let document = expect(&bench, &[&migrate[..], &[&damaged.name]].concat(), 5);
    assert_eq!(document["failed"], 1, "{document}");
}
