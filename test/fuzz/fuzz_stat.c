// SPDX-License-Identifier: MIT
/* A comm that is accepted has an end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proc/stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_stat stat;

	if (cryo_stat_parse((const char *)data, size, &stat) == 0 &&
		(!memchr(stat.comm, 0, sizeof(stat.comm)) || stat.pid < 0))
		abort();
	return 0;
}
