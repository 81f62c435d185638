// SPDX-License-Identifier: MIT
/*
 * Two things can make an address worth a look: a page of it is present or swapped, or a file backs
 * it and has data there. The page tables are asked in runs, the file by SEEK_DATA, and the window
 * begins at whatever comes first.
 *
 * Special mappings ([vsyscall], or a vdso unlike ours) are read whole: the page tables of a process
 * do not show those of their pages that it has not used. Device memory (VM_IO, VM_PFNMAP; [vvar]
 * too) is never read: the kernel leaves a hole for it.
 */
#include "capture/walk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	VDSO_EXTENTS = 16,
	VDSO_PAGE = 4096
};

void cryo_walk_begin(struct cryo_walk *walk, const struct cryo_plan *plan,
	const struct cryo_inspector *inspector)
{
	walk->plan = plan;
	walk->inspector = inspector;
	walk->segment = 0;
	walk->scanned = 0;
	walk->next_extent = walk->n_extents = 0;
	walk->file = -1;
	walk->begun = false;
}

void cryo_walk_end(struct cryo_walk *walk)
{
	cryo_cleanup_close(&walk->file);
	walk->file = -1;
}

static const struct cryo_segment *current(const struct cryo_walk *walk)
{
	return &walk->plan->segments[walk->segment];
}

static uint64_t segment_end(const struct cryo_segment *segment)
{
	return segment->vma->start + segment->file_size;
}

