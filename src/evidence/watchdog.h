// SPDX-License-Identifier: MIT
/*
 * A child that may hang where a target or a file server wants it to: it is watched, and killed when
 * it shows no sign of life.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

enum {
	CRYO_WATCHDOG_POLL_MS = 50 /* between looks at the signs of life */
};

/* That a look and the next one lie apart, unless we were stopped ourselves in between. */
#define CRYO_WATCHDOG_USUAL_NS (4 * CRYO_WATCHDOG_POLL_MS * CRYO_NSEC_PER_MSEC)

/**
 * struct cryo_watchdog - how a child is watched.
 * @progress: a number that changes while the child moves
 * @stall_ms: it is killed after so long without a change
 * @cancel: if not NULL and not 0, it is killed
 */
struct cryo_watchdog {
	uint64_t (*progress)(void *user);
	void *user;
	unsigned int stall_ms;
	const volatile int *cancel;
};

/**
 * cryo_watchdog_fork - fork a child that ends with us.
 * @kept: @count descriptors that it needs; for the rest see proc/inherited.h
 *
 * As fork(2): 0 in the child, its pid in the parent, or -errno.
 */
pid_t cryo_watchdog_fork(const int *kept, size_t count);

/**
 * cryo_watchdog_wait - wait for the end of a child.
 * @ret_status: as waitpid(2) gives it
 *
 * Returns 0; -ETIMEDOUT or -ECANCELED: it was killed. One that cannot be killed (it hangs in the
 * kernel) is left behind.
 */
int cryo_watchdog_wait(const struct cryo_watchdog *watchdog, pid_t child, int *ret_status);
