// SPDX-License-Identifier: MIT
/*
 * What pagemap says of pages becomes runs: in order, apart, and inside of what was asked for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "trace/pagemap.h"

enum {
	PAGE = 4096,
	ROOM = 64,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cryo_extent *extents, size_t count, uint64_t from, uint64_t next)
{
	for (size_t i = 0; i < count; i++) {
		if (extents[i].start < from || extents[i].end <= extents[i].start)
			abort();
		from = extents[i].end + 1;
	}
	if (count && extents[count - 1].end > next)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_extent extents[ROOM];
	uint64_t start, end, next;
	uint8_t head[3];
	static int file = -1;
	size_t count;

	if (size < sizeof(head))
		return 0;
	memcpy(head, data, sizeof(head));
	if (file < 0)
		file = memfd_create("pagemap", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 0) < 0 ||
		cryo_io_pwrite(file, data + sizeof(head), size - sizeof(head), 0) < 0)
		abort();
	start = (uint64_t)head[0] * PAGE;
	end = start + (uint64_t)head[1] * 8 * PAGE;
	while (start < end && cryo_pagemap_walk(file, PAGE, start, end, extents, head[2] % ROOM + 1,
				      &count, &next) == 0) {
		check(extents, count, start, next);
		if (next <= start || next > end)
			abort();
		start = next;
	}
	cryo_pagemap_is_guard(file, PAGE, start);
	return 0;
}
