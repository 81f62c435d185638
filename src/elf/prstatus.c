// SPDX-License-Identifier: MIT
/*
 * struct elf_prstatus (include/linux/elfcore.h, compat_elf_prstatus in elfcore-compat.h): a signal,
 * two signal sets of one word, four ids, four timevals, the general registers, and whether floating
 * point registers follow. Everything before the registers depends on the size of a word only, and
 * what comes behind them on their size: so two rows of offsets serve every architecture.
 *
 * The signal (pr_info, pr_cursig) is that of pr_siginfo: 0 for a process that nothing killed.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/encode.h"
#include "elf/notes.h"
#include "elf/notes_internal.h"
#include "elf/prstatus.h"

enum {
	MICROSECONDS = 1000000
};

struct layout {
	struct cryo_field signo, cursig, sigpend, sighold;
	struct cryo_field pid, ppid, pgrp, sid;
	uint16_t times; /* utime, stime, cutime, cstime: pairs of words */
	uint16_t registers;
};

static const struct layout layout32 = {
	.signo = {0, 4},
	.cursig = {12, 2},
	.sigpend = {16, 4},
	.sighold = {20, 4},
	.pid = {24, 4},
	.ppid = {28, 4},
	.pgrp = {32, 4},
	.sid = {36, 4},
	.times = 40,
	.registers = 72,
};

static const struct layout layout64 = {
	.signo = {0, 4},
	.cursig = {12, 2},
	.sigpend = {16, 8},
	.sighold = {24, 8},
	.pid = {32, 4},
	.ppid = {36, 4},
	.pgrp = {40, 4},
	.sid = {44, 4},
	.times = 48,
	.registers = 112,
};

static void put_times(const struct cryo_arch *arch, const struct layout *layout,
	const struct cryo_times *times, uint8_t *status)
{
	const uint64_t values[] = {
		times->user, times->system, times->children_user, times->children_system};
	uint16_t word = (uint16_t)cryo_arch_word(arch), at = layout->times;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		cryo_encode(arch->elf_data, status, (struct cryo_field){at, word},
			values[i] / MICROSECONDS);
		at += word;
		cryo_encode(arch->elf_data, status, (struct cryo_field){at, word},
			values[i] % MICROSECONDS);
		at += word;
	}
}

static void put_ids(const struct cryo_process *process, const struct cryo_thread *thread,
	const struct layout *layout, uint8_t *status)
{
	const struct cryo_arch *arch = process->arch;

	cryo_encode(arch->elf_data, status, layout->pid, (uint64_t)thread->ns_tid);
	cryo_encode(arch->elf_data, status, layout->ppid, (uint64_t)thread->ppid);
	cryo_encode(arch->elf_data, status, layout->pgrp, (uint64_t)process->pgrp);
	cryo_encode(arch->elf_data, status, layout->sid, (uint64_t)process->sid);
}

static void put_signals(const struct cryo_process *process, const struct cryo_thread *thread,
	const struct layout *layout, uint8_t *status)
{
	const struct cryo_arch *arch = process->arch;
	uint64_t signo = cryo_decode(arch->elf_data, process->siginfo, (struct cryo_field){0, 4});

	cryo_encode(arch->elf_data, status, layout->signo, signo);
	cryo_encode(arch->elf_data, status, layout->cursig, signo);
	cryo_encode(arch->elf_data, status, layout->sigpend, thread->pending);
	cryo_encode(arch->elf_data, status, layout->sighold, thread->blocked);
}

static bool has_type(const struct cryo_thread *thread, uint32_t type)
{
	for (size_t i = 0; i < thread->n_regsets; i++)
		if (thread->regsets[i].type == type)
			return true;
	return false;
}

static const struct layout *layout_of(const struct cryo_arch *arch)
{
	return cryo_arch_word(arch) == 8 ? &layout64 : &layout32;
}

static struct cryo_field fpvalid_of(const struct cryo_arch *arch)
{
	return (struct cryo_field){(uint16_t)(layout_of(arch)->registers + arch->gpr_size), 4};
}

static size_t size_of(const struct cryo_arch *arch)
{
	struct cryo_field fpvalid = fpvalid_of(arch);
	size_t word = cryo_arch_word(arch);

	return (fpvalid.offset + fpvalid.width + word - 1) / word * word;
}

int cryo_prstatus_parse(const struct cryo_arch *arch, const uint8_t *desc, uint64_t size,
	struct cryo_prstatus *ret_status)
{
	const struct layout *layout = layout_of(arch);

	if (size != size_of(arch))
		return -EBADMSG;
	*ret_status = (struct cryo_prstatus){
		.signal = (int)cryo_decode(arch->elf_data, desc, layout->cursig),
		.tid = (pid_t)cryo_decode(arch->elf_data, desc, layout->pid),
		.pgrp = (pid_t)cryo_decode(arch->elf_data, desc, layout->pgrp),
		.sid = (pid_t)cryo_decode(arch->elf_data, desc, layout->sid),
		.fpvalid = cryo_decode(arch->elf_data, desc, fpvalid_of(arch)) != 0,
		.registers = desc + layout->registers,
	};
	return 0;
}

int cryo_note_prstatus(const struct cryo_process *process, const struct cryo_thread *thread,
	struct cryo_buffer *notes)
{
	const struct cryo_arch *arch = process->arch;
	const struct layout *layout = layout_of(arch);
	size_t size = size_of(arch);
	const struct cryo_regset *general = thread->regsets;
	_cleanup_buffer_ struct cryo_buffer desc = {0};
	uint8_t *status = cryo_buffer_add_zero(&desc, size);

	if (!status)
		return -ENOMEM;
	if (thread->n_regsets == 0 || general->type != NT_PRSTATUS ||
		general->size != arch->gpr_size)
		return -EINVAL;
	put_signals(process, thread, layout, status);
	put_ids(process, thread, layout, status);
	put_times(arch, layout, &thread->times, status);
	memcpy(status + layout->registers, general->data, arch->gpr_size);
	cryo_encode(arch->elf_data, status, fpvalid_of(arch), has_type(thread, NT_PRFPREG));
	return cryo_note_add(notes, arch, "CORE", NT_PRSTATUS, status, size);
}
