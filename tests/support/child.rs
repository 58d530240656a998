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
    let program = std::env::current_exe().expect("a test knows its program");
    let mut command = token.command(&program);
    command.args(["--exact", &full_name(&program, name), "--nocapture"]).env(MARK, token.module());
    let run = Run::of(command, None).ok();
    // A name that is no test's would pass by running nothing.
    assert!(run.text().contains("1 passed"), "`{name}` is not the name of a test: {}", run.text());
    Some(token)
}

/// The name of a test with the modules in front of it.
fn full_name(program: &Path, name: &str) -> String {
    let listed = std::process::Command::new(program).args(["--list", "--format", "terse"]).output();
    let listed = String::from_utf8(listed.expect("a test program lists its tests").stdout).expect("names are UTF-8");
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let mut fitting = names.filter(|full| full.rsplit("::").next() == Some(name));
    match (fitting.next(), fitting.next()) {
        (Some(full), None) => full.to_owned(),
        (None, _) => panic!("`{name}` is not the name of a test"),
        (Some(_), Some(_)) => panic!("`{name}` is the name of several tests"),
    }
}

/// A provider on the only token of the module.
pub(crate) fn provider(module: &Path) -> StorageProvider {
    let module = Module::load(module).expect("the module can be loaded");
    let info = module.select(None).expect("there is one token");
    let token = Token::open(module, info, Access::ReadWrite).expect("the token can be opened");
    token.login(&Pin::from(SecretString::from(TestToken::PIN))).expect("the PIN is right");
    StorageProvider::new(token)
}
