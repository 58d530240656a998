/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every function with arguments from a random number generator: right and wrong handles, NULL, short buffers, any flags, blobs with
 * bytes changed. A length is never more than there is behind its pointer: that is the caller's to promise. Buffers have
 * exactly their length, so that AddressSanitizer sees a byte of this program beside them. It must not crash, must not write beyond
 * a buffer, and must not make a handle when it fails.
 *
 *   fuzz FOLDER SECONDS [SEED]
 *
 * The seed is printed first. With the same seed the same calls are made. All keys of the token are deleted at the end: it runs only if
 * CNG11_TEST_THROWAWAY is set, as scripts/capi sets it.
 */
#include "check.h"

#include <time.h>

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static uint64_t state;
/* Those that gave something. */
static unsigned long succeeded;

static uint32_t draw(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return below == 0 ? 0 : (uint32_t)((state * 0x2545F4914F6CDD1DULL) >> 32) % below;
}

static uint32_t any_number(void) { return draw(0x10000) << 16 | draw(0x10000); }
static int one_in(uint32_t count) { return draw(count) == 0; }

/* ---- handles ------------------------------------------------------------------------------------ */

/* What was made, some of it freed since: a handle of the pool may be of any kind, and stale. */
static NCRYPT_HANDLE pool[64];
static NCRYPT_PROV_HANDLE provider;
static BCRYPT_HANDLE bcrypt_pool[64];

static NCRYPT_HANDLE any_handle(void) {
  uint32_t kind = draw(16), which = draw(COUNT_OF(pool)), number = any_number();
  if (kind == 0) return 0;
  if (kind == 1) return number;
  if (kind == 2) return ((NCRYPT_HANDLE)number << 32) | any_number();
  if (kind == 3) return pool[which] ^ ((NCRYPT_HANDLE)1 << draw(64));
  if (kind < 7) return provider;
  if (kind == 7) return (NCRYPT_HANDLE)(ULONG_PTR)bcrypt_pool[which];
  return pool[which];
}

static void keep(SECURITY_STATUS status, NCRYPT_HANDLE made, NCRYPT_HANDLE before) {
  uint32_t place = draw(COUNT_OF(pool));
  if (status != ERROR_SUCCESS) {
    CHECK(made == before);
    return;
  }
  CHECK(made != before && made != 0);
  succeeded++;
  /* What stood there is freed, or was freed already. */
  if (pool[place] != provider) NCryptFreeObject(pool[place]);
  pool[place] = made;
}

/* ---- what is handed over --------------------------------------------------------------------------- */

#define ALGORITHMS \
  u"RSA", u"ECDSA_P256", u"ECDSA_P384", u"ECDSA", u"ECDH_P256", u"ECDH", u"AES", u"3DES", u"SHA1", u"SHA256", u"SHA384", u"RNG"
#define NAMES u"capi fuzz one", u"capi fuzz two", u"capi fuzz three"
#define BLOBS \
  u"RSAPUBLICBLOB", u"RSAPRIVATEBLOB", u"RSAFULLPRIVATEBLOB", u"PUBLICBLOB", u"PRIVATEBLOB", u"CAPIPUBLICBLOB", u"CAPIPRIVATEBLOB", \
      u"ECCPUBLICBLOB", u"ECCPRIVATEBLOB", u"ECCFULLPRIVATEBLOB", u"ECCFULLPUBLICBLOB", u"CipherKeyBlob", u"KeyDataBlob", \
      u"OpaqueKeyBlob", u"Rfc3565KeyWrapBlob", u"PKCS11RsaAesWrapBlob", u"PKCS7_ENVELOPE", u"PKCS8_PRIVATEKEY", u"OpaqueTransport"
#define PROPERTIES \
  u"Name", u"Unique Name", u"Algorithm Name", u"Algorithm Group", u"Length", u"Lengths", u"Block Length", u"Chaining Mode", \
      u"AuthTagLength", u"IV", u"Export Policy", u"Key Usage", u"Key Type", u"UI Policy", u"HWND Handle", u"Use Context", \
      u"Impl Type", u"Max Name Length", u"Version", u"Security Descr Support", u"Provider Handle", u"ECCParameters", \
      u"ECCCurveName", u"ECCCurveNameList", u"PublicKeyLength", u"SignatureLength", u"SmartCardKeyCertificate", \
      u"SmartCardReader", u"SmartCardGuid", u"CLR IsEphemeral", u"capi fuzz property"
