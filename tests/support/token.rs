//! A throwaway SoftHSM2 token in a temporary directory, and the programs that use it.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

use super::{Run, contains, softhsm_module, strict_hsm, tool};

/// A token of one test. Its directory goes when it is dropped.
pub(crate) struct TestToken {
    directory: TempDir,
    module: PathBuf,
    /// What must not appear in anything that `cng11` says.
    secrets: RefCell<Vec<Vec<u8>>>,
    /// What the module finds in its environment besides.
    variables: Vec<(&'static str, OsString)>,
    /// Programs without which the token cannot be reached.
    servers: Vec<Child>,
    /// The PINs, of the user and of the security officer.
    pins: [String; 2],
    /// What keeps others away as long as this token is there, where the machine has one of its kind.
    turn: Option<MutexGuard<'static, ()>>,
    /// With what the lines begin that the module itself writes on stderr, where nothing silences it.
    chatter: &'static [&'static str],
}

impl Drop for TestToken {
    fn drop(&mut self) {
        // The one that was started last needs the others.
        for server in self.servers.iter_mut().rev() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl TestToken {
    pub(crate) const LABEL: &'static str = "test token";
    pub(crate) const PIN: &'static str = "upin-4711-xyzzy";
    pub(crate) const SO_PIN: &'static str = "sopin-0815-plugh";

    /// An initialised token.
    pub(crate) fn new() -> Self {
        let token = Self::blank();
        token.cng11(&["token", "init", "--label", Self::LABEL]).ok();
        token
    }

    /// A SoftHSM2 directory without an initialised token.
    pub(crate) fn blank() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        std::fs::create_dir(directory.path().join("tokens")).expect("a directory can be made");
        std::fs::create_dir(directory.path().join("tmp")).expect("a directory can be made");
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            directory.path().join("tokens").display()
        );
        std::fs::write(directory.path().join("softhsm2.conf"), configuration).expect("a file can be written");
        let secrets = RefCell::new(vec![Self::PIN.into(), Self::SO_PIN.into()]);
        let pins = [Self::PIN, Self::SO_PIN].map(str::to_owned);
        let (variables, servers) = (Vec::new(), Vec::new());
        Self { directory, module: softhsm_module(), secrets, variables, servers, pins, turn: None, chatter: &[] }
    }

    /// An initialised token of an HSM: SoftHSM2 behind `examples/strict_hsm.rs`, with the manners of this personality.
    pub(crate) fn strict(personality: &str) -> Self {
        let mut token = Self::new();
        let behind = std::mem::replace(&mut token.module, strict_hsm());
        token.set("STRICT_HSM", personality);
        token.set("STRICT_HSM_MODULE", behind);
        token
    }

    /// The same, under a name that is in no profile: what it wants must be found out.
    pub(crate) fn strict_and_unknown(personality: &str) -> Self {
        let mut token = Self::strict(personality);
        token.set("STRICT_HSM_TOKEN", "Nobody/Nothing");
        token
    }

    /// The same directory, and another module.
    pub(crate) fn with_module(mut self, module: impl Into<PathBuf>) -> Self {
        self.module = module.into();
        self
    }

    /// Keeps a program running as long as the token is there.
    pub(crate) fn serve(&mut self, mut command: Command) {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        self.servers.push(child.expect("the program can be run"));
    }

    /// The same of one that says on stderr what says nothing here.
    pub(crate) fn serve_quietly(&mut self, mut command: Command) {
        command.stderr(Stdio::null());
        self.serve(command);
    }

    /// Waits until nobody else has a token that the machine has one of.
    pub(crate) fn take_turn(&mut self, turn: &'static Mutex<()>) {
        // A test that failed has had its turn.
        self.turn = Some(turn.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The PINs of the user and the security officer, where the token does not take the usual ones.
    pub(crate) fn set_pins(&mut self, user: &str, so: &str) {
        self.pins = [user, so].map(str::to_owned);
        self.keep_secret(user.as_bytes());
        self.keep_secret(so.as_bytes());
    }

    /// With what the lines begin that the module itself writes on stderr.
    pub(crate) fn ignore_chatter(&mut self, prefixes: &'static [&'static str]) {
        self.chatter = prefixes;
    }

    /// The user's PIN.
    pub(crate) fn pin(&self) -> &str {
        &self.pins[0]
    }

    /// Another variable for the module.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
    }

    /// Nothing that `cng11` says from now on may hold these bytes, as they are or in hexadecimal.
    pub(crate) fn keep_secret(&self, bytes: &[u8]) {
        self.secrets.borrow_mut().push(bytes.to_vec());
    }

    pub(crate) fn module(&self) -> &Path {
        &self.module
    }

    /// A path in the test's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as an argument.
    pub(crate) fn path_text(&self, name: &str) -> String {
        self.path(name).to_str().expect("the path is UTF-8").to_owned()
    }

