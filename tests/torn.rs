//! Objects that SoftHSM2 was writing when its process ended, and what `cng11` makes of them.
//!
//! SoftHSM2 keeps an object in a file: eight bytes of a generation number, then attribute after attribute in ascending order of their numbers, each
//! as number (8 bytes), kind (8 bytes) and value: kind 1 a flag of 1 byte, 2 a number of 8 bytes, 3 and 4 a length of 8 bytes and as many bytes, 5 a
//! count of 8 bytes and as many numbers. It truncates the
//! file and writes it anew for each attribute that is set, and never syncs. What it makes of a file that ends too early:
//!
//! - cut within an attribute, the object does not exist: no search finds it, and the file stays where it is;
//! - cut between two attributes, or within the number of one, the object exists and lacks the attributes behind the cut. The first program that looks
//!   at it makes SoftHSM2 write it again with default values for what is missing, but for the key itself: modulus, point, curve, identifier.
//!
//! So a torn private key may lack anything from its class to its last flag; what cannot be seen from outside is a private value that is missing.
//! SoftHSM2 also writes the token's own file anew with every C_Login. A kill or a full disk at that moment costs the token; that is out of our hands.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of a test fail as the test does"
)]

#[path = "kill/bench.rs"]
mod bench;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bench::{AES, Bench, EC, Finding, KeyFile, NAME, OTHER_EC, RSA, ensure};
use serde_json::Value;

/// A token with the key `key`, another key that is to stay usable, and each object file of `key` with its class.
fn with_key(key: &KeyFile) -> (Bench, Vec<(u8, PathBuf)>) {
    let bench = Bench::new();
    bench.furnish();
    bench.must(&other());
    let before = bench.object_files();
    bench.must(&key.import(&[]));
    let mut files = bench.object_files();
    files.retain(|file| !before.contains(file));
    let files = files.into_iter().map(|file| (fs::read(&file).expect("an object")[CLASS], file)).collect();
    (bench, files)
}

/// Where the last byte of the class is, the value of the first attribute.
const CLASS: usize = 31;
const PUBLIC: u8 = 2;
const PRIVATE: u8 = 3;
const SECRET: u8 = 4;

/// The import of a key that is never torn.
fn other() -> Vec<String> {
    OTHER_EC
        .import(&[])
        .into_iter()
        .map(|argument| if argument == NAME { "other".to_owned() } else { argument })
        .collect()
}

/// Where attributes end in an object file.
fn boundaries(object: &[u8]) -> Vec<usize> {
    let number = |at: usize| {
        usize::try_from(u64::from_be_bytes(object[at..at + 8].try_into().expect("8 bytes"))).expect("a size")
    };
    let mut ends = vec![8];
    let mut at = 8;
    while at < object.len() {
        at += match number(at + 8) {
            1 => 17,
            2 => 24,
            3 | 4 => 24 + number(at + 16),
            5 => 24 + 8 * number(at + 16),
            kind => panic!("an attribute of kind {kind} at {at}"),
        };
        ends.push(at);
    }
    ends
}

