//! `OpaqueTransport`: a key on its way from one machine to another, with its name, export policy, usage, CKA_ID, certificates and public half, all
//! bound to it by a message authentication code. CNG leaves this blob type to each provider; this one is specified in `docs/opaque-transport.md`.
//!
//! ```text
//! OpaqueTransport ::= SEQUENCE {
//!     info          TransportInfo,
//!     mac           OCTET STRING (SIZE(32)) }         -- HMAC-SHA-256 over the DER of info
//!
//! TransportInfo ::= SEQUENCE {
//!     magic         UTF8String ("cng11 OpaqueTransport"),
//!     version       INTEGER { v1(1) },
//!     name          UTF8String,                       -- the key's name, 1 to 512 UTF-16 units
//!     exportPolicy  INTEGER,                          -- 1, or 3: the property Export Policy
//!     keyUsage      INTEGER,                          -- the property Key Usage: 1, 2, 4, 8 or a sum of them
//!     id            OCTET STRING (SIZE(1..200)),      -- CKA_ID
//!     subject       CHOICE {
//!         private   [0] EXPLICIT SubjectPublicKeyInfo,
//!         secret    [1] IMPLICIT SEQUENCE { algorithm UTF8String, bits INTEGER } },
//!     certificates  SEQUENCE OF Certificate,          -- the key's own first; none with secret
//!     recipients    SEQUENCE (SIZE(1..MAX)) OF CHOICE {
//!         rsa       [0] IMPLICIT SEQUENCE {
//!             keyId     OCTET STRING (SIZE(20)),      -- SHA-1 of subjectPublicKey, RFC 5280 4.2.1.2 method 1
//!             oaepHash  UTF8String,                   -- SHA1, SHA256, SHA384 or SHA512; MGF1 the same, no label
//!             key       OCTET STRING },               -- RSAES-OAEP of the transport key
//!         aes       [1] IMPLICIT OCTET STRING (SIZE(40)) }, -- RFC 3394 of the transport key
//!     macKey        OCTET STRING (SIZE(40)),          -- RFC 3394 of the 32-byte MAC key under the transport key
//!     key           OCTET STRING }                    -- RFC 5649 of the key under the transport key
//! ```
//!
//! Owns the structure, both ways: strict DER, so that there is one encoding for what is said, and no byte that is not under the code. Opens nothing: that is
//! [`wrap::transport`](crate::wrap)'s. What it says is to be believed only once the code is right.

use der::asn1::{AnyRef, OctetStringRef, Utf8StringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};

use super::{Error, context, spki};
use crate::key::identity::{MAX_ID, MAX_NAME};
use crate::key::rsa::Hash;
use crate::key::{ExportPolicy, KeyUsage, PublicKey, SymmetricAlgorithm, Validation};
use crate::wide;

const WHAT: &str = "OpaqueTransport";
const MAGIC: &str = "cng11 OpaqueTransport";
const VERSION: u8 = 1;

/// Bytes of the code.
pub const MAC_LEN: usize = 32;
/// Bytes of a key of 32 bytes under RFC 3394: the MAC key, and the transport key for an AES recipient.
pub const WRAPPED_LEN: usize = 40;
/// More recipients than anyone moves a key to.
pub const MAX_RECIPIENTS: usize = 100;
/// More certificates than a chain has.
pub const MAX_CERTIFICATES: usize = 20;

/// What is said of a key that travels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransportInfo {
    /// The key's name.
    pub name: String,
    /// In which form it may leave.
    pub policy: ExportPolicy,
    /// What it may do.
    pub usage: KeyUsage,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// What it is.
    pub subject: Subject,
    /// Its certificate and those above it, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// Who can open it.
    pub recipients: Vec<Recipient>,
    /// The key of the code, by RFC 3394 under the transport key.
    pub mac_key: Vec<u8>,
    /// The key, by RFC 5649 under the transport key.
    pub key: Vec<u8>,
}

