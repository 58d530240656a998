/*
 * A key that exists already goes onto the token under a name, step by step: the way that CNG has for it.
 *
 *   cc $(pkg-config --cflags cng11) -o persisted_import persisted_import.c $(pkg-config --libs cng11)
 *   scripts/softhsm -- ./persisted_import
 *
 * Which token, and the PIN, come from CNG11_MODULE, CNG11_TOKEN and CNG11_PIN_SOURCE, as with the command cng11. The key is the one of
 * RFC 6979, A.2.5, which everybody has: it is deleted at the end.
 */
#include <ncrypt.h>
#include <stdio.h>
#include <string.h>

#define NAME u"example-persisted-import"

/* An ECCPRIVATEBLOB: eight bytes of BCRYPT_ECCKEY_BLOB (ECDSA_P256, 32), then X, Y and d. */
static const BYTE PRIVATE_BLOB[8 + 3 * 32] = {
    0x45, 0x43, 0x53, 0x32, 0x20, 0x00, 0x00, 0x00, /* ECS2, 32 */
    0x60, 0xFE, 0xD4, 0xBA, 0x25, 0x5A, 0x9D, 0x31, 0xC9, 0x61, 0xEB, 0x74, 0xC6, 0x35, 0x6D, 0x68,
    0xC0, 0x49, 0xB8, 0x92, 0x3B, 0x61, 0xFA, 0x6C, 0xE6, 0x69, 0x62, 0x2E, 0x60, 0xF2, 0x9F, 0xB6,
    0x79, 0x03, 0xFE, 0x10, 0x08, 0xB8, 0xBC, 0x99, 0xA4, 0x1A, 0xE9, 0xE9, 0x56, 0x28, 0xBC, 0x64,
    0xF2, 0xF1, 0xB2, 0x0C, 0x2D, 0x7E, 0x9F, 0x51, 0x77, 0xA3, 0xC2, 0x94, 0xD4, 0x46, 0x22, 0x99,
    0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1, 0xD6, 0x93,
    0x4E, 0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B, 0x12, 0x0F, 0x67, 0x21};

static int is(const char *what, SECURITY_STATUS status) {
  if (status == ERROR_SUCCESS) {
    printf("%s\n", what);
    return 1;
  }
  fprintf(stderr, "%s: 0x%08X: %s\n", what, (unsigned)status, cng11_last_error());
  return 0;
}

static int set_number(NCRYPT_KEY_HANDLE key, const char *what, LPCWSTR property, DWORD value) {
  return is(what, NCryptSetProperty(key, property, (PBYTE)&value, sizeof(value), NCRYPT_PERSIST_FLAG));
}

/* 1 to 6: the key comes onto the token, and the handle goes. */
static int import(NCRYPT_PROV_HANDLE provider) {
  NCRYPT_KEY_HANDLE key = 0;
  int good;

  if (!is("1. a key with a name and nothing in it", NCryptCreatePersistedKey(provider, &key, BCRYPT_ECDSA_P256_ALGORITHM, NAME, 0, 0))) {
    return 0;
  }
  good = set_number(key, "2. it may leave wrapped, and never in the clear", NCRYPT_EXPORT_POLICY_PROPERTY, NCRYPT_ALLOW_EXPORT_FLAG) &&
         set_number(key, "3. it may sign, and do nothing else", NCRYPT_KEY_USAGE_PROPERTY, NCRYPT_ALLOW_SIGNING_FLAG) &&
         is("4. its blob, as the property that is named like the blob's type",
            NCryptSetProperty(key, BCRYPT_ECCPRIVATE_BLOB, (PBYTE)PRIVATE_BLOB, sizeof(PRIVATE_BLOB), 0)) &&
         is("5. onto the token", NCryptFinalizeKey(key, 0));
  return is("6. the handle goes, the key stays", NCryptFreeObject(key)) && good;
}

/* 7 to 10: found by its name, as any other program finds it. */
static int use(NCRYPT_PROV_HANDLE provider) {
  NCRYPT_KEY_HANDLE key = 0;
  BYTE digest[32], signature[64];
  DWORD size = 0, policy = 0;
  int good;

  if (!is("7. found by its name", NCryptOpenKey(provider, &key, NAME, 0, 0))) return 0;
  good = is("8. a digest", BCryptHash(BCRYPT_SHA256_ALG_HANDLE, NULL, 0, (PUCHAR)"sample", 6, digest, sizeof(digest))) &&
         is("9. signed on the token", NCryptSignHash(key, NULL, digest, sizeof(digest), signature, sizeof(signature), &size, 0)) &&
         is("10. and verified", NCryptVerifySignature(key, NULL, digest, sizeof(digest), signature, size, 0)) &&
         is("11. its policy, read from the token",
            NCryptGetProperty(key, NCRYPT_EXPORT_POLICY_PROPERTY, (PBYTE)&policy, sizeof(policy), &size, 0));
  if (good && policy != NCRYPT_ALLOW_EXPORT_FLAG) {
    fprintf(stderr, "the policy is 0x%X\n", (unsigned)policy);
    good = 0;
  }
  /* The key and its handle go together. */
  if (!is("12. deleted", NCryptDeleteKey(key, 0))) {
    NCryptFreeObject(key);
    return 0;
  }
  return good;
}

int main(void) {
  NCRYPT_PROV_HANDLE provider = 0;
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status;
  int good;

  if (!is("0. the token", NCryptOpenStorageProvider(&provider, NULL, 0))) return 1;
  good = import(provider) && use(provider);
  if (good) {
    status = NCryptOpenKey(provider, &key, NAME, 0, 0);
    good = status == NTE_BAD_KEYSET;
    printf("13. %s: %s\n", good ? "gone" : "not gone", cng11_last_error());
  }
  NCryptFreeObject(provider);
  return good ? 0 : 1;
}
