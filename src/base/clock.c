// SPDX-License-Identifier: MIT
/*
 * One number for a point in time keeps every wait in the program comparable with every other.
 */
#include "base/clock.h"

#include <limits.h>

uint64_t cryo_clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return 0;
	return (uint64_t)now.tv_sec * CRYO_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t cryo_clock_missed(uint64_t *last, uint64_t usual)
{
	uint64_t now = cryo_now(), took = now - *last;

	*last = now;
	return took > usual ? took - usual : 0;
}

int cryo_deadline_poll_ms(uint64_t deadline)
{
	uint64_t now = cryo_now(), ms;

	if (deadline <= now)
		return 0;
	ms = (deadline - now - 1) / CRYO_NSEC_PER_MSEC + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}