/// What a key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// A private key with this public half.
    Private(PublicKey),
    /// A symmetric key.
    Secret {
        /// Of which algorithm.
        algorithm: SymmetricAlgorithm,
        /// Its size.
        bits: u32,
    },
}

/// Who can open it: the transport key under one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Recipient {
    /// Under an AES key that both sides have.
    Aes(Vec<u8>),
    /// Under an RSA key.
    Rsa {
        /// The identifier of the RSA key.
        key_id: [u8; 20],
        /// The hash of OAEP.
        hash: Hash,
        /// The wrapped transport key.
        key: Vec<u8>,
    },
}

/// An `OpaqueTransport`, taken apart: nothing of it is proven yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transport {
    /// What it says.
    pub info: TransportInfo,
    /// The DER of that, which the code is over.
    pub signed: Vec<u8>,
    /// The code.
    pub mac: [u8; MAC_LEN],
}

#[derive(Sequence)]
struct Outer<'a> {
    info: AnyRef<'a>,
    mac: &'a OctetStringRef,
}

#[derive(Sequence)]
struct Info<'a> {
    magic: Utf8StringRef<'a>,
    version: u8,
    name: Utf8StringRef<'a>,
    policy: u32,
    usage: u32,
    id: &'a OctetStringRef,
    subject: AnyRef<'a>,
    certificates: AnyRef<'a>,
    recipients: AnyRef<'a>,
    mac_key: &'a OctetStringRef,
    key: &'a OctetStringRef,
}

#[derive(Sequence)]
struct SecretSubject<'a> {
    algorithm: Utf8StringRef<'a>,
    bits: u32,
}

#[derive(Sequence)]
struct RsaRecipient<'a> {
    key_id: &'a OctetStringRef,
    hash: Utf8StringRef<'a>,
    key: &'a OctetStringRef,
}

fn invalid(problem: &'static str) -> Error {
    Error::Invalid { what: WHAT, problem }
}

fn malformed(error: der::Error) -> Error {
    Error::from((WHAT, error))
}

/// Whether bytes begin as an `OpaqueTransport` does.
pub fn is_transport(bytes: &[u8]) -> bool {
    let magic = || {
        let mut reader = SliceReader::new(bytes).ok()?;
        // Into the outer SEQUENCE, and into info.
        for _ in 0..2 {
            der::Header::decode(&mut reader).ok().filter(|header| header.tag() == Tag::Sequence)?;
        }
        Utf8StringRef::decode(&mut reader).ok()
    };
    magic().is_some_and(|magic| magic.as_str() == MAGIC)
}

/// Takes an `OpaqueTransport` apart.
///
/// # Errors
/// [`Error`] for anything that is not exactly the structure, and for a version that is not known.
pub fn decode(bytes: &[u8]) -> Result<Transport, Error> {
    let outer: Outer<'_> = super::decode(WHAT, bytes)?;
    let mac = outer.mac.as_bytes().try_into().map_err(|_| invalid("the code does not have 32 bytes"))?;
    let info: Info<'_> = outer.info.decode_as().map_err(malformed)?;
    if info.magic.as_str() != MAGIC {
        return Err(invalid("it is another provider's"));
    }
    if info.version != VERSION {
        return Err(invalid("its version is not known: a later cng11 wrote it"));
    }
    let policy = ExportPolicy::from_bits(info.policy);
    if policy != ExportPolicy::ENCRYPTED && policy != ExportPolicy::ANY {
        return Err(invalid("its export policy is none under which a key travels"));
    }
    let known = KeyUsage::DECRYPT | KeyUsage::SIGN | KeyUsage::AGREE | KeyUsage::WRAP;
    let usage = KeyUsage::from_bits(info.usage);
    if usage.is_empty() || !known.contains(usage) {
        return Err(invalid("its usage is none, or not known"));
    }
    let info_read = TransportInfo {
        name: info.name.as_str().to_owned(),
        policy,
        usage,
        id: info.id.as_bytes().to_vec(),
        subject: read_subject(info.subject)?,
        certificates: read_list(info.certificates, MAX_CERTIFICATES, read_certificate)?,
        recipients: read_list(info.recipients, MAX_RECIPIENTS, read_recipient)?,
        mac_key: info.mac_key.as_bytes().to_vec(),
        key: info.key.as_bytes().to_vec(),
    };
    let signed = outer.info.to_der().map_err(malformed)?;
    // There is one way to say it. What is read and would be written otherwise is not what was sent.
    if info_read.to_der()? != signed {
        return Err(invalid("it is not written as it must be"));
    }
    Ok(Transport { info: info_read, signed, mac })
}

