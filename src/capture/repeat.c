// SPDX-License-Identifier: MIT
#include "capture/repeat.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "capture/child.h"
#include "capture/leftover.h"
#include "capture/result.h"
#include "capture/select.h"

enum {
	ATTEMPTS = 16 /* at a target that is gone each time that it is looked at */
};

/* How long it may take to die, when its channel is closed. */
#define DEATH_NS (2 * CRYO_NSEC_PER_SEC)

static bool has_sent_nothing(const struct cryo_request *request, const struct cryo_shared *shared)
{
	return request->stream_fd < 0 || shared->stage < CRYO_STAGE_WRITE;
}

/* There is no copy of the target, the stream has got nothing, and the core has not got its name. */
static bool is_possible(const struct cryo_request *request, const struct cryo_shared *shared)
{
	return !request->cautious && !request->snapshot && has_sent_nothing(request, shared) &&
	       (shared->stage < CRYO_STAGE_FINISH || !cryo_leftover_has_core(request));
}

enum cryo_repeat cryo_repeat_crashed(const struct cryo_request *request,
	const struct cryo_shared *shared, const char *stage, pid_t *reader,
	struct cryocore_result *result)
{
	int crash = cryo_child_reap_crash(reader, cryo_now() + DEATH_NS);
	bool again = crash && is_possible(request, shared);

	cryo_result_say(result, again ? CRYOCORE_WARNING : CRYOCORE_ERROR, 0,
		"the reading process died at '%s'%s%s: %s", stage, crash ? ", " : "",
		crash ? strsignal(crash) : "",
		again ? "once more, without its files, its arguments and BPF"
		      : "nothing more can be said about why");
	return again ? CRYO_REPEAT_CAUTIOUSLY : CRYO_REPEAT_NOT;
}

/* Before the stop it may be a directory of ours that is not there. */
static bool is_gone(const struct cryo_shared *shared, int error)
{
	return shared->stage < CRYO_STAGE_FINISH &&
	       (error == -ESRCH || (error == -ENOENT && shared->stage >= CRYO_STAGE_INSPECT));
}

enum cryo_repeat cryo_repeat_refused(
	const struct cryo_request *request, const struct cryo_shared *shared, int error)
{
	bool again = is_gone(shared, error) && request->n_attempts + 1 < ATTEMPTS &&
		     has_sent_nothing(request, shared) && !cryo_select_is_over(request);

	return again ? CRYO_REPEAT_AS_IT_WAS : CRYO_REPEAT_NOT;
}
