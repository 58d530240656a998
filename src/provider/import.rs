//! `NCryptImportKey` and `NCryptCreatePersistedKey`: how a pending key comes to be.

use super::pending::{Material, Pending, Target};
use super::{Error, Flags, Key, KeyName, State, StorageProvider, lookup};
use crate::blob::aes_wrap::AesWrapBlob;
use crate::blob::{BlobType, Decoded, Hints};
use crate::key::{self, Algorithm, Curve, Family, KeyMaterial, KeyUsage, SymmetricAlgorithm, Validation};
use crate::secret::SecretBytes;
use crate::template::put::PrivateKind;
use crate::token::Handle;
use crate::wrap::Scheme;
use crate::{blob, wrap};

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
        flags.only(Flags::OVERWRITE_KEY | Flags::MACHINE_KEY | Flags::SILENT)?;
        let overwrite = flags.contains(Flags::OVERWRITE_KEY);
        if let (Some(name), false) = (name, overwrite) {
            let entries = lookup::by_label(&self.token, name.as_str())?;
            let settled: Vec<_> = entries.into_iter().filter(|entry| !entry.is_interrupted()).collect();
            if let Some(entry) = lookup::resolve(&self.token, name.as_str(), &settled)? {
                return Err(entry.name_taken(&self.token).into());
            }
        }
        let mut pending = Pending::new(Material::None, name.cloned(), overwrite);
        pending.algorithm = Some(algorithm);
        pending.curve = algorithm.curve;
        Ok(self.pending(pending))
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
            let scheme = match blob_type {
                BlobType::AesWrap => Scheme::Kw,
                BlobType::Pkcs8 => Scheme::Kwp,
                other => {
                    let what = format!("a {} cannot be encrypted under a key of the token", other.name());
                    return Err(Error::Contradiction { what }.into());
                }
            };
            let private = blob_type == BlobType::Pkcs8;
            return self.import_wrapped(import_key, scheme, private, parameters, data, flags);
        }
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
            flags.only(IMPORT_FLAGS)?;
            if parameters.name.is_some() || flags.contains(Flags::DO_NOT_FINALIZE) {
                return Err(Error::PublicNotPersisted.into());
            }
            return Ok(self.public_key(decoded.algorithm, public));
        }
        self.finish_import(Material::Key(decoded), parameters, flags)
    }

    /// Imports a key that is wrapped under `import_key`, a key on the token: a PKCS#8 if `private`, else a bare symmetric key. The key in
    /// the clear never reaches the host.
    ///
    /// # Errors
    /// As [`StorageProvider::import_key`].
    pub fn import_wrapped(
        &self,
        import_key: &Key,
        scheme: Scheme,
        private: bool,
        parameters: &ImportParameters,
        data: &[u8],
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        let kek = import_key.kek("unwrap")?;
        let target = if private {
            if scheme == Scheme::Kw {
                return Err(wrap::Error::Unsuitable { scheme: scheme.name(), key: "a private key" }.into());
            }
            check_kwp_length(data)?;
            Target::Private
        } else {
            let algorithm = match parameters.algorithm.map(|algorithm| algorithm.family) {
                None => SymmetricAlgorithm::Aes,
                Some(Family::Symmetric(algorithm)) => algorithm,
                Some(other) => {
                    let what = format!("a bare wrapped key cannot be an {} key", other.group());
                    return Err(Error::Contradiction { what }.into());
                }
            };
            Target::Secret { algorithm, bits: wrapped_bits(scheme, algorithm, data)? }
        };
        self.finish_import(Material::Wrapped { kek, scheme, bytes: data.to_vec(), target }, parameters, flags)
    }

    fn finish_import(
        &self,
        material: Material,
        parameters: &ImportParameters,
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        flags.only(IMPORT_FLAGS)?;
        let overwrite = flags.contains(Flags::OVERWRITE_KEY);
        let mut pending = Pending::new(material, parameters.name.clone(), overwrite);
        pending.validation = validation(flags);
        pending.algorithm = parameters.algorithm;
        pending.curve = parameters.curve;
        let mut key = self.pending(pending);
        if !flags.contains(Flags::DO_NOT_FINALIZE) {
            key.finalize(Flags::NONE)?;
        }
        Ok(key)
    }

    fn pending(&self, pending: Pending) -> Key {
        Key { token: self.shared_token().clone(), state: State::Pending(Box::new(pending)) }
    }
}

const IMPORT_FLAGS: Flags = Flags::from_bits(
    Flags::NO_KEY_VALIDATION.bits()
        | Flags::MACHINE_KEY.bits()
        | Flags::SILENT.bits()
        | Flags::OVERWRITE_KEY.bits()
        | Flags::DO_NOT_FINALIZE.bits(),
);

pub(super) fn validation(flags: Flags) -> Validation {
    if flags.contains(Flags::NO_KEY_VALIDATION) { Validation::Skip } else { Validation::Full }
}

/// What RFC 5649 cannot have made is not shown to the token.
fn check_kwp_length(data: &[u8]) -> Result<(), wrap::Error> {
    if data.len() >= 16 && data.len().is_multiple_of(8) {
        return Ok(());
    }
    let expected = "a multiple of 8 bytes, at least 16";
    Err(wrap::Error::Length { scheme: Scheme::Kwp.name(), len: data.len(), expected })
}

/// The size of the symmetric key inside a wrap, where its length tells. KWP hides up to seven bytes, so only exact key sizes count.
fn wrapped_bits(scheme: Scheme, algorithm: SymmetricAlgorithm, data: &[u8]) -> Result<Option<u32>, crate::Error> {
    let len = match scheme {
        Scheme::Kw => AesWrapBlob::decode(data)?.key_len(),
        Scheme::Kwp => {
            check_kwp_length(data)?;
            data.len() - 8
        }
    };
    if !algorithm.accepts(len) {
        let expected = "the key inside has a size that the algorithm does not have";
        return Err(wrap::Error::Length { scheme: scheme.name(), len: data.len(), expected }.into());
    }
    // An HMAC key may be any number of bytes, so its KWP length is not known.
    let exact = scheme == Scheme::Kw || algorithm != SymmetricAlgorithm::Hmac;
    Ok(if exact { u32::try_from(len * 8).ok() } else { None })
}

impl Key {
    /// The object of a key that wraps or unwraps others.
    pub(super) fn kek(&self, operation: &'static str) -> Result<Handle, crate::Error> {
        let ready = self.finalized()?;
        let object = ready.secret_object.filter(|_| ready.algorithm == Some(Algorithm::AES));
        let object = object.ok_or_else(|| Error::Unsupported {
            what: format!("`{}` is not an AES key, so it cannot {operation} others by AES key wrap", ready.label),
            ckr: None,
        })?;
        if !ready.usage.contains(KeyUsage::WRAP) {
            let operation = if operation == "wrap" { "wrap keys" } else { "unwrap keys" };
            return Err(Error::UsageForbids { name: ready.label.clone(), operation }.into());
        }
        Ok(object)
    }
}
