//! Throwaway tokens, runs of `cng11` on them, and what is on them afterwards as another program sees it.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use cng_pkcs11::token::Module;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PIN: &str = "1234";
pub(crate) const TOKEN: &str = "bench";
/// The name under which every key of these tests is imported.
pub(crate) const NAME: &str = "web";

pub(crate) const CKR_GENERAL_ERROR: u32 = 0x05;
pub(crate) const CKR_DEVICE_ERROR: u32 = 0x30;
pub(crate) const CKR_DEVICE_MEMORY: u32 = 0x31;
pub(crate) const CKR_TEMPLATE_INCONSISTENT: u32 = 0xD1;

/// Either fine, or what is wrong: a sweep collects these from all its steps before it fails.
pub(crate) type Finding = Result<(), String>;

pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// SoftHSM2's library.
pub(crate) fn softhsm() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        Module::locate(None, None)
            .unwrap_or_else(|error| panic!("SoftHSM2 is needed ({error}): sudo apt-get install softhsm2"))
    })
}

/// The module of OpenSC that writes down every call.
pub(crate) fn spy() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let places = [
            "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so",
            "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so",
            "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so",
            "/usr/lib/aarch64-linux-gnu/pkcs11/pkcs11-spy.so",
            "/usr/lib64/pkcs11-spy.so",
            "/usr/lib64/pkcs11/pkcs11-spy.so",
            "/usr/lib/pkcs11/pkcs11-spy.so",
            "/usr/lib/pkcs11-spy.so",
            "/usr/local/lib/pkcs11-spy.so",
            "/opt/homebrew/lib/pkcs11-spy.so",
        ];
        find(&places).unwrap_or_else(|| panic!("pkcs11-spy.so is needed: sudo apt-get install opensc-pkcs11"))
    })
}

fn find(places: &[&str]) -> Option<PathBuf> {
    places.iter().map(PathBuf::from).find(|place| place.is_file())
}

/// `kill_module.c`, compiled once for each run of the tests.
pub(crate) fn kill_module() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kill/kill_module.c");
        // Several test programs may be at this at once: each builds its own and moves it into place whole.
        let (built, draft) =
            (folder.join("kill_module.so"), folder.join(format!("kill_module.{}.so", std::process::id())));
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&draft).arg(source).arg("-ldl");
        let output = run(&mut cc, "sudo apt-get install gcc libc6-dev");
        assert!(output.status.success(), "cc: {}", text(&output.stderr));
        fs::rename(&draft, &built).expect("a file in the build folder");
        built
    })
}

pub(crate) fn vector(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file)
}

