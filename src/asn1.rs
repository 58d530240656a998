//! DER structures that hold keys: PKCS#8, PKCS#1, SEC 1, SubjectPublicKeyInfo, domain parameters, certificates, PKCS#12, CMS
//! EnvelopedData; and PEM around them.
//!
//! Owns the mapping between those and [`key`](crate::key). Parsing and writing DER itself is the RustCrypto crates' work; only BER is made
//! DER for PKCS#12 and CMS here. Secret
//! output goes into one exact, wiped allocation. Never sees a CNG header or a token.

mod algorithm;
mod ber;
pub mod certificate;
pub mod certificates;
pub mod cms;
pub mod dh;
pub mod dsa;
pub mod ec_parameters;
pub mod ecdsa;
mod error;
mod identifiers;
mod key_usage;
mod pbe;
pub mod pem;
#[cfg(feature = "pfx")]
pub mod pfx;
pub mod pkcs1;
pub mod pkcs8;
mod pq;
pub mod sec1;
pub mod spki;
pub mod transport;

use std::fmt;

use der::asn1::UintRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber};

use crate::key::KeyUsage;
use crate::secret::SecretBytes;

pub use self::algorithm::Domain;
pub use self::error::Error;
pub use self::identifiers::{Identifier, identifiers};
pub use self::pbe::{
    Cipher, Encryption, FreshKey, Hash, Limits, Opening, PasswordKey, Scheme, encrypt, fresh_key, password_cipher,
    password_key,
};

/// A context-specific tag.
const fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

/// A key, and what the structure that held it says about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contents<K> {
    /// The key.
    pub key: K,
    /// What it may be used for, where that is said.
    pub usage: Option<KeyUsage>,
    /// What is lost when the key is taken out.
    pub losses: Vec<Loss>,
}

impl<K> Contents<K> {
    /// A key of which nothing else is said.
    pub(crate) fn plain(key: K) -> Self {
        Self { key, usage: None, losses: Vec::new() }
    }

    /// The same, of another kind of key.
    pub fn map<L>(self, then: impl FnOnce(K) -> L) -> Contents<L> {
        Contents { key: then(self.key), usage: self.usage, losses: self.losses }
    }
}

/// What a structure says and a key cannot carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// PKCS#8 has attributes besides keyUsage.
    Attributes,
    /// The curve is described by its numbers. It is known, and will be named.
    ExplicitCurve,
    /// An RSA key that is for RSAES-OAEP only (`id-RSAES-OAEP`, RFC 8017 appendix C).
    OaepOnly,
    /// An RSA key that is for RSASSA-PSS only (`id-RSASSA-PSS`, RFC 8017 appendix C).
    PssOnly,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attributes => "attributes beside the key",
            Self::ExplicitCurve => "the description of the curve, which is written by its name",
            Self::OaepOnly => "that the key is for RSAES-OAEP only, with its parameters",
            Self::PssOnly => "that the key is for RSASSA-PSS only, with its parameters",
        })
    }
}

/// Writes a structure into one exact, wiped allocation.
fn encode_secret(value: &(impl Encode + ?Sized)) -> Result<SecretBytes, Error> {
    let wrong = |error| Error::encoding("a DER structure", error);
    let len = value.encoded_len().and_then(usize::try_from).map_err(wrong)?;
    let mut out = SecretBytes::zeroed(len);
    value.encode_to_slice(out.as_mut_slice()).map_err(wrong)?;
    Ok(out)
}

/// Reads one whole structure.
fn decode<'a, T: Decode<'a>>(what: &'static str, der: &'a [u8]) -> Result<T, Error>
where
    Error: From<(&'static str, T::Error)>,
{
    T::from_der(der).map_err(|error| Error::from((what, error)))
}

/// Reads one INTEGER that is not negative, without its leading zero byte.
fn decode_uint<'a>(what: &'static str, der: &'a [u8]) -> Result<&'a [u8], Error> {
    decode::<UintRef<'_>>(what, der).map(|number| number.as_bytes())
}

/// Writes one INTEGER.
fn encode_uint(number: &[u8]) -> Result<SecretBytes, Error> {
    encode_secret(&uint(number)?)
}

fn uint(number: &[u8]) -> Result<UintRef<'_>, Error> {
    UintRef::new(number).map_err(|error| Error::encoding("INTEGER", error))
}

/// The length of the outermost TLV at the start of `bytes`, its header counted; `None` if there is no complete one.
///
/// Tokens that pad what they wrap leave zero bytes behind a PKCS#8 structure: this tells where it really ends.
pub fn outer_length(bytes: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let header = der::Header::decode(&mut reader).ok()?;
    let total = (reader.position() + header.length()).ok()?;
    usize::try_from(total).ok().filter(|total| *total <= bytes.len())
}
