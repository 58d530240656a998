//! Thousands of keys.
//!
//! Owns what a run over many keys needs beside the keys: the [`manifest`], which says what is to be done, entry by entry; and the [`words`] that the
//! command line and a manifest have in common. A manifest is read as a stream.
//!
//! It stands above [`provider`](crate::provider), to which it leaves everything that happens to one key.

mod error;
mod lines;
pub mod manifest;
pub mod words;

pub use self::error::Error;

/// The most entries of a manifest, and of a run.
pub const MAX_ENTRIES: u32 = 1_000_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
