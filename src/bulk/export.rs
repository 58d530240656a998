//! `bulk export`: keys of a token into a folder, a file each.
//!
//! A file is named after its key, whatever of the name a file system would not take percent-encoded, and its type; it is written whole or not at all. What can be imported again is listed in
//! a `manifest.jsonl` beside them, which `bulk import` takes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::journal::{Journal, Outcome};
use super::manifest::Entry;
use super::report::{Event, KeyDone, Summary};
use super::run::{Shared, lock};
use super::select::Selection;
use super::work::Crew;
use super::{Error, file};
use crate::format::Format;
use crate::provider::{ExportParameters, Key, KeyName, StorageProvider};
use crate::wrap::Scheme;

/// How a bulk export goes about it.
pub struct Export<'a> {
    /// How many threads.
    pub jobs: usize,
    /// What is written.
    pub format: Format,
    /// What stands beside it: scheme, hash, password.
    pub parameters: ExportParameters,
    /// The keys that wrap; none for what is public, or under a password.
    pub recipients: &'a [Key],
    /// The name of the one that opens it again on this token, for the manifest.
    pub unwrap_key: Option<String>,
    /// Whether files that are there are replaced.
    pub overwrites: bool,
}

/// A key and the file that it goes to.
struct Job<'k> {
    number: u32,
    key: &'k Key,
    file: String,
}

impl Export<'_> {
    /// The file of each key, in the order of the selection.
    pub fn files(&self, selection: &Selection) -> Vec<String> {
        let mut taken = HashSet::new();
        let name = |key: &Key| {
            let stem = stem_of(key.label());
            let mut file = format!("{stem}.{}", self.format.name());
            let mut number = 2;
            // A file system may not tell capitals from small letters.
            while !taken.insert(file.to_lowercase()) {
                file = format!("{stem}~{number}.{}", self.format.name());
                number += 1;
            }
            file
        };
        selection.keys.iter().map(name).collect()
    }

    /// Writes the keys of a selection into a folder. As with an import what one key fails of is told, and counted.
    ///
    /// # Errors
    /// What ends the run.
    pub fn run(
        &self,
        provider: &StorageProvider,
        selection: &Selection,
        folder: &Path,
        journal: Option<&Mutex<Journal>>,
        stop: &AtomicBool,
        mut observe: impl FnMut(&Event<'_>),
    ) -> Result<Summary, Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::unreadable(folder, &error))?;
        let manifest = folder.join(super::manifest::IN_A_FOLDER[0]);
        let goes_on = journal.is_some_and(|journal| !lock(journal).found().is_new);
        if self.has_manifest() && !goes_on && !self.overwrites && manifest.symlink_metadata().is_ok() {
            return Err(Error::FileExists { path: manifest });
        }
        let files = self.files(selection);
        if goes_on {
            // Keys in the clear may be among what a run that was killed has left half written.
            let ours: HashSet<&str> = files.iter().map(String::as_str).collect();
            file::clear_temporaries(folder, |file| ours.contains(file))
                .map_err(|error| Error::unreadable(folder, &error))?;
        }
        let shared = Shared::new(journal);
        let mut jobs = selection.keys.iter().zip(&files).zip(0..);
        let next = || loop {
            let ((key, file), number) = jobs.next()?;
            if !(shared.done_before(number).is_some() && folder.join(file).is_file()) {
                return Some(Job { number, key, file: file.clone() });
            }
            shared.pass_over();
        };
        let mut lost = HashSet::new();
        let work = |_: &StorageProvider, (): &(), job: &Job<'_>| self.one(job, &folder.join(&job.file), &shared);
        let take = |job: Job<'_>, outcome: Result<KeyDone, Error>| {
            if outcome.is_err() {
                lost.insert(job.number);
            }
            let name = job.key.label();
            shared.settle(job.number, name, name, &outcome.into(), &mut observe)
        };
        let effort = Crew::new(provider, self.jobs, stop).bound().shared().run(next, work, take);
        let summary = shared.close(effort, stop)?;
        if !summary.was_stopped && self.has_manifest() {
            let listed = selection.keys.iter().zip(&files).zip(0..).filter(|(_, number)| !lost.contains(number));
            self.write_manifest(&manifest, listed.map(|(pair, _)| pair))?;
        }
        Ok(summary)
    }

    /// What can be told before the token is asked: whether the file may be written, and the key may leave so.
    ///
    /// # Errors
    /// [`Error::FileExists`]; what the key's policy forbids.
    pub fn check(&self, key: &Key, path: &Path) -> Result<(), Error> {
        if path.symlink_metadata().is_ok() && !self.overwrites {
            return Err(Error::FileExists { path: path.to_owned() });
        }
        let is_wrapped = !self.recipients.is_empty() || self.parameters.password.is_some();
        key.check_leaves(self.format, is_wrapped)?;
        Ok(())
    }

    /// What would be refused of a key. Nothing is written, and nothing read that is secret.
    ///
    /// # Errors
    /// What [`Export::check`] says; a format that does not hold the key, a recipient that may not have it.
    pub fn plan(&self, key: &Key, path: &Path) -> Result<(), Error> {
        self.check(key, path)?;
        Ok(key.rehearse_export(&self.recipients.iter().collect::<Vec<_>>(), self.format, &self.parameters)?)
    }

    /// Whether what is written can be imported by what a manifest can say: nothing says which key of elsewhere opens it, nor a label of OAEP.
    fn has_manifest(&self) -> bool {
        let opens = self.recipients.is_empty() || (self.unwrap_key.is_some() && self.parameters.label.is_empty());
        !self.format.is_public() && opens
    }

    fn one(&self, job: &Job<'_>, path: &Path, shared: &Shared<'_>) -> Result<KeyDone, Error> {
        let key = job.key;
        // What an earlier run was about to write is its own.
        let is_begun = shared.begun(job.number, key.label()).is_some() && shared.done_before(job.number).is_none();
        if !is_begun {
            self.check(key, path)?;
            shared.begin(job.number, key.label(), key.id())?;
        }
        let exported = if !self.recipients.is_empty() {
            key.export_to(&self.recipients.iter().collect::<Vec<_>>(), self.format, &self.parameters)?
        } else if self.format.is_public() || self.parameters.password.is_some() {
            key.export(None, self.format, &self.parameters)?
        } else {
            key.danger_export_plaintext(self.format)?
        };
        let is_private = !self.format.is_public();
        file::write(path, &exported.bytes, is_private, self.overwrites || is_begun)
            .map_err(|error| Error::unreadable(path, &error))?;
        let mut done = KeyDone::of_key(key, Outcome::Exported);
        done.unique = path.display().to_string();
        if exported.zero_padded {
            let warning =
                "the token has padded it with zero bytes before it wrapped it: what opens it must cut them off";
            done.warnings.push(warning.to_owned());
        }
        Ok(done)
    }

    fn write_manifest<'k>(&self, path: &Path, keys: impl Iterator<Item = (&'k Key, &'k String)>) -> Result<(), Error> {
        let mut text = String::new();
        let mut named = HashSet::new();
        for (key, file) in keys {
            // Of several keys of one name the first one has it: the others are to be given one.
            let name = KeyName::new(key.label()).ok().filter(|name| named.insert(name.as_str().to_owned()));
            let is_secret = key.is_symmetric();
            let entry = Entry {
                file: file.clone(),
                format: Some(self.format),
                name,
                // A bare key does not say what it is.
                algorithm: key.algorithm().filter(|_| is_secret),
                export_policy: Some(key.export_policy().effective()),
                usage: Some(key.usage()).filter(|usage| !usage.is_empty()),
                id: Some(key.id().to_vec()).filter(|id| !id.is_empty()),
                unwrap_key: self.unwrap_key.clone(),
                scheme: self.parameters.scheme.filter(|_| self.unwrap_key.is_some() && !self.says_itself()),
                oaep_hash: self.parameters.hash.filter(|_| {
                    self.unwrap_key.is_some() && !self.says_itself() && self.parameters.scheme == Some(Scheme::RsaOaep)
                }),
                ..Entry::default()
            };
            text.push_str(&entry.to_json());
            text.push('\n');
        }
        file::write(path, text.as_bytes(), false, true).map_err(|error| Error::unreadable(path, &error))
    }

    /// Whether the format names its own scheme.
    fn says_itself(&self) -> bool {
        self.format.is_wrapped()
    }
}

