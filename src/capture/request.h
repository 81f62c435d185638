// SPDX-License-Identifier: MIT
/*
 * What the processes of one capture know in common from before they part.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cryocore/cryocore.h>

#include "capture/policy.h"
#include "capture/sharer.h"
#include "proc/identity.h"
#include "trace/inject.h"

/**
 * struct cryo_request - what is to be done; constant once select() has made it.
 * @procfs: where /proc is read; borrowed
 * @identity: the target, bound to the process that it was at the beginning
 * @prefix: of the output files
 * @zstd_level: the core is compressed; 0: it is not
 * @snapshot: how the target may go on while its memory is copied
 * @max_pause_ns: 0, or how long it may stand still
 * @cautious: a reader before has crashed: what a core can do without is not asked for
 * @n_attempts: that have failed before this one (capture/repeat.h)
 * @may_hold_tracer: where another traces the target (capture/holder.h)
 * @stream_fd: -1, or where the core goes; @sparse_stream: as a struct cryo_sparse_head begins it
 */
struct cryo_request {
	int procfs;
	struct cryo_identity identity;
	struct cryo_policy policy;
	const char *prefix;
	int zstd_level;
	int stream_fd;
	bool sparse_stream;
	bool no_exe, overwrite, dry_run, no_syscall_restart, no_stop, require_registers;
	bool may_hold_tracer, cautious;
	unsigned int n_attempts;
	enum cryocore_snapshot snapshot;
	uint64_t max_pause_ns;
};

/* What the name of a core ends with. */
static inline const char *cryo_request_suffix(const struct cryo_request *request)
{
	return request->zstd_level ? ".zst" : "";
}

/* Stages, for progress and for tests that end us in each of them. */
enum cryo_stage {
	CRYO_STAGE_PREPARE,
	CRYO_STAGE_STOP,
	CRYO_STAGE_INSPECT,
	CRYO_STAGE_WRITE,
	CRYO_STAGE_FINISH,
};

/**
 * struct cryo_shared - a page that all three processes see.
 * @stage: enum cryo_stage
 * @bytes_done, @bytes_expected: of memory, while it is read
 * @steps: changes with whatever else gets on
 * @n_begun: files that the reader makes, or has made: the core, and the copy of the executable;
 *	told when nothing has the name
 * @n_outputs: those that it has made
 * @cancel: the reader is to give up at the next window
 * @site: where system calls can be run in the target, for the tracer; written before a stop
 * @sharers: who shares its memory, from the tracer; written before a stop
 */
struct cryo_shared {
	_Atomic uint32_t stage;
	_Atomic uint32_t cancel;
	_Atomic uint32_t n_begun, n_outputs;
	_Atomic uint64_t bytes_done, bytes_expected;
	_Atomic uint64_t steps;
	struct cryo_site site;
	struct cryo_sharers sharers;
};
