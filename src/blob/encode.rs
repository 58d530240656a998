//! From a key to a blob: which layout writes which kind of key as which blob type.

use zeroize::Zeroize;

use super::writer::Writer;
use super::{BlobType, Error, capi, cipher, dh, dsa, ecc, ecc_full, key_data, pkcs8, pq, pq_private, rsa, ssl_ecc};
use crate::key::{Algorithm, KeyMaterial, PrivateKey, PublicKey, SymmetricKey};
use crate::secret::SecretBytes;

/// Encodes a key as a blob of a stated type. `algorithm` decides the magic of an elliptic-curve blob.
///
/// # Errors
/// [`Error::NotRepresentable`] when the type cannot hold this key.
pub fn encode(key: &KeyMaterial, algorithm: Algorithm, blob_type: BlobType) -> Result<SecretBytes, Error> {
    let mut writer = Writer::new(encoded_len(key, algorithm, blob_type)?);
    write(&mut writer, key, algorithm, blob_type)?;
    writer.finish()
}

/// Encodes a key into the front of the caller's buffer, as [`encode`] does into a new one, and tells how long the blob is. What
/// follows the blob in the buffer is left as it was.
///
/// # Errors
/// What [`encode`] says, and [`Error::BufferTooSmall`]. On any error the whole buffer is wiped.
pub fn encode_into(
    key: &KeyMaterial,
    algorithm: Algorithm,
    blob_type: BlobType,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let left = buffer.len();
    let mut writer = Writer::over(&mut *buffer);
    let outcome = match write(&mut writer, key, algorithm, blob_type).map(|()| writer.position()) {
        Ok(needed) if needed > left => Err(Error::BufferTooSmall { needed, left }),
        outcome => outcome,
    };
    if outcome.is_err() {
        buffer.zeroize();
    }
    outcome
}

/// How long the blob will be that [`encode`] makes.
///
/// # Errors
/// What [`encode`] says.
pub fn encoded_len(key: &KeyMaterial, algorithm: Algorithm, blob_type: BlobType) -> Result<usize, Error> {
    let mut writer = Writer::over([]);
    write(&mut writer, key, algorithm, blob_type)?;
    Ok(writer.position())
}

/// A blob of what `write` writes. It is written twice, the first time to find its length, which `write` is told the second time.
pub(super) fn build(write: impl Fn(&mut Writer<&mut [u8]>, usize) -> Result<(), Error>) -> Result<SecretBytes, Error> {
    let mut measure = Writer::over(&mut [][..]);
    write(&mut measure, 0)?;
    let len = measure.position();
    let mut blob = SecretBytes::zeroed(len);
    write(&mut Writer::over(blob.as_mut_slice()), len)?;
    Ok(blob)
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &KeyMaterial,
    algorithm: Algorithm,
    blob_type: BlobType,
) -> Result<(), Error> {
    let written = match key {
        KeyMaterial::Secret(secret) => write_secret(writer, secret, blob_type)?,
        KeyMaterial::Private(private) if !blob_type.is_public() => {
            write_private(writer, private, algorithm, blob_type)?
        }
        _ => match key.public() {
            Some(public) => write_public(writer, &public, algorithm, blob_type)?,
            None => false,
        },
    };
    if written {
        return Ok(());
    }
    Err(Error::NotRepresentable { blob_type: blob_type.name(), key: key.describe() })
}

