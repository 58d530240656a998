/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * CNG's keys that are kept: on a PKCS#11 token here, where Windows has its key storage providers. Names, numbers and
 * layouts are those of Windows; wide strings are UTF-16 (u"..." where a program for Windows has L"...").
 *
 * For every function:
 *   - What the caller passes in stays the caller's and is read during the call only, handles apart.
 *   - A buffer that is filled is the caller's. With a null buffer the call says in *pcbResult how many bytes it wants, and
 *     ERROR_SUCCESS; with one that is too small the same, and NTE_BUFFER_TOO_SMALL. pcbResult may not be NULL.
 *   - A handle that is returned is the caller's, who ends it with NCryptFreeObject. A handle lives on when what it was
 *     made from is ended.
 *   - What is returned by an enumeration is the caller's, who ends it with NCryptFreeBuffer.
 *   - dwFlags is 0 or NCRYPT_SILENT_FLAG unless flags are named. A flag that a call does not know is NTE_BAD_FLAGS.
 *   - cng11_last_error() has the reason of a failure in words.
 */
#ifndef CNG11_NCRYPT_H
#define CNG11_NCRYPT_H

#include "bcrypt.h"

typedef ULONG_PTR NCRYPT_HANDLE;
typedef ULONG_PTR NCRYPT_PROV_HANDLE;
typedef ULONG_PTR NCRYPT_KEY_HANDLE;
typedef ULONG_PTR NCRYPT_HASH_HANDLE;
typedef ULONG_PTR NCRYPT_SECRET_HANDLE;

/* ---- Providers and algorithms ------------------------------------------------------------------------------- */

/* Names of the providers of Windows */
#define MS_KEY_STORAGE_PROVIDER            u"Microsoft Software Key Storage Provider"
#define MS_SMART_CARD_KEY_STORAGE_PROVIDER u"Microsoft Smart Card Key Storage Provider"
#define MS_PLATFORM_KEY_STORAGE_PROVIDER   u"Microsoft Platform Crypto Provider"
#define MS_PLATFORM_CRYPTO_PROVIDER        u"Microsoft Platform Crypto Provider"
#define MS_NGC_KEY_STORAGE_PROVIDER        u"Microsoft Passport Key Storage Provider"
#define MS_PLUTON_CRYPTO_PROVIDER          u"Microsoft Pluton Cryptographic Provider"

/* Algorithms */
#define NCRYPT_3DES_112_ALGORITHM          BCRYPT_3DES_112_ALGORITHM
#define NCRYPT_3DES_ALGORITHM              BCRYPT_3DES_ALGORITHM
#define NCRYPT_AES_ALGORITHM               BCRYPT_AES_ALGORITHM
#define NCRYPT_CAPI_KDF_ALGORITHM          BCRYPT_CAPI_KDF_ALGORITHM
#define NCRYPT_DESX_ALGORITHM              BCRYPT_DESX_ALGORITHM
#define NCRYPT_DES_ALGORITHM               BCRYPT_DES_ALGORITHM
#define NCRYPT_DH_ALGORITHM                BCRYPT_DH_ALGORITHM
#define NCRYPT_DSA_ALGORITHM               BCRYPT_DSA_ALGORITHM
#define NCRYPT_ECDH_ALGORITHM              BCRYPT_ECDH_ALGORITHM
#define NCRYPT_ECDH_P256_ALGORITHM         BCRYPT_ECDH_P256_ALGORITHM
#define NCRYPT_ECDH_P384_ALGORITHM         BCRYPT_ECDH_P384_ALGORITHM
#define NCRYPT_ECDH_P521_ALGORITHM         BCRYPT_ECDH_P521_ALGORITHM
#define NCRYPT_ECDSA_ALGORITHM             BCRYPT_ECDSA_ALGORITHM
#define NCRYPT_ECDSA_P256_ALGORITHM        BCRYPT_ECDSA_P256_ALGORITHM
#define NCRYPT_ECDSA_P384_ALGORITHM        BCRYPT_ECDSA_P384_ALGORITHM
#define NCRYPT_ECDSA_P521_ALGORITHM        BCRYPT_ECDSA_P521_ALGORITHM
#define NCRYPT_MD2_ALGORITHM               BCRYPT_MD2_ALGORITHM
#define NCRYPT_MD4_ALGORITHM               BCRYPT_MD4_ALGORITHM
#define NCRYPT_MD5_ALGORITHM               BCRYPT_MD5_ALGORITHM
#define NCRYPT_PBKDF2_ALGORITHM            BCRYPT_PBKDF2_ALGORITHM
#define NCRYPT_RC2_ALGORITHM               BCRYPT_RC2_ALGORITHM
#define NCRYPT_RSA_ALGORITHM               BCRYPT_RSA_ALGORITHM
#define NCRYPT_RSA_SIGN_ALGORITHM          BCRYPT_RSA_SIGN_ALGORITHM
#define NCRYPT_SHA1_ALGORITHM              BCRYPT_SHA1_ALGORITHM
#define NCRYPT_SHA256_ALGORITHM            BCRYPT_SHA256_ALGORITHM
#define NCRYPT_SHA384_ALGORITHM            BCRYPT_SHA384_ALGORITHM
#define NCRYPT_SHA512_ALGORITHM            BCRYPT_SHA512_ALGORITHM
#define NCRYPT_SP800108_CTR_HMAC_ALGORITHM BCRYPT_SP800108_CTR_HMAC_ALGORITHM
#define NCRYPT_SP80056A_CONCAT_ALGORITHM   BCRYPT_SP80056A_CONCAT_ALGORITHM
#define NCRYPT_HMAC_SHA256_ALGORITHM       u"HMAC-SHA256"
#define NCRYPT_KEY_STORAGE_ALGORITHM       u"KEY_STORAGE"

