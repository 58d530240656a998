/*
 * A program for Windows, as it would be written there, but for its literals: u"..." here is L"..." there. It uses keys as a program uses the software
 * key storage provider, and goes through what such programs do: keys are made, found, used, exported, imported and deleted.
 *
 * scripts/capi headers compiles it for Windows; scripts/capi examples runs it on a token.
 */
#include <windows.h>

#include <bcrypt.h>
#include <ncrypt.h>

#include <stdio.h>

#ifndef NT_SUCCESS
#define NT_SUCCESS(Status) (((NTSTATUS)(Status)) >= 0)
#endif

#define SIGNING_KEY u"windows-program-rsa"
#define EC_KEY u"windows-program-ec"
#define AGREEMENT_KEY u"windows-program-ecdh"

static int failures = 0;

static int failed(const char *what, SECURITY_STATUS status) {
  if (status == ERROR_SUCCESS) return 0;
  printf("%s: 0x%08lx\n", what, (unsigned long)status & 0xFFFFFFFFUL);
  failures++;
  return 1;
}

static void expect(const char *what, SECURITY_STATUS status, SECURITY_STATUS expected) {
  if (status == expected) return;
  printf("%s: 0x%08lx, not 0x%08lx\n", what, (unsigned long)status & 0xFFFFFFFFUL, (unsigned long)expected & 0xFFFFFFFFUL);
  failures++;
}

/* The digest of a text, by BCrypt. */
static int digest(const char *text, BYTE out[32]) {
  BCRYPT_ALG_HANDLE hAlgorithm = NULL;
  BCRYPT_HASH_HANDLE hHash = NULL;
  DWORD cbHash = 0, cbData = 0;
  NTSTATUS status;

  status = BCryptOpenAlgorithmProvider(&hAlgorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0);
  if (!NT_SUCCESS(status)) return !failed("BCryptOpenAlgorithmProvider", status);
  status = BCryptGetProperty(hAlgorithm, BCRYPT_HASH_LENGTH, (PUCHAR)&cbHash, sizeof(cbHash), &cbData, 0);
  if (NT_SUCCESS(status) && cbHash != 32) status = -1;
  if (NT_SUCCESS(status)) status = BCryptCreateHash(hAlgorithm, &hHash, NULL, 0, NULL, 0, 0);
  if (NT_SUCCESS(status)) status = BCryptHashData(hHash, (PUCHAR)text, (ULONG)strlen(text), 0);
  if (NT_SUCCESS(status)) status = BCryptFinishHash(hHash, out, cbHash, 0);
  if (hHash != NULL) BCryptDestroyHash(hHash);
  BCryptCloseAlgorithmProvider(hAlgorithm, 0);
  return !failed("a digest", status);
}

/* Deletes a key of this name, if an earlier run has left one. */
static void forget(NCRYPT_PROV_HANDLE hProvider, LPCWSTR name) {
  NCRYPT_KEY_HANDLE hKey = 0;
  if (NCryptOpenKey(hProvider, &hKey, name, 0, NCRYPT_SILENT_FLAG) == ERROR_SUCCESS) {
    if (NCryptDeleteKey(hKey, 0) != ERROR_SUCCESS) NCryptFreeObject(hKey);
  }
}

static int create(NCRYPT_PROV_HANDLE hProvider, LPCWSTR algorithm, LPCWSTR name, DWORD bits, DWORD usage, NCRYPT_KEY_HANDLE *phKey) {
  SECURITY_STATUS status;
  DWORD policy = 0;

  status = NCryptCreatePersistedKey(hProvider, phKey, algorithm, name, 0, NCRYPT_OVERWRITE_KEY_FLAG);
  if (failed("NCryptCreatePersistedKey", status)) return 0;
  if (bits != 0) {
    status = NCryptSetProperty(*phKey, NCRYPT_LENGTH_PROPERTY, (PBYTE)&bits, sizeof(bits), NCRYPT_PERSIST_FLAG);
    failed("Length", status);
  }
  status = NCryptSetProperty(*phKey, NCRYPT_EXPORT_POLICY_PROPERTY, (PBYTE)&policy, sizeof(policy), NCRYPT_PERSIST_FLAG);
  failed("Export Policy", status);
  status = NCryptSetProperty(*phKey, NCRYPT_KEY_USAGE_PROPERTY, (PBYTE)&usage, sizeof(usage), NCRYPT_PERSIST_FLAG);
  failed("Key Usage", status);
  status = NCryptFinalizeKey(*phKey, NCRYPT_SILENT_FLAG);
  if (failed("NCryptFinalizeKey", status)) {
    NCryptFreeObject(*phKey);
    *phKey = 0;
    return 0;
  }
  return 1;
}

