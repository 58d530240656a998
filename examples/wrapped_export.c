/*
 * A key leaves the token wrapped under another key, and comes back: it is never seen outside the token.
 *
 *   cc $(pkg-config --cflags cng11) -o wrapped_export wrapped_export.c $(pkg-config --libs cng11)
 *   scripts/softhsm -- ./wrapped_export
 *
 * Which token, and the PIN, come from CNG11_MODULE, CNG11_TOKEN and CNG11_PIN_SOURCE, as with the command cng11. All keys are deleted at the end.
 */
#include <windows.h>

#include <ncrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEK_NAME u"example-wrapped-export-kek"
#define KEY_NAME u"example-wrapped-export-key"
#define COPY_NAME u"example-wrapped-export-copy"

static int is(const char *what, SECURITY_STATUS status) {
  if (status == ERROR_SUCCESS) {
    printf("%s\n", what);
    return 1;
  }
  fprintf(stderr, "%s: 0x%08X: %s\n", what, (unsigned)status, cng11_last_error());
  return 0;
}

static int set_number(NCRYPT_KEY_HANDLE key, LPCWSTR property, DWORD value) {
  return is("   one of its properties", NCryptSetProperty(key, property, (PBYTE)&value, sizeof(value), 0));
}

/* The parameter list that gives a key its name. */
static NCryptBufferDesc named(NCryptBuffer *buffer, LPCWSTR name, size_t bytes) {
  NCryptBufferDesc list = {NCRYPTBUFFER_VERSION, 1, buffer};
  buffer->cbBuffer = (ULONG)bytes;
  buffer->BufferType = NCRYPTBUFFER_PKCS_KEY_NAME;
  buffer->pvBuffer = (PVOID)name;
  return list;
}

/* An AES key that the other side has too, and may do nothing but wrap: a key that could decrypt as well would show what it wraps. */
static int import_kek(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE *kek) {
  /* A CipherKeyBlob: its header, the algorithm's name, and inside a KeyDataBlob. */
  struct {
    NCRYPT_KEY_BLOB_HEADER outer;
    WCHAR algorithm[4];
    BCRYPT_KEY_DATA_BLOB_HEADER inner;
    BYTE key[32];
  } blob = {{sizeof(NCRYPT_KEY_BLOB_HEADER), NCRYPT_CIPHER_KEY_BLOB_MAGIC, 8, 12 + 32},
            {u'A', u'E', u'S', 0},
            {BCRYPT_KEY_DATA_BLOB_MAGIC, BCRYPT_KEY_DATA_BLOB_VERSION1, 32},
            {0}};
  NCryptBuffer buffer;
  NCryptBufferDesc list = named(&buffer, KEK_NAME, sizeof(KEK_NAME));
  int good = is("1. 32 bytes, made here this once", BCryptGenRandom(NULL, blob.key, sizeof(blob.key), BCRYPT_USE_SYSTEM_PREFERRED_RNG)) &&
             is("2. as a blob, not on the token yet",
                NCryptImportKey(provider, 0, NCRYPT_CIPHER_KEY_BLOB, &list, kek, (PBYTE)&blob, sizeof(blob), NCRYPT_DO_NOT_FINALIZE_FLAG)) &&
             set_number(*kek, NCRYPT_KEY_USAGE_PROPERTY, NCRYPT_ALLOW_KEY_IMPORT_FLAG) && is("3. onto the token", NCryptFinalizeKey(*kek, 0));
  /* Which a compiler does not leave out. */
  SecureZeroMemory(&blob, sizeof(blob));
  return good;
}

static int make_key(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE *key) {
  DWORD bits = 2048;
  return is("4. an RSA key", NCryptCreatePersistedKey(provider, key, BCRYPT_RSA_ALGORITHM, KEY_NAME, 0, 0)) &&
         set_number(*key, NCRYPT_LENGTH_PROPERTY, bits) && set_number(*key, NCRYPT_EXPORT_POLICY_PROPERTY, NCRYPT_ALLOW_EXPORT_FLAG) &&
         set_number(*key, NCRYPT_KEY_USAGE_PROPERTY, NCRYPT_ALLOW_SIGNING_FLAG) &&
         is("5. made by the token, on the token", NCryptFinalizeKey(*key, 0));
}

