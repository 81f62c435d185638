// SPDX-License-Identifier: MIT
/*
 * Enumeration that goes around whoever hides processes: the same question asked in several ways
 * that share as little as possible, and the answers compared.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A way to see a process, one bit each. */
enum cryo_view {
	CRYO_VIEW_LIBC =
		1 << 0, /* readdir(3) of /proc, as ps has it: a preloaded library can lie */
	CRYO_VIEW_READDIR = 1 << 1, /* getdents64(2) of /proc */
	CRYO_VIEW_OPEN = 1 << 2,    /* /proc/PID/stat opened: a mount over it shows another */
	CRYO_VIEW_PRIVATE = 1 << 3, /* getdents64(2) of a procfs that nobody can mount over */
	CRYO_VIEW_PIDFD = 1 << 4,   /* pidfd_open(2) */
	CRYO_VIEW_SCHED = 1 << 5,   /* sched_getscheduler(2) of the numbers */
	CRYO_VIEW_SIGNAL = 1 << 6,  /* kill(2) with signal 0 */
	CRYO_VIEW_CGROUP = 1 << 7,  /* cgroup.procs of all cgroups (version 2) */
	CRYO_VIEW_BPF = 1 << 8, /* a BPF program that looks up the numbers, where it can be had */
};

#define CRYO_VIEW_COUNT 9

/* A few words for one bit of enum cryo_view. */
const char *cryo_view_text(unsigned int view);

/* Bits of enum cryo_view as words divided by ", "; malloc'ed, "" for none. 0 or -ENOMEM. */
int cryo_views_text(unsigned int views, char **ret_text);

/**
 * struct cryo_sighting - a process.
 * @seen: views that have it
 * @hidden: views that lack it although it was there the whole time
 */
struct cryo_sighting {
	pid_t pid;
	unsigned int seen, hidden;
};

/**
 * cryo_enumerate - every process of our pid namespace.
 * @public_proc: the procfs that everybody uses
 * @private_proc: one of our own (cryo_procfs_open_private()), or -1: that view is left out
 * @ret_sightings: sorted by pid; malloc'ed
 *
 * A process that ends or begins meanwhile is not called hidden: what a view lacks is asked again
 * while the process is held. 0 or -errno.
 */
int cryo_enumerate(
	int public_proc, int private_proc, struct cryo_sighting **ret_sightings, size_t *ret_count);
