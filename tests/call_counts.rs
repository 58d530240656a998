//! Calls decide what a job costs on a token behind a network: how many PKCS#11 calls each job makes, counted by name with OpenSC's `pkcs11-spy.so`
//! between `cng11` and SoftHSM2, and the most it may make.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of a test fail as the test does"
)]

#[path = "kill/bench.rs"]
mod bench;
#[path = "bulk/pool.rs"]
mod pool;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;

use bench::{AES, Bench, EC, KeyFile, NAME, RSA, softhsm, spy};

/// The calls of one run, in their order, parted at the login.
struct Calls {
    start: Vec<String>,
    work: Vec<String>,
}

impl Calls {
    fn of<S: AsRef<OsStr>>(bench: &Bench, arguments: &[S]) -> Self {
        let log = bench.path("spy");
        let _ = fs::remove_file(&log);
        let mut command = bench.command(spy(), arguments);
        let output = command.env("PKCS11SPY", softhsm()).env("PKCS11SPY_OUTPUT", &log).output().expect("cng11");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = fs::read(&log).expect("the spy's log");
        let mut start: Vec<String> = String::from_utf8_lossy(&text).lines().filter_map(call).collect();
        let login = start.iter().position(|name| name == "C_Login").expect("a login");
        let mut work = start.split_off(login + 1);
        // The end of the process takes the session along; closing it before is manners.
        work.retain(|name| name != "C_CloseSession" && name != "C_Finalize");
        Self { start, work }
    }

    fn count(&self, names: &[&str]) -> usize {
        self.work.iter().filter(|name| names.contains(&name.as_str())).count()
    }

    fn searches(&self) -> usize {
        self.count(&["C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal"])
    }

    fn writes(&self) -> usize {
        self.count(&["C_CreateObject", "C_CopyObject", "C_DestroyObject", "C_SetAttributeValue"])
    }

    fn reads(&self) -> usize {
        self.count(&["C_GetAttributeValue"])
    }

    /// Neither search, nor write, nor read: signatures, wraps and whatever else.
    fn others(&self) -> Vec<&str> {
        let known = self.work.iter().map(String::as_str);
        known
            .filter(|name| {
                !["C_Find", "C_Create", "C_Copy", "C_Destroy", "C_SetA", "C_GetA"]
                    .iter()
                    .any(|kind| name.starts_with(kind))
            })
            .collect()
    }

    /// What to print when a budget is exceeded.
    fn table(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in &self.work {
            *counts.entry(name).or_default() += 1;
        }
        format!(
            "start {}: {:?}; then {}: {counts:?}, in this order: {:?}",
            self.start.len(),
            self.start,
            self.work.len(),
            self.work
        )
    }
}

/// `12: C_OpenSession` and the time on the line: the name. Lines of arguments do not begin with a number.
fn call(line: &str) -> Option<String> {
    let (number, name) = line.split_once(": ")?;
    let name = name.split_whitespace().next()?;
    (number.parse::<u32>().is_ok() && name.starts_with("C_")).then(|| name.to_owned())
}

fn bench_with(key: &KeyFile, more: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.furnish_kek();
    bench.must(&key.import(more));
    bench
}

#[test]
fn a_run_starts_with_at_most_twelve_calls_up_to_the_login() {
    let bench = Bench::new();
    let calls = Calls::of(&bench, &["list"]);
    assert!(calls.start.len() <= 12, "{}", calls.table());
}

#[test]
fn a_fresh_key_pair_is_imported_in_at_most_three_searching_six_writing_two_reading_and_four_proving_calls() {
    for key in [&RSA, &EC] {
        let bench = Bench::new();
        let calls = Calls::of(&bench, &key.import(&[]));
        let table = calls.table();
        assert!(calls.start.len() <= 12, "start, {}: {table}", key.file);
        assert!(calls.searches() <= 3, "search, {}: {table}", key.file);
        assert!(calls.writes() <= 6, "write, {}: {table}", key.file);
        assert!(calls.reads() <= 2, "read back, {}: {table}", key.file);
        assert_eq!(calls.others(), ["C_SignInit", "C_Sign"], "proof, {}: {table}", key.file);
    }
}

