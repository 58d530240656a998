//! All or nothing: what is on a token when `cng11` is killed before any one of its PKCS#11 calls, or is told that a call failed.
//!
//! Every test makes a token, runs a command once for each PKCS#11 call it consists of, each time on a fresh copy of the token and killed one call
//! later, and looks at what is left with the plain module and with other programs.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of a test fail as the test does"
)]

#[path = "kill/bench.rs"]
mod bench;

use serde_json::{Value, json};

use bench::{
    AES, Bench, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_GENERAL_ERROR, CKR_TEMPLATE_INCONSISTENT, EC, Fault, Finding,
    KeyFile, NAME, OTHER_AES, OTHER_EC, OTHER_RSA, RSA, WRAPPED_AES, WRAPPED_EC, WRAPPED_RSA, ensure, sweep,
    sweep_kills,
};

fn furnished() -> Bench {
    let base = Bench::new();
    base.furnish();
    base
}

/// At most one key of the name is there, and if it shows, it works.
fn shows_only_a_whole_key(bench: &Bench, key: &KeyFile) -> Finding {
    match bench.listed(NAME)?.len() {
        0 => Ok(()),
        1 => bench.proves(NAME, key.proof),
        several => Err(format!("{several} keys named `{NAME}`")),
    }
}

/// An import into a name that is free, cut short everywhere, then the same file or another one under that name.
fn fresh_import(key: &KeyFile, next: &KeyFile) {
    let base = furnished();
    let what = format!("import of {}, then of {}", key.file, next.file);
    sweep_kills(&what, &base, &key.import(&[]), |bench| {
        shows_only_a_whole_key(bench, key)?;
        let again = bench.cng11(&next.import(&[]));
        if again.succeeded() {
            bench.proves(NAME, next.proof)?;
        } else {
            ensure(again.stderr().contains("NTE_EXISTS"), || format!("the next import: {}", again.stderr()))?;
            bench.proves(NAME, key.proof)?;
        }
        bench.settled(NAME, key.is_pair())
    });
}

#[test]
fn a_killed_import_of_an_rsa_key_can_be_repeated() {
    fresh_import(&RSA, &RSA);
}

#[test]
fn a_killed_import_of_an_rsa_key_leaves_room_for_another_key() {
    fresh_import(&RSA, &OTHER_RSA);
}

#[test]
fn a_killed_import_of_a_p256_key_can_be_repeated() {
    fresh_import(&EC, &EC);
}

#[test]
fn a_killed_import_of_a_p256_key_leaves_room_for_another_key() {
    fresh_import(&EC, &OTHER_EC);
}

#[test]
fn a_killed_import_of_an_aes_key_can_be_repeated() {
    fresh_import(&AES, &AES);
}

#[test]
fn a_killed_import_of_an_aes_key_leaves_room_for_another_key() {
    fresh_import(&AES, &OTHER_AES);
}

#[test]
fn a_killed_import_of_a_wrapped_rsa_key_can_be_repeated() {
    fresh_import(&WRAPPED_RSA, &WRAPPED_RSA);
}

#[test]
fn a_killed_import_of_a_wrapped_p256_key_can_be_repeated() {
    fresh_import(&WRAPPED_EC, &WRAPPED_EC);
}

#[test]
fn a_killed_import_of_a_wrapped_aes_key_can_be_repeated() {
    fresh_import(&WRAPPED_AES, &WRAPPED_AES);
}

/// An import over an old key, cut short everywhere: the name always stands for one of the two, from some call on for the new one, and whatever
/// comes next finds a key that it can work with.
fn overwrite(old: &KeyFile, new: &KeyFile, more: &[&str], policy: &str) {
    let base = furnished();
    base.must(&old.import(&[]));
    let import = new.import(&[&["--overwrite"], more].concat());
    let replaced = std::cell::Cell::new(false);
    sweep_kills(&format!("import of {} over {}", new.file, old.file), &base, &import, |bench| {
        let shown = bench.listed(NAME)?;
        ensure(shown.len() == 1, || format!("{} keys named `{NAME}` are listed", shown.len()))?;
        // The policy tells two imports of one key apart.
        let is_new =
            bench.holder(NAME, &[old, new])?.file == new.file && shown[0]["export_policy"] == policy_json(policy);
        ensure(is_new || !replaced.get(), || "the old key is back".to_owned())?;
        replaced.set(is_new);
        without_overwriting(bench, old, new)?;
        let again = bench.cng11(&import);
        ensure(again.succeeded(), || format!("the import cannot be repeated: {}", again.stderr()))?;
        bench.proves(NAME, new.proof)?;
        let shown = bench.listed(NAME)?;
        ensure(shown[0]["export_policy"] == policy_json(policy), || format!("it is not the new one: {shown:?}"))?;
        bench.settled(NAME, new.is_pair())
    });
}

