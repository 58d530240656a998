//! Where PINs and passwords come from: a prompt, an environment variable, a file, a descriptor. Never an argument of its own;
//! a URI's `pin-value` is taken with a warning.

use std::io::{IsTerminal, Read};
use std::path::Path;

use cng_pkcs11::secret::SecretBytes;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;

/// Longer than any PIN or password; a file behind `file:` is not read beyond it.
const MAX_LEN: usize = 4096;

/// What is asked for, and how else it can be given.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Its name in messages and on the terminal.
    pub(crate) what: &'a str,
    /// The option that names its source.
    pub(crate) option: &'a str,
    /// The variable that can hold it, if there is one.
    pub(crate) variable: Option<&'a str>,
    /// Whether it is a new one, which is asked for twice: nobody could open what a slip of the finger has locked.
    pub(crate) is_new: bool,
}

/// Reads a secret from a source: `prompt`, `env:NAME`, `file:PATH` or `fd:N`.
pub(crate) fn read(source: &str, wanted: Wanted<'_>) -> Result<SecretString, Failure> {
    let what = wanted.what;
    let unavailable = |message: String| Failure::Authentication {
        message,
        hint: "a source is prompt, env:NAME, file:PATH or fd:N".to_owned(),
    };
    match source.split_once(':') {
        None if source == "prompt" => prompt(wanted),
        Some(("env", name)) => match std::env::var(name) {
            Ok(value) => Ok(SecretString::from(value)),
            Err(_) => Err(unavailable(format!("the {what} cannot be read: the variable {name} is not set"))),
        },
        Some(("file", path)) => read_file(Path::new(path), what),
        Some(("fd", number)) if !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) => {
            read_file(Path::new(&format!("/dev/fd/{number}")), what)
        }
        _ => Err(Failure::usage(
            format!("the source of the {what} is not valid"),
            "a source is prompt, env:NAME, file:PATH or fd:N",
        )),
    }
}

/// Asks on the terminal.
pub(crate) fn prompt(wanted: Wanted<'_>) -> Result<SecretString, Failure> {
    let what = wanted.what;
    let hint = || {
        let variable = wanted.variable.map(|name| format!(", or in {name}")).unwrap_or_default();
        format!("give it with {} env:NAME, file:PATH or fd:N{variable}", wanted.option)
    };
    if !std::io::stdin().is_terminal() {
        let message = format!("the {what} is needed, and there is no terminal to ask on");
        return Err(Failure::Authentication { message, hint: hint() });
    }
    let ask = |prompt: String| {
        rpassword::prompt_password(prompt).map(SecretString::from).map_err(|error| Failure::Authentication {
            message: format!("the {what} cannot be read: {error}"),
            hint: hint(),
        })
    };
    let secret = ask(format!("{what}: "))?;
    if wanted.is_new && ask(format!("{what} once more: "))?.expose_secret() != secret.expose_secret() {
        return Err(Failure::Authentication {
            message: format!("what was given as the {what} is not the same twice"),
            hint: "nothing was written; try again".to_owned(),
        });
    }
    Ok(secret)
}

/// The first line of a file.
fn read_file(path: &Path, what: &str) -> Result<SecretString, Failure> {
    let unavailable = |problem: String| Failure::Authentication {
        message: format!("the {what} cannot be read from {}: {problem}", path.display()),
        hint: "the first line of the file is taken".to_owned(),
    };
    // All that is read fits, so that no outgrown buffer is left behind.
    let mut bytes = SecretBytes::zeroed(MAX_LEN);
    let mut file = std::fs::File::open(path).map_err(|error| unavailable(error.to_string()))?;
    let mut filled = 0;
    loop {
        match file.read(bytes.as_mut_slice().get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unavailable(error.to_string())),
        }
    }
    let read = bytes.get(..filled).unwrap_or_default();
    let line = read.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
    let line = line.map_err(|_| unavailable("its first line is not UTF-8".to_owned()))?;
    if line.is_empty() {
        return Err(unavailable("its first line is empty".to_owned()));
    }
    Ok(SecretString::from(line))
}
