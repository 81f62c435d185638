// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int n_syncs;
static off_t synced;

/* A disk of less than 8 MiB/s. */
int fdatasync(int fd)
{
	struct stat found;

	n_syncs++;
	if (fstat(fd, &found) == 0)
		synced += found.st_size;
	usleep(510 * 1000);
	return 0;
}

Test(estimate, a_very_slow_disk_is_asked_for_little)
{
	char path[] = "/var/tmp/cryocore-estimate-XXXXXX";
	const struct cryo_inspector inspector = {
		.expected = 2 * cryo_dropbehind_share(), .n_threads = 1};
	struct cryo_output output = {.fd = mkstemp(path), .dir = -1};

	cr_assert_geq(output.fd, 0);
	unlink(path);
	cr_assert_gt(cryo_estimate_pause(&inspector, &output), 0);
	cr_assert_eq(n_syncs, 1);
	cr_assert_eq(synced, (off_t)(4 * mib));
	close(output.fd);
}
