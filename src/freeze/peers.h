// SPDX-License-Identifier: MIT
/*
 * Who holds the other end: processes found by what their descriptors lead to.
 */
#pragma once

#include "freeze/census.h"

/* What a descriptor is searched for by. */
enum cryo_need_kind {
	CRYO_NEED_LINK,     /* the text of its link: pipe:[N], socket:[N], the path of a FIFO */
	CRYO_NEED_PTY,      /* the master side of /dev/pts/NUMBER (fdinfo: tty-index) */
	CRYO_NEED_FUSE,     /* the server of FUSE connection NUMBER (fdinfo: fuse_connection) */
	CRYO_NEED_WATCHDOG, /* any watchdog device */
};

/* Which end of a pipe counts. */
enum cryo_need_access {
	CRYO_NEED_ANY,
	CRYO_NEED_READER,
	CRYO_NEED_WRITER,
};

/**
 * struct cryo_need - something whose holders are searched.
 * @link: the text of a link; owned; NULL for other kinds
 * @number: of the terminal or connection; for a link a value of enum cryo_need_access
 * @tag: the caller's
 */
struct cryo_need {
	enum cryo_need_kind kind;
	char *link;
	uint64_t number;
	int tag;
};

struct cryo_needs {
	struct cryo_need *array;
	size_t count;
};

/* Add a need unless it is there. @link is copied. 0 or -ENOMEM. */
int cryo_needs_add(struct cryo_needs *needs, enum cryo_need_kind kind, const char *link,
	uint64_t number, int tag);
void cryo_needs_clear(struct cryo_needs *needs);

/* A process that holds something needed, and an index into the needs. */
struct cryo_peer {
	pid_t pid;
	size_t need;
};

/**
 * cryo_peers_find - search the descriptors of every process.
 * @first: needs before this index are left out
 * @ret_peers: malloc'ed; a process may be in it more than once
 *
 * Descriptors are read as links and fdinfo only, never opened: what lies behind them may never
 * answer. A process whose descriptors cannot be seen has none. 0 or -ENOMEM.
 */
int cryo_peers_find(int procfs, const struct cryo_census *census, const struct cryo_needs *needs,
	size_t first, struct cryo_peer **ret_peers, size_t *ret_count);

/* The number behind "/dev/pts/", or -1. */
int cryo_pts_number(const char *link);

#define _cleanup_needs_ _cleanup_(cryo_needs_clear)
