// SPDX-License-Identifier: MIT
/*
 * The program, as C:
 *
 *	if (ctx->vma) {
 *		struct cryo_bpf_vma record = {vma->vm_start, vma->vm_end, vma->vm_flags,
 *			vma->anon_vma, &vma->anon_vma};
 *		bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
 *	}
 */
#include "trace/bpf_vmas.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "trace/btf.h"
#include "trace/libbpf_api.h"

#define LICENCE "Dual MIT/GPL"

enum {
	ALL_RECORDS = 1 << 28,
	PIECE = 2048, /* records: more than eight pages of 4 KiB hold */
	RECORD = -(int)sizeof(struct cryo_bpf_vma)
};

struct layout {
	uint32_t attach, start, end, flags, owner;
};

static int find_layout(struct layout *layout)
{
	_cleanup_btf_ struct cryo_btf kernel = {0};
	uint32_t size;
	int r = cryo_btf_open(&kernel);

	if (r < 0)
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	layout->attach = cryo_btf_find(&kernel, "bpf_iter_task_vma", BTF_KIND_FUNC);
	if (!layout->attach ||
		!cryo_btf_path(&kernel, "vm_area_struct", "vm_start", &layout->start, &size) ||
		!cryo_btf_path(&kernel, "vm_area_struct", "vm_end", &layout->end, &size) ||
		!cryo_btf_path(&kernel, "vm_area_struct", "anon_vma", &layout->owner, &size) ||
		!cryo_btf_path(&kernel, "vm_area_struct", "vm_flags", &layout->flags, &size) ||
		size != sizeof(uint64_t))
		return -EOPNOTSUPP;
	return 0;
}

#define MOVE(to, from)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from                \
	}
#define ADD(to, value)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = to, .imm = (int32_t)(value)        \
	}
#define SET(to, value)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = to, .imm = value                   \
	}
#define LOAD(to, from, offset)                                                                     \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = to, .src_reg = from, .off = offset  \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = helper                                          \
	}
/* A word of the mapping at register 7 into the record. The verifier knows its type, and what it
 * points to is never followed. */
#define COPY(to, from)                                                                             \
	LOAD(1, 7, (int16_t)(from)),                                                               \
	{                                                                                          \
		.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 1,                   \
		.off = RECORD + (to)                                                               \
	}

static int load(const struct layout *layout)
{
	const struct bpf_insn program[] = {
		MOVE(6, 1),
		LOAD(7, 6, 16), /* struct bpf_iter__task_vma: meta, task, vma */
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 7, .off = 17},
		COPY(0, layout->start),
		COPY(8, layout->end),
		COPY(16, layout->flags),
		COPY(24, layout->owner),
		MOVE(1, 7),
		ADD(1, layout->owner),
		{.code = BPF_STX | BPF_MEM | BPF_DW,
			.dst_reg = 10,
			.src_reg = 1,
			.off = RECORD + 32},
		LOAD(1, 6, 0),
		LOAD(1, 1, 0),
		MOVE(2, 10),
		ADD(2, RECORD),
		SET(3, sizeof(struct cryo_bpf_vma)),
		CALL(BPF_FUNC_seq_write),
		SET(0, 0),
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = layout->attach);

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "cryocore_vmas", LICENCE, program,
		ARRAY_SIZE(program), &options);
}

int cryo_bpf_vmas_open(void)
{
	libbpf_print_fn_t print;
	struct layout layout;
	int r = find_layout(&layout);

	if (r == 0)
		r = cryo_libbpf_ready();
	if (r < 0)
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	print = libbpf_set_print(NULL);
	r = load(&layout);
	libbpf_set_print(print);
	return r >= 0 || r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

static bool comes_after(const struct cryo_bpf_vma *vma, const struct cryo_buffer *records)
{
	const struct cryo_bpf_vma *last;

	if (!records->size)
		return true;
	last = (const struct cryo_bpf_vma *)(records->data + records->size) - 1;
	return vma->start > last->start;
}

static ssize_t read_some(int file, struct cryo_bpf_vma *some)
{
	ssize_t n;

	do
		n = read(file, some, PIECE * sizeof(*some));
	while (n < 0 && errno == EINTR);
	return n;
}

/*
 * Whole records come, as many as fit into eight pages. Behind the last ones of a list that took
 * several reads Linux 6.18 gives these once more, for ever: what does not ascend is the end.
 */
static int read_ascending(int file, struct cryo_buffer *records)
{
	struct cryo_bpf_vma some[PIECE];
	ssize_t n;

	while ((n = read_some(file, some)) > 0 && comes_after(some, records)) {
		int r = cryo_buffer_add(records, some, (size_t)n);

		if (r < 0)
			return r;
		if (records->size > ALL_RECORDS || records->size % sizeof(*some))
			return -EFBIG;
	}
	return n < 0 ? -errno : 0;
}

int cryo_bpf_vmas_read(int program, pid_t tid, struct cryo_bpf_vma **ret_vmas, size_t *ret_count)
{
	union bpf_iter_link_info info = {.task = {.tid = (uint32_t)tid}};
	LIBBPF_OPTS(
		bpf_link_create_opts, options, .iter_info = &info, .iter_info_len = sizeof(info));
	_cleanup_close_ int link = bpf_link_create(program, 0, BPF_TRACE_ITER, &options);
	_cleanup_close_ int file = link < 0 ? link : bpf_iter_create(link);
	_cleanup_buffer_ struct cryo_buffer records = {0};
	int r = file < 0 ? file : read_ascending(file, &records);

	if (r < 0)
		return r;
	if (!records.size)
		return -ESRCH;
	*ret_count = records.size / sizeof(**ret_vmas);
	*ret_vmas = (struct cryo_bpf_vma *)steal_ptr(records.data);
	return 0;
}
