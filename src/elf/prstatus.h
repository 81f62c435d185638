// SPDX-License-Identifier: MIT
/*
 * struct elf_prstatus taken apart.
 */
#pragma once

#include <sys/types.h>

#include "arch/arch.h"

/* @registers points into the note. */
struct cryo_prstatus {
	pid_t tid;
	const uint8_t *registers;
};

/* 0, or -EBADMSG if the note has not the size that it has on the architecture. */
int cryo_prstatus_parse(const struct cryo_arch *arch, const uint8_t *desc, uint64_t size,
	struct cryo_prstatus *ret_status);
