//! `dwFlags` of the NCrypt calls (`ncrypt.h`): every flag that the headers name, and what each call makes of it.
//!
//! A flag is taken by a call, or passed over because it asks for what is so anyway on a token, or refused with `NTE_NOT_SUPPORTED` because it asks for what a token cannot give,
//! or not one of the call's and refused with `NTE_BAD_FLAGS`. Nothing that would weaken what the caller asked for is passed over. One number means different things in different
//! calls: 0x20 is a machine key in one and a padding in another.

use super::Error;

crate::key::policy::flags! {
    /// Flags of a call. Unknown bits are `NTE_BAD_FLAGS`, as on Windows.
    Flags {
        /// None.
        NONE = 0;
        /// `NCRYPT_NO_KEY_VALIDATION`: skip the mathematics of a key, never its lengths.
        NO_KEY_VALIDATION = 0x8;
        /// `NCRYPT_MACHINE_KEY_FLAG`: a token has no user and machine stores; the property `Key Type` of this handle says it.
        MACHINE_KEY = 0x20;
        /// `NCRYPT_SILENT_FLAG`: nothing is asked. The library never asks.
        SILENT = 0x40;
        /// `NCRYPT_OVERWRITE_KEY_FLAG`: a key of the same name is replaced, once the new one is complete and proven.
        OVERWRITE_KEY = 0x80;
        /// `NCRYPT_AUTHORITY_KEY_FLAG`: a key that attests others.
        AUTHORITY_KEY = 0x100;
        /// `NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG`: a copy for CryptoAPI.
        WRITE_KEY_TO_LEGACY_STORE = 0x200;
        /// `NCRYPT_DO_NOT_FINALIZE_FLAG`: the key stays pending, so that properties can be set.
        DO_NOT_FINALIZE = 0x400;
        /// `NCRYPT_EXPORT_LEGACY_FLAG`: the blob of a CryptoAPI provider.
        EXPORT_LEGACY = 0x800;
        /// `NCRYPT_IGNORE_DEVICE_STATE_FLAG`: no look at a device before it is used.
        IGNORE_DEVICE_STATE = 0x1000;
        /// `NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG`: a key on a NIST curve calls itself `ECDSA` or `ECDH`, and its curve by its name.
        TREAT_NIST_AS_GENERIC_ECC = 0x2000;
        /// `NCRYPT_NO_CACHED_PASSWORD`: the user is to be asked again.
        NO_CACHED_PASSWORD = 0x4000;
        /// `NCRYPT_PROTECT_TO_LOCAL_SYSTEM`: of data protection, which no call here does.
        PROTECT_TO_LOCAL_SYSTEM = 0x8000;
        /// `NCRYPT_PREFER_VIRTUAL_ISOLATION_FLAG`: isolated by virtualisation, where there is such a thing.
        PREFER_VIRTUAL_ISOLATION = 0x1_0000;
        /// `NCRYPT_USE_VIRTUAL_ISOLATION_FLAG`: isolated by virtualisation, or not at all.
        USE_VIRTUAL_ISOLATION = 0x2_0000;
        /// `NCRYPT_USE_PER_BOOT_KEY_FLAG`: gone at the next start of the machine.
        USE_PER_BOOT_KEY = 0x4_0000;
        /// `NCRYPT_EXTENDED_ERRORS_FLAG`: more of an error than its status.
        EXTENDED_ERRORS = 0x1000_0000;
        /// `NCRYPT_REQUIRE_KDS_LRPC_BIND_FLAG`: of data protection.
        REQUIRE_KDS_LRPC_BIND = 0x2000_0000;
        /// `NCRYPT_PERSIST_ONLY_FLAG`: a property of one's own, whatever is built in under its name.
        PERSIST_ONLY = 0x4000_0000;
        /// `NCRYPT_PERSIST_FLAG`: the property is kept with the key.
        PERSIST = 0x8000_0000;
        /// `NCRYPT_NO_PADDING_FLAG` of encryption.
        NO_PADDING = 0x1;
        /// `NCRYPT_PAD_PKCS1_FLAG` of signing and encryption.
        PAD_PKCS1 = 0x2;
        /// `NCRYPT_PAD_OAEP_FLAG` of encryption.
        PAD_OAEP = 0x4;
        /// `NCRYPT_PAD_PSS_FLAG` of signing.
        PAD_PSS = 0x8;
        /// `NCRYPT_PAD_CIPHER_FLAG` of encryption with a symmetric key.
        PAD_CIPHER = 0x10;
        /// `NCRYPT_PAD_PQDSA_FLAG` of signing with ML-DSA.
        PAD_PQDSA = 0x20;
        /// `NCRYPT_REGISTER_NOTIFY_FLAG` of `NCryptNotifyChangeKey`.
        REGISTER_NOTIFY = 0x1;
        /// `NCRYPT_UNREGISTER_NOTIFY_FLAG` of `NCryptNotifyChangeKey`.
        UNREGISTER_NOTIFY = 0x2;
        /// `NCRYPT_SEALING_FLAG` of encryption with a TPM.
        SEALING = 0x100;
        /// `KDF_USE_SECRET_AS_HMAC_KEY_FLAG` of `NCryptDeriveKey`.
        USE_SECRET_AS_HMAC_KEY = 0x1;
    }
}

