/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which token, and whose PIN: the user's token and the machine's, PINs from variables, properties and URIs, and a PIN that was
 * refused, which is not tried again.
 *
 *   scopes FOLDER LABEL OTHER     the first has the PIN that is in CNG11_PIN, the other the one in CNG11_MACHINE_PIN
 */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <cng11/winerror.h>

static char16_t widened[4][256];

static LPCWSTR widen(int at, const char *text) {
  size_t i;
  for (i = 0; text[i] != 0 && i < 255; i++) widened[at][i] = (char16_t)text[i];
  widened[at][i] = 0;
  return widened[at];
}

/* Whether a key of this name is there. */
static int has_key(NCRYPT_PROV_HANDLE provider, DWORD flags, LPCWSTR name) {
  NCryptKeyName *item = NULL;
  PVOID state = NULL;
  int found = 0;
  SECURITY_STATUS status;
  while ((status = NCryptEnumKeys(provider, NULL, &item, &state, flags)) == ERROR_SUCCESS) {
    found += memcmp(item->pszName, name, wide_size(name)) == 0;
    CHECK_NUMBER(flags & NCRYPT_MACHINE_KEY_FLAG, item->dwFlags);
    CHECK_OK(NCryptFreeBuffer(item));
  }
  CHECK_STATUS(NTE_NO_MORE_ITEMS, status);
  CHECK_OK(NCryptFreeBuffer(state));
  return found;
}

static void without_a_pin(LPCWSTR pin) {
  NCRYPT_PROV_HANDLE provider = 0, second = 0, third = 0;
  NCRYPT_KEY_HANDLE key = 0;
  in_context("no PIN anywhere");
  NEED(NCryptOpenStorageProvider(&provider, NULL, 0));
  NEED(NCryptOpenStorageProvider(&second, NULL, 0));
  CHECK_STATUS(NTE_SILENT_CONTEXT, NCryptOpenKey(provider, &key, u"scopes", 0, 0));
  CHECK_STATUS(NTE_SILENT_CONTEXT, NCryptOpenKey(provider, &key, u"scopes", 0, NCRYPT_SILENT_FLAG));
  in_context("a wrong PIN");
  CHECK_STATUS(SCARD_W_WRONG_CHV, NCryptSetProperty(provider, NCRYPT_PIN_PROPERTY, (PBYTE)u"not it", 14, 0));
  CHECK_STATUS(SCARD_W_WRONG_CHV, NCryptOpenKey(provider, &key, u"scopes", 0, 0));
  in_context("the PIN as a property");
  /* Another provider does not try the same again either: the tries of a card are counted. */
  CHECK_STATUS(SCARD_W_WRONG_CHV, NCryptSetProperty(second, NCRYPT_PIN_PROPERTY, (PBYTE)u"not it", 14, 0));
  CHECK_OK(NCryptSetProperty(provider, NCRYPT_PIN_PROPERTY, (PBYTE)pin, wide_size(pin), 0));
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &key, u"scopes", 0, 0));
  in_context("a login holds for every provider");
  NEED(NCryptOpenStorageProvider(&third, NULL, 0));
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(third, &key, u"scopes", 0, 0));
  CHECK_OK(NCryptFreeObject(third));
  CHECK_OK(NCryptFreeObject(second));
  CHECK_OK(NCryptFreeObject(provider));
}

