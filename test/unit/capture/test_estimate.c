// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>

#include "capture/estimate.h"

static const uint64_t mib = 1 << 20, ms = 1000 * 1000;

Test(estimate, grows_with_memory_and_threads)
{
	const struct cryo_rates rates = {.sample = 4 * mib, .read_ns = ms, .write_ns = 2 * ms};
	uint64_t small = cryo_estimate_from(0, 0, 1, &rates);
	uint64_t held = cryo_estimate_from(12 * mib, 0, 1, &rates);
	uint64_t large = cryo_estimate_from(4096 * mib, 0, 1, &rates);

	cr_assert_lt(small, 2 * ms);
	cr_assert_eq(held - small, 2 * ms, "what is held is only read, by two");
	cr_assert_gt(large, 2000 * ms);
	cr_assert_lt(large, 2100 * ms);
	cr_assert_gt(cryo_estimate_from(0, 0, 1000, &rates), small + 15 * ms);
}

Test(estimate, waits_for_a_slow_disk_only)
{
	struct cryo_rates rates = {.sample = 4 * mib, .read_ns = ms, .write_ns = 2 * ms};
	uint64_t memory = cryo_estimate_from(4096 * mib, 1024 * mib, 1, &rates);

	rates.disk_ns = 2 * ms;
	cr_assert_eq(cryo_estimate_from(4096 * mib, 1024 * mib, 1, &rates), memory);
	rates.disk_ns = 40 * ms; /* 100 MiB/s */
	cr_assert_gt(cryo_estimate_from(4096 * mib, 1024 * mib, 1, &rates), memory + 9000 * ms);
	cr_assert_eq(cryo_estimate_from(4096 * mib, 0, 1, &rates), memory);
}
