//! `NCryptBufferDesc`: what stands beside an import or an export, as NCrypt callers pass it.
//!
//! | number | name | content | import | export |
//! |---|---|---|---|---|
//! | 0 | `EMPTY` | | passed over | passed over |
//! | 41 | `PKCS_ALG_OID` | ANSI, an OID in numbers and dots | | PKCS#8: how it is encrypted under a password; PKCS#7: the content encryption |
//! | 42 | `PKCS_ALG_PARAM` | bytes | | PKCS#8 with the PKCS#12 scheme: `CRYPT_PKCS12_PBE_PARAMS` |
//! | 43 | `PKCS_ALG_ID` | wide, an algorithm's name | what a wrapped blob holds | |
//! | 45 | `PKCS_KEY_NAME` | wide | the key's name | |
//! | 46 | `PKCS_SECRET` | wide | the password | the password |
//! | 47 | `CERT_BLOB` | a serialized certificate store | PKCS#7: whose it is | PKCS#7: for whom it is |
//! | 60 | `ECC_CURVE_NAME` | wide | the curve of a generic blob | |
//! | 61 | `ECC_PARAMETERS` | `ECCParameters` | the same, described | |
//! | 96 | `PKCS_AES_KEY_BITS` | four bytes | RSA-AES: must be 256 | must be 256 |
//! | 97 | `PKCS_PADDING_ALGO` | wide, a hash | RSA-OAEP's hash | RSA-OAEP's hash |
//! | 98 | `PKCS_PADDING_LABEL` | bytes | RSA-OAEP's label | RSA-OAEP's label |
//!
//! The last three have their names from the Windows SDK and their meaning from the RSA-AES blob; Microsoft has not said more. Texts are taken with their NUL counted and without. A
//! buffer of another number, or twice the same, is refused. An IV for PKCS#7 is refused: it is fresh each time. Of the PKCS#12 parameters the iterations count; the salt is fresh as well.

use std::sync::Arc;

use super::export::ExportParameters;
use super::{Error, ImportParameters, KeyName};
use crate::asn1::cms::ContentCipher;
use crate::asn1::{Encryption, Scheme as PbeScheme};
use crate::blob::{BlobType, ecc_parameters};
use crate::format::cert_store;
use crate::key::rsa::Hash;
use crate::key::{Algorithm, Curve};
use crate::secret::SecretBytes;
use crate::wide;

/// `NCRYPTBUFFER_…`: the numbers of the buffers.
pub mod buffer {
    /// Passed over.
    pub const EMPTY: u32 = 0;
    /// How it is encrypted.
    pub const PKCS_ALG_OID: u32 = 41;
    /// The parameters of that.
    pub const PKCS_ALG_PARAM: u32 = 42;
    /// The algorithm of the key.
    pub const PKCS_ALG_ID: u32 = 43;
    /// The name of the key.
    pub const PKCS_KEY_NAME: u32 = 45;
    /// A password.
    pub const PKCS_SECRET: u32 = 46;
    /// A serialized certificate store.
    pub const CERT_BLOB: u32 = 47;
    /// The name of a curve.
    pub const ECC_CURVE_NAME: u32 = 60;
    /// The parameters of a curve.
    pub const ECC_PARAMETERS: u32 = 61;
    /// Bits of the AES key of RSA-AES key wrap.
    pub const PKCS_AES_KEY_BITS: u32 = 96;
    /// The hash of RSA-OAEP.
    pub const PKCS_PADDING_ALGO: u32 = 97;
    /// The label of RSA-OAEP.
    pub const PKCS_PADDING_LABEL: u32 = 98;
}

/// `NCryptBuffer`.
#[derive(Clone, Copy)]
pub struct Buffer<'a> {
    /// `BufferType`.
    pub kind: u32,
    /// `pvBuffer`, `cbBuffer` bytes of it.
    pub data: &'a [u8],
}

impl std::fmt::Debug for Buffer<'_> {
    /// A buffer may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("kind", &self.kind).field("length", &self.data.len()).finish()
    }
}

