//! The content-encryption algorithms: a cipher in CBC mode, or AES key wrap with padding around the content itself.

use der::asn1::ObjectIdentifier;

use super::oid;
use crate::asn1::{Cipher, Error};
use crate::key::aes_kwp;
use crate::secret::SecretBytes;

/// How content is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContentCipher {
    /// In CBC mode with the padding of RFC 5652 §6.3, under a random IV.
    Cbc(Cipher),
    /// `id-aes128-wrap-pad`: AES-128 key wrap with padding (RFC 5649). It has no IV, and finds out what was changed.
    Aes128WrapPad,
    /// `id-aes192-wrap-pad`
    Aes192WrapPad,
    /// `id-aes256-wrap-pad`
    Aes256WrapPad,
}

impl ContentCipher {
    /// Every one of them, by the name that RFC 3565, RFC 3370 and RFC 5649 give it.
    const ALL: [(&str, Self); 7] = [
        ("id-aes128-CBC", Self::Cbc(Cipher::Aes128)),
        ("id-aes192-CBC", Self::Cbc(Cipher::Aes192)),
        ("id-aes256-CBC", Self::Cbc(Cipher::Aes256)),
        ("des-ede3-cbc", Self::Cbc(Cipher::TripleDes)),
        ("id-aes128-wrap-pad", Self::Aes128WrapPad),
        ("id-aes192-wrap-pad", Self::Aes192WrapPad),
        ("id-aes256-wrap-pad", Self::Aes256WrapPad),
    ];

    /// The cipher of an OID in numbers and dots, as `NCRYPTBUFFER_PKCS_ALG_OID` has it.
    pub fn by_oid(oid: &str) -> Option<Self> {
        ObjectIdentifier::new(oid).ok().and_then(Self::of)
    }

    /// The cipher of an OID.
    pub(super) fn of(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.iter().map(|(_, cipher)| *cipher).find(|cipher| cipher.oid() == oid)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, cipher)| *cipher == self).map_or("", |(name, _)| name)
    }

    /// RFC 5649 §5 for those that wrap.
    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Cbc(cipher) => cipher.oid(),
            Self::Aes128WrapPad => oid("2.16.840.1.101.3.4.1.8"),
            Self::Aes192WrapPad => oid("2.16.840.1.101.3.4.1.28"),
            Self::Aes256WrapPad => oid("2.16.840.1.101.3.4.1.48"),
        }
    }

    /// The length of its key, in bytes.
    pub fn key_length(self) -> usize {
        match self {
            Self::Cbc(cipher) => cipher.key_length(),
            Self::Aes128WrapPad => 16,
            Self::Aes192WrapPad => 24,
            Self::Aes256WrapPad => 32,
        }
    }

    /// The length of its IV, in bytes: that of a block, or none.
    pub fn iv_length(self) -> usize {
        match self {
            Self::Cbc(cipher) => cipher.block(),
            Self::Aes128WrapPad | Self::Aes192WrapPad | Self::Aes256WrapPad => 0,
        }
    }

    /// A fresh key. Of triple DES with odd parity (FIPS 46-3), which some tokens insist on.
    pub(super) fn fresh_key(self) -> Result<SecretBytes, Error> {
        let mut key = SecretBytes::zeroed(self.key_length());
        getrandom::fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
        if self == Self::Cbc(Cipher::TripleDes) {
            for byte in key.as_mut_slice() {
                *byte ^= u8::from(byte.count_ones() % 2 == 0);
            }
        }
        Ok(key)
    }

    /// A fresh IV.
    pub(super) fn fresh_iv(self) -> Result<Vec<u8>, Error> {
        let mut iv = vec![0; self.iv_length()];
        getrandom::fill(&mut iv).map_err(|_| Error::Random)?;
        Ok(iv)
    }

    pub(super) fn encrypt(self, key: &[u8], iv: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Cbc(cipher) => cipher.encrypt(key, iv, plain),
            Self::Aes128WrapPad | Self::Aes192WrapPad | Self::Aes256WrapPad => {
                // The key is ours: what does not fit is the content.
                let problem = "AES key wrap with padding takes one byte to 4 GiB";
                aes_kwp::wrap(key, plain).ok_or(Error::Invalid { what: "the content to encrypt", problem })
            }
        }
    }

    /// Whatever is wrong, the error is the same.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
        let opened = match self {
            _ if key.len() != self.key_length() => None,
            Self::Cbc(cipher) => cipher.decrypt(key, iv, data).ok(),
            Self::Aes128WrapPad | Self::Aes192WrapPad | Self::Aes256WrapPad => aes_kwp::unwrap(key, data),
        };
        opened.ok_or(Error::Envelope)
    }
}
