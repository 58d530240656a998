/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every property of keys and providers: asked for its size, with a byte too few, with enough; set before and after the key is
 * finished; on keys with names and without; read again by another handle.
 */
#include "check.h"

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define RSA2048 "rsa2048-e65537"
#define P256 "ec-nistP256"

static NCRYPT_PROV_HANDLE provider;
static BYTE out[4096];
static DWORD length;

/* By the rule of sizes: the status, and the value in `out` with its length. */
static SECURITY_STATUS get(NCRYPT_HANDLE object, LPCWSTR name) {
  DWORD wanted = 0xFFFF, written = 0;
  SECURITY_STATUS status = NCryptGetProperty(object, name, NULL, 0, &wanted, 0);
  length = 0;
  if (status != ERROR_SUCCESS) return status;
  memset(out, 0x5A, sizeof out);
  if (wanted > 0) {
    CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptGetProperty(object, name, out, wanted - 1, &written, 0));
    CHECK_NUMBER(wanted, written);
  }
  written = 0;
  status = NCryptGetProperty(object, name, out, wanted, &written, 0);
  CHECK_NUMBER(wanted, written);
  CHECK(out[wanted] == 0x5A);
  length = written;
  return status;
}

static int is_number(NCRYPT_HANDLE object, LPCWSTR name, DWORD value) {
  return get(object, name) == ERROR_SUCCESS && length == 4 && number_at(out) == value;
}

static int is_text(NCRYPT_HANDLE object, LPCWSTR name, LPCWSTR value) {
  return get(object, name) == ERROR_SUCCESS && is_wide(out, length, value);
}

static int is_bytes(NCRYPT_HANDLE object, LPCWSTR name, const void *value, DWORD wanted) {
  return get(object, name) == ERROR_SUCCESS && length == wanted && memcmp(out, value, wanted) == 0;
}

/* ---- what keys answer ------------------------------------------------------------------------------ */

#define NONE 0xFFFFFFFF

typedef struct {
  LPCWSTR type;
  const char *file;
  LPCWSTR algorithm, group, curve;
  DWORD bits, public_bits, signature, block;
  DWORD lengths[4];
} Row;

