//! Properties of a key, read.

use super::super::pending::Material;
use super::super::{Call, Error, Flags, Key, State};
use super::lengths::{DEFAULT_MODE, KEM_SHARED_SECRET, kem_ciphertext, lengths, tags};
use super::{PropertyValue, absent, check_name, is_of_a_tpm, names, row, unknown};
use crate::blob::{BlobType, ecc_parameters};
use crate::key::{Family, ParameterSet, PublicKey, SymmetricAlgorithm};
use crate::provider::ChainingMode;

impl Key {
    /// Reads a property.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a property that is not known, `NTE_NOT_FOUND` for one that this key does not have.
    pub fn property(&self, name: &str) -> Result<PropertyValue, crate::Error> {
        self.property_with(name, Flags::NONE)
    }

    /// Reads a property; with [`Flags::PERSIST_ONLY`] one of the caller's own, whatever is built in under its name.
    ///
    /// # Errors
    /// As [`Key::property`]; `NTE_BAD_FLAGS`.
    pub fn property_with(&self, name: &str, flags: Flags) -> Result<PropertyValue, crate::Error> {
        // The flags of a security descriptor are its own.
        if name != names::SECURITY_DESCR {
            flags.check(Call::GetProperty)?;
            if flags.contains(Flags::PERSIST_ONLY) {
                check_name(name)?;
                return Ok(self.custom(name)?.ok_or_else(|| absent(name))?);
            }
        }
        match row(name) {
            Some(row) => {
                row.key.check_read(name)?;
                self.built_in(row.name)
            }
            None if BlobType::by_name(name).is_some() || is_of_a_tpm(name) => Err(unknown(name).into()),
            None => {
                check_name(name)?;
                self.custom_or_unknown(name)
            }
        }
    }

    fn built_in(&self, name: &'static str) -> Result<PropertyValue, crate::Error> {
        if let Some(number) = self.number(name) {
            return Ok(PropertyValue::Number(number));
        }
        let absent = || absent(name);
        let algorithm = self.algorithm();
        let family = algorithm.map(|algorithm| algorithm.family);
        let curve = algorithm.and_then(|algorithm| algorithm.curve);
        let text = |text: &str| PropertyValue::Text(text.to_owned());
        Ok(match name {
            names::NAME => text(self.name().ok_or_else(absent)?.as_str()),
            names::UNIQUE_NAME => match (&self.state, self.name()) {
                (State::Ready(_), Some(_)) => text(&self.uri().to_string()),
                _ => return Err(absent().into()),
            },
            names::ALGORITHM => match (family.ok_or_else(absent)?, self.held.is_generic) {
                (family @ (Family::Ecdh | Family::Ecdsa), true) => text(family.identifier()),
                _ => text(&algorithm.ok_or_else(absent)?.name()),
            },
            names::ALGORITHM_GROUP => text(family.ok_or_else(absent)?.group()),
            names::LENGTHS => PropertyValue::Lengths(lengths(algorithm.ok_or_else(absent)?)),
            names::CHAINING_MODE => text(self.chaining_mode().ok_or_else(absent)?.name()),
            names::AUTH_TAG_LENGTH => {
                PropertyValue::TagLengths(self.chaining_mode().and_then(tags).ok_or_else(absent)?)
            }
            names::INITIALIZATION_VECTOR => {
                PropertyValue::Bytes(self.initialization_vector().ok_or_else(absent)?.to_vec())
            }
            names::ECC_CURVE_NAME => text(curve.ok_or_else(absent)?.name),
            names::ECC_PARAMETERS => PropertyValue::Bytes(ecc_parameters::encode(curve.ok_or_else(absent)?)?.to_vec()),
            names::UI_POLICY => self.ui_policy()?,
            names::WINDOW_HANDLE => PropertyValue::Bytes(self.held.window.clone().ok_or_else(absent)?),
            names::USE_CONTEXT => text(self.held.use_context.as_deref().ok_or_else(absent)?),
            names::PARAMETER_SET_NAME => text(self.parameter_set().ok_or_else(absent)?.name()),
            names::CERTIFICATE => PropertyValue::Bytes(self.certificate_der()?.ok_or_else(absent)?.to_vec()),
            names::SMARTCARD_GUID => PropertyValue::Bytes(super::provider::guid(self.token.info()).ok_or_else(absent)?),
            // A token does not say when a key was changed, and a key has no twin.
            _ => return Err(absent().into()),
        })
    }

