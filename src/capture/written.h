// SPDX-License-Identifier: MIT
/*
 * What came of writing a core: how much of the memory is in it, and what could not be read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* Pages in a row that could not be read, and why (negative errno). */
struct cryo_gap {
	uint64_t start, end;
	int error;
};

/* Most gaps that are kept one by one; all are counted. */
enum {
	CRYO_GAPS_KEPT = 4096
};

/**
 * struct cryo_written - what came of it.
 * @gaps: owned; sorted by address when cryo_write() returns
 * @n_gaps, @gap_bytes: of all, also those not kept
 * @data_bytes: bytes of memory that were written; pages of zeros are left out, and what went into
 *	the place that a spool has for it
 * @is_late: the time ended before the memory
 */
struct cryo_written {
	struct cryo_gap *gaps;
	size_t gaps_kept;
	uint64_t n_gaps, gap_bytes, data_bytes;
	bool is_late;
};

/* One more gap; it makes the last one longer if it touches it. 0 or -ENOMEM. */
int cryo_written_add_gap(struct cryo_written *written, uint64_t start, uint64_t end, int error);

/* Put the gaps in the order of addresses. */
void cryo_written_sort(struct cryo_written *written);

void cryo_written_clear(struct cryo_written *written);

#define _cleanup_written_ _cleanup_(cryo_written_clear)
