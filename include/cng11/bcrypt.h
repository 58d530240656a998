/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * CNG's primitives: keys, hashes and random numbers that nothing keeps. Names, numbers and layouts are those of Windows;
 * wide strings are UTF-16 (u"..." where a program for Windows has L"...").
 *
 * For every function:
 *   - What the caller passes in stays the caller's and is read during the call only, handles apart.
 *   - A buffer that is filled is the caller's. With a null buffer the call says in *pcbResult how many bytes it wants, and
 *     STATUS_SUCCESS; with one that is too small the same, and STATUS_BUFFER_TOO_SMALL.
 *   - A handle that is returned is the caller's, who ends it with the function named beside it. A handle lives on when
 *     what it was made from is closed.
 *   - dwFlags is 0 unless flags are named.
 *   - cng11_last_error() has the reason of a failure in words.
 */
#ifndef CNG11_BCRYPT_H
#define CNG11_BCRYPT_H

#include "cng11.h"

#define BCRYPT_SUCCESS(Status) (((NTSTATUS)(Status)) >= 0)

typedef PVOID BCRYPT_HANDLE;
typedef PVOID BCRYPT_ALG_HANDLE;
typedef PVOID BCRYPT_KEY_HANDLE;
typedef PVOID BCRYPT_HASH_HANDLE;
typedef PVOID BCRYPT_SECRET_HANDLE;

/* ---- Algorithms --------------------------------------------------------------------------------------------- */

/* Asymmetric keys */
#define BCRYPT_RSA_ALGORITHM        u"RSA"
#define BCRYPT_RSA_SIGN_ALGORITHM   u"RSA_SIGN"
#define BCRYPT_DH_ALGORITHM         u"DH"
#define BCRYPT_DSA_ALGORITHM        u"DSA"
#define BCRYPT_ECDSA_ALGORITHM      u"ECDSA"
#define BCRYPT_ECDSA_P256_ALGORITHM u"ECDSA_P256"
#define BCRYPT_ECDSA_P384_ALGORITHM u"ECDSA_P384"
#define BCRYPT_ECDSA_P521_ALGORITHM u"ECDSA_P521"
#define BCRYPT_ECDH_ALGORITHM       u"ECDH"
#define BCRYPT_ECDH_P256_ALGORITHM  u"ECDH_P256"
#define BCRYPT_ECDH_P384_ALGORITHM  u"ECDH_P384"
#define BCRYPT_ECDH_P521_ALGORITHM  u"ECDH_P521"

/* Symmetric keys */
#define BCRYPT_AES_ALGORITHM               u"AES"
#define BCRYPT_AES_GMAC_ALGORITHM          u"AES-GMAC"
#define BCRYPT_AES_CMAC_ALGORITHM          u"AES-CMAC"
#define BCRYPT_XTS_AES_ALGORITHM           u"XTS-AES"
#define BCRYPT_3DES_ALGORITHM              u"3DES"
#define BCRYPT_3DES_112_ALGORITHM          u"3DES_112"
#define BCRYPT_DES_ALGORITHM               u"DES"
#define BCRYPT_DESX_ALGORITHM              u"DESX"
#define BCRYPT_RC2_ALGORITHM               u"RC2"
#define BCRYPT_RC4_ALGORITHM               u"RC4"
#define BCRYPT_CHACHA20_POLY1305_ALGORITHM u"CHACHA20_POLY1305"

/* Hashes, random numbers, derivation */
#define BCRYPT_MD2_ALGORITHM               u"MD2"
#define BCRYPT_MD4_ALGORITHM               u"MD4"
#define BCRYPT_MD5_ALGORITHM               u"MD5"
#define BCRYPT_SHA1_ALGORITHM              u"SHA1"
#define BCRYPT_SHA256_ALGORITHM            u"SHA256"
#define BCRYPT_SHA384_ALGORITHM            u"SHA384"
#define BCRYPT_SHA512_ALGORITHM            u"SHA512"
#define BCRYPT_RNG_ALGORITHM               u"RNG"
#define BCRYPT_RNG_FIPS186_DSA_ALGORITHM   u"FIPS186DSARNG"
#define BCRYPT_RNG_DUAL_EC_ALGORITHM       u"DUALECRNG"
#define BCRYPT_SP800108_CTR_HMAC_ALGORITHM u"SP800_108_CTR_HMAC"
#define BCRYPT_SP80056A_CONCAT_ALGORITHM   u"SP800_56A_CONCAT"
#define BCRYPT_PBKDF2_ALGORITHM            u"PBKDF2"
#define BCRYPT_CAPI_KDF_ALGORITHM          u"CAPI_KDF"
#define BCRYPT_TLS1_1_KDF_ALGORITHM        u"TLS1_1_KDF"
#define BCRYPT_TLS1_2_KDF_ALGORITHM        u"TLS1_2_KDF"
#define BCRYPT_HKDF_ALGORITHM              u"HKDF"

/* Post-quantum; the composite ones are a preview in Windows */
#define BCRYPT_MLDSA_ALGORITHM           u"ML-DSA"
#define BCRYPT_MLKEM_ALGORITHM           u"ML-KEM"
#define BCRYPT_SLHDSA_ALGORITHM          u"SLH-DSA"
#define BCRYPT_LMS_ALGORITHM             u"LMS"
#define BCRYPT_XMSS_ALGORITHM            u"XMSS"
#define BCRYPT_COMPOSITE_MLDSA_ALGORITHM u"Composite-ML-DSA"
#define BCRYPT_COMPOSITE_MLKEM_ALGORITHM u"Composite-ML-KEM"

/* Their parameter sets */
#define BCRYPT_MLDSA_PARAMETER_SET_44                             u"44"
#define BCRYPT_MLDSA_PARAMETER_SET_65                             u"65"
#define BCRYPT_MLDSA_PARAMETER_SET_87                             u"87"
#define BCRYPT_MLKEM_PARAMETER_SET_512                            u"512"
#define BCRYPT_MLKEM_PARAMETER_SET_768                            u"768"
#define BCRYPT_MLKEM_PARAMETER_SET_1024                           u"1024"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHA2_128S                     u"SHA2-128s"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHA2_128F                     u"SHA2-128f"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHA2_192S                     u"SHA2-192s"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHA2_192F                     u"SHA2-192f"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHA2_256S                     u"SHA2-256s"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHA2_256F                     u"SHA2-256f"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHAKE_128S                    u"SHAKE-128s"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHAKE_128F                    u"SHAKE-128f"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHAKE_192S                    u"SHAKE-192s"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHAKE_192F                    u"SHAKE-192f"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHAKE_256S                    u"SHAKE-256s"
#define BCRYPT_SLHDSA_PARAMETER_SET_SHAKE_256F                    u"SHAKE-256f"
#define BCRYPT_COMPOSITE_MLDSA_PARAMETER_SET_44_ECDSA_P256_SHA256 u"44-ECDSA-P256-SHA256"
#define BCRYPT_COMPOSITE_MLDSA_PARAMETER_SET_65_ECDSA_P256_SHA512 u"65-ECDSA-P256-SHA512"
#define BCRYPT_COMPOSITE_MLDSA_PARAMETER_SET_65_ECDSA_P384_SHA512 u"65-ECDSA-P384-SHA512"
#define BCRYPT_COMPOSITE_MLDSA_PARAMETER_SET_87_ECDSA_P384_SHA512 u"87-ECDSA-P384-SHA512"
#define BCRYPT_COMPOSITE_MLKEM_PARAMETER_SET_768_P256             u"768-P256"
#define BCRYPT_COMPOSITE_MLKEM_PARAMETER_SET_768_X25519           u"768-X25519"
#define BCRYPT_COMPOSITE_MLKEM_PARAMETER_SET_1024_P384            u"1024-P384"

