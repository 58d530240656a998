//! `BCryptEncrypt` and `BCryptDecrypt`.
//!
//! | key | `pPaddingInfo` | `pbIV` |
//! |---|---|---|
//! | RSA | by the flags | none |
//! | symmetric, ECB | none | refused |
//! | CBC, CFB | none | one block, in which the last block of what was encrypted is handed back; without one the key's own is used, which follows each call likewise |
//! | GCM, CCM | `BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO` ([`Authenticated`]) | not looked at |
//!
//! Lengths that are not whole blocks are `STATUS_INVALID_BUFFER_SIZE`, already when only the length of the answer is asked for, a wrong tag is `STATUS_AUTH_TAG_MISMATCH`, wrong
//! padding `STATUS_DATA_ERROR`. An RSA public key encrypts here; everything else is the token's. Calls that are chained to one authentication (`BCRYPT_AUTH_MODE_CHAIN_CALLS_FLAG`)
//! are not had: a token hands nothing out of what it has not seen the end of.

use super::algorithm::Cipher;
use super::key::Material;
use super::{BcryptKey, invalid, refused, unsupported};
use crate::key::PublicKey;
use crate::provider::cipher::encrypt_here;
use crate::provider::{Authenticated, ChainingMode, CipherPadding, Direction, Error, Fault, Key};
use crate::secret::SecretBytes;
use crate::status::Status;

/// How `dwFlags` says data are padded. The structure that belongs to it is the caller's to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncryptionPadding {
    /// None: `BCRYPT_PAD_NONE` of an RSA key, no flag of a symmetric one.
    None,
    /// `BCRYPT_BLOCK_PADDING`, of a symmetric key.
    Block,
    /// `BCRYPT_PAD_PKCS1`
    Pkcs1,
    /// `BCRYPT_PAD_OAEP`, with `BCRYPT_OAEP_PADDING_INFO`.
    Oaep,
}

impl BcryptKey {
    /// What the flags of a call with this key say.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for flags that are none, or not of such a key; `STATUS_NOT_SUPPORTED` for a key that does not encrypt.
    pub fn encryption_padding(&self, flags: u32) -> Result<EncryptionPadding, crate::Error> {
        match (self.row().cipher(), flags) {
            (Some(_), 1) if self.is_authenticated() => Err(invalid("what is authenticated has no padding")),
            (Some(_), 0) => Ok(EncryptionPadding::None),
            (Some(_), 1) => Ok(EncryptionPadding::Block),
            (None, _) if !self.row().encrypts() => Err(unsupported(format!("{} does not encrypt", self.id()))),
            (None, 1) => Ok(EncryptionPadding::None),
            (None, 2) => Ok(EncryptionPadding::Pkcs1),
            (None, 4) => Ok(EncryptionPadding::Oaep),
            (_, other) => Err(invalid(format!("the flags 0x{other:X} name no padding of a key of {}", self.id()))),
        }
    }

    /// How many bytes come out at most, without the token and without any effect.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` before the key is finalized, `STATUS_INVALID_BUFFER_SIZE` for data that are not whole blocks, `STATUS_INVALID_PARAMETER` for a padding that does not
    /// fit the key or its mode.
    pub fn output_length(
        &self,
        way: Direction,
        padding: &CipherPadding<'_>,
        len: usize,
    ) -> Result<usize, crate::Error> {
        let material = self.material()?;
        let Some(cipher) = self.row().cipher() else {
            return match &*material {
                Material::Token(key) => key.output_length(way, padding, len),
                Material::Public(PublicKey::Rsa(key)) => Ok(key.n().len()),
                Material::Public(_) => Err(unsupported(format!("{} does not encrypt", self.id()))),
            };
        };
        let mode = self.vector().mode;
        if mode.is_authenticated() && *padding == CipherPadding::None {
            return Ok(len);
        }
        let grows = check_blocks(cipher, mode, way, padding, len)?;
        Ok(if grows { (len / cipher.block() + 1) * cipher.block() } else { len })
    }

    /// Encrypts. `iv` is one block, and becomes the last block of the ciphertext.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a padding or an `iv` that does not fit the key or its mode, and for data that RSA has no room for; `STATUS_INVALID_BUFFER_SIZE` for data that
    /// are not whole blocks; `STATUS_NOT_SUPPORTED` for a key that does not encrypt or a mode that the token does not have; what the token says.
    pub fn encrypt(
        &self,
        padding: &CipherPadding<'_>,
        iv: Option<&mut [u8]>,
        plain: &[u8],
    ) -> Result<Vec<u8>, crate::Error> {
        let material = self.material()?;
        let Some(cipher) = self.row().cipher() else { return self.encrypt_rsa(&material, padding, plain) };
        let step = |mode, vector: &[u8], padded| {
            let encrypted = self.symmetric(&material)?.encrypt_symmetric(mode, vector, padded, plain)?;
            let next = following(vector, &encrypted);
            Ok((encrypted, next))
        };
        self.chain(cipher, (Direction::Encrypt, padding), iv, plain.len(), step, |_| Ok(()))
    }

