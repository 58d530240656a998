//! Key files in and out. What is private is written with mode 0600, to a new file that is synced and then moved into place.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// No key file is longer.
pub const MAX_LEN: u64 = 16 << 20;

/// Reads a key file into one buffer of its exact length.
///
/// # Errors
/// What the system says; [`ErrorKind::FileTooLarge`] beyond [`MAX_LEN`].
pub fn read(path: &Path) -> Result<SecretBytes> {
    let file = File::open(path)?;
    let expected = file.metadata()?.len();
    read_from(file, expected)
}

/// Reads to the end. What has no length to ask for (0) goes into a growing buffer, each of which is wiped when it is outgrown.
///
/// # Errors
/// As [`read`].
pub fn read_from(mut source: impl Read, expected: u64) -> Result<SecretBytes> {
    let too_long =
        || Error::new(ErrorKind::FileTooLarge, format!("it is longer than {MAX_LEN} bytes, as no key file is"));
    if expected > MAX_LEN {
        return Err(too_long());
    }
    let mut buffer = SecretBytes::zeroed(usize::try_from(expected).unwrap_or(0));
    let mut filled = 0;
    loop {
        // What is full need not be at its end, which one byte more shows.
        let mut next = Zeroizing::new([0]);
        let is_full = filled == buffer.len();
        let place = if is_full { &mut next[..] } else { buffer.as_mut_slice().get_mut(filled..).unwrap_or_default() };
        let read = match source.read(place) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            outcome => outcome?,
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

/// Writes a file of its own. `is_private` decides the mode; a file that is there is refused, or with `overwrite` replaced at once.
///
/// # Errors
/// What the system says. Nothing is left then.
pub fn write(path: &Path, bytes: &[u8], is_private: bool, overwrite: bool) -> Result<()> {
    // A device or a pipe is written to, through whatever link leads there.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes));
    }
    // A link stays a link: what it points to is replaced. A link to nothing yet leads to where its file will be.
    let ahead = |link| path.canonicalize().unwrap_or_else(|_| path.with_file_name("").join::<PathBuf>(link));
    let target = std::fs::read_link(path).ok().map(ahead);
    let path = target.as_deref().unwrap_or(path);
    let temporary = temporary_beside(path);
    let written = create_new(&temporary, is_private).and_then(|mut file| {
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
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                create_new(path, is_private).and_then(|_| std::fs::rename(&temporary, path))
            }
            Err(error) => Err(error),
        }
    });
    placed.inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}

/// Removes what is left in a folder of writes that were killed, to files that `is_ours` knows by their names. What another process may still be writing stays, and so does everything where the system
/// does not tell which processes there are.
///
/// # Errors
/// What the system says.
pub(super) fn clear_temporaries(folder: &Path, is_ours: impl Fn(&str) -> bool) -> Result<()> {
    for found in std::fs::read_dir(folder)? {
        let found = found?;
        let name = found.file_name();
        let written = name.to_str().and_then(written_by_temporary);
        let is_left = written.is_some_and(|(file, process)| is_ours(file) && has_ended(process));
        if is_left && found.file_type()?.is_file() {
            std::fs::remove_file(found.path())?;
        }
    }
    Ok(())
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// The other way round: which file it was to become, and by which process.
fn written_by_temporary(name: &str) -> Option<(&str, &str)> {
    let (file, process) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    (!process.is_empty() && process.bytes().all(|digit| digit.is_ascii_digit())).then_some((file, process))
}

fn has_ended(process: &str) -> bool {
    let processes = Path::new("/proc");
    processes.join("self").exists() && !processes.join(process).exists()
}

fn create_new(path: &Path, is_private: bool) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o644 });
    let _ = is_private;
    options.open(path)
}
