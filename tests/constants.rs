//! Every number and every name that somebody else defined, against the `windows-sys` and `cryptoki-sys` crates.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::useless_conversion, reason = "CK_RV is 32 bits wide on some systems")]

use cng_pkcs11::blob::{self, BlobType};
use cng_pkcs11::key::curve::CURVES;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, Curve, ExportPolicy, KeyUsage};
use cng_pkcs11::status::{Ckr, Status};
use windows_sys::Win32::Foundation as foundation;
use windows_sys::Win32::Security::Cryptography as cryptography;

#[path = "common/vectors.rs"]
mod vectors;

/// The constants of a module with their names.
macro_rules! named {
    ($module:ident: $($name:ident)+) => {
        [$((stringify!($name), $module::$name)),+]
    };
}

/// The same for constants of 32 bits of either sign.
macro_rules! numbers {
    ($module:ident: $($name:ident)+) => {
        [$((stringify!($name), u32::from_ne_bytes($module::$name.to_ne_bytes()))),+]
    };
}

/// Pairs of string constants.
macro_rules! strings {
    ($($name:ident $other:ident;)+) => {
        [$((text(cryptography::$name), text(cryptography::$other))),+]
    };
}

#[test]
fn every_status_is_the_one_of_the_windows_headers() {
    let known = numbers! { foundation:
        ERROR_SUCCESS NTE_BAD_KEY NTE_BAD_LEN NTE_BAD_DATA NTE_BAD_SIGNATURE NTE_BAD_ALGID NTE_BAD_FLAGS NTE_BAD_TYPE
        NTE_BAD_KEY_STATE NTE_NO_MEMORY NTE_EXISTS NTE_PERM NTE_NOT_FOUND NTE_BAD_KEYSET NTE_PROVIDER_DLL_FAIL
        NTE_PROV_DLL_NOT_FOUND NTE_FAIL NTE_SYS_ERR NTE_SILENT_CONTEXT NTE_TOKEN_KEYSET_STORAGE_FULL
        NTE_INVALID_HANDLE NTE_INVALID_PARAMETER NTE_BUFFER_TOO_SMALL NTE_NOT_SUPPORTED NTE_NO_MORE_ITEMS
        NTE_DECRYPTION_FAILURE NTE_INTERNAL_ERROR NTE_DEVICE_NOT_READY NTE_VALIDATION_FAILED NTE_INCORRECT_PASSWORD NTE_DEVICE_NOT_FOUND
        NTE_USER_CANCELLED SCARD_W_WRONG_CHV SCARD_W_CHV_BLOCKED STATUS_UNSUCCESSFUL STATUS_NOT_IMPLEMENTED
        STATUS_INVALID_HANDLE STATUS_INVALID_PARAMETER STATUS_NO_MEMORY STATUS_ACCESS_DENIED STATUS_BUFFER_TOO_SMALL
        STATUS_OBJECT_NAME_COLLISION STATUS_DATA_ERROR STATUS_NOT_SUPPORTED STATUS_INTERNAL_ERROR
        STATUS_INVALID_BUFFER_SIZE STATUS_NOT_FOUND STATUS_ENCRYPTION_FAILED STATUS_DECRYPTION_FAILED
        STATUS_INVALID_SIGNATURE STATUS_AUTH_TAG_MISMATCH
    };
    let mut ours: Vec<_> = Status::TABLE.iter().map(|(status, name)| (*name, status.0)).collect();
    // The one error of Windows at large among them, as HRESULT_FROM_WIN32 makes it a status.
    let (_, null) = ours.extract_if(.., |(name, _)| *name == "RPC_X_NULL_REF_POINTER").next().unwrap();
    assert_eq!(null, 0x8007_0000 | foundation::RPC_X_NULL_REF_POINTER.cast_unsigned());
    assert_eq!(ours, known);
    for (status, name) in Status::TABLE {
        assert_eq!(status.name(), *name);
    }
}

