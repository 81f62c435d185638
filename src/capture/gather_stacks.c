// SPDX-License-Identifier: MIT
/*
 * Unwinding costs milliseconds for each process, so it waits until the last one has been read.
 * Cores in a directory wait on the disk; what was kept of those in a stream waits in memory, which
 * is bounded.
 */
#include "capture/gather_stacks.h"

static const uint64_t waiting_max = 256 << 20;

int cryo_gather_stacks(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_worker *worker)
{
	int r = 0;

	if (gather->stacks)
		r = cryo_evidence_stacks(gather->evidence, worker, &target->dossier,
			gather->tar ? &target->keep : NULL);
	gather->kept -= target->keep.size;
	cryo_core_keep_clear(&target->keep);
	return r;
}

int cryo_gather_stacks_passed(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_worker *worker)
{
	gather->kept += target->keep.size;
	return gather->kept > waiting_max ? cryo_gather_stacks(gather, target, worker) : 0;
}
