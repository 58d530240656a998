//! Where PINs and passwords come from without anybody being asked: an environment variable, a file, a descriptor. Never an argument.

use std::io::Read;
use std::path::Path;

use secrecy::SecretString;

use super::Error;
use crate::secret::SecretBytes;
use crate::token::Uri;

/// Longer than any PIN or password; a file behind `file:` is not read beyond it.
const MAX_LEN: usize = 4096;

/// Reads a secret from a source: `env:NAME`, `file:PATH` or `fd:N`. `what` names it in messages.
///
/// # Errors
/// [`Error::Source`] for a source of another form, `prompt` among them; [`Error::Unavailable`] where nothing can be read.
pub fn read(source: &str, what: &str) -> Result<SecretString, Error> {
    match source.split_once(':') {
        Some(("env", name)) => read_variable(name, what),
        Some(("file", path)) => read_file(Path::new(path), what),
        Some(("fd", number)) if !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) => {
            read_file(Path::new(&format!("/dev/fd/{number}")), what)
        }
        _ => Err(Error::Source { what: what.to_owned() }),
    }
}

/// The source that a URI names (RFC 7512 §2.4), in the form of [`read`]. The RFC leaves the form open: a `file:` URI, or a bare path.
pub fn of_uri(uri: &Uri) -> Option<String> {
    let source = uri.pin_source.as_deref()?;
    let path = source.strip_prefix("file://").or_else(|| source.strip_prefix("file:")).unwrap_or(source);
    Some(format!("file:{path}"))
}

/// The value of an environment variable.
///
/// # Errors
/// [`Error::Unavailable`] where it is not set.
pub fn read_variable(name: &str, what: &str) -> Result<SecretString, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(SecretString::from(value)),
        Err(_) => Err(Error::Unavailable {
            what: what.to_owned(),
            from: String::new(),
            problem: format!("the variable {name} is not set"),
        }),
    }
}

/// The first line of a file.
///
/// # Errors
/// [`Error::Unavailable`] where it cannot be read, or holds none.
pub fn read_file(path: &Path, what: &str) -> Result<SecretString, Error> {
    let unavailable = |problem: String| Error::Unavailable {
        what: what.to_owned(),
        from: format!(" from {}", path.display()),
        problem,
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
    if line.len() == MAX_LEN {
        return Err(unavailable(format!("its first line is {MAX_LEN} bytes or longer")));
    }
    let line = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
    let line = line.map_err(|_| unavailable("its first line is not UTF-8".to_owned()))?;
    if line.is_empty() {
        return Err(unavailable("its first line is empty".to_owned()));
    }
    Ok(SecretString::from(line))
}
