// SPDX-License-Identifier: MIT
/*
 * The life of the tracer and the reader: made for one capture, and used for the next ones as long
 * as nothing has gone wrong with them.
 */
#pragma once

#include <sys/types.h>

#include "capture/job.h"

/* One child. @pid: 0: there is none. @channel: to it, or -1. */
struct cryo_child {
	pid_t pid;
	int channel;
};

/**
 * struct cryo_children - both, and what is shared with them.
 * @tracer: not there for who stops nothing
 * @shared: a page; NULL: nothing has been made yet
 * @duplicate: another, which the reader has not; see struct cryo_tracer
 * @records: file for the registers; @report: for what was found
 */
struct cryo_children {
	struct cryo_child tracer, reader;
	struct cryo_shared *shared;
	_Atomic int32_t *duplicate;
	int records, report;
};

#define CRYO_CHILDREN_NONE ((struct cryo_children){{0, -1}, {0, -1}, NULL, NULL, -1, -1})

/**
 * cryo_children_prepare - make them, if there are none, while the supervisor looks at the target.
 * @procfs: of the captures to come
 * @stops: whether they will stop anybody
 *
 * 0 or -errno, which is told again where a capture is given to them.
 */
int cryo_children_prepare(struct cryo_children *children, int procfs, bool stops);

/**
 * cryo_children_assign - give a capture to the children that are there, or else to new ones.
 *
 * Children that have died are replaced without a word. Nothing is left of the capture before: all
 * that is shared is as if new. 0 or -errno; cryo_children_end() in any case.
 */
int cryo_children_assign(struct cryo_children *children, const struct cryo_job *job);

/* Another tracer in the place of one that was ended, for what the job says it has left. */
int cryo_children_replace_tracer(struct cryo_children *children, const struct cryo_job *job);

/* Close a channel, for whoever has inherited it, too. */
void cryo_children_hang_up(struct cryo_child *child);

/* Whether one of them has this pid. */
bool cryo_children_include(const struct cryo_children *children, pid_t pid);

/* End them, who have nothing to do. One that does not end is left behind. @procfs: to look at it */
void cryo_children_end(struct cryo_children *children, int procfs);
