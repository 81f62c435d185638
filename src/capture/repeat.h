// SPDX-License-Identifier: MIT
/*
 * A reader that crashes has met something that it cannot cope with. Then the capture is made once
 * more by one who asks for less (struct cryo_request, @cautious).
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/request.h"

/**
 * cryo_repeat_judge - say that a reader died, and whether another one is to try.
 * @stage: the name of the stage that it was at
 * @reader: its pid; 0 afterwards, if it has ended by now
 *
 * One that was killed is not replaced: somebody has wanted it.
 */
bool cryo_repeat_judge(const struct cryo_request *request, const struct cryo_shared *shared,
	const char *stage, pid_t *reader, struct cryocore_result *result);

/* Remove the files that the reader had begun. */
void cryo_repeat_clear(const struct cryo_request *request, const struct cryo_shared *shared);
