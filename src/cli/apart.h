// SPDX-License-Identifier: MIT
/*
 * A run in a child of ours, which waits for a file server and perhaps cannot die; we can.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a child is at: what comes to an end by itself is not bounded. */
enum cli_apart_phase {
	CLI_APART_OPEN,  /* it may wait for a server */
	CLI_APART_WORK,  /* it comes to an end by itself */
	CLI_APART_CLOSE, /* it has its results, and may wait for a server */
	CLI_APART_DONE,  /* it has nothing to do but end */
};

/* For the child: what it is at, and its exit status so far. Without effect elsewhere. */
void cli_apart_note(enum cli_apart_phase phase, int status);

/**
 * cli_apart - run a function in a child.
 * @run: returns the exit status; what it prints on stdout and stderr is printed by us
 * @name: of what is served, for a message
 * @timeout_ms: how long it may wait for the server, at most CRYOCORE_SERVER_SILENCE_MS; 0
 *	stands for these
 *
 * Signals that ask us to end (cli_cancel_flag()) are passed on. Returns the exit status. A child
 * that cannot die is left behind, and holds none of our files but those that are served.
 */
int cli_apart(int (*run)(void *user), void *user, const char *name, uint64_t timeout_ms);
