//! What is peculiar to a token, as data.
//!
//! A row says what was *seen*, on which token and version. Rows are found by manufacturer, model and firmware version; a token without a
//! row gets [`Profile::UNKNOWN`], which assumes nothing that the standard does not promise.

use cryptoki_sys::{CK_MECHANISM_TYPE, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PKCS7};

use crate::key::rsa::Hash;

/// The quirks of a token.
#[derive(Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// What it is called in messages.
    pub name: &'static str,
    manufacturer: &'static str,
    model: &'static str,
    firmware: Option<(u8, u8)>,
    /// The mechanism that is RFC 5649 here. `CKM_AES_KEY_WRAP_PAD` (0x210A) is two incompatible formats in the field, so it counts only where it
    /// was seen to be RFC 5649.
    pub kwp: CK_MECHANISM_TYPE,
    /// The mechanism that is RFC 3394 over PKCS#7 padding here.
    pub kw_pkcs7: CK_MECHANISM_TYPE,
    /// The hashes with which the token does RSA-OAEP, where that is known; without a label if it is only SHA-1.
    pub oaep: Option<&'static [Hash]>,
    /// Whether the token pads what it wraps with zero bytes to a multiple of eight before a KW or KWP wrap.
    pub zero_pads: bool,
    /// Whether an object is written by C_CopyObject of a session object: faster here, and a failed write leaves nothing behind.
    pub copies: bool,
    /// Whether attribute buffers need their exact size asked first, because the token ignores the size it is given.
    pub asks_sizes: bool,
}

impl Profile {
    /// A token that nothing is known of.
    pub const UNKNOWN: Self = Self {
        name: "unknown token",
        manufacturer: "",
        model: "",
        firmware: None,
        kwp: CKM_AES_KEY_WRAP_KWP,
        kw_pkcs7: CKM_AES_KEY_WRAP_PKCS7,
        oaep: None,
        zero_pads: false,
        copies: true,
        asks_sizes: true,
    };

    /// The known tokens.
    pub const ROWS: &[Self] = &[
        // Seen 2026-11 on Debian 12's libsofthsm2 2.6.1: 0x210A is RFC 5649 around zero-padded PKCS#8 (DER of 1217 bytes comes back as 1224), 0x210B
        // is MECHANISM_INVALID; C_CopyObject writes the object file three times, C_CreateObject once per default attribute (39 times).
        Self {
            name: "SoftHSM 2.6",
            manufacturer: "SoftHSM project",
            model: "SoftHSM v2",
            firmware: Some((2, 6)),
            kwp: CKM_AES_KEY_WRAP_PAD,
            kw_pkcs7: CKM_AES_KEY_WRAP_PKCS7,
            // Anything else, and any label, is CKR_ARGUMENTS_BAD.
            oaep: Some(&[Hash::Sha1]),
            zero_pads: true,
            copies: true,
            asks_sizes: false,
        },
    ];

    /// The row for a token.
    pub fn find(manufacturer: &str, model: &str, firmware: (u8, u8)) -> &'static Self {
        Self::ROWS
            .iter()
            .find(|row| {
                row.manufacturer == manufacturer
                    && row.model == model
                    && row.firmware.is_none_or(|version| version == firmware)
            })
            .unwrap_or(&Self::UNKNOWN)
    }
}