/* The name of the only provider that Windows has for these; BCryptOpenAlgorithmProvider takes it */
#define MS_PRIMITIVE_PROVIDER u"Microsoft Primitive Provider"

/* Curves */
#define BCRYPT_ECC_CURVE_25519           u"curve25519"
#define BCRYPT_ECC_CURVE_BRAINPOOLP160R1 u"brainpoolP160r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP160T1 u"brainpoolP160t1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP192R1 u"brainpoolP192r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP192T1 u"brainpoolP192t1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP224R1 u"brainpoolP224r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP224T1 u"brainpoolP224t1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP256R1 u"brainpoolP256r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP256T1 u"brainpoolP256t1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP320R1 u"brainpoolP320r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP320T1 u"brainpoolP320t1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP384R1 u"brainpoolP384r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP384T1 u"brainpoolP384t1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP512R1 u"brainpoolP512r1"
#define BCRYPT_ECC_CURVE_BRAINPOOLP512T1 u"brainpoolP512t1"
#define BCRYPT_ECC_CURVE_EC192WAPI       u"ec192wapi"
#define BCRYPT_ECC_CURVE_NISTP192        u"nistP192"
#define BCRYPT_ECC_CURVE_NISTP224        u"nistP224"
#define BCRYPT_ECC_CURVE_NISTP256        u"nistP256"
#define BCRYPT_ECC_CURVE_NISTP384        u"nistP384"
#define BCRYPT_ECC_CURVE_NISTP521        u"nistP521"
#define BCRYPT_ECC_CURVE_NUMSP256T1      u"numsP256t1"
#define BCRYPT_ECC_CURVE_NUMSP384T1      u"numsP384t1"
#define BCRYPT_ECC_CURVE_NUMSP512T1      u"numsP512t1"
#define BCRYPT_ECC_CURVE_SECP160K1       u"secP160k1"
#define BCRYPT_ECC_CURVE_SECP160R1       u"secP160r1"
#define BCRYPT_ECC_CURVE_SECP160R2       u"secP160r2"
#define BCRYPT_ECC_CURVE_SECP192K1       u"secP192k1"
#define BCRYPT_ECC_CURVE_SECP192R1       u"secP192r1"
#define BCRYPT_ECC_CURVE_SECP224K1       u"secP224k1"
#define BCRYPT_ECC_CURVE_SECP224R1       u"secP224r1"
#define BCRYPT_ECC_CURVE_SECP256K1       u"secP256k1"
#define BCRYPT_ECC_CURVE_SECP256R1       u"secP256r1"
#define BCRYPT_ECC_CURVE_SECP384R1       u"secP384r1"
#define BCRYPT_ECC_CURVE_SECP521R1       u"secP521r1"
#define BCRYPT_ECC_CURVE_WTLS12          u"wtls12"
#define BCRYPT_ECC_CURVE_WTLS7           u"wtls7"
#define BCRYPT_ECC_CURVE_WTLS9           u"wtls9"
#define BCRYPT_ECC_CURVE_X962P192V1      u"x962P192v1"
#define BCRYPT_ECC_CURVE_X962P192V2      u"x962P192v2"
#define BCRYPT_ECC_CURVE_X962P192V3      u"x962P192v3"
#define BCRYPT_ECC_CURVE_X962P239V1      u"x962P239v1"
#define BCRYPT_ECC_CURVE_X962P239V2      u"x962P239v2"
#define BCRYPT_ECC_CURVE_X962P239V3      u"x962P239v3"
#define BCRYPT_ECC_CURVE_X962P256V1      u"x962P256v1"

/* Handles of algorithms that need not be opened, and are not closed */
#define BCRYPT_MD2_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x00000001)
#define BCRYPT_MD4_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x00000011)
#define BCRYPT_MD5_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x00000021)
#define BCRYPT_SHA1_ALG_HANDLE              ((BCRYPT_ALG_HANDLE)0x00000031)
#define BCRYPT_SHA256_ALG_HANDLE            ((BCRYPT_ALG_HANDLE)0x00000041)
#define BCRYPT_SHA384_ALG_HANDLE            ((BCRYPT_ALG_HANDLE)0x00000051)
#define BCRYPT_SHA512_ALG_HANDLE            ((BCRYPT_ALG_HANDLE)0x00000061)
#define BCRYPT_RC4_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x00000071)
#define BCRYPT_RNG_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x00000081)
#define BCRYPT_HMAC_MD5_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000091)
#define BCRYPT_HMAC_SHA1_ALG_HANDLE         ((BCRYPT_ALG_HANDLE)0x000000A1)
#define BCRYPT_HMAC_SHA256_ALG_HANDLE       ((BCRYPT_ALG_HANDLE)0x000000B1)
#define BCRYPT_HMAC_SHA384_ALG_HANDLE       ((BCRYPT_ALG_HANDLE)0x000000C1)
#define BCRYPT_HMAC_SHA512_ALG_HANDLE       ((BCRYPT_ALG_HANDLE)0x000000D1)
#define BCRYPT_RSA_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x000000E1)
#define BCRYPT_ECDSA_ALG_HANDLE             ((BCRYPT_ALG_HANDLE)0x000000F1)
#define BCRYPT_AES_CMAC_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000101)
#define BCRYPT_AES_GMAC_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000111)
#define BCRYPT_HMAC_MD2_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000121)
#define BCRYPT_HMAC_MD4_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000131)
#define BCRYPT_3DES_CBC_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000141)
#define BCRYPT_3DES_ECB_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000151)
#define BCRYPT_3DES_CFB_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000161)
#define BCRYPT_3DES_112_CBC_ALG_HANDLE      ((BCRYPT_ALG_HANDLE)0x00000171)
#define BCRYPT_3DES_112_ECB_ALG_HANDLE      ((BCRYPT_ALG_HANDLE)0x00000181)
#define BCRYPT_3DES_112_CFB_ALG_HANDLE      ((BCRYPT_ALG_HANDLE)0x00000191)
#define BCRYPT_AES_CBC_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x000001A1)
#define BCRYPT_AES_ECB_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x000001B1)
#define BCRYPT_AES_CFB_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x000001C1)
#define BCRYPT_AES_CCM_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x000001D1)
#define BCRYPT_AES_GCM_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x000001E1)
#define BCRYPT_DES_CBC_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x000001F1)
#define BCRYPT_DES_ECB_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x00000201)
#define BCRYPT_DES_CFB_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x00000211)
#define BCRYPT_DESX_CBC_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000221)
#define BCRYPT_DESX_ECB_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000231)
#define BCRYPT_DESX_CFB_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000241)
#define BCRYPT_RC2_CBC_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x00000251)
#define BCRYPT_RC2_ECB_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x00000261)
#define BCRYPT_RC2_CFB_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x00000271)
#define BCRYPT_DH_ALG_HANDLE                ((BCRYPT_ALG_HANDLE)0x00000281)
#define BCRYPT_ECDH_ALG_HANDLE              ((BCRYPT_ALG_HANDLE)0x00000291)
#define BCRYPT_ECDH_P256_ALG_HANDLE         ((BCRYPT_ALG_HANDLE)0x000002A1)
#define BCRYPT_ECDH_P384_ALG_HANDLE         ((BCRYPT_ALG_HANDLE)0x000002B1)
#define BCRYPT_ECDH_P521_ALG_HANDLE         ((BCRYPT_ALG_HANDLE)0x000002C1)
#define BCRYPT_DSA_ALG_HANDLE               ((BCRYPT_ALG_HANDLE)0x000002D1)
#define BCRYPT_ECDSA_P256_ALG_HANDLE        ((BCRYPT_ALG_HANDLE)0x000002E1)
#define BCRYPT_ECDSA_P384_ALG_HANDLE        ((BCRYPT_ALG_HANDLE)0x000002F1)
#define BCRYPT_ECDSA_P521_ALG_HANDLE        ((BCRYPT_ALG_HANDLE)0x00000301)
#define BCRYPT_RSA_SIGN_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000311)
#define BCRYPT_CAPI_KDF_ALG_HANDLE          ((BCRYPT_ALG_HANDLE)0x00000321)
#define BCRYPT_PBKDF2_ALG_HANDLE            ((BCRYPT_ALG_HANDLE)0x00000331)
#define BCRYPT_SP800108_CTR_HMAC_ALG_HANDLE ((BCRYPT_ALG_HANDLE)0x00000341)
#define BCRYPT_SP80056A_CONCAT_ALG_HANDLE   ((BCRYPT_ALG_HANDLE)0x00000351)
#define BCRYPT_TLS1_1_KDF_ALG_HANDLE        ((BCRYPT_ALG_HANDLE)0x00000361)
#define BCRYPT_TLS1_2_KDF_ALG_HANDLE        ((BCRYPT_ALG_HANDLE)0x00000371)
#define BCRYPT_XTS_AES_ALG_HANDLE           ((BCRYPT_ALG_HANDLE)0x00000381)
#define BCRYPT_HKDF_ALG_HANDLE              ((BCRYPT_ALG_HANDLE)0x00000391)
#define BCRYPT_CHACHA20_POLY1305_ALG_HANDLE ((BCRYPT_ALG_HANDLE)0x000003A1)
#define BCRYPT_MLDSA_ALG_HANDLE             ((BCRYPT_ALG_HANDLE)0x00000471)
#define BCRYPT_MLKEM_ALG_HANDLE             ((BCRYPT_ALG_HANDLE)0x00000481)
#define BCRYPT_COMPOSITE_MLDSA_ALG_HANDLE   ((BCRYPT_ALG_HANDLE)0x00000491)
#define BCRYPT_COMPOSITE_MLKEM_ALG_HANDLE   ((BCRYPT_ALG_HANDLE)0x000004A1)

