//! `NCryptGetProperty` and `NCryptSetProperty`, on keys and on the provider: which properties there are, and who may read and set them (`ncrypt.h`).
//!
//! Owns the one table of property names ([`TABLE`]): what is not in it is a property of somebody's own (`provider::custom`), or none. Names are compared exactly.
//!
//! | | status |
//! |---|---|
//! | not known, not possible on a token, read-only, write-only | `NTE_NOT_SUPPORTED` |
//! | known, but this key has none | `NTE_NOT_FOUND` |
//! | a value of another size or form | `NTE_INVALID_PARAMETER` |
//! | what is set before finalize, afterwards | `NTE_BAD_KEY_STATE` |
//!
//! After finalize policy and usage can only be narrowed: PKCS#11 allows no more for the policy, and the usage is held to the same. A key without a name takes a wider policy as
//! long as it was not used (`provider::archive`). NCRYPT_PERSIST_FLAG is taken with every property and changes nothing for a built-in one: what a token can keep it keeps,
//! and Use Context, HWND Handle, Chaining Mode, IV and PINs belong to a handle. Numbers are read without a call to the token and without an allocation.

mod get;
mod handle;
pub(super) mod lengths;
mod provider;
mod set;
mod ui;
mod value;

pub(super) use self::handle::Held;
pub(super) use self::provider::ProviderHeld;
pub use self::value::{PropertyValue, SupportedLengths, TagLengths};

use super::Error;
use crate::status::Status;
use crate::wide;

/// `NCRYPT_MAX_PROPERTY_NAME`: UTF-16 code units of the longest name.
pub const MAX_PROPERTY_NAME: usize = 64;
/// `NCRYPT_MAX_PROPERTY_DATA`: bytes of the longest value.
pub const MAX_PROPERTY_DATA: usize = 0x10_0000;

/// Who may read and set a property of a handle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Access {
    /// It is read, and not set.
    Read,
    /// It is read and set at any time.
    ReadSet,
    /// It is read at any time, and set before finalize.
    ReadSetBefore,
    /// It is set, and never read.
    Set,
    /// It is set before finalize, and never read.
    SetBefore,
    /// No such handle has it here, for this reason.
    Never(&'static str),
}

/// A property that has a name in the headers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// As a property of a key.
    pub key: Access,
    /// As a property of the provider.
    pub provider: Access,
}

const OF_KEYS: Access = Access::Never("a property of keys");
const OF_PROVIDERS: Access = Access::Never("a property of the provider");
const NO_DESCRIPTORS: Access = Access::Never("not kept: a token has no security descriptors");
const NO_COUNT: Access = Access::Never("not kept: a token counts no uses");
const OF_HANDLES: Access = Access::Never("a handle, which the library under the handles does not have");
const NO_STORES: Access = Access::Never("a certificate store of Windows");
const OF_SMARTCARDS: Access = Access::Never("one of the smart card minidrivers of Windows");
const ISOLATION: Access = Access::Never("one of virtualisation-based security");
const OF_TPMS: Access = Access::Never("one of a TPM");
const NO_KDF_KEYS: Access = Access::Never("one of keys for key derivation, which no token has");