impl std::ops::Not for Flags {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

/// A call that takes flags.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// `NCryptOpenStorageProvider`
    OpenProvider,
    /// `NCryptIsAlgSupported`
    IsAlgorithmSupported,
    /// `NCryptEnumAlgorithms`
    EnumerateAlgorithms,
    /// `NCryptEnumKeys`
    EnumerateKeys,
    /// `NCryptCreatePersistedKey`
    Create,
    /// `NCryptOpenKey`
    Open,
    /// `NCryptImportKey`
    Import,
    /// `NCryptExportKey`
    Export,
    /// `NCryptFinalizeKey`
    Finalize,
    /// `NCryptDeleteKey`
    Delete,
    /// `NCryptGetProperty`
    GetProperty,
    /// `NCryptSetProperty`
    SetProperty,
    /// `NCryptSignHash`
    Sign,
    /// `NCryptVerifySignature`
    Verify,
    /// `NCryptEncrypt`
    Encrypt,
    /// `NCryptDecrypt`
    Decrypt,
    /// `NCryptSecretAgreement`
    SecretAgreement,
    /// `NCryptDeriveKey`
    Derive,
    /// `NCryptKeyDerivation`
    KeyDerivation,
    /// `NCryptNotifyChangeKey`
    Notify,
}

impl Call {
    /// Every call.
    pub const ALL: &[Self] = &[
        Self::OpenProvider,
        Self::IsAlgorithmSupported,
        Self::EnumerateAlgorithms,
        Self::EnumerateKeys,
        Self::Create,
        Self::Open,
        Self::Import,
        Self::Export,
        Self::Finalize,
        Self::Delete,
        Self::GetProperty,
        Self::SetProperty,
        Self::Sign,
        Self::Verify,
        Self::Encrypt,
        Self::Decrypt,
        Self::SecretAgreement,
        Self::Derive,
        Self::KeyDerivation,
        Self::Notify,
    ];
}

/// What a call makes of a flag that it knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Treatment {
    /// It does what the flag says.
    Taken,
    /// It passes it over: what the flag says is so anyway, or says nothing on a token.
    Harmless,
    /// It is refused with `NTE_NOT_SUPPORTED`, for this reason.
    Impossible(&'static str),
}

use Treatment::{Harmless, Impossible, Taken};

const LEGACY: Treatment = Impossible("there is no CryptoAPI store beside a token");
const ISOLATION: Treatment = Impossible("a token is not isolated by virtualisation");
const PER_BOOT: Treatment = Impossible("what is on a token outlives the machine's next start");
const ATTESTS: Treatment = Impossible("no key here attests others");
const ASKS_AGAIN: Treatment = Impossible("the login stands: nobody is asked again");
const SEALS: Treatment = Impossible("nothing is sealed to the state of a machine here");
const POST_QUANTUM: Treatment = Impossible("no key of this kind is put on tokens here");
const NOTIFIES: Treatment = Impossible("PKCS#11 tells nobody that a key has changed");

