// SPDX-License-Identifier: MIT
/*
 * Evidence of many processes: the sentence of one capture in a loop, between freeze and thaw.
 *
 *	freeze → enumerate → for each: core, volatile items → for each: copies → mapped files → thaw
 *	→ stacks, names → manifest
 *
 * Cores are hashed beside the mapped files; where processes are frozen, when these run again.
 */
#pragma once

#include <cryocore/evidence.h>

#include "capture/policy.h"
#include "evidence/collect.h"

/**
 * cryo_gather - see cryocore_gather().
 * @options: complete
 * @policy: what @content became
 * @stacks: makes the text of stacks from a core; NULL: no stacks
 */
int cryo_gather(const struct cryocore_gather_options *options, const struct cryo_policy *policy,
	cryo_stacks_maker *stacks, struct cryocore_gather_result **ret_result);

void cryo_gather_result_free(struct cryocore_gather_result *result);
