//! What is peculiar to a token, as data.
//!
//! A row says what was *seen*, on which token and version, or that it was not. Rows are found by manufacturer, model and firmware version; a token without a
//! row gets [`Profile::UNKNOWN`], which assumes nothing that the standard does not promise.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CKA_VALUE_LEN, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD,
    CKM_AES_KEY_WRAP_PKCS7,
};

use crate::key::rsa::Hash;

/// CKM_AES_KWP of Thales' `cryptoki_v2.h`: CKM_VENDOR_DEFINED + 0x171.
const CKM_LUNA_AES_KWP: CK_MECHANISM_TYPE = 0x8000_0171;

/// The hashes of RSA-OAEP, in the order in which they are tried.
pub(crate) const EVERY_HASH: &[Hash] = &[Hash::Sha256, Hash::Sha1, Hash::Sha384, Hash::Sha512];

/// The public value of a private key, which NSS looks for beside it (`pkcs11n.h`).
pub(super) const CKA_NSS_DB: CK_ATTRIBUTE_TYPE = 0xD5A0_DB00;

/// The quirks of a token.
#[derive(Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// What it is called in messages.
    pub name: &'static str,
    manufacturer: &'static str,
    model: &'static str,
    firmware: Option<(u8, u8)>,
    /// What C_GetInfo says who made the library, where that tells more than the token: a TPM says who made the TPM. Such a row is for every token of the library.
    library: &'static str,
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
    /// Whether key pairs come about on the token only, and never as session objects. A token that is not known so is asked for a session object first.
    pub pairs_on_token: bool,
    /// Whether the uses of a pair that is made are the private key's to say: of the public object they are set afterwards.
    pub counterparts_later: bool,
    /// Whether it signs with an RSA key by decrypting, and so with none that may not decrypt.
    pub rsa_signs_by_decrypting: bool,
    /// Whether everything that C_UnwrapKey makes can be read and may leave, whatever its template says, and that it may leave is refused to be said.
    pub unwraps_open: bool,
    /// What brings a key onto a token that takes none through PKCS#11.
    pub own_import: Option<&'static str>,
}

impl Profile {
    /// A token that nothing is known of.
    pub const UNKNOWN: Self = Self {
        name: "unknown token",
        manufacturer: "",
        model: "",
        firmware: None,
        library: "",
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
        pairs_on_token: false,
        counterparts_later: false,
        rsa_signs_by_decrypting: false,
        unwraps_open: false,
        own_import: None,
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
        // Seen 2026-11 on Debian 12's openCryptoki 3.8.1, the soft token: C_UnwrapKey makes objects with CKA_SENSITIVE false and CKA_EXTRACTABLE true and answers
        // CKR_ATTRIBUTE_READ_ONLY where its template says either; it wraps by AES-CBC with padding and by RSA-OAEP with every hash but SHA-224. It keeps elliptic keys and has no mechanism for them.
        Self {
            name: "openCryptoki soft token",
            manufacturer: "IBM Corp.",
            model: "IBM SoftTok",
            oaep: Some(EVERY_HASH),
            asks_sizes: false,
            unwraps_open: true,
            ..Self::UNKNOWN
        },
        // Seen 2026-11 on Debian 12's tpm2-pkcs11 1.9.0 with swtpm: C_CreateObject of a private or secret key and C_GenerateKeyPair with CKA_TOKEN false, with any other policy than
        // none are CKR_ATTRIBUTE_VALUE_INVALID; it takes CKA_VERIFY for CKA_DECRYPT and CKA_ENCRYPT for CKA_SIGN, and answers CKR_GENERAL_ERROR where the two halves then differ;
        // CKM_RSA_PKCS is TPM2_RSA_Decrypt, and after a C_Sign that failed the key cannot be destroyed any more; C_CopyObject, C_GenerateKey, C_WrapKey and C_UnwrapKey CKR_FUNCTION_NOT_SUPPORTED.
        Self {
            name: "tpm2-pkcs11",
            library: "tpm2-software.github.io",
            copies: false,
            asks_sizes: false,
            pairs_on_token: true,
            counterparts_later: true,
            rsa_signs_by_decrypting: true,
            own_import: Some(
                "a key comes into a TPM only past PKCS#11: `tpm2_ptool import --label TOKEN --key-label NAME --privkey KEY.pem --algorithm rsa` (or ecc), and this command lists, shows and uses it then; or make it there (generate)",
            ),
            ..Self::UNKNOWN
        },
        Self::LUNA,
        // As it was called before.
        Self { manufacturer: "SafeNet", ..Self::LUNA },
    ];

    /// The row for a token.
    pub fn find(manufacturer: &str, model: &str, firmware: (u8, u8)) -> &'static Self {
        Self::ROWS
            .iter()
            .filter(|row| row.library.is_empty())
            .find(|row| {
                manufacturer.starts_with(row.manufacturer)
                    && model.starts_with(row.model)
                    && row.firmware.is_none_or(|version| version == firmware)
            })
            .unwrap_or(&Self::UNKNOWN)
    }

    /// The row for every token of a library, by what C_GetInfo says who made it.
    pub fn of_library(manufacturer: &str) -> Option<&'static Self> {
        Self::ROWS.iter().find(|row| !row.library.is_empty() && manufacturer.starts_with(row.library))
    }
}
