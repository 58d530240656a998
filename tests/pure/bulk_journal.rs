//! The journal: what is read of one that was cut short, changed, or is of another run; its lock; full disks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cng_pkcs11::bulk::journal::{Begun, Binding, Counts, Job, Journal, Outcome, Record, State, Syncing, TokenIdentity};
use cng_pkcs11::bulk::{Error, MAX_ENTRIES};
use cng_pkcs11::status::Status;

fn token(serial: &str) -> TokenIdentity {
    let [manufacturer, model, label] = ["SoftHSM project", "SoftHSM v2", "Häuser \"1\""].map(str::to_owned);
    TokenIdentity { manufacturer, model, serial: serial.to_owned(), label }
}

fn binding() -> Binding {
    Binding {
        job: Job::Import,
        tokens: vec![token("00ff")],
        plan: [7; 32],
        options: BTreeMap::from([("on-conflict".to_owned(), "skip".to_owned())]),
    }
}

fn begin(entry: u32) -> Record<'static> {
    const IDENTITIES: [[u8; 2]; 3] = [[0xAB, 0], [0xAB, 1], [0xAB, 2]];
    let identity = IDENTITIES.get(entry as usize).map_or(&[][..], |identity| &identity[..]);
    Record::Begin { entry, name: "web \"1\"\n", identity }
}

fn done(entry: u32, outcome: Outcome) -> Record<'static> {
    Record::Done { entry, name: "web", outcome, unique: "pkcs11:object=web", verified: "signature" }
}

fn failed(entry: u32) -> Record<'static> {
    Record::Failed { entry, name: "old", status: Status::NTE_BAD_DATA, message: "it is \"damaged\"" }
}

/// What the small journal of these tests holds.
fn records() -> Vec<Record<'static>> {
    vec![begin(0), begin(1), done(1, Outcome::Imported), failed(0), begin(2), done(4, Outcome::Identical), begin(0)]
}

/// What is known after each number of them, of the entries 0 to 4.
fn states() -> Vec<[Option<State>; 5]> {
    let (begun, failed) = (Some(State::Begun), Some(State::Failed));
    let (imported, identical) = (Some(State::Done(Outcome::Imported)), Some(State::Done(Outcome::Identical)));
    vec![
        [None; 5],
        [begun, None, None, None, None],
        [begun, begun, None, None, None],
        [begun, imported, None, None, None],
        [failed, imported, None, None, None],
        [failed, imported, begun, None, None],
        [failed, imported, begun, None, identical],
        [begun, imported, begun, None, identical],
    ]
}

fn states_of(journal: &Journal) -> [Option<State>; 5] {
    std::array::from_fn(|entry| journal.state_of(u32::try_from(entry).unwrap()))
}

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    Place { _folder: folder, path }
}

/// The small journal, as bytes.
fn small() -> Vec<u8> {
    let place = place();
    let mut journal = Journal::create(&place.path, &binding()).unwrap();
    for record in records() {
        journal.append(&record).unwrap();
    }
    drop(journal);
    std::fs::read(&place.path).unwrap()
}

fn resume(path: &Path, bytes: &[u8]) -> Result<Journal, Error> {
    // A new file: one that is written over is flushed to the disk by some file systems.
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
    Journal::resume(path, &binding())
}

fn whole_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn what_was_appended_is_known_at_once_and_after_resuming() {
    let place = place();
    let mut journal = Journal::create(&place.path, &binding()).unwrap();
    assert!(journal.found().is_new && journal.found().records == 0);
    let states = states();
    for (record, expected) in records().iter().zip(&states[1..]) {
        journal.append(record).unwrap();
        assert_eq!(states_of(&journal), *expected);
    }
    journal.sync().unwrap();
    drop(journal);
    let journal = Journal::resume(&place.path, &binding()).unwrap();
    assert_eq!(states_of(&journal), *states.last().unwrap());
    assert_eq!((journal.found().is_new, journal.found().records, journal.found().torn), (false, 7, 0));
    assert_eq!(journal.counts(), Counts { begun: 2, done: 2, failed: 0 });
    let mut unfinished: Vec<_> = journal.unfinished().collect();
    unfinished.sort_by_key(|(entry, _)| *entry);
    let begun = |entry| Begun { name: "web \"1\"\n".to_owned(), identity: vec![0xAB, entry] };
    assert_eq!(unfinished, [(0, &begun(0)), (2, &begun(2))]);
    let name = "web \"1\"\n";
    assert_eq!((journal.begun(2, name), journal.begun(2, "web")), (Some(&begun(2)), None));
    assert_eq!((journal.state_of(5), journal.state_of(u32::MAX)), (None, None));
}

