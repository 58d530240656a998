//! Password-based encryption: PBES2 (RFC 8018 §6.2) and the PKCS#12 schemes with triple DES (RFC 7292 appendix C), both ways; with RC2, to read.
//!
//! | | read | written |
//! |---|---|---|
//! | PBES2, PBKDF2 with HMAC-SHA-1, -224, -256, -384, -512 | yes | yes |
//! | PBES2, scrypt (RFC 7914 §7) | yes | no |
//! | … around AES-128, -192, -256 or triple DES in CBC mode | yes | yes |
//! | pbeWithSHAAnd3-KeyTripleDES-CBC, as Windows' own export writes it | yes | yes |
//! | pbeWithSHAAnd2-KeyTripleDES-CBC | yes | no |
//! | pbeWithSHAAnd40BitRC2-CBC, under which old programs put certificates, and pbeWithSHAAnd128BitRC2-CBC | yes | no |
//! | PBES1, and everything else with RC2, RC4, DES or MD5 | refused by its name | no |
//!
//! Owns `EncryptedPrivateKeyInfo`, and the bound on the work that a file may demand ([`Limits`]): what goes beyond it is refused before
//! any of it is done. Keys are derived into wiped buffers; what scrypt works on besides its key is the `scrypt` crate's and not wiped.

mod cipher;
mod encryption;
mod hash;
mod limits;
mod pbes2;
mod pkcs12;

use ::spki::AlgorithmIdentifierRef;
use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};

use super::{Error, encode_secret};
use crate::secret::SecretBytes;

pub use self::cipher::Cipher;
pub use self::encryption::{Encryption, Scheme};
pub use self::hash::Hash;
pub(super) use self::limits::Budget;
pub use self::limits::{Limits, Opening};
pub(super) use self::pkcs12::Password;
#[cfg(feature = "pfx")]
pub(super) use self::{
    hash::with_hash,
    pbes2::Pbkdf2,
    pkcs12::{ID_MAC, derive as pkcs12_derive},
};

const WHAT: &str = "EncryptedPrivateKeyInfo";

/// Schemes, ciphers and functions that are known and refused (RFC 8018 appendix C, RFC 7292 appendix C, RFC 5084), for the message.
const REFUSED: &[(&str, &str)] = &[
    ("1.2.840.113549.1.5.1", "pbeWithMD2AndDES-CBC"),
    ("1.2.840.113549.1.5.3", "pbeWithMD5AndDES-CBC"),
    ("1.2.840.113549.1.5.4", "pbeWithMD2AndRC2-CBC"),
    ("1.2.840.113549.1.5.6", "pbeWithMD5AndRC2-CBC"),
    ("1.2.840.113549.1.5.10", "pbeWithSHA1AndDES-CBC"),
    ("1.2.840.113549.1.5.11", "pbeWithSHA1AndRC2-CBC"),
    ("1.2.840.113549.1.12.1.1", "pbeWithSHAAnd128BitRC4"),
    ("1.2.840.113549.1.12.1.2", "pbeWithSHAAnd40BitRC4"),
    ("1.2.840.113549.2.5", "MD5"),
    ("1.2.840.113549.2.6", "hmacWithMD5"),
    ("1.2.840.113549.3.2", "RC2-CBC"),
    ("1.2.840.113549.3.9", "RC5-CBC-Pad"),
    ("1.3.14.3.2.7", "DES-CBC"),
    ("2.16.840.1.101.3.4.1.6", "AES-128-GCM"),
    ("2.16.840.1.101.3.4.1.26", "AES-192-GCM"),
    ("2.16.840.1.101.3.4.1.46", "AES-256-GCM"),
];

#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    data: &'a OctetStringRef,
}

