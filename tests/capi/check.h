/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the C test programs have in common: checks that count, vectors, and calls that every program makes.
 *
 * A program is run as `program FOLDER [...]`, FOLDER being tests/vectors, with a throwaway token in its environment
 * (scripts/capi test). It exits with 1 when a check failed or none was made, and with 2 when it could not run at all.
 * Written for C11 and C++17 alike.
 */
#ifndef CNG11_TESTS_CHECK_H
#define CNG11_TESTS_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cng11/ncrypt.h>

/* ---- checks --------------------------------------------------------------------------------- */

static unsigned long checks_made, checks_failed, left_out;
static const char *context = "";

/* Where in a table the program is: a failure says it. */
static inline void in_context(const char *text) { context = text; }

static inline void complain(const char *file, int line, const char *what) {
  const char *last = cng11_last_error();
  __atomic_add_fetch(&checks_failed, 1, __ATOMIC_RELAXED);
  fprintf(stderr, "%s:%d: FAILED: %s\n", file, line, what);
  if (context[0] != 0) fprintf(stderr, "    in: %s\n", context);
  fprintf(stderr, "    last error of the library: %s\n", last == NULL ? "(NULL)" : last);
}

static inline int check_that(int holds, const char *what, const char *file, int line) {
  __atomic_add_fetch(&checks_made, 1, __ATOMIC_RELAXED);
  if (!holds) complain(file, line, what);
  return holds;
}

static inline int check_status(LONG got, LONG wanted, const char *what, const char *file, int line) {
  char text[1024];
  snprintf(text, sizeof text, "%s\n    got 0x%08lX, expected 0x%08lX", what, (unsigned long)(DWORD)got,
           (unsigned long)(DWORD)wanted);
  return check_that(got == wanted, text, file, line);
}

static inline int check_either(LONG got, LONG one, LONG other, const char *what, const char *file, int line) {
  char text[1024];
  snprintf(text, sizeof text, "%s\n    got 0x%08lX, expected 0x%08lX or 0x%08lX", what, (unsigned long)(DWORD)got,
           (unsigned long)(DWORD)one, (unsigned long)(DWORD)other);
  return check_that(got == one || got == other, text, file, line);
}

static inline int check_number(unsigned long got, unsigned long wanted, const char *what, const char *file, int line) {
  char text[1024];
  snprintf(text, sizeof text, "%s\n    got %lu (0x%lX), expected %lu (0x%lX)", what, got, got, wanted, wanted);
  return check_that(got == wanted, text, file, line);
}

static inline int check_bytes(const void *got, size_t got_length, const void *wanted, size_t wanted_length,
                              const char *what, const char *file, int line) {
  char text[1024];
  size_t at = 0, shorter = got_length < wanted_length ? got_length : wanted_length;
  while (at < shorter && ((const BYTE *)got)[at] == ((const BYTE *)wanted)[at]) at++;
  snprintf(text, sizeof text, "%s\n    %lu bytes, expected %lu; they differ at %lu", what, (unsigned long)got_length,
           (unsigned long)wanted_length, (unsigned long)at);
  return check_that(at == got_length && at == wanted_length, text, file, line);
}

