// SPDX-License-Identifier: MIT
/*
 * What the notes of a core say about its process: threads, mapped files, auxiliary vector. The
 * other direction of notes.h, for cores of anybody's making.
 */
#pragma once

#include "elf/core.h"

/**
 * struct cryo_core_thread - one NT_PRSTATUS.
 * @tid: in the process's own pid namespace
 * @registers: general regset, arch->gpr_size bytes
 * @pc, @sp: from it
 */
struct cryo_core_thread {
	pid_t tid;
	const uint8_t *registers;
	uint64_t pc, sp;
};

/* One line of NT_FILE. @offset in bytes; @name raw. */
struct cryo_core_file {
	uint64_t start, end, offset;
	const char *name;
};

/* What can be wrong with the notes themselves. */
enum cryo_core_note_damage {
	CRYO_CORE_PRSTATUS_SIZE = 1 << 0, /* not that of the architecture: the thread is left out */
	CRYO_CORE_FILE_SHORT = 1 << 1,    /* NT_FILE ends before its mappings or names do */
	CRYO_CORE_FILE_RANGE = 1 << 2,    /* a mapping in NT_FILE that ends before it begins */
	CRYO_CORE_AUXV_SIZE = 1 << 3,     /* no pairs of words */
};

/**
 * struct cryo_core_process - all of it, owned.
 * @arch: of the core
 * @threads: in the order of the file
 * @files: in the order of the note
 * @page_size: the unit that NT_FILE says it has; 0 without the note
 * @auxv: bytes of NT_AUXV; size 0 without it
 * @has_files: there is an NT_FILE
 * @damage: enum cryo_core_note_damage
 */
struct cryo_core_process {
	const struct cryo_arch *arch;
	struct cryo_core_thread *threads;
	size_t n_threads;
	struct cryo_core_file *files;
	size_t n_files;
	uint64_t page_size;
	struct cryo_buffer auxv;
	bool has_files;
	uint32_t damage;
	/* private: what the pointers above point into */
	struct cryo_buffer names;
	struct cryo_buffer registers;
};

/**
 * cryo_core_process_read - read the notes.
 *
 * Returns 0; -ENOEXEC if the core's architecture has no row; else what cryo_core_for_each_note()
 * returns, and then @ret_process holds what came before and is to be cleared too.
 */
int cryo_core_process_read(const struct cryo_core *core, struct cryo_core_process *ret_process);

void cryo_core_process_clear(struct cryo_core_process *process);

#define _cleanup_core_process_ _cleanup_(cryo_core_process_clear)

/* A sentence about one bit of enum cryo_core_note_damage. */
const char *cryo_core_note_damage_text(enum cryo_core_note_damage damage);