static const Row ROWS[] = {
    {u"RSAPRIVATEBLOB", RSA2048 ".RSAPRIVATEBLOB.bin", u"RSA", u"RSA", NULL, 2048, 2048, 256, 256, {512, 16384, 64, 2048}},
    {u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", u"ECDSA_P256", u"ECDSA", u"nistP256", 256, 256, 64, NONE, {256, 256, 0, 256}},
    {u"ECCPRIVATEBLOB", "ec-nistP521.ECDSA.ECCPRIVATEBLOB.bin", u"ECDSA_P521", u"ECDSA", u"nistP521", 521, 521, 132, NONE,
     {521, 521, 0, 521}},
    {u"ECCPRIVATEBLOB", "ec-nistP384.ECDH.ECCPRIVATEBLOB.bin", u"ECDH_P384", u"ECDH", u"nistP384", 384, 384, NONE, NONE,
     {384, 384, 0, 384}},
    {u"CipherKeyBlob", "aes256.CipherKeyBlob.bin", u"AES", u"AES", NULL, 256, NONE, NONE, 16, {128, 256, 64, 256}},
};

static void number_or_none(NCRYPT_KEY_HANDLE key, LPCWSTR name, DWORD wanted) {
  if (wanted == NONE) {
    CHECK_STATUS(NTE_NOT_FOUND, get(key, name));
  } else {
    CHECK(is_number(key, name, wanted));
  }
}

static void key_properties(NCRYPT_KEY_HANDLE key, const Row *row, int is_kept) {
  static const LPCWSTR UNKNOWN[] = {u"No such property", u"", u"length", u"PCP_EXPORT_ALLOWED", u"Virtual Iso", u"Per Boot Key",
                                    u"RSAPRIVATEBLOB", u"SmartCardPin", u"SmartCardSecurePin", u"KDFKeySecret", u"Use Count"};
  size_t at;
  CHECK(is_text(key, u"Algorithm Name", row->algorithm));
  CHECK(is_text(key, u"Algorithm Group", row->group));
  CHECK(is_number(key, u"Length", row->bits));
  number_or_none(key, u"PublicKeyLength", row->public_bits);
  number_or_none(key, u"SignatureLength", row->signature);
  number_or_none(key, u"Block Length", row->block);
  if (CHECK_OK(get(key, u"Lengths"))) {
    CHECK_NUMBER(sizeof(NCRYPT_SUPPORTED_LENGTHS), length);
    for (at = 0; at < 4; at++) CHECK_NUMBER(row->lengths[at], number_at(out + 4 * at));
  }
  CHECK(is_number(key, u"Key Type", 0));
  if (row->curve != NULL) {
    CHECK(is_text(key, u"ECCCurveName", row->curve));
    if (CHECK_OK(get(key, u"ECCParameters"))) {
      CHECK_NUMBER(1, number_at(out));
      CHECK_NUMBER(1, number_at(out + 4));
    }
  } else {
    CHECK_STATUS(NTE_NOT_FOUND, get(key, u"ECCCurveName"));
  }
  if (row->block == 16) {
    CHECK(is_text(key, u"Chaining Mode", u"ChainingModeCBC"));
  } else {
    CHECK_STATUS(NTE_NOT_FOUND, get(key, u"Chaining Mode"));
  }
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"UI Policy"));
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"Use Context"));
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"HWND Handle"));
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"SmartCardKeyCertificate"));
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"SmartCardAssociatedECDHKey"));
  if (is_kept) {
    NCRYPT_KEY_HANDLE same = 0;
    CHECK_OK(get(key, u"Unique Name"));
    if (length != 0 && CHECK_OK(NCryptOpenKey(provider, &same, (LPCWSTR)(void *)out, 0, 0))) {
      CHECK(is_text(same, u"Algorithm Name", row->algorithm));
      CHECK_OK(NCryptFreeObject(same));
    }
  } else {
    CHECK_STATUS(NTE_NOT_FOUND, get(key, u"Name"));
    CHECK_STATUS(NTE_NOT_FOUND, get(key, u"Unique Name"));
  }
  for (at = 0; at < COUNT_OF(UNKNOWN); at++) {
    SECURITY_STATUS status = get(key, UNKNOWN[at]);
    /* One that a name cannot be is a parameter that is wrong. */
    CHECK_EITHER(NTE_NOT_SUPPORTED, UNKNOWN[at][0] == 0 ? NTE_INVALID_PARAMETER : NTE_NOT_SUPPORTED, status);
  }
}

static void keys(void) {
  size_t at;
  for (at = 0; at < COUNT_OF(ROWS); at++) {
    NCRYPT_KEY_HANDLE key = 0;
    Bytes blob = vector_file(ROWS[at].file);
    in_context(ROWS[at].file);
    NEED(import_blob(provider, &key, ROWS[at].type, blob, NULL, 0));
    key_properties(key, &ROWS[at], 0);
    CHECK_OK(NCryptFreeObject(key));
    NEED(import_blob(provider, &key, ROWS[at].type, blob, u"capi properties", 0));
    CHECK(is_text(key, u"Name", u"capi properties"));
    key_properties(key, &ROWS[at], 1);
    CHECK_OK(NCryptDeleteKey(key, 0));
  }
  in_context("");
}

/* ---- what can be set ------------------------------------------------------------------------------- */

