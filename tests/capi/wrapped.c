/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Keys that move encrypted under other keys, hImportKey and hExportKey: AES key wrap, RSA-AES key wrap, PKCS#7 envelopes,
 * OpaqueTransport. What was wrapped elsewhere comes in; what is wrapped here comes back; the wrapping key never leaves.
 */
#include "check.h"

#define ANY_EXPORT (NCRYPT_ALLOW_EXPORT_FLAG | NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG)

static NCRYPT_PROV_HANDLE provider;
static BYTE out[8192];
static DWORD length;

/* A KeyDataBlob around the bytes of a file: its header has no other content than the length. */
static Bytes key_data(const char *file) {
  Bytes raw = vector_file(file), blob;
  blob.length = raw.length + 12;
  blob.data = (BYTE *)allocate(blob.length);
  put_number(blob.data, BCRYPT_KEY_DATA_BLOB_MAGIC);
  put_number(blob.data + 4, BCRYPT_KEY_DATA_BLOB_VERSION1);
  put_number(blob.data + 8, raw.length);
  memcpy(blob.data + 12, raw.data, raw.length);
  return blob;
}

/* A key with a usage of its own, without a name. 0 if that fails. */
static NCRYPT_KEY_HANDLE key_with_usage(LPCWSTR type, Bytes blob, LPCWSTR algorithm, DWORD usage, DWORD policy) {
  NCRYPT_KEY_HANDLE key = 0;
  List list;
  memset(&list, 0, sizeof list);
  if (algorithm != NULL) list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, algorithm);
  if (!CHECK_OK(NCryptImportKey(provider, 0, type, &list.list, &key, blob.data, blob.length, NCRYPT_DO_NOT_FINALIZE_FLAG)))
    return 0;
  CHECK_OK(set_number(key, NCRYPT_KEY_USAGE_PROPERTY, usage, 0));
  if (policy != 0) CHECK_OK(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, policy, 0));
  if (CHECK_OK(NCryptFinalizeKey(key, 0))) return key;
  CHECK_OK(NCryptFreeObject(key));
  return 0;
}

static NCRYPT_KEY_HANDLE kek_of(const char *file, DWORD usage) {
  return key_with_usage(u"KeyDataBlob", key_data(file), u"AES", usage, 0);
}

/* Neither in the clear nor under itself or another one. */
static void stays(NCRYPT_KEY_HANDLE kek, LPCWSTR clear, LPCWSTR wrapped) {
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(kek, 0, clear, NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(kek, kek, wrapped, NULL, out, sizeof out, &length, 0));
}

/* ---- RFC 3394 ----------------------------------------------------------------------------------- */

