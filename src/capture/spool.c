// SPDX-License-Identifier: MIT
/*
 * A segment that moved stands behind all of the sketch, so nothing is overwritten that is still to
 * be copied. What is copied away, or is of a page that has gone, leaves a hole, if the file system
 * can make one, and else zeros.
 */
#include "capture/spool.h"

#include <errno.h>
#include <fcntl.h>

#include "base/io.h"

enum {
	BLOCK = 512 * 1024
};

void cryo_spool_clear(struct cryo_spool *spool)
{
	cryo_page_set_clear(&spool->seen);
	cryo_page_set_clear(&spool->stored);
}

/* Where the sketch has an address; 0 if it has it not. */
static uint64_t sketch_offset(const struct cryo_spool *spool, uint64_t address)
{
	const struct cryo_segment *segment = cryo_plan_find(spool->sketch, address);

	return segment ? segment->offset + (address - segment->vma->start) : 0;
}

void cryo_spool_see(struct cryo_spool *spool, const struct cryo_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct cryo_window *window = &batch->windows[i];

		if (sketch_offset(spool, window->start) != cryo_window_offset(window))
			continue;
		for (size_t j = 0; j < window->n_extents; j++)
			cryo_page_set_add(
				&spool->seen, window->extents[j].start, window->extents[j].end);
	}
}

/* ---- writing ---- */

/* The segment of the sketch that ends behind an offset in the file; NULL if there is none. */
static const struct cryo_segment *segment_at(const struct cryo_plan *sketch, uint64_t offset)
{
	size_t low = 0, high = sketch->n_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct cryo_segment *segment = &sketch->segments[middle];

		if (segment->offset + segment->file_size <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sketch->n_segments ? &sketch->segments[low] : NULL;
}

bool cryo_spool_has_place(const struct cryo_spool *spool, uint64_t offset, size_t *size)
{
	const struct cryo_segment *segment = segment_at(spool->sketch, offset);
	uint64_t bound;

	if (!segment)
		return false;
	bound = segment->offset > offset ? segment->offset : segment->offset + segment->file_size;
	if (bound - offset < *size)
		*size = (size_t)(bound - offset);
	return segment->offset <= offset;
}

static bool is_zero(const struct cryo_spool *spool, const uint8_t *image)
{
	size_t page = (size_t)spool->stored.page_size, start, end;

	return !cryo_window_next_run(image, page, page, page, 0, &start, &end);
}

/* What to do with a page: nothing, write it, or make a hole where another one was. */
enum treatment {
	LEAVE,
	WRITE,
	TAKE_OUT
};

static enum treatment choose(const struct cryo_spool *spool, const uint8_t *image, uint64_t address)
{
	if (!is_zero(spool, image))
		return WRITE;
	return cryo_page_set_has(&spool->stored, address) ? TAKE_OUT : LEAVE;
}

/* Pages from the first on that are treated alike. */
static size_t alike(const struct cryo_spool *spool, const uint8_t *image, size_t size,
	uint64_t address, enum treatment *ret_treatment)
{
	size_t page = (size_t)spool->stored.page_size, end = page;

	*ret_treatment = choose(spool, image, address);
	while (end < size && choose(spool, image + end, address + end) == *ret_treatment)
		end += page;
	return end;
}

static int take_out(struct cryo_output *output, uint64_t offset, uint64_t size)
{
	static uint8_t zeros[BLOCK]; /* not const: it costs no room in the program */
	int r = 0;

	if (fallocate(output->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		    (off_t)size) == 0)
		return 0;
	for (uint64_t done = 0; done < size && r == 0; done += BLOCK)
		r = cryo_output_write(output, zeros,
			size - done < BLOCK ? (size_t)(size - done) : BLOCK, offset + done);
	return r;
}

int cryo_spool_write(struct cryo_spool *spool, struct cryo_output *output, const uint8_t *image,
	size_t size, uint64_t offset)
{
	const struct cryo_segment *segment = segment_at(spool->sketch, offset);
	uint64_t address = segment->vma->start + (offset - segment->offset);
	int r = 0;

	for (size_t done = 0; done < size && r == 0;) {
		enum treatment treatment;
		uint64_t at = address + done;
		size_t part = alike(spool, image + done, size - done, at, &treatment);

		if (treatment == WRITE) {
			r = cryo_output_write(output, image + done, part, offset + done);
			cryo_page_set_add(&spool->stored, at, at + part);
		} else if (treatment == TAKE_OUT) {
			r = take_out(output, offset + done, part);
			cryo_page_set_remove(&spool->stored, at, at + part);
		}
		done += part;
	}
	return r;
}

/* ---- what is kept ---- */

static int keep_between(
	struct cryo_page_set *seen, const struct cryo_memory *memory, uint64_t start, uint64_t end)
{
	enum {
		ROOM = 512
	};
	struct cryo_extent extents[ROOM];

	while (start < end) {
		size_t count = 0;
		uint64_t next;
		int r = cryo_memory_scan(memory, start, end, extents, ROOM, &count, &next);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++)
			cryo_page_set_remove(seen, extents[i].start, extents[i].end);
		start = next;
	}
	return 0;
}

