// SPDX-License-Identifier: MIT
/*
 * The walk over what a core's segments hold: windows of at most 512 KiB that contain something,
 * in file order. Holes of any size are stepped over at once.
 */
#pragma once

#include "capture/inspect.h"
#include "capture/plan.h"

enum {
	CRYO_WINDOW_SIZE = 512 * 1024,
	CRYO_WINDOW_EXTENTS = CRYO_WINDOW_SIZE / 4096,
};

/**
 * struct cryo_window - a part of one segment that is to be copied.
 * @start, @end: addresses
 * @extents: the pages in it that are in memory; the others come from the mapped file, if there is
 *	one, or are holes
 * @image: the whole mapping's bytes where we have them ourselves ([vdso]); else NULL
 * @careful: not to be read the fast way, which got stuck
 */
struct cryo_window {
	const struct cryo_segment *segment;
	const uint8_t *image;
	uint64_t start, end;
	struct cryo_extent extents[CRYO_WINDOW_EXTENTS];
	size_t n_extents;
	bool careful;
};

enum {
	CRYO_WALK_EXTENTS = 1024,
	CRYO_WALK_ROW = 1024, /* segments that one question may span */
};

/**
 * struct cryo_walk - where the walk is. Not for use by two threads at once.
 * @extents: pages that are there, from @next_extent on; complete up to @scanned, which may lie in a
 *	later segment
 * @image: see struct cryo_window
 * @file: of the segment, for its holes; @file_data: the next address for which it has data
 */
struct cryo_walk {
	const struct cryo_plan *plan;
	const struct cryo_inspector *inspector;
	size_t segment;
	uint64_t at, scanned, file_data;
	int file;
	const uint8_t *image;
	bool begun;
	struct cryo_extent extents[CRYO_WALK_EXTENTS];
	size_t next_extent, n_extents;
};

void cryo_walk_begin(struct cryo_walk *walk, const struct cryo_plan *plan,
	const struct cryo_inspector *inspector);

/* The next window. 1, 0 at the end, or -errno. */
int cryo_walk_next(struct cryo_walk *walk, struct cryo_window *ret_window);

/* Whether a mapping has nothing to be read, and so no gaps: devices, and the kernel's own pages but
 * for [vdso]. */
bool cryo_walk_skips(const struct cryo_vma *vma);

void cryo_walk_end(struct cryo_walk *walk);
