// SPDX-License-Identifier: MIT
/*
 * One capture from outside: the supervisor, who owns deadlines and words, and its two children.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/policy.h"
#include "capture/session.h"

/**
 * cryo_capture - see cryocore_capture().
 * @options: complete
 * @policy: what --content became
 * @session: what it has in common with captures before and after; NULL: nothing. One whose procfs
 *	is borrowed is of a collection: no tracer is held there, since it is captured itself
 * @ret_result: allocated in any case but -ENOMEM
 */
int cryo_capture(pid_t pid, const struct cryocore_options *options,
	const struct cryo_policy *policy, struct cryo_session *session,
	struct cryocore_result **ret_result);