fn run(command: &mut Command, install: &str) -> Output {
    let program = command.get_program().to_owned();
    command.output().unwrap_or_else(|error| panic!("{} is needed ({error}): {install}", program.display()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with a SoftHSM2 token, its configuration, and scratch files.
pub(crate) struct Bench {
    folder: TempDir,
}

/// One run of a program.
pub(crate) struct Run {
    output: Output,
}

/// What the calling module does to a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Only counts.
    Nothing,
    /// Kills before this call.
    Kill(usize),
    /// Answers this call without making it.
    Fail(usize, u32),
    /// Makes this call, and reports a failure all the same.
    FailAfter(usize, u32),
    /// Answers this call and all later ones without making them.
    Gone(usize, u32),
}

/// An object as `pkcs11-tool` lists it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Object {
    pub(crate) class: String,
    pub(crate) label: String,
    pub(crate) id: String,
    /// The other lines: usage, access and so on.
    pub(crate) rest: Vec<String>,
}

impl Bench {
    /// A blank token.
    pub(crate) fn new() -> Self {
        let bench = Self::folder();
        fs::create_dir(bench.tokens()).expect("a folder for tokens");
        bench.add_token(TOKEN);
        bench
    }

    /// A token in the folder; all have the same PIN.
    pub(crate) fn add_token(&self, label: &str) {
        let mut init = Command::new("softhsm2-util");
        init.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).arg("--module").arg(softhsm());
        init.args(["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN]);
        let output = run(&mut init, "sudo apt-get install softhsm2");
        assert!(output.status.success(), "softhsm2-util: {}", text(&output.stderr));
    }

    /// A copy of the token in a folder of its own.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::folder();
        copy_folder(&self.tokens(), &copy.tokens());
        copy
    }

    fn folder() -> Self {
        let folder = TempDir::with_prefix("cng11-kill-").expect("a temporary folder");
        let bench = Self { folder };
        let template = include_str!("../../softhsm-config/softhsm2.conf.in");
        let tokens = bench.tokens();
        let tokens = tokens.to_str().expect("a temporary folder with a UTF-8 name");
        fs::write(bench.path("softhsm2.conf"), template.replace("@TOKENDIR@", tokens)).expect("a configuration");
        fs::write(bench.path("message"), "what is signed").expect("a message");
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tokens(&self) -> PathBuf {
        self.path("tokens")
    }

    /// The folder of the one token, where SoftHSM2 keeps a file for each object.
    pub(crate) fn token_folder(&self) -> PathBuf {
        let mut folders = fs::read_dir(self.tokens()).expect("the tokens");
        folders.next().expect("a token").expect("a token").path()
    }

    /// The files of the objects.
    pub(crate) fn object_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.token_folder()).expect("a token");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "object"))
            .filter(|path| path.file_stem().is_some_and(|stem| stem != "token"))
            .collect();
        files.sort();
        files
    }

    /// `cng11` on the token through `module`.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, module: &Path, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
        for (variable, _) in std::env::vars_os() {
            if variable.to_str().is_some_and(|name| name.starts_with("CNG11_") || name.starts_with("PKCS11SPY")) {
                command.env_remove(variable);
            }
        }
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).env("CNG11_PIN", PIN);
        command.env("XDG_CONFIG_HOME", self.folder.path());
        command.arg("--module").arg(module).args(["--token", TOKEN]).args(arguments);
        command
    }

    /// A run of `cng11`, undisturbed.
    pub(crate) fn cng11<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        Run { output: run(&mut self.command(softhsm(), arguments), "cargo build") }
    }

    /// A run through the counting module, and the names of the calls it made.
    pub(crate) fn disturbed<S: AsRef<OsStr>>(&self, arguments: &[S], fault: Fault) -> (Run, Vec<String>) {
        let log = self.path("calls");
        let _ = fs::remove_file(&log);
        let mut command = self.command(kill_module(), arguments);
        command.env("CNG11_TEST_REAL_MODULE", softhsm()).env("CNG11_TEST_CALL_LOG", &log);
        let mut set = |variable: &str, call: usize, ckr: u32| {
            command.env(variable, call.to_string()).env("CNG11_TEST_FAIL_CKR", ckr.to_string());
        };
        match fault {
            Fault::Nothing => {}
            Fault::Kill(call) => set("CNG11_TEST_KILL_AT", call, 0),
            Fault::Fail(call, ckr) => set("CNG11_TEST_FAIL_AT", call, ckr),
            Fault::FailAfter(call, ckr) => set("CNG11_TEST_FAIL_AFTER", call, ckr),
            Fault::Gone(call, ckr) => set("CNG11_TEST_FAIL_FROM", call, ckr),
        }
        let run = Run { output: run(&mut command, "cargo build") };
        let calls = fs::read_to_string(&log).unwrap_or_default().lines().map(str::to_owned).collect();
        (run, calls)
    }

    /// A run in which no file can grow beyond `limit` bytes: the write that would fails, or kills.
    pub(crate) fn limited<S: AsRef<OsStr>>(&self, arguments: &[S], limit: usize, kills: bool) -> Run {
        let mut command = self.command(kill_module(), arguments);
        command.env("CNG11_TEST_REAL_MODULE", softhsm());
        command.env(if kills { "CNG11_TEST_DIE_AT_SIZE" } else { "CNG11_TEST_FAIL_AT_SIZE" }, limit.to_string());
        Run { output: run(&mut command, "cargo build") }
    }

    /// As [`Bench::cng11`], where nothing but success will do.
    pub(crate) fn must<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        let run = self.cng11(arguments);
        assert!(run.succeeded(), "{:?}: {}", arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>(), run.stderr());
        run
    }

    /// `pkcs11-tool`, logged in.
    pub(crate) fn pkcs11_tool<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        let mut tool = Command::new("pkcs11-tool");
        tool.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).arg("--module").arg(softhsm());
        tool.args(["--login", "--pin", PIN, "--token-label", TOKEN]).args(arguments);
        let output = run(&mut tool, "sudo apt-get install opensc");
        assert!(output.status.success(), "pkcs11-tool: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// All objects, as another program sees them.
    pub(crate) fn objects(&self) -> Vec<Object> {
        let mut objects: Vec<Object> = Vec::new();
        for line in self.pkcs11_tool(&["--list-objects"]).lines() {
            if let Some((class, _)) = line.split_once(" Object") {
                let class = class.to_lowercase();
                objects.push(Object { class, label: String::new(), id: String::new(), rest: Vec::new() });
            } else if let (Some(object), Some((field, value))) = (objects.last_mut(), line.split_once(':')) {
                match field.trim() {
                    "label" => value.trim().clone_into(&mut object.label),
                    "ID" => value.trim().clone_into(&mut object.id),
                    _ => object.rest.push(line.trim().to_owned()),
                }
            }
        }
        // A token lists in an order of its own.
        objects.sort();
        objects
    }

    /// `list --all --json`, which must always work.
    pub(crate) fn list(&self) -> Result<Value, String> {
        let run = self.cng11(&["list", "--all", "--json"]);
        ensure(run.succeeded(), || format!("list failed: {}", run.stderr()))?;
        serde_json::from_slice(&run.output.stdout).map_err(|error| format!("list: {error}"))
    }

    /// The keys of a name in the list.
    pub(crate) fn listed(&self, name: &str) -> Result<Vec<Value>, String> {
        keys_named(&self.list()?, name)
    }
}