/// A scheme as a file states it, with its parameters. To have one is to have paid for it from the [`Budget`].
pub(super) enum Parameters<'a> {
    Pbes2(pbes2::Parameters<'a>),
    Pkcs12(pkcs12::Parameters<'a>),
}

impl<'a> Parameters<'a> {
    pub(super) fn read(algorithm: &AlgorithmIdentifierRef<'a>, budget: &mut Budget) -> Result<Self, Error> {
        if algorithm.oid == pbes2::PBES2 {
            return Ok(Self::Pbes2(pbes2::Parameters::read(algorithm, budget)?));
        }
        match pkcs12::Kind::by_oid(algorithm.oid) {
            Some(kind) => Ok(Self::Pkcs12(pkcs12::Parameters::read(kind, algorithm, budget)?)),
            None => Err(refused(algorithm.oid)),
        }
    }

    /// Decrypts; wrong padding is a wrong password.
    pub(super) fn decrypt(&self, password: &Password<'_>, data: &[u8]) -> Result<SecretBytes, Error> {
        match self {
            Self::Pbes2(parameters) => parameters.decrypt(password.bytes(), data),
            Self::Pkcs12(parameters) => parameters.decrypt(password, data),
        }
    }
}

/// What was encrypted, and the DER of the `AlgorithmIdentifier` that says how.
pub(super) struct Sealed {
    algorithm: Vec<u8>,
    data: Vec<u8>,
}

impl Sealed {
    pub(super) fn algorithm(&self) -> Result<AlgorithmIdentifierRef<'_>, Error> {
        super::decode("AlgorithmIdentifier", &self.algorithm)
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }
}

/// Encrypts under a fresh salt and IV.
pub(super) fn seal(plain: &[u8], password: &SecretBytes, encryption: Encryption) -> Result<Sealed, Error> {
    check_iterations(encryption)?;
    match encryption.scheme {
        Scheme::Pbes2 { hash, cipher } => pbes2::seal(plain, password, hash, cipher, encryption.iterations),
        Scheme::Pkcs12TripleDes => pkcs12::seal(plain, &Password::new(password)?, encryption.iterations),
    }
}

/// Encrypts a `PrivateKeyInfo` under a UTF-8 password.
///
/// # Errors
/// [`Error::Invalid`] without iterations or for a password that the scheme cannot take, [`Error::Random`].
pub fn encrypt(plain: &[u8], password: &SecretBytes, encryption: Encryption) -> Result<SecretBytes, Error> {
    let sealed = seal(plain, password, encryption)?;
    enclose(sealed.algorithm()?, sealed.data())
}

fn enclose(algorithm: AlgorithmIdentifierRef<'_>, data: &[u8]) -> Result<SecretBytes, Error> {
    let data = OctetStringRef::new(data).map_err(|error| Error::encoding(WHAT, error))?;
    encode_secret(&EncryptedPrivateKeyInfo { algorithm, data })
}

fn check_iterations(encryption: Encryption) -> Result<(), Error> {
    if encryption.iterations > 0 {
        return Ok(());
    }
    Err(Error::Invalid { what: "the password-based encryption", problem: "no iterations are asked for" })
}

/// A key that PBES2 makes of a password, for whoever encrypts or decrypts elsewhere: a token.
#[derive(Clone, Debug)]
pub struct PasswordKey {
    /// The cipher, in CBC mode with PKCS#7 padding.
    pub cipher: Cipher,
    /// Its key.
    pub key: SecretBytes,
    /// Its initialisation vector.
    pub iv: Vec<u8>,
}

/// A fresh key of a password, and how a file says so.
#[derive(Clone, Debug)]
pub struct FreshKey {
    /// The key.
    pub key: PasswordKey,
    algorithm: Vec<u8>,
}

impl FreshKey {
    /// The `EncryptedPrivateKeyInfo` around what was encrypted under the key.
    ///
    /// # Errors
    /// [`Error`] for what is too long for DER.
    pub fn enclose(&self, data: &[u8]) -> Result<SecretBytes, Error> {
        enclose(super::decode("AlgorithmIdentifier", &self.algorithm)?, data)
    }
}

/// A fresh key for an `EncryptedPrivateKeyInfo` whose content is encrypted elsewhere.
///
/// # Errors
/// [`Error::Scheme`] for another scheme than PBES2, [`Error::Invalid`] without iterations, [`Error::Random`].
pub fn fresh_key(password: &SecretBytes, encryption: Encryption) -> Result<FreshKey, Error> {
    let Scheme::Pbes2 { hash, cipher } = encryption.scheme else {
        return Err(Error::Scheme { what: format!("{}, which is not PBES2,", encryption.scheme.name()) });
    };
    check_iterations(encryption)?;
    let (key, algorithm) = pbes2::fresh(password, hash, cipher, encryption.iterations)?;
    Ok(FreshKey { key, algorithm })
}

