//! The keys of a file, each with its name, and what stands beside it in the file.

use std::path::Path;

use secrecy::ExposeSecret;

use super::super::collision::{self, Look, Room, Wanted};
use super::super::manifest::Entry;
use super::super::promises::What;
use super::super::{Error, file};
use super::Import;
use crate::asn1::{certificates, spki};
use crate::blob::{Decoded, Hints};
use crate::format::{self, Format};
use crate::key::{Algorithm, Family, KeyMaterial};
use crate::provider::{self, Asked, KeyName, check_algorithm};
use crate::secret::SecretBytes;

/// One key of a file.
pub(super) struct Item {
    pub(super) name: KeyName,
    pub(super) decoded: Decoded,
    /// The certificate of the file, or of the entry.
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) warnings: Vec<String>,
}

impl Item {
    /// What it is, and is to be besides its name; `None` where its public half is not known.
    pub(super) fn what(&self, asked: &Asked<'_>) -> Option<What> {
        let Decoded { algorithm, key, usage } = &self.decoded;
        let usage = asked.usage.or(*usage).unwrap_or_else(|| algorithm.family.default_usage());
        let policy = asked.policy.effective();
        let what = |key: &[u8], id: Option<&[u8]>| {
            What::new(key, &(algorithm, policy, usage, asked.id.or(id)), asked.certificate)
        };
        match key {
            KeyMaterial::Secret(key) => Some(what(key.key(), None)),
            key => {
                let public = key.public()?;
                let id = spki::key_id(&public).ok()?;
                Some(what(&spki::encode(&public).ok()?, Some(&id)))
            }
        }
    }

    /// What there is under its name.
    pub(super) fn room<'n>(&self, look: &Look<'n>, asked: Asked<'_>, begun: Option<&[u8]>) -> Result<Room<'n>, Error> {
        collision::room(look, &self.name, &Wanted { decoded: &self.decoded, asked, begun })
    }

    /// The certificate of the key itself, in DER, of those that came with it.
    pub(super) fn own_certificate(&self) -> Result<Option<Vec<u8>>, Error> {
        match (&self.certificate, &self.decoded.key) {
            (Some(certificate), KeyMaterial::Private(_)) => own_certificate(certificate, &self.decoded),
            _ => Ok(None),
        }
    }
}

impl Import {
    /// The keys of a file in the clear, or under a password.
    pub(super) fn items(&self, entry: &Entry) -> Result<Vec<Item>, Error> {
        let bytes = read(&entry.file_path())?;
        let format = match entry.format {
            Some(format) => format,
            None => recognise(&bytes, entry.algorithm)?,
        };
        let own_password = match &entry.password_source {
            Some(source) => {
                let secret = source.read(&entry.folder, &format!("password of {}", entry.file))?;
                Some(SecretBytes::from(secret.expose_secret().as_bytes()))
            }
            None => None,
        };
        let hints = Hints {
            algorithm: entry.algorithm,
            curve: entry.curve.or_else(|| entry.algorithm.and_then(|algorithm| algorithm.curve)),
            password: own_password.as_ref().or(self.password.as_ref()),
            validation: self.validation,
            limits: self.limits,
        };
        let found = match &entry.key {
            Some(key) => vec![format::decode_one(&bytes, format, &hints, Some(key))?],
            None => format::decode_all(&bytes, format, &hints)?,
        };
        // Certificates and public keys that stand beside private ones in one file are none of its keys.
        let mut found: Vec<_> = match found.iter().any(|entry| !matches!(entry.decoded.key, KeyMaterial::Public(_))) {
            true => found.into_iter().filter(|entry| !matches!(entry.decoded.key, KeyMaterial::Public(_))).collect(),
            false => found,
        };
        let is_one = found.len() == 1;
        let given = entry.name.as_ref().filter(|_| !entry.is_named_by_file);
        if !is_one && (given.is_some() || entry.id.is_some() || entry.certificate.is_some()) {
            let names = found.iter().map(|entry| entry.name.clone().unwrap_or_default()).collect();
            return Err(Error::SeveralKeys { path: entry.file_path(), names });
        }
        let certificate = entry.certificate_path().map(|path| read(&path)).transpose()?;
        found
            .drain(..)
            .enumerate()
            .map(|(number, one)| {
                check_algorithm(one.decoded.algorithm)?;
                if matches!(one.decoded.key, KeyMaterial::Public(_)) {
                    return Err(provider::Error::PublicNotPersisted.into());
                }
                let name = match (given, one.name, &entry.name) {
                    (Some(name), ..) => name.clone(),
                    // The file is one of a folder: its own name says more than what may stand in it.
                    (None, _, Some(name)) if is_one => name.clone(),
                    (None, Some(own), _) => KeyName::new(&own)?,
                    (None, None, Some(name)) => KeyName::new(&format!("{name}-{}", number + 1))?,
                    (None, None, None) => return Err(Error::Nameless { path: entry.file_path() }),
                };
                let mut warnings = Vec::new();
                let certificate = match &certificate {
                    Some(named) => Some(named.to_vec()),
                    None => {
                        let (own, above) = match one.certificates.split_first() {
                            Some((own, above)) => (Some(own.to_vec()), above.len()),
                            None => (None, 0),
                        };
                        if above > 0 {
                            warnings.push(format!("{above} more certificates of the file are not put on the token"));
                        }
                        own
                    }
                };
                Ok(Item { name, decoded: one.decoded, certificate, warnings })
            })
            .collect()
    }
}

/// The certificate of the key among those that were given, in DER.
fn own_certificate(given: &[u8], decoded: &Decoded) -> Result<Option<Vec<u8>>, Error> {
    let public = decoded.key.public();
    let found = certificates::decode(given)?.into_iter().find(|parts| Some(&parts.public) == public.as_ref());
    Ok(found.map(|parts| parts.der))
}

pub(super) fn read(path: &Path) -> Result<SecretBytes, Error> {
    file::read(path).map_err(|error| Error::unreadable(path, &error))
}

/// What a file is, where nobody says it.
///
/// # Errors
/// What it could be, if it is nothing that is known.
pub fn recognise(bytes: &[u8], algorithm: Option<Algorithm>) -> Result<Format, format::Error> {
    match format::sniff(bytes) {
        Ok(format) => Ok(format),
        // With a symmetric algorithm named, bytes of a key's length are that key.
        Err(error) => match algorithm.map(|algorithm| algorithm.family) {
            Some(Family::Symmetric(symmetric)) if symmetric.accepts(bytes.len()) => Ok(Format::Raw),
            _ => Err(error),
        },
    }
}
