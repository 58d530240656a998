//! Key files, the manifest that names them, and what shows that all of them are on a token, each once.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cng_pkcs11::secret::SecretBytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::bench::{Bench, Finding, Object, ensure, softhsm, vector};

/// No run of these tests takes longer: one that does hangs.
const MOST_SECONDS: &str = "120";

/// How many keys of which kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mix {
    pub(crate) rsa: usize,
    pub(crate) p256: usize,
    pub(crate) p384: usize,
    pub(crate) aes: usize,
    pub(crate) hmac: usize,
}

pub(crate) struct PoolKey {
    pub(crate) name: String,
    /// Of a pair: the file of its public half.
    pub(crate) public: Option<PathBuf>,
    pub(crate) file: PathBuf,
    entry: Value,
}

/// A folder of key files with its manifest.
pub(crate) struct Pool {
    folder: TempDir,
    pub(crate) keys: Vec<PoolKey>,
}

impl Pool {
    /// New keys, the kinds mixed.
    pub(crate) fn new(mix: Mix) -> Self {
        let folder = TempDir::with_prefix("cng11-pool-").expect("a temporary folder");
        let kinds = [("rsa", mix.rsa), ("p256", mix.p256), ("p384", mix.p384), ("aes", mix.aes), ("hmac", mix.hmac)];
        let mut wanted: Vec<(usize, usize, &str)> = Vec::new();
        for (kind, count) in kinds {
            // Spread over the whole, whatever their number.
            wanted.extend((0..count).map(|number| ((number * 2 + 1) * 1000 / count, number, kind)));
        }
        wanted.sort_unstable();
        let keys = std::thread::scope(|scope| {
            let halves: Vec<_> = wanted
                .chunks(wanted.len().div_ceil(4).max(1))
                .map(|part| {
                    scope.spawn(|| {
                        part.iter().map(|(_, number, kind)| make(folder.path(), kind, *number)).collect::<Vec<_>>()
                    })
                })
                .collect();
            halves.into_iter().flat_map(|half| half.join().expect("keys")).collect::<Vec<_>>()
        });
        let pool = Self { folder, keys };
        pool.write_manifest("manifest.jsonl", pool.keys.iter().map(|key| key.entry.clone()));
        pool
    }

    /// Six keys of all kinds, which take a few more than sixty calls.
    pub(crate) fn six() -> Self {
        Self::new(Mix { rsa: 1, p256: 2, p384: 1, aes: 1, hmac: 1 })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.path("manifest.jsonl")
    }

    /// Another manifest in the folder.
    pub(crate) fn write_manifest(&self, name: &str, entries: impl Iterator<Item = Value>) -> PathBuf {
        let text: String = entries.map(|entry| format!("{entry}\n")).collect();
        fs::write(self.path(name), text).expect("a manifest");
        self.path(name)
    }

