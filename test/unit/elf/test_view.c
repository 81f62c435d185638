// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "elf/view.h"

enum {
	PAGE = CRYO_VIEW_PAGE
};

/* Memory that is one byte, from an address to another; it counts how often it is asked. */
struct band {
	struct cryo_view view;
	uint64_t start, end;
	char byte;
	int asked;
	int error;
};

static ssize_t read_band(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct band *band = (struct band *)view;

	band->asked++;
	if (band->error)
		return band->error;
	if (address < band->start || address >= band->end)
		return -EFAULT;
	if (size > band->end - address)
		size = band->end - address;
	memset(data, band->byte, size);
	return (ssize_t)size;
}

static struct band make_band(uint64_t start, uint64_t end, char byte)
{
	return (struct band){{read_band}, start, end, byte, 0, 0};
}

Test(view, reads_all_or_nothing)
{
	struct band band = make_band(100, 200, 'x');
	char data[50];

	cr_assert_eq(cryo_view_read(&band.view, 100, data, 50), 0);
	cr_assert_eq(cryo_view_read(&band.view, 150, data, 50), 0);
	cr_assert_eq(cryo_view_read(&band.view, 151, data, 50), -EFAULT);
	cr_assert_eq(cryo_view_read_some(&band.view, 151, data, 50), 49);
	cr_assert_eq(cryo_view_read_some(&band.view, 200, data, 50), 0);
	cr_assert_eq(cryo_view_read(&band.view, UINT64_MAX - 3, data, 50), -EFAULT);
}

Test(view, first_layer_wins_page_by_page)
{
	struct band upper = make_band(PAGE, 2 * PAGE, 'u'), lower = make_band(0, 4 * PAGE, 'l');
	struct cryo_view_stack stack;
	static char data[4 * PAGE];

	cr_assert_eq(cryo_view_stack_init(&stack), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &upper.view), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &lower.view), 0);
	cr_assert_eq(cryo_view_read(&stack.view, 0, data, sizeof(data)), 0);
	cr_assert_eq(data[PAGE - 1], 'l');
	cr_assert_eq(data[PAGE], 'u');
	cr_assert_eq(data[2 * PAGE - 1], 'u');
	cr_assert_eq(data[2 * PAGE], 'l');
	cryo_view_stack_clear(&stack);
}

Test(view, asks_for_a_page_once)
{
	struct band band = make_band(0, PAGE, 'x');
	struct cryo_view_stack stack;
	char byte;

	cr_assert_eq(cryo_view_stack_init(&stack), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &band.view), 0);
	for (uint64_t i = 0; i < PAGE; i++)
		cr_assert_eq(cryo_view_read(&stack.view, i, &byte, 1), 0);
	cr_assert_eq(band.asked, 1);
	cryo_view_stack_clear(&stack);
}

Test(view, page_that_begins_with_nothing)
{
	struct band band = make_band(PAGE + 100, 2 * PAGE, 'x');
	struct cryo_view_stack stack;
	char byte = 0;

	cr_assert_eq(cryo_view_stack_init(&stack), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &band.view), 0);
	cr_assert_eq(cryo_view_read(&stack.view, PAGE + 99, &byte, 1), -EFAULT);
	cr_assert_eq(cryo_view_read(&stack.view, PAGE + 100, &byte, 1), 0);
	cr_assert_eq(byte, 'x');
	cryo_view_stack_clear(&stack);
}

Test(view, an_error_is_no_gap)
{
	struct band broken = make_band(0, PAGE, 'b'), lower = make_band(0, PAGE, 'l');
	struct cryo_view_stack stack;
	char byte;

	broken.error = -EIO;
	cr_assert_eq(cryo_view_stack_init(&stack), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &broken.view), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &lower.view), 0);
	cr_assert_eq(cryo_view_read(&stack.view, 0, &byte, 1), -EIO);
	cr_assert_eq(cryo_view_stack_add(&stack, &lower.view), 0);
	cr_assert_eq(cryo_view_stack_add(&stack, &lower.view), -ENOSPC);
	cryo_view_stack_clear(&stack);
}
