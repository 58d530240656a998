//! Tests of the library on a token: SoftHSM2 reads its environment once a process, so each test runs itself again in a
//! child process whose environment leads to a token of its own.

use std::path::Path;

use cng_pkcs11::provider::StorageProvider;
use cng_pkcs11::token::{Access, Module, Pin, Token};
use secrecy::SecretString;

use super::{Run, TestToken};

/// Set in the child.
const MARK: &str = "CNG11_TEST_CHILD";

/// Runs `body` with a provider on a fresh token, in a child process. `name` is the test's own name. In the parent the
/// token is handed out afterwards, so that it can be looked at from outside.
pub(crate) fn on_a_token(name: &str, body: impl FnOnce(StorageProvider)) -> Option<TestToken> {
    on_this_token(TestToken::new, name, body)
}

/// The same on a token of another kind.
pub(crate) fn on_this_token(
    make: impl FnOnce() -> TestToken,
    name: &str,
    body: impl FnOnce(StorageProvider),
) -> Option<TestToken> {
    if let Some(module) = std::env::var_os(MARK) {
        body(provider(Path::new(&module)));
        return None;
    }
    let token = make();
    let mut command = token.command(std::env::current_exe().expect("a test knows its program"));
    command.args(["--exact", name, "--nocapture"]).env(MARK, token.module());
    let run = Run::of(command, None).ok();
    // A name that is no test's would pass by running nothing.
    assert!(run.text().contains("1 passed"), "`{name}` is not the name of a test: {}", run.text());
    Some(token)
}

/// A provider on the only token of the module.
pub(crate) fn provider(module: &Path) -> StorageProvider {
    let module = Module::load(module).expect("the module can be loaded");
    let info = module.select(None).expect("there is one token");
    let token = Token::open(module, info, Access::ReadWrite).expect("the token can be opened");
    token.login(&Pin::from(SecretString::from(TestToken::PIN))).expect("the PIN is right");
    StorageProvider::new(token)
}
