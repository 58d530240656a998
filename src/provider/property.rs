//! `NCryptGetProperty` and `NCryptSetProperty` on keys: the properties that make sense on a token (`ncrypt.h`).
//!
//! Names are compared exactly. Export Policy, Key Usage, Length and the curve are set before finalize; afterwards policy and usage can only be
//! narrowed: PKCS#11 allows no more for the policy, and the usage is held to the same.

use super::{Error, Key, Ready, State};
use crate::blob::BlobType;
use crate::key::{Algorithm, Curve, ExportPolicy, Family, KeyUsage, ParameterSet, SymmetricAlgorithm};
use crate::status::Status;
use crate::template::attribute::{CKA_EXTRACTABLE, CKA_SENSITIVE, USAGES};
use crate::template::{Additions, Template};
use crate::wide;

/// The value of a property.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PropertyValue {
    /// `NCRYPT_SUPPORTED_LENGTHS`
    Lengths(SupportedLengths),
    /// A DWORD.
    Number(u32),
    /// A wide string.
    Text(String),
}

/// `NCRYPT_SUPPORTED_LENGTHS`, in bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SupportedLengths {
    /// dwMinLength
    pub min: u32,
    /// dwMaxLength
    pub max: u32,
    /// dwIncrement
    pub increment: u32,
    /// dwDefaultLength
    pub default: u32,
}

impl PropertyValue {
    /// The value as NCrypt hands it out: little-endian numbers, UTF-16LE with NUL.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Lengths(lengths) => [lengths.min, lengths.max, lengths.increment, lengths.default]
                .into_iter()
                .flat_map(u32::to_le_bytes)
                .collect(),
            Self::Number(number) => number.to_le_bytes().to_vec(),
            Self::Text(text) => wide::encode_nul(text),
        }
    }
}

/// Property names of `ncrypt.h`.
pub mod names {
    /// `NCRYPT_ALGORITHM_PROPERTY`
    pub const ALGORITHM: &str = "Algorithm Name";
    /// `NCRYPT_ALGORITHM_GROUP_PROPERTY`
    pub const ALGORITHM_GROUP: &str = "Algorithm Group";
    /// `NCRYPT_ECC_CURVE_NAME_PROPERTY`
    pub const ECC_CURVE_NAME: &str = "ECCCurveName";
    /// `NCRYPT_EXPORT_POLICY_PROPERTY`
    pub const EXPORT_POLICY: &str = "Export Policy";
    /// `NCRYPT_KEY_TYPE_PROPERTY`
    pub const KEY_TYPE: &str = "Key Type";
    /// `NCRYPT_KEY_USAGE_PROPERTY`
    pub const KEY_USAGE: &str = "Key Usage";
    /// `NCRYPT_LENGTH_PROPERTY`
    pub const LENGTH: &str = "Length";
    /// `NCRYPT_LENGTHS_PROPERTY`
    pub const LENGTHS: &str = "Lengths";
    /// `NCRYPT_NAME_PROPERTY`
    pub const NAME: &str = "Name";
    /// `NCRYPT_PUBLIC_KEY_LENGTH_PROPERTY`
    pub const PUBLIC_KEY_LENGTH: &str = "PublicKeyLength";
    /// `NCRYPT_SIGNATURE_LENGTH_PROPERTY`
    pub const SIGNATURE_LENGTH: &str = "SignatureLength";
    /// `NCRYPT_UNIQUE_NAME_PROPERTY`
    pub const UNIQUE_NAME: &str = "Unique Name";

    /// Every name, in the order in which they are shown.
    pub const ALL: &[&str] = &[
        NAME,
        UNIQUE_NAME,
        ALGORITHM,
        ALGORITHM_GROUP,
        LENGTH,
        LENGTHS,
        PUBLIC_KEY_LENGTH,
        SIGNATURE_LENGTH,
        ECC_CURVE_NAME,
        EXPORT_POLICY,
        KEY_USAGE,
        KEY_TYPE,
    ];
}

