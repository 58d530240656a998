//! `NCryptExportKey`: public halves always, private ones as the key's policy allows, wrapped ones on the token.

use std::sync::Arc;

use super::{Error, Key, Ready, kek, proof};
use crate::asn1::cms::ContentCipher;
use crate::asn1::{self, Encryption, certificate};
use crate::blob::{BlobType, ecc};
use crate::format::{self, Format, Writing};
use crate::key::rsa::{self, Hash};
use crate::key::{Algorithm, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricKey, Validation, ec};
use crate::secret::SecretBytes;
use crate::template::attribute::{
    CKA_COEFFICIENT, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE_EXPONENT, CKA_VALUE,
};
use crate::token::Handle;
use crate::wrap::{self, Scheme};

/// What stands beside an export: the `NCryptBufferDesc`.
#[derive(Clone, Debug, Default)]
pub struct ExportParameters {
    /// How the key is wrapped; `None` takes what the blob type and the wrapping key imply.
    pub scheme: Option<Scheme>,
    /// The hash of RSA-OAEP (`NCRYPTBUFFER_PKCS_PADDING_ALGO`); `None` takes SHA-256, or SHA-1 on a token that is known to have nothing else.
    pub hash: Option<Hash>,
    /// The label of RSA-OAEP (`NCRYPTBUFFER_PKCS_PADDING_LABEL`).
    pub label: Vec<u8>,
    /// `NCRYPTBUFFER_PKCS_SECRET`: encrypts a PKCS#8 under this UTF-8 password (PBES2).
    pub password: Option<SecretBytes>,
    /// `NCRYPTBUFFER_PKCS_ALG_OID` and `NCRYPTBUFFER_PKCS_ALG_PARAM`: how it is encrypted under the password.
    pub encryption: Encryption,
    /// `NCRYPTBUFFER_CERT_BLOB`: the certificates, in DER, of those for whom an envelope is, where no export key names one.
    pub certificates: Vec<Arc<[u8]>>,
    /// `NCRYPTBUFFER_PKCS_ALG_OID`: the content encryption of an envelope; it goes before the scheme.
    pub content: Option<ContentCipher>,
    /// Wraps even under a key that may decrypt as well.
    pub force: bool,
}

/// What came off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exported {
    /// The bytes.
    pub bytes: SecretBytes,
    /// Whether the token is known to put zero bytes behind what it wraps.
    pub zero_padded: bool,
    /// The scheme, of a key that was wrapped.
    pub scheme: Option<Scheme>,
    /// The hash of RSA-OAEP, where the scheme has one.
    pub hash: Option<Hash>,
}

impl Key {
    /// Exports a public half, a private key wrapped under `export_key`, or one encrypted under a password.
    ///
    /// A private key in the clear is [`Key::danger_export_plaintext`]'s; here it is refused.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when the policy forbids it, `NTE_BAD_TYPE` when the type cannot hold the key, what the token says.
    pub fn export(
        &self,
        export_key: Option<&Self>,
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let own = self.export_own(export_key, format, parameters);
        let exported =
            self.or_archived(own, (format, false), |archived| archived.export_own(export_key, format, parameters))?;
        self.used()?;
        Ok(exported)
    }

