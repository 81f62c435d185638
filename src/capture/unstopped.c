// SPDX-License-Identifier: MIT
/*
 * A thread that is blocked in the kernel stands still, whatever keeps it there, so what the kernel
 * tells of it is true: all general registers to a BPF program, pc and sp to everybody. One that
 * runs can be asked by BPF only.
 */
#include "capture/unstopped.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/array.h"
#include "base/io.h"
#include "proc/auxv.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/syscall.h"
#include "trace/bpf.h"

enum {
	AUXV_LIMIT = 1 << 16
};

static int choose_by_exe(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	Elf64_Ehdr header; /* e_ident and e_machine stand alike in both classes */

	if (cryo_io_pread(inspector->exe, &header, sizeof(header), 0) < (ssize_t)sizeof(Elf32_Ehdr))
		return -ENOEXEC;
	process->arch = cryo_arch_by_elf(header.e_machine, header.e_ident[EI_CLASS]);
	return process->arch ? 0 : -ENOEXEC;
}

static int choose_by_auxv(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer auxv = {0};
	int r = cryo_procfs_read(inspector->live_dir, "auxv", AUXV_LIMIT, &auxv);
	size_t word = r < 0 ? 0 : cryo_auxv_word(auxv.data, auxv.size);

	if (r < 0)
		return r;
	process->arch = word ? cryo_arch_by_word(cryo_arch_host(), word) : NULL;
	return process->arch ? 0 : -ENOEXEC;
}

/* An executable that may not be opened, or that lies with a server that may not answer, is told by
 * the kernel's vector. */
static int choose_arch(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	int r = process->arch ? 0 : -ENOEXEC;

	if (r < 0 && inspector->exe >= 0)
		r = choose_by_exe(inspector, process);
	if (r < 0)
		r = choose_by_auxv(inspector, process);
	return r < 0 && !cryo_memory_is_alive(&inspector->memory) ? -ESRCH : r;
}

static int compare_tids(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

/* The ids of the threads that are held, sorted. NULL when memory is short. */
static pid_t *held_tids(const struct cryo_process *process)
{
	pid_t *tids = malloc((process->n_threads + 1) * sizeof(*tids));

	for (size_t i = 0; tids && i < process->n_threads; i++)
		tids[i] = process->threads[i].tid;
	if (tids)
		qsort(tids, process->n_threads, sizeof(*tids), compare_tids);
	return tids;
}

static bool is_alive(const struct cryo_inspector *inspector, pid_t tid)
{
	_cleanup_close_ int dir =
		cryo_procfs_open_task(inspector->procfs, inspector->identity->pid, tid);
	struct cryo_stat stat;

	return dir >= 0 && cryo_stat_read(dir, &stat) == 0 && !strchr("ZXx", stat.state);
}

/* Threads are added without regsets first, since these point into one block of memory. */
static int add_threads(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_free_ pid_t *tids = NULL, *held = held_tids(process);
	size_t count, n_held = process->n_threads;
	int r = cryo_procfs_list_threads(inspector->identity->dir, &tids, &count);

	if (!held)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++) {
		struct cryo_thread *thread;

		if (bsearch(&tids[i], held, n_held, sizeof(*held), compare_tids) ||
			!is_alive(inspector, tids[i]))
			continue;
		thread = cryo_array_add(process->threads, process->n_threads);
		if (thread)
			*thread = (struct cryo_thread){.tid = tids[i]};
		else
			r = -ENOMEM;
	}
	return r;
}

static void put(const struct cryo_arch *arch, uint8_t *registers, uint32_t offset, uint64_t value)
{
	memcpy(registers + offset, &value, arch->gpr_word);
}

static uint64_t bit_of(const struct cryo_arch *arch, uint32_t offset)
{
	return 1ULL << offset / arch->gpr_word;
}

static uint64_t all_registers(const struct cryo_arch *arch)
{
	return bit_of(arch, arch->gpr_size) - 1;
}

static void read_syscall(const struct cryo_inspector *inspector, const struct cryo_arch *arch,
	struct cryo_thread *thread, uint8_t *registers)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_syscall found;
	char name[48];

	snprintf(name, sizeof(name), "task/%d/syscall", thread->tid);
	if (cryo_procfs_read(inspector->identity->dir, name, 512, &text) < 0 || !text.size ||
		cryo_syscall_parse((const char *)text.data, text.size, &found) != 0)
		return;
	put(arch, registers, arch->sp, found.sp);
	put(arch, registers, arch->pc, found.pc);
	thread->source = CRYO_REGISTERS_SYSCALL;
	thread->unknown &= ~(bit_of(arch, arch->sp) | bit_of(arch, arch->pc));
}