#[test]
fn a_fresh_secret_key_is_imported_in_at_most_three_searching_three_writing_one_reading_and_two_proving_calls() {
    let bench = Bench::new();
    let calls = Calls::of(&bench, &AES.import(&[]));
    let table = calls.table();
    assert!(calls.searches() <= 3, "search: {table}");
    assert!(calls.writes() <= 3, "write: {table}");
    assert!(calls.reads() <= 1, "read back: {table}");
    assert_eq!(calls.others(), ["C_EncryptInit", "C_Encrypt"], "proof: {table}");
}

#[test]
fn a_key_is_opened_by_name_with_three_calls_and_one_for_each_object_found() {
    for (key, objects, public) in [(&RSA, 2, "RSAPUBLICBLOB"), (&EC, 2, "ECCPUBLICBLOB")] {
        let bench = bench_with(key, &[]);
        let calls = Calls::of(&bench, &["export", NAME, "--type", public, "-o", "-"]);
        // The public half came with the reading: the export may ask once more and need not.
        assert!(calls.searches() <= 3, "{}", calls.table());
        assert!(calls.work.len() <= 3 + objects + 1, "{}", calls.table());
        assert!(calls.reads() <= objects + 1, "{}", calls.table());
    }
}

#[test]
fn a_missing_key_is_missed_with_three_calls() {
    let bench = Bench::new();
    let log = bench.path("spy");
    let mut command = bench.command(spy(), &["show", "nobody"]);
    let output = command.env("PKCS11SPY", softhsm()).env("PKCS11SPY_OUTPUT", &log).output().expect("cng11");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&fs::read(&log).expect("the spy's log")).into_owned();
    let names: Vec<_> = text.lines().filter_map(call).collect();
    let login = names.iter().position(|name| name == "C_Login").expect("a login");
    assert_eq!(names[login + 1..], ["C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_CloseSession"]);
}

#[test]
fn a_list_costs_three_calls_one_for_each_thousand_objects_and_one_for_each_object() {
    let bench = Bench::new();
    let mut there = 0;
    for n in [0_usize, 2, 20, 999, 1000, 1001] {
        match n {
            // Two objects for each key.
            ..100 => (there / 2..n / 2).for_each(|key| {
                bench.must(&named(&EC, &format!("key {key}")));
            }),
            // A copy of an object's file is one more object to SoftHSM2.
            _ => {
                let files = bench.object_files();
                for copy in there..n {
                    let name = format!("00000000-0000-0000-0000-{copy:012}.object");
                    fs::copy(&files[0], bench.token_folder().join(name)).expect("a copy of an object");
                }
            }
        }
        there = n;
        let calls = Calls::of(&bench, &["list"]);
        let budget = 3 + n.div_ceil(1000) + n;
        assert_eq!(calls.reads(), n, "{n} objects: {}", calls.table());
        assert!(calls.work.len() <= budget, "{n} objects, at most {budget} calls: {}", calls.table());
    }
}

#[test]
fn a_list_signs_nothing_for_a_private_key_without_its_public_object() {
    let bench = Bench::new();
    let pkcs8 = bench::vector("ec-nistP256.PKCS8_PRIVATEKEY.bin");
    let pkcs8 = pkcs8.to_str().expect("a UTF-8 path");
    bench.pkcs11_tool(&["--write-object", pkcs8, "--type", "privkey", "--label", "lone", "--id", "01"]);
    let calls = Calls::of(&bench, &["list", "--json"]);
    assert_eq!(calls.work.len(), 4, "{}", calls.table());
}

/// An import under another name than the usual one.
fn named(key: &KeyFile, name: &str) -> Vec<String> {
    key.import(&[]).into_iter().map(|argument| if argument == NAME { name.to_owned() } else { argument }).collect()
}

