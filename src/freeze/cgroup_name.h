// SPDX-License-Identifier: MIT
/*
 * Cgroups as users name them: by the path that /proc/PID/cgroup shows, in whatever hierarchy, or by
 * one below the mount point of a hierarchy of either version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

/**
 * struct cryo_cgroup_name - a cgroup that somebody named.
 * @path: as /proc/PID/cgroup has it; NULL for a word that names no cgroup (no leading '/'); owned
 * @hierarchy: mount options of its hierarchy, among them its controllers; "" for version 2; NULL:
 *	in any hierarchy; owned
 */
struct cryo_cgroup_name {
	char *path;
	char *hierarchy;
};

/* One for each of some words, in their order. */
struct cryo_cgroup_names {
	struct cryo_cgroup_name *array;
	size_t count;
};

/**
 * cryo_cgroup_names_make - find out what is meant.
 * @procfs: for its mountinfo and its processes
 *
 * Returns 0; -ENXIO if one of the cgroups does not exist: no hierarchy that is mounted has it, and
 * no process is in it; or -ENOMEM.
 */
int cryo_cgroup_names_make(
	int procfs, const char *const *words, size_t n_words, struct cryo_cgroup_names *ret_names);
void cryo_cgroup_names_clear(struct cryo_cgroup_names *names);

/* Whether a process is in this cgroup or below it. */
bool cryo_cgroup_name_covers(int procfs, const struct cryo_cgroup_name *name, pid_t pid);

/* ... or in any of them. */
bool cryo_cgroup_names_cover(int procfs, const struct cryo_cgroup_names *names, pid_t pid);

/**
 * cryo_cgroup_directory - where the cgroup of a process is mounted.
 * @procfs: for its mountinfo
 * @process: the directory of the process, or of a thread, in /proc
 * @controller: of the hierarchy of version 1 that is meant
 *
 * A path, malloc'ed; NULL: it is the root of the hierarchy, or not to be had here.
 */
char *cryo_cgroup_directory(int procfs, int process, const char *controller);

#define _cleanup_cgroup_names_ _cleanup_(cryo_cgroup_names_clear)