/* Groups of algorithms */
#define NCRYPT_RSA_ALGORITHM_GROUP    u"RSA"
#define NCRYPT_DH_ALGORITHM_GROUP     u"DH"
#define NCRYPT_DSA_ALGORITHM_GROUP    u"DSA"
#define NCRYPT_ECDSA_ALGORITHM_GROUP  u"ECDSA"
#define NCRYPT_ECDH_ALGORITHM_GROUP   u"ECDH"
#define NCRYPT_AES_ALGORITHM_GROUP    u"AES"
#define NCRYPT_RC2_ALGORITHM_GROUP    u"RC2"
#define NCRYPT_DES_ALGORITHM_GROUP    u"DES"
#define NCRYPT_KEY_DERIVATION_GROUP   u"KEY_DERIVATION"
#define NCRYPT_MLKEM_ALGORITHM_GROUP  u"MLKEM"
#define NCRYPT_MLDSA_ALGORITHM_GROUP  u"MLDSA"
#define NCRYPT_SLHDSA_ALGORITHM_GROUP u"SLHDSA"

/* Kinds of algorithms (dwClass) */
#define NCRYPT_CIPHER_INTERFACE                BCRYPT_CIPHER_INTERFACE
#define NCRYPT_HASH_INTERFACE                  BCRYPT_HASH_INTERFACE
#define NCRYPT_ASYMMETRIC_ENCRYPTION_INTERFACE BCRYPT_ASYMMETRIC_ENCRYPTION_INTERFACE
#define NCRYPT_SECRET_AGREEMENT_INTERFACE      BCRYPT_SECRET_AGREEMENT_INTERFACE
#define NCRYPT_SIGNATURE_INTERFACE             BCRYPT_SIGNATURE_INTERFACE
#define NCRYPT_KEY_DERIVATION_INTERFACE        BCRYPT_KEY_DERIVATION_INTERFACE
#define NCRYPT_KEY_ENCAPSULATION_INTERFACE     BCRYPT_KEY_ENCAPSULATION_INTERFACE
#define NCRYPT_KEY_STORAGE_INTERFACE           0x00010001
#define NCRYPT_SCHANNEL_INTERFACE              0x00010002
#define NCRYPT_SCHANNEL_SIGNATURE_INTERFACE    0x00010003
#define NCRYPT_KEY_PROTECTION_INTERFACE        0x00010004

/* The same as bits of dwAlgOperations */
#define NCRYPT_CIPHER_OPERATION                BCRYPT_CIPHER_OPERATION
#define NCRYPT_HASH_OPERATION                  BCRYPT_HASH_OPERATION
#define NCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION BCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION
#define NCRYPT_SECRET_AGREEMENT_OPERATION      BCRYPT_SECRET_AGREEMENT_OPERATION
#define NCRYPT_SIGNATURE_OPERATION             BCRYPT_SIGNATURE_OPERATION
#define NCRYPT_RNG_OPERATION                   BCRYPT_RNG_OPERATION
#define NCRYPT_KEY_DERIVATION_OPERATION        BCRYPT_KEY_DERIVATION_OPERATION
#define NCRYPT_KEY_ENCAPSULATION_OPERATION     BCRYPT_KEY_ENCAPSULATION_OPERATION

typedef struct _NCryptAlgorithmName {
  LPWSTR pszName;
  DWORD dwClass;
  DWORD dwAlgOperations;
  DWORD dwFlags;
} NCryptAlgorithmName;

typedef struct _NCryptKeyName {
  LPWSTR pszName;
  LPWSTR pszAlgid;
  DWORD dwLegacyKeySpec;
  DWORD dwFlags;
} NCryptKeyName;

typedef struct _NCryptProviderName {
  LPWSTR pszName;
  LPWSTR pszComment;
} NCryptProviderName;

/* dwLegacyKeySpec; 0 is neither */
#define AT_KEYEXCHANGE       0x00000001
#define AT_SIGNATURE         0x00000002
#define CERT_NCRYPT_KEY_SPEC 0xFFFFFFFF

/* Limits: of the first three in characters, of the last in bytes */
#define NCRYPT_MAX_KEY_NAME_LENGTH 512
#define NCRYPT_MAX_ALG_ID_LENGTH   512
#define NCRYPT_MAX_PROPERTY_NAME   64
#define NCRYPT_MAX_PROPERTY_DATA   1048576

/* ---- Flags -------------------------------------------------------------------------------------------------- */

/* Of the calls that make, open, import and end keys */
#define NCRYPT_NO_KEY_VALIDATION              0x00000008
#define NCRYPT_MACHINE_KEY_FLAG               0x00000020
#define NCRYPT_SILENT_FLAG                    0x00000040
#define NCRYPT_OVERWRITE_KEY_FLAG             0x00000080
#define NCRYPT_AUTHORITY_KEY_FLAG             0x00000100
#define NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG 0x00000200
#define NCRYPT_DO_NOT_FINALIZE_FLAG           0x00000400
#define NCRYPT_EXPORT_LEGACY_FLAG             0x00000800
#define NCRYPT_IGNORE_DEVICE_STATE_FLAG       0x00001000
#define NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG 0x00002000
#define NCRYPT_NO_CACHED_PASSWORD             0x00004000
#define NCRYPT_PROTECT_TO_LOCAL_SYSTEM        0x00008000
#define NCRYPT_PREFER_VIRTUAL_ISOLATION_FLAG  0x00010000
#define NCRYPT_PREFER_VBS_FLAG                0x00010000
#define NCRYPT_USE_VIRTUAL_ISOLATION_FLAG     0x00020000
#define NCRYPT_REQUIRE_VBS_FLAG               0x00020000
#define NCRYPT_USE_PER_BOOT_KEY_FLAG          0x00040000
#define NCRYPT_EXTENDED_ERRORS_FLAG           0x10000000
#define NCRYPT_REQUIRE_KDS_LRPC_BIND_FLAG     0x20000000

/* Of NCryptSetProperty and NCryptGetProperty */
#define NCRYPT_PERSIST_ONLY_FLAG 0x40000000
#define NCRYPT_PERSIST_FLAG      0x80000000

/* Of NCryptEncrypt, NCryptDecrypt, NCryptSignHash and NCryptVerifySignature */
#define NCRYPT_NO_PADDING_FLAG  0x00000001
#define NCRYPT_PAD_PKCS1_FLAG   0x00000002
#define NCRYPT_PAD_OAEP_FLAG    0x00000004
#define NCRYPT_PAD_PSS_FLAG     0x00000008
#define NCRYPT_PAD_CIPHER_FLAG  0x00000010
#define NCRYPT_PAD_PQDSA_FLAG   0x00000020
#define NCRYPT_ATTESTATION_FLAG 0x00000020
#define NCRYPT_SEALING_FLAG     0x00000100

