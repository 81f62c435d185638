// SPDX-License-Identifier: MIT
/*
 * Release, on the side of the reader: it asks the tracer, which releases (capture/stop.h).
 */
#pragma once

#include "capture/work.h"

/* Let the target go on; nobody waits for that. */
void cryo_release_ask(struct cryo_work *work);

/* Hear how it went, and say it if it had not stood still until then. */
void cryo_release_hear(struct cryo_work *work);
