//! `PKCS11RsaAesWrapBlob`: `BCRYPT_PKCS11_RSA_AES_WRAP_BLOB`, 16 bytes, around the output of PKCS#11's RSA-AES key wrap.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | dwMagic | `RAPW` |
//! | 4 | 4 LE | cbKey | bytes of the wrapped data |
//! | 8 | 4 LE | cbPaddingAlgId | bytes of the hash's name, its NUL counted |
//! | 12 | 4 LE | cbPaddingLabel | bytes of the OAEP label |
//! | 16 | cbKey | the wrapped data | RSA-OAEP of an AES key, then RFC 5649 of the key under it |
//! | … | cbPaddingAlgId | the hash of OAEP and of its MGF1 | UTF-16LE with NUL: `SHA1`, `SHA256`, `SHA384`, `SHA512` |
//! | … | cbPaddingLabel | the OAEP label | usually none |
//!
//! Owns the container only. Where the first part of the wrapped data ends follows from the wrapping key's modulus, which the blob
//! does not know.

use super::{BlobType, Error, Reader, build, magic};
use crate::key::rsa::Hash;
use crate::wide;

/// A wrapped key with the parameters of its wrapping, borrowed from its bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RsaAesWrapBlob<'a> {
    /// The wrapped data.
    pub wrapped: &'a [u8],
    /// The hash of OAEP and of MGF1.
    pub hash: Hash,
    /// The OAEP label.
    pub label: &'a [u8],
}

impl<'a> RsaAesWrapBlob<'a> {
    /// Decodes a blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes))
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        reader.magic("dwMagic", &[magic::RAPW], BlobType::RsaAesWrap.name())?;
        let [len, hash_len, label_len] =
            [reader.u32("cbKey")?, reader.u32("cbPaddingAlgId")?, reader.u32("cbPaddingLabel")?];
        reader.expect_rest("the payload", u64::from(len) + u64::from(hash_len) + u64::from(label_len))?;
        let wrapped = reader.public("Key", len)?;
        let hash_at = reader.offset();
        let found = reader.name("PaddingAlgId", hash_len)?;
        let label = reader.public("PaddingLabel", label_len)?;
        reader.expect_end()?;
        let Some(hash) = Hash::by_name(&found).filter(|hash| hash.name() == found) else {
            let expected = "SHA1, SHA256, SHA384 and SHA512 are known";
            return Err(Error::Name { field: "PaddingAlgId", offset: hash_at, found, expected });
        };
        Ok(Self { wrapped, hash, label })
    }

    /// Encodes the container.
    ///
    /// # Errors
    /// [`Error::Value`] for parts whose length has no room in 32 bits.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let name = wide::encode_nul(self.hash.name());
        let blob = build(|writer, _| {
            writer.magic(magic::RAPW)?;
            writer.u32("cbKey", self.wrapped.len())?;
            writer.u32("cbPaddingAlgId", name.len())?;
            writer.u32("cbPaddingLabel", self.label.len())?;
            writer.bytes("Key", self.wrapped)?;
            writer.bytes("PaddingAlgId", &name)?;
            writer.bytes("PaddingLabel", self.label)
        })?;
        Ok(blob.to_vec())
    }
}
