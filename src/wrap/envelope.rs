//! CMS EnvelopedData on the token (RFC 5652 §6): the key under a fresh content key, that under the RSA key of each recipient.
//!
//! Written: the content is a PKCS#8 `PrivateKeyInfo`, or a bare symmetric key, of content type id-data, in AES-CBC where the token wraps so, else in
//! AES key wrap with padding (RFC 5649 §5, RFC 5959), which is a content encryption too; the content key by RSAES-OAEP (RFC 3560). Read: the
//! same, and triple DES, and RSAES-PKCS1-v1_5, which the token takes off. The structure is [`asn1::cms`](crate::asn1::cms)'s.
//!
//! What a token cannot unwrap it may decrypt ([`decrypt`]): the content is in the clear on the host then, as it has to be where it is no PKCS#8 but a CNG blob.

use super::error::Error;
use super::open::{concealed, password_cipher};
use super::opening::Opening;
use super::seal::{Ephemeral, missing};
use super::temporary::Temporary;
use super::{Kek, Scheme, usual_hash};
use crate::asn1;
use crate::asn1::cms::{Content, ContentCipher, EnvelopedData, OtherRecipients, Recipient, RecipientId, Transport};
use crate::key::SymmetricAlgorithm;
use crate::key::rsa::Hash;
use crate::secret::SecretBytes;
use crate::template::Template;
use crate::template::shape;
use crate::template::temporary::{Rights, secret};
use crate::token::mechanism::{CKM_RSA_PKCS, Mechanism};
use crate::token::{Handle, Token, refusal};

const WHAT: &str = "PKCS7_ENVELOPE";

/// Wraps a key for several recipients.
///
/// # Errors
/// [`Error`] as the token answers; a mechanism or a parameter that it does not have is named.
pub(crate) fn seal(
    token: &Token,
    to: &[(Kek, RecipientId)],
    cipher: ContentCipher,
    hash: Option<Hash>,
    key: Handle,
    capacity: usize,
) -> Result<(Vec<u8>, Hash), Error> {
    let hash = hash.unwrap_or_else(|| usual_hash(token.profile()));
    let content_key = Ephemeral::generate_for(token, cipher)?;
    let (iv, encrypted) = match cipher {
        ContentCipher::Cbc(cipher) => content_key.wrap_cbc(password_cipher(cipher).1, key, capacity)?,
        _ => (Vec::new(), content_key.wrap(Scheme::Kwp, key, capacity)?),
    };
    let content = Content { cipher, iv, encrypted };
    let recipient = |(kek, id): &(Kek, RecipientId)| {
        let encrypted_key = content_key.wrapped_under(*kek, hash, &[])?;
        Ok(Recipient { id: id.clone(), transport: Transport::oaep(hash), encrypted_key })
    };
    let recipients = to.iter().map(recipient).collect::<Result<_, Error>>()?;
    let data = EnvelopedData {
        recipients,
        others: OtherRecipients::default(),
        content_type: EnvelopedData::DATA.to_owned(),
        content,
    };
    Ok((data.to_der().map_err(container)?, hash))
}

/// Opens the content key, so that the content can be unwrapped.
///
/// # Errors
/// [`Error`] as the token answers; what it cannot do is named.
pub(super) fn open<'t>(
    token: &'t Token,
    kek: Kek,
    recipients: &[Recipient],
    content: &'t Content,
) -> Result<Opening<'t>, Error> {
    let (kind, scheme, mechanism) = content_mechanism(token, content);
    let content_key = open_content_key(token, kek, recipients, &content_key_of(token, content, kind, Rights::UNWRAP))?;
    let bytes = &content.encrypted;
    Ok(Opening::new(token, scheme, content_key.handle, vec![mechanism], bytes).holding(content_key))
}

/// What unwraps the content: the type of its key, the scheme, the mechanism.
pub(super) fn content_mechanism<'c>(
    token: &Token,
    content: &'c Content,
) -> (SymmetricAlgorithm, Scheme, Mechanism<'c>) {
    match content.cipher {
        ContentCipher::Cbc(cipher) => {
            let (kind, number) = password_cipher(cipher);
            (kind, Scheme::CbcPad, Mechanism::Cbc { number, iv: &content.iv })
        }
        ContentCipher::Aes128WrapPad | ContentCipher::Aes192WrapPad | ContentCipher::Aes256WrapPad => {
            let kwp = Scheme::Kwp.mechanism(token.profile());
            (SymmetricAlgorithm::Aes, Scheme::Kwp, Mechanism::Plain(kwp))
        }
    }
}

