//! Thousands of keys.
//!
//! Owns what a run over many keys needs beside the keys: the [`manifest`], which says what is to be done, entry by entry; the [`journal`], which
//! remembers what was done, so that a run that was cut short goes on where it stood; and the [`words`] that the command line and a manifest have in
//! common. Both files are read as streams: what they take of memory does not grow with the text of their entries.
//!
//! It stands above [`provider`](crate::provider), to which it leaves everything that happens to one key.

mod error;
pub mod journal;
mod lines;
pub mod manifest;
pub mod words;

pub use self::error::Error;

/// The most entries of a manifest, and of a run.
pub const MAX_ENTRIES: u32 = 1_000_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
