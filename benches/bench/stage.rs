//! Tokens in folders of their own, the programs that are compiled for the comparison, and processes that time jobs.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::key::{ExportPolicy, KeyMaterial};
use cng_pkcs11::template::put::{self, Attributes};
use cng_pkcs11::template::{Additions, Template, get};

use crate::{Fallible, Place};

/// What the token is called and opened with.
pub(crate) struct Environment {
    pub(crate) module: String,
    pub(crate) token: String,
    pub(crate) pin: String,
    pub(crate) softhsm_conf: PathBuf,
}

/// A folder for what is compiled and copied, gone at the end.
pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) environment: Environment,
}

impl Stage {
    pub(crate) fn new() -> Fallible<Self> {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        let environment = Environment {
            module: text("CNG11_MODULE"),
            token: text("CNG11_TOKEN"),
            pin: text("CNG11_PIN"),
            softhsm_conf: text("SOFTHSM2_CONF").into(),
        };
        Ok(Self { folder: tempfile::tempdir()?, environment })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles `benches/NAME.c`.
    pub(crate) fn compile<I: AsRef<std::ffi::OsStr>>(
        &self,
        name: &str,
        flags: impl IntoIterator<Item = I>,
    ) -> Fallible<PathBuf> {
        let program = self.path(name);
        if program.exists() {
            return Ok(program);
        }
        let source = manifest_dir().join("benches").join(name).with_extension("c");
        let output =
            Command::new("cc").args(["-O2", "-pthread", "-o"]).arg(&program).arg(source).args(flags).output()?;
        if output.status.success() {
            return Ok(program);
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(said.lines().find(|line| line.contains("error")).unwrap_or(&said).to_owned().into())
    }

    /// A copy of the blank token of the environment.
    pub(crate) fn token(&self, (_, dir): &Place, name: &str) -> Fallible<Copied> {
        let folder = tempfile::Builder::new().prefix(&format!("cng11-bench-{name}-")).tempdir_in(dir)?;
        let configuration = fs::read_to_string(&self.environment.softhsm_conf)
            .map_err(|error| format!("SOFTHSM2_CONF names no readable file: {error}"))?;
        let mut copied = String::new();
        let mut blank = None;
        for line in configuration.lines() {
            match line.split_once('=').filter(|(key, _)| key.trim() == "directories.tokendir") {
                Some((key, value)) => {
                    blank = Some(PathBuf::from(value.trim()));
                    writeln!(copied, "{key}= {}", folder.path().join("tokens").display())?;
                }
                None => writeln!(copied, "{line}")?,
            }
        }
        fs::write(folder.path().join("softhsm2.conf"), copied)?;
        let blank = blank.ok_or("the file that SOFTHSM2_CONF names has no directories.tokendir")?;
        let token = Copied { folder, blank };
        token.restore()?;
        Ok(token)
    }

    /// A copy of another copy, as that is now.
    pub(crate) fn copy_of(&self, place: &Place, name: &str, other: &Copied) -> Fallible<Copied> {
        let mut token = self.token(place, name)?;
        token.blank = other.folder.path().join("tokens");
        token.restore()?;
        Ok(token)
    }

    /// A program over the C library, where CNG11_CAPI says that it is installed.
    pub(crate) fn c_library(&self, token: &Copied) -> Fallible<Option<Asked>> {
        let Some(prefix) = std::env::var_os("CNG11_CAPI").filter(|prefix| !prefix.is_empty()) else { return Ok(None) };
        let prefix = prefix.to_str().ok_or("CNG11_CAPI is not UTF-8")?;
        let flags = [
            format!("-I{prefix}/include/cng11"),
            format!("-L{prefix}/lib"),
            "-lcng11".to_owned(),
            format!("-Wl,-rpath,{prefix}/lib"),
        ];
        let program = self.compile("capi", flags).map_err(|error| format!("capi.c does not compile: {error}"))?;
        Ok(Some(Asked::start(Command::new(program).env("SOFTHSM2_CONF", token.configuration()))?))
    }

    /// The bare loops on a token.
    pub(crate) fn raw(&self, token: &Copied) -> Fallible<Asked> {
        let program =
            self.compile("raw_pkcs11", ["-ldl"]).map_err(|error| format!("raw_pkcs11.c does not compile: {error}"))?;
        Asked::start(self.raw_command(program)?.env("SOFTHSM2_CONF", token.configuration()))
    }

    /// One of the bare loops as a process of its own.
    pub(crate) fn raw_alone(&self, job: &str, count: u32) -> Fallible<Command> {
        let program =
            self.compile("raw_pkcs11", ["-ldl"]).map_err(|error| format!("raw_pkcs11.c does not compile: {error}"))?;
        let mut command = self.raw_command(program)?;
        command.arg(job).arg(count.to_string());
        Ok(command)
    }

    fn raw_command(&self, program: PathBuf) -> Fallible<Command> {
        let objects = self.path("objects");
        if !objects.exists() {
            fs::write(&objects, raw_objects()?)?;
        }
        let mut command = Command::new(program);
        command.args([&self.environment.module, &self.environment.token]).arg(objects);
        Ok(command)
    }
}

/// A token in a folder of its own, which goes when this is dropped.
pub(crate) struct Copied {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) blank: PathBuf,
}

impl Copied {
    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// Makes the token blank again.
    pub(crate) fn restore(&self) -> Fallible<()> {
        let tokens = self.folder.path().join("tokens");
        if tokens.exists() {
            fs::remove_dir_all(&tokens)?;
        }
        Ok(copy_folder(&self.blank, &tokens)?)
    }

