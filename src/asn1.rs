//! DER structures that hold keys: PKCS#8, PKCS#1, SEC 1, SubjectPublicKeyInfo.
//!
//! Owns the mapping between those and [`key`](crate::key). Parsing and writing DER itself is the RustCrypto crates' work. Secret
//! output goes into one exact, wiped allocation. Never sees a CNG header or a token.

pub mod certificate;
pub mod ecdsa;
mod error;
mod pbe;
pub mod pkcs1;
pub mod pkcs8;
pub mod sec1;
pub mod spki;

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode, Reader, SliceReader};

use crate::secret::SecretBytes;

pub use self::error::Error;
pub use self::pbe::{Encryption, encrypt};

/// RFC 8017 appendix C: `rsaEncryption`.
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480 §2.1.1: `id-ecPublicKey`.
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

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

/// Reads the first PEM section of a text. What stands before and after it, like the attributes that `openssl pkcs12` writes, is passed over, as
/// RFC 7468 §2 and §5.2 have it. The contents are wiped on drop.
fn decode_pem(text: &[u8]) -> Result<(&str, SecretBytes), Error> {
    const DASHES: &[u8] = b"-----";
    let find = |from: usize, wanted: &[u8]| {
        let rest = text.get(from..).unwrap_or_default();
        rest.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
    };
    let section = || {
        let begin = find(0, b"-----BEGIN ")?;
        let end = find(begin, b"-----END ")? + DASHES.len();
        text.get(begin..find(end, DASHES)? + DASHES.len())
    };
    let malformed = Error::Invalid { what: "PEM", problem: "it is not well-formed (RFC 7468)" };
    match section().map(der::pem::decode_vec) {
        Some(Ok((label, der))) => Ok((label, SecretBytes::from(der))),
        _ => Err(malformed),
    }
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
