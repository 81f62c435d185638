// SPDX-License-Identifier: MIT
/*
 * The mappings of a process and its arguments: what cannot be had without the lock of its address
 * space (mmap_lock), which a hostile or broken process can keep for ever.
 */
#pragma once

#include "capture/inspect.h"

/**
 * cryo_mappings_inspect - fill in what is mapped, and psargs.
 * @inspector: what is known not to be had, from somebody who was given up here, is not asked for
 * @arg_start, @arg_end: where the arguments are
 *
 * Without the lock the list is what /proc/PID/maps gives, as far as it gives it; what is in memory
 * and what the files are is then unknown, and taken to be what makes the core say more. Returns 0,
 * -errno, or -EBADMSG.
 */
int cryo_mappings_inspect(struct cryo_inspector *inspector, uint64_t arg_start, uint64_t arg_end,
	struct cryo_process *process);
