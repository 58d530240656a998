//! Keys come and go: create, open, import, export, finalize, delete.

use crate::blob::BlobType;
use crate::capi::buffer::{buffers, needed, optional_text, text};
use crate::capi::guard::{Fault, exports};
use crate::capi::handles::{self, Handle};
use crate::capi::ncrypt::providers::NO_ALGORITHM;
use crate::capi::ncrypt::{KeyObject, check_legacy_key_spec, handle_of, storage_of};
use crate::capi::output::{Output, Variable};
use crate::capi::provider::Provider;
use crate::capi::structures::{BufferDescRaw, WideString};
use crate::format::Format;
use crate::key::Algorithm;
use crate::provider::{Buffer, Call, ExportParameters, Exported, Flags, ImportParameters, KeyName, buffer};
use crate::status::Status;

exports! {
    /// Makes a pending key: set properties, a blob as a property too if the key is there already, then `NCryptFinalizeKey`. Nothing is on the token before.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `phKey` | gets the handle, which the caller frees with `NCryptFreeObject`, or `NCryptDeleteKey` |
    /// | `pszAlgId` | the algorithm |
    /// | `pszKeyName` | optional: without a name the key is ephemeral |
    /// | `dwLegacyKeySpec` | 0, 1 or 2, without a meaning here |
    /// | `dwFlags` | `NCRYPT_OVERWRITE_KEY_FLAG`, `NCRYPT_MACHINE_KEY_FLAG`, … |
    fn NCryptCreatePersistedKey(
        hProvider: Handle,
        phKey: *mut Handle,
        pszAlgId: WideString,
        pszKeyName: WideString,
        dwLegacyKeySpec: u32,
        dwFlags: u32,
    ) {
        let provider = handles::get::<Provider>(hProvider)?;
        let out = Variable::new(phKey, "phKey is NULL")?;
        if pszAlgId.is_null() {
            return Err(NO_ALGORITHM);
        }
        let flags = Flags::from_bits(dwFlags);
        flags.check(Call::Create)?;
        check_legacy_key_spec(dwLegacyKeySpec)?;
        let algorithm = Algorithm::by_name(&text(pszAlgId)?)?;
        let name = optional_text(pszKeyName)?.map(|name| KeyName::new(&name)).transpose()?;
        let storage = storage_of(&provider, flags)?;
        let key = storage.create_persisted_key(algorithm, name.as_ref(), flags)?;
        out.set(handle_of(key, provider, storage)?);
        Ok(())
    }

    /// Opens a key by its name, or by the URI that is its `Unique Name`. One that is not there is `NTE_BAD_KEYSET`.
    ///
    /// `phKey` gets the handle, which the caller frees with `NCryptFreeObject`, or `NCryptDeleteKey`.
    fn NCryptOpenKey(hProvider: Handle, phKey: *mut Handle, pszKeyName: WideString, dwLegacyKeySpec: u32, dwFlags: u32) {
        let provider = handles::get::<Provider>(hProvider)?;
        let out = Variable::new(phKey, "phKey is NULL")?;
        let flags = Flags::from_bits(dwFlags);
        flags.check(Call::Open)?;
        check_legacy_key_spec(dwLegacyKeySpec)?;
        let name = text(pszKeyName)?;
        let storage = storage_of(&provider, flags)?;
        let key = storage.open_key_with(&name, flags)?;
        out.set(handle_of(key, provider, storage)?);
        Ok(())
    }

    /// Puts a pending key onto the token: generated there, or the blob that was set as a property, or the one that was imported with `NCRYPT_DO_NOT_FINALIZE_FLAG`.
    fn NCryptFinalizeKey(hKey: Handle, dwFlags: u32) {
        let key = handles::get::<KeyObject>(hKey)?;
        let mut key = key.write();
        Ok(key.finalize(Flags::from_bits(dwFlags))?)
    }

    /// Removes a key from the token and frees its handle; where it fails, the handle stays. An ephemeral or a pending key is only freed.
    fn NCryptDeleteKey(hKey: Handle, dwFlags: u32) {
        let object = handles::get::<KeyObject>(hKey)?;
        let flags = Flags::from_bits(dwFlags);
        flags.check(Call::Delete)?;
        {
            let mut key = object.write();
            if key.is_finalized() {
                object.storage.delete(&mut key, flags)?;
            }
        }
        drop(handles::remove_kind::<KeyObject>(hKey)?);
        Ok(())
    }

    /// Imports a blob: under a name that a buffer says (`NCRYPTBUFFER_PKCS_KEY_NAME`), or else as an ephemeral key. With `hImportKey` the blob is encrypted under that key, and is
    /// opened on the token.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `hImportKey` | optional: 0 for a blob that is not encrypted under a key |
    /// | `pszBlobType` | the type |
    /// | `pParameterList` | optional |
    /// | `phKey` | gets the handle, which the caller frees with `NCryptFreeObject`, or `NCryptDeleteKey` |
    /// | `pbData`, `cbData` | the blob; it is read during the call, and the copies that are made of it are wiped |
    fn NCryptImportKey(
        hProvider: Handle,
        hImportKey: Handle,
        pszBlobType: WideString,
        pParameterList: *const BufferDescRaw,
        phKey: *mut Handle,
        pbData: *const u8,
        cbData: u32,
        dwFlags: u32,
    ) {
        let provider = handles::get::<Provider>(hProvider)?;
        let import_key = if hImportKey == 0 { None } else { Some(handles::get::<KeyObject>(hImportKey)?) };
        let out = Variable::new(phKey, "phKey is NULL")?;
        let flags = Flags::from_bits(dwFlags);
        flags.check(Call::Import)?;
        let blob_type = blob_type(&text(pszBlobType)?)?;
        let parameters = ImportParameters::from_buffers(&buffers(pParameterList)?)?;
        let data = needed(pbData, cbData, "pbData is NULL")?;
        let storage = storage_of(&provider, flags)?;
        let stays_pending = flags.contains(Flags::DO_NOT_FINALIZE) && !flags.contains(Flags::OVERWRITE_KEY);
        if let Some(name) = parameters.name.as_ref().filter(|_| stays_pending) {
            storage.check_free(name)?;
        }
        let import_key = import_key.as_ref().map(|key| key.read());
        let key = storage.import_key(import_key.as_deref(), blob_type, &parameters, data, flags)?;
        out.set(handle_of(key, provider, storage)?);
        Ok(())
    }

    /// Exports a key: its public half always, its private half as its export policy allows, in the clear, under a password, or under `hExportKey`.
    ///
    /// | parameter | what it is |
    /// |---|---|
    /// | `hExportKey` | optional: 0, or the key that wraps it on the token |
    /// | `pszBlobType` | the type |
    /// | `pParameterList` | optional |
    /// | `pbOutput`, `cbOutput`, `pcbResult` | the buffer of the caller, by the rule of sizes |
    fn NCryptExportKey(
        hKey: Handle,
        hExportKey: Handle,
        pszBlobType: WideString,
        pParameterList: *const BufferDescRaw,
        pbOutput: *mut u8,
        cbOutput: u32,
        pcbResult: *mut u32,
        dwFlags: u32,
    ) {
        let object = handles::get::<KeyObject>(hKey)?;
        let export_key = if hExportKey == 0 { None } else { Some(handles::get::<KeyObject>(hExportKey)?) };
        let output = Output::new(pbOutput, cbOutput, pcbResult)?;
        Flags::from_bits(dwFlags).check(Call::Export)?;
        let blob_type = blob_type(&text(pszBlobType)?)?;
        let buffers = buffers(pParameterList)?;
        let parameters = ExportParameters::from_buffers(blob_type, &buffers)?;
        // What says how a key is to be encrypted must not be passed over where nothing encrypts it. A password of no length is none.
        let says_nothing = |buffer: &Buffer<'_>| matches!(buffer.kind, buffer::EMPTY | buffer::PKCS_SECRET);
        if export_key.is_none() && is_clear(Format::Blob(blob_type), &parameters) && !buffers.iter().all(says_nothing) {
            let what = "a buffer says how the key is to be encrypted, and there is neither a password nor hExportKey";
            return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, what));
        }
        // What may leave once leaves when there is room for it.
        if (output.is_query() || object.read().exports_once())
            && output.only_wants(export_len(&object, export_key.as_deref(), blob_type, &parameters)?)?
        {
            return Ok(());
        }
        output.give(&export(&object, export_key.as_deref(), blob_type, &parameters)?.bytes)
    }
}