/// Decrypts the content on the token. It is in the clear on this host then.
///
/// # Errors
/// [`Error`] as the token answers; a content that only unwrapping opens is named.
pub(crate) fn decrypt(
    token: &Token,
    kek: Kek,
    recipients: &[Recipient],
    content: &Content,
) -> Result<SecretBytes, Error> {
    let ContentCipher::Cbc(cipher) = content.cipher else {
        let problem = format!("the token does not unwrap its content, which is under {}", content.cipher.name());
        return Err(Error::Container { what: WHAT, problem });
    };
    let (kind, number) = password_cipher(cipher);
    if !token.lists_mechanism(number)? {
        return Err(missing(token, Scheme::CbcPad, number));
    }
    let template = content_key_of(token, content, kind, Rights { decrypt: true, ..Rights::default() });
    let content_key = open_content_key(token, kek, recipients, &template).map_err(concealed)?;
    let mechanism = Mechanism::Cbc { number, iv: &content.iv };
    let plain = token.decrypt(&mechanism, content_key.handle, &content.encrypted, content.encrypted.len());
    plain.map_err(|error| concealed(Error::Token(error)))
}

/// Opens an AES key that is encrypted under an RSA key, for unwrapping with it.
pub(super) fn open_aes<'t>(
    token: &'t Token,
    kek: Kek,
    transport: &Transport,
    encrypted_key: &[u8],
) -> Result<Temporary<'t>, Error> {
    let recipient = Recipient {
        id: RecipientId::KeyId(Vec::new()),
        transport: transport.clone(),
        encrypted_key: encrypted_key.to_vec(),
    };
    open_content_key(token, kek, &[recipient], &secret(SymmetricAlgorithm::Aes, Rights::UNWRAP))
}

/// The template of a content key.
fn content_key_of(token: &Token, content: &Content, kind: SymmetricAlgorithm, rights: Rights) -> Template {
    let bits = u32::try_from(content.cipher.key_length() * 8).ok();
    shape::with_length(secret(kind, rights), bits, token.profile())
}

/// Opens the content key with whichever of the recipients it is.
fn open_content_key<'t>(
    token: &'t Token,
    kek: Kek,
    recipients: &[Recipient],
    template: &Template,
) -> Result<Temporary<'t>, Error> {
    // What the token could not open says more than what it could not try, in whichever order they stand: a forger's second recipient must not tell of the first.
    let (mut refused, mut untried) = (None, None);
    for recipient in recipients {
        let unread = |problem: String| Error::Container { what: WHAT, problem };
        let mechanism = match &recipient.transport {
            Transport::Pkcs1 => Mechanism::Plain(CKM_RSA_PKCS),
            Transport::Oaep { hash, mgf1, label } if hash == mgf1 => Mechanism::Oaep { hash: *hash, label },
            Transport::Oaep { .. } => {
                untried.get_or_insert_with(|| unread("its OAEP has another hash in MGF1".to_owned()));
                continue;
            }
            Transport::Unknown(name) => {
                untried.get_or_insert_with(|| unread(format!("its content key is encrypted by {name}")));
                continue;
            }
        };
        let opening = Opening::new(token, Scheme::RsaOaep, kek.object, vec![mechanism], &recipient.encrypted_key);
        match opening.unwrap(template) {
            Ok(opened) => return Ok(Temporary::new(token, opened)),
            Err(Error::Token(source)) if source.ckr().is_none_or(refusal::is_about_session) => {
                return Err(Error::Token(source));
            }
            Err(Error::Token(source)) => {
                refused.get_or_insert_with(|| Error::Unwrap { tried: "its content key".to_owned(), source });
            }
            Err(error) => {
                untried.get_or_insert(error);
            }
        }
    }
    let none = || Error::Container { what: WHAT, problem: "it is not for this key".to_owned() };
    Err(refused.or(untried).unwrap_or_else(none))
}

fn container(error: asn1::Error) -> Error {
    Error::Container { what: WHAT, problem: error.to_string() }
}
