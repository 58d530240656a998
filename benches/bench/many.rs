//! What thousands of keys cost: whole processes, ours and others, and what one process makes of key after key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{Goal, Table};
use crate::stage::{BLOBS, Copied, Stage, installed, manifest_dir};
use crate::{Fallible, Place, RSA, single};

/// What the module takes of memory for an object, measured once (`C_Initialize` on tokens of different sizes).
const OF_MODULE: f64 = 12.5e3;

/// Of a process that has ended.
struct Run {
    wall: Duration,
    /// User time, in steps of ten milliseconds.
    user: f64,
    output: String,
}

/// User time of the children that were waited for.
fn children_user() -> Fallible<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    // The sixteenth field of the line; in hundredths of seconds on Linux.
    Ok(fields.split(' ').nth(13).ok_or("no user time")?.parse::<f64>()? / 100.0)
}

fn run(command: &mut Command, token: &Copied) -> Fallible<Run> {
    command
        .env("SOFTHSM2_CONF", token.configuration())
        .env("XDG_CONFIG_HOME", token.folder.path())
        .stdin(Stdio::null());
    let before = children_user()?;
    let start = Instant::now();
    let output = command.output()?;
    let wall = start.elapsed();
    if !output.status.success() {
        return Err(format!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr)).into());
    }
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Run { wall, user: children_user()? - before, output })
}

/// The most memory that a process has had, in bytes: asked for until it ends.
fn peak(command: &mut Command, token: &Copied) -> Fallible<f64> {
    command.env("SOFTHSM2_CONF", token.configuration()).env("XDG_CONFIG_HOME", token.folder.path());
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0.0;
    let ended = loop {
        if let Ok(text) = fs::read_to_string(&status)
            && let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))
        {
            peak = line.trim().trim_end_matches(" kB").trim().parse::<f64>()? * 1024.0;
        }
        if let Some(ended) = process.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if ended.success() { Ok(peak) } else { Err("a process whose memory was measured failed".into()) }
}

fn cng11(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
    command.arg("--quiet").args(arguments);
    command
}

fn import(manifest: &Path, arguments: &[&str]) -> Command {
    let mut command = cng11(&["bulk", "import"]);
    command.arg(manifest).args(arguments);
    command
}

/// So many keys of a kind, a file each, and a manifest of them.
fn manifest(stage: &Stage, kind: &str, count: u32) -> Fallible<PathBuf> {
    let path = stage.path(&format!("{kind}-{count}.jsonl"));
    if path.exists() {
        return Ok(path);
    }
    let source = if kind == "rsa" { RSA } else { "ec-nistP256" };
    let source = manifest_dir().join("tests/vectors").join(format!("{source}.PKCS8_PRIVATEKEY.bin"));
    let folder = stage.path(&format!("{kind}-keys"));
    fs::create_dir_all(&folder)?;
    let mut text = String::new();
    for number in 0..count {
        let file = folder.join(format!("{number:08}"));
        if !file.exists() {
            fs::copy(&source, &file)?;
        }
        text.push_str(&format!("{{\"file\":\"{}\",\"name\":\"bench-{number:08}\"}}\n", file.display()));
    }
    fs::write(&path, text)?;
    Ok(path)
}

/// python-pkcs11 with the same key as often, if there is one.
fn python(stage: &Stage, kind: &str, count: u32) -> Option<Command> {
    let interpreter = std::env::var_os("CNG11_BENCH_PYTHON").unwrap_or_else(|| "python3".into());
    let is_there = Command::new(&interpreter).args(["-c", "import pkcs11"]).output().is_ok_and(|o| o.status.success());
    let (name, private) = if kind == "rsa" { (RSA, "pkcs1") } else { ("ec-nistP256", "sec1") };
    let vectors = manifest_dir().join("tests/vectors");
    is_there.then(|| {
        let mut command = Command::new(interpreter);
        command
            .arg(manifest_dir().join("benches/python_pkcs11.py"))
            .args([&stage.environment.module, &stage.environment.token, kind])
            .args([private, "spki"].map(|part| vectors.join(format!("{name}.{part}.bin"))))
            .arg(count.to_string());
        command
    })
}