#define PRIMITIVE_PROPERTIES \
  u"AlgorithmName", u"KeyLength", u"KeyLengths", u"BlockLength", u"ObjectLength", u"ChainingMode", u"HashDigestLength", \
      u"HashBlockLength", u"PaddingSchemes", u"PrimitiveType", u"IV", u"ProviderHandle", u"AuthTagLength"
#define MODES u"ChainingModeCBC", u"ChainingModeECB", u"ChainingModeGCM", u"ChainingModeCCM", u"ChainingModeCFB"
#define KDFS u"HASH", u"HMAC", u"TLS_PRF", u"SP800_56A_CONCAT", u"TRUNCATE", u"HKDF"

static const LPCWSTR ALGORITHM[] = {ALGORITHMS}, NAME[] = {NAMES}, BLOB[] = {BLOBS}, PROPERTY[] = {PROPERTIES},
                     PRIMITIVE_PROPERTY[] = {PRIMITIVE_PROPERTIES}, MODE[] = {MODES}, KDF[] = {KDFS};
static const LPCWSTR TEXTS[] = {
    ALGORITHMS, NAMES, BLOBS, PROPERTIES, PRIMITIVE_PROPERTIES, MODES, KDFS, u"RSA_SIGN", u"DH", u"ML-DSA", u"SHA512", u"MD5",
    u"nistP256", u"curve25519", u"secP256k1", u"brainpoolP256r1", u"Microsoft Software Key Storage Provider", u"",
    u"SSLECCPUBLICBLOB", u"DHPUBLICBLOB", u"DSAPRIVATEBLOB", u"PQDSAPUBLICBLOB", u"MLKEMPRIVATEBLOB", u"Modified", u"Security Descr",
    u"Use Count", u"DHParameters", u"ParameterSetName", u"KEMCiphertextLength"};

/* In memory of its own, that ends with it. Freed after the call. */
static void *lent[64];
static size_t lent_count;

static void *lend(size_t size) {
  void *memory = malloc(size == 0 ? 1 : size);
  if (memory == NULL || lent_count == COUNT_OF(lent)) exit(2);
  lent[lent_count++] = memory;
  return memory;
}

static void give_back(void) {
  while (lent_count > 0) free(lent[--lent_count]);
}

static LPWSTR any_text(void) {
  LPWSTR text;
  uint32_t kind = draw(20), which = draw(COUNT_OF(TEXTS)), at, size;
  if (kind == 0) return NULL;
  if (kind == 1) {
    /* Not always UTF-16. */
    uint32_t units = one_in(8) ? 600 + draw(200) : draw(80);
    text = (LPWSTR)lend(2 * (units + 1));
    for (at = 0; at < units; at++) text[at] = (WCHAR)(1 + draw(one_in(4) ? 0xFFFF : 0x7F));
    text[units] = 0;
    return text;
  }
  size = wide_size(TEXTS[which]);
  text = (LPWSTR)lend(size);
  memcpy(text, TEXTS[which], size);
  if (kind == 2 && size > 4) text[draw(size / 2 - 1)] ^= (WCHAR)(1 << draw(8));
  return text;
}

/* Mostly one that makes sense at its place. */
static LPWSTR text_of(const LPCWSTR *group, size_t count) {
  LPCWSTR chosen = group[draw((uint32_t)count)];
  if (one_in(5)) return any_text();
  return (LPWSTR)memcpy(lend(wide_size(chosen)), chosen, wide_size(chosen));
}
#define TEXT_OF(GROUP) text_of((GROUP), COUNT_OF(GROUP))

static const char *const FILES[] = {
    "rsa1024-e65537.RSAPRIVATEBLOB.bin", "rsa1024-e65537.RSAFULLPRIVATEBLOB.bin", "rsa1024-e65537.RSAPUBLICBLOB.bin",
    "rsa1024-e65537.PKCS8_PRIVATEKEY.bin", "more/rsa2048.CAPIPRIVATEBLOB.bin", "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
    "ec-nistP256.ECDSA.ECCPUBLICBLOB.bin", "ec-nistP256.ECDH.ECCPRIVATEBLOB.bin", "ec-nistP256.ECDH.ECCPUBLICBLOB.bin",
    "ec-nistP384.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", "ec-nistP256.PKCS8_PRIVATEKEY.bin",
    "more/nistP256.GENERIC-ECDSA.ECCFULLPRIVATEBLOB.bin", "aes128.CipherKeyBlob.bin", "aes256.KeyDataBlob.bin",
    "aes128.kek128.Rfc3565KeyWrapBlob.bin", "more/aes256-more.rsa2048-sha1.PKCS11RsaAesWrapBlob.bin",
    "transport/aes256.aes.OpaqueTransport.bin", "cms/key-package.cms.bin", "cms/two.certstore.bin", "more/nistP256.cert.bin"};
