//! Files in and out. What is private is written with mode 0600, to a new file that is synced and then moved into place.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use cng_pkcs11::secret::SecretBytes;

use crate::failure::Failure;
use crate::output::Output;

/// No key file is longer.
const MAX_LEN: u64 = 16 << 20;

/// Reads a key file, or stdin for `-`. A file goes into one buffer of its exact length; what has no length to ask for into a growing one, each of which
/// is wiped when it is outgrown.
pub(crate) fn read(path: &Path) -> Result<SecretBytes, Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let (mut source, expected): (Box<dyn Read>, u64) = if path == Path::new("-") {
        (Box::new(std::io::stdin()), 0)
    } else {
        let file = File::open(path).map_err(failed)?;
        let expected = file.metadata().map_err(failed)?.len();
        (Box::new(file), expected)
    };
    let too_long = || Failure::File {
        path: path.to_owned(),
        problem: format!("it is longer than {MAX_LEN} bytes"),
        hint: Some("no key file is that long".to_owned()),
    };
    if expected > MAX_LEN {
        return Err(too_long());
    }
    let mut buffer = SecretBytes::zeroed(usize::try_from(expected).unwrap_or(0));
    let mut filled = 0;
    loop {
        // What is full need not be at its end, which one byte more shows.
        let mut next = zeroize::Zeroizing::new([0]);
        let is_full = filled == buffer.len();
        let place = if is_full { &mut next[..] } else { buffer.as_mut_slice().get_mut(filled..).unwrap_or_default() };
        let read = match source.read(place) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            outcome => outcome.map_err(failed)?,
        };
        match (read, is_full) {
            (0, true) => return Ok(buffer),
            (0, false) => return Ok(SecretBytes::from(buffer.get(..filled).unwrap_or_default())),
            (_, false) => {}
            (_, true) => {
                let mut larger = SecretBytes::zeroed((2 * filled).max(4096));
                if let Some((head, rest)) = larger.as_mut_slice().split_at_mut_checked(filled) {
                    head.copy_from_slice(&buffer);
                    rest.iter_mut().zip(next.iter()).for_each(|(place, byte)| *place = *byte);
                }
                buffer = larger;
            }
        }
        filled += read;
        if filled as u64 > MAX_LEN {
            return Err(too_long());
        }
    }
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
    let failed = |error: std::io::Error| Failure::file(path, &error);
    // A device or a pipe is written to, through whatever link leads there.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)).map_err(failed);
    }
    // A link stays a link: what it points to is replaced. A link to nothing yet leads to where its file will be.
    let ahead = |link| path.canonicalize().unwrap_or_else(|_| path.with_file_name("").join::<PathBuf>(link));
    let target = std::fs::read_link(path).ok().map(ahead);
    let path = target.as_deref().unwrap_or(path);
    let temporary = temporary_beside(path);
    let written = create_new(&temporary, private).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| {
        if overwrite {
            return std::fs::rename(&temporary, path);
        }
        // A link fails where a rename would replace: somebody else may have made the file meanwhile.
        match std::fs::hard_link(&temporary, path) {
            Ok(()) => std::fs::remove_file(&temporary),
            // A file system without links: the name is taken by an empty file first, which the rename then replaces.
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                create_new(path, private).and_then(|_| std::fs::rename(&temporary, path))
            }
            Err(error) => Err(error),
        }
    });
    placed.map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        failed(error)
    })
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn create_new(path: &Path, private: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if private { 0o600 } else { 0o644 });
    let _ = private;
    options.open(path)
}
