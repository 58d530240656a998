/*
 * Runs key blobs through Wine's bcrypt.dll and advapi32.dll. A Windows program; scripts/wine-oracle and scripts/vectors
 * compile it with mingw-w64, start it under Wine and write one request a line to it:
 *
 *     ID ALGORITHM IMPORT-TYPE EXPORT-TYPE[,EXPORT-TYPE...] HEX [KEK-HEX]
 *
 * ID         any word; it comes back in the answer
 * ALGORITHM  a CNG identifier (RSA, ECDSA_P256, AES), with the curve of a generic one behind a slash (ECDH/nistP256);
 *            or advapi32, for an RSA key of CryptoAPI with the types PUBLICKEYBLOB and PRIVATEKEYBLOB
 * HEX        the blob. With the import type `generate` nothing is imported: Wine makes a key of so many bits (decimal)
 *            With the export type `signature` nothing is exported: Wine signs the digest 00 01 .. 13 with the key, as SHA-1
 *            where that is part of the scheme (PKCS #1 v1.5). What comes back has its most significant byte first
 * KEK-HEX    a KeyDataBlob of the key that wraps or unwraps an Rfc3565KeyWrapBlob
 *
 * It answers one line for each, at once, after a first line `version WINE-VERSION`:
 *
 *     ID ok HEX[,HEX...]
 *     ID status 0xXXXXXXXX STEP       STEP is what failed: open, curve, generate, kek, import, export or sign
 *
 * Wine itself may abort on a blob that it cannot swallow. Then the first request without an answer is the one at fault.
 */
#include <windows.h>
#include <bcrypt.h>
#include <wincrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_BLOB 32768
#define LONGEST_WORD 128

static UCHAR blob[LONGEST_BLOB], exported[LONGEST_BLOB], kek_blob[LONGEST_WORD];
static char line[2 * LONGEST_BLOB + 1024];

/* A failure: where, and what Windows calls it. */
struct outcome { const char *step; ULONG status; };
static const struct outcome fine = { NULL, 0 };

static struct outcome failed(const char *step, ULONG status)
{
    struct outcome o = { step, status };
    return o;
}

static void stop(const char *why)
{
    fprintf(stderr, "wine-oracle.c: %s: %.60s\n", why, line);
    exit(2);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static ULONG unhex(const char *hex, UCHAR *to, ULONG room)
{
    size_t length = strlen(hex);
    ULONG i;
    if (length % 2 || length / 2 > room) stop("not hexadecimal, or too long");
    for (i = 0; i < length / 2; i++)
    {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) stop("not hexadecimal");
        to[i] = (UCHAR)(high << 4 | low);
    }
    return i;
}

static const wchar_t *wide(const char *narrow, wchar_t *to)
{
    size_t i, length = strlen(narrow);
    if (length >= LONGEST_WORD) stop("a word is too long");
    for (i = 0; i <= length; i++) to[i] = (unsigned char)narrow[i];
    return to;
}

/* One item of the answer's list. */
static void put(const char *id, int first, ULONG length)
{
    ULONG i;
    if (first) printf("%s ok ", id);
    else putchar(',');
    for (i = 0; i < length; i++) printf("%02x", exported[i]);
}

static const UCHAR digest[20] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };

/* ---- CNG ------------------------------------------------------------------------------------- */

static struct outcome cng_export(const char *id, BCRYPT_KEY_HANDLE key, BCRYPT_KEY_HANDLE kek, char *types)
{
    wchar_t type[LONGEST_WORD];
    char *word;
    int first = 1;
    /* All of them are tried before anything is said, so that an answer is never half a list. */
    char again[LONGEST_WORD];
    if (strlen(types) >= sizeof again) stop("the list of types is too long");
    strcpy(again, types);
    for (word = strtok(again, ","); word; word = strtok(NULL, ","))
    {
        ULONG length = 0;
        NTSTATUS s = BCryptExportKey(key, strncmp(word, "Rfc", 3) ? NULL : kek, wide(word, type), exported,
                                     sizeof exported, &length, 0);
        if (s) return failed("export", (ULONG)s);
    }
    for (word = strtok(types, ","); word; word = strtok(NULL, ","), first = 0)
    {
        ULONG length = 0;
        NTSTATUS s = BCryptExportKey(key, strncmp(word, "Rfc", 3) ? NULL : kek, wide(word, type), exported,
                                     sizeof exported, &length, 0);
        if (s) stop("an export failed that had worked");
        put(id, first, length);
    }
    putchar('\n');
    return fine;
}

static struct outcome cng_sign(const char *id, BCRYPT_KEY_HANDLE key, int rsa)
{
    BCRYPT_PKCS1_PADDING_INFO pkcs1 = { BCRYPT_SHA1_ALGORITHM };
    UCHAR copy[sizeof digest];
    ULONG length = 0;
    NTSTATUS s;
    memcpy(copy, digest, sizeof copy);
    s = BCryptSignHash(key, rsa ? &pkcs1 : NULL, copy, sizeof copy, exported, sizeof exported, &length,
                       rsa ? BCRYPT_PAD_PKCS1 : 0);
    if (s) return failed("sign", (ULONG)s);
    put(id, 1, length);
    putchar('\n');
    return fine;
}

