// SPDX-License-Identifier: MIT
/*
 * Where in a process a system call can be run (struct cryo_site), found from outside.
 */
#pragma once

#include "capture/inspect.h"
#include "trace/inject.h"

/* 0, or -ENOEXEC if its program and libraries have no fitting code. */
int cryo_site_find(const struct cryo_inspector *inspector, const struct cryo_process *process,
	struct cryo_site *ret_site);