impl Key {
    /// Reads a property.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a property that is not known, `NTE_NOT_FOUND` for one that this key does not have.
    pub fn property(&self, name: &str) -> Result<PropertyValue, crate::Error> {
        let absent = || absent(name);
        let algorithm = self.algorithm();
        let curve = algorithm.and_then(|algorithm| algorithm.curve);
        let text = |text: &str| PropertyValue::Text(text.to_owned());
        Ok(match name {
            names::NAME => text(self.name().ok_or_else(absent)?.as_str()),
            names::UNIQUE_NAME => match (&self.state, self.name()) {
                (State::Ready(_), Some(_)) => text(&self.uri().to_string()),
                _ => return Err(absent().into()),
            },
            names::ALGORITHM => text(&algorithm.ok_or_else(absent)?.name()),
            names::ALGORITHM_GROUP => text(algorithm.ok_or_else(absent)?.family.group()),
            names::LENGTH => PropertyValue::Number(self.bits().ok_or_else(absent)?),
            names::LENGTHS => PropertyValue::Lengths(lengths(algorithm.ok_or_else(absent)?)),
            names::PUBLIC_KEY_LENGTH => match algorithm.map(|algorithm| algorithm.family) {
                None | Some(Family::Symmetric(_)) => return Err(absent().into()),
                Some(_) => PropertyValue::Number(self.bits().ok_or_else(absent)?),
            },
            names::SIGNATURE_LENGTH => {
                let signs = matches!(algorithm.map(|algorithm| algorithm.family), Some(Family::Rsa | Family::Ecdsa));
                let length = self.signature_length().filter(|_| signs).and_then(|length| u32::try_from(length).ok());
                PropertyValue::Number(length.ok_or_else(absent)?)
            }
            names::ECC_CURVE_NAME => text(curve.ok_or_else(absent)?.name),
            names::EXPORT_POLICY => PropertyValue::Number(self.export_policy().bits()),
            names::KEY_USAGE => PropertyValue::Number(self.usage().bits()),
            names::KEY_TYPE => PropertyValue::Number(0),
            _ => return Err(unknown(name).into()),
        })
    }

    /// Sets a property from its bytes (`NCryptSetProperty`). A blob type as the name imports the blob into a pending key.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a property that cannot be set, `NTE_INVALID_PARAMETER` for a value that is none, `NTE_BAD_KEY_STATE` for one that must be
    /// set before finalize.
    pub fn set_property(&mut self, name: &str, value: &[u8]) -> Result<(), crate::Error> {
        let invalid = || property(name, "not given a value of its type", Status::NTE_INVALID_PARAMETER);
        let number = || <[u8; 4]>::try_from(value).map(u32::from_le_bytes).map_err(|_| invalid());
        if let Some(blob_type) = BlobType::by_name(name) {
            return match &mut self.state {
                State::Pending(pending) => pending.set_blob(blob_type, value),
                State::Ready(_) => Err(Error::Finalized.into()),
            };
        }
        match name {
            names::EXPORT_POLICY => self.set_export_policy(ExportPolicy::from_bits(number()?)),
            names::KEY_USAGE => self.set_usage(KeyUsage::from_bits(number()?)),
            names::LENGTH => self.set_length(number()?),
            names::ECC_CURVE_NAME => {
                let curve = wide::decode(value).map_err(|_| invalid())?;
                self.set_curve(Curve::by_name(&curve)?)
            }
            _ if names::ALL.contains(&name) => Err(read_only(name).into()),
            _ => Err(unknown(name).into()),
        }
    }

