//! Symmetric keys: the bytes and what they are for.
//!
//! Owns the algorithms of CNG's block ciphers and HMAC that can be put on a token, with their key lengths. Refuses any other
//! length: Windows truncates over-long AES keys silently, which is no service to anyone.

use super::{Error, KeyUsage};
use crate::secret::SecretBytes;

/// A symmetric algorithm, by its CNG identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SymmetricAlgorithm {
    /// `AES`: 16, 24 or 32 bytes.
    Aes,
    /// `HMAC`: 1 to 512 bytes.
    Hmac,
    /// `3DES`: 24 bytes with their parity bits.
    TripleDes,
}

impl SymmetricAlgorithm {
    /// Bytes of a block of a cipher; `None` for HMAC.
    pub fn block_len(self) -> Option<usize> {
        match self {
            Self::Aes => Some(16),
            Self::TripleDes => Some(8),
            Self::Hmac => None,
        }
    }

    /// Every symmetric algorithm handled here.
    pub const ALL: &[Self] = &[Self::Aes, Self::Hmac, Self::TripleDes];

    /// The CNG identifier.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes => "AES",
            Self::Hmac => "HMAC",
            Self::TripleDes => "3DES",
        }
    }

    /// The CNG algorithm group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Aes => "AES",
            Self::Hmac => "HMAC",
            Self::TripleDes => "DES",
        }
    }

    /// Whether a key of `len` bytes exists.
    pub fn accepts(self, len: usize) -> bool {
        match self {
            Self::Aes => matches!(len, 16 | 24 | 32),
            Self::Hmac => (1..=512).contains(&len),
            Self::TripleDes => len == 24,
        }
    }

    fn lengths(self) -> &'static str {
        match self {
            Self::Aes => "128, 192 or 256",
            Self::Hmac => "8 to 4096",
            Self::TripleDes => "192, parity bits counted",
        }
    }

    /// What such a key may be used for at all.
    pub fn possible_usage(self) -> KeyUsage {
        match self {
            Self::Aes | Self::TripleDes => KeyUsage::DECRYPT | KeyUsage::SIGN | KeyUsage::WRAP,
            Self::Hmac => KeyUsage::SIGN,
        }
    }
}

/// A symmetric key.
#[derive(Clone, Debug)]
pub struct SymmetricKey {
    algorithm: SymmetricAlgorithm,
    key: SecretBytes,
}

impl SymmetricKey {
    /// A key from its bytes.
    ///
    /// # Errors
    /// [`Error::Size`] for a length that the algorithm does not have.
    pub fn new(algorithm: SymmetricAlgorithm, key: SecretBytes) -> Result<Self, Error> {
        if algorithm.accepts(key.len()) {
            return Ok(Self { algorithm, key });
        }
        Err(Error::Size {
            what: match algorithm {
                SymmetricAlgorithm::Aes => "an AES key",
                SymmetricAlgorithm::Hmac => "an HMAC key",
                SymmetricAlgorithm::TripleDes => "a 3DES key",
            },
            bits: key.len() as u64 * 8,
            range: algorithm.lengths(),
        })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> SymmetricAlgorithm {
        self.algorithm
    }

    /// The key itself.
    pub fn key(&self) -> &SecretBytes {
        &self.key
    }

    /// Size in bits.
    pub fn bits(&self) -> u32 {
        u32::try_from(self.key.len() * 8).unwrap_or(u32::MAX)
    }

    /// One zero block under the key: what a token's ECB encryption must give for the same key. `None` for HMAC.
    pub fn check_block(&self) -> Option<Vec<u8>> {
        use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};

        fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8]) -> Option<Vec<u8>> {
            let mut block = Block::<C>::default();
            C::new_from_slice(key).ok()?.encrypt_block(&mut block);
            Some(block.to_vec())
        }

        match (self.algorithm, self.key.len()) {
            (SymmetricAlgorithm::Aes, 16) => encrypt::<aes::Aes128>(&self.key),
            (SymmetricAlgorithm::Aes, 24) => encrypt::<aes::Aes192>(&self.key),
            (SymmetricAlgorithm::Aes, 32) => encrypt::<aes::Aes256>(&self.key),
            (SymmetricAlgorithm::TripleDes, _) => encrypt::<des::TdesEde3>(&self.key),
            _ => None,
        }
    }
}
