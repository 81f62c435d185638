// SPDX-License-Identifier: MIT
/*
 * The program, as C:
 *
 *	main(ctx)       { bpf_loop(COUNT, callback, NULL, 0); }
 *	callback(i, at) { if (i < COUNT)
 *		bpf_probe_read_kernel(&words[i].value, 8, words[i].at); }
 */
#include "trace/bpf_words.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "trace/bpf_types.h"
#include "trace/libbpf_api.h"

#define LICENCE "Dual MIT/GPL"

enum {
	MOST = 1 << 23, /* rounds of bpf_loop() */
	MAIN_SIZE = 8   /* instructions */
};

#define MOVE(to, from)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from                \
	}
#define WITH(operation, to, value)                                                                 \
	{                                                                                          \
		.code = BPF_ALU64 | (operation) | BPF_K, .dst_reg = to, .imm = value               \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = helper                                          \
	}
#define RETURN                                                                                     \
	WITH(BPF_MOV, 0, 0),                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}
/* Two instructions. */
#define ADDRESS(to, kind, value)                                                                   \
	{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = to, .src_reg = kind, .imm = value},         \
	{                                                                                          \
		0                                                                                  \
	}

static int load(struct cryo_bpf_words *words)
{
	int count = (int)words->count;
	const struct bpf_insn program[] = {
		WITH(BPF_MOV, 1, count),
		ADDRESS(2, BPF_PSEUDO_FUNC, MAIN_SIZE - 2),
		WITH(BPF_MOV, 3, 0),
		WITH(BPF_MOV, 4, 0),
		CALL(BPF_FUNC_loop),
		RETURN,
		/* callback: */
		{.code = BPF_JMP | BPF_JGE | BPF_K, .dst_reg = 1, .off = 9, .imm = count},
		ADDRESS(6, BPF_PSEUDO_MAP_VALUE, words->map),
		WITH(BPF_LSH, 1, 4),
		{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 6, .src_reg = 1},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 6},
		WITH(BPF_ADD, 6, 8),
		MOVE(1, 6),
		WITH(BPF_MOV, 2, 8),
		CALL(BPF_FUNC_probe_read_kernel),
		RETURN,
	};
	struct bpf_func_info functions[2] = {{.insn_off = 0}, {.insn_off = MAIN_SIZE}};
	struct btf *types = NULL;
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE,
		.func_info = functions, .func_info_rec_size = sizeof(functions[0]),
		.func_info_cnt = ARRAY_SIZE(functions));
	int r = cryo_bpf_types_load(&types, &functions[0].type_id, &functions[1].type_id);

	if (r < 0)
		return r;
	options.prog_btf_fd = (uint32_t)btf__fd(types);
	words->program = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "cryocore_words", LICENCE, program,
		ARRAY_SIZE(program), &options);
	btf__free(types);
	return words->program < 0 ? words->program : 0;
}

static int open_words(size_t count, struct cryo_bpf_words *words)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	size_t size = count * sizeof(*words->words);
	void *pages;

	if (!count || count > MOST)
		return -EOPNOTSUPP;
	words->map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "cryocore_words", 4, (uint32_t)size, 1, &options);
	if (words->map < 0)
		return words->map;
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, words->map, 0);
	if (pages == MAP_FAILED)
		return -errno;
	words->words = pages;
	words->count = count;
	return load(words);
}

static int open_silently(size_t count, struct cryo_bpf_words *words)
{
	libbpf_print_fn_t print;
	int r = cryo_libbpf_ready();

	if (r < 0)
		return r;
	print = libbpf_set_print(NULL);
	r = open_words(count, words);
	libbpf_set_print(print);
	return r;
}

int cryo_bpf_words_open(size_t count, struct cryo_bpf_words *ret_words)
{
	struct cryo_bpf_words words = CRYO_BPF_WORDS_NONE;
	int r = open_silently(count, &words);

	if (r == 0) {
		*ret_words = words;
		return 0;
	}
	cryo_bpf_words_close(&words);
	return r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

void cryo_bpf_words_close(struct cryo_bpf_words *words)
{
	if (words->words)
		munmap(words->words, words->count * sizeof(*words->words));
	cryo_cleanup_close(&words->map);
	cryo_cleanup_close(&words->program);
	*words = CRYO_BPF_WORDS_NONE;
}

int cryo_bpf_words_read(const struct cryo_bpf_words *words)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	return bpf_prog_test_run_opts(words->program, &options);
}