/// What else may come after a killed replacement: an import that may not overwrite, and a removal.
fn without_overwriting(bench: &Bench, old: &KeyFile, new: &KeyFile) -> Finding {
    let timid = bench.copy();
    let import = timid.cng11(&new.import(&[]));
    // The very import that was cut short may be completed without being told to overwrite.
    ensure(import.succeeded() || import.stderr().contains("NTE_EXISTS"), || format!("an import: {}", import.stderr()))?;
    timid.holder(NAME, &[old, new])?;
    timid.settled(NAME, new.is_pair())?;
    let rid = bench.copy();
    let delete = rid.cng11(&["delete", NAME, "--yes"]);
    ensure(delete.succeeded(), || format!("delete: {}", delete.stderr()))?;
    gone(&rid)
}

/// Nothing of the name is left, nor anything half done, and the strangers are.
fn gone(bench: &Bench) -> Finding {
    let list = bench.list()?;
    for leftovers in ["unfinished", "torn"] {
        ensure(list[leftovers] == Value::Array(Vec::new()), || format!("{leftovers}: {}", list[leftovers]))?;
    }
    let objects = bench.objects_of(NAME);
    ensure(objects.is_empty(), || format!("left: {objects:?}"))?;
    bench.strangers_are_there()
}

fn policy_json(policy: &str) -> Value {
    match policy {
        "none" => json!([]),
        "encrypted" => json!(["encrypted"]),
        other => panic!("{other} is not used here"),
    }
}

#[test]
fn a_killed_replacement_of_an_rsa_key_leaves_the_old_key_or_the_new_one() {
    overwrite(&OTHER_RSA, &RSA, &[], "none");
}

#[test]
fn a_killed_replacement_of_a_p256_key_leaves_the_old_key_or_the_new_one() {
    overwrite(&OTHER_EC, &EC, &[], "none");
}

#[test]
fn a_killed_replacement_of_an_aes_key_leaves_the_old_key_or_the_new_one() {
    overwrite(&OTHER_AES, &AES, &[], "encrypted");
}

#[test]
fn a_killed_replacement_by_a_wrapped_key_leaves_the_old_key_or_the_new_one() {
    overwrite(&OTHER_RSA, &WRAPPED_RSA, &[], "none");
}

#[test]
fn a_killed_replacement_of_an_rsa_key_by_itself_under_another_policy_leaves_it_whole() {
    overwrite(&RSA, &RSA, &["--export-policy", "encrypted"], "encrypted");
}

#[test]
fn a_killed_replacement_of_a_p256_key_by_itself_under_another_policy_leaves_it_whole() {
    overwrite(&EC, &EC, &["--export-policy", "encrypted"], "encrypted");
}

#[test]
fn a_killed_rename_leaves_the_key_under_one_of_the_two_names_and_can_be_repeated() {
    for key in [&RSA, &EC, &AES] {
        let base = furnished();
        base.must(&key.import(&[]));
        let rename = ["rename", NAME, "shop"].map(str::to_owned);
        sweep_kills(&format!("rename of {}", key.file), &base, &rename, |bench| {
            let (old, new) = (bench.listed(NAME)?.len(), bench.listed("shop")?.len());
            ensure(old + new == 1, || format!("{old} keys under the old name, {new} under the new one"))?;
            bench.proves(if old == 1 { NAME } else { "shop" }, key.proof)?;
            let again = bench.cng11(&rename);
            ensure(again.succeeded() == (old == 1), || format!("the rename, repeated: {}", again.stderr()))?;
            bench.proves("shop", key.proof)?;
            let left = bench.objects_of(NAME);
            ensure(left.is_empty(), || format!("under the old name: {left:?}"))?;
            bench.settled("shop", key.is_pair())
        });
    }
}