/* ---- Blobs ------------------------------------------------------------------------------------------------------ */

/* Types */
#define BCRYPT_OPAQUE_KEY_BLOB              u"OpaqueKeyBlob"
#define BCRYPT_KEY_DATA_BLOB                u"KeyDataBlob"
#define BCRYPT_AES_WRAP_KEY_BLOB            u"Rfc3565KeyWrapBlob"
#define BCRYPT_PKCS11_RSA_AES_WRAP_KEY_BLOB u"PKCS11RsaAesWrapBlob"
#define BCRYPT_PUBLIC_KEY_BLOB              u"PUBLICBLOB"
#define BCRYPT_PRIVATE_KEY_BLOB             u"PRIVATEBLOB"
#define BCRYPT_RSAPUBLIC_BLOB               u"RSAPUBLICBLOB"
#define BCRYPT_RSAPRIVATE_BLOB              u"RSAPRIVATEBLOB"
#define BCRYPT_RSAFULLPRIVATE_BLOB          u"RSAFULLPRIVATEBLOB"
#define LEGACY_RSAPUBLIC_BLOB               u"CAPIPUBLICBLOB"
#define LEGACY_RSAPRIVATE_BLOB              u"CAPIPRIVATEBLOB"
#define BCRYPT_ECCPUBLIC_BLOB               u"ECCPUBLICBLOB"
#define BCRYPT_ECCPRIVATE_BLOB              u"ECCPRIVATEBLOB"
#define BCRYPT_ECCFULLPUBLIC_BLOB           u"ECCFULLPUBLICBLOB"
#define BCRYPT_ECCFULLPRIVATE_BLOB          u"ECCFULLPRIVATEBLOB"
#define SSL_ECCPUBLIC_BLOB                  u"SSLECCPUBLICBLOB"
#define BCRYPT_DH_PUBLIC_BLOB               u"DHPUBLICBLOB"
#define BCRYPT_DH_PRIVATE_BLOB              u"DHPRIVATEBLOB"
#define LEGACY_DH_PUBLIC_BLOB               u"CAPIDHPUBLICBLOB"
#define LEGACY_DH_PRIVATE_BLOB              u"CAPIDHPRIVATEBLOB"
#define BCRYPT_DSA_PUBLIC_BLOB              u"DSAPUBLICBLOB"
#define BCRYPT_DSA_PRIVATE_BLOB             u"DSAPRIVATEBLOB"
#define LEGACY_DSA_PUBLIC_BLOB              u"CAPIDSAPUBLICBLOB"
#define LEGACY_DSA_PRIVATE_BLOB             u"CAPIDSAPRIVATEBLOB"
#define LEGACY_DSA_V2_PUBLIC_BLOB           u"V2CAPIDSAPUBLICBLOB"
#define LEGACY_DSA_V2_PRIVATE_BLOB          u"V2CAPIDSAPRIVATEBLOB"
#define BCRYPT_PQDSA_PUBLIC_BLOB            u"PQDSAPUBLICBLOB"
#define BCRYPT_PQDSA_PRIVATE_BLOB           u"PQDSAPRIVATEBLOB"
#define BCRYPT_PQDSA_PRIVATE_SEED_BLOB      u"PQDSAPRIVATESEEDBLOB"
#define BCRYPT_MLKEM_PUBLIC_BLOB            u"MLKEMPUBLICBLOB"
#define BCRYPT_MLKEM_PRIVATE_BLOB           u"MLKEMPRIVATEBLOB"
#define BCRYPT_MLKEM_PRIVATE_SEED_BLOB      u"MLKEMPRIVATESEEDBLOB"
#define BCRYPT_MLKEM_ENCAPSULATION_BLOB     BCRYPT_MLKEM_PUBLIC_BLOB
#define BCRYPT_MLKEM_DECAPSULATION_BLOB     BCRYPT_MLKEM_PRIVATE_BLOB

