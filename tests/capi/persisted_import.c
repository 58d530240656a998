/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Persisted keys from key material that there is already: Microsoft's procedure "To import a persisted key", step by step,
 * and the two other ways that programs go.
 *
 * A  NCryptCreatePersistedKey, NCryptSetProperty, NCryptSetProperty with the blob's type as the name, NCryptFinalizeKey
 * B  NCryptImportKey with the name in a buffer, finalized at once or after properties were set
 * C  NCryptImportKey without a name, Export Policy afterwards, as .NET does
 *
 *   persisted_import FOLDER [few]     few: one key of a kind, for valgrind
 */
#include "check.h"

#define PERSIST NCRYPT_PERSIST_FLAG
#define ANY_EXPORT (NCRYPT_ALLOW_EXPORT_FLAG | NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG)

typedef enum { RSA, SIGNS, AGREES, AES } Kind;

static int few;

typedef struct {
  LPCWSTR key_name;
  Kind kind;
  LPCWSTR algorithm;
  LPCWSTR group;
  /* what is imported */
  LPCWSTR type;
  const char *file;
  /* what is compared: the public half, another form of the private one; NULL for none */
  LPCWSTR public_type;
  const char *public_file;
  LPCWSTR private_type;
  const char *private_file;
  /* a signature by openssl over the SHA-256 of the text */
  const char *signature_file;
  DWORD bits;
  DWORD signature_length;
  LPCWSTR curve;
} Row;

#define P256 "ec-nistP256"
#define P384 "ec-nistP384"
#define P521 "ec-nistP521"
#define RSA2048 "rsa2048-e65537"

static const Row ROWS[] = {
    {u"capi import RSAPRIVATEBLOB", RSA, u"RSA", u"RSA", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin",
     u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", u"RSAFULLPRIVATEBLOB", RSA2048 ".RSAFULLPRIVATEBLOB.bin",
     "signatures/" RSA2048 ".pkcs1-sha256.signature.bin", 2048, 256, NULL},
    {u"capi import RSAFULLPRIVATEBLOB", RSA, u"RSA", u"RSA", u"RSAFULLPRIVATEBLOB", RSA2048 ".RSAFULLPRIVATEBLOB.bin",
     u"PUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin",
     "signatures/" RSA2048 ".pkcs1-sha256.signature.bin", 2048, 256, NULL},
    {u"capi import PRIVATEBLOB of RSA", RSA, u"RSA", u"RSA", u"PRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin",
     u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", u"PRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin",
     "signatures/" RSA2048 ".pkcs1-sha256.signature.bin", 2048, 256, NULL},
    {u"capi import CAPIPRIVATEBLOB", RSA, u"RSA", u"RSA", u"CAPIPRIVATEBLOB", "more/rsa2048.CAPIPRIVATEBLOB.bin",
     u"CAPIPUBLICBLOB", "more/rsa2048.CAPIPUBLICBLOB.bin", u"CAPIPRIVATEBLOB", "more/rsa2048.CAPIPRIVATEBLOB.bin", NULL,
     2048, 256, NULL},
    {u"capi import ECDSA_P256", SIGNS, u"ECDSA_P256", u"ECDSA", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin",
     u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin",
     "signatures/" P256 ".ecdsa-sha256.signature.bin", 256, 64, u"nistP256"},
    {u"capi import PRIVATEBLOB of ECDSA_P256", SIGNS, u"ECDSA_P256", u"ECDSA", u"PRIVATEBLOB",
     P256 "-shortd.ECDSA.ECCPRIVATEBLOB.bin", u"PUBLICBLOB", P256 "-shortd.ECDSA.ECCPUBLICBLOB.bin", u"PRIVATEBLOB",
     P256 "-shortd.ECDSA.ECCPRIVATEBLOB.bin", NULL, 256, 64, u"nistP256"},
    {u"capi import ECDSA_P384", SIGNS, u"ECDSA_P384", u"ECDSA", u"ECCPRIVATEBLOB", P384 ".ECDSA.ECCPRIVATEBLOB.bin",
     u"ECCPUBLICBLOB", P384 ".ECDSA.ECCPUBLICBLOB.bin", u"ECCPRIVATEBLOB", P384 ".ECDSA.ECCPRIVATEBLOB.bin", NULL, 384, 96,
     u"nistP384"},
    {u"capi import ECDSA_P521", SIGNS, u"ECDSA_P521", u"ECDSA", u"ECCPRIVATEBLOB", P521 ".ECDSA.ECCPRIVATEBLOB.bin",
     u"ECCPUBLICBLOB", P521 ".ECDSA.ECCPUBLICBLOB.bin", u"ECCPRIVATEBLOB", P521 ".ECDSA.ECCPRIVATEBLOB.bin",
     "signatures/" P521 ".ecdsa-sha256.signature.bin", 521, 132, u"nistP521"},
    {u"capi import ECDH_P256", AGREES, u"ECDH_P256", u"ECDH", u"ECCPRIVATEBLOB", P256 ".ECDH.ECCPRIVATEBLOB.bin",
     u"ECCPUBLICBLOB", P256 ".ECDH.ECCPUBLICBLOB.bin", u"ECCPRIVATEBLOB", P256 ".ECDH.ECCPRIVATEBLOB.bin", NULL, 256, 32,
     u"nistP256"},
    {u"capi import ECDH_P384", AGREES, u"ECDH_P384", u"ECDH", u"ECCPRIVATEBLOB", P384 ".ECDH.ECCPRIVATEBLOB.bin",
     u"ECCPUBLICBLOB", P384 ".ECDH.ECCPUBLICBLOB.bin", u"ECCPRIVATEBLOB", P384 ".ECDH.ECCPRIVATEBLOB.bin", NULL, 384, 48,
     u"nistP384"},
    {u"capi import ECDH_P521", AGREES, u"ECDH_P521", u"ECDH", u"ECCPRIVATEBLOB", P521 ".ECDH.ECCPRIVATEBLOB.bin",
     u"ECCPUBLICBLOB", P521 ".ECDH.ECCPUBLICBLOB.bin", u"ECCPRIVATEBLOB", P521 ".ECDH.ECCPRIVATEBLOB.bin", NULL, 521, 66,
     u"nistP521"},
    {u"capi import CipherKeyBlob", AES, u"AES", u"AES", u"CipherKeyBlob", "aes256.CipherKeyBlob.bin", NULL, NULL,
     u"CipherKeyBlob", "aes256.CipherKeyBlob.bin", NULL, 256, 0, NULL},
    {u"capi import KeyDataBlob", AES, u"AES", u"AES", u"KeyDataBlob", "aes128.KeyDataBlob.bin", NULL, NULL, u"CipherKeyBlob",
     "aes128.CipherKeyBlob.bin", NULL, 128, 0, NULL},
};
#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* Names are ASCII. */
static const char *narrow(LPCWSTR text) {
  static char shown[128];
  size_t at = 0;
  while (text[at] != 0 && at + 1 < sizeof shown) {
    shown[at] = (char)text[at];
    at++;
  }
  shown[at] = 0;
  return shown;
}

