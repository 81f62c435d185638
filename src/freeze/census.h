// SPDX-License-Identifier: MIT
/*
 * A census: every process that procfs shows at one time, with what freeze decides by.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/**
 * struct cryo_row - one process.
 * @pid, @start_time: its identity (field 22 of stat, clock ticks since boot)
 * @state, @ppid, @pgrp, @session, @tty_nr, @tpgid, @flags, @n_threads, @comm: from stat
 * @tracer: the process (not the thread) that traces its leader; 0: nobody, or not asked yet
 * @uid: effective user; (uid_t)-1: not asked yet
 */
struct cryo_row {
	pid_t pid;
	uint64_t start_time;
	char state;
	pid_t ppid, pgrp, session, tpgid;
	int tty_nr;
	uint64_t flags;
	int64_t n_threads;
	pid_t tracer;
	uid_t uid;
	char comm[64];
};

/**
 * struct cryo_census - rows in the order of their pids.
 * @vanished: processes that were listed but gone when they were asked
 */
struct cryo_census {
	struct cryo_row *rows;
	size_t count;
	size_t vanished;
};

/* Clock ticks since boot, as start times count them. */
uint64_t cryo_ticks_now(void);

/* Count them; the tracer and uid are not asked. 0 or -errno. */
int cryo_census_take(int procfs, struct cryo_census *ret_census);
void cryo_census_clear(struct cryo_census *census);

/* The row of a pid, or NULL. */
struct cryo_row *cryo_census_find(const struct cryo_census *census, pid_t pid);

/* Read one process. 0, or -errno if it is gone. */
int cryo_row_read(int procfs, pid_t pid, struct cryo_row *ret_row);

/* Ask for the tracer and uid of a row. What cannot be had stays "nobody". */
void cryo_row_complete(int procfs, struct cryo_row *row);

/* Whether it is a kernel thread: nothing of it runs in user mode. */
bool cryo_row_is_kthread(const struct cryo_row *row);

/*
 * What a process can do now, judged over all its threads. The letters are those of stat, except
 * CRYO_REST_FROZEN and CRYO_REST_DUMPED; a process runs if any thread of it may run user code
 * without anybody's help.
 */
enum cryo_rest {
	CRYO_REST_RUNS = 'R',
	CRYO_REST_BLOCKED =
		'D',            /* no thread runs, one or more wait in the kernel uninterruptibly */
	CRYO_REST_FROZEN = 'F', /* held by a cgroup freezer */
	CRYO_REST_STOPPED = 'T', /* stopped by a signal */
	CRYO_REST_TRACED = 't',  /* its tracer decides when it goes on */
	CRYO_REST_DUMPED = 'C',  /* the kernel writes its core, and it ends then */
	CRYO_REST_DEAD = 'Z',    /* a zombie, or gone */
};

/* Whether nothing of a process can run, nor will by itself. */
static inline bool cryo_rest_is_still(enum cryo_rest rest)
{
	return rest != CRYO_REST_RUNS && rest != CRYO_REST_BLOCKED;
}

/**
 * cryo_rest_of - judge a process.
 * @start_time: of the process that is meant; another one with its number makes it dead
 */
enum cryo_rest cryo_rest_of(int procfs, pid_t pid, uint64_t start_time);

/* Whether a stop signal is pending on a process: it will stop when it can. */
bool cryo_stop_is_pending(int procfs, pid_t pid);

/*
 * Whether a process stands still by a stop signal, or will: one is pending, or a thread has taken
 * it while another is held in the kernel, and will stop when it comes back from there.
 */
bool cryo_stop_is_in_force(int procfs, pid_t pid, uint64_t start_time);

#define _cleanup_census_ _cleanup_(cryo_census_clear)
