// SPDX-License-Identifier: MIT
/*
 * The file systems that we write to and run from, and which processes serve them: freezing one of
 * those would freeze us.
 */
#pragma once

#include "freeze/peers.h"

/* What stands behind a file system, one bit each. */
enum cryo_backing {
	CRYO_BACKING_NFS = 1 << 0,
	CRYO_BACKING_CIFS = 1 << 1,
	CRYO_BACKING_ISCSI = 1 << 2,
	CRYO_BACKING_MULTIPATH = 1 << 3,
	CRYO_BACKING_NBD = 1 << 4,
	CRYO_BACKING_OTHER = 1 << 5, /* another remote file system (9p, ceph, ...) */
};

/**
 * struct cryo_outputs - what is needed to keep writing.
 * @needs: the FUSE connections; their servers are found by cryo_peers_find()
 * @backings: bits of enum cryo_backing
 */
struct cryo_outputs {
	struct cryo_needs needs;
	unsigned int backings;
};

/**
 * cryo_outputs_add - examine the file system of a path that need not exist yet.
 * @procfs: for its "self/mountinfo"
 * @tag: for the needs
 *
 * Nothing is asked of a file server (statx(2) with AT_STATX_DONT_SYNC). 0 or -errno.
 */
int cryo_outputs_add(int procfs, const char *path, int tag, struct cryo_outputs *outputs);
void cryo_outputs_clear(struct cryo_outputs *outputs);

/* Whether the file system of a path may be served by a process: FUSE, or one of the network. What
 * sysfs tells costs less than mountinfo. */
bool cryo_outputs_may_be_served(const char *path);

/* Whether a process of this name helps any of these backings. */
bool cryo_outputs_is_helper(unsigned int backings, const char *comm);

#define _cleanup_outputs_ _cleanup_(cryo_outputs_clear)