static Bytes files[COUNT_OF(FILES)];
/* The type that each of the first thirteen has. */
static const LPCWSTR TYPES[] = {u"RSAPRIVATEBLOB", u"RSAFULLPRIVATEBLOB", u"RSAPUBLICBLOB", u"PKCS8_PRIVATEKEY", u"CAPIPRIVATEBLOB",
                                u"ECCPRIVATEBLOB", u"ECCPUBLICBLOB", u"ECCPRIVATEBLOB", u"ECCPUBLICBLOB", u"ECCPRIVATEBLOB",
                                u"PKCS8_PRIVATEKEY", u"ECCFULLPRIVATEBLOB", u"CipherKeyBlob"};

static PBYTE copy_of(Bytes file, DWORD *length) {
  PBYTE data;
  uint32_t changes, cut = draw(file.length + 1);
  *length = one_in(6) ? cut : file.length;
  data = (PBYTE)lend(*length);
  memcpy(data, file.data, *length);
  for (changes = one_in(2) ? 0 : draw(4); changes > 0 && *length > 0; changes--) {
    uint32_t place = one_in(2) ? draw(*length < 24 ? *length : 24) : draw(*length);
    data[place] = (BYTE)draw(256);
  }
  return data;
}

/* Bytes to be read: NULL, few, a file. */
static PBYTE any_input(DWORD *length) {
  uint32_t kind = draw(8), at, size = draw(80), which = draw(COUNT_OF(FILES));
  PBYTE data;
  if (kind == 0) {
    *length = one_in(2) ? 0 : draw(100);
    return NULL;
  }
  if (kind < 3) return copy_of(files[which], length);
  if (kind < 6) size = kind == 3 ? 32 : kind == 4 ? 4 : 16;
  *length = size;
  data = (PBYTE)lend(size);
  for (at = 0; at < size; at++) data[at] = (BYTE)draw(256);
  if (size == 4 && one_in(2)) put_number(data, (DWORD)draw(40));
  if (size == 4 && one_in(4)) put_number(data, 1024);
  return data;
}

static PBYTE any_output(DWORD *length) {
  uint32_t kind = draw(5), size = draw(300);
  if (kind == 0) {
    *length = size;
    return NULL;
  }
  if (kind == 1) size = 0;
  if (kind > 2) size = 2048;
  *length = size;
  return (PBYTE)memset(lend(size), 0x33, size == 0 ? 1 : size);
}

static DWORD *any_result(void) {
  DWORD *result;
  if (one_in(20)) return NULL;
  result = (DWORD *)lend(sizeof *result);
  *result = 0;
  return result;
}

static void written(SECURITY_STATUS status, PBYTE data, DWORD size, const DWORD *result) {
  if (status == ERROR_SUCCESS) succeeded++;
  if (status == ERROR_SUCCESS && data != NULL && result != NULL) CHECK(*result <= size);
}

static DWORD any_flags(void) {
  uint32_t kind = draw(8), bit = draw(32), number = any_number();
  if (kind < 4) return 0;
  if (kind == 4) return number;
  if (kind == 5) return NCRYPT_SILENT_FLAG;
  return (DWORD)1 << bit;
}

static DWORD padding_flags(void) {
  DWORD bit = (DWORD)1 << draw(5), other = any_flags();
  return one_in(3) ? other : bit;
}

static BCryptBufferDesc *any_list(void) {
  static const ULONG KINDS[] = {0, 1, 2, 3, 4, 5, 8, 9, 10, 13, 14, 15, 16, 18, 19, 20, 40, 41, 42, 43, 44, 45, 46, 47, 60, 61, 96, 97, 98};
  BCryptBufferDesc *list;
  uint32_t kind = draw(6), count = draw(4), at;
  if (kind < 2) return NULL;
  list = (BCryptBufferDesc *)lend(sizeof *list);
  list->ulVersion = one_in(20) ? any_number() : 0;
  list->cBuffers = count;
  list->pBuffers = (BCryptBuffer *)lend(count * sizeof(BCryptBuffer));
  for (at = 0; at < count; at++) {
    BCryptBuffer *buffer = &list->pBuffers[at];
    buffer->BufferType = one_in(20) ? any_number() : KINDS[draw(COUNT_OF(KINDS))];
    if (one_in(2)) {
      LPWSTR text = any_text();
      buffer->pvBuffer = text;
      buffer->cbBuffer = text == NULL ? draw(10) : wide_size(text);
    } else {
      buffer->pvBuffer = any_input(&buffer->cbBuffer);
    }
  }
  if (one_in(30)) list->pBuffers = NULL;
  return list;
}