#[test]
fn a_killed_deletion_leaves_a_key_or_nothing_and_can_be_repeated() {
    for key in [&RSA, &EC, &AES] {
        let base = furnished();
        base.must(&key.import(&[]));
        let delete = ["delete", NAME, "--yes"].map(str::to_owned);
        sweep_kills(&format!("deletion of {}", key.file), &base, &delete, |bench| {
            let there = bench.listed(NAME)?.len();
            if there > 0 {
                bench.proves(NAME, key.proof)?;
            }
            let again = bench.cng11(&delete);
            ensure(again.succeeded() == (there == 1), || format!("the deletion, repeated: {}", again.stderr()))?;
            gone(bench)
        });
    }
}

#[test]
fn a_killed_generation_leaves_a_whole_key_or_nothing_and_can_be_repeated() {
    for (kind, more) in [("RSA", "--bits=1024"), ("ECDSA_P256", "--export-policy=none")] {
        let base = furnished();
        let generate = ["generate", NAME, "--algorithm", kind, more].map(str::to_owned);
        sweep_kills(&format!("generation of {kind}"), &base, &generate, |bench| {
            if !bench.listed(NAME)?.is_empty() {
                agrees_with_its_public_half(bench)?;
            }
            let again = bench.cng11(&generate);
            ensure(again.succeeded() || again.stderr().contains("NTE_EXISTS"), || {
                format!("the generation, repeated: {}", again.stderr())
            })?;
            agrees_with_its_public_half(bench)?;
            bench.settled(NAME, true)
        });
    }
}

#[test]
fn a_killed_generation_of_an_aes_key_leaves_a_whole_key_or_nothing_and_can_be_repeated() {
    let base = furnished();
    let generate = ["generate", NAME, "--algorithm", "AES", "--export-policy", "encrypted"].map(str::to_owned);
    sweep_kills("generation of AES", &base, &generate, |bench| {
        let again = bench.cng11(&generate);
        ensure(again.succeeded() || again.stderr().contains("NTE_EXISTS"), || {
            format!("the generation, repeated: {}", again.stderr())
        })?;
        // 32 bytes under Rfc3565KeyWrapBlob's header and the eight bytes of RFC 3394.
        let export = bench.cng11(&["export", NAME, "--type", "Rfc3565KeyWrapBlob", "--wrap-key", "kek"]);
        ensure(export.succeeded(), || format!("it does not leave wrapped: {}", export.stderr()))?;
        bench.settled(NAME, false)
    });
}

/// A signature of the key verifies with the public half that the token has, by openssl.
fn agrees_with_its_public_half(bench: &Bench) -> Finding {
    bench.sign(NAME)?;
    let spki = bench.path("spki");
    let spki_text = spki.to_str().expect("a UTF-8 path");
    let export = bench.cng11(&["export", NAME, "--type", "spki", "-o", spki_text, "--force"]);
    ensure(export.succeeded(), || format!("its public half does not leave: {}", export.stderr()))?;
    ensure(bench.verify(&spki), || "its signature does not verify".to_owned())
}

/// Every return value that tokens really give for no fault of the caller, and one that sends an import to another way of writing.
const FAILURES: [u32; 4] = [CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_GENERAL_ERROR, CKR_TEMPLATE_INCONSISTENT];

/// An import into a free name whose calls fail, one at a time: it succeeds all the same, or nothing of it is left.
fn failing_import(key: &KeyFile, fault: fn(usize, u32) -> Fault, failures: &[u32]) {
    let base = furnished();
    let before = base.objects();
    let import = key.import(&[]);
    for ckr in failures {
        let what = format!("import of {}, failing with 0x{ckr:X}", key.file);
        let mut failed = 0;
        sweep(&what, &base, &import, |call, _, bench| {
            let (run, _) = bench.disturbed(&import, fault(call, *ckr));
            run.ended_well()?;
            if run.succeeded() {
                bench.proves(NAME, key.proof)?;
                return bench.settled(NAME, key.is_pair());
            }
            failed += 1;
            let after = bench.objects();
            ensure(after == before, || format!("left behind: {:?}; said: {}", bench.objects_of(NAME), run.stderr()))
        });
        assert!(failed > 0, "{what}: no call failed");
    }
}

#[test]
fn a_failing_import_of_an_rsa_key_leaves_nothing() {
    failing_import(&RSA, Fault::Fail, &[CKR_DEVICE_ERROR, CKR_TEMPLATE_INCONSISTENT]);
}