static void aes_key_wrap(void) {
  static const struct {
    const char *kek, *wrapped, *raw;
  } VECTORS[] = {
      {"kek128.raw.bin", "aes128.kek128.Rfc3565KeyWrapBlob.bin", "aes128.raw.bin"},
      {"kek256.raw.bin", "aes128.kek256.Rfc3565KeyWrapBlob.bin", "aes128.raw.bin"},
      {"kek256.raw.bin", "aes192.kek256.Rfc3565KeyWrapBlob.bin", "aes192.raw.bin"},
      {"kek256.raw.bin", "aes256.kek256.Rfc3565KeyWrapBlob.bin", "aes256.raw.bin"},
      {"published/rfc3394-4.1.kek.raw.bin", "published/rfc3394-4.1.Rfc3565KeyWrapBlob.bin", "published/rfc3394-4.1.raw.bin"},
      {"published/wine-test-keywrap.kek.raw.bin", "published/wine-test-keywrap.Rfc3565KeyWrapBlob.bin",
       "published/wine-test-keywrap.raw.bin"},
  };
  size_t at;
  for (at = 0; at < sizeof VECTORS / sizeof VECTORS[0]; at++) {
    NCRYPT_KEY_HANDLE kek = kek_of(VECTORS[at].kek, NCRYPT_ALLOW_KEY_IMPORT_FLAG), key = 0, other, wrong;
    Bytes wrapped = vector_file(VECTORS[at].wrapped), blob, clear = key_data(VECTORS[at].raw);
    SECURITY_STATUS status;
    List list;
    in_context(VECTORS[at].wrapped);
    if (kek == 0) return;
    memset(&list, 0, sizeof list);
    list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, u"AES");
    list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi wrapped");
    /* In, under a name. */
    NEED(NCryptImportKey(provider, kek, u"Rfc3565KeyWrapBlob", &list.list, &key, wrapped.data, wrapped.length,
                         NCRYPT_DO_NOT_FINALIZE_FLAG));
    NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, 0));
    NEED(NCryptFinalizeKey(key, 0));
    CHECK_OK(NCryptFreeObject(key));
    NEED(NCryptOpenKey(provider, &key, u"capi wrapped", 0, 0));
    blob = export_blob(key, 0, u"CipherKeyBlob", NULL, &status);
    if (CHECK_OK(status)) {
      /* Header, the name AES with its NUL, the KeyDataBlob. */
      CHECK_BYTES(clear.data, clear.length, blob.data + 24, blob.length - 24);
    }
    /* Out again: the bytes that another program wrote. */
    blob = export_blob(key, kek, u"Rfc3565KeyWrapBlob", NULL, &status);
    if (CHECK_OK(status)) CHECK_BYTES(wrapped.data, wrapped.length, blob.data, blob.length);
    stays(kek, u"CipherKeyBlob", u"Rfc3565KeyWrapBlob");
    CHECK_OK(NCryptDeleteKey(key, 0));

    /* What was changed on the way, cut off, or wrapped under another key. */
    list.list.cBuffers = 1;
    wrapped.data[3] ^= 1;
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, kek, u"Rfc3565KeyWrapBlob", &list.list, &other, wrapped.data, wrapped.length, 0));
    wrapped.data[3] ^= 1;
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, kek, u"Rfc3565KeyWrapBlob", &list.list, &other, wrapped.data, wrapped.length - 1, 0));
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, kek, u"Rfc3565KeyWrapBlob", &list.list, &other, wrapped.data, wrapped.length - 8, 0));
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, kek, u"Rfc3565KeyWrapBlob", &list.list, &other, wrapped.data, 0, 0));
    wrong = kek_of("aes256.raw.bin", NCRYPT_ALLOW_KEY_IMPORT_FLAG);
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, wrong, u"Rfc3565KeyWrapBlob", &list.list, &other, wrapped.data, wrapped.length, 0));
    CHECK_OK(NCryptFreeObject(wrong));
    /* Without the key it is nothing. */
    CHECK(NCryptImportKey(provider, 0, u"Rfc3565KeyWrapBlob", &list.list, &other, wrapped.data, wrapped.length, 0) != ERROR_SUCCESS);
    CHECK_OK(NCryptFreeObject(kek));
  }
  in_context("");
}

/* Who may wrap, and who may be wrapped. */
static void rights(void) {
  NCRYPT_KEY_HANDLE kek, decrypts, fixed, wrapped_only;
  Bytes blob = vector_file("aes256.kek256.Rfc3565KeyWrapBlob.bin");
  NCRYPT_KEY_HANDLE key = 0;
  List list;
  in_context("rights");
  memset(&list, 0, sizeof list);
  list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, u"AES");
  kek = kek_of("kek256.raw.bin", NCRYPT_ALLOW_KEY_IMPORT_FLAG);
  decrypts = kek_of("kek256.raw.bin", NCRYPT_ALLOW_DECRYPT_FLAG);
  fixed = key_with_usage(u"KeyDataBlob", key_data("aes256.raw.bin"), u"AES", NCRYPT_ALLOW_DECRYPT_FLAG, 0);
  wrapped_only =
      key_with_usage(u"KeyDataBlob", key_data("aes256.raw.bin"), u"AES", NCRYPT_ALLOW_DECRYPT_FLAG, NCRYPT_ALLOW_EXPORT_FLAG);
  if (kek == 0 || decrypts == 0 || fixed == 0 || wrapped_only == 0) return;
  CHECK_NUMBER(NCRYPT_ALLOW_KEY_IMPORT_FLAG, number_property(kek, u"Key Usage"));
  /* A key whose usage does not say it unwraps nothing and wraps nothing. */
  CHECK_STATUS(NTE_PERM, NCryptImportKey(provider, decrypts, u"Rfc3565KeyWrapBlob", &list.list, &key, blob.data, blob.length, 0));
  CHECK_STATUS(NTE_PERM, NCryptExportKey(wrapped_only, decrypts, u"Rfc3565KeyWrapBlob", NULL, out, sizeof out, &length, 0));
  /* What may leave wrapped leaves wrapped alone; what may not stays. */
  CHECK_OK(NCryptExportKey(wrapped_only, kek, u"Rfc3565KeyWrapBlob", NULL, out, sizeof out, &length, 0));
  CHECK_BYTES(blob.data, blob.length, out, length);
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(wrapped_only, 0, u"CipherKeyBlob", NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(fixed, kek, u"Rfc3565KeyWrapBlob", NULL, out, sizeof out, &length, 0));
  /* A type that is never wrapped. */
  CHECK(NCryptExportKey(wrapped_only, kek, u"CipherKeyBlob", NULL, out, sizeof out, &length, 0) != ERROR_SUCCESS);
  CHECK_OK(NCryptFreeObject(kek));
  CHECK_OK(NCryptFreeObject(decrypts));
  CHECK_OK(NCryptFreeObject(fixed));
  CHECK_OK(NCryptFreeObject(wrapped_only));
  in_context("");
}