#[test]
fn every_outcome_is_read_as_it_was_written() {
    let place = place();
    let outcomes = [
        Outcome::Imported,
        Outcome::Identical,
        Outcome::Skipped,
        Outcome::Renamed,
        Outcome::Overwritten,
        Outcome::Exported,
    ];
    let mut journal = Journal::create(&place.path, &binding()).unwrap();
    for (entry, outcome) in (0..).zip(outcomes) {
        journal.append(&done(entry, outcome)).unwrap();
        assert_eq!(journal.state_of(entry), Some(State::Done(outcome)));
    }
    drop(journal);
    let journal = Journal::resume(&place.path, &binding()).unwrap();
    for (entry, outcome) in (0..).zip(outcomes) {
        assert_eq!(journal.state_of(entry), Some(State::Done(outcome)));
    }
}

#[test]
fn the_file_is_text_that_anybody_can_check() {
    let text = String::from_utf8(small()).unwrap();
    let mut digits = "0".repeat(16);
    for line in text.lines() {
        let (json, check) = line.rsplit_once(' ').unwrap();
        serde_json::from_str::<serde_json::Value>(json).unwrap();
        digits = sha256_hex(format!("{digits}{json}").as_bytes())[..16].to_owned();
        assert_eq!(check, digits);
    }
    let first = text.lines().next().unwrap();
    let header: serde_json::Value = serde_json::from_str(first.rsplit_once(' ').unwrap().0).unwrap();
    assert_eq!(
        (&header["journal"], &header["version"], &header["job"]),
        (&"cng11".into(), &1.into(), &"import".into())
    );
    assert_eq!(header["tokens"][0]["serial"], "00ff");
    assert_eq!(header["options"]["on-conflict"], "skip");
    assert!(text.contains(
        "{\"failed\":0,\"name\":\"old\",\"status\":\"NTE_BAD_DATA (0x80090005)\",\"message\":\"it is \\\"damaged\\\"\"}"
    ));
    assert!(text.contains("{\"begin\":2,\"name\":\"web \\\"1\\\"\\n\",\"identity\":\"ab02\"}"));
}

fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn cut_off_at_any_byte_it_holds_exactly_the_lines_that_were_whole() {
    let (whole, states, place) = (small(), states(), place());
    for length in 0..=whole.len() {
        let bytes = &whole[..length];
        let lines = whole_lines(bytes);
        let torn = bytes.iter().rev().take_while(|byte| **byte != b'\n').count();
        let mut journal = resume(&place.path, bytes).unwrap_or_else(|error| panic!("{length}: {error}"));
        assert_eq!(states_of(&journal), states[lines.saturating_sub(1)], "{length}");
        let found = journal.found();
        assert_eq!(
            (found.is_new, found.records, found.torn),
            (lines == 0, lines.saturating_sub(1) as u64, torn as u64)
        );
        // It goes on from there, and comes to the same.
        for record in &records()[lines.saturating_sub(1)..] {
            journal.append(record).unwrap();
        }
        drop(journal);
        assert!(
            std::fs::read(&place.path).unwrap() == whole,
            "{length}: what was resumed is not what was never cut off"
        );
    }
}

