//! Wrapping on the token.

use super::error::Error;
use super::open::password_cipher;
use super::temporary::Temporary;
use super::{Kek, KekKind, Parameters, Scheme, cbc_pad, claimed, gcm, usual_hash};
use crate::asn1::cms::ContentCipher;
use crate::asn1::{Cipher, PasswordKey};
use crate::key::SymmetricAlgorithm;
use crate::key::rsa::Hash;
use crate::status::Ckr;
use crate::template::temporary::{Rights, generated, given, secret};
use crate::token::mechanism::{
    CK_MECHANISM_TYPE, CKM_AES_CBC_PAD, CKM_AES_KEY_GEN, CKM_DES3_CBC_PAD, CKM_DES3_KEY_GEN, CKM_RSA_AES_KEY_WRAP,
    Mechanism, wrapping_name,
};
use crate::token::{self, Handle, Token, refusal};

/// A wrapped key.
#[derive(Clone, Debug)]
pub struct Wrapped {
    /// The bytes of the scheme.
    pub bytes: Vec<u8>,
    /// The hash of RSA-OAEP, where the scheme has one.
    pub hash: Option<Hash>,
}

/// Bytes of the AES keys that are made for one wrap: what every cloud and CNG's own container take.
pub(super) const EPHEMERAL_LEN: usize = 32;

/// Wraps `key` under `kek`: one call, but for `rsa-aes` on a token without that mechanism.
///
/// `capacity` is what holds the bare key; the scheme's own bytes are counted here.
///
/// # Errors
/// [`Error`] as the token answers; a mechanism or a parameter that it does not have is named.
pub fn wrap(token: &Token, parameters: &Parameters, kek: Kek, key: Handle, capacity: usize) -> Result<Wrapped, Error> {
    let Parameters { scheme, label, .. } = parameters;
    let hash = parameters.hash.unwrap_or_else(|| usual_hash(token.profile()));
    let plain = Mechanism::Plain(scheme.mechanism(token.profile()));
    let once = |mechanism: &Mechanism<'_>, capacity: usize| {
        token.wrap(mechanism, kek.object, key, capacity).map_err(|error| refused(token, *scheme, mechanism, error))
    };
    let bytes = match (scheme, kek.kind) {
        // One block for the length or the padding, one for the integrity check.
        (Scheme::Kw | Scheme::Kwp | Scheme::KwPkcs7, _) => once(&plain, capacity + 16)?,
        (Scheme::CbcPad, _) => {
            let iv = fresh::<{ cbc_pad::IV_LEN }>()?;
            let wrapped = wrap_cbc(token, CKM_AES_CBC_PAD, &iv, kek.object, key, capacity)?;
            cbc_pad::join(&iv, &wrapped)
        }
        (Scheme::Gcm, _) => {
            let nonce = fresh::<{ gcm::NONCE_LEN }>()?;
            let mechanism = Mechanism::AesGcm { nonce: &nonce, additional: &[], tag_len: gcm::TAG_LEN };
            gcm::join(&nonce, &once(&mechanism, capacity + 16)?)
        }
        (Scheme::RsaOaep, kind) => {
            let room = modulus_len(kind).saturating_sub(2 * hash.length() + 2);
            once(&Mechanism::Oaep { hash, label }, modulus_len(kind))
                .map_err(|error| too_long(error, capacity > room))?
        }
        (Scheme::RsaAes, kind) => {
            if token.lists_mechanism(CKM_RSA_AES_KEY_WRAP)? {
                let mechanism = Mechanism::RsaAes { hash, label, aes_len: EPHEMERAL_LEN };
                once(&mechanism, modulus_len(kind) + capacity + 16)?
            } else {
                let ephemeral = Ephemeral::generate(token).map_err(|error| match error {
                    Error::Token(error) if error.ckr().is_some_and(refusal::is_refusal) => does_not_fit(
                        *scheme,
                        "the token makes no AES key that wraps and leaves, to stand between",
                        error,
                    ),
                    other => other,
                })?;
                let mut bytes = ephemeral.wrapped_under(kek, hash, label)?;
                bytes.extend(ephemeral.wrap(Scheme::Kwp, key, capacity)?);
                bytes
            }
        }
    };
    Ok(Wrapped { bytes, hash: scheme.is_rsa().then_some(hash) })
}

