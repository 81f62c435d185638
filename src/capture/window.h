// SPDX-License-Identifier: MIT
/*
 * One window of memory, read into a buffer that stays in the processor's cache.
 */
#pragma once

#include "capture/walk.h"

enum {
	CRYO_BATCH_WINDOWS = 64
};

/* Told of each run of pages that could not be read; @error is a negative errno. */
typedef int cryo_gap_function(void *user, uint64_t start, uint64_t end, int error);

/* The file of a window's mapping, or a negative errno; asked only if it is needed. */
typedef int cryo_file_function(void *user, const struct cryo_vma *vma);

/**
 * struct cryo_batch - windows that are read as one.
 * @at: of each window, in the image: right behind the one before it
 * @count: at least 1
 * @size: of the image; at most CRYO_WINDOW_SIZE
 */
struct cryo_batch {
	struct cryo_window windows[CRYO_BATCH_WINDOWS];
	size_t at[CRYO_BATCH_WINDOWS];
	size_t count, size;
};

/* Where a window stands in the core. */
uint64_t cryo_window_offset(const struct cryo_window *window);

/* Add the window at windows[count], if it fits. Whether it did. */
bool cryo_batch_join(struct cryo_batch *batch);

/**
 * cryo_batch_read - the bytes of a batch, as a core shows them.
 * @image: @batch->size bytes. What is a hole of a window, and what could not be read, is zero
 * @file_of, @on_gap: see above
 *
 * Returns 0, -ESRCH if the process died, or what @on_gap returned.
 */
int cryo_batch_read(const struct cryo_memory *memory, const struct cryo_batch *batch,
	uint8_t *image, cryo_file_function *file_of, cryo_gap_function *on_gap, void *user);

/**
 * cryo_window_next_run - the next run of bytes that are worth writing.
 * @hole: fewer zeros than this between two pages that are not zero belong to the run
 * @from: offset in the image to look from
 * @ret_start, @ret_end: offsets
 *
 * Pages of zeros are left out, each of them if @hole is not more than a page: the kernel leaves a
 * hole for every page that is not there, and a core must not take more room than the kernel's.
 * Returns whether there is one.
 */
bool cryo_window_next_run(const uint8_t *image, size_t size, size_t page_size, size_t hole,
	size_t from, size_t *ret_start, size_t *ret_end);
