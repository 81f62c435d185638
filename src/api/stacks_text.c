// SPDX-License-Identifier: MIT
/*
 * Stacks for people and for programs. Names were escaped when they came in.
 */
#include <cryocore/stacks.h>
#include <inttypes.h>

#include "api/json_field.h"
#include "base/buffer.h"
#include "stacks/stacks.h"

static int print_frame(struct cryo_buffer *text, size_t number, const struct cryocore_frame *frame)
{
	int r = cryo_buffer_printf(text, "#%-3zu 0x%016" PRIx64, number, frame->pc);

	if (r == 0 && frame->symbol)
		r = cryo_buffer_printf(text, " %s+0x%" PRIx64, frame->symbol, frame->symbol_offset);
	if (r == 0 && frame->module)
		r = cryo_buffer_printf(text, " %s+0x%" PRIx64, frame->module, frame->offset);
	if (r == 0 && frame->build_id)
		r = cryo_buffer_printf(text, " [%s]", frame->build_id);
	if (r == 0)
		r = cryo_buffer_printf(text, "%s%s\n", frame->signal ? " <signal>" : "",
			frame->heuristic ? " <heuristic>" : "");
	return r;
}

static int print_stack(struct cryo_buffer *text, const struct cryocore_stack *stack)
{
	int r = cryo_buffer_printf(text, "thread %d: %zu frames, ended at: %s\n", stack->tid,
		stack->n_frames, cryo_stack_end_text((enum cryo_stack_end)stack->end));

	for (size_t i = 0; i < stack->n_frames && r == 0; i++)
		r = print_frame(text, i, &stack->frames[i]);
	return r;
}

int cryocore_stacks_text(const struct cryocore_stacks *stacks, char **ret_text)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_buffer_printf(&text, "%s, %zu threads%s\n", stacks->architecture,
		stacks->n_stacks, stacks->damaged ? ", from a damaged core" : "");

	for (size_t i = 0; i < stacks->n_stacks && r == 0; i++)
		r = print_stack(&text, &stacks->stacks[i]);
	if (r == 0)
		*ret_text = (char *)steal_ptr(text.data);
	return r;
}

static struct json_object *make_frame(const void *source, size_t i)
{
	const struct cryocore_frame *frame = &((const struct cryocore_stack *)source)->frames[i];
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("pc", frame->pc),
		CRYO_NUMBER("sp", frame->sp),
		CRYO_TEXT("module", frame->module),
		CRYO_TEXT("build_id", frame->build_id),
		CRYO_TEXT("symbol", frame->symbol),
		CRYO_FLAG("signal", frame->signal),
		CRYO_FLAG("heuristic", frame->heuristic),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object && frame->module)
		json_object_object_add(object, "offset", json_object_new_uint64(frame->offset));
	if (object && frame->symbol)
		json_object_object_add(
			object, "symbol_offset", json_object_new_uint64(frame->symbol_offset));
	return object;
}

static struct json_object *make_stack(const void *source, size_t i)
{
	const struct cryocore_stack *stack = &((const struct cryocore_stacks *)source)->stacks[i];
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("tid", stack->tid),
		CRYO_TEXT("end", cryo_stack_end_text((enum cryo_stack_end)stack->end)),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object)
		json_object_object_add(
			object, "frames", cryo_json_array(stack, stack->n_frames, make_frame));
	return object;
}

int cryocore_stacks_json(const struct cryocore_stacks *stacks, char **ret_json)
{
	struct cryo_json_field fields[] = {
		CRYO_TEXT("architecture", stacks->architecture),
		CRYO_FLAG("damaged", stacks->damaged),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object)
		json_object_object_add(
			object, "threads", cryo_json_array(stacks, stacks->n_stacks, make_stack));
	return cryo_json_finish(object, ret_json);
}
