//! `PKCS7_ENVELOPE`, both ways: a CMS EnvelopedData for the holders of RSA keys.
//!
//! What Windows puts inside is not settled: Microsoft's sample provider envelopes a CNG private blob, others a PKCS#8. Written here is PKCS#8, which a token can wrap
//! and unwrap by itself; read are both, with or without the ContentInfo around it. A CNG blob inside, or a content that the token does not unwrap, is decrypted on the
//! token and imported from this host, which the outcome says. Under a key that only unwraps that is done for private keys alone, which show that they are some: it must not
//! become a way to decrypt what else was wrapped for that key.

use std::sync::Arc;

use super::export::{ExportParameters, Exported};
use super::kek::WrappingKey;
use super::lookup;
use super::pending::{Material, Target};
use super::transport::wrapping_keys;
use super::wrapped::Payload;
use super::{Error, Flags, ImportParameters, Key, StorageProvider, kek};
use crate::asn1::certificate::{self, CertificateParts};
use crate::asn1::cms::{self, Content, ContentCipher, Identity, Recipient, RecipientId, Transport};
use crate::asn1::{Cipher, spki};
use crate::blob::{BlobType, Decoded, Hints};
use crate::format::{self, Format};
use crate::key::{KeyMaterial, KeyUsage, PublicKey, SymmetricAlgorithm, rsa};
use crate::secret::SecretBytes;
use crate::template::Template;
use crate::template::attribute::{CKA_CLASS, CKA_MODULUS, CKA_TOKEN, CKO_PRIVATE_KEY};
use crate::wrap::{self, Kek, KekKind, Scheme, Sealed, envelope};

/// Recipients that are tried where none is named as this key. Each takes the token one decryption.
const MOST_TRIED: usize = 20;

impl Key {
    /// The key for several recipients.
    pub(super) fn export_envelope(
        &self,
        payload: Payload<'_>,
        recipients: &[&Self],
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        match self.is_enveloped_here(recipients, parameters)? {
            true => self.envelope_here(recipients, parameters),
            false => payload.envelope(recipients, parameters),
        }
    }

    /// Everything of that which shows before the key is read or wrapped.
    pub(super) fn rehearse_envelope(
        &self,
        payload: Payload<'_>,
        recipients: &[&Self],
        parameters: &ExportParameters,
    ) -> Result<(), crate::Error> {
        match self.is_enveloped_here(recipients, parameters)? {
            true => holders(recipients, parameters).map(|_| ()),
            false => payload.address(recipients, parameters).map(|_| ()),
        }
    }

    /// What may be seen is enveloped here, as most programs read it, where the token could only do it as few do.
    fn is_enveloped_here(&self, recipients: &[&Self], parameters: &ExportParameters) -> Result<bool, crate::Error> {
        check_envelope(recipients, parameters)?;
        let wanted = parameters.content.unwrap_or(ContentCipher::Cbc(Cipher::Aes256));
        Ok(match wanted {
            ContentCipher::Cbc(cipher)
                if parameters.scheme.is_none() && self.finalized()?.policy.allows_plaintext() =>
            {
                !wrap::wraps_cbc(&self.token, cipher)?
            }
            _ => false,
        })
    }

    /// For the holders of certificates.
    pub(super) fn export_for_certificates(
        &self,
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        let provider = StorageProvider::on(self.token.clone());
        let holder = |der: &Arc<[u8]>| -> Result<Self, crate::Error> {
            provider.import_public(format::decode_one(der, Format::Cert, &Hints::default(), None)?)
        };
        let holders = parameters.certificates.iter().map(holder).collect::<Result<Vec<_>, _>>()?;
        let parameters = ExportParameters { certificates: Vec::new(), ..parameters.clone() };
        self.export_to_own(&holders.iter().collect::<Vec<_>>(), format, &parameters)
    }

