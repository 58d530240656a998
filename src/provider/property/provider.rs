//! Properties of the provider's handle.

use std::sync::{Mutex, PoisonError};

use sha2::Digest;

use super::super::{Call, Flags, StorageProvider};
use super::{PropertyValue, check_name, invalid, is_of_a_tpm, names, property, row, unknown};
use crate::key::curve::CURVES;
use crate::key::identity::MAX_NAME;
use crate::status::Status;
use crate::template::put::PrivateKind;
use crate::token::TokenInfo;
use crate::wide;

/// `NCRYPT_IMPL_HARDWARE_FLAG`, `NCRYPT_IMPL_SOFTWARE_FLAG`, `NCRYPT_IMPL_REMOVABLE_FLAG`, `NCRYPT_IMPL_HARDWARE_RNG_FLAG`
const IMPL: [u32; 4] = [0x1, 0x2, 0x8, 0x10];

/// What was said to a provider's handle.
#[derive(Debug, Default)]
pub(in crate::provider) struct ProviderHeld(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    window: Option<Vec<u8>>,
    use_context: Option<String>,
    impl_type: Option<u32>,
}

/// A value for `HWND Handle`: a pointer.
pub(super) fn window(value: &[u8]) -> Result<Vec<u8>, super::Error> {
    if value.len() == size_of::<usize>() { Ok(value.to_vec()) } else { Err(invalid(names::WINDOW_HANDLE)) }
}

/// `SmartCardGuid`: sixteen bytes that are the same for a token wherever it is; `None` without a serial number. They are the first of SHA-256 over who made it, its model and
/// its serial number, each with a zero byte behind it.
pub(super) fn guid(info: &TokenInfo) -> Option<Vec<u8>> {
    if info.serial.is_empty() {
        return None;
    }
    let parts = [&info.manufacturer, &info.model, &info.serial];
    let digest = parts.iter().fold(sha2::Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0]));
    digest.finalize().get(..16).map(<[u8]>::to_vec)
}

/// This crate's version, two words.
fn version() -> u32 {
    let word = |text: &str| text.parse::<u16>().map_or(0, u32::from);
    word(env!("CARGO_PKG_VERSION_MAJOR")) << 16 | word(env!("CARGO_PKG_VERSION_MINOR"))
}

impl StorageProvider {
    /// What the provider calls itself.
    pub const NAME: &str = "cng11 Key Storage Provider";

    /// Reads a property of the provider.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a property that is not known, `NTE_NOT_FOUND` for one that was not set.
    pub fn property(&self, name: &str) -> Result<PropertyValue, crate::Error> {
        let Some(row) = row(name) else {
            if !is_of_a_tpm(name) {
                check_name(name)?;
            }
            return Err(unknown(name).into());
        };
        row.provider.check_read(name)?;
        let absent = || property(row.name, "not set", Status::NTE_NOT_FOUND);
        Ok(match row.name {
            names::NAME => PropertyValue::Text(Self::NAME.to_owned()),
            names::IMPL_TYPE => PropertyValue::Number(self.impl_type()?),
            names::MAX_NAME_LENGTH => PropertyValue::Number(u32::try_from(MAX_NAME).unwrap_or(u32::MAX)),
            names::VERSION => PropertyValue::Number(version()),
            names::SECURITY_DESCR_SUPPORT | names::USE_COUNT_ENABLED => PropertyValue::Number(0),
            names::WINDOW_HANDLE => PropertyValue::Bytes(self.said(|said| said.window.clone()).ok_or_else(absent)?),
            names::USE_CONTEXT => PropertyValue::Text(self.said(|said| said.use_context.clone()).ok_or_else(absent)?),
            names::SMARTCARD_GUID => PropertyValue::Bytes(guid(self.token.info()).ok_or_else(absent)?),
            names::ECC_CURVE_NAME_LIST => {
                let on_tokens = CURVES.iter().filter(|curve| curve.is_cng() && PrivateKind::of(Some(curve)).is_ok());
                PropertyValue::Texts(on_tokens.map(|curve| curve.name.to_owned()).collect())
            }
            _ => return Err(absent().into()),
        })
    }

    /// Sets a property of the provider's handle. `SmartCardReader` can only be set to what names the token that it is on: its label or its serial number.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a property that cannot be set, `NTE_INVALID_PARAMETER` for a value that is none, `NTE_BAD_FLAGS`.
    pub fn set_property(&self, name: &str, value: &[u8], flags: Flags) -> Result<(), crate::Error> {
        if name != names::SECURITY_DESCR {
            flags.check(Call::SetProperty)?;
        }
        let Some(row) = row(name) else {
            if !is_of_a_tpm(name) {
                check_name(name)?;
            }
            return Err(unknown(name).into());
        };
        row.provider.check_set(name, true)?;
        if flags.contains(Flags::PERSIST_ONLY) {
            return Err(property(row.name, "not kept by anything", Status::NTE_NOT_SUPPORTED).into());
        }
        let text = || wide::decode(value).map_err(|_| invalid(row.name));
        match row.name {
            names::WINDOW_HANDLE => {
                let window = window(value)?;
                self.said(|said| said.window = Some(window));
            }
            names::USE_CONTEXT => {
                let text = text()?;
                self.said(|said| said.use_context = Some(text));
            }
            names::READER => {
                let (reader, info) = (text()?, self.token.info());
                if reader != info.label && reader != info.serial {
                    return Err(property(row.name, "not that of this token", Status::NTE_NOT_FOUND).into());
                }
            }
            _ => return Err(unknown(row.name).into()),
        }
        Ok(())
    }

    /// What the token runs on, as its slot says; asked once.
    fn impl_type(&self) -> Result<u32, crate::Error> {
        if let Some(known) = self.said(|said| said.impl_type) {
            return Ok(known);
        }
        let device = self.token.device()?;
        let [hardware, software, removable, random] = IMPL;
        let kind = if device.is_hardware { hardware } else { software };
        let removable = if device.is_removable { removable } else { 0 };
        let random = if device.is_hardware && device.has_random { random } else { 0 };
        let found = kind | removable | random;
        self.said(|said| said.impl_type = Some(found));
        Ok(found)
    }

    fn said<T>(&self, with: impl FnOnce(&mut Said) -> T) -> T {
        with(&mut self.held.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
