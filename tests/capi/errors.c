/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What goes wrong, and which status says so: handles that are none, pointers that are NULL, buffers that are too small, blobs
 * that are broken, keys that are not there, keys that are not finished. A failed call leaves nothing behind.
 */
#include "check.h"

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define RSA2048 "rsa2048-e65537"
#define P256 "ec-nistP256"
#define NULL_REFERENCE HRESULT_FROM_WIN32(RPC_X_NULL_REF_POINTER)

static NCRYPT_PROV_HANDLE provider;
static NCRYPT_KEY_HANDLE rsa, ecdsa, ecdh, ecdh_public, aes;
static NCRYPT_SECRET_HANDLE secret;
static BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
static BYTE out[4096];
static DWORD length;

/* ---- handles ------------------------------------------------------------------------------------ */

typedef NCRYPT_HANDLE H;

/* One call each, right but for the handle. What it makes, if it is a right one, is not looked at here. */
static SECURITY_STATUS is_alg_supported(H h) { return NCryptIsAlgSupported(h, u"RSA", 0); }
static SECURITY_STATUS enum_algorithms(H h) {
  DWORD count;
  NCryptAlgorithmName *list;
  return NCryptEnumAlgorithms(h, 0, &count, &list, 0);
}
static SECURITY_STATUS enum_keys(H h) {
  NCryptKeyName *name;
  PVOID state = NULL;
  return NCryptEnumKeys(h, NULL, &name, &state, 0);
}
static SECURITY_STATUS create_persisted_key(H h) {
  NCRYPT_KEY_HANDLE key;
  return NCryptCreatePersistedKey(h, &key, u"RSA", NULL, 0, 0);
}
static SECURITY_STATUS open_key(H h) {
  NCRYPT_KEY_HANDLE key;
  return NCryptOpenKey(h, &key, u"capi errors", 0, 0);
}
static SECURITY_STATUS import_key(H h) {
  NCRYPT_KEY_HANDLE key;
  Bytes blob = vector_file(RSA2048 ".RSAPUBLICBLOB.bin");
  return NCryptImportKey(h, 0, u"RSAPUBLICBLOB", NULL, &key, blob.data, blob.length, 0);
}
static SECURITY_STATUS notify_change_key(H h) {
  HANDLE event;
  return NCryptNotifyChangeKey(h, &event, NCRYPT_REGISTER_NOTIFY_FLAG);
}

