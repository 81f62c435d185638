// SPDX-License-Identifier: MIT
/*
 * A core note is exactly one whole regset, so registers are copied and never looked into. Which
 * notes there are is the row's table; PTRACE_GETREGSET refuses what the thread does not have
 * (EINVAL, ENODEV, EIO), exactly where the kernel's own core leaves the note out.
 */
#include "trace/registers.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "base/array.h"

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#endif

/* SVE with 2048-bit vectors is 17 KiB and AMX state 11 KiB; ZA at most 64 KiB. */
enum {
	REGSET_ROOM = 256 * 1024,
	QUEUE_STEP = 32
};

static int read_regset(pid_t tid, uint32_t type, struct cryo_buffer *records)
{
	struct cryo_registers_regset head = {.type = type};
	struct iovec vector;
	size_t start = records->size;
	int r = cryo_buffer_reserve(records, sizeof(head) + REGSET_ROOM + 8);

	if (r < 0)
		return r;
	vector = (struct iovec){records->data + start + sizeof(head), REGSET_ROOM};
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)type, &vector) < 0)
		return -errno;
	head.size = (uint32_t)vector.iov_len;
	memcpy(records->data + start, &head, sizeof(head));
	records->size = start + sizeof(head) + head.size;
	r = cryo_buffer_align(records, 8);
	return r < 0 ? r : (int)head.size;
}

/* Thread-directed signals by their queue entries; kill(2)'s oldest 31 may be pending without one,
 * which the reader sees in /proc. */
static uint64_t read_pending(pid_t tid)
{
	siginfo_t queue[QUEUE_STEP];
	struct __ptrace_peeksiginfo_args arguments = {.nr = QUEUE_STEP};
	uint64_t pending = 0;
	long n;

	while ((n = ptrace(PTRACE_PEEKSIGINFO, tid, &arguments, queue)) > 0) {
		for (long i = 0; i < n; i++)
			pending |= 1ULL << (queue[i].si_signo - 1);
		arguments.off += (uint64_t)n;
	}
	return pending;
}

int cryo_registers_read(pid_t tid, struct cryo_buffer *records, const struct cryo_arch **ret_arch)
{
	size_t start = records->size;
	struct cryo_registers_record head = {
		.tid = (uint32_t)tid, .n_regsets = 1, .source = CRYO_REGISTERS_PTRACE};
	const struct cryo_arch *arch;
	int r = cryo_buffer_add(records, &head, sizeof(head));

	if (r == 0)
		r = read_regset(tid, NT_PRSTATUS, records);
	arch = r > 0 ? cryo_arch_find(cryo_arch_host(), (size_t)r) : NULL;
	if (!arch) {
		records->size = start;
		return r < 0 ? r : -ENOEXEC;
	}
	for (const struct cryo_regset_row *row = arch->regsets; row->owner; row++) {
		r = read_regset(tid, row->type, records);
		if (r == -ESRCH || r == -ENOMEM) {
			records->size = start;
			return r;
		}
		head.n_regsets += r > 0;
	}
	ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof(head.blocked), &head.blocked);
	head.pending = read_pending(tid);
	memcpy(records->data + start, &head, sizeof(head));
	*ret_arch = arch;
	return 0;
}

struct cryo_registers_record *cryo_registers_at(struct cryo_buffer *records, size_t offset)
{
	return (struct cryo_registers_record *)(records->data + offset);
}

const void *cryo_registers_general(const struct cryo_registers_record *record)
{
	return (const char *)(record + 1) + sizeof(struct cryo_registers_regset);
}

/* The next regset at the cursor. 0 or -EBADMSG. */
static int parse_regset(const char **cursor, const char *end, struct cryo_regset *ret)
{
	struct cryo_registers_regset head;
	size_t padded;

	if ((size_t)(end - *cursor) < sizeof(head))
		return -EBADMSG;
	memcpy(&head, *cursor, sizeof(head));
	padded = ((size_t)head.size + 7) & ~(size_t)7;
	if ((size_t)(end - *cursor) - sizeof(head) < padded)
		return -EBADMSG;
	*ret = (struct cryo_regset){head.type, head.size, *cursor + sizeof(head)};
	*cursor += sizeof(head) + padded;
	return 0;
}

static int parse_record(const char **cursor, const char *end, struct cryo_thread *thread)
{
	struct cryo_registers_record head;
	int r = 0;

	if ((size_t)(end - *cursor) < sizeof(head))
		return -EBADMSG;
	memcpy(&head, *cursor, sizeof(head));
	*cursor += sizeof(head);
	*thread = (struct cryo_thread){.tid = (pid_t)head.tid,
		.blocked = head.blocked,
		.pending = head.pending,
		.source = (enum cryo_register_source)head.source};
	for (uint32_t i = 0; i < head.n_regsets && r == 0; i++) {
		struct cryo_regset *regset = cryo_array_add(thread->regsets, thread->n_regsets);

		r = regset ? parse_regset(cursor, end, regset) : -ENOMEM;
	}
	return r;
}

static void free_threads(struct cryo_thread *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(threads[i].regsets);
	free(threads);
}

int cryo_registers_parse(const void *data, size_t size, struct cryo_thread **ret_threads,
	size_t *ret_count, const struct cryo_arch **ret_arch)
{
	const char *cursor = data, *end = cursor + size;
	const struct cryo_arch *arch = NULL;
	struct cryo_thread *threads = NULL;
	size_t count = 0;
	int r = 0;

	while (cursor < end && r == 0) {
		struct cryo_thread *thread = cryo_array_add(threads, count);

		r = thread ? parse_record(&cursor, end, thread) : -ENOMEM;
		if (r == 0 && !arch && thread->n_regsets)
			arch = cryo_arch_find(cryo_arch_host(), thread->regsets[0].size);
	}
	if (r == 0 && !arch)
		r = -ENOEXEC;
	if (r < 0) {
		free_threads(threads, count);
		return r;
	}
	*ret_threads = threads;
	*ret_count = count;
	*ret_arch = arch;
	return 0;
}