    /// Decrypts. `iv` is one block, and becomes the last block of the ciphertext.
    ///
    /// # Errors
    /// As [`Self::encrypt`]; `STATUS_DATA_ERROR` for padding that is none, `STATUS_DECRYPTION_FAILED` for what was not encrypted so under an RSA key.
    pub fn decrypt(
        &self,
        padding: &CipherPadding<'_>,
        iv: Option<&mut [u8]>,
        data: &[u8],
    ) -> Result<SecretBytes, crate::Error> {
        self.decrypt_to(padding, iv, data, |_| Ok(()))
    }

    /// The same for a caller who may have no room for what comes out: the chain goes on only if `take` takes it.
    ///
    /// # Errors
    /// As [`Self::decrypt`], and what `take` says.
    pub fn decrypt_to<E: From<crate::Error>>(
        &self,
        padding: &CipherPadding<'_>,
        iv: Option<&mut [u8]>,
        data: &[u8],
        take: impl FnOnce(&[u8]) -> Result<(), E>,
    ) -> Result<SecretBytes, E> {
        let material = self.material()?;
        let Some(cipher) = self.row().cipher() else {
            self.check_encrypts(padding)?;
            let decrypted = match &*material {
                Material::Token(key) => key.decrypt(padding, data)?,
                Material::Public(_) => return Err(invalid("a public key does not decrypt").into()),
            };
            take(&decrypted)?;
            return Ok(decrypted);
        };
        let step = |mode, vector: &[u8], padded| {
            let decrypted = self.symmetric(&material)?.decrypt_symmetric(mode, vector, padded, data)?;
            Ok((decrypted, following(vector, data)))
        };
        self.chain(cipher, (Direction::Decrypt, padding), iv, data.len(), step, |out: &SecretBytes| take(out))
    }

    /// Encrypts and authenticates, in a mode that does both. The tag is put into a buffer of its length.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a key in another mode, and for a nonce or a tag of a length that the mode does not have; `STATUS_NOT_SUPPORTED` where the token does not have
    /// the mode; what it says.
    pub fn seal(&self, beside: &Authenticated<'_>, tag: &mut [u8], plain: &[u8]) -> Result<Vec<u8>, crate::Error> {
        let material = self.material()?;
        let mode = self.authenticating_mode()?;
        let (sealed, made) = self.symmetric(&material)?.seal(mode, beside, tag.len(), plain)?;
        if made.len() != tag.len() {
            return Err(refused(Status::STATUS_INTERNAL_ERROR, "the tag has another length than was asked for"));
        }
        tag.copy_from_slice(&made);
        Ok(sealed)
    }

    /// Decrypts what was sealed.
    ///
    /// # Errors
    /// As [`Self::seal`]; `STATUS_AUTH_TAG_MISMATCH` where the tag is not that of these data.
    pub fn open(&self, beside: &Authenticated<'_>, tag: &[u8], data: &[u8]) -> Result<SecretBytes, crate::Error> {
        let material = self.material()?;
        let mode = self.authenticating_mode()?;
        self.symmetric(&material)?.open(mode, beside, tag, data).map_err(as_bcrypt)
    }

    /// Whether it is a symmetric key in a mode that authenticates: then `pPaddingInfo` is `BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO`, and as much comes out as goes in.
    pub fn is_authenticated(&self) -> bool {
        self.row().cipher().is_some() && self.vector().mode.is_authenticated()
    }

    fn authenticating_mode(&self) -> Result<ChainingMode, crate::Error> {
        let cipher = self.row().cipher().ok_or_else(|| invalid(format!("{} authenticates nothing", self.id())))?;
        let mode = self.vector().mode;
        if cipher.has(mode) && mode.is_authenticated() {
            return Ok(mode);
        }
        Err(invalid(format!("the key is in the mode {}, which authenticates nothing", mode.name())))
    }

