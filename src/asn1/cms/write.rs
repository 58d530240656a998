//! Writing: DER, in a ContentInfo, with the versions of RFC 5652 §6.1 and §6.2.1.

use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Sequence, Tag};

use super::{
    ContentInfo, DATA, ENVELOPED_DATA, EncryptedContentInfo, EnvelopedData, IMPLICIT_OCTETS, KeyTransRecipientInfo,
    MAX_RECIPIENTS, OtherRecipients, Recipient, RecipientId, WHAT,
};
use crate::asn1::Error;

#[derive(Sequence)]
struct Structure<'a> {
    version: u8,
    recipients: AnyRef<'a>,
    content: EncryptedContentInfo<'a>,
}

impl EnvelopedData {
    /// Writes it, in a ContentInfo.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is read and not written: another content type than `id-data`, a recipient that was only counted; for no recipient, an
    /// IV that is not the cipher's, and names that are no DER. [`Error::Encryption`] for a key transport that is not known.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        let invalid = |problem| Error::Invalid { what: WHAT, problem };
        if self.content_type != Self::DATA {
            return Err(invalid("its content type is not id-data"));
        }
        if self.others != OtherRecipients::default() {
            return Err(invalid("a recipient of a kind that is not written"));
        }
        if self.recipients.is_empty() {
            return Err(invalid("it has no recipient"));
        }
        if self.recipients.len() > MAX_RECIPIENTS {
            return Err(invalid("it has more than 1000 recipients"));
        }
        if self.content.iv.len() != self.content.cipher.iv_length() {
            return Err(invalid("the IV has the wrong length"));
        }
        let mut infos = self.recipients.iter().map(Recipient::to_der).collect::<Result<Vec<_>, _>>()?;
        // X.690 §11.6: a SET OF in ascending order.
        infos.sort();
        let by_key_id = |recipient: &Recipient| matches!(recipient.id, RecipientId::KeyId(_));
        let version = if self.recipients.iter().any(by_key_id) { 2 } else { 0 };
        self.structure(version, &infos.concat()).map_err(|error| Error::encoding(WHAT, error))
    }

    fn structure(&self, version: u8, infos: &[u8]) -> der::Result<Vec<u8>> {
        let cipher = self.content.cipher;
        let iv = AnyRef::new(Tag::OctetString, &self.content.iv)?;
        let parameters = (cipher.iv_length() > 0).then_some(iv);
        let content = EncryptedContentInfo {
            kind: DATA,
            algorithm: ::spki::AlgorithmIdentifierRef { oid: cipher.oid(), parameters },
            content: Some(AnyRef::new(IMPLICIT_OCTETS, &self.content.encrypted)?),
        };
        let data = Structure { version, recipients: AnyRef::new(Tag::Set, infos)?, content }.to_der()?;
        ContentInfo { kind: ENVELOPED_DATA, content: AnyRef::from_der(&data)? }.to_der()
    }
}

impl Recipient {
    fn to_der(&self) -> Result<Vec<u8>, Error> {
        const WHAT: &str = "KeyTransRecipientInfo";
        let wrong = |error| Error::encoding(WHAT, error);
        let algorithm = self.transport.to_der()?;
        let id_and_version = || match &self.id {
            RecipientId::IssuerAndSerial { issuer, serial } => {
                let (issuer, serial) = (AnyRef::from_der(issuer)?, AnyRef::from_der(serial)?);
                Ok((0, IssuerAndSerialNumber { issuer, serial }.to_der()?))
            }
            RecipientId::KeyId(id) => Ok((2, AnyRef::new(IMPLICIT_OCTETS, id)?.to_der()?)),
        };
        let (version, id) = id_and_version().map_err(wrong)?;
        let encode = || {
            KeyTransRecipientInfo {
                version,
                id: AnyRef::from_der(&id)?,
                algorithm: ::spki::AlgorithmIdentifierRef::from_der(&algorithm)?,
                encrypted_key: OctetStringRef::new(&self.encrypted_key)?,
            }
            .to_der()
        };
        encode().map_err(wrong)
    }
}

#[derive(Sequence)]
struct IssuerAndSerialNumber<'a> {
    issuer: AnyRef<'a>,
    serial: AnyRef<'a>,
}
