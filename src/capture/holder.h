// SPDX-License-Identifier: MIT
/*
 * A process that stands in the ptrace-stop of another tracer stays there as long as that tracer
 * stands still. So the tracer is stopped, in the way in which targets are (no signal, nobody is
 * told), for the time of the capture: then nothing changes although we hold not one of its threads.
 *
 * For the tracer process only.
 */
#pragma once

#include "capture/request.h"
#include "capture/stop.h"

/**
 * struct cryo_holder - the process of another tracer, held by us.
 * @tracer: its thread that traces the target; 0: nobody is held
 */
struct cryo_holder {
	pid_t tracer;
	struct cryo_identity identity;
	struct cryo_stopped stopped;
};

#define CRYO_HOLDER_NONE ((struct cryo_holder){.identity = CRYO_IDENTITY_NONE})

/**
 * cryo_holder_take - hold the tracer in whose ptrace-stop all threads stand that we do not hold.
 * @stopped: the target
 * @deadline: of the capture; it takes half a second at most
 *
 * Not held is one whose tracee runs, which would go on; one that cannot be stopped as a whole; our
 * own ancestors and children, who may be waited for; another cryocore; and, with borrowed
 * privileges, a process of somebody else. The holder must be released in any case.
 */
void cryo_holder_take(const struct cryo_request *request, const struct cryo_stopped *stopped,
	uint64_t deadline, struct cryo_holder *holder);

/* The tracer that is held, if all these threads still stand in its ptrace-stop; else 0. */
pid_t cryo_holder_ask(const struct cryo_request *request, const struct cryo_stopped *stopped,
	const struct cryo_holder *holder);

void cryo_holder_release(struct cryo_holder *holder);
