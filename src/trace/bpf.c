// SPDX-License-Identifier: MIT
/*
 * Loading the program, and running it over the threads of one process (Linux 6.1) or, before that,
 * over all tasks, of which the right ones are kept.
 *
 * libbpf is used for what is tedious by hand (BTF, the calls of bpf(2)); it would also print, so it
 * is told not to while we use it.
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
#include "trace/bpf_layout.h"
#include "trace/bpf_record.h"
#include "trace/libbpf_api.h"

/* The helpers are for GPL-compatible programs only; these instructions may be had under either. */
#define LICENCE "Dual MIT/GPL"

enum {
	TRIES = 4,
	ALL_RECORDS = 1 << 30
};

static inline void restore_print(libbpf_print_fn_t *print)
{
	libbpf_set_print(*print);
}

/* Only its end is of use: clang calls it unused. */
#define _silent_                                                                                   \
	_cleanup_(restore_print) __attribute__((unused)) libbpf_print_fn_t print =                 \
		libbpf_set_print(NULL)

/* The kernel looks at the capabilities before anything else, so that we need not parse its BTF to
 * be refused. */
static bool is_allowed(void)
{
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = bpf_prog_load(
		BPF_PROG_TYPE_TRACING, NULL, LICENCE, nothing, ARRAY_SIZE(nothing), NULL);

	if (program >= 0)
		close(program);
	return program != -EPERM;
}

static int load(const struct cryo_bpf_kernel *kernel)
{
	struct bpf_insn instructions[CRYO_BPF_ROOM];
	size_t count = cryo_bpf_program_make(
		&kernel->layout, kernel->fields, kernel->n_fields, instructions);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = kernel->attach);
	int r = count ? bpf_prog_load(BPF_PROG_TYPE_TRACING, "cryocore", LICENCE, instructions,
				count, &options)
		      : -EOPNOTSUPP;

	return r >= 0 || r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

static int open_loaded(struct cryo_bpf *ret_bpf)
{
	_silent_;
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

int cryo_bpf_open(struct cryo_bpf *ret_bpf)
{
	int r = cryo_libbpf_ready();

	return r < 0 ? r : open_loaded(ret_bpf);
}

void cryo_bpf_close(struct cryo_bpf *bpf)
{
	cryo_cleanup_close(&bpf->program);
	bpf->program = -1;
}

/* ---- one question ---- */

/* Before Linux 6.1 the wish for one process is refused (E2BIG, EINVAL), and not needed either. */
static int link_program(const struct cryo_bpf *bpf, pid_t pid, pid_t tid)
{
	union bpf_iter_link_info info = {
		.task = {.tid = (uint32_t)tid, .pid = tid ? 0 : (uint32_t)pid}};
	LIBBPF_OPTS(
		bpf_link_create_opts, options, .iter_info = &info, .iter_info_len = sizeof(info));
	int link = bpf_link_create(bpf->program, 0, BPF_TRACE_ITER, &options);

	if (link == -E2BIG || link == -EINVAL)
		link = bpf_link_create(bpf->program, 0, BPF_TRACE_ITER, NULL);
	return link;
}

/* Append the records of a process, or of one thread of it if `tid` is not 0. */
static int ask(const struct cryo_bpf *bpf, pid_t pid, pid_t tid, struct cryo_buffer *records)
{
	_cleanup_close_ int link = link_program(bpf, pid, tid);
	_cleanup_close_ int file = -1;
	int r;

	if (link < 0)
		return link;
	file = bpf_iter_create(link);
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
	_silent_;
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
	_silent_;
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
	_silent_;
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
