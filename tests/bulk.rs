//! A run over many keys loses nothing: it is killed at random moments, its disk is full, its token fails at any call, a second run is in its way; and after the next run with `--resume`
//! each key is on the token once, complete and proven, and nothing else is. What a run without a journal does a second time is here too.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "the helpers of a test fail as the test does, and a seed is told"
)]

#[path = "kill/bench.rs"]
mod bench;
#[path = "bulk/disk.rs"]
mod disk;
#[path = "bulk/faults.rs"]
mod faults;
#[path = "bulk/journals.rs"]
mod journals;
#[path = "bulk/kills.rs"]
mod kills;
#[path = "bulk/leftovers.rs"]
mod leftovers;
#[path = "bulk/pool.rs"]
mod pool;
#[path = "bulk/repeats.rs"]
mod repeats;
#[path = "bulk/unseen.rs"]
mod unseen;