/* The number that each begins with (CipherKeyBlob and its like have it after their size) */
#define BCRYPT_KEY_DATA_BLOB_MAGIC                     0x4D42444B
#define BCRYPT_PKCS11_RSA_AES_WRAP_BLOB_MAGIC          0x57504152
#define BCRYPT_RSAFULLPRIVATE_MAGIC                    0x33415352
#define BCRYPT_RSAPRIVATE_MAGIC                        0x32415352
#define BCRYPT_RSAPUBLIC_MAGIC                         0x31415352
#define BCRYPT_ECC_PARAMETERS_MAGIC                    0x50434345
#define BCRYPT_ECDH_PRIVATE_GENERIC_MAGIC              0x564B4345
#define BCRYPT_ECDH_PRIVATE_P256_MAGIC                 0x324B4345
#define BCRYPT_ECDH_PRIVATE_P384_MAGIC                 0x344B4345
#define BCRYPT_ECDH_PRIVATE_P521_MAGIC                 0x364B4345
#define BCRYPT_ECDH_PUBLIC_GENERIC_MAGIC               0x504B4345
#define BCRYPT_ECDH_PUBLIC_P256_MAGIC                  0x314B4345
#define BCRYPT_ECDH_PUBLIC_P384_MAGIC                  0x334B4345
#define BCRYPT_ECDH_PUBLIC_P521_MAGIC                  0x354B4345
#define BCRYPT_ECDSA_PRIVATE_GENERIC_MAGIC             0x56444345
#define BCRYPT_ECDSA_PRIVATE_P256_MAGIC                0x32534345
#define BCRYPT_ECDSA_PRIVATE_P384_MAGIC                0x34534345
#define BCRYPT_ECDSA_PRIVATE_P521_MAGIC                0x36534345
#define BCRYPT_ECDSA_PUBLIC_GENERIC_MAGIC              0x50444345
#define BCRYPT_ECDSA_PUBLIC_P256_MAGIC                 0x31534345
#define BCRYPT_ECDSA_PUBLIC_P384_MAGIC                 0x33534345
#define BCRYPT_ECDSA_PUBLIC_P521_MAGIC                 0x35534345
#define BCRYPT_DH_PARAMETERS_MAGIC                     0x4D504844
#define BCRYPT_DH_PRIVATE_MAGIC                        0x56504844
#define BCRYPT_DH_PUBLIC_MAGIC                         0x42504844
#define BCRYPT_DSA_PARAMETERS_MAGIC                    0x4D505344
#define BCRYPT_DSA_PARAMETERS_MAGIC_V2                 0x324D5044
#define BCRYPT_DSA_PRIVATE_MAGIC                       0x56505344
#define BCRYPT_DSA_PRIVATE_MAGIC_V2                    0x32565044
#define BCRYPT_DSA_PUBLIC_MAGIC                        0x42505344
#define BCRYPT_DSA_PUBLIC_MAGIC_V2                     0x32425044
#define BCRYPT_MLDSA_PUBLIC_MAGIC                      0x4B505344
#define BCRYPT_MLDSA_PRIVATE_MAGIC                     0x4B535344
#define BCRYPT_MLDSA_PRIVATE_SEED_MAGIC                0x53535344
#define BCRYPT_SLHDSA_PUBLIC_MAGIC                     0x4B504853
#define BCRYPT_SLHDSA_PRIVATE_MAGIC                    0x4B534853
#define BCRYPT_LMS_PUBLIC_MAGIC                        0x4B504D4C
#define BCRYPT_XMSS_PUBLIC_MAGIC                       0x4B504D58
#define BCRYPT_MLKEM_PUBLIC_MAGIC                      0x504B4C4D
#define BCRYPT_MLKEM_PRIVATE_MAGIC                     0x524B4C4D
#define BCRYPT_MLKEM_PRIVATE_SEED_MAGIC                0x534B4C4D
#define BCRYPT_COMPOSITE_MLDSA_PUBLIC_MAGIC            0x4B504D43
#define BCRYPT_COMPOSITE_MLDSA_PRIVATE_MAGIC           0x4B534D43
#define BCRYPT_COMPOSITE_MLKEM_PUBLIC_MAGIC            0x504B4D43
#define BCRYPT_COMPOSITE_MLKEM_PRIVATE_MAGIC           0x524B4D43
#define BCRYPT_COMPOSITE_MLKEM_PRIVATE_IRTF_SEED_MAGIC 0x534B4D43

/* Versions */
#define BCRYPT_KEY_DATA_BLOB_VERSION1  1
#define BCRYPT_ECC_FULLKEY_BLOB_V1     1
#define BCRYPT_ECC_PARAMETER_HEADER_V1 1

/* Numbers in the headers are little-endian; the numbers of the key that follow a header are big-endian, unless it says otherwise. */

typedef struct _BCRYPT_KEY_BLOB {
  ULONG Magic;
} BCRYPT_KEY_BLOB;

/* KeyDataBlob. The key follows. */
typedef struct _BCRYPT_KEY_DATA_BLOB_HEADER {
  ULONG dwMagic;
  ULONG dwVersion;
  ULONG cbKeyData;
} BCRYPT_KEY_DATA_BLOB_HEADER, *PBCRYPT_KEY_DATA_BLOB_HEADER;

/* e, n follow; then of a private one p, q; then of a full one dp, dq, qInv, d. */
typedef struct _BCRYPT_RSAKEY_BLOB {
  ULONG Magic;
  ULONG BitLength;
  ULONG cbPublicExp;
  ULONG cbModulus;
  ULONG cbPrime1;
  ULONG cbPrime2;
} BCRYPT_RSAKEY_BLOB;

/* X, Y follow, and of a private one d, cbKey bytes each. */
typedef struct _BCRYPT_ECCKEY_BLOB {
  ULONG dwMagic;
  ULONG cbKey;
} BCRYPT_ECCKEY_BLOB, *PBCRYPT_ECCKEY_BLOB;

/* The form of a curve's equation */
typedef enum {
  BCRYPT_ECC_PRIME_SHORT_WEIERSTRASS_CURVE = 1,
  BCRYPT_ECC_PRIME_TWISTED_EDWARDS_CURVE = 2,
  BCRYPT_ECC_PRIME_MONTGOMERY_CURVE = 3
} ECC_CURVE_TYPE_ENUM;

typedef enum {
  BCRYPT_NO_CURVE_GENERATION_ALG_ID = 0
} ECC_CURVE_ALG_ID_ENUM;

/* p, a, b, Gx, Gy, n, h, the seed follow; then Qx, Qy; then of a private one d. */
typedef struct _BCRYPT_ECCFULLKEY_BLOB {
  ULONG dwMagic;
  ULONG dwVersion;
  ECC_CURVE_TYPE_ENUM dwCurveType;
  ECC_CURVE_ALG_ID_ENUM dwCurveGenerationAlgId;
  ULONG cbFieldLength;
  ULONG cbSubgroupOrder;
  ULONG cbCofactor;
  ULONG cbSeed;
} BCRYPT_ECCFULLKEY_BLOB, *PBCRYPT_ECCFULLKEY_BLOB;

/* ECCParameters. p, a, b, Gx, Gy, n, h, the seed follow. */
typedef struct _BCRYPT_ECC_PARAMETER_HEADER {
  ULONG dwVersion;
  ECC_CURVE_TYPE_ENUM dwCurveType;
  ECC_CURVE_ALG_ID_ENUM dwCurveGenerationAlgId;
  ULONG cbFieldLength;
  ULONG cbSubgroupOrder;
  ULONG cbCofactor;
  ULONG cbSeed;
} BCRYPT_ECC_PARAMETER_HEADER;

/* SSLECCPUBLICBLOB. The point follows. */
typedef struct _SSL_ECCKEY_BLOB {
  ULONG dwCurveType;
  ULONG cbKey;
} SSL_ECCKEY_BLOB, *PSSL_ECCKEY_BLOB;

/* p, g, y follow, and of a private one x, cbKey bytes each. */
typedef struct _BCRYPT_DH_KEY_BLOB {
  ULONG dwMagic;
  ULONG cbKey;
} BCRYPT_DH_KEY_BLOB, *PBCRYPT_DH_KEY_BLOB;

/* DHParameters. p, g follow. */
typedef struct _BCRYPT_DH_PARAMETER_HEADER {
  ULONG cbLength;
  ULONG dwMagic;
  ULONG cbKeyLength;
} BCRYPT_DH_PARAMETER_HEADER;

/* Up to 1024 bits. p, g, y follow, and of a private one the 20 bytes of x. */
typedef struct _BCRYPT_DSA_KEY_BLOB {
  ULONG dwMagic;
  ULONG cbKey;
  UCHAR Count[4];
  UCHAR Seed[20];
  UCHAR q[20];
} BCRYPT_DSA_KEY_BLOB, *PBCRYPT_DSA_KEY_BLOB;

