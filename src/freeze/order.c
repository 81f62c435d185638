// SPDX-License-Identifier: MIT
/*
 * Theory: an interactive shell waits for its job with WUNTRACED. If the job stops while the shell
 * still runs, the shell takes the terminal back and the job is in the background for good; if the
 * shell stops first and continues last, it never sees a stopped child. The same holds for a tracer,
 * which sees the stop signal of its tracee before the tracee does. Pid numbers say nothing about
 * this order, since they wrap around.
 *
 * This is a depth-first walk along "who must go before me" that emits a row after everything it
 * depends on. It keeps its own stack, because a hostile chain of processes may be as deep as
 * pid_max.
 */
#include "freeze/order.h"

#include <errno.h>

enum progress {
	UNSEEN,
	TRACER_NEXT, /* on the stack; its tracer was not looked at */
	PARENT_NEXT, /* on the stack; its parent was not looked at */
	READY,
	EMITTED
};

struct walk {
	const struct cryo_census census; /* borrowed rows, for the look-up */
	unsigned char *progress;
	size_t *stack, depth;
	size_t *order, emitted;
};

/* Put the row of a pid on the stack unless it is there already, was emitted, or is none of ours. */
static void push(struct walk *walk, pid_t pid)
{
	const struct cryo_row *row = pid > 0 ? cryo_census_find(&walk->census, pid) : NULL;
	size_t index = row ? (size_t)(row - walk->census.rows) : 0;

	if (row && walk->progress[index] == UNSEEN) {
		walk->progress[index] = TRACER_NEXT;
		walk->stack[walk->depth++] = index;
	}
}

static void step(struct walk *walk)
{
	size_t index = walk->stack[walk->depth - 1];
	const struct cryo_row *row = &walk->census.rows[index];

	switch (walk->progress[index]++) {
	case TRACER_NEXT:
		push(walk, row->tracer);
		break;
	case PARENT_NEXT:
		push(walk, row->ppid);
		break;
	default:
		walk->order[walk->emitted++] = index;
		walk->depth--;
	}
}

int cryo_freeze_order(const struct cryo_row *rows, size_t count, size_t **ret_order)
{
	_cleanup_free_ unsigned char *progress = calloc(count + 1, 1);
	_cleanup_free_ size_t *stack = calloc(count + 1, sizeof(size_t));
	_cleanup_free_ size_t *order = calloc(count + 1, sizeof(size_t));
	struct walk walk = {
		.census = {(struct cryo_row *)rows, count, 0},
		.progress = progress,
		.stack = stack,
		.order = order,
	};

	if (!progress || !stack || !order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		for (push(&walk, rows[i].pid); walk.depth;)
			step(&walk);
	*ret_order = steal_ptr(order);
	return 0;
}