/* ---- RSA-AES -------------------------------------------------------------------------------------- */

static void rsa_aes(void) {
  static const struct {
    LPCWSTR algorithm;
    const char *wrapped;
    /* the same key in the clear */
    LPCWSTR type;
    const char *clear;
  } VECTORS[] = {
      {u"AES", "more/aes256-more.rsa2048-sha1.PKCS11RsaAesWrapBlob.bin", u"CipherKeyBlob", "more/aes256-more.CipherKeyBlob.bin"},
      {u"AES", "more/aes128-more.rsa2048-sha1.PKCS11RsaAesWrapBlob.bin", u"CipherKeyBlob", "more/aes128-more.CipherKeyBlob.bin"},
      {u"AES", "more/aes256-more.rsa2048-sha256.PKCS11RsaAesWrapBlob.bin", u"CipherKeyBlob", "more/aes256-more.CipherKeyBlob.bin"},
      {u"ECDSA_P256", "more/nistP256.rsa2048-sha1.PKCS11RsaAesWrapBlob.bin", u"PKCS8_PRIVATEKEY", NULL},
      {u"ECDSA_P521", "more/nistP521.rsa2048-sha1.PKCS11RsaAesWrapBlob.bin", u"PKCS8_PRIVATEKEY", NULL},
  };
  NCRYPT_KEY_HANDLE kek, key = 0, again = 0;
  Bytes blob;
  SECURITY_STATUS status;
  size_t at;
  List list;
  in_context("RSA-AES key wrap");
  kek = key_with_usage(u"CAPIPRIVATEBLOB", vector_file("more/rsa2048.CAPIPRIVATEBLOB.bin"), NULL, NCRYPT_ALLOW_KEY_IMPORT_FLAG, 0);
  if (kek == 0) return;
  for (at = 0; at < sizeof VECTORS / sizeof VECTORS[0]; at++) {
    blob = vector_file(VECTORS[at].wrapped);
    in_context(VECTORS[at].wrapped);
    memset(&list, 0, sizeof list);
    list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, VECTORS[at].algorithm);
    status = NCryptImportKey(provider, kek, u"PKCS11RsaAesWrapBlob", &list.list, &key, blob.data, blob.length,
                             NCRYPT_DO_NOT_FINALIZE_FLAG);
    if (status == ERROR_SUCCESS) {
      NEED(set_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, ANY_EXPORT, 0));
      status = NCryptFinalizeKey(key, 0);
      if (status != ERROR_SUCCESS) CHECK_OK(NCryptFreeObject(key));
    }
    if (status == NTE_NOT_SUPPORTED && strstr(VECTORS[at].wrapped, "sha256") != NULL) {
      leave_out("RSA-OAEP with SHA-256");
      continue;
    }
    NEED(status);
    CHECK(has_text(key, u"Algorithm Name", VECTORS[at].algorithm));
    if (VECTORS[at].clear != NULL) {
      CHECK_EXPORT(key, VECTORS[at].type, vector_file(VECTORS[at].clear));
    } else {
      sign_and_verify(key, NULL, SHA256_OF_TEXT, 32, 0, VECTORS[at].algorithm[7] == u'2' ? 64 : 132);
    }
    CHECK_OK(NCryptFreeObject(key));
    /* Another algorithm than is inside. */
    list.list.cBuffers = 0;
    list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, VECTORS[at].algorithm[0] == u'A' ? u"ECDSA_P384" : u"AES");
    CHECK(NCryptImportKey(provider, kek, u"PKCS11RsaAesWrapBlob", &list.list, &key, blob.data, blob.length, 0) != ERROR_SUCCESS);
  }

  in_context("RSA-AES key wrap, there and back");
  memset(&list, 0, sizeof list);
  key = key_with_usage(u"ECCPRIVATEBLOB", vector_file("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin"), NULL, NCRYPT_ALLOW_SIGNING_FLAG, ANY_EXPORT);
  if (key == 0) return;
  list_text(&list, NCRYPTBUFFER_PKCS_PADDING_ALGO, u"SHA1");
  blob = export_blob(key, kek, u"PKCS11RsaAesWrapBlob", &list, &status);
  if (CHECK_OK(status)) {
    DWORD wrapped = number_at(blob.data + 4);
    CHECK_NUMBER(BCRYPT_PKCS11_RSA_AES_WRAP_BLOB_MAGIC, number_at(blob.data));
    CHECK_NUMBER(wide_size(u"SHA1"), number_at(blob.data + 8));
    CHECK_NUMBER(0, number_at(blob.data + 12));
    CHECK_NUMBER(16 + wrapped + 10, blob.length);
    CHECK(wrapped + 26 == blob.length && is_wide(blob.data + 16 + wrapped, 10, u"SHA1"));
    list.list.cBuffers = 0;
    list_text(&list, NCRYPTBUFFER_PKCS_ALG_ID, u"ECDSA_P256");
    list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi wrapped back");
    NEED(NCryptImportKey(provider, kek, u"PKCS11RsaAesWrapBlob", &list.list, &again, blob.data, blob.length, 0));
    CHECK_NUMBER(0, number_property(again, u"Export Policy"));
    CHECK_EXPORT(again, u"ECCPUBLICBLOB", vector_file("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin"));
    sign_and_verify(again, NULL, SHA256_OF_TEXT, 32, 0, 64);
    CHECK_OK(NCryptDeleteKey(again, 0));
    blob.data[20] ^= 1;
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, kek, u"PKCS11RsaAesWrapBlob", &list.list, &again, blob.data, blob.length, 0));
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, kek, u"PKCS11RsaAesWrapBlob", &list.list, &again, blob.data, blob.length - 1, 0));
  }
  stays(kek, u"RSAPRIVATEBLOB", u"PKCS11RsaAesWrapBlob");
  CHECK_OK(NCryptFreeObject(key));
  CHECK_OK(NCryptFreeObject(kek));
  in_context("");
}

