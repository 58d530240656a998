/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The provider as Windows would drive it: GetKeyStorageInterface, the table of version 1.0, and every one of its 26 slots, with the
 * handles that the slots made. FreeKey comes after FreeProvider, as SignTool does it.
 */
#include "check.h"

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define RSA2048 "rsa2048-e65537"
#define P256 "ec-nistP256"

static NCRYPT_KEY_STORAGE_FUNCTION_TABLE *slots;
static NCRYPT_PROV_HANDLE provider;
static BYTE out[4096];
static DWORD length;

/* The one table: version, and no slot empty. */
static int table(void) {
  NCRYPT_KEY_STORAGE_FUNCTION_TABLE *again = NULL;
  void *pointers[26];
  size_t at;
  CHECK_STATUS(NTE_INVALID_PARAMETER, GetKeyStorageInterface(NULL, NULL, 0));
  CHECK_STATUS(NTE_BAD_FLAGS, GetKeyStorageInterface(NULL, &slots, 1));
  CHECK(slots == NULL);
  if (!CHECK_OK(GetKeyStorageInterface(u"any name", &slots, 0)) || !CHECK(slots != NULL)) return 0;
  CHECK_OK(GetKeyStorageInterface(NULL, &again, 0));
  CHECK(again == slots);
  CHECK_NUMBER(1, slots->Version.MajorVersion);
  CHECK_NUMBER(0, slots->Version.MinorVersion);
  CHECK_NUMBER(8, offsetof(NCRYPT_KEY_STORAGE_FUNCTION_TABLE, OpenProvider));
  CHECK_NUMBER(8 + 26 * sizeof(void *), sizeof *slots);
  memcpy(pointers, (const BYTE *)slots + 8, sizeof pointers);
  for (at = 0; at < 26; at++) {
    if (!CHECK(pointers[at] != NULL)) return 0;
  }
  return 1;
}

static NCRYPT_KEY_HANDLE import(LPCWSTR type, const char *file, LPCWSTR name) {
  NCRYPT_KEY_HANDLE key = 0;
  Bytes blob = vector_file(file);
  List list;
  memset(&list, 0, sizeof list);
  if (name != NULL) list_text(&list, NCRYPTBUFFER_PKCS_KEY_NAME, name);
  CHECK_OK(slots->ImportKey(provider, 0, type, &list.list, &key, blob.data, blob.length, 0));
  return key;
}

static SECURITY_STATUS key_number(NCRYPT_KEY_HANDLE key, LPCWSTR name, DWORD *value) {
  DWORD size = 0;
  return slots->GetKeyProperty(provider, key, name, (PBYTE)value, sizeof *value, &size, 0);
}