#[test]
fn every_return_value_is_the_one_of_the_pkcs11_headers() {
    let known = named! { cryptoki_sys:
        CKR_OK CKR_CANCEL CKR_HOST_MEMORY CKR_SLOT_ID_INVALID CKR_GENERAL_ERROR CKR_FUNCTION_FAILED CKR_ARGUMENTS_BAD
        CKR_NO_EVENT CKR_NEED_TO_CREATE_THREADS CKR_CANT_LOCK CKR_ATTRIBUTE_READ_ONLY CKR_ATTRIBUTE_SENSITIVE
        CKR_ATTRIBUTE_TYPE_INVALID CKR_ATTRIBUTE_VALUE_INVALID CKR_ACTION_PROHIBITED CKR_DATA_INVALID
        CKR_DATA_LEN_RANGE CKR_DEVICE_ERROR CKR_DEVICE_MEMORY CKR_DEVICE_REMOVED CKR_ENCRYPTED_DATA_INVALID
        CKR_ENCRYPTED_DATA_LEN_RANGE CKR_AEAD_DECRYPT_FAILED CKR_FUNCTION_CANCELED CKR_FUNCTION_NOT_PARALLEL
        CKR_FUNCTION_NOT_SUPPORTED CKR_KEY_HANDLE_INVALID CKR_KEY_SIZE_RANGE CKR_KEY_TYPE_INCONSISTENT
        CKR_KEY_NOT_NEEDED CKR_KEY_CHANGED CKR_KEY_NEEDED CKR_KEY_INDIGESTIBLE CKR_KEY_FUNCTION_NOT_PERMITTED
        CKR_KEY_NOT_WRAPPABLE CKR_KEY_UNEXTRACTABLE CKR_MECHANISM_INVALID CKR_MECHANISM_PARAM_INVALID
        CKR_OBJECT_HANDLE_INVALID CKR_OPERATION_ACTIVE CKR_OPERATION_NOT_INITIALIZED CKR_PIN_INCORRECT
        CKR_PIN_INVALID CKR_PIN_LEN_RANGE CKR_PIN_EXPIRED CKR_PIN_LOCKED CKR_SESSION_CLOSED CKR_SESSION_COUNT
        CKR_SESSION_HANDLE_INVALID CKR_SESSION_PARALLEL_NOT_SUPPORTED CKR_SESSION_READ_ONLY CKR_SESSION_EXISTS
        CKR_SESSION_READ_ONLY_EXISTS CKR_SESSION_READ_WRITE_SO_EXISTS CKR_SIGNATURE_INVALID CKR_SIGNATURE_LEN_RANGE
        CKR_TEMPLATE_INCOMPLETE CKR_TEMPLATE_INCONSISTENT CKR_TOKEN_NOT_PRESENT CKR_TOKEN_NOT_RECOGNIZED
        CKR_TOKEN_WRITE_PROTECTED CKR_UNWRAPPING_KEY_HANDLE_INVALID CKR_UNWRAPPING_KEY_SIZE_RANGE
        CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT CKR_USER_ALREADY_LOGGED_IN CKR_USER_NOT_LOGGED_IN
        CKR_USER_PIN_NOT_INITIALIZED CKR_USER_TYPE_INVALID CKR_USER_ANOTHER_ALREADY_LOGGED_IN CKR_USER_TOO_MANY_TYPES
        CKR_WRAPPED_KEY_INVALID CKR_WRAPPED_KEY_LEN_RANGE CKR_WRAPPING_KEY_HANDLE_INVALID CKR_WRAPPING_KEY_SIZE_RANGE
        CKR_WRAPPING_KEY_TYPE_INCONSISTENT CKR_RANDOM_SEED_NOT_SUPPORTED CKR_RANDOM_NO_RNG CKR_DOMAIN_PARAMS_INVALID
        CKR_CURVE_NOT_SUPPORTED CKR_BUFFER_TOO_SMALL CKR_SAVED_STATE_INVALID CKR_INFORMATION_SENSITIVE
        CKR_STATE_UNSAVEABLE CKR_CRYPTOKI_NOT_INITIALIZED CKR_CRYPTOKI_ALREADY_INITIALIZED CKR_MUTEX_BAD
        CKR_MUTEX_NOT_LOCKED CKR_NEW_PIN_MODE CKR_NEXT_OTP CKR_EXCEEDED_MAX_ITERATIONS CKR_FIPS_SELF_TEST_FAILED
        CKR_LIBRARY_LOAD_FAILED CKR_PIN_TOO_WEAK CKR_PUBLIC_KEY_INVALID CKR_FUNCTION_REJECTED
        CKR_TOKEN_RESOURCE_EXCEEDED CKR_OPERATION_CANCEL_FAILED CKR_KEY_EXHAUSTED CKR_PENDING
        CKR_SESSION_ASYNC_NOT_SUPPORTED CKR_SEED_RANDOM_REQUIRED CKR_OPERATION_NOT_VALIDATED
        CKR_TOKEN_NOT_INITIALIZED CKR_PARAMETER_SET_NOT_SUPPORTED
    };
    let mut ours: Vec<_> = Ckr::TABLE.iter().map(|(ckr, name, _)| (*name, ckr.0)).collect();
    let mut theirs: Vec<_> = known.iter().map(|(name, value)| (*name, u64::from(*value))).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
    assert_eq!(Ckr(u64::from(cryptoki_sys::CKR_VENDOR_DEFINED)).name(), None);
}

