// SPDX-License-Identifier: MIT
/*
 * A core of a process that goes on while its memory is copied. For the reader.
 *
 * Pre-copy: its private memory is tracked (trace/tracking.h) and copied while it runs, what was
 * written meanwhile again, and so on; then it is stopped for the rest. At the end of that stop the
 * core is what an ordinary capture in the same stop would have made of it.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/spool.h"

struct cryo_work;

/**
 * struct cryo_snapshot - what a snapshot knows.
 * @way: how it is made, once that is sure; CRYOCORE_SNAPSHOT_NONE: not at all
 * @userfaultfd: tracks the target as long as it is open; or -1
 * @before: the process as it was when copying began
 * @sketch: where its memory stands in the file; @tracked: the same, of tracked memory only
 * @spool: what of it is in the file
 */
struct cryo_snapshot {
	enum cryocore_snapshot way;
	int userfaultfd;
	struct cryo_process before;
	struct cryo_plan sketch, tracked;
	struct cryo_spool spool;
};

#define CRYO_SNAPSHOT_NONE ((struct cryo_snapshot){.userfaultfd = -1})

/**
 * cryo_snapshot_begin - before the stop: make a snapshot if one is wanted and possible.
 *
 * If not, everything is as before, and why is said. 0, or -errno if nothing is possible any more.
 */
int cryo_snapshot_begin(struct cryo_work *work);

/* In the stop, first of all: see what is kept, and end the tracking. 0 or -errno. */
int cryo_snapshot_stopped(struct cryo_work *work);

/* In the stop, when everything is placed: finish the plan, and leave out what is kept. 0 or -errno.
 */
int cryo_snapshot_placed(struct cryo_work *work);

/* After the release, when everything else is written. 0 or -errno. */
int cryo_snapshot_settle(struct cryo_work *work);

void cryo_snapshot_clear(struct cryo_snapshot *snapshot);
