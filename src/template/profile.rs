//! What is peculiar to a token, as data.
//!
//! A row says what was *seen*, on which token and version, or that it was not. Rows are found by manufacturer, model and firmware version; a token without a
//! row gets [`Profile::UNKNOWN`], which assumes nothing that the standard does not promise. A user's own rows ([`setting`]) go before these. What a token's return values
//! mean is data as well ([`saying`]). A row lives as long as the process.

pub mod saying;
pub mod setting;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CKA_PUBLIC_EXPONENT, CKA_VALUE_LEN, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP,
    CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PKCS7,
};

use self::saying::Saying;
use crate::key::KeyUsage;
use crate::key::rsa::Hash;

/// CKM_AES_KWP of Thales' `cryptoki_v2.h`: CKM_VENDOR_DEFINED + 0x171.
const CKM_LUNA_AES_KWP: CK_MECHANISM_TYPE = 0x8000_0171;

/// RFC 3394, PKCS#5 padding and RFC 5649 on AWS CloudHSM: `cloudhsm_pkcs11_vendor_defs.h` of its SDK, CKM_VENDOR_DEFINED + 0x2109, 0x210A and 0x216F.
const CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD: CK_MECHANISM_TYPE = 0x8000_2109;
const CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD: CK_MECHANISM_TYPE = 0x8000_210A;
const CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD: CK_MECHANISM_TYPE = 0x8000_216F;

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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// What it is called in messages.
    pub name: &'static str,
    /// What the token's manufacturer (`CK_TOKEN_INFO`) begins with.
    pub manufacturer: &'static str,
    /// What its model begins with.
    pub model: &'static str,
    /// What its label begins with.
    pub label: &'static str,
    /// Its firmware version, where it is only about that one.
    pub firmware: Option<(u8, u8)>,
    /// What C_GetInfo says who made the library, where that tells more than the token: a TPM says who made the TPM. Such a row is for every token of the library.
    pub library: &'static str,
    /// The mechanism that is RFC 5649 here. `CKM_AES_KEY_WRAP_PAD` (0x210A) is two incompatible formats in the field, so it counts only where it
    /// was seen to be RFC 5649.
    pub kwp: CK_MECHANISM_TYPE,
    /// The mechanism that is RFC 3394 here, and adds no padding.
    pub kw: CK_MECHANISM_TYPE,
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
    /// Whether C_SetAttributeValue changes a CKA_ID. Without it no object can bear a mark that is taken off once it is proven, and no key can take another one's place.
    pub sets: bool,
    /// Whether keys can be session objects, where that is known. Where they cannot, a key is made on the token at once, and destroyed if it fails its proof.
    pub session_objects: Option<bool>,
    /// Whether the public half of a private key is an object of its own accord, which comes and goes with it and is never made.
    pub own_publics: bool,
    /// Whether a public object has CKA_PRIVATE true, and is refused otherwise.
    pub private_publics: bool,
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
    /// Whether a flag of a use that this kind of key never has may stand in a template, though it is false, where that is known.
    pub other_uses: Option<bool>,
    /// Whether a wrapped elliptic key has the public point that its object was given, whatever it is.
    pub points_travel: bool,
    /// Whether C_UnwrapKey may give an object uses that its template refuses.
    pub adds_uses: bool,
    /// Whether an object replaces another one of the same class and CKA_ID, or is refused because of it.
    pub unique_ids: bool,
    /// The places in which the token keeps keys, if it has such: there keys are put by the security officer, by one C_CreateObject on the token at once; they are given a name
    /// there, and are not copied, changed or removed.
    pub places: &'static [Place],
    /// The attributes of which C_CreateObject of a private key frees the value, as if it were the module's.
    pub frees: &'static [CK_ATTRIBUTE_TYPE],
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
    /// Whether several threads may use it at a time, each with a session of its own.
    pub threads: bool,
    /// Whether it is a program on this machine: what its calls cost is work and not waiting.
    pub in_software: bool,
    /// What its return values mean, where that is known.
    pub says: &'static [Saying],
}

