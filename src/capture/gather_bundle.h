// SPDX-License-Identifier: MIT
/*
 * The bundle of a collection: what its processes have mapped.
 */
#pragma once

#include "capture/gather_state.h"

/* Copy it, for all targets, and log it. 0 or -errno of the sink. */
int cryo_gather_bundle(struct cryo_gather *gather);

/* The collection has ended. If the bundle did not come to a target, each of its mapped files has
 * the (negative) error; 0: it has not ended, and nothing is done. 0 or -ENOMEM. */
int cryo_gather_bundle_untried(
	const struct cryo_gather *gather, struct cryo_target *target, int error);

/* Then: the names that a target has for the copies. A stream has them already. Several threads may
 * do it, for targets of their own. */
void cryo_gather_bundle_names(struct cryo_gather *gather, struct cryo_target *target);
