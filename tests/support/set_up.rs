//! Fresh tokens of other makers, in a test's directory.

use super::{Run, TestToken, tool};

/// Kryoptic, with a database of its own.
pub(crate) fn kryoptic(token: &mut TestToken) {
    let database = token.path_text("token.sql");
    let text = format!("[[slots]]\nslot = 0\ndbtype = \"sqlite\"\ndbargs = \"{database}\"\n");
    let path = token.file("kryoptic.conf", text);
    token.set("KRYOPTIC_CONF", path);
    token.cng11(&["token", "init", "--label", TestToken::LABEL]).ok();
}

/// NSS's softokn, which is told its folder as it is initialised.
pub(crate) fn nss(token: &mut TestToken) {
    let folder = format!("sql:{}", token.path_text("nss"));
    std::fs::create_dir(token.path("nss")).expect("a folder can be made");
    let pin = token.file("pin", TestToken::PIN);
    let mut command = tool("certutil");
    command.args(["-N", "-d", &folder, "-f", &pin]);
    Run::of(command, None).ok();
    let init = format!("configdir='{folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=");
    token.set("CNG11_MODULE_INIT", init);
    token.set("CNG11_TOKEN", "NSS Certificate DB");
}
