//! Keys come and go: generate, import, export, duplicate, destroy.

use std::sync::Arc;

use crate::capi::bcrypt::algorithms::no_flags;
use crate::capi::bcrypt::{algorithm_of, tokens};
use crate::capi::buffer::{needed, text};
use crate::capi::guard::{Fault, exports};
use crate::capi::handles::{self, Handle};
use crate::capi::output::{Output, Variable};
use crate::capi::structures::WideString;
use crate::provider::bcrypt::BcryptKey;

exports! { bcrypt:
    /// Makes a symmetric key of given bytes, as a session object of the token.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `phKey` | gets the handle, which the caller destroys with `BCryptDestroyKey` |
    /// | `pbKeyObject`, `cbKeyObject` | optional, not used |
    /// | `pbSecret`, `cbSecret` | the bytes; they are copied, and the copies are wiped |
    fn BCryptGenerateSymmetricKey(
        hAlgorithm: Handle,
        phKey: *mut Handle,
        pbKeyObject: *mut u8,
        cbKeyObject: u32,
        pbSecret: *const u8,
        cbSecret: u32,
        dwFlags: u32,
    ) {
        let algorithm = algorithm_of(hAlgorithm)?;
        let out = Variable::new(phKey, "phKey is NULL")?;
        let _ = (pbKeyObject, cbKeyObject);
        let secret = needed(pbSecret, cbSecret, "pbSecret is NULL")?;
        out.set(handles::insert(Arc::new(BcryptKey::generate_symmetric(&algorithm, &tokens, secret, dwFlags)?))?);
        Ok(())
    }

    /// Makes a pending key pair: set properties, then `BCryptFinalizeKeyPair`.
    ///
    /// `phKey` gets the handle, which the caller destroys with `BCryptDestroyKey`.
    fn BCryptGenerateKeyPair(hAlgorithm: Handle, phKey: *mut Handle, dwLength: u32, dwFlags: u32) {
        let algorithm = algorithm_of(hAlgorithm)?;
        let out = Variable::new(phKey, "phKey is NULL")?;
        out.set(handles::insert(Arc::new(BcryptKey::generate_pair(&algorithm, dwLength, dwFlags)?))?);
        Ok(())
    }

    /// Makes the key pair, on the token.
    fn BCryptFinalizeKeyPair(hKey: Handle, dwFlags: u32) {
        Ok(handles::get::<BcryptKey>(hKey)?.finalize(&tokens, dwFlags)?)
    }

    /// Imports a symmetric key. With `hImportKey` the blob is encrypted under that key, and is opened on the token.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `hImportKey` | optional: NULL for a blob that is not encrypted under a key |
    /// | `phKey` | gets the handle, which the caller destroys with `BCryptDestroyKey` |
    /// | `pbKeyObject`, `cbKeyObject` | optional, not used |
    /// | `pbInput`, `cbInput` | the blob, which is read during the call |
    fn BCryptImportKey(
        hAlgorithm: Handle,
        hImportKey: Handle,
        pszBlobType: WideString,
        phKey: *mut Handle,
        pbKeyObject: *mut u8,
        cbKeyObject: u32,
        pbInput: *const u8,
        cbInput: u32,
        dwFlags: u32,
    ) {
        let algorithm = algorithm_of(hAlgorithm)?;
        let out = Variable::new(phKey, "phKey is NULL")?;
        let _ = (pbKeyObject, cbKeyObject);
        let (blob_type, data) = (text(pszBlobType)?, needed(pbInput, cbInput, "pbInput is NULL")?);
        let key = match key_of(hImportKey)? {
            None => BcryptKey::import(&algorithm, &tokens, None, &blob_type, data, dwFlags)?,
            Some(import_key) => import_key
                .with_token_key(|opens| BcryptKey::import(&algorithm, &tokens, Some(opens), &blob_type, data, dwFlags))?,
        };
        out.set(handles::insert(Arc::new(key))?);
        Ok(())
    }

    /// Imports a public key or a key pair; a public key needs no token. The parameters are those of `BCryptImportKey`.
    fn BCryptImportKeyPair(
        hAlgorithm: Handle,
        hImportKey: Handle,
        pszBlobType: WideString,
        phKey: *mut Handle,
        pbInput: *const u8,
        cbInput: u32,
        dwFlags: u32,
    ) {
        let algorithm = algorithm_of(hAlgorithm)?;
        let out = Variable::new(phKey, "phKey is NULL")?;
        let (blob_type, data) = (text(pszBlobType)?, needed(pbInput, cbInput, "pbInput is NULL")?);
        let key = match key_of(hImportKey)? {
            None => BcryptKey::import_pair(&algorithm, &tokens, None, &blob_type, data, dwFlags)?,
            Some(import_key) => import_key.with_token_key(|opens| {
                BcryptKey::import_pair(&algorithm, &tokens, Some(opens), &blob_type, data, dwFlags)
            })?,
        };
        out.set(handles::insert(Arc::new(key))?);
        Ok(())
    }

    /// Exports a key, under `hExportKey` if there is one.
    ///
    /// `pbOutput`, `cbOutput`, `pcbResult` are the buffer of the caller, by the rule of sizes.
    fn BCryptExportKey(
        hKey: Handle,
        hExportKey: Handle,
        pszBlobType: WideString,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let key = handles::get::<BcryptKey>(hKey)?;
        let export_key = key_of(hExportKey)?;
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        no_flags(dwFlags)?;
        let blob_type = text(pszBlobType)?;
        match export_key {
            None => {
                if output.only_wants(key.export_length(None, &blob_type)?)? {
                    return Ok(());
                }
                output.give(&key.export(None, &blob_type)?)
            }
            Some(export_key) => {
                if output.only_wants(export_key.with_token_key(|wraps| key.export_length(Some(wraps), &blob_type))?)? {
                    return Ok(());
                }
                output.give(&export_key.with_token_key(|wraps| key.export(Some(wraps), &blob_type))?)
            }
        }
    }

    /// Gives a key another handle with a state of its own. `phNewKey` gets it; the caller destroys it with `BCryptDestroyKey`. `pbKeyObject` is optional and not used.
    fn BCryptDuplicateKey(hKey: Handle, phNewKey: *mut Handle, pbKeyObject: *mut u8, cbKeyObject: u32, dwFlags: u32) {
        let key = handles::get::<BcryptKey>(hKey)?;
        let out = Variable::new(phNewKey, "phNewKey is NULL")?;
        let _ = (pbKeyObject, cbKeyObject);
        no_flags(dwFlags)?;
        out.set(handles::insert(Arc::new(key.duplicate()?))?);
        Ok(())
    }

    /// Destroys a key: with the last handle its session object goes.
    fn BCryptDestroyKey(hKey: Handle) {
        handles::remove_kind::<BcryptKey>(hKey).map(drop)
    }
}

/// A key that may be left out.
fn key_of(handle: Handle) -> Result<Option<Arc<BcryptKey>>, Fault> {
    if handle == 0 { Ok(None) } else { handles::get(handle).map(Some) }
}
