//! What has to do with the command, with tokens, or with other programs. One program, since each costs its linking; each file is a subject of its own.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../common/nist_kw.rs"]
mod nist_kw;
#[path = "../common/vectors.rs"]
mod vectors;

mod asn1_more;
mod cli_attribute;
mod cli_bad_input;
mod cli_byok;
mod cli_commands;
mod cli_convert;
mod cli_curves_without_token;
mod cli_explain;
mod cli_foreign_keys;
mod cli_policy;
mod cli_probe;
mod cli_rewrap;
mod cli_round_trip;
mod cli_schemes;
mod cli_signatures;
mod cli_use;
mod cli_wrap_attacks;
mod cli_wrap_blobs;
mod cli_wrap_rules;
mod cli_wrapped;
mod cms;
mod export_plans;
mod foreign_objects;
mod many_keys;
mod migrate;
mod personalities;
mod provider_bcrypt;
mod provider_buffers;
mod provider_crypto;
mod provider_library;
mod provider_properties;
mod routes;
mod transport;
mod wrap_on_token;
mod wrap_openssl;
