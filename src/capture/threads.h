// SPDX-License-Identifier: MIT
/*
 * The threads of a stopped process, as its core shows them.
 */
#pragma once

#include "capture/inspect.h"
#include "proc/stat.h"
#include "proc/status.h"

/* What /proc tells of a process and its leader. */
struct cryo_leader {
	struct cryo_stat stat;
	struct cryo_status status;
};

/**
 * cryo_threads_inspect - fill in @process->threads, the leader first, and @process->arch.
 * @records, @records_size: as for cryo_inspect()
 *
 * Returns 0 or -errno; -ESRCH if no thread is left.
 */
int cryo_threads_inspect(const struct cryo_inspector *inspector, const void *records,
	size_t records_size, const struct cryo_leader *leader, struct cryo_process *process);
