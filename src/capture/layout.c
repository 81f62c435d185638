// SPDX-License-Identifier: MIT
/*
 * The same walk that later reads. A stretch reaches from the first page to the last of a window, so
 * that ten million single pages are at most a stretch for each 512 KiB.
 */
#include "capture/layout.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

struct layout {
	struct cryo_stretch *stretches;
	size_t count;
};

static void layout_clear(struct layout *layout)
{
	free(layout->stretches);
}

static int add(struct layout *layout, uint64_t offset, uint64_t size)
{
	struct cryo_stretch *last = layout->count ? &layout->stretches[layout->count - 1] : NULL;

	if (!size)
		return 0;
	if (last && last->offset + last->size == offset) {
		last->size += size;
		return 0;
	}
	last = cryo_array_add(layout->stretches, layout->count);
	if (!last)
		return -ENOMEM;
	*last = (struct cryo_stretch){offset, size};
	return 0;
}

static int add_window(struct layout *layout, const struct cryo_window *window)
{
	const struct cryo_segment *segment = window->segment;
	uint64_t start = window->start, end = window->end;

	if (!window->image && segment->vma->kind != CRYO_VMA_FILE && window->n_extents) {
		start = window->extents[0].start;
		end = window->extents[window->n_extents - 1].end;
	}
	return add(layout, segment->offset + (start - segment->vma->start), end - start);
}

static int add_windows(struct layout *layout, struct cryo_walk *walk)
{
	struct cryo_window window;
	int r;

	while ((r = cryo_walk_next(walk, &window)) > 0) {
		r = add_window(layout, &window);
		if (r < 0)
			break;
	}
	return r;
}

int cryo_layout_find(const struct cryo_plan *plan, const struct cryo_inspector *inspector,
	uint64_t tail, struct cryo_stretch **ret_stretches, size_t *ret_count)
{
	_cleanup_(layout_clear) struct layout layout = {0};
	_cleanup_free_ struct cryo_walk *walk = malloc(sizeof(*walk));
	int r = walk ? add(&layout, 0, plan->head.size) : -ENOMEM;

	if (r == 0 && !inspector->memory_error) {
		cryo_walk_begin(walk, plan, inspector);
		r = add_windows(&layout, walk);
		cryo_walk_end(walk);
	}
	if (r == 0)
		r = add(&layout, plan->data_end, tail);
	if (r < 0)
		return r;
	*ret_count = layout.count;
	*ret_stretches = steal_ptr(layout.stretches);
	return 0;
}
