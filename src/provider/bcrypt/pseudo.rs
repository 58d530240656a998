//! The pseudo-handles of Windows 10 (`bcrypt.h`): small numbers in place of an opened algorithm.
//!
//! Owns the numbers, those of algorithms that are not served here as well: none of them may ever be taken for a pointer. Each is 1 more than a multiple of 16.

use crate::provider::ChainingMode;

/// What a number stands for.
#[derive(Debug)]
pub(super) struct Pseudo {
    pub(super) value: usize,
    pub(super) id: &'static str,
    pub(super) mode: Option<ChainingMode>,
    pub(super) is_hmac: bool,
}

const fn plain(value: usize, id: &'static str) -> Pseudo {
    Pseudo { value, id, mode: None, is_hmac: false }
}

const fn hmac(value: usize, id: &'static str) -> Pseudo {
    Pseudo { value, id, mode: None, is_hmac: true }
}

const fn cipher(value: usize, id: &'static str, mode: ChainingMode) -> Pseudo {
    Pseudo { value, id, mode: Some(mode), is_hmac: false }
}

static TABLE: &[Pseudo] = &[
    plain(0x001, "MD2"),
    plain(0x011, "MD4"),
    plain(0x021, "MD5"),
    plain(0x031, "SHA1"),
    plain(0x041, "SHA256"),
    plain(0x051, "SHA384"),
    plain(0x061, "SHA512"),
    plain(0x071, "RC4"),
    plain(0x081, "RNG"),
    hmac(0x091, "MD5"),
    hmac(0x0A1, "SHA1"),
    hmac(0x0B1, "SHA256"),
    hmac(0x0C1, "SHA384"),
    hmac(0x0D1, "SHA512"),
    plain(0x0E1, "RSA"),
    plain(0x0F1, "ECDSA"),
    plain(0x101, "AES-CMAC"),
    plain(0x111, "AES-GMAC"),
    hmac(0x121, "MD2"),
    hmac(0x131, "MD4"),
    cipher(0x141, "3DES", ChainingMode::Cbc),
    cipher(0x151, "3DES", ChainingMode::Ecb),
    cipher(0x161, "3DES", ChainingMode::Cfb),
    cipher(0x171, "3DES_112", ChainingMode::Cbc),
    cipher(0x181, "3DES_112", ChainingMode::Ecb),
    cipher(0x191, "3DES_112", ChainingMode::Cfb),
    cipher(0x1A1, "AES", ChainingMode::Cbc),
    cipher(0x1B1, "AES", ChainingMode::Ecb),
    cipher(0x1C1, "AES", ChainingMode::Cfb),
    cipher(0x1D1, "AES", ChainingMode::Ccm),
    cipher(0x1E1, "AES", ChainingMode::Gcm),
    cipher(0x1F1, "DES", ChainingMode::Cbc),
    cipher(0x201, "DES", ChainingMode::Ecb),
    cipher(0x211, "DES", ChainingMode::Cfb),
    cipher(0x221, "DESX", ChainingMode::Cbc),
    cipher(0x231, "DESX", ChainingMode::Ecb),
    cipher(0x241, "DESX", ChainingMode::Cfb),
    cipher(0x251, "RC2", ChainingMode::Cbc),
    cipher(0x261, "RC2", ChainingMode::Ecb),
    cipher(0x271, "RC2", ChainingMode::Cfb),
    plain(0x281, "DH"),
    plain(0x291, "ECDH"),
    plain(0x2A1, "ECDH_P256"),
    plain(0x2B1, "ECDH_P384"),
    plain(0x2C1, "ECDH_P521"),
    plain(0x2D1, "DSA"),
    plain(0x2E1, "ECDSA_P256"),
    plain(0x2F1, "ECDSA_P384"),
    plain(0x301, "ECDSA_P521"),
    plain(0x311, "RSA_SIGN"),
    plain(0x321, "CAPI_KDF"),
    plain(0x331, "PBKDF2"),
    plain(0x341, "SP800_108_CTR_HMAC"),
    plain(0x351, "SP800_56A_CONCAT"),
    plain(0x361, "TLS1_1_KDF"),
    plain(0x371, "TLS1_2_KDF"),
    plain(0x381, "XTS-AES"),
    plain(0x391, "HKDF"),
    plain(0x3A1, "CHACHA20_POLY1305"),
    plain(0x471, "ML-DSA"),
    plain(0x481, "ML-KEM"),
    plain(0x491, "Composite-ML-DSA"),
    plain(0x4A1, "Composite-ML-KEM"),
];

