// SPDX-License-Identifier: MIT
/*
 * Stacks for people and for programs. Names were escaped when they came in.
 */
#include <cryocore/stacks.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

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

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

static void add_text(struct json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, value ? json_object_new_string(value) : NULL);
}

static void add_flag(struct json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

static struct json_object *make_frame(const struct cryocore_frame *frame)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	add_number(object, "pc", frame->pc);
	add_number(object, "sp", frame->sp);
	add_text(object, "module", frame->module);
	if (frame->module)
		add_number(object, "offset", frame->offset);
	add_text(object, "build_id", frame->build_id);
	add_text(object, "symbol", frame->symbol);
	if (frame->symbol)
		add_number(object, "symbol_offset", frame->symbol_offset);
	add_flag(object, "signal", frame->signal);
	add_flag(object, "heuristic", frame->heuristic);
	return object;
}

static struct json_object *make_stack(const struct cryocore_stack *stack)
{
	struct json_object *object = json_object_new_object();
	struct json_object *frames = json_object_new_array();

	for (size_t i = 0; frames && i < stack->n_frames; i++)
		json_object_array_add(frames, make_frame(&stack->frames[i]));
	if (!object)
		return NULL;
	json_object_object_add(object, "tid", json_object_new_int(stack->tid));
	add_text(object, "end", cryo_stack_end_text((enum cryo_stack_end)stack->end));
	json_object_object_add(object, "frames", frames);
	return object;
}

int cryocore_stacks_json(const struct cryocore_stacks *stacks, char **ret_json)
{
	struct json_object *object = json_object_new_object();
	struct json_object *threads = json_object_new_array();
	const char *text;

	for (size_t i = 0; threads && i < stacks->n_stacks; i++)
		json_object_array_add(threads, make_stack(&stacks->stacks[i]));
	if (!object)
		return -ENOMEM;
	add_text(object, "architecture", stacks->architecture);
	add_flag(object, "damaged", stacks->damaged);
	json_object_object_add(object, "threads", threads);
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	*ret_json = text ? strdup(text) : NULL;
	json_object_put(object);
	return *ret_json ? 0 : -ENOMEM;
}
