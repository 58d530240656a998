/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The types of the CNG calls outside Windows, and the one call that is not CNG's.
 *
 * Every type has the size and the layout that it has on Windows for a 64-bit program: DWORD and ULONG have
 * 32 bits wherever this is compiled, wide strings are UTF-16. bcrypt.h and ncrypt.h include this file.
 */
#ifndef CNG11_H
#define CNG11_H

#include <stddef.h>
#include <stdint.h>

/* C++ has char16_t itself; C gets it from uchar.h, which not every C library has. */
#ifndef __cplusplus
#if defined(__has_include)
#if __has_include(<uchar.h>)
#define CNG11_HAS_UCHAR_H 1
#endif
#elif !defined(__APPLE__)
#define CNG11_HAS_UCHAR_H 1
#endif
#ifdef CNG11_HAS_UCHAR_H
#include <uchar.h>
#else
typedef uint_least16_t char16_t;
#endif
#endif

#include "ntstatus.h"
#include "winerror.h"

/* There is one calling convention here. */
#define WINAPI
#define NTAPI
#define APIENTRY
#define CALLBACK

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif
#ifndef VOID
#define VOID void
#endif
#ifndef CONST
#define CONST const
#endif

typedef int32_t BOOL;
typedef uint8_t BOOLEAN;
typedef uint8_t BYTE;
typedef uint8_t UCHAR;
typedef char CHAR;
typedef char16_t WCHAR;
typedef uint16_t WORD;
typedef uint16_t USHORT;
typedef int32_t LONG;
typedef int32_t INT;
typedef uint32_t UINT;
typedef uint32_t DWORD;
typedef uint32_t ULONG;
typedef int64_t LONGLONG;
typedef uint64_t ULONGLONG;
typedef uint64_t DWORDLONG;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef intptr_t LONG_PTR;
typedef size_t SIZE_T;

typedef void *PVOID;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef void *HANDLE;
typedef void *HWND;
typedef BOOL *PBOOL;
typedef BYTE *PBYTE;
typedef BYTE *LPBYTE;
typedef UCHAR *PUCHAR;
typedef USHORT *PUSHORT;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef ULONG *PULONG;
typedef LONG *PLONG;
typedef HANDLE *PHANDLE;
typedef CHAR *LPSTR;
typedef CHAR *PSTR;
typedef const CHAR *LPCSTR;
typedef const CHAR *PCSTR;
typedef WCHAR *LPWSTR;
typedef WCHAR *PWSTR;
typedef const WCHAR *LPCWSTR;
typedef const WCHAR *PCWSTR;

typedef LONG SECURITY_STATUS;
typedef NTSTATUS *PNTSTATUS;

/* Handles of CryptoAPI, which NCryptTranslateHandle names. */
typedef ULONG_PTR HCRYPTPROV;
typedef ULONG_PTR HCRYPTKEY;

/* 100 ns since 1601-01-01 UTC. */
typedef struct _FILETIME {
  DWORD dwLowDateTime;
  DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef union _ULARGE_INTEGER {
  struct {
    DWORD LowPart;
    DWORD HighPart;
  } u;
  ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

#ifndef INVALID_HANDLE_VALUE
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the last call that failed on this thread failed for, in English and UTF-8: what happened, what the token said, and
 * what to do about it. an empty string if none has failed. No secret stands in it.
 * The text is the library's. It stays as it is until another call of this thread fails, or the thread ends.
 */
const char *cng11_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
