// SPDX-License-Identifier: MIT
/*
 * What is run in the target for a snapshot, while all its threads are held. For the tracer only.
 */
#pragma once

#include "capture/request.h"
#include "capture/stop.h"

/**
 * cryo_implant_userfaultfd - make a userfaultfd in the target and take it over.
 *
 * userfaultfd(2) and close(2) are run in it; the descriptor is ours alone when this returns. A
 * descriptor, or -errno: what cryo_inject_begin() says of the thread that came nearest, -EPROTO if
 * a call did not come to its end, or the error of a call.
 */
int cryo_implant_userfaultfd(const struct cryo_request *request, const struct cryo_site *site,
	struct cryo_stopped *stopped);

/**
 * cryo_implant_copy - make a copy of the target that never runs.
 * @duplicate: told its pid as soon as there is one
 *
 * One clone(2) without an exit signal: its parent is not told of it and does not find it. It dies
 * with the calling process. 0 or -errno as above; -ECHILD if a thread would find it.
 */
int cryo_implant_copy(
	const struct cryo_site *site, _Atomic int32_t *duplicate, struct cryo_stopped *stopped);

/* Kill the copy, if there is one, whoever traces it; then there is nothing of it but a zombie. */
void cryo_implant_end_copy(const _Atomic int32_t *duplicate, int procfs);

/* Have the target wait for the zombie. 0 or -errno as above. */
int cryo_implant_reap_copy(const struct cryo_site *site, _Atomic int32_t *duplicate, int procfs,
	struct cryo_stopped *stopped);