#[test]
fn a_key_leaves_wrapped_by_one_call() {
    for (key, kind, objects) in
        [(&RSA, "PKCS8_PRIVATEKEY", 2), (&EC, "PKCS8_PRIVATEKEY", 2), (&AES, "Rfc3565KeyWrapBlob", 1)]
    {
        let policy: &[&str] = if key.is_pair() { &["--export-policy", "encrypted"] } else { &[] };
        let bench = bench_with(key, policy);
        let calls = Calls::of(&bench, &["export", NAME, "--type", kind, "--wrap-key", "kek", "-o", "-"]);
        assert_eq!(calls.others(), ["C_WrapKey"], "{}", calls.table());
        // Beside it, nothing but finding the key and the one object of the wrapping key.
        assert_eq!(calls.writes(), 0, "{}", calls.table());
        assert!(calls.searches() <= 6 && calls.reads() <= objects + 1, "{}", calls.table());
        assert_eq!(calls.work.last().map(String::as_str), Some("C_WrapKey"), "{}", calls.table());
    }
}

#[test]
fn a_key_leaves_by_each_scheme_under_an_aes_key_by_one_call() {
    for scheme in ["kw", "kwp"] {
        for (key, kind, objects) in [(&RSA, "PKCS8_PRIVATEKEY", 2), (&EC, "PKCS8_PRIVATEKEY", 2), (&AES, "raw", 1)] {
            let policy: &[&str] = if key.is_pair() { &["--export-policy", "encrypted"] } else { &[] };
            let bench = bench_with(key, policy);
            let export = ["export", NAME, "--type", kind, "--wrap-key", "kek", "--scheme", scheme, "-o", "-"];
            let calls = Calls::of(&bench, &export);
            let finding = |objects| {
                let reads = vec!["C_GetAttributeValue"; objects];
                [vec!["C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal"], reads].concat()
            };
            let expected = [finding(objects), finding(1), vec!["C_WrapKey"]].concat();
            assert_eq!(calls.work, expected, "{scheme}: {}", calls.table());
        }
    }
}

#[test]
fn rsa_oaep_is_one_call_and_rsa_aes_on_this_token_generates_wraps_twice_and_destroys() {
    let bench = bench_with(&EC, &["--export-policy", "encrypted"]);
    bench.must(
        &AES.import(&[]).into_iter().map(|word| if word == NAME { "aes".to_owned() } else { word }).collect::<Vec<_>>(),
    );
    let rsa_kek = bench::vector("more/rsa2048.PKCS8_PRIVATEKEY.bin");
    let rsa_kek = rsa_kek.to_str().expect("a UTF-8 path");
    bench.must(&["import", rsa_kek, "--name", "rsa kek", "--usage", "wrap"]);
    let public = bench::vector("more/rsa2048.spki.bin");
    let public = public.to_str().expect("a UTF-8 path");

    let calls = Calls::of(&bench, &["export", "aes", "--type", "raw", "--wrap-key", "rsa kek", "-o", "-"]);
    assert_eq!((calls.others(), calls.writes()), (vec!["C_WrapKey"], 0), "{}", calls.table());

    // The mechanism CKM_RSA_AES_KEY_WRAP is asked for first; an AES key is made, leaves by RSA-OAEP, wraps the key, and goes.
    let both = ["C_GenerateKey", "C_WrapKey", "C_WrapKey", "C_DestroyObject"];
    for (kind, asked) in [
        ("PKCS8_PRIVATEKEY", &["C_GetMechanismList", "C_GetMechanismList"][..]),
        ("PKCS11RsaAesWrapBlob", &["C_GetMechanismList", "C_GetMechanismList"]),
        ("PKCS7_ENVELOPE", &["C_GetMechanismInfo"]),
    ] {
        let calls = Calls::of(&bench, &["export", NAME, "--type", kind, "--wrap-key", "rsa kek", "-o", "-"]);
        // The key that leaves and the one that wraps are two objects each.
        assert_eq!((calls.searches(), calls.reads()), (6, 4), "{kind}: {}", calls.table());
        assert_eq!(calls.work[10..], [asked, &both].concat(), "{kind}: {}", calls.table());
    }
    // A public key out of a file is an object as long as that takes.
    let calls = Calls::of(&bench, &["export", NAME, "--type", "PKCS8_PRIVATEKEY", "--wrap-to", public, "-o", "-"]);
    let list = ["C_GetMechanismList", "C_GetMechanismList"];
    let expected = [&["C_CreateObject"], &list[..], &both, &["C_DestroyObject"]].concat();
    assert_eq!((calls.searches(), calls.reads()), (3, 2), "{}", calls.table());
    assert_eq!(calls.work[5..], expected, "{}", calls.table());
}

