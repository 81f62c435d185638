// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/arch.h"

static const char *name_of(uint16_t host, size_t size)
{
	const struct cryo_arch *arch = cryo_arch_find(host, size);

	return arch ? arch->name : "none";
}

Test(arch, found_by_the_size_of_the_general_regset)
{
	cr_assert_str_eq(name_of(EM_X86_64, 216), "x86_64");
	cr_assert_str_eq(name_of(EM_X86_64, 68), "i386");
	cr_assert_str_eq(name_of(EM_386, 68), "i386");
	cr_assert_str_eq(name_of(EM_AARCH64, 272), "aarch64");
	cr_assert_str_eq(name_of(EM_RISCV, 256), "riscv64");
}

Test(arch, no_row_of_another_machine)
{
	cr_assert_str_eq(name_of(EM_386, 216), "none");
	cr_assert_str_eq(name_of(EM_AARCH64, 216), "none");
	cr_assert_str_eq(name_of(EM_AARCH64, 72), "none");
	cr_assert_str_eq(name_of(EM_X86_64, 0), "none");
	cr_assert_str_eq(name_of(EM_NONE, 216), "none");
}

static const char *name_of_word(uint16_t host, size_t word)
{
	const struct cryo_arch *arch = cryo_arch_by_word(host, word);

	return arch ? arch->name : "none";
}

Test(arch, found_by_the_size_of_a_word)
{
	cr_assert_str_eq(name_of_word(EM_X86_64, 8), "x86_64");
	cr_assert_str_eq(name_of_word(EM_X86_64, 4), "i386");
	cr_assert_str_eq(name_of_word(EM_386, 4), "i386");
	cr_assert_str_eq(name_of_word(EM_386, 8), "none");
	cr_assert_str_eq(name_of_word(EM_AARCH64, 8), "aarch64");
	cr_assert_str_eq(name_of_word(EM_AARCH64, 4), "none");
}

Test(arch, found_by_the_elf_header)
{
	cr_assert_str_eq(cryo_arch_by_elf(EM_386, ELFCLASS32)->name, "i386");
	cr_assert_str_eq(cryo_arch_by_elf(EM_RISCV, ELFCLASS64)->name, "riscv64");
	cr_assert_null(cryo_arch_by_elf(EM_RISCV, ELFCLASS32));
	cr_assert_null(cryo_arch_by_elf(EM_X86_64, ELFCLASS32), "x32 has no row");
	cr_assert_null(cryo_arch_by_elf(EM_NONE, ELFCLASS64));
}

Test(arch, rows_fit_themselves)
{
	static const struct {
		uint16_t machine;
		uint8_t elf_class;
	} keys[] = {{EM_X86_64, 2}, {EM_386, 1}, {EM_AARCH64, 2}, {EM_RISCV, 2}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct cryo_arch *arch = cryo_arch_by_elf(keys[i].machine, keys[i].elf_class);

		cr_assert_eq(arch->gpr_size % arch->gpr_word, 0);
		cr_assert_eq(arch->gpr_word, cryo_arch_word(arch));
		cr_assert_lt(arch->pc, arch->gpr_size);
		cr_assert_lt(arch->sp, arch->gpr_size);
		cr_assert_lt(arch->fp, arch->gpr_size);
		for (const struct cryo_regset_row *row = arch->regsets; row->owner; row++)
			for (const struct cryo_regset_row *other = row + 1; other->owner; other++)
				cr_assert_neq(row->type, other->type);
	}
}

#ifdef __x86_64__
Test(arch, x86_64_registers_are_where_user_h_has_them)
{
	const struct cryo_arch *arch = cryo_arch_by_elf(EM_X86_64, ELFCLASS64);

	cr_assert_eq(arch->gpr_size, sizeof(struct user_regs_struct));
	cr_assert_eq(arch->pc, offsetof(struct user_regs_struct, rip));
	cr_assert_eq(arch->sp, offsetof(struct user_regs_struct, rsp));
	cr_assert_eq(arch->fp, offsetof(struct user_regs_struct, rbp));
	cr_assert_eq(arch->restart.number, offsetof(struct user_regs_struct, orig_rax));
	cr_assert_eq(arch->restart.result, offsetof(struct user_regs_struct, rax));
}
#endif

Test(arch, host_is_recognised_by_its_own_kernel)
{
	unsigned char registers[4096];
	struct iovec vector = {registers, sizeof(registers)};
	pid_t child = fork();
	int status;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &vector), 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	if (cryo_arch_host() == EM_NONE)
		cr_skip_test("no row for this machine");
	cr_assert_not_null(cryo_arch_find(cryo_arch_host(), vector.iov_len));
}
