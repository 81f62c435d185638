// SPDX-License-Identifier: MIT
/*
 * The end of a collection: the manifest, and what is said of the whole.
 */
#pragma once

#include "capture/gather_state.h"

/* Write the manifest, end the stream, and fill the result. */
void cryo_gather_end(struct cryo_gather *gather);

/* The messages, and the worst of them, belong to the result. */
void cryo_gather_hand_over(struct cryo_gather *gather);