/* Before a key is finished, and after. */
static void settings(void) {
  static const LPCWSTR FIXED[] = {u"Name", u"Unique Name", u"Algorithm Name", u"Algorithm Group", u"Lengths", u"Block Length",
                                  u"Key Type", u"Modified", u"PublicKeyLength", u"SignatureLength", u"Provider Handle", u"Impl Type",
                                  u"AuthTagLength", u"SmartCardGuid", u"ECCCurveNameList"};
  NCRYPT_KEY_HANDLE key = 0;
  BYTE value[64] = {0};
  size_t at;
  in_context("settings");
  NEED(NCryptCreatePersistedKey(provider, &key, u"RSA", u"capi properties set", 0, 0));
  for (at = 0; at < COUNT_OF(FIXED); at++) {
    CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptSetProperty(key, FIXED[at], value, 4, 0));
  }
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptSetProperty(key, u"No such property", value, 4, 0));
  /* Numbers have four bytes. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"Length", value, 3, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"Export Policy", value, 5, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"Key Usage", value, 0, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_number(key, u"Export Policy", 0x40000000, 0));
  /* Of another kind of key. */
  CHECK(set_text(key, u"ECCCurveName", u"nistP256", 0) != ERROR_SUCCESS);
  CHECK(set_text(key, u"Chaining Mode", u"ChainingModeCBC", 0) != ERROR_SUCCESS);
  CHECK(set_text(key, u"ParameterSetName", u"44", 0) != ERROR_SUCCESS);
  CHECK(NCryptSetProperty(key, u"DHParameters", value, sizeof value, 0) != ERROR_SUCCESS);
  CHECK_OK(NCryptFreeObject(key));

  NEED(NCryptCreatePersistedKey(provider, &key, u"RSA", u"capi properties set", 0, 0));
  CHECK_OK(set_number(key, u"Length", 1024, 0));
  CHECK(is_number(key, u"Length", 1024));
  CHECK_OK(set_number(key, u"Export Policy", NCRYPT_ALLOW_EXPORT_FLAG | NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG, NCRYPT_PERSIST_FLAG));
  CHECK_OK(set_number(key, u"Key Usage", NCRYPT_ALLOW_SIGNING_FLAG, NCRYPT_PERSIST_FLAG));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK(is_number(key, u"Length", 1024));
  CHECK(is_number(key, u"Export Policy", 3));
  CHECK(is_number(key, u"Key Usage", NCRYPT_ALLOW_SIGNING_FLAG));
  CHECK_STATUS(NTE_BAD_KEY_STATE, set_number(key, u"Length", 2048, 0));
  /* What the usage does not allow. */
  {
    DWORD got = 0;
    CHECK_STATUS(NTE_PERM, NCryptDecrypt(key, out, 128, NULL, out, sizeof out, &got, NCRYPT_PAD_PKCS1_FLAG));
  }
  /* Narrowed, and not widened again; so it stays for who opens the key. */
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_number(key, u"Key Usage", NCRYPT_ALLOW_ALL_USAGES, 0));
  CHECK_OK(set_number(key, u"Export Policy", NCRYPT_ALLOW_EXPORT_FLAG, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_number(key, u"Export Policy", 3, 0));
  CHECK_OK(NCryptFreeObject(key));
  NEED(NCryptOpenKey(provider, &key, u"capi properties set", 0, 0));
  CHECK(is_number(key, u"Export Policy", NCRYPT_ALLOW_EXPORT_FLAG));
  CHECK(is_number(key, u"Key Usage", NCRYPT_ALLOW_SIGNING_FLAG));
  CHECK_OK(NCryptDeleteKey(key, 0));
  in_context("");
}

/* ---- properties of one's own ------------------------------------------------------------------------ */