    /// Sets what may leave. Of a finalized key it can only be narrowed.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when a finalized key's policy would widen, or for flags that are not known.
    pub fn set_export_policy(&mut self, policy: ExportPolicy) -> Result<(), crate::Error> {
        if policy.bits() & !ExportPolicy::ANY.bits() != 0 {
            return Err(property(
                names::EXPORT_POLICY,
                "given flags that are not supported",
                Status::NTE_NOT_SUPPORTED,
            )
            .into());
        }
        let ready = match &mut self.state {
            State::Pending(pending) => {
                pending.policy = policy;
                return Ok(());
            }
            State::Ready(ready) => ready,
        };
        let widens = (policy.allows_plaintext() && !ready.policy.allows_plaintext())
            || (policy.allows_export() && !ready.policy.allows_export());
        if widens {
            return Err(fixed(names::EXPORT_POLICY).into());
        }
        let mut changes = Template::new();
        if !policy.allows_plaintext() && ready.policy.allows_plaintext() {
            changes = changes.flag(CKA_SENSITIVE, true);
        }
        if !policy.allows_export() && ready.policy.allows_export() {
            changes = changes.flag(CKA_EXTRACTABLE, false);
        }
        self.narrow(&changes, None)?;
        self.check_narrowed(names::EXPORT_POLICY, self.export_policy() == policy.effective())
    }

    /// Sets what the key may do. Of a finalized key it can only be narrowed.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when a finalized key's usage would widen.
    pub fn set_usage(&mut self, usage: KeyUsage) -> Result<(), crate::Error> {
        let ready = match &mut self.state {
            State::Pending(pending) => {
                pending.usage = Some(usage);
                return Ok(());
            }
            State::Ready(ready) => ready,
        };
        let usage = match ready.algorithm {
            Some(algorithm) => algorithm.usage(usage)?,
            None => usage,
        };
        if !ready.usage.contains(usage) {
            return Err(fixed(names::KEY_USAGE).into());
        }
        let symmetric = ready.secret_object.is_some();
        let (mut private, mut public) = (Template::new(), Template::new());
        for (flag, private_attribute, counterpart) in USAGES {
            if !ready.usage.contains(flag) || usage.contains(flag) {
                continue;
            }
            private = private.flag(private_attribute, false);
            match counterpart {
                Some(attribute) if symmetric => private = private.flag(attribute, false),
                Some(attribute) => public = public.flag(attribute, false),
                None => {}
            }
        }
        self.narrow(&private, Some(&public))?;
        self.check_narrowed(names::KEY_USAGE, self.usage() == usage)
    }

    /// Sets the size of the key to be generated, or holds an imported one to it.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize.
    pub fn set_length(&mut self, bits: u32) -> Result<(), crate::Error> {
        match &mut self.state {
            State::Pending(pending) => pending.length = Some(bits),
            State::Ready(_) => return Err(Error::Finalized.into()),
        }
        Ok(())
    }

    /// Sets the curve of a generic algorithm.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize; `NTE_INVALID_PARAMETER` when the algorithm names another curve.
    pub fn set_curve(&mut self, curve: &'static Curve) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        if let Some(named) = pending.algorithm.and_then(|algorithm| algorithm.curve)
            && named != curve
        {
            let what = format!("the algorithm is on {}, not on {}", named.name, curve.name);
            return Err(Error::Contradiction { what }.into());
        }
        pending.curve = Some(curve);
        Ok(())
    }

