// SPDX-License-Identifier: MIT
/*
 * When a collection is over before its end.
 */
#pragma once

#include "capture/gather_state.h"

bool cryo_gather_is_cancelled(const struct cryo_gather *gather);

/* Whether nothing more is to be read: 0, -ECANCELED or -ETIME. */
int cryo_gather_is_over(const struct cryo_gather *gather);

/* Milliseconds for the next capture: its own limit, or what is left of that for all; 0: no limit.
 */
uint64_t cryo_gather_capture_ms(const struct cryo_gather *gather);
