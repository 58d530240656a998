/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The part of windows.h that programs with nothing but CNG in them use: its types, its statuses, and memory.
 */
#ifndef CNG11_WINDOWS_H
#define CNG11_WINDOWS_H

#include <stdlib.h>
#include <string.h>

#include "cng11.h"

#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(P) ((void)(P))
#endif

#define ZeroMemory(Destination, Length) memset((Destination), 0, (Length))
#define FillMemory(Destination, Length, Fill) memset((Destination), (Fill), (Length))
#define CopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#define MoveMemory(Destination, Source, Length) memmove((Destination), (Source), (Length))

#define HEAP_ZERO_MEMORY 0x00000008
#define LMEM_FIXED 0x0000
#define LMEM_ZEROINIT 0x0040
#define LPTR 0x0040

typedef HANDLE HLOCAL;

/* Not left out by a compiler that sees that nobody reads it any more. */
static inline PVOID SecureZeroMemory(PVOID ptr, SIZE_T cnt) {
  volatile BYTE *at = (volatile BYTE *)ptr;
  while (cnt > 0) {
    *at++ = 0;
    cnt--;
  }
  return ptr;
}

static inline HANDLE GetProcessHeap(void) { return (HANDLE)(ULONG_PTR)1; }

/* The caller's: HeapFree. */
static inline LPVOID HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes) {
  (void)hHeap;
  if (dwBytes == 0) dwBytes = 1;
  return (dwFlags & HEAP_ZERO_MEMORY) != 0 ? calloc(1, dwBytes) : malloc(dwBytes);
}

static inline BOOL HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem) {
  (void)hHeap;
  (void)dwFlags;
  free(lpMem);
  return TRUE;
}

/* The caller's: LocalFree. */
static inline HLOCAL LocalAlloc(UINT uFlags, SIZE_T uBytes) {
  if (uBytes == 0) uBytes = 1;
  return (uFlags & LMEM_ZEROINIT) != 0 ? calloc(1, uBytes) : malloc(uBytes);
}

static inline HLOCAL LocalFree(HLOCAL hMem) {
  free(hMem);
  return NULL;
}

#endif
