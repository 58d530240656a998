//! What needs no token. One program, since each costs its linking; each file is a subject of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

#[path = "../common/blobs.rs"]
mod blobs;
#[path = "../common/der.rs"]
mod der;
#[path = "../common/integers.rs"]
mod integers;
#[path = "../common/more.rs"]
mod more;
#[path = "../common/nist_kw.rs"]
mod nist_kw;
#[path = "../common/numbers.rs"]
mod numbers;
#[path = "../common/orders.rs"]
mod orders;
#[path = "../common/vectors.rs"]
mod vectors;

mod blob_buffers;
mod blob_hints;
mod blob_more;
mod blob_more_capi;
mod blob_more_properties;
mod blob_more_refusals;
mod blob_properties;
mod blob_refusals;
mod blob_vectors;
mod bulk_journal;
mod bulk_manifest;
mod cli_robustness;
mod convert_matrix;
mod ec_refusals;
mod format_bad;
mod format_files;
mod format_inspect;
mod format_jwk;
mod format_properties;
mod pbe;
mod pfx;
mod rfc8410;
mod rsa_completion;
mod rsa_refusals;
mod signatures;
mod wrap_nist;
mod wrap_properties;
mod wrap_vectors;
mod wrap_wycheproof;
mod wrapped_files;
mod wycheproof;