/* Of NCryptNotifyChangeKey */
#define NCRYPT_REGISTER_NOTIFY_FLAG   0x00000001
#define NCRYPT_UNREGISTER_NOTIFY_FLAG 0x00000002

/* pPaddingInfo with NCRYPT_PAD_CIPHER_FLAG */
typedef struct _NCRYPT_CIPHER_PADDING_INFO {
  ULONG cbSize;
  DWORD dwFlags;
  PUCHAR pbIV;
  ULONG cbIV;
  PUCHAR pbOtherInfo;
  ULONG cbOtherInfo;
} NCRYPT_CIPHER_PADDING_INFO, *PNCRYPT_CIPHER_PADDING_INFO;

/* Its dwFlags; pbOtherInfo of the last is a BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO */
#define NCRYPT_CIPHER_NO_PADDING_FLAG    0x00000000
#define NCRYPT_CIPHER_BLOCK_PADDING_FLAG 0x00000001
#define NCRYPT_CIPHER_OTHER_PADDING_FLAG 0x00000002

/* ---- Parameters --------------------------------------------------------------------------------------------- */

typedef BCryptBuffer NCryptBuffer;
typedef BCryptBuffer *PNCryptBuffer;
typedef BCryptBufferDesc NCryptBufferDesc;
typedef BCryptBufferDesc *PNCryptBufferDesc;

#define NCRYPTBUFFER_VERSION 0

/* BufferType. Texts of 40 and 41 are ANSI, of the others wide; their NUL may be counted or not */
#define NCRYPTBUFFER_EMPTY                                  0
#define NCRYPTBUFFER_DATA                                   1
#define NCRYPTBUFFER_PROTECTION_DESCRIPTOR_STRING           3
#define NCRYPTBUFFER_PROTECTION_FLAGS                       4
#define NCRYPTBUFFER_SSL_CLIENT_RANDOM                      20
#define NCRYPTBUFFER_SSL_SERVER_RANDOM                      21
#define NCRYPTBUFFER_SSL_HIGHEST_VERSION                    22
#define NCRYPTBUFFER_SSL_CLEAR_KEY                          23
#define NCRYPTBUFFER_SSL_KEY_ARG_DATA                       24
#define NCRYPTBUFFER_SSL_SESSION_HASH                       25
#define NCRYPTBUFFER_PKCS_OID                               40
#define NCRYPTBUFFER_PKCS_ALG_OID                           41
#define NCRYPTBUFFER_PKCS_ALG_PARAM                         42
#define NCRYPTBUFFER_PKCS_ALG_ID                            43
#define NCRYPTBUFFER_PKCS_ATTRS                             44
#define NCRYPTBUFFER_PKCS_KEY_NAME                          45
#define NCRYPTBUFFER_PKCS_SECRET                            46
#define NCRYPTBUFFER_CERT_BLOB                              47
#define NCRYPTBUFFER_CLAIM_IDBINDING_NONCE                  48
#define NCRYPTBUFFER_CLAIM_KEYATTESTATION_NONCE             49
#define NCRYPTBUFFER_KEY_PROPERTY_FLAGS                     50
#define NCRYPTBUFFER_ATTESTATIONSTATEMENT_BLOB              51
#define NCRYPTBUFFER_ATTESTATION_CLAIM_TYPE                 52
#define NCRYPTBUFFER_ATTESTATION_CLAIM_CHALLENGE_REQUIRED   53
#define NCRYPTBUFFER_VSM_KEY_ATTESTATION_CLAIM_RESTRICTIONS 54
#define NCRYPTBUFFER_ECC_CURVE_NAME                         60
#define NCRYPTBUFFER_ECC_PARAMETERS                         61
#define NCRYPTBUFFER_TPM_SEAL_PASSWORD                      70
#define NCRYPTBUFFER_TPM_SEAL_POLICYINFO                    71
#define NCRYPTBUFFER_TPM_SEAL_TICKET                        72
#define NCRYPTBUFFER_TPM_SEAL_NO_DA_PROTECTION              73
#define NCRYPTBUFFER_TPM_PLATFORM_CLAIM_PCR_MASK            80
#define NCRYPTBUFFER_TPM_PLATFORM_CLAIM_NONCE               81
#define NCRYPTBUFFER_TPM_PLATFORM_CLAIM_STATIC_CREATE       82
#define NCRYPTBUFFER_PKCS_AES_KEY_BITS                      96
#define NCRYPTBUFFER_PKCS_PADDING_ALGO                      97
#define NCRYPTBUFFER_PKCS_PADDING_LABEL                     98

/* PKCS_ALG_PARAM with the schemes of PKCS#12; cbSalt bytes follow. */
typedef struct _CRYPT_PKCS12_PBE_PARAMS {
  int iIterations;
  ULONG cbSalt;
} CRYPT_PKCS12_PBE_PARAMS;

/* PKCS_ALG_OID: ANSI */
#define szOID_PKCS_12_pbeWithSHA1And3KeyTripleDES "1.2.840.113549.1.12.1.3"
#define szOID_PKCS_5_PBES2                        "1.2.840.113549.1.5.13"
#define szOID_PKCS_5_PBKDF2                       "1.2.840.113549.1.5.12"
#define szOID_RSA_DES_EDE3_CBC                    "1.2.840.113549.3.7"
#define szOID_NIST_AES128_CBC                     "2.16.840.1.101.3.4.1.2"
#define szOID_NIST_AES192_CBC                     "2.16.840.1.101.3.4.1.22"
#define szOID_NIST_AES256_CBC                     "2.16.840.1.101.3.4.1.42"

/* ---- Blobs -------------------------------------------------------------------------------------------------- */

