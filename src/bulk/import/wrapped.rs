//! Files that a key of the token opens: what is inside shows there alone.

use super::super::Error;
use super::super::collision::{self, Collision, Room};
use super::super::manifest::Entry;
use super::super::report::KeyDone;
use super::super::run::Shared;
use super::Import;
use super::items::read;
use crate::blob::BlobType;
use crate::format::{self, Format, wrapped_file};
use crate::key::ExportPolicy;
use crate::provider::{Flags, ImportParameters, Key, KeyName, StorageProvider};

impl Import {
    /// A wrapped file, opened by a key of the token: what is inside shows there alone.
    pub(super) fn wrapped(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        other: Option<&KeyName>,
    ) -> Result<Key, Error> {
        let bytes = read(&entry.file_path())?;
        let kek = provider.open_key(entry.unwrap_key.as_deref().unwrap_or_default())?;
        let mut parameters = ImportParameters {
            name: other.or_else(|| entry.name.as_ref().filter(|_| !entry.is_named_by_file)).cloned(),
            algorithm: entry.algorithm,
            curve: entry.curve,
            scheme: entry.scheme,
            hash: entry.oaep_hash,
            ..ImportParameters::default()
        };
        let mut flags = self.flags();
        if self.collision == Collision::Overwrite {
            flags |= Flags::OVERWRITE_KEY;
        }
        let mut key = if entry.format.is_none() && wrapped_file::is_wrapped_file(&bytes) {
            let file = wrapped_file::decode(&bytes)?;
            parameters.name = parameters.name.or_else(|| entry.name.clone().filter(|_| file.label.is_none()));
            provider.import_wrapped_file(&kek, &file, &parameters, flags)?
        } else {
            let format = match entry.format {
                Some(format) => format,
                None => format::sniff(&bytes)
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
            provider.import_wrapped(&kek, format, &parameters, &bytes, flags)?
        };
        // What it may do and whether it may leave stands in an OpaqueTransport.
        let usual = (self.policy != ExportPolicy::NONE).then_some(self.policy);
        if let Some(policy) = entry.export_policy.or(usual) {
            key.set_export_policy(policy)?;
        }
        if let Some(usage) = entry.usage.or(self.usage) {
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

    /// What there is under the name of a wrapped key, and the key, ready to be put onto the token.
    pub(super) fn room_for_wrapped<'n>(
        &self,
        provider: &'n StorageProvider,
        entry: &Entry,
        shared: &'n Shared<'_>,
    ) -> Result<(Room<'n>, Key), Error> {
        let key = self.wrapped(provider, entry, None)?;
        let Some(name) = key.name().cloned() else { return Err(Error::Nameless { path: entry.file_path() }) };
        let differs = |held: &Key| collision::is_unwrapped(held, &mut self.wrapped(provider, entry, None)?);
        let room = collision::room_by(&self.look(provider, shared, true), &name, differs)?;
        Ok((room, key))
    }

    pub(super) fn import_wrapped(
        &self,
        provider: &StorageProvider,
        entry: &Entry,
        shared: &Shared<'_>,
    ) -> Result<KeyDone, Error> {
        let name = self.wrapped(provider, entry, None)?.name().cloned();
        let _held = name.as_ref().map(|name| shared.names.hold(name.as_str()));
        match self.room_for_wrapped(provider, entry, shared)? {
            (Room::Done(done), _) => Ok(*done),
            (Room::Free(other, outcome, _other), mut key) => {
                if key.name() != Some(&other) {
                    key = self.wrapped(provider, entry, Some(&other))?;
                }
                key.finalize(Flags::NONE)?;
                Ok(KeyDone::of_key(&key, outcome))
            }
        }
    }
}
