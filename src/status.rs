//! Status codes: what a CNG caller gets, and what a token said.
//!
//! Owns the two number tables of the crate: [`Status`] (`winerror.h`'s `NTE_*` and `SCARD_*`, `ntstatus.h`'s `STATUS_*`, with the one mapping
//! from the former to the latter) and [`Ckr`] (PKCS#11 §5.1 return values) with the one mapping from the second to the first. The numbers are checked
//! against the `windows-sys` and `cryptoki-sys` crates in `tests/constants.rs`.

use std::fmt;

/// A 32-bit CNG status: a `SECURITY_STATUS` of NCrypt or an `NTSTATUS` of BCrypt.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Status(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($value);)+

            /// Every status this crate knows, with its name in the Windows headers.
            pub const TABLE: &[(Self, &str)] = &[$((Self::$name, stringify!($name)),)+];
        }
    };
}

statuses! {
    /// Success (`ERROR_SUCCESS`, `STATUS_SUCCESS`).
    ERROR_SUCCESS = 0x0000_0000;
    /// The key is of a kind that cannot be used here.
    NTE_BAD_KEY = 0x8009_0003;
    /// A length that is not supported.
    NTE_BAD_LEN = 0x8009_0004;
    /// Malformed data.
    NTE_BAD_DATA = 0x8009_0005;
    /// The signature does not verify.
    NTE_BAD_SIGNATURE = 0x8009_0006;
    /// The algorithm does not fit the operation.
    NTE_BAD_ALGID = 0x8009_0008;
    /// A flag that is not known.
    NTE_BAD_FLAGS = 0x8009_0009;
    /// The blob type is not possible for the key.
    NTE_BAD_TYPE = 0x8009_000A;
    /// The key is not in the state that the call needs (not finalized, or finalized already).
    NTE_BAD_KEY_STATE = 0x8009_000B;
    /// Out of memory.
    NTE_NO_MEMORY = 0x8009_000E;
    /// The name is taken.
    NTE_EXISTS = 0x8009_000F;
    /// Access denied.
    NTE_PERM = 0x8009_0010;
    /// The object or property is absent.
    NTE_NOT_FOUND = 0x8009_0011;
    /// No key has this name.
    NTE_BAD_KEYSET = 0x8009_0016;
    /// The provider's module cannot be loaded.
    NTE_PROVIDER_DLL_FAIL = 0x8009_001D;
    /// The provider's module does not exist.
    NTE_PROV_DLL_NOT_FOUND = 0x8009_001E;
    /// An internal consistency check failed.
    NTE_FAIL = 0x8009_0020;
    /// A system call failed.
    NTE_SYS_ERR = 0x8009_0021;
    /// User interaction is needed and not allowed.
    NTE_SILENT_CONTEXT = 0x8009_0022;
    /// The token is full.
    NTE_TOKEN_KEYSET_STORAGE_FULL = 0x8009_0023;
    /// A handle that is not valid.
    NTE_INVALID_HANDLE = 0x8009_0026;
    /// A parameter that is not valid.
    NTE_INVALID_PARAMETER = 0x8009_0027;
    /// The buffer is too small.
    NTE_BUFFER_TOO_SMALL = 0x8009_0028;
    /// Not supported; also what Windows answers when the export policy forbids an export.
    NTE_NOT_SUPPORTED = 0x8009_0029;
    /// The end of an enumeration.
    NTE_NO_MORE_ITEMS = 0x8009_002A;
    /// The data do not decrypt.
    NTE_DECRYPTION_FAILURE = 0x8009_002C;
    /// A defect of this crate.
    NTE_INTERNAL_ERROR = 0x8009_002D;
    /// The device is not ready.
    NTE_DEVICE_NOT_READY = 0x8009_0030;
    /// What was read back differs from what was asked.
    NTE_VALIDATION_FAILED = 0x8009_0032;
    /// The password is wrong.
    NTE_INCORRECT_PASSWORD = 0x8009_0033;
    /// The device is not there.
    NTE_DEVICE_NOT_FOUND = 0x8009_0035;
    /// The user cancelled.
    NTE_USER_CANCELLED = 0x8009_0036;
    /// A pointer that must not be NULL is (`HRESULT_FROM_WIN32(RPC_X_NULL_REF_POINTER)`), as the router of Windows says it.
    RPC_X_NULL_REF_POINTER = 0x8007_06F4;
    /// The PIN is wrong.
    SCARD_W_WRONG_CHV = 0x8010_006B;
    /// The PIN is locked.
    SCARD_W_CHV_BLOCKED = 0x8010_006C;
    /// Failed, and nothing better is known.
    STATUS_UNSUCCESSFUL = 0xC000_0001;
    /// Nothing like it is implemented.
    STATUS_NOT_IMPLEMENTED = 0xC000_0002;
    /// A handle that is not valid; also a key that is not finalized, or finalized already.
    STATUS_INVALID_HANDLE = 0xC000_0008;
    /// A parameter that is not valid.
    STATUS_INVALID_PARAMETER = 0xC000_000D;
    /// Out of memory.
    STATUS_NO_MEMORY = 0xC000_0017;
    /// Access denied.
    STATUS_ACCESS_DENIED = 0xC000_0022;
    /// The buffer is too small.
    STATUS_BUFFER_TOO_SMALL = 0xC000_0023;
    /// The name is taken.
    STATUS_OBJECT_NAME_COLLISION = 0xC000_0035;
    /// Data that decrypts to nothing sensible.
    STATUS_DATA_ERROR = 0xC000_003E;
    /// Not supported.
    STATUS_NOT_SUPPORTED = 0xC000_00BB;
    /// A defect of this crate.
    STATUS_INTERNAL_ERROR = 0xC000_00E5;
    /// The length does not fit the block of the cipher.
    STATUS_INVALID_BUFFER_SIZE = 0xC000_0206;
    /// No provider has the algorithm, or the thing is not there.
    STATUS_NOT_FOUND = 0xC000_0225;
    /// Encryption failed.
    STATUS_ENCRYPTION_FAILED = 0xC000_028A;
    /// Decryption failed.
    STATUS_DECRYPTION_FAILED = 0xC000_028B;
    /// The signature does not verify.
    STATUS_INVALID_SIGNATURE = 0xC000_A000;
    /// The authentication tag is another one.
    STATUS_AUTH_TAG_MISMATCH = 0xC000_A002;
}

