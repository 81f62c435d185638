// SPDX-License-Identifier: MIT
/*
 * What the workers of one copy share: inside of write.c and batches.c.
 */
#pragma once

#include <pthread.h>

#include "capture/guard.h"
#include "capture/hold.h"
#include "capture/write.h"

enum {
	CRYO_WORKERS = 2
};

/* The walk, and whether somebody is at it. */
struct cryo_source {
	struct cryo_walk walk;
	struct cryo_window ahead; /* taken off the walk, but not yet in a batch */
	bool has_ahead, is_taken;
};

/* A worker keeps the file of the mapping that it last read. */
struct cryo_worker {
	struct cryo_copy *copy;
	struct cryo_guard *guard;
	struct cryo_source *source; /* that it is at; NULL: it is at none */
	uint8_t *image;
	const uint8_t *held; /* where its batch is held, or is to be; NULL: nowhere */
	const struct cryo_vma *vma;
	int file;
	struct cryo_batch *batch;
};

typedef int cryo_job_function(struct cryo_worker *worker);

struct cryo_copy {
	pthread_mutex_t lock; /* of all that changes while workers run */
	pthread_cond_t changed;
	const struct cryo_plan *plan;
	struct cryo_source *source;
	struct cryo_window *again; /* from next_again on: to be read once more, one by one */
	size_t n_again, next_again;
	uint8_t *suspicion; /* of each segment; NULL: none of any */
	struct cryo_hold hold;
	size_t run, run_done; /* written: all held runs before, and bytes of this */
	struct cryo_written *written;
	int error;
	size_t n_given_up;
	bool late; /* nothing more is read */
	const struct cryo_inspector *inspector;
	struct cryo_output *output;
	struct cryo_shared *shared;
	struct cryo_spool *spool; /* NULL: none */
	bool is_finished;         /* the plan was, when what is held was placed */
	struct cryo_worker *workers[CRYO_WORKERS];
	bool is_stream, is_holding;
	bool has_helper, ended;
	struct cryo_guard *helps; /* the helper's, when it is ready */
	cryo_job_function *job;   /* that the helper is to do, or does */
	pthread_t helper;
};

/* Begin the walk at a segment of the plan. 0 or -ENOMEM. */
int cryo_batches_start(struct cryo_copy *copy, size_t segment);

/* Whether to go on: 0, or -errno; copy->late tells whether anything more is read. With the lock. */
int cryo_batches_check(struct cryo_copy *copy);

/**
 * cryo_batches_take - fill a worker's batch, unless another worker has failed.
 * @held: find a place to hold it, as long as there is room: @ret_image
 *
 * Returns 1, 0: there is no more; or -errno.
 */
int cryo_batches_take(struct cryo_worker *worker, bool held, uint8_t **ret_image);

/* Read the batch. 0 or -errno. */
int cryo_batches_read(struct cryo_worker *worker, uint8_t *image);

/* Leave to others what a worker that was given up had to do. With the lock. */
void cryo_batches_take_over(struct cryo_copy *copy, const struct cryo_worker *worker);

/* Wait a little for the other worker, or for its end if it is stuck. With the lock. */
void cryo_batches_wait(struct cryo_copy *copy);

/* Everything of the plan from an address in one segment on is a gap. 0 or -ENOMEM. */
int cryo_batches_leave_rest(struct cryo_copy *copy, size_t segment, uint64_t from, int error);

/* So is what nobody has read: for lack of time, or since too many got stuck. 0 or -ENOMEM. */
int cryo_batches_leave_unread(struct cryo_copy *copy);
