// SPDX-License-Identifier: MIT
/*
 * Memory for the unwinder is three layers: what the target's state has (the core), what the files
 * of its modules have (the text and the unwind entries, which a core leaves out), and the tables
 * that were made here. Modules themselves are found in the first layer alone, since only that
 * proves which file is the right one.
 */
#include "stacks/stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "stacks/eh_table.h"

static int unwind_all(const struct cryo_stacks_target *target, const struct cryo_unwinder *unwinder,
	struct cryo_stacks *stacks)
{
	const struct cryo_unwind_engine_row *row =
		cryo_unwind_find(target->arch->machine, target->arch->elf_class);
	struct cryo_unwind_engine *engine;
	int r = row ? row->open(unwinder, &engine) : -ENOTSUP;

	if (r < 0)
		return r;
	for (size_t i = 0; i < target->n_threads && r == 0; i++) {
		const struct cryo_stacks_thread *thread = &target->threads[i];

		r = row->thread(engine, thread->tid, thread->registers, &stacks->stacks[i]);
		stacks->n_stacks += r == 0;
	}
	row->close(engine);
	return r;
}

static int unwind_layered(const struct cryo_stacks_target *target,
	const struct cryo_stacks_limits *limits, struct cryo_stacks *stacks)
{
	struct cryo_view_modules files = cryo_view_modules(&stacks->modules);
	struct cryo_view_tables tables = cryo_view_tables(&stacks->modules);
	_cleanup_(cryo_view_stack_clear) struct cryo_view_stack memory = {0};
	struct cryo_unwinder unwinder = {
		.arch = target->arch,
		.modules = &stacks->modules,
		.view = &memory.view,
		.max_frames = limits->max_frames,
		.deadline = cryo_now() + limits->max_ns,
	};
	int r = cryo_view_stack_init(&memory);

	if (r == 0)
		r = cryo_view_stack_add(&memory, target->memory);
	if (r == 0)
		r = cryo_view_stack_add(&memory, &files.view);
	if (r == 0)
		r = cryo_view_stack_add(&memory, &tables.view);
	return r < 0 ? r : unwind_all(target, &unwinder, stacks);
}

int cryo_stacks_make(const struct cryo_stacks_target *target,
	const struct cryo_stacks_limits *limits, struct cryo_stacks *ret_stacks)
{
	_cleanup_(cryo_stacks_clear) struct cryo_stacks stacks = {0};
	int r = cryo_modules_find(target->mappings, target->n_mappings, target->memory,
		target->finder, &stacks.modules);

	if (r < 0)
		return r;
	stacks.stacks = calloc(target->n_threads + 1, sizeof(*stacks.stacks));
	r = stacks.stacks ? unwind_layered(target, limits, &stacks) : -ENOMEM;
	if (r < 0)
		return r;
	*ret_stacks = stacks;
	stacks = (struct cryo_stacks){0};
	return 0;
}

void cryo_stacks_clear(struct cryo_stacks *stacks)
{
	for (size_t i = 0; i < stacks->n_stacks; i++)
		free(stacks->stacks[i].frames);
	free(stacks->stacks);
	cryo_modules_clear(&stacks->modules);
	*stacks = (struct cryo_stacks){0};
}

const char *cryo_stack_end_text(enum cryo_stack_end end)
{
	static const char *const texts[] = {
		[CRYO_STACK_ROOT] = "root",
		[CRYO_STACK_LIMIT] = "limit",
		[CRYO_STACK_NO_INFO] = "no unwind info",
		[CRYO_STACK_BAD_MEMORY] = "bad memory",
	};

	return texts[end];
}
