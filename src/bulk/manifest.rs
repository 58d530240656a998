//! What a bulk import is to import: a manifest, or a folder of key files.
//!
//! Owns the two forms of a manifest, what an [`Entry`] may say (one table for both forms), and the digest by which a journal knows that it is the same
//! manifest again. It is read as a stream: of the entries that were read nothing is kept but eight bytes for each name (and the line that it stands in), so that
//! two entries of one name are found. Where one reads wrong the next one can still be read, so that all that is wrong can be told at once; after a fault that hides
//! where the next entry begins, nothing more comes.
//!
//! | form | recognised by | an entry |
//! |---|---|---|
//! | JSON lines | `.jsonl`, `.ndjson`, `.json`; else a `{` as its first character that is no white space | an object in one line |
//! | CSV | `.csv`; else anything else | a record (RFC 4180) under a first one that names the columns; an empty cell says nothing |
//! | folder | that it is one | a file, in the order of their names; the key is named like the file without its last extension |
//!
//! A folder in which a `manifest.jsonl` or a `manifest.csv` stands means this manifest. Otherwise every file in it is a key file, but for those whose name begins with a dot;
//! folders in it are passed over.
//!
//! Paths in a manifest are relative to its folder, that of `file:PATH` as a source of passwords too.
//!
//! Refused: members and columns that are not known, those that stand there twice, text that is not UTF-8, NUL anywhere, entries of more than 64 KiB, more than
//! [`MAX_ENTRIES`] entries; passwords themselves, and sources of passwords that somebody would have to answer or that can be read once.

mod csv;
mod directory;
mod entry;
mod json;
mod password;

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use self::entry::Entry;
pub use self::password::PasswordSource;

use self::entry::{COLUMNS, Column};
use super::{Error, MAX_ENTRIES, words};

/// How a manifest is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// An object of JSON in each line.
    JsonLines,
    /// A table with commas.
    Csv,
    /// No manifest: a folder of key files.
    Folder,
}

impl Form {
    /// The form that a file name implies.
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// The manifests that a folder can hold.
pub const IN_A_FOLDER: [&str; 2] = ["manifest.jsonl", "manifest.csv"];

type Text = Box<dyn BufRead + Send>;

/// A manifest that is being read: an iterator over its entries.
pub struct Manifest {
    path: PathBuf,
    folder: PathBuf,
    source: Source,
    names: Names,
    digest: Sha256,
    read: u32,
    is_over: bool,
    is_whole: bool,
}

enum Source {
    Json(json::Reader<Text>),
    Csv(csv::Reader<Text>),
    Folder(directory::Files),
}

impl Manifest {
    /// Opens a manifest or a folder.
    ///
    /// # Errors
    /// [`Error::Manifest`] where it cannot be read, [`Error::SameStem`] of a folder.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |error| Error::unreadable(path, &error);
        if !path.metadata().map_err(unreadable)?.is_dir() {
            let text = BufReader::with_capacity(64 << 10, File::open(path).map_err(unreadable)?);
            return Self::read(text, path, Form::of_name(path));
        }
        let inside: Vec<PathBuf> =
            IN_A_FOLDER.iter().map(|name| path.join(name)).filter(|path| path.is_file()).collect();
        match inside.as_slice() {
            [] => Ok(Self::new(path, path, Source::Folder(directory::Files::list(path)?))),
            [manifest] => Self::open(manifest),
            _ => {
                let problem = format!("it holds both {}", IN_A_FOLDER.join(" and "));
                Err(Error::manifest(path, problem, "name the one that is meant"))
            }
        }
    }

