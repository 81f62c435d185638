// SPDX-License-Identifier: MIT
/*
 * The program, as C:
 *
 *	sweep(ctx)  { first = ctx->first; bpf_loop(ctx->steps, look, &first, 0); }
 *	look(i, at) { n = *at + i * 32; 32 times: { task = bpf_task_from_vpid(n);
 *		      if (task) { bpf_task_release(task); seen[n & (LIMIT - 1)] = 1; } n++; } }
 *
 * The calls of the loop cost more than the look-ups, hence 32 in one. bpf_loop() wants to know the
 * type of the function that it calls, so a small BTF of our own goes with it.
 */
#include "trace/bpf_sweep.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/array.h"

#define LICENCE "Dual MIT/GPL"

#define INSTRUCTION(operation, to, from, offset, value)                                            \
	((struct bpf_insn){.code = (operation),                                                    \
		.dst_reg = (to),                                                                   \
		.src_reg = (from),                                                                 \
		.off = (offset),                                                                   \
		.imm = (value)})

enum {
	AT_ONCE = 32,
	AT_ONCE_SHIFT = 5,
	LOOP = 11, /* instructions of sweep() */
	ROOM = LOOP + 8 + 12 * AT_ONCE
};

/* What the program is given. */
struct context {
	uint64_t first, steps;
};

/* Numbers of functions in the kernel's type information. */
struct calls {
	int find, release;
};

struct writer {
	struct bpf_insn *to;
	size_t count;
};

static void emit(struct writer *writer, struct bpf_insn instruction)
{
	writer->to[writer->count++] = instruction;
}

static void emit_sweep(struct writer *writer)
{
	const struct bpf_insn code[LOOP] = {
		INSTRUCTION(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_1, 0, 0),
		INSTRUCTION(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_2, -8, 0),
		INSTRUCTION(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_1, 8, 0),
		INSTRUCTION(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_2, BPF_PSEUDO_FUNC, 0, LOOP - 4),
		{0},
		INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_10, 0, 0),
		INSTRUCTION(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, -8),
		INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0),
		INSTRUCTION(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_loop),
		INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	for (size_t i = 0; i < LOOP; i++)
		emit(writer, code[i]);
}

/* One number, in r6. */
static void emit_look(struct writer *writer, int map, const struct calls *calls)
{
	const struct bpf_insn code[] = {
		INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0),
		INSTRUCTION(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, calls->find),
		INSTRUCTION(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 8, 0),
		INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_0, 0, 0),
		INSTRUCTION(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, calls->release),
		INSTRUCTION(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0, map),
		{0},
		INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_6, 0, 0),
		INSTRUCTION(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, CRYO_BPF_PID_LIMIT - 1),
		INSTRUCTION(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0),
		INSTRUCTION(BPF_ST | BPF_MEM | BPF_B, BPF_REG_1, 0, 0, 1),
		INSTRUCTION(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_6, 0, 0, 1),
	};

	for (size_t i = 0; i < ARRAY_SIZE(code); i++)
		emit(writer, code[i]);
}