/// The whole, of the DER of an info and the code over it.
///
/// # Errors
/// [`Error`] if they are too long for DER.
pub fn encode(signed: &[u8], mac: &[u8; MAC_LEN]) -> Result<Vec<u8>, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let info = AnyRef::from_der(signed).map_err(wrong)?;
    Outer { info, mac: OctetStringRef::new(mac).map_err(wrong)? }.to_der().map_err(wrong)
}

impl TransportInfo {
    /// What the types of the fields do not say.
    fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_NAME).contains(&wide::units(&self.name)) || self.name.contains('\0') {
            return Err(invalid("its name does not have 1 to 512 UTF-16 units, or there is a NUL in it"));
        }
        if !(1..=MAX_ID).contains(&self.id.len()) {
            return Err(invalid("its identifier does not have 1 to 200 bytes"));
        }
        if self.recipients.is_empty() {
            return Err(invalid("it has no recipient"));
        }
        if self.recipients.len() > MAX_RECIPIENTS || self.certificates.len() > MAX_CERTIFICATES {
            return Err(invalid("it has too many recipients or certificates"));
        }
        if self.mac_key.len() != WRAPPED_LEN {
            return Err(invalid("its wrapped MAC key does not have 40 bytes"));
        }
        let fits = match &self.subject {
            // RFC 5649 makes whole blocks of eight bytes, and one more.
            Subject::Private(_) => self.key.len() >= 16 && self.key.len().is_multiple_of(8),
            Subject::Secret { bits, .. } => self.key.len() == (*bits as usize / 8).next_multiple_of(8) + 8,
        };
        if !fits {
            return Err(invalid("its wrapped key does not have the length of what it says it is"));
        }
        if matches!(self.subject, Subject::Secret { .. }) && !self.certificates.is_empty() {
            return Err(invalid("it has a certificate for a symmetric key"));
        }
        Ok(())
    }

    /// The DER that the code is over.
    ///
    /// # Errors
    /// [`Error`] for what no `OpaqueTransport` says, what is too long for DER, and a public key that cannot be written.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let subject = match &self.subject {
            Subject::Private(public) => spki::encode(public)?,
            Subject::Secret { .. } => Vec::new(),
        };
        self.write(&subject).map_err(|error| Error::encoding(WHAT, error))
    }

    fn write(&self, spki: &[u8]) -> der::Result<Vec<u8>> {
        let (constructed, subject) = match &self.subject {
            Subject::Private(_) => (context(0, true), spki.to_vec()),
            Subject::Secret { algorithm, bits } => {
                let subject = SecretSubject { algorithm: Utf8StringRef::new(algorithm.name())?, bits: *bits };
                (context(1, true), content(&subject.to_der()?)?)
            }
        };
        let recipients = self.recipients.iter().map(write_recipient).collect::<der::Result<Vec<_>>>()?.concat();
        let certificates = self.certificates.concat();
        Info {
            magic: Utf8StringRef::new(MAGIC)?,
            version: VERSION,
            name: Utf8StringRef::new(&self.name)?,
            policy: self.policy.bits(),
            usage: self.usage.bits(),
            id: OctetStringRef::new(&self.id)?,
            subject: AnyRef::new(constructed, &subject)?,
            certificates: AnyRef::new(Tag::Sequence, &certificates)?,
            recipients: AnyRef::new(Tag::Sequence, &recipients)?,
            mac_key: OctetStringRef::new(&self.mac_key)?,
            key: OctetStringRef::new(&self.key)?,
        }
        .to_der()
    }
}