/// Whether the blob type is one for such a key; then it is written.
fn write_public(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PublicKey,
    algorithm: Algorithm,
    blob_type: BlobType,
) -> Result<bool, Error> {
    match (key, blob_type) {
        (PublicKey::Dh(key), BlobType::Public | BlobType::DhPublic) => dh::write_public(writer, key)?,
        (PublicKey::Dh(key), BlobType::CapiDhPublic) => capi::dh::write_public(writer, key)?,
        (PublicKey::Dsa(key), BlobType::Public | BlobType::DsaPublic) => dsa::write_public(writer, key)?,
        (PublicKey::Dsa(key), BlobType::CapiDsaPublic | BlobType::CapiDsaV2Public) => {
            capi::dsa::write_public(writer, key, blob_type)?;
        }
        (PublicKey::Ec(key), BlobType::Public | BlobType::EccPublic) => ecc::write_public(writer, key, algorithm)?,
        (PublicKey::Ec(key), BlobType::EccFullPublic) => ecc_full::write_public(writer, key, algorithm)?,
        (PublicKey::Ec(key), BlobType::SslEccPublic) => ssl_ecc::write(writer, key)?,
        (PublicKey::Pq(key), blob_type)
            if blob_type == BlobType::Public
                || pq::blob_type(key.set().family(), pq::Form::Public) == Some(blob_type) =>
        {
            pq::write_public(writer, key)?;
        }
        (PublicKey::Rsa(key), BlobType::Public | BlobType::RsaPublic) => rsa::write_public(writer, key)?,
        (PublicKey::Rsa(key), BlobType::CapiPublic) => capi::rsa::write_public(writer, key)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Whether the blob type is one for such a key; then it is written. `PRIVATEBLOB` is what CNG exports under that name: for RSA
/// `RSAPRIVATEBLOB`, for elliptic curves `ECCPRIVATEBLOB`, for the post-quantum algorithms the blob of the seed if it is known.
fn write_private(
    writer: &mut Writer<impl AsMut<[u8]>>,
    key: &PrivateKey,
    algorithm: Algorithm,
    blob_type: BlobType,
) -> Result<bool, Error> {
    match (key, blob_type) {
        (key, BlobType::Pkcs8) => writer.bytes("PrivateKeyInfo", &pkcs8::encode(key)?)?,
        (PrivateKey::Dh(key), BlobType::Private | BlobType::DhPrivate) => dh::write_private(writer, key)?,
        (PrivateKey::Dh(key), BlobType::CapiDhPrivate) => capi::dh::write_private(writer, key)?,
        (PrivateKey::Dsa(key), BlobType::Private | BlobType::DsaPrivate) => dsa::write_private(writer, key)?,
        (PrivateKey::Dsa(key), BlobType::CapiDsaPrivate | BlobType::CapiDsaV2Private) => {
            capi::dsa::write_private(writer, key, blob_type)?;
        }
        (PrivateKey::Ec(key), BlobType::Private | BlobType::EccPrivate) => ecc::write_private(writer, key, algorithm)?,
        (PrivateKey::Ec(key), BlobType::EccFullPrivate) => ecc_full::write_private(writer, key, algorithm)?,
        (PrivateKey::Pq(key), BlobType::Private) => {
            pq::write_private(writer, key, pq::usual_form(key), blob_type)?;
        }
        (PrivateKey::Pq(key), BlobType::PqPrivate) => pq_private::write(writer, key)?,
        (PrivateKey::Pq(key), blob_type) => {
            let form = [pq::Form::Expanded, pq::Form::Seed];
            let form = form.into_iter().find(|form| pq::blob_type(key.set().family(), *form) == Some(blob_type));
            let Some(form) = form else { return Ok(false) };
            pq::write_private(writer, key, form, blob_type)?;
        }
        (PrivateKey::Rsa(key), BlobType::Private | BlobType::RsaPrivate) => {
            rsa::write_private(writer, key, rsa::Kind::Private)?;
        }
        (PrivateKey::Rsa(key), BlobType::RsaFullPrivate) => rsa::write_private(writer, key, rsa::Kind::FullPrivate)?,
        (PrivateKey::Rsa(key), BlobType::CapiPrivate) => capi::rsa::write_private(writer, key)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn write_secret(writer: &mut Writer<impl AsMut<[u8]>>, key: &SymmetricKey, blob_type: BlobType) -> Result<bool, Error> {
    match blob_type {
        BlobType::KeyData => key_data::write(writer, key)?,
        BlobType::Cipher => cipher::write(writer, key)?,
        _ => return Ok(false),
    }
    Ok(true)
}