/* Two keys agree on one secret from either end; the raw secret is little-endian, as long as the field is wide. */
static void agree(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE key, const Row *row) {
  NCRYPT_KEY_HANDLE other = 0, other_public = 0, own_public = 0;
  NCRYPT_SECRET_HANDLE one = 0, two = 0;
  BYTE first[128], second[128];
  DWORD length = 0, written = 0;
  SECURITY_STATUS status;
  Bytes blob;
  NEED(NCryptCreatePersistedKey(provider, &other, row->algorithm, NULL, 0, 0));
  NEED(NCryptFinalizeKey(other, 0));
  blob = export_blob(other, 0, u"ECCPUBLICBLOB", NULL, &status);
  NEED(status);
  NEED(import_blob(provider, &other_public, u"ECCPUBLICBLOB", blob, NULL, 0));
  NEED(import_blob(provider, &own_public, row->public_type, vector_file(row->public_file), NULL, 0));
  NEED(NCryptSecretAgreement(key, other_public, &one, 0));
  NEED(NCryptSecretAgreement(other, own_public, &two, 0));
  /* A secret outlives the keys. */
  CHECK_OK(NCryptFreeObject(other));
  CHECK_OK(NCryptFreeObject(other_public));
  CHECK_OK(NCryptFreeObject(own_public));
  CHECK_OK(NCryptDeriveKey(one, BCRYPT_KDF_RAW_SECRET, NULL, NULL, 0, &length, 0));
  CHECK_NUMBER(row->signature_length, length);
  CHECK_OK(NCryptDeriveKey(one, BCRYPT_KDF_RAW_SECRET, NULL, first, sizeof first, &written, 0));
  CHECK_NUMBER(row->signature_length, written);
  CHECK_OK(NCryptDeriveKey(two, BCRYPT_KDF_RAW_SECRET, NULL, second, sizeof second, &length, 0));
  CHECK_BYTES(first, written, second, length);
  CHECK_OK(NCryptFreeObject(one));
  CHECK_OK(NCryptFreeObject(two));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(one));
}

/* Encrypts in CBC mode with PKCS#7 padding, and decrypts. */
static void encrypt_symmetric(NCRYPT_KEY_HANDLE key) {
  BYTE iv[16] = {0}, plain[20] = "sixteen and four..", sealed[64], opened[64];
  NCRYPT_CIPHER_PADDING_INFO info;
  DWORD length = 0, written = 0;
  memset(&info, 0, sizeof info);
  info.cbSize = sizeof info;
  info.dwFlags = NCRYPT_CIPHER_BLOCK_PADDING_FLAG;
  info.pbIV = iv;
  info.cbIV = sizeof iv;
  CHECK_OK(NCryptEncrypt(key, plain, sizeof plain, &info, NULL, 0, &length, NCRYPT_PAD_CIPHER_FLAG));
  CHECK_NUMBER(32, length);
  NEED(NCryptEncrypt(key, plain, sizeof plain, &info, sealed, sizeof sealed, &length, NCRYPT_PAD_CIPHER_FLAG));
  CHECK_NUMBER(32, length);
  NEED(NCryptDecrypt(key, sealed, length, &info, opened, sizeof opened, &written, NCRYPT_PAD_CIPHER_FLAG));
  CHECK_BYTES(plain, sizeof plain, opened, written);
}

