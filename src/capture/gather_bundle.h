// SPDX-License-Identifier: MIT
/*
 * The bundle of a collection: what its processes have mapped.
 */
#pragma once

#include "capture/gather_state.h"

/* Copy it, for all targets, and log it. 0 or -errno of the sink. */
int cryo_gather_bundle(struct cryo_gather *gather);