static void own(void) {
  static WCHAR long_name[80];
  static BYTE big[1040];
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  BYTE one = 1, two[] = {2, 0, 2};
  size_t at;
  in_context("properties of one's own");
  for (at = 0; at < 64; at++) long_name[at] = u'n';
  /* With a key: read by another handle, and gone with the key. */
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), u"capi properties own", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(key, u"Department"));
  /* Without a flag it is a name that nobody knows. */
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptSetProperty(key, u"Department", two, sizeof two, 0));
  CHECK_OK(NCryptSetProperty(key, u"Department", two, sizeof two, NCRYPT_PERSIST_FLAG));
  CHECK(is_bytes(key, u"Department", two, sizeof two));
  CHECK_OK(NCryptSetProperty(key, u"Department", big, 700, NCRYPT_PERSIST_FLAG));
  CHECK(is_bytes(key, u"Department", big, 700));
  CHECK_OK(NCryptSetProperty(key, u"Empty", two, 0, NCRYPT_PERSIST_FLAG));
  CHECK(is_bytes(key, u"Empty", two, 0));
  CHECK_OK(NCryptSetProperty(key, long_name, &one, 1, NCRYPT_PERSIST_FLAG));
  CHECK(is_bytes(key, long_name, &one, 1));
  long_name[64] = u'n';
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, long_name, &one, 1, NCRYPT_PERSIST_FLAG));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptGetProperty(key, long_name, out, sizeof out, &length, 0));
  CHECK_OK(set_text(key, u"Algorithm Name", u"mine", NCRYPT_PERSIST_ONLY_FLAG));
  CHECK(is_text(key, u"Algorithm Name", u"ECDSA_P256"));
  NEED(NCryptOpenKey(provider, &other, u"capi properties own", 0, 0));
  CHECK(is_bytes(other, u"Department", big, 700));
  CHECK_OK(NCryptGetProperty(other, u"Algorithm Name", out, sizeof out, &length, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK(is_wide(out, length, u"mine"));
  CHECK_OK(NCryptFreeObject(other));
  CHECK_OK(NCryptDeleteKey(key, 0));
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), u"capi properties own", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(key, u"Department"));
  CHECK_OK(NCryptDeleteKey(key, 0));

  /* As .NET marks a key without a name: the mark is the handle's. */
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), NULL, 0));
  CHECK(NCryptGetProperty(key, u"CLR IsEphemeral", out, sizeof out, &length, NCRYPT_PERSIST_ONLY_FLAG) != ERROR_SUCCESS);
  CHECK_OK(NCryptSetProperty(key, u"CLR IsEphemeral", &one, 1, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK_OK(NCryptGetProperty(key, u"CLR IsEphemeral", out, sizeof out, &length, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK_BYTES(&one, 1, out, length);
  CHECK(is_bytes(key, u"CLR IsEphemeral", &one, 1));
  CHECK_OK(NCryptFreeObject(key));

  /* Said before the key is finished. */
  NEED(NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", u"capi properties own", 0, 0));
  CHECK_OK(NCryptSetProperty(key, u"Department", two, sizeof two, NCRYPT_PERSIST_FLAG));
  CHECK(is_bytes(key, u"Department", two, sizeof two));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK_OK(NCryptFreeObject(key));
  NEED(NCryptOpenKey(provider, &key, u"capi properties own", 0, 0));
  CHECK(is_bytes(key, u"Department", two, sizeof two));
  CHECK_OK(NCryptDeleteKey(key, 0));
  in_context("");
}

/* ---- structures and handles -------------------------------------------------------------------------- */

static int same_wide(LPCWSTR one, LPCWSTR other) { return is_wide(one, wide_size(one), other); }

static void ui_policy(void) {
  NCRYPT_UI_POLICY policy, *read = (NCRYPT_UI_POLICY *)(void *)out;
  NCRYPT_KEY_HANDLE key = 0;
  DWORD wanted = 0;
  in_context("UI Policy");
  memset(&policy, 0, sizeof policy);
  policy.dwVersion = 1;
  policy.dwFlags = NCRYPT_UI_PROTECT_KEY_FLAG;
  policy.pszCreationTitle = u"A title";
  policy.pszDescription = u"What it is for";
  NEED(NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", u"capi properties ui", 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"UI Policy", (PBYTE)&policy, sizeof policy - 1, 0));
  CHECK_OK(NCryptSetProperty(key, u"UI Policy", (PBYTE)&policy, sizeof policy, NCRYPT_PERSIST_FLAG));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK_OK(NCryptFreeObject(key));
  NEED(NCryptOpenKey(provider, &key, u"capi properties ui", 0, 0));
  CHECK_OK(NCryptGetProperty(key, u"UI Policy", NULL, 0, &wanted, 0));
  CHECK_NUMBER(sizeof policy + wide_size(u"A title") + wide_size(u"What it is for"), wanted);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptGetProperty(key, u"UI Policy", out, wanted - 1, &length, 0));
  NEED(NCryptGetProperty(key, u"UI Policy", out, wanted, &length, 0));
  CHECK_NUMBER(1, read->dwVersion);
  CHECK_NUMBER(NCRYPT_UI_PROTECT_KEY_FLAG, read->dwFlags);
  /* The strings stand in the same buffer. */
  CHECK(read->pszFriendlyName == NULL);
  CHECK((const BYTE *)read->pszCreationTitle >= out && (const BYTE *)read->pszCreationTitle < out + wanted);
  CHECK(same_wide(read->pszCreationTitle, u"A title"));
  CHECK((const BYTE *)read->pszDescription >= out && (const BYTE *)read->pszDescription < out + wanted);
  CHECK(same_wide(read->pszDescription, u"What it is for"));
  /* It is fixed with the key. */
  CHECK_STATUS(NTE_BAD_KEY_STATE, NCryptSetProperty(key, u"UI Policy", (PBYTE)&policy, sizeof policy, 0));
  CHECK_OK(NCryptDeleteKey(key, 0));
  in_context("");
}

static void provider_handle(void) {
  NCRYPT_PROV_HANDLE own_provider = open_provider(), given = 0;
  NCRYPT_KEY_HANDLE key = 0, opened = 0;
  in_context("Provider Handle");
  NEED(import_blob(own_provider, &key, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), u"capi properties of", 0));
  CHECK_OK(NCryptGetProperty(key, u"Provider Handle", NULL, 0, &length, 0));
  CHECK_NUMBER(sizeof given, length);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptGetProperty(key, u"Provider Handle", (PBYTE)&given, 4, &length, 0));
  CHECK_NUMBER(0, given);
  NEED(NCryptGetProperty(key, u"Provider Handle", (PBYTE)&given, sizeof given, &length, 0));
  /* It is the caller's: the provider lives on with it when its first handle and the key are gone. */
  CHECK_OK(NCryptFreeObject(own_provider));
  CHECK_OK(NCryptFreeObject(key));
  CHECK_OK(NCryptOpenKey(given, &opened, u"capi properties of", 0, 0));
  CHECK_OK(NCryptDeleteKey(opened, 0));
  CHECK_OK(NCryptFreeObject(given));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(given));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(provider, u"Provider Handle"));
  in_context("");
}

