/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Ten threads with the same handles: they sign and verify, read properties, export, open and free, make keys of their own, while
 * one of them frees the handle that the others use and makes another in its place. Whatever is in between, an answer is right, or
 * NTE_INVALID_HANDLE for the handle that somebody freed.
 *
 *   threads FOLDER SECONDS
 */
#include "check.h"

#include <pthread.h>
#include <time.h>

#define RSA2048 "rsa2048-e65537"
#define P256 "ec-nistP256"

static NCRYPT_PROV_HANDLE provider;
static NCRYPT_KEY_HANDLE rsa, ecdsa, ecdh, ecdh_public;
/* The one that is freed and made anew all the time. */
static NCRYPT_KEY_HANDLE moving;
static Bytes rsa_signature, rsa_public, ecdsa_private, ecdsa_public, secret;
static int is_over;
static unsigned long rounds[10];
/* Of BCrypt. */
static BCRYPT_KEY_HANDLE verifying, signing;

static int over(void) { return __atomic_load_n(&is_over, __ATOMIC_RELAXED); }

/* RSA with PKCS#1: always the same bytes. */
static void rsa_round(void) {
  BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
  BYTE signature[256], plain[5] = "four", sealed[256], opened[256];
  DWORD length = 0;
  if (CHECK_OK(NCryptSignHash(rsa, &pkcs1, DIGEST(SHA256_OF_TEXT), signature, 256, &length, NCRYPT_PAD_PKCS1_FLAG)))
    CHECK_BYTES(rsa_signature.data, rsa_signature.length, signature, length);
  CHECK_OK(NCryptVerifySignature(rsa, &pkcs1, DIGEST(SHA256_OF_TEXT), signature, length, NCRYPT_PAD_PKCS1_FLAG));
  if (CHECK_OK(NCryptEncrypt(rsa, plain, sizeof plain, NULL, sealed, 256, &length, NCRYPT_PAD_PKCS1_FLAG)) &&
      CHECK_OK(NCryptDecrypt(rsa, sealed, length, NULL, opened, 256, &length, NCRYPT_PAD_PKCS1_FLAG)))
    CHECK_BYTES(plain, sizeof plain, opened, length);
}

static void ecdsa_round(void) {
  BYTE signature[64], other[32];
  DWORD length = 0;
  if (!CHECK_OK(NCryptSignHash(ecdsa, NULL, DIGEST(SHA256_OF_TEXT), signature, 64, &length, 0))) return;
  CHECK_OK(NCryptVerifySignature(ecdsa, NULL, DIGEST(SHA256_OF_TEXT), signature, length, 0));
  memset(other, 3, sizeof other);
  CHECK_STATUS(NTE_BAD_SIGNATURE, NCryptVerifySignature(ecdsa, NULL, other, 32, signature, length, 0));
}

static void reading_round(void) {
  BYTE out[512];
  DWORD length = 0;
  CHECK_NUMBER(2048, number_property(rsa, u"Length"));
  CHECK(has_text(ecdsa, u"Algorithm Name", u"ECDSA_P256"));
  CHECK(has_text(ecdsa, u"Name", u"capi threads"));
  CHECK_STATUS(NTE_NOT_FOUND, NCryptGetProperty(rsa, u"Name", out, sizeof out, &length, 0));
  if (CHECK_OK(NCryptExportKey(rsa, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, 0)))
    CHECK_BYTES(rsa_public.data, rsa_public.length, out, length);
  if (CHECK_OK(NCryptExportKey(ecdsa, 0, u"ECCPUBLICBLOB", NULL, out, sizeof out, &length, 0)))
    CHECK_BYTES(ecdsa_public.data, ecdsa_public.length, out, length);
  CHECK_STATUS(NTE_NOT_SUPPORTED, NCryptExportKey(ecdsa, 0, u"ECCPRIVATEBLOB", NULL, out, sizeof out, &length, 0));
}

static void opening_round(void) {
  NCRYPT_KEY_HANDLE key = 0;
  BYTE signature[64];
  DWORD length = 0;
  if (!CHECK_OK(NCryptOpenKey(provider, &key, u"capi threads", 0, 0))) return;
  if (CHECK_OK(NCryptSignHash(key, NULL, DIGEST(SHA256_OF_TEXT), signature, 64, &length, 0)))
    CHECK_OK(NCryptVerifySignature(ecdsa, NULL, DIGEST(SHA256_OF_TEXT), signature, length, 0));
  CHECK_OK(NCryptFreeObject(key));
}

