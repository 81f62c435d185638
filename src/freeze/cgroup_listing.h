// SPDX-License-Identifier: MIT
/*
 * Processes as the control groups list them: kernel/cgroup keeps lists of its own, so this view has
 * nothing in common with procfs or with the table of pids.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * cryo_cgroup_list - every process in the hierarchy of version 2.
 * @procfs: tells whether it is mounted; if not it is left alone
 * @ret_pids: malloc'ed, in no order; processes of other pid namespaces are left out
 *
 * Zombies are in no cgroup. Returns 0; -EOPNOTSUPP if there is no such hierarchy; or -errno.
 */
int cryo_cgroup_list(int procfs, pid_t **ret_pids, size_t *ret_count);

/* Whether a process must be in that list: it is no zombie, and not outside of our root of it. */
bool cryo_cgroup_must_list(int procfs, pid_t pid);
