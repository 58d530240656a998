//! Unwrapping on the token.

use super::error::Error;
use super::opening::{Opening, names};
use super::seal::{EPHEMERAL_LEN, missing};
use super::temporary::Temporary;
use super::transport;
use super::{Kek, KekKind, Parameters, Scheme, cbc_pad, gcm, kw, possible_hashes, rsa_aes};
use crate::asn1::transport::Transport;
use crate::asn1::{Cipher, PasswordKey, cms};
use crate::key::SymmetricAlgorithm;
use crate::key::rsa::Hash;
use crate::template::shape;
use crate::template::temporary::{Rights, given, secret};
use crate::token::mechanism::{
    CK_MECHANISM_TYPE, CKM_AES_CBC_PAD, CKM_DES3_CBC_PAD, CKM_RSA_AES_KEY_WRAP, CKM_RSA_PKCS, Mechanism,
};
use crate::token::{Token, refusal};

/// A wrapped key as it came, and what opens it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Sealed {
    /// By one scheme, without a container.
    Bare {
        /// The key that opens it.
        kek: Kek,
        /// How it was wrapped.
        parameters: Parameters,
        /// The bytes of the scheme.
        bytes: Vec<u8>,
    },
    /// In a CMS EnvelopedData: under a content key, which is under the key of a recipient.
    Envelope {
        /// The recipient's key.
        kek: Kek,
        /// The recipients that this is, with the content key under each.
        recipients: Vec<cms::Recipient>,
        /// The content.
        content: cms::Content,
    },
    /// In an `OpaqueTransport`.
    Transport {
        /// The key of one of its recipients.
        kek: Kek,
        /// The identifier of an RSA key.
        key_id: Option<Vec<u8>>,
        /// What was sent.
        sent: Box<Transport>,
    },
    /// Under an AES key, which is under the RSA key.
    Nested {
        /// The RSA key.
        kek: Kek,
        /// How the AES key is encrypted.
        transport: cms::Transport,
        /// The encrypted AES key.
        encrypted_key: Vec<u8>,
        /// How the key is wrapped under it.
        parameters: Parameters,
        /// The bytes of that scheme.
        bytes: Vec<u8>,
    },
    /// By RSAES-PKCS1-v1_5, as other tools do.
    Pkcs1 {
        /// The RSA key.
        kek: Kek,
        /// The wrapped key.
        bytes: Vec<u8>,
    },
    /// Under a key that PBES2 made of a password.
    Password {
        /// The key.
        key: PasswordKey,
        /// The encrypted bytes.
        bytes: Vec<u8>,
    },
}

impl Sealed {
    /// Takes the bytes apart, and opens what stands between the key and the wrapping key.
    ///
    /// # Errors
    /// [`Error`] for lengths that the scheme cannot have made, and as the token answers.
    pub(crate) fn open<'t>(&'t self, token: &'t Token) -> Result<Opening<'t>, Error> {
        let conceals = matches!(self, Self::Envelope { .. } | Self::Nested { .. } | Self::Pkcs1 { .. });
        self.check_second_step(token)?;
        match self.take_apart(token) {
            Ok(opening) => Ok(opening.concealing(conceals)),
            Err(error) if conceals => Err(concealed(error)),
            Err(error) => Err(error),
        }
    }

    /// Names what the token does not have for the step behind an RSA decryption before that is tried: afterwards it would tell that the decryption went well.
    fn check_second_step(&self, token: &Token) -> Result<(), Error> {
        let (scheme, mechanism) = match self {
            Self::Envelope { content, .. } => {
                let (_, scheme, mechanism) = super::envelope::content_mechanism(token, content);
                (scheme, mechanism.number())
            }
            Self::Nested { parameters, .. } => (parameters.scheme, parameters.scheme.mechanism(token.profile())),
            _ => return Ok(()),
        };
        if token.claims_wrapping(mechanism)?.1 { Ok(()) } else { Err(missing(token, scheme, mechanism)) }
    }

    fn take_apart<'t>(&'t self, token: &'t Token) -> Result<Opening<'t>, Error> {
        match self {
            Self::Bare { kek, parameters, bytes } => open_bare(token, *kek, parameters, bytes),
            Self::Envelope { kek, recipients, content } => super::envelope::open(token, *kek, recipients, content),
            Self::Transport { kek, key_id, sent } => transport::receive(token, *kek, key_id.as_deref(), sent),
            Self::Nested { kek, transport, encrypted_key, parameters, bytes } => {
                let outer = super::envelope::open_aes(token, *kek, transport, encrypted_key)?;
                let inner = Kek { object: outer.handle, kind: KekKind::Aes };
                Ok(open_bare(token, inner, parameters, bytes)?.holding(outer))
            }
            Self::Pkcs1 { kek, bytes } => {
                Ok(Opening::new(token, Scheme::RsaOaep, kek.object, vec![Mechanism::Plain(CKM_RSA_PKCS)], bytes))
            }
            Self::Password { key, bytes } => open_password(token, key, bytes),
        }
    }
}

/// One error for everything that can be wrong behind an RSA decryption: which step failed must not be told to who sends forged envelopes (RFC 3218 §2.3, and the
/// padding of CBC alike). When it fails is the token's affair.
pub(super) fn concealed(error: Error) -> Error {
    match error {
        Error::Length { .. } => Error::Integrity,
        Error::Unwrap { source, .. } | Error::Token(source) => {
            if source.ckr().is_none_or(refusal::is_about_session) {
                Error::Token(source)
            } else {
                Error::Integrity
            }
        }
        other => other,
    }
}

