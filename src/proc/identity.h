// SPDX-License-Identifier: MIT
/*
 * Which process: a pid alone may be used again; a pid with its start time within one boot is
 * unique, and a pidfd is bound to the process for as long as it is held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "proc/stat.h"

struct cryo_identity {
	pid_t pid;
	uint64_t start_time; /* field 22 of stat, clock ticks since boot */
	int dir;             /* /proc/PID; bound to this process */
	int pidfd;           /* -1 where the kernel has none (before 5.3), or for a fixture */
};

/* -1 in both descriptors: nothing is owned. */
#define CRYO_IDENTITY_NONE ((struct cryo_identity){.dir = -1, .pidfd = -1})

/*
 * Open a process. 0 or -errno: -ENOENT/-ESRCH no such process (a thread that leads none is none).
 */
int cryo_identity_open(int procfs, pid_t pid, struct cryo_identity *ret_identity);

/**
 * cryo_identity_look - the directory of a process, and what it is now. One who seems to be gone is
 *	looked at again: while a thread takes the place of the leader by execve(2), its number leads
 *	nowhere, or to a task that is no more (1 in 400 looks at one that does so all the time).
 *
 * Returns a descriptor of /proc/PID, bound to it; -ENOENT or -ESRCH: nobody; or -errno.
 */
int cryo_identity_look(int procfs, pid_t pid, struct cryo_stat *ret_stat);

/**
 * cryo_identity_find - the directory of a process that is known, to read from: no signal is to be
 *	sent to it, so no pidfd is needed.
 * @start_time: of the process that is meant
 * @ret_stat: as it is now
 *
 * Returns a descriptor of /proc/PID, bound to it; -ESRCH: the number is another's; or -errno.
 */
int cryo_identity_find(int procfs, pid_t pid, uint64_t start_time, struct cryo_stat *ret_stat);

/**
 * cryo_identity_open_live - the directory /proc/TID of a thread that has not exited.
 * @ret_tid: the thread: the leader, unless that has exited while others live
 *
 * Returns a descriptor; -ESRCH (all have exited); or -errno.
 */
int cryo_identity_open_live(int procfs, const struct cryo_identity *identity, pid_t *ret_tid);

/* Whether the process that was opened still exists (as a zombie too) and has this pid. */
bool cryo_identity_is_alive(const struct cryo_identity *identity);

void cryo_identity_close(struct cryo_identity *identity);

#define _cleanup_identity_ _cleanup_(cryo_identity_close)
