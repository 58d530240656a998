//! The devices that are simulated, as data. None of it was seen on a device: where each row is from stands before it.

use cryptoki_sys::*;

/// A device that is simulated.
pub(crate) struct Personality {
    pub(crate) name: &'static str,
    /// What C_GetTokenInfo says; `None` leaves it as it is.
    pub(crate) token: Option<(&'static str, &'static str)>,
    pub(crate) rules: &'static [Rule],
}

/// What it does otherwise than the module behind it.
pub(crate) enum Rule {
    /// C_CreateObject of a private key is answered so.
    NoPlainPrivate(CK_RV),
    /// C_CreateObject of a secret key is answered so.
    NoPlainSecret(CK_RV),
    /// This call, for keys of this type, needs this attribute, which the module behind does not get.
    Wants(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE, CK_RV),
    /// This call, for keys of this type, may have this attribute, which the module behind does not get.
    Takes(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE),
    /// This call, for keys of this type, must not have this attribute.
    Forbids(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE, CK_RV),
    /// This call grants this to keys of this type, whatever their template says.
    Grants(Call, CK_KEY_TYPE, CK_ATTRIBUTE_TYPE),
    /// This call must not have this flag with this value.
    ForbidsFlag(Call, CK_ATTRIBUTE_TYPE, bool, CK_RV),
    /// RFC 5649 has this number here, and no other but those that a rule names.
    Kwp(CK_MECHANISM_TYPE),
    /// Another mechanism with a number of this device; what it is in the module behind.
    Also(CK_MECHANISM_TYPE, CK_MECHANISM_TYPE),
    /// RFC 3394 over PKCS#5 padding.
    Padded(CK_MECHANISM_TYPE),
    /// No other mechanism wraps or unwraps: this one does, in a format of the device, and says that it needs so many bytes.
    WrapsOnlyBy(CK_MECHANISM_TYPE, CK_ULONG),
    /// This mechanism is not there.
    Lacks(CK_MECHANISM_TYPE),
    /// C_CopyObject is answered so.
    NoCopy(CK_RV),
    /// C_GenerateKeyPair of objects of the session is answered so.
    PairsOnToken(CK_RV),
    /// The template of a key of this class and type, where one is said, has nothing but these attributes; the call decides which besides.
    Only(CK_OBJECT_CLASS, Option<CK_KEY_TYPE>, &'static [CK_ATTRIBUTE_TYPE], CK_RV),
    /// This flag of an object of this class has this value, wherever it is said.
    Must(CK_OBJECT_CLASS, CK_ATTRIBUTE_TYPE, bool, CK_RV),
    /// Keys of this class have one of these types.
    Types(CK_OBJECT_CLASS, &'static [CK_KEY_TYPE], CK_RV),
    /// A use that is not said is none: the module behind is told so.
    SilenceIsFalse,
    /// An object of this class is not made.
    No(CK_OBJECT_CLASS, CK_RV),
    /// C_SetAttributeValue changes these and nothing else.
    Sets(&'static [CK_ATTRIBUTE_TYPE], CK_RV),
    /// There is one object of a class and a CKA_ID.
    UniqueIds(CK_RV),
    /// A key that wraps or unwraps must not leave, and not encrypt or decrypt.
    AssuresWrapping(CK_RV),
    /// RSA keys have this public exponent, and primes of these lengths.
    Rsa(&'static [u8], &'static [usize], CK_RV),
    /// The public half of a private key comes and goes with it, under a CKA_ID of two bytes; C_CreateObject of one is answered so.
    OwnPublics(CK_RV),
}

/// A call with a template.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Call {
    Create,
    Generate,
    Unwrap,
}

/// CKM_VENDOR_DEFINED + 0x171: CKM_AES_KWP of Thales' `cryptoki_v2.h`.
const CKM_LUNA_AES_KWP: CK_MECHANISM_TYPE = 0x8000_0171;

/// `cloudhsm_pkcs11_vendor_defs.h` of the client SDK of AWS CloudHSM: CKM_VENDOR_DEFINED with CKM_AES_KEY_WRAP, with CKM_AES_KEY_WRAP_PAD and with 0x216F.
const CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD: CK_MECHANISM_TYPE = 0x8000_2109;
const CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD: CK_MECHANISM_TYPE = 0x8000_210A;
const CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD: CK_MECHANISM_TYPE = 0x8000_216F;

/// `pkcs11y.h` of yubihsm-shell: CKM_VENDOR_DEFINED with 0x59554200 and the type of a wrap key.
const CKM_YUBICO_AES_CCM_WRAP: CK_MECHANISM_TYPE = 0xD955_4204;

const CLOUDHSM_BLOCK_CIPHER: &[CK_ATTRIBUTE_TYPE] =
    &[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_SENSITIVE, CKA_EXTRACTABLE];

const YUBIHSM_PRIVATE: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_ALWAYS_AUTHENTICATE,
    CKA_COPYABLE,
    CKA_DECRYPT,
    CKA_ENCRYPT,
    CKA_EXTRACTABLE,
    CKA_SENSITIVE,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_SUBJECT,
    CKA_UNWRAP,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_WRAP,
];

const YUBIHSM_AES: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_COPYABLE,
    CKA_DECRYPT,
    CKA_ENCRYPT,
    CKA_EXTRACTABLE,
    CKA_SENSITIVE,
    CKA_SIGN,
    CKA_SUBJECT,
    CKA_UNWRAP,
    CKA_VERIFY,
    CKA_WRAP,
];

