//! `NCryptEncrypt` and `NCryptDecrypt`, and what BCrypt does with a symmetric key: RSA, the block ciphers in their modes, and authenticated encryption.
//!
//! RSA encrypts here, where there is arithmetic for the public exponent, else on the token; it decrypts on the token alone. PKCS#7 padding (`BCRYPT_BLOCK_PADDING`) is put on
//! and taken off here, over whole blocks that the token encrypts: it is the same with every mode and on every token.
//!
//! | | mechanism | iv or nonce |
//! |---|---|---|
//! | RSA without padding | CKM_RSA_X_509 | |
//! | RSA, PKCS#1 v1.5 and OAEP | CKM_RSA_PKCS, CKM_RSA_PKCS_OAEP | |
//! | ECB | CKM_AES_ECB, CKM_DES3_ECB | none |
//! | CBC | CKM_AES_CBC, CKM_DES3_CBC | one block |
//! | CFB, of AES alone: eight bits at a time, as CNG does unless it is told otherwise | CKM_AES_CFB8 | one block |
//! | GCM, CCM, of AES | CKM_AES_GCM, CKM_AES_CCM | 12 bytes; 7 to 13 bytes |
//!
//! Refused: what the usage does not allow (`NTE_PERM`), lengths that the mode does not take, a mode that the token does not have (`NTE_NOT_SUPPORTED`). What does not decrypt
//! under RSA is one error whichever step failed.

mod symmetric;

use super::{Error, Fault, Key, Ready};
use crate::key::rsa::Hash;
use crate::key::{Family, KeyUsage, PublicKey, rsa};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::token::mechanism::{CKM_RSA_PKCS, CKM_RSA_X_509, Mechanism};
use crate::token::{self, refusal};

/// How data are padded: `BCRYPT_OAEP_PADDING_INFO` and the flags `NCRYPT_NO_PADDING_FLAG`, `NCRYPT_PAD_PKCS1_FLAG`, `NCRYPT_PAD_OAEP_FLAG`, `NCRYPT_PAD_CIPHER_FLAG`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CipherPadding<'a> {
    /// Not at all: as many bytes as the modulus has, or whole blocks.
    None,
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
    /// RSAES-OAEP with MGF1 over the same hash.
    Oaep {
        /// The hash.
        hash: Hash,
        /// The label, usually empty.
        label: &'a [u8],
    },
    /// PKCS#7 padding of a block cipher (`BCRYPT_BLOCK_PADDING`).
    Block,
}

/// `BCRYPT_CHAINING_MODE`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChainingMode {
    /// `BCRYPT_CHAIN_MODE_ECB`
    Ecb,
    /// `BCRYPT_CHAIN_MODE_CBC`
    Cbc,
    /// `BCRYPT_CHAIN_MODE_CFB`
    Cfb,
    /// `BCRYPT_CHAIN_MODE_CCM`
    Ccm,
    /// `BCRYPT_CHAIN_MODE_GCM`
    Gcm,
}

impl ChainingMode {
    /// Every mode.
    pub const ALL: [Self; 5] = [Self::Ecb, Self::Cbc, Self::Cfb, Self::Ccm, Self::Gcm];

    /// The mode of this value of the property `ChainingMode`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// The value of the property `ChainingMode`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecb => "ChainingModeECB",
            Self::Cbc => "ChainingModeCBC",
            Self::Cfb => "ChainingModeCFB",
            Self::Ccm => "ChainingModeCCM",
            Self::Gcm => "ChainingModeGCM",
        }
    }

    /// Whether it authenticates what it encrypts.
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Ccm | Self::Gcm)
    }

    /// Lengths of the tag that it has: the shortest, the longest, and the step between two.
    pub const fn tag_lengths(self) -> Option<(usize, usize, usize)> {
        match self {
            Self::Gcm => Some((12, 16, 1)),
            Self::Ccm => Some((4, 16, 2)),
            _ => None,
        }
    }
}

/// What stands beside the data of authenticated encryption (`BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Authenticated<'a> {
    /// The nonce: 12 bytes for GCM, 7 to 13 for CCM. Never the same twice under one key.
    pub nonce: &'a [u8],
    /// Data that is authenticated and not encrypted.
    pub additional: &'a [u8],
}

/// Which way data go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// `NCryptEncrypt`
    Encrypt,
    /// `NCryptDecrypt`
    Decrypt,
}