/* The structure that some padding asks for, or NULL. Big enough for all of them, and filled so that its pointers are good. */
static VOID *any_padding(DWORD flags) {
  if (one_in(6)) return NULL;
  if ((flags & NCRYPT_PAD_CIPHER_FLAG) != 0) {
    NCRYPT_CIPHER_PADDING_INFO *info = (NCRYPT_CIPHER_PADDING_INFO *)lend(sizeof *info);
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO *mode = (BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO *)lend(sizeof *mode);
    memset(info, 0, sizeof *info);
    memset(mode, 0, sizeof *mode);
    info->cbSize = one_in(10) ? any_number() : (ULONG)sizeof *info;
    info->dwFlags = draw(4);
    info->pbIV = any_input(&info->cbIV);
    mode->cbSize = one_in(10) ? any_number() : (ULONG)sizeof *mode;
    mode->dwInfoVersion = one_in(10) ? any_number() : 1;
    mode->pbNonce = any_input(&mode->cbNonce);
    mode->pbAuthData = any_input(&mode->cbAuthData);
    mode->pbTag = any_output(&mode->cbTag);
    mode->dwFlags = one_in(10) ? draw(4) : 0;
    info->pbOtherInfo = one_in(10) ? NULL : (PUCHAR)mode;
    info->cbOtherInfo = one_in(10) ? draw(80) : (ULONG)sizeof *mode;
    return info;
  } else {
    BCRYPT_OAEP_PADDING_INFO *info = (BCRYPT_OAEP_PADDING_INFO *)lend(sizeof *info);
    info->pszAlgId = any_text();
    if (one_in(2)) info->pszAlgId = u"SHA256";
    info->pbLabel = any_input(&info->cbLabel);
    return info;
  }
}

/* ---- the calls of NCrypt ------------------------------------------------------------------------------ */

static NCRYPT_HANDLE made;
#define MADE (one_in(30) ? NULL : &made)

