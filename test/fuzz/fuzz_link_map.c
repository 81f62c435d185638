// SPDX-License-Identifier: MIT
/*
 * link_map: memory of a process, in which the list of the dynamic linker is looked for; every name
 * in it becomes a path that stays below its directory.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elf/link_map.h"
#include "evidence/root_path.h"
#include "evidence/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	struct cryo_view view;
	const uint8_t *data;
	size_t size;
};

static ssize_t read_memory(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	const struct memory *memory = (const struct memory *)view;

	if (address >= memory->size)
		return -EFAULT;
	if (size > memory->size - address)
		size = memory->size - address;
	memcpy(data, memory->data + address, size);
	return (ssize_t)size;
}

static int take(void *user, uint64_t bias, const char *name)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};
	size_t *count = user;

	(void)bias;
	if (++*count > CRYO_LINK_MAP_MAX)
		abort();
	if (cryo_root_path(name, &path) < 0)
		return 0;
	if (!cryo_sink_path_is_valid((const char *)path.data, CRYO_ROOT_PATH_MAX + 1))
		abort();
	for (size_t i = 0; i < path.size; i++)
		if (path.data[i] < ' ')
			abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = {{read_memory}, data, size};
	struct cryo_image program;
	size_t count = 0;

	if (cryo_image_read(&memory.view, 0, &program) == 0)
		cryo_link_map_walk(&memory.view, &program, 0 - program.link_base, take, &count);
	return 0;
}
