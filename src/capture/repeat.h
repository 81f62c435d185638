// SPDX-License-Identifier: MIT
/*
 * Whether a capture that failed is made once more. A reader that crashes has met something that it
 * cannot cope with: the next one asks for less (struct cryo_request, @cautious). What was to be
 * read of a target that is not stopped, or not at once, may go before it is: it executes programs,
 * or its threads hand over to each other; the next one may be quicker.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/request.h"

enum cryo_repeat {
	CRYO_REPEAT_NOT,
	CRYO_REPEAT_CAUTIOUSLY,
	CRYO_REPEAT_AS_IT_WAS
};

/**
 * cryo_repeat_crashed - say that a reader died, and whether another one is to try.
 * @stage: the name of the stage that it was at
 * @reader: its pid; 0 afterwards, if it has ended by now
 *
 * One that was killed is not replaced: somebody has wanted it.
 */
enum cryo_repeat cryo_repeat_crashed(const struct cryo_request *request,
	const struct cryo_shared *shared, const char *stage, pid_t *reader,
	struct cryocore_result *result);

/* Whether another one is to try where a reader has told a negative errno. */
enum cryo_repeat cryo_repeat_refused(
	const struct cryo_request *request, const struct cryo_shared *shared, int error);
