//! `BCryptExportKey`.

use super::blobs::{Direction, blob_type};
use super::key::Material;
use super::{BcryptKey, invalid};
use crate::blob::{self, BlobType, ecc, key_data};
use crate::format::Format;
use crate::key::{Algorithm, KeyMaterial, PublicKey};
use crate::provider::{ExportParameters, Key};
use crate::secret::SecretBytes;

impl BcryptKey {
    /// Exports a key. With `export_key`, a key of the token, it leaves encrypted under that.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` before it is finalized; `STATUS_INVALID_PARAMETER` for the private half of a public key, and for a type that needs an export key or has none;
    /// `STATUS_NOT_SUPPORTED` for a type that does not go with the algorithm, and where the token lets the key out in no such form; what the token says.
    pub fn export(&self, export_key: Option<&Key>, blob_name: &str) -> Result<SecretBytes, crate::Error> {
        let material = self.material()?;
        let kind = blob_type(self.row(), blob_name, Direction::Export, export_key.is_some())?;
        if let Some(export_key) = export_key {
            let Material::Token(key) = &*material else {
                return Err(invalid("a public key is not wrapped"));
            };
            // Whoever has this key has the other one, and either is one of the session.
            let parameters = ExportParameters { force: true, ..ExportParameters::default() };
            return Ok(key.export(Some(export_key), Format::Blob(kind), &parameters)?.bytes);
        }
        let mut bytes = match (&*material, kind.is_public()) {
            (Material::Public(public), true) => self.encode_public(public, kind)?,
            (Material::Public(_), false) => return Err(invalid("a public key has no private half")),
            (Material::Token(key), true) => self.encode_public(&key.public_key()?, kind)?,
            (Material::Token(key), false) => match kind {
                BlobType::KeyData | BlobType::OpaqueKey => self.encode_secret(key, kind)?,
                _ => key.danger_export_plaintext(Format::Blob(kind))?.bytes,
            },
        };
        // The magic goes by the algorithm that the key is one of, not by its curve.
        if self.row().is_generic() {
            ecc::make_generic(bytes.as_mut_slice());
        }
        Ok(bytes)
    }

    /// Bytes of what [`Self::export`] gives: nothing leaves the token for this where its length is known without.
    ///
    /// # Errors
    /// As [`Self::export`].
    pub fn export_length(&self, export_key: Option<&Key>, blob_name: &str) -> Result<usize, crate::Error> {
        let material = self.material()?;
        match (&*material, blob_type(self.row(), blob_name, Direction::Export, export_key.is_some())?) {
            (Material::Token(key), BlobType::AesWrap) => {
                // RFC 3394 §2.2.1 adds a block of eight bytes.
                let bits = key.bits().unwrap_or(0);
                Ok(bits as usize / 8 + 8)
            }
            (Material::Token(key), BlobType::KeyData) => {
                let bytes = key.bits().unwrap_or(0) as usize / 8;
                let stand_in = self.shortened(&SecretBytes::zeroed(bytes));
                Ok(key_data::HEADER + stand_in.len())
            }
            _ => Ok(self.export(export_key, blob_name)?.len()),
        }
    }

    fn encode_public(&self, public: &PublicKey, kind: BlobType) -> Result<SecretBytes, crate::Error> {
        let algorithm = self.row().algorithm().unwrap_or(Algorithm::RSA);
        Ok(blob::encode(&KeyMaterial::Public(public.clone()), algorithm, kind)?)
    }

    fn encode_secret(&self, key: &Key, kind: BlobType) -> Result<SecretBytes, crate::Error> {
        if kind == BlobType::OpaqueKey {
            return Ok(key.danger_export_plaintext(Format::Blob(BlobType::Cipher))?.bytes);
        }
        let bytes = key.danger_export_plaintext(Format::Raw)?.bytes;
        Ok(key_data::encode(&self.shortened(&bytes))?)
    }

    fn shortened(&self, key: &[u8]) -> SecretBytes {
        self.row().cipher().map_or_else(|| SecretBytes::from(key), |cipher| cipher.shortened(key))
    }
}
