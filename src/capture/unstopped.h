// SPDX-License-Identifier: MIT
/*
 * The threads that we do not hold: in an uninterruptible sleep, traced by somebody else, frozen by
 * a version 1 cgroup, or not to be stopped at the user's wish.
 */
#pragma once

#include "capture/inspect.h"

/**
 * cryo_unstopped_add - add the living threads that a process does not have yet.
 * @process: threads with the best registers that can be had; its arch is chosen by the executable
 *	or the auxiliary vector where no stopped thread has told it
 *
 * Each has one regset, the general one; what is not known in it is 0, and @source says what is.
 * Returns 0, -ENOEXEC (no row for it), -ENOMEM, or -errno.
 */
int cryo_unstopped_add(const struct cryo_inspector *inspector, struct cryo_process *process);

/* The names of the general registers that are not known, with commas between: "" if all are known,
 * "all" if none is, "all but rip,rsp". 0 or -ENOMEM. */
int cryo_unstopped_name_unknown(
	const struct cryo_arch *arch, uint64_t unknown, struct cryo_buffer *text);
