//! A journal, read from its beginning to where it was cut short.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::super::Error;
use super::super::lines::{Line, Lines, MAX_LINE};
use super::binding::{self, Binding, Job};
use super::entries::Entries;
use super::log::Chain;
use super::{record, unreadable};

/// A journal that is being read.
pub(super) struct Reading<'a> {
    path: &'a Path,
    binding: &'a Binding,
    pub(super) chain: Chain,
    /// Bytes of the lines that were whole.
    pub(super) length: u64,
    pub(super) records: u64,
    pub(super) entries: Entries,
}

impl<'a> Reading<'a> {
    pub(super) fn new(path: &'a Path, binding: &'a Binding) -> Self {
        let mut entries = Entries::default();
        entries.keeps_begun = binding.job != Job::Export;
        entries.keeps_names = binding.overwrites();
        Self { path, binding, chain: Chain::new(), length: 0, records: 0, entries }
    }

    /// Reads all lines, and gives what stands behind the last one.
    pub(super) fn read(&mut self, file: &File) -> Result<Vec<u8>, Error> {
        let mut lines = Lines::new(BufReader::with_capacity(MAX_LINE, file));
        let mut line = Vec::new();
        loop {
            line.clear();
            let kind = lines.next(&mut line, MAX_LINE).map_err(|error| unreadable(self.path, &error))?;
            let number = lines.number;
            match kind {
                Line::End | Line::Unended => return Ok(line),
                Line::TooLong if number == 1 => return Err(Error::NoJournal { path: self.path.to_owned() }),
                Line::TooLong => return Err(self.damaged(number, "no record is that long")),
                Line::Whole if number == 1 => self.header(&line)?,
                Line::Whole => {
                    let json = self.checked(&line, number)?;
                    let record = record::read(json).ok_or_else(|| self.damaged(number, "it is no record"))?;
                    self.entries.take(&record);
                    self.records += 1;
                }
            }
            self.length += line.len() as u64;
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Error> {
        if !line.starts_with(binding::MAGIC) {
            return Err(Error::NoJournal { path: self.path.to_owned() });
        }
        let json = self.checked(line, 1)?;
        let path = || self.path.to_owned();
        let recorded = match binding::read(json) {
            binding::Header::Binding(recorded) => recorded,
            binding::Header::Version(version) => return Err(Error::JournalVersion { path: path(), version }),
            binding::Header::Wrong => return Err(self.damaged(1, "it does not say which run it is of")),
        };
        let differences = self.binding.differences(&recorded);
        if differences.is_empty() { Ok(()) } else { Err(Error::JournalOfAnother { path: path(), differences }) }
    }

    /// The object of a line whose digits fit.
    fn checked<'l>(&mut self, line: &'l [u8], number: u64) -> Result<&'l [u8], Error> {
        self.chain.take(line).ok_or_else(|| self.damaged(number, "its check digits do not fit"))
    }

    fn damaged(&self, line: u64, problem: &'static str) -> Error {
        Error::JournalDamaged { path: self.path.to_owned(), line, problem }
    }
}
