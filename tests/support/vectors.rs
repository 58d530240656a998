//! The files of `tests/vectors`, by name and by their rows in the manifest.

use std::path::{Path, PathBuf};

/// One row of `manifest.tsv`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) algorithm: String,
    pub(crate) bits: u64,
    pub(crate) curve: Option<String>,
}

impl Row {
    /// The blob type or format behind the magic that the vectors name in front of it.
    pub(crate) fn format(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or(&self.kind)
    }
}

/// Where a vector is.
pub(crate) fn vector_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("vectors").join(name)
}

/// A vector's bytes.
#[track_caller]
pub(crate) fn vector(name: &str) -> Vec<u8> {
    std::fs::read(vector_path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A vector's path as an argument.
pub(crate) fn vector_text(name: &str) -> String {
    vector_path(name).to_str().expect("the path is UTF-8").to_owned()
}

/// The vectors that are described in the manifest, without those of others in its subdirectories.
pub(crate) fn manifest() -> Vec<Row> {
    let text = String::from_utf8(vector("manifest.tsv")).expect("the manifest is UTF-8");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        Row {
            file: cells[0].to_owned(),
            key: cells[1].to_owned(),
            kind: cells[2].to_owned(),
            algorithm: cells[3].to_owned(),
            bits: cells[4].parse().expect("bits are a number"),
            curve: (cells[5] != "-").then(|| cells[5].to_owned()),
        }
    };
    text.lines().skip(1).map(row).filter(|row| !row.file.contains('/')).collect()
}

/// A number of a key, from `numbers.tsv`.
#[track_caller]
pub(crate) fn number(key: &str, field: &str) -> Vec<u8> {
    let text = String::from_utf8(vector("numbers.tsv")).expect("the table is UTF-8");
    let prefix = format!("{key}\t{field}\t");
    let hex = text.lines().find_map(|line| line.strip_prefix(&prefix)).expect("the number is in the table");
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}
