//! What a file that cannot be read most looks like.

use super::{Error, Format};
use crate::blob::Hints;

/// One guess.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Guess {
    /// What the file could be.
    pub format: Format,
    /// Up to where it makes sense as that, in bytes from its start.
    pub offset: usize,
    /// Where it stops making sense; `None` if it does not.
    pub error: Option<Error>,
}

/// The formats that a file could be, the likeliest first.
pub fn diagnose(_bytes: &[u8], _hints: &Hints<'_>) -> Vec<Guess> {
    Vec::new()
}
