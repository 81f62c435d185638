// SPDX-License-Identifier: MIT
/*
 * One window of memory, read into a buffer that stays in the processor's cache.
 */
#pragma once

#include "capture/walk.h"

/* Told of each run of pages that could not be read; @error is a negative errno. */
typedef int cryo_gap_function(void *user, uint64_t start, uint64_t end, int error);

/**
 * cryo_window_read - the bytes of a window, as a core shows them.
 * @file: of the segment's mapping, for pages that are not in memory; or -errno, why it could not be
 *	opened: then these pages are gaps. Not looked at for a mapping without a file
 * @image: CRYO_WINDOW_SIZE bytes; [start, end) of the window stands at its beginning. What is a
 *	hole, and what could not be read, is zero
 * @on_gap: see above
 *
 * Returns 0, -ESRCH if the process died, or what @on_gap returned.
 */
int cryo_window_read(const struct cryo_memory *memory, const struct cryo_window *window, int file,
	uint8_t *image, cryo_gap_function *on_gap, void *user);

/**
 * cryo_window_next_run - the next run of bytes that are worth writing.
 * @from: offset in the image to look from
 * @ret_start, @ret_end: offsets
 *
 * Pages of zeros are left out, each of them: the kernel leaves a hole for every page that is not
 * there, and a core must not take more room than the kernel's. Returns whether there is one.
 */
bool cryo_window_next_run(const uint8_t *image, size_t size, size_t page_size, size_t from,
	size_t *ret_start, size_t *ret_end);
