// SPDX-License-Identifier: MIT
/*
 * The program, as C:
 *
 *	sweep(ctx)   { at = {ctx->first, table()}; bpf_loop(ctx->steps, wide, &at, 0); }
 *	table()      { pid = current->thread_pid; return &pid->numbers[pid->level].ns->idr.root; }
 *	wide(i, at)  { at = {at->first + i * 4096, at->table};
 *		       if (has_node(&at, 6)) bpf_loop(64, narrow, &at, 0); }
 *	narrow(i, at) { at = {at->first + i * 64, at->table};
 *		       if (has_node(&at, 0)) bpf_loop(64, ask, &at, 0); }
 *	ask(i, at)   { task = bpf_task_from_vpid(at->first + i); if (task) { bpf_task_release(task);
 *		       seen[(at->first + i) & (LIMIT - 1)] = 1; } }
 *
 * The numbers of a namespace stand in a tree whose nodes have 64 slots (lib/xarray.c,
 * include/linux/xarray.h). A slot that is not empty leads to a node below, if its two lowest bits
 * are 2; the lowest nodes have a shift of 0, those above them of 6. So 64 numbers have one node,
 * and where that is missing none of them is anybody's: four million questions become a few
 * thousand. The steps down are our own and not those of a function of the kernel, which somebody
 * may have changed. Whatever is not as it should be (memory that cannot be read, another kind of
 * entry) means that the numbers are asked for. Nodes are freed behind a grace period of RCU, which
 * waits for our unlocking.
 *
 * bpf_loop() wants to know the types of the functions that it calls, so a small BTF of our own goes
 * with it.
 */
#include "trace/bpf_sweep_program.h"

#include <stdbool.h>

#define INSTRUCTION(operation, to, from, offset, value)                                            \
	((struct bpf_insn){.code = (operation),                                                    \
		.dst_reg = (to),                                                                   \
		.src_reg = (from),                                                                 \
		.off = (offset),                                                                   \
		.imm = (value)})

/* Operations that occur more than once. */
enum {
	MOVE = BPF_ALU64 | BPF_MOV | BPF_X,
	SET = BPF_ALU64 | BPF_MOV | BPF_K,
	ADD = BPF_ALU64 | BPF_ADD | BPF_X,
	ADD_CONSTANT = BPF_ALU64 | BPF_ADD | BPF_K,
	AND_CONSTANT = BPF_ALU64 | BPF_AND | BPF_K,
	LOAD = BPF_LDX | BPF_MEM | BPF_DW,
	STORE = BPF_STX | BPF_MEM | BPF_DW,
	CALL = BPF_JMP | BPF_CALL,
	IS = BPF_JMP | BPF_JEQ | BPF_K,
	IS_NOT = BPF_JMP | BPF_JNE | BPF_K,
};

/* In the frame of each function: what is handed on, and a word to read through. */
enum {
	FIRST = -16, /* struct { first, table } */
	TABLE = -8,
	WORD = -24,
};

enum {
	SLOTS = 64,
	SLOTS_SHIFT = 6,
	LEVELS = 4, /* 22 bits of a number, 6 a level */
	NODE = 2,   /* xa_is_internal() */
	JUMPS = 4 * LEVELS
};

/* Jumps forward to a place that is not known yet. */
struct jumps {
	size_t from[JUMPS];
	size_t count;
};

struct writer {
	struct cryo_bpf_sweep_program *program;
	const struct cryo_bpf_sweep_layout *layout;
	size_t call; /* of the function that comes next */
	/* of the function at hand: */
	struct jumps to_inside, to_end;
};

static void emit(struct writer *writer, struct bpf_insn instruction)
{
	writer->program->instructions[writer->program->count++] = instruction;
}

static void emit_jump(struct writer *writer, struct jumps *jumps, struct bpf_insn instruction)
{
	jumps->from[jumps->count++] = writer->program->count;
	emit(writer, instruction);
}

/* What jumps forward arrives here. */
static void arrive(struct writer *writer, const struct jumps *jumps)
{
	for (size_t i = 0; i < jumps->count; i++)
		writer->program->instructions[jumps->from[i]].off =
			(int16_t)(writer->program->count - jumps->from[i] - 1);
}

static void emit_kernel_call(struct writer *writer, int function)
{
	emit(writer, INSTRUCTION(CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, function));
}

/* r0 = bpf_probe_read_kernel(WORD, size, r7 + offset): zeros and not 0 where it cannot. */
static void emit_read(struct writer *writer, int32_t size, uint32_t offset)
{
	emit(writer, INSTRUCTION(MOVE, BPF_REG_3, BPF_REG_7, 0, 0));
	emit(writer, INSTRUCTION(ADD_CONSTANT, BPF_REG_3, 0, 0, (int32_t)offset));
	emit(writer, INSTRUCTION(MOVE, BPF_REG_1, BPF_REG_10, 0, 0));
	emit(writer, INSTRUCTION(ADD_CONSTANT, BPF_REG_1, 0, 0, WORD));
	emit(writer, INSTRUCTION(SET, BPF_REG_2, 0, 0, size));
	emit(writer, INSTRUCTION(CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel));
}