/* The hash that made the parameters */
typedef enum {
  DSA_HASH_ALGORITHM_SHA1 = 0,
  DSA_HASH_ALGORITHM_SHA256 = 1,
  DSA_HASH_ALGORITHM_SHA512 = 2
} HASHALGORITHM_ENUM;

typedef enum {
  DSA_FIPS186_2 = 0,
  DSA_FIPS186_3 = 1
} DSAFIPSVERSION_ENUM;

/* More than 1024 bits. The seed, q, p, g, y follow, and of a private one x. */
typedef struct _BCRYPT_DSA_KEY_BLOB_V2 {
  ULONG dwMagic;
  ULONG cbKey;
  HASHALGORITHM_ENUM hashAlgorithm;
  DSAFIPSVERSION_ENUM standardVersion;
  ULONG cbSeedLength;
  ULONG cbGroupSize;
  UCHAR Count[4];
} BCRYPT_DSA_KEY_BLOB_V2, *PBCRYPT_DSA_KEY_BLOB_V2;

/* DSAParameters. p, g follow. */
typedef struct _BCRYPT_DSA_PARAMETER_HEADER {
  ULONG cbLength;
  ULONG dwMagic;
  ULONG cbKeyLength;
  UCHAR Count[4];
  UCHAR Seed[20];
  UCHAR q[20];
} BCRYPT_DSA_PARAMETER_HEADER;

/* The seed, q, p, g follow. */
typedef struct _BCRYPT_DSA_PARAMETER_HEADER_V2 {
  ULONG cbLength;
  ULONG dwMagic;
  ULONG cbKeyLength;
  HASHALGORITHM_ENUM hashAlgorithm;
  DSAFIPSVERSION_ENUM standardVersion;
  ULONG cbSeedLength;
  ULONG cbGroupSize;
  UCHAR Count[4];
} BCRYPT_DSA_PARAMETER_HEADER_V2;

/* ML-DSA, SLH-DSA. The name of the parameter set with its NUL follows, then the key. */
typedef struct _BCRYPT_PQDSA_KEY_BLOB {
  ULONG dwMagic;
  ULONG cbParameterSet;
  ULONG cbKey;
} BCRYPT_PQDSA_KEY_BLOB, *PBCRYPT_PQDSA_KEY_BLOB;

/* The same for ML-KEM. */
typedef struct _BCRYPT_MLKEM_KEY_BLOB {
  ULONG dwMagic;
  ULONG cbParameterSet;
  ULONG cbKey;
} BCRYPT_MLKEM_KEY_BLOB, *PBCRYPT_MLKEM_KEY_BLOB;

/* PKCS11RsaAesWrapBlob. The wrapped key follows, then the name of OAEP's hash with its NUL, then its label. */
typedef struct _BCRYPT_PKCS11_RSA_AES_WRAP_BLOB {
  ULONG dwMagic;
  ULONG cbKey;
  ULONG cbPaddingAlgId;
  ULONG cbPaddingLabel;
} BCRYPT_PKCS11_RSA_AES_WRAP_BLOB, *PBCRYPT_PKCS11_RSA_AES_WRAP_BLOB;

/* ---- Properties --------------------------------------------------------------------------------------------- */

/* Names */
#define BCRYPT_ALGORITHM_NAME           u"AlgorithmName"
#define BCRYPT_AUTH_TAG_LENGTH          u"AuthTagLength"
#define BCRYPT_BLOCK_LENGTH             u"BlockLength"
#define BCRYPT_BLOCK_SIZE_LIST          u"BlockSizeList"
#define BCRYPT_CHAINING_MODE            u"ChainingMode"
#define BCRYPT_DH_PARAMETERS            u"DHParameters"
#define BCRYPT_DSA_PARAMETERS           u"DSAParameters"
#define BCRYPT_ECC_CURVE_NAME           u"ECCCurveName"
#define BCRYPT_ECC_CURVE_NAME_LIST      u"ECCCurveNameList"
#define BCRYPT_ECC_PARAMETERS           u"ECCParameters"
#define BCRYPT_EFFECTIVE_KEY_LENGTH     u"EffectiveKeyLength"
#define BCRYPT_GLOBAL_PARAMETERS        u"SecretAgreementParam"
#define BCRYPT_HASH_BLOCK_LENGTH        u"HashBlockLength"
#define BCRYPT_HASH_LENGTH              u"HashDigestLength"
#define BCRYPT_HASH_OID_LIST            u"HashOIDList"
#define BCRYPT_HKDF_HASH_ALGORITHM      u"HkdfHashAlgorithm"
#define BCRYPT_HKDF_PRK_AND_FINALIZE    u"HkdfPrkAndFinalize"
#define BCRYPT_HKDF_SALT_AND_FINALIZE   u"HkdfSaltAndFinalize"
#define BCRYPT_INITIALIZATION_VECTOR    u"IV"
#define BCRYPT_IS_KEYED_HASH            u"IsKeyedHash"
#define BCRYPT_IS_REUSABLE_HASH         u"IsReusableHash"
#define BCRYPT_KEM_CIPHERTEXT_LENGTH    u"KEMCiphertextLength"
#define BCRYPT_KEM_SHARED_SECRET_LENGTH u"KEMSharedSecretLength"
#define BCRYPT_KEY_LENGTH               u"KeyLength"
#define BCRYPT_KEY_LENGTHS              u"KeyLengths"
#define BCRYPT_KEY_OBJECT_LENGTH        u"KeyObjectLength"
#define BCRYPT_KEY_STRENGTH             u"KeyStrength"
#define BCRYPT_MESSAGE_BLOCK_LENGTH     u"MessageBlockLength"
#define BCRYPT_MULTI_OBJECT_LENGTH      u"MultiObjectLength"
#define BCRYPT_OBJECT_LENGTH            u"ObjectLength"
#define BCRYPT_PADDING_SCHEMES          u"PaddingSchemes"
#define BCRYPT_PARAMETER_SET_NAME       u"ParameterSetName"
#define BCRYPT_PRIMITIVE_TYPE           u"PrimitiveType"
#define BCRYPT_PRIVATE_KEY              u"PrivKeyVal"
#define BCRYPT_PROVIDER_HANDLE          u"ProviderHandle"
#define BCRYPT_PUBLIC_KEY_LENGTH        u"PublicKeyLength"
#define BCRYPT_SIGNATURE_LENGTH         u"SignatureLength"

/* Values of ChainingMode */
#define BCRYPT_CHAIN_MODE_NA  u"ChainingModeN/A"
#define BCRYPT_CHAIN_MODE_CBC u"ChainingModeCBC"
#define BCRYPT_CHAIN_MODE_ECB u"ChainingModeECB"
#define BCRYPT_CHAIN_MODE_CFB u"ChainingModeCFB"
#define BCRYPT_CHAIN_MODE_CCM u"ChainingModeCCM"
#define BCRYPT_CHAIN_MODE_GCM u"ChainingModeGCM"

/* Bits of PaddingSchemes */
#define BCRYPT_SUPPORTED_PAD_ROUTER    0x00000001
#define BCRYPT_SUPPORTED_PAD_PKCS1_ENC 0x00000002
#define BCRYPT_SUPPORTED_PAD_PKCS1_SIG 0x00000004
#define BCRYPT_SUPPORTED_PAD_OAEP      0x00000008
#define BCRYPT_SUPPORTED_PAD_PSS       0x00000010

/* KeyLengths, in bits; AuthTagLength, in bytes. */
typedef struct _BCRYPT_KEY_LENGTHS_STRUCT {
  ULONG dwMinLength;
  ULONG dwMaxLength;
  ULONG dwIncrement;
} BCRYPT_KEY_LENGTHS_STRUCT;
typedef BCRYPT_KEY_LENGTHS_STRUCT BCRYPT_AUTH_TAG_LENGTHS_STRUCT;