static void certificate(void) {
  Bytes leaf = vector_file("more/nistP256.cert.bin"), pkcs8 = vector_file("more/nistP256.PKCS8_PRIVATEKEY.bin");
  Bytes foreign = vector_file("cms/alice.crt.bin");
  NCRYPT_KEY_HANDLE key = 0;
  in_context("SmartCardKeyCertificate");
  NEED(import_blob(provider, &key, u"PKCS8_PRIVATEKEY", pkcs8, u"capi properties cert", 0));
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"SmartCardKeyCertificate"));
  CHECK_STATUS(NTE_BAD_DATA, NCryptSetProperty(key, u"SmartCardKeyCertificate", leaf.data, leaf.length - 1, 0));
  CHECK(NCryptSetProperty(key, u"SmartCardKeyCertificate", foreign.data, foreign.length, 0) != ERROR_SUCCESS);
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"SmartCardKeyCertificate"));
  CHECK_OK(NCryptSetProperty(key, u"SmartCardKeyCertificate", leaf.data, leaf.length, 0));
  CHECK(is_bytes(key, u"SmartCardKeyCertificate", leaf.data, leaf.length));
  CHECK_OK(NCryptFreeObject(key));
  NEED(NCryptOpenKey(provider, &key, u"capi properties cert", 0, 0));
  CHECK(is_bytes(key, u"SmartCardKeyCertificate", leaf.data, leaf.length));
  CHECK_OK(NCryptDeleteKey(key, 0));
  in_context("");
}

