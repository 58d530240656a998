//! What is peculiar to a token, as data.
//!
//! A row says what was *seen*, on which token and version, or that it was not. Rows are found by manufacturer, model and firmware version; a token without a
//! row gets [`Profile::UNKNOWN`], which assumes nothing that the standard does not promise. A user's own rows ([`setting`]) go before these. What a token's return values
//! mean is data as well ([`saying`]). A row lives as long as the process.

pub mod saying;
pub mod setting;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CKA_VALUE_LEN, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD,
    CKM_AES_KEY_WRAP_PKCS7,
};

use self::saying::Saying;
use crate::key::rsa::Hash;

/// CKM_AES_KWP of Thales' `cryptoki_v2.h`: CKM_VENDOR_DEFINED + 0x171.
const CKM_LUNA_AES_KWP: CK_MECHANISM_TYPE = 0x8000_0171;

/// The hashes of RSA-OAEP, in the order in which they are tried.
pub(crate) const EVERY_HASH: &[Hash] = &[Hash::Sha256, Hash::Sha1, Hash::Sha384, Hash::Sha512];

/// The public value of a private key, which NSS looks for beside it (`pkcs11n.h`).
pub(super) const CKA_NSS_DB: CK_ATTRIBUTE_TYPE = 0xD5A0_DB00;

/// The quirks of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// What it is called in messages.
    pub name: &'static str,
    /// What the token's manufacturer (`CK_TOKEN_INFO`) begins with.
    pub manufacturer: &'static str,
    /// What its model begins with.
    pub model: &'static str,
    /// Its firmware version, where it is only about that one.
    pub firmware: Option<(u8, u8)>,
    /// The mechanism that is RFC 5649 here. `CKM_AES_KEY_WRAP_PAD` (0x210A) is two incompatible formats in the field, so it counts only where it
    /// was seen to be RFC 5649.
    pub kwp: CK_MECHANISM_TYPE,
    /// The mechanism that is RFC 3394 over PKCS#7 padding here.
    pub kw_pkcs7: CK_MECHANISM_TYPE,
    /// The hashes with which the token does RSA-OAEP, where that is known; without a label if it is only SHA-1.
    pub oaep: Option<&'static [Hash]>,
    /// Whether the token pads what it wraps with zero bytes to a multiple of eight before a KW or KWP wrap.
    pub zero_pads: bool,
    /// Whether it fills a secret key with zero bytes to a multiple of eight before a KW wrap, and a private one not.
    pub kw_fills_secrets: bool,
    /// Whether an object is written by C_CopyObject of a session object: faster here, and a failed write leaves nothing behind.
    pub copies: bool,
    /// Whether C_CreateObject takes a private key in the clear.
    pub plain_private: bool,
    /// Whether C_CreateObject takes a secret key in the clear.
    pub plain_secret: bool,
    /// Whether that is so in every mode of the token: NSS in FIPS mode takes none, and looks the same.
    pub plain_always: bool,
    /// Attributes that C_CreateObject of a key needs besides.
    pub create_wants: &'static [CK_ATTRIBUTE_TYPE],
    /// Attributes that C_UnwrapKey needs besides.
    pub unwrap_wants: &'static [CK_ATTRIBUTE_TYPE],
    /// Whether CKA_SIGN_RECOVER and CKA_VERIFY_RECOVER may stand in a template.
    pub recovers: bool,
    /// Whether a wrapped elliptic key has the public point that its object was given, whatever it is.
    pub points_travel: bool,
    /// Whether C_UnwrapKey may give an object uses that its template refuses.
    pub adds_uses: bool,
    /// Whether an object replaces another one of the same class and CKA_ID.
    pub unique_ids: bool,
    /// Whether attribute buffers need their exact size asked first, because the token ignores the size it is given.
    pub asks_sizes: bool,
    /// Whether several threads may use it at a time, each with a session of its own.
    pub threads: bool,
    /// What its return values mean, where that is known.
    pub says: &'static [Saying],
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
        kw_fills_secrets: false,
        copies: true,
        plain_private: true,
        plain_secret: true,
        plain_always: false,
        create_wants: &[],
        unwrap_wants: &[],
        recovers: true,
        points_travel: false,
        adds_uses: true,
        unique_ids: false,
        asks_sizes: true,
        threads: true,
        says: &[],
    };

    // Not seen; from documents and issue threads (pycryptoki 23 and 28, OpenSC 1570, opencryptoki 897): C_CreateObject of a key is CKR_TEMPLATE_INCONSISTENT,
    // C_UnwrapKey of an AES key without CKA_VALUE_LEN is CKR_ATTRIBUTE_TYPE_INVALID, and RFC 5649 is the vendor's CKM_AES_KWP.
    const LUNA: Self = Self {
        name: "Luna",
        manufacturer: "Thales",
        model: "Luna",
        kwp: CKM_LUNA_AES_KWP,
        plain_private: false,
        plain_secret: false,
        unwrap_wants: &[CKA_VALUE_LEN],
        says: saying::LUNA,
        ..Self::UNKNOWN
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
            plain_always: true,
            adds_uses: false,
            asks_sizes: false,
            says: saying::SOFTHSM,
            ..Self::UNKNOWN
        },
        // Seen 2026-11 on Kryoptic 1.5.4, from crates.io with OpenSSL 3.0.
        Self {
            name: "Kryoptic",
            manufacturer: "Kryoptic",
            model: "",
            oaep: Some(EVERY_HASH),
            adds_uses: false,
            asks_sizes: false,
            says: saying::KRYOPTIC,
            ..Self::UNKNOWN
        },
        // Seen 2026-11 on Debian 12's NSS 3.87: a second object of a CKA_ID takes the place of the first, of whatever key type; C_UnwrapKey of an elliptic key needs the
        // public point beside it, which leaves with it again; it gives private keys every use of their type; it fills secret keys with zero bytes before a KW wrap; 0x210A is RFC 3394 over PKCS#7 padding; C_GetAttributeValue does not look at the size of the buffer.
        Self {
            name: "NSS",
            manufacturer: "Mozilla Foundation",
            model: "NSS 3",
            kw_pkcs7: CKM_AES_KEY_WRAP_PAD,
            oaep: Some(EVERY_HASH),
            unwrap_wants: &[CKA_NSS_DB],
            kw_fills_secrets: true,
            points_travel: true,
            unique_ids: true,
            says: saying::NSS,
            ..Self::UNKNOWN
        },
        Self::LUNA,
        // As it was called before.
        Self { manufacturer: "SafeNet", ..Self::LUNA },
    ];

    /// The row for a token.
    pub fn find(manufacturer: &str, model: &str, firmware: (u8, u8)) -> &'static Self {
        Self::ROWS.iter().find(|row| row.fits(manufacturer, model, firmware)).unwrap_or(&Self::UNKNOWN)
    }

    /// The same for other tokens, under another name.
    #[must_use]
    pub fn renamed(&self, name: &str, manufacturer: &str, model: &str, firmware: Option<(u8, u8)>) -> Self {
        let kept = |text: &str| &*text.to_owned().leak();
        Self { name: kept(name), manufacturer: kept(manufacturer), model: kept(model), firmware, ..*self }
    }

    /// Whether the row is about this token.
    pub fn fits(&self, manufacturer: &str, model: &str, firmware: (u8, u8)) -> bool {
        manufacturer.starts_with(self.manufacturer)
            && model.starts_with(self.model)
            && self.firmware.is_none_or(|version| version == firmware)
    }
}