/* Authenticated: with data beside the text, and nothing comes out if a bit of anything was changed. */
static void encrypt_authenticated(NCRYPT_KEY_HANDLE key) {
  BYTE nonce[12] = {1}, beside[5] = "head", plain[20] = "sixteen and four..", sealed[20], opened[20], tag[16];
  BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode;
  NCRYPT_CIPHER_PADDING_INFO info;
  DWORD length = 0;
  BCRYPT_INIT_AUTH_MODE_INFO(mode);
  mode.pbNonce = nonce;
  mode.cbNonce = sizeof nonce;
  mode.pbAuthData = beside;
  mode.cbAuthData = sizeof beside;
  mode.pbTag = tag;
  mode.cbTag = sizeof tag;
  memset(&info, 0, sizeof info);
  info.cbSize = sizeof info;
  info.dwFlags = NCRYPT_CIPHER_OTHER_PADDING_FLAG;
  info.pbOtherInfo = (PUCHAR)&mode;
  info.cbOtherInfo = sizeof mode;
  NEED(set_text(key, NCRYPT_CHAINING_MODE_PROPERTY, BCRYPT_CHAIN_MODE_GCM, 0));
  CHECK_OK(NCryptEncrypt(key, plain, sizeof plain, &info, NULL, 0, &length, NCRYPT_PAD_CIPHER_FLAG));
  CHECK_NUMBER(sizeof plain, length);
  NEED(NCryptEncrypt(key, plain, sizeof plain, &info, sealed, sizeof sealed, &length, NCRYPT_PAD_CIPHER_FLAG));
  CHECK(memcmp(plain, sealed, sizeof plain) != 0);
  NEED(NCryptDecrypt(key, sealed, length, &info, opened, sizeof opened, &length, NCRYPT_PAD_CIPHER_FLAG));
  CHECK_BYTES(plain, sizeof plain, opened, length);
  memset(opened, 0, sizeof opened);
  beside[0] ^= 1;
  CHECK(NCryptDecrypt(key, sealed, sizeof sealed, &info, opened, sizeof opened, &length, NCRYPT_PAD_CIPHER_FLAG) != ERROR_SUCCESS);
  beside[0] ^= 1;
  tag[15] ^= 1;
  CHECK(NCryptDecrypt(key, sealed, sizeof sealed, &info, opened, sizeof opened, &length, NCRYPT_PAD_CIPHER_FLAG) != ERROR_SUCCESS);
  CHECK(opened[0] == 0 && opened[19] == 0);
  CHECK_OK(set_text(key, NCRYPT_CHAINING_MODE_PROPERTY, BCRYPT_CHAIN_MODE_CBC, 0));
}