/* The blob of a key, allocated: HeapFree. */
static PBYTE exported(NCRYPT_KEY_HANDLE hKey, LPCWSTR type, DWORD *pcb) {
  SECURITY_STATUS status;
  PBYTE blob;

  status = NCryptExportKey(hKey, 0, type, NULL, NULL, 0, pcb, 0);
  if (failed("the size of a blob", status)) return NULL;
  blob = (PBYTE)HeapAlloc(GetProcessHeap(), 0, *pcb);
  if (blob == NULL) return NULL;
  status = NCryptExportKey(hKey, 0, type, NULL, blob, *pcb, pcb, 0);
  if (failed("NCryptExportKey", status)) {
    HeapFree(GetProcessHeap(), 0, blob);
    return NULL;
  }
  return blob;
}

static void rsa(NCRYPT_PROV_HANDLE hProvider) {
  BCRYPT_PKCS1_PADDING_INFO pkcs1 = {BCRYPT_SHA256_ALGORITHM};
  BCRYPT_PSS_PADDING_INFO pss = {BCRYPT_SHA256_ALGORITHM, 32};
  BCRYPT_OAEP_PADDING_INFO oaep = {BCRYPT_SHA1_ALGORITHM, NULL, 0};
  NCRYPT_KEY_HANDLE hKey = 0, hPublic = 0;
  BYTE hash[32], secret[16] = "attack at dawn", signature[256], encrypted[256], decrypted[256];
  DWORD cb = 0, length = 0;
  PBYTE blob = NULL;
  SECURITY_STATUS status;

  if (!digest("a message", hash)) return;
  if (!create(hProvider, NCRYPT_RSA_ALGORITHM, SIGNING_KEY, 2048, NCRYPT_ALLOW_SIGNING_FLAG | NCRYPT_ALLOW_DECRYPT_FLAG, &hKey)) return;
  NCryptFreeObject(hKey);
  hKey = 0;

  /* Another handle, as another program would have it. */
  status = NCryptOpenKey(hProvider, &hKey, SIGNING_KEY, 0, NCRYPT_SILENT_FLAG);
  if (failed("NCryptOpenKey", status)) return;
  status = NCryptGetProperty(hKey, NCRYPT_LENGTH_PROPERTY, (PBYTE)&length, sizeof(length), &cb, 0);
  if (!failed("Length", status) && (length != 2048 || cb != sizeof(length))) expect("Length", (SECURITY_STATUS)length, 2048);

  status = NCryptSignHash(hKey, &pkcs1, hash, sizeof(hash), NULL, 0, &cb, NCRYPT_PAD_PKCS1_FLAG);
  if (!failed("the size of a signature", status) && cb != sizeof(signature)) expect("its size", (SECURITY_STATUS)cb, sizeof(signature));
  expect("a buffer that is too small",
         NCryptSignHash(hKey, &pkcs1, hash, sizeof(hash), signature, 10, &cb, NCRYPT_PAD_PKCS1_FLAG), NTE_BUFFER_TOO_SMALL);
  status = NCryptSignHash(hKey, &pkcs1, hash, sizeof(hash), signature, sizeof(signature), &cb, NCRYPT_PAD_PKCS1_FLAG);
  failed("NCryptSignHash", status);
  status = NCryptVerifySignature(hKey, &pkcs1, hash, sizeof(hash), signature, cb, NCRYPT_PAD_PKCS1_FLAG);
  failed("NCryptVerifySignature", status);

  /* Whoever has the public key only. */
  blob = exported(hKey, BCRYPT_RSAPUBLIC_BLOB, &cb);
  if (blob != NULL) {
    BCRYPT_RSAKEY_BLOB *header = (BCRYPT_RSAKEY_BLOB *)blob;
    if (header->Magic != BCRYPT_RSAPUBLIC_MAGIC || header->BitLength != 2048) expect("the blob's header", 1, 0);
    status = NCryptImportKey(hProvider, 0, BCRYPT_RSAPUBLIC_BLOB, NULL, &hPublic, blob, cb, 0);
    if (!failed("NCryptImportKey", status)) {
      status = NCryptSignHash(hKey, &pss, hash, sizeof(hash), signature, sizeof(signature), &cb, NCRYPT_PAD_PSS_FLAG);
      failed("a PSS signature", status);
      status = NCryptVerifySignature(hPublic, &pss, hash, sizeof(hash), signature, sizeof(signature), NCRYPT_PAD_PSS_FLAG);
      failed("it verifies by the public key", status);
      hash[0] ^= 1;
      expect("another digest",
             NCryptVerifySignature(hPublic, &pss, hash, sizeof(hash), signature, sizeof(signature), NCRYPT_PAD_PSS_FLAG),
             NTE_BAD_SIGNATURE);
      status = NCryptEncrypt(hPublic, secret, sizeof(secret), &oaep, encrypted, sizeof(encrypted), &cb, NCRYPT_PAD_OAEP_FLAG);
      if (!failed("NCryptEncrypt", status)) {
        status = NCryptDecrypt(hKey, encrypted, cb, &oaep, decrypted, sizeof(decrypted), &cb, NCRYPT_PAD_OAEP_FLAG);
        if (!failed("NCryptDecrypt", status) && (cb != sizeof(secret) || memcmp(secret, decrypted, sizeof(secret)) != 0)) {
          expect("what was encrypted", 1, 0);
        }
      }
      NCryptFreeObject(hPublic);
    }
    HeapFree(GetProcessHeap(), 0, blob);
  }

  /* The export policy was 0. */
  expect("a private key in the clear", NCryptExportKey(hKey, 0, BCRYPT_RSAPRIVATE_BLOB, NULL, NULL, 0, &cb, 0), NTE_NOT_SUPPORTED);
  status = NCryptDeleteKey(hKey, 0);
  failed("NCryptDeleteKey", status);
  hKey = 0;
  expect("a key that was deleted", NCryptOpenKey(hProvider, &hKey, SIGNING_KEY, 0, 0), NTE_BAD_KEYSET);
}

