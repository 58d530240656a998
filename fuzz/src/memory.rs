//! How much memory a decoder takes.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `work`, and tells how many bytes were allocated at most, at one time, beyond those that already were.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let outcome = work();
    (outcome, ALLOCATOR.peak_usage().saturating_sub(before))
}