static void encrypt_rsa(NCRYPT_KEY_HANDLE key) {
  BYTE plain[] = "a secret", sealed[256], opened[256];
  BCRYPT_OAEP_PADDING_INFO oaep;
  DWORD length = 0, written = 0;
  CHECK_OK(NCryptEncrypt(key, plain, sizeof plain, NULL, NULL, 0, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_NUMBER(256, length);
  NEED(NCryptEncrypt(key, plain, sizeof plain, NULL, sealed, sizeof sealed, &length, NCRYPT_PAD_PKCS1_FLAG));
  NEED(NCryptDecrypt(key, sealed, length, NULL, opened, sizeof opened, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_BYTES(plain, sizeof plain, opened, written);
  memset(&oaep, 0, sizeof oaep);
  oaep.pszAlgId = BCRYPT_SHA1_ALGORITHM;
  /* The size is told without the structure, the rest is not done. */
  CHECK_OK(NCryptEncrypt(key, plain, sizeof plain, NULL, NULL, 0, &length, NCRYPT_PAD_OAEP_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER,
               NCryptEncrypt(key, plain, sizeof plain, NULL, sealed, sizeof sealed, &length, NCRYPT_PAD_OAEP_FLAG));
  NEED(NCryptEncrypt(key, plain, sizeof plain, &oaep, sealed, sizeof sealed, &length, NCRYPT_PAD_OAEP_FLAG));
  NEED(NCryptDecrypt(key, sealed, length, &oaep, opened, sizeof opened, &written, NCRYPT_PAD_OAEP_FLAG));
  CHECK_BYTES(plain, sizeof plain, opened, written);
  /* In place. */
  memcpy(sealed, plain, sizeof plain);
  NEED(NCryptEncrypt(key, sealed, sizeof plain, NULL, sealed, sizeof sealed, &length, NCRYPT_PAD_PKCS1_FLAG));
  NEED(NCryptDecrypt(key, sealed, length, NULL, sealed, sizeof sealed, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_BYTES(plain, sizeof plain, sealed, written);
}

/* The key does what it is for. */
static void use(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE key, const Row *row) {
  BCRYPT_PKCS1_PADDING_INFO pkcs1;
  BCRYPT_PSS_PADDING_INFO pss;
  DWORD flags = row->kind == RSA ? NCRYPT_PAD_PKCS1_FLAG : 0;
  VOID *padding = row->kind == RSA ? &pkcs1 : NULL;
  pkcs1.pszAlgId = BCRYPT_SHA256_ALGORITHM;
  switch (row->kind) {
    case RSA:
      sign_and_verify(key, &pkcs1, SHA256_OF_TEXT, 32, NCRYPT_PAD_PKCS1_FLAG, row->signature_length);
      pss.pszAlgId = BCRYPT_SHA256_ALGORITHM;
      pss.cbSalt = 32;
      sign_and_verify(key, &pss, SHA256_OF_TEXT, 32, NCRYPT_PAD_PSS_FLAG, row->signature_length);
      encrypt_rsa(key);
      break;
    case SIGNS:
      sign_and_verify(key, NULL, SHA256_OF_TEXT, 32, 0, row->signature_length);
      break;
    case AGREES:
      agree(provider, key, row);
      break;
    case AES:
      encrypt_symmetric(key);
      encrypt_authenticated(key);
      break;
  }
  if (row->signature_file != NULL) {
    Bytes signature = vector_file(row->signature_file);
    CHECK_OK(NCryptVerifySignature(key, padding, DIGEST(SHA256_OF_TEXT), signature.data, signature.length, flags));
  }
}

static void check_properties(NCRYPT_KEY_HANDLE key, const Row *row, LPCWSTR name, DWORD policy) {
  BYTE value[64];
  DWORD length = 0;
  if (name != NULL) CHECK(has_text(key, NCRYPT_NAME_PROPERTY, name));
  CHECK(has_text(key, NCRYPT_ALGORITHM_PROPERTY, row->algorithm));
  CHECK(has_text(key, NCRYPT_ALGORITHM_GROUP_PROPERTY, row->group));
  CHECK_NUMBER(row->bits, number_property(key, NCRYPT_LENGTH_PROPERTY));
  CHECK_NUMBER(policy, number_property(key, NCRYPT_EXPORT_POLICY_PROPERTY));
  CHECK_NUMBER(0, number_property(key, NCRYPT_KEY_TYPE_PROPERTY));
  if (row->kind != AES) CHECK_NUMBER(row->bits, number_property(key, NCRYPT_PUBLIC_LENGTH_PROPERTY));
  if (row->kind == RSA || row->kind == SIGNS) {
    CHECK_NUMBER(row->signature_length, number_property(key, NCRYPT_SIGNATURE_LENGTH_PROPERTY));
  }
  if (row->curve != NULL) CHECK(has_text(key, NCRYPT_ECC_CURVE_NAME_PROPERTY, row->curve));
  /* .NET takes this for a key without a policy. */
  CHECK_STATUS(NTE_NOT_FOUND, NCryptGetProperty(key, NCRYPT_UI_POLICY_PROPERTY, value, sizeof value, &length, 0));
}

/* What leaves: the public half always, the private one by the policy. */
static void check_exports(NCRYPT_KEY_HANDLE key, const Row *row, DWORD policy) {
  DWORD length = 0;
  if (row->public_type != NULL) CHECK_EXPORT(key, row->public_type, vector_file(row->public_file));
  if ((policy & NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG) != 0) {
    CHECK_EXPORT(key, row->private_type, vector_file(row->private_file));
  } else {
    CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, row->private_type, NULL, NULL, 0, &length, 0));
  }
}

static void delete_key(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE key, LPCWSTR name) {
  NCRYPT_KEY_HANDLE gone = 0;
  CHECK_OK(NCryptDeleteKey(key, 0));
  /* The handle went with the key. */
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(key));
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &gone, name, 0, 0));
}

/* The procedure of Microsoft's page. */
static void route_a(NCRYPT_PROV_HANDLE provider, const Row *row, DWORD policy, int blob_first) {
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  Bytes blob = vector_file(row->file);
  BYTE buffer[64];
  DWORD length = 0;

  /* 1. Create a persisted key. */
  NEED(NCryptCreatePersistedKey(provider, &key, row->algorithm, row->key_name, 0, 0));

  /* 2. Set any desired properties. 3. Set the blob as a property. In either order. */
  if (blob_first) NEED(NCryptSetProperty(key, row->type, blob.data, blob.length, 0));
  NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, policy, PERSIST));
  if (row->kind == RSA || row->kind == AES) NEED(set_number(key, NCRYPT_LENGTH_PROPERTY, row->bits, 0));
  if (!blob_first) NEED(NCryptSetProperty(key, row->type, blob.data, blob.length, PERSIST));
  /* The blob may be wiped as soon as it was set, and can only be written. */
  memset(blob.data, 0xAA, blob.length);
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptGetProperty(key, row->type, NULL, 0, &length, 0));

  /* Nothing is there yet, and nothing can be done with the key. */
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &other, row->key_name, 0, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptSignHash(key, NULL, DIGEST(SHA256_OF_TEXT), buffer, sizeof buffer, &length, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptExportKey(key, 0, row->private_type, NULL, NULL, 0, &length, 0));

  /* 4. Finalize. */
  NEED(NCryptFinalizeKey(key, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptFinalizeKey(key, 0));
  blob = vector_file(row->file);
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptSetProperty(key, row->type, blob.data, blob.length, 0));
  check_properties(key, row, row->key_name, policy);
  CHECK_OK(NCryptFreeObject(key));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(key));

  /* It is there under its name. */
  CHECK_STATUS(NTE_EXISTS, NCryptCreatePersistedKey(provider, &other, row->algorithm, row->key_name, 0, 0));
  NEED(NCryptOpenKey(provider, &key, row->key_name, 0, NCRYPT_SILENT_FLAG));
  CHECK(NCryptIsKeyHandle(key));
  CHECK(!NCryptIsKeyHandle(provider));
  check_properties(key, row, row->key_name, policy);
  use(provider, key, row);
  check_exports(key, row, policy);
  delete_key(provider, key, row->key_name);
}