/* ECCCurveNameList: the pointers and what they point at are in the same buffer. */
typedef struct _BCRYPT_ECC_CURVE_NAMES {
  ULONG dwEccCurveNames;
  LPWSTR *pEccCurveNames;
} BCRYPT_ECC_CURVE_NAMES;

/* HashOIDList */
typedef struct _BCRYPT_OID {
  ULONG cbOID;
  PUCHAR pbOID;
} BCRYPT_OID;

typedef struct _BCRYPT_OID_LIST {
  ULONG dwOIDCount;
  BCRYPT_OID *pOIDs;
} BCRYPT_OID_LIST;

typedef struct _BCRYPT_MULTI_OBJECT_LENGTH_STRUCT {
  ULONG cbPerObject;
  ULONG cbPerElement;
} BCRYPT_MULTI_OBJECT_LENGTH_STRUCT;

/* ---- Flags, padding, parameters ----------------------------------------------------------------------------- */

/* Of BCryptOpenAlgorithmProvider */
#define BCRYPT_PROV_DISPATCH        0x00000001
#define BCRYPT_ALG_HANDLE_HMAC_FLAG 0x00000008
#define BCRYPT_HASH_REUSABLE_FLAG   0x00000020
#define BCRYPT_MULTI_FLAG           0x00000040

/* Of BCryptImportKeyPair and the making of keys */
#define BCRYPT_PUBLIC_KEY_FLAG                0x00000001
#define BCRYPT_PRIVATE_KEY_FLAG               0x00000002
#define BCRYPT_NO_KEY_VALIDATION              0x00000008
#define BCRYPT_KEY_VALIDATION_RANGE           0x00000010
#define BCRYPT_KEY_VALIDATION_RANGE_AND_ORDER 0x00000018
#define BCRYPT_KEY_VALIDATION_REGENERATE      0x00000020
#define BCRYPT_EXTENDED_KEYSIZE               0x00000080

/* Of BCryptEncrypt, BCryptDecrypt, BCryptSignHash and BCryptVerifySignature */
#define BCRYPT_BLOCK_PADDING               0x00000001
#define BCRYPT_GENERATE_IV                 0x00000020
#define BCRYPT_PAD_NONE                    0x00000001
#define BCRYPT_PAD_PKCS1                   0x00000002
#define BCRYPT_PAD_OAEP                    0x00000004
#define BCRYPT_PAD_PSS                     0x00000008
#define BCRYPT_PAD_PKCS1_OPTIONAL_HASH_OID 0x00000010
#define BCRYPT_PAD_PQDSA                   0x00000020
#define BCRYPT_MLDSA_EXTERNAL_MU           0x00000040

/* Of BCryptGenRandom */
#define BCRYPT_RNG_USE_ENTROPY_IN_BUFFER 0x00000001
#define BCRYPT_USE_SYSTEM_PREFERRED_RNG  0x00000002

/* Of others */
#define BCRYPT_CAPI_AES_FLAG            0x00000010
#define BCRYPT_BUFFERS_LOCKED_FLAG      0x00000040
#define BCRYPT_TLS_CBC_HMAC_VERIFY_FLAG 0x00000004
#define KDF_USE_SECRET_AS_HMAC_KEY_FLAG 0x00000001

/* pPaddingInfo with BCRYPT_PAD_PKCS1, when signing: the hash, or NULL for no DigestInfo */
typedef struct _BCRYPT_PKCS1_PADDING_INFO {
  LPCWSTR pszAlgId;
} BCRYPT_PKCS1_PADDING_INFO;

/* pPaddingInfo with BCRYPT_PAD_PSS */
typedef struct _BCRYPT_PSS_PADDING_INFO {
  LPCWSTR pszAlgId;
  ULONG cbSalt;
} BCRYPT_PSS_PADDING_INFO;

/* pPaddingInfo with BCRYPT_PAD_OAEP */
typedef struct _BCRYPT_OAEP_PADDING_INFO {
  LPCWSTR pszAlgId;
  PUCHAR pbLabel;
  ULONG cbLabel;
} BCRYPT_OAEP_PADDING_INFO;

/* pPaddingInfo with BCRYPT_PAD_PQDSA: a context of up to 255 bytes, and the hash of the prehashed variant or NULL */
typedef struct _BCRYPT_PQDSA_PADDING_INFO {
  PUCHAR pbCtx;
  ULONG cbCtx;
  LPCWSTR pszPrehashAlgId;
} BCRYPT_PQDSA_PADDING_INFO;

/* Of BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO */
#define BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION 0x00000001
#define BCRYPT_AUTH_MODE_CHAIN_CALLS_FLAG             0x00000001
#define BCRYPT_AUTH_MODE_IN_PROGRESS_FLAG             0x00000002

/* pPaddingInfo with GCM and CCM: pbTag is written when encrypting and read when decrypting */
typedef struct _BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO {
  ULONG cbSize;
  ULONG dwInfoVersion;
  PUCHAR pbNonce;
  ULONG cbNonce;
  PUCHAR pbAuthData;
  ULONG cbAuthData;
  PUCHAR pbTag;
  ULONG cbTag;
  PUCHAR pbMacContext;
  ULONG cbMacContext;
  ULONG cbAAD;
  ULONGLONG cbData;
  ULONG dwFlags;
} BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO, *PBCRYPT_AUTHENTICATED_CIPHER_MODE_INFO;

/* Fills one with nothing but its size and version. */
#define BCRYPT_INIT_AUTH_MODE_INFO(_AUTH_INFO_STRUCT_)                                          \
  do {                                                                                          \
    const BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO cng11_empty_ = {                                \
        sizeof(BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO), BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION, \
        NULL, 0, NULL, 0, NULL, 0, NULL, 0, 0, 0, 0};                                           \
    (_AUTH_INFO_STRUCT_) = cng11_empty_;                                                        \
  } while (0)

#define BCRYPTBUFFER_VERSION 0

/* A parameter: a number that says which, and its bytes */
typedef struct _BCryptBuffer {
  ULONG cbBuffer;
  ULONG BufferType;
  PVOID pvBuffer;
} BCryptBuffer, *PBCryptBuffer;

/* ulVersion is BCRYPTBUFFER_VERSION. */
typedef struct _BCryptBufferDesc {
  ULONG ulVersion;
  ULONG cBuffers;
  PBCryptBuffer pBuffers;
} BCryptBufferDesc, *PBCryptBufferDesc;

/* Ways to derive a key */
#define BCRYPT_KDF_HASH            u"HASH"
#define BCRYPT_KDF_HMAC            u"HMAC"
#define BCRYPT_KDF_TLS_PRF         u"TLS_PRF"
#define BCRYPT_KDF_SP80056A_CONCAT u"SP800_56A_CONCAT"
#define BCRYPT_KDF_RAW_SECRET      u"TRUNCATE"
#define BCRYPT_KDF_HKDF            u"HKDF"

