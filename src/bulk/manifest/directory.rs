//! A folder of key files, each an entry.

use std::collections::HashMap;
use std::path::Path;

use super::super::{Error, MAX_ENTRIES};
use super::entry::Entry;
use crate::provider::KeyName;

/// The files of a folder, by their names.
pub(super) struct Files {
    files: std::vec::IntoIter<(String, KeyName)>,
    /// How many folders stand beside them.
    pub(super) folders: u32,
}

impl Files {
    /// Lists a folder. Nothing is read of the files; a link is what it leads to.
    pub(super) fn list(folder: &Path) -> Result<Self, Error> {
        let unreadable = |error| Error::unreadable(folder, &error);
        let (mut files, mut folders) = (Vec::new(), 0);
        for found in std::fs::read_dir(folder).map_err(unreadable)? {
            let found = found.map_err(unreadable)?;
            if found.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = found.path();
            let metadata = path.metadata().map_err(|error| Error::unreadable(&path, &error))?;
            folders += u32::from(metadata.is_dir());
            if !metadata.is_file() {
                continue;
            }
            if files.len() == MAX_ENTRIES as usize {
                let problem = format!("it has more than {MAX_ENTRIES} files");
                return Err(Error::manifest(folder, problem, "make several of it"));
            }
            let name = found.file_name().into_string().map_err(|_| {
                Error::manifest(&path, "the name of the file is not UTF-8", "rename it, or write a manifest beside it")
            })?;
            let stem = Path::new(&name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(&name);
            let stem = KeyName::new(stem).map_err(|error| {
                Error::manifest(&path, format!("it gives no name to a key: {error}"), "rename it, or write a manifest")
            })?;
            files.push((name, stem));
        }
        files.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut stems = HashMap::with_capacity(files.len());
        for (name, stem) in &files {
            if let Some(first) = stems.insert(stem.as_str(), name) {
                return Err(Error::SameStem {
                    folder: folder.to_owned(),
                    stem: stem.to_string(),
                    first: first.clone(),
                    second: name.clone(),
                });
            }
        }
        drop(stems);
        Ok(Self { files: files.into_iter(), folders })
    }

    pub(super) fn next(&mut self, folder: &Path) -> Option<Entry> {
        let (file, stem) = self.files.next()?;
        let folder = folder.to_owned();
        Some(Entry { folder, file, name: Some(stem), is_named_by_file: true, ..Entry::default() })
    }
}