static void ecdsa(NCRYPT_PROV_HANDLE hProvider) {
  NCRYPT_KEY_HANDLE hKey = 0, hSame = 0;
  BYTE hash[32], signature[64];
  WCHAR name[64];
  DWORD cb = 0;
  SECURITY_STATUS status;

  if (!digest("another message", hash)) return;
  if (!create(hProvider, NCRYPT_ECDSA_P256_ALGORITHM, EC_KEY, 0, NCRYPT_ALLOW_SIGNING_FLAG, &hKey)) return;
  expect("a name that is taken", NCryptCreatePersistedKey(hProvider, &hSame, NCRYPT_ECDSA_P256_ALGORITHM, EC_KEY, 0, 0), NTE_EXISTS);
  status = NCryptGetProperty(hKey, NCRYPT_ALGORITHM_PROPERTY, (PBYTE)name, sizeof(name), &cb, 0);
  if (!failed("Algorithm Name", status) && cb != sizeof(NCRYPT_ECDSA_P256_ALGORITHM)) expect("its length", (SECURITY_STATUS)cb, 0);
  status = NCryptSignHash(hKey, NULL, hash, sizeof(hash), signature, sizeof(signature), &cb, 0);
  if (!failed("NCryptSignHash", status)) {
    status = NCryptVerifySignature(hKey, NULL, hash, sizeof(hash), signature, cb, 0);
    failed("NCryptVerifySignature", status);
    signature[63] ^= 1;
    expect("another signature", NCryptVerifySignature(hKey, NULL, hash, sizeof(hash), signature, cb, 0), NTE_BAD_SIGNATURE);
  }
  if (failed("NCryptDeleteKey", NCryptDeleteKey(hKey, 0))) NCryptFreeObject(hKey);
}

/* Two keys, one of them for this moment only, come to the same secret from either side. */
static void agreement(NCRYPT_PROV_HANDLE hProvider) {
  NCRYPT_KEY_HANDLE hKeys[2] = {0, 0};
  BYTE derived[2][32];
  NCryptBuffer parameter = {sizeof(BCRYPT_SHA256_ALGORITHM), KDF_HASH_ALGORITHM, (PVOID)BCRYPT_SHA256_ALGORITHM};
  NCryptBufferDesc parameters = {NCRYPTBUFFER_VERSION, 1, &parameter};
  int side;

  if (!create(hProvider, NCRYPT_ECDH_P256_ALGORITHM, AGREEMENT_KEY, 0, NCRYPT_ALLOW_KEY_AGREEMENT_FLAG, &hKeys[0])) return;
  if (create(hProvider, NCRYPT_ECDH_P256_ALGORITHM, NULL, 0, NCRYPT_ALLOW_KEY_AGREEMENT_FLAG, &hKeys[1])) {
    for (side = 0; side < 2; side++) {
      NCRYPT_KEY_HANDLE hPeer = 0;
      NCRYPT_SECRET_HANDLE hSecret = 0;
      DWORD cb = 0;
      PBYTE blob = exported(hKeys[1 - side], BCRYPT_ECCPUBLIC_BLOB, &cb);
      SECURITY_STATUS status;
      if (blob == NULL) break;
      status = NCryptImportKey(hProvider, 0, BCRYPT_ECCPUBLIC_BLOB, NULL, &hPeer, blob, cb, 0);
      HeapFree(GetProcessHeap(), 0, blob);
      if (failed("the other's public key", status)) break;
      status = NCryptSecretAgreement(hKeys[side], hPeer, &hSecret, 0);
      NCryptFreeObject(hPeer);
      if (failed("NCryptSecretAgreement", status)) break;
      status = NCryptDeriveKey(hSecret, BCRYPT_KDF_HASH, &parameters, derived[side], sizeof(derived[side]), &cb, 0);
      NCryptFreeObject(hSecret);
      if (failed("NCryptDeriveKey", status)) break;
    }
    if (side == 2 && memcmp(derived[0], derived[1], sizeof(derived[0])) != 0) expect("the two secrets", 1, 0);
    SecureZeroMemory(derived, sizeof(derived));
    NCryptFreeObject(hKeys[1]);
  }
  if (failed("NCryptDeleteKey", NCryptDeleteKey(hKeys[0], 0))) NCryptFreeObject(hKeys[0]);
}

