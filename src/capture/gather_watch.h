// SPDX-License-Identifier: MIT
/*
 * A collection onto a file system that somebody serves, who may stop answering amid of it.
 *
 * Threads collect, and the caller waits for them and asks the server now and then. If there is no
 * answer for too long, nothing more is begun, what is being captured is given back, and the caller
 * leaves the collection with the threads that never come back; from then on messages and result are
 * the caller's alone. Nothing of the collection is freed then.
 */
#pragma once

#include "capture/gather_state.h"

/**
 * cryo_gather_watch - collect, in another thread.
 * @collect: what is to be done with @gather
 *
 * Returns true when it has been done; false: the collection is left.
 */
bool cryo_gather_watch(struct cryo_gather *gather, void *(*collect)(void *gather));

/*
 * Around what holds a process, or changes what the caller would look at, and comes to an end by
 * itself whatever the server does. cryo_gather_enter() returns false if it must not be begun any
 * more.
 */
bool cryo_gather_enter(struct cryo_gather *gather);
void cryo_gather_leave(struct cryo_gather *gather);

/* The caller's part in the end of a collection that is left: give back, and tell what there is. */
void cryo_gather_abandon(struct cryo_gather *gather);
