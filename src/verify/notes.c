// SPDX-License-Identifier: MIT
/*
 * Notes one by one. Which there may be: five of the process, those of the architecture's row, the
 * layout of the extended state, and what gdb adds. Which there must be, and how long: a regset that
 * every thread has on an architecture cannot be missing in one.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "elf/prstatus.h"
#include "verify/subject.h"

enum {
	NT_XSAVE_LAYOUT = 0x205, /* NT_X86_XSAVE_LAYOUT, include/uapi/linux/elf.h */
	REGSET_NONE = 32,
};

/* Notes about the process as a whole. */
enum process_note {
	PRPSINFO,
	SIGINFO,
	AUXV,
	FILES,
	XSAVE_LAYOUT,
	N_PROCESS_NOTES
};

static const struct {
	const char *owner, *name;
	uint32_t type;
	bool required;
} process_notes[] = {
	[PRPSINFO] = {"CORE", "PRPSINFO", NT_PRPSINFO, true},
	[SIGINFO] = {"CORE", "SIGINFO", NT_SIGINFO, false},
	[AUXV] = {"CORE", "AUXV", NT_AUXV, true},
	[FILES] = {"CORE", "FILE", NT_FILE, false},
	[XSAVE_LAYOUT] = {"LINUX", "X86_XSAVE_LAYOUT", NT_XSAVE_LAYOUT, false},
};

/* Sizes that are known; @machine 0: of every one. */
static const struct {
	uint16_t machine;
	uint32_t type, min, max;
} sizes[] = {
	{EM_X86_64, NT_PRPSINFO, 136, 136},
	{EM_AARCH64, NT_PRPSINFO, 136, 136},
	{EM_RISCV, NT_PRPSINFO, 136, 136},
	{EM_386, NT_PRPSINFO, 124, 128},
	{0, NT_SIGINFO, 128, 128},
	{EM_X86_64, NT_PRFPREG, 512, 512},
	{EM_386, NT_PRFPREG, 108, 108},
	{EM_AARCH64, NT_PRFPREG, 528, 528},
	{EM_386, NT_PRXFPREG, 512, 512},
	{EM_X86_64, NT_X86_XSTATE, 576, 1 << 16},
	{EM_386, NT_X86_XSTATE, 576, 1 << 16},
	{EM_386, NT_386_TLS, 16, 48},
};

/* Regsets that a thread of x86 always has; others depend on what it did. */
static bool is_constant(uint32_t type)
{
	return type == NT_PRFPREG || type == NT_PRXFPREG || type == NT_X86_XSTATE;
}

struct scan {
	struct cryo_subject *subject;
	size_t counts[N_PROCESS_NOTES];
};

static void check_size(struct cryo_subject *subject, const struct cryo_core_note *note)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i].type != note->type ||
			(sizes[i].machine && sizes[i].machine != subject->core->machine))
			continue;
		if (note->size < sizes[i].min || note->size > sizes[i].max)
			cryo_verdict_add(subject->verdict, "note-size",
				"the %s note 0x%x at %" PRIu64 " has %" PRIu64 " bytes",
				note->owner, note->type, note->offset, note->size);
	}
}

static int add_thread(struct cryo_subject *subject, const struct cryo_core_note *note)
{
	struct cryo_prstatus status;
	struct cryo_thread_notes *thread;

	if (cryo_prstatus_parse(subject->core->arch, note->desc, note->size, &status) < 0)
		return 0;
	if (subject->n_threads == 0)
		subject->signal = status.signal;
	thread = cryo_array_add(subject->threads, subject->n_threads);
	if (!thread)
		return -ENOMEM;
	*thread = (struct cryo_thread_notes){.tid = status.tid,
		.pgrp = status.pgrp,
		.sid = status.sid,
		.fpvalid = status.fpvalid};
	return 0;
}

static uint32_t find_regset(const struct cryo_arch *arch, const struct cryo_core_note *note)
{
	for (uint32_t i = 0; arch->regsets[i].owner && i < REGSET_NONE; i++)
		if (arch->regsets[i].type == note->type &&
			strcmp(arch->regsets[i].owner, note->owner) == 0)
			return i;
	return REGSET_NONE;
}

static void add_regset(
	struct cryo_subject *subject, const struct cryo_core_note *note, uint32_t regset)
{
	struct cryo_thread_notes *thread;