static void emit_all(struct writer *writer, int map, const struct calls *calls)
{
	emit_sweep(writer);
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0));
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_6, 0, 0, AT_ONCE_SHIFT));
	emit(writer, INSTRUCTION(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_2, 0, 0));
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0));
	for (size_t i = 0; i < AT_ONCE; i++)
		emit_look(writer, map, calls);
	emit(writer, INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0));
	emit(writer, INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/* ---- types ---- */

static int find_calls(struct calls *ret_calls)
{
	struct btf *kernel = btf__load_vmlinux_btf();

	if (!kernel)
		return -EOPNOTSUPP;
	ret_calls->find = btf__find_by_name_kind(kernel, "bpf_task_from_vpid", BTF_KIND_FUNC);
	ret_calls->release = btf__find_by_name_kind(kernel, "bpf_task_release", BTF_KIND_FUNC);
	btf__free(kernel);
	return ret_calls->find > 0 && ret_calls->release > 0 ? 0 : -EOPNOTSUPP;
}

/* Types of the two functions: int sweep(void *), static long look(long, void *). */
static int add_types(struct btf *types, struct bpf_func_info functions[2])
{
	int number = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
	int word = btf__add_int(types, "long", 8, BTF_INT_SIGNED);
	int pointer = btf__add_ptr(types, 0), prototype, r;

	prototype = btf__add_func_proto(types, number);
	btf__add_func_param(types, "ctx", pointer);
	functions[0].type_id = (uint32_t)btf__add_func(types, "sweep", BTF_FUNC_GLOBAL, prototype);
	prototype = btf__add_func_proto(types, word);
	btf__add_func_param(types, "i", word);
	r = btf__add_func_param(types, "at", pointer);
	functions[1].insn_off = LOOP;
	functions[1].type_id = (uint32_t)btf__add_func(types, "look", BTF_FUNC_STATIC, prototype);
	return r < 0 ? r : btf__load_into_kernel(types);
}

static int load(int map, const struct calls *calls, const struct btf *types,
	const struct bpf_func_info functions[2])
{
	struct bpf_insn instructions[ROOM];
	struct writer writer = {instructions, 0};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE,
		.prog_btf_fd = (uint32_t)btf__fd(types), .func_info = functions, .func_info_cnt = 2,
		.func_info_rec_size = sizeof(functions[0]));

	emit_all(&writer, map, calls);
	return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "cryocore_sweep", LICENCE, instructions,
		writer.count, &options);
}

/* ---- the whole ---- */

static int open_map(struct cryo_bpf_sweep *sweep)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	void *seen;

	sweep->map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "cryocore_seen", 4, CRYO_BPF_PID_LIMIT, 1, &options);
	if (sweep->map < 0)
		return sweep->map;
	seen = mmap(NULL, CRYO_BPF_PID_LIMIT, PROT_READ, MAP_SHARED, sweep->map, 0);
	if (seen == MAP_FAILED)
		return -errno;
	sweep->seen = seen;
	return 0;
}

static int open_sweep(struct cryo_bpf_sweep *sweep)
{
	struct bpf_func_info functions[2] = {0};
	struct calls calls;
	struct btf *types;
	int r = open_map(sweep); /* refused without the privilege, before anything is parsed */

	if (r == 0)
		r = find_calls(&calls);
	if (r < 0)
		return r;
	types = btf__new_empty();
	if (!types)
		return -ENOMEM;
	r = add_types(types, functions);
	if (r == 0)
		r = sweep->program = load(sweep->map, &calls, types, functions);
	btf__free(types);
	return r < 0 ? r : 0;
}

int cryo_bpf_sweep_open(struct cryo_bpf_sweep *ret_sweep)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct cryo_bpf_sweep sweep = CRYO_BPF_SWEEP_NONE;
	int r = open_sweep(&sweep);

	libbpf_set_print(print);
	if (r == 0) {
		*ret_sweep = sweep;
		return 0;
	}
	cryo_bpf_sweep_close(&sweep);
	return r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

void cryo_bpf_sweep_close(struct cryo_bpf_sweep *sweep)
{
	if (sweep->seen)
		munmap((void *)(uintptr_t)sweep->seen, CRYO_BPF_PID_LIMIT);
	cryo_cleanup_close(&sweep->map);
	cryo_cleanup_close(&sweep->program);
	*sweep = CRYO_BPF_SWEEP_NONE;
}

int cryo_bpf_sweep_run(const struct cryo_bpf_sweep *sweep, pid_t first, pid_t count)
{
	struct context context = {(uint64_t)first, (uint64_t)(count + AT_ONCE - 1) / AT_ONCE};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context));

	return bpf_prog_test_run_opts(sweep->program, &options);
}