static void ncrypt_call(void) {
  DWORD input_size = 0, output_size = 0, flags = any_flags(), other_size = 0;
  NCRYPT_HANDLE handle = any_handle(), other = any_handle();
  LPWSTR text = any_text();
  DWORD *result = any_result();
  PBYTE input, output;
  SECURITY_STATUS status;
  made = 0;
  switch (draw(34)) {
    case 0: {
      status = NCryptOpenStorageProvider(MADE, one_in(2) ? NULL : text, flags);
      keep(status, made, 0);
      break;
    }
    case 1: {
      NCryptProviderName *list = NULL;
      if (NCryptEnumStorageProviders(result, &list, flags) == ERROR_SUCCESS) CHECK_OK(NCryptFreeBuffer(list));
      break;
    }
    case 2: NCryptIsAlgSupported(handle, TEXT_OF(ALGORITHM), flags); break;
    case 3: {
      NCryptAlgorithmName *list = NULL;
      status = NCryptEnumAlgorithms(handle, one_in(2) ? draw(128) : any_number(), result, &list, flags);
      if (status == ERROR_SUCCESS && list != NULL) CHECK_OK(NCryptFreeBuffer(list));
      break;
    }
    case 4: {
      NCryptKeyName *name = NULL;
      PVOID at = NULL;
      uint32_t steps = draw(6);
      while (steps-- > 0 && NCryptEnumKeys(handle, NULL, &name, &at, flags) == ERROR_SUCCESS) CHECK_OK(NCryptFreeBuffer(name));
      if (at != NULL) CHECK_OK(NCryptFreeBuffer(at));
      at = &name;
      NCryptEnumKeys(handle, NULL, &name, &at, flags);
      break;
    }
    case 5: NCryptFreeBuffer(one_in(2) ? (PVOID)&made : (PVOID)(ULONG_PTR)any_number()); break;
    case 6:
    case 7: {
      LPWSTR name = TEXT_OF(NAME);
      text = TEXT_OF(ALGORITHM);
      status = NCryptCreatePersistedKey(one_in(4) ? handle : provider, MADE, text, one_in(2) ? NULL : name, draw(4), flags);
      keep(status, made, 0);
      break;
    }
    case 8:
      text = TEXT_OF(NAME);
      status = NCryptOpenKey(one_in(4) ? handle : provider, MADE, text, draw(4), flags);
      keep(status, made, 0);
      break;
    case 9: NCryptFinalizeKey(handle, flags); break;
    case 10: NCryptDeleteKey(handle == provider ? 0 : handle, flags); break;
    case 11: NCryptFreeObject(handle == provider ? 0 : handle); break;
    case 12: NCryptIsKeyHandle(handle); break;
    case 13: NCryptTranslateHandle(MADE, MADE, handle, other, draw(3), flags); break;
    case 14:
    case 15:
    case 16:
      output = any_output(&output_size);
      text = TEXT_OF(PROPERTY);
      status = NCryptGetProperty(handle, text, output, output_size, result, flags);
      written(status, output, output_size, result);
      if (status == ERROR_SUCCESS && output != NULL && text != NULL && is_wide(text, wide_size(text), u"Provider Handle")) {
        memcpy(&made, output, sizeof made);
        CHECK_OK(NCryptFreeObject(made));
      }
      break;
    case 17:
    case 18:
      input = any_input(&input_size);
      text = TEXT_OF(PROPERTY);
      if (one_in(6)) text = TEXT_OF(BLOB);
      /* A structure with pointers in it: its bytes are not drawn. */
      if (text != NULL && is_wide(text, wide_size(text), u"UI Policy")) {
        NCRYPT_UI_POLICY *policy = (NCRYPT_UI_POLICY *)lend(sizeof *policy);
        memset(policy, 0, sizeof *policy);
        policy->dwVersion = draw(3);
        policy->dwFlags = draw(16);
        policy->pszCreationTitle = any_text();
        policy->pszFriendlyName = any_text();
        input = (PBYTE)policy;
        input_size = sizeof *policy;
      }
      NCryptSetProperty(handle, text, input, input_size, flags);
      break;
    case 19:
    case 20:
    case 21: {
      uint32_t which = draw(COUNT_OF(FILES));
      LPCWSTR type = which < COUNT_OF(TYPES) && !one_in(6) ? TYPES[which] : text;
      input = one_in(10) ? any_input(&input_size) : copy_of(files[which], &input_size);
      status = NCryptImportKey(one_in(6) ? handle : provider, one_in(3) ? other : 0, type, any_list(), MADE, input, input_size, flags);
      keep(status, made, 0);
      break;
    }
    case 22:
    case 23:
      output = any_output(&output_size);
      text = TEXT_OF(BLOB);
      status = NCryptExportKey(handle, one_in(3) ? other : 0, text, any_list(), output, output_size, result, flags);
      written(status, output, output_size, result);
      break;
    case 24:
    case 25:
      flags = padding_flags();
      input = any_input(&input_size);
      output = any_output(&output_size);
      status = draw(2) == 0
                   ? NCryptEncrypt(handle, input, input_size, any_padding(flags), output, output_size, result, flags)
                   : NCryptDecrypt(handle, input, input_size, any_padding(flags), output, output_size, result, flags);
      written(status, output, output_size, result);
      break;
    case 26:
      flags = padding_flags();
      input = any_input(&input_size);
      output = any_output(&output_size);
      status = NCryptSignHash(handle, any_padding(0), input, input_size, output, output_size, result, flags);
      written(status, output, output_size, result);
      break;
    case 27: {
      DWORD signature_size = 0;
      PBYTE signature = any_input(&signature_size);
      flags = padding_flags();
      input = any_input(&input_size);
      NCryptVerifySignature(handle, any_padding(0), input, input_size, signature, signature_size, flags);
      break;
    }
    case 28:
      status = NCryptSecretAgreement(handle, other, MADE, flags);
      keep(status, made, 0);
      break;
    case 29:
      output = any_output(&output_size);
      text = TEXT_OF(KDF);
      status = NCryptDeriveKey(handle, text, any_list(), output, output_size, result, flags);
      written(status, output, output_size, result);
      break;
    case 30:
      output = any_output(&output_size);
      NCryptKeyDerivation(handle, any_list(), output, output_size, result, flags);
      break;
    case 31: {
      PBYTE second = any_output(&other_size);
      output = any_output(&output_size);
      NCryptEncapsulate(handle, output, output_size, result, second, other_size, any_result(), flags);
      NCryptDecapsulate(handle, second, other_size, output, output_size, result, flags);
      break;
    }
    case 32:
      output = any_output(&output_size);
      input = any_input(&input_size);
      NCryptCreateClaim(handle, other, draw(4), any_list(), output, output_size, result, flags);
      NCryptVerifyClaim(handle, other, draw(4), any_list(), input, input_size, NULL, flags);
      break;
    default: {
      HANDLE event = NULL;
      NCRYPT_KEY_STORAGE_FUNCTION_TABLE *table = NULL;
      NCryptNotifyChangeKey(handle, one_in(4) ? NULL : &event, flags);
      GetKeyStorageInterface(text, one_in(4) ? NULL : &table, flags);
      if (table != NULL) {
        output = any_output(&output_size);
        input = any_input(&input_size);
        status = table->GetKeyProperty(handle, other, text, output, output_size, result, flags);
        written(status, output, output_size, result);
        table->SetKeyProperty(handle, other, text, input, input_size, flags);
        table->PromptUser(handle, other, text, flags);
      }
    }
  }
}

