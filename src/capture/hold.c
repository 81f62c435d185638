// SPDX-License-Identifier: MIT
/*
 * A page that is first touched while the target stands still costs as much as reading two, so the
 * pages that will be needed are made before.
 *
 * The arena outlives a capture, but nothing of a target does.
 */
#include "capture/hold.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/pages.h"

/* Of whole huge pages, so that the kernel lets it begin where one can stand. */
#define ARENA_SIZE                                                                                 \
	((CRYO_HOLD_BYTES + CRYO_WINDOW_SIZE + CRYO_HUGE_PAGE - 1) & ~(CRYO_HUGE_PAGE - 1))

/* Bytes of it that keep their pages between captures: more is cheaper to give back than to erase.
 */
#define KEPT_SIZE ((size_t)2 << 20)

/* MAP_FAILED, and errno, if there is none. */
static uint8_t *take_arena(struct cryo_arena *owner)
{
	uint8_t *pages = steal_ptr(owner->pages);

	return pages ? pages
		     : mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void give_back(struct cryo_arena *owner, uint8_t *pages, size_t used)
{
	if (owner->pages || madvise(pages + KEPT_SIZE, ARENA_SIZE - KEPT_SIZE, MADV_DONTNEED) < 0) {
		munmap(pages, ARENA_SIZE);
		return;
	}
	memset(pages, 0, used < KEPT_SIZE ? used : KEPT_SIZE);
	owner->pages = pages;
}

int cryo_hold_begin(struct cryo_arena *owner, struct cryo_hold *ret_hold)
{
	uint8_t *arena = take_arena(owner);

	if (arena == MAP_FAILED)
		return -errno;
	*ret_hold = (struct cryo_hold){.owner = owner, .arena = arena};
	return 0;
}

void cryo_hold_populate(const struct cryo_hold *hold, uint64_t expected)
{
	cryo_pages_make(hold->arena, expected < ARENA_SIZE ? expected : ARENA_SIZE);
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

static size_t find_run(const struct cryo_hold *hold, const uint8_t *data)
{
	size_t i = 0;

	while (data < hold->runs[i].data || data >= hold->runs[i].data + hold->runs[i].size)
		i++;
	return i;
}

/* Cut some bytes out of the run that has them. What is left of it behind them is a run of its own,
 * and one without a byte is as good as none. */
static int cut(struct cryo_hold *hold, const uint8_t *data, size_t size)
{
	size_t i = find_run(hold, data), before = (size_t)(data - hold->runs[i].data);
	struct cryo_held rest = hold->runs[i], *added;

	hold->runs[i].size = before;
	rest.offset += before + size;
	rest.data += before + size;
	rest.size -= before + size;
	if (!rest.size)
		return 0;
	added = cryo_array_add(hold->runs, hold->n_runs);
	if (!added)
		return -ENOMEM;
	*added = rest;
	return 0;
}

int cryo_hold_drop(struct cryo_hold *hold, const struct cryo_batch *batch, const uint8_t *image)
{
	int r = 0;

	for (size_t i = 0; i < batch->count && r == 0; i++)
		r = cut(hold, image + batch->at[i],
			(size_t)(batch->windows[i].end - batch->windows[i].start));
	return r;
}

void cryo_hold_end(struct cryo_hold *hold)
{
	if (hold->arena)
		give_back(hold->owner, hold->arena, hold->used);
	free(hold->runs);
	*hold = (struct cryo_hold){0};
}

void cryo_arena_clear(struct cryo_arena *arena)
{
	if (arena->pages)
		munmap(arena->pages, ARENA_SIZE);
	arena->pages = NULL;
}