static SECURITY_STATUS import_under(H h) {
  NCRYPT_KEY_HANDLE key;
  Bytes blob = vector_file("aes128.kek128.Rfc3565KeyWrapBlob.bin");
  return NCryptImportKey(provider, h, u"Rfc3565KeyWrapBlob", NULL, &key, blob.data, blob.length, 0);
}
static SECURITY_STATUS export_key(H h) { return NCryptExportKey(h, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, 0); }
static SECURITY_STATUS export_under(H h) {
  return NCryptExportKey(aes, h, u"Rfc3565KeyWrapBlob", NULL, out, sizeof out, &length, 0);
}
static SECURITY_STATUS finalize_key(H h) { return NCryptFinalizeKey(h, 0); }
static SECURITY_STATUS delete_key(H h) { return NCryptDeleteKey(h, 0); }
static SECURITY_STATUS sign_hash(H h) {
  return NCryptSignHash(h, &pkcs1, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS verify_signature(H h) {
  return NCryptVerifySignature(h, &pkcs1, DIGEST(SHA256_OF_TEXT), out, 256, NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS encrypt(H h) {
  BYTE in[8] = {0};
  return NCryptEncrypt(h, in, sizeof in, NULL, out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS decrypt(H h) { return NCryptDecrypt(h, out, 256, NULL, out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG); }
static SECURITY_STATUS agree_private(H h) {
  NCRYPT_SECRET_HANDLE made;
  return NCryptSecretAgreement(h, ecdh_public, &made, 0);
}
static SECURITY_STATUS agree_public(H h) {
  NCRYPT_SECRET_HANDLE made;
  return NCryptSecretAgreement(ecdh, h, &made, 0);
}
static SECURITY_STATUS key_derivation(H h) { return NCryptKeyDerivation(h, NULL, out, 32, &length, 0); }
static SECURITY_STATUS encapsulate(H h) {
  DWORD other;
  return NCryptEncapsulate(h, out, 32, &length, out + 64, 2048, &other, 0);
}
static SECURITY_STATUS decapsulate(H h) { return NCryptDecapsulate(h, out, 1088, out, 32, &length, 0); }
static SECURITY_STATUS create_claim(H h) { return NCryptCreateClaim(h, 0, 0, NULL, out, sizeof out, &length, 0); }
static SECURITY_STATUS verify_claim(H h) { return NCryptVerifyClaim(h, 0, 0, NULL, out, 16, NULL, 0); }

static SECURITY_STATUS derive_key(H h) { return NCryptDeriveKey(h, BCRYPT_KDF_RAW_SECRET, NULL, out, 32, &length, 0); }

static SECURITY_STATUS get_property(H h) { return NCryptGetProperty(h, u"Name", out, sizeof out, &length, 0); }
static SECURITY_STATUS set_property(H h) { return set_text(h, u"Use Context", u"x", 0); }
static SECURITY_STATUS free_object(H h) { return NCryptFreeObject(h); }

enum { PROVIDER = 1, KEY = 2, SECRET = 4, ANY = 7 };

static const struct {
  const char *name;
  SECURITY_STATUS (*call)(H);
  int takes;
} CALLS[] = {
    {"NCryptIsAlgSupported", is_alg_supported, PROVIDER},
    {"NCryptEnumAlgorithms", enum_algorithms, PROVIDER},
    {"NCryptEnumKeys", enum_keys, PROVIDER},
    {"NCryptCreatePersistedKey", create_persisted_key, PROVIDER},
    {"NCryptOpenKey", open_key, PROVIDER},
    {"NCryptImportKey", import_key, PROVIDER},
    {"NCryptNotifyChangeKey", notify_change_key, PROVIDER},
    {"NCryptImportKey, hImportKey", import_under, KEY},
    {"NCryptExportKey", export_key, KEY},
    {"NCryptExportKey, hExportKey", export_under, KEY},
    {"NCryptFinalizeKey", finalize_key, KEY},
    {"NCryptDeleteKey", delete_key, KEY},
    {"NCryptSignHash", sign_hash, KEY},
    {"NCryptVerifySignature", verify_signature, KEY},
    {"NCryptEncrypt", encrypt, KEY},
    {"NCryptDecrypt", decrypt, KEY},
    {"NCryptSecretAgreement, hPrivKey", agree_private, KEY},
    {"NCryptSecretAgreement, hPubKey", agree_public, KEY},
    {"NCryptKeyDerivation", key_derivation, KEY},
    {"NCryptEncapsulate", encapsulate, KEY},
    {"NCryptDecapsulate", decapsulate, KEY},
    {"NCryptCreateClaim", create_claim, KEY},
    {"NCryptVerifyClaim", verify_claim, KEY},
    {"NCryptDeriveKey", derive_key, SECRET},
    {"NCryptGetProperty", get_property, PROVIDER | KEY},
    {"NCryptSetProperty", set_property, PROVIDER | KEY},
    {"NCryptFreeObject", free_object, ANY},
};

static void handles(void) {
  NCRYPT_PROV_HANDLE old_provider = open_provider();
  NCRYPT_KEY_HANDLE old_key = 0;
  NCRYPT_SECRET_HANDLE old_secret = 0;
  int here = 0;
  size_t at, which;
  H bad[12];
  size_t count = 0;
  NEED(NCryptCreatePersistedKey(old_provider, &old_key, u"RSA", NULL, 0, 0));
  NEED(NCryptSecretAgreement(ecdh, ecdh_public, &old_secret, 0));
  CHECK_OK(NCryptFreeObject(old_key));
  CHECK_OK(NCryptFreeObject(old_secret));
  CHECK_OK(NCryptFreeObject(old_provider));
  bad[count++] = 0;
  bad[count++] = 1;
  bad[count++] = (H)-1;
  bad[count++] = (H)(ULONG_PTR)&here;
  bad[count++] = (H)(ULONG_PTR)BCRYPT_RSA_ALG_HANDLE;
  bad[count++] = old_provider;
  bad[count++] = old_key;
  bad[count++] = old_secret;
  bad[count++] = rsa ^ 16;
  bad[count++] = rsa ^ ((H)1 << 40);
  bad[count++] = rsa + 1;
  for (at = 0; at < COUNT_OF(CALLS); at++) {
    in_context(CALLS[at].name);
    for (which = 0; which < count; which++) {
      /* The one of a call that a program may leave away. */
      if (bad[which] == 0 && (CALLS[at].call == import_under || CALLS[at].call == export_under)) continue;
      CHECK_STATUS(NTE_INVALID_HANDLE, CALLS[at].call(bad[which]));
    }
    if ((CALLS[at].takes & PROVIDER) == 0) CHECK_STATUS(NTE_INVALID_HANDLE, CALLS[at].call(provider));
    if ((CALLS[at].takes & KEY) == 0) CHECK_STATUS(NTE_INVALID_HANDLE, CALLS[at].call(rsa));
    if (CALLS[at].takes != ANY && (CALLS[at].takes & SECRET) == 0 && CALLS[at].takes != (PROVIDER | KEY)) {
      CHECK_STATUS(NTE_INVALID_HANDLE, CALLS[at].call(secret));
    }
  }
  in_context("");
  for (which = 0; which < count; which++) CHECK(!NCryptIsKeyHandle(bad[which]));
  CHECK(NCryptIsKeyHandle(rsa));
  CHECK(!NCryptIsKeyHandle(secret));
}

/* ---- NULL --------------------------------------------------------------------------------------- */

static void nulls(void) {
  NCRYPT_KEY_HANDLE key = 0;
  NCRYPT_SECRET_HANDLE made = 0;
  DWORD count = 0;
  NCryptAlgorithmName *algorithms = NULL;
  NCryptProviderName *providers = NULL;
  NCryptKeyName *name = NULL;
  PVOID state = NULL;
  BYTE in[16] = {0};
  Bytes blob = vector_file(RSA2048 ".RSAPUBLICBLOB.bin");
  in_context("NULL");
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptOpenStorageProvider(NULL, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumStorageProviders(NULL, &providers, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumStorageProviders(&count, NULL, 0));
  CHECK_STATUS(NULL_REFERENCE, NCryptIsAlgSupported(provider, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumAlgorithms(provider, 0, NULL, &algorithms, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumAlgorithms(provider, 0, &count, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumKeys(provider, NULL, NULL, &state, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumKeys(provider, NULL, &name, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumKeys(provider, u"scope", &name, &state, 0));
  CHECK(state == NULL && name == NULL);
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptFreeBuffer(NULL));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptNotifyChangeKey(provider, NULL, NCRYPT_REGISTER_NOTIFY_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptCreatePersistedKey(provider, NULL, u"RSA", NULL, 0, 0));
  CHECK_STATUS(NULL_REFERENCE, NCryptCreatePersistedKey(provider, &key, NULL, NULL, 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptOpenKey(provider, NULL, u"capi errors", 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptOpenKey(provider, &key, NULL, 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, NULL, NULL, &key, blob.data, blob.length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"RSAPUBLICBLOB", NULL, NULL, blob.data, blob.length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"RSAPUBLICBLOB", NULL, &key, NULL, blob.length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"RSAPUBLICBLOB", NULL, &key, NULL, 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptExportKey(rsa, 0, NULL, NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptExportKey(rsa, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptExportKey(rsa, 0, u"RSAPUBLICBLOB", NULL, NULL, 0, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptGetProperty(rsa, NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptGetProperty(rsa, u"Length", out, sizeof out, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptGetProperty(provider, NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(rsa, NULL, in, 4, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(rsa, u"Use Context", NULL, 4, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(provider, u"Use Context", NULL, 4, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER,
               NCryptSignHash(rsa, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER,
               NCryptSignHash(rsa, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, NCRYPT_PAD_PSS_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSignHash(ecdsa, NULL, NULL, 32, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSignHash(ecdsa, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptVerifySignature(ecdsa, NULL, NULL, 32, out, 64, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptVerifySignature(ecdsa, NULL, DIGEST(SHA256_OF_TEXT), NULL, 64, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER,
               NCryptVerifySignature(rsa, NULL, DIGEST(SHA256_OF_TEXT), out, 256, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEncrypt(rsa, NULL, 8, NULL, out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEncrypt(rsa, in, 8, NULL, out, sizeof out, NULL, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEncrypt(rsa, in, 8, NULL, out, sizeof out, &length, NCRYPT_PAD_OAEP_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEncrypt(aes, in, 16, NULL, out, sizeof out, &length, NCRYPT_PAD_CIPHER_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptDecrypt(rsa, NULL, 256, NULL, out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptDecrypt(rsa, out, 256, NULL, out, sizeof out, NULL, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptDecrypt(rsa, out, 256, NULL, out, sizeof out, &length, NCRYPT_PAD_OAEP_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSecretAgreement(ecdh, ecdh_public, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptDeriveKey(secret, NULL, NULL, out, 32, &length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptDeriveKey(secret, BCRYPT_KDF_HASH, NULL, out, 32, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptKeyDerivation(rsa, NULL, out, 32, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptCreateClaim(rsa, 0, 0, NULL, out, sizeof out, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, GetKeyStorageInterface(NULL, NULL, 0));
  CHECK_EITHER(NTE_NOT_SUPPORTED, NTE_INVALID_PARAMETER, NCryptTranslateHandle(NULL, NULL, 0, 0, 0, 0));
  CHECK_NUMBER(0, key);
  CHECK_NUMBER(0, made);
  in_context("");
}

/* ---- sizes -------------------------------------------------------------------------------------- */

static void sizes(void) {
  static const LPCWSTR KEY_PROPERTIES[] = {u"Algorithm Name", u"Algorithm Group", u"Length", u"Lengths", u"Export Policy",
                                           u"Key Usage", u"Key Type", u"PublicKeyLength", u"SignatureLength"};
  DWORD wanted, written;
  size_t at;
  in_context("sizes");
  for (at = 0; at < COUNT_OF(KEY_PROPERTIES); at++) {
    LPCWSTR name = KEY_PROPERTIES[at];
    wanted = 0;
    CHECK_OK(NCryptGetProperty(rsa, name, NULL, 0, &wanted, 0));
    CHECK(wanted >= 4 && wanted < 100);
    /* The length beside a NULL buffer says nothing. */
    CHECK_OK(NCryptGetProperty(rsa, name, NULL, 4096, &wanted, 0));
    written = 0;
    CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptGetProperty(rsa, name, out, 0, &written, 0));
    CHECK_NUMBER(wanted, written);
    written = 0;
    memset(out, 0x55, sizeof out);
    CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptGetProperty(rsa, name, out, wanted - 1, &written, 0));
    CHECK_NUMBER(wanted, written);
    CHECK(out[0] == 0x55);
    CHECK_OK(NCryptGetProperty(rsa, name, out, wanted, &written, 0));
    CHECK_NUMBER(wanted, written);
    CHECK(out[wanted] == 0x55);
  }
  /* RSA and AES; sizes of signatures and exports are in sign_and_verify() and export_blob(). */
  written = 0;
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptEncrypt(rsa, out, 8, NULL, out + 512, 255, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_NUMBER(256, written);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptEncrypt(rsa, out, 8, NULL, out + 512, 0, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_NUMBER(256, written);
  NEED(NCryptEncrypt(rsa, out, 8, NULL, out + 512, 256, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_OK(NCryptDecrypt(rsa, out + 512, 256, NULL, NULL, 0, &wanted, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_NUMBER(256, wanted);
  /* What comes out is shorter than the size that was asked for. */
  CHECK_OK(NCryptDecrypt(rsa, out + 512, 256, NULL, out + 1024, 8, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_NUMBER(8, written);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptDecrypt(rsa, out + 512, 256, NULL, out + 1024, 7, &written, NCRYPT_PAD_PKCS1_FLAG));
  /* Too much for the modulus, and a cipher text of another length. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEncrypt(rsa, out, 246, NULL, out + 512, 256, &written, NCRYPT_PAD_PKCS1_FLAG));
  CHECK(NCryptDecrypt(rsa, out + 512, 255, NULL, out + 1024, 256, &written, NCRYPT_PAD_PKCS1_FLAG) != ERROR_SUCCESS);
  /* A derived key of a function with a length of its own. */
  CHECK_OK(NCryptDeriveKey(secret, BCRYPT_KDF_RAW_SECRET, NULL, NULL, 0, &wanted, 0));
  CHECK_NUMBER(32, wanted);
  CHECK_OK(NCryptDeriveKey(secret, BCRYPT_KDF_RAW_SECRET, NULL, out, 20, &written, 0));
  CHECK_NUMBER(20, written);
  CHECK_OK(NCryptDeriveKey(secret, BCRYPT_KDF_RAW_SECRET, NULL, out, 64, &written, 0));
  CHECK_NUMBER(32, written);
  in_context("");
}

/* ---- blobs -------------------------------------------------------------------------------------- */

typedef enum { AS_IS, MAGIC, SHORT_BY_ONE, LONG_BY_ONE, ONLY_MAGIC, SET_FIELD, ZERO_LAST, FLIP_LAST } Damage;

static const struct {
  const char *what;
  LPCWSTR type;
  const char *file;
  Damage damage;
  DWORD offset, value;
  SECURITY_STATUS status;
} BLOBS[] = {
    {"RSA public", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", AS_IS, 0, 0, ERROR_SUCCESS},
    {"RSA public, magic", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", MAGIC, 0, 0, NTE_INVALID_PARAMETER},
    {"RSA public, a byte short", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"RSA public, a byte long", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", LONG_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"RSA public, cbPublicExp", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", SET_FIELD, 8, 9, NTE_BAD_DATA},
    {"RSA public, cbPublicExp huge", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", SET_FIELD, 8, 0xFFFFFFF0, NTE_BAD_DATA},
    {"RSA public, cbModulus huge", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", SET_FIELD, 12, 0xFFFFFFFF, NTE_BAD_DATA},
    {"RSA public, BitLength", u"RSAPUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", SET_FIELD, 4, 0x300, ERROR_SUCCESS},
    {"RSA public, as PUBLICBLOB", u"PUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", AS_IS, 0, 0, ERROR_SUCCESS},
    {"PUBLICBLOB, magic", u"PUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", MAGIC, 0, 0, NTE_INVALID_PARAMETER},
    {"PUBLICBLOB, magic alone", u"PUBLICBLOB", RSA2048 ".RSAPUBLICBLOB.bin", ONLY_MAGIC, 0, 0, NTE_BAD_DATA},
    {"RSA private", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", AS_IS, 0, 0, ERROR_SUCCESS},
    {"RSA private, magic", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", MAGIC, 0, 0, NTE_INVALID_PARAMETER},
    {"RSA private, a byte short", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"RSA private, a byte long", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", LONG_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"RSA private, BitLength", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", SET_FIELD, 4, 0x300, ERROR_SUCCESS},
    {"RSA private, a prime that is none", u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", FLIP_LAST, 0, 0, NTE_INVALID_PARAMETER},
    {"RSA private as public", u"RSAPUBLICBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", AS_IS, 0, 0, NTE_INVALID_PARAMETER},
    {"RSA public as private", u"RSAPRIVATEBLOB", RSA2048 ".RSAPUBLICBLOB.bin", AS_IS, 0, 0, NTE_INVALID_PARAMETER},
    {"RSA full, a byte short", u"RSAFULLPRIVATEBLOB", RSA2048 ".RSAFULLPRIVATEBLOB.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"RSA full, d", u"RSAFULLPRIVATEBLOB", RSA2048 ".RSAFULLPRIVATEBLOB.bin", FLIP_LAST, 0, 0, NTE_INVALID_PARAMETER},
    {"CAPI private, a byte short", u"CAPIPRIVATEBLOB", "more/rsa2048.CAPIPRIVATEBLOB.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"EC public", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", AS_IS, 0, 0, ERROR_SUCCESS},
    {"EC public, magic", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", MAGIC, 0, 0, NTE_INVALID_PARAMETER},
    {"EC public, a byte short", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"EC public, a byte long", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", LONG_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"EC public, cbKey", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", SET_FIELD, 4, 48, NTE_BAD_DATA},
    {"EC public, cbKey huge", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", SET_FIELD, 4, 0x80000000, NTE_BAD_DATA},
    {"EC public, off the curve", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", FLIP_LAST, 0, 0, NTE_INVALID_PARAMETER},
    {"EC public, another curve's magic", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", SET_FIELD, 0,
     BCRYPT_ECDSA_PUBLIC_P384_MAGIC, NTE_BAD_DATA},
    {"EC private", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", AS_IS, 0, 0, ERROR_SUCCESS},
    {"EC private, a byte short", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"EC private, d is 0", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", ZERO_LAST, 0, 32, NTE_INVALID_PARAMETER},
    {"EC private as public", u"ECCPUBLICBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", AS_IS, 0, 0, NTE_INVALID_PARAMETER},
    {"EC public as private", u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPUBLICBLOB.bin", AS_IS, 0, 0, NTE_INVALID_PARAMETER},
    {"generic EC without a curve", u"ECCPRIVATEBLOB", P256 ".GENERIC-ECDSA.ECCPRIVATEBLOB.bin", AS_IS, 0, 0, NTE_INVALID_PARAMETER},
    {"CipherKeyBlob", u"CipherKeyBlob", "aes256.CipherKeyBlob.bin", AS_IS, 0, 0, ERROR_SUCCESS},
    {"CipherKeyBlob, a byte short", u"CipherKeyBlob", "aes256.CipherKeyBlob.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"PKCS#8, a byte short", u"PKCS8_PRIVATEKEY", P256 ".PKCS8_PRIVATEKEY.bin", SHORT_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"PKCS#8, a byte long", u"PKCS8_PRIVATEKEY", P256 ".PKCS8_PRIVATEKEY.bin", LONG_BY_ONE, 0, 0, NTE_BAD_DATA},
    {"PKCS#8 that is none", u"PKCS8_PRIVATEKEY", RSA2048 ".RSAPRIVATEBLOB.bin", AS_IS, 0, 0, NTE_BAD_DATA},
    {"no such type", u"NOBLOB", RSA2048 ".RSAPUBLICBLOB.bin", AS_IS, 0, 0, NTE_NOT_SUPPORTED},
    {"the type in other letters", u"rsapublicblob", RSA2048 ".RSAPUBLICBLOB.bin", AS_IS, 0, 0, NTE_NOT_SUPPORTED},
    {"no type", u"", RSA2048 ".RSAPUBLICBLOB.bin", AS_IS, 0, 0, NTE_NOT_SUPPORTED},
    {"of a TPM", u"PcpTpmProtectedKeyBlob", "more/opaque-tpm1.PcpTpmProtectedKeyBlob.bin", AS_IS, 0, 0, NTE_NOT_SUPPORTED},
    {"isolated", u"ISOLATED_KEY_ENVELOPE", "more/opaque-isolated1.ISOLATED_KEY_ENVELOPE.bin", AS_IS, 0, 0, NTE_NOT_SUPPORTED},
};

static Bytes damaged(size_t at) {
  Bytes file = vector_file(BLOBS[at].file), blob;
  blob.data = (BYTE *)allocate(file.length + 1);
  blob.length = file.length;
  memcpy(blob.data, file.data, file.length);
  switch (BLOBS[at].damage) {
    case AS_IS: break;
    case MAGIC: put_number(blob.data, 0x41414141); break;
    case SHORT_BY_ONE: blob.length--; break;
    case LONG_BY_ONE: blob.length++; break;
    case ONLY_MAGIC: blob.length = 4; break;
    case SET_FIELD: put_number(blob.data + BLOBS[at].offset, BLOBS[at].value); break;
    case ZERO_LAST: memset(blob.data + blob.length - BLOBS[at].value, 0, BLOBS[at].value); break;
    case FLIP_LAST: blob.data[blob.length - 1] ^= 2; break;
  }
  return blob;
}

static void blobs(void) {
  size_t at;
  for (at = 0; at < COUNT_OF(BLOBS); at++) {
    NCRYPT_KEY_HANDLE key = 0;
    Bytes blob = damaged(at);
    SECURITY_STATUS status = NCryptImportKey(provider, 0, BLOBS[at].type, NULL, &key, blob.data, blob.length, 0);
    in_context(BLOBS[at].what);
    CHECK_STATUS(BLOBS[at].status, status);
    CHECK((key != 0) == (status == ERROR_SUCCESS));
    if (status == ERROR_SUCCESS) CHECK_OK(NCryptFreeObject(key));
  }
  in_context("");
}

/* ---- buffers beside a call ------------------------------------------------------------------------ */

static void parameter_lists(void) {
  Bytes blob = vector_file(P256 ".PKCS8_PRIVATEKEY.bin");
  NCRYPT_KEY_HANDLE key = 0;
  List list;
  in_context("parameter lists");
  memset(&list, 0, sizeof list);
  list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi errors list");
  list.list.ulVersion = 1;
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &key, blob.data, blob.length, 0));
  list.list.ulVersion = NCRYPTBUFFER_VERSION;
  list.list.pBuffers = NULL;
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &key, blob.data, blob.length, 0));
  list.list.pBuffers = list.buffers;
  list.buffers[0].pvBuffer = NULL;
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &key, blob.data, blob.length, 0));
  /* A number that no import has; the same twice; a name that is too long. */
  list.list.cBuffers = 0;
  list_add(&list, NCRYPTBUFFER_SSL_CLIENT_RANDOM, "x", 1);
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &key, blob.data, blob.length, 0));
  list.list.cBuffers = 0;
  list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi errors list");
  list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi errors list");
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &key, blob.data, blob.length, 0));
  /* Passed over: an empty one. The NUL may be counted or not. */
  list.list.cBuffers = 0;
  list_add(&list, NCRYPTBUFFER_EMPTY, NULL, 0);
  list_add(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi errors list", wide_size(u"capi errors list") - 2);
  NEED(NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &key, blob.data, blob.length, 0));
  CHECK(has_text(key, u"Name", u"capi errors list"));
  CHECK_OK(NCryptDeleteKey(key, 0));
  /* What says how to encrypt must not be passed over. */
  list.list.cBuffers = 0;
  list_add(&list, NCRYPTBUFFER_PKCS_ALG_OID, szOID_PKCS_5_PBES2, sizeof szOID_PKCS_5_PBES2);
  CHECK(NCryptExportKey(rsa, 0, u"PKCS8_PRIVATEKEY", &list.list, out, sizeof out, &length, 0) != ERROR_SUCCESS);
  in_context("");
}

/* ---- keys ----------------------------------------------------------------------------------------- */

static void names(void) {
  static WCHAR long_name[1200];
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  NCRYPT_PROV_HANDLE none = 0;
  Bytes blob = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin");
  size_t at;
  in_context("names");
  for (at = 0; at + 1 < COUNT_OF(long_name); at++) long_name[at] = u'n';
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &key, u"capi errors: no such key", 0, 0));
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &key, u"capi errors: no such key", 0, NCRYPT_MACHINE_KEY_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptOpenKey(provider, &key, u"capi errors: no such key", 3, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptCreatePersistedKey(provider, &key, u"RSA", u"capi errors", 3, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptCreatePersistedKey(provider, &key, u"NOALG", u"capi errors", 0, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptIsAlgSupported(provider, u"NOALG", 0));
  CHECK_OK(NCryptIsAlgSupported(provider, u"RSA", 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptCreatePersistedKey(provider, &key, u"RSA", long_name, 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptCreatePersistedKey(provider, &key, u"RSA", u"", 0, 0));
  CHECK(NCryptOpenKey(provider, &key, long_name, 0, 0) != ERROR_SUCCESS);
  CHECK(NCryptOpenKey(provider, &key, u"", 0, 0) != ERROR_SUCCESS);
  CHECK_STATUS(NTE_PROV_DLL_NOT_FOUND, NCryptOpenStorageProvider(&none, u"No such provider", 0));
  CHECK(NCryptOpenStorageProvider(&none, u"pkcs11:token=no%20such%20token", 0) != ERROR_SUCCESS);
  CHECK(NCryptOpenStorageProvider(&none, u"pkcs11:%zz", 0) != ERROR_SUCCESS);
  CHECK_NUMBER(0, none);
  CHECK_NUMBER(0, key);
  /* A name that is taken. */
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", blob, u"capi errors taken", 0));
  CHECK_STATUS(NTE_EXISTS, import_blob(provider, &other, u"ECCPRIVATEBLOB", blob, u"capi errors taken", 0));
  CHECK_STATUS(NTE_EXISTS, NCryptCreatePersistedKey(provider, &other, u"RSA", u"capi errors taken", 0, 0));
  CHECK_NUMBER(0, other);
  /* Of a key that is to be finished later: at once all the same. */
  CHECK_STATUS(NTE_EXISTS, import_blob(provider, &other, u"ECCPRIVATEBLOB", blob, u"capi errors taken", NCRYPT_DO_NOT_FINALIZE_FLAG));
  CHECK_NUMBER(1, keys_named(provider, u"capi errors"));
  CHECK_OK(NCryptDeleteKey(key, 0));
  CHECK_NUMBER(0, keys_named(provider, u"capi errors"));
  /* Two handles of one key: the other one finds that it is gone. */
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", blob, u"capi errors twice", 0));
  NEED(NCryptOpenKey(provider, &other, u"capi errors twice", 0, 0));
  CHECK_OK(NCryptDeleteKey(key, 0));
  CHECK(NCryptSignHash(other, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, 0) != ERROR_SUCCESS);
  CHECK(NCryptDeleteKey(other, 0) != ERROR_SUCCESS);
  /* Where it fails the handle stays. */
  CHECK_OK(NCryptFreeObject(other));
  in_context("");
}

/* A key that is not finalized does nothing. */
static void unfinished(void) {
  NCRYPT_KEY_HANDLE key = 0, symmetric = 0;
  NCRYPT_SECRET_HANDLE made = 0;
  BYTE in[16] = {0};
  in_context("a key that is not finalized");
  NEED(NCryptCreatePersistedKey(provider, &key, u"RSA", u"capi errors pending", 0, 0));
  CHECK(NCryptIsKeyHandle(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, sign_hash(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE,
               NCryptSignHash(key, &pkcs1, DIGEST(SHA256_OF_TEXT), NULL, 0, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_STATUS(NTE_BAD_KEY_STATE, verify_signature(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, encrypt(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, decrypt(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, export_key(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, export_under(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, import_under(key));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptExportKey(key, 0, u"RSAPUBLICBLOB", NULL, NULL, 0, &length, 0));
  CHECK_OK(NCryptDeleteKey(key, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(key));
  NEED(NCryptCreatePersistedKey(provider, &key, u"ECDH_P256", NULL, 0, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptSecretAgreement(key, ecdh_public, &made, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptSecretAgreement(ecdh, key, &made, 0));
  CHECK_OK(NCryptFreeObject(key));
  NEED(NCryptCreatePersistedKey(provider, &symmetric, u"AES", NULL, 0, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptEncrypt(symmetric, in, 16, NULL, out, sizeof out, &length, 0));
  CHECK_OK(NCryptFreeObject(symmetric));
  CHECK_NUMBER(0, keys_named(provider, u"capi errors"));
  in_context("");
}

/* Keys that cannot do what is asked. */
static void misfits(void) {
  NCRYPT_SECRET_HANDLE made = 0;
  BYTE in[16] = {0};
  in_context("keys that do not fit");
  CHECK(NCryptSignHash(rsa, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, 0) != ERROR_SUCCESS);
  CHECK_STATUS(NTE_BAD_ALGID, NCryptSignHash(aes, NULL, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, 0));
  CHECK(NCryptEncrypt(ecdsa, in, sizeof in, NULL, out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG) != ERROR_SUCCESS);
  CHECK(NCryptSecretAgreement(rsa, ecdh_public, &made, 0) != ERROR_SUCCESS);
  CHECK(NCryptSecretAgreement(ecdh, rsa, &made, 0) != ERROR_SUCCESS);
  CHECK(NCryptSecretAgreement(ecdsa, ecdh_public, &made, 0) != ERROR_SUCCESS);
  CHECK_NUMBER(0, made);
  /* A digest of another length than its hash, and a hash that is none. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSignHash(rsa, &pkcs1, DIGEST(SHA1_OF_TEXT), out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG));
  pkcs1.pszAlgId = u"NOHASH";
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptSignHash(rsa, &pkcs1, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG));
  pkcs1.pszAlgId = u"SHA256";
  /* Types that a key cannot leave as. */
  CHECK_STATUS(NTE_BAD_TYPE, NCryptExportKey(rsa, 0, u"ECCPUBLICBLOB", NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_BAD_TYPE, NCryptExportKey(ecdsa, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(rsa, 0, u"NOBLOB", NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(rsa, 0, u"RSAPRIVATEBLOB", NULL, out, sizeof out, &length, 0));
  /* Derivation. */
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptDeriveKey(secret, u"NOKDF", NULL, out, 32, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptKeyDerivation(rsa, NULL, out, 32, &length, 0));
  in_context("");
}

/* A key lives longer than its provider's handle. */
static void after_the_provider(void) {
  NCRYPT_PROV_HANDLE own = open_provider();
  NCRYPT_KEY_HANDLE key = 0;
  Bytes blob = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin");
  NEED(import_blob(own, &key, u"ECCPRIVATEBLOB", blob, NULL, 0));
  CHECK_OK(NCryptFreeObject(own));
  sign_and_verify(key, NULL, SHA256_OF_TEXT, 32, 0, 64);
  CHECK_EXPORT(key, u"ECCPUBLICBLOB", vector_file(P256 ".ECDSA.ECCPUBLICBLOB.bin"));
  CHECK_OK(NCryptFreeObject(key));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(key));
}

/* ---- memory --------------------------------------------------------------------------------------- */

static void memory(void) {
  NCryptAlgorithmName *algorithms = NULL;
  NCryptProviderName *providers = NULL;
  NCryptKeyName *name = NULL, *first = NULL;
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  PVOID state = NULL, foreign = &state;
  DWORD count = 0, at;
  int has_rsa = 0;
  Bytes blob = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), second = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin");
  in_context("memory");
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptFreeBuffer(&count));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptFreeBuffer(blob.data));
  NEED(NCryptEnumStorageProviders(&count, &providers, 0));
  CHECK(count > 0);
  for (at = 0; at < count; at++) {
    NCRYPT_PROV_HANDLE one = 0;
    CHECK(providers[at].pszComment != NULL);
    CHECK_OK(NCryptOpenStorageProvider(&one, providers[at].pszName, 0));
    CHECK(has_text(one, u"Name", providers[at].pszName));
    CHECK_OK(NCryptFreeObject(one));
  }
  CHECK_OK(NCryptFreeBuffer(providers));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptFreeBuffer(providers));
  NEED(NCryptEnumAlgorithms(provider, 0, &count, &algorithms, 0));
  for (at = 0; at < count; at++) {
    CHECK_OK(NCryptIsAlgSupported(provider, algorithms[at].pszName, 0));
    has_rsa |= is_wide(algorithms[at].pszName, wide_size(algorithms[at].pszName), u"RSA");
  }
  CHECK(has_rsa);
  /* A pointer into the middle is none. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptFreeBuffer(algorithms + 1));
  CHECK_OK(NCryptFreeBuffer(algorithms));
  NEED(NCryptEnumAlgorithms(provider, NCRYPT_SIGNATURE_OPERATION, &count, &algorithms, 0));
  for (at = 0; at < count; at++) CHECK((algorithms[at].dwAlgOperations & NCRYPT_SIGNATURE_OPERATION) != 0);
  CHECK_OK(NCryptFreeBuffer(algorithms));
  /* Operations that no key of a token has: an empty list, or a refusal. */
  algorithms = NULL;
  if (NCryptEnumAlgorithms(provider, NCRYPT_RNG_OPERATION, &count, &algorithms, 0) == ERROR_SUCCESS) {
    CHECK_NUMBER(0, count);
    if (algorithms != NULL) CHECK_OK(NCryptFreeBuffer(algorithms));
  }
  /* Keys. */
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", blob, u"capi errors one", 0));
  NEED(import_blob(provider, &other, u"RSAPRIVATEBLOB", second, u"capi errors two", 0));
  CHECK_NUMBER(2, keys_named(provider, u"capi errors"));
  NEED(NCryptEnumKeys(provider, NULL, &first, &state, 0));
  /* The state is there, what it leads to is the library's. */
  CHECK(state != NULL && first->pszName != NULL && first->pszAlgid != NULL);
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumKeys(provider, NULL, &name, &foreign, 0));
  foreign = first;
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumKeys(provider, NULL, &name, &foreign, 0));
  CHECK_OK(NCryptFreeBuffer(first));
  while (NCryptEnumKeys(provider, NULL, &name, &state, 0) == ERROR_SUCCESS) CHECK_OK(NCryptFreeBuffer(name));
  /* The end stays the end. */
  CHECK_STATUS(NTE_NO_MORE_ITEMS, NCryptEnumKeys(provider, NULL, &name, &state, 0));
  CHECK_OK(NCryptFreeBuffer(state));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptFreeBuffer(state));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptEnumKeys(provider, NULL, &name, &state, 0));
  CHECK_OK(NCryptDeleteKey(key, 0));
  CHECK_OK(NCryptDeleteKey(other, 0));
  in_context("");
}

/* ---- words ---------------------------------------------------------------------------------------- */

static void words(void) {
  NCRYPT_KEY_HANDLE key = 0;
  const char *text;
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &key, u"capi errors: a name to be found", 0, 0));
  text = cng11_last_error();
  CHECK(text != NULL && strstr(text, "a name to be found") != NULL);
  CHECK(text != NULL && strstr(text, "NTE_BAD_KEYSET") != NULL);
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(1));
  text = cng11_last_error();
  CHECK(text != NULL && strstr(text, "handle") != NULL);
}

int main(int count, char **arguments) {
  unsigned long failed;
  Bytes blob;
  start(count, arguments);
  /* Nothing has failed yet: no text, but a string. */
  CHECK(cng11_last_error() != NULL && cng11_last_error()[0] == 0);
  failed = checks_failed;
  provider = open_provider();
  blob = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin");
  CHECK_OK(import_blob(provider, &rsa, u"RSAPRIVATEBLOB", blob, NULL, 0));
  blob = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin");
  CHECK_OK(import_blob(provider, &ecdsa, u"ECCPRIVATEBLOB", blob, NULL, 0));
  blob = vector_file(P256 ".ECDH.ECCPRIVATEBLOB.bin");
  CHECK_OK(import_blob(provider, &ecdh, u"ECCPRIVATEBLOB", blob, NULL, 0));
  blob = vector_file(P256 "-shortd.ECDH.ECCPUBLICBLOB.bin");
  CHECK_OK(import_blob(provider, &ecdh_public, u"ECCPUBLICBLOB", blob, NULL, 0));
  blob = vector_file("aes128.CipherKeyBlob.bin");
  CHECK_OK(import_blob(provider, &aes, u"CipherKeyBlob", blob, NULL, 0));
  CHECK_OK(NCryptSecretAgreement(ecdh, ecdh_public, &secret, 0));
  if (checks_failed == failed) {
    handles();
    nulls();
    sizes();
    blobs();
    parameter_lists();
    names();
    unfinished();
    misfits();
    after_the_provider();
    memory();
    words();
  }
  CHECK_OK(NCryptFreeObject(secret));
  CHECK_OK(NCryptFreeObject(rsa));
  CHECK_OK(NCryptFreeObject(ecdsa));
  CHECK_OK(NCryptFreeObject(ecdh));
  CHECK_OK(NCryptFreeObject(ecdh_public));
  CHECK_OK(NCryptFreeObject(aes));
  CHECK_NUMBER(0, keys_named(provider, u"capi errors"));
  CHECK_OK(NCryptFreeObject(provider));
  return finish(arguments[0]);
}
