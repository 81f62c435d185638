// SPDX-License-Identifier: MIT
/*
 * Time: nanoseconds in 64 bits, and deadlines on CLOCK_MONOTONIC.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define CRYO_NSEC_PER_SEC 1000000000ULL
#define CRYO_NSEC_PER_MSEC 1000000ULL

/* Nanoseconds of a clock (clock_gettime(2)); 0 if the clock does not exist. */
uint64_t cryo_clock_ns(clockid_t clock);

/* Nanoseconds of CLOCK_MONOTONIC, on which every deadline lies. */
static inline uint64_t cryo_now(void)
{
	return cryo_clock_ns(CLOCK_MONOTONIC);
}

/* A span of so many milliseconds. One that does not fit is as long as can be added to any time. */
static inline uint64_t cryo_ns_of_ms(uint64_t ms)
{
	return ms < INT64_MAX / CRYO_NSEC_PER_MSEC ? ms * CRYO_NSEC_PER_MSEC : INT64_MAX;
}

/*
 * How much longer than usual a round of who looks again and again has taken, 0 if it has not: he
 * was stopped, or had no processor, and so may have been those for whom he waits.
 * @last: when the last round was; set to now
 * @usual: nanoseconds that a round may take
 */
uint64_t cryo_clock_missed(uint64_t *last, uint64_t usual);

/* Milliseconds from now to a deadline, rounded up, as poll(2) takes them; 0 if it has passed. */
int cryo_deadline_poll_ms(uint64_t deadline);