use Access::{Read, ReadSet, ReadSetBefore, Set, SetBefore};

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident $text:literal $key:expr, $provider:expr;)+) => {
        /// Property names of `ncrypt.h`.
        pub mod names {
            $($(#[$doc])* pub const $name: &str = $text;)+

            /// The names of what is worth showing of a key, in the order in which it is shown.
            pub const ALL: &[&str] = &[
                NAME, UNIQUE_NAME, ALGORITHM, ALGORITHM_GROUP, LENGTH, LENGTHS, PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, BLOCK_LENGTH, ECC_CURVE_NAME,
                EXPORT_POLICY, KEY_USAGE, KEY_TYPE,
            ];
        }

        /// Every property with a name in the headers, and who may read and set it.
        pub const TABLE: &[Property] = &[$(Property { name: $text, key: $key, provider: $provider },)+];
    };
}

properties! {
    /// `NCRYPT_NAME_PROPERTY`
    NAME "Name" Read, Read;
    /// `NCRYPT_UNIQUE_NAME_PROPERTY`
    UNIQUE_NAME "Unique Name" Read, OF_KEYS;
    /// `NCRYPT_ALGORITHM_PROPERTY`
    ALGORITHM "Algorithm Name" Read, OF_KEYS;
    /// `NCRYPT_ALGORITHM_GROUP_PROPERTY`
    ALGORITHM_GROUP "Algorithm Group" Read, OF_KEYS;
    /// `NCRYPT_LENGTH_PROPERTY`
    LENGTH "Length" ReadSetBefore, OF_KEYS;
    /// `NCRYPT_LENGTHS_PROPERTY`
    LENGTHS "Lengths" Read, OF_KEYS;
    /// `NCRYPT_BLOCK_LENGTH_PROPERTY`
    BLOCK_LENGTH "Block Length" Read, OF_KEYS;
    /// `NCRYPT_CHAINING_MODE_PROPERTY`
    CHAINING_MODE "Chaining Mode" ReadSet, OF_KEYS;
    /// `NCRYPT_AUTH_TAG_LENGTH`
    AUTH_TAG_LENGTH "AuthTagLength" Read, OF_KEYS;
    /// `NCRYPT_INITIALIZATION_VECTOR`
    INITIALIZATION_VECTOR "IV" ReadSet, OF_KEYS;
    /// `NCRYPT_EXPORT_POLICY_PROPERTY`
    EXPORT_POLICY "Export Policy" ReadSet, OF_KEYS;
    /// `NCRYPT_KEY_USAGE_PROPERTY`
    KEY_USAGE "Key Usage" ReadSet, OF_KEYS;
    /// `NCRYPT_KEY_TYPE_PROPERTY`
    KEY_TYPE "Key Type" Read, OF_KEYS;
    /// `NCRYPT_LAST_MODIFIED_PROPERTY`
    LAST_MODIFIED "Modified" Read, OF_KEYS;
    /// `NCRYPT_UI_POLICY_PROPERTY`
    UI_POLICY "UI Policy" ReadSetBefore, OF_KEYS;
    /// `NCRYPT_WINDOW_HANDLE_PROPERTY`
    WINDOW_HANDLE "HWND Handle" ReadSet, ReadSet;
    /// `NCRYPT_USE_CONTEXT_PROPERTY`
    USE_CONTEXT "Use Context" ReadSet, ReadSet;
    /// `NCRYPT_IMPL_TYPE_PROPERTY`
    IMPL_TYPE "Impl Type" OF_PROVIDERS, Read;
    /// `NCRYPT_MAX_NAME_LENGTH_PROPERTY`
    MAX_NAME_LENGTH "Max Name Length" OF_PROVIDERS, Read;
    /// `NCRYPT_VERSION_PROPERTY`
    VERSION "Version" OF_PROVIDERS, Read;
    /// `NCRYPT_SECURITY_DESCR_SUPPORT_PROPERTY`
    SECURITY_DESCR_SUPPORT "Security Descr Support" OF_PROVIDERS, Read;
    /// `NCRYPT_SECURITY_DESCR_PROPERTY`
    SECURITY_DESCR "Security Descr" NO_DESCRIPTORS, NO_DESCRIPTORS;
    /// `NCRYPT_USE_COUNT_ENABLED_PROPERTY`
    USE_COUNT_ENABLED "Enabled Use Count" OF_PROVIDERS, Read;
    /// `NCRYPT_USE_COUNT_PROPERTY`
    USE_COUNT "Use Count" NO_COUNT, OF_KEYS;
    /// `NCRYPT_PROVIDER_HANDLE_PROPERTY`
    PROVIDER_HANDLE "Provider Handle" OF_HANDLES, OF_KEYS;
    /// `NCRYPT_DH_PARAMETERS_PROPERTY`
    DH_PARAMETERS "DHParameters" SetBefore, OF_KEYS;
    /// `NCRYPT_ECC_PARAMETERS_PROPERTY`
    ECC_PARAMETERS "ECCParameters" ReadSetBefore, OF_KEYS;
    /// `NCRYPT_ECC_CURVE_NAME_PROPERTY`
    ECC_CURVE_NAME "ECCCurveName" ReadSetBefore, OF_KEYS;
    /// `NCRYPT_ECC_CURVE_NAME_LIST_PROPERTY`
    ECC_CURVE_NAME_LIST "ECCCurveNameList" OF_PROVIDERS, Read;
    /// `NCRYPT_PUBLIC_KEY_LENGTH_PROPERTY`
    PUBLIC_KEY_LENGTH "PublicKeyLength" Read, OF_KEYS;
    /// `NCRYPT_SIGNATURE_LENGTH_PROPERTY`
    SIGNATURE_LENGTH "SignatureLength" Read, OF_KEYS;
    /// `NCRYPT_PARAMETER_SET_NAME_PROPERTY`
    PARAMETER_SET_NAME "ParameterSetName" ReadSetBefore, OF_KEYS;
    /// `NCRYPT_KEM_SHARED_SECRET_LENGTH_PROPERTY`, as the headers spell it
    KEM_SHARED_SECRET_LENGTH "KEMSharedSecretLength" Read, OF_KEYS;
    /// `NCRYPT_KEM_CIPHERTEXT_LENGTH_PROPERTY`, as the headers spell it
    KEM_CIPHERTEXT_LENGTH "KEMCiphertextLength" Read, OF_KEYS;
    /// `NCRYPT_KEM_SHARED_SECRET_LENGTH_PROPERTY`, as the documentation spells it
    KEM_SHARED_SECRET_LENGTH_SPACED "KEM Shared Secret Length" Read, OF_KEYS;
    /// `NCRYPT_KEM_CIPHERTEXT_LENGTH_PROPERTY`, as the documentation spells it
    KEM_CIPHERTEXT_LENGTH_SPACED "KEM Ciphertext Length" Read, OF_KEYS;
    /// `NCRYPT_CERTIFICATE_PROPERTY`
    CERTIFICATE "SmartCardKeyCertificate" ReadSet, OF_KEYS;
    /// `NCRYPT_PIN_PROPERTY`
    PIN "SmartCardPin" Set, Access::Never("a login, which is made with the token and not here");
    /// `NCRYPT_SECURE_PIN_PROPERTY`
    SECURE_PIN "SmartCardSecurePin" OF_SMARTCARDS, OF_KEYS;
    /// `NCRYPT_PIN_PROMPT_PROPERTY`
    PIN_PROMPT "SmartCardPinPrompt" OF_SMARTCARDS, OF_SMARTCARDS;
    /// `NCRYPT_READER_PROPERTY`
    READER "SmartCardReader" OF_PROVIDERS, Set;
    /// `NCRYPT_READER_ICON_PROPERTY`
    READER_ICON "SmartCardReaderIcon" OF_PROVIDERS, OF_SMARTCARDS;
    /// `NCRYPT_SMARTCARD_GUID_PROPERTY`
    SMARTCARD_GUID "SmartCardGuid" Read, Read;
    /// `NCRYPT_USER_CERTSTORE_PROPERTY`
    USER_CERTSTORE "SmartCardUserCertStore" OF_PROVIDERS, NO_STORES;
    /// `NCRYPT_ROOT_CERTSTORE_PROPERTY`
    ROOT_CERTSTORE "SmartcardRootCertStore" OF_PROVIDERS, NO_STORES;
    /// `NCRYPT_ASSOCIATED_ECDH_KEY`
    ASSOCIATED_ECDH_KEY "SmartCardAssociatedECDHKey" Read, OF_KEYS;
    /// `NCRYPT_SCARD_PIN_ID`
    SCARD_PIN_ID "SmartCardPinId" OF_SMARTCARDS, OF_KEYS;
    /// `NCRYPT_SCARD_PIN_INFO`
    SCARD_PIN_INFO "SmartCardPinInfo" OF_SMARTCARDS, OF_KEYS;
    /// `NCRYPT_KDF_SECRET_VALUE`
    KDF_SECRET_VALUE "KDFKeySecret" NO_KDF_KEYS, OF_KEYS;
    /// `NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY`
    VIRTUAL_ISO "Virtual Iso" ISOLATION, ISOLATION;
    /// `NCRYPT_USE_PER_BOOT_KEY_PROPERTY`
    PER_BOOT_KEY "Per Boot Key" ISOLATION, ISOLATION;
    /// `NCRYPT_KEY_ACCESS_POLICY_PROPERTY`
    KEY_ACCESS_POLICY "Key Access Policy" ISOLATION, ISOLATION;
    /// A name for a key that has none.
    EPHEMERAL_NAME "Ephemeral Name" ISOLATION, ISOLATION;
    /// `NCRYPT_VBS_ROOT_PUB_PROPERTY`
    VBS_ROOT_PUB "VBS_ROOT_PUB" ISOLATION, ISOLATION;
    /// `NCRYPT_CERTIFICATE_FROM_NVRAM_PROPERTY`
    CERTIFICATE_FROM_NVRAM "KeyCertificateFromTpmNvram" OF_TPMS, OF_TPMS;
}

/// A property of the table. A blob type is none: to set one is an import.
pub(super) fn row(name: &str) -> Option<&'static Property> {
    TABLE.iter().find(|row| row.name == name)
}

