// SPDX-License-Identifier: MIT
/*
 * All pieces of a batch of windows are read by one process_vm_readv(2). Where that stops, the rest
 * is read piece by piece through /proc/PID/mem, and a page that even this refuses is a gap: one
 * page, never its neighbours. Guard pages are holes in the kernel's core too, and so is a special
 * mapping that cannot be read, like a [vsyscall] that may only be executed; but not the [vdso].
 */
#include "capture/window.h"

#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "trace/swap.h"

enum {
	SMALLEST_PAGE = 4096 /* of any machine */
};

struct reading {
	const struct cryo_memory *memory;
	const struct cryo_window *window;
	uint8_t *image;
	cryo_gap_function *on_gap;
	void *user;
};

static uint8_t *at(const struct reading *reading, uint64_t address)
{
	return reading->image + (address - reading->window->start);
}

/* Some of them at least; 0 at the end of the file, or -errno. */
static ssize_t read_file(const struct reading *reading, int file, uint64_t start, uint64_t end)
{
	const struct cryo_vma *vma = reading->window->segment->vma;
	off_t offset = (off_t)(vma->offset + (start - vma->start));

	return file < 0 ? file
			: cryo_io_pread(file, at(reading, start), (size_t)(end - start), offset);
}

/* Bytes of the file (or of our vdso) for pages that are not in memory; zero behind its end. */
static int read_backing(const struct reading *reading, int file, uint64_t start, uint64_t end)
{
	const struct cryo_vma *vma = reading->window->segment->vma;
	uint64_t page = reading->memory->page_size;
	ssize_t got = 0;

	if (reading->window->image) {
		memcpy(at(reading, start), reading->window->image + (start - vma->start),
			(size_t)(end - start));
		return 0;
	}
	do {
		start += (uint64_t)got;
		got = vma->kind == CRYO_VMA_FILE ? read_file(reading, file, start, end) : 0;
	} while (got > 0);
	memset(at(reading, start), 0, (size_t)(end - start));
	return got < 0 ? reading->on_gap(reading->user, start & ~(page - 1), end, (int)got) : 0;
}

static int fill_between(const struct reading *reading, int file)
{
	const struct cryo_window *window = reading->window;
	uint64_t from = window->start;
	int r = 0;

	for (size_t i = 0; i < window->n_extents && r == 0; i++) {
		if (window->extents[i].start > from)
			r = read_backing(reading, file, from, window->extents[i].start);
		from = window->extents[i].end;
	}
	if (r == 0 && from < window->end)
		r = read_backing(reading, file, from, window->end);
	return r;
}

static bool is_fast(const struct cryo_window *window)
{
	uint32_t flags = window->segment->vma->flags;

	return flags & CRYO_VM_READ && !(flags & CRYO_VM_UFFD) && !window->careful;
}

/* One extent, whatever its pages are. */
static int read_slowly(const struct reading *reading, uint64_t from, uint64_t end)
{
	const struct cryo_vma *vma = reading->window->segment->vma;
	uint64_t page = reading->memory->page_size;
	bool forced = !is_fast(reading->window);

	while (from < end) {
		ssize_t n = cryo_memory_read(
			reading->memory, from, at(reading, from), end - from, forced);
		uint64_t bad;
		int r;

		if (n == -ESRCH)
			return -ESRCH;
		if (n > 0) {
			from += (uint64_t)n;
			continue;
		}
		bad = (from & ~(page - 1)) + page;
		memset(at(reading, from), 0, bad - from);
		r = cryo_walk_skips(vma) || cryo_memory_is_guard(reading->memory, from)
			    ? 0
			    : reading->on_gap(reading->user, from, bad, (int)n);
		if (r < 0)
			return r;
		from = bad;
	}
	return 0;
}