/* A key that may leave for an archive: once, and by the handle that made it. */
static void archiving(void) {
  Bytes blob = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin");
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  DWORD wanted = 0, got = 0;
  in_context("archiving");
  NEED(NCryptCreatePersistedKey(provider, &key, u"RSA", u"capi properties archive", 0, 0));
  NEED(set_number(key, u"Export Policy", NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG, 0));
  NEED(NCryptSetProperty(key, u"RSAPRIVATEBLOB", blob.data, blob.length, 0));
  if (NCryptFinalizeKey(key, 0) == NTE_NOT_SUPPORTED && !is_softhsm()) {
    leave_out("archiving");
    CHECK_OK(NCryptFreeObject(key));
    return;
  }
  NEED(NCryptOpenKey(provider, &other, u"capi properties archive", 0, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(other, 0, u"RSAPRIVATEBLOB", NULL, out, sizeof out, &got, 0));
  /* To ask for the size, and to come with too little, is not to export. */
  CHECK_OK(NCryptExportKey(key, 0, u"RSAPRIVATEBLOB", NULL, NULL, 0, &wanted, 0));
  CHECK_NUMBER(blob.length, wanted);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptExportKey(key, 0, u"RSAPRIVATEBLOB", NULL, out, wanted - 1, &got, 0));
  CHECK_OK(NCryptExportKey(key, 0, u"RSAPRIVATEBLOB", NULL, out, wanted, &got, 0));
  CHECK_BYTES(blob.data, blob.length, out, got);
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, u"RSAPRIVATEBLOB", NULL, out, sizeof out, &got, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, u"RSAPRIVATEBLOB", NULL, NULL, 0, &got, 0));
  CHECK_OK(NCryptFreeObject(other));
  CHECK_OK(NCryptDeleteKey(key, 0));
  in_context("");
}

/* What a handle alone knows, and no other. */
static void of_the_handle(void) {
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  ULONG_PTR window = 0x1234;
  BYTE iv[16] = {7, 7, 7};
  in_context("what a handle knows");
  NEED(import_blob(provider, &key, u"CipherKeyBlob", vector_file("aes256.CipherKeyBlob.bin"), u"capi properties handle", 0));
  CHECK_OK(set_text(key, u"Use Context", u"a context", 0));
  CHECK(is_text(key, u"Use Context", u"a context"));
  CHECK_OK(NCryptSetProperty(key, u"HWND Handle", (PBYTE)&window, sizeof window, 0));
  CHECK(is_bytes(key, u"HWND Handle", &window, sizeof window));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"HWND Handle", (PBYTE)&window, 4, 0));
  CHECK_OK(set_text(key, u"Chaining Mode", u"ChainingModeECB", 0));
  CHECK(is_text(key, u"Chaining Mode", u"ChainingModeECB"));
  CHECK_OK(set_text(key, u"Chaining Mode", u"ChainingModeGCM", 0));
  if (CHECK_OK(get(key, u"AuthTagLength"))) CHECK_NUMBER(12, length);
  CHECK_STATUS(NTE_INVALID_PARAMETER, set_text(key, u"Chaining Mode", u"ChainingModeXYZ", 0));
  CHECK_OK(set_text(key, u"Chaining Mode", u"ChainingModeCBC", 0));
  CHECK_STATUS(NTE_NOT_FOUND, get(key, u"AuthTagLength"));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"IV", iv, 15, 0));
  CHECK_OK(NCryptSetProperty(key, u"IV", iv, 16, 0));
  CHECK(is_bytes(key, u"IV", iv, 16));
  NEED(NCryptOpenKey(provider, &other, u"capi properties handle", 0, 0));
  CHECK_STATUS(NTE_NOT_FOUND, get(other, u"Use Context"));
  CHECK_STATUS(NTE_NOT_FOUND, get(other, u"HWND Handle"));
  CHECK_STATUS(NTE_NOT_FOUND, get(other, u"IV"));
  CHECK(is_text(other, u"Chaining Mode", u"ChainingModeCBC"));
  CHECK_OK(NCryptFreeObject(other));
  /* The IV of the handle is used where the call says none. */
  {
    BYTE plain[16] = "0123456789abcde", one[16], two[16];
    NCRYPT_CIPHER_PADDING_INFO info;
    DWORD got = 0;
    memset(&info, 0, sizeof info);
    info.cbSize = sizeof info;
    info.pbIV = iv;
    info.cbIV = sizeof iv;
    CHECK_OK(NCryptEncrypt(key, plain, 16, NULL, one, 16, &got, 0));
    CHECK_OK(NCryptEncrypt(key, plain, 16, &info, two, 16, &got, NCRYPT_PAD_CIPHER_FLAG));
    CHECK_BYTES(two, 16, one, 16);
  }
  CHECK_OK(NCryptDeleteKey(key, 0));
  in_context("");
}

