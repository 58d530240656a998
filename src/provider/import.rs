//! `NCryptImportKey` and `NCryptCreatePersistedKey`: how a pending key comes to be.

use std::sync::Arc;

use super::lookup::Stage;
use super::pending::{Material, Pending};
use super::property::Held;
use super::way::Routing;
use super::{Call, Error, Flags, Key, KeyName, State, StorageProvider, kek, lookup, recovery};
use crate::blob::{self, BlobType, Decoded, Hints};
use crate::format::Format;
use crate::key::rsa::Hash;
use crate::key::{self, Algorithm, Curve, Family, KeyMaterial, SymmetricAlgorithm, Validation};
use crate::secret::SecretBytes;
use crate::template::put::PrivateKind;
use crate::wrap::{ImportKek, Scheme};

/// What stands beside a blob: the `NCryptBufferDesc` of an import.
#[derive(Clone, Debug, Default)]
pub struct ImportParameters {
    /// `NCRYPTBUFFER_PKCS_KEY_NAME`: with a name the key is persisted, without one it is ephemeral.
    pub name: Option<KeyName>,
    /// `NCRYPTBUFFER_PKCS_ALG_ID`: the algorithm, where the blob does not say it or to hold it to one.
    pub algorithm: Option<Algorithm>,
    /// `NCRYPTBUFFER_ECC_CURVE_NAME`: the curve of a generic magic.
    pub curve: Option<&'static Curve>,
    /// `NCRYPTBUFFER_PKCS_SECRET`: the password of an encrypted PKCS#8, in UTF-8.
    pub password: Option<SecretBytes>,
    /// `NCRYPTBUFFER_CERT_BLOB`: the certificates, in DER, of which one is that of the key that opens an envelope, where `import_key` does not name it.
    pub certificates: Vec<Arc<[u8]>>,
    /// How a wrapped key is wrapped; `None` takes what the blob type, the wrapping key and the length imply.
    pub scheme: Option<Scheme>,
    /// The hash of RSA-OAEP (`NCRYPTBUFFER_PKCS_PADDING_ALGO`); `None`: each is tried, where no blob says it.
    pub hash: Option<Hash>,
    /// The label of RSA-OAEP (`NCRYPTBUFFER_PKCS_PADDING_LABEL`), where no blob says it.
    pub label: Vec<u8>,
    /// Which routes a key that is in the clear here may take onto the token.
    pub routing: Routing,
}

impl ImportParameters {
    /// The algorithm that is asked for, if it is one of symmetric keys.
    pub(super) fn symmetric(&self) -> Option<SymmetricAlgorithm> {
        self.algorithm?.family.as_symmetric()
    }
}

/// Whether keys of this algorithm are put on tokens by this crate, whatever the token at hand says.
///
/// # Errors
/// [`key::Error::NotOnToken`], which is `NTE_NOT_SUPPORTED`.
pub fn check_algorithm(algorithm: Algorithm) -> Result<(), key::Error> {
    match (algorithm.family, algorithm.curve) {
        (_, Some(curve)) => PrivateKind::of(Some(curve)).map(|_| ()),
        (Family::Ecdh | Family::Ecdsa | Family::Rsa | Family::Symmetric(_), None) => Ok(()),
        (other, None) => Err(key::Error::NotOnToken { what: other.identifier() }),
    }
}

impl StorageProvider {
    /// A new key, pending: set properties, set a blob as a property (or none, to have the key generated), then [`Key::finalize`].
    ///
    /// # Errors
    /// `NTE_EXISTS` when the name is taken and `OVERWRITE_KEY` is not set.
    pub fn create_persisted_key(
        &self,
        algorithm: Algorithm,
        name: Option<&KeyName>,
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        flags.check(Call::Create)?;
        let overwrite = flags.contains(Flags::OVERWRITE_KEY);
        name.filter(|_| !overwrite).map_or(Ok(()), |name| self.check_free(name))?;
        let mut pending = Pending::new(Material::None, name.cloned(), overwrite);
        pending.algorithm = Some(algorithm);
        pending.curve = algorithm.curve;
        let mut key = self.pending(pending);
        key.held.note(flags);
        Ok(key)
    }

    /// Imports a blob (`NCryptImportKey`). With `import_key` the blob is encrypted under that key and is opened on the token.
    ///
    /// # Errors
    /// [`crate::Error`]: a refused blob, a taken name, or what the token answers. Nothing is left on the token then.
    pub fn import_key(
        &self,
        import_key: Option<&Key>,
        blob_type: BlobType,
        parameters: &ImportParameters,
        data: &[u8],
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        if let Some(import_key) = import_key {
            return self.import_wrapped(import_key, Format::Blob(blob_type), parameters, data, flags);
        }
        if blob_type == BlobType::Pkcs7Envelope && !parameters.certificates.is_empty() {
            let recipient = self.holder_of(&parameters.certificates)?;
            return self.import_envelope(&recipient, parameters, data, flags);
        }
        kek::check_no_scheme(parameters.scheme, parameters.hash, &parameters.label)?;
        kek::check_no_certificates(&parameters.certificates)?;
        let hints = Hints {
            algorithm: parameters.algorithm,
            curve: parameters.curve,
            password: parameters.password.as_ref(),
            validation: validation(flags),
            ..Hints::default()
        };
        self.import_decoded(blob::decode(data, blob_type, &hints)?, parameters, flags)
    }