    fn envelope_here(&self, recipients: &[&Self], parameters: &ExportParameters) -> Result<Exported, crate::Error> {
        let to = holders(recipients, parameters)?;
        let format = if self.is_symmetric() { Format::Raw } else { Format::PKCS8 };
        let content = self.danger_export_plaintext(format)?.bytes;
        // As the token would do it: who opens it may have one like it.
        let hash = parameters.hash.unwrap_or_else(|| wrap::usual_hash(self.token.profile()));
        let cipher = parameters.content.unwrap_or(ContentCipher::Cbc(Cipher::Aes256));
        let bytes = cms::seal(&content, &to, cipher, &Transport::oaep(hash))?;
        Ok(Exported { bytes: bytes.into(), zero_padded: false, scheme: Some(Scheme::CbcPad), hash: Some(hash) })
    }

    /// By what an envelope names the holder of this key: its certificate, else its key.
    fn recipient_id(&self) -> Result<RecipientId, crate::Error> {
        match self.certificate_parts()? {
            Some(parts) => Ok(RecipientId::issuer_and_serial(&parts)),
            None => Ok(RecipientId::KeyId(spki::key_id(&self.public_key()?)?.to_vec())),
        }
    }

    /// The certificate that the key came in, or that stands beside it; one for another key does not count.
    fn certificate_parts(&self) -> Result<Option<CertificateParts>, crate::Error> {
        let ready = self.finalized()?;
        let der = match &ready.certificate {
            Some(der) => Some(der.clone()),
            None => self.certificates()?.into_iter().next(),
        };
        let parts = der.and_then(|der| certificate::decode(&der).ok());
        Ok(parts.filter(|parts| Some(&parts.public) == ready.public.as_ref()))
    }

    fn identity(&self) -> Result<Identity, crate::Error> {
        Ok(match self.certificate_parts()? {
            Some(parts) => Identity::of_certificate(&parts)?,
            None => Identity::of_key(&self.public_key()?)?,
        })
    }
}

/// For whom the token makes an envelope, and how.
struct Addressed<'t> {
    to: Vec<(Kek, RecipientId)>,
    cipher: ContentCipher,
    scheme: Scheme,
    zero_padded: bool,
    /// Some of them are on the token for as long as these are held.
    _keys: Vec<WrappingKey<'t>>,
}

impl<'t> Payload<'t> {
    /// The key for several recipients, by the token.
    pub(super) fn envelope(self, recipients: &[&Key], parameters: &ExportParameters) -> Result<Exported, crate::Error> {
        let Addressed { to, cipher, scheme, zero_padded, _keys } = self.address(recipients, parameters)?;
        let (bytes, hash) = envelope::seal(self.token, &to, cipher, parameters.hash, self.object, self.capacity)?;
        Ok(Exported { bytes: bytes.into(), zero_padded, scheme: Some(scheme), hash: Some(hash) })
    }

    fn address(self, recipients: &[&Key], parameters: &ExportParameters) -> Result<Addressed<'t>, crate::Error> {
        check_envelope(recipients, parameters)?;
        let cipher = match (parameters.content, parameters.scheme) {
            (Some(cipher), _) => cipher,
            (None, Some(Scheme::CbcPad)) => ContentCipher::Cbc(Cipher::Aes256),
            (None, Some(Scheme::Kwp)) => ContentCipher::Aes256WrapPad,
            (None, Some(other)) => {
                let what = format!("the content of a PKCS7_ENVELOPE is under cbc-pad or kwp, not {}", other.name());
                return Err(Error::Contradiction { what }.into());
            }
            (None, None) if wrap::wraps_cbc(self.token, Cipher::Aes256)? => ContentCipher::Cbc(Cipher::Aes256),
            (None, None) => ContentCipher::Aes256WrapPad,
        };
        let scheme = if matches!(cipher, ContentCipher::Cbc(_)) { Scheme::CbcPad } else { Scheme::Kwp };
        let zero_padded = self.zero_padding(scheme)?;
        let keys = wrapping_keys(self.token, recipients, parameters.force)?;
        let mut to = Vec::new();
        for (key, wrapping) in recipients.iter().zip(&keys) {
            if wrapping.kek.kind == KekKind::Aes {
                return Err(kek::not_rsa(key, BlobType::Pkcs7Envelope.name()).into());
            }
            to.push((wrapping.kek, key.recipient_id()?));
        }
        Ok(Addressed { to, cipher, scheme, zero_padded, _keys: keys })
    }
}

