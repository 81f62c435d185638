// SPDX-License-Identifier: MIT
/*
 * Words that mean processes: a PID, a cgroup ("/..."), or the name of processes (comm).
 */
#pragma once

#include "freeze/census.h"
#include "freeze/cgroup_name.h"

/**
 * cryo_who_fits - whether a word means a process.
 * @cgroup: made from the same word
 */
bool cryo_who_fits(int procfs, const char *word, const struct cryo_cgroup_name *cgroup,
	const struct cryo_row *row);

/**
 * cryo_who_count - how many processes a word means now, ourselves left out.
 *
 * 0, -ENXIO for a cgroup that does not exist, or -errno.
 */
int cryo_who_count(const char *word, size_t *ret_count);
