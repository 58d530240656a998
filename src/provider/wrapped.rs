//! `NCryptExportKey` with `hExportKey`: a key leaves wrapped, by the token.

use super::export::{ExportParameters, Exported, policy_words};
use super::kek::WrappingKey;
use super::{Error, Key, Ready, kek};
use crate::blob::BlobType;
use crate::blob::rsa_aes::RsaAesWrapBlob;
use crate::format::{self, Format};
use crate::key::SymmetricAlgorithm;
use crate::secret::SecretBytes;
use crate::token::{Handle, Token};
use crate::wrap::{self, Parameters, Scheme};

impl Key {
    /// Exports the private or secret part wrapped for each of the recipients: AES or RSA keys of the token, or RSA public keys
    /// ([`StorageProvider::import_public`](super::StorageProvider::import_public)). More than one only where the format has room for them.
    ///
    /// # Errors
    /// As [`Key::export`]; [`Error::DangerousKek`] for a recipient that could decrypt what it wraps.
    pub fn export_to(
        &self,
        recipients: &[&Self],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let own = self.export_to_own(recipients, format, parameters);
        let exported =
            self.or_archived(own, (format, false), |archived| archived.export_to_own(recipients, format, parameters))?;
        self.used()?;
        Ok(exported)
    }

    pub(super) fn export_to_own(
        &self,
        recipients: &[&Self],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let ready = self.finalized()?;
        recipients.iter().try_for_each(|key| key.finalized().map(|_| ()))?;
        if parameters.password.is_some() || !parameters.certificates.is_empty() {
            let what = "it is wrapped under keys: no password and no certificates go with them".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        let payload = self.payload(ready)?;
        check_leaves(ready)?;
        match format {
            Format::Blob(BlobType::OpaqueTransport) => self.export_transport(payload, recipients, parameters),
            Format::Blob(BlobType::Pkcs7Envelope) => self.export_envelope(payload, recipients, parameters),
            _ => payload.wrap(recipients, format, parameters),
        }
    }

    /// What leaves wrapped.
    pub(super) fn payload(&self, ready: &Ready) -> Result<Payload<'_>, crate::Error> {
        let object = ready.secret_part().ok_or_else(|| Error::Unsupported {
            what: "a public key has no private half to wrap".to_owned(),
            ckr: None,
        })?;
        let is_private = ready.secret_object.is_none();
        let bits = ready.bits.unwrap_or(0);
        let capacity =
            if is_private { wrap::private_capacity(ready.public.as_ref(), bits) } else { bits as usize / 8 + 64 };
        let symmetric = ready.algorithm.and_then(|algorithm| algorithm.family.as_symmetric());
        Ok(Payload { token: &self.token, object, is_private, symmetric, bits: ready.bits, capacity })
    }
}

/// Asks the export policy.
pub(super) fn check_leaves(ready: &Ready) -> Result<(), Error> {
    if ready.policy.allows_export() {
        return Ok(());
    }
    Err(Error::PolicyForbids { name: ready.label.clone(), form: "wrapped", policy: policy_words(ready) })
}

/// The object that leaves, and the room that it takes.
#[derive(Clone, Copy)]
pub(super) struct Payload<'t> {
    pub(super) token: &'t Token,
    pub(super) object: Handle,
    pub(super) is_private: bool,
    /// The algorithm of a symmetric key.
    pub(super) symmetric: Option<SymmetricAlgorithm>,
    /// The size of a symmetric key, where it is known.
    pub(super) bits: Option<u32>,
    pub(super) capacity: usize,
}

/// How it is wrapped.
pub(super) struct Chosen<'t> {
    wrapping: WrappingKey<'t>,
    scheme: Scheme,
    zero_padded: bool,
}

impl<'t> Payload<'t> {
    /// The key under one wrapping key: bare, or in the container that the format names.
    pub(super) fn wrap(
        self,
        recipients: &[&Key],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let Chosen { wrapping, scheme, zero_padded } = self.choose(recipients, format, parameters)?;
        let how = Parameters { scheme, hash: parameters.hash, label: parameters.label.clone() };
        let wrapped = wrap::wrap(self.token, &how, wrapping.kek, self.object, self.capacity)?;
        self.check_unpadded(scheme, wrapped.bytes.len())?;
        let bytes = match (format, wrapped.hash) {
            (Format::Blob(BlobType::RsaAesWrap), Some(hash)) => {
                RsaAesWrapBlob { wrapped: &wrapped.bytes, hash, label: &how.label }.encode()?
            }
            _ => wrapped.bytes,
        };
        Ok(Exported { bytes: SecretBytes::from(bytes), zero_padded, scheme: Some(scheme), hash: wrapped.hash })
    }

