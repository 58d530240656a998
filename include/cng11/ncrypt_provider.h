/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where Windows has the interface of a key storage provider; here it is in ncrypt.h. */
#ifndef CNG11_NCRYPT_PROVIDER_H
#define CNG11_NCRYPT_PROVIDER_H

#include "ncrypt.h"

#endif
