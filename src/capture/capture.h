// SPDX-License-Identifier: MIT
/*
 * One capture from outside: the supervisor, who owns deadlines and words, and its two children.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/policy.h"

/**
 * cryo_capture - see cryocore_capture().
 * @options: complete
 * @policy: what --content became
 * @procfs: where /proc is read; borrowed; -1: a private one is made for this capture alone,
 *	and a tracer of the process may be held, which in a collection is captured itself
 * @ret_result: allocated in any case but -ENOMEM
 */
int cryo_capture(pid_t pid, const struct cryocore_options *options,
	const struct cryo_policy *policy, int procfs, struct cryocore_result **ret_result);