fn export(
    object: &KeyObject,
    export_key: Option<&KeyObject>,
    blob_type: BlobType,
    parameters: &ExportParameters,
) -> Result<Exported, crate::Error> {
    let format = Format::Blob(blob_type);
    match export_key {
        Some(export_key) => {
            KeyObject::with_both(object, export_key, |key, wraps| key.export(Some(wraps), format, parameters))
        }
        None if is_clear(format, parameters) => object.read().danger_export_plaintext(format),
        None => object.read().export(None, format, parameters),
    }
}

fn export_len(
    object: &KeyObject,
    export_key: Option<&KeyObject>,
    blob_type: BlobType,
    parameters: &ExportParameters,
) -> Result<usize, crate::Error> {
    let format = Format::Blob(blob_type);
    match export_key {
        Some(export_key) => {
            KeyObject::with_both(object, export_key, |key, wraps| key.export_len(Some(wraps), format, parameters))
        }
        None if is_clear(format, parameters) => object.read().danger_export_plaintext_len(format),
        None => object.read().export_len(None, format, parameters),
    }
}

/// Whether a private key is asked for as it is.
fn is_clear(format: Format, parameters: &ExportParameters) -> bool {
    parameters.password.is_none() && !format.is_public() && !format.is_wrapped()
}

fn blob_type(name: &str) -> Result<BlobType, Fault> {
    BlobType::by_name(name).ok_or(Fault::Call(Status::NTE_NOT_SUPPORTED, "there is no blob type of this name"))
}
