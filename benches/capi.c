/*
 * The calls of the C library in loops: what benches/bench compares with bare PKCS#11 calls, and with a call that does nothing.
 *
 *   capi     the token and the PIN are in the CNG11_ variables
 *
 * Linked with libcng11.so. Reads "JOB COUNT" lines and answers each with the nanoseconds that COUNT runs of JOB took, or "! why not".
 * sign-KIND signs with the key of that name in one thread, signtwo-KIND with the same handle in two, COUNT signatures in all.
 */

#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <ncrypt.h>

static NCRYPT_PROV_HANDLE provider;
static NCRYPT_KEY_HANDLE keys[2];
static BYTE digest[32];

typedef struct { NCRYPT_KEY_HANDLE key; int rsa; long count; SECURITY_STATUS status; } work_t;

static void *sign(void *of)
{
    work_t *work = of;
    BCRYPT_PKCS1_PADDING_INFO pkcs1 = { BCRYPT_SHA256_ALGORITHM };
    BYTE signature[512];
    DWORD len = 0;
    long i;
    for (i = 0; i < work->count && work->status == ERROR_SUCCESS; i++)
        work->status = NCryptSignHash(work->key, work->rsa ? &pkcs1 : NULL, digest, sizeof digest, signature,
                                      sizeof signature, &len, work->rsa ? BCRYPT_PAD_PKCS1 : 0);
    return NULL;
}

/* What any call across a library costs: through a pointer that the compiler cannot follow. */
static SECURITY_STATUS nothing(NCRYPT_KEY_HANDLE key, LPCWSTR name, PBYTE out, DWORD cb, DWORD *pcb, DWORD flags)
{
    (void)key, (void)name, (void)out, (void)cb, (void)pcb, (void)flags;
    return ERROR_SUCCESS;
}

static SECURITY_STATUS (*volatile empty)(NCRYPT_KEY_HANDLE, LPCWSTR, PBYTE, DWORD, DWORD *, DWORD) = nothing;

static SECURITY_STATUS run(const char *job, long count)
{
    int rsa = strstr(job, "-rsa") != NULL;
    NCRYPT_KEY_HANDLE key = keys[rsa];
    DWORD length = 0, len = 0;
    SECURITY_STATUS status = ERROR_SUCCESS;
    long i;
    if (strncmp(job, "sign-", 5) == 0) {
        work_t work = { key, rsa, count, ERROR_SUCCESS };
        sign(&work);
        return work.status;
    }
    if (strncmp(job, "signtwo-", 8) == 0) {
        work_t one = { key, rsa, count / 2, ERROR_SUCCESS }, other = { key, rsa, count - count / 2, ERROR_SUCCESS };
        pthread_t thread;
        if (pthread_create(&thread, NULL, sign, &other) != 0)
            return NTE_FAIL;
        sign(&one);
        pthread_join(thread, NULL);
        return one.status != ERROR_SUCCESS ? one.status : other.status;
    }
    if (strcmp(job, "call-empty") == 0)
        for (i = 0; i < count && status == ERROR_SUCCESS; i++)
            status = empty(key, NCRYPT_LENGTH_PROPERTY, (PBYTE)&length, sizeof length, &len, 0);
    else if (strcmp(job, "call-property") == 0)
        for (i = 0; i < count && status == ERROR_SUCCESS; i++)
            status = NCryptGetProperty(key, NCRYPT_LENGTH_PROPERTY, (PBYTE)&length, sizeof length, &len, 0);
    else if (strcmp(job, "call-size") == 0)
        for (i = 0; i < count && status == ERROR_SUCCESS; i++)
            status = NCryptSignHash(key, NULL, digest, sizeof digest, NULL, 0, &len, 0);
    else if (strcmp(job, "call-handle") == 0)
        for (i = 0; i < count && status == ERROR_SUCCESS; i++)
            status = NCryptIsKeyHandle(key) ? ERROR_SUCCESS : NTE_INVALID_HANDLE;
    else
        status = NTE_NOT_SUPPORTED;
    return status;
}

int main(void)
{
    char job[32];
    long count;
    SECURITY_STATUS status = NCryptOpenStorageProvider(&provider, NULL, 0);
    if (status == ERROR_SUCCESS)
        status = NCryptOpenKey(provider, &keys[0], u"ec", 0, 0);
    if (status == ERROR_SUCCESS)
        status = NCryptOpenKey(provider, &keys[1], u"rsa", 0, 0);
    if (status != ERROR_SUCCESS) {
        fprintf(stderr, "capi: %s\n", cng11_last_error());
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (scanf("%31s %ld", job, &count) == 2) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        status = run(job, count);
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (status == ERROR_SUCCESS)
            printf("%lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec);
        else
            printf("! %s\n", cng11_last_error());
    }
    return 0;
}
