// SPDX-License-Identifier: MIT
/*
 * The stacks of a process as an item of evidence. Evidence and captures stand below, and beside the
 * unwinder, so they are given this function and do not know it.
 */
#pragma once

#include "evidence/collect.h"

/* A cryo_stacks_maker: what `cryocore stacks` prints of a core. 0 or -errno. */
int cryo_stacks_item(const struct cryo_stacks_source *source, struct cryo_buffer *text);
