// SPDX-License-Identifier: MIT
/*
 * Processes that share a target's memory without being threads of it (clone(2) with CLONE_VM alone,
 * as vfork(2) does for a while). They are not stopped, so they can change what is read.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_sharer_find - a process that shares the memory and may have run while it was read.
 * @procfs: where all processes are listed
 * @pid: the target, or a live thread of it
 * @leader: of it
 * @since: ticks since boot (field 22 of stat) at which it stood still; who started later is none
 *
 * Returns the pid, or 0: there is none, or it cannot be told (no CONFIG_KCMP, or no access to the
 * other process).
 */
pid_t cryo_sharer_find(int procfs, pid_t pid, pid_t leader, uint64_t since);