/* ---- the calls of BCrypt ------------------------------------------------------------------------------ */

static BCRYPT_HANDLE any_bcrypt_handle(void) {
  uint32_t kind = draw(12), which = draw(COUNT_OF(bcrypt_pool)), number = any_number();
  if (kind == 0) return NULL;
  if (kind == 1) return (BCRYPT_HANDLE)(ULONG_PTR)number;
  if (kind < 5) return (BCRYPT_HANDLE)(ULONG_PTR)(1 + 16 * (ULONG_PTR)(number % 0x4C));
  if (kind == 5) return (BCRYPT_HANDLE)(ULONG_PTR)pool[which];
  return bcrypt_pool[which];
}

static void bcrypt_end(BCRYPT_HANDLE handle) {
  if (BCryptDestroyKey(handle) != STATUS_SUCCESS && BCryptDestroyHash(handle) != STATUS_SUCCESS &&
      BCryptDestroySecret(handle) != STATUS_SUCCESS)
    BCryptCloseAlgorithmProvider(handle, 0);
}

static void bcrypt_keep(NTSTATUS status, BCRYPT_HANDLE handle) {
  uint32_t place = draw(COUNT_OF(bcrypt_pool));
  CHECK((handle != NULL) == (status == STATUS_SUCCESS));
  if (status != STATUS_SUCCESS) return;
  succeeded++;
  bcrypt_end(bcrypt_pool[place]);
  bcrypt_pool[place] = handle;
}

static ULONG bcrypt_flags(void) {
  ULONG bit = (ULONG)1 << draw(8), number = any_number();
  return one_in(2) ? 0 : one_in(4) ? number : bit;
}

/* The structure for whatever the key and the flags ask for: the first fields of the authenticated one are numbers. */
static VOID *bcrypt_padding(ULONG flags) {
  if (one_in(8)) return NULL;
  if (flags == BCRYPT_PAD_OAEP || flags == BCRYPT_PAD_PKCS1 || flags == BCRYPT_PAD_PSS || (flags & 0x1E) != 0) return any_padding(0);
  {
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO *mode = (BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO *)lend(sizeof *mode);
    memset(mode, 0, sizeof *mode);
    mode->cbSize = one_in(10) ? any_number() : (ULONG)sizeof *mode;
    mode->dwInfoVersion = one_in(10) ? any_number() : 1;
    mode->pbNonce = any_input(&mode->cbNonce);
    mode->pbAuthData = any_input(&mode->cbAuthData);
    mode->pbTag = any_output(&mode->cbTag);
    mode->dwFlags = one_in(10) ? draw(4) : 0;
    return mode;
  }
}