/* Numbers of their parameters */
#define KDF_HASH_ALGORITHM    0x00000000
#define KDF_SECRET_PREPEND    0x00000001
#define KDF_SECRET_APPEND     0x00000002
#define KDF_HMAC_KEY          0x00000003
#define KDF_TLS_PRF_LABEL     0x00000004
#define KDF_TLS_PRF_SEED      0x00000005
#define KDF_SECRET_HANDLE     0x00000006
#define KDF_TLS_PRF_PROTOCOL  0x00000007
#define KDF_ALGORITHMID       0x00000008
#define KDF_PARTYUINFO        0x00000009
#define KDF_PARTYVINFO        0x0000000A
#define KDF_SUPPPUBINFO       0x0000000B
#define KDF_SUPPPRIVINFO      0x0000000C
#define KDF_LABEL             0x0000000D
#define KDF_CONTEXT           0x0000000E
#define KDF_SALT              0x0000000F
#define KDF_ITERATION_COUNT   0x00000010
#define KDF_GENERIC_PARAMETER 0x00000011
#define KDF_KEYBITLENGTH      0x00000012
#define KDF_HKDF_SALT         0x00000013
#define KDF_HKDF_INFO         0x00000014

/* ---- Interfaces and enumeration ------------------------------------------------------------------------------- */

/* Kinds of algorithms */
#define BCRYPT_CIPHER_INTERFACE                0x00000001
#define BCRYPT_HASH_INTERFACE                  0x00000002
#define BCRYPT_ASYMMETRIC_ENCRYPTION_INTERFACE 0x00000003
#define BCRYPT_SECRET_AGREEMENT_INTERFACE      0x00000004
#define BCRYPT_SIGNATURE_INTERFACE             0x00000005
#define BCRYPT_RNG_INTERFACE                   0x00000006
#define BCRYPT_KEY_DERIVATION_INTERFACE        0x00000007
#define BCRYPT_KEY_ENCAPSULATION_INTERFACE     0x00000008

/* The same as bits of dwAlgOperations */
#define BCRYPT_CIPHER_OPERATION                0x00000001
#define BCRYPT_HASH_OPERATION                  0x00000002
#define BCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION 0x00000004
#define BCRYPT_SECRET_AGREEMENT_OPERATION      0x00000008
#define BCRYPT_SIGNATURE_OPERATION             0x00000010
#define BCRYPT_RNG_OPERATION                   0x00000020
#define BCRYPT_KEY_DERIVATION_OPERATION        0x00000040
#define BCRYPT_KEY_ENCAPSULATION_OPERATION     0x00000080

typedef struct _BCRYPT_ALGORITHM_IDENTIFIER {
  LPWSTR pszName;
  ULONG dwClass;
  ULONG dwFlags;
} BCRYPT_ALGORITHM_IDENTIFIER;

typedef struct _BCRYPT_PROVIDER_NAME {
  LPWSTR pszProviderName;
} BCRYPT_PROVIDER_NAME;

typedef struct _BCRYPT_INTERFACE_VERSION {
  USHORT MajorVersion;
  USHORT MinorVersion;
} BCRYPT_INTERFACE_VERSION, *PBCRYPT_INTERFACE_VERSION;

#define BCRYPT_MAKE_INTERFACE_VERSION(major, minor) {(USHORT)(major), (USHORT)(minor)}
#define BCRYPT_IS_INTERFACE_VERSION_COMPATIBLE(loader, provider) ((loader).MajorVersion <= (provider).MajorVersion)

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Algorithms --------------------------------------------------------------------------------------------- */

/* *phAlgorithm is the caller's: BCryptCloseAlgorithmProvider. pszImplementation may be NULL. */
NTSTATUS WINAPI BCryptOpenAlgorithmProvider(BCRYPT_ALG_HANDLE *phAlgorithm, LPCWSTR pszAlgId, LPCWSTR pszImplementation,
                                            ULONG dwFlags);

/* Ends hAlgorithm. Keys and hashes made from it stay. */
NTSTATUS WINAPI BCryptCloseAlgorithmProvider(BCRYPT_ALG_HANDLE hAlgorithm, ULONG dwFlags);

/*
 * *ppAlgList is one piece of memory with all of its names, the caller's: BCryptFreeBuffer; NULL if there is none.
 * dwAlgOperations are bits, 0 for all.
 */
NTSTATUS WINAPI BCryptEnumAlgorithms(ULONG dwAlgOperations, ULONG *pAlgCount, BCRYPT_ALGORITHM_IDENTIFIER **ppAlgList,
                                     ULONG dwFlags);

/* Ends what an enumeration returned. NULL is passed over. */
VOID WINAPI BCryptFreeBuffer(PVOID pvBuffer);

/*
 * hObject is an algorithm, a key or a hash. Pointers in a value point into pbOutput. The handle that ProviderHandle gives is
 * the caller's: BCryptCloseAlgorithmProvider.
 */
NTSTATUS WINAPI BCryptGetProperty(BCRYPT_HANDLE hObject, LPCWSTR pszProperty, PUCHAR pbOutput, ULONG cbOutput,
                                  ULONG *pcbResult, ULONG dwFlags);

/* The value is copied. */
NTSTATUS WINAPI BCryptSetProperty(BCRYPT_HANDLE hObject, LPCWSTR pszProperty, PUCHAR pbInput, ULONG cbInput,
                                  ULONG dwFlags);

/* ---- Keys --------------------------------------------------------------------------------------------------- */

/*
 * *phKey is the caller's: BCryptDestroyKey. pbKeyObject may be NULL; it is not used, and may be freed at any time. The secret
 * is copied.
 */
NTSTATUS WINAPI BCryptGenerateSymmetricKey(BCRYPT_ALG_HANDLE hAlgorithm, BCRYPT_KEY_HANDLE *phKey, PUCHAR pbKeyObject,
                                           ULONG cbKeyObject, PUCHAR pbSecret, ULONG cbSecret, ULONG dwFlags);

/* *phKey is the caller's: BCryptDestroyKey. It is a key once BCryptFinalizeKeyPair has been called. */
NTSTATUS WINAPI BCryptGenerateKeyPair(BCRYPT_ALG_HANDLE hAlgorithm, BCRYPT_KEY_HANDLE *phKey, ULONG dwLength,
                                      ULONG dwFlags);

/* Makes the key pair. */
NTSTATUS WINAPI BCryptFinalizeKeyPair(BCRYPT_KEY_HANDLE hKey, ULONG dwFlags);

/*
 * *phKey is the caller's: BCryptDestroyKey. pbKeyObject is as with BCryptGenerateSymmetricKey. hImportKey is the key that
 * opens Rfc3565KeyWrapBlob, NULL for the other types.
 */
NTSTATUS WINAPI BCryptImportKey(BCRYPT_ALG_HANDLE hAlgorithm, BCRYPT_KEY_HANDLE hImportKey, LPCWSTR pszBlobType,
                                BCRYPT_KEY_HANDLE *phKey, PUCHAR pbKeyObject, ULONG cbKeyObject, PUCHAR pbInput,
                                ULONG cbInput, ULONG dwFlags);

/* *phKey is the caller's: BCryptDestroyKey. hImportKey is NULL. Flag: BCRYPT_NO_KEY_VALIDATION. */
NTSTATUS WINAPI BCryptImportKeyPair(BCRYPT_ALG_HANDLE hAlgorithm, BCRYPT_KEY_HANDLE hImportKey, LPCWSTR pszBlobType,
                                    BCRYPT_KEY_HANDLE *phKey, PUCHAR pbInput, ULONG cbInput, ULONG dwFlags);

/* The blob is written to the caller's pbOutput. hExportKey is the key that wraps, for Rfc3565KeyWrapBlob, NULL for the other types. */
NTSTATUS WINAPI BCryptExportKey(BCRYPT_KEY_HANDLE hKey, BCRYPT_KEY_HANDLE hExportKey, LPCWSTR pszBlobType,
                                PUCHAR pbOutput, ULONG cbOutput, ULONG *pcbResult, ULONG dwFlags);