    /// Imports a key that was decoded already, from a blob or from another format.
    ///
    /// # Errors
    /// As [`StorageProvider::import_key`].
    pub fn import_decoded(
        &self,
        decoded: Decoded,
        parameters: &ImportParameters,
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        check_algorithm(decoded.algorithm)?;
        if let KeyMaterial::Public(public) = decoded.key {
            flags.check(Call::Import)?;
            if parameters.name.is_some() || flags.contains(Flags::DO_NOT_FINALIZE) {
                return Err(Error::PublicNotPersisted.into());
            }
            let mut key = self.public_key(decoded.algorithm, public);
            key.held.note(flags);
            return Ok(key);
        }
        self.finish_import(Material::Key(decoded), parameters, flags)
    }

    /// The same by way of an RSA key of the token: the key is wrapped here under its public half, and unwrapped there.
    ///
    /// # Errors
    /// As [`StorageProvider::import_key`]; `NTE_BAD_TYPE` for a key that is no RSA key, `NTE_PERM` for one that may not unwrap.
    pub fn import_by_key(
        &self,
        unwrap_key: &Key,
        decoded: Decoded,
        parameters: &ImportParameters,
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        check_algorithm(decoded.algorithm)?;
        if matches!(decoded.key, KeyMaterial::Public(_)) {
            return Err(Error::PublicNotPersisted.into());
        }
        kek::check_no_scheme(parameters.scheme, parameters.hash, &parameters.label)?;
        kek::check_no_certificates(&parameters.certificates)?;
        if parameters.routing == Routing::Create {
            let what = "a key that is created needs none that opens it".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        if unwrap_key.algorithm() != Some(Algorithm::RSA) {
            let what = format!(
                "a key that is in the clear here is wrapped under the public half of an RSA key, and `{}` is none",
                unwrap_key.label()
            );
            return Err(Error::Contradiction { what }.into());
        }
        let (unwraps, public) = (unwrap_key.unwrapping_kek()?, unwrap_key.rsa_public()?);
        self.import_prepared(Material::Key(decoded), parameters, flags, |pending| {
            pending.kek = Some(ImportKek::of(unwraps, public.clone()));
            Ok(())
        })
    }

    pub(super) fn finish_import(
        &self,
        material: Material,
        parameters: &ImportParameters,
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        self.import_prepared(material, parameters, flags, |_| Ok(()))
    }

    /// The same, with what else is known of the key.
    pub(super) fn import_prepared(
        &self,
        material: Material,
        parameters: &ImportParameters,
        flags: Flags,
        prepare: impl FnOnce(&mut Pending) -> Result<(), crate::Error>,
    ) -> Result<Key, crate::Error> {
        flags.check(Call::Import)?;
        let overwrite = flags.contains(Flags::OVERWRITE_KEY);
        let mut pending = Pending::new(material, parameters.name.clone(), overwrite);
        pending.validation = validation(flags);
        pending.algorithm = parameters.algorithm;
        pending.curve = parameters.curve;
        pending.routing = parameters.routing;
        prepare(&mut pending)?;
        let mut key = self.pending(pending);
        key.held.note(flags);
        if !flags.contains(Flags::DO_NOT_FINALIZE) {
            key.finalize(Flags::NONE)?;
        }
        Ok(key)
    }

    /// Refuses a name that is taken: of a key that is imported to be finalized later, finalize would say it, after its properties were set.
    ///
    /// # Errors
    /// `NTE_EXISTS`, what the token says.
    pub fn check_free(&self, name: &KeyName) -> Result<(), crate::Error> {
        let entries = lookup::by_label(&self.token, name.as_str())?;
        let settled: Vec<_> = entries.into_iter().filter(|entry| !entry.is_interrupted()).collect();
        match lookup::resolve(&self.token, name.as_str(), &settled)? {
            Some(entry) => Err(entry.name_taken(&self.token).into()),
            None => Ok(()),
        }
    }

    /// Finishes the replacement of a key that was cut short after the new one was proven, as the next import of the name does. Where there is none, nothing is written.
    pub(crate) fn finish_replacement(&self, name: &KeyName) -> Result<(), crate::Error> {
        let entries = lookup::by_label(&self.token, name.as_str())?;
        if entries.iter().any(|entry| entry.is_key() && entry.stage == Stage::Ready) {
            recovery::recover(&self.token, name.as_str(), entries)?;
        }
        Ok(())
    }

    fn pending(&self, pending: Pending) -> Key {
        Key { token: self.shared_token().clone(), state: State::Pending(Box::new(pending)), held: Held::default() }
    }
}

pub(super) fn validation(flags: Flags) -> Validation {
    if flags.contains(Flags::NO_KEY_VALIDATION) { Validation::Skip } else { Validation::Full }
}
