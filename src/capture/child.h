// SPDX-License-Identifier: MIT
/*
 * What the tracer and the reader have in common: they are children that must not be ended by what
 * is meant for the supervisor, that hold nothing of what the caller has open, and that may refuse
 * to die.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_child_begin - the first thing that a child does.
 * @parent: pid of the supervisor, as it was before fork()
 * @death_signal: sent to us when it dies (PR_SET_PDEATHSIG)
 * @descriptors: @count of them that are needed; for the rest see proc/inherited.h
 *
 * Ends the process if the supervisor is dead already. It has nothing of the caller's handlers and
 * mask of signals. A crash of it leaves no core, which would have a part of the target's memory.
 * Keyboard signals, SIGPIPE and SIGXFSZ are ignored: a Ctrl-C or Ctrl-Z goes to the whole process
 * group, but it is the supervisor that decides.
 */
void cryo_child_begin(pid_t parent, int death_signal, const int *descriptors, size_t count);

/* Close everything. A thread that cannot die keeps what the whole process has open. */
void cryo_child_leave_all(void);

/* Wait for the end of a child of ours; *pid is 0 then (and may be before). Whether it has ended. */
bool cryo_child_reap(pid_t *pid, uint64_t deadline);

/* The same. The signal by which it ended, if it is one that a defect raises; else 0. */
int cryo_child_reap_crash(pid_t *pid, uint64_t deadline);

/**
 * cryo_child_end - let a child end by itself, then end it by force.
 * @pid: 0 when it has ended
 * @procfs: where its threads are looked at
 * @patience: ns that it is given before the force
 *
 * Returns whether it has ended; false: it is in an uninterruptible sleep, and left behind.
 */
bool cryo_child_end(pid_t *pid, int procfs, uint64_t patience);
