// SPDX-License-Identifier: MIT
/*
 * Write: the only loop that moves gigabytes, from the target's memory into a core.
 */
#pragma once

#include "capture/inspect.h"
#include "capture/output.h"
#include "capture/plan.h"
#include "capture/request.h"

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
 * @data_bytes: bytes of memory that were written; pages of zeros are left out
 */
struct cryo_written {
	struct cryo_gap *gaps;
	size_t gaps_kept;
	uint64_t n_gaps, gap_bytes, data_bytes;
};

/**
 * cryo_write - copy what the plan says.
 * @shared: told how far it is
 *
 * A file is written by as many threads as there are processors (two at most), a stream by one.
 * Returns 0; -errno of the output; or -ESRCH if the process died meanwhile.
 */
int cryo_write(const struct cryo_plan *plan, const struct cryo_inspector *inspector,
	struct cryo_output *output, struct cryo_shared *shared, struct cryo_written *ret_written);

void cryo_written_clear(struct cryo_written *written);

#define _cleanup_written_ _cleanup_(cryo_written_clear)