    /// This program on it.
    pub(crate) fn worker(&self) -> Fallible<Asked> {
        Asked::start(Command::new(std::env::current_exe()?).arg("--worker").env("SOFTHSM2_CONF", self.configuration()))
    }

    /// The same with a manifest that is to be imported.
    pub(crate) fn worker_with(&self, manifest: &Path) -> Fallible<Asked> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--worker").env("SOFTHSM2_CONF", self.configuration()).env("BENCH_MANIFEST", manifest);
        Asked::start(&mut command)
    }

    /// Runs commands one after another; all must succeed.
    pub(crate) fn run(&self, commands: Vec<Command>) -> Fallible<Duration> {
        let mut elapsed = Duration::ZERO;
        for mut command in commands {
            command
                .env("SOFTHSM2_CONF", self.configuration())
                .env("XDG_CONFIG_HOME", self.folder.path())
                .stdin(Stdio::null());
            let start = Instant::now();
            let output = command.output()?;
            elapsed += start.elapsed();
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(format!("{} failed: {said}", command.get_program().display()).into());
            }
        }
        Ok(elapsed)
    }

    /// How many object files the token has.
    pub(crate) fn objects(&self) -> Fallible<usize> {
        let mut count = 0;
        for token in fs::read_dir(self.folder.path().join("tokens"))? {
            for entry in fs::read_dir(token?.path())? {
                let name = entry?.file_name();
                let name = name.to_string_lossy();
                count += usize::from(name.ends_with(".object") && name != "token.object");
            }
        }
        Ok(count)
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A process that times jobs.
pub(crate) struct Asked {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Asked {
    pub(crate) fn start(command: &mut Command) -> Fallible<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (process.stdin.take().ok_or("no stdin")?, process.stdout.take().ok_or("no stdout")?);
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    pub(crate) fn time(&mut self, job: &str, count: u32) -> Fallible<Duration> {
        writeln!(self.input, "{job} {count}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        let nanoseconds = answer.trim().parse().map_err(|_| format!("{job}: {}", answer.trim()))?;
        Ok(Duration::from_nanos(nanoseconds))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // It has no state that anybody wants.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The templates that the library would use, for the bare loops.
pub(crate) fn raw_objects() -> Fallible<String> {
    let mut text = String::new();
    let mut object = |name: &str, template: &Template| -> Fallible<()> {
        writeln!(text, "object {name}")?;
        for (kind, value) in template.iter() {
            writeln!(text, "{:x} {}", kind.0, hex(value))?;
        }
        Ok(())
    };
    for (kind, (blob_type, file)) in BLOBS {
        let decoded = blob::decode(&vector(file)?, *blob_type, &Hints::default())?;
        let (KeyMaterial::Private(private), Some(public)) = (&decoded.key, decoded.key.public()) else {
            return Err("no private key".into());
        };
        // A marked CKA_ID while a key is unproven, as the provider has it.
        let id = cng_pkcs11::asn1::spki::key_id(&public)?;
        let marked = [&id[..], b"\0cng11:staged"].concat();
        let usage = decoded.algorithm.family.default_usage();
        let attributes = Attributes {
            label: "bench-00000000",
            id: &id,
            token: false,
            policy: ExportPolicy::NONE,
            usage,
            more: Additions::NONE,
        };
        object(&format!("{kind}-private"), &put::private(private, &attributes)?)?;
        object(&format!("{kind}-public"), &put::public(&public, &Attributes { id: &marked, ..attributes })?)?;
    }
    let empty = |template: Template, (kind, len): &(u64, usize)| template.bytes(*kind, &vec![0; *len]);
    object("any-record", &get::RECORD.iter().fold(Template::new(), empty))?;
    Ok(text)
}

pub(crate) const BLOBS: &[(&str, (BlobType, &str))] = &[
    ("rsa", (BlobType::RsaFullPrivate, "rsa2048-e65537.RSAFULLPRIVATEBLOB.bin")),
    ("ec", (BlobType::EccPrivate, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin")),
];

pub(crate) fn vector(name: &str) -> Fallible<Vec<u8>> {
    let path = manifest_dir().join("tests/vectors").join(name);
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

pub(crate) fn manifest_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(program).is_file())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