/// What must hold of a token on which one object of the key is damaged. `others` are the files of all other keys.
fn bears_it(bench: &Bench, key: &KeyFile, damaged: &Path, class: u8, others: &[PathBuf]) -> Finding {
    let list = bench.list()?;
    // An import of the name destroys nothing that it did not write.
    let import = bench.copy();
    let run = import.cng11(&key.import(&[]));
    run.ended_well()?;
    are_there(&import, others.iter().map(PathBuf::as_path).chain([damaged]))
        .map_err(|problem| format!("after an import ({}): {problem}", run.stderr()))?;
    import.list()?;
    // A damaged public object takes nothing from its key.
    if class == PUBLIC {
        bench.proves(NAME, key.proof).map_err(|problem| format!("the private key is fine, but {problem}"))?;
    }
    // What is known to be torn can be removed as the hint says, and nothing goes with it.
    let whole = bench.object_files().len();
    let torn: Vec<&str> = list["torn"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for uri in &torn {
        let delete = bench.cng11(&["delete", uri, "--yes"]);
        ensure(delete.succeeded(), || format!("delete {uri}: {}", delete.stderr()))?;
    }
    let list = bench.list()?;
    ensure(list["torn"].as_array().is_some_and(Vec::is_empty), || format!("still torn: {list}"))?;
    if class == PUBLIC {
        bench.proves(NAME, key.proof).map_err(|problem| format!("the private key went along: {problem}"))?;
        ensure(bench.object_files().len() + torn.len() == whole, || "more went than was torn".to_owned())?;
    }
    bench.proves("other", OTHER_EC.proof)?;
    are_there(bench, others.iter().map(PathBuf::as_path))
}

/// Whether the files of some objects are there. `pkcs11-tool` is no help here: its list ends at the first object that it cannot read.
fn are_there<'a>(bench: &Bench, files: impl Iterator<Item = &'a Path>) -> Finding {
    let names: Vec<_> =
        bench.object_files().iter().filter_map(|file| file.file_name().map(ToOwned::to_owned)).collect();
    for file in files {
        let there = file.file_name().is_some_and(|name| names.iter().any(|other| other == name));
        ensure(there, || format!("{} is gone", file.display()))?;
    }
    Ok(())
}

/// Damages each object of a key in the ways that `damage` makes of its bytes, and fails with all that was found wrong.
fn damaged(key: &KeyFile, classes: &[u8], damage: impl Fn(&[u8]) -> Vec<(String, Vec<u8>)>) {
    let (base, files) = with_key(key);
    let others: Vec<_> =
        base.object_files().into_iter().filter(|file| !files.iter().any(|(_, own)| own == file)).collect();
    let mut findings = String::new();
    let found = files.iter().any(|(class, _)| classes.contains(class));
    assert!(found, "no object of the classes {classes:?} is found among the files");
    for (class, file) in files.iter().filter(|(class, _)| classes.contains(class)) {
        for (how, bytes) in damage(&fs::read(file).expect("an object")) {
            let bench = base.copy();
            let copy = bench.token_folder().join(file.file_name().expect("a name"));
            fs::write(&copy, bytes).expect("a damaged object");
            if let Err(finding) = bears_it(&bench, key, &copy, *class, &others) {
                let _ = writeln!(findings, "class {class} of {}, {how}: {finding}", key.file);
            }
        }
    }
    assert!(findings.is_empty(), "{findings}");
}

/// Cut to nothing, in the middle of attributes, and shortly before the end.
fn cut_anywhere(object: &[u8]) -> Vec<(String, Vec<u8>)> {
    let len = object.len();
    let cuts = [0, 1, 8, 12, 16, 31, len / 2, len - 8, len - 1];
    cuts.iter().map(|cut| (format!("cut to {cut} of {len}"), object[..*cut].to_vec())).collect()
}

/// Cut behind each attribute in turn.
fn cut_between(object: &[u8]) -> Vec<(String, Vec<u8>)> {
    let len = object.len();
    boundaries(object).iter().map(|cut| (format!("cut to {cut} of {len}"), object[..*cut].to_vec())).collect()
}

/// Zeros instead of everything, or of the second half: what a file system may show after a power cut.
fn zeroed(object: &[u8]) -> Vec<(String, Vec<u8>)> {
    let half = [&object[..object.len() / 2], &vec![0; object.len().div_ceil(2)]].concat();
    vec![("all zeros".to_owned(), vec![0; object.len()]), ("half zeros".to_owned(), half)]
}

#[test]
fn the_private_object_of_an_rsa_key_cut_between_attributes_harms_nothing_else() {
    damaged(&RSA, &[PRIVATE], cut_between);
}

#[test]
fn objects_of_a_p256_key_cut_between_attributes_harm_nothing_else() {
    damaged(&EC, &[PRIVATE, PUBLIC], cut_between);
}