/*
 * The rest of the names that Windows has, of a key that is kept and of the provider: what is the other's, can only be read or only be
 * set, is for a TPM or a card of Windows, or is nothing that a token says.
 */
static const struct {
  LPCWSTR name;
  SECURITY_STATUS key_get, key_set, provider_get, provider_set;
} OTHERS[] = {
    {u"Modified", NTE_NOT_FOUND, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Security Descr", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Use Count", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Enabled Use Count", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"ParameterSetName", NTE_NOT_FOUND, NTE_BAD_KEY_STATE, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"KEMSharedSecretLength", NTE_NOT_FOUND, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"KEM Shared Secret Length", NTE_NOT_FOUND, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"KEMCiphertextLength", NTE_NOT_FOUND, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardSecurePin", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardPinPrompt", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardReader", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_FOUND},
    {u"SmartCardReaderIcon", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardUserCertStore", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartcardRootCertStore", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardPinId", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardPinInfo", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"SmartCardGuid", ERROR_SUCCESS, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"SmartCardAssociatedECDHKey", NTE_NOT_FOUND, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"KDFKeySecret", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Virtual Iso", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Per Boot Key", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Key Access Policy", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Ephemeral Name", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"VBS_ROOT_PUB", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"KeyCertificateFromTpmNvram", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Impl Type", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"Version", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"Max Name Length", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"Security Descr Support", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"ECCCurveNameList", NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, ERROR_SUCCESS, NTE_NOT_SUPPORTED},
    {u"DHParameters", NTE_NOT_SUPPORTED, NTE_BAD_KEY_STATE, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
    {u"Provider Handle", ERROR_SUCCESS, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED, NTE_NOT_SUPPORTED},
};

static void others(void) {
  NCRYPT_KEY_HANDLE key = 0;
  const char *label = getenv("CNG11_TOKEN");
  WCHAR text[64];
  size_t at;
  in_context("other properties");
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), u"capi properties others", 0));
  for (at = 0; at < COUNT_OF(OTHERS); at++) {
    LPCWSTR name = OTHERS[at].name;
    NCRYPT_PROV_HANDLE given = 0;
    char shown[64];
    size_t unit = 0;
    for (; name[unit] != 0 && unit < 63; unit++) shown[unit] = (char)name[unit];
    shown[unit] = 0;
    in_context(shown);
    CHECK_STATUS(OTHERS[at].key_get, NCryptGetProperty(key, name, out, sizeof out, &length, 0));
    if (OTHERS[at].key_get == ERROR_SUCCESS && same_wide(name, u"Provider Handle")) {
      memcpy(&given, out, sizeof given);
      CHECK_OK(NCryptFreeObject(given));
    }
    CHECK_STATUS(OTHERS[at].key_set, set_text(key, name, u"x", 0));
    CHECK_STATUS(OTHERS[at].provider_get, NCryptGetProperty(provider, name, out, sizeof out, &length, 0));
    CHECK_STATUS(OTHERS[at].provider_set, set_text(provider, name, u"x", 0));
    in_context("");
  }
  /* The reader that can be set is the one that the token is in. */
  if (label != NULL && strlen(label) < 64) {
    for (at = 0; at <= strlen(label); at++) text[at] = (WCHAR)label[at];
    CHECK_OK(set_text(provider, u"SmartCardReader", text, 0));
  }
  CHECK_OK(NCryptDeleteKey(key, 0));
}

/* A PIN of the key is said, and never told. */
static void pin(void) {
  NCRYPT_KEY_HANDLE key = 0;
  in_context("SmartCardPin of a key");
  NEED(import_blob(provider, &key, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), NULL, 0));
  CHECK_OK(set_text(key, u"SmartCardPin", u"123456", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(key, u"SmartCardPin"));
  /* Not UTF-16. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptSetProperty(key, u"SmartCardPin", (PBYTE)wide(u"123456"), 5, 0));
  /* This key wants none: it is not looked at. */
  sign_and_verify(key, NULL, SHA256_OF_TEXT, 32, 0, 64);
  CHECK_OK(NCryptFreeObject(key));
  in_context("");
}

/* ---- the provider ------------------------------------------------------------------------------------ */