#[test]
fn with_any_bit_changed_it_is_refused_or_has_lost_its_last_line() {
    let (whole, states, place) = (small(), states(), place());
    let last_line_feed = whole.len() - 1;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let line = whole_lines(&whole[..at]) as u64 + 1;
            match resume(&place.path, &bytes) {
                Ok(journal) => {
                    assert_eq!(at, last_line_feed, "bit {bit} of byte {at} was not seen");
                    assert_eq!(states_of(&journal), states[records().len() - 1]);
                    assert!(journal.found().torn > 0);
                }
                Err(error) => {
                    match error {
                        Error::NoJournal { .. } => assert_eq!(line, 1, "{at}"),
                        Error::JournalDamaged { line: found, .. } => assert_eq!(found, line, "{at}"),
                        other => panic!("bit {bit} of byte {at}: {other}"),
                    }
                    assert!(std::fs::read(&place.path).unwrap() == bytes, "what is refused is left as it is");
                }
            }
        }
    }
}

#[test]
fn lines_that_were_moved_repeated_or_left_out_are_refused() {
    let (whole, place) = (small(), place());
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for (order, at) in [(&[0, 2][..], 2), (&[0, 1, 1], 3), (&[0, 2, 1], 2), (&[0, 1, 2, 3, 5], 5), (&[0, 0], 2)] {
        let bytes = order.iter().map(|line| lines[*line]).collect::<Vec<_>>().concat();
        let error = resume(&place.path, &bytes).unwrap_err();
        assert!(matches!(error, Error::JournalDamaged { line, .. } if line == at), "{order:?}: {error}");
    }
    assert!(matches!(resume(&place.path, lines[1]).unwrap_err(), Error::NoJournal { .. }));
    // A block that the file system has lost, in the middle and at the end.
    let mut bytes = whole.clone();
    let middle = lines[0].len() + lines[1].len() + 3;
    bytes[middle..middle + 40].fill(0);
    assert!(matches!(resume(&place.path, &bytes).unwrap_err(), Error::JournalDamaged { line: 3, .. }));
    let zeros = [&whole[..], &[0; 4096]].concat();
    assert_eq!(resume(&place.path, &zeros).unwrap().found().torn, 4096);
    assert_eq!(std::fs::read(&place.path).unwrap(), whole);
}

#[test]
fn lines_with_digits_that_fit_are_still_held_against_what_a_record_is() {
    let place = place();
    for json in [
        "{}".to_owned(),
        "{\"done\":0,\"name\":\"a\",\"outcome\":\"eaten\"}".to_owned(),
        format!("{{\"failed\":{MAX_ENTRIES}}}"),
        "{\"begin\":-1,\"name\":\"a\",\"identity\":\"\"}".to_owned(),
        "{\"begin\":1,\"name\":\"a\",\"identity\":\"x\"}".to_owned(),
        "[]".to_owned(),
        "no JSON".to_owned(),
    ] {
        let bytes = with_line(&json);
        let error = resume(&place.path, &bytes).unwrap_err();
        assert!(matches!(error, Error::JournalDamaged { line: 9, problem: "it is no record", .. }), "{json}: {error}");
    }
    assert!(resume(&place.path, &with_line("{\"failed\":999999}")).is_ok());
    let error =
        resume(&place.path, &with_line(&format!("{{\"failed\":1,\"x\":\"{}\"}}", "x".repeat(70_000)))).unwrap_err();
    assert!(matches!(error, Error::JournalDamaged { line: 9, .. }), "{error}");
}

/// The small journal and a line more.
fn with_line(json: &str) -> Vec<u8> {
    let mut bytes = small();
    let before = String::from_utf8(bytes[bytes.len() - 17..bytes.len() - 1].to_vec()).unwrap();
    let check = sha256_hex(format!("{before}{json}").as_bytes());
    bytes.extend_from_slice(format!("{json} {}\n", &check[..16]).as_bytes());
    bytes
}

