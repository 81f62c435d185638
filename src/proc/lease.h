// SPDX-License-Identifier: MIT
/*
 * Files of others, opened for reading without their noticing.
 *
 * Who has a write lease on a file (fcntl(2), F_SETLEASE) is sent a signal when somebody opens it,
 * with O_NONBLOCK too, and has 45 s to give it up (/proc/sys/fs/lease-break-time). There is no way
 * to open the file that does without: it is left alone. /proc/locks tells the leases of those whom
 * our pid namespace shows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cryo_lease {
	dev_t device;
	ino_t inode;
};

/* Write leases in the text of /proc/locks: at most @room of them. How many there are. */
size_t cryo_leases_parse(const char *text, size_t size, struct cryo_lease *ret, size_t room);

/* Whether somebody has a write lease on a file. What was read is believed for 0.1 s. */
bool cryo_lease_is_on(dev_t device, ino_t inode);

/**
 * cryo_lease_open - open a file for reading, if there is no write lease on it.
 *
 * Its access time is not changed where that is allowed (O_NOATIME needs to be its owner). No FIFO
 * is waited for, no terminal becomes ours. Returns a descriptor, or -errno: -EAGAIN for a lease.
 */
int cryo_lease_open(int dir, const char *name);
