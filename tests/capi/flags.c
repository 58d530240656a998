/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every bit of dwFlags on every call: what a call takes, what it cannot do on a token (NTE_NOT_SUPPORTED), and what it does not
 * know (NTE_BAD_FLAGS). The table is written from Microsoft's pages of the calls, not from the library.
 */
#include "check.h"

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define RSA2048 "rsa2048-e65537"
#define P256 "ec-nistP256"

static NCRYPT_PROV_HANDLE provider;
static NCRYPT_KEY_HANDLE rsa, ecdh, ecdh_public;
static NCRYPT_SECRET_HANDLE secret;
static Bytes rsa_blob, sealed, signature;
static BCRYPT_PKCS1_PADDING_INFO pkcs1 = {u"SHA256"};
static BYTE out[2048];
static DWORD length;

static SECURITY_STATUS freed(SECURITY_STATUS status, NCRYPT_HANDLE handle) {
  if (status == ERROR_SUCCESS) CHECK_OK(NCryptFreeObject(handle));
  return status;
}

static SECURITY_STATUS open_storage_provider(DWORD flags) {
  NCRYPT_PROV_HANDLE made = 0;
  SECURITY_STATUS status = NCryptOpenStorageProvider(&made, NULL, flags);
  return freed(status, made);
}
static SECURITY_STATUS enum_storage_providers(DWORD flags) {
  NCryptProviderName *list = NULL;
  DWORD count = 0;
  SECURITY_STATUS status = NCryptEnumStorageProviders(&count, &list, flags);
  if (status == ERROR_SUCCESS) CHECK_OK(NCryptFreeBuffer(list));
  return status;
}
static SECURITY_STATUS is_alg_supported(DWORD flags) { return NCryptIsAlgSupported(provider, u"RSA", flags); }
static SECURITY_STATUS enum_algorithms(DWORD flags) {
  NCryptAlgorithmName *list = NULL;
  DWORD count = 0;
  SECURITY_STATUS status = NCryptEnumAlgorithms(provider, 0, &count, &list, flags);
  if (status == ERROR_SUCCESS) CHECK_OK(NCryptFreeBuffer(list));
  return status;
}
static SECURITY_STATUS enum_keys(DWORD flags) {
  NCryptKeyName *name = NULL;
  PVOID state = NULL;
  SECURITY_STATUS status = NCryptEnumKeys(provider, NULL, &name, &state, flags);
  if (status == ERROR_SUCCESS) {
    /* Whose keys these are is said of each. */
    CHECK_NUMBER(flags & NCRYPT_MACHINE_KEY_FLAG, name->dwFlags & NCRYPT_MACHINE_KEY_FLAG);
    CHECK_OK(NCryptFreeBuffer(name));
  }
  if (state != NULL) CHECK_OK(NCryptFreeBuffer(state));
  return status == NTE_NO_MORE_ITEMS ? ERROR_SUCCESS : status;
}
static SECURITY_STATUS create(DWORD flags) {
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status = NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", u"capi flags created", 0, flags);
  if (status == ERROR_SUCCESS) {
    CHECK_NUMBER(flags & NCRYPT_MACHINE_KEY_FLAG, number_property(key, u"Key Type"));
    if ((flags & NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG) != 0) CHECK(has_text(key, u"Algorithm Name", u"ECDSA"));
  }
  return freed(status, key);
}
static SECURITY_STATUS open_key(DWORD flags) {
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status = NCryptOpenKey(provider, &key, u"capi flags", 0, flags);
  if (status == ERROR_SUCCESS) CHECK_NUMBER(flags & NCRYPT_MACHINE_KEY_FLAG, number_property(key, u"Key Type"));
  return freed(status, key);
}
static SECURITY_STATUS import(DWORD flags) {
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status = NCryptImportKey(provider, 0, u"RSAPRIVATEBLOB", NULL, &key, rsa_blob.data, rsa_blob.length, flags);
  if (status == ERROR_SUCCESS) {
    CHECK_NUMBER(flags & NCRYPT_MACHINE_KEY_FLAG, number_property(key, u"Key Type"));
    CHECK_STATUS((flags & NCRYPT_DO_NOT_FINALIZE_FLAG) != 0 ? NTE_BAD_KEY_STATE : ERROR_SUCCESS,
                 NCryptExportKey(key, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, 0));
  }
  return freed(status, key);
}
static SECURITY_STATUS finalize(DWORD flags) {
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status = NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", NULL, 0, 0);
  if (status != ERROR_SUCCESS) return status;
  status = NCryptFinalizeKey(key, flags);
  /* What is refused can be done without the flag. */
  if (status != ERROR_SUCCESS) CHECK_OK(NCryptFinalizeKey(key, 0));
  CHECK_OK(NCryptFreeObject(key));
  return status;
}
static SECURITY_STATUS delete_key(DWORD flags) {
  NCRYPT_KEY_HANDLE key = 0;
  SECURITY_STATUS status = NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", NULL, 0, 0);
  if (status != ERROR_SUCCESS) return status;
  status = NCryptDeleteKey(key, flags);
  CHECK_STATUS(status == ERROR_SUCCESS ? NTE_INVALID_HANDLE : ERROR_SUCCESS, NCryptFreeObject(key));
  return status;
}
static SECURITY_STATUS export_key(DWORD flags) {
  return NCryptExportKey(rsa, 0, u"RSAPUBLICBLOB", NULL, out, sizeof out, &length, flags);
}
static SECURITY_STATUS get_property(DWORD flags) {
  return NCryptGetProperty(rsa, u"capi flags", out, sizeof out, &length, flags);
}
static SECURITY_STATUS get_provider_property(DWORD flags) {
  return NCryptGetProperty(provider, u"Version", out, sizeof out, &length, flags);
}
static SECURITY_STATUS set_property(DWORD flags) { return NCryptSetProperty(rsa, u"Use Context", (PBYTE)wide(u"x"), 4, flags); }
static SECURITY_STATUS sign(DWORD flags) {
  return NCryptSignHash(rsa, &pkcs1, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length, flags | NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS verify(DWORD flags) {
  return NCryptVerifySignature(rsa, &pkcs1, DIGEST(SHA256_OF_TEXT), signature.data, signature.length,
                               flags | NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS encrypt(DWORD flags) {
  BYTE in[8] = {0};
  return NCryptEncrypt(rsa, in, sizeof in, NULL, out, sizeof out, &length, flags | NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS decrypt(DWORD flags) {
  return NCryptDecrypt(rsa, sealed.data, sealed.length, NULL, out, sizeof out, &length, flags | NCRYPT_PAD_PKCS1_FLAG);
}
static SECURITY_STATUS agree(DWORD flags) {
  NCRYPT_SECRET_HANDLE made = 0;
  SECURITY_STATUS status = NCryptSecretAgreement(ecdh, ecdh_public, &made, flags);
  return freed(status, made);
}
static SECURITY_STATUS derive(DWORD flags) { return NCryptDeriveKey(secret, BCRYPT_KDF_HMAC, NULL, out, 20, &length, flags); }
static SECURITY_STATUS key_derivation(DWORD flags) { return NCryptKeyDerivation(rsa, NULL, out, 20, &length, flags); }
static SECURITY_STATUS encapsulate(DWORD flags) {
  DWORD other = 0;
  return NCryptEncapsulate(rsa, out, 32, &length, out + 64, 1088, &other, flags);
}
static SECURITY_STATUS decapsulate(DWORD flags) { return NCryptDecapsulate(rsa, out, 1088, out, 32, &length, flags); }
static SECURITY_STATUS notify(DWORD flags) {
  HANDLE event = NULL;
  return NCryptNotifyChangeKey(provider, &event, flags);
}
static SECURITY_STATUS storage_interface(DWORD flags) {
  NCRYPT_KEY_STORAGE_FUNCTION_TABLE *table = NULL;
  return GetKeyStorageInterface(NULL, &table, flags);
}

#define EVERYWHERE (NCRYPT_SILENT_FLAG | NCRYPT_EXTENDED_ERRORS_FLAG)

static const struct {
  const char *name;
  SECURITY_STATUS (*call)(DWORD);
  /* what is taken, what is known and cannot be done */
  DWORD taken, refused;
  /* what the call answers where the flags are right */
  SECURITY_STATUS otherwise;
} CALLS[] = {
    {"NCryptOpenStorageProvider", open_storage_provider, EVERYWHERE, 0, ERROR_SUCCESS},
    {"NCryptEnumStorageProviders", enum_storage_providers, EVERYWHERE, 0, ERROR_SUCCESS},
    {"NCryptIsAlgSupported", is_alg_supported, EVERYWHERE, 0, ERROR_SUCCESS},
    {"NCryptEnumAlgorithms", enum_algorithms, EVERYWHERE, 0, ERROR_SUCCESS},
    {"NCryptEnumKeys", enum_keys, EVERYWHERE | NCRYPT_MACHINE_KEY_FLAG, 0, ERROR_SUCCESS},
    {"NCryptCreatePersistedKey", create,
     EVERYWHERE | NCRYPT_MACHINE_KEY_FLAG | NCRYPT_OVERWRITE_KEY_FLAG | NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG |
         NCRYPT_PREFER_VIRTUAL_ISOLATION_FLAG,
     NCRYPT_USE_VIRTUAL_ISOLATION_FLAG | NCRYPT_USE_PER_BOOT_KEY_FLAG | NCRYPT_AUTHORITY_KEY_FLAG, ERROR_SUCCESS},
    {"NCryptOpenKey", open_key, EVERYWHERE | NCRYPT_MACHINE_KEY_FLAG | NCRYPT_IGNORE_DEVICE_STATE_FLAG, 0, ERROR_SUCCESS},
    {"NCryptImportKey", import,
     EVERYWHERE | NCRYPT_NO_KEY_VALIDATION | NCRYPT_MACHINE_KEY_FLAG | NCRYPT_OVERWRITE_KEY_FLAG | NCRYPT_DO_NOT_FINALIZE_FLAG |
         NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG | NCRYPT_PREFER_VIRTUAL_ISOLATION_FLAG,
     NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG | NCRYPT_USE_VIRTUAL_ISOLATION_FLAG | NCRYPT_USE_PER_BOOT_KEY_FLAG, ERROR_SUCCESS},
    {"NCryptFinalizeKey", finalize, EVERYWHERE | NCRYPT_NO_KEY_VALIDATION | NCRYPT_IGNORE_DEVICE_STATE_FLAG,
     NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG, ERROR_SUCCESS},
    {"NCryptDeleteKey", delete_key, EVERYWHERE, 0, ERROR_SUCCESS},
    {"NCryptExportKey", export_key, EVERYWHERE, NCRYPT_EXPORT_LEGACY_FLAG, ERROR_SUCCESS},
    {"NCryptGetProperty of a key", get_property, EVERYWHERE | NCRYPT_PERSIST_ONLY_FLAG, 0, ERROR_SUCCESS},
    /* Nothing keeps a property of one's own with a provider. */
    {"NCryptGetProperty of a provider", get_provider_property, EVERYWHERE, NCRYPT_PERSIST_ONLY_FLAG, ERROR_SUCCESS},
    {"NCryptSetProperty", set_property, EVERYWHERE | NCRYPT_PERSIST_FLAG | NCRYPT_PERSIST_ONLY_FLAG, 0, ERROR_SUCCESS},
    {"NCryptSignHash", sign, EVERYWHERE | NCRYPT_PAD_PKCS1_FLAG, NCRYPT_PAD_PQDSA_FLAG | NCRYPT_NO_CACHED_PASSWORD, ERROR_SUCCESS},
    {"NCryptVerifySignature", verify, EVERYWHERE | NCRYPT_PAD_PKCS1_FLAG, NCRYPT_PAD_PQDSA_FLAG | NCRYPT_NO_CACHED_PASSWORD,
     ERROR_SUCCESS},
    {"NCryptEncrypt", encrypt, EVERYWHERE | NCRYPT_PAD_PKCS1_FLAG, NCRYPT_SEALING_FLAG | NCRYPT_NO_CACHED_PASSWORD, ERROR_SUCCESS},
    {"NCryptDecrypt", decrypt, EVERYWHERE | NCRYPT_PAD_PKCS1_FLAG, NCRYPT_SEALING_FLAG | NCRYPT_NO_CACHED_PASSWORD, ERROR_SUCCESS},
    {"NCryptSecretAgreement", agree, EVERYWHERE, 0, ERROR_SUCCESS},
    {"NCryptDeriveKey", derive, EVERYWHERE | KDF_USE_SECRET_AS_HMAC_KEY_FLAG, 0, ERROR_SUCCESS},
    {"NCryptKeyDerivation", key_derivation, EVERYWHERE, 0, NTE_NOT_SUPPORTED},
    {"NCryptEncapsulate", encapsulate, EVERYWHERE, 0, NTE_NOT_SUPPORTED},
    {"NCryptDecapsulate", decapsulate, EVERYWHERE, 0, NTE_NOT_SUPPORTED},
    {"NCryptNotifyChangeKey", notify,
     EVERYWHERE | NCRYPT_REGISTER_NOTIFY_FLAG | NCRYPT_UNREGISTER_NOTIFY_FLAG | NCRYPT_MACHINE_KEY_FLAG, 0, NTE_NOT_SUPPORTED},
    {"GetKeyStorageInterface", storage_interface, 0, 0, ERROR_SUCCESS},
};

/* Without a bit, with each alone, and with all that there are. */
static void bits(void) {
  size_t at;
  int bit;
  for (at = 0; at < COUNT_OF(CALLS); at++) {
    SECURITY_STATUS otherwise = CALLS[at].otherwise;
    in_context(CALLS[at].name);
    /* The derivation that takes the secret as its key wants the flag or a key. */
    if (CALLS[at].call != derive) CHECK_STATUS(otherwise, CALLS[at].call(0));
    for (bit = 0; bit < 32; bit++) {
      DWORD flag = (DWORD)1 << bit;
      char text[64];
      snprintf(text, sizeof text, "%s, 0x%lX", CALLS[at].name, (unsigned long)flag);
      in_context(text);
      if ((CALLS[at].taken & flag) != 0) {
        CHECK_STATUS(otherwise, CALLS[at].call(CALLS[at].call == derive ? flag | KDF_USE_SECRET_AS_HMAC_KEY_FLAG : flag));
      } else if ((CALLS[at].refused & flag) != 0) {
        CHECK_STATUS(NTE_NOT_SUPPORTED, CALLS[at].call(flag));
      } else {
        CHECK_STATUS(NTE_BAD_FLAGS, CALLS[at].call(flag));
        /* Beside what is taken it is not taken either. */
        CHECK_STATUS(NTE_BAD_FLAGS, CALLS[at].call(flag | CALLS[at].taken));
      }
      in_context("");
    }
    in_context(CALLS[at].name);
    CHECK_STATUS(NTE_BAD_FLAGS, CALLS[at].call(0xFFFFFFFF));
  }
  in_context("");
}

/* What the flags do. */
static void effects(void) {
  NCRYPT_KEY_HANDLE key = 0;
  Bytes off = vector_file(P256 ".ECDSA.ECCPUBLICBLOB.bin");
  BYTE value[64];
  BCRYPT_PSS_PADDING_INFO pss;
  in_context("what the flags do");
  /* Flags that Windows was seen to refuse. */
  CHECK_STATUS(NTE_BAD_FLAGS, import(49));
  /* Without validation a point off the curve is let through by CNG; lengths never are. */
  off.data[off.length - 1] ^= 2;
  CHECK_STATUS(NTE_INVALID_PARAMETER, NCryptImportKey(provider, 0, u"ECCPUBLICBLOB", NULL, &key, off.data, off.length, 0));
  CHECK_OK(NCryptImportKey(provider, 0, u"ECCPUBLICBLOB", NULL, &key, off.data, off.length, NCRYPT_NO_KEY_VALIDATION));
  if (key != 0) CHECK_OK(NCryptFreeObject(key));
  CHECK_STATUS(NTE_BAD_DATA,
               NCryptImportKey(provider, 0, u"ECCPUBLICBLOB", NULL, &key, off.data, off.length - 1, NCRYPT_NO_KEY_VALIDATION));
  /* A property of one's own under the name of another. */
  CHECK_OK(NCryptSetProperty(rsa, u"Length", (PBYTE)wide(u"own"), 8, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK_OK(NCryptGetProperty(rsa, u"Length", value, sizeof value, &length, NCRYPT_PERSIST_ONLY_FLAG));
  CHECK(is_wide(value, length, u"own"));
  CHECK_NUMBER(2048, number_property(rsa, u"Length"));
  CHECK_STATUS(NTE_NOT_FOUND, NCryptGetProperty(rsa, u"Lengths", value, sizeof value, &length, NCRYPT_PERSIST_ONLY_FLAG));
  /* Two paddings at once. */
  pss.pszAlgId = u"SHA256";
  pss.cbSalt = 32;
  CHECK_STATUS(NTE_BAD_FLAGS, NCryptSignHash(rsa, &pss, DIGEST(SHA256_OF_TEXT), out, sizeof out, &length,
                                             NCRYPT_PAD_PSS_FLAG | NCRYPT_PAD_PKCS1_FLAG));
  sign_and_verify(rsa, &pss, SHA256_OF_TEXT, 32, NCRYPT_PAD_PSS_FLAG | NCRYPT_SILENT_FLAG, 256);
  /* A kept key that calls itself generic. */
  NEED(NCryptCreatePersistedKey(provider, &key, u"ECDSA_P256", NULL, 0, NCRYPT_TREAT_NIST_AS_GENERIC_ECC_FLAG));
  NEED(NCryptFinalizeKey(key, 0));
  CHECK(has_text(key, u"Algorithm Name", u"ECDSA"));
  CHECK(has_text(key, u"ECCCurveName", u"nistP256"));
  CHECK_OK(NCryptExportKey(key, 0, u"ECCPUBLICBLOB", NULL, out, sizeof out, &length, 0));
  CHECK_NUMBER(BCRYPT_ECDSA_PUBLIC_GENERIC_MAGIC, number_at(out));
  CHECK_OK(NCryptFreeObject(key));
  in_context("");
}

int main(int count, char **arguments) {
  NCRYPT_KEY_HANDLE named = 0;
  BYTE value[4] = {1, 2, 3, 4}, in[8] = {0};
  start(count, arguments);
  provider = open_provider();
  rsa_blob = vector_file(RSA2048 ".RSAPRIVATEBLOB.bin");
  signature = vector_file("signatures/" RSA2048 ".pkcs1-sha256.signature.bin");
  CHECK_OK(import_blob(provider, &rsa, u"RSAPRIVATEBLOB", rsa_blob, NULL, 0));
  CHECK_OK(import_blob(provider, &ecdh, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDH.ECCPRIVATEBLOB.bin"), NULL, 0));
  CHECK_OK(import_blob(provider, &ecdh_public, u"ECCPUBLICBLOB", vector_file(P256 "-shortd.ECDH.ECCPUBLICBLOB.bin"), NULL, 0));
  CHECK_OK(import_blob(provider, &named, u"ECCPRIVATEBLOB", vector_file(P256 ".ECDSA.ECCPRIVATEBLOB.bin"), u"capi flags", 0));
  CHECK_OK(NCryptSecretAgreement(ecdh, ecdh_public, &secret, 0));
  CHECK_OK(NCryptSetProperty(rsa, u"capi flags", value, sizeof value, NCRYPT_PERSIST_FLAG));
  CHECK_OK(NCryptEncrypt(rsa, in, sizeof in, NULL, out, sizeof out, &length, NCRYPT_PAD_PKCS1_FLAG));
  sealed = bytes_of(out, length);
  if (checks_failed == 0) {
    bits();
    effects();
  }
  CHECK_OK(NCryptDeleteKey(named, 0));
  CHECK_OK(NCryptFreeObject(secret));
  CHECK_OK(NCryptFreeObject(rsa));
  CHECK_OK(NCryptFreeObject(ecdh));
  CHECK_OK(NCryptFreeObject(ecdh_public));
  CHECK_NUMBER(0, keys_named(provider, u"capi flags"));
  CHECK_OK(NCryptFreeObject(provider));
  return finish(arguments[0]);
}