#[test]
fn a_journal_of_another_run_is_refused_with_what_differs() {
    let (whole, place) = (small(), place());
    std::fs::write(&place.path, &whole).unwrap();
    let change = |change: fn(&mut Binding)| {
        let mut other = binding();
        change(&mut other);
        let error = Journal::resume(&place.path, &other).unwrap_err();
        assert_eq!(std::fs::read(&place.path).unwrap(), whole);
        assert!(error.hint().is_some());
        let Error::JournalOfAnother { differences, .. } = &error else { panic!("{error}") };
        differences.join("|")
    };
    assert_eq!(
        change(|other| other.tokens = vec![token("0100")]),
        "another token: it is of `Häuser \"1\"` (SoftHSM project SoftHSM v2, serial number 00ff), and this run is of `Häuser \"1\"` (SoftHSM project SoftHSM v2, serial number 0100)"
    );
    assert!(change(|other| other.tokens[0].label.push('2')).starts_with("another token"));
    assert!(change(|other| other.tokens.push(token("1"))).starts_with("another token"));
    assert_eq!(change(|other| other.plan[31] = 0), "the manifest is another one, or was changed");
    assert_eq!(change(|other| other.job = Job::Migrate), "its job is `import`, and this one's `migrate`");
    assert_eq!(
        change(|other| other.options = BTreeMap::from([("policy".to_owned(), "none".to_owned())])),
        "on-conflict was `skip`, and is not given|policy was not given, and is `none`"
    );
    let both = change(|other| (other.plan, other.tokens[0].serial) = ([0; 32], "1".to_owned()));
    assert!(both.contains("another token") && both.contains("the manifest"), "{both}");
    assert!(Journal::resume(&place.path, &binding()).is_ok());
}

#[test]
fn another_version_is_told_from_damage() {
    let place = place();
    let json = "{\"journal\":\"cng11\",\"version\":2,\"new\":true}";
    let check = sha256_hex(format!("{}{json}", "0".repeat(16)).as_bytes());
    let error = resume(&place.path, format!("{json} {}\n", &check[..16]).as_bytes()).unwrap_err();
    assert!(matches!(error, Error::JournalVersion { version: 2, .. }), "{error}");
}

#[test]
fn somebody_elses_file_is_no_journal_and_left_as_it_is() {
    let place = place();
    for bytes in [
        &b"-----BEGIN PRIVATE KEY-----"[..],
        b"-----BEGIN PRIVATE KEY-----\nMII",
        b"\0\0\0\0",
        b"\n",
        b"{\"journal\":\"x\"}",
        &[b'x'; 100_000],
    ] {
        let error = resume(&place.path, bytes).unwrap_err();
        assert!(matches!(error, Error::NoJournal { .. }), "{error}");
        assert!(std::fs::read(&place.path).unwrap() == bytes);
    }
    let folder = place.path.parent().unwrap();
    for path in [folder, Path::new("/dev/full"), &folder.join("absent/run.journal")] {
        let error = Journal::resume(path, &binding()).unwrap_err();
        assert!(matches!(error, Error::Journal { .. }), "{error}");
    }
}