static void providers(void) {
  NCRYPT_PROV_HANDLE other = open_provider();
  const BCRYPT_ECC_CURVE_NAMES *curves;
  ULONG_PTR window = 0x1234;
  in_context("the provider");
  CHECK_OK(get(provider, u"Name"));
  CHECK(length > 2);
  if (CHECK_OK(get(provider, u"Impl Type"))) CHECK((number_at(out) & (NCRYPT_IMPL_HARDWARE_FLAG | NCRYPT_IMPL_SOFTWARE_FLAG)) != 0);
  if (CHECK_OK(get(provider, u"Max Name Length"))) CHECK(number_at(out) >= 100);
  CHECK_OK(get(provider, u"Version"));
  CHECK(is_number(provider, u"Security Descr Support", 0));
  CHECK(is_number(provider, u"Enabled Use Count", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(provider, u"Length"));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(provider, u"No such property"));
  CHECK_STATUS(NTE_NOT_SUPPORTED, get(provider, u"SmartCardPin"));
  CHECK_STATUS(NTE_NOT_FOUND, get(provider, u"Use Context"));
  CHECK_OK(set_text(provider, u"Use Context", u"a context", 0));
  CHECK(is_text(provider, u"Use Context", u"a context"));
  CHECK_OK(NCryptSetProperty(provider, u"HWND Handle", (PBYTE)&window, sizeof window, 0));
  CHECK(is_bytes(provider, u"HWND Handle", &window, sizeof window));
  /* Another handle is another provider. */
  CHECK_STATUS(NTE_NOT_FOUND, get(other, u"Use Context"));
  CHECK_OK(NCryptFreeObject(other));
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_text(provider, u"Name", u"x", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_text(provider, u"Version", u"x", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, set_text(provider, u"No such property", u"x", 0));
  CHECK_OK(get(provider, u"SmartCardGuid"));
  CHECK_NUMBER(16, length);
  /* A structure with pointers into the same buffer. */
  if (CHECK_OK(NCryptGetProperty(provider, u"ECCCurveNameList", NULL, 0, &length, 0)) && CHECK(length < sizeof out) &&
      CHECK_OK(NCryptGetProperty(provider, u"ECCCurveNameList", out, sizeof out, &length, 0))) {
    ULONG at;
    int found = 0;
    curves = (const BCRYPT_ECC_CURVE_NAMES *)(void *)out;
    if (CHECK((const BYTE *)curves->pEccCurveNames >= out && (const BYTE *)curves->pEccCurveNames < out + length)) {
      for (at = 0; at < curves->dwEccCurveNames; at++) {
        const BYTE *name = (const BYTE *)curves->pEccCurveNames[at];
        if (!CHECK(name >= out && name < out + length)) break;
        found |= same_wide(curves->pEccCurveNames[at], u"nistP256");
      }
      CHECK(found);
    }
  }
  in_context("");
}

/* The PIN of a token that is logged in already. What becomes of a wrong one is in scopes.c. */
static void provider_pin(void) {
  NCRYPT_PROV_HANDLE own_provider = open_provider();
  const char *pin_text = getenv("CNG11_PIN");
  WCHAR text[64];
  size_t at;
  in_context("SmartCardPin of the provider");
  if (pin_text == NULL || strlen(pin_text) >= 64) {
    leave_out("the PIN is in no variable");
    return;
  }
  for (at = 0; at <= strlen(pin_text); at++) text[at] = (WCHAR)pin_text[at];
  CHECK_OK(set_text(own_provider, u"SmartCardPin", text, 0));
  CHECK_OK(set_text(own_provider, u"SmartCardPin", text, NCRYPT_SILENT_FLAG));
  CHECK_OK(NCryptFreeObject(own_provider));
  in_context("");
}

int main(int count, char **arguments) {
  start(count, arguments);
  provider = open_provider();
  providers();
  keys();
  settings();
  own();
  ui_policy();
  provider_handle();
  certificate();
  archiving();
  of_the_handle();
  others();
  pin();
  provider_pin();
  CHECK_NUMBER(0, keys_named(provider, u"capi properties"));
  CHECK_OK(NCryptFreeObject(provider));
  return finish(arguments[0]);
}