impl Key {
    /// How many bytes come out at most of so many, without asking the token: of RSA as many as the modulus has, of a block cipher with padding up to a block more.
    ///
    /// # Errors
    /// `NTE_INVALID_PARAMETER` when the padding does not fit the key, `NTE_BAD_KEY_STATE` before finalize.
    pub fn output_length(
        &self,
        way: Direction,
        padding: &CipherPadding<'_>,
        len: usize,
    ) -> Result<usize, crate::Error> {
        self.finalized()?;
        match (self.algorithm().map(|algorithm| algorithm.family), padding) {
            (Some(Family::Rsa), CipherPadding::None | CipherPadding::Pkcs1 | CipherPadding::Oaep { .. }) => {
                Ok(self.bits().ok_or_else(|| self.misfit())?.div_ceil(8) as usize)
            }
            (Some(Family::Symmetric(algorithm)), CipherPadding::None | CipherPadding::Block) => {
                let block = algorithm.block_len().ok_or_else(|| self.misfit())?;
                let grows = *padding == CipherPadding::Block && way == Direction::Encrypt;
                Ok(if grows { (len / block + 1) * block } else { len })
            }
            _ => Err(self.misfit().into()),
        }
    }

    /// Encrypts to an RSA key, which needs its public half alone.
    ///
    /// # Errors
    /// `NTE_INVALID_PARAMETER` for data that do not fit or a padding that does not, `NTE_NOT_SUPPORTED` for a key that does not encrypt.
    pub fn encrypt(&self, padding: &CipherPadding<'_>, plain: &[u8]) -> Result<Vec<u8>, crate::Error> {
        let ready = self.used()?;
        let PublicKey::Rsa(public) = self.rsa_half()? else { return Err(self.misfit().into()) };
        let here = encrypt_here(&public, padding, plain, self.label())?;
        match (here, ready.public_object) {
            (Some(encrypted), _) => Ok(encrypted),
            // A public exponent beyond the arithmetic here.
            (None, Some(object)) => {
                let mechanism = self.rsa_mechanism(padding)?;
                Ok(self.token.encrypt(&mechanism, object, plain, public.n().len())?)
            }
            (None, None) => Err(self.cannot("encrypt").into()),
        }
    }

    /// Decrypts with an RSA key, on the token.
    ///
    /// # Errors
    /// `NTE_PERM` when the usage forbids it, `NTE_INVALID_PARAMETER` for data that are not as long as the modulus, `NTE_DECRYPTION_FAILURE` for what was not encrypted so.
    pub fn decrypt(&self, padding: &CipherPadding<'_>, data: &[u8]) -> Result<SecretBytes, crate::Error> {
        let ready = self.used()?;
        if self.algorithm().map(|algorithm| algorithm.family) != Some(Family::Rsa) {
            return Err(self.misfit().into());
        }
        let object = ready.private_object.ok_or_else(|| self.cannot("decrypt"))?;
        self.check_usage(ready, "decrypt")?;
        let mechanism = self.rsa_mechanism(padding)?;
        let width = self.bits().unwrap_or(0).div_ceil(8) as usize;
        if data.len() != width {
            let what = format!("the data have {} bytes, and `{}` decrypts {width}", data.len(), ready.label);
            return Err(Error::Contradiction { what }.into());
        }
        let pin = self.authorization(ready)?;
        let decrypted = self.told(self.token.decrypt_as(pin.as_ref(), &mechanism, object, data, width));
        let decrypted = decrypted.map_err(|error| self.concealed(error))?;
        match padding {
            // The width of the modulus, whether or not the token keeps the zero bytes in front.
            CipherPadding::None => {
                SecretBytes::left_padded(&decrypted, width).ok_or_else(|| self.fault(Fault::Rsa, None).into())
            }
            _ => Ok(decrypted),
        }
    }

    /// The public half of a key that is meant to be an RSA key.
    fn rsa_half(&self) -> Result<PublicKey, crate::Error> {
        match self.algorithm().map(|algorithm| algorithm.family) {
            Some(Family::Rsa) => self.public_key(),
            _ => Err(self.misfit().into()),
        }
    }

