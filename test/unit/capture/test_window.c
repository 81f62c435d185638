// SPDX-License-Identifier: MIT
/* Which bytes of an image are worth writing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "capture/window.h"

enum {
	PAGE = 4096,
	PAGES = 16
};

/* Pages with a byte in them are those of the text that are not '.'; the runs as "from-to ". */
static const char *runs_of(const char *pages, size_t hole)
{
	static uint8_t image[PAGES * PAGE];
	static char text[PAGES * 8];
	size_t size = strlen(pages) * PAGE, start, end = 0, used = 0;

	memset(image, 0, sizeof(image));
	for (size_t i = 0; pages[i]; i++)
		if (pages[i] != '.')
			image[i * PAGE + PAGE - 1] = 1; /* the last byte counts too */
	text[0] = 0;
	while (cryo_window_next_run(image, size, PAGE, hole, end, &start, &end))
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%zu-%zu ", start / PAGE, end / PAGE);
	return text;
}

Test(window, every_page_of_zeros_is_left_out)
{
	cr_assert_str_eq(runs_of("..xx.x..x", 1), "2-4 5-6 8-9 ");
	cr_assert_str_eq(runs_of("..xx.x..x", PAGE), "2-4 5-6 8-9 ");
	cr_assert_str_eq(runs_of("xxxx", PAGE), "0-4 ");
	cr_assert_str_eq(runs_of("....", PAGE), "");
}

Test(window, small_holes_belong_to_the_run)
{
	cr_assert_str_eq(runs_of("..xx.x..x", 2 * PAGE), "2-6 8-9 ");
	cr_assert_str_eq(runs_of("x.x.x...x..", 3 * PAGE), "0-5 8-9 ");
	cr_assert_str_eq(runs_of("x..x", 3 * PAGE), "0-4 ");
	cr_assert_str_eq(runs_of("....", 2 * PAGE), "");
}