/* What is there. */
static void enumerations(NCRYPT_PROV_HANDLE hProvider) {
  NCryptAlgorithmName *algorithms = NULL;
  NCryptKeyName *key = NULL;
  PVOID state = NULL;
  DWORD count = 0, keys = 0, found = 0, type = 0, cb = 0;
  NCRYPT_KEY_HANDLE hKey = 0;
  SECURITY_STATUS status;

  failed("NCryptIsAlgSupported", NCryptIsAlgSupported(hProvider, NCRYPT_RSA_ALGORITHM, 0));
  expect("an algorithm that nobody has", NCryptIsAlgSupported(hProvider, u"no such algorithm", 0), NTE_NOT_SUPPORTED);
  status = NCryptGetProperty(hProvider, NCRYPT_IMPL_TYPE_PROPERTY, (PBYTE)&type, sizeof(type), &cb, 0);
  failed("Impl Type", status);
  status = NCryptEnumAlgorithms(hProvider, NCRYPT_SIGNATURE_OPERATION, &count, &algorithms, 0);
  if (!failed("NCryptEnumAlgorithms", status)) {
    if (count == 0 || algorithms == NULL) expect("algorithms that sign", 0, 1);
    NCryptFreeBuffer(algorithms);
  }

  if (!create(hProvider, NCRYPT_ECDSA_P256_ALGORITHM, EC_KEY, 0, NCRYPT_ALLOW_SIGNING_FLAG, &hKey)) return;
  while ((status = NCryptEnumKeys(hProvider, NULL, &key, &state, NCRYPT_SILENT_FLAG)) == ERROR_SUCCESS) {
    DWORD at = 0;
    while (key->pszName[at] != 0 && key->pszName[at] == EC_KEY[at]) at++;
    if (key->pszName[at] == 0 && EC_KEY[at] == 0) found++;
    keys++;
    NCryptFreeBuffer(key);
  }
  expect("the end of the keys", status, NTE_NO_MORE_ITEMS);
  if (state != NULL) NCryptFreeBuffer(state);
  if (found != 1) expect("the key among the others", (SECURITY_STATUS)found, 1);
  printf("%lu keys, %lu algorithms that sign\n", (unsigned long)keys, (unsigned long)count);
  if (failed("NCryptDeleteKey", NCryptDeleteKey(hKey, 0))) NCryptFreeObject(hKey);
}

/* Handles, flags and pointers that are wrong are told from each other. */
static void refusals(NCRYPT_PROV_HANDLE hProvider) {
  NCRYPT_KEY_HANDLE hKey = 0;
  DWORD value = 0, cb = 0;

  expect("no handle", NCryptFreeObject(0), NTE_INVALID_HANDLE);
  expect("a provider is no key", NCryptFinalizeKey(hProvider, 0), NTE_INVALID_HANDLE);
  if (NCryptIsKeyHandle(hProvider)) expect("a provider is no key", 1, 0);
  expect("flags", NCryptOpenKey(hProvider, &hKey, u"x", 0, 0x31), NTE_BAD_FLAGS);
  expect("nowhere to put it", NCryptOpenKey(hProvider, NULL, u"x", 0, 0), NTE_INVALID_PARAMETER);
  expect("a property that nobody has",
         NCryptGetProperty(hProvider, u"no such property", (PBYTE)&value, sizeof(value), &cb, 0), NTE_NOT_SUPPORTED);
}

int main(void) {
  NCRYPT_PROV_HANDLE hProvider = 0;
  SECURITY_STATUS status;

  status = NCryptOpenStorageProvider(&hProvider, MS_KEY_STORAGE_PROVIDER, 0);
  if (failed("NCryptOpenStorageProvider", status)) return 1;
  forget(hProvider, SIGNING_KEY);
  forget(hProvider, EC_KEY);
  forget(hProvider, AGREEMENT_KEY);

  rsa(hProvider);
  ecdsa(hProvider);
  agreement(hProvider);
  enumerations(hProvider);
  refusals(hProvider);

  failed("NCryptFreeObject", NCryptFreeObject(hProvider));
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