#[test]
fn a_failing_import_of_a_p256_key_leaves_nothing() {
    failing_import(&EC, Fault::Fail, &FAILURES);
}

#[test]
fn a_failing_import_of_an_aes_key_leaves_nothing() {
    failing_import(&AES, Fault::Fail, &FAILURES);
}

#[test]
fn a_failing_import_of_a_wrapped_p256_key_leaves_nothing() {
    failing_import(&WRAPPED_EC, Fault::Fail, &[CKR_DEVICE_ERROR]);
}

#[test]
fn an_import_whose_calls_work_and_report_a_failure_leaves_nothing() {
    for key in [&RSA, &EC, &AES] {
        failing_import(key, Fault::FailAfter, &[CKR_DEVICE_ERROR]);
    }
}

/// A replacement whose calls fail, one at a time: the old key is as it was, or the new one is complete; and it can be repeated.
fn failing_overwrite(old: &KeyFile, new: &KeyFile, fault: fn(usize, u32) -> Fault, failures: &[u32]) {
    let base = furnished();
    base.must(&old.import(&[]));
    let before = base.objects();
    let import = new.import(&["--overwrite"]);
    for ckr in failures {
        let what = format!("import of {} over {}, failing with 0x{ckr:X}", new.file, old.file);
        sweep(&what, &base, &import, |call, _, bench| {
            let (run, _) = bench.disturbed(&import, fault(call, *ckr));
            run.ended_well()?;
            if run.succeeded() {
                bench.proves(NAME, new.proof)?;
                return bench.settled(NAME, new.is_pair());
            }
            if bench.objects() == before {
                return Ok(());
            }
            bench.proves(NAME, new.proof).map_err(|problem| {
                format!(
                    "neither the old nor the new key: {problem}; {:?}; said: {}",
                    bench.objects_of(NAME),
                    run.stderr()
                )
            })?;
            let again = bench.cng11(&import);
            ensure(again.succeeded(), || format!("the import cannot be repeated: {}", again.stderr()))?;
            bench.proves(NAME, new.proof)?;
            bench.settled(NAME, new.is_pair())
        });
    }
}

#[test]
fn a_failing_replacement_of_an_rsa_key_leaves_the_old_key_or_the_new_one() {
    failing_overwrite(&OTHER_RSA, &RSA, Fault::Fail, &[CKR_DEVICE_ERROR]);
}

#[test]
fn a_failing_replacement_of_a_p256_key_leaves_the_old_key_or_the_new_one() {
    failing_overwrite(&OTHER_EC, &EC, Fault::Fail, &FAILURES);
}

#[test]
fn a_failing_replacement_of_an_aes_key_leaves_the_old_key_or_the_new_one() {
    failing_overwrite(&OTHER_AES, &AES, Fault::Fail, &FAILURES);
}

#[test]
fn a_replacement_whose_calls_work_and_report_a_failure_leaves_the_old_key_or_the_new_one() {
    for (old, new) in [(&OTHER_EC, &EC), (&OTHER_AES, &AES)] {
        failing_overwrite(old, new, Fault::FailAfter, &[CKR_DEVICE_ERROR]);
    }
}

/// A token that is gone from some call on takes the removal of what was written with it: as after a kill, the next import puts it right.
#[test]
fn an_import_onto_a_token_that_goes_away_can_be_repeated() {
    for key in [&EC, &AES] {
        let base = furnished();
        let before = base.objects();
        let import = key.import(&[]);
        sweep(&format!("import of {} onto a token that goes away", key.file), &base, &import, |call, _, bench| {
            let (run, _) = bench.disturbed(&import, Fault::Gone(call, CKR_DEVICE_ERROR));
            run.ended_well()?;
            shows_only_a_whole_key(bench, key)?;
            ensure(run.succeeded() || bench.objects() == before || run.stderr().contains("removed"), || {
                format!("it does not say that something is left: {}", run.stderr())
            })?;
            let again = bench.cng11(&import);
            ensure(again.succeeded() || again.stderr().contains("NTE_EXISTS"), || {
                format!("the import cannot be repeated: {}", again.stderr())
            })?;
            bench.proves(NAME, key.proof)?;
            bench.settled(NAME, key.is_pair())
        });
    }
}