/// Whether a name begins like those of a TPM's properties, which are many.
fn is_of_a_tpm(name: &str) -> bool {
    name.starts_with("PCP_") || name.starts_with("PinCache")
}

impl Access {
    /// Refuses to read what is not read.
    fn check_read(self, name: &str) -> Result<(), Error> {
        match self {
            Self::Never(reason) => Err(property(name, reason, Status::NTE_NOT_SUPPORTED)),
            Self::Set | Self::SetBefore => Err(property(name, "write-only", Status::NTE_NOT_SUPPORTED)),
            Self::Read | Self::ReadSet | Self::ReadSetBefore => Ok(()),
        }
    }

    /// Refuses to set what is not set, or not any more.
    fn check_set(self, name: &str, is_finalized: bool) -> Result<(), Error> {
        match self {
            Self::Never(reason) => Err(property(name, reason, Status::NTE_NOT_SUPPORTED)),
            Self::Read => Err(property(name, "read-only", Status::NTE_NOT_SUPPORTED)),
            Self::ReadSetBefore | Self::SetBefore if is_finalized => Err(Error::Finalized),
            Self::ReadSet | Self::ReadSetBefore | Self::Set | Self::SetBefore => Ok(()),
        }
    }
}

/// Refuses a name that is too long for any property.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains('\0') || wide::units(name) > MAX_PROPERTY_NAME {
        return Err(property(name, "a name that no property can have", Status::NTE_INVALID_PARAMETER));
    }
    Ok(())
}

pub(super) fn property(name: &str, problem: &'static str, status: Status) -> Error {
    Error::Property { name: name.to_owned(), problem, status }
}

pub(super) fn unknown(name: &str) -> Error {
    Error::UnknownProperty { name: name.to_owned() }
}

pub(super) fn absent(name: &str) -> Error {
    property(name, "not one that this key has", Status::NTE_NOT_FOUND)
}

pub(super) fn invalid(name: &str) -> Error {
    property(name, "not given a value of its type", Status::NTE_INVALID_PARAMETER)
}

fn misplaced(name: &str) -> Error {
    property(name, "not one of this kind of key", Status::NTE_NOT_SUPPORTED)
}
