// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>

#include "trace/page_set.h"

enum {
	PAGE = 4096
};

static struct cryo_page_set make(void)
{
	static const struct cryo_extent ranges[] = {
		{0x10000, 0x10000 + 200 * PAGE}, {0x1000000, 0x1000000 + 3 * PAGE}};
	struct cryo_page_set set = {0};

	cr_assert_eq(cryo_page_set_make(ranges, 2, PAGE, &set), 0);
	return set;
}

static uint64_t count(const struct cryo_page_set *set, bool inside, uint64_t end)
{
	struct cryo_extent run = {0, 0};
	uint64_t bytes = 0;

	while (cryo_page_set_next(set, run.end, end, inside, &run)) {
		cr_assert_lt(run.start, run.end);
		bytes += run.end - run.start;
	}
	return bytes;
}

Test(page_set, runs)
{
	_cleanup_page_set_ struct cryo_page_set set = make();
	struct cryo_extent run;

	cr_assert(!cryo_page_set_next(&set, 0, UINT64_MAX, true, &run));
	cryo_page_set_add(&set, 0x10000 + 5 * PAGE, 0x10000 + 150 * PAGE);
	cr_assert(cryo_page_set_next(&set, 0, UINT64_MAX, true, &run));
	cr_assert_eq(run.start, 0x10000 + 5 * PAGE);
	cr_assert_eq(run.end, 0x10000 + 150 * PAGE);
	cryo_page_set_remove(&set, 0x10000 + 64 * PAGE, 0x10000 + 65 * PAGE);
	cr_assert(cryo_page_set_next(&set, 0x10000 + 6 * PAGE, UINT64_MAX, true, &run));
	cr_assert_eq(run.start, 0x10000 + 6 * PAGE);
	cr_assert_eq(run.end, 0x10000 + 64 * PAGE);
	cr_assert(cryo_page_set_next(&set, run.end, UINT64_MAX, false, &run));
	cr_assert_eq(run.end - run.start, PAGE);
	cr_assert(!cryo_page_set_has(&set, 0x10000 + 64 * PAGE));
	cr_assert(cryo_page_set_has(&set, 0x10000 + 65 * PAGE));
}

Test(page_set, what_is_in_no_range_is_not_in_it)
{
	_cleanup_page_set_ struct cryo_page_set set = make();

	cryo_page_set_add(&set, 0, UINT64_MAX);
	cr_assert_eq(count(&set, true, 0x2000000), 203 * PAGE);
	cr_assert_eq(count(&set, false, 0x2000000), 0x2000000 - 203 * PAGE);
	cr_assert(!cryo_page_set_has(&set, 0x10000 - PAGE));
	cr_assert(!cryo_page_set_has(&set, 0x10000 + 200 * PAGE));
	cryo_page_set_remove(&set, 0, UINT64_MAX);
	cr_assert_eq(count(&set, true, 0x2000000), 0);
}

Test(page_set, every_page_by_itself)
{
	_cleanup_page_set_ struct cryo_page_set set = make();

	for (uint64_t i = 0; i < 200; i += 3)
		cryo_page_set_add(&set, 0x10000 + i * PAGE, 0x10000 + (i + 1) * PAGE);
	cr_assert_eq(count(&set, true, UINT64_MAX), 67 * PAGE);
	for (uint64_t i = 0; i < 200; i++)
		cr_assert_eq(cryo_page_set_has(&set, 0x10000 + i * PAGE), i % 3 == 0);
}