    /// Sets the CKA_ID that the key will have, in place of the one that follows from its public half.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize; `NTE_INVALID_PARAMETER` when it is empty, longer than 200 bytes, or holds a mark of ours.
    pub fn set_id(&mut self, id: &[u8]) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.set_id(id)
    }

    /// Puts a certificate, DER or PEM, beside the key (`SmartCardKeyCertificate`): it will have the key's CKA_ID and label.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize; `NTE_BAD_DATA` when it is none. One for another key is refused by finalize.
    pub fn set_certificate(&mut self, certificate: &[u8]) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.set_certificate(certificate)
    }

    /// Adds attributes to the private or the secret object of a pending key, in place of those that were added before. Finalize reads them back: what
    /// the token does not keep as it was asked fails the import.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize.
    pub fn set_additions(&mut self, additions: Additions) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.additions = additions;
        Ok(())
    }

    fn check_narrowed(&self, name: &str, kept: bool) -> Result<(), crate::Error> {
        if kept {
            Ok(())
        } else {
            Err(property(name, "not kept by the token as it was set", Status::NTE_VALIDATION_FAILED).into())
        }
    }

    /// Takes rights away on the token and reads back what is left.
    fn narrow(&mut self, private: &Template, public: Option<&Template>) -> Result<(), crate::Error> {
        let State::Ready(ready) = &mut self.state else { return Err(Error::NotFinalized.into()) };
        if !self.token.profile().places.is_empty() {
            // Its module answers CKR_OK, shows the change, and has forgotten it when it is started again.
            let what = format!("token `{}` changes nothing of a key that it keeps", self.token.info().label);
            return Err(Error::Unsupported { what, ckr: None }.into());
        }
        if let (Some(object), Some(public)) = (ready.public_object, public.filter(|public| !public.is_empty())) {
            self.token.set(object, public)?;
        }
        let Some(object) = ready.secret_part() else { return Ok(()) };
        if !private.is_empty() {
            self.token.set(object, private)?;
        }
        let record = self.token.read(object)?;
        **ready =
            Ready { policy: record.policy, usage: record.usage, algorithm: record.algorithm(), ..(**ready).clone() };
        Ok(())
    }
}

pub(super) fn lengths(algorithm: Algorithm) -> SupportedLengths {
    let fixed = |bits| SupportedLengths { min: bits, max: bits, increment: 0, default: bits };
    match (algorithm.family, algorithm.curve) {
        (Family::Rsa, _) => SupportedLengths { min: 512, max: 16384, increment: 64, default: 2048 },
        (Family::Symmetric(SymmetricAlgorithm::Aes), _) => {
            SupportedLengths { min: 128, max: 256, increment: 64, default: 256 }
        }
        (Family::Dsa, _) => SupportedLengths { min: 512, max: 3072, increment: 64, default: 2048 },
        (Family::Dh, _) => SupportedLengths { min: 512, max: 16384, increment: 64, default: 2048 },
        (Family::MlDsa | Family::MlKem | Family::SlhDsa, _) => {
            let lengths =
                || ParameterSet::ALL.iter().filter(|set| set.family() == algorithm.family).map(|set| set.bits());
            let (min, max) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
            SupportedLengths { min, max, increment: 0, default: min }
        }
        (Family::Symmetric(SymmetricAlgorithm::TripleDes), _) => fixed(192),
        (Family::Symmetric(SymmetricAlgorithm::Hmac), _) => {
            SupportedLengths { min: 8, max: 4096, increment: 8, default: 256 }
        }
        (Family::Ecdh | Family::Ecdsa | Family::Eddsa, Some(curve)) => fixed(curve.field_bits),
        (Family::Ecdh | Family::Ecdsa, None) => SupportedLengths { min: 160, max: 521, increment: 1, default: 256 },
        (Family::Eddsa, None) => SupportedLengths { min: 255, max: 448, increment: 193, default: 255 },
    }
}

fn property(name: &str, problem: &'static str, status: Status) -> Error {
    Error::Property { name: name.to_owned(), problem, status }
}

fn unknown(name: &str) -> Error {
    Error::UnknownProperty { name: name.to_owned() }
}

fn absent(name: &str) -> Error {
    property(name, "not one that this key has", Status::NTE_NOT_FOUND)
}

fn read_only(name: &str) -> Error {
    property(name, "read-only", Status::NTE_NOT_SUPPORTED)
}

fn fixed(name: &str) -> Error {
    property(name, "fixed once the key is finalized: it can only be narrowed", Status::NTE_NOT_SUPPORTED)
}
