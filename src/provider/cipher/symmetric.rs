//! AES and 3DES in their modes, and what authenticates.

use super::{Authenticated, ChainingMode};
use crate::key::{Family, SymmetricAlgorithm};
use crate::provider::{Error, Fault, Key};
use crate::secret::SecretBytes;
use crate::token::mechanism::{
    CKM_AES_CBC, CKM_AES_CCM, CKM_AES_CFB8, CKM_AES_ECB, CKM_AES_GCM, CKM_DES3_CBC, CKM_DES3_ECB, Mechanism,
};
use crate::token::{self, Handle};

impl Key {
    /// Encrypts with AES or 3DES, on the token.
    ///
    /// # Errors
    /// `NTE_PERM` when the usage forbids it, `NTE_INVALID_PARAMETER` for an IV that does not fit the mode, `NTE_BAD_LEN` for data that are not whole blocks without padding.
    pub fn encrypt_symmetric(
        &self,
        mode: ChainingMode,
        iv: &[u8],
        padding: bool,
        plain: &[u8],
    ) -> Result<Vec<u8>, crate::Error> {
        let cipher = self.cipher(mode, iv, padding, "encrypt")?;
        let padded = padding.then(|| pad(plain, cipher.block));
        let whole = padded.as_deref().unwrap_or(plain);
        cipher.check(whole.len())?;
        if whole.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.token.encrypt(&cipher.mechanism, cipher.object, whole, whole.len())?)
    }

    /// Decrypts with AES or 3DES, on the token.
    ///
    /// # Errors
    /// As [`Key::encrypt_symmetric`]; `NTE_BAD_DATA` where the padding is none.
    pub fn decrypt_symmetric(
        &self,
        mode: ChainingMode,
        iv: &[u8],
        padding: bool,
        data: &[u8],
    ) -> Result<SecretBytes, crate::Error> {
        let cipher = self.cipher(mode, iv, padding, "decrypt")?;
        cipher.check(data.len())?;
        if data.is_empty() {
            return if padding { Err(self.fault(Fault::Padding, None).into()) } else { Ok(SecretBytes::default()) };
        }
        let decrypted = self.token.decrypt(&cipher.mechanism, cipher.object, data, data.len());
        let decrypted = decrypted.map_err(|error| self.undecrypted(Fault::Cipher, error))?;
        if !padding {
            return Ok(decrypted);
        }
        unpad(&decrypted, cipher.block).map(SecretBytes::from).ok_or_else(|| self.fault(Fault::Padding, None).into())
    }

    /// Encrypts and authenticates: the ciphertext, as long as the data, and the tag.
    ///
    /// # Errors
    /// `NTE_PERM` when the usage forbids it, `NTE_INVALID_PARAMETER` for a nonce or a tag of a length that the mode does not have, `NTE_NOT_SUPPORTED` where the token does not have it.
    pub fn seal(
        &self,
        mode: ChainingMode,
        beside: &Authenticated<'_>,
        tag_len: usize,
        plain: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), crate::Error> {
        let (object, mechanism) = self.authenticating(mode, beside, tag_len, plain.len(), "encrypt")?;
        let mut sealed = self.token.encrypt(&mechanism, object, plain, plain.len() + tag_len)?;
        if sealed.len() != plain.len() + tag_len {
            let problem = format!("{} bytes and a tag of {tag_len} became {}", plain.len(), sealed.len());
            return Err(token::Error::Module { function: "C_Encrypt", problem }.into());
        }
        let tag = sealed.split_off(plain.len());
        Ok((sealed, tag))
    }

    /// Decrypts what was sealed, if nothing of it was changed.
    ///
    /// # Errors
    /// As [`Key::seal`]; `NTE_DECRYPTION_FAILURE` where the tag is not that of these data.
    pub fn open(
        &self,
        mode: ChainingMode,
        beside: &Authenticated<'_>,
        tag: &[u8],
        data: &[u8],
    ) -> Result<SecretBytes, crate::Error> {
        let (object, mechanism) = self.authenticating(mode, beside, tag.len(), data.len(), "decrypt")?;
        let sealed = [data, tag].concat();
        let opened = self.token.decrypt(&mechanism, object, &sealed, sealed.len());
        opened.map_err(|error| self.undecrypted(Fault::Tag, error))
    }

    fn cipher<'m>(
        &self,
        mode: ChainingMode,
        iv: &'m [u8],
        padding: bool,
        operation: &'static str,
    ) -> Result<Cipher<'m>, crate::Error> {
        let (object, algorithm) = self.symmetric(operation)?;
        let block = algorithm.block_len().ok_or_else(|| self.misfit())?;
        let is_aes = algorithm == SymmetricAlgorithm::Aes;
        let wanted = if mode == ChainingMode::Ecb { 0 } else { block };
        if iv.len() != wanted {
            let what = format!("{} of {} has an IV of {wanted} bytes, not {}", mode.name(), algorithm.name(), iv.len());
            return Err(Error::Contradiction { what }.into());
        }
        let mechanism = match mode {
            ChainingMode::Ecb => Mechanism::Plain(if is_aes { CKM_AES_ECB } else { CKM_DES3_ECB }),
            ChainingMode::Cbc => Mechanism::Cbc { number: if is_aes { CKM_AES_CBC } else { CKM_DES3_CBC }, iv },
            ChainingMode::Cfb if padding => {
                return Err(Error::Contradiction { what: "CFB takes any length, and no padding".to_owned() }.into());
            }
            ChainingMode::Cfb if is_aes && self.token.lists_mechanism(CKM_AES_CFB8)? => {
                Mechanism::Cbc { number: CKM_AES_CFB8, iv }
            }
            ChainingMode::Cfb => return Err(self.lacks(mode, algorithm).into()),
            ChainingMode::Ccm | ChainingMode::Gcm => {
                let what = format!("{} is authenticated: it has a nonce and a tag", mode.name());
                return Err(Error::Contradiction { what }.into());
            }
        };
        let granule = if mode == ChainingMode::Cfb { 1 } else { block };
        Ok(Cipher { object, mechanism, block, granule })
    }

    fn authenticating<'m>(
        &self,
        mode: ChainingMode,
        beside: &Authenticated<'m>,
        tag_len: usize,
        data_len: usize,
        operation: &'static str,
    ) -> Result<(Handle, Mechanism<'m>), crate::Error> {
        let (object, algorithm) = self.symmetric(operation)?;
        let Some((least, most, step)) = mode.tag_lengths() else {
            return Err(Error::Contradiction { what: format!("{} authenticates nothing", mode.name()) }.into());
        };
        if algorithm != SymmetricAlgorithm::Aes {
            return Err(self.lacks(mode, algorithm).into());
        }
        let Authenticated { nonce, additional } = *beside;
        let nonces = if mode == ChainingMode::Gcm { 12..=12 } else { 7..=13 };
        let has_tag = (least..=most).contains(&tag_len) && (tag_len - least).is_multiple_of(step);
        if !nonces.contains(&nonce.len()) || !has_tag {
            let what = format!("{} has no nonce of {} bytes with a tag of {tag_len}", mode.name(), nonce.len());
            return Err(Error::Contradiction { what }.into());
        }
        let (number, mechanism) = if mode == ChainingMode::Gcm {
            (CKM_AES_GCM, Mechanism::AesGcm { nonce, additional, tag_len })
        } else {
            (CKM_AES_CCM, Mechanism::AesCcm { nonce, additional, tag_len, data_len })
        };
        if !self.token.lists_mechanism(number)? {
            return Err(self.lacks(mode, algorithm).into());
        }
        Ok((object, mechanism))
    }

    fn symmetric(&self, operation: &'static str) -> Result<(Handle, SymmetricAlgorithm), crate::Error> {
        let ready = self.used()?;
        let Some(Family::Symmetric(algorithm)) = self.algorithm().map(|algorithm| algorithm.family) else {
            return Err(self.misfit().into());
        };
        let object = ready.secret_object.ok_or_else(|| self.cannot(operation))?;
        self.check_usage(ready, operation)?;
        Ok((object, algorithm))
    }

    fn lacks(&self, mode: ChainingMode, algorithm: SymmetricAlgorithm) -> Error {
        let what = format!("token `{}` has no {} of {}", self.token.info().label, mode.name(), algorithm.name());
        Error::Unsupported { what, ckr: None }
    }
}