/* NCryptImportKey with the name in a buffer. */
static void route_b(NCRYPT_PROV_HANDLE provider, const Row *row, int pending) {
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  Bytes blob = vector_file(row->file);
  DWORD policy = 0;
  List list;
  memset(&list, 0, sizeof list);
  list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, row->key_name);
  /* A KeyDataBlob does not say of which algorithm it is. */
  if (row->kind == AES) list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, row->algorithm);
  NEED(NCryptImportKey(provider, 0, row->type, &list.list, &key, blob.data, blob.length,
                       pending ? NCRYPT_DO_NOT_FINALIZE_FLAG : 0));
  if (pending) {
    DWORD length = 0;
    CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &other, row->key_name, 0, 0));
    CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptExportKey(key, 0, row->private_type, NULL, NULL, 0, &length, 0));
    policy = ANY_EXPORT;
    NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, policy, PERSIST));
    NEED(NCryptFinalizeKey(key, 0));
  }
  /* The name is taken, and the key stays what it is. */
  CHECK_STATUS(NTE_EXISTS,
               NCryptImportKey(provider, 0, row->type, &list.list, &other, blob.data, blob.length, 0));
  CHECK_OK(NCryptFreeObject(key));
  NEED(NCryptOpenKey(provider, &key, row->key_name, AT_SIGNATURE, 0));
  check_properties(key, row, row->key_name, policy);
  check_exports(key, row, policy);
  /* What is fixed stays: a policy is not widened once the key is kept. */
  CHECK_STATUS(policy == 0 ? NTE_NOT_SUPPORTED : ERROR_SUCCESS,
               set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, PERSIST));
  /* In its place, with what the flag says. */
  NEED(NCryptImportKey(provider, 0, row->type, &list.list, &other, blob.data, blob.length, NCRYPT_OVERWRITE_KEY_FLAG));
  CHECK_OK(NCryptFreeObject(key));
  use(provider, other, row);
  delete_key(provider, other, row->key_name);
}

/* Without a name, as .NET imports. */
static void route_c(NCRYPT_PROV_HANDLE provider, const Row *row) {
  NCRYPT_KEY_HANDLE key = 0;
  Bytes blob = vector_file(row->file);
  BYTE one = 1, value[1040];
  DWORD length = 0;
  List list;
  memset(&list, 0, sizeof list);
  if (row->kind == AES) list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, row->algorithm);
  NEED(NCryptImportKey(provider, 0, row->type, &list.list, &key, blob.data, blob.length, 0));
  CHECK_OK(NCryptSetProperty(key, u"CLR IsEphemeral", &one, 1, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK_OK(NCryptGetProperty(key, u"CLR IsEphemeral", value, sizeof value, &length, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK_BYTES(&one, 1, value, length);
  CHECK_STATUS(NTE_NOT_FOUND, NCryptGetProperty(key, NCRYPT_NAME_PROPERTY, value, sizeof value, &length, 0));
  /* What is refused, and a question for a size, is no use of the key. */
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, row->private_type, NULL, NULL, 0, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, row->private_type, NULL, value, sizeof value, &length, 0));
  if (row->kind != AES) CHECK_OK(NCryptExportKey(key, 0, row->kind == RSA ? u"RSAPUBLICBLOB" : u"ECCPUBLICBLOB", NULL, NULL, 0, &length, 0));
  CHECK_OK(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, PERSIST));
  check_properties(key, row, NULL, ANY_EXPORT);
  check_exports(key, row, ANY_EXPORT);
  use(provider, key, row);
  CHECK_NUMBER(0, keys_named(provider, u"capi import"));
  CHECK_OK(NCryptFreeObject(key));
  /* Left as it is, it stays; and once it was used nothing makes it wider. */
  NEED(NCryptImportKey(provider, 0, row->type, &list.list, &key, blob.data, blob.length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, row->private_type, NULL, value, sizeof value, &length, 0));
  use(provider, key, row);
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, PERSIST));
  CHECK_OK(NCryptFreeObject(key));
}