/* Create, set, finalize, open, use, export, delete. */
static void life_of_a_key(void) {
  BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
  NCRYPT_KEY_HANDLE key = 0, other = 0;
  Bytes blob = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin");
  BYTE plain[16] = "fifteen letters", sealed[256], opened[256], signature[256];
  DWORD policy = NCRYPT_ALLOW_EXPORT_FLAG | NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG, value = 0;
  in_context("the life of a key");
  NEED(slots->CreatePersistedKey(provider, &key, u"RSA", u"capi slots", 0, NCRYPT_SILENT_FLAG));
  CHECK_OK(slots->SetKeyProperty(provider, key, u"Export Policy", (PBYTE)&policy, sizeof policy, NCRYPT_PERSIST_FLAG));
  CHECK_OK(slots->SetKeyProperty(provider, key, u"RSAPRIVATEBLOB", blob.data, blob.length, 0));
  CHECK_STATUS(NTE_BAD_KEY_STATE,
               slots->SignHash(provider, key, &pkcs1, DIGEST(SHA256_OF_TEXT), signature, 256, &length, NCRYPT_PAD_PKCS1_FLAG));
  NEED(slots->FinalizeKey(provider, key, 0));
  CHECK_STATUS(NTE_EXISTS, slots->CreatePersistedKey(provider, &other, u"RSA", u"capi slots", 0, 0));
  CHECK_OK(slots->FreeKey(provider, key));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeKey(provider, key));
  CHECK_STATUS(NTE_BAD_KEYSET, slots->OpenKey(provider, &key, u"capi slots, another", 0, 0));
  NEED(slots->OpenKey(provider, &key, u"capi slots", AT_SIGNATURE, NCRYPT_SILENT_FLAG));
  CHECK_OK(key_number(key, u"Length", &value));
  CHECK_NUMBER(2048, value);
  CHECK_OK(slots->GetKeyProperty(provider, key, u"Name", out, sizeof out, &length, 0));
  CHECK(is_wide(out, length, u"capi slots"));
  CHECK_OK(slots->GetKeyProperty(provider, key, u"Name", NULL, 0, &length, 0));
  CHECK_STATUS(NTE_BUFFER_TOO_SMALL, slots->GetKeyProperty(provider, key, u"Name", out, length - 1, &length, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->GetKeyProperty(provider, key, u"No such property", out, sizeof out, &length, 0));

  CHECK_OK(slots->SignHash(provider, key, &pkcs1, DIGEST(SHA256_OF_TEXT), NULL, 0, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_NUMBER(256, length);
  NEED(slots->SignHash(provider, key, &pkcs1, DIGEST(SHA256_OF_TEXT), signature, 256, &length, NCRYPT_PAD_PKCS1_FLAG));
  blob = vector_file("signatures/" RSA2048 ".pkcs1-sha256.signature.bin");
  CHECK_BYTES(blob.data, blob.length, signature, length);
  CHECK_OK(slots->VerifySignature(provider, key, &pkcs1, DIGEST(SHA256_OF_TEXT), signature, length, NCRYPT_PAD_PKCS1_FLAG));
  signature[7] ^= 1;
  CHECK_STATUS(NTE_BAD_SIGNATURE,
               slots->VerifySignature(provider, key, &pkcs1, DIGEST(SHA256_OF_TEXT), signature, length, NCRYPT_PAD_PKCS1_FLAG));
  NEED(slots->Encrypt(provider, key, plain, sizeof plain, NULL, sealed, sizeof sealed, &length, NCRYPT_PAD_PKCS1_FLAG));
  NEED(slots->Decrypt(provider, key, sealed, length, NULL, opened, sizeof opened, &length, NCRYPT_PAD_PKCS1_FLAG));
  CHECK_BYTES(plain, sizeof plain, opened, length);

  blob = vector_file(RSA2048 ".RSAPUBLICBLOB.bin");
  CHECK_OK(slots->ExportKey(provider, key, 0, u"RSAPUBLICBLOB", NULL, NULL, 0, &length, 0));
  CHECK_NUMBER(blob.length, length);
  CHECK_OK(slots->ExportKey(provider, key, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, 0));
  CHECK_BYTES(blob.data, blob.length, out, length);
  blob = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin");
  CHECK_OK(slots->ExportKey(provider, key, 0, u"RSAPRIVATEBLOB", NULL, out, sizeof out, &length, 0));
  CHECK_BYTES(blob.data, blob.length, out, length);
  CHECK_OK(slots->DeleteKey(provider, key, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeKey(provider, key));
  CHECK_STATUS(NTE_BAD_KEYSET, slots->OpenKey(provider, &key, u"capi slots", 0, 0));
  in_context("");
}

static void agreement(void) {
  NCRYPT_KEY_HANDLE own = import(u"ECCPRIVATEBLOB", P256 ".ECDH.ECCPRIVATEBLOB.bin", NULL);
  NCRYPT_KEY_HANDLE other = import(u"ECCPRIVATEBLOB", P256 "-shortd.ECDH.ECCPRIVATEBLOB.bin", NULL);
  NCRYPT_KEY_HANDLE own_public = import(u"ECCPUBLICBLOB", P256 ".ECDH.ECCPUBLICBLOB.bin", NULL);
  NCRYPT_KEY_HANDLE other_public = import(u"ECCPUBLICBLOB", P256 "-shortd.ECDH.ECCPUBLICBLOB.bin", NULL);
  NCRYPT_SECRET_HANDLE one = 0, two = 0;
  BYTE first[32], second[32];
  in_context("agreement");
  NEED(slots->SecretAgreement(provider, own, other_public, &one, 0));
  NEED(slots->SecretAgreement(provider, other, own_public, &two, 0));
  CHECK_OK(slots->FreeKey(provider, own));
  CHECK_OK(slots->FreeKey(provider, other));
  CHECK_OK(slots->FreeKey(provider, own_public));
  CHECK_OK(slots->FreeKey(provider, other_public));
  CHECK_OK(slots->DeriveKey(provider, one, BCRYPT_KDF_RAW_SECRET, NULL, first, 32, &length, 0));
  CHECK_NUMBER(32, length);
  CHECK_OK(slots->DeriveKey(provider, two, BCRYPT_KDF_RAW_SECRET, NULL, second, 32, &length, 0));
  CHECK_BYTES(first, 32, second, length);
  /* A secret is no key, and the other way round. */
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeKey(provider, one));
  CHECK_OK(slots->FreeSecret(provider, one));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeSecret(provider, one));
  CHECK_OK(slots->FreeSecret(provider, two));
  in_context("");
}

static void enumerations(void) {
  NCRYPT_KEY_HANDLE key = import(u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", u"capi slots listed");
  NCryptAlgorithmName *algorithms = NULL;
  NCryptKeyName *name = NULL;
  PVOID state = NULL;
  DWORD count = 0;
  int found = 0;
  SECURITY_STATUS status;
  in_context("enumerations");
  CHECK_OK(slots->IsAlgSupported(provider, u"RSA", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->IsAlgSupported(provider, u"NOALG", 0));
  /* The slot is asked with a pointer: what the router says to NULL is the router's. */
  CHECK_STATUS(NTE_INVALID_PARAMETER, slots->IsAlgSupported(provider, NULL, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, slots->CreatePersistedKey(provider, &key, NULL, NULL, 0, 0));
  CHECK_OK(slots->EnumAlgorithms(provider, NCRYPT_SIGNATURE_OPERATION, &count, &algorithms, 0));
  CHECK(count > 0 && algorithms != NULL);
  CHECK_OK(slots->FreeBuffer(algorithms));
  CHECK_STATUS(NTE_INVALID_PARAMETER, slots->FreeBuffer(algorithms));
  while ((status = slots->EnumKeys(provider, NULL, &name, &state, NCRYPT_SILENT_FLAG)) == ERROR_SUCCESS) {
    if (is_wide(name->pszName, wide_size(name->pszName), u"capi slots listed")) {
      found++;
      CHECK(is_wide(name->pszAlgid, wide_size(name->pszAlgid), u"ECDSA_P256"));
    }
    CHECK_OK(slots->FreeBuffer(name));
  }
  CHECK_STATUS(NTE_NO_MORE_ITEMS, status);
  CHECK_OK(slots->FreeBuffer(state));
  CHECK_NUMBER(1, found);
  CHECK_OK(slots->DeleteKey(provider, key, 0));
  in_context("");
}

static void properties(void) {
  NCRYPT_UI_POLICY_BLOB *blob;
  NCRYPT_KEY_HANDLE key = 0;
  BYTE policy[128];
  DWORD size = 0;
  in_context("properties");
  CHECK_OK(slots->GetProviderProperty(provider, u"Name", NULL, 0, &length, 0));
  CHECK_OK(slots->GetProviderProperty(provider, u"Name", out, sizeof out, &length, 0));
  CHECK_OK(slots->GetProviderProperty(provider, u"Impl Type", out, sizeof out, &length, 0));
  CHECK_NUMBER(4, length);
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->GetProviderProperty(provider, u"No such property", out, sizeof out, &length, 0));
  CHECK_OK(slots->SetProviderProperty(provider, u"Use Context", (PBYTE)wide(u"context"), wide_size(u"context"), 0));
  CHECK_OK(slots->GetProviderProperty(provider, u"Use Context", out, sizeof out, &length, 0));
  CHECK(is_wide(out, length, u"context"));
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->SetProviderProperty(provider, u"Name", (PBYTE)wide(u"x"), 4, 0));

  /* A provider gets and gives the UI policy as one block of bytes. */
  blob = (NCRYPT_UI_POLICY_BLOB *)(void *)policy;
  memset(policy, 0, sizeof policy);
  blob->dwVersion = 1;
  blob->dwFlags = NCRYPT_UI_PROTECT_KEY_FLAG;
  blob->cbCreationTitle = wide_size(u"A title");
  blob->cbFriendlyName = wide_size(u"name");
  size = sizeof *blob;
  memcpy(policy + size, u"A title", wide_size(u"A title"));
  size += wide_size(u"A title");
  memcpy(policy + size, u"name", wide_size(u"name"));
  size += wide_size(u"name");
  NEED(slots->CreatePersistedKey(provider, &key, u"ECDSA_P256", u"capi slots ui", 0, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, slots->SetKeyProperty(provider, key, u"UI Policy", policy, size - 1, 0));
  CHECK_STATUS(NTE_INVALID_PARAMETER, slots->SetKeyProperty(provider, key, u"UI Policy", policy, 19, 0));
  CHECK_OK(slots->SetKeyProperty(provider, key, u"UI Policy", policy, size, 0));
  NEED(slots->FinalizeKey(provider, key, 0));
  CHECK_OK(slots->GetKeyProperty(provider, key, u"UI Policy", NULL, 0, &length, 0));
  CHECK_NUMBER(size, length);
  CHECK_OK(slots->GetKeyProperty(provider, key, u"UI Policy", out, size, &length, 0));
  CHECK_BYTES(policy, size, out, length);
  CHECK_OK(slots->DeleteKey(provider, key, 0));
  in_context("");
}

/* What is not there has a slot all the same. */
static void refusals(void) {
  NCRYPT_KEY_HANDLE key = import(u"ECCPRIVATEBLOB", P256 ".ECDSA.ECCPRIVATEBLOB.bin", NULL);
  HANDLE event = NULL;
  NCRYPT_SECRET_HANDLE secret = 0;
  in_context("refusals");
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->PromptUser(provider, key, u"operation", 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->PromptUser(provider, 0, NULL, 0));
  CHECK_STATUS(NTE_NOT_SUPPORTED, slots->NotifyChangeKey(provider, &event, NCRYPT_REGISTER_NOTIFY_FLAG));
  /* A provider's handle that is none. */
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->OpenKey(0, &key, u"capi slots", 0, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->GetProviderProperty(key, u"Name", out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->GetKeyProperty(provider, provider, u"Name", out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->GetKeyProperty(0, key, u"Length", out, sizeof out, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->SetProviderProperty(1, u"Use Context", out, 4, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->SetKeyProperty(provider, 1, u"Use Context", out, 4, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FinalizeKey(provider, 1, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->DeleteKey(provider, 1, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->SignHash(0, key, NULL, DIGEST(SHA256_OF_TEXT), out, 64, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->VerifySignature(0, key, NULL, DIGEST(SHA256_OF_TEXT), out, 64, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->Encrypt(0, key, out, 16, NULL, out, 256, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->Decrypt(0, key, out, 16, NULL, out, 256, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->ExportKey(0, key, 0, u"ECCPUBLICBLOB", NULL, out, 256, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->ImportKey(0, 0, u"ECCPUBLICBLOB", NULL, &key, out, 72, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->SecretAgreement(0, key, key, &secret, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->DeriveKey(provider, 0, BCRYPT_KDF_HASH, NULL, out, 20, &length, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->IsAlgSupported(0, u"RSA", 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->EnumAlgorithms(0, 0, &length, NULL, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->EnumKeys(0, NULL, NULL, NULL, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->PromptUser(0, key, NULL, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->NotifyChangeKey(0, &event, 0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeProvider(0));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeProvider(key));
  CHECK_STATUS(NTE_INVALID_PARAMETER, slots->OpenProvider(NULL, NULL, 0));
  CHECK_OK(slots->FreeKey(provider, key));
  in_context("");
}

/* A key and a secret may be freed when their provider is gone, and used until then. */
static void after_the_provider(void) {
  NCRYPT_KEY_HANDLE key = import(u"ECCPRIVATEBLOB", P256 ".ECDH.ECCPRIVATEBLOB.bin", NULL);
  NCRYPT_KEY_HANDLE other = import(u"ECCPUBLICBLOB", P256 "-shortd.ECDH.ECCPUBLICBLOB.bin", NULL);
  NCRYPT_SECRET_HANDLE secret = 0;
  NEED(slots->SecretAgreement(provider, key, other, &secret, 0));
  CHECK_OK(slots->FreeProvider(provider));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeProvider(provider));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->OpenKey(provider, &key, u"capi slots", 0, 0));
  CHECK_OK(slots->FreeKey(provider, key));
  CHECK_OK(slots->FreeKey(provider, other));
  CHECK_OK(slots->FreeSecret(provider, secret));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeKey(provider, key));
  CHECK_STATUS(NTE_INVALID_HANDLE, slots->FreeSecret(provider, secret));
}

int main(int count, char **arguments) {
  NCRYPT_PROV_HANDLE own_provider;
  start(count, arguments);
  if (table()) {
    if (!CHECK_OK(slots->OpenProvider(&provider, NULL, 0))) return 2;
    life_of_a_key();
    agreement();
    enumerations();
    properties();
    refusals();
    after_the_provider();
  }
  own_provider = open_provider();
  CHECK_NUMBER(0, keys_named(own_provider, u"capi slots"));
  CHECK_OK(NCryptFreeObject(own_provider));
  return finish(arguments[0]);
}