/// The one table: which flags a call knows, and what it makes of each. Every call knows NCRYPT_SILENT_FLAG and NCRYPT_EXTENDED_ERRORS_FLAG besides.
fn known(call: Call) -> &'static [(Flags, &'static str, Treatment)] {
    match call {
        Call::OpenProvider
        | Call::IsAlgorithmSupported
        | Call::EnumerateAlgorithms
        | Call::Delete
        | Call::SecretAgreement
        | Call::KeyDerivation => &[],
        Call::EnumerateKeys => &[(Flags::MACHINE_KEY, "NCRYPT_MACHINE_KEY_FLAG", Harmless)],
        Call::Create => &[
            (Flags::OVERWRITE_KEY, "NCRYPT_OVERWRITE_KEY_FLAG", Taken),
            (Flags::MACHINE_KEY, "NCRYPT_MACHINE_KEY_FLAG", Taken),
            (Flags::TREAT_NIST_AS_GENERIC_ECC, "NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG", Taken),
            (Flags::PREFER_VIRTUAL_ISOLATION, "NCRYPT_PREFER_VIRTUAL_ISOLATION_FLAG", Harmless),
            (Flags::USE_VIRTUAL_ISOLATION, "NCRYPT_USE_VIRTUAL_ISOLATION_FLAG", ISOLATION),
            (Flags::USE_PER_BOOT_KEY, "NCRYPT_USE_PER_BOOT_KEY_FLAG", PER_BOOT),
            (Flags::AUTHORITY_KEY, "NCRYPT_AUTHORITY_KEY_FLAG", ATTESTS),
        ],
        Call::Open => &[
            (Flags::MACHINE_KEY, "NCRYPT_MACHINE_KEY_FLAG", Taken),
            (Flags::IGNORE_DEVICE_STATE, "NCRYPT_IGNORE_DEVICE_STATE_FLAG", Harmless),
        ],
        Call::Import => &[
            (Flags::NO_KEY_VALIDATION, "NCRYPT_NO_KEY_VALIDATION", Taken),
            (Flags::DO_NOT_FINALIZE, "NCRYPT_DO_NOT_FINALIZE_FLAG", Taken),
            (Flags::OVERWRITE_KEY, "NCRYPT_OVERWRITE_KEY_FLAG", Taken),
            (Flags::MACHINE_KEY, "NCRYPT_MACHINE_KEY_FLAG", Taken),
            (Flags::TREAT_NIST_AS_GENERIC_ECC, "NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG", Taken),
            (Flags::PREFER_VIRTUAL_ISOLATION, "NCRYPT_PREFER_VIRTUAL_ISOLATION_FLAG", Harmless),
            (Flags::USE_VIRTUAL_ISOLATION, "NCRYPT_USE_VIRTUAL_ISOLATION_FLAG", ISOLATION),
            (Flags::USE_PER_BOOT_KEY, "NCRYPT_USE_PER_BOOT_KEY_FLAG", PER_BOOT),
            (Flags::WRITE_KEY_TO_LEGACY_STORE, "NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG", LEGACY),
        ],
        Call::Export => &[(Flags::EXPORT_LEGACY, "NCRYPT_EXPORT_LEGACY_FLAG", LEGACY)],
        Call::Finalize => &[
            (Flags::NO_KEY_VALIDATION, "NCRYPT_NO_KEY_VALIDATION", Taken),
            (Flags::IGNORE_DEVICE_STATE, "NCRYPT_IGNORE_DEVICE_STATE_FLAG", Harmless),
            (Flags::WRITE_KEY_TO_LEGACY_STORE, "NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG", LEGACY),
        ],
        Call::GetProperty => &[(Flags::PERSIST_ONLY, "NCRYPT_PERSIST_ONLY_FLAG", Taken)],
        Call::SetProperty => {
            &[(Flags::PERSIST, "NCRYPT_PERSIST_FLAG", Taken), (Flags::PERSIST_ONLY, "NCRYPT_PERSIST_ONLY_FLAG", Taken)]
        }
        Call::Sign | Call::Verify => &[
            (Flags::PAD_PKCS1, "NCRYPT_PAD_PKCS1_FLAG", Taken),
            (Flags::PAD_PSS, "NCRYPT_PAD_PSS_FLAG", Taken),
            (Flags::PAD_PQDSA, "NCRYPT_PAD_PQDSA_FLAG", POST_QUANTUM),
            (Flags::NO_CACHED_PASSWORD, "NCRYPT_NO_CACHED_PASSWORD", ASKS_AGAIN),
        ],
        Call::Encrypt | Call::Decrypt => &[
            (Flags::NO_PADDING, "NCRYPT_NO_PADDING_FLAG", Taken),
            (Flags::PAD_PKCS1, "NCRYPT_PAD_PKCS1_FLAG", Taken),
            (Flags::PAD_OAEP, "NCRYPT_PAD_OAEP_FLAG", Taken),
            (Flags::PAD_CIPHER, "NCRYPT_PAD_CIPHER_FLAG", Taken),
            (Flags::SEALING, "NCRYPT_SEALING_FLAG", SEALS),
            (Flags::NO_CACHED_PASSWORD, "NCRYPT_NO_CACHED_PASSWORD", ASKS_AGAIN),
        ],
        Call::Derive => &[(Flags::USE_SECRET_AS_HMAC_KEY, "KDF_USE_SECRET_AS_HMAC_KEY_FLAG", Taken)],
        Call::Notify => &[
            (Flags::REGISTER_NOTIFY, "NCRYPT_REGISTER_NOTIFY_FLAG", NOTIFIES),
            (Flags::UNREGISTER_NOTIFY, "NCRYPT_UNREGISTER_NOTIFY_FLAG", NOTIFIES),
            (Flags::MACHINE_KEY, "NCRYPT_MACHINE_KEY_FLAG", NOTIFIES),
        ],
    }
}