/* r7 = *(r7 + offset); 0 where it cannot be read. */
static void emit_follow(struct writer *writer, uint32_t offset)
{
	emit_read(writer, 8, offset);
	emit(writer, INSTRUCTION(LOAD, BPF_REG_7, BPF_REG_10, WORD, 0));
}

/* A function begins here: the one before it calls it. */
static void begin_function(struct writer *writer)
{
	struct cryo_bpf_sweep_program *program = writer->program;

	if (program->n_functions)
		program->instructions[writer->call].imm =
			(int32_t)(program->count - writer->call - 1);
	program->functions[program->n_functions++] = program->count;
	writer->to_inside.count = writer->to_end.count = 0;
}

/* bpf_loop(r1, the next function, what is handed on, 0) */
static void emit_loop(struct writer *writer)
{
	writer->call = writer->program->count;
	emit(writer, INSTRUCTION(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0));
	emit(writer, (struct bpf_insn){0});
	emit(writer, INSTRUCTION(MOVE, BPF_REG_3, BPF_REG_10, 0, 0));
	emit(writer, INSTRUCTION(ADD_CONSTANT, BPF_REG_3, 0, 0, FIRST));
	emit(writer, INSTRUCTION(SET, BPF_REG_4, 0, 0, 0));
	emit(writer, INSTRUCTION(CALL, 0, 0, 0, BPF_FUNC_loop));
}

static void emit_return(struct writer *writer)
{
	emit(writer, INSTRUCTION(SET, BPF_REG_0, 0, 0, 0));
	emit(writer, INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/* ---- sweep() ---- */

/* r7 = where the entry of the root stands; nonsense if it is not to be found, and so unreadable. */
static void emit_table(struct writer *writer)
{
	const struct cryo_bpf_sweep_layout *layout = writer->layout;

	emit(writer, INSTRUCTION(CALL, 0, 0, 0, BPF_FUNC_get_current_task));
	emit(writer, INSTRUCTION(MOVE, BPF_REG_7, BPF_REG_0, 0, 0));
	emit_follow(writer, layout->thread_pid);
	emit_read(writer, 4, layout->level);
	emit(writer, INSTRUCTION(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_10, WORD, 0));
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_MUL | BPF_K, BPF_REG_1, 0, 0,
			     (int32_t)layout->number_size));
	emit(writer, INSTRUCTION(ADD, BPF_REG_7, BPF_REG_1, 0, 0));
	emit_follow(writer, layout->namespaces);
	emit(writer, INSTRUCTION(ADD_CONSTANT, BPF_REG_7, 0, 0, (int32_t)layout->root));
}

static void emit_sweep(struct writer *writer)
{
	begin_function(writer);
	emit(writer, INSTRUCTION(MOVE, BPF_REG_6, BPF_REG_1, 0, 0));
	emit(writer, INSTRUCTION(SET, BPF_REG_7, 0, 0, 0));
	if (writer->layout->has_table)
		emit_table(writer);
	emit(writer, INSTRUCTION(STORE, BPF_REG_10, BPF_REG_7, TABLE, 0));
	emit(writer, INSTRUCTION(LOAD, BPF_REG_1, BPF_REG_6, 0, 0));
	emit(writer, INSTRUCTION(STORE, BPF_REG_10, BPF_REG_1, FIRST, 0));
	emit(writer, INSTRUCTION(LOAD, BPF_REG_1, BPF_REG_6, 8, 0));
	emit_loop(writer);
	emit_return(writer);
}

/* ---- wide() and narrow() ---- */

/* r6 = at->first + (i << shift) */
static void emit_number(struct writer *writer, int32_t shift)
{
	emit(writer, INSTRUCTION(MOVE, BPF_REG_6, BPF_REG_1, 0, 0));
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_6, 0, 0, shift));
	emit(writer, INSTRUCTION(LOAD, BPF_REG_1, BPF_REG_2, 0, 0));
	emit(writer, INSTRUCTION(ADD, BPF_REG_6, BPF_REG_1, 0, 0));
}

/* r7 is where an entry stands. Follow it to its node; where it leads to nobody, to the end. */
static void emit_enter(struct writer *writer)
{
	emit_read(writer, 8, 0);
	emit_jump(writer, &writer->to_inside, INSTRUCTION(IS_NOT, BPF_REG_0, 0, 0, 0));
	emit(writer, INSTRUCTION(LOAD, BPF_REG_7, BPF_REG_10, WORD, 0));
	emit_jump(writer, &writer->to_end, INSTRUCTION(IS, BPF_REG_7, 0, 0, 0));
	emit(writer, INSTRUCTION(MOVE, BPF_REG_1, BPF_REG_7, 0, 0));
	emit(writer, INSTRUCTION(AND_CONSTANT, BPF_REG_1, 0, 0, 3));
	emit_jump(writer, &writer->to_inside, INSTRUCTION(IS_NOT, BPF_REG_1, 0, 0, NODE));
	emit(writer, INSTRUCTION(ADD_CONSTANT, BPF_REG_7, 0, 0, -NODE));
}

