//! Where PINs and passwords come from: a prompt, an environment variable, a file, a descriptor. Never an argument of its own;
//! a URI's `pin-value` is taken with a warning.

use std::io::{IsTerminal, Read};
use std::path::Path;

use cng_pkcs11::secret::SecretBytes;
use secrecy::SecretString;

use crate::failure::Failure;

/// Longer than any PIN or password; a file behind `file:` is not read beyond it.
const MAX_LEN: usize = 4096;

/// Reads a secret from a source: `prompt`, `env:NAME`, `file:PATH` or `fd:N`.
pub(crate) fn read(source: &str, what: &str) -> Result<SecretString, Failure> {
    let unavailable = |message: String| Failure::Authentication {
        message,
        hint: "a source is prompt, env:NAME, file:PATH or fd:N".to_owned(),
    };
    match source.split_once(':') {
        None if source == "prompt" => prompt(what),
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
pub(crate) fn prompt(what: &str) -> Result<SecretString, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Authentication {
            message: format!("the {what} is needed, and there is no terminal to ask on"),
            hint: "give it with --pin-source env:NAME, file:PATH or fd:N, or in CNG11_PIN".to_owned(),
        });
    }
    rpassword::prompt_password(format!("{what}: ")).map(SecretString::from).map_err(|error| Failure::Authentication {
        message: format!("the {what} cannot be read: {error}"),
        hint: "give it with --pin-source env:NAME, file:PATH or fd:N".to_owned(),
    })
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