/// The crate has no post-quantum blob types yet, nor the TPM's second one and that of RSA-AES key wrap.
#[test]
fn every_blob_type_has_the_string_of_the_windows_headers() {
    let strings = named! { cryptography:
        BCRYPT_AES_WRAP_KEY_BLOB LEGACY_DH_PRIVATE_BLOB LEGACY_DH_PUBLIC_BLOB LEGACY_DSA_PRIVATE_BLOB
        LEGACY_DSA_PUBLIC_BLOB LEGACY_DSA_V2_PRIVATE_BLOB LEGACY_DSA_V2_PUBLIC_BLOB LEGACY_RSAPRIVATE_BLOB
        LEGACY_RSAPUBLIC_BLOB NCRYPT_CIPHER_KEY_BLOB BCRYPT_DH_PARAMETERS BCRYPT_DH_PRIVATE_BLOB BCRYPT_DH_PUBLIC_BLOB
        BCRYPT_DSA_PARAMETERS BCRYPT_DSA_PRIVATE_BLOB BCRYPT_DSA_PUBLIC_BLOB BCRYPT_ECCFULLPRIVATE_BLOB
        BCRYPT_ECCFULLPUBLIC_BLOB BCRYPT_ECC_PARAMETERS BCRYPT_ECCPRIVATE_BLOB BCRYPT_ECCPUBLIC_BLOB
        NCRYPT_ISOLATED_KEY_ENVELOPE_BLOB NCRYPT_KDF_KEY_BLOB BCRYPT_KEY_DATA_BLOB BCRYPT_OPAQUE_KEY_BLOB
        NCRYPT_OPAQUETRANSPORT_BLOB NCRYPT_PKCS7_ENVELOPE_BLOB NCRYPT_PKCS8_PRIVATE_KEY_BLOB BCRYPT_PRIVATE_KEY_BLOB NCRYPT_PROTECTED_KEY_BLOB
        BCRYPT_PUBLIC_KEY_BLOB BCRYPT_RSAFULLPRIVATE_BLOB BCRYPT_RSAPRIVATE_BLOB BCRYPT_RSAPUBLIC_BLOB
        SSL_ECCPUBLIC_BLOB NCRYPT_TPM_LOADABLE_KEY_BLOB
    };
    let absent = ["PQDSA", "MLKEM", "PQPrivateKeyBlob", "PcpTpmPersistentKeyBlob", "PKCS11RsaAesWrapBlob"];
    let is_absent = |name: &str| absent.iter().any(|start| name.starts_with(start));
    let names: Vec<_> = BlobType::ALL.iter().map(|blob_type| blob_type.name()).collect();
    let known: Vec<_> = names.iter().copied().filter(|name| !is_absent(name)).collect();
    assert_eq!(known, strings.map(|(_, string)| text(string)));
    assert_eq!(names.len(), known.len() + 9);
    for (blob_type, name) in BlobType::ALL.iter().zip(&names) {
        assert_eq!(BlobType::by_name(name), Some(*blob_type));
    }
}

