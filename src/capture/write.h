// SPDX-License-Identifier: MIT
/*
 * Write: the only loops that move gigabytes, from the target's memory into a core.
 *
 *	begin (before the stop) -> hold, rest (the target stands still) -> flush (it runs) -> end
 *
 * What fits into CRYO_HOLD_BYTES is only read while the target stands still, and written when it
 * has been released: of a small process, everything. The rest is written at once.
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
 * @gaps: owned; sorted by address when cryo_copy_flush() returns
 * @n_gaps, @gap_bytes: of all, also those not kept
 * @data_bytes: bytes of memory that were written; pages of zeros are left out
 */
struct cryo_written {
	struct cryo_gap *gaps;
	size_t gaps_kept;
	uint64_t n_gaps, gap_bytes, data_bytes;
};

struct cryo_copy;

/**
 * cryo_copy_begin - get memory and threads ready.
 * @inspector, @shared, @written: used until cryo_copy_end(); @shared is told how far it is
 * @is_stream: what is written goes strictly forward: by one thread, and nothing is held
 *
 * Else there are as many threads as processors (two at most). 0 or -errno.
 */
int cryo_copy_begin(const struct cryo_inspector *inspector, struct cryo_shared *shared,
	struct cryo_written *written, bool is_stream, struct cryo_copy **ret_copy);

/**
 * cryo_copy_hold - read what may be held.
 * @plan: placed; used until cryo_copy_end()
 *
 * Returns 1 if there is more, 0 if that was all; -ESRCH if the process died; or -errno.
 */
int cryo_copy_hold(struct cryo_copy *copy, const struct cryo_plan *plan);

/* Read and write the rest. The plan is finished. As cryo_copy_hold(), or -errno of the output. */
int cryo_copy_rest(struct cryo_copy *copy, struct cryo_output *output);

/* Write what is held. 0 or -errno of the output. */
int cryo_copy_flush(struct cryo_copy *copy, struct cryo_output *output);

/* @copy may be NULL. */
void cryo_copy_end(struct cryo_copy *copy);

void cryo_written_clear(struct cryo_written *written);

#define _cleanup_written_ _cleanup_(cryo_written_clear)