/* Types, beside those of bcrypt.h */
#define NCRYPT_CIPHER_KEY_BLOB            u"CipherKeyBlob"
#define NCRYPT_PROTECTED_KEY_BLOB         u"ProtectedKeyBlob"
#define NCRYPT_KDF_KEY_BLOB               u"KDFKeyBlob"
#define NCRYPT_PKCS7_ENVELOPE_BLOB        u"PKCS7_ENVELOPE"
#define NCRYPT_PKCS8_PRIVATE_KEY_BLOB     u"PKCS8_PRIVATEKEY"
#define NCRYPT_OPAQUETRANSPORT_BLOB       u"OpaqueTransport"
#define NCRYPT_PQ_PRIVATE_KEY_BLOB        u"PQPrivateKeyBlob"
#define NCRYPT_PQ_PUBLIC_KEY_BLOB         BCRYPT_PUBLIC_KEY_BLOB
#define NCRYPT_TPM_LOADABLE_KEY_BLOB      u"PcpTpmProtectedKeyBlob"
#define NCRYPT_TPM_PERSISTENT_KEY_BLOB    u"PcpTpmPersistentKeyBlob"
#define NCRYPT_ISOLATED_KEY_ENVELOPE_BLOB u"ISOLATED_KEY_ENVELOPE"

/* Their numbers */
#define NCRYPT_CIPHER_KEY_BLOB_MAGIC         0x52485043
#define NCRYPT_KDF_KEY_BLOB_MAGIC            0x3146444B
#define NCRYPT_PROTECTED_KEY_BLOB_MAGIC      0x4B545250
#define NCRYPT_PQ_PRIVATE_BLOB_MAGIC         0x52505150
#define NCRYPT_TPM_LOADABLE_KEY_BLOB_MAGIC   0x4D54504B
#define NCRYPT_TPM_PERSISTENT_KEY_BLOB_MAGIC 0x4D54504B

/* CipherKeyBlob, KDFKeyBlob, ProtectedKeyBlob. The algorithm's name with its NUL follows, then a KeyDataBlob. */
typedef struct _NCRYPT_KEY_BLOB_HEADER {
  ULONG cbSize;
  ULONG dwMagic;
  ULONG cbAlgName;
  ULONG cbKeyData;
} NCRYPT_KEY_BLOB_HEADER, *PNCRYPT_KEY_BLOB_HEADER;

/* PQPrivateKeyBlob. The type of the inner blob with its NUL follows, then that blob. */
typedef struct _NCRYPT_PQ_BLOB {
  ULONG dwMagic;
  ULONG cbBCryptType;
  ULONG cbBCryptBlob;
} NCRYPT_PQ_BLOB, *PNCRYPT_PQ_BLOB;

typedef struct _NCRYPT_TPM_LOADABLE_KEY_BLOB_HEADER {
  DWORD magic;
  DWORD cbHeader;
  DWORD cbPublic;
  DWORD cbPrivate;
  DWORD cbName;
} NCRYPT_TPM_LOADABLE_KEY_BLOB_HEADER, *PNCRYPT_TPM_LOADABLE_KEY_BLOB_HEADER;

typedef struct _NCRYPT_TPM_PERSISTENT_KEY_BLOB_HEADER {
  DWORD magic;
  DWORD cbHeader;
  DWORD tpmHandle;
} NCRYPT_TPM_PERSISTENT_KEY_BLOB_HEADER, *PNCRYPT_TPM_PERSISTENT_KEY_BLOB_HEADER;

typedef struct _NCRYPT_EXPORTED_ISOLATED_KEY_HEADER {
  ULONG Version;
  ULONG KeyUsage;
  ULONG PerBootKey : 1;
  ULONG Reserved : 31;
  ULONG cbAlgName;
  ULONG cbNonce;
  ULONG cbAuthTag;
  ULONG cbWrappingKey;
  ULONG cbIsolatedKey;
} NCRYPT_EXPORTED_ISOLATED_KEY_HEADER, *PNCRYPT_EXPORTED_ISOLATED_KEY_HEADER;

/* ---- Properties --------------------------------------------------------------------------------------------- */

