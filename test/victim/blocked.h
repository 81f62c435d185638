// SPDX-License-Identifier: MIT
/*
 * Victims that wait in one system call, and tell how it ended.
 */
#pragma once

#include <time.h>

/**
 * struct blocked_call - one way to wait.
 * @setup: before READY; may be NULL
 * @call: waits; its result is told, and errno if it is -1
 * @wake: ends the waiting when a line comes on stdin, in another thread; NULL: it ends by itself
 *	after blocked_seconds
 * @result, @error: how it ends if nobody disturbs it
 */
struct blocked_call {
	const char *name;
	void (*setup)(void);
	long (*call)(void);
	void (*wake)(void);
	long result;
	int error;
};

extern const struct blocked_call blocked_waits[];  /* for time, signals, locks, children */
extern const struct blocked_call blocked_reads[];  /* for data */
extern const struct blocked_call blocked_limits[]; /* for sockets that have a timeout */

extern long blocked_seconds;

/* The end of blocked_seconds, as a duration. */
struct timespec blocked_timeout(void);

/* A pipe or socket pair for the rows of one file: [0] is waited at, [1] is the other end. */
void blocked_pipe(int ret_ends[2]);
