// SPDX-License-Identifier: MIT
/*
 * NT_PRPSINFO of anybody's core: the other direction of notes.h.
 */
#pragma once

#include "arch/arch.h"

/* Some of its fields. Strings are raw. */
struct cryo_prpsinfo {
	uint32_t uid, gid, pid;
	char fname[17], psargs[81];
};

/* Read a note's desc. 0, or -EBADMSG if it has not the size that the architecture has. */
int cryo_prpsinfo_read(const struct cryo_arch *arch, const void *desc, size_t size,
	struct cryo_prpsinfo *ret_info);
