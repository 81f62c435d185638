// SPDX-License-Identifier: MIT
/*
 * How much memory a process may still come to have before somebody is killed for want of it.
 */
#pragma once

#include <stdint.h>

/**
 * cryo_room_of_process - bytes that the memory cgroups of a process, and the machine, have left.
 * @procfs: of our own
 * @process_dir: /proc/PID
 *
 * What is held of files, and can be given back, is counted as left. A limit that cannot be read is
 * none: UINT64_MAX if there is no other.
 */
uint64_t cryo_room_of_process(int procfs, int process_dir);

/* The same of one cgroup, version 1 or 2, by its directory. */
uint64_t cryo_room_of_cgroup(int dir);