static struct outcome cng_with(BCRYPT_ALG_HANDLE algorithm, BCRYPT_KEY_HANDLE *key, BCRYPT_KEY_HANDLE *kek,
                               const char *from, const char *hex, const char *kek_hex)
{
    wchar_t type[LONGEST_WORD];
    NTSTATUS s;
    ULONG length;
    if (!strcmp(from, "generate"))
    {
        s = BCryptGenerateKeyPair(algorithm, key, (ULONG)strtoul(hex, NULL, 10), 0);
        if (!s) s = BCryptFinalizeKeyPair(*key, 0);
        return s ? failed("generate", (ULONG)s) : fine;
    }
    if (kek_hex)
    {
        length = unhex(kek_hex, kek_blob, sizeof kek_blob);
        s = BCryptImportKey(algorithm, NULL, BCRYPT_KEY_DATA_BLOB, kek, NULL, 0, kek_blob, length, 0);
        if (s) return failed("kek", (ULONG)s);
    }
    length = unhex(hex, blob, sizeof blob);
    wide(from, type);
    if (!strcmp(from, "KeyDataBlob")) s = BCryptImportKey(algorithm, NULL, type, key, NULL, 0, blob, length, 0);
    else if (!strncmp(from, "Rfc", 3)) s = BCryptImportKey(algorithm, *kek, type, key, NULL, 0, blob, length, 0);
    else s = BCryptImportKeyPair(algorithm, NULL, type, key, blob, length, 0);
    return s ? failed("import", (ULONG)s) : fine;
}

static struct outcome cng(const char *id, char *name, const char *from, char *to, const char *hex, const char *kek_hex)
{
    wchar_t word[LONGEST_WORD];
    BCRYPT_ALG_HANDLE algorithm = NULL;
    BCRYPT_KEY_HANDLE key = NULL, kek = NULL;
    struct outcome o = fine;
    NTSTATUS s;
    char *curve = strchr(name, '/');
    if (curve) *curve++ = 0;
    s = BCryptOpenAlgorithmProvider(&algorithm, wide(name, word), NULL, 0);
    if (s) return failed("open", (ULONG)s);
    if (curve)
    {
        ULONG size = (ULONG)((strlen(curve) + 1) * sizeof(wchar_t));
        wide(curve, word);
        s = BCryptSetProperty(algorithm, L"ECCCurveName", (UCHAR *)word, size, 0);
        if (s) o = failed("curve", (ULONG)s);
    }
    if (!o.step) o = cng_with(algorithm, &key, &kek, from, hex, kek_hex);
    if (!o.step && !strcmp(to, "signature")) o = cng_sign(id, key, !strcmp(name, "RSA"));
    else if (!o.step) o = cng_export(id, key, kek, to);
    if (key) BCryptDestroyKey(key);
    if (kek) BCryptDestroyKey(kek);
    BCryptCloseAlgorithmProvider(algorithm, 0);
    return o;
}

/* ---- CryptoAPI ------------------------------------------------------------------------------- */

static DWORD capi_type(const char *name)
{
    if (!strcmp(name, "PUBLICKEYBLOB")) return PUBLICKEYBLOB;
    if (!strcmp(name, "PRIVATEKEYBLOB")) return PRIVATEKEYBLOB;
    stop("advapi32 has no such type");
    return 0;
}

static struct outcome capi_sign(const char *id, HCRYPTPROV provider)
{
    HCRYPTHASH hash = 0;
    DWORD size = sizeof exported, i;
    struct outcome o = fine;
    if (!CryptCreateHash(provider, CALG_SHA1, 0, 0, &hash)) return failed("sign", GetLastError());
    if (!CryptSetHashParam(hash, HP_HASHVAL, digest, 0) ||
        !CryptSignHashW(hash, AT_KEYEXCHANGE, NULL, 0, exported, &size)) o = failed("sign", GetLastError());
    CryptDestroyHash(hash);
    if (o.step) return o;
    for (i = 0; i < size / 2; i++)
    {
        UCHAR low = exported[i];
        exported[i] = exported[size - 1 - i];
        exported[size - 1 - i] = low;
    }
    put(id, 1, size);
    putchar('\n');
    return fine;
}

/* The import type is in the blob itself; that the request names it too is for the reader. */
static struct outcome capi(const char *id, const char *from, const char *to, const char *hex)
{
    HCRYPTPROV provider = 0;
    HCRYPTKEY key = 0;
    struct outcome o = fine;
    DWORD length = unhex(hex, blob, sizeof blob), size = sizeof exported;
    capi_type(from);
    if (!CryptAcquireContextW(&provider, NULL, NULL, PROV_RSA_AES, CRYPT_VERIFYCONTEXT))
        return failed("open", GetLastError());
    if (!CryptImportKey(provider, blob, length, 0, CRYPT_EXPORTABLE, &key)) o = failed("import", GetLastError());
    else if (!strcmp(to, "signature")) o = capi_sign(id, provider);
    else if (!CryptExportKey(key, 0, capi_type(to), 0, exported, &size)) o = failed("export", GetLastError());
    else
    {
        put(id, 1, size);
        putchar('\n');
    }
    if (key) CryptDestroyKey(key);
    CryptReleaseContext(provider, 0);
    return o;
}

int main(void)
{
    const char *(CDECL *version)(void) = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version");
    printf("version %s\n", version ? version() : "not-Wine");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
    {
        char *word[6];
        struct outcome o;
        int i;
        if (!strchr(line, '\n')) stop("a line is too long");
        for (i = 0; i < 6; i++) word[i] = strtok(i ? NULL : line, " \r\n");
        if (!word[4]) stop("five words a line are wanted");
        if (!strcmp(word[1], "advapi32")) o = capi(word[0], word[2], word[3], word[4]);
        else o = cng(word[0], word[1], word[2], word[3], word[4], word[5]);
        if (o.step) printf("%s status 0x%08lx %s\n", word[0], o.status, o.step);
        fflush(stdout);
    }
    return 0;
}