    /// Reads a manifest from elsewhere. `path` names it in messages, and its folder is what relative paths are relative to; without a form, the text shows it.
    ///
    /// # Errors
    /// [`Error::Manifest`] where it cannot be read.
    pub fn read(text: impl BufRead + Send + 'static, path: &Path, form: Option<Form>) -> Result<Self, Error> {
        let mut text: Text = Box::new(text);
        let form = form.map_or_else(|| recognise(&mut text), Ok).map_err(|error| Error::unreadable(path, &error))?;
        let source = match form {
            Form::JsonLines => Source::Json(json::Reader::new(text)),
            Form::Csv => Source::Csv(csv::Reader::new(text)),
            Form::Folder => return Err(Error::manifest(path, "a folder is no text", "give its path")),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Ok(Self::new(path, folder, source))
    }

    fn new(path: &Path, folder: &Path, source: Source) -> Self {
        Self {
            path: path.to_owned(),
            folder: folder.to_owned(),
            source,
            names: Names::default(),
            digest: Sha256::new(),
            read: 0,
            is_over: false,
            is_whole: true,
        }
    }

    /// The manifest that is read: where it was found, if that was in a folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is written.
    pub fn form(&self) -> Form {
        match self.source {
            Source::Json(_) => Form::JsonLines,
            Source::Csv(_) => Form::Csv,
            Source::Folder(_) => Form::Folder,
        }
    }

    /// How many folders stand in the folder, which are passed over.
    pub fn folders_passed_over(&self) -> u32 {
        match &self.source {
            Source::Folder(files) => files.folders,
            _ => 0,
        }
    }

    /// How many entries were read, those that read wrong included.
    pub fn entries(&self) -> u32 {
        self.read
    }

    /// SHA-256 over the entries in their order, each as [`Entry::to_json`] writes it and a line feed. What is spelled otherwise and means the same has the same digest,
    /// and so have JSON lines and CSV. `None` until all were read, and if one of them read wrong.
    pub fn digest(&self) -> Option<[u8; 32]> {
        (self.is_over && self.is_whole).then(|| self.digest.clone().finalize().into())
    }

    fn entry(&mut self, raw: Raw) -> Result<Entry, Error> {
        let fault = |line, member: &str, problem: String, hint| {
            let member = Some(member.to_owned()).filter(|member| !member.is_empty());
            Error::Entry { path: self.path.clone(), line, member, problem, hint }
        };
        let mut entry =
            Entry { number: self.read - 1, line: raw.line, folder: self.folder.clone(), ..Entry::default() };
        for Cell { column, text, line } in raw.cells {
            let outcome = if text.contains('\0') {
                Err("it contains a NUL character".to_owned())
            } else {
                (column.set)(&mut entry, &text)
            };
            outcome.map_err(|problem| fault(line, column.name, problem, column.hint))?;
        }
        entry.check().map_err(|(member, problem, hint)| fault(raw.line, member, problem.to_owned(), hint))?;
        if let Some(name) = &entry.name
            && let Some(first) = self.names.first(name.as_str(), raw.line)
        {
            let name = name.to_string();
            return Err(Error::DuplicateName { path: self.path.clone(), line: raw.line, first, name });
        }
        Ok(entry)
    }

    fn next_entry(&mut self) -> Option<Result<Entry, Error>> {
        let raw = match &mut self.source {
            Source::Json(reader) => reader.next(),
            Source::Csv(reader) => reader.next(),
            Source::Folder(files) => {
                let mut entry = files.next(&self.folder)?;
                entry.number = self.read;
                self.read += 1;
                return Some(Ok(entry));
            }
        };
        let outcome = match raw {
            Ok(None) => return None,
            Ok(Some(_)) if self.read == MAX_ENTRIES => {
                self.is_over = true;
                Err(Error::manifest(
                    &self.path,
                    format!("it has more than {MAX_ENTRIES} entries"),
                    "make several of it",
                ))
            }
            Ok(Some(raw)) => {
                self.read += 1;
                self.entry(raw)
            }
            Err(Fault::Text(error)) => {
                self.is_over = true;
                Err(Error::unreadable(&self.path, &error))
            }
            Err(Fault::Entry { line, member, problem, hint, is_last }) => {
                self.is_over = is_last;
                self.read += u32::from(self.read < MAX_ENTRIES);
                Err(Error::Entry { path: self.path.clone(), line, member, problem, hint })
            }
        };
        Some(outcome)
    }
}

impl Iterator for Manifest {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.next_entry();
        match &next {
            None => self.is_over = true,
            Some(Err(_)) => self.is_whole = false,
            Some(Ok(entry)) => {
                self.digest.update(entry.to_json());
                self.digest.update(b"\n");
            }
        }
        next
    }
}

/// The names that stood there, and in which line: as a number that no other name is likely to have (once in forty million manifests of a million names), and that nobody
/// can know beforehand.
#[derive(Default)]
struct Names {
    hasher: RandomState,
    lines: HashMap<u64, u64>,
}

impl Names {
    /// In which line the name stood before.
    fn first(&mut self, name: &str, line: u64) -> Option<u64> {
        match self.lines.entry(self.hasher.hash_one(name)) {
            std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(line);
                None
            }
        }
    }
}

/// What stands in an entry, before it is known what it means.
struct Raw {
    line: u64,
    cells: Vec<Cell>,
}

struct Cell {
    column: &'static Column,
    text: String,
    line: u64,
}

/// What is wrong with a text.
enum Fault {
    /// It cannot be read.
    Text(std::io::Error),
    /// One entry; with `is_last` it is not known where the next one begins.
    Entry { line: u64, member: Option<String>, problem: String, hint: &'static str, is_last: bool },
}

impl Fault {
    fn new(line: u64, problem: impl Into<String>, hint: &'static str) -> Self {
        Self::Entry { line, member: None, problem: problem.into(), hint, is_last: false }
    }

    fn about(self, name: &str) -> Self {
        match self {
            Self::Entry { line, problem, hint, is_last, .. } => {
                Self::Entry { line, member: Some(name.to_owned()), problem, hint, is_last }
            }
            other => other,
        }
    }

    fn last(self) -> Self {
        match self {
            Self::Entry { line, member, problem, hint, .. } => {
                Self::Entry { line, member, problem, hint, is_last: true }
            }
            other => other,
        }
    }
}

const TOO_LONG: &str = "it is longer than 64 KiB";
const TOO_LONG_HINT: &str = "no entry is that long: the file is no manifest, or a quotation mark is missing";
const NOT_UTF_8: &str = "it is not UTF-8";
const NOT_UTF_8_HINT: &str = "save the manifest as UTF-8";

/// The column of a name.
fn column(name: &str, kind: &str) -> Result<&'static Column, String> {
    let names = || COLUMNS.iter().map(|column| column.name);
    COLUMNS.iter().find(|column| column.name == name).ok_or_else(|| words::unknown(kind, name, names))
}

/// A name that nobody vouches for, as a message may repeat it.
fn repeated(name: &str) -> String {
    const LONGEST: usize = 64;
    name.chars().take(LONGEST).flat_map(char::escape_debug).collect()
}

/// The form of a text, from its first character that is no white space.
fn recognise(text: &mut Text) -> std::io::Result<Form> {
    loop {
        let seen = match text.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            outcome => outcome?,
        };
        let seen = seen.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(seen);
        let first = seen.iter().find(|byte| !byte.is_ascii_whitespace());
        return Ok(if first == Some(&b'{') { Form::JsonLines } else { Form::Csv });
    }
}
