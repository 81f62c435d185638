// SPDX-License-Identifier: MIT
/* What was escaped is harmless: escaping it again changes nothing but backslashes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer once = {0}, twice = {0};
	size_t backslashes = 0;

	if (cryo_escape(&once, data, size) < 0 || cryo_escape(&twice, once.data, once.size) < 0)
		return 0;
	for (size_t i = 0; i < once.size; i++)
		backslashes += once.data[i] == 92;
	if (twice.size != once.size + backslashes)
		abort();
	return 0;
}