/* Private keys in PKCS#8, in the clear and under a password: by NCryptImportKey, not as a property. */
static void pkcs8(NCRYPT_PROV_HANDLE provider) {
  static const struct {
    const char *file;
    LPCWSTR password;
    Row row;
  } FILES[] = {
      {RSA2048 ".PKCS8_PRIVATEKEY.bin", NULL,
       {u"capi import PKCS#8", RSA, u"RSA", u"RSA", u"PKCS8_PRIVATEKEY", NULL, u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin",
        u"RSAFULLPRIVATEBLOB", RSA2048 ".RSAFULLPRIVATEBLOB.bin", NULL, 2048, 256, NULL}},
      {RSA2048 ".pbes2-aes256-sha256.encrypted-pkcs8.bin", u"correct horse",
       {u"capi import PKCS#8", RSA, u"RSA", u"RSA", u"PKCS8_PRIVATEKEY", NULL, u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin",
        u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", NULL, 2048, 256, NULL}},
      {RSA2048 ".pbe-sha1-3des-utf8.encrypted-pkcs8.bin", u"p\u00e4ssw\u00f6rd-\u20ac",
       {u"capi import PKCS#8", RSA, u"RSA", u"RSA", u"PKCS8_PRIVATEKEY", NULL, u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin",
        u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", NULL, 2048, 256, NULL}},
      {"more/nistP256.usage-digitalSignature.PKCS8_PRIVATEKEY.bin", NULL,
       {u"capi import PKCS#8", SIGNS, u"ECDSA_P256", u"ECDSA", u"PKCS8_PRIVATEKEY", NULL, NULL, NULL, u"PKCS8_PRIVATEKEY", NULL,
        NULL, 256, 64, u"nistP256"}},
  };
  NCRYPT_KEY_HANDLE key = 0;
  size_t at;
  for (at = few ? COUNT_OF(FILES) - 1 : 0; at < COUNT_OF(FILES); at++) {
    const Row *row = &FILES[at].row;
    Bytes file = vector_file(FILES[at].file);
    List list;
    in_context(FILES[at].file);
    memset(&list, 0, sizeof list);
    list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, row->key_name);
    if (FILES[at].password != NULL) {
      CHECK(NCryptImportKey(provider, 0, row->type, &list.list, &key, file.data, file.length, 0) != ERROR_SUCCESS);
      list_text(&list, NCRYPTBUFFER_PKCS_SECRET, u"wrong horse");
      CHECK_STATUS(NTE_INCORRECT_PASSWORD,
                   NCryptImportKey(provider, 0, row->type, &list.list, &key, file.data, file.length, 0));
      list.list.cBuffers--;
      list_text(&list, NCRYPTBUFFER_PKCS_SECRET, FILES[at].password);
    }
    NEED(NCryptImportKey(provider, 0, row->type, &list.list, &key, file.data, file.length, NCRYPT_DO_NOT_FINALIZE_FLAG));
    NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, PERSIST));
    NEED(NCryptFinalizeKey(key, 0));
    CHECK_OK(NCryptFreeObject(key));
    NEED(NCryptOpenKey(provider, &key, row->key_name, AT_KEYEXCHANGE, 0));
    check_properties(key, row, row->key_name, ANY_EXPORT);
    use(provider, key, row);
    if (row->private_file != NULL) check_exports(key, row, ANY_EXPORT);
    delete_key(provider, key, row->key_name);

    /* Microsoft's provider refuses this one as a property. Here it is taken, as any private blob is, if it needs no password. */
    NEED(NCryptCreatePersistedKey(provider, &key, row->algorithm, row->key_name, 0, 0));
    CHECK_STATUS(FILES[at].password == NULL ? ERROR_SUCCESS : NTE_INCORRECT_PASSWORD,
                 NCryptSetProperty(key, row->type, file.data, file.length, 0));
    if (FILES[at].password == NULL) {
      NEED(NCryptFinalizeKey(key, 0));
      use(provider, key, row);
      delete_key(provider, key, row->key_name);
    } else {
      CHECK_OK(NCryptFreeObject(key));
    }
  }
  in_context("");
}

/* What is exported under a password is imported again: with ALLOW_EXPORT alone the key may not leave otherwise. */
static void pkcs8_under_a_password(NCRYPT_PROV_HANDLE provider, DWORD policy) {
  NCRYPT_KEY_HANDLE key = 0, again = 0;
  SECURITY_STATUS status;
  DWORD length = 0;
  Bytes blob;
  List out, in;
  in_context("PKCS#8 under a password");
  memset(&out, 0, sizeof out);
  memset(&in, 0, sizeof in);
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_ECDSA_P256_ALGORITHM, u"capi import password", 0, 0));
  NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, policy, PERSIST));
  blob = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin");
  NEED(NCryptSetProperty(key, u"ECCPRIVATEBLOB", blob.data, blob.length, 0));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK_STATUS(policy == ANY_EXPORT ? ERROR_SUCCESS : NTE_NOT_SUPPORTED,
               NCryptExportKey(key, 0, u"PKCS8_PRIVATEKEY", NULL, NULL, 0, &length, 0));
  list_text(&out, NCRYPTBUFFER_PKCS_SECRET, u"a password");
  list_add(&out, NCRYPTBUFFER_PKCS_ALG_OID, szOID_PKCS_5_PBES2, sizeof szOID_PKCS_5_PBES2);
  blob = export_blob(key, 0, u"PKCS8_PRIVATEKEY", &out, &status);
  if (status == NTE_NOT_SUPPORTED && policy != ANY_EXPORT && is_softhsm()) {
    /* A key that the token never shows leaves under what the token itself wraps with. */
    leave_out("PBES2, of a key that may not be seen");
  } else if (CHECK_OK(status)) {
    list_text(&in, NCRYPTBUFFER_PKCS_SECRET, u"a password");
    NEED(NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &in.list, &again, blob.data, blob.length,
                         NCRYPT_DO_NOT_FINALIZE_FLAG));
    NEED(set_number(again, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, 0));
    NEED(NCryptFinalizeKey(again, 0));
    CHECK_EXPORT(again, u"PKCS8_PRIVATEKEY", vector_file(P256 ".PKCS8_PRIVATEKEY.bin"));
    CHECK_OK(NCryptFreeObject(again));
  }
  delete_key(provider, key, u"capi import password");
  in_context("");
}

