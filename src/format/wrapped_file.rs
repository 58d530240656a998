//! Files in which other PKCS#11 tools keep a wrapped key: those of Mastercard's pkcs11-tools (`p11wrap`) and of IBM openCryptoki's `p11sak
//! wrap-key`.
//!
//! Owns their recognition, what they say about the key inside and about its wrapping, and the wrapped bytes. It opens nothing: that needs the
//! key-encryption key, which is a token's, and belongs to the layers above. Refuses by name, with its line, every word that it does not
//! understand: a wrapping that is guessed is a key that is lost. What it understands and no CNG key can hold (dates, templates, allowed
//! mechanisms) is listed beside the key ([`WrappedFile::extras`]).
//!
//! | file | structure | where |
//! |---|---|---|
//! | `p11wrap` | `Content-Type: application/pkcs11-tools`, attributes, PEM-like blocks; grammar up to version 2.3 | `pkcs11_tools` |
//! | `p11sak wrap-key` | PEM `P11SAK WRAPPED KEY` with headers; openCryptoki from 3.26 on | `p11sak` |
//!
//! Not recognised here: raw files (`p11sak --raw`), which are the wrapped bytes and nothing else; and the JWK of `p11wrap -J`, which has the
//! wrapped bytes where a JWK has the key, and need not say so.

mod p11sak;
mod pkcs11_tools;

use super::{Error, MAX_KEYS};
use crate::key::rsa::Hash;
use crate::key::{Algorithm, Curve, Family, KeyUsage, PublicKey, SymmetricAlgorithm};

/// What kind of object is wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// A private key: PKCS#8 is what was wrapped.
    Private,
    /// A secret key: its bytes are what was wrapped.
    Secret,
}

/// The parameters of RSAES-OAEP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Oaep {
    /// The hash of the label.
    pub hash: Hash,
    /// The hash of MGF1.
    pub mgf_hash: Hash,
    /// The label, which PKCS#11 calls the source; most often empty.
    pub label: Vec<u8>,
}

/// How one part of a file is wrapped.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scheme {
    /// AES-CBC with PKCS#7 padding (`CKM_AES_CBC_PAD`).
    AesCbcPad {
        /// The initialisation vector.
        iv: [u8; 16],
    },
    /// AES key wrap, RFC 3394 (`CKM_AES_KEY_WRAP`).
    AesKw,
    /// AES key wrap with padding, RFC 5649 (`CKM_AES_KEY_WRAP_KWP`, `CKM_AES_KEY_WRAP_PAD`).
    AesKwp,
    /// RFC 3394 over the key padded as in PKCS#7 to a multiple of eight bytes (`CKM_AES_KEY_WRAP_PKCS7`).
    AesKwPkcs7,
    /// An AES key under RSA-OAEP, as long as the RSA modulus, and behind it the key under that AES key, RFC 5649 (`CKM_RSA_AES_KEY_WRAP`).
    RsaAesKeyWrap {
        /// Bits of the AES key.
        aes_bits: u32,
        /// How the AES key is wrapped.
        oaep: Oaep,
    },
    /// RSAES-OAEP (`CKM_RSA_PKCS_OAEP`).
    RsaOaep(Oaep),
    /// RSAES-PKCS1-v1_5 (`CKM_RSA_PKCS`).
    RsaPkcs1,
}

/// Wrapped bytes and their scheme.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// The scheme.
    pub scheme: Scheme,
    /// The bytes, which nobody can read without the key-encryption key.
    pub bytes: Vec<u8>,
}

/// The wrapping of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wrapping {
    /// The key under the key-encryption key.
    Direct(Part),
    /// An AES key under the key-encryption key, and the key under that AES key.
    Envelope {
        /// The AES key, under an RSA key.
        outer: Part,
        /// The key, under the AES key.
        inner: Part,
    },
}

/// A wrapped key with what its file says of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WrappedFile {
    /// The program that wrote it.
    pub tool: &'static str,
    /// What kind of object is wrapped.
    pub class: Class,
    /// Its algorithm; of an elliptic-curve key with the curve where the file names it.
    pub algorithm: Option<Algorithm>,
    /// `CKA_LABEL`.
    pub label: Option<String>,
    /// `CKA_ID`.
    pub id: Option<Vec<u8>>,
    /// The label of the key-encryption key.
    pub kek_label: Option<String>,
    /// What the key may do, of what its algorithm can.
    pub usage: Option<KeyUsage>,
    /// `CKA_SENSITIVE`.
    pub sensitive: Option<bool>,
    /// `CKA_EXTRACTABLE`: what the unwrapped key shall have. `p11wrap` always writes false, whatever the key had.
    pub extractable: Option<bool>,
    /// The public half.
    pub public: Option<PublicKey>,
    /// The wrapping, with the wrapped bytes.
    pub wrapping: Wrapping,
    /// What else the file says that is no part of a CNG key, by its name there.
    pub extras: Vec<String>,
}

