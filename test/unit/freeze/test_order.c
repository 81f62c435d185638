// SPDX-License-Identifier: MIT
/* Parents before children, tracers before tracees, whatever the numbers say. */
#include "freeze/order.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static size_t place(const struct cryo_row *rows, const size_t *order, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (rows[order[i]].pid == pid)
			return i;
	cr_assert_fail("pid %d is not in the order", pid);
	return 0;
}

static void check(const struct cryo_row *rows, size_t count, const pid_t (*before)[2], size_t n)
{
	size_t *order;

	cr_assert_eq(cryo_freeze_order(rows, count, &order), 0);
	for (size_t i = 0; i < n; i++)
		cr_assert_lt(place(rows, order, count, before[i][0]),
			place(rows, order, count, before[i][1]), "%d goes before %d", before[i][0],
			before[i][1]);
	free(order);
}

Test(order, is_by_depth_and_not_by_number)
{
	/* 900 is the parent of 40, which is the parent of 7; 8 is their uncle's. */
	const struct cryo_row rows[] = {{.pid = 7, .ppid = 40}, {.pid = 8, .ppid = 1},
		{.pid = 40, .ppid = 900}, {.pid = 900, .ppid = 1}};
	const pid_t before[][2] = {{900, 40}, {40, 7}, {900, 7}};

	check(rows, 4, before, 3);
}

Test(order, has_tracers_first)
{
	const struct cryo_row rows[] = {{.pid = 10, .ppid = 1, .tracer = 30},
		{.pid = 11, .ppid = 10}, {.pid = 20, .ppid = 1}, {.pid = 30, .ppid = 20}};
	const pid_t before[][2] = {{30, 10}, {20, 30}, {10, 11}, {20, 11}};

	check(rows, 4, before, 4);
}

Test(order, prefers_the_tracer_where_a_child_traces_its_parent)
{
	const struct cryo_row rows[] = {
		{.pid = 10, .ppid = 1, .tracer = 11}, {.pid = 11, .ppid = 10}};
	const pid_t before[][2] = {{11, 10}};

	check(rows, 2, before, 1);
}

Test(order, ends_in_circles_and_has_everybody_once)
{
	const struct cryo_row rows[] = {{.pid = 1, .ppid = 3, .tracer = 2},
		{.pid = 2, .ppid = 1, .tracer = 3}, {.pid = 3, .ppid = 2, .tracer = 1},
		{.pid = 4, .ppid = 4, .tracer = 4}};
	bool seen[4] = {0};
	size_t *order;

	cr_assert_eq(cryo_freeze_order(rows, 4, &order), 0);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_not(seen[order[i]]);
		seen[order[i]] = true;
	}
	free(order);
}

Test(order, of_a_chain_as_deep_as_pids_go)
{
	enum {
		COUNT = 1 << 20
	};
	struct cryo_row *rows = calloc(COUNT, sizeof(*rows));
	size_t *order;

	for (pid_t i = 0; i < COUNT; i++)
		rows[i] =
			(struct cryo_row){.pid = i + 1, .ppid = i + 2, .tracer = i % 2 ? i + 2 : 0};
	cr_assert_eq(cryo_freeze_order(rows, COUNT, &order), 0);
	for (size_t i = 0; i < COUNT; i++)
		cr_assert_eq(order[i], COUNT - 1 - i);
	free(order);
	free(rows);
}

Test(order, of_nobody)
{
	size_t *order;

	cr_assert_eq(cryo_freeze_order(NULL, 0, &order), 0);
	free(order);
}