/* Keys of its own: made, used, deleted. */
static void making_round(void) {
  NCRYPT_KEY_HANDLE key = 0;
  if (!CHECK_OK(NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", NULL, 0, 0))) return;
  if (CHECK_OK(NCryptFinalizeKey(key, 0))) sign_and_verify(key, NULL, SHA256_OF_TEXT, 32, 0, 64);
  CHECK_OK(NCryptDeleteKey(key, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, NCryptFreeObject(key));
}

static void agreeing_round(void) {
  NCRYPT_SECRET_HANDLE agreed = 0;
  BYTE out[32];
  DWORD length = 0;
  if (!CHECK_OK(NCryptSecretAgreement(ecdh, ecdh_public, &agreed, 0))) return;
  if (CHECK_OK(NCryptDeriveKey(agreed, BCRYPT_KDF_RAW_SECRET, NULL, out, 32, &length, 0)))
    CHECK_BYTES(secret.data, secret.length, out, length);
  CHECK_OK(NCryptFreeObject(agreed));
}

/* With the handle that somebody frees. */
static void moving_round(void) {
  NCRYPT_KEY_HANDLE key = __atomic_load_n(&moving, __ATOMIC_RELAXED);
  BYTE signature[64], out[128];
  DWORD length = 0;
  SECURITY_STATUS status = NCryptSignHash(key, NULL, DIGEST(SHA256_OF_TEXT), signature, 64, &length, 0);
  CHECK_EITHER(ERROR_SUCCESS, NTE_INVALID_HANDLE, status);
  /* It is the same key each time. */
  if (status == ERROR_SUCCESS) CHECK_OK(NCryptVerifySignature(ecdsa, NULL, DIGEST(SHA256_OF_TEXT), signature, length, 0));
  status = NCryptExportKey(key, 0, u"ECCPUBLICBLOB", NULL, out, sizeof out, &length, 0);
  CHECK_EITHER(ERROR_SUCCESS, NTE_INVALID_HANDLE, status);
  if (status == ERROR_SUCCESS) CHECK_BYTES(ecdsa_public.data, ecdsa_public.length, out, length);
  status = NCryptGetProperty(key, u"Length", out, sizeof out, &length, 0);
  CHECK_EITHER(ERROR_SUCCESS, NTE_INVALID_HANDLE, status);
  if (status == ERROR_SUCCESS) CHECK_NUMBER(256, number_at(out));
}

static void freeing_round(void) {
  NCRYPT_KEY_HANDLE made = 0;
  if (!CHECK_OK(import_blob(provider, &made, u"ECCPRIVATEBLOB", ecdsa_private, NULL, 0))) return;
  CHECK_OK(NCryptFreeObject(__atomic_exchange_n(&moving, made, __ATOMIC_RELAXED)));
}

/* BCrypt, and what a failure says in words to the thread that failed. */
static void primitive_round(void) {
  BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
  NCRYPT_KEY_HANDLE none = 0;
  BYTE text[64], digest[32], keyed[32], signature[64];
  ULONG length = 0;
  memset(text, 7, sizeof text);
  CHECK_OK(BCryptVerifySignature(verifying, &pkcs1, DIGEST(SHA256_OF_TEXT), rsa_signature.data, rsa_signature.length, BCRYPT_PAD_PKCS1));
  if (CHECK_OK(BCryptSignHash(signing, NULL, DIGEST(SHA256_OF_TEXT), signature, 64, &length, 0)))
    CHECK_OK(BCryptVerifySignature(signing, NULL, DIGEST(SHA256_OF_TEXT), signature, length, 0));
  CHECK_OK(BCryptHash(BCRYPT_SHA256_ALG_HANDLE, NULL, 0, text, sizeof text, digest, 32));
  CHECK_OK(BCryptHash(BCRYPT_HMAC_SHA256_ALG_HANDLE, text, 8, text, sizeof text, keyed, 32));
  CHECK(memcmp(digest, keyed, 32) != 0);
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &none, u"capi threads: of this thread", 0, 0));
  CHECK(strstr(cng11_last_error(), "capi threads: of this thread") != NULL);
}

static void (*const WORK[10])(void) = {rsa_round,    rsa_round,      ecdsa_round,  reading_round, opening_round,
                                       making_round, agreeing_round, moving_round, freeing_round, primitive_round};

static void *work(void *number) {
  size_t which = (size_t)(ULONG_PTR)number;
  while (!over()) {
    WORK[which]();
    rounds[which]++;
    if (which == 1) moving_round();
  }
  return NULL;
}

int main(int count, char **arguments) {
  pthread_t threads[10];
  struct timespec second = {1, 0};
  NCRYPT_KEY_HANDLE shared = 0;
  NCRYPT_SECRET_HANDLE agreed = 0;
  BYTE out[32];
  DWORD length = 0;
  long seconds;
  size_t at;
  start(count, arguments);
  seconds = count > 2 ? strtol(arguments[2], NULL, 10) : 2;
  provider = open_provider();
  rsa_signature = vector_file("signatures/" RSA2048 ".pkcs1-sha256.signature.bin");
  rsa_public = vector_file(RSA2048 ".RSAPUBLICBLOB.bin");
  ecdsa_private = vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin");
  ecdsa_public = vector_file(P256 ".ECDSA.ECCPUBLICBLOB.bin");
  CHECK_OK(import_blob(provider, &rsa, u"RSAPRIVATEBLOB", vector_file(RSA2048 ".RSAPRIVATEBLOB.bin"), NULL, 0));
  CHECK_OK(import_blob(provider, &ecdsa, u"ECCPRIVATEBLOB", ecdsa_private, u"capi threads", 0));
  CHECK_OK(import_blob(provider, &moving, u"ECCPRIVATEBLOB", ecdsa_private, NULL, 0));
  CHECK_OK(import_blob(provider, &ecdh, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDH.ECCPRIVATEBLOB.bin"), NULL, 0));
  CHECK_OK(import_blob(provider, &ecdh_public, u"ECCPUBLICBLOB", vector_file(P256 "-shortd.ECDH.ECCPUBLICBLOB.bin"), NULL, 0));
  /* What is agreed on, by the other end. */
  CHECK_OK(import_blob(provider, &shared, u"ECCPRIVATEBLOB", vector_file(P256 "-shortd.ECDH.ECCPRIVATEBLOB.bin"), NULL, 0));
  CHECK_OK(NCryptSecretAgreement(shared, ecdh, &agreed, 0));
  CHECK_OK(NCryptDeriveKey(agreed, BCRYPT_KDF_RAW_SECRET, NULL, out, 32, &length, 0));
  secret = bytes_of(out, length);
  CHECK_OK(NCryptFreeObject(agreed));
  CHECK_OK(NCryptFreeObject(shared));
  CHECK_OK(BCryptImportKeyPair(BCRYPT_RSA_ALG_HANDLE, NULL, u"RSAPUBLICBLOB", &verifying, rsa_public.data, rsa_public.length, 0));
  CHECK_OK(BCryptImportKeyPair(BCRYPT_ECDSA_P256_ALG_HANDLE, NULL, u"ECCPRIVATEBLOB", &signing, ecdsa_private.data, ecdsa_private.length, 0));
  if (checks_failed == 0) {
    for (at = 0; at < 10; at++) {
      if (pthread_create(&threads[at], NULL, work, (void *)(ULONG_PTR)at) != 0) return 2;
    }
    while (seconds-- > 0 && __atomic_load_n(&checks_failed, __ATOMIC_RELAXED) == 0) nanosleep(&second, NULL);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
    for (at = 0; at < 10; at++) pthread_join(threads[at], NULL);
    printf("rounds:");
    for (at = 0; at < 10; at++) {
      printf(" %lu", rounds[at]);
      CHECK(rounds[at] > 0);
    }
    printf("\n");
  }
  CHECK_OK(NCryptDeleteKey(ecdsa, 0));
  CHECK_OK(BCryptDestroyKey(verifying));
  CHECK_OK(BCryptDestroyKey(signing));
  CHECK_OK(NCryptFreeObject(rsa));
  CHECK_OK(NCryptFreeObject(moving));
  CHECK_OK(NCryptFreeObject(ecdh));
  CHECK_OK(NCryptFreeObject(ecdh_public));
  CHECK_NUMBER(0, keys_named(provider, u"capi threads"));
  CHECK_OK(NCryptFreeObject(provider));
  return finish(arguments[0]);
}
