// SPDX-License-Identifier: MIT
/*
 * A file that a process has mapped, or an image that the kernel has mapped into it: what a debugger
 * will ask for by name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cryo_mapped - one file, however often it is mapped.
 * @start, @end: its first mapping
 * @offset: of that mapping into the file, bytes
 * @device, @inode: as maps shows them; 0 for an image of the kernel ([vdso])
 * @remote: it lies on a file system whose server may not answer
 * @name: as the process sees it; bytes that it may have chosen; owned
 */
struct cryo_mapped {
	uint64_t start, end, offset;
	uint64_t device, inode;
	bool remote;
	char *name;
};

/* An array that owns its elements. */
struct cryo_mapped_list {
	struct cryo_mapped *array;
	size_t count;
};

void cryo_mapped_list_clear(struct cryo_mapped_list *list);
