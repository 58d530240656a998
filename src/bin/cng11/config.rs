//! The configuration file: defaults for the global options, and profiles of tokens.

pub(crate) mod profile;

use std::path::{Path, PathBuf};

use cng_pkcs11::template::profile::Profile;

use crate::failure::Failure;

/// What a configuration file may say.
// No `Debug`: a token's URI may carry a PIN.
#[derive(Default)]
pub(crate) struct Config {
    pub(crate) module: Option<PathBuf>,
    pub(crate) module_init: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) pin_source: Option<String>,
    pub(crate) profiles: Vec<&'static Profile>,
    pub(crate) login: Option<String>,
}

impl Config {
    /// Reads the file that was named, else the usual one if it is there.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Failure> {
        match named {
            Some(path) => Self::read(path),
            None => match usual_path().filter(|path| path.is_file()) {
                Some(path) => Self::read(&path),
                None => Ok(Self::default()),
            },
        }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |problem: String| Failure::File {
            path: path.to_owned(),
            problem,
            hint: Some(
                "the configuration knows: module, module-init, token, pin-source, login, and [[profile]] tables"
                    .to_owned(),
            ),
        };
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let mut config = Self::default();
        for (key, value) in table {
            if key == "profile" {
                config.profiles = profile::read(value).map_err(wrong)?;
                continue;
            }
            let toml::Value::String(value) = value else {
                return Err(wrong(format!("`{key}` is not a string")));
            };
            match key.as_str() {
                "module" => config.module = Some(value.into()),
                "module-init" => config.module_init = Some(value),
                "token" => config.token = Some(value),
                "pin-source" => config.pin_source = Some(value),
                "login" => config.login = Some(value),
                _ => return Err(wrong(format!("`{key}` is not known"))),
            }
        }
        Ok(config)
    }
}

fn usual_path() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(base.join("cng11").join("config.toml"))
}
