// SPDX-License-Identifier: MIT
/*
 * Who holds the other end: processes found by what their descriptors lead to.
 */
#pragma once

#include "base/cleanup.h"
#include "proc/holders.h"

/* Which end of a pipe counts. */
enum cryo_need_access {
	CRYO_NEED_ANY,
	CRYO_NEED_READER,
	CRYO_NEED_WRITER,
};

/**
 * struct cryo_need - something whose holders are searched.
 * @kind, @key: what it is, as holders are known by
 * @path: of a FIFO; owned; NULL for other kinds
 * @access: of a pipe or FIFO
 * @tag: the caller's
 */
struct cryo_need {
	enum cryo_hold kind;
	uint64_t key;
	char *path;
	enum cryo_need_access access;
	int tag;
};

/* @sorted: indices into @array, so that none is added twice, however many there are. */
struct cryo_needs {
	struct cryo_need *array;
	size_t count;
	size_t *sorted;
};

/* Add a need unless it is there; its @path is copied, and gives its @key. 0 or -ENOMEM. */
int cryo_needs_add(struct cryo_needs *needs, const struct cryo_need *need);
void cryo_needs_clear(struct cryo_needs *needs);

/* The kinds that a search for needs wants to know. */
#define CRYO_NEED_KINDS                                                                            \
	(CRYO_HOLD_INODE | CRYO_HOLD_PATH | CRYO_HOLD_PTY | CRYO_HOLD_FUSE | CRYO_HOLD_WATCHDOG |  \
		CRYO_HOLD_DECISION)

/* A process that holds something needed, and an index into the needs. */
struct cryo_peer {
	pid_t pid;
	size_t need;
};

/**
 * cryo_peers_find - who holds what is needed.
 * @procfs: where a path is looked at once more
 * @holders: of CRYO_NEED_KINDS
 * @first: needs before this index are left out
 * @ret_peers: malloc'ed; a process may be in it more than once
 *
 * 0 or -ENOMEM.
 */
int cryo_peers_find(int procfs, const struct cryo_holders *holders, const struct cryo_needs *needs,
	size_t first, struct cryo_peer **ret_peers, size_t *ret_count);

/* The number behind "/dev/pts/", or -1. */
int cryo_pts_number(const char *link);

#define _cleanup_needs_ _cleanup_(cryo_needs_clear)