/// The cipher of an `EncryptedPrivateKeyInfo` under PBES2; `None` for another scheme. No work is done for it.
///
/// # Errors
/// As [`password_key`].
pub fn password_cipher(der: &[u8], limits: Limits) -> Result<Option<Cipher>, Error> {
    match encrypted_parts(super::decode(WHAT, der)?, &mut Budget::new(limits))?.0 {
        Parameters::Pbes2(parameters) => Ok(Some(parameters.cipher())),
        Parameters::Pkcs12(_) => Ok(None),
    }
}

/// The key and the encrypted `PrivateKeyInfo` of an `EncryptedPrivateKeyInfo`; `None` for another scheme than PBES2.
///
/// # Errors
/// [`Error`] as [`pkcs8::read`](super::pkcs8::read), but for the password: whether it is right shows only when something was decrypted.
pub fn password_key<'a>(der: &'a [u8], opening: Opening<'_>) -> Result<Option<(PasswordKey, &'a [u8])>, Error> {
    match encrypted_parts(super::decode(WHAT, der)?, &mut Budget::new(opening.limits))? {
        (Parameters::Pbes2(parameters), data) => {
            let password = opening.password.ok_or(Error::PasswordMissing)?;
            Ok(Some((parameters.derive(Password::for_reading(password).bytes())?, data)))
        }
        (Parameters::Pkcs12(_), _) => Ok(None),
    }
}

/// Opens an `EncryptedPrivateKeyInfo`. The password is missed only once everything else is right.
pub(super) fn decrypt(der: &[u8], opening: Opening<'_>) -> Result<SecretBytes, Error> {
    let (parameters, data) = encrypted_parts(super::decode(WHAT, der)?, &mut Budget::new(opening.limits))?;
    let password = opening.password.ok_or(Error::PasswordMissing)?;
    parameters.decrypt(&Password::for_reading(password), data)
}

/// Takes an `EncryptedPrivateKeyInfo` apart.
pub(super) fn encrypted_parts<'a>(der: AnyRef<'a>, budget: &mut Budget) -> Result<(Parameters<'a>, &'a [u8]), Error> {
    let info: EncryptedPrivateKeyInfo<'a> = der.decode_as().map_err(|error| Error::from((WHAT, error)))?;
    Ok((Parameters::read(&info.algorithm, budget)?, info.data.as_bytes()))
}

/// The refusal of something by its name, if it has one.
pub(super) fn refused(oid: ObjectIdentifier) -> Error {
    Error::Scheme { what: name_of(oid) }
}

/// The name of something that is refused, or its OID.
pub(super) fn name_of(oid: ObjectIdentifier) -> String {
    let text = oid.to_string();
    let name = REFUSED.iter().find(|(known, _)| *known == text).map(|(_, name)| *name);
    name.map_or_else(|| format!("OID {text}"), str::to_owned)
}

/// The parameters of an algorithm, as the structure that they must be.
pub(super) fn parameters<'a, T>(what: &'static str, algorithm: &AlgorithmIdentifierRef<'a>) -> Result<T, Error>
where
    T: der::Choice<'a, Error = der::Error> + der::DecodeValue<'a, Error = der::Error>,
{
    let parameters = algorithm.parameters.ok_or(Error::Invalid { what, problem: "they are missing" })?;
    parameters.decode_as().map_err(|error| Error::from((what, error)))
}

/// Refuses parameters other than NULL and none at all: those that hash functions and HMACs have.
pub(super) fn no_parameters(what: &'static str, algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), Error> {
    match algorithm.parameters {
        None => Ok(()),
        Some(parameters) if parameters == AnyRef::NULL => Ok(()),
        Some(_) => Err(Error::Invalid { what, problem: "its parameters are not NULL" }),
    }
}

/// Fresh random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