    /// The entry of each key.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Value> {
        self.keys.iter().map(|key| key.entry.clone())
    }

    /// `bulk import` of all keys.
    pub(crate) fn import(&self, more: &[&str]) -> Vec<String> {
        import_of(&self.manifest(), more)
    }

    /// The same with a journal on that bench.
    pub(crate) fn journaled(&self, bench: &Bench, more: &[&str]) -> Vec<String> {
        let journal = bench.path("journal");
        self.import(&[&["--journal", journal.to_str().expect("UTF-8"), "--resume"], more].concat())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = &PoolKey> {
        self.keys.iter().filter(|key| key.public.is_some())
    }

    /// How many objects they are.
    pub(crate) fn objects(&self) -> usize {
        self.keys.len() + self.pairs().count()
    }

    /// Beside `kek` exactly these keys are on the token, each once and with both halves, and nothing else is.
    pub(crate) fn is_whole(&self, bench: &Bench) -> Finding {
        let list = bench.list()?;
        for leftovers in ["unfinished", "torn", "public_only"] {
            ensure(list[leftovers] == json!([]), || format!("{leftovers}: {}", list[leftovers]))?;
        }
        let mut found: BTreeMap<&str, &Value> = BTreeMap::new();
        for key in list["keys"].as_array().ok_or("no keys")?.iter().filter(|key| key["name"] != "kek") {
            let name = key["name"].as_str().unwrap_or_default();
            ensure(found.insert(name, key).is_none(), || format!("two keys are `{name}`"))?;
        }
        for key in &self.keys {
            let shown = found.remove(&*key.name).ok_or_else(|| format!("`{}` is not there", key.name))?;
            if let Some(public) = &key.public {
                let fingerprint: String = Sha256::digest(fs::read(public).expect("a public key"))
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                ensure(shown["fingerprint_sha256"] == json!(fingerprint), || {
                    format!("`{}` is another key: {shown}", key.name)
                })?;
                ensure(shown["public"] == json!(true) && shown["private"] == json!(true), || {
                    format!("half a key: {shown}")
                })?;
            }
        }
        ensure(found.is_empty(), || format!("{} more keys: {:?}", found.len(), found.keys()))?;
        // Objects, and not the files of objects: one that was killed as it was written is a file without an object to SoftHSM2, and stays.
        let (objects, expected) = (bench.objects(), self.objects() + 1);
        ensure(objects.len() == expected, || {
            let is_known = |object: &Object| {
                let same = |key: &&PoolKey| key.name == object.label;
                object.label == "kek"
                    || self
                        .keys
                        .iter()
                        .find(same)
                        .is_some_and(|key| key.public.is_some() || object.class == "secret key")
            };
            let strange: Vec<_> = objects.iter().filter(|object| !is_known(object)).collect();
            let twice: Vec<_> =
                objects.windows(2).filter(|two| two[0].class == two[1].class && two[0].label == two[1].label).collect();
            format!("{} objects instead of {expected}: unknown {strange:?}, twice {twice:?}", objects.len())
        })
    }

    /// The key of a name is this one.
    pub(crate) fn is_key(&self, bench: &Bench, key: &PoolKey, name: &str) -> Finding {
        if let Some(public) = &key.public {
            bench.sign(name)?;
            return ensure(bench.verify(public), || format!("the signature of `{name}` does not verify"));
        }
        let wrapped = bench.path("wrapped");
        let export =
            ["export", name, "--type", "raw", "--wrap-key", "kek", "-o", wrapped.to_str().expect("UTF-8"), "--force"];
        let run = bench.cng11(&export);
        ensure(run.succeeded(), || format!("`{name}` does not leave: {}", run.stderr()))?;
        let bytes = fs::read(&key.file).expect("a key");
        ensure(opened(&wrapped) == bytes, || format!("`{name}` is another key"))
    }

    /// Every pair signs, which openssl verifies with the source's public half; every secret key leaves wrapped and is, opened by openssl, the source's bytes.
    pub(crate) fn is_proven(&self, bench: &Bench) -> Finding {
        self.some_are_proven(bench, (0, 1))
    }

    /// The same of each pair whose number leaves this remainder, and of every secret key: a signature is a process of its own.
    pub(crate) fn some_are_proven(&self, bench: &Bench, (remainder, of): (usize, usize)) -> Finding {
        for key in self.pairs().skip(remainder).step_by(of) {
            bench.sign(&key.name)?;
            let verified = key.public.as_deref().is_some_and(|public| bench.verify(public));
            ensure(verified, || format!("the signature of `{}` does not verify", key.name))?;
        }
        let folder = bench.path("proof");
        let _ = fs::remove_dir_all(&folder);
        let export = [
            "bulk",
            "export",
            folder.to_str().expect("UTF-8"),
            "--type",
            "raw",
            "--wrap-key",
            "kek",
            "--name",
            "secret-*",
            "--json",
        ];
        let run = bench.cng11(&export);
        ensure(run.succeeded(), || {
            format!("the secret keys do not leave: {}{}", String::from_utf8_lossy(run.stdout()), run.stderr())
        })?;
        for key in self.keys.iter().filter(|key| key.public.is_none()) {
            let wrapped = folder.join(format!("{}.raw", key.name));
            let opened = opened(&wrapped);
            ensure(opened == fs::read(&key.file).expect("a key"), || format!("`{}` is another key", key.name))?;
        }
        fs::remove_dir_all(&folder).map_err(|error| format!("the folder of the proof: {error}"))
    }
}

/// `bulk import` of a manifest.
pub(crate) fn import_of(manifest: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["bulk", "import", manifest.to_str().expect("UTF-8"), "--json"].map(str::to_owned).to_vec();
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    arguments
}

