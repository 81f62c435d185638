// SPDX-License-Identifier: MIT
/*
 * The bounds that hold whatever the engine does: so many frames, so much time, and no frame twice.
 */
#include "stacks/unwind.h"

#include <errno.h>

#include "base/array.h"
#include "base/clock.h"

const struct cryo_unwind_engine_row *cryo_unwind_find(
	uint16_t machine, uint8_t elf_class, unsigned int rank)
{
	static const struct cryo_unwind_engine_row *const rows[] = {
		&cryo_unwind_libunwind, &cryo_unwind_libdw32, &cryo_unwind_libdw64};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i]->machine == machine && rows[i]->elf_class == elf_class && rank-- == 0)
			return rows[i];
	return NULL;
}

static bool repeats(const struct cryo_stack *stack, const struct cryo_frame *frame)
{
	const struct cryo_frame *last;

	if (stack->n_frames == 0)
		return false;
	last = &stack->frames[stack->n_frames - 1];
	return last->pc == frame->pc && last->sp == frame->sp;
}

int cryo_stack_add(const struct cryo_unwinder *unwinder, const struct cryo_frame *frame,
	struct cryo_stack *stack)
{
	struct cryo_frame *added;

	stack->end = CRYO_STACK_LIMIT;
	if (repeats(stack, frame) || stack->n_frames >= unwinder->max_frames)
		return 1;
	added = cryo_array_add(stack->frames, stack->n_frames);
	if (!added)
		return -ENOMEM;
	*added = *frame;
	return cryo_now() > unwinder->deadline ? 1 : 0;
}
