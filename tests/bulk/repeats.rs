//! What a run does a second time, without a journal; what becomes of names that are taken, and of entries that fail.

use std::collections::BTreeSet;
use std::fs;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use crate::bench::{Bench, vector};
use crate::pool::{Mix, Pool, blank, expect, import_of};

/// `list`, by name: fingerprint, policy, usage and CKA_ID.
fn shown(bench: &Bench, name: &str) -> Value {
    let list = bench.list().expect("a list");
    let found = list["keys"].as_array().expect("keys").iter().find(|key| key["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("no `{name}` in {list}"))
}

fn names(bench: &Bench) -> BTreeSet<String> {
    let list = bench.list().expect("a list");
    let keys = list["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["name"].as_str().unwrap_or_default().to_owned()).filter(|name| name != "kek").collect()
}

#[test]
fn the_same_run_twice_makes_nothing_twice() {
    let (bench, pool) = (blank(), Pool::six());
    assert_eq!(expect(&bench, &pool.import(&[]), 0)["imported"], 6);
    let files = bench.object_files();
    for more in
        [&[][..], &["--no-verify"], &["--jobs", "3"], &["--on-collision", "overwrite"], &["--on-collision", "rename"]]
    {
        let document = expect(&bench, &pool.import(more), 0);
        assert_eq!((&document["identical"], &document["imported"]), (&json!(6), &json!(0)), "{more:?}: {document}");
        assert_eq!(bench.object_files(), files, "{more:?}");
    }
    pool.is_whole(&bench).expect("the keys");
    pool.is_proven(&bench).expect("the keys");
}

/// Six keys under the names of six others, of which two are on the token.
fn taken() -> (Bench, Pool, Pool, [String; 2]) {
    let (bench, old, new) = (blank(), Pool::six(), Pool::six());
    let two = [0, 4].map(|at: usize| old.entries().nth(at).expect("an entry"));
    let held = two.clone().map(|entry| entry["name"].as_str().expect("a name").to_owned());
    expect(&bench, &import_of(&old.write_manifest("two.jsonl", two.into_iter()), &[]), 0);
    (bench, old, new, held)
}

fn bytes_of(bench: &Bench, pool: &Pool, names: &[String]) -> Result<(), String> {
    pool.keys.iter().filter(|key| names.contains(&key.name)).try_for_each(|key| pool.is_key(bench, key, &key.name))
}

#[test]
fn a_name_that_is_taken_is_refused_skipped_given_a_number_or_taken_over() {
    for (policy, code, outcome) in
        [("refuse", 5, "failed"), ("skip", 0, "skipped"), ("rename", 0, "renamed"), ("overwrite", 0, "overwritten")]
    {
        let (bench, old, new, held) = taken();
        let import = new.import(&["--on-collision", policy]);
        let plan = expect(&bench, &new.import(&["--on-collision", policy, "--dry-run"]), code);
        let planned = plan["plan"].as_array().expect("a plan").iter().filter(|key| key["outcome"] == outcome).count();
        assert_eq!(planned, 2, "{policy}: {plan}");
        let document = expect(&bench, &import, code);
        assert_eq!((&document[outcome], &document["imported"]), (&json!(2), &json!(4)), "{policy}: {document}");
        if policy == "refuse" {
            for failure in document["failures"].as_array().expect("failures") {
                assert_eq!(failure["status"], "NTE_EXISTS", "{failure}");
                assert!(failure["hint"].as_str().unwrap_or_default().contains("--on-collision"), "{failure}");
            }
        }
        let winner = if policy == "overwrite" { &new } else { &old };
        bytes_of(&bench, winner, &held).unwrap_or_else(|problem| panic!("{policy}: {problem}"));
        let others: Vec<_> = new.keys.iter().map(|key| key.name.clone()).filter(|name| !held.contains(name)).collect();
        bytes_of(&bench, &new, &others).unwrap_or_else(|problem| panic!("{policy}: {problem}"));
        let mut expected: BTreeSet<_> = new.keys.iter().map(|key| key.name.clone()).collect();
        if policy == "rename" {
            for name in &held {
                let key = new.keys.iter().find(|key| key.name == *name).expect("a key");
                new.is_key(&bench, key, &format!("{name}-2")).expect("the renamed key");
                expected.insert(format!("{name}-2"));
            }
        }
        assert_eq!(names(&bench), expected, "{policy}");
        let list = bench.list().expect("a list");
        assert_eq!((&list["unfinished"], &list["torn"]), (&json!([]), &json!([])), "{policy}");
        // Once more: nothing is made.
        let files = bench.object_files();
        expect(&bench, &import, code);
        assert_eq!(bench.object_files(), files, "{policy}");
    }
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_the_run_then_does() {
    let (bench, pool) = (blank(), Pool::six());
    let entries: Vec<_> = pool.entries().chain([json!({ "file": "nowhere.der", "name": "nobody" })]).collect();
    let manifest = pool.write_manifest("with-missing.jsonl", entries.into_iter());
    let files = bench.object_files();
    let report = bench.path("report");
    let plan = expect(&bench, &import_of(&manifest, &["--dry-run"]), 5);
    assert_eq!(bench.object_files(), files, "something was written");
    let run = import_of(&manifest, &["--report", report.to_str().expect("UTF-8")]);
    expect(&bench, &run, 5);
    let told = |value: &Value| {
        let members = ["entry", "source", "outcome", "name", "algorithm", "status", "message"];
        members.map(|member| value[member].clone()).map(|value| value.to_string()).join(" ")
    };
    let planned: BTreeSet<_> = plan["plan"].as_array().expect("a plan").iter().map(told).collect();
    let text = fs::read_to_string(&report).expect("a report");
    let done: BTreeSet<_> = text.lines().map(|line| told(&serde_json::from_str(line).expect("JSON"))).collect();
    assert_eq!(planned, done);
}

#[test]
fn entries_that_are_missing_or_broken_fail_and_the_rest_is_done() {
    let (bench, pool) = (blank(), Pool::six());
    fs::write(pool.path("broken.der"), "no key at all").expect("a file");
    let bad = [("nowhere.der", "missing"), ("broken.der", "broken")]
        .map(|(file, name)| json!({ "file": file, "name": name }));
    let entries: Vec<_> = bad.into_iter().chain(pool.entries()).collect();
    let document = expect(&bench, &import_of(&pool.write_manifest("bad.jsonl", entries.into_iter()), &[]), 5);
    assert_eq!((&document["imported"], &document["failed"]), (&json!(6), &json!(2)), "{document}");
    for failure in document["failures"].as_array().expect("failures") {
        for member in ["entry", "source", "status", "status_code", "message", "hint"] {
            assert!(!failure[member].is_null(), "no `{member}`: {failure}");
        }
    }
    pool.is_whole(&bench).expect("the rest");
}

#[test]
fn without_proofs_the_same_keys_are_there_and_the_report_says_that_they_were_read_back_alone() {
    let (bench, pool) = (blank(), Pool::six());
    let report = bench.path("report");
    let document = expect(&bench, &pool.import(&["--no-verify", "--report", report.to_str().expect("UTF-8")]), 0);
    assert_eq!(document["proof_seconds"], 0.0, "{document}");
    for line in fs::read_to_string(&report).expect("a report").lines() {
        let key: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(key["verified"], "attributes", "{key}");
    }
    pool.is_whole(&bench).expect("the keys");
    pool.is_proven(&bench).expect("the keys");
}

#[test]
fn a_pfx_of_several_keys_is_several_keys() {
    let (bench, pool) = (blank(), Pool::six());
    let password = pool.path("password");
    fs::write(&password, "correct horse").expect("a file");
    let pfx = vector("pfx/java-two-keys.p12");
    let source = format!("file:{}", password.to_str().expect("UTF-8"));
    let entry = json!({ "file": pfx.to_str().expect("UTF-8"), "password_source": source });
    let import = import_of(&pool.write_manifest("pfx.jsonl", [entry].into_iter()), &[]);
    let document = expect(&bench, &import, 0);
    assert_eq!(document["imported"], 2, "{document}");
    assert_eq!(names(&bench).len(), 2);
    let files = bench.object_files();
    assert_eq!(expect(&bench, &import, 0)["identical"], 2);
    assert_eq!(bench.object_files(), files);
}

#[test]
fn what_leaves_wrapped_comes_onto_another_token_as_the_same_keys() {
    let (from, to, pool) = (blank(), blank(), Pool::six());
    let entries: Vec<_> = pool
        .entries()
        .enumerate()
        .map(|(number, mut entry)| {
            entry["export_policy"] = json!("encrypted");
            entry["id"] = json!(format!("4711{number:02x}"));
            entry
        })
        .collect();
    expect(&from, &import_of(&pool.write_manifest("movable.jsonl", entries.into_iter()), &[]), 0);
    for (folder, kind) in [("pairs", "PKCS8_PRIVATEKEY"), ("secrets", "raw")] {
        let folder = from.path(folder);
        let mut export: Vec<&str> =
            vec!["bulk", "export", folder.to_str().expect("UTF-8"), "--type", kind, "--wrap-key", "kek", "--json"];
        if kind == "raw" {
            export.extend(["--name", "secret-*"]);
        }
        // A PKCS#8 holds no secret key: those fail, and are not in the manifest.
        expect(&from, &export, if kind == "raw" { 0 } else { 5 });
        expect(&to, &import_of(&folder, &[]), 0);
    }
    pool.is_whole(&to).expect("the other token");
    for key in &pool.keys {
        // Of a secret key that was unwrapped SoftHSM2 does not tell the length, and so a generic one does not leave again: that it is the same one shows in the second run, by its codes.
        if !key.name.contains("hmac") {
            pool.is_key(&to, key, &key.name).expect("the other token");
        }
        let (mut here, mut there) = (shown(&from, &key.name), shown(&to, &key.name));
        for both in [&mut here, &mut there] {
            let both = both.as_object_mut().expect("a key");
            both.remove("unique_name");
            both.remove("bits").filter(|_| key.public.is_some()).map(|bits| both.insert("bits".to_owned(), bits));
        }
        assert_eq!(here, there);
    }
    // Once more: all are there.
    let files = to.object_files();
    for folder in ["pairs", "secrets"] {
        let document = expect(&to, &import_of(&from.path(folder), &[]), 0);
        assert_eq!(document["imported"], 0, "{document}");
    }
    assert_eq!(to.object_files(), files);
}

/// Neither usage nor algorithm is said: both follow from what is inside.
#[test]
fn pairs_that_came_wrapped_are_the_same_the_second_time() {
    let (bench, pool) = (blank(), Pool::new(Mix { rsa: 1, p256: 1, ..Mix::default() }));
    expect(&bench, &pool.import(&["--export-policy", "encrypted"]), 0);
    let entries = pool.keys.iter().map(|key| {
        let file = bench.path(&key.name);
        let file = file.to_str().expect("UTF-8");
        bench.must(&["export", &key.name, "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "--output", file]);
        bench.must(&["delete", &key.name, "--yes"]);
        json!({ "file": file, "type": "PKCS8_PRIVATEKEY", "name": key.name, "unwrap_key": "kek" })
    });
    let manifest = pool.write_manifest("wrapped.jsonl", entries);
    for outcome in ["imported", "identical", "identical"] {
        let document = expect(&bench, &import_of(&manifest, &["--on-collision", "rename"]), 0);
        assert_eq!(document[outcome], 2, "{document}");
    }
    pool.is_proven(&bench).expect("the keys");
}

/// Files bring names of their own that other entries have: none takes another's place, and the plan says so before.
#[test]
fn a_key_of_a_run_does_not_take_the_place_of_another_one_of_it() {
    let pool = Pool::new(Mix { p256: 1, ..Mix::default() });
    let brings = |file: &str, byte: u8| {
        let bytes = Base64UrlUnpadded::encode_string(&[byte; 32]);
        let key = json!({ "kty": "oct", "alg": "A256KW", "kid": "web", "k": bytes });
        fs::write(pool.path(file), key.to_string()).expect("a file");
        json!({ "file": pool.path(file) })
    };
    let entries = [
        brings("first.jwk", 1),
        json!({ "file": pool.keys[0].file, "name": "web" }),
        brings("other.jwk", 2),
        brings("first-again.jwk", 1),
    ];
    let manifest = pool.write_manifest("four.jsonl", entries.into_iter());
    let told = |value: &Value| ["entry", "outcome", "name", "status"].map(|member| value[member].clone());
    let planned_and_done = |bench: &Bench, collision: &str, code: i32| {
        let report = bench.path("report");
        let more = ["--on-collision", collision];
        let files = bench.object_files();
        let plan = expect(bench, &import_of(&manifest, &[&more[..], &["--dry-run"]].concat()), code);
        assert_eq!(bench.object_files(), files, "{collision}: something was written");
        let planned: Vec<_> = plan["plan"].as_array().expect("a plan").iter().map(told).collect();
        let more = [&more[..], &["--jobs", "1", "--report", report.to_str().expect("UTF-8")]].concat();
        let document = expect(bench, &import_of(&manifest, &more), code);
        let text = fs::read_to_string(&report).expect("a report");
        let done: Vec<_> = text.lines().map(|line| told(&serde_json::from_str(line).expect("JSON"))).collect();
        assert_eq!(planned, done, "{collision}");
        document
    };
    for (collision, outcome) in
        [("overwrite", "failed"), ("refuse", "failed"), ("rename", "renamed"), ("skip", "skipped")]
    {
        let bench = blank();
        let document = planned_and_done(&bench, collision, if outcome == "failed" { 5 } else { 0 });
        let counts = ["imported", outcome, "identical"].map(|member| document[member].clone());
        assert_eq!(counts, [1, 2, 1].map(|count| json!(count)), "{collision}: {document}");
        assert_eq!(shown(&bench, "web")["algorithm"], "AES", "{collision}");
    }
    // What was there before the run is another matter.
    for (collision, code, first) in
        [("overwrite", 5, "overwritten"), ("rename", 0, "renamed"), ("skip", 0, "skipped"), ("refuse", 5, "failed")]
    {
        let bench = blank();
        bench.must(&["generate", "web", "--algorithm", "AES"]);
        let document = planned_and_done(&bench, collision, code);
        let expected = match first {
            "overwritten" => [("overwritten", 1), ("failed", 2), ("identical", 1)],
            "renamed" => [("renamed", 3), ("failed", 0), ("identical", 1)],
            first => [(first, 4), ("imported", 0), ("identical", 0)],
        };
        for (member, count) in expected {
            assert_eq!(document[member], count, "{collision}, {member}: {document}");
        }
    }
}

/// What an earlier run has put there is a key of this run, too.
#[test]
fn a_run_that_goes_on_does_not_put_a_key_in_the_place_of_one_that_is_done() {
    let pool = Pool::new(Mix { p256: 1, ..Mix::default() });
    let bytes = Base64UrlUnpadded::encode_string(&[1; 32]);
    let key = json!({ "kty": "oct", "alg": "A256KW", "kid": "web", "k": bytes });
    fs::write(pool.path("first.jwk"), key.to_string()).expect("a file");
    // The entry that comes first has no file at first: the other one's key gets the name.
    let late = pool.path("late.der");
    let entries = [json!({ "file": late, "name": "web" }), json!({ "file": pool.path("first.jwk") })];
    let manifest = pool.write_manifest("two.jsonl", entries.into_iter());
    let bench = blank();
    let journal = bench.path("journal");
    let more = ["--journal", journal.to_str().expect("UTF-8"), "--resume", "--on-collision", "overwrite", "--jobs"];
    for (jobs, imported) in [("1", 1), ("1", 0), ("2", 0)] {
        let document = expect(&bench, &import_of(&manifest, &[&more[..], &[jobs]].concat()), 5);
        assert_eq!((&document["imported"], &document["failed"]), (&json!(imported), &json!(1)), "{document}");
        assert_eq!(shown(&bench, "web")["algorithm"], "AES", "{document}");
        fs::copy(&pool.keys[0].file, &late).expect("a file");
    }
}