/// Those for whom an envelope is that is made here.
fn holders<'k>(
    recipients: &[&'k Key],
    parameters: &ExportParameters,
) -> Result<Vec<(RecipientId, &'k rsa::PublicKey)>, crate::Error> {
    let holder = |key: &&'k Key| {
        key.check_may_wrap(parameters.force)?;
        let public = key.rsa_public().map_err(|_| kek::not_rsa(key, BlobType::Pkcs7Envelope.name()))?;
        Ok((key.recipient_id()?, public))
    };
    recipients.iter().map(holder).collect()
}

/// What an envelope has no room for.
fn check_envelope(recipients: &[&Key], parameters: &ExportParameters) -> Result<(), Error> {
    let what = if !parameters.label.is_empty() {
        "a PKCS7_ENVELOPE is written without a label of RSA-OAEP".to_owned()
    } else if parameters.content.is_some() && parameters.scheme.is_some() {
        "the content encryption is said twice: by its OID and by a scheme".to_owned()
    } else if recipients.len() > cms::MAX_RECIPIENTS {
        format!("a PKCS7_ENVELOPE is for at most {} recipients", cms::MAX_RECIPIENTS)
    } else {
        return Ok(());
    };
    Err(Error::Contradiction { what })
}

impl StorageProvider {
    /// Imports what an envelope holds.
    pub(super) fn import_envelope(
        &self,
        import_key: &Key,
        parameters: &ImportParameters,
        data: &[u8],
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        kek::check_says_itself(BlobType::Pkcs7Envelope.name(), parameters)?;
        let (kek, recipients, content) = open_envelope(import_key, data)?;
        let symmetric = parameters.symmetric();
        if self.unwraps(kek, &recipients, &content, symmetric)? {
            let sealed = Sealed::Envelope { kek, recipients, content };
            let material = Material::Wrapped { sealed, target: target_of(symmetric) };
            return self.finish_import(material, parameters, flags);
        }
        // Whoever may only wrap and unwrap must not get at what another wrapped: bytes of no structure, of which anything can be said, are for a key that decrypts. And what was
        // opened and makes no key is one error with what could not be opened.
        let may_decrypt = import_key.usage().contains(KeyUsage::DECRYPT);
        if symmetric.is_some() && !may_decrypt {
            let (name, operation) =
                (import_key.label().to_owned(), "decrypt an envelope whose content this token does not unwrap");
            return Err(Error::UsageForbids { name, operation }.into());
        }
        let plain = envelope::decrypt(&self.token, kek, &recipients, &content)?;
        let decoded = match decode_content(&plain, symmetric, parameters, flags) {
            Ok(decoded) if may_decrypt || matches!(decoded.key, KeyMaterial::Private(_)) => decoded,
            Err(error) if may_decrypt => return Err(error),
            Ok(_) | Err(_) => return Err(wrap::Error::Integrity.into()),
        };
        self.import_prepared(Material::Key(decoded), parameters, flags, |pending| {
            let warning = "the envelope was opened on this host, where the key was in the clear: the token does not unwrap its content";
            pending.warnings.push(warning.to_owned());
            pending.came_wrapped = true;
            Ok(())
        })
    }

    /// The key on the token that one of the certificates is for.
    pub(super) fn holder_of(&self, certificates: &[Arc<[u8]>]) -> Result<Key, crate::Error> {
        for der in certificates {
            let Ok(parts) = certificate::decode(der) else { continue };
            let PublicKey::Rsa(public) = &parts.public else { continue };
            // The public exponent is not always there.
            let template = Template::new().bytes(CKA_MODULUS, public.n());
            let template = template.flag(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_PRIVATE_KEY);
            if let Some(record) = self.token.find_and_read(&template)?.first() {
                return self.open_key(&lookup::uri_of(&self.token, record).to_string());
            }
        }
        let what = "none of the certificates is for an RSA key on the token".to_owned();
        Err(Error::Unsupported { what, ckr: None }.into())
    }