/// What a BCrypt caller gets where an NCrypt caller gets the first. `NTE_BAD_DATA` stands for itself: Windows lets it through to whoever imports a malformed RSA blob.
const NTSTATUS: &[(Status, Status)] = &[
    (Status::ERROR_SUCCESS, Status::ERROR_SUCCESS),
    (Status::NTE_BAD_KEY, Status::STATUS_INVALID_PARAMETER),
    (Status::NTE_BAD_LEN, Status::STATUS_INVALID_PARAMETER),
    (Status::NTE_BAD_DATA, Status::NTE_BAD_DATA),
    (Status::NTE_BAD_SIGNATURE, Status::STATUS_INVALID_SIGNATURE),
    (Status::NTE_BAD_ALGID, Status::STATUS_INVALID_PARAMETER),
    (Status::NTE_BAD_FLAGS, Status::STATUS_INVALID_PARAMETER),
    (Status::NTE_BAD_TYPE, Status::STATUS_NOT_SUPPORTED),
    (Status::NTE_BAD_KEY_STATE, Status::STATUS_INVALID_HANDLE),
    (Status::NTE_NO_MEMORY, Status::STATUS_NO_MEMORY),
    (Status::NTE_EXISTS, Status::STATUS_OBJECT_NAME_COLLISION),
    (Status::NTE_PERM, Status::STATUS_ACCESS_DENIED),
    (Status::NTE_NOT_FOUND, Status::STATUS_NOT_FOUND),
    (Status::NTE_BAD_KEYSET, Status::STATUS_NOT_FOUND),
    (Status::NTE_PROVIDER_DLL_FAIL, Status::STATUS_UNSUCCESSFUL),
    (Status::NTE_PROV_DLL_NOT_FOUND, Status::STATUS_NOT_FOUND),
    (Status::NTE_FAIL, Status::STATUS_UNSUCCESSFUL),
    (Status::NTE_SYS_ERR, Status::STATUS_UNSUCCESSFUL),
    (Status::NTE_SILENT_CONTEXT, Status::STATUS_ACCESS_DENIED),
    (Status::NTE_TOKEN_KEYSET_STORAGE_FULL, Status::STATUS_NO_MEMORY),
    (Status::NTE_INVALID_HANDLE, Status::STATUS_INVALID_HANDLE),
    (Status::NTE_INVALID_PARAMETER, Status::STATUS_INVALID_PARAMETER),
    (Status::NTE_BUFFER_TOO_SMALL, Status::STATUS_BUFFER_TOO_SMALL),
    (Status::NTE_NOT_SUPPORTED, Status::STATUS_NOT_SUPPORTED),
    (Status::NTE_NO_MORE_ITEMS, Status::STATUS_NOT_FOUND),
    (Status::NTE_DECRYPTION_FAILURE, Status::STATUS_DECRYPTION_FAILED),
    (Status::NTE_INTERNAL_ERROR, Status::STATUS_INTERNAL_ERROR),
    (Status::NTE_DEVICE_NOT_READY, Status::STATUS_UNSUCCESSFUL),
    (Status::NTE_VALIDATION_FAILED, Status::STATUS_UNSUCCESSFUL),
    (Status::NTE_INCORRECT_PASSWORD, Status::STATUS_ACCESS_DENIED),
    (Status::NTE_DEVICE_NOT_FOUND, Status::STATUS_NOT_FOUND),
    (Status::NTE_USER_CANCELLED, Status::STATUS_ACCESS_DENIED),
    (Status::RPC_X_NULL_REF_POINTER, Status::STATUS_INVALID_PARAMETER),
    (Status::SCARD_W_WRONG_CHV, Status::STATUS_ACCESS_DENIED),
    (Status::SCARD_W_CHV_BLOCKED, Status::STATUS_ACCESS_DENIED),
];

