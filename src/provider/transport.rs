//! `OpaqueTransport`, both ways: a key moves with its name, policy, usage, CKA_ID, certificate and public half.

use super::export::{ExportParameters, Exported};
use super::kek::{self, WrappingKey};
use super::pending::{Material, Target};
use super::wrapped::Payload;
use super::{Error, Flags, ImportParameters, Key, KeyName, StorageProvider};
use crate::asn1::transport::{self, Subject};
use crate::asn1::{certificate, spki};
use crate::blob::BlobType;
use crate::key::rsa::Hash;
use crate::key::{Algorithm, ExportPolicy, Family, KeyUsage, PublicKey, SymmetricAlgorithm};
use crate::token::Token;
use crate::wrap::transport::{Said, To, forward, send};
use crate::wrap::{Kek, KekKind, Scheme, Sealed, secret_len};

impl Key {
    /// The key with everything that is said of it.
    pub(super) fn export_transport(
        &self,
        payload: Payload<'_>,
        recipients: &[&Self],
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let (said, zero_padded) = self.sayable(payload, parameters)?;
        let keys = wrapping_keys(&self.token, recipients, parameters.force)?;
        let to = addresses(recipients, &keys, parameters.hash)?;
        let Payload { object, capacity, .. } = payload;
        let bytes = send(&self.token, said, &to, parameters.hash, object, capacity)?;
        Ok(Exported { bytes: bytes.into(), zero_padded, scheme: None, hash: None })
    }

    /// What goes with the key, and everything that shows before the token wraps.
    pub(super) fn sayable(
        &self,
        payload: Payload<'_>,
        parameters: &ExportParameters,
    ) -> Result<(Said, bool), crate::Error> {
        if parameters.scheme.is_some() || !parameters.label.is_empty() {
            let what = "an OpaqueTransport has a scheme of its own, and no OAEP label".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        let zero_padded = payload.zero_padding(Scheme::Kwp)?;
        Ok((self.said()?, zero_padded))
    }

    /// What goes with the key.
    fn said(&self) -> Result<Said, crate::Error> {
        let ready = self.used()?;
        let unsupported = |what: String| crate::Error::from(Error::Unsupported { what, ckr: None });
        let name = KeyName::new(&ready.label)?;
        if ready.usage.is_empty() {
            return Err(unsupported(format!("`{}` may not be used for anything", ready.label)));
        }
        let subject = match ready.algorithm.map(|algorithm| algorithm.family) {
            Some(Family::Symmetric(algorithm)) => {
                let bits = match (ready.bits, ready.secret_object) {
                    (Some(bits), _) => Some(bits),
                    // Some tokens forget how long a key is that they unwrapped.
                    (None, Some(object)) if algorithm != SymmetricAlgorithm::Hmac => {
                        let measured = secret_len(&self.token, object, algorithm)?;
                        measured.and_then(|(len, _)| u32::try_from(8 * len).ok())
                    }
                    (None, _) => None,
                };
                let bits =
                    bits.ok_or_else(|| unsupported(format!("the token does not tell the size of `{}`", ready.label)))?;
                Subject::Secret { algorithm, bits }
            }
            _ => Subject::Private(self.public_key()?),
        };
        let is_own = |der: &[u8]| match &subject {
            Subject::Private(public) => certificate::decode(der).is_ok_and(|parts| parts.public == *public),
            Subject::Secret { .. } => false,
        };
        let certificates = self.certificates()?.iter().map(|der| der.to_vec()).filter(|der| is_own(der)).collect();
        let policy = if ready.policy.allows_plaintext() { ExportPolicy::ANY } else { ExportPolicy::ENCRYPTED };
        Ok(Said {
            name: name.as_str().to_owned(),
            policy,
            usage: ready.usage,
            id: ready.id.clone(),
            subject,
            certificates,
        })
    }
}

pub(super) fn wrapping_keys<'t>(
    token: &'t Token,
    recipients: &[&Key],
    force: bool,
) -> Result<Vec<WrappingKey<'t>>, crate::Error> {
    recipients.iter().map(|key| key.wrapping_kek(token, force)).collect()
}