impl Profile {
    /// A token that nothing is known of.
    pub const UNKNOWN: Self = Self {
        name: "unknown token",
        manufacturer: "",
        model: "",
        label: "",
        firmware: None,
        library: "",
        kwp: CKM_AES_KEY_WRAP_KWP,
        kw: CKM_AES_KEY_WRAP,
        kw_pkcs7: CKM_AES_KEY_WRAP_PKCS7,
        oaep: None,
        zero_pads: false,
        kw_fills_secrets: false,
        copies: true,
        sets: true,
        session_objects: None,
        own_publics: false,
        private_publics: false,
        plain_private: true,
        plain_secret: true,
        plain_always: false,
        create_wants: &[],
        unwrap_wants: &[],
        recovers: true,
        other_uses: None,
        points_travel: false,
        adds_uses: true,
        unique_ids: false,
        places: &[],
        frees: &[],
        asks_sizes: true,
        pairs_on_token: false,
        counterparts_later: false,
        rsa_signs_by_decrypting: false,
        unwraps_open: false,
        own_import: None,
        threads: true,
        in_software: false,
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

    // Not seen; from the vendor's documents (attributes by call and key type, mechanisms, AES key wrapping, error codes), its examples, pkcs11-tools' README and
    // aws-cloudhsm-user-guide issue 26: an attribute that a kind of key has no use for is CKR_TEMPLATE_INCONSISTENT, the recover flags for every one; CKA_PRIVATE is always true; a
    // CKA_ID that is taken is CKR_ATTRIBUTE_VALUE_INVALID; neither C_CopyObject nor C_SetAttributeValue is in the list of functions; CKM_AES_KEY_WRAP adds PKCS#5 padding. What C_GetTokenInfo says
    // is written nowhere: this is the vendor that the command line of the service shows of its HSMs.
    const CLOUDHSM: Self = Self {
        name: "AWS CloudHSM",
        manufacturer: "Marvell",
        model: "",
        kwp: CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD,
        kw: CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD,
        kw_pkcs7: CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD,
        oaep: Some(EVERY_HASH),
        copies: false,
        sets: false,
        session_objects: Some(true),
        private_publics: true,
        recovers: false,
        other_uses: Some(false),
        unique_ids: true,
        ..Self::UNKNOWN
    };

    // Not seen; from IBM's source (`cca_specific.c`) and test cases (`aes_func.c`): the name and the model; C_UnwrapKey of a secret key needs CKA_VALUE_LEN.
    const CCA: Self = Self {
        name: "openCryptoki CCA",
        manufacturer: "IBM",
        model: "CCA",
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
            session_objects: Some(true),
            other_uses: Some(true),
            adds_uses: false,
            asks_sizes: false,
            in_software: true,
            says: saying::SOFTHSM,
            ..Self::UNKNOWN
        },
        // Seen 2026-11 on Kryoptic 1.5.4, from crates.io with OpenSSL 3.0.
        Self {
            name: "Kryoptic",
            manufacturer: "Kryoptic",
            model: "",
            oaep: Some(EVERY_HASH),
            session_objects: Some(true),
            other_uses: Some(true),
            adds_uses: false,
            asks_sizes: false,
            in_software: true,
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
            session_objects: Some(true),
            unwrap_wants: &[CKA_NSS_DB],
            other_uses: Some(true),
            kw_fills_secrets: true,
            points_travel: true,
            unique_ids: true,
            in_software: true,
            says: saying::NSS,
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
            threads: false,
            in_software: true,
            says: saying::OPENCRYPTOKI,
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
        Self::OPENPGP,
        Self::LUNA,
        // As it was called before.
        Self { manufacturer: "SafeNet", ..Self::LUNA },
        Self::CLOUDHSM,
        // As it was called before.
        Self { manufacturer: "Cavium", ..Self::CLOUDHSM },
        // Not seen; from Yubico's source (yubihsm-shell of 2026-07, `pkcs11/yubihsm_pkcs11.c` and `util_pkcs11.c`): keys are token objects only; the public half of a private key is
        // there with it, is not made and not destroyed, and gets its CKA_ID by C_SetAttributeValue, which changes CKA_ID and CKA_LABEL and nothing else; no C_CopyObject.
        Self {
            name: "YubiHSM 2",
            manufacturer: "Yubico",
            model: "YubiHSM",
            copies: false,
            session_objects: Some(false),
            own_publics: true,
            ..Self::UNKNOWN
        },
        // Not seen; from the vendor's documents (mechanisms, security assurance mechanism), jss pull request 833 and pkcs11-tools issue 77: no key is imported by C_CreateObject unless
        // CKNFAST_OVERRIDE_SECURITY_ASSURANCES says `import`; the model is empty.
        Self { name: "nShield", manufacturer: "nCipher", model: "", session_objects: Some(true), ..Self::UNKNOWN },
        Self::CCA,
        // Not seen; softhsm issue 478 and BouncyHsm issue 102: C_CreateObject takes CKA_VALUE_LEN and C_UnwrapKey does not, which is the order of the tries anyway. systemd issue
        // 26106: the name and the model.
        Self { name: "Utimaco", manufacturer: "Utimaco", model: "CryptoServer", ..Self::UNKNOWN },
    ];

    /// The row for a token.
    pub fn find(manufacturer: &str, model: &str, label: &str, firmware: (u8, u8)) -> &'static Self {
        Self::ROWS
            .iter()
            .filter(|row| row.library.is_empty())
            .find(|row| row.fits(manufacturer, model, label, firmware))
            .unwrap_or(&Self::UNKNOWN)
    }

    /// The same for other tokens, under another name.
    #[must_use]
    pub fn renamed(&self, name: &str, manufacturer: &str, model: &str, firmware: Option<(u8, u8)>) -> Self {
        let kept = |text: &str| &*text.to_owned().leak();
        let (name, manufacturer, model) = (kept(name), kept(manufacturer), kept(model));
        Self { name, manufacturer, model, firmware, ..*self }
    }

    /// The same with what keeps a token's module from writing or freeing where it must not, as another row has it.
    #[must_use]
    pub fn as_careful_as(&self, other: &Self) -> Self {
        let frees = if other.frees.is_empty() { self.frees } else { other.frees };
        Self { asks_sizes: self.asks_sizes || other.asks_sizes, frees, ..*self }
    }

    /// Whether the row is about this token.
    pub fn fits(&self, manufacturer: &str, model: &str, label: &str, firmware: (u8, u8)) -> bool {
        manufacturer.starts_with(self.manufacturer)
            && model.starts_with(self.model)
            && label.starts_with(self.label)
            && self.firmware.is_none_or(|version| version == firmware)
    }

    /// The row for every token of a library, by what C_GetInfo says who made it.
    pub fn of_library(manufacturer: &str) -> Option<&'static Self> {
        Self::ROWS.iter().find(|row| !row.library.is_empty() && manufacturer.starts_with(row.library))
    }
}