#define CHECK(EXPRESSION) check_that((EXPRESSION) ? 1 : 0, #EXPRESSION, __FILE__, __LINE__)
#define CHECK_STATUS(WANTED, CALL) check_status((CALL), (LONG)(WANTED), #CALL, __FILE__, __LINE__)
#define CHECK_OK(CALL) CHECK_STATUS(ERROR_SUCCESS, CALL)
#define CHECK_EITHER(ONE, OTHER, CALL) check_either((CALL), (LONG)(ONE), (LONG)(OTHER), #CALL, __FILE__, __LINE__)
#define CHECK_NUMBER(WANTED, GOT) check_number((unsigned long)(GOT), (unsigned long)(WANTED), #GOT, __FILE__, __LINE__)
#define CHECK_BYTES(WANTED, WANTED_LENGTH, GOT, GOT_LENGTH) \
  check_bytes((GOT), (GOT_LENGTH), (WANTED), (WANTED_LENGTH), #GOT, __FILE__, __LINE__)
/* What the rest of the function needs. */
#define NEED(CALL) \
  do { \
    if (!CHECK_OK(CALL)) return; \
  } while (0)

/* What this token does not have. It is said and counted; it is no check. */
static inline void leave_out(const char *what) {
  left_out++;
  printf("left out, the token does not have it: %s%s%s\n", context, context[0] != 0 ? ": " : "", what);
}

/* Whether the token is one of SoftHSM2, by what runs the program. */
static inline int is_softhsm(void) {
  const char *token = getenv("CNG11_TEST_TOKEN");
  return token == NULL || strcmp(token, "kryoptic") != 0;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

typedef struct {
  BYTE *data;
  DWORD length;
} Bytes;

#define MAX_ALLOCATED 65536
static void *allocated[MAX_ALLOCATED];
static size_t allocations;
static const char *vectors_folder;

/* Freed by finish(). */
static inline void *allocate(size_t length) {
  void *memory = calloc(1, length == 0 ? 1 : length);
  if (memory == NULL || allocations == MAX_ALLOCATED) {
    fprintf(stderr, "out of memory\n");
    exit(2);
  }
  allocated[allocations++] = memory;
  return memory;
}

static inline Bytes bytes_of(const void *data, size_t length) {
  Bytes bytes;
  bytes.data = (BYTE *)allocate(length);
  bytes.length = (DWORD)length;
  if (length != 0) memcpy(bytes.data, data, length);
  return bytes;
}

/* A file of tests/vectors. */
static inline Bytes vector_file(const char *name) {
  char path[1024];
  static BYTE read[65536];
  FILE *file;
  size_t length;
  snprintf(path, sizeof path, "%s/%s", vectors_folder, name);
  file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "%s: cannot be opened\n", path);
    exit(2);
  }
  length = fread(read, 1, sizeof read, file);
  fclose(file);
  return bytes_of(read, length);
}

static inline DWORD wide_size(LPCWSTR text) {
  DWORD length = 0;
  while (text[length] != 0) length++;
  return 2 * (length + 1);
}

static inline LPWSTR wide(LPCWSTR text) { return (LPWSTR)(ULONG_PTR)text; }

static inline int is_wide(const void *got, DWORD length, LPCWSTR wanted) {
  return length == wide_size(wanted) && memcmp(got, wanted, length) == 0;
}

static inline DWORD number_at(const BYTE *data) {
  return (DWORD)data[0] | (DWORD)data[1] << 8 | (DWORD)data[2] << 16 | (DWORD)data[3] << 24;
}

static inline void put_number(BYTE *data, DWORD number) {
  int at;
  for (at = 0; at < 4; at++) data[at] = (BYTE)(number >> 8 * at);
}

/* ---- the text that openssl signed for tests/vectors/signatures ---------------------------------- */

static const BYTE SHA1_OF_TEXT[20] = {
    0xc5, 0x15, 0xb8, 0x81, 0xcd, 0xfd, 0xd9, 0x8e, 0xfa, 0x80, 0xb6, 0x1d, 0x19, 0xb6, 0x01, 0x56,
    0x9b, 0x6a, 0x1d, 0x9c};
static const BYTE SHA256_OF_TEXT[32] = {
    0x85, 0xad, 0x8a, 0x4a, 0x6a, 0x9c, 0x96, 0xf6, 0xbb, 0x7f, 0xe5, 0x20, 0x1f, 0xb5, 0xc4, 0xc4,
    0x63, 0x00, 0x07, 0x57, 0xe8, 0xba, 0x27, 0x4a, 0x18, 0x42, 0x41, 0xa3, 0x8a, 0xb1, 0x16, 0xb0};
static const BYTE SHA384_OF_TEXT[48] = {
    0x77, 0xcd, 0x72, 0x71, 0xc2, 0x6f, 0x15, 0x14, 0x83, 0x43, 0x13, 0xcf, 0xc2, 0x14, 0xc7, 0x3f,
    0xe6, 0x95, 0x34, 0xb8, 0xe8, 0xf4, 0x1c, 0xcd, 0xf2, 0x4a, 0x67, 0x70, 0x0e, 0xf0, 0xe2, 0xc9,
    0x55, 0x41, 0xa0, 0x93, 0xa4, 0xc7, 0x83, 0x9e, 0x93, 0x32, 0x3b, 0xe0, 0xc6, 0x8d, 0x4f, 0xd6};
