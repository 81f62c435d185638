// SPDX-License-Identifier: MIT
/* Which files are written through the page cache, and what a slow disk changes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/dropbehind.h"

#define MIB (1ULL << 20)

Test(dropbehind, only_what_is_large_for_the_machine)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	struct cryo_dropbehind behind = {0};

	cryo_dropbehind_expect(&behind, memory / 16);
	cr_assert_not(behind.wanted);
	cryo_dropbehind_expect(&behind, memory / 4);
	cr_assert(behind.wanted);
}

Test(dropbehind, a_disk_as_fast_as_memory_is_not_slow)
{
	struct cryo_dropbehind behind = {.wanted = true};

	for (int i = 0; i < 1000; i++)
		cryo_dropbehind_note(&behind, MIB, CRYO_NSEC_PER_MSEC);
	cr_assert_not(behind.is_slow);
}

Test(dropbehind, one_slow_write_among_many_says_nothing)
{
	struct cryo_dropbehind behind = {.wanted = true};

	for (int i = 0; i < 1000; i++)
		cryo_dropbehind_note(&behind, MIB, (i % 32 == 5 ? 50 : 1) * CRYO_NSEC_PER_MSEC);
	cr_assert_not(behind.is_slow);
}

Test(dropbehind, a_slow_disk_leaves_the_rest_to_the_page_cache)
{
	struct cryo_dropbehind behind = {.wanted = true};

	for (int i = 0; i < 31; i++) {
		cryo_dropbehind_note(&behind, MIB, 10 * CRYO_NSEC_PER_MSEC);
		cr_assert_not(behind.is_slow, "too little was seen");
	}
	cryo_dropbehind_note(&behind, MIB, 10 * CRYO_NSEC_PER_MSEC);
	cr_assert(behind.is_slow);
	cr_assert(behind.wanted, "it is large all the same");
}

static void write_both_ways(bool is_slow)
{
	char path[] = "/var/tmp/cryocore-dropbehind-XXXXXX", text[5] = "";
	struct cryo_dropbehind behind = {.wanted = true, .is_slow = is_slow};
	int fd = mkstemp(path);
	ssize_t n;

	cr_assert_geq(fd, 0);
	unlink(path);
	n = cryo_dropbehind_write(&behind, fd, "core", 4, 4096);
	if (n < 0) { /* an old kernel, or tmpfs: the caller goes on with pwrite(2) */
		cr_assert_not(is_slow);
		cr_assert(errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS);
		cr_assert_not(behind.wanted);
	} else {
		cr_assert_eq(n, 4);
		cr_assert_eq(pread(fd, text, sizeof(text), 4096), 4);
		cr_assert_str_eq(text, "core");
	}
	close(fd);
}

Test(dropbehind, writes)
{
	write_both_ways(false);
	write_both_ways(true);
}

Test(dropbehind, an_error_is_told_and_ends_it)
{
	struct cryo_dropbehind behind = {.wanted = true};

	cr_assert_eq(cryo_dropbehind_write(&behind, -1, "core", 4, 0), -1);
	cr_assert_eq(errno, EBADF);
	cr_assert_not(behind.wanted);
}