fn words(kind: &str) -> &'static str {
    if kind == "rsa" { "RSA-2048" } else { "P-256" }
}

fn each<'a>(runs: &'a [Run], count: u32) -> impl Iterator<Item = f64> + 'a {
    runs.iter().map(move |run| run.wall.as_secs_f64() / f64::from(count))
}

/// Bulk imports against loops of one thread.
pub(crate) fn import_rows(table: &mut Table, stage: &Stage, place: &Place, count: u32) -> Fallible<()> {
    let token = stage.token(place, "bulk")?;
    let one_thread = ["--jobs", "1"];
    let unproven = ["--jobs", "1", "--verify=off"];
    for (kind, _) in BLOBS {
        let (whole, one) = (manifest(stage, kind, count)?, manifest(stage, kind, 1)?);
        let raw = |way: &str| stage.raw_alone(&format!("{way}-{kind}"), count);
        let mut commands = vec![
            import(&whole, &one_thread),
            import(&whole, &unproven),
            import(&one, &one_thread),
            import(&one, &unproven),
            import(&whole, &[]),
            raw("create")?,
            raw("copy")?,
            raw("bulk")?,
            raw("unproven")?,
        ];
        commands.extend(python(stage, kind, count));
        let mut runs: [Vec<Run>; 10] = Default::default();
        let many = commands.len();
        for round in 0..=table.rounds {
            for at in 0..many {
                let at = (at + round) % many;
                token.restore()?;
                let (Some(command), Some(runs)) = (commands.get_mut(at), runs.get_mut(at)) else { continue };
                let run = run(command, &token)?;
                // The first round warms caches.
                if round > 0 {
                    runs.push(run);
                }
            }
        }
        let [ours, ours_unproven, start, start_unproven, ours_side_by_side, create, copy, same, same_unproven, python] =
            runs;
        let (name, kind_words) = (&place.0, words(kind));
        let mut row = |ours: &[f64], what: &str, reference: &[Run], how: &str, goal| {
            let reference: Vec<f64> = each(reference, count).collect();
            table.add_seconds(
                &format!("bulk import, {count} {kind_words} pairs, {name}, {what} / {how}"),
                goal,
                ours,
                &reference,
            );
        };
        let whole = |runs: &[Run]| each(runs, count).collect::<Vec<_>>();
        let (proven, off) = (whole(&ours), whole(&ours_unproven));
        let least = Goal::AtLeast;
        row(&proven, "a pair", &create, "C_CreateObject in a loop", least(3.5));
        row(&off, "unproven", &create, "C_CreateObject in a loop", Goal::None);
        row(
            &whole(&ours_side_by_side),
            "as many sessions as by default",
            &create,
            "C_CreateObject in a loop",
            Goal::None,
        );
        row(&off, "unproven", &copy, "session objects + C_CopyObject, nothing read", Goal::None);
        row(&off, "unproven", &same_unproven, "the same calls in a loop", least(0.92));
        row(&proven, "a pair", &same, "the same calls in a loop", least(0.92));
        if python.is_empty() {
            println!("LEFT OUT: bulk import against python-pkcs11, because that is NOT INSTALLED");
        } else {
            row(&proven, "a pair", &python, "python-pkcs11, create_object in a loop", least(3.5));
        }
        // Without the start.
        let further = |runs: &[Run], starts: &[Run]| -> Vec<f64> {
            let pairs = runs.iter().zip(starts);
            pairs
                .map(|(run, start)| (run.wall.as_secs_f64() - start.wall.as_secs_f64()) / f64::from(count.max(2) - 1))
                .collect()
        };
        let inside = |runs: &[Run]| -> Vec<f64> {
            runs.iter()
                .filter_map(|run| run.output.trim().parse::<f64>().ok())
                .map(|time| time / 1e9 / f64::from(count))
                .collect()
        };
        let mut bare = |ours: &[f64], what: &str, reference: &[Run], how: &str, goal| {
            let row = format!("bulk import, {kind_words}, {name}, each further pair{what} / {how}");
            table.add_seconds(&row, goal, ours, &inside(reference));
        };
        bare(&further(&ours, &start), "", &create, "C_CreateObject in a loop", Goal::None);
        bare(&further(&ours, &start), "", &same, "the same calls in a loop", Goal::None);
        bare(
            &further(&ours_unproven, &start_unproven),
            " unproven",
            &same_unproven,
            "the same calls in a loop",
            Goal::None,
        );
        let users = |runs: &[Run]| runs.iter().map(|run| run.user).sum::<f64>() / runs.len() as f64;
        let beyond = |ours: &[Run], start: &[Run], same: &[Run]| {
            // The start is not the keys'.
            (users(ours) - users(start) - users(same)) / f64::from(count) * 1e3
        };
        let goal = if *kind == "rsa" { Goal::AtMost(0.2) } else { Goal::None };
        let row = format!("CPU of ours a {kind_words} pair beyond the same calls, {name}, ms of user time");
        table.add_value(&row, goal, beyond(&ours, &start, &same));
        table.add_value(
            &format!("{row}, unproven"),
            Goal::None,
            beyond(&ours_unproven, &start_unproven, &same_unproven),
        );
    }
    Ok(())
}