/* All extents that may be read fast, at once. Bytes read, in their order. */
static size_t read_fast(
	const struct cryo_memory *memory, const struct cryo_batch *batch, uint8_t *image)
{
	struct cryo_piece pieces[CRYO_WINDOW_EXTENTS];
	size_t count = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct cryo_window *window = &batch->windows[i];
		uint8_t *begin = image + batch->at[i];

		for (size_t j = 0; j < window->n_extents && is_fast(window); j++) {
			const struct cryo_extent *extent = &window->extents[j];

			pieces[count++] = (struct cryo_piece){extent->start,
				begin + (extent->start - window->start),
				extent->end - extent->start};
		}
	}
	return count ? cryo_memory_read_pieces(memory, pieces, count) : 0;
}

/* What of a window was not among the @done bytes that were read fast. */
static int read_rest(const struct reading *reading, size_t *done)
{
	const struct cryo_window *window = reading->window;
	int r = 0;

	for (size_t i = 0; i < window->n_extents && r == 0; i++) {
		const struct cryo_extent *extent = &window->extents[i];
		size_t size = extent->end - extent->start;
		size_t have = !is_fast(window) ? 0 : *done < size ? *done : size;

		*done -= have;
		if (have < size)
			r = read_slowly(reading, extent->start + have, extent->end);
	}
	return r;
}

static bool is_all_there(const struct cryo_window *window)
{
	return window->n_extents == 1 && window->extents[0].start == window->start &&
	       window->extents[0].end == window->end;
}

uint64_t cryo_window_offset(const struct cryo_window *window)
{
	return window->segment->offset + (window->start - window->segment->vma->start);
}

bool cryo_batch_join(struct cryo_batch *batch)
{
	const struct cryo_window *window = &batch->windows[batch->count];
	size_t size = (size_t)(window->end - window->start);

	if (batch->count && batch->size + size > CRYO_WINDOW_SIZE)
		return false;
	batch->at[batch->count++] = batch->size;
	batch->size += size;
	return true;
}

/* Which pages of a batch are in swap. There are no more than it has pages. */
static size_t find_swapped(
	const struct cryo_memory *memory, const struct cryo_batch *batch, struct iovec *ranges)
{
	size_t count = 0;

	for (size_t i = 0; memory->swap && i < batch->count; i++) {
		const struct cryo_window *window = &batch->windows[i];

		for (size_t j = 0; j < window->n_extents; j++)
			count += cryo_swap_find(memory, window->extents[j].start,
				window->extents[j].end, ranges + count);
	}
	return count;
}

int cryo_batch_read(const struct cryo_memory *memory, const struct cryo_batch *batch,
	uint8_t *image, cryo_file_function *file_of, cryo_gap_function *on_gap, void *user)
{
	struct iovec swapped[CRYO_WINDOW_SIZE / SMALLEST_PAGE];
	size_t n_swapped = find_swapped(memory, batch, swapped);
	size_t done = read_fast(memory, batch, image);
	int r = 0;

	for (size_t i = 0; i < batch->count && r == 0; i++) {
		const struct cryo_window *window = &batch->windows[i];
		struct reading reading = {memory, window, image + batch->at[i], on_gap, user};

		if (!is_all_there(window))
			r = fill_between(&reading, file_of(user, window->segment->vma));
		if (r == 0)
			r = read_rest(&reading, &done);
	}
	if (n_swapped)
		cryo_swap_put_back(memory->swap, swapped, n_swapped);
	return r;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i += 8 * sizeof(uint64_t)) {
		uint64_t words[8], any = 0;

		memcpy(words, data + i, sizeof(words));
		for (int word = 0; word < 8; word++)
			any |= words[word];
		if (any)
			return false;
	}
	return true;
}

bool cryo_window_next_run(const uint8_t *image, size_t size, size_t page_size, size_t hole,
	size_t from, size_t *ret_start, size_t *ret_end)
{
	size_t start, end, at;

	for (start = from; start < size && is_zero(image + start, page_size);)
		start += page_size;
	if (start >= size)
		return false;
	for (at = end = start; at < size && (at == end || at - end < hole); at += page_size)
		if (!is_zero(image + at, page_size))
			end = at + page_size;
	*ret_start = start;
	*ret_end = end;
	return true;
}
