// SPDX-License-Identifier: MIT
/*
 * What stacks need of a live process, as a core in memory. For stacks.c alone.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_stacks_capture - capture the stacks of a process.
 * @max_ns: the most that it may take
 * @ret_task: directory of the process in /proc, for the files that it has mapped; the caller's
 * @ret_core: descriptor of the core, which has no name; the caller's
 * @ret_why: if not NULL, why it failed; malloc'ed; NULL if that cannot be said
 *
 * Returns 0, -EIO (the capture failed), -ENOMEM, or -errno of memfd_create(2).
 */
int cryo_stacks_capture(pid_t pid, uint64_t max_ns, int *ret_task, int *ret_core, char **ret_why);