#[test]
fn every_other_magic_is_the_one_of_the_windows_headers() {
    for (letters, value) in [
        ("DHPB", cryptography::BCRYPT_DH_PUBLIC_MAGIC),
        ("DHPV", cryptography::BCRYPT_DH_PRIVATE_MAGIC),
        ("DHPM", cryptography::BCRYPT_DH_PARAMETERS_MAGIC),
        ("DSPB", cryptography::BCRYPT_DSA_PUBLIC_MAGIC),
        ("DSPV", cryptography::BCRYPT_DSA_PRIVATE_MAGIC),
        ("DSPM", cryptography::BCRYPT_DSA_PARAMETERS_MAGIC),
        ("DPB2", cryptography::BCRYPT_DSA_PUBLIC_MAGIC_V2),
        ("DPV2", cryptography::BCRYPT_DSA_PRIVATE_MAGIC_V2),
        ("DPM2", cryptography::BCRYPT_DSA_PARAMETERS_MAGIC_V2),
        ("ECCP", cryptography::BCRYPT_ECC_PARAMETERS_MAGIC),
        ("KDF1", cryptography::NCRYPT_KDF_KEY_BLOB_MAGIC),
        ("PRTK", cryptography::NCRYPT_PROTECTED_KEY_BLOB_MAGIC),
        ("KPTM", cryptography::NCRYPT_TPM_LOADABLE_KEY_BLOB_MAGIC),
    ] {
        assert_eq!(blob::magic::of(value).map(|magic| magic.letters), Some(letters));
    }
}

/// The sizes of the structures are where the first number of a vector stands.
#[test]
fn every_header_has_the_size_of_the_structure_in_the_windows_headers() {
    let more = |file: &str| std::fs::read(vectors::folder().join("more").join(format!("{file}.bin"))).unwrap();
    for (file, blob_type, field, size) in [
        ("dh1024.DHPUBLICBLOB", BlobType::DhPublic, "Modulus", size_of::<cryptography::BCRYPT_DH_KEY_BLOB>()),
        ("dh1024.DHParameters", BlobType::DhParameters, "Prime", size_of::<cryptography::BCRYPT_DH_PARAMETER_HEADER>()),
        ("dsa1024.DSAPUBLICBLOB", BlobType::DsaPublic, "Modulus", size_of::<cryptography::BCRYPT_DSA_KEY_BLOB>()),
        ("dsa2048.DSAPUBLICBLOB", BlobType::DsaPublic, "Seed", size_of::<cryptography::BCRYPT_DSA_KEY_BLOB_V2>()),
        (
            "dsa1024.DSAParameters",
            BlobType::DsaParameters,
            "Modulus",
            size_of::<cryptography::BCRYPT_DSA_PARAMETER_HEADER>(),
        ),
        (
            "dsa2048.DSAParameters",
            BlobType::DsaParameters,
            "Seed",
            size_of::<cryptography::BCRYPT_DSA_PARAMETER_HEADER_V2>(),
        ),
        (
            "nistP256.GENERIC-ECDSA.ECCFULLPUBLICBLOB",
            BlobType::EccFullPublic,
            "p",
            size_of::<cryptography::BCRYPT_ECCFULLKEY_BLOB>(),
        ),
        ("nistP256.SSLECCPUBLICBLOB", BlobType::SslEccPublic, "X", size_of::<cryptography::SSL_ECCKEY_BLOB>()),
        (
            "rsa1024.CAPIPUBLICBLOB",
            BlobType::CapiPublic,
            "modulus",
            size_of::<cryptography::PUBLICKEYSTRUC>() + size_of::<cryptography::RSAPUBKEY>(),
        ),
        (
            "dh1024.CAPIDHPUBLICBLOB",
            BlobType::CapiDhPublic,
            "p",
            size_of::<cryptography::PUBLICKEYSTRUC>() + size_of::<cryptography::PUBKEYVER3>(),
        ),
        (
            "dh1024.CAPIDHPRIVATEBLOB",
            BlobType::CapiDhPrivate,
            "p",
            size_of::<cryptography::PUBLICKEYSTRUC>() + size_of::<cryptography::PRIVKEYVER3>(),
        ),
        (
            "opaque-tpm0.PcpTpmProtectedKeyBlob",
            BlobType::TpmProtected,
            "public",
            size_of::<cryptography::NCRYPT_TPM_LOADABLE_KEY_BLOB_HEADER>(),
        ),
        (
            "opaque-isolated0.ISOLATED_KEY_ENVELOPE",
            BlobType::IsolatedKey,
            "AlgName",
            size_of::<cryptography::NCRYPT_EXPORTED_ISOLATED_KEY_HEADER>(),
        ),
    ] {
        let bytes = more(file);
        let (fields, _) = blob::contents(&bytes, blob_type, &blob::Hints::default());
        let offset = fields.iter().find(|found| found.name == field).map(|found| found.offset);
        assert_eq!(offset, Some(size), "{file}");
    }
}