/// The row of a number.
pub(super) fn by_value(value: usize) -> Option<&'static Pseudo> {
    TABLE.iter().find(|pseudo| pseudo.value == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the `windows-sys` crate, which has no composite and no lattice algorithms.
    #[test]
    fn every_number_is_the_one_of_the_windows_headers() {
        use windows_sys::Win32::Security::Cryptography as headers;

        macro_rules! numbers {
            ($($name:ident)+) => { [$((headers::$name as usize, stringify!($name))),+] };
        }
        let theirs = numbers! {
            BCRYPT_3DES_112_CBC_ALG_HANDLE BCRYPT_3DES_112_CFB_ALG_HANDLE BCRYPT_3DES_112_ECB_ALG_HANDLE
            BCRYPT_3DES_CBC_ALG_HANDLE BCRYPT_3DES_CFB_ALG_HANDLE BCRYPT_3DES_ECB_ALG_HANDLE BCRYPT_AES_CBC_ALG_HANDLE
            BCRYPT_AES_CCM_ALG_HANDLE BCRYPT_AES_CFB_ALG_HANDLE BCRYPT_AES_CMAC_ALG_HANDLE BCRYPT_AES_ECB_ALG_HANDLE
            BCRYPT_AES_GCM_ALG_HANDLE BCRYPT_AES_GMAC_ALG_HANDLE BCRYPT_CAPI_KDF_ALG_HANDLE
            BCRYPT_CHACHA20_POLY1305_ALG_HANDLE BCRYPT_DESX_CBC_ALG_HANDLE BCRYPT_DESX_CFB_ALG_HANDLE
            BCRYPT_DESX_ECB_ALG_HANDLE BCRYPT_DES_CBC_ALG_HANDLE BCRYPT_DES_CFB_ALG_HANDLE BCRYPT_DES_ECB_ALG_HANDLE
            BCRYPT_DH_ALG_HANDLE BCRYPT_DSA_ALG_HANDLE BCRYPT_ECDH_ALG_HANDLE BCRYPT_ECDH_P256_ALG_HANDLE
            BCRYPT_ECDH_P384_ALG_HANDLE BCRYPT_ECDH_P521_ALG_HANDLE BCRYPT_ECDSA_ALG_HANDLE BCRYPT_ECDSA_P256_ALG_HANDLE
            BCRYPT_ECDSA_P384_ALG_HANDLE BCRYPT_ECDSA_P521_ALG_HANDLE BCRYPT_HKDF_ALG_HANDLE BCRYPT_HMAC_MD2_ALG_HANDLE
            BCRYPT_HMAC_MD4_ALG_HANDLE BCRYPT_HMAC_MD5_ALG_HANDLE BCRYPT_HMAC_SHA1_ALG_HANDLE
            BCRYPT_HMAC_SHA256_ALG_HANDLE BCRYPT_HMAC_SHA384_ALG_HANDLE BCRYPT_HMAC_SHA512_ALG_HANDLE
            BCRYPT_MD2_ALG_HANDLE BCRYPT_MD4_ALG_HANDLE BCRYPT_MD5_ALG_HANDLE BCRYPT_PBKDF2_ALG_HANDLE
            BCRYPT_RC2_CBC_ALG_HANDLE BCRYPT_RC2_CFB_ALG_HANDLE BCRYPT_RC2_ECB_ALG_HANDLE BCRYPT_RC4_ALG_HANDLE
            BCRYPT_RNG_ALG_HANDLE BCRYPT_RSA_ALG_HANDLE BCRYPT_RSA_SIGN_ALG_HANDLE BCRYPT_SHA1_ALG_HANDLE
            BCRYPT_SHA256_ALG_HANDLE BCRYPT_SHA384_ALG_HANDLE BCRYPT_SHA512_ALG_HANDLE
            BCRYPT_SP800108_CTR_HMAC_ALG_HANDLE BCRYPT_SP80056A_CONCAT_ALG_HANDLE BCRYPT_TLS1_1_KDF_ALG_HANDLE
            BCRYPT_TLS1_2_KDF_ALG_HANDLE BCRYPT_XTS_AES_ALG_HANDLE
        };
        let name = |pseudo: &Pseudo| {
            let id = match pseudo.id {
                "SP800_108_CTR_HMAC" => "SP800108_CTR_HMAC",
                "SP800_56A_CONCAT" => "SP80056A_CONCAT",
                other => other,
            };
            let mode = pseudo.mode.map_or("", |mode| mode.name()).replace("ChainingMode", "_");
            let hmac = if pseudo.is_hmac { "HMAC_" } else { "" };
            format!("BCRYPT_{hmac}{}{mode}_ALG_HANDLE", id.replace('-', "_"))
        };
        let mut known: Vec<_> =
            TABLE.iter().filter(|row| row.value < 0x400).map(|row| (row.value, name(row))).collect();
        let mut theirs: Vec<_> = theirs.iter().map(|(value, name)| (*value, (*name).to_owned())).collect();
        known.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(known, theirs);
        for row in TABLE {
            assert_eq!(row.value % 16, 1, "{}", row.id);
            assert!(std::ptr::eq(by_value(row.value).unwrap(), row), "{}", row.id);
        }
        assert!(by_value(0).is_none() && by_value(0x461).is_none());
    }
}
