//! What the tests of the command and of the provider share: throwaway tokens, programs to run, and what they said.
//!
//! Each token lives in a temporary directory of its own with a SoftHSM2 configuration of its own, so that tests run in
//! parallel. Whatever `cng11` says is searched for the PIN and the other secrets of the test, in every test.

#![allow(dead_code, unused_imports, reason = "each test file uses its part of this")]

mod child;
#[path = "../common/der.rs"]
pub(crate) mod der;
pub(crate) mod matrix;
mod run;
pub(crate) mod set_up;
mod token;
mod tools;
mod vectors;
pub(crate) mod wrapping;

pub(crate) use self::child::{on_a_token, on_this_token, provider};
pub(crate) use self::run::{Run, contains};
pub(crate) use self::token::TestToken;
pub(crate) use self::tools::{example, install_hint, openssl, softhsm_module, strict_hsm, tool};
pub(crate) use self::vectors::{Row, manifest, number, vector, vector_path, vector_text};
