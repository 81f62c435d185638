// SPDX-License-Identifier: MIT
#include "trace/bpf_record.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/user.h>

#include "base/array.h"

#define FIRST 0x1111222233330000ULL

/* The N-th word of struct pt_regs is FIRST + N. */
static struct cryo_bpf_record synthetic(void)
{
	struct cryo_bpf_record record = {.tid = 7, .tgid = 5};

	for (uint64_t i = 0; i < sizeof(record.registers) / 8; i++) {
		uint64_t word = FIRST + i;

		memcpy(record.registers + i * 8, &word, 8);
	}
	for (uint64_t i = 0; i < CRYO_BPF_N_EXTRA; i++)
		record.extra[i] = 0xeeee0000eeee0000 + i;
	return record;
}

static uint32_t word32(const struct cryo_bpf_thread *thread, size_t index)
{
	uint32_t word;

	memcpy(&word, thread->general + index * 4, 4);
	return word;
}

Test(bpf_record, x86_64_is_pt_regs_and_the_rest)
{
	struct cryo_bpf_record record = synthetic();
	struct cryo_bpf_thread thread;
	struct user_regs_struct seen;

	cryo_bpf_record_decode(&record, cryo_arch_by_elf(EM_X86_64, ELFCLASS64), true, &thread);
	memcpy(&seen, thread.general, sizeof(seen));
	cr_assert_eq(thread.tid, 7);
	cr_assert(thread.steady);
	cr_assert_eq(thread.unknown, 0);
	cr_assert_eq(seen.r15, FIRST);
	cr_assert_eq(seen.rbp, FIRST + 4);
	cr_assert_eq(seen.orig_rax, FIRST + 15);
	cr_assert_eq(seen.rip, FIRST + 16);
	cr_assert_eq(seen.rsp, FIRST + 19);
	cr_assert_eq(seen.fs_base, record.extra[CRYO_BPF_FS_BASE]);
	cr_assert_eq(seen.gs_base, record.extra[CRYO_BPF_GS_BASE]);
	cr_assert_eq(seen.ds, record.extra[CRYO_BPF_DS]);
	cr_assert_eq(seen.gs, record.extra[CRYO_BPF_GS]);
}

Test(bpf_record, high_halves_of_cs_and_ss_are_the_kernels)
{
	struct cryo_bpf_record record = synthetic();
	struct cryo_bpf_thread thread;
	struct user_regs_struct seen;

	cryo_bpf_record_decode(&record, cryo_arch_by_elf(EM_X86_64, ELFCLASS64), true, &thread);
	memcpy(&seen, thread.general, sizeof(seen));
	cr_assert_eq(seen.cs, (FIRST + 17) & 0xffff);
	cr_assert_eq(seen.ss, (FIRST + 20) & 0xffff);
}

Test(bpf_record, i386_has_its_own_order)
{
	/* ebx ecx edx esi edi ebp eax, ds es fs gs, orig_eax eip cs eflags esp ss */
	static const uint8_t from[] = {
		5, 11, 12, 13, 14, 4, 10, 0, 0, 0, 0, 15, 16, 17, 18, 19, 20};
	struct cryo_bpf_record record = synthetic();
	struct cryo_bpf_thread thread;

	cryo_bpf_record_decode(&record, cryo_arch_by_elf(EM_386, ELFCLASS32), true, &thread);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		uint64_t expected = from[i] ? FIRST + from[i] : record.extra[i - 7 + CRYO_BPF_DS];

		if (from[i] == 17 || from[i] == 20)
			expected &= 0xffff;
		cr_assert_eq(word32(&thread, i), (uint32_t)expected, "register %zu", i);
	}
	cr_assert_eq(word32(&thread, ARRAY_SIZE(from)), 0, "nothing behind the regset");
}

Test(bpf_record, registers_that_btf_does_not_show_are_unknown)
{
	struct cryo_bpf_record record = synthetic();
	struct cryo_bpf_thread thread;

	cryo_bpf_record_decode(&record, cryo_arch_by_elf(EM_X86_64, ELFCLASS64), false, &thread);
	cr_assert_eq(thread.unknown, 0x3fULL << 21);
	cryo_bpf_record_decode(&record, cryo_arch_by_elf(EM_386, ELFCLASS32), false, &thread);
	cr_assert_eq(thread.unknown, 0xfULL << 7);
}

Test(bpf_record, other_machines_are_a_prefix)
{
	struct cryo_bpf_record record = synthetic();
	struct cryo_bpf_thread thread;
	const struct cryo_arch *arch = cryo_arch_by_elf(EM_AARCH64, ELFCLASS64);

	cryo_bpf_record_decode(&record, arch, false, &thread);
	cr_assert_eq(thread.unknown, 0);
	cr_assert_arr_eq(thread.general, record.registers, arch->gpr_size);
}

Test(bpf_record, failure_leaves_everything_unknown)
{
	struct cryo_bpf_record record = synthetic();
	struct cryo_bpf_thread thread;
	static const uint8_t zero[CRYO_BPF_GENERAL];

	record.failed = (uint32_t)-14;
	cryo_bpf_record_decode(&record, cryo_arch_by_elf(EM_X86_64, ELFCLASS64), true, &thread);
	cr_assert_not(thread.steady);
	cr_assert_eq(thread.unknown, (1ULL << 27) - 1);
	cr_assert_arr_eq(thread.general, zero, sizeof(zero));
}

/* Each sign of having run meanwhile is enough. */
Test(bpf_record, a_thread_that_ran_is_not_steady)
{
	for (int sign = 0; sign < 4; sign++) {
		struct cryo_bpf_record record = synthetic();
		struct cryo_bpf_thread thread;

		record.voluntary[0] = record.voluntary[1] = 9;
		record.on_cpu[0] = sign == 0;
		record.on_cpu[1] = sign == 1;
		record.voluntary[1] += sign == 2;
		record.involuntary[1] += sign == 3;
		cryo_bpf_record_decode(
			&record, cryo_arch_by_elf(EM_X86_64, ELFCLASS64), true, &thread);
		cr_assert_not(thread.steady, "sign %d", sign);
	}
}

Test(bpf_record, rows_of_other_machines_do_not_suit)
{
	const struct cryo_arch *x86_64 = cryo_arch_by_elf(EM_X86_64, ELFCLASS64),
			       *i386 = cryo_arch_by_elf(EM_386, ELFCLASS32),
			       *aarch64 = cryo_arch_by_elf(EM_AARCH64, ELFCLASS64);

	cr_assert(cryo_bpf_record_suits(x86_64, EM_X86_64));
	cr_assert(cryo_bpf_record_suits(i386, EM_X86_64));
	cr_assert(cryo_bpf_record_suits(aarch64, EM_AARCH64));
	cr_assert_not(cryo_bpf_record_suits(aarch64, EM_X86_64));
	cr_assert_not(cryo_bpf_record_suits(x86_64, EM_AARCH64));
	cr_assert_not(cryo_bpf_record_suits(i386, EM_386));
}