    /// Writes a file into the test's directory, and tells its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).expect("a file can be written");
        self.path_text(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A program with nothing in its environment but the way to this token.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        command.env_clear();
        // Coverage tools find their way through the environment.
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.directory.path()).env("TMPDIR", self.path("tmp")).env("LC_ALL", "C");
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf"));
        command.envs(self.variables.iter().cloned());
    }

    /// `cng11`, with the module and the PINs in its environment.
    pub(crate) fn cng11_command(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_cng11"));
        let [pin, so_pin] = &self.pins;
        command.env("CNG11_MODULE", &self.module).env("CNG11_PIN", pin).env("CNG11_SO_PIN", so_pin);
        command
    }

    pub(crate) fn cng11<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        self.cng11_with(arguments, None, |_| {})
    }

    /// `cng11` with input on stdin and a changed environment.
    pub(crate) fn cng11_with<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: Option<&[u8]>,
        change: impl FnOnce(&mut Command),
    ) -> Run {
        let mut command = self.cng11_command();
        command.args(arguments);
        change(&mut command);
        let mut run = Run::of(command, input);
        self.assert_discreet(&run);
        if !self.chatter.is_empty() {
            let own = |line: &&str| !self.chatter.iter().any(|prefix| line.starts_with(prefix));
            run.stderr = run.stderr.split_inclusive('\n').filter(own).collect();
        }
        run
    }

    /// `cng11 --json …`, and its document.
    #[track_caller]
    pub(crate) fn json<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Value {
        let all: Vec<&OsStr> = [OsStr::new("--json")].into_iter().chain(arguments.iter().map(AsRef::as_ref)).collect();
        self.cng11(&all).ok().json()
    }

    /// `cng11 --json …`, which is to fail with this code, and its error.
    #[track_caller]
    pub(crate) fn json_error<S: AsRef<OsStr>>(&self, arguments: &[S], code: i32) -> Value {
        let all: Vec<&OsStr> = [OsStr::new("--json")].into_iter().chain(arguments.iter().map(AsRef::as_ref)).collect();
        self.cng11(&all).code(code).json_error()
    }

    fn assert_discreet(&self, run: &Run) {
        for secret in self.secrets.borrow().iter() {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            for said in [&run.stdout[..], run.stderr.as_bytes()] {
                assert!(!contains(said, secret), "{}: a secret was said", run.line);
                let lower = said.to_ascii_lowercase();
                assert!(!contains(&lower, hex.as_bytes()), "{}: a secret was said in hexadecimal", run.line);
            }
        }
    }

    /// `pkcs11-tool` on this token, logged in.
    pub(crate) fn pkcs11_tool<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        let mut command = tool("pkcs11-tool");
        self.environment(&mut command);
        command.arg("--module").arg(&self.module).args(["--token-label", Self::LABEL, "--login", "--pin", self.pin()]);
        command.args(arguments);
        Run::of(command, None)
    }

    /// `p11tool` on this token, logged in.
    pub(crate) fn p11tool<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        let mut command = tool("p11tool");
        self.environment(&mut command);
        command.env("GNUTLS_PIN", self.pin()).arg("--provider").arg(&self.module).args(["--batch", "--login"]);
        command.args(arguments);
        Run::of(command, None)
    }

    /// Every object of the token as `cng11` lists it, and how many files SoftHSM keeps for them.
    #[track_caller]
    pub(crate) fn contents(&self) -> (Value, usize) {
        (self.json(&["list", "--all"]), self.object_files())
    }

    /// How many files SoftHSM keeps for objects.
    pub(crate) fn object_files(&self) -> usize {
        fn count(directory: &Path) -> usize {
            let entries = std::fs::read_dir(directory).expect("the token's directory can be read");
            let paths = entries.map(|entry| entry.expect("an entry can be read").path());
            paths.map(|path| if path.is_dir() { count(&path) } else { is_object(&path).into() }).sum()
        }
        fn is_object(path: &Path) -> bool {
            path.extension().is_some_and(|extension| extension == "object")
                && path.file_name().is_none_or(|name| name != "token.object")
        }
        count(&self.path("tokens"))
    }

    /// The names that `cng11 list` shows.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<String> {
        let document = self.json(&["list"]);
        let keys = document["keys"].as_array().expect("keys are an array");
        keys.iter().map(|key| key["name"].as_str().expect("a name is text").to_owned()).collect()
    }

    /// Imports a vector under a name, in the clear, exportable.
    #[track_caller]
    pub(crate) fn import(&self, vector: &str, name: &str, more: &[&str]) -> Value {
        let file = super::vector_text(vector);
        let mut arguments = vec!["import", &file, "--name", name];
        arguments.extend_from_slice(more);
        self.json(&arguments)
    }

    /// What an export writes to stdout.
    #[track_caller]
    pub(crate) fn export(&self, name: &str, kind: &str, more: &[&str]) -> Vec<u8> {
        let mut arguments = vec!["export", name, "--type", kind];
        arguments.extend_from_slice(more);
        self.cng11(&arguments).ok().stdout
    }
}