/* Names. A type of private blob is a name too: it imports into a key that is not finalized */
#define NCRYPT_NAME_PROPERTY                     u"Name"
#define NCRYPT_UNIQUE_NAME_PROPERTY              u"Unique Name"
#define NCRYPT_ALGORITHM_PROPERTY                u"Algorithm Name"
#define NCRYPT_ALGORITHM_GROUP_PROPERTY          u"Algorithm Group"
#define NCRYPT_LENGTH_PROPERTY                   u"Length"
#define NCRYPT_LENGTHS_PROPERTY                  u"Lengths"
#define NCRYPT_PUBLIC_LENGTH_PROPERTY            u"PublicKeyLength"
#define NCRYPT_SIGNATURE_LENGTH_PROPERTY         u"SignatureLength"
#define NCRYPT_BLOCK_LENGTH_PROPERTY             u"Block Length"
#define NCRYPT_CHAINING_MODE_PROPERTY            u"Chaining Mode"
#define NCRYPT_AUTH_TAG_LENGTH                   u"AuthTagLength"
#define NCRYPT_INITIALIZATION_VECTOR             u"IV"
#define NCRYPT_ECC_CURVE_NAME_PROPERTY           u"ECCCurveName"
#define NCRYPT_ECC_CURVE_NAME_LIST_PROPERTY      u"ECCCurveNameList"
#define NCRYPT_ECC_PARAMETERS_PROPERTY           u"ECCParameters"
#define NCRYPT_DH_PARAMETERS_PROPERTY            u"DHParameters"
#define NCRYPT_PARAMETER_SET_NAME_PROPERTY       u"ParameterSetName"
#define NCRYPT_KEM_SHARED_SECRET_LENGTH_PROPERTY u"KEMSharedSecretLength"
#define NCRYPT_KEM_CIPHERTEXT_LENGTH_PROPERTY    u"KEMCiphertextLength"
#define NCRYPT_EXPORT_POLICY_PROPERTY            u"Export Policy"
#define NCRYPT_KEY_USAGE_PROPERTY                u"Key Usage"
#define NCRYPT_KEY_TYPE_PROPERTY                 u"Key Type"
#define NCRYPT_LAST_MODIFIED_PROPERTY            u"Modified"
#define NCRYPT_UI_POLICY_PROPERTY                u"UI Policy"
#define NCRYPT_USE_CONTEXT_PROPERTY              u"Use Context"
#define NCRYPT_WINDOW_HANDLE_PROPERTY            u"HWND Handle"
#define NCRYPT_IMPL_TYPE_PROPERTY                u"Impl Type"
#define NCRYPT_MAX_NAME_LENGTH_PROPERTY          u"Max Name Length"
#define NCRYPT_VERSION_PROPERTY                  u"Version"
#define NCRYPT_SECURITY_DESCR_SUPPORT_PROPERTY   u"Security Descr Support"
#define NCRYPT_SECURITY_DESCR_PROPERTY           u"Security Descr"
#define NCRYPT_USE_COUNT_ENABLED_PROPERTY        u"Enabled Use Count"
#define NCRYPT_USE_COUNT_PROPERTY                u"Use Count"
#define NCRYPT_PROVIDER_HANDLE_PROPERTY          u"Provider Handle"
#define NCRYPT_KDF_SECRET_VALUE                  u"KDFKeySecret"
#define NCRYPT_CERTIFICATE_PROPERTY              u"SmartCardKeyCertificate"
#define NCRYPT_PIN_PROPERTY                      u"SmartCardPin"
#define NCRYPT_SECURE_PIN_PROPERTY               u"SmartCardSecurePin"
#define NCRYPT_PIN_PROMPT_PROPERTY               u"SmartCardPinPrompt"
#define NCRYPT_READER_PROPERTY                   u"SmartCardReader"
#define NCRYPT_READER_ICON_PROPERTY              u"SmartCardReaderIcon"
#define NCRYPT_SMARTCARD_GUID_PROPERTY           u"SmartCardGuid"
#define NCRYPT_USER_CERTSTORE_PROPERTY           u"SmartCardUserCertStore"
#define NCRYPT_ROOT_CERTSTORE_PROPERTY           u"SmartcardRootCertStore"
#define NCRYPT_ASSOCIATED_ECDH_KEY               u"SmartCardAssociatedECDHKey"
#define NCRYPT_SCARD_PIN_ID                      u"SmartCardPinId"
#define NCRYPT_SCARD_PIN_INFO                    u"SmartCardPinInfo"
#define NCRYPT_DISMISS_UI_TIMEOUT_SEC_PROPERTY   u"SmartCardDismissUITimeoutSeconds"
#define NCRYPT_SCARD_NGC_KEY_NAME                u"SmartCardNgcKeyName"
#define NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY    u"Virtual Iso"
#define NCRYPT_USE_PER_BOOT_KEY_PROPERTY         u"Per Boot Key"
#define NCRYPT_KEY_ACCESS_POLICY_PROPERTY        u"Key Access Policy"
#define NCRYPT_EPHEMERAL_NAME_PROPERTY           u"Ephemeral Name"
#define NCRYPT_VBS_ROOT_PUB_PROPERTY             u"VBS_ROOT_PUB"
#define NCRYPT_CERTIFICATE_FROM_NVRAM_PROPERTY   u"KeyCertificateFromTpmNvram"

/* Bits of Export Policy */
#define NCRYPT_ALLOW_EXPORT_FLAG                0x00000001
#define NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG      0x00000002
#define NCRYPT_ALLOW_ARCHIVING_FLAG             0x00000004
#define NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG   0x00000008
#define NCRYPT_ALLOW_PKCS11_RSA_AES_EXPORT_FLAG 0x00000010

/* Bits of Key Usage */
#define NCRYPT_ALLOW_DECRYPT_FLAG              0x00000001
#define NCRYPT_ALLOW_SIGNING_FLAG              0x00000002
#define NCRYPT_ALLOW_KEY_AGREEMENT_FLAG        0x00000004
#define NCRYPT_ALLOW_KEY_IMPORT_FLAG           0x00000008
#define NCRYPT_ALLOW_KEY_ENVELOPE_FLAG         0x00000008
#define NCRYPT_ALLOW_KEY_ATTESTATION_FLAG      0x00000010
#define NCRYPT_ALLOW_KEY_IMPORT_EPHEMERAL_FLAG 0x00000020
#define NCRYPT_ALLOW_ALL_USAGES                0x00FFFFFF

/* Bits of Impl Type */
#define NCRYPT_IMPL_HARDWARE_FLAG          0x00000001
#define NCRYPT_IMPL_SOFTWARE_FLAG          0x00000002
#define NCRYPT_IMPL_REMOVABLE_FLAG         0x00000008
#define NCRYPT_IMPL_HARDWARE_RNG_FLAG      0x00000010
#define NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG 0x00000020

/* Lengths, in bits */
typedef struct _NCRYPT_SUPPORTED_LENGTHS {
  DWORD dwMinLength;
  DWORD dwMaxLength;
  DWORD dwIncrement;
  DWORD dwDefaultLength;
} NCRYPT_SUPPORTED_LENGTHS;

/* dwFlags of the UI policy */
#define NCRYPT_UI_PROTECT_KEY_FLAG                0x00000001
#define NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG      0x00000002
#define NCRYPT_UI_FINGERPRINT_PROTECTION_FLAG     0x00000004
#define NCRYPT_UI_APPCONTAINER_ACCESS_MEDIUM_FLAG 0x00000008

/* UI Policy, as programs set it; dwVersion is 1. */
typedef struct _NCRYPT_UI_POLICY {
  DWORD dwVersion;
  DWORD dwFlags;
  LPCWSTR pszCreationTitle;
  LPCWSTR pszFriendlyName;
  LPCWSTR pszDescription;
} NCRYPT_UI_POLICY;

/* The same as a provider's slots see it: the three texts follow, each with its NUL, or with 0 bytes. */
typedef struct _NCRYPT_UI_POLICY_BLOB {
  DWORD dwVersion;
  DWORD dwFlags;
  DWORD cbCreationTitle;
  DWORD cbFriendlyName;
  DWORD cbDescription;
} NCRYPT_UI_POLICY_BLOB;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Providers ---------------------------------------------------------------------------------------------- */

/* *phProvider is the caller's: NCryptFreeObject. pszProviderName NULL is the default. */
SECURITY_STATUS WINAPI NCryptOpenStorageProvider(NCRYPT_PROV_HANDLE *phProvider, LPCWSTR pszProviderName, DWORD dwFlags);

/* *ppProviderList is one piece of memory with all of its names, the caller's: NCryptFreeBuffer. */
SECURITY_STATUS WINAPI NCryptEnumStorageProviders(DWORD *pdwProviderCount, NCryptProviderName **ppProviderList,
                                                  DWORD dwFlags);