/* A range that is not tracked as a whole is looked at by halves. */
static int keep(
	struct cryo_page_set *seen, const struct cryo_memory *memory, uint64_t start, uint64_t end)
{
	uint64_t middle = start + (end - start) / memory->page_size / 2 * memory->page_size;
	int r = keep_between(seen, memory, start, end);

	if (r != -EPERM)
		return r;
	if (middle == start) {
		cryo_page_set_remove(seen, start, end);
		return 0;
	}
	r = keep(seen, memory, start, middle);
	return r < 0 ? r : keep(seen, memory, middle, end);
}

int cryo_spool_keep(struct cryo_spool *spool, const struct cryo_memory *memory)
{
	struct cryo_memory lost = *memory;
	int r = 0;

	lost.which = CRYO_SCAN_LOST;
	for (size_t i = 0; i < spool->seen.n_ranges && r == 0; i++)
		r = keep(&spool->seen, &lost, spool->seen.ranges[i].start,
			spool->seen.ranges[i].end);
	return r;
}

/* ---- settling ---- */

static int copy_inside(struct cryo_output *output, uint64_t from, uint64_t to, uint64_t size)
{
	_cleanup_free_ uint8_t *block = malloc(BLOCK);
	int r = block ? 0 : -ENOMEM;

	while (size && r == 0) {
		size_t part = size < BLOCK ? (size_t)size : BLOCK;
		ssize_t got = cryo_io_pread(output->fd, block, part, (off_t)from);

		if (got != (ssize_t)part)
			return got < 0 ? (int)got : -EIO;
		r = cryo_output_write(output, block, part, to);
		from += part;
		to += part;
		size -= part;
	}
	return r;
}

/* How far, from an address on, everything stays as it is: in the plan, in the sketch. */
static uint64_t segment_bound(const struct cryo_plan *plan, uint64_t from, uint64_t end)
{
	const struct cryo_segment *segment = cryo_plan_find(plan, from);
	uint64_t bound = segment ? segment->vma->start + segment->file_size : end;

	return bound < end ? bound : end;
}

static bool is_seen(const struct cryo_spool *spool, struct cryo_extent *run)
{
	struct cryo_extent part;
	bool seen = cryo_page_set_has(&spool->seen, run->start);

	cryo_page_set_next(&spool->seen, run->start, run->end, seen, &part);
	run->end = part.end;
	return seen;
}

/* A run of stored pages that lies in one segment of the sketch and in at most one of the plan. */
static int settle_run(const struct cryo_spool *spool, const struct cryo_plan *plan,
	struct cryo_output *output, struct cryo_extent run, bool seen, uint64_t *bytes)
{
	const struct cryo_segment *segment = cryo_plan_find(plan, run.start);
	uint64_t size = run.end - run.start, from = sketch_offset(spool, run.start);
	uint64_t to = segment ? segment->offset + (run.start - segment->vma->start) : 0;
	int r = 0;

	if (seen && segment)
		*bytes += size;
	if (seen && to == from)
		return 0;
	if (seen && segment)
		r = copy_inside(output, from, to, size);
	return r < 0 ? r : take_out(output, from, size);
}

static int settle_range(const struct cryo_spool *spool, const struct cryo_plan *plan,
	struct cryo_output *output, const struct cryo_page_range *range, uint64_t *bytes)
{
	struct cryo_extent run = {range->start, range->start};
	int r = 0;

	while (r == 0 && cryo_page_set_next(&spool->stored, run.end, range->end, true, &run)) {
		const struct cryo_segment *segment = cryo_plan_find(plan, run.start);
		bool seen;

		run.end = segment_bound(plan, run.start, run.end);
		run.end = segment_bound(spool->sketch, run.start, run.end);
		if (!segment)
			run.end = run.start + spool->stored.page_size;
		seen = is_seen(spool, &run);
		r = settle_run(spool, plan, output, run, seen, bytes);
	}
	return r;
}

int cryo_spool_settle(const struct cryo_spool *spool, const struct cryo_plan *plan,
	struct cryo_output *output, uint64_t *ret_bytes)
{
	int r = 0;

	*ret_bytes = 0;
	for (size_t i = 0; i < spool->stored.n_ranges && r == 0; i++)
		r = settle_range(spool, plan, output, &spool->stored.ranges[i], ret_bytes);
	return r;
}