/// One bulk import on tokens that hold more and more, against a process a key.
pub(crate) fn tool_rows(table: &mut Table, stage: &Stage, place: &Place) -> Fallible<()> {
    let count = 500;
    for (objects, goal) in [(0, 30.0), (1000, 150.0), (5000, 700.0)] {
        let filled = filled(stage, place, objects / 2)?;
        let token = stage.copy_of(place, "tool", &filled)?;
        let ours = manifest(stage, "rsa", count + objects / 2)?;
        // Names that are not there yet.
        let text = fs::read_to_string(&ours)?;
        let fresh = stage.path("fresh.jsonl");
        fs::write(&fresh, text.lines().skip(objects as usize / 2).map(|line| format!("{line}\n")).collect::<String>())?;
        let tools: Vec<_> = single::tools(stage)
            .into_iter()
            .filter(|(program, ..)| {
                let is_there = installed(program);
                if !is_there {
                    println!("LEFT OUT: bulk import against {program}, because that is NOT INSTALLED");
                }
                is_there
            })
            .collect();
        let mut ours_times = Vec::new();
        let mut tool_times = vec![Vec::new(); tools.len()];
        for _ in 0..table.rounds {
            token.restore()?;
            ours_times.push(run(&mut import(&fresh, &[]), &token)?.wall / count);
            for ((_, _, commands), times) in tools.iter().zip(&mut tool_times) {
                token.restore()?;
                times.push(token.run(commands())?);
            }
        }
        for ((_, words, _), times) in tools.iter().zip(&tool_times) {
            let row = format!("bulk import, 500 RSA-2048 pairs onto {objects} objects, a pair / {words}");
            table.add(&row, Goal::AtLeast(goal), &ours_times, times);
        }
    }
    Ok(())
}

/// A token with so many pairs.
fn filled(stage: &Stage, place: &Place, pairs: u32) -> Fallible<Copied> {
    let token = stage.token(place, "filled")?;
    if pairs > 0 {
        run(&mut import(&manifest(stage, "ec", pairs)?, &["--verify=off"]), &token)?;
    }
    Ok(token)
}