/* *phNewKey is the caller's, beside hKey: BCryptDestroyKey. pbKeyObject is as with BCryptGenerateSymmetricKey. */
NTSTATUS WINAPI BCryptDuplicateKey(BCRYPT_KEY_HANDLE hKey, BCRYPT_KEY_HANDLE *phNewKey, PUCHAR pbKeyObject,
                                   ULONG cbKeyObject, ULONG dwFlags);

/* Ends hKey and the key. */
NTSTATUS WINAPI BCryptDestroyKey(BCRYPT_KEY_HANDLE hKey);

/*
 * Writes to the caller's pbOutput, which may be pbInput. pbIV is the caller's, and is left as the next call of a chain wants it.
 * pPaddingInfo is the structure that the flags or the mode ask for, or NULL.
 */
NTSTATUS WINAPI BCryptEncrypt(BCRYPT_KEY_HANDLE hKey, PUCHAR pbInput, ULONG cbInput, VOID *pPaddingInfo, PUCHAR pbIV,
                              ULONG cbIV, PUCHAR pbOutput, ULONG cbOutput, ULONG *pcbResult, ULONG dwFlags);

/* As BCryptEncrypt. */
NTSTATUS WINAPI BCryptDecrypt(BCRYPT_KEY_HANDLE hKey, PUCHAR pbInput, ULONG cbInput, VOID *pPaddingInfo, PUCHAR pbIV,
                              ULONG cbIV, PUCHAR pbOutput, ULONG cbOutput, ULONG *pcbResult, ULONG dwFlags);

/* Writes the signature to the caller's pbOutput; of an EC key it is r and s, as wide as the order each. */
NTSTATUS WINAPI BCryptSignHash(BCRYPT_KEY_HANDLE hKey, VOID *pPaddingInfo, PUCHAR pbInput, ULONG cbInput, PUCHAR pbOutput,
                               ULONG cbOutput, ULONG *pcbResult, ULONG dwFlags);

/* STATUS_INVALID_SIGNATURE if the signature is wrong. */
NTSTATUS WINAPI BCryptVerifySignature(BCRYPT_KEY_HANDLE hKey, VOID *pPaddingInfo, PUCHAR pbHash, ULONG cbHash,
                                      PUCHAR pbSignature, ULONG cbSignature, ULONG dwFlags);

/* STATUS_NOT_SUPPORTED: no key of ML-KEM is put on a token. Both outputs are the caller's buffers. */
NTSTATUS WINAPI BCryptEncapsulate(BCRYPT_KEY_HANDLE hKey, PUCHAR pbSecretKey, ULONG cbSecretKey, ULONG *pcbSecretKey,
                                  PUCHAR pbCipherText, ULONG cbCipherText, ULONG *pcbCipherText, ULONG dwFlags);

/* STATUS_NOT_SUPPORTED, as BCryptEncapsulate. pbSecretKey is the caller's buffer. */
NTSTATUS WINAPI BCryptDecapsulate(BCRYPT_KEY_HANDLE hKey, PUCHAR pbCipherText, ULONG cbCipherText, PUCHAR pbSecretKey,
                                  ULONG cbSecretKey, ULONG *pcbSecretKey, ULONG dwFlags);

/* ---- Secrets ------------------------------------------------------------------------------------------------ */

/* *phAgreedSecret is the caller's: BCryptDestroySecret. Both keys may be destroyed before it. */
NTSTATUS WINAPI BCryptSecretAgreement(BCRYPT_KEY_HANDLE hPrivKey, BCRYPT_KEY_HANDLE hPubKey,
                                      BCRYPT_SECRET_HANDLE *phAgreedSecret, ULONG dwFlags);

/* The derived key is in the clear in the caller's pbDerivedKey: wipe it. Flag: KDF_USE_SECRET_AS_HMAC_KEY_FLAG. */
NTSTATUS WINAPI BCryptDeriveKey(BCRYPT_SECRET_HANDLE hSharedSecret, LPCWSTR pwszKDF, BCryptBufferDesc *pParameterList,
                                PUCHAR pbDerivedKey, ULONG cbDerivedKey, ULONG *pcbResult, ULONG dwFlags);

/* Ends hSecret and wipes it. */
NTSTATUS WINAPI BCryptDestroySecret(BCRYPT_SECRET_HANDLE hSecret);

/* STATUS_NOT_SUPPORTED: there are no keys of a derivation algorithm. pbDerivedKey would be filled, the caller's. */
NTSTATUS WINAPI BCryptKeyDerivation(BCRYPT_KEY_HANDLE hKey, BCryptBufferDesc *pParameterList, PUCHAR pbDerivedKey,
                                    ULONG cbDerivedKey, ULONG *pcbResult, ULONG dwFlags);

/* As BCryptDeriveKey, from a password. hPrf is a hash opened with BCRYPT_ALG_HANDLE_HMAC_FLAG. */
NTSTATUS WINAPI BCryptDeriveKeyPBKDF2(BCRYPT_ALG_HANDLE hPrf, PUCHAR pbPassword, ULONG cbPassword, PUCHAR pbSalt,
                                      ULONG cbSalt, ULONGLONG cIterations, PUCHAR pbDerivedKey, ULONG cbDerivedKey,
                                      ULONG dwFlags);

/* ---- Hashes and random numbers ------------------------------------------------------------------------------ */

/*
 * *phHash is the caller's: BCryptDestroyHash. pbHashObject may be NULL; it is not used, and may be freed at any time. pbSecret,
 * the key of an HMAC, is copied. Flag: BCRYPT_HASH_REUSABLE_FLAG.
 */
NTSTATUS WINAPI BCryptCreateHash(BCRYPT_ALG_HANDLE hAlgorithm, BCRYPT_HASH_HANDLE *phHash, PUCHAR pbHashObject,
                                 ULONG cbHashObject, PUCHAR pbSecret, ULONG cbSecret, ULONG dwFlags);

/* Adds data. */
NTSTATUS WINAPI BCryptHashData(BCRYPT_HASH_HANDLE hHash, PUCHAR pbInput, ULONG cbInput, ULONG dwFlags);

/* Writes the digest to the caller's pbOutput; cbOutput is its exact length. */
NTSTATUS WINAPI BCryptFinishHash(BCRYPT_HASH_HANDLE hHash, PUCHAR pbOutput, ULONG cbOutput, ULONG dwFlags);

/* *phNewHash is the caller's, with what hHash has been given so far: BCryptDestroyHash. pbHashObject is as with BCryptCreateHash. */
NTSTATUS WINAPI BCryptDuplicateHash(BCRYPT_HASH_HANDLE hHash, BCRYPT_HASH_HANDLE *phNewHash, PUCHAR pbHashObject,
                                    ULONG cbHashObject, ULONG dwFlags);

/* Ends hHash. */
NTSTATUS WINAPI BCryptDestroyHash(BCRYPT_HASH_HANDLE hHash);

/* All of it in one call. Writes the digest to the caller's pbOutput. */
NTSTATUS WINAPI BCryptHash(BCRYPT_ALG_HANDLE hAlgorithm, PUCHAR pbSecret, ULONG cbSecret, PUCHAR pbInput, ULONG cbInput,
                           PUCHAR pbOutput, ULONG cbOutput);

/* Fills the caller's pbBuffer. hAlgorithm may be NULL with BCRYPT_USE_SYSTEM_PREFERRED_RNG. */
NTSTATUS WINAPI BCryptGenRandom(BCRYPT_ALG_HANDLE hAlgorithm, PUCHAR pbBuffer, ULONG cbBuffer, ULONG dwFlags);

#ifdef __cplusplus
}
#endif

#endif
