// SPDX-License-Identifier: MIT
/*
 * nettle, loaded when something is first hashed: to choose the best instructions it asks what the
 * processor can, which traps in a virtual machine.
 */
#pragma once

#include <nettle/sha2.h>

#include "base/library.h"

/* Every function of nettle that is used. */
#define CRYO_NETTLE_FUNCTIONS(F)                                                                   \
	F(sha256_init)                                                                             \
	F(sha256_update)                                                                           \
	F(sha256_digest)

struct cryo_nettle_api {
	CRYO_NETTLE_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

/* The functions. 0, or -ELIBACC: libnettle cannot be loaded (package libnettle8). */
int cryo_nettle_api_get(const struct cryo_nettle_api **ret_api);
