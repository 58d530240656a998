//! `dwFlags` of the NCrypt calls (`ncrypt.h`).

use std::ops::BitOr;

use super::Error;

/// Flags of a call. Unknown bits are `NTE_BAD_FLAGS`, as on Windows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Flags(u32);

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// `NCRYPT_NO_KEY_VALIDATION`: skip the mathematics of a key, never its lengths.
    pub const NO_KEY_VALIDATION: Self = Self(0x8);
    /// `NCRYPT_MACHINE_KEY_FLAG`: accepted; a token has no user and machine stores.
    pub const MACHINE_KEY: Self = Self(0x20);
    /// `NCRYPT_SILENT_FLAG`: nothing is asked. The library never asks.
    pub const SILENT: Self = Self(0x40);
    /// `NCRYPT_OVERWRITE_KEY_FLAG`: a key of the same name is replaced, once the new one is complete and proven.
    pub const OVERWRITE_KEY: Self = Self(0x80);
    /// `NCRYPT_DO_NOT_FINALIZE_FLAG`: the key stays pending, so that properties can be set.
    pub const DO_NOT_FINALIZE: Self = Self(0x400);

    /// The flags of a number.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Refuses what a call does not know.
    pub(super) fn only(self, allowed: Self) -> Result<(), Error> {
        match self.0 & !allowed.0 {
            0 => Ok(()),
            unknown => Err(Error::BadFlags { unknown }),
        }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
