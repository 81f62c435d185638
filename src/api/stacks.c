// SPDX-License-Identifier: MIT
/*
 * The public functions about stacks: what the unwinder found, with names, and escaped.
 *
 * One allocation for each string that frames share (module, build-id) and one for each symbol would
 * be many thousands; all strings of a result live in one chain of blocks instead.
 */
#include <cryocore/stacks.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/options.h"
#include "api/stacks_capture.h"
#include "api/stacks_item.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/escape.h"
#include "stacks/core_target.h"
#include "stacks/symbols_cache.h"

enum {
	/* For the item of evidence: less than the silence for which its maker is killed. */
	ITEM_MS = 4000,
};

/* The result with what it owns: the public part is first. */
struct owned {
	struct cryocore_stacks public;
	struct cryocore_stack *stacks;
	char **strings;
	size_t n_strings;
};

/* What is told of each module, made once. */
struct label {
	const char *module, *build_id;
};

struct maker {
	struct cryo_stacks *found;
	struct label *labels;
	struct owned *owned;
};

void cryocore_stacks_options_init(struct cryocore_stacks_options *options)
{
	*options = (struct cryocore_stacks_options){
		.size = sizeof(*options), .max_frames = 512, .timeout_ms = 30000};
}

static int keep(struct owned *owned, struct cryo_buffer *text, const char **ret_string)
{
	char **slot;

	if (!text->data)
		return -ENOMEM;
	slot = cryo_array_add(owned->strings, owned->n_strings);
	if (!slot)
		return -ENOMEM;
	*slot = (char *)steal_ptr(text->data);
	*ret_string = *slot;
	return 0;
}

static int keep_escaped(struct owned *owned, const char *raw, const char **ret_string)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_buffer_reserve(&text, 1);

	if (r < 0)
		return r;
	text.data[0] = '\0';
	r = cryo_escape(&text, raw, strlen(raw));
	return r < 0 ? r : keep(owned, &text, ret_string);
}

static int keep_hex(struct owned *owned, const struct cryo_build_id *id, const char **ret_string)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};

	for (size_t i = 0; i < id->size; i++)
		if (cryo_buffer_printf(&text, "%02x", id->data[i]) < 0)
			return -ENOMEM;
	return keep(owned, &text, ret_string);
}

static int make_labels(struct maker *maker)
{
	const struct cryo_modules *modules = &maker->found->modules;
	int r = 0;

	maker->labels = calloc(modules->n_modules + 1, sizeof(*maker->labels));
	if (!maker->labels)
		return -ENOMEM;
	for (size_t i = 0; i < modules->n_modules && r == 0; i++) {
		const struct cryo_module *module = &modules->modules[i];

		r = keep_escaped(maker->owned, module->name ? module->name : "[vdso]",
			&maker->labels[i].module);
		if (r == 0 && module->build_id.size)
			r = keep_hex(maker->owned, &module->build_id, &maker->labels[i].build_id);
	}
	return r;
}

static int name_symbol(struct maker *maker, struct cryo_module *module,
	const struct cryo_frame *raw, struct cryocore_frame *frame)
{
	const char *name;
	uint64_t offset;
	int r = cryo_symbol_find(
		&maker->found->modules, module, raw->pc - raw->call, &name, &offset);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	frame->symbol_offset = offset + raw->call;
	return keep_escaped(maker->owned, name, &frame->symbol);
}

static int make_frame(
	struct maker *maker, const struct cryo_frame *raw, struct cryocore_frame *frame)
{
	struct cryo_modules *modules = &maker->found->modules;
	struct cryo_module *module = cryo_modules_at(modules, raw->pc - raw->call);

	*frame = (struct cryocore_frame){
		.pc = raw->pc, .sp = raw->sp, .signal = raw->signal, .heuristic = raw->heuristic};
	if (!module)
		return 0;
	frame->module = maker->labels[module - modules->modules].module;
	frame->build_id = maker->labels[module - modules->modules].build_id;
	frame->offset = raw->pc - module->bias;
	return name_symbol(maker, module, raw, frame);
}

static int make_stack(
	struct maker *maker, const struct cryo_stack *raw, pid_t tid, struct cryocore_stack *stack)
{
	struct cryocore_frame *frames = calloc(raw->n_frames + 1, sizeof(*frames));
	int r = frames ? 0 : -ENOMEM;

	*stack = (struct cryocore_stack){
		.tid = tid, .end = (enum cryocore_stack_end)raw->end, .frames = frames};
	for (size_t i = 0; i < raw->n_frames && r == 0; i++)
		r = make_frame(maker, &raw->frames[i], &frames[i]);
	stack->n_frames = r == 0 ? raw->n_frames : 0;
	return r;
}