/* The address from @from on whose file offset has data; UINT64_MAX if there is none. */
static uint64_t next_file_data(const struct cryo_walk *walk, uint64_t from)
{
	const struct cryo_vma *vma = current(walk)->vma;
	uint64_t offset = vma->offset + (from - vma->start);
	off_t data;

	if (walk->image)
		return from;
	if (vma->kind != CRYO_VMA_FILE)
		return UINT64_MAX;
	if (walk->file < 0)
		return from; /* a gap is to be told, as far as nothing is in memory */
	data = lseek(walk->file, (off_t)offset, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? UINT64_MAX : from; /* else whoever reads it tells why not */
	return from + ((uint64_t)data - offset);
}

/* The bytes of a vdso like ours. It is one if every page of it that is there has our bytes. */
static const uint8_t *find_image(const struct cryo_walk *walk, const struct cryo_vma *vma)
{
	const struct cryo_memory *memory = &walk->inspector->memory;
	const struct cryo_buffer *vdso = &walk->inspector->vdso;
	struct cryo_extent extents[VDSO_EXTENTS];
	uint8_t page[VDSO_PAGE];
	uint64_t next;
	size_t count;

	if (!vma->name || strcmp(vma->name, "[vdso]") != 0 || vma->end - vma->start != vdso->size ||
		cryo_memory_scan(
			memory, vma->start, vma->end, extents, VDSO_EXTENTS, &count, &next) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		for (uint64_t at = extents[i].start; at < extents[i].end; at += sizeof(page))
			if (cryo_memory_read(memory, at, page, sizeof(page), false) !=
					sizeof(page) ||
				memcmp(page, vdso->data + (at - vma->start), sizeof(page)) != 0)
				return NULL;
	return next == vma->end ? vdso->data : NULL;
}

static bool is_whole(const struct cryo_walk *walk)
{
	return current(walk)->vma->kind == CRYO_VMA_SPECIAL && !walk->image;
}

static bool is_never_read(const struct cryo_vma *vma)
{
	return vma->flags & (CRYO_VM_IO | CRYO_VM_PFNMAP);
}

bool cryo_walk_skips(const struct cryo_vma *vma)
{
	return is_never_read(vma) ||
	       (vma->kind == CRYO_VMA_SPECIAL && vma->name && strcmp(vma->name, "[vdso]") != 0);
}

/* What of a mapping is not dumped, but may be asked for along with its neighbours. */
#define ROW_SKIP (2ULL << 20)

static bool continues_row(const struct cryo_segment *last, const struct cryo_segment *next)
{
	return next->vma->start == last->vma->end &&
	       last->vma->end - segment_end(last) <= ROW_SKIP &&
	       next->vma->kind != CRYO_VMA_SPECIAL && !is_never_read(next->vma);
}

/* Neighbours of which nothing is dumped: to pass through each costs half a question. */
#define ROW_IDLE 2

/* Where the row of neighbours ends: one question for all of them instead of one for each of
 * thousands of small mappings. */
static uint64_t row_end(const struct cryo_walk *walk)
{
	const struct cryo_segment *last = current(walk), *next = last + 1;
	const struct cryo_segment *end = walk->plan->segments + walk->plan->n_segments;
	uint64_t known = segment_end(last);
	size_t idle = 0;

	for (size_t i = 1;
		i < CRYO_WALK_ROW && idle <= ROW_IDLE && next < end && continues_row(last, next);
		i++) {
		last = next++;
		idle = last->file_size ? 0 : idle + 1;
		if (last->file_size)
			known = segment_end(last);
	}
	return known;
}

/* Ask for more pages until they are known up to @until, or until one is known. */
static int scan(struct cryo_walk *walk, uint64_t until)
{
	uint64_t end = segment_end(current(walk));
	size_t left = walk->n_extents - walk->next_extent, count;
	int r;

	if (walk->scanned >= end || (walk->scanned >= until && left))
		return 0;
	memmove(walk->extents, walk->extents + walk->next_extent, left * sizeof(*walk->extents));
	walk->next_extent = 0;
	walk->n_extents = left;
	while (walk->scanned < end && (walk->scanned < until || walk->n_extents == 0)) {
		if (is_whole(walk)) {
			walk->extents[walk->n_extents++] = (struct cryo_extent){walk->scanned, end};
			walk->scanned = end;
			break;
		}
		r = cryo_memory_scan(&walk->inspector->memory, walk->scanned, row_end(walk),
			walk->extents + walk->n_extents, CRYO_WALK_EXTENTS - walk->n_extents,
			&count, &walk->scanned);
		if (r < 0)
			return r;
		walk->n_extents += count;
	}
	return 0;
}

/* Keep what is known of the pages from @start on. */
static void forget_before(struct cryo_walk *walk, uint64_t start)
{
	if (walk->scanned <= start) {
		walk->scanned = start;
		walk->next_extent = walk->n_extents = 0;
	}
	while (walk->next_extent < walk->n_extents && walk->extents[walk->next_extent].end <= start)
		walk->next_extent++;
	if (walk->next_extent < walk->n_extents && walk->extents[walk->next_extent].start < start)
		walk->extents[walk->next_extent].start = start;
}

/* Whether every page is in memory: then nothing is asked of the file. */
static bool is_all_there(struct cryo_walk *walk)
{
	const struct cryo_extent *first;

	if (walk->next_extent == walk->n_extents && scan(walk, walk->at) < 0)
		return false;
	first = &walk->extents[walk->next_extent];
	return walk->next_extent < walk->n_extents && first->start <= walk->at &&
	       first->end >= segment_end(current(walk));
}

static void begin_segment(struct cryo_walk *walk)
{
	const struct cryo_segment *segment = current(walk);
	const struct cryo_vma *vma = segment->vma;

	cryo_walk_end(walk);
	walk->begun = true;
	walk->at = vma->start;
	forget_before(walk, vma->start);
	walk->image = find_image(walk, vma);
	walk->file_data = UINT64_MAX;
	if (!segment->file_size || is_never_read(vma))
		return;
	if (vma->kind == CRYO_VMA_FILE) {
		if (is_all_there(walk))
			return;
		walk->file = cryo_inspector_open_file(walk->inspector, vma);
	}
	walk->file_data = next_file_data(walk, walk->at);
}

/* Where the next window begins; UINT64_MAX if the segment has nothing more. */
static uint64_t next_start(struct cryo_walk *walk)
{
	uint64_t start = UINT64_MAX;

	if (walk->next_extent < walk->n_extents)
		start = walk->extents[walk->next_extent].start;
	if (walk->file_data < walk->at)
		walk->file_data = next_file_data(walk, walk->at);
	if (walk->file_data < start)
		start = walk->file_data;
	return start > walk->at ? start : walk->at;
}

/* Move the extents of the window over, cutting the one that reaches beyond it. */
static void take_extents(struct cryo_walk *walk, struct cryo_window *window)
{
	window->n_extents = 0;
	while (walk->next_extent < walk->n_extents) {
		struct cryo_extent *extent = &walk->extents[walk->next_extent];
		uint64_t end = extent->end < window->end ? extent->end : window->end;

		if (extent->start >= window->end)
			return;
		window->extents[window->n_extents++] = (struct cryo_extent){extent->start, end};
		if (end < extent->end) {
			extent->start = end;
			return;
		}
		walk->next_extent++;
	}
}

/* A window ends with the run of pages that it begins with, or, where the file has something before
 * the next of them, as late as it can. */
static uint64_t window_end(const struct cryo_walk *walk, const struct cryo_window *window)
{
	const struct cryo_extent *first = &walk->extents[walk->next_extent];

	if (walk->file_data < window->end || walk->next_extent == walk->n_extents ||
		first->start > window->start)
		return window->end;
	return first->end < window->end ? first->end : window->end;
}

/* A window of the current segment. 1, 0 if it has nothing more, or -errno. */
static int next_in_segment(struct cryo_walk *walk, struct cryo_window *window)
{
	const struct cryo_segment *segment = current(walk);
	uint64_t end = segment_end(segment), start;
	int r = 0;

	if (walk->at >= end || is_never_read(segment->vma))
		return 0;
	if (walk->next_extent == walk->n_extents)
		r = scan(walk, walk->at);
	start = r < 0 ? UINT64_MAX : next_start(walk);
	if (start >= end)
		return r;
	window->segment = segment;
	window->careful = false;
	window->image = walk->image;
	window->start = start & ~(walk->inspector->memory.page_size - 1);
	window->end =
		end - window->start < CRYO_WINDOW_SIZE ? end : window->start + CRYO_WINDOW_SIZE;
	r = scan(walk, window->end);
	if (r < 0)
		return r;
	window->end = window_end(walk, window);
	take_extents(walk, window);
	walk->at = window->end;
	return 1;
}

int cryo_walk_next(struct cryo_walk *walk, struct cryo_window *ret_window)
{
	while (walk->segment < walk->plan->n_segments) {
		int r;

		if (!walk->begun)
			begin_segment(walk);
		r = next_in_segment(walk, ret_window);
		if (r != 0)
			return r;
		walk->segment++;
		walk->begun = false;
	}
	return 0;
}
