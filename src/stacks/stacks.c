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

/* An engine and its state, which is made when it is first needed. */
struct engine {
	const struct cryo_unwind_engine_row *row;
	struct cryo_unwind_engine *state;
};

static int unwind_by(struct engine *engine, const struct cryo_unwinder *unwinder,
	const struct cryo_stacks_thread *thread, struct cryo_stack *ret_stack)
{
	int r = engine->state ? 0 : engine->row->open(unwinder, &engine->state);

	return r < 0 ? r
		     : engine->row->thread(
			       engine->state, thread->tid, thread->registers, ret_stack);
}

static size_t count_guesses(const struct cryo_stack *stack)
{
	size_t count = 0;

	for (size_t i = 0; i < stack->n_frames; i++)
		count += stack->frames[i].heuristic;
	return count;
}

/* A stack with a root is better than one without, then one with fewer guesses. */
static bool is_better(const struct cryo_stack *stack, const struct cryo_stack *than)
{
	bool root = stack->end == CRYO_STACK_ROOT, than_root = than->end == CRYO_STACK_ROOT;

	if (root != than_root)
		return root;
	if (count_guesses(stack) != count_guesses(than))
		return count_guesses(stack) < count_guesses(than);
	return stack->n_frames > than->n_frames;
}

static bool is_doubtful(const struct cryo_stack *stack)
{
	return stack->end == CRYO_STACK_NO_INFO || count_guesses(stack) > 0;
}

/* Where the first engine had to guess or to give up, the second is asked too. */
static int unwind_one(struct engine engines[static 2], const struct cryo_unwinder *unwinder,
	const struct cryo_stacks_thread *thread, struct cryo_stack *ret_stack)
{
	struct cryo_stack first, second = {0};
	int r = unwind_by(&engines[0], unwinder, thread, &first);

	if (r < 0)
		return r;
	if (engines[1].row && is_doubtful(&first))
		r = unwind_by(&engines[1], unwinder, thread, &second);
	if (r == -ELIBACC) /* there is no second opinion */
		r = 0;
	if (r == 0 && second.n_frames && is_better(&second, &first)) {
		free(first.frames);
		first = second;
	} else {
		free(second.frames);
	}
	*ret_stack = first;
	return 0;
}

static int unwind_all(const struct cryo_stacks_target *target, const struct cryo_unwinder *unwinder,
	struct cryo_stacks *stacks)
{
	struct engine engines[2] = {0};
	int r = 0;

	for (unsigned int i = 0; i < 2; i++)
		engines[i].row =
			cryo_unwind_find(target->arch->machine, target->arch->elf_class, i);
	if (!engines[0].row)
		return -ENOTSUP;
	for (size_t i = 0; i < target->n_threads && r == 0; i++) {
		r = unwind_one(engines, unwinder, &target->threads[i], &stacks->stacks[i]);
		stacks->n_stacks += r == 0;
	}
	for (size_t i = 0; i < 2; i++)
		if (engines[i].state)
			engines[i].row->close(engines[i].state);
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
	stacks.modules.cache = target->cache;
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
