//! The programs of others: openssl, pkcs11-tool, p11tool, and SoftHSM2's library.

use std::path::PathBuf;
use std::process::Command;

use cng_pkcs11::token::Module;

use super::Run;

/// What to do when one of them is missing. A missing program fails a test, it never passes it.
pub(crate) fn install_hint() -> &'static str {
    "what the tests need is installed by: apt-get install softhsm2 opensc opensc-pkcs11 gnutls-bin openssl python3-cryptography"
}

/// A program of others, or a failure that says how to install it.
pub(crate) fn tool(name: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    assert!(found, "`{name}` is not installed; {}", install_hint());
    Command::new(name)
}

/// SoftHSM2's library, from the places that the library knows.
pub(crate) fn softhsm_module() -> PathBuf {
    Module::locate(None, None).unwrap_or_else(|error| panic!("SoftHSM2 is not installed ({error}); {}", install_hint()))
}

/// Runs openssl with these arguments, and expects it to succeed.
#[track_caller]
pub(crate) fn openssl<S: AsRef<std::ffi::OsStr>>(arguments: &[S], input: Option<&[u8]>) -> Vec<u8> {
    let mut command = tool("openssl");
    command.args(arguments);
    Run::of(command, input).ok().stdout
}

/// The module of `examples/strict_hsm.rs`, which cargo builds beside the tests.
pub(crate) fn strict_hsm() -> PathBuf {
    example(&format!("{}strict_hsm{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX))
}

/// What cargo makes of an example, by the name of its file.
pub(crate) fn example(file: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its program");
    let folder = own.parent().and_then(std::path::Path::parent).expect("it is in target/*/deps").join("examples");
    let made = folder.join(file);
    assert!(made.is_file(), "{} is not built: cargo build --all-features --examples", made.display());
    made
}
