/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * BCrypt: algorithms and pseudo-handles, every family of keys in and out, generation, ciphers and their chains, signatures,
 * agreement and derivation, hashes, wrapped keys. Where it is known what Windows answers (Wine's tests of it), that is expected here.
 */
#include "check.h"

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define RSA2048 "rsa2048-e65537"
#define P256 "ec-nistP256"
#define WRONG_HANDLE ((BCRYPT_HANDLE)(ULONG_PTR)0x12348)

static BYTE out[4096];
static ULONG length;

static BCRYPT_ALG_HANDLE open_algorithm(LPCWSTR id, ULONG flags) {
  BCRYPT_ALG_HANDLE algorithm = NULL;
  CHECK_OK(BCryptOpenAlgorithmProvider(&algorithm, id, NULL, flags));
  return algorithm;
}

static void close_algorithm(BCRYPT_ALG_HANDLE algorithm) { CHECK_OK(BCryptCloseAlgorithmProvider(algorithm, 0)); }

static NTSTATUS import_pair(BCRYPT_ALG_HANDLE algorithm, LPCWSTR type, Bytes blob, BCRYPT_KEY_HANDLE *key) {
  *key = NULL;
  return BCryptImportKeyPair(algorithm, NULL, type, key, blob.data, blob.length, 0);
}

/* An export by the rule of sizes, compared with a vector. */
static void exports(BCRYPT_KEY_HANDLE key, LPCWSTR type, Bytes wanted, const char *file, int line) {
  ULONG size = 0, written = 0;
  if (!check_status(BCryptExportKey(key, NULL, type, NULL, 0, &size, 0), STATUS_SUCCESS, "BCryptExportKey, the size", file, line)) return;
  check_number(size, wanted.length, "the size", file, line);
  /* A buffer of no length is not the same as none. */
  check_status(BCryptExportKey(key, NULL, type, out, 0, &written, 0), STATUS_BUFFER_TOO_SMALL, "BCryptExportKey, 0", file, line);
  check_number(written, size, "the size", file, line);
  check_status(BCryptExportKey(key, NULL, type, out, size - 1, &written, 0), STATUS_BUFFER_TOO_SMALL, "BCryptExportKey", file, line);
  if (check_status(BCryptExportKey(key, NULL, type, out, size, &written, 0), STATUS_SUCCESS, "BCryptExportKey", file, line))
    check_bytes(out, written, wanted.data, wanted.length, "what was exported", file, line);
}
#define EXPORTS(KEY, TYPE, FILE) exports((KEY), (TYPE), vector_file(FILE), __FILE__, __LINE__)

static DWORD number_of(BCRYPT_HANDLE object, LPCWSTR name) {
  DWORD value = 0;
  ULONG size = 0;
  NTSTATUS status = BCryptGetProperty(object, name, (PUCHAR)&value, sizeof value, &size, 0);
  return status == STATUS_SUCCESS && size == sizeof value ? value : 0xFFFFFFFF;
}

static int text_is(BCRYPT_HANDLE object, LPCWSTR name, LPCWSTR wanted) {
  ULONG size = 0;
  return BCryptGetProperty(object, name, out, sizeof out, &size, 0) == STATUS_SUCCESS && is_wide(out, size, wanted);
}

/* Windows gives the mode in a buffer of 32 characters. */
static int mode_is(BCRYPT_HANDLE object, LPCWSTR wanted) {
  ULONG size = 0;
  return BCryptGetProperty(object, u"ChainingMode", out, sizeof out, &size, 0) == STATUS_SUCCESS && size == 64 &&
         memcmp(out, wanted, wide_size(wanted)) == 0;
}

static NTSTATUS set(BCRYPT_HANDLE object, LPCWSTR name, LPCWSTR text) {
  return BCryptSetProperty(object, name, (PUCHAR)wide(text), wide_size(text), 0);
}

/* ---- algorithms ----------------------------------------------------------------------------------- */

static void algorithms(void) {
  static const LPCWSTR SERVED[] = {u"RSA", u"RSA_SIGN", u"ECDSA_P256", u"ECDSA_P384", u"ECDSA_P521", u"ECDSA", u"ECDH_P256", u"ECDH_P384",
                                   u"ECDH_P521", u"ECDH", u"DSA", u"DH", u"AES", u"3DES", u"3DES_112", u"SHA1", u"SHA256",
                                   u"SHA384", u"SHA512", u"RNG"};
  static const BCRYPT_ALG_HANDLE PSEUDO[] = {BCRYPT_RSA_ALG_HANDLE, BCRYPT_ECDSA_P256_ALG_HANDLE, BCRYPT_ECDH_P384_ALG_HANDLE,
                                             BCRYPT_AES_CBC_ALG_HANDLE, BCRYPT_AES_GCM_ALG_HANDLE, BCRYPT_SHA256_ALG_HANDLE,
                                             BCRYPT_HMAC_SHA256_ALG_HANDLE, BCRYPT_RNG_ALG_HANDLE};
  BCRYPT_ALGORITHM_IDENTIFIER *list = NULL;
  BCRYPT_ALG_HANDLE algorithm = NULL;
  ULONG count = 0, at;
  size_t which;
  in_context("algorithms");
  for (which = 0; which < COUNT_OF(SERVED); which++) {
    algorithm = open_algorithm(SERVED[which], 0);
    CHECK(text_is(algorithm, u"AlgorithmName", SERVED[which]));
    close_algorithm(algorithm);
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptCloseAlgorithmProvider(algorithm, 0));
  }
  CHECK_STATUS(STATUS_NOT_FOUND, BCryptOpenAlgorithmProvider(&algorithm, u"NOALG", NULL, 0));
  CHECK_STATUS(STATUS_NOT_FOUND, BCryptOpenAlgorithmProvider(&algorithm, u"RSA", u"No such provider", 0));
  CHECK_OK(BCryptOpenAlgorithmProvider(&algorithm, u"RSA", MS_PRIMITIVE_PROVIDER, 0));
  close_algorithm(algorithm);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptOpenAlgorithmProvider(NULL, u"RSA", NULL, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptOpenAlgorithmProvider(&algorithm, NULL, NULL, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptOpenAlgorithmProvider(&algorithm, u"RSA", NULL, 0x80000000));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptOpenAlgorithmProvider(&algorithm, u"RSA", NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptCloseAlgorithmProvider(NULL, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptCloseAlgorithmProvider(WRONG_HANDLE, 0));
  for (which = 0; which < COUNT_OF(PSEUDO); which++) {
    CHECK_OK(BCryptGetProperty(PSEUDO[which], u"AlgorithmName", out, sizeof out, &length, 0));
    /* They are everybody's, and never opened. */
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptCloseAlgorithmProvider(PSEUDO[which], 0));
  }
  CHECK(mode_is(BCRYPT_AES_GCM_ALG_HANDLE, u"ChainingModeGCM"));
  CHECK(set(BCRYPT_AES_CBC_ALG_HANDLE, u"ChainingMode", u"ChainingModeECB") != STATUS_SUCCESS);
  CHECK(mode_is(BCRYPT_AES_CBC_ALG_HANDLE, u"ChainingModeCBC"));

  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEnumAlgorithms(0, NULL, &list, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEnumAlgorithms(0, &count, NULL, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEnumAlgorithms(0, &count, &list, 1));
  NEED(BCryptEnumAlgorithms(0, &count, &list, 0));
  CHECK(count >= COUNT_OF(SERVED));
  for (at = 0; at < count; at++) close_algorithm(open_algorithm(list[at].pszName, 0));
  BCryptFreeBuffer(list);
  NEED(BCryptEnumAlgorithms(BCRYPT_HASH_OPERATION, &count, &list, 0));
  for (at = 0; at < count; at++) CHECK_NUMBER(BCRYPT_HASH_INTERFACE, list[at].dwClass);
  BCryptFreeBuffer(list);
  /* Passed over, as the function has no status. */
  BCryptFreeBuffer(NULL);
  BCryptFreeBuffer(list);
  in_context("");
}

static void properties(void) {
  BCRYPT_ALG_HANDLE aes = open_algorithm(u"AES", 0), sha = open_algorithm(u"SHA256", 0), rsa = open_algorithm(u"RSA", 0);
  BCRYPT_KEY_LENGTHS_STRUCT lengths;
  ULONG wanted = 0;
  in_context("properties");
  CHECK_NUMBER(16, number_of(aes, u"BlockLength"));
  CHECK(number_of(aes, u"ObjectLength") != 0xFFFFFFFF);
  CHECK(mode_is(aes, u"ChainingModeCBC"));
  CHECK_NUMBER(32, number_of(sha, u"HashDigestLength"));
  CHECK_NUMBER(64, number_of(sha, u"HashBlockLength"));
  CHECK_NUMBER(BCRYPT_SUPPORTED_PAD_PKCS1_ENC | BCRYPT_SUPPORTED_PAD_PKCS1_SIG | BCRYPT_SUPPORTED_PAD_OAEP | BCRYPT_SUPPORTED_PAD_PSS,
               number_of(rsa, u"PaddingSchemes") & ~(DWORD)BCRYPT_SUPPORTED_PAD_ROUTER);
  CHECK_OK(BCryptGetProperty(aes, u"KeyLengths", (PUCHAR)&lengths, sizeof lengths, &length, 0));
  CHECK(length == sizeof lengths && lengths.dwMinLength == 128 && lengths.dwMaxLength == 256 && lengths.dwIncrement == 64);
  CHECK_OK(set(aes, u"ChainingMode", u"ChainingModeGCM"));
  CHECK_OK(BCryptGetProperty(aes, u"AuthTagLength", (PUCHAR)&lengths, sizeof lengths, &length, 0));
  CHECK(lengths.dwMinLength == 12 && lengths.dwMaxLength == 16 && lengths.dwIncrement == 1);
  CHECK(set(aes, u"ChainingMode", u"ChainingModeXYZ") != STATUS_SUCCESS);
  CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptGetProperty(aes, u"No such property", out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptSetProperty(aes, u"No such property", out, 4, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGetProperty(NULL, u"BlockLength", out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGetProperty(WRONG_HANDLE, u"BlockLength", out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptSetProperty(NULL, u"ChainingMode", out, 4, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGetProperty(aes, NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGetProperty(aes, u"BlockLength", out, sizeof out, NULL, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGetProperty(aes, u"BlockLength", out, sizeof out, &length, 1));
  CHECK_OK(BCryptGetProperty(aes, u"BlockLength", NULL, 0, &wanted, 0));
  CHECK_NUMBER(4, wanted);
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL, BCryptGetProperty(aes, u"BlockLength", out, 3, &wanted, 0));
  CHECK_NUMBER(4, wanted);
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL, BCryptGetProperty(aes, u"BlockLength", out, 0, &wanted, 0));
  close_algorithm(aes);
  close_algorithm(sha);
  close_algorithm(rsa);
  in_context("");
}

/* ---- pairs ------------------------------------------------------------------------------------------ */

static const struct {
  LPCWSTR algorithm;
  LPCWSTR private_type;
  const char *private_file;
  LPCWSTR public_type;
  const char *public_file;
  /* over the SHA-256 of the text, by openssl */
  const char *signature;
  ULONG flags;
  DWORD bits, signature_length;
} PAIRS[] = {
    {u"RSA", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin",
     "signatures/" RSA2048 ".pkcs1-sha256.signature.bin", BCRYPT_PAD_PKCS1, 2048, 256},
    {u"RSA", u"RSAFULLPRIVATEBLOB", RSA2048 ".RSAFULLPRIVATEBLOB.bin", u"PUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin",
     "signatures/" RSA2048 ".pss-sha256-32.signature.bin", BCRYPT_PAD_PSS, 2048, 256},
    {u"RSA_SIGN", u"PRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin",
     "signatures/" RSA2048 ".pkcs1-sha256.signature.bin", BCRYPT_PAD_PKCS1, 2048, 256},
    {u"ECDSA_P256", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin",
     "signatures/" P256 ".ecdsa-sha256.signature.bin", 0, 256, 64},
    {u"ECDSA_P384", u"PRIVATEBLOB", "ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin", u"PUBLICBLOB", "ec-nistP384.ECDSA.ECCPUBLICBLOB.bin", NULL, 0,
     384, 96},
    {u"ECDSA_P521", u"ECCPRIVATEBLOB", "ec-nistP521.ECDSA.ECCPRIVATEBLOB.bin", u"ECCPUBLICBLOB", "ec-nistP521.ECDSA.ECCPUBLICBLOB.bin",
     "signatures/ec-nistP521.ecdsa-sha256.signature.bin", 0, 521, 132},
    {u"ECDH_P256", u"ECCPRIVATEBLOB", P256 ".ECDH.ECCPRIVATEBLOB.bin", u"ECCPUBLICBLOB", P256 ".ECDH.ECCPUBLICBLOB.bin", NULL, 0, 256, 0},
    {u"ECDH_P521", u"ECCPRIVATEBLOB", "ec-nistP521.ECDH.ECCPRIVATEBLOB.bin", u"ECCPUBLICBLOB", "ec-nistP521.ECDH.ECCPUBLICBLOB.bin", NULL,
     0, 521, 0},
};

static void sign(BCRYPT_KEY_HANDLE key, BCRYPT_KEY_HANDLE public_key, ULONG flags, DWORD expected) {
  BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
  BCRYPT_PSS_PADDING_INFO pss = {u"SHA256", 32};
  VOID *padding = flags == BCRYPT_PAD_PKCS1 ? (VOID *)&pkcs1 : flags == BCRYPT_PAD_PSS ? (VOID *)&pss : NULL;
  BYTE signature[300], digest[32];
  ULONG size = 0, written = 0;
  memcpy(digest, SHA256_OF_TEXT, 32);
  CHECK_OK(BCryptSignHash(key, padding, digest, 32, NULL, 0, &size, flags));
  CHECK_NUMBER(expected, size);
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL, BCryptSignHash(key, padding, digest, 32, signature, size - 1, &written, flags));
  CHECK_NUMBER(expected, written);
  NEED(BCryptSignHash(key, padding, digest, 32, signature, sizeof signature, &written, flags));
  CHECK_NUMBER(expected, written);
  CHECK_OK(BCryptVerifySignature(key, padding, digest, 32, signature, written, flags));
  CHECK_OK(BCryptVerifySignature(public_key, padding, digest, 32, signature, written, flags));
  digest[31] ^= 1;
  CHECK_STATUS(STATUS_INVALID_SIGNATURE, BCryptVerifySignature(key, padding, digest, 32, signature, written, flags));
  CHECK_STATUS(STATUS_INVALID_SIGNATURE, BCryptVerifySignature(public_key, padding, digest, 32, signature, written, flags));
  digest[31] ^= 1;
  signature[1] ^= 1;
  CHECK_STATUS(STATUS_INVALID_SIGNATURE, BCryptVerifySignature(public_key, padding, digest, 32, signature, written, flags));
  CHECK_STATUS(STATUS_INVALID_SIGNATURE, BCryptVerifySignature(public_key, padding, digest, 32, signature, written - 1, flags));
  /* A public key signs nothing. */
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptSignHash(public_key, padding, digest, 32, signature, sizeof signature, &written, flags));
}

static void pairs(void) {
  size_t at;
  for (at = 0; at < COUNT_OF(PAIRS); at++) {
    BCRYPT_ALG_HANDLE algorithm = open_algorithm(PAIRS[at].algorithm, 0);
    BCRYPT_KEY_HANDLE key = NULL, public_key = NULL, same = NULL;
    in_context(PAIRS[at].private_file);
    NEED(import_pair(algorithm, PAIRS[at].private_type, vector_file(PAIRS[at].private_file), &key));
    NEED(import_pair(algorithm, PAIRS[at].public_type, vector_file(PAIRS[at].public_file), &public_key));
    /* Keys outlive their algorithm's handle. */
    close_algorithm(algorithm);
    CHECK(text_is(key, u"AlgorithmName", PAIRS[at].algorithm));
    CHECK_NUMBER(PAIRS[at].bits, number_of(key, u"KeyLength"));
    CHECK_NUMBER(PAIRS[at].bits, number_of(public_key, u"KeyLength"));
    EXPORTS(key, PAIRS[at].private_type, PAIRS[at].private_file);
    EXPORTS(key, PAIRS[at].public_type, PAIRS[at].public_file);
    EXPORTS(public_key, PAIRS[at].public_type, PAIRS[at].public_file);
    CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptExportKey(public_key, NULL, PAIRS[at].private_type, out, sizeof out, &length, 0));
    /* What is imported is finished. */
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptFinalizeKeyPair(key, 0));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptFinalizeKeyPair(public_key, 0));
    if (PAIRS[at].signature_length != 0) {
      CHECK_NUMBER(PAIRS[at].signature_length, number_of(key, u"SignatureLength"));
      sign(key, public_key, PAIRS[at].flags, PAIRS[at].signature_length);
    } else {
      CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptSignHash(key, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, 0));
    }
    if (PAIRS[at].signature != NULL) {
      BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
      BCRYPT_PSS_PADDING_INFO pss = {u"SHA256", 32};
      Bytes signature = vector_file(PAIRS[at].signature);
      VOID *padding = PAIRS[at].flags == BCRYPT_PAD_PKCS1 ? (VOID *)&pkcs1 : (VOID *)&pss;
      CHECK_OK(BCryptVerifySignature(public_key, padding, DIGEST(SHA256_OF_TEXT), signature.data, signature.length, PAIRS[at].flags));
    }
    /* Two handles of one key: either goes by itself. */
    NEED(BCryptDuplicateKey(key, &same, NULL, 0, 0));
    CHECK_OK(BCryptDestroyKey(key));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyKey(key));
    EXPORTS(same, PAIRS[at].public_type, PAIRS[at].public_file);
    if (PAIRS[at].signature_length != 0) sign(same, public_key, PAIRS[at].flags, PAIRS[at].signature_length);
    CHECK_OK(BCryptDestroyKey(same));
    CHECK_OK(BCryptDestroyKey(public_key));
  }
  in_context("");
}

