// SPDX-License-Identifier: MIT
/*
 * The table is mapped where it is before the first collector is forked, so that one that lives for
 * many processes sees what its owner adds. An entry is written before it is counted.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "evidence/collect.h"

enum {
	COPIES_MAX = 16384
};

struct cryo_copies {
	atomic_size_t count;
	struct cryo_copy array[COPIES_MAX];
};

struct cryo_copies *cryo_copies_create(void)
{
	void *copies = mmap(NULL, sizeof(struct cryo_copies), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return copies == MAP_FAILED ? NULL : copies;
}

void cryo_copies_destroy(struct cryo_copies *copies)
{
	if (copies)
		munmap(copies, sizeof(*copies));
}

void cryo_copies_add(struct cryo_copies *copies, const struct cryo_copy *copy)
{
	if (!copies || copies->count == COPIES_MAX)
		return;
	copies->array[copies->count] = *copy;
	copies->count++;
}

const struct cryo_copy *cryo_copies_find(
	const struct cryo_copies *copies, const struct cryo_file_id *file)
{
	size_t count = copies ? copies->count : 0;

	for (size_t i = 0; i < count; i++)
		if (memcmp(&copies->array[i].file, file, sizeof(*file)) == 0)
			return &copies->array[i];
	return NULL;
}
