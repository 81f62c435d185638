// SPDX-License-Identifier: MIT
/*
 * The order of the notes, and the frame of one: sizes of owner and desc, type, owner, desc, with
 * zeros up to a multiple of 4 behind each of the last two; 4 in 64-bit cores too, as the kernel
 * has it.
 *
 * A regset is written under the owner that the row of the architecture gives its type. The row also
 * fixes the order, whatever the order in the thread; a type without a row is not written, for
 * a kernel core would not have it either (a 64-bit tracer's view offers more than the core's).
 */
#include "elf/notes.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/encode.h"
#include "elf/notes_internal.h"

enum {
	NOTE_XSAVE_LAYOUT = 0x205, /* NT_X86_XSAVE_LAYOUT, since Linux 6.12 */
	NOTE_ALIGN = 4,
};

int cryo_note_add(struct cryo_buffer *notes, const struct cryo_arch *arch, const char *owner,
	uint32_t type, const void *desc, size_t desc_size)
{
	size_t owner_size = strlen(owner) + 1;
	uint8_t head[12];
	int r;

	if (desc_size > UINT32_MAX - NOTE_ALIGN)
		return -E2BIG;
	cryo_encode(arch->elf_data, head, (struct cryo_field){0, 4}, owner_size);
	cryo_encode(arch->elf_data, head, (struct cryo_field){4, 4}, desc_size);
	cryo_encode(arch->elf_data, head, (struct cryo_field){8, 4}, type);
	r = cryo_buffer_add(notes, head, sizeof(head));
	if (r == 0)
		r = cryo_buffer_add(notes, owner, owner_size);
	if (r == 0)
		r = cryo_buffer_align(notes, NOTE_ALIGN);
	if (r == 0)
		r = cryo_buffer_add(notes, desc, desc_size);
	return r < 0 ? r : cryo_buffer_align(notes, NOTE_ALIGN);
}

static const struct cryo_regset *find_regset(const struct cryo_thread *thread, uint32_t type)
{
	for (size_t i = 0; i < thread->n_regsets; i++)
		if (thread->regsets[i].type == type)
			return &thread->regsets[i];
	return NULL;
}

static int add_regsets(
	const struct cryo_arch *arch, const struct cryo_thread *thread, struct cryo_buffer *notes)
{
	int r = 0;

	for (const struct cryo_regset_row *row = arch->regsets; row->owner && r == 0; row++) {
		const struct cryo_regset *set = find_regset(thread, row->type);

		if (set)
			r = cryo_note_add(notes, arch, row->owner, row->type, set->data, set->size);
	}
	return r;
}

/* The notes about the whole process, which stand behind the first thread's PRSTATUS. */
static int add_process_notes(const struct cryo_process *process, struct cryo_buffer *notes)
{
	const struct cryo_arch *arch = process->arch;
	int r = cryo_note_prpsinfo(process, notes);

	if (r == 0)
		r = cryo_note_add(notes, arch, "CORE", NT_SIGINFO, process->siginfo,
			sizeof(process->siginfo));
	if (r == 0 && process->auxv_size)
		r = cryo_note_add(notes, arch, "CORE", NT_AUXV, process->auxv, process->auxv_size);
	return r < 0 ? r : cryo_note_file(process, notes);
}

static int add_thread_notes(
	const struct cryo_process *process, size_t index, struct cryo_buffer *notes)
{
	const struct cryo_thread *thread = &process->threads[index];
	int r = cryo_note_prstatus(process, thread, notes);

	if (r == 0 && index == 0)
		r = add_process_notes(process, notes);
	return r < 0 ? r : add_regsets(process->arch, thread, notes);
}

int cryo_notes_build(const struct cryo_process *process, struct cryo_buffer *notes)
{
	size_t start = notes->size;
	int r = 0;

	if (!process->arch || process->n_threads == 0 || process->page_size == 0)
		return -EINVAL;
	for (size_t i = 0; i < process->n_threads && r == 0; i++)
		r = add_thread_notes(process, i, notes);
	if (r == 0 && process->xsave_layout_size)
		r = cryo_note_add(notes, process->arch, "LINUX", NOTE_XSAVE_LAYOUT,
			process->xsave_layout, process->xsave_layout_size);
	if (r < 0)
		return r;
	return notes->size - start > UINT32_MAX ? -E2BIG : 0;
}