/* What an import refuses, and how Windows says so. */
static void bad_pairs(void) {
  BCRYPT_ALG_HANDLE rsa = open_algorithm(u"RSA", 0), ecdsa = open_algorithm(u"ECDSA_P256", 0), generic = open_algorithm(u"ECDSA", 0);
  BCRYPT_KEY_HANDLE key = NULL;
  Bytes blob = vector_file(RSA2048 ".RSAPUBLICBLOB.bin"), ec = vector_file(P256 ".ECDSA.ECCPUBLICBLOB.bin");
  Bytes own = vector_file(P256 ".ECDH.ECCPUBLICBLOB.bin");
  in_context("imports that are refused");
  /* Windows lets a status of NCrypt through here. */
  blob.length--;
  CHECK_STATUS(NTE_BAD_DATA, import_pair(rsa, u"RSAPUBLICBLOB", blob, &key));
  blob.length++;
  put_number(blob.data + 8, 9);
  CHECK_STATUS(NTE_BAD_DATA, import_pair(rsa, u"RSAPUBLICBLOB", blob, &key));
  put_number(blob.data + 8, 3);
  /* The modulus counts. */
  put_number(blob.data + 4, 0x300);
  CHECK_OK(import_pair(rsa, u"RSAPUBLICBLOB", blob, &key));
  CHECK_NUMBER(2048, number_of(key, u"KeyLength"));
  CHECK_OK(BCryptDestroyKey(key));
  CHECK_STATUS(STATUS_NOT_SUPPORTED, import_pair(rsa, u"ECCPUBLICBLOB", ec, &key));
  CHECK_STATUS(STATUS_NOT_SUPPORTED, import_pair(rsa, u"NOBLOB", blob, &key));
  /* Public blobs of CryptoAPI go out, and not in. */
  CHECK_STATUS(STATUS_NOT_SUPPORTED, import_pair(rsa, u"CAPIPUBLICBLOB", vector_file("more/rsa2048.CAPIPUBLICBLOB.bin"), &key));
  CHECK_OK(import_pair(rsa, u"CAPIPRIVATEBLOB", vector_file("more/rsa2048.CAPIPRIVATEBLOB.bin"), &key));
  EXPORTS(key, u"CAPIPUBLICBLOB", "more/rsa2048.CAPIPUBLICBLOB.bin");
  EXPORTS(key, u"CAPIPRIVATEBLOB", "more/rsa2048.CAPIPRIVATEBLOB.bin");
  CHECK_OK(BCryptDestroyKey(key));
  /* Another family, another curve, a width that is none, a byte too few. */
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPUBLICBLOB", own, &key));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPUBLICBLOB", vector_file("ec-nistP384.ECDSA.ECCPUBLICBLOB.bin"), &key));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPRIVATEBLOB", ec, &key));
  ec.length--;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPUBLICBLOB", ec, &key));
  ec.length = 7;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPUBLICBLOB", ec, &key));
  ec.length = 72;
  ec.data[71] ^= 1;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPUBLICBLOB", ec, &key));
  ec.data[71] ^= 1;
  put_number(ec.data + 4, 48);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(ecdsa, u"ECCPUBLICBLOB", ec, &key));
  /* A generic blob says no curve: the algorithm must. */
  CHECK_STATUS(STATUS_INVALID_PARAMETER,
               import_pair(generic, u"ECCPUBLICBLOB", vector_file(P256 ".GENERIC-ECDSA.ECCPUBLICBLOB.bin"), &key));
  CHECK_OK(set(generic, u"ECCCurveName", u"nistP256"));
  CHECK_OK(import_pair(generic, u"ECCPUBLICBLOB", vector_file("more/nistP256.GENERIC-ECDSA.ECCPUBLICBLOB.bin"), &key));
  if (key != NULL) {
    EXPORTS(key, u"ECCPUBLICBLOB", "more/nistP256.GENERIC-ECDSA.ECCPUBLICBLOB.bin");
    EXPORTS(key, u"ECCFULLPUBLICBLOB", "more/nistP256.GENERIC-ECDSA.ECCFULLPUBLICBLOB.bin");
    CHECK_OK(BCryptDestroyKey(key));
  }
  /* Arguments. */
  CHECK_STATUS(STATUS_INVALID_HANDLE, import_pair(NULL, u"RSAPUBLICBLOB", blob, &key));
  CHECK_STATUS(STATUS_INVALID_HANDLE, import_pair(WRONG_HANDLE, u"RSAPUBLICBLOB", blob, &key));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, import_pair(rsa, NULL, blob, &key));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKeyPair(rsa, NULL, u"RSAPUBLICBLOB", NULL, blob.data, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKeyPair(rsa, NULL, u"RSAPUBLICBLOB", &key, NULL, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKeyPair(rsa, NULL, u"RSAPUBLICBLOB", &key, blob.data, blob.length, 0x80000000));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptImportKeyPair(rsa, WRONG_HANDLE, u"RSAPUBLICBLOB", &key, blob.data, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptExportKey(NULL, NULL, u"RSAPUBLICBLOB", out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptExportKey(rsa, NULL, u"RSAPUBLICBLOB", out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyKey(NULL));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyKey(rsa));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDuplicateKey(NULL, &key, NULL, 0, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptVerifySignature(NULL, NULL, DIGEST(SHA256_OF_TEXT), out, 64, 0));
  CHECK(key == NULL);
  close_algorithm(rsa);
  close_algorithm(ecdsa);
  close_algorithm(generic);
  in_context("");
}

static void generation(void) {
  static const struct {
    LPCWSTR algorithm, curve, public_type, private_type;
    ULONG bits, expected;
  } MADE[] = {{u"RSA", NULL, u"RSAPUBLICBLOB", u"RSAPRIVATEBLOB", 1024, 1024},
              {u"ECDSA_P256", NULL, u"ECCPUBLICBLOB", u"ECCPRIVATEBLOB", 256, 256},
              {u"ECDH_P384", NULL, u"ECCPUBLICBLOB", u"ECCPRIVATEBLOB", 384, 384},
              {u"ECDSA", u"nistP521", u"ECCPUBLICBLOB", u"ECCPRIVATEBLOB", 0, 521}};
  BCRYPT_ALG_HANDLE algorithm;
  BCRYPT_KEY_HANDLE key = NULL;
  DWORD value = 2048;
  size_t at;
  in_context("generation");
  for (at = 0; at < COUNT_OF(MADE); at++) {
    algorithm = open_algorithm(MADE[at].algorithm, 0);
    NEED(BCryptGenerateKeyPair(algorithm, &key, MADE[at].bits, 0));
    if (MADE[at].curve != NULL) NEED(set(key, u"ECCCurveName", MADE[at].curve));
    /* Not yet a key. */
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptExportKey(key, NULL, MADE[at].public_type, out, sizeof out, &length, 0));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDuplicateKey(key, &key, NULL, 0, 0));
    NEED(BCryptFinalizeKeyPair(key, 0));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptFinalizeKeyPair(key, 0));
    CHECK_NUMBER(MADE[at].expected, number_of(key, u"KeyLength"));
    CHECK_OK(BCryptExportKey(key, NULL, MADE[at].public_type, out, sizeof out, &length, 0));
    CHECK_OK(BCryptExportKey(key, NULL, MADE[at].private_type, out, sizeof out, &length, 0));
    CHECK_OK(BCryptDestroyKey(key));
    close_algorithm(algorithm);
  }
  /* The size, said later. */
  algorithm = open_algorithm(u"RSA", 0);
  NEED(BCryptGenerateKeyPair(algorithm, &key, 1024, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptSetProperty(key, u"KeyLength", (PUCHAR)&value, 2, 0));
  CHECK_OK(BCryptSetProperty(key, u"KeyLength", (PUCHAR)&value, sizeof value, 0));
  CHECK_NUMBER(2048, number_of(key, u"KeyLength"));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptSignHash(key, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, BCRYPT_PAD_PKCS1));
  CHECK_OK(BCryptDestroyKey(key));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateKeyPair(algorithm, &key, 1, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateKeyPair(algorithm, &key, 1025, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateKeyPair(algorithm, NULL, 2048, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGenerateKeyPair(NULL, &key, 2048, 0));
  CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptGenerateKeyPair(BCRYPT_SHA256_ALG_HANDLE, &key, 2048, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptFinalizeKeyPair(NULL, 0));
  close_algorithm(algorithm);
  algorithm = open_algorithm(u"ECDSA_P256", 0);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateKeyPair(algorithm, &key, 384, 0));
  close_algorithm(algorithm);
  algorithm = open_algorithm(u"ECDSA", 0);
  NEED(BCryptGenerateKeyPair(algorithm, &key, 0, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptFinalizeKeyPair(key, 0));
  CHECK_OK(BCryptDestroyKey(key));
  close_algorithm(algorithm);
  in_context("");
}

/* ---- ciphers ------------------------------------------------------------------------------------------ */

/* SP 800-38A, F.1.1 and F.2.1; the first two blocks. */
static const BYTE AES_KEY[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static const BYTE PLAIN[32] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
                               0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
static const BYTE ECB[32] = {0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60, 0xa8, 0x9e, 0xca, 0xf3, 0x24, 0x66, 0xef, 0x97,
                             0xf5, 0xd3, 0xd5, 0x85, 0x03, 0xb9, 0x69, 0x9d, 0xe7, 0x85, 0x89, 0x5a, 0x96, 0xfd, 0xba, 0xaf};
static const BYTE CBC[32] = {0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46, 0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d,
                             0x50, 0x86, 0xcb, 0x9b, 0x50, 0x72, 0x19, 0xee, 0x95, 0xdb, 0x11, 0x3a, 0x91, 0x76, 0x78, 0xb2};

static void key_data_blobs(void) {
  BCRYPT_ALG_HANDLE aes = open_algorithm(u"AES", 0);
  BCRYPT_KEY_HANDLE key = NULL;
  Bytes blob = vector_file("aes256.KeyDataBlob.bin");
  BYTE object[1024], secret[40] = {1, 2, 3};
  in_context("KeyDataBlob");
  NEED(BCryptImportKey(aes, NULL, u"KeyDataBlob", &key, NULL, 0, blob.data, blob.length, 0));
  EXPORTS(key, u"KeyDataBlob", "aes256.KeyDataBlob.bin");
  CHECK_NUMBER(256, number_of(key, u"KeyLength"));
  CHECK_OK(BCryptDestroyKey(key));
  /* Memory for an object is taken, and not used. */
  NEED(BCryptImportKey(BCRYPT_AES_CBC_ALG_HANDLE, NULL, u"KeyDataBlob", &key, object, sizeof object, blob.data, blob.length, 0));
  memset(object, 0xEE, sizeof object);
  EXPORTS(key, u"KeyDataBlob", "aes256.KeyDataBlob.bin");
  CHECK_OK(BCryptDestroyKey(key));
  key = NULL;
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL, BCryptImportKey(aes, NULL, u"KeyDataBlob", &key, NULL, 0, blob.data, 11, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKey(aes, NULL, u"KeyDataBlob", &key, NULL, 0, blob.data, blob.length - 1, 0));
  put_number(blob.data, 0x41414141);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKey(aes, NULL, u"KeyDataBlob", &key, NULL, 0, blob.data, blob.length, 0));
  put_number(blob.data, BCRYPT_KEY_DATA_BLOB_MAGIC);
  put_number(blob.data + 4, 2);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKey(aes, NULL, u"KeyDataBlob", &key, NULL, 0, blob.data, blob.length, 0));
  put_number(blob.data + 4, 1);
  CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptImportKey(aes, NULL, u"RSAPUBLICBLOB", &key, NULL, 0, blob.data, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKey(aes, NULL, u"KeyDataBlob", NULL, NULL, 0, blob.data, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptImportKey(aes, NULL, u"KeyDataBlob", &key, NULL, 0, NULL, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptImportKey(NULL, NULL, u"KeyDataBlob", &key, NULL, 0, blob.data, blob.length, 0));
  /* The length of a key is one that the cipher has. */
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateSymmetricKey(aes, &key, NULL, 0, secret, 15, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateSymmetricKey(aes, &key, NULL, 0, secret, 0, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenerateSymmetricKey(aes, &key, NULL, 0, NULL, 16, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGenerateSymmetricKey(NULL, &key, NULL, 0, secret, 16, 0));
  CHECK(BCryptGenerateSymmetricKey(BCRYPT_RSA_ALG_HANDLE, &key, NULL, 0, secret, 16, 0) != STATUS_SUCCESS);
  CHECK(key == NULL);
  close_algorithm(aes);
  in_context("");
}

static void modes(void) {
  BCRYPT_KEY_HANDLE key = NULL, other = NULL;
  BYTE iv[16], result[64], opened[64];
  ULONG at;
  in_context("modes");
  /* ECB */
  NEED(BCryptGenerateSymmetricKey(BCRYPT_AES_ECB_ALG_HANDLE, &key, NULL, 0, DIGEST(AES_KEY), 0));
  CHECK_OK(BCryptEncrypt(key, DIGEST(PLAIN), NULL, NULL, 0, NULL, 0, &length, 0));
  CHECK_NUMBER(32, length);
  CHECK_OK(BCryptEncrypt(key, DIGEST(PLAIN), NULL, NULL, 0, result, 32, &length, 0));
  CHECK_BYTES(ECB, 32, result, length);
  CHECK_OK(BCryptDecrypt(key, result, 32, NULL, NULL, 0, opened, sizeof opened, &length, 0));
  CHECK_BYTES(PLAIN, 32, opened, length);
  /* In place. */
  memcpy(result, PLAIN, 32);
  CHECK_OK(BCryptEncrypt(key, result, 32, NULL, NULL, 0, result, 32, &length, 0));
  CHECK_BYTES(ECB, 32, result, length);
  CHECK_OK(BCryptDestroyKey(key));

  /* CBC: the vector is left where the chain stands. */
  NEED(BCryptGenerateSymmetricKey(BCRYPT_AES_CBC_ALG_HANDLE, &key, NULL, 0, DIGEST(AES_KEY), 0));
  for (at = 0; at < 16; at++) iv[at] = (BYTE)at;
  CHECK_OK(BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)PLAIN, 16, NULL, iv, 16, result, 16, &length, 0));
  CHECK_BYTES(CBC, 16, result, length);
  CHECK_BYTES(CBC, 16, iv, 16);
  CHECK_OK(BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)(PLAIN + 16), 16, NULL, iv, 16, result, 16, &length, 0));
  CHECK_BYTES(CBC + 16, 16, result, length);
  for (at = 0; at < 16; at++) iv[at] = (BYTE)at;
  CHECK_OK(BCryptDecrypt(key, DIGEST(CBC), NULL, iv, 16, opened, 32, &length, 0));
  CHECK_BYTES(PLAIN, 32, opened, length);
  CHECK_BYTES(CBC + 16, 16, iv, 16);
  /* Not whole blocks. */
  CHECK_STATUS(STATUS_INVALID_BUFFER_SIZE, BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)PLAIN, 17, NULL, iv, 16, result, 64, &length, 0));
  CHECK_STATUS(STATUS_INVALID_BUFFER_SIZE, BCryptDecrypt(key, (PUCHAR)(ULONG_PTR)CBC, 17, NULL, iv, 16, result, 64, &length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, DIGEST(PLAIN), NULL, iv, 15, result, 64, &length, 0));
  /* Padded: a block more where it was whole. */
  CHECK_OK(BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)PLAIN, 16, NULL, iv, 16, NULL, 0, &length, BCRYPT_BLOCK_PADDING));
  CHECK_NUMBER(32, length);
  CHECK_OK(BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)PLAIN, 17, NULL, iv, 16, NULL, 0, &length, BCRYPT_BLOCK_PADDING));
  CHECK_NUMBER(32, length);
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL,
               BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)PLAIN, 17, NULL, iv, 16, result, 31, &length, BCRYPT_BLOCK_PADDING));
  CHECK_NUMBER(32, length);
  memset(iv, 9, 16);
  CHECK_OK(BCryptEncrypt(key, (PUCHAR)(ULONG_PTR)PLAIN, 17, NULL, iv, 16, result, 64, &length, BCRYPT_BLOCK_PADDING));
  CHECK_NUMBER(32, length);
  /* What failed has not moved the chain; what is opened with another vector begins otherwise. */
  memset(iv, 9, 16);
  CHECK_OK(BCryptDecrypt(key, result, 32, NULL, iv, 16, opened, 64, &length, BCRYPT_BLOCK_PADDING));
  CHECK_BYTES(PLAIN, 17, opened, length);
  result[31] ^= 0xFF;
  memset(iv, 9, 16);
  CHECK(BCryptDecrypt(key, result, 32, NULL, iv, 16, opened, 64, &length, BCRYPT_BLOCK_PADDING) != STATUS_SUCCESS);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, NULL, 16, NULL, iv, 16, result, 64, &length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, DIGEST(PLAIN), NULL, iv, 16, result, 64, NULL, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptEncrypt(NULL, DIGEST(PLAIN), NULL, iv, 16, result, 64, &length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDecrypt(WRONG_HANDLE, DIGEST(PLAIN), NULL, iv, 16, result, 64, &length, 0));
  /* A duplicate has a chain of its own. */
  NEED(BCryptDuplicateKey(key, &other, NULL, 0, 0));
  CHECK_OK(set(other, u"ChainingMode", u"ChainingModeECB"));
  CHECK(mode_is(key, u"ChainingModeCBC"));
  CHECK_OK(BCryptDestroyKey(key));
  CHECK_OK(BCryptEncrypt(other, DIGEST(PLAIN), NULL, NULL, 0, result, 64, &length, 0));
  CHECK_BYTES(ECB, 32, result, length);
  CHECK_OK(BCryptDestroyKey(other));
  in_context("");
}

