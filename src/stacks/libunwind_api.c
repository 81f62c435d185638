// SPDX-License-Identifier: MIT
#include "stacks/libunwind_api.h"

#define TEXT(machine) #machine
#define SONAME(machine) "libunwind-" TEXT(machine) ".so.8"

CRYO_LIBRARY_GET(cryo_libunwind_api_get, SONAME(UNW_TARGET), "libunwind8", cryo_libunwind_api,
	CRYO_LIBUNWIND_FUNCTIONS)
