//! Thousands of keys.
//!
//! Owns runs over many keys: [`import`] of what a [`manifest`] names, [`export`] into a folder, [`migrate`] from token to token; the [`journal`], which
//! remembers what was done, so that a run that was cut short goes on where it stood; the threads, each with a session of its own; what is done where a name is taken; and the [`words`] that
//! the command line and a manifest have in common. Manifest and journal are read as streams: what they take of memory does not grow with the text of their entries.
//!
//! It stands above [`provider`](crate::provider), to which it leaves everything that happens to one key.

mod collision;
mod error;
pub mod export;
pub mod file;
pub mod import;
pub mod journal;
mod lines;
pub mod manifest;
pub mod migrate;
mod promises;
mod report;
mod run;
pub mod select;
pub mod words;
mod work;

pub use self::collision::Collision;
pub use self::error::Error;
pub use self::promises::Promises;
pub use self::report::{Event, KeyDone, Summary};
pub use self::work::Effort;

/// The most entries of a manifest, and of a run.
pub const MAX_ENTRIES: u32 = 1_000_000;