    /// One step of a chain: with the caller's vector or the key's own, each of which follows if the step succeeds.
    fn chain<T, E: From<crate::Error>>(
        &self,
        cipher: Cipher,
        (way, padding): (Direction, &CipherPadding<'_>),
        iv: Option<&mut [u8]>,
        len: usize,
        step: impl FnOnce(ChainingMode, &[u8], bool) -> Result<(T, Vec<u8>), crate::Error>,
        take: impl FnOnce(&T) -> Result<(), E>,
    ) -> Result<T, E> {
        let (mode, own) = {
            let vector = self.vector();
            (vector.mode, vector.iv.clone())
        };
        check_blocks(cipher, mode, way, padding, len)?;
        let vector = match (mode, &iv) {
            (ChainingMode::Ecb, Some(_)) => return Err(invalid("ECB has no initialisation vector").into()),
            (ChainingMode::Ecb, None) => Vec::new(),
            (_, Some(iv)) if iv.len() != cipher.block() => {
                return Err(invalid(format!("an initialisation vector has {} bytes", cipher.block())).into());
            }
            (_, Some(iv)) => iv.to_vec(),
            (_, None) => own,
        };
        let (done, next) = step(mode, &vector, *padding == CipherPadding::Block).map_err(as_bcrypt)?;
        take(&done)?;
        if mode != ChainingMode::Ecb {
            if let Some(iv) = iv {
                iv.copy_from_slice(&next);
            }
            let mut own = self.vector();
            // Another thread may have set another mode meanwhile.
            if own.mode == mode {
                own.iv = next;
            }
        }
        Ok(done)
    }

    fn symmetric<'m>(&self, material: &'m Material) -> Result<&'m Key, crate::Error> {
        match material {
            Material::Token(key) => Ok(key),
            Material::Public(_) => Err(unsupported(format!("{} has no symmetric keys", self.id()))),
        }
    }

    fn encrypt_rsa(
        &self,
        material: &Material,
        padding: &CipherPadding<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, crate::Error> {
        self.check_encrypts(padding)?;
        let public = match material {
            Material::Token(key) => return key.encrypt(padding, plain),
            Material::Public(PublicKey::Rsa(public)) => public,
            Material::Public(_) => return Err(unsupported(format!("{} does not encrypt", self.id()))),
        };
        let encrypted = encrypt_here(public, padding, plain, self.id())?;
        encrypted.ok_or_else(|| unsupported("there is no arithmetic here for so large a public exponent".to_owned()))
    }

    /// Whether it is an RSA key that encrypts, with a padding of such.
    fn check_encrypts(&self, padding: &CipherPadding<'_>) -> Result<(), crate::Error> {
        if !self.row().encrypts() {
            return Err(unsupported(format!("{} does not encrypt", self.id())));
        }
        if *padding == CipherPadding::Block {
            return Err(invalid("RSA is no block cipher"));
        }
        Ok(())
    }
}

/// Whether the data are as long as the mode takes them; and whether what comes out is longer by padding.
fn check_blocks(
    cipher: Cipher,
    mode: ChainingMode,
    way: Direction,
    padding: &CipherPadding<'_>,
    len: usize,
) -> Result<bool, crate::Error> {
    let padded = match padding {
        CipherPadding::None => false,
        CipherPadding::Block => true,
        CipherPadding::Pkcs1 | CipherPadding::Oaep { .. } => return Err(invalid("this padding is one of RSA")),
    };
    let is_whole = len.is_multiple_of(cipher.block());
    match (mode, padded) {
        (ChainingMode::Ecb | ChainingMode::Cbc, true) if way == Direction::Encrypt => Ok(true),
        (ChainingMode::Ecb | ChainingMode::Cbc, _) if is_whole => Ok(false),
        (ChainingMode::Ecb | ChainingMode::Cbc, _) => {
            let what = format!("{len} bytes are not whole blocks of {}", cipher.block());
            Err(refused(Status::STATUS_INVALID_BUFFER_SIZE, what))
        }
        (ChainingMode::Cfb, false) => Ok(false),
        (ChainingMode::Ccm | ChainingMode::Gcm, false) => {
            Err(invalid(format!("{} wants what is authenticated beside the data", mode.name())))
        }
        (ChainingMode::Cfb | ChainingMode::Ccm | ChainingMode::Gcm, true) => {
            Err(invalid(format!("{} takes any length, and no padding", mode.name())))
        }
    }
}

/// The last block of what was chained so far.
fn following(vector: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let new = ciphertext.len().min(vector.len());
    let (old, last) = (vector.get(new..), ciphertext.get(ciphertext.len() - new..));
    [old.unwrap_or_default(), last.unwrap_or_default()].concat()
}

/// What does not decrypt, as BCrypt says it.
fn as_bcrypt(error: crate::Error) -> crate::Error {
    let status = match &error {
        crate::Error::Provider(Error::Decryption { fault: Fault::Tag, .. }) => Status::STATUS_AUTH_TAG_MISMATCH,
        crate::Error::Provider(Error::Decryption { fault: Fault::Padding, .. }) => Status::STATUS_DATA_ERROR,
        crate::Error::Provider(Error::Length { .. }) => Status::STATUS_INVALID_BUFFER_SIZE,
        _ => return error,
    };
    refused(status, error.to_string())
}
