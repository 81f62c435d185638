// SPDX-License-Identifier: MIT
/*
 * NT_FILE (fs/binfmt_elf.c fill_files_note()): a count, the unit of the offsets, {start, end,
 * offset} of each mapping that has a file (there may be none), all in words, and then the names,
 * each ended by a NUL. The unit is the page size and the offsets are in pages.
 *
 * The kernel leaves the note out once its buffer reaches core_file_note_size_limit (4 MiB). That
 * limit protects kernel memory, and says nothing about the reader; here the note is kept.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/encode.h"
#include "elf/notes.h"
#include "elf/notes_internal.h"

static int add_word(struct cryo_buffer *desc, const struct cryo_arch *arch, uint64_t value)
{
	uint16_t word = (uint16_t)cryo_arch_word(arch);
	uint8_t *at = cryo_buffer_add_zero(desc, word);

	if (!at)
		return -ENOMEM;
	cryo_encode(arch->elf_data, at, (struct cryo_field){0, word}, value);
	return 0;
}

static int add_words(
	struct cryo_buffer *desc, const struct cryo_arch *arch, const uint64_t *values, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_word(desc, arch, values[i]);
	return r;
}

static size_t count_files(const struct cryo_process *process)
{
	size_t count = 0;

	for (size_t i = 0; i < process->n_vmas; i++)
		count += process->vmas[i].kind == CRYO_VMA_FILE;
	return count;
}

static int add_ranges(const struct cryo_process *process, struct cryo_buffer *desc)
{
	int r = 0;

	for (size_t i = 0; i < process->n_vmas && r == 0; i++) {
		const struct cryo_vma *vma = &process->vmas[i];
		const uint64_t range[] = {vma->start, vma->end, vma->offset / process->page_size};

		if (vma->kind == CRYO_VMA_FILE)
			r = add_words(desc, process->arch, range, 3);
	}
	return r;
}

static int add_names(const struct cryo_process *process, struct cryo_buffer *desc)
{
	int r = 0;

	for (size_t i = 0; i < process->n_vmas && r == 0; i++) {
		const struct cryo_vma *vma = &process->vmas[i];
		const char *name = vma->name ? vma->name : "";

		if (vma->kind == CRYO_VMA_FILE)
			r = cryo_buffer_add(desc, name, strlen(name) + 1);
	}
	return r;
}

int cryo_note_file(const struct cryo_process *process, struct cryo_buffer *notes)
{
	const uint64_t head[] = {count_files(process), process->page_size};
	_cleanup_buffer_ struct cryo_buffer desc = {0};
	int r;

	r = add_words(&desc, process->arch, head, 2);
	if (r == 0)
		r = add_ranges(process, &desc);
	if (r == 0)
		r = add_names(process, &desc);
	if (r < 0)
		return r;
	return cryo_note_add(notes, process->arch, "CORE", NT_FILE, desc.data, desc.size);
}
