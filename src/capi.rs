//! The C library: `ncrypt.h` and `bcrypt.h` over a token.
//!
//! Owns what lies between C and the safe layer: handles, pointers, lengths, strings, flags of padding, status codes, and the settings where there is no command line. It has no
//! logic of keys. What the functions do is Microsoft's documentation of them; what differs is in `docs/coming-from-windows.md`.
//!
//! # Rules that hold for every function
//!
//! - **Pointers.** What a function is given it only reads, and only during the call; nothing of it is kept. What it writes are the caller's own variables and buffers.
//!   A pointer that the table of a function does not call optional must not be NULL: `NTE_INVALID_PARAMETER` (`STATUS_INVALID_PARAMETER`).
//!   What a function allocates for the caller (`NCryptEnumKeys`, `NCryptEnumAlgorithms`, `NCryptEnumStorageProviders`) is freed by `NCryptFreeBuffer`; any other pointer there is refused.
//! - **Sizes.** With a NULL output buffer the size is asked: the call succeeds, `*pcbResult` is what is needed, and nothing else happens. A buffer that is too small,
//!   zero bytes among them, is `NTE_BUFFER_TOO_SMALL` (`STATUS_BUFFER_TOO_SMALL`) with the needed size in `*pcbResult`. The functions that derive a key cut it to the buffer.
//! - **Handles** are numbers in a table of generations: one that was freed, is of another kind, or never was one is `NTE_INVALID_HANDLE` (`STATUS_INVALID_HANDLE`). A key lives as long as
//!   its own handle, whatever becomes of the provider's.
//! - **Threads.** Every function may be called from any thread at any time, with the same handles too. Signing, verifying, encrypting and decrypting with one key go side by side;
//!   changes of a key wait for each other. A handle that one thread frees while another uses it stays alive until that use ends.
//! - **Errors.** [`cng11_last_error`](last_error::cng11_last_error) says in words what the last failed call of the thread failed for. A defect of this library is `NTE_INTERNAL_ERROR`, not a crash.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the C library is for 64-bit machines: its handles carry a generation beside their number");

pub mod bcrypt;
mod buffer;
mod guard;
mod handles;
pub mod last_error;
pub mod ncrypt;
mod output;
mod padding;
mod provider;
pub mod storage_interface;
pub mod structures;
