// SPDX-License-Identifier: MIT
/*
 * One traced thread: seized, stopped, read, released (ptrace(2)).
 *
 * Only PTRACE_SEIZE and PTRACE_INTERRUPT are used: they send no signal, so that nothing is left
 * pending whatever becomes of us. No option is set: without PTRACE_O_EXITKILL the kernel releases
 * every tracee when the tracer dies.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/arch.h"
#include "base/buffer.h"

enum cryo_tracee_state {
	CRYO_TRACEE_NEW,     /* known, not touched */
	CRYO_TRACEE_SEIZED,  /* asked to stop */
	CRYO_TRACEE_STOPPED, /* stopped by us */
	CRYO_TRACEE_REFUSED, /* may not be traced, or must not be asked: see @error */
	CRYO_TRACEE_GONE,    /* exited */
};

/**
 * struct cryo_tracee - a thread and what must be restored in it.
 * @error: why it is CRYO_TRACEE_REFUSED, negative errno
 * @status: the wait status of its stop, as waitpid(2) gives it
 * @was_at_rest: a stop signal or a cgroup held it when it was found
 * @saved_registers: registers before a system call was put back; owned; NULL if none was
 */
struct cryo_tracee {
	pid_t tid;
	enum cryo_tracee_state state;
	int error;
	int status;
	bool was_at_rest;
	struct cryo_buffer saved_registers;
};

/**
 * cryo_tracee_seize - make a thread ours and ask it to stop.
 * @pid: the process that it is to be a thread of; whether that is still who had the number before
 *	has to be asked afterwards
 *
 * Changes @state. May block for as long as the target holds its cred_guard_mutex (an execve that
 * does not end): only the death of the calling process ends that.
 */
void cryo_tracee_seize(struct cryo_tracee *tracee, pid_t pid);

/* Give back at once a thread that was seized, and turns out to be another's. */
void cryo_tracee_disown(struct cryo_tracee *tracee);

/**
 * cryo_tracee_wait - wait until a seized thread has stopped.
 * @deadline: of CLOCK_MONOTONIC; cryo_tracee_tick_start() must run, or the wait has no end
 *
 * Returns 0 (CRYO_TRACEE_STOPPED or CRYO_TRACEE_GONE) or -ETIMEDOUT.
 */
int cryo_tracee_wait(struct cryo_tracee *tracee, uint64_t deadline);

/* Whether a thread is a tracee of ours, stopped or not. One that has exited is reaped. */
bool cryo_tracee_is_ours(pid_t tid);

/*
 * If that tid is a tracee of ours: CRYO_TRACEE_SEIZED, and asked to stop. A thread that was seized
 * and then became the leader by execve(2) was asked by a number that nobody had any more.
 */
bool cryo_tracee_ask_again(struct cryo_tracee *tracee);

/*
 * Whether the kernel has a tracee of ours left: one that did not stop in time, and cannot be given
 * back before it does. Those that have exited are reaped. Only for a process without children.
 */
bool cryo_tracee_is_any_left(void);

/* The stop is one in which the thread was neither group-stopped nor about to take a signal. */
bool cryo_tracee_is_plain_stop(const struct cryo_tracee *tracee);

/* Release the thread as it was found; a signal that was on its way is delivered. Idempotent. */
void cryo_tracee_detach(struct cryo_tracee *tracee);

/*
 * A signal (SIGALRM, with an empty handler, not restarting calls) every few milliseconds while a
 * wait is under way, so that waitid(2) comes back to look at its deadline. Only for a process that
 * belongs to the tracer. 0 or -errno.
 */
int cryo_tracee_tick_start(void);
void cryo_tracee_tick_stop(void);
