//! What stands around a program: the configuration file, the sources of PINs, and what is known of a token beforehand.
//!
//! Owns the file's words (`module`, `module-init`, `token`, `pin-source`, `login`, `sessions`, `[machine]`, `[[profile]]`), the sources of secrets that need nobody to answer
//! (`env:NAME`, `file:PATH`, `fd:N`), and which profile an opened token gets: the user's own, the row that fits, or what a probe has learned. The command and the C
//! library read the same. Refuses what it does not know, with the name of the setting. It never asks: prompting is the command's.

pub mod cache;
mod error;
pub mod profile;
pub mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::error::Error;
use crate::template::profile::Profile;
use crate::token::{self, Access, Module, Token, TokenInfo};

/// Where keys are: a module and a token of it.
// No `Debug`: a token's URI may carry a PIN.
#[derive(Clone, Default)]
pub struct Place {
    /// The PKCS#11 library.
    pub module: Option<PathBuf>,
    /// What it is told as it is initialised.
    pub module_init: Option<String>,
    /// A `pkcs11:` URI or a label.
    pub token: Option<String>,
    /// Where the PIN comes from.
    pub pin_source: Option<String>,
}

/// What a configuration file may say.
#[derive(Clone, Default)]
pub struct Config {
    /// Whose keys are meant, where nothing else is said.
    pub user: Place,
    /// Where the keys of the machine are (`NCRYPT_MACHINE_KEY_FLAG`), if elsewhere.
    pub machine: Option<Place>,
    /// Profiles of tokens.
    pub profiles: Vec<&'static Profile>,
    /// Who logs in: `user` or `so`.
    pub login: Option<String>,
    /// The most sessions with a token at a time.
    pub sessions: Option<usize>,
}

/// What the file knows, for whoever is told that it does not know something.
const WORDS: &str = "the configuration knows: module, module-init, token, pin-source, login, sessions, [machine] with the first four, and [[profile]] tables";

impl Config {
    /// Reads the file that was named, else the usual one if it is there.
    ///
    /// # Errors
    /// [`Error::File`], naming the file and what is wrong in it.
    pub fn load(named: Option<&Path>) -> Result<Self, Error> {
        match named {
            Some(path) => Self::read(path),
            None => match usual_path().filter(|path| path.is_file()) {
                Some(path) => Self::read(&path),
                None => Ok(Self::default()),
            },
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |problem: String| Error::File { path: path.to_owned(), problem, hint: WORDS };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let mut config = Self::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("profile", value) => config.profiles = profile::read(value).map_err(wrong)?,
                ("machine", toml::Value::Table(machine)) => {
                    let mut place = Place::default();
                    for (key, value) in machine {
                        place.set(&key, value).map_err(|problem| wrong(format!("machine.{problem}")))?;
                    }
                    config.machine = Some(place);
                }
                ("machine", _) => return Err(wrong("machine is not a table".to_owned())),
                ("sessions", toml::Value::Integer(most)) if most > 0 => config.sessions = usize::try_from(most).ok(),
                ("sessions", _) => return Err(wrong("sessions is not a number above 0".to_owned())),
                ("login", toml::Value::String(login)) => config.login = Some(login),
                ("login", _) => return Err(wrong("login is not a string".to_owned())),
                (_, value) => config.user.set(&key, value).map_err(wrong)?,
            }
        }
        Ok(config)
    }
}

impl Place {
    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        let is_known = matches!(key, "module" | "module-init" | "token" | "pin-source");
        let toml::Value::String(value) = value else {
            return Err(if is_known { format!("{key} is not a string") } else { format!("{key} is not known") });
        };
        match key {
            "module" => self.module = Some(value.into()),
            "module-init" => self.module_init = Some(value),
            "token" => self.token = Some(value),
            "pin-source" => self.pin_source = Some(value),
            _ => return Err(format!("{key} is not known")),
        }
        Ok(())
    }
}

/// Opens a session with a token, without a login. The user's own profile goes before the row that fits.
///
/// # Errors
/// What the token answers.
pub fn open(
    module: &Arc<Module>,
    info: &TokenInfo,
    access: Access,
    profiles: &[&'static Profile],
) -> Result<Token, token::Error> {
    let token = Token::open(Arc::clone(module), info.clone(), access)?;
    let library = module.library_manufacturer().unwrap_or_default();
    let fits = |row: &&&Profile| {
        row.fits(&info.manufacturer, &info.model, &info.label, info.firmware) && library.starts_with(row.library)
    };
    let Some(own) = profiles.iter().find(fits) else { return Ok(token) };
    // What is known to be dangerous to its module no configuration takes back.
    let careful = own.as_careful_as(token.profile());
    let known = token.profile().name != Profile::UNKNOWN.name;
    Ok(token.with_profile(if known { careful.keep() } else { own }))
}

/// The same token, and where nobody knows it, with what a probe has found out.
#[must_use]
pub fn taught(token: Token) -> Token {
    if token.profile().name != Profile::UNKNOWN.name {
        return token;
    }
    match cache::learned(token.info()) {
        Some(learned) => token.with_profile(learned),
        None => token,
    }
}

fn usual_path() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("cng11").join("config.toml"))
}

/// A folder of the XDG base directories: the variable if it holds an absolute path, else the usual one at home.
fn folder(variable: &str, usual: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(usual)))
}
