//! What is peculiar to a token, as data.
//!
//! A row says what was *seen*, on which token and version, or that it was not. Rows are found by manufacturer, model and firmware version; a token without a
//! row gets [`Profile::UNKNOWN`], which assumes nothing that the standard does not promise.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CKA_PUBLIC_EXPONENT, CKA_VALUE_LEN, CKM_AES_KEY_WRAP_KWP,
    CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PKCS7,
};

use crate::key::KeyUsage;
use crate::key::rsa::Hash;

/// CKM_AES_KWP of Thales' `cryptoki_v2.h`: CKM_VENDOR_DEFINED + 0x171.
const CKM_LUNA_AES_KWP: CK_MECHANISM_TYPE = 0x8000_0171;

/// The hashes of RSA-OAEP, in the order in which they are tried.
pub(crate) const EVERY_HASH: &[Hash] = &[Hash::Sha256, Hash::Sha1, Hash::Sha384, Hash::Sha512];

/// The public value of a private key, which NSS looks for beside it (`pkcs11n.h`).
pub(super) const CKA_NSS_DB: CK_ATTRIBUTE_TYPE = 0xD5A0_DB00;

/// A place of a card, in which one key stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// The CKA_ID of what stands there.
    pub id: u8,
    /// What a key may do there, whatever was asked.
    pub usage: KeyUsage,
}

/// The quirks of a token.
#[derive(Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// What it is called in messages.
    pub name: &'static str,
    manufacturer: &'static str,
    model: &'static str,
    label: &'static str,
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
    /// The places in which the token keeps keys, if it has such: there keys are put by the security officer, by one C_CreateObject on the token at once; they are given a name
    /// there, and are not copied, changed or removed.
    pub places: &'static [Place],
    /// The attributes of which C_CreateObject of a private key frees the value, as if it were the module's.
    pub frees: &'static [CK_ATTRIBUTE_TYPE],
    /// Whether attribute buffers need their exact size asked first, because the token ignores the size it is given.
    pub asks_sizes: bool,
}

impl Profile {
    /// A token that nothing is known of.
    pub const UNKNOWN: Self = Self {
        name: "unknown token",
        manufacturer: "",
        model: "",
        label: "",
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
        places: &[],
        frees: &[],
        asks_sizes: true,
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
        ..Self::UNKNOWN
    };

    // Seen 2026-11 on Debian 12's OpenSC 0.23.0, with a card by opcard 1.11 (version 3.4 of the card's specification): the driver `openpgp` keeps a key of each of three
    // CKA_IDs; a key comes there as SO alone (CKR_USER_NOT_LOGGED_IN), on the token alone, RSA alone (elliptic: CKR_ARGUMENTS_BAD, AES: CKR_GENERAL_ERROR); a place that is
    // taken is CKR_GENERAL_ERROR; C_DestroyObject is CKR_OK and the key is there again at the next start. An exponent shorter than the card's four bytes is
    // lengthened, and the caller's own freed (card-openpgp.c, pgp_build_extended_header_list); one of four bytes is written to the card with a wrong length.
    const OPENPGP: Self = Self {
        name: "OpenPGP card by OpenSC",
        model: "PKCS#15 emulated",
        label: "OpenPGP card",
        copies: false,
        plain_secret: false,
        places: &[
            Place { id: 1, usage: KeyUsage::SIGN },
            Place { id: 2, usage: KeyUsage::from_bits(KeyUsage::DECRYPT.bits() | KeyUsage::WRAP.bits()) },
            Place {
                id: 3,
                usage: KeyUsage::from_bits(KeyUsage::SIGN.bits() | KeyUsage::DECRYPT.bits() | KeyUsage::WRAP.bits()),
            },
        ],
        frees: &[CKA_PUBLIC_EXPONENT],
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
            ..Self::UNKNOWN
        },
        Self::OPENPGP,
        Self::LUNA,
        // As it was called before.
        Self { manufacturer: "SafeNet", ..Self::LUNA },
    ];

    /// The row for a token.
    pub fn find(manufacturer: &str, model: &str, label: &str, firmware: (u8, u8)) -> &'static Self {
        Self::ROWS
            .iter()
            .find(|row| {
                manufacturer.starts_with(row.manufacturer)
                    && model.starts_with(row.model)
                    && label.starts_with(row.label)
                    && row.firmware.is_none_or(|version| version == firmware)
            })
            .unwrap_or(&Self::UNKNOWN)
    }
}