#[test]
fn the_object_of_an_aes_key_cut_between_attributes_harms_nothing_else() {
    damaged(&AES, &[SECRET], cut_between);
}

#[test]
fn objects_cut_anywhere_or_zeroed_harm_nothing_else() {
    for key in [&RSA, &EC, &AES] {
        damaged(key, &[PRIVATE, PUBLIC, SECRET], |object| [cut_anywhere(object), zeroed(object)].concat());
    }
}

#[test]
fn an_object_of_another_class_than_it_was_harms_nothing_else() {
    for key in [&RSA, &EC, &AES] {
        damaged(key, &[PRIVATE, SECRET], |object| {
            let flip = |class: u8| {
                let mut object = object.to_vec();
                object[CLASS] = class;
                (format!("class {class}"), object)
            };
            // Data, a certificate, each kind of key, domain parameters, and one that does not exist.
            [0, 1, PUBLIC, PRIVATE, SECRET, 6, 99].into_iter().map(flip).collect()
        });
    }
}

#[test]
fn several_torn_objects_that_nothing_tells_apart_are_removed_by_one_command() {
    let (base, files) = with_key(&EC);
    let (_, file) = files.iter().find(|(class, _)| *class == PRIVATE).expect("a private object");
    let bytes = fs::read(file).expect("an object");
    // Class and token flag and nothing else: what a failed C_CreateObject leaves on SoftHSM2.
    for copy in 0..3 {
        let name = format!("00000000-0000-0000-0000-{copy:012}.object");
        fs::write(base.token_folder().join(name), &bytes[..boundaries(&bytes)[2]]).expect("a torn object");
    }
    let list = base.list().expect("a list");
    let torn = list["torn"].as_array().expect("a list");
    assert_eq!(torn.len(), 3, "{list}");
    base.must(&["delete", torn[0].as_str().expect("a URI"), "--yes"]);
    assert_eq!(base.list().expect("a list")["torn"], Value::Array(Vec::new()));
    base.proves(NAME, EC.proof).expect("the key that was whole");
    base.strangers_are_there().expect("nothing else went");
}

#[test]
fn a_torn_object_is_removed_without_the_whole_key_that_has_the_same_uri() {
    let (base, files) = with_key(&EC);
    let (_, file) = files.iter().find(|(class, _)| *class == PUBLIC).expect("a public object");
    let bytes = fs::read(file).expect("an object");
    // All that a URI tells, but for the point, which is the last attribute but for some that only SoftHSM2 knows.
    let point = boundaries(&bytes).into_iter().rfind(|end| bytes[*end..].starts_with(&[0, 0, 0, 0, 0, 0, 1, 0x81]));
    let torn = &bytes[..point.expect("a point")];
    fs::write(base.token_folder().join("00000000-0000-0000-0000-000000000000.object"), torn).expect("a torn object");
    let list = base.list().expect("a list");
    assert_eq!(list["torn"].as_array().map(Vec::len), Some(1), "{list}");
    base.proves(NAME, EC.proof).expect("the whole key");
    base.must(&["delete", list["torn"][0].as_str().expect("a URI"), "--yes"]);
    assert_eq!(base.list().expect("a list")["torn"], Value::Array(Vec::new()));
    base.settled(NAME, true).expect("the whole key, with its public object");
    base.proves(NAME, EC.proof).expect("the whole key");
}

#[test]
fn a_token_whose_own_file_is_damaged_is_an_error_and_no_crash() {
    let (base, _) = with_key(&EC);
    for len in [0, 8, 100, 319] {
        let bench = base.copy();
        let file = bench.token_folder().join("token.object");
        let bytes = fs::read(&file).expect("a token");
        fs::write(&file, &bytes[..len.min(bytes.len())]).expect("a damaged token");
        for arguments in [&["list"][..], &["token", "list"], &["delete", NAME, "--yes"]] {
            let run = bench.cng11(arguments);
            run.ended_well().unwrap_or_else(|problem| panic!("{len} bytes, {arguments:?}: {problem}"));
        }
    }
}

