// SPDX-License-Identifier: MIT
/*
 * The stacks of what was captured, made from the cores when everything runs again.
 */
#pragma once

#include "capture/gather_state.h"

/*
 * A core went into the stream: what was kept of it waits for the end, or its stacks are made at
 * once, if too much waits already. 0 or -errno of the sink.
 */
int cryo_gather_stacks_passed(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_worker *worker);

/* Make the stacks of a target; what was kept for them is gone. 0 or -errno of the sink. */
int cryo_gather_stacks(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_worker *worker);
