// SPDX-License-Identifier: MIT
/*
 * One attempt at a capture, from outside.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/repeat.h"
#include "capture/session.h"

/**
 * cryo_supervise - have a target captured, and wait for it no longer than is allowed.
 * @begin: of the capture: its time is that of all attempts
 * @result: concluded, unless there is to be another attempt
 *
 * Returns whether there is, and how.
 */
enum cryo_repeat cryo_supervise(struct cryo_request *request,
	const struct cryocore_options *options, struct cryo_session *session, uint64_t begin,
	struct cryocore_result *result);