/// After an import that ended in the middle of SoftHSM2's own writing: the list works, what is shown works or is known to be torn, and once that is
/// removed as the hint says the import can be repeated.
fn recovers(bench: &Bench, key: &KeyFile) -> Finding {
    let list = bench.list()?;
    bench.proves("other", OTHER_EC.proof)?;
    for uri in list["torn"].as_array().expect("a list").iter().filter_map(Value::as_str) {
        let delete = bench.cng11(&["delete", uri, "--yes"]);
        // The first of several alike takes all of them.
        ensure(delete.succeeded() || delete.stderr().contains("NTE_BAD_KEYSET"), || {
            format!("delete {uri}: {}", delete.stderr())
        })?;
    }
    let mut import = bench.cng11(&key.import(&[]));
    if !import.succeeded() {
        ensure(import.stderr().contains("NTE_EXISTS"), || format!("import: {}", import.stderr()))?;
        // A key that shows and does not work lacks something that cannot be seen: replacing it is what the hint says.
        if bench.proves(NAME, key.proof).is_err() {
            import = bench.cng11(&key.import(&["--overwrite"]));
            ensure(import.succeeded(), || format!("import --overwrite: {}", import.stderr()))?;
        }
    }
    bench.proves(NAME, key.proof)?;
    let list = bench.list()?;
    ensure(list["torn"] == list["unfinished"] && list["torn"] == Value::Array(Vec::new()), || format!("left: {list}"))?;
    bench.proves("other", OTHER_EC.proof)
}

fn prepared() -> Bench {
    let bench = Bench::new();
    bench.furnish();
    bench.must(&other());
    bench
}

/// Runs the import with files that cannot grow beyond each of some sizes.
fn limited(key: &KeyFile, killed: bool) {
    let base = prepared();
    let mut findings = String::new();
    let mut died = 0;
    // Nothing fits; the generation number fits, then more and more attributes.
    for limit in (0..900).step_by(20) {
        let bench = base.copy();
        let run = bench.limited(&key.import(&[]), limit, killed);
        died += usize::from(run.died());
        let outcome = if run.died() { Ok(()) } else { run.ended_well() };
        if let Err(finding) = outcome.and_then(|()| recovers(&bench, key)) {
            let _ = writeln!(findings, "files of at most {limit} bytes: {finding}");
        }
    }
    assert!(findings.is_empty(), "import of {}:\n{findings}", key.file);
    assert!(died > 10 || !killed, "the limits killed only {died} imports");
}

#[test]
fn an_import_killed_while_softhsm_writes_a_file_can_be_repeated() {
    limited(&EC, true);
    limited(&AES, true);
}

/// SoftHSM2 answers CKR_OK to a write that the disk had no room for, and goes on with the key in its memory: the import says that all is well. Only
/// the next program sees what is missing.
#[test]
fn an_import_onto_a_full_disk_can_be_repeated() {
    limited(&EC, false);
    limited(&AES, false);
}

#[test]
fn an_import_killed_at_any_moment_can_be_repeated() {
    let base = prepared();
    let token = fs::read(base.token_folder().join("token.object")).expect("a token").len();
    // A fixed sequence, spread over the time an import takes.
    let mut random: u32 = 20_261_123;
    for round in 0..30 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bench = base.copy();
        let mut import = bench.command(bench::softhsm(), &EC.import(&[]));
        let mut child = import.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("cng11");
        std::thread::sleep(Duration::from_micros(u64::from(random >> 16) * 25_000 / 65_536));
        child.kill().expect("a child");
        child.wait().expect("a child");
        if fs::read(bench.token_folder().join("token.object")).expect("a token").len() < token {
            // Killed within SoftHSM2's C_Login: see above.
            let said = bench.cng11(&["list"]).stderr();
            assert!(said.contains("no token fits"), "round {round}: {said}");
            continue;
        }
        recovers(&bench, &EC).unwrap_or_else(|problem| panic!("round {round}: {problem}"));
    }
}