    /// The scheme, and everything that shows before the token wraps.
    pub(super) fn choose(
        self,
        recipients: &[&Key],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Chosen<'t>, crate::Error> {
        let scheme = self.check_format(format, parameters.scheme)?;
        let [export_key] = recipients else {
            let what = format!("a {} is for one recipient, not for {}", format.name(), recipients.len());
            return Err(Error::Contradiction { what }.into());
        };
        let wrapping = export_key.wrapping_kek(self.token, parameters.force)?;
        let scheme = scheme.unwrap_or_else(|| kek::usual_scheme(wrapping.kek, self.is_private));
        kek::check_kind(wrapping.kek, export_key.label(), scheme)?;
        kek::check_oaep(scheme, parameters.hash, &parameters.label)?;
        Ok(Chosen { zero_padded: self.zero_padding(scheme)?, wrapping, scheme })
    }

    /// Some tokens add padding by the mechanism that is RFC 3394 elsewhere: what comes of a key of known length shows that.
    fn check_unpadded(self, scheme: Scheme, wrapped: usize) -> Result<(), crate::Error> {
        let bare = self.bits.map(|bits| (bits as usize / 8).next_multiple_of(8)).filter(|_| !self.is_private);
        match bare {
            Some(bare) if scheme == Scheme::Kw && wrapped != bare + 8 => {
                let what = format!(
                    "this token does not do RFC 3394 by the mechanism that is meant for it: it made {wrapped} bytes of a key of {bare} (kw)"
                );
                Err(Error::Unsupported { what, ckr: None }.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether the format holds such a key, and the scheme that it names.
    fn check_format(self, format: Format, asked: Option<Scheme>) -> Result<Option<Scheme>, crate::Error> {
        let scheme = implied_scheme(format, asked)?;
        let fits = match format {
            Format::Blob(BlobType::Pkcs8) => self.is_private,
            Format::Blob(BlobType::RsaAesWrap) => true,
            _ => !self.is_private,
        };
        if fits {
            return Ok(scheme);
        }
        let what = if self.is_private { "a private key" } else { "a symmetric key" }.to_owned();
        Err(format::Error::NotRepresentable { format: format.name(), what }.into())
    }

    /// Whether the token is one that puts zero bytes behind what this scheme wraps, up to a whole block of eight. A PKCS#8 shows where it ends; a
    /// symmetric key does not, and is refused where it would come back longer.
    pub(super) fn zero_padding(self, scheme: Scheme) -> Result<bool, crate::Error> {
        let profile = self.token.profile();
        let pads = profile.zero_pads && matches!(scheme, Scheme::Kw | Scheme::Kwp | Scheme::RsaAes);
        let fills = pads || (profile.kw_fills_secrets && scheme == Scheme::Kw);
        if self.is_private || !fills {
            return Ok(pads);
        }
        match self.bits {
            Some(bits) if !(bits / 8).is_multiple_of(8) => {
                let what = format!(
                    "this token puts zero bytes behind a key of {} bytes when it wraps it by {}: it would come back longer",
                    bits / 8,
                    scheme.name()
                );
                Err(Error::Unsupported { what, ckr: None }.into())
            }
            // Of the others the standard has sizes of whole blocks alone.
            None if !matches!(self.symmetric, Some(SymmetricAlgorithm::Aes | SymmetricAlgorithm::TripleDes)) => {
                let what = format!(
                    "this token does not tell how long the key is, and puts zero bytes behind one that is no multiple of 8 bytes when it wraps it by {}: it might come back longer",
                    scheme.name()
                );
                Err(Error::Unsupported { what, ckr: None }.into())
            }
            _ => Ok(false),
        }
    }
}

/// The scheme that a format names, of a format that carries what a token wraps.
fn implied_scheme(format: Format, asked: Option<Scheme>) -> Result<Option<Scheme>, crate::Error> {
    if !matches!(format, Format::Blob(BlobType::AesWrap | BlobType::RsaAesWrap | BlobType::Pkcs8) | Format::Raw) {
        let what = format!(
            "a {} cannot be wrapped: PKCS8_PRIVATEKEY, raw, Rfc3565KeyWrapBlob, PKCS11RsaAesWrapBlob, PKCS7_ENVELOPE and OpaqueTransport can",
            format.name()
        );
        return Err(Error::Contradiction { what }.into());
    }
    Ok(kek::scheme_of(format, asked)?)
}