/* Without a blob finalize makes the key. */
static void generated(NCRYPT_PROV_HANDLE provider) {
  static const Row MADE[] = {
      {u"capi import generated", RSA, u"RSA", u"RSA", NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2048, 256, NULL},
      {u"capi import generated", SIGNS, u"ECDSA_P256", u"ECDSA", NULL, NULL, NULL, NULL, NULL, NULL, NULL, 256, 64, u"nistP256"},
      {u"capi import generated", SIGNS, u"ECDSA_P384", u"ECDSA", NULL, NULL, NULL, NULL, NULL, NULL, NULL, 384, 96, u"nistP384"},
      {u"capi import generated", AES, u"AES", u"AES", NULL, NULL, NULL, NULL, NULL, NULL, NULL, 256, 0, NULL},
  };
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  size_t at;
  in_context("a key that is generated");
  for (at = few ? 1 : 0; at < COUNT_OF(MADE); at++) {
    const Row *row = &MADE[at];
    NEED(NCryptCreatePersistedKey(provider, &key, row->algorithm, row->key_name, 0, 0));
    if (row->kind != SIGNS) NEED(set_number(key, NCRYPT_LENGTH_PROPERTY, row->bits, 0));
    NEED(NCryptFinalizeKey(key, 0));
    CHECK_OK(NCryptFreeObject(key));
    NEED(NCryptOpenKey(provider, &key, row->key_name, 0, 0));
    check_properties(key, row, row->key_name, 0);
    use(provider, key, row);
    CHECK_STATUS(NTE_EXISTS, NCryptCreatePersistedKey(provider, &other, row->algorithm, row->key_name, 0, 0));
    /* Replaced when it is complete: until then the old one is there. */
    NEED(NCryptCreatePersistedKey(provider, &other, NCRYPT_ECDSA_P256_ALGORITHM, row->key_name, 0, NCRYPT_OVERWRITE_KEY_FLAG));
    CHECK_NUMBER(1, keys_named(provider, row->key_name));
    NEED(NCryptFinalizeKey(other, 0));
    CHECK_NUMBER(1, keys_named(provider, row->key_name));
    CHECK(has_text(other, NCRYPT_ALGORITHM_PROPERTY, u"ECDSA_P256"));
    CHECK_OK(NCryptFreeObject(key));
    delete_key(provider, other, row->key_name);
  }
  in_context("");
}

/* A public key has no name: it is never kept. */
static void public_keys(NCRYPT_PROV_HANDLE provider) {
  static const struct {
    LPCWSTR type;
    const char *file;
    const char *signature;
    DWORD flags;
  } KEYS[] = {
      {u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", "signatures/" RSA2048 ".pkcs1-sha256.signature.bin", NCRYPT_PAD_PKCS1_FLAG},
      {u"PUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", "signatures/" RSA2048 ".pss-sha256-32.signature.bin", NCRYPT_PAD_PSS_FLAG},
      {u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", "signatures/" P256 ".ecdsa-sha256.signature.bin", 0},
      {u"PUBLICBLOB", P521 ".ECDSA.ECCPUBLICBLOB.bin", "signatures/" P521 ".ecdsa-sha256.signature.bin", 0},
  };
  size_t at;
  for (at = 0; at < COUNT_OF(KEYS); at++) {
    Bytes blob = vector_file(KEYS[at].file), signature = vector_file(KEYS[at].signature);
    BCRYPT_PKCS1_PADDING_INFO pkcs1;
    BCRYPT_PSS_PADDING_INFO pss;
    NCRYPT_KEY_HANDLE key = 0;
    DWORD length = 0;
    BYTE out[512];
    VOID *padding = KEYS[at].flags == NCRYPT_PAD_PKCS1_FLAG ? (VOID *)&pkcs1 : (VOID *)&pss;
    in_context(KEYS[at].file);
    pkcs1.pszAlgId = BCRYPT_SHA256_ALGORITHM;
    pss.pszAlgId = BCRYPT_SHA256_ALGORITHM;
    pss.cbSalt = 32;
    NEED(import_blob(provider, &key, KEYS[at].type, blob, NULL, 0));
    CHECK_OK(NCryptVerifySignature(key, padding, DIGEST(SHA256_OF_TEXT), signature.data, signature.length, KEYS[at].flags));
    CHECK_STATUS(NTE_BAD_SIGNATURE, NCryptVerifySignature(key, padding, DIGEST(SHA256_OF_TEXT), signature.data,
                                                          signature.length - 1, KEYS[at].flags));
    CHECK_EXPORT(key, KEYS[at].type, blob);
    CHECK(NCryptSignHash(key, padding, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, KEYS[at].flags) != ERROR_SUCCESS);
    CHECK_OK(NCryptFreeObject(key));
  }
  in_context("");
}

/* A blob that contradicts what was said before. */
static void contradictions(NCRYPT_PROV_HANDLE provider) {
  Bytes rsa = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin"), ec = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin");
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status;
  in_context("contradictions");
  /* Another algorithm. */
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_RSA_ALGORITHM, u"capi import contradiction", 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"ECCPRIVATEBLOB", ec.data, ec.length, 0));
  CHECK_OK(NCryptFreeObject(key));
  /* Another length: known at once, or at the end. */
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_RSA_ALGORITHM, u"capi import contradiction", 0, 0));
  NEED(set_number(key, NCRYPT_LENGTH_PROPERTY, 4096, 0));
  status = NCryptSetProperty(key, u"RSAPRIVATEBLOB", rsa.data, rsa.length, 0);
  if (status == ERROR_SUCCESS) status = NCryptFinalizeKey(key, 0);
  CHECK_STATUS(NTE_INVALID_PARAMETER, status);
  CHECK_OK(NCryptFreeObject(key));
  /* Another curve. */
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_ECDSA_P384_ALGORITHM, u"capi import contradiction", 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"ECCPRIVATEBLOB", ec.data, ec.length, 0));
  CHECK_OK(NCryptFreeObject(key));
  /* Malformed. */
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_RSA_ALGORITHM, u"capi import contradiction", 0, 0));
  CHECK_STATUS(NTE_BAD_DATA, NCryptSetProperty(key, u"RSAPRIVATEBLOB", rsa.data, rsa.length - 1, 0));
  CHECK_OK(NCryptFreeObject(key));
  /* A public half, which nothing keeps. */
  rsa = vector_file(RSA2048 ".RSAPUBLICBLOB.bin");
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_RSA_ALGORITHM, u"capi import contradiction", 0, 0));
  CHECK(NCryptSetProperty(key, u"RSAPUBLICBLOB", rsa.data, rsa.length, 0) != ERROR_SUCCESS);
  CHECK_OK(NCryptFreeObject(key));
  CHECK_NUMBER(0, keys_named(provider, u"capi import contradiction"));
  in_context("");
}

