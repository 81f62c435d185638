// SPDX-License-Identifier: MIT
/*
 * Stop and release: the two verbs that change the target. Both belong to the tracer process.
 */
#pragma once

#include "proc/identity.h"
#include "trace/tracee.h"

/**
 * struct cryo_stopped - the threads that we hold, and what must be restored in them.
 * @tracees: sorted by tid; owned
 * @n_held: how many are stopped
 * @n_unstopped: how many live but could not be stopped in time, or may not be traced
 * @error: why the first of these was refused: -EBUSY if it is where nothing can stop it,
 *	-EINPROGRESS if the kernel is writing the core of the process; 0 if it only did not stop
 * @n_restarted: system calls put back
 * @n_again: how often it was begun again, for another program or another thread with the leader's
 * tid
 * @program: the form of the registers
 * @look_ns: CLOCK_MONOTONIC of cryo_stop_look()
 * @leader_record: where the leader's registers lie; SIZE_MAX: nowhere
 * @steps: counted up with each thread that has stopped; NULL: nobody looks at it
 * @stop_ns: CLOCK_MONOTONIC of the first stop request
 * @release_ns: and of the last release
 */
struct cryo_stopped {
	struct cryo_tracee *tracees;
	size_t count;
	size_t n_held, n_unstopped, n_restarted;
	int error;
	unsigned int n_again;
	size_t leader_record;
	const struct cryo_arch *program;
	_Atomic uint64_t *steps;
	uint64_t look_ns, stop_ns, release_ns;
};

/* The patience of a capture with a thread, and the most of all: less than the supervisor's with the
 * whole stop. */
#define CRYO_STOP_PATIENCE_NS (4ULL * 1000 * 1000 * 1000)
#define CRYO_STOP_MOST_NS (20ULL * 1000 * 1000 * 1000)

/**
 * cryo_stop_look - find out where the threads wait, if they are many, while none is stopped.
 * @stopped: zeroed; for the cryo_stop() that follows, which asks again if that is not at once
 */
void cryo_stop_look(const struct cryo_identity *identity, struct cryo_stopped *stopped);

/**
 * cryo_stop - stop every thread of a process, and read the registers of each.
 * @deadline: what has not stopped by then is left as it is
 * @patience: ns, while which a thread is waited for that has no turn on a processor, or is in state
 *	D for a page or a disk; others have less. CRYO_STOP_PATIENCE_NS begins anew with each that
 *	stops, up to CRYO_STOP_MOST_NS
 * @restart: put back system calls that the stop ended early
 * @records: the registers (trace/registers.h) are appended
 * @stopped: zeroed, or of cryo_stop_look()
 *
 * Threads that start meanwhile are found: the task directory is read again until a pass finds
 * nothing new. Returns 0 (also when no thread could be stopped), or -errno. The struct must be
 * released in any case.
 */
int cryo_stop(const struct cryo_identity *identity, uint64_t deadline, uint64_t patience,
	bool restart, struct cryo_buffer *records, struct cryo_stopped *stopped);

/* Whether a thread is where it cannot stop and is better not asked to: frozen by a version 1
 * cgroup, or waiting for a FUSE server. */
bool cryo_stop_is_hopeless(int process_dir, pid_t tid);

/* Let every thread go as it was found, the leader last; those that stood still then, do so again
 * when this returns, unless somebody else lets them run. Idempotent. */
void cryo_release(struct cryo_stopped *stopped, const struct cryo_identity *identity);
