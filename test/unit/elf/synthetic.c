// SPDX-License-Identifier: MIT
#include "synthetic.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

const struct synthetic_machine synthetic_machines[4] = {
	{EM_X86_64, ELFCLASS64},
	{EM_386, ELFCLASS32},
	{EM_AARCH64, ELFCLASS64},
	{EM_RISCV, ELFCLASS64},
};

const struct cryo_arch *synthetic_arch(size_t index)
{
	return cryo_arch_by_elf(
		synthetic_machines[index].machine, synthetic_machines[index].elf_class);
}

static uint8_t general[512];
static const uint8_t floating[8] = {0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8};

static void fill_thread(struct cryo_thread *thread, const struct cryo_arch *arch, pid_t tid)
{
	thread->tid = tid + 1000;
	thread->ns_tid = tid;
	thread->ppid = 0x05060708;
	thread->pending = 0x0000000300000201;
	thread->blocked = 0xfffffffe7ffbfeff;
	thread->times = (struct cryo_times){1000002, 3000004, 5000006, 7000008};
	thread->source = CRYO_REGISTERS_PTRACE;
	thread->regsets = calloc(2, sizeof(*thread->regsets));
	thread->n_regsets = 2;
	thread->regsets[0] = (struct cryo_regset){NT_PRSTATUS, arch->gpr_size, general};
	thread->regsets[1] = (struct cryo_regset){NT_PRFPREG, sizeof(floating), floating};
}

static void fill_vmas(struct cryo_process *process)
{
	static const struct cryo_vma vmas[] = {
		{.start = 0x10000,
			.end = 0x12000,
			.offset = 0x3000,
			.flags = CRYO_VM_READ | CRYO_VM_EXEC,
			.kind = CRYO_VMA_FILE,
			.anonymous = 4096,
			.n_links = 1},
		{.start = 0x20000,
			.end = 0x21000,
			.flags = CRYO_VM_READ | CRYO_VM_WRITE,
			.anonymous = 4096,
			.n_links = ~(nlink_t)0},
		{.start = 0xff000000,
			.end = 0xff001000,
			.flags = CRYO_VM_READ | CRYO_VM_EXEC,
			.kind = CRYO_VMA_SPECIAL,
			.n_links = ~(nlink_t)0},
	};

	process->vmas = calloc(3, sizeof(*process->vmas));
	memcpy(process->vmas, vmas, sizeof(vmas));
	process->vmas[0].name = strdup("/bin/x");
	process->vmas[2].name = strdup("[vdso]");
	process->n_vmas = 3;
}

struct cryo_process synthetic_process(const struct cryo_arch *arch)
{
	struct cryo_process process = {
		.arch = arch,
		.page_size = 4096,
		.pid = 4242,
		.ns_pid = 0x01020304,
		.ppid = 0x05060708,
		.pgrp = 0x11121314,
		.sid = 0x21222324,
		.state = 'S',
		.nice = -5,
		.task_flags = 0x0000000140400100,
		.uid = 0x31323334,
		.gid = 0x0000abcd,
		.overflow_uid = 65534,
		.overflow_gid = 65533,
		.comm = "a) b\nc",
		.psargs = "prog -x arg ",
		.coredump_filter = 0x33,
		.n_threads = 2,
	};

	for (size_t i = 0; i < sizeof(general); i++)
		general[i] = (uint8_t)(i + 1);
	process.auxv_size = 4 * cryo_arch_word(arch);
	process.auxv = calloc(1, process.auxv_size);
	process.auxv[0] = AT_PAGESZ;
	process.threads = calloc(2, sizeof(*process.threads));
	fill_thread(&process.threads[0], arch, 0x01020304);
	fill_thread(&process.threads[1], arch, 0x01020305);
	fill_vmas(&process);
	return process;
}

void expect_structure(const char *what, const uint8_t *structure, size_t size,
	const struct expected_bytes *pieces, size_t n_pieces)
{
	uint8_t *expected = calloc(1, size);

	for (size_t i = 0; i < n_pieces; i++) {
		cr_assert_leq(
			pieces[i].offset + pieces[i].size, size, "%s: %zu", what, pieces[i].offset);
		memcpy(expected + pieces[i].offset, pieces[i].bytes, pieces[i].size);
	}
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(structure[i], expected[i], "%s: byte %zu is %02x, not %02x", what, i,
			structure[i], expected[i]);
	free(expected);
}

const uint8_t *note_at(const struct cryo_buffer *notes, size_t index, uint32_t *ret_type,
	size_t *ret_size, const char **ret_owner)
{
	size_t at = 0;
	uint32_t head[3];

	for (size_t i = 0;; i++) {
		size_t owner_size, desc_at;

		if (at >= notes->size)
			return NULL;
		memcpy(head, notes->data + at, sizeof(head));
		owner_size = (head[0] + 3) & ~3u;
		desc_at = at + 12 + owner_size;
		cr_assert_leq(desc_at + head[1], notes->size);
		if (i == index) {
			*ret_type = head[2];
			*ret_size = head[1];
			*ret_owner = (const char *)notes->data + at + 12;
			cr_assert_eq(head[0], strlen(*ret_owner) + 1);
			return notes->data + desc_at;
		}
		at = desc_at + ((head[1] + 3) & ~3u);
	}
}
