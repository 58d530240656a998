//! The software side: for whom the RSA keys are at hand, the public ones to seal, a private one to open.

use super::{Content, ContentCipher, EnvelopedData, Identity, OtherRecipients, Recipient, RecipientId, Transport};
use crate::asn1::Error;
use crate::key::rsa;
use crate::secret::SecretBytes;

/// Encrypts for recipients, each by what it is named and its public key, under a fresh content key and IV.
///
/// # Errors
/// [`Error::Invalid`] without a recipient, for a key that is too short for a content key, and for content that the cipher does not take;
/// [`Error::Encryption`] for a key transport that is not there in software; [`Error::Random`].
pub fn seal(
    content: &[u8],
    recipients: &[(RecipientId, &rsa::PublicKey)],
    cipher: ContentCipher,
    transport: &Transport,
) -> Result<Vec<u8>, Error> {
    let (key, iv) = (cipher.fresh_key()?, cipher.fresh_iv()?);
    let recipient = |(id, public): &(RecipientId, &rsa::PublicKey)| {
        let encrypted_key = transport.encrypt(public, &key)?;
        Ok(Recipient { id: id.clone(), transport: transport.clone(), encrypted_key })
    };
    let recipients = recipients.iter().map(recipient).collect::<Result<_, Error>>()?;
    let encrypted = cipher.encrypt(&key, &iv, content)?;
    let data = EnvelopedData {
        recipients,
        others: OtherRecipients::default(),
        content_type: EnvelopedData::DATA.to_owned(),
        content: Content { cipher, iv, encrypted },
    };
    data.to_der()
}

/// Decrypts with the RSA key of one recipient.
///
/// # Errors
/// As [`decode`](super::decode); [`Error::Recipient`] if it is for someone else; [`Error::Unsupported`] for a content key under PKCS#1 v1.5, which is not
/// decrypted in software; [`Error::Envelope`] if the key does not open it.
pub fn open(der: &[u8], key: &rsa::PrivateKey, identity: &Identity) -> Result<SecretBytes, Error> {
    let data = super::decode(der)?;
    let mut outcome = Err(Error::Envelope);
    // The same recipient can be there twice, by another name or for a key that it no longer has.
    for recipient in data.recipients_for(identity)? {
        let opened = recipient.transport.decrypt(key, &recipient.encrypted_key);
        outcome = opened.and_then(|content_key| data.content.decrypt(&content_key));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}
