// SPDX-License-Identifier: MIT
/*
 * A core file as a target for stacks.
 */
#pragma once

#include "elf/core_process.h"
#include "stacks/stacks.h"

/**
 * struct cryo_core_target - an open core; owned.
 * @target: ready for cryo_stacks_make(); points into this, which must not move
 *
 * Files of modules are taken from beside the core (CORE.exe for the program, or exe, and
 * root/PATH), or from the process that lives on; then by their path; and only if they are proved to
 * be the right ones.
 */
struct cryo_core_target {
	struct cryo_stacks_target target;
	struct cryo_core core;
	struct cryo_core_process process;
	struct cryo_view view;
	struct cryo_file_finder finder;
	char *path;     /* of the core; NULL if it has none */
	int task;       /* directory of the process in /proc, if it lives; not owned; or -1 */
	uint64_t entry; /* AT_ENTRY: tells which module is the program */
	struct cryo_stacks_thread *threads;
};

/**
 * cryo_core_target_open - open a core by path.
 *
 * Returns 0; what cryo_core_open() returns; -ENOEXEC (no row for its architecture); -ENODATA (it
 * has no thread); -ENOMEM. Damage of the core is no error: see ret_target->core.damage.
 */
int cryo_core_target_open(const char *path, struct cryo_core_target *ret_target);

/**
 * cryo_core_target_open_fd - an open core.
 * @fd: of the core; stays the caller's
 * @path: of the core, for what lies beside it; NULL if it has none
 * @task: directory of the process in /proc, for the files that it has mapped; stays the caller's,
 *	who keeps it open; -1 if it is gone
 *
 * Returns what cryo_core_target_open() returns.
 */
int cryo_core_target_open_fd(
	int fd, const char *path, int task, struct cryo_core_target *ret_target);

void cryo_core_target_close(struct cryo_core_target *target);

#define _cleanup_core_target_ _cleanup_(cryo_core_target_close)