/// The cost of a key late in a run beside that of an early one.
pub(crate) fn growth_rows(table: &mut Table, stage: &Stage, place: &Place) -> Fallible<()> {
    for (kind, _) in BLOBS {
        let manifest = manifest(stage, kind, 10_100)?;
        let (mut late, mut early, mut late_bare, mut early_bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // What is compared lies in one run, so that load that comes and goes counts: more runs, the median.
        for _ in 0..table.rounds.div_ceil(3) {
            let token = stage.token(place, "growth")?;
            let mut worker = token.worker_with(&manifest)?;
            worker.time("grow-keys", 1)?;
            let mut window = |job: &str, middle: u32| worker.time(job, middle);
            let (e, l) = (window("window-whole", 1000)?, window("window-whole", 10_000)?);
            let (ep, lp) = (window("window-proof", 1000)?, window("window-proof", 10_000)?);
            early.push(e / 200);
            late.push(l / 200);
            early_bare.push(e.saturating_sub(ep) / 200);
            late_bare.push(l.saturating_sub(lp) / 200);
        }
        let words = words(kind);
        table.add(
            &format!("bulk import, {words}: pairs 9,900 to 10,100 / pairs 900 to 1,100"),
            Goal::AtMost(1.3),
            &late,
            &early,
        );
        table.add(
            &format!("bulk import, {words}, without the proof: the same"),
            Goal::AtMost(1.3),
            &late_bare,
            &early_bare,
        );
    }
    Ok(())
}

/// Ten thousand objects listed.
pub(crate) fn list_rows(table: &mut Table, stage: &Stage, place: &Place) -> Fallible<()> {
    let token = filled(stage, place, 5000)?;
    let list = |command: &mut Command| -> Fallible<Duration> { Ok(run(command, &token)?.wall) };
    table.row_of(
        "list, 10,000 objects, whole process / a batched loop, whole process",
        Goal::AtMost(1.1),
        Duration::ZERO,
        table.rounds,
        &mut |_| list(&mut cng11(&["list"])),
        &mut |_| list(&mut stage.raw_alone("list-any", 1)?),
    )?;
    if !installed("pkcs11-tool") {
        println!("LEFT OUT: list against pkcs11-tool -O, because that is NOT INSTALLED");
        return Ok(());
    }
    table.row_of(
        "list, 10,000 objects, whole process / pkcs11-tool -O",
        Goal::AtLeast(4.0),
        Duration::ZERO,
        table.rounds,
        &mut |_| list(&mut cng11(&["list"])),
        &mut |_| list(single::pkcs11_tool(stage).arg("-O")),
    )
}

/// Five hundred keys out of the token, wrapped.
pub(crate) fn export_rows(table: &mut Table, stage: &Stage, place: &Place) -> Fallible<()> {
    let count = 500;
    for (kind, _) in BLOBS {
        let token = stage.token(place, "export")?;
        let policy = ["--export-policy", "encrypted", "--verify=off"];
        run(&mut import(&manifest(stage, kind, count)?, &policy), &token)?;
        run(&mut cng11(&["generate", "kek", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]), &token)?;
        let folder = token.folder.path().join("out");
        let ours = || -> Fallible<Duration> {
            fresh_folder(&folder)?;
            let mut command =
                cng11(&["bulk", "export", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "--jobs", "1"]);
            Ok(run(command.arg(&folder), &token)?.wall)
        };
        let raw = |with_files: bool, synced: bool| -> Fallible<Duration> {
            fresh_folder(&folder)?;
            let mut command = stage.raw_alone("wrapall-any", 1)?;
            if with_files {
                command.env("RAW_FOLDER", &folder);
            }
            if synced {
                command.env("RAW_SYNC", "1");
            }
            Ok(run(&mut command, &token)?.wall)
        };
        for (with_files, synced, how, goal) in [
            (true, true, "listing, C_WrapKey and a file each, synced, in a loop", Goal::None),
            (true, false, "listing, C_WrapKey and a file each in a loop", Goal::AtLeast(0.92)),
            (false, false, "listing and C_WrapKey in a loop, no file", Goal::AtLeast(0.92)),
        ] {
            let row =
                format!("bulk export, {count} {} keys wrapped (kwp), {}, whole process / {how}", words(kind), place.0);
            table
                .row_of(&row, goal, Duration::ZERO, table.rounds, &mut |_| ours(), &mut |_| raw(with_files, synced))?;
        }
    }
    Ok(())
}

fn fresh_folder(folder: &Path) -> Fallible<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir(folder)?)
}

