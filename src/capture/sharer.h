// SPDX-License-Identifier: MIT
/*
 * Processes that share a target's memory without being threads of it (clone(2) with CLONE_VM alone,
 * as vfork(2) does for a while). They are not stopped, so they can change what is read, if they
 * run: one that has slept all the while has changed nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/sharer_index.h"

enum {
	CRYO_SHARERS_MAX = 16
};

/**
 * struct cryo_sharers - those that there were before the stop.
 * @last_pid: the pid that had been given out last by then; @noted_ns: when (CLOCK_MONOTONIC)
 * @array: the first @count of them, and how often the threads of each had gone to sleep when that
 *	was noted; UINT64_MAX: one of them ran
 * @more: one for which there was no room, or 0
 */
struct cryo_sharers {
	pid_t last_pid;
	uint64_t noted_ns;
	size_t count;
	struct {
		pid_t pid;
		uint64_t sleeps;
	} array[CRYO_SHARERS_MAX];
	pid_t more;
};

/**
 * cryo_sharers_find - before the stop: who shares the memory.
 * @index: of the captures before and after, or NULL
 * @procfs: where all processes are listed
 * @pid: the target, or a live thread of it
 * @leader: of it
 *
 * None is found where it cannot be told (no CONFIG_KCMP, or no access to the other process). This
 * takes some microseconds for each process that there is.
 */
void cryo_sharers_find(struct cryo_sharer_index *index, int procfs, pid_t pid, pid_t leader,
	struct cryo_sharers *ret_sharers);

/* Right before the stop: how often those have slept that were found and still share it. */
void cryo_sharers_note(int procfs, pid_t pid, pid_t leader, struct cryo_sharers *sharers);

/**
 * cryo_sharers_ran - after the release: one that has run since it was noted, or has come since.
 * @since: ticks since boot (field 22 of stat) at which the target stood still; who started later is
 *	none
 *
 * Returns its pid, or 0.
 */
pid_t cryo_sharers_ran(
	int procfs, pid_t pid, pid_t leader, uint64_t since, const struct cryo_sharers *sharers);