/* McGrew and Viega, test case 2: key, nonce and plain text are zeros. */
static void gcm(void) {
  static const BYTE SEALED[16] = {0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78};
  static const BYTE TAG[16] = {0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd, 0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf};
  BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO info;
  BCRYPT_KEY_HANDLE key = NULL;
  BYTE zeros[16] = {0}, nonce[12] = {0}, tag[16] = {0}, result[16], opened[16];
  in_context("GCM");
  NEED(BCryptGenerateSymmetricKey(BCRYPT_AES_GCM_ALG_HANDLE, &key, NULL, 0, zeros, 16, 0));
  BCRYPT_INIT_AUTH_MODE_INFO(info);
  info.pbNonce = nonce;
  info.cbNonce = sizeof nonce;
  info.pbTag = tag;
  info.cbTag = sizeof tag;
  CHECK_OK(BCryptEncrypt(key, zeros, 16, &info, NULL, 0, NULL, 0, &length, 0));
  CHECK_NUMBER(16, length);
  NEED(BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  CHECK_BYTES(SEALED, 16, result, length);
  CHECK_BYTES(TAG, 16, tag, 16);
  CHECK_OK(BCryptDecrypt(key, result, 16, &info, NULL, 0, opened, 16, &length, 0));
  CHECK_BYTES(zeros, 16, opened, length);
  /* A tag, data beside or a text that was changed: nothing comes out. */
  memset(opened, 0x77, sizeof opened);
  tag[0] ^= 1;
  CHECK_STATUS(STATUS_AUTH_TAG_MISMATCH, BCryptDecrypt(key, result, 16, &info, NULL, 0, opened, 16, &length, 0));
  tag[0] ^= 1;
  info.pbAuthData = nonce;
  info.cbAuthData = 4;
  CHECK_STATUS(STATUS_AUTH_TAG_MISMATCH, BCryptDecrypt(key, result, 16, &info, NULL, 0, opened, 16, &length, 0));
  CHECK(opened[0] == 0x77 && opened[15] == 0x77);
  /* With data beside, and nothing to encrypt. */
  CHECK_OK(BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  CHECK_OK(BCryptDecrypt(key, result, 16, &info, NULL, 0, opened, 16, &length, 0));
  CHECK_BYTES(zeros, 16, opened, length);
  /* A short tag, and structures that are none. */
  info.cbTag = 12;
  CHECK_OK(BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  CHECK_OK(BCryptDecrypt(key, result, 16, &info, NULL, 0, opened, 16, &length, 0));
  info.cbTag = 11;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  info.cbTag = 16;
  info.dwInfoVersion = 2;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  info.dwInfoVersion = 1;
  info.cbSize--;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  info.cbSize++;
  info.pbTag = NULL;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  info.pbTag = tag;
  info.pbNonce = NULL;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, zeros, 16, &info, NULL, 0, result, 16, &length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, zeros, 16, NULL, NULL, 0, result, 16, &length, 0));
  CHECK_OK(BCryptDestroyKey(key));
  in_context("");
}

static void rsa_encryption(void) {
  BCRYPT_OAEP_PADDING_INFO oaep = {u"SHA1", NULL, 0};
  BCRYPT_KEY_HANDLE key = NULL, public_key = NULL;
  BYTE plain[] = "a secret", sealed[256], opened[256];
  ULONG written = 0;
  in_context("RSA");
  NEED(import_pair(BCRYPT_RSA_ALG_HANDLE, u"RSAPRIVATEBLOB", vector_file(RSA2048 ".RSAPRIVATEBLOB.bin"), &key));
  NEED(import_pair(BCRYPT_RSA_ALG_HANDLE, u"RSAPUBLICBLOB", vector_file(RSA2048 ".RSAPUBLICBLOB.bin"), &public_key));
  CHECK_OK(BCryptEncrypt(public_key, plain, sizeof plain, NULL, NULL, 0, NULL, 0, &length, BCRYPT_PAD_PKCS1));
  CHECK_NUMBER(256, length);
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL, BCryptEncrypt(public_key, plain, sizeof plain, NULL, NULL, 0, sealed, 255, &length, BCRYPT_PAD_PKCS1));
  NEED(BCryptEncrypt(public_key, plain, sizeof plain, NULL, NULL, 0, sealed, 256, &length, BCRYPT_PAD_PKCS1));
  NEED(BCryptDecrypt(key, sealed, length, NULL, NULL, 0, opened, 256, &written, BCRYPT_PAD_PKCS1));
  CHECK_BYTES(plain, sizeof plain, opened, written);
  CHECK_OK(BCryptEncrypt(key, plain, sizeof plain, NULL, NULL, 0, NULL, 0, &length, BCRYPT_PAD_OAEP));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptEncrypt(key, plain, sizeof plain, NULL, NULL, 0, sealed, 256, &length, BCRYPT_PAD_OAEP));
  NEED(BCryptEncrypt(key, plain, sizeof plain, &oaep, NULL, 0, sealed, 256, &length, BCRYPT_PAD_OAEP));
  NEED(BCryptDecrypt(key, sealed, length, &oaep, NULL, 0, opened, 256, &written, BCRYPT_PAD_OAEP));
  CHECK_BYTES(plain, sizeof plain, opened, written);
  CHECK(BCryptDecrypt(public_key, sealed, 256, &oaep, NULL, 0, opened, 256, &written, BCRYPT_PAD_OAEP) != STATUS_SUCCESS);
  CHECK_OK(BCryptDestroyKey(key));
  CHECK_OK(BCryptDestroyKey(public_key));
  in_context("");
}

