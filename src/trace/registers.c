// SPDX-License-Identifier: MIT
/*
 * A core note is exactly one whole regset, so registers are copied and never looked into. Which
 * notes there are is the row's table; PTRACE_GETREGSET refuses what the thread does not have,
 * exactly where the kernel's own core leaves the note out.
 */
#include "trace/registers.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "base/array.h"
#include "base/pages.h"
#include "trace/foreign.h"

/* SVE with 2048-bit vectors is 17 KiB and AMX state 11 KiB; ZA at most 64 KiB. */
enum {
	REGSET_ROOM = 256 * 1024
};

int cryo_registers_make_room(struct cryo_buffer *records, size_t size)
{
	int r = cryo_buffer_reserve(records, size + REGSET_ROOM);

	if (r == 0)
		cryo_pages_make(records->data, size);
	return r;
}

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

/* The kernel's ways to say that a thread does not have a register set (kernel/ptrace.c
 * ptrace_regset(), and the `get` of the sets). Anything else is a set that could not be read. */
static bool is_absent(int error)
{
	return error == -EINVAL || error == -ENODEV || error == -ENXIO || error == -EOPNOTSUPP;
}

/* Room for a regset, and its head. Where it begins, or NULL. */
static uint8_t *add_regset(struct cryo_buffer *records, uint32_t type, uint32_t size)
{
	struct cryo_registers_regset head = {type, size};
	size_t start = records->size + sizeof(head);

	if (cryo_buffer_add(records, &head, sizeof(head)) < 0 ||
		!cryo_buffer_add_zero(records, size) || cryo_buffer_align(records, 8) < 0)
		return NULL;
	return records->data + start;
}

static int read_foreign_general(
	pid_t tid, const struct cryo_arch *program, struct cryo_buffer *records)
{
	uint8_t *general = add_regset(records, NT_PRSTATUS, program->gpr_size);

	return general ? cryo_foreign_general(tid, program, general) : -ENOMEM;
}

static int read_foreign_floating(pid_t tid, struct cryo_buffer *records)
{
	enum {
		FLOATING_64 = 512
	};
	size_t start = records->size;
	uint8_t *floating = add_regset(records, NT_PRFPREG, FLOATING_64);
	int r = floating ? cryo_foreign_floating(tid, floating, FLOATING_64) : -ENOMEM;

	if (r < 0)
		records->size = start;
	return r < 0 ? r : FLOATING_64;
}

/* Sets that have one form for both are read as ever. */
static int read_other(pid_t tid, const struct cryo_regset_row *row, const struct cryo_arch *program,
	bool foreign, struct cryo_buffer *records)
{
	if (!foreign || row->type == NT_X86_XSTATE)
		return read_regset(tid, row->type, records);
	if (program->elf_class == ELFCLASS64)
		return row->type == NT_PRFPREG ? read_foreign_floating(tid, records) : -ENODEV;
	return row->type == NT_386_TLS || row->type == NT_386_IOPERM ? -ENODEV : -EIO;
}

/* The general regset, in the form of the program. 0 or -errno. */
static int read_general(int process_dir, pid_t tid, const struct cryo_arch **program,
	struct cryo_buffer *records, bool *ret_foreign, const struct cryo_arch **ret_arch)
{
	size_t start = records->size;
	int r = read_regset(tid, NT_PRSTATUS, records);

	*ret_arch = r > 0 ? cryo_arch_find(cryo_arch_host(), (size_t)r) : NULL;
	if (!*ret_arch)
		return r < 0 ? r : -ENOEXEC;
	if (*program != *ret_arch)
		*program = cryo_foreign_program(process_dir, tid);
	if (!*program)
		*program = *ret_arch;
	*ret_foreign = *program != *ret_arch;
	if (!*ret_foreign)
		return 0;
	records->size = start;
	*ret_arch = *program;
	return read_foreign_general(tid, *program, records);
}

int cryo_registers_read(int process_dir, pid_t tid, const struct cryo_arch **program,
	struct cryo_buffer *records, const struct cryo_arch **ret_arch)
{
	size_t start = records->size;
	struct cryo_registers_record head = {
		.tid = (uint32_t)tid, .n_regsets = 1, .source = CRYO_REGISTERS_PTRACE};
	const struct cryo_arch *arch = NULL;
	bool foreign = false;
	int r = cryo_buffer_add(records, &head, sizeof(head));

	if (r == 0)
		r = read_general(process_dir, tid, program, records, &foreign, &arch);
	for (size_t i = 0; r == 0 && arch->regsets[i].owner; i++) {
		int got = read_other(tid, &arch->regsets[i], arch, foreign, records);

		if (got == -ESRCH || got == -ENOMEM)
			r = got;
		head.n_regsets += got > 0;
		head.incomplete |= got < 0 && !is_absent(got);
	}
	if (r < 0) {
		records->size = start;
		return r;
	}
	head.foreign = foreign;
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
		.incomplete = head.incomplete,
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