/* A generic algorithm gets its curve as a property, or in a buffer. */
static void generic_curves(NCRYPT_PROV_HANDLE provider) {
  Bytes blob = vector_file(P384 ".GENERIC-ECDSA.ECCPRIVATEBLOB.bin"), full;
  NCRYPT_KEY_HANDLE key = 0;
  List list;
  in_context("generic curves");
  memset(&list, 0, sizeof list);
  NEED(NCryptCreatePersistedKey(provider, &key, NCRYPT_ECDSA_ALGORITHM, u"capi import generic", 0, 0));
  NEED(set_text(key, NCRYPT_ECC_CURVE_NAME_PROPERTY, u"nistP384", 0));
  NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, 0));
  NEED(NCryptSetProperty(key, u"ECCPRIVATEBLOB", blob.data, blob.length, 0));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK_NUMBER(384, number_property(key, NCRYPT_LENGTH_PROPERTY));
  CHECK(has_text(key, NCRYPT_ECC_CURVE_NAME_PROPERTY, u"nistP384"));
  sign_and_verify(key, NULL, SHA384_OF_TEXT, 48, 0, 96);
  delete_key(provider, key, u"capi import generic");

  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"ECCPRIVATEBLOB", NULL, &key, blob.data, blob.length, 0));
  list_text(&list, NCRYPTBUFFER_ECC_CURVE_NAME, u"no curve");
  CHECK_STATUS(NTE_INVALID_PARAMETER,
               NCryptImportKey(provider, 0, u"ECCPRIVATEBLOB", &list.list, &key, blob.data, blob.length, 0));
  list.list.cBuffers = 0;
  list_text(&list, NCRYPTBUFFER_ECC_CURVE_NAME, u"nistP384");
  NEED(NCryptImportKey(provider, 0, u"ECCPRIVATEBLOB", &list.list, &key, blob.data, blob.length, 0));
  sign_and_verify(key, NULL, SHA384_OF_TEXT, 48, 0, 96);
  CHECK_OK(NCryptFreeObject(key));

  /* The full blob says it itself. */
  full = vector_file("more/nistP256.GENERIC-ECDSA.ECCFULLPRIVATEBLOB.bin");
  NEED(NCryptImportKey(provider, 0, u"ECCFULLPRIVATEBLOB", NULL, &key, full.data, full.length, 0));
  CHECK(has_text(key, NCRYPT_ECC_CURVE_NAME_PROPERTY, u"nistP256"));
  sign_and_verify(key, NULL, SHA256_OF_TEXT, 32, 0, 64);
  CHECK_OK(NCryptFreeObject(key));
  in_context("");
}

int main(int count, char **arguments) {
  NCRYPT_PROV_HANDLE provider;
  size_t at;
  start(count, arguments);
  few = count > 2 && strcmp(arguments[2], "few") == 0;
  provider = open_provider();
  CHECK_NUMBER(0, keys_named(provider, u"capi import"));
  for (at = 0; at < COUNT_OF(ROWS); at++) {
    /* The first, and those of another kind than the one before. */
    if (few && at != 0 && ROWS[at].kind == ROWS[at - 1].kind) continue;
    in_context(narrow(ROWS[at].key_name));
    route_a(provider, &ROWS[at], ANY_EXPORT, 0);
    route_a(provider, &ROWS[at], 0, 1);
    route_b(provider, &ROWS[at], 0);
    route_b(provider, &ROWS[at], 1);
    route_c(provider, &ROWS[at]);
  }
  in_context("");
  pkcs8(provider);
  /* The iterations of PBKDF2 are what takes the time there. */
  if (!few) {
    pkcs8_under_a_password(provider, ANY_EXPORT);
    pkcs8_under_a_password(provider, NCRYPT_ALLOW_EXPORT_FLAG);
  }
  generated(provider);
  public_keys(provider);
  contradictions(provider);
  generic_curves(provider);
  CHECK_NUMBER(0, keys_named(provider, u"capi import"));
  CHECK_OK(NCryptFreeObject(provider));
  return finish(arguments[0]);
}
