/*
 * A PKCS#11 module that forwards every call to the module in CNG11_TEST_REAL_MODULE, counts the calls, and can stop the process or fail at a
 * given one. It shows what is on a token when a program dies, or is told of an error, at each step of its work.
 *
 *   CNG11_TEST_CALL_LOG    file to which the name of each call is appended before the call is made, a line each
 *   CNG11_TEST_KILL_AT     number of the call, counted from 1, before which the process kills itself
 *   CNG11_TEST_FAIL_AT     number of the call that is not made but answered with CNG11_TEST_FAIL_CKR
 *   CNG11_TEST_FAIL_AFTER  number of the call that is made and answered with CNG11_TEST_FAIL_CKR all the same
 *   CNG11_TEST_FAIL_FROM   as CNG11_TEST_FAIL_AT, and every later call as well: a token that is gone
 *   CNG11_TEST_FAIL_CKR    the return value, a number as strtoul reads it
 *   CNG11_TEST_FAIL_AT_SIZE, CNG11_TEST_DIE_AT_SIZE  number of bytes beyond which no file of this process grows, from the first C_CreateObject on:
 *                          the write fails, as on a full disk, or kills the process
 *
 * Types and the order of the function list are those of PKCS#11 v2.40 (OASIS), written down here because the headers are not installed
 * everywhere. Every argument of the functions that are wrapped is a CK_ULONG or a pointer, but for one CK_BBOOL.
 */

#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef void *PTR;
/* The one function type that any other may be cast to and back. */
typedef void (*ANY)(void);

#define CKR_OK 0x0UL
#define CKR_GENERAL_ERROR 0x5UL

/* All 68 functions of CK_FUNCTION_LIST, in its order. */
#define FUNCTIONS(X)                                                                                                   \
    X(C_Initialize) X(C_Finalize) X(C_GetInfo) X(C_GetFunctionList) X(C_GetSlotList) X(C_GetSlotInfo)                  \
    X(C_GetTokenInfo) X(C_GetMechanismList) X(C_GetMechanismInfo) X(C_InitToken) X(C_InitPIN) X(C_SetPIN)              \
    X(C_OpenSession) X(C_CloseSession) X(C_CloseAllSessions) X(C_GetSessionInfo) X(C_GetOperationState)                \
    X(C_SetOperationState) X(C_Login) X(C_Logout) X(C_CreateObject) X(C_CopyObject) X(C_DestroyObject)                 \
    X(C_GetObjectSize) X(C_GetAttributeValue) X(C_SetAttributeValue) X(C_FindObjectsInit) X(C_FindObjects)             \
    X(C_FindObjectsFinal) X(C_EncryptInit) X(C_Encrypt) X(C_EncryptUpdate) X(C_EncryptFinal) X(C_DecryptInit)          \
    X(C_Decrypt) X(C_DecryptUpdate) X(C_DecryptFinal) X(C_DigestInit) X(C_Digest) X(C_DigestUpdate) X(C_DigestKey)     \
    X(C_DigestFinal) X(C_SignInit) X(C_Sign) X(C_SignUpdate) X(C_SignFinal) X(C_SignRecoverInit) X(C_SignRecover)      \
    X(C_VerifyInit) X(C_Verify) X(C_VerifyUpdate) X(C_VerifyFinal) X(C_VerifyRecoverInit) X(C_VerifyRecover)           \
    X(C_DigestEncryptUpdate) X(C_DecryptDigestUpdate) X(C_SignEncryptUpdate) X(C_DecryptVerifyUpdate)                  \
    X(C_GenerateKey) X(C_GenerateKeyPair) X(C_WrapKey) X(C_UnwrapKey) X(C_DeriveKey) X(C_SeedRandom)                   \
    X(C_GenerateRandom) X(C_GetFunctionStatus) X(C_CancelFunction) X(C_WaitForSlotEvent)

#define INDEX(name) I_##name,
enum { FUNCTIONS(INDEX) COUNT };
_Static_assert(COUNT == 68, "PKCS#11 v2.40 has 68 functions");

typedef struct {
    struct {
        unsigned char major;
        unsigned char minor;
    } version;
    ANY functions[COUNT];
} CK_FUNCTION_LIST;

static CK_FUNCTION_LIST *real;
static atomic_ulong calls;

static CK_ULONG number(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtoul(text, NULL, 0) : 0;
}

