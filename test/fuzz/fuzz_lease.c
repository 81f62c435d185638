// SPDX-License-Identifier: MIT
/* There are no more leases than lines, and as many whatever room there is for them. */
#include <stdint.h>
#include <stdlib.h>

#include "proc/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_lease leases[2];
	size_t count = cryo_leases_parse((const char *)data, size, leases, 2), lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (count > lines || cryo_leases_parse((const char *)data, size, NULL, 0) != count)
		abort();
	return 0;
}
