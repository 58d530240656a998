//! Thousands of keys.
//!
//! Owns the [`words`] that the command line and a manifest have in common.
//!
//! It stands above [`provider`](crate::provider), to which it leaves everything that happens to one key.

pub mod words;