/// Looked for in the bytes that are written.
#[test]
fn every_number_in_a_header_is_the_one_of_the_windows_headers() {
    let more = |file: &str| std::fs::read(vectors::folder().join("more").join(format!("{file}.bin"))).unwrap();
    let number = |value: i32| u32::try_from(value).unwrap();
    for (file, blob_type, at, expected) in [
        ("rsa1024.CAPIPUBLICBLOB", BlobType::CapiPublic, 4, cryptography::CALG_RSA_KEYX),
        ("dsa1024.CAPIDSAPUBLICBLOB", BlobType::CapiDsaPublic, 4, cryptography::CALG_DSS_SIGN),
        ("dh1024.CAPIDHPUBLICBLOB", BlobType::CapiDhPublic, 4, cryptography::CALG_DH_EPHEM),
        (
            "rsa1024.CAPIPUBLICBLOB",
            BlobType::CapiPublic,
            0,
            cryptography::PUBLICKEYBLOB | cryptography::CUR_BLOB_VERSION << 8,
        ),
        (
            "rsa1024.CAPIPRIVATEBLOB",
            BlobType::CapiPrivate,
            0,
            cryptography::PRIVATEKEYBLOB | cryptography::CUR_BLOB_VERSION << 8,
        ),
        ("dsa2048-160.DSAPUBLICBLOB", BlobType::DsaPublic, 8, number(cryptography::DSA_HASH_ALGORITHM_SHA1)),
        ("dsa2048.DSAPUBLICBLOB", BlobType::DsaPublic, 8, number(cryptography::DSA_HASH_ALGORITHM_SHA256)),
        ("dsa2048.DSAPUBLICBLOB", BlobType::DsaPublic, 12, number(cryptography::DSA_FIPS186_3)),
        (
            "nistP256.GENERIC-ECDSA.ECCFULLPUBLICBLOB",
            BlobType::EccFullPublic,
            4,
            cryptography::BCRYPT_ECC_FULLKEY_BLOB_V1,
        ),
        (
            "nistP256.GENERIC-ECDSA.ECCFULLPUBLICBLOB",
            BlobType::EccFullPublic,
            8,
            number(cryptography::BCRYPT_ECC_PRIME_SHORT_WEIERSTRASS_CURVE),
        ),
        (
            "curve25519.GENERIC-ECDH.ECCFULLPUBLICBLOB",
            BlobType::EccFullPublic,
            8,
            number(cryptography::BCRYPT_ECC_PRIME_MONTGOMERY_CURVE),
        ),
    ] {
        let decoded = blob::decode(&more(file), blob_type, &blob::Hints::default()).unwrap();
        let encoded = blob::encode(&decoded.key, decoded.algorithm, blob_type).unwrap();
        assert_eq!(u32::from_le_bytes(encoded[at..at + 4].try_into().unwrap()), expected, "{file} at {at}");
    }
}

