// SPDX-License-Identifier: MIT
/*
 * One row per machine: everything that makes the core of one architecture differ from another.
 *
 * A row is data. It is recognised by the size of the general regset, because that is what the
 * kernel's own choice of a regset view shows from outside (PTRACE_GETREGSET NT_PRSTATUS).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A regset note behind NT_PRSTATUS: owner and NT_* type (include/uapi/linux/elf.h). */
struct cryo_regset_row {
	const char *owner;
	uint32_t type;
};

/**
 * struct cryo_arch - a row.
 * @name: as uname(2) says it
 * @machine: EM_*
 * @compat_of: EM_* of the 64-bit kernel that runs such programs too; 0 if there is none
 * @elf_class: ELFCLASS32 or ELFCLASS64
 * @elf_data: ELFDATA2LSB or ELFDATA2MSB
 * @elf_flags: e_flags of a core
 * @exec_pagesize: ELF_EXEC_PAGESIZE where it is fixed; 0 if it is the page size
 * @gpr_size: bytes of the general regset
 * @gpr_word: bytes of one of its registers
 * @gpr_names: their names, in order, with a blank between two
 * @pc, @sp, @fp: offsets of the program counter, stack and frame pointer in it
 * @short_ids: prpsinfo has 16-bit uid and gid (__kernel_uid_t of the compat ABI)
 * @restart: how a system call that ended early is put back; all offsets in the general regset
 * @regsets: the notes behind NT_PRSTATUS in the kernel's order; ends with owner NULL
 */
struct cryo_arch {
	const char *name;
	uint16_t machine;
	uint16_t compat_of;
	uint8_t elf_class;
	uint8_t elf_data;
	uint32_t elf_flags;
	uint32_t exec_pagesize;
	uint32_t gpr_size;
	uint32_t gpr_word;
	const char *gpr_names;
	uint32_t pc, sp, fp;
	bool short_ids;
	struct {
		bool possible;   /* the number of the call and its result are both visible */
		uint32_t number; /* orig_rax: the number of the call, negative outside of one */
		uint32_t result; /* rax: the result */
		uint32_t block;  /* number of restart_syscall(2) */
	} restart;
	const struct cryo_regset_row *regsets;
};

/* Bytes of a long, a pointer and an auxv word on the architecture. */
static inline size_t cryo_arch_word(const struct cryo_arch *arch)
{
	return arch->elf_class == 2 ? 8 : 4;
}

/**
 * cryo_arch_find - the row for a general regset, as read on this machine.
 * @host_machine: EM_* of the running kernel's native ABI
 * @gpr_size: bytes that PTRACE_GETREGSET NT_PRSTATUS returned
 *
 * Returns NULL if no row fits.
 */
const struct cryo_arch *cryo_arch_find(uint16_t host_machine, size_t gpr_size);

/* The row of an ELF header's e_machine and class; NULL if there is none. */
const struct cryo_arch *cryo_arch_by_elf(uint16_t machine, uint8_t elf_class);

/* The row of programs that run on this machine with a word of so many bytes; NULL if there is none.
 */
const struct cryo_arch *cryo_arch_by_word(uint16_t host_machine, size_t word);

/* EM_* of the machine that cryocore was compiled for; EM_NONE (0) if there is no row for it. */
uint16_t cryo_arch_host(void);
