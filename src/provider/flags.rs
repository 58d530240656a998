//! `dwFlags` of the NCrypt calls (`ncrypt.h`).

use super::Error;

crate::key::policy::flags! {
    /// Flags of a call. Unknown bits are `NTE_BAD_FLAGS`, as on Windows.
    Flags {
        /// None.
        NONE = 0;
        /// `NCRYPT_NO_KEY_VALIDATION`: skip the mathematics of a key, never its lengths.
        NO_KEY_VALIDATION = 0x8;
        /// `NCRYPT_MACHINE_KEY_FLAG`: accepted; a token has no user and machine stores.
        MACHINE_KEY = 0x20;
        /// `NCRYPT_SILENT_FLAG`: nothing is asked. The library never asks.
        SILENT = 0x40;
        /// `NCRYPT_OVERWRITE_KEY_FLAG`: a key of the same name is replaced, once the new one is complete and proven.
        OVERWRITE_KEY = 0x80;
        /// `NCRYPT_DO_NOT_FINALIZE_FLAG`: the key stays pending, so that properties can be set.
        DO_NOT_FINALIZE = 0x400;
    }
}

impl Flags {
    /// Refuses what a call does not know.
    pub(super) fn only(self, allowed: Self) -> Result<(), Error> {
        match self.0 & !allowed.0 {
            0 => Ok(()),
            unknown => Err(Error::BadFlags { unknown }),
        }
    }
}