static void two_tokens(void) {
  NCRYPT_PROV_HANDLE provider = 0;
  NCRYPT_KEY_HANDLE own = 0, machine = 0;
  DWORD type = 1, length = 0;
  in_context("the user's and the machine's");
  NEED(NCryptOpenStorageProvider(&provider, MS_KEY_STORAGE_PROVIDER, 0));
  NEED(NCryptCreatePersistedKey(provider, &own, BCRYPT_ECDSA_P256_ALGORITHM, u"scopes", 0, 0));
  NEED(NCryptFinalizeKey(own, 0));
  CHECK(has_key(provider, 0, u"scopes"));
  CHECK(!has_key(provider, NCRYPT_MACHINE_KEY_FLAG, u"scopes"));
  CHECK_STATUS(NTE_BAD_KEYSET, NCryptOpenKey(provider, &machine, u"scopes", 0, NCRYPT_MACHINE_KEY_FLAG));
  /* The same name on the other token is another key. */
  NEED(NCryptCreatePersistedKey(provider, &machine, BCRYPT_ECDSA_P256_ALGORITHM, u"scopes", 0, NCRYPT_MACHINE_KEY_FLAG));
  NEED(NCryptFinalizeKey(machine, 0));
  CHECK(has_key(provider, NCRYPT_MACHINE_KEY_FLAG, u"scopes"));
  CHECK_OK(NCryptGetProperty(own, NCRYPT_KEY_TYPE_PROPERTY, (PBYTE)&type, sizeof type, &length, 0));
  CHECK_NUMBER(0, type);
  CHECK_OK(NCryptGetProperty(machine, NCRYPT_KEY_TYPE_PROPERTY, (PBYTE)&type, sizeof type, &length, 0));
  CHECK_NUMBER(NCRYPT_MACHINE_KEY_FLAG, type);
  CHECK_OK(NCryptDeleteKey(own, 0));
  CHECK(has_key(provider, NCRYPT_MACHINE_KEY_FLAG, u"scopes"));
  CHECK_OK(NCryptDeleteKey(machine, 0));
  CHECK(!has_key(provider, NCRYPT_MACHINE_KEY_FLAG, u"scopes"));
  CHECK_OK(NCryptFreeObject(provider));
}

static void by_uri(const char *label, const char *other, const char *pin) {
  NCRYPT_PROV_HANDLE provider = 0;
  NCRYPT_KEY_HANDLE key = 0;
  char text[200];
  char16_t name[256] = {0};
  DWORD length = 0, at;
  in_context("a URI as the provider's name");
  snprintf(text, sizeof text, "pkcs11:token=%s?pin-value=%s", other, pin);
  NEED(NCryptOpenStorageProvider(&provider, widen(1, text), 0));
  CHECK_OK(NCryptGetProperty(provider, NCRYPT_NAME_PROPERTY, (PBYTE)name, sizeof name, &length, 0));
  for (at = 0; at < length / 2 && name[at] != 0; at++) text[at] = (char)name[at];
  text[at] = 0;
  CHECK(strstr(text, other) != NULL);
  CHECK(strstr(text, "pin") == NULL);
  NEED(NCryptCreatePersistedKey(provider, &key, BCRYPT_ECDSA_P256_ALGORITHM, u"scopes by URI", 0, 0));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK(has_key(provider, 0, u"scopes by URI"));
  CHECK_OK(NCryptDeleteKey(key, 0));
  CHECK_OK(NCryptFreeObject(provider));

  in_context("names that are none");
  CHECK_STATUS(NTE_PROV_DLL_NOT_FOUND, NCryptOpenStorageProvider(&provider, u"No Such Provider", 0));
  CHECK_STATUS(NTE_DEVICE_NOT_FOUND, NCryptOpenStorageProvider(&provider, u"pkcs11:token=nowhere", 0));
  snprintf(text, sizeof text, "pkcs11:token=%s?module-path=/nowhere/at/all.so", label);
  unsetenv("CNG11_MODULE");
  CHECK_STATUS(NTE_PROV_DLL_NOT_FOUND, NCryptOpenStorageProvider(&provider, widen(2, text), 0));
}

int main(int argc, char **argv) {
  char pin[64] = "", other[64] = "";
  if (argc != 4 || getenv("CNG11_PIN") == NULL || getenv("CNG11_MACHINE_PIN") == NULL) {
    fprintf(stderr, "scopes FOLDER LABEL OTHER, and the PINs in CNG11_PIN and CNG11_MACHINE_PIN\n");
    return 2;
  }
  strncpy(pin, getenv("CNG11_PIN"), sizeof pin - 1);
  strncpy(other, getenv("CNG11_MACHINE_PIN"), sizeof other - 1);
  unsetenv("CNG11_PIN");
  unsetenv("CNG11_PIN_SOURCE");
  setenv("CNG11_TOKEN", argv[2], 1);
  start(argc, argv);
  without_a_pin(widen(0, pin));
  setenv("CNG11_PIN", pin, 1);
  setenv("CNG11_MACHINE_TOKEN", argv[3], 1);
  /* Nobody is logged in to the other token yet: the PIN of the variable is the first one's. */
  by_uri(argv[2], argv[3], other);
  two_tokens();
  return finish("scopes");
}