/// A key's name as the name of a file: letters, digits and a few signs stay, every other byte is percent-encoded.
fn stem_of(name: &str) -> String {
    let mut stem = String::new();
    for (at, byte) in name.bytes().enumerate() {
        let stays = byte.is_ascii_alphanumeric() || b"-_@+=, ".contains(&byte) || (byte == b'.' && at > 0);
        if stays && stem.len() < MAX_STEM {
            stem.push(char::from(byte));
        } else if stem.len() < MAX_STEM {
            stem.push_str(&format!("%{byte:02X}"));
        }
    }
    stem
}

/// Names of files are at most 255 bytes, with the type and a number behind.
const MAX_STEM: usize = 200;

#[cfg(test)]
mod tests {
    use super::stem_of;

    #[test]
    fn names_become_names_of_files() {
        for (name, stem) in [
            ("web-1.example.org", "web-1.example.org"),
            ("../etc/passwd", "%2E./etc/passwd".replace('/', "%2F").as_str()),
            (".hidden", "%2Ehidden"),
            ("a/b\\c:d*", "a%2Fb%5Cc%3Ad%2A"),
            ("Schlüssel", "Schl%C3%BCssel"),
            ("a b", "a b"),
        ] {
            assert_eq!(stem_of(name), stem, "{name}");
        }
        assert!(stem_of(&"ü".repeat(500)).len() <= 203);
    }
}