    /// How long the export would be, which archiving does not count: a call for the size that a buffer needs.
    ///
    /// # Errors
    /// As [`Key::export`].
    pub fn export_len(
        &self,
        export_key: Option<&Self>,
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<usize, crate::Error> {
        let own = self.export_own(export_key, format, parameters);
        let exported =
            self.or_archived(own, (format, true), |archived| archived.export_own(export_key, format, parameters));
        exported.map(|exported| exported.bytes.len())
    }

    pub(super) fn export_own(
        &self,
        export_key: Option<&Self>,
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        if let Some(export_key) = export_key {
            return self.export_to_own(&[export_key], format, parameters);
        }
        if format == Format::Blob(BlobType::Pkcs7Envelope) && !parameters.certificates.is_empty() {
            return self.export_for_certificates(format, parameters);
        }
        let ready = self.finalized()?;
        kek::check_no_scheme(parameters.scheme, parameters.hash, &parameters.label)?;
        kek::check_no_certificates(&parameters.certificates)?;
        if format.is_public() {
            let key = KeyMaterial::Public(self.public_key()?);
            let algorithm = ready.algorithm.unwrap_or(Algorithm::RSA);
            let certificates = match format {
                Format::Cert => self.certificates()?,
                Format::CertPem => self.certificate_chain()?,
                _ => Vec::new(),
            };
            let writing = Writing { certificates: &certificates, ..Writing::default() };
            return Ok(exact(self.as_held(format, format::encode_with(&key, algorithm, format, &writing)?)));
        }
        if let Some(password) = &parameters.password {
            return self.export_encrypted(format, password, parameters.encryption);
        }
        if format.is_wrapped() {
            let what = format!("{} needs the key that wraps it", format.name());
            return Err(Error::Contradiction { what }.into());
        }
        Err(Error::PolicyForbids { name: ready.label.clone(), form: "in the clear", policy: policy_words(ready) }
            .into())
    }

    /// Whether the key's policy lets it leave in this format; `is_covered`: wrapped, or under a password. No call to the token.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when the policy forbids it.
    pub fn check_leaves(&self, format: Format, is_covered: bool) -> Result<(), crate::Error> {
        let ready = self.finalized()?;
        let policy = self.export_policy();
        let (is_allowed, form) = match (format.is_public(), is_covered) {
            (true, _) => (true, "at all"),
            (false, true) => (policy.allows_export(), "wrapped"),
            (false, false) => (policy.allows_plaintext(), "in the clear"),
        };
        if is_allowed {
            return Ok(());
        }
        Err(Error::PolicyForbids { name: ready.label.clone(), form, policy: policy_words(ready) }.into())
    }

    /// Exports the private or secret part in the clear. The key's policy must allow it.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when the policy forbids it, `NTE_BAD_TYPE` when the type cannot hold the key, what the token says.
    pub fn danger_export_plaintext(&self, format: Format) -> Result<Exported, crate::Error> {
        let own = self.plaintext_own(format);
        let exported = self.or_archived(own, (format, false), |archived| archived.plaintext_own(format))?;
        self.used()?;
        Ok(exported)
    }

    /// How long the export would be, which archiving does not count.
    ///
    /// # Errors
    /// As [`Key::danger_export_plaintext`].
    pub fn danger_export_plaintext_len(&self, format: Format) -> Result<usize, crate::Error> {
        let exported =
            self.or_archived(self.plaintext_own(format), (format, true), |archived| archived.plaintext_own(format));
        exported.map(|exported| exported.bytes.len())
    }

    fn plaintext_own(&self, format: Format) -> Result<Exported, crate::Error> {
        let exported = self.write(&self.danger_read()?, format, None, Encryption::default())?;
        Ok(Exported { bytes: self.as_held(format, exported.bytes), ..exported })
    }

    /// A blob whose magic goes by the algorithm that the key calls itself by.
    fn as_held(&self, format: Format, mut bytes: SecretBytes) -> SecretBytes {
        if self.treats_nist_as_generic() && matches!(format, Format::Blob(_)) {
            ecc::make_generic(bytes.as_mut_slice());
        }
        bytes
    }

    /// The public half as far as it was read with the key: no call to the token.
    pub fn known_public_key(&self) -> Option<&PublicKey> {
        self.finalized().ok()?.public.as_ref()
    }

    /// The public half: from the token, or for an EC key found out from signatures.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a symmetric key or when it cannot be found out.
    pub fn public_key(&self) -> Result<PublicKey, crate::Error> {
        let ready = self.finalized()?;
        if let Some(public) = &ready.public {
            return Ok(public.clone());
        }
        if ready.secret_object.is_some() {
            let what = format!("`{}` is a symmetric key, which has no public half", ready.label);
            return Err(Error::Unsupported { what, ckr: None }.into());
        }
        let none = || Error::NoPublic { name: ready.label.clone() };
        let curve = ready.algorithm.and_then(|algorithm| algorithm.curve).ok_or_else(none)?;
        let private = ready.private_object.ok_or_else(none)?;
        if !ready.usage.contains(crate::key::KeyUsage::SIGN) {
            return Err(none().into());
        }
        let pin = self.authorization(ready)?;
        let point = self.told(proof::recover_point(&self.token, private, curve, pin.as_ref()))?;
        Ok(PublicKey::Ec(point.ok_or_else(none)?))
    }

    /// Under a password: in software where the policy lets the key be read, else on the token, which wraps it under the password's key.
    fn export_encrypted(
        &self,
        format: Format,
        password: &SecretBytes,
        encryption: Encryption,
    ) -> Result<Exported, crate::Error> {
        if !format.holds_pkcs8() {
            let what = format!("a {} cannot be encrypted under a password: PKCS8_PRIVATEKEY can", format.name());
            return Err(Error::Contradiction { what }.into());
        }
        let ready = self.finalized()?;
        if ready.ephemeral
            && ready.policy.allows_export()
            && let Some(key) = self.original()?
        {
            return self.write(&key, format, Some(password), encryption);
        }
        let payload = self.payload(ready)?;
        if !self.is_encrypted_on_token(format)? {
            return self.write(&self.danger_read()?, format, Some(password), encryption);
        }
        let fresh = asn1::fresh_key(password, encryption)?;
        let wrapped = wrap::wrap_under_password(&self.token, &fresh.key, payload.object, payload.capacity)?;
        let der = fresh.enclose(&wrapped)?;
        let bytes = if format.is_text() { asn1::pkcs8::to_pem(&der)? } else { der };
        Ok(exact(bytes))
    }

    /// Whether the token wraps it under the password's key, so that it is not seen.
    pub(super) fn is_encrypted_on_token(&self, format: Format) -> Result<bool, crate::Error> {
        let ready = self.finalized()?;
        let is_kept = ready.policy.allows_export() && !ready.policy.allows_plaintext();
        Ok(is_kept && ready.secret_object.is_none() && format != Format::Pkcs12)
    }

    /// A file with what the token says of the key beside it: its name, its usage and, in PKCS#12, its certificate. What its algorithm is for anyway needs no
    /// attribute: such a PKCS#8 is byte for byte the one that was imported.
    pub(super) fn write(
        &self,
        key: &KeyMaterial,
        format: Format,
        password: Option<&SecretBytes>,
        encryption: Encryption,
    ) -> Result<Exported, crate::Error> {
        let ready = self.finalized()?;
        let algorithm = ready.algorithm.unwrap_or(Algorithm::RSA);
        let usual = ready.usage == algorithm.family.default_usage();
        let usage = Some(if usual { KeyUsage::ALL } else { ready.usage });
        let certificates = if format == Format::Pkcs12 { self.certificates()? } else { Vec::new() };
        // One that stands beside the key and is for another does not go out with it.
        let is_own = |der: &Arc<[u8]>| certificate::decode(der).is_ok_and(|parts| Some(parts.public) == key.public());
        let certificates: Vec<_> = certificates.into_iter().filter(is_own).collect();
        let name = Some(ready.label.as_str());
        let certificates = &certificates;
        let writing = Writing { usage, password, encryption, name, certificates, ..Writing::default() };
        Ok(exact(format::encode_with(key, algorithm, format, &writing)?))
    }

    /// The certificate that stands beside the key on the token, if there is one.
    pub(super) fn certificates(&self) -> Result<Vec<Arc<[u8]>>, crate::Error> {
        Ok(self.certificate_der()?.into_iter().collect())
    }

    /// The private or secret part, where it may be read.
    pub(super) fn readable(&self) -> Result<(&Ready, Handle), crate::Error> {
        let ready = self.finalized()?;
        let Some(object) = ready.secret_part() else {
            return Err(Error::Unsupported {
                what: "a public key has no private half to export".to_owned(),
                ckr: None,
            }
            .into());
        };
        if !ready.policy.allows_plaintext() {
            let (name, policy) = (ready.label.clone(), policy_words(ready));
            return Err(Error::PolicyForbids { name, form: "in the clear", policy }.into());
        }
        Ok((ready, object))
    }

    /// Reads the private or secret part off the token.
    fn danger_read(&self) -> Result<KeyMaterial, crate::Error> {
        let (ready, object) = self.readable()?;
        self.material(|kinds| {
            let values = self.token.attributes(object, kinds)?;
            let whole: Option<Vec<_>> = values.into_iter().collect();
            whole.ok_or_else(|| {
                let what = format!("the token does not give all private attributes of `{}`", ready.label);
                Error::Unsupported { what, ckr: None }.into()
            })
        })
    }

    /// The key whose private attributes `read` gives, each with its width.
    pub(super) fn material(
        &self,
        read: impl Fn(&[(u64, usize)]) -> Result<Vec<SecretBytes>, crate::Error>,
    ) -> Result<KeyMaterial, crate::Error> {
        let ready = self.finalized()?;
        let width = ready.bits.unwrap_or(0).div_ceil(8) as usize;
        match (ready.algorithm, ready.algorithm.map(|algorithm| algorithm.family)) {
            (Some(_), Some(Family::Symmetric(algorithm))) => {
                let value = read(&[(CKA_VALUE, 512)])?.into_iter().next().unwrap_or_default();
                Ok(KeyMaterial::Secret(SymmetricKey::new(algorithm, value)?))
            }
            (Some(_), Some(Family::Rsa)) => {
                let PublicKey::Rsa(public) = self.public_key()? else {
                    return Err(Error::NoPublic { name: ready.label.clone() }.into());
                };
                let kinds =
                    [CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT, CKA_PRIVATE_EXPONENT];
                let values: [SecretBytes; 6] = read(&kinds.map(|kind| (kind, width)))?.try_into().unwrap_or_default();
                let [p, q, dp, dq, qinv, d] = values;
                let numbers = rsa::PrivateNumbers { p, q, dp, dq, qinv, d };
                // What the token gives was checked when it was imported, or was never meant to be.
                let private = rsa::PrivateKey::from_numbers(public, numbers, Validation::Skip)?;
                Ok(KeyMaterial::Private(PrivateKey::Rsa(private)))
            }
            (Some(Algorithm { curve: Some(curve), .. }), _) => {
                let value = read(&[(CKA_VALUE, width)])?.into_iter().next().unwrap_or_default();
                let public = match &ready.public {
                    Some(PublicKey::Ec(public)) => Some(public.clone()),
                    _ => None,
                };
                // A point that is not the scalar's does not leave beside it; what was imported unvalidated leaves as it is.
                let private = ec::PrivateKey::new(curve, &value, public.clone(), Validation::Full)
                    .or_else(|_| ec::PrivateKey::new(curve, &value, None, Validation::Full))
                    .or_else(|_| ec::PrivateKey::new(curve, &value, public, Validation::Skip))?;
                Ok(KeyMaterial::Private(PrivateKey::Ec(private)))
            }
            _ => {
                let what = format!("`{}` is of a type that CNG does not have", ready.label);
                Err(Error::Unsupported { what, ckr: None }.into())
            }
        }
    }
}

fn exact(bytes: SecretBytes) -> Exported {
    Exported { bytes, zero_padded: false, scheme: None, hash: None }
}

pub(super) fn policy_words(ready: &Ready) -> String {
    match ready.policy.words() {
        [] => "none".to_owned(),
        words => words.join(", "),
    }
}