    /// A property that is a number, if the key has it: none of them needs the token. Programs ask for these all the time.
    pub fn number(&self, name: &str) -> Option<u32> {
        let family = || Some(self.algorithm()?.family);
        match name {
            names::LENGTH => self.length(),
            names::BLOCK_LENGTH => match family()? {
                Family::Symmetric(algorithm) => algorithm.block_len().and_then(|len| u32::try_from(len).ok()),
                Family::Rsa => self.length().map(|bits| bits.div_ceil(8)),
                _ => None,
            },
            names::PUBLIC_KEY_LENGTH => self.length().filter(|_| !self.is_symmetric() && self.algorithm().is_some()),
            names::SIGNATURE_LENGTH => match family()? {
                Family::Rsa | Family::Ecdsa => u32::try_from(self.signature_length()?).ok(),
                _ => None,
            },
            names::EXPORT_POLICY => Some(self.export_policy().bits()),
            names::KEY_USAGE => Some(self.usage().bits()),
            names::KEY_TYPE => Some(if self.held.is_machine { Flags::MACHINE_KEY.bits() } else { 0 }),
            names::KEM_SHARED_SECRET_LENGTH | names::KEM_SHARED_SECRET_LENGTH_SPACED => {
                (family()? == Family::MlKem).then_some(KEM_SHARED_SECRET)
            }
            names::KEM_CIPHERTEXT_LENGTH | names::KEM_CIPHERTEXT_LENGTH_SPACED => kem_ciphertext(self.parameter_set()?),
            _ => None,
        }
    }

    /// Size in bits; of a key that is to be generated and has none yet, the one that it will get.
    fn length(&self) -> Option<u32> {
        self.bits().or_else(|| match &self.state {
            State::Pending(pending) if matches!(pending.material, Material::None) => match self.algorithm()?.family {
                Family::MlDsa | Family::MlKem | Family::SlhDsa => Some(self.parameter_set()?.bits()),
                Family::Rsa | Family::Symmetric(_) => Some(lengths(self.algorithm()?).default),
                _ => None,
            },
            _ => None,
        })
    }

    fn parameter_set(&self) -> Option<ParameterSet> {
        match &self.state {
            State::Pending(_) => self.held.parameter_set,
            State::Ready(ready) => match &ready.public {
                Some(PublicKey::Pq(key)) => Some(key.set()),
                _ => None,
            },
        }
    }

    /// `Chaining Mode` of this handle; `None` for a key that has no blocks.
    pub fn chaining_mode(&self) -> Option<ChainingMode> {
        match self.algorithm()?.family {
            Family::Symmetric(SymmetricAlgorithm::Aes | SymmetricAlgorithm::TripleDes) => {
                Some(self.held.chaining_mode.unwrap_or(DEFAULT_MODE))
            }
            _ => None,
        }
    }

    /// `IV` of this handle, if one was set.
    pub fn initialization_vector(&self) -> Option<&[u8]> {
        self.held.iv.as_deref()
    }

    /// Whether a NIST curve is one among others for this handle.
    pub fn treats_nist_as_generic(&self) -> bool {
        self.held.is_generic
    }

    /// Refuses what can be done before finalize alone.
    pub(super) fn pending_mut(&mut self) -> Result<&mut super::super::pending::Pending, Error> {
        match &mut self.state {
            State::Pending(pending) => Ok(pending),
            State::Ready(_) => Err(Error::Finalized),
        }
    }
}