/* ERROR_SUCCESS if the provider has the algorithm, else NTE_NOT_SUPPORTED. */
SECURITY_STATUS WINAPI NCryptIsAlgSupported(NCRYPT_PROV_HANDLE hProvider, LPCWSTR pszAlgId, DWORD dwFlags);

/*
 * *ppAlgList is one piece of memory with all of its names, the caller's: NCryptFreeBuffer; NULL if there is none.
 * dwAlgOperations are bits, 0 for all.
 */
SECURITY_STATUS WINAPI NCryptEnumAlgorithms(NCRYPT_PROV_HANDLE hProvider, DWORD dwAlgOperations, DWORD *pdwAlgCount,
                                            NCryptAlgorithmName **ppAlgList, DWORD dwFlags);

/*
 * One key a call. *ppEnumState is NULL at first. Each *ppKeyName, and *ppEnumState at the end, are the caller's: NCryptFreeBuffer.
 * NTE_NO_MORE_ITEMS is the end. pszScope is NULL. Flag: NCRYPT_MACHINE_KEY_FLAG.
 */
SECURITY_STATUS WINAPI NCryptEnumKeys(NCRYPT_PROV_HANDLE hProvider, LPCWSTR pszScope, NCryptKeyName **ppKeyName,
                                      PVOID *ppEnumState, DWORD dwFlags);

/* Ends what an enumeration returned, and its state. */
SECURITY_STATUS WINAPI NCryptFreeBuffer(PVOID pvInput);

/* *phEvent would be the provider's: NTE_NOT_SUPPORTED, a token tells nobody of changes. */
SECURITY_STATUS WINAPI NCryptNotifyChangeKey(NCRYPT_PROV_HANDLE hProvider, HANDLE *phEvent, DWORD dwFlags);

/* ---- Keys --------------------------------------------------------------------------------------------------- */

/*
 * *phKey is the caller's: NCryptFreeObject. Nothing is on the token before NCryptFinalizeKey. pszKeyName NULL is a key that
 * nothing keeps. Flags: NCRYPT_MACHINE_KEY_FLAG, NCRYPT_OVERWRITE_KEY_FLAG.
 */
SECURITY_STATUS WINAPI NCryptCreatePersistedKey(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE *phKey, LPCWSTR pszAlgId,
                                                LPCWSTR pszKeyName, DWORD dwLegacyKeySpec, DWORD dwFlags);

/* *phKey is the caller's: NCryptFreeObject. NTE_BAD_KEYSET if there is no such key. Flag: NCRYPT_MACHINE_KEY_FLAG. */
SECURITY_STATUS WINAPI NCryptOpenKey(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE *phKey, LPCWSTR pszKeyName,
                                     DWORD dwLegacyKeySpec, DWORD dwFlags);

/* Makes the key, or imports the blob that was set as a property, and keeps it under its name. Flag: NCRYPT_NO_KEY_VALIDATION. */
SECURITY_STATUS WINAPI NCryptFinalizeKey(NCRYPT_KEY_HANDLE hKey, DWORD dwFlags);

/*
 * *phKey is the caller's: NCryptFreeObject. hImportKey is the key that opens the blob, or 0. pParameterList may be NULL.
 * Without NCRYPTBUFFER_PKCS_KEY_NAME nothing keeps the key. Flags: NCRYPT_NO_KEY_VALIDATION, NCRYPT_MACHINE_KEY_FLAG,
 * NCRYPT_OVERWRITE_KEY_FLAG, NCRYPT_DO_NOT_FINALIZE_FLAG.
 */
SECURITY_STATUS WINAPI NCryptImportKey(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hImportKey, LPCWSTR pszBlobType,
                                       NCryptBufferDesc *pParameterList, NCRYPT_KEY_HANDLE *phKey, PBYTE pbData,
                                       DWORD cbData, DWORD dwFlags);

/* The blob is written to the caller's pbOutput. hExportKey is the key that wraps it, or 0. pParameterList may be NULL. */
SECURITY_STATUS WINAPI NCryptExportKey(NCRYPT_KEY_HANDLE hKey, NCRYPT_KEY_HANDLE hExportKey, LPCWSTR pszBlobType,
                                       NCryptBufferDesc *pParameterList, PBYTE pbOutput, DWORD cbOutput,
                                       DWORD *pcbResult, DWORD dwFlags);

/* Destroys the key on the token and ends hKey. When it fails, hKey is still the caller's. */
SECURITY_STATUS WINAPI NCryptDeleteKey(NCRYPT_KEY_HANDLE hKey, DWORD dwFlags);

/* Ends a handle of a provider, a key or a secret. A key with a name stays on the token. */
SECURITY_STATUS WINAPI NCryptFreeObject(NCRYPT_HANDLE hObject);

/* TRUE for the handle of a key. */
BOOL WINAPI NCryptIsKeyHandle(NCRYPT_KEY_HANDLE hKey);

/* NTE_NOT_SUPPORTED: there are no CryptoAPI keys to translate. */
SECURITY_STATUS WINAPI NCryptTranslateHandle(NCRYPT_PROV_HANDLE *phProvider, NCRYPT_KEY_HANDLE *phKey,
                                             HCRYPTPROV hLegacyProv, HCRYPTKEY hLegacyKey, DWORD dwLegacyKeySpec,
                                             DWORD dwFlags);

/*
 * The value is written to the caller's pbOutput; pointers in it point into pbOutput. The handle that Provider Handle gives is
 * the caller's: NCryptFreeObject. Flag: NCRYPT_PERSIST_ONLY_FLAG.
 */
SECURITY_STATUS WINAPI NCryptGetProperty(NCRYPT_HANDLE hObject, LPCWSTR pszProperty, PBYTE pbOutput, DWORD cbOutput,
                                         DWORD *pcbResult, DWORD dwFlags);

/* The value is copied. Flags: NCRYPT_PERSIST_FLAG, NCRYPT_PERSIST_ONLY_FLAG. */
SECURITY_STATUS WINAPI NCryptSetProperty(NCRYPT_HANDLE hObject, LPCWSTR pszProperty, PBYTE pbInput, DWORD cbInput,
                                         DWORD dwFlags);