static int compare_threads(const void *left, const void *right)
{
	return compare_tids(&((const struct cryo_bpf_thread *)left)->tid,
		&((const struct cryo_bpf_thread *)right)->tid);
}

/* All that BPF tells, sorted; it is not an error if that is nothing. */
static struct cryo_bpf_thread *read_bpf(const struct cryo_inspector *inspector,
	const struct cryo_process *process, size_t *ret_count)
{
	_cleanup_bpf_ struct cryo_bpf late = CRYO_BPF_NONE;
	const struct cryo_bpf *bpf = &inspector->early.bpf;
	struct cryo_bpf_thread *found = NULL;

	*ret_count = 0;
	if (bpf->program < 0 && !inspector->cautious && cryo_bpf_open(&late) == 0)
		bpf = &late;
	if (bpf->program < 0 ||
		cryo_bpf_read(bpf, process->pid, process->arch, &found, ret_count) < 0)
		return NULL;
	qsort(found, *ret_count, sizeof(*found), compare_threads);
	return found;
}

/* Registers of a thread that was running all the while are of an earlier time, and not taken. */
static void take_registers(const struct cryo_inspector *inspector, const struct cryo_arch *arch,
	const struct cryo_bpf_thread *found, size_t count, struct cryo_thread *thread,
	uint8_t *registers)
{
	const struct cryo_bpf_thread key = {.tid = thread->tid},
				     *match = count ? bsearch(&key, found, count, sizeof(*found),
							      compare_threads)
						    : NULL;

	if (!match || !match->steady) {
		read_syscall(inspector, arch, thread, registers);
		return;
	}
	memcpy(registers, match->general, arch->gpr_size);
	thread->unknown = match->unknown;
	thread->source = CRYO_REGISTERS_BPF;
}

static int add_registers(
	const struct cryo_inspector *inspector, struct cryo_process *process, size_t held)
{
	size_t size = process->arch->gpr_size, count;
	_cleanup_free_ struct cryo_bpf_thread *found = read_bpf(inspector, process, &count);

	process->loose_registers = calloc(process->n_threads - held, size);
	if (!process->loose_registers)
		return -ENOMEM;
	for (size_t i = held; i < process->n_threads; i++) {
		struct cryo_thread *thread = &process->threads[i];
		uint8_t *registers = process->loose_registers + (i - held) * size;

		thread->regsets = malloc(sizeof(*thread->regsets));
		if (!thread->regsets)
			return -ENOMEM;
		thread->regsets[0] = (struct cryo_regset){NT_PRSTATUS, (uint32_t)size, registers};
		thread->n_regsets = 1;
		thread->unknown = all_registers(process->arch);
		take_registers(inspector, process->arch, found, count, thread, registers);
	}
	return 0;
}

int cryo_unstopped_add(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	size_t held = process->n_threads;
	int r = choose_arch(inspector, process);

	if (r == 0)
		r = add_threads(inspector, process);
	if (r == 0 && process->n_threads == 0)
		r = -ESRCH;
	if (r < 0 || process->n_threads == held)
		return r;
	return add_registers(inspector, process, held);
}

/* The names of those registers whose bit is set. */
static int name_set(const struct cryo_arch *arch, uint64_t set, struct cryo_buffer *text)
{
	const char *name = arch->gpr_names;
	bool first = true;
	int r = 0;

	for (; *name && r == 0; set >>= 1) {
		size_t length = strcspn(name, " ");

		if (set & 1)
			r = cryo_buffer_printf(text, "%s%.*s", first ? "" : ",", (int)length, name);
		first &= !(set & 1);
		name += length + strspn(name + length, " ");
	}
	return r;
}

int cryo_unstopped_name_unknown(
	const struct cryo_arch *arch, uint64_t unknown, struct cryo_buffer *text)
{
	uint64_t all = all_registers(arch);
	int r;

	if (unknown == all)
		return cryo_buffer_add(text, "all", 3);
	if (__builtin_popcountll(unknown) * 2 < __builtin_popcountll(all))
		return name_set(arch, unknown, text);
	r = cryo_buffer_printf(text, "all but ");
	return r < 0 ? r : name_set(arch, all & ~unknown, text);
}
