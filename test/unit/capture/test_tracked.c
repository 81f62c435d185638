// SPDX-License-Identifier: MIT
/* The list of mappings without what tracking shows in it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "capture/tracked.h"

enum {
	PAGE = 4096,
	WRITABLE = CRYO_VM_READ | CRYO_VM_WRITE,
	TRACKED = WRITABLE | CRYO_VM_UFFD,
};

/* A mapping: pages from @start to @end, @own of which it has. */
struct piece {
	uint64_t start, end, own;
	uint32_t flags;
	const char *name;
	enum cryo_vma_kind kind;
};

static void check(const struct cryo_extent *ranges, size_t n_ranges, const struct piece *before,
	size_t n_before, const struct piece *after, size_t n_after)
{
	struct cryo_process process = {.n_vmas = n_before};
	struct cryo_extent bytes[4];
	struct cryo_page_set ours;

	process.vmas = calloc(n_before, sizeof(*process.vmas));
	for (size_t i = 0; i < n_before; i++)
		process.vmas[i] = (struct cryo_vma){.start = before[i].start * PAGE,
			.end = before[i].end * PAGE,
			.flags = before[i].flags,
			.kind = before[i].kind,
			.anonymous = before[i].own * PAGE,
			.rss = before[i].own * PAGE,
			.name = before[i].name ? strdup(before[i].name) : NULL};
	for (size_t i = 0; i < n_ranges; i++)
		bytes[i] = (struct cryo_extent){ranges[i].start * PAGE, ranges[i].end * PAGE};
	cr_assert_eq(cryo_page_set_make(bytes, n_ranges, PAGE, &ours), 0);
	cryo_tracked_clean(&process, &ours);
	cr_assert_eq(process.n_vmas, n_after);
	for (size_t i = 0; i < n_after; i++) {
		const struct cryo_vma *vma = &process.vmas[i];

		cr_expect_eq(vma->start, after[i].start * PAGE);
		cr_expect_eq(vma->end, after[i].end * PAGE);
		cr_expect_eq(vma->flags, after[i].flags);
		cr_expect_eq(vma->anonymous, after[i].own * PAGE);
		cr_expect_eq(vma->rss, after[i].own * PAGE);
	}
	cryo_page_set_clear(&ours);
	cryo_process_clear(&process);
}

#define CHECK(ranges, before, after)                                                               \
	check(ranges, ARRAY_SIZE(ranges), before, ARRAY_SIZE(before), after, ARRAY_SIZE(after))

static const struct cryo_extent one_range[] = {{10, 20}};
static const struct cryo_extent two_ranges[] = {{10, 20}, {30, 40}};

Test(tracked, flag_of_ours_only)
{
	const struct piece before[] = {{10, 20, 5, TRACKED}, {50, 60, 5, TRACKED}};
	const struct piece after[] = {{10, 20, 5, WRITABLE}, {50, 60, 5, TRACKED}};

	CHECK(one_range, before, after);
}

Test(tracked, unused_neighbours_join)
{
	const struct piece before[] = {
		{5, 10, 0, WRITABLE}, {10, 20, 5, TRACKED}, {20, 30, 0, WRITABLE}};
	const struct piece after[] = {{5, 30, 5, WRITABLE}};

	CHECK(one_range, before, after);
}

Test(tracked, used_neighbours_stay_apart)
{
	const struct piece before[] = {
		{5, 10, 1, WRITABLE}, {10, 20, 5, TRACKED}, {20, 30, 2, WRITABLE}};
	const struct piece after[] = {
		{5, 10, 1, WRITABLE}, {10, 20, 5, WRITABLE}, {20, 30, 2, WRITABLE}};

	CHECK(one_range, before, after);
}

Test(tracked, heap_that_grew)
{
	const struct piece before[] = {
		{10, 20, 5, TRACKED, "[heap]"}, {20, 30, 0, WRITABLE, "[heap]"}};
	const struct piece after[] = {{10, 30, 5, WRITABLE}};

	CHECK(one_range, before, after);
}

Test(tracked, what_differs_stays_apart)
{
	const struct piece before[] = {{5, 10, 0, WRITABLE | CRYO_VM_DONTDUMP},
		{10, 20, 5, TRACKED}, {20, 30, 0, WRITABLE | CRYO_VM_HUGEPAGE}};
	const struct piece named[] = {
		{10, 20, 5, TRACKED, "[anon:a]"}, {20, 30, 0, WRITABLE, "[anon:b]"}};
	const struct piece with_file[] = {
		{10, 20, 5, TRACKED}, {20, 30, 0, WRITABLE, "/file", CRYO_VMA_FILE}};
	const struct piece afar[] = {{10, 20, 5, TRACKED}, {21, 30, 0, WRITABLE}};
	const struct piece after_before[] = {{5, 10, 0, WRITABLE | CRYO_VM_DONTDUMP},
		{10, 20, 5, WRITABLE}, {20, 30, 0, WRITABLE | CRYO_VM_HUGEPAGE}};
	const struct piece after[] = {{10, 20, 5, WRITABLE}, {20, 30, 0, WRITABLE}};
	const struct piece after_afar[] = {{10, 20, 5, WRITABLE}, {21, 30, 0, WRITABLE}};

	CHECK(one_range, before, after_before);
	CHECK(one_range, named, after);
	CHECK(one_range, with_file, after);
	CHECK(one_range, afar, after_afar);
}

Test(tracked, untracked_neighbours_are_left_alone)
{
	const struct piece before[] = {{50, 60, 0, WRITABLE}, {60, 70, 0, WRITABLE}};

	CHECK(one_range, before, before);
}

Test(tracked, hole_that_was_mapped_anew)
{
	const struct piece before[] = {
		{10, 13, 3, TRACKED}, {13, 15, 0, WRITABLE}, {15, 20, 5, TRACKED}};
	const struct piece used[] = {
		{10, 13, 3, TRACKED}, {13, 15, 1, WRITABLE}, {15, 20, 5, TRACKED}};
	const struct piece after[] = {{10, 20, 8, WRITABLE}};
	const struct piece after_used[] = {
		{10, 13, 3, WRITABLE}, {13, 15, 1, WRITABLE}, {15, 20, 5, WRITABLE}};

	CHECK(one_range, before, after);
	CHECK(one_range, used, after_used);
}

Test(tracked, two_tracked_ones_stay_two)
{
	const struct piece before[] = {
		{10, 20, 5, TRACKED}, {20, 30, 0, WRITABLE}, {30, 40, 5, TRACKED}};
	const struct piece after[] = {{10, 30, 5, WRITABLE}, {30, 40, 5, WRITABLE}};
	const struct piece side_by_side[] = {{10, 15, 5, TRACKED}, {15, 20, 5, TRACKED}};
	const struct piece after_side[] = {{10, 15, 5, WRITABLE}, {15, 20, 5, WRITABLE}};

	CHECK(two_ranges, before, after);
	CHECK(one_range, side_by_side, after_side);
}

Test(tracked, stack_that_grew_downwards)
{
	const struct piece before[] = {{8, 20, 5, TRACKED, "[stack]"}};
	const struct piece after[] = {{8, 20, 5, WRITABLE}};

	CHECK(one_range, before, after);
}