#[test]
fn a_replacement_on_a_token_that_goes_away_leaves_the_old_key_or_the_new_one_and_can_be_repeated() {
    for (old, new) in [(&OTHER_EC, &EC), (&EC, &EC), (&OTHER_AES, &AES)] {
        let base = furnished();
        base.must(&old.import(&[]));
        let import = new.import(&["--overwrite"]);
        sweep(
            &format!("import of {} over {}, the token goes away", new.file, old.file),
            &base,
            &import,
            |call, _, bench| {
                let (run, _) = bench.disturbed(&import, Fault::Gone(call, CKR_DEVICE_ERROR));
                run.ended_well()?;
                bench.holder(NAME, &[old, new])?;
                let again = bench.cng11(&import);
                ensure(again.succeeded(), || format!("the import cannot be repeated: {}", again.stderr()))?;
                bench.proves(NAME, new.proof)?;
                bench.settled(NAME, new.is_pair())
            },
        );
    }
}

/// A key with a property of the user's own.
fn with_property(value: &str) -> Bench {
    let base = furnished();
    base.must(&EC.import(&[]));
    base.must(&["set", "--custom", NAME, "note", value]);
    base
}

fn property(bench: &Bench) -> Result<String, String> {
    let run = bench.cng11(&["get", NAME, "note"]);
    ensure(run.succeeded(), || format!("the property is gone: {}", run.stderr()))?;
    Ok(String::from_utf8_lossy(run.stdout()).trim_end().to_owned())
}

#[test]
fn a_property_is_the_old_one_or_the_new_one_wherever_its_replacement_is_cut_short_or_fails() {
    let base = with_property("old");
    let files = base.object_files().len();
    let set: Vec<String> = ["set", "--custom", NAME, "note", "new"].map(str::to_owned).to_vec();
    let faults: [fn(usize) -> Fault; 3] =
        [Fault::Kill, |call| Fault::Fail(call, CKR_DEVICE_ERROR), |call| Fault::FailAfter(call, CKR_DEVICE_ERROR)];
    for fault in faults {
        let replaced = std::cell::Cell::new(false);
        sweep("a property replaced", &base, &set, |call, _, bench| {
            let fault = fault(call);
            let is_kill = matches!(fault, Fault::Kill(_));
            let (run, _) = bench.disturbed(&set, fault);
            let now = property(bench)?;
            ensure(now == "old" || now == "new", || format!("it is `{now}`"))?;
            ensure(!run.succeeded() || now == "new", || "it was said to be replaced".to_owned())?;
            ensure(!is_kill || now == "new" || !replaced.get(), || "the old one is back".to_owned())?;
            replaced.set(now == "new");
            let again = bench.cng11(&set);
            ensure(again.succeeded() && property(bench)? == "new", || format!("again: {}", again.stderr()))?;
            let left = bench.object_files().len();
            ensure(left == files, || format!("{left} objects instead of {files}"))
        });
    }
}

#[test]
fn properties_go_with_their_key_wherever_its_removal_or_replacement_is_cut_short() {
    let base = with_property("old");
    let files = base.object_files().len();
    let delete: Vec<String> = ["delete", NAME, "--yes"].map(str::to_owned).to_vec();
    sweep_kills("a key with a property deleted", &base, &delete, |bench| {
        let again = bench.cng11(&delete);
        let is_gone = again.stderr().contains("NTE_BAD_KEYSET");
        ensure(again.succeeded() || is_gone, || format!("again: {}", again.stderr()))?;
        gone(bench)?;
        let left = bench.object_files().len();
        ensure(left == files - 3, || format!("{left} objects instead of {}", files - 3))
    });
    for new in [&OTHER_EC, &EC] {
        let import = new.import(&["--overwrite"]);
        sweep_kills("a key with a property replaced", &base, &import, |bench| {
            bench.holder(NAME, &[&EC, new])?;
            let again = bench.cng11(&import);
            ensure(again.succeeded(), || format!("again: {}", again.stderr()))?;
            bench.proves(NAME, new.proof)?;
            let kept = bench.cng11(&["get", NAME, "note"]);
            ensure(!kept.succeeded(), || "the property of the old key is shown".to_owned())?;
            let left = bench.object_files().len();
            ensure(left == files - 1, || format!("{left} objects instead of {}", files - 1))?;
            bench.settled(NAME, true)
        });
    }
}