/// The public point beside an elliptic private key (`pkcs11n.h` of NSS).
const CKA_NSS_DB: CK_ATTRIBUTE_TYPE = 0xD5A0_DB00;

pub(crate) const PERSONALITIES: &[Personality] = &[
    Personality { name: "plain", token: None, rules: &[] },
    // Keys come in wrapped; AES keys with their length said, DES keys without; RFC 5649 is a vendor's mechanism. pycryptoki issues 23 and 28, OpenSC issue 1570,
    // opencryptoki issue 897.
    Personality {
        name: "luna",
        token: Some(("Thales", "Luna simulated")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoPlainSecret(CKR_TEMPLATE_INCONSISTENT),
            Rule::Wants(Call::Unwrap, CKK_AES, CKA_VALUE_LEN, CKR_ATTRIBUTE_TYPE_INVALID),
            Rule::Takes(Call::Unwrap, CKK_GENERIC_SECRET, CKA_VALUE_LEN),
            Rule::Forbids(Call::Unwrap, CKK_DES3, CKA_VALUE_LEN, CKR_ATTRIBUTE_TYPE_INVALID),
            Rule::Kwp(CKM_LUNA_AES_KWP),
        ],
    },
    // In FIPS mode no key is made of raw material, and what is unwrapped is sensitive. fipstokn.c of NSS.
    Personality {
        name: "nss-fips",
        token: Some(("Mozilla Foundation", "NSS 3 simulated")),
        rules: &[
            Rule::NoPlainPrivate(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::NoPlainSecret(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::ForbidsFlag(Call::Unwrap, CKA_SENSITIVE, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Wants(Call::Unwrap, CKK_EC, CKA_NSS_DB, CKR_TEMPLATE_INCOMPLETE),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // The security assurance mechanism of the library as it is by default: no import by C_CreateObject, no wrapping key that leaves or decrypts. CKM_AES_KEY_WRAP_PAD and _KWP are one
    // mechanism. From the vendor's documents (developer libraries, environment variables, mechanisms), jss pull request 833 and pkcs11-tools issue 77. Which value is returned is
    // written nowhere: CKR_TEMPLATE_INCONSISTENT is assumed.
    Personality {
        name: "nshield",
        token: Some(("nCipher Corp. Ltd", "")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoPlainSecret(CKR_TEMPLATE_INCONSISTENT),
            Rule::AssuresWrapping(CKR_TEMPLATE_INCONSISTENT),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
            Rule::Also(CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PAD),
        ],
    },
    // The tables of attributes by call and key type, the mechanisms, the error codes and AES key wrapping of the vendor's documents for its client SDKs 3 and 5; aws-cloudhsm-user-guide
    // issue 26 for what a CKA_ID that is taken is answered with; pkcs11-tools' README for certificates. What a public object with CKA_PRIVATE false and a certificate are answered with is
    // written nowhere: CKR_ATTRIBUTE_VALUE_INVALID is assumed. The manufacturer is the vendor of `cluster hsm-info`.
    Personality {
        name: "cloudhsm",
        token: Some(("Marvell Semiconductors, Inc.", "CloudHSM")),
        rules: &[
            Rule::Only(
                CKO_PRIVATE_KEY,
                Some(CKK_EC),
                &[CKA_SIGN, CKA_SENSITIVE, CKA_EXTRACTABLE],
                CKR_TEMPLATE_INCONSISTENT,
            ),
            Rule::Only(
                CKO_PRIVATE_KEY,
                Some(CKK_RSA),
                &[CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP, CKA_SENSITIVE, CKA_EXTRACTABLE],
                CKR_TEMPLATE_INCONSISTENT,
            ),
            Rule::Only(CKO_PUBLIC_KEY, Some(CKK_EC), &[CKA_VERIFY], CKR_TEMPLATE_INCONSISTENT),
            Rule::Only(CKO_PUBLIC_KEY, Some(CKK_RSA), &[CKA_VERIFY, CKA_ENCRYPT, CKA_WRAP], CKR_TEMPLATE_INCONSISTENT),
            Rule::Only(CKO_SECRET_KEY, Some(CKK_AES), CLOUDHSM_BLOCK_CIPHER, CKR_TEMPLATE_INCONSISTENT),
            Rule::Only(CKO_SECRET_KEY, Some(CKK_DES3), CLOUDHSM_BLOCK_CIPHER, CKR_TEMPLATE_INCONSISTENT),
            Rule::Only(
                CKO_SECRET_KEY,
                Some(CKK_GENERIC_SECRET),
                &[CKA_SIGN, CKA_VERIFY, CKA_SENSITIVE, CKA_EXTRACTABLE],
                CKR_TEMPLATE_INCONSISTENT,
            ),
            Rule::Must(CKO_PUBLIC_KEY, CKA_PRIVATE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_PRIVATE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_PRIVATE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::No(CKO_CERTIFICATE, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::SilenceIsFalse,
            Rule::Sets(&[], CKR_FUNCTION_NOT_SUPPORTED),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::UniqueIds(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Kwp(CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD),
            Rule::Also(CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, CKM_AES_KEY_WRAP),
            Rule::Padded(CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD),
            Rule::Padded(CKM_AES_KEY_WRAP),
        ],
    },
    // `pkcs11/yubihsm_pkcs11.c` and `util_pkcs11.c` of yubihsm-shell, as of 2026-07, with a firmware that has no RSA wrap keys. CKM_YUBICO_AES_CCM_WRAP is listed and says what it needs, but
    // nothing is wrapped by it here: its keys are of a key type of the vendor's.
    Personality {
        name: "yubihsm",
        token: Some(("Yubico (www.yubico.com)", "YubiHSM")),
        rules: &[
            Rule::Types(CKO_PRIVATE_KEY, &[CKK_RSA, CKK_EC], CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Types(CKO_SECRET_KEY, &[CKK_AES], CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Only(CKO_PRIVATE_KEY, None, YUBIHSM_PRIVATE, CKR_ATTRIBUTE_TYPE_INVALID),
            Rule::Only(CKO_SECRET_KEY, Some(CKK_AES), YUBIHSM_AES, CKR_ATTRIBUTE_TYPE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_TOKEN, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_PRIVATE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_SENSITIVE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_DESTROYABLE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_VERIFY, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_MODIFIABLE, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_COPYABLE, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_ALWAYS_AUTHENTICATE, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_PRIVATE_KEY, CKA_SIGN_RECOVER, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_TOKEN, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_PRIVATE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_SENSITIVE, true, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_SIGN, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_VERIFY, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_WRAP, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_UNWRAP, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Must(CKO_SECRET_KEY, CKA_DERIVE, false, CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::Rsa(&[1, 0, 1], &[128, 192, 256], CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::OwnPublics(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::SilenceIsFalse,
            Rule::Sets(&[CKA_ID, CKA_LABEL, CKA_SUBJECT], CKR_FUNCTION_NOT_SUPPORTED),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::WrapsOnlyBy(CKM_YUBICO_AES_CCM_WRAP, 3136),
        ],
    },
    // A token that takes secret keys in the clear and private ones not; it copies nothing.
    Personality {
        name: "no-plain-private",
        token: Some(("simulated", "no plain private")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that makes no RSA keys and takes none in the clear: a key comes in under an AES key that it made and gave out.
    Personality {
        name: "no-own-rsa",
        token: Some(("simulated", "no own RSA")),
        rules: &[
            Rule::NoPlainPrivate(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::NoPlainSecret(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Lacks(CKM_RSA_PKCS_KEY_PAIR_GEN),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that answers CKR_OK and keeps something else: an AES key leaves that must not, an RSA key that is unwrapped unwraps others, as on NSS.
    Personality {
        name: "generous",
        token: Some(("simulated", "generous")),
        rules: &[
            Rule::Grants(Call::Create, CKK_AES, CKA_EXTRACTABLE),
            Rule::Grants(Call::Unwrap, CKK_RSA, CKA_UNWRAP),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that makes pairs to keep them, as a TPM and many smart cards do, and copies nothing.
    Personality {
        name: "pairs-on-token",
        token: Some(("simulated", "pairs on token")),
        rules: &[
            Rule::PairsOnToken(CKR_ATTRIBUTE_VALUE_INVALID),
            Rule::NoCopy(CKR_FUNCTION_NOT_SUPPORTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that answers CKR_OK to attributes that it does not keep, or keeps otherwise.
    Personality {
        name: "forgetful",
        token: Some(("simulated", "forgetful")),
        rules: &[
            Rule::Takes(Call::Create, CKK_EC, CKA_ALLOWED_MECHANISMS),
            Rule::Takes(Call::Unwrap, CKK_EC, CKA_ALLOWED_MECHANISMS),
            Rule::Takes(Call::Create, CKK_RSA, 0x8000_1234),
            Rule::Takes(Call::Create, CKK_AES, CKA_UNWRAP_TEMPLATE),
            Rule::Grants(Call::Create, CKK_AES, CKA_WRAP_WITH_TRUSTED),
            Rule::Kwp(CKM_AES_KEY_WRAP_KWP),
        ],
    },
    // A token that takes nothing: no key in the clear, and no unwrapping.
    Personality {
        name: "takes-nothing",
        token: Some(("simulated", "takes nothing")),
        rules: &[
            Rule::NoPlainPrivate(CKR_TEMPLATE_INCONSISTENT),
            Rule::NoPlainSecret(CKR_TEMPLATE_INCONSISTENT),
            Rule::Lacks(CKM_RSA_PKCS_OAEP),
            Rule::Lacks(CKM_AES_KEY_WRAP),
            Rule::Lacks(CKM_AES_KEY_WRAP_PAD),
        ],
    },
];