/// Looked for in the bytes that are written.
#[test]
fn every_magic_is_the_one_of_the_windows_headers() {
    for (magic, name) in [
        (cryptography::BCRYPT_RSAPUBLIC_MAGIC, "rsa1024-e3.RSAPUBLICBLOB"),
        (cryptography::BCRYPT_RSAPRIVATE_MAGIC, "rsa1024-e3.RSAPRIVATEBLOB"),
        (cryptography::BCRYPT_RSAFULLPRIVATE_MAGIC, "rsa1024-e3.RSAFULLPRIVATEBLOB"),
        (cryptography::BCRYPT_KEY_DATA_BLOB_MAGIC, "aes128.KeyDataBlob"),
        (cryptography::NCRYPT_CIPHER_KEY_BLOB_MAGIC, "aes128.CipherKeyBlob"),
        (cryptography::BCRYPT_ECDH_PUBLIC_P256_MAGIC, "ec-nistP256.ECDH.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDH_PRIVATE_P256_MAGIC, "ec-nistP256.ECDH.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDH_PUBLIC_P384_MAGIC, "ec-nistP384.ECDH.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDH_PRIVATE_P384_MAGIC, "ec-nistP384.ECDH.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDH_PUBLIC_P521_MAGIC, "ec-nistP521.ECDH.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDH_PRIVATE_P521_MAGIC, "ec-nistP521.ECDH.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDH_PUBLIC_GENERIC_MAGIC, "ec-secP256k1.GENERIC-ECDH.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDH_PRIVATE_GENERIC_MAGIC, "ec-secP256k1.GENERIC-ECDH.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDSA_PUBLIC_P256_MAGIC, "ec-nistP256.ECDSA.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDSA_PRIVATE_P256_MAGIC, "ec-nistP256.ECDSA.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDSA_PUBLIC_P384_MAGIC, "ec-nistP384.ECDSA.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDSA_PRIVATE_P384_MAGIC, "ec-nistP384.ECDSA.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDSA_PUBLIC_P521_MAGIC, "ec-nistP521.ECDSA.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDSA_PRIVATE_P521_MAGIC, "ec-nistP521.ECDSA.ECCPRIVATEBLOB"),
        (cryptography::BCRYPT_ECDSA_PUBLIC_GENERIC_MAGIC, "ec-secP256k1.GENERIC-ECDSA.ECCPUBLICBLOB"),
        (cryptography::BCRYPT_ECDSA_PRIVATE_GENERIC_MAGIC, "ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB"),
    ] {
        let vector = vectors::named(&format!("{name}.bin"));
        let blob_type = vector.blob_type().unwrap();
        let decoded = blob::decode(&vector.bytes(), blob_type, &vector.hints()).unwrap();
        let encoded = blob::encode(&decoded.key, decoded.algorithm, blob_type).unwrap();
        let word = |at: usize| u32::from_le_bytes(encoded[at..at + 4].try_into().unwrap());
        assert_eq!(word(if blob_type == BlobType::Cipher { 4 } else { 0 }), magic, "{name}");
        if blob_type == BlobType::KeyData {
            assert_eq!(word(4), cryptography::BCRYPT_KEY_DATA_BLOB_VERSION1);
        }
        let is_ecc = matches!(blob_type, BlobType::EccPrivate | BlobType::EccPublic);
        let is_private = is_ecc.then_some(blob_type == BlobType::EccPrivate);
        assert_eq!(blob::ecc::is_private_magic(magic), is_private, "{name}");
    }
}

/// Two names with one OID are one curve.
#[test]
fn every_curve_of_the_windows_headers_has_its_names_and_its_oid() {
    // CNG itself has no OID for this one; RFC 8410 does.
    let mut names = vec![text(cryptography::BCRYPT_ECC_CURVE_25519)];
    for (name, oid) in strings! {
        BCRYPT_ECC_CURVE_BRAINPOOLP160R1 szOID_ECC_CURVE_BRAINPOOLP160R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP160T1 szOID_ECC_CURVE_BRAINPOOLP160T1;
        BCRYPT_ECC_CURVE_BRAINPOOLP192R1 szOID_ECC_CURVE_BRAINPOOLP192R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP192T1 szOID_ECC_CURVE_BRAINPOOLP192T1;
        BCRYPT_ECC_CURVE_BRAINPOOLP224R1 szOID_ECC_CURVE_BRAINPOOLP224R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP224T1 szOID_ECC_CURVE_BRAINPOOLP224T1;
        BCRYPT_ECC_CURVE_BRAINPOOLP256R1 szOID_ECC_CURVE_BRAINPOOLP256R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP256T1 szOID_ECC_CURVE_BRAINPOOLP256T1;
        BCRYPT_ECC_CURVE_BRAINPOOLP320R1 szOID_ECC_CURVE_BRAINPOOLP320R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP320T1 szOID_ECC_CURVE_BRAINPOOLP320T1;
        BCRYPT_ECC_CURVE_BRAINPOOLP384R1 szOID_ECC_CURVE_BRAINPOOLP384R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP384T1 szOID_ECC_CURVE_BRAINPOOLP384T1;
        BCRYPT_ECC_CURVE_BRAINPOOLP512R1 szOID_ECC_CURVE_BRAINPOOLP512R1;
        BCRYPT_ECC_CURVE_BRAINPOOLP512T1 szOID_ECC_CURVE_BRAINPOOLP512T1;
        BCRYPT_ECC_CURVE_EC192WAPI szOID_ECC_CURVE_EC192WAPI;
        BCRYPT_ECC_CURVE_NISTP192 szOID_ECC_CURVE_NISTP192;
        BCRYPT_ECC_CURVE_NISTP224 szOID_ECC_CURVE_NISTP224;
        BCRYPT_ECC_CURVE_NISTP256 szOID_ECC_CURVE_NISTP256;
        BCRYPT_ECC_CURVE_NISTP384 szOID_ECC_CURVE_NISTP384;
        BCRYPT_ECC_CURVE_NISTP521 szOID_ECC_CURVE_NISTP521;
        BCRYPT_ECC_CURVE_SECP160K1 szOID_ECC_CURVE_SECP160K1;
        BCRYPT_ECC_CURVE_SECP160R1 szOID_ECC_CURVE_SECP160R1;
        BCRYPT_ECC_CURVE_SECP160R2 szOID_ECC_CURVE_SECP160R2;
        BCRYPT_ECC_CURVE_SECP192K1 szOID_ECC_CURVE_SECP192K1;
        BCRYPT_ECC_CURVE_SECP192R1 szOID_ECC_CURVE_SECP192R1;
        BCRYPT_ECC_CURVE_SECP224K1 szOID_ECC_CURVE_SECP224K1;
        BCRYPT_ECC_CURVE_SECP224R1 szOID_ECC_CURVE_SECP224R1;
        BCRYPT_ECC_CURVE_SECP256K1 szOID_ECC_CURVE_SECP256K1;
        BCRYPT_ECC_CURVE_SECP256R1 szOID_ECC_CURVE_SECP256R1;
        BCRYPT_ECC_CURVE_SECP384R1 szOID_ECC_CURVE_SECP384R1;
        BCRYPT_ECC_CURVE_SECP521R1 szOID_ECC_CURVE_SECP521R1;
        BCRYPT_ECC_CURVE_WTLS12 szOID_ECC_CURVE_WTLS12;
        BCRYPT_ECC_CURVE_WTLS7 szOID_ECC_CURVE_WTLS7;
        BCRYPT_ECC_CURVE_WTLS9 szOID_ECC_CURVE_WTLS9;
        BCRYPT_ECC_CURVE_X962P192V1 szOID_ECC_CURVE_X962P192V1;
        BCRYPT_ECC_CURVE_X962P192V2 szOID_ECC_CURVE_X962P192V2;
        BCRYPT_ECC_CURVE_X962P192V3 szOID_ECC_CURVE_X962P192V3;
        BCRYPT_ECC_CURVE_X962P239V1 szOID_ECC_CURVE_X962P239V1;
        BCRYPT_ECC_CURVE_X962P239V2 szOID_ECC_CURVE_X962P239V2;
        BCRYPT_ECC_CURVE_X962P239V3 szOID_ECC_CURVE_X962P239V3;
        BCRYPT_ECC_CURVE_X962P256V1 szOID_ECC_CURVE_X962P256V1;
    } {
        assert_eq!(Curve::by_name(&name).unwrap().oid, Some(oid.as_str()), "{name}");
        names.push(name);
    }
    for name in [
        cryptography::BCRYPT_ECC_CURVE_NUMSP256T1,
        cryptography::BCRYPT_ECC_CURVE_NUMSP384T1,
        cryptography::BCRYPT_ECC_CURVE_NUMSP512T1,
    ] {
        let name = text(name);
        assert_eq!(Curve::by_name(&name).unwrap().oid, None, "{name}");
        names.push(name);
    }
    assert_eq!(names.len(), 45);
    // Every name is read as the curve that is called so or has it as an alias, and every curve of CNG's is called as CNG calls it.
    for name in &names {
        let curve = Curve::by_name(name).unwrap();
        assert!(curve.is_cng() && (curve.name == name || curve.aliases.contains(&name.as_str())), "{name}");
    }
    for curve in CURVES {
        let from_cng = |alias: &&&str| ["secP", "x962", "wtls"].iter().any(|start| alias.starts_with(start));
        for name in curve.aliases.iter().filter(from_cng).chain([&curve.name]) {
            assert_eq!(names.iter().any(|known| known == name), curve.is_cng(), "{name}");
        }
    }
}

#[test]
fn every_algorithm_has_the_string_of_the_windows_headers() {
    for (name, string) in named! { cryptography:
        BCRYPT_RSA_ALGORITHM BCRYPT_AES_ALGORITHM BCRYPT_3DES_ALGORITHM BCRYPT_ECDSA_ALGORITHM BCRYPT_ECDH_ALGORITHM
        BCRYPT_ECDSA_P256_ALGORITHM BCRYPT_ECDSA_P384_ALGORITHM BCRYPT_ECDSA_P521_ALGORITHM
        BCRYPT_ECDH_P256_ALGORITHM BCRYPT_ECDH_P384_ALGORITHM BCRYPT_ECDH_P521_ALGORITHM
    } {
        assert_eq!(Algorithm::by_name(&text(string)).unwrap().name(), text(string), "{name}");
    }
    for (name, string) in named! { cryptography:
        BCRYPT_SHA1_ALGORITHM BCRYPT_SHA256_ALGORITHM BCRYPT_SHA384_ALGORITHM BCRYPT_SHA512_ALGORITHM
    } {
        assert_eq!(Hash::by_name(&text(string)).unwrap().name(), text(string), "{name}");
    }
    for (name, string, group) in [
        ("RSA", "RSA", cryptography::NCRYPT_RSA_ALGORITHM_GROUP),
        ("ECDSA_P256", "ECDSA", cryptography::NCRYPT_ECDSA_ALGORITHM_GROUP),
        ("ECDH_P521", "ECDH", cryptography::NCRYPT_ECDH_ALGORITHM_GROUP),
        ("AES", "AES", cryptography::NCRYPT_AES_ALGORITHM_GROUP),
        ("3DES", "DES", cryptography::NCRYPT_DES_ALGORITHM_GROUP),
    ] {
        assert_eq!(
            (Algorithm::by_name(name).unwrap().family.group(), text(group).as_str()),
            (string, string),
            "{name}"
        );
    }
}

#[test]
fn every_flag_is_the_one_of_the_windows_headers() {
    for (flag, expected) in [
        (ExportPolicy::ENCRYPTED, cryptography::NCRYPT_ALLOW_EXPORT_FLAG),
        (ExportPolicy::PLAINTEXT, cryptography::NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG),
        (ExportPolicy::ARCHIVING, cryptography::NCRYPT_ALLOW_ARCHIVING_FLAG),
        (ExportPolicy::PLAINTEXT_ARCHIVING, cryptography::NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG),
    ] {
        assert_eq!(flag.bits(), expected);
    }
    for (flag, expected) in [
        (KeyUsage::DECRYPT, cryptography::NCRYPT_ALLOW_DECRYPT_FLAG),
        (KeyUsage::SIGN, cryptography::NCRYPT_ALLOW_SIGNING_FLAG),
        (KeyUsage::AGREE, cryptography::NCRYPT_ALLOW_KEY_AGREEMENT_FLAG),
        (KeyUsage::WRAP, cryptography::NCRYPT_ALLOW_KEY_IMPORT_FLAG),
        (KeyUsage::ALL, cryptography::NCRYPT_ALLOW_ALL_USAGES),
    ] {
        assert_eq!(flag.bits(), expected);
    }
}

/// The text of a string constant.
fn text<T: Unit>(string: *const T) -> String {
    let mut units = Vec::new();
    // SAFETY: every caller passes a constant of windows-sys, which points to a static string with a NUL at its end.
    #[allow(unsafe_code, reason = "windows-sys has its strings as pointers only")]
    units.extend((0..).map(|i| unsafe { (*string.add(i)).into() }).take_while(|unit| *unit != 0));
    String::from_utf16(&units).unwrap()
}

/// A character of a PCSTR or of a PCWSTR.
trait Unit: Copy + Into<u16> {}
impl Unit for u8 {}
impl Unit for u16 {}