#[test]
fn a_signature_is_two_calls_on_the_opened_key() {
    for key in [&RSA, &EC] {
        let bench = bench_with(key, &[]);
        let (message, signature) = (bench.path("message"), bench.path("signature"));
        let arguments =
            [OsStr::new("sign"), OsStr::new(NAME), message.as_os_str(), OsStr::new("-o"), signature.as_os_str()];
        let calls = Calls::of(&bench, &arguments);
        assert_eq!(calls.work.len(), 3 + 2 + 2, "{}", calls.table());
        assert!(calls.work.ends_with(&["C_SignInit".to_owned(), "C_Sign".to_owned()]), "{}", calls.table());
    }
}

#[test]
fn a_verification_needs_no_call_beyond_opening_the_key() {
    for key in [&RSA, &EC] {
        let bench = bench_with(key, &[]);
        let (message, signature) = (bench.path("message"), bench.path("signature"));
        let arguments =
            [OsStr::new("sign"), OsStr::new(NAME), message.as_os_str(), OsStr::new("-o"), signature.as_os_str()];
        bench.must(&arguments);
        let arguments = [OsStr::new("verify"), OsStr::new(NAME), message.as_os_str(), signature.as_os_str()];
        let calls = Calls::of(&bench, &arguments);
        assert_eq!(calls.work.len(), 3 + 2, "{}", calls.table());
    }
}

/// The calls of a bulk import behind the login, for so many keys of each of the three kinds, on a token with so many other objects.
fn bulk(keys: usize, others: usize, more: &[&str]) -> Calls {
    let bench = pool::blank();
    let files = bench.object_files();
    for copy in 0..others {
        let name = format!("00000000-0000-0000-0000-{copy:012}.object");
        fs::copy(&files[0], bench.token_folder().join(name)).expect("a copy of an object");
    }
    let pool = pool::Pool::new(pool::Mix { rsa: keys, p256: keys, aes: keys, ..pool::Mix::default() });
    Calls::of(&bench, &pool.import(&[&["--jobs", "1"], more].concat()))
}

#[test]
fn further_keys_of_a_bulk_import_cost_at_most_eight_calls_each_and_twelve_with_the_proof_however_full_the_token() {
    for (more, most) in [(&["--no-verify"][..], 8), (&[], 12)] {
        let (few, many) = (bulk(1, 0, more), bulk(10, 0, more));
        let further = many.work.len() - few.work.len();
        assert!(further <= 27 * most, "{more:?}: {further} calls for 27 keys: {}", many.table());
        // One listing, and one search for what a run that was killed may have left, whatever comes.
        assert_eq!(many.count(&["C_FindObjectsInit"]), 2, "{more:?}: {}", many.table());
        let full = bulk(1, 2000, more);
        let fuller = bulk(10, 2000, more);
        assert_eq!(fuller.work.len() - full.work.len(), further, "{more:?}: 2000 objects cost more for each key");
        println!("{more:?}: {:.1} calls for each further key", f64::from(u32::try_from(further).unwrap_or(0)) / 27.0);
    }
}
