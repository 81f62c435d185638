// SPDX-License-Identifier: MIT
/* What is accepted is in order, and every name can be read to its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proc/maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_vma *vmas;
	size_t count;

	if (cryo_maps_parse((const char *)data, size, &vmas, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (vmas[i].start >= vmas[i].end || (i && vmas[i].start < vmas[i - 1].end))
			abort();
		if (vmas[i].name && strlen(vmas[i].name) > size)
			abort();
		(void)cryo_vma_name_is_ambiguous(&vmas[i]);
	}
	cryo_vmas_free(vmas, count);
	return 0;
}
