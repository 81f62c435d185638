// SPDX-License-Identifier: MIT
/*
 * Loading the program, and running it over the threads of one process (Linux 6.1) or, before that,
 * over all tasks, of which the right ones are kept.
 *
 * A running thread's registers are in a processor, not in memory. So the question is put again from
 * that processor: while we run there the thread cannot, and an interrupt has saved what it had. It
 * may have moved meanwhile, hence more than one try.
 */
#include "trace/bpf.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "trace/bpf_call.h"
#include "trace/bpf_layout.h"
#include "trace/bpf_record.h"

enum {
	TRIES = 4,
	ALL_RECORDS = 1 << 30
};

/* The kernel looks at the capabilities before anything else, so that we need not parse its BTF to
 * be refused. */
static bool is_allowed(void)
{
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const struct cryo_bpf_code code = {.type = BPF_PROG_TYPE_TRACING,
		.name = "",
		.instructions = nothing,
		.count = ARRAY_SIZE(nothing)};
	int program = cryo_bpf_load(&code);

	if (program >= 0)
		close(program);
	return program != -EPERM;
}

static int load(const struct cryo_bpf_kernel *kernel)
{
	struct bpf_insn instructions[CRYO_BPF_ROOM];
	size_t count = cryo_bpf_program_make(
		&kernel->layout, kernel->fields, kernel->n_fields, instructions);
	const struct cryo_bpf_code code = {.type = BPF_PROG_TYPE_TRACING,
		.name = "cryocore",
		.instructions = instructions,
		.count = count,
		.attach = kernel->attach};
	int r = count ? cryo_bpf_load(&code) : -EOPNOTSUPP;

	return r >= 0 || r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

int cryo_bpf_open(struct cryo_bpf *ret_bpf)
{
	struct cryo_bpf_kernel kernel;
	int r;

	if (!is_allowed())
		return -EPERM;
	r = cryo_bpf_kernel_read(&kernel);
	if (r == 0)
		r = load(&kernel);
	if (r < 0)
		return r;
	*ret_bpf = (struct cryo_bpf){r, kernel.has_extra, kernel.has_times, kernel.has_generation};
	return 0;
}

void cryo_bpf_close(struct cryo_bpf *bpf)
{
	cryo_cleanup_close(&bpf->program);
	bpf->program = -1;
}

/* ---- one question ---- */

/* Append the records of a process, or of one thread of it if `tid` is not 0. */
static int ask(const struct cryo_bpf *bpf, pid_t pid, pid_t tid, struct cryo_buffer *records)
{
	_cleanup_close_ int file = cryo_bpf_iterate(bpf->program, pid, tid);
	int r;

	if (file < 0)
		return file;
	r = cryo_io_read_all(file, ALL_RECORDS, records);
	return r == 1 ? -EFBIG : r;
}

/* The next record of a process (and thread) at or after *position, which then is behind it. */
static const struct cryo_bpf_record *next_record(
	const struct cryo_buffer *records, pid_t pid, pid_t tid, size_t *position)
{
	while (records->size - *position >= sizeof(struct cryo_bpf_record)) {
		const struct cryo_bpf_record *record =
			(const struct cryo_bpf_record *)(records->data + *position);

		*position += sizeof(*record);
		if (record->tgid == (uint32_t)pid && record->tid &&
			(!tid || record->tid == (uint32_t)tid))
			return record;
	}
	return NULL;
}

/* ---- a running thread ---- */

static bool move_to(uint32_t cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE)
		return false;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

static void settle(const struct cryo_bpf *bpf, pid_t pid, const struct cryo_arch *arch,
	uint32_t cpu, struct cryo_bpf_thread *thread)
{
	for (int i = 0; i < TRIES && !thread->steady && move_to(cpu); i++) {
		_cleanup_buffer_ struct cryo_buffer records = {0};
		const struct cryo_bpf_record *record;
		size_t position = 0;

		if (ask(bpf, pid, thread->tid, &records) < 0)
			return;
		record = next_record(&records, pid, thread->tid, &position);
		if (!record)
			return;
		cryo_bpf_record_decode(record, arch, bpf->has_extra, thread);
		cpu = record->cpu;
	}
}

/* ---- a process ---- */

static int add_thread(const struct cryo_bpf_record *record, const struct cryo_arch *arch,
	const struct cryo_bpf *bpf, struct cryo_bpf_thread **threads, size_t *count)
{
	struct cryo_bpf_thread *thread = cryo_array_add(*threads, *count);

	if (!thread)
		return -ENOMEM;
	cryo_bpf_record_decode(record, arch, bpf->has_extra, thread);
	return 0;
}

static void settle_all(const struct cryo_bpf *bpf, pid_t pid, const struct cryo_arch *arch,
	const struct cryo_buffer *records, struct cryo_bpf_thread *threads)
{
	cpu_set_t before;
	bool known = sched_getaffinity(0, sizeof(before), &before) == 0;
	const struct cryo_bpf_record *record;
	size_t position = 0, i = 0;

	while (known && (record = next_record(records, pid, 0, &position))) {
		settle(bpf, pid, arch, record->cpu, &threads[i]);
		i++;
	}
	if (known)
		sched_setaffinity(0, sizeof(before), &before);
}

int cryo_bpf_read(const struct cryo_bpf *bpf, pid_t pid, const struct cryo_arch *arch,
	struct cryo_bpf_thread **ret_threads, size_t *ret_count)
{
	_cleanup_free_ struct cryo_bpf_thread *threads = NULL;
	_cleanup_buffer_ struct cryo_buffer records = {0};
	const struct cryo_bpf_record *record;
	size_t count = 0, position = 0;
	int r;

	if (!cryo_bpf_record_suits(arch, cryo_arch_host()))
		return -EOPNOTSUPP;
	r = ask(bpf, pid, 0, &records);
	while (r == 0 && (record = next_record(&records, pid, 0, &position)))
		r = add_thread(record, arch, bpf, &threads, &count);
	if (r == 0 && count == 0)
		r = -ESRCH;
	if (r < 0)
		return r;
	settle_all(bpf, pid, arch, &records, threads);
	*ret_threads = steal_ptr(threads);
	*ret_count = count;
	return 0;
}

static int compare_times(const void *left, const void *right)
{
	pid_t a = ((const struct cryo_bpf_times *)left)->tid,
	      b = ((const struct cryo_bpf_times *)right)->tid;

	return (a > b) - (a < b);
}

int cryo_bpf_read_times(
	const struct cryo_bpf *bpf, pid_t pid, struct cryo_bpf_times **ret_times, size_t *ret_count)
{
	_cleanup_free_ struct cryo_bpf_times *all = NULL;
	_cleanup_buffer_ struct cryo_buffer records = {0};
	const struct cryo_bpf_record *record;
	size_t count = 0, position = 0;
	int r = bpf->has_times ? ask(bpf, pid, 0, &records) : -EOPNOTSUPP;

	if (r < 0)
		return r;
	while ((record = next_record(&records, pid, 0, &position))) {
		struct cryo_bpf_times *times = cryo_array_add(all, count);

		if (!times)
			return -ENOMEM;
		*times = (struct cryo_bpf_times){(pid_t)record->tid, record->pending,
			record->blocked, record->user_ns, record->system_ns};
	}
	if (count == 0)
		return -ESRCH;
	qsort(all, count, sizeof(*all), compare_times);
	*ret_times = steal_ptr(all);
	*ret_count = count;
	return 0;
}

int cryo_bpf_read_generation(const struct cryo_bpf *bpf, pid_t pid, pid_t tid,
	struct cryo_bpf_generation *ret_generation)
{
	_cleanup_buffer_ struct cryo_buffer records = {0};
	const struct cryo_bpf_record *record;
	size_t position = 0;
	int r = bpf->has_generation ? ask(bpf, pid, tid, &records) : -EOPNOTSUPP;

	if (r < 0)
		return r;
	record = next_record(&records, pid, tid, &position);
	if (!record || !record->mm)
		return -ESRCH;
	*ret_generation =
		(struct cryo_bpf_generation){record->mm, record->executed, record->sequence};
	return 0;
}
