// SPDX-License-Identifier: MIT
/*
 * A kernel offers a tracer one regset view for its native programs and one for each compat mode.
 * Which of them a thread has is told by nothing but the size of its general regset, so a row is
 * found by that size among the rows whose programs the running kernel can execute.
 */
#include "arch/arch.h"

#include <elf.h>

#include "arch/rows.h"

static bool runs_on(const struct cryo_arch *row, uint16_t host_machine)
{
	return row->machine == host_machine || (row->compat_of && row->compat_of == host_machine);
}

const struct cryo_arch *cryo_arch_find(uint16_t host_machine, size_t gpr_size)
{
	for (const struct cryo_arch *row = cryo_arch_rows; row->name; row++)
		if (row->gpr_size == gpr_size && runs_on(row, host_machine))
			return row;
	return NULL;
}

const struct cryo_arch *cryo_arch_by_elf(uint16_t machine, uint8_t elf_class)
{
	for (const struct cryo_arch *row = cryo_arch_rows; row->name; row++)
		if (row->machine == machine && row->elf_class == elf_class)
			return row;
	return NULL;
}

const struct cryo_arch *cryo_arch_by_word(uint16_t host_machine, size_t word)
{
	for (const struct cryo_arch *row = cryo_arch_rows; row->name; row++)
		if (cryo_arch_word(row) == word && runs_on(row, host_machine))
			return row;
	return NULL;
}

uint16_t cryo_arch_host(void)
{
#if defined(__x86_64__)
	return EM_X86_64;
#elif defined(__i386__)
	return EM_386;
#elif defined(__aarch64__)
	return EM_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
	return EM_RISCV;
#else
	return EM_NONE;
#endif
}
