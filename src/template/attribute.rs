//! The standard's numbers of attributes, classes and key types, for the layers above: they do without `cryptoki_sys`.

pub(crate) use cryptoki_sys::{
    CKA_CLASS, CKA_COEFFICIENT, CKA_DECRYPT, CKA_DERIVE, CKA_EC_PARAMS, CKA_ENCRYPT, CKA_EXPONENT_1, CKA_EXPONENT_2,
    CKA_EXTRACTABLE, CKA_ID, CKA_ISSUER, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PRIME_1,
    CKA_PRIME_2, CKA_PRIVATE_EXPONENT, CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SERIAL_NUMBER, CKA_SIGN, CKA_TOKEN,
    CKA_UNWRAP, CKA_VALUE, CKA_VALUE_LEN, CKA_VERIFY, CKA_WRAP, CKK_AES, CKK_GENERIC_SECRET, CKO_CERTIFICATE,
    CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};

use crate::key::KeyUsage;

/// What a usage is on a token: the private or secret object's attribute, and the counterpart's, which a symmetric key has as well.
pub(crate) const USAGES: [(KeyUsage, cryptoki_sys::CK_ATTRIBUTE_TYPE, Option<cryptoki_sys::CK_ATTRIBUTE_TYPE>); 4] = [
    (KeyUsage::SIGN, CKA_SIGN, Some(CKA_VERIFY)),
    (KeyUsage::DECRYPT, CKA_DECRYPT, Some(CKA_ENCRYPT)),
    (KeyUsage::WRAP, CKA_UNWRAP, Some(CKA_WRAP)),
    (KeyUsage::AGREE, CKA_DERIVE, None),
];
