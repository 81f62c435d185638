// SPDX-License-Identifier: MIT
#define CRYO_JSON_NAMES_AS_THEY_ARE
#include "base/json_api.h"

#ifdef CRYOCORE_STATIC

int cryo_json_ready(void)
{
	return 0;
}

#else

const struct cryo_json_api *cryo_json;

static int get(const struct cryo_json_api **ret_api);

int cryo_json_ready(void)
{
	return get(&cryo_json);
}

static CRYO_LIBRARY_GET(get, "libjson-c.so.5", "libjson-c5", cryo_json_api, CRYO_JSON_FUNCTIONS)

#endif