    fn rsa_mechanism<'m>(&self, padding: &CipherPadding<'m>) -> Result<Mechanism<'m>, crate::Error> {
        match *padding {
            CipherPadding::None => Ok(Mechanism::Plain(CKM_RSA_X_509)),
            CipherPadding::Pkcs1 => Ok(Mechanism::Plain(CKM_RSA_PKCS)),
            CipherPadding::Oaep { hash, label } => {
                // A token that knows no other hash than SHA-1 takes no label either.
                let known = self.token.profile().oaep;
                let takes =
                    known.is_none_or(|hashes| hashes.contains(&hash) && (label.is_empty() || hashes != [Hash::Sha1]));
                if !takes {
                    let asked =
                        if label.is_empty() { hash.name().to_owned() } else { format!("{} and a label", hash.name()) };
                    let token = &self.token.info().label;
                    let names: Vec<_> = known.unwrap_or_default().iter().map(|hash| hash.name()).collect();
                    let what = format!("token `{token}` has no RSA-OAEP with {asked}: it has {}", names.join(", "));
                    return Err(Error::Unsupported { what, ckr: None }.into());
                }
                Ok(Mechanism::Oaep { hash, label })
            }
            CipherPadding::Block => Err(self.misfit().into()),
        }
    }

    fn check_usage(&self, ready: &Ready, operation: &'static str) -> Result<(), Error> {
        if ready.usage.contains(KeyUsage::DECRYPT) {
            Ok(())
        } else {
            Err(Error::UsageForbids { name: ready.label.clone(), operation })
        }
    }

    fn fault(&self, fault: Fault, ckr: Option<Ckr>) -> Error {
        Error::Decryption { name: self.label().to_owned(), fault, ckr }
    }

    /// One error for whatever can be wrong with what was encrypted to an RSA key, without the token's word for it: that would tell a forger which step failed (RFC 8017 §7.1.2, §7.2.2).
    /// What does not depend on the data is the token's own.
    fn concealed(&self, error: token::Error) -> crate::Error {
        let is_about_call = |ckr: Ckr| {
            ckr == Ckr::MECHANISM_INVALID || refusal::is_about_session(ckr) || refusal::is_about_parameters(ckr)
        };
        match &error {
            token::Error::Pkcs11 { ckr, .. } if !is_about_call(*ckr) => self.fault(Fault::Rsa, None).into(),
            _ => error.into(),
        }
    }

    /// A refusal that is about the data says so; all others are the token's own.
    fn undecrypted(&self, fault: Fault, error: token::Error) -> crate::Error {
        let is_about_data = |ckr: Ckr| {
            let of_use = [Ckr::DATA_INVALID, Ckr::DATA_LEN_RANGE, Ckr::AEAD_DECRYPT_FAILED, Ckr::SIGNATURE_INVALID];
            refusal::is_about_data(ckr) || of_use.contains(&ckr)
        };
        match error.ckr() {
            Some(ckr) if is_about_data(ckr) => self.fault(fault, Some(ckr)).into(),
            _ => error.into(),
        }
    }
}

/// Encrypts to an RSA key, `None` where its public exponent is beyond the arithmetic here. `name` is what the key is called.
pub(super) fn encrypt_here(
    public: &rsa::PublicKey,
    padding: &CipherPadding<'_>,
    plain: &[u8],
    name: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let (width, len) = (public.n().len(), plain.len());
    let (fits, most) = match padding {
        CipherPadding::None => (len == width, width),
        CipherPadding::Pkcs1 => (len + 11 <= width, width.saturating_sub(11)),
        CipherPadding::Oaep { hash, .. } => {
            let most = public.oaep_capacity(*hash);
            (most.is_some_and(|most| len <= most), most.unwrap_or(0))
        }
        CipherPadding::Block => {
            return Err(Error::Contradiction { what: format!("this padding does not fit the key `{name}`") });
        }
    };
    if !fits {
        let exactly = if *padding == CipherPadding::None { "exactly" } else { "at most" };
        let what = format!("the data have {len} bytes, and `{name}` encrypts {exactly} {most} so");
        return Err(Error::Contradiction { what });
    }
    if *padding == CipherPadding::None && plain >= public.n() {
        return Err(Error::Contradiction { what: "the data are a number that is not below the modulus".into() });
    }
    Ok(match padding {
        CipherPadding::None => public.raw(plain),
        CipherPadding::Pkcs1 => public.encrypt_pkcs1(plain),
        CipherPadding::Oaep { hash, label } => public.encrypt_oaep(*hash, label, plain),
        CipherPadding::Block => None,
    })
}
