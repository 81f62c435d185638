// SPDX-License-Identifier: MIT
/*
 * libunwind with our own accessors: it interprets unwind entries, we say what memory and registers
 * are. The accessors that come with it (_UPT_, _UCD_) look modules up by path and read the wrong
 * file, or nothing, for a target that is deleted, chrooted, static, or linked by lld.
 *
 * find_proc_info() hands the table of the module to dwarf_search_unwind_table().
 *
 * What unw_step() returns does not tell why it stopped: the accessors note what went wrong since
 * the step began. Where no entry is found libunwind goes on by frame pointers and does not say so;
 * every frame from there on is a guess.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "stacks/eh_table.h"
#include "stacks/libunwind_api.h"
#include "stacks/unwind.h"

enum {
	/* Reads in one step: an entry is some hundred bytes, each a read. A hostile one that saves
	 * its state with every byte would cost memory without end. */
	STEP_READS = 1 << 18,
	READS_PER_LOOK = 1 << 12, /* at the clock */
	CACHED_ENTRIES = 1 << 10,
};

struct cryo_unwind_engine {
	const struct cryo_unwinder *unwinder;
	const struct cryo_libunwind_api *api;
	unw_addr_space_t space;
	const uint8_t *registers; /* general regset of the thread that is unwound */
	/* since the step began: */
	size_t reads;
	bool exhausted;  /* too many of them, or too late */
	bool unreadable; /* memory that was asked for is not there */
	bool missed;     /* no entry for the program counter */
	bool hidden;     /* there may be one, but it cannot be read */
};

#if defined(UNW_TARGET_X86_64)
/* Offsets in struct user_regs_struct (<sys/user.h>), by libunwind's number. */
static const uint8_t offsets[] = {
	[UNW_X86_64_RAX] = 80,
	[UNW_X86_64_RDX] = 96,
	[UNW_X86_64_RCX] = 88,
	[UNW_X86_64_RBX] = 40,
	[UNW_X86_64_RSI] = 104,
	[UNW_X86_64_RDI] = 112,
	[UNW_X86_64_RBP] = 32,
	[UNW_X86_64_RSP] = 152,
	[UNW_X86_64_R8] = 72,
	[UNW_X86_64_R9] = 64,
	[UNW_X86_64_R10] = 56,
	[UNW_X86_64_R11] = 48,
	[UNW_X86_64_R12] = 24,
	[UNW_X86_64_R13] = 16,
	[UNW_X86_64_R14] = 8,
	[UNW_X86_64_R15] = 0,
	[UNW_X86_64_RIP] = 128,
};
enum {
	MACHINE = EM_X86_64
};
#elif defined(UNW_TARGET_AARCH64)
/* x0 to x30, sp, pc: the same order in both. */
static const uint16_t offsets[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120,
	128, 136, 144, 152, 160, 168, 176, 184, 192, 200, 208, 216, 224, 232, 240, 248, 256};
enum {
	MACHINE = EM_AARCH64
};
#else
static const uint8_t offsets[] = {0};
enum {
	MACHINE = EM_NONE
};
#endif

static int access_mem(
	unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *arg)
{
	struct cryo_unwind_engine *engine = arg;
	int r;

	(void)space;
	if (write)
		return -UNW_EREADONLYREG;
	engine->reads++;
	if (engine->reads > STEP_READS ||
		(engine->reads % READS_PER_LOOK == 0 && cryo_now() > engine->unwinder->deadline))
		engine->exhausted = true;
	if (engine->exhausted)
		return -UNW_EUNSPEC;
	r = cryo_view_read(engine->unwinder->view, address, value, sizeof(*value));
	if (r < 0)
		engine->unreadable = true;
	return r < 0 ? -UNW_EINVAL : 0;
}

static int access_reg(
	unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *arg)
{
	struct cryo_unwind_engine *engine = arg;

	(void)space;
	if (write)
		return -UNW_EREADONLYREG;
	if (number < 0 || (size_t)number >= ARRAY_SIZE(offsets))
		return -UNW_EBADREG;
	memcpy(value, engine->registers + offsets[number], sizeof(*value));
	return 0;
}

static int access_fpreg(
	unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write, void *arg)
{
	(void)space, (void)number, (void)value, (void)write, (void)arg;
	return -UNW_EBADREG;
}

static int no_dynamic_info(unw_addr_space_t space, unw_word_t *ret_list, void *arg)
{
	(void)space, (void)ret_list, (void)arg;
	return -UNW_ENOINFO;
}

static int no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
	(void)space, (void)cursor, (void)arg;
	return -UNW_EINVAL;
}

/* libunwind frees what dwarf_search_unwind_table() gave (UNW_INFO_FORMAT_TABLE) itself. */
static void nothing_to_put(unw_addr_space_t space, unw_proc_info_t *info, void *arg)
{
	(void)space, (void)info, (void)arg;
}

static int search(struct cryo_unwind_engine *engine, const struct cryo_module *module,
	const struct cryo_eh_table *table, unw_word_t ip, unw_proc_info_t *info, int need_info)
{
	unw_dyn_info_t found = {
		.start_ip = module->start,
		.end_ip = module->end,
		.format = UNW_INFO_FORMAT_REMOTE_TABLE,
		.u.rti =
			{
				.segbase = table->base,
				.table_data = table->address,
				.table_len = table->count * sizeof(struct cryo_eh_pair) /
					     sizeof(unw_word_t),
			},
	};

	return engine->api->unw_search_unwind_table(
		engine->space, ip, &found, info, need_info, engine);
}

