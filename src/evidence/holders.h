// SPDX-License-Identifier: MIT
/*
 * Who holds which pipe and which socket: the descriptors of every process, by inode, so that the
 * other end of each can be named. Read from the texts of the links in /proc/PID/fd alone; nothing
 * is opened and no file system is asked.
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

/* A descriptor that refers to a pipe or socket; @reads, @writes: how it was opened. */
struct cryo_holder {
	uint64_t inode;
	pid_t pid;
	int fd;
	bool reads, writes;
};

struct cryo_holder_process {
	pid_t pid;
	char comm[16];
};

/* @truncated: descriptors are missing (too many, or a process that may not be looked into). */
struct cryo_holders {
	struct cryo_holder *array; /* by inode, pid, descriptor */
	size_t count;
	struct cryo_holder_process *processes; /* by pid */
	size_t n_processes;
	bool truncated;
};

/* "pipe:[N]" and "socket:[N]": whether the text of a link is one of these. */
bool cryo_holders_parse_link(const char *text, size_t size, uint64_t *ret_inode);

/* Look at all processes below a procfs. 0, or -errno of listing it, or -ENOMEM. */
int cryo_holders_load(int procfs, struct cryo_holders *ret_holders);

void cryo_holders_clear(struct cryo_holders *holders);

/* Those of an inode: the first and how many. */
const struct cryo_holder *cryo_holders_find(
	const struct cryo_holders *holders, uint64_t inode, size_t *ret_count);

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