/* ---- wrapped keys --------------------------------------------------------------------------------------- */

static void wrapped(void) {
  BCRYPT_KEY_HANDLE kek = NULL, key = NULL;
  Bytes raw = vector_file("published/wine-test-keywrap.kek.raw.bin"), blob = vector_file("published/wine-test-keywrap.Rfc3565KeyWrapBlob.bin");
  Bytes clear = vector_file("published/wine-test-keywrap.raw.bin");
  in_context("Rfc3565KeyWrapBlob");
  NEED(BCryptGenerateSymmetricKey(BCRYPT_AES_CBC_ALG_HANDLE, &kek, NULL, 0, raw.data, raw.length, 0));
  NEED(BCryptImportKey(BCRYPT_AES_CBC_ALG_HANDLE, kek, u"Rfc3565KeyWrapBlob", &key, NULL, 0, blob.data, blob.length, 0));
  CHECK_OK(BCryptExportKey(key, NULL, u"KeyDataBlob", out, sizeof out, &length, 0));
  CHECK_NUMBER(12 + clear.length, length);
  CHECK_BYTES(clear.data, clear.length, out + 12, length - 12);
  CHECK_OK(BCryptExportKey(key, kek, u"Rfc3565KeyWrapBlob", NULL, 0, &length, 0));
  CHECK_NUMBER(blob.length, length);
  CHECK_STATUS(STATUS_BUFFER_TOO_SMALL, BCryptExportKey(key, kek, u"Rfc3565KeyWrapBlob", out, 0, &length, 0));
  CHECK_OK(BCryptExportKey(key, kek, u"Rfc3565KeyWrapBlob", out, sizeof out, &length, 0));
  CHECK_BYTES(blob.data, blob.length, out, length);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptExportKey(key, NULL, u"Rfc3565KeyWrapBlob", out, sizeof out, &length, 0));
  CHECK_OK(BCryptDestroyKey(key));
  key = NULL;
  CHECK_STATUS(STATUS_INVALID_PARAMETER,
               BCryptImportKey(BCRYPT_AES_CBC_ALG_HANDLE, NULL, u"Rfc3565KeyWrapBlob", &key, NULL, 0, blob.data, blob.length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER,
               BCryptImportKey(BCRYPT_AES_CBC_ALG_HANDLE, kek, u"Rfc3565KeyWrapBlob", &key, NULL, 0, blob.data, blob.length - 1, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER,
               BCryptImportKey(BCRYPT_AES_CBC_ALG_HANDLE, kek, u"Rfc3565KeyWrapBlob", &key, NULL, 0, blob.data, 7, 0));
  blob.data[0] ^= 1;
  CHECK_STATUS(STATUS_INVALID_PARAMETER,
               BCryptImportKey(BCRYPT_AES_CBC_ALG_HANDLE, kek, u"Rfc3565KeyWrapBlob", &key, NULL, 0, blob.data, blob.length, 0));
  CHECK(key == NULL);
  CHECK_OK(BCryptDestroyKey(kek));
  in_context("");
}

/* ---- agreement -------------------------------------------------------------------------------------------- */

static void agreement(void) {
  BCRYPT_KEY_HANDLE own = NULL, other = NULL, own_public = NULL, other_public = NULL;
  BCRYPT_SECRET_HANDLE one = NULL, two = NULL;
  BCryptBuffer buffers[2];
  BCryptBufferDesc list = {BCRYPTBUFFER_VERSION, 2, buffers};
  BYTE raw[32], first[64], second[64], big_endian[64];
  BCRYPT_ALG_HANDLE sha = open_algorithm(u"SHA256", 0);
  ULONG at, written = 0;
  in_context("agreement");
  NEED(import_pair(BCRYPT_ECDH_P256_ALG_HANDLE, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDH.ECCPRIVATEBLOB.bin"), &own));
  NEED(import_pair(BCRYPT_ECDH_P256_ALG_HANDLE, u"ECCPRIVATEBLOB", vector_file(P256 "-shortd.ECDH.ECCPRIVATEBLOB.bin"), &other));
  NEED(import_pair(BCRYPT_ECDH_P256_ALG_HANDLE, u"ECCPUBLICBLOB", vector_file(P256 ".ECDH.ECCPUBLICBLOB.bin"), &own_public));
  NEED(import_pair(BCRYPT_ECDH_P256_ALG_HANDLE, u"ECCPUBLICBLOB", vector_file(P256 "-shortd.ECDH.ECCPUBLICBLOB.bin"), &other_public));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptSecretAgreement(NULL, other_public, &one, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptSecretAgreement(own, NULL, &one, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptSecretAgreement(own, other_public, NULL, 0));
  CHECK(BCryptSecretAgreement(own_public, other_public, &one, 0) != STATUS_SUCCESS);
  NEED(BCryptSecretAgreement(own, other_public, &one, 0));
  NEED(BCryptSecretAgreement(other, own_public, &two, 0));
  CHECK_OK(BCryptDestroyKey(own));
  CHECK_OK(BCryptDestroyKey(other));
  CHECK_OK(BCryptDestroyKey(own_public));
  CHECK_OK(BCryptDestroyKey(other_public));
  CHECK_OK(BCryptDeriveKey(one, BCRYPT_KDF_RAW_SECRET, NULL, NULL, 0, &length, 0));
  CHECK_NUMBER(32, length);
  CHECK_OK(BCryptDeriveKey(one, BCRYPT_KDF_RAW_SECRET, NULL, raw, 32, &length, 0));
  CHECK_OK(BCryptDeriveKey(two, BCRYPT_KDF_RAW_SECRET, NULL, second, 64, &written, 0));
  CHECK_BYTES(raw, length, second, written);
  /* HASH is the hash of what stands before it, the secret (in the order of the wire) and what stands behind it. */
  buffers[0].BufferType = KDF_HASH_ALGORITHM;
  buffers[0].pvBuffer = wide(u"SHA256");
  buffers[0].cbBuffer = wide_size(u"SHA256");
  buffers[1].BufferType = KDF_SECRET_APPEND;
  buffers[1].pvBuffer = second + 60;
  buffers[1].cbBuffer = 4;
  memset(second + 60, 'x', 4);
  for (at = 0; at < 32; at++) big_endian[at] = raw[31 - at];
  memset(big_endian + 32, 'x', 4);
  CHECK_OK(BCryptHash(sha, NULL, 0, big_endian, 36, first, 32));
  CHECK_OK(BCryptDeriveKey(one, BCRYPT_KDF_HASH, &list, NULL, 0, &length, 0));
  CHECK_NUMBER(32, length);
  CHECK_OK(BCryptDeriveKey(one, BCRYPT_KDF_HASH, &list, second, 32, &length, 0));
  CHECK_BYTES(first, 32, second, length);
  /* SHA-1 where nobody says. */
  CHECK_OK(BCryptDeriveKey(one, BCRYPT_KDF_HASH, NULL, NULL, 0, &length, 0));
  CHECK_NUMBER(20, length);
  CHECK_OK(BCryptHash(BCRYPT_SHA1_ALG_HANDLE, NULL, 0, big_endian, 32, first, 20));
  CHECK_OK(BCryptDeriveKey(two, BCRYPT_KDF_HASH, NULL, second, 20, &length, 0));
  CHECK_BYTES(first, 20, second, length);
  /* HMAC with the secret as its key. */
  list.cBuffers = 1;
  CHECK_OK(BCryptDeriveKey(one, BCRYPT_KDF_HMAC, &list, first, 32, &length, KDF_USE_SECRET_AS_HMAC_KEY_FLAG));
  CHECK_OK(BCryptDeriveKey(two, BCRYPT_KDF_HMAC, &list, second, 32, &length, KDF_USE_SECRET_AS_HMAC_KEY_FLAG));
  CHECK_BYTES(first, 32, second, 32);
  CHECK(BCryptDeriveKey(one, u"NOKDF", NULL, first, 32, &length, 0) != STATUS_SUCCESS);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKey(one, NULL, NULL, first, 32, &length, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKey(one, BCRYPT_KDF_HASH, NULL, first, 32, NULL, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDeriveKey(NULL, BCRYPT_KDF_HASH, NULL, first, 32, &length, 0));
  list.cBuffers = 2;
  buffers[1].cbBuffer = 3;
  buffers[1].pvBuffer = NULL;
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKey(one, BCRYPT_KDF_HASH, &list, first, 32, &length, 0));
  CHECK_OK(BCryptDestroySecret(one));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroySecret(one));
  CHECK_OK(BCryptDestroySecret(two));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroySecret(NULL));
  close_algorithm(sha);
  in_context("");
}

/* ---- hashes, random numbers, passwords --------------------------------------------------------------------- */

static void hashes(void) {
  static const BYTE ABC_SHA256[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                      0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  /* RFC 4231, case 1. */
  static const BYTE HMAC[32] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b,
                                0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7};
  /* RFC 6070, case 2. */
  static const BYTE PBKDF2[20] = {0xea, 0x6c, 0x01, 0x4d, 0xc7, 0x2d, 0x6f, 0x8c, 0xcd, 0x1e,
                                  0xd9, 0x2a, 0xce, 0x1d, 0x41, 0xf0, 0xd8, 0xde, 0x89, 0x57};
  static const struct {
    LPCWSTR id;
    const BYTE *digest;
    ULONG length;
  } TEXTS[] = {{u"SHA1", SHA1_OF_TEXT, 20}, {u"SHA256", SHA256_OF_TEXT, 32}, {u"SHA384", SHA384_OF_TEXT, 48}, {u"SHA512", SHA512_OF_TEXT, 64}};
  static const char TEXT[] = "What the openssl program signed for tests/vectors/signatures.\n";
  BYTE text[sizeof TEXT], abc[3] = {'a', 'b', 'c'}, key[20], hi[8] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'}, digest[64], object[512];
  BCRYPT_ALG_HANDLE algorithm, keyed;
  BCRYPT_HASH_HANDLE hash = NULL, other = NULL;
  size_t at;
  in_context("hashes");
  memcpy(text, TEXT, sizeof text);
  memset(key, 0x0b, sizeof key);
  for (at = 0; at < COUNT_OF(TEXTS); at++) {
    algorithm = open_algorithm(TEXTS[at].id, 0);
    CHECK_NUMBER(TEXTS[at].length, number_of(algorithm, u"HashDigestLength"));
    NEED(BCryptCreateHash(algorithm, &hash, NULL, 0, NULL, 0, 0));
    CHECK_OK(BCryptHashData(hash, text, 10, 0));
    /* From here on by two. */
    NEED(BCryptDuplicateHash(hash, &other, NULL, 0, 0));
    CHECK_OK(BCryptHashData(hash, text + 10, sizeof text - 11, 0));
    CHECK_OK(BCryptHashData(hash, NULL, 0, 0));
    CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptFinishHash(hash, digest, TEXTS[at].length - 1, 0));
    CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptFinishHash(hash, NULL, TEXTS[at].length, 0));
    CHECK_OK(BCryptFinishHash(hash, digest, TEXTS[at].length, 0));
    CHECK_BYTES(TEXTS[at].digest, TEXTS[at].length, digest, TEXTS[at].length);
    /* It is finished. */
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptHashData(hash, text, 1, 0));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptFinishHash(hash, digest, TEXTS[at].length, 0));
    CHECK_OK(BCryptDestroyHash(hash));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyHash(hash));
    CHECK_OK(BCryptHashData(other, text + 10, sizeof text - 11, 0));
    CHECK_OK(BCryptFinishHash(other, digest, TEXTS[at].length, 0));
    CHECK_BYTES(TEXTS[at].digest, TEXTS[at].length, digest, TEXTS[at].length);
    CHECK_OK(BCryptDestroyHash(other));
    close_algorithm(algorithm);
  }
  CHECK_OK(BCryptHash(BCRYPT_SHA256_ALG_HANDLE, NULL, 0, abc, 3, digest, 32));
  CHECK_BYTES(ABC_SHA256, 32, digest, 32);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptHash(BCRYPT_SHA256_ALG_HANDLE, NULL, 0, abc, 3, digest, 31));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptHash(BCRYPT_SHA256_ALG_HANDLE, NULL, 0, NULL, 3, digest, 32));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptHash(BCRYPT_RSA_ALG_HANDLE, NULL, 0, abc, 3, digest, 32));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptHash(NULL, NULL, 0, abc, 3, digest, 32));
  /* HMAC, by a flag and by a pseudo-handle, made anew where it is reusable. */
  CHECK_OK(BCryptHash(BCRYPT_HMAC_SHA256_ALG_HANDLE, key, 20, hi, 8, digest, 32));
  CHECK_BYTES(HMAC, 32, digest, 32);
  keyed = open_algorithm(u"SHA256", BCRYPT_ALG_HANDLE_HMAC_FLAG | BCRYPT_HASH_REUSABLE_FLAG);
  NEED(BCryptCreateHash(keyed, &hash, object, sizeof object, key, 20, 0));
  memset(object, 0xEE, sizeof object);
  for (at = 0; at < 2; at++) {
    CHECK_OK(BCryptHashData(hash, hi, 8, 0));
    memset(digest, 0, sizeof digest);
    CHECK_OK(BCryptFinishHash(hash, digest, 32, 0));
    CHECK_BYTES(HMAC, 32, digest, 32);
  }
  CHECK_OK(BCryptDestroyHash(hash));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptCreateHash(BCRYPT_SHA256_ALG_HANDLE, &hash, NULL, 0, key, 20, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptCreateHash(BCRYPT_SHA256_ALG_HANDLE, NULL, NULL, 0, NULL, 0, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptCreateHash(NULL, &hash, NULL, 0, NULL, 0, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptHashData(NULL, abc, 3, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptFinishHash(NULL, digest, 32, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDuplicateHash(NULL, &other, NULL, 0, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyHash(NULL));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyHash(keyed));

  in_context("passwords");
  algorithm = open_algorithm(u"SHA1", BCRYPT_ALG_HANDLE_HMAC_FLAG);
  memcpy(text, "passwordsalt", 12);
  CHECK_OK(BCryptDeriveKeyPBKDF2(algorithm, text, 8, text + 8, 4, 2, digest, 20, 0));
  CHECK_BYTES(PBKDF2, 20, digest, 20);
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKeyPBKDF2(algorithm, text, 8, text + 8, 4, 0, digest, 20, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKeyPBKDF2(algorithm, text, 8, text + 8, 4, 2, NULL, 20, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKeyPBKDF2(algorithm, NULL, 8, text + 8, 4, 2, digest, 20, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptDeriveKeyPBKDF2(BCRYPT_SHA1_ALG_HANDLE, text, 8, text + 8, 4, 2, digest, 20, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDeriveKeyPBKDF2(NULL, text, 8, text + 8, 4, 2, digest, 20, 0));
  close_algorithm(algorithm);
  close_algorithm(keyed);
  in_context("");
}

static void random_numbers(void) {
  BYTE one[32] = {0}, two[32] = {0};
  BCRYPT_ALG_HANDLE rng = open_algorithm(u"RNG", 0);
  in_context("random numbers");
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGenRandom(NULL, one, sizeof one, 0));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenRandom(NULL, NULL, sizeof one, BCRYPT_USE_SYSTEM_PREFERRED_RNG));
  CHECK_STATUS(STATUS_INVALID_PARAMETER, BCryptGenRandom(rng, NULL, 16, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGenRandom(WRONG_HANDLE, one, sizeof one, 0));
  CHECK_OK(BCryptGenRandom(rng, one, sizeof one, 0));
  CHECK_OK(BCryptGenRandom(NULL, two, sizeof two, BCRYPT_USE_SYSTEM_PREFERRED_RNG));
  CHECK(memcmp(one, two, sizeof one) != 0);
  CHECK_OK(BCryptGenRandom(BCRYPT_RNG_ALG_HANDLE, one, sizeof one, BCRYPT_RNG_USE_ENTROPY_IN_BUFFER));
  CHECK(memcmp(one, two, sizeof one) != 0);
  close_algorithm(rng);
  in_context("");
}

/* Handles of BCrypt and of NCrypt are of different kinds. */
static void mixed_handles(void) {
  BCRYPT_ALG_HANDLE algorithm = open_algorithm(u"RSA", 0);
  BCRYPT_KEY_HANDLE key = NULL;
  NCRYPT_PROV_HANDLE provider = open_provider();
  in_context("handles of both kinds");
  NEED(import_pair(algorithm, u"RSAPUBLICBLOB", vector_file(RSA2048 ".RSAPUBLICBLOB.bin"), &key));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject((NCRYPT_HANDLE)(ULONG_PTR)key));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject((NCRYPT_HANDLE)(ULONG_PTR)algorithm));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptExportKey((NCRYPT_HANDLE)(ULONG_PTR)key, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, 0));
  CHECK(!NCryptIsKeyHandle((NCRYPT_HANDLE)(ULONG_PTR)key));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDestroyKey((BCRYPT_KEY_HANDLE)(ULONG_PTR)provider));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptGetProperty((BCRYPT_HANDLE)(ULONG_PTR)provider, u"Name", out, sizeof out, &length, 0));
  CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptKeyDerivation(NULL, NULL, out, 20, &length, 0));
  CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptKeyDerivation(key, NULL, out, 20, &length, 0));
  {
    ULONG other = 0;
    CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptEncapsulate(key, out, 32, &length, out + 64, 1088, &other, 0));
    CHECK_STATUS(STATUS_NOT_SUPPORTED, BCryptDecapsulate(key, out, 1088, out, 32, &length, 0));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptEncapsulate(NULL, out, 32, &length, out + 64, 1088, &other, 0));
    CHECK_STATUS(STATUS_INVALID_HANDLE, BCryptDecapsulate(NULL, out, 1088, out, 32, &length, 0));
  }
  /* Words go with these functions too. */
  CHECK(cng11_last_error() != NULL && cng11_last_error()[0] != 0);
  CHECK_OK(BCryptDestroyKey(key));
  CHECK_OK(NCryptFreeObject(provider));
  close_algorithm(algorithm);
  in_context("");
}

int main(int count, char **arguments) {
  start(count, arguments);
  algorithms();
  properties();
  hashes();
  random_numbers();
  pairs();
  bad_pairs();
  generation();
  key_data_blobs();
  modes();
  gcm();
  rsa_encryption();
  wrapped();
  agreement();
  mixed_handles();
  return finish(arguments[0]);
}
