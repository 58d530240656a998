//! `NCryptImportKey` with `hImportKey`: what a wrapped blob says of itself, before the token opens it.

use super::pending::{Material, Target};
use super::{Error, Flags, ImportParameters, Key, StorageProvider, kek};
use crate::blob::BlobType;
use crate::blob::aes_wrap::AesWrapBlob;
use crate::blob::rsa_aes::RsaAesWrapBlob;
use crate::format::Format;
use crate::key::{Algorithm, SymmetricAlgorithm};
use crate::wrap::{self, Kek, KekKind, Parameters, Scheme, Sealed, cbc_pad, gcm};

impl StorageProvider {
    /// Imports a key that is wrapped under `import_key`, a key on the token. The format says what is inside, or which container carries it:
    /// `PKCS8_PRIVATEKEY` a private key, `raw` a symmetric one. The key in the clear never reaches the host.
    ///
    /// # Errors
    /// As [`StorageProvider::import_key`].
    pub fn import_wrapped(
        &self,
        import_key: &Key,
        format: Format,
        parameters: &ImportParameters,
        data: &[u8],
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        kek::check_opens_alone(parameters)?;
        match format {
            Format::Blob(BlobType::Pkcs7Envelope) => {
                return self.import_envelope(import_key, parameters, data, flags);
            }
            Format::Blob(BlobType::OpaqueTransport) => {
                return self.import_transport(import_key, parameters, data, flags);
            }
            _ => {}
        }
        let (sealed, target) = sealed(import_key, format, parameters, data)?;
        self.finish_import(Material::Wrapped { sealed, target }, parameters, flags)
    }
}

/// What a wrapped blob is, and what opens it.
pub(super) fn sealed(
    import_key: &Key,
    format: Format,
    parameters: &ImportParameters,
    data: &[u8],
) -> Result<(Sealed, Target), crate::Error> {
    let kek = import_key.unwrapping_kek()?;
    let symmetric = parameters.symmetric();
    let mut how = Parameters {
        scheme: kek::scheme_of(format, parameters.scheme)?.unwrap_or_else(|| usual_scheme(kek, format, data.len())),
        hash: parameters.hash,
        label: parameters.label.clone(),
    };
    let (bytes, is_private) = match format {
        Format::Blob(BlobType::AesWrap) => (AesWrapBlob::decode(data)?.wrapped(), false),
        Format::Blob(BlobType::RsaAesWrap) => {
            let blob = RsaAesWrapBlob::decode(data)?;
            if parameters.hash.is_some_and(|hash| hash != blob.hash) {
                let what = format!("the blob says {}, not another hash", blob.hash.name());
                return Err(Error::Contradiction { what }.into());
            }
            if !parameters.label.is_empty() && parameters.label != blob.label {
                let what = "the blob says another label".to_owned();
                return Err(Error::Contradiction { what }.into());
            }
            (how.hash, how.label) = (Some(blob.hash), blob.label.to_vec());
            (blob.wrapped, symmetric.is_none())
        }
        Format::Blob(BlobType::Pkcs8) => {
            if let Some(symmetric) = symmetric {
                let what = format!("a PKCS#8 holds no {} key", symmetric.name());
                return Err(Error::Contradiction { what }.into());
            }
            (data, true)
        }
        Format::Raw => (data, false),
        other => {
            let what = format!("a {} cannot be encrypted under a key of the token", other.name());
            return Err(Error::Contradiction { what }.into());
        }
    };
    kek::check_kind(kek, import_key.label(), how.scheme)?;
    kek::check_oaep(how.scheme, parameters.hash, &parameters.label)?;
    let target = if is_private {
        Target::Private(None)
    } else {
        let algorithm = secret_algorithm(parameters.algorithm)?;
        Target::Secret { algorithm, bits: wrapped_bits(kek, how.scheme, algorithm, bytes)? }
    };
    Ok((Sealed::Bare { kek, parameters: how, bytes: bytes.to_vec() }, target))
}

/// The algorithm of a bare key: what is said, else AES.
pub(super) fn secret_algorithm(said: Option<Algorithm>) -> Result<SymmetricAlgorithm, Error> {
    let Some(said) = said else { return Ok(SymmetricAlgorithm::Aes) };
    said.family.as_symmetric().ok_or_else(|| {
        let what = format!("a secret key is wrapped there, which cannot be an {} key", said.family.group());
        Error::Contradiction { what }
    })
}

/// The scheme that the format, the wrapping key and the length imply. Under an RSA key what is as long as its modulus is RSA-OAEP, what is
/// longer has a second part.
fn usual_scheme(kek: Kek, format: Format, len: usize) -> Scheme {
    match (format, kek.kind) {
        (Format::Raw, KekKind::Rsa { modulus_len }) if len != modulus_len => Scheme::RsaAes,
        (format, _) => kek::usual_scheme(kek, format != Format::Raw),
    }
}

/// The size of the symmetric key inside a wrap, where its length tells: where padding hides some bytes, only if one key size alone is possible.
fn wrapped_bits(
    kek: Kek,
    scheme: Scheme,
    algorithm: SymmetricAlgorithm,
    bytes: &[u8],
) -> Result<Option<u32>, crate::Error> {
    let len = bytes.len();
    // The longest that it can be, and by how much it may be shorter.
    let (longest, hidden) = match (scheme, kek.kind) {
        (Scheme::Kw, _) => (len.saturating_sub(8), 0),
        (Scheme::Kwp, _) => (len.saturating_sub(8), 7),
        (Scheme::KwPkcs7, _) => (len.saturating_sub(9), 7),
        (Scheme::CbcPad, _) => (len.saturating_sub(cbc_pad::IV_LEN + 1), 15),
        (Scheme::Gcm, _) => (len.saturating_sub(gcm::NONCE_LEN + gcm::TAG_LEN), 0),
        (Scheme::RsaAes, KekKind::Rsa { modulus_len }) => (len.saturating_sub(modulus_len + 8), 7),
        (Scheme::RsaAes | Scheme::RsaOaep, _) => return Ok(None),
    };
    let mut possible = (longest.saturating_sub(hidden)..=longest).filter(|len| algorithm.accepts(*len));
    match (possible.next(), possible.next()) {
        (None, _) => {
            let expected = "the key inside has a size that the algorithm does not have";
            Err(wrap::Error::Length { scheme: scheme.name(), len, expected }.into())
        }
        (Some(only), None) => Ok(u32::try_from(only * 8).ok()),
        (Some(_), Some(_)) => Ok(None),
    }
}
