//! CMS EnvelopedData (RFC 5652 §6): content under a fresh key, and that key under the RSA key of each recipient. What CNG calls `PKCS7_ENVELOPE`.
//!
//! Owns the structure both ways ([`decode`], [`EnvelopedData::to_der`]) and its software side ([`seal`], [`open`]). Where the recipient's key is on a
//! token, [`EnvelopedData::recipients_for`] and [`Content::decrypt`] are the two halves around the token's own decryption.
//!
//! | | read | written |
//! |---|---|---|
//! | ContentInfo around it (RFC 5652 §3) | with and without | with |
//! | BER, strings in pieces | yes; offsets in errors then count in the DER that it became | no |
//! | KeyTransRecipientInfo (§6.2.1), by issuer and serial number or by key identifier | yes | yes |
//! | other RecipientInfos (§6.2.2 – §6.2.5) | counted | no |
//! | rsaEncryption (RFC 3370 §4.2.1), id-RSAES-OAEP (RFC 3560) with SHA-1, -256, -384, -512 | yes | yes |
//! | … in software | OAEP with one hash function | both |
//! | AES (RFC 3565) and triple DES (RFC 3370 §5.1) in CBC mode | yes | yes |
//! | AES key wrap with padding around the content (RFC 5649 §5, RFC 5959) | yes | yes |
//! | originatorInfo, unprotectedAttrs | passed over | no |
//! | content type | any | id-data |
//!
//! A recipient whose key transport is not known is read with the name of what it is: the message may be for another. PKCS#1 v1.5 is not *decrypted*
//! in software: that its padding is right or wrong shows in the time it takes, which gives the key away to whoever may ask often enough (RFC 8017
//! §7.2). Whatever does not open is one error, [`Error::Envelope`], for the same reason. Nothing here is authenticated: CBC mode is not, and anyone can make an
//! EnvelopedData.

mod cipher;
mod identity;
mod read;
mod seal;
mod transport;
mod write;

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Sequence, Tag};

pub use self::cipher::ContentCipher;
pub use self::identity::{Identity, RecipientId};
pub use self::read::{MAX_RECIPIENTS, decode};
pub(crate) use self::read::{has_content_info, in_pem, is_enveloped, to_der};
pub use self::seal::{open, seal};
pub use self::transport::Transport;
use super::Error;
use crate::secret::SecretBytes;

const WHAT: &str = "EnvelopedData";

pub(super) const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// RFC 5652 §4, §6.1. PKCS#12 is made of the same.
pub(super) const DATA: ObjectIdentifier = oid(EnvelopedData::DATA);
pub(super) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");

/// RFC 5652 §3.
#[derive(Sequence)]
pub(super) struct ContentInfo<'a> {
    pub(super) kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: AnyRef<'a>,
}

/// `[0] IMPLICIT OCTET STRING`.
pub(super) const IMPLICIT_OCTETS: Tag = super::context(0, false);

/// RFC 5652 §6.2.1.
#[derive(Sequence)]
struct KeyTransRecipientInfo<'a> {
    version: u8,
    /// A CHOICE: IssuerAndSerialNumber, or [0] IMPLICIT SubjectKeyIdentifier.
    id: AnyRef<'a>,
    algorithm: ::spki::AlgorithmIdentifierRef<'a>,
    encrypted_key: &'a OctetStringRef,
}

/// RFC 5652 §6.1.
#[derive(Sequence)]
pub(super) struct EncryptedContentInfo<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) algorithm: ::spki::AlgorithmIdentifierRef<'a>,
    /// `[0] IMPLICIT OCTET STRING`, in BER also in pieces.
    pub(super) content: Option<AnyRef<'a>>,
}

/// An EnvelopedData.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopedData {
    /// For whom it is, as far as the content key is under an RSA key; in the order of the file.
    pub recipients: Vec<Recipient>,
    /// For whom else it is.
    pub others: OtherRecipients,
    /// What the content is: an OID, that of id-data if nothing is known of it.
    pub content_type: String,
    /// The encrypted content.
    pub content: Content,
}

/// A recipient whose RSA key opens it (`KeyTransRecipientInfo`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recipient {
    /// Who it is.
    pub id: RecipientId,
    /// How the content key is encrypted.
    pub transport: Transport,
    /// The encrypted content key.
    pub encrypted_key: Vec<u8>,
}

/// How many recipients there are of the kinds that are not read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct OtherRecipients {
    /// By key agreement, as with elliptic-curve keys (`kari`).
    pub key_agreement: usize,
    /// By a symmetric key that both sides have (`kekri`).
    pub shared_key: usize,
    /// By a password (`pwri`).
    pub password: usize,
    /// By something else, such as a key encapsulation (`ori`).
    pub other: usize,
}

impl OtherRecipients {
    /// All of them.
    pub fn count(self) -> usize {
        self.key_agreement + self.shared_key + self.password + self.other
    }
}

/// What is encrypted, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Content {
    /// The cipher.
    pub cipher: ContentCipher,
    /// The IV: a block, or nothing for a cipher that has none.
    pub iv: Vec<u8>,
    /// The ciphertext.
    pub encrypted: Vec<u8>,
}

impl Content {
    /// Decrypts under the content key, which a token may have decrypted.
    ///
    /// # Errors
    /// [`Error::Envelope`], whatever is wrong: the key, its length, the padding.
    pub fn decrypt(&self, key: &[u8]) -> Result<SecretBytes, Error> {
        self.cipher.decrypt(key, &self.iv, &self.encrypted)
    }
}

impl EnvelopedData {
    /// The content type `id-data`: nothing is said of the content.
    pub const DATA: &str = "1.2.840.113549.1.7.1";

    /// The recipients that someone is.
    ///
    /// # Errors
    /// [`Error::Recipient`] if there is none.
    pub fn recipients_for(&self, identity: &Identity) -> Result<Vec<&Recipient>, Error> {
        let found: Vec<_> = self.recipients.iter().filter(|recipient| recipient.is_for(identity)).collect();
        if found.is_empty() {
            return Err(Error::Recipient { read: self.recipients.len(), others: self.others.count() });
        }
        Ok(found)
    }
}

impl Recipient {
    /// Whether this is it.
    pub fn is_for(&self, identity: &Identity) -> bool {
        identity.is(&self.id)
    }
}
