// SPDX-License-Identifier: MIT
/*
 * A thread that executes another program while the others are being stopped becomes the leader: it
 * takes the leader's tid. Then what is known of that tid is of a thread that there is no more.
 * Inside of stop.c.
 */
#pragma once

#include "capture/stop.h"

/* When all threads are known: whether what is known of the leader is not true any more, or a thread
 * lives that was not found when it was to be stopped. */
bool cryo_stop_is_stale(const struct cryo_identity *identity, struct cryo_stopped *stopped,
	struct cryo_buffer *records);

/**
 * cryo_stop_again - forget what was read, and who is gone.
 *
 * Threads that are still ours are as if they had just been asked to stop. Returns whether to begin
 * again; not if it was done too often: then none of them counts as held.
 */
bool cryo_stop_again(const struct cryo_identity *identity, struct cryo_stopped *stopped,
	struct cryo_buffer *records);