/* ---- What keys do ------------------------------------------------------------------------------------------- */

/*
 * Writes to the caller's pbOutput, which may be pbInput. pPaddingInfo is the structure that the flags ask for, or NULL. Flags:
 * one of NCRYPT_NO_PADDING_FLAG, NCRYPT_PAD_PKCS1_FLAG, NCRYPT_PAD_OAEP_FLAG, NCRYPT_PAD_CIPHER_FLAG.
 */
SECURITY_STATUS WINAPI NCryptEncrypt(NCRYPT_KEY_HANDLE hKey, PBYTE pbInput, DWORD cbInput, VOID *pPaddingInfo,
                                     PBYTE pbOutput, DWORD cbOutput, DWORD *pcbResult, DWORD dwFlags);

/* As NCryptEncrypt. Less may be written than the size that was asked for. */
SECURITY_STATUS WINAPI NCryptDecrypt(NCRYPT_KEY_HANDLE hKey, PBYTE pbInput, DWORD cbInput, VOID *pPaddingInfo,
                                     PBYTE pbOutput, DWORD cbOutput, DWORD *pcbResult, DWORD dwFlags);

/*
 * Writes the signature to the caller's pbSignature; of an EC key it is r and s, as wide as the order each. Flags: of an RSA key
 * NCRYPT_PAD_PKCS1_FLAG or NCRYPT_PAD_PSS_FLAG, with pPaddingInfo.
 */
SECURITY_STATUS WINAPI NCryptSignHash(NCRYPT_KEY_HANDLE hKey, VOID *pPaddingInfo, PBYTE pbHashValue, DWORD cbHashValue,
                                      PBYTE pbSignature, DWORD cbSignature, DWORD *pcbResult, DWORD dwFlags);

/* NTE_BAD_SIGNATURE if the signature is wrong. Flags as NCryptSignHash. */
SECURITY_STATUS WINAPI NCryptVerifySignature(NCRYPT_KEY_HANDLE hKey, VOID *pPaddingInfo, PBYTE pbHashValue,
                                             DWORD cbHashValue, PBYTE pbSignature, DWORD cbSignature, DWORD dwFlags);

/* *phAgreedSecret is the caller's: NCryptFreeObject. Both keys may be ended before it. */
SECURITY_STATUS WINAPI NCryptSecretAgreement(NCRYPT_KEY_HANDLE hPrivKey, NCRYPT_KEY_HANDLE hPubKey,
                                             NCRYPT_SECRET_HANDLE *phAgreedSecret, DWORD dwFlags);

/*
 * The derived key is in the clear in the caller's pbDerivedKey: wipe it. pwszKDF is one of BCRYPT_KDF_*, pParameterList has
 * the numbers KDF_*. Flag: KDF_USE_SECRET_AS_HMAC_KEY_FLAG.
 */
SECURITY_STATUS WINAPI NCryptDeriveKey(NCRYPT_SECRET_HANDLE hSharedSecret, LPCWSTR pwszKDF,
                                       NCryptBufferDesc *pParameterList, PBYTE pbDerivedKey, DWORD cbDerivedKey,
                                       DWORD *pcbResult, ULONG dwFlags);

/* NTE_NOT_SUPPORTED: no token has keys of a derivation algorithm. pbDerivedKey would be filled, the caller's. */
SECURITY_STATUS WINAPI NCryptKeyDerivation(NCRYPT_KEY_HANDLE hKey, NCryptBufferDesc *pParameterList, PUCHAR pbDerivedKey,
                                           DWORD cbDerivedKey, DWORD *pcbResult, ULONG dwFlags);

/* NTE_NOT_SUPPORTED: no key of ML-KEM is put on a token. Both outputs are the caller's buffers. */
SECURITY_STATUS WINAPI NCryptEncapsulate(NCRYPT_KEY_HANDLE hKey, PBYTE pbSecretKey, DWORD cbSecretKey, DWORD *pcbSecretKey,
                                         PBYTE pbCipherText, DWORD cbCipherText, DWORD *pcbCipherText, DWORD dwFlags);

/* NTE_NOT_SUPPORTED, as NCryptEncapsulate. pbSecretKey is the caller's buffer. */
SECURITY_STATUS WINAPI NCryptDecapsulate(NCRYPT_KEY_HANDLE hKey, PBYTE pbCipherText, DWORD cbCipherText, PBYTE pbSecretKey,
                                         DWORD cbSecretKey, DWORD *pcbSecretKey, DWORD dwFlags);

/* Writes to the caller's pbClaimBlob. NTE_NOT_SUPPORTED: tokens attest nothing that CNG could read. */
SECURITY_STATUS WINAPI NCryptCreateClaim(NCRYPT_KEY_HANDLE hSubjectKey, NCRYPT_KEY_HANDLE hAuthorityKey, DWORD dwClaimType,
                                         NCryptBufferDesc *pParameterList, PBYTE pbClaimBlob, DWORD cbClaimBlob,
                                         DWORD *pcbResult, DWORD dwFlags);

/* As NCryptCreateClaim. */
SECURITY_STATUS WINAPI NCryptVerifyClaim(NCRYPT_KEY_HANDLE hSubjectKey, NCRYPT_KEY_HANDLE hAuthorityKey, DWORD dwClaimType,
                                         NCryptBufferDesc *pParameterList, PBYTE pbClaimBlob, DWORD cbClaimBlob,
                                         NCryptBufferDesc *pOutput, DWORD dwFlags);

/* ---- The interface of a key storage provider ---------------------------------------------------------------- */

#define NCRYPT_KEY_STORAGE_INTERFACE_VERSION BCRYPT_MAKE_INTERFACE_VERSION(1, 0)
#define NCRYPT_KEY_STORAGE_INTERFACE_VERSION_2 BCRYPT_MAKE_INTERFACE_VERSION(2, 0)
#define NCRYPT_KEY_STORAGE_INTERFACE_VERSION_3 BCRYPT_MAKE_INTERFACE_VERSION(3, 0)

