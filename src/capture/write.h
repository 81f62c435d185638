// SPDX-License-Identifier: MIT
/*
 * Write: the only loops that move gigabytes, from the target's memory into a core.
 *
 *	begin (before the stop) -> hold, rest (the target stands still) -> flush (it runs) -> end
 *
 * What fits into CRYO_HOLD_BYTES is only read while the target stands still, and written when it
 * has been released: of a small process, everything. The rest is written at once. What cannot be
 * read, or not before the inspector's @write_until, is a gap (-ETIMEDOUT, -ETIME).
 */
#pragma once

#include "capture/inspect.h"
#include "capture/output.h"
#include "capture/plan.h"
#include "capture/request.h"
#include "capture/spool.h"
#include "capture/written.h"

struct cryo_arena;
struct cryo_copy;

/**
 * cryo_copy_begin - get memory and threads ready.
 * @inspector, @shared, @written: used until cryo_copy_end(); @shared is told how far it is
 * @arena: used until cryo_copy_end(). NULL: what is written goes strictly forward (a stream): by
 * one thread, and nothing is held
 *
 * Else there are as many threads as processors (two at most). 0 or -errno.
 */
int cryo_copy_begin(const struct cryo_inspector *inspector, struct cryo_shared *shared,
	struct cryo_written *written, struct cryo_arena *arena, struct cryo_copy **ret_copy);

/* Wait until the memory has its pages: what cryo_copy_begin() began, meanwhile, is done. */
void cryo_copy_ready(struct cryo_copy *copy);

/* From now on a spool is told of what is read, and the file is written as it needs it (NULL: not
 * any more). Plans are finished, or sketches, before they are read. */
void cryo_copy_beside(struct cryo_copy *copy, struct cryo_spool *spool);

/**
 * cryo_copy_plan - read and write all of a plan that is finished, or a sketch.
 * @written: told what came of it
 *
 * Who takes the place of somebody who got stuck in it goes on behind what that was at. 0, -ESRCH or
 * -errno.
 */
int cryo_copy_plan(struct cryo_copy *copy, const struct cryo_plan *plan, struct cryo_output *output,
	struct cryo_written *written);

/**
 * cryo_copy_leave - of who takes the place of somebody who got stuck in cryo_copy_plan(): do not go
 * on with it.
 * @written: as for cryo_copy_begin()
 */
void cryo_copy_leave(struct cryo_copy *copy, struct cryo_written *written);

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

/**
 * cryo_copy_replace - take the place of the thread that called cryo_copy_hold(), cryo_copy_rest()
 * or cryo_copy_plan().
 *
 * It was given up by the inspector's guard, which is that of another thread now. That one makes the
 * same call again, which goes on behind what the first was at.
 */
void cryo_copy_replace(struct cryo_copy *copy);

/* How many threads got stuck in it. */
size_t cryo_copy_n_given_up(const struct cryo_copy *copy);

/* @copy may be NULL. Not where somebody was given up. */
void cryo_copy_end(struct cryo_copy *copy);
