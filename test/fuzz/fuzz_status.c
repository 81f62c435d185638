// SPDX-License-Identifier: MIT
/* Ids of namespaces stay within their array. */
#include <stdint.h>
#include <stdlib.h>

#include "proc/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_status status;

	if (cryo_status_parse((const char *)data, size, &status) == 0 &&
		(status.ns_pid.count > CRYO_NS_LEVELS || status.ns_sid.count > CRYO_NS_LEVELS))
		abort();
	return 0;
}
