/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs for CNG include wincrypt.h for a few names that ncrypt.h has here. CryptoAPI itself is not here. */
#ifndef CNG11_WINCRYPT_H
#define CNG11_WINCRYPT_H

#include "ncrypt.h"

#endif
