//! What a run over many keys has done, so that it can go on where it was cut short.
//!
//! Owns the journal's form, its lock, and what is durable when. It holds no secret: names, public identifiers, what became of each key.
//!
//! # Form
//!
//! Text, appended to and never changed. A line is a JSON object, a space, and 16 hexadecimal digits: the first eight bytes of SHA-256 over the digits of the line
//! before (sixteen zeros before the first) and the object. The first line says which run it is of ([`Binding`]); the others are [`Record`]s:
//!
//! ```text
//! {"journal":"cng11","version":1,"job":"import","tokens":[{"manufacturer":…,"model":…,"serial":…,"label":…}],"plan":"…","options":{…}} 5b2c…
//! {"begin":0,"name":"web","identity":"4f2a…"} 91d0…
//! {"done":0,"name":"web","outcome":"imported","unique":"pkcs11:…","verified":"signature"} 0c77…
//! {"failed":1,"name":"old","status":"NTE_BAD_DATA (0x80090005)","message":"…"} e3b1…
//! {"end":2} 77aa…
//! ```
//!
//! The file is made with mode 0600, through a link if one leads there, and locked while it is open: a second run on it is refused.
//!
//! # What is durable before what
//!
//! Each record is handed to the system as it is appended: a run that is killed loses none. The file is synced every [`Syncing::every`] records, by [`Journal::sync`] and by
//! [`Journal::finish`]: a machine that loses its power loses the records since. That is no more than a delay, since a resumed run looks at the token before it creates anything:
//!
//! - `begin` need not be durable before the token is written to. What is found on the token under the name is compared with the key in hand, by its public half, or by a
//!   check of the material; the identity in the record (the CKA_ID that was chosen for a symmetric key) makes that look-up cheap, and its loss costs the search. Where a token can
//!   neither show a symmetric key nor work with it, a power cut may thus leave a key that a resumed run cannot tell from another: [`Syncing::begins`] makes the identity durable first, at the
//!   price of a sync for each such key. The runs of this crate do not ask for it.
//! - `done` must not be appended before the key is on the token, read back and proven. A lost one costs a look.
//! - `end` comes last, and is synced.
//! - The header, and the file's name in its folder, are durable before the first record.
//!
//! # What goes wrong
//!
//! A record that cannot be written (a full disk) is cut off again, and what was there before stays: [`Error::JournalWrite`]. After a sync that failed nothing is known of the
//! records since the last one, and nothing more is taken. On opening, a last line without its line feed is one that was torn: it is cut off, and [`Found::torn`] says so. Any other line whose digits do
//! not fit is refused, and the file left as it is: it was changed, or the file system has lost something in the middle.

mod binding;
mod entries;
mod log;
mod reading;
mod record;

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use self::binding::{Binding, Job, TokenIdentity};
pub use self::entries::{Begun, Counts, State};
pub use self::record::{Outcome, Record};

use self::entries::Entries;
use self::log::{Chain, Log};
use self::reading::Reading;
use self::record::Read;
use super::{Error, MAX_ENTRIES};

/// When the journal is synced of its own accord.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Syncing {
    /// After so many records.
    pub every: u32,
    /// After each `begin` as well, before it is said to be appended.
    pub begins: bool,
}

impl Default for Syncing {
    fn default() -> Self {
        Self { every: 64, begins: false }
    }
}

/// What was found on opening.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// Whether the journal was begun just now.
    pub is_new: bool,
    /// How many records it holds.
    pub records: u64,
    /// How many bytes of a torn last line were cut off.
    pub torn: u64,
}

/// A journal that is open, and locked.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    log: Log<File>,
    entries: Entries,
    found: Found,
    syncing: Syncing,
}

