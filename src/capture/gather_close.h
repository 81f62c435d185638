// SPDX-License-Identifier: MIT
/*
 * The last stage: a process is finished, described in the manifest, and told of.
 */
#pragma once

#include "capture/gather_crew.h"

/* A cryo_stage. */
void cryo_gather_close(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands);

/* Tell of a process of a collection that is left (gather_watch.h). */
void cryo_gather_tell_left(struct cryo_gather *gather, const struct cryo_target *target);

/* Begin to close its procfs, of which nothing is asked any more. */
void cryo_gather_close_procfs(struct cryo_gather *gather);
