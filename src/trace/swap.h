// SPDX-License-Identifier: MIT
/*
 * Pages that are in swap. To read one brings it into memory, for good: of a machine that has
 * swapped out much, more would come back than there is room for. So they go where they were when
 * they have been read, by process_madvise(2) with MADV_PAGEOUT (Linux 5.10): from the swap cache,
 * without being written once more, unless swap is half full.
 *
 * For the reader process only, as trace/memory.h.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct cryo_memory;

/**
 * struct cryo_swap - of one process.
 * @pidfd: borrowed
 * @bytes_left: read from swap, and could not be put back; several threads add to it
 */
struct cryo_swap {
	int pidfd;
	_Atomic uint64_t bytes_left;
};

/**
 * cryo_swap_find - which pages of a range are in swap now.
 * @ranges: room for one of each page of the range; runs, in address order
 *
 * Returns how many there are; 0 also if it cannot be told.
 */
size_t cryo_swap_find(
	const struct cryo_memory *memory, uint64_t start, uint64_t end, struct iovec *ranges);

/* Put pages back into swap. Not without CAP_SYS_NICE. */
void cryo_swap_put_back(struct cryo_swap *swap, const struct iovec *ranges, size_t count);
