// SPDX-License-Identifier: MIT
/*
 * The freezer of cgroup version 2 (Documentation/admin-guide/cgroup-v2.rst, "cgroup.freeze").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* The name of a cgroup that is made to hold processes apart from their spared neighbours. */
#define CRYO_CGROUP_NAME "cryocore.frozen"

/**
 * struct cryo_cgroups - the mounted hierarchy.
 * @root: directory descriptor of the mount of cgroup2, -1: there is none
 */
struct cryo_cgroups {
	int root;
};

/* Find the hierarchy in mountinfo. 0 (perhaps with root -1) or -errno. */
int cryo_cgroups_open(int procfs, struct cryo_cgroups *ret_cgroups);
void cryo_cgroups_close(struct cryo_cgroups *cgroups);

/* The path of a process in the hierarchy, malloc'ed, or NULL. */
char *cryo_cgroup_of(int procfs, pid_t pid);

/**
 * cryo_cgroup_members - the processes directly in a cgroup.
 * @ret_pids: malloc'ed; 0 for one outside of our pid namespace
 *
 * 0 or -errno (-EOPNOTSUPP for a threaded cgroup).
 */
int cryo_cgroup_members(
	const struct cryo_cgroups *cgroups, const char *path, pid_t **ret_pids, size_t *ret_count);

/* Whether it has cgroups below it; true if that cannot be known. */
bool cryo_cgroup_has_children(const struct cryo_cgroups *cgroups, const char *path);

/* Whether cgroup.freeze says 1. */
bool cryo_cgroup_is_set(const struct cryo_cgroups *cgroups, const char *path);

/* Write cgroup.freeze. 0 or -errno (-ENOENT: the root has none, or the cgroup is gone). */
int cryo_cgroup_set(const struct cryo_cgroups *cgroups, const char *path, bool frozen);

/* Make a cgroup (one that exists is fine) and set it frozen; empty, it freezes who enters. */
int cryo_cgroup_make(const struct cryo_cgroups *cgroups, const char *path);

/* Remove an empty cgroup. */
int cryo_cgroup_remove(const struct cryo_cgroups *cgroups, const char *path);

/* Move a process. 0 or -errno. */
int cryo_cgroup_move(const struct cryo_cgroups *cgroups, const char *path, pid_t pid);

/* The parent of a path; malloc'ed, or NULL. */
char *cryo_cgroup_parent(const char *path);

/* The cgroup CRYO_CGROUP_NAME below a path; malloc'ed, or NULL. */
char *cryo_cgroup_child(const char *path);
