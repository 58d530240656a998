//! Reading: DER in one pass over what BER may have become DER for, everything that is kept copied once.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::{
    Content, ContentCipher, ENVELOPED_DATA, EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo,
    OtherRecipients, Recipient, RecipientId, Transport, WHAT,
};
use crate::asn1::ber::{Normalised, implicit_octets, normalise};
use crate::asn1::pbe::{name_of, no_parameters};
use crate::asn1::pem::{self, Label};
use crate::asn1::{Error, context};
use crate::secret::SecretBytes;

/// More RSA recipients than anyone writes to: what each takes in memory is bounded by it.
pub const MAX_RECIPIENTS: usize = 1000;

/// Reads an EnvelopedData, DER, BER or PEM, with a ContentInfo around it or without.
///
/// # Errors
/// [`Error::Malformed`] and [`Error::Invalid`] with what is wrong, [`Error::Encryption`] for a content-encryption algorithm that is not read.
/// That no recipient is of a kind that is read is not among them: [`EnvelopedData::recipients_for`] says it.
pub fn decode(bytes: &[u8]) -> Result<EnvelopedData, Error> {
    if pem::is_pem(bytes) {
        return decode(&pem::find(bytes, &[Label::Cms, Label::Pkcs7])?.decode()?);
    }
    let normalised = normalise(WHAT, bytes)?;
    let whole = Whole(normalised.bytes());
    let outer: AnyRef<'_> = crate::asn1::decode(WHAT, whole.0)?;
    // A ContentInfo begins with its type, an EnvelopedData with its version.
    let mut fields = whole.fields(WHAT, outer, Tag::Sequence)?;
    if fields.tag()? != Some(Tag::ObjectIdentifier) {
        return whole.enveloped_data(fields);
    }
    const INFO: &str = "ContentInfo";
    if fields.next::<ObjectIdentifier>()? != ENVELOPED_DATA {
        return Err(Error::Invalid { what: INFO, problem: "what it holds is no envelopedData" });
    }
    let explicit: AnyRef<'_> = fields.next()?;
    fields.finish()?;
    let mut content = whole.fields(INFO, explicit, context(0, true))?;
    let inner: AnyRef<'_> = content.next()?;
    content.finish()?;
    whole.enveloped_data(whole.fields(WHAT, inner, Tag::Sequence)?)
}

/// The DER that BER becomes before it is read; `None` for what is DER already, or neither.
pub(crate) fn to_der(bytes: &[u8]) -> Option<SecretBytes> {
    match normalise(WHAT, bytes) {
        Ok(Normalised::Converted(der)) => Some(der),
        Ok(Normalised::Borrowed(_)) | Err(_) => None,
    }
}

/// What stands in PEM, as `openssl cms` and `openssl smime` write it; `None` for what is no PEM, or none with CMS in it.
pub(crate) fn in_pem(bytes: &[u8]) -> Option<SecretBytes> {
    let section = pem::is_pem(bytes).then(|| pem::find(bytes, &[Label::Cms, Label::Pkcs7]))?;
    section.and_then(|section| section.decode()).ok()
}

/// Whether a ContentInfo begins, DER or BER, whose content type is enveloped-data.
pub(crate) fn is_enveloped(bytes: &[u8]) -> bool {
    let oid = ENVELOPED_DATA.as_bytes();
    // The length before the type's own tag and length has up to five bytes.
    let head = bytes.get(..bytes.len().min(9 + oid.len())).unwrap_or_default();
    head.first() == Some(&0x30) && head.windows(oid.len()).any(|part| part == oid)
}

/// Whether DER begins as a ContentInfo does: with its type, where an EnvelopedData has its version.
pub(crate) fn has_content_info(der: &[u8]) -> bool {
    let tag = || {
        let mut reader = SliceReader::new(der).ok()?;
        der::Header::decode(&mut reader).ok()?;
        der::Header::decode(&mut reader).ok()
    };
    tag().is_some_and(|header| header.tag() == Tag::ObjectIdentifier)
}

/// All of the DER, from the start of which offsets count.
#[derive(Clone, Copy)]
struct Whole<'a>(&'a [u8]);