fn read_subject(subject: AnyRef<'_>) -> Result<Subject, Error> {
    match subject.tag() {
        found if found == context(0, true) => Ok(Subject::Private(spki::decode(subject.value(), Validation::Full)?)),
        found if found == context(1, true) => {
            let read: SecretSubject<'_> =
                AnyRef::new(Tag::Sequence, subject.value()).and_then(|any| any.decode_as()).map_err(malformed)?;
            let known = |algorithm: &&SymmetricAlgorithm| algorithm.name() == read.algorithm.as_str();
            let algorithm = *SymmetricAlgorithm::ALL
                .iter()
                .find(known)
                .ok_or_else(|| invalid("its symmetric algorithm is not known"))?;
            if !read.bits.is_multiple_of(8) || !algorithm.accepts(read.bits as usize / 8) {
                return Err(invalid("its key has a size that the algorithm does not have"));
            }
            Ok(Subject::Secret { algorithm, bits: read.bits })
        }
        _ => Err(invalid("it does not say what kind of key it holds")),
    }
}

fn read_list<T>(list: AnyRef<'_>, most: usize, read: impl Fn(AnyRef<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    if list.tag() != Tag::Sequence {
        return Err(invalid("a list in it is no SEQUENCE"));
    }
    let mut reader = SliceReader::new(list.value()).map_err(malformed)?;
    let mut items = Vec::new();
    while !reader.is_finished() {
        if items.len() == most {
            return Err(invalid("it has too many recipients or certificates"));
        }
        items.push(read(AnyRef::decode(&mut reader).map_err(malformed)?)?);
    }
    Ok(items)
}

/// A SEQUENCE: whether it is a certificate shows when it is put beside the key.
fn read_certificate(certificate: AnyRef<'_>) -> Result<Vec<u8>, Error> {
    if certificate.tag() != Tag::Sequence {
        return Err(invalid("a certificate in it is no SEQUENCE"));
    }
    certificate.to_der().map_err(malformed)
}

fn read_recipient(recipient: AnyRef<'_>) -> Result<Recipient, Error> {
    match recipient.tag() {
        found if found == context(0, true) => {
            let read: RsaRecipient<'_> =
                AnyRef::new(Tag::Sequence, recipient.value()).and_then(|any| any.decode_as()).map_err(malformed)?;
            let key_id =
                read.key_id.as_bytes().try_into().map_err(|_| invalid("a key identifier does not have 20 bytes"))?;
            let hash = Hash::by_name(read.hash.as_str())
                .filter(|hash| hash.name() == read.hash.as_str())
                .ok_or_else(|| invalid("the hash of a recipient is not known"))?;
            Ok(Recipient::Rsa { key_id, hash, key: read.key.as_bytes().to_vec() })
        }
        found if found == context(1, false) && recipient.value().len() == WRAPPED_LEN => {
            Ok(Recipient::Aes(recipient.value().to_vec()))
        }
        found if found == context(1, false) => Err(invalid("a wrapped transport key does not have 40 bytes")),
        _ => Err(invalid("a recipient of a kind that is not known")),
    }
}

fn write_recipient(recipient: &Recipient) -> der::Result<Vec<u8>> {
    match recipient {
        Recipient::Aes(key) => AnyRef::new(context(1, false), key)?.to_der(),
        Recipient::Rsa { key_id, hash, key } => {
            let sequence = RsaRecipient {
                key_id: OctetStringRef::new(key_id)?,
                hash: Utf8StringRef::new(hash.name())?,
                key: OctetStringRef::new(key)?,
            };
            AnyRef::new(context(0, true), &content(&sequence.to_der()?)?)?.to_der()
        }
    }
}

/// What is inside a TLV.
fn content(der: &[u8]) -> der::Result<Vec<u8>> {
    Ok(AnyRef::from_der(der)?.value().to_vec())
}
