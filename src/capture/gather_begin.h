// SPDX-License-Identifier: MIT
/*
 * Where the evidence goes is opened before anybody is looked for.
 */
#pragma once

#include "capture/gather_state.h"

/* What the evidence goes to, in words. */
const char *cryo_gather_sink_name(const struct cryo_gather *gather);

/* Open the sink and begin the evidence; 0, or -errno and words. */
int cryo_gather_begin(struct cryo_gather *gather);
