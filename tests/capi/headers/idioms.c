/* What programs for Windows do with the headers besides calling functions. Ends with 0, or with the number of what does not work. */
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <bcrypt.h>
#include <ncrypt.h>
#include <ntstatus.h>

/* The samples of CNG define these themselves. */
#define NT_SUCCESS(Status)          (((NTSTATUS)(Status)) >= 0)
#define STATUS_UNSUCCESSFUL         ((NTSTATUS)0xC0000001L)

static int cases(NTSTATUS status, SECURITY_STATUS other) {
  switch (status) {
    case STATUS_SUCCESS: return 0;
    case STATUS_UNSUCCESSFUL: break;
    default: return 0;
  }
  switch (other) {
    case ERROR_SUCCESS: return 0;
    case NTE_BAD_KEYSET: return 1;
    default: return 0;
  }
}

int main(void) {
  const WCHAR name[] = u"nistP256";
  BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO info;
  BCRYPT_INTERFACE_VERSION version = NCRYPT_KEY_STORAGE_INTERFACE_VERSION_2, loader = NCRYPT_KEY_STORAGE_INTERFACE_VERSION;
  PBYTE bytes;

  memset(&info, 0xFF, sizeof(info));
  BCRYPT_INIT_AUTH_MODE_INFO(info);
  if (info.cbSize != sizeof(info) || info.dwInfoVersion != BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION) return 1;
  if (info.pbNonce != NULL || info.pbTag != NULL || info.cbTag != 0 || info.cbData != 0 || info.dwFlags != 0) return 2;
  if (!cases(STATUS_UNSUCCESSFUL, (SECURITY_STATUS)0x80090016L)) return 3;
  if (NT_SUCCESS(STATUS_UNSUCCESSFUL) || !NT_SUCCESS(STATUS_SUCCESS) || BCRYPT_SUCCESS(STATUS_INVALID_SIGNATURE)) return 4;
  if (!SUCCEEDED(S_OK) || !FAILED(NTE_FAIL) || HRESULT_CODE(NTE_FAIL) != 0x20) return 5;
  if (HRESULT_FROM_WIN32(RPC_X_NULL_REF_POINTER) != (HRESULT)0x800706F4L || HRESULT_FROM_WIN32(ERROR_SUCCESS) != S_OK) return 6;
  if (sizeof(name) != sizeof(BCRYPT_ECC_CURVE_NISTP256) || memcmp(name, BCRYPT_ECC_CURVE_NISTP256, sizeof(name)) != 0) return 7;
  if (version.MajorVersion != 2 || version.MinorVersion != 0) return 8;
  if (!BCRYPT_IS_INTERFACE_VERSION_COMPATIBLE(loader, version) || BCRYPT_IS_INTERFACE_VERSION_COMPATIBLE(version, loader)) return 9;

  bytes = (PBYTE)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, 16);
  if (bytes == NULL || bytes[15] != 0) return 10;
  FillMemory(bytes, 16, 7);
  CopyMemory(bytes, bytes + 8, 8);
  if (bytes[0] != 7 || SecureZeroMemory(bytes, 16) != bytes || bytes[0] != 0 || bytes[15] != 0) return 11;
  if (!HeapFree(GetProcessHeap(), 0, bytes)) return 12;
  bytes = (PBYTE)LocalAlloc(LPTR, 16);
  if (bytes == NULL || bytes[15] != 0 || LocalFree(bytes) != NULL) return 13;
  return 0;
}