	if (subject->n_threads == 0) {
		cryo_verdict_add(subject->verdict, "notes",
			"registers (%s 0x%x at %" PRIu64 ") belong to no thread", note->owner,
			note->type, note->offset);
		return;
	}
	thread = &subject->threads[subject->n_threads - 1];
	if (thread->regsets & 1u << regset)
		cryo_verdict_add(subject->verdict, "notes",
			"thread %d has the registers %s 0x%x twice", thread->tid, note->owner,
			note->type);
	thread->regsets |= 1u << regset;
}

static bool is_process_note(struct scan *scan, const struct cryo_core_note *note)
{
	for (size_t i = 0; i < N_PROCESS_NOTES; i++)
		if (process_notes[i].type == note->type &&
			strcmp(process_notes[i].owner, note->owner) == 0) {
			scan->counts[i]++;
			return true;
		}
	return false;
}

static int visit(const struct cryo_core_note *note, void *data)
{
	struct scan *scan = data;
	struct cryo_subject *subject = scan->subject;
	uint32_t regset = find_regset(subject->core->arch, note);

	if (strcmp(note->owner, "GDB") == 0) {
		subject->by_gdb = true;
		return 0;
	}
	check_size(subject, note);
	if (note->type == NT_PRSTATUS && strcmp(note->owner, "CORE") == 0)
		return add_thread(subject, note);
	if (regset != REGSET_NONE)
		add_regset(subject, note, regset);
	else if (!is_process_note(scan, note))
		cryo_verdict_add(subject->verdict, "notes",
			"the note %s 0x%x at %" PRIu64 " is not known", note->owner, note->type,
			note->offset);
	return 0;
}

static void check_counts(struct scan *scan)
{
	struct cryo_subject *subject = scan->subject;

	for (size_t i = 0; i < N_PROCESS_NOTES; i++) {
		bool each = i == SIGINFO && subject->by_gdb;

		if (scan->counts[i] > (each ? subject->n_threads : 1))
			cryo_verdict_add(subject->verdict, "notes", "there are %zu %s notes",
				scan->counts[i], process_notes[i].name);
		if (scan->counts[i] == 0 && process_notes[i].required)
			cryo_verdict_add(subject->verdict, "notes", "there is no %s note",
				process_notes[i].name);
	}
	/* The kernel leaves NT_FILE out when it would reach core_file_note_size_limit (4 MiB). */
	if (scan->counts[FILES] == 0 && subject->core->n_loads < 65536 / 4)
		cryo_verdict_add(subject->verdict, "notes", "there is no FILE note");
}

static uint32_t all_regsets(const struct cryo_subject *subject)
{
	const struct cryo_regset_row *rows = subject->core->arch->regsets;
	uint32_t seen = 0, constant = 0;

	for (size_t i = 0; i < subject->n_threads; i++)
		seen |= subject->threads[i].regsets;
	for (uint32_t i = 0; rows[i].owner && i < REGSET_NONE; i++)
		constant |= is_constant(rows[i].type) ? 1u << i : 0;
	return seen & constant;
}

static void check_thread(
	struct cryo_subject *subject, const struct cryo_thread_notes *thread, uint32_t expected)
{
	const struct cryo_regset_row *rows = subject->core->arch->regsets;

	for (uint32_t i = 0; rows[i].owner && i < REGSET_NONE; i++) {
		bool wanted = expected & 1u << i || (thread->fpvalid && rows[i].type == NT_PRFPREG);

		if (wanted && !(thread->regsets & 1u << i))
			cryo_verdict_add(subject->verdict, "notes",
				"thread %d lacks the registers %s 0x%x", thread->tid, rows[i].owner,
				rows[i].type);
	}
}

int cryo_check_notes(struct cryo_subject *subject)
{
	struct scan scan = {.subject = subject};
	int r = cryo_core_for_each_note(subject->core, visit, &scan);

	if (r == -EBADMSG)
		cryo_verdict_add(
			subject->verdict, "notes", "a note reaches beyond the others' end");
	else if (r == -E2BIG)
		cryo_verdict_add(subject->verdict, "notes", "a note is too long to be one");
	else if (r < 0)
		return r;
	check_counts(&scan);
	if (subject->all_stopped)
		for (size_t i = 0; i < subject->n_threads; i++)
			check_thread(subject, &subject->threads[i], all_regsets(subject));
	return 0;
}