/// Wraps a private key under a key that PBES2 made of a password: what `EncryptedPrivateKeyInfo` holds.
///
/// # Errors
/// [`Error`] as the token answers; a mechanism that it does not have is named.
pub(crate) fn wrap_under_password(
    token: &Token,
    password: &PasswordKey,
    key: Handle,
    capacity: usize,
) -> Result<Vec<u8>, Error> {
    let (kind, number) = password_cipher(password.cipher);
    let kek = token.create(&given(kind, password.key.clone(), Rights { wrap: true, ..Rights::default() }))?;
    let kek = Temporary::new(token, kek);
    wrap_cbc(token, number, &password.iv, kek.handle, key, capacity)
}

/// A key under another one in CBC mode with padding, without the IV.
fn wrap_cbc(
    token: &Token,
    number: CK_MECHANISM_TYPE,
    iv: &[u8],
    kek: Handle,
    key: Handle,
    capacity: usize,
) -> Result<Vec<u8>, Error> {
    let mechanism = Mechanism::Cbc { number, iv };
    let wrapped = token.wrap(&mechanism, kek, key, capacity + 16);
    wrapped.map_err(|error| refused(token, Scheme::CbcPad, &mechanism, error))
}

fn modulus_len(kind: KekKind) -> usize {
    match kind {
        KekKind::Rsa { modulus_len } => modulus_len,
        KekKind::Aes => 0,
    }
}

/// An AES key for one wrap, made on the token: it wraps, and leaves wrapped.
pub(crate) struct Ephemeral<'t> {
    token: &'t Token,
    key: Temporary<'t>,
}

impl<'t> Ephemeral<'t> {
    pub(crate) fn generate(token: &'t Token) -> Result<Self, Error> {
        Self::generate_for(token, ContentCipher::Aes256WrapPad)
    }

    /// One that only wraps: what it wraps is compared or measured, and it never leaves.
    pub(super) fn resident(token: &'t Token) -> Result<Self, Error> {
        let rights = Rights { wrap: true, ..Rights::default() };
        let template = generated(SymmetricAlgorithm::Aes, EPHEMERAL_LEN as u64, rights);
        let handle = token.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template)?;
        Ok(Self { token, key: Temporary::new(token, handle) })
    }

    /// The key of a content encryption.
    pub(super) fn generate_for(token: &'t Token, cipher: ContentCipher) -> Result<Self, Error> {
        let rights = Rights { wrap: true, extractable: true, ..Rights::default() };
        let (template, number) = match cipher {
            // Its length is fixed, and not to be said.
            ContentCipher::Cbc(Cipher::TripleDes) => (secret(SymmetricAlgorithm::TripleDes, rights), CKM_DES3_KEY_GEN),
            other => (generated(SymmetricAlgorithm::Aes, other.key_length() as u64, rights), CKM_AES_KEY_GEN),
        };
        let handle = token.generate(&Mechanism::Plain(number), &template)?;
        Ok(Self { token, key: Temporary::new(token, handle) })
    }

    /// Another key under it, in CBC mode with padding: the fresh IV and what was encrypted.
    pub(super) fn wrap_cbc(
        &self,
        number: CK_MECHANISM_TYPE,
        key: Handle,
        capacity: usize,
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let iv = fresh::<{ cbc_pad::IV_LEN }>()?;
        let iv = if number == CKM_DES3_CBC_PAD { iv.get(..8).unwrap_or_default() } else { &iv[..] };
        let wrapped = wrap_cbc(self.token, number, iv, self.key.handle, key, capacity)?;
        Ok((iv.to_vec(), wrapped))
    }

    /// What another key is under it: the same of the same. RFC 5649, or CBC mode with a fixed IV on a token without it; what is made so goes nowhere.
    pub(super) fn image(&self, key: Handle, capacity: usize) -> Result<Vec<u8>, Error> {
        match self.wrap(Scheme::Kwp, key, capacity) {
            Err(Error::Mechanism { .. }) => {
                let iv = [0; cbc_pad::IV_LEN];
                wrap_cbc(self.token, CKM_AES_CBC_PAD, &iv, self.key.handle, key, capacity)
            }
            other => other,
        }
    }

    /// One that came from elsewhere, and may leave.
    pub(super) fn of(token: &'t Token, key: Temporary<'t>) -> Self {
        Self { token, key }
    }

    /// The key itself, under another one.
    pub(super) fn wrapped_by(&self, parameters: &Parameters, kek: Kek) -> Result<Vec<u8>, Error> {
        Ok(wrap(self.token, parameters, kek, self.key.handle, EPHEMERAL_LEN)?.bytes)
    }

    /// The key itself, by RSA-OAEP.
    pub(super) fn wrapped_under(&self, kek: Kek, hash: Hash, label: &[u8]) -> Result<Vec<u8>, Error> {
        let parameters = Parameters { scheme: Scheme::RsaOaep, hash: Some(hash), label: label.to_vec() };
        self.wrapped_by(&parameters, kek)
    }

    /// Another key under it.
    pub(crate) fn wrap(&self, scheme: Scheme, key: Handle, capacity: usize) -> Result<Vec<u8>, Error> {
        let kek = Kek { object: self.key.handle, kind: KekKind::Aes };
        Ok(wrap(self.token, &Parameters::new(scheme), kek, key, capacity)?.bytes)
    }
}

