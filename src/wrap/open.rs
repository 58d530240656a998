//! Unwrapping on the token.

use super::error::{Error, is_about_the_data, may_be_another_kind, refuses_parameters};
use super::seal::{EPHEMERAL_LEN, Ephemeral, not_had};
use super::temporary::Temporary;
use super::transport;
use super::{Kek, KekKind, Parameters, Scheme, cbc_pad, gcm, possible_hashes, rsa_aes};
use crate::asn1::transport::Transport;
use crate::asn1::{Cipher, PasswordKey, cms};
use crate::key::rsa::Hash;
use crate::key::{ExportPolicy, SymmetricAlgorithm};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::put::PrivateKind;
use crate::template::temporary::{self, Rights, foreign_private, given, secret};
use crate::token::mechanism::{
    CK_MECHANISM_TYPE, CKM_AES_CBC_PAD, CKM_DES3_CBC_PAD, CKM_RSA_AES_KEY_WRAP, CKM_RSA_PKCS, Mechanism,
};
use crate::token::{self, Handle, Token};

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
        match self.take_apart(token) {
            Ok(opening) => Ok(Opening { conceals, ..opening }),
            Err(error) if conceals => Err(concealed(error)),
            Err(error) => Err(error),
        }
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
        Error::Unwrap { .. } | Error::Length { .. } => Error::Integrity,
        Error::Token(source) if source.ckr().is_some_and(may_be_another_kind) => Error::Integrity,
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
            check_blocks(*scheme, bytes.len())?;
            bare(vec![plain], bytes)
        }
        (Scheme::CbcPad, _) => {
            let (iv, bytes) = cbc_pad::split(bytes)?;
            bare(vec![Mechanism::Cbc { number: CKM_AES_CBC_PAD, iv }], bytes)
        }
        (Scheme::Gcm, _) => {
            let (nonce, bytes) = gcm::split(bytes)?;
            bare(vec![Mechanism::AesGcm { nonce, tag_len: gcm::TAG_LEN }], bytes)
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
                let rights = Rights { unwrap: true, ..Rights::default() };
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

/// What RFC 3394 and RFC 5649 cannot have made is not shown to the token.
fn check_blocks(scheme: Scheme, len: usize) -> Result<(), Error> {
    let (least, expected) = match scheme {
        Scheme::Kwp => (16, "a multiple of 8 bytes, at least 16"),
        _ => (24, "a multiple of 8 bytes, at least 24"),
    };
    if len >= least && len.is_multiple_of(8) {
        return Ok(());
    }
    Err(Error::Length { scheme: scheme.name(), len, expected })
}

fn open_password<'t>(token: &'t Token, key: &'t PasswordKey, bytes: &'t [u8]) -> Result<Opening<'t>, Error> {
    let (kind, number) = password_cipher(key.cipher);
    let object = token.create(&given(kind, key.key.clone(), Rights { unwrap: true, ..Rights::default() }))?;
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
    let opened = opening.unwrap(&secret(SymmetricAlgorithm::Aes, rights)).map_err(|error| match error {
        Error::Token(source) if source.ckr().is_some_and(is_about_the_data) => {
            Error::Unwrap { tried: format!("its AES key by RSA-OAEP with {}", names(hashes)), source }
        }
        other => other,
    })?;
    Ok(Temporary::new(token, opened))
}

fn names(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| hash.name()).collect::<Vec<_>>().join(", ")
}

/// A wrapped key that can be unwrapped, several times if need be.
pub(crate) struct Opening<'t> {
    token: &'t Token,
    scheme: Scheme,
    kek: Handle,
    /// Each in turn, until one opens it.
    mechanisms: Vec<Mechanism<'t>>,
    bytes: &'t [u8],
    /// The key that `kek` is, where it lives for this opening only.
    _held: Option<Temporary<'t>>,
    /// Whether all that can be wrong is one error.
    conceals: bool,
}

impl<'t> Opening<'t> {
    pub(super) fn new(
        token: &'t Token,
        scheme: Scheme,
        kek: Handle,
        mechanisms: Vec<Mechanism<'t>>,
        bytes: &'t [u8],
    ) -> Self {
        Self { token, scheme, kek, mechanisms, bytes, _held: None, conceals: false }
    }