/* Applies CNG11_TEST_FAIL_AT_SIZE and CNG11_TEST_DIE_AT_SIZE. */
static void limit_files(void)
{
    const char *dies = getenv("CNG11_TEST_DIE_AT_SIZE");
    const char *fails = getenv("CNG11_TEST_FAIL_AT_SIZE");
    if (dies || fails) {
        struct rlimit limit = {0, 0};
        limit.rlim_cur = limit.rlim_max = strtoul(dies ? dies : fails, NULL, 0);
        if (signal(SIGXFSZ, dies ? SIG_DFL : SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            abort();
    }
}

/* Counts a call, logs it, and dies if it is the one. Its number. */
static CK_ULONG enter(const char *name)
{
    CK_ULONG call = atomic_fetch_add(&calls, 1) + 1;
    const char *log = getenv("CNG11_TEST_CALL_LOG");
    if (log) {
        char line[64];
        int length = snprintf(line, sizeof line, "%s\n", name);
        int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (file < 0 || write(file, line, (size_t)length) != length)
            abort();
        close(file);
    }
    if (call == number("CNG11_TEST_KILL_AT"))
        raise(SIGKILL);
    /* Not before: SoftHSM2 rewrites the token's own file with every C_Login, and a token without that file is none. */
    if (strcmp(name, "C_CreateObject") == 0)
        limit_files();
    return call;
}

static int fails_before(CK_ULONG call)
{
    CK_ULONG from = number("CNG11_TEST_FAIL_FROM");
    return call == number("CNG11_TEST_FAIL_AT") || (from && call >= from);
}

#define WRAP(name, PARAMETERS, ARGUMENTS)                                                                              \
    static CK_RV name PARAMETERS                                                                                       \
    {                                                                                                                  \
        CK_ULONG call = enter(#name);                                                                                  \
        if (fails_before(call))                                                                                        \
            return number("CNG11_TEST_FAIL_CKR");                                                                      \
        CK_RV rv = ((CK_RV(*) PARAMETERS)real->functions[I_##name])ARGUMENTS;                                          \
        return call == number("CNG11_TEST_FAIL_AFTER") ? number("CNG11_TEST_FAIL_CKR") : rv;                           \
    }


WRAP(C_Initialize, (PTR a), (a))
WRAP(C_Finalize, (PTR a), (a))
WRAP(C_GetInfo, (PTR a), (a))
WRAP(C_GetSlotInfo, (CK_ULONG a, PTR b), (a, b))
WRAP(C_GetTokenInfo, (CK_ULONG a, PTR b), (a, b))
WRAP(C_GetMechanismList, (CK_ULONG a, PTR b, PTR c), (a, b, c))
WRAP(C_GetMechanismInfo, (CK_ULONG a, CK_ULONG b, PTR c), (a, b, c))
WRAP(C_OpenSession, (CK_ULONG a, CK_ULONG b, PTR c, ANY d, PTR e), (a, b, c, d, e))
WRAP(C_CloseSession, (CK_ULONG a), (a))
WRAP(C_CloseAllSessions, (CK_ULONG a), (a))
WRAP(C_GetSessionInfo, (CK_ULONG a, PTR b), (a, b))
WRAP(C_Login, (CK_ULONG a, CK_ULONG b, PTR c, CK_ULONG d), (a, b, c, d))
WRAP(C_Logout, (CK_ULONG a), (a))
WRAP(C_CreateObject, (CK_ULONG a, PTR b, CK_ULONG c, PTR d), (a, b, c, d))
WRAP(C_CopyObject, (CK_ULONG a, CK_ULONG b, PTR c, CK_ULONG d, PTR e), (a, b, c, d, e))
WRAP(C_DestroyObject, (CK_ULONG a, CK_ULONG b), (a, b))
WRAP(C_GetAttributeValue, (CK_ULONG a, CK_ULONG b, PTR c, CK_ULONG d), (a, b, c, d))
WRAP(C_SetAttributeValue, (CK_ULONG a, CK_ULONG b, PTR c, CK_ULONG d), (a, b, c, d))
WRAP(C_FindObjectsInit, (CK_ULONG a, PTR b, CK_ULONG c), (a, b, c))
WRAP(C_FindObjects, (CK_ULONG a, PTR b, CK_ULONG c, PTR d), (a, b, c, d))
WRAP(C_FindObjectsFinal, (CK_ULONG a), (a))
WRAP(C_EncryptInit, (CK_ULONG a, PTR b, CK_ULONG c), (a, b, c))
WRAP(C_Encrypt, (CK_ULONG a, PTR b, CK_ULONG c, PTR d, PTR e), (a, b, c, d, e))
WRAP(C_DecryptInit, (CK_ULONG a, PTR b, CK_ULONG c), (a, b, c))
WRAP(C_Decrypt, (CK_ULONG a, PTR b, CK_ULONG c, PTR d, PTR e), (a, b, c, d, e))
WRAP(C_SignInit, (CK_ULONG a, PTR b, CK_ULONG c), (a, b, c))
WRAP(C_Sign, (CK_ULONG a, PTR b, CK_ULONG c, PTR d, PTR e), (a, b, c, d, e))
WRAP(C_VerifyInit, (CK_ULONG a, PTR b, CK_ULONG c), (a, b, c))
WRAP(C_Verify, (CK_ULONG a, PTR b, CK_ULONG c, PTR d, CK_ULONG e), (a, b, c, d, e))
WRAP(C_GenerateKey, (CK_ULONG a, PTR b, PTR c, CK_ULONG d, PTR e), (a, b, c, d, e))
WRAP(C_GenerateKeyPair, (CK_ULONG a, PTR b, PTR c, CK_ULONG d, PTR e, CK_ULONG f, PTR g, PTR h),
     (a, b, c, d, e, f, g, h))
WRAP(C_WrapKey, (CK_ULONG a, PTR b, CK_ULONG c, CK_ULONG d, PTR e, PTR f), (a, b, c, d, e, f))
WRAP(C_UnwrapKey, (CK_ULONG a, PTR b, CK_ULONG c, PTR d, CK_ULONG e, PTR f, CK_ULONG g, PTR h),
     (a, b, c, d, e, f, g, h))
WRAP(C_DeriveKey, (CK_ULONG a, PTR b, CK_ULONG c, PTR d, CK_ULONG e, PTR f), (a, b, c, d, e, f))
WRAP(C_GenerateRandom, (CK_ULONG a, PTR b, CK_ULONG c), (a, b, c))

/* The one with a CK_BBOOL: its first argument. */
WRAP(C_GetSlotList, (unsigned char a, PTR b, PTR c), (a, b, c))

#define PUT(name) own.functions[I_##name] = (ANY)name;

/* What is not wrapped stays NULL: no call of the program under test goes uncounted. */
static CK_FUNCTION_LIST own;

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!real) {
        const char *path = getenv("CNG11_TEST_REAL_MODULE");
        PTR library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        PTR symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
        CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
        /* ISO C knows no cast from an object to a function pointer; POSIX promises that the bits are the same. */
        memcpy(&get, &symbol, sizeof get);
        if (!get || get(&real) != CKR_OK || !real) {
            fprintf(stderr, "CNG11_TEST_REAL_MODULE: %s\n", path ? "no PKCS#11 module" : "not set");
            return CKR_GENERAL_ERROR;
        }
        own.version.major = 2;
        own.version.minor = 40;
        PUT(C_Initialize) PUT(C_Finalize) PUT(C_GetInfo) PUT(C_GetFunctionList) PUT(C_GetSlotList) PUT(C_GetSlotInfo)
        PUT(C_GetTokenInfo) PUT(C_GetMechanismList) PUT(C_GetMechanismInfo) PUT(C_OpenSession) PUT(C_CloseSession)
        PUT(C_CloseAllSessions) PUT(C_GetSessionInfo) PUT(C_Login) PUT(C_Logout) PUT(C_CreateObject) PUT(C_CopyObject)
        PUT(C_DestroyObject) PUT(C_GetAttributeValue) PUT(C_SetAttributeValue) PUT(C_FindObjectsInit)
        PUT(C_FindObjects) PUT(C_FindObjectsFinal) PUT(C_EncryptInit) PUT(C_Encrypt) PUT(C_DecryptInit) PUT(C_Decrypt)
        PUT(C_SignInit) PUT(C_Sign) PUT(C_VerifyInit) PUT(C_Verify) PUT(C_GenerateKey) PUT(C_GenerateKeyPair)
        PUT(C_WrapKey) PUT(C_UnwrapKey) PUT(C_DeriveKey) PUT(C_GenerateRandom)
    }
    *list = &own;
    return CKR_OK;
}
