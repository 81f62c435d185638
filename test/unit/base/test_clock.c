// SPDX-License-Identifier: MIT
/* Order and limits of times; no test here waits. */
#include <criterion/criterion.h>
#include <limits.h>

#include "base/clock.h"

Test(clock, never_runs_backwards)
{
	uint64_t last = cryo_now();

	cr_assert_gt(last, 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t now = cryo_now();

		cr_assert_geq(now, last);
		last = now;
	}
}

Test(clock, says_zero_for_a_clock_that_does_not_exist)
{
	cr_assert_eq(cryo_clock_ns(12345), 0);
}

Test(clock, knows_what_was_missed)
{
	uint64_t begin = cryo_now(), last = begin - 10 * CRYO_NSEC_PER_SEC;

	cr_assert_geq(cryo_clock_missed(&last, CRYO_NSEC_PER_SEC), 9 * CRYO_NSEC_PER_SEC);
	cr_assert_geq(last, begin);
	cr_assert_eq(cryo_clock_missed(&last, UINT64_MAX), 0);
}

Test(clock, a_deadline_that_passed_waits_for_nothing)
{
	cr_assert_eq(cryo_deadline_poll_ms(0), 0);
	cr_assert_eq(cryo_deadline_poll_ms(cryo_now()), 0);
}

Test(clock, a_deadline_in_the_future_is_rounded_up)
{
	int ms = cryo_deadline_poll_ms(cryo_now() + 3600 * CRYO_NSEC_PER_SEC);

	cr_assert_gt(ms, 0);
	cr_assert_leq(ms, 3600 * 1000);
}

Test(clock, a_deadline_that_never_comes_fits_an_int)
{
	cr_assert_eq(cryo_deadline_poll_ms(UINT64_MAX), INT_MAX);
}

Test(clock, a_span_that_is_too_long_can_be_added)
{
	cr_assert_eq(cryo_ns_of_ms(0), 0);
	cr_assert_eq(cryo_ns_of_ms(30000), 30 * CRYO_NSEC_PER_SEC);
	cr_assert_eq(cryo_ns_of_ms(INT64_MAX / CRYO_NSEC_PER_MSEC - 1),
		(INT64_MAX / CRYO_NSEC_PER_MSEC - 1) * CRYO_NSEC_PER_MSEC);
	cr_assert_eq(cryo_ns_of_ms(INT64_MAX / CRYO_NSEC_PER_MSEC), INT64_MAX);
	cr_assert_eq(cryo_ns_of_ms(UINT64_MAX), INT64_MAX);
	cr_assert_gt(cryo_now() + cryo_ns_of_ms(UINT64_MAX), cryo_now());
}
