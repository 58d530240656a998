//! Disks that are full: the folder of the token with the journal in it, and the journal's alone, on a small tmpfs in a mount namespace of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, ensure, softhsm};
use crate::pool::{Mix, Pool, all_done_once, blank, bounded};

/// What runs something where it may mount: as root without a user namespace, or else with one.
fn namespace() -> &'static [&'static str] {
    let ways: [&[&str]; 2] = [&["-m"], &["-Urm"]];
    let mounts = |way: &&&[&str]| {
        let mut command = Command::new("unshare");
        command.args(**way).args(["sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]);
        command.output().is_ok_and(|output| output.status.success())
    };
    ways.iter().find(mounts).unwrap_or_else(|| {
        panic!("a tmpfs cannot be mounted here, neither by `unshare -m` nor by `unshare -Urm`: run the tests as root, or allow user namespaces")
    })
}

/// On a full disk, then on one with room. `$1` is the folder that is on it, `$2` its size at first, `$3` what of it is taken at once; the rest is the command.
const SCRIPT: &str = r#"
folder=$1 size=$2 taken=$3; shift 3
cp -a "$folder" "$folder.aside" && mount -t tmpfs -o "size=$size" tmpfs "$folder" && cp -a "$folder.aside/." "$folder/" || exit 90
[ "$taken" = 0 ] || dd if=/dev/zero of="$folder/ballast" bs=4096 count="$taken" 2>/dev/null
"$@" > "$OUT/first.out" 2> "$OUT/first.err"; echo $? > "$OUT/first"
ls "$folder" > "$OUT/between"
rm -f "$folder/ballast"
mount -o remount,size=64m "$folder" || exit 91
"$@" > "$OUT/second.out" 2> "$OUT/second.err"; echo $? > "$OUT/second"
rm -rf "$folder.aside" && cp -a "$folder" "$folder.aside" || exit 92
"#;

/// One run on the full disk, and one that goes on. The exit code of the first, what it said, and what lay there then.
fn full(
    bench: &Bench,
    import: &[String],
    (folder, size, taken): (&Path, &str, u32),
) -> Result<(i32, String, String), String> {
    let run = bounded(&bench.command(softhsm(), import));
    let mut command = Command::new("unshare");
    command.args(namespace()).args(["sh", "-c", SCRIPT, "sh"]).arg(folder).args([size, &taken.to_string()]);
    command.arg(run.get_program()).args(run.get_args()).env("OUT", bench.path(""));
    for (variable, value) in run.get_envs() {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    let output = command.output().map_err(|error| error.to_string())?;
    ensure(output.status.success(), || format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)))?;
    let told = |name: &str| fs::read_to_string(bench.path(name)).unwrap_or_default();
    let code = |name: &str| told(name).trim().parse::<i32>().unwrap_or(-1);
    let (first, said) = (code("first"), told("first.out") + &told("first.err"));
    ensure(![101, 124, 134, 137].contains(&first) && !said.contains("panicked"), || {
        format!("it crashed: {first}: {said}")
    })?;
    ensure(code("second") == 0, || {
        format!("with room, after {first} ({said}): {}: {}{}", code("second"), told("second.out"), told("second.err"))
    })?;
    // What the namespace has taken with it was copied.
    fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    let mut aside = folder.as_os_str().to_owned();
    aside.push(".aside");
    fs::rename(aside, folder).map_err(|error| error.to_string())?;
    Ok((first, said, told("between")))
}

/// The error document of a run that ended before its end, or the failures of one that did not.
fn has_said_why(code: i32, said: &str) -> Result<(), String> {
    let document: Value = serde_json::from_str(said).map_err(|error| format!("{error}: {said}"))?;
    let told = |error: &Value| {
        ["status", "message"].iter().all(|member| error[*member].as_str().is_some_and(|text| !text.is_empty()))
    };
    match code {
        5 => ensure(
            document["failures"].as_array().is_some_and(|failures| !failures.is_empty() && failures.iter().all(told)),
            || said.to_owned(),
        ),
        code => ensure((1..5).contains(&code) && told(&document["error"]), || format!("exit code {code}: {said}")),
    }
}

#[test]
fn a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let pool = Pool::new(Mix { rsa: 4, p256: 20, p384: 10, aes: 16, hmac: 10 });
    let base = blank();
    let mut failed = 0;
    for (size, jobs) in [("96k", "1"), ("200k", "1"), ("300k", "1"), ("200k", "4"), ("300k", "4")] {
        let bench = base.copy();
        let folder = bench.token_folder().parent().expect("a folder").to_owned();
        let journal = folder.join("journal");
        let import = pool.import(&["--journal", journal.to_str().expect("UTF-8"), "--resume", "--jobs", jobs]);
        let (code, said, _) =
            full(&bench, &import, (&folder, size, 0)).unwrap_or_else(|problem| panic!("{size}, {jobs}: {problem}"));
        println!("{size}, {jobs} threads: exit code {code}");
        has_said_why(code, &said).unwrap_or_else(|problem| panic!("{size}, {jobs}: {problem}"));
        failed += u32::from(code != 0);
        fs::rename(&journal, bench.path("journal")).expect("the journal");
        pool.is_whole(&bench).unwrap_or_else(|problem| panic!("{size}, {jobs}: {problem}"));
        pool.is_proven(&bench).unwrap_or_else(|problem| panic!("{size}, {jobs}: {problem}"));
        all_done_once(&bench.path("journal"), pool.keys.len()).expect("the journal");
    }
    assert_eq!(failed, 5, "there was room enough");
}

#[test]
fn a_run_whose_journal_finds_no_room_ends_and_goes_on_when_there_is_some() {
    let pool = Pool::new(Mix { p256: 30, aes: 30, ..Mix::default() });
    let base = blank();
    // None at all, not even for its first line; room for a page, and for two.
    for (size, taken) in [("16k", 4), ("4k", 0), ("8k", 0)] {
        let bench = base.copy();
        let folder = bench.path("journals");
        fs::create_dir(&folder).expect("a folder");
        let journal = folder.join("journal");
        let import = pool.import(&["--journal", journal.to_str().expect("UTF-8"), "--resume"]);
        let (code, said, between) = full(&bench, &import, (&folder, size, taken))
            .unwrap_or_else(|problem| panic!("{size}, {taken}: {problem}"));
        let document: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        assert_eq!((code, &document["error"]["layer"]), (1, &"bulk".into()), "{said}");
        let message = document["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("cannot be written") && message.contains("No space left"), "{said}");
        assert!(document["error"]["hint"].as_str().unwrap_or_default().contains("--resume"), "{said}");
        // One that could not be begun is not left.
        assert_eq!(between.contains("journal"), taken == 0, "{between}");
        pool.is_whole(&bench).unwrap_or_else(|problem| panic!("{size}, {taken}: {problem}"));
        all_done_once(&journal, pool.keys.len()).expect("the journal");
    }
}
