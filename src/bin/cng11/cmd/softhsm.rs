//! `softhsm run -- CMD…` and `softhsm env`: throwaway SoftHSM2 tokens.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cng_pkcs11::hex;
use cng_pkcs11::token::Module;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;

const LABEL: &str = "cng11-throwaway";

/// The process of the command that is running, 0 before and after.
static CHILD: AtomicU32 = AtomicU32::new(0);

/// Whether this process was asked to end.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// A token in a folder of its own, and the variables that lead there.
struct Throwaway {
    folder: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

pub(crate) fn run(context: &Context, command: &[OsString]) -> Result<u8, Failure> {
    // This process has to stay and clean up; what would end it is passed on to the command.
    let _ = ctrlc::set_handler(|| {
        STOPPED.store(true, Ordering::SeqCst);
        let child = CHILD.load(Ordering::SeqCst);
        if child != 0 {
            terminate(child);
        }
    });
    let throwaway = Throwaway::create(context)?;
    let outcome = match STOPPED.load(Ordering::SeqCst) {
        false => throwaway.run(command),
        true => Err(Failure::Other { message: "stopped before the command was started".to_owned(), hint: None }),
    };
    let removed = throwaway.remove();
    let code = outcome?;
    removed?;
    Ok(code)
}

pub(crate) fn env(context: &Context) -> Result<u8, Failure> {
    let throwaway = Throwaway::create(context)?;
    let shown: serde_json::Map<_, _> =
        throwaway.variables.iter().map(|(name, value)| ((*name).to_owned(), json!(value.to_string_lossy()))).collect();
    context.output.result(json!({ "environment": shown }), || {
        let lines = throwaway
            .variables
            .iter()
            .map(|(name, value)| format!("export {name}={}\n", quoted(&value.to_string_lossy())));
        let folder = quoted(&throwaway.folder.to_string_lossy());
        format!("{}# remove it with: rm -r {folder}\n", lines.collect::<String>())
    });
    Ok(0)
}

impl Throwaway {
    fn create(context: &Context) -> Result<Self, Failure> {
        let module = Module::locate(context.module_option(), None)?;
        let folder = std::env::temp_dir().join(format!("cng11-softhsm-{}", random_hex(8)?));
        let throwaway = Self { variables: Self::variables(&folder, &module)?, folder };
        match throwaway.fill() {
            Ok(()) => Ok(throwaway),
            Err(failure) => {
                let _ = throwaway.remove();
                Err(failure)
            }
        }
    }

    fn variables(folder: &Path, module: &Path) -> Result<Vec<(&'static str, OsString)>, Failure> {
        Ok(vec![
            ("SOFTHSM2_CONF", folder.join("softhsm2.conf").into()),
            ("CNG11_MODULE", module.into()),
            ("CNG11_TOKEN", LABEL.into()),
            ("CNG11_PIN", random_hex(6)?.into()),
            ("CNG11_SO_PIN", random_hex(6)?.into()),
            ("CNG11_PIN_SOURCE", "env:CNG11_PIN".into()),
        ])
    }

    /// Makes the folder, readable by this user alone, and initialises the token in a process of its own: SoftHSM2 reads its configuration
    /// from the environment when it is loaded.
    fn fill(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::file(&self.folder, &error);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder).map_err(failed)?;
        builder.create(self.folder.join("tokens")).map_err(failed)?;
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            self.folder.join("tokens").display()
        );
        std::fs::write(self.folder.join("softhsm2.conf"), configuration).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let init = self.command(program).args(["token", "init", "--label", LABEL]).output().map_err(failed)?;
        if init.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&init.stderr);
        Err(Failure::Other {
            message: format!("the throwaway token cannot be initialised: {}", said.lines().next().unwrap_or_default()),
            hint: Some("is --module the library of SoftHSM2?".to_owned()),
        })
    }

    fn run(&self, command: &[OsString]) -> Result<u8, Failure> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Failure::usage("no command was given", "softhsm run -- CMD ARGUMENTS"));
        };
        // A command that cannot be run is told apart from one that fails.
        let failed = |error: std::io::Error| Failure::file(Path::new(program), &error);
        let mut child = self.command(program).args(arguments).spawn().map_err(failed)?;
        CHILD.store(child.id(), Ordering::SeqCst);
        // The signal may have come between the two lines above.
        if STOPPED.load(Ordering::SeqCst) {
            terminate(child.id());
        }
        let status = child.wait();
        CHILD.store(0, Ordering::SeqCst);
        let status = status.map_err(failed)?;
        // A command that was ended by a signal has no code of its own.
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_remove("CNG11_CONFIG");
        // What another module wants to be told is nothing to SoftHSM2.
        command.env_remove("CNG11_MODULE_INIT");
        // Whoever logs in elsewhere, its user does here.
        command.env("CNG11_LOGIN", "user");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn remove(&self) -> Result<(), Failure> {
        std::fs::remove_dir_all(&self.folder).map_err(|error| Failure::file(&self.folder, &error))
    }
}

fn terminate(process: u32) {
    let mut kill = Command::new("kill");
    kill.env_remove("CNG11_PIN").env_remove("CNG11_SO_PIN");
    let _ = kill.arg("-TERM").arg(process.to_string()).status();
}

fn random_hex(len: usize) -> Result<String, Failure> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Other { message: format!("no random bytes: {error}"), hint: None })?;
    Ok(hex::encode(&bytes))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
