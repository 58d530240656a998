//! Lines with check digits, each of which depends on all before it.

use std::fs::File;
use std::io::{Error, Result, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

const DIGITS: usize = 16;

/// What the check digits of the next line depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain([u8; DIGITS]);

impl Chain {
    pub(super) fn new() -> Self {
        Self([b'0'; DIGITS])
    }

    fn after(self, json: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(self.0).chain_update(json).finalize();
        let mut digits = [b'0'; DIGITS];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
            for (digit, half) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = if half < 10 { b'0' + half } else { b'a' + half - 10 };
            }
        }
        Self(digits)
    }

    /// The next line, and what comes after it.
    pub(super) fn line(self, json: &str) -> (Vec<u8>, Self) {
        let next = self.after(json.as_bytes());
        ([json.as_bytes(), b" ", &next.0, b"\n"].concat(), next)
    }

    /// The object of the next line, if its digits fit.
    pub(super) fn take<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        let line = line.strip_suffix(b"\n")?;
        let (json, digits) = line.split_at_checked(line.len().checked_sub(DIGITS + 1)?)?;
        let next = self.after(json);
        if digits.strip_prefix(b" ")? != next.0 {
            return None;
        }
        *self = next;
        Some(json)
    }
}

/// What lines are written to.
pub(super) trait Store {
    /// Writes at the end.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Makes durable what was written.
    fn sync(&mut self) -> Result<()>;
    /// Leaves so many bytes, behind which is written from now on.
    fn cut(&mut self, length: u64) -> Result<()>;
}

impl Store for File {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        if self.metadata()?.len() != length {
            self.set_len(length)?;
        }
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

/// Lines that are appended to.
#[derive(Debug)]
pub(super) struct Log<S> {
    store: S,
    chain: Chain,
    /// Bytes of the lines that are whole.
    length: u64,
    unsynced: u32,
    /// Something went wrong that leaves it unknown what stands there.
    is_lost: bool,
}

impl<S: Store> Log<S> {
    /// Goes on behind `length` bytes.
    pub(super) fn new(store: S, chain: Chain, length: u64) -> Self {
        Self { store, chain, length, unsynced: 0, is_lost: false }
    }

    /// Cuts off what stands behind the last whole line. That is something to sync, too.
    pub(super) fn cut(&mut self) -> Result<()> {
        self.unsynced = self.unsynced.max(1);
        self.store.cut(self.length)
    }

    /// Appends a line. One that cannot be written whole is taken away again, so that the next attempt finds what this one found.
    pub(super) fn append(&mut self, json: &str) -> Result<()> {
        self.check()?;
        let (line, next) = self.chain.line(json);
        if let Err(error) = self.store.write(&line) {
            // If it stays it is a torn last line, and has to be the last one.
            self.is_lost = self.cut().is_err();
            return Err(error);
        }
        self.chain = next;
        self.length += line.len() as u64;
        self.unsynced += 1;
        Ok(())
    }

    /// Makes the lines durable. After a failure the system may have dropped them, and say no more of it at the next attempt.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.check()?;
        if self.unsynced == 0 {
            return Ok(());
        }
        self.store.sync().inspect_err(|_| self.is_lost = true)?;
        self.unsynced = 0;
        Ok(())
    }

    /// How many lines were appended since they were last made durable.
    pub(super) fn unsynced(&self) -> u32 {
        self.unsynced
    }

    fn check(&self) -> Result<()> {
        if self.is_lost {
            Err(Error::other("an earlier failure has left it unknown what stands in it"))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
