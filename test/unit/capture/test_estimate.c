// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>

#include "capture/estimate.h"

Test(estimate, grows_with_memory_and_threads)
{
	const uint64_t mib = 1 << 20, ms = 1000 * 1000;
	uint64_t small = cryo_estimate_from(0, 1, 4 * mib, ms, 2 * ms);
	uint64_t held = cryo_estimate_from(12 * mib, 1, 4 * mib, ms, 2 * ms);
	uint64_t large = cryo_estimate_from(4096 * mib, 1, 4 * mib, ms, 2 * ms);

	cr_assert_lt(small, 2 * ms);
	cr_assert_eq(held - small, 2 * ms, "what is held is only read, by two");
	cr_assert_gt(large, 2000 * ms);
	cr_assert_lt(large, 2100 * ms);
	cr_assert_gt(cryo_estimate_from(0, 1000, 4 * mib, ms, ms), small + 15 * ms);
}