static int make_all(struct maker *maker, const struct cryo_stacks_target *target)
{
	struct owned *owned = maker->owned;
	int r = make_labels(maker);

	owned->stacks = calloc(maker->found->n_stacks + 1, sizeof(*owned->stacks));
	owned->public.stacks = owned->stacks;
	owned->public.architecture = target->arch->name;
	if (!owned->stacks)
		return -ENOMEM;
	for (size_t i = 0; i < maker->found->n_stacks && r == 0; i++) {
		owned->public.n_stacks++;
		r = make_stack(
			maker, &maker->found->stacks[i], target->threads[i].tid, &owned->stacks[i]);
	}
	return r;
}

static int publish(struct cryo_stacks *found, const struct cryo_stacks_target *target,
	struct cryocore_stacks **ret_stacks)
{
	struct maker maker = {.found = found, .owned = calloc(1, sizeof(struct owned))};
	int r = maker.owned ? make_all(&maker, target) : -ENOMEM;

	free(maker.labels);
	if (r < 0 && maker.owned)
		cryocore_stacks_free(&maker.owned->public);
	else if (r == 0)
		*ret_stacks = &maker.owned->public;
	return r;
}

static int read_options(
	const struct cryocore_stacks_options *options, struct cryo_stacks_limits *ret_limits)
{
	struct cryocore_stacks_options complete;

	cryocore_stacks_options_init(&complete);
	if (!cryo_options_read(options, &complete, sizeof(complete)))
		return -EINVAL;
	if (complete.max_frames == 0 || complete.timeout_ms > INT64_MAX / CRYO_NSEC_PER_MSEC)
		return -EINVAL;
	*ret_limits = (struct cryo_stacks_limits){
		complete.max_frames, complete.timeout_ms * CRYO_NSEC_PER_MSEC};
	return 0;
}

static int unwind(struct cryo_core_target *target, const struct cryo_stacks_limits *limits,
	struct cryocore_stacks **ret_stacks)
{
	_cleanup_(cryo_stacks_clear) struct cryo_stacks found = {0};
	int r = cryo_stacks_make(&target->target, limits, &found);

	if (r == 0)
		r = publish(&found, &target->target, ret_stacks);
	if (r == 0)
		(*ret_stacks)->damaged = target->core.damage != 0 || target->process.damage != 0;
	return r;
}

int cryo_stacks_item(const struct cryo_stacks_source *source, struct cryo_buffer *text)
{
	static const struct cryo_stacks_limits limits = {512, ITEM_MS * CRYO_NSEC_PER_MSEC};
	_cleanup_core_target_ struct cryo_core_target target = {.core = CRYO_CORE_NONE};
	struct cryocore_stacks *stacks = NULL;
	_cleanup_free_ char *lines = NULL;
	int r = cryo_core_target_open_fd(source->core, source->path, source->task, &target);

	if (!*source->memory)
		*source->memory = cryo_symbols_cache_new();
	target.target.cache = *source->memory;
	if (r == 0)
		r = unwind(&target, &limits, &stacks);
	if (r == 0)
		r = cryocore_stacks_text(stacks, &lines);
	cryocore_stacks_free(stacks);
	return r < 0 ? r : cryo_buffer_add(text, lines, strlen(lines));
}

int cryocore_stacks_core(const char *path, const struct cryocore_stacks_options *options,
	struct cryocore_stacks **ret_stacks)
{
	_cleanup_core_target_ struct cryo_core_target target = {.core = CRYO_CORE_NONE};
	struct cryo_stacks_limits limits;
	int r = read_options(options, &limits);

	if (r == 0)
		r = cryo_core_target_open(path, &target);
	return r < 0 ? r : unwind(&target, &limits, ret_stacks);
}

int cryocore_stacks_pid(pid_t pid, const struct cryocore_stacks_options *options,
	struct cryocore_stacks **ret_stacks, char **ret_why)
{
	_cleanup_core_target_ struct cryo_core_target target = {.core = CRYO_CORE_NONE};
	_cleanup_close_ int task = -1, core = -1;
	struct cryo_stacks_limits limits;
	int r = read_options(options, &limits);

	if (ret_why)
		*ret_why = NULL;
	if (r == 0)
		r = cryo_stacks_capture(pid, limits.max_ns, &task, &core, ret_why);
	if (r == 0)
		r = cryo_core_target_open_fd(core, NULL, task, &target);
	return r < 0 ? r : unwind(&target, &limits, ret_stacks);
}

void cryocore_stacks_free(struct cryocore_stacks *stacks)
{
	struct owned *owned = (struct owned *)stacks;

	if (!owned)
		return;
	for (size_t i = 0; i < owned->public.n_stacks; i++)
		free((void *)owned->stacks[i].frames);
	for (size_t i = 0; i < owned->n_strings; i++)
		free(owned->strings[i]);
	free(owned->stacks);
	free(owned->strings);
	free(owned);
}
