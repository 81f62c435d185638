// SPDX-License-Identifier: MIT
#include "base/zstd_api.h"

CRYO_LIBRARY_GET(cryo_zstd_api_get, "libzstd.so.1", "libzstd1", cryo_zstd_api, CRYO_ZSTD_FUNCTIONS)