pub(super) fn open_bare<'t>(
    token: &'t Token,
    kek: Kek,
    parameters: &'t Parameters,
    bytes: &'t [u8],
) -> Result<Opening<'t>, Error> {
    let Parameters { scheme, hash, label } = parameters;
    let profile = token.profile();
    let hashes = hash.as_slice();
    let hashes = if hashes.is_empty() { possible_hashes(profile) } else { hashes };
    let bare =
        |mechanisms: Vec<Mechanism<'t>>, bytes: &'t [u8]| Opening::new(token, *scheme, kek.object, mechanisms, bytes);
    let plain = Mechanism::Plain(scheme.mechanism(profile));
    Ok(match (scheme, kek.kind) {
        (Scheme::Kw | Scheme::Kwp | Scheme::KwPkcs7, _) => {
            // What RFC 3394 and RFC 5649 cannot have made is not shown to the token.
            kw::check_wrapped(*scheme, bytes.len())?;
            bare(vec![plain], bytes)
        }
        (Scheme::CbcPad, _) => {
            let (iv, bytes) = cbc_pad::split(bytes)?;
            bare(vec![Mechanism::Cbc { number: CKM_AES_CBC_PAD, iv }], bytes)
        }
        (Scheme::Gcm, _) => {
            let (nonce, bytes) = gcm::split(bytes)?;
            bare(vec![Mechanism::AesGcm { nonce, additional: &[], tag_len: gcm::TAG_LEN }], bytes)
        }
        (Scheme::RsaOaep, KekKind::Rsa { modulus_len }) => {
            if modulus_len != bytes.len() {
                let expected = "as many bytes as the modulus of the unwrapping key has";
                return Err(Error::Length { scheme: scheme.name(), len: bytes.len(), expected });
            }
            bare(hashes.iter().map(|hash| Mechanism::Oaep { hash: *hash, label }).collect(), bytes)
        }
        (Scheme::RsaAes, KekKind::Rsa { modulus_len }) => {
            let (ephemeral, wrapped) = rsa_aes::split(bytes, modulus_len)?;
            if token.lists_mechanism(CKM_RSA_AES_KEY_WRAP)? {
                let mechanism = |hash: &Hash| Mechanism::RsaAes { hash: *hash, label, aes_len: EPHEMERAL_LEN };
                bare(hashes.iter().map(mechanism).collect(), bytes)
            } else {
                let rights = Rights::UNWRAP;
                let ephemeral = open_secret(token, kek, hashes, label, ephemeral, rights)?;
                let mechanisms = vec![Mechanism::Plain(Scheme::Kwp.mechanism(profile))];
                Opening::new(token, *scheme, ephemeral.handle, mechanisms, wrapped).holding(ephemeral)
            }
        }
        (Scheme::RsaOaep | Scheme::RsaAes, KekKind::Aes) => {
            return Err(Error::Unsuitable { scheme: scheme.name(), key: "a key under an AES key" });
        }
    })
}

fn open_password<'t>(token: &'t Token, key: &'t PasswordKey, bytes: &'t [u8]) -> Result<Opening<'t>, Error> {
    let (kind, number) = password_cipher(key.cipher);
    let object = token.create(&given(kind, key.key.clone(), Rights::UNWRAP))?;
    let temporary = Temporary::new(token, object);
    let mechanisms = vec![Mechanism::Cbc { number, iv: &key.iv }];
    Ok(Opening::new(token, Scheme::CbcPad, object, mechanisms, bytes).holding(temporary))
}

/// Whether the token says that it unwraps what is encrypted by this cipher in CBC mode.
///
/// # Errors
/// [`Error`] as the token answers.
pub(crate) fn unwraps_cbc(token: &Token, cipher: Cipher) -> Result<bool, Error> {
    Ok(token.claims_wrapping(password_cipher(cipher).1)?.1)
}

/// The same of wrapping.
///
/// # Errors
/// [`Error`] as the token answers.
pub(crate) fn wraps_cbc(token: &Token, cipher: Cipher) -> Result<bool, Error> {
    Ok(token.claims_wrapping(password_cipher(cipher).1)?.0)
}

/// The key type and the mechanism of a cipher in CBC mode with padding.
pub(super) fn password_cipher(cipher: Cipher) -> (SymmetricAlgorithm, CK_MECHANISM_TYPE) {
    match cipher {
        Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => (SymmetricAlgorithm::Aes, CKM_AES_CBC_PAD),
        Cipher::TripleDes => (SymmetricAlgorithm::TripleDes, CKM_DES3_CBC_PAD),
    }
}

/// Opens an AES key that RSA-OAEP wrapped, for one operation.
pub(super) fn open_secret<'t>(
    token: &'t Token,
    kek: Kek,
    hashes: &[Hash],
    label: &[u8],
    wrapped: &[u8],
    rights: Rights,
) -> Result<Temporary<'t>, Error> {
    let mechanisms = hashes.iter().map(|hash| Mechanism::Oaep { hash: *hash, label }).collect();
    let opening = Opening::new(token, Scheme::RsaOaep, kek.object, mechanisms, wrapped);
    // A token that wants the length said is told that of the keys that are made here; what others made shorter it refuses.
    let bits = u32::try_from(EPHEMERAL_LEN * 8).ok();
    let template = shape::with_length(secret(SymmetricAlgorithm::Aes, rights), bits, token.profile());
    let opened = opening.unwrap(&template).map_err(|error| match error {
        Error::Token(source) if source.ckr().is_some_and(refusal::is_about_data) => {
            Error::Unwrap { tried: format!("its AES key by RSA-OAEP with {}", names(hashes)), source }
        }
        other => other,
    })?;
    Ok(Temporary::new(token, opened))
}
