// SPDX-License-Identifier: MIT
/* What is a number, what is none, and what does not fit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"

static const struct {
	const char *text;
	unsigned int base;
	int r;
	uint64_t number;
} cases[] = {
	{"0", 10, 0, 0},
	{"007", 10, 0, 7},
	{"18446744073709551615", 10, 0, UINT64_MAX},
	{"18446744073709551616", 10, -ERANGE, 0},
	{"99999999999999999999999", 10, -ERANGE, 0},
	{"ffffffffffffffff", 16, 0, UINT64_MAX},
	{"FFffFFff", 16, 0, 0xffffffff},
	{"10000000000000000", 16, -ERANGE, 0},
	{"777", 8, 0, 0777},
	{"8", 8, -EINVAL, 0},
	{"", 10, -EINVAL, 0},
	{"-1", 10, -EINVAL, 0},
	{"+1", 10, -EINVAL, 0},
	{" 1", 10, -EINVAL, 0},
	{"1 ", 10, -EINVAL, 0},
	{"0x10", 16, -EINVAL, 0},
	{"1a", 10, -EINVAL, 0},
};

Test(number, parses_whole_strings)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t number = 4711;
		int r = cryo_number_parse(cases[i].text, cases[i].base, &number);

		cr_assert_eq(r, cases[i].r, "'%s'", cases[i].text);
		cr_assert_eq(number, r < 0 ? 4711 : cases[i].number, "'%s'", cases[i].text);
	}
}

Test(number, a_pid_is_positive_and_fits)
{
	pid_t pid = -7;

	cr_assert_eq(cryo_number_parse_pid("0", &pid), -EINVAL);
	cr_assert_eq(cryo_number_parse_pid("-1", &pid), -EINVAL);
	cr_assert_eq(cryo_number_parse_pid("2147483648", &pid), -ERANGE);
	cr_assert_eq(cryo_number_parse_pid("4294967297", &pid), -ERANGE);
	cr_assert_eq(pid, -7);
	cr_assert_eq(cryo_number_parse_pid("2147483647", &pid), 0);
	cr_assert_eq(pid, 2147483647);
}

Test(number, scan_stops_at_the_end_that_it_was_told)
{
	const char text[] = "12345", *at = text;
	uint64_t number;

	cr_assert(cryo_number_scan(&at, text + 3, 10, &number));
	cr_assert_eq(number, 123);
	cr_assert_eq(at, text + 3);
	cr_assert_not(cryo_number_scan(&at, text + 3, 10, &number));
	cr_assert_eq(at, text + 3);
}

Test(number, scan_skips_blanks_and_stops_at_the_first_other_byte)
{
	const char text[] = " \t 7f-80", *at = text, *end = text + strlen(text);
	uint64_t number;

	cr_assert(cryo_number_scan(&at, end, 16, &number));
	cr_assert_eq(number, 0x7f);
	cr_assert_eq(*at, '-');
	cr_assert_not(cryo_number_scan(&at, end, 16, &number));
}

Test(number, scan_leaves_everything_alone_when_it_fails)
{
	const char text[] = "  18446744073709551616", *at = text;
	uint64_t number = 4711;

	cr_assert_not(cryo_number_scan(&at, text + strlen(text), 10, &number));
	cr_assert_eq(at, text);
	cr_assert_eq(number, 4711);
}
