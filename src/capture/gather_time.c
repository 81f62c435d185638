// SPDX-License-Identifier: MIT
#include "capture/gather_time.h"

#include <errno.h>

#include "base/clock.h"

bool cryo_gather_is_cancelled(const struct cryo_gather *gather)
{
	return gather->options->cancel && *gather->options->cancel;
}

/* What is left of the time for all; UINT64_MAX without a limit. */
static uint64_t ns_left(const struct cryo_gather *gather)
{
	uint64_t limit = cryo_ns_of_ms(gather->options->total_timeout_ms);
	uint64_t used = cryo_now() - gather->begin;

	return limit == 0 ? UINT64_MAX : used < limit ? limit - used : 0;
}

int cryo_gather_is_over(const struct cryo_gather *gather)
{
	if (cryo_gather_is_cancelled(gather))
		return -ECANCELED;
	return ns_left(gather) == 0 ? -ETIME : 0;
}

uint64_t cryo_gather_capture_ms(const struct cryo_gather *gather)
{
	uint64_t one = gather->options->timeout_ms, left = ns_left(gather);
	uint64_t left_ms = left / CRYO_NSEC_PER_MSEC + 1;

	return left == UINT64_MAX || (one && one < left_ms) ? one : left_ms;
}
