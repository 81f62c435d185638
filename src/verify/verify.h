// SPDX-License-Identifier: MIT
/*
 * Whether a core is whole and its parts agree with each other.
 *
 * Rules that hold for every core are always checked. Rules of the kernel's layout (segments back to
 * back, each mapped file a segment) are checked if most of the core follows them: then what does
 * not is damage; gdb's cores follow other rules.
 */
#pragma once

#include "elf/core.h"
#include "verify/verdict.h"

/**
 * cryo_verify_core - check everything.
 * @verdict: added to
 *
 * Returns 0, -ENOMEM, or -errno of pread(2).
 */
int cryo_verify_core(const struct cryo_core *core, struct cryo_verdict *verdict);
