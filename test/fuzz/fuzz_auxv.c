// SPDX-License-Identifier: MIT
/* The size is within the bytes, and ends in a pair of AT_NULL that can be found. */
#include <stdint.h>
#include <stdlib.h>

#include "proc/auxv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t word = 4; word <= 8; word += 4) {
		size_t used = cryo_auxv_size(data, size, word);
		uint64_t value;

		if (used > size || used % (2 * word) != 0)
			abort();
		if (cryo_auxv_get(data, size, word, 0, &value) != (used > 0))
			abort();
	}
	return 0;
}