fn addresses(recipients: &[&Key], keys: &[WrappingKey<'_>], hash: Option<Hash>) -> Result<Vec<To>, crate::Error> {
    if hash.is_some() && keys.iter().all(|key| matches!(key.kek.kind, KekKind::Aes)) {
        let what = "none of the keys it is for wraps with RSA-OAEP, which alone has a hash".to_owned();
        return Err(Error::Contradiction { what }.into());
    }
    if recipients.len() > transport::MAX_RECIPIENTS {
        let what = format!("an OpaqueTransport is for at most {} recipients", transport::MAX_RECIPIENTS);
        return Err(Error::Contradiction { what }.into());
    }
    let address = |(key, wrapping): (&&Key, &WrappingKey<'_>)| {
        let key_id = match wrapping.kek.kind {
            KekKind::Rsa { .. } => Some(spki::key_id(&key.public_key()?)?),
            KekKind::Aes => None,
        };
        Ok(To { kek: wrapping.kek, key_id })
    };
    recipients.iter().zip(keys).map(address).collect()
}

impl StorageProvider {
    /// Imports a key with what travelled with it. What is asked for besides may take rights away, and not add any.
    pub(super) fn import_transport(
        &self,
        import_key: &Key,
        parameters: &ImportParameters,
        data: &[u8],
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        kek::check_says_itself(BlobType::OpaqueTransport.name(), parameters)?;
        let (kek, key_id) = import_key.addressee()?;
        let sent = transport::decode(data)?;
        let info = sent.info.clone();
        let (algorithm, target) = match &info.subject {
            Subject::Private(public) => (algorithm_of(public, info.usage), Target::Private(Some(public.clone()))),
            Subject::Secret { algorithm, bits } => {
                (Algorithm::symmetric(*algorithm), Target::Secret { algorithm: *algorithm, bits: Some(*bits) })
            }
        };
        let differs = |asked: Algorithm| {
            asked.family != algorithm.family || (asked.curve.is_some() && asked.curve != algorithm.curve)
        };
        if parameters.algorithm.is_some_and(differs) {
            let what = format!("the container holds an {algorithm} key");
            return Err(Error::Contradiction { what }.into());
        }
        let name = match &parameters.name {
            Some(name) => name.clone(),
            None => KeyName::new(&info.name)?,
        };
        let parameters = ImportParameters { name: Some(name), algorithm: Some(algorithm), ..parameters.clone() };
        let sealed = Sealed::Transport { kek, key_id, sent: Box::new(sent) };
        let material = Material::Wrapped { sealed, target };
        self.import_prepared(material, &parameters, flags, |pending| {
            pending.set_id(&info.id)?;
            if let Some(own) = info.certificates.first() {
                pending.certificate = Some(certificate::decode(own)?);
            }
            (pending.policy, pending.usage) = (info.policy, Some(info.usage));
            pending.ceiling = Some((info.policy, info.usage));
            if info.certificates.len() > 1 {
                let warning = format!("{} more certificates are not put on the token", info.certificates.len() - 1);
                pending.warnings.push(warning);
            }
            Ok(())
        })
    }

    /// Sends an `OpaqueTransport` on to other recipients. The key in it stays wrapped as it is; what is said of it stays as it was said.
    pub(super) fn forward_transport(
        &self,
        import_key: &Key,
        recipients: &[&Key],
        parameters: &ExportParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, crate::Error> {
        let (kek, key_id) = import_key.addressee()?;
        let sent = transport::decode(data)?;
        let keys = wrapping_keys(&self.token, recipients, parameters.force)?;
        let to = addresses(recipients, &keys, parameters.hash)?;
        Ok(forward(&self.token, kek, key_id.as_deref(), &sent, &to, parameters.hash)?)
    }
}

impl Key {
    /// The object that opens what is for this key, and by what an RSA key is named there.
    fn addressee(&self) -> Result<(Kek, Option<Vec<u8>>), crate::Error> {
        let kek = self.unwrapping_kek()?;
        let key_id = match kek.kind {
            KekKind::Rsa { .. } => Some(spki::key_id(&self.public_key()?)?.to_vec()),
            KekKind::Aes => None,
        };
        Ok((kek, key_id))
    }
}

fn algorithm_of(public: &PublicKey, usage: KeyUsage) -> Algorithm {
    public.curve().map_or(Algorithm::RSA, |curve| Algorithm::elliptic_by_usage(curve, usage))
}
