// SPDX-License-Identifier: MIT
/*
 * The words in a collection on how to open it (evidence/open_with.h).
 */
#pragma once

#include "capture/gather_state.h"

/* Command files for debuggers, where there is a core. 0 or -errno of the records. */
int cryo_gather_open_with(struct cryo_gather *gather, struct cryo_target *target);

/* The README, when all targets are done. 0 or -errno of the records. */
int cryo_gather_readme(struct cryo_gather *gather);
