// SPDX-License-Identifier: MIT
/*
 * A visitor of all notes, which picks three types. Lengths in the notes are compared with what is
 * there before anything is believed; what does not fit is left out and remembered as damage.
 *
 * Pointers into growing buffers are made when these have stopped growing.
 */
#include "elf/core_process.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "elf/encode.h"
#include "elf/prstatus.h"

static int add_thread(struct cryo_core_process *process, const struct cryo_core_note *note)
{
	struct cryo_prstatus status;
	struct cryo_core_thread *thread;
	const struct cryo_arch *arch = process->arch;
	int r = cryo_prstatus_parse(arch, note->desc, note->size, &status);
	uint16_t word = (uint16_t)arch->gpr_word;

	if (r < 0) {
		process->damage |= CRYO_CORE_PRSTATUS_SIZE;
		return 0;
	}
	thread = cryo_array_add(process->threads, process->n_threads);
	if (!thread)
		return -ENOMEM;
	*thread = (struct cryo_core_thread){
		.tid = status.tid,
		.pc = cryo_decode(arch->elf_data, status.registers,
			(struct cryo_field){(uint16_t)arch->pc, word}),
		.sp = cryo_decode(arch->elf_data, status.registers,
			(struct cryo_field){(uint16_t)arch->sp, word}),
	};
	return cryo_buffer_add(&process->registers, status.registers, arch->gpr_size);
}

static uint64_t word_at(const struct cryo_arch *arch, const uint8_t *desc, size_t index)
{
	size_t word = cryo_arch_word(arch);

	return cryo_decode(
		arch->elf_data, desc + index * word, (struct cryo_field){0, (uint16_t)word});
}

/* The line number @i of the note; false if it is no range. */
static bool parse_file(struct cryo_core_process *process, const uint8_t *desc, size_t i,
	struct cryo_core_file *ret_file)
{
	struct cryo_core_file file = {
		.start = word_at(process->arch, desc, 2 + 3 * i),
		.end = word_at(process->arch, desc, 3 + 3 * i),
	};

	if (file.start >= file.end ||
		__builtin_mul_overflow(
			word_at(process->arch, desc, 4 + 3 * i), process->page_size, &file.offset))
		return false;
	*ret_file = file;
	return true;
}

/* Names follow the ranges; each file holds the offset of its own until all are there. */
static int add_files(struct cryo_core_process *process, const uint8_t *desc, size_t size,
	size_t count, size_t names)
{
	for (size_t i = 0, at = names; i < count; i++) {
		size_t length = strnlen((const char *)desc + at, size - at);
		struct cryo_core_file file, *added;
		int r;

		if (at + length >= size) {
			process->damage |= CRYO_CORE_FILE_SHORT;
			return 0;
		}
		if (parse_file(process, desc, i, &file)) {
			added = cryo_array_add(process->files, process->n_files);
			if (!added)
				return -ENOMEM;
			*added = file;
			r = cryo_buffer_add(&process->names, desc + at, length + 1);
			if (r < 0)
				return r;
		} else {
			process->damage |= CRYO_CORE_FILE_RANGE;
		}
		at += length + 1;
	}
	return 0;
}

static int read_files(struct cryo_core_process *process, const struct cryo_core_note *note)
{
	size_t word = cryo_arch_word(process->arch);
	uint64_t count;

	if (process->has_files)
		return 0;
	process->has_files = true;
	if (note->size < 2 * word) {
		process->damage |= CRYO_CORE_FILE_SHORT;
		return 0;
	}
	count = word_at(process->arch, note->desc, 0);
	process->page_size = word_at(process->arch, note->desc, 1);
	if (count > (note->size / word - 2) / 3) {
		process->damage |= CRYO_CORE_FILE_SHORT;
		return 0;
	}
	return add_files(process, note->desc, note->size, count, (2 + 3 * count) * word);
}

static int read_auxv(struct cryo_core_process *process, const struct cryo_core_note *note)
{
	if (note->size == 0 || note->size % (2 * cryo_arch_word(process->arch)) != 0)
		process->damage |= CRYO_CORE_AUXV_SIZE;
	return process->auxv.size ? 0 : cryo_buffer_add(&process->auxv, note->desc, note->size);
}

static int visit(const struct cryo_core_note *note, void *data)
{
	if (strcmp(note->owner, "CORE") != 0)
		return 0;
	switch (note->type) {
	case NT_PRSTATUS:
		return add_thread(data, note);
	case NT_FILE:
		return read_files(data, note);
	case NT_AUXV:
		return read_auxv(data, note);
	default:
		return 0;
	}
}

static void link_pointers(struct cryo_core_process *process)
{
	const char *name = (const char *)process->names.data;

	for (size_t i = 0; i < process->n_threads; i++)
		process->threads[i].registers =
			process->registers.data + i * process->arch->gpr_size;
	for (size_t i = 0; i < process->n_files; i++) {
		process->files[i].name = name;
		name += strlen(name) + 1;
	}
}

int cryo_core_process_read(const struct cryo_core *core, struct cryo_core_process *ret_process)
{
	struct cryo_core_process process = {.arch = core->arch};
	int r;

	*ret_process = process;
	if (!core->arch || core->arch->elf_data != core->elf_data)
		return -ENOEXEC;
	r = cryo_core_for_each_note(core, visit, &process);
	if (r != -ENOMEM)
		link_pointers(&process);
	*ret_process = process;
	return r;
}

void cryo_core_process_clear(struct cryo_core_process *process)
{
	free(process->threads);
	free(process->files);
	cryo_buffer_clear(&process->auxv);
	cryo_buffer_clear(&process->names);
	cryo_buffer_clear(&process->registers);
	*process = (struct cryo_core_process){0};
}

const char *cryo_core_note_damage_text(enum cryo_core_note_damage damage)
{
	switch (damage) {
	case CRYO_CORE_PRSTATUS_SIZE:
		return "a PRSTATUS note has not the size of its architecture";
	case CRYO_CORE_FILE_SHORT:
		return "the FILE note ends before its mappings or names do";
	case CRYO_CORE_FILE_RANGE:
		return "the FILE note has a mapping that ends before it begins";
	case CRYO_CORE_AUXV_SIZE:
		return "the AUXV note is not made of pairs of words";
	}
	return "";
}
