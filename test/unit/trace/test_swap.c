// SPDX-License-Identifier: MIT
#include "trace/swap.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "trace/memory.h"

/* Bits of an entry of pagemap. */
#define SWAPPED (1ULL << 62)
#define PRESENT (1ULL << 63)

/* A memory whose pagemap is a file that begins with these entries. */
static struct cryo_memory memory_of(const uint64_t *entries, size_t count)
{
	struct cryo_memory memory = CRYO_MEMORY_NONE;

	memory.page_size = 4096;
	memory.pagemap = memfd_create("pagemap", MFD_CLOEXEC);
	cr_assert_eq(write(memory.pagemap, entries, count * sizeof(*entries)),
		(ssize_t)(count * sizeof(*entries)));
	return memory;
}

static bool is_range(const struct iovec *range, uint64_t page, uint64_t pages)
{
	return (uint64_t)(uintptr_t)range->iov_base == page * 4096 &&
	       range->iov_len == pages * 4096;
}

Test(swap, finds_runs_of_pages)
{
	static const uint64_t entries[] = {
		SWAPPED, SWAPPED | 7, PRESENT, 0, SWAPPED, PRESENT, SWAPPED};
	_cleanup_memory_ struct cryo_memory memory = memory_of(entries, ARRAY_SIZE(entries));
	struct iovec ranges[7];

	cr_assert_eq(cryo_swap_find(&memory, 0, 7 * 4096, ranges), 3);
	cr_assert(is_range(&ranges[0], 0, 2));
	cr_assert(is_range(&ranges[1], 4, 1));
	cr_assert(is_range(&ranges[2], 6, 1));
	cr_assert_eq(cryo_swap_find(&memory, 4096, 4 * 4096, ranges), 1, "only those asked for");
	cr_assert(is_range(&ranges[0], 1, 1));
	cr_assert_eq(cryo_swap_find(&memory, 2 * 4096, 4 * 4096, ranges), 0);
}

Test(swap, looks_at_more_than_one_block)
{
	uint64_t entries[300] = {[127] = SWAPPED, [128] = SWAPPED, [299] = SWAPPED};
	_cleanup_memory_ struct cryo_memory memory = memory_of(entries, ARRAY_SIZE(entries));
	struct iovec ranges[300];

	cr_assert_eq(cryo_swap_find(&memory, 0, 300 * 4096, ranges), 2);
	cr_assert(is_range(&ranges[0], 127, 2));
	cr_assert(is_range(&ranges[1], 299, 1));
}

Test(swap, knows_nothing_where_pagemap_ends)
{
	static const uint64_t entries[] = {SWAPPED};
	_cleanup_memory_ struct cryo_memory memory = memory_of(entries, ARRAY_SIZE(entries));
	struct iovec ranges[200];

	cr_assert_eq(cryo_swap_find(&memory, 0, 200 * 4096, ranges), 1);
	cr_assert_eq(cryo_swap_find(&memory, 4096, 200 * 4096, ranges), 0);
}

Test(swap, counts_what_cannot_be_put_back)
{
	struct cryo_swap nobody = {.pidfd = -1};
	const struct iovec ranges[] = {{(void *)4096, 8192}, {(void *)40960, 4096}};

	cryo_swap_put_back(&nobody, ranges, 0);
	cr_assert_eq(nobody.bytes_left, 0);
	cryo_swap_put_back(&nobody, ranges, ARRAY_SIZE(ranges));
	cr_assert_eq(nobody.bytes_left, 12288);
}