impl<'a> Whole<'a> {
    /// The elements inside a constructed one, which must have this tag.
    fn fields(self, what: &'static str, outer: AnyRef<'a>, tag: Tag) -> Result<Fields<'a>, Error> {
        let wrong = |error| Error::from((what, error)).within(self.0, outer.value());
        outer.tag().assert_eq(tag).map_err(wrong)?;
        Ok(Fields { what, whole: self, body: outer.value(), reader: SliceReader::new(outer.value()).map_err(wrong)? })
    }

    /// An element as the structure that it must be.
    fn structure<T>(self, what: &'static str, element: AnyRef<'a>) -> Result<T, Error>
    where
        T: der::Choice<'a, Error = der::Error> + der::DecodeValue<'a, Error = der::Error>,
    {
        element.decode_as().map_err(|error| Error::from((what, error)).within(self.0, element.value()))
    }

    fn enveloped_data(self, mut fields: Fields<'a>) -> Result<EnvelopedData, Error> {
        // RFC 5652 §6.1. It follows from what comes, and nothing else follows from it.
        if ![0, 2, 3, 4].contains(&fields.next::<u8>()?) {
            return Err(Error::Invalid { what: WHAT, problem: "its version is not 0, 2, 3 or 4" });
        }
        fields.skip(context(0, true))?; // originatorInfo
        let infos: AnyRef<'_> = fields.next()?;
        let content: AnyRef<'_> = fields.next()?;
        fields.skip(context(1, true))?; // unprotectedAttrs
        fields.finish()?;
        let (recipients, others) = self.recipients(infos)?;
        let (content_type, content) = self.content(content)?;
        Ok(EnvelopedData { recipients, others, content_type, content })
    }

    fn recipients(self, infos: AnyRef<'a>) -> Result<(Vec<Recipient>, OtherRecipients), Error> {
        const WHAT: &str = "RecipientInfos";
        let mut fields = self.fields(WHAT, infos, Tag::Set)?;
        let (mut recipients, mut others) = (Vec::new(), OtherRecipients::default());
        while let Some(tag) = fields.tag()? {
            let info: AnyRef<'_> = fields.next()?;
            let other = match tag {
                Tag::Sequence if recipients.len() == MAX_RECIPIENTS => {
                    return Err(Error::Invalid { what: WHAT, problem: "there are more than 1000" });
                }
                Tag::Sequence => {
                    recipients.push(self.recipient(info)?);
                    continue;
                }
                _ if tag == context(1, true) => &mut others.key_agreement,
                _ if tag == context(2, true) => &mut others.shared_key,
                _ if tag == context(3, true) => &mut others.password,
                _ if tag == context(4, true) => &mut others.other,
                _ => return Err(Error::Invalid { what: WHAT, problem: "one is of no kind that there is" }),
            };
            *other += 1;
        }
        Ok((recipients, others))
    }

    fn recipient(self, info: AnyRef<'a>) -> Result<Recipient, Error> {
        const WHAT: &str = "KeyTransRecipientInfo";
        let info: KeyTransRecipientInfo<'_> = self.structure(WHAT, info)?;
        let id = match (info.version, info.id.tag()) {
            (0, Tag::Sequence) => {
                let mut fields = self.fields("IssuerAndSerialNumber", info.id, Tag::Sequence)?;
                let issuer = fields.tlv(Tag::Sequence)?;
                let serial = fields.tlv(Tag::Integer)?;
                fields.finish()?;
                RecipientId::IssuerAndSerial { issuer: issuer.to_vec(), serial: serial.to_vec() }
            }
            (2, Tag::ContextSpecific { .. }) => {
                RecipientId::KeyId(implicit_octets("SubjectKeyIdentifier", info.id)?.into_owned())
            }
            _ => return Err(Error::Invalid { what: WHAT, problem: "its version is not that of its rid" }),
        };
        let encrypted_key = info.encrypted_key.as_bytes().to_vec();
        Ok(Recipient { id, transport: Transport::read(&info.algorithm)?, encrypted_key })
    }

    fn content(self, info: AnyRef<'a>) -> Result<(String, Content), Error> {
        const WHAT: &str = "EncryptedContentInfo";
        const PARAMETERS: &str = "the parameters of the content-encryption algorithm";
        let info: EncryptedContentInfo<'_> = self.structure(WHAT, info)?;
        let algorithm = &info.algorithm;
        let cipher = ContentCipher::of(algorithm.oid)
            .ok_or_else(|| Error::Encryption { what: format!("content under {}", name_of(algorithm.oid)) })?;
        let iv = if cipher.iv_length() == 0 {
            no_parameters(PARAMETERS, algorithm)?;
            Vec::new()
        } else {
            let missing = Error::Invalid { what: PARAMETERS, problem: "they are missing" };
            let iv: &OctetStringRef = self.structure(PARAMETERS, algorithm.parameters.ok_or(missing)?)?;
            iv.as_bytes().to_vec()
        };
        if iv.len() != cipher.iv_length() {
            return Err(Error::Invalid { what: PARAMETERS, problem: "the IV has the wrong length" });
        }
        let missing = Error::Invalid { what: WHAT, problem: "the encrypted content is not in the file" };
        let encrypted = implicit_octets("encryptedContent", info.content.ok_or(missing)?)?.into_owned();
        Ok((info.kind.to_string(), Content { cipher, iv, encrypted }))
    }
}

/// The elements inside another one, one after the other.
struct Fields<'a> {
    what: &'static str,
    whole: Whole<'a>,
    body: &'a [u8],
    reader: SliceReader<'a>,
}

impl<'a> Fields<'a> {
    fn wrong(&self, error: der::Error) -> Error {
        Error::from((self.what, error)).within(self.whole.0, self.body)
    }

    /// The tag of the next one, if there is one.
    fn tag(&self) -> Result<Option<Tag>, Error> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        Tag::peek(&self.reader).map(Some).map_err(|error| self.wrong(error))
    }

    fn next<T: Decode<'a, Error = der::Error>>(&mut self) -> Result<T, Error> {
        T::decode(&mut self.reader).map_err(|error| self.wrong(error))
    }

    /// The whole of the next one, which must have this tag.
    fn tlv(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
        if self.tag()? != Some(tag) {
            let error = self.reader.error(tag.value_error());
            return Err(self.wrong(error));
        }
        self.reader.tlv_bytes().map_err(|error| self.wrong(error))
    }

    /// Passes over one that may be there.
    fn skip(&mut self, tag: Tag) -> Result<(), Error> {
        if self.tag()? == Some(tag) {
            self.next::<AnyRef<'_>>()?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        match self.tag()? {
            None => Ok(()),
            Some(_) => Err(Error::Invalid { what: self.what, problem: "something stands behind its last part" }),
        }
    }
}
