// SPDX-License-Identifier: MIT
/*
 * A collection while it is made, and its bracket: freeze and thaw.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "capture/gather.h"
#include "capture/gather_target.h"
#include "capture/session.h"
#include "evidence/worker.h"

enum {
	CRYO_CREW_MAX = 64,

	/* A collector that shows no sign of life for so long is killed. */
	CRYO_GATHER_STALL_MS = 5000
};

/**
 * struct cryo_gather - the state of a collection.
 * @frozen: what freezing did; NULL: nothing was frozen
 * @stacks: makes the text of stacks; NULL: there are to be none
 * @words: only its messages count
 * @callbacks: held while the user's functions are called; guards @progress and @n_closed
 * @n_closed: targets that are in the manifest; @closed: that there is one more
 * @directory: where files are collected: the user's, or one in memory that the stream empties
 * @tar: the stream, NULL without one; @spool, @spool_path: the directory in memory
 * @kept: bytes in memory that wait for their stacks to be made; of a stream, so of one thread
 * @closer, @is_closing: a thread that closes @procfs
 * @sink_error: negative once nothing more can be written
 * @report: what freezing did, of which @frozen is a part
 * @stop: a capture ends early once that is not 0; @stopping is, where somebody watches over the
 *	sink (gather_watch.h), what it points to, and @cancelled stands for the user's
 * @left, @n_inside, @thaws: see there
 * @hands: of the threads that are at work; guarded by @callbacks
 */
struct cryo_gather {
	struct cryocore_gather_options own;
	const struct cryocore_gather_options *options; /* these */
	const struct cryo_policy *policy;
	cryo_stacks_maker *stacks;
	struct cryo_evidence_options evidence_options;
	struct cryo_sink *sink, *tar;
	const char *directory;
	int spool;
	char spool_path[32], stream_path[32];
	int procfs;
	struct cryo_evidence *evidence;
	struct cryo_freeze_report report;
	struct cryo_freeze_report *frozen; /* NULL without --freeze */
	struct cryo_targets targets;
	struct cryo_named_cgroups named;
	struct cryocore_gather_result *result;
	struct cryocore_result words; /* only its messages */
	pthread_mutex_t callbacks;
	size_t n_closed;
	pthread_cond_t closed;
	struct cryocore_gather_progress progress;
	uint64_t begin;
	uint64_t kept;
	pthread_t closer;
	bool is_closing;
	_Atomic int sink_error; /* nothing more can be written */
	const volatile int *stop;
	volatile int stopping, cancelled;
	atomic_bool left, thaws;
	atomic_size_t n_inside;
	struct cryo_hands *hands[CRYO_CREW_MAX];
};

/* The processes that a thread of ours works by; each made when there is something for it to do. */
struct cryo_hands {
	struct cryo_worker worker;
	struct cryo_session session;
};

/* Remember an error of the sink, unless it is none or there was one before. */
static inline void cryo_gather_note_error(struct cryo_gather *gather, int error)
{
	int none = 0;

	if (error < 0)
		atomic_compare_exchange_strong(&gather->sink_error, &none, error);
}

/* A message about the collection; none once it is left (gather_watch.h). */
void cryo_gather_say(struct cryo_gather *gather, enum cryocore_severity severity, int error,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Capture a process, if the collection goes on. As cryo_capture(). */
int cryo_gather_capture(struct cryo_gather *gather, struct cryo_target *target,
	const struct cryocore_options *options, struct cryo_session *session);

/* Freeze what is selected, and log it. 0, or -errno: then nothing is stopped. */
int cryo_gather_freeze(struct cryo_gather *gather);

/* Give back what cryo_gather_freeze() stopped, unless it is to stay frozen; and log it. */
void cryo_gather_thaw(struct cryo_gather *gather);

/* The same without a log, for who has left the collection. */
void cryo_gather_thaw_left(struct cryo_gather *gather);
