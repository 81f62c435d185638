// SPDX-License-Identifier: MIT
#include "base/nettle_api.h"

CRYO_LIBRARY_GET(
	cryo_nettle_api_get, "libnettle.so.8", "libnettle8", cryo_nettle_api, CRYO_NETTLE_FUNCTIONS)
