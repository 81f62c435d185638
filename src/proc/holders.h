// SPDX-License-Identifier: MIT
/*
 * Who holds what: the descriptors of every process, by what they lead to, so that the other end of
 * each can be named. Read from the texts of the links in /proc/PID/fd and from fdinfo alone;
 * nothing is opened and no file system is asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

enum {
	CRYO_HOLDERS_MAX = 1 << 21, /* descriptors that are kept, 24 bytes each */
	CRYO_HOLDERS_SHOWN = 16     /* of one inode in a line */
};

/* Kinds of what a descriptor leads to, and the key by which it is known; one bit each. */
enum cryo_hold {
	CRYO_HOLD_INODE = 1 << 0, /* a pipe or socket: its inode */
	CRYO_HOLD_PATH = 1 << 1,  /* a file with a path: cryo_holders_hash() of that */
	CRYO_HOLD_PTY = 1 << 2,   /* the master side of /dev/pts/N: N (fdinfo: tty-index) */
	CRYO_HOLD_FUSE =
		1 << 3, /* the server's side of a FUSE connection (fdinfo: fuse_connection) */
	CRYO_HOLD_WATCHDOG = 1 << 4, /* a watchdog device: 0 */
	CRYO_HOLD_DECISION = 1 << 5, /* a fanotify group that is asked before files are opened: 0 */
};

/* A descriptor; @reads, @writes: how a pipe or socket was opened. */
struct cryo_holder {
	uint64_t key;
	pid_t pid;
	int fd;
	bool reads, writes;
	uint8_t kind; /* enum cryo_hold */
};

struct cryo_holder_process {
	pid_t pid;
	char comm[16];
};

/* @truncated: descriptors are missing (too many, or a process that may not be looked into). */
struct cryo_holders {
	struct cryo_holder *array; /* by kind, key, pid, descriptor */
	size_t count;
	struct cryo_holder_process *processes; /* by pid; of who holds pipes or sockets */
	size_t n_processes;
	bool truncated;
};

/* "pipe:[N]" and "socket:[N]": whether the text of a link is one of these. */
bool cryo_holders_parse_link(const char *text, size_t size, uint64_t *ret_inode);

/* A number for a path. Two may have the same: whoever finds one compares the path itself. */
uint64_t cryo_holders_hash(const char *path);

/* The directory in which descriptors and namespaces of a process are seen: /proc/PID, or /proc/TID
 * of a thread that lives where the first one has exited. A descriptor or -errno. */
int cryo_holders_open(int procfs, pid_t pid);

/**
 * cryo_holders_load - look at all processes below a procfs.
 * @kinds: bits of enum cryo_hold: what is kept
 *
 * 0, or -errno of listing it, or -ENOMEM.
 */
int cryo_holders_load(int procfs, unsigned int kinds, struct cryo_holders *ret_holders);

/* ... at one process; one that cannot be seen holds nothing. 0 or -ENOMEM. */
int cryo_holders_load_one(
	int procfs, pid_t pid, unsigned int kinds, struct cryo_holders *ret_holders);

void cryo_holders_clear(struct cryo_holders *holders);

/* Those of a kind and key: the first and how many. */
const struct cryo_holder *cryo_holders_find(
	const struct cryo_holders *holders, enum cryo_hold kind, uint64_t key, size_t *ret_count);

/* Which descriptors of an inode cryo_holders_format() names. */
enum cryo_holder_side {
	CRYO_HOLDERS_READERS = 1,
	CRYO_HOLDERS_WRITERS = 2,
	CRYO_HOLDERS_ANY = 3,
};

/**
 * cryo_holders_format - append " KEY=PID(COMM)/FD,..." for the holders of an inode.
 * @pid, @fd: a descriptor that is left out: the one that is being described
 *
 * Appends nothing if there are none; after CRYO_HOLDERS_SHOWN of them ",+N". 0 or -ENOMEM.
 */
int cryo_holders_format(const struct cryo_holders *holders, const char *key, uint64_t inode,
	enum cryo_holder_side side, pid_t pid, int fd, struct cryo_buffer *buffer);