static const BYTE SHA512_OF_TEXT[64] = {
    0x4b, 0xe4, 0x42, 0xd4, 0x5c, 0x22, 0xf9, 0xad, 0xdd, 0x74, 0x72, 0x7a, 0x7b, 0x0f, 0xab, 0x77,
    0x20, 0x10, 0x68, 0x04, 0x81, 0xa4, 0x24, 0x82, 0x46, 0x76, 0xf2, 0x74, 0x9e, 0x5e, 0xe7, 0x79,
    0xdd, 0xe5, 0x15, 0xf7, 0x93, 0xf8, 0x73, 0x07, 0xe1, 0xd9, 0x42, 0x83, 0xa7, 0xef, 0x16, 0xc5,
    0xa3, 0xef, 0x32, 0x63, 0x49, 0xbe, 0x09, 0xc3, 0x1e, 0x51, 0xa4, 0xb5, 0xc2, 0xfa, 0xd6, 0x99};

/* A digest is read only. */
#define DIGEST(ARRAY) (PBYTE)(ULONG_PTR)(ARRAY), (DWORD)sizeof(ARRAY)

/* ---- calls that most programs make ------------------------------------------------------------ */

static inline NCRYPT_PROV_HANDLE open_provider(void) {
  NCRYPT_PROV_HANDLE provider = 0;
  if (NCryptOpenStorageProvider(&provider, NULL, 0) != ERROR_SUCCESS) {
    const char *last = cng11_last_error();
    fprintf(stderr, "no token: %s\n", last == NULL ? "(NULL)" : last);
    exit(2);
  }
  return provider;
}

/* One buffer, or two, beside an import or export. */
typedef struct {
  NCryptBuffer buffers[4];
  NCryptBufferDesc list;
} List;

static inline List *list_add(List *list, ULONG kind, const void *data, size_t length) {
  NCryptBuffer *buffer = &list->buffers[list->list.cBuffers++];
  buffer->BufferType = kind;
  buffer->pvBuffer = (PVOID)(ULONG_PTR)data;
  buffer->cbBuffer = (ULONG)length;
  list->list.ulVersion = NCRYPTBUFFER_VERSION;
  list->list.pBuffers = list->buffers;
  return list;
}

static inline List *list_text(List *list, ULONG kind, LPCWSTR text) {
  return list_add(list, kind, text, wide_size(text));
}

static inline SECURITY_STATUS set_number(NCRYPT_HANDLE object, LPCWSTR name, DWORD value, DWORD flags) {
  return NCryptSetProperty(object, name, (PBYTE)&value, sizeof value, flags);
}

static inline SECURITY_STATUS set_text(NCRYPT_HANDLE object, LPCWSTR name, LPCWSTR text, DWORD flags) {
  return NCryptSetProperty(object, name, (PBYTE)wide(text), wide_size(text), flags);
}

/* A property that is a number, 0xFFFFFFFF where there is none. */
static inline DWORD number_property(NCRYPT_HANDLE object, LPCWSTR name) {
  DWORD value = 0, length = 0;
  SECURITY_STATUS status = NCryptGetProperty(object, name, (PBYTE)&value, sizeof value, &length, 0);
  return status == ERROR_SUCCESS && length == sizeof value ? value : 0xFFFFFFFF;
}

static inline int has_text(NCRYPT_HANDLE object, LPCWSTR name, LPCWSTR wanted) {
  BYTE value[2048];
  DWORD length = 0;
  SECURITY_STATUS status = NCryptGetProperty(object, name, value, sizeof value, &length, 0);
  return status == ERROR_SUCCESS && is_wide(value, length, wanted);
}

/* An export by the rule of sizes: asked for the size, with a byte too few, with enough. No bytes when it is refused. */
static inline Bytes export_blob(NCRYPT_KEY_HANDLE key, NCRYPT_KEY_HANDLE wraps, LPCWSTR type, List *list,
                                SECURITY_STATUS *status) {
  NCryptBufferDesc *description = list == NULL ? NULL : &list->list;
  DWORD wanted = 0, written = 0;
  Bytes blob = {NULL, 0};
  *status = NCryptExportKey(key, wraps, type, description, NULL, 0, &wanted, 0);
  if (*status != ERROR_SUCCESS) return blob;
  blob.data = (BYTE *)allocate(wanted + 1);
  CHECK(wanted > 0);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptExportKey(key, wraps, type, description, blob.data, wanted - 1, &written, 0));
  CHECK_NUMBER(wanted, written);
  written = 0;
  *status = NCryptExportKey(key, wraps, type, description, blob.data, wanted, &written, 0);
  CHECK(written <= wanted);
  blob.length = *status == ERROR_SUCCESS ? written : 0;
  return blob;
}

