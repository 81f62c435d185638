// SPDX-License-Identifier: MIT
/*
 * What of the memory is in the core file already, from a time when the target ran: pages stand
 * where a sketch of the plan has them.
 */
#pragma once

#include "capture/output.h"
#include "capture/plan.h"
#include "capture/window.h"
#include "trace/page_set.h"

/**
 * struct cryo_spool - pages that were copied beforehand.
 * @sketch: where they stand in the file; it has no other pages
 * @seen: pages that are in the file as they are in memory; those of zeros are holes there
 * @stored: pages that the file has bytes for, right ones or not
 */
struct cryo_spool {
	const struct cryo_plan *sketch;
	struct cryo_page_set seen, stored;
};

/* What a batch is about to read will be in the file, if that is where the sketch has it. */
void cryo_spool_see(struct cryo_spool *spool, const struct cryo_batch *batch);

/**
 * cryo_spool_has_place - whether an offset in the file is that of a page which may be in the spool.
 * @size: made smaller if the answer is another one later on
 */
bool cryo_spool_has_place(const struct cryo_spool *spool, uint64_t offset, size_t *size);

/* Write bytes that have a place; pages of zeros become holes. */
int cryo_spool_write(struct cryo_spool *spool, struct cryo_output *output, const uint8_t *image,
	size_t size, uint64_t offset);

/* Keep of @seen only what is also kept in memory: still there, tracked, and not written since. */
int cryo_spool_keep(struct cryo_spool *spool, const struct cryo_memory *memory);

/**
 * cryo_spool_settle - make the file agree with the plan, when everything else is written.
 * @ret_bytes: bytes of memory that are in it by way of the spool
 *
 * Pages whose segment has moved are copied inside the file, and bytes that belong to nothing are
 * taken out of it. 0 or -errno.
 */
int cryo_spool_settle(const struct cryo_spool *spool, const struct cryo_plan *plan,
	struct cryo_output *output, uint64_t *ret_bytes);

void cryo_spool_clear(struct cryo_spool *spool);