impl Run {
    pub(crate) fn succeeded(&self) -> bool {
        self.output.status.success()
    }

    pub(crate) fn killed(&self) -> bool {
        self.output.status.signal() == Some(9)
    }

    /// Ended by a signal, whichever.
    pub(crate) fn died(&self) -> bool {
        self.output.status.signal().is_some()
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub(crate) fn stdout(&self) -> &[u8] {
        &self.output.stdout
    }

    pub(crate) fn stderr(&self) -> String {
        text(&self.output.stderr)
    }

    /// A program that ended by itself, by no panic, and said why if it failed.
    pub(crate) fn ended_well(&self) -> Finding {
        let said = self.stderr();
        ensure(
            self.output.status.signal().is_none() && self.code() != Some(101) && !said.contains("panicked"),
            || format!("crashed ({}): {said}", self.output.status),
        )?;
        ensure(self.succeeded() || said.contains("error"), || format!("failed without a word: {said}"))
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// A key file, how to import it, and what proves that it is there.
pub(crate) struct KeyFile {
    pub(crate) file: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) proof: Proof,
}

/// How a key shows that it is the one.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// Its signature verifies with this SubjectPublicKeyInfo, by openssl.
    Signature(&'static str),
    /// Wrapped under the AES key `kek`, it is this file.
    Wrapped(&'static str),
}

pub(crate) const RSA: KeyFile = KeyFile {
    file: "rsa2048-e65537.RSAFULLPRIVATEBLOB.bin",
    arguments: &[],
    proof: Proof::Signature("rsa2048-e65537.spki.bin"),
};
pub(crate) const OTHER_RSA: KeyFile = KeyFile {
    file: "rsa2048-e17.RSAFULLPRIVATEBLOB.bin",
    arguments: &[],
    proof: Proof::Signature("rsa2048-e17.spki.bin"),
};
pub(crate) const EC: KeyFile = KeyFile {
    file: "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
    arguments: &[],
    proof: Proof::Signature("ec-nistP256.spki.bin"),
};
pub(crate) const OTHER_EC: KeyFile = KeyFile {
    file: "ec-nistP256-shortd.ECDSA.ECCPRIVATEBLOB.bin",
    arguments: &[],
    proof: Proof::Signature("ec-nistP256-shortd.spki.bin"),
};
pub(crate) const AES: KeyFile = KeyFile {
    file: "aes256.KeyDataBlob.bin",
    arguments: &["--algorithm", "AES", "--export-policy", "encrypted"],
    proof: Proof::Wrapped("aes256.kek256.Rfc3565KeyWrapBlob.bin"),
};
pub(crate) const OTHER_AES: KeyFile = KeyFile {
    file: "aes128.KeyDataBlob.bin",
    arguments: &["--algorithm", "AES", "--export-policy", "encrypted"],
    proof: Proof::Wrapped("aes128.kek256.Rfc3565KeyWrapBlob.bin"),
};
pub(crate) const WRAPPED_RSA: KeyFile = KeyFile {
    file: "rsa2048-e65537.kek256.kwp.bin",
    arguments: &["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"],
    proof: RSA.proof,
};
pub(crate) const WRAPPED_EC: KeyFile = KeyFile {
    file: "ec-nistP256.kek256.kwp.bin",
    arguments: &["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"],
    proof: EC.proof,
};
pub(crate) const WRAPPED_AES: KeyFile = KeyFile {
    file: "aes256.kek256.Rfc3565KeyWrapBlob.bin",
    arguments: &["--type", "Rfc3565KeyWrapBlob", "--unwrap-key", "kek", "--export-policy", "encrypted"],
    proof: AES.proof,
};

impl KeyFile {
    /// `import` of this key under [`NAME`].
    pub(crate) fn import(&self, more: &[&str]) -> Vec<String> {
        let file = vector(self.file).to_str().expect("a UTF-8 path").to_owned();
        let mut arguments: Vec<String> = ["import", &file, "--name", NAME, "--json"].map(str::to_owned).to_vec();
        arguments.extend(self.arguments.iter().chain(more).map(|argument| (*argument).to_owned()));
        arguments
    }

    pub(crate) fn is_pair(&self) -> bool {
        matches!(self.proof, Proof::Signature(_))
    }
}

impl Bench {
    /// Puts the AES key `kek` on the token, which wraps and unwraps.
    pub(crate) fn furnish_kek(&self) {
        let kek = vector("kek256.raw.bin");
        let kek = kek.to_str().expect("a UTF-8 path");
        self.must(&["import", kek, "--type", "raw", "--algorithm", "AES", "--name", "kek", "--usage", "wrap"]);
    }

    /// Puts on the token what wrapped keys need, and objects of other programs that nothing may touch: a public key of the very name that the
    /// tests use, and a private key of another.
    pub(crate) fn furnish(&self) {
        self.furnish_kek();
        for (class, label, id, file) in [
            ("pubkey", NAME, "0bad01", "rsa1024-e17.spki.bin"),
            ("privkey", "stranger", "0bad02", "rsa1024-e3.PKCS8_PRIVATEKEY.bin"),
        ] {
            let file = vector(file);
            let file = file.to_str().expect("a UTF-8 path");
            self.pkcs11_tool(&["--write-object", file, "--type", class, "--label", label, "--id", id]);
        }
        self.strangers_are_there().expect("what was just written");
    }

    pub(crate) fn strangers_are_there(&self) -> Finding {
        strangers_are_among(&self.objects())
    }

    /// The objects of a name but for the stranger's, as their classes.
    pub(crate) fn objects_of(&self, name: &str) -> Vec<Object> {
        without_stranger(&self.objects(), name)
    }

    /// Whether the key of a name is the one that `proof` proves.
    pub(crate) fn proves(&self, name: &str, proof: Proof) -> Finding {
        match proof {
            Proof::Signature(spki) => {
                self.sign(name)?;
                let verified = self.verify(&vector(spki));
                ensure(verified, || format!("the signature of `{name}` does not verify with {spki}"))
            }
            Proof::Wrapped(file) => {
                let run = self.cng11(&["export", name, "--type", "Rfc3565KeyWrapBlob", "--wrap-key", "kek"]);
                ensure(run.succeeded(), || format!("`{name}` cannot be exported: {}", run.stderr()))?;
                let expected = fs::read(vector(file)).expect("a vector");
                ensure(run.stdout() == expected, || format!("`{name}` is another key than that of {file}"))
            }
        }
    }

    /// Which of several keys has a name.
    pub(crate) fn holder<'a>(&self, name: &str, among: &[&'a KeyFile]) -> Result<&'a KeyFile, String> {
        let mut why = String::new();
        for key in among {
            match self.proves(name, key.proof) {
                Ok(()) => return Ok(key),
                Err(problem) => {
                    let _ = write!(why, "{problem}; ");
                }
            }
        }
        Err(why)
    }

