// SPDX-License-Identifier: MIT
/*
 * What the notes say, against the segments and against each other.
 *
 * A process that a wild jump or a stack overflow killed has a pc or sp in no mapping: of the thread
 * that took SIGSEGV, SIGBUS or SIGILL nothing is expected. Threads of io_uring have never been in
 * user space: both are 0.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proc/auxv.h"
#include "verify/subject.h"

enum {
	PAGE = 4096
};

/* The last file mapping that begins at or before an address. They are sorted; NULL if none. */
static const struct cryo_core_file *find_file(const struct cryo_subject *subject, uint64_t address)
{
	size_t low = 0, high = subject->process.n_files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (subject->process.files[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &subject->process.files[low - 1] : NULL;
}

bool cryo_subject_maps(const struct cryo_subject *subject, uint64_t address)
{
	const struct cryo_core_file *file = find_file(subject, address);

	return cryo_core_find_load(subject->core, address) || (file && address < file->end);
}

static int compare_tids(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

static void check_tids(struct cryo_subject *subject)
{
	_cleanup_free_ pid_t *tids = calloc(subject->n_threads + 1, sizeof(*tids));

	if (!tids) {
		subject->verdict->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < subject->n_threads; i++)
		tids[i] = subject->threads[i].tid;
	qsort(tids, subject->n_threads, sizeof(*tids), compare_tids);
	for (size_t i = 0; i < subject->n_threads; i++) {
		if (tids[i] <= 0)
			cryo_verdict_add(
				subject->verdict, "threads", "a thread has the number %d", tids[i]);
		if (i > 0 && tids[i] > 0 && tids[i] == tids[i - 1])
			cryo_verdict_add(subject->verdict, "threads",
				"two threads have the number %d", tids[i]);
	}
}

static void check_groups(struct cryo_subject *subject)
{
	for (size_t i = 1; i < subject->n_threads; i++) {
		const struct cryo_thread_notes *thread = &subject->threads[i];

		if (thread->pgrp != subject->threads[0].pgrp ||
			thread->sid != subject->threads[0].sid)
			cryo_verdict_add(subject->verdict, "threads",
				"thread %d is of another process group or session than the first",
				thread->tid);
	}
}

static bool killed_by_fault(const struct cryo_subject *subject)
{
	return subject->signal == SIGSEGV || subject->signal == SIGBUS || subject->signal == SIGILL;
}

static void check_registers(struct cryo_subject *subject)
{
	for (size_t i = killed_by_fault(subject) ? 1 : 0; i < subject->process.n_threads; i++) {
		const struct cryo_core_thread *thread = &subject->process.threads[i];

		if (thread->pc == 0 && thread->sp == 0)
			continue;
		if (!cryo_subject_maps(subject, thread->pc))
			cryo_verdict_add(subject->verdict, "registers",
				"thread %d: its pc 0x%" PRIx64 " is in no mapping", thread->tid,
				thread->pc);
		if (!cryo_subject_maps(subject, thread->sp))
			cryo_verdict_add(subject->verdict, "registers",
				"thread %d: its sp 0x%" PRIx64 " is in no mapping", thread->tid,
				thread->sp);
	}
}

static void check_threads(struct cryo_subject *subject)
{
	if (subject->n_threads == 0)
		cryo_verdict_add(subject->verdict, "threads", "there is no thread in it");
	if (subject->claimed_threads >= 0 &&
		(uint64_t)subject->claimed_threads != subject->n_threads)
		cryo_verdict_add(subject->verdict, "threads",
			"it has %zu threads, but was made with %" PRId64, subject->n_threads,
			subject->claimed_threads);
	check_tids(subject);
	check_groups(subject);
	check_registers(subject);
}

static bool is_segment(const struct cryo_subject *subject, const struct cryo_core_file *file)
{
	const struct cryo_phdr *load = cryo_core_find_load(subject->core, file->start);

	return load && load->vaddr == file->start && load->memsz == file->end - file->start;
}

static bool touches_segment(const struct cryo_subject *subject, const struct cryo_core_file *file)
{
	return cryo_core_find_load(subject->core, file->start) ||
	       cryo_core_find_load(subject->core, file->end - 1);
}

static void check_file(struct cryo_subject *subject, size_t i, bool all_are_segments)
{
	const struct cryo_core_file *file = &subject->process.files[i];

	if (file->start % PAGE || file->end % PAGE)
		cryo_verdict_add(subject->verdict, "files",
			"the mapping of '%.200s' at 0x%" PRIx64 " is not made of pages", file->name,
			file->start);
	if (i > 0 && file->start < subject->process.files[i - 1].end)
		cryo_verdict_add(subject->verdict, "files",
			"the mapping of '%.200s' at 0x%" PRIx64 " overlaps the one before",
			file->name, file->start);
	if (!is_segment(subject, file) && (all_are_segments || touches_segment(subject, file)))
		cryo_verdict_add(subject->verdict, "files",
			"the mapping of '%.200s' at 0x%" PRIx64 " is not a segment", file->name,
			file->start);
}

static void check_files(struct cryo_subject *subject)
{
	const struct cryo_core_process *process = &subject->process;
	size_t segments = 0;
	bool all;

	for (size_t i = 0; i < process->n_files; i++)
		segments += is_segment(subject, &process->files[i]);
	all = !subject->by_gdb && process->n_files - segments <= process->n_files / 4;
	for (size_t i = 0; i < process->n_files; i++)
		check_file(subject, i, all);
	if (process->has_files && (process->page_size == 0 || process->page_size > 1 << 21 ||
					  process->page_size & (process->page_size - 1)))
		cryo_verdict_add(subject->verdict, "files",
			"the FILE note counts in pages of %" PRIu64 " bytes", process->page_size);
}

/* Addresses in the auxiliary vector. Those on the stack are left out: a process may unmap them. */
static const struct {
	const char *name;
	uint64_t type;
} addresses[] = {
	{"AT_PHDR", AT_PHDR},
	{"AT_ENTRY", AT_ENTRY},
	{"AT_BASE", AT_BASE},
	{"AT_SYSINFO_EHDR", AT_SYSINFO_EHDR},
};

static void check_auxv(struct cryo_subject *subject)
{
	const struct cryo_buffer *auxv = &subject->process.auxv;
	size_t word = cryo_arch_word(subject->core->arch);
	uint64_t value, phent = word == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (auxv->size == 0)
		return;
	if (cryo_auxv_size(auxv->data, auxv->size, word) == 0)
		cryo_verdict_add(subject->verdict, "auxv", "the auxiliary vector has no end");
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (cryo_auxv_get(auxv->data, auxv->size, word, addresses[i].type, &value) &&
			value && !cryo_subject_maps(subject, value))
			cryo_verdict_add(subject->verdict, "auxv",
				"%s 0x%" PRIx64 " is in no mapping", addresses[i].name, value);
	if (cryo_auxv_get(auxv->data, auxv->size, word, AT_PHENT, &value) && value != phent)
		cryo_verdict_add(subject->verdict, "auxv", "AT_PHENT is %" PRIu64, value);
	if (cryo_auxv_get(auxv->data, auxv->size, word, AT_PAGESZ, &value) &&
		(value < PAGE || value & (value - 1) ||
			(subject->process.page_size > 1 && value != subject->process.page_size)))
		cryo_verdict_add(subject->verdict, "auxv", "AT_PAGESZ is %" PRIu64, value);
}

void cryo_check_process(struct cryo_subject *subject)
{
	check_threads(subject);
	check_files(subject);
	check_auxv(subject);
}
