//! The names of mechanisms that keys are wrapped with, as the standard spells them: for messages and for profiles.

use cryptoki_sys::{
    CK_MECHANISM_TYPE, CKM_AES_CBC_PAD, CKM_AES_GCM, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD,
    CKM_AES_KEY_WRAP_PKCS7, CKM_DES3_CBC_PAD, CKM_RSA_AES_KEY_WRAP, CKM_RSA_PKCS, CKM_RSA_PKCS_OAEP,
};

const WRAPPING: &[(CK_MECHANISM_TYPE, &str)] = &[
    (CKM_AES_CBC_PAD, "CKM_AES_CBC_PAD"),
    (CKM_AES_GCM, "CKM_AES_GCM"),
    (CKM_AES_KEY_WRAP, "CKM_AES_KEY_WRAP"),
    (CKM_AES_KEY_WRAP_KWP, "CKM_AES_KEY_WRAP_KWP"),
    (CKM_AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD"),
    (CKM_AES_KEY_WRAP_PKCS7, "CKM_AES_KEY_WRAP_PKCS7"),
    (CKM_DES3_CBC_PAD, "CKM_DES3_CBC_PAD"),
    (CKM_RSA_AES_KEY_WRAP, "CKM_RSA_AES_KEY_WRAP"),
    (CKM_RSA_PKCS, "CKM_RSA_PKCS"),
    (CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP"),
];

/// The name of a mechanism.
pub fn name(number: CK_MECHANISM_TYPE) -> Option<&'static str> {
    WRAPPING.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The mechanism of a name.
pub fn by_name(name: &str) -> Option<CK_MECHANISM_TYPE> {
    WRAPPING.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}
