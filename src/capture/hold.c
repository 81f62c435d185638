// SPDX-License-Identifier: MIT
/*
 * A page that is first touched while the target stands still costs as much as reading two, so the
 * pages that will be needed are made before (MADV_POPULATE_WRITE, Linux 5.14; else when they are
 * needed).
 */
#include "capture/hold.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/array.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define ARENA_SIZE (CRYO_HOLD_BYTES + CRYO_WINDOW_SIZE)

int cryo_hold_begin(uint64_t expected, struct cryo_hold *ret_hold)
{
	uint8_t *arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (arena == MAP_FAILED)
		return -errno;
	if (expected)
		madvise(arena, expected < ARENA_SIZE ? expected : ARENA_SIZE, MADV_POPULATE_WRITE);
	*ret_hold = (struct cryo_hold){.arena = arena};
	return 0;
}

bool cryo_hold_has_room(const struct cryo_hold *hold)
{
	return hold->used <= CRYO_HOLD_BYTES;
}

static int add_run(struct cryo_hold *hold, uint64_t offset, uint8_t *data, size_t size)
{
	struct cryo_held *last = hold->n_runs ? &hold->runs[hold->n_runs - 1] : NULL;

	if (last && last->offset + last->size == offset && last->data + last->size == data) {
		last->size += size;
		return 0;
	}
	last = cryo_array_add(hold->runs, hold->n_runs);
	if (!last)
		return -ENOMEM;
	*last = (struct cryo_held){offset, data, size};
	return 0;
}

uint8_t *cryo_hold_add(struct cryo_hold *hold, const struct cryo_batch *batch)
{
	uint8_t *image = hold->arena + hold->used;

	for (size_t i = 0; i < batch->count; i++) {
		const struct cryo_window *window = &batch->windows[i];

		if (add_run(hold, cryo_window_offset(window), image + batch->at[i],
			    (size_t)(window->end - window->start)) < 0)
			return NULL;
	}
	hold->used += batch->size;
	return image;
}

void cryo_hold_end(struct cryo_hold *hold)
{
	if (hold->arena)
		munmap(hold->arena, ARENA_SIZE);
	free(hold->runs);
	*hold = (struct cryo_hold){0};
}
