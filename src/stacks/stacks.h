// SPDX-License-Identifier: MIT
/*
 * The stacks of all threads of a process.
 */
#pragma once

#include "stacks/unwind.h"

/* A thread to be unwound. @registers: its general regset, as long as the architecture's row says.
 */
struct cryo_stacks_thread {
	pid_t tid;
	const uint8_t *registers;
};

/**
 * struct cryo_stacks_target - a process, from wherever its state comes.
 * @memory: what is certainly its own
 * @mappings: sorted by start
 * @finder: of the files of modules; NULL if there are none
 * @cache: of symbols, for more than one target; must outlive what is made; NULL: none
 */
struct cryo_stacks_target {
	const struct cryo_arch *arch;
	struct cryo_view *memory;
	struct cryo_stack_mapping *mappings;
	size_t n_mappings;
	struct cryo_file_finder *finder;
	struct cryo_symbols_cache *cache;
	const struct cryo_stacks_thread *threads;
	size_t n_threads;
};

/* @max_frames of one thread; @max_ns for all of them together. */
struct cryo_stacks_limits {
	size_t max_frames;
	uint64_t max_ns;
};

/**
 * struct cryo_stacks - the result.
 * @stacks: one for each thread, in the order of the target's
 * @modules: for the names of frames; refers to the target, which must outlive this
 */
struct cryo_stacks {
	struct cryo_stack *stacks;
	size_t n_stacks;
	struct cryo_modules modules;
};

/**
 * cryo_stacks_make - unwind every thread.
 *
 * Returns 0, -ENOTSUP (no engine for the architecture), -ELIBACC (its library is not there) or
 * -ENOMEM. A thread that cannot be unwound has at least its innermost frame, and says why there are
 * no more.
 */
int cryo_stacks_make(const struct cryo_stacks_target *target,
	const struct cryo_stacks_limits *limits, struct cryo_stacks *ret_stacks);

void cryo_stacks_clear(struct cryo_stacks *stacks);

/* "root", "limit", "no unwind info", "bad memory" */
const char *cryo_stack_end_text(enum cryo_stack_end end);
