// SPDX-License-Identifier: MIT
/*
 * The rows: orders of notes from the regset tables of the kernel (arch/x86/kernel/ptrace.c,
 * arch/arm64/kernel/ptrace.c, arch/riscv/kernel/ptrace.c), register offsets from struct
 * user_regs_struct of each (<sys/user.h>, <asm/ptrace.h>). A note type that elf.h of an older libc
 * lacks stands as its number, with the name beside it (include/uapi/linux/elf.h).
 */
#include "arch/rows.h"

#include <elf.h>

/* The general regset is no row here: it is NT_PRSTATUS itself. */
static const struct cryo_regset_row regsets_x86_64[] = {
	{"CORE", NT_PRFPREG},
	{"LINUX", NT_386_IOPERM},
	{"LINUX", NT_X86_XSTATE},
	{"LINUX", 0x204}, /* NT_X86_SHSTK */
	{NULL, 0},
};

static const struct cryo_regset_row regsets_i386[] = {
	{"CORE", NT_PRFPREG},
	{"LINUX", NT_PRXFPREG},
	{"LINUX", NT_X86_XSTATE},
	{"LINUX", NT_386_TLS},
	{"LINUX", NT_386_IOPERM},
	{NULL, 0},
};

static const struct cryo_regset_row regsets_aarch64[] = {
	{"CORE", NT_PRFPREG},
	{"LINUX", NT_ARM_TLS},
	{"LINUX", NT_ARM_HW_BREAK},
	{"LINUX", NT_ARM_HW_WATCH},
	{"LINUX", 0x40e}, /* NT_ARM_FPMR */
	{"LINUX", NT_ARM_SYSTEM_CALL},
	{"LINUX", NT_ARM_SVE},
	{"LINUX", 0x40b}, /* NT_ARM_SSVE */
	{"LINUX", 0x40c}, /* NT_ARM_ZA */
	{"LINUX", 0x40d}, /* NT_ARM_ZT */
	{"LINUX", NT_ARM_PAC_MASK},
	{"LINUX", 0x40a}, /* NT_ARM_PAC_ENABLED_KEYS */
	{"LINUX", NT_ARM_PACA_KEYS},
	{"LINUX", NT_ARM_PACG_KEYS},
	{"LINUX", 0x409}, /* NT_ARM_TAGGED_ADDR_CTRL */
	{"LINUX", 0x40f}, /* NT_ARM_POE */
	{"LINUX", 0x410}, /* NT_ARM_GCS */
	{NULL, 0},
};

static const struct cryo_regset_row regsets_riscv64[] = {
	{"CORE", NT_PRFPREG},
	{"LINUX", 0x901}, /* NT_RISCV_VECTOR */
	{"LINUX", 0x902}, /* NT_RISCV_TAGGED_ADDR_CTRL */
	{NULL, 0},
};

const struct cryo_arch cryo_arch_rows[] = {
	{
		.name = "x86_64",
		.machine = EM_X86_64,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.exec_pagesize = 4096,
		.gpr_size = 27 * 8,
		.gpr_word = 8,
		.gpr_names =
			"r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip "
			"cs eflags rsp ss fs_base gs_base ds es fs gs",
		.pc = 16 * 8,
		.sp = 19 * 8,
		.fp = 4 * 8,
		.restart = {.possible = true, .number = 15 * 8, .result = 10 * 8, .block = 219},
		.regsets = regsets_x86_64,
	},
	{
		.name = "i386",
		.machine = EM_386,
		.compat_of = EM_X86_64,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2LSB,
		.exec_pagesize = 4096,
		.gpr_size = 17 * 4,
		.gpr_word = 4,
		.gpr_names =
			"ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss",
		.pc = 12 * 4,
		.sp = 15 * 4,
		.fp = 5 * 4,
		.short_ids = true,
		.restart = {.possible = true, .number = 11 * 4, .result = 6 * 4, .block = 0},
		.regsets = regsets_i386,
	},
	{
		/* x0..x30, sp, pc, pstate. x0 is overwritten by the result of a call. */
		.name = "aarch64",
		.machine = EM_AARCH64,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.gpr_size = 34 * 8,
		.gpr_word = 8,
		.gpr_names =
			"x0 x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11 x12 x13 x14 x15 x16 x17 x18 x19 x20 "
			"x21 x22 x23 x24 x25 x26 x27 x28 x29 x30 sp pc pstate",
		.pc = 32 * 8,
		.sp = 31 * 8,
		.fp = 29 * 8,
		.regsets = regsets_aarch64,
	},
	{
		/* pc, ra, sp, gp, tp, t0-t2, s0 (the frame pointer), ... */
		.name = "riscv64",
		.machine = EM_RISCV,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.gpr_size = 32 * 8,
		.gpr_word = 8,
		.gpr_names =
			"pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 "
			"s8 s9 s10 s11 t3 t4 t5 t6",
		.pc = 0,
		.sp = 2 * 8,
		.fp = 8 * 8,
		.regsets = regsets_riscv64,
	},
	{.name = NULL},
};
