// SPDX-License-Identifier: MIT
/*
 * libzstd, loaded when something is first compressed or found to be.
 */
#pragma once

#include <zstd.h>

#include "base/library.h"

/* Every function of libzstd that is used. */
#define CRYO_ZSTD_FUNCTIONS(F)                                                                     \
	F(ZSTD_CCtx_setParameter)                                                                  \
	F(ZSTD_CStreamOutSize)                                                                     \
	F(ZSTD_DCtx_setParameter)                                                                  \
	F(ZSTD_compressStream2)                                                                    \
	F(ZSTD_createCCtx)                                                                         \
	F(ZSTD_createDStream)                                                                      \
	F(ZSTD_decompressStream)                                                                   \
	F(ZSTD_freeCCtx)                                                                           \
	F(ZSTD_freeDStream)                                                                        \
	F(ZSTD_isError)

struct cryo_zstd_api {
	CRYO_ZSTD_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

/* The functions. 0, or -ELIBACC: libzstd cannot be loaded (package libzstd1). */
int cryo_zstd_api_get(const struct cryo_zstd_api **ret_api);
