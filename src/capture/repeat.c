// SPDX-License-Identifier: MIT
#include "capture/repeat.h"

#include <string.h>

#include "base/clock.h"
#include "capture/child.h"
#include "capture/leftover.h"
#include "capture/result.h"

/* How long it may take to die, when its channel is closed. */
#define DEATH_NS (2 * CRYO_NSEC_PER_SEC)

/* There is no copy of the target, the stream has got nothing, and the core has not got its name. */
static bool is_possible(const struct cryo_request *request, const struct cryo_shared *shared)
{
	return !request->cautious && !request->snapshot &&
	       (request->stream_fd < 0 || shared->stage < CRYO_STAGE_WRITE) &&
	       (shared->stage < CRYO_STAGE_FINISH || !cryo_leftover_has_core(request));
}

bool cryo_repeat_judge(const struct cryo_request *request, const struct cryo_shared *shared,
	const char *stage, pid_t *reader, struct cryocore_result *result)
{
	int crash = cryo_child_reap_crash(reader, cryo_now() + DEATH_NS);
	bool again = crash && is_possible(request, shared);

	cryo_result_say(result, again ? CRYOCORE_WARNING : CRYOCORE_ERROR, 0,
		"the reading process died at '%s'%s%s: %s", stage, crash ? ", " : "",
		crash ? strsignal(crash) : "",
		again ? "once more, without its files, its arguments and BPF"
		      : "nothing more can be said about why");
	return again;
}

void cryo_repeat_clear(const struct cryo_request *request, const struct cryo_shared *shared)
{
	cryo_leftover_remove(request, shared);
}