#[test]
fn a_second_run_on_it_is_refused_while_the_first_has_it() {
    let place = place();
    let mut first = Journal::resume(&place.path, &binding()).unwrap();
    assert!(first.found().is_new);
    let in_use = |outcome: Result<Journal, Error>| assert!(matches!(outcome.unwrap_err(), Error::JournalInUse { .. }));
    in_use(Journal::resume(&place.path, &binding()));
    // Under another name too, and before anything is said of what it is of.
    #[cfg(unix)]
    {
        let link = place.path.with_file_name("link");
        std::os::unix::fs::symlink(&place.path, &link).unwrap();
        in_use(Journal::resume(&link, &Binding { plan: [0; 32], ..binding() }));
    }
    first.append(&begin(0)).unwrap();
    drop(first);
    let second = Journal::resume(&place.path, &binding()).unwrap();
    assert_eq!(second.state_of(0), Some(State::Begun));
    drop(second);
    let error = Journal::create(&place.path, &binding()).unwrap_err();
    assert!(matches!(error, Error::JournalExists { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone_and_a_link_leads_to_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = place();
    drop(Journal::create(&place.path, &binding()).unwrap());
    assert_eq!(place.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let link = place.path.with_file_name("link");
    symlink(&place.path, &link).unwrap();
    let mut journal = Journal::resume(&link, &binding()).unwrap();
    journal.append(&begin(0)).unwrap();
    drop(journal);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(Journal::resume(&place.path, &binding()).unwrap().found().records, 1);
    let astray = place.path.with_file_name("astray");
    symlink("nowhere", &astray).unwrap();
    for error in [Journal::resume(&astray, &binding()).unwrap_err(), Journal::create(&astray, &binding()).unwrap_err()]
    {
        assert!(error.to_string().contains("a link that leads nowhere"), "{error}");
    }
}

#[test]
fn the_end_is_recorded_and_what_comes_after_it_opens_it_again() {
    let place = place();
    let mut journal = Journal::create(&place.path, &binding()).unwrap();
    for record in records() {
        journal.append(&record).unwrap();
    }
    assert!(!journal.has_ended());
    journal.finish().unwrap();
    let mut journal = Journal::resume(&place.path, &binding()).unwrap();
    assert!(journal.has_ended());
    assert_eq!(journal.found().records, 8);
    assert!(std::fs::read_to_string(&place.path).unwrap().lines().last().unwrap().starts_with("{\"end\":4} "));
    journal.append(&done(0, Outcome::Imported)).unwrap();
    assert!(!journal.has_ended());
    drop(journal);
    assert!(!Journal::resume(&place.path, &binding()).unwrap().has_ended());
}

#[test]
fn what_is_beyond_the_bounds_is_not_taken() {
    let place = place();
    let mut journal = Journal::create(&place.path, &binding()).unwrap();
    let before = std::fs::read(&place.path).unwrap();
    assert!(matches!(journal.append(&begin(MAX_ENTRIES)).unwrap_err(), Error::JournalWrite { .. }));
    let long = "x".repeat(70_000);
    let record = Record::Begin { entry: 0, name: &long, identity: &[] };
    assert!(matches!(journal.append(&record).unwrap_err(), Error::JournalWrite { .. }));
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
    // A message is cut short instead: what failed must be recorded.
    journal
        .append(&Record::Failed { entry: 0, name: "a", status: Status::NTE_FAIL, message: &"é".repeat(70_000) })
        .unwrap();
    journal.append(&begin(MAX_ENTRIES - 1)).unwrap();
    drop(journal);
    let journal = Journal::resume(&place.path, &binding()).unwrap();
    assert_eq!((journal.state_of(0), journal.state_of(MAX_ENTRIES - 1)), (Some(State::Failed), Some(State::Begun)));
}

const FULL: &str = "CNG11_TEST_JOURNAL_ON_A_FULL_DISK";

/// Run in a process of its own, whose files may not grow beyond some blocks: a write beyond that fails as on a full disk.
#[test]
fn on_a_full_disk() {
    let Some(path) = std::env::var_os(FULL).map(PathBuf::from) else { return };
    let mut journal = Journal::create(&path, &binding()).unwrap();
    journal.set_syncing(Syncing { every: 3, begins: true });
    let mut entry = 0;
    let error = loop {
        match journal.append(&done(entry, Outcome::Imported)) {
            Ok(()) => entry += 1,
            Err(error) => break error,
        }
        assert!(entry < 10_000, "nothing bounds the file");
    };
    let Error::JournalWrite { path: named, .. } = &error else { panic!("{error}") };
    assert_eq!(*named, path);
    assert_eq!((journal.state_of(entry), journal.state_of(entry - 1)), (None, Some(State::Done(Outcome::Imported))));
    journal.append(&done(entry, Outcome::Imported)).unwrap_err();
    // A shorter record still fits or does not; either way the file stays whole.
    let _ = journal.append(&Record::End { entries: 1 });
    std::fs::write(path.with_extension("count"), entry.to_string()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_leaves_the_journal_whole() {
    let place = place();
    let test = format!("{}::on_a_full_disk", module_path!().split_once("::").unwrap().1);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]);
    let status =
        shell.arg(std::env::current_exe().unwrap()).args(["--exact", &test]).env(FULL, &place.path).output().unwrap();
    assert!(status.status.success(), "{status:?}");
    let count: u32 = std::fs::read_to_string(place.path.with_extension("count")).unwrap().parse().unwrap();
    assert!(count > 5, "{count}");
    let mut journal = Journal::resume(&place.path, &binding()).unwrap();
    assert_eq!((journal.found().torn, journal.counts().done), (0, count));
    journal.append(&done(count, Outcome::Imported)).unwrap();
    drop(journal);
    assert_eq!(Journal::resume(&place.path, &binding()).unwrap().counts().done, count + 1);
}
