//! `NCryptExportKey`: public halves always, private ones as the key's policy allows, wrapped ones on the token.

use std::sync::Arc;

use super::{Error, Key, Ready, proof};
use crate::asn1::certificate;
use crate::blob::BlobType;
use crate::format::{self, Format, Writing};
use crate::key::{Algorithm, Family, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricKey, Validation, ec, rsa};
use crate::secret::SecretBytes;
use crate::template::attribute::{
    CKA_COEFFICIENT, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE_EXPONENT, CKA_VALUE,
};
use crate::wrap::{self, Scheme};

/// What stands beside an export: the `NCryptBufferDesc`.
#[derive(Clone, Debug, Default)]
pub struct ExportParameters {
    /// How the key is wrapped; `None` takes what the blob type implies.
    pub scheme: Option<Scheme>,
    /// `NCRYPTBUFFER_PKCS_SECRET`: encrypts a PKCS#8 under this UTF-8 password (PBES2).
    pub password: Option<SecretBytes>,
}

/// What came off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exported {
    /// The bytes.
    pub bytes: SecretBytes,
    /// Whether the token is known to put zero bytes behind what it wraps.
    pub zero_padded: bool,
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
        let ready = self.finalized()?;
        if let Some(kek) = export_key {
            return self.export_wrapped(kek, format, parameters);
        }
        if format.is_public() {
            let key = KeyMaterial::Public(self.public_key()?);
            let algorithm = ready.algorithm.unwrap_or(Algorithm::RSA);
            let certificates = match format {
                Format::Cert | Format::CertPem => self.certificates()?,
                _ => Vec::new(),
            };
            let writing = Writing { certificates: &certificates, ..Writing::default() };
            return Ok(exact(format::encode_with(&key, algorithm, format, &writing)?));
        }
        if let Some(password) = &parameters.password {
            return self.export_encrypted(format, password);
        }
        if format == Format::Blob(BlobType::AesWrap) {
            let what = "a Rfc3565KeyWrapBlob needs the key that wraps it".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        Err(Error::PolicyForbids { name: ready.label.clone(), form: "in the clear", policy: policy_words(ready) }
            .into())
    }

    /// Exports the private or secret part in the clear. The key's policy must allow it.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when the policy forbids it, `NTE_BAD_TYPE` when the type cannot hold the key, what the token says.
    pub fn danger_export_plaintext(&self, format: Format) -> Result<Exported, crate::Error> {
        self.write(&self.danger_read()?, format, None)
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
        let none = || Error::NoPublic { name: ready.label.clone() };
        let curve = ready.algorithm.and_then(|algorithm| algorithm.curve).ok_or_else(none)?;
        let private = ready.private_object.ok_or_else(none)?;
        if !ready.usage.contains(crate::key::KeyUsage::SIGN) {
            return Err(none().into());
        }
        let point = proof::recover_point(&self.token, private, curve)?;
        Ok(PublicKey::Ec(point.ok_or_else(none)?))
    }

    fn export_wrapped(
        &self,
        kek: &Self,
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let ready = self.finalized()?;
        let kek = kek.kek("wrap")?;
        let symmetric = ready.secret_object.is_some();
        let scheme = match (format, parameters.scheme) {
            (Format::Blob(BlobType::AesWrap), None | Some(Scheme::Kw)) => Scheme::Kw,
            (Format::Blob(BlobType::AesWrap), Some(other)) => {
                let what = format!("a Rfc3565KeyWrapBlob is kw, not {}", other.name());
                return Err(Error::Contradiction { what }.into());
            }
            (Format::Blob(BlobType::Pkcs8) | Format::Raw, scheme) => scheme.unwrap_or(Scheme::Kwp),
            _ => {
                let what =
                    format!("a {} cannot be wrapped: PKCS8_PRIVATEKEY, raw and Rfc3565KeyWrapBlob can", format.name());
                return Err(Error::Contradiction { what }.into());
            }
        };
        let fits = match format {
            Format::Blob(BlobType::Pkcs8) => !symmetric,
            _ => symmetric,
        };
        if !fits {
            let what = if symmetric { "a symmetric key" } else { "a private key" }.to_owned();
            return Err(format::Error::NotRepresentable { format: format.name(), what }.into());
        }
        if !symmetric && scheme == Scheme::Kw {
            return Err(wrap::Error::Unsuitable { scheme: scheme.name(), key: "a private key" }.into());
        }
        if !ready.policy.allows_export() {
            let (name, policy) = (ready.label.clone(), policy_words(ready));
            return Err(Error::PolicyForbids { name, form: "wrapped", policy }.into());
        }
        let object = ready.secret_part().ok_or_else(|| Error::NoSuchKey { name: ready.label.clone() })?;
        let bits = ready.bits.unwrap_or(0);
        let capacity =
            if symmetric { bits as usize / 8 + 64 } else { wrap::private_capacity(ready.public.as_ref(), bits) };
        let bytes = SecretBytes::from(wrap::wrap(&self.token, scheme, kek, object, capacity)?);
        Ok(Exported { bytes, zero_padded: !symmetric && self.token.profile().zero_pads })
    }

    fn export_encrypted(&self, format: Format, password: &SecretBytes) -> Result<Exported, crate::Error> {
        if !format.holds_pkcs8() {
            let what = format!("a {} cannot be encrypted under a password: PKCS8_PRIVATEKEY can", format.name());
            return Err(Error::Contradiction { what }.into());
        }
        self.write(&self.danger_read()?, format, Some(password))
    }

    /// A file with what the token says of the key beside it: its name, its usage and, in PKCS#12, its certificate. What its algorithm is for anyway needs no
    /// attribute: such a PKCS#8 is byte for byte the one that was imported.
    fn write(
        &self,
        key: &KeyMaterial,
        format: Format,
        password: Option<&SecretBytes>,
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
        let writing = Writing { usage, password, name, certificates: &certificates, ..Writing::default() };
        Ok(exact(format::encode_with(key, algorithm, format, &writing)?))
    }

    /// The certificate that stands beside the key on the token, if there is one.
    fn certificates(&self) -> Result<Vec<Arc<[u8]>>, crate::Error> {
        /// Few are longer, and one that is takes a second call.
        const USUAL: usize = 4096;
        let Some(object) = self.finalized()?.certificate_object else { return Ok(Vec::new()) };
        let values = self.token.attributes(object, &[(CKA_VALUE, USUAL)])?;
        Ok(values.into_iter().flatten().map(|der| Arc::from(&*der)).collect())
    }

    /// Reads the private or secret part off the token.
    fn danger_read(&self) -> Result<KeyMaterial, crate::Error> {
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
        let width = ready.bits.unwrap_or(0).div_ceil(8) as usize;
        let read = |kinds: &[(u64, usize)]| -> Result<Vec<SecretBytes>, crate::Error> {
            let values = self.token.attributes(object, kinds)?;
            let whole: Option<Vec<_>> = values.into_iter().collect();
            whole.ok_or_else(|| {
                let what = format!("the token does not give all private attributes of `{}`", ready.label);
                Error::Unsupported { what, ckr: None }.into()
            })
        };
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
    Exported { bytes, zero_padded: false }
}

fn policy_words(ready: &Ready) -> String {
    match ready.policy.words() {
        [] => "none".to_owned(),
        words => words.join(", "),
    }
}