impl ImportParameters {
    /// What the buffers of an import say.
    ///
    /// # Errors
    /// `NTE_INVALID_PARAMETER` for a buffer that an import does not have, has twice, or that makes no sense.
    pub fn from_buffers(buffers: &[Buffer<'_>]) -> Result<Self, crate::Error> {
        let mut parameters = Self::default();
        for Buffer { kind, data } in once_each(buffers)? {
            match *kind {
                buffer::PKCS_ALG_ID => parameters.algorithm = Some(Algorithm::by_name(&text(*kind, data)?)?),
                buffer::PKCS_KEY_NAME => parameters.name = Some(KeyName::new(&text(*kind, data)?)?),
                buffer::PKCS_SECRET => parameters.password = password(data)?,
                buffer::CERT_BLOB => parameters.certificates = certificates(data)?,
                buffer::ECC_CURVE_NAME => parameters.curve = Some(Curve::by_name(&text(*kind, data)?)?),
                buffer::ECC_PARAMETERS => parameters.curve = Some(ecc_parameters::decode(data)?),
                buffer::PKCS_AES_KEY_BITS => check_aes_bits(data)?,
                buffer::PKCS_PADDING_ALGO => parameters.hash = Some(hash(*kind, data)?),
                buffer::PKCS_PADDING_LABEL => parameters.label = data.to_vec(),
                other => return Err(refused(other, "is none that an import has").into()),
            }
        }
        Ok(parameters)
    }
}

impl ExportParameters {
    /// What the buffers of an export of this type say.
    ///
    /// # Errors
    /// `NTE_INVALID_PARAMETER` for a buffer that such an export does not have, has twice, or that makes no sense; `NTE_NOT_SUPPORTED` for an encryption that is not
    /// handled here.
    pub fn from_buffers(blob_type: BlobType, buffers: &[Buffer<'_>]) -> Result<Self, crate::Error> {
        let mut parameters = Self::default();
        let mut scheme_parameters = None;
        for Buffer { kind, data } in once_each(buffers)? {
            match *kind {
                buffer::PKCS_ALG_OID => parameters.set_algorithm(blob_type, &ansi(*kind, data)?)?,
                buffer::PKCS_ALG_PARAM => scheme_parameters = Some(*data),
                buffer::PKCS_SECRET => parameters.password = password(data)?,
                buffer::CERT_BLOB => parameters.certificates = certificates(data)?,
                buffer::PKCS_AES_KEY_BITS => check_aes_bits(data)?,
                buffer::PKCS_PADDING_ALGO => parameters.hash = Some(hash(*kind, data)?),
                buffer::PKCS_PADDING_LABEL => parameters.label = data.to_vec(),
                other => return Err(refused(other, "is none that an export has").into()),
            }
        }
        if let Some(data) = scheme_parameters {
            if blob_type != BlobType::Pkcs8 || parameters.encryption.scheme != PbeScheme::Pkcs12TripleDes {
                return Err(refused(buffer::PKCS_ALG_PARAM, "goes with the PKCS#12 scheme alone").into());
            }
            parameters.encryption.iterations = pbe_iterations(data)?;
        }
        Ok(parameters)
    }

    fn set_algorithm(&mut self, blob_type: BlobType, oid: &str) -> Result<(), crate::Error> {
        let unknown = || {
            let what = format!("a {} is not encrypted here by the algorithm {oid}", blob_type.name());
            Error::Unsupported { what, ckr: None }
        };
        match blob_type {
            BlobType::Pkcs8 => self.encryption = Encryption::by_oid(oid).ok_or_else(unknown)?,
            BlobType::Pkcs7Envelope => self.content = Some(ContentCipher::by_oid(oid).ok_or_else(unknown)?),
            _ => return Err(refused(buffer::PKCS_ALG_OID, "goes with PKCS8_PRIVATEKEY and PKCS7_ENVELOPE").into()),
        }
        Ok(())
    }
}

/// The buffers that say something, each of which may come once.
fn once_each<'b, 'a>(buffers: &'b [Buffer<'a>]) -> Result<Vec<&'b Buffer<'a>>, Error> {
    let said: Vec<&Buffer<'a>> = buffers.iter().filter(|buffer| buffer.kind != buffer::EMPTY).collect();
    for (at, one) in said.iter().enumerate() {
        if said.iter().take(at).any(|other| other.kind == one.kind) {
            return Err(refused(one.kind, "comes twice"));
        }
    }
    Ok(said)
}

fn refused(kind: u32, problem: &'static str) -> Error {
    Error::Contradiction { what: format!("the NCryptBuffer of type {kind} {problem}") }
}

/// A wide text, with its NUL or without.
fn text(kind: u32, data: &[u8]) -> Result<String, Error> {
    wide::decode(data).map_err(|_| refused(kind, "is no UTF-16 text"))
}

fn ansi(kind: u32, data: &[u8]) -> Result<String, Error> {
    let bytes = data.strip_suffix(&[0]).unwrap_or(data);
    let text = str::from_utf8(bytes).ok().filter(|text| text.is_ascii() && !text.contains('\0'));
    text.map(str::to_owned).ok_or_else(|| refused(kind, "is no ANSI text"))
}

/// A password in UTF-8; none of no length, which some callers pass for none. The wide one is the caller's to wipe.
fn password(data: &[u8]) -> Result<Option<SecretBytes>, Error> {
    if data.is_empty() {
        return Ok(None);
    }
    let text = zeroize::Zeroizing::new(text(buffer::PKCS_SECRET, data)?);
    Ok(Some(SecretBytes::from(text.as_bytes())))
}

fn certificates(data: &[u8]) -> Result<Vec<Arc<[u8]>>, crate::Error> {
    let store = cert_store::read(data)?;
    if store.certificates.is_empty() {
        return Err(refused(buffer::CERT_BLOB, "holds no certificate").into());
    }
    Ok(store.certificates.into_iter().map(Arc::from).collect())
}

fn hash(kind: u32, data: &[u8]) -> Result<Hash, Error> {
    Hash::by_name(&text(kind, data)?).ok_or_else(|| refused(kind, "names no hash that is known"))
}

fn check_aes_bits(data: &[u8]) -> Result<(), Error> {
    match data.try_into().map(u32::from_le_bytes) {
        Ok(256) => Ok(()),
        _ => Err(refused(buffer::PKCS_AES_KEY_BITS, "is not 256")),
    }
}

/// `CRYPT_PKCS12_PBE_PARAMS`: the iterations, the length of the salt, then the salt.
fn pbe_iterations(data: &[u8]) -> Result<u32, Error> {
    let wrong = || refused(buffer::PKCS_ALG_PARAM, "is no CRYPT_PKCS12_PBE_PARAMS");
    let number = |at: usize| {
        let bytes = data.get(at..)?.first_chunk::<4>()?;
        i32::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let (iterations, salt) = (number(0).ok_or_else(wrong)?, number(4).ok_or_else(wrong)?);
    let is_whole = usize::try_from(salt).is_ok_and(|salt| salt.checked_add(8) == Some(data.len()));
    u32::try_from(iterations).ok().filter(|iterations| is_whole && *iterations > 0).ok_or_else(wrong)
}
