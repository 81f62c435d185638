// SPDX-License-Identifier: MIT
/*
 * A core of a process that goes on while its memory is copied. For the reader.
 *
 * Fork: see snapshot_fork.c.
 *
 * Pre-copy: its private memory is tracked (trace/tracking.h) and copied while it runs, what was
 * written meanwhile again, and so on; then it is stopped for the rest. At the end of that stop the
 * core is what an ordinary capture in the same stop would have made of it.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/spool.h"
#include "trace/swap.h"

struct cryo_letter;
struct cryo_work;

/**
 * struct cryo_snapshot - what a snapshot knows.
 * @way: how it is made, once that is sure; CRYOCORE_SNAPSHOT_NONE: not at all
 * @begun: who takes the place of somebody who got stuck does not begin again
 * @userfaultfd: tracks the target as long as it is open; or -1
 * @before: the process as it was when copying began
 * @sketch: where its memory stands in the file; @tracked: the same, of tracked memory only
 * @spool: what of it is in the file
 * @has_copy: there is a copy of the target, by fork; @copy: its memory; @copy_swap: for that
 * @is_copy_read: the inspector has the memory of the copy; @original: that of the target meanwhile
 * @live, @copied: the plan, as far as the target itself is read, and as far as the copy is
 */
struct cryo_snapshot {
	enum cryocore_snapshot way;
	bool begun;
	int userfaultfd;
	struct cryo_process before;
	struct cryo_plan sketch, tracked;
	struct cryo_spool spool;
	bool has_copy, is_copy_read;
	struct cryo_memory copy, original;
	struct cryo_swap copy_swap;
	struct cryo_plan live, copied;
};

#define CRYO_SNAPSHOT_NONE                                                                         \
	((struct cryo_snapshot){                                                                   \
		.userfaultfd = -1, .copy = CRYO_MEMORY_NONE, .copy_swap = {.pidfd = -1}})

/**
 * cryo_snapshot_begin - before the stop: make a snapshot if one is wanted and possible.
 *
 * If not, everything is as before, and why is said. 0, or -errno if nothing is possible any more.
 */
int cryo_snapshot_begin(struct cryo_work *work);

/* What the tracer is to do in the last stop (enum cryo_order), and what it said of it. */
uint32_t cryo_snapshot_order(const struct cryo_work *work);
int cryo_snapshot_heard(struct cryo_work *work, const struct cryo_letter *letter);

/* In the stop, first of all: see what is kept. */
void cryo_snapshot_stopped(struct cryo_work *work);

/* In the stop, when the process is inspected: it is made to look as if it were not tracked. */
void cryo_snapshot_inspected(struct cryo_work *work);

/* In the stop, when everything is placed: finish the plan, and leave out what is kept. 0 or -errno.
 */
int cryo_snapshot_placed(struct cryo_work *work);

/* The plan by which the target is read in the stop. */
const struct cryo_plan *cryo_snapshot_plan(const struct cryo_work *work);

/* After the release: end the tracking. */
void cryo_snapshot_released(struct cryo_work *work);

/* After the release, when everything else is written. 0 or -errno. */
int cryo_snapshot_settle(struct cryo_work *work);

/* When nothing is read any more: end the copy. */
void cryo_snapshot_end(struct cryo_work *work);

void cryo_snapshot_clear(struct cryo_work *work);

/* ---- between the files of this stage ---- */

/* A stop that ends by itself when its order has been carried out, tried until nothing is in the
 * way. 0 or -errno. */
int cryo_snapshot_stop(
	struct cryo_work *work, uint32_t order, struct cryo_letter *letter, int *ret_fd);

/* Say that the target would be stopped for too long. -ETIME. */
int cryo_snapshot_refuse(const struct cryo_work *work);

/* As if nothing had been copied. */
void cryo_snapshot_give_up(struct cryo_work *work);

/* Instead of somebody who got stuck before the last stop: without a snapshot, unless it was ready.
 * 0 or -errno. */
int cryo_snapshot_go_on(struct cryo_work *work);

/* Say why a way cannot be gone. */
void cryo_snapshot_say_no(const struct cryo_work *work, const char *way, int error);

/* Private anonymous memory: only its own threads write it, as far as page tables can tell. */
bool cryo_snapshot_is_private(const struct cryo_vma *vma);

/* Fork: what the target has to be read for, and what the copy. 0 or -ENOMEM. */
int cryo_snapshot_split(struct cryo_work *work);

/* Fork: read the copy. 0 or -errno. */
int cryo_snapshot_read_copy(struct cryo_work *work);