/* In the node r7: r2 = its shift, r1 = the number of the slot for r6, and of those beyond it. */
static void emit_find_slot(struct writer *writer)
{
	emit_read(writer, 1, writer->layout->shift);
	emit_jump(writer, &writer->to_inside, INSTRUCTION(IS_NOT, BPF_REG_0, 0, 0, 0));
	emit(writer, INSTRUCTION(BPF_LDX | BPF_MEM | BPF_B, BPF_REG_2, BPF_REG_10, WORD, 0));
	emit(writer, INSTRUCTION(AND_CONSTANT, BPF_REG_2, 0, 0, 31));
	emit(writer, INSTRUCTION(MOVE, BPF_REG_1, BPF_REG_6, 0, 0));
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_RSH | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0));
}

/* One step down. The root may be too low for the number: then nobody has it. */
static void emit_down(struct writer *writer, int32_t shift, bool is_root)
{
	emit_enter(writer);
	emit_find_slot(writer);
	if (is_root) {
		emit(writer, INSTRUCTION(MOVE, BPF_REG_3, BPF_REG_1, 0, 0));
		emit(writer,
			INSTRUCTION(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, SLOTS_SHIFT));
		emit_jump(writer, &writer->to_end, INSTRUCTION(IS_NOT, BPF_REG_3, 0, 0, 0));
	}
	emit_jump(writer, &writer->to_inside,
		INSTRUCTION(BPF_JMP | BPF_JLE | BPF_K, BPF_REG_2, 0, 0, shift));
	emit(writer, INSTRUCTION(AND_CONSTANT, BPF_REG_1, 0, 0, SLOTS - 1));
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_1, 0, 0, 3));
	emit(writer, INSTRUCTION(ADD, BPF_REG_7, BPF_REG_1, 0, 0));
	emit(writer, INSTRUCTION(ADD_CONSTANT, BPF_REG_7, 0, 0, (int32_t)writer->layout->slots));
}

/* Numbers that have a node of this shift, if there is one. */
static void emit_stretch(struct writer *writer, int32_t shift)
{
	const struct cryo_bpf_sweep_layout *layout = writer->layout;

	begin_function(writer);
	emit_number(writer, shift + SLOTS_SHIFT);
	emit(writer, INSTRUCTION(STORE, BPF_REG_10, BPF_REG_6, FIRST, 0));
	emit(writer, INSTRUCTION(LOAD, BPF_REG_7, BPF_REG_2, TABLE - FIRST, 0));
	emit(writer, INSTRUCTION(STORE, BPF_REG_10, BPF_REG_7, TABLE, 0));
	if (layout->has_table) {
		emit_kernel_call(writer, layout->lock);
		for (int32_t at = LEVELS * SLOTS_SHIFT; at > shift; at -= SLOTS_SHIFT)
			emit_down(writer, shift, at == LEVELS * SLOTS_SHIFT);
		arrive(writer, &writer->to_inside);
		emit_kernel_call(writer, layout->unlock);
	}
	emit(writer, INSTRUCTION(SET, BPF_REG_1, 0, 0, SLOTS));
	emit_loop(writer);
	emit_return(writer);
	if (layout->has_table) {
		arrive(writer, &writer->to_end);
		emit_kernel_call(writer, layout->unlock);
		emit_return(writer);
	}
}

/* ---- ask() ---- */

static void emit_ask(struct writer *writer, int map)
{
	begin_function(writer);
	emit_number(writer, 0);
	emit(writer, INSTRUCTION(MOVE, BPF_REG_1, BPF_REG_6, 0, 0));
	emit_kernel_call(writer, writer->layout->find);
	emit(writer, INSTRUCTION(IS, BPF_REG_0, 0, 7, 0));
	emit(writer, INSTRUCTION(MOVE, BPF_REG_1, BPF_REG_0, 0, 0));
	emit_kernel_call(writer, writer->layout->release);
	emit(writer,
		INSTRUCTION(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0, map));
	emit(writer, (struct bpf_insn){0});
	emit(writer, INSTRUCTION(AND_CONSTANT, BPF_REG_6, 0, 0, CRYO_BPF_PID_LIMIT - 1));
	emit(writer, INSTRUCTION(ADD, BPF_REG_1, BPF_REG_6, 0, 0));
	emit(writer, INSTRUCTION(BPF_ST | BPF_MEM | BPF_B, BPF_REG_1, 0, 0, 1));
	emit_return(writer);
}

void cryo_bpf_sweep_program_make(const struct cryo_bpf_sweep_layout *layout, int map,
	struct cryo_bpf_sweep_program *ret_program)
{
	struct writer writer = {.program = ret_program, .layout = layout};

	ret_program->count = ret_program->n_functions = 0;
	emit_sweep(&writer);
	emit_stretch(&writer, SLOTS_SHIFT);
	emit_stretch(&writer, 0);
	emit_ask(&writer, map);
}