static void bcrypt_call(void) {
  BCRYPT_HANDLE handle = any_bcrypt_handle(), other = any_bcrypt_handle(), new_handle = NULL;
  BCRYPT_HANDLE *where = one_in(30) ? NULL : &new_handle;
  ULONG input_size = 0, output_size = 0, flags = bcrypt_flags(), iv_size = 0;
  LPWSTR text = any_text();
  DWORD *result = any_result();
  PBYTE input, output, iv;
  NTSTATUS status;
  switch (draw(26)) {
    case 0:
    case 1: {
      LPWSTR provider_name = any_text();
      text = TEXT_OF(ALGORITHM);
      status = BCryptOpenAlgorithmProvider(where, text, one_in(8) ? provider_name : NULL, flags);
      bcrypt_keep(status, new_handle);
      break;
    }
    case 2: bcrypt_end(handle); break;
    case 3: {
      BCRYPT_ALGORITHM_IDENTIFIER *list = NULL;
      if (BCryptEnumAlgorithms(draw(256), result, &list, flags) == STATUS_SUCCESS) BCryptFreeBuffer(list);
      BCryptFreeBuffer(&list);
      break;
    }
    case 4:
    case 5:
      output = any_output(&output_size);
      text = TEXT_OF(PRIMITIVE_PROPERTY);
      status = BCryptGetProperty(handle, text, output, output_size, result, one_in(4) ? flags : 0);
      written(status, output, output_size, result);
      if (status == STATUS_SUCCESS && output != NULL && text != NULL && is_wide(text, wide_size(text), u"ProviderHandle")) {
        memcpy(&new_handle, output, sizeof new_handle);
        bcrypt_end(new_handle);
      }
      break;
    case 6:
    case 7: {
      LPWSTR value = TEXT_OF(MODE);
      input = any_input(&input_size);
      text = TEXT_OF(PRIMITIVE_PROPERTY);
      if (value != NULL && one_in(2)) {
        BCryptSetProperty(handle, text, (PUCHAR)value, wide_size(value), 0);
      } else {
        BCryptSetProperty(handle, text, input, input_size, one_in(4) ? flags : 0);
      }
      break;
    }
    case 8:
      input = any_input(&input_size);
      output = any_output(&output_size);
      status = BCryptGenerateSymmetricKey(handle, where, output, output_size, input, input_size, one_in(4) ? flags : 0);
      bcrypt_keep(status, new_handle);
      break;
    case 9: {
      static const ULONG BITS[] = {0, 1, 256, 384, 521, 512, 1024};
      status = BCryptGenerateKeyPair(handle, where, BITS[draw(COUNT_OF(BITS))], one_in(4) ? flags : 0);
      bcrypt_keep(status, new_handle);
      break;
    }
    case 10: BCryptFinalizeKeyPair(handle, one_in(4) ? flags : 0); break;
    case 11:
    case 12: {
      uint32_t which = draw(COUNT_OF(FILES));
      LPCWSTR type = which < COUNT_OF(TYPES) && !one_in(6) ? TYPES[which] : text;
      input = one_in(10) ? any_input(&input_size) : copy_of(files[which], &input_size);
      if (one_in(2)) {
        status = BCryptImportKeyPair(handle, one_in(4) ? other : NULL, type, where, input, input_size, flags);
      } else {
        status = BCryptImportKey(handle, one_in(4) ? other : NULL, type, where, NULL, 0, input, input_size, flags);
      }
      bcrypt_keep(status, new_handle);
      break;
    }
    case 13:
      output = any_output(&output_size);
      text = TEXT_OF(BLOB);
      status = BCryptExportKey(handle, one_in(4) ? other : NULL, text, output, output_size, result, one_in(4) ? flags : 0);
      written(status, output, output_size, result);
      break;
    case 14:
      status = BCryptDuplicateKey(handle, where, NULL, 0, one_in(4) ? flags : 0);
      bcrypt_keep(status, new_handle);
      break;
    case 15:
    case 16:
    case 17:
      input = any_input(&input_size);
      output = any_output(&output_size);
      iv = any_input(&iv_size);
      status = one_in(2) ? BCryptEncrypt(handle, input, input_size, bcrypt_padding(flags), iv, iv_size, output, output_size, result, flags)
                         : BCryptDecrypt(handle, input, input_size, bcrypt_padding(flags), iv, iv_size, output, output_size, result, flags);
      written(status, output, output_size, result);
      break;
    case 18: {
      DWORD signature_size = 0;
      PBYTE signature = any_input(&signature_size);
      input = any_input(&input_size);
      output = any_output(&output_size);
      status = BCryptSignHash(handle, any_padding(0), input, input_size, output, output_size, result, flags);
      written(status, output, output_size, result);
      BCryptVerifySignature(handle, any_padding(0), input, input_size, signature, signature_size, flags);
      break;
    }
    case 19:
      status = BCryptSecretAgreement(handle, other, where, one_in(4) ? flags : 0);
      bcrypt_keep(status, new_handle);
      break;
    case 20:
      output = any_output(&output_size);
      text = TEXT_OF(KDF);
      status = BCryptDeriveKey(handle, text, any_list(), output, output_size, result, one_in(4) ? flags : 0);
      written(status, output, output_size, result);
      BCryptKeyDerivation(handle, any_list(), output, output_size, result, flags);
      break;
    case 21:
      input = any_input(&input_size);
      output = any_output(&output_size);
      status = BCryptCreateHash(handle, where, output, output_size, input, input_size, flags);
      bcrypt_keep(status, new_handle);
      break;
    case 22:
      input = any_input(&input_size);
      output = any_output(&output_size);
      BCryptHashData(handle, input, input_size, one_in(4) ? flags : 0);
      BCryptFinishHash(handle, output, output_size, one_in(4) ? flags : 0);
      status = BCryptDuplicateHash(handle, where, NULL, 0, one_in(4) ? flags : 0);
      bcrypt_keep(status, new_handle);
      break;
    case 23: {
      DWORD secret_size = 0;
      PBYTE secret = any_input(&secret_size);
      input = any_input(&input_size);
      output = any_output(&output_size);
      BCryptHash(handle, secret, secret_size, input, input_size, output, output_size);
      BCryptDeriveKeyPBKDF2(handle, secret, secret_size, input, input_size, draw(20), output, output_size, flags);
      break;
    }
    case 24:
      output = any_output(&output_size);
      BCryptGenRandom(handle, output, output_size, one_in(2) ? BCRYPT_USE_SYSTEM_PREFERRED_RNG : flags);
      break;
    default: {
      DWORD other_size = 0;
      PBYTE second = any_output(&other_size);
      output = any_output(&output_size);
      BCryptEncapsulate(handle, output, output_size, result, second, other_size, any_result(), flags);
      BCryptDecapsulate(handle, second, other_size, output, output_size, result, flags);
    }
  }
}

