// SPDX-License-Identifier: MIT
/* Every string of a mount that is accepted is there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proc/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_mount *mounts;
	size_t count;

	if (cryo_mountinfo_parse((const char *)data, size, &mounts, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (strlen(mounts[i].root) + strlen(mounts[i].mount_point) +
				strlen(mounts[i].source) >
			size)
			abort();
		(void)cryo_fs_type_is_remote(mounts[i].fs_type);
	}
	cryo_mounts_free(mounts, count);
	return 0;
}
