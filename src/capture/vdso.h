// SPDX-License-Identifier: MIT
/*
 * The bytes of a [vdso], without touching a page of it in the target.
 *
 * The kernel maps the same pages into every process of an ABI (arch/x86/entry/vdso/vma.c), but the
 * page tables of a process show only those that it has used. The others are therefore taken from a
 * vdso of our own.
 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

/**
 * cryo_vdso_image - the vdso that a process of this ABI has.
 * @compat: of the 32-bit ABI; it is mapped in a child of ours, which can have only one vdso
 *	(arch_prctl(2) ARCH_MAP_VDSO_32)
 * @image: appended to
 *
 * Returns 0, -EOPNOTSUPP if there is none to be had, or -errno.
 */
int cryo_vdso_image(bool compat, struct cryo_buffer *image);
