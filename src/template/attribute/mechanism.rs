//! The names of mechanisms, key types and classes that stand in the value of an attribute.
//!
//! Owns the tables; the numbers are those of `cryptoki_sys`, from the headers of PKCS#11 3.2. Of the mechanisms those are named that keys of today's
//! kinds have; any other one is written by its number.

use cryptoki_sys as sys;

use super::table::bare;

/// The names of a set of numbers.
#[derive(Debug)]
pub(super) struct Names {
    /// What may be left out in front of each.
    prefix: &'static str,
    rows: &'static [(u64, &'static str)],
}

impl Names {
    /// Numbers without names.
    pub(super) const NONE: Self = Self { prefix: "", rows: &[] };

    /// The number of a name, with or without its prefix, in any case.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let name = bare(name, self.prefix);
        self.rows
            .iter()
            .find(|(_, known)| bare(known, self.prefix).eq_ignore_ascii_case(name))
            .map(|(number, _)| *number)
    }

    /// The name of a number, or the number in hexadecimal.
    pub(super) fn name(&self, number: u64) -> String {
        let known = self.rows.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned());
        known.unwrap_or_else(|| format!("0x{number:X}"))
    }

    /// What a name looks like, for messages.
    pub(super) fn example(&self) -> Option<&'static str> {
        self.rows.first().map(|(_, name)| *name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

macro_rules! names {
    ($table:ident $prefix:literal $($name:ident)+) => {
        pub(super) const $table: Names = Names { prefix: $prefix, rows: &[$((sys::$name, stringify!($name)),)+] };
    };
}

names! {
    OBJECT_CLASSES "CKO_"
    CKO_CERTIFICATE CKO_DATA CKO_PRIVATE_KEY CKO_PUBLIC_KEY CKO_SECRET_KEY
}

names! {
    KEY_TYPES "CKK_"
    CKK_AES CKK_CHACHA20 CKK_DES CKK_DES2 CKK_DES3 CKK_DH CKK_DSA CKK_EC CKK_EC_EDWARDS CKK_EC_MONTGOMERY CKK_GENERIC_SECRET CKK_HKDF CKK_ML_DSA
    CKK_ML_KEM CKK_RSA CKK_SHA256_HMAC CKK_SHA384_HMAC CKK_SHA512_HMAC CKK_SHA_1_HMAC CKK_SLH_DSA CKK_X9_42_DH
}

names! {
    MECHANISMS "CKM_"
    CKM_AES_CBC CKM_AES_CBC_ENCRYPT_DATA CKM_AES_CBC_PAD CKM_AES_CCM CKM_AES_CFB1 CKM_AES_CFB128 CKM_AES_CFB8 CKM_AES_CMAC CKM_AES_CMAC_GENERAL
    CKM_AES_CTR CKM_AES_CTS CKM_AES_ECB CKM_AES_ECB_ENCRYPT_DATA CKM_AES_GCM CKM_AES_GMAC CKM_AES_KEY_GEN CKM_AES_KEY_WRAP CKM_AES_KEY_WRAP_KWP
    CKM_AES_KEY_WRAP_PAD CKM_AES_KEY_WRAP_PKCS7 CKM_AES_MAC CKM_AES_MAC_GENERAL CKM_AES_OFB CKM_AES_XCBC_MAC CKM_AES_XCBC_MAC_96 CKM_AES_XTS
    CKM_AES_XTS_KEY_GEN CKM_CHACHA20 CKM_CHACHA20_KEY_GEN CKM_CHACHA20_POLY1305 CKM_CONCATENATE_BASE_AND_DATA CKM_CONCATENATE_BASE_AND_KEY
    CKM_CONCATENATE_DATA_AND_BASE CKM_DES3_CBC CKM_DES3_CBC_ENCRYPT_DATA CKM_DES3_CBC_PAD CKM_DES3_CMAC CKM_DES3_CMAC_GENERAL CKM_DES3_ECB
    CKM_DES3_ECB_ENCRYPT_DATA CKM_DES3_KEY_GEN CKM_DH_PKCS_DERIVE CKM_DH_PKCS_KEY_PAIR_GEN CKM_DSA CKM_DSA_KEY_PAIR_GEN CKM_DSA_SHA1 CKM_DSA_SHA224
    CKM_DSA_SHA256 CKM_DSA_SHA384 CKM_DSA_SHA3_224 CKM_DSA_SHA3_256 CKM_DSA_SHA3_384 CKM_DSA_SHA3_512 CKM_DSA_SHA512 CKM_ECDH1_COFACTOR_DERIVE
    CKM_ECDH1_DERIVE CKM_ECDH_AES_KEY_WRAP CKM_ECDH_COF_AES_KEY_WRAP CKM_ECDH_X_AES_KEY_WRAP CKM_ECDSA CKM_ECDSA_SHA1 CKM_ECDSA_SHA224
    CKM_ECDSA_SHA256 CKM_ECDSA_SHA384 CKM_ECDSA_SHA3_224 CKM_ECDSA_SHA3_256 CKM_ECDSA_SHA3_384 CKM_ECDSA_SHA3_512 CKM_ECDSA_SHA512 CKM_ECMQV_DERIVE
    CKM_EC_EDWARDS_KEY_PAIR_GEN CKM_EC_KEY_PAIR_GEN CKM_EC_MONTGOMERY_KEY_PAIR_GEN CKM_EDDSA CKM_EXTRACT_KEY_FROM_KEY CKM_GENERIC_SECRET_KEY_GEN
    CKM_HKDF_DATA CKM_HKDF_DERIVE CKM_HKDF_KEY_GEN CKM_ML_DSA CKM_ML_DSA_KEY_PAIR_GEN CKM_ML_KEM CKM_ML_KEM_KEY_PAIR_GEN CKM_PKCS5_PBKD2 CKM_POLY1305
    CKM_POLY1305_KEY_GEN CKM_PUB_KEY_FROM_PRIV_KEY CKM_RSA_AES_KEY_WRAP CKM_RSA_PKCS CKM_RSA_PKCS_KEY_PAIR_GEN CKM_RSA_PKCS_OAEP
    CKM_RSA_PKCS_OAEP_TPM_1_1 CKM_RSA_PKCS_PSS CKM_RSA_PKCS_TPM_1_1 CKM_RSA_X_509 CKM_SHA1_KEY_DERIVATION CKM_SHA1_RSA_PKCS CKM_SHA1_RSA_PKCS_PSS
    CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_DERIVATION CKM_SHA224_RSA_PKCS CKM_SHA224_RSA_PKCS_PSS CKM_SHA256
    CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_DERIVATION CKM_SHA256_RSA_PKCS CKM_SHA256_RSA_PKCS_PSS CKM_SHA384 CKM_SHA384_HMAC
    CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_DERIVATION CKM_SHA384_RSA_PKCS CKM_SHA384_RSA_PKCS_PSS CKM_SHA3_224 CKM_SHA3_224_HMAC
    CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_DERIVATION CKM_SHA3_224_RSA_PKCS CKM_SHA3_224_RSA_PKCS_PSS CKM_SHA3_256 CKM_SHA3_256_HMAC
    CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_DERIVATION CKM_SHA3_256_RSA_PKCS CKM_SHA3_256_RSA_PKCS_PSS CKM_SHA3_384 CKM_SHA3_384_HMAC
    CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_DERIVATION CKM_SHA3_384_RSA_PKCS CKM_SHA3_384_RSA_PKCS_PSS CKM_SHA3_512 CKM_SHA3_512_HMAC
    CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_DERIVATION CKM_SHA3_512_RSA_PKCS CKM_SHA3_512_RSA_PKCS_PSS CKM_SHA512 CKM_SHA512_HMAC
    CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_DERIVATION CKM_SHA512_RSA_PKCS CKM_SHA512_RSA_PKCS_PSS CKM_SHAKE_128_KEY_DERIVATION
    CKM_SHAKE_256_KEY_DERIVATION CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SLH_DSA CKM_SLH_DSA_KEY_PAIR_GEN CKM_SP800_108_COUNTER_KDF
    CKM_SP800_108_DOUBLE_PIPELINE_KDF CKM_SP800_108_FEEDBACK_KDF CKM_X9_42_DH_DERIVE CKM_X9_42_DH_HYBRID_DERIVE CKM_X9_42_DH_KEY_PAIR_GEN
    CKM_X9_42_MQV_DERIVE CKM_XOR_BASE_AND_DATA
}

/// A mechanism as the standard calls it, or its number.
pub fn mechanism_name(number: u64) -> String {
    MECHANISMS.name(number)
}

/// The name of a mechanism of the standard.
pub fn standard_mechanism(number: u64) -> Option<&'static str> {
    MECHANISMS.rows.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The mechanism of a name, with or without `CKM_`, in any case.
pub fn mechanism_by_name(name: &str) -> Option<u64> {
    MECHANISMS.number(name)
}