static int find_proc_info(
	unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info, int need_info, void *arg)
{
	struct cryo_unwind_engine *engine = arg;
	const struct cryo_modules *modules = engine->unwinder->modules;
	struct cryo_module *module = cryo_modules_at(modules, ip);
	const struct cryo_eh_table *table;
	int r;

	(void)space;
	r = module ? cryo_eh_table_get(modules, module, engine->unwinder->view, &table) : -ENOENT;
	engine->hidden = r == -EFAULT;
	if (r == 0) {
		memset(info, 0, sizeof(*info));
		r = search(engine, module, table, ip, info, need_info);
		engine->hidden = engine->unreadable;
	}
	engine->missed = r < 0;
	return r < 0 ? -UNW_ENOINFO : 0;
}

static unw_accessors_t accessors = {
	.find_proc_info = find_proc_info,
	.put_unwind_info = nothing_to_put,
	.get_dyn_info_list_addr = no_dynamic_info,
	.access_mem = access_mem,
	.access_reg = access_reg,
	.access_fpreg = access_fpreg,
	.resume = no_resume,
};

static void close_engine(struct cryo_unwind_engine *engine)
{
	if (engine->space)
		engine->api->unw_destroy_addr_space(engine->space);
	free(engine);
}

static int open_engine(const struct cryo_unwinder *unwinder, struct cryo_unwind_engine **ret_engine)
{
	struct cryo_unwind_engine *engine = calloc(1, sizeof(*engine));
	int r;

	if (!engine)
		return -ENOMEM;
	engine->unwinder = unwinder;
	r = cryo_libunwind_api_get(&engine->api);
	if (r == 0)
		engine->space = engine->api->unw_create_addr_space(&accessors, 0);
	if (!engine->space) {
		close_engine(engine);
		return r < 0 ? r : -ENOMEM;
	}
	engine->api->unw_set_caching_policy(engine->space, UNW_CACHE_GLOBAL);
	engine->api->unw_set_cache_size(engine->space, CACHED_ENTRIES, 0);
	*ret_engine = engine;
	return 0;
}

static void begin_step(struct cryo_unwind_engine *engine)
{
	engine->reads = 0;
	engine->exhausted = engine->unreadable = engine->missed = engine->hidden = false;
}

static enum cryo_stack_end why(const struct cryo_unwind_engine *engine, int step)
{
	if (engine->exhausted)
		return CRYO_STACK_LIMIT;
	if (step == 0 && !engine->missed)
		return CRYO_STACK_ROOT;
	if (engine->missed)
		return engine->hidden ? CRYO_STACK_BAD_MEMORY : CRYO_STACK_NO_INFO;
	return engine->unreadable ? CRYO_STACK_BAD_MEMORY : CRYO_STACK_NO_INFO;
}

static struct cryo_frame describe(const struct cryo_unwind_engine *engine, unw_cursor_t *cursor)
{
	unw_word_t pc = 0, sp = 0;

	engine->api->unw_get_reg(cursor, UNW_REG_IP, &pc);
	engine->api->unw_get_reg(cursor, UNW_REG_SP, &sp);
	return (struct cryo_frame){.pc = pc, .sp = sp};
}

/*
 * The frame that a step led to. unw_is_signal_frame() is true then if the step restored what a
 * signal had interrupted: so it tells about the frame before.
 */
static struct cryo_frame describe_caller(
	const struct cryo_unwind_engine *engine, unw_cursor_t *cursor, struct cryo_frame *callee)
{
	struct cryo_frame frame = describe(engine, cursor);

	callee->signal = engine->api->unw_is_signal_frame(cursor) > 0;
	callee->call &= !callee->signal;
	frame.call = !callee->signal;
	frame.heuristic = callee->heuristic || (engine->missed && !callee->signal);
	return frame;
}

static int unwind(struct cryo_unwind_engine *engine, unw_cursor_t *cursor, struct cryo_stack *stack)
{
	struct cryo_frame frame = describe(engine, cursor);
	int r;

	for (;;) {
		r = cryo_stack_add(engine->unwinder, &frame, stack);
		if (r != 0)
			return r < 0 ? r : 0;
		begin_step(engine);
		r = engine->api->unw_step(cursor);
		if (r <= 0)
			break;
		frame = describe_caller(engine, cursor, &stack->frames[stack->n_frames - 1]);
	}
	stack->end = why(engine, r);
	return 0;
}

static int unwind_thread(struct cryo_unwind_engine *engine, pid_t tid, const void *registers,
	struct cryo_stack *ret_stack)
{
	struct cryo_stack stack = {0};
	unw_cursor_t cursor;
	int r = 0;

	(void)tid;
	engine->registers = registers;
	begin_step(engine);
	if (engine->api->unw_init_remote(&cursor, engine->space, engine) == 0)
		r = unwind(engine, &cursor, &stack);
	else
		stack.end = CRYO_STACK_NO_INFO;
	if (r < 0)
		free(stack.frames);
	else
		*ret_stack = stack;
	return r;
}

const struct cryo_unwind_engine_row cryo_unwind_libunwind = {
	.machine = MACHINE,
	.elf_class = ELFCLASS64,
	.open = open_engine,
	.thread = unwind_thread,
	.close = close_engine,
};
