// SPDX-License-Identifier: MIT
/* A text with no mark of fanotify lets nobody decide. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proc/fanotify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (cryo_fanotify_parse((const char *)data, size) && !memmem(data, size, "fanotify ", 9))
		abort();
	return 0;
}