/// A blank token but for the key that lets secret ones leave.
pub(crate) fn blank() -> Bench {
    let bench = Bench::new();
    bench.furnish_kek();
    bench
}

/// What openssl finds in what `kek` has wrapped.
fn opened(wrapped: &Path) -> Vec<u8> {
    let arguments = ["enc", "-d", "-id-aes256-wrap-pad", "-iv", "A65959A6", "-K", &kek()];
    openssl(&[&arguments[..], &["-in", wrapped.to_str().expect("UTF-8")]].concat())
}

fn kek() -> String {
    fs::read(vector("kek256.raw.bin")).expect("a vector").iter().map(|byte| format!("{byte:02X}")).collect()
}

fn make(folder: &Path, kind: &str, number: usize) -> PoolKey {
    let path = |end: &str| folder.join(format!("{kind}-{number}.{end}"));
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let options: &[&str] = match kind {
        "rsa" => &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "p256" => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384" => &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        _ => {
            let file = path("bin");
            let length = if kind == "aes" { [16, 24, 32][number % 3] } else { 32 + 8 * (number % 4) };
            fs::write(&file, &*SecretBytes::random(length).expect("random bytes")).expect("a file");
            let name = format!("secret-{kind}-{number}");
            let entry = json!({ "file": text(&file), "type": "raw", "algorithm": kind.to_uppercase(), "name": name, "export_policy": "encrypted" });
            return PoolKey { name, public: None, file, entry };
        }
    };
    let (file, public) = (path("der"), path("spki"));
    let (file_text, public_text) = (text(&file), text(&public));
    openssl(&[&["genpkey", "-quiet", "-outform", "DER", "-out", &file_text, "-algorithm"], options].concat());
    openssl(&["pkey", "-inform", "DER", "-in", &file_text, "-pubout", "-outform", "DER", "-out", &public_text]);
    let name = format!("{kind}-{number}");
    let entry = json!({ "file": file_text, "name": name });
    PoolKey { name, public: Some(public), file, entry }
}

/// openssl, which must succeed.
pub(crate) fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new("openssl").args(arguments).output().expect("openssl is needed: sudo apt-get install openssl");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A command that is given up after [`MOST_SECONDS`]; `timeout` says so by 124.
pub(crate) fn bounded(command: &Command) -> Command {
    let mut bounded = Command::new("timeout");
    bounded.arg("--signal=KILL").arg(MOST_SECONDS).arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(variable, value),
            None => bounded.env_remove(variable),
        };
    }
    bounded
}

/// A run that ended by itself, by no panic, in time; its exit code, and what it said on stderr.
pub(crate) fn ended(output: &Output) -> Result<(i32, String), String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(code) if ![101, 124, 134, 137].contains(&code) && !said.contains("panicked") => Ok((code, said)),
        _ => Err(format!("it crashed or hung ({}): {said}", output.status)),
    }
}

/// A run of `cng11` on the plain module.
pub(crate) fn run<S: AsRef<OsStr>>(bench: &Bench, arguments: &[S]) -> Result<(i32, Output), String> {
    let output = bounded(&bench.command(softhsm(), arguments)).output().map_err(|error| error.to_string())?;
    let (code, _) = ended(&output)?;
    Ok((code, output))
}

/// A run whose exit code is known, and its document.
#[track_caller]
pub(crate) fn expect<S: AsRef<OsStr>>(bench: &Bench, arguments: &[S], expected: i32) -> Value {
    let (code, output) = run(bench, arguments).expect("a run");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(code, expected, "{stdout}\n{stderr}");
    let document = if stdout.is_empty() { &stderr } else { &stdout };
    serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

/// The records of a journal.
pub(crate) fn records(journal: &Path) -> Vec<Value> {
    let text = fs::read_to_string(journal).expect("a journal");
    let record =
        |line: &str| serde_json::from_str(line.rsplit_once(' ').expect("a record and its digits").0).expect("a record");
    text.lines().skip(1).map(record).collect()
}

/// Each of so many entries stands in the journal as done, once.
pub(crate) fn all_done_once(journal: &Path, entries: usize) -> Finding {
    let mut done: Vec<u64> = records(journal).iter().filter_map(|record| record["done"].as_u64()).collect();
    done.sort_unstable();
    let expected: Vec<u64> = (0..entries as u64).collect();
    ensure(done == expected, || format!("done are {done:?}"))
}