/// A token each of whose calls takes five milliseconds, and sixteen sessions.
pub(crate) fn latency_rows(table: &mut Table, stage: &Stage, place: &Place) -> Fallible<()> {
    let folder = std::env::current_exe()?.parent().and_then(Path::parent).ok_or("no folder of programs")?.to_owned();
    let strict = folder.join("examples/libstrict_hsm.so");
    if !strict.exists() {
        println!(
            "LEFT OUT: 16 sessions at 5 ms a call, because cargo build --release --example strict_hsm was not run"
        );
        return Ok(());
    }
    let token = stage.token(place, "latency")?;
    let (few, many) = (64, 384);
    for (kind, _) in BLOBS {
        let through = |count: u32| -> Fallible<Command> {
            token.restore()?;
            let mut command = import(&manifest(stage, kind, count)?, &["--jobs", "16"]);
            command.env("CNG11_MODULE", &strict).env("STRICT_HSM_MODULE", &stage.environment.module);
            Ok(command)
        };
        let log = token.folder.path().join("calls");
        let calls = |count: u32| -> Fallible<f64> {
            let _ = fs::remove_file(&log);
            run(through(count)?.env("STRICT_HSM_LOG", &log), &token)?;
            Ok(fs::read_to_string(&log)?.lines().count() as f64)
        };
        let each = (calls(many)? - calls(few)?) / f64::from(many - few);
        // With longer waits the module's own work, which is neither ours nor in the goal, counts for less.
        for (wait, goal) in [(5, Goal::AtLeast(0.85)), (20, Goal::None)] {
            let ideal = each * f64::from(wait) / 1e3 / 16.0;
            let mut times = Vec::new();
            for _ in 0..table.rounds.div_ceil(3) {
                let wall = |count: u32| -> Fallible<f64> {
                    Ok(run(through(count)?.env("STRICT_HSM_LATENCY_MS", wait.to_string()), &token)?.wall.as_secs_f64())
                };
                let start = wall(few)?;
                times.push((wall(many)? - start) / f64::from(many - few));
            }
            let row = format!(
                "bulk import, {}, {wait} ms a call, 16 sessions / {each:.1} calls a key, {wait} ms each",
                words(kind)
            );
            table.add_seconds(&row, goal, &times, &vec![ideal; times.len()]);
        }
    }
    Ok(())
}

/// Twenty thousand keys.
pub(crate) fn memory_rows(table: &mut Table, stage: &Stage, place: &Place) -> Fallible<()> {
    let count = 20_000;
    let token = stage.token(place, "memory")?;
    let raw_token = stage.token(place, "memory-raw")?;
    let of_module = OF_MODULE * 2.0 * f64::from(count);
    let megabytes = |bytes: f64| bytes / 1e6;
    let imported = peak(&mut import(&manifest(stage, "ec", count)?, &[]), &token)?;
    let raw = peak(&mut stage.raw_alone("bulk-ec", count)?, &raw_token)?;
    let listed = peak(&mut cng11(&["list"]), &token)?;
    let raw_list = peak(&mut stage.raw_alone("list-any", 1)?, &raw_token)?;
    for (words, ours, raw) in [("imported", imported, raw), ("listed", listed, raw_list)] {
        table.add_value(
            &format!("20,000 P-256 keys {words}: peak beyond 12.5 kB an object, MB"),
            Goal::AtMost(100.0),
            megabytes(ours - of_module),
        );
        table.add_value(
            &format!("20,000 P-256 keys {words}: peak beyond the bare loop's, MB"),
            Goal::AtMost(100.0),
            megabytes(ours - raw),
        );
    }
    Ok(())
}