    /// With the key that opens it, which nobody else keeps.
    pub(super) fn holding(self, key: Temporary<'t>) -> Self {
        Self { _held: Some(key), ..self }
    }
}

impl Opening<'_> {
    /// Unwraps into an object.
    ///
    /// # Errors
    /// [`Error`] as the token answers; a mechanism or a parameter that it does not have is named.
    pub(crate) fn unwrap(&self, template: &Template) -> Result<Handle, Error> {
        self.try_unwrap(template).map_err(|error| self.say(error))
    }

    fn say(&self, error: Error) -> Error {
        if self.conceals { concealed(error) } else { error }
    }

    fn try_unwrap(&self, template: &Template) -> Result<Handle, Error> {
        let mut first = None;
        for mechanism in &self.mechanisms {
            match self.token.unwrap_key(mechanism, self.kek, self.bytes, template) {
                Ok(object) => return Ok(object),
                Err(error) => {
                    let goes_on = error.ckr().is_some_and(|ckr| may_be_another_kind(ckr) || refuses_parameters(ckr));
                    let error = not_had(self.token, self.scheme, mechanism, error);
                    if !goes_on {
                        return Err(error);
                    }
                    // That a hash is not to be had says less than that the data is wrong.
                    if first.as_ref().is_none_or(|first| matches!(first, Error::Oaep { .. })) {
                        first = Some(error);
                    }
                }
            }
        }
        Err(first.unwrap_or_else(|| Error::Unsuitable { scheme: self.scheme.name(), key: "a key without a mechanism" }))
    }

    /// Unwraps a PKCS#8 whose kind is not known: `shell` makes the template for each kind in turn. Only session objects are ever tried.
    ///
    /// # Errors
    /// [`Error::Unwrap`] with what the token said to the first try.
    pub(crate) fn unwrap_private(
        &self,
        kinds: &[PrivateKind],
        shell: impl Fn(PrivateKind) -> Template,
    ) -> Result<(PrivateKind, Handle), Error> {
        self.try_private(kinds, shell).map_err(|error| self.say(error))
    }

    fn try_private(
        &self,
        kinds: &[PrivateKind],
        shell: impl Fn(PrivateKind) -> Template,
    ) -> Result<(PrivateKind, Handle), Error> {
        let mut first: Option<token::Error> = None;
        for kind in kinds {
            match self.try_unwrap(&shell(*kind)) {
                Ok(object) => return Ok((*kind, object)),
                Err(Error::Token(error)) if error.ckr().is_some_and(may_be_another_kind) => {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let tried = kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(", ");
        match first {
            Some(source) => Err(Error::Unwrap { tried: format!("tried as {tried}"), source }),
            None => Err(Error::Unsuitable { scheme: self.scheme.name(), key: "a key of no kind" }),
        }
    }

    /// Whether the token takes what is wrapped for a private key.
    ///
    /// # Errors
    /// As the token answers, if not about what is wrapped.
    pub(crate) fn holds_private(&self) -> Result<bool, Error> {
        let shell = |kind| temporary::private(kind, ExportPolicy::NONE);
        match self.try_private(&[PrivateKind::Rsa, PrivateKind::Ec, PrivateKind::Montgomery], shell) {
            Ok((_, object)) => return self.token.destroy(object).map(|()| true).map_err(Error::from),
            Err(Error::Unwrap { .. }) => {}
            Err(error) => return Err(self.say(error)),
        }
        // Of kinds that a token may not have, the error says nothing.
        for template in foreign_private() {
            if let Ok(object) = self.try_unwrap(&template) {
                drop(Temporary::new(self.token, object));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The wrapped private key as an object that leaves wrapped, and does nothing else.
    ///
    /// # Errors
    /// As [`Opening::unwrap_private`].
    pub(crate) fn private_passenger(&self, kinds: &[PrivateKind]) -> Result<Temporary<'_>, Error> {
        let (_, object) = self.unwrap_private(kinds, |kind| temporary::private(kind, ExportPolicy::ENCRYPTED))?;
        Ok(Temporary::new(self.token, object))
    }

    /// The scheme and, of RSA-OAEP, the hashes that are tried, for messages.
    pub(crate) fn describe(&self) -> String {
        let hash = |mechanism: &Mechanism<'_>| match mechanism {
            Mechanism::Oaep { hash, .. } | Mechanism::RsaAes { hash, .. } => Some(*hash),
            _ => None,
        };
        let hashes: Vec<Hash> = self.mechanisms.iter().filter_map(hash).collect();
        if hashes.is_empty() {
            self.scheme.name().to_owned()
        } else {
            format!("{} with {}", self.scheme.name(), names(&hashes))
        }
    }

    /// Bits of the wrapped symmetric key, where its size can be known: some tokens forget how long a key is that they unwrapped, and what wrapping it once more
    /// shows may be up to seven bytes too many. A size that the algorithm does not have is refused: some tokens unwrap bytes of any number as an AES key.
    ///
    /// # Errors
    /// [`Error::Length`], and as the token answers.
    pub(crate) fn secret_bits(&self, algorithm: SymmetricAlgorithm) -> Result<Option<u32>, Error> {
        let key = self.passenger(algorithm)?;
        let (len, is_exact) = secret_len(self.token, key.handle, algorithm)?;
        let shortest = if is_exact { len } else { len.saturating_sub(7) };
        if !(shortest..=len).any(|len| algorithm.accepts(len)) {
            let expected = "the key inside has a size that the algorithm does not have";
            return Err(self.say(Error::Length { scheme: self.scheme.name(), len, expected }));
        }
        Ok(u32::try_from(len * 8).ok().filter(|_| is_exact))
    }

    /// The wrapped symmetric key as an object that leaves wrapped, and does nothing else.
    pub(crate) fn passenger(&self, algorithm: SymmetricAlgorithm) -> Result<Temporary<'_>, Error> {
        let handle = self.unwrap(&secret(algorithm, Rights { extractable: true, ..Rights::default() }))?;
        Ok(Temporary::new(self.token, handle))
    }
}

/// Bytes of a symmetric key that may leave wrapped, as the token tells, or by wrapping it under a key that nobody keeps; and whether that is exact.
pub(crate) fn secret_len(token: &Token, key: Handle, algorithm: SymmetricAlgorithm) -> Result<(usize, bool), Error> {
    if let Some(bits) = token.read(key)?.secret_bits {
        return Ok((bits as usize / 8, true));
    }
    let ephemeral = Ephemeral::generate(token)?;
    match ephemeral.wrap(Scheme::Kw, key, MAX_COMPARED) {
        Ok(wrapped) => {
            let is_exact = !token.profile().zero_pads || algorithm != SymmetricAlgorithm::Hmac;
            Ok((wrapped.len().saturating_sub(8), is_exact))
        }
        // Too short for RFC 3394, or no whole number of blocks.
        Err(Error::DoesNotFit { .. }) => {
            Ok((ephemeral.wrap(Scheme::Kwp, key, MAX_COMPARED)?.len().saturating_sub(8), false))
        }
        Err(error) => Err(error),
    }
}

/// Which of the keys on the token are the one that was unwrapped, by their places: each is wrapped under a key that nobody keeps, and RFC 5649 makes the same of
/// the same. One that may not be wrapped is none of them, as far as can be told.
pub(crate) fn same_keys(token: &Token, unwrapped: Handle, held: &[Handle]) -> Result<Vec<usize>, Error> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let ephemeral = Ephemeral::generate(token)?;
    let image = ephemeral.wrap(Scheme::Kwp, unwrapped, MAX_COMPARED)?;
    let mut same = Vec::new();
    for (at, handle) in held.iter().enumerate() {
        match ephemeral.wrap(Scheme::Kwp, *handle, MAX_COMPARED) {
            Ok(other) if other == image => same.push(at),
            Ok(_) => {}
            Err(error) if error.ckr().is_some_and(stays) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(same)
}

/// Return values of a key that may not be wrapped so, or that another program has deleted.
fn stays(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::KEY_UNEXTRACTABLE | Ckr::KEY_NOT_WRAPPABLE | Ckr::KEY_HANDLE_INVALID | Ckr::OBJECT_HANDLE_INVALID
    )
}

/// Room for a symmetric key, or an elliptic private key, under KWP; what is longer takes one more call.
const MAX_COMPARED: usize = 512;
