// SPDX-License-Identifier: MIT
/*
 * A thread that is blocked in the kernel stands still, whatever keeps it there, so the little that
 * the kernel tells of it is true; of one that runs nothing is known but that it exists.
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
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/syscall.h"

static int choose_arch(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	Elf64_Ehdr header; /* e_ident and e_machine stand alike in both classes */

	if (process->arch)
		return 0;
	if (inspector->exe < 0)
		return inspector->exe_error;
	if (cryo_io_pread(inspector->exe, &header, sizeof(header), 0) < (ssize_t)sizeof(Elf32_Ehdr))
		return -ENOEXEC;
	process->arch = cryo_arch_by_elf(header.e_machine, header.e_ident[EI_CLASS]);
	return process->arch ? 0 : -ENOEXEC;
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
	int r = cryo_procfs_list(inspector->identity->dir, "task", &tids, &count);

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
}

static int add_registers(
	const struct cryo_inspector *inspector, struct cryo_process *process, size_t held)
{
	size_t size = process->arch->gpr_size;

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
		read_syscall(inspector, process->arch, thread, registers);
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
