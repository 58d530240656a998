//! Files in and out, and stdin and stdout under their name `-`.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use cng_pkcs11::bulk;
use cng_pkcs11::secret::SecretBytes;

use crate::failure::Failure;
use crate::output::Output;

/// Reads a key file, or stdin for `-`.
pub(crate) fn read(path: &Path) -> Result<SecretBytes, Failure> {
    let read = if path == Path::new("-") { bulk::file::read_from(std::io::stdin(), 0) } else { bulk::file::read(path) };
    read.map_err(|error| Failure::file(path, &error))
}

/// A reader over a file of any length, or stdin for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    Ok(Box::new(File::open(path).map_err(|error| Failure::file(path, &error))?))
}

/// The file that is to be written, if it is not stdout under one of its names: opened a second time, stdout would be written over from its
/// start.
pub(crate) fn named(target: Option<&Path>) -> Option<&Path> {
    const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    target.filter(|path| !STDOUT.iter().any(|stdout| *path == Path::new(stdout)))
}

/// Refuses before anything is done what would be refused when it is to be written.
pub(crate) fn check_target(target: Option<&Path>, force: bool, binary: bool, json: bool) -> Result<(), Failure> {
    // A device or a pipe is there to be written to; a link that leads nowhere is not.
    let is_taken =
        |path: &Path| path.metadata().map_or_else(|_| path.symlink_metadata().is_ok(), |found| found.is_file());
    match named(target) {
        Some(path) if !force && is_taken(path) => Err(Failure::File {
            path: path.to_owned(),
            problem: "the file exists".to_owned(),
            hint: Some("choose another file, or overwrite it with --force".to_owned()),
        }),
        None if binary && !json && std::io::stdout().is_terminal() => {
            Err(Failure::usage("binary output is not written to a terminal", "name a file with -o, or pipe it on"))
        }
        _ => Ok(()),
    }
}

/// Writes to a file or stdout. `private` decides the mode.
pub(crate) fn write(
    output: Output,
    target: Option<&Path>,
    bytes: &[u8],
    private: bool,
    overwrite: bool,
) -> Result<(), Failure> {
    let Some(path) = named(target) else {
        output.data(bytes);
        return Ok(());
    };
    bulk::file::write(path, bytes, private, overwrite).map_err(|error| Failure::file(path, &error))
}