/* Exports, and compares with a vector. */
static inline void check_export(NCRYPT_KEY_HANDLE key, LPCWSTR type, Bytes wanted, const char *file, int line) {
  SECURITY_STATUS status;
  Bytes blob = export_blob(key, 0, type, NULL, &status);
  if (check_status(status, ERROR_SUCCESS, "NCryptExportKey", file, line)) {
    check_bytes(blob.data, blob.length, wanted.data, wanted.length, "what was exported", file, line);
  }
}
#define CHECK_EXPORT(KEY, TYPE, WANTED) check_export((KEY), (TYPE), (WANTED), __FILE__, __LINE__)

/* Imports under a name, or without one. */
static inline SECURITY_STATUS import_blob(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE *key, LPCWSTR type, Bytes blob,
                                          LPCWSTR name, DWORD flags) {
  List list;
  memset(&list, 0, sizeof list);
  if (name != NULL) list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, name);
  *key = 0;
  return NCryptImportKey(provider, 0, type, &list.list, key, blob.data, blob.length, flags);
}

/* How many keys the token has whose name begins so. */
static inline int keys_named(NCRYPT_PROV_HANDLE provider, LPCWSTR prefix) {
  PVOID state = NULL;
  NCryptKeyName *name = NULL;
  SECURITY_STATUS status;
  DWORD length = wide_size(prefix) - 2;
  int found = 0;
  while ((status = NCryptEnumKeys(provider, NULL, &name, &state, 0)) == ERROR_SUCCESS) {
    if (wide_size(name->pszName) >= length && memcmp(name->pszName, prefix, length) == 0) found++;
    CHECK_OK(NCryptFreeBuffer(name));
  }
  CHECK_STATUS(NTE_NO_MORE_ITEMS, status);
  if (state != NULL) CHECK_OK(NCryptFreeBuffer(state));
  return found;
}

/* Signs with this padding, verifies what was signed, and does not verify it for something else. */
static inline void sign_and_verify(NCRYPT_KEY_HANDLE key, VOID *padding, const BYTE *digest, DWORD digest_length,
                                   DWORD flags, DWORD expected_length) {
  BYTE signature[1024], other[64];
  DWORD length = 0, written = 0;
  PBYTE hash = (PBYTE)(ULONG_PTR)digest;
  NEED(NCryptSignHash(key, padding, hash, digest_length, NULL, 0, &length, flags));
  CHECK_NUMBER(expected_length, length);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL,
               NCryptSignHash(key, padding, hash, digest_length, signature, length - 1, &written, flags));
  CHECK_NUMBER(expected_length, written);
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, NCryptSignHash(key, padding, hash, digest_length, signature, 0, &written, flags));
  NEED(NCryptSignHash(key, padding, hash, digest_length, signature, sizeof signature, &written, flags));
  CHECK_NUMBER(expected_length, written);
  CHECK_OK(NCryptVerifySignature(key, padding, hash, digest_length, signature, written, flags));
  memcpy(other, digest, digest_length);
  other[0] ^= 1;
  CHECK_STATUS(NTE_BAD_SIGNATURE, NCryptVerifySignature(key, padding, other, digest_length, signature, written, flags));
  signature[written / 2] ^= 1;
  CHECK_STATUS(NTE_BAD_SIGNATURE, NCryptVerifySignature(key, padding, hash, digest_length, signature, written, flags));
  CHECK_STATUS(NTE_BAD_SIGNATURE,
               NCryptVerifySignature(key, padding, hash, digest_length, signature, written - 1, flags));
}

/* ---- the program ---------------------------------------------------------------------------- */

static inline void start(int count, char **arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: %s FOLDER-OF-VECTORS\n", arguments[0]);
    exit(2);
  }
  vectors_folder = arguments[1];
}

static inline int finish(const char *program) {
  const char *name = strrchr(program, '/');
  while (allocations > 0) free(allocated[--allocations]);
  printf("%s: %lu checks, %lu failed", name == NULL ? program : name + 1, checks_made, checks_failed);
  if (left_out != 0) printf(", %lu left out", left_out);
  printf("\n");
  return checks_failed != 0 || checks_made == 0 ? 1 : 0;
}

#endif
