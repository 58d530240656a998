//! Files that a key of the token opens: what is inside shows there alone.

use super::super::Error;
use super::super::collision::{self, Collision, Look, Room};
use super::super::manifest::Entry;
use super::super::promises::What;
use super::super::report::KeyDone;
use super::super::run::Shared;
use super::Import;
use super::items::read;
use crate::blob::BlobType;
use crate::format::{self, Format, wrapped_file};
use crate::key::ExportPolicy;
use crate::provider::{Flags, ImportParameters, Key, KeyName, StorageProvider};
use crate::secret::SecretBytes;

/// A wrapped file, and the key of the token that opens it.
pub(super) struct Wrapped<'a> {
    import: &'a Import,
    provider: &'a StorageProvider,
    entry: &'a Entry,
    bytes: SecretBytes,
    kek: Key,
}

impl Import {
    pub(super) fn wrapped<'a>(&'a self, provider: &'a StorageProvider, entry: &'a Entry) -> Result<Wrapped<'a>, Error> {
        let bytes = read(&entry.file_path())?;
        let kek = provider.open_key(entry.unwrap_key.as_deref().unwrap_or_default())?;
        Ok(Wrapped { import: self, provider, entry, bytes, kek })
    }

    pub(super) fn import_wrapped(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        shared: &Shared<'_>,
    ) -> Result<KeyDone, Error> {
        let wrapped = self.wrapped(provider, entry)?;
        let name = wrapped.name()?;
        let _held = shared.names.hold(name.as_str());
        let begun = shared.begun(entry.number, name.as_str());
        let done = match wrapped.room(&self.look(provider, shared, entry.number), &name, begun.as_deref())? {
            Room::Done(done) => *done,
            Room::Free(free) => {
                let mut key = wrapped.key(Some(&free.name))?;
                shared.begin_key((entry.number, name.as_str()), begun.as_deref(), &mut key, &free)?;
                key.finalize(Flags::NONE)?;
                KeyDone::of_key(&key, free.outcome)
            }
        };
        shared.names.give(&done.name);
        Ok(done)
    }
}

impl Wrapped<'_> {
    /// The name that the entry or the file gives the key.
    pub(super) fn name(&self) -> Result<KeyName, Error> {
        let nameless = || Error::Nameless { path: self.entry.file_path() };
        self.key(None)?.name().cloned().ok_or_else(nameless)
    }

    /// What it is, as far as that shows from outside: the same file is the same key.
    pub(super) fn what(&self) -> What {
        let Self { import, entry, bytes, .. } = self;
        What::new(bytes, &(import.asked(entry, None), &entry.unwrap_key), None)
    }

    /// What there is under this name.
    pub(super) fn room<'n>(&self, look: &Look<'n>, name: &KeyName, begun: Option<&[u8]>) -> Result<Room<'n>, Error> {
        collision::room_by(look, name, |held| collision::is_unwrapped(held, &mut self.key(None)?, begun))
    }

    /// The key, ready to be put onto the token, under another name than its own if one is given.
    pub(super) fn key(&self, other: Option<&KeyName>) -> Result<Key, Error> {
        let Self { import, provider, entry, bytes, kek } = self;
        let mut parameters = ImportParameters {
            name: other.or_else(|| entry.name.as_ref().filter(|_| !entry.is_named_by_file)).cloned(),
            algorithm: entry.algorithm,
            curve: entry.curve,
            scheme: entry.scheme,
            hash: entry.oaep_hash,
            ..ImportParameters::default()
        };
        let mut flags = import.flags();
        if import.collision == Collision::Overwrite {
            flags |= Flags::OVERWRITE_KEY;
        }
        let mut key = if entry.format.is_none() && wrapped_file::is_wrapped_file(bytes) {
            let file = wrapped_file::decode(bytes)?;
            parameters.name = parameters.name.or_else(|| entry.name.clone().filter(|_| file.label.is_none()));
            provider.import_wrapped_file(kek, &file, &parameters, flags)?
        } else {
            let format = match entry.format {
                Some(format) => format,
                None => format::sniff(bytes)
                    .ok()
                    .filter(|format| format.is_wrapped())
                    .ok_or_else(|| Error::UnknownWrapped { path: entry.file_path() })?,
            };
            // An OpaqueTransport brings its own name.
            if format != Format::Blob(BlobType::OpaqueTransport) {
                parameters.name = parameters.name.or_else(|| entry.name.clone());
                if parameters.name.is_none() {
                    return Err(Error::Nameless { path: entry.file_path() });
                }
            }
            provider.import_wrapped(kek, format, &parameters, bytes, flags)?
        };
        // What it may do and whether it may leave stands in an OpaqueTransport.
        let usual = (import.policy != ExportPolicy::NONE).then_some(import.policy);
        if let Some(policy) = entry.export_policy.or(usual) {
            key.set_export_policy(policy)?;
        }
        if let Some(usage) = entry.usage.or(import.usage) {
            key.set_usage(usage)?;
        }
        if let Some(id) = &entry.id {
            key.set_id(id)?;
        }
        if let Some(path) = entry.certificate_path() {
            key.set_certificate(&read(&path)?)?;
        }
        Ok(key)
    }
}