/// A block cipher in a mode without a tag.
struct Cipher<'m> {
    object: Handle,
    mechanism: Mechanism<'m>,
    block: usize,
    /// What the length of the data is a multiple of.
    granule: usize,
}

impl Cipher<'_> {
    fn check(&self, len: usize) -> Result<(), Error> {
        if len.is_multiple_of(self.granule) {
            return Ok(());
        }
        Err(Error::Length { what: format!("{len} bytes are not whole blocks of {}", self.granule) })
    }
}

/// PKCS#7 padding (RFC 5652 §6.3): n bytes of the value n, at least one.
fn pad(plain: &[u8], block: usize) -> SecretBytes {
    let more = block - plain.len() % block;
    let mut padded = SecretBytes::zeroed(plain.len() + more);
    let (head, tail) = padded.as_mut_slice().split_at_mut(plain.len());
    head.copy_from_slice(plain);
    // A block has at most 16 bytes.
    tail.fill(u8::try_from(more).unwrap_or(0));
    padded
}

/// The data without their padding, if they end as padding does. All of the last block is looked at, whatever its last byte is.
fn unpad(padded: &[u8], block: usize) -> Option<&[u8]> {
    let last = padded.last_chunk::<1>()?[0];
    let tail = padded.get(padded.len().checked_sub(block)?..)?;
    let count = usize::from(last);
    let is_wrong = |(at, byte): (usize, &u8)| u8::from(at + count >= block) & u8::from(*byte != last);
    let wrong = tail.iter().enumerate().map(is_wrong).fold(0, |all, one| all | one);
    let fits = (1..=block).contains(&count) && wrong == 0;
    if fits { padded.get(..padded.len() - count) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_comes_off_as_it_went_on_and_nothing_else_does() {
        for len in 0..40 {
            let plain = vec![7; len];
            let padded = pad(&plain, 16);
            assert!(padded.len().is_multiple_of(16) && padded.len() > len);
            assert_eq!(unpad(&padded, 16), Some(&plain[..]));
        }
        let mut block = [4; 8];
        assert_eq!(unpad(&block, 8), Some(&[4; 4][..]));
        for (at, value) in [(7, 0), (7, 9), (7, 255), (6, 3), (4, 5)] {
            let before = std::mem::replace(&mut block[at], value);
            assert_eq!(unpad(&block, 8), None, "{at} {value}");
            block[at] = before;
        }
        assert_eq!(unpad(&[8; 8], 8), Some(&[][..]));
        assert_eq!(unpad(&[], 8), None);
    }
}
