// SPDX-License-Identifier: MIT
/*
 * On 64-bit machines struct pt_regs begins as the general regset does: that is how it came to be
 * the regset (arch/x86/include/uapi/asm/ptrace.h; arch/arm64 and arch/riscv: user_pt_regs and
 * user_regs_struct stand first in it). On x86-64 the rest of the regset is in task->thread; the
 * high halves of cs and ss belong to the kernel since FRED (Linux 6.9). The regset of a 32-bit
 * program there is a choice of the 64-bit one (arch/x86/kernel/ptrace.c, getreg32()).
 */
#include "trace/bpf_record.h"

#include <elf.h>
#include <string.h>

#include "base/array.h"

/* Words of user_regs_struct of x86-64 (<sys/user.h>). */
enum {
	WORD_BP = 4,
	WORD_BX = 5,
	WORD_AX = 10,
	WORD_CX = 11,
	WORD_DX = 12,
	WORD_SI = 13,
	WORD_DI = 14,
	WORD_ORIG_AX = 15,
	WORD_IP = 16,
	WORD_CS = 17,
	WORD_FLAGS = 18,
	WORD_SP = 19,
	WORD_SS = 20,
	WORD_EXTRA = 21,
	N_WORDS = 27
};

/* For each register of user_regs_struct of i386, the word that it is the low half of. */
static const uint8_t words_i386[] = {WORD_BX, WORD_CX, WORD_DX, WORD_SI, WORD_DI, WORD_BP, WORD_AX,
	WORD_EXTRA + CRYO_BPF_DS, WORD_EXTRA + CRYO_BPF_ES, WORD_EXTRA + CRYO_BPF_FS,
	WORD_EXTRA + CRYO_BPF_GS, WORD_ORIG_AX, WORD_IP, WORD_CS, WORD_FLAGS, WORD_SP, WORD_SS};

static void decode_x86_64(const struct cryo_bpf_record *record, uint64_t words[N_WORDS])
{
	memcpy(words, record->registers, WORD_EXTRA * sizeof(*words));
	words[WORD_CS] &= 0xffff;
	words[WORD_SS] &= 0xffff;
	memcpy(words + WORD_EXTRA, record->extra, sizeof(record->extra));
}

void cryo_bpf_record_narrow(const uint64_t *words, uint8_t *general)
{
	for (size_t i = 0; i < ARRAY_SIZE(words_i386); i++) {
		uint32_t value = (uint32_t)words[words_i386[i]];

		memcpy(general + i * sizeof(value), &value, sizeof(value));
	}
}

/* Which registers of x86 are among the extra ones. */
static uint64_t extra_mask(const struct cryo_arch *arch)
{
	uint64_t mask = 0;

	if (arch->machine == EM_X86_64)
		return ((1ULL << CRYO_BPF_N_EXTRA) - 1) << WORD_EXTRA;
	for (size_t i = 0; i < ARRAY_SIZE(words_i386); i++)
		mask |= (uint64_t)(words_i386[i] >= WORD_EXTRA) << i;
	return mask;
}

static uint64_t decode_x86(const struct cryo_bpf_record *record, const struct cryo_arch *arch,
	bool has_extra, uint8_t *general)
{
	uint64_t words[N_WORDS];

	decode_x86_64(record, words);
	if (arch->machine == EM_386)
		cryo_bpf_record_narrow(words, general);
	else
		memcpy(general, words, sizeof(words));
	return has_extra ? 0 : extra_mask(arch);
}

static uint64_t all_registers(const struct cryo_arch *arch)
{
	return (1ULL << arch->gpr_size / arch->gpr_word) - 1;
}

/* A 32-bit kernel has another struct pt_regs, and which of the two a 32-bit cryocore runs on is not
 * worth finding out. */
bool cryo_bpf_record_suits(const struct cryo_arch *arch, uint16_t host_machine)
{
	return host_machine != EM_386 && arch->gpr_size <= CRYO_BPF_GENERAL &&
	       cryo_arch_find(host_machine, arch->gpr_size) == arch;
}

void cryo_bpf_record_decode(const struct cryo_bpf_record *record, const struct cryo_arch *arch,
	bool has_extra, struct cryo_bpf_thread *ret_thread)
{
	*ret_thread = (struct cryo_bpf_thread){.tid = (pid_t)record->tid};
	if (record->failed) {
		ret_thread->unknown = all_registers(arch);
		return;
	}
	ret_thread->steady = !record->on_cpu[0] && !record->on_cpu[1] &&
			     record->voluntary[0] == record->voluntary[1] &&
			     record->involuntary[0] == record->involuntary[1];
	if (arch->machine == EM_X86_64 || arch->machine == EM_386)
		ret_thread->unknown = decode_x86(record, arch, has_extra, ret_thread->general);
	else
		memcpy(ret_thread->general, record->registers, arch->gpr_size);
}