/* ---- the program ------------------------------------------------------------------------------------ */

/* What was left on the token under our names. */
static void clean_up(void) {
  NCryptKeyName *name = NULL;
  PVOID at = NULL;
  NCRYPT_KEY_HANDLE key = 0;
  size_t which;
  for (which = 0; which < COUNT_OF(pool); which++) {
    if (pool[which] != provider) NCryptFreeObject(pool[which]);
    bcrypt_end(bcrypt_pool[which]);
  }
  /* Under our names, and under those that were drawn. */
  while (NCryptEnumKeys(provider, NULL, &name, &at, 0) == ERROR_SUCCESS) {
    if (NCryptOpenKey(provider, &key, name->pszName, 0, 0) == ERROR_SUCCESS && NCryptDeleteKey(key, 0) != ERROR_SUCCESS) NCryptFreeObject(key);
    CHECK_OK(NCryptFreeBuffer(name));
  }
  if (at != NULL) CHECK_OK(NCryptFreeBuffer(at));
}

int main(int count, char **arguments) {
  unsigned long calls = 0;
  uint64_t seed;
  time_t end;
  size_t at;
  start(count, arguments);
  if (getenv("CNG11_TEST_THROWAWAY") == NULL) {
    fprintf(stderr, "not on a token that is not thrown away afterwards\n");
    return 2;
  }
  if (count > 3) {
    seed = strtoull(arguments[3], NULL, 0);
  } else {
    FILE *random = fopen("/dev/urandom", "rb");
    if (random == NULL || fread(&seed, sizeof seed, 1, random) != 1) return 2;
    fclose(random);
  }
  if (seed == 0) seed = 1;
  printf("seed 0x%llx\n", (unsigned long long)seed);
  fflush(stdout);
  state = seed;
  provider = open_provider();
  for (at = 0; at < COUNT_OF(FILES); at++) files[at] = vector_file(FILES[at]);
  /* Keys of each kind to begin with. */
  for (at = 0; at < COUNT_OF(pool); at++) bcrypt_pool[at] = NULL;
  for (at = 0; at < COUNT_OF(TYPES); at++) {
    NCRYPT_KEY_HANDLE key = 0;
    List list;
    memset(&list, 0, sizeof list);
    if (at == 9) list_text(&list, NCRYPTBUFFER_ECC_CURVE_NAME, u"nistP384");
    CHECK_OK(NCryptImportKey(provider, 0, TYPES[at], &list.list, &key, files[at].data, files[at].length, 0));
    pool[at] = key;
  }
  for (at = COUNT_OF(TYPES); at < COUNT_OF(pool); at++) {
    size_t which = at % COUNT_OF(TYPES) == 9 ? 5 : at % COUNT_OF(TYPES);
    NCRYPT_KEY_HANDLE key = 0;
    CHECK_OK(NCryptImportKey(provider, 0, TYPES[which], NULL, &key, files[which].data, files[which].length, 0));
    pool[at] = key;
  }
  end = time(NULL) + (count > 2 ? strtol(arguments[2], NULL, 10) : 2);
  while (time(NULL) < end && checks_failed == 0) {
    if (draw(2) == 0) {
      ncrypt_call();
    } else {
      bcrypt_call();
    }
    give_back();
    calls++;
  }
  clean_up();
  CHECK(calls > 0 && succeeded > 0);
  CHECK_OK(NCryptFreeObject(provider));
  printf("%lu calls, of which %lu gave something\n", calls, succeeded);
  return finish(arguments[0]);
}
