/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The part of ntstatus.h that CNG programs use. The numbers are those of Windows.
 */
#ifndef CNG11_NTSTATUS_H
#define CNG11_NTSTATUS_H

#include <stdint.h>

typedef int32_t NTSTATUS;

/* Programs that define these two kinds of lines themselves, as the samples of CNG do, say the same. */
#define NT_SUCCESS(Status) (((NTSTATUS)(Status)) >= 0)

#define STATUS_SUCCESS                          ((NTSTATUS)0x00000000L)
#define STATUS_NO_MORE_ENTRIES                  ((NTSTATUS)0x8000001AL)
#define STATUS_UNSUCCESSFUL                     ((NTSTATUS)0xC0000001L)
#define STATUS_NOT_IMPLEMENTED                  ((NTSTATUS)0xC0000002L)
#define STATUS_INVALID_HANDLE                   ((NTSTATUS)0xC0000008L)
#define STATUS_INVALID_PARAMETER                ((NTSTATUS)0xC000000DL)
#define STATUS_NO_SUCH_DEVICE                   ((NTSTATUS)0xC000000EL)
#define STATUS_INVALID_DEVICE_REQUEST           ((NTSTATUS)0xC0000010L)
#define STATUS_NO_MEMORY                        ((NTSTATUS)0xC0000017L)
#define STATUS_ACCESS_DENIED                    ((NTSTATUS)0xC0000022L)
#define STATUS_BUFFER_TOO_SMALL                 ((NTSTATUS)0xC0000023L)
#define STATUS_OBJECT_NAME_INVALID              ((NTSTATUS)0xC0000033L)
#define STATUS_OBJECT_NAME_NOT_FOUND            ((NTSTATUS)0xC0000034L)
#define STATUS_OBJECT_NAME_COLLISION            ((NTSTATUS)0xC0000035L)
#define STATUS_DATA_ERROR                       ((NTSTATUS)0xC000003EL)
#define STATUS_DISK_FULL                        ((NTSTATUS)0xC000007FL)
#define STATUS_INSUFFICIENT_RESOURCES           ((NTSTATUS)0xC000009AL)
#define STATUS_DEVICE_NOT_READY                 ((NTSTATUS)0xC00000A3L)
#define STATUS_NOT_SUPPORTED                    ((NTSTATUS)0xC00000BBL)
#define STATUS_DEVICE_DOES_NOT_EXIST            ((NTSTATUS)0xC00000C0L)
#define STATUS_INTERNAL_ERROR                   ((NTSTATUS)0xC00000E5L)
#define STATUS_CANCELLED                        ((NTSTATUS)0xC0000120L)
#define STATUS_IO_DEVICE_ERROR                  ((NTSTATUS)0xC0000185L)
#define STATUS_INVALID_BUFFER_SIZE              ((NTSTATUS)0xC0000206L)
#define STATUS_NOT_FOUND                        ((NTSTATUS)0xC0000225L)
#define STATUS_FAIL_CHECK                       ((NTSTATUS)0xC0000229L)
#define STATUS_ENCRYPTION_FAILED                ((NTSTATUS)0xC000028AL)
#define STATUS_DECRYPTION_FAILED                ((NTSTATUS)0xC000028BL)
#define STATUS_DEVICE_REMOVED                   ((NTSTATUS)0xC00002B6L)
#define STATUS_SMARTCARD_WRONG_PIN              ((NTSTATUS)0xC0000380L)
#define STATUS_SMARTCARD_CARD_BLOCKED           ((NTSTATUS)0xC0000381L)
#define STATUS_SMARTCARD_CARD_NOT_AUTHENTICATED ((NTSTATUS)0xC0000382L)
#define STATUS_SMARTCARD_NO_CARD                ((NTSTATUS)0xC0000383L)
#define STATUS_SMARTCARD_SILENT_CONTEXT         ((NTSTATUS)0xC000038FL)
#define STATUS_INVALID_SIGNATURE                ((NTSTATUS)0xC000A000L)
#define STATUS_AUTH_TAG_MISMATCH                ((NTSTATUS)0xC000A002L)

#endif
