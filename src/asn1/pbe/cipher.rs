//! Block ciphers in CBC mode with the padding of RFC 8018 §6.1.1 (PKCS#7).

use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit, block_padding::Pkcs7};
use der::asn1::ObjectIdentifier;

use crate::asn1::Error;
use crate::secret::SecretBytes;

/// A cipher of PBES2 and CMS, in CBC mode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cipher {
    /// AES-128
    Aes128,
    /// AES-192
    Aes192,
    /// AES-256
    Aes256,
    /// Triple DES with three keys (`des-EDE3-CBC`)
    TripleDes,
}

impl Cipher {
    const ALL: &[Self] = &[Self::Aes128, Self::Aes192, Self::Aes256, Self::TripleDes];

    pub(super) fn by_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.iter().copied().find(|cipher| cipher.oid() == oid)
    }

    /// RFC 3565 §4.1; RFC 8018 appendix B.2.2.
    pub(in crate::asn1) fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::Aes128 => "2.16.840.1.101.3.4.1.2",
            Self::Aes192 => "2.16.840.1.101.3.4.1.22",
            Self::Aes256 => "2.16.840.1.101.3.4.1.42",
            Self::TripleDes => "1.2.840.113549.3.7",
        })
    }

    pub(in crate::asn1) fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// The length of a block, and so of the IV.
    pub(in crate::asn1) fn block(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes => 8,
        }
    }

    pub(crate) fn encrypt(self, key: &[u8], iv: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Aes128 => encrypt::<cbc::Encryptor<aes::Aes128>>(self, key, iv, plain),
            Self::Aes192 => encrypt::<cbc::Encryptor<aes::Aes192>>(self, key, iv, plain),
            Self::Aes256 => encrypt::<cbc::Encryptor<aes::Aes256>>(self, key, iv, plain),
            Self::TripleDes => encrypt::<cbc::Encryptor<des::TdesEde3>>(self, key, iv, plain),
        }
    }

    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
        match self {
            Self::Aes128 => decrypt::<cbc::Decryptor<aes::Aes128>>(key, iv, data),
            Self::Aes192 => decrypt::<cbc::Decryptor<aes::Aes192>>(key, iv, data),
            Self::Aes256 => decrypt::<cbc::Decryptor<aes::Aes256>>(key, iv, data),
            Self::TripleDes => decrypt::<cbc::Decryptor<des::TdesEde3>>(key, iv, data),
        }
    }
}

/// Triple DES with two keys, which only a PKCS#12 scheme has.
pub(super) fn decrypt_two_key(key: &[u8], iv: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
    decrypt::<cbc::Decryptor<des::TdesEde2>>(key, iv, data)
}

/// RC2 (RFC 2268) with as many effective bits as the key has, which only PKCS#12 schemes have here.
pub(super) fn decrypt_rc2(key: &[u8], iv: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
    let cipher = rc2::Rc2::new_with_eff_key_len(key, key.len() * 8);
    open(cbc::Decryptor::inner_iv_slice_init(cipher, iv).map_err(|_| LENGTHS)?, data)
}

const LENGTHS: Error = Error::Invalid { what: "the cipher's parameters", problem: "the IV has the wrong length" };

fn encrypt<C: BlockModeEncrypt + KeyIvInit>(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    // Padding makes it one block longer at most. The buffer holds the plaintext until it is overwritten.
    let mut buffer = SecretBytes::zeroed(plain.len() + cipher.block() - plain.len() % cipher.block());
    buffer.as_mut_slice().get_mut(..plain.len()).ok_or(LENGTHS)?.copy_from_slice(plain);
    let mode = C::new_from_slices(key, iv).map_err(|_| LENGTHS)?;
    let data = mode.encrypt_padded::<Pkcs7>(buffer.as_mut_slice(), plain.len()).map_err(|_| LENGTHS)?;
    Ok(data.to_vec())
}

fn decrypt<C: BlockModeDecrypt + KeyIvInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
    open(C::new_from_slices(key, iv).map_err(|_| LENGTHS)?, data)
}

fn open(mode: impl BlockModeDecrypt, data: &[u8]) -> Result<SecretBytes, Error> {
    let mut buffer = SecretBytes::from(data);
    let plain = mode.decrypt_padded::<Pkcs7>(buffer.as_mut_slice()).map_err(|_| Error::PasswordWrong)?;
    Ok(SecretBytes::from(plain))
}
