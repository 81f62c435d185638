// SPDX-License-Identifier: MIT
/*
 * The checks of a core's frame, for core.c alone.
 */
#pragma once

#include "elf/core.h"

/**
 * cryo_core_check - look for damage in program headers that were read, and index the PT_LOADs.
 * @core: damage is added to; by_address and n_loads are made
 * @headers_end: end of the program headers in the file
 *
 * Returns 0 (damage is no error) or -ENOMEM.
 */
int cryo_core_check(struct cryo_core *core, uint64_t headers_end);
