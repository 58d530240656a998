//! What a run over many keys reads: manifests and journals.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use cng_pkcs11::bulk::Error;
use cng_pkcs11::bulk::journal::{Binding, Job, Journal, Record};
use cng_pkcs11::bulk::manifest::{Form, Manifest};
use sha2::{Digest, Sha256};

use super::MARGIN;
use crate::memory;

/// Manifests: every entry that was read is written as a line that means the same, whatever it was written in.
pub fn manifest(data: &[u8], form: Form) {
    let open = |text: Vec<u8>, form| Manifest::read(Cursor::new(text), Path::new("folder/manifest"), Some(form));
    let (lines, peak) = memory::peak(|| {
        let mut manifest = open(data.to_vec(), form).expect("a text that is there");
        let mut lines = Vec::new();
        for entry in &mut manifest {
            match entry {
                Ok(entry) => lines.push(entry.to_json()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        assert!(lines.len() <= manifest.entries() as usize);
        (lines, manifest.digest())
    });
    // A line has all members' names, which a CSV says once.
    assert!(peak <= 64 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
    let (lines, digest) = lines;
    let text = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    let mut again = open(text, Form::JsonLines).expect("a text that is there");
    let read: Vec<String> = (&mut again).map(|entry| entry.expect("what was written is read").to_json()).collect();
    assert_eq!(read, lines, "other entries");
    if let Some(digest) = digest {
        assert_eq!(again.digest(), Some(digest), "the same entries have another digest");
    }
}

/// Journals: the input as a file, and its lines as the records of a file whose check digits fit.
pub fn journal(data: &[u8]) {
    let place = Place::new();
    fs::write(&place.0, data).expect("a file");
    match Journal::resume(&place.0, &binding()) {
        Ok(journal) => drop(journal),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(fs::read(&place.0).expect("the file"), data, "a refusal has changed the file");
        }
    }
    fs::remove_file(&place.0).expect("the file");
    drop(Journal::create(&place.0, &binding()).expect("a journal"));
    let mut text = fs::read(&place.0).expect("the file");
    for line in data.split(|byte| *byte == b'\n') {
        let digits = text.strip_suffix(b"\n").and_then(<[u8]>::last_chunk::<16>).expect("a line");
        let digest = Sha256::new().chain_update(digits).chain_update(line).finalize();
        let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        text.extend([line, b" ", digits.as_bytes(), b"\n"].concat());
    }
    fs::write(&place.0, &text).expect("a file");
    match Journal::resume(&place.0, &binding()) {
        Ok(mut journal) => {
            let found = journal.found();
            assert!(!found.is_new && found.torn == 0);
            let before = journal.counts();
            journal.append(&Record::End { entries: 7 }).expect("one more");
            drop(journal);
            let again = Journal::resume(&place.0, &binding()).expect("what was written is read");
            assert!(again.has_ended() && again.counts() == before);
        }
        Err(error) => assert!(matches!(error, Error::JournalDamaged { .. }), "{error}"),
    }
}

fn binding() -> Binding {
    Binding { job: Job::Import, tokens: Vec::new(), plan: [7; 32], options: BTreeMap::new() }
}

/// A file of this process's, in memory where there is such a folder.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let place = folder.join(format!("cng11-fuzz-{}.journal", std::process::id()));
        let _ = fs::remove_file(&place);
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
