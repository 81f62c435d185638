// SPDX-License-Identifier: MIT
#define CRYO_LIBBPF_NAMES_AS_THEY_ARE
#include "trace/libbpf_api.h"

#ifdef CRYOCORE_STATIC

int cryo_libbpf_ready(void)
{
	return 0;
}

#else

const struct cryo_libbpf_api *cryo_libbpf;

static int get(const struct cryo_libbpf_api **ret_api);

int cryo_libbpf_ready(void)
{
	return get(&cryo_libbpf);
}

static CRYO_LIBRARY_GET(get, "libbpf.so.1", "libbpf1", cryo_libbpf_api, CRYO_LIBBPF_FUNCTIONS)

#endif