/* Out and in again: PKCS8_PRIVATEKEY under an AES key is RFC 5649 (AES key wrap with padding). */
static int out_and_in(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE kek, NCRYPT_KEY_HANDLE key, NCRYPT_KEY_HANDLE *copy) {
  NCryptBuffer buffer;
  NCryptBufferDesc list = named(&buffer, COPY_NAME, sizeof(COPY_NAME));
  DWORD size = 0, refused = 0;
  BYTE *wrapped;
  int good;

  if (!is("6. how long it will be", NCryptExportKey(key, kek, NCRYPT_PKCS8_PRIVATE_KEY_BLOB, NULL, NULL, 0, &size, 0))) return 0;
  wrapped = (BYTE *)malloc(size);
  if (wrapped == NULL) return 0;
  good = is("7. wrapped by the token", NCryptExportKey(key, kek, NCRYPT_PKCS8_PRIVATE_KEY_BLOB, NULL, wrapped, size, &size, 0));
  if (good) printf("   %u bytes\n", (unsigned)size);
  if (good && NCryptExportKey(key, 0, NCRYPT_PKCS8_PRIVATE_KEY_BLOB, NULL, NULL, 0, &refused, 0) != NTE_NOT_SUPPORTED) {
    fprintf(stderr, "its policy lets it leave in the clear\n");
    good = 0;
  }
  good = good &&
         is("8. another key, opened with the first by the token",
            NCryptImportKey(provider, kek, NCRYPT_PKCS8_PRIVATE_KEY_BLOB, &list, copy, wrapped, size, NCRYPT_DO_NOT_FINALIZE_FLAG)) &&
         set_number(*copy, NCRYPT_EXPORT_POLICY_PROPERTY, NCRYPT_ALLOW_EXPORT_FLAG) &&
         set_number(*copy, NCRYPT_KEY_USAGE_PROPERTY, NCRYPT_ALLOW_SIGNING_FLAG) && is("9. onto the token", NCryptFinalizeKey(*copy, 0));
  free(wrapped);
  return good;
}

/* What one of them signs the other verifies. */
static int same(NCRYPT_KEY_HANDLE key, NCRYPT_KEY_HANDLE copy) {
  BCRYPT_PSS_PADDING_INFO padding = {BCRYPT_SHA256_ALGORITHM, 32};
  BYTE digest[32] = {1, 2, 3}, signature[256];
  DWORD size = 0;
  return is("10. signed by the copy",
            NCryptSignHash(copy, &padding, digest, sizeof(digest), signature, sizeof(signature), &size, NCRYPT_PAD_PSS_FLAG)) &&
         is("11. verified by the first",
            NCryptVerifySignature(key, &padding, digest, sizeof(digest), signature, size, NCRYPT_PAD_PSS_FLAG));
}

static int drop(NCRYPT_KEY_HANDLE key) {
  if (key == 0) return 1;
  if (is("12. deleted", NCryptDeleteKey(key, 0))) return 1;
  NCryptFreeObject(key);
  return 0;
}

int main(void) {
  NCRYPT_PROV_HANDLE provider = 0;
  NCRYPT_KEY_HANDLE kek = 0, key = 0, copy = 0;
  int good;

  if (!is("0. the token", NCryptOpenStorageProvider(&provider, NULL, 0))) return 1;
  good = import_kek(provider, &kek) && make_key(provider, &key) && out_and_in(provider, kek, key, &copy) && same(key, copy);
  good = drop(copy) && good;
  good = drop(key) && good;
  good = drop(kek) && good;
  NCryptFreeObject(provider);
  return good ? 0 : 1;
}