typedef SECURITY_STATUS(WINAPI *NCryptOpenStorageProviderFn)(NCRYPT_PROV_HANDLE *phProvider, LPCWSTR pszProviderName,
    DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptOpenKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE *phKey,
    LPCWSTR pszKeyName, DWORD dwLegacyKeySpec, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptCreatePersistedKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE *phKey,
    LPCWSTR pszAlgId, LPCWSTR pszKeyName, DWORD dwLegacyKeySpec, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptGetProviderPropertyFn)(NCRYPT_PROV_HANDLE hProvider, LPCWSTR pszProperty,
    PBYTE pbOutput, DWORD cbOutput, DWORD *pcbResult, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptGetKeyPropertyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    LPCWSTR pszProperty, PBYTE pbOutput, DWORD cbOutput, DWORD *pcbResult, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptSetProviderPropertyFn)(NCRYPT_PROV_HANDLE hProvider, LPCWSTR pszProperty,
    PBYTE pbInput, DWORD cbInput, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptSetKeyPropertyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    LPCWSTR pszProperty, PBYTE pbInput, DWORD cbInput, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptFinalizeKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptDeleteKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptFreeProviderFn)(NCRYPT_PROV_HANDLE hProvider);
typedef SECURITY_STATUS(WINAPI *NCryptFreeKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey);
typedef SECURITY_STATUS(WINAPI *NCryptFreeBufferFn)(PVOID pvInput);
typedef SECURITY_STATUS(WINAPI *NCryptEncryptFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey, PBYTE pbInput,
    DWORD cbInput, VOID *pPaddingInfo, PBYTE pbOutput, DWORD cbOutput, DWORD *pcbResult, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptDecryptFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey, PBYTE pbInput,
    DWORD cbInput, VOID *pPaddingInfo, PBYTE pbOutput, DWORD cbOutput, DWORD *pcbResult, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptIsAlgSupportedFn)(NCRYPT_PROV_HANDLE hProvider, LPCWSTR pszAlgId, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptEnumAlgorithmsFn)(NCRYPT_PROV_HANDLE hProvider, DWORD dwAlgOperations,
    DWORD *pdwAlgCount, NCryptAlgorithmName **ppAlgList, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptEnumKeysFn)(NCRYPT_PROV_HANDLE hProvider, LPCWSTR pszScope,
    NCryptKeyName **ppKeyName, PVOID *ppEnumState, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptImportKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hImportKey,
    LPCWSTR pszBlobType, NCryptBufferDesc *pParameterList, NCRYPT_KEY_HANDLE *phKey, PBYTE pbData, DWORD cbData,
    DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptExportKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    NCRYPT_KEY_HANDLE hExportKey, LPCWSTR pszBlobType, NCryptBufferDesc *pParameterList, PBYTE pbOutput, DWORD cbOutput,
    DWORD *pcbResult, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptSignHashFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    VOID *pPaddingInfo, PBYTE pbHashValue, DWORD cbHashValue, PBYTE pbSignature, DWORD cbSignature, DWORD *pcbResult,
    DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptVerifySignatureFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    VOID *pPaddingInfo, PBYTE pbHashValue, DWORD cbHashValue, PBYTE pbSignature, DWORD cbSignature, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptPromptUserFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hKey,
    LPCWSTR pszOperation, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptNotifyChangeKeyFn)(NCRYPT_PROV_HANDLE hProvider, HANDLE *phEvent, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptSecretAgreementFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hPrivKey,
    NCRYPT_KEY_HANDLE hPubKey, NCRYPT_SECRET_HANDLE *phAgreedSecret, DWORD dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptDeriveKeyFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_SECRET_HANDLE hSharedSecret,
    LPCWSTR pwszKDF, NCryptBufferDesc *pParameterList, PBYTE pbDerivedKey, DWORD cbDerivedKey, DWORD *pcbResult,
    ULONG dwFlags);
typedef SECURITY_STATUS(WINAPI *NCryptFreeSecretFn)(NCRYPT_PROV_HANDLE hProvider, NCRYPT_SECRET_HANDLE hSharedSecret);

/*
 * Version 1.0: 26 slots. Their handles are the provider's own, their rules those of the functions above. What is returned
 * is ended by FreeProvider, FreeKey, FreeSecret and FreeBuffer. FreeKey and FreeSecret may come after FreeProvider.
 */
typedef struct _NCRYPT_KEY_STORAGE_FUNCTION_TABLE {
  BCRYPT_INTERFACE_VERSION Version;
  NCryptOpenStorageProviderFn OpenProvider;
  NCryptOpenKeyFn OpenKey;
  NCryptCreatePersistedKeyFn CreatePersistedKey;
  NCryptGetProviderPropertyFn GetProviderProperty;
  NCryptGetKeyPropertyFn GetKeyProperty;
  NCryptSetProviderPropertyFn SetProviderProperty;
  NCryptSetKeyPropertyFn SetKeyProperty;
  NCryptFinalizeKeyFn FinalizeKey;
  NCryptDeleteKeyFn DeleteKey;
  NCryptFreeProviderFn FreeProvider;
  NCryptFreeKeyFn FreeKey;
  NCryptFreeBufferFn FreeBuffer;
  NCryptEncryptFn Encrypt;
  NCryptDecryptFn Decrypt;
  NCryptIsAlgSupportedFn IsAlgSupported;
  NCryptEnumAlgorithmsFn EnumAlgorithms;
  NCryptEnumKeysFn EnumKeys;
  NCryptImportKeyFn ImportKey;
  NCryptExportKeyFn ExportKey;
  NCryptSignHashFn SignHash;
  NCryptVerifySignatureFn VerifySignature;
  NCryptPromptUserFn PromptUser;
  NCryptNotifyChangeKeyFn NotifyChangeKey;
  NCryptSecretAgreementFn SecretAgreement;
  NCryptDeriveKeyFn DeriveKey;
  NCryptFreeSecretFn FreeSecret;
} NCRYPT_KEY_STORAGE_FUNCTION_TABLE;

/* *ppFunctionTable is the library's, and valid as long as the library is loaded: it is not freed. pszProviderName is not looked at. */
NTSTATUS WINAPI GetKeyStorageInterface(LPCWSTR pszProviderName, NCRYPT_KEY_STORAGE_FUNCTION_TABLE **ppFunctionTable,
                                       DWORD dwFlags);

#ifdef __cplusplus
}
#endif

#endif
