// SPDX-License-Identifier: MIT
/*
 * The words of the reader process, sent to the supervisor. A function that takes an error returns
 * it, so that a failing stage can end with it.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/work.h"

/* Any sentence. */
void cryo_tell(
	const struct cryo_work *work, enum cryocore_severity severity, int error, const char *text);

/* The target refused an operation ("read it"). */
int cryo_tell_refused(const struct cryo_work *work, int error, const char *what);

/* An output file could not be made. */
int cryo_tell_output(const struct cryo_work *work, int error, const char *path);

/* The core could not be written to its end. */
int cryo_tell_core(struct cryo_work *work, int error);

/* Count the threads that were not stopped. 0, or -EBUSY and words if the request forbids them. */
int cryo_tell_registers(struct cryo_work *work);

/* What is missing from a core that was written. */
void cryo_tell_shortcomings(const struct cryo_work *work);