/* ---- PKCS#7 --------------------------------------------------------------------------------------- */

/* For the holders of certificates; a holder is found on the token by what the certificate says. */
static void envelopes(void) {
  NCRYPT_KEY_HANDLE holder = 0, key = 0, again = 0;
  Bytes store = vector_file("cms/two.certstore.bin"), pkcs8 = vector_file("cms/alice.pkcs8.bin"), blob;
  SECURITY_STATUS status;
  List list;
  in_context("PKCS#7 envelopes");
  memset(&list, 0, sizeof list);
  list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi wrapped alice");
  NEED(NCryptImportKey(provider, 0, u"PKCS8_PRIVATEKEY", &list.list, &holder, pkcs8.data, pkcs8.length, NCRYPT_DO_NOT_FINALIZE_FLAG));
  NEED(set_number(holder, NCRYPT_KEY_USAGE_PROPERTY, NCRYPT_ALLOW_KEY_IMPORT_FLAG | NCRYPT_ALLOW_DECRYPT_FLAG, 0));
  NEED(NCryptFinalizeKey(holder, 0));
  key = key_with_usage(u"ECCPRIVATEBLOB", vector_file("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin"), NULL, NCRYPT_ALLOW_SIGNING_FLAG, ANY_EXPORT);
  if (key == 0) return;
  memset(&list, 0, sizeof list);
  list_add(&list, NCRYPTBUFFER_CERT_BLOB, store.data, store.length);
  list_add(&list, NCRYPTBUFFER_PKCS_ALG_OID, szOID_NIST_AES256_CBC, sizeof szOID_NIST_AES256_CBC);
  blob = export_blob(key, 0, u"PKCS7_ENVELOPE", &list, &status);
  if (CHECK_OK(status)) {
    List in;
    /* SEQUENCE, OBJECT IDENTIFIER: a ContentInfo. */
    CHECK(blob.length > 20 && blob.data[0] == 0x30);
    memset(&in, 0, sizeof in);
    list_add(&in, NCRYPTBUFFER_CERT_BLOB, store.data, store.length);
    list_text(&in, NCRYPTBUFFER_PKCS_KEY_NAME, u"capi wrapped letter");
    NEED(NCryptImportKey(provider, 0, u"PKCS7_ENVELOPE", &in.list, &again, blob.data, blob.length, 0));
    CHECK_EXPORT(again, u"ECCPUBLICBLOB", vector_file("ec-nistP384.ECDSA.ECCPUBLICBLOB.bin"));
    sign_and_verify(again, NULL, SHA384_OF_TEXT, 48, 0, 96);
    CHECK_OK(NCryptDeleteKey(again, 0));
    /* By its handle. */
    NEED(NCryptImportKey(provider, holder, u"PKCS7_ENVELOPE", NULL, &again, blob.data, blob.length, 0));
    CHECK_EXPORT(again, u"ECCPUBLICBLOB", vector_file("ec-nistP384.ECDSA.ECCPUBLICBLOB.bin"));
    CHECK_OK(NCryptFreeObject(again));
    CHECK_STATUS(NTE_BAD_DATA, NCryptImportKey(provider, holder, u"PKCS7_ENVELOPE", NULL, &again, blob.data, blob.length - 1, 0));
  }
  /* Nobody to encrypt for; certificates that are none; a store without any. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptExportKey(key, 0, u"PKCS7_ENVELOPE", NULL, out, sizeof out, &length, 0));
  list.list.cBuffers = 0;
  list_add(&list, NCRYPTBUFFER_CERT_BLOB, store.data, store.length - 1);
  CHECK(NCryptExportKey(key, 0, u"PKCS7_ENVELOPE", &list.list, out, sizeof out, &length, 0) != ERROR_SUCCESS);
  list.list.cBuffers = 0;
  store = vector_file("cms/none.certstore.bin");
  list_add(&list, NCRYPTBUFFER_CERT_BLOB, store.data, store.length);
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptExportKey(key, 0, u"PKCS7_ENVELOPE", &list.list, out, sizeof out, &length, 0));
  CHECK_OK(NCryptFreeObject(key));
  CHECK_OK(NCryptDeleteKey(holder, 0));
  in_context("");
}

/* ---- OpaqueTransport ------------------------------------------------------------------------------ */

static void transport(void) {
  NCRYPT_KEY_HANDLE kek, key = 0, again = 0;
  Bytes blob = vector_file("transport/aes256.aes.OpaqueTransport.bin");
  SECURITY_STATUS status;
  in_context("OpaqueTransport");
  kek = kek_of("transport/kek.raw.bin", NCRYPT_ALLOW_KEY_IMPORT_FLAG);
  if (kek == 0) return;
  /* It brings its name, its policy and its usage. */
  NEED(NCryptImportKey(provider, kek, u"OpaqueTransport", NULL, &key, blob.data, blob.length, 0));
  CHECK(has_text(key, u"Name", u"example AES key"));
  CHECK_NUMBER(NCRYPT_ALLOW_EXPORT_FLAG, number_property(key, u"Export Policy"));
  CHECK_NUMBER(NCRYPT_ALLOW_DECRYPT_FLAG, number_property(key, u"Key Usage"));
  CHECK_STATUS(NTE_EXISTS, NCryptImportKey(provider, kek, u"OpaqueTransport", NULL, &again, blob.data, blob.length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(key, 0, u"CipherKeyBlob", NULL, out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptExportKey(key, 0, u"OpaqueTransport", NULL, out, sizeof out, &length, 0));
  /* There and back. */
  blob = export_blob(key, kek, u"OpaqueTransport", NULL, &status);
  if (CHECK_OK(status)) {
    CHECK_OK(NCryptDeleteKey(key, 0));
    NEED(NCryptImportKey(provider, kek, u"OpaqueTransport", NULL, &key, blob.data, blob.length, 0));
    CHECK(has_text(key, u"Name", u"example AES key"));
    CHECK_NUMBER(NCRYPT_ALLOW_EXPORT_FLAG, number_property(key, u"Export Policy"));
  }
  blob.data[blob.length - 3] ^= 1;
  CHECK(NCryptImportKey(provider, kek, u"OpaqueTransport", NULL, &again, blob.data, blob.length, NCRYPT_OVERWRITE_KEY_FLAG) != ERROR_SUCCESS);
  CHECK(has_text(key, u"Name", u"example AES key"));
  CHECK_OK(NCryptDeleteKey(key, 0));
  /* Without the key. */
  CHECK(NCryptImportKey(provider, 0, u"OpaqueTransport", NULL, &again, blob.data, blob.length, 0) != ERROR_SUCCESS);
  stays(kek, u"CipherKeyBlob", u"OpaqueTransport");
  CHECK_OK(NCryptFreeObject(kek));
  in_context("");
}

int main(int count, char **arguments) {
  start(count, arguments);
  provider = open_provider();
  aes_key_wrap();
  rights();
  rsa_aes();
  envelopes();
  transport();
  CHECK_NUMBER(0, keys_named(provider, u"capi wrapped"));
  CHECK_OK(NCryptFreeObject(provider));
  return finish(arguments[0]);
}
