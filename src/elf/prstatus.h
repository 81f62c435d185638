// SPDX-License-Identifier: MIT
/*
 * struct elf_prstatus taken apart.
 */
#pragma once

#include <sys/types.h>

#include "arch/arch.h"

/**
 * struct cryo_prstatus - its fields.
 * @signal: that killed the process, or 0
 * @tid, @pgrp, @sid: in the process's own pid namespace
 * @fpvalid: a note of floating point registers follows
 * @registers: general regset; points into the note
 */
struct cryo_prstatus {
	int signal;
	pid_t tid, pgrp, sid;
	bool fpvalid;
	const uint8_t *registers;
};

/* 0, or -EBADMSG if the note has not the size that it has on the architecture. */
int cryo_prstatus_parse(const struct cryo_arch *arch, const uint8_t *desc, uint64_t size,
	struct cryo_prstatus *ret_status);
