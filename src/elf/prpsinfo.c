// SPDX-License-Identifier: MIT
/*
 * struct elf_prpsinfo (include/linux/elfcore.h; compat_elf_prpsinfo in elfcore-compat.h), filled as
 * by fill_psinfo(): about the leader, even if it is a zombie. Three layouts exist: 64-bit, 32-bit,
 * and 32-bit with the 16-bit ids of an old ABI (i386).
 *
 * State: the kernel writes 0 and 'R' for a leader that is dumping, whatever it did before, and so
 * does this file for every leader that lives. A leader that has exited is TASK_DEAD, the bit
 * behind the letters "RSDTZW": 8 and '.'. pr_zomb compares the letter with 'Z', so it is 0 for
 * both.
 *
 * Where the arguments cannot be read whole the kernel stops before the first other field, and
 * leaves zeros everywhere else.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/encode.h"
#include "elf/notes.h"
#include "elf/notes_internal.h"
#include "elf/prpsinfo.h"

enum {
	STATE_DEAD = 8, /* fls(TASK_DEAD 0x80), include/linux/sched.h */
	PRPSINFO_MAX = 136,
};

struct layout {
	struct cryo_field state, sname, nice, flag;
	struct cryo_field uid, gid;
	struct cryo_field pid, ppid, pgrp, sid;
	uint16_t fname, psargs, size;
};

static const struct layout layout64 = {
	.state = {0, 1},
	.sname = {1, 1},
	.nice = {3, 1},
	.flag = {8, 8},
	.uid = {16, 4},
	.gid = {20, 4},
	.pid = {24, 4},
	.ppid = {28, 4},
	.pgrp = {32, 4},
	.sid = {36, 4},
	.fname = 40,
	.psargs = 56,
	.size = 136,
};

static const struct layout layout32 = {
	.state = {0, 1},
	.sname = {1, 1},
	.nice = {3, 1},
	.flag = {4, 4},
	.uid = {8, 4},
	.gid = {12, 4},
	.pid = {16, 4},
	.ppid = {20, 4},
	.pgrp = {24, 4},
	.sid = {28, 4},
	.fname = 32,
	.psargs = 48,
	.size = 128,
};

static const struct layout layout32_short_ids = {
	.state = {0, 1},
	.sname = {1, 1},
	.nice = {3, 1},
	.flag = {4, 4},
	.uid = {8, 2},
	.gid = {10, 2},
	.pid = {12, 4},
	.ppid = {16, 4},
	.pgrp = {20, 4},
	.sid = {24, 4},
	.fname = 28,
	.psargs = 44,
	.size = 124,
};

static const struct layout *layout_of(const struct cryo_arch *arch)
{
	if (arch->elf_class == ELFCLASS64)
		return &layout64;
	return arch->short_ids ? &layout32_short_ids : &layout32;
}

/* SET_UID(): an id that does not fit 16 bits is the overflow id (include/linux/highuid.h). */
static uint64_t fold_id(struct cryo_field field, uint64_t id, uint64_t overflow_id)
{
	return field.width == 2 && id > UINT16_MAX ? overflow_id : id;
}

static void put_all_but_psargs(
	const struct cryo_process *process, const struct layout *layout, uint8_t *info)
{
	const struct cryo_arch *arch = process->arch;
	bool dead = process->state == 'Z' || process->state == 'X';

	cryo_encode(arch->elf_data, info, layout->state, dead ? STATE_DEAD : 0);
	cryo_encode(arch->elf_data, info, layout->sname, dead ? '.' : 'R');
	cryo_encode(arch->elf_data, info, layout->nice, (uint64_t)process->nice);
	cryo_encode(arch->elf_data, info, layout->flag, process->task_flags);
	cryo_encode(arch->elf_data, info, layout->uid,
		fold_id(layout->uid, process->uid, process->overflow_uid));
	cryo_encode(arch->elf_data, info, layout->gid,
		fold_id(layout->gid, process->gid, process->overflow_gid));
	cryo_encode(arch->elf_data, info, layout->pid, (uint64_t)process->ns_pid);
	cryo_encode(arch->elf_data, info, layout->ppid, (uint64_t)process->ppid);
	cryo_encode(arch->elf_data, info, layout->pgrp, (uint64_t)process->pgrp);
	cryo_encode(arch->elf_data, info, layout->sid, (uint64_t)process->sid);
	memcpy(info + layout->fname, process->comm, sizeof(process->comm));
}

int cryo_note_prpsinfo(const struct cryo_process *process, struct cryo_buffer *notes)
{
	const struct layout *layout = layout_of(process->arch);
	uint8_t info[PRPSINFO_MAX] = {0};

	memcpy(info + layout->psargs, process->psargs, sizeof(process->psargs));
	if (!process->psargs_failed)
		put_all_but_psargs(process, layout, info);
	return cryo_note_add(notes, process->arch, "CORE", NT_PRPSINFO, info, layout->size);
}

int cryo_prpsinfo_read(
	const struct cryo_arch *arch, const void *desc, size_t size, struct cryo_prpsinfo *ret_info)
{
	const struct layout *layout = layout_of(arch);
	const char *bytes = desc;

	if (size != layout->size)
		return -EBADMSG;
	*ret_info = (struct cryo_prpsinfo){
		.uid = (uint32_t)cryo_decode(arch->elf_data, desc, layout->uid),
		.gid = (uint32_t)cryo_decode(arch->elf_data, desc, layout->gid),
		.pid = (uint32_t)cryo_decode(arch->elf_data, desc, layout->pid),
	};
	memcpy(ret_info->fname, bytes + layout->fname, sizeof(ret_info->fname) - 1);
	memcpy(ret_info->psargs, bytes + layout->psargs, sizeof(ret_info->psargs) - 1);
	return 0;
}
