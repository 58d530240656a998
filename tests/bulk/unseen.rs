//! Keys that show nothing on the token, so that only the journal tells them: SoftHSM2 signs with no HMAC key as short as these, and none of them may leave in the clear.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bench::{Bench, TOKEN};
use crate::pool::{Mix, Pool, blank, expect, import_of};

/// A folder without a key.
fn empty() -> Pool {
    Pool::new(Mix::default())
}

fn short_key(pool: &Pool, name: &str, byte: u8) -> PathBuf {
    let path = pool.path(name);
    fs::write(&path, [byte; 16]).expect("a file");
    path
}

fn import(bench: &Bench, manifest: &Path, collision: &str) -> Vec<String> {
    let journal = bench.path("journal");
    let journal = journal.to_str().expect("UTF-8");
    import_of(manifest, &["--journal", journal, "--resume", "--on-collision", collision])
}

/// The journal as it is if a run is killed before it writes the first line of these.
fn cut(journal: &Path, before: &[&str]) {
    let text = fs::read_to_string(journal).expect("a journal");
    let is_before = |line: &&str| !before.iter().any(|word| line.starts_with(&format!("{{\"{word}\"")));
    let kept: String = text.split_inclusive('\n').take_while(is_before).collect();
    assert!(kept.lines().count() < text.lines().count(), "no line was cut off");
    fs::write(journal, kept).expect("a journal");
}

fn names(bench: &Bench) -> Vec<String> {
    let list = bench.list().expect("a list");
    assert_eq!((&list["unfinished"], &list["torn"]), (&json!([]), &json!([])));
    let keys = list["keys"].as_array().expect("keys");
    let name = |key: &Value| key["name"].as_str().expect("a name").to_owned();
    let mut names: Vec<_> = keys.iter().map(name).filter(|name| name != "kek").collect();
    names.sort_unstable();
    names
}

/// Cut short behind the write, and behind the last key: whatever is to become of a name that is taken, it is this key's, which is there once.
fn is_found_again(base: &Bench, manifest: &Path, expected: &[&str]) {
    for collision in ["refuse", "rename", "overwrite", "skip"] {
        let bench = base.copy();
        let run = import(&bench, manifest, collision);
        let count = expected.len();
        assert_eq!(expect(&bench, &run, 0)["imported"], count, "{collision}");
        assert_eq!(names(&bench), expected);
        let ids: Vec<_> = expected.iter().map(|name| bench.listed(name).expect("a list")[0]["id"].clone()).collect();
        let before = bench.object_files();
        cut(&bench.path("journal"), &["done", "end"]);
        assert_eq!(expect(&bench, &run, 0)["identical"], count, "{collision}, before it is noted as done");
        for _ in 0..2 {
            cut(&bench.path("journal"), &["end"]);
            let document = expect(&bench, &run, 0);
            assert_eq!((&document["imported"], &document["failed"]), (&json!(0), &json!(0)), "{collision}: {document}");
        }
        assert_eq!(names(&bench), expected, "{collision}");
        assert_eq!(bench.object_files(), before, "{collision}: it was written again");
        for (name, id) in expected.iter().zip(ids) {
            assert_eq!(bench.listed(name).expect("a list")[0]["id"], id, "{collision}");
        }
    }
}

#[test]
fn a_key_that_shows_nothing_is_imported_once() {
    let pool = empty();
    let file = short_key(&pool, "h", 7);
    let entry = json!({ "file": file, "type": "raw", "algorithm": "HMAC", "name": "h" });
    let manifest = pool.write_manifest("manifest.jsonl", [entry].into_iter());
    let base = blank();
    is_found_again(&base, &manifest, &["h"]);
    // Its CKA_ID tells its size, as without a journal.
    expect(&base, &import(&base, &manifest, "refuse"), 0);
    let listed = base.listed("h").expect("a list");
    assert_eq!(listed[0]["bits"], 128);
    let prefix: String = b"HMAC128:".iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(listed[0]["id"].as_str().expect("an identifier").starts_with(&prefix), "{}", listed[0]);
}