    /// Whether the token unwraps the content by itself. One that it only decrypts is tried: it may hold a CNG blob, which no token unwraps.
    fn unwraps(
        &self,
        kek: Kek,
        recipients: &[Recipient],
        content: &Content,
        symmetric: Option<SymmetricAlgorithm>,
    ) -> Result<bool, crate::Error> {
        let ContentCipher::Cbc(cipher) = content.cipher else { return Ok(true) };
        if !wrap::unwraps_cbc(&self.token, cipher)? {
            return Ok(false);
        }
        if symmetric.is_some() {
            return Ok(true);
        }
        let sealed = Sealed::Envelope { kek, recipients: recipients.to_vec(), content: content.clone() };
        self.unwraps_privately(&sealed)
    }
}

/// The recipients of an envelope that a key may be, and what is in it.
fn open_envelope(import_key: &Key, data: &[u8]) -> Result<(Kek, Vec<Recipient>, Content), crate::Error> {
    let kek = import_key.unwrapping_kek()?;
    let KekKind::Rsa { modulus_len } = kek.kind else {
        return Err(kek::not_rsa(import_key, BlobType::Pkcs7Envelope.name()).into());
    };
    let read = cms::decode(data)?;
    let recipients: Vec<Recipient> = match read.recipients_for(&import_key.identity()?) {
        Ok(found) => found.into_iter().cloned().collect(),
        // It may be named by a certificate that is not on the token.
        Err(error) => {
            let fits = |recipient: &&Recipient| recipient.encrypted_key.len() == modulus_len;
            let others: Vec<_> = read.recipients.iter().filter(fits).take(MOST_TRIED).cloned().collect();
            if others.is_empty() {
                return Err(error.into());
            }
            others
        }
    };
    Ok((kek, recipients, read.content))
}

/// An envelope as it is unwrapped on the token, and in no other way.
pub(super) fn sealed(
    import_key: &Key,
    parameters: &ImportParameters,
    data: &[u8],
) -> Result<(Sealed, Target), crate::Error> {
    kek::check_says_itself(BlobType::Pkcs7Envelope.name(), parameters)?;
    let (kek, recipients, content) = open_envelope(import_key, data)?;
    Ok((Sealed::Envelope { kek, recipients, content }, target_of(parameters.symmetric())))
}

fn target_of(symmetric: Option<SymmetricAlgorithm>) -> Target {
    symmetric.map_or(Target::Private(None), |algorithm| Target::Secret { algorithm, bits: None })
}

/// What was in an envelope: a PKCS#8, a CNG blob, or the bytes of a symmetric key.
fn decode_content(
    plain: &SecretBytes,
    symmetric: Option<SymmetricAlgorithm>,
    parameters: &ImportParameters,
    flags: Flags,
) -> Result<Decoded, crate::Error> {
    let hints = Hints {
        algorithm: parameters.algorithm,
        curve: parameters.curve,
        validation: super::import::validation(flags),
        ..Hints::default()
    };
    let format = match symmetric {
        Some(algorithm) if algorithm.accepts(plain.len()) => Format::Raw,
        _ => format::sniff(plain)?,
    };
    // A token that wrapped it may have put zero bytes behind it.
    let trimmed = if format == Format::PKCS8 { Some(wrap::kw::trim_zeros(plain)?.0) } else { None };
    let decoded = format::decode(trimmed.as_deref().unwrap_or(plain), format, &hints)?;
    match decoded.key {
        KeyMaterial::Public(_) => Err(Error::PublicNotPersisted.into()),
        _ => Ok(decoded),
    }
}