    /// Signs the message with a key, in DER if it is ECDSA.
    pub(crate) fn sign(&self, name: &str) -> Finding {
        let (message, signature) = (self.path("message"), self.path("signature"));
        let run = self.cng11(&[
            OsStr::new("sign"),
            OsStr::new(name),
            OsStr::new("--format"),
            OsStr::new("der"),
            message.as_os_str(),
            OsStr::new("-o"),
            signature.as_os_str(),
        ]);
        ensure(run.succeeded(), || format!("`{name}` does not sign: {}", run.stderr()))
    }

    /// Whether openssl finds the last signature right.
    pub(crate) fn verify(&self, spki: &Path) -> bool {
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-keyform", "DER", "-verify"]).arg(spki);
        openssl.arg("-signature").arg(self.path("signature")).arg(self.path("message"));
        run(&mut openssl, "sudo apt-get install openssl").status.success()
    }

    /// The end that every path must come to: one whole key of the name, nothing half done, the strangers untouched.
    pub(crate) fn settled(&self, name: &str, pair: bool) -> Finding {
        let list = self.list()?;
        for leftovers in ["unfinished", "torn"] {
            ensure(list[leftovers] == Value::Array(Vec::new()), || format!("{leftovers}: {}", list[leftovers]))?;
        }
        let keys = keys_named(&list, name)?;
        ensure(keys.len() == 1, || format!("{} keys named `{name}`", keys.len()))?;
        let all = self.objects();
        let objects = without_stranger(&all, name);
        let classes: Vec<_> = objects.iter().map(|object| object.class.as_str()).collect();
        let expected: &[&str] = if pair { &["private key", "public key"] } else { &["secret key"] };
        ensure(classes == expected, || format!("the objects of `{name}` are {objects:?}"))?;
        let id = keys.first().map(|key| key["id"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
        ensure(objects.iter().all(|object| object.id == id), || {
            format!("a mark is left: {objects:?}, the ID is {id}")
        })?;
        self.strangers_are_there()
    }
}

fn keys_named(list: &Value, name: &str) -> Result<Vec<Value>, String> {
    let keys = list["keys"].as_array().ok_or("list without keys")?;
    Ok(keys.iter().filter(|key| key["name"] == name).cloned().collect())
}

fn strangers_are_among(objects: &[Object]) -> Finding {
    for (class, label, id) in
        [("public key", NAME, "0bad01"), ("private key", "stranger", "0bad02"), ("secret key", "kek", "")]
    {
        let found = objects
            .iter()
            .any(|object| object.class == class && object.label == label && (id.is_empty() || object.id == id));
        ensure(found, || format!("the {class} `{label}`, which was there before, is gone: {objects:?}"))?;
    }
    Ok(())
}

fn without_stranger(objects: &[Object], name: &str) -> Vec<Object> {
    let own = |object: &&Object| object.label == name && object.id != "0bad01";
    objects.iter().filter(own).cloned().collect()
}

/// Runs `step` for every call that `arguments` make on a copy of `base`, and fails with what was found wrong, all of it.
pub(crate) fn sweep(
    what: &str,
    base: &Bench,
    arguments: &[String],
    mut step: impl FnMut(usize, &str, &Bench) -> Finding,
) {
    let (run, calls) = base.copy().disturbed(arguments, Fault::Nothing);
    assert!(run.succeeded(), "{what}, undisturbed: {}", run.stderr());
    assert!(calls.len() > 10, "{what}: only {} calls are in the log", calls.len());
    let mut findings = String::new();
    for (at, call) in calls.iter().enumerate() {
        let bench = base.copy();
        if let Err(finding) = step(at + 1, call, &bench) {
            let _ = writeln!(findings, "call {} of {}, {call}: {finding}", at + 1, calls.len());
        }
    }
    assert!(findings.is_empty(), "{what}:\n{findings}");
}

/// As [`sweep`], with the run killed before each call. Most calls write nothing: `check` sees each state of the token once.
pub(crate) fn sweep_kills(what: &str, base: &Bench, arguments: &[String], check: impl Fn(&Bench) -> Finding) {
    let mut seen: Vec<Object> = Vec::new();
    sweep(what, base, arguments, |call, _, bench| {
        let (run, _) = bench.disturbed(arguments, Fault::Kill(call));
        ensure(run.killed(), || format!("it was not killed: {}", run.stderr()))?;
        let objects = bench.objects();
        if objects == seen {
            return Ok(());
        }
        seen = objects;
        check(bench)
    });
}