pub(super) fn fresh<const N: usize>() -> Result<[u8; N], token::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

const OAEP_CARRIES: &str = "CKM_RSA_PKCS_OAEP carries what is shorter than the modulus by twice the hash and two bytes, and on many tokens symmetric keys only";

fn does_not_fit(scheme: Scheme, why: &'static str, error: token::Error) -> Error {
    Error::DoesNotFit { scheme: scheme.name(), why, source: Box::new(error) }
}

/// Some tokens answer to a key that is too long as to a failure of the device: Kryoptic with CKR_DEVICE_ERROR.
fn too_long(error: Error, may_be: bool) -> Error {
    match error {
        Error::Token(error) if may_be && error.ckr().is_some_and(refusal::is_about_data) => {
            does_not_fit(Scheme::RsaOaep, OAEP_CARRIES, error)
        }
        other => other,
    }
}

/// What a refusal to wrap means.
fn refused(token: &Token, scheme: Scheme, mechanism: &Mechanism<'_>, error: token::Error) -> Error {
    match (error.ckr(), mechanism) {
        (Some(Ckr::KEY_NOT_WRAPPABLE | Ckr::KEY_SIZE_RANGE | Ckr::DATA_LEN_RANGE), Mechanism::Oaep { .. })
            if scheme == Scheme::RsaOaep =>
        {
            does_not_fit(scheme, OAEP_CARRIES, error)
        }
        (Some(Ckr::DATA_LEN_RANGE | Ckr::KEY_SIZE_RANGE), _) if scheme == Scheme::Kw => {
            does_not_fit(scheme, "RFC 3394 carries whole blocks of eight bytes", error)
        }
        _ => not_had(token, scheme, mechanism, error),
    }
}

/// What a refusal means, to wrap or to unwrap: a mechanism that the token does not have, or not with these parameters.
pub(super) fn not_had(token: &Token, scheme: Scheme, mechanism: &Mechanism<'_>, error: token::Error) -> Error {
    let Some(ckr) = error.ckr() else { return Error::Token(error) };
    match (ckr, mechanism) {
        (Ckr::MECHANISM_INVALID, _) => missing(token, scheme, mechanism.number()),
        (ckr, Mechanism::Oaep { hash, label: oaep_label } | Mechanism::RsaAes { hash, label: oaep_label, .. })
            if refusal::is_about_parameters(ckr) =>
        {
            let with = if oaep_label.is_empty() { "" } else { " and a label" };
            let can = match token.profile().oaep {
                Some([Hash::Sha1]) => Some("SHA1, without a label"),
                _ => None,
            };
            let name = wrapping_name(mechanism.number());
            Error::Oaep { name, asked: format!("{}{with}", hash.name()), token: token.info().label.clone(), ckr, can }
        }
        _ => Error::Token(error),
    }
}

/// The refusal of a mechanism that the token does not have.
pub(super) fn missing(token: &Token, scheme: Scheme, mechanism: CK_MECHANISM_TYPE) -> Error {
    Error::Mechanism {
        scheme: scheme.name(),
        mechanism,
        token: token.info().label.clone(),
        ckr: Ckr::MECHANISM_INVALID,
        can: claimed(token).into_iter().map(Scheme::name).collect(),
    }
}