impl Journal {
    /// Starts a journal where there is none.
    ///
    /// # Errors
    /// [`Error::JournalExists`], [`Error::JournalInUse`], [`Error::Journal`], [`Error::JournalWrite`].
    pub fn create(path: &Path, binding: &Binding) -> Result<Self, Error> {
        let mut options = options();
        options.create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists if path.exists() => Error::JournalExists { path: path.to_owned() },
            ErrorKind::AlreadyExists => {
                unusable(path, "it is a link that leads nowhere", "remove it, or name another file")
            }
            _ => unreadable(path, &error),
        })?;
        lock(&file, path)?;
        // Somebody else may have had it between the two.
        if file.metadata().map_err(|error| unreadable(path, &error))?.len() > 0 {
            return Err(Error::JournalExists { path: path.to_owned() });
        }
        let begun = Self::begin(path, file, binding, Found { is_new: true, ..Found::default() });
        if begun.is_err() {
            // It is this call's, and nothing is in it.
            let _ = std::fs::remove_file(path);
        }
        begun
    }

    /// Goes on with a journal of the same run, or starts one where there is none.
    ///
    /// # Errors
    /// [`Error::JournalInUse`]; [`Error::NoJournal`], [`Error::JournalVersion`], [`Error::JournalDamaged`] and [`Error::JournalOfAnother`], all of which leave the
    /// file as it is; [`Error::Journal`], [`Error::JournalWrite`].
    pub fn resume(path: &Path, binding: &Binding) -> Result<Self, Error> {
        match path.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::create(path, binding),
            Err(error) => return Err(unreadable(path, &error)),
            Ok(metadata) if !metadata.is_file() => {
                return Err(unusable(path, "it is not a regular file", "a journal is read again: name a file"));
            }
            Ok(_) => {}
        }
        let file = options().open(path).map_err(|error| unreadable(path, &error))?;
        lock(&file, path)?;
        let header = binding.to_json();
        let mut reading = Reading::new(path, binding);
        let torn = reading.read(&file)?;
        let found = Found { is_new: reading.length == 0, records: reading.records, torn: torn.len() as u64 };
        if reading.length == 0 {
            // Killed as it began; anything else without a line is somebody's file.
            if !Chain::new().line(&header).0.starts_with(&torn) {
                return Err(Error::NoJournal { path: path.to_owned() });
            }
            return Self::begin(path, file, binding, found);
        }
        let mut log = Log::new(file, reading.chain, reading.length);
        log.cut().and_then(|()| log.sync()).map_err(|error| failed(path, &error))?;
        // What is done from now on is not looked at again.
        let mut entries = reading.entries;
        (entries.keeps_begun, entries.keeps_names) = (false, false);
        Ok(Self { path: path.to_owned(), log, entries, found, syncing: Syncing::default() })
    }

    fn begin(path: &Path, file: File, binding: &Binding, found: Found) -> Result<Self, Error> {
        let mut log = Log::new(file, Chain::new(), 0);
        let started = log.cut().and_then(|()| log.append(&binding.to_json())).and_then(|()| log.sync());
        started.and_then(|()| sync_folder(path)).map_err(|error| failed(path, &error))?;
        let entries = Entries::default();
        Ok(Self { path: path.to_owned(), log, entries, found, syncing: Syncing::default() })
    }

    /// Says when it is to be synced of its own accord.
    pub fn set_syncing(&mut self, syncing: Syncing) {
        self.syncing = syncing;
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was there when it was opened.
    pub fn found(&self) -> Found {
        self.found
    }

    /// What is known of an entry, by its number.
    pub fn state_of(&self, entry: u32) -> Option<State> {
        self.entries.state(entry)
    }

    /// The keys of entries that were begun, and of which nothing says what became of them.
    pub fn unfinished(&self) -> impl Iterator<Item = (u32, &Begun)> {
        self.entries.unfinished()
    }

    /// What was recorded of a key of an entry that was begun and did not end; where an import goes on, also of one that was done.
    pub fn begun(&self, entry: u32, name: &str) -> Option<&Begun> {
        self.entries.begun(entry, name)
    }

    /// The names that an earlier run has given keys of this one, and of which entries, of a run that overwrites; they are kept no longer.
    pub(super) fn take_names(&mut self) -> HashMap<String, u32> {
        std::mem::take(&mut self.entries.names)
    }

    /// How many entries are in which state.
    pub fn counts(&self) -> Counts {
        self.entries.counts()
    }

    /// Whether the run came to its end, and nothing was recorded since.
    pub fn has_ended(&self) -> bool {
        self.entries.has_ended
    }

    /// Appends a record, and syncs if it is time.
    ///
    /// # Errors
    /// [`Error::JournalWrite`]: the record is not in the journal, or not known to be durable.
    pub fn append(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let json = record.to_json();
        let bounds = match record.entry() {
            Some(entry) if entry >= MAX_ENTRIES => Some(format!("entry {entry} is beyond {MAX_ENTRIES}")),
            _ if json.len() > record::MAX => Some("a record is too long".to_owned()),
            _ => None,
        };
        if let Some(problem) = bounds {
            return Err(Error::JournalWrite { path: self.path.clone(), problem });
        }
        self.log.append(&json).map_err(|error| failed(&self.path, &error))?;
        self.entries.take(&Read::from(record));
        let is_time = self.log.unsynced() >= self.syncing.every.max(1)
            || self.syncing.begins && matches!(record, Record::Begin { .. });
        if is_time { self.sync() } else { Ok(()) }
    }

    /// Makes durable what was appended.
    ///
    /// # Errors
    /// [`Error::JournalWrite`]: nothing is known of what was appended since the last time.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.log.sync().map_err(|error| failed(&self.path, &error))
    }

    /// Records that the run has come to its end, and makes everything durable.
    ///
    /// # Errors
    /// [`Error::JournalWrite`].
    pub fn finish(mut self) -> Result<(), Error> {
        let counts = self.counts();
        self.append(&Record::End { entries: counts.begun + counts.done + counts.failed })?;
        self.sync()
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::JournalInUse { path: path.to_owned() },
        TryLockError::Error(error) => {
            let hint = "without a lock two runs could write to it: put it on a local file system";
            unusable(path, format!("it cannot be locked: {error}"), hint)
        }
    })
}

/// Makes the name of a new file durable, where a folder can be synced.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        // A link leads to where the file was made.
        let path = path.canonicalize()?;
        File::open(path.parent().unwrap_or_else(|| Path::new("/")))?.sync_all()?;
    }
    Ok(())
}

fn unusable(path: &Path, problem: impl Into<String>, hint: &'static str) -> Error {
    Error::Journal { path: path.to_owned(), problem: problem.into(), hint }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    unusable(path, error.to_string(), "check the path and the permissions")
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::JournalWrite { path: path.to_owned(), problem: error.to_string() }
}