const EVERYWHERE: &[(Flags, &str, Treatment)] = &[
    (Flags::SILENT, "NCRYPT_SILENT_FLAG", Harmless),
    (Flags::EXTENDED_ERRORS, "NCRYPT_EXTENDED_ERRORS_FLAG", Harmless),
];

/// The flags that say how data is padded.
const PADDINGS: &[Flags] = &[Flags::NO_PADDING, Flags::PAD_PKCS1, Flags::PAD_OAEP, Flags::PAD_PSS, Flags::PAD_CIPHER];

impl Flags {
    /// What a call makes of each flag that it knows, with its name in the headers.
    pub fn of(call: Call) -> impl Iterator<Item = (Self, &'static str, Treatment)> {
        known(call).iter().chain(EVERYWHERE).copied()
    }

    /// Refuses what a call does not take.
    ///
    /// # Errors
    /// `NTE_BAD_FLAGS` for what the call does not know; `NTE_NOT_SUPPORTED` for what cannot be done on a token.
    pub fn check(self, call: Call) -> Result<(), Error> {
        // Most calls have none.
        if self.is_empty() {
            return Ok(());
        }
        let taken = Self::of(call).fold(Self::NONE, |known, (flag, ..)| known | flag);
        let unknown = self & !taken;
        if !unknown.is_empty() {
            return Err(Error::BadFlags { unknown: unknown.bits() });
        }
        match Self::of(call).find_map(|(flag, name, treatment)| match treatment {
            Impossible(reason) if self.contains(flag) => Some((name, reason)),
            _ => None,
        }) {
            Some((flag, reason)) => Err(Error::ImpossibleFlag { flag, reason }),
            None => Ok(()),
        }
    }

    /// The padding that a call of cryptography is asked for: one of [`Flags::NO_PADDING`], [`Flags::PAD_PKCS1`], [`Flags::PAD_OAEP`], [`Flags::PAD_PSS`],
    /// [`Flags::PAD_CIPHER`], or [`Flags::NONE`].
    ///
    /// # Errors
    /// As [`Flags::check`]; `NTE_BAD_FLAGS` also for two of them.
    pub fn padding(self, call: Call) -> Result<Self, Error> {
        self.check(call)?;
        let mut asked = PADDINGS.iter().copied().filter(|flag| self.contains(*flag));
        match (asked.next(), asked.next()) {
            (padding, None) => Ok(padding.unwrap_or(Self::NONE)),
            (_, Some(second)) => Err(Error::BadFlags { unknown: second.bits() }),
        }
    }
}