impl Status {
    /// The name in the Windows headers, or `"UNKNOWN"`.
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|(status, _)| *status == self).map_or("UNKNOWN", |(_, name)| name)
    }

    /// The same for a BCrypt caller: an `NTSTATUS`. What is one already stays as it is; what has no counterpart is `STATUS_INTERNAL_ERROR`.
    pub fn ntstatus(self) -> Self {
        if self.is_ntstatus() {
            return self;
        }
        NTSTATUS.iter().find(|(status, _)| *status == self).map_or(Self::STATUS_INTERNAL_ERROR, |(_, ours)| *ours)
    }

    /// Whether it is an error of `ntstatus.h`: severity 3, facility 0.
    fn is_ntstatus(self) -> bool {
        self.0 >> 16 == 0xC000
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:08X})", self.name(), self.0)
    }
}

/// A PKCS#11 return value (`CK_RV`).
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Ckr(pub u64);

macro_rules! ckrs {
    ($($name:ident = $value:literal => $status:ident;)+) => {
        impl Ckr {
            $(#[doc = concat!("`CKR_", stringify!($name), "` of PKCS#11.")] pub const $name: Self = Self($value);)+

            /// Every return value this crate knows by name, and the status a CNG caller gets for it.
            pub const TABLE: &[(Self, &str, Status)] =
                &[$((Self::$name, concat!("CKR_", stringify!($name)), Status::$status),)+];
        }
    };
}

ckrs! {
    OK = 0x000 => ERROR_SUCCESS;
    CANCEL = 0x001 => NTE_USER_CANCELLED;
    HOST_MEMORY = 0x002 => NTE_NO_MEMORY;
    SLOT_ID_INVALID = 0x003 => NTE_DEVICE_NOT_FOUND;
    GENERAL_ERROR = 0x005 => NTE_FAIL;
    FUNCTION_FAILED = 0x006 => NTE_FAIL;
    ARGUMENTS_BAD = 0x007 => NTE_INVALID_PARAMETER;
    NO_EVENT = 0x008 => NTE_FAIL;
    NEED_TO_CREATE_THREADS = 0x009 => NTE_FAIL;
    CANT_LOCK = 0x00A => NTE_FAIL;
    ATTRIBUTE_READ_ONLY = 0x010 => NTE_FAIL;
    ATTRIBUTE_SENSITIVE = 0x011 => NTE_NOT_SUPPORTED;
    ATTRIBUTE_TYPE_INVALID = 0x012 => NTE_FAIL;
    ATTRIBUTE_VALUE_INVALID = 0x013 => NTE_BAD_DATA;
    ACTION_PROHIBITED = 0x01B => NTE_PERM;
    DATA_INVALID = 0x020 => NTE_FAIL;
    DATA_LEN_RANGE = 0x021 => NTE_FAIL;
    DEVICE_ERROR = 0x030 => NTE_DEVICE_NOT_READY;
    DEVICE_MEMORY = 0x031 => NTE_TOKEN_KEYSET_STORAGE_FULL;
    DEVICE_REMOVED = 0x032 => NTE_DEVICE_NOT_FOUND;
    ENCRYPTED_DATA_INVALID = 0x040 => NTE_BAD_DATA;
    ENCRYPTED_DATA_LEN_RANGE = 0x041 => NTE_FAIL;
    AEAD_DECRYPT_FAILED = 0x042 => NTE_FAIL;
    FUNCTION_CANCELED = 0x050 => NTE_USER_CANCELLED;
    FUNCTION_NOT_PARALLEL = 0x051 => NTE_FAIL;
    FUNCTION_NOT_SUPPORTED = 0x054 => NTE_NOT_SUPPORTED;
    KEY_HANDLE_INVALID = 0x060 => NTE_NOT_FOUND;
    KEY_SIZE_RANGE = 0x062 => NTE_BAD_LEN;
    KEY_TYPE_INCONSISTENT = 0x063 => NTE_BAD_TYPE;
    KEY_NOT_NEEDED = 0x064 => NTE_FAIL;
    KEY_CHANGED = 0x065 => NTE_FAIL;
    KEY_NEEDED = 0x066 => NTE_FAIL;
    KEY_INDIGESTIBLE = 0x067 => NTE_FAIL;
    KEY_FUNCTION_NOT_PERMITTED = 0x068 => NTE_PERM;
    KEY_NOT_WRAPPABLE = 0x069 => NTE_NOT_SUPPORTED;
    KEY_UNEXTRACTABLE = 0x06A => NTE_NOT_SUPPORTED;
    MECHANISM_INVALID = 0x070 => NTE_NOT_SUPPORTED;
    MECHANISM_PARAM_INVALID = 0x071 => NTE_NOT_SUPPORTED;
    OBJECT_HANDLE_INVALID = 0x082 => NTE_NOT_FOUND;
    OPERATION_ACTIVE = 0x090 => NTE_FAIL;
    OPERATION_NOT_INITIALIZED = 0x091 => NTE_FAIL;
    PIN_INCORRECT = 0x0A0 => SCARD_W_WRONG_CHV;
    PIN_INVALID = 0x0A1 => NTE_INVALID_PARAMETER;
    PIN_LEN_RANGE = 0x0A2 => NTE_INVALID_PARAMETER;
    PIN_EXPIRED = 0x0A3 => NTE_PERM;
    PIN_LOCKED = 0x0A4 => SCARD_W_CHV_BLOCKED;
    SESSION_CLOSED = 0x0B0 => NTE_DEVICE_NOT_READY;
    SESSION_COUNT = 0x0B1 => NTE_DEVICE_NOT_READY;
    SESSION_HANDLE_INVALID = 0x0B3 => NTE_DEVICE_NOT_READY;
    SESSION_PARALLEL_NOT_SUPPORTED = 0x0B4 => NTE_FAIL;
    SESSION_READ_ONLY = 0x0B5 => NTE_PERM;
    SESSION_EXISTS = 0x0B6 => NTE_DEVICE_NOT_READY;
    SESSION_READ_ONLY_EXISTS = 0x0B7 => NTE_FAIL;
    SESSION_READ_WRITE_SO_EXISTS = 0x0B8 => NTE_FAIL;
    SIGNATURE_INVALID = 0x0C0 => NTE_BAD_SIGNATURE;
    SIGNATURE_LEN_RANGE = 0x0C1 => NTE_BAD_SIGNATURE;
    TEMPLATE_INCOMPLETE = 0x0D0 => NTE_BAD_DATA;
    TEMPLATE_INCONSISTENT = 0x0D1 => NTE_BAD_DATA;
    TOKEN_NOT_PRESENT = 0x0E0 => NTE_DEVICE_NOT_FOUND;
    TOKEN_NOT_RECOGNIZED = 0x0E1 => NTE_DEVICE_NOT_READY;
    TOKEN_WRITE_PROTECTED = 0x0E2 => NTE_PERM;
    UNWRAPPING_KEY_HANDLE_INVALID = 0x0F0 => NTE_BAD_KEY;
    UNWRAPPING_KEY_SIZE_RANGE = 0x0F1 => NTE_BAD_LEN;
    UNWRAPPING_KEY_TYPE_INCONSISTENT = 0x0F2 => NTE_BAD_TYPE;
    USER_ALREADY_LOGGED_IN = 0x100 => NTE_FAIL;
    USER_NOT_LOGGED_IN = 0x101 => NTE_PERM;
    USER_PIN_NOT_INITIALIZED = 0x102 => NTE_PERM;
    USER_TYPE_INVALID = 0x103 => NTE_INVALID_PARAMETER;
    USER_ANOTHER_ALREADY_LOGGED_IN = 0x104 => NTE_PERM;
    USER_TOO_MANY_TYPES = 0x105 => NTE_PERM;
    WRAPPED_KEY_INVALID = 0x110 => NTE_BAD_DATA;
    WRAPPED_KEY_LEN_RANGE = 0x112 => NTE_BAD_DATA;
    WRAPPING_KEY_HANDLE_INVALID = 0x113 => NTE_BAD_KEY;
    WRAPPING_KEY_SIZE_RANGE = 0x114 => NTE_BAD_LEN;
    WRAPPING_KEY_TYPE_INCONSISTENT = 0x115 => NTE_BAD_TYPE;
    RANDOM_SEED_NOT_SUPPORTED = 0x120 => NTE_NOT_SUPPORTED;
    RANDOM_NO_RNG = 0x121 => NTE_NOT_SUPPORTED;
    DOMAIN_PARAMS_INVALID = 0x130 => NTE_NOT_SUPPORTED;
    CURVE_NOT_SUPPORTED = 0x140 => NTE_NOT_SUPPORTED;
    BUFFER_TOO_SMALL = 0x150 => NTE_BUFFER_TOO_SMALL;
    SAVED_STATE_INVALID = 0x160 => NTE_FAIL;
    INFORMATION_SENSITIVE = 0x170 => NTE_NOT_SUPPORTED;
    STATE_UNSAVEABLE = 0x180 => NTE_FAIL;
    CRYPTOKI_NOT_INITIALIZED = 0x190 => NTE_DEVICE_NOT_READY;
    CRYPTOKI_ALREADY_INITIALIZED = 0x191 => NTE_FAIL;
    MUTEX_BAD = 0x1A0 => NTE_FAIL;
    MUTEX_NOT_LOCKED = 0x1A1 => NTE_FAIL;
    NEW_PIN_MODE = 0x1B0 => NTE_PERM;
    NEXT_OTP = 0x1B1 => NTE_PERM;
    EXCEEDED_MAX_ITERATIONS = 0x1B5 => NTE_FAIL;
    FIPS_SELF_TEST_FAILED = 0x1B6 => NTE_DEVICE_NOT_READY;
    LIBRARY_LOAD_FAILED = 0x1B7 => NTE_PROVIDER_DLL_FAIL;
    PIN_TOO_WEAK = 0x1B8 => NTE_INVALID_PARAMETER;
    PUBLIC_KEY_INVALID = 0x1B9 => NTE_BAD_DATA;
    FUNCTION_REJECTED = 0x200 => NTE_PERM;
    TOKEN_RESOURCE_EXCEEDED = 0x201 => NTE_TOKEN_KEYSET_STORAGE_FULL;
    OPERATION_CANCEL_FAILED = 0x202 => NTE_FAIL;
    KEY_EXHAUSTED = 0x203 => NTE_PERM;
    PENDING = 0x204 => NTE_FAIL;
    SESSION_ASYNC_NOT_SUPPORTED = 0x205 => NTE_NOT_SUPPORTED;
    SEED_RANDOM_REQUIRED = 0x206 => NTE_DEVICE_NOT_READY;
    OPERATION_NOT_VALIDATED = 0x207 => NTE_FAIL;
    TOKEN_NOT_INITIALIZED = 0x208 => NTE_DEVICE_NOT_READY;
    PARAMETER_SET_NOT_SUPPORTED = 0x209 => NTE_NOT_SUPPORTED;
}

impl Ckr {
    /// The name in the PKCS#11 headers, if it is a standard value.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(_, name, _)| *name)
    }

    /// What a CNG caller gets for it.
    pub fn status(self) -> Status {
        self.row().map_or(Status::NTE_FAIL, |(_, _, status)| *status)
    }

    fn row(self) -> Option<&'static (Self, &'static str, Status)> {
        Self::TABLE.iter().find(|(ckr, ..)| *ckr == self)
    }
}

impl fmt::Debug for Ckr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Ckr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:X})", self.0),
            None if self.0 >= 0x8000_0000 => write!(f, "vendor return value 0x{:X}", self.0),
            None => write!(f, "return value 0x{:X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_counterpart_for_bcrypt() {
        for (status, name) in Status::TABLE {
            let row = NTSTATUS.iter().filter(|(ncrypt, _)| ncrypt == status).count();
            assert_eq!(row, usize::from(!status.is_ntstatus()), "{name}");
            let ntstatus = status.ntstatus();
            let is_let_through = ntstatus == Status::NTE_BAD_DATA || ntstatus == Status::ERROR_SUCCESS;
            assert!(ntstatus.is_ntstatus() || is_let_through, "{name}");
            assert_eq!(ntstatus.ntstatus(), ntstatus, "{name}");
        }
        assert_eq!(Status(0x8009_0099).ntstatus(), Status::STATUS_INTERNAL_ERROR);
    }
}