#[test]
fn a_key_that_came_wrapped_and_shows_nothing_is_imported_once() {
    let (bench, pool) = (blank(), empty());
    let file = short_key(&pool, "h", 7);
    let file = file.to_str().expect("UTF-8");
    bench.must(&[
        "import",
        file,
        "--type",
        "raw",
        "--algorithm",
        "HMAC",
        "--name",
        "h",
        "--export-policy",
        "encrypted",
    ]);
    let wrapped = pool.path("h.kwp");
    let to = wrapped.to_str().expect("UTF-8");
    bench.must(&["export", "h", "--type", "raw", "--wrap-key", "kek", "--output", to]);
    bench.must(&["delete", "h", "--yes"]);
    let entry = json!({ "file": wrapped, "type": "raw", "name": "h", "algorithm": "HMAC", "unwrap_key": "kek" });
    let manifest = pool.write_manifest("manifest.jsonl", [entry].into_iter());
    is_found_again(&bench, &manifest, &["h"]);
}

#[test]
fn keys_of_one_file_that_show_nothing_are_imported_once() {
    let pool = empty();
    let key = |name: &str, value: &str| json!({ "kty": "oct", "alg": "HS256", "kid": name, "k": value });
    let set = json!({ "keys": [key("one", "AQEBAQEBAQEBAQEBAQEBAQ"), key("two", "AgICAgICAgICAgICAgICAg")] });
    fs::write(pool.path("keys.jwks"), set.to_string()).expect("a file");
    let entry = json!({ "file": pool.path("keys.jwks") });
    let manifest = pool.write_manifest("manifest.jsonl", [entry].into_iter());
    let base = blank();
    let run = import(&base, &manifest, "rename");
    assert_eq!(expect(&base, &run, 0)["imported"], 2);
    for before in [&["done", "end"][..], &["end"]] {
        cut(&base.path("journal"), before);
        assert_eq!(expect(&base, &run, 0)["imported"], 0);
        assert_eq!(names(&base), ["one", "two"]);
    }
}

/// The new key would have the CKA_ID of the one in the way, which then tells nothing.
#[test]
fn a_key_in_the_way_is_not_taken_for_the_one_that_was_begun() {
    let pool = empty();
    let (old, new) = (short_key(&pool, "old", 7), short_key(&pool, "new", 9));
    let base = blank();
    let old = old.to_str().expect("UTF-8");
    base.must(&["import", old, "--type", "raw", "--algorithm", "HMAC", "--name", "h", "--id", "0a0b"]);
    for (id, is_begun) in [("0a0b", false), ("0c0d", true)] {
        let entry = json!({ "file": new, "type": "raw", "algorithm": "HMAC", "name": "h", "id": id });
        let manifest = pool.write_manifest("manifest.jsonl", [entry].into_iter());
        // What a run leaves in its journal that is killed before it writes the key.
        let done = base.copy();
        assert_eq!(expect(&done, &import(&done, &manifest, "overwrite"), 0)["overwritten"], 1);
        cut(&done.path("journal"), &["done", "end"]);
        let text = fs::read_to_string(done.path("journal")).expect("a journal");
        assert_eq!(text.contains("{\"begin\""), is_begun, "{text}");
        let killed = base.copy();
        fs::copy(done.path("journal"), killed.path("journal")).expect("a journal");
        let document = expect(&killed, &import(&killed, &manifest, "overwrite"), 0);
        assert_eq!((&document["overwritten"], &document["identical"]), (&json!(1), &json!(0)), "{document}");
        assert_eq!(names(&killed), ["h"]);
    }
}

/// A migration knows it again as well: by what it noted before it wrote the key.
#[test]
fn a_key_that_shows_nothing_is_migrated_once() {
    let (base, pool) = (blank(), empty());
    let file = short_key(&pool, "h", 7);
    let entry = json!({ "file": file, "type": "raw", "algorithm": "HMAC", "name": "h", "export_policy": "encrypted" });
    expect(&base, &import_of(&pool.write_manifest("one.jsonl", [entry].into_iter()), &[]), 0);
    base.add_token("second");
    for collision in ["refuse", "rename", "overwrite", "skip"] {
        let bench = base.copy();
        let journal = bench.path("journal");
        let more =
            ["--name", "h", "--on-collision", collision, "--journal", journal.to_str().expect("UTF-8"), "--resume"];
        let run = [&["migrate", "--json", "--from", TOKEN, "--to", "second"], &more[..]].concat();
        assert_eq!(expect(&bench, &run, 0)["imported"], 1, "{collision}");
        let before = bench.object_files();
        for _ in 0..2 {
            cut(&journal, &["end"]);
            let document = expect(&bench, &run, 0);
            let counts = ["done_before", "imported", "skipped", "failed"].map(|member| document[member].clone());
            assert_eq!(counts, [1, 0, 0, 0].map(|count| json!(count)), "{collision}: {document}");
        }
        assert_eq!(bench.object_files(), before, "{collision}: it was written again");
    }
}