/// Whether these bytes are such a file. Files of `p11wrap` quote PEM in their comments: ask this before asking for PEM.
pub fn is_wrapped_file(bytes: &[u8]) -> bool {
    pkcs11_tools::recognise(bytes) || p11sak::recognise(bytes)
}

/// Reads a file with one wrapped key.
///
/// # Errors
/// [`Error::Unrecognised`] for what is no such file, [`Error::SeveralKeys`] when there are several, [`Error::Text`] and others with what is wrong.
pub fn decode(bytes: &[u8]) -> Result<WrappedFile, Error> {
    let mut all = decode_all(bytes)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(Error::Empty),
        (Some(last), false) => {
            all.push(last);
            Err(Error::SeveralKeys { keys: all.iter().zip(1_usize..).map(|(one, at)| one.describe(at)).collect() })
        }
    }
}

/// Reads every wrapped key of a file: `p11sak` puts one behind the other.
///
/// # Errors
/// As [`decode`].
pub fn decode_all(bytes: &[u8]) -> Result<Vec<WrappedFile>, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    if pkcs11_tools::recognise(bytes) {
        return pkcs11_tools::decode(bytes).map(|one| vec![one]);
    }
    if p11sak::recognise(bytes) {
        return p11sak::decode_all(bytes);
    }
    Err(Error::Unrecognised { len: bytes.len(), candidates: Vec::new() })
}

impl WrappedFile {
    /// How messages call it.
    fn describe(&self, number: usize) -> String {
        let kind = self.algorithm.map_or_else(|| "a key".to_owned(), |algorithm| format!("{algorithm}, wrapped"));
        format!("{number} ({kind})")
    }
}

/// A text with its name, which makes errors that tell the line.
#[derive(Clone, Copy)]
struct Source<'a> {
    format: &'static str,
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    /// An error at an offset. Lines are counted only when there is one to be told, so that reading stays one pass.
    fn error(self, field: &str, offset: usize, problem: &'static str) -> Error {
        let before = self.bytes.get(..offset).unwrap_or(self.bytes);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let field = format!("line {line}: {}", super::entry::printable(field));
        Error::Text { format: self.format, field, offset, problem }
    }

    fn from(self, offset: usize) -> &'a [u8] {
        self.bytes.get(offset..).unwrap_or_default()
    }
}

/// What a tool's name of a key type stands for.
#[derive(Clone, Copy)]
enum KeyType {
    Known(Family),
    /// Known for what it is, and no CNG key.
    Foreign,
}

impl KeyType {
    const AES: Self = Self::Known(Family::Symmetric(SymmetricAlgorithm::Aes));
    const HMAC: Self = Self::Known(Family::Symmetric(SymmetricAlgorithm::Hmac));
    const TRIPLE_DES: Self = Self::Known(Family::Symmetric(SymmetricAlgorithm::TripleDes));

    /// The family in a table of names, which are the same in any case.
    fn by_name(table: &[(&str, Self)], name: &str) -> Result<Family, &'static str> {
        match table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, Self::Known(family))) => Ok(*family),
            Some((_, Self::Foreign)) => Err("keys of this type are no CNG keys"),
            None => Err("this key type is not known"),
        }
    }
}

fn class_of(family: Family) -> Class {
    if matches!(family, Family::Symmetric(_)) { Class::Secret } else { Class::Private }
}

/// The algorithm of a family, of which PKCS#11 does not tell ECDSA from ECDH.
fn algorithm(family: Family, curve: Option<&'static Curve>, usage: Option<KeyUsage>) -> Algorithm {
    let usage = usage.unwrap_or(KeyUsage::SIGN);
    match (family, curve) {
        (Family::Ecdsa, Some(curve)) => Algorithm::elliptic_by_usage(curve, usage),
        (Family::Eddsa | Family::Ecdh, Some(curve)) => Algorithm::elliptic(family, curve),
        (Family::Ecdsa, None) if usage.contains(KeyUsage::AGREE) && !usage.contains(KeyUsage::SIGN) => {
            Algorithm::of(Family::Ecdh)
        }
        (family, _) => Algorithm::of(family),
    }
}

/// Whether bytes of this length can come out of a scheme; what is wrong with them if not.
fn check_length(scheme: &Scheme, len: usize) -> Result<(), &'static str> {
    let (multiple, least, problem) = match scheme {
        Scheme::AesCbcPad { .. } => (16, 16, "AES-CBC makes a multiple of 16 bytes"),
        Scheme::AesKw | Scheme::AesKwPkcs7 => (8, 24, "AES key wrap makes a multiple of 8 bytes, at least 24"),
        Scheme::AesKwp => (8, 16, "AES key wrap with padding makes a multiple of 8 bytes, at least 16"),
        Scheme::RsaAesKeyWrap { .. } | Scheme::RsaOaep(_) | Scheme::RsaPkcs1 => {
            (1, 64, "RSA makes more bytes than these")
        }
    };
    if len >= least && len.is_multiple_of(multiple) { Ok(()) } else { Err(problem) }
}
